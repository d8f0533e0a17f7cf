"""The figures of the chapter on schedules: noisy parabolas, shapes of schedules, and real runs.

The parabola is L = ½ θ², or has two curvatures, and each step sees its slope plus noise, whose
variance is 1 where nothing else is said. Colours mean the same in all of them: vermilion a large
constant rate, blue a small one, and green a falling one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book import top_rates
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.schedules import (
    Cosine,
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
RAVINE = (0.003, 1.0)
"""The curvatures of the flat direction and of the steep one."""
FAR = 100.0
"""V at the start in each direction of the ravine."""
SQUARES = (1, 2, 3, 4, 5, 10, 20)
"""V before the step is 1 over each of these."""


NOISES = (1.0, 0.3, 0.1)
"""Variances of the noise in the ravine's flat direction; in the steep one it is 1."""


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


def tuned(shape: Any, noise: float = 1.0) -> tuple[float, Array]:
    """Return the top rate with which a shape ends lowest in the ravine, and its mean losses.

    Parameters
    ----------
    shape : array_like, shape (steps,)
        A schedule whose highest rate is 1.
    noise : float
        The variance of the noise in the flat direction.

    Returns
    -------
    float
    ndarray, shape (2, steps + 1)
        ½ λ V in the flat direction and in the steep one. Their sum is the mean loss.
    """
    tops = np.geomspace(0.001, 1.9, 400)
    plans = np.multiply.outer(np.asarray(shape), tops)
    losses = np.array([lam / 2 * mean_square(plans, FAR, lam, variance)
                       for lam, variance in zip(RAVINE, (noise, 1.0), strict=True)])  # fmt: skip
    best = losses[:, -1].sum(axis=0).argmin()
    return float(tops[best]), losses[..., best]


def plan(name: str) -> Array:
    """Return a shape of the ravine's runs, with the highest rate 1."""
    return np.array([top_rates.SHAPES[name](t) for t in range(LONG)])


OF_THE_RAVINE = ("constant", "1/t", "cosine", "linear", "constant-then-decay")
"""The shapes that are drawn, by their names in :data:`backprop.book.top_rates.SHAPES`."""


class Parts(NamedTuple):
    """What a tuned shape leaves in the ravine.

    Attributes
    ----------
    rates : ndarray, shape (LONG,)
        Of all steps.
    start, noise, steep : float
        The three parts of the last mean loss. In the flat direction, ``start`` is what is left of
        the loss before the first step, and ``noise`` what has been let in and kept.
    """

    rates: Array
    start: float
    noise: float
    steep: float

    @property
    def total(self) -> float:
        """The last mean loss."""
        return self.start + self.noise + self.steep


def parts(name: str, noise: float = 1.0) -> Parts:
    """Return what a shape leaves at the top rate with which it ends lowest.

    Parameters
    ----------
    name : str
        One of :data:`OF_THE_RAVINE`.
    noise : float
        The variance of the noise in the flat direction.
    """
    shape, flat = plan(name), RAVINE[0]
    top, losses = tuned(shape, noise)
    rates = top * shape
    left = flat / 2 * FAR * float(np.prod((1 - rates * flat) ** 2))
    return Parts(rates, left, float(losses[0, -1]) - left, float(losses[1, -1]))


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
    "step": StepDecay(1.0, 30, 0.3),
    "exponential": Exponential(1.0, 0.955),
    "cosine": Cosine(1.0, 100),
    "linear": top_rates.linear(100),
    "one cycle": OneCycle(1.0, 100),
    "warm-up": Warmup(Cosine(1.0, 80), 20),
    "constant-then-decay": top_rates.constant_then_decay(100),
    "plateau": ReduceOnPlateau(1.0, factor=0.3),
}
"""Schedules whose highest rate is 1 in a run of 100 steps."""


def planned(name: str) -> Array:
    """Return the rates of a shape; the plateau's fall where an invented loss stalls."""
    if name == "plateau":
        t = np.arange(100)
        return np.asarray(np.select([t < 38, t < 71], [1, 0.3], 0.09))
    return np.array([SHAPES[name](t) for t in range(100)])


