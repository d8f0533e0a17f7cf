"""The figures of the chapter on a small language model: a sentence, the model, and its runs.

Blue is forward, orange is backward, as everywhere in the book.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot

BLUE, ORANGE, INK = svg.FORWARD, svg.BACKWARD, "currentColor"
GUESSES = 4
"""Rows of expected letters in the first figure."""


def seen(letter: str) -> str:
    """Return a letter, and a low dot for a space."""
    return "·" if letter == " " else letter


def sentence(data: Mapping[str, Any], title: str) -> Drawing:
    """Draw a sentence, under each letter what was expected there, and the price of the surprise.

    Parameters
    ----------
    data : mapping
        One sentence of ``backprop.book.reading.stored()``.
    title : str
        What the picture shows, for those who do not see it.
    """
    text, model = data["text"], data["models"]["model"]
    across = (svg.WIDTH - 8) / len(text)
    places = [4 + (k + 0.5) * across for k in range(len(text))]
    parts = [svg.text(4, 15, "what the text says", text_anchor="start", font_weight=600)]
    parts += [
        svg.text(x, 42, seen(letter), font_size=18, font_weight=700)
        for x, letter in zip(places, text, strict=True)
    ]
    parts.append(
        svg.text(4, 72, "what the model expected there, likeliest first", BLUE,
                 text_anchor="start", font_weight=600)
    )  # fmt: skip
    top, tall = 80.0, 23.0
    for k, x in enumerate(places):
        for row in range(GUESSES):
            letter, p = model["letters"][k][row], model["p"][k][row]
            y = top + row * tall
            parts.append(
                svg.element("rect", x=x - across / 2 + 0.5, y=y, width=across - 1, height=tall - 1,
                            fill=BLUE, fill_opacity=f"{0.62 * p:.2f}", rx="2")
            )  # fmt: skip
            right = letter == text[k]
            parts.append(
                svg.text(x, y + 16, seen(letter), INK, font_weight=700 if right else 400,
                         opacity="1" if right else "0.75", font_size=15)
            )  # fmt: skip
            if right:
                parts.append(
                    svg.element("rect", x=x - across / 2 + 0.8, y=y + 0.5, width=across - 1.6,
                                height=tall - 2, fill="none", stroke=INK, stroke_width="1.8",
                                rx="2")
                )  # fmt: skip
    base = top + GUESSES * tall + 32
    parts.append(
        svg.text(4, base - 10, "the error that goes back: bits of surprise", ORANGE,
                 text_anchor="start", font_weight=600)
    )  # fmt: skip
    costs = [-math.log2(p) for p in model["came"]]
    unit = 52 / max(costs)
    for x, cost in zip(places, costs, strict=True):
        parts.append(
            svg.element("rect", x=x - across / 2 + 1.5, y=base, width=across - 3,
                        height=float(max(cost * unit, 0.8)), fill=ORANGE)
        )  # fmt: skip
    most = int(np.argmax(costs))
    parts.append(
        svg.text(places[most] + across, base + 50, f"{costs[most]:.1f} bits", ORANGE,
                 text_anchor="start", font_weight=600)
    )  # fmt: skip
    said = "; ".join(
        f"{seen(letter)}: {model['p'][k][0]:.2f} for {seen(model['letters'][k][0])}, "
        f"{costs[k]:.1f} bits"
        for k, letter in enumerate(text)
    )
    return drawing(title, base + 58, said, *parts)


def _box(x: float, y: float, wide: float, tall: float, *lines: str, fill: str = INK) -> str:
    frame = svg.element(
        "rect", x=x, y=y, width=wide, height=tall, rx="5", fill=svg.GROUND, stroke=fill,
        stroke_width="1.6",
    )  # fmt: skip
    middle = y + tall / 2 + 5 - (len(lines) - 1) * svg.LINE / 2
    words = [
        svg.text(x + wide / 2, middle + k * svg.LINE, line, font_weight=600)
        for k, line in enumerate(lines)
    ]
    return frame + "".join(words)


def _plus(x: float, y: float) -> str:
    ring = svg.element("circle", cx=x, cy=y, r=10, fill=svg.GROUND, stroke=BLUE, stroke_width="2")
    return ring + svg.text(x, y + 5, "+", BLUE, font_weight=700, font_size=16)


def _arrow(start: tuple[float, float], end: tuple[float, float], paint: str, thick: str) -> str:
    return svg.pointer(start, end, paint, thick, 9, 5)


def whole(title: str) -> Drawing:
    """Draw the whole model: forward to the right, backward to the left, one table at both ends."""
    road, back, low = 140.0, 200.0, 262.0
    parts = []
    # The way that is never left, and its error below.
    for x1, x2 in ((54.0, 118.0), (138.0, 245.0), (265.0, 302.0), (346.0, 368.0)):
        parts.append(_arrow((x1, road), (x2, road), BLUE, "3.5"))
    parts.append(_arrow((368, back), (54, back), ORANGE, "3.5"))
    # The branches: each leaves the way, and comes back to be added.
    for x, wide, down, up, lines in (
        (74.0, 84.0, 84.0, 128.0, ("norm", "attention")),
        (168.0, 97.0, 178.0, 255.0, ("norm", "gated layer")),
    ):
        parts.append(_arrow((down, road), (down, 100), BLUE, "2"))
        parts.append(_arrow((up, 100), (up, road - 10), BLUE, "2"))
        parts += [_box(x, 52, wide, 47, *lines), _plus(up, road)]
    parts.append(
        svg.element("rect", x=65.0, y=41.0, width=209.0, height=118.0, rx="8", fill="none",
                    stroke=INK, stroke_width="1", stroke_dasharray="4 4", opacity="0.6")
    )  # fmt: skip
    parts.append(svg.text(170, 33, "a block, three times", font_weight=600))
    parts.append(svg.text(170, 15, "(16, 64, 64)"))
    parts += [_box(302, road - 18, 44, 36, "norm")]
    parts += [_box(2, road - 24, 52, 96, "table", "W"), _box(368, road - 24, 50, 96, "table", "Wᵀ")]
    parts.append(svg.text(2, 15, "(16, 64)", text_anchor="start"))
    parts.append(svg.text(2, 33, "letters", text_anchor="start", font_weight=600))
    parts.append(_arrow((28, 44), (28, road - 26), BLUE, "2"))
    parts.append(svg.text(418, 15, "(16, 64, 70)", text_anchor="end"))
    parts.append(svg.text(418, 33, "scores", text_anchor="end", font_weight=600))
    parts.append(_arrow((393, road - 26), (393, 44), BLUE, "2"))
    words = "the error: passed on, and added to"
    parts.append(svg.text(211, back + 21, words, ORANGE, font_weight=600))
    # One table, two shares.
    parts.append(_box(138, low - 19, 144, 38, "∂L/∂W: their sum", fill=ORANGE))
    for x, tip, words, edge, anchor in (
        (28.0, 138.0, "share of the input", 2.0, "start"),
        (393.0, 282.0, "share of the scores", 418.0, "end"),
    ):
        parts.append(
            svg.element("line", x1=x, y1=road + 72, x2=x, y2=low, stroke=ORANGE, stroke_width="2.5")
        )
        parts.append(_arrow((x, low), (tip, low), ORANGE, "2.5"))
        parts.append(svg.text(edge, low + 36, words, ORANGE, text_anchor=anchor, font_weight=600))
    said = (
        "Letters enter the table W, whose rows run along a line to the table's transpose. In a"
        " block, a norm and attention branch off the line and are added to it, then a norm and a"
        " gated layer. The error runs back along the line. The table gets a share of its gradient"
        " at both ends, and they are added."
    )
    return drawing(title, 304, said, *parts)


def curves(found: Mapping[str, Any], lines: Mapping[str, float], title: str) -> Drawing:
    """Draw bits per letter over the steps: median and range of the runs, and what counting gives.

    Parameters
    ----------
    found : mapping
        As ``backprop.book.language.stored()`` returns it.
    lines : mapping of str to float
        Words and the bits of a model that counts.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS
    from backprop.book.figures.plots import INK as BLACK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.7))
    steps = found["steps"]
    for name, words, color, style, place in (
        ("validation", "on new text", COLORS[0], "-", (0.32, 8)),
        ("training", "in training", COLORS[1], "--", (0.55, -17)),
    ):
        runs = np.array(found[name])
        ax.fill_between(
            steps, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.25, linewidth=0
        )
        middle = np.median(runs, axis=0)
        ax.plot(steps, middle, style, color=color, linewidth=1.8)
        at = round(place[0] * len(steps))
        ax.annotate(
            words, (steps[at], middle[at]), (0, place[1]), textcoords="offset points", color=color
        )
    for k, (words, value) in enumerate(lines.items()):
        ax.axhline(value, color=BLACK, linewidth=1, linestyle=(0, (1, 2)))
        side = dict(ha="right") if k == 0 else dict(ha="left", va="top")
        ax.annotate(
            words, (steps[-1] if k == 0 else 0.02 * steps[-1], value), (0, 4 if k == 0 else -3),
            textcoords="offset points", color=BLACK, **side,
        )  # fmt: skip
    ax.set(xlabel="training step", ylim=(1.5, 3.75), xlim=(0, steps[-1] * 1.01))
    ax.set_title("bits per character", loc="left", fontsize=11)
    return plotted(fig, title)


