"""The figures of matrices as grids of cells: products whose shapes fit, and rows that are copied.

Forward arrays are drawn in the colour of the way forward, errors and gradients in that of the way
back. Every number that a figure computes follows from others on it.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

Place = tuple[float, float]
Cell = tuple[int, int]
SIZES = {"i": 4, "j": 3, "k": 2, "1": 1}
"""Cells along each index of the opening picture."""
HALF = svg.WIDTH / 2


def _grid(
    at: Place,
    shape: tuple[int, int],
    paint: str,
    size: tuple[float, float],
    *,
    marked: Sequence[Cell] = (),
    numbers: Array | None = None,
    dashed: bool = False,
) -> list[str]:
    """Draw cells of ``size`` (width, height) from the upper left corner ``at``."""
    (x, y), (rows, columns), (wide, high) = at, shape, size
    parts = []
    for i, j in np.ndindex(rows, columns):
        on = (i, j) in marked
        parts.append(svg.element(
            "rect", x=x + wide * j, y=y + high * i, width=float(wide), height=float(high),
            fill=paint if on else svg.GROUND, fill_opacity="0.3" if on else None, stroke=paint,
            stroke_width="1.4", stroke_dasharray="3 3" if dashed else None,
        ))  # fmt: skip
    if numbers is not None:
        for (i, j), value in np.ndenumerate(numbers):
            weight = 700 if (i, j) in marked else 400
            parts.append(svg.text(
                x + wide * (j + 0.5), y + high * (i + 0.5) + 5, f"{value:g}", font_weight=weight
            ))  # fmt: skip
    return parts


def _row(i: int, n: int) -> list[Cell]:
    return [(i, j) for j in range(n)]


def _column(j: int, n: int) -> list[Cell]:
    return [(i, j) for i in range(n)]


PANELS = (
    ("z = x W + b", "adds over the inputs j", ("x", "ij"), ("W", "jk"), ("z", "ik"), "fff"),
    ("∂L/∂x = δ Wᵀ", "adds over the units k", ("δ", "ik"), ("Wᵀ", "kj"), ("∂L/∂x", "ij"), "bfb"),
    ("∂L/∂W = xᵀ δ", "adds over the examples i", ("xᵀ", "ji"), ("δ", "ik"), ("∂L/∂W", "jk"), "fbb"),
    ("∂L/∂b = 1ᵀ δ", "adds over the examples i", ("1ᵀ", "1i"), ("δ", "ik"), ("∂L/∂b", "1k"), "fbb"),
)
"""Formula, the sum in it, left factor, right factor and result with their indices, and the way of
each: forward or back."""


def products(title: str) -> Drawing:
    """Draw the four products of a layer: the inner sides of the factors fit, and vanish.

    The index that both factors share is bold.
    """
    cell, gap = 17.0, 10.0
    parts, said = [], []
    for n, (formula, sums, left, right, result, ways) in enumerate(PANELS):
        paints = [svg.FORWARD if way == "f" else svg.BACKWARD for way in ways]
        middle = HALF * (n % 2) + HALF / 2
        top = 214.0 * (n // 2)
        rows, inner = (SIZES[c] for c in left[1])
        columns = SIZES[right[1][1]]
        tallest = 4 if n >= 2 else 3
        corner = top + 54 + cell * tallest  # where the right factor ends
        x1 = middle - 18 + cell * (inner - columns) / 2 + gap / 2
        x0, y1 = x1 - gap - cell * inner, corner + gap
        x2 = x1 + cell * columns + 8
        one = (rows - 1) // 2, 0
        size = cell, cell
        parts += [
            svg.text(middle, top + 18, formula, font_weight=600, font_size=17),
            svg.text(middle, top + 39, sums),
            *_grid((x0, y1), (rows, inner), paints[0], size, marked=_row(one[0], inner)),
            *_grid(
                (x1, corner - cell * inner), (inner, columns), paints[1], size,
                marked=_column(one[1], inner),
            ),
            *_grid((x1, y1), (rows, columns), paints[2], size, marked=[one]),
            _named((x0 + cell * inner / 2, y1 + cell * rows + 17), left, paints[0], shared=1),
            _named((x1 - 8, corner - cell * inner / 2 + 5), right, paints[1], "end", shared=0),
            _label((x2, y1 + cell * rows / 2 - 1), result[0], paints[2], "start"),
            svg.text(
                x2, y1 + cell * rows / 2 + 16, "×".join(result[1]), paints[2], text_anchor="start"
            ),
        ]  # fmt: skip
        said.append(f"{formula} {sums}: {' times '.join(map(_said, (left, right)))}"
                    f" is {_said(result)}")  # fmt: skip
    return drawing(title, 422, "; ".join(said), *parts)


def _said(array: tuple[str, str]) -> str:
    rows, columns = (SIZES[c] for c in array[1])
    return f"{array[0]} with {rows} by {columns} cells"


def _named(
    at: Place, array: tuple[str, str], paint: str, anchor: str = "middle", *, shared: int
) -> str:
    """Write an array's name, and behind it its two indices, of which one is bold."""
    name, letters = array
    one, other = (
        svg.element("tspan", c, font_weight=700) if n == shared else c
        for n, c in enumerate(letters)
    )
    small = svg.element("tspan", f" {one}×{other}", font_weight=400)
    return svg.element(
        "text", escape(name) + small, x=float(at[0]), y=float(at[1]), fill=paint,
        text_anchor=anchor, font_weight=600,
    )  # fmt: skip


