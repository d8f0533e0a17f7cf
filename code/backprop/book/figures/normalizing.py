"""The figures of the chapter on normalization: what it makes of a gradient, and of training.

A column is the numbers that share a mean μ and a deviation s; d = ∂L/∂x̂. Blue is what comes from
above, orange what a normalization takes away, green what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.layers import BatchNorm

COLUMN = (1.0, 7.0, 9.0, 15.0)
SLOPES = (1.0, 0.0, 2.0, 5.0)
"""The column worked by hand, and ∂L/∂x̂."""
MINUS = "\N{MINUS SIGN}"


def gradient(x: Any, d: Any) -> Array:
    """Return ∂L/∂x of one column, as BatchNorm computes it with ε = 0 and γ = 1."""
    layer = BatchNorm(1, eps=0)
    layer.forward(np.array(x, dtype=float)[:, None])
    return layer.backward(np.array(d, dtype=float)[:, None])[:, 0].copy()


def terms(x: Any, d: Any) -> tuple[Array, Array, Array, float]:
    """Return d, what the shift and the stretch take away, and s: ∂L/∂x = (d + both) / s."""
    x, d = np.asarray(x, dtype=float), np.asarray(d, dtype=float)
    s = float(x.std())
    x_hat = (x - x.mean()) / s
    return d, np.full(len(x), -d.mean()), -x_hat * (d * x_hat).mean(), s


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[1], COLORS[2]


def box(title: str) -> Drawing:
    """Draw d as the diagonal of a box: the parts along a shift and a stretch, and the rest."""
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    blue, red, green = _colors()
    d, shift, stretch, _ = terms(COLUMN, SLOPES)
    rest = d + shift + stretch
    long = [float(np.linalg.norm(v)) for v in (rest, stretch, shift)]
    depth, right, up = np.array([(0.72, 0.42), (1, 0), (0, 1)]) * np.array(long)[:, None]
    fig, ax = plt.subplots(figsize=(4.6, 3.2))
    for one, two, edge in ((depth, right, up), (depth, up, right), (right, up, depth)):
        for start in (0 * one, one, two, one + two):
            ax.plot(*np.array([start, start + edge]).T, "-", color=GREY, linewidth=0.7, alpha=0.55)
    floor = np.array([0 * depth, depth, depth + right, right])
    ax.fill(*floor.T, color=GREY, alpha=0.13, linewidth=0, linestyle="-")
    corners = np.cumsum([0 * depth, depth, right, up], axis=0)
    for k, colour in enumerate((green, red, red)):
        _arrow(ax, corners[k : k + 2].mean(axis=0), corners[k + 1] - corners[k], colour, 2.6)
    _arrow(ax, corners[3] / 2, corners[3], blue, 3.2)
    square = corners[2] + 0.3 * np.array([(-1, 0), (-1, 1), (0, 1)])
    ax.plot(*square.T, "-", color=red, linewidth=1.2)
    beside = corners[2, 0] + 0.25
    words = (
        (beside, corners[3, 1] - 0.15, blue, f"d = {_row(d)}"),
        (beside, 0.62 * corners[3, 1], red, f"shift {_row(-shift)}\nlength {long[2]:g}, removed"),
        (beside, corners[2, 1] + 0.2, red,
         f"stretch\n{_row(-stretch)}\nlength {long[1]:g}, removed"),
        (0.1, -0.45, green, f"rest {_row(rest)}, length √{long[0] ** 2:.0f}, passed on"),
    )  # fmt: skip
    for across, high, colour, text in words:
        ax.text(across, high, text, va="center", color=colour, fontsize=12)
    ax.set(xlim=(-0.2, 8.6), ylim=(-0.8, 5.1), aspect="equal")
    ax.axis("off")
    return plotted(fig, title)


def _row(values: Array) -> str:
    return "(" + ", ".join(_written(float(v), 1).removesuffix(".0") for v in values) + ")"


def _arrow(ax: Any, middle: Array, step: Array, colour: str, width: float = 1.6) -> None:
    if np.linalg.norm(step) < 0.05:
        ax.plot(*middle, ".", color=colour, markersize=4)
        return
    style = {
        "arrowstyle": "-|>,head_width=0.22,head_length=0.4", "color": colour, "linewidth": width,
        "mutation_scale": 6 + 2 * width, "shrinkA": 0, "shrinkB": 0,
    }  # fmt: skip
    ax.annotate("", middle + step / 2, middle - step / 2, arrowprops=style)


def _unit(angle: float) -> Array:
    return np.array([math.cos(angle), math.sin(angle)])


INPUTS = np.array([(1, 1), (-1, 1), (1, -1), (-1, -1)], dtype=float)
"""Four examples of two inputs, for the unit whose loss is drawn over its two weights."""


def weight_slopes(weights: Any, d: Any = SLOPES) -> Array:
    """Return ∂L/∂W of L = d·x̂, where x̂ is INPUTS @ W, normalized over the examples."""
    return np.asarray(INPUTS.T @ gradient(INPUTS @ np.asarray(weights, dtype=float), d))


ABOVE = (0.0, 0.0, 3.0, 3.0)
"""∂L/∂x̂ for these examples, with which the loss is lowest straight above."""


def walk(start: Any, rate: float, steps: int, *, d: Any = SLOPES, reset: bool = False) -> Array:
    """Return the weights before and after each step of gradient descent, a row each.

    With ``reset``, a further row follows each step: the weights at the length of the start.
    """
    path = [np.array(start, dtype=float)]
    length = np.linalg.norm(path[0])
    for _ in range(steps):
        path.append(path[-1] - rate * weight_slopes(path[-1], d))
        if reset:
            path.append(path[-1] * (length / np.linalg.norm(path[-1])))
    return np.array(path)


BESIDE = {False: ((0.23, 0.08), (0.04, -0.27), (-0.22, 0.08)), True: ((0.24, 0.1),)}
"""Where the number of each step stands beside its point, with free lengths and with reset ones."""
CYCLE = math.asin((1 + math.sqrt(19)) / 6)
"""The angle from which the reset weights, at the length 1 and the rate 0.5, jump to π minus it."""


def rays(title: str, rate: float = 0.5) -> Drawing:
    """Draw gradient descent on the two weights of a normalized unit, free and with a fixed length.

    The shade is the loss, which depends on the angle alone. The points are numbered by step. With
    the fixed length only the first step is drawn, and the cycle of two points (:data:`CYCLE`) in
    which the steps end.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, green = _colors()
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 3.0))
    for ax, reset, colour in zip(axes, (False, True), (green, blue), strict=True):
        for low, high in pairwise(np.linspace(-np.pi / 2, 1.5 * np.pi, 49)):
            wedge = np.array([(0, 0), *(6 * _unit(a) for a in (low, high))])
            depth = (1 - math.sin((low + high) / 2)) / 2
            # The cycle's dashes at the width 0 are an error for newer versions of Matplotlib.
            ax.fill(*wedge.T, color=GREY, alpha=0.04 + 0.55 * depth, linewidth=0, linestyle="-")
        path = walk(_unit(0.5 * math.pi + 0.85), rate, len(BESIDE[reset]), d=ABOVE, reset=reset)
        if reset:
            circle = np.array([_unit(a) for a in np.linspace(0, 2 * np.pi, 100)])
            ax.plot(*circle.T, "--", color=INK, linewidth=1)
            sides = np.array([_unit(CYCLE), _unit(math.pi - CYCLE)])
            for one, two in (sides, sides[::-1]):
                _arrow(ax, (one + two) / 2, two - one, red, 3.2)
            ax.text(0, 0.5, "forever", ha="center", va="center", color=red, fontweight="bold")
        for k, (one, two) in enumerate(pairwise(path)):
            if reset and k % 2 == 1:
                ax.plot(*np.array([one, two]).T, ":", linewidth=1.4, color=INK)
                ax.text(1.45, 1.35, "reset", ha="right", va="center", color=INK)
            elif k > 0:  # too short for a head
                ax.plot(*np.array([one, two]).T, "-", linewidth=1.6, color=colour)
            else:
                _arrow(ax, (one + two) / 2, two - one, colour, 1.6)
        kept = path[:: 2 if reset else 1]
        ax.plot(*kept.T, "o", color=colour, markersize=4)
        for k, point in enumerate(kept[1:], start=1):
            ax.text(
                *np.add(point, BESIDE[reset][k - 1]), str(k), ha="center", va="center", color=INK,
            )  # fmt: skip
        ax.plot(*path[0], "o", color=INK, markersize=6)
        ax.text(*(path[0] + (-0.12, 0.2)), "start", ha="right", va="center", color=INK)
        ax.plot(0, 0, "+", color=INK, markersize=8)
        ax.text(0, 3.0, "loss low", ha="center", va="center", color=INK)
        ax.text(0, -0.55, "loss high", ha="center", va="center", color=INK)
        ax.set(xlim=(-1.6, 1.6), ylim=(-1.08, 3.2), aspect="equal")
        ax.set_title("length reset" if reset else "length free", fontsize=12, color=colour)
        ax.axis("off")
    return plotted(fig, title)


