"""The gated layer against differences, SymPy, HIPS autograd and PyTorch."""

import tracemalloc

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.initializers import zeros
from backprop.layers import GatedMLP
from backprop.network import Sequential

many = settings(derandomize=True, deadline=None, max_examples=30)
NAMES = ["W_g", "W_u", "W_o"]


@st.composite
def layers_and_inputs(draw):
    """A layer, and an input with up to three axes."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n, hidden = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    leading = draw(st.lists(st.integers(1, 3), max_size=2).map(tuple))
    return GatedMLP(n, hidden, rng=rng), rng.normal(size=(*leading, n)) * 2, rng


@many
@given(layers_and_inputs())
def test_against_both_judges(case):
    layer, x, rng = case
    gradcheck.check_layer(layer, x, rng=rng).raise_if_off()


def plain(x, W_g, W_u, W_o, lib=np):
    g = lib.dot(x, W_g)
    return lib.dot(g / (1 + lib.exp(-g)) * lib.dot(x, W_u), W_o)


@many
@given(layers_and_inputs())
def test_against_autograd(case):
    layer, x, rng = case
    weights = list(layer.parameters.values())
    y = layer.forward(x)
    np.testing.assert_allclose(y, plain(x, *weights), rtol=1e-12, atol=1e-14)
    dy = rng.normal(size=y.shape)
    found = [layer.backward(dy), *layer.gradients.values()]
    for k, mine in enumerate(found):

        def of(value, k=k):
            given = [x, *weights]
            given[k] = value
            return anp.sum(dy * plain(*given, lib=anp))

        theirs = autograd.grad(of)([x, *weights][k])
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)


def test_against_sympy():
    x, G, U, V = (symbolic.matrix(n, *s) for n, s in
                  (("x", (1, 2)), ("g", (2, 2)), ("u", (2, 2)), ("o", (2, 2))))  # fmt: skip
    dy = symbolic.matrix("d", 1, 2)
    gate = (x * G).applyfunc(lambda z: z / (1 + sp.exp(-z)))
    loss = sum(dy.multiply_elementwise(gate.multiply_elementwise(x * U) * V))
    rng = np.random.default_rng(0)
    layer = GatedMLP(2, 2, rng=rng)
    row, error = rng.normal(size=(1, 2)), rng.normal(size=(1, 2))
    at = {}
    for name, value in zip((x, G, U, V, dy), (row, *layer.parameters.values(), error), strict=True):
        at |= symbolic.values(name, value)
    layer.forward(row)
    for name, mine in zip(
        (x, G, U, V), (layer.backward(error), *layer.gradients.values()), strict=True
    ):
        exact = symbolic.evaluate(symbolic.gradient(loss, name), at)
        np.testing.assert_allclose(mine, exact, rtol=1e-13)


def test_as_torch():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare the gated layer")
    rng = np.random.default_rng(0)
    layer, x, dy = GatedMLP(5, 7, rng=rng), rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 4, 5))
    W_g, W_u, W_o = (torch.tensor(w, requires_grad=True) for w in layer.parameters.values())
    theirs = torch.tensor(x, requires_grad=True)
    y = (torch.nn.functional.silu(theirs @ W_g) * (theirs @ W_u)) @ W_o
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(layer.forward(x), y.detach().numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol=0, atol=1e-12)
    for name, W in zip(NAMES, (W_g, W_u, W_o), strict=True):
        np.testing.assert_allclose(layer.gradients[name], W.grad.numpy(), rtol=0, atol=1e-12)


def test_a_closed_gate_lets_nothing_through_and_an_open_one_all():
    layer = GatedMLP(1, 1, rng=np.random.default_rng(0))
    for value, passed in ((-40.0, 0.0), (40.0, 40.0 * 3 * 2)):
        layer.parameters["W_g"][...], layer.parameters["W_u"][...] = value, 3
        layer.parameters["W_o"][...] = 2
        assert layer.forward(np.array([[1.0]])).item() == pytest.approx(passed, abs=1e-14)


class Planted(GatedMLP):
    """A gated layer with one bug in its backward pass, chosen by name."""

    def __init__(self, bug, rng):
        super().__init__(3, 4, rng=rng)
        self.bug = bug

    def backward(self, dz):
        dx = super().backward(dz)
        p = self.parameters
        if self.bug == "signal alone":
            return self.du @ p["W_u"].T
        if self.bug == "gate alone":
            return self.dg @ p["W_g"].T
        if self.bug == "slope of the gate left out":
            self.gradients["W_g"][...] = self.x.T @ (dz.reshape(-1, 3) @ p["W_o"].T * self.u)
        if self.bug == "gate before its slope":
            self.gradients["W_u"][...] = self.x.T @ (dz.reshape(-1, 3) @ p["W_o"].T * self.g)
        return dx


@pytest.mark.parametrize(
    "bug",
    ["none", "signal alone", "gate alone", "slope of the gate left out", "gate before its slope"],
)
def test_planted_bug_is_caught(bug):
    rng = np.random.default_rng(0)
    report = gradcheck.check_layer(Planted(bug, rng), rng.normal(size=(2, 3)), rng=rng)
    assert report.ok == (bug == "none")


def test_reused_buffers_change_nothing_and_need_no_new_memory():
    rng = np.random.default_rng(0)
    layer = GatedMLP(16, 32, rng=rng, dtype=np.float32)
    x, dy = rng.standard_normal((2, 8, 40, 16), np.float32)
    y, dx = layer.forward(x), layer.backward(dy)
    kept = [g.copy() for g in layer.gradients.values()]
    assert y.dtype == dx.dtype == kept[0].dtype == np.float32
    layer.reuse = True
    np.testing.assert_array_equal(layer.forward(x), y)
    np.testing.assert_array_equal(layer.backward(dy), dx)
    tracemalloc.start()
    try:
        for _ in range(3):
            layer.forward(x)
            layer.backward(dy)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    for before, now in zip(kept, layer.gradients.values(), strict=True):
        np.testing.assert_array_equal(before, now)
    # SiLU and its slope work in pieces of their own.
    assert peak < 3 * 8 * 40 * 32 * 4, peak


def test_the_input_and_the_error_are_not_changed():
    rng = np.random.default_rng(0)
    layer, x, dy = GatedMLP(3, 4, rng=rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    x_kept, dy_kept = x.copy(), dy.copy()
    layer.forward(x)
    layer.backward(dy)
    np.testing.assert_array_equal(x, x_kept)
    np.testing.assert_array_equal(dy, dy_kept)


def test_the_first_layer_of_a_network_fills_the_same_gradients():
    rng = np.random.default_rng(0)
    network, x = Sequential([GatedMLP(3, 4, rng=rng)]), rng.normal(size=(5, 3))
    network.forward(x)
    network.backward(x)
    whole = network.dtheta.copy()
    network.dtheta[...] = 0
    network.backward_parameters(x)
    np.testing.assert_array_equal(network.dtheta, whole)


def test_errors_name_the_argument():
    rng = np.random.default_rng(0)
    layer = GatedMLP(3, 2, rng=rng)
    assert list(layer.parameters) == NAMES
    with pytest.raises(RuntimeError, match=r"GatedMLP: backward\(\) came before forward\(\)"):
        layer.backward(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"GatedMLP.forward: x has shape \(2, 4\), expected"):
        layer.forward(np.zeros((2, 4)))
    with pytest.raises(ValueError, match=r"x has shape \(\), expected \(3,\)"):
        layer.forward(np.zeros(()))
    with pytest.raises(TypeError, match=r"x has dtype float32, expected float64"):
        layer.forward(np.zeros((2, 3), np.float32))
    layer.forward(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"dz has shape \(3, 3\), expected \(2, 3\)"):
        layer.backward(np.zeros((3, 3)))
    with pytest.raises(ValueError, match="GatedMLP: n is 0"):
        GatedMLP(0, 2, rng=rng)
    with pytest.raises(TypeError, match=r"GatedMLP: n_hidden is 2\.0, a float"):
        GatedMLP(3, 2.0, rng=rng)
    with pytest.raises(TypeError, match="GatedMLP: dtype is float16"):
        GatedMLP(3, 2, rng=rng, dtype=np.float16)
    assert not GatedMLP(3, 2, rng=rng, initializer=zeros).forward(np.ones((1, 3))).any()
