"""The figures of the ten bugs: their losses, their places, two steps, and what finds each bug."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import ArrayLike

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted
from backprop.book.figures.plots import COLORS, GREY, INK, LINES, MARKERS, PAPER, use_style

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
    fig, axes = plt.subplots(rows, 2, figsize=(4.6, 0.93 * rows), sharex=True, sharey=True)
    for ax, (name, losses) in zip(axes.flat, wrong.items(), strict=True):
        ax.axhline(guess, color=GREY, linestyle=":", linewidth=1.2)
        for values, color, style in ((right, COLORS[0], "-"), (losses, COLORS[1], "--")):
            low, middle, high = _bands(values)
            epochs = np.arange(len(middle))
            ax.fill_between(epochs, low, high, color=color, alpha=0.35, linewidth=0)
            ax.plot(epochs, middle, color=color, linestyle=style)
        for epoch, loss, line, label in (words or {}).get(name, ()):
            ax.text(epoch, loss, label, color=paints[line], fontsize=11, va="center")
        ax.set_title(name, fontsize=11, loc="left", pad=2)
        ax.set(yscale="log", ylim=(0.42, 5))
        ax.set_yticks([0.5, 1, 2, 4], ["0.5", "1", "2", "4"])
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


VALUES = ("x", "z⁽¹⁾", "a⁽¹⁾", "h⁽¹⁾", "z⁽²⁾", "a⁽²⁾", "z⁽³⁾", "p")
"""What the forward pass computes, from the top of the map to its foot."""
FORWARD_STEPS: tuple[tuple[str, int | None], ...] = (
    ("weights 1", None), ("sigmoid", None), ("dropout: × m", 9), ("weights 2", None),
    ("ReLU", None), ("weights 3", None), ("softmax", 5),
)  # fmt: skip
"""How each value becomes the next one, and the bug in this step."""
BACKWARD_STEPS: tuple[tuple[str, int | None], ...] = (
    ("× a(1 − a)", 2), ("× m", 8), ("weights 2ᵀ", 4), ("× slope 0 or 1", 3), ("weights 3ᵀ", 1),
)  # fmt: skip
"""How the error of each line comes from the one below it, from z⁽¹⁾ down, and the bug in it."""


def places(title: str) -> Drawing:
    """Draw one training step, forward down and back up, and the number of each bug at its place."""
    left, right, first, gap = 76.0, 266.0, 62.0, 44.0
    gather = right - 36
    rows = [first + gap * k for k in range(len(VALUES))]
    blue, orange = svg.FORWARD, svg.BACKWARD
    parts = [
        svg.text(left, 18, "forward", blue, font_weight=600),
        svg.text(right, 18, "backward", orange, font_weight=600),
    ]
    for (x, row), up in (((left + 24, 2), 1.5), ((left + 106, 2.5), 2.5), ((left + 24, 4), 4.5)):
        tail, tip = (x, first + gap * row), (right - 5, first + gap * up)
        parts.append(svg.pointer(tail, tip, "currentColor", "1.2", 6, 3, stroke_dasharray="4 3"))
    for y, name in zip(rows, VALUES, strict=True):
        parts.append(svg.text(left, y + 5, name, font_weight=600))
    for y, (name, bug) in zip(rows, FORWARD_STEPS, strict=False):
        parts.append(svg.pointer((left, y + 12), (left, y + gap - 11), blue, "2", 8, 4))
        parts.append(svg.text(left + 12, y + gap / 2 + 5, name, text_anchor="start"))
        if bug:
            parts.append(_bug(left - 46, y + gap / 2, bug))
    for k, name in ((1, "δ⁽¹⁾"), (4, "δ⁽²⁾"), (6, "δ⁽³⁾")):
        parts.append(svg.text(right, rows[k] + 5, name, font_weight=600))
    for k, (name, bug) in enumerate(BACKWARD_STEPS, 1):
        start = rows[k + 1] - (11 if k in (3, 5) else -4)
        end = rows[k] + (12 if k in (1, 4) else 4)
        parts.append(svg.pointer((right, start), (right, end), orange, "2", 8, 4))
        parts.append(svg.text(right + 12, rows[k] + gap / 2 + 5, name, text_anchor="start"))
        if bug:
            parts.append(_bug(right + 136, rows[k] + gap / 2, bug))
    ways = [f"M {left + 14:.0f} {rows[-1]:.0f} H {right:.0f}"]
    ways += [f"M {right - 16:.0f} {rows[k]:.0f} H {gather:.0f} V {first:.0f}" for k in (1, 4, 6)]
    for way, thick in zip(ways, ("2", "1.2", "1.2", "1.2"), strict=True):
        parts.append(svg.element("path", d=way, fill="none", stroke=orange, stroke_width=thick))
    parts += [
        svg.pointer((right, rows[-1]), (right, rows[6] + 12), orange, "2", 8, 4),
        svg.text(right + 12, rows[6] + gap / 2 + 5, "(p − y)/B", text_anchor="start"),
        svg.text(right + 58, rows[-1] + 5, "y", font_weight=600),
        svg.pointer((right + 46, rows[-1]), (right + 3, rows[-1]), orange, "2", 8, 4),
        _bug(right + 136, rows[-1], 10),
        svg.pointer((gather, first), (right - 6, first), orange, "1.2", 6, 3),
        svg.text(gather + 8, first + gap / 2 + 5, "gradients", text_anchor="start"),
        svg.text(right, first + 5, "update", font_weight=600, text_anchor="start"),
        _bug(right + 104, first, 6),
        _bug(right + 136, first, 7),
    ]
    steps = [*FORWARD_STEPS, *BACKWARD_STEPS]
    said = "; ".join(f"bug {bug} at {name}" for name, bug in steps if bug)
    said += "; bug 10 at the labels y, bugs 6 and 7 at the update"
    return drawing(title, rows[-1] + 14, said, *parts)


def _bug(x: float, y: float, number: int) -> str:
    ring = svg.element("circle", cx=x, cy=y, r=11.5, fill="currentColor", stroke="none")
    return ring + svg.text(x, y + 5, f"{number}", svg.GROUND, font_weight=600)


def ends_by_rate(
    panels: Mapping[str, Mapping[str, Mapping[float, ArrayLike]]], title: str
) -> Drawing:
    """Draw the median and the range of what programs end with, three panels a row.

    Parameters
    ----------
    panels : mapping of str to mapping of str to mapping of float to array
        By the title of a panel and the name of a program, the losses of its runs at each learning
        rate. Where the median is no number, the line has ended: a cross at the upper edge. The
        names stand in the place after the last panel.
    title : str
        What the picture shows, for those who do not see it.
    """
    use_style()
    rows, top = len(panels) // 3 + 1, 6.0
    size = (4.6, 1.75 * rows + 0.2)
    fig, axes = plt.subplots(rows, 3, figsize=size, sharex=True, sharey=True)
    named = {}
    for ax, (head, programs) in zip(axes.flat, panels.items(), strict=False):
        for k, (name, ends) in enumerate(programs.items()):
            places = np.arange(len(ends))
            bands = np.array([_bands(np.reshape(runs, (-1, 1))) for runs in ends.values()])
            low, middle, high = np.minimum(bands[:, :, 0].T, top)
            kept = middle < top
            color, style, mark = COLORS[k], LINES[k], MARKERS[k]
            ax.fill_between(places, low, high, where=kept, color=color, alpha=0.25, linewidth=0)
            named[name], = ax.plot(places[kept], middle[kept], color=color, linestyle=style,
                                   marker=mark, markersize=4.5)  # fmt: skip
            if not kept.all():
                lost = places[~kept]
                ax.plot(lost, np.full(len(lost), 0.8 * top), "x", color=color, markersize=7)
                ax.text(lost.mean(), 0.6 * top, "NaN", color=color, fontsize=11, ha="center",
                        va="top")  # fmt: skip
            ax.set_xticks(places, [f"{rate:g}".lstrip("0") for rate in ends])
        ax.set_title(head, fontsize=11, loc="left", pad=4)
        ax.set(yscale="log", ylim=(0.13, top))
        ax.set_yticks([0.2, 0.5, 1, 2, 5], ["0.2", "0.5", "1", "2", "5"])
        ax.minorticks_off()
        ax.tick_params(labelbottom=True)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    axes.flat[-1].legend(named.values(), named, loc="center", borderpad=0, handlelength=1.8)
    fig.supxlabel("learning rate", fontsize=11, color=INK)
    fig.supylabel("loss after 20 epochs", fontsize=11, color=INK)
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

    Raises
    ------
    ValueError
        If there are not two programs.
    """
    if len(programs) != 2:
        raise ValueError(f"two_steps: programs holds {len(programs)}, expected 2")
    paints = (svg.FORWARD, svg.BACKWARD)
    every = [w for path in programs.values() for w in path]
    low, high = min(every), max(every)

    def place(w: float) -> float:
        return 40 + 340 * (w - low) / (high - low)

    parts, said = [], []
    for k, ((name, path), paint) in enumerate(zip(programs.items(), paints, strict=True)):
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


