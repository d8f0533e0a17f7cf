"""The figures of the chapter on cost: memory along a step, the roofline, and what schedules take.

Blue is forward and vermilion is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.chains import Watched
from backprop.book.figures.by_hand import Drawing, plotted
from backprop.book.figures.stepper import Frame, drawn
from backprop.book.roofline import Point, roof


def _plt() -> Any:
    import matplotlib.pyplot as plt  # a reader without figures does not pay for it

    from backprop.book.figures.plots import use_style

    use_style()
    return plt


def arrays(peak: float, unit: int) -> int:
    """Return the whole arrays that so many bytes hold; the rest are Python's own objects."""
    return round(peak / unit)


def _mountain(ax: Any, run: Watched, unit: int) -> None:
    """Fill the memory of each call of a layer, in the colour of its direction."""
    from backprop.book.figures.plots import COLORS, INK

    height = np.array(run.bytes) / unit
    edges = np.arange(len(height) + 1)
    goes_back = np.array([kind == "b" for kind in run.kinds])
    for chosen, color, alpha in ((~goes_back, COLORS[0], 0.55), (goes_back, COLORS[1], 0.75)):
        ax.stairs(
            np.where(chosen, height, 0), edges, fill=True, color=color, alpha=alpha, linewidth=0
        )
    ax.stairs(height, edges, baseline=None, color=INK, linewidth=1.1)
    ax.grid(axis="x", visible=False)


def two_mountains(plain: Watched, saving: Watched, unit: int, title: str) -> Drawing:
    """Draw the memory of one step, kept whole and kept in segments, to one scale."""
    from backprop.book.figures.plots import COLORS, INK

    plt = _plt()
    fig, axes = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(4.6, 4.3))
    for ax, run in zip(axes, (plain, saving), strict=True):
        _mountain(ax, run, unit)
        ax.set(ylim=(0, 76), xlim=(0, len(saving.kinds) + 2), yticks=[0, 20, 40, 60])
        ax.set_ylabel("arrays in memory")
    top, low = arrays(plain.peak, unit), arrays(saving.peak, unit)
    n = plain.kinds.count("b")
    axes[0].text(n + 5, 68, f"peak {top}", color=INK, fontweight="bold")
    axes[0].text(n - 4, 12, "forward", color=COLORS[0], ha="right", fontweight="bold")
    axes[0].text(n + 4, 12, "backward", color=INK, fontweight="bold")
    axes[0].set_title(f"keep everything: {plain.forwards} evaluations", loc="left", fontsize=12)
    axes[1].text(n + 5, low + 5, f"peak {low}", color=INK, fontweight="bold")
    axes[1].set_title(f"keep 8 inputs: {saving.forwards} evaluations", loc="left", fontsize=12)
    axes[1].set_xlabel("calls of a layer, one after another")
    return plotted(fig, title)


def mountains(runs: Mapping[int, Watched], unit: int) -> list[Frame]:
    """Return one frame per number of segments: the memory of a step, its peak and its price."""
    from backprop.book.figures.plots import INK

    plt = _plt()
    longest = max(len(run.kinds) for run in runs.values())
    frames = []
    for segments, run in runs.items():
        n = run.kinds.count("b")
        fig, ax = plt.subplots(figsize=(4.4, 2.4))
        _mountain(ax, run, unit)
        model = segments + n // segments
        ax.axhline(model, color=INK, linewidth=1.2, linestyle=":")
        ax.text(longest, model + 1.5, "k + n/k", color=INK, ha="right")
        ax.set(ylim=(0, 78), xlim=(0, longest), yticks=[0, 20, 40, 60])
        ax.set(xlabel="calls of a layer", ylabel="arrays in memory")
        many = f"{segments} segments" if segments > 1 else "One segment"
        words = (
            f"{many}: k + n/k = {segments} + {n // segments} = {model}, and at most"
            f" {arrays(run.peak, unit)} arrays were alive. The step took {run.forwards} forward"
            f" evaluations, {run.forwards - n} more than without checkpoints."
        )
        frames.append(drawn(fig, f"Memory of one step with {segments} segments", words))
    return frames


