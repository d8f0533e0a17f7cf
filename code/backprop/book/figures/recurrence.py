"""The figures of the chapters on recurrent networks and gates: by hand, and errors going back.

Orange is the error on its way back, blue is forward, as everywhere in the book. Where networks are
compared, each is one of ten that differ by their seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book import recalling
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame
from backprop.network import Sequential

MINUS = "\N{MINUS SIGN}"
W, U, X, TARGET = 0.8, 0.7, (1.0, 0.0, 0.0), 1.0
"""The unit of the section by hand: one pulse, then silence, and a 1 to be remembered."""
STEPS = 40
"""Steps of a long sequence."""


def by_hand(w: float = W, u: float = U, x: Sequence[float] = X, y: float = TARGET) -> Any:
    """Return z, h (with h_0), slopes, ∂L/∂h and δ of h_t = tanh(w x_t + u h_{t-1}).

    The loss is ½(h - y)² at the last step.
    """
    z, h = [], [0.0]
    for value in x:
        z.append(w * value + u * h[-1])
        h.append(math.tanh(z[-1]))
    slopes = [1 - value**2 for value in h[1:]]
    error, arriving, delta = h[-1] - y, [], []
    for slope in reversed(slopes):
        arriving.append(error)
        delta.append(error * slope)
        error = delta[-1] * u
    return z, h, slopes, arriving[::-1], delta[::-1]


def unrolled(title: str) -> Drawing:
    """Draw one unit unrolled over three steps, with every number forward and backward."""
    z, h, slopes, arriving, delta = by_hand()
    columns, middle, parts = (66, 210, 354), 150, []
    blue, orange, plain = svg.FORWARD, svg.BACKWARD, "currentColor"

    def word(x: float, y: float, text: str, fill: str = plain, **more: Any) -> None:
        parts.append(svg.text(x, y, text, fill, **more))

    for k, x in enumerate(columns):
        sub = "₁₂₃"[k]
        before = f" + {U:g}·{h[k]:.3f}" if k else ""
        own = f"{W:g}·{X[k]:g}" if not k else f"{U:g}·{h[k]:.3f}"
        word(x, 20, f"x{sub} = {X[k]:g}", blue, font_weight=600)
        word(x, 46, f"z{sub} = {own}", blue)
        word(x, 66, f"= {z[k]:.3f}" if before else f"= {z[k]:.1f}", blue)
        word(x, 90, f"h{sub} = {h[k + 1]:.3f}", blue, font_weight=600)
        parts.append(svg.disc(x, middle - 14, f"h{sub}", blue))
        word(x, 192, f"error {arriving[k]:.3f}", orange)
        word(x, 214, f"· slope {slopes[k]:.3f}", orange)
        word(x, 238, f"δ{sub} = {delta[k]:.3f}", orange, font_weight=600)
        share = f"δ{sub}h{'₀₁₂'[k]} = {delta[k] * h[k]:.3f}" if k else "δ₁h₀ = 0"
        word(x, 282, share, orange)
    for left, right in ((66, 210), (210, 354)):
        centre = (left + right) / 2
        y = middle - 14
        parts.append(svg.pointer((left + 27, y - 7), (right - 27, y - 7), blue, "2.5", 10, 5))
        parts.append(svg.pointer((right - 27, y + 9), (left + 27, y + 9), orange, "2.5", 10, 5))
        word(centre, y - 14, f"· {U:g}", blue)
        word(centre, y + 27, f"· {U:g}", orange)
    parts.append(svg.element("line", x1=10.0, x2=410.0, y1=258.0, y2=258.0, stroke=plain,
                             stroke_width="0.7"))  # fmt: skip
    total_u = sum(d * before for d, before in zip(delta, h, strict=False))
    total_w = sum(d * value for d, value in zip(delta, X, strict=True))
    word(12, 312, f"sum for u: {total_u:.3f}", orange, text_anchor="start", font_weight=600)
    word(408, 312, f"sum for w: δ₁x₁ = {total_w:.3f}", orange, text_anchor="end", font_weight=600)
    said = "; ".join(
        f"step {k + 1}: x = {X[k]:g}, z = {z[k]:.3f}, h = {h[k + 1]:.3f}, error"
        f" {arriving[k]:.3f}, slope {slopes[k]:.3f}, delta {delta[k]:.3f}"
        for k in range(3)
    )
    return drawing(title, 322, said, *parts)


GATED = {"f": (110.0, "forget"), "i": (184.0, "input"), "g": (262.0, "candidate"),
         "o": (340.0, "output")}  # fmt: skip
"""Where the gates and the candidate of an LSTM are drawn, and their names."""


def gated(title: str) -> Drawing:
    """Draw one step of an LSTM: what its cell is multiplied by, what is added, what is shown.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    blue, top, shows, boxes, bus = svg.FORWARD, 48.0, 112.0, 176.0, 246.0
    middle, edge = (GATED["i"][0] + GATED["g"][0]) / 2, 390.0
    parts: list[str] = []

    def line(*points: tuple[float, float]) -> None:
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            parts.append(svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke=blue,
                                     stroke_width="2"))  # fmt: skip

    def arrow(start: tuple[float, float], tip: tuple[float, float], thick: str = "2") -> None:
        parts.append(svg.pointer(start, tip, blue, thick, 9, 5))

    def sign(x: float, y: float, word: str) -> None:
        parts.append(svg.element("circle", cx=x, cy=y, r="13", fill=svg.GROUND,
                                 stroke="currentColor", stroke_width="1.5"))  # fmt: skip
        parts.append(svg.text(x, y + 6, word, font_size="18", font_weight=600))

    for left, right in ((59.0, GATED["f"][0] - 13), (GATED["f"][0] + 13, middle - 13),
                        (middle + 13, edge - 23)):  # fmt: skip
        arrow((left, top), (right, top), "5")
    line((59.0, bus), (GATED["o"][0], bus))
    line((59.0, 300.0), (80.0, 300.0), (80.0, bus))
    for gate, (x, name) in GATED.items():
        arrow((x, bus), (x, boxes + 16))
        parts.append(svg.plate(x, boxes + 36, name, "currentColor"))
        parts.append(svg.element("rect", x=x - 21, y=boxes - 16, width="42", height="32", rx="4",
                                 fill=svg.GROUND, stroke="currentColor",
                                 stroke_width="1.5"))  # fmt: skip
        parts.append(svg.text(x, boxes + 5, "tanh" if gate == "g" else "σ"))
    arrow((GATED["f"][0], boxes - 16), (GATED["f"][0], top + 13))
    for gate, way in (("i", -1), ("g", 1)):
        x = GATED[gate][0]
        arrow(*svg.between((x, boxes - 16), (middle, shows), 0.0, 13.0))
        parts.append(svg.text(x + 8 * way, 136, f"{gate}ₜ", blue, font_weight=600))
    arrow((middle, shows - 13), (middle, top + 13))
    outlet = GATED["o"][0]
    arrow((outlet, boxes - 16), (outlet, shows + 13))
    arrow((outlet, top), (outlet, shows - 13))
    arrow((outlet + 13, shows), (edge - 23, shows))
    parts.append(svg.plate(outlet, (top + shows) / 2 - 4, "tanh", "currentColor"))
    for gate in "fo":
        parts.append(svg.text(GATED[gate][0] + 14, 142, f"{gate}ₜ", blue, font_weight=600))
    sign(GATED["f"][0], top, "×")
    sign(middle, top, "+")
    sign(middle, shows, "×")
    sign(outlet, shows, "×")
    for x, y, name in ((36, top, "cₜ₋₁"), (edge, top, "cₜ"), (edge, shows, "hₜ"),
                       (36, bus, "hₜ₋₁"), (36, 300, "xₜ")):  # fmt: skip
        parts.append(svg.disc(x, y, name, None))
    said = (
        "the old cell, times the forget gate, plus the input gate times the candidate, is the new"
        " cell; its tanh times the output gate is the new state; the old state and the input feed"
        " all four"
    )
    return drawing(title, 328, said, *parts)


