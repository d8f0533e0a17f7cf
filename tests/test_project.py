"""What a newcomer relies on: the layout, the pinned requirements, the commands."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import build  # noqa: E402

STANDARD = "import code, pdb; assert hasattr(code, 'InteractiveConsole'), code; print('standard')"


def test_pythons_own_code_module_under_pytest():
    import code
    import pdb

    assert hasattr(code, "InteractiveConsole") and hasattr(pdb, "Pdb")


def test_pythons_own_code_module_from_the_top_of_the_project():
    for flags in (["-c", STANDARD], ["-m", "pdb", "-c", "continue", "-c", "quit"]):
        script = [] if "-c" == flags[0] else [str(ROOT / "tests" / "standard_code.py")]
        run = subprocess.run(
            [sys.executable, *flags, *script], cwd=ROOT, capture_output=True, text=True,
            stdin=subprocess.DEVNULL, check=False, timeout=60,
        )  # fmt: skip
        assert "standard" in run.stdout, run.stdout + run.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_pythons_own_code_module_in_a_kernel():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(STANDARD)])
    NotebookClient(
        notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    assert notebook.cells[0].outputs[0].text == "standard\n"


def name(requirement):
    return re.split(r"[<>=!~\[; ]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def lines(file):
    found = (line.strip() for line in (ROOT / file).read_text().splitlines())
    return [line for line in found if line and not line.startswith("#")]


def test_requirements_hold_the_packages_dependencies_with_the_same_ranges():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(project["dependencies"]) <= set(lines("requirements.txt"))


def test_every_requirement_is_pinned():
    pinned = {name(line) for line in lines("constraints.txt") if "==" in line}
    wanted = {
        name(line) for file in ("requirements.txt", "requirements-dev.txt") for line in lines(file)
    }
    assert wanted <= pinned


def test_jupyter_book_stays_below_2():
    assert "jupyter-book>=1.0.4,<2" in lines("requirements.txt")


def test_an_edit_in_the_package_makes_the_chapters_run_again(tmp_path, monkeypatch):
    package = tmp_path / "code" / "backprop"
    package.mkdir(parents=True)
    (tmp_path / "constraints.txt").write_text("numpy==2.4\n")
    (package / "layers.py").write_text("slope = 0.01\n")
    before = build.digest(tmp_path)
    assert build.digest(tmp_path) == before
    (package / "layers.py").write_text("slope = 0.02\n")
    edited = build.digest(tmp_path)
    (package / "stepper.js").write_text("show(0);\n")
    assert build.digest(tmp_path) != edited
    edited = build.digest(tmp_path)
    (tmp_path / "constraints.txt").write_text("numpy==2.5\n")
    monkeypatch.setenv("BACKPROP_MNIST_DIR", "/elsewhere")
    assert len({before, edited, build.digest(tmp_path)}) == 3


def test_the_project_holds_no_large_file():
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    sizes = {f: (ROOT / f).stat().st_size for f in files if f and (ROOT / f).exists()}
    assert {f: n for f, n in sizes.items() if n > 500_000} == {}
