"""The figures of the chapter on precision: what falls off the edge of a format of 16 bits.

Blue is what a format holds, the hatched part its subnormal numbers, vermilion what is lost.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.book.rounding import FORMATS

TOY_TINY = 1 / 4
"""The smallest normal number of the format that the chapter draws."""
LOWEST, HIGHEST = -45, 20
"""The exponents of 2 that the histograms show."""
HALF = FORMATS["float16"]
BOUNDS = (0.1, 0.3, 0.5, 1, 1.6, 2, 3, 6, 10, 20, 28, 30, 60, 100)
"""One of them, in per cent, stands for a share: single entries depend on the CPU's rounding."""


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[1], COLORS[2]


def power(k: float) -> str:
    """Write 2 to a power, in one line."""
    return "2" + svg.raised(round(k))


def toy_numbers() -> Array:
    """Return the numbers of the format that the chapter draws, from 0 on."""
    normal = [m * 2.0**e for e in (-2, -1, 0, 1) for m in (1, 1.25, 1.5, 1.75)]
    return np.array([0, 1 / 16, 2 / 16, 3 / 16, *normal])


def nearest(x: float) -> float:
    """Round to the toy format; a tie does not occur in the chapter."""
    numbers = [*toy_numbers().tolist(), 4.0]
    found = min(numbers, key=lambda number: abs(number - x))
    return math.inf if found == 4 else found


