"""Every task of the project, on every system: ``nox -s TASK``, and ``make TASK`` where make is.

The daily tasks share the folder ``.venv``, which they fill and refresh themselves; the tasks of
the matrix (``py311`` to ``py314``, ``oldest``, ``newest``, ``pre``, ``wheel``) have an environment
each.
"""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
from pathlib import Path

import nox
from filelock import FileLock  # virtualenv, which nox needs, needs it

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "tools"))
from home import writable_home  # noqa: E402
from suites import COMPARED, TESTS  # noqa: E402

VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PIP = ("-m", "pip", "install", "-q")
PINS = ("-c", "constraints.txt")
# What a level needs besides the one below it: the files that decide it, and pip's arguments.
LEVELS = {
    "reader": (
        ("requirements.txt", "constraints.txt", "pyproject.toml"),
        ("-r", "requirements.txt", "-e", ".[book]"),
    ),
    "developer": (("requirements-dev.txt",), ("-r", "requirements-dev.txt")),
    "peers": ((), ("-e", ".[peers]")),
    "lab": (("requirements-lab.txt",), ("-r", "requirements-lab.txt")),
}
BELOW = {"developer": "reader", "peers": "developer", "lab": "reader"}
# Everything but the built site, which needs a browser; the notebooks are run and compared.
UNITS = (*TESTS, "--ignore=tests/site")
# An older CPU's kernels in OpenBLAS, and what NumPy must then do without: it only warns of a name
# that it does not know, so a test looks them up.
KERNELS = {
    "Haswell": "X86_V4 AVX512_ICL AVX512_SPR",
    "Nehalem": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
}
# What check-jsonschema looks at, by the name of the schema that it carries.
SCHEMAS = {
    "citation-file-format": ("CITATION.cff",),
    "github-issue-forms": (
        ".github/ISSUE_TEMPLATE/error-on-a-page.yml", ".github/ISSUE_TEMPLATE/question.yml",
    ),
    "github-issue-config": (".github/ISSUE_TEMPLATE/config.yml",),
}  # fmt: skip
MATRIX = ("3.11", "3.12", "3.13", "3.14")

nox.needs_version = ">=2024.10.9"
nox.options.sessions = ["lint", "tests"]
nox.options.error_on_missing_interpreters = bool(os.environ.get("CI"))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
writable_home(ROOT / "_build" / "home")


def ready(session: nox.Session, level: str) -> None:
    """Make ``.venv``, or bring it up to the level; at once where nothing has changed."""
    if not VENV.joinpath("pyvenv.cfg").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    with FileLock(str(VENV / ".lock")):
        install(session, level)


def install(session: nox.Session, level: str) -> bytes:
    """Install what the level needs and ``.venv`` does not have yet; return what decides that."""
    files, arguments = LEVELS[level]
    decisive = install(session, BELOW[level]) if level in BELOW else b""
    decisive += b"".join(ROOT.joinpath(file).read_bytes() for file in files)
    decisive += repr(arguments).encode()
    digest = hashlib.sha256(decisive).hexdigest()
    stamp = VENV / f".{level}"
    if not stamp.exists() or stamp.read_text() != digest:
        session.log(f"installing into .venv, for a minute or two: {' '.join(arguments)}")
        subprocess.run([BIN / "python", *PIP, *arguments, *PINS], cwd=ROOT, check=True)
        stamp.write_text(digest)
    return decisive


def python(session: nox.Session, *arguments: str, level: str = "developer", **env: str | None):
    """Run the environment's Python with these arguments and what stands after ``--``."""
    ready(session, level)
    session.run(str(BIN / "python"), *arguments, *session.posargs, env=env, external=True)


def tool(session: nox.Session, name: str, *arguments: str) -> None:
    """Run a program of the environment."""
    session.run(str(BIN / name), *arguments, external=True)


@nox.session(venv_backend="none")
def book(session: nox.Session) -> None:
    """Execute the notebooks and build the site into _build/html."""
    python(session, "tools/build.py", level="reader")


@nox.session(venv_backend="none")
def live(session: nox.Session) -> None:
    """Add what runs live cells and whole notebooks; needs the built book, and once the network."""
    ready(session, "reader")
    for script in ("tools/live.py", "tools/lite.py"):
        session.run(str(BIN / "python"), script, env={"BACKPROP_REQUIRE_LIVE": "1"}, external=True)


