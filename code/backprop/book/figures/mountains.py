"""The figures of the chapter on memory: what is alive at each call of a layer, and what it costs.

Blue is forward, faint blue forward once more, and vermilion backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.chains import Moment, Watched
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn


def arrays(peak: float, unit: int) -> int:
    """Return the whole arrays that so many bytes hold; the rest are Python's own objects."""
    return round(peak / unit)


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
    """Draw two ways to one gradient, with their peak and their evaluations of a layer."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    # One scale for the calls of both: the second way is longer, and is drawn longer.
    calls = [len(run.kinds) for run in runs.values()]
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(4.6, 2.9), layout="constrained",
                             width_ratios=calls)  # fmt: skip
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        _mountain(ax, run, unit)
        peak = arrays(run.peak, unit)
        words = f"{name}\n{peak} arrays,\n{run.forwards} evaluations"
        ax.set_title(words, color=INK, fontsize=11, fontweight="bold")
        ax.set(xlim=(0, len(run.kinds)), ylim=(0, 72), yticks=[0, 20, 40, 60], xticks=[])
        ax.set_xlabel(f"{len(run.kinds)} calls of a layer", fontsize=11)
    axes[0].set_ylabel("arrays in memory")
    return plotted(fig, title)


SEGMENTS = 8
"""Of the 64 layers whose checkpoints are drawn."""


def kept_at(at: int, segments: int = SEGMENTS) -> Array:
    """Return which inputs are kept while segment ``at``, counted from 1, is taken back.

    With ``at`` 0, the forward pass has come to the last segment.

    Shape (segments, layers in each); bool.
    """
    kept = np.zeros((segments, 64 // segments), bool)
    kept[: at or segments, 0] = True
    kept[at - 1] |= at > 0
    return kept


def checkpoints(moments: Mapping[str, int], title: str) -> Drawing:
    """Draw the inputs of 64 layers, filled where they are kept, for the segment at work.

    Parameters
    ----------
    moments : mapping of str to int
        By what is said above the row: the segment that is taken back, counted from 1, or 0.
    title : str
        What the picture shows, for those who do not see it.
    """
    wide, high, gap, left = 5.6, 20.0, 6.0, 6.0
    parts, said = [], []
    for row, (words, at) in enumerate(moments.items()):
        y, kept = 26.0 + 66 * row, kept_at(at)
        parts.append(svg.text(left, y - 8, words, text_anchor="start"))
        count = f"{kept.sum()} kept"
        parts.append(svg.text(svg.WIDTH - 4, y - 8, count, svg.FORWARD, text_anchor="end",
                              font_weight=600))  # fmt: skip
        long = kept.shape[1] * wide
        for (k, i), filled in np.ndenumerate(kept):
            x = left + k * (long + gap) + i * wide
            parts.append(svg.element(
                "rect", x=x, y=y, width=wide, height=high, stroke=svg.FORWARD, stroke_width="0.7",
                fill=svg.FORWARD, fill_opacity="0.85" if filled else "0",
            ))  # fmt: skip
        last = at or len(kept) - 1  # forward, all segments but the last have been passed
        begin, end = left + (at - 1 if at else 0) * (long + gap), left + last * (long + gap) - gap
        tail, tip, paint = (end, begin, svg.BACKWARD) if at else (begin, end, svg.FORWARD)
        parts.append(svg.pointer((tail, y + 29), (tip, y + 29), paint, "2.5", 9, 5))
        said.append(f"{words}: {count}")
    return drawing(title, 26 + 66 * len(moments) - 24, "; ".join(said), *parts)


def walks(moments: Sequence[Moment], title: str) -> Drawing:
    """Draw one row per layer that is taken back: the kept inputs, and the walk to it."""
    n, left, top, row = len(moments), 4.0, 48.0, 27.0
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
            tail, tip = (left + i * wide, y + 19), (left + j * wide, y + 19)
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


MEGABYTE = 2.55
"""Units of a drawing that stand for a million bytes."""


def account(rows: Mapping[str, Sequence[float]], title: str) -> Drawing:
    """Draw what a training step holds, in megabytes: weights, gradient, moments, kept arrays.

    A row is named by its batch.
    """
    names = ("weights", "their gradient", "Adam's moments", "arrays between layers")
    paints = (("currentColor", "0.75"), ("currentColor", "0.5"), ("currentColor", "0.25"),
              (svg.FORWARD, "1"))  # fmt: skip
    left, parts, said = 12.0, [], []
    for k, (name, (paint, opacity)) in enumerate(zip(names, paints, strict=True)):
        x, y = (left, left + 190)[k % 2], 8.0 + 26 * (k // 2)
        parts += [
            svg.element("rect", x=x, y=y, width=14, height=14, fill=paint, fill_opacity=opacity),
            svg.text(x + 22, y + 12, name, text_anchor="start"),
        ]
    for k, (row, sizes) in enumerate(rows.items()):
        x, y = left, 84.0 + 76 * k
        parts.append(svg.text(left, y, row, text_anchor="start", font_weight=600))
        for size, (paint, opacity) in zip(sizes, paints, strict=True):
            parts += [
                svg.element("rect", x=x, y=y + 8, width=size * MEGABYTE, height=24, fill=paint,
                            fill_opacity=opacity, stroke=svg.GROUND, stroke_width=1),
                svg.text(x + size * MEGABYTE / 2, y + 49, f"{size:.0f}"),
            ]  # fmt: skip
            x += size * MEGABYTE
        total = f"{sum(sizes):.0f} MB"
        parts.append(svg.text(x + 6, y + 25, total, text_anchor="start", font_weight=600))
        numbers = ", ".join(f"{n} {s:.0f}" for n, s in zip(names, sizes, strict=True))
        said.append(f"{row}: {numbers}, together {total}")
    return drawing(title, 70 + 76 * len(rows), "; ".join(said), *parts)


def segments(runs: Mapping[int, Watched], unit: int) -> list[Frame]:
    """Return one frame per number of segments: the memory of a gradient, its peak and its price."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    longest = max(len(run.kinds) for run in runs.values())
    frames = []
    for k, run in runs.items():
        n = run.kinds.count("b")
        fig, ax = plt.subplots(figsize=(4.4, 2.4))
        _mountain(ax, run, unit)
        peak = arrays(run.peak, unit)
        ax.axhline(peak, color=INK, linewidth=1, linestyle=":")
        ax.text(longest, peak + 1.5, f"{peak} arrays", color=INK, ha="right")
        ax.set(ylim=(0, 78), xlim=(0, longest), yticks=[0, 20, 40, 60])
        ax.set(xlabel="calls of a layer", ylabel="arrays in memory")
        words = (
            f"A segment has {n // k} layer{'s' * (n > k)}. At the peak: {peak} arrays. Evaluations"
            f" of a layer: {run.forwards}, of which {sum(run.again)} are second ones (faint blue)."
        )
        frames.append(drawn(fig, f"Memory of one gradient with {k} segments", words))
    return frames


