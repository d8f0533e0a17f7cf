"""The figures of the chapter on convolution: a filter that slides, and errors that slide back.

In all of them what has the image's size stands on the left, what has the filter's in the middle,
and what has the output's on the right. Blue is the forward pass, orange the backward pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.digit_images import ABOVE, BELOW
from backprop.book.figures.stepper import Frame

IMAGE = np.array([[1, 0, 2, 1], [0, 3, 1, 0], [2, 1, 0, 1], [1, 0, 1, 2]])
FILTER = np.array([[1, 2], [-1, 3]])
ERROR = np.array([[0, 2, 0], [0, 0, -1], [0, 0, 0]])
"""The example that the chapter computes by hand: two of the nine outputs have an error."""

MINUS = "\N{MINUS SIGN}"
CELL = 28
LEFT, MIDDLE, RIGHT, TOP = 6, 168, 274, 34


def slide(image: Any, window: Any) -> Array:
    """Return the sums of products at each place of a window that stays inside the image."""
    views = sliding_window_view(image, np.shape(window))
    return np.asarray(np.einsum("ijuv,uv->ij", views, window))


def ringed(error: Any, size: tuple[int, int]) -> Array:
    """Return an error map with as many zeros around it as let a window of ``size`` overhang."""
    return np.pad(error, [(n - 1, n - 1) for n in size])


def _shown(value: Any) -> str:
    return f"{value:g}".replace("-", MINUS)


def _squares(
    left: float, top: float, shape: tuple[int, int], cell: float, **attributes: Any
) -> str:
    """Draw the lines of a grid as one path."""
    rows, columns = shape
    lines = [
        f"M{svg.fixed(left)} {svg.fixed(top + cell * k)}h{svg.fixed(cell * columns)}"
        for k in range(rows + 1)
    ]
    lines += [
        f"M{svg.fixed(left + cell * k)} {svg.fixed(top)}v{svg.fixed(cell * rows)}"
        for k in range(columns + 1)
    ]
    return svg.element("path", d="".join(lines), fill="none", stroke="currentColor", **attributes)


def _marked(
    left: float, top: float, cell: float, place: tuple[int, int], shape: tuple[int, int],
    paint: str,
) -> str:  # fmt: skip
    """Draw a window: a tinted rectangle with a thick rim."""
    return svg.element(
        "rect", x=float(left + cell * place[1]), y=float(top + cell * place[0]),
        width=float(cell * shape[1]), height=float(cell * shape[0]), fill=paint,
        fill_opacity="0.16", stroke=paint, stroke_width="3",
    )  # fmt: skip


def _numbers(
    values: Array, left: float, top: float, cell: float, known: Any = None, paint: str = ""
) -> str:
    """Write numbers into cells; where ``known`` is false, nothing yet."""
    parts = []
    for (row, column), value in np.ndenumerate(values):
        if known is None or known[row, column]:
            x, y = left + cell * (column + 0.5), top + cell * (row + 0.5) + 5
            parts.append(svg.text(x, y, _shown(value), paint or "currentColor"))
    return "".join(parts)


def _arrow(x1: float, x2: float, y: float, paint: str) -> str:
    return svg.pointer((x1, y), (x2, y), paint, "2.5", 9, 5)


def _sum(pairs: Sequence[tuple[float, float]]) -> str:
    """Write products and their sum, negative first factors in parentheses."""

    def bracketed(value: float) -> str:
        return _shown(value) if value >= 0 else f"({_shown(value)})"

    total = sum(a * b for a, b in pairs)
    return " + ".join(f"{bracketed(a)}·{bracketed(b)}" for a, b in pairs) + f" = {_shown(total)}"


class _Scene(NamedTuple):
    """One frame: three grids, a window, and what has been found so far."""

    heads: tuple[str, str, str]
    grids: tuple[Array, Array, Array]
    target: int
    place: tuple[int, int]
    source: int
    window: tuple[int, int]
    shape: tuple[int, int]
    paint: str
    caption: str


def _frame(scene: _Scene) -> Frame:
    parts, lefts = [], (LEFT, MIDDLE, RIGHT)
    middle = TOP + 2.5 * CELL
    for k, (head, grid, left) in enumerate(zip(scene.heads, scene.grids, lefts, strict=True)):
        rows, columns = grid.shape
        wide = (4, 2, 5)[k]
        x, y = left + CELL * (wide - columns) / 2, middle - CELL * rows / 2
        known = None
        if k == scene.target:
            order = np.arange(grid.size).reshape(grid.shape)
            known = order <= order[scene.place]
            parts.append(_marked(x, y, CELL, scene.place, (1, 1), scene.paint))
        if k == scene.source:
            parts.append(_marked(x, y, CELL, scene.window, scene.shape, scene.paint))
        parts.append(_squares(x, y, grid.shape, CELL, stroke_width="1", opacity="0.45"))
        if head.startswith("δ") and rows == 5:
            parts.append(
                svg.element(
                    "rect", x=x + CELL, y=y + CELL, width=3 * CELL, height=3 * CELL, fill="none",
                    stroke="currentColor", stroke_width="1.5",
                )
            )  # fmt: skip
        parts.append(_numbers(grid, x, y, CELL, known, scene.paint if known is not None else ""))
        parts.append(svg.text(left + CELL * wide / 2, 18, head, font_weight=600))
    first = (LEFT + 4 * CELL + 8, MIDDLE - 8)
    second = (MIDDLE + 2 * CELL + 8, RIGHT + (CELL if scene.grids[2].shape == (3, 3) else 0) - 8)
    ends = {2: (first, second), 1: (first, second[::-1]), 0: (first[::-1], second[::-1])}
    parts += [_arrow(a, b, middle, scene.paint) for a, b in ends[scene.target]]
    height = TOP + 5 * CELL + 8
    return Frame(
        svg.picture(svg.WIDTH, height, scene.caption.split(":")[0], scene.caption, *parts),
        scene.caption,
    )


def by_hand() -> list[Frame]:
    """Return the example in 29 frames: nine outputs, four weights, sixteen pixels."""
    x, W, delta = IMAGE, FILTER, ERROR
    z, dW = slide(x, W), slide(x, delta)
    ring, turned = ringed(delta, (2, 2)), W[::-1, ::-1]
    dx = slide(ring, turned)
    frames = []

    def add(
        kind: str, heads: Any, grids: Any, target: int, source: int, slider: Array, paint: str
    ) -> None:
        for place in np.ndindex(grids[target].shape):
            i, j = place
            rows, columns = slider.shape
            seen = grids[source][i : i + rows, j : j + columns]
            pairs = list(zip(slider.ravel().tolist(), seen.ravel().tolist(), strict=True))
            worked = _sum(pairs)
            where = f"row {i + 1}, column {j + 1}"
            scene = _Scene(
                heads, grids, target, place, source, place, slider.shape, paint,
                f"{kind}, {where}: {worked}",
            )  # fmt: skip
            frames.append(_frame(scene))

    add("Forward", ("image x", "filter W", "output z"), (x, W, z), 2, 0, W, svg.FORWARD)
    add(
        "Backward to the filter", ("image x", "∂L/∂W", "error δ"), (x, dW, delta), 1, 0, delta,
        svg.BACKWARD,
    )  # fmt: skip
    add(
        "Backward to the image", ("∂L/∂x", "W turned", "δ in zeros"), (dx, turned, ring), 0, 2,
        turned, svg.BACKWARD,
    )  # fmt: skip
    return frames


def _inked(image: Array, left: float, top: float, cell: float) -> str:
    """Draw pixels from 0 to 1 in the page's ink."""
    parts = []
    for (row, column), value in np.ndenumerate(image):
        if value > 0.03:
            parts.append(
                svg.element(
                    "rect", x=left + cell * column, y=top + cell * row, width=float(cell),
                    height=float(cell), fill="currentColor", opacity=f"{value:.2f}",
                )
            )  # fmt: skip
    return "".join(parts)


