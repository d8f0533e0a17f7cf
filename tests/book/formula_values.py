"""The value of a formula that ``latex_reading`` has read, in the setting of its page.

A :class:`Setting` says which letters are arrays of which shapes, which equations of the page make
one value from others (its *program*), and which letters stand for a derivative. Every derivative
in a formula, on whichever side, is then computed from the program: by SymPy where the setting has
no arrays, so that an equation is proved, else by HIPS autograd at random arrays. Nothing of
``backprop`` is called.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import autograd
import autograd.numpy as anp
import autograd.scipy.special as special
import numpy as np
import sympy as sp
from latex_reading import (
    Absolute,
    At,
    Call,
    Cases,
    Derivative,
    Differential,
    Every,
    Large,
    Matrix,
    Mean,
    Minus,
    Nabla,
    Name,
    Node,
    Norm,
    Number,
    Power,
    Prime,
    Product,
    Quotient,
    Relation,
    Row,
    Sum,
    Transpose,
    Truth,
    Word,
    read_one,
)


class Unknown(LookupError):
    """A letter that the setting does not give a meaning."""


class Misfit(ValueError):
    """Shapes that cannot be added or multiplied, or an index outside."""


@dataclass(frozen=True)
class Setting:
    """What the letters of a page's displays mean.

    Parameters
    ----------
    page : str
        The notebook's name.
    displays : tuple of str
        Labels or cell ids for which the setting holds; without any, for the whole page.
    shapes : dict
        Shape of each array that is given; without any array, all letters are SymPy's symbols.
    program : tuple of str
        Equations ``name = …`` in the order of evaluation, as the page writes them.
    words : tuple of str
        Equations of the program that the page says in words or in a figure.
    means : dict
        Letters that stand for an expression: ``\\delta`` for ``\\partial L/\\partial z``.
    left : dict
        The left side of a display that shows only the right one, as its prose says it.
    functions : dict
        Meaning of a function's letter: a name of ``FUNCTIONS``, or "any".
    of : dict
        What a value is a function of, for ``L(\\theta + hv)``.
    at, example : dict
        Numbers that hold in the formula; those of an example, whose equations also hold without.
    positive, onehot : tuple of str
        Letters with positive values, and arrays with a single 1 in each row.
    differentials : str
        What dX is: "adjoint" (∂L/∂X), "tangent" (along the random change of ``moving``), "symbol".
    nabla : tuple of str
        By what ∇ differentiates.
    bar, dot : str
        Whose derivative an adjoint ``\\bar v`` is, and by what a tangent ``\\dot v`` is one.
    graph : tuple of str
        The values v_1, v_2, … of a computational graph.
    columns : tuple of str
        Arrays whose single index counts columns, not the examples.
    groups : dict
        The numbers that belong to each value of an index, for a sum over n in m.
    made : dict
        Shapes of the arrays that an equation of the program makes entry by entry.
    outside : float
        What an array is beyond its edge.
    axis : int
        Over what mean and sum go; the axis stays.
    """

    page: str
    displays: tuple[str, ...] = ()
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    program: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    means: dict[str, str] = field(default_factory=dict)
    left: dict[str, str | tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, str] = field(default_factory=dict)
    of: dict[str, tuple[str, ...]] = field(default_factory=dict)
    at: dict[str, Any] = field(default_factory=dict)
    example: dict[str, Any] = field(default_factory=dict)
    bar: str = ""
    dot: str = ""
    positive: tuple[str, ...] = ()
    onehot: tuple[str, ...] = ()
    differentials: str = "symbol"
    moving: tuple[str, ...] = ()
    nabla: tuple[str, ...] = ()
    graph: tuple[str, ...] = ()
    ranges: dict[str, tuple[int, ...]] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)
    entries: dict[str, str] = field(default_factory=dict)
    axis: int = 0
    columns: tuple[str, ...] = ()
    groups: dict[str, tuple[tuple[int, ...], ...]] = field(default_factory=dict)
    made: dict[str, tuple[int, ...]] = field(default_factory=dict)
    first: int = 1
    outside: float | None = None

    @property
    def symbolic(self) -> bool:
        given = (*self.at.values(), *self.example.values())
        return not self.shapes and not any("pmatrix" in str(number) for number in given)

    @property
    def general(self) -> Setting:
        """Return the setting without the numbers of its example: its matrices are random."""
        shapes = {
            name: np.shape(State(self, {}).value(self.read(given)))
            for name, given in self.example.items()
            if not self.symbolic and "pmatrix" in str(given)
        }
        numbers = {name: () for name in self.example if not self.symbolic and name not in shapes}
        return replace(self, example={}, shapes=self.shapes | shapes | numbers)

    @cached_property
    def called(self) -> frozenset[str]:
        return frozenset({*self.functions, *self.of})

    def read(self, latex: str) -> Node:
        return read_one(latex, self.called)

    @cached_property
    def steps(self) -> tuple[tuple[Name, Node], ...]:
        """Return the program: what each equation makes, and from what."""
        found = []
        for line in (*self.program, *self.words):
            equation = self.read(line)
            assert isinstance(equation, Relation), line
            made = equation.sides[0]
            made = made.function if isinstance(made, Call) else made
            assert isinstance(made, Name), line
            found.append((made, equation.sides[1]))
        return tuple(found)

    @cached_property
    def patterns(self) -> tuple[tuple[Name, Node], ...]:
        return tuple((self.read(k), self.read(v)) for k, v in self.means.items())


def _text(node: Node | None) -> str:
    if isinstance(node, Number):
        return node.text
    if isinstance(node, Word):
        return node.text
    if isinstance(node, Name):
        return node.letter
    if isinstance(node, Every):
        return "."
    return repr(node)


def _key(letter: str, layer: Any, lower: tuple[Any, ...]) -> str:
    def shown(part: Any) -> str:
        return str(part) if isinstance(part, int) else _text(part)

    out = letter + (f"^({shown(layer)})" if layer is not None else "")
    return out + ("_" + ",".join(map(shown, lower)) if lower else "")


# --- functions --------------------------------------------------------------------------------


def _softmax(z: Any) -> Any:
    raised = anp.exp(z)
    return raised / anp.sum(raised, axis=-1, keepdims=True)


NUMERIC: dict[str, Callable[..., Any]] = {
    r"\ln": anp.log,
    r"\exp": anp.exp,
    r"\tanh": anp.tanh,
    r"\sin": anp.sin,
    r"\cos": anp.cos,
    r"\cosh": anp.cosh,
    r"\sinh": anp.sinh,
    r"\max": anp.maximum,
    r"\min": anp.minimum,
    r"\sigma": lambda z: 1 / (1 + anp.exp(-z)),
    "ReLU": lambda z: anp.where(z > 0, z, 0.0),
    "erf": special.erf,
    r"\Phi": lambda z: (1 + special.erf(z / np.sqrt(2))) / 2,
    "sign": anp.sign,
    "softmax": _softmax,
}
SYMBOLIC: dict[str, Callable[..., Any]] = {
    r"\ln": sp.log,
    r"\exp": sp.exp,
    r"\tanh": sp.tanh,
    r"\sin": sp.sin,
    r"\cos": sp.cos,
    r"\binom": sp.binomial,
    "!": sp.factorial,
    r"\cosh": sp.cosh,
    r"\sinh": sp.sinh,
    r"\max": sp.Max,
    r"\min": sp.Min,
    r"\sigma": lambda z: 1 / (1 + sp.exp(-z)),
    "ReLU": lambda z: sp.Piecewise((z, z > 0), (0, True)),
    "erf": sp.erf,
    r"\Phi": lambda z: (1 + sp.erf(z / sp.sqrt(2))) / 2,
    "sign": sp.sign,
}


BETWEEN = -(10**9)
"""The index of no entry: a quotient that is no whole number lies outside of every array."""

# --- states -----------------------------------------------------------------------------------


class Known:
    """The values of a state by their names, each made when it is asked for."""

    def __init__(self, state: State) -> None:
        self.state = state
        state.__dict__["known"] = self
        made = state.setting.made
        self.steps, self.indices = {}, {}
        for name, right in state.setting.steps:
            lower = () if name.letter in made else name.lower
            self.steps[_key(name.letter, name.layer, lower)] = right
            self.indices[name.letter] = [p.letter for p in name.lower if isinstance(p, Name)]
        self.values: dict[str, Any] = {}

    def __contains__(self, key: str) -> bool:
        return key in self.steps or key in self.state.base

    def __getitem__(self, key: str) -> Any:
        if key not in self.values:
            held = {k: v for kind, k, v in self.state.changes if kind == "hold"}
            if key in held:
                value = held[key]
            elif key in self.steps:
                value = self.made(key, self.steps[key])
            else:
                value = self.state.base[key]
            for kind, changed, change in self.state.changes:
                if changed == key:
                    value = change if kind == "hold" else value + change
            self.values[key] = value
        return self.values[key]

    def made(self, key: str, right: Node) -> Any:
        """Return what an equation of the program makes, entry by entry if it has indices."""
        shape = self.state.setting.made.get(key)
        if shape is None:
            return self.state.value(right)
        first = self.state.setting.first
        entries = [
            self.state.binding(
                **{k: p + first for k, p in zip(self.indices[key], places, strict=True)}
            ).value(right)
            for places in np.ndindex(*shape)
        ]
        return anp.reshape(anp.array(entries), shape)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield all names and values."""
        return ((key, self[key]) for key in {*self.state.base, *self.steps})


