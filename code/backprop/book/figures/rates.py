"""The figures of the chapter on schedules: noisy parabolas, shapes of schedules, and real runs.

The parabola is L = ½ θ², and each step sees its slope plus noise, whose variance is 1 where nothing
else is said. Colours mean the same in all of them: vermilion a large
constant rate, blue a small one, and green a falling one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import top_rates
from backprop.book.figures import ravine
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.schedules import Cosine, ReduceOnPlateau, Schedule, Warmup

START = 4.0
LEVELS = (0.5, 0.1, 0.02)
"""The constant rates whose floors are drawn."""
RUNS, LONG = 1000, 1000
"""How many walks are averaged, and over how many steps."""


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


def hero(title: str) -> Drawing:
    """Draw test losses at a small, a large and a falling rate, and below them the rates.

    A diamond marks where the best constant rate ends.
    """
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    blue, green, red = _colors()
    courses = top_rates.stored().hero
    fig, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(4.6, 3.3), height_ratios=[2.2, 1])
    looks = {
        "small": (blue, "small: slow", (30, 2.75), (200, 0.05)),
        "large": (red, "large: fast, but noisy", (1000, 2.75), (690, 0.37)),
        "falling": (green, "falling: fast and low", (20, 0.125), (590, 0.2)),
    }
    for words, (color, label, spot, below) in looks.items():
        losses = courses[words][0]
        t = np.arange(losses.shape[1]) * top_rates.EVERY
        top.plot(t, losses.T, "-", color=color, linewidth=0.7, alpha=0.3)
        top.plot(t, np.median(losses, axis=0), "-", color=color, linewidth=2.2)
        side = "right" if spot[0] == 1000 else "left"
        top.text(*spot, label, color=color, ha=side, fontsize=12)
        low.plot(_hero_rates(words), "-", color=color, linewidth=2.2)
        start = "from " if words == "falling" else ""
        low.text(*below, f"{words}, {start}{top_rates.HERO[words][1]}", color=color)
    constant = np.median(top_rates.at_best(top_rates.stored().last["constant"]))
    top.plot(top_rates.STEPS, constant, "D", color=GREY, markersize=6, clip_on=False, zorder=3)
    top.text(1.04 * top_rates.STEPS, constant, "best\nconstant", color=GREY, va="center")
    top.set(yscale="log", ylim=(0.1, 4), yticks=[0.1, 0.2, 0.5, 1, 2])
    top.set(yticklabels=["0.1", "0.2", "0.5", "1", "2"], xlim=(0, top_rates.STEPS))
    top.minorticks_off()
    top.set_title("loss on the test digits", loc="left", fontsize=11)
    low.set(ylim=(0, 0.5), yticks=[0, 0.32], yticklabels=["0", "0.32"], xlabel="update")
    low.set_title("rate", loc="left", fontsize=11)
    return plotted(fig, title)


def levels(title: str) -> Drawing:
    """Draw the mean loss over the steps at constant rates and at the best ones, and many walks."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.9))
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


def _hero_rates(words: str) -> Array:
    """Return the rates of one of the hero's plans."""
    shape, highest = top_rates.HERO[words]
    return np.array([highest * top_rates.SHAPES[shape](t) for t in range(top_rates.STEPS)])


def ravine_plans() -> dict[str, Array]:
    """Return the rates of the hero's plans, and the steep direction's best ones, as "1/t"."""
    own = greedy(ravine.STEPS, ravine.FAR, ravine.STEEP)
    return {"1/t": own} | {words: _hero_rates(words) for words in top_rates.HERO}


def brought(plan: Array, curvature: float) -> Array:
    """Return the share of the noise left at the end that each step and those before brought in.

    A step lets in η² τ², and each later step multiplies this by (1 - ηλ)².
    """
    later = np.append(np.cumprod((1 - plan[:0:-1] * curvature) ** 2)[::-1], 1)
    left = plan**2 * later
    return np.asarray(np.cumsum(left) / left.sum())