def _signed(values: Array, left: float, top: float, cell: float, limit: float = 0.0) -> str:
    """Draw numbers as squares, by area: filled where positive, outlined where negative."""
    limit = limit or float(np.abs(values).max()) or 1.0
    filled: list[str] = []
    outlined: list[str] = []
    for (row, column), value in np.ndenumerate(values):
        half = cell * 0.47 * math.sqrt(min(1.0, abs(float(value)) / limit))
        if half < 0.7:
            continue
        half -= 0 if value > 0 else 0.6
        x, y = left + cell * (column + 0.5) - half, top + cell * (row + 0.5) - half
        side = svg.fixed(2 * half)
        path = f"M{svg.fixed(x)} {svg.fixed(y)}h{side}v{side}h-{side}z"
        (filled if value > 0 else outlined).append(path)
    return svg.element("path", d="".join(filled), fill=ABOVE) + svg.element(
        "path", d="".join(outlined), fill="none", stroke=BELOW, stroke_width="1.3"
    )


def hero(x: Array, W: Array, delta: Array, place: tuple[int, int], title: str) -> Drawing:
    """Draw one filter's two passes over a digit, with one window marked in each.

    Parameters
    ----------
    x : array, shape (8, 8)
        A digit.
    W : array, shape (3, 3)
        The filter.
    delta : array, shape (6, 6)
        The error of its outputs.
    place : (int, int)
        The output that is marked in the forward pass; the pixel that is marked in the backward
        pass is the middle of its window.
    """
    z, ring = slide(x, W), ringed(delta, W.shape)
    turned = W[::-1, ::-1]
    dx = slide(ring, turned)
    cell, small, top, below = 13.0, 17.0, 34.0, 218.0
    lefts = 14.0, 186.0, 278.0
    parts = []

    def panel(values: Array, left: float, y: float, side: float, ink: bool = False) -> None:
        shape = values.shape
        parts.append(_inked(values, left, y, side) if ink else _signed(values, left, y, side))
        parts.append(
            svg.element(
                "rect", x=left, y=y, width=side * shape[1], height=side * shape[0], fill="none",
                stroke="currentColor", stroke_width="1", opacity="0.6",
            )
        )  # fmt: skip

    i, j = place
    pixel = i + 1, j + 1
    wide = 10 * cell
    inner = lefts[2] + 2 * cell, top + 2 * cell
    panel(x, lefts[0], top + cell, cell, ink=True)
    panel(W, lefts[1], top + 5 * cell - 1.5 * small, small)
    panel(z, *inner, cell)
    parts.append(_marked(lefts[0], top + cell, cell, place, (3, 3), svg.FORWARD))
    parts.append(_marked(*inner, cell, place, (1, 1), svg.FORWARD))
    panel(dx, lefts[0], below + cell, cell)
    panel(turned, lefts[1], below + 5 * cell - 1.5 * small, small)
    panel(delta, lefts[2] + 2 * cell, below + 2 * cell, cell)
    parts.append(
        svg.element(
            "rect", x=lefts[2], y=below, width=wide, height=wide, fill="none",
            stroke="currentColor", stroke_width="1", stroke_dasharray="3 3", opacity="0.6",
        )
    )  # fmt: skip
    parts.append(svg.text(lefts[2] + wide / 2, below + wide - 8, "zeros"))
    parts.append(_marked(lefts[2], below, cell, pixel, (3, 3), svg.BACKWARD))
    parts.append(_marked(lefts[0], below + cell, cell, pixel, (1, 1), svg.BACKWARD))
    for y, paint, heads in (
        (top, svg.FORWARD, ("image", "filter", "output")),
        (below, svg.BACKWARD, ("its gradient", "turned", "error")),
    ):
        ends = [(lefts[0] + 8 * cell + 8, lefts[1] - 8), (lefts[1] + 3 * small + 8, lefts[2] - 4)]
        if paint == svg.FORWARD:
            ends[1] = (ends[1][0], inner[0] - 8)
        else:
            ends = [pair[::-1] for pair in ends]
        parts += [_arrow(a, b, y + 5 * cell, paint) for a, b in ends]
        for left, width, head in zip(lefts, (8 * cell, 3 * small, wide), heads, strict=True):
            parts.append(svg.text(left + width / 2, y - 14, head, paint, font_weight=600))
    said = (
        f"forward, the window at row {i + 1}, column {j + 1} of the image gives {z[i, j]:.2f};"
        f" backward, the turned filter gives {dx[pixel]:.3f} at the pixel in its middle"
    )
    return drawing(title, below + wide + 8, said, *parts)


