"""The figures of the chapter on networks: a unit, a network counted, and small ones at work.

A drawing takes the numbers that it starts from and computes the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.activations import Elementwise
from backprop.arrays import Array
from backprop.book.figures import plots, svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.explorer import DecisionRegions, Setting, Task

BOX = 80
"""Side of the square in which the activation function is drawn."""
ONE = 198.0
"""Height of the constant 1 from which the biases come."""
SHADES = {"no bend": 0, "sigmoid": 0, "tanh": 3, "ReLU": 2}
"""Colours of the plots by name; orange is for what should be 1."""
STYLES = {"no bend": "-", "sigmoid": "-", "tanh": "--", "ReLU": "-."}
YES: dict[str, Any] = {"markersize": 9, "color": plots.COLORS[1]}
NO: dict[str, Any] = {
    "markersize": 9, "mfc": plots.PAPER, "mec": plots.INK, "mew": 2
}  # fmt: skip
"""How points are marked that should be 1, and 0, as in the explorer."""


def one_unit(x: Sequence[float], w: Sequence[float], b: float, title: str) -> Drawing:
    """Draw a ReLU unit of two inputs: weights on the arrows, the sum, the bend, the output.

    Parameters
    ----------
    x, w : sequences of two floats
        Inputs and weights.
    b : float
        Bias; the sum z must lie between -1.8 and 1.8, which is what the small graph shows.
    title : str
        What the picture shows, for those who do not see it.
    """
    z = float(np.dot(x, w) + b)
    a = max(0.0, z)
    products = " + ".join(f"{_number(u)} · {_bracketed(v)}" for u, v in zip(x, w, strict=True))
    worked = f"z = {products} + {_bracketed(b)} = {_number(z)}"
    bent = f"a = max(0, {_number(z)}) = {_number(a)}"
    row, total, out = 96, (186.0, 96.0), (386.0, 96.0)
    inputs = [(38.0, 50.0), (38.0, 142.0)]
    parts = [_arrow(at, total, svg.RADIUS, svg.RADIUS) for at in inputs]
    parts.append(_arrow((total[0], row + 82), total, 0, svg.RADIUS))
    parts.append(_arrow(total, (296 - BOX / 2, row), svg.RADIUS, 0))
    parts.append(_arrow((296 + BOX / 2, row), out, 0, svg.RADIUS))
    for k, (at, value, weight) in enumerate(zip(inputs, x, w, strict=True)):
        name = svg.lowered(k + 1)
        parts.append(_disc(*at, _number(value), svg.FORWARD))
        parts.append(_label(at[0], at[1] + (-31 if k == 0 else 42), f"x{name}", svg.FORWARD))
        place = (108, 53) if k == 0 else (112, 148)
        parts.append(_label(*place, f"w{name} = {_number(weight)}"))
    parts.append(_disc(*total, "+", "currentColor"))
    parts.append(_label(186, row + 98, f"b = {_number(b)}"))
    parts.append(_label(186, row - 36, f"z = {_number(z)}", svg.FORWARD))
    parts += _bend(296, row, z)
    parts.append(_disc(*out, _number(a), svg.FORWARD))
    parts.append(_label(out[0], row - 36, "a", svg.FORWARD))
    said = f"inputs {_listed(x)}, weights {_listed(w)}, bias {_number(b)}; {worked}; {bent}"
    return drawing(title, 206, said, *parts)


def _bend(x: float, y: float, z: float) -> list[str]:
    """Draw the ReLU's graph in a box around (x, y), with a point at z."""
    scale = 0.45 * BOX / 2
    frame = svg.element(
        "rect", x=x - BOX / 2, y=y - BOX / 2, width=BOX, height=BOX, rx=6, fill=svg.GROUND,
        stroke="currentColor", stroke_width="1.5",
    )  # fmt: skip
    ends = 1.9 * scale
    axis = svg.element(
        "line", x1=x, y1=y + ends, x2=x, y2=y - ends, stroke="currentColor", opacity=".35"
    )
    along = svg.element(
        "line", x1=x - ends, y1=y, x2=x + ends, y2=y, stroke="currentColor", opacity=".35"
    )
    graph = svg.element(
        "polyline", fill="none", stroke=svg.FORWARD, stroke_width="3.5", stroke_linejoin="round",
        points=f"{svg.fixed(x - ends)},{svg.fixed(y)} {svg.fixed(x)},{svg.fixed(y)} "
        f"{svg.fixed(x + ends)},{svg.fixed(y - ends)}",
    )  # fmt: skip
    point = svg.element(
        "circle", cx=x + z * scale, cy=y - max(0.0, z) * scale, r=5.5, fill="currentColor"
    )
    names = [_label(x + 31, y + 16, "z", svg.FORWARD), _label(x - 10, y - 24, "a", svg.FORWARD)]
    return [frame, axis, along, graph, point, *names, _label(x, y - BOX / 2 - 10, "ReLU")]