@dataclass(frozen=True)
class State:
    """A setting with values, with the letters that an index or a change has bound."""

    setting: Setting
    base: dict[str, Any]
    changes: tuple[tuple[str, str, Any], ...] = ()
    bound: tuple[tuple[str, int], ...] = ()
    cache: dict[Any, Any] = field(default_factory=dict)

    @cached_property
    def known(self) -> Known:
        """Return all values: those given, and those that the program makes of them."""
        return Known(replace(self, bound=(), cache={}))

    def binding(self, **letters: int) -> State:
        new = replace(self, bound=(*self.bound, *letters.items()))
        new.__dict__["known"] = self.known
        return new

    def moving(self, key: str, change: Any) -> State:
        """Return the state after a change of one value, which the values made of it follow."""
        return replace(self, changes=(*self.changes, ("move", key, change)), cache={})

    def holding(self, **values: Any) -> State:
        """Return the state in which these letters have these values."""
        held = (("hold", key, value) for key, value in values.items())
        return replace(self, changes=(*self.changes, *held), cache={})

    # Numbers and indices.

    def whole(self, node: Node) -> int:
        """Return the value of an index."""
        bound = dict(self.bound)
        if isinstance(node, Number):
            return int(node.value)
        if isinstance(node, Name) and node.letter in bound and not node.lower:
            return bound[node.letter]
        if isinstance(node, Word) and node.text in self.setting.layers:
            return self.setting.layers[node.text]
        if isinstance(node, Sum):
            return sum(self.whole(term) for term in node.terms)
        if isinstance(node, Minus):
            return -self.whole(node.of)
        if isinstance(node, Product) and not node.sign:
            return int(np.prod([self.whole(factor) for factor in node.factors]))
        if isinstance(node, Quotient):
            over, under = self.whole(node.over), self.whole(node.under)
            return BETWEEN if over % under else over // under
        if isinstance(node, Differential):  # "du" among indices is a product
            return self.whole(Product("", (Name("d"), node.of)))
        if isinstance(node, Name) and isinstance(self.setting.at.get(node.letter), int):
            return int(self.setting.at[node.letter])
        raise Unknown(f"{self.setting.page}: the index {_text(node)}")

    # Names.

    def found(self, name: Name) -> tuple[str, Any, tuple[Node, ...]]:
        """Return the key of what is known by this name, its value, and the indices left."""
        letter = self.setting.entries.get(name.letter, name.letter)
        layer = None if name.layer is None else self.whole(name.layer)
        graph = self.setting.graph
        if graph and letter == "v" and len(name.lower) == 1:
            node = self.whole(name.lower[0])
            if not 1 <= node <= len(graph):
                raise Unknown(f"v_{node}")
            return graph[node - 1], self.known[graph[node - 1]], ()
        as_written = _key(letter, layer, name.lower)
        if as_written in self.known:
            return as_written, self.known[as_written], ()
        if name.lower:
            try:
                counted = _key(letter, layer, tuple(self.whole(p) for p in name.lower))
            except Unknown:
                counted = ""
            if counted in self.known:
                return counted, self.known[counted], ()
        key = _key(letter, layer, ())
        if key in self.known:
            return key, self.known[key], name.lower
        raise Unknown(f"{self.setting.page}: {as_written}")

    def named(self, name: Name) -> Any:
        """Return the value of a name, be it known or one that stands for an expression."""
        try:
            key, value, lower = self.found(name)
        except Unknown as unknown:
            value, lower = self.meant(name, unknown)
            key = name.letter
        return self.picked(value, lower, key) if lower else value

    def meant(self, name: Name, unknown: Unknown) -> tuple[Any, tuple[Node, ...]]:
        letter = self.setting.entries.get(name.letter, name.letter)
        layer = None if name.layer is None else self.whole(name.layer)
        for pattern, expression in self.setting.patterns:
            if pattern.letter != letter or (pattern.layer is None) != (layer is None):
                continue
            bound: dict[str, int] = {}
            if layer is not None:
                if isinstance(pattern.layer, Name):
                    bound[pattern.layer.letter] = layer
                elif self.whole(pattern.layer) != layer:
                    continue
            lower = name.lower
            if pattern.lower:
                if _key("", None, pattern.lower) == _key("", None, lower):
                    lower = ()
                elif len(lower) != len(pattern.lower):
                    continue
                else:
                    letters = [p.letter for p in pattern.lower if isinstance(p, Name)]
                    if len(letters) != len(lower):
                        continue
                    bound |= {k: self.whole(p) for k, p in zip(letters, lower, strict=True)}
                    lower = ()
            cached = (pattern, layer, *sorted((dict(self.bound) | bound).items()))
            if cached not in self.cache:
                self.cache[cached] = self.binding(**bound).value(expression)
            return self.cache[cached], lower
        if letter.startswith(r"\bar ") and self.setting.bar:
            of = Name(letter.removeprefix(r"\bar "), name.layer, name.lower)
            return self.derivative(Name(self.setting.bar), (of,)), ()
        if letter.startswith(r"\dot ") and self.setting.dot:
            of = Name(letter.removeprefix(r"\dot "), name.layer, name.lower)
            return self.derivative(of, (self.setting.read(self.setting.dot),)), ()
        if letter in SYMBOLIC and not name.lower:  # a function named without its argument
            return self.function(name)(self.named(Name("z"))), ()
        if letter == "e":
            return (sp.E if self.setting.symbolic else np.e), name.lower
        if letter == r"\pi":
            return (sp.pi if self.setting.symbolic else np.pi), name.lower
        raise unknown

    def picked(self, array: Any, lower: tuple[Node, ...], key: str) -> Any:
        """Return the entry or the row of an array that the indices say."""
        if isinstance(array, sp.MatrixBase):
            array = np.array(array.tolist(), dtype=object)
        shape = np.shape(array)
        if not shape:
            raise Unknown(f"{self.setting.page}: {key} with an index is unknown")
        places: list[Any] = []
        for part in lower:
            places.append(
                slice(None) if isinstance(part, Every) else self.whole(part) - self.setting.first
            )
        if len(places) == 1 and len(shape) == 2:
            if 1 in shape:
                places.insert(0 if shape[0] == 1 else 1, 0)
            elif key in self.setting.columns:
                return self.picked(array, (Every(), *lower), key)
            else:  # one index of a matrix is a row of it, that of an example
                return self.picked(array, (*lower, Every()), key)
        if len(places) != len(shape):
            raise Misfit(f"{key} of shape {shape} with {len(places)} indices")
        for place, size in zip(places, shape, strict=True):
            if not isinstance(place, slice) and not 0 <= place < size:
                if self.setting.outside is not None:
                    return self.setting.outside
                raise Misfit(f"{key} of shape {shape} at {places}")
        value = array[tuple(places)]
        if any(isinstance(place, slice) for place in places):
            down = len(places) == 2 and isinstance(places[0], slice)
            return anp.reshape(value, (-1, 1) if down else (1, -1))
        return value

    def size(self, letter: str, node: Node) -> tuple[int, ...]:
        """Return the values of an index: the sizes of the axes that it counts agree."""
        if letter in self.setting.groups:
            return tuple(range(1, len(self.setting.groups[letter]) + 1))
        if letter in self.setting.ranges:
            return self.setting.ranges[letter]
        sizes: set[int] = set()
        for part in node.parts():
            if not isinstance(part, Name):
                continue
            for axis, index in enumerate(part.lower):
                if isinstance(index, Name) and index.letter == letter:
                    try:
                        array = self.named(replace(part, lower=()))
                    except Unknown:
                        continue
                    shape = np.shape(array)
                    if len(part.lower) == 1 and len(shape) == 2 and 1 in shape:
                        sizes.add(max(shape))
                    elif part.letter in self.setting.columns and len(part.lower) == 1:
                        sizes.add(shape[1])
                    elif len(part.lower) == len(shape) or len(shape) == 2:
                        sizes.add(shape[axis])
        if len(sizes) > 1:
            raise Misfit(f"{letter} counts axes of the sizes {sorted(sizes)}")
        if not sizes:
            return tuple(range(10))  # those for which the names exist
        (size,) = sizes
        return tuple(range(self.setting.first, self.setting.first + size))

    # Derivatives.

    def derivative(self, of: Node, by: tuple[Node, ...]) -> Any:
        """Return ∂of/∂by, all else that the program makes following."""
        *others, last = by
        if others:
            return self.derivative(Derivative(of, tuple(others)), (last,))
        if isinstance(last, Product):  # by what the program gives a name
            last = next((name for name, right in self.setting.steps if right == last), last)
        if not isinstance(last, Name):
            raise Unknown(f"a derivative by {last}")
        graph = self.setting.graph
        if graph and isinstance(of, Name) and of.letter == last.letter == "v":
            return self.local(self.whole(last.lower[0]), self.whole(of.lower[0]))
        try:
            key, at, lower = self.found(last)
        except Unknown:
            pattern = self.pattern(last)
            if pattern is None:
                raise
            return self.derivative(of, (pattern,))
        full = self.slope(of, key, at)
        if self.setting.symbolic:
            return full
        rank = np.ndim(full) - np.ndim(at)
        if rank and lower:
            raise Misfit("an entry of the derivative of an array")
        if rank and np.ndim(at):  # the Jacobian of a row by a row has a row for each input
            shapes = np.shape(full)[:rank], np.shape(at)
            if not all(len(shape) == 2 and 1 in shape for shape in shapes):
                raise Misfit("the derivative of a matrix by a matrix")
            return anp.reshape(full, (max(shapes[0]), max(shapes[1]))).T
        return self.picked(full, lower, key) if lower else full

    def pattern(self, name: Name) -> Name | None:
        for pattern, meaning in self.setting.patterns:
            if pattern == name and isinstance(meaning, Name):
                return meaning
        return None

    def slope(self, of: Node, key: str, at: Any) -> Any:
        letters = {part.letter for part in of.parts() if isinstance(part, Name)}
        counted = {k: v for k, v in dict(self.bound).items() if k in letters}
        cached = ("slope", of, key, tuple(sorted(counted.items())))
        if cached in self.cache:
            return self.cache[cached]
        if self.setting.symbolic:
            step = sp.Dummy("step", real=True)
            moved = self.moving(key, step)
            result = _each(lambda v: sp.diff(v, step).subs(step, 0).doit(), moved.value(of))
        else:
            jacobian = autograd.jacobian(lambda t: self.moving(key, t).value(of))
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Output seems independent of input")
                result = jacobian(np.zeros(np.shape(at)))
        self.cache[cached] = result
        return result

    def local(self, start: int, end: int) -> Any:
        """Return the slope of one arrow of the graph: only this operand of the node moves."""
        if (start, end) not in self.arrows():
            raise Misfit(f"no arrow leads from node {start} to node {end}")
        first, last = (self.setting.graph[k - 1] for k in (start, end))
        right = dict((_key(n.letter, n.layer, n.lower), r) for n, r in self.setting.steps)[last]
        step = sp.Dummy("step", real=True)
        moved = replace(self, cache={})
        moved.__dict__["known"] = dict(self.known.items()) | {first: self.known[first] + step}
        return sp.diff(moved.value(right), step).subs(step, 0)

    def arrows(self) -> set[tuple[int, int]]:
        graph = self.setting.graph
        out = set()
        for name, right in self.setting.steps:
            key = _key(name.letter, name.layer, name.lower)
            used = {_key(p.letter, p.layer, p.lower) for p in right.parts() if isinstance(p, Name)}
            out |= {(graph.index(u) + 1, graph.index(key) + 1) for u in used & {*graph}}
        return out

    def differential(self, of: Node) -> Any:
        kind = self.setting.differentials
        if kind == "adjoint":
            return self.value(Derivative(Name(self.setting.bar), (of,)))
        if kind == "tangent" or (isinstance(of, Name) and f"d{of.letter}" in self.known):
            assert isinstance(of, Name)
            key = _key(of.letter, of.layer, of.lower)
            if key in self.setting.moving:
                return self.known[f"d{key}"]
            total: Any = 0
            for start in self.setting.moving:
                slope = self.slope(of, start, self.known[start])
                change = self.known[f"d{start}"]
                total = total + (
                    slope * change
                    if self.setting.symbolic
                    else anp.tensordot(slope, change, np.ndim(change))
                )
            return total
        if isinstance(of, Name):
            return sp.Symbol("d" + _key(of.letter, of.layer, of.lower), real=True)
        raise Unknown(f"d of {of}")

    # Values.

    def value(self, node: Node) -> Any:
        """Return the value of an expression."""
        return getattr(self, f"_{type(node).__name__.lower()}")(node)

    def _number(self, node: Number) -> Any:
        if self.setting.symbolic:
            return sp.Rational(node.value.numerator, node.value.denominator)
        return float(node.value)

    def _name(self, node: Name) -> Any:
        bound = dict(self.bound)
        if not node.lower and node.letter in bound:
            return bound[node.letter]
        return self.named(node)

    def _sum(self, node: Sum) -> Any:
        total = self.value(node.terms[0])
        for term in node.terms[1:]:
            total = _fit(total, self.value(term), lambda a, b: a + b)
        return total

    def _minus(self, node: Minus) -> Any:
        return -self.value(node.of)

    def _product(self, node: Product) -> Any:
        total = self.value(node.factors[0])
        for factor in node.factors[1:]:
            other = self.value(factor)
            if node.sign == r"\odot":
                total = _fit(total, other, lambda a, b: a * b)
            elif _scalar(total) or _scalar(other):
                total = total * other
            elif node.sign:
                if np.shape(total) != np.shape(other):
                    raise Misfit(f"{np.shape(total)} times {np.shape(other)}")
                total = _total(total, other)
            else:
                total = _matmul(total, other)
        return total

    def _quotient(self, node: Quotient) -> Any:
        over, under = self.value(node.over), self.value(node.under)
        if _scalar(under):
            return over / under
        return _fit(over, under, lambda a, b: a / b)

    def _power(self, node: Power) -> Any:
        base, exponent = self.value(node.base), self.value(node.exponent)
        if isinstance(base, sp.MatrixBase):
            return base.applyfunc(lambda entry: entry**exponent)
        return base**exponent

    def _transpose(self, node: Transpose) -> Any:
        value = self.value(node.of)
        if _scalar(value):
            raise Misfit("a transposed number")
        return value.T

    def _call(self, node: Call) -> Any:
        letter = node.function.letter
        setting = self.setting
        if letter in setting.of and not node.primes:
            arguments = [self.value(argument) for argument in node.arguments]
            if len(arguments) != len(setting.of[letter]):
                raise Misfit(f"{letter} of {len(arguments)} arguments")
            held = dict(zip(setting.of[letter], arguments, strict=True))
            return self.holding(**held).value(Name(letter))
        if letter in setting.of:
            (start,), (argument,) = setting.of[letter], node.arguments
            held = self.holding(**{start: self.value(argument)})
            return held.value(Derivative(Name(letter), (Name(start),) * node.primes))
        arguments = [self.value(argument) for argument in node.arguments]
        if letter in {"mean", "sum"}:
            return self.over_axis({"mean": anp.mean, "sum": anp.sum}[letter], arguments[0])
        function = self.function(node.function)
        if node.primes:
            return self.primed(function, node.primes, arguments)
        return function(*arguments)

    def function(self, name: Name) -> Callable[..., Any]:
        layer = None if name.layer is None else self.whole(name.layer)
        letter = name.letter
        chosen = self.setting.functions.get(_key(letter, layer, ()), None)
        chosen = chosen or self.setting.functions.get(letter, letter)
        if chosen == "any":
            return sp.Function(letter)
        table = SYMBOLIC if self.setting.symbolic else NUMERIC
        if chosen not in table:
            raise Unknown(f"{self.setting.page}: the function {letter}")
        return table[chosen]

    def primed(self, function: Callable[..., Any], primes: int, arguments: list[Any]) -> Any:
        (argument,) = arguments
        if self.setting.symbolic:
            inner = sp.Dummy("inner", real=True)
            return sp.diff(function(inner), inner, primes).subs(inner, argument).doit()
        for _ in range(primes):
            function = autograd.elementwise_grad(function)
        return function(anp.array(argument) * 1.0)

    def _prime(self, node: Prime) -> Any:
        """Read ``\\tanh'`` as the function's slope at the letter z."""
        if node.of.letter not in SYMBOLIC:  # just another name
            return sp.Symbol(_key(node.of.letter, node.of.layer, node.of.lower) + "'", real=True)
        return self.value(Call(node.of, (Name("z"),), node.primes))

    def _large(self, node: Large) -> Any:
        join = {r"\sum": lambda a, b: a + b}.get(node.operator)
        if join is None:
            pick = NUMERIC[node.operator]
            join = pick
        if node.index is None:
            return self.over_axis(anp.sum, self.value(node.body))
        if node.index.arrow:
            start, end = node.index.arrow
            bound = dict(self.bound)
            pairs = [
                (a, b)
                for a, b in sorted(self.arrows())
                if bound.get(start, a) == a and bound.get(end, b) == b
            ]
            values = [self.binding(**{start: a, end: b}).value(node.body) for a, b in pairs]
        else:
            values = self.over(node)
        total = values[0] if values else 0
        for value in values[1:]:
            total = join(total, value)
        return total

    def over(self, node: Large) -> list[Any]:
        index = node.index
        assert index is not None
        if index.within:
            group = self.setting.groups[index.within]
            ranges = [group[self.whole(Name(index.within)) - 1]]
        elif index.last is not None:
            first, last = (int(self.value(end)) for end in (index.first, index.last))
            ranges = [tuple(range(first, last + 1))]
        else:
            ranges = [self.size(letter, node.body) for letter in index.letters]
        out, last_unknown = [], None
        for places in itertools.product(*ranges):
            state = self.binding(**dict(zip(index.letters, places, strict=True)))
            try:
                out.append(state.value(node.body))
            except Unknown as unknown:
                last_unknown = unknown
        if not out and last_unknown:
            raise last_unknown
        return out

    def _mean(self, node: Mean) -> Any:
        return self.over_axis(anp.mean, self.value(node.of))

    def over_axis(self, operation: Callable[..., Any], value: Any) -> Any:
        """Return a mean or a sum over the axis of the setting, as a number if it is one."""
        if _scalar(value):
            raise Misfit("a mean or a sum of one number")
        total = operation(value, axis=self.setting.axis, keepdims=True)
        return total[0, 0] if np.shape(total) == (1, 1) else total

    def _absolute(self, node: Absolute) -> Any:
        value = self.value(node.of)
        return sp.Abs(value) if self.setting.symbolic else anp.abs(value)

    def _norm(self, node: Norm) -> Any:
        value = self.value(node.of)
        if self.setting.symbolic:
            return sp.sqrt(sum(entry**2 for entry in value))
        return anp.sqrt(anp.sum(value**2))

    def _row(self, node: Row) -> Any:
        entries = [self.value(entry) for entry in node.entries]
        if self.setting.symbolic:
            return sp.Matrix([entries])
        return anp.reshape(anp.array(entries), (1, -1))

    def _matrix(self, node: Matrix) -> Any:
        rows = [[self.value(entry) for entry in row] for row in node.rows]
        return sp.Matrix(rows) if self.setting.symbolic else anp.array(rows)

    def _cases(self, node: Cases) -> Any:
        if self.setting.symbolic:
            pieces = [
                (self.value(v), True if c is None else self.condition(c)) for v, c in node.cases
            ]
            return sp.Piecewise(*pieces)
        value = self.value(node.cases[-1][0])
        for other, condition in reversed(node.cases[:-1]):
            assert condition is not None
            value = anp.where(self.condition(condition), self.value(other), value)
        return value

    def condition(self, node: Node) -> Any:
        if not isinstance(node, Relation) or len(node.signs) != 1:
            raise Unknown(f"the condition {node}")
        a, b = (self.value(side) for side in node.sides)
        if self.setting.symbolic:
            kinds = {"=": sp.Eq, "<": sp.Lt, ">": sp.Gt, "<=": sp.Le, ">=": sp.Ge}
        else:
            kinds = {
                "=": anp.equal, "<": anp.less, ">": anp.greater,
                "<=": anp.less_equal, ">=": anp.greater_equal,
            }  # fmt: skip
        return kinds[node.signs[0]](a, b)

    def _truth(self, node: Truth) -> Any:
        condition = self.condition(node.condition)
        if self.setting.symbolic:
            return sp.Piecewise((1, condition), (0, True))
        return anp.where(condition, 1.0, 0.0)

    def _differential(self, node: Differential) -> Any:
        return self.differential(node.of)

    def _derivative(self, node: Derivative) -> Any:
        return self.derivative(node.of, node.by)

    def _nabla(self, node: Nabla) -> Any:
        names = [self.setting.read(name) for name in self.setting.nabla]
        if not names:
            raise Unknown(f"{self.setting.page}: nothing is said to be behind ∇")
        if self.setting.symbolic:
            by_each = [self.derivative(node.of, (name,)) for name in names]
            if node.order == 1:
                return sp.Matrix([by_each])
            return sp.Matrix([[self.derivative(node.of, (a, b)) for b in names] for a in names])
        (name,) = names
        if node.order == 1:
            return self.derivative(node.of, (name,))
        table = self.derivative(Nabla(node.of), (name,))
        size = int(np.sqrt(np.size(table)))
        return anp.reshape(table, (size, size))

    def _at(self, node: At) -> Any:
        (name, place), _ = node.where.sides, node.where.signs
        assert isinstance(name, Name)
        key = _key(name.letter, name.layer, name.lower)
        return self.holding(**{key: self.value(place)}).value(node.of)

    def _relation(self, node: Relation) -> Any:
        raise Unknown("a relation where a value is expected")


