"""The figures of one example's way through a 2-2-1 network and back, with every number on them.

Blue is what the forward pass computes, orange are derivatives of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import NOW, THIN, Drawing, arrow, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame

Node = tuple[int, int]
Edge = tuple[int, int, int]
PLACES: dict[Node, tuple[float, float]] = {
    (0, 0): (34, 90), (0, 1): (34, 252), (1, 0): (196, 90), (1, 1): (196, 252),
    (2, 0): (374, 171),
}  # fmt: skip
"""(layer, unit) and the middle of its circle."""
RADIUS, HEIGHT, PANEL = 25, 308, 78
"""Of a circle; of the drawing, and of the lines below it where there are some."""
AS_WIDE = "display: block; max-width: 450px; margin: 0 auto"
"""Of a frame: not wider than the drawings."""
ASIDE = {(0, 0): (0, -6), (1, 0): (0, 14), (1, 1): (10, 0)}
"""How far the words above and below a unit stand to the right, clear of its connections."""
LETTERS = {
    (0, 0): "x₁", (0, 1): "x₂", (1, 0): "a₁⁽¹⁾", (1, 1): "a₂⁽¹⁾", (2, 0): "a⁽²⁾",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Example:
    """A 2-2-1 network with sigmoids, one example, and all that the four steps compute.

    L = ½ (a⁽²⁾ - y)², δ = ∂L/∂z. Shapes: x (2,), W1 (2, 2), b1 (2,), W2 (2,), b2 and y ().
    """

    x: Array
    y: float
    W1: Array
    b1: Array
    W2: Array
    b2: float

    @property
    def z1(self) -> Array:
        """z⁽¹⁾ = x W⁽¹⁾ + b⁽¹⁾."""
        return np.asarray(self.x @ self.W1 + self.b1)

    @property
    def a1(self) -> Array:
        """a⁽¹⁾ = σ(z⁽¹⁾)."""
        return np.asarray(1 / (1 + np.exp(-self.z1)))

    @property
    def z2(self) -> float:
        """z⁽²⁾ = a⁽¹⁾ W⁽²⁾ + b⁽²⁾."""
        return float(self.a1 @ self.W2 + self.b2)

    @property
    def a2(self) -> float:
        """a⁽²⁾ = σ(z⁽²⁾)."""
        return 1 / (1 + math.exp(-self.z2))

    @property
    def loss(self) -> float:
        """L = ½ (a⁽²⁾ - y)²."""
        return (self.a2 - self.y) ** 2 / 2

    @property
    def delta2(self) -> float:
        """δ⁽²⁾ = (a⁽²⁾ - y) a⁽²⁾ (1 - a⁽²⁾)."""
        return (self.a2 - self.y) * self.a2 * (1 - self.a2)

    @property
    def delta1(self) -> Array:
        """δ⁽¹⁾ = δ⁽²⁾ W⁽²⁾ a⁽¹⁾ (1 - a⁽¹⁾)."""
        return np.asarray(self.delta2 * self.W2 * self.a1 * (1 - self.a1))

    def value(self, edge: Edge) -> float:
        """Return the weight of a connection (layer, from unit, to unit)."""
        layer, i, j = edge
        return float(self.W1[i, j] if layer == 0 else self.W2[i])

    def derivative(self, edge: Edge) -> float:
        """Return ∂L/∂w: the value at its start times the error at its end."""
        layer, i, j = edge
        return float(self.x[i] * self.delta1[j] if layer == 0 else self.a1[i] * self.delta2)

    def sent(self, i: int) -> float:
        """Return ∂L/∂x of an input: the sum over the hidden units that it feeds."""
        return float(self.W1[i] @ self.delta1)

    def bias(self, node: Node) -> tuple[float, float]:
        """Return a unit's bias and ∂L/∂b, which is its error."""
        layer, j = node
        return (float(self.b1[j]), float(self.delta1[j])) if layer == 1 else (self.b2, self.delta2)

    def updated(self, learning_rate: float) -> Example:
        """Return the same example with θ - η ∂L/∂θ for each of the nine parameters θ."""
        return replace(
            self,
            W1=self.W1 - learning_rate * np.outer(self.x, self.delta1),
            b1=self.b1 - learning_rate * self.delta1,
            W2=self.W2 - learning_rate * self.a1 * self.delta2,
            b2=self.b2 - learning_rate * self.delta2,
        )


