"""Activations a = φ(z), each beside its derivative φ'(z).

Every function maps an array to an array of the same shape and dtype, elementwise, and overflows
for no finite input. They accept complex arrays too, which the complex step needs; the piecewise
ones then choose their branch by the real part.

Source: chapter "Derivatives"; the GELU is Hendrycks & Gimpel (2016).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from backprop.arrays import Array

Elementwise = Callable[[Array], Array]


def identity(z: Array) -> Array:
    """φ(z) = z."""
    return z.copy()


def identity_prime(z: Array) -> Array:
    """φ'(z) = 1."""
    return np.ones_like(z)


def sigmoid(z: Array) -> Array:
    """φ(z) = 1 / (1 + e⁻ᶻ), computed as (1 + tanh(z/2)) / 2, which cannot overflow."""
    half = z.dtype.type(0.5)
    a: Array = half * (1 + np.tanh(half * z))
    return a


def sigmoid_prime(z: Array) -> Array:
    """φ'(z) = φ(z) φ(-z): where φ(z) rounds to 1, 1 - φ(z) would round to 0."""
    # e^-|z| / (1 + e^-|z|)^2 keeps full relative accuracy in both tails.
    e = np.exp(-np.abs(z))
    d: Array = e / (1 + e) ** 2
    return d


def tanh(z: Array) -> Array:
    """φ(z) = tanh z."""
    a: Array = np.tanh(z)
    return a


def tanh_prime(z: Array) -> Array:
    """φ'(z) = 1 - tanh² z = 4 σ'(2z), the second form being accurate in the tails."""
    return 4 * sigmoid_prime(2 * z)


def relu(z: Array) -> Array:
    """φ(z) = max(0, z)."""
    return np.where(z.real > 0, z, z.dtype.type(0))


def relu_prime(z: Array) -> Array:
    """φ'(z) = 1 if z > 0 else 0; at z = 0, where there is no derivative, 0."""
    return (z > 0).astype(z.dtype)


LEAKY_SLOPE = 0.01
"""Slope of the leaky ReLU for z < 0 (Maas, Hannun & Ng, 2013)."""


def leaky_relu(z: Array) -> Array:
    """φ(z) = z if z > 0 else 0.01 z."""
    return np.where(z.real > 0, z, z.dtype.type(LEAKY_SLOPE) * z)


def leaky_relu_prime(z: Array) -> Array:
    """φ'(z) = 1 if z > 0 else 0.01."""
    return np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAKY_SLOPE))


def softplus(z: Array) -> Array:
    """φ(z) = ln(1 + eᶻ) = max(0, z) + ln(1 + e^-|z|)."""
    magnitude = np.where(z.real > 0, z, -z)
    a: Array = relu(z) + np.log1p(np.exp(-magnitude))
    return a


def softplus_prime(z: Array) -> Array:
    """φ'(z) = σ(z); by the exponential form, exact where tanh(z/2) rounds to -1."""
    d: Array = special.expit(z)
    return d


def gelu(z: Array) -> Array:
    """φ(z) = z Φ(z), Φ the standard normal distribution function (Hendrycks & Gimpel, 2016)."""
    half = z.dtype.type(0.5)
    # erfc keeps the tail that 1 + erf(z/√2) would cancel away.
    a: Array = half * z * special.erfc(-z * z.dtype.type(np.sqrt(0.5)))
    return a


def gelu_prime(z: Array) -> Array:
    """φ'(z) = Φ(z) + z N(z), N the standard normal density."""
    half = z.dtype.type(0.5)
    cumulative = half * special.erfc(-z * z.dtype.type(np.sqrt(0.5)))
    density = np.exp(-half * z * z) * z.dtype.type(1 / np.sqrt(2 * np.pi))
    d: Array = cumulative + z * density
    return d


ACTIVATIONS: dict[str, tuple[Elementwise, Elementwise]] = {
    "identity":   (identity,   identity_prime),
    "sigmoid":    (sigmoid,    sigmoid_prime),
    "tanh":       (tanh,       tanh_prime),
    "relu":       (relu,       relu_prime),
    "leaky_relu": (leaky_relu, leaky_relu_prime),
    "softplus":   (softplus,   softplus_prime),
    "gelu":       (gelu,       gelu_prime),
}  # fmt: skip
"""Name of each activation with φ and φ'."""