def shapes(title: str) -> Drawing:
    """Draw the schedules, three in a row, each with its name."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(3, 3, sharex=True, sharey=True, figsize=(4.6, 2.4))
    for ax, name in zip(axes.flat, SHAPES, strict=True):
        rates = planned(name)
        ax.fill_between(np.arange(100), rates, color=green, alpha=0.18, linewidth=0)
        ax.plot(rates, "-", color=green, linewidth=2)
        ax.set(xlim=(0, 100), ylim=(0, 1.12), xticks=[0, 50], yticks=[0, 1])
        words = name.replace("constant-then-", "constant-\nthen-")
        ax.text(50, 1.2, words, color=INK, ha="center", va="bottom", linespacing=0.9)
        ax.grid(visible=False)
    return plotted(fig, title)


def _shade(name: str) -> str:
    from backprop.book.figures.plots import COLORS, GREY

    _, green, red = _colors()
    found = {"constant": red, "cosine": green, "linear": COLORS[3]}
    return found.get(name, COLORS[4] if name == "constant-then-decay" else GREY)


def ravine() -> list[Frame]:
    """Return one frame for each of ``NOISES``: tuned shapes, and what each leaves in the ravine."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    frames = []
    for noise in NOISES:
        found = {name: parts(name, noise) for name in OF_THE_RAVINE}
        lowest = min(found, key=lambda name: found[name].total)
        highest = max(left.rates.max() for left in found.values())
        fig, axes = plt.subplots(
            len(found), 2, figsize=(4.4, 3.75), width_ratios=[1, 3.6], layout="none",
            gridspec_kw={"wspace": 0.1, "hspace": 0.5, "left": 0.11, "right": 1,
                         "bottom": 0.02, "top": 0.84},
        )  # fmt: skip
        for (sketch, ax), (name, left) in zip(axes, found.items(), strict=True):
            seen = np.append(np.arange(0, LONG, 10), LONG - 1)
            sketch.fill_between(seen, left.rates[seen], color=green, alpha=0.18, linewidth=0)
            sketch.plot(seen, left.rates[seen], "-", color=green, linewidth=2)
            sketch.set(xlim=(0, LONG), ylim=(0, 1.08 * highest), xticks=[])
            sketch.set(yticks=[0, highest], yticklabels=["0", f"{highest:.2g}"])
            sketch.grid(visible=False)
            sketch.text(0, 1.2 * highest, f"Ση = {left.rates.sum():.0f}", color=GREY)
            ax.text(0, 1.05, name, color=INK, va="bottom")
            end = 0.0
            for x, plus, value, color in (
                (0.6, "", left.start, blue), (0.69, "+ ", left.noise, red),
                (0.83, "+ ", left.steep, GREY),
            ):  # fmt: skip
                ax.barh(0.45, value, 0.75, left=end, color=color, alpha=0.55, linewidth=0)
                words = f"{plus}{1000 * value:.0f}"
                ax.text(x * WIDE, 1.05, words, color=color, va="bottom")
                end += value
            words = f"{1000 * left.total:.0f}{' lowest' * (name == lowest)}"
            ax.text(end + 0.002, 0.45, words, color=INK, va="center", weight="bold")
            ax.set(xlim=(0, WIDE), ylim=(0, 1.2))
            ax.set_axis_off()
        axes[0, 0].text(0, 1.75 * highest, "rate", color=GREY)
        head = axes[0, 1]
        head.text(0, 2.2, "mean loss at the end, in thousandths:", color=GREY)
        for x, words, color in (
            (0, "flat: start left", blue), (0.36, "+ noise let in", red), (0.72, "+ steep", GREY),
        ):  # fmt: skip
            head.text(x * WIDE, 1.75, words, color=color)
        words = f"{lowest.capitalize()} ends lowest, at {1000 * found[lowest].total:.0f}."
        frames.append(drawn(fig, f"Five shapes in a ravine, flat noise {noise:g}", words))
    return frames


WIDE = 0.16
"""The mean loss at the right end of the ravine's bars."""


