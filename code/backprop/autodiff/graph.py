"""The tape: what is written on it, and the loop that reads it backwards.

A :class:`Variable` behaves like its array and writes every primitive that it passes through on a
tape. :func:`pull_back` reads the tape from its end; that loop is backpropagation. The primitives
themselves, and what a caller uses, stand in ``backprop.autodiff.tape``.

The value of a Variable may be a Variable of an outer tape, or a dual number of
``backprop.autodiff.forward``: then the primitive runs once more one level further out. Every call
has its own tape; calls, nested or in several threads, share nothing but the counter that numbers
them.

Source: Linnainmaa (1976); Griewank & Walther, Evaluating Derivatives (2008), chapters 3 and 6.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from typing import Any

import numpy as np

from backprop import deferred
from backprop.arrays import check_array, check_ndarray
from backprop.autodiff.adjoints import Axis, degrees, reduced, unbroadcast

Function = Callable[..., Any]
"""Takes arrays, Variables or dual numbers, and returns one of the same kind."""
Paths = tuple[tuple[Any, int], ...]
"""From a to each argument on the tape: (its vjp, its place on the tape)."""
LEVELS = count()
"""A call takes the next number; of two nested calls, the inner one has the higher."""


class Tape(list[tuple[Paths, tuple[Any, ...], Any]]):
    """What happened, in order: for each primitive (paths to its parents, its arguments, a).

    It starts with the inputs, belongs to one call of f, and holds arrays, never Variables.
    """

    __slots__ = ("level",)

    def __init__(self, inputs: Sequence[Any]) -> None:
        super().__init__(((), (), x) for x in inputs)
        self.level = next(LEVELS)


@np.errstate(divide="ignore", invalid="ignore")
def pull_back(tape: Tape, n_inputs: int, index: int, g: Any) -> list[Any]:
    """Return ∂L/∂(input) for each input, given g = ∂L/∂a for the a at ``index``; None if no path.

    Every entry is met after all that used it, so that its sum over paths is complete by then. A
    slope may be infinite: that is no reason for a warning.
    """
    sums: list[Any] = [None] * max(index + 1, n_inputs)
    sums[index] = g
    for paths, args, a in reversed(tape[n_inputs : index + 1]):
        g = sums.pop()
        if g is None:
            continue
        for vjp, parent in paths:
            d = vjp(g, a, *args)
            shape = tape[parent][2].shape
            if d.shape != shape:
                d = unbroadcast(d, shape)
            others = sums[parent]
            sums[parent] = d if others is None else others + d
    return sums


class Traced:
    """What a Variable and a dual number share: it looks like its array, and obeys the table."""

    __slots__ = ()
    level: int
    value: Any

    def record(self, rule: Rule, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        """Run one primitive at this level."""
        raise NotImplementedError

    shape = property(lambda self: self.value.shape)
    ndim = property(lambda self: self.value.ndim)
    size = property(lambda self: self.value.size)
    dtype = property(lambda self: self.value.dtype)

    def __len__(self) -> int:
        return len(plain(self))

    def __iter__(self) -> Iterator[Any]:
        return (NUMPY[operator.getitem](self, i) for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(plain(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.value!r})"

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError(
            f"a {type(self).__name__} cannot become a numpy.ndarray, which would forget its"
            " derivative (join several with np.stack or np.concatenate; beside it, write"
            " np.asarray(…) around what is no plain ndarray)"
        )

    def __float__(self) -> float:
        raise TypeError(
            f"a {type(self).__name__} cannot become a float, which would forget its derivative"
            " (use NumPy's functions instead of those in math)"
        )

    def __setitem__(self, k: Any, value: Any) -> None:
        raise TypeError(
            f"an entry of a {type(self).__name__} cannot be assigned to, since others were computed"
            " from it (write np.where(mask, new, x), or join pieces with np.concatenate)"
        )

    def __array_ufunc__(self, ufunc: Any, method: str, *args: Any, **options: Any) -> Any:
        if method != "__call__" or options:
            raise TypeError(f"{ufunc.__name__}: only the plain call takes a {type(self).__name__}")
        return self.__array_function__(ufunc, (), args, options)

    def __array_function__(self, function: Any, _: Any, args: Any, options: Any) -> Any:
        op = line_of(function)
        if op is None:
            raise TypeError(f"{function.__name__} has no line in the table of derivatives")
        return op(*args, **options)


class Variable(Traced):
    """An array and its place on a tape."""

    __slots__ = ("index", "tape", "value")

    def __init__(self, value: Any, tape: Tape, index: int) -> None:
        self.value, self.tape, self.index = value, tape, index

    @property
    def level(self) -> int:  # type: ignore[override]
        """That of its tape."""
        return self.tape.level

    def record(self, rule: Rule, args: tuple[Any, ...], options: dict[str, Any]) -> Variable:
        """Run one primitive one level further out, and write it on the tape."""
        tape = self.tape
        mine = [i for i, x in enumerate(args) if type(x) is Variable and x.tape is tape]
        values = tuple(x.value if i in mine else x for i, x in enumerate(args))
        paths = tuple((rule.product(rule.vjps, i, options), args[i].index) for i in mine)
        a = apply(rule, values, options)
        tape.append((paths, values, a))
        return Variable(a, tape, len(tape) - 1)


TABLE: dict[str, Rule] = {}
NUMPY: dict[Function, Function] = {}
"""NumPy's function ↦ the table's, so that ``np.exp(variable)`` finds its line; SciPy's likewise."""


