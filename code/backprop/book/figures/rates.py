"""The figures of the chapter on schedules: a noisy parabola, shapes of schedules, and real runs.

The parabola is L = ½ θ², and each step sees its slope plus noise of variance 1. Colours mean the
same in all of them: vermilion a large constant rate, blue a small one, green a falling one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import top_rates
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.schedules import (
    Constant,
    Cosine,
    CosineWarmRestarts,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    Warmup,
)

START = 4.0
LEVELS = (0.5, 0.1, 0.02)
"""The constant rates whose floors are drawn."""
RUNS, LONG = 1000, 1000
"""How many walks are averaged, and over how many steps."""
NOISE_SCALE = 100
SQUARES = (1, 2, 3, 4, 5, 10, 20)
"""V before the step is 1 over each of these."""


def mean_square(rates: Any, start: float = START**2) -> Array:
    """Return the mean of θ² before the first step and after each, V ← (1 - η)² V + η².

    Parameters
    ----------
    rates : array_like, shape (steps,)
        One rate for each step.
    start : float
        V at the start.

    Returns
    -------
    ndarray, shape (steps + 1,)
    """
    found = [start]
    for rate in rates:
        found.append((1 - rate) ** 2 * found[-1] + rate**2)
    return np.array(found)


def greedy(steps: int, start: float = START**2) -> Array:
    """Return the best rates on this parabola, 1/(t + 1 + 1/V₀) for t = 0, 1, …, in order."""
    return np.asarray(1 / (np.arange(steps) + 1 + 1 / start))


def walks(rates: Any, runs: int, seed: int, start: float = START) -> Array:
    """Walk with normal noise; one row a run, one column a place.

    Parameters
    ----------
    rates : array_like, shape (steps,)
        One rate for each step.
    runs, seed : int
        How many walks, and from where their noise comes.
    start : float
        θ at the start.

    Returns
    -------
    ndarray, shape (runs, steps + 1)
    """
    noise = np.random.default_rng(seed).normal(size=(len(rates), runs))
    places = [np.full(runs, start)]
    for rate, xi in zip(rates, noise, strict=True):
        places.append(places[-1] - rate * (places[-1] + xi))
    return np.array(places).T


def floor(rate: float) -> float:
    """Return the mean loss at which a constant rate levels off, η / (2 (2 - η))."""
    return rate / (2 * (2 - rate))


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[2], COLORS[1]


def unit(n: int) -> str:
    """Return one over ``n`` in words, 1 or 1/n."""
    return "1" if n == 1 else f"1/{n}"


def hero(title: str) -> Drawing:
    """Draw test losses at a small, a large and a falling rate, and below them the rates."""
    plt = pyplot()
    blue, green, red = _colors()
    courses = top_rates.stored().hero
    fig, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(4.6, 3.3), height_ratios=[2.3, 1])
    looks = {
        "small": (blue, "small: slow", (220, 1.66), (200, 0.05)),
        "large": (red, "large: fast, but noisy", (1000, 1.02), (690, 0.345)),
        "falling": (green, "falling: fast and low", (470, 0.112), (610, 0.215)),
    }
    for words, (color, label, spot, below) in looks.items():
        losses = courses[words]
        t = np.arange(losses.shape[1]) * top_rates.EVERY
        top.plot(t, losses.T, "-", color=color, linewidth=0.7, alpha=0.4)
        top.plot(t, np.median(losses, axis=0), "-", color=color, linewidth=2.2)
        side = "right" if spot[0] == 1000 else "left"
        top.text(*spot, label, color=color, ha=side, fontsize=12)
        shape, highest = top_rates.HERO[words]
        rate = [highest * top_rates.SHAPES[shape](int(k)) for k in range(top_rates.STEPS)]
        low.plot(rate, "-", color=color, linewidth=2.2)
        low.text(*below, words, color=color)
    top.set(yscale="log", ylim=(0.1, 2.6), yticks=[0.1, 0.2, 0.5, 1, 2])
    top.set(yticklabels=["0.1", "0.2", "0.5", "1", "2"], xlim=(0, top_rates.STEPS))
    top.minorticks_off()
    top.set_title("loss on the test digits", loc="left", fontsize=11)
    low.set(ylim=(0, 0.42), yticks=[0, 0.32], yticklabels=["0", "0.32"], xlabel="update")
    low.set_title("rate", loc="left", fontsize=11)
    return plotted(fig, title)


def choices() -> list[Frame]:
    """Return one frame for each V of ``SQUARES``: what a step at each rate would leave of it."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    eta = np.linspace(0, 1, 101)
    frames = []
    for n in SQUARES:
        V, best = 1 / n, 1 / (n + 1)
        left = (1 - eta) ** 2 * V + eta**2
        fig, ax = plt.subplots(figsize=(4.4, 2.5))
        ax.fill_between(eta, eta**2, color=red, alpha=0.3, linewidth=0)
        ax.fill_between(eta, eta**2, left, color=blue, alpha=0.3, linewidth=0)
        ax.plot(eta, eta**2, "--", color=red, linewidth=1.4)
        ax.plot(eta, left, "-", color=INK, linewidth=2.2)
        earlier = 1 / np.arange(2, n + 1)
        ax.plot(earlier, earlier, "o", color=green, markersize=5, alpha=0.55)
        ax.plot([best, best], [0, best], "-", color=green, linewidth=2)
        ax.plot(best, best, "o", color=green, markersize=9)
        for y, words, color in (
            (1.03, f"from V = {unit(n)}", INK), (0.89, f"best rate {unit(n + 1)}", green),
        ):  # fmt: skip
            ax.text(0.33, y, words, color=color, va="center")
        ax.text(0.93, 0.35, "η²", color=red, ha="center")
        if n < 4:
            ax.text(0.03, 0.4 * V, "(1 − η)²V", color=blue, va="center")
        for x, words, color in (
            (0, "V after the step:", GREY), (0.44, "old V left", blue),
            (0.735, "+ noise let in", red),
        ):  # fmt: skip
            ax.text(x, 1.05, words, color=color, transform=ax.transAxes)
        ax.set(xlim=(0, 1), ylim=(0, 1.1), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.5, 1])
        ax.set(xticklabels=["0", "1/4", "1/2", "3/4", "1"], yticklabels=["0", "1/2", "1"])
        ax.set_xlabel("rate η of the next step")
        ax.grid(visible=False)
        below = (n + 1) ** 2
        words = (
            f"The best rate is {unit(n + 1)}. The old V leaves {n}/{below} "
            f"and the noise adds 1/{below}, together {unit(n + 1)}."
        )
        frames.append(drawn(fig, f"V after a step at each rate, from V = {unit(n)}", words))
    return frames