def directions(title: str) -> Drawing:
    """Draw plans in the ravine: when the noise left at the end came in, and the parts of the loss.

    The small plan is drawn below only.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, axes = plt.subplot_mosaic("AB;CC", figsize=(4.6, 4.2), height_ratios=[1.1, 1])
    colors = {"1/t": COLORS[3], "small": blue, "large": red, "falling": green}
    depths = (0.25, 0.55, 1.0)
    low, plans = axes["C"], ravine_plans()
    places = {"A": {"1/t": (130, 0.70), "large": (640, 0.17), "falling": (400, 0.63)},
              "B": {"1/t": (420, 0.60), "large": (740, 0.10), "falling": (800, 0.32)}}  # fmt: skip
    heads = {"A": "along the ravine", "B": "across it"}
    for name, curvature in (("A", ravine.FLAT), ("B", ravine.STEEP)):
        ax = axes[name]
        for words, (x, y) in places[name].items():
            share = brought(plans[words], curvature)
            ax.plot(np.append(0, share), "-", color=colors[words], linewidth=2.2)
            side = "right" if name == "B" else "left"
            ax.text(x, y, words, color=colors[words], va="center", ha=side)
        ax.set(xlim=(0, ravine.STEPS), ylim=(0, 1.03), xlabel="step")
        ax.set(xticks=[0, 500, 1000], xticklabels=["0", "500", "1,000"])
        ax.set(yticks=[0, 0.5, 1], yticklabels=["0", "half", "all"] if name == "A" else [])
        ax.set_title(heads[name], loc="left", fontsize=11)
    for y, (words, plan) in enumerate(plans.items()):
        color = colors[words]
        parts, end = 1000 * np.array(ravine.parts(list(plan), 1.0)), 0.0
        for part, depth in zip(parts, depths, strict=True):
            low.barh(y, part, left=end, height=0.62, color=color, alpha=depth, linewidth=0)
            end += part
        told = f"{parts[2]:.2g}" if parts[2] < 1 else f"{parts[2]:.0f}"
        said = f"{parts[0]:.0f} + {parts[1]:.0f} + {told}"
        low.text(end + 4, y, said, color=INK, va="center")
        low.text(-5, y, words, color=color, va="center", ha="right")
    for x, words, depth in zip((0, 82, 180), ("start left", "noise let in", "steep"), depths,
                               strict=True):  # fmt: skip
        low.barh(-1, 9, left=x, height=0.5, color=GREY, alpha=depth, linewidth=0)
        low.text(x + 13, -1, words, color=INK, va="center")
    low.grid(visible=False)
    low.set(ylim=(3.6, -1.5), yticks=[], xlim=(0, 255), xticks=[0, 50, 100, 150, 200])
    low.set_title("whole loss at the end, in thousandths", loc="left", fontsize=11)
    fig.suptitle("share of the final noise that has come in", x=0.06, ha="left", fontsize=11)
    return plotted(fig, title)


def plateau() -> Array:
    """Return the rates that lower themselves where the loss of a flat noisy parabola stalls.

    The parabola has λ = 0.02, τ = 1 and V₀ = 1,000. After each 25 steps the rate is multiplied by
    0.3 if its mean loss has not fallen by 3% since it was lowest.
    """
    schedule = ReduceOnPlateau(1.0, factor=0.3, patience=0, threshold=0.03)
    V, found = 1000.0, []
    for t in range(top_rates.STEPS):
        if t % 25 == 0:
            schedule.observe(0.02 / 2 * V)
        found.append(schedule(t))
        V = (1 - 0.02 * found[-1]) ** 2 * V + found[-1] ** 2
    return np.array(found)


def planned() -> dict[str, Array]:
    """Return the rates of each shape in a run of ``STEPS``, the highest of them 1."""
    steps = top_rates.STEPS
    warm = Warmup(Cosine(1.0, steps - 200), 200)
    shapes: dict[str, Schedule] = {**top_rates.SHAPES, "warm-up": warm}
    found = {name: np.array([shape(t) for t in range(steps)]) for name, shape in shapes.items()}
    return {**found, "plateau": plateau()}


def _reached(name: str) -> str:
    """Return a shape's name and, where it was tried, its test loss and its wins in brackets."""
    words = name.replace("constant-then-", "constant-\nthen-")
    last = top_rates.stored().last
    if name not in last:
        return words
    found, constant = top_rates.at_best(last[name]), top_rates.at_best(last["constant"])
    wins = f" ({(found < constant).sum()})" if name != "constant" else ""
    return f"{words}\n{np.median(found):.3f}{wins}"


