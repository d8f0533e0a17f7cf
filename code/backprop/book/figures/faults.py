"""A program's faults: where each sits, what it shows, what finds it; its score; the compass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

LEFT, BOX, TEXT = 22, 84, 146
"""Where the boxes begin, how wide they are, and where the words about a fault begin."""
LINE, ROW, GAP = 15.0, 34, 3.5
"""From one line to the next, from one fault to the next, between two boxes."""


@dataclass(frozen=True)
class Fault:
    """One fault of a program.

    Attributes
    ----------
    number : int
        Its place in the order in which the faults are mended.
    where : str
        The piece of the program.
    name, symptom, check : str
        What is wrong, when and how it shows, and what finds it.
    """

    number: int
    where: str
    name: str
    symptom: str
    check: str


FAULTS = (
    Fault(7, "data", "noise, and coins for labels", "new data: at chance",
          "try a simple baseline"),
    Fault(6, "start", "W⁽¹⁾ and W⁽²⁾ too large", "first loss far above ¼",
          "first loss, hidden values"),
    Fault(3, "forward", "output has no sigmoid", "the loss overflows",
          "cosine scatters"),
    Fault(10, "forward", "no hidden biases", "never, on these images",
          "try a symmetric task"),
    Fault(2, "loss", "computed, never looked at", "NaN ends in a score near ½",
          "stop at a loss that is not finite"),
    Fault(8, "loss", "label stretched over 2 outputs", "6 % or 95 % right, by chance",
          "shapes of target and output"),
    Fault(1, "backward", "lacks x and a⁽¹⁾", "ValueError at update 1",
          "shapes of gradient and weights"),
    Fault(4, "backward", "wrong sign", "the loss climbs",
          "cosine −1"),
    Fault(5, "backward", "a sum, not a mean", "more examples, longer steps",
          "ratio of lengths"),
    Fault(9, "accuracy", "column against two columns", "½ for a perfect network",
          "score a perfect output"),
)  # fmt: skip
"""In the order of the program; the numbers are the order in which they are mended."""
ORDER = ("data", "start", "forward", "loss", "backward", "update", "accuracy")
LOOP = ("forward", "update")
"""The first and the last piece of the training loop."""
DOES = {
    "data": "images x with labels y, and test images",
    "start": "random weights W⁽¹⁾ and W⁽²⁾",
    "forward": "outputs p from x, W⁽¹⁾ and W⁽²⁾",
    "loss": "mean of (y − p)²",
    "backward": "gradients dW⁽¹⁾ and dW⁽²⁾",
    "update": "subtract rate · gradient",
    "accuracy": "share of right answers on the test images",
}
"""What each piece is for."""
PAIRS = ((3, 4, 402.0), (8, 9, 414.0))
"""Faults that hide each other from one reading, and where the bracket that joins them stands."""
WITHIN = (6, 402.0)
"""The fault that is such a pair by itself."""


def program_loop(title: str, stops: str, message: str) -> Drawing:
    """Draw the pieces of the program and what each is for, and where it stops with what words."""
    boxes, parts, y, said = {}, [], 6.0, []
    for piece in ORDER:
        high = 46.0 if piece == stops else 28.0
        boxes[piece] = (y, high + 4.0)
        parts += _box(piece, y, high)
        parts.append(_words(LEFT + BOX + 14, y + 19, DOES[piece], "currentColor"))
        said.append(f"{piece}: {DOES[piece]}")
        if piece == stops:
            words = f"stops here: {message}"
            parts.append(_words(LEFT + BOX + 14, y + 37, words, svg.BACKWARD, font_weight=600))
            said.append(words)
        y += high + 6.0
    return drawing(title, y, "; ".join(said), *parts, *_loop(boxes))


def fault_map(title: str, faults: Sequence[Fault] = FAULTS) -> Drawing:
    """Draw the pieces of the program, beside each its faults, and brackets round the pairs."""
    boxes, parts, y, rows = {}, [], 8.0, {}
    for piece in ORDER:
        here = [f for f in faults if f.where == piece]
        height = ROW * len(here) if here else 30.0
        boxes[piece] = (y, height)
        parts += _box(piece, y, height - 4.0)
        for k, fault in enumerate(here):
            rows[fault.number] = y + ROW * k
            parts += _lines(y + ROW * k, fault)
        if not here:
            parts.append(_words(LEFT + BOX + 12, y + 18, "no fault", "currentColor"))
        y += height + GAP
    parts += _loop(boxes)
    for first, second, x in PAIRS:
        if {first, second} <= set(rows):
            parts.append(_bracket(x, rows[first] + 13, rows[second] + 13))
    number, x = WITHIN
    if number in rows:
        parts.append(_bracket(x, rows[number] + 3, rows[number] + 26))
    said = "; ".join(
        f"{f.number}, in {f.where}: {f.name}. {f.symptom}. Check: {f.check}" for f in faults
    )
    return drawing(title, y, said, *parts)


def _box(piece: str, y: float, high: float) -> list[str]:
    frame = svg.element(
        "rect", x=float(LEFT), y=y, width=float(BOX), height=high, rx=6.0,
        fill=svg.GROUND, stroke="currentColor", stroke_width="1.5",
    )  # fmt: skip
    return [frame, svg.text(LEFT + BOX / 2, y + high / 2 + 5, piece, font_weight=600)]


def _bracket(x: float, top: float, bottom: float) -> str:
    path = f"M {x - 9:.0f} {top:.0f} H {x:.0f} V {bottom:.0f} H {x - 9:.0f}"
    return svg.element("path", d=path, fill="none", stroke=svg.BACKWARD, stroke_width="2.5")


def _words(x: float, y: float, words: str, fill: str, **attributes: int) -> str:
    return svg.text(x, y, words, fill, text_anchor="start", **attributes)


def _lines(y: float, fault: Fault) -> list[str]:
    middle = LEFT + BOX + 20.0
    ring = svg.element(
        "circle", cx=middle, cy=y + 15.0, r=12.0, fill=svg.BACKWARD, stroke="none"
    )  # fmt: skip
    number = svg.text(middle, y + 20, str(fault.number), svg.GROUND, font_weight=600)
    return [
        ring,
        number,
        _words(TEXT, y + 12, fault.name, "currentColor", font_weight=600),
        _words(TEXT, y + 12 + LINE, fault.symptom, svg.BACKWARD),
    ]


def _loop(boxes: dict[str, tuple[float, float]]) -> list[str]:
    """Draw the way from the end of the loop back to its beginning, left of the boxes."""
    top = boxes[LOOP[0]][0] + 15
    bottom = boxes[LOOP[1]][0] + 13
    x, end = 9.0, LEFT - 3.0
    path = f"M {LEFT} {bottom:.0f} H {x:.0f} V {top:.0f} H {end - 6:.0f}"
    head = f"{end:.0f},{top:.0f} {end - 8:.0f},{top - 5:.0f} {end - 8:.0f},{top + 5:.0f}"
    return [
        svg.element("path", d=path, fill="none", stroke="currentColor", stroke_width="1.5"),
        svg.element("polygon", points=head, fill="currentColor"),
    ]


SQUARE, PITCH, TOP = 24.0, 29.0, 38.0
"""The side of an entry's square, from one row to the next, and where the rows begin."""
HEADS = (("label", 58.0), ("label, twice", 158.0), ("p > 0.5", 268.0), ("equal?", 370.0))
"""What stands in each group of squares, and its middle."""


