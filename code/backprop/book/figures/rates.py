"""The figures of the chapter on schedules: noisy walks on a parabola, and rates over the steps.

The parabola is L = ½ θ², and each step sees its slope plus noise of variance 1. Colours mean the
same in all of them: vermilion a large constant rate, blue a small one, green a falling one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.schedules import Constant, Cosine, OneCycle, Schedule, StepDecay, Warmup

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
        (greedy(STEPS), "about 1, 1/2, 1/3, …: both", green),
    )
    fig, axes = plt.subplots(3, 1, sharex=True, figsize=(4.6, 4.05))
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


SHAPES: dict[str, Schedule] = {
    "constant": Constant(1.0),
    "like 1/t": lambda t: 1 / (1 + 0.1 * t),
    "step": StepDecay(1.0, 30, 0.3),
    "linear": lambda t: 1 - t / 100,
    "cosine": Cosine(1.0, 100),
    "warm-up": Warmup(Cosine(1.0, 80), 20),
    "one cycle": OneCycle(1.0, 100),
}
"""The highest rate is 1, and the run has 100 steps."""


def shapes(title: str) -> Drawing:
    """Draw the six schedules that change, one in a panel, over a run of 100 steps."""
    plt = pyplot()
    _, green, _ = _colors()
    fig, axes = plt.subplots(2, 3, sharex=True, sharey=True, figsize=(4.6, 2.1))
    t = np.arange(101)
    changing = (shape for shape in SHAPES.items() if shape[0] != "constant")
    for ax, (name, rule) in zip(axes.flat, changing, strict=True):
        rates = np.array([rule(int(k)) for k in t])
        ax.fill_between(t, rates, color=green, alpha=0.18, linewidth=0)
        ax.plot(t, rates, "-", color=green, linewidth=2)
        ax.set(xlim=(0, 100), ylim=(0, 1.08), xticks=[0, 50], yticks=[0, 1])
        ax.set_title(name, loc="left", fontsize=12)
        ax.grid(False)
    for ax in axes[:, 0]:
        ax.set_ylabel("rate")
    for ax in axes[-1]:
        ax.set_xlabel("step")
    return plotted(fig, title)


def range_tests(
    title: str,
    rates: Array,
    losses: Mapping[str, Sequence[Array]],
    marks: Mapping[str, tuple[float, float]],
) -> Drawing:
    """Draw the curves of two kinds of range tests, and where some rates lie.

    Parameters
    ----------
    title : str
        Of the drawing.
    rates : array, shape (steps,)
        What the tests tried.
    losses : mapping of str to sequence of array, shape (at most steps,)
        One for each start, by the words that name the kind.
    marks : mapping of str to (rate, height)
        Words, the rate that they name, and the height of the words.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, _, red = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.15))
    looks = ((blue, "-", 0.2), (red, "--", 0.07))
    for (words, curves), (color, style, height) in zip(losses.items(), looks, strict=True):
        for curve in curves:
            ax.plot(rates[: len(curve)], curve, style, color=color, linewidth=0.8, alpha=0.55)
        ax.text(0.03, height, words, color=color, transform=ax.transAxes)
    for words, (rate, height) in marks.items():
        ax.axvline(rate, color=INK, linewidth=1.2, linestyle=":")
        ax.text(rate * 0.92, height, words, ha="right", va="center", color=INK)
    ax.set(xscale="log", ylim=(0, 4.2), xlabel="rate of the step", xlim=(rates[0], rates[-1]))
    ax.set(yticks=[0, 1, 2, 3, 4])
    ax.minorticks_off()
    ax.set_title("loss of the batch", loc="left", fontsize=11)
    return plotted(fig, title)


class Trial(NamedTuple):
    """One comparison of a cosine with the constant rate."""

    batch: int
    updates: int
    tops: tuple[float, float]
    """The top rates that were chosen, of the constant rate and of the cosine."""
    losses: tuple[Array, Array]
    """Of the constant rate and of the cosine, one a start."""


