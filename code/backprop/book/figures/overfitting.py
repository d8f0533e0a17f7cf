"""The figures of the chapter on dropout and weight decay.

Colours keep their meaning: blue is what should be learned, vermilion what should not, green is
what counts, the digits that the network has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book import by_heart
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot, spread
from backprop.book.figures.stepper import Frame, drawn

RATES = (0.0, 0.2, 0.5, 0.8, 0.9)
SEEDS = range(10)
KINDS = ("right", "wrong", "new")
CHANCES = (0.0, 0.2, 0.4, 0.5)
"""The rates at which the masks of two inputs are drawn."""
STEPS = (1, 3, 10, 30, 100, 1000)
"""After which linear units are looked at."""


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[1], COLORS[2]


def rates() -> list[Frame]:
    """Return a frame for each rate of dropout: what is learned, update by update, ten seeds."""
    plt = pyplot()
    updates = np.arange(0, by_heart.UPDATES + 1, by_heart.EVERY)
    kinds = (("right", "right labels", "-"), ("wrong", "wrong labels", "--"),
             ("new", "new digits", "-."))  # fmt: skip
    frames: list[Frame] = []
    control: list[Array] = []
    for rate in RATES:
        runs = [by_heart.run(by_heart.Recipe(dropout=rate), seed) for seed in SEEDS]
        fig, ax = plt.subplots(figsize=(4.4, 2.7))
        ends = []
        for middle, color in zip(control, _colors(), strict=False):
            ax.plot(updates, middle, ":", color=color, linewidth=1.6)
        middles = []
        for (name, _, line), color in zip(kinds, _colors(), strict=True):
            shares = 100 * np.array([getattr(run, name) for run in runs])
            low, middle, high = np.quantile(shares, (0, 0.5, 1), axis=0)
            ax.fill_between(updates, low, high, color=color, alpha=0.16, linewidth=0)
            ax.plot(updates, middle, line, color=color, linewidth=2.2)
            ends.append(float(middle[-1]))
            middles.append(middle)
        control = control or middles
        for (_, words, _), color, y in zip(
            kinds, _colors(), spread([ends[0] + 1e-6, *ends[1:]], 11), strict=True
        ):
            ax.annotate(words, (updates[-1], y), (5, 0), textcoords="offset points",
                        color=color, va="center", annotation_clip=False)  # fmt: skip
        ax.set(xlim=(0, updates[-1]), ylim=(0, 102), xticks=[0, 100, 200, 300],
               yticks=[0, 25, 50, 75, 100],
               xlabel="updates", ylabel="percent reproduced")  # fmt: skip
        best = max(float(np.median([run.new for run in runs], axis=0).max()), ends[2] / 100)
        words = (
            f"At the end, the network reproduces {ends[0]:.0f} % of the right training labels"
            f" and {ends[1]:.0f} % of the wrong ones. It reads {ends[2]:.0f} % of new digits."
            f" The green curve was at {100 * best:.0f} % at its highest."
            + (" Dotted: no dropout." if rate else "")
        )
        frames.append(drawn(fig, f"What is learned with dropout at the rate {rate:g}", words))
    return frames


def masked(x: Sequence[int], mask: Sequence[int], slope: int, title: str) -> Drawing:
    """Draw dropout before a sum: values run to the right, and below each arrow a slope runs back.

    Parameters
    ----------
    x, mask : sequence of int
        Four activations, and by what each is multiplied.
    slope : int
        Of the loss with respect to the sum.
    """
    left, middle, right, end = 34.0, 150.0, 266.0, 386.0
    rows = [48.0 + 54 * k for k in range(len(x))]
    goal = end, sum(rows) / len(rows)
    heads = ((left, "layer"), (middle, "mask"), (right, "passed on"), (end, "sum"))
    parts = [svg.text(at, 14, words, opacity="0.75") for at, words in heads]
    for value, m, y in zip(x, mask, rows, strict=True):
        faint = {} if m else {"stroke_dasharray": "3 4", "opacity": "0.55"}
        for start, stop, came in ((left, middle, m * slope), (middle, right, slope)):
            ahead = svg.pointer((start + 23, y - 6), (stop - 23, y - 6), svg.FORWARD, "1.8", 8, 3.5)
            back = svg.pointer((stop - 23, y + 8), (start + 23, y + 8), svg.BACKWARD, "1.8", 8, 3.5)
            words = svg.plate((start + stop) / 2, y + 8, str(came), svg.BACKWARD)
            parts += [svg.element("g", ahead, **faint), svg.element("g", back, **faint), words]
        begin, tip = svg.between((right, y), goal, 23, 25)
        parts += [
            svg.element("g", svg.pointer(begin, tip, svg.FORWARD, "1.8", 8, 3.5), **faint),
            _disc(left, y, str(value), bool(m)),
            svg.element(
                "rect", x=middle - 19, y=y - 15, width=38, height=30, rx=4, fill=svg.GROUND,
                stroke="currentColor", stroke_width="1.5",
            ),
            svg.text(middle, y + 5, f"· {m}", font_weight=600),
            _disc(right, y, str(m * value), bool(m)),
        ]  # fmt: skip
    total = sum(a * b for a, b in zip(x, mask, strict=True))
    parts += [
        _disc(*goal, str(total), True),
        svg.text(end, goal[1] + 42, "slope of", svg.BACKWARD),
        svg.text(end, goal[1] + 59, f"loss: {slope}", svg.BACKWARD),
    ]
    words = (
        f"The activations {list(x)} are multiplied by the mask {list(mask)} and add up to {total}."
        f" The slope {slope} comes back to each, and the mask makes"
        f" {[m * slope for m in mask]} of it."
    )
    return drawing(title, rows[-1] + 34, words, *parts)


def _disc(x: float, y: float, words: str, live: bool) -> str:
    rim = svg.element(
        "circle", cx=x, cy=y, r=20, fill=svg.GROUND, stroke="currentColor", stroke_width="1.5",
        stroke_dasharray=None if live else "3 4",
    )  # fmt: skip
    return rim + svg.text(x, y + 5, words, font_weight=600 if live else 400)


def noise() -> list[Frame]:
    """Return a frame for each rate: what the masks of two inputs do to one squared error.

    The weights are (1, 2), the inputs (2, 1) and the target 3, so that each input contributes 2.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, green = _colors()
    frames = []
    for p in CHANCES:
        scale = 2 / (1 - p)
        masks = (("both", 2 * scale, (1 - p) ** 2, (12, -2), "left", "center"),
                 ("one", scale, 2 * p * (1 - p), (0, -10), "center", "top"),
                 ("none", 0.0, p**2, (-11, -2), "right", "center"))  # fmt: skip
        shown = [mask for mask in masks if mask[2] > 0]
        losses = [(z - 3) ** 2 / 2 for _, z, *_ in shown]
        mean = sum(mask[2] * loss for mask, loss in zip(shown, losses, strict=True))
        fig, ax = plt.subplots(figsize=(4.4, 2.5))
        z = np.linspace(-2.9, 8.9, 200)
        ax.plot(z, (z - 3) ** 2 / 2, "-", color=GREY, linewidth=1.4)
        for (words, at, chance, shift, ha, va), loss in zip(shown, losses, strict=True):
            ax.plot(at, loss, "o", color=red, markersize=4 + 13 * chance**0.5, alpha=0.75)
            if p:
                ax.annotate(f"{words}\n{chance:.0%}", (at, loss), shift, color=red, ha=ha, va=va,
                            textcoords="offset points", linespacing=1.1)  # fmt: skip
        ax.plot([4, 4], [0.5, mean], "-", color=green, linewidth=4, alpha=0.5)
        ax.plot(4, 0.5, "s", color=blue, markersize=6)
        ax.plot(4, mean, "D", color=green, markersize=7)
        lines = ((f"◆ mean loss {mean:.3g}", green), ("■ loss in use 0.5", blue),
                 (f"added: {mean - 0.5:.3g}", INK))  # fmt: skip
        for k, (words, color) in enumerate(lines):
            ax.text(3, 15.6 - 2.3 * k, words, color=color, ha="center", va="center")
        ax.set(xlim=(-4, 11), ylim=(-4.6, 17), xticks=[0, 4, 8], yticks=[0, 5, 10, 15],
               xlabel="output z", ylabel="loss")  # fmt: skip
        parts = " + ".join(
            f"{mask[2]:.2g} · {loss:.3g}" for mask, loss in zip(shown, losses, strict=True)
        )
        words = (
            f"The masks keep both inputs, one or none. Chance times loss, summed:"
            f" {parts} = {mean:.3g}. The loss in use is 0.5."
            if p
            else "Nothing is dropped, so z is 4 and the loss is 0.5 in every step."
        )
        frames.append(drawn(fig, f"The losses of a linear unit with dropout at {p:g}", words))
    return frames