def levels(title: str) -> Drawing:
    """Draw the mean loss over the steps at constant rates and at the best ones, and many walks."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 3.1))
    t = np.arange(LONG + 1)
    seen = np.unique(np.geomspace(1, LONG, 13).astype(int))
    rows = [(np.full(LONG, rate), color, f"rate {rate}\nfloor {floor(rate):.2g}")
            for rate, color in zip(LEVELS, (red, COLORS[3], blue), strict=True)]  # fmt: skip
    for rates, color, words in (*rows, (greedy(LONG), green, "best rate\nin each step")):
        loss, met = mean_square(rates) / 2, (walks(rates, RUNS, 0) ** 2).mean(axis=0) / 2
        ax.plot(t[1:], loss[1:], "-", color=color, linewidth=2)
        ax.plot(seen, met[seen], "o", color=color, markersize=4)
        ax.text(LONG * 1.25, loss[-1], words, color=color, va="center", linespacing=0.95)
    ax.text(1.2, 0.0004, "lines: theory\ndots: 1,000 walks", color=INK)
    ax.set(xscale="log", yscale="log", xlim=(1, LONG), ylim=(2.2e-4, 14), xlabel="step")
    ax.set(xticks=[1, 10, 100, 1000], xticklabels=["1", "10", "100", "1,000"])
    ax.set(yticks=[0.001, 0.01, 0.1, 1, 10], yticklabels=["0.001", "0.01", "0.1", "1", "10"])
    ax.minorticks_off()
    ax.set_title("mean loss after the step", loc="left", fontsize=11)
    return plotted(fig, title)


SHAPES: dict[str, tuple[Schedule, str, str]] = {
    "constant": (Constant(1.0), "Constant", r"$1$"),
    "step": (StepDecay(1.0, 30, 0.3), "StepDecay", "times 0.3, every 30 steps"),
    "exponential": (Exponential(1.0, 0.955), "Exponential", r"$0.955^{\,t}$"),
    "cosine": (Cosine(1.0, 100), "Cosine", r"$\frac{1}{2}\,(1 + \cos(\pi t/100))$"),
    "restarts": (CosineWarmRestarts(1.0, 25), "CosineWarmRestarts", "a cosine every 25 steps"),
    "warm-up": (Warmup(Cosine(1.0, 80), 20), "Warmup", r"$t/20$, then a cosine"),
    "one cycle": (OneCycle(1.0, 100), "OneCycle", "up for 30 steps, then down"),
    "plateau": (
        ReduceOnPlateau(1.0, factor=0.3), "ReduceOnPlateau", r"$\times\,0.3$ when the loss stalls",
    ),
}  # fmt: skip
"""A schedule whose highest rate is 1 in a run of 100 steps, its class, and its formula."""


def planned(name: str) -> Array:
    """Return the rates of a shape; the plateau's fall where an invented loss stalls."""
    if name == "plateau":
        t = np.arange(100)
        return np.asarray(np.select([t < 38, t < 71], [1, 0.3], 0.09))
    return np.array([SHAPES[name][0](t) for t in range(100)])


