"""The figures of the chapter on gradient descent: parabolas, ravines and what a rate does in them.

The parabola is L = ½ · 4 · θ², the ravine L = ½ (θ₁² + 10 θ₂²). Colours mean the same in all of
them: blue where the rate is short, green where it serves, vermilion where it is too long.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn

CURVATURE = 4.0
FLAT, STEEP = 1.0, 10.0
START = (-10.0, 1.0)
BY_HAND = (0.1, 0.4, 0.5, 0.6)
THREE = (0.02, 0.18, 0.21)
STEPS = 20
RATES = (0.02, 0.05, 0.1, 0.15, 0.18, 0.19, 0.2, 0.205, 0.21)
MINUS = "\N{MINUS SIGN}"


def walk(rate: float, curvatures: Any, start: Any, steps: int) -> Array:
    """Return the places of gradient descent on ½ Σ λᵢ θᵢ², one row per step, the start first."""
    factors = 1 - rate * np.asarray(curvatures, dtype=float)
    return np.asarray(start) * factors ** np.arange(steps + 1)[:, None]


def height(places: Array) -> Array:
    """Return the loss in the ravine."""
    return np.asarray((FLAT * places[..., 0] ** 2 + STEEP * places[..., 1] ** 2) / 2)


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[2], COLORS[1]


def ellipses(ax: Any, levels: tuple[float, ...], angle: float = 0.0) -> None:
    """Draw contours of the ravine, turned about its minimum."""
    from backprop.book.figures.plots import GREY

    turn = np.linspace(0, 2 * np.pi, 121)
    for level in levels:
        x, y = np.sqrt(2 * level) * np.stack([np.cos(turn), np.sin(turn) / math.sqrt(STEEP)])
        c, s = math.cos(angle), math.sin(angle)
        ax.plot(c * x - s * y, s * x + c * y, "-", color=GREY, linewidth=0.9)


def ravine(title: str) -> Drawing:
    """Draw one ravine with twenty steps at each of three rates."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    fig, axes = plt.subplots(3, 1, sharex=True, figsize=(4.6, 4.4))
    words = ("too short", "about right", "too long")
    for ax, rate, color, mark, word in zip(axes, THREE, _colors(), "os^", words, strict=True):
        places = walk(rate, (FLAT, STEEP), START, STEPS)
        ellipses(ax, (1, 5, 15, 35, 60, 100))
        ax.plot(*places.T, "-", marker=mark, color=color, markersize=4.5, linewidth=1.6)
        ax.plot(*START, "o", color=INK, markersize=8)
        ax.plot(0, 0, "+", color=INK, markersize=12, markeredgewidth=2)
        ax.set(xlim=(-11.2, 2.6), ylim=(-2, 2), yticks=[-2, 0, 2], aspect="equal")
        ax.set_title(f"rate {rate}, {word}", loc="left", fontsize=12, color=color)
        end = _rounded(float(height(places[-1])))
        ax.set_title(f"loss 55 → {end}", loc="right", fontsize=12, color=color)
        ax.grid(False)
        ax.set_ylabel("θ₂", color=GREY)
    axes[-1].set_xlabel("θ₁")
    return plotted(fig, title)


def parabolas(title: str) -> Drawing:
    """Draw the four rates of the section by hand on the parabola 2θ², from θ = 1."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, axes = plt.subplots(1, 4, sharex=True, sharey=True, figsize=(4.6, 2.2))
    theta = np.linspace(-2.15, 2.15, 87)
    for ax, rate, color in zip(axes, BY_HAND, (blue, green, GREY, red), strict=True):
        # The third step at 0.6 ends far above the others.
        x = walk(rate, [CURVATURE], [1.0], 3 if rate != 0.6 else 2)[:, 0]
        ax.plot(theta, CURVATURE / 2 * theta**2, "-", color=GREY, linewidth=1)
        ax.plot(x, CURVATURE / 2 * x**2, "--o", color=color, markersize=5, linewidth=1.6)
        ax.plot(1, 2, "o", color=INK, markersize=7)
        ax.set(xlim=(-2.15, 2.15), ylim=(-0.4, 8.6), xticks=[-1, 1], yticks=[0, 2, 4, 8])
        words = f"η = {rate}\ntimes {_plain(1 - rate * CURVATURE)}"
        ax.set_title(words, fontsize=11.5, color=INK if color == GREY else color)
        ax.set_xlabel("θ")
        ax.grid(False)
    axes[0].set_ylabel("loss")
    return plotted(fig, title)


def rates() -> list[Frame]:
    """Return one frame per rate: the path in a turned ravine, both factors and the loss."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, green, red = _colors()
    angle = math.pi / 6
    c, s = math.cos(angle), math.sin(angle)
    start = (-5.0, 1.0)
    frames = []
    for rate in RATES:
        places = walk(rate, (FLAT, STEEP), start, STEPS)
        turned = places @ np.array([[c, s], [-s, c]])
        fig, ax = plt.subplots(figsize=(4.4, 2.25))
        ellipses(ax, (1, 5, 15, 30, 50), angle)
        color = red if rate >= 0.2 else green if rate >= 0.1 else blue
        ax.plot(*turned.T, "-o", color=color, markersize=4, linewidth=1.5)
        ax.plot(*turned[0], "o", color=INK, markersize=8)
        ax.plot(0, 0, "+", color=INK, markersize=12, markeredgewidth=2)
        ax.set(xlim=(-6, 3), ylim=(-3.6, 1.9), aspect="equal", xlabel="θ₁", ylabel="θ₂")
        ax.grid(False)
        flat, steep = 1 - rate * FLAT, 1 - rate * STEEP
        first, last = (float(height(places[k])) for k in (0, -1))
        words = (
            f"Per step, the flat coordinate is multiplied by {_plain(flat)} and the steep one by"
            f" {_plain(steep)}. In {STEPS} steps the steep coordinate goes from 1 to"
            f" {_rounded(float(places[-1, 1]))}, and the loss from {first:g} to {_rounded(last)}."
        )
        frames.append(drawn(fig, f"{STEPS} steps at the learning rate {rate}", words))
    return frames


