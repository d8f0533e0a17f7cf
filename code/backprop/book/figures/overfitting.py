"""The figures of the chapter on dropout and weight decay.

Colours keep their meaning: blue is what should be learned, vermilion what should not, green is
what counts, the digits that the network has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book import by_heart
from backprop.book.figures.by_hand import Drawing, plotted, pyplot, spread
from backprop.book.figures.stepper import Frame, drawn

RATES = (0.0, 0.2, 0.5, 0.8, 0.9)
SEEDS = range(10)
KINDS = ("right", "wrong", "new")


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[1], COLORS[2]


def rates() -> list[Frame]:
    """Return a frame for each rate of dropout: what is learned, update by update, ten seeds."""
    plt = pyplot()
    updates = np.arange(0, by_heart.UPDATES + 1, by_heart.EVERY)
    kinds = (("right", "right labels", "-"), ("wrong", "wrong labels", "--"),
             ("new", "new digits", "-."))  # fmt: skip
    frames = []
    for rate in RATES:
        runs = [by_heart.run(by_heart.Recipe(dropout=rate), seed) for seed in SEEDS]
        fig, ax = plt.subplots(figsize=(4.4, 2.7))
        ends = []
        for (name, _, line), color in zip(kinds, _colors(), strict=True):
            shares = 100 * np.array([getattr(run, name) for run in runs])
            low, middle, high = np.quantile(shares, (0, 0.5, 1), axis=0)
            ax.fill_between(updates, low, high, color=color, alpha=0.16, linewidth=0)
            ax.plot(updates, middle, line, color=color, linewidth=2.2)
            ends.append(float(middle[-1]))
        for (_, words, _), color, y in zip(
            kinds, _colors(), spread([ends[0] + 1e-6, *ends[1:]], 11), strict=True
        ):
            ax.annotate(words, (updates[-1], y), (5, 0), textcoords="offset points",
                        color=color, va="center", annotation_clip=False)  # fmt: skip
        ax.set(xlim=(0, updates[-1]), ylim=(0, 102), xticks=[0, 100, 200, 300],
               yticks=[0, 25, 50, 75, 100], xlabel="updates", ylabel="percent right")  # fmt: skip
        best = max(float(np.median([run.new for run in runs], axis=0).max()), ends[2] / 100)
        words = (
            f"At the end, the network reproduces {ends[0]:.0f} % of the right training labels"
            f" and {ends[1]:.0f} % of the wrong ones. It reads {ends[2]:.0f} % of new digits."
            f" The green curve was at {100 * best:.0f} % at its highest (medians)."
        )
        frames.append(drawn(fig, f"What is learned with dropout at the rate {rate:g}", words))
    return frames


def two_clouds(
    title: str, expected: ArrayLike, clouds: Mapping[str, ArrayLike], limit: float
) -> Drawing:
    """Draw weights over those that a formula predicts, one panel for each way to train."""
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, sharex=True, sharey=True, figsize=(4.6, 2.55))
    blue, red, _ = _colors()
    for ax, (words, found), color, mark in zip(
        axes, clouds.items(), (red, blue), ("^", "o"), strict=True
    ):
        ax.plot([-limit, limit], [-limit, limit], "-", color=GREY, linewidth=1)
        ax.plot(np.ravel(expected), np.ravel(found), mark, color=color, markersize=3.4, alpha=0.6)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="predicted")
        ax.set_title(words, fontsize=11.5, color=color)
    axes[0].set_ylabel("found")
    return plotted(fig, title)


def kept(title: str, sizes: Array, shares: Mapping[str, Array], least: float) -> Drawing:
    """Draw what share of a pixel's weights a decay leaves, over the size of their gradient.

    Parameters
    ----------
    sizes : array, shape (64,)
        Root mean square of the gradients; those below ``least`` are drawn there.
    shares : mapping of str to array, shape (64,)
        Two kinds of decay.
    """
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.7))
    blue, red, _ = _colors()
    x = np.maximum(sizes, least)
    for (words, found), color, mark, y in zip(
        shares.items(), (red, blue), ("^", "o"), (0.28, 1.08), strict=True
    ):
        ax.plot(x, found, mark, color=color, markersize=5, alpha=0.75)
        ax.text(3e-2, y, words, color=color, ha="right", va="center")
    ax.axvspan(least / 1.6, least * 1.6, color=GREY, alpha=0.18, linewidth=0)
    ax.text(least * 2, 0.55, "pixels that\nare always\nblank", color=GREY, va="center")
    ax.set(xscale="log", xlim=(least / 1.6, 4e-2), ylim=(-0.05, 1.16), yticks=[0, 0.5, 1],
           xlabel="size of the gradient of the loss", ylabel="share that is left")  # fmt: skip
    ax.minorticks_off()
    return plotted(fig, title)


def closed(title: str, panels: Mapping[str, Mapping[str, Array]], control: str) -> Drawing:
    """Draw the three curves of the opening figure for each way to train, the control in grey.

    Parameters
    ----------
    panels : mapping of str to mapping of str to array, shape (seeds, looks)
        For each way, the shares of right labels, wrong labels and new digits; one is the control.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    ways = [way for way in panels if way != control]
    updates = np.arange(0, by_heart.UPDATES + 1, by_heart.EVERY)
    fig, axes = plt.subplots(1, len(ways), sharex=True, sharey=True, figsize=(4.6, 2.9))
    for ax, way in zip(axes, ways, strict=True):
        ends = []
        for kind, color, line in zip(KINDS, _colors(), ("-", "--", "-."), strict=True):
            shares = 100 * panels[way][kind]
            low, middle, high = np.quantile(shares, (0, 0.5, 1), axis=0)
            without = 100 * np.median(panels[control][kind], axis=0)
            ax.plot(updates, without, line, color=GREY, linewidth=1.1)
            ax.fill_between(updates, low, high, color=color, alpha=0.16, linewidth=0)
            ax.plot(updates, middle, line, color=color, linewidth=2.2)
            ends.append(float(middle[-1]))
        for end, color, y in zip(ends, _colors(), spread(ends, 11), strict=True):
            ax.annotate(f"{end:.0f}", (updates[-1], y), (3, 0), textcoords="offset points",
                        color=color, va="center", annotation_clip=False)  # fmt: skip
        ax.set_title(way, fontsize=11.5, color=INK)
        ax.set(xlim=(0, updates[-1]), ylim=(0, 103), xticks=[0, 150, 300],
               yticks=[0, 25, 50, 75, 100])  # fmt: skip
    axes[0].set_ylabel("percent right")
    axes[len(ways) // 2].set_xlabel("updates")
    for word, color, place in zip(KINDS, _colors(), ((170, 90), (230, 33), (255, 69)), strict=True):
        axes[0].text(*place, word, color=color, ha="center", va="center")
    return plotted(fig, title)


def strips(title: str, groups: Mapping[str, Mapping[str, ArrayLike]], xlabel: str) -> Drawing:
    """Draw a dot for each seed's gain and a bar at their median: a panel a group, the same rows."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    rows = list(next(iter(groups.values())))
    fig, axes = plt.subplots(
        1, len(groups), sharex=True, sharey=True, figsize=(4.6, 0.3 * len(rows) + 1.0)
    )
    blue, red, _ = _colors()
    for ax, (heading, found) in zip(np.atleast_1d(axes), groups.items(), strict=True):
        ax.axvline(0, color=GREY, linewidth=1.2)
        for k, name in enumerate(rows):
            gains = np.asarray(found[name])
            color = blue if np.median(gains) > 0 else red
            ax.plot(gains, np.full(len(gains), k), "o", color=color, markersize=5, alpha=0.55)
            ax.plot(np.median(gains), k, "|", color=INK, markersize=15, markeredgewidth=2.5)
        ax.set_yticks(range(len(rows)), rows)
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_title(heading, loc="left", fontsize=11.5, color=INK)
        ax.tick_params(axis="y", length=0)
        ax.grid(axis="y", visible=False)
        ax.set_xlabel(xlabel)
    return plotted(fig, title)
