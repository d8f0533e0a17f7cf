"""The figures of the chapter on normalization: what it makes of a gradient, and of training.

A column is the numbers that share a mean μ and a deviation s; d = ∂L/∂x̂. Blue is what comes from
above, vermilion what a normalization takes away, green what is left.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.layers import BatchNorm

COLUMN = (1.0, 7.0, 9.0, 15.0)
SLOPES = (1.0, 0.0, 2.0, 5.0)
"""The column worked by hand, and ∂L/∂x̂."""
LAST = (15.0, 18.0, 22.0, 30.0, 50.0, 100.0, 200.0)
"""The values of its last number in the frames."""
PLANE = np.array([[1, -1, 0], [-1, -1, 2]]) / np.sqrt([[2], [6]])
"""Right and up, as seen along (1, 1, 1)."""
UPWARDS, LONG = (-0.5, 0.2, 1.0), 0.95
"""∂L/∂x̂ in the fan, and how long an arrow of length 1 is drawn."""
MINUS = "\N{MINUS SIGN}"


def gradient(x: Any, d: Any) -> Array:
    """Return ∂L/∂x of one column, as BatchNorm computes it with ε = 0 and γ = 1."""
    layer = BatchNorm(1, eps=0)
    layer.forward(np.array(x, dtype=float)[:, None])
    return layer.backward(np.array(d, dtype=float)[:, None])[:, 0].copy()


def terms(x: Any, d: Any) -> tuple[Array, Array, Array, float]:
    """Return d, what the shift and the stretch take away, and s: ∂L/∂x = (d + both) / s."""
    x, d = np.asarray(x, dtype=float), np.asarray(d, dtype=float)
    s = float(x.std())
    x_hat = (x - x.mean()) / s
    return d, np.full(len(x), -d.mean()), -x_hat * (d * x_hat).mean(), s


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[1], COLORS[2]


def fan(title: str) -> Drawing:
    """Draw the slopes of L = d·x and of L = d·x̂ at columns of three numbers, along (1, 1, 1)."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, green = _colors()
    d = np.array(UPWARDS)
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 3.0), width_ratios=(1, 1.7))
    flat = PLANE @ d
    tilt = math.atan2(flat[1], flat[0])
    reach = 3.4
    turn = np.linspace(0, 2 * np.pi, 37)
    for normalized, ax in enumerate(axes):
        if normalized:
            for low, high in pairwise(turn):
                wedge = np.array([(0, 0), *(reach * _unit(tilt + a) for a in (low, high))])
                depth = (1 + math.cos((low + high) / 2)) / 2
                ax.fill(*wedge.T, color=GREY, alpha=0.04 + 0.4 * depth, linewidth=0)
        else:
            levels = np.linspace(-reach, reach, 14)
            for low, high in pairwise(levels):
                ends = [(low, -9), (high, -9), (high, 9), (low, 9)]
                band = np.array([u * _unit(tilt) + v * _unit(tilt + math.pi / 2) for u, v in ends])
                depth = ((low + high) / 2 + reach) / (2 * reach)
                (patch,) = ax.fill(*band.T, color=GREY, alpha=0.04 + 0.4 * depth, linewidth=0)
                circle = plt.Circle((0, 0), reach, transform=ax.transData)
                patch.set_clip_path(circle)
        for k, name in enumerate(("x₁", "x₂", "x₃")):
            end = PLANE[:, k] / np.linalg.norm(PLANE[:, k])
            ax.plot(*np.array([(0, 0), reach * end]).T, "-", color=GREY, linewidth=0.9)
            ax.text(*(1.13 * reach * end), name, ha="center", va="center", color=INK)
        for s, count in ((0.55, 6), (1.0, 9), (1.6, 12)):
            for angle in np.arange(count) * 2 * math.pi / count + tilt:
                place = math.sqrt(3) * s * _unit(angle)
                slope = PLANE @ (gradient(place @ PLANE, d) if normalized else d)
                _arrow(ax, place, LONG * slope, green if normalized else blue)
        if normalized:  # on the ring with s = 1: d, and the part that the stretch takes
            out = _unit(tilt - 2 * math.pi / 9)
            along = LONG * (flat @ out) * out
            start = math.sqrt(3) * out - (LONG * flat - along) / 2
            _arrow(ax, start + LONG * flat / 2, LONG * flat, blue)
            _arrow(ax, start + LONG * flat - along / 2, -along, red)
        ax.set(xlim=(-3.9, 3.9), ylim=(-3.55, 4.3), aspect="equal")
        ax.axis("off")
        words = ("normalized", green) if normalized else ("not normalized", blue)
        ax.set_title(words[0], color=words[1], fontsize=12)
    return plotted(fig, title)