def counted(sizes: Sequence[int], title: str) -> Drawing:
    """Draw a network of dense layers with the shapes of its arrays and the number of parameters.

    Parameters
    ----------
    sizes : sequence of three ints
        Widths, the input first.
    title : str
        What the picture shows, for those who do not see it.
    """
    if len(sizes) != 3 or min(sizes) < 1:
        raise ValueError(f"counted: sizes is {list(sizes)}, expected three positive widths")
    columns = [54.0, 210.0, 366.0]
    heights = [_column(size) for size in sizes]
    lines, discs = [], []
    for (x1, left), (x2, right) in pairwise(zip(columns, heights, strict=True)):
        lines += [
            svg.element("line", x1=x1, y1=a, x2=x2, y2=b, stroke="currentColor", opacity=".3")
            for a in left
            for b in right
        ]
    for x1, x2, right in zip(columns, columns[1:], heights[1:], strict=False):
        lines += [
            svg.element(
                "line", x1=x1, y1=ONE, x2=x2, y2=b, stroke="currentColor", stroke_dasharray="4 3",
                opacity=".5",
            )
            for b in right
        ]  # fmt: skip
        square = svg.element(
            "rect", x=x1 - 9, y=ONE - 9, width=18, height=18, fill=svg.GROUND,
            stroke="currentColor", stroke_width="1.5",
        )  # fmt: skip
        discs.append(square + svg.text(x1, ONE + 5, "1", font_weight=600))
    for x, size, ys in zip(columns, sizes, heights, strict=True):
        discs += [
            svg.element(
                "circle", cx=x, cy=y, r=9, fill=svg.GROUND, stroke=svg.FORWARD, stroke_width="2"
            )
            for y in ys
        ]
        if size > len(ys):
            gap = svg.element("rect", x=x - 8, y=93.0, width=16, height=34, fill=svg.GROUND)
            dots = [svg.element("circle", cx=x, cy=102.0 + 8 * k, r=2) for k in range(3)]
            discs.append(gap + svg.element("g", *dots, fill="currentColor"))
    words = []
    for x, size, name in zip(columns, sizes, ("x", "a⁽¹⁾", "a⁽²⁾"), strict=True):
        words.append(_label(x, 16, name, svg.FORWARD))
        words.append(_label(x, 34, f"(batch, {size})", svg.FORWARD))
    terms = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        x, layer = (columns[k] + columns[k + 1]) / 2, "⁽¹⁾⁽²⁾"[3 * k : 3 * k + 3]
        terms += [n_in * n_out, n_out]
        for y, text, weight in (
            (234, f"W{layer} ({n_in}, {n_out})", 600),
            (252, f"{n_in * n_out:,} weights", 400),
            (274, f"b{layer} ({n_out},)", 600),
            (292, f"{n_out:,} biases", 400),
        ):
            words.append(svg.text(x, y, text, font_weight=weight))
    total = " + ".join(f"{n:,}" for n in terms) + f" = {sum(terms):,} parameters"
    words.append(_label(210, 320, total))
    said = f"widths {', '.join(map(str, sizes))}: {total}"
    return drawing(title, 330, said, *lines, *discs, *words)


def _column(size: int) -> list[float]:
    """Where the circles of a column stand: all of a few, else two above and two below dots."""
    if size <= 3:
        return [110 + 44 * (k - (size - 1) / 2) for k in range(size)]
    return [56.0, 82.0, 138.0, 164.0]