def shapes(title: str) -> Drawing:
    """Draw the schedules, four in a row, each with its name and what it reached."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(3, 4, sharex=True, sharey=True, figsize=(4.2, 3.9))
    for ax, (name, rates) in zip(axes.flat, planned().items(), strict=False):
        jumps = np.flatnonzero(np.abs(np.diff(rates)) > 0.015)
        t = np.unique([*range(0, len(rates), 10), *jumps, *(jumps + 1), len(rates) - 1])
        ax.fill_between(t, rates[t], color=green, alpha=0.18, linewidth=0)
        ax.plot(t, rates[t], "-", color=green, linewidth=2)
        ax.set(xlim=(0, len(rates)), ylim=(0, 1.12), xticks=[0, 500], yticks=[0, 1])
        ax.text(500, 1.2, _reached(name), color=INK, ha="center", va="bottom", linespacing=1.15)
        ax.grid(visible=False)
    key = axes.flat[-1]
    key.set_axis_off()
    key.text(60, 1.3, "test loss\n(how many of\n10 starts beat\nconstant)", color=GREY, va="top")
    for ax in axes[:, 0]:
        ax.set_ylabel("rate")
    for ax in (*axes[2, :3], axes[1, 3]):
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("update")
    return plotted(fig, title)


def sums() -> dict[str, float]:
    """Return the sum of all rates of each shape at its chosen top rate, the largest first."""
    found = {}
    for name, losses in top_rates.stored().last.items():
        top = top_rates.TOPS[top_rates.chosen(losses)]
        shape = top_rates.SHAPES[name]
        found[name] = top * sum(shape(t) for t in range(top_rates.STEPS))
    return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def compared(title: str) -> Drawing:
    """Draw the last test loss against the top rate, and below it each start against the constant.

    In the lower panel each plan has the top rate that the digits for validation choose.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    _, green, red = _colors()
    found = top_rates.stored()
    fig, (ax, low) = plt.subplots(2, 1, figsize=(4.6, 3.7), height_ratios=[1.2, 1])
    colors = {"constant": red, "1/t": COLORS[3], "exponential": _colors()[0], "cosine": green}
    looks = {"constant": ((0.42, 1.6), "right"), "1/t": ((0.7, 1.0), "right"),
             "cosine": ((0.62, 0.132), "center")}  # fmt: skip
    for k, (name, (spot, side)) in enumerate(looks.items()):
        color = colors[name]
        tested = found.last[name][1]
        x = np.array(top_rates.TOPS) * 1.05 ** (k - 1)
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
    rows = (("1/t, batches of 2", found.last, "1/t"),
            ("exponential, batches of 2", found.last, "exponential"),
            ("cosine, batches of 2", found.last, "cosine"),
            ("cosine, batches of 32", found.large, "cosine"))  # fmt: skip
    for y, (words, group, name) in enumerate(rows):
        ratio = top_rates.at_best(group[name]) / top_rates.at_best(group["constant"])
        color = colors[name]
        low.plot(ratio, np.full(len(ratio), y), "o", color=color, markersize=6, alpha=0.5)
        low.plot(np.median(ratio), y, "|", color=INK, markersize=14, markeredgewidth=2)
        low.text(0.29, y, words, color=color, va="center")
    low.axvline(1, color=red, linewidth=1.8)
    low.set(ylim=(3.6, -0.6), yticks=[], xlim=(0.28, 1.12))
    low.set(xticks=[0.7, 0.8, 0.9, 1, 1.1], xticklabels=["0.7", "0.8", "0.9", "1", "1.1"])
    low.set_title("test loss / that of the best constant rate", loc="left", fontsize=11)
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
    fig, ax = plt.subplots(figsize=(4.2, 1.95))
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
