"""Activations far from 0: few units in the last place wherever the result is a normal number."""

import mpmath as mp
import numpy as np
import pytest

from backprop import activations
from backprop.activations import log_softmax
from backprop.autodiff.tape import logsumexp


def sigma(z):
    return 1 / (1 + mp.exp(-z))


def normal(z):
    return mp.erfc(-z / mp.sqrt(2)) / 2


def density(z):
    return mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi)


# Name: the function with 60 digits, and the zeros that it crosses: there a rounding of the terms
# that cancel is all that is left.
EXACT = {
    "sigmoid": (sigma, ()),
    "sigmoid_prime": (lambda z: sigma(z) * sigma(-z), ()),
    "tanh_prime": (lambda z: mp.sech(z) ** 2, ()),
    "softplus": (lambda z: mp.log1p(mp.exp(z)), ()),
    "softplus_prime": (sigma, ()),
    "elu": (lambda z: z if z > 0 else mp.expm1(z), ()),
    "elu_prime": (lambda z: mp.mpf(1) if z > 0 else mp.exp(z), ()),
    "silu": (lambda z: z * sigma(z), ()),
    "silu_prime": (lambda z: sigma(z) * (1 + z * sigma(-z)), (-1.2784645,)),
    "gelu": (lambda z: z * normal(z), ()),
    "gelu_prime": (lambda z: normal(z) + z * density(z), (-0.7517916,)),
}


def worst(function, exact, zeros, z):
    """Return the largest relative error in units of eps, where the result is a normal number."""
    limits = np.finfo(z.dtype)
    errors = [0.0]
    for value, got in zip(z.tolist(), function(z).tolist(), strict=True):
        with mp.workdps(60):
            right = exact(mp.mpf(value))
            far = all(abs(value - zero) > 0.5 for zero in zeros)
            if limits.tiny * 1.001 < abs(right) < limits.max and far:
                errors.append(float(abs(got - right) / abs(right) / float(limits.eps)))
    return max(errors)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", EXACT)
def test_four_units_in_the_last_place(name, dtype):
    exact, zeros = EXACT[name]
    reach = -float(np.log(np.finfo(dtype).tiny)) + 8
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.uniform(-reach, reach, 300), rng.normal(0, 3, 300)]).astype(dtype)
    with np.errstate(over="raise", invalid="raise"):
        assert worst(getattr(activations, name), exact, zeros, z) < 4


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_sure_class_keeps_its_rest(dtype):
    z = np.array([[0, -40.0, -41.0]], dtype)
    rest = np.log1p(np.exp(-40.0) + np.exp(-41.0))
    assert log_softmax(z)[0, 0] == pytest.approx(-rest, rel=4 * float(np.finfo(dtype).eps))


def test_logsumexp_keeps_a_small_rest():
    assert float(logsumexp(np.array([0.0, -40.0]))) == pytest.approx(np.exp(-40.0), rel=1e-15)
    assert float(logsumexp(np.array([0.0, 0.0, -40.0]))) == pytest.approx(np.log(2), rel=1e-15)
