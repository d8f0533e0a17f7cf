"""The figures of the ten bugs: their losses, two steps on one weight, and what finds each bug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted
from backprop.book.figures.plots import COLORS, GREY, INK, PAPER, use_style

TOP = 20.0
"""A loss above this is drawn there: the curve has left the picture."""


def beside(
    right: ArrayLike,
    wrong: Mapping[str, ArrayLike],
    title: str,
    *,
    guess: float,
    words: Mapping[str, Sequence[tuple[float, float, str, str]]] | None = None,
) -> Drawing:
    """Draw the loss of each wrong program beside the right one's, two panels a row.

    Parameters
    ----------
    right : array, shape (seeds, epochs)
        The right program's losses.
    wrong : mapping of str to array, shape (seeds, epochs)
        By the name that stands above the panel.
    title : str
        What the picture shows, for those who do not see it.
    guess : float
        The loss of a plain guess, a dotted line.
    words : mapping of str to sequence of tuples, optional
        By the name of a panel, the epoch and the loss where words begin, which of the lines they
        name ("right", "wrong" or "guess"), and the words.
    """
    paints = {"right": COLORS[0], "wrong": COLORS[1], "guess": INK}
    use_style()
    rows = -(-len(wrong) // 2)
    fig, axes = plt.subplots(rows, 2, figsize=(4.6, 1.02 * rows), sharex=True, sharey=True)
    for ax, (name, losses) in zip(axes.flat, wrong.items(), strict=True):
        ax.axhline(guess, color=GREY, linestyle=":", linewidth=1.2)
        for values, color, style in ((right, COLORS[0], "-"), (losses, COLORS[1], "--")):
            low, middle, high = _bands(values)
            epochs = np.arange(len(middle))
            ax.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
            ax.plot(epochs, middle, color=color, linestyle=style)
        for epoch, loss, line, label in (words or {}).get(name, ()):
            ax.text(epoch, loss, label, color=paints[line], fontsize=11, va="center")
        ax.set_title(name, fontsize=11, loc="left", pad=2)
        ax.set(yscale="log", ylim=(0.4, 10))
        ax.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
        ax.minorticks_off()
    for ax in axes[-1]:
        ax.set(xlabel="epoch", xticks=[0, 10, 20])
    fig.supylabel("training loss", fontsize=11, color=INK)
    return plotted(fig, title)


def _bands(values: ArrayLike) -> Any:
    """Return least, median and largest loss of each epoch; NaN counts as the largest number."""
    runs = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=np.inf)
    runs = np.minimum(np.sort(runs, axis=0), TOP)
    return runs[0], np.median(runs, axis=0), runs[-1]


def ends_by_rate(
    ends: Mapping[float, Sequence[ArrayLike]], names: Sequence[str], title: str
) -> Drawing:
    """Draw the range and the median of what two programs end with, at several learning rates.

    Parameters
    ----------
    ends : mapping of float to sequence of array
        By the learning rate, the losses of the runs of the right program and of the other one.
    names : sequence of str
        What the two are called.
    title : str
        What the picture shows, for those who do not see it.
    """
    use_style()
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    places = np.arange(len(ends))
    for k, (name, mark, style) in enumerate(zip(names, "os", ("-", "--"), strict=True)):
        bands = np.array([_bands(np.reshape(pair[k], (-1, 1))) for pair in ends.values()])
        low, middle, high = bands[:, :, 0].T
        at = places + 0.08 * (2 * k - 1)
        ax.vlines(at, low, high, color=COLORS[k], linewidth=5, alpha=0.35)
        ax.plot(at, middle, color=COLORS[k], marker=mark, linestyle=style, label=name)
    ax.set(yscale="log", xlabel="learning rate", ylabel="loss")
    ax.set_xticks(places, [f"{rate:g}" for rate in ends])
    ax.set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    ax.minorticks_off()
    ax.legend(loc="upper left")
    return plotted(fig, title)


def two_steps(programs: Mapping[str, Sequence[float]], rate: float, title: str) -> Drawing:
    """Draw the weights that each program visits, and on each step the gradient that it used.

    Parameters
    ----------
    programs : mapping of str to sequence of float
        By the name of a program, its weight before the first step and after every step.
    rate : float
        The learning rate.
    title : str
        What the picture shows, for those who do not see it.
    """
    paints = (svg.FORWARD, svg.BACKWARD)
    every = [w for path in programs.values() for w in path]
    low, high = min(every), max(every)

    def place(w: float) -> float:
        return 40 + 340 * (w - low) / (high - low)

    parts, said = [], []
    for k, ((name, path), paint) in enumerate(zip(programs.items(), paints, strict=False)):
        y = 74.0 + 100 * k
        parts.append(
            svg.text(16, y - 50, name, paint, text_anchor="start", font_weight=600),
        )
        parts.append(
            svg.element(
                "line", x1=16.0, y1=y, x2=404.0, y2=y, stroke="currentColor", stroke_width="1",
                stroke_opacity="0.5",
            ),
        )  # fmt: skip
        for old, new in pairwise(path):
            used = f"{(old - new) / rate:.4g}"
            start, end = (place(old) - 6, y), (place(new) + 6, y)
            parts.append(svg.pointer(start, end, paint, "2.4", 9, 4))
            parts.append(svg.text((start[0] + end[0]) / 2, y - 12, f"used {used}", paint))
            said.append(f"{name}: from {old:.4g} to {new:.4g}, used {used}")
        for w in path:
            parts.append(svg.element("circle", cx=place(w), cy=y, r="4", fill=paint, stroke="none"))
            parts.append(svg.text(place(w), y + 22, f"{w:.4g}"))
    return drawing(title, 100.0 * len(programs) + 4, "; ".join(said), *parts)


def caught(counts: ArrayLike, checks: Sequence[str], bugs: Sequence[str], title: str) -> Drawing:
    """Draw how often each check (row) catches each bug (column), of ten draws.

    A cell that misses is left white with a ring, so that it is seen without colour. A full cell
    that catches the bug every time needs no number.
    """
    use_style()
    table = np.asarray(counts)
    fig, ax = plt.subplots(figsize=(4.6, 0.37 * len(checks) + 0.6))
    for (i, j), n in np.ndenumerate(table):
        if n == 0:
            ax.plot(j, i, "o", markersize=15, markerfacecolor="none", markeredgecolor=COLORS[1],
                    markeredgewidth=2)  # fmt: skip
            ax.text(j, i, "0", ha="center", va="center", color=COLORS[1], fontsize=11)
        else:
            box = plt.Rectangle((j - 0.46, i - 0.44), 0.92, 0.88, color=COLORS[0], linewidth=0)
            ax.add_patch(box)
            if n < 10:
                ax.text(j, i, str(n), ha="center", va="center", color=PAPER, fontsize=11)
    ax.set_xticks(range(len(bugs)), bugs, rotation=90)
    ax.set_yticks(range(len(checks)), checks)
    ax.set(xlim=(-0.6, len(bugs) - 0.4), ylim=(len(checks) - 0.45, -0.6))
    ax.xaxis.tick_top()
    ax.tick_params(length=0, labelcolor=INK)
    ax.grid(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_visible(False)
    return plotted(fig, title)