def stretched_score(labels: Sequence[int], outputs: Sequence[Sequence[int]], title: str) -> Drawing:
    """Draw a column of labels, compared entry by entry with two columns of outputs."""
    parts = [svg.text(x, 20, words, font_weight=600) for words, x in HEADS]
    equal = 0
    for k, (label, row) in enumerate(zip(labels, outputs, strict=True)):
        y = TOP + PITCH * k
        parts += _square(HEADS[0][1], y, str(label))
        for j, entry in enumerate(row):
            side = (j - (len(row) - 1) / 2) * (SQUARE + 4)
            agree = label == entry
            equal += agree
            paint = svg.FORWARD if agree else svg.BACKWARD
            parts += _square(HEADS[1][1] + side, y, str(label), dashes="4 3" if j else None)
            parts += _square(HEADS[2][1] + side, y, str(entry))
            parts += _square(HEADS[3][1] + side, y, "✓" if agree else "✗", paint)
    entries = sum(map(len, outputs))
    foot = TOP + PITCH * len(labels)
    words = f"{equal} of {entries} entries are equal"
    parts.append(svg.text(HEADS[2][1] + 40, foot + 16, words, font_weight=600))
    return drawing(title, foot + 26, f"labels {labels}, outputs {outputs}: {words}", *parts)