CELL = {"f": 0.9, "i": 0.5, "o": 0.5, "g": -0.4}
"""Gates and candidate of the cell by hand at step 2; o is the same at step 1."""
BEFORE = 1.0
"""c₁ of the cell by hand. All its weights from h₁ are 1, and its inputs do not change."""


def one_cell(c: float = BEFORE) -> dict[str, float]:
    """Run one LSTM cell for a step, from c₁ = ``c``, which the gates see through h₁.

    The gates are those of ``CELL`` at c = ``BEFORE``; elsewhere their pre-activations are as much
    larger as h₁ is.
    """
    more = CELL["o"] * (math.tanh(c) - math.tanh(BEFORE))
    f, i, o = (
        1 / (1 + math.exp(-math.log(CELL[k] / (1 - CELL[k])) - more)) for k in ("f", "i", "o")
    )
    g = math.tanh(math.atanh(CELL["g"]) + more)
    new = f * c + i * g
    return {"f": f, "i": i, "o": o, "g": g, "h": CELL["o"] * math.tanh(c), "c": new,
            "shown": o * math.tanh(new)}  # fmt: skip


def cell_slopes() -> dict[str, float]:
    """Return the slope of every arrow of :func:`cell`, by where it begins and ends."""
    f, i, o, g, new = (one_cell()[k] for k in ("f", "i", "o", "g", "c"))
    return {
        "c>new": f, "c>h": o * (1 - math.tanh(BEFORE) ** 2), "h>f": f * (1 - f),
        "h>i": i * (1 - i), "h>g": 1 - g**2, "h>o": o * (1 - o), "f>new": BEFORE, "i>new": g,
        "g>new": i, "new>shown": o * (1 - math.tanh(new) ** 2), "o>shown": math.tanh(new),
    }  # fmt: skip


def detour() -> float:
    """Return the slope of c₂ with respect to c₁ through h₁: over f, i and g."""
    s = cell_slopes()
    return s["c>h"] * sum(s[f"h>{k}"] * s[f"{k}>new"] for k in "fig")