@nox.session(venv_backend="none")
def serve(session: nox.Session) -> None:
    """Build the book and open it in a browser."""
    ready(session, "reader")
    tool(session, "python", "tools/build.py")
    python(session, "tools/serve.py", level="reader")


@nox.session(venv_backend="none")
def lab(session: nox.Session) -> None:
    """Open the notebooks in JupyterLab, in ./my-notebooks or in the folder after ``--``."""
    ready(session, "lab")
    tool(session, "python", "tools/build.py")
    python(session, "tools/lab.py", level="lab")


@nox.session(venv_backend="none", name="print")
def print_(session: nox.Session) -> None:
    """Make a PDF and an EPUB of the built book, in _build/paper; needs Chromium."""
    ready(session, "developer")
    tool(session, "python", "tools/build.py")
    python(session, "tools/paper.py")


@nox.session(venv_backend="none")
def classroom(session: nox.Session) -> None:
    """Write assignments, answers and a course for nbgrader into _build/classroom."""
    ready(session, "reader")
    tool(session, "python", "tools/build.py")
    python(session, "tools/classroom.py", level="reader")


@nox.session(venv_backend="none")
def tests(session: nox.Session) -> None:
    """Run and compare every notebook, build the site from that, and run every test."""
    python(session, "tools/test.py")


@nox.session(venv_backend="none", name="test-lab")
def test_lab(session: nox.Session) -> None:
    """Run notebooks in JupyterLab and Jupyter Notebook, in a browser; needs the built book."""
    ready(session, "lab")
    command = ("-m", "pytest", "tests/site/test_jupyterlab.py", "-n", "0")
    python(session, *command, BACKPROP_REQUIRE_LAB="1")


@nox.session(venv_backend="none", name="test-live")
def test_live(session: nox.Session) -> None:
    """Answer every exercise, and run every chapter, in a browser; needs the built book and site."""
    where = ("tests/test_live_cells.py", "tests/site/test_live.py", "tests/site/test_lite.py")
    command = ("-m", "pytest", *where, "-n", "2", "--dist", "loadgroup", *session.posargs)
    python(session, *command, BACKPROP_REQUIRE_SITE="1", BACKPROP_LIVE="all")


@nox.session(venv_backend="none", name="test-long")
def test_long(session: nox.Session) -> None:
    """Train anew what the package stores, and run the benchmarks once: minutes a test."""
    python(session, "-m", "pytest", *UNITS, "-m", "long")


@nox.session(venv_backend="none", name="test-reader")
def test_reader(session: nox.Session) -> None:
    """Run every reader's notebook, and compare it as the sources are; needs the built book."""
    arguments = ("_build/notebooks", *COMPARED)
    python(session, "-m", "pytest", *arguments, BACKPROP_MNIST_DIR=None)


@nox.session(venv_backend="none")
def kernels(session: nox.Session) -> None:
    """Compare the notebooks, or those after ``--``, as two older CPUs would compute them."""
    if platform.machine().lower() not in ("x86_64", "amd64"):
        session.skip("only an x86 CPU can compute as another one does")
    ready(session, "developer")
    command = (str(BIN / "python"), "-m", "pytest", *(session.posargs or ["book"]), *COMPARED)
    failed = []
    for name, without in KERNELS.items():
        session.log(f"with the kernels for {name}")
        env = {"OPENBLAS_CORETYPE": name, "NPY_DISABLE_CPU_FEATURES": without}
        try:
            session.run(*command, env=env | {"BACKPROP_MNIST_DIR": None}, external=True)
        except nox.command.CommandFailed:  # what fails with the other kernels is worth knowing
            failed.append(name)
    if failed:
        session.error(f"outputs differ with the kernels for {' and '.join(failed)}")


