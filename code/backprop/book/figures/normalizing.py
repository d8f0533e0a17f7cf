"""The figures of the chapter on normalization: what it makes of a gradient, and of training.

A column is the numbers that share a mean μ and a deviation s; d = ∂L/∂x̂. Blue is what comes from
above, orange what a normalization takes away, green what is left.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
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


def parts(title: str) -> Drawing:
    """Draw d on the column's number line, and below it the shift, the stretch and the rest in it.

    Each number of the column has one arrow a row, as long as its entry on the scale of the line.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, green = _colors()
    d, shift, stretch, _ = terms(COLUMN, SLOPES)
    rows = (
        (d, blue, "the slopes d that arrive"),
        (-shift, red, "the shift in them: the same for all four"),
        (-stretch, red, "the stretch in them: away from the mean, 8"),
        (d + shift + stretch, green, "the rest, without shift and stretch"),
    )
    butt: dict[str, Any] = {"linestyle": "-", "solid_capstyle": "butt"}
    fig, ax = plt.subplots(figsize=(4.6, 2.95))
    for k, (values, colour, words) in enumerate(rows):
        high = -1.65 * k
        ax.plot((-1.8, 20.8), (high, high), "-", color=GREY, linewidth=0.8)
        ax.text(-1.8, high + 0.86, words, va="center", color=colour, fontweight="bold")
        for x, value, side in zip(COLUMN, values, (0, -1, 1, 0), strict=True):
            if abs(value) > 0.5:
                _arrow(ax, np.array([x + value / 2, high]), np.array([value, 0]), colour, 2.2)
            elif value:  # too short for a head
                ax.plot((x, x + value), (high, high), color=colour, linewidth=4.5, **butt)
            ax.plot((x, x), (high - 0.13, high + 0.13), "-", color=INK, linewidth=1.4)
            aside = 0.35 * side * (value < 0)  # the minus signs of neighbours need room
            ax.text(x + aside, high + 0.2, _short(value), ha="center", va="bottom", color=INK)
    for x in COLUMN:
        ax.text(x, high - 0.25, f"{x:g}", ha="center", va="top", color=GREY)
    ax.text(20.8, high - 0.25, "x", ha="right", va="top", color=GREY, fontstyle="italic")
    ax.set(xlim=(-2, 21), ylim=(high - 0.75, 1.15))
    ax.axis("off")
    return plotted(fig, title)


def _short(value: float) -> str:
    return _written(float(value), 1).removesuffix(".0")


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


BESIDE = ((0.23, 0.08), (0.04, -0.27), (-0.22, 0.08))
"""Where the number of each step stands beside its point, with free lengths."""
CYCLE = math.asin((1 + math.sqrt(19)) / 6)
"""The angle from which the reset weights, at the length 1 and the rate 0.5, jump to π minus it."""