def _scalar(value: Any) -> bool:
    return not isinstance(value, sp.MatrixBase) and np.ndim(value) == 0


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    if isinstance(value, sp.MatrixBase):
        return value.applyfunc(function)
    return function(value)


def _fit(a: Any, b: Any, join: Callable[[Any, Any], Any]) -> Any:
    """Join two values entry by entry: a number, a row or a column is copied, nothing else."""
    if isinstance(a, sp.MatrixBase) or isinstance(b, sp.MatrixBase):
        if np.shape(a) != np.shape(b):
            raise Misfit(f"{np.shape(a)} with {np.shape(b)}")
        return sp.Matrix(*a.shape, [join(p, q) for p, q in zip(a, b, strict=True)])
    try:
        return join(a, b)
    except ValueError as error:
        raise Misfit(f"{np.shape(a)} with {np.shape(b)}") from error


def _matmul(a: Any, b: Any) -> Any:
    if np.ndim(a) != 2 or np.ndim(b) != 2 or np.shape(a)[1] != np.shape(b)[0]:
        raise Misfit(f"{np.shape(a)} times {np.shape(b)}")
    if isinstance(a, sp.MatrixBase):
        product = a * b
        return product[0, 0] if product.shape == (1, 1) else product
    product = anp.matmul(a, b)
    return product[0, 0] if np.shape(product) == (1, 1) else product


