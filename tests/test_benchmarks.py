"""The benchmarks run: each contestant computes the same, and the report says what is missing."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


def test_a_quick_run_writes_a_report_that_names_who_was_left_out(tmp_path):
    subprocess.run(
        [sys.executable, FOLDER / "run.py", "--quick", "--light", "--out", tmp_path],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    report = (tmp_path / "results.md").read_text()
    for name in ("PyTorch", "torch.compile", "JAX jit"):
        assert f"- {name}: left out on request." in report
    assert "kernels" in report and "CPU: " in report
    found = json.loads((tmp_path / "results.json").read_text())
    rows = [row for row in found["tables"][0]["data"]]
    # 784-100-2 in two batches with either optimizer, and nobody has failed.
    assert len(rows) == 4
    for row in rows:
        assert set(row["seconds"]) == {"backprop", "products alone", "scikit-learn", "autograd"}
        assert all(t > 0 for times in row["seconds"].values() for t in times)
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    assert "<svg" in (tmp_path / "scaling.svg").read_text()


def test_ratios_are_taken_within_a_round(load):
    measure = load("_measure")
    times = {"a": [1.0, 10.0, 3.0], "b": [2.0, 20.0, 6.0]}
    assert measure.ratios(times, "a", "b") == [0.5, 0.5, 0.5]
    assert measure.middle([3.0, 1.0, 2.0]) == (2.0, 1.0, 3.0)
    assert measure.middle([0.0, 1.0, 2.0, 3.0, 4.0]) == (2.0, 1.0, 3.0)


def test_everyone_runs_once_a_round_and_begins_in_turn(load):
    seen = []
    runs = {name: (lambda name=name: seen.append(name)) for name in "abc"}
    times = load("_measure").take_turns(runs, 3)
    assert "".join(seen) == "cababcbcacab"
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3, "c": 3}


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_a_contestant_that_learns_otherwise_is_found(load, optimizer):
    mlp = load("mlp")
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 12), np.float32), rng.integers(0, 3, 64)
    task = mlp.Task((12, 8, 3), 16, optimizer, x, y, 1)
    builders = {"backprop": mlp.ours, "autograd": mlp.hips}
    assert mlp.race(task, builders, 1)[1] == {}

    def other(task):
        return mlp.hips(mlp.Task((12, 8, 3), 64, optimizer, x, y, 1))

    with pytest.raises(AssertionError, match="other weights"):
        mlp.race(task, builders | {"other": other}, 1)


def test_a_gradient_of_the_scalar_design(load):
    mlp = load("mlp")
    a, b = mlp.Value(2.0), mlp.Value(-3.0)
    c = a * b + a
    (c * c).backward()
    assert (a.grad, b.grad) == (2 * -4.0 * -2.0, 2 * -4.0 * 2.0)


def test_multiplications_are_counted_as_the_formula_says(load):
    count = load("gradient_cost").multiplications
    a, b = np.ones((5, 7)), np.ones((7, 3))
    assert count(lambda: np.matmul(a, b)) == 5 * 7 * 3
    assert count(lambda: np.matmul(np.ones(5), a)) == 5 * 7


def test_exponent_of_a_power(load):
    assert load("scaling").exponent([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2)