def cell(title: str) -> Drawing:
    """Draw one LSTM cell with its numbers, and the slope on each arrow."""
    slopes, values, blue, orange = cell_slopes(), one_cell(), svg.FORWARD, svg.BACKWARD
    at = {"c": (42, 52), "new": (278, 52), "shown": (388, 52), "h": (42, 244),
          "f": (100, 172), "i": (189, 172), "g": (278, 172), "o": (367, 172)}  # fmt: skip
    names = {"c": "c₁", "new": "c₂", "shown": "h₂", "h": "h₁"}
    parts: list[str] = []
    pale: list[str] = []  # what the two ways from c₁ to c₂ do not use

    def arrow(
        start: str, end: str, word: tuple[float, float], name: str = "", thick: str = "2"
    ) -> None:
        tail, tip = svg.between(at[start], at[end], 25.0, 27.0)
        into = pale if end == "shown" else parts
        into.append(svg.pointer(tail, tip, blue, thick, 9, 5))
        into.append(svg.plate(*word, name + _slope(slopes[f"{start}>{end}"]), orange))

    arrow("c", "new", (155, 38), "f = ", "5")
    arrow("new", "shown", (332, 38))
    arrow("c", "h", (42, 148))
    for gate, word, name in (("f", (150, 138), "c₁="), ("i", (217, 134), "g="),
                             ("g", (278, 106), "i=")):  # fmt: skip
        arrow(gate, "new", word, name)
    arrow("o", "shown", (377, 114))
    level = at["h"][1]
    for gate, before in (("g", 67), ("o", at["g"][0])):
        into = pale if gate == "o" else parts
        into.append(svg.element("line", x1=before, y1=level, x2=at[gate][0], y2=level, stroke=blue,
                                stroke_width="2"))  # fmt: skip
    for gate in "figo":
        x, y = at[gate]
        into = pale if gate == "o" else parts
        into.append(svg.pointer((x, level), (x, y + 26), blue, "2", 9, 5))
        into.append(svg.plate(x, y + 48, _slope(slopes[f"h>{gate}"]), orange))
        into.append(svg.text(x + 27, y + 5, _slope(values[gate]), blue, text_anchor="start"))
    for key, (x, y) in at.items():
        into = pale if key in ("o", "shown") else parts
        into.append(svg.disc(x, y, names.get(key, key), None))
    shown = (("c", -34, BEFORE), ("new", -34, values["c"]), ("shown", -34, values["shown"]),
             ("h", 40, values["h"]))  # fmt: skip
    for key, lower, value in shown:
        x, y = at[key]
        into = pale if key == "shown" else parts
        into.append(svg.text(x, y + lower, _slope(value), blue, font_weight=600))
    parts.insert(0, svg.element("g", *pale, opacity="0.5"))
    s = {key: _slope(value) for key, value in slopes.items()}
    parts.append(svg.text(12, 310, f"direct way: {s['c>new']}", orange, text_anchor="start",
                          font_weight=600))  # fmt: skip
    ways = " + ".join(f"{s[f'h>{k}']}·{s[f'{k}>new']}" for k in "fig").replace(
        "+ 0.25·-", "− 0.25·"
    )
    direct = slopes["c>new"]
    both = f"both ways: {s['c>new']} + {detour():.3f} = {direct + detour():.3f}"
    for y, line in ((332, f"detour: {s['c>h']}·({ways}) = {detour():.3f}"), (354, both)):
        parts.append(svg.text(12, y, line, orange, text_anchor="start", font_weight=600))
    said = "; ".join(f"slope from {key.replace('>', ' to ')}: {value}" for key, value in s.items())
    return drawing(title, 364, said, *parts)


