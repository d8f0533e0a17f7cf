"""The figures of the chapter on the cost of a gradient: operations, seconds, and the roofline.

Blue is the forward pass and vermilion the backward pass in all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.roofline import Machine, Tower, roof


class Bill(NamedTuple):
    """What a value or a gradient costs, in forward passes: the first pass, and the way back."""

    name: str
    forward: float
    backward: float


ONE_PASS = 92.0
"""Units of a drawing that stand for a forward pass."""


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw operations as a bar a row; a bar that is too long runs off the edge of the picture."""
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
        number += " forward pass" if total == 1 else ""
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


def passes_by_width(towers: Sequence[Tower], counted: float, title: str) -> Drawing:
    """Draw a column for each network: both passes, in forward passes, and products in each.

    ``counted`` is the ratio of the operations.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
    kinds = [(color, strong) for color in COLORS[:2] for strong in (1.0, 0.4)]
    for k, tower in enumerate(towers):
        foot = 0.0
        for (color, strong), part in zip(kinds, tower.parts, strict=True):
            ax.bar(k, part, 0.76, bottom=foot, color=color, alpha=strong)
            foot += part
        ax.text(k, max(foot, counted) + 0.08, f"{foot:.2f}", color=INK, ha="center")
    middles = np.cumsum(towers[-1].parts) - np.divide(towers[-1].parts, 2)
    words = [
        f"{way}:\n{part}" for way in ("forward", "backward") for part in ("products", "the rest")
    ]
    for (color, _), y, said in zip(kinds, middles, words, strict=True):
        ax.text(len(towers) - 0.45, y, said, color=color, ha="left", va="center", linespacing=0.95)
    ax.plot([-0.6, len(towers) - 0.6], [counted] * 2, ":", color=INK, linewidth=1.2)
    ax.text(len(towers) - 0.45, counted + 0.08, f"{counted:.2f} counted", color=INK)
    ax.set(xlim=(-0.6, len(towers) + 1.25), ylim=(0, 3.6), yticks=range(4),
           xlabel="units of a layer", ylabel="forward passes")  # fmt: skip
    ax.set_xticks(range(len(towers)), [str(tower.width) for tower in towers])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False)
    return plotted(fig, title)


def in_words(seconds: float) -> str:
    """Write a time in milliseconds, seconds, minutes or hours, in three digits at most."""
    for unit, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{float(f'{seconds / unit:.3g}'):g} {name}"
    return f"{float(f'{seconds * 1000:.3g}'):g} ms"


class Jacobian(NamedTuple):
    """A network's widths, and what its Jacobian costs in operations by each of three ways.

    ``middle`` is for a start at an inner layer. ``products`` are those of the shortest bar, by
    name, where it is too short to be seen.
    """

    name: str
    widths: tuple[int, ...]
    forward: int
    reverse: int
    middle: int
    products: Sequence[tuple[str, int]] = ()


def narrow_places(rows: Sequence[Jacobian], title: str) -> Drawing:
    """Draw networks by their widths, and beside each its Jacobian's cost by three ways.

    The shortest bar comes last. If its products are given, it is magnified below.
    """
    most = max(max(row.forward, row.reverse, row.middle) for row in rows)
    parts, said, top = [], [], 8.0
    for row in rows:
        parts.append(svg.text(12, top + 14, row.name, text_anchor="start", font_weight=600))
        for j, width in enumerate(row.widths):
            x, height = 12 + 19.0 * j, 62 * width / max(row.widths)
            parts.append(
                svg.element("rect", x=x, y=top + 56 - height / 2, width=10, height=max(height, 2.0),
                            rx=2, fill="currentColor", fill_opacity="0.55")
            )  # fmt: skip
        ways = {"forward": row.forward, "reverse": row.reverse, "from the middle": row.middle}
        for j, (words, total) in enumerate(sorted(ways.items(), key=lambda way: -way[1])):
            x, y, length = 232.0, top + 26 + 22 * j, 102 * total / most
            parts.append(svg.text(x - 7, y + 13, words, text_anchor="end"))
            parts.append(
                svg.element("rect", x=x, y=y, width=length, height=17, fill="currentColor",
                            fill_opacity="0.55")
            )  # fmt: skip
            bold = 600 if total == min(ways.values()) else 400
            parts.append(
                svg.text(x + length + 7, y + 13, f"{total:,}", text_anchor="start",
                         font_weight=bold)
            )  # fmt: skip
            said.append(f"{row.name}, {words}: {total:,}")
        if row.products:
            parts += _magnified(row.products, (232.0, top + 87, 102 * min(ways.values()) / most))
            said.append("of it " + ", ".join(f"{name} {n:,}" for name, n in row.products))
        top += 164 if row.products else 112
    return drawing(title, top - 12, "; ".join(said), *parts)


def _magnified(products: Sequence[tuple[str, int]], bar: tuple[float, float, float]) -> list[str]:
    """Draw the products that make up a bar, under a lens; of the bar, its left, foot and width."""
    x, foot, length = bar
    left, wide, y = 12.0, 396.0, foot + 16
    total = sum(count for _, count in products)
    parts = [
        svg.element("line", x1=a, y1=foot, x2=b, y2=y, stroke="currentColor",
                    stroke_opacity="0.55")
        for a, b in ((x, left), (x + length, left + wide))
    ]  # fmt: skip
    for name, count in products:
        width = wide * count / total
        parts.append(
            svg.element("rect", x=left, y=y, width=width, height=40, fill="currentColor",
                        fill_opacity="0.12", stroke="currentColor", stroke_opacity="0.55")
        )  # fmt: skip
        parts.append(svg.text(left + width / 2, y + 17, name))
        parts.append(svg.text(left + width / 2, y + 34, f"{count:,}"))
        left += width
    return parts


def below_the_roof(machine: Machine, title: str) -> Drawing:
    """Draw the two limits with their corner, and the forward pass of a layer at each batch."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.4, 2.7), layout="constrained")
    top = machine.peak / 1e9
    x = np.array([0.08, machine.corner, 60])
    ax.loglog(x, roof(x, machine.peak, machine.bandwidth) / 1e9, "-", color=INK, linewidth=2.2)
    intensity, speed = machine.marks()
    ax.plot(intensity, speed / 1e9, "o", color=COLORS[0], markersize=6.5)
    for k, batch in enumerate(machine.batches):
        ax.annotate(f"B = {batch}" if k == 0 else f"{batch}", (intensity[k], speed[k] / 1e9),
                    (3, -15), ha="center", textcoords="offset points", color=COLORS[0])  # fmt: skip
    ax.text(machine.corner, 1.15 * top, f"corner: {machine.corner:.1f}", color=INK, ha="center",
            va="bottom")  # fmt: skip
    ax.text(60, 1.15 * top, "processor's limit", color=INK, ha="right", va="bottom")
    ax.text(0.085, 0.56 * top, "memory's limit", color=INK, ha="left", va="bottom")
    ax.set(xlim=(0.08, 64), ylim=(1, 2.4 * top), xlabel="operations per byte")
    ax.set_xticks([0.1, 1, 10], ["0.1", "1", "10"])
    ax.set_yticks([1, 10, 100], ["1", "10", "100"])
    ax.set_ylabel("billion operations\nper second")
    ax.minorticks_off()
    return plotted(fig, title)


def prices(machine: Machine, title: str) -> Drawing:
    """Draw a column for each batch, on one scale: a forward pass, and the backward pass on it."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.4, 2.2), layout="constrained")
    passes = machine.passes()
    for k, price in enumerate(passes):
        ax.bar(k, 1, 0.74, color=COLORS[0])
        ax.bar(k, price - 1, 0.74, bottom=1, color=COLORS[1])
        ax.text(k, price + 0.12, f"{price:.1f}", color=INK, ha="center", va="bottom")
    ax.axhline(3, color=INK, linewidth=1.2, linestyle=":")
    top = int(np.ceil(max(passes) + 0.5))
    ax.set(ylim=(0, top), yticks=range(0, top + 1), xlabel="examples in the batch, B",
           xlim=(-0.6, len(passes) - 0.4),
           ylabel="both passes,\nin forward passes")  # fmt: skip
    ax.set_xticks(range(len(passes)), [str(batch) for batch in machine.batches])
    ax.tick_params(axis="x", length=0)
    ax.grid(visible=False)
    for words, y, color in (("forward", 0.5, COLORS[0]), ("backward", 2, COLORS[1])):
        ax.text(len(passes) - 0.5, y, words, color=color, va="center", weight="bold")
    return plotted(fig, title)
