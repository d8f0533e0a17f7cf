"""A reader of the book's LaTeX: tokens, then a tree of what is said.

It reads what the book's pages write and refuses everything else with :class:`Unreadable`, rather
than guess: a product after a slash, an unknown command or a bracket that is not closed is an error.
``tests/book/formula_values.py`` gives a tree its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from fractions import Fraction


class Unreadable(ValueError):
    """What the reader cannot read, or could read in two ways."""


# --- the tree ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Node:
    """A part of a formula."""

    def parts(self) -> Iterator[Node]:
        """Yield this node and all below it."""
        yield self
        for field in fields(self):
            value = getattr(self, field.name)
            for item in value if isinstance(value, tuple) else (value,):
                for piece in item if isinstance(item, tuple) else (item,):
                    if isinstance(piece, Node):
                        yield from piece.parts()


@dataclass(frozen=True)
class Number(Node):
    """A number as it is printed, with as many decimals."""

    text: str

    @property
    def value(self) -> Fraction:
        return Fraction(self.text)

    @property
    def decimals(self) -> int:
        return len(self.text.partition(".")[2])


@dataclass(frozen=True)
class Name(Node):
    """A letter with its accent, layer and indices: ``\\bar W^{(1)}_{ij}``."""

    letter: str
    layer: Node | None = None
    lower: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Word(Node):
    """An index or a condition in words, such as ``\\text{in}``."""

    text: str


@dataclass(frozen=True)
class Every(Node):
    """The dot of ``x_{n\\cdot}``: all of this axis."""


@dataclass(frozen=True)
class Sum(Node):
    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Minus(Node):
    of: Node


@dataclass(frozen=True)
class Product(Node):
    """Factors side by side (``sign`` is empty), or with ``\\cdot`` or ``\\odot`` between them."""

    sign: str
    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Quotient(Node):
    over: Node
    under: Node


@dataclass(frozen=True)
class Power(Node):
    base: Node
    exponent: Node


@dataclass(frozen=True)
class Transpose(Node):
    of: Node


@dataclass(frozen=True)
class Call(Node):
    """A function of its arguments, ``primes`` times differentiated."""

    function: Name
    arguments: tuple[Node, ...]
    primes: int = 0


@dataclass(frozen=True)
class Prime(Node):
    """A letter with primes that is not called, as in ``\\tanh'``."""

    of: Name
    primes: int


@dataclass(frozen=True)
class Index(Node):
    """What a large operator runs over: letters, from where to where, or between which nodes."""

    letters: tuple[str, ...]
    first: Node | None = None
    last: Node | None = None
    arrow: tuple[str, str] | None = None
    within: str = ""


@dataclass(frozen=True)
class Large(Node):
    """A sum (or a maximum) over indices."""

    operator: str
    index: Index | None
    body: Node


@dataclass(frozen=True)
class Mean(Node):
    of: Node


@dataclass(frozen=True)
class Absolute(Node):
    of: Node


@dataclass(frozen=True)
class Norm(Node):
    of: Node


@dataclass(frozen=True)
class Row(Node):
    """``(a, b)``."""

    entries: tuple[Node, ...]


@dataclass(frozen=True)
class Matrix(Node):
    rows: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True)
class Cases(Node):
    """Values with their conditions; the last may have None, which means else."""

    cases: tuple[tuple[Node, Node | None], ...]


@dataclass(frozen=True)
class Truth(Node):
    """``[condition]``, which is 1 or 0."""

    condition: Node


@dataclass(frozen=True)
class Differential(Node):
    """``dx``."""

    of: Node


@dataclass(frozen=True)
class Derivative(Node):
    """``\\partial of/\\partial by``, by one letter or by several."""

    of: Node
    by: tuple[Node, ...]


@dataclass(frozen=True)
class Nabla(Node):
    of: Node
    order: int = 1


@dataclass(frozen=True)
class At(Node):
    """``\\left. of \\right|_{name = value}``."""

    of: Node
    where: Relation


@dataclass(frozen=True)
class Relation(Node):
    """A chain ``sides[0] signs[0] sides[1] signs[1] …``."""

    sides: tuple[Node, ...]
    signs: tuple[str, ...]


