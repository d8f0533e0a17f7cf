"""Relative precision, over all numbers whose result is a normal one, judged by mpmath.

Where a result is small, it must not be the difference of large numbers: σ(-40) is 4.2e-18, not 0.
"""

import mpmath as mp
import numpy as np
import pytest

from backprop import layers
from backprop.activations import ACTIVATIONS, log_softmax, sigmoid_pair, softmax, tanh_slope
from backprop.autodiff import forward as F
from backprop.autodiff import tape as T
from backprop.losses import BinaryCrossEntropy, SoftmaxCrossEntropy

ROUNDINGS = 4


def sigma(z):
    return 1 / (1 + mp.exp(-z))


def density(z):
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


def distribution(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


EXACT = {
    "identity": (lambda z: z, lambda z: 1),
    "sigmoid": (sigma, lambda z: sigma(z) * sigma(-z)),
    "tanh": (mp.tanh, lambda z: mp.sech(z) ** 2),
    "relu": (lambda z: max(z, 0), lambda z: int(z > 0)),
    "leaky_relu": (
        lambda z: z if z > 0 else z / 100,
        lambda z: 1 if z > 0 else mp.mpf(1) / 100,
    ),
    "softplus": (lambda z: mp.log1p(mp.exp(z)), sigma),
    "elu": (lambda z: z if z > 0 else mp.expm1(z), lambda z: 1 if z > 0 else mp.exp(z)),
    "silu": (lambda z: z * sigma(z), lambda z: sigma(z) * (1 + z * sigma(-z))),
    "gelu": (lambda z: z * distribution(z), lambda z: distribution(z) + z * density(z)),
}
# Where the two terms of a derivative cancel, at its root, their own rounding is what remains.
ROOTS = {"silu": -1.2784645, "gelu": -0.7517916}
both = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@pytest.fixture(autouse=True)
def many_digits():
    with mp.workdps(50), np.errstate(invalid="raise", divide="raise", over="raise"):
        yield


def places(dtype, n=150):
    """Numbers of every size and sign, up to where e^z leaves the normal numbers."""
    rng = np.random.default_rng(0)
    end = -np.log(np.finfo(dtype).tiny) + 8
    sizes = np.concatenate([rng.uniform(0, end, n), rng.uniform(0, 8, 2 * n)])
    small = np.geomspace(1e-30, 1, 30)
    return np.concatenate([-sizes, sizes, -small, small, [0.0]]).astype(dtype)


def errors(got, exact, at, dtype, least=0):
    """Relative errors in units of ε; 0 where the exact result is no normal number."""
    got, found = np.asarray(got), []
    assert got.dtype == dtype
    for a, z in zip(got.ravel(), np.asarray(at).ravel(), strict=True):
        e = exact(mp.mpf(float(z)))
        tiny = abs(e) < float(np.finfo(dtype).tiny) and e != 0
        off = abs(mp.mpf(float(a)) - e) / max(abs(e), least) if e or least else abs(a)
        found.append(0.0 if tiny else float(off / float(np.finfo(dtype).eps)))
    return np.array(found)


@both
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name, dtype):
    z = places(dtype)
    found = errors(ACTIVATIONS[name][0](z), EXACT[name][0], z, dtype)
    assert found.max() < ROUNDINGS, (z[found.argmax()], found.max())


@both
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_slope(name, dtype):
    z = places(dtype)
    slope = ACTIVATIONS[name][1](z)
    near = np.abs(z - ROOTS[name]) < 1 if name in ROOTS else np.zeros(z.shape, bool)
    found = errors(slope[~near], EXACT[name][1], z[~near], dtype)
    assert found.max() < ROUNDINGS, (z[~near][found.argmax()], found.max())
    assert (errors(slope[near], EXACT[name][1], z[near], dtype, least=0.2) < ROUNDINGS).all()


