"""The figures of the chapter on networks: a unit, a network counted, and small ones at work.

A drawing takes the numbers that it starts from and computes the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.activations import Elementwise
from backprop.arrays import Array
from backprop.book.figures import plots, svg
from backprop.book.figures.by_hand import Drawing, plotted
from backprop.book.figures.explorer import DecisionRegions, Setting, Task

DIGITS = "₀₁₂₃₄₅₆₇₈₉"
BOX = 80
"""Side of the square in which the activation function is drawn."""


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
        name = DIGITS[k + 1]
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
    parts.append(_label(210, 228, worked))
    parts.append(_label(210, 252, bent))
    said = f"inputs {_listed(x)}, weights {_listed(w)}, bias {_number(b)}; {worked}; {bent}"
    return _drawing(title, 262, said, parts)


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
        "circle", cx=x + z * scale, cy=y - max(0.0, z) * scale, r=5, fill=svg.BACKWARD
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
            (198, f"W{layer} ({n_in}, {n_out})", 600),
            (216, f"{n_in * n_out:,} weights", 400),
            (238, f"b{layer} ({n_out},)", 600),
            (256, f"{n_out:,} biases", 400),
        ):
            words.append(svg.text(x, y, text, font_weight=weight))
    total = " + ".join(f"{n:,}" for n in terms) + f" = {sum(terms):,} parameters"
    words.append(_label(210, 284, total))
    said = f"widths {', '.join(map(str, sizes))}: {total}"
    return _drawing(title, 294, said, [*lines, *discs, *words])


def _column(size: int) -> list[float]:
    """Where the circles of a column stand: all of a few, else two above and two below dots."""
    if size <= 3:
        return [110 + 44 * (k - (size - 1) / 2) for k in range(size)]
    return [56.0, 82.0, 138.0, 164.0]


def hinges(title: str) -> Drawing:
    """Plot two ReLU units over the count of ones, and their sum, which is XOR."""
    import matplotlib.pyplot as plt  # a reader without figures does not pay for it

    count = np.linspace(-0.5, 2.5, 61)
    first, second = np.maximum(0, count), -2 * np.maximum(0, count - 1)
    fig, ax = plt.subplots(figsize=(4.5, 2.2))
    for values, style, words, at in (
        (first, "--", "ReLU(count)", 2.3),
        (second, "-.", "−2 ReLU(count − 1)", -2.8),
        (first + second, "-", "sum", -0.4),
    ):
        ax.plot(count, values, style, linewidth=3 if words == "sum" else 1.8)
        ax.text(2.6, at, words, va="center")
    ax.plot([0, 1, 2], [0, 1, 0], "o", color=plots.COLORS[2], markersize=8)
    ax.set(xlabel="count of ones, x₁ + x₂", ylabel="output", xlim=(-0.5, 4.6))
    ax.set(xticks=[0, 1, 2], yticks=[-2, -1, 0, 1, 2], ylim=(-3.2, 2.8))
    return plotted(fig, title)


def folded(W1: ArrayLike, b1: ArrayLike, title: str) -> Drawing:
    """Plot the corners of the square, their pre-activations, and those after the ReLU.

    Parameters
    ----------
    W1, b1 : array_like, shapes (2, 2), (2,)
        A layer whose two units both read x₁ + x₂, the second one a step later.
    """
    import matplotlib.pyplot as plt

    task, W, b = corners(), np.asarray(W1), np.asarray(b1)
    yes = task.y == 1
    z = task.x @ W + b
    line = np.outer([-0.6, 0, 1, 2.4], W.sum(axis=0) / 2) + b  # where the plane goes
    views = [("x", task.x, None), ("z = xW + b", z, line)]
    views += [("a = ReLU(z)", np.maximum(0, z), np.maximum(0, line))]
    fig, axes = plt.subplots(1, 3, figsize=(4.5, 2.1), sharey=True)
    for ax, (name, points, path) in zip(axes, views, strict=True):
        if path is not None:
            ax.plot(*path.T, color=plots.GREY, linestyle="-", linewidth=1.2, zorder=1)
        ax.plot(*points[~yes].T, "o", ms=8, mfc=plots.PAPER, mec=plots.COLORS[0], mew=2, zorder=3)
        ax.plot(*points[yes].T, "s", ms=8, color=plots.COLORS[1], zorder=2)
        ax.set_title(name, fontsize=11)
        ax.set(xlim=(-0.5, 2.5), ylim=(-1.4, 1.6), aspect="equal")
        ax.set(xticks=[0, 1, 2], yticks=[-1, 0, 1], xlabel=f"{name[0]}₁", ylabel=f"{name[0]}₂")
    axes[2].plot([0.1, 2.5], [-0.2, 1.0], color=plots.COLORS[2], linestyle="--")
    return plotted(fig, title)


def slopes(pairs: Mapping[str, tuple[Elementwise, Elementwise]], title: str) -> Drawing:
    """Plot activation functions, and beside them their slopes; ``pairs`` has both by name."""
    import matplotlib.pyplot as plt

    grid = np.linspace(-5, 5, 401)
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.3))
    for name, (phi, prime) in pairs.items():
        axes[0].plot(grid, phi(grid), label=name)
        axes[1].plot(grid, prime(grid))
    for ax, name in zip(axes, ("value", "slope"), strict=True):
        ax.set_title(name, fontsize=11)
        ax.set(xlabel="$z$", xticks=[-4, 0, 4])
    axes[0].set(ylim=(-1.2, 2), yticks=[-1, 0, 1, 2])
    axes[1].set(ylim=(-0.05, 1.05), yticks=[0, 0.25, 0.5, 1])
    fig.legend(loc="outside lower center", ncols=3)
    return plotted(fig, title)


def spreads(widths: Sequence[int], found: Mapping[str, Array], title: str) -> Drawing:
    """Plot accuracies of shape (widths, seeds) by name: the median, and a band of the extremes."""
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots(figsize=(4.5, 2.3))
    for (name, runs), marker in zip(found.items(), "os^", strict=False):
        (drawn,) = ax.plot(widths, np.median(runs, axis=1), marker=marker, label=name)
        ax.fill_between(
            widths, runs.min(axis=1), runs.max(axis=1), alpha=0.25, color=drawn.get_color(), lw=0
        )
    ax.set_xscale("log", base=2)
    ax.set_xticks(widths, [str(n) for n in widths])
    ax.minorticks_off()
    ax.set(xlabel="hidden units", ylabel="test accuracy", ylim=(0.6, 1))
    ax.legend(loc="lower right")
    return plotted(fig, title)


def corners() -> Task:
    """Return XOR, with a solution by two parallel lines for tanh and for the ReLU."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    soft = Setting("tanh", [[4, 4, 0], [4, 4, 0]], [-2, -6, 0], [[4], [-4], [0]], [-4])
    bent = Setting("relu", [[1, 1, 0], [1, 1, 0]], [0, -1, 0], [[4], [-8], [0]], [-2])
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


