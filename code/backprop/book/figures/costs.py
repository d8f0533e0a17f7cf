"""The figures of the chapter on cost: memory along a step, the roofline, and what schedules take.

Blue is forward and vermilion is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np

from backprop import Dense, Layer, Tanh
from backprop.arrays import Array
from backprop.book.chains import Watched
from backprop.book.figures.by_hand import Drawing, plotted, pyplot, spread
from backprop.book.figures.stepper import Frame, drawn
from backprop.book.roofline import Point, roof


def tower(n: int, width: int = 64, batch: int = 512) -> tuple[list[Layer], Array, Array]:
    """Return n layers, Dense and tanh in turn, with an input and an error at the output."""
    rng = np.random.default_rng(0)
    layers: list[Layer] = [Tanh() if i % 2 else Dense(width, width, rng=rng) for i in range(n)]
    x, dz = rng.normal(size=(2, batch, width))
    return layers, x.copy(), dz.copy()


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
    """Draw the memory of one gradient, kept whole and kept in segments, to one scale."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    fig, axes = plt.subplots(2, 1, sharex=True, sharey=True, figsize=(4.6, 3.7))
    for ax, run in zip(axes, (plain, saving), strict=True):
        _mountain(ax, run, unit)
        ax.set(ylim=(0, 76), xlim=(0, len(saving.kinds) + 2), yticks=[0, 20, 40, 60])
        ax.set_ylabel("arrays in memory")
    top, low = arrays(plain.peak, unit), arrays(saving.peak, unit)
    n = plain.kinds.count("b")
    axes[0].text(n + 5, 68, f"peak {top}", color=INK, fontweight="bold")
    axes[0].text(n - 4, 12, "forward", color=INK, ha="right", fontweight="bold")
    axes[0].text(n + 4, 12, "backward", color=INK, fontweight="bold")
    axes[0].set_title(f"keep everything: {plain.forwards} evaluations", loc="left", fontsize=12)
    axes[1].text(n + 5, low + 5, f"peak {low}", color=INK, fontweight="bold")
    axes[1].set_title(f"keep 8 inputs: {saving.forwards} evaluations", loc="left", fontsize=12)
    axes[1].set_xlabel("calls of a layer, one after another")
    return plotted(fig, title)


def mountains(runs: Mapping[int, Watched], unit: int) -> list[Frame]:
    """Return one frame per number of segments: the memory of a gradient, its peak and its price."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
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
        words = (
            f"k + n/k = {segments} + {n // segments} = {model}, and at most"
            f" {arrays(run.peak, unit)} arrays were alive. The gradient took {run.forwards} forward"
            f" evaluations, {run.forwards - n} more than without checkpoints."
        )
        frames.append(drawn(fig, f"Memory of one gradient with {segments} segments", words))
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

    plt = pyplot()
    total = inputs[0] + inputs[-1]
    fig, ax = plt.subplots(figsize=(4.6, 2.45))
    blue, red = COLORS[:2]
    ax.plot(inputs, np.array(forward) / 1e6, "-", color=blue)
    ax.plot(inputs, np.array(backward) / 1e6, "--", color=red)
    ax.plot(counted[0], np.array(counted[1]) / 1e6, "o", color=blue, markersize=6)
    ax.plot(counted[0], np.array(counted[2]) / 1e6, "s", color=red, markersize=6)
    ax.axvline(total / 2, color=INK, linewidth=1, linestyle=":")
    high = max(max(forward), max(backward)) / 1e6
    top = high * 1.4
    for x, side, words, color in (
        (0.02, "left", "reverse mode:\na pass per output", red),
        (0.98, "right", "forward mode:\na pass per input", blue),
    ):
        ax.text(total * x, top, words, color=color, ha=side, va="top")
    ax.set(xlim=(0, total), ylim=(0, top), ylabel="million operations")
    shown = [1, total // 4, total // 2, 3 * total // 4, total - 1]
    ax.set_xticks(shown, [f"{p}\n{total - p}" for p in shown])
    ax.set_xlabel("inputs, and below them outputs")
    ax.grid(axis="x", visible=False)
    return plotted(fig, title)


STRIP = 0.40
"""Part of the roofline's height that belongs to the names."""


