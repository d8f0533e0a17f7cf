"""The figures of the chapter on implicit derivatives: crossings, sums, a loop, runs, a path.

Blue is the way to an answer, and vermilion what the equation says of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame

Point = tuple[float, float]
STEPS = 12
"""Of the searches in the first figure."""
SLOPES = (-0.5, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
"""Of the curve at the crossing, in the figure that the reader moves."""
TERMS = 10
"""Of the sum, and steps of the search, in that figure."""
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


def shares(m: float, count: int) -> list[float]:
    """Return 1, m, m², …: what a change of θ adds to x each time it goes around."""
    return [m**k for k in range(count)]


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
    """Draw three searches for x = ¾ + x²/4, and how far their common end moves with θ."""
    side, left, top, low, reach = 196.0, 4.0, 34.0, -1.25, 2.45

    def at(x: float, y: float) -> Point:
        share = side / (reach - low)
        return left + (x - low) * share, top + side - (y - low) * share

    parts = [svg.text(left, 18, "Many routes, one answer", **LEFT, **BOLD)]
    parts.append(_line(at(low, low), at(reach, reach), "currentColor", "1.2"))
    grid = np.linspace(low, reach, 60)
    parts.append(_curve([at(x, f(x, 0.75)) for x in grid], "currentColor", "2"))
    for start in (0.0, 2.3):
        corners = [at(start, start)]
        for a, b in pairwise(iterated(0.75, STEPS, start)[0]):
            corners += [at(a, b), at(b, b)]
        parts.append(_curve(corners, svg.FORWARD, "2", stroke_linejoin="round"))
    corners = [at(-1, -1)]
    for a, b in pairwise(newton(0.75, 3, -1)):
        corners += [at(a, f(a, 0.75)), at(b, b)]
    parts.append(_curve(corners, svg.FORWARD, "2", stroke_dasharray="6 3"))
    for x, words in ((0.0, "from 0"), (2.3, "from 2.3"), (-1.0, "Newton, from −1")):
        place = at(x, x)
        parts.append(_dot(place, svg.FORWARD, 3.5))
        end = x > 2
        parts.append(svg.text(place[0] + (-9 if end else 9), place[1] + (2 if end else 6), words,
                              svg.FORWARD, **(RIGHT if end else LEFT)))  # fmt: skip
    parts.append(_dot(at(1, 1), svg.BACKWARD, 6))
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
        "Left: a line and the curve ¾ + x²/4. Staircases from 0 and from 2.3, and Newton's method"
        " from -1, all end at the crossing x = 1. Right, enlarged: the line has the slope 1, the"
        " curve ½. Raised by dθ, the curve crosses the line dx further on, where dx = dθ + ½ dx."
    )
    return drawing(title, top + side + 24, said, *parts)


def filling(m: float) -> Frame:
    """Draw ten steps from 0, with their derivative, to the fixed point with the slope m.

    Below, the whole bar is the sum 1/(1 - m), whatever its size, and blocks are its first ten
    terms: what unrolling would add if it began at the fixed point. Below 0, they go back and forth.
    """
    theta, total = 2 * m - m * m, 1 / (1 - m)
    parts = shares(m, TERMS)
    side, left, top, low, reach = 136.0, 14.0, 6.0, -0.08, 2.12
    if m < 0:  # the crossing and the curve lie below 0
        low, reach = low - 1.5, reach - 1.5

    def at(x: float, y: float) -> Point:
        share = side / (reach - low)
        return left + (x - low) * share, top + side - (y - low) * share

    grid = np.linspace(low, reach, 50)
    curve = [at(x, f(x, theta)) for x in grid if f(x, theta) <= reach]
    corners = [at(0, 0)]
    states, slopes = iterated(theta, TERMS)
    for one, two in pairwise(states):
        corners += [at(one, two), at(two, two)]
    words = f"{theta:.4f}".rstrip("0")
    line, name = (0.7, 0.4), (left, at(0, theta)[1] - 12)
    if m < 0:
        line, name = (0.4, 0.1), (at(0.1, 0)[0], at(0, theta)[1] - 18)
    answer = f"{'=' if round(total, 9) == round(total, 2) else '≈'} {total:.3g}"
    shown = [
        _line(at(low, low), at(reach, reach), "currentColor", "1.2"),
        _curve(curve, "currentColor", "2"),
        _curve(corners, svg.FORWARD, "2", stroke_linejoin="round"),
        _dot(at(0, 0), svg.FORWARD, 3.5),
        _dot(at(2 * m, 2 * m), svg.BACKWARD),
        svg.text(*name, "θ + x²/4", **LEFT),
        svg.text(*at(*line), "x", font_style="italic"),
        svg.text(190, 30, f"θ = {words}", **LEFT, **BOLD),
        svg.text(190, 54, f"crossing at x = {2 * m:g}", **LEFT),
        svg.text(190, 78, f"with the slope m = {m:g}", **LEFT),
        svg.text(190, 106, f"dx/dθ = 1/(1 − m) {answer}", svg.BACKWARD, **LEFT, **BOLD),
        svg.text(
            190, 132, f"ten steps from 0: ẋ₁₀ ≈ {slopes[-1]:.2f}", svg.FORWARD, **LEFT, **BOLD
        ),
    ]
    begin, y = 10.0, top + side + 34
    wide = 400.0 * total if m < 0 else 400.0
    said = f"first ten terms at the crossing: {sum(parts):.4g}"
    shown.append(svg.text(begin, y - 9, said, svg.FORWARD, **LEFT, **BOLD))
    if m < 0:
        shown += _back_and_forth(parts[:5], begin, wide / total, y)
        shown.append(svg.text(begin + 400, y + 25, "1 − ½ + ¼ …", svg.FORWARD, **RIGHT))
    else:
        shown += _blocks(parts, begin, wide / total, y)
    shown.append(
        svg.element(
            "rect",
            x=begin,
            y=y,
            width=wide,
            height=26,
            fill="none",
            stroke=svg.BACKWARD,
            stroke_width="2",
        )
    )
    shown.append(
        svg.text(begin, y + 46, f"all terms: 1 + m + m² + … {answer}", svg.BACKWARD, **LEFT, **BOLD)
    )
    said = (
        f"Ten steps from 0, between the line and the curve {words} + x²/4, lead"
        f" towards their crossing; the derivative is {slopes[-1]:.2f}. Below, ten terms, of the"
        f" sizes 1, {m:g} and so on, make {sum(parts) / total:.1%} of a bar of the length"
        f" {total:.3g}."
    )
    caption = f"Ten terms make up {sum(parts) / total:.1%} of the sum."
    markup = svg.picture(svg.WIDTH, y + 56, f"The slope {m:g}", said, *shown)
    return Frame(markup.replace("<svg ", '<svg class="bp-drawn" ', 1), caption)


def _blocks(parts: Sequence[float], place: float, unit: float, y: float) -> list[str]:
    """Draw positive terms as blocks in a row, with their sizes where there is room."""
    drawn = []
    for share in parts:
        size = share * unit
        if size > 0.4:
            drawn.append(svg.element("rect", x=place, y=y, width=size - min(1.5, size / 4),
                                     height=26, fill=svg.FORWARD))  # fmt: skip
        word = f"{share:.3g}"
        if size > 9 * len(word) + 6:
            drawn.append(svg.text(place + size / 2, y + 18, word, svg.GROUND, **BOLD))
        place += size
    return drawn


def _back_and_forth(parts: Sequence[float], place: float, unit: float, y: float) -> list[str]:
    """Draw terms of both signs as lines one below another, each from where the last one ends."""
    drawn = []
    for k, share in enumerate(parts):
        end, row = place + share * unit, y + 3 + 5 * k
        drawn.append(_line((place, row), (end, row), svg.FORWARD, "4"))
        place = end
    return drawn


def recipe(title: str) -> Drawing:
    """Draw the search forward, and the way back past it."""
    y, below, half = 58.0, 148.0, 17.0
    parts = []

    def box(x: float, y: float, wide: float, paint: str, *lines: str, **more: Any) -> None:
        high = 18.0 * len(lines) + 16
        parts.append(
            svg.element(
                "rect",
                x=x - wide / 2,
                y=y - high / 2,
                width=wide,
                height=high,
                rx=6,
                fill=svg.GROUND,
                stroke=paint,
                stroke_width="2",
                **more,
            )
        )
        for k, words in enumerate(lines):
            foot = y + 5 + 18 * (k - (len(lines) - 1) / 2)
            parts.append(svg.text(x, foot, words, paint))  # fmt: skip

    for a, b in ((24 + half, 73), (239, 290 - half), (290 + half, 396 - half)):
        parts.append(_head((a, y), (b - 2, y), svg.FORWARD))
    box(156, y, 166, svg.FORWARD, "any search,", "any number of steps", **DASHED)
    for x, name in ((24, "θ"), (290, "x"), (396, "L")):
        parts.append(svg.element("circle", cx=float(x), cy=y, r=half, fill=svg.GROUND,
                                 stroke="currentColor", stroke_width="1.5"))  # fmt: skip
        parts.append(svg.text(x, y + 5, name, **BOLD))
    parts.append(svg.text(24, 20, "forward", svg.FORWARD, **LEFT, **BOLD))
    parts.append(_head((390, y + half), (390, below - 19), svg.BACKWARD))
    parts.append(svg.text(382, (y + below) / 2 + 2, "v = ∂L/∂x", svg.BACKWARD, **RIGHT))
    parts.append(_head((334, below), (270, below), svg.BACKWARD))
    parts.append(_curve([(120, below), (24, below), (24, y + half + 10)], svg.BACKWARD, "2.4"))
    parts.append(_head((24, y + half + 14), (24, y + half + 2), svg.BACKWARD))
    box(376, below, 84, svg.BACKWARD, "u F_xᵀ = v")
    parts.append(svg.text(302, below - 8, "u", svg.BACKWARD, **BOLD))
    box(194, below, 148, svg.BACKWARD, "∂L/∂θ = −u F_θᵀ")
    parts.append(svg.text(24, below + 42, "backward: F alone, at the answer", svg.BACKWARD,
                          **LEFT, **BOLD))  # fmt: skip
    said = (
        "Forward: from θ through a dashed box, any search with any number of steps, to x and on to"
        " the loss L. Backward, below the search and not through it: v = ∂L/∂x, then the system"
        " u F_xᵀ = v, then ∂L/∂θ = -u F_θᵀ."
    )
    lowered = r'F<tspan dy="4" font-size="11">\1</tspan><tspan dy="-4">ᵀ</tspan>'
    markup = [re.sub("F_(.)ᵀ", lowered, part) for part in parts]
    return drawing(title, below + 52, said, *markup)


def loop(title: str) -> Drawing:
    """Draw a unit with h = tanh(0.393 + h/2) at rest, and its error u = v + 0.64 · u/2."""
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
        parts.append(svg.text(x, y + 5, "u = 1" if column else "h = 0.6", paint, **BOLD))
    parts += [
        svg.text(38, y - 10, "0.393", svg.FORWARD),
        svg.text(106, 41, "0.5 · 0.6 = 0.3", svg.FORWARD),
        svg.text(106, y + 60, "tanh(0.393 + 0.3) ≈ 0.6", svg.FORWARD, **BOLD),
        svg.text(391, y - 10, "v = 0.68", svg.BACKWARD),
        svg.text(318, 41, "0.64 · 0.5 · 1 = 0.32", svg.BACKWARD),
        svg.text(246, y - 10, "δ = 0.64", svg.BACKWARD),
        svg.text(318, y + 60, "0.68 + 0.32 = 1", svg.BACKWARD, **BOLD),
    ]
    said = (
        "Forward: a unit with h = 0.6 gets 0.393 from its input and 0.5 · 0.6 = 0.3 from its own"
        " loop, and tanh of the sum is 0.6 again. Backward: it gets v = 0.68 from the loss and"
        " 0.64 · 0.5 · 1 = 0.32 from its own loop, which makes u = 1 again. It sends δ = 0.64 on."
    )
    return drawing(title, y + 70, said, *parts)


def penalty(
    s: Array, errors: Array, at: tuple[float, float, float], unrolled: Array, title: str
) -> Drawing:
    """Draw the validation error over s with its tangent, and the slope as found step by step.

    Parameters
    ----------
    s, errors : arrays
        The curve.
    at : (s, error, slope)
        Where the tangent touches; the slope is what the equation says.
    unrolled : array
        The slope by the steps of a descent, after each of them.
    title : str
        What the picture shows.
    """
    plt = pyplot()
    fig, (one, two) = plt.subplots(1, 2, figsize=(4.6, 2.3))
    here, error, slope = at
    one.plot(s, errors, "k-", linewidth=1.4)
    reach = np.array([-1.3, 1.6])
    one.plot(here + reach, error + slope * reach, "C1-", linewidth=2.4)
    one.plot([here], [error], "C1o")
    one.text(here + 0.6, error + 0.02, f"slope\n{slope:.3f}".replace("-", "−"), color="C1")
    one.set(xlabel="s = ln(penalty)")
    one.set_title("validation error", loc="left", fontsize=11)
    two.axhline(slope, color="C1", linewidth=2.4)
    two.plot(np.arange(1, len(unrolled) + 1), unrolled, "C0-")
    two.text(len(unrolled), slope * 0.94, "equation", color="C1", ha="right", va="bottom")
    two.text(len(unrolled) * 0.22, slope * 0.45, "unrolled", color="C0")
    two.set(xlabel="steps of descent", ylim=(1.1 * slope, -0.03 * slope))
    two.set_title(f"slope at s = {here:g}".replace("-", "−"), loc="left", fontsize=11)
    return plotted(fig, title)


def descents(found: Mapping[str, Any], every: int, title: str) -> Drawing:
    """Draw the losses of a row at rest that learns its links, by parts of its error's series.

    Parameters
    ----------
    found : mapping
        "all" and "last", the units that are compared, and below them "1 term", "5 terms" and
        "equation": a list of runs, each a list of losses.
    every : int
        Steps between two losses.
    title : str
        What the picture shows.
    """
    plt = pyplot()
    fig, panels = plt.subplots(1, 2, figsize=(4.6, 2.8))
    heads = "loss, all 8 units", "loss, the last unit"
    for axes, (read, head) in zip(panels, (("all", heads[0]), ("last", heads[1])), strict=True):
        for (name, runs), paint in zip(found[read].items(), ("C2", "C0", "C1"), strict=True):
            losses = np.array(runs)
            steps = every * np.arange(losses.shape[1])
            axes.plot(steps, losses.T, color=paint, linewidth=0.5, alpha=0.3)
            middle = np.median(losses, axis=0)
            axes.plot(steps, middle, color=paint, linewidth=2.4)
            if read == "last":
                falls = name == "equation"  # its name stands left of the end, below the curve
                place = 0.5 * steps[-1] if falls else steps[-1], 2e-9 if falls else 1.6 * middle[-1]
                axes.text(*place, name, color=paint, ha="right", va="bottom")
        axes.set(yscale="log", xlabel="steps", ylim=(1e-10, 0.1), yticks=[1e-9, 1e-6, 1e-3])
        axes.set_title(head, loc="left", fontsize=11)
        axes.minorticks_off()
        if read == "last":
            axes.set_yticklabels([])
    panels[0].text(0.5, 0.55, "all three", transform=panels[0].transAxes)
    return plotted(fig, title)


def path(title: str) -> Drawing:
    """Draw logistic growth in two steps of Euler's: the state forward, the adjoint backward."""
    left, wide, top, high = 98.0, 218.0, 30.0, 158.0
    times, states, back = (0.0, 0.5, 1.0), (0.2, 0.36, 0.5904), (2.048, 1.28, 1.0)

    def at(t: float, value: float) -> Point:
        return left + t * wide, top + high - value * high / 2.1

    parts = [_line(at(-0.04, 0), at(1.04, 0), "currentColor", "1", opacity="0.5")]
    for t, words in zip(times, ("t = 0", "½", "t = 1"), strict=True):
        x, y = at(t, 0)
        parts += [_line((x, y - 3), (x, y + 3), "currentColor", "1"), svg.text(x, y + 18, words)]
    parts.append(svg.text((at(0, 0)[0] + at(0.5, 0)[0]) / 2, at(0, 0)[1] + 18, "Δt = ½"))
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
        svg.text(at(0.29, 0)[0], at(0, 1.72)[1], "· 1.6", svg.BACKWARD, **LEFT),
        svg.text(at(0.97, 0)[0], at(0, 1.24)[1], "· 1.28", svg.BACKWARD),
        svg.text(left + 20, 20, "← adjoint", svg.BACKWARD, **LEFT, **BOLD),
        svg.text(ahead[2][0] - 10, ahead[2][1] + 30, "state →", svg.FORWARD, **RIGHT, **BOLD),
    ]
    y = top + high + 48
    sums = (
        "step 1 adds ½ · 1.28 · 0.16 = 0.1024",
        "step 2 adds ½ · 1 · 0.2304 = 0.1152",
        "∂x₂/∂θ = 0.1024 + 0.1152 = 0.2176",
    )
    for k, line in enumerate(sums):
        more = BOLD if k == 2 else {}
        parts.append(svg.text(210, y + 22 * k, line, svg.BACKWARD, **more))
    said = (
        "Over the time from 0 to 1, the state grows from 0.2 to 0.36 to 0.5904. The adjoint, from"
        " the right, grows from 1 to 1.28 to 2.048, multiplied by 1.28 and by 1.6. The two steps"
        " contribute 0.1024 and 0.1152, so the derivative of the end with respect to θ is 0.2176."
        " Dotted: the exact curves."
    )
    return drawing(title, y + 54, said, *parts)
