"""A program with faults: its pieces, its score, the compass, and its losses fix after fix."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

LEFT, BOX = 22, 84
"""Where the boxes of the program's pieces begin, and how wide they are."""
ORDER = ("data", "start", "forward", "target", "loss", "backward", "update", "accuracy")
LOOP = ("forward", "update")
"""The first and the last piece of the training loop."""
DOES = {
    "data": "images x, labels y",
    "start": "random W⁽¹⁾ and W⁽²⁾",
    "forward": "outputs p",
    "target": "what p should be",
    "loss": "mean of (p − target)²",
    "backward": "gradients dW⁽¹⁾, dW⁽²⁾",
    "update": "subtract rate · gradient",
    "accuracy": "share of right answers",
}
"""What each piece is for."""
HOLDS = {
    "data": 1, "start": 1, "forward": 2, "target": 1, "loss": 1, "backward": 3, "accuracy": 1,
}  # fmt: skip
"""How many faults a piece has."""


def program_loop(title: str, stops: str, message: str) -> Drawing:
    """Draw the pieces of the program, a question mark for each fault, and where it stops."""
    boxes, parts, y, said = {}, [], 6.0, []
    for piece in ORDER:
        high = 44.0 if piece == stops else 26.0
        boxes[piece] = (y, high + 3.0)
        parts += _box(piece, y, high)
        parts.append(_words(LEFT + BOX + 14, y + 18, DOES[piece], "currentColor"))
        parts += [
            part for k in range(HOLDS.get(piece, 0)) for part in _unknown(330 + 32.0 * k, y + 13)
        ]
        said.append(f"{piece}: {DOES[piece]}, {HOLDS.get(piece, 0)} faults")
        if piece == stops:
            words = f"stops here: {message}"
            parts.append(_words(LEFT + BOX + 14, y + 36, words, svg.BACKWARD, font_weight=600))
            said.append(words)
        y += high + 4.0
    return drawing(title, y, "; ".join(said), *parts, *_loop(boxes))


def _unknown(x: float, y: float) -> list[str]:
    ring = svg.element("circle", cx=x, cy=y, r=11.5, fill=svg.BACKWARD, stroke="none")
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


UNIT, MARGIN = 18.0, 54.0
"""The length of the loss's gradient in the drawing of the compass; where its columns begin."""
READINGS = (
    ("right", ((1.0, 1.0),), ("1", "1")),
    ("factor", ((1.0, 2.0),), ("1", "2")),
    ("sign", ((-1.0, 1.0),), ("−1", "1")),
    ("formula", ((0.9, 1.6), (0.5, 0.8), (0.1, 1.4)), ("scatters", "scatters")),
    ("entry", ((0.98, 0.98),), ("near 1", "near 1")),
    ("slope", ((0.99, 4.2),), ("near 1", "near 4")),
)
"""What is wrong; the (cosine, ratio) of each arrow drawn; what the compass says of either."""


def compass_readings(title: str) -> Drawing:
    """Draw the gradient of the loss and, beside it, a program's version of it."""
    column = (svg.WIDTH - MARGIN) / len(READINGS)
    parts = [svg.text(4, 112 + svg.LINE * j, line, text_anchor="start")
             for j, line in enumerate(("cosine", "ratio"))]  # fmt: skip
    tilt, said = math.radians(55), []
    for k, (name, arrows, words) in enumerate(READINGS):
        x = MARGIN + column * (k + 0.5)
        parts.append(svg.text(x, 16, name, font_weight=600))
        alone = len(arrows) == 1
        alike = alone and arrows[0][0] > 0  # side by side, or one would hide the other
        back = UNIT * arrows[0][1] / 2 if alike else 0.0
        start = (x - back * math.cos(tilt), 64 + back * math.sin(tilt))
        if not alone:
            start = (x - 4, 80.0)
        side = 4.5 if alike else 0.0
        parts.append(_arrow(start, tilt, UNIT, svg.FORWARD, -side))
        for cosine, ratio in arrows:
            turned = tilt + math.acos(cosine)
            parts.append(_arrow(start, turned, ratio * UNIT, svg.BACKWARD, side, "6 3"))
        parts += [svg.text(x, 112 + svg.LINE * j, line) for j, line in enumerate(words)]
        said.append(f"{name}: cosine {words[0]}, ratio {words[1]}")
    return drawing(title, 136, "; ".join(said), *parts)


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


LEFTS, PANEL = (44.0, 146.0, 240.0, 334.0), 82.0
"""Where the panels of losses and readings begin, and how wide they are."""
EDGE = 39.0
"""Where the numbers beside the first panel end."""
CEILING, FLOOR = 30.0, 136.0
"""Where the losses HIGH and LOW stand, on a logarithmic axis."""
LOW, HIGH, GUESS = 0.01, 300.0, 0.25
"""The ends of the axis, and the loss of a network that always answers ½."""
UP, DOWN = 178.0, 242.0
"""Where the cosines 1 and −1 stand."""
RATIOS = (0.7, 80.0)
"""The ratios at the two edges of a panel."""