def sieve(splits: Sequence[tuple[Array, Array, Array]], rate: float) -> list[Frame]:
    """Return a frame for each number of steps: what linear units have learned by then, and where.

    Parameters
    ----------
    splits : sequence of (array, array, array)
        For each split of the data and each direction, its curvature, and its shares of the right
        labels and of the errors.
    rate : float
        The learning rate.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    edges, line = np.logspace(-5, 0, 16), np.logspace(-5, 0, 200)
    middle = np.sqrt(edges[1:] * edges[:-1])
    frames = []
    for t in STEPS:
        lam = 1 / (rate * t)
        fig, axes = plt.subplots(3, 1, sharex=True, figsize=(4.4, 3.5), height_ratios=(1, 1.15, 1))
        axes[0].plot(line, 100 * (1 - (1 - rate * line) ** t), "-", color=INK, linewidth=2)
        axes[0].plot(line, 100 * line / (line + lam), "--", color=GREY, linewidth=1.6)
        axes[0].set(ylim=(0, 104), yticks=[0, 50, 100])
        axes[0].set_title("share of the way that is done, in percent", loc="left", fontsize=11)
        names = ((96, f"— after {t:,} step" + "s" * (t > 1), INK), (62, "- - weight decay", GREY))
        for y, words, color in names:
            axes[0].text(1.3e-5, y, words, color=color, va="top", fontsize=11)
        ends = []
        for ax, which, words, color in zip(
            axes[1:], (1, 2), ("right labels", "errors"), _colors()[:2], strict=True
        ):
            full, done, totals = [], [], []
            for split in splits:
                c, held = split[0], split[which]
                learned = held * (1 - (1 - rate * c) ** t)
                inside = np.clip(c, edges[0], edges[-1])
                full.append(np.histogram(inside, edges, weights=held)[0])
                done.append(np.histogram(inside, edges, weights=learned)[0])
                decayed = float(held @ (c / (c + lam)))
                totals.append((float(learned.sum()), decayed))
            ends.append(np.median(totals, axis=0))
            width = 0.9 * np.diff(edges)
            ax.bar(middle, 100 * np.mean(full, axis=0), width, facecolor="none", edgecolor=color)
            ax.bar(middle, 100 * np.mean(done, axis=0), width, color=color, alpha=0.75)
            ax.set_title(f"{words}: {ends[-1][0]:.0%} fitted", loc="left", fontsize=11,
                         color=color)  # fmt: skip
            ax.set(ylim=(0, 30 if which == 1 else 26), yticks=[0, 10, 20])
        axes[1].set_ylabel("percent")
        axes[2].set(xscale="log", xlim=(edges[0], edges[-1]), xlabel="flat ← curvature → steep",
                    xticks=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1])  # fmt: skip
        for ax in axes:
            ax.minorticks_off()
            ax.grid(axis="x", visible=False)
        (right, right_decay), (errors, errors_decay) = ends
        words = (
            f"The units have fitted {right:.0%} of the right labels and"
            f" {errors:.0%} of the errors. Dashed: weight decay with λ = 1/(ηt) = {lam:.3g}"
            f" fits {right_decay:.0%} and {errors_decay:.0%}."
        ).replace("%", " %")
        frames.append(drawn(fig, f"What linear units have fitted after {t} steps", words))
    return frames


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
    tens = [-4, -3, -2]
    ax.set_xticks([least, *(10.0**k for k in tens)], ["0", *("10" + svg.raised(k) for k in tens)])
    ax.minorticks_off()
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