def outer_products(x: ArrayLike, delta: ArrayLike, title: str) -> Drawing:
    """Draw xᵀδ of two examples as the sum of two products of a column and a row.

    Parameters
    ----------
    x : array, shape (2, n_in)
        Inputs, one row per example.
    delta : array, shape (2, n_out)
        Errors.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If there are not two examples.
    """
    x, delta = np.asarray(x), np.asarray(delta)
    if len(x) != 2 or len(delta) != 2:
        raise ValueError(
            f"outer_products: x and delta have {len(x)} and {len(delta)} rows, expected 2"
        )
    n_in, n_out = x.shape[1], delta.shape[1]
    wide, high, gap = 32.0, 27.0, 7.0
    size, top = (wide, high), 64.0
    y = top + gap
    panel = wide + gap + wide * n_out
    margin = 16.0
    space = (svg.WIDTH - 2 * margin - 2 * panel - wide * n_out) / 2
    parts, said = [], []
    for n in range(2):
        left = margin + n * (panel + space)
        share = np.outer(x[n], delta[n])
        right = left + wide + gap
        parts += [
            svg.text(right + wide * n_out / 2, 24, f"example {n + 1}"),
            *_grid((left, y), (n_in, 1), svg.FORWARD, size, marked=[(0, 0)], numbers=x[n][:, None]),
            *_grid(
                (right, top - high), (1, n_out), svg.BACKWARD, size, marked=[(0, 0)],
                numbers=delta[n][None],
            ),
            *_grid((right, y), share.shape, svg.BACKWARD, size, marked=[(0, 0)], numbers=share),
            _label((left + wide / 2, y + high * n_in + 18), "xᵀ", svg.FORWARD),
            _label((right - 10, top - 9), "δ", svg.BACKWARD, "end"),
            svg.text(left + panel + space / 2, y + high * n_in / 2 + 6, "+=="[n], font_size=20),
        ]  # fmt: skip
        said.append(f"column {x[n].tolist()} times row {delta[n].tolist()} is {share.tolist()}")
    total = x.T @ delta
    last = margin + 2 * (panel + space)
    parts += [
        svg.text(last + wide * n_out / 2, top - 8, "∂L/∂W", svg.BACKWARD, font_weight=600),
        *_grid((last, y), total.shape, svg.BACKWARD, size, marked=[(0, 0)], numbers=total),
    ]
    said.append(f"the sum is {total.tolist()}")
    return drawing(title, y + high * n_in + 28, "; ".join(said), *parts)