def line_of(function: Function) -> Function | None:
    """Return the table's function for NumPy's or SciPy's, or None where it has no line."""
    if function in NUMPY:
        return NUMPY[function]
    later = ((f, op) for f, op in NUMPY.items() if isinstance(f, deferred.Function))
    return next((op for f, op in later if f.stands_for(function)), None)


class Rule:
    """One line of the table: a name, the forward pass, a vjp for each array argument."""

    def __init__(self, name: str, forward: Function, *vjps: Function | None) -> None:
        self.name, self.forward, self.vjps = name, forward, vjps
        self.options = set(inspect.signature(vjps[-1] or forward).parameters)
        TABLE[name] = self

    def product(
        self, products: Sequence[Function | None], i: int, options: dict[str, Any]
    ) -> Function:
        """Return the product with the Jacobian of argument i, its options bound."""
        if "i" in self.options:  # one line for any number of arguments: i says which
            return partial(products[0] or self.forward, i, **options)
        line = products[i] if i < len(products) else None
        if line is None:
            raise TypeError(f"{self.name}: argument {i} is traced, expected a constant")
        return partial(line, **options) if options else line


def apply(rule: Rule, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """Run one primitive: in NumPy, or at the innermost level that an argument belongs to."""
    traced = [x for x in args if isinstance(x, Traced)]
    for i, x in enumerate(args if traced else ()):
        if isinstance(x, np.ndarray):
            constant(rule.name, i, x)
    if any(isinstance(o, Traced) for o in options.values()):
        raise TypeError(f"{rule.name}: an option is traced, expected a constant")
    if traced:
        if unknown := sorted(options.keys() - rule.options):
            raise TypeError(f"{rule.name}: option {unknown[0]} has no derivative here")
        return max(traced, key=lambda x: x.level).record(rule, args, options)
    try:
        return rule.forward(*args, **options)
    except ValueError as error:
        raise explained(rule, args, error) from error


NUMBERS = frozenset([float, int, bool, complex, np.float64, np.float32])


def constant(where: str, i: int, x: Any) -> Any:
    """Return argument i, which is not traced, if it holds numbers; a list becomes an array."""
    if type(x) in NUMBERS:
        return x
    name = f"argument {i}"
    array = check_ndarray(where, name, x) if isinstance(x, np.ndarray) else np.asarray(x)
    if array.dtype.kind not in "biufc":
        got = f"has dtype {array.dtype}" if array.ndim else f"is a {type(x).__name__}"
        raise TypeError(f"{where}: {name} {got}, expected numbers (write np.asarray(…, float))")
    return array


def checked_pieces(where: str, xs: Sequence[Any]) -> list[Any]:
    """Return what is to be joined or multiplied: traced, or an array of numbers."""
    return [x if isinstance(x, Traced) else np.asarray(constant(where, i, x))
            for i, x in enumerate(xs)]  # fmt: skip


def explained(rule: Rule, args: tuple[Any, ...], error: ValueError) -> ValueError:
    """Name the arguments and their shapes in what NumPy refused."""
    if str(error).startswith(f"{rule.name}: argument"):
        return error
    shown = [
        f"argument {i} has shape {np.shape(x)}"
        for i, x in enumerate(args)
        if isinstance(x, np.ndarray | np.generic | float | Traced)
    ]
    return ValueError(f"{rule.name}: {', '.join(shown)}: {error}")


def plain(x: Any) -> Any:
    """Return the array at the bottom of x."""
    while isinstance(x, Traced):
        x = x.value
    return x


# How a line is entered in the table.


def primitive(name: str, forward: Function, *vjps: Function | None) -> Function:
    """Enter a line; options such as ``axis`` go to the forward pass and to the vjp alike."""
    rule = Rule(name, forward, *vjps)

    def op(*args: Any, **options: Any) -> Any:
        return apply(rule, args, options)

    return NUMPY.setdefault(getattr(np, name, forward), op)


def unary(name: str, forward: Function, vjp: Function) -> Function:
    """Enter an elementwise a = f(x): ``primitive`` with a short way for speed."""
    rule = Rule(name, forward, vjp)

    def op(x: Any) -> Any:
        if type(x) is not Variable:
            return apply(rule, (x,), {})
        tape, value = x.tape, x.value
        a = forward(value)
        tape.append((((rule.vjps[0], x.index),), (value,), a))
        return Variable(a, tape, len(tape) - 1)

    return NUMPY.setdefault(getattr(np, name, forward), op)


def binary(name: str, forward: Function, vjp_x: Function, vjp_y: Function) -> Function:
    """Enter an a = f(x, y) that broadcasts: ``primitive`` with a short way for speed."""
    rule = Rule(name, forward, vjp_x, vjp_y)

    def op(x: Any, y: Any) -> Any:
        paths: Paths
        vjp_x, vjp_y = rule.vjps
        if type(x) is Variable and type(y) is Variable and x.tape is y.tape:
            tape, args, paths = x.tape, (x.value, y.value), ((vjp_x, x.index), (vjp_y, y.index))
        elif type(x) is Variable and not isinstance(y, Traced):
            y = y if type(y) in NUMBERS else constant(name, 1, y)
            tape, args, paths = x.tape, (x.value, y), ((vjp_x, x.index),)
        elif type(y) is Variable and not isinstance(x, Traced):
            x = x if type(x) in NUMBERS else constant(name, 0, x)
            tape, args, paths = y.tape, (x, y.value), ((vjp_y, y.index),)
        elif isinstance(x, Traced) or isinstance(y, Traced):
            x = x if isinstance(x, Traced) else constant(name, 0, x)
            y = y if isinstance(y, Traced) else constant(name, 1, y)
            return apply(rule, (x, y), {})
        else:
            return apply(rule, (x, y), {})
        try:
            a = forward(*args)
        except ValueError as error:
            raise explained(rule, args, error) from error
        tape.append((paths, args, a))
        return Variable(a, tape, len(tape) - 1)

    return NUMPY.setdefault(getattr(np, name, forward), op)


def reduction(name: str, forward: Function, line: Function) -> Function:
    """Enter an a = f(x) over axes; ``line`` gets g and a with the reduced axes at length 1.

    Its n is the number of entries that went into one entry of a, less ``ddof``.
    """

    def vjp(g: Any, a: Any, x: Any, *, axis: Axis, keepdims: bool, ddof: int = 0) -> Any:
        kept, n = reduced(x.shape, axis)
        g, a = np.reshape(g, kept), np.reshape(a, kept)
        return np.broadcast_to(line(g, a, x, degrees(n, ddof), axis), x.shape)

    rule = Rule(name, forward, vjp)

    def op(x: Any, axis: Axis = None, *, keepdims: bool = False, **ddof: int) -> Any:
        return apply(rule, (x,), {"axis": axis, "keepdims": keepdims, **ddof})

    return NUMPY.setdefault(getattr(np, name, forward), op)


# What every call of f checks, in either mode.


def checked_input(where: str, f: Function, i: int, x: Any) -> Any:
    """Return x as a floating array, or raise what ``check_array`` raises, with f's own name for it.

    A Python number counts as an array of shape (); what is traced by an outer call passes.
    """
    x = np.asarray(x) if isinstance(x, int | float | complex | np.generic) else x
    if isinstance(x, Traced) or (type(x) is np.ndarray and x.dtype.kind in "fc"):
        return x
    try:
        name = list(inspect.signature(f).parameters)[i]
    except (TypeError, ValueError, IndexError):  # a builtin, or *args
        name = f"argument {i}"
    return check_array(where, name, x)


def checked_output(where: str, out: Any, level: int) -> Any:
    """Return what f returned at ``level`` if it is one array; else raise ``TypeError``."""
    if not isinstance(out, Traced | np.ndarray | np.number | int | float):
        raise TypeError(f"{where}: f returned a {type(out).__name__}, expected one array")
    if isinstance(out, Traced) and out.level > level:
        raise TypeError(f"{where}: f returned a {type(out).__name__} of a call that has ended")
    return out


def finished(d: Any, x: Any) -> Any:
    """Return the derivative d with the shape and dtype of x; where no path led to it, zeros."""
    if d is None:
        return np.zeros(np.shape(x), getattr(x, "dtype", None))[()]
    # A copy: d may be a read-only view, or share its memory with another derivative.
    return d if isinstance(d, Traced) else np.array(d, x.dtype)[()]
