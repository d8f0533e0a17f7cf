"""The figures of the chapter on schedules: noisy parabolas, shapes of schedules, and real runs.

The parabola is L = ½ θ², and each step sees its slope plus noise, whose variance is 1 where nothing
else is said. Colours mean the same in all of them: vermilion a large
constant rate, blue a small one, and green a falling one.
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
    Cosine,
    Exponential,
    OneCycle,
    Schedule,
    StepDecay,
    Warmup,
)

START = 4.0
LEVELS = (0.5, 0.1, 0.02)
"""The constant rates whose floors are drawn."""
RUNS, LONG = 1000, 1000
"""How many walks are averaged, and over how many steps."""
SQUARES = (1, 2, 3, 4, 5, 10, 20)
"""V before the step is 1 over each of these."""


def mean_square(
    rates: Any, start: float = START**2, curvature: float = 1.0, noise: float = 1.0
) -> Array:
    """Return the mean of θ² before the first step and after each, V ← (1 - ηλ)² V + η² τ².

    Parameters
    ----------
    rates : array_like, shape (steps, ...)
        One rate for each step; further axes are other plans.
    start : float
        V at the start.
    curvature, noise : float
        λ and τ².

    Returns
    -------
    ndarray, shape (steps + 1, ...)
    """
    plans = np.asarray(rates)
    found = [np.full(plans.shape[1:], float(start))]
    for rate in plans:
        found.append((1 - rate * curvature) ** 2 * found[-1] + rate**2 * noise)
    return np.array(found)


def greedy(steps: int, start: float = START**2, curvature: float = 1.0) -> Array:
    """Return the best rates on a parabola, λ/(λ²(t + 1) + 1/V₀) for t = 0, 1, …, in order."""
    return np.asarray(curvature / (curvature**2 * (np.arange(steps) + 1) + 1 / start))


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
    fig, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(4.6, 2.75), height_ratios=[2.3, 1])
    looks = {
        "small": (blue, "small: slow", (220, 1.66), (200, 0.05)),
        "large": (red, "large: fast, but noisy", (1000, 1.02), (690, 0.355)),
        "falling": (green, "falling: fast and low", (470, 0.112), (610, 0.215)),
    }
    for words, (color, label, spot, below) in looks.items():
        losses = courses[words][0]
        t = np.arange(losses.shape[1]) * top_rates.EVERY
        top.plot(t, losses.T, "-", color=color, linewidth=0.7, alpha=0.4)
        top.plot(t, np.median(losses, axis=0), "-", color=color, linewidth=2.2)
        side = "right" if spot[0] == 1000 else "left"
        top.text(*spot, label, color=color, ha=side, fontsize=12)
        shape, highest = top_rates.HERO[words]
        rate = [highest * top_rates.SHAPES[shape](int(k)) for k in range(top_rates.STEPS)]
        low.plot(rate, "-", color=color, linewidth=2.2)
        start = "from " if words == "falling" else ""
        low.text(*below, f"{words}, {start}{highest}", color=color)
    top.set(yscale="log", ylim=(0.1, 2.6), yticks=[0.1, 0.2, 0.5, 1, 2])
    top.set(yticklabels=["0.1", "0.2", "0.5", "1", "2"], xlim=(0, top_rates.STEPS))
    top.minorticks_off()
    top.set_title("loss on the test digits", loc="left", fontsize=11)
    low.set(ylim=(0, 0.47), yticks=[0, 0.32], yticklabels=["0", "0.32"], xlabel="update")
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
        fig, ax = plt.subplots(figsize=(4.4, 2.3))
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
            f"The best rate is {unit(n + 1)}: it leaves {n**2}/{below} of the old V"
            f"{f', which is {n}/{below}' if n > 1 else ''}, "
            f"and the noise adds 1/{below}. The sum is {unit(n + 1)}."
        )
        frames.append(drawn(fig, f"V after a step at each rate, from V = {unit(n)}", words))
    return frames


def levels(title: str) -> Drawing:
    """Draw the mean loss over the steps at constant rates and at the best ones, and many walks."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.4))
    t = np.arange(LONG + 1)
    seen = np.unique(np.geomspace(1, LONG, 13).astype(int))
    rows = [(np.full(LONG, rate), color, f"rate {rate}\nfloor {floor(rate):.2g}", apart)
            for rate, color, apart in zip(
                LEVELS, (red, COLORS[3], blue), (1.3, 1.15, 0.85), strict=True)]  # fmt: skip
    for rates, color, words, apart in (*rows, (greedy(LONG), green, "best rate\nin each step", 1)):
        loss, met = mean_square(rates) / 2, (walks(rates, RUNS, 0) ** 2).mean(axis=0) / 2
        ax.plot(t[1:], loss[1:], "-", color=color, linewidth=2)
        ax.plot(seen, met[seen], "o", color=color, markersize=4)
        ax.text(LONG * 1.25, apart * loss[-1], words, color=color, va="center", linespacing=0.95)
    ax.text(1.2, 0.0004, "lines: theory\ndots: 1,000 walks", color=INK)
    ax.set(xscale="log", yscale="log", xlim=(1, LONG), ylim=(2.2e-4, 14), xlabel="step")
    ax.set(xticks=[1, 10, 100, 1000], xticklabels=["1", "10", "100", "1,000"])
    ax.set(yticks=[0.001, 0.01, 0.1, 1, 10], yticklabels=["0.001", "0.01", "0.1", "1", "10"])
    ax.minorticks_off()
    ax.set_title("mean loss after the step", loc="left", fontsize=11)
    return plotted(fig, title)