def caught(
    counts: ArrayLike,
    checks: Sequence[str],
    bugs: Sequence[str],
    title: str,
    width: float = 4.6,
    *,
    quiet: bool = False,
) -> Drawing:
    """Draw how often each check (row) catches each bug (column), of ten draws.

    A cell that misses is left white with a ring, so that it is seen without colour. A full cell
    that catches the bug every time needs no number. ``width`` is in inches: a narrow place on a
    phone wants a narrower drawing, so that its words stay legible. Where most cells miss, ``quiet``
    draws them as empty frames.
    """
    use_style()
    table = np.asarray(counts)
    fig, ax = plt.subplots(figsize=(width, 0.37 * len(checks) + 0.6))
    for (i, j), n in np.ndenumerate(table):
        place = {"xy": (j - 0.46, i - 0.44), "width": 0.92, "height": 0.88}
        if n == 0 and quiet:
            ax.add_patch(plt.Rectangle(**place, fill=False, color=GREY, linewidth=0.6))
        elif n == 0:
            ax.plot(j, i, "o", markersize=15, markerfacecolor="none", markeredgecolor=COLORS[1],
                    markeredgewidth=2)  # fmt: skip
            ax.text(j, i, "0", ha="center", va="center", color=COLORS[1], fontsize=11)
        else:
            ax.add_patch(plt.Rectangle(**place, color=COLORS[0], linewidth=0))
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
