"""Figures made of digits: what one step writes into the weights, and which images are misread."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted
from backprop.book.figures.steps_by_hand import factor, shown

SIDE = 8
"""Pixels of an image's side."""
GREYS = 5
"""Steps of grey: one path each, so that many images stay a small drawing."""

ABOVE, BELOW = "#009E73", "#B5548C"
"""Of weights above and below 0: neither the forward nor the backward pass."""


def glyphs(images: Array, places: Sequence[tuple[float, float]], cell: float) -> str:
    """Draw images (n, 64), ink in the page's colour; ``places`` are their upper left corners."""
    paths: list[list[str]] = [[] for _ in range(GREYS)]
    for image, (left, top) in zip(np.reshape(images, (-1, SIDE, SIDE)), places, strict=True):
        level = np.rint(np.asarray(image) * GREYS).astype(int)
        for (row, column), grey in np.ndenumerate(level):
            if grey:
                x, y = svg.fixed(left + column * cell), svg.fixed(top + row * cell)
                paths[grey - 1].append(f"M{x} {y}h{cell:g}v{cell:g}h-{cell:g}z")
    return "".join(
        svg.element("path", d="".join(path), fill="currentColor", opacity=f"{(k + 1) / GREYS:g}")
        for k, path in enumerate(paths)
        if path
    )


def sheet(images: Array, across: int, left: float, top: float, side: float, name: str) -> str:
    """Draw rows of ``across`` images (n, 64) each, in the page's colour; ``side`` is their width.

    It is one picture, a mask for the ink, and so much smaller than :func:`glyphs`. Around each
    image is an empty pixel. ``name`` is an id, unique on the page.
    """
    pixels = np.reshape(images, (-1, across, SIDE, SIDE))
    pixels = np.pad(pixels, [(0, 0), (0, 0), (1, 1), (1, 1)])
    whole = pixels.transpose(0, 2, 1, 3).reshape(len(pixels) * (SIDE + 2), -1)
    place = {"x": left, "y": top, "width": side, "height": side * len(pixels) / across}
    address = f"data:image/png;base64,{base64.b64encode(png(whole)).decode()}"
    ink = svg.element("image", href=address, style="image-rendering: pixelated", **place)
    masked = svg.element("rect", fill="currentColor", mask=f"url(#{name})", **place)
    return svg.element("mask", ink, id=name, maskUnits="userSpaceOnUse", **place) + masked


def png(image: Array) -> bytes:
    """Return a picture in 16 grays as a PNG: 0 is black, 1 is white."""
    from matplotlib.image import imsave

    made = BytesIO()
    levels = np.rint(15 * np.asarray(image)) / 15  # few of them, so that it packs well
    imsave(made, levels, vmin=0, vmax=1, cmap="gray", format="png", metadata={"Software": ""})
    return made.getvalue()


def signed(
    values: ArrayLike, left: float, top: float, cell: float, limit: float | None = None
) -> str:
    """Draw 64 numbers as squares, by area: filled where positive, outlined where negative.

    A number of size ``limit`` fills its cell; without it, the largest does.
    """
    grid = np.reshape(np.asarray(values, dtype=float), (SIDE, SIDE))
    limit = limit or float(np.abs(grid).max()) or 1.0
    paths: dict[bool, list[str]] = {True: [], False: []}
    for (row, column), value in np.ndenumerate(grid):
        half = cell * 0.46 * float(np.sqrt(abs(value) / limit))
        if half < 0.6:
            continue
        inside = half if value > 0 else half - 0.6
        x, y = left + (column + 0.5) * cell - inside, top + (row + 0.5) * cell - inside
        side = svg.fixed(2 * inside)
        paths[value > 0].append(f"M{svg.fixed(x)} {svg.fixed(y)}h{side}v{side}h-{side}z")
    paints: dict[bool, dict[str, Any]] = {
        True: {"fill": ABOVE},
        False: {"fill": "none", "stroke": BELOW, "stroke_width": "1.4"},
    }
    return "".join(
        svg.element("path", d="".join(path), **paints[sign]) for sign, path in paths.items() if path
    )


def frame(left: float, top: float, cell: float) -> str:
    """Draw the edge of an image."""
    return svg.element(
        "rect", x=left, y=top, width=SIDE * cell, height=SIDE * cell, fill="none",
        stroke="currentColor", stroke_width="1", opacity="0.5",
    )  # fmt: skip


