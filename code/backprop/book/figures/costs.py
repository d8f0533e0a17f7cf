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
    """What a pass or a gradient takes: its products of each kind, and the seconds of all."""

    name: str
    products: Sequence[int]
    seconds: float


PRODUCTS = ("xW", "xᵀδ", "δWᵀ")
PAINTS = (svg.FORWARD, svg.BACKWARD, svg.BACKWARD)
"""Of the product forward, the slopes of the weights, and the error for the layer below."""


def block(
    x: float, y: float, length: float, words: str, paint: str, line: float | None = None
) -> str:
    """Draw a part of a bar, with what it stands for, beside an upright line that crosses it."""
    middle, half = x + length / 2, svg.width(words) / 2
    if line is not None and abs(middle - line) < half:
        middle = (line + (x if line - x > x + length - line else x + length)) / 2
    return svg.element(
        "rect", x=x, y=y, width=length, height=24, fill=paint, stroke=svg.GROUND, stroke_width="1.5"
    ) + svg.text(middle, y + 17, words, svg.GROUND, font_weight=600)


def bills(rows: Sequence[Bill], title: str) -> Drawing:
    """Draw a count of equal products as a bar per row, in units of the first row.

    Each kind of product is a block; a bar that is too long runs off the edge of the picture, and
    has one block.
    """
    left, once = 12.0, 84.0
    most = svg.WIDTH - left
    unit = sum(rows[0].products)
    parts = []
    said = []
    for k, bill in enumerate(rows):
        top = 8.0 + 58 * k
        name = f"{bill.name}: {in_words(bill.seconds)}"
        parts.append(svg.text(left, top + 14, name, text_anchor="start"))
        total = sum(bill.products) / unit
        x, y = left, top + 22
        if torn := total * once > most:
            parts.append(svg.element("rect", x=x, y=y, width=most, height=24, fill=svg.FORWARD))
            parts += [
                svg.element("line", x1=cut - 5, y1=y + 28, x2=cut + 5, y2=y - 4, stroke=svg.GROUND,
                            stroke_width=4, class_="torn")
                for cut in (x + most - 60, x + most - 50)
            ]  # fmt: skip
        blocks = () if torn else bill.products
        for count, product, paint in zip(blocks, PRODUCTS, PAINTS, strict=False):
            length = once * count / unit
            parts.append(block(x, y, length, f"{count} × {product}", paint))
            x += length
        number = f"{total:,.0f}" if torn else f"{total:.3g}"
        # Beside the middle bar, there is no room for more than a word.
        number += " forward pass" if total == 1 else " forward passes" if torn else " passes"
        paint = svg.GROUND if torn else "currentColor"
        parts.append(svg.text(x + 8, y + 17, number, paint, text_anchor="start", font_weight=600))
        said.append(f"{name}, {number}")
    return drawing(title, 8 + 58 * len(rows), "; ".join(said), *parts)


