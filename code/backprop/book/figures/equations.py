"""The figures of the chapter on implicit derivatives: cobwebs, and errors of gradients.

Blue is the way to a solution and vermilion what the equation says of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame

Place = Callable[[float, float], tuple[float, float]]
STEPS = 12
"""Iterations in each frame."""
SLOPES = (-0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 0.7, 0.8, 1.0)
"""Of f at the crossing, in all frames but the last."""
BEYOND = 1.2
"""θ of the last frame: no crossing."""
HIGHEST = 5.4
"""Of the axis for the derivative."""


def f(x: float, theta: float) -> float:
    """θ + x²/4."""
    return theta + x * x / 4


def iterated(theta: float, steps: int) -> tuple[list[float], list[float]]:
    """Return x_k and its derivative with respect to θ, k = 0 … steps, from x_0 = 0."""
    x, slope = [0.0], [0.0]
    for _ in range(steps):
        slope.append(1 + x[-1] / 2 * slope[-1])
        x.append(f(x[-1], theta))
    return x, slope


def by_equation(xs: Sequence[float]) -> list[float]:
    """Return 1/(1 - x/2) at each iterate, as if it were a solution."""
    return [1 / (1 - x / 2) for x in xs]


def _line(
    a: tuple[float, float], b: tuple[float, float], paint: str, wide: str, **more: Any
) -> str:
    return svg.element("line", x1=a[0], y1=a[1], x2=b[0], y2=b[1], stroke=paint, stroke_width=wide,
                       **more)  # fmt: skip


def _curve(points: Sequence[tuple[float, float]], paint: str, wide: str, **more: Any) -> str:
    path = " ".join(f"{svg.fixed(x)},{svg.fixed(y)}" for x, y in points)
    return svg.element(
        "polyline", points=path, fill="none", stroke=paint, stroke_width=wide, **more
    )


def _staircase(xs: Sequence[float], at: Place, limit: float) -> str:
    """Draw the iterates as steps between the curve and the diagonal."""
    corners = [at(xs[0], xs[0])]
    for a, b in pairwise(xs):
        if abs(b) > limit:
            corners.append(at(a, limit if b > 0 else -limit))
            break
        corners += [at(a, b), at(b, b)]
    return _curve(corners, svg.FORWARD, "2.6", stroke_linejoin="round")


def hero(title: str) -> Drawing:
    """Draw the way to the crossing of x = ¾ + x²/4, and how far it moves with θ."""
    side, left, top = 172.0, 22.0, 34.0
    reach = 1.2

    def at(x: float, y: float) -> tuple[float, float]:
        return left + x / reach * side, top + side - y / reach * side

    bold: dict[str, Any] = {"font_weight": 600}
    parts = [svg.text(left, 18, "Step by step", text_anchor="start", **bold)]
    parts += [_line(at(0, 0), at(reach, 0), "currentColor", "1", opacity="0.5"),
              _line(at(0, 0), at(0, reach), "currentColor", "1", opacity="0.5"),
              _line(at(0, 0), at(reach, reach), "currentColor", "1.2")]  # fmt: skip
    grid = np.linspace(0, reach, 40)
    parts.append(_curve([at(x, f(x, 0.75)) for x in grid], "currentColor", "2"))
    xs, _ = iterated(0.75, STEPS)
    parts.append(_staircase(xs, at, reach))
    for k, name in ((0, "0"), (1, "0.75"), (2, "0.89")):
        x, y = at(xs[k], 0)
        parts.append(_line((x, y), (x, y + 4), "currentColor", "1"))
        anchor = ("middle", "end", "start")[k]
        parts.append(svg.text(x + (0, 6, -4)[k], y + 18, name, text_anchor=anchor))
    x, y = at(1, 1)
    parts.append(svg.element("circle", cx=x, cy=y, r=5, fill=svg.BACKWARD))
    x, y = at(0.07, 0.86)
    parts.append(svg.text(x, y, "θ + x²/4", text_anchor="start"))
    x, y = at(0.44, 0.27)
    parts.append(svg.text(x, y, "x", text_anchor="start", font_style="italic"))

    # Close to the crossing both are straight: slopes 1 and ½.
    unit, corner = 58.0, (256.0, top + side - 16)
    cx, cy = corner
    px, py = cx + 2 * unit, cy - 2 * unit
    parts.append(svg.text(232, 18, "At the crossing", text_anchor="start", **bold))
    parts.append(_line((cx - 22, cy + 22), (px + 24, py - 24), "currentColor", "1.2"))
    parts.append(_line((cx - 22, cy + 11), (px + 32, cy - unit - 16), "currentColor", "2"))
    parts.append(_line((cx - 22, cy + 11 - unit), (px + 32, py - 16), svg.BACKWARD, "2"))
    dashed: dict[str, Any] = {"stroke_dasharray": "4 3"}
    parts.append(_line(corner, (px, cy), svg.BACKWARD, "1.6", **dashed))
    parts.append(_line((px, cy), (px, py), svg.BACKWARD, "1.6", **dashed))
    parts.append(_line(corner, (cx, cy - unit), svg.BACKWARD, "1.6", **dashed))
    for x, y in (corner, (px, py)):
        parts.append(svg.element("circle", cx=x, cy=y, r=5, fill=svg.BACKWARD))
    parts += [
        svg.text(cx - 5, cy - unit / 2 + 4, "dθ", svg.BACKWARD, text_anchor="end"),
        svg.text(px + 6, cy - unit / 2 + 4, "½ dx", svg.BACKWARD, text_anchor="start"),
        svg.text(px + 6, py + unit / 2 + 8, "dθ", svg.BACKWARD, text_anchor="start"),
        svg.text(cx + unit, cy + 16, "dx", svg.BACKWARD),
        svg.text(322, top + side + 24, "dx = dθ + ½ dx = 2 dθ", svg.BACKWARD, **bold),
    ]
    said = (
        "Left: a staircase between the curve θ + x²/4 and the diagonal leads from 0 over 0.75 and"
        " 0.89 to the crossing at 1. Right, enlarged: the diagonal has the slope 1, the curve ½."
        " Raised by dθ, the curve crosses the diagonal dx further on, where dx = dθ + ½ dx."
    )
    return drawing(title, top + side + 34, said, *parts)


def thetas() -> list[float]:
    """Return θ of each frame: x = 2m solves x = θ + x²/4 where f has the slope m."""
    return [2 * m - m * m for m in SLOPES] + [BEYOND]


def settings() -> list[str]:
    """Return θ of each frame in words."""
    return [f"{round(theta, 4):g}".replace("-", "−") for theta in thetas()]


def frames() -> list[Frame]:
    """Return a cobweb for each θ, with the derivatives of its iterates."""
    return [_frame(m, t) for m, t in zip((*SLOPES, None), thetas(), strict=True)]


def _frame(m: float | None, theta: float) -> Frame:
    side, left, top, reach = 196.0, 8.0, 26.0, 2.6

    def at(x: float, y: float) -> tuple[float, float]:
        return left + (x + reach) / (2 * reach) * side, top + (reach - y) / (2 * reach) * side

    xs, slopes = iterated(theta, STEPS)
    bold: dict[str, Any] = {"font_weight": 600}
    faint: dict[str, Any] = {"opacity": "0.4"}
    parts = [svg.text(left, 16, "iterates x", text_anchor="start", **bold)]
    parts += [_line(at(-reach, 0), at(reach, 0), "currentColor", "1", **faint),
              _line(at(0, -reach), at(0, reach), "currentColor", "1", **faint),
              _line(at(-reach, -reach), at(reach, reach), "currentColor", "1.2")]  # fmt: skip
    grid = np.linspace(-reach, reach, 60)
    parts.append(_curve([at(x, f(x, theta)) for x in grid if f(x, theta) <= reach],
                        "currentColor", "2"))  # fmt: skip
    parts.append(_staircase(xs, at, reach))
    if m is not None:
        x, y = at(2 * m, 2 * m)
        parts.append(svg.element("circle", cx=x, cy=y, r=5, fill=svg.BACKWARD))
    for value in (-2, 2):
        x, y = at(value, 0)
        parts += [_line((x, y - 3), (x, y + 3), "currentColor", "1"),
                  svg.text(x, y + 17, str(value))]  # fmt: skip

    start, wide = 244.0, 168.0

    def on(k: float, slope: float) -> tuple[float, float]:
        return start + k / STEPS * wide, top + side - 20 - slope / HIGHEST * (side - 20)

    parts.append(svg.text(start - 18, 16, "derivative after k steps", text_anchor="start", **bold))
    parts += [_line(on(0, 0), on(STEPS, 0), "currentColor", "1", **faint),
              _line(on(0, 0), on(0, HIGHEST), "currentColor", "1", **faint)]  # fmt: skip
    for value in (1, 2, 3, 4, 5):
        parts.append(svg.text(start - 6, on(0, value)[1] + 5, str(value), text_anchor="end"))
    for k in (0, 4, 8, 12):
        parts.append(svg.text(on(k, 0)[0], on(0, 0)[1] + 17, str(k)))
    exact = None if m is None or m == 1 else 1 / (1 - m)
    if exact is not None:
        parts.append(_line(on(0, exact), on(STEPS, exact), svg.BACKWARD, "2.4"))
    shown = [(k, s) for k, s in enumerate(slopes) if s <= HIGHEST]
    parts.append(_curve([on(k, s) for k, s in shown], svg.FORWARD, "1", opacity="0.6"))
    for k, s in shown:
        x, y = on(k, s)
        parts.append(svg.element("circle", cx=x, cy=y, r=4, fill=svg.FORWARD))
    early = by_equation(xs)
    for k, s in enumerate(early):
        if 0 <= s <= HIGHEST:
            x, y = on(k, s)
            parts.append(svg.element("circle", cx=x, cy=y, r=5, fill="none",
                                     stroke=svg.BACKWARD, stroke_width="1.8"))  # fmt: skip
    name = f"{round(theta, 4):g}"
    if m is None:
        caption = (
            "Nothing solves the equation, and the iterates grow for ever. At an iterate, the"
            " equation still returns a number."
        )
        words = "no crossing, no derivative"
    elif exact is None:
        caption = (
            "The curve only touches the diagonal. There 1 - 1 = 0, and no number solves"
            " the equation for the derivative: the crossing moves infinitely fast."
        )
        words = "by the equation: 1/(1 − 1)"
    else:
        caption = (
            f"The slope of f at the crossing is {m:g}. After {STEPS} steps, the derivative is"
            f" {slopes[-1]:.3f} by unrolling (dots), {early[-1]:.3f} by the equation at the last"
            f" iterate (rings), and {exact:.3f} at the crossing (line)."
        )
        minus = "+" if m < 0 else "−"
        words = f"by the equation: 1/(1 {minus} {abs(m):g}) = {exact:.3g}"
    parts.append(svg.text(svg.WIDTH / 2, top + side + 26, words, svg.BACKWARD, **bold))
    caption = caption.replace("-", "−")
    markup = svg.picture(svg.WIDTH, top + side + 34, f"θ = {name}", caption, *parts)
    return Frame(markup, caption)


# Errors of gradients, by Matplotlib.


@dataclass(frozen=True)
class Panel:
    """One plot, upwards on a logarithmic axis if ``span`` covers more than a factor of 100.

    A panel with the span of the one before it has no numbers of its own beside it.

    Attributes
    ----------
    head, label : str
        What is drawn, and over what.
    lines : mapping of str to (places, values, style of Matplotlib)
        By name. Values with a row per run are drawn as their median and range.
    names : mapping of str to (x, y)
        Where the names stand.
    span : pair
        Range upwards.
    log_x : bool
        Whether the other axis is logarithmic as well.
    ticks : sequence of float
        Of that axis; Matplotlib's own if there is none.
    bars : bool
        Whether ranges are bars beside each other and not bands.
    """

    head: str
    label: str
    lines: Mapping[str, tuple[Array, Array, str]]
    names: Mapping[str, tuple[float, float]]
    span: tuple[float, float]
    log_x: bool = False
    ticks: Sequence[float] = ()
    bars: bool = False


def panels(panels: Sequence[Panel], title: str) -> Drawing:
    """Draw panels side by side."""
    plt = pyplot()
    fig, axes = plt.subplots(1, len(panels), figsize=(4.6, 2.6), squeeze=False)
    for number, (ax, panel) in enumerate(zip(axes[0], panels, strict=True)):
        if panel.log_x:
            ax.set_xscale("log")
        if panel.span[1] > 100 * panel.span[0] > 0:
            ax.set_yscale("log")
        if number and panel.span == panels[number - 1].span:
            ax.tick_params(labelleft=False)
        for k, (name, (x, y, style)) in enumerate(panel.lines.items()):
            rows = np.atleast_2d(y)
            places = x * 1.09 ** (k - 1) if panel.bars else x
            (line,) = ax.plot(places, np.median(rows, axis=0), style, zorder=3)
            low, high, color = rows.min(axis=0), rows.max(axis=0), line.get_color()
            if panel.bars:
                ax.vlines(places, low, high, color=color, linewidth=3, alpha=0.4)
            elif len(rows) > 1:
                ax.fill_between(places, low, high, alpha=0.2, color=color)
            if name in panel.names:
                ax.text(*panel.names[name], name, color=color)
        if panel.ticks:
            ax.set_xticks(panel.ticks)
        if panel.bars:
            ax.set_xticklabels([f"{tick:g}" for tick in panel.ticks])
        ax.set(xlabel=panel.label, ylim=panel.span)
        ax.set_title(panel.head, loc="left", fontsize=11)
        ax.minorticks_off()
    return plotted(fig, title)