def shared(title: str) -> Drawing:
    """Draw a table of examples by units twice: a column shares a mean, or a row does."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    table = np.array([[1, 5, 3], [7, 2, 0], [9, 4, 8], [15, 1, 2]])
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 1.75))
    for ax, kind in zip(axes, ("batch", "row"), strict=True):
        for (i, j), value in np.ndenumerate(table):
            inside = j == 0 if kind == "batch" else i == 1
            colour = _colors()[0] if inside else "none"
            ax.add_patch(
                plt.Rectangle(
                    (j, 3 - i), 1, 1, facecolor=colour, alpha=0.3 if inside else 1, linewidth=0
                )
            )
            ax.add_patch(
                plt.Rectangle((j, 3 - i), 1, 1, facecolor="none", edgecolor=GREY, linewidth=0.8)
            )
            ax.text(
                j + 0.5, 3.5 - i, str(value), ha="center", va="center", fontsize=11, color=INK,
                fontweight="bold" if inside else "normal",
            )  # fmt: skip
        ax.set(xlim=(-0.05, 3.05), ylim=(-0.05, 4.05))
        ax.axis("off")
        ax.set_title("batch norm" if kind == "batch" else "layer and RMS norm", fontsize=12)
    axes[0].text(-0.15, 2, "examples", rotation=90, ha="right", va="center")
    axes[0].text(1.5, -0.2, "units", ha="center", va="top")
    axes[1].text(1.5, -0.2, "units", ha="center", va="top")
    return plotted(fig, title)


def _written(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


RATE_MARKS = {0.03: "0.03", 0.1: "0.1", 0.3: "0.3", 1: "1", 3: "3", 10: "10", 30: "30", 100: "100"}


def _medians(ax: Any, rates: Sequence[float], runs: Array, colour: str, line: str) -> None:
    """Draw the medians over the starts up to the first that overflows, and shade the ranges."""
    low, middle, high = (f(runs, axis=0) for f in (np.min, np.median, np.max))
    shown = slice(int(np.isfinite(middle).sum()) + 1)
    low, middle, high = (np.minimum(v[shown], 99) for v in (low, middle, high))
    ax.fill_between(rates[shown], low, high, color=colour, alpha=0.2, linewidth=0)
    ax.plot(rates[shown], middle, line, color=colour, linewidth=2.2, markersize=4.5)


def _logarithmic(ax: Any, across: dict[float, str], up: Sequence[float]) -> None:
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(list(across), list(across.values()))
    ax.set_xticks([], minor=True)
    ax.set_yticks(list(up), [f"{mark:g}" for mark in up])
    ax.set_yticks([], minor=True)


def _guessing(ax: Any, at: float) -> None:
    from backprop.book.figures.plots import INK

    ax.axhline(math.log(10), color=INK, linewidth=0.9, linestyle=":")
    ax.text(at, 1.12 * math.log(10), "guessing: 2.30", va="bottom", color=INK)


def lifted(title: str, rates: Sequence[float], plain: Array, normalized: Array) -> Drawing:
    """Draw the final loss over the rate, without and with a normalization: medians and ranges.

    Both have a row per start and a column per rate.
    """
    plt = pyplot()
    _, red, green = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 3.0))
    _medians(ax, rates, plain, red, "-s")
    _medians(ax, rates, normalized, green, "-o")
    _guessing(ax, rates[0])
    ax.text(1.0, 0.45, "plain", ha="left", va="center", color=red, fontweight="bold")
    ax.text(2.2, 3.5, "plain overflows", ha="left", va="center", color=red)
    ax.text(6, 0.011, "batch norm", ha="center", va="center", color=green, fontweight="bold")
    _logarithmic(ax, RATE_MARKS, (0.01, 0.1, 1))
    ax.set(xlim=(0.027, 120), ylim=(0.006, 5))
    ax.set(xlabel="learning rate of the weight matrices\n(all other parameters: 0.3)")
    ax.set(ylabel="training loss after 60 steps")
    return plotted(fig, title)


def braked(title: str, rates: Sequence[float], found: dict[str, tuple[Array, Array]]) -> Drawing:
    """Draw the final loss over the rate, and below it the final effective rate.

    ``found`` gives both, a row per start, for the runs "weights" and "weights reset".
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, _, green = _colors()
    fig, (above, below) = plt.subplots(2, 1, figsize=(4.6, 4.3), sharex=True)
    for name, colour, line in (("weights reset", blue, "--D"), ("weights", green, "-o")):
        for ax, runs in zip((above, below), found[name], strict=True):
            _medians(ax, rates, runs, colour, line)
    _guessing(above, 0.03)
    below.axhspan(0.15, 1.5, color=GREY, alpha=0.18, linewidth=0)
    for ax, across, high, colour, text, edge in (
        (above, 4.5, 0.9, blue, "lengths reset", "right"),
        (above, 110, 0.0125, green, "lengths free", "right"),
        (below, 13, 22, blue, "lengths reset", "right"),
        (below, 110, 2.9, green, "lengths free", "right"),
        (below, 0.029, 1.0, INK, "reset runs learn well", "left"),
    ):
        ax.text(across, high, text, ha=edge, va="center", color=colour)
    for ax in (above, below):
        _logarithmic(ax, RATE_MARKS, (0.01, 0.1, 1, 10))
    above.set(ylim=(0.008, 5), ylabel="training loss", xlim=(0.027, 120))
    below.set(ylim=(0.004, 90), ylabel="effective rate")
    below.set(xlabel="learning rate of the weight matrices")
    fig.align_ylabels()
    return plotted(fig, title)


