"""The benchmarks run: each contestant computes the same, and the report says what is missing."""

import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import backprop
from backprop import optimizers

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks"
sys.path.insert(0, str(ROOT / "tools"))
from notebooks import chapters  # noqa: E402
from test_house import imports  # noqa: E402

PEERS = "peers: install torch to compare with it"
OF_PIECES = ("long_attention", "variational", "equations")


@pytest.fixture
def load(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    return importlib.import_module


@pytest.mark.long
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
    for title, names, peers in (
        (
            "Attention block by block, forward and backward",
            {"48 tokens", "80 tokens"},
            {"all scores"},
        ),
        ("Parts of a variational autoencoder", {"a draw, 40 × 3"}, {"autograd"}),
        (
            "Implicit derivatives and differential equations",
            {"the same by the adjoint equation"},
            {"our steps", "SciPy"},
        ),
    ):
        rows = {row["piece"]: row["seconds"] for row in tables[title]}
        assert names <= set(rows)
        assert all(set(rows[name]) == {"backprop"} | peers for name in names)
    assert {row["busy"] for row in tables["All optimizers in the default environment"]} == {
        False, True,
    }  # fmt: skip
    assert "<svg" in (tmp_path / "plot.svg").read_text()
    assert "<svg" in (tmp_path / "scaling.svg").read_text()


@pytest.mark.parametrize(
    ("setting", "expected"), [("reader", None), pytest.param("one", "1", marks=pytest.mark.long)]
)
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


# Part IV.


def test_every_piece_of_part_iv_is_measured():
    imported = set()
    for path in chapters():
        if path.parent.name.startswith("part4"):
            imported |= {name for module, name in imports(path) if module == "backprop"}
    kinds = backprop.layers.Layer, backprop.losses.Loss
    pieces = {
        name for name in imported
        if name.endswith(("_vjp", "odeint"))
        or (inspect.isclass(kind := getattr(backprop, name)) and issubclass(kind, kinds))
    }  # fmt: skip
    assert {"Conv2d", "LSTM", "blockwise_attention_vjp", "Tied", "FixedPoint"} <= pieces
    # They only carry what others compute, or are measured in whole networks.
    besides = {"Flatten", "Concatenate", "Graph", "Tanh"}
    measured = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    # Called, or handed to what builds a case of it.
    assert not {name for name in pieces - besides if not re.search(rf"\b{name}[(,]", measured)}


def small(load, script):
    measure = load("_measure")
    return load(script).pieces(measure.Options(quick=True, light=True))


@pytest.mark.parametrize("script", OF_PIECES)
def test_a_piece_agrees_with_its_peers(load, script):
    absent = {"PyTorch": "left out", "JAX jit": "left out"}
    for piece in small(load, script):
        runs = piece.checked(absent)
        assert set(runs) == {"backprop"} | {
            name for name in piece.peers if name.split(",")[0] not in absent
        }
        assert len(runs) > 1, f"{piece.name}: nobody to compare with"
        assert piece.tolerance <= 1e-4


@pytest.mark.parametrize("script", OF_PIECES)
def test_each_number_of_a_piece_is_compared(load, script):
    absent = {"PyTorch": "left out", "JAX jit": "left out"}
    for piece in small(load, script):
        factor = 1 + 3 * piece.tolerance
        for k in range(len(piece.ours())):
            # What backprop returns, whichever of both functions gives it.
            wrong = replace(piece, ours=distorted(piece.ours, k, factor))
            if piece.expected:
                wrong = replace(piece, expected=distorted(piece.expected, k, factor))
            with pytest.raises(AssertionError, match=f"result {k} differs from backprop's"):
                wrong.checked(absent)


def distorted(function, k, factor):
    """Return a function whose k-th result is off by a factor."""

    def off(*given):
        found = [np.array(value) for value in function(*given)]
        found[k] = found[k] * factor
        return found

    return off


def test_a_peer_that_draws_from_another_distribution_is_found(load):
    variational = load("variational")
    code, rng = variational.codes(100, 8), np.random.default_rng(0)
    mean, log_variance = np.split(code, 2, axis=1)
    noise = rng.standard_normal(mean.shape)
    draws = mean + np.exp(0.5 * log_variance) * noise
    assert np.allclose(variational.noise_of(draws, code), noise)
    for wrong in (0.3 + draws, mean + 1.3 * (draws - mean)):
        with pytest.raises(AssertionError, match="no standard normal's"):
            variational.noise_of(wrong, code)
    # The variance in place of its root: so small a batch may hide it, its slope does not.
    piece = variational.draw(100, 8)
    error = np.random.default_rng(1).standard_normal(mean.shape)

    def drawn(power):
        part = np.exp(power * log_variance) * noise
        return [mean + part, np.hstack([error, power * error * part])]

    assert replace(piece, peers={"root": lambda: lambda: drawn(0.5)}).checked({})
    with pytest.raises(AssertionError, match="result 1 differs"):
        replace(piece, peers={"other": lambda: lambda: drawn(1)}).checked({})


def test_results_of_other_shapes_or_without_a_number_differ(load):
    agree = load("_measure").agree
    agree("y", np.ones(3), np.ones(3) * (1 + 1e-6), 1e-5)
    for theirs in (np.ones(3) * (1 + 1e-4), np.full(3, np.nan), np.zeros(3)):
        with pytest.raises(AssertionError, match="y differs"):
            agree("y", np.ones(3), theirs, 1e-5)
    with pytest.raises(AssertionError, match="shape"):
        agree("y", np.ones((3, 1)), np.ones(3), 1e-5)


def test_a_peer_that_takes_a_hundred_times_as_long_is_no_zero(load):
    compared = load("_measure").compared
    times = {"backprop": [1e-3] * 5, "slow": [0.7] * 5, "like": [2e-3] * 5}
    assert compared(times, ["slow", "like", "nobody"])[1:] == [
        "0.0014 (0.0014–0.0014)", "0.50 (0.50–0.50)", "–",
    ]  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("script", OF_PIECES)
def test_the_heavy_peers_agree_as_well(script, tmp_path):
    for module in ("torch", "jax"):
        pytest.importorskip(module, reason=PEERS)
    out = tmp_path / "tables.json"
    # In a process of its own: JAX keeps the precision that it is set to.
    subprocess.run(
        [sys.executable, FOLDER / f"{script}.py", "--quick", "--json", out],
        check=True, capture_output=True, timeout=600,
    )  # fmt: skip
    (table,) = json.loads(out.read_text())
    assert table["notes"] == []
    found = {name for row in table["data"] for name in row["seconds"]}
    assert {"backprop", "PyTorch", "JAX jit"} <= found
    assert all(t > 0 for row in table["data"] for ts in row["seconds"].values() for t in ts)


def test_each_number_of_a_layer_is_compared(load):
    pytest.importorskip("torch", reason=PEERS)
    layers = load("layers")
    for build in layers.CASES.values():
        layers.torch_run(build(True), None)
        whole = build(True)
        layer = whole.network.layers[0]
        plants = ["forward", *(["backward"] if whole.whole else []), *layer.gradients]
        for plant in plants:
            case = build(True)
            distort(case, plant)
            with pytest.raises(AssertionError, match="differs from backprop's"):
                layers.torch_run(case, None)


def distort(case, plant):
    """Let a pass return what is off by a thousandth, or leave such a gradient behind."""
    network = case.network
    forward, backward, parameters = (
        network.forward, network.backward, network.backward_parameters
    )  # fmt: skip
    if plant == "forward":
        network.forward = lambda x: 1.001 * forward(x)
    elif plant == "backward":
        network.backward = lambda dz: 1.001 * backward(dz)
    else:

        def spoil(function):
            def passed(dz):
                dx = function(dz)
                gradient = network.layers[0].gradients[plant]
                gradient += 0.001 * np.linalg.norm(gradient)
                return dx

            return passed

        network.backward, network.backward_parameters = spoil(backward), spoil(parameters)