def row_paths(p: ArrayLike, g: ArrayLike, title: str) -> Drawing:
    """Draw the paths from z₂ to the same outputs: one through a sigmoid, three through a softmax.

    Parameters
    ----------
    p : array, shape (3,)
        The outputs: the sigmoid of one row z, and the softmax of another.
    g : array, shape (3,)
        The derivatives of the loss with respect to the outputs.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If there are not three of each.
    """
    p, g = np.asarray(p), np.asarray(g)
    if p.shape != (3,) or g.shape != (3,):
        raise ValueError(f"row_paths: p and g have shapes {p.shape} and {g.shape}, expected (3,)")
    radius, heights = 17.0, (82.0, 134.0, 186.0)
    halves = (
        ("sigmoid", "one path from z₂", "a", 56.0, 122.0, p * (1 - p) * [0, 1, 0]),
        ("softmax", "three paths from z₂", "p", 244.0, 358.0, p * ([0, 1, 0] - p[1])),
    )
    parts, said = [], []
    for name, paths, letter, left, right, slopes in halves:
        middle, beside = (left + right) / 2, right + 36
        delta = round(float(slopes @ g), 4)
        parts += [
            svg.text(middle, 18, name, font_weight=600, font_size=17),
            svg.text(middle, 38, paths),
            _label((right, 60), letter, svg.FORWARD),
            _label((beside, 60), f"∂L/∂{letter}", svg.BACKWARD),
            _label((left - radius - 5, heights[1] - 4), "δ₂", svg.BACKWARD, "end"),
            _label((left - radius - 5, heights[1] + 14), f"{delta:g}", svg.BACKWARD, "end"),
        ]
        for k, height in enumerate(heights):
            if slopes[k]:
                ends = (left, heights[1]), (right, height)
                parts.append(_between(*ends, radius, svg.FORWARD, 2.4))
            for x, words in ((left, "z" + svg.lowered(k + 1)), (right, f"{p[k]:g}")):
                circle = svg.element(
                    "circle", cx=x, cy=height, r=radius, fill=svg.GROUND, stroke=svg.FORWARD,
                    stroke_width="1.4",
                )  # fmt: skip
                parts += [circle, svg.text(x, height + 5, words, svg.FORWARD)]
            parts.append(svg.text(beside, height + 5, f"{g[k]:g}", svg.BACKWARD))
            words = f"{round(slopes[k], 4):g}"
            if letter == "p":
                parts.append(svg.plate(middle, (heights[1] + height) / 2, words, svg.BACKWARD))
            elif slopes[k]:  # the arrow is too short for a plate
                parts.append(svg.text(middle, height - 8, words, svg.BACKWARD))
        said.append(
            f"{name}: {paths}, with the slopes {slopes[slopes != 0].round(4).tolist()}; times"
            f" ∂L/∂{letter} they add up to δ₂ = {delta:g}"
        )
    words = f"outputs {p.tolist()}, derivatives of the loss {g.tolist()}; " + "; ".join(said)
    return drawing(title, 210, words, *parts)


FORTH = ("x", "z⁽¹⁾", "a⁽¹⁾", "z⁽²⁾", "a⁽²⁾", "L")
BACK = ("", "δ⁽¹⁾", "∂L/∂a⁽¹⁾", "δ⁽²⁾", "∂L/∂a⁽²⁾", "")
"""What two layers compute on the way down, and what comes back at the same height."""
STEPS = (
    ("· W⁽¹⁾ + b⁽¹⁾", ""), ("φ", "⊙ φ′(z⁽¹⁾)"), ("· W⁽²⁾ + b⁽²⁾", "· W⁽²⁾ᵀ"), ("φ", "⊙ φ′(z⁽²⁾)"),
    ("loss", "slope of the loss"),
)  # fmt: skip
"""What each step down does, and the step up beside it; none leads back to the inputs."""
FOUND = {1: ("⁽¹⁾", "x"), 3: ("⁽²⁾", "a⁽¹⁾")}
"""By height of an error, the layer whose parameters it serves, and that layer's input."""


