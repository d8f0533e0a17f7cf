"""The figures of the chapter on the cost of a gradient: operations, seconds, and the roofline.

Blue is forward and vermilion is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.roofline import Point, roof


class Bill(NamedTuple):
    """What a value or a gradient costs, in forward passes: the first pass, and the way back."""

    name: str
    forward: float
    backward: float


ONE_PASS = 92.0
"""Units of a drawing that stand for a forward pass."""


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw operations as a bar a row; a bar that is too long is torn off."""
    left, most = 12.0, 300.0
    parts = []
    said = []
    for k, bill in enumerate(rows):
        top = 8.0 + 58 * k
        parts.append(svg.text(left, top + 14, bill.name, text_anchor="start"))
        total = bill.forward + bill.backward
        x, y = left, top + 22
        if torn := total * ONE_PASS > most:
            corners = [(x, y), (x + most, y), (x + most - 7, y + 8), (x + most, y + 15),
                       (x + most - 7, y + 24), (x, y + 24)]  # fmt: skip
            points = " ".join(f"{svg.fixed(a)},{svg.fixed(b)}" for a, b in corners)
            parts.append(svg.element("polygon", points=points, fill=svg.FORWARD))
            x += most
        for passes, paint in () if torn else ((bill.forward, svg.FORWARD),
                                              (bill.backward, svg.BACKWARD)):  # fmt: skip
            if passes:
                parts.append(
                    svg.element("rect", x=x, y=y, width=passes * ONE_PASS, height=24, fill=paint,
                                stroke=svg.GROUND, stroke_width=1)
                )  # fmt: skip
                x += passes * ONE_PASS
        number = f"{total:,.0f}" if torn else f"{total:.3g}"
        number += " forward pass" if total == 1 else ""
        parts.append(svg.text(x + 8, y + 17, number, text_anchor="start", font_weight=600))
        said.append(f"{bill.name}: {number}")
    return drawing(title, 8 + 58 * len(rows), "; ".join(said), *parts)


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
    weights: Sequence[int],
    loss: Sequence[float],
    gradient: Sequence[float],
    counted: float,
    title: str,
) -> Drawing:
    """Draw what a loss and its gradient take as weights are added, and below it their ratio.

    Nudging takes one loss more than there are weights; it is computed, not measured. ``counted`` is
    the ratio of the operations.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (ax, below) = plt.subplots(
        2, sharex=True, figsize=(4.6, 4.1), height_ratios=(1.7, 1), layout="constrained"
    )
    nudged = (np.array(weights) + 1) * np.array(loss)
    for seconds, line, mark, color, place, words, above in (
        (nudged, ":", "", INK, "center", "nudging (computed)", 12),
        (gradient, "--", "s", COLORS[1], "bottom", "loss and gradient", 15),
        (loss, "-", "o", COLORS[0], "top", "loss alone", -13),
    ):
        ax.loglog(weights, seconds, line, marker=mark, color=color, markersize=6)
        ax.text(weights[-1] * 1.35, seconds[-1], in_words(seconds[-1]), color=color, va=place)
        at, side = (-2, "right") if above > 0 else (len(weights) // 2, "left")
        ax.annotate(words, (weights[at], seconds[at]), (0, above), textcoords="offset points",
                    color=color, ha=side, va="center")  # fmt: skip
    ax.set(ylabel="seconds", xlim=(weights[0] / 1.5, weights[-1] * 6.5))
    low, high = np.floor(np.log10(min(loss))), np.ceil(np.log10(max(nudged)))
    powers = np.arange(low, high + 1, 2)
    ax.set_ylim(10 ** (low - 0.6), 10 ** (high + 0.2))
    ax.set_yticks(10.0**powers, [f"{10.0**p:,.{max(0, int(-p))}f}" for p in powers])
    ax.minorticks_off()
    below.axhline(counted, color=INK, linewidth=1, linestyle=":")
    below.text(weights[-1] * 6, 0.8 * counted, f"{counted:.2f} counted", color=INK, ha="right",
               va="top")  # fmt: skip
    ratio = np.divide(gradient, loss)
    below.semilogx(weights, ratio, "s", color=COLORS[1], markersize=7)
    top = max(5, int(np.ceil(ratio.max())))
    below.set(xlabel="weights", ylabel="ratio", ylim=(0, top), yticks=range(top + 1))
    below.set_xticks([10_000, 100_000, 1_000_000], ["10,000", "100,000", "1 million"])
    below.minorticks_off()
    return plotted(fig, title)


def in_words(seconds: float) -> str:
    """Write a time in milliseconds, seconds, minutes or hours, in two digits at most."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{float(f'{seconds / unit:.2g}'):g} {name}"
    return f"{float(f'{seconds * 1000:.2g}'):g} ms"


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


LABELS = {
    "Dense, B = 1": ("B = 1", 9, -7, "left"),
    "Dense, B = 8": ("Dense, B = 8", 6, -14, "left"),
    "Dense, B = 128": ("B = 128", 0, -17, "center"),
    "Adam": ("Adam", 0, -16, "center"),
    "ReLU": ("ReLU", 0, -17, "center"),
    "LayerNorm": ("LayerNorm", 9, 0, "left"),
    "softmax": ("softmax", 9, 0, "left"),
}
"""The words of a mark, and where they stand beside it, in points."""


def roofline(points: Sequence[Point], top: float, slope: float, title: str) -> Drawing:
    """Draw passes below the limits of processor (flat) and memory (sloping).

    Those of a Dense layer are joined by arrows; the others are grey.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.4))
    x = np.geomspace(0.02, 200, 200)
    ax.loglog(x, roof(x, top, slope) / 1e9, "-", color=INK, linewidth=2.2)
    dense = [p for p in points if p.name.startswith("Dense")]
    for p in points:
        color = COLORS[0] if p in dense else GREY
        words, right, up, side = LABELS[p.name]
        ax.plot(p.intensity, p.speed / 1e9, "o", color=color, markersize=8)
        ax.annotate(words, (p.intensity, p.speed / 1e9), (right, up), textcoords="offset points",
                    color=color if p in dense else INK, ha=side, va="center")  # fmt: skip
    for one, other in pairwise(dense):
        ax.annotate(
            "", (other.intensity, other.speed / 1e9), (one.intensity, one.speed / 1e9),
            arrowprops={"arrowstyle": "->", "color": COLORS[0], "linewidth": 1.8, "shrinkA": 6,
                        "shrinkB": 6},
        )  # fmt: skip
    low = min(p.speed for p in points) / 1e9
    ax.set(xlim=(0.02, 200), ylim=(low / 3, top / 1e9 * 4))
    ax.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
    ticks = [t for t in (0.01, 0.1, 1, 10, 100, 1000) if low / 3 < t < top / 1e9 * 4]
    ax.set_yticks(ticks, [f"{t:g}" for t in ticks])
    ax.set_xlabel("operations per byte")
    ax.set_ylabel("billion operations per second")
    ax.minorticks_off()
    ax.text(180, top / 1e9 * 1.25, "processor's limit", color=INK, ha="right", va="bottom")
    ax.text(0.024, 1.3 * roof(np.array(0.4), top, slope) / 1e9, "memory's limit", color=INK)
    return plotted(fig, title)
