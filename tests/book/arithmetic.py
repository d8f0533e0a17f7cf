"""The sums that a page prints: each number expression beside the number that it is said to be."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import sympy as sp
from formula_values import SYMBOLIC, Misfit, Setting, State, Unknown, _key, half_unit, is_numeric
from latex_reading import (
    Call,
    Matrix,
    Minus,
    Name,
    Node,
    Number,
    Power,
    Relation,
    Row,
    Unreadable,
    read,
)

INLINE = re.compile(r"(?<![\\$])\$([^$]+?)\$(?!\$)")
FENCES = re.compile(r"\$\$.*?\$\$|^`{3,}\{math\}.*?^`{3,}|`[^`\n]+`", re.S | re.M)
NUMBERS = Setting("numbers")


def inline(markdown: str) -> list[str]:
    """Return the formulas in the lines of a text, joined where the page lets a line break."""
    text = re.sub(r"\$\s+\$", " ", FENCES.sub(" ", markdown))
    return INLINE.findall(text)


@dataclass(frozen=True)
class Printed:
    """Two neighbours of a chain, both of them numbers."""

    left: Node
    sign: str
    right: Node
    difference: float
    allowed: float

    @property
    def holds(self) -> bool:
        return self.difference <= self.allowed


def sums(latex: str) -> Iterator[Printed]:
    """Yield the neighbours of the chains in a formula that are numbers.

    A letter that an earlier line of the formula gives a value has this value from then on.
    """
    known: dict[str, sp.Expr] = {}
    try:
        statements = read(latex)
    except Unreadable:
        return
    for statement in statements:
        if not isinstance(statement, Relation):
            continue
        values = [_value(side, known) for side in statement.sides]
        sides = zip(values, statement.sides, strict=True)
        for ((a, left), (b, right)), sign in zip(pairwise(sides), statement.signs, strict=True):
            if a is not None and b is not None and sign in {"=", "~"}:
                yield from _compared(a, left, sign, b, right)
        first = statement.sides[0]
        numbers = [value for value in values if value is not None]
        if isinstance(first, Name) and numbers and {*statement.signs} == {"="}:
            known[_key(first.letter, first.layer, first.lower)] = numbers[0]


def _value(side: Node, known: dict[str, sp.Expr]) -> sp.Expr | None:
    if side == Name("e"):  # a letter like others, if nothing is above it
        return None
    if not is_numeric(side) and not any(
        isinstance(part, Name) and _key(part.letter, part.layer, part.lower) in known
        for part in side.parts()
    ):
        return None
    try:
        value = State(NUMBERS, dict(known)).value(side)
    except (Unknown, Misfit, AttributeError, TypeError, ValueError, NotImplementedError):
        return None
    if isinstance(value, sp.MatrixBase):
        return value if all(entry.is_number for entry in value) else None
    value = sp.sympify(value)
    return value if value.is_number and value.is_finite else None


def _compared(a: sp.Expr, left: Node, sign: str, b: sp.Expr, right: Node) -> Iterator[Printed]:
    if isinstance(a, sp.MatrixBase) or isinstance(b, sp.MatrixBase):
        if getattr(a, "shape", ()) != getattr(b, "shape", ()):
            yield Printed(left, sign, right, float("inf"), 0.0)
            return
        lefts, rights = _entries(left, a), _entries(right, b)
        for (p, said), (q, next_said) in zip(lefts, rights, strict=True):
            yield from _compared(p, said, sign, q, next_said)
        return
    difference = abs(float(sp.N(a - b, 30)))
    units = [unit for unit in map(_unit, (left, right)) if unit is not None]
    allowed = max(units, default=0.0)
    if sign == "~":
        allowed = max([allowed, *(_last_digit(side) for side in (left, right))])
    yield Printed(left, sign, right, difference, max(allowed, 1e-12 * abs(float(sp.N(a)))))


def _entries(side: Node, value: sp.MatrixBase) -> list[tuple[sp.Expr, Node]]:
    if isinstance(side, Row):
        said = list(side.entries)
    elif isinstance(side, Matrix):
        said = [entry for row in side.rows for entry in row]
    else:
        said = [side] * len(value)
    return list(zip(value, said, strict=True))


def _unit(side: Node) -> float | None:
    """Return by how much a printed side may be off: a number, or a function of one."""
    if isinstance(side, Call) and len(side.arguments) == 1 and half_unit(side.arguments[0]):
        (number,) = side.arguments
        at, step = (sp.Float(x) for x in (State(NUMBERS, {}).value(number), half_unit(number)))
        function = SYMBOLIC[side.function.letter]
        return max(abs(float(function(at + s * step) - function(at))) for s in (1, -1))
    return half_unit(side)


def _last_digit(side: Node) -> float:
    """Return half a unit of the last digit of a rounded number that is not 0: 500 for 3000."""
    unit = half_unit(side)
    number = side.of if isinstance(side, Minus) else side
    power_of_ten = isinstance(number, Power) and number.base == Number("10")
    if not power_of_ten and (unit is None or unit):
        return unit or 0.0
    if not isinstance(number, Number):  # 4 · 10^-8, or a power of ten
        value = abs(float(sp.N(State(NUMBERS, {}).value(side))))
        return 0.5 * 10.0 ** int(sp.floor(sp.log(value, 10)))
    zeros = len(number.text) - len(number.text.rstrip("0"))
    return 0.5 * 10.0**zeros