def two_layers(title: str) -> Drawing:
    """Draw the way through two layers and the way back, with the gradients found on it."""
    top, step, left, right, beside = 44.0, 52.0, 54.0, 184.0, 240.0
    parts = [
        svg.text(left, 18, "forward", svg.FORWARD, font_weight=600, font_size=17),
        svg.text(right, 18, "backward", svg.BACKWARD, font_weight=600, font_size=17),
    ]
    heights = [top + step * n for n in range(len(FORTH))]
    for height, down, up in zip(heights, FORTH, BACK, strict=True):
        parts.append(_label((left, height + 5), down, svg.FORWARD))
        parts += [_label((right, height + 5), up, svg.BACKWARD)] if up else []
    for n, (down, up) in enumerate(STEPS):
        middle = heights[n] + step / 2 + 5
        parts += [
            _arrow((left, heights[n] + 10), (0, step - 21), svg.FORWARD),
            svg.text(left + 9, middle, down, svg.FORWARD, text_anchor="start"),
        ]
        if not up:
            continue
        if n + 1 == len(STEPS):  # from the loss, to the right and up
            ends = (left + 14, heights[-1] - 3), (right - 12, heights[-2] + 12)
            parts.append(svg.pointer(*ends, svg.BACKWARD, "1.8", 6, 6 / 1.8))
            parts.append(
                svg.text(right - 56, heights[-1] - 3, up, svg.BACKWARD, text_anchor="start")
            )
        else:
            parts.append(_arrow((right, heights[n + 1] - 10), (0, 21 - step), svg.BACKWARD))
            parts.append(svg.text(right + 9, middle, up, svg.BACKWARD, text_anchor="start"))
    for n, (layer, value) in FOUND.items():
        parts.append(_arrow((right + 20, heights[n]), (beside - right - 24, 0), svg.BACKWARD))
        for drop, name, made in ((-7, "W", f"{value}ᵀ"), (11, "b", "1ᵀ")):
            words = f"∂L/∂{name}{layer} = {made} {BACK[n]}"
            parts.append(
                svg.text(beside, heights[n] + drop, words, svg.BACKWARD, text_anchor="start")
            )
    said = (
        f"forward: {', '.join(FORTH)}; backward from L:"
        f" {', '.join(name for name in reversed(BACK) if name)}; δ⁽²⁾ gives the gradients of W⁽²⁾"
        " and b⁽²⁾, δ⁽¹⁾ those of W⁽¹⁾ and b⁽¹⁾"
    )
    return drawing(title, heights[-1] + 16, said, *parts)


def _between(start: Place, end: Place, radius: float, paint: str, width: float) -> str:
    """Draw an arrow from the rim of one circle to the rim of another."""
    return svg.pointer(*svg.between(start, end, radius, radius + 1), paint, width, 8, 3.5)


