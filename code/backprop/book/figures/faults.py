"""A program with faults: its pieces, its score, the compass, and what each fix changed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

LEFT, BOX = 22, 84
"""Where the boxes of the program's pieces begin, and how wide they are."""
ORDER = ("data", "start", "forward", "loss", "backward", "update", "accuracy")
LOOP = ("forward", "update")
"""The first and the last piece of the training loop."""
DOES = {
    "data": "images x, labels y",
    "start": "random W⁽¹⁾ and W⁽²⁾",
    "forward": "outputs p",
    "loss": "mean of (p − y)²",
    "backward": "gradients dW⁽¹⁾, dW⁽²⁾",
    "update": "subtract rate · gradient",
    "accuracy": "share of right answers",
}
"""What each piece is for."""
HOLDS = {"data": 1, "start": 1, "forward": 2, "loss": 2, "backward": 3, "accuracy": 1}
"""How many faults a piece has."""


def program_loop(title: str, stops: str, message: str) -> Drawing:
    """Draw the pieces of the program, a question mark for each fault, and where it stops."""
    boxes, parts, y, said = {}, [], 6.0, []
    for piece in ORDER:
        high = 46.0 if piece == stops else 28.0
        boxes[piece] = (y, high + 4.0)
        parts += _box(piece, y, high)
        parts.append(_words(LEFT + BOX + 14, y + 19, DOES[piece], "currentColor"))
        parts += [
            part for k in range(HOLDS.get(piece, 0)) for part in _unknown(330 + 32.0 * k, y + 14)
        ]
        said.append(f"{piece}: {DOES[piece]}, {HOLDS.get(piece, 0)} faults")
        if piece == stops:
            words = f"stops here: {message}"
            parts.append(_words(LEFT + BOX + 14, y + 37, words, svg.BACKWARD, font_weight=600))
            said.append(words)
        y += high + 6.0
    return drawing(title, y, "; ".join(said), *parts, *_loop(boxes))


def _unknown(x: float, y: float) -> list[str]:
    ring = svg.element("circle", cx=x, cy=y, r=12.0, fill=svg.BACKWARD, stroke="none")
    return [ring, svg.text(x, y + 5, "?", svg.GROUND, font_weight=600)]


def _box(piece: str, y: float, high: float) -> list[str]:
    frame = svg.element(
        "rect", x=float(LEFT), y=y, width=float(BOX), height=high, rx=6.0,
        fill=svg.GROUND, stroke="currentColor", stroke_width="1.5",
    )  # fmt: skip
    return [frame, svg.text(LEFT + BOX / 2, y + high / 2 + 5, piece, font_weight=600)]


def _words(x: float, y: float, words: str, fill: str, **attributes: int) -> str:
    return svg.text(x, y, words, fill, text_anchor="start", **attributes)


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


class Stage(NamedTuple):
    """What ten runs of a program show.

    Attributes
    ----------
    name : str
        What was fixed.
    first, last : array or None
        The loss before the first and the last update, of each run; None where nobody keeps it.
    printed, right : array
        The accuracy that the program prints, and the share of images that it has right.
    """

    name: str
    first: ArrayLike | None
    last: ArrayLike | None
    printed: ArrayLike
    right: ArrayLike


LOSS, SHARE = (102.0, 226.0), (254.0, 408.0)
"""Where 0 and 1 stand on the axes of the loss and of the accuracy."""
ROW, HEAD = 31.0, 60.0
"""From one stage to the next, and where the first one begins."""


def strip(stages: Sequence[Stage], title: str, shaded: Sequence[str] = ()) -> Drawing:
    """Draw a row for each stage: the loss, first and last, and the accuracy, printed and right.

    The rows of the stages named in ``shaded`` have a darker ground.
    """
    foot = HEAD + ROW * len(stages)
    parts = _axis(LOSS, "loss", "first", "currentColor", "last", 0.25, "¼", foot)
    parts += _axis(SHARE, "accuracy", "printed", svg.BACKWARD, "right", 0.5, "½", foot)
    said = []
    for k, stage in enumerate(stages):
        y = HEAD + ROW * k
        if stage.name in shaded:
            parts.append(
                svg.element("rect", x=0.0, y=y, width=svg.WIDTH, height=ROW, stroke="none",
                            fill="currentColor", fill_opacity="0.12")
            )  # fmt: skip
        parts.append(_line(4.0, y, SHARE[1], y, "0.3"))
        parts.append(_words(4, y + 22, stage.name, "currentColor", font_weight=600))
        readings = (
            (LOSS, 9.0, stage.first, "currentColor"), (LOSS, 24.0, stage.last, None),
            (SHARE, 9.0, stage.printed, svg.BACKWARD), (SHARE, 24.0, stage.right, None),
        )  # fmt: skip
        heard = []
        for axis, down, values, paint in readings:
            parts += _marks(axis, y + down, values, paint)
            heard.append(span(values))
        said.append(
            f"{stage.name}: loss {heard[0]}, then {heard[1]}; "
            f"accuracy printed {heard[2]}, right {heard[3]}"
        )
    return drawing(title, foot + 4, ". ".join(said), *parts)