@nox.session(venv_backend="none")
def lint(session: nox.Session) -> None:
    """Look at code, types, imports, scripts, spelling, workflows, metadata, notebooks' form."""
    ready(session, "developer")
    tool(session, "ruff", "check", ".")
    tool(session, "ruff", "format", "--check", ".")
    tool(session, "mypy", "code")
    tool(session, "lint-imports")
    tool(session, "python", "tools/lint_scripts.py")
    tool(session, "codespell")
    tool(session, "actionlint")
    for schema, files in SCHEMAS.items():
        tool(session, "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files)
    tool(session, "python", "tools/notebooks.py", "--check")


@nox.session(venv_backend="none")
def notebooks(session: nox.Session) -> None:
    """Execute the notebooks afresh, and write the form that git keeps."""
    python(session, "tools/notebooks.py")


@nox.session(venv_backend="none")
def mutants(session: nox.Session) -> None:
    """Plant the mistakes of tests/mutants one by one; about half an hour on two cores."""
    python(session, "tools/mutants.py")


@nox.session(venv_backend="none")
def bench(session: nox.Session) -> None:
    """Measure the speed beside other libraries."""
    python(session, "benchmarks/run.py", level="peers")


@nox.session(venv_backend="none")
def peers(session: nox.Session) -> None:
    """Install the heavy libraries that some tests compare with, and are skipped without."""
    ready(session, "peers")


@nox.session(venv_backend="none")
def hero(session: nox.Session) -> None:
    """Draw the README's figure anew."""
    python(session, "tools/hero.py")


@nox.session(venv_backend="none")
def links(session: nox.Session) -> None:
    """Ask every address that the book names whether it is there; needs the network."""
    ready(session, "reader")
    tool(session, "jupyter-book", "build", ".", "--builder", "linkcheck", *session.posargs)


@nox.session(venv_backend="none")
def constraints(session: nox.Session) -> None:
    """Pin the requirements anew."""
    ready(session, "developer")
    tool(
        session, "uv", "pip", "compile", "--universal", "--python-version", "3.11", "--no-header",
        "--no-emit-find-links", "--no-emit-index-url", *session.posargs,
        "requirements.txt", "requirements-dev.txt", "requirements-lab.txt", "requirements-lite.txt",
        "-o", "constraints.txt",
    )  # fmt: skip


def interpreter(version: str) -> str:
    """Return pyenv's own program of that version: its shims answer for one version alone."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(root.glob(f"versions/{version}.*/bin/python"))
    return str(found[-1]) if found else version


def suite(session: nox.Session) -> None:
    """Run the unit tests and the notebooks in the session's own environment."""
    env = {"BACKPROP_MNIST_DIR": None}
    session.run("python", "-m", "pip", "list", "--format=freeze")
    try:
        session.run("python", "-m", "pytest", *UNITS, *session.posargs, env=env)
    finally:  # what fails in the notebooks is worth knowing as well
        session.run("python", "-m", "pytest", "book", *COMPARED, env=env)


def pinned(session: nox.Session) -> None:
    """Run the tests on this Python with the pinned requirements."""
    session.install("-r", "requirements.txt", "-r", "requirements-dev.txt", "-e", ".", *PINS)
    suite(session)


for each in MATRIX:
    nox.session(pinned, name=f"py{each.replace('.', '')}", python=interpreter(each))


@nox.session(python=interpreter(MATRIX[0]))
def oldest(session: nox.Session) -> None:
    """Run the tests with the lowest versions that the requirements allow."""
    # pip cannot resolve downwards. The test tools themselves may be new.
    session.install("-r", "requirements-dev.txt")
    session.run(
        "uv", "pip", "install", "-q", "--resolution", "lowest-direct",
        "-r", "requirements.txt", "-e", ".[book]",
    )  # fmt: skip
    suite(session)


@nox.session(python=interpreter(MATRIX[2]))
def newest(session: nox.Session) -> None:
    """Run the tests with the newest versions that the requirements allow."""
    session.install("--upgrade", "-r", "requirements.txt", "-r", "requirements-dev.txt", "-e", ".")
    suite(session)


@nox.session(python=interpreter(MATRIX[2]), default=False)
def pre(session: nox.Session) -> None:
    """Run the tests with the pre-releases of what the library and the chapters call."""
    session.install("-r", "requirements.txt", "-r", "requirements-dev.txt", "-e", ".")
    session.install("--upgrade", "--pre", "-e", ".[book]")
    suite(session)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and the source distribution into dist, and try the wheel."""
    session.install("build", "twine", "pytest")
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", "--strict", "dist/*")
    session.run("python", "-m", "pytest", "tests/test_wheel.py", "-n0", "-m", "long")