def copies(row: ArrayLike, column: ArrayLike, g: ArrayLike, title: str) -> Drawing:
    """Draw a row and a column as they are copied forward, and the sums of their gradients.

    Parameters
    ----------
    row, column : arrays, shapes (n,) and (m,)
        What is added to every row, and to every column.
    g : array, shape (m, n)
        ∂L/∂z of the sum z of the two.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    row, column, g = np.asarray(row), np.asarray(column), np.asarray(g)
    m, n = len(column), len(row)
    if g.shape != (m, n):
        raise ValueError(f"copies: g has shape {g.shape}, expected {(m, n)}")
    wide, high, gap = 36.0, 27.0, 24.0
    size = wide, high
    grid = wide * n
    parts = [
        svg.text(HALF / 2, 20, "forward: copy", svg.FORWARD, font_weight=600, font_size=17),
        svg.text(3 * HALF / 2, 20, "backward: sum", svg.BACKWARD, font_weight=600, font_size=17),
    ]
    # The row, above its copies; its gradient, below g.
    for half, paint in enumerate((svg.FORWARD, svg.BACKWARD)):
        x, y = HALF * half + (HALF - grid) / 2 + 14, 40.0
        middle = y + (high + gap if half == 0 else 0)
        alone = y if half == 0 else y + high * m + gap
        values = np.tile(row, (m, 1)) if half == 0 else g
        ends = row if half == 0 else g.sum(axis=0)
        parts += _grid(
            (x, middle), (m, n), paint, size, numbers=values, dashed=half == 0,
            marked=_column(0, m),
        )  # fmt: skip
        parts += _grid((x, alone), (1, n), paint, size, numbers=ends[None], marked=[(0, 0)])
        start = (alone if half == 0 else middle) + high * (1 if half == 0 else m)
        parts += [_arrow((x + wide * (k + 0.5), start + 3), (0, gap - 6), paint) for k in range(n)]
        parts.append(
            _label((x - 8, middle + high * m / 2 + 5), ("copies", "g")[half], paint, "end")
        )
        parts.append(_label((x - 8, alone + high / 2 + 5), ("b", "∂L/∂b")[half], paint, "end"))
    # The column, left of its copies; its gradient, right of g.
    for half, paint in enumerate((svg.FORWARD, svg.BACKWARD)):
        x, y = HALF * half + (HALF - grid - wide - gap) / 2, 212.0
        middle = x + (wide + gap if half == 0 else 0)
        alone = x if half == 0 else x + grid + gap
        values = np.tile(column[:, None], (1, n)) if half == 0 else g
        ends = column if half == 0 else g.sum(axis=1)
        parts += _grid(
            (middle, y), (m, n), paint, size, numbers=values, dashed=half == 0, marked=_row(0, n)
        )
        parts += _grid((alone, y), (m, 1), paint, size, numbers=ends[:, None], marked=[(0, 0)])
        start = (alone + wide) if half == 0 else (middle + grid)
        parts += [_arrow((start + 3, y + high * (k + 0.5)), (gap - 6, 0), paint) for k in range(m)]
        parts.append(_label((middle + grid / 2, y - 8), ("copies", "g")[half], paint))
        parts.append(_label((alone + wide / 2, y - 8), ("c", "∂L/∂c")[half], paint))
    said = (
        f"forward, the row {row.tolist()} is copied to {m} rows and the column {column.tolist()} to"
        f" {n} columns; backward, g = {g.tolist()} has the column sums {g.sum(axis=0).tolist()}"
        f" and the row sums {g.sum(axis=1).tolist()}"
    )
    return drawing(title, 212 + high * m + 12, said, *parts)


def _label(at: Place, words: str, paint: str, anchor: str = "middle") -> str:
    return svg.text(*at, words, paint, text_anchor=anchor, font_weight=600)


def _arrow(start: Place, way: Place, paint: str) -> str:
    """Draw a short arrow that runs straight down or to the right."""
    (x, y), (dx, dy) = start, way
    return svg.pointer(start, (x + dx, y + dy), paint, "1.8", 6, 6 / 1.8)


def _outputs_and_targets(name: str, p: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    """Return both as arrays; raise ValueError in the name of the figure if they do not match."""
    p, y = np.asarray(p, float), np.asarray(y, float)
    if p.shape != y.shape or p.ndim != 1:
        raise ValueError(f"{name}: y has shape {y.shape}, expected {p.shape} with one axis")
    return p, y


def differences(p: ArrayLike, y: ArrayLike, title: str) -> Drawing:
    """Draw a column p minus a row y: every output minus every target, the wanted ones marked.

    Parameters
    ----------
    p, y : arrays, shape (n,)
        Outputs and targets.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If there are not as many targets as outputs.
    """
    p, y = _outputs_and_targets("differences", p, y)
    n = len(p)
    d = np.round(p[:, None] - y, 10)
    wide, high, gap = 40.0, 28.0, 8.0
    size, left, top = (wide, high), 62.0, 70.0
    diagonal = [(k, k) for k in range(n)]
    x = left + wide + gap
    beside = x + wide * n + 18
    wanted, found = (np.diag(d) ** 2).mean(), (d**2).mean()
    words = (
        ("on the diagonal:", 400), (f"mean square {wanted:.2f}", 700),
        ("over all entries:", 400), (f"mean square {found:.2f}", 700),
    )  # fmt: skip
    drops = (top + 12, top + 31, top + 63, top + 82)
    parts = [
        *_grid((left, top), (n, 1), svg.FORWARD, size, numbers=p[:, None]),
        *_grid((x, top - gap - high), (1, n), svg.FORWARD, size, numbers=y[None]),
        *_grid((x, top), d.shape, svg.FORWARD, size, marked=diagonal, numbers=d),
        _label((left - 8, top + high * n / 2), "p", svg.FORWARD, "end"),
        svg.text(left - 8, top + high * n / 2 + 18, "(B, 1)", svg.FORWARD, text_anchor="end"),
        _label((x - 8, top - gap - high / 2 + 5), "y", svg.FORWARD, "end"),
        svg.text(x + wide * n / 2, top - gap - high - 9, "(B,)", svg.FORWARD),
        _label((x + wide * n / 2, top + high * n + 20), "p − y  (B, B)", svg.FORWARD),
        *(
            svg.text(beside, drop, line, font_weight=weight, text_anchor="start")
            for (line, weight), drop in zip(words, drops, strict=True)
        ),
    ]
    said = (
        f"the column {p.tolist()} minus the row {y.tolist()} is {d.tolist()}; the mean square of"
        f" the diagonal is {wanted:.2f}, that of all entries {found:.2f}"
    )
    return drawing(title, top + high * n + 32, said, *parts)


def pulls(p: ArrayLike, y: ArrayLike, title: str) -> Drawing:
    """Draw where a step should move each output, to its target, and where it does, to their mean.

    Parameters
    ----------
    p, y : arrays, shape (n,)
        Outputs and targets, both from 0 to 1.
    title : str
        What the picture shows, for those who do not see it.

    Raises
    ------
    ValueError
        If there are not as many targets as outputs.
    """
    p, y = _outputs_and_targets("pulls", p, y)
    left, long, top, step, apart = 136.0, 256.0, 84.0, 52.0, 10.0
    mean = float(y.mean())
    bottom = top + step * (len(p) - 1) + 26

    def at(value: float) -> float:
        return left + long * value

    parts = [
        svg.text(left, 18, "column of targets: each to its own", svg.FORWARD, text_anchor="start"),
        svg.text(left, 38, "row of targets: to their mean μ", svg.BACKWARD, text_anchor="start"),
        svg.element(
            "line", x1=at(mean), x2=at(mean), y1=top - 30, y2=bottom + 4, stroke=svg.BACKWARD,
            stroke_width="1.4", stroke_dasharray="3 4",
        ),
        svg.text(at(mean), bottom + 20, f"μ = {mean:.2f}", svg.BACKWARD),
        svg.text(at(0), bottom + 20, "0"),
        svg.text(at(1), bottom + 20, "1"),
    ]  # fmt: skip
    said = []
    for k, (output, target) in enumerate(zip(p, y, strict=True)):
        height, index = top + step * k, svg.lowered(k + 1)
        name, aim = f"p{index} = {output:g}", f"y{index} = {target:g}"
        parts += [
            svg.text(8, height + 5, f"{name}, {aim}", text_anchor="start"),
            svg.element(
                "line", x1=at(0), x2=at(1), y1=height, y2=height, stroke="currentColor",
                stroke_width="1", stroke_opacity="0.45",
            ),
        ]  # fmt: skip
        for end, drop, paint in ((target, -apart, svg.FORWARD), (mean, apart, svg.BACKWARD)):
            ends = (at(output), height + drop), (at(end), height + drop)
            parts.append(svg.pointer(*ends, paint, "2.4", 9, 4.5))
        parts.append(svg.element("circle", cx=at(output), cy=height, r=5.5, fill="currentColor"))
        said.append(f"{name} is pulled to {mean:.2f} instead of {aim}")
    return drawing(title, bottom + 30, "; ".join(said), *parts)
