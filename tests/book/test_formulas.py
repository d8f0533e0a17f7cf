"""Every displayed equation that states a derivative is true, and so is every printed sum.

A display is read (``latex_reading``), what its letters mean is said once for its page
(``formula_settings``), and all derivatives in it are computed anew (``formula_values``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from functools import cache
from itertools import zip_longest
from pathlib import Path

import pytest
from arithmetic import inline, sums
from formula_settings import EXCEPTIONS, SETTINGS
from formula_values import Setting, Unknown, Verdict, judge
from latex_reading import (
    Call,
    Derivative,
    Differential,
    Minus,
    Nabla,
    Name,
    Node,
    Number,
    Power,
    Prime,
    Product,
    Quotient,
    Relation,
    Sum,
    Transpose,
    Unreadable,
    read,
)

BOOK = Path(__file__).resolve().parents[2] / "book"
LEDGER = "application/vnd.backprop.ledger+json"
SHOWN = re.compile(r"\$\$(.+?)\$\$|^`{3,}\{math\}\n(?::label: (\S+)\n)?(.+?)`{3}", re.S | re.M)


@dataclass(frozen=True)
class Display:
    """A formula that a page shows: the page, its label or cell, and its LaTeX."""

    page: str
    key: str
    latex: str
    in_ledger: bool = False

    def __str__(self) -> str:
        return f"{self.page}:{self.key}"


def cells(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


@cache
def displays() -> tuple[Display, ...]:
    """Return all displays of the chapters, written and printed, and the ledger's formulas."""
    out = []
    for path in sorted(BOOK.glob("part*/*.ipynb")):
        for cell in cells(path):
            if cell["cell_type"] == "markdown":
                count = 0
                for found in SHOWN.finditer("".join(cell["source"])):
                    key = found[2]
                    if key is None:
                        count += 1
                        key = cell["id"] if count == 1 else f"{cell['id']}#{count}"
                    out.append(Display(path.stem, key, found[1] or found[3]))
            for output in cell.get("outputs", ()):
                if shown := output.get("data", {}).get("text/latex"):
                    latex = "".join(shown).strip().strip("$").removeprefix(r"\displaystyle")
                    out.append(Display(path.stem, cell["id"], latex))
                if entry := output.get("data", {}).get(LEDGER):
                    entry = json.loads("".join(entry))
                    out.append(Display(path.stem, cell["id"], entry["latex"], in_ledger=True))
    return tuple(out)


def settings(display: Display) -> list[Setting]:
    """Return the settings that speak of a display, else those of its whole page."""
    of_page = [s for s in SETTINGS if s.page == display.page]
    named = [s for s in of_page if display.key in s.displays]
    return named or [s for s in of_page if not s.displays]


MARKS = re.compile(r"\\partial|\\nabla|\\frac\{?d\b|\\delta|\\dot|\\bar|'|\bd[A-Z]\b")


def has_derivative(display: Display) -> bool:
    """Whether a display contains a derivative, or a letter that stands for one."""
    called = frozenset().union(*(s.called for s in settings(display)))
    try:
        statements = read(display.latex, called)
    except Unreadable:
        return bool(MARKS.search(display.latex))
    found = settings(display) or [Setting(display.page)]
    parts = [part for statement in statements for part in statement.parts()]
    return any(is_derivative(part, setting) for part in parts for setting in found)


def is_derivative(part: Node, setting: Setting) -> bool:
    """Whether a node is a derivative, or a letter that stands for one."""
    if isinstance(part, Name):
        marked = part.letter.startswith((r"\delta", r"\dot", r"\bar"))
        return marked or part.letter in {pattern.letter for pattern, _ in setting.patterns}
    primed = isinstance(part, Call) and part.primes
    return bool(primed) or isinstance(part, Derivative | Differential | Nabla | Prime)


def equations(display: Display, latex: str | None = None) -> Iterator[tuple[Setting, Relation]]:
    """Yield the equations of a display, with the left side that its prose gives it."""
    for setting in settings(display):
        statements = read(latex or display.latex, setting.called)
        left = setting.left.get(display.key, ())
        for statement, said in zip_longest(statements, (left,) if isinstance(left, str) else left):
            if said:
                sides = statement.sides[1:] if isinstance(statement, Relation) else (statement,)
                statement = Relation((setting.read(said), *sides), ("=",) * len(sides))
            if isinstance(statement, Relation):
                yield setting, statement


def judged(display: Display, latex: str | None = None) -> list[Verdict]:
    """Return a verdict for each equation of a display."""
    out = []
    for setting, equation in equations(display, latex):
        try:
            out.append(judge(setting, equation))
        except Unknown:  # what defines a letter in words is no claim about a derivative
            if any(is_derivative(part, setting) for part in equation.parts()):
                raise
    return out


PROVED = [
    display
    for display in displays()
    if str(display) not in EXCEPTIONS and (has_derivative(display) or settings(display))
]
LEDGER_ENTRIES = [display for display in displays() if display.in_ledger]


