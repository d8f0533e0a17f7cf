"""The picture of a 2-3-1 network's decision regions as SVG.

``explorer.js`` draws the same in the browser, to the last digit: a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.svg import FORWARD, GROUND, element, fixed, text

CLASS_ONE = "var(--bp-backward, #B34E00)"
DASHES = ("", "10 5", "2 5")
"""One a hidden unit."""


@dataclass(frozen=True)
class Window:
    """The part of the plane that is drawn, and where: ``side`` units from (left, top).

    Attributes
    ----------
    low, high : float
        The ends of both axes: the unit square and a margin.
    side, left, top : int
        Place of the square in the drawing.
    rows : int
        How many rows, and cells of a row, the region is made of.
    """

    low: float = -0.2
    high: float = 1.2
    side: int = 400
    left: int = 26
    top: int = 4
    rows: int = 100

    def across(self, x1: float) -> float:
        """Return where x₁ stands in the drawing."""
        return self.left + (x1 - self.low) / (self.high - self.low) * self.side

    def down(self, x2: float) -> float:
        """Return where x₂ stands in the drawing."""
        return self.top + (self.high - x2) / (self.high - self.low) * self.side

    def geometry(self) -> dict[str, float]:
        """Return what the script needs, by name."""
        return asdict(self)


def region(logit: Callable[[Array], Array], window: Window) -> str:
    """Return the SVG path of where z > 0 at the output, row by row.

    Parameters
    ----------
    logit : callable
        From points of shape (n, 2) to the output's z, shape (n,).
    window : Window
        In each of its rows z is computed at the edges of square cells.
    """
    side, top, rows = window.side, window.top, window.rows
    edges = window.low + np.arange(rows + 1) * (window.high - window.low) / rows
    path = []
    for r in range(rows):
        middle = window.high - (r + 0.5) * (window.high - window.low) / rows
        z = logit(np.stack([edges, np.full(rows + 1, middle)], axis=1)).tolist()
        above, below = top + r * side // rows, top + (r + 1) * side // rows
        xs = [fixed(x) for x in _ends(z, window)]
        path += [f"M{a} {above}H{b}V{below}H{a}Z" for a, b in zip(xs[::2], xs[1::2], strict=True)]
    return "".join(path)


def _ends(z: list[float], window: Window) -> list[float]:
    """Where z > 0 along a row; an end between two cells is interpolated."""
    left, side, rows = window.left, window.side, window.rows
    inner = [
        left + (c + a / (a - b)) * side / rows
        for c, (a, b) in enumerate(pairwise(z))
        if (a > 0) != (b > 0)
    ]
    first: list[float] = [left] if z[0] > 0 else []
    last: list[float] = [left + side] if z[-1] > 0 else []
    return first + inner + last


def crossing(u: float, v: float, b: float, window: Window) -> list[tuple[float, float]]:
    """Return the two points where u x₁ + v x₂ + b = 0 meets the window's edge, or none."""
    low, high = window.low, window.high
    found = []
    for x in (low, high):
        if v and low <= -(u * x + b) / v <= high:
            found.append((x, -(u * x + b) / v))
        if u and low < -(v * x + b) / u < high:
            found.append((-(v * x + b) / u, x))
    return found[:2] if len(found) > 1 else []


def unit_line(j: int, unit: Sequence[float], window: Window) -> str:
    """Draw the line z = 0 of hidden unit j, with its number on the side where z > 0.

    ``unit`` is its two weights and its bias.
    """
    u, v, b = unit
    ends, word, shown = {}, (0.0, 0.0), crossing(u, v, b, window)
    if shown:
        (x1, y1), (x2, y2) = shown
        ends = {
            "x1": window.across(x1), "y1": window.down(y1),
            "x2": window.across(x2), "y2": window.down(y2),
        }  # fmt: skip
        length = float(np.hypot(u, v))
        word = (
            window.across(0.7 * x1 + 0.3 * x2) + 14 * u / length,
            window.down(0.7 * y1 + 0.3 * y2) - 14 * v / length + 6,
        )
    line = element(
        "line", **ends, stroke="currentColor", stroke_width=2, stroke_dasharray=DASHES[j],
        stroke_linecap="round",
    )  # fmt: skip
    halo: dict[str, Any] = {"stroke": GROUND, "stroke_width": 5, "stroke_linejoin": "round"}
    number = text(*word, str(j + 1), paint_order="stroke", font_weight=600, **halo)
    return element(
        "g", line, number, class_="bp-unit" + " bp-chosen" * (j == 0),
        visibility="visible" if shown else "hidden",
    )  # fmt: skip


def mark(x: float, y: float, one: bool, right: bool) -> str:
    """Draw a point at (x, y) of the drawing: a square of class 1 or a circle, crossed if wrong."""
    if one:
        shape = element(
            "rect", x=x - 7, y=y - 7, width=14, height=14, fill=CLASS_ONE, stroke=GROUND,
            stroke_width="1.5",
        )  # fmt: skip
    else:
        shape = element(
            "circle", cx=x, cy=y, r=7, fill=GROUND, stroke="currentColor", stroke_width="2.5"
        )
    cross = element(
        "path", class_="bp-cross", d=f"M{fixed(x - 13)} {fixed(y - 13)}l26 26m0 -26l-26 26",
        stroke="currentColor", stroke_width="2.5",
    )  # fmt: skip
    return element("g", shape, cross, class_="bp-mark" + " bp-wrong" * (not right))


def marks(points: Iterable[tuple[Any, Any, Any]], shown: bool, window: Window) -> str:
    """Draw the points of a task: (coordinates, class, whether it is right) of each."""
    drawn = [
        mark(window.across(x1), window.down(x2), bool(y), bool(right))
        for (x1, x2), y, right in points
    ]
    return element("g", *drawn, class_="bp-task", visibility=None if shown else "hidden")


def axes(window: Window) -> str:
    """Draw the square's frame, and 0, 1 and the name along each axis."""
    bottom = window.top + window.side + 19
    frame = element(
        "rect", x=window.left, y=window.top, width=window.side, height=window.side, fill="none",
        stroke="currentColor", opacity=".5",
    )  # fmt: skip
    along = [text(window.across(at), bottom, w) for at, w in ((0, "0"), (0.5, "x₁"), (1, "1"))]
    up = [text(13, window.down(at) + 5, w) for at, w in ((0, "0"), (0.5, "x₂"), (1, "1"))]
    return frame + "".join(along + up)


def probe(point: tuple[float, float], window: Window) -> str:
    """Draw the diamond where the output is read off."""
    x, y = fixed(window.across(point[0])), fixed(window.down(point[1]))
    return element(
        "path", class_="bp-probe", d="M-9 0L0 -9L9 0L0 9Z", fill=GROUND, stroke=FORWARD,
        stroke_width="3", transform=f"translate({x} {y})",
    )  # fmt: skip