def borders(title: str) -> Drawing:
    """Plot XOR twice: with the border of x₁ + x₂ - ½, and with those of two ReLU units.

    The latter are where the network of :func:`hinges` crosses ½. A point on the wrong side is
    crossed out.
    """
    plt, task, ends = pyplot(), corners(), np.array([-0.4, 1.4])
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.2), sharey=True)
    for ax, name, levels, words in zip(
        axes,
        ("without a bend", "with a bend"),
        ([0.5, 9.0], [0.5, 1.5]),
        ("x₁ + x₂ > 0.5", "0.5 < x₁ + x₂ < 1.5"),
        strict=True,
    ):
        low, high = (level - ends for level in levels)
        ax.fill_between(ends, low, high, color=plots.COLORS[1], alpha=0.2, lw=0, zorder=0)
        ax.plot(ends, np.stack([low, high], axis=1), "-", color=plots.COLORS[1], lw=1.8, zorder=1)
        count = task.x.sum(axis=1)
        wrong = ((count > levels[0]) & (count < levels[1])) != (task.y == 1)
        ax.plot(*task.x[task.y == 0].T, "o", zorder=3, **NO)
        ax.plot(*task.x[task.y == 1].T, "s", zorder=3, **YES)
        ax.plot(*task.x[wrong].T, "x", markersize=17, mew=2, color=plots.INK, zorder=4)
        ax.set_title(name, fontsize=11)
        ax.set(xlim=ends, ylim=ends, xticks=[0, 1], yticks=[0, 1], aspect="equal")
        ax.set_xlabel(f"x₁\n{words}")
        ax.grid(visible=False)
    axes[0].set_ylabel("x₂")
    return plotted(fig, title)


def hinges(title: str) -> Drawing:
    """Plot two ReLU units over the count of ones, and their sum, which is XOR."""
    plt = pyplot()
    count = np.linspace(-0.5, 2.5, 61)
    first, second = np.maximum(0, count), -2 * np.maximum(0, count - 1)
    fig, ax = plt.subplots(figsize=(4.5, 1.95))
    for values, style, color, words, at in (
        (first + second, "-", 2, "sum", -0.4),  # below the terms, which it covers in part
        (first, "--", 0, "ReLU(s)", 2.3),
        (second, "-.", 3, "−2 ReLU(s − 1)", -2.8),
    ):
        wide, alpha = (5.0, 0.5) if words == "sum" else (1.8, 1.0)
        ax.plot(count, values, style, linewidth=wide, alpha=alpha, color=plots.COLORS[color])
        ax.text(2.6, at, words, va="center")
    ax.plot([0, 2], [0, 0], "o", **NO)
    ax.plot(1, 1, "s", **YES)
    ax.set(xlabel="s = x₁ + x₂, the number of ones", ylabel="output", xlim=(-0.5, 4.2))
    ax.set(xticks=[0, 1, 2], yticks=[-2, -1, 0, 1, 2], ylim=(-3.2, 2.8))
    return plotted(fig, title)


def folded(W1: ArrayLike, b1: ArrayLike, title: str) -> Drawing:
    """Plot the pre-activations of the corners of the square, and their activations.

    Parameters
    ----------
    W1, b1 : array_like, shapes (2, 2), (2,)
        A layer whose two units both read x₁ + x₂, the second one a step later.
    """
    plt = pyplot()
    task, W, b = corners(), np.asarray(W1), np.asarray(b1)
    z = task.x @ W + b
    line = np.outer([-0.6, 0, 1, 2.3], W.sum(axis=0) / 2) + b  # where the plane goes
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.35), width_ratios=[1, 1.8])
    for ax, points, path in zip(
        axes, (z, np.maximum(0, z)), (line, np.maximum(0, line)), strict=True
    ):
        ax.plot(*path.T, color=plots.COLORS[0], linestyle="-", linewidth=3, zorder=1)
        ax.plot(*points[task.y == 0].T, "o", zorder=3, **NO)
        ax.plot(*points[task.y == 1].T, "s", zorder=2, **YES)
        ax.set(xticks=[0, 1, 2], yticks=[-1, 0, 1])
    axes[0].set(xlim=(-0.6, 2.5), ylim=(-1.55, 1.6), xlabel="z of unit 1", ylabel="z of unit 2")
    axes[0].set_title("after the sums", fontsize=11)
    _cut(axes[1])
    fig.get_layout_engine().set(wspace=0.08)
    return plotted(fig, title)


