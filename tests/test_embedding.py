"""Embedding against differences, the one-hot product, PyTorch and HIPS autograd."""

import tracemalloc

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.layers import Dense, Embedding, Flatten
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.training import fit

many = settings(derandomize=True, deadline=None, max_examples=40)


@st.composite
def embeddings(draw):
    """A layer, indices of one to three axes with repetitions, and dz."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    n_in, n_out = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    shape = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple))
    kind = draw(st.sampled_from([np.int64, np.int32, np.uint8]))
    x = rng.integers(n_in, size=shape).astype(kind)
    return Embedding(n_in, n_out, rng=rng), x, rng.normal(size=(*shape, n_out))


def judge(layer, x, dz):
    """Compare the layer's ∂L/∂W for L = Σ dz ⊙ z with both judges."""
    W = layer.parameters["W"]
    layer.forward(x)
    layer.backward(dz)
    dW = layer.gradients["W"].copy()

    def L(p):
        with layer.parameters.replaced({"W": p}):
            return (dz * layer.forward(x)).sum()

    return gradcheck.check_gradient(L, W, dW, "W")


@many
@given(embeddings())
def test_against_both_judges(case):
    judge(*case).raise_if_off()


@many
@given(embeddings())
def test_is_the_product_with_one_hot_rows(case):
    layer, x, dz = case
    E = np.eye(len(layer.parameters["W"]))[x]
    np.testing.assert_array_equal(layer.forward(x), E @ layer.parameters["W"])
    dx = layer.backward(dz)
    exact = E.reshape(-1, E.shape[-1]).T @ dz.reshape(-1, dz.shape[-1])
    np.testing.assert_allclose(layer.gradients["W"], exact, atol=1e-13)
    assert dx.shape == x.shape and dx.dtype == np.float64 and not dx.any()


@many
@given(embeddings())
def test_as_torch(case):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare the embedding")
    layer, x, dz = case
    W = torch.tensor(layer.parameters["W"], requires_grad=True)
    z = torch.nn.functional.embedding(torch.tensor(x.astype(np.int64)), W)
    z.backward(torch.tensor(dz))
    np.testing.assert_allclose(layer.forward(x), z.detach().numpy(), rtol=0, atol=1e-10)
    layer.backward_parameters(dz)
    np.testing.assert_allclose(layer.gradients["W"], W.grad.numpy(), rtol=0, atol=1e-10)


def test_against_autograd():
    rng = np.random.default_rng(0)
    layer, x = Embedding(5, 3, rng=rng), np.array([[0, 4, 4], [4, 1, 0]])
    dz = rng.normal(size=(2, 3, 3))
    layer.forward(x)
    layer.backward(dz)
    theirs = autograd.grad(lambda W: anp.sum(dz * W[x]))(layer.parameters["W"])
    np.testing.assert_allclose(layer.gradients["W"], theirs, atol=1e-14)


def test_repeated_indices_add_up_and_absent_ones_get_zero():
    layer = Embedding(4, 2, rng=np.random.default_rng(0))
    layer.gradients["W"][...] = np.nan
    layer.forward(np.array([3, 1, 3, 3]))
    layer.backward(np.array([[1.0, 2], [10, 20], [100, 200], [1000, 2000]]))
    np.testing.assert_array_equal(layer.gradients["W"], [[0, 0], [10, 20], [0, 0], [1101, 2202]])


class Planted(Embedding):
    """Embedding with one bug in ∂L/∂W, chosen by name."""

    def __init__(self, bug, rng):
        super().__init__(4, 2, rng=rng)
        self.bug = bug

    def backward_parameters(self, dz):
        dW = self.gradients["W"]
        if self.bug == "repeated indices overwrite":
            dW[...] = 0
            dW[self.x] = dz
        elif self.bug == "repeated indices counted once by +=":
            dW[...] = 0
            dW[self.x] += dz
        elif self.bug == "last call's gradient kept":
            kept = dW.copy()
            super().backward_parameters(dz)
            dW += kept
        elif self.bug == "averaged over repetitions":
            super().backward_parameters(dz)
            dW /= np.maximum(1, np.bincount(self.x.ravel(), minlength=4))[:, np.newaxis]
        else:
            super().backward_parameters(dz)