# --- tokens -----------------------------------------------------------------------------------

SPACE = {r"\,", r"\;", r"\:", r"\!", "\\ ", "~", r"\displaystyle", r"\textstyle", r"\small"}
SIZES = re.compile(r"\\(?:[bB]igg?[lr]?|left|right)(?![A-Za-z.])(?!\s*\|_)")
TOKEN = re.compile(
    r"\\(?:text|mathrm|operatorname|begin|end|mathit)\s*\{[^{}]*\}|\\left\s*\.|\\right\s*\|"
    r"|\\[A-Za-z]+|\\.|[0-9]|[^\s]"
)
RELATIONS = {
    "=": "=", r"\approx": "~", r"\le": "<=", r"\leq": "<=", r"\ge": ">=", r"\geq": ">=",
    "<": "<", ">": ">", r"\ne": "!=", r"\leftarrow": ":=",
}  # fmt: skip
SEPARATORS = {",", ";", r"\quad", r"\qquad", r"\colon"}
ACCENTS = {r"\bar", r"\hat", r"\dot", r"\tilde", r"\Delta"}
GREEK = set(
    r"\alpha \beta \gamma \delta \varepsilon \eta \theta \kappa \lambda \mu \xi \pi \rho \sigma"
    r" \tau \varphi \chi \ell \omega \Phi \Pi \infty".split()
)
FUNCTIONS = {
    r"\sin", r"\cos", r"\ln", r"\exp", r"\tanh", r"\cosh", r"\sinh", r"\max", r"\min",
    r"\sigma", r"\varphi", r"\Phi", "ReLU", "GELU", "erf", "sign", "mean", "sum", "softmax", "Var",
}  # fmt: skip
OPENING = {"(": ")", "[": "]", "{": "}", r"\langle": r"\rangle", r"\lvert": r"\rvert"}
RUNS_ON = {*RELATIONS, "+", "-", r"\odot", r"\cdot"}


@dataclass(frozen=True)
class Token:
    text: str
    start: int
    end: int


def tokens(latex: str) -> list[Token]:
    """Return the tokens of a formula without its spaces and the sizes of its brackets."""
    latex = re.sub(r"\\\\\[-?[\d.]+\w+\]", r"\\\\", latex.replace("{,}", ""))
    latex = SIZES.sub(lambda found: " " * len(found[0]), latex)
    found = (Token(t[0], t.start(), t.end()) for t in TOKEN.finditer(latex))
    return [token for token in found if token.text not in SPACE]


def _word(token: str) -> str | None:
    found = re.fullmatch(r"\\(?:text|mathrm|operatorname)\s*\{(.*)\}", token)
    return found[1] if found else None


# --- lines of a display -----------------------------------------------------------------------


def _clean(found: list[Token]) -> list[Token]:
    """Drop the marks of a table's columns outside matrices, and what ends a sentence.

    Each second mark of a line stands between two statements, and becomes a space between them.
    """
    out, inside, marks = [], 0, 0
    for token in found:
        outer = re.fullmatch(r"\\(begin|end)\{(aligned|gathered)\}", token.text)
        if token.text.startswith((r"\begin{", r"\end{")) and not outer:
            inside += 1 if token.text.startswith(r"\begin") else -1
        if token.text == "}" and out and out[-1].text == "{":
            out.pop()  # "{}", which only makes room
        elif token.text == "&" and not inside:
            marks += 1
            if marks % 2 == 0:
                out.append(Token(r"\quad", token.start, token.end))
        elif not outer:
            marks = 0 if token.text == r"\\" and not inside else marks
            out.append(token)
    while out and out[-1].text in {".", ",", ";"}:
        out.pop()
    return out