def bricks(batch: int, n_in: int, n_out: int, title: str) -> Drawing:
    """Draw a layer's three products as one brick of small cubes, three times.

    The faces of the brick are the arrays x, W and xW or δ. The face that a product writes is
    filled, and one of its entries is dark, with the cubes whose products it sums up.
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
        names = {"x": "x", "W": "W", "z": "xW" if k == 0 else "δ"}
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
    ]
    said = []
    ends = [left]
    for k, (name, seconds) in enumerate(rows):
        x, y = left, top + 29 * k
        parts.append(svg.text(x - 8, y + 17, name, text_anchor="end", font_weight=600))
        ends = [left]
        for one, paint in zip(seconds, PAINTS, strict=True):
            length = once * one / seconds[0]
            parts.append(block(x, y, length, f"{1e3 * one:.1f}", paint, at))
            x += length
            ends.append(x)
        ratio = f"{sum(seconds) / seconds[0]:.2f}"
        parts.append(svg.text(x + 6, y + 17, ratio, text_anchor="start", font_weight=600))
        said.append(f"{name}: {ratio}")
    # Before the bars, and without a light edge, which would look like the edge of a block.
    parts.append(svg.element("line", x1=at, y1=24.0, x2=at, y2=float(height), stroke="currentColor",
                             stroke_width="1.5"))  # fmt: skip
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
    """Draw the times of a layer's three products over the batch, and the two that bound them.

    Below: the same times, divided by the bound.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, (ax, ratio) = plt.subplots(
        2, 1, figsize=(4.6, 5.0), layout="constrained", sharex=True, height_ratios=(3, 2)
    )
    x = np.geomspace(0.6, 180, 200)
    computing, carrying = 1e3 * np.transpose([machine.predicted(batch) for batch in x])
    ax.loglog(x, np.maximum(computing, carrying), color=INK, linewidth=2)
    ax.fill_between(x, np.maximum(computing, carrying), 0.3, color=INK, alpha=0.12, linewidth=0)
    for line in (computing, carrying):
        ax.loglog(x, line, "--", color=INK, linewidth=1)
    ax.text(60, 2.6, "carrying", color=INK, ha="center")
    ax.text(1.25, 1.15, "computing", color=INK, ha="center", rotation=34)
    ratio.axhline(1, color=INK, linewidth=2)
    ratio.axhspan(0, 1, color=INK, alpha=0.12, linewidth=0)
    measured = np.array([machine.forward, machine.slopes, machine.errors])
    above = 1 / machine.shares()
    for words, marker, color, times, distances in zip(
        PRODUCTS, "ovs", (COLORS[0], COLORS[1], COLORS[1]), 1e3 * measured, above, strict=True
    ):
        look = {"color": color, "marker": marker, "markersize": 6}
        if marker == "s":
            look["markerfacecolor"] = "none"
        ax.plot(machine.batches, times, linestyle="none", **look)
        ratio.plot(machine.batches, distances, linestyle="-", linewidth=1, label=words, **look)
    bound = max(machine.predicted(1))
    ratio.plot(1, machine.outer / bound, "v", color=COLORS[1], markersize=6)
    ratio.annotate("1*", (1, machine.outer / bound), (-7, 0), textcoords="offset points",
                   color=INK, ha="right", va="center")  # fmt: skip
    ax.annotate(f"{1e3 * machine.slopes[0]:.1f} ms", (1, 1e3 * machine.slopes[0]), (8, 4),
                textcoords="offset points", color=INK)  # fmt: skip
    ax.plot(1, 1e3 * machine.outer, "v", color=COLORS[1], markersize=6)
    ax.annotate("1*", (1, 1e3 * machine.outer), (7, 0), textcoords="offset points", color=INK,
                va="center")  # fmt: skip
    ax.set(xlim=(0.6, 180), ylim=(0.5, 150), ylabel="milliseconds")
    ratio.set(ylim=(0, 1.1 * above.max()), xlabel="examples in the batch", ylabel="time / bound")
    ratio.set_xticks(machine.batches, list(map(str, machine.batches)))
    ax.set_yticks([1, 2, 5, 10, 20, 50, 100], ["1", "2", "5", "10", "20", "50", "100"])
    ratio.set_yticks(range(int(above.max()) + 1))
    ax.minorticks_off()
    ratio.legend(loc="upper right")
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
    # Where along each line its name stands, and on which side of it.
    places = (((0.5, (0, -5), "left", "top"), (0.2, (8, -3), "left", "top")),
              ((0.0, (0, 4), "left", "bottom"), (0.3, (-6, 3), "right", "bottom")))  # fmt: skip
    for line, names, (inputs, both) in zip(("-", "--"), places, counts.items(), strict=True):
        for k, (name, count) in enumerate(zip(("forward", "reverse"), both, strict=True)):
            ax.loglog(outputs, count, line, color=COLORS[k], linewidth=2)
            share, aside, across, up = names[k]
            at = int(share * len(outputs))
            ax.annotate(f"{name}, {inputs}", (outputs[at], count[at]), aside, ha=across, va=up,
                        textcoords="offset points", color=COLORS[k])  # fmt: skip
        equal = list(outputs).index(inputs)
        ax.plot(inputs, both[0][equal], "o", color=INK, markersize=10, markerfacecolor="none")
    ax.set(xlim=(outputs[0] / 1.4, 1.4 * outputs[-1]), xlabel="outputs", ylabel="operations")
    ticks = [10**k for k in range(4) if 10**k <= outputs[-1]]
    ax.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    ax.minorticks_off()
    return plotted(fig, title)