def ruler(title: str) -> Drawing:
    """Draw the toy format's numbers, and below them its beginning enlarged, with four results."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, _ = _colors()
    fig, axes = plt.subplots(2, 1, figsize=(4.6, 2.7))
    numbers = toy_numbers()
    for ax, end, width, shown in (
        (
            axes[0],
            4.15,
            4.6,
            ((1.1, "1.1", 1.0), (3.2, "3 + 0.2", 3.0), (4.0, "3.5 + 0.5", math.inf)),
        ),
        (axes[1], 0.53, 0.53, ((0.04, "0.04", 1 / 16), (0.03, "0.03", 0.0))),
    ):
        ax.plot([0, end], [0, 0], "-", color=GREY, linewidth=1)
        for number in numbers[numbers <= end]:
            subnormal = number < TOY_TINY
            ax.plot([number] * 2, [-0.32, 0.32], ":" if subnormal and number else "-",
                    color=blue if number else INK, linewidth=2.6)  # fmt: skip
        for x, words, target in shown:
            lost = target == 0 or words.startswith("3")
            if target == math.inf:
                ax.text(4.5, 0.1, "∞", color=red, ha="center", va="center", fontsize=14)
                target = 4.4
            color = red if lost else blue
            ax.annotate(
                "", (target, 0.36), (x, 1.02),  # what overflows leaves the line
                arrowprops={"arrowstyle": "-|>", "color": color, "lw": 1.6, "shrinkB": 0},
            )  # fmt: skip
            side = "left" if words == "0.04" else "right" if words == "0.03" else "center"
            ax.text(x, 1.1, words, color=color, ha=side, va="bottom")
        ax.set(xlim=(-0.02 * end, width), ylim=(-0.5, 1.9), yticks=[])
        ax.grid(False)
        for side in ("left", "bottom"):
            ax.spines[side].set_visible(False)
    axes[0].set_xticks([0, 0.5, 1, 2, 3.5], ["0", "½", "1", "2", "3½"])
    axes[0].set_title("all numbers from 0 on", loc="left", fontsize=11)
    axes[1].set_title("the left end, enlarged (dotted: subnormal)", loc="left", fontsize=11)
    axes[1].set_xticks(
        [0, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 1 / 2], ["0", "¹⁄₁₆", "⅛", "³⁄₁₆", "¼", "½"]
    )
    return plotted(fig, title)


def kept_weights(count: int, update: float = 0.2) -> list[tuple[float, float, float]]:
    """Return, at the start at 1 and after each of some updates, what three weights are.

    The first is rounded to the toy format after each update. The second, the master weight, is
    not, and the third is its rounded copy.
    """
    found = [(1.0, 1.0, 1.0)]
    for k in range(1, count + 1):
        master = round(1 + k * update, 6)
        found.append((nearest(found[-1][0] + update), master, nearest(master)))
    return found


def _at(value: float) -> float:
    """Where a number from 1 to 3 stands on a drawn ruler."""
    return 38 + 172 * (value - 1)


def _hops(
    y: float, words: str, hops: Sequence[tuple[float, float, float]], *, master: bool = False
) -> list[str]:
    """Draw a ruler of the toy format, and on it updates from, to, and rounded to a number.

    Dotted lines are half-way between neighbours. Updates before the last one are pale. An update
    of a master weight is never lost.
    """
    numbers = [v for v in toy_numbers().tolist() if 1 <= v <= 3]
    ink = "currentColor"
    parts = [
        svg.text(_at(0.9), y - 50, words, text_anchor="start"),
        svg.element("line", x1=_at(0.9), x2=_at(3.1), y1=y, y2=y, stroke=ink),
    ]
    for low, high in pairwise(numbers):
        x = _at((low + high) / 2)
        parts.append(svg.element("line", x1=x, x2=x, y1=y - 42, y2=y, stroke=ink,
                                 stroke_dasharray="2 4"))  # fmt: skip
    for v in numbers:
        parts.append(svg.element("line", x1=_at(v), x2=_at(v), y1=y - 9, y2=y + 9, stroke=ink,
                                 stroke_width="2.5"))  # fmt: skip
        parts.append(svg.text(_at(v), y + 25, f"{v:g}") if v in (1, 1.5, 2, 2.5, 3) else "")
    lost = False
    for k, (start, end, to) in enumerate(hops):
        lost = not master and to == start
        paint = svg.BACKWARD if lost else svg.FORWARD
        parts.append(svg.element(
            "g", svg.pointer((_at(start), y - 30), (_at(end), y - 30), paint, "3", 9, 5),
            svg.element("line", x1=_at(end), x2=_at(to), y1=y - 28, y2=y - 6, stroke=paint,
                        stroke_width="1.5"),
            opacity=None if k == len(hops) - 1 else "0.3"))  # fmt: skip
    paint = svg.BACKWARD if lost else svg.FORWARD
    parts.append(svg.element("circle", cx=_at(hops[-1][2]), cy=float(y), r=7, fill=paint))
    if not master:
        parts.append(svg.text(_at(2.75), y - 50, "half-way"))
    if lost:
        parts.append(svg.text(_at(2.1), y - 39, "lost", svg.BACKWARD))
    return parts


def updates(count: int = 10, update: float = 0.2) -> list[Frame]:
    """Return one frame an update: a weight kept in the toy format, and below it a master weight.

    Above, each arrow starts at the rounded weight. Below, it starts where the last one ended, and
    only what the passes use is rounded.
    """
    frames = []
    weights = kept_weights(count, update)
    for k in range(1, count + 1):
        seen = list(pairwise(weights[: k + 1]))
        kept = [(a[0], a[0] + update, b[0]) for a, b in seen]
        master = [(a[1], b[1], b[2]) for a, b in seen]
        start, end, to = kept[-1]
        words = (
            f"Above, {start:g} + {update:g} = {end:g} is rounded to {to:g}"
            f"{', so the update is lost' * (to == start)}. "
            f"Below, the master weight is {weights[k][1]:g} and its copy {weights[k][2]:g}."
        )
        rows = [
            *_hops(80, "weight of few digits", kept),
            *_hops(206, "master weight (arrows), rounded copy (dot)", master, master=True),
        ]
        title = f"Two weights after {k} updates of {update:g}"
        frames.append(Frame(svg.picture(svg.WIDTH, 238, title, words, *rows), words))
    return frames


def exponents(values: Array) -> Array:
    """Return log₂ of the sizes of all entries that are neither 0 nor infinite."""
    values = np.abs(np.asarray(values, dtype=np.float64).ravel())
    return np.log2(values[(values > 0) & np.isfinite(values)])


def _bars(ax: Any, sizes: Array) -> None:
    """Draw a histogram of exponents: what float16 holds, and what it makes 0 or infinite."""
    blue, red, _ = _colors()
    edges = np.arange(LOWEST, HIGHEST + 1)
    share, _ = np.histogram(np.clip(sizes, LOWEST, HIGHEST - 0.5), edges)
    share = 100 * share / len(sizes)
    low, normal, high = (math.log2(v) for v in (HALF.least / 2, HALF.tiny, HALF.most))
    lost = (edges[:-1] < low) | (edges[:-1] >= round(high))
    subnormal = ~lost & (edges[:-1] < normal)
    for chosen, color, hatch in ((lost, red, None), (subnormal, blue, "/////"),
                                 (~lost & ~subnormal, blue, None)):  # fmt: skip
        ax.bar(edges[:-1][chosen] + 0.5, share[chosen], width=0.9, linewidth=0.8,
               color="none" if hatch else color, edgecolor=color, hatch=hatch)  # fmt: skip
    ax.axvline(low, color=red, linewidth=1.4, linestyle="--")
    ax.axvline(high, color=red, linewidth=1.4, linestyle="--")
    ax.set(xlim=(LOWEST, HIGHEST), yticks=[])
    ax.spines["left"].set_visible(False)
    ax.grid(False)


def hero(title: str, networks: Mapping[str, Array]) -> Drawing:
    """Draw the gradient entries of some networks, and below them what each format can hold."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, red, _ = _colors()
    n = len(networks)
    fig, axes = plt.subplots(n + 1, 1, sharex=True, figsize=(4.6, 3.9),
                             height_ratios=[1.15] * n + [0.95])  # fmt: skip
    for ax, (words, values) in zip(axes, networks.items(), strict=False):
        sizes = exponents(values)
        _bars(ax, sizes)
        lost = np.mean(sizes <= math.log2(HALF.least / 2))
        ax.set_title(words, loc="left", fontsize=11.5, color=INK)
        ax.text(LOWEST + 0.5, 0.78, f"{100 * lost:.0f} % become 0", color=red,
                transform=ax.get_xaxis_transform(), va="top")  # fmt: skip
    ax = axes[-1]
    for k, (words, form) in enumerate(FORMATS.items()):
        low, normal, high = (math.log2(v) for v in (form.least, form.tiny, form.most))
        y = -k
        start, end = max(normal, LOWEST), min(high, HIGHEST)
        ax.barh(y, end - start, left=start, height=0.78, color=blue)
        if low > LOWEST:
            ax.barh(y, normal - low, left=low, height=0.78, color="none", edgecolor=blue,
                    hatch="/////")  # fmt: skip
        digits = {23: "7 digits", 7: "2–3 digits", 10: "3–4 digits"}[form.fraction]
        ax.text((max(low, LOWEST) + end) / 2 + (2 if low > LOWEST else 0), y,
                f"{words}: {digits}", ha="center", va="center", color="white")  # fmt: skip
    ax.set(ylim=(-2.5, 0.5), yticks=[], xticks=range(-40, 21, 10))
    ax.set_xticklabels([power(k) for k in range(-40, 21, 10)])
    ax.set_xlabel("size of an entry")
    ax.spines["left"].set_visible(False)
    ax.grid(False)
    ax.set_title("what each format holds", loc="left", fontsize=11.5, color=INK)
    return plotted(fig, title)