def _arrow(ax: Any, middle: Array, step: Array, colour: str) -> None:
    if np.linalg.norm(step) < 0.05:
        ax.plot(*middle, ".", color=colour, markersize=4)
        return
    style = {
        "arrowstyle": "-|>,head_width=0.22,head_length=0.4", "color": colour, "linewidth": 1.6,
        "mutation_scale": 9, "shrinkA": 0, "shrinkB": 0,
    }  # fmt: skip
    ax.annotate("", middle + step / 2, middle - step / 2, arrowprops=style)


def _unit(angle: float) -> Array:
    return np.array([math.cos(angle), math.sin(angle)])


def shared(title: str) -> Drawing:
    """Draw a table of examples by units twice: a column shares a mean, or a row does."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    table = np.array([[1, 5, 3], [7, 2, 0], [9, 4, 8], [15, 1, 2]])
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 1.75))
    for ax, kind in zip(axes, ("batch", "row"), strict=True):
        for (i, j), value in np.ndenumerate(table):
            inside = j == 0 if kind == "batch" else i == 1
            colour = _colors()[0] if inside else "none"
            ax.add_patch(
                plt.Rectangle(
                    (j, 3 - i), 1, 1, facecolor=colour, alpha=0.3 if inside else 1, linewidth=0
                )
            )
            ax.add_patch(
                plt.Rectangle((j, 3 - i), 1, 1, facecolor="none", edgecolor=GREY, linewidth=0.8)
            )
            ax.text(
                j + 0.5, 3.5 - i, str(value), ha="center", va="center", fontsize=11, color=INK,
                fontweight="bold" if inside else "normal",
            )  # fmt: skip
        ax.set(xlim=(-0.05, 3.05), ylim=(-0.05, 4.05))
        ax.axis("off")
        ax.set_title("batch norm" if kind == "batch" else "layer and RMS norm", fontsize=12)
    axes[0].text(-0.15, 2, "examples", rotation=90, ha="right", va="center")
    axes[0].text(1.5, -0.2, "units", ha="center", va="top")
    axes[1].text(1.5, -0.2, "units", ha="center", va="top")
    return plotted(fig, title)


def three_terms() -> list[Frame]:
    """Return one frame per value of the last number: d, both terms, what is left, and ∂L/∂x."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, red, green = _colors()
    frames = []
    for last in LAST:
        x = np.array([*COLUMN[:3], last])
        d, shift, stretch, s = terms(x, SLOPES)
        left = d + shift + stretch
        found = gradient(x, SLOPES)
        assert np.allclose(found, left / s)
        fig, axes = plt.subplots(1, 5, figsize=(4.6, 2.2), width_ratios=(1, 1, 1, 1, 0.62))
        heads = ("d", "shift", "stretch", "rest", "÷ s")
        columns = (d, shift, stretch, left, found)
        colours = (blue, red, red, green, green)
        for k, (ax, head, values, colour) in enumerate(
            zip(axes, heads, columns, colours, strict=True)
        ):
            rows = np.arange(4)[::-1]
            if k < 4:
                ax.barh(rows, values, 0.42, color=colour, alpha=0.85)
                ax.vlines(np.zeros(4), rows - 0.27, rows + 0.27, color=GREY, linewidth=1)
                for row, value in zip(rows, values, strict=True):
                    ax.text(
                        0, row + 0.29, _written(value, 1), ha="center", va="bottom", fontsize=11,
                        color=INK,
                    )  # fmt: skip
                ax.set_xlim(-5.4, 5.4)
            else:
                for row, value in zip(rows, values, strict=True):
                    ax.text(
                        0.5, row, _significant(value), ha="center", va="center", fontsize=11.5,
                        color=green, fontweight="bold",
                    )  # fmt: skip
                ax.set_xlim(0, 1)
            ax.set(ylim=(-0.35, 3.8), xticks=[], yticks=[])
            ax.set_title(head, fontsize=12, color=colour)
            ax.grid(False)
            for side in ax.spines.values():
                side.set_visible(False)
        axes[0].set_yticks(np.arange(4)[::-1], [f"x = {_written(v, 0)}" for v in x])
        axes[0].tick_params(length=0)
        part = [float(v @ v) for v in (d, shift, stretch, left)]
        words = (
            f"The mean is {_written(float(x.mean()), 1)} and s = {s:.1f}. Of the squared length of"
            f" d, {part[0]:.0f}, the shift takes {part[1]:.1f} and the stretch"
            f" {part[2]:.1f}, so {part[3]:.1f} remains."
        )
        frames.append(drawn(fig, f"The three terms where the last number is {last:g}", words))
    return frames


