"""Activations a = φ(z), each beside its derivative φ'(z).

Every elementwise function maps an array to an array of the same shape and dtype, into ``out``
where that is given. It overflows for no input, ±∞ included, and keeps its relative precision to
within a few rounding errors in its tails: where the exact result is small, nothing is computed as
the difference of two large numbers. They accept complex arrays too, which the complex step needs;
the piecewise ones then choose their branch by the real part.

Source: chapter "Derivatives"; the papers are named where a function has one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from numbers import Integral
from typing import Any, Protocol

import numpy as np

from backprop.arrays import Array, check_array, check_ndarray
from backprop.deferred import special


class Elementwise(Protocol):
    """A function of each entry; ``out`` has the shape and dtype of ``z`` and receives the result.

    ``out`` must not be ``z`` itself. Raises ``TypeError`` and ``ValueError`` where it does not fit.
    """

    def __call__(self, z: Array, out: Array | None = None) -> Array:
        """Return the result, which is ``out`` where that is given."""


def elementwise(f: Callable[[Array, Array], Array]) -> Elementwise:
    """Check z and out before f, and make an out where none is given."""

    @wraps(f)
    def checked(z: Array, out: Array | None = None) -> Array:
        z = check_array(f.__name__, "z", z)
        if out is None:
            out = np.empty_like(z)
        elif out is z:
            raise ValueError(f"{f.__name__}: out is z itself, expected another array")
        elif check_ndarray(f.__name__, "out", out).shape != z.shape or out.dtype != z.dtype:
            raise ValueError(
                f"{f.__name__}: out has shape {out.shape} and dtype {out.dtype},"
                f" expected {z.shape} and {z.dtype} as z"
            )
        return f(z, out)

    return checked


@elementwise
def identity(z: Array, out: Array) -> Array:
    """φ(z) = z."""
    return np.positive(z, out=out)


@elementwise
def identity_prime(z: Array, out: Array) -> Array:
    """φ'(z) = 1."""
    out.fill(1)
    return out


@elementwise
def sigmoid(z: Array, out: Array) -> Array:
    """φ(z) = 1 / (1 + e⁻ᶻ), which keeps every digit in both tails."""
    if z.dtype.kind == "c":
        e = np.exp(np.where(z.real > 0, -z, z))
        np.divide(np.where(z.real > 0, 1, e), 1 + e, out=out)
        return out
    np.negative(z, out=out)
    # Where e⁻ᶻ exceeds the largest number, φ(z) is below the smallest: 1 / ∞ = 0.
    with np.errstate(over="ignore"):
        np.exp(out, out=out)
    out += 1
    return np.divide(1, out, out=out)


def sigmoid_pair(z: Array, a: Array, b: Array) -> None:
    """a ← σ(z) and b ← σ(-z), which is 1 - σ(z) without the difference: the gates of a layer."""
    np.negative(z, out=b)
    # One step further, e⁻ᶻ would be ∞ and b = ∞ · 0; here a is below the smallest normal number.
    np.minimum(b, int(np.log(np.finfo(z.dtype).max)), out=b)
    np.exp(b, out=b)
    np.add(b, 1, out=a)
    np.divide(1, a, out=a)
    b *= a


@elementwise
def sigmoid_prime(z: Array, out: Array) -> Array:
    """φ'(z) = φ(z) φ(-z) = e^-|z| / (1 + e^-|z|)²."""
    # φ(z) (1 - φ(z)) would be 0 where φ(z) rounds to 1; this form is exact in both tails.
    e: Array = np.abs(z, out=out)
    np.negative(e, out=e)
    np.exp(e, out=e)
    e /= (1 + e) ** 2
    return e


@elementwise
def tanh(z: Array, out: Array) -> Array:
    """φ(z) = tanh z."""
    return np.tanh(z, out=out)


@elementwise
def tanh_prime(z: Array, out: Array) -> Array:
    """φ'(z) = 1 - tanh² z = 4 σ'(2z), the second form being accurate in the tails."""
    d = sigmoid_prime(np.asarray(2 * z), out=out)
    d *= 4
    return d


def tanh_slope(z: Array, out: Array, scratch: Array) -> Array:
    """:func:`tanh_prime` for layers that hold the arrays: ``scratch`` is written over as well."""
    np.abs(z, out=out)
    out *= -2
    np.exp(out, out=out)
    np.add(out, 1, out=scratch)
    scratch *= scratch
    out /= scratch
    out *= 4
    return out


@elementwise
def relu(z: Array, out: Array) -> Array:
    """φ(z) = max(0, z)."""
    if z.dtype.kind == "c":
        return np.multiply(z, z.real > 0, out=out)
    # The same as np.maximum(z, 0), three times faster on a large batch (NumPy 2.4).
    a: Array = z.clip(0, np.inf, out=out)
    return a


@elementwise
def relu_prime(z: Array, out: Array) -> Array:
    """φ'(z) = 1 if z > 0 else 0; at z = 0, where there is no derivative, 0."""
    return np.greater(z, 0, out=out)


