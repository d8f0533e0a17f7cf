"""Every layer and loss against differences, the complex step and HIPS autograd."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import layers, losses
from backprop.activations import ACTIVATIONS, gelu, sigmoid, softplus, tanh
from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.book.ledger import record
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.training import accuracy, fit

ACTIVATION_LAYERS = [
    layers.Identity, layers.Sigmoid, layers.Tanh, layers.ReLU, layers.LeakyReLU,
    layers.Softplus, layers.GELU,
]  # fmt: skip
sizes = st.integers(1, 4)


@pytest.mark.parametrize("kind", ACTIVATION_LAYERS)
@settings(derandomize=True, deadline=None, max_examples=15)
@given(batch=sizes, n=sizes, seed=st.integers(0, 999))
def test_activation_layer(kind, batch, n, seed):
    rng = np.random.default_rng(seed)
    # away from the kink at 0, where a difference straddles two slopes
    x = rng.choice([-1, 1], (batch, n)) * rng.uniform(0.01, 3, (batch, n))
    gradcheck.check_layer(kind(), x, rng=rng).raise_if_off()


@settings(derandomize=True, deadline=None, max_examples=15)
@given(batch=sizes, n_in=sizes, n_out=sizes, seed=st.integers(0, 999))
def test_dense(batch, n_in, n_out, seed):
    rng = np.random.default_rng(seed)
    dense = layers.Dense(n_in, n_out, rng=rng)
    gradcheck.check_layer(dense, rng.normal(size=(batch, n_in)), rng=rng).raise_if_off()


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "softplus"])
def test_activation_against_sympy_and_autograd(name):
    z = sp.Symbol("z", real=True)
    exprs = {
        "sigmoid": (1 / (1 + sp.exp(-z)), lambda t: 1 / (1 + anp.exp(-t))),
        "tanh": (sp.tanh(z), anp.tanh),
        "softplus": (sp.log(1 + sp.exp(z)), lambda t: anp.log(1 + anp.exp(t))),
    }
    expr, f = exprs[name]
    at = np.linspace(-4, 4, 17)
    ours = ACTIVATIONS[name][1](at)
    exact = symbolic.numpy_function(symbolic.derivative(expr, z), z)(at)
    np.testing.assert_allclose(ours, exact, rtol=1e-13)
    np.testing.assert_allclose(ours, autograd.elementwise_grad(f)(at), rtol=1e-13)


@settings(derandomize=True, deadline=None, max_examples=15)
@given(batch=sizes, n=sizes, seed=st.integers(0, 999))
def test_losses(batch, n, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(batch, n)) * 3
    gradcheck.check_loss(losses.MeanSquaredError(), z, rng.normal(size=z.shape)).raise_if_off()
    y = rng.integers(n, size=batch)
    gradcheck.check_loss(losses.SoftmaxCrossEntropy(), z, y).raise_if_off()
    binary = rng.uniform(size=(batch, 1))
    gradcheck.check_loss(losses.BinaryCrossEntropy(), z[:, :1], binary).raise_if_off()


def test_extreme_logits_in_float32():
    z = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        for phi, phi_prime in ACTIVATIONS.values():
            assert np.isfinite(phi(z)).all() and np.isfinite(phi_prime(z)).all()
            assert phi(z).dtype == phi_prime(z).dtype == np.float32
        loss = losses.SoftmaxCrossEntropy()
        assert loss.forward(z, np.array([1, 0])) == pytest.approx(2e4)
        np.testing.assert_allclose(loss.backward(), [[0.5, -0.5], [-0.5, 0.5]])


class Planted(layers.Dense):
    """Dense with one bug, chosen by name."""

    def __init__(self, bug, rng):
        super().__init__(3, 3, rng=rng)
        self.bug = bug

    def backward(self, dz):
        dx = super().backward(dz)
        dW, db = self.gradients["W"], self.gradients["b"]
        if self.bug == "dW transposed":
            dW[...] = dW.T.copy()
        elif self.bug == "dx without transpose":
            return dz @ self.parameters["W"]
        elif self.bug == "wrong sign":
            dW *= -1
        elif self.bug == "bias forgotten":
            db[...] = 0
        elif self.bug == "bias averaged":
            db /= len(dz)
        elif self.bug == "factor 2":
            dW *= 2
        elif self.bug == "one entry off by 1e-5":
            dW[1, 2] += 1e-5
        elif self.bug == "NaN":
            dW[0, 0] = np.nan
        return dx


BUGS = [
    "dW transposed", "dx without transpose", "wrong sign", "bias forgotten", "bias averaged",
    "factor 2", "one entry off by 1e-5", "NaN",
]  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_gradcheck_catches(bug):
    rng = np.random.default_rng(0)
    report = gradcheck.check_layer(Planted(bug, rng), rng.normal(size=(4, 3)), rng=rng)
    assert not report.ok
    with pytest.raises(AssertionError, match="OFF"):
        report.raise_if_off()


def make(seed):
    rng = np.random.default_rng(seed)
    stack = [layers.Dense(2, 8, rng=rng), layers.Tanh(), layers.Dense(8, 2, rng=rng)]
    return Sequential(stack), rng


def test_network_learns_xor_and_repeats_to_the_last_bit():
    x = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    y = np.array([0, 1, 1, 0])
    thetas = []
    for _ in range(2):
        network, rng = make(3)
        loss = losses.SoftmaxCrossEntropy()
        gradcheck.check_network(network, loss, x, y).raise_if_off()
        optimizer = SGD(network, learning_rate=1.0)
        history = fit(network, loss, optimizer, x, y, epochs=300, batch_size=2, rng=rng)
        thetas.append(network.theta.copy())
    assert history.accuracy[-1] == 1.0
    assert thetas[0].tobytes() == thetas[1].tobytes()


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"y has shape \(32, 3\), expected \(32, 2\)"):
        losses.MeanSquaredError().forward(np.zeros((32, 2)), np.zeros((32, 3)))
    with pytest.raises(ValueError, match=r"y has shape \(100, 1\), expected \(100,\)"):
        accuracy(np.zeros((100, 2)), np.zeros((100, 1), int))
    with pytest.raises(ValueError, match="classes -1 to 0, expected 0 to 1"):
        losses.SoftmaxCrossEntropy().forward(np.zeros((2, 2)), np.array([0, -1]))
    with pytest.raises(ValueError, match="learning_rate is nan"):
        SGD(make(0)[0], float("nan"))


def test_ledger_refuses():
    a = np.ones(3)
    record("one", "1", "f", a, symbolic=a, autograd=a, complex_step=a)
    with pytest.raises(ValueError, match="lacks"):
        record("one", "1", "f", a, symbolic=a, autograd=a)
    for off in (a + 1e-9, a * np.nan):
        with pytest.raises(AssertionError, match="off by"):
            record("one", "1", "f", a, symbolic=off, autograd=a, complex_step=a)


def test_known_values():
    np.testing.assert_allclose(sigmoid(np.array([0.0])), [0.5])
    np.testing.assert_allclose(tanh(np.array([0.0])), [0.0])
    np.testing.assert_allclose(softplus(np.array([0.0])), [np.log(2)])
    np.testing.assert_allclose(gelu(np.array([1.0])), [0.8413447460685429])
