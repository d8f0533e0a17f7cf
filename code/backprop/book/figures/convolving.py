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
from backprop.book.figures.stepper import Frame, computed

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


Window = tuple[tuple[int, int], tuple[int, int]]
"""Where a window begins, and its shape."""


class _Scene(NamedTuple):
    """One frame: three grids, a window on one or two of them, and what has been found so far.

    ``known`` says which numbers of the grid ``target`` stand there already, and ``place`` which of
    them is found now: none, if it is empty.
    """

    heads: tuple[str, str, str]
    grids: tuple[Array, Array, Array]
    target: int
    known: Array
    windows: Mapping[int, Sequence[Window]]
    arrows: tuple[bool, bool]
    paint: str
    caption: str


def _frame(scene: _Scene) -> Frame:
    parts, lefts = [], (LEFT, MIDDLE, RIGHT)
    middle = TOP + 2.5 * CELL
    for k, (head, grid, left) in enumerate(zip(scene.heads, scene.grids, lefts, strict=True)):
        rows, columns = grid.shape
        wide = (4, 2, 5)[k]
        x, y = left + CELL * (wide - columns) / 2, middle - CELL * rows / 2
        for place, shape in scene.windows.get(k, ()):
            parts.append(_marked(x, y, CELL, place, shape, scene.paint))
        parts.append(_squares(x, y, grid.shape, CELL, stroke_width="1", opacity="0.45"))
        if head.startswith("δ") and rows == 5:
            parts.append(
                svg.element(
                    "rect", x=x + CELL, y=y + CELL, width=3 * CELL, height=3 * CELL, fill="none",
                    stroke="currentColor", stroke_width="1.5",
                )
            )  # fmt: skip
        found = k == scene.target
        parts.append(
            _numbers(grid, x, y, CELL, scene.known if found else None, scene.paint if found else "")
        )
        parts.append(svg.text(left + CELL * wide / 2, 18, head, font_weight=600))
    first = (LEFT + 4 * CELL + 8, MIDDLE - 8)
    second = (MIDDLE + 2 * CELL + 8, RIGHT + (CELL if scene.grids[2].shape == (3, 3) else 0) - 8)
    for ends, rightward in zip((first, second), scene.arrows, strict=True):
        parts.append(_arrow(*(ends if rightward else ends[::-1]), middle, scene.paint))
    height = TOP + 5 * CELL + 8
    return Frame(
        svg.picture(svg.WIDTH, height, scene.caption.split(":")[0], scene.caption, *parts),
        scene.caption,
    )


def _so_far(shape: tuple[int, ...], place: tuple[int, int]) -> Array:
    """Return what of a grid is known once a place has been reached, row by row."""
    order = np.arange(math.prod(shape)).reshape(shape)
    return np.asarray(order <= order[place])


def _at(place: tuple[int, int]) -> str:
    return f"row {place[0] + 1}, column {place[1] + 1}"


ONE = (1, 1)
PIXEL = (1, 2)
"""The pixel that receives from both errors."""


def _outputs() -> list[Frame]:
    """Nine frames: the filter slides over the image."""
    z, frames = slide(IMAGE, FILTER), []
    for place in np.ndindex(3, 3):
        i, j = place
        worked = _sum(list(zip(FILTER.ravel(), IMAGE[i : i + 2, j : j + 2].ravel(), strict=True)))
        frames.append(_frame(_Scene(
            ("image x", "filter W", "output z"), (IMAGE, FILTER, z), 2, _so_far((3, 3), place),
            {0: [(place, (2, 2))], 2: [(place, ONE)]}, (True, True), svg.FORWARD,
            f"Forward, {_at(place)}: {worked}",
        )))  # fmt: skip
    return frames