ROUND = Example(
    x=np.array([1.0, 2.0]),
    y=1.0,
    W1=np.array([[0.6, 0.8], [0.4, -0.6]]),
    b1=np.array([math.log(4) - 1.4, math.log(2 / 3) + 0.4]),
    W2=np.array([2.0, -3.0]),
    b2=math.log(3 / 2) - 0.4,
)
"""The biases make the activations round: 0.8, 0.4 and 0.6."""
EDGES: tuple[Edge, ...] = (*((0, i, j) for i in (0, 1) for j in (0, 1)), (1, 0, 0), (1, 1, 0))
UNITS: tuple[Node, ...] = ((1, 0), (1, 1), (2, 0))


def shown(value: float, digits: int = 4) -> str:
    """Write a number with at most four decimals, without zeros at the end."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "−")


def factor(value: float) -> str:
    """Write a number as a factor or summand that is not the first one."""
    return f"({shown(value)})" if value < 0 else shown(value)


def plus(value: float) -> str:
    """Write a number as it is added."""
    return f"{'−' if value < 0 else '+'} {shown(abs(value))}"


def name(edge: Edge) -> str:
    """Return a weight's symbol, as w₁₁⁽¹⁾."""
    layer, i, j = edge
    low = "₁₂"
    return f"w{low[i]}{low[j]}⁽¹⁾" if layer == 0 else f"w{low[i]}⁽²⁾"


def bias_name(node: Node) -> str:
    """Return a bias's symbol, as b₁⁽¹⁾."""
    return f"b{'₁₂'[node[1]]}⁽¹⁾" if node[0] == 1 else "b⁽²⁾"


@dataclass(frozen=True)
class Known:
    """What has been computed by some step, and what it marks.

    Attributes
    ----------
    values, errors : frozenset of Node
        Units whose activation, and whose error, is known.
    loss, gradients, inputs : bool
        Whether the loss, the derivatives of the weights, and those of the inputs are.
    marked : frozenset
        Nodes and edges that this step works on.
    backward : bool
        In which colour.
    """

    values: frozenset[Node] = frozenset()
    errors: frozenset[Node] = frozenset()
    loss: bool = False
    gradients: bool = False
    inputs: bool = False
    marked: frozenset[Any] = frozenset()
    backward: bool = False


INPUTS, HIDDEN, OUTPUT = (frozenset(n for n in PLACES if n[0] == k) for k in range(3))
FIRST = frozenset(e for e in EDGES if e[0] == 0)
SECOND = frozenset(e for e in EDGES if e[0] == 1)
ALL = Known(HIDDEN | OUTPUT, HIDDEN | OUTPUT, True, True, True)


def hero(title: str, example: Example = ROUND) -> Drawing:
    """Draw the network with each value above and each derivative below."""
    content = _content(example, ALL)
    return drawing(title, HEIGHT, _described(example, ALL), *content)


