"""The figures of the chapter on the cost of a gradient: operations, seconds, and the roofline.

Blue is the forward pass and vermilion the backward pass in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.roofline import Machine, roof


class Bill(NamedTuple):
    """What a value or a gradient costs, in forward passes: the first pass, and the way back.

    ``seconds`` is the time of all of it.
    """

    name: str
    forward: float
    backward: float
    seconds: float


ONE_PASS = 92.0
"""Units of a drawing that stand for a forward pass."""


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw a cost as a bar per row; a bar that is too long runs off the edge of the picture."""
    left = 12.0
    most = svg.WIDTH - left
    parts = []
    said = []
    for k, bill in enumerate(rows):
        top = 8.0 + 58 * k
        parts.append(svg.text(left, top + 14, bill.name, text_anchor="start"))
        total = bill.forward + bill.backward
        x, y = left, top + 22
        if torn := total * ONE_PASS > most:
            parts.append(svg.element("rect", x=x, y=y, width=most, height=24, fill=svg.FORWARD))
            parts += [
                svg.element("line", x1=cut - 5, y1=y + 28, x2=cut + 5, y2=y - 4, stroke=svg.GROUND,
                            stroke_width=4, class_="torn")
                for cut in (x + most - 60, x + most - 50)
            ]  # fmt: skip
        for passes, paint in () if torn else ((bill.forward, svg.FORWARD),
                                              (bill.backward, svg.BACKWARD)):  # fmt: skip
            if passes:
                parts.append(
                    svg.element("rect", x=x, y=y, width=passes * ONE_PASS, height=24, fill=paint,
                                stroke=svg.GROUND, stroke_width=1)
                )  # fmt: skip
                x += passes * ONE_PASS
        number = f"{total:,.0f}" if torn else f"{total:.3g}"
        # Beside the middle bar, there is room for the number and the time alone.
        unit = " forward pass" if total == 1 else " forward passes" if torn else ""
        number += f"{unit}: {in_words(bill.seconds)}"
        paint = svg.GROUND if torn else "currentColor"
        parts.append(svg.text(x + 8, y + 17, number, paint, text_anchor="start", font_weight=600))
        said.append(f"{bill.name}: {number}")
    return drawing(title, 8 + 58 * len(rows), "; ".join(said), *parts)


def article_network(widths: tuple[int, int, int], title: str) -> Drawing:
    """Draw a network with one hidden layer, and the operations of its products for one example."""
    first, second = (2 * n * m for n, m in pairwise(widths))
    places = (40.0, 206.0, 380.0)
    parts = []
    for x, n, words in zip(places, widths, ("inputs x", "units a⁽¹⁾", "outputs"), strict=True):
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


def in_words(seconds: float) -> str:
    """Write a time in milliseconds, seconds, minutes or hours, in three digits at most."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{float(f'{seconds / unit:.3g}'):g} {name}"
    return f"{float(f'{seconds * 1000:.3g}'):g} ms"


def below_the_roof(machine: Machine, title: str) -> Drawing:
    """Draw all measured layers below the two limits: one layer by its batch, then the networks.

    The layer's three products have a mark each, and the products of a network one for each pass.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, axes = plt.subplots(
        2, figsize=(4.6, 4.3), sharex=True, layout="constrained", height_ratios=(5, 3)
    )
    kinds = list(zip(("xW", "xᵀδ", "δWᵀ"), "ovs", (COLORS[0], COLORS[1], COLORS[1]), strict=True))
    x = np.array([0.16, machine.corner, 50])
    for ax in axes:
        ax.loglog(x, roof(x, machine.peak, machine.bandwidth) / 1e9, color=INK, linewidth=2)
        low = 1.0 if ax is axes[0] else 6.0
        ax.set(xlim=(0.16, 50), ylim=(low, 95))
        ticks = [tick for tick in (1, 2, 5, 10, 20, 50) if tick >= low]
        ax.set_yticks(ticks, list(map(str, ticks)))
        ax.minorticks_off()
    intensity, speeds = machine.marks()
    for (words, marker, color), speed in zip(kinds, speeds / 1e9, strict=True):
        hollow = {"markerfacecolor": "none"} if marker == "s" else {}
        axes[0].plot(intensity, speed, marker, color=color, markersize=6, label=words, **hollow)
    for k, batch in enumerate(machine.batches):
        axes[0].annotate(f"B = {batch}" if k == 0 else f"{batch}",
                         (intensity[k], speeds[:, k].min() / 1e9), (0, -16), ha="center",
                         textcoords="offset points", color=INK)  # fmt: skip
    axes[0].legend(loc="lower right", handletextpad=0.1)
    for tower in machine.towers:
        where, there, back = tower.marks()
        axes[1].plot(where, there / 1e9, "o", color=COLORS[0], markersize=6)
        axes[1].plot(where, back / 1e9, "^", color=COLORS[1], markersize=6)
        aside = {100: -5, 176: 6}.get(tower.width, 0)  # these two stand close together
        axes[1].annotate(f"{tower.width}", (where, back / 1e9), (aside, -16), ha="center",
                         textcoords="offset points", color=INK)  # fmt: skip
    for label, marker, color in (("forward", "o", COLORS[0]), ("backward", "^", COLORS[1])):
        axes[1].plot([], [], marker, color=color, markersize=6, label=label)
    axes[1].legend(loc="lower right", handletextpad=0.1, ncols=2, columnspacing=1)
    axes[0].text(machine.corner, 62, f"corner: {machine.corner:.1f}", color=INK, ha="center")
    axes[0].set_title("a layer of 4,096 units, by its batch B", fontsize=11)
    axes[1].set_title("five networks, by their width; B = 256", fontsize=11)
    axes[1].set(xlabel="operations per byte")
    axes[1].set_xticks([0.2, 0.5, 1, 2, 5, 10, 20, 50],
                       ["0.2", "0.5", "1", "2", "5", "10", "20", "50"])  # fmt: skip
    fig.supylabel("billion operations per second", fontsize=11, color=INK)
    return plotted(fig, title)


def crossing(
    outputs: Sequence[int], counts: Mapping[int, tuple[Sequence[int], Sequence[int]]], title: str
) -> Drawing:
    """Draw what a Jacobian takes by forward and by reverse mode, over the number of outputs.

    ``counts`` has the operations of both modes for each number of inputs. A ring marks where a
    network has as many outputs as inputs.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.8), layout="constrained")
    for line, (inputs, both) in zip(("-", "--"), counts.items(), strict=True):
        for k, (name, count) in enumerate(zip(("forward", "reverse"), both, strict=True)):
            ax.loglog(outputs, count, line, color=COLORS[k], linewidth=2)
            end = -1 if k == 0 else 0
            ax.annotate(f"{name}, {inputs}", (outputs[end], count[end]), (6 if end else -6, 0),
                        textcoords="offset points", ha="left" if end else "right", va="center",
                        color=COLORS[k])  # fmt: skip
        equal = list(outputs).index(inputs)
        ax.plot(inputs, both[0][equal], "o", color=INK, markersize=10, markerfacecolor="none")
    ax.set(xlabel="outputs", ylabel="operations")
    ticks = [10**k for k in range(4) if 10**k <= outputs[-1]]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    return plotted(fig, title)