def losses_and_compass(panels: Mapping[str, tuple[ArrayLike, ArrayLike]], title: str) -> Drawing:
    """Draw for each of at most four programs the loss of every run, and below it the compass.

    Parameters
    ----------
    panels : mapping of str to (losses, readings)
        By the name of a program, the losses of its runs, of shape (runs, updates), and pairs of
        cosine and ratio, in any shape that ends with 2.
    title : str
        What the picture shows, for those who do not see it.
    """
    parts = [
        svg.text(EDGE, y + 5, words, text_anchor="end")
        for y, words in ((UP, "1"), ((UP + DOWN) / 2, "0"), (DOWN, "−1"), (DOWN + 20, "ratio"))
    ]
    for words, y in (("loss", (CEILING + FLOOR) / 2), ("cosine", (UP + DOWN) / 2)):
        parts.append(svg.text(12, y, words, transform=f"rotate(-90 12 {y:.0f})"))
    parts += [svg.text(EDGE, _height(loss) + 5, words, text_anchor="end")
              for loss, words in ((100, "100"), (1, "1"), (GUESS, "¼"), (LOW, "0.01"))]  # fmt: skip
    said = []
    for left, (name, (given, read)) in zip(LEFTS, panels.items(), strict=False):
        losses = np.asarray(given, dtype=np.float64)
        readings = np.asarray(read, dtype=np.float64).reshape(-1, 2)
        parts.append(svg.text(left + PANEL / 2, 16, name, font_weight=600))
        parts += _loss_axes(left, losses.shape[1])
        parts += [_curve(run, left) for run in losses]
        verdict = _verdict(readings)
        parts += [*_readings(left, readings), svg.text(left + PANEL / 2, DOWN + 39, verdict,
                                                       font_weight=600)]  # fmt: skip
        ends = [span(losses[:, at]) for at in (0, -1)]
        said.append(f"{name}: loss {ends[0]}, then {ends[1]}; compass: {verdict}")
    return drawing(title, DOWN + 46, "; ".join(said), *parts)


def _height(loss: float) -> float:
    """Return where a loss stands: what lies beyond the axis, at its end."""
    share = math.log(min(max(loss, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return FLOOR - (FLOOR - CEILING) * share


def _loss_axes(left: float, updates: int) -> list[str]:
    guess = _height(GUESS)
    return [
        _line(left, FLOOR, left + PANEL, FLOOR, "0.4"),
        _line(left, CEILING, left, FLOOR, "0.4"),
        _line(left, guess, left + PANEL, guess, "1", "2 3"),
        svg.text(left + 3, FLOOR + 17, "1"),
        svg.text(left + PANEL, FLOOR + 17, f"{updates}", text_anchor="end"),
    ]


def _readings(left: float, readings: NDArray[np.float64]) -> list[str]:
    """Draw cosines upwards and ratios to the right, and a ring where a right gradient stands."""

    def across(ratio: float) -> float:
        low, high = RATIOS
        return left + PANEL * math.log(ratio / low) / math.log(high / low)

    def height(cosine: float) -> float:
        return (UP + DOWN) / 2 - cosine * (DOWN - UP) / 2

    dots = dict.fromkeys((round(across(r), 1), round(height(c), 1)) for c, r in readings.tolist())
    ring = across(1), height(1)
    paints = [
        svg.FORWARD if math.dist(dot, ring) < 0.2 else svg.BACKWARD for dot in dots
    ]  # fmt: skip
    return [
        _line(left, height(0), left + PANEL, height(0), "0.4"),
        _line(left, UP - 8, left, DOWN + 6, "0.4"),
        _line(left, DOWN + 6, left + PANEL, DOWN + 6, "0.4"),
        *(svg.text(across(r), DOWN + 21, f"{r}") for r in (1, 5, 50)),
        svg.element(
            "circle", cx=ring[0], cy=ring[1], r=6.5, fill="none", stroke="currentColor",
            stroke_width="1.2",
        ),
        *(
            svg.element("circle", cx=x, cy=y, r=3.2, fill=paint, fill_opacity="0.75")
            for (x, y), paint in zip(dots, paints, strict=True)
        ),
    ]  # fmt: skip


def _verdict(readings: NDArray[np.float64]) -> str:
    if not np.allclose(readings, readings[0], atol=0.005):
        return "scatter"
    return " and ".join(f"{value:.3g}" for value in readings[0].tolist()).replace("-", "−")


def _curve(losses: NDArray[np.float64], left: float) -> str:
    """Draw the losses of a run, as far as they are finite."""
    at = np.linspace(0, len(losses) - 1, 21).round().astype(int)
    kept = at[: int(np.argmin([*np.isfinite(losses[at]), False]))]
    x = left + PANEL * kept / (len(losses) - 1)
    points = " ".join(
        f"{a:.1f},{_height(loss):.1f}"
        for a, loss in zip(x.tolist(), losses[kept].tolist(), strict=True)
    )
    return svg.element(
        "polyline", points=points, fill="none", stroke=svg.FORWARD, stroke_width="1.5",
        stroke_opacity="0.7",
    )  # fmt: skip


def _line(x1: float, y1: float, x2: float, y2: float, faint: str, dashes: str | None = None) -> str:
    return svg.element(
        "line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), stroke="currentColor",
        stroke_width="1", stroke_opacity=faint, stroke_dasharray=dashes,
    )  # fmt: skip


def span(values: ArrayLike) -> str:
    """Say from where to where the values of several runs go."""
    runs = np.asarray(values, dtype=np.float64)
    if not np.isfinite(runs).all():
        return "NaN"
    digits = 0 if runs.max() > 9 else 2
    ends = [f"{end:.{digits}f}" for end in (runs.min(), runs.max())]
    return " to ".join(dict.fromkeys(ends))