def frames(example: Example = ROUND, learning_rate: float = 1.0) -> list[Frame]:
    """Return the frames of the four steps; below the network stands what is computed."""
    e, new = example, example.updated(learning_rate)
    z, a, d = e.z1, e.a1, e.delta1
    done = Known()
    found = []

    def add(words: str, lines: Sequence[str], **changes: Any) -> None:
        nonlocal done
        done = replace(done, **changes)
        content = _content(e, done)
        below = [
            svg.text(4, HEIGHT + 18 + 18 * k, line, text_anchor="start")
            for k, line in enumerate(lines)
        ]
        said = "; ".join([_described(e, done), *lines])
        picture = svg.picture(
            svg.WIDTH, HEIGHT + PANEL, words, said, *content, *below, style=AS_WIDE
        )
        found.append(Frame(picture, words))

    add(
        "Given: the input, the target, the six weights, and the three biases.",
        [
            "Blue: given, or computed on the way forward.",
            "Orange: derivatives, computed on the way back.",
        ],
    )
    add(
        "Forward: each hidden unit computes z and its activation a = σ(z).",
        [
            line
            for j in (0, 1)
            for line in (
                f"z{'₁₂'[j]}⁽¹⁾ = {shown(e.x[0])} · {factor(e.W1[0, j])} + {shown(e.x[1])} ·"
                f" {factor(e.W1[1, j])} {plus(e.b1[j])} = {shown(z[j])}",
                f"a{'₁₂'[j]}⁽¹⁾ = σ({shown(z[j])}) = {shown(a[j])}",
            )
        ],
        values=HIDDEN, marked=HIDDEN | FIRST,
    )  # fmt: skip
    add(
        "Forward: the output unit does the same with the two activations.",
        [
            f"z⁽²⁾ = {shown(a[0])} · {factor(e.W2[0])} + {shown(a[1])} · {factor(e.W2[1])}"
            f" {plus(e.b2)} = {shown(e.z2)}",
            f"a⁽²⁾ = σ({shown(e.z2)}) = {shown(e.a2)}",
        ],
        values=HIDDEN | OUTPUT, marked=OUTPUT | SECOND,
    )  # fmt: skip
    residual = f"({shown(e.a2)} − {shown(e.y)})"
    add(
        "Loss: half the squared distance from the target.",
        [f"L = ½ · {residual}² = {shown(e.loss)}"],
        loss=True, marked=OUTPUT,
    )  # fmt: skip
    add(
        "Backward: the error of the output unit.",
        [f"δ⁽²⁾ = {residual} · {shown(e.a2)} · {shown(1 - e.a2)} = {shown(e.delta2)}"],
        errors=OUTPUT, marked=OUTPUT, backward=True,
    )  # fmt: skip
    add(
        "Backward: each hidden unit's error is the output's, times the weight between them,"
        " times the unit's own slope.",
        [
            f"δ{'₁₂'[j]}⁽¹⁾ = {shown(e.delta2)} · {factor(e.W2[j])} · {shown(a[j])} ·"
            f" {shown(1 - a[j])} = {shown(d[j])}"
            for j in (0, 1)
        ],
        errors=HIDDEN | OUTPUT, marked=HIDDEN | SECOND,
    )  # fmt: skip
    last = (0, 1, 0)
    add(
        "Backward: the derivative of a weight is the value at its start times the error at its"
        " end. That of a bias is the error itself.",
        [
            f"For example {name(last)}: {shown(e.x[1])} · {factor(d[0])} ="
            f" {shown(e.derivative(last))}",
            f"and {name((1, 1, 0))}: {shown(a[1])} · {factor(e.delta2)} ="
            f" {shown(e.derivative((1, 1, 0)))}",
        ],
        gradients=True, marked=FIRST | SECOND,
    )  # fmt: skip
    add(
        "Backward: two routes lead from each input to the loss, so its derivative is a sum. No"
        " update needs it, but a layer below would.",
        [
            f"∂L/∂x{'₁₂'[i]} = {shown(e.W1[i, 0])} · {factor(d[0])} +"
            f" {factor(e.W1[i, 1])} · {factor(d[1])} = {shown(e.sent(i))}"
            for i in (0, 1)
        ],
        inputs=True, marked=INPUTS | FIRST,
    )  # fmt: skip
    words = f"Update: each parameter minus η times its derivative, with η = {shown(learning_rate)}."
    weights = [(name(k), e.value(k), e.derivative(k), new.value(k)) for k in EDGES]
    biases = [(bias_name(u), *e.bias(u), new.bias(u)[0]) for u in UNITS]
    rows = [*weights[:4], *biases[:2], *weights[4:], *biases[2:]]
    table = _updates(rows, learning_rate)
    said = "; ".join(f"{row[0]}: {shown(row[1])} becomes {shown(row[3])}" for row in rows)
    picture = svg.picture(svg.WIDTH, HEIGHT + PANEL, words, said, *table, style=AS_WIDE)
    found.append(Frame(picture, words))
    return found


def _updates(rows: Sequence[tuple[str, float, float, float]], learning_rate: float) -> list[str]:
    """One line for each parameter: its name, old value, derivative and new value."""
    places = (60, 150, 284, 392)
    parts = [
        svg.text(x, 40, words, text_anchor="end")
        for x, words in zip(places[1:], ("old", "η · derivative", "new"), strict=True)
    ]
    for k, (label, old, slope, after) in enumerate(rows):
        y = 76 + 36 * k
        step = f"{shown(learning_rate)} · {factor(slope)}"
        for x, words, paint in (
            (places[0], label, svg.FORWARD), (places[1], shown(old), svg.FORWARD),
            (170, "−", "currentColor"), (places[2], step, svg.BACKWARD),
            (314, "=", "currentColor"), (places[3], shown(after), svg.FORWARD),
        ):  # fmt: skip
            parts.append(svg.text(x, y, words, paint, text_anchor="end"))
    return parts


