"""The figures of the chain rule: a change that takes two paths, and what goes through a graph.

Widths and places are to scale, and every number follows from others on the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise, product

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

FIRST, SECOND = svg.FORWARD, "var(--bp-ink, #59636e)"
Place = tuple[float, float]


def _start(x: float, y: float, words: str, fill: str = "currentColor", weight: int = 400) -> str:
    return svg.text(x, y, words, fill, text_anchor="start", font_weight=weight)


def _end(x: float, y: float, words: str, fill: str = "currentColor", weight: int = 400) -> str:
    return svg.text(x, y, words, fill, text_anchor="end", font_weight=weight)


def _line(start: Place, end: Place, paint: str, thick: float = 1.2, **more: str) -> str:
    return svg.element(
        "line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], stroke=paint,
        stroke_width=svg.fixed(thick), **more,
    )  # fmt: skip


def _arrow(
    start: Place, end: Place, paint: str, thick: float = 1.2, slope: int | None = None
) -> str:
    """Draw an arrow whose point touches ``end``, dashed if it stands for a slope of 0."""
    head = 5 + 1.5 * thick
    dashes = "5 4" if slope == 0 else None
    return svg.pointer(
        start, end, paint, svg.fixed(thick), head, head / 2.3, stroke_dasharray=dashes
    )


def _box(x: float, y: float, width: float, height: float, name: str) -> str:
    """Return a rounded box with its middle at (x, y) and its name in it."""
    rim = svg.element(
        "rect", x=x - width / 2, y=y - height / 2, width=float(width), height=float(height), rx=9,
        fill=svg.GROUND, stroke="currentColor", stroke_width="1.8",
    )  # fmt: skip
    return rim + svg.text(x, y + 6, name, font_weight=600, font_size=18)


def _ribbon(start: Place, end: Place, widths: tuple[float, float], paint: str) -> str:
    """Draw a band whose width grows evenly from the first to the second of ``widths``."""
    (x0, y0), (x1, y1), (w0, w1) = start, end, widths
    mid = (x0 + x1) / 2
    a, b, c, d = (svg.fixed(v) for v in (y0 - w0 / 2, y1 - w1 / 2, y1 + w1 / 2, y0 + w0 / 2))
    left, middle, right = svg.fixed(x0), svg.fixed(mid), svg.fixed(x1)
    path = (
        f"M{left} {a}C{middle} {a} {middle} {b} {right} {b}"
        f"L{right} {c}C{middle} {c} {middle} {d} {left} {d}Z"
    )
    return svg.element("path", d=path, fill=paint, fill_opacity="0.42", stroke=paint)


def flow(title: str) -> Drawing:
    """Draw y = u₁u₂ with u₁ = x², u₂ = 2x - 1 at x = 3: a change of x takes two paths.

    Each ribbon is as wide as the change that it carries.
    """
    x, unit = 3, 2.2
    u1, u2 = x * x, 2 * x - 1
    du1, du2 = 2 * x, 2
    dy1, dy2 = u2 * du1, u1 * du2
    left, middle, right = 34.0, 188.0, 366.0
    high, low, centre = 84.0, 214.0, 146.0
    total = unit * (dy1 + dy2)
    top = centre - total / 2
    parts = [
        _ribbon((left, centre - 6), (middle, high), (unit, unit * du1), FIRST),
        _ribbon((left, centre + 6), (middle, low), (unit, unit * du2), SECOND),
        _ribbon((middle, high), (right, top + unit * dy1 / 2), (unit * du1, unit * dy1), FIRST),
        _ribbon(
            (middle, low), (right, centre + total / 2 - unit * dy2 / 2),
            (unit * du2, unit * dy2), SECOND,
        ),
        _box(left, centre, 44, 44, "x"),
        _box(middle, high, 44, 44, "u₁"),
        _box(middle, low, 44, 44, "u₂"),
        _box(right, centre, 44, total + 8, "y"),
        svg.text(left, centre - 34, f"x = {x}"),
        svg.text(left, centre + 40, "dx", font_weight=600),
        svg.text(middle, high - 50, f"u₁ = x² = {u1}"),
        svg.text(middle, high - 31, f"du₁ = {du1} dx", FIRST, font_weight=600),
        svg.text(middle, low + 43, f"u₂ = 2x − 1 = {u2}"),
        svg.text(middle, low + 62, f"du₂ = {du2} dx", SECOND, font_weight=600),
        _end(108, 84, f"× 2x = {du1}", FIRST, 600),
        _end(100, 220, f"× {du2}", SECOND, 600),
        svg.text(268, 74, f"× u₂ = {u2}", FIRST, font_weight=600),
        _start(220, 238, f"× u₁ = {u1}", SECOND, 600),
        svg.text(310, 126, f"{dy1} dx", font_weight=600),
        svg.text(316, 190, f"{dy2} dx", font_weight=600),
        _end(416, 58, f"y = {u1} · {u2} = {u1 * u2}"),
        _end(416, 262, f"dy = {dy1} dx + {dy2} dx"),
        _end(416, 281, f"= {dy1 + dy2} dx", weight=600),
    ]  # fmt: skip
    said = (
        f"x = {x}; u₁ = {u1} changes by {du1} dx; u₂ = {u2} changes by {du2} dx; "
        f"y changes by {dy1} dx + {dy2} dx = {dy1 + dy2} dx"
    )
    return drawing(title, 292, said, *parts)


def stretch(title: str) -> Drawing:
    """Draw three places around x = 3, and where u = 2x - 1 and y = u² put them, to one scale."""
    xs = [2.8, 3.0, 3.2]
    us = [2 * x - 1 for x in xs]
    ys = [u * u for u in us]
    unit, middle = 44.0, 212.0
    rows = [(48.0, xs), (112.0, us), (176.0, ys)]
    places = [[(middle + unit * (v - values[1]), y) for v in values] for y, values in rows]
    parts = [_line((24, y), (406, y), "currentColor", 1, stroke_opacity="0.5") for y, _ in rows]
    for above, below in pairwise(places):
        for k, (start, end) in enumerate(zip(above, below, strict=True)):
            parts.append(_line(start, end, FIRST, 2.4 if k == 1 else 1.2))
    for x, y in (place for row in places for place in row):
        parts.append(svg.element("circle", cx=x, cy=y, r="3", fill=FIRST, stroke="none"))
    parts += [
        _start(24, 40, "x", weight=600),
        _start(24, 104, "u = 2x − 1", weight=600),
        _start(104, 168, "y = u²", weight=600),
        svg.text(middle, 36, "3", font_weight=600),
        _end(middle - 16, 40, "2.8"),
        _start(middle + 16, 40, "3.2"),
        svg.text(middle - 8, 104, "5", font_weight=600),
        _end(middle - 26, 104, "4.6"),
        _start(middle + 28, 104, "5.4"),
        _start(middle + 40, 82, "× 2", FIRST, 600),
        _end(416, 140, "about × 10", FIRST, 600),
    ]
    parts += [svg.text(x, y + 24, f"{v:.4g}") for (x, y), v in zip(places[2], ys, strict=True)]
    said = "; ".join(
        f"{name}: {', '.join(f'{v:.4g}' for v in values)}"
        for name, values in (("x", xs), ("u", us), ("y", ys))
    )
    return drawing(title, 210, said, *parts)


def rectangle(dx: float, title: str) -> Drawing:
    """Draw y = u₁u₂ as an area, and the three pieces by which it grows when x = 3 grows by ``dx``.

    The two strips are the paths of ``flow``; all lengths are to one scale.
    """
    x, unit, left, foot = 3, 22.0, 70.0, 196.0
    u1, u2 = x * x, 2 * x - 1
    grow1, grow2 = (x + dx) ** 2 - u1, 2 * dx
    right, top = left + unit * u1, foot - unit * u2
    beyond, above = right + unit * grow1, top - unit * grow2
    first, second = f"{u2} · {grow1:.6g}", f"{u1} · {grow2:.6g}"
    corner = f"{grow1:.6g} · {grow2:.6g}"

    def piece(x0: float, y0: float, x1: float, y1: float, paint: str, opacity: str) -> str:
        return svg.element(
            "rect", x=x0, y=y0, width=x1 - x0, height=y1 - y0, fill=paint, fill_opacity=opacity,
            stroke=paint, stroke_width="1.5",
        )  # fmt: skip

    parts = [
        piece(left, top, right, foot, "currentColor", "0.05"),
        piece(right, top, beyond, foot, FIRST, "0.42"),
        piece(left, above, right, top, SECOND, "0.42"),
        piece(right, above, beyond, top, svg.BACKWARD, "0.6"),
        svg.text((left + right) / 2, (top + foot) / 2 + 5, f"y = {u1} · {u2} = {u1 * u2}"),
        svg.text((left + right) / 2, foot + 20, f"u₁ = {u1}"),
        svg.text((right + beyond) / 2, foot + 20, f"+ {grow1:.6g}", FIRST, font_weight=600),
        _end(left - 8, (top + foot) / 2 + 5, f"u₂ = {u2}"),
        _end(left - 8, (above + top) / 2 + 5, f"+ {grow2:.6g}", SECOND, 600),
        svg.text(
            (left + right) / 2, above - 10, f"lower path: {second} = {u1 * grow2:.6g}", SECOND,
            font_weight=600,
        ),
    ]  # fmt: skip
    for at, paint, lines in (
        ((top + foot) / 2 - 12, FIRST, ("upper path:", first, f"= {u2 * grow1:.6g}")),
        (above - 10, svg.BACKWARD, ("corner:", corner, f"= {grow1 * grow2:.6g}")),
    ):
        parts += [_start(beyond + 10, at + 18 * k, w, paint, 600) for k, w in enumerate(lines)]
    said = (
        f"{u1 + grow1:.6g} · {u2 + grow2:.6g} − {u1 * u2} = "
        f"{u2 * grow1:.6g} + {u1 * grow2:.6g} + {grow1 * grow2:.6g}"
    )
    return drawing(title, foot + 30, said, *parts)


def _matrix(
    x: float, y: float, rows: Sequence[Sequence[int]], marked: Sequence[tuple[int, int]]
) -> list[str]:
    """Draw a matrix, its left upper corner at (x, y), with plates behind the marked entries."""
    wide, tall = 26.0, 24.0
    width, height = wide * len(rows[0]), tall * len(rows)
    parts = []
    for i, j in marked:
        parts.append(
            svg.element(
                "rect", x=x + wide * j, y=y + tall * i, width=wide, height=tall, fill=FIRST,
                fill_opacity="0.28",
            )
        )  # fmt: skip
    for side, way in ((x - 3, 1), (x + width + 3, -1)):
        d = f"M{svg.fixed(side + 5 * way)} {svg.fixed(y - 2)}H{svg.fixed(side)}"
        d += f"V{svg.fixed(y + height + 2)}H{svg.fixed(side + 5 * way)}"
        parts.append(
            svg.element("path", d=d, fill="none", stroke="currentColor", stroke_width="1.5")
        )
    parts += [
        svg.text(x + wide * (j + 0.5), y + tall * (i + 0.5) + 5, str(value))
        for i, row in enumerate(rows)
        for j, value in enumerate(row)
    ]
    return parts


def row_by_column(
    first: Sequence[Sequence[int]], second: Sequence[Sequence[int]], title: str
) -> Drawing:
    """Draw two Jacobians, 2 by 3 and 3 by 2, and the paths from x₂ to y₁ that one entry adds up."""
    products = [first[1][j] * second[j][0] for j in range(3)]
    joined = [[sum(a[j] * second[j][k] for j in range(3)) for k in range(2)] for a in first]
    left, middle, right = 60.0, 210.0, 360.0
    xs = [(left, 56.0), (left, 116.0)]
    zs = [(middle, 26.0), (middle, 86.0), (middle, 146.0)]
    outs = [(right, 56.0), (right, 116.0)]
    r = 20.0

    def between(start: Place, end: Place, paint: str, thick: float, slope: int) -> str:
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy)
        ux, uy = dx / length, dy / length
        tail = start[0] + r * ux, start[1] + r * uy
        return _arrow(tail, (end[0] - r * ux, end[1] - r * uy), paint, thick, slope)

    parts = []
    for j, z in enumerate(zs):
        parts.append(between(xs[0], z, "currentColor", 0.7, first[0][j]))
        parts.append(between(z, outs[1], "currentColor", 0.7, second[j][1]))
    for j, z in enumerate(zs):
        parts.append(between(xs[1], z, FIRST, 2.4, first[1][j]))
        parts.append(between(z, outs[0], FIRST, 2.4, second[j][0]))
        for (x0, y0), (x1, y1), t, value in (
            (xs[1], z, 0.72, first[1][j]),
            (z, outs[0], 0.3, second[j][0]),
        ):
            parts.append(svg.plate(x0 + t * (x1 - x0), y0 + t * (y1 - y0), str(value), FIRST))
    for places, letter in ((xs, "x"), (zs, "z"), (outs, "y")):
        for k, (x, y) in enumerate(places):
            parts.append(
                svg.element(
                    "circle", cx=x, cy=y, r=20, fill=svg.GROUND, stroke="currentColor",
                    stroke_width="1.5",
                )
            )  # fmt: skip
            parts.append(svg.text(x, y + 6, f"{letter}{'₁₂₃'[k]}", font_weight=600, font_size=17))
    worked = " + ".join(f"{first[1][j]} · {second[j][0]}" for j in range(3))
    y0 = 200.0
    parts += _matrix(60, y0 + 12, first, [(1, j) for j in range(3)])
    parts += _matrix(188, y0, second, [(j, 0) for j in range(3)])
    parts += _matrix(302, y0 + 12, joined, [(1, 0)])
    for x, y, name in ((99, y0 - 2, "J₁"), (214, y0 - 14, "J₂"), (328, y0 - 2, "J")):
        parts.append(svg.text(x, y, name, font_weight=600))
    parts += [svg.text(x, y0 + 41, sign, font_weight=600) for x, sign in ((163, "·"), (268, "="))]
    total = f"{worked} = {' + '.join(map(str, products))} = {sum(products)}"
    parts.append(svg.text(210, y0 + 104, f"from x₂ to y₁: {total}", FIRST))
    said = f"Paths from x₂ to y₁: {worked} = {sum(products)}"
    return drawing(title, y0 + 118, said, *parts)


def carried(
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    dx: Sequence[int],
    v: Sequence[int],
    title: str,
) -> Drawing:
    """Draw a change carried forward and slopes carried backward through the same two Jacobians.

    The slopes stand on the arrows, and each circle holds what has arrived.
    """
    J1, J2 = np.array(first), np.array(second)
    dz, back = dx @ J1, v @ J2.T
    dy, result = dz @ J2, back @ J1.T
    columns = [
        [(58.0, 73.0), (58.0, 123.0)],
        [(210.0, 48.0), (210.0, 98.0), (210.0, 148.0)],
        [(362.0, 73.0), (362.0, 123.0)],
    ]
    places = (((0.45, 0.25, 0.8), (0.8, 0.25, 0.45)), ((0.55, 0.2), (0.75, 0.75), (0.2, 0.55)))
    tall = 238.0
    parts = []
    for top, paint, rows, names in (
        (0.0, FIRST, (dx, dz, dy), ("dx", "dz", "dy")),
        (tall, svg.BACKWARD, (result, back, v), ("∂L/∂x", "∂L/∂z", "v = ∂L/∂y")),
    ):
        for k, (slopes, along) in enumerate(zip((first, second), places, strict=True)):
            for i, j in product(range(len(slopes)), range(len(slopes[0]))):
                (x0, y0), (x1, y1) = columns[k][i], columns[k + 1][j]
                tail, point = svg.between((x0, y0 + top), (x1, y1 + top), 18, 18)
                if paint == svg.BACKWARD:
                    tail, point = point, tail
                parts.append(_arrow(tail, point, paint, 1.5, slopes[i][j]))
            for i, j in product(range(len(slopes)), range(len(slopes[0]))):
                (x0, y0), (x1, y1) = columns[k][i], columns[k + 1][j]
                t = along[i][j]
                x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0) + top
                parts.append(svg.plate(x, y, str(slopes[i][j]), "currentColor"))
        for column, row, name in zip(columns, rows, names, strict=True):
            parts.append(svg.text(column[0][0], column[0][1] + top - 27, name, font_weight=600))
            for (x, y), number in zip(column, row, strict=True):
                rim = svg.element(
                    "circle", cx=x, cy=y + top, r=18, fill=svg.GROUND, stroke=paint,
                    stroke_width="2",
                )  # fmt: skip
                parts.append(rim + svg.text(x, y + top + 5, f"{number}", paint, font_weight=600))
    forward = [f"dz = {_weighted(dx, J1, dz)}", f"dy = {_weighted(dz, J2, dy)}"]
    backward = [f"∂L/∂z = {_weighted(v, J2.T, back)}", f"∂L/∂x = {_weighted(back, J1.T, result)}"]
    tests = [f"dy vᵀ = {_added(dy, v)}", f"dx (∂L/∂x)ᵀ = {_added(dx, result)}"]
    parts += [
        _start(6, 18, "forward: the jvp", FIRST, 600),
        _end(414, tall + 18, "backward: the vjp", svg.BACKWARD, 600),
        *[svg.text(210, 190 + 20 * k, words) for k, words in enumerate(forward)],
        *[svg.text(210, tall + 190 + 20 * k, words) for k, words in enumerate(backward)],
        *[
            svg.text(210, tall + 234 + 20 * k, words, font_weight=600)
            for k, words in enumerate(tests)
        ],
    ]
    return drawing(title, tall + 264, "; ".join([*forward, *backward, *tests]), *parts)


def weights(
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    x: Sequence[int],
    v: Sequence[int],
    title: str,
) -> Drawing:
    """Draw two layers without activations, and on each arrow the slope of its weight.

    A circle holds a value and, below it, the slope of the loss with respect to that value. The
    weights are 2 by 3 and 3 by 2, v holds the slopes at the two outputs, and w₂₃ is marked.
    """
    W1, W2 = np.array(first), np.array(second)
    z, back = x @ W1, v @ W2.T
    y = z @ W2
    columns = [
        [(32.0, 104.0), (32.0, 194.0)],
        [(210.0, 59.0), (210.0, 149.0), (210.0, 239.0)],
        [(388.0, 104.0), (388.0, 194.0)],
    ]
    values, rows = (x, z, y), (None, back, v)
    places = (((0.5, 0.34, 0.66), (0.76, 0.3, 0.5)), ((0.5, 0.24), (0.7, 0.7), (0.24, 0.5)))
    r = 24.0
    arrows, plates, parts = [], [], []
    for k in range(2):
        slopes = np.outer(values[k], (back, v)[k])
        for i, j in np.ndindex(slopes.shape):
            (x0, y0), (x1, y1) = columns[k][i], columns[k + 1][j]
            marked = (k, i, j) == (0, 1, 2)
            tail, point = svg.between((x0, y0), (x1, y1), r, r)
            arrows.append(_arrow(tail, point, "currentColor", 2.4 if marked else 1))
            t = places[k][i][j]
            words = f"{values[k][1]} · {back[2]} = {slopes[i, j]}" if marked else f"{slopes[i, j]}"
            at = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
            plates.append(svg.plate(*at, words, svg.BACKWARD))
    for column, value, row in zip(columns, values, rows, strict=True):
        for i, (cx, cy) in enumerate(column):
            parts.append(
                svg.element(
                    "circle", cx=cx, cy=cy, r=r, fill=svg.GROUND, stroke="currentColor",
                    stroke_width="1.5",
                )
            )  # fmt: skip
            foot = cy + 5 if row is None else cy - 3
            parts.append(svg.text(cx, foot, f"{value[i]}", FIRST, font_weight=600))
            if row is not None:
                parts.append(svg.text(cx, cy + 14, f"{row[i]}", svg.BACKWARD, font_weight=600))
    lines = [
        f"z = {_weighted(x, W1, z)}",
        f"y = {_weighted(z, W2, y)}",
        f"∂L/∂z = {_weighted(v, W2.T, back)}",
    ]
    parts += [
        svg.text(32, 70, "x", FIRST, font_weight=600),
        _end(206, 26, "z,", FIRST, 600),
        _start(212, 26, "∂L/∂z", svg.BACKWARD, 600),
        _end(362, 70, "y,", FIRST, 600),
        _start(368, 70, "∂L/∂y", svg.BACKWARD, 600),
        *[
            svg.text(210, 290 + 21 * k, words, paint)
            for k, (words, paint) in enumerate(
                zip(lines, (FIRST, FIRST, svg.BACKWARD), strict=True)
            )
        ],
    ]
    return drawing(title, 344, "; ".join(lines), *arrows, *plates, *parts)


def _weighted(row: Iterable[int], table: Iterable[Iterable[int]], total: Iterable[int]) -> str:
    """Write a row times a table as a weighted sum of the table's rows."""
    terms = [
        (a, f"{abs(a)} ({', '.join(map(str, one))})") for a, one in zip(row, table, strict=True)
    ]
    return f"{_signed(terms)} = ({', '.join(map(str, total))})"


def _added(row: Iterable[int], other: Iterable[int]) -> str:
    """Write the inner product of two rows as it is computed; the second has no minus."""
    pairs = list(zip(row, other, strict=True))
    terms = [(a, f"{abs(a)} · {b}") for a, b in pairs]
    return f"{_signed(terms)} = {sum(a * b for a, b in pairs)}"


def _signed(terms: Sequence[tuple[int, str]]) -> str:
    (first, words), *rest = terms
    more = [f" {'−' if sign < 0 else '+'} {term}" for sign, term in rest]
    return ("−" if first < 0 else "") + words + "".join(more)
