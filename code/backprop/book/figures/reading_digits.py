"""The figures of a network that learns to read: one image's way, the training, the weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.digit_images import SIDE, frame, glyphs, signed
from backprop.book.figures.stepper import Frame

HIDDEN = (50.0, 74.0, 98.0, 146.0, 170.0, 194.0)
"""Heights of the hidden units that are drawn; between them dots stand for the others."""


def one_image(image: Array, before: ArrayLike, after: ArrayLike, title: str) -> Drawing:
    """Draw an image's way through a network 64-100-2, and its answers before and after training.

    Parameters
    ----------
    image : array, shape (64,)
        Ink from 0 to 1.
    before, after : array, shape (2,)
        The probabilities of the two digits.
    """
    cell, left, top = 11.0, 4.0, 78.0
    right, outputs = left + SIDE * cell, {0: 98.0, 1: 146.0}
    lines, parts = [], []
    for unit in HIDDEN:
        lines += [(right, top + SIDE * cell * (k + 0.5) / 4, 171.0, unit) for k in range(4)]
        lines += [(189.0, unit, 266.0, place) for place in outputs.values()]
    path = "".join(f"M{x1:g} {y1:g}L{x2:g} {y2:g}" for x1, y1, x2, y2 in lines)
    parts.append(
        svg.element("path", d=path, stroke="currentColor", stroke_width="0.8", opacity="0.35")
    )
    parts += [glyphs(image[None], [(left, top)], cell), frame(left, top, cell)]
    circle: dict[str, Any] = {"fill": svg.GROUND, "stroke": "currentColor", "stroke_width": "1.5"}
    parts += [svg.element("circle", cx=180.0, cy=y, r=9, **circle) for y in HIDDEN]
    parts.append(svg.text(180, 127, "⋮", font_size=20, font_weight=600))
    for digit, y in outputs.items():
        parts.append(svg.element("circle", cx=280.0, cy=y, r=14, **circle))
        parts.append(svg.text(280, y + 5, str(digit), font_weight=600))
    for x, words in ((48, "64 pixels"), (180, "100 units"), (280, "2 outputs")):
        parts.append(svg.text(x, 18, words, font_weight=600))
    said = []
    answers = ((334.0, "before", before), (391.0, "after", after))
    for column, name, p in answers:
        parts.append(svg.text(column, 58, name))
        for value, (digit, y) in zip(np.asarray(p), outputs.items(), strict=True):
            parts.append(svg.text(column, y + 3, f"{value:.2f}", svg.FORWARD, font_weight=600))
            parts.append(
                svg.element("rect", x=column - 22, y=y + 9, width=44 * float(value), height=6,
                            fill=svg.FORWARD)
            )  # fmt: skip
            said.append(f"{name} training, the probability of {digit} is {value:.2f}")
    parts.append(svg.text(373, 18, "probability", font_weight=600))
    for x, words in ((48, "parameters:"), (134, "6,500"), (236, "+ 202"), (362, "= 6,702")):
        parts.append(svg.text(x, 230, words))
    return drawing(title, 238, "; ".join(said), *parts)


def learning(panels: Mapping[str, Mapping[str, ArrayLike]], title: str) -> Drawing:
    """Draw quantities over the epochs, from 0 on: the median and the range of all runs.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array, shape (runs, epochs + 1)
        One panel a quantity, one curve an entry.
    """
    from backprop.book.figures import plots

    fig, axes = pyplot().subplots(len(panels), 1, figsize=(4.6, 1.2 * len(panels)), sharex=True)
    first = list(next(iter(panels.values())))
    for ax, (quantity, series) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        plots.curves(series, ylabel=quantity, xlabel="", start=0, ax=ax)
        if ax is not np.atleast_1d(axes)[0] and list(series) == first:
            ax.get_legend().remove()  # that of the first panel says the same
        ax.set_xlim(0, None)
        ax.xaxis.get_major_locator().set_params(integer=True)
    np.atleast_1d(axes)[-1].set_xlabel("epoch")
    return plotted(fig, title)


def weights(
    units: Sequence[str],
    votes: Sequence[str],
    start: Array,
    later: Sequence[Array],
    compared: tuple[str, Array],
    captions: Sequence[str],
) -> list[Frame]:
    """Draw weights of a few units as start + added = sum, a frame for each moment.

    Starts and sums have one scale in all frames, what was added has another, and what it is
    compared with has its own.

    Parameters
    ----------
    units, votes : sequences of str
        Above and below the pictures of each unit.
    start : array, shape (64, n)
        The weights at the start.
    later : sequence of arrays, shape (64, n)
        The weights in each frame.
    compared : (str, array of shape (64,))
        A picture beside those of what was added, and the word below it.
    captions : sequence of str
        One a frame.
    """
    cell, pitch = 8.5, 84.0
    lefts = [6 + pitch * k for k in range(len(units) + 1)]
    high, tall = SIDE * cell, 116.0
    common = max(float(np.abs(w).max()) for w in (start, *later))
    most = max(float(np.abs(w - start).max()) for w in later)
    name, picture = compared
    frames = []
    for now, caption in zip(later, captions, strict=True):
        added = now - start
        parts = []
        for k, (heading, rows, limit) in enumerate((
            ("start", start, common),
            (f"added by training, drawn {common / most:.1f} times larger", added, most),
            ("weights now: start + added", now, common),
        )):  # fmt: skip
            top = 44 + tall * k
            parts.append(svg.text(6, top - 8, heading, text_anchor="start", font_weight=600))
            for left, column, vote in zip(lefts, rows.T, votes, strict=False):
                parts += [signed(column, left, top, cell, limit), frame(left, top, cell)]
                size = f"up to {float(np.abs(column).max()):.2f}"
                words = size if k < 2 else vote
                parts.append(svg.text(left + high / 2, top + high + 16, words))
        for left, unit in zip(lefts, units, strict=False):
            parts.append(svg.text(left + high / 2, 16, unit, font_weight=600))
        left, top = lefts[-1], 44 + tall
        parts += [signed(picture, left, top, cell), frame(left, top, cell)]
        parts.append(svg.text(left + high / 2, top + high + 16, name))
        said = "; ".join(
            f"{unit}, {vote}: added up to {size:.2f}"
            for unit, vote, size in zip(units, votes, np.abs(added).max(axis=0), strict=True)
        )
        markup = svg.picture(svg.WIDTH, 44 + 3 * tall - 22, caption, said, *parts)
        frames.append(Frame(markup, caption))
    return frames


def compared(rows: Mapping[str, Array], units: Sequence[str], title: str) -> Drawing:
    """Draw weights of a few units, one row a kind; the pictures of a unit have one scale.

    Parameters
    ----------
    rows : mapping of str to array, shape (64, n)
        The name of each row, and the weights of the ``n`` units, at most five.
    units : sequence of n str
        The words above the columns.
    """
    cell, pitch, tall = 8.5, 84.0, 116.0
    most = np.max([np.abs(row).max(axis=0) for row in rows.values()], axis=0)
    parts = [
        svg.text(6 + pitch * k + SIDE * cell / 2, 16, unit, font_weight=600)
        for k, unit in enumerate(units)
    ]
    said = []
    for number, (heading, row) in enumerate(rows.items()):
        top = 44 + tall * number
        parts.append(svg.text(6, top - 8, heading, text_anchor="start", font_weight=600))
        for k, column in enumerate(row.T):
            left, size = 6 + pitch * k, f"up to {float(np.abs(column).max()):.2f}"
            parts += [signed(column, left, top, cell, float(most[k])), frame(left, top, cell)]
            parts.append(svg.text(left + SIDE * cell / 2, top + SIDE * cell + 16, size))
            said.append(f"{units[k]}, {heading}: {size}")
    return drawing(title, 44 + tall * len(rows) - 22, "; ".join(said), *parts)