@pytest.mark.parametrize("display", PROVED, ids=str)
def test_what_a_display_says_of_a_derivative_is_true(display):
    verdicts = judged(display)
    assert verdicts, f"{display} says no equation, and is no named exception"
    for verdict in verdicts:
        assert verdict.holds, f"{display}: {verdict.how}, in {display.latex}"


def test_every_display_with_a_derivative_is_proved_or_a_named_exception():
    unread = [str(d) for d in displays() if has_derivative(d) or d.in_ledger]
    unread = [key for key in unread if key not in {*map(str, PROVED), *EXCEPTIONS}]
    assert not unread
    derivatives = [d for d in displays() if has_derivative(d) or d.in_ledger]
    print(
        f"{len(PROVED)} displays proved, {len(EXCEPTIONS)} exceptions of {len(derivatives)} with"
        f" a derivative; {len(LEDGER_ENTRIES)} of them are the ledger's"
    )
    assert len(LEDGER_ENTRIES) > 60 and len(EXCEPTIONS) < len(derivatives) / 4


def test_no_two_displays_have_one_name():
    keys = [str(display) for display in displays() if not display.in_ledger]
    assert len({*keys}) == len(keys)


def test_the_exceptions_are_those_of_today():
    today = {str(d): d for d in displays()}
    for key, reason in EXCEPTIONS.items():
        assert key in today and reason, key
        assert not settings(today[key]), f"{key} has a setting: prove it"


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s.page}:{'+'.join(s.displays)}")
def test_a_setting_speaks_of_displays_of_today_in_their_own_equations(setting):
    assert isinstance(setting.program, tuple) and isinstance(setting.words, tuple)
    keys = {d.key for d in displays() if d.page == setting.page}
    assert {*setting.displays, *setting.left} <= keys
    (path,) = BOOK.glob(f"part*/{setting.page}.ipynb")
    page = _bare("".join("".join(c["source"]) for c in cells(path) if c["cell_type"] == "markdown"))
    for equation in setting.program:
        assert _bare(equation) in page, f"{equation} does not stand on the page"
    for equation in setting.words:
        assert _bare(equation) not in page, f"{equation} stands on the page: it is the program's"


def _bare(latex: str) -> str:
    return re.sub(r"\\[,;!]|\\bigl|\\bigr|[\s&$]", "", latex)


