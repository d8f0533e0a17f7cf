"""What the derivatives in ``tape`` and ``forward`` need and NumPy does not have.

First the products of the chain rule, in which an exact 0 stays 0; then the adjoints of
broadcasting, of sums over axes and of products, written in NumPy functions that a Variable or a
dual number may pass through; last the bookkeeping of axes, indices, subscripts.
"""

from __future__ import annotations

import math
import operator
from collections import Counter
from collections.abc import Callable, Sequence
from functools import wraps
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from types import EllipsisType, NoneType
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from backprop.activations import below_maximum, exp_minus_square, log1p_rest

Axis = int | tuple[int, ...] | None
"""One axis, several, or all of them, as NumPy's reductions take it."""
Index = tuple[int | slice, ...]
"""What stands between the brackets of ``x[…]``, one part for each axis."""
PLAIN = frozenset([np.ndarray, np.float64, np.float32, float, int, str])
"""Types that are seen at once to be neither a Variable nor a dual number."""


def table_function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Let f take a Variable or a dual number where the table of derivatives has a line for it.

    NumPy's own functions do the same by the same protocol.
    """

    @wraps(f)
    def dispatched(*xs: Any) -> Any:
        for x in xs:
            if type(x) not in PLAIN and hasattr(x, "__array_function__"):
                return x.__array_function__(dispatched, (), xs, {})
        return f(*xs)

    return dispatched


def no_nan(p: Any) -> bool:
    """Whether no entry of p is NaN."""
    # One pass without a temporary array: a sum of squares is NaN only where one of them is.
    total = np.vdot(p, p)
    return bool(total == total) or not np.isnan(p).any()


def without_zeros(f: Callable[..., Any], xs: Sequence[Any], p: Any) -> Any:
    """p = f(*xs), a sum of products of one entry from each x, but with 0 for 0 · ∞ and 0 · NaN."""
    finite = [np.where(np.isfinite(x), x, 0) for x in xs]
    # A term is not finite if one of its factors is not and none of the others is 0.
    bad = sum(
        f(*(np.asarray(~np.isfinite(x) if i == k else x != 0, float) for k, x in enumerate(xs)))
        for i in range(len(xs))
    )
    return np.where(bad > 0, p, f(*finite)).astype(p.dtype)[()]


@table_function
def times(x: Any, y: Any) -> Any:
    """x y; where one of them is 0, so is the product."""
    p = x * y
    return p if no_nan(p) else without_zeros(np.multiply, (x, y), p)


@table_function
def over(x: Any, y: Any) -> Any:
    """x / y; where x is 0, so is the quotient."""
    p = x / y
    return p if no_nan(p) else np.where(x == 0, 0, p).astype(p.dtype)[()]


@table_function
def matrix_times(x: Any, y: Any) -> Any:
    """x @ y; a term with a factor of 0 is 0."""
    p = x @ y
    return p if no_nan(p) else without_zeros(np.matmul, (x, y), p)


@table_function
def contract(subscripts: str, *xs: Any) -> Any:
    """einsum(subscripts, *xs); a term with a factor of 0 is 0."""
    p = np.einsum(subscripts, *xs)
    return p if no_nan(p) else without_zeros(lambda *xs: np.einsum(subscripts, *xs), xs, p)


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum g over the copies that broadcasting made of an array of ``shape``."""
    axes = copied(shape, g.shape)
    total = np.sum(g, axis=axes, keepdims=True) if axes else g
    if g.ndim < len(shape) or total.shape[g.ndim - len(shape) :] != shape:
        raise ValueError(f"pull_back: a vjp returned shape {g.shape}, expected {shape}")
    return np.reshape(total, shape)


def centred(x: Any, axis: Axis) -> Any:
    """x - mean(x)."""
    return x - np.mean(x, axis=axis, keepdims=True)


def z_score(x: Any, a: Any, axis: Axis) -> Any:
    """(x - mean(x)) / a for the standard deviation a; where all x are equal, 0."""
    equal = np.max(x, axis=axis, keepdims=True) == np.min(x, axis=axis, keepdims=True)
    # The mean of equal numbers may differ from them in the last digit.
    return np.where(equal, 0, over(centred(x, axis), a))