def _mark(left: float, top: float, cell: float, pixel: int) -> str:
    row, column = divmod(pixel, SIDE)
    return svg.element(
        "rect", x=left + column * cell - 1, y=top + row * cell - 1, width=cell + 2,
        height=cell + 2, fill="none", stroke="currentColor", stroke_width="2.5",
    )  # fmt: skip


def one_step(pair: Array, factors: tuple[float, float], pixel: int, title: str) -> Drawing:
    """Draw how one step writes two images into the weights of a unit: a sum of multiples.

    Parameters
    ----------
    pair : array, shape (2, 64)
        The two images.
    factors : (float, float)
        What each is multiplied by.
    pixel : int
        The one that is marked in all three, with its numbers below.
    """
    cell, top = 13.5, 54
    lefts = (4.0, 156.0, 308.0)
    change = factors[0] * pair[0] + factors[1] * pair[1]
    numbers = [float(pair[0, pixel]), float(pair[1, pixel]), float(change[pixel])]
    parts = [
        glyphs(pair, [(left, top) for left in lefts[:2]], cell),
        signed(change, 308, top, cell),
    ]
    heads = ("image of a 0", "image of a 1", "the weights")
    for left, head, number in zip(lefts, heads, numbers, strict=True):
        middle = left + SIDE * cell / 2
        parts += [frame(left, top, cell), _mark(left, top, cell, pixel)]
        parts.append(svg.text(middle, 18, head, font_weight=600))
        below = f"here {shown(number)}"
        parts.append(svg.text(middle, top + SIDE * cell + 20, below))
    for left, words in zip(
        lefts, (*(f"{shown(f)} times" for f in factors), "their sum"), strict=True
    ):
        parts.append(svg.text(left + SIDE * cell / 2, 42, words))
    for x, sign in ((134.0, "+"), (286.0, "=")):
        parts.append(svg.text(x, top + 60, sign, font_size=22))
    worked = (
        f"{shown(factors[0])} · {shown(numbers[0])} + {factor(factors[1])} · {shown(numbers[1])}"
        f" = {shown(numbers[2])}"
    )
    parts.append(svg.text(210, 208, worked, font_weight=600))
    parts.append(svg.text(210, 230, "filled: weights above 0 · outlined: below 0"))
    said = f"{worked}; the marked pixel has row {pixel // SIDE + 1}, column {pixel % SIDE + 1}"
    return drawing(title, 238, said, *parts)


def one_path(
    x: float, w: float, a: float, v: tuple[float, float], p: tuple[float, float], label: int,
    title: str,
) -> Drawing:  # fmt: skip
    """Draw one weight's way to two outputs and the error's way back, with every factor.

    Above, in blue, what the forward pass computes; below, in orange, derivatives of the loss.
    The weights, which neither pass changes, have the colour of the page.
    """
    d = tuple(pk - (k == label) for k, pk in enumerate(p))
    da = d[0] * v[0] + d[1] * v[1]
    delta = da * a * (1 - a)
    places = {"pixel": (44.0, 128.0), "unit": (196.0, 128.0), 0: (348.0, 66.0), 1: (348.0, 190.0)}
    parts = []
    for start, end in (("pixel", "unit"), ("unit", 0), ("unit", 1)):
        (x1, y1), (x2, y2) = places[start], places[end]
        parts.append(
            svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="currentColor",
                        stroke_width="1.3")
        )  # fmt: skip
    for key, name in (("pixel", "x"), ("unit", "a"), (0, "p₀"), (1, "p₁")):
        parts.append(svg.disc(*places[key], name, None))
    blue, orange = svg.FORWARD, svg.BACKWARD
    for at, above, below in (
        ((44, 128), f"{shown(x)}", ""),
        ((196, 128), f"{shown(a)}", f"δ = {shown(delta)}"),
        ((348, 66), f"{shown(p[0])}", f"p₀ − y₀ = {shown(d[0])}"),
        ((348, 190), f"{shown(p[1])}", f"p₁ − y₁ = {shown(d[1])}"),
    ):
        parts.append(svg.text(at[0], at[1] - 31, above, blue, font_weight=600))
        parts.append(svg.text(at[0], at[1] + 41, below, orange, font_weight=600))
    parts.append(svg.text(196, 77, f"slope {shown(a * (1 - a))}", blue, font_weight=600))
    ink = "currentColor"
    parts += svg.stack(120, 128, [(f"w = {shown(w)}", ink)])
    parts += svg.stack(249, 106, [(shown(v[0]), ink)])
    parts += svg.stack(249, 150, [(shown(v[1]), ink)])
    lines = (
        f"δ = [{factor(d[0])} · {factor(v[0])} + {factor(d[1])} · {factor(v[1])}]"
        f" · {shown(a)} · {shown(1 - a)} = {shown(delta)}",
        f"∂L/∂w = x · δ = {shown(x)} · {factor(delta)} = {shown(x * delta)}",
    )
    for k, line in enumerate(lines):
        parts.append(svg.text(210, 264 + 22 * k, line, orange, font_weight=600))
    said = "; ".join((f"x = {shown(x)}, w = {shown(w)}, a = {shown(a)}", *lines))
    return drawing(title, 296, said, *parts)