@pytest.mark.parametrize(
    "bug",
    [
        "none", "repeated indices overwrite", "repeated indices counted once by +=",
        "last call's gradient kept", "averaged over repetitions",
    ],
)  # fmt: skip
def test_planted_bug_is_caught(bug):
    rng = np.random.default_rng(0)
    layer, x = Planted(bug, rng), np.array([[1, 3, 3], [0, 3, 1]])
    layer.forward(x)
    layer.backward_parameters(rng.normal(size=(2, 3, 2)))
    assert judge(layer, x, rng.normal(size=(2, 3, 2))).ok == (bug == "none")


def test_network_learns_which_tokens_differ():
    rng = np.random.default_rng(0)
    x = np.stack(np.meshgrid(range(6), range(6)), -1).reshape(-1, 2)
    y = (x[:, 0] == x[:, 1]).astype(int)
    stack = [Embedding(6, 8, rng=rng), Flatten(), Dense(16, 32, rng=rng), Dense(32, 2, rng=rng)]
    network, loss = Sequential(stack), SoftmaxCrossEntropy()
    gradcheck.check_network(network, loss, x[:7], y[:7]).raise_if_off()
    history = fit(
        network, loss, SGD(network, learning_rate=0.1), x, y, epochs=20, batch_size=9, rng=rng
    )
    assert history.loss[-1] < history.loss[0]


def test_reused_buffers_change_nothing_and_need_no_new_memory():
    rng = np.random.default_rng(0)
    layer = Embedding(7, 64, rng=rng, dtype=np.float32)
    x, dz = rng.integers(7, size=(32, 20)), rng.normal(size=(32, 20, 64)).astype(np.float32)
    z = layer.forward(x)
    layer.backward(dz)
    dW = layer.gradients["W"].copy()
    assert z.dtype == dW.dtype == np.float32
    layer.reuse = True
    assert layer.forward(x) is layer.forward(x)
    np.testing.assert_array_equal(layer.forward(x), z)
    layer.backward(dz)
    np.testing.assert_array_equal(layer.gradients["W"], dW)
    tracemalloc.start()
    try:
        for _ in range(3):
            layer.forward(x)
            layer.backward(dz)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < z.nbytes / 4, peak


def test_initial_weights():
    W = Embedding(500, 40, rng=np.random.default_rng(0), scale=0.02).parameters["W"]
    assert W.std() == pytest.approx(0.02, rel=0.03) and abs(W.mean()) < 1e-3


def test_errors_name_the_argument():
    rng = np.random.default_rng(0)
    layer = Embedding(5, 2, rng=rng)
    with pytest.raises(RuntimeError, match=r"Embedding: backward\(\) came before forward\(\)"):
        layer.backward(np.zeros((1, 2)))
    with pytest.raises(
        TypeError, match=r"Embedding.forward: x has dtype float64, expected integer"
    ):
        layer.forward(np.zeros(3))
    with pytest.raises(TypeError, match=r"Embedding.forward: x has dtype bool"):
        layer.forward(np.zeros(3, bool))
    with pytest.raises(
        TypeError, match=r"Embedding.forward: x is a list, expected a numpy.ndarray"
    ):
        layer.forward([1, 2])
    with pytest.raises(ValueError, match=r"Embedding.forward: x\[1, 0\] is 5, expected 0 to 4"):
        layer.forward(np.array([[0, 4], [5, 3]]))
    with pytest.raises(ValueError, match=r"Embedding.forward: x\[2\] is -1, expected 0 to 4"):
        layer.forward(np.array([0, 4, -1]))
    layer.forward(np.array([[0, 4]]))
    with pytest.raises(ValueError, match=r"dz has shape \(2, 2\), expected \(1, 2, 2\)"):
        layer.backward(np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"Embedding.backward: dz has dtype int64"):
        layer.backward(np.zeros((1, 2, 2), int))
    with pytest.raises(ValueError, match=r"Embedding: n_in is 0"):
        Embedding(0, 2, rng=rng)
    with pytest.raises(TypeError, match=r"Embedding: n_out is 2.0, a float"):
        Embedding(3, 2.0, rng=rng)
    with pytest.raises(ValueError, match=r"Embedding: scale is 0"):
        Embedding(3, 2, rng=rng, scale=0)
    with pytest.raises(TypeError, match=r"Embedding: dtype is float16"):
        Embedding(3, 2, rng=rng, dtype=np.float16)
