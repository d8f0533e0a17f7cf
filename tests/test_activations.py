"""Every activation and its derivative against SymPy, PyTorch and far out in float32."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop import activations, layers
from backprop.activations import ACTIVATIONS, LEAKY_SLOPE, log_softmax, softmax, softmax_vjp
from backprop.autodiff import gradcheck

z = sp.Symbol("z", real=True)
leak = sp.Rational(1, 100)
FORMULAS = {
    "identity": z,
    "sigmoid": 1 / (1 + sp.exp(-z)),
    "tanh": sp.tanh(z),
    "relu": sp.Max(0, z),
    "leaky_relu": sp.Piecewise((z, z > 0), (leak * z, True)),
    "softplus": sp.log(1 + sp.exp(z)),
    "elu": sp.Piecewise((z, z > 0), (sp.exp(z) - 1, True)),
    "silu": z / (1 + sp.exp(-z)),
    "gelu": z * (1 + sp.erf(z / sp.sqrt(2))) / 2,
}
TORCH = {"leaky_relu": "leaky_relu", "elu": "elu", "silu": "silu", "gelu": "gelu",
         "softplus": "softplus", "relu": "relu", "tanh": "tanh", "sigmoid": "sigmoid"}  # fmt: skip
AT = np.array([-6.0, -3.1, -1.0, -0.4, -0.01, 0.02, 0.3, 1.0, 2.7, 5.5])
every = pytest.mark.parametrize("name", ACTIVATIONS)


def test_each_has_a_formula_and_a_layer():
    assert set(FORMULAS) == set(ACTIVATIONS)
    assert LEAKY_SLOPE == float(leak)


@every
def test_against_sympy(name):
    phi, phi_prime = ACTIVATIONS[name]
    exact = [float(FORMULAS[name].subs(z, sp.Float(t, 40))) for t in AT]
    slope = sp.diff(FORMULAS[name], z)
    slopes = [float(slope.subs(z, sp.Float(t, 40)).doit()) for t in AT]
    np.testing.assert_allclose(phi(AT), exact, rtol=1e-13)
    np.testing.assert_allclose(phi_prime(AT), slopes, rtol=1e-13)


@every
@settings(derandomize=True, deadline=None, max_examples=25)
@given(t=st.floats(-30, 30).filter(lambda t: abs(t) > 1e-3))
def test_slope_by_the_complex_step(name, t):
    phi, phi_prime = ACTIVATIONS[name]
    at = np.array([t])
    exact = gradcheck.complex_step(lambda s: phi(s).sum(), at)
    np.testing.assert_allclose(phi_prime(at), exact, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("name", TORCH)
def test_against_pytorch(name):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare activations")
    where = torch.nn.functional if name not in ("tanh", "sigmoid") else torch
    tensor = torch.tensor(AT, requires_grad=True)
    theirs = getattr(where, TORCH[name])(tensor)
    theirs.sum().backward()
    phi, phi_prime = ACTIVATIONS[name]
    # PyTorch's softplus is the identity beyond 20; none of the places lies there.
    # Its GELU loses digits of the tail at -6 to cancellation: hence the absolute 1e-15.
    np.testing.assert_allclose(phi(AT), theirs.detach().numpy(), rtol=1e-10, atol=1e-15)
    np.testing.assert_allclose(phi_prime(AT), tensor.grad.numpy(), rtol=1e-10, atol=1e-15)


@every
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_out_shape_and_dtype(name, dtype):
    at = AT.reshape(2, 5).astype(dtype)
    for f in ACTIVATIONS[name]:
        before, out = at.copy(), np.empty_like(at)
        plain = f(at)
        assert plain.dtype == dtype and plain.shape == at.shape
        assert f(at, out=out) is out
        np.testing.assert_array_equal(out, plain)
        np.testing.assert_array_equal(at, before)


LIMITS = {
    "identity": (1, 1), "sigmoid": (0, 0), "tanh": (0, 0), "relu": (0, 1),
    "leaky_relu": (LEAKY_SLOPE, 1), "softplus": (0, 1), "elu": (0, 1), "silu": (0, 1),
    "gelu": (0, 1),
}  # fmt: skip
VALUES = {
    "identity": (-1e4, 1e4), "sigmoid": (0, 1), "tanh": (-1, 1), "relu": (0, 1e4),
    "leaky_relu": (-100, 1e4), "softplus": (0, 1e4), "elu": (-1, 1e4), "silu": (0, 1e4),
    "gelu": (0, 1e4),
}  # fmt: skip


@every
def test_far_out_in_float32(name):
    at = np.array([-1e4, 1e4], np.float32)
    phi, phi_prime = ACTIVATIONS[name]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(phi(at), VALUES[name], rtol=1e-6)
        np.testing.assert_allclose(phi_prime(at), LIMITS[name], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "at", "slope"),
    [
        ("sigmoid", 60.0, np.exp(-60.0)), ("sigmoid", -60.0, np.exp(-60.0)),
        ("tanh", 30.0, 4 * np.exp(-60.0)), ("softplus", -60.0, np.exp(-60.0)),
        ("elu", -60.0, np.exp(-60.0)), ("silu", -60.0, -59 * np.exp(-60.0)),
    ],
)  # fmt: skip
def test_a_small_slope_does_not_round_to_zero(name, at, slope):
    np.testing.assert_allclose(ACTIVATIONS[name][1](np.array([at])), slope, rtol=1e-12)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_at_the_kink(name):
    phi, phi_prime = ACTIVATIONS[name]
    assert phi(np.zeros(1)) == 0
    assert phi_prime(np.zeros(1)) == {"relu": 0, "leaky_relu": LEAKY_SLOPE}[name]


KINDS = {
    "identity": layers.Identity, "sigmoid": layers.Sigmoid, "tanh": layers.Tanh,
    "relu": layers.ReLU, "leaky_relu": layers.LeakyReLU, "softplus": layers.Softplus,
    "elu": layers.ELU, "silu": layers.SiLU, "gelu": layers.GELU,
}  # fmt: skip


@every
@settings(derandomize=True, deadline=None, max_examples=15)
@given(batch=st.integers(1, 4), n=st.integers(1, 4), seed=st.integers(0, 999))
def test_its_layer(name, batch, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.choice([-1, 1], (batch, n)) * rng.uniform(0.01, 3, (batch, n))
    layer = KINDS[name]()
    np.testing.assert_allclose(layer.forward(x), ACTIVATIONS[name][0](x), rtol=1e-15)
    gradcheck.check_layer(layer, x, rng=rng).raise_if_off()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(batch=st.integers(1, 4), n=st.integers(1, 5), axis=st.sampled_from([0, 1, -1]),
       seed=st.integers(0, 999))  # fmt: skip
def test_softmax(batch, n, axis, seed):
    rng = np.random.default_rng(seed)
    logits = 3 * rng.normal(size=(batch, n))
    p = softmax(logits, axis=axis)
    np.testing.assert_allclose(p.sum(axis=axis), 1, rtol=1e-14)
    np.testing.assert_allclose(np.log(p), log_softmax(logits, axis=axis), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(softmax(logits + 7, axis=axis), p, rtol=1e-12)
    v = rng.normal(size=p.shape)
    exact = gradcheck.complex_step(lambda t: (v * softmax(t, axis=axis)).sum(), logits)
    np.testing.assert_allclose(softmax_vjp(p, v, axis=axis), exact, rtol=1e-9, atol=1e-14)


def test_softmax_against_sympy():
    Z = sp.Matrix(sp.symbols("z1:4", real=True))
    p = Z.applyfunc(sp.exp) / sum(sp.exp(t) for t in Z)
    at = np.array([0.3, -1.2, 2.0])
    known = dict(zip(Z, at, strict=True))
    J = np.array(p.jacobian(Z).subs(known).evalf(), float)
    np.testing.assert_allclose(softmax(at), np.array(p.subs(known), float).ravel(), rtol=1e-14)
    for row, v in zip(J, np.eye(3), strict=True):
        np.testing.assert_allclose(softmax_vjp(softmax(at), v), row, rtol=1e-13, atol=1e-16)


def test_softmax_far_out_in_float32():
    at = np.array([[1e4, -1e4, 1e4]], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_array_equal(softmax(at), [[0.5, 0, 0.5]])
        np.testing.assert_allclose(
            log_softmax(at), [[-np.log(2), -2e4 - np.log(2), -np.log(2)]], 1e-6
        )
        assert softmax(at).dtype == log_softmax(at).dtype == np.float32


def test_complex_branch_is_chosen_by_the_real_part():
    at = np.array([1 + 1e-20j, -1 + 1e-20j])
    np.testing.assert_array_equal(activations.relu(at).imag, [1e-20, 0])
    np.testing.assert_allclose(activations.leaky_relu(at).imag, [1e-20, 1e-22])


def test_softmax_layer():
    rng = np.random.default_rng(0)
    for shape in [(3,), (2, 4), (2, 3, 2)]:
        layer, x = layers.Softmax(), rng.normal(size=shape)
        p = layer.forward(x)
        np.testing.assert_allclose(p, softmax(x), rtol=1e-14)
        gradcheck.check_layer(layer, x, rng=rng).raise_if_off()
        layer.forward(x)[...] = 0
        np.testing.assert_allclose(layer.backward(x), softmax_vjp(p, x), rtol=1e-13)
    for shape in [(), (0,), (2, 0)]:
        with pytest.raises(ValueError, match="expected a last axis >= 1"):
            layers.Softmax().forward(np.zeros(shape))
    assert layers.Softmax().forward(np.zeros((0, 2))).shape == (0, 2)


def test_where_nothing_is_possible_every_probability_is_zero():
    z = np.array([[-np.inf, -np.inf], [0.0, -np.inf]])
    np.testing.assert_array_equal(softmax(z), [[0, 0], [1, 0]])