def _split(found: list[Token]) -> Iterator[list[Token]]:
    """Yield a display's statements: its lines, joined where one runs on, parted at commas."""
    current: list[Token] = []
    depth = tables = 0
    for position, token in enumerate(found):
        text = token.text
        tables += text.startswith(r"\begin{")
        if text in OPENING or text.startswith(r"\begin{"):
            depth += 1
        elif text in OPENING.values() or text.startswith(r"\end{"):
            depth -= 1
        if depth == 0 and text == r"\\":
            following = found[position + 1].text if position + 1 < len(found) else ""
            runs_on = following in {*RUNS_ON, r"\quad", r"\qquad"}
            if not runs_on and (not current or current[-1].text not in RUNS_ON):
                yield current
                current = []
        elif depth == 0 and text in SEPARATORS:
            if text == "," or (current and current[-1].text not in RUNS_ON):
                following = found[position + 1].text if position + 1 < len(found) else ""
                if text == "," or following not in RUNS_ON - {"-"}:
                    yield current
                    current = []
        elif tables or text not in {r"\\", r"\quad", r"\qquad"}:
            current.append(token)
        tables -= text.startswith(r"\end{")
    yield current


def read(latex: str, functions: frozenset[str] = frozenset()) -> list[Node]:
    """Return the statements of a display, each a :class:`Relation` or an expression.

    ``functions`` are the letters that the page calls, so that ``f(x)`` is no product.
    """
    statements = []
    for part in _split(_clean(tokens(latex))):
        part = _clean(part)
        if part:
            statements.append(_Parser(part, functions).statement())
    return statements


def read_one(latex: str, functions: frozenset[str] = frozenset()) -> Node:
    """Return the only statement of ``latex``."""
    (statement,) = read(latex, functions)
    return statement


# --- the parser -------------------------------------------------------------------------------