def shapes(title: str) -> Drawing:
    """Draw the schedules, one in a row, each with its formula and its class."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(len(SHAPES), 1, sharex=True, figsize=(4.6, 4.3))
    for ax, (name, (_, kind, formula)) in zip(axes, SHAPES.items(), strict=True):
        rates = planned(name)
        ax.fill_between(np.arange(100), rates, color=green, alpha=0.18, linewidth=0)
        ax.plot(rates, "-", color=green, linewidth=2)
        ax.set(xlim=(0, 265), ylim=(0, 1.12), xticks=[0, 50, 100], yticks=[0, 1])
        ax.text(115, 0.7, name, color=INK, fontsize=12, weight="bold")
        ax.text(265, 0.7, kind, color=green, ha="right")
        ax.text(115, 0.02, formula, color=INK, fontsize=12)
        ax.spines["bottom"].set_bounds(0, 100)
        ax.grid(False)
    return plotted(fig, title)


def tops(title: str) -> Drawing:
    """Draw the last test loss against the top rate: for each shape, the median and the range.

    The upper panel has batches of two, and the lower one batches of ``top_rates.LARGE``.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    blue, green, red = _colors()
    found = top_rates.stored()
    looks = {
        "constant": (red, "o"), "step": (COLORS[3], "s"), "exponential": (blue, "^"),
        "1/t": (COLORS[4], "P"), "cosine": (green, "D"), "one cycle": (COLORS[5], "v"),
    }  # fmt: skip
    fig, axes = plt.subplots(2, 1, sharex=True, figsize=(4.6, 4.2), height_ratios=[1.7, 1])
    sizes = top_rates.BATCH, top_rates.LARGE
    for ax, curves, size in zip(axes, (found.last, found.large), sizes, strict=True):
        for k, (name, losses) in enumerate(curves.items()):
            color, mark = looks[name]
            x = np.array(top_rates.TOPS) * 1.03 ** (k - len(curves) / 2)
            tested = losses[1]
            ax.vlines(x, tested.min(axis=1), tested.max(axis=1), color=color, linewidth=1,
                      alpha=0.45)  # fmt: skip
            ax.plot(x, np.median(tested, axis=1), "-", color=color, linewidth=1.8,
                    marker=mark, markersize=4, label=name)  # fmt: skip
        ax.set(xscale="log", yscale="log", xlim=(0.018, 1.45), ylim=(0.08, 2.5))
        ax.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
        ax.set_title(f"test loss, batches of {size}", loc="left", fontsize=11)
        ax.minorticks_off()
    axes[1].set(xticks=[0.02, 0.05, 0.1, 0.2, 0.5, 1], xlabel="top rate")
    axes[1].set(xticklabels=["0.02", "0.05", "0.1", "0.2", "0.5", "1"], ylim=(0.08, 1.2))
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3,
               fontsize=11.2, labelspacing=0.2, columnspacing=1.0, handlelength=1.6)  # fmt: skip
    return plotted(fig, title)


