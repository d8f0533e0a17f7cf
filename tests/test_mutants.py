"""The planted mistakes can still be planted, and the tool that plants them judges rightly."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import mutants as tool  # noqa: E402

MUTANTS = tool.mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_can_be_planted_and_its_tests_exist(mutant):
    changed = mutant.applied(ROOT)
    if mutant.file.endswith(".py"):
        compile(changed, mutant.file, "exec")
    assert mutant.what and all((ROOT / t.split("::")[0]).exists() for t in mutant.tests)


def test_words_that_stand_twice_are_refused():
    with pytest.raises(ValueError, match="times in"):
        replace(MUTANTS[0], old="self").applied(ROOT)


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "sum.py").write_text("def double(x):\n    return x + x\n")
    (tmp_path / "test_sum.py").write_text(
        "from sum import double\ndef test_three(): assert double(3) == 6\n"
    )
    return tmp_path


def planted(old, new):
    return tool.Mutant("a", "sum.py", old, new, ["test_sum.py"], "what")


def test_a_mistake_that_a_test_sees_is_caught_and_taken_out_again(copy):
    outcome = tool.tried(planted("x + x", "x * x"), copy)
    assert outcome.caught and outcome.failed == ["test_sum.py::test_three"]
    assert "x + x" in (copy / "sum.py").read_text()


def test_a_mistake_that_no_test_sees_survives(copy):
    outcome = tool.tried(planted("x + x", "2 * x"), copy)
    assert not outcome.caught and outcome.failed == []


def test_a_run_without_any_test_is_an_error_of_the_description(copy):
    with pytest.raises(RuntimeError, match="pytest ended with"):
        tool.tried(replace(planted("x + x", "x * x"), tests=["test_absent.py"]), copy)


def test_the_command_fails_where_a_mistake_survives(tmp_path):
    script = (
        "import sys, mutants\n"
        "def outcome(n, caught): return mutants.Outcome(str(n), 'm', 'w', caught)\n"
        "mutants.mutants = lambda: []\nmutants.unharmed = lambda chosen: None\n"
        "mutants.RESULTS = mutants.Path(sys.argv.pop())\n"
        "share = int(sys.argv.pop())\n"
        "mutants.run = lambda c, w: (outcome(n, n < share) for n in range(100))\n"
        "mutants.main()\n"
    )
    for share, code in ((97, 0), (96, 1)):
        run = subprocess.run(
            [sys.executable, "-c", script, str(share), str(tmp_path / "results.json")],
            cwd=ROOT / "tools", capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert run.returncode == code, run.stdout + run.stderr
        assert f"{share} of 100 caught" in run.stdout


def test_a_run_of_some_keeps_what_was_found_of_the_others(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(tool, "mutants", lambda: [SimpleNamespace(name=n) for n in "abc"])
    outcome = lambda name, caught: tool.Outcome(name, "m", "w", caught)  # noqa: E731
    tool.keep([outcome("a", True), outcome("b", False), outcome("gone", True)], [])
    tool.keep([outcome("b", True), outcome("c", True)], json.loads(tool.RESULTS.read_text()))
    found = json.loads(tool.RESULTS.read_text())
    assert [(o["name"], o["caught"]) for o in found] == [("a", True), ("b", True), ("c", True)]