def printed(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the cell and the LaTeX of each formula of a page, displays and those in its lines."""
    for cell in cells(path) if path.suffix == ".ipynb" else [{"id": "", "source": _text(path)}]:
        if cell.get("cell_type") != "code":
            markdown = "".join(cell["source"])
            shown = (found[1] or found[3] for found in SHOWN.finditer(markdown))
            for latex in (*shown, *inline(markdown)):
                yield cell["id"], latex


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_printed_sum_is_right():
    wrong, count = [], 0
    for path in sorted([*BOOK.rglob("*.ipynb"), *BOOK.rglob("*.md")]):
        for cell, latex in printed(path):
            for found in sums(latex):
                count += 1
                if not found.holds:
                    wrong.append(f"{path.stem}:{cell}: {latex} is off by {found.difference:.2g}")
    assert not wrong, "\n".join(wrong)
    assert count > 500
    print(f"{count} sums")


# --- the test can fail --------------------------------------------------------------------------

# A display, what is written in it, and what is written instead.
PLANTED = (
    ("matrix-form:eq-bp2", r"W^{(l+1)\top}", "W^{(l+1)}"),  # a dropped transpose
    ("matrix-form:eq-bp3", r"a^{(l-1)\top}\, \delta^{(l)}", r"\delta^{(l)}\, a^{(l-1)\top}"),
    ("matrix-form:eq-bp1", r"\varphi'(", r"\varphi("),  # a lost prime
    ("matrix-form:eq-mf-sums", r"\sum_i x_{ij}\, \delta_{ik}", r"\sum_i x_{ij}\, \delta_{ij}"),
    ("matrix-form:eq-mf-softmax", r"- \sum_m", r"+ \sum_m"),  # a sign
    ("matrix-form:record-back", r"z^{(l)}", r"z^{(l+1)}"),  # the next layer
    ("losses:check-softmax-record", r"\frac{1}{B}", ""),  # no mean
    ("losses:eq-losses-softmax-jacobian", "[j = k]", "1"),
    ("losses:check-huber", r"\max(-d,", r"\max(d,"),
    ("debugging-the-article:eq-debugging-deltas", r"\odot p\odot(1-p)", ""),  # a lost factor
    ("ten-bugs:eq-ten-backward", r"\odot [z^{(2)} > 0]", r"\odot [z^{(2)} > 1]"),
    ("normalisation:eq-norm-backward", r"\hat x\operatorname{mean}", r"x\operatorname{mean}"),
    ("attention:eq-attention-backward", r"dQ &= dS\,K", r"dQ &= dS^\top K"),
    ("attention:eq-attention-backward", r"V^\top", "V"),
    ("convolution:eq-conv-image", "m-u", "m+u"),  # the filter is not turned
    ("recurrent:eq-rec-sums", "h_{t-1}^", "h_{t}^"),  # a step too late
    ("gradients:check-gradient", r"(\theta_2,\; \theta_1)", r"(\theta_1,\; \theta_2)"),
    ("networks:tanh-text", "- \\sinh", "+ \\sinh"),
    ("schedules:ledger", r"- \lambda V", r"- V"),
    ("graphs-by-hand:eq-graph-reverse", "m_{ij}", "m_{ji}"),
    ("four-steps:objectives#2", "-0.0614", "-0.0615"),
)


@pytest.mark.parametrize(("key", "right", "wrong"), PLANTED)
def test_a_planted_mistake_is_caught(key, right, wrong):
    (display,) = (d for d in displays() if str(d) == key)
    assert right in display.latex
    assert all(verdict.holds for verdict in judged(display))
    try:
        verdicts = judged(display, display.latex.replace(right, wrong))
    except Unknown:
        return
    assert not all(verdict.holds for verdict in verdicts)


def changed(node: Node, change: Callable[[Node], Iterator[Node]]) -> Iterator[Node]:
    """Yield a tree with one of its parts changed, for each part and change."""
    yield from change(node)
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, Node):
            for new in changed(value, change):
                yield replace(node, **{field.name: new})
        elif isinstance(value, tuple) and field.name not in {"lower", "by"}:
            for place, item in enumerate(value):
                if isinstance(item, Node):
                    for new in changed(item, change):
                        items = (*value[:place], new, *value[place + 1 :])
                        yield replace(node, **{field.name: items})


def mistakes(part: Node) -> Iterator[Node]:
    """Yield what could stand by mistake where ``part`` should."""
    match part:
        case Transpose(of) | Minus(of):
            yield of
        case Sum((first, second, *rest)):
            yield Sum((first, Minus(second), *rest))
        case Product(sign, factors):
            for place in range(len(factors)):
                left = (*factors[:place], *factors[place + 1 :])
                yield left[0] if len(left) == 1 else Product(sign, left)
        case Quotient(over, _):
            yield over
        case Power(base, _):
            yield base
        case Call(function, arguments, primes) if primes:
            yield Call(function, arguments, primes - 1)
        case Name(letter, layer, (first, second)) if first != second:
            yield Name(letter, layer, (second, first))
        case Name(letter, Sum(terms), lower):
            yield Name(letter, terms[0], lower)
        case Number(text) if text not in {"0", "1"}:
            yield Number("1")


# Displays with numbers in which a change can leave a value as it is: how many such changes.
HARMLESS = {
    "broadcasting:by-hand-read": 2,  # a factor 1
    "broadcasting:record-exceptions": 1,  # the identity matrix is symmetric
    "graphs-by-hand:directions-read": 7,  # factors 0 and 1
    "matrix-form:objectives#3": 2,  # a factor 1
    "recurrent:shared": 1,  # -0
    "variational-autoencoder:eq-vae-slide": 1,  # a factor 1
}


def survivors(display: Display) -> Iterator[bool]:
    """Yield, for each mistake in an equation of a display, whether its judge overlooks it."""
    for setting, equation in equations(display):
        for place, side in enumerate(equation.sides[1:], 1):
            for new in changed(side, mistakes):
                sides = (*equation.sides[:place], new, *equation.sides[place + 1 :])
                try:
                    yield judge(setting, Relation(sides, equation.signs), draws=1).holds
                except Unknown:
                    yield False


@pytest.mark.long
def test_mistakes_of_ten_kinds_are_caught_in_every_display():
    found = {str(display): list(survivors(display)) for display in PROVED}
    overlooked = {key: sum(verdicts) for key, verdicts in found.items() if any(verdicts)}
    print(f"{sum(map(len, found.values()))} mistakes, {sum(overlooked.values())} harmless")
    assert overlooked == HARMLESS
    assert sum(map(len, found.values())) > 900


@pytest.mark.parametrize(
    ("latex", "right"),
    [
        ("30 + 18 = 48", True), ("30 + 18 = 47", False), (r"\frac{18}{256} = 0.07", True),
        (r"\frac{18}{256} = 0.08", False), (r"2^{30} \approx 10^9", True),
        (r"1{,}347 \cdot 2 = 2{,}694", True), (r"(1, 2) = (1, 3)", False),
        (r"u = 2 \cdot 3 = 6 \\ y = u + 1 = 8", False), (r"\sigma(0) = 0.5", True),
        (r"1.2 \cdot 10^{-8} \cdot 1{,}024 = 1.2 \cdot 10^{-5}", True), (r"x = -2 + 1 = 1", False),
        (r"\begin{pmatrix} 1 & 2 \end{pmatrix} \begin{pmatrix} 3 \\ 4 \end{pmatrix} = 11", True),
        (r"\ln 2 = 0.693", True), (r"\ln 2 = 0.694", False),
    ],
)  # fmt: skip
def test_a_sum_is_compared_to_its_last_printed_digit(latex, right):
    found = list(sums(latex))
    assert found
    assert all(pair.holds for pair in found) is right