def _weights() -> list[Frame]:
    """Four frames: the error slides over the image. Products with an error of 0 are left out."""
    dW, frames = slide(IMAGE, ERROR), []
    for place in np.ndindex(2, 2):
        i, j = place
        pairs = zip(ERROR.ravel(), IMAGE[i : i + 3, j : j + 3].ravel(), strict=True)
        worked = _sum([pair for pair in pairs if pair[0]])
        frames.append(_frame(_Scene(
            ("image x", "∂L/∂W", "error δ"), (IMAGE, dW, ERROR), 1, _so_far((2, 2), place),
            {0: [(place, (3, 3))], 1: [(place, ONE)]}, (True, False), svg.BACKWARD,
            f"Backward to the weight in {_at(place)}: {worked}",
        )))  # fmt: skip
    return frames


def _stamps() -> list[Frame]:
    """Two frames: each error stamps the filter, times itself, onto its window."""
    dx, known = np.zeros((4, 4)), np.zeros((4, 4), bool)
    frames: list[Frame] = []
    for place in np.argwhere(ERROR):
        i, j = place
        dx[i : i + 2, j : j + 2] += ERROR[i, j] * FILTER
        known[i : i + 2, j : j + 2] = True
        again = " Where the stamps overlap, they add up." if frames else ""
        frames.append(_frame(_Scene(
            ("∂L/∂x", "filter W", "error δ"), (dx.copy(), FILTER, ERROR), 0, known.copy(),
            {0: [((i, j), (2, 2))], 2: [((i, j), ONE)]}, (False, False), svg.BACKWARD,
            f"The error {_shown(ERROR[i, j])} stamps {_shown(ERROR[i, j])}·W onto the window that"
            f" its output used.{again}",
        )))  # fmt: skip
    return frames


def _pixels() -> list[Frame]:
    """Frames of all pixels whose window holds an error: the turned filter collects them."""
    ring, turned = ringed(ERROR, (2, 2)), FILTER[::-1, ::-1]
    dx, frames = slide(ring, turned), []
    silent = slide(ring != 0, np.ones((2, 2))) == 0
    for place in np.ndindex(4, 4):
        i, j = place
        seen = ring[i : i + 2, j : j + 2]
        if seen.any():
            worked = _sum(list(zip(turned.ravel(), seen.ravel(), strict=True)))
            frames.append(_frame(_Scene(
                ("∂L/∂x", "W turned", "δ in zeros"), (dx, turned, ring), 0,
                silent | _so_far((4, 4), place),
                {0: [(place, ONE)], 2: [(place, (2, 2))]}, (False, False), svg.BACKWARD,
                f"Backward to the pixel in {_at(place)}: {worked}",
            )))  # fmt: skip
    return frames


def by_hand() -> list[Frame]:
    """Return the example in 22 frames: outputs, weights, stamps, pixels."""
    return [*_outputs(), *_weights(), *_stamps(), *_pixels()]