def _square(
    x: float, y: float, words: str, paint: str = "currentColor", dashes: str | None = None
) -> list[str]:
    """Draw an entry, its middle at x and its upper edge at y."""
    frame = svg.element(
        "rect", x=x - SQUARE / 2, y=y, width=SQUARE, height=SQUARE, rx=3.0, fill=svg.GROUND,
        stroke=paint, stroke_width="1.5", stroke_dasharray=dashes,
    )  # fmt: skip
    return [frame, svg.text(x, y + 17, words, paint)]


UNIT = 34.0
"""The length of the loss's gradient in the drawing of the compass."""
READINGS = (
    ("right", ((1.0, 1.0),), ("cosine 1", "ratio 1")),
    ("factor", ((1.0, 2.0),), ("cosine 1", "ratio 2")),
    ("sign", ((-1.0, 1.0),), ("cosine −1", "ratio 1")),
    ("formula", ((0.9, 1.6), (0.5, 0.8), (0.1, 1.4)), ("both", "scatter")),
)
"""What is wrong; the (cosine, ratio) of each arrow drawn; what the compass says."""


def compass_readings(title: str) -> Drawing:
    """Draw the gradient of the loss and, beside it, a program's version of it."""
    parts, said, column = [], [], svg.WIDTH / len(READINGS)
    tilt = math.radians(40)
    for k, (name, arrows, words) in enumerate(READINGS):
        x = column * (k + 0.5)
        parts.append(svg.text(x, 16, name, font_weight=600))
        alone = len(arrows) == 1
        alike = alone and arrows[0][0] > 0  # side by side, or one would hide the other
        back = UNIT * arrows[0][1] / 2 if alike else 0.0
        start = (x - back * math.cos(tilt), 60 + back * math.sin(tilt))
        if not alone:
            start = (x - 20, 84.0)
        side = 4.5 if alike else 0.0
        parts.append(_arrow(start, tilt, UNIT, svg.FORWARD, -side))
        for cosine, ratio in arrows:
            turned = tilt + math.acos(cosine)
            parts.append(_arrow(start, turned, ratio * UNIT, svg.BACKWARD, side, "6 3"))
        parts += [svg.text(x, 114 + svg.LINE * j, line) for j, line in enumerate(words)]
        said.append(f"{name}: {', '.join(words)}")
    return drawing(title, 138, "; ".join(said), *parts)


def _arrow(
    start: tuple[float, float],
    angle: float,
    long: float,
    paint: str,
    side: float,
    dashes: str | None = None,
) -> str:
    """Draw an arrow from ``start``, turned anticlockwise, and moved by ``side`` to its left."""
    ux, uy = math.cos(angle), -math.sin(angle)
    x, y = start[0] + side * uy, start[1] - side * ux
    tip = x + long * ux, y + long * uy
    return svg.pointer((x, y), tip, paint, "2.5", 9, 5, stroke_dasharray=dashes)
