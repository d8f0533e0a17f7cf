"""The figures of the chapter on gradients: one loss of two weights, and what forecasts say of it.

The loss is L = (θ₁θ₂ - 4)², that of two weights in a row, with input 1 and target 4. The walk
starts at (1.5, 2), where ∇L = (-4, -3), and goes straight down, along (0.8, 0.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn

TARGET = 4.0
START, GRADIENT, DOWN = (1.5, 2.0), (-4.0, -3.0), (0.8, 0.6)
TRUSTED = 0.084
"""Up to here, the bound on the error is at most a tenth of the change that the slope promises."""
CIRCLE = tuple(
    (sign * x, sign * y)
    for sign in (1, -1)
    for x, y in ((1.0, 0.0), (0.8, 0.6), (0.6, 0.8), (0.0, 1.0), (-0.6, 0.8), (-0.8, 0.6))
)
"""Twelve directions of length 1 whose entries have one decimal, once round."""


def cut(h: Array) -> Array:
    """Return L after a walk of length h: c(h) = (-1 + 2.5 h + 0.48 h²)²."""
    return np.asarray((-1 + 2.5 * h + 0.48 * h**2) ** 2)


def curvature(h: Array) -> Array:
    """Return c''(h) = 10.58 + 14.4 h + 2.7648 h², which grows with h > 0."""
    return np.asarray(10.58 + 14.4 * h + 2.7648 * h**2)


def forecasts(title: str) -> Drawing:
    """Draw the loss along the walk, both forecasts, its band, and how far the line is trusted."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    h = np.linspace(0, 0.4, 81)
    line, bound = 1 - 5 * h, h**2 / 2 * curvature(h)
    fig, ax = plt.subplots(figsize=(4.6, 2.9))
    ax.fill_between(h, line - bound, line + bound, color=COLORS[1], alpha=0.18, linewidth=0)
    ax.axhline(0, color=GREY, linewidth=0.8)
    ax.plot(h, cut(h), "-", color=INK, linewidth=2.6)
    ax.plot(h, line, "--", color=COLORS[1])
    ax.plot(h, line + 5.29 * h**2, "-.", color=COLORS[0], linewidth=2.2)
    ax.plot(0, 1, "o", color=INK, markersize=8)
    end = 0.408
    for y, words, color in (
        (0.2, "the loss", INK),
        (-0.2, "slope and\ncurvature", COLORS[0]),
        (-0.98, "slope alone", COLORS[1]),
    ):
        ax.text(end, y, words, color=color, va="center", fontsize=11)
    ax.text(0.01, 1.06, "start: loss 1, slope −5", color=INK, va="bottom")
    ax.axvspan(0, TRUSTED, color=COLORS[2], alpha=0.2, linewidth=0)
    words = "error ≤ 10 %\nof the change\npromised"
    ax.text(0.003, -0.1, words, color=INK, va="top", fontsize=11)
    ax.text(0.1, -1.1, "the loss must\nlie in this band", color=COLORS[1])
    ax.annotate(
        "", (0.26, -0.55), (0.235, -0.7), arrowprops={"arrowstyle": "-", "color": COLORS[1]}
    )
    ax.set(xlabel="length h of the walk", xlim=(-0.01, 0.4), ylim=(-1.2, 1.25))
    ax.set(xticks=[0, 0.1, 0.2, 0.3, 0.4], yticks=[-1, -0.5, 0, 0.5, 1])
    ax.set_title("loss", loc="left", fontsize=11)
    return plotted(fig, title)


def _levels(ax: Any, levels: Mapping[float, float], low: float, high: float) -> None:
    """Draw the curves θ₁θ₂ = p on which L has one value; ``levels`` maps p to a line width."""
    from backprop.book.figures.plots import GREY

    across = np.geomspace(0.02, high, 200)
    for p, width in levels.items():
        for sign in (1, -1) if low < 0 else (1,):
            x, y = sign * across, sign * p / across
            kept = (np.abs(y) <= high) & (y >= low)
            ax.plot(x[kept], y[kept], "-", color=GREY, linewidth=width)


