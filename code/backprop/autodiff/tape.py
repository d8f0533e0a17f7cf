"""Reverse mode on any graph, as a table of derivatives.

A line of the table holds a primitive a = f(x, y): its forward pass, then for each argument the
vector-Jacobian product that takes g = ∂L/∂a to ∂L/∂x. Under the table stands what a caller uses:
:func:`grad`, :func:`value_and_grad`, :func:`vjp`, :func:`jacobian`. How a tape comes to be and is
read backwards is in ``backprop.autodiff.graph``.

NumPy's own functions accept a Variable, so f is written in plain NumPy:
``grad(lambda W: np.sum(np.tanh(x @ W)))``. The lines use only such functions, too, so a gradient
can be differentiated again: by this module, or by ``backprop.autodiff.forward``.

Source: Griewank & Walther, Evaluating Derivatives (2008), chapters 2 and 3.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from backprop.arrays import check_ndarray
from backprop.autodiff.adjoints import (
    add_at,
    along,
    bell_curve,
    centred,
    contract,
    einsum_vjp,
    halve,
    log_sum_exp,
    matmul_vjp_x,
    matmul_vjp_y,
    matrix_times,
    over,
    piece,
    power_log,
    power_slope,
    sech_squared,
    share,
    spelled,
    times,
    untranspose,
    weigh,
    z_score,
)
from backprop.autodiff.graph import (
    NUMPY,
    Function,
    Tape,
    Traced,
    Variable,
    binary,
    checked_input,
    checked_output,
    checked_pieces,
    finished,
    plain,
    primitive,
    pull_back,
    reduction,
    unary,
)
from backprop.deferred import special

ROOT_PI = math.sqrt(math.pi)


def positive_part(x: Any) -> Any:
    """x where x > 0, else 0; NaN stays."""
    return np.where(x <= 0, 0, x)


# The table. g = ∂L/∂a. Where an argument was broadcast, pull_back sums over the copies, so no line
# has to. times and over are the product and the quotient in which an exact 0 stays 0, whatever the
# other factor: what L does not depend on hands nothing on, not even at a pole (0 · ∞). Kinks, where
# there is no derivative: |x| and relu have 0 at 0, std has 0 where all x are equal, clip has 1 at
# its ends; maximum, minimum, max_ and min_ share g equally among those that tie. sech2(x) is
# 1 - tanh² x and bell(x) is exp(-x²), each without the difference or the square that would lose the
# digits of a tail.
# fmt: off
add       = binary("add",      operator.add,     lambda g, a, x, y: g,
                                                 lambda g, a, x, y: g)
subtract  = binary("subtract", operator.sub,     lambda g, a, x, y: g,
                                                 lambda g, a, x, y: -g)
multiply  = binary("multiply", operator.mul,     lambda g, a, x, y: times(g, y),
                                                 lambda g, a, x, y: times(g, x))
divide    = binary("divide",   operator.truediv, lambda g, a, x, y: over(g, y),
                                                 lambda g, a, x, y: -over(times(g, a), y))
power     = binary("power",    operator.pow,     lambda g, a, x, y: times(g, power_slope(x, y)),
                                                 lambda g, a, x, y: times(g, power_log(x, a)))
maximum   = binary("maximum",  np.maximum,       lambda g, a, x, y: halve(g, x == y, x > y),
                                                 lambda g, a, x, y: halve(g, x == y, y > x))
minimum   = binary("minimum",  np.minimum,       lambda g, a, x, y: halve(g, x == y, x < y),
                                                 lambda g, a, x, y: halve(g, x == y, y < x))
matmul    = binary("matmul",   operator.matmul,  lambda g, a, x, y: matmul_vjp_x(g, x, y),
                                                 lambda g, a, x, y: matmul_vjp_y(g, x, y))

negative  = unary("negative", operator.neg,  lambda g, a, x: -g)
exp       = unary("exp",      np.exp,        lambda g, a, x: times(g, a))
log       = unary("log",      np.log,        lambda g, a, x: over(g, x))
sqrt      = unary("sqrt",     np.sqrt,       lambda g, a, x: over(g, 2 * a))
sin       = unary("sin",      np.sin,        lambda g, a, x: times(g, np.cos(x)))
cos       = unary("cos",      np.cos,        lambda g, a, x: -times(g, np.sin(x)))
sech2     = unary("sech2",    sech_squared,  lambda g, a, x: times(g, -2 * a * np.tanh(x)))
tanh      = unary("tanh",     np.tanh,       lambda g, a, x: times(g, sech2(x)))
sigmoid   = unary("sigmoid",  special.expit, lambda g, a, x: times(g, a * special.expit(-x)))
relu      = unary("relu",     positive_part, lambda g, a, x: np.where(x > 0, g, 0))
absolute  = unary("absolute", np.absolute,   lambda g, a, x: times(g, np.sign(x)))
bell      = unary("bell",     bell_curve,    lambda g, a, x: times(g, -2 * times(x, a)))
erf       = unary("erf",      special.erf,   lambda g, a, x: times(g, 2 / ROOT_PI * bell(x)))

sum_      = reduction("sum",  np.sum,  lambda g, a, x, n, axis: g)
mean      = reduction("mean", np.mean, lambda g, a, x, n, axis: g / n)
max_      = reduction("max",  np.max,  lambda g, a, x, n, axis: share(g, x, a, axis))
min_      = reduction("min",  np.min,  lambda g, a, x, n, axis: share(g, x, a, axis))
var       = reduction("var",  np.var,  lambda g, a, x, n, axis: times(g, 2 / n * centred(x, axis)))
std       = reduction("std",  np.std,  lambda g, a, x, n, axis: times(g / n, z_score(x, a, axis)))
logsumexp = reduction("logsumexp", log_sum_exp, lambda g, a, x, n, axis: weigh(g, x, a, axis))

reshape      = primitive("reshape", np.reshape, lambda g, a, x, shape: np.reshape(g, x.shape))
transpose    = primitive("transpose", np.transpose, lambda g, a, x, axes=None: untranspose(g, axes))
swapaxes     = primitive("swapaxes", np.swapaxes, lambda g, a, x, m, n: np.swapaxes(g, m, n))
broadcast_to = primitive("broadcast_to", np.broadcast_to, lambda g, a, x, shape: g)
scatter_add  = primitive("scatter_add", add_at, lambda g, a, x, k, shape: g[k])
getitem      = primitive("getitem", operator.getitem, lambda g, a, x, k: scatter_add(g, k, x.shape))
clip         = primitive("clip", np.clip, lambda g, a, x, a_min=None, a_max=None:
                                                  np.where(a == x, g, 0))
where        = primitive("where", np.where, None, lambda g, a, c, x, y: np.where(c, g, 0),
                                                  lambda g, a, c, x, y: np.where(c, 0, g))
_concatenate = primitive("concatenate", lambda *xs, axis: np.concatenate(xs, axis),
                                        lambda i, g, a, *xs, axis: g[piece(i, xs, axis)])
_stack       = primitive("stack",       lambda *xs, axis: np.stack(xs, axis),
                                        lambda i, g, a, *xs, axis: g[along(axis, a.ndim, i)])
_einsum      = primitive("einsum",      lambda *xs, sub: np.einsum(sub, *xs),
                                        lambda i, g, a, *xs, sub: einsum_vjp(i, g, xs, sub))

# The products that the lines themselves are written in.
binary("times",        times,        lambda g, a, x, y: times(g, y),
                                     lambda g, a, x, y: times(g, x))
binary("over",         over,         lambda g, a, x, y: over(g, y),
                                     lambda g, a, x, y: -over(times(g, a), y))
binary("matrix_times", matrix_times, lambda g, a, x, y: matmul_vjp_x(g, x, y),
                                     lambda g, a, x, y: matmul_vjp_y(g, x, y))
_contract = primitive("contract",    lambda *xs, sub: contract(sub, *xs),
                                     lambda i, g, a, *xs, sub: einsum_vjp(i, g, xs, sub))
# fmt: on


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """Join ``arrays`` along an axis that they have, all flattened for None; as NumPy's."""
    pieces = checked_pieces("concatenate", arrays)
    if axis is None:
        return concatenate([reshape(x, -1) for x in pieces])
    return _concatenate(*pieces, axis=operator.index(axis))


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """Join ``arrays`` along a new axis; as ``np.stack``."""
    return _stack(*checked_pieces("stack", arrays), axis=operator.index(axis))