def misread(
    groups: Mapping[str, Array],
    title: str,
    readings: Sequence[Sequence[str]] = (),
    columns: int = 13,
) -> Drawing:
    """Draw groups of images, each group below its heading.

    Parameters
    ----------
    groups : mapping of str to array, shape (n, 64)
        The images below each heading.
    title : str
        Of the drawing.
    readings : sequence of sequences of str
        For each group one short word below each image, such as "8›1".
    columns : int
        Images in a row; fewer are larger.
    """
    cell, pitch, y = 3.5 * 13 / columns, 32.0 * 13 / columns, 4.0
    high = SIDE * cell + (22 if readings else 4)
    parts, said = [], []
    for k, (heading, images) in enumerate(groups.items()):
        parts.append(svg.text(6, y + 15, heading, text_anchor="start", font_weight=600))
        y += 26
        places = [
            (6 + pitch * (i % columns), y + high * (i // columns)) for i in range(len(images))
        ]
        parts.append(glyphs(images, places, cell))
        words = readings[k] if readings else [""] * len(images)
        parts += [
            svg.text(left + SIDE * cell / 2, top + SIDE * cell + 13, word)
            for (left, top), word in zip(places, words, strict=True)
            if word
        ]
        y += high * -(-len(images) // columns) + 6
        said.append(f"{heading}: {len(images)} images {', '.join(words)}".rstrip(" ,"))
    return drawing(title, y, "; ".join(said), *parts)


def remedies(
    rows: Sequence[tuple[str, ArrayLike, bool, str]], images: int, heading: str, title: str
) -> Drawing:
    """Draw how many images programs misread: a row for each, a dot for each split.

    The splits follow each other from above to below in a row. Where the row without words lies,
    a band of its width shows which dots of the others leave it.

    Parameters
    ----------
    rows : sequence of (name, misread, rival, words)
        Misread images in each split, whether the program is a rival, and the words to its right;
        none stand beside the program with which all are compared.
    images : int
        That were read.
    heading : str
        Above the words to the right.
    title : str
        Of the drawing.
    """
    import matplotlib.pyplot as plt

    from backprop.book.figures.plots import COLORS, GREY

    fig, ax = plt.subplots(figsize=(4.6, 0.32 * len(rows) + 0.9))
    for k, (_, misread, rival, words) in enumerate(rows):
        counts = np.asarray(misread)
        if not words:
            ax.axvspan(counts.min() - 0.7, counts.max() + 0.7, color=GREY, alpha=0.2, linewidth=0)
        if k:
            ax.axhline(k - 0.5, color=GREY, linewidth=0.6, alpha=0.4)
        heights = k + 0.15 * (np.arange(len(counts)) - (len(counts) - 1) / 2)
        ax.plot(counts, heights, "s" if rival else "o", markersize=4.5,
                color=COLORS[1] if rival else COLORS[0])  # fmt: skip
    most = max(int(np.max(misread)) for _, misread, *_ in rows)
    ax.set(
        xlabel=f"← better: misread, of {images:,}", xlim=(0, most + 4), ylim=(len(rows) - 0.5, -0.5)
    )
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    shares = ax.secondary_xaxis("top")
    percent = range(int(np.ceil(100 - 100 * (most + 4) / images)), 101)
    shares.set_xticks([(100 - k) / 100 * images for k in percent], [f"{k} %" for k in percent])
    shares.set_xlabel("read correctly")
    beside = ax.secondary_yaxis("right")
    beside.set_yticks(range(len(rows)), [words or "–" for *_, words in rows])
    ax.text(1.02, 1.03, heading, transform=ax.transAxes, ha="left", va="bottom")
    for axis in (ax, beside):
        axis.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    return plotted(fig, title)


def handed_over(
    curves: Mapping[str, ArrayLike], most: int, title: str, at: int | None = None
) -> Drawing:
    """Draw how many errors are left when the most doubtful images go to a person.

    A dotted line shows what would be left of the first program's errors, on average, if the
    images were chosen by lot.

    Parameters
    ----------
    curves : mapping of str to bool array, shape (n,)
        Whether an image is misread, the most doubtful image first.
    most : int
        Of images handed over, where the figure ends.
    title : str
        Of the drawing.
    at : int, optional
        Where a dot and a number tell what is left.
    """
    import matplotlib.pyplot as plt

    from backprop.book.figures.plots import COLORS, GREY, LINES

    fig, ax = plt.subplots(figsize=(4.6, 2.4))
    handed = np.arange(most + 1)
    first = np.asarray(next(iter(curves.values())))
    name = next(iter(curves))
    ax.plot(handed, first.sum() * (1 - handed / len(first)), color=GREY, linestyle=":",
            label=f"{name}, by lot", linewidth=2)  # fmt: skip
    for (name, wrong), color, line in zip(curves.items(), COLORS, LINES, strict=False):
        left = np.sum(wrong) - np.concatenate([[0], np.cumsum(wrong)])
        ax.plot(handed, left[: most + 1], color=color, linestyle=line, label=name, linewidth=2)
        if at is not None:
            ax.plot(at, left[at], "o", color=color, markersize=6)
            ax.annotate(f"{left[at]}", (at, left[at]), (4, 5), textcoords="offset points")
    ax.set(xlabel="images handed over", ylabel="errors left", xlim=(0, most), ylim=(0, None))
    ax.legend(fontsize=11)
    return plotted(fig, title)


def reliability(
    panels: Mapping[str, tuple[ArrayLike, ArrayLike, ArrayLike, ArrayLike]],
    title: str,
    worked: tuple[int, str] | None = None,
) -> Drawing:
    """Draw accuracy over confidence; grey bars are where calibrated networks would be.

    Both axes are stretched towards 1, where most answers are: a value c stands as far from the
    end as the root of 1 - c.

    Parameters
    ----------
    panels : mapping of str to (confidence, accuracy, low, high)
        One entry a bin in each of the four.
    title : str
        Of the drawing.
    worked : (int, str), optional
        A bin of the first panel, and words that a line joins to its dot.
    """
    import matplotlib.pyplot as plt

    from backprop.book.figures.plots import COLORS, GREY

    def placed(shares: ArrayLike) -> Array:
        return np.asarray(-np.sqrt(1 - np.asarray(shares, dtype=float)))

    marks = (0.5, 0.8, 0.95, 1)
    ends = (placed(0.22), 0.05)
    fig, axes = plt.subplots(
        1, len(panels), figsize=(4.6, 2.5), sharey=True, gridspec_kw={"wspace": 0.08}
    )
    for ax, (name, columns) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        confidence, accuracy, low, high = map(placed, columns)
        ax.plot([-1, 0], [-1, 0], color=GREY, linestyle=":", linewidth=1)
        ax.vlines(confidence, low, high, color=GREY, linewidth=9, alpha=0.45)
        ax.plot(confidence, accuracy, "o", color=COLORS[0], markersize=4, clip_on=False)
        ax.set(title=name, xlabel="confidence", xlim=ends, ylim=ends)
        ax.set_xticks(placed(marks), [f"{k:g}" for k in marks])
        ax.set_yticks(placed(marks), [f"{k:g}" for k in marks])
        ax.title.set_fontsize(11)
    first = np.atleast_1d(axes)[0]
    first.set_ylabel("accuracy")
    if worked:
        place, words = worked
        confidence, accuracy, *_ = (placed(column)[place] for column in next(iter(panels.values())))
        first.annotate(words, (confidence, accuracy), (0.97, 0.1), textcoords="axes fraction",
                       ha="right", arrowprops={"arrowstyle": "-", "color": GREY})  # fmt: skip
    return plotted(fig, title)


def table(matrix: ArrayLike, title: str) -> Drawing:
    """Draw a confusion matrix: a row for each true digit, a column for each answer."""
    counts = np.asarray(matrix)
    cell, high, left, top = 35.0, 26.0, 62.0, 44.0
    parts = [
        svg.text(left + 5 * cell, 15, "answer", font_weight=600),
        svg.text(4, top + high / 2 + 5, "digit", text_anchor="start", font_weight=600),
    ]
    for k in range(len(counts)):
        middle = left + cell * (k + 0.5)
        parts.append(svg.text(middle, top - 8, str(k)))
        parts.append(svg.text(left - 12, top + high * (k + 0.5) + 5, str(k)))
    most = (counts - np.diag(counts.diagonal())).max()
    for (i, j), count in np.ndenumerate(counts):
        x, y = left + cell * j, top + high * i
        share = 0.0 if i == j else 0.5 * count / most
        if share:
            parts.append(
                svg.element("rect", x=x, y=y, width=cell, height=high, fill=svg.BACKWARD,
                            opacity=f"{share:.2f}")
            )  # fmt: skip
        parts.append(
            svg.element("rect", x=x, y=y, width=cell, height=high, fill="none",
                        stroke="currentColor", stroke_width="0.6", opacity="0.5")
        )  # fmt: skip
        if count:
            weight = 400 if i == j else 700
            parts.append(svg.text(x + cell / 2, y + high / 2 + 5, str(count), font_weight=weight))
    said = "; ".join(
        f"{i} read as {j}: {n}" for (i, j), n in np.ndenumerate(counts) if n and i != j
    )
    return drawing(title, top + high * len(counts) + 4, said, *parts)


def leads(groups: Mapping[str, Sequence[tuple[str, ArrayLike, float]]], title: str) -> Drawing:
    """Draw by how many images programs lead in each block: a row for each, a cell for each block.

    A cell is filled where the program is ahead, and dashed where it is behind. To the right stand
    the blocks ahead and behind, and a p-value.

    Parameters
    ----------
    groups : mapping of str to sequence of (name, leads, p-value)
        The rows below each heading.
    title : str
        Of the drawing.
    """
    cell, high, left, y = 20.5, 24.0, 104.0, 22.0
    parts = [
        svg.text(left - 8, 15, "block", text_anchor="end"),
        *(svg.text(left + cell * (k + 0.5), 15, str(k + 1)) for k in range(10)),
        svg.text(338, 15, "ahead"), svg.text(394, 15, "p-value"),
    ]  # fmt: skip
    said = []
    for heading, rows in groups.items():
        parts.append(svg.text(0, y + 18, heading, text_anchor="start", font_weight=600))
        y += 25
        for name, values, p_value in rows:
            gains = [int(k) for k in np.asarray(values)]
            foot = y + high / 2 + 5
            parts.append(svg.text(0, foot, name, text_anchor="start"))
            for k, gain in enumerate(gains):
                x = left + cell * k
                look: dict[str, Any] = {"stroke": "currentColor", "stroke_width": "0.5"}
                if gain < 0:
                    look = {"stroke": BELOW, "stroke_width": "1.8", "stroke_dasharray": "4 2"}
                parts += [
                    svg.element("rect", x=x + 1, y=y + 1, width=cell - 2, height=high - 2,
                                fill=ABOVE if gain > 0 else "none", fill_opacity="0.35", **look),
                    svg.text(x + cell / 2, foot, str(gain)),
                ]  # fmt: skip
            result = f"{sum(k > 0 for k in gains)} to {sum(k < 0 for k in gains)}"
            number = f"{p_value:.3f}" if p_value < 0.01 else f"{p_value:.2f}"
            parts += [svg.text(338, foot, result), svg.text(394, foot, number)]
            said.append(f"{name}, {heading}: {gains}, {result}, p-value {number}")
            y += high
        y += 4
    return drawing(title, y, "; ".join(said), *parts)