@both
def test_known_tails(dtype):
    z = np.array([-40, -17], dtype)
    np.testing.assert_allclose(
        ACTIVATIONS["sigmoid"][0](z), [4.248354255291589e-18, 4.139937547665e-8], rtol=2e-7
    )
    below = np.array([-np.inf, -1e30, -3e4], dtype)
    above = -below
    for phi, phi_prime in ACTIVATIONS.values():
        with np.errstate(invalid="ignore"):
            values = [phi(below), phi(above), phi_prime(below), phi_prime(above)]
        assert not any(np.isnan(v).any() for v in values), phi.__name__
    for name in ("silu", "gelu", "sigmoid", "softplus"):
        np.testing.assert_array_equal(ACTIVATIONS[name][0](below), 0)
        np.testing.assert_array_equal(ACTIVATIONS[name][1](below), 0)
    for name in ("silu", "gelu", "softplus", "elu"):
        np.testing.assert_array_equal(ACTIVATIONS[name][0](above), above)
        np.testing.assert_array_equal(ACTIVATIONS[name][1](above), 1)


@both
def test_pair_of_gates(dtype):
    z = places(dtype)
    a, b = np.empty_like(z), np.empty_like(z)
    sigmoid_pair(z, a, b)
    assert errors(a, sigma, z, dtype).max() < ROUNDINGS
    assert errors(b, lambda z: sigma(-z), z, dtype).max() < ROUNDINGS
    assert errors(tanh_slope(z, a, b), EXACT["tanh"][1], z, dtype).max() < ROUNDINGS


ON_THE_TAPE = {
    "tanh": (T.tanh, EXACT["tanh"][1], lambda z: -2 * mp.sech(z) ** 2 * mp.tanh(z)),
    "sigmoid": (T.sigmoid, EXACT["sigmoid"][1], None),
    "erf": (
        T.erf,
        lambda z: 2 / mp.sqrt(mp.pi) * mp.exp(-z * z),
        lambda z: -4 * z / mp.sqrt(mp.pi) * mp.exp(-z * z),
    ),
    "exp": (T.exp, mp.exp, mp.exp),
}


@both
@pytest.mark.parametrize("name", ON_THE_TAPE)
def test_tape(name, dtype):
    f, slope, curvature = ON_THE_TAPE[name]
    end = 8 if name == "erf" else 80
    z = places(dtype)
    z = z[(np.abs(z) < end) & (np.abs(z) > 1e-3)]
    assert errors(T.grad(lambda x: np.sum(f(x)))(z), slope, z, dtype).max() < ROUNDINGS
    assert errors(F.jvp(f, z, np.ones_like(z))[1], slope, z, dtype).max() < ROUNDINGS
    if curvature:
        second = F.hvp(lambda x: np.sum(f(x)), z, np.ones_like(z))
        assert errors(second, curvature, z, dtype).max() < 2 * ROUNDINGS


def rows(dtype):
    """Logits with a clear winner, by much and by little, and without one."""
    rng = np.random.default_rng(1)
    z = [[0, -80], [0.1, 40.3], [-3, -3], [1, 1 + 1e-3], [-70, 3.3], [5.1, -5.2]]
    return np.array(z + rng.normal(0, 9, (30, 2)).tolist(), dtype)


def exact_log_softmax(row):
    row = [mp.mpf(float(t)) for t in row]
    return [mp.re(-mp.log1p(sum(mp.exp(o - t) for o in row[:k] + row[k + 1 :])))
            for k, t in enumerate(row)]  # fmt: skip


@both
def test_softmax_and_its_logarithm(dtype):
    z, eps = rows(dtype), np.finfo(dtype).eps
    for row, log_p, p in zip(z, log_softmax(z), softmax(z), strict=True):
        for k, exact in enumerate(exact_log_softmax(row)):
            assert abs(float(log_p[k]) / exact - 1) < ROUNDINGS * eps, row
            assert abs(float(p[k]) / mp.exp(exact) - 1) < ROUNDINGS * eps, row


