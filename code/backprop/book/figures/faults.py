"""A program with faults: its pieces, what its gradients are like, and what each fix buys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.figures import svg, switches
from backprop.book.figures.by_hand import Drawing, drawing
from backprop.book.ten_faults import FIXES

LEFT, BOX = 22, 84
"""Where the boxes of the program's pieces begin, and how wide they are."""
ORDER = ("data", "start", "target", "forward", "loss", "backward", "update", "accuracy")
LOOP = ("forward", "update")
"""The first and the last piece of the training loop."""
DOES = {
    "data": "images and labels",
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
    "data": (7,), "start": (6, 10), "target": (8,), "forward": (3, 10), "loss": (2,),
    "backward": (1, 4, 5, 10), "accuracy": (9,),
}  # fmt: skip
"""Which faults a piece has: the biases are missing in three."""


def program_loop(title: str, stops: str, message: str) -> Drawing:
    """Draw the pieces of the program, the number of each fault, and where it stops."""
    boxes, parts, y, said = {}, [], 6.0, []
    for piece in ORDER:
        high = 44.0 if piece == stops else 26.0
        boxes[piece] = (y, high + 3.0)
        parts += _box(piece, y, high)
        parts.append(_words(LEFT + BOX + 14, y + 18, DOES[piece], "currentColor"))
        held = HOLDS.get(piece, ())
        parts += [part for k, fault in enumerate(held) for part in _fault(316 + 30.0 * k, y + 13,
                                                                          fault)]  # fmt: skip
        said.append(f"{piece}: {DOES[piece]}, faults {[*held]}")
        if piece == stops:
            words = f"stops here: {message}"
            parts.append(_words(LEFT + BOX + 14, y + 36, words, svg.BACKWARD, font_weight=600))
            said.append(words)
        y += high + 4.0
    return drawing(title, y, "; ".join(said), *parts, *_loop(boxes))


def _fault(x: float, y: float, number: int) -> list[str]:
    ring = svg.element("circle", cx=x, cy=y, r=11.5, fill=svg.BACKWARD, stroke="none")
    return [ring, svg.text(x, y + 5, f"{number}", svg.GROUND, font_weight=600)]


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


PANELS, ACROSS, TOP, BOTTOM = (52.0, 178.0, 304.0), 108.0, 50.0, 200.0
"""Where the panels of the compass begin, how wide they are, and between which heights they lie."""
SPAN, RATIOS = 1.2, (0.5, 130.0)
"""The cosines of a panel go from -SPAN to SPAN; the smallest ratio and the largest one."""
DOT, RING = "3.5", "6"
"""The radius of a reading of the first matrix, and of one of the second."""


def compass(
    panels: Sequence[tuple[str, str, Sequence[tuple[str, ArrayLike]]]], title: str
) -> Drawing:
    """Draw what the compass reads at three stages of a program.

    Parameters
    ----------
    panels : sequence of (heading, verdict, groups)
        A group has its words, or none, and readings of shape (draws, 2, 2): for each draw and each
        of the two matrices, the cosine and the ratio.
    title : str
        What the picture shows, for those who do not see it.
    """
    parts, said = [svg.text(4, TOP - 6, "ratio", text_anchor="start")], []
    for ratio in (1, 10, 100):
        parts.append(svg.text(PANELS[0] - 6, _height(ratio) + 5, f"{ratio}", text_anchor="end"))
    for left, (heading, verdict, groups) in zip(PANELS, panels, strict=True):
        parts += _frame(left, heading, verdict)
        for words, readings in groups:
            found = np.asarray(readings, dtype=np.float64)
            parts += _readings(left, found)
            low, high = found.min(axis=(0, 1)), found.max(axis=(0, 1))
            said.append(
                f"{heading} {words}: cosines {low[0]:.2f} to {high[0]:.2f}, "
                f"ratios {low[1]:.1f} to {high[1]:.1f}"
            )
            x, y = _across(left, high[0]), _height(high[1])
            parts += [svg.text(x + 11, y + 5, words, text_anchor="start")] if words else []
    y = BOTTOM + 40
    parts += [
        svg.text(PANELS[1] + ACROSS / 2, BOTTOM + 18, "cosine"),
        _reading(100, y - 5, 0), svg.text(110, y, "W⁽¹⁾", text_anchor="start"),
        _reading(170, y - 5, 1), svg.text(182, y, "W⁽²⁾", text_anchor="start"),
        *_cross(246, y - 5), svg.text(258, y, "a right gradient", text_anchor="start"),
    ]  # fmt: skip
    return drawing(title, y + 8, "; ".join(said), *parts)


def _across(left: float, cosine: float) -> float:
    return left + (cosine + SPAN) / (2 * SPAN) * ACROSS


def _height(ratio: float) -> float:
    low, high = np.log(RATIOS)
    return float(BOTTOM - (np.log(ratio) - low) / (high - low) * (BOTTOM - TOP))


def _cross(x: float, y: float) -> list[str]:
    return [
        svg.element("line", x1=x - i, y1=y - j, x2=x + i, y2=y + j, stroke="currentColor",
                    stroke_width="1.5")
        for i, j in ((9.0, 0.0), (0.0, 9.0))
    ]  # fmt: skip