def toeplitz(title: str) -> Drawing:
    """Draw the 16 x 9 matrix of the example, one column and one row of it marked."""
    rows, columns, cell = 16, 9, 20.0
    left, top = 118.0, 40.0
    entry = {(i, j): FILTER[i, j] for i, j in np.ndindex(2, 2)}
    parts = [_squares(left, top, (rows, columns), cell, stroke_width="0.6", opacity="0.3")]
    column, row = 1, 6
    parts.append(_marked(left, top, cell, (0, column), (rows, 1), svg.FORWARD))
    parts.append(_marked(left, top, cell, (row, 0), (1, columns), svg.BACKWARD))
    for out in range(columns):
        i, j = divmod(out, 3)
        for (u, v), value in entry.items():
            pixel = 4 * (i + u) + j + v
            x, y = left + cell * (out + 0.5), top + cell * (pixel + 0.5)
            parts.append(svg.text(x, y + 5, _shown(value), font_weight=600))
    for k in range(1, 4):
        parts.append(
            svg.element("line", x1=left, x2=left + 9 * cell, y1=top + 4 * k * cell,
                        y2=top + 4 * k * cell, stroke="currentColor", stroke_width="1.5")
        )  # fmt: skip
    for k in range(1, 3):
        parts.append(
            svg.element("line", x1=left + 3 * k * cell, x2=left + 3 * k * cell, y1=top,
                        y2=top + 16 * cell, stroke="currentColor", stroke_width="1.5")
        )  # fmt: skip
    parts.append(
        svg.element("rect", x=left, y=top, width=9 * cell, height=16 * cell, fill="none",
                    stroke="currentColor", stroke_width="1.5")
    )  # fmt: skip
    for k in range(4):
        y = top + cell * (4 * k + 2) + 5
        parts.append(svg.text(left - 10, y, f"pixels, row {k + 1}", text_anchor="end"))
    parts.append(svg.text(left + 4.5 * cell, 16, "outputs: rows 1, 2 and 3"))
    right = left + 9 * cell + 10
    for k, (y, words, paint) in enumerate(
        (
            (top + 16, "down a column:", svg.FORWARD),
            (top + 34, f"1, 2, {MINUS}1, 3", svg.FORWARD),
            (top + 6 * cell + 14, "along a row:", svg.BACKWARD),
            (top + 6 * cell + 32, f"3, {MINUS}1, 2, 1", svg.BACKWARD),
        )
    ):
        parts.append(
            svg.text(right, y, words, paint, text_anchor="start", font_weight=600 if k % 2 else 400)
        )
    said = "Column 2 holds 1, 2, -1, 3 from top to bottom; row 7 holds 3, -1, 2, 1 from the left."
    return drawing(title, top + 16 * cell + 8, said, *parts)