def bent_walk(
    rate: float = 0.35, start: tuple[float, float] = (2.5, 0.5), steps: int = 60
) -> Array:
    """Return the places of gradient descent on ½ (θ₁θ₂ - 1)², one row per step, the start first."""
    places = [np.asarray(start, dtype=float)]
    for _ in range(steps):
        u, v = places[-1]
        places.append(places[-1] - rate * (u * v - 1) * np.array([v, u]))
    return np.array(places)


def bent(title: str, rate: float = 0.35) -> Drawing:
    """Draw a run that starts beyond its limit at a curve of minima and settles where it is flat.

    On the curve θ₁θ₂ = 1 the curvature across it is θ₁² + θ₂². Where that is 2/rate, the curve
    changes its colour.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    u = np.linspace(1.9, 2.8, 91)
    for level in (-0.6, -0.35, 0.35, 0.6):
        ax.plot(u, (1 + level) / u, "-", color=GREY, linewidth=0.9)
    limit = 2 / rate
    border = math.sqrt((limit + math.sqrt(limit**2 - 4)) / 2)
    for part, color, words, at in (
        (np.linspace(1.9, border, 31), green, "flat enough", (1.93, 0.43)),
        (np.linspace(border, 2.8, 31), red, "too sharp", (2.6, 0.43)),
    ):
        ax.plot(part, 1 / part, "-", color=color, linewidth=4)
        ax.text(*at, words, color=color, va="center")
    places = bent_walk(rate)
    ax.plot(*places.T, "-o", color=blue, markersize=4, linewidth=1.3)
    ax.plot(*places[0], "o", color=INK, markersize=8)
    ax.plot(*places[-1], "+", color=INK, markersize=14, markeredgewidth=2)
    ax.text(places[0, 0] + 0.03, places[0, 1], "start", color=INK, va="center")
    ax.set(xlim=(1.9, 2.8), ylim=(0.1, 0.75), xlabel="θ₁", ylabel="θ₂")
    ax.set(xticks=[2, 2.2, 2.4, 2.6, 2.8], yticks=[0.2, 0.4, 0.6])
    ax.grid(False)
    return plotted(fig, title)


def _plain(value: float) -> str:
    return f"{round(value, 6) + 0.0:g}".replace("-", MINUS)


def _rounded(value: float) -> str:
    """Write two significant digits, and what is below a thousandth of 1 as 0.000."""
    if abs(value) < 0.001:
        return "less than 0.001 in size" if value else "0"
    if round(value, 9) in (-1.0, 1.0):
        return _plain(value)
    exponent = math.floor(math.log10(abs(value)))
    return f"{value:.{max(0, 1 - exponent)}f}".replace("-", MINUS)


class Band(NamedTuple):
    """Several runs of one kind, drawn as their median and the range around it.

    Attributes
    ----------
    x : array, shape (n,)
        Where the runs were looked at.
    runs : array, shape (runs, n)
        One row per run.
    words, at : str, (x, y)
        What they are, and where that is written; it ends there.
    kind : int
        The colour: 0 short, 1 serves, 2 too long, 3 to 5 none of these.
    style : str
        Of the line, with its marker: "-o".
    """

    x: Any
    runs: Any
    words: str
    at: tuple[float, float]
    kind: int
    style: str


def bands(
    title: str, heading: str, series: Sequence[Band], levels: Sequence[float] = (), **axes: Any
) -> Drawing:
    """Draw medians and ranges, with dotted lines at some levels; ``axes`` goes to ``Axes.set``."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    colors = (*_colors(), COLORS[3], INK, GREY)
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    for band in series:
        color, runs = colors[band.kind], np.atleast_2d(band.runs)
        if len(runs) > 1:
            low, high = runs.min(axis=0), runs.max(axis=0)
            ax.fill_between(band.x, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(band.x, np.median(runs, axis=0), band.style, color=color, markersize=5)
        ax.text(*band.at, band.words, color=color, ha="right", va="center")
    for level in levels:
        ax.axhline(level, color=INK, linewidth=1.2, linestyle=":")
    ax.set(**axes)
    ax.minorticks_off()
    ax.set_title(heading, loc="left", fontsize=11)
    return plotted(fig, title)