def descent(title: str, by_hand: Array, measured: Array, lost: Array, controls: str) -> Drawing:
    """Draw how an error shrinks from the last layer to the first, and what float16 loses of it.

    Parameters
    ----------
    title : str
    by_hand : array, shape (layers,)
        A typical error of each layer, from the last layer on.
    measured : array, shape (runs, layers)
        The median error of some networks, in the same order.
    lost : array, shape (runs, layers)
        The share of the derivatives of each layer's weights that become 0.
    controls : str
        What other networks or formats lose.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, red, _ = _colors()
    fig, (above, below) = plt.subplots(2, 1, sharex=True, figsize=(4.6, 3.0),
                                       height_ratios=[1.5, 1])  # fmt: skip
    layers = np.arange(len(by_hand), 0, -1)
    edge = math.log2(HALF.least / 2)
    low, high = np.log2(measured.min(axis=0)), np.log2(measured.max(axis=0))
    above.bar(layers, high - low, bottom=low, width=0.5, color=blue)
    above.plot(layers, np.log2(by_hand), ":", color=INK, linewidth=1.6)
    above.axhspan(-32, edge, color=red, alpha=0.15, linewidth=0)
    above.axhline(edge, color=red, linewidth=1.4, linestyle="--")
    above.text(10.3, edge - 0.7, "float16 makes this 0", color=red, va="top")
    above.text(7.35, -13.2, "dotted: by hand", color=INK, va="bottom")
    above.text(4.9, -18.4, "ten networks", color=blue, va="bottom")
    above.set_yticks([-10, -20, -30], [power(k) for k in (-10, -20, -30)])
    above.set(ylim=(-32, -8))
    above.set_title("size of a typical error", loc="left", fontsize=11.5, color=INK)
    median = 100 * np.median(lost, axis=0)
    ends = 100 * np.stack([lost.min(axis=0), lost.max(axis=0)])
    below.bar(layers, median, width=0.7, color=red)
    below.vlines(layers, *ends, color=INK, linewidth=1.6)
    below.text(10.3, 88, controls, color=blue, va="top")
    below.set_title("derivatives of the weights that become 0, %", loc="left", fontsize=11.5,
                    color=INK)  # fmt: skip
    below.set(xlim=(len(by_hand) + 0.6, 0.4), ylim=(0, 105), yticks=[0, 50, 100], xticks=layers)
    below.set_xlabel("layer, in the order of the backward pass")
    for ax in (above, below):
        ax.grid(False)
    return plotted(fig, title)


def window(values: Array, powers: Sequence[int], stored: Sequence[Array]) -> list[Frame]:
    """Return one frame a loss scale: the first network's entries against what float16 holds.

    Parameters
    ----------
    values : array, shape (runs, P)
        The exact gradients of some networks.
    powers : sequence of int
        The loss scale is 2 to each of them.
    stored : sequence of arrays, shape (runs, P)
        What came out of a backward pass in float16 at each scale.
    """
    plt = pyplot()
    _, red, _ = _colors()
    sizes, frames = exponents(values[0]), []
    for k, found in zip(powers, stored, strict=True):
        parts = [shares(*pair) for pair in zip(values, found, strict=True)]
        zeros, wild = parts[0]
        fig, ax = plt.subplots(figsize=(4.4, 2.1))
        _bars(ax, sizes + k)
        ax.set_ylim(0, 12)
        for side, words in (
            ("left", f"become 0: {_percent(zeros)}"),
            ("right", f"become ∞: {_percent(wild)}"),
        ):
            ax.set_title(words, loc=side, color=red, fontsize=12)
        ax.set_xticks(range(-40, 21, 10), [power(k) for k in range(-40, 21, 10)])
        ax.set_xlabel("size of an entry, times s")
        zeros, wild = (max(share) for share in zip(*parts, strict=True))
        words = f"Ten networks: {_percent(zeros)} are 0, {_percent(wild)} ∞."
        frames.append(drawn(fig, f"Gradient entries at the loss scale {power(k)}", words))
    return frames


def shares(exact: Array, found: Array) -> tuple[float, float]:
    """Return which part of the nonzero entries was found to be 0, and which no finite number."""
    there = exact != 0
    return float(np.mean(found[there] == 0)), float(np.mean(~np.isfinite(found[there])))


def _percent(share: float) -> str:
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"under {next(bound for bound in BOUNDS if 100 * share < bound)} %"


def courses(
    title: str, runs: Mapping[str, Array], every: int, lost: Sequence[Array], fixed: Array
) -> Drawing:
    """Draw what two scales lose in each layer, and below it the loss over the steps.

    Parameters
    ----------
    title : str
    runs : mapping of four arrays, shape (runs, times)
        In float32, of which only the median is drawn; with each scale; and in another format.
    every : int
        So many steps lie between two times.
    lost : two arrays, shape (runs, layers)
        The share of each layer's derivatives that become 0, from the first layer on.
    fixed : array, shape (runs, times)
        In float32, with the first two layers held fixed.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, red, green = _colors()
    fig, axes = plt.subplots(2, 2, figsize=(4.6, 2.9), sharey="row", height_ratios=[1, 1.5])
    names = list(runs)
    middle = {name: np.median(found, axis=0) for name, found in runs.items()}
    at = np.arange(1, len(middle[names[0]]) + 1) * every
    for k, (name, color) in enumerate(((names[1], red), (names[2], green))):
        above, ax = axes[:, k]
        layers = np.arange(1, lost[k].shape[1] + 1)
        above.bar(layers, 100 * np.median(lost[k], axis=0), width=0.7, color=color)
        above.set(xlim=(len(layers) + 0.6, 0.4), ylim=(0, 105), yticks=[0, 100])
        above.set_xticks(layers[1::2])
        above.set_xlabel("layer", labelpad=0)
        above.grid(False)
        above.set_title(name, loc="left", fontsize=11, color=color)
        low, high = runs[name].min(axis=0), runs[name].max(axis=0)
        ax.fill_between(at, low, high, color=color, alpha=0.2, linewidth=0)
        ax.plot(at, middle[name], "-", color=color)
        ax.plot(at, middle[names[0]], ":", color=INK, linewidth=2)
        ax.set(xlabel="step", xticks=[0, 100, 200], ylim=(1.65, 2.75))
        ax.grid(False)
    axes[1, 0].plot(at, np.median(fixed, axis=0), "--", color=INK, linewidth=1.6)
    axes[1, 0].text(40, 2.38, "dashed: layers\n1 and 2 fixed", color=INK, va="bottom")
    axes[1, 1].plot(at, middle[names[3]], "--", color=blue, linewidth=1.6)
    axes[1, 1].text(40, 2.5, names[3], color=blue, va="bottom")
    axes[0, 0].set_ylabel("zeros, %")
    axes[1, 0].set_ylabel("loss")
    return plotted(fig, title)