def einsum(*operands: Any) -> Any:
    """Sum of products: ``einsum("ij,jk->ik", x, y)`` or ``einsum(x, [0, 1], y, [1, 2], [0, 2])``.

    As ``np.einsum``; the indices are letters in one convention and numbers in the other.
    """
    subscripts, *xs = operands if isinstance(operands[0], str) else spelled(operands)
    return _einsum(*checked_pieces("einsum", xs), sub=subscripts)


NUMPY.update({np.concatenate: concatenate, np.stack: stack, np.einsum: einsum})
NUMPY[contract] = lambda subscripts, *xs: _contract(*xs, sub=subscripts)


def constant(f: Function) -> Function:
    """f of the arrays themselves, a plain array: its derivative is 0 wherever there is one."""
    return lambda *args, **options: f(*map(plain, args), **options)


STEPS: list[Function] = [
    np.sign, np.floor, np.ceil, np.rint, np.isfinite, np.isnan, np.equal, np.not_equal, np.less,
    np.less_equal, np.greater, np.greater_equal, np.argmax, np.argmin, np.argsort, np.shape,
    np.ndim, np.size, np.zeros_like, np.ones_like,
]  # fmt: skip
NUMPY.update((f, constant(f)) for f in STEPS)


def swapped(op: Function) -> Function:
    """(x, y) ↦ op(y, x)."""
    return lambda x, y: op(y, x)


