"""Activations a = φ(z), each beside its derivative φ'(z).

Every elementwise function maps an array to an array of the same shape and dtype, into ``out``
where that is given, and overflows for no finite input. They accept complex arrays too, which the
complex step needs; the piecewise ones then choose their branch by the real part.

Source: chapter "Derivatives"; the papers are named where a function has one.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import special

from backprop.arrays import Array


class Elementwise(Protocol):
    """A function of each entry; ``out`` has the shape and dtype of ``z`` and receives the result.

    ``out`` must not be ``z`` itself.
    """

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return the result, which is ``out`` where that is given."""


def identity(z: Array, out: Array | None = None) -> Array:
    """φ(z) = z."""
    return np.positive(z, out=out)


def identity_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = 1."""
    d = np.empty_like(z) if out is None else out
    d.fill(1)
    return d


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """φ(z) = 1 / (1 + e⁻ᶻ); where e⁻ᶻ overflows, φ(z) is too small for a normal number, and 0."""
    if z.dtype.kind == "c":
        # Infinity has no direction in the complex plane: no overflow there.
        e = np.exp(np.where(z.real > 0, -z, z))
        p: Array = np.divide(np.where(z.real > 0, 1, e), 1 + e, out=out)
        return p
    a: Array = np.negative(z, out=out)
    with np.errstate(over="ignore"):
        np.exp(a, out=a)
    a += 1
    np.divide(1, a, out=a)
    return a


def sigmoid_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = φ(z) φ(-z) = e^-|z| / (1 + e^-|z|)²."""
    # φ(z) (1 - φ(z)) would be 0 where φ(z) rounds to 1; this form is exact in both tails.
    e: Array = np.abs(z, out=out)
    np.negative(e, out=e)
    np.exp(e, out=e)
    e /= (1 + e) ** 2
    return e


def tanh(z: Array, out: Array | None = None) -> Array:
    """φ(z) = tanh z."""
    a: Array = np.tanh(z, out=out)
    return a


def tanh_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = 1 - tanh² z = 4 σ'(2z), the second form being accurate in the tails."""
    d = sigmoid_prime(2 * z, out=out)
    d *= 4
    return d


def relu(z: Array, out: Array | None = None) -> Array:
    """φ(z) = max(0, z)."""
    if z.dtype.kind == "c":
        return np.multiply(z, z.real > 0, out=out)
    # The same as np.maximum(z, 0), three times faster on a large batch (NumPy 2.4).
    a: Array = z.clip(0, np.inf, out=out)
    return a


def relu_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = 1 if z > 0 else 0; at z = 0, where there is no derivative, 0."""
    return np.greater(z, 0, out=np.empty_like(z) if out is None else out)


LEAKY_SLOPE = 0.01
"""Slope of the leaky ReLU for z < 0 (Maas, Hannun & Ng, 2013)."""


def leaky_relu(z: Array, out: Array | None = None) -> Array:
    """φ(z) = z if z > 0 else 0.01 z."""
    if z.dtype.kind == "c":
        return np.multiply(z, np.where(z.real > 0, 1, LEAKY_SLOPE), out=out)
    a: Array = np.multiply(z, LEAKY_SLOPE, out=out)
    return np.maximum(a, z, out=a)


def leaky_relu_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = 1 if z > 0 else 0.01."""
    d = relu_prime(z, out=out)
    return np.maximum(d, LEAKY_SLOPE, out=d)


def softplus(z: Array, out: Array | None = None) -> Array:
    """φ(z) = ln(1 + eᶻ) = max(0, z) + ln(1 + e^-|z|)."""
    e = np.exp(np.where(z.real > 0, -z, z))
    a = relu(z, out=out)
    a += np.log1p(e, out=e)
    return a


def softplus_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = σ(z); by the exponential form, exact where tanh(z/2) rounds to -1."""
    d: Array = special.expit(z, out=out)
    return d


def elu(z: Array, out: Array | None = None) -> Array:
    """φ(z) = z if z > 0 else eᶻ - 1 (Clevert, Unterthiner & Hochreiter, 2016, with α = 1)."""
    # The exponential sees no positive number, so it cannot overflow.
    a: Array = np.expm1(np.where(z.real > 0, 0, z), out=out)
    a += relu(z)
    return a


def elu_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = 1 if z > 0 else eᶻ."""
    d: Array = np.minimum(z, 0, out=out)
    return np.exp(d, out=d)


def silu(z: Array, out: Array | None = None) -> Array:
    """φ(z) = z σ(z) (Hendrycks & Gimpel, 2016; Elfwing, Uchibe & Doya, 2018)."""
    a = sigmoid(z, out=out)
    a *= z
    tail, root = _far_below(z)
    if root.size:
        # z eᶻ is a normal number where eᶻ alone is none.
        a[tail] = z[tail] * root * root
    return a


