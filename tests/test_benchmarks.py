"""The benchmarks run: each contestant computes the same, and the report says what is missing."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from backprop import optimizers

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
    tables = {table["title"]: table["data"] for table in found["tables"]}
    default = "One epoch of training in the default environment, "
    # What a reader has comes first.
    assert next(iter(tables)) == default + "idle"
    contestants = {"backprop", "products alone", "scikit-learn", "autograd"}
    for title, more in (
        (default + "idle", {"one thread"}),
        (default + "one core busy", {"one thread"}),
        ("One epoch of training, 1 thread", set()),
    ):
        rows = tables[title]
        # 784-100-2 in two batches with either optimizer, and nobody has failed.
        assert len(rows) == 4
        for row in rows:
            assert set(row["seconds"]) == contestants | more
            assert all(t > 0 for times in row["seconds"].values() for t in times)
    assert {row["busy"] for row in tables["All optimizers in the default environment"]} == {
        False, True,
    }  # fmt: skip
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    assert "<svg" in (tmp_path / "scaling.svg").read_text()


@pytest.mark.parametrize(("setting", "expected"), [("reader", None), ("one", "1")])
def test_a_contestant_has_the_environment_it_was_given(load, monkeypatch, setting, expected):
    measure, threads = load("_measure"), load("threads")
    for name in measure.POOLS:
        monkeypatch.setenv(name, "7")
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    reader = setting == "reader"
    environment = measure.default_environment() if reader else measure.thread_environment(1)
    worker = threads.Worker(environment)
    try:
        assert {worker.call(threads.variable, name) for name in measure.POOLS} == {expected}
        assert worker.call(threads.variable, "OMP_WAIT_POLICY") == (None if reader else "PASSIVE")
        with pytest.raises(AssertionError, match="KeyError: 'nobody'"):
            worker.call(threads.prepare, "nobody", None, False)
    finally:
        worker.close()
    assert all(os.environ[name] == "7" for name in measure.POOLS)


def test_a_core_is_busy_for_as_long_as_it_shall_be(load):
    threads = load("threads")
    with pytest.raises(RuntimeError), threads.busy_core() as other:
        assert other.poll() is None
        raise RuntimeError
    assert other.poll() is not None


def test_every_rule_and_clipping_are_measured(load):
    mlp, threads = load("mlp"), load("threads")
    public = {
        name for name, kind in vars(optimizers).items()
        if isinstance(kind, type) and issubclass(kind, optimizers.Optimizer)
    } - {"Optimizer"}  # fmt: skip
    assert public <= set(threads.RULES)
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 12), np.float32), rng.integers(0, 3, 64)
    weights = {}
    for rule in threads.RULES:
        epoch, parameters = mlp.ours(mlp.Task((12, 8, 3), 16, rule, x, y, None))
        epoch()
        weights[rule] = b"".join(p.tobytes() for p in parameters())
    assert len(set(weights.values())) == len(threads.RULES)


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