# What the operators and methods of a Variable mean: x + y is add(x, y).
for _name, _op in {
    "__add__": add, "__sub__": subtract, "__mul__": multiply, "__truediv__": divide,
    "__pow__": power, "__matmul__": matmul, "__neg__": negative, "__abs__": absolute,
    "__radd__": swapped(add), "__rsub__": swapped(subtract), "__rmul__": swapped(multiply),
    "__rtruediv__": swapped(divide), "__rpow__": swapped(power), "__rmatmul__": swapped(matmul),
    "__lt__": NUMPY[np.less], "__le__": NUMPY[np.less_equal], "__eq__": NUMPY[np.equal],
    "__gt__": NUMPY[np.greater], "__ge__": NUMPY[np.greater_equal], "__ne__": NUMPY[np.not_equal],
    "__getitem__": getitem, "T": property(transpose), "sum": sum_, "mean": mean, "max": max_,
    "min": min_, "var": var, "std": std, "clip": clip,
    "reshape": lambda x, *shape: reshape(x, shape[0] if len(shape) == 1 else shape),
    "transpose": lambda x, *axes: transpose(x, (axes[0] if len(axes) == 1 else axes) or None),
}.items():  # fmt: skip
    setattr(Traced, _name, _op)


# What a caller uses.


def vjp(f: Function, *inputs: Any) -> tuple[Any, Function]:
    """Return a = f(*inputs) and the map g ↦ gᵀ ∂a/∂input, to be called as often as one likes.

    Parameters
    ----------
    f : callable
        Of arrays, returning one array; written with operators, NumPy's functions and this module's.
    inputs : float or ndarray of floats
        The map returns an array of the shape and dtype of the input, for several inputs a tuple.

    Raises
    ------
    TypeError
        If an input is no floating array, or f returns no array.
    ValueError
        If g has not the shape of a.
    """
    a, pullback = _traced_call("vjp", f, inputs, range(len(inputs)))
    return a, (lambda g: pullback(g)[0]) if len(inputs) == 1 else pullback