def _lines(e: Example, known: Known, node: Node) -> tuple[list[str], list[str]]:
    """What stands above a node, the lowest line first, and what stands below it."""
    layer, k = node
    if layer == 0:
        return [shown(e.x[k])], [shown(e.sent(k))] if known.inputs else []
    z, a = (e.z1[k], e.a1[k]) if layer == 1 else (e.z2, e.a2)
    computed = [f"a = {shown(a)}", f"z = {shown(z)}"] if node in known.values else ["", ""]
    above = [*computed, f"b = {shown(e.bias(node)[0])}"]
    below = [f"δ = {shown(e.bias(node)[1])}"] if node in known.errors else []
    return above, below


def _loss(e: Example, known: Known) -> str:
    return f"L = {shown(e.loss)}, y = {shown(e.y)}" if known.loss else f"y = {shown(e.y)}"


def _described(e: Example, known: Known) -> str:
    parts = []
    for node in PLACES:
        above, below = _lines(e, known, node)
        said = [words for words in [*reversed(above), *below] if words]
        parts.append(f"{LETTERS[node]}: {', '.join(said)}")
    for edge in EDGES:
        slope = f", derivative {shown(e.derivative(edge))}" if known.gradients else ""
        parts.append(f"{name(edge)} = {shown(e.value(edge))}{slope}")
    return "; ".join([*parts, _loss(e, known)])


def _content(e: Example, known: Known) -> list[str]:
    paint = svg.BACKWARD if known.backward else svg.FORWARD
    lines, words = [], []
    for edge in EDGES:
        layer, i, j = edge
        (x1, y1), (x2, y2) = PLACES[layer, i], PLACES[layer + 1, j]
        lines.append(
            svg.element(
                "line",
                x1=float(x1),
                y1=float(y1),
                x2=float(x2),
                y2=float(y2),
                stroke=paint if edge in known.marked else "currentColor",
                stroke_width="3.5" if edge in known.marked else "1.2",
            )
        )
        part = 0.53 if layer else 0.5 if i == j else 0.3
        x, y = x1 + part * (x2 - x1), y1 + part * (y2 - y1)
        labels = [(shown(e.value(edge)), svg.FORWARD)]
        labels += [(shown(e.derivative(edge)), svg.BACKWARD)] if known.gradients else []
        if layer or y1 == y2:  # above and below the line
            up, down = ((-7, 18), (-10, 26))[layer]
            for (label, fill), foot in zip(labels, (y + up, y + down), strict=False):
                words.append(svg.text(x, foot, label, fill))
        else:
            words += svg.stack(x, y - 8.5 * (len(labels) - 1), labels)
    for node, (x, y) in PLACES.items():
        mark = node in known.marked
        lines.append(
            svg.element(
                "circle",
                cx=float(x),
                cy=float(y),
                r=RADIUS,
                fill=svg.GROUND,
                stroke=paint if mark else svg.FORWARD,
                stroke_width="4" if mark else "1.5",
            )
        )
        words.append(svg.text(x, y + 5, LETTERS[node], font_weight=600, font_size=16))
        above, below = _lines(e, known, node)
        up, down = ASIDE.get(node, (0, 0))
        for k, line in enumerate(above):
            foot = y - RADIUS - 9 - 18 * k
            words += [svg.text(x + up, foot, line, svg.FORWARD)] if line else []
        for k, line in enumerate(below):
            words.append(svg.text(x + down, y + RADIUS + 22 + 18 * k, line, svg.BACKWARD))
    words.append(
        svg.text(
            svg.WIDTH - 4,
            PLACES[2, 0][1] + RADIUS + 60,
            _loss(e, known),
            svg.FORWARD,
            text_anchor="end",
        )
    )
    return [*lines, *words]