def followed(
    pictures: Array, filters: Array, maps: Array, heads: Sequence[str], title: str
) -> Drawing:
    """Draw what some filters make of an image and of the same image moved.

    Parameters
    ----------
    pictures : array, shape (2, n, n)
        The image, and the same moved.
    filters : array, shape (k, m, m)
    maps : array, shape (2, k, n, n)
        What each filter makes of each image; the largest value is ringed.
    heads : sequence of str
        What the rows are: the filters, and both images.
    """
    count, n, m = len(filters), pictures.shape[1], filters.shape[1]
    pitch, side = svg.WIDTH / (count + 1), 72.0
    cell, tops = side / n, (24.0, 120.0, 232.0)
    small = 13.0
    parts = []

    def frame(x: float, y: float, width: float) -> None:
        parts.append(
            svg.element("rect", x=x, y=y, width=width, height=width, fill="none",
                        stroke="currentColor", stroke_width="1", opacity="0.6")
        )  # fmt: skip

    for row, image in enumerate(pictures):
        x, y = (pitch - side) / 2, tops[row + 1]
        parts.append(_inked(image, x, y, cell))
        frame(x, y, side)
        parts.append(svg.text(pitch / 2, y + side + 17, heads[row + 1]))
    parts.append(svg.text(pitch / 2, tops[0] + small * m / 2 + 5, heads[0]))
    for k, weights in enumerate(filters):
        middle = pitch * (k + 1.5)
        parts.append(_signed(weights, middle - small * m / 2, tops[0], small))
        frame(middle - small * m / 2, tops[0], small * m)
        top = float(maps[:, k].max())
        for row in range(2):
            x, y, z = middle - side / 2, tops[row + 1], maps[row, k]
            parts.append(_inked(np.clip(z / top, 0, 1), x, y, cell))
            frame(x, y, side)
            i, j = np.unravel_index(z.argmax(), z.shape)
            parts.append(
                svg.element("circle", cx=x + cell * (j + 0.5), cy=y + cell * (i + 0.5), r="8.5",
                            fill="none", stroke=svg.FORWARD, stroke_width="3")
            )  # fmt: skip
            parts.append(
                svg.text(middle, y + side + 17, f"{z.max():.2f}", svg.FORWARD, font_weight=600)
            )
    said = "; ".join(
        f"filter {k + 1}: largest {maps[0, k].max():.2f} and {maps[1, k].max():.2f}"
        for k in range(count)
    )
    return drawing(title, tops[2] + side + 26, said, *parts)