def range_tests(
    title: str, rates: Array, losses: Sequence[Array], best: float, words: str
) -> Drawing:
    """Draw the curves of range tests, and where the best top rate lies.

    Parameters
    ----------
    title : str
        Of the drawing.
    rates : array, shape (steps,)
        What the tests tried.
    losses : sequence of array, shape (at most steps,)
        One for each start.
    best : float
        The rate to mark.
    words : str
        Beside the mark.
    """
    plt = pyplot()
    blue, green, _ = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.15))
    for curve in losses:
        ax.plot(rates[: len(curve)], curve, "-", color=blue, linewidth=0.9, alpha=0.6)
    ax.axvline(best, color=green, linewidth=1.6, linestyle="--")
    ax.text(best * 0.9, 0.3, words, color=green, va="center", ha="right")
    ax.set(xscale="log", ylim=(0, 4.2), xlabel="rate of the update", xlim=(rates[0], rates[-1]))
    ax.set(yticks=[0, 1, 2, 3, 4], xticks=[0.001, 0.01, 0.1, 1, 10])
    ax.set(xticklabels=["0.001", "0.01", "0.1", "1", "10"])
    ax.minorticks_off()
    ax.set_title("loss of the batch", loc="left", fontsize=11)
    return plotted(fig, title)


def warmed_up(title: str, tops: Sequence[float], losses: Mapping[int, Array]) -> Drawing:
    """Draw last losses against the top rate, a curve for each length of the warm-up.

    Parameters
    ----------
    title : str
        Of the drawing.
    tops : sequence of float
        The top rates.
    losses : mapping of int to array, shape (top rates, starts)
        By the number of updates of warm-up. Drawn are medians and ranges.
    """
    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.5))
    looks = (red, "o", "-"), (blue, "^", ":"), (green, "D", "--")
    for place, ((k, found), (color, mark, line)) in enumerate(
        zip(losses.items(), looks, strict=True)
    ):
        x = np.array(tops) * 1.012 ** (place - 1)
        ax.vlines(x, found.min(axis=1), found.max(axis=1), color=color, linewidth=1, alpha=0.45)
        ax.plot(x, np.median(found, axis=1), line, marker=mark, color=color, markersize=4.5,
                linewidth=2, label=f"{k} updates" if k else "no warm-up")  # fmt: skip
    fig.legend(loc="outside upper center", ncols=3, columnspacing=1.0, handlelength=2.2)
    ax.set(xscale="log", yscale="log", ylim=(0.1, 2.6), xlabel="top rate")
    ax.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
    ax.set(xticks=list(tops), xticklabels=["" if top == 0.08 else f"{top:g}" for top in tops])
    ax.minorticks_off()
    ax.set_title("test loss after 200 updates", loc="left", fontsize=11)
    return plotted(fig, title)


def batches(title: str) -> Drawing:
    """Draw the best rate, as a part of 1/λ, against the batch size, 1 / (1 + scale / B)."""
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    blue, green, _ = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.15))
    B = np.geomspace(1, 10_000, 81)
    ax.plot(B, B / NOISE_SCALE, "--", color=blue, linewidth=1.4)
    ax.axhline(1, color=GREY, linewidth=1.4, linestyle=":")
    ax.plot(B, 1 / (1 + NOISE_SCALE / B), "-", color=green, linewidth=2.4)
    ax.plot(NOISE_SCALE, 0.5, "o", color=green, markersize=7)
    ax.text(8, 0.14, "linear rule", color=blue, ha="right")
    ax.text(1.2, 1.15, "limit, 1", color=GREY)
    ax.text(NOISE_SCALE * 1.25, 0.33, "half, at the noise scale", color=green)
    ax.set(xscale="log", yscale="log", xlim=(1, 10_000), ylim=(0.008, 2.2), xlabel="batch size B")
    ax.set(xticks=[1, 10, 100, 1000, 10_000], yticks=[0.01, 0.1, 1])
    ax.set(xticklabels=["1", "10", "100", "1,000", "10,000"], yticklabels=["0.01", "0.1", "1"])
    ax.minorticks_off()
    ax.set_title("best rate, times λ", loc="left", fontsize=11)
    return plotted(fig, title)
