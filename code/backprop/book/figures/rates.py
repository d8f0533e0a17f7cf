"""The figures of the chapter on schedules: noisy walks on a parabola, and rates over the steps.

The parabola is L = ½ θ², and each step sees its slope plus noise of variance 1. Colours mean the
same in all of them: vermilion a large constant rate, blue a small one, green a falling one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.schedules import (
    Cosine,
    CosineWarmRestarts,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    Warmup,
)

LARGE, SMALL = 0.5, 0.02
CREEP = 0.01
START, STEPS = 4.0, 100
DROPS = (0, 2, 5, 10, 20, 40, 60, 80, 100)
RUNS = 1000
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


def dropped(step: int) -> Array:
    """Return the rates of a run that changes from ``LARGE`` to ``SMALL`` at ``step``."""
    return np.where(np.arange(STEPS) < step, LARGE, SMALL)


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[2], COLORS[1]


def _short(value: float) -> str:
    return f"{value:.2g}"


def unit(n: int) -> str:
    """Return one over ``n`` in words, 1 or 1/n."""
    return "1" if n == 1 else f"1/{n}"


def plans(title: str) -> Drawing:
    """Draw ten walks at a large, a small and a falling rate, with the same noise."""
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    blue, green, red = _colors()
    rows = (
        (np.full(STEPS, LARGE), f"rate {LARGE}: fast but noisy", red),
        (np.full(STEPS, CREEP), f"rate {CREEP}: calm but slow", blue),
        (greedy(STEPS), "about 1/t in step t: both", green),
    )
    fig, axes = plt.subplots(3, 1, sharex=True, figsize=(4.6, 4.3))
    for ax, (rates, words, color) in zip(axes, rows, strict=True):
        places = walks(rates, 10, 0)
        ax.axhline(0, color=GREY, linewidth=1)
        ax.plot(places[1:].T, "-", color=color, linewidth=0.7, alpha=0.35)
        ax.plot(places[0], "-", color=color, linewidth=1.9)
        ax.plot(0, START, "o", color=color, markersize=6)
        ax.set(xlim=(-2, STEPS + 1), ylim=(-2.3, 4.6), yticks=[0, START], ylabel="θ")
        last = mean_square(rates)[-1] / 2
        ax.set_title(words, loc="left", fontsize=12, color=color)
        ax.set_title(f"loss 8 → {_short(last)}", loc="right", fontsize=12, color=color)
        ax.grid(False)
    axes[-1].set_xlabel("step")
    return plotted(fig, title)


def drops() -> list[Frame]:
    """Return one frame for each step at which the rate is reduced: a walk, and the mean loss."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, _, red = _colors()
    frames = []
    for step in DROPS:
        rates = dropped(step)
        places = walks(rates, RUNS, 0)
        loss = mean_square(rates) / 2
        met = (places**2).mean(axis=0) / 2
        fig, (top, low) = plt.subplots(2, 1, sharex=True, figsize=(4.4, 2.95))
        t = np.arange(STEPS + 1)
        early, late = t <= step, t >= step
        for part, color, style in ((early, red, "-"), (late, blue, "--")):
            top.plot(t[part], places[:8, part].T, "-", color=color, linewidth=0.6, alpha=0.35)
            top.plot(t[part], places[0, part], "-", color=color, linewidth=1.8)
            low.plot(t[part], loss[part], style, color=color, linewidth=2)
        low.plot(t[5::10], met[5::10], "o", color=INK, markersize=4)
        for rate, color, spot in ((LARGE, red, (STEPS, 0.9)), (SMALL, blue, (0, 0.0055))):
            low.axhline(floor(rate), color=color, linewidth=1.2, linestyle=":")
            side = "right" if spot[0] else "left"
            low.text(*spot, f"floor at rate {rate}", color=color, ha=side, va="bottom")
        top.axhline(0, color=GREY, linewidth=1)
        top.set(ylim=(-2.3, 4.6), yticks=[0, START], ylabel="θ")
        low.set(
            yscale="log", ylim=(0.0018, 14), yticks=[0.01, 0.1, 1, 10], xlabel="step",
            yticklabels=["0.01", "0.1", "1", "10"], xlim=(-2, STEPS + 1),
        )  # fmt: skip
        low.minorticks_off()
        low.set_title("mean loss: theory (lines), 1,000 walks (dots)", loc="left", fontsize=11)
        top.grid(False)
        if step == 0:
            when = f"All {STEPS} steps have the rate {SMALL}."
        elif step == STEPS:
            when = f"All {STEPS} steps have the rate {LARGE}."
        else:
            when = f"{step} steps at the rate {LARGE}, then {STEPS - step} at {SMALL}."
        words = f"{when} The mean loss ends at {_short(loss[-1])}."
        frames.append(drawn(fig, f"Noisy walks, rate reduced at step {step}", words))
    return frames


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
            (0, "V after the step:", GREY), (0.44, "distance left", blue),
            (0.735, "+ noise let in", red),
        ):  # fmt: skip
            ax.text(x, 1.05, words, color=color, transform=ax.transAxes)
        ax.set(xlim=(0, 1), ylim=(0, 1.1), xticks=[0, 0.25, 0.5, 0.75, 1], yticks=[0, 0.5, 1])
        ax.set(xticklabels=["0", "1/4", "1/2", "3/4", "1"], yticklabels=["0", "1/2", "1"])
        ax.set_xlabel("rate η of the next step")
        ax.grid(visible=False)
        below = (n + 1) ** 2
        words = (
            f"The best rate is {unit(n + 1)}. It leaves {n}/{below} of distance "
            f"and 1/{below} of noise, together {unit(n + 1)}."
        )
        frames.append(drawn(fig, f"V after a step at each rate, from V = {unit(n)}", words))
    return frames


