"""The figures of the chapter on attention: where an error arrives, and what a long query gets.

Blue is forward and orange is backward in all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, plotted, pyplot, unbroken
from backprop.book.figures.stepper import Frame

# Where the error of an output arrives.

LEFT, TALL = 44.0, 24.0
"""Width of the names of the rows, and height of a row."""


Maps = Mapping[str, tuple[NDArray[np.integer], Array]]
"""The heading of each table, the tokens that are its rows, and one row of shares for each."""


def shares(sizes: Array) -> Array:
    """Divide each row by its sum; a row of zeros stays one."""
    total = sizes.sum(axis=-1, keepdims=True)
    return np.asarray(sizes / np.where(total == 0, 1, total))


def gathering(
    tokens: Sequence[str],
    rows: NDArray[np.integer],
    told: Mapping[int, int],
    runs: Mapping[str, Sequence[tuple[float, Array]]],
    captions: Sequence[str],
) -> list[Frame]:
    """Return a frame for each look at training networks.

    Parameters
    ----------
    tokens : sequence of str
        The names of the columns.
    rows : array of int
        The tokens that are rows: the questions.
    told : mapping of int to int
        The column that is framed in the row of a token.
    runs : mapping of str to sequence of (right, sizes)
        The name of each network, and what it is at each look: the share of right answers, and
        the sizes of all slopes.
    captions : sequence of str
        What each frame shows; the shares of right answers are put before it.
    """
    frames = []
    for said, *seen in zip(captions, *runs.values(), strict=True):
        maps = {
            f"{name}: {100 * right:.0f} % right": (rows, shares(sizes)[rows])
            for name, (right, sizes) in zip(runs, seen, strict=True)
        }
        shown = " and ".join(f"{100 * right:.0f} %" for right, _ in seen)
        frames.append(_frame(tokens, maps, told, f"{shown} right. {said}"))
    return frames


def _frame(tokens: Sequence[str], maps: Maps, told: Mapping[int, int], caption: str) -> Frame:
    height, said, parts = _tables(tokens, maps, told)
    # Trained networks are not the same to the last digit on every machine.
    markup = svg.picture(svg.WIDTH, height, caption, said, *parts)
    return Frame(markup.replace("<svg ", '<svg class="bp-drawn" ', 1), caption)


def _tables(
    tokens: Sequence[str], maps: Maps, told: Mapping[int, int]
) -> tuple[float, str, list[str]]:
    """Return the height of tables, one below another, what they say, and their markup."""
    across = (svg.WIDTH - LEFT - 4) / len(tokens)
    parts, said, top = [], [], 0.0
    for name, (rows, table) in maps.items():
        parts.append(svg.text(2, top + 17, name, text_anchor="start", font_weight=600))
        top += 44
        for s, token in enumerate(tokens):
            parts.append(svg.text(LEFT + (s + 0.5) * across, top - 6, token))
        for k, t in enumerate(rows):
            y = top + k * TALL
            parts.append(svg.text(LEFT - 7, y + 17, tokens[t], text_anchor="end", font_weight=600))
            for s, share in enumerate(table[k]):
                parts.append(_cell(LEFT + s * across, y, across, float(share)))
            if int(t) in told:
                x = LEFT + told[int(t)] * across
                parts.append(
                    svg.element(
                        "rect", x=x + 2, y=y + 2, width=across - 4, height=TALL - 4, fill="none",
                        stroke="currentColor", stroke_width="2.2", rx="3",
                    )
                )  # fmt: skip
            shown = ", ".join(f"{v:.2f}" for v in table[k])
            said.append(f"{name}, {tokens[t]}: {shown}")
        top += len(rows) * TALL + 12
    return top - 6, "; ".join(said), parts


def _cell(x: float, y: float, wide: float, share: float) -> str:
    paint = svg.element(
        "rect", x=x, y=y, width=wide, height=TALL, fill=svg.BACKWARD,
        fill_opacity=f"{min(1.0, share / 0.6):.2f}",
    )  # fmt: skip
    frame = svg.element(
        "rect", x=x, y=y, width=wide, height=TALL, fill="none", stroke="currentColor",
        opacity="0.25",
    )  # fmt: skip
    return paint + frame


# One query that grows.

LENGTHS = tuple(k / 2 for k in range(2, 11))
"""Of the query; the keys have the length 1."""
ANGLE = 330
"""Of the query, in degrees: it points along the second key, whose value is wrong."""
KEYS = (90, 330, 210)
VALUES = np.array([10.0, 0.0, 20.0])
WANTED = 10.0


def pointed(length: float) -> tuple[Array, float, Array]:
    """Return the weights, the answer, and ∂L/∂s for L = ½ (y - 10)²."""
    s = length * np.cos(np.radians(np.array(KEYS) - ANGLE))
    p = softmax(s[None])[0]
    y = float(p @ VALUES)
    return p, y, p * (y - WANTED) * (VALUES - y)


def pushed(length: float) -> Array:
    """Return the push on the query, -∂L/∂q = -Σ_j ∂L/∂s_j k_j."""
    at = np.radians(np.array(KEYS))
    return np.asarray(-pointed(length)[2] @ np.column_stack([np.cos(at), np.sin(at)]))


def growing() -> list[Frame]:
    """Return a frame for each length of the query."""
    return [_pointed(length) for length in LENGTHS]


def lengths() -> list[str]:
    """Return what the slider shows."""
    return [f"{length:g}" for length in LENGTHS]


def _point(x: float, y: float, angle: float, far: float) -> tuple[float, float]:
    return x + far * math.cos(math.radians(angle)), y - far * math.sin(math.radians(angle))


def _pointed(length: float) -> Frame:
    p, y, ds = pointed(length)
    # The longest query is to end before the names of the weights.
    cx, cy, one = 84.0, 122.0, 22.0
    parts = []
    places = (cx, cy - one - 26), (102.0, 170.0), (34.0, 152.0)
    for k, (key, value, (x, y_name)) in enumerate(zip(KEYS, VALUES, places, strict=True)):
        tip = _point(cx, cy, key, one)
        parts.append(svg.pointer((cx, cy), tip, "currentColor", "2", 10, 5))
        parts.append(svg.text(x, y_name, f"key {k + 1}"))
        parts.append(svg.text(x, y_name + 16, f"value {value:g}"))
    tip = _point(cx, cy, ANGLE, one * length)
    parts.append(svg.pointer((cx, cy), tip, svg.FORWARD, "6", 18, 9))
    bar, long, middle, unit = 232.0, 74.0, 370.0, 2.8
    parts.append(svg.text(bar, 18, "weight p", svg.FORWARD, text_anchor="start", font_weight=600))
    parts.append(svg.text(middle, 18, "push", svg.BACKWARD, font_weight=600))
    for k in range(3):
        row = 56.0 + 54 * k
        parts.append(
            svg.element("line", x1=middle, y1=row - 13, x2=middle, y2=row + 13,
                        stroke="currentColor", opacity="0.6")
        )  # fmt: skip
        parts.append(svg.text(bar - 6, row + 5, f"{k + 1}", text_anchor="end", font_weight=600))
        parts.append(
            svg.element("rect", x=bar, y=row - 9, width=long, height=18, fill="none",
                        stroke="currentColor", opacity="0.4")
        )  # fmt: skip
        parts.append(
            svg.element("rect", x=bar, y=row - 9, width=float(long * p[k]), height=18,
                        fill=svg.FORWARD)
        )  # fmt: skip
        parts.append(
            svg.text(bar + long / 2, row + 26, f"{p[k]:.2f}", svg.FORWARD, font_weight=600)
        )
        push = -float(ds[k])
        end = middle + push * unit
        if abs(push) * unit > 8:
            head = min(10.0, abs(push) * unit * 0.7)
            parts.append(svg.pointer((middle, row), (end, row), svg.BACKWARD, "5", head, 8))
        words = f"{push:+.1f}".replace("-", "−")
        parts.append(svg.text(middle, row + 26, words, svg.BACKWARD, font_weight=600))
    parts.append(svg.text(2, 18, "query", svg.FORWARD, text_anchor="start", font_weight=600))
    push = math.hypot(*pushed(length))
    strong = f"{push:.1f}" if push > 1 else f"{push:.2f}"
    parts.append(svg.text(2, 218, f"answer {y:.1f}, wanted {WANTED:g}", text_anchor="start"))
    parts.append(svg.text(2, 242, "push on the query", svg.BACKWARD, text_anchor="start",
                          font_weight=600))  # fmt: skip
    parts.append(svg.element("rect", x=164, y=231, width=7.4 * push, height=13, fill=svg.BACKWARD))
    parts.append(
        svg.text(171 + 7.4 * push, 242, strong, svg.BACKWARD, text_anchor="start", font_weight=600)
    )
    words = f"Key 2 has the weight {p[1]:.3f}."
    what = f"The query has the length {length:g} and points along key 2: weights "
    what += ", ".join(f"{w:.3f}" for w in p) + f"; answer {y:.1f}"
    what += f"; the push on the query has the length {strong}"
    markup = svg.picture(svg.WIDTH, 250, what, unbroken(words), *parts)
    return Frame(markup, unbroken(words))


# How scores start.


def started(panels: Mapping[str, Mapping[str, Mapping[bool, Array]]], title: str) -> Drawing:
    """Draw the share of right answers of networks whose scores start spread or not.

    Parameters
    ----------
    panels : mapping of str to mapping of str to mapping of bool to array
        For the heading of each panel, for the name of each row, and for divided or not: the
        shares, one dot for each start.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, axes = plt.subplots(1, len(panels), figsize=(4.2, 2.6))
    for ax, (name, rows) in zip(axes, panels.items(), strict=True):
        for row, arms in enumerate(rows.values()):
            ax.axhspan(row - 0.4, row + 0.4, color=INK, alpha=0.07, linewidth=0)
            for divided, right in arms.items():
                color, mark, side = (COLORS[1], "o", 0.2) if divided else (INK, "s", -0.2)
                above = row + side + np.linspace(-0.12, 0.12, len(right))
                ax.plot(right, above, mark, color=color, markersize=3.6, alpha=0.7,
                        markeredgewidth=0, clip_on=False)  # fmt: skip
        ax.set_title(name, loc="left", fontsize=12)
        ax.set(xlim=(0.63, 1.01), ylim=(len(rows) - 0.5, -0.5), xticks=[0.7, 0.8, 0.9, 1])
        ax.set_xticklabels(["0.7", "", "", "1"])
        ax.set_yticks(range(len(rows)), list(rows))
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False)
        ax.set_xlabel("share right")
        for side_ in ("left", "top", "right"):
            ax.spines[side_].set_visible(False)
    axes[0].set_ylabel("spread at the start")
    axes[0].text(0.65, 1.8, "not divided", color=INK, va="center")
    axes[0].text(0.65, 2.2, "divided", color=COLORS[1], va="center")
    return plotted(fig, title)