def _total(a: Any, b: Any) -> Any:
    if isinstance(a, sp.MatrixBase):
        return sum(p * q for p, q in zip(a, b, strict=True))
    return anp.sum(a * b)


# --- drawing values and judging equations -----------------------------------------------------


def drawn(setting: Setting, seed: int) -> State:
    """Return a state with random arrays, or with symbols where the setting has none."""
    rng = np.random.default_rng(seed)
    base: dict[str, Any] = {}
    for name, shape in setting.shapes.items():
        key = _known(setting, name)
        if name in setting.onehot:
            base[key] = np.eye(shape[1])[rng.integers(shape[1], size=shape[0])]
        elif name in setting.positive:
            base[key] = rng.uniform(0.2, 0.8, size=shape)
        else:
            base[key] = rng.normal(size=shape)
    for name, number in setting.at.items():
        key = _known(setting, name)
        if isinstance(number, str):
            base[key] = State(setting, base).value(setting.read(number))
        else:
            base[key] = sp.nsimplify(number) if setting.symbolic else np.asarray(number, float)
    for start in setting.moving:
        if not setting.symbolic:
            base[f"d{start}"] = rng.normal(size=np.shape(base[start]))
    return State(setting, base)


def _known(setting: Setting, latex: str) -> str:
    name = setting.read(latex)
    assert isinstance(name, Name), latex
    return _key(name.letter, name.layer, name.lower)


