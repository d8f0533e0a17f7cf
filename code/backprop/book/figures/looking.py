"""The figures of the chapter on attention: where an error arrives, and what turns a query.

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
    """
    frames = []
    for seen in zip(*runs.values(), strict=True):
        maps = {
            f"{name}: {100 * right:.0f} % right": (rows, shares(sizes)[rows])
            for name, (right, sizes) in zip(runs, seen, strict=True)
        }
        frames.append(_frame(tokens, maps, told, "Each row is a question, each column a token."))
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


# One query that turns.

ANGLES = tuple(range(30, 390, 20))
"""Of the query, in degrees: once round, from between the second key and the first."""
KEYS = (90, 330, 210)
VALUES = np.array([10.0, 0.0, 20.0])
WANTED = 10.0
LONG = 3.5
"""How long the query is; the keys have the length 1."""


def turned(angle: float) -> tuple[Array, float, Array]:
    """Return the weights, the answer, and ∂L/∂s for L = ½ (y - 10)²."""
    s = LONG * np.cos(np.radians(np.array(KEYS) - angle))
    p = softmax(s[None])[0]
    y = float(p @ VALUES)
    return p, y, p * (y - WANTED) * (VALUES - y)


def pushed(angle: float) -> Array:
    """Return the push on the query, -∂L/∂q = -Σ_j ∂L/∂s_j k_j."""
    at = np.radians(np.array(KEYS))
    return np.asarray(-turned(angle)[2] @ np.column_stack([np.cos(at), np.sin(at)]))


def turning() -> list[Frame]:
    """Return a frame for each direction of the query."""
    return [_turned(angle) for angle in ANGLES]


def directions() -> list[str]:
    """Return what the slider shows."""
    return [f"{angle % 360}°" for angle in ANGLES]


def _point(x: float, y: float, angle: float, far: float) -> tuple[float, float]:
    return x + far * math.cos(math.radians(angle)), y - far * math.sin(math.radians(angle))


def _turned(angle: int) -> Frame:
    p, y, ds = turned(angle)
    cx, cy, far = 100.0, 126.0, 62.0
    parts = []
    for k, (key, value) in enumerate(zip(KEYS, VALUES, strict=True)):
        tip = _point(cx, cy, key, far)
        parts.append(svg.pointer((cx, cy), tip, "currentColor", "2", 10, 5))
        x, foot = _point(cx, cy, key, far + 15)
        shift = 0 if k == 0 else 14
        parts.append(svg.text(x, foot + shift - 6, f"key {k + 1}"))
        parts.append(svg.text(x, foot + shift + 10, f"value {value:g}"))
    tip = _point(cx, cy, angle, far - 8)
    parts.append(svg.pointer((cx, cy), tip, svg.FORWARD, "6", 18, 9))
    # The largest push, of nearly 27, is to end before the names of the keys.
    right, up = 1.5 * pushed(angle)
    if (drawn := math.hypot(right, up)) > 7:
        reached, head = (tip[0] + right, tip[1] - up), min(11.0, drawn * 0.7)
        parts.append(svg.pointer(tip, reached, svg.BACKWARD, "5", head, min(8.0, head)))
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
        words = f"{push:+.1f}".replace("-", "−") if abs(push) >= 0.05 else "0"
        parts.append(svg.text(middle, row + 26, words, svg.BACKWARD, font_weight=600))
    parts.append(svg.text(2, 18, "query", svg.FORWARD, text_anchor="start", font_weight=600))
    parts.append(
        svg.text(52, 18, "and its push", svg.BACKWARD, text_anchor="start", font_weight=600)
    )
    answer = f"answer {y:.1f}, wanted {WANTED:g}"
    parts.append(svg.text(cx, 213, answer, font_weight=600))
    error = f"{y - WANTED:.1f}".replace("-", "−")
    error = "0" if error in ("0.0", "−0.0") else error
    most = int(p.argmax())
    words = f"The error at the answer is {error}."
    if p[most] > 0.9:
        words += f" Key {most + 1} has nearly all the weight"
        words += ": little error passes." if abs(y - WANTED) > 5 else "."
    what = f"The query points at {angle % 360} degrees: weights "
    what += ", ".join(f"{w:.2f}" for w in p)
    what += f"; the push on the query has the length {math.hypot(*pushed(angle)):.1f}"
    markup = svg.picture(svg.WIDTH, 222, what, unbroken(words), *parts)
    return Frame(markup, unbroken(words))


# Scores that are too large.


def saturation(seed: int, widths: Sequence[int], divided: bool, keys: int = 16) -> Array:
    """Draw 100 queries for each width d, and return what each gets, shape (widths, 3, 100).

    These are the root of the mean square of its scores, its largest weight, and the length of
    ∂L/∂q. Queries, keys, values and the error at the answer are standard normal; the values have
    8 entries, whatever d is.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for d in widths:
        q, k = rng.normal(size=(100, 1, d)), rng.normal(size=(100, keys, d))
        v, dy = rng.normal(size=(100, keys, 8)), rng.normal(size=(100, 1, 8))
        root = math.sqrt(d) if divided else 1.0
        s = (q @ k.swapaxes(1, 2)) / root
        p = softmax(s.reshape(100, keys)).reshape(s.shape)
        dp = dy @ v.swapaxes(1, 2)
        ds = p * (dp - (p * dp).sum(axis=-1, keepdims=True))
        scores = np.linalg.norm(s / math.sqrt(keys), axis=-1)
        at_query = np.linalg.norm(ds @ k / root, axis=-1)
        rows.append(np.hstack([scores, p.max(axis=-1), at_query]).T)
    return np.array(rows)


def scales(widths: Sequence[int], runs: Mapping[bool, Array], title: str) -> Drawing:
    """Draw the largest weight, and the error at the query, over d, divided by √d and not.

    Parameters
    ----------
    widths : sequence of int
    runs : mapping of bool to array, shape (seeds, widths, 3, queries)
        As :func:`saturation` returns them; all but the first number are drawn, as medians and
        quartiles over seeds and queries. The key tells whether scores were divided.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, figsize=(4.2, 2.4))
    panels = ("largest weight", COLORS[0], 1.05), ("row of dQ", COLORS[1], 5.0)
    for column, (ax, (name, color, top)) in enumerate(zip(axes, panels, strict=True), 1):
        for divided, found in runs.items():
            style, tint = ("-o", color) if divided else ("--s", INK)
            low, middle, high = np.quantile(found[:, :, column], [0.25, 0.5, 0.75], axis=(0, 2))
            ax.fill_between(widths, low, high, color=tint, alpha=0.2, linewidth=0)
            ax.plot(widths, middle, style, color=tint, markersize=4)
        ax.set_title(name, loc="left", fontsize=12, color=color)
        ax.set_xscale("log", base=4)
        ax.set_xticks(widths, [str(d) for d in widths])
        ax.minorticks_off()
        ax.set_xlabel("width d")
        ax.set_ylim(0, top)
    axes[0].text(widths[-1], 0.34, "divided", color=COLORS[0], ha="right")
    axes[0].text(widths[0], 0.93, "not divided", color=INK)
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
    fig, ax = plt.subplots(figsize=(4.0, 0.36 * len(runs) + 0.24 * len(levels) + 0.9))
    for row, found in enumerate(runs.values()):
        right, weight = np.asarray(found).T
        color = COLORS[1] if right.min() > max(levels.values()) else INK
        above = np.linspace(-0.2, 0.2, len(right))
        ax.plot(right, row + above, "o", color=color, markersize=4, alpha=0.7, clip_on=False)
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