def shapes(runs: Mapping[str, Watched], unit: int, title: str) -> Drawing:
    """Draw the memory under two ways to cut, one below the other."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    fig, axes = plt.subplots(
        len(runs), sharex=True, sharey=True, figsize=(4.6, 3.6), layout="constrained"
    )
    most = max(run.peak for run in runs.values()) / unit
    for ax, (name, run) in zip(axes, runs.items(), strict=True):
        _mountain(ax, run, unit)
        peak = arrays(run.peak, unit)
        ax.axhline(peak, color=INK, linewidth=1, linestyle=":")
        ax.set_title(f"{name}: {peak} arrays", color=INK, fontsize=11, loc="left")
        ax.set(ylim=(0, most * 1.12), ylabel="arrays", yticks=[0, 5, 10, 15])
    axes[-1].set(xlabel="calls of a layer", xlim=(0, max(len(r.kinds) for r in runs.values())))
    return plotted(fig, title)


def exchange(
    runs: Mapping[str, Sequence[tuple[int, int]]], best: Sequence[tuple[int, int]],
    limits: Mapping[int, str], title: str,
) -> Drawing:  # fmt: skip
    """Draw the inputs that schedules keep against their evaluations.

    Parameters
    ----------
    runs : mapping of str to sequence of (int, int)
        Evaluations and kept inputs of schedules that were run, by kind.
    best : sequence of (int, int)
        The fewest evaluations for each number of kept inputs, drawn as a line.
    limits : mapping of int to str
        What is written at the least number of kept inputs with so many evaluations per layer.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK, MARKERS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.5))
    ax.loglog(*zip(*best, strict=True), "-", color=INK, linewidth=1, label="fewest possible")
    looks = zip((COLORS[0], COLORS[2], COLORS[1]), MARKERS, (10, 6, 6), strict=False)
    for (name, found), (color, mark, size) in zip(runs.items(), looks, strict=True):
        ax.loglog(*zip(*found, strict=True), linestyle="", marker=mark, color=color,
                  markersize=size, label=name, markeredgewidth=1.5,
                  markerfacecolor="none" if size > 6 else color)  # fmt: skip
    for kept, words in limits.items():
        ax.axhline(kept, color=INK, linewidth=0.7, linestyle=":")
        ax.text(2300, kept * 1.04, words, color=INK, ha="right", fontsize=11)
    ax.set(xlabel="evaluations whose output is used", ylabel="kept inputs", ylim=(1.8, 80))
    ax.set_xticks([64, 128, 256, 512, 1024, 2048], ["64", "128", "256", "512", "1,024", "2,048"])
    ax.set_yticks([2, 5, 11, 20, 40, 64], ["2", "5", "11", "20", "40", "64"])
    ax.minorticks_off()
    ax.grid(False)
    ax.legend(loc="upper right")
    return plotted(fig, title)