def _slope(value: float) -> str:
    """Write a number of the cell: two decimals, without zeros at their end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def example(length: int = STEPS, seed: int = 5) -> tuple[Array, Array, float]:
    """Return the numbers and marks of one sequence of the adding task, and its sum."""
    x, y = recalling.adding(np.random.default_rng(seed), 1, length)
    return x[0, :, 0], x[0, :, 1], float(y[0, 0])


def _minus(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)


def _sequence(ax: Any, title: str) -> None:
    """Draw the numbers of :func:`example`, the marked ones thick and with their values."""
    from backprop.book.figures.plots import GREY, INK

    values, marks, _ = example()
    ax.vlines(np.arange(1, STEPS + 1), 0, values, color=GREY, linewidth=1.5)
    ax.axhline(0, color=GREY, linewidth=0.8)
    for step in np.flatnonzero(marks):
        value = float(values[step])
        ax.vlines(step + 1, 0, value, color=INK, linewidth=4)
        ax.plot(step + 1, value, "o", color=INK, markersize=7)
        ax.text(step + 2.2, value, _minus(value), color=INK, va="center", fontsize=12,
                fontweight="bold")  # fmt: skip
    ax.set_title(title, loc="left", fontsize=11.5)
    ax.set(ylim=(-1.15, 1.25), yticks=[])
    ax.grid(False)


def learning(title: str) -> Drawing:
    """Draw a sequence with two marked numbers, and how plain networks and LSTMs learn their sum.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    fig, (above, ax) = plt.subplots(2, 1, figsize=(4.6, 3.3), height_ratios=(0.8, 1.6))
    _sequence(above, f"40 numbers, two marked: give their sum, {_minus(example()[2])}")
    above.set(xlim=(0.3, STEPS + 0.7), xticks=[1, 10, 20, 30, 40])
    _losses(ax)
    ax.axhline(1, color=INK, linestyle=":", linewidth=1.2)
    words = ((560, 0.72, "plain networks", "RNN"), (225, 0.12, "LSTMs", "LSTM"))
    for x, y, said, kind in words:
        ax.text(x, y, said, color=PAINTS[kind], fontsize=13, fontweight="bold", va="center")
    ax.text(500, 1.08, "always answering 0", color=INK, fontsize=11, va="center")
    ax.set(xlim=(0, recalling.UPDATES), ylim=(0, 1.16), yticks=[0, 0.5, 1],
           xlabel="training steps")  # fmt: skip
    ax.set_title("loss on new sequences", loc="left", fontsize=11.5)
    ax.grid(False)
    return plotted(fig, title)


def _quartiles(ax: Any, runs: Array, paint: str) -> None:
    """Draw the median of networks during training, and the band of its half in the middle."""
    steps = recalling.EVERY * np.arange(runs.shape[1])
    low, middle, high = np.quantile(runs, (0.25, 0.5, 0.75), axis=0)
    ax.fill_between(steps, low, high, color=paint, alpha=0.25, linewidth=0)
    ax.plot(steps, middle, "-", color=paint, linewidth=2.6)


def _losses(ax: Any) -> None:
    """Draw how plain networks and LSTMs learn the sum of forty numbers."""
    for kind in ("RNN", "LSTM"):
        _quartiles(ax, course(f"{kind}, {STEPS}"), PAINTS[kind])


def course(name: str) -> Array:
    """Return the stored losses of a row during training, networks by points.

    Before the first step, where it was not measured, the loss is NaN.
    """
    curves = np.array(recalling.stored()[name]["curve"])
    return np.hstack([np.full((len(curves), 1), np.nan), curves])


def reaching(name: str) -> Array:
    """Return the stored share of errors that gets back to step 1, networks by points."""
    return np.array(recalling.stored()[name]["share"])


def halved(name: str) -> Array:
    """Return after how many points each loss of a row's course is first below one half."""
    return np.asarray((course(name) < recalling.FIRST).argmax(axis=1))


def returning(title: str) -> Drawing:
    """Draw the losses of ten LSTMs in training, and what gets back from step 40 to step 1.

    A dot is where a loss is first below one half.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    name, plt = "LSTM, often", pyplot()
    fig, axes = plt.subplots(2, 1, sharex=True, figsize=(4.6, 4.3), height_ratios=(1, 1.8))
    losses, half = course(name), halved(name)
    steps = recalling.ROWS[name].every * np.arange(losses.shape[1])
    shares, direct = (np.array(recalling.stored()[name][way]) for way in ("share", "direct"))
    drawn = ((axes[0], losses, PAINTS["LSTM"]), (axes[1], direct, "#AA3377"),
             (axes[1], shares, COLORS[1]))  # fmt: skip
    for ax, runs, paint in drawn:
        ax.plot(steps, runs.T, "-", color=paint, linewidth=0.8, alpha=0.45)
        ax.plot(steps, np.median(runs, axis=0), "-", color=paint, linewidth=3)
    each = np.arange(len(losses))
    for ax, runs in ((axes[0], losses), (axes[1], shares)):
        ax.plot(steps[half], runs[each, half], "o", color=INK, markersize=5)
    axes[0].set_title("loss on new sequences", loc="left", fontsize=11.5)
    axes[1].set_title("what gets back from step 40 to step 1", loc="left", fontsize=11.5)
    words = (
        (0, "dots: half of it is gone", 112, 0.75, INK), (1, "all ways", 215, 4.5, COLORS[1]),
        (1, "direct way", 215, 3e-6, "#AA3377"),
    )  # fmt: skip
    for row, said, x, y, paint in words:
        axes[row].text(x, y, said, color=paint, fontsize=12, fontweight="bold", va="center")
    axes[0].set(ylim=(0, 1.3), yticks=[0, 0.5, 1])
    axes[1].set(xlim=(0, steps[-1]), ylim=(1e-7, 15), yscale="log", xlabel="training steps")
    axes[1].set_yticks([1e-6, 1e-4, 1e-2, 1], ["10⁻⁶", "10⁻⁴", "0.01", "1"])
    for ax in axes:
        ax.minorticks_off()
        ax.grid(False)
    return plotted(fig, title)


PLAIN = {10: "#AD7500", 20: "#009E73", 40: "#AA3377"}
"""Colour of plain networks, by the length of their sequences."""


def later(title: str) -> Drawing:
    """Draw how plain networks learn sums over several lengths, and the error that gets to step 1.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    fig, (above, ax) = pyplot().subplots(2, 1, sharex=True, figsize=(4.6, 3.4))
    above.set_title("loss on new sequences", loc="left", fontsize=11.5)
    ax.set_title("what is left of the last step’s error at step 1", loc="left", fontsize=11.5)
    for length, paint in PLAIN.items():
        _quartiles(above, course(f"RNN, {length}"), paint)
        _quartiles(ax, reaching(f"RNN, {length}"), paint)
    for x, y, length in ((20, 1.27, 10), (350, 1.27, 20), (680, 1.27, 40)):
        above.text(x, y, f"{length} numbers", color=PLAIN[length], fontsize=12, fontweight="bold",
                   va="center")  # fmt: skip
    above.set(ylim=(0, 1.42), yticks=[0, 0.5, 1])
    ax.set(xlim=(0, recalling.UPDATES), ylim=(0.003, 5), yscale="log", xlabel="training steps")
    ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    ax.minorticks_off()
    for each in (above, ax):
        each.grid(False)
    return plotted(fig, title)