def _line(x1: float, y1: float, x2: float, y2: float, faint: str, dashes: str | None = None) -> str:
    return svg.element(
        "line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), stroke="currentColor",
        stroke_width="1", stroke_opacity=faint, stroke_dasharray=dashes,
    )  # fmt: skip


def _axis(
    ends: tuple[float, float], name: str, upper: str, paint: str, lower: str, guess: float,
    written: str, foot: float,
) -> list[str]:  # fmt: skip
    """Draw an axis from 0 to 1, what its marks mean, and the line of a plain guess."""
    low, high = ends
    at = low + guess * (high - low)
    middle = (low + high) / 2
    return [
        svg.text(middle, 14, name, font_weight=600),
        _tick(low + 2, 28, paint),
        _words(low + 8, 33, upper, paint),
        _dot(high - 6 - 7.2 * len(lower), 28),
        svg.text(high + 2, 33, lower, svg.FORWARD, text_anchor="end"),
        *(svg.text(x, 53, words) for x, words in ((low, "0"), (at, written), (high, "1"))),
        _line(low, HEAD, low, foot, "0.3"),
        _line(high, HEAD, high, foot, "0.3"),
        _line(at, HEAD, at, foot, "1", "2 3"),
    ]


def _tick(x: float, y: float, paint: str) -> str:
    return svg.element(
        "line", x1=float(x), y1=y - 5.0, x2=float(x), y2=y + 5.0, stroke=paint, stroke_width="2"
    )


def _dot(x: float, y: float) -> str:
    return svg.element("circle", cx=float(x), cy=float(y), r=3.6, fill=svg.FORWARD,
                       fill_opacity="0.7", stroke="none")  # fmt: skip


def _marks(
    ends: tuple[float, float], y: float, values: ArrayLike | None, paint: str | None
) -> list[str]:
    """Draw ticks in ``paint``, or dots; what is not on the axis is said in words."""
    low, high = ends
    color = paint or svg.FORWARD
    if values is None:
        return [_words(low + 44, y + 12, "not kept", color)] if paint else []
    runs = np.asarray(values, dtype=np.float64)
    if not np.isfinite(runs).all() or runs.min() > 1:
        return [svg.text(high - 4, y + 5, f"{span(runs)} →", color, text_anchor="end")]
    places = (low + (high - low) * np.minimum(runs, 1)).tolist()
    return [_tick(x, y, paint) if paint else _dot(x, y) for x in places]


def span(values: ArrayLike | None) -> str:
    """Say from where to where the values of several runs go."""
    if values is None:
        return "not kept"
    runs = np.asarray(values, dtype=np.float64)
    if not np.isfinite(runs).all():
        return "NaN"
    digits = 0 if runs.max() > 9 else 2
    ends = [f"{end:.{digits}f}" for end in (runs.min(), runs.max())]
    return " to ".join(dict.fromkeys(ends))


CELL_WIDE, CELL_HIGH = 66.0, 46.0


def two_by_two(
    panels: Sequence[tuple[str, Sequence[str], Sequence[str], Mapping[str, tuple[str, bool]]]],
    title: str,
) -> Drawing:
    """Draw what a check reads with neither of two faults, with one of them, and with both.

    Each panel has what is read, the names of the columns and of the rows, first without a fault and
    then with it, and the readings by "neither", "column", "row" and "both". A reading is its words
    ("low to high" goes on two lines), and whether it looks right. If so, it stands in a blue frame
    with a tick, and else in an orange one with a cross.
    """
    parts, said = [], []
    for k, (head, columns, rows, readings) in enumerate(panels):
        left = 46.0 + 222 * k
        parts.append(svg.text(left + CELL_WIDE + 5, 16, head, font_weight=600))
        names = iter(("neither", "column", "row", "both"))
        for i, row in enumerate(rows):
            top = 48 + (CELL_HIGH + 6) * i
            parts.append(svg.text(left - 6, top + CELL_HIGH / 2 + 5, row, text_anchor="end"))
            for j, column in enumerate(columns):
                x = left + (CELL_WIDE + 10) * j
                if i == 0:
                    parts.append(svg.text(x + CELL_WIDE / 2, 40, column))
                words, right = readings[next(names)]
                parts += _reading(x, top, words, right)
                said.append(f"{head}, {column}, {row}: {words}")
    return drawing(title, 48 + 2 * (CELL_HIGH + 6), "; ".join(said), *parts)


def _reading(x: float, y: float, words: str, right: bool) -> list[str]:
    paint = svg.FORWARD if right else svg.BACKWARD
    frame = svg.element(
        "rect", x=x, y=y, width=CELL_WIDE, height=CELL_HIGH, rx=4.0, fill=svg.GROUND, stroke=paint,
        stroke_width="2", stroke_dasharray=None if right else "5 3",
    )  # fmt: skip
    low, _, high = f"{'✓' if right else '✗'} {words}".partition(" to ")
    lines = [low, f"to {high}"] if high else [low]
    first = y + CELL_HIGH / 2 + 5 - 8 * (len(lines) - 1)
    middle = x + CELL_WIDE / 2
    return [frame, *(svg.text(middle, first + 17 * k, line, paint) for k, line in enumerate(lines))]
