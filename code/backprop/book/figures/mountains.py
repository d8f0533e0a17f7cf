"""The figures of the chapter on memory: what is alive at each call of a layer, and what it costs.

Blue is forward, faint blue forward once more, and vermilion backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.book.chains import Moment, Watched, arrays
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot


def _mountain(ax: Any, run: Watched, unit: int) -> None:
    """Fill the memory of each call of a layer, in the colour of its direction."""
    from backprop.book.figures.plots import COLORS, INK

    height = np.array(run.bytes) / unit
    edges = np.arange(len(height) + 1)
    goes_back = np.array([kind == "b" for kind in run.kinds])
    again = np.array(run.again)
    for chosen, color, alpha in (
        (~goes_back & ~again, COLORS[0], 0.75), (again, COLORS[0], 0.25),
        (goes_back, COLORS[1], 0.75),
    ):  # fmt: skip
        ax.stairs(
            np.where(chosen, height, 0), edges, fill=True, color=color, alpha=alpha, linewidth=0
        )
    ax.stairs(height, edges, baseline=None, color=INK, linewidth=1.0)
    ax.grid(axis="x", visible=False)


def side_by_side(runs: Mapping[str, Watched], unit: int, title: str) -> Drawing:
    """Draw two ways to one gradient, with their peak and their evaluations."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    # One scale for the calls of both: the second way is longer, and is drawn longer.
    calls = [len(run.kinds) for run in runs.values()]
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(4.6, 2.6), layout="constrained",
                             width_ratios=calls)  # fmt: skip
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        _mountain(ax, run, unit)
        peak = arrays(run.peak, unit)
        words = f"{name}\n{peak} arrays,\n{run.forwards} evaluations"
        ax.set_title(words, color=INK, fontsize=11, fontweight="bold")
        ax.set(xlim=(0, len(run.kinds)), ylim=(0, 72), yticks=[0, 20, 40, 60], xticks=[])
        ax.set_xlabel("time", fontsize=11)
    axes[0].set_ylabel("arrays in memory")
    return plotted(fig, title)


def walks(moments: Sequence[Moment], title: str) -> Drawing:
    """Draw one row per layer that is taken back: the kept inputs, and the walk to it."""
    n, left, top, row = len(moments), 4.0, 54.0, 25.0
    wide = 320 / n
    parts = [
        svg.text(left, 14, "layer", text_anchor="start"),
        svg.text(svg.WIDTH - 2, 14, "evaluations", svg.FORWARD, text_anchor="end"),
    ]
    parts += [svg.text(left + (i + 0.5) * wide, 36, str(i + 1)) for i in range(n)]
    said = []
    for k, moment in enumerate(moments):
        y, count = top + row * k, sum(j - i for i, j in moment.walks)
        for i in range(n):
            filled = i in moment.kept
            parts.append(svg.element(
                "rect", x=left + i * wide + 1, y=y, width=wide - 2, height=13, stroke=svg.FORWARD,
                stroke_width="0.7", fill=svg.FORWARD, fill_opacity="0.85" if filled else "0",
            ))  # fmt: skip
        parts.append(svg.element(
            "rect", x=left + moment.layer * wide - 1, y=y - 2, width=wide + 2, height=17,
            stroke=svg.BACKWARD, stroke_width="3", fill="none",
        ))  # fmt: skip
        for i, j in moment.walks:
            tail, tip = (left + i * wide, y - 6), (left + j * wide, y - 6)
            parts.append(svg.pointer(tail, tip, svg.FORWARD, "2", 7, 4))
        parts.append(svg.text(svg.WIDTH - 2, y + 12, str(count), svg.FORWARD, text_anchor="end"))
        held = ", ".join(str(i + 1) for i in moment.kept)
        said.append(f"layer {moment.layer + 1}: inputs of {held} kept, {count} evaluations")
    walked = [range(*walk) for moment in moments for walk in moment.walks]
    each = [sum(i in walk for walk in walked) for i in range(n)]
    for i, count in enumerate(each):
        parts.append(svg.text(left + (i + 0.5) * wide, top + row * n + 12, str(count), svg.FORWARD))
    total = str(sum(each))
    parts.append(svg.text(svg.WIDTH - 2, top + row * n + 12, total, svg.FORWARD,
                          text_anchor="end", font_weight=600))  # fmt: skip
    said.append(f"evaluations of each layer: {', '.join(map(str, each))}, in all {total}")
    return drawing(title, top + row * n + 18, "; ".join(said), *parts)


def depths(runs: Mapping[str, Sequence[tuple[int, int]]], title: str) -> Drawing:
    """Draw the arrays at the peak against the number of layers, one line per way.

    Parameters
    ----------
    runs : mapping of str to sequence of (int, int)
        Layers and arrays, by the way they were measured.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK, MARKERS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.6))
    for (name, found), color, mark in zip(runs.items(), COLORS, MARKERS, strict=False):
        ax.plot(*zip(*found, strict=True), "-", marker=mark, color=color, markersize=6, label=name)
        for depth, peak in found[1:]:  # the first ones are too near to each other
            ax.annotate(str(peak), (depth, peak), (0, 6), textcoords="offset points",
                        color=INK, ha="center", va="bottom", fontsize=11)  # fmt: skip
    depth, most = max(found[-1] for found in runs.values())
    ax.set(xlabel="layers n", ylabel="arrays at the peak", ylim=(0, 1.2 * most))
    ax.set_xlim(0, 1.07 * depth)
    ax.set_xticks([n for n, _ in next(iter(runs.values()))])
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper left")
    return plotted(fig, title)


def exchange(
    runs: Mapping[str, Sequence[tuple[int, int]]], fewest: Sequence[tuple[int, int]],
    named: Sequence[tuple[int, int]], title: str,
) -> Drawing:  # fmt: skip
    """Draw the evaluations of schedules against the inputs that they keep.

    Parameters
    ----------
    runs : mapping of str to sequence of (int, int)
        Kept inputs and evaluations of schedules that were run, by kind.
    fewest : sequence of (int, int)
        The fewest evaluations for each number of kept inputs, drawn as a line.
    named : sequence of (int, int)
        Points at which both numbers are written.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK, MARKERS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.2))
    ax.plot(*zip(*fewest, strict=True), "-", color=INK, linewidth=1, label="fewest possible")
    looks = zip((COLORS[0], COLORS[2], COLORS[1]), MARKERS, (10, 6, 6), strict=False)
    for (name, found), (color, mark, size) in zip(runs.items(), looks, strict=True):
        ax.plot(*zip(*found, strict=True), linestyle="", marker=mark, color=color,
                markersize=size, label=name, markeredgewidth=1.5,
                markerfacecolor="none" if size > 6 else color)  # fmt: skip
    for kept, count in named:
        # Words at the right end of the line stand above it.
        place, side = ((4, 12), "right") if kept > 40 else ((8, 7), "left")
        ax.annotate(f"{kept} inputs: {count}", (kept, count), place, textcoords="offset points",
                    color=INK, ha=side, fontsize=11)  # fmt: skip
    most = max(count for _, count in fewest)
    ax.set(xlabel="kept inputs", ylabel="evaluations", xlim=(0, 68), ylim=(0, 1.08 * most))
    ax.set_xticks([0, 11, 20, 30, 40, 50, 64])
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper right")
    return plotted(fig, title)
