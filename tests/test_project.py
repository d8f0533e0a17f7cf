"""What a newcomer relies on: the layout, the pinned requirements, the commands."""

import ast
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from numpy._core import _multiarray_umath as umath

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
import build  # noqa: E402

FEATURES = """
from numpy._core._multiarray_umath import __cpu_features__
from threadpoolctl import threadpool_info
print(*(blas.get("architecture", "other") for blas in threadpool_info()))
print(*(name for name, found in __cpu_features__.items() if found))
"""
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
    files = [f"requirements{kind}.txt" for kind in ("", "-dev", "-lab", "-lite")]
    wanted = {name(line) for file in files for line in lines(file)}
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


def test_the_kernels_session_names_features_that_numpy_can_do_without():
    # NumPy would only warn of a name that it does not know, and compute as always.
    source = (ROOT / "noxfile.py").read_text(encoding="utf-8")
    kernels = ast.literal_eval(re.search(r"^KERNELS = (\{.*?\n\})", source, re.M | re.S)[1])
    assert list(kernels) == ["Haswell", "Nehalem"]
    named = {feature for features in kernels.values() for feature in features.split()}
    known = set(umath.__cpu_dispatch__)
    if platform.machine().lower() not in ("x86_64", "amd64") or "X86_V4" not in known:
        pytest.skip("another kind of CPU, or a NumPy with other names")
    assert named <= known
    for name, features in kernels.items():
        env = {"OPENBLAS_CORETYPE": name, "NPY_DISABLE_CPU_FEATURES": features}
        run = subprocess.run(
            [sys.executable, "-c", FEATURES], env=os.environ | env, check=True, timeout=60,
            capture_output=True, text=True,
        )  # fmt: skip
        blas, *left = run.stdout.split()
        assert blas in (name, "other") and not set(left) & set(features.split())


def test_the_project_holds_no_large_file():
    if not (ROOT / ".git").exists():
        pytest.skip("no .git here, as in an archive: nobody knows which files are the project's")
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    sizes = {f: (ROOT / f).stat().st_size for f in files if f and (ROOT / f).exists()}
    assert {f: n for f, n in sizes.items() if n > 500_000} == {}


def environment(root, **more):
    """The environment of a process that imports the package of the copy at ``root``."""
    return os.environ | {"PYTHONPATH": str(root / "code"), "PYTHONUTF8": "1"} | more


@pytest.fixture
def small_book(tmp_path):
    """A project of one page with the book's own tools, in a folder with an awkward name."""
    root = tmp_path / "my book, 中文"
    (root / "code").mkdir(parents=True)
    for name in ("tools", "code/backprop", "book/_ext"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "constraints.txt", root)
    (root / "_config.yml").write_text(
        "title: Small\nonly_build_toc_files: true\nrepository: {url: https://github.com/a/b}\n"
        "execute: {execute_notebooks: cache, cache: _build/.jupyter_cache}\n"
    )
    (root / "_toc.yml").write_text("format: jb-book\nroot: index\n")
    lines = "import backprop\nimport matplotlib.pyplot as plt\nprint(backprop.__file__)"
    cells = [
        nbformat.v4.new_markdown_cell("# Small", id="title"),
        nbformat.v4.new_code_cell(lines, id="where"),
    ]
    (root / "index.ipynb").write_text(nbformat.writes(nbformat.v4.new_notebook(cells=cells)))
    return root


def test_notebooks_run_below_a_path_with_spaces_and_chinese(small_book):
    for arguments in (["index.ipynb"], ["--check"]):
        run = subprocess.run(
            [sys.executable, "tools/notebooks.py", *arguments], cwd=small_book, check=False,
            capture_output=True, text=True, encoding="utf-8", env=environment(small_book),
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
    notebook = nbformat.read(small_book / "index.ipynb", as_version=4)
    (output,) = notebook.cells[1].outputs
    assert output.text.strip() == str(small_book / "code" / "backprop" / "__init__.py")


@pytest.mark.long
def test_two_builds_at_once_both_finish(small_book):
    command = [sys.executable, "tools/build.py"]
    builds = [
        subprocess.Popen(
            command, cwd=small_book, env=environment(small_book), text=True, encoding="utf-8",
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for _ in range(2)
    ]  # fmt: skip
    said = [build.communicate(timeout=300)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0], said
    assert sum("Another build runs in this folder" in words for words in said) == 1
    page = (small_book / "_build" / "html" / "index.html").read_text("utf-8")
    assert "code/backprop/__init__.py" in page.replace(os.sep, "/")


STDERR = """
import json, sys
sys.path.insert(0, {tools!r})
import nbformat
from home import writable_home
from nbclient import NotebookClient
from pathlib import Path
if {mended}:
    writable_home(Path({instead!r}))
cell = nbformat.v4.new_code_cell("import matplotlib.pyplot as plt\\nprint('drawn')")
notebook = nbformat.v4.new_notebook(cells=[cell])
NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
print(json.dumps([o.get("name") for o in notebook.cells[0].outputs]))
"""


@pytest.mark.skipif(os.name == "nt", reason="a home that nobody can write is hard to have there")
@pytest.mark.parametrize(("mended", "streams"), [(False, {"stderr", "stdout"}), (True, {"stdout"})])
def test_a_home_that_cannot_be_written_leaves_no_warning_in_an_output(mended, streams, tmp_path):
    (tmp_path / "file").write_text("not a folder, so not even root writes below it")
    script = STDERR.format(
        tools=str(ROOT / "tools"), mended=mended, instead=str(tmp_path / "instead")
    )
    home = {"HOME": str(tmp_path / "file" / "home"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "run")}
    unset = ("MPLCONFIGDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "IPYTHONDIR")
    names = {k: v for k, v in environment(ROOT, **home).items() if k not in unset}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], env=names, capture_output=True, text=True,
        check=False, timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert set(json.loads(run.stdout.splitlines()[-1])) == streams