STARTING = {
    "inputs: number, mark": {
        "plain": "RNN, 40",
        "cell, no gate": "LSTM, none",
        "cell + f, o": "LSTM, of",
        "cell + i": "LSTM, i",
        "LSTM: f, i, o": "LSTM, 40",
    },
    "inputs: number, mark, product": {
        "plain": "RNN, product",
        "cell, no gate": "LSTM, none, product",
    },
}
"""Sorts of networks by what they read at a step, and the row of ``recalling.ROWS``."""


def starting(title: str) -> Drawing:
    """Draw after how many steps each of ten networks starts to learn, a row for each sort.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import GREY, INK

    last, beyond, column = recalling.UPDATES, 1250, 3600
    fig, ax = pyplot().subplots(figsize=(4.6, 3.4))
    places, names, y = [], [], 0.0
    for reads, sorts in STARTING.items():
        ax.text(11, y, reads, color=INK, fontsize=12, fontweight="bold", va="center")
        for said, name in sorts.items():
            y += 1
            steps, paint = recalling.starts(name), PAINTS["RNN" if said == "plain" else "LSTM"]
            ax.plot(np.minimum(steps, beyond), np.full(len(steps), y), "o", color=paint,
                    markersize=6, alpha=0.5, markeredgewidth=0)  # fmt: skip
            middle = float(np.median(steps))
            ax.vlines(middle, y - 0.36, y + 0.36, color=paint, linewidth=3)
            ax.text(column, y, f"{middle:.0f}", color=paint, fontsize=13, fontweight="bold",
                    ha="right", va="center")  # fmt: skip
            places.append(y)
            names.append(said)
        y += 1.4
    ax.vlines(last, 0.5, len(STARTING["inputs: number, mark"]) + 0.5, color=GREY, linewidth=0.8)
    ax.text(column, 0, "median", color=INK, fontsize=12, ha="right", va="center")
    ax.set(xscale="log", xlim=(10, 4000), ylim=(places[-1] + 0.7, -0.7),
           xlabel="training steps until half of the loss is gone")  # fmt: skip
    ax.set_xticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1,000"])
    ax.set_yticks(places, names)
    ax.minorticks_off()
    ax.tick_params(labelsize=11.5)
    ax.tick_params(axis="y", length=0)
    ax.grid(False)
    return plotted(fig, title)


PAINTS = {"RNN": "#D55E00", "LSTM": "#0072B2"}
"""Colour of each kind of network, of ``plots.COLORS``."""


ARMS = {
    "marks anywhere, all steps": "RNN, whole",
    "marks early, all steps": "RNN, early",
    "marks anywhere, two steps": "RNN, cut",
    "marks early, two steps": "RNN, cut, early",
}
"""Where marks may be and how far the error travels, and the row of ``recalling.ROWS``."""


def solving(name: str) -> int:
    """Return how many of a row's networks have solved the task where their course ends."""
    return int((course(name)[:, -1] < recalling.SOLVED).sum())


