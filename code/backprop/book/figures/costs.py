"""The figures of the chapter on cost: operations, seconds, the roofline, and memory along a step.

Blue is forward and vermilion is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, pairwise
from typing import Any, NamedTuple

import numpy as np

from backprop import Dense, Layer, Tanh
from backprop.arrays import Array
from backprop.book.chains import Watched
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot, spread
from backprop.book.figures.stepper import Frame, drawn
from backprop.book.roofline import Point, roof


def tower(n: int, width: int = 176, batch: int = 256) -> tuple[list[Layer], Array, Array]:
    """Return n layers, Dense and tanh in turn, with an input and an error at the output.

    With 64 layers, there are a million weights. An array between two layers is large enough for
    NumPy to write into its own temporaries.
    """
    rng = np.random.default_rng(0)
    layers: list[Layer] = [Tanh() if i % 2 else Dense(width, width, rng=rng) for i in range(n)]
    x, dz = rng.normal(size=(2, batch, width))
    return layers, x.copy(), dz.copy()


class Bill(NamedTuple):
    """What a value or a gradient costs.

    Attributes
    ----------
    name : str
        What is computed.
    forward, backward, again : float
        Operations of the first pass, of the way back, and of what is computed once more, in
        forward passes.
    arrays : int
        Most of them alive at once.
    """

    name: str
    forward: float
    backward: float
    again: float
    arrays: int


ONE_PASS, ONE_ARRAY = 33.0, 2.05
"""Units of a drawing that stand for a forward pass, and for an array."""


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw operations and memory as two bars a row; a bar that is too long is torn off."""
    left, right, most = 12.0, 232.0, 120.0
    parts = [
        svg.text(left, 18, "operations,", text_anchor="start", font_weight=600),
        svg.text(left, 35, "in forward passes", text_anchor="start"),
        svg.text(right, 18, "memory,", text_anchor="start", font_weight=600),
        svg.text(right, 35, "in arrays", text_anchor="start"),
    ]
    said = []
    for k, bill in enumerate(rows):
        top = 50.0 + 50 * k
        parts.append(svg.text(left, top + 14, bill.name, text_anchor="start"))
        total = bill.forward + bill.backward + bill.again
        x, y = left, top + 22
        if torn := total * ONE_PASS > 200:
            corners = [(x, y), (x + most, y), (x + most - 7, y + 7), (x + most, y + 14),
                       (x + most - 7, y + 20), (x, y + 20)]  # fmt: skip
            points = " ".join(f"{svg.fixed(a)},{svg.fixed(b)}" for a, b in corners)
            parts.append(svg.element("polygon", points=points, fill=svg.FORWARD))
            x += most
        shares = (
            (bill.forward, svg.FORWARD, None), (bill.backward, svg.BACKWARD, None),
            (bill.again, svg.FORWARD, "0.45"),
        )  # fmt: skip
        for passes, paint, pale in () if torn else shares:
            if passes:
                parts.append(_bar(x, y, passes * ONE_PASS, paint, pale))
                x += passes * ONE_PASS
        number = f"{total:,.0f}" if torn else f"{total:.3g}"
        parts.append(svg.text(x + 6, y + 15, number, text_anchor="start", font_weight=600))
        parts.append(_bar(right, y, bill.arrays * ONE_ARRAY, "currentColor", "0.55"))
        end = right + bill.arrays * ONE_ARRAY + 6
        parts.append(svg.text(end, y + 15, f"{bill.arrays}", text_anchor="start", font_weight=600))
        said.append(f"{bill.name}: {number} forward passes, {bill.arrays} arrays")
    return drawing(title, 52 + 50 * len(rows), "; ".join(said), *parts)


def _bar(x: float, y: float, width: float, paint: str, opacity: str | None = None) -> str:
    return svg.element(
        "rect", x=x, y=y, width=width, height=20, fill=paint, fill_opacity=opacity,
        stroke=svg.GROUND, stroke_width=1,
    )  # fmt: skip


def article_network(widths: tuple[int, int, int], title: str) -> Drawing:
    """Draw a network with one hidden layer, and the operations of its products for one example."""
    first, second = (2 * n * m for n, m in pairwise(widths))
    places = (40.0, 206.0, 380.0)
    parts = []
    for x, n, words in zip(places, widths, ("inputs x", "tanh a⁽¹⁾", "outputs"), strict=True):
        parts += [
            svg.element("rect", x=x - 35, y=66, width=70, height=52, rx=6, fill=svg.GROUND,
                        stroke="currentColor", stroke_width="1.5"),
            svg.text(x, 89, f"{n}", font_weight=600, font_size=17),
            svg.text(x, 108, words),
        ]  # fmt: skip
    columns = (
        (first, "x W⁽¹⁾", [("xᵀ δ⁽¹⁾", f"{first:,}"), ("δ⁽¹⁾ W⁽¹⁾ᵀ", "not needed")]),
        (second, "a⁽¹⁾ W⁽²⁾", [("a⁽¹⁾ᵀ δ⁽²⁾", f"{second:,}"), ("δ⁽²⁾ W⁽²⁾ᵀ", f"{second:,}")]),
    )
    for (x0, x1), (count, there, back) in zip(pairwise(places), columns, strict=True):
        middle = (x0 + x1) / 2
        parts += [
            svg.text(middle, 26, there, svg.FORWARD),
            svg.text(middle, 46, f"{count:,}", svg.FORWARD, font_weight=600),
            svg.pointer((x0 + 38, 80), (x1 - 38, 80), svg.FORWARD, "2.4", 10, 5),
            svg.pointer((x1 - 38, 104), (x0 + 38, 104), svg.BACKWARD, "2.4", 10, 5),
        ]
        for k, (words, number) in enumerate(back):
            y, needed = 143 + 44 * k, number[0].isdigit()
            parts += [
                svg.text(middle, y, words, svg.BACKWARD, opacity=None if needed else "0.6"),
                svg.text(middle, y + 19, number, svg.BACKWARD,
                         font_weight=600 if needed else 400, opacity=None if needed else "0.6"),
            ]  # fmt: skip
    sums = (
        f"forward: {first:,} + {second:,} = {first + second:,}",
        f"backward: {first:,} + {second:,} + {second:,} = {first + 2 * second:,}",
    )
    for y, words, paint in zip((238, 260), sums, (svg.FORWARD, svg.BACKWARD), strict=True):
        parts.append(svg.text(210, y, words, paint, font_weight=600))
    return drawing(title, 272, "; ".join(sums), *parts)