def tops(title: str) -> Drawing:
    """Draw the last test loss against the top rate, and below it each start against the constant.

    In the lower panel each shape has the top rate that the digits for validation choose.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    found = top_rates.stored()
    fig, (ax, low) = plt.subplots(2, 1, figsize=(4.6, 3.75), height_ratios=[1.1, 1])
    spots = {"constant": (0.021, 0.19), "cosine": (0.025, 1.75), "linear": (0.025, 1.3),
             "constant-then-decay": (0.025, 0.97)}  # fmt: skip
    for k, (name, spot) in enumerate(spots.items()):
        tested, color = found.last[name][1], _shade(name)
        x = np.array(top_rates.TOPS) * 1.02 ** (k - 1.5)
        middle, best = np.median(tested, axis=1), top_rates.chosen(found.last[name])
        ax.vlines(x, tested.min(axis=1), tested.max(axis=1), color=color, linewidth=1.2, alpha=0.5)
        ax.plot(x, middle, "--" if name == "linear" else "-", color=color, linewidth=2)
        ax.plot(x[best], middle[best], "o", color=color, markersize=7, zorder=3)
        ax.text(*spot, name, color=color, va="center")
    ax.set(xscale="log", yscale="log", xlim=(0.018, 1.4), ylim=(0.105, 2.5), xlabel="top rate")
    ax.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
    ax.set(xticks=[0.02, 0.05, 0.1, 0.2, 0.5, 1])
    ax.set(xticklabels=["0.02", "0.05", "0.1", "0.2", "0.5", "1"])
    ax.minorticks_off()
    ax.set_title("test loss, batches of 2", loc="left", fontsize=11)
    constant = top_rates.at_best(found.last["constant"])
    rows = (*list(spots)[1:], "one cycle", "step", "1/t", "exponential")
    for y, name in enumerate(rows):
        ratio = top_rates.at_best(found.last[name]) / constant
        low.plot(ratio, np.full(len(ratio), y), "o", color=_shade(name), markersize=6, alpha=0.55)
        low.plot(np.median(ratio), y, "|", color=INK, markersize=12, markeredgewidth=2)
        low.text(0.43, y, name, color=GREY, va="center")
    low.axvline(1, color=_shade("constant"), linewidth=1.8)
    low.text(1.006, -0.85, "constant", color=_shade("constant"), va="center")
    low.set(ylim=(6.6, -1.5), yticks=[], xlim=(0.42, 1.13))
    low.set(xticks=[0.7, 0.8, 0.9, 1, 1.1], xticklabels=["0.7", "0.8", "0.9", "1", "1.1"])
    low.set_title("test loss / that of the constant rate", loc="left", fontsize=11)
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


def noise_scales(title: str, scales: Array, sizes: Sequence[int]) -> Drawing:
    """Draw the noise scale along runs, and the sizes of batches to compare it with.

    Parameters
    ----------
    title : str
        Of the drawing.
    scales : ndarray, shape (starts, times)
        As :func:`backprop.book.top_rates.noise_scales` returns them.
    sizes : sequence of int
        Of batches.
    """
    plt = pyplot()
    blue, green, _ = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.1))
    t = np.arange(scales.shape[1]) * top_rates.EVERY
    ax.plot(t, scales.T, "-", color=green, linewidth=0.7, alpha=0.45)
    ax.plot(t, np.median(scales, axis=0), "-", color=green, linewidth=2.2)
    for size in sizes:
        ax.axhline(size, color=blue, linewidth=1.6, linestyle="--")
        ax.text(t[-1] * 0.985, size * 0.9, f"B = {size}", color=blue, ha="right", va="top")
    ax.set(yscale="log", ylim=(0.7, 1500), xlim=(0, t[-1]), xlabel="update")
    ax.set(yticks=[10, 100, 1000], yticklabels=["10", "100", "1,000"])
    ax.minorticks_off()
    ax.set_title("noise scale", loc="left", fontsize=11)
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
    fig, (ax, low) = plt.subplots(2, 1, figsize=(4.6, 3.0), height_ratios=[1, 1.1])
    looks = {k: (color, f"{k} updates of warm-up" if k else "no warm-up")
             for k, color in zip(losses, (red, green), strict=True)}  # fmt: skip
    spots = dict(zip(losses, (((2.1, 3.9), (0.03, 0.55)), ((0.2, 1.0), (0.0103, 0.07))),
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
    ax.set(ylim=(0.8, 5.2), yticks=[1, 2, 3, 4, 5], xlabel="updates made")
    ax.set(xlim=(0, len(first[0][0]) - 1), xticks=range(0, len(first[0][0]), 2))
    low.set(xscale="log", yscale="log", ylim=(0.06, 2.6), xlabel="top rate")
    low.set(yticks=[0.1, 0.2, 0.5, 1, 2], yticklabels=["0.1", "0.2", "0.5", "1", "2"])
    low.set(xticks=list(tops), xticklabels=["" if top == 0.08 else f"{top:g}" for top in tops])
    low.minorticks_off()
    ax.set_title(f"loss of the batch, top rate {tops[-1]:g}", loc="left", fontsize=11)
    low.set_title("test loss after 200 updates", loc="left", fontsize=11)
    return plotted(fig, title)