def sums(title: str, series: Mapping[str, tuple[Array, float]]) -> Drawing:
    """Draw running sums, each with its words at the right end, raised by some amount.

    The ground says how far apart the numbers of bfloat16 are at each height.
    """
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    _, red, green = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 2.3))
    top = max(float(np.max(values)) for values, _ in series.values())
    for low in (512.0, 1024.0, 2048.0):
        if low < top:
            ax.axhline(low, color=GREY, linewidth=1)
            apart = low * FORMATS["bfloat16"].eps
            ax.text(1.02, (low + min(2 * low, 1.05 * top)) / 2, f"{apart:.0f} apart",
                    transform=ax.get_yaxis_transform(), color=GREY, va="center")  # fmt: skip
    styles = ((green, "-"), (INK, ":"), (red, "--"))
    for (words, (values, up)), (color, style) in zip(series.items(), styles, strict=True):
        ax.plot(np.arange(1, len(values) + 1), values, style, color=color, linewidth=2)
        ax.text(len(values), values[-1] + up, words, color=color, ha="right", va="center")
    ax.set(xlabel="losses added", ylabel="running sum", ylim=(0, None))
    ax.set_yticks([0, 512, 1024, 2048, 3072], ["0", "512", "1,024", "2,048", "3,072"])
    ax.grid(False)
    return plotted(fig, title)