def with_symbols(setting: Setting, node: Node) -> State:
    """Return a state in which every letter of ``node`` and of the program is a symbol or made."""
    state = drawn(setting, 0)
    made = {_key(n.letter, n.layer, n.lower) for n, _ in setting.steps}
    meant = {p.letter for p, _ in setting.patterns}
    indices = {*setting.ranges}
    for pattern, _ in setting.patterns:
        indices |= {p.letter for p in (*pattern.lower, pattern.layer) if isinstance(p, Name)}
    called = {n.function for e in (node, *(r for _, r in setting.steps)) for n in e.parts()
              if isinstance(n, Call)}  # fmt: skip
    for part in (node, *(r for _, r in setting.steps), *(e for _, e in setting.patterns),
                 *(setting.read(n) for n in (*setting.nabla, *setting.moving, "z"))):  # fmt: skip
        for name in _outer_names(part):
            key = _key(name.letter, name.layer, name.lower)
            if key in made or name.letter in meant or name in called or name.letter in indices:
                continue
            if name.letter.startswith(r"\bar ") and setting.bar:
                continue
            if name.letter.startswith(r"\dot ") and setting.dot:
                continue
            if name.letter == "v" and setting.graph and name.lower:
                continue
            if any(
                isinstance(p, Name) and p.letter in indices for i in name.lower for p in i.parts()
            ):
                continue
            if name.letter in {"e", r"\pi"} or name.letter in SYMBOLIC or key in state.base:
                continue
            positive = name.letter in setting.positive or key in setting.positive
            state.base[key] = (
                sp.Symbol(key, positive=True) if positive else sp.Symbol(key, real=True)
            )
    for start in setting.moving:
        state.base[f"d{start}"] = sp.Symbol(f"d{start}", real=True)
    return state


