"""How the library is laid out for those who import it."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

import backprop

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tools"))
from notebooks import chapters  # noqa: E402

# Rooms that chapters import by their own names: too many functions for the top.
OWN_NAMES = ("activations", "arrays", "autodiff", "book", "initializers", "training.diagnostics")
BESIDES = {"losses", "layers", "initializers", "optimizers", "autodiff", "book"}
"""Modules that chapters import whole."""


def imports(path):
    """Yield (module, name) for everything that a notebook imports from the package."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            for node in ast.walk(ast.parse(re.sub(r"%pip.*", "pass", cell.source))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("backprop"):
                    yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("path", chapters(), ids=lambda p: p.stem)
def test_chapters_import_from_the_top_what_it_exports(path):
    deep = {
        (module, name)
        for module, name in imports(path)
        if module != "backprop" and not module.removeprefix("backprop.").startswith(OWN_NAMES)
    }
    assert {name for _, name in deep if name in backprop.__all__} == set()
    assert {m for m, _ in deep} <= {"backprop.training"}, "export it from backprop/__init__.py"
    from_top = {name for module, name in imports(path) if module == "backprop"}
    assert from_top <= set(backprop.__all__) | BESIDES


def test_what_is_exported_is_there_sorted_and_public():
    assert all(getattr(backprop, name) for name in backprop.__all__)
    assert len(set(backprop.__all__)) == len(backprop.__all__)
    assert not [name for name in backprop.__all__ if name.startswith("_")]


ROOMS = ("layers", "losses", "optimizers", "network")


def test_every_public_class_of_the_rooms_is_exported():
    besides = {"Composite", "Junction", "Recurrent", "Watcher", "LBFGSResult"}
    for room in ROOMS:
        module = importlib.import_module(f"backprop.{room}")
        own = {
            name
            for name, thing in vars(module).items()
            if isinstance(thing, type)
            and thing.__module__.startswith(module.__name__)
            and not name.startswith("_")
        }
        assert own - besides <= set(backprop.__all__), room


def test_importing_the_library_loads_nothing_heavy():
    heavy = ["sympy", "matplotlib", "sklearn", "pooch", "requests", "backprop.book"]
    script = f"import sys, backprop; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [("load_digits()", "scikit-learn"), ("load_mnist(download=True)", "pooch")],
)
def test_a_data_set_says_what_it_needs(call, wanted, tmp_path):
    script = (
        "import sys\n"
        "for name in ('sklearn', 'pooch'): sys.modules[name] = None\n"
        f"import backprop\ntry:\n    backprop.{call}\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(sys.path), "HOME": str(tmp_path)},
    )  # fmt: skip
    assert wanted in run.stdout and "pip install 'backprop-book[book]'" in run.stdout