def value_and_grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """Return the function (x, …) ↦ (L, ∂L/∂x), for a scalar L = f(x, …).

    ``argnums`` says which positional arguments to differentiate by; for a tuple, ∂L/∂x is a tuple
    in that order. Raises what :func:`vjp` raises, and ``ValueError`` if L has not the shape ().
    """
    several = isinstance(argnums, tuple)
    chosen = _places("grad", argnums)

    def value_and_gradient(*args: Any) -> tuple[Any, Any]:
        L, pullback = _traced_call("grad", f, args, chosen)
        if np.shape(L) != ():
            raise ValueError(
                f"grad: f returned an array of shape {np.shape(L)}, expected a scalar, shape ()"
                " (take its sum or mean, or use vjp or jacobian)"
            )
        gradients = pullback(1.0)
        return L, gradients if several else gradients[0]

    return value_and_gradient


def grad(f: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """Return the function (x, …) ↦ ∂L/∂x, for a scalar L = f(x, …); as :func:`value_and_grad`."""
    both = value_and_grad(f, argnums)
    return lambda *args: both(*args)[1]


def jacobian(f: Function, argnum: int = 0) -> Function:
    """Return the function (x, …) ↦ ∂a/∂x, shape (*a.shape, *x.shape), for a = f(x, …).

    Row by row: the tape is written once and read once for each entry of a.
    """
    if isinstance(argnum, tuple):
        raise TypeError(f"jacobian: argnum is {argnum}, a tuple, expected one integer")
    (place,) = _places("jacobian", argnum, "argnum")

    def rows(*args: Any) -> Any:
        a, pullback = _traced_call("jacobian", f, args, (place,))
        shape = np.shape(a)
        units = np.eye(math.prod(shape)).reshape(math.prod(shape), *shape)
        J = [pullback(unit)[0] for unit in units]
        full = (*shape, *np.shape(args[place]))
        return np.reshape(np.stack(J), full) if J else np.zeros(full)

    return rows


def _places(where: str, argnums: Any, name: str = "argnums") -> tuple[int, ...]:
    places = argnums if isinstance(argnums, tuple) else (argnums,)
    for place in places:
        if isinstance(place, bool) or not isinstance(place, Integral):
            advice = f" (write {name}={tuple(place)})" if isinstance(place, list | set) else ""
            raise TypeError(
                f"{where}: {name} is {argnums!r}, a {type(place).__name__}, expected an integer"
                f" or a tuple of integers{advice}"
            )
    return tuple(int(place) for place in places)


def _traced_call(
    where: str, f: Function, args: Sequence[Any], argnums: Sequence[int]
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    if len(set(argnums) & set(range(len(args)))) < len(argnums):
        raise ValueError(
            f"{where}: argnums is {tuple(argnums)}, expected different places among the"
            f" {len(args)} arguments of the call, counted from 0"
        )
    xs = [checked_input(where, f, i, args[i]) for i in argnums]
    tape = Tape(xs)
    variables = {i: Variable(x, tape, k) for k, (i, x) in enumerate(zip(argnums, xs, strict=True))}
    a = checked_output(where, f(*(variables.get(i, x) for i, x in enumerate(args))), tape.level)
    place = None
    if isinstance(a, Variable) and a.tape is tape:
        a, place = a.value, a.index

    def pullback(g: Any) -> tuple[Any, ...]:
        if isinstance(g, np.ndarray):
            check_ndarray(where, "g", g)
        if np.shape(g) != np.shape(a):
            raise ValueError(f"{where}: g has shape {np.shape(g)}, expected {np.shape(a)}")
        if place is None:
            return tuple(finished(None, x) for x in xs)
        g = g if isinstance(g, Traced) else np.asarray(g, a.dtype)
        return tuple(map(finished, pull_back(tape, len(xs), place, g), xs))

    return a, pullback