def roofline(points: Sequence[Point], top: float, slope: float, title: str) -> Drawing:
    """Draw the layers below the limits of processor (flat) and memory (sloping)."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 4.1))
    x = np.geomspace(0.02, 200, 200)
    ax.loglog(x, roof(x, top, slope) / 1e9, "-", color=INK, linewidth=2.2)
    low = np.log10(min(p.speed for p in points) / 1e9) - 0.2
    high = np.log10(top / 1e9) + 0.45
    bottom = low - (high - low) * STRIP / (1 - STRIP)
    names: dict[str, list[Point]] = {}
    for p in points:
        names.setdefault(p.name, []).append(p)
    where = {
        name: float(np.mean([np.log10(p.intensity) for p in same])) for name, same in names.items()
    }
    ordered = sorted(where, key=lambda name: where[name])
    places = spread([where[n] for n in ordered], 0.235)
    # Neighbours' lines differ, so that the eye can follow two that cross.
    for name, place, line in zip(ordered, places, cycle(("-", (0, (4, 2)))), strict=False):
        for p in names[name]:
            ax.plot([10**place, p.intensity], [10**low, p.speed / 1e9], color=GREY,
                    linestyle=line, linewidth=0.9, zorder=1)  # fmt: skip
        ax.text(10**place, 10 ** (low - 0.04), name, rotation=90, ha="center", va="top", color=INK)
    for backward, color, mark, face in (
        (False, COLORS[0], "o", COLORS[0]), (True, COLORS[1], "s", "none"),
    ):  # fmt: skip
        chosen = [p for p in points if p.backward == backward]
        ax.plot(
            [p.intensity for p in chosen], [p.speed / 1e9 for p in chosen], mark, color=color,
            markersize=7, markerfacecolor=face, markeredgewidth=1.8,
            label="backward, optimizers" if backward else "forward",
        )  # fmt: skip
    ax.set(xlim=(0.02, 200), ylim=(10**bottom, 10**high))
    ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    ticks = [t for t in (0.01, 0.1, 1, 10, 100, 1000) if low < np.log10(t) < high]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_xlabel("operations per byte")
    ax.set_ylabel("billion operations per second")
    ax.minorticks_off()
    ax.text(180, top / 1e9 * 1.25, "the processor's limit", color=INK, ha="right", va="bottom")
    ax.text(0.024, top / 1e9 * 0.9, "memory's\nlimit", color=INK, va="top")
    fig.legend(*ax.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return plotted(fig, title)


class _Diary:
    """Stands for a chain of n layers and notes what a schedule does; an input is its number."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.walks: list[tuple[int, int]] = []
        self.rows: list[tuple[list[tuple[int, int]], int, int]] = []

    def __len__(self) -> int:
        return self.n

    def advance(self, first: int, last: int, x: int) -> int:
        """Note a walk; it starts at a snapshot."""
        self.walks.append((first, last))
        return last

    def keep(self, first: int, last: int, x: int) -> None:
        """The backward step that follows is noted with it."""

    def back(self, first: int, last: int) -> None:
        """Note the walks so far and the layers that are taken back, as one row."""
        self.rows.append((self.walks, first, last))
        self.walks = []