def arms(found: Mapping[str, Array], line: tuple[str, float], title: str) -> Drawing:
    """Draw the bits of ten runs in each arm as dots, the same seed joined from arm to arm.

    Parameters
    ----------
    found : mapping of str to array, shape (seeds,)
    line : (str, float)
        Words and value of a vertical line.
    title : str
        What the picture shows, for those who do not see it.
    """
    paints = (BLUE, ORANGE, ORANGE)
    values = np.array(list(found.values()))
    low = math.floor(10 * values.min()) / 10 - 0.05
    high = max(line[1], values.max()) + 0.08
    left, right, tall = 8.0, svg.WIDTH - 8.0, 52.0

    def across(bits: float) -> float:
        return float(left + (right - left) * (bits - low) / (high - low))

    parts = []
    bottom = 30 + tall * len(found)
    for tick in np.arange(math.ceil(10 * low) / 10, high, 0.1):
        x = across(float(tick))
        parts.append(
            svg.element("line", x1=x, y1=14.0, x2=x, y2=bottom, stroke=INK, opacity="0.15")
        )
        if round(10 * tick) % 2 == 0:
            parts.append(svg.text(x, bottom + 17, f"{tick:.1f}"))
    parts.append(svg.text(right, bottom + 35, "bits per character", text_anchor="end"))
    x = across(line[1])
    parts.append(
        svg.element("line", x1=x, y1=14.0, x2=x, y2=bottom, stroke=INK, stroke_width="1.5",
                    stroke_dasharray="2 4")
    )  # fmt: skip
    parts.append(svg.text(x - 4, 25, line[0], text_anchor="end"))
    for k in range(values.shape[1]):
        points = [(across(float(row[k])), 30 + tall * (j + 0.68)) for j, row in enumerate(values)]
        joined = " ".join(f"{svg.fixed(a)},{svg.fixed(b)}" for a, b in points)
        parts.append(
            svg.element("polyline", points=joined, fill="none", stroke=INK, opacity="0.25")
        )
    for j, (name, row) in enumerate(found.items()):
        y = 30 + tall * (j + 0.68)
        start = min(across(float(row.min())), 250.0) - 5
        parts.append(svg.text(max(start, left), y - 14, name, paints[j], text_anchor="start",
                              font_weight=600))  # fmt: skip
        parts += [
            svg.element("circle", cx=across(float(v)), cy=y, r="4.5", fill=paints[j],
                        fill_opacity="0.75")
            for v in row
        ]  # fmt: skip
    said = "; ".join(f"{name}: {', '.join(f'{v:.2f}' for v in row)}" for name, row in found.items())
    return drawing(title, bottom + 42, said, *parts)
