"""The figures of the chapter on implicit derivatives: crossing, systems, loop, descent, path.

Blue is the way to an answer, and vermilion what the equation says of it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot

Point = tuple[float, float]
STEPS = 4
"""Of the searches in the first figure."""
BOLD: dict[str, Any] = {"font_weight": 600}
DASHED: dict[str, Any] = {"stroke_dasharray": "4 3"}
LEFT: dict[str, Any] = {"text_anchor": "start"}
RIGHT: dict[str, Any] = {"text_anchor": "end"}


def f(x: float, theta: float) -> float:
    """θ + x²/4."""
    return theta + x * x / 4


def iterated(theta: float, steps: int, start: float = 0.0) -> tuple[list[float], list[float]]:
    """Return x_k and its derivative with respect to θ, k = 0 … steps, from x_0 = ``start``."""
    x, slope = [start], [0.0]
    for _ in range(steps):
        slope.append(1 + x[-1] / 2 * slope[-1])
        x.append(f(x[-1], theta))
    return x, slope


def newton(theta: float, steps: int, start: float) -> list[float]:
    """Return Newton's iterates for x - θ - x²/4 = 0: where the curve's tangent meets the line."""
    x = [start]
    for _ in range(steps):
        x.append(x[-1] - (x[-1] - f(x[-1], theta)) / (1 - x[-1] / 2))
    return x


def _line(a: Point, b: Point, paint: str, wide: str, **more: Any) -> str:
    return svg.element("line", x1=a[0], y1=a[1], x2=b[0], y2=b[1], stroke=paint, stroke_width=wide,
                       **more)  # fmt: skip


def _curve(points: Sequence[Point], paint: str, wide: str, **more: Any) -> str:
    path = " ".join(f"{svg.fixed(x)},{svg.fixed(y)}" for x, y in points)
    return svg.element(
        "polyline", points=path, fill="none", stroke=paint, stroke_width=wide, **more
    )


def _dot(at: Point, paint: str, radius: float = 5) -> str:
    return svg.element("circle", cx=at[0], cy=at[1], r=radius, fill=paint)


def _head(start: Point, tip: Point, paint: str, wide: str = "2.4", **more: Any) -> str:
    return svg.pointer(start, tip, paint, wide, 10, 4.5, **more)


def hero(title: str) -> Drawing:
    """Draw two searches for x = ¾ + x²/4, and how far their common end moves with θ."""
    side, left, top, low, reach = 206.0, 4.0, 34.0, -1.1, 1.35

    def at(x: float, y: float) -> Point:
        share = side / (reach - low)
        return left + (x - low) * share, top + side - (y - low) * share

    parts = [svg.text(left, 18, "Two searches, one answer", **LEFT, **BOLD)]
    parts.append(_line(at(low, low), at(reach, reach), "currentColor", "1.2"))
    grid = np.linspace(low, reach, 60)
    parts.append(_curve([at(x, f(x, 0.75)) for x in grid], "currentColor", "2"))
    corners = [at(0, 0)]
    for a, b in pairwise(iterated(0.75, STEPS)[0]):
        corners += [at(a, b), at(b, b)]
    parts.append(_curve(corners, svg.FORWARD, "2", stroke_linejoin="round"))
    corners = [at(-1, -1)]
    for a, b in pairwise(newton(0.75, 3, -1)):
        corners += [at(a, f(a, 0.75)), at(b, b)]
    parts.append(_curve(corners, svg.FORWARD, "2", stroke_dasharray="6 3"))
    for x, words in ((0.0, "repeat, from 0"), (-1.0, "Newton, from −1")):
        place = at(x, x)
        parts.append(_dot(place, svg.FORWARD, 3.5))
        parts.append(svg.text(place[0] + 9, place[1] + 6, words, svg.FORWARD, **LEFT))
    parts.append(_dot(at(1, 1), svg.BACKWARD, 4.5))
    x, y = at(1, 1)
    parts.append(svg.text(x + 11, y + 18, "x = 1", svg.BACKWARD, **LEFT, **BOLD))

    x, y = at(low, f(low, 0.75))
    parts.append(svg.text(x, y - 9, "¾ + x²/4", **LEFT))
    x, y = at(-0.5, -0.5)
    parts.append(svg.text(x + 9, y + 6, "x", **LEFT, font_style="italic"))

    # Close to the crossing both are straight: slopes 1 and ½.
    unit, (cx, cy) = 62.0, (256.0, top + side - 34)
    px, py = cx + 2 * unit, cy - 2 * unit
    parts.append(svg.text(232, 18, "Raise the curve by dθ", **LEFT, **BOLD))
    parts.append(_line((cx - 24, cy + 24), (px + 20, py - 20), "currentColor", "1.2"))
    parts.append(_line((cx - 24, cy + 12), (px + 28, cy - unit - 14), "currentColor", "2"))
    parts.append(_line((cx - 24, cy + 12 - unit), (px + 28, py - 14), svg.BACKWARD, "2"))
    for p, q in (((cx, cy), (px, cy)), ((px, cy), (px, py)), ((cx, cy), (cx, cy - unit))):
        parts.append(_line(p, q, svg.BACKWARD, "1.6", **DASHED))
    parts += [_dot((cx, cy), svg.BACKWARD), _dot((px, py), svg.BACKWARD)]
    parts += [
        svg.text(cx - 5, cy - unit / 2 + 4, "dθ", svg.BACKWARD, **RIGHT),
        svg.text(px + 6, cy - unit / 2 + 12, "½ dx", svg.BACKWARD, **LEFT),
        svg.text(px + 6, py + unit / 2 + 10, "dθ", svg.BACKWARD, **LEFT),
        svg.text(cx + unit, cy + 17, "dx", svg.BACKWARD),
        svg.text(322, top + side + 14, "dx = dθ + ½ dx = 2 dθ", svg.BACKWARD, **BOLD),
    ]
    said = (
        "Left: a line and the curve ¾ + x²/4. A staircase from 0 and Newton's method from -1 both"
        " end at the crossing x = 1. Right, enlarged: the line has the slope 1, the curve ½. Raised"
        " by dθ, the curve crosses the line dx further on, where dx = dθ + ½ dx."
    )
    return drawing(title, top + side + 24, said, *parts)


SYSTEMS = (
    (
        "1 · A chain of layers",
        "unknown: activations a₁, a₂, a₃",
        "a₃ − layer₃(a₂) = 0, …",
        "triangular, one block per layer",
    ),
    (
        "2 · A layer at rest",
        "unknown: its state h",
        "h − tanh(a₀W + hU + b) = 0",
        "full: none can be solved first",
    ),
    (
        "3 · Weights at a minimum",
        "unknown: the weights w",
        "slope of training loss = 0",
        "full and symmetric: Hessian",
    ),
    (
        "4 · A path in short steps",
        "unknown: states after the first",
        "x₂ − x₁ − Δt f(x₁, θ) = 0, …",
        "triangular, a thin band",
    ),
)
"""The case, what is unknown, its equations, and the shape of the matrix."""
WIDTHS = 2, 3, 1
"""Of the three layers whose matrix is sketched."""


def systems(title: str) -> Drawing:
    """Draw the unknown and the matrix of the same linear system in four cases."""
    parts, side, row = [], 66.0, 86.0
    for k, (case, *words) in enumerate(SYSTEMS):
        top, left = 6 + row * k, 346.0
        parts += _unknown(k, 8.0, top)
        parts.append(svg.text(98, top + 12, case, **LEFT, **BOLD))
        for n, (line, paint) in enumerate(
            zip(words, ("currentColor", svg.FORWARD, svg.BACKWARD), strict=True)
        ):
            parts.append(svg.text(98, top + 31 + 18 * n, line, paint, **LEFT))
        matrix = _matrix(k)
        cell = side / len(matrix)
        for i, line_of in enumerate(matrix):
            for j, strength in enumerate(line_of):
                if strength:
                    box = {"x": left + j * cell, "y": top + i * cell, "width": cell, "height": cell}
                    parts.append(svg.element("rect", **box, fill=svg.BACKWARD,
                                             fill_opacity=f"{strength:.2f}"))  # fmt: skip
        edges = np.cumsum((0, *WIDTHS)) if k == 0 else (0, len(matrix))
        for edge in edges:
            at = edge * cell
            for ends in (((left + at, top), (left + at, top + side)),
                         ((left, top + at), (left + side, top + at))):  # fmt: skip
                parts.append(_line(*ends, "currentColor", "0.8", stroke_opacity="0.7"))
        if k == 2:
            parts.append(_line((left, top), (left + side, top + side), "currentColor", "1.2",
                               **DASHED))  # fmt: skip
    said = "Four rows, each with an unknown and a matrix. " + " ".join(
        f"{words[0]}: {'; '.join(words[1:])}." for words in SYSTEMS
    )
    return drawing(title, row * len(SYSTEMS) - 8, said, *parts)


def _unknown(k: int, left: float, top: float) -> list[str]:
    """Sketch what is unknown in case k, in blue: in a chain, at rest, in a bowl, on a path."""
    middle = top + 32
    if k == 0:
        places = [(left + 10 + 30 * n, middle) for n in range(3)]
        arrows = [_head(svg.between(a, b, 7, 0)[0], svg.between(a, b, 0, 8)[1], svg.FORWARD, "2")
                  for a, b in pairwise(places)]  # fmt: skip
        return [*arrows, *(_dot(place, svg.FORWARD, 6) for place in places)]
    if k == 3:
        times = np.linspace(-2.4, 2.4, 12)
        rise = [(left + 6 + 14.5 * (t + 2.4), middle + 22 - 44 / (1 + math.exp(-1.7 * t)))
                for t in times]  # fmt: skip
        return [_curve(rise, svg.FORWARD, "1.2"), *(_dot(place, svg.FORWARD, 3) for place in rise)]
    if k == 1:
        x, y, radius = left + 40, middle + 12, 17.0
        turn = f"M{svg.fixed(x - 8)} {svg.fixed(y - 10)}A{radius} {radius} 0 1 1 {svg.fixed(x + 11)} {svg.fixed(y - 15)}"  # noqa: E501
        return [
            svg.element("path", d=turn, fill="none", stroke=svg.FORWARD, stroke_width="2"),
            _head((x + 15, y - 19), (x + 6, y - 6), svg.FORWARD, "2"),
            _dot((x, y), svg.FORWARD, 8),
        ]
    bowl = [(left + 40 + 34 * t, middle + 22 - 44 * t * t) for t in np.linspace(-1, 1, 30)]
    return [_curve(bowl, "currentColor", "1.5"), _dot((left + 40, middle + 18), svg.FORWARD, 6)]


def _matrix(k: int) -> list[list[float]]:
    """How dark each cell of the matrix of case k is: 0 where the entry must be 0."""
    if k == 0:
        layer = [number for number, width in enumerate(WIDTHS) for _ in range(width)]
        n = len(layer)
        return [[0.9 if i == j else _shade(i, j) * (layer[i] == layer[j] + 1) for j in range(n)]
                for i in range(n)]  # fmt: skip
    if k == 3:
        return [[0.9 if i == j else 0.6 * (i == j + 1) for j in range(12)] for i in range(12)]
    pairs = [[(i, j) if k == 1 else (max(i, j), min(i, j)) for j in range(5)] for i in range(5)]
    return [[0.9 if i == j else _shade(*pairs[i][j]) for j in range(5)] for i in range(5)]


def _shade(i: int, j: int) -> float:
    return 0.15 + 0.45 * ((5 * i + 3 * j) % 7) / 6


def loop(title: str) -> Drawing:
    """Draw a unit with h = tanh(0.393 + h/2) at rest, and its error u = 1.7 + 0.64 · u/2."""
    parts, y, radius = [], 133.0, 36.0
    for column, (head, paint) in enumerate((("Forward", svg.FORWARD), ("Backward", svg.BACKWARD))):
        x = 106.0 + 212 * column
        parts.append(svg.text(x - 98, 18, head, paint, **LEFT, **BOLD))
        # The loop over the unit leaves at one shoulder and comes back at the other.
        side = 1 if column else -1
        down = (56**2 + 30**2 - radius**2) / 112
        turn = math.atan2(down, math.sqrt(30**2 - down**2))

        def on(angle: float, x: float = x, side: int = side) -> Point:
            return x + side * 30 * math.cos(angle), y - 56 + 30 * math.sin(angle)

        begin, neck, tip = on(math.pi - turn), on(turn - 0.35), on(turn - 0.05)
        route = (f"M{svg.fixed(begin[0])} {svg.fixed(begin[1])}"
                 f"A30 30 0 1 {column} {svg.fixed(neck[0])} {svg.fixed(neck[1])}")  # fmt: skip
        parts.append(svg.element("path", d=route, fill="none", stroke=paint, stroke_width="2.4"))
        parts.append(svg.pointer(on(turn - 0.42), tip, paint, "2.4", 10, 4.5))
        parts.append(svg.element("circle", cx=x, cy=y, r=radius, fill=svg.GROUND,
                                 stroke="currentColor", stroke_width="1.5"))  # fmt: skip
        ends = ((x - 102, y), (x - radius - 2, y)), ((x + radius + 2, y), (x + 100, y))
        for start, end in ends:
            parts.append(_head(end, start, paint) if column else _head(start, end, paint))
        parts.append(svg.text(x, y + 5, "u = 2.5" if column else "h = 0.6", paint, **BOLD))
    parts += [
        svg.text(38, y - 10, "0.393", svg.FORWARD),
        svg.text(106, 41, "0.5 · 0.6 = 0.3", svg.FORWARD),
        svg.text(106, y + 60, "tanh(0.393 + 0.3) ≈ 0.6", svg.FORWARD, **BOLD),
        svg.text(391, y - 10, "v = 1.7", svg.BACKWARD),
        svg.text(318, 41, "0.64 · 0.5 · 2.5 = 0.8", svg.BACKWARD),
        svg.text(246, y - 10, "δ = 1.6", svg.BACKWARD),
        svg.text(318, y + 60, "1.7 + 0.8 = 2.5", svg.BACKWARD, **BOLD),
    ]
    said = (
        "Forward: a unit with h = 0.6 gets 0.393 from its input and 0.5 · 0.6 = 0.3 from its own"
        " loop, and tanh of the sum is 0.6 again. Backward: it gets v = 1.7 from the loss and"
        " 0.64 · 0.5 · 2.5 = 0.8 from its own loop, which makes u = 2.5 again. It sends δ = 1.6 on."
    )
    return drawing(title, y + 70, said, *parts)


def arriving(steps: Sequence[int], off: Any, title: str) -> Drawing:
    """Plot the error of the slopes, ``off`` (steps, splits, way).

    The ways: unrolled, then by the equation, with u from as many steps and from a direct solve.
    """
    figure, ax = pyplot().subplots(figsize=(4.6, 2.7))
    ways = (
        ("unrolled", "C0", "-o"),
        ("equation, u iterated", "C1", "--s"),
        ("equation, u exact", "C1", ":^"),
    )
    for (name, paint, style), errors in zip(ways, np.median(off, axis=1).T, strict=True):
        ax.semilogy(steps, errors, style, color=paint, markersize=4, linewidth=1.5, label=name)
    ax.legend(frameon=False, loc="upper right", bbox_to_anchor=(1.03, 1.05), handlelength=1.6)
    ax.set_yticks([1, 1e-2, 1e-4, 1e-6], ["100%", "1%", "0.01%", "0.0001%"])
    ax.minorticks_off()
    ax.set(xlabel="steps of descent", ylabel="error of the slopes", ylim=(3e-7, 2.5))
    return plotted(figure, title)


def path(title: str) -> Drawing:
    """Draw logistic growth in two steps of Euler's: the state forward, the adjoint backward."""
    left, wide, top, high = 98.0, 218.0, 30.0, 196.0
    times, states, back = (0.0, 0.5, 1.0), (0.2, 0.36, 0.5904), (2.048, 1.28, 1.0)

    def at(t: float, value: float) -> Point:
        return left + t * wide, top + high - value * high / 2.1

    parts = [_line(at(-0.04, 0), at(1.04, 0), "currentColor", "1", opacity="0.5")]
    for t, words in zip(times, ("t = 0", "½", "t = 1"), strict=True):
        x, y = at(t, 0)
        parts += [_line((x, y - 3), (x, y + 3), "currentColor", "1"), svg.text(x, y + 18, words)]
    parts.append(_line(at(0, 0), at(0, 2.1), "currentColor", "1", opacity="0.5"))
    for value in (0, 1):
        x, y = at(0, value)
        parts += [_line((x - 3, y), (x + 3, y), "currentColor", "1"),
                  svg.text(x - (9 if value else 14), y + 5, str(value), **RIGHT)]  # fmt: skip
    grid = np.linspace(0, 1, 30)
    exact = 1 / (1 + 4 * np.exp(-2 * grid))
    share = exact * (1 - exact)
    for values, paint in ((exact, svg.FORWARD), (share[-1] / share, svg.BACKWARD)):
        smooth = [at(t, float(value)) for t, value in zip(grid, values, strict=True)]
        parts.append(_curve(smooth, paint, "1.2", stroke_dasharray="2 4"))
    ahead = [at(t, x) for t, x in zip(times, states, strict=True)]
    behind = [at(t, u) for t, u in zip(times, back, strict=True)]
    for places, paint in ((ahead, svg.FORWARD), (behind[::-1], svg.BACKWARD)):
        for a, b in pairwise(places):
            parts.append(_head(a, svg.between(a, b, 0, 6)[1], paint))
        parts += [_dot(place, paint) for place in places]
    for k, words in enumerate(("x₀ = 0.2", "x₁ = 0.36", "x₂ = 0.5904")):
        x, y = ahead[k]
        side = (RIGHT, {}, LEFT)[k]
        parts.append(svg.text(x + (-9, 0, 9)[k], y + (5, 23, 5)[k], words, svg.FORWARD,
                              **side, **BOLD))  # fmt: skip
    for k, words in enumerate(("u₀ = 2.048", "u₁ = 1.28", "u₂ = 1")):
        x, y = behind[k]
        side = (RIGHT, LEFT, LEFT)[k]
        parts.append(svg.text(x + (-9, 4, 9)[k], y + (5, -10, 5)[k], words, svg.BACKWARD,
                              **side, **BOLD))  # fmt: skip
    parts += [
        svg.text(at(0.27, 0)[0], at(0, 1.74)[1], "· (2 − 2x₀)", svg.BACKWARD, **LEFT),
        svg.text(at(0.87, 0)[0], at(0, 1.17)[1], "· (2 − 2x₁)", svg.BACKWARD, **LEFT),
        svg.text(left - 9, at(0, share[-1] / share[0])[1] + 5, "limit 1.42", svg.BACKWARD, **RIGHT),
        svg.text(left + 20, 20, "← u", svg.BACKWARD, **LEFT, **BOLD),
        svg.text(ahead[2][0] - 10, ahead[2][1] + 30, "state →", svg.FORWARD, **RIGHT, **BOLD),
    ]
    said = (
        "Over the time from 0 to 1, the state grows from 0.2 to 0.36 to 0.5904. From the right,"
        " u grows from 1 to 1.28 to 2.048, multiplied by 1.28 and by 1.6."
        " Dotted: the exact curves."
    )
    return drawing(title, top + high + 30, said, *parts)