def share(g: Any, x: Any, a: Any, axis: Axis) -> Any:
    """g / (number of ties) where x attains its extremum a, elsewhere 0."""
    won = x == a
    return np.where(won, g / won.sum(axis=axis, keepdims=True, dtype=x.dtype), 0)


def halve(g: Any, tied: Any, won: Any) -> Any:
    """g where x won, g / 2 where it tied, elsewhere 0."""
    return np.where(won, g, np.where(tied, g / 2, 0))


def weigh(g: Any, x: Any, a: Any, axis: Axis) -> Any:
    """g exp(x - a) for a = ln Σ exp(x): 0 where every x is -∞; x = +∞ take all, in equal shares."""
    finite = np.isfinite(a)
    p = times(g, np.exp(x - np.where(finite, a, 0)))
    return p if np.all(finite) else np.where(a == np.inf, share(g, x, a, axis), p)


def power_slope(x: Any, y: Any) -> Any:
    """∂a/∂x = y xʸ⁻¹ for a = xʸ; 0 at y = 0, where y · x⁻¹ would be NaN for x = 0."""
    return times(y, x ** (y - (y != 0)))


def power_log(x: Any, a: Any) -> Any:
    """∂a/∂y = a ln x for a = xʸ; 0 where a is, and at 0⁰, where xʸ jumps.

    A Python number x is given the dtype of a, so that float32 stays float32.
    """
    x = x if hasattr(x, "dtype") else np.asarray(x, a.dtype)
    return times(a, np.log(x + ((x == 0) & (a != 0))))


@table_function
def sech_squared(x: Any) -> Any:
    """1 - tanh² x = 4 e^-2|x| / (1 + e^-2|x|)², in which nothing cancels."""
    e = np.exp(np.where(np.real(x) > 0, -2 * x, 2 * x)[()])
    return 4 * e / (1 + e) ** 2


@table_function
def bell_curve(x: Any) -> Any:
    """exp(-x²)."""
    return exp_minus_square(np.asarray(x))[()]


def untranspose(g: Any, axes: Sequence[int] | None) -> Any:
    """Give the axes the order that they had before ``axes`` permuted them."""
    return np.transpose(g, None if axes is None else np.argsort(np.mod(axes, g.ndim)))


def as_matrices(g: Any, x: Any, y: Any) -> tuple[Any, Any, Any]:
    """Give the 1-d factors of x @ y, and g, the axis of length 1 that matmul lent them."""
    if y.ndim == 1:
        y, g = y[:, None], np.reshape(g, (*g.shape, 1))
    if x.ndim == 1:
        x, g = x[None, :], np.reshape(g, (*g.shape[:-1], 1, g.shape[-1]))
    return g, x, y


def matmul_vjp_x(g: Any, x: Any, y: Any) -> Any:
    """∂L/∂x = g yᵀ."""
    g, _, y = as_matrices(g, x, y)
    return matrix_times(g, np.swapaxes(y, -1, -2))


def matmul_vjp_y(g: Any, x: Any, y: Any) -> Any:
    """∂L/∂y = xᵀ g."""
    g, x, _ = as_matrices(g, x, y)
    dy = matrix_times(np.swapaxes(x, -1, -2), g)
    return dy[..., 0] if y.ndim == 1 else dy


def einsum_vjp(i: int, g: Any, xs: Sequence[Any], subscripts: str) -> Any:
    """∂L/∂x_i: the same sum, with the output and operand i in each other's place."""
    terms, output = explicit(subscripts, [x.ndim for x in xs])
    factors, letters = [g, *xs[:i], *xs[i + 1 :]], [output, *terms[:i], *terms[i + 1 :]]
    spare = iter(set(ascii_letters) - set("".join([output, *terms])))
    target = ""
    for c, n in zip(terms[i], xs[i].shape, strict=True):
        if c in target:  # a diagonal: the repeated index gets a name of its own, and a δ
            twin = next(spare)
            factors.append(np.eye(n, dtype=g.dtype))
            letters.append(c + twin)
            target += twin
            continue
        pairs = zip(letters, factors, strict=True)
        if not any((c, n) in zip(term, x.shape, strict=True) for term, x in pairs):
            factors.append(np.ones(n, g.dtype))  # summed over in x_i alone: all entries count once
            letters.append(c)
        target += c
    return contract(f"{','.join(letters)}->{target}", *factors)