def _outer_names(node: Node) -> Iterator[Name]:
    """Yield the names of a tree that are no indices."""
    if isinstance(node, Name):
        yield node
        return
    for part in node.__dict__.values():
        for item in part if isinstance(part, tuple) else (part,):
            for piece in item if isinstance(item, tuple) else (item,):
                if isinstance(piece, Node):
                    yield from _outer_names(piece)


def free_letters(state: State, node: Node) -> list[str]:
    """Return the index letters for whose every value an equation is claimed."""
    out: list[str] = []

    def letters(part: Node | None, bound: frozenset[str]) -> None:
        for piece in part.parts() if part is not None else ():
            if isinstance(piece, Name) and piece.letter not in {*bound, *out}:
                if piece.letter not in state.setting.at:
                    out.append(piece.letter)

    def walk(part: Node, bound: frozenset[str]) -> None:
        if isinstance(part, Name):
            letter = state.setting.entries.get(part.letter, part.letter)
            if _key(letter, part.layer, part.lower) in state.known:
                return
            for index in part.lower:
                letters(index, bound)
            letters(part.layer, bound)
            return
        inner = bound
        if isinstance(part, Large) and part.index is not None:
            index = part.index
            if index.arrow:
                free = [a for a in index.arrow if a not in out]
                inner = bound | {*free}
            else:
                inner = bound | {*index.letters}
        for value in part.__dict__.values():
            for item in value if isinstance(value, tuple) else (value,):
                for piece in item if isinstance(item, tuple) else (item,):
                    if isinstance(piece, Node):
                        walk(piece, inner)

    walk(node, frozenset())
    return out