# What is learned by learning only a half.


def reached(runs: Mapping[str, Array], levels: Mapping[str, float], title: str) -> Drawing:
    """Draw each run's share of right answers as a dot, and what rules reach as lines.

    Parameters
    ----------
    runs : mapping of str to array, shape (runs, 2)
        One row of the figure for each: the share of right answers, and the mean weight on the
        answer, whose median is written beside the row. Runs that pass all levels have the colour
        of what learns.
    levels : mapping of str to float
        What stands at each line, and where it stands.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.0, 0.4 * len(runs) + 0.24 * len(levels) + 0.8))
    for row, found in enumerate(runs.values()):
        right, weight = np.asarray(found).T
        color = COLORS[1] if right.min() > max(levels.values()) else INK
        above = np.linspace(-0.42, 0.42, len(right))
        ax.plot(
            right, row + above, "o", color=color, markersize=2.2, markeredgewidth=0, clip_on=False
        )
        low, high = (f"{100 * share:.0f}" for share in (right.min(), right.max()))
        said = low if low == high else f"{low}–{high}"
        ax.text(1.42, row, f"{said} %", ha="right", va="center", color=color)
        ax.text(1.85, row, f"{np.median(weight):.2f}", ha="right", va="center", color=color)
    top = -1.1 - 0.6 * len(levels)
    for k, (name, at) in enumerate(levels.items()):
        here = top + 0.6 * k + 0.3
        ax.plot([at, at], [len(runs) - 0.5, here], color=INK, linewidth=1, linestyle="--")
        ax.text(at + 0.02, here, name, va="center")
    ax.text(1.42, -0.75, "right", ha="right", va="center", weight="bold")
    ax.text(1.85, -0.75, "weight", ha="right", va="center", weight="bold")
    ax.set(xlim=(0, 1.86), ylim=(len(runs) - 0.5, top), xticks=[0, 0.5, 1])
    ax.set_xlabel("share of right answers", loc="left")
    ax.spines["bottom"].set_bounds(0, 1)
    ax.set_yticks(range(len(runs)), list(runs))
    ax.tick_params(axis="y", length=0)
    ax.grid(visible=False)
    for side in ("left", "top", "right"):
        ax.spines[side].set_visible(False)
    return plotted(fig, title)