def trials(title: str, groups: Mapping[str, Sequence[Trial]]) -> Drawing:
    """Draw a table: what was trained, and the losses relative to those of a constant rate.

    Beside the marks, one a start, stand the median gain and the number of starts that win, and
    below them the median losses of the constant rate and of the cosine.

    Parameters
    ----------
    title : str
        Of the drawing.
    groups : mapping of str to sequence of Trial
        The rows, by the words over them.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, green, red = _colors()
    lines = sum(1 + len(rows) for rows in groups.values())
    fig, ax = plt.subplots(figsize=(4.5, 0.42 * lines + 0.5))
    low, high, left, right, end = 0.5, 1.65, 1.75, 3.45, 4.6

    def place(ratio: Any) -> Any:
        inside = np.clip(ratio, low, high)
        return left + (right - left) * np.log(inside / low) / np.log(high / low)

    ax.text(0, -0.75, "batch × updates", color=INK)
    ax.text(left, -0.75, "loss, cosine / constant", color=INK)
    ax.text(end, -0.75, "gain, wins", color=INK, ha="right")
    ax.fill_between([left, place(1)], -0.45, lines - 0.45, color=green, alpha=0.1, linewidth=0)
    ax.plot([place(1)] * 2, [-0.45, lines - 0.45], ":", color=INK, linewidth=1.2)
    for tick, words in ((low, "½"), (0.7, "0.7"), (1, "1"), (1.5, "1.5")):
        ax.text(place(tick), lines - 0.1, words, ha="center", color=INK)
    y = 0
    for words, rows in groups.items():
        ax.text(0, y + 0.15, words, color=INK, weight="bold")
        for row in rows:
            y += 1
            ax.plot([0, end], [y - 0.48] * 2, "-", color=GREY, linewidth=0.6, alpha=0.5)
            ax.text(0, y - 0.02, f"{row.batch} × {row.updates:,}", color=INK)
            rates = " and ".join(f"{top:.2g}" for top in row.tops)
            ax.text(0, y + 0.36, f"rates {rates}", color=GREY, fontsize=11)
            constant, cosine = row.losses
            ratio = cosine / constant
            spread, better = np.linspace(-0.25, 0.25, len(ratio)), ratio < 1
            for part, color, mark in ((better, green, "o"), (~better, red, "^")):
                ax.plot(place(ratio[part]), y + spread[part], mark, color=color, markersize=4.6,
                        alpha=0.75)  # fmt: skip
            middle = place(np.median(ratio))
            ax.plot([middle] * 2, [y - 0.36, y + 0.36], "-", color=INK, linewidth=1.8)
            gain = f"{100 * (1 - np.median(ratio)):.0f} %".replace("-", "−")
            ax.text(end, y - 0.02, f"{gain}, {better.sum()}", color=INK, ha="right")
            medians = " → ".join(f"{np.median(found):.2f}" for found in (constant, cosine))
            ax.text(end, y + 0.36, medians, color=GREY, ha="right", fontsize=11)
        y += 1
    ax.set(xlim=(0, end), ylim=(lines + 0.05, -1.05))
    ax.axis("off")
    fig.set_layout_engine("none")
    ax.set_position((0, 0, 1, 1))
    return plotted(fig, title)


def warmed_up(
    title: str, curves: Mapping[str, Array], groups: Mapping[str, Mapping[str, Array]]
) -> Drawing:
    """Draw losses over the steps without and with warm-up, and below them where runs end.

    Parameters
    ----------
    title : str
        Of the drawing.
    curves : mapping of str to array, shape (seeds, steps)
        The losses without and with warm-up, by the words that name them.
    groups : mapping of str to mapping of str to array, shape (seeds,)
        The final losses by the words for a row, by the words over a group of rows. The first row
        of a group is its rival: the others show how many starts are better than with it.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, green, red = _colors()
    fig, (left, right) = plt.subplots(2, 1, figsize=(4.5, 4.4), height_ratios=[1, 1.25])
    paints = ((red, "--", (4, 4.5)), (green, "-", (4, 0.3)))
    for (words, found), (color, style, spot) in zip(curves.items(), paints, strict=True):
        steps = np.arange(1, found.shape[1] + 1)
        left.plot(steps, found.T, "-", color=color, linewidth=0.5, alpha=0.3)
        left.plot(steps, np.median(found, axis=0), style, color=color, linewidth=2)
        left.text(*spot, words, color=color)
    left.set(xscale="log", xlabel="step", xlim=(1, found.shape[1]), ylim=(0, 5.3))
    left.set(xticks=[1, 10, 100], xticklabels=["1", "10", "100"])
    left.set_title("loss of the batch", loc="left", fontsize=11)
    left.minorticks_off()
    y, ticks = 0, {}
    for head, rows in groups.items():
        right.text(0.115, y, head, color=INK, weight="bold", va="center")
        rival = next(iter(rows.values()))
        for words, losses in rows.items():
            y += 1
            ticks[y] = words
            color, mark = (red, "^") if losses is rival else (green, "o")
            spread = y + np.linspace(-0.25, 0.25, len(losses))
            right.plot(losses, spread, mark, color=color, markersize=3.6, alpha=0.6)
            right.plot([np.median(losses)] * 2, [y - 0.35, y + 0.35], "-", color=INK, linewidth=1.8)
            wins = "" if losses is rival else f"{(losses < rival).sum()}"
            right.text(2.7, y, f"{np.median(losses):.2f}", color=INK, va="center")
            right.text(9.5, y, wins, color=INK, va="center", ha="right")
        y += 1
    right.set(xscale="log", xticks=[0.2, 0.5, 1, 2], xticklabels=["0.2", "0.5", "1", "2"])
    right.set(yticks=list(ticks), yticklabels=list(ticks.values()), xlabel="test loss")
    right.set(ylim=(y - 0.5, -0.6), xlim=(0.11, 10))
    right.set_title("median, wins", loc="right", fontsize=11)
    right.minorticks_off()
    right.grid(axis="y", visible=False)
    return plotted(fig, title)