def turning() -> list[Frame]:
    """Return twelve frames: where you look, and the slope of L there, on a cosine that grows."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    degrees = [np.degrees(np.arctan2(y, x)) % 360 for x, y in CIRCLE]
    slopes = [GRADIENT[0] * x + GRADIENT[1] * y for x, y in CIRCLE]
    turn = np.linspace(0, 360, 121)
    wave = GRADIENT[0] * np.cos(np.radians(turn)) + GRADIENT[1] * np.sin(np.radians(turn))
    frames = []
    for k, (u, slope) in enumerate(zip(CIRCLE, slopes, strict=True)):
        fig, (ax, low) = plt.subplots(1, 2, figsize=(4.4, 2.7), width_ratios=[1, 1.15])
        _levels(ax, {1: 0.9, 2: 0.9, 3: 1.6, 4: 2.4, 5: 0.9, 6: 0.9}, 0.4, 3.6)
        for p in (1, 2, 3, 4, 5, 6):
            ax.text(p / 3.4, 3.46, f"{(p - TARGET) ** 2:.0f}", color=INK, ha="center", fontsize=11)
        end = (START[0] + 1.1 * u[0], START[1] + 1.1 * u[1])
        arrow = {"arrowstyle": "-|>", "color": COLORS[1], "lw": 3, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", end, START, arrowprops=arrow)
        ax.plot(*START, "o", color=INK, markersize=7)
        ax.set(xlim=(0.2, 2.9), ylim=(0.6, 3.4), aspect="equal", xticks=[1, 2], yticks=[1, 2, 3])
        ax.set_title("loss of each curve", fontsize=11, pad=18)
        ax.set(xlabel="θ₁", ylabel="θ₂")
        ax.grid(False)
        seen = turn <= (degrees[k] if u != CIRCLE[-1] else 360)
        low.plot(turn[seen], wave[seen], "-")
        low.plot(degrees[: k + 1], slopes[: k + 1], "o", color=COLORS[0], markersize=4)
        low.plot(degrees[k], slope, "o", color=COLORS[1], markersize=10)
        low.axhline(0, color=INK, linewidth=0.8)
        low.set_xticks(range(0, 361, 120), ["0°", "120°", "240°", "360°"])
        low.set(yticks=[-5, 0, 5], xlim=(-16, 376), ylim=(-6.2, 6.2))
        low.set_title("slope along u", fontsize=11)
        low.set_xlabel("angle of u")
        way = "uphill" if slope > 0.01 else "downhill" if slope < -0.01 else "level"
        if abs(slope) > 4.99:
            way = f"the {'highest' if slope > 0 else 'lowest'} of the twelve"
        a, b, s = (f"{value:.1f}".removesuffix(".0") for value in (*u, slope))
        a, b = (f"({part})" if part.startswith("-") else part for part in (a, b))
        words = f"Slope (-4) · {a} + (-3) · {b} = {s}: {way}.".replace("-0 ", "0 ")
        words = words.replace("(-0)", "0").replace("= -0:", "= 0:").replace("-", "\N{MINUS SIGN}")
        frames.append(drawn(fig, f"Looking along ({_one(u[0])}, {_one(u[1])})", words))
    return frames


def _one(value: float) -> str:
    return f"{value + 0.0:.1f}".removesuffix(".0").replace("-", "\N{MINUS SIGN}")


def _four_digits(value: float) -> str:
    return f"{value:.4f}".replace("-", "\N{MINUS SIGN}")


def looks() -> list[str]:
    """Return the names of the twelve directions: (0.8, 0.6)."""
    return [f"({_one(x)}, {_one(y)})" for x, y in CIRCLE]


def unit_steps(title: str) -> Drawing:
    """Draw the steps of length 1 in three norms, the steepest one of each, and lines of slope."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.8))
    turn = np.linspace(0, 2 * np.pi, 361)
    around = np.stack([np.cos(turn), np.sin(turn)])
    kinds = (
        (1, (1.0, 0.0), "--", "^", "‖u‖₁ = 1", COLORS[3]),
        (2, DOWN, "-", "o", "‖u‖₂ = 1", COLORS[0]),
        (np.inf, (1.0, 1.0), "-.", "s", "‖u‖∞ = 1", COLORS[2]),
    )
    for order, best, style, mark, words, color in kinds:
        x, y = around / np.linalg.norm(around, order, axis=0)
        ax.plot(x, y, style, color=color)
        ax.plot(*best, mark, color=color, markersize=11, label=words, linestyle=style)
        slope = best[0] * GRADIENT[0] + best[1] * GRADIENT[1]
        ys = np.array([-1.15, 1.3])
        ax.plot((-slope - 3 * ys) / 4, ys, ":", color=GREY, linewidth=1.2)
        side, way = ("right", -0.12) if order == 1 else ("left", 0.07)
        ax.text((-slope + 3 * 0.95) / 4 + way, -0.97, f"−{-slope:.0f}", color=INK, ha=side)
    arrow = {"arrowstyle": "-|>", "color": COLORS[1], "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (-0.8, -0.6), (0, 0), arrowprops=arrow)
    ax.text(-0.47, -0.12, "∇L", color=COLORS[1], ha="right")
    ax.plot(0, 0, "o", color=INK)
    ax.set(xlim=(-1.2, 2.75), ylim=(-1.15, 1.3), xlabel="u₁", ylabel="u₂", aspect="equal")
    ax.set(xticks=[-1, 0, 1, 2], yticks=[-1, 0, 1])
    ax.grid(False)
    ax.legend(
        loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handlelength=1.6, columnspacing=1.2
    )
    return plotted(fig, title)


def landscape(title: str) -> Drawing:
    """Draw the contours of L with the valley, the origin, and gradients along one contour."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.95))
    axis = np.linspace(-4, 4, 81)
    values = (np.multiply.outer(axis, axis) - TARGET) ** 2
    levels = [1, 4, 16, 64, 144]
    ax.contourf(axis, axis, values, levels, cmap="Blues", alpha=0.4, extend="both", zorder=0)
    ax.set_rasterization_zorder(0.5)
    lines = ax.contour(
        axis, axis, values, levels, colors=GREY, linewidths=0.9, linestyles="-", zorder=1
    )
    places = [(-2, 2), (-2.83, 2.83), (-2.6, 0), (2.83, 2.83), (2.66, 1.13), (-1.41, -1.41)]
    ax.clabel(lines, fmt="%g", fontsize=11, colors=INK, manual=places)
    across = np.geomspace(1, 4, 60)
    for sign in (1, -1):
        ax.plot(sign * across, sign * 4 / across, "-", color=COLORS[0], linewidth=3)
    ax.plot(0, 0, "X", color=INK, markersize=11)
    ax.text(0.2, -0.62, "origin", color=INK)
    ax.text(1.05, 4.12, "valley", color=COLORS[0], ha="center")
    arrow = {"arrowstyle": "-|>", "color": COLORS[1], "lw": 2, "shrinkA": 0, "shrinkB": 0}
    for x in (0.85, 1.5, 2.2, 3.2):
        place = np.array([x, 3 / x])
        g = 2 * (3 - TARGET) * place[::-1]
        ax.annotate("", place + 0.16 * g, place, arrowprops=arrow)
    ax.plot(*START, "o", color=INK, markersize=8)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal", xticks=range(-4, 5, 2))
    ax.set(yticks=range(-4, 5, 2), xlabel="θ₁", ylabel="θ₂")
    ax.grid(False)
    return plotted(fig, title)


def lengths_and_curvatures(
    ratios: Sequence[Array],
    moments: Sequence[int],
    steps: Sequence[int],
    curves: Sequence[Array],
    title: str,
) -> Drawing:
    """Draw how long the estimated walks are, and both curvatures with their signs.

    Where the curvature along the gradient is negative, its point and its estimate are ringed.

    Parameters
    ----------
    ratios : two arrays, shape (len(moments), n_seeds)
        Estimated by true length: from the curvature along the gradient, and from random
        directions.
    moments : sequence of int
        How many steps had been taken at each row of the ratios; some of ``steps``.
    steps : sequence of int
        How many steps had been taken at each of the curvatures.
    curves : two arrays, shape (n_seeds, len(steps))
        Curvatures along the gradient and along random directions.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (left, right) = plt.subplots(1, 2, figsize=(4.55, 2.5), width_ratios=[1, 1.15])
    looks = ((COLORS[1], "-", "o"), (COLORS[0], "--", "^"))
    ring = {"markersize": 11, "markerfacecolor": "none", "markeredgecolor": INK}
    left.axhline(1, color=INK, linewidth=0.8)
    for values, side, (color, _, mark) in zip(ratios, (-0.2, 0.2), looks, strict=True):
        for at, group in enumerate(values):
            places = at + side + np.linspace(-0.13, 0.13, len(group))
            left.plot(places, group, mark, color=color, markersize=4)
            if side < 0:
                below = curves[0][:, list(steps).index(moments[at])] < 0
                for x, y in zip(places[below], group[below], strict=True):
                    left.plot(x, y, "o", **ring)
                    left.text(x - 0.2, y, f"{y:.0f}", color=INK, ha="right", va="center")
    left.set(yscale="log", xlim=(-0.5, len(moments) - 0.5), ylim=(0.5, 600), xlabel="steps")
    left.set_xticks(range(len(moments)), [str(k) for k in moments])
    left.set_yticks([1, 10, 100], ["1", "10", "100"])
    left.set_title("estimated / true", fontsize=11)
    right.axhline(0, color=INK, linewidth=0.8)
    for values, (color, line, mark) in zip(curves, looks, strict=True):
        right.fill_between(
            steps, values.min(0), values.max(0), color=color, alpha=0.18, linewidth=0
        )
        middle = np.median(values, axis=0)
        right.plot(steps, middle, line, marker=mark, color=color, markersize=4)
    for k, below in zip(steps, np.transpose(curves[0]), strict=True):
        for value in below[below < 0]:
            right.plot(k, value, "o", color=COLORS[1], markersize=4)
            right.plot(k, value, "o", **ring)
            right.text(1.5 * k, value - 0.004, _four_digits(value), color=INK)
    for x, y, words, color in (
        (110, 1.6, "along the gradient", COLORS[1]),
        (110, 0.0055, "random", COLORS[0]),
    ):
        right.text(x, y, words, color=color, ha="right", va="center", fontsize=11)
    right.set_yscale("symlog", linthresh=0.01, linscale=0.6)
    right.set_xscale("symlog", linthresh=1, linscale=0.4)
    right.set(xlim=(-0.25, 130), ylim=(-0.011, 3), xlabel="steps")
    right.set_xticks([0, 1, 3, 8, 20, 100], ["0", "1", "3", "8", "20", "100"])
    right.set_yticks([0, 0.01, 0.1, 1], ["0", "0.01", "0.1", "1"])
    right.set_title("curvature", fontsize=11)
    for ax in (left, right):
        ax.minorticks_off()
    return plotted(fig, title)


def estimated_walk(
    near: Array, curves: Array, far: Array, losses: Array, slope: float, true: float, title: str
) -> Drawing:
    """Draw the loss on a walk of the estimated length, and the curvature on its first part.

    Parameters
    ----------
    near, curves : arrays of one shape
        Lengths from 0 on, a little beyond ``true``, and the curvature there.
    far, losses : arrays of one shape
        Lengths from 0 to the estimated one, and the loss there.
    slope : float
        The slope at the start, which is negative.
    true : float
        How far the forecast from the slope is wrong by at most a tenth of what it promises.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, (left, right) = plt.subplots(1, 2, figsize=(4.55, 2.4))
    for ax in (left, right):
        ax.axvspan(0, true, color=COLORS[2], alpha=0.25, linewidth=0)
        ax.axhline(0, color=GREY, linewidth=0.8)
        ax.set_xlabel("length h of the walk")
    left.plot(far, losses, "-", color=INK, linewidth=2.6)
    floor = np.array([0.0, (losses[0] + 1.2) / -slope])
    left.plot(floor, losses[0] + slope * floor, "--", color=COLORS[1], linewidth=2)
    ends = far[[0, -1]], losses[[0, -1]]
    left.plot(*ends, "o", color=INK, markersize=7, clip_on=False)
    for x, y, words, side, color in (
        (3.5, losses[0] + 0.15, f"{losses[0]:.2f}", "left", INK),
        (far[-1] - 3, losses[-1], f"{losses[-1]:.1f}", "right", INK),
        (21, 2.75, "the loss", "right", INK),
        (9.5, -0.75, "slope alone", "left", COLORS[1]),
    ):
        left.text(x, y, words, color=color, ha=side, va="center", fontsize=11)
    left.set(xlim=(-1, far[-1] + 1), ylim=(-1.2, 5.2), xticks=[0, 10, 20, 30, 40])
    left.set_yticks([0, 2, 4])
    left.set_title("loss", loc="left", fontsize=11)
    right.plot(near, curves, "-", color=COLORS[1], linewidth=2.6)
    right.plot(0, curves[0], "o", color=COLORS[1], markersize=7)
    right.text(
        0.14, curves[0] - 0.007, _four_digits(curves[0]), color=INK, ha="left", va="center",
        fontsize=11,
    )  # fmt: skip
    right.text(true / 2, 0.106, f"true: {true:.1f}", color=INK, ha="center", fontsize=11)
    right.set(xlim=(-0.08, near[-1]), ylim=(-0.018, 0.118), yticks=[0, 0.05, 0.1])
    right.set_xticks([0, 1, 2, 3])
    right.set_title("curvature", loc="left", fontsize=11)
    return plotted(fig, title)


def table_of_slopes(
    J: Sequence[Sequence[int]], inputs: Sequence[str], results: Sequence[str], title: str
) -> Drawing:
    """Draw a Jacobian with what its first row and its second column mean.

    Parameters
    ----------
    J : sequence of rows of int
        A row for each input, a column for each result.
    inputs, results : sequence of str
        Names with values: "x₁ = 3".
    title : str
        What the picture shows, for those who do not see it.
    """
    left, top, wide, high = 150.0, 46.0, 84.0, 42.0
    columns, rows = len(results), len(inputs)
    parts = [
        svg.element(
            "rect", x=left + 4, y=top + 4, width=columns * wide - 8, height=high - 8, rx=8,
            fill="none", stroke=svg.FORWARD, stroke_width="2.5",
        ),
        svg.element(
            "rect", x=left + wide + 10, y=top - 2, width=wide - 20, height=rows * high + 4, rx=8,
            fill="none", stroke=svg.BACKWARD, stroke_width="2.5", stroke_dasharray="7 4",
        ),
    ]  # fmt: skip
    for j, name in enumerate(results):
        fill = svg.BACKWARD if j == 1 else "currentColor"
        parts.append(svg.text(left + (j + 0.5) * wide, top - 14, name, fill, font_weight=600))
    for i, name in enumerate(inputs):
        fill = svg.FORWARD if i == 0 else "currentColor"
        y = top + (i + 0.5) * high + 6
        parts.append(svg.text(left - 14, y, name, fill, text_anchor="end", font_weight=600))
        for j, entry in enumerate(J[i]):
            parts.append(svg.text(left + (j + 0.5) * wide, y, str(entry), font_size=18))
    below = top + rows * high + 30
    words = f"row 1: how all {columns} results follow {inputs[0].split(' =')[0]}"
    parts.append(svg.text(left - 130, below, words, svg.FORWARD, text_anchor="start"))
    words = f"column 2: the gradient of {results[1].split(' =')[0]}"
    parts.append(svg.text(left - 130, below + 22, words, svg.BACKWARD, text_anchor="start"))
    said = "; ".join(
        f"{name}: {', '.join(map(str, row))}" for name, row in zip(inputs, J, strict=True)
    )
    return drawing(title, below + 36, said, *parts)


KINDS = (
    ("minimum", "all positive", (2.25, 1.0)),
    ("maximum", "all negative", (-2.25, -1.0)),
    ("saddle", "both signs", (-2.25, 2.25)),
    ("undecided", "otherwise", (2.25, 0.0)),
)
"""Name, signs of the eigenvalues, and eigenvalues along (1, 1) and (1, -1)."""
REACH, RADII = 42.0, (14.0, 28.0, 42.0)
"""Half the width of a panel; where its contours cross (1, 1)."""


def kinds_of_points(title: str) -> Drawing:
    """Draw contours and gradients around a critical point of each kind."""
    wide, middle = svg.WIDTH / len(KINDS), 72.0
    parts, said = [], []
    for k, (name, signs, eigenvalues) in enumerate(KINDS):
        at = ((k + 0.5) * wide, middle)
        parts.append(svg.text(at[0], 18, name, font_weight=600))
        parts += [_line(at, curve) for curve in contours(eigenvalues)]
        if eigenvalues[1] == 0:
            end = np.sqrt(2) * REACH
            parts.append(_line(at, _turned([(0, -end), (0, end)]), svg.FORWARD, "3.5"))
        parts += [_arrow(at, *ends) for ends in slopes(eigenvalues)]
        parts.append(svg.element("circle", cx=at[0], cy=at[1], r=4, fill="currentColor"))
        parts.append(svg.text(at[0], middle + REACH + 24, signs))
        said.append(f"{name}, eigenvalues {signs}")
    return drawing(title, middle + REACH + 34, "; ".join(said), *parts)


def contours(eigenvalues: tuple[float, float]) -> list[Array]:
    """Return curves, as points (right, up), on which the form with these eigenvalues is level."""
    first, second = eigenvalues
    curves = []
    for r in RADII:
        if second == 0:
            end = np.sqrt(2) * REACH - r
            curves += [_turned([(s * r, -end), (s * r, end)]) for s in (1, -1)]
        elif first * second > 0:
            turn = np.linspace(0, 2 * np.pi, 49)
            ends = r * np.cos(turn), r * np.sqrt(first / second) * np.sin(turn)
            curves.append(_turned(0.78 * np.stack(ends, axis=1)))
        else:
            right = np.geomspace(r**2 / 2 / REACH, REACH, 15)
            up = r**2 / 2 / right
            curves += [np.stack([a * right, b * up], axis=1) for a in (1, -1) for b in (1, -1)]
    if first * second < 0:
        curves += [np.array([(-REACH, 0), (REACH, 0)]), np.array([(0, -REACH), (0, REACH)])]
    return curves


def slopes(eigenvalues: tuple[float, float]) -> list[Array]:
    """Return gradients that start on the second contour, each as its two ends (right, up)."""
    first = eigenvalues[0]
    start = RADII[1] * (0.78 if first * eigenvalues[1] > 0 else 1)
    arrows = []
    for axis, eigenvalue in zip(np.eye(2), eigenvalues, strict=True):
        if eigenvalue:
            place = start * np.sqrt(abs(first / eigenvalue)) * axis
            arrows += [_turned([s * place, s * place * (1 + 0.28 * eigenvalue)]) for s in (1, -1)]
    return arrows


def _turned(along: Any) -> Array:
    """Turn coordinates along (1, 1) and (1, -1) into (right, up)."""
    return np.asarray(np.asarray(along) @ np.array([[1.0, 1.0], [1.0, -1.0]]) / np.sqrt(2))


def _line(
    at: tuple[float, float], curve: Array, stroke: str = "currentColor", width: str = "1"
) -> str:
    points = " ".join(f"{at[0] + x:.1f},{at[1] - y:.1f}" for x, y in curve)
    faint = "0.65" if width == "1" else None
    return svg.element(
        "polyline", points=points, fill="none", stroke=stroke, stroke_width=width, opacity=faint
    )


def _arrow(at: tuple[float, float], start: Array, end: Array) -> str:
    tail, tip = ((at[0] + x, at[1] - y) for x, y in (start, end))
    return svg.pointer(tail, tip, svg.BACKWARD, "2.2", 7, 3.5)