def watched(steps: int = 101) -> Array:
    """Return the rates of a plateau's schedule that watches the loss on the parabola.

    The schedule observes, after each step, the mean loss of a hundred walks.
    """
    schedule = ReduceOnPlateau(1.0, factor=0.3, patience=8)
    noise = np.random.default_rng(3).normal(size=(steps, 100))
    theta, rates = np.full(100, START), []
    for t, xi in enumerate(noise):
        rates.append(schedule(t))
        theta = theta - rates[-1] * (theta + xi)
        schedule.observe(float((theta**2).mean() / 2))
    return np.array(rates)


SHAPES: dict[str, Schedule] = {
    "1/t": lambda t: 1 / (1 + 0.1 * t),
    "step": StepDecay(1.0, 30, 0.3),
    "exponential": Exponential(1.0, 0.96),
    "cosine": Cosine(1.0, 100),
    "restarts": CosineWarmRestarts(1.0, 14, multiplier=2),
    "warm-up": Warmup(Cosine(1.0, 80), 20),
    "one cycle": OneCycle(1.0, 100),
}
"""The panels but the last; the first rate or the summit is 1, and the run has 100 steps."""


def shapes(title: str) -> Drawing:
    """Draw seven schedules and the plateau's, one in a panel, over a run of 100 steps."""
    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(4, 2, sharex=True, sharey=True, figsize=(4.6, 3.5))
    t = np.arange(101)
    drawn_ = {name: np.array([rule(int(k)) for k in t]) for name, rule in SHAPES.items()}
    for ax, (name, rates) in zip(axes.flat, (drawn_ | {"plateau": watched()}).items(), strict=True):
        ax.fill_between(t, rates, color=green, alpha=0.18, linewidth=0)
        ax.plot(t, rates, "-", color=green, linewidth=2)
        ax.set(xlim=(0, 100), ylim=(0, 1.08), xticks=[0, 40, 80], yticks=[0, 1])
        ax.set_title(name, loc="left", fontsize=12)
        ax.grid(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("rate")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    return plotted(fig, title)


def range_tests(
    title: str, rates: Array, losses: Sequence[Array], marks: Mapping[str, tuple[float, float]]
) -> Drawing:
    """Draw the curves of several range tests, and where some rates lie.

    Parameters
    ----------
    title : str
        Of the drawing.
    rates : array, shape (steps,)
        What the tests tried.
    losses : sequence of array, shape (at most steps,)
        One for each start.
    marks : mapping of str to (rate, height)
        Words, the rate that they name, and the height of the words.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, _, _ = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.15))
    for k, curve in enumerate(losses):
        style = {"linewidth": 1.9} if k == 0 else {"linewidth": 0.7, "alpha": 0.5}
        ax.plot(rates[: len(curve)], curve, "-", color=blue, **style)
    for words, (rate, height) in marks.items():
        ax.axvline(rate, color=INK, linewidth=1.2, linestyle=":")
        ax.text(rate * 0.92, height, words, ha="right", va="center", color=INK)
    ax.set(xscale="log", ylim=(0, 4.2), xlabel="rate of the step", xlim=(rates[0], rates[-1]))
    ax.set(yticks=[0, 1, 2, 3, 4])
    ax.minorticks_off()
    ax.set_title("loss of the batch", loc="left", fontsize=11)
    return plotted(fig, title)


def gains(
    title: str, heads: Sequence[str], ratios: Mapping[str, Sequence[Mapping[str, Array]]]
) -> Drawing:
    """Draw losses relative to that of a rival, one mark a seed, and the median of each row.

    To the right of each row of marks is the number of seeds that the schedule wins.

    Parameters
    ----------
    title : str
        Of the drawing.
    heads : sequence of str
        Over the columns.
    ratios : mapping of str to sequence of mapping of str to array, shape (seeds,)
        Words for a row of panels; in it, per column, the ratios by the name of a schedule.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, red = _colors()
    fig, axes = plt.subplots(
        len(ratios), len(heads), sharey=True, sharex=True, figsize=(4.6, 3.7), squeeze=False
    )
    for row, (words, columns) in zip(axes, ratios.items(), strict=True):
        for ax, column in zip(row, columns, strict=True):
            ax.axvspan(0.4, 1, color=green, alpha=0.1, linewidth=0)
            for k, ratio in enumerate(column.values()):
                spread = np.linspace(-0.25, 0.25, len(ratio))
                better = ratio < 1
                for part, color, mark in ((better, green, "o"), (~better, red, "^")):
                    ax.plot(ratio[part], k + spread[part], mark, color=color, markersize=4,
                            alpha=0.75)  # fmt: skip
                ax.plot([np.median(ratio)] * 2, [k - 0.4, k + 0.4], "-", color=INK, linewidth=1.8)
                ax.text(2.75, k, str(better.sum()), ha="right", va="center", color=INK)
            ax.axvline(1, color=INK, linewidth=1.2, linestyle=":")
            ax.set_xscale("log")
            ax.set(xlim=(0.42, 2.8), xticks=[0.5, 1, 2], xticklabels=["½", "1", "2"])
            ax.set(yticks=range(len(column)), yticklabels=list(column), ylim=(2.6, -0.6))
            ax.minorticks_off()
            ax.grid(visible=False)
        row[0].annotate(words, (0, 1), (-62, 5), "axes fraction", "offset points", fontsize=12)
    for ax, head in zip(axes[0], heads, strict=True):
        ax.set_title(head, fontsize=12, loc="left")
        ax.annotate("wins", (1, 1), (0, 6), "axes fraction", "offset points", ha="right",
                    fontsize=11, color=INK)  # fmt: skip
    fig.supxlabel("test loss / test loss of the constant rate", fontsize=11)
    return plotted(fig, title)


def warmed_up(
    title: str, curves: Mapping[str, Array], finals: Mapping[str, Sequence[Array]]
) -> Drawing:
    """Draw losses over the steps without and with warm-up, and beside them where the runs end.

    Parameters
    ----------
    title : str
        Of the drawing.
    curves : mapping of str to array, shape (seeds, steps)
        The losses without and with warm-up, by the words that name them.
    finals : mapping of str to pair of arrays, shape (seeds,)
        The final losses without and with warm-up, by the words for a row.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, green, red = _colors()
    fig, (left, right) = plt.subplots(1, 2, figsize=(4.6, 2.9), width_ratios=[1.15, 1])
    paints = ((red, "--", "^", 0.22), (green, "-", "o", -0.22))
    for (words, found), (color, style, _, _), spot in zip(
        curves.items(), paints, ((5, 4.6), (1.3, 0.4)), strict=True
    ):
        steps = np.arange(1, found.shape[1] + 1)
        left.plot(steps, found.T, "-", color=color, linewidth=0.5, alpha=0.3)
        left.plot(steps, np.median(found, axis=0), style, color=color, linewidth=2)
        left.text(*spot, words, color=color)
    left.set(xscale="log", xlabel="step", xlim=(1, found.shape[1]), ylim=(0, 5.3))
    left.set(xticks=[1, 10, 100], xticklabels=["1", "10", "100"])
    left.set_title("loss of the batch", loc="left", fontsize=11)
    left.minorticks_off()
    for k, pair in enumerate(finals.values()):
        if k % 2 == 0:
            right.axhspan(k - 0.5, k + 0.5, color=GREY, alpha=0.12, linewidth=0)
        for losses, (color, _, mark, shift) in zip(pair, paints, strict=True):
            right.plot(losses, np.full(len(losses), k - shift), mark, color=color, markersize=4,
                       alpha=0.5)  # fmt: skip
            right.plot([np.median(losses)] * 2, [k - shift - 0.2, k - shift + 0.2], "-", color=INK)
    right.set(xscale="log", xticks=[0.2, 0.5, 2], xticklabels=["0.2", "0.5", "2"])
    right.set(yticks=range(len(finals)), yticklabels=list(finals), xlabel="test loss")
    right.set(ylim=(len(finals) - 0.5, -0.5))
    right.minorticks_off()
    right.grid(axis="y", visible=False)
    return plotted(fig, title)