def rays(title: str, rate: float = 0.5) -> Drawing:
    """Draw gradient descent on the two weights of a normalized unit, free and with a fixed length.

    The shade is the loss, which depends on the angle alone. The free points are numbered by step.
    With the fixed length only the first step is drawn, and the cycle of two points
    (:data:`CYCLE`) in which the steps end.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, red, green = _colors()
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 3.0))
    for ax, reset, colour in zip(axes, (False, True), (green, red), strict=True):
        for low, high in pairwise(np.linspace(-np.pi / 2, 1.5 * np.pi, 49)):
            wedge = np.array([(0, 0), *(6 * _unit(a) for a in (low, high))])
            depth = (1 - math.sin((low + high) / 2)) / 2
            # The cycle's dashes at the width 0 are an error for newer versions of Matplotlib.
            ax.fill(*wedge.T, color=GREY, alpha=0.04 + 0.55 * depth, linewidth=0, linestyle="-")
        steps = 1 if reset else len(BESIDE)
        path = walk(_unit(0.5 * math.pi + 0.85), rate, steps, d=ABOVE, reset=reset)
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
        for k, point in enumerate(() if reset else kept[1:], start=1):
            ax.text(*np.add(point, BESIDE[k - 1]), str(k), ha="center", va="center", color=INK)
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
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 1.45))
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
        ax.set_title("batch norm" if kind == "batch" else "layer or RMS norm", fontsize=12)
    axes[0].text(-0.15, 2, "examples", rotation=90, ha="right", va="center")
    axes[0].text(1.5, -0.2, "units", ha="center", va="top")
    axes[1].text(1.5, -0.2, "units", ha="center", va="top")
    return plotted(fig, title)


def _written(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


RATE_MARKS = {rate: f"{rate:g}" for rate in (0.1, 1, 10, 100, 1000)}


def _medians(
    ax: Any, rates: Sequence[float], runs: Array, colour: str, line: str, shade: float
) -> None:
    """Draw the medians over the starts while they are finite, and shade the ranges.

    A range ends at the worst run that does not overflow.
    """
    middle = np.median(runs, axis=0)
    shown = slice(int(np.argmax([*np.isinf(middle), True])))
    high = np.where(np.isinf(runs), -np.inf, runs).max(axis=0)[shown]
    low = runs.min(axis=0)[shown]
    ax.fill_between(rates[shown], low, high, color=colour, alpha=shade, linewidth=0)
    ax.plot(rates[shown], middle[shown], line, color=colour, linewidth=2.2, markersize=4.5)


def _logarithmic(ax: Any, across: dict[float, str], up: Sequence[float]) -> None:
    ax.set(xscale="log", yscale="log")
    ax.set_xticks(list(across), list(across.values()))
    ax.set_xticks([], minor=True)
    ax.set_yticks(list(up), [f"{mark:g}" for mark in up])
    ax.set_yticks([], minor=True)


Curve = tuple[str, int, str, float, float, float, str, str]
"""An arm, the number of its colour (-1: grey), its line, the strength of its shade, and where its
words stand: rate, loss, words and edge."""
TOLERATED: tuple[Curve, ...] = (
    ("plain", 1, "-s", 0.16, 0.5, 0.52, "plain", "right"),
    ("layer", 0, "--^", 0.14, 3.7, 1.4, "layer", "right"),
    ("weights reset", -1, ":D", 0.2, 13, 0.5, "batch, lengths reset", "left"),
    ("weights", 2, "-o", 0.2, 1050, 0.016, "batch, lengths free", "right"),
)


def by_rate(title: str, rates: Sequence[float], found: Mapping[str, Array]) -> Drawing:
    """Draw the final loss over the rate, a curve for each arm of :data:`TOLERATED`.

    ``found`` gives the losses of each arm, a row per start and a column per rate.
    A cross stands where runs of the first arm overflow.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    colours = [*COLORS[:3], GREY]
    fig, ax = pyplot().subplots(figsize=(4.6, 2.7))
    for arm, number, line, shade, across, high, words, edge in TOLERATED:
        _medians(ax, rates, found[arm], colours[number], line, shade)
        ax.text(across, high, words, ha=edge, va="center", color=colours[number])
    arm, number = TOLERATED[0][:2]
    lost = np.isinf(found[arm]).sum(axis=0)
    for rate, count in zip(rates, lost, strict=True):
        if count:
            ax.plot(rate, 4.2, "x", color=colours[number], markersize=6, markeredgewidth=2)
    if lost.any():
        ax.text(0.8, 4.2, "overflow:", ha="right", va="center", color=colours[number])
    ax.axhline(math.log(10), color=INK, linewidth=0.9, linestyle=":")
    ax.text(rates[0], 0.87 * math.log(10), "guessing: 2.30", va="top", color=INK)
    _logarithmic(ax, RATE_MARKS, (0.01, 0.1, 1))
    ax.set(xlim=(0.026, 1150), ylim=(0.0085, 7 if lost.any() else 3.4))
    ax.set(xlabel="learning rate of the hidden weight matrices", ylabel="training loss")
    return plotted(fig, title)


BESIDE_ENDS = {1.0: 0.35, 100.0: 0.77}
"""At which effective rate the words of two close curves stand."""


def braking(
    title: str, found: Mapping[float, Array], free: Mapping[float, float],
    reset: Mapping[float, float],
) -> Drawing:  # fmt: skip
    """Draw the effective rate over the step, a curve for each rate, and dotted with reset lengths.

    ``found`` gives the effective rates with free lengths, a row per start and a column per step.
    At the right end of each line stand its rate and its final loss, from ``free`` or ``reset``.
    Steps are drawn at log(1 + step), because the first one changes most.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    green = COLORS[2]
    fig, ax = pyplot().subplots(figsize=(4.6, 3.1))
    for rate, runs in found.items():
        middle, across = np.median(runs, axis=0), np.log1p(np.arange(runs.shape[1]))
        ax.fill_between(
            across, runs.min(axis=0), runs.max(axis=0), color=green, alpha=0.2, linewidth=0
        )
        ax.plot(across, middle, "-", color=green, linewidth=2.2)
        beside = across[-1] + 0.08
        high = BESIDE_ENDS.get(rate, middle[-1])
        ax.text(beside, high, f"{rate:g}: {free[rate]:.2g}", va="center", color=green)
        if reset[rate] > 2 * free[rate]:  # else both lines are nearly one
            ax.plot(across[[0, -1]], middle[[0, 0]], ":", color=GREY, linewidth=2)
            ax.text(beside, middle[0], f"{rate:g}: {reset[rate]:.2g}", va="center", color=GREY)
        ax.plot(0, middle[0], "o", color=INK, markersize=5)
    ax.text(beside, 1900, "rate: loss", va="center", color=INK)
    ax.text(2.4, 17, "lengths reset", ha="center", va="center", color=GREY)
    ax.text(2.4, 0.2, "lengths free", ha="center", va="center", color=green)
    ax.set(xlim=(-0.12, 5.3), ylim=(0.04, 3500), xlabel="step", yscale="log")
    ax.set_ylabel("effective rate")
    steps = (0, 1, 3, 10, 30, 60)
    ax.set_xticks(np.log1p(steps), [str(step) for step in steps])
    ax.grid(visible=False)
    marks = (0.1, 1, 10, 100, 1000)
    ax.set_yticks(marks, [f"{mark:g}" for mark in marks])
    ax.set_yticks([], minor=True)
    return plotted(fig, title)