@dataclass(frozen=True)
class Verdict:
    """Whether an equation holds, and how it was found."""

    holds: bool
    how: str


def judge(setting: Setting, node: Relation, draws: int = 2) -> Verdict:
    """Return whether all sides of a chain of equalities have the same value in the setting.

    Raises
    ------
    Unknown
        If the setting gives a letter no meaning.
    """
    if {*node.signs} - {"="}:
        raise Unknown(f"{setting.page}: the sign {node.signs}")
    if setting.example:
        general = tuple(side for side in node.sides if not is_numeric(side))
        if len(general) > 1:
            verdict = judge(setting.general, Relation(general, ("=",) * (len(general) - 1)), draws)
            if not verdict.holds or len(general) == len(node.sides):
                return verdict
        setting = replace(setting, at=setting.at | setting.example, example={})
    states = [with_symbols(setting, node)] if setting.symbolic else [
        drawn(setting, seed) for seed in range(draws)
    ]  # fmt: skip
    for state in states:
        verdict = _judged(state, node)
        if not verdict.holds:
            return verdict
    return verdict


def _judged(state: State, node: Relation) -> Verdict:
    letters = free_letters(state, node)
    try:
        ranges = [state.size(letter, node) for letter in letters]
    except Misfit as misfit:
        return Verdict(False, str(misfit))
    cases, unknown = 0, None
    for places in itertools.product(*ranges):
        bound = state.binding(**dict(zip(letters, places, strict=True)))
        try:
            values = [bound.value(side) for side in node.sides]
        except Unknown as missing:
            unknown = missing
            continue
        except Misfit as misfit:
            return Verdict(False, str(misfit))
        cases += 1
        for (left, said), (right, next_said) in itertools.pairwise(
            zip(values, node.sides, strict=True)
        ):
            if np.shape(left) != np.shape(right):
                return Verdict(False, f"shapes {np.shape(left)} and {np.shape(right)}")
            printed = (node.sides[-1],) if is_numeric(said) or is_numeric(next_said) else ()
            allowed = rounding(said, next_said, *printed)
            if not _same(left, right, state.setting.symbolic, allowed):
                where = dict(zip(letters, places, strict=True))
                return Verdict(False, f"{left} is not {right} {where or ''}")
    if not cases:
        assert unknown is not None
        raise unknown
    return Verdict(True, "proved" if state.setting.symbolic else f"{cases} cases")


