"""One table that embeds and scores: its gradient is a sum of two."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.layers import Dense, Embedding, Flatten, RMSNorm, Tied
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.training import fit


def network(rng, n=5, d=3, dtype=np.float64):
    middle = [RMSNorm(d, dtype=dtype), Dense(d, d, rng=rng, dtype=dtype)]
    return Sequential([Tied([Embedding(n, d, rng=rng, dtype=dtype), *middle])])


@settings(derandomize=True, deadline=None, max_examples=20)
@given(st.integers(1, 4), st.integers(2, 5), st.integers(2, 4), st.integers(0, 999))
def test_against_both_judges(rows, n, d, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(n, size=(2, rows))
    report = gradcheck.check_network(network(rng, n, d), SoftmaxCrossEntropy(), x, y)
    report.raise_if_off()


def test_against_autograd_with_both_paths():
    rng = np.random.default_rng(0)
    net = network(rng)
    x, dz = np.array([4, 0, 4]), rng.normal(size=(3, 5))
    W, gamma, V, b = net.parameters.values()

    def total(W):
        h = W[x]
        h = h / anp.sqrt(anp.mean(h**2, axis=1, keepdims=True) + 1e-5) * gamma
        return anp.sum(dz * anp.dot(anp.dot(h, V) + b, W.T))

    net.forward(x)
    net.backward(dz)
    theirs = autograd.grad(total)(W)
    np.testing.assert_allclose(net.gradients["tied1.embedding1.W"], theirs, rtol=1e-12)


def test_the_two_shares_by_sympy():
    W, dz = symbolic.matrix("w", 3, 2), symbolic.matrix("d", 2, 3)
    x = np.array([2, 0])
    E = sp.Matrix(2, 3, lambda i, k: int(x[i] == k))
    loss = sum(dz.multiply_elementwise(E * W * W.T))
    shares = dz.T * E * W, E.T * dz * W
    assert (symbolic.gradient(loss, W) - shares[0] - shares[1]).expand() == sp.zeros(3, 2)
    rng = np.random.default_rng(0)
    layer, error = Tied([Embedding(3, 2, rng=rng)]), rng.normal(size=(2, 3))
    at = symbolic.values(W, layer.parameters["embedding1.W"]) | symbolic.values(dz, error)
    layer.forward(x)
    layer.backward(error)
    exact = symbolic.evaluate(symbolic.gradient(loss, W), at)
    np.testing.assert_allclose(layer.gradients["embedding1.W"], exact, rtol=1e-13)


def test_with_any_shape_of_tokens_as_the_products_say():
    rng = np.random.default_rng(0)
    layer, x = Tied([Embedding(4, 3, rng=rng)]), rng.integers(4, size=(2, 5))
    W = layer.parameters["embedding1.W"]
    np.testing.assert_allclose(layer.forward(x), W[x] @ W.T, rtol=1e-13)
    assert layer.forward(x[0]).shape == (5, 4)


@pytest.mark.parametrize("first", [True, False])
def test_the_gradient_of_the_last_call_is_replaced(first):
    # The shares are added to each other, and not to what stood there.
    rng = np.random.default_rng(0)
    net, x, dz = network(rng), np.array([1, 1, 3]), rng.normal(size=(3, 5))
    back = net.backward_parameters if first else net.backward
    found = []
    for _ in range(2):
        net.forward(x)
        back(dz)
        found.append(net.dtheta.copy())
    np.testing.assert_array_equal(found[0], found[1])
    net.forward(x)
    net.backward(dz)
    np.testing.assert_array_equal(net.dtheta, found[0])


def test_as_torch():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare tied tables")
    rng = np.random.default_rng(0)
    net, x, y = network(rng), rng.integers(5, size=7), rng.integers(5, size=7)
    W, gamma, V, b = (torch.tensor(p, requires_grad=True) for p in net.parameters.values())
    h = torch.nn.functional.rms_norm(torch.nn.functional.embedding(torch.tensor(x), W), (3,), gamma,
                                     1e-5)  # fmt: skip
    torch.nn.functional.cross_entropy((h @ V + b) @ W.T, torch.tensor(y)).backward()
    loss = SoftmaxCrossEntropy()
    loss.forward(net.forward(x), y)
    net.backward_parameters(loss.backward())
    for mine, theirs in zip(net.gradients.values(), (W, gamma, V, b), strict=True):
        np.testing.assert_allclose(mine, theirs.grad.numpy(), rtol=0, atol=1e-14)


class Planted(Tied):
    """A tied table with one bug in its gradient, chosen by name."""

    bug = "none"

    def backward_parameters(self, dz):
        dW, dh = self._score_errors(dz)
        dW = dW.copy()
        super(Tied, self).backward_parameters(dh)
        found = self.layers[0].gradients["W"]
        if self.bug == "scores alone":
            found[...] = dW
        elif self.bug == "scores twice":
            found += 2 * dW
        elif self.bug != "input alone":
            found += dW

    def backward(self, dz):
        self.backward_parameters(dz)
        return np.zeros(self.h.shape[:-1])


@pytest.mark.parametrize("bug", ["none", "scores alone", "input alone", "scores twice"])
def test_planted_bug_is_caught(bug):
    rng = np.random.default_rng(0)
    layer = Planted([Embedding(5, 3, rng=rng), RMSNorm(3)])
    layer.bug = bug
    x, y = rng.integers(5, size=(2, 6))
    report = gradcheck.check_network(Sequential([layer]), SoftmaxCrossEntropy(), x, y)
    assert report.ok == (bug == "none")


def test_it_trains_like_any_network_and_reused_buffers_change_nothing():
    x = np.arange(6).repeat(4)
    finals = []
    for _ in range(2):
        rng = np.random.default_rng(1)
        net = network(rng, 6, 4, np.float32)
        loss = SoftmaxCrossEntropy()
        history = fit(net, loss, SGD(net, 0.3), x, (x + 1) % 6, epochs=30, batch_size=7, rng=rng)
        finals.append(net.theta.copy())
    assert history.loss[-1] < 0.3 < history.loss[0]
    np.testing.assert_array_equal(*finals)
    net.forward(x)
    fresh = net.forward(x).copy()
    net.reuse_buffers(True)
    assert net.forward(x) is not fresh
    np.testing.assert_array_equal(net.forward(x), fresh)


def test_who_watches_sees_each_layer():
    rng = np.random.default_rng(0)
    net = network(rng)
    seen = []

    class Watcher:
        def output(self, name, layer, a):
            seen.append(name)

        def delta(self, name, layer, da):
            seen.append(f"back {name}")

    net.watch(Watcher())
    net.forward(np.array([1, 2]))
    net.backward_parameters(np.ones((2, 5)))
    inner = ["tied1.embedding1", "tied1.rmsnorm1", "tied1.dense1"]
    assert seen == [*inner, "tied1", "back tied1", *(f"back {name}" for name in inner[::-1])]


def test_errors_name_the_argument():
    rng = np.random.default_rng(0)
    with pytest.raises(TypeError, match="Tied: layers begins with a Dense, expected an Embedding"):
        Tied([Dense(3, 3, rng=rng)])
    with pytest.raises(ValueError, match="Tied: layers is empty"):
        Tied([])
    layer = Tied([Embedding(4, 3, rng=rng)])
    with pytest.raises(RuntimeError, match=r"Tied: backward\(\) came before forward\(\)"):
        layer.backward(np.zeros((1, 4)))
    layer.forward(np.array([1, 2]))
    with pytest.raises(ValueError, match=r"Tied.backward: dz has shape \(2, 3\), expected \(2, 4"):
        layer.backward(np.zeros((2, 3)))
    for wrong in (Dense(3, 2, rng=rng), Flatten()):
        with pytest.raises(ValueError, match=r"Tied.forward: f\(W\[x\]\) has shape"):
            Tied([Embedding(4, 3, rng=rng), wrong]).forward(np.array([[1, 2]]) if
                wrong.name == "flatten" else np.array([1, 2]))  # fmt: skip
