"""Forward mode: every array carries its derivative along.

A :class:`Dual` is an array with its tangent, the derivative along one direction. The table has a
line for every primitive a = f(x, y) of ``backprop.autodiff.tape``: for each argument, the
Jacobian-vector product that takes its tangent t = ẋ to its share of ȧ.

Source: Wengert (1964); Griewank & Walther, Evaluating Derivatives (2008), section 3.1; Pearlmutter
(1994) for the product of a Hessian with a vector.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.arrays import check_ndarray
from backprop.autodiff.adjoints import (
    along,
    centred,
    contract,
    degrees,
    halve,
    matrix_times,
    over,
    piece,
    power_log,
    power_slope,
    reduced,
    share,
    times,
    weigh,
    z_score,
)
from backprop.autodiff.graph import (
    LEVELS,
    Function,
    Rule,
    Traced,
    apply,
    checked_input,
    checked_output,
    finished,
)
from backprop.autodiff.tape import ROOT_PI, bell, grad, scatter_add, sech2, sigmoid

JVPS: dict[str, tuple[Function | None, ...]] = {}


def row(name: str, *jvps: Function | None) -> None:
    """Enter a line."""
    JVPS[name] = jvps


def reduction(name: str, line: Function) -> None:
    """Enter a line whose terms are summed over the reduced axes: n and axis as in ``graph``."""

    def jvp(t: Any, a: Any, x: Any, *, axis: Any, keepdims: bool, ddof: int = 0) -> Any:
        kept, n = reduced(x.shape, axis)
        terms = line(t, np.reshape(a, kept), x, degrees(n, ddof), axis)
        return np.sum(terms, axis=axis, keepdims=keepdims)

    JVPS[name] = (jvp,)


# The table. Where an argument was broadcast, the tangent is broadcast with it by Dual.record. times
# and over, as in ``tape``: where a derivative is exactly 0, so is its product with any tangent, and
# a tangent of 0 stays 0. Kinks: as in ``tape``.
# fmt: off
row("add",      lambda t, a, x, y: t,
                lambda t, a, x, y: t)
row("subtract", lambda t, a, x, y: t,
                lambda t, a, x, y: -t)
row("multiply", lambda t, a, x, y: times(t, y),
                lambda t, a, x, y: times(x, t))
row("divide",   lambda t, a, x, y: over(t, y),
                lambda t, a, x, y: -over(times(a, t), y))
row("power",    lambda t, a, x, y: times(power_slope(x, y), t),
                lambda t, a, x, y: times(power_log(x, a), t))
row("maximum",  lambda t, a, x, y: halve(t, x == y, x > y),
                lambda t, a, x, y: halve(t, x == y, y > x))
row("minimum",  lambda t, a, x, y: halve(t, x == y, x < y),
                lambda t, a, x, y: halve(t, x == y, y < x))
row("matmul",   lambda t, a, x, y: matrix_times(t, y),
                lambda t, a, x, y: matrix_times(x, t))

row("negative", lambda t, a, x: -t)
row("exp",      lambda t, a, x: times(a, t))
row("log",      lambda t, a, x: over(t, x))
row("sqrt",     lambda t, a, x: over(t, 2 * a))
row("sin",      lambda t, a, x: times(np.cos(x), t))
row("cos",      lambda t, a, x: -times(np.sin(x), t))
row("tanh",     lambda t, a, x: times(sech2(x), t))
row("sech2",    lambda t, a, x: times(-2 * a * np.tanh(x), t))
row("sigmoid",  lambda t, a, x: times(a * sigmoid(-x), t))
row("relu",     lambda t, a, x: np.where(x > 0, t, 0))
row("absolute", lambda t, a, x: times(np.sign(x), t))
row("bell",     lambda t, a, x: times(-2 * times(x, a), t))
row("erf",      lambda t, a, x: times(2 / ROOT_PI * bell(x), t))

reduction("sum",       lambda t, a, x, n, axis: t)
reduction("mean",      lambda t, a, x, n, axis: t / n)
reduction("max",       lambda t, a, x, n, axis: share(t, x, a, axis))
reduction("min",       lambda t, a, x, n, axis: share(t, x, a, axis))
reduction("var",       lambda t, a, x, n, axis: times(t, 2 / n * centred(x, axis)))
reduction("std",       lambda t, a, x, n, axis: times(t / n, z_score(x, a, axis)))
reduction("logsumexp", lambda t, a, x, n, axis: weigh(t, x, a, axis))

row("reshape",      lambda t, a, x, shape: np.reshape(t, shape))
row("transpose",    lambda t, a, x, axes=None: np.transpose(t, axes))
row("swapaxes",     lambda t, a, x, m, n: np.swapaxes(t, m, n))
row("broadcast_to", lambda t, a, x, shape: np.broadcast_to(t, shape))
row("scatter_add",  lambda t, a, x, k, shape: scatter_add(t, k, shape))
row("getitem",      lambda t, a, x, k: t[k])
row("clip",         lambda t, a, x, a_min=None, a_max=None: np.where(a == x, t, 0))
row("where",        None,
                    lambda t, a, c, x, y: np.where(c, t, 0),
                    lambda t, a, c, x, y: np.where(c, 0, t))
row("concatenate",  lambda i, t, a, *xs, axis: scatter_add(t, piece(i, xs, axis), a.shape))
row("stack",        lambda i, t, a, *xs, axis: scatter_add(t, along(axis, a.ndim, i), a.shape))
row("einsum",       lambda i, t, a, *xs, sub: contract(sub, *xs[:i], t, *xs[i + 1 :]))
# The products that the lines themselves are written in.
row("times",        *JVPS["multiply"])
row("over",         *JVPS["divide"])
row("matrix_times", *JVPS["matmul"])
row("contract",     *JVPS["einsum"])
# fmt: on


class Dual(Traced):
    """An array x with its tangent ẋ, of the same shape, in the call of f that ``level`` numbers."""

    __slots__ = ("level", "tangent", "value")

    def __init__(self, value: Any, tangent: Any, level: int) -> None:
        self.value, self.tangent, self.level = value, tangent, level

    def record(self, rule: Rule, args: tuple[Any, ...], options: dict[str, Any]) -> Dual:
        """ȧ = Σ ∂a/∂x ẋ, summed over the arguments that have a tangent at this level."""
        mine = [i for i, x in enumerate(args) if type(x) is Dual and x.level == self.level]
        values = tuple(x.value if i in mine else x for i, x in enumerate(args))
        products = [rule.product(JVPS[rule.name], i, options) for i in mine]
        a = apply(rule, values, options)
        tangent: Any = None
        with np.errstate(divide="ignore", invalid="ignore"):  # a slope may be infinite
            for jvp, i in zip(products, mine, strict=True):
                t = jvp(args[i].tangent, a, *values)
                tangent = t if tangent is None else tangent + t
        if tangent.shape != a.shape:
            tangent = np.broadcast_to(tangent, a.shape)
        return Dual(a, tangent, self.level)


def jvp(f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    """Return a = f(x) and its derivative ∂a/∂x v along v, both of the shape of a.

    Parameters
    ----------
    f : callable
        Of one array, returning one array; written as for ``tape.vjp``.
    x, v : float or ndarray of floats
        The point and the direction, of one shape.

    Raises
    ------
    TypeError
        If x is no floating array, or f returns no array.
    ValueError
        If the shapes of x and v differ.
    """
    return _along("jvp", f, checked_input("jvp", f, 0, x), v)


def hvp(f: Function, x: Any, v: Any) -> Any:
    """Return ∂²L/∂x² v, shape of x, for a scalar L = f(x), without the Hessian.

    Forward over reverse: the derivative of the gradient along v. Raises as :func:`jvp` and
    ``tape.grad`` do.
    """
    return _along("hvp", grad(f), checked_input("hvp", f, 0, x), v)[1]


def jacobian(f: Function) -> Function:
    """Return the function x ↦ ∂a/∂x, shape (*a.shape, *x.shape), for a = f(x).

    Column by column, one run of f for each entry of x; ``tape.jacobian`` does it row by row.
    """

    def columns(x: Any) -> Any:
        x = checked_input("jacobian", f, 0, x)
        units = np.eye(x.size).reshape(x.size, *x.shape)
        J = [_along("jacobian", f, x, unit)[1] for unit in units]
        if not J:
            return np.zeros((*np.shape(f(x)), *x.shape))
        return np.reshape(np.stack(J, axis=-1), (*J[0].shape, *x.shape))

    return columns


def _along(where: str, f: Function, x: Any, v: Any) -> tuple[Any, Any]:
    if isinstance(v, np.ndarray):
        check_ndarray(where, "v", v)
    if np.shape(v) != x.shape:
        raise ValueError(f"{where}: v has shape {np.shape(v)}, expected {x.shape}, the shape of x")
    level = next(LEVELS)
    v = v if isinstance(v, Traced) else np.asarray(v, x.dtype)
    out = checked_output(where, f(Dual(x, v, level)), level)
    if isinstance(out, Dual) and out.level == level:
        return out.value, finished(out.tangent, out.value)
    return out, finished(None, out)