def silu_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = σ(z) (1 + z σ(-z))."""
    d: Array = special.expit(-z, out=out)
    d *= z
    d += 1
    d *= special.expit(z)
    tail, root = _far_below(z)
    if root.size:
        d[tail] = (1 + z[tail]) * root * root
    return d


def _far_below(z: Array) -> tuple[NDArray[np.bool_], Array]:
    """Return where eᶻ nears the smallest normal number, and its square root there."""
    tail: NDArray[np.bool_] = z.real < 0.9 * np.log(np.finfo(z.dtype).tiny)
    return tail, np.exp(0.5 * z[tail]) if tail.any() else z[:0]


def gelu(z: Array, out: Array | None = None) -> Array:
    """φ(z) = z Φ(z), Φ the standard normal distribution function (Hendrycks & Gimpel, 2016)."""
    a = _normal_distribution(z, out)
    a *= z
    return a


def gelu_prime(z: Array, out: Array | None = None) -> Array:
    """φ'(z) = Φ(z) + z N(z), N the standard normal density."""
    d = _normal_distribution(z, out)
    density = _bell(z)
    density *= float(1 / np.sqrt(2 * np.pi))
    density *= z
    d += density
    return d


def _normal_distribution(z: Array, out: Array | None) -> Array:
    # Φ(z) = erfc(-z/√2) / 2: erfc keeps the tail that 1 + erf(z/√2) would cancel away.
    cumulative: Array = np.multiply(z, -float(np.sqrt(0.5)), out=out)
    special.erfc(cumulative, out=cumulative)
    cumulative *= 0.5
    # There the rounding of z/√2 is magnified by z²; the scaled erfc(x) exp(x²) is not so steep.
    tail = z.real < -1
    if tail.any():
        t = z[tail]
        cumulative[tail] = 0.5 * special.erfcx(t * -float(np.sqrt(0.5))) * _bell(t)
    return cumulative


def _bell(z: Array) -> Array:
    """exp(-z²/2), z² split in two: its rounding would be magnified by z²."""
    # A multiple of 1/16 has few digits, so that its square is exact.
    coarse = np.round(z.real * 16) / 16
    # Far out, where z² overflows, the result is 0 all the same.
    with np.errstate(over="ignore", invalid="ignore"):
        rest = np.exp(-0.5 * (z - coarse) * (z + coarse))
        bell = np.exp(-0.5 * coarse * coarse) * rest
    return np.where(abs(z.real) > 50, np.zeros_like(bell), bell)


ACTIVATIONS: dict[str, tuple[Elementwise, Elementwise]] = {
    "identity":   (identity,   identity_prime),
    "sigmoid":    (sigmoid,    sigmoid_prime),
    "tanh":       (tanh,       tanh_prime),
    "relu":       (relu,       relu_prime),
    "leaky_relu": (leaky_relu, leaky_relu_prime),
    "softplus":   (softplus,   softplus_prime),
    "elu":        (elu,        elu_prime),
    "silu":       (silu,       silu_prime),
    "gelu":       (gelu,       gelu_prime),
}  # fmt: skip
"""Name of each activation with φ and φ'."""


def log_softmax(z: Array, axis: int = -1) -> Array:
    """log p_k = z_k - m - ln Σ_j exp(z_j - m), m = max_j z_j: nothing overflows."""
    # The maximum is a constant here: subtracting any number leaves the softmax as it is.
    top = z.real.argmax(axis=axis, keepdims=True)
    shifted: Array = z - np.take_along_axis(z.real, top, axis)
    # The sum without its largest term, e⁰: a rest of 1e-20 is not lost beside 1.
    rest = np.exp(shifted)
    at_top = np.take_along_axis(shifted, top, axis)
    np.put_along_axis(rest, top, np.expm1(at_top), axis)
    shifted -= np.log1p(rest.sum(axis=axis, keepdims=True))
    return shifted


def softmax(z: Array, axis: int = -1) -> Array:
    """p_k = exp(z_k) / Σ_j exp(z_j) along ``axis``; the shape of z in and out."""
    p: Array = z - z.real.max(axis=axis, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=axis, keepdims=True)
    return p


def softmax_vjp(p: Array, dp: Array, axis: int = -1) -> Array:
    """∂L/∂z = p ⊙ (∂L/∂p - Σ_j p_j ∂L/∂p_j), given p = softmax(z) and dp = ∂L/∂p."""
    dz: Array = dp - (p * dp).sum(axis=axis, keepdims=True)
    dz *= p
    return dz