def crossing(
    inputs: Sequence[int],
    forward: Sequence[int],
    backward: Sequence[int],
    counted: tuple[Sequence[int], Sequence[int], Sequence[int]],
    title: str,
) -> Drawing:
    """Draw what a Jacobian costs by either mode as inputs turn into outputs.

    Parameters
    ----------
    inputs, forward, backward : sequences of int
        The formula, in operations.
    counted : three sequences of int
        Inputs, and the operations that were counted there, forward and backward.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = _plt()
    total = inputs[0] + inputs[-1]
    fig, ax = plt.subplots(figsize=(4.6, 2.5))
    blue, red = COLORS[:2]
    ax.plot(inputs, np.array(forward) / 1e6, "-", color=blue)
    ax.plot(inputs, np.array(backward) / 1e6, "--", color=red)
    ax.plot(counted[0], np.array(counted[1]) / 1e6, "o", color=blue, markersize=6)
    ax.plot(counted[0], np.array(counted[2]) / 1e6, "s", color=red, markersize=6)
    ax.axvline(total / 2, color=INK, linewidth=1, linestyle=":")
    high = max(max(forward), max(backward)) / 1e6
    ax.text(total * 0.97, high * 0.6, "forward:\na pass per input", color=blue, ha="right")
    ax.text(total * 0.03, high * 0.6, "backward:\na pass per output", color=red)
    ax.set(xlim=(0, total), ylim=(0, high * 1.06), ylabel="million operations")
    shown = [1, total // 4, total // 2, 3 * total // 4, total - 1]
    ax.set_xticks(shown, [f"{p}\n{total - p}" for p in shown])
    ax.set_xlabel("inputs, and below them outputs")
    ax.grid(axis="x", visible=False)
    return plotted(fig, title)


PLACES = {
    "ReLU": ("left", "bottom"), "SGD": ("right", "bottom"), "Adam": ("left", "bottom"),
    "softmax": ("right", "top"), "LayerNorm": ("left", "top"), "convolution": ("right", "top"),
    "attention": ("left", "top"),
}  # fmt: skip
"""On which side of its point a name stands: horizontally, vertically."""


def roofline(points: Sequence[Point], top: float, slope: float, title: str) -> Drawing:
    """Draw the layers below the limits of processor (flat) and memory (sloping)."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = _plt()
    fig, ax = plt.subplots(figsize=(4.6, 4.4))
    blue, red = COLORS[:2]
    x = np.geomspace(0.02, 200, 200)
    ax.loglog(x, roof(x, top, slope) / 1e9, "-", color=INK, linewidth=2.2)
    dense = [p for p in points if p.name.startswith("Dense")]
    for backward, color, mark in ((False, blue, "o"), (True, red, "s")):
        chain = [(p.intensity, p.speed / 1e9) for p in dense if p.backward == backward]
        ax.loglog(*zip(*chain, strict=True), "-" if not backward else "--", color=color,
                  linewidth=1.3)  # fmt: skip
        for p in points:
            if p.backward == backward:
                face = color if not backward else "none"
                ax.loglog(p.intensity, p.speed / 1e9, mark, color=color, markersize=6.5,
                          markerfacecolor=face, markeredgewidth=1.6)  # fmt: skip
    named: set[str] = set()
    for p in points:
        if p.name in named:
            continue
        named.add(p.name)
        same = [q for q in points if q.name == p.name]
        if p in dense:
            low = max(same, key=lambda q: q.speed)
            place = (low.intensity, low.speed / 1e9 * 1.3)
            ax.text(*place, p.name.removeprefix("Dense, "), color=GREY, ha="center")
            continue
        low = min(same, key=lambda q: q.speed)
        side, _ = PLACES[p.name]
        shift = 1.25 if side == "left" else 0.8
        ax.text(low.intensity * shift, low.speed / 1e9 * 0.78, p.name, color=INK, ha=side, va="top")
    lowest = min(p.speed for p in points) / 1e9
    ax.set(xlim=(0.02, 200), ylim=(lowest / 3, top / 1e9 * 3.2))
    ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    ax.set_xlabel("operations per byte")
    ax.set_ylabel("billion operations per second")
    ax.minorticks_off()
    ax.text(180, top / 1e9 * 2.5, "processor's limit", color=INK, ha="right", va="center")
    ax.text(0.024, roof(np.array(0.05), top, slope) / 1e9 * 4, "memory's\nlimit", color=INK,
            va="bottom")  # fmt: skip
    ax.plot([], [], "o", color=blue, label="forward")
    ax.plot([], [], "s", color=red, markerfacecolor="none", markeredgewidth=1.6,
            label="backward, and optimizers")  # fmt: skip
    ax.legend(loc="lower right", fontsize=11)
    return plotted(fig, title)


def trade(
    kept: tuple[Array, Array],
    segments: tuple[Array, Array],
    binomial: tuple[Array, Array],
    labels: Mapping[str, tuple[float, float]],
    title: str,
) -> Drawing:
    """Draw what memory buys: arrays at the peak against forward evaluations.

    Parameters
    ----------
    kept, segments, binomial : (arrays, evaluations)
        Everything kept, segments of one length, and the schedules of Griewank and Walther.
    labels : mapping of str to (x, y)
        What is written where.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = _plt()
    fig, ax = plt.subplots(figsize=(4.6, 3.2))
    ax.plot(*segments, "-s", color=COLORS[0], markersize=5.5)
    ax.plot(*binomial, "--^", color=COLORS[2], markersize=6)
    ax.plot(*kept, "o", color=INK, markersize=8)
    ax.set(xlabel="arrays at the peak", ylabel="forward evaluations")
    ax.set(xlim=(0, 72), yscale="log", ylim=(50, 3000))
    ax.set_yticks([64, 128, 256, 512, 1024, 2048], ["64", "128", "256", "512", "1,024", "2,048"])
    ax.minorticks_off()
    for (words, place), color in zip(
        labels.items(), (INK, COLORS[0], COLORS[2], INK, INK), strict=False
    ):
        ax.text(*place, words, color=color)
    return plotted(fig, title)