def nine_products(title: str, example: Example = ROUND) -> Drawing:
    """Draw the derivative of each parameter as a product, with frames round what they share."""
    e = example
    head = f"{shown(e.a2 - e.y)} · {shown(e.a2)} · {shown(1 - e.a2)}"
    groups: list[list[tuple[str, str, str, float]]] = [
        [(bias_name((2, 0)), "", "1", e.delta2)]
        + [(name((1, i, 0)), "", shown(e.a1[i]), e.derivative((1, i, 0))) for i in (0, 1)]
    ]
    for j in (0, 1):
        tail = f"· {factor(e.W2[j])} · {shown(e.a1[j])} · {shown(1 - e.a1[j])}"
        groups.append(
            [(bias_name((1, j)), tail, "1", float(e.delta1[j]))]
            + [(name((0, i, j)), tail, shown(e.x[i]), e.derivative((0, i, j))) for i in (0, 1)]
        )
    left, middle, right, row = 40, 162, 296, 21
    parts, said, y = [], [], 75.0
    for label, factors, x in (
        ("output unit", "(a − y) · slope", (left + middle) / 2),
        ("hidden unit", "weight · slope", (middle + right) / 2),
    ):
        parts += [svg.text(x, 16, label), svg.text(x, 35, factors)]
    parts.append(svg.text(right + 22, 16, "start"))
    parts.append(svg.text(svg.WIDTH - 2, 16, "product", text_anchor="end"))
    inner = right - left - 4
    for k, group in enumerate(groups):
        if k:
            parts.append(_frame(left + 4, y - 17, inner, 3 * row + 23))
        for label, tail, start, product in group:
            parts.append(svg.text(0, y, label, svg.FORWARD, text_anchor="start"))
            parts.append(svg.text((left + middle) / 2, y, head))
            if tail:
                parts.append(svg.text((middle + right) / 2 - 2, y, tail))
            parts.append(svg.text(right + 4, y, f"· {start}", text_anchor="start"))
            parts.append(
                svg.text(svg.WIDTH - 2, y, f"= {shown(product)}", svg.BACKWARD, text_anchor="end")
            )
            said.append(f"{label}: {head} {tail} · {start} = {shown(product)}")
            y += row
        if k:
            label = f"δ{'₁₂'[k - 1]}⁽¹⁾ = {shown(e.delta1[k - 1])}"
            parts.append(
                svg.text(right - 8, y, label, svg.BACKWARD, text_anchor="end", font_weight=600)
            )
            y += 20
        y += 16
    label = f"δ⁽²⁾ = {shown(e.delta2)}"
    parts.append(svg.text((left + middle) / 2, y, label, svg.BACKWARD, font_weight=600))
    parts.append(_frame(left, 51, middle - left, y + 9 - 51))
    return drawing(title, y + 14, "; ".join(said), *parts)


def routes(title: str, example: Example = ROUND) -> Drawing:
    """Draw the two routes from the first input to the loss, and the sum of what comes back."""
    e = example
    first, last = (44.0, 101.0), (388.0, 101.0)
    hidden = ((258.0, 54.0), (258.0, 148.0))
    parts, shares = [], [float(e.W1[0, j] * e.delta1[j]) for j in (0, 1)]
    for j, middle in enumerate(hidden):
        for start, end, weight in ((first, middle, e.W1[0, j]), (middle, last, e.W2[j])):
            parts.append(arrow(start, end, svg.FORWARD, THIN))
            parts.append(arrow(end, start, svg.BACKWARD, NOW))
            x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
            parts.append(svg.plate(x, y, shown(weight), svg.FORWARD))
    names = (LETTERS[0, 0], LETTERS[1, 0], LETTERS[1, 1], LETTERS[2, 0])
    for (x, y), letters in zip((first, *hidden, last), names, strict=True):
        parts.append(
            svg.element(
                "circle", cx=x, cy=y, r=RADIUS, fill=svg.GROUND, stroke=svg.FORWARD,
                stroke_width="1.5",
            )
        )  # fmt: skip
        parts.append(svg.text(x, y + 5, letters, font_weight=600, font_size=16))
    said = []
    for j, (middle, foot) in enumerate(zip(hidden, (18.0, 193.0), strict=True)):
        error = f"δ{'₁₂'[j]}⁽¹⁾ = {shown(e.delta1[j])}"
        product = f"{shown(e.W1[0, j])} · {factor(e.delta1[j])} = {shown(shares[j])}"
        parts.append(svg.text(middle[0], foot, error, svg.BACKWARD))
        parts.append(svg.text(4, (50.0, 162.0)[j], product, svg.BACKWARD, text_anchor="start"))
        said.append(f"{error}; over the weight {shown(e.W1[0, j])}: {product}")
    parts.append(
        svg.text(
            svg.WIDTH - 4, last[1] + RADIUS + 34, f"δ⁽²⁾ = {shown(e.delta2)}", svg.BACKWARD,
            text_anchor="end",
        )
    )  # fmt: skip
    total = f"∂L/∂x₁ = {shown(shares[0])} {plus(shares[1])} = {shown(e.sent(0))}"
    parts.append(svg.text(4, 216, total, svg.BACKWARD, text_anchor="start", font_weight=600))
    return drawing(title, 226, "; ".join([*said, total]), *parts)


