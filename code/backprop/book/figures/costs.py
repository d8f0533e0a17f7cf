"""The figures of the chapter on the cost of a gradient: operations, seconds, and the roofline.

Blue is forward and vermilion is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.book.roofline import RELU, Machine, roof


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
        first_layer = x0 == places[0]
        parts += [
            svg.text(middle, 26, there, svg.FORWARD),
            svg.text(middle, 46, f"{count:,}", svg.FORWARD, font_weight=600),
            svg.pointer((x0 + 38, 80), (x1 - 38, 80), svg.FORWARD, "2.4", 10, 5),
            # Nothing is passed to the inputs: the way back ends at the first weights.
            svg.pointer((x1 - 38, 104), (middle if first_layer else x0 + 38, 104), svg.BACKWARD,
                        "2.4", 10, 5),
        ]  # fmt: skip
        if first_layer:
            parts.append(svg.text(middle - 22, 109, "W⁽¹⁾"))
        for k, (words, number) in enumerate(back):
            y, needed = 143 + 44 * k, number[0].isdigit()
            parts += [
                svg.text(middle, y, words, svg.BACKWARD),
                svg.text(middle, y + 19, number, svg.BACKWARD, font_weight=600 if needed else 400),
            ]
            if not needed:
                half = svg.width(words) / 2
                parts.append(
                    svg.element("line", x1=middle - half, y1=y + 2.0, x2=middle + half, y2=y - 12.0,
                                stroke="currentColor", stroke_width="1.2", stroke_opacity="0.55",
                                class_="struck")
                )  # fmt: skip
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
    """Draw what a forward pass takes, alone and with the backward one, and below it their ratio.

    Nudging takes one forward pass more than there are weights; it is computed, not measured.
    ``counted`` is the ratio of the operations.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (ax, below) = plt.subplots(
        2, sharex=True, figsize=(4.6, 4.1), height_ratios=(1.7, 1), layout="constrained"
    )
    nudged = (np.array(weights) + 1) * np.array(loss)
    for seconds, line, mark, color, place, words, above in (
        (nudged, ":", "", INK, "center", "nudging (computed)", 12),
        (gradient, "--", "s", COLORS[1], "bottom", "forward and backward", 15),
        (loss, "-", "o", COLORS[0], "top", "forward alone", -13),
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
    """Write a time in milliseconds, seconds, minutes or hours, in three digits at most."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{float(f'{seconds / unit:.3g}'):g} {name}"
    return f"{float(f'{seconds * 1000:.3g}'):g} ms"


class Jacobian(NamedTuple):
    """A network's widths, and what its Jacobian costs in operations by each of three ways.

    ``middle`` is for a start at an inner layer: the passes up, the passes down, the last product.
    """

    name: str
    widths: tuple[int, ...]
    forward: int
    reverse: int
    middle: tuple[int, int, int]


def narrow_places(rows: Sequence[Jacobian], title: str) -> Drawing:
    """Draw networks by their widths, and beside each its Jacobian's cost by three ways."""
    most = max(max(row.forward, row.reverse, sum(row.middle)) for row in rows)
    parts, said = [], []
    for k, row in enumerate(rows):
        top = 8.0 + 112 * k
        parts.append(svg.text(12, top + 14, row.name, text_anchor="start", font_weight=600))
        for j, width in enumerate(row.widths):
            x, height = 12 + 19.0 * j, 62 * width / max(row.widths)
            parts.append(
                svg.element("rect", x=x, y=top + 56 - height / 2, width=10, height=max(height, 2.0),
                            rx=2, fill="currentColor", fill_opacity="0.55")
            )  # fmt: skip
        ways = (
            ("forward", [(row.forward, svg.FORWARD, "1")]),
            ("reverse", [(row.reverse, svg.BACKWARD, "1")]),
            ("from the middle", list(zip(
                row.middle, (svg.FORWARD, svg.BACKWARD, "currentColor"), ("1", "1", "0.45"),
                strict=True))),
        )  # fmt: skip
        for j, (words, shares) in enumerate(ways):
            x, y, total = 226.0, top + 26 + 22 * j, sum(count for count, *_ in shares)
            parts.append(svg.text(x - 7, y + 13, words, text_anchor="end"))
            for count, paint, opacity in shares:
                length = 108 * count / most
                parts.append(
                    svg.element("rect", x=x, y=y, width=length, height=17, fill=paint,
                                fill_opacity=opacity)
                )  # fmt: skip
                x += length
            parts.append(svg.text(x + 7, y + 13, f"{total:,}", text_anchor="start"))
            said.append(f"{row.name}, {words}: {total:,}")
    return drawing(title, 112 * len(rows) - 4, "; ".join(said), *parts)


def batches(machine: Machine) -> list[Frame]:
    """Return a frame for each batch: both passes below the roof, and their price together."""
    return [_batch(machine, k) for k in range(len(machine.batches))]


def _batch(machine: Machine, now: int) -> Frame:
    plt = pyplot()
    fig, (ax, low) = plt.subplots(
        2, figsize=(4.4, 4.6), height_ratios=(1.6, 1), layout="constrained"
    )
    _roof(ax, machine, now)
    _prices(low, machine, now)
    batch, price = machine.batches[now], machine.passes()[now]
    computing, carrying = machine.predicted(batch)
    which = "memory" if carrying > computing else "the processor"
    many = "1 example" if batch == 1 else f"{batch} examples"
    caption = (
        f"By the roof, {which} decides, and the two passes take at least"
        f" {_ms(max(computing, carrying))} and {_ms(2 * max(computing, carrying))} ms."
        f" Measured: {1e3 * machine.forward[now]:.2f} and {1e3 * machine.backward[now]:.2f} ms,"
        f" together {price:.2f} forward passes."
    )
    return drawn(fig, f"A dense layer with {many}: its two passes below the roofline", caption)


def _ms(seconds: float) -> str:
    """Write milliseconds as the page's table does."""
    return f"{1e3 * seconds:.1f}"


def _prices(ax: Any, machine: Machine, now: int) -> None:
    """Draw a column for each batch, on one scale: a forward pass, and the backward pass on it."""
    from backprop.book.figures.plots import COLORS, INK

    prices = machine.passes()
    for k, price in enumerate(prices):
        pale = 1.0 if k == now else 0.35
        ax.bar(k, 1, 0.74, color=COLORS[0], alpha=pale)
        ax.bar(k, price - 1, 0.74, bottom=1, color=COLORS[1], alpha=pale)
        ax.text(k, price + 0.12, f"{price:.2f}", color=INK, ha="center", va="bottom",
                weight="bold" if k == now else "normal")  # fmt: skip
    ax.axhline(3, color=INK, linewidth=1.2, linestyle=":")
    top = int(np.ceil(max(prices) + 0.5))
    ax.set(ylim=(0, top), yticks=range(0, top + 1), xlabel="examples in the batch",
           ylabel="forward\npasses")  # fmt: skip
    ax.set_xticks(range(len(prices)), [str(batch) for batch in machine.batches])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False)