def drops(rows: Mapping[str, tuple[Any, Any]], title: str) -> Drawing:
    """Draw for each network the accuracies on digits in their place and on moved ones.

    Parameters
    ----------
    rows : mapping of str to (array, array)
        Name, with line breaks, to the accuracies of several starts: in place, and moved.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 0.62 * len(rows) + 0.9))
    for k, (still, moved) in enumerate(rows.values()):
        y = len(rows) - 1 - k
        ends = 100 * float(np.median(still)), 100 * float(np.median(moved))
        ax.plot(ends, [y, y], "-", color=GREY, linewidth=1.2)
        for runs, color, mark, width in (
            (still, INK, "o", 5.5), (moved, COLORS[1], "D", 5.5),
        ):  # fmt: skip
            runs = 100 * np.asarray(runs)
            ax.plot([runs.min(), runs.max()], [y, y], "-", color=color, linewidth=width, alpha=0.35,
                    solid_capstyle="round")  # fmt: skip
            ax.plot(np.median(runs), y, mark, color=color, markersize=6.5)
            side = 1 if mark == "o" else -1
            ax.text(runs.max() + 1 if side > 0 else runs.min() - 1, y, f"{np.median(runs):.0f}",
                    color=color, ha="left" if side > 0 else "right", va="center",
                    fontsize=11)  # fmt: skip
    ax.set(
        yticks=range(len(rows) - 1, -1, -1), yticklabels=list(rows), xlim=(33, 104),
        ylim=(-0.5, len(rows) - 0.25), xlabel="test digits read correctly, %",
    )  # fmt: skip
    ax.tick_params(axis="y", length=0, labelsize=11)
    ax.grid(False)
    ax.grid(True, axis="x", alpha=0.25)
    ax.set_title("◆ moved by one pixel      ● in place", fontsize=11, loc="center", color=INK)
    return plotted(fig, title)