LEAKY_SLOPE = 0.01
"""Slope of the leaky ReLU for z < 0 (Maas, Hannun & Ng, 2013)."""


@elementwise
def leaky_relu(z: Array, out: Array) -> Array:
    """φ(z) = z if z > 0 else 0.01 z."""
    if z.dtype.kind == "c":
        return np.multiply(z, np.where(z.real > 0, 1, LEAKY_SLOPE), out=out)
    np.multiply(z, LEAKY_SLOPE, out=out)
    return np.maximum(out, z, out=out)


@elementwise
def leaky_relu_prime(z: Array, out: Array) -> Array:
    """φ'(z) = 1 if z > 0 else 0.01."""
    relu_prime(z, out=out)
    return np.maximum(out, LEAKY_SLOPE, out=out)


@elementwise
def softplus(z: Array, out: Array) -> Array:
    """φ(z) = ln(1 + eᶻ) = max(0, z) + ln(1 + e^-|z|)."""
    if z.dtype.kind == "c":
        np.exp(np.where(z.real > 0, -z, z), out=out)
    else:
        np.abs(z, out=out)
        np.negative(out, out=out)
        np.exp(out, out=out)
    np.log1p(out, out=out)
    out += relu(z)
    return out


@elementwise
def softplus_prime(z: Array, out: Array) -> Array:
    """φ'(z) = σ(z)."""
    return sigmoid(z, out=out)


@elementwise
def elu(z: Array, out: Array) -> Array:
    """φ(z) = z if z > 0 else eᶻ - 1 (Clevert, Unterthiner & Hochreiter, 2016, with α = 1)."""
    # The exponential sees no positive number, so it cannot overflow.
    np.minimum(z, 0, out=out)
    np.expm1(out, out=out)
    out += relu(z)
    return out


@elementwise
def elu_prime(z: Array, out: Array) -> Array:
    """φ'(z) = 1 if z > 0 else eᶻ."""
    np.minimum(z, 0, out=out)
    return np.exp(out, out=out)


@elementwise
def silu(z: Array, out: Array) -> Array:
    """φ(z) = z σ(z) (Hendrycks & Gimpel, 2016; Elfwing, Uchibe & Doya, 2018)."""
    if z.dtype.kind == "c":
        return np.multiply(z, sigmoid(z), out=out)
    np.negative(z, out=out)
    with np.errstate(over="ignore", invalid="ignore"):
        np.exp(out, out=out)
        out += 1
        np.divide(z, out, out=out)
    return _far_below(z, out, lambda z: z)


@elementwise
def silu_prime(z: Array, out: Array) -> Array:
    """φ'(z) = σ(z) (1 + z σ(-z))."""
    sigmoid(np.negative(z, out=np.empty_like(z)), out=out)
    out *= _finite(z)
    out += 1
    out *= sigmoid(z)
    return _far_below(z, out, lambda z: 1 + z)


def _finite(z: Array) -> Array:
    # 0 · ∞ is 0 here: σ and σ' vanish faster than z grows.
    return z if np.isfinite(np.vdot(z, z)) else np.nan_to_num(z, nan=np.nan)


def _far_below(z: Array, out: Array, factor: Callable[[Array], Array]) -> Array:
    """Where σ(z) = eᶻ has too small an exponent to keep its digits, write factor(z) · eᶻ anew."""
    limit = 0.98 * float(np.log(np.finfo(z.dtype).tiny))
    if z.size and z.dtype.kind == "f" and z.min() < limit:
        far = z < limit
        at = np.maximum(z[far], 2 * limit)
        root = np.exp(0.5 * at)
        out[far] = (factor(at) * root) * root
    return out


@elementwise
def gelu(z: Array, out: Array) -> Array:
    """φ(z) = z Φ(z), Φ the standard normal distribution function (Hendrycks & Gimpel, 2016)."""
    if z.dtype.kind == "c":
        np.multiply(z, 0.5 * special.erfc(-z / np.sqrt(2)), out=out)
        return out
    return _by_parts(z, out, lambda z, mills: z * mills, lambda z, cdf: z * cdf)


@elementwise
def gelu_prime(z: Array, out: Array) -> Array:
    """φ'(z) = Φ(z) + z N(z), N the standard normal density."""
    return _by_parts(
        z,
        out,
        lambda z, mills: mills + z / ROOT_2PI,
        lambda z, cdf: cdf + _density_times_z(z),
    )


def _density_times_z(z: Array) -> Array:
    z = np.minimum(z, 40)
    d: Array = z / ROOT_2PI * np.exp(-0.5 * z * z)
    return d


ROOT_2PI = float(np.sqrt(2 * np.pi))