def _frame(x: float, y: float, wide: float, high: float) -> str:
    return svg.element(
        "rect", x=float(x), y=float(y), width=float(wide), height=float(high), rx=7, fill="none",
        stroke=svg.BACKWARD, stroke_width="1.5",
    )  # fmt: skip


def lifetimes(title: str, rows: Sequence[tuple[str, int, Sequence[int]]], lines: int) -> Drawing:
    """Draw from which line of a program to which a value must be kept.

    Parameters
    ----------
    title : str
        What the picture shows.
    rows : sequence of (name, line, lines)
        A value, the line that computes it (0: before the program), and those that read it.
    lines : int
        How many lines the program has.
    """
    left, top, row = 74, 30, 23
    step = (svg.WIDTH - left - 22) / lines
    parts = [svg.text(2, 16, "line", text_anchor="start")]
    for k in range(1, lines + 1):
        x = left + step * k
        parts.append(svg.text(x, 16, str(k)))
        parts.append(
            svg.element(
                "line",
                x1=x,
                y1=float(top - 6),
                x2=x,
                y2=float(top + row * len(rows)),
                stroke="currentColor",
                stroke_width="0.6",
                opacity="0.4",
            )
        )
    for k, (label, made, read) in enumerate(rows):
        y = top + row * (k + 0.5)
        paint = svg.BACKWARD if label[0] in "δ∂" else svg.FORWARD
        parts.append(svg.text(0, y + 5, label, paint, text_anchor="start"))
        start, end = left + step * made, left + step * max(read)
        if not made:
            start = left + step * 0.45
        parts.append(
            svg.element(
                "line",
                x1=start,
                y1=y,
                x2=end,
                y2=y,
                stroke=paint,
                stroke_width="5",
                stroke_linecap="round",
            )
        )
        for use in read:
            parts.append(
                svg.element(
                    "circle",
                    cx=left + step * use,
                    cy=y,
                    r="6.5",
                    fill=svg.GROUND,
                    stroke=paint,
                    stroke_width="2.5",
                )
            )
    said = "; ".join(f"{label}: last read in line {max(read)}" for label, _, read in rows)
    return drawing(title, top + row * len(rows) + 8, said, *parts)


def descents(
    panels: Mapping[str, Mapping[str, Array]], last: Sequence[int], level: float, title: str
) -> Drawing:
    """Draw the training losses of several ways to train, one panel for each learning rate.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array, shape (seeds, updates)
        By what stands above the panel, and by way to train: one curve for each seed.
    last : sequence of int
        The last update of each panel.
    level : float
        The loss at which a thin line is drawn.
    title : str
        What the picture shows.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    figure, axes = plt.subplots(
        1, len(panels), figsize=(4.6, 2.6), sharey=True, layout="constrained", squeeze=False
    )
    paints = (INK, COLORS[3], COLORS[2])  # blue and orange mean forward and backward here
    for ax, (above, runs), end in zip(axes[0], panels.items(), last, strict=True):
        ax.axhline(level, color="0.5", linewidth=0.8, zorder=0)
        for (arm, losses), style, paint in zip(runs.items(), ("-", "--", ":"), paints, strict=True):
            updates = np.arange(losses.shape[1])
            behind = {"zorder": 1, "alpha": 0.12} if style == ":" else {"zorder": 2, "alpha": 0.25}
            ax.fill_between(updates, losses.min(0), losses.max(0), color=paint, lw=0, **behind)
            middle = np.median(losses, axis=0)
            ax.plot(
                updates, middle, style, color=paint, label=arm, zorder=behind["zorder"] + 1,
                linewidth=1.2 if style == ":" else 2,
            )  # fmt: skip
        ax.set_title(above)
        ax.set(xlim=(0, end), ylim=(0, 0.27), xticks=(0, end // 3, 2 * end // 3))
    axes[0, 0].set_ylabel("training loss")
    axes[0, len(panels) // 2].set_xlabel("updates")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    return plotted(figure, title)