def turning(title: str) -> Drawing:
    """Draw the four windows that hold one pixel, and through which weight each of them meets it."""
    small, (m, n) = 20.0, PIXEL
    top, down, across = 52.0, 112.0, 108.0
    lefts, middle = (6.0, 104.0, 346.0), top + 96.0
    met, parts = np.zeros((2, 2)), []
    for a, b in np.ndindex(2, 2):
        i, j = m - 1 + a, n - 1 + b
        x, y = lefts[1] + across * b, top + down * a
        met[a, b] = FILTER[m - i, n - j]
        parts += [
            _marked(x, y, small, (i, j), (2, 2), svg.FORWARD),
            _squares(x, y, (4, 4), small, stroke_width="1", opacity="0.35"),
            _marked(x, y, small, PIXEL, ONE, svg.BACKWARD),
            svg.text(x + 2 * small, y - 8, f"z{svg.lowered(i, j)}", svg.FORWARD, font_weight=600),
        ]
        for (u, v), weight in np.ndenumerate(FILTER):
            here = (i + u, j + v) == PIXEL
            parts.append(
                svg.text(x + small * (j + v + 0.5), y + small * (i + u + 0.5) + 5, _shown(weight),
                         svg.BACKWARD if here else "currentColor",
                         font_weight=600 if here else 400)
            )  # fmt: skip
    grids = (
        (lefts[0], ("filter W",), FILTER, ""),
        (lefts[2], (f"x{svg.lowered(m, n)} meets", "W turned"), met, svg.BACKWARD),
    )
    for left, heads, grid, paint in grids:
        y = middle - CELL
        parts.append(_squares(left, y, (2, 2), CELL, stroke_width="1", opacity="0.6"))
        parts.append(_numbers(grid, left, y, CELL, None, paint))
        for k, words in enumerate(reversed(heads)):
            parts.append(
                svg.text(left + CELL, y - 10 - svg.LINE * k, words, paint or "currentColor",
                         font_weight=600)
            )  # fmt: skip
    right = lefts[1] + across + 4 * small
    parts.append(_arrow(lefts[0] + 2 * CELL + 8, lefts[1] - 8, middle, svg.FORWARD))
    parts.append(_arrow(right + 10, lefts[2] - 10, middle, svg.BACKWARD))
    words = f"the four windows that hold the pixel x{svg.lowered(m, n)}"
    parts.append(svg.text((lefts[1] + right) / 2, 18, words))
    said = f"The pixel meets, row by row, the weights {_listed(met)}: the filter after half a turn."
    return drawing(title, top + down + 4 * small + 8, said, *parts)


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
    for values, at, left, width, y, paint in (
        (z, place, inner[0], 6 * cell, top + 8 * cell + 17, svg.FORWARD),
        (dx, pixel, lefts[0], 8 * cell, below + 9 * cell + 17, svg.BACKWARD),
    ):
        number = f"{values[at]:.3g}".replace("-", MINUS)
        parts.append(svg.text(left + width / 2, y, f"marked: {number}", paint))
    said = (
        f"forward, the window at row {i + 1}, column {j + 1} of the image gives {z[i, j]:.2f};"
        f" backward, the turned filter gives {dx[pixel]:.3f} at the pixel in its middle"
    )
    return drawing(title, below + wide + 8, said, *parts)


def toeplitz(title: str) -> Drawing:
    """Draw the 16 x 9 matrix of the example, one column and one row of it marked."""
    rows, columns, wide, cell = 16, 9, 24.0, 17.0
    left, top = 104.0, 28.0
    right, foot = left + columns * wide, top + rows * cell
    parts = []
    for x, y, width, height, paint in (
        (left + wide, top, wide, rows * cell, svg.FORWARD),
        (left, top + 6 * cell, columns * wide, cell, svg.BACKWARD),
    ):
        parts.append(
            svg.element("rect", x=x, y=y, width=width, height=height, fill=paint,
                        fill_opacity="0.16", stroke=paint, stroke_width="3")
        )  # fmt: skip
    for k in range(rows + 1):
        thick = {"stroke_width": "1.5"} if k % 4 == 0 else {"stroke_width": "0.6", "opacity": "0.3"}
        parts.append(
            svg.element("line", x1=left, x2=right, y1=top + cell * k, y2=top + cell * k,
                        stroke="currentColor", **thick)
        )  # fmt: skip
    for k in range(columns + 1):
        thick = {"stroke_width": "1.5"} if k % 3 == 0 else {"stroke_width": "0.6", "opacity": "0.3"}
        parts.append(
            svg.element("line", x1=left + wide * k, x2=left + wide * k, y1=top, y2=foot,
                        stroke="currentColor", **thick)
        )  # fmt: skip
    for out in range(columns):
        i, j = divmod(out, 3)
        for (u, v), value in np.ndenumerate(FILTER):
            pixel = 4 * (i + u) + j + v
            x, y = left + wide * (out + 0.5), top + cell * (pixel + 0.5) + 5
            parts.append(svg.text(x, y, _shown(value), font_weight=600))
    for k in range(4):
        y = top + cell * (4 * k + 2) + 5
        parts.append(svg.text(left - 10, y, f"pixels, row {k}", text_anchor="end"))
    parts.append(svg.text((left + right) / 2, 18, "outputs: rows 0, 1 and 2"))
    for k, (y, words, paint) in enumerate(
        (
            (top + 16, "a column:", svg.FORWARD),
            (top + 34, f"1, 2, {MINUS}1, 3", svg.FORWARD),
            (top + 6 * cell + 14, "a row:", svg.BACKWARD),
            (top + 6 * cell + 32, f"3, {MINUS}1, 2, 1", svg.BACKWARD),
        )
    ):
        parts.append(
            svg.text(right + 10, y, words, paint, text_anchor="start",
                     font_weight=600 if k % 2 else 400)
        )  # fmt: skip
    said = "The second column holds 1, 2, -1, 3 from top to bottom; the seventh row 3, -1, 2, 1."
    return drawing(title, foot + 8, said, *parts)