def shared(
    x: Sequence[int], second: Sequence[Sequence[int]], last: Sequence[int], title: str
) -> Drawing:
    """Draw one pass back that serves all weights of the first layer, and a pass forward for each.

    The network has 3 inputs, two layers of 2 units, the loss as its last unit, and no activation
    functions, so the weights of the first layer need not be known. A circle of a pass forward says
    how fast its unit changes with the weight.
    """
    columns = [[(30.0, 52.0), (30.0, 112.0), (30.0, 172.0)], [(186.0, 72.0), (186.0, 152.0)],
               [(300.0, 72.0), (300.0, 152.0)], [(396.0, 112.0)]]  # fmt: skip
    along = (
        ((0.62, 0.26), (0.34, 0.34), (0.26, 0.62)),
        ((0.5, 0.28), (0.28, 0.5)),
        ((0.5,), (0.5,)),
    )
    deltas = [np.array(second) @ last, np.array(last), np.array([1])]
    slopes = np.outer(x, deltas[0])
    lines, plates, units = [], [], []
    for k, numbers in enumerate((slopes, np.array(second), np.array(last)[:, np.newaxis])):
        for i, j in np.ndindex(numbers.shape):
            (x0, y0), (x1, y1) = start, end = columns[k][i], columns[k + 1][j]
            tail, head = svg.between(end, start, 18, 18)
            if k:
                lines.append(svg.pointer(tail, head, svg.BACKWARD, "2", 9, 4))
            else:
                lines.append(_thin(tail, head, "1.2"))
            t = along[k][i][j]
            paint = "currentColor" if k else svg.BACKWARD
            plates.append(
                svg.plate(x0 + t * (x1 - x0), y0 + t * (y1 - y0), f"{numbers[i, j]}", paint)
            )
    for k, (column, row) in enumerate(zip(columns, (x, *deltas), strict=True)):
        paint = svg.BACKWARD if k else svg.FORWARD
        units += [
            _unit(*at, 17, f"{number}", paint) for at, number in zip(column, row, strict=True)
        ]
    sums = [
        "δ = " + " + ".join(f"{w} · {d}" for w, d in zip(row, last, strict=True)) + f" = {delta}"
        for row, delta in zip(second, deltas[0], strict=True)
    ]
    below = 218.0
    words = [
        svg.text(6, 16, "one pass back: a δ for each unit", svg.BACKWARD, text_anchor="start",
                 font_weight=600),
        svg.text(186, 46, sums[0], svg.BACKWARD), svg.text(186, 188, sums[1], svg.BACKWARD),
        svg.text(300, 46, "δ", svg.BACKWARD), svg.text(396, 86, "L", font_weight=600),
        svg.text(30, 208, "x", svg.FORWARD, font_weight=600),
        svg.text(6, below + 18, "a pass forward for each weight", svg.FORWARD, text_anchor="start",
                 font_weight=600),
    ]  # fmt: skip
    said = [*sums, "slopes " + ", ".join(map(str, slopes.ravel()))]
    small = []
    for j, i in np.ndindex(slopes.T.shape):
        first = x[i] * np.eye(2, dtype=int)[j]
        then = first @ second
        moved = [first.tolist(), then.tolist(), [int(then @ last)]]
        small += _once(4 + 140.0 * i, below + 30 + 100 * j, (i, j), moved)
        said.append(f"forward: {x[i]}; {', '.join(map(str, moved[1]))}; {moved[2][0]}")
    tall = below + 30 + 100 + 86
    return drawing(title, tall, "; ".join(said), *lines, *plates, *units, *words, *small)


def _unit(x: float, y: float, radius: int, words: str, paint: str) -> str:
    """Draw a unit with the number that has arrived at it."""
    rim = svg.element("circle", cx=x, cy=y, r=radius, fill=svg.GROUND, stroke=paint,
                      stroke_width="2")  # fmt: skip
    return rim + svg.text(x, y + 5, words, paint, font_weight=600)


def _thin(start: tuple[float, float], end: tuple[float, float], thick: str) -> str:
    return svg.element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1],
                       stroke="currentColor", stroke_width=thick, stroke_opacity="0.6")  # fmt: skip


def _once(
    left: float, top: float, weight: tuple[int, int], moved: Sequence[Sequence[int]]
) -> list[str]:
    """Draw, small, the pass forward that starts at one weight of the first layer."""
    places = (((9, 13), (9, 43), (9, 73)), ((48, 21), (48, 65)), ((86, 21), (86, 65)), ((120, 43),))
    columns = [[(left + x, top + y) for x, y in column] for column in places]
    lines, units = [], []
    for k, (one, two) in enumerate(pairwise(columns)):
        for a, b in np.ndindex(len(one), len(two)):
            start, end = svg.between(one[a], two[b], 13 if k else 6, 13)
            if (a, b) == weight if k == 0 else moved[k - 1][a]:
                lines.append(svg.pointer(start, end, svg.FORWARD, "1.8" if k else "3", 7, 4))
            else:
                lines.append(_thin(start, end, "0.7"))
    for a, (cx, cy) in enumerate(columns[0]):
        paint = svg.FORWARD if a == weight[0] else svg.GROUND
        units.append(svg.element("circle", cx=cx, cy=cy, r=5, fill=paint, stroke="currentColor",
                                 stroke_opacity="0.6"))  # fmt: skip
    for column, numbers in zip(columns[1:], moved, strict=True):
        for (cx, cy), number in zip(column, numbers, strict=True):
            if number:
                units.append(_unit(cx, cy, 13, f"{number}", svg.FORWARD))
            else:
                units.append(svg.element("circle", cx=cx, cy=cy, r=13, fill=svg.GROUND,
                                         stroke="currentColor", stroke_opacity="0.6"))  # fmt: skip
    return lines + units