def _drawing(title: str, height: float, description: str, content: Sequence[str]) -> Drawing:
    markup = svg.element(
        "svg", "<title></title>", svg.element("desc", escape(description)), *content,
        class_="bp-drawn", role="img", aria_label="", xmlns="http://www.w3.org/2000/svg",
        width=450, viewBox=f"0 0 {svg.WIDTH} {height:.0f}", font_family="inherit",
        font_size=svg.FONT, text_anchor="middle",
    )  # fmt: skip
    return Drawing(markup, title)


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
    (x1, y1), (x2, y2) = start, end
    length = float(np.hypot(x2 - x1, y2 - y1))
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    x1, y1 = x1 + before * ux, y1 + before * uy
    x2, y2 = x2 - (after + 2) * ux, y2 - (after + 2) * uy
    x3, y3 = x2 - 9 * ux, y2 - 9 * uy
    corners = [(x2, y2), (x3 - 4.5 * uy, y3 + 4.5 * ux), (x3 + 4.5 * uy, y3 - 4.5 * ux)]
    points = " ".join(f"{svg.fixed(x)},{svg.fixed(y)}" for x, y in corners)
    line = svg.element(
        "line", x1=x1, y1=y1, x2=x3, y2=y3, stroke="currentColor", stroke_width="1.5"
    )
    return line + svg.element("polygon", points=points, fill="currentColor")


def _number(value: float) -> str:
    return f"{value + 0:g}".replace("-", "−")


def _bracketed(value: float) -> str:
    return f"({_number(value)})" if value < 0 else _number(value)


def _listed(values: Sequence[float]) -> str:
    return ", ".join(map(_number, values))