SHAPES: dict[str, Schedule] = {
    "1/t": top_rates.inverse(10),
    "exponential": Exponential(1.0, 0.955),
    "step": StepDecay(1.0, 30, 0.3),
    "one cycle": OneCycle(1.0, 100),
    "cosine": Cosine(1.0, 100),
    "linear": top_rates.linear(100),
    "constant-then-decay": top_rates.constant_then_decay(100),
    "warm-up": Warmup(Cosine(1.0, 80), 20),
}
"""Schedules whose highest rate is 1 in a run of 100 steps."""


def planned(name: str) -> Array:
    """Return the rates of a shape."""
    return np.array([SHAPES[name](t) for t in range(100)])


def shapes(title: str) -> Drawing:
    """Draw the schedules, four in a row, each with its name."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(2, 4, sharex=True, sharey=True, figsize=(4.6, 2.1))
    for ax, name in zip(axes.flat, SHAPES, strict=True):
        rates = planned(name)
        ax.fill_between(np.arange(100), rates, color=green, alpha=0.18, linewidth=0)
        ax.plot(rates, "-", color=green, linewidth=2)
        ax.set(xlim=(0, 100), ylim=(0, 1.12), xticks=[0, 50], yticks=[0, 1])
        words = name.replace("constant-then-", "constant-\nthen-")
        ax.text(50, 1.2, words, color=INK, ha="center", va="bottom", linespacing=1.1)
        ax.grid(visible=False)
    for ax in axes[:, 0]:
        ax.set_ylabel("rate")
    for ax in axes[1]:
        ax.set_xlabel("step")
    return plotted(fig, title)


def sums() -> dict[str, float]:
    """Return the sum of all rates of each shape at its chosen top rate, the largest first."""
    found = {}
    for name, losses in top_rates.stored().last.items():
        top = top_rates.TOPS[top_rates.chosen(losses)]
        shape = top_rates.SHAPES[name]
        found[name] = top * sum(shape(t) for t in range(top_rates.STEPS))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def tops(title: str) -> Drawing:
    """Draw the last test loss against the top rate, and below it each start against the constant.

    In the lower panel each shape has the top rate that the digits for validation choose, and the
    shapes stand in the order of their sums of rates.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, green, red = _colors()
    found = top_rates.stored()
    fig, (ax, low) = plt.subplots(2, 1, figsize=(4.6, 3.6), height_ratios=[1, 1.3])
    looks = {"constant": (red, (0.33, 1.25), "right"), "cosine": (green, (0.66, 0.17), "left")}
    for k, (name, (color, spot, side)) in enumerate(looks.items()):
        tested = found.last[name][1]
        x = np.array(top_rates.TOPS) * 1.02 ** (k - 0.5)
        middle, best = np.median(tested, axis=1), top_rates.chosen(found.last[name])
        ax.vlines(x, tested.min(axis=1), tested.max(axis=1), color=color, linewidth=1.2, alpha=0.5)
        ax.plot(x, middle, "-", color=color, linewidth=2)
        ax.plot(x[best], middle[best], "o", color=color, markersize=8, zorder=3)
        ax.text(*spot, name, color=color, va="center", ha=side)
    ax.set(xscale="log", yscale="log", xlim=(0.018, 1.4), ylim=(0.105, 2.5), xlabel="top rate")
    ax.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
    ax.set(xticks=[0.02, 0.05, 0.1, 0.2, 0.5, 1])
    ax.set(xticklabels=["0.02", "0.05", "0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    ax.set_title("test loss, batches of 2", loc="left", fontsize=11)
    constant = top_rates.at_best(found.last["constant"])
    rows = {name: total for name, total in sums().items() if name != "constant"}
    for y, (name, total) in enumerate(rows.items()):
        ratio = top_rates.at_best(found.last[name]) / constant
        low.plot(ratio, np.full(len(ratio), y), "o", color=green, markersize=6, alpha=0.5)
        low.plot(np.median(ratio), y, "|", color=INK, markersize=12, markeredgewidth=2)
        low.text(0.18, y, name, color=INK, va="center")
        low.text(0.655, y, f"{total:.0f}", color=GREY, va="center", ha="right")
    low.text(0.655, -0.95, "Ση", color=GREY, va="center", ha="right")
    low.axvline(1, color=red, linewidth=1.8)
    words = f"constant ({sums()['constant']:.0f})"
    low.text(1.006, -0.95, words, color=red, va="center", ha="center")
    low.set(ylim=(6.6, -1.5), yticks=[], xlim=(0.17, 1.17))
    low.set(xticks=[0.7, 0.8, 0.9, 1, 1.1], xticklabels=["0.7", "0.8", "0.9", "1", "1.1"])
    low.set_title("test loss / that of the constant rate", loc="left", fontsize=11)
    return plotted(fig, title)


def clocks(title: str, seen: Mapping[str, tuple[Sequence[float], float]]) -> Drawing:
    """Draw the rates of all updates of some runs, side by side, each with the loss at its end.

    Parameters
    ----------
    title : str
        Of the drawing.
    seen : mapping of str to (sequence of float, float)
        The rates and the loss, by what is said above. The first run is the right one.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, red = _colors()
    fig, axes = plt.subplots(1, len(seen), sharey=True, figsize=(4.6, 1.45))
    for k, (ax, (words, (rates, loss))) in enumerate(zip(axes, seen.items(), strict=True)):
        color, highest = red if k else green, max(rates)
        ax.fill_between(np.arange(len(rates)), rates, color=color, alpha=0.18, linewidth=0)
        ax.plot(rates, "-", color=color, linewidth=0.8 if np.diff(rates).max() > 0 else 2)
        ax.set(xlim=(-15, len(rates)), ylim=(0, 1.12 * highest), xticks=[])
        ax.set(yticks=[0, highest], yticklabels=["0", f"{highest:g}"])
        ax.set_xlabel(f"loss {loss:.2f}", color=color)
        ax.text(len(rates) / 2, 1.2 * highest, words, color=INK, ha="center", va="bottom")
        ax.grid(visible=False)
    axes[0].set_ylabel("rate")
    return plotted(fig, title)


def range_tests(
    title: str,
    rates: Array,
    losses: Sequence[Array],
    best: float,
    words: str,
    tries: Sequence[float],
) -> Drawing:
    """Draw the curves of range tests, where the best top rate lies, and what to try.

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
    tries : sequence of float
        Top rates to try, marked above; and the last rate of the shortest curve is marked as well.
    """
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 1.95))
    for curve in losses:
        ax.plot(rates[: len(curve)], curve, "-", color=blue, linewidth=0.9, alpha=0.6)
    ax.axvline(best, color=green, linewidth=1.6, linestyle="--")
    ax.text(best * 0.9, 0.3, words, color=green, va="center", ha="right")
    earliest = rates[min(map(len, losses)) - 1]
    ax.axvline(earliest, color=red, linewidth=1.6, linestyle=":")
    ax.text(earliest * 1.15, 0.3, f"{earliest:.1f}", color=red, va="center")
    ax.plot(tries, np.full(len(tries), 3.75), "v", color=GREY, markersize=7)
    ax.text(min(tries) * 0.8, 3.75, "to try first", color=GREY, va="center", ha="right")
    ax.set(xscale="log", ylim=(0, 4.2), xlabel="rate of the update", xlim=(rates[0], rates[-1]))
    ax.set(yticks=[0, 1, 2, 3, 4], xticks=[0.001, 0.01, 0.1, 1, 10])
    ax.set(xticklabels=["0.001", "0.01", "0.1", "1", "10"])
    ax.minorticks_off()
    ax.set_title("loss of the batch", loc="left", fontsize=11)
    return plotted(fig, title)


def warmed_up(
    title: str,
    tops: Sequence[float],
    losses: Mapping[int, Array],
    first: Mapping[int, Array],
) -> Drawing:
    """Draw the first losses of batches, and last losses against the top rate, by warm-up.

    Parameters
    ----------
    title : str
        Of the drawing.
    tops : sequence of float
        The top rates.
    losses : mapping of int to array, shape (top rates, starts)
        By the number of updates of warm-up, 0 and another. Drawn are medians and ranges.
    first : mapping of int to array, shape (starts, updates)
        The losses of the batches after 0, 1, … updates at the last top rate.
    """
    plt = pyplot()
    _, green, red = _colors()
    fig, (ax, low) = plt.subplots(2, 1, figsize=(4.6, 3.2), height_ratios=[1.15, 1])
    looks = {k: (color, f"{k} updates of warm-up" if k else "no warm-up")
             for k, color in zip(losses, (red, green), strict=True)}  # fmt: skip
    spots = dict(zip(losses, (((2.1, 3.6), (0.03, 0.55)), ((0.2, 0.35), (0.0103, 0.068))),
                     strict=True))  # fmt: skip
    for place, (k, (color, words)) in enumerate(looks.items()):
        ax.plot(first[k].T, "-", color=color, linewidth=0.8, alpha=0.5)
        ax.plot(np.median(first[k], axis=0), "-o", color=color, linewidth=2.2, markersize=4)
        x = np.array(tops) * 1.012 ** (2 * place - 1)
        low.vlines(x, losses[k].min(axis=1), losses[k].max(axis=1), color=color, linewidth=1,
                   alpha=0.45)  # fmt: skip
        low.plot(x, np.median(losses[k], axis=1), "-o", color=color, markersize=4.5, linewidth=2)
        for axis, spot in zip((ax, low), spots[k], strict=True):
            axis.text(*spot, words, color=color)
    highest = 1.05 * max(5.0, *(float(np.max(losses)) for losses in first.values()))
    ax.set(ylim=(0, highest), yticks=range(0, int(highest) + 1, 2), xlabel="updates made")
    ax.set(xlim=(0, len(first[0][0]) - 1), xticks=range(0, len(first[0][0]), 2))
    low.set(xscale="log", yscale="log", ylim=(0.05, 2.6), xlabel="top rate")
    low.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
    low.set(xticks=list(tops), xticklabels=[f"{top:g}" for top in tops])
    low.minorticks_off()
    ax.set_title(f"loss of the batch, top rate {tops[-1]:g}", loc="left", fontsize=11)
    low.set_title("test loss after 200 updates", loc="left", fontsize=11)
    return plotted(fig, title)