def _roof(ax: Any, machine: Machine, now: int) -> None:
    """Draw the two limits with their corner, both passes at each batch, and a ReLU."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    x = np.array([0.035, machine.corner, 70])
    ax.loglog(x, roof(x, machine.peak, machine.bandwidth) / 1e9, "-", color=INK, linewidth=2.2)
    intensity, speed = machine.marks()
    for speeds, mark, color in ((machine.back_speeds(), "s", COLORS[1]), (speed, "o", COLORS[0])):
        ax.plot(intensity, speeds / 1e9, mark, color=color, markersize=4.5, alpha=0.3)
        ax.plot(intensity[now], speeds[now] / 1e9, mark, color=color, markersize=9)
    for words, color, y in (("forward", COLORS[0], 0.16), ("backward", COLORS[1], 0.05)):
        ax.text(0.98, y, words, color=color, ha="right", weight="bold", transform=ax.transAxes)
    ax.plot(1 / 16, RELU / machine.relu / 1e9, "o", color=GREY, markersize=6)
    ax.annotate("ReLU", (1 / 16, RELU / machine.relu / 1e9), (9, -4),
                textcoords="offset points", color=INK, va="center")  # fmt: skip
    top = machine.peak / 1e9
    ax.annotate(f"corner: {machine.corner:.1f}", (machine.corner, top), (-8, 4), ha="right",
                textcoords="offset points", color=INK)  # fmt: skip
    ax.text(70, 1.2 * top, "processor's limit", color=INK, ha="right", va="bottom")
    ax.text(0.04, 0.62 * top, "memory's limit", color=INK, ha="left", va="top")
    ax.set(xlim=(0.035, 75), ylim=(0.8, 2.6 * top), xlabel="operations per byte")
    ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    ax.set_yticks([1, 10, 100], ["1", "10", "100"])
    ax.set_ylabel("billion operations\nper second")
    ax.minorticks_off()