class _Parser:
    def __init__(self, found: list[Token], functions: frozenset[str]) -> None:
        self.tokens, self.at = found, 0
        self.called = FUNCTIONS | functions
        self.functions = functions
        self.bars: list[str] = []

    # Moving over the tokens.

    @property
    def next(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def ahead(self, steps: int = 1) -> str:
        place = self.at + steps
        return self.tokens[place].text if place < len(self.tokens) else ""

    def touches(self) -> bool:
        """Whether no space is between this token and the next."""
        return (
            self.at + 1 < len(self.tokens)
            and self.tokens[self.at].end == self.tokens[self.at + 1].start
        )

    def take(self, expected: str | None = None) -> str:
        text = self.next
        if not text or (expected is not None and text != expected):
            shown = " ".join(t.text for t in self.tokens)
            raise Unreadable(f"{text or 'the end'} where {expected or 'more'} is expected: {shown}")
        self.at += 1
        return text

    def inside(self, found: list[Token]) -> _Parser:
        return _Parser(found, self.functions)

    def group(self) -> list[Token]:
        """Take a group in braces, or a single token, and return its tokens."""
        if self.next != "{":
            self.take()
            return [self.tokens[self.at - 1]]
        self.take("{")
        start, depth = self.at, 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.take(), 0)
        return self.tokens[start : self.at - 1]

    def whole(self, node: Node) -> Node:
        if self.next:
            shown = " ".join(t.text for t in self.tokens)
            raise Unreadable(f"{self.next} is left over in: {shown}")
        return node

    def argument(self) -> Node:
        """Take an argument as of ``\\frac``, a group or one token."""
        inner = self.inside(self.group())
        return inner.whole(inner.expression())

    # Relations, sums, products.

    def statement(self) -> Node:
        node = self.relation()
        if self.next.startswith(r"\text{ ") and not self.ahead():
            self.take()  # a remark after the formula
        return self.whole(node)

    def relation(self) -> Node:
        sides, signs = [self.expression()], []
        while self.next in RELATIONS:
            signs.append(RELATIONS[self.take()])
            sides.append(self.expression())
        return Relation(tuple(sides), tuple(signs)) if signs else sides[0]

    def expression(self) -> Node:
        terms = [self.term()]
        while self.next in {"+", "-"}:
            terms.append(self.term())
        first = terms[0] if len(terms) == 1 else Sum(tuple(terms))
        if (_word(self.next) or "").strip() == "if":
            return self.one_of_two(first)
        return first

    def one_of_two(self, first: Node) -> Node:
        """Read ``… if condition else …``."""
        self.take()
        condition = self.relation()
        if (_word(self.take()) or "").strip() != "else":
            raise Unreadable("if without else")
        return Cases(((first, condition), (self.expression(), None)))

    def term(self) -> Node:
        sign = 1
        while self.next in {"+", "-"}:
            sign *= -1 if self.take() == "-" else 1
        node = self.chain((r"\odot",), self.dotted)
        return node if sign == 1 else Minus(node)

    def chain(self, signs: tuple[str, ...], operand: object) -> Node:
        factors = [operand()]
        while self.next in signs:
            self.take()
            if self.next == "-" and signs != (r"\odot",):
                raise Unreadable("a sign after a product's dot needs brackets")
            factors.append(operand())
        return factors[0] if len(factors) == 1 else Product(signs[0], tuple(factors))

    def dotted(self) -> Node:
        return self.chain((r"\cdot", r"\times"), self.beside)

    def beside(self) -> Node:
        """Read factors side by side and what a slash divides them by."""
        factors = [self.factor()]
        while self.starts():
            factors.append(self.factor())
        node = factors[0] if len(factors) == 1 else Product("", tuple(factors))
        if self.next == "/":
            self.take()
            node = Quotient(node, self.factor())
            if self.starts() or self.next == "/":
                raise Unreadable("a factor after a divisor can be read in two ways")
        return node

    def starts(self) -> bool:
        """Whether a factor begins here."""
        text = self.next
        if not text or text in RELATIONS or text in SEPARATORS or text in OPENING.values():
            return False
        if text in {"+", "-", "/", "&", r"\\", r"\cdot", r"\times", r"\odot", r"\mid", ".", r"\to"}:
            return False
        if text in {"|", r"\|"}:
            return text not in self.bars
        word = _word(text)
        if word is not None:
            return word in self.called
        return not text.startswith((r"\end{", r"\text{", r"\right"))

    # Factors.

    def factor(self) -> Node:
        node = self.primary()
        while self.next in {"^", "!"}:
            node = Call(Name("!"), (node,)) if self.take() == "!" else self.raised(node)
        return node

    def raised(self, node: Node) -> Node:
        exponent = self.group()
        if exponent[-1].text == r"\top" and len(exponent) == 1:
            return Transpose(node)
        inner = self.inside(exponent)
        return Power(node, inner.whole(inner.expression()))

    def primary(self) -> Node:
        text = self.next
        if text.isdigit():
            return self.number()
        if text in {"(", "[", r"\langle", r"\lvert", "|", r"\|"}:
            return self.bracket()
        if text == "{":
            inner = self.inside(self.group())
            return inner.whole(inner.expression())
        if re.match(r"\\left\s*\.", text):
            return self.at_a_place()
        simple = {
            r"\frac": self.fraction, r"\tfrac": self.fraction, r"\sqrt": self.root,
            r"\binom": self.binomial,
            r"\sum": self.large, r"\partial": self.slashed, r"\nabla": self.nabla,
            r"\begin{pmatrix}": self.matrix, r"\begin{matrix}": self.matrix,
            r"\begin{cases}": self.cases,
            r"\overline": self.overline, r"\underbrace": self.underbrace, r"\mathbf": self.bold,
        }  # fmt: skip
        if text in simple:
            return simple[text]()
        if text == "d" and self.touches() and re.match(r"[A-Za-z]|\\[a-z]", self.ahead()):
            return self.differential()
        return self.named()

    def number(self) -> Node:
        text = self.take()
        while (
            self.at < len(self.tokens)
            and self.tokens[self.at - 1].end == self.tokens[self.at].start
        ):
            if self.next.isdigit() or (
                self.next == "." and self.touches() and self.ahead().isdigit()
            ):
                text += self.take()
            else:
                break
        return Number(text)

    def bracket(self) -> Node:
        opening = self.take()
        closing = OPENING.get(opening, opening)
        self.bars.append(closing)
        entries = [self.relation()]
        while self.next in SEPARATORS:
            self.take()
            entries.append(self.relation())
        self.bars.pop()
        self.take(closing)
        if opening == "(" or (opening == "[" and not isinstance(entries[0], Relation)):
            return entries[0] if len(entries) == 1 else Row(tuple(entries))
        if len(entries) > 1:
            raise Unreadable(f"{len(entries)} entries between {opening} and {closing}")
        of = entries[0]
        kinds = {"[": Truth, r"\langle": Mean, r"\|": Norm}
        return kinds.get(opening, Absolute)(of)

    def at_a_place(self) -> Node:
        self.take()
        of = self.expression()
        if not re.match(r"\\right\s*\|", self.take()):
            raise Unreadable(r"\left. without \right|")
        self.take("_")
        inner = self.inside(self.group())
        where = inner.statement()
        if not isinstance(where, Relation):
            raise Unreadable("a place without =")
        return At(of, where)

    def fraction(self) -> Node:
        self.take()
        over, under = self.group(), self.group()
        mark = over[0].text
        if mark in {"d", r"\partial"} and under[0].text == mark and len(under) > 1:
            return self.quotient_of_differentials(mark, over, under)
        parts = [self.inside(part) for part in (over, under)]
        return Quotient(*(part.whole(part.expression()) for part in parts))

    def quotient_of_differentials(self, mark: str, over: list[Token], under: list[Token]) -> Node:
        top, bottom = self.inside(over), self.inside(under)
        top.take(mark)
        order = 1
        if top.next == "^":
            top.take()
            order = int(top.group()[0].text)
        by: list[Node] = []
        while bottom.next:
            bottom.take(mark)
            node = bottom.primary()
            if isinstance(node, Power) and isinstance(node.exponent, Number):
                by += [node.base] * int(node.exponent.text)
            else:
                by.append(node)
        if len(by) != order:
            raise Unreadable(f"a derivative of order {order} by {len(by)} letters")
        of = top.whole(top.beside()) if top.next else self.beside()
        return Derivative(of, tuple(by))

    def slashed(self) -> Node:
        """Read ``\\partial L/\\partial W``."""
        self.take(r"\partial")
        of = self.factor()
        self.take("/")
        self.take(r"\partial")
        return Derivative(of, (self.primary(),))

    def differential(self) -> Node:
        self.take("d")
        of = self.primary()
        if self.next == "/" and self.ahead() == "d":
            self.take("/")
            self.take("d")
            return Derivative(of, (self.primary(),))
        if isinstance(of, Transpose):
            return Transpose(Differential(of.of))
        if isinstance(of, Power):
            return Power(Differential(of.base), of.exponent)
        return Differential(of)

    def nabla(self) -> Node:
        self.take()
        order = 1
        if self.next == "^":
            self.take()
            order = int(self.group()[0].text)
        return Nabla(self.primary(), order)

    def root(self) -> Node:
        self.take()
        order: Node = Number("2")
        if self.next == "[":
            self.take()
            order = self.number()
            self.take("]")
        return Power(self.argument(), Quotient(Number("1"), order))

    def binomial(self) -> Node:
        self.take()
        return Call(Name(r"\binom"), (self.argument(), self.argument()))

    def overline(self) -> Node:
        self.take()
        return Mean(self.argument())

    def underbrace(self) -> Node:
        """Read what stands above a brace; what stands below it explains."""
        self.take()
        of = self.argument()
        if self.next == "_":
            self.take()
            self.group()
        return of

    def bold(self) -> Node:
        self.take()
        inner = self.inside(self.group())
        node = inner.whole(inner.expression())
        return Name(r"\mathbf 1") if node == Number("1") else node

    def large(self) -> Node:
        operator = self.take()
        index = None
        if self.next == "_":
            self.take()
            index = self.index(self.group())
            if self.next == "^":
                self.take()
                inner = self.inside(self.group())
                index = Index(index.letters, index.first, inner.whole(inner.expression()))
        return Large(operator, index, self.chain((r"\odot",), self.dotted))

    def index(self, found: list[Token]) -> Index:
        texts = [t.text for t in found]
        if r"\to" in texts:
            start, _, end = texts
            return Index((start, end), arrow=(start, end))
        if r"\in" in texts:
            letter, _, within = texts
            return Index((letter,), within=within)
        if "=" in texts:
            inner = self.inside(found[2:])
            return Index((texts[0],), inner.whole(inner.expression()))
        letters = tuple(t for t in texts if t != ",")
        if not all(re.fullmatch(r"[a-z]", letter) for letter in letters):
            raise Unreadable(f"the index {' '.join(texts)}")
        return Index(letters)

    def matrix(self) -> Node:
        self.take()
        rows: list[tuple[Node, ...]] = []
        row = [self.expression()]
        while self.next not in {r"\end{pmatrix}", r"\end{matrix}"}:
            if self.take() == "&":
                row.append(self.expression())
            else:
                rows.append(tuple(row))
                row = [self.expression()]
        self.take()
        return Matrix((*rows, tuple(row)))

    def cases(self) -> Node:
        self.take()
        found: list[tuple[Node, Node | None]] = []
        while self.next != r"\end{cases}":
            value = self.expression()
            while self.next in {",", "&"}:
                self.take()
            word = (_word(self.take()) or "").strip()
            words = word.removeprefix("if").strip()
            found.append((value, Word(words) if words else self.relation()))
            while self.next in {",", ".", r"\\"}:
                self.take()
        self.take()
        return Cases(tuple(found))

    # Names and calls.

    def named(self) -> Node:
        name = self.letter()
        layer: Node | None = None
        lower: tuple[Node, ...] = ()
        primes, transposed = 0, False
        power: Node | None = None
        while self.next in {"_", "^", "'"}:
            mark = self.take()
            if mark == "'":
                primes += 1
            elif mark == "_" and not lower:
                lower = self.indices(self.group())
            elif mark == "^" and power is None and not transposed:
                found = self.group()
                if found[-1].text == r"\top":
                    transposed = True
                    found = found[:-1]
                if found and found[0].text == "(" and found[-1].text == ")":
                    inner = self.inside(found[1:-1])
                    layer = inner.whole(inner.layer_number())
                elif found:
                    inner = self.inside(found)
                    power = inner.whole(inner.expression())
            else:
                raise Unreadable("two indices or two powers")
        node: Node = Name(name, layer, lower)
        if name in self.called and (self.next == "(" or name in FUNCTIONS):
            node = self.call(Name(name, layer, lower), primes)
        elif primes:
            node = Prime(Name(name, layer, lower), primes)
        if transposed:
            node = Transpose(node)
        return node if power is None else Power(node, power)

    def layer_number(self) -> Node:
        word = _word(self.next)
        if word is not None:
            self.take()
            return Word(word)
        return self.expression()

    def letter(self) -> str:
        text = self.take()
        if text in ACCENTS:
            inner = self.inside(self.group())
            return f"{text} {inner.letter()}"
        word = _word(text)
        if word is not None:
            return word.strip()
        if re.fullmatch(r"[A-Za-z]", text) or text in GREEK or text in FUNCTIONS:
            return text
        raise Unreadable(f"{text} begins no factor")

    def indices(self, found: list[Token]) -> tuple[Node, ...]:
        """Read ``ij`` as two indices, and ``i+u,\\,j+v`` too."""
        texts = [t.text for t in found]
        if len(texts) == 1 and (word := _word(texts[0])) is not None:
            return (Word(word),)
        if len(texts) == 1 and texts[0] in FUNCTIONS:
            return (Word(texts[0]),)
        if "," in texts:
            cut = texts.index(",")
            inner = self.inside(found[:cut])
            return (inner.whole(inner.expression()), *self.indices(found[cut + 1 :]))
        if any(t in {"+", "-"} for t in texts):
            inner = self.inside(found)
            return (inner.whole(inner.expression()),)
        out: list[Node] = []
        for text in texts:
            if text == r"\cdot":
                out.append(Every())
            elif text.isdigit():
                out.append(Number(text))
            elif re.fullmatch(r"[A-Za-z]", text) or text in GREEK:
                out.append(Name(text))
            else:
                raise Unreadable(f"the index {text}")
        return tuple(out)

    def call(self, function: Name, primes: int) -> Node:
        if self.next == "(":
            self.take()
            arguments = [self.relation()]
            while self.next in {*SEPARATORS, r"\mid"}:
                self.take()
                arguments.append(self.relation())
            self.take(")")
            return Call(function, tuple(arguments), primes)
        if self.next == "{":  # as SymPy writes it
            return self.inside(self.group()).call(function, primes)
        if function.lower and function.letter in {r"\max", r"\min"}:
            letters = tuple(part.letter for part in function.lower if isinstance(part, Name))
            return Large(function.letter, Index(letters), self.beside())
        if self.starts():
            return Call(function, (self.factor(),), primes)
        return Prime(function, primes) if primes else function