def _by_parts(
    z: Array,
    out: Array,
    lower: Callable[[Array, Array], Array],
    upper: Callable[[Array, Array], Array],
) -> Array:
    """Write upper(z, Φ(z)), and for z < -1 lower(z, Φ(z) / q) q with q = e^(-z²/2).

    Φ = (1 + erf(z/√2)) / 2 would cancel below, where it is erfcx(-z/√2) q / 2. In double precision
    for float32 too. Below -40 the result has reached its limit.
    """
    wide = np.clip(z, -40, np.inf, dtype=np.float64)
    if z.dtype == np.float32:
        # Twice the digits: what cancels or is rounded here does not show there.
        out[...] = upper(wide, 0.5 * special.erfc(wide * -np.sqrt(0.5)))
        return out
    # Positions, not a mask: picking by these is several times as fast.
    below = np.flatnonzero(wide < -1)
    at = wide.ravel()[below]
    wide = np.maximum(wide, -1)
    result = upper(wide, 0.5 + 0.5 * special.erf(wide * np.sqrt(0.5)))
    value = lower(at, 0.5 * special.erfcx(at * -np.sqrt(0.5)))
    h, r = _split(at)
    # Far out q is too small to keep its digits, though the product is not: half the exponent at a
    # time.
    far = at < -37
    q = np.exp(np.where(far, -0.25, -0.5) * h * h)
    np.put(result, below, value * q * np.exp(-0.5 * r) * np.where(far, q, 1))
    out[...] = result
    return out


def _split(z: Array) -> tuple[Array, Array]:
    """Return h and z² - h², h being z with so few digits that h² is exact (Cody, 1969)."""
    steps = 256 if z.dtype == np.float32 else 65536
    h = np.rint(z.real * steps) / steps
    return h, (z - h) * (z + h)


def exp_minus_square(z: Array, factor: float = 1.0) -> Array:
    """Return exp(-c z²), c = 1 or ½, without the error that rounding z² makes: it grows as c z²."""
    if z.dtype.kind != "c":
        z = np.clip(z, -40, 40)  # beyond, the result is 0, and ∞ - ∞ would be NaN
    h, r = _split(z)
    e: Array = np.exp(-factor * h * h) * np.exp(-factor * r)
    return e


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
    shifted, e = _below_maximum("log_softmax", z, axis)
    shifted -= log1p_rest(shifted, e, axis)
    return shifted


def softmax(z: Array, axis: int = -1) -> Array:
    """p_k = exp(z_k) / Σ_j exp(z_j) along ``axis``; the shape of z in and out.

    Where every z is -∞, which is to say that nothing is possible, every p is 0.
    """
    _, p = _below_maximum("softmax", z, axis)
    total = p.sum(axis=axis, keepdims=True)
    p /= np.where(total == 0, 1, total)
    return p


def softmax_vjp(p: Array, dp: Array, axis: int = -1) -> Array:
    """∂L/∂z = p ⊙ (∂L/∂p - Σ_j p_j ∂L/∂p_j), given p = softmax(z) and dp = ∂L/∂p."""
    p = check_array("softmax_vjp", "p", p)
    dp = check_array("softmax_vjp", "dp", dp, p.shape)
    dz: Array = dp - (p * dp).sum(axis=axis, keepdims=True)
    dz *= p
    return dz


def below_maximum(z: Array, axis: Any = -1) -> tuple[Array, Array]:
    """Return z - m, m the maximum along ``axis``, and exp(z - m), both to the last digits.

    Infinite z are taken as limits: z = ∞ has the difference 0 and leaves the others -∞; where every
    z is -∞, so is every difference.
    """
    m = z.real.max(axis=axis, keepdims=True)
    if not np.isfinite(m).all():
        shifted = z - np.where(np.isinf(m), 0, m)
        shifted = np.where(m == np.inf, np.where(z == np.inf, 0, -np.inf), shifted).astype(z.dtype)
        return shifted, np.exp(shifted)
    shifted = z - m
    # What the subtraction rounded away, found exactly (Knuth, 1969), is a factor of e^(z - m).
    with np.errstate(invalid="ignore"):
        above = shifted - z
        lost = (z - (shifted - above)) - (m + above)
    e = np.exp(shifted)
    e += e * np.where(np.isfinite(lost), lost, 0)
    return shifted, e


def log1p_rest(shifted: Array, e: Array, axis: Any = -1) -> Array:
    """ln Σ e for e = exp(shifted) with maximum 1, shape with ``axis`` at length 1.

    The largest terms, which are 1, are counted and not added: what 1 + Σ of the others loses of a
    small sum, ln(1 + x) keeps.
    """
    if shifted.dtype.kind == "c":  # for the complex step, which looks at the imaginary part
        return np.log(e.sum(axis=axis, keepdims=True))  # type: ignore[no-any-return]
    largest = shifted == 0
    rest = np.where(largest, 0, e).sum(axis=axis, keepdims=True)
    rest += np.maximum(largest.sum(axis=axis, keepdims=True) - 1, 0)
    logarithm: Array = np.log1p(rest)
    return logarithm


def _below_maximum(where: str, z: Array, axis: int) -> tuple[Array, Array]:
    array = check_array(where, "z", z)
    if not (isinstance(axis, Integral) and -array.ndim <= axis < array.ndim and array.shape[axis]):
        raise ValueError(
            f"{where}: axis is {axis!r}, expected an axis of z, shape {array.shape}, along which"
            " it has at least one entry"
        )
    return below_maximum(array, axis)