def is_numeric(node: Node) -> bool:
    """Whether only numbers and functions stand in an expression."""
    return not any(
        (isinstance(part, Name) and part.letter not in {*SYMBOLIC, "e", r"\pi"})
        or isinstance(part, Differential | Derivative | Nabla | Word)
        for part in node.parts()
    )


def rounding(*sides: Node) -> float:
    """Return half a unit of the last printed digit, if one of the sides is a decimal number."""
    return max((half_unit(side) or 0.0 for side in sides), default=0.0)


def half_unit(side: Node) -> float | None:
    """Return half a unit of a printed number's last decimal: 0.05 for 1.2, 50 for 1.2 · 10^3.

    It is None for what is no printed number, and 0 for a whole one, which is exact.
    """
    number = side.of if isinstance(side, Minus) else side
    scale = 1.0
    if isinstance(number, Product) and len(number.factors) == 2:
        number, power = number.factors
        if not isinstance(power, Power) or power.base != Number("10"):
            return None
        sign, exponent = 1, power.exponent
        if isinstance(exponent, Minus):
            sign, exponent = -1, exponent.of
        if not isinstance(exponent, Number):
            return None
        scale = 10.0 ** (sign * int(exponent.value))
    if not isinstance(number, Number):
        return None
    return 0.5 * 10.0**-number.decimals * scale * (1 + 1e-9) if number.decimals else 0.0


def _same(left: Any, right: Any, symbolic: bool, allowed: float) -> bool:
    if not symbolic:
        scale = max(np.abs(left).max(), np.abs(right).max(), 1e-3)
        largest = np.abs(np.asarray(left) - np.asarray(right)).max()
        return bool(largest <= max(1e-9 * scale, allowed))
    pairs = zip(left, right, strict=True) if isinstance(left, sp.MatrixBase) else [(left, right)]
    return all(_equal(a, b, allowed) for a, b in pairs)


def _equal(left: Any, right: Any, allowed: float) -> bool:
    difference = sp.sympify(left - right)
    if difference.is_number:
        return bool(abs(sp.N(difference, 40, maxn=200)) <= max(allowed, 1e-30))
    if sp.expand(difference) == 0:
        return True
    return not _differs(difference) and bool(sp.simplify(difference.doit()) == 0)


def _differs(difference: sp.Expr) -> bool:
    """Whether a difference is far from 0 at some place, which is found sooner than proved."""
    letters = sorted(difference.free_symbols, key=str)
    if difference.atoms(sp.Function) and any(
        isinstance(part, sp.core.function.AppliedUndef)
        for part in sp.preorder_traversal(difference)
    ):
        return False
    place = {letter: sp.Rational(7 + 4 * k, 23 + k) for k, letter in enumerate(letters)}
    found = sp.N(difference.subs(place))
    return bool(found.is_number and found.is_finite and abs(found) > 1e-9)