def apart(title: str, rates: Sequence[float], found: Sequence[tuple[str, Array]]) -> Drawing:
    """Draw the final losses of some kinds of runs, a row each, and a panel per rate.

    Each kind has a name and its losses, a row per start and a column per rate. A name with a comma
    belongs to the row above it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    groups = [name.split(", ")[0] for name, _ in found]
    shades = dict(zip(dict.fromkeys(groups), (COLORS[1], COLORS[3], COLORS[2]), strict=True))
    colours = [shades[group] for group in groups]
    nested = [False, *(one == two for one, two in pairwise(groups))]
    rows = np.cumsum([0.0, *(-1.0 if below else -1.5 for below in nested[1:])])
    fig, axes = plt.subplots(1, len(rates), figsize=(4.6, 3.3), sharey=True)
    for k, (ax, rate) in enumerate(zip(axes, rates, strict=True)):
        ax.axvline(math.log(10), color=INK, linewidth=0.9, linestyle=":")
        middles = [float(np.median(runs[:, k])) for _, runs in found]
        for n, (row, colour, middle) in enumerate(zip(rows, colours, middles, strict=True)):
            ends = np.sort(found[n][1][:, k])
            lost = int(np.isinf(ends).sum())
            if np.isfinite(middle):
                ax.plot([ends[0], min(ends[-1], 3.5)], [row, row], "-", color=colour, linewidth=6,
                        alpha=0.35, solid_capstyle="butt")  # fmt: skip
                ax.plot(middle, row, "o", color=colour, markersize=8)
                high = middle > 1  # its number is to stay clear of the dotted line
                ax.text(0.85 * middle if high else middle, row + (-0.22 if nested[n] else 0.2),
                        two_digits(middle), va="top" if nested[n] else "bottom",
                        ha="right" if high else "center", color=INK)  # fmt: skip
            if lost:
                text = f"{lost} of {len(ends)}\noverflow" + "s" * (lost == 1)
                across = 0.3 if np.isfinite(middle) else 1.9
                ax.text(across, row, text, ha="right", va="center", color=colour)
        ax.set(xscale="log", xlim=(0.0085, 5), ylim=(rows[-1] - 0.5, 0.75))
        ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        ax.set_xticks([], minor=True)
        ax.set_yticks(rows, [name.split(", ")[-1] for name, _ in found])
        ax.tick_params(axis="y", length=0)
        ax.grid(False)
        ax.set_title(f"rate {rate:g}", fontsize=12)
    for word, colour, below in zip(axes[0].get_yticklabels(), colours, nested, strict=True):
        word.set(color=colour, fontsize=11 if below else 12)
        word.set_fontweight("normal" if below else "bold")
    fig.supxlabel("training loss after 60 steps", fontsize=12)
    return plotted(fig, title)


def two_digits(value: float) -> str:
    """Write two significant digits: 0.20, 1.9, 0.027."""
    return f"{value:#.2g}"