POOLED_ERROR = np.array([[8, -4], [12, 4]])
"""The errors of the four outputs of a pooling layer over the example's image."""


def pooling(title: str) -> Drawing:
    """Draw what two kinds of pooling send back: to the largest number of a window, or to all."""
    cell, top = 24.0, 46.0
    lefts = 2.0, 120.0, 242.0, 322.0
    middle, foot = top + 2 * cell, top + 4 * cell
    largest, equal = np.zeros((4, 4)), np.kron(POOLED_ERROR, np.full((2, 2), 0.25))
    parts = []
    for i, j in np.ndindex(2, 2):
        window = IMAGE[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]
        u, v = np.unravel_index(window.argmax(), window.shape)
        place = 2 * i + int(u), 2 * j + int(v)
        largest[place] = POOLED_ERROR[i, j]
        for left, paint in ((lefts[0], svg.FORWARD), (lefts[1], svg.BACKWARD)):
            parts.append(_marked(left, top, cell, place, ONE, paint))
    grids = (
        (lefts[0], top, IMAGE, ""), (lefts[1], top, largest, svg.BACKWARD),
        (lefts[2], middle - cell, POOLED_ERROR, ""), (lefts[3], top, equal, svg.BACKWARD),
    )  # fmt: skip
    for left, y, grid, paint in grids:
        parts.append(_squares(left, y, grid.shape, cell, stroke_width="1", opacity="0.45"))
        shown = grid != 0 if grid is largest else None
        parts.append(_numbers(grid, left, y, cell, shown, paint))
        if len(grid) == 4:
            parts.append(_squares(left, y, (2, 2), 2 * cell, stroke_width="1.5"))
    heads = ("", "map x"), ("max:", "to the largest"), ("", "errors"), ("average:", "equal shares")
    for (first, second), (left, _, grid, paint) in zip(heads, grids, strict=True):
        x = left + cell * grid.shape[1] / 2
        for y, words, weight in ((18.0, first, 600), (36.0, second, 600 if not first else 400)):
            if words:
                parts.append(svg.text(x, y, words, paint or "currentColor", font_weight=weight))
    parts.append(_arrow(lefts[2] - 3, lefts[1] + 4 * cell + 3, middle, svg.BACKWARD))
    parts.append(_arrow(lefts[2] + 2 * cell + 3, lefts[3] - 3, middle, svg.BACKWARD))
    said = (
        f"errors {_listed(POOLED_ERROR)}; max pooling sends back, row by row, {_listed(largest)};"
        f" average pooling {_listed(equal)}"
    )
    return drawing(title, foot + 4, said, *parts)


def _listed(values: Array) -> str:
    return ", ".join(_shown(value) for value in values.ravel())