def _written(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", MINUS)


def _significant(value: float) -> str:
    """Write at least two decimals, and more where two significant digits need them."""
    places = 1 - math.floor(math.log10(abs(value))) if abs(value) > 1e-9 else 2
    return _written(value, max(2, places)).rstrip("0")


class Curve(NamedTuple):
    """Runs of one kind at several rates: a row per seed, a column per rate."""

    words: str
    runs: Array
    at: tuple[float, float]
    style: str


def rates(title: str, panels: Sequence[tuple[str, Sequence[float], Sequence[Curve]]]) -> Drawing:
    """Draw median and range of final losses over the rate, a panel per (heading, rates, curves)."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, red, green = _colors()
    top = 3.5
    fig, axes = plt.subplots(len(panels), 1, figsize=(4.6, 2.4 * len(panels)))
    fig.get_layout_engine().set(hspace=0.1)
    for ax, (heading, tried, curves) in zip(np.atleast_1d(axes), panels, strict=True):
        ax.axhline(math.log(10), color=INK, linestyle=":", linewidth=1.2)
        for curve, colour in zip(curves, (blue, red, green), strict=False):
            runs = np.minimum(np.nan_to_num(curve.runs, nan=np.inf), top)
            low, middle, high = runs.min(axis=0), np.median(runs, axis=0), runs.max(axis=0)
            ax.fill_between(tried, low, high, color=colour, alpha=0.16, linewidth=0)
            ax.loglog(tried, middle, curve.style, color=colour, markersize=5)
            ax.text(*curve.at, curve.words, color=colour, ha="center", va="center")
        ax.set(ylabel="loss", ylim=(None, top))
        ax.set_title(heading, loc="left", fontsize=11.5, color=INK)
        low = ax.get_ylim()[0]
        ticks = [v for v in ((0.5, 1, 2) if low > 0.2 else (0.01, 0.1, 1)) if v > low]
        ax.set_yticks(ticks, [f"{v:g}" for v in ticks])
        ax.set_xticks(list(tried), [f"{v:g}" for v in tried])
        ax.minorticks_off()
    np.atleast_1d(axes)[-1].set_xlabel("learning rate")
    return plotted(fig, title)


def ranges(title: str, rows: Sequence[tuple[str, Array]], heading: str) -> Drawing:
    """Draw median and range of several kinds of runs, one line each, from 0 to 100 %."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    _, red, green = _colors()
    fig, ax = plt.subplots(figsize=(4.6, 0.36 * len(rows) + 0.6))
    for k, (_, values) in enumerate(rows):
        colour, mark = (red, "o") if k else (green, "s")
        shown = 100 * np.asarray(values)
        middle = float(np.median(shown))
        ax.plot([shown.min(), shown.max()], [-k, -k], "-", color=colour, linewidth=5, alpha=0.35)
        ax.plot(middle, -k, mark, color=colour, markersize=7)
        side = -1 if middle > 60 else 1
        edge = shown.min() if side < 0 else shown.max()
        ax.text(
            edge + 2.5 * side, -k, f"{middle:.0f} %", va="center", color=INK,
            ha="right" if side < 0 else "left",
        )  # fmt: skip
    ax.axvline(10, color=INK, linestyle=":", linewidth=1.2)
    ax.set(xlim=(0, 101), ylim=(0.5 - len(rows), 0.5), xticks=[0, 10, 50, 100])
    ax.set_yticks([-k for k in range(len(rows))], [words for words, _ in rows])
    ax.set_title(heading, loc="left", fontsize=11)
    ax.grid(axis="y", visible=False)
    return plotted(fig, title)
