"""Composition: names on all levels, branches, one flat vector, and every layer reached."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import losses
from backprop.autodiff import gradcheck
from backprop.layers import (
    Add,
    BatchNorm,
    Concatenate,
    Dense,
    Dropout,
    Identity,
    LayerNorm,
    ReLU,
    Residual,
    Tanh,
)
from backprop.network import Graph, Sequential
from backprop.optimizers import SGD, Adam
from backprop.training import fit

few = settings(derandomize=True, deadline=None, max_examples=25)


def nested(seed=0, dtype=np.float64, p=0.3, phi=Tanh):
    rng = np.random.default_rng(seed)
    k = dict(rng=rng, dtype=dtype)
    block = Sequential([LayerNorm(4, dtype=dtype), Dense(4, 4, **k), phi()])
    return Sequential(
        [
            Dense(3, 4, **k),
            # without it BatchNorm would undo whatever dense1.b adds: a gradient of 0
            Tanh(),
            BatchNorm(4, dtype=dtype),
            Residual([block, Dropout(p, rng=rng), Dense(4, 4, **k)]),
            Sequential([Tanh(), Dense(4, 2, **k)]),
        ]
    )


NESTED = [
    "dense1.W", "dense1.b", "batchnorm1.gamma", "batchnorm1.beta",
    "residual1.sequential1.layernorm1.gamma", "residual1.sequential1.layernorm1.beta",
    "residual1.sequential1.dense1.W", "residual1.sequential1.dense1.b",
    "residual1.dense1.W", "residual1.dense1.b", "sequential1.dense1.W", "sequential1.dense1.b",
]  # fmt: skip


def batch(seed=1, n=6, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 3)).astype(dtype), rng.integers(2, size=n)


def diamond(rng, order=("stem", "left", "right", "sum", "both", "head")):
    """x parts three ways, stem two ways; an Add and a Concatenate bring them together."""
    nodes = {
        "stem": (Dense(3, 4, rng=rng), "x"),
        "left": (Tanh(), "stem"),
        "right": (Dense(3, 4, rng=rng), "x"),
        "sum": (Add(), ("left", "right", "stem")),
        "both": (Concatenate(), ["sum", "x"]),
        "head": (Dense(7, 2, rng=rng), "both"),
    }
    return Graph({name: nodes[name] for name in order}, output="head")


def test_names_are_hierarchical_and_views_of_one_vector():
    network = nested()
    assert list(network.parameters) == list(network.gradients) == NESTED
    start = 0
    for name, value in network.parameters.items():
        part = network.theta[start : start + value.size]
        part[...] = np.arange(start, start + value.size)
        np.testing.assert_array_equal(value.ravel(), part)
        assert np.shares_memory(network.gradients[name], network.dtheta[start : start + value.size])
        start += value.size
    assert start == network.theta.size
    inner = network.named["residual1"].named["sequential1"]
    assert np.shares_memory(inner.theta, network.theta)
    assert inner.theta.size == sum(p.size for p in inner.parameters.values())
    deepest = inner.named["dense1"]
    assert deepest.parameters["W"] is network.parameters["residual1.sequential1.dense1.W"]
    deepest.parameters["W"][...] = -1
    assert (network.parameters["residual1.sequential1.dense1.W"] == -1).all()


def test_values_survive_the_move_into_one_vector():
    rng = np.random.default_rng(0)
    inner = Sequential([Dense(3, 3, rng=rng), Tanh()])
    x, kept = rng.normal(size=(2, 3)), inner.theta.copy()
    before = inner(x)
    outer = Sequential([inner, Dense(3, 2, rng=rng)])
    np.testing.assert_array_equal(outer.theta[: kept.size], kept)
    np.testing.assert_array_equal(inner(x), before)
    outer.theta[: kept.size] = 0
    assert not inner(x).any()


def test_names_are_a_mapping_that_writes_through():
    network = nested()
    names, W = network.parameters, np.full((4, 4), 7.0)
    names["residual1.dense1.W"] = W
    np.testing.assert_array_equal(network.named["residual1"].named["dense1"].parameters["W"], W)
    assert len(names) == len(NESTED) and "residual1.dense1.W" in names and "W" not in names
    assert repr(names) == repr(dict(names))
    with pytest.raises(TypeError, match=r"residual1\.dense1\.W belongs to a layer"):
        del names["residual1.dense1.W"]
    with pytest.raises(KeyError):
        names["dense9.W"] = W


def test_a_flat_network_keeps_its_names():
    rng = np.random.default_rng(0)
    network = Sequential([Dense(3, 4, rng=rng), ReLU(), Dense(4, 2, rng=rng)])
    assert list(network.parameters) == ["dense1.W", "dense1.b", "dense2.W", "dense2.b"]
    assert [type(layer) for layer in network.layers] == [Dense, ReLU, Dense]


def test_every_gradient_of_a_nested_network():
    network = nested()
    network.named["residual1"].named["dropout1"].held = True
    x, y = batch()
    gradcheck.check_network(network, losses.SoftmaxCrossEntropy(), x, y).raise_if_off()
    gradcheck.check_layer(network, x, rng=np.random.default_rng(0)).raise_if_off()


@few
@given(data=st.data(), seed=st.integers(0, 99))
def test_every_gradient_of_a_random_graph(data, seed):
    rng = np.random.default_rng(seed)
    nodes, width = {}, {"x": 3}
    for number in range(data.draw(st.integers(1, 6))):
        kind = data.draw(st.sampled_from(["dense", "tanh", "add", "concatenate"]))
        sources = data.draw(st.lists(st.sampled_from(list(width)), min_size=1, max_size=3))
        name = f"n{number}"
        if kind == "add":
            sources = [s for s in sources if width[s] == width[sources[0]]]
            nodes[name], width[name] = (Add(), sources), width[sources[0]]
        elif kind == "concatenate":
            nodes[name], width[name] = (Concatenate(), sources), sum(width[s] for s in sources)
        elif kind == "dense":
            nodes[name], width[name] = (Dense(width[sources[0]], 2, rng=rng), sources[0]), 2
        else:
            nodes[name], width[name] = (Tanh(), sources[:1]), width[sources[0]]
    used = {
        s for _, given in nodes.values() for s in ([given] if isinstance(given, str) else given)
    }
    loose = [name for name in nodes if name not in used]
    nodes["out"] = (Concatenate(), loose)
    shuffled = data.draw(st.permutations(list(nodes)))
    network = Graph({name: nodes[name] for name in shuffled}, output="out")
    x = rng.normal(size=(3, 3))
    gradcheck.check_layer(network, x, rng=rng).raise_if_off()
    v = rng.normal(size=network(x).shape)
    network.backward(v)
    whole = network.dtheta.copy()
    network.dtheta[...] = np.nan
    network.backward_parameters(v)
    np.testing.assert_array_equal(network.dtheta, whole)


def test_a_graph_that_is_a_chain_is_the_sequential():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))

    def layers():
        rng = np.random.default_rng(1)
        return [Dense(3, 4, rng=rng), Tanh(), Dense(4, 2, rng=rng)]

    chain = Sequential(layers())
    names = ["a", "b", "c"]
    graph = Graph(
        {n: (f, s) for n, f, s in zip(names, layers(), ["x", *names], strict=False)}, output="c"
    )
    assert chain(x).tobytes() == graph(x).tobytes()
    assert chain.backward(v).tobytes() == graph.backward(v).tobytes()
    assert chain.dtheta.tobytes() == graph.dtheta.tobytes()


def test_a_residual_is_a_graph_with_an_add():
    x = np.random.default_rng(2).normal(size=(5, 3))
    rng = np.random.default_rng(1)
    residual = Sequential([Residual([Dense(3, 3, rng=rng), Tanh()])])
    rng = np.random.default_rng(1)
    graph = Graph(
        {"f": (Dense(3, 3, rng=rng), "x"), "g": (Tanh(), "f"), "a": (Add(), ("x", "g"))},
        output="a",
    )
    assert residual(x).tobytes() == graph(x).tobytes()
    assert residual.backward(x).tobytes() == graph.backward(x).tobytes()
    assert residual.dtheta.tobytes() == graph.dtheta.tobytes()


def test_the_order_of_the_nodes_does_not_matter():
    x, v = batch()[0], np.random.default_rng(0).normal(size=(6, 2))
    results = []
    names = ("stem", "left", "right", "sum", "both", "head")
    for order in (names, names[::-1], names[3:] + names[:3]):
        network = diamond(np.random.default_rng(0), order)
        results.append((network(x), network.backward(v), dict(network.gradients)))
        given = [name for name in order if network.named[name].parameters]
        assert list(network.parameters) == [f"{name}.{key}" for name in given for key in "Wb"]
    for other in results[1:]:
        np.testing.assert_allclose(other[0], results[0][0], rtol=1e-13)
        np.testing.assert_allclose(other[1], results[0][1], rtol=1e-13)
        for name, gradient in other[2].items():
            np.testing.assert_allclose(gradient, results[0][2][name], rtol=1e-13)


def test_gradcheck_catches_a_graph_that_forgets_a_branch():
    class Forgetful(Graph):
        def _sum(self, name, error, share):
            return share

    network = diamond(np.random.default_rng(0))
    network.__class__ = Forgetful
    report = gradcheck.check_layer(network, batch()[0], rng=np.random.default_rng(0))
    assert not report.ok and report.worst.argument in ("x", "stem.W", "stem.b")


def test_a_graph_within_a_sequential_within_a_graph():
    rng = np.random.default_rng(0)
    inner = Sequential([diamond(rng), Tanh()])
    network = Graph({"inner": (inner, "x"), "a": (Concatenate(), ("inner", "x"))}, output="a")
    assert next(iter(network.parameters)) == "inner.graph1.stem.W"
    gradcheck.check_layer(network, batch()[0], rng=rng).raise_if_off()


@pytest.mark.parametrize("build", [nested, lambda: diamond(np.random.default_rng(0))])
def test_modes_and_buffers_reach_every_layer(build):
    network = build()
    leaves = [layer for _, layer in network.walk()]
    network.train(False)
    assert not network.training and not any(layer.training for layer in leaves)
    network.train()
    assert network.training and all(layer.training for layer in leaves)
    network.reuse_buffers(True)
    assert network.reuse and all(layer.reuse for layer in leaves)
    x, _ = batch()
    results = [network.forward(x), network.forward(x)]
    assert results[0] is results[1]
    network.reuse_buffers(False)
    assert not any(layer.reuse or layer._arrays for layer in [network, *leaves])


def test_a_network_within_a_network_keeps_the_mode_it_was_built_in():
    inner = Sequential([Dropout(0.5, rng=np.random.default_rng(0))])
    inner.train(False)
    outer = Sequential([inner])
    assert not inner.layers[0].training
    outer.train(True)
    assert inner.layers[0].training


@pytest.mark.parametrize("build", [nested, lambda: diamond(np.random.default_rng(0))])
def test_reused_arrays_train_to_the_same_weights(build, monkeypatch):
    x, y = batch(n=20)
    reused, fresh = build(), build()
    monkeypatch.setattr(fresh, "reuse_buffers", lambda reuse: None)
    for network in (reused, fresh):
        fit(
            network, losses.SoftmaxCrossEntropy(), Adam(network, 0.01), x, y,
            epochs=3, batch_size=6, rng=np.random.default_rng(0),
        )  # fmt: skip
    assert reused.theta.tobytes() == fresh.theta.tobytes()


def test_the_first_layer_needs_no_input_gradient_on_any_level():
    class Deaf(Dense):
        def backward(self, dz):
            raise AssertionError("the product that gives ∂L/∂x was computed")

    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    for network in (
        Sequential([Identity(), Sequential([Deaf(3, 3, rng=rng), Tanh()]), Dense(3, 2, rng=rng)]),
        Sequential([Residual([Deaf(3, 3, rng=rng)]), Dense(3, 2, rng=rng)]),
        Graph(
            {
                "i": (Identity(), "x"),
                "l": (Deaf(3, 2, rng=rng), "i"),
                "r": (Deaf(3, 2, rng=rng), "x"),
                "a": (Add(), ("l", "r")),
            },
            output="a",
        ),
    ):
        network(x)
        network.backward_parameters(v)
        assert network.dtheta.all()
        with pytest.raises(AssertionError, match="was computed"):
            network.backward(v)
    nothing = Graph({"t": (Tanh(), "x")}, output="t")
    nothing(x)
    nothing.backward_parameters(x)


def test_state_is_that_of_all_layers_and_goes_back():
    network, other = nested(0), nested(5)
    x, _ = batch()
    network(x)
    state = network.state()
    names = ["batchnorm1.running_mean", "batchnorm1.running_var", "residual1.dropout1.rng"]
    assert list(state) == names
    other.theta[...] = network.theta
    other.load_state(state)
    assert other(x).tobytes() == network(x).tobytes()
    assert other(x).tobytes() == network(x).tobytes()
    with pytest.raises(ValueError, match=r"Sequential\.load_state: state holds \[\], expected"):
        network.load_state({})
    with pytest.raises(ValueError, match=r"batchnorm1\.running_var has shape \(2,\)"):
        network.load_state({**state, "batchnorm1.running_var": np.ones(2)})


class Seen:
    """A watcher that keeps what it saw."""

    def __init__(self):
        self.outputs, self.deltas = {}, {}

    def output(self, name, layer, a):
        self.outputs[name] = a.copy()

    def delta(self, name, layer, da):
        self.deltas[name] = da.copy()


def test_a_watcher_sees_every_layer_on_every_level():
    network, seen = nested(p=0.0), Seen()
    x, y = batch()
    loss = losses.SoftmaxCrossEntropy()
    network.watch(seen)
    loss.forward(network(x), y)
    network.backward(loss.backward())
    everything = {name for name, _ in network.walk()}
    assert set(seen.outputs) == set(seen.deltas) == everything
    np.testing.assert_array_equal(seen.outputs["sequential1"], network(x))
    np.testing.assert_array_equal(seen.deltas["sequential1"], loss.backward())
    # ∂L/∂b is the sum of the error of its layer: the deltas are those of the right layers
    for name in everything:
        if "dense" in name:
            db = network.gradients[f"{name}.b"]
            np.testing.assert_allclose(seen.deltas[name].sum(axis=0), db, rtol=1e-12, atol=1e-15)
    network.watch(None)
    kept = len(seen.outputs)
    seen.outputs.clear()
    network(x)
    assert kept and not seen.outputs
    graph = diamond(np.random.default_rng(0))
    graph.watch(seen)
    loss.forward(graph(x), y)
    graph.backward_parameters(loss.backward())
    assert set(seen.outputs) == set(graph.named)
    db = seen.deltas["stem"].sum(axis=0)
    np.testing.assert_allclose(db, graph.gradients["stem.b"], rtol=1e-12)


def test_a_failure_is_located_within_the_nesting():
    network = nested()
    x, y = batch()
    network.parameters["residual1.dense1.W"][0, 0] = np.inf
    with (
        np.errstate(all="ignore"),
        pytest.raises(FloatingPointError, match=r"residual1\.dense1\.W holds NaN or infinity"),
    ):
        fit(
            network, losses.SoftmaxCrossEntropy(), SGD(network, 0.1), x, y,
            epochs=1, batch_size=6, rng=np.random.default_rng(0),
        )  # fmt: skip
    network = nested(phi=ReLU)
    network.parameters["residual1.sequential1.layernorm1.gamma"][...] = 1e308
    network.parameters["residual1.sequential1.dense1.W"][...] = 1e308
    with (
        np.errstate(all="ignore"),
        pytest.raises(
            FloatingPointError,
            match=r"output of layer 4, at residual1\.sequential1\.dense1, Dense",
        ),
    ):
        fit(
            network, losses.SoftmaxCrossEntropy(), SGD(network, 0.1), x, y,
            epochs=1, batch_size=6, rng=np.random.default_rng(0),
        )  # fmt: skip


def test_along_a_direction_through_all_levels():
    network = nested(p=0.0)
    x, y = batch()
    loss = losses.SoftmaxCrossEntropy()
    loss.forward(network(x), y)
    network.backward(loss.backward())
    dtheta = network.dtheta.copy()
    for i in range(0, network.theta.size, 7):
        phi = gradcheck.along(network, loss, x, y, np.eye(network.theta.size)[i])
        assert np.imag(phi(1e-20j)) / 1e-20 == pytest.approx(dtheta[i], rel=1e-9, abs=1e-15)


REPEAT = """
import numpy as np
from tests.test_network import diamond
rng = np.random.default_rng(0)
network = diamond(rng)
network(rng.normal(size=(50, 3)))
network.backward(rng.normal(size=(50, 2)))
print(network.order, network.dtheta.tobytes().hex())
"""


def test_gradients_do_not_depend_on_the_hash_seed():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", REPEAT], cwd=Path(__file__).parents[1],
            env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True, timeout=120,
        ).stdout
        for seed in ("1", "2", "3")
    }  # fmt: skip
    assert len(outputs) == 1


def test_errors_name_what_is_wrong():
    rng = np.random.default_rng(0)
    dense, tanh = Dense(3, 3, rng=rng), Tanh()
    shared = Residual([dense])
    for layers in ([dense, dense], [shared, dense], [Sequential([tanh]), tanh]):
        with pytest.raises(ValueError, match="Sequential: the same layer object stands twice"):
            Sequential(layers)
    with pytest.raises(ValueError, match="Sequential: layers is empty"):
        Sequential([])
    with pytest.raises(ValueError, match="Sequential: layers have dtypes float32, float64"):
        Sequential([Residual([dense]), Dense(3, 3, rng=rng, dtype=np.float32)])
    cases = [
        ({"a": (tanh, "b"), "b": (Tanh(), "a")}, "a", "Graph: nodes form a cycle: "),
        ({"a": (tanh, "a")}, "a", "cycle: a -> a"),
        ({"a": (tanh, "y")}, "a", "node a has the input 'y', expected 'x' or one of"),
        ({"a": (tanh, "x")}, "b", "output is 'b', expected one of"),
        ({"a": (tanh, ("x", "x"))}, "a", "node a, Tanh, has 2 inputs, expected 1"),
        ({"a": (Add(), ())}, "a", "node a, Add, has 0 inputs, expected at least 1"),
        ({"a": (tanh, "x"), "b": (Tanh(), "a")}, "a", "node b does not lead to the output a"),
        ({"x": (tanh, "x")}, "x", "a node is named 'x'"),
        ({"a.b": (tanh, "x")}, "a.b", "a node is named 'a.b'"),
        ({"a": (tanh, "x"), "b": (tanh, "a")}, "b", "same layer object stands twice"),
    ]
    for nodes, output, message in cases:
        with pytest.raises(ValueError, match=message):
            Graph(nodes, output=output)
    x = np.zeros((4, 3))
    with pytest.raises(ValueError, match=r"Add: input 2 has shape \(4, 1\), expected \(4, 3\)"):
        Add().join([x, x[:, :1]])
    with pytest.raises(ValueError, match=r"Concatenate: input 2 has shape \(3, 3\), expected"):
        Concatenate().join([x, x[:3]])
    with pytest.raises(ValueError, match=r"input 1 has shape \(4, 3\), expected an axis 2"):
        Concatenate(axis=2).join([x, x])
    for junction in (Add(), Concatenate()):
        with pytest.raises(RuntimeError, match=r"backward\(\) came before forward"):
            junction.split(x)


def test_a_deep_network_trains_with_residuals_and_not_without():
    x = np.random.default_rng(1).uniform(-1, 1, (400, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    found = {}
    for kind in (Residual, Sequential):
        rng = np.random.default_rng(0)
        blocks = [kind([LayerNorm(8), ReLU(), Dense(8, 8, rng=rng)]) for _ in range(30)]
        network = Sequential([Dense(2, 8, rng=rng), *blocks, Dense(8, 2, rng=rng)])
        history = fit(
            network, losses.SoftmaxCrossEntropy(), Adam(network, 0.003), x, y,
            epochs=12, batch_size=40, rng=rng,
        )  # fmt: skip
        found[kind] = max(history.accuracy)
    assert found[Residual] > found[Sequential] + 0.1, found


def test_junctions_name_the_input_that_does_not_fit():
    for junction in (Add(), Concatenate()):
        with pytest.raises(ValueError, match=r"input 2: x|input 2 has shape \(3, 2\)"):
            junction.join([np.ones((2, 2)), np.ones((3, 2)), np.ones((4, 2))])
        with pytest.raises(ValueError, match=r"input 3 has shape \(4, 2\)"):
            junction.join([np.ones((2, 2)), np.ones((2, 2)), np.ones((4, 2))])


def test_a_junction_of_one_input_passes_it_on():
    x = np.arange(6.0).reshape(2, 3)
    for junction in (Add(), Concatenate()):
        np.testing.assert_array_equal(junction.forward(x), x)
        np.testing.assert_array_equal(junction.backward(2 * x), 2 * x)
        junction.join([x, x])
        first = junction.backward(np.arange(12.0).reshape(2, 6) if junction.name != "add" else x)
        np.testing.assert_array_equal(
            first, [[0, 1, 2], [6, 7, 8]] if junction.name != "add" else x
        )