def travelling(
    pictures: Array,
    filters: Array,
    maps: Array,
    chances: Mapping[str, Array],
    moves: Sequence[str],
    digit: int,
) -> list[Frame]:
    """Return frames of an image that moves, what filters make of it, and how networks read it.

    Parameters
    ----------
    pictures : array, shape (t, n, n)
        The image in each place.
    filters : array, shape (k, m, m)
    maps : array, shape (t, k, n, n)
        What each filter makes of each image; the largest value is ringed.
    chances : mapping of str to array, shape (t, 10)
        A network's name to the probabilities that it gives to the digits in each place.
    moves : sequence of str
        Where the image is, one for each place.
    digit : int
        The right answer.
    """
    count, n, m = len(filters), pictures.shape[1], filters.shape[1]
    pitch, side, small = svg.WIDTH / (count + 1), 76.0, 12.0
    cell, above, below = side / n, 4.0, 72.0
    frames = []

    def boxed(x: float, y: float, width: float) -> str:
        return svg.element("rect", x=x, y=y, width=width, height=width, fill="none",
                           stroke="currentColor", stroke_width="1", opacity="0.6")  # fmt: skip

    for t, image in enumerate(pictures):
        x = (pitch - side) / 2
        parts = [
            _inked(image, x, below, cell), boxed(x, below, side),
            svg.text(pitch / 2, below + side + 17, "largest"),
            svg.text(pitch / 2, above + small * m / 2 + 5, "filters"),
        ]  # fmt: skip
        for k, weights in enumerate(filters):
            middle, z = pitch * (k + 1.5), maps[t, k]
            x = middle - small * m / 2
            parts += [_signed(weights, x, above, small), boxed(x, above, small * m)]
            x = middle - side / 2
            parts.append(_inked(np.clip(z / float(maps[:, k].max()), 0, 1), x, below, cell))
            parts.append(boxed(x, below, side))
            i, j = np.unravel_index(z.argmax(), z.shape)
            parts.append(
                svg.element("circle", cx=x + cell * (j + 0.5), cy=below + cell * (i + 0.5), r="8.5",
                            fill="none", stroke=svg.FORWARD, stroke_width="3")
            )  # fmt: skip
            parts.append(
                svg.text(middle, below + side + 17, f"{z.max():.2f}", svg.FORWARD, font_weight=600)
            )
        told = []
        for row, (name, found) in enumerate(chances.items()):
            read, sure = int(found[t].argmax()), 100 * float(found[t].max())
            answer = f"{read}, {'right' if read == digit else 'wrong'}"
            share = f"({'over 99' if sure > 99 else f'{sure:.0f}'} %)"
            y = below + side + 44 + 22 * row
            for x, words, anchor, weight in (
                (184.0, f"{name}:", "end", 400),
                (194.0, answer, "start", 600),
                (274.0, share, "start", 400),
            ):
                parts.append(svg.text(x, y, words, text_anchor=anchor, font_weight=weight))
            told.append(f"{name} reads {answer} {share}")
        said = f"{moves[t]}: {'; '.join(told)}"
        height = below + side + 30 + 22 * len(chances)
        markup = svg.picture(svg.WIDTH, height, said, said, *parts)
        # What a trained network answers may depend on the machine; the caption does not.
        frames.append(computed(markup, f"{moves[t]}."))
    return frames


def drops(rows: Mapping[str, tuple[Any, Any]], title: str) -> Drawing:
    """Draw for each network the accuracies on digits in their place and on moved ones.

    Parameters
    ----------
    rows : mapping of str to (array, array)
        Name, with line breaks, to the accuracies of several starts: in place, and moved.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 0.38 * len(rows) + 0.9))
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
    for where, words, color in (
        (0.42, "◆ moved by one pixel", COLORS[1]),
        (0.86, "● in place", INK),
    ):
        ax.text(where, 1.02, words, color=color, fontsize=11, ha="center", va="bottom",
                transform=ax.transAxes)  # fmt: skip
    return plotted(fig, title)
