"""The figures' scripts: their own tests run where Node.js is, and nothing of a machine is kept."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from backprop.book.figures import embed

ROOT = Path(__file__).resolve().parents[1]


def test_the_scripts_pass_their_own_tests():
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not here: tests/js did not run (the browser checks try the same)")
    files = sorted(str(path) for path in (ROOT / "tests/js").glob("*.test.js"))
    run = subprocess.run(
        [node, "--test", *files], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert int(re.search(r"(?:#|ℹ) pass (\d+)", run.stdout)[1]) >= 19


@pytest.mark.parametrize("name", ["stepper.js", "explorer.js", "switches.js", "ravine.js"])
def test_a_script_can_stand_inside_a_page(name):
    source = embed.source(name)
    assert "</" not in source and "<!--" not in source
    assert not re.search(r"^import\b", source, re.MULTILINE), "nothing is loaded"


def test_data_cannot_end_its_element():
    html = embed.figure("explorer", "x", "t", "", {"a": "</script><!--", "b": "é"})
    text = re.search(r'<script type="application/json">(.*?)</script>', html)[1]
    assert json.loads(text) == {"a": "</script><!--", "b": "é"}


def test_the_lock_names_no_host():
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert len(packages) > 10
    assert not [name for name, package in packages.items() if "resolved" in package]
    assert all("integrity" in package for name, package in packages.items() if name)
