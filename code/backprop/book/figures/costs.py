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
from backprop.book.roofline import Machine


class Bill(NamedTuple):
    """What a value or a gradient costs: its parts in forward passes, and the seconds of all."""

    name: str
    parts: Sequence[float]
    seconds: float


PRODUCTS = ("xW", "xᵀδ", "δWᵀ")
PAINTS = (svg.FORWARD, svg.BACKWARD, svg.BACKWARD)
"""Of the product forward, the slopes of the weights, and the error for the layer below."""


def block(x: float, y: float, length: float, words: str, paint: str) -> str:
    """Draw a part of a bar, with what it stands for."""
    return svg.element(
        "rect", x=x, y=y, width=length, height=24, fill=paint, stroke=svg.GROUND, stroke_width="1.5"
    ) + svg.text(x + length / 2, y + 17, words, svg.GROUND, font_weight=600)


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw a cost as a bar per row; a bar that is too long runs off the edge of the picture.

    Each product of a layer is a block; a bar that is too long has one block.
    """
    left, once = 12.0, 92.0
    most = svg.WIDTH - left
    parts = []
    said = []
    for k, bill in enumerate(rows):
        top = 8.0 + 58 * k
        parts.append(svg.text(left, top + 14, bill.name, text_anchor="start"))
        total = sum(bill.parts)
        x, y = left, top + 22
        if torn := total * once > most:
            parts.append(svg.element("rect", x=x, y=y, width=most, height=24, fill=svg.FORWARD))
            parts += [
                svg.element("line", x1=cut - 5, y1=y + 28, x2=cut + 5, y2=y - 4, stroke=svg.GROUND,
                            stroke_width=4, class_="torn")
                for cut in (x + most - 60, x + most - 50)
            ]  # fmt: skip
        for part, words, paint in zip((() if torn else bill.parts), PRODUCTS, PAINTS, strict=False):
            parts.append(block(x, y, part * once, words, paint))
            x += part * once
        number = f"{total:,.0f}" if torn else f"{total:.3g}"
        # Beside the middle bar, there is room for the number and the time alone.
        unit = " forward pass" if total == 1 else " forward passes" if torn else ""
        number += f"{unit}: {in_words(bill.seconds)}"
        paint = svg.GROUND if torn else "currentColor"
        parts.append(svg.text(x + 8, y + 17, number, paint, text_anchor="start", font_weight=600))
        said.append(f"{bill.name}: {number}")
    return drawing(title, 8 + 58 * len(rows), "; ".join(said), *parts)


def bricks(batch: int, n_in: int, n_out: int, title: str) -> Drawing:
    """Draw a layer's three products as one brick of small cubes, three times.

    The faces of the brick are the arrays x, W and z. The face that a product writes is filled, and
    one of its entries is dark, with the cubes whose products it sums up.
    """
    side, away = 25.0, (15.0, -12.0)
    parts = []

    def face(x: float, y: float, across: tuple[float, float], down: tuple[float, float],
             shape: tuple[int, int], paint: str, shades: Mapping[tuple[int, int], str],
             most: str) -> None:  # fmt: skip
        """Draw a face as a grid; ``shades`` has the opacity of single squares."""
        for i in range(shape[0]):
            for j in range(shape[1]):
                px, py = x + i * down[0] + j * across[0], y + i * down[1] + j * across[1]
                corners = [(px, py), (px + across[0], py + across[1]),
                           (px + across[0] + down[0], py + across[1] + down[1]),
                           (px + down[0], py + down[1])]  # fmt: skip
                points = " ".join(f"{svg.fixed(u)},{svg.fixed(v)}" for u, v in corners)
                parts.append(svg.element(
                    "polygon", points=points,
                    fill=paint, fill_opacity=shades.get((i, j), most), stroke="currentColor",
                    stroke_width="0.9", stroke_opacity="0.6",
                ))  # fmt: skip

    # The nearest cube at the top right is of the first example, the first input, the last output.
    runs = (("z", [(0, k) for k in range(n_in)], [(k, n_out - 1) for k in range(n_in)]),
            ("W", [(k, 0) for k in range(batch)], [(k, n_out - 1) for k in range(batch)]),
            ("x", [(0, k) for k in range(n_out)], [(0, k) for k in range(n_out)]))  # fmt: skip
    corner = {"x": (0, 0), "W": (0, n_out - 1), "z": (0, n_out - 1)}
    total = batch * n_in * n_out
    said = []
    for k, (written, first, second) in enumerate(runs):
        x, y = 18.0 + 139 * k, 76.0
        shades: dict[str, dict[tuple[int, int], str]] = {"x": {}, "W": {}, "z": {}}
        read = [name for name in "xWz" if name != written]
        for name, cells in zip(read, (first, second), strict=True):
            shades[name] = dict.fromkeys(cells, "0.35")
        shades[written] = {corner[written]: "1"}
        paint = PAINTS[k]
        most = {name: "0.55" if name == written else "0" for name in "xWz"}
        right, back = (side, 0.0), away
        face(x, y, right, (0.0, side), (batch, n_out), paint, shades["z"], most["z"])
        face(x, y, right, back, (n_in, n_out), paint, shades["W"], most["W"])
        face(x + n_out * side, y, back, (0.0, side), (batch, n_in), paint, shades["x"], most["x"])
        names = {"x": "x", "W": "W", "z": "z" if k == 0 else "δ"}
        if k:
            names[written] = f"∂L/∂{written}"
        middle = {
            "z": (x + n_out * side / 2, y + batch * side + 18),
            "W": (x + n_out * side / 2 + n_in * away[0], y + n_in * away[1] - 8),
            "x": (x + n_out * side + n_in * away[0] / 2 + 14, y + batch * side + 4),
        }
        for name, (u, v) in middle.items():
            fill = paint if name == written else "currentColor"
            parts.append(svg.text(u, v, names[name], fill, font_weight=600))
        terms = (n_in, batch, n_out)[k]
        words = f"{total // terms} sums of {terms}"
        centre = x + (n_out * side + n_in * away[0]) / 2
        parts.append(svg.text(centre, y + batch * side + 46, PRODUCTS[k], paint, font_weight=600,
                              font_size=17))  # fmt: skip
        parts.append(svg.text(centre, y + batch * side + 66, words))
        said.append(f"{PRODUCTS[k]}: {words}")
    return drawing(title, int(76 + batch * side + 78), "; ".join(said), *parts)


def by_batch(rows: Sequence[tuple[str, Sequence[float]]], title: str) -> Drawing:
    """Draw a bar per row, in forward passes of its own row: the seconds of the three products."""
    left, once, top = 44.0, 56.0, 32.0
    height = top + 29 * len(rows)
    at = left + 3 * once
    parts = [
        svg.text(2, 18, "examples", text_anchor="start"),
        svg.text(at, 18, "3 forward passes"),
        svg.element("line", x1=at, y1=24.0, x2=at, y2=float(height), stroke="currentColor",
                    stroke_width="1.5"),
    ]  # fmt: skip
    said = []
    ends = [left]
    for k, (name, seconds) in enumerate(rows):
        x, y = left, top + 29 * k
        parts.append(svg.text(x - 8, y + 17, name, text_anchor="end", font_weight=600))
        ends = [left]
        for one, paint in zip(seconds, PAINTS, strict=True):
            length = once * one / seconds[0]
            parts.append(block(x, y, length, f"{1e3 * one:.1f}", paint))
            x += length
            ends.append(x)
        ratio = f"{sum(seconds) / seconds[0]:.2f}"
        parts.append(svg.text(x + 6, y + 17, ratio, text_anchor="start", font_weight=600))
        said.append(f"{name}: {ratio}")
    for words, paint, (start, end) in zip(PRODUCTS, PAINTS, pairwise(ends), strict=True):
        parts.append(svg.text((start + end) / 2, height + 14, words, paint, font_weight=600))
    return drawing(title, int(height + 24), "; ".join(said), *parts)


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
    """Write a time in milliseconds, seconds, minutes, hours or days, in three digits at most."""
    for unit, name in ((86_400, "days"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit:
            return f"{float(f'{seconds / unit:.3g}'):g} {name}"
    return f"{float(f'{seconds * 1000:.3g}'):g} ms"


def above_the_bound(machine: Machine, title: str) -> Drawing:
    """Draw the times of a layer's three products over the batch, and the two that bound them."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.6), layout="constrained")
    x = np.geomspace(0.7, 180, 200)
    computing, carrying = 1e3 * np.transpose([machine.predicted(batch) for batch in x])
    ax.loglog(x, np.maximum(computing, carrying), color=INK, linewidth=2)
    ax.fill_between(x, np.maximum(computing, carrying), 0.3, color=INK, alpha=0.12, linewidth=0)
    for line in (computing, carrying):
        ax.loglog(x, line, "--", color=INK, linewidth=1)
    ax.text(60, 2.6, "carrying", color=INK, ha="center")
    ax.text(1.25, 1.15, "computing", color=INK, ha="center", rotation=34)
    measured = (machine.forward, machine.slopes, machine.errors)
    for words, marker, color, times in zip(
        PRODUCTS, "ovs", (COLORS[0], COLORS[1], COLORS[1]), measured, strict=True
    ):
        hollow = {"markerfacecolor": "none"} if marker == "s" else {}
        ax.plot(machine.batches, 1e3 * np.array(times), marker, color=color, markersize=6,
                label=words, **hollow)  # fmt: skip
    ax.annotate(f"{1e3 * machine.slopes[0]:.1f} ms", (1, 1e3 * machine.slopes[0]), (8, 4),
                textcoords="offset points", color=INK)  # fmt: skip
    ax.set(xlim=(0.7, 180), ylim=(0.5, 150), xlabel="examples in the batch", ylabel="milliseconds")
    ax.set_xticks(machine.batches, list(map(str, machine.batches)))
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ax.minorticks_off()
    ax.legend(loc="lower right", handletextpad=0.1)
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