def seconds_by_weights(
    weights: Sequence[int], loss: Sequence[float], gradient: Sequence[float], title: str
) -> Drawing:
    """Draw what a loss and its gradient take as weights are added, and what nudging would take.

    Nudging takes one loss more than there are weights; it is computed, not measured.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.75))
    nudged = (np.array(weights) + 1) * np.array(loss)
    for seconds, line, mark, color, place, words in (
        (nudged, ":", "", INK, "center", "nudging each weight (computed)"),
        (gradient, "--", "s", COLORS[1], "bottom", "loss and gradient"),
        (loss, "-", "o", COLORS[0], "top", "loss alone"),
    ):
        ax.loglog(weights, seconds, line, marker=mark, color=color, markersize=6, label=words)
        ax.text(weights[-1] * 1.35, seconds[-1], in_words(seconds[-1]), color=color, va=place)
    ax.set(xlabel="weights", ylabel="seconds", xlim=(weights[0] / 1.3, weights[-1] * 6.5))
    ax.set_xticks([10_000, 100_000, 1_000_000], ["10,000", "100,000", "1 million"])
    low, high = np.floor(np.log10(min(loss))), np.ceil(np.log10(max(nudged)))
    powers = np.arange(low, high + 1, 2)
    ax.set_ylim(10**low, 10 ** (high + 0.2))
    ax.set_yticks(10.0**powers, [f"{10.0**p:,.{max(0, int(-p))}f}" for p in powers])
    ax.minorticks_off()
    ax.legend(loc="center", bbox_to_anchor=(0.63, 0.46))
    return plotted(fig, title)


def in_words(seconds: float) -> str:
    """Write a time in milliseconds, seconds, minutes or hours, in two digits at most."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{seconds / unit:.2g} {name}"
    return f"{seconds * 1000:.2g} ms"


def arrays(peak: float, unit: int) -> int:
    """Return the whole arrays that so many bytes hold; the rest are Python's own objects."""
    return round(peak / unit)


def _mountain(ax: Any, run: Watched, unit: int, start: int = 0) -> None:
    """Fill the memory of each call of a layer, in the colour of its direction."""
    from backprop.book.figures.plots import COLORS, INK

    height = np.array(run.bytes) / unit
    edges = start + np.arange(len(height) + 1)
    goes_back = np.array([kind == "b" for kind in run.kinds])
    for chosen, color, alpha in ((~goes_back, COLORS[0], 0.55), (goes_back, COLORS[1], 0.75)):
        ax.stairs(
            np.where(chosen, height, 0), edges, fill=True, color=color, alpha=alpha, linewidth=0
        )
    ax.stairs(height, edges, baseline=None, color=INK, linewidth=1.1)
    ax.grid(axis="x", visible=False)


def by_depth(runs: Mapping[int, Watched], unit: int, title: str) -> Drawing:
    """Draw the memory of one gradient for several depths, one mountain beside another."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.4))
    start, gap = 0, 24
    ticks = []
    for n, run in runs.items():
        _mountain(ax, run, unit, start)
        peak = arrays(run.peak, unit)
        ax.text(start + n, peak + 2, f"{peak} arrays", color=INK, ha="center", fontweight="bold")
        ticks.append((start + n, f"{n} layers"))
        middle, end = start + n, start + len(run.kinds)
        start = end + gap
    ax.text(middle - 4, 3, "forward", color=INK, ha="right")
    ax.text(middle + 4, 3, "backward", color=INK)
    ax.axvline(middle, ymax=0.15, color=INK, linewidth=1, linestyle=":")
    ax.set_xticks(*zip(*ticks, strict=True))
    ax.tick_params(axis="x", length=0)
    ax.set(ylim=(0, 79), xlim=(-24, end + 4), yticks=[0, 20, 40, 60], ylabel="arrays in memory")
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
            f"k + n/k = {segments} + {n // segments} = {model}; measured: {arrays(run.peak, unit)}"
            f" arrays. Forward evaluations: {run.forwards}, of which {run.forwards - n} are extra."
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


STRIP = 0.46
"""Part of the roofline's height that belongs to the names."""


def roofline(points: Sequence[Point], top: float, slope: float, title: str) -> Drawing:
    """Draw the layers below the limits of processor (flat) and memory (sloping)."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.7))
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