def stopped(title: str) -> Drawing:
    """Draw where marks may be and where the error travels, and the losses during training.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    orange, steps = COLORS[1], recalling.SHORT
    fig, axes = plt.subplots(4, 2, figsize=(4.6, 4.9), width_ratios=(1, 1.15), sharex="col")
    for number, ((left, right), (words, name)) in enumerate(
        zip(axes, ARMS.items(), strict=True), 1
    ):
        row = recalling.ROWS[name]
        reach = row.start.cut or steps
        left.broken_barh([(0.5, steps - row.late)], (1.15, 0.5), color=INK, linewidth=0)
        left.broken_barh([(steps - reach + 0.5, reach)], (0.35, 0.5), color=orange, linewidth=0)
        left.set(xlim=(0.3, steps + 0.7), ylim=(0, 2), yticks=[0.6, 1.4], xticks=[1, 5, 8, 10])
        left.set_yticklabels(["error", "marks"])
        left.set_title(f"{number}. {words}", loc="left", fontsize=11.5, fontweight="bold")
        runs = course(name)
        at = recalling.EVERY * np.arange(runs.shape[1])
        right.plot(at, runs.T, "-", color=INK, linewidth=0.7, alpha=0.35)
        right.plot(at, np.median(runs, axis=0), "-", color=INK, linewidth=2.6)
        right.axhline(recalling.SOLVED, color=INK, linestyle="--", linewidth=1.2)
        high = runs[:, -1].max() < 0.5
        right.text(row.updates, 0.75 if high else 0.011, f"{solving(name)} of 10 solved",
                   color=INK, fontsize=11.5, va="center", ha="right")  # fmt: skip
        right.set(xlim=(0, row.updates), ylim=(0.004, 1.6), yscale="log",
                  xticks=[0, 2000, 4000])  # fmt: skip
        right.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
        right.minorticks_off()
        right.set_xticklabels(["0", "2,000", "4,000"])
        right.set_ylabel("loss", fontsize=11.5, labelpad=0)
        for ax in (left, right):
            ax.grid(False)
            ax.tick_params(labelsize=11.5)
    axes[-1, 0].set_xlabel("step of the sequence", fontsize=11.5)
    axes[-1, 1].set_xlabel("training steps", fontsize=11.5)
    return plotted(fig, title)


FROZEN = {
    "": ("all weights learn", "black", "-", (1850, 0.88)),
    "apart": ("dashed: steps 1–8\nkeep first weights", "black", "--", (40, 0.055)),
    "U frozen": ("U frozen (dashed: W, too)", "#AA3377", "-", (330, 0.75)),
    "WU frozen": ("", "#AA3377", "--", (0, 0)),
    "W frozen": ("W frozen", "#009E73", "-", (2900, 0.17)),
}
"""What is kept from learning in the fourth of :data:`ARMS`: in words, colour, line, their place."""


def taught(key: str) -> Array:
    """Return the stored losses of the fourth of :data:`ARMS`, or of one of :data:`FROZEN`."""
    return course(", ".join(filter(None, ([*ARMS.values()][-1], key))))


def frozen(title: str) -> Drawing:
    """Draw how the loss goes on if some weights do not learn, and the error meets no mark.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    fig, ax = pyplot().subplots(figsize=(4.6, 3.4))
    for key, (said, colour, line, (x, y)) in FROZEN.items():
        paint = INK if colour == "black" else colour
        runs = taught(key)
        steps = recalling.EVERY * np.arange(runs.shape[1])
        low, middle, high = np.quantile(runs, (0.25, 0.5, 0.75), axis=0)
        ax.fill_between(steps, low, high, color=paint, alpha=0.2, linewidth=0)
        ax.plot(steps, middle, line, color=paint, linewidth=2.4)
        ax.text(x, y, said, color=paint, fontsize=11, fontweight="bold", va="center")
    ax.set(xlim=(0, recalling.LONG), ylim=(-0.02, 0.97), yticks=[0, 0.2, 0.4, 0.6, 0.8],
           xticks=[0, 1000, 2000, 3000, 4000], xlabel="training steps")  # fmt: skip
    ax.set_xticklabels(["0", "1,000", "2,000", "3,000", "4,000"])
    ax.set_title("loss on new sequences", loc="left", fontsize=11.5)
    ax.grid(False)
    return plotted(fig, title)


WEIGHTS = (0.5, 0.7, 0.9, 1.0, 1.2, 1.5)
"""The recurrent weights that a reader can choose."""


PULSES = 0.3, 0.8, 3.0
"""What three inputs at step 1 contribute to z; 0.8 is that of the unit by hand."""


READ = ((PULSES[1], "pulse 0.8", None), (0.001, "pulse 0.001", "8 5"), (0.0, "no pulse", "2 4"))
"""Pulses between which a reader can compare: what they contribute to z, name, and dashes."""


def kept(u: float, pulse: float = PULSES[1]) -> tuple[Array, Array, Array]:
    """Return the states h_1 to h_40 after a pulse, the slopes, and the error left at each step.

    The unit is that of :func:`by_hand` with the weight ``u``, and z_1 is ``pulse``; the error is
    divided by that at the last step.
    """
    _, h, slopes, arriving, _ = by_hand(W, u, (pulse / W,) + (0.0,) * (STEPS - 1))
    return np.array(h[1:]), np.array(slopes), np.array(arriving) / arriving[-1]


def _rounded(value: float) -> str:
    """Write a number with two digits, or as a power of ten."""
    if value == 0:
        return "0"
    if 0.00095 <= value < 10_000:
        return f"{value:.2g}" if value < 99.5 else f"{float(f'{value:.2g}'):,.0f}"
    digits, power = f"{value:.0e}".split("e")
    return f"{digits}·10{svg.raised(int(power))}"


HELD = 1.2
"""A recurrent weight at which the unit holds what it has read."""
LEFT, RIGHT = 58.0, 404.0
"""Where step 1 and step 40 stand in a drawing of the unit over time."""