def _cut(ax: Any) -> None:
    """Label the folded line, and shade where the output, a₁ - 2 a₂, exceeds ½."""
    ax.set(xlim=(-0.45, 2.55), ylim=(-0.45, 1.4), yticks=[0, 1])
    ax.set(xlabel="a of unit 1", ylabel="a of unit 2")
    ax.set_title("after the ReLU: folded", fontsize=11)
    ends = np.array([-0.45, 2.55])
    border = (ends - 0.5) / 2
    ax.fill_between(ends, border, -0.45, color=plots.COLORS[1], alpha=0.15, lw=0, zorder=0)
    ax.plot(ends, border, color=plots.COLORS[1], linestyle="--", linewidth=1.8, zorder=1)
    ax.text(2.45, 0.07, "output > ½", ha="right", color=plots.INK)
    ax.text(0.25, 0.75, "output < ½", color=plots.INK)
    ax.text(0.0, 0.2, "(0, 0)", ha="center", va="center", color=plots.INK)
    ax.text(1.12, -0.2, "(0, 1) and (1, 0)", ha="center", va="center", color=plots.INK)
    ax.text(1.86, 1.12, "(1, 1)", ha="right", va="center", color=plots.INK)


def slopes(pairs: Mapping[str, tuple[Elementwise, Elementwise]], title: str) -> Drawing:
    """Plot activation functions, and beside them their slopes; ``pairs`` has both by name."""
    plt = pyplot()
    grid = np.linspace(-5, 5, 401)
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.3))
    for name, (phi, prime) in pairs.items():
        style = {"color": plots.COLORS[SHADES[name]], "linestyle": STYLES[name]}
        axes[0].plot(grid, phi(grid), label=name, **style)
        axes[1].plot(grid, prime(grid), **style)
    for ax, name in zip(axes, ("value", "slope"), strict=True):
        ax.set_title(name, fontsize=11)
        ax.set(xlabel="$z$", xticks=[-4, 0, 4])
    axes[0].set(ylim=(-1.2, 2), yticks=[-1, 0, 1, 2])
    axes[1].set(ylim=(-0.05, 1.05), yticks=[0, 0.25, 0.5, 1])
    fig.legend(loc="outside lower center", ncols=3)
    return plotted(fig, title)


def spreads(
    widths: Sequence[int], found: Mapping[str, Array], alone: float, images: Array, title: str
) -> Drawing:
    """Plot errors in percent of shape (widths, seeds) by name: medians, and bands of the extremes.

    ``alone`` is the error to compare them with, that of a single layer; a few of the ``images``,
    shape (n, 64), stand where no curve comes.
    """
    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.5, 2.45))
    for (name, runs), marker in zip(found.items(), "os^", strict=False):
        color = plots.COLORS[SHADES[name]]
        ax.plot(
            widths, np.median(runs, axis=1), marker=marker, label=name, color=color,
            linestyle=STYLES[name],
        )  # fmt: skip
        ax.fill_between(widths, runs.min(axis=1), runs.max(axis=1), alpha=0.25, color=color, lw=0)
    ax.axhline(alone, color=plots.INK, linestyle=":", label=f"one layer: {alone:.1f}")
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(widths, [str(n) for n in widths])
    ticks = [1, 2, 5, 10, 20, 40]
    ax.set_yticks(ticks, [str(n) for n in ticks])
    ax.minorticks_off()
    ax.set(xlabel="hidden units", ylabel="misread images, %", ylim=(0.8, 45))
    _inked(ax.inset_axes((0.44, 0.68, 0.54, 0.28)), np.reshape(images, (-1, 8, 8)))
    fig.legend(loc="outside lower center", ncols=2)
    return plotted(fig, title)


