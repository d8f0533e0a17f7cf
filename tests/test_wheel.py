"""The wheel, as a stranger installs it: into an empty environment, far from the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import backprop

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "code" / "backprop"
# What pip says where it reaches no registry, or finds no release there.
OFFLINE = ("No matching distribution", "Failed to establish", "Connection", "ReadTimeout")

# Its session of noxfile.py makes the wheel and tries it; the other suites need not do so again.
pytestmark = pytest.mark.long


def run(*command, **options):
    return subprocess.run(
        [str(c) for c in command], capture_output=True, text=True, check=False, timeout=600,
        encoding="utf-8", **options,
    )  # fmt: skip


def pip(python, *arguments):
    """Run pip, and skip with what it said where it reaches no registry."""
    done = run(python, "-m", "pip", *arguments, "--disable-pip-version-check", "-q")
    said = [line for line in done.stderr.splitlines() if any(words in line for words in OFFLINE)]
    if done.returncode and said:
        pytest.skip(f"no registry to install from: {said[-1].strip()}")
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of an empty environment."""
    folder = tmp_path_factory.mktemp("bare")
    made = run(sys.executable, "-m", "venv", folder)
    assert made.returncode == 0, made.stdout + made.stderr
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


@pytest.fixture(scope="module")
def wheel(python, tmp_path_factory):
    """The wheel of this checkout, built in a copy, for setuptools leaves its folders there."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    leave = shutil.ignore_patterns("*.egg-info", "__pycache__")
    for name in ("code", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=leave)
    pip(python, "wheel", "--no-deps", "-w", out, copy)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(python, wheel):
    """The same environment with the wheel, its dependencies and nothing else."""
    pip(python, "install", wheel)
    return python


@pytest.mark.xdist_group("wheel")
def test_it_holds_the_package_with_its_data_and_nothing_else(wheel):
    assert wheel.name == f"backprop_book-{backprop.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("/METADATA"))).decode()
    own = {
        f"backprop/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*.*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"backprop/py.typed", "backprop/layers/dense.py"} <= own
    assert {Path(name).suffix for name in own} == {
        ".py", ".typed", ".js", ".css", ".txt", ".json", ".npz",
    }  # fmt: skip
    information = {n for n in names if n.split("/")[0].endswith(".dist-info")}
    assert set(names) - information == own
    assert any(name.endswith("/LICENSE") for name in information)
    assert "Description-Content-Type: text/markdown" in metadata


TRAINED = """
import sys
import numpy as np
import backprop
from backprop import SGD, Dense, Sequential, SoftmaxCrossEntropy, Tanh, fit, grad

rng = np.random.default_rng(0)
x, y = rng.normal(size=(96, 5)), rng.integers(3, size=96)
network = Sequential([Dense(5, 8, rng=rng), Tanh(), Dense(8, 3, rng=rng)])
history = fit(
    network, SoftmaxCrossEntropy(), SGD(network, 0.5), x, y, epochs=3, batch_size=16, rng=rng
)
assert len(history.loss) == 3 and history.loss[-1] < history.loss[0], history.loss
assert grad(lambda t: t * t)(3.0) == 6.0
print(backprop.__file__)
print(sorted({name.split(".")[0] for name in sys.modules} & {"sympy", "matplotlib", "sklearn"}))
"""


@pytest.mark.xdist_group("wheel")
def test_it_trains_outside_the_checkout_without_the_books_libraries(installed, tmp_path):
    away = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = run(installed, "-c", TRAINED, cwd=tmp_path, env=away)
    assert done.returncode == 0, done.stderr
    place, loaded = done.stdout.splitlines()
    assert "site-packages" in place and ROOT not in Path(place).parents
    assert loaded == "[]"
    for name in ("sympy", "matplotlib"):
        missing = run(installed, "-c", f"import {name}", cwd=tmp_path, env=away)
        assert "ModuleNotFoundError" in missing.stderr


@pytest.mark.xdist_group("wheel")
def test_the_installed_distributions_agree(installed):
    checked = run(installed, "-m", "pip", "check")
    assert checked.returncode == 0, checked.stdout