def timetable(n: int, schedule: Any, title: str) -> Drawing:
    """Draw a schedule: layers across, one backward step after another down.

    Parameters
    ----------
    n : int
        Number of layers.
    schedule : callable
        As :func:`backprop.book.chains.binomial` returns it.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    diary = _Diary(n)
    schedule(diary, 0)
    starts = {first for walks, *_ in diary.rows for first, _ in walks}
    advanced = [0] * n
    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    held: set[int] = set()
    for y, (walks, first, last) in enumerate(diary.rows):
        held |= {start for start, _ in walks}
        held = {place for place in held if place < last}
        for start, end in walks:
            for i in range(start, end):
                advanced[i] += 1
            ax.annotate("", (end, y), (start, y), arrowprops={
                "arrowstyle": "-|>", "color": COLORS[0], "linewidth": 2, "shrinkA": 0,
                "shrinkB": 5 if end in starts else 0,
            })  # fmt: skip
        ax.fill_between([first + 0.06, last - 0.06], y - 0.33, y + 0.33, color=COLORS[1],
                        alpha=0.75, linewidth=0)  # fmt: skip
        ax.plot(sorted(held), [y] * len(held), "o", color=INK, markersize=9)
    rows = len(diary.rows)
    for i, times in enumerate(advanced):
        ax.text(i + 0.5, rows - 0.1, f"{times}", ha="center", va="center", color=COLORS[0],
                fontweight="bold")  # fmt: skip
    ax.text(-0.35, rows - 0.1, "advances", ha="right", va="center", color=COLORS[0])
    ax.set(xlim=(-0.3, n + 0.05), ylim=(rows + 0.3, -0.6))
    ax.set_yticks(range(rows), [f"layer {last}" for *_, last in diary.rows])
    ax.set_xticks([i + 0.5 for i in range(n)], [f"{i + 1}" for i in range(n)])
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.grid(visible=False)
    for place in range(n + 1):
        ax.plot([place, place], [-0.5, rows - 0.5], "-", color=INK, alpha=0.2, linewidth=0.8,
                zorder=0)  # fmt: skip
    for side in ax.spines.values():
        side.set_visible(False)
    return plotted(fig, title)


def trade(
    segments: Mapping[int, Watched],
    binomial: Mapping[int, Watched],
    blocks: Mapping[int, Watched],
    unit: int,
    title: str,
) -> Drawing:
    """Draw what memory buys: arrays at the peak against forward evaluations.

    Parameters
    ----------
    segments, binomial, blocks : mapping of int to Watched
        Runs with so many segments of one length, with so many snapshots of single layers, and with
        so many snapshots of blocks of four.
    unit : int
        Bytes of an array.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.1))
    for runs, line, color, face in (
        (segments, "-s", COLORS[0], COLORS[0]), (binomial, "--^", COLORS[2], COLORS[2]),
        (blocks, ":D", INK, "none"),
    ):  # fmt: skip
        peaks = [run.peak / unit for run in runs.values()]
        ax.plot(peaks, [run.forwards for run in runs.values()], line, color=color, markersize=6,
                markerfacecolor=face)  # fmt: skip
    for k, run in segments.items():
        words, at = (f"{k}", run.peak / unit) if k > 1 else ("1, everything kept", 76.0)
        ha = "center" if k > 1 else "right"
        ax.text(at, run.forwards / 1.13, words, color=COLORS[0], ha=ha, va="top")
    for k, run in binomial.items():
        ax.text(run.peak / unit * 1.05, run.forwards * 1.06, f"{k}", color=COLORS[2], va="bottom")
    for k, run in blocks.items():
        ax.text(run.peak / unit * 0.985, run.forwards / 1.13, f"{k}", color=INK, ha="right",
                va="top")  # fmt: skip
    ax.text(76, 136, "k segments", color=COLORS[0], ha="right")
    ax.text(9.2, 560, "S snapshots,\nlayer by layer", color=COLORS[2])
    ax.text(5.8, 88, "S snapshots,\nin blocks of 4 layers", color=INK, va="center")
    ax.set(xlabel="arrays at the peak", ylabel="forward evaluations")
    ax.set(xscale="log", xlim=(5.5, 80), yscale="log", ylim=(44, 2900))
    ax.set_xticks([6, 9, 13, 18, 36, 67], ["6", "9", "13", "18", "36", "67"])
    ax.set_yticks([64, 128, 256, 512, 1024, 2048], ["64", "128", "256", "512", "1,024", "2,048"])
    ax.minorticks_off()
    return plotted(fig, title)