def trained(errors: Mapping[str, ArrayLike], floor: float, title: str) -> Drawing:
    """Plot errors over the steps of training, of shape (steps, runs) by name, one panel each.

    ``floor`` is drawn as a dotted line in all panels.
    """
    plt = pyplot()
    fig, axes = plt.subplots(1, len(errors), figsize=(4.5, 2.25), sharey=True)
    for ax, (name, runs), color in zip(axes, errors.items(), (0, 3, 2), strict=True):
        ax.plot(runs, "-", color=plots.COLORS[color], linewidth=1.3, alpha=0.8)
        ax.axhline(floor, color=plots.INK, linestyle=":")
        ax.set_title(name, fontsize=11)
        ax.set(xlabel="steps", ylim=(-0.05, 2.05), yticks=[0, 1, 2])
        ax.set_xticks([0, 500, 1000], ["0", "500", "1,000"])
    axes[0].set_ylabel("error $f$")
    return plotted(fig, title)


def _inked(ax: Any, images: Array) -> None:
    """Draw images side by side, each grey as one path in the colour of the page's words."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    paths: list[list[Any]] = [[], [], [], []]
    for place, image in enumerate(images):
        for (row, column), ink in np.ndenumerate(np.rint(image * len(paths)).astype(int)):
            if ink:
                left, top = 10 * place + column, 8 - row
                corners = [(left, top), (left + 1, top), (left + 1, top - 1), (left, top - 1)]
                paths[ink - 1].append(Path([*corners, corners[0]], closed=True))
    for k, grey in enumerate(paths, start=1):
        if grey:
            path = Path.make_compound_path(*grey)
            ax.add_patch(PathPatch(path, color=plots.INK, alpha=k / len(paths), lw=0))
    ax.set(xlim=(0, 10 * len(images) - 2), ylim=(0, 8), aspect="equal", anchor="NE")
    ax.axis("off")


def corners() -> Task:
    """Return XOR, solved by two parallel lines for tanh and by a fold for the ReLU."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    soft = Setting("tanh", [[4, 4, 0], [4, 4, 0]], [-2, -6, 0], [[4], [-4], [0]], [-4])
    bent = Setting("relu", [[1, 1, 0], [1, 1, 0]], [0, -1, 0], [[1], [-2], [0]], [-0.5])
    return Task(x, np.array([0, 1, 1, 0]), [soft, bent])


def ring() -> Task:
    """Return six points within a ring of twelve, with a triangle for tanh and for the ReLU."""

    def circle(radius: float, count: int) -> Any:
        angle = 2 * np.pi * np.arange(count) / count
        return 0.5 + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)

    x = np.concatenate([circle(0.18, 6), circle(0.5, 12)]).round(3)
    sides = np.array([[0, 8.75, -8.75], [-10, 5, 5]])
    soft = Setting("tanh", sides, [7.5, -4.25, 4.25], [[4], [4], [4]], [-8])
    bent = Setting("relu", -sides, [-7, 4.75, -4], [[-10], [-10], [-10]], [2.5])
    return Task(x, np.repeat([1, 0], [6, 12]), [soft, bent])


def drawing_board() -> DecisionRegions:
    """Return the explorer of the chapter, set to a network with three tanh units."""
    start = Setting(
        "tanh", [[4, -2, 1], [1, 4, 3]], [-2.5, -1.75, -3], [[3], [-4], [2]], [0.5]
    )  # fmt: skip
    title = "Decision regions of a network with three hidden units"
    return DecisionRegions("networks", {"XOR": corners(), "ring": ring()}, start, title)


def _disc(x: float, y: float, words: str, rim: str) -> str:
    circle = svg.element(
        "circle", cx=float(x), cy=float(y), r=svg.RADIUS, fill=svg.GROUND, stroke=rim,
        stroke_width="2",
    )  # fmt: skip
    return circle + svg.text(x, y + 6, words, font_weight=600, font_size=17)


def _label(x: float, y: float, words: str, fill: str = "currentColor") -> str:
    return svg.text(x, y, words, fill, font_weight=600)


def _arrow(
    start: tuple[float, float], end: tuple[float, float], before: float, after: float
) -> str:
    """Draw from ``before`` behind the start to ``after`` and a little before the end."""
    return svg.pointer(*svg.between(start, end, before, after + 2), "currentColor", "1.5", 9, 4.5)


def _number(value: float) -> str:
    return f"{value + 0:g}".replace("-", "−")


def _bracketed(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(_number, values))