def _across(step: int) -> float:
    return LEFT + (RIGHT - LEFT) * (step - 1) / (STEPS - 1)


def _line(heights: Array, paint: str, **more: Any) -> str:
    """Draw a line over the steps, at these heights of the drawing."""
    corners = (f"{svg.fixed(_across(k + 1))} {svg.fixed(y)}" for k, y in enumerate(heights))
    return svg.element("path", d="M" + "L".join(corners), fill="none", stroke=paint,
                       stroke_width="3", **more)  # fmt: skip


def _rule(y: float, word: str) -> list[str]:
    """Draw a thin line across, and what it stands for."""
    pale = {"stroke_width": "0.7", "opacity": "0.4"}
    line = svg.element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, stroke="currentColor", **pale)
    return [line, svg.text(LEFT - 8, y + 5, word, text_anchor="end")]


def held(title: str) -> Drawing:
    """Draw a unit's states after three pulses, and the error that goes back meanwhile.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    blue, orange = svg.FORWARD, svg.BACKWARD
    h, _, error = kept(HELD)
    parts: list[str] = []
    for top, runs, paint, name in (
        (52.0, [kept(HELD, pulse)[0] for pulse in PULSES], blue, "states after three pulses"),
        (186.0, [error], orange, "what is left of the error"),
    ):
        for share, word in ((0.0, "0"), (1.0, "1")):
            parts += _rule(top + 72 * (1 - share), word)
        parts += [_line(top + 72 * (1 - values), paint) for values in runs]
        parts.append(svg.text(LEFT, top - 12, name, paint, text_anchor="start", font_weight=600))
    parts += [
        svg.pointer((150, 112), (300, 112), blue, "2", 9, 5),
        svg.text(225, 106, "forward", blue),
        svg.text(RIGHT, 70, _rounded(h[-1]), blue, text_anchor="end", font_weight=600),
        svg.pointer((300, 226), (150, 226), orange, "2", 9, 5),
        svg.text(225, 220, "backward", orange),
        svg.text(LEFT + 4, 248, _rounded(error[0]), orange, text_anchor="start", font_weight=600),
    ]
    for step in (1, 10, 20, 30, 40):
        parts.append(svg.text(_across(step), 278, str(step)))
    parts.append(svg.text(RIGHT, 297, "step", text_anchor="end"))
    said = f"each state settles at {_rounded(h[-1])}; {_rounded(error[0])} of the error is left"
    return drawing(title, 304, said, *parts)


def steered(weights: Sequence[float] = WEIGHTS) -> list[Frame]:
    """Draw a unit's states and what is left of its errors, a frame for each weight.

    There is a line for each of :data:`READ`. In silence, the slopes of tanh are 1.

    Parameters
    ----------
    weights : sequence of float
        Recurrent weights between 0 and 1.6.
    """
    highest, lowest = 8.0, 16.0
    panels = {"state": (30.0, 94.0), "error": (130.0, 290.0)}
    blue, orange = svg.FORWARD, svg.BACKWARD

    def scale(panel: str, share: Any) -> Any:
        top, bottom = panels[panel]
        return bottom - (bottom - top) * share

    def powers(values: Array) -> Any:
        return scale("error", np.maximum((np.log10(values) + lowest) / (highest + lowest), 0))

    fixed: list[str] = []
    for share, word in ((0.0, "0"), (0.5, "0.5"), (1.0, "1")):
        fixed += _rule(scale("state", share), word)
    for p in (8, 0, -8, -16):
        fixed += _rule(float(powers(np.array(10.0**p))), f"10{svg.raised(p)}" if p else "1")
    for step in (1, 10, 20, 30, 40):
        fixed.append(svg.text(_across(step), 310, str(step)))
    fixed.append(svg.text(RIGHT, 328, "step", text_anchor="end"))
    frames = []
    for u in weights:
        parts = [
            *fixed,
            svg.text(LEFT, 18, "state", blue, text_anchor="start", font_weight=600),
            svg.text(LEFT, 119, "what is left of the error", orange,
                     text_anchor="start", font_weight=600),
            svg.text(RIGHT, 18, f"u = {u:g}", text_anchor="end", font_weight=600),
            svg.text(RIGHT, 230, "at step 1:", orange, text_anchor="end"),
        ]  # fmt: skip
        ends, lefts = [], []
        for row, (pulse, name, dashes) in enumerate(READ):
            h, _, error = kept(u, pulse)
            y = 252.0 + 16 * row
            ends.append(_rounded(h[-1]))
            lefts.append(_rounded(error[0]))
            parts += [
                _line(scale("state", h), blue, stroke_dasharray=dashes),
                _line(powers(error), orange, stroke_dasharray=dashes),
                svg.text(258, y, name, orange, text_anchor="start"),
                svg.text(RIGHT, y, lefts[-1], orange, text_anchor="end"),
                svg.element("line", x1=230.0, x2=252.0, y1=y - 5, y2=y - 5, stroke=orange,
                            stroke_width="3", stroke_dasharray=dashes),
            ]  # fmt: skip
        slope = kept(u)[1][-1]
        caption = (
            f"Pulse 0.8: the state ends at {ends[0]}, where a step back multiplies the error by"
            f" {u:g} · {slope:.2f} = {u * slope:.2f}. Pulse 0.001: the state ends at {ends[1]}."
            f" No pulse: each step back multiplies by {u:g}."
        )
        said = "; ".join(
            f"{name}: state at the end {end}, left of the error {left}"
            for (_, name, _), end, left in zip(READ, ends, lefts, strict=True)
        )
        frames.append(Frame(svg.picture(svg.WIDTH, 334, f"Weight {u:g}", said, *parts), caption))
    return frames


class Work(NamedTuple):
    """What one unit of an LSTM does on :func:`example`."""

    cell: Array
    """Its cell, scaled and shifted so that it fits the sum so far best on other sequences."""
    f: Array
    i: Array
    back: Array
    """What the direct way leaves of its error, from the last step back to each: products of f."""
    follows: float
    """Size of the correlation between its cell and the sum so far, on these other sequences."""


def read_off(network: Sequential) -> Work:
    """Return what that unit of an LSTM does whose cell follows the sum so far most closely."""
    layer: Any = network.layers[0]
    x, _ = recalling.tested(STEPS)
    network.forward(x)
    so_far = np.cumsum(x[..., 0] * x[..., 1], axis=1).T.astype(float).ravel()
    cells = layer.c[1:].reshape(-1, layer.n_hidden).astype(float)
    found = [float(np.corrcoef(cell, so_far)[0, 1]) for cell in cells.T]
    unit = int(np.argmax(np.abs(found)))
    slope, shift = np.polyfit(cells[:, unit], so_far, 1)
    values, marks, _ = example()
    network.forward(np.stack([values, marks], axis=1)[None].astype(x.dtype))
    i, f = (gate[:, 0, unit].copy() for gate in layer._split(layer.gates)[:2])
    back = np.append(np.cumprod(f[:0:-1])[::-1], 1)
    return Work(shift + slope * layer.c[1:, 0, unit], f, i, back, abs(found[unit]))


def at_work(title: str, network: Sequential) -> Drawing:
    """Draw one unit of a trained LSTM on a sequence: two gates, its cell, and its error.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    network : Sequential
        An LSTM that was trained to add, and what reads its last state.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    blue, green, orange = COLORS[0], COLORS[2], COLORS[1]
    fig, axes = plt.subplots(4, 1, sharex=True, figsize=(4.6, 4.5),
                             height_ratios=(0.7, 1.1, 1.5, 1.1))  # fmt: skip
    values, marks, _ = example()
    steps, so_far = np.arange(1, STEPS + 1), np.cumsum(values * marks)
    _sequence(axes[0], "the numbers, and the marks")
    work = read_off(network)
    axes[1].plot(steps, work.f, "-", color=blue, linewidth=2)
    axes[1].plot(steps, work.i, "-", color=green, linewidth=2)
    axes[1].set(ylim=(0, 1.1), yticks=[0, 1])
    axes[1].set_title("forward: two gates of one unit", loc="left", fontsize=11.5, color=INK)
    axes[2].plot(steps, so_far, "--", color=INK, linewidth=1.5)
    axes[2].plot(steps, work.cell, "-", color=blue, linewidth=2.2)
    axes[2].set_title("forward: its cell", loc="left", fontsize=11.5, color=INK)
    axes[2].set(yticks=[-0.5, 0], xlim=(0.3, STEPS + 0.7))
    axes[3].plot(steps, work.back, "-", color=orange, linewidth=2.2)
    axes[3].set_title("back from step 40: product of the forget gates", loc="left", fontsize=11.5,
                      color=INK)  # fmt: skip
    axes[3].set(ylim=(0, 1.1), yticks=[0, 1], xlabel="step of the sequence",
                xticks=[1, 12, 29, 40])  # fmt: skip
    way = {"arrowstyle": "-|>", "color": orange, "linewidth": 1.6}
    axes[3].annotate("", (17, 0.35), (31, 0.35), arrowprops=way)
    first = int(np.flatnonzero(marks)[0])
    axes[3].plot(first + 1, work.back[first], "o", color=orange, markersize=6)
    axes[3].text(first + 0.2, work.back[first] + 0.12, f"{work.back[first]:.1f}", color=orange,
                 fontsize=12, fontweight="bold", ha="right", va="center")  # fmt: skip
    words = (
        (1, "forget gate", 16, 0.68, blue), (1, "input gate", 13.4, 0.25, green),
        (2, "cell, scaled", 30.5, -0.25, blue), (2, "dashed: the sum", 13.5, -0.2, INK),
        (3, "the error", 19.5, 0.55, orange),
    )  # fmt: skip
    for row, word, x, y, color in words:
        axes[row].text(x, y, word, color=color, va="center", fontsize=11.5)
    return plotted(fig, title)