def _frame(left: float, heading: str, verdict: str) -> list[str]:
    """Draw a panel without its readings: its axes, and a cross where both numbers are 1."""
    middle = left + ACROSS / 2
    grid: dict[str, Any] = {"stroke": "currentColor", "stroke_opacity": "0.25"}
    return [
        svg.text(middle, 16, heading, font_weight=600), svg.text(middle, 36, verdict),
        svg.element("rect", x=left, y=TOP, width=ACROSS, height=BOTTOM - TOP, fill="none",
                    stroke="currentColor", stroke_opacity="0.6"),
        *(svg.element("line", x1=left, y1=_height(r), x2=left + ACROSS, y2=_height(r), **grid)
          for r in (1, 10, 100)),
        *(svg.element("line", x1=_across(left, c), y1=TOP, x2=_across(left, c), y2=BOTTOM, **grid)
          for c in (-1, 0, 1)),
        *(svg.text(_across(left, c), BOTTOM + 18, words)
          for c, words in ((-1, "−1"), (1, "1"))),
        *_cross(_across(left, 1), _height(1)),
    ]  # fmt: skip


def _reading(x: float, y: float, matrix: int) -> str:
    if matrix == 0:
        return svg.element("circle", cx=x, cy=y, r=DOT, fill=svg.FORWARD, fill_opacity="0.8")
    return svg.element(
        "circle", cx=x, cy=y, r=RING, fill="none", stroke=svg.BACKWARD, stroke_width="1.5"
    )


def _readings(left: float, readings: Any) -> list[str]:
    return [
        _reading(_across(left, cosine), _height(ratio), matrix)
        for draw in readings
        for matrix, (cosine, ratio) in enumerate(draw)
    ]


LOW, HIGH, SAID = 118.0, 298.0, 416.0
"""Where the shares 0 and 1 stand in the ladder of fixes, and where the words of its losses end."""
FIRST, STEP = 54.0, 22.0
"""The height of the ladder's first row, and from one row to the next."""


def ladder(baseline: Sequence[float], title: str) -> Drawing:
    """Draw what the program shows after each fix, as stored in ``ten_faults.json``.

    Parameters
    ----------
    baseline : sequence of float
        The shares of the new images that a simple classifier has right: the last row.
    title : str
        What the picture shows, for those who do not see it.
    """
    parts, said = [
        svg.text(4, 16, "mended", text_anchor="start", font_weight=600),
        svg.text((LOW + HIGH) / 2, 16, "share right", font_weight=600),
        svg.text(SAID, 16, "median loss", text_anchor="end", font_weight=600),
        *(svg.text(_share(v), 36, words) for v, words in ((0, "0"), (50, "½"), (100, "1"))),
    ], []  # fmt: skip
    rows = [("nothing", None), *((f"+ {k} {fix}", switches.view(range(k + 1, len(FIXES) + 1)))
                                 for k, fix in enumerate(FIXES, 1))]  # fmt: skip
    for k, (name, seen) in enumerate(rows):
        y = FIRST + STEP * k
        parts.append(svg.text(4, y + 5, name, text_anchor="start"))
        if seen is None:
            parts.append(
                svg.text(LOW, y + 5, "stops at its first update", svg.BACKWARD,
                         text_anchor="start", font_weight=600)
            )  # fmt: skip
            continue
        marks, words = seen["marks"], seen["words"]
        parts += _marks(y, marks["new"], marks["printed"])
        parts.append(svg.text(SAID, y + 5, words["loss"], text_anchor="end"))
        said.append(f"{name}: printed {words['printed']}, right {words['new']}, "
                    f"loss {words['loss']}")  # fmt: skip
    y = FIRST + STEP * len(rows)
    parts.append(svg.text(4, y + 5, "baseline", text_anchor="start"))
    parts += _marks(y, [round(100 * share) for share in baseline], [])
    middle = svg.element(
        "line", x1=_share(50), y1=FIRST + STEP / 2, x2=_share(50), y2=y + STEP / 2,
        stroke="currentColor", stroke_dasharray="2 3",
    )  # fmt: skip
    return drawing(title, y + STEP / 2 + 2, "; ".join(said), middle, *parts)


def _share(hundredths: float) -> float:
    return LOW + hundredths / 100 * (HIGH - LOW)


def _marks(y: float, right: Sequence[int], printed: Sequence[int]) -> list[str]:
    """Draw a row: dots for the shares that are right, and above them ticks for what is printed."""
    axis: dict[str, Any] = {"stroke": "currentColor", "stroke_opacity": "0.4"}
    return [
        svg.element("line", x1=LOW, y1=y + 3, x2=HIGH, y2=y + 3, **axis),
        *(svg.element("circle", cx=_share(v), cy=y + 3, r="4", fill=svg.FORWARD,
                      fill_opacity="0.55") for v in right),
        *(svg.element("line", x1=_share(v), y1=y - 9, x2=_share(v), y2=y - 2, stroke=svg.BACKWARD,
                      stroke_width="2.5") for v in printed),
    ]  # fmt: skip