def reduced(shape: tuple[int, ...], axis: Axis) -> tuple[tuple[int, ...], int]:
    """Return ``shape`` with ``axis`` at length 1, and how many entries went into one."""
    axes = normalize_axis_tuple(range(len(shape)) if axis is None else axis, len(shape))
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    return kept, math.prod(shape[i] for i in axes)


def degrees(n: int, ddof: int) -> float:
    """Return n - ddof, what NumPy's var divides by; NaN where it divides by 0."""
    return n - ddof if n > ddof else math.nan


def copied(shape: tuple[int, ...], to: tuple[int, ...]) -> tuple[int, ...]:
    """Return the axes of ``to`` along which broadcasting from ``shape`` makes copies."""
    lead = len(to) - len(shape)
    return tuple(i for i in range(len(to)) if i < lead or shape[i - lead] == 1 != to[i])


def along(axis: int, ndim: int, part: int | slice) -> Index:
    """Return the index that takes ``part`` of one axis and all of the others."""
    return (slice(None),) * (axis % ndim) + (part,)


def piece(i: int, arrays: Sequence[Any], axis: int) -> Index:
    """Return where the i-th of ``arrays`` lies in their concatenation."""
    lengths = [x.shape[axis] for x in arrays[: i + 1]]
    return along(axis, arrays[i].ndim, slice(sum(lengths[:-1]), sum(lengths)))


def add_at(x: Any, k: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of ``shape`` with x added at the index k, as often as k names a place."""
    out = np.zeros(shape, x.dtype)
    parts = k if isinstance(k, tuple) else (k,)
    if all(isinstance(i, int | np.integer | slice | NoneType | EllipsisType) for i in parts):
        out[k] = x
    else:
        np.add.at(out, k, x)
    return out


def log_sum_exp(x: Any, axis: Axis, keepdims: bool) -> Any:
    """ln Σ exp(x) = m + ln Σ exp(x - m) with m = max x: nothing overflows."""
    x = np.asarray(x)
    m = np.max(x.real, axis=axis, keepdims=True)
    shifted, e = below_maximum(x, axis)
    a = m + log1p_rest(shifted, e, axis)
    return a if keepdims else np.squeeze(a, axis=axis)[()]


def spelled(operands: Sequence[Any]) -> list[Any]:
    """Turn einsum's operands x, [0, 1], y, [1, 2], …, [0, 2] into "ab,bc->ac", x, y, …."""
    # In this order, sorting by letter is sorting by index.
    alphabet = ascii_uppercase + ascii_lowercase

    def term(indices: Any) -> str:
        try:
            return "".join("..." if i is Ellipsis else alphabet[operator.index(i)] for i in indices)
        except (TypeError, IndexError) as error:
            raise TypeError(
                f"einsum: {indices!r} is no list of indices from 0 to {len(alphabet) - 1}; expected"
                ' subscripts before the operands ("ij,jk->ik", x, y), or a list of indices after'
                " each (x, [0, 1], y, [1, 2], [0, 2])"
            ) from error

    terms = [term(indices) for indices in operands[1::2]]
    if len(operands) % 2 == 0:
        return [",".join(terms), *operands[::2]]
    return [",".join(terms) + "->" + term(operands[-1]), *operands[:-1:2]]


def explicit(subscripts: str, ndims: Sequence[int]) -> tuple[list[str], str]:
    """Write einsum's subscripts out: a term for each operand, one for the output, no ``...``."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    if not arrow:
        once = [c for c, n in sorted(Counter(inputs).items()) if n == 1 and c.isalpha()]
        output = ("..." if "..." in inputs else "") + "".join(once)
    terms = inputs.split(",")
    dots = [n - len(term) + 3 if "..." in term else 0 for term, n in zip(terms, ndims, strict=True)]
    spare = "".join(c for c in ascii_letters if c not in subscripts)[: max(dots)]
    # Broadcasting aligns the axes behind "..." at their right ends.
    terms = [t.replace("...", spare[len(spare) - n :]) for t, n in zip(terms, dots, strict=True)]
    return terms, output.replace("...", spare)