@both
def test_logsumexp_near_its_maximum(dtype):
    for d in (0, -1, -17, -40, -80):
        got = T.logsumexp(np.array([0, d], dtype))
        assert abs(float(got) / mp.log1p(mp.exp(d)) - 1) < ROUNDINGS * np.finfo(dtype).eps


@both
def test_cross_entropy_of_a_sure_answer(dtype):
    z, eps = rows(dtype), np.finfo(dtype).eps
    loss = SoftmaxCrossEntropy()
    for row in z:
        for k, log_p in enumerate(exact_log_softmax(row)):
            # The loss takes exp(z - m) without the correction for the rounding of z - m.
            tolerance = (ROUNDINGS + np.ptp(row)) * eps
            value = loss.forward(row[None], np.array([k]))
            assert abs(value / -log_p - 1) < tolerance, (row, k)
            assert abs(float(loss.backward()[0, k]) / mp.expm1(log_p) - 1) < tolerance, (row, k)


@both
def test_binary_cross_entropy(dtype):
    z = places(dtype)
    z = z[np.abs(z) > 1e-3]
    for y in (0, 1):
        loss, target = BinaryCrossEntropy(), np.full((1, 1), y, dtype)
        sign = -1 if y else 1
        found = [(loss.forward(t.reshape(1, 1), target), loss.backward().item()) for t in z]
        values, slopes = np.array(found, dtype).T
        exact = lambda z, s=sign: mp.log1p(mp.exp(s * z))  # noqa: E731
        assert errors(values, exact, z, dtype).max() < ROUNDINGS
        exact = lambda z, s=sign: s * sigma(s * z)  # noqa: E731
        assert errors(slopes, exact, z, dtype).max() < ROUNDINGS


@both
@pytest.mark.parametrize("z", [-60.0, -9.0, 0.5, 9.0, 17.0, 40.0])
@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU, layers.RNN])
def test_saturated_gates(kind, z, dtype):
    """One step of one unit from h₀ = c₀ = 0.5, its gates (but for reset's) all at z."""
    layer = kind(1, 1, rng=np.random.default_rng(0), dtype=dtype)
    for value in layer.parameters.values():
        value.fill(0)
    layer.parameters["b"].fill(z)
    half = np.full((1, 1), 0.5, dtype)
    start = {"h0": half} | ({"c0": half} if kind is layers.LSTM else {})
    x, one = np.ones((1, 1, 1), dtype), np.ones((1, 1, 1), dtype)
    h = layer.forward(x, **start)
    layer.backward(one)
    mp.mp.dps = 150  # for the differences that mp.diff takes
    t = mp.mpf(z)

    def exact(i, f=None, o=None, g=None):
        if kind is layers.RNN:
            return mp.tanh(i)
        if kind is layers.GRU:
            # reset has no influence: U and b_U are 0
            return sigma(f) / 2 + sigma(-f) * mp.tanh(o)
        c = sigma(f) / 2 + sigma(i) * mp.tanh(g)
        return sigma(o) * mp.tanh(c)

    n = len(layer.blocks)
    eps, tiny = float(np.finfo(dtype).eps), float(np.finfo(dtype).tiny)
    value = exact(*[t] * n)
    assert abs(float(h.item()) - value) < 2 * ROUNDINGS * eps * abs(value) + tiny
    for k, got in enumerate(layer.gradients["b"]):
        if kind is layers.GRU and k == 0:
            continue
        slope = mp.diff(lambda s, k=k: exact(*[s if j == k else t for j in range(n)]), t)
        scale = abs(slope)
        if kind is layers.GRU and k == 1:  # h₀ - g cancels by itself, before its product
            scale = max(scale, sigma(t) * sigma(-t))
        assert abs(float(got) - slope) < 3 * ROUNDINGS * eps * scale + tiny, layer.blocks[k]
