"""The figures of the chapters on recurrent networks and gates: by hand, and errors going back.

Orange is the error on its way back, blue is forward, as everywhere in the book. Where networks are
compared, each is one of ten that differ by their seed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import copying, recalling
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame

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
    for left, right in ((66, 210), (210, 354)):
        centre = (left + right) / 2
        y = middle - 14
        parts.append(svg.pointer((left + 27, y - 7), (right - 27, y - 7), blue, "2.5", 10, 5))
        parts.append(svg.pointer((right - 27, y + 9), (left + 27, y + 9), orange, "2.5", 10, 5))
        word(centre, y - 14, f"· {U:g}", blue)
        word(centre, y + 27, f"· {U:g}", orange)
    said = "; ".join(
        f"step {k + 1}: x = {X[k]:g}, z = {z[k]:.3f}, h = {h[k + 1]:.3f}, error"
        f" {arriving[k]:.3f}, slope {slopes[k]:.3f}, delta {delta[k]:.3f}"
        for k in range(3)
    )
    return drawing(title, 250, said, *parts)


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


ADDED, OPENED = (0.5, 0.3, -0.2), (1, 0, 1)
"""Numbers that a unit by hand reads, and its input gates: open where a number is marked."""


def summed() -> tuple[list[float], list[float], list[float]]:
    """Return cells, and the errors of cells and candidates, of a unit that adds marked numbers.

    Its forget gate is 1 at each step, its candidate is the number that is read, and the error at
    the last cell is 1.
    """
    cells = [float(c) for c in np.cumsum(np.multiply(ADDED, OPENED)).round(10)]
    errors = [1.0] * len(cells)
    return cells, errors, [i * error for i, error in zip(OPENED, errors, strict=True)]


def routed(title: str) -> Drawing:
    """Draw how input gates let marked numbers into a cell, and its error out to them.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    cells, errors, handed = summed()
    columns, top, gate, low = (70.0, 210.0, 350.0), 100.0, 176.0, 248.0
    blue, orange, parts = svg.FORWARD, svg.BACKWARD, []
    for k, x in enumerate(columns):
        sub, is_open = "₁₂₃"[k], bool(OPENED[k])
        parts.append(svg.text(x, 18, f"step {k + 1}" + ", marked" * is_open, font_weight=600))
        for y, c_or_g, value, error in (
            (48, "c", cells[k], errors[k]), (296, "g", ADDED[k], handed[k]),
        ):  # fmt: skip
            parts.append(svg.text(x, y, f"{c_or_g}{sub} = {value:g}", blue, font_weight=600))
            parts.append(svg.text(x, y + 19, f"error {error:g}", orange, font_weight=600))
        for paint, aside, ends in (
            (blue, -9, (low - 25, top + 27)),
            (orange, 9, (top + 25, low - 27)),
        ):
            tip = ends[1] if is_open else gate - math.copysign(16, ends[1] - ends[0])
            parts.append(svg.pointer((x + aside, ends[0]), (x + aside, tip), paint, "2.5", 10, 5))
        parts.append(svg.element("rect", x=x - 30, y=gate - 14, width="60", height="28", rx="4",
                                 fill=svg.GROUND, stroke="currentColor",
                                 stroke_width="1.5" if is_open else "4"))  # fmt: skip
        parts.append(svg.text(x, gate + 5, f"i{sub} = {OPENED[k]}"))
        parts += [svg.disc(x, top, f"c{sub}", None), svg.disc(x, low, f"g{sub}", None)]
    for left, right, sub in zip(columns, columns[1:], "₂₃", strict=False):
        parts.append(svg.pointer((left + 27, top - 7), (right - 27, top - 7), blue, "5", 10, 7))
        parts.append(svg.pointer((right - 27, top + 9), (left + 27, top + 9), orange, "5", 10, 7))
        parts.append(svg.text((left + right) / 2, top - 18, f"f{sub} = 1", blue))
    said = "; ".join(
        f"step {k + 1}: cell {cells[k]:g}, input gate {OPENED[k]}, number {ADDED[k]:g} with the"
        f" error {handed[k]:g}"
        for k in range(len(columns))
    )
    return drawing(title, 324, said, *parts)


CELL = {"f": 0.9, "i": 0.5, "o": 0.5, "g": -0.4}
"""Gates and candidate of the cell by hand: o at step 1, the others at step 2."""
BEFORE = 1.0
"""c₁ of the cell by hand. All its weights from h₁ are 1, and its inputs do not change."""


def one_cell(c: float = BEFORE) -> dict[str, float]:
    """Run one LSTM cell for a step, from c₁ = ``c``, which the gates see through h₁.

    The gates are those of ``CELL`` at c = ``BEFORE``; elsewhere their pre-activations are as much
    larger as h₁ is.
    """
    more = CELL["o"] * (math.tanh(c) - math.tanh(BEFORE))
    f, i = (1 / (1 + math.exp(-math.log(CELL[k] / (1 - CELL[k])) - more)) for k in ("f", "i"))
    g = math.tanh(math.atanh(CELL["g"]) + more)
    return {"f": f, "i": i, "g": g, "h": CELL["o"] * math.tanh(c), "c": f * c + i * g}


def cell_slopes() -> dict[str, float]:
    """Return the slope of every arrow of :func:`cell`, by where it begins and ends."""
    f, i, g = (one_cell()[k] for k in "fig")
    return {
        "c>new": f, "c>h": CELL["o"] * (1 - math.tanh(BEFORE) ** 2), "h>f": f * (1 - f),
        "h>i": i * (1 - i), "h>g": 1 - g**2, "f>new": BEFORE, "i>new": g, "g>new": i,
    }  # fmt: skip


def detour() -> float:
    """Return the slope of c₂ with respect to c₁ through h₁: over f, i and g."""
    s = cell_slopes()
    return s["c>h"] * sum(s[f"h>{k}"] * s[f"{k}>new"] for k in "fig")


def cell(title: str) -> Drawing:
    """Draw one LSTM cell with its numbers, and the slope on each arrow."""
    slopes, values, blue, orange = cell_slopes(), one_cell(), svg.FORWARD, svg.BACKWARD
    at = {"c": (62, 52), "new": (350, 52), "h": (62, 244),
          "f": (138, 172), "i": (244, 172), "g": (350, 172)}  # fmt: skip
    names = {"c": "c₁", "new": "c₂", "h": "h₁"}
    parts: list[str] = []

    def arrow(
        start: str, end: str, word: tuple[float, float], name: str = "", thick: str = "2"
    ) -> None:
        tail, tip = svg.between(at[start], at[end], 25.0, 27.0)
        parts.append(svg.pointer(tail, tip, blue, thick, 9, 5))
        parts.append(svg.plate(*word, name + _slope(slopes[f"{start}>{end}"]), orange))

    arrow("c", "new", (206, 38), "f = ", "5")
    arrow("c", "h", (62, 148))
    for gate, word, name in (("f", (197, 138), "c₁ = "), ("i", (280, 133), "g = "),
                             ("g", (350, 106), "i = ")):  # fmt: skip
        arrow(gate, "new", word, name)
    level = at["h"][1]
    parts.append(svg.element("line", x1=87, y1=level, x2=at["g"][0], y2=level, stroke=blue,
                             stroke_width="2"))  # fmt: skip
    for gate in "fig":
        x, y = at[gate]
        parts.append(svg.pointer((x, level), (x, y + 26), blue, "2", 9, 5))
        parts.append(svg.plate(x, y + 48, _slope(slopes[f"h>{gate}"]), orange))
        parts.append(svg.text(x + 27, y + 5, _slope(values[gate]), blue, text_anchor="start"))
    for key, (x, y) in at.items():
        parts.append(svg.disc(x, y, names.get(key, key), None))
    shown = ("c", -34, BEFORE), ("new", -34, values["c"]), ("h", 40, values["h"])
    for key, lower, value in shown:
        x, y = at[key]
        parts.append(svg.text(x, y + lower, _slope(value), blue, font_weight=600))
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


GATES = {"solid": (4.0, None), "dashed": (1.0, "7 5")}
"""Lines of :func:`mirrored`: the bias of a forget gate that depends on nothing else, and dashes."""


def scaled(bias: float) -> Array:
    """Return what a forget gate of this bias leaves of a cell after 0, 1, ... 39 steps."""
    return np.asarray((1 / (1 + math.exp(-bias))) ** np.arange(STEPS))


def mirrored(title: str) -> Drawing:
    """Draw what two forget gates leave of a cell on its way forward, and of its error back.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    blue, orange = svg.FORWARD, svg.BACKWARD
    parts: list[str] = []
    for top, way, paint, name, step in (
        (52.0, 1, blue, "forward: what is left of the cell", RIGHT),
        (196.0, -1, orange, "backward: what is left of the error", LEFT),
    ):
        runs = [(scaled(bias)[::way], dashes) for bias, dashes in GATES.values()]
        parts += _shares(top, 82, paint, runs)
        anchor = "end" if way == 1 else "start"
        ends = [_rounded(scaled(bias)[-1]) for bias, _ in GATES.values()]
        for word, y in zip(ends, (30, 75), strict=True):
            parts.append(svg.text(step + way * -2, top + y, word, paint, text_anchor=anchor,
                                  font_weight=600))  # fmt: skip
        parts.append(svg.text(LEFT, top - 14, name, paint, text_anchor="start", font_weight=600))
        middle, inner = (LEFT + RIGHT) / 2, -way * 70
        for (bias, _), x, y in zip(GATES.values(), (0, inner), (12, 62), strict=True):
            said = f"f = {1 / (1 + math.exp(-bias)):.3f}"
            parts.append(svg.text(middle + x, top + y, said, paint))
    for step in (1, 10, 20, 30, 40):
        parts.append(svg.text(_across(step), 298, str(step)))
    parts.append(svg.text(RIGHT, 317, "step", text_anchor="end"))
    said = "; ".join(f"bias {bias:g}: {_rounded(scaled(bias)[-1])} is left after 39 steps"
                     for bias, _ in GATES.values())  # fmt: skip
    return drawing(title, 324, said, *parts)


RIVALS = {
    "RNN": ("plain", "#8A6100", -0.25),
    "LSTM": ("LSTM, bias 1", "#C24D8E", 0.0),
    "LSTM, open": ("LSTM, bias 4", "#0072B2", 0.25),
}
"""Networks of :func:`compared`: their name there, colour, and how far they stand aside."""


LONGEST = 40
"""Silent steps that an error crosses in :func:`crossing`."""
CROSSED = {
    "LSTM": (("bias 1: all ways", 9, 0.015), ("direct", 22, 1e-5)),
    "LSTM, open": (("bias 4: all ways", 11, 7), ("direct", 4.2, 1.0)),
}
"""LSTMs of :func:`crossing`, and the names of their lines: all ways, then the direct way."""


def compared(title: str) -> Drawing:
    """Draw how well plain networks and LSTMs add, and how well they copy, over three lengths.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    lengths = recalling.LENGTHS
    fig, (above, ax) = pyplot().subplots(2, 1, sharex=True, figsize=(4.6, 4.6))
    places = np.arange(len(lengths))
    for kind, (_, paint, aside) in RIVALS.items():
        for place, n in zip(places + aside, lengths, strict=True):
            for panel, runs, solved, top in (
                (above, recalling.left(f"{kind}, {n}"), recalling.solved(f"{kind}, {n}"), 3.2),
                (ax, 1 - copying.right(kind, n), copying.solved(kind, n), 1.0),
            ):
                fan = np.linspace(-0.09, 0.09, len(runs))
                panel.plot(place + fan, np.sort(runs)[::-1], "o", color=paint, markersize=5,
                           alpha=0.6, markeredgewidth=0)  # fmt: skip
                panel.text(place, top, str(solved), color=paint, fontsize=13, fontweight="bold",
                           ha="center", va="center")  # fmt: skip
    for said, paint, _ in RIVALS.values():
        above.plot([], [], "o", color=paint, markersize=6, label=said)
    fig.legend(loc="outside upper center", ncols=3, frameon=False, labelcolor="linecolor",
               handletextpad=0, columnspacing=0.8, borderaxespad=0,
               prop={"size": 11.5, "weight": "bold"})  # fmt: skip
    guessing = 1 - 1 / copying.ALPHABET
    for panel, line, guess in ((above, recalling.SOLVED, 1), (ax, 1 - copying.SOLVED, guessing)):
        panel.axhline(line, color=INK, linestyle="--", linewidth=1)
        panel.axhline(guess, color=INK, linestyle=":", linewidth=1)
    above.set_title(
        "adding: solved (of 10), and relative loss (log scale)", loc="left", fontsize=11.5
    )
    ax.set_title("copying: solved (of 10), and letters wrong", loc="left", fontsize=11.5)
    above.set(yscale="log", ylim=(3e-4, 6))
    above.set_yticks([0.001, 0.01, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
    ax.set(ylim=(-0.06, 1.1), yticks=[0, 0.2, 0.4, 0.6, 0.8], xlim=(-0.45, 2.45),
           xlabel="numbers, or silent steps")  # fmt: skip
    ax.xaxis.label.set_size(12)
    ax.set_xticks(places, [str(n) for n in lengths])
    for each in (above, ax):
        each.tick_params(labelsize=11.5)
        each.minorticks_off()
        each.grid(False)
    return plotted(fig, title)


def opened(title: str) -> Drawing:
    """Draw how open the input gates of LSTMs that add are at the marks, and at the other steps.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    name = f"LSTM, {recalling.LENGTH}"
    fresh = recalling.SideBySide(recalling.ROWS[name].start, recalling.SEEDS)
    before = fresh.opening(recalling.tested(recalling.LENGTH)[0])
    fig, ax = pyplot().subplots(figsize=(4.6, 3.3))
    ax.plot([0, 1], [0, 1], "--", color=INK, linewidth=1)
    for gates, paint, size in ((opening(name), COLORS[0], 5), (before, INK, 3.5)):
        ax.plot(gates[:, 1].ravel(), gates[:, 0].ravel(), "o", color=paint, markersize=size,
                alpha=0.6, markeredgewidth=0)  # fmt: skip
    ax.plot(0, 1, "D", color=COLORS[1], markersize=9, clip_on=False)
    for x, y, words, paint in ((0.04, 0.985, "our example", COLORS[1]),
                               (0.36, 0.8, "after training", COLORS[0]),
                               (0.575, 0.43, "before training", INK)):  # fmt: skip
        ax.text(x, y, words, color=paint, fontsize=12, fontweight="bold", va="center")
    ax.text(0.99, 0.82, "same", color=INK, fontsize=11.5, ha="right", va="center")
    ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="input gate elsewhere",
           ylabel="input gate at the marks", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        axis.label.set_size(11.5)
    ax.tick_params(labelsize=11.5)
    ax.grid(False)
    return plotted(fig, title)


def opening(name: str) -> Array:
    """Return the stored openings of a row's input gates: networks by (marked, other) by units."""
    return np.array(recalling.stored()[name]["opens"])


@cache
def returned(kind: str, silence: int = LONGEST) -> Array:
    """Return what is left of the first answer's error at each step, in fresh LSTMs that copy.

    The first row is what all ways leave, the second what the direct way leaves: medians over ten
    networks of ``copying.returning``.
    """
    each = [copying.returning(copying.network(kind, k), silence) for k in copying.SEEDS]
    return np.asarray(np.median(each, axis=0))


def crossing(title: str) -> Drawing:
    """Draw the first answer's error on its way back over a silence, in LSTMs of two biases.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    fig, ax = pyplot().subplots(figsize=(4.6, 4.1))
    answer = LONGEST + copying.TOLD + 1
    for begin, end in ((0.5, copying.TOLD + 0.5), (answer - 0.5, answer + 0.5)):
        ax.axvspan(begin, end, color=INK, alpha=0.09, linewidth=0)
    for place, words, side in ((0.5, "letters", "left"), ((answer + 1) / 2, "silence", "center"),
                               (answer + 0.5, "first answer", "right")):  # fmt: skip
        ax.text(place, 1.03, words, color=INK, fontsize=11.5, ha=side, va="bottom",
                transform=ax.get_xaxis_transform())  # fmt: skip
    ends = [(0.01, "0.01", INK), (1e-4, "10⁻⁴", INK)]
    for kind, names in CROSSED.items():
        paint = RIVALS[kind][1]
        ends += [(left[0], _rounded(left[0]), paint) for left in returned(kind)]
        for (words, x, y), line, left in zip(names, ("-", "--"), returned(kind), strict=True):
            ax.plot(np.arange(1, answer + 1), left, line, color=paint, linewidth=2.2)
            ax.text(x, y, words, color=paint, fontsize=11.5, fontweight="bold")
    ax.set_title("what is left of the error (log scale)", loc="left", fontsize=11.5, pad=22)
    ax.set(yscale="log", ylim=(7e-7, 40), xlim=(0.5, answer + 0.5), xlabel="step",
           xticks=[1, 10, 20, 30, answer])  # fmt: skip
    ax.set_yticks([end for end, *_ in ends], [words for _, words, _ in ends])
    for word, (*_, paint) in zip(ax.get_yticklabels(), ends, strict=True):
        word.set_color(paint)
    ax.tick_params(labelsize=11.5)
    ax.minorticks_off()
    ax.grid(False)
    return plotted(fig, title)


KEPT = {
    "RNN": ("plain, orthogonal U", RIVALS["RNN"][1], "-"),
    "RNN, random": ("plain, Gaussian U", "#4D7A3A", (0, (1.2, 0.8))),
    "LSTM, open": (*RIVALS["LSTM, open"][:2], (0, (6, 1, 1.2, 1))),
    "LSTM": (*RIVALS["LSTM"][:2], (0, (3, 1))),
}
"""Networks of :func:`directions`: their name there, colour and dashes."""
CROSSINGS = 20, LONGEST
"""Silent steps of :func:`directions`."""


def directions(title: str) -> Drawing:
    """Draw the factors of an error over a silence in all directions, and who learned to copy.

    A line is the median over ten networks, a band reaches from the smallest to the largest.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    fig, axes = pyplot().subplots(1, 2, sharey=True, figsize=(4.6, 3.5))
    for ax, silence in zip(axes, CROSSINGS, strict=True):
        ax.plot([0.5, 0.5], [1e-9, 1e3], ":", color=INK, linewidth=1)
        for row, (kind, (said, paint, dashes)) in enumerate(KEPT.items()):
            factors = copying.factors(kind, silence)
            share = (np.arange(factors.shape[1]) + 0.5) / factors.shape[1]
            ax.fill_between(share, factors.min(axis=0), factors.max(axis=0), color=paint,
                            alpha=0.15, linewidth=0)  # fmt: skip
            ax.plot(share, np.median(factors, axis=0), linestyle=dashes, color=paint, linewidth=2.4,
                    label=said)  # fmt: skip
            place = 10 ** (-10.2 - 1.3 * row)
            ax.plot([0.03, 0.2], [place] * 2, linestyle=dashes, color=paint, linewidth=2.4)
            ax.text(0.24, place, str(copying.solved(kind, silence)), color=paint, fontsize=11.5,
                    fontweight="bold", va="center")  # fmt: skip
        ax.text(0.03, 10**-8.9, "solved", color=INK, fontsize=11.5, va="center")
        ax.set_title(f"{silence} silent steps", fontsize=11.5)
        ax.set(yscale="log", ylim=(1e-15, 1e3), xlim=(0, 1), xticks=[0, 0.5, 1])
        ax.set_xticklabels(["0", "half", "all"])
        ax.set_yticks([1e-12, 1e-8, 1e-4, 1], ["10⁻¹²", "10⁻⁸", "10⁻⁴", "1"])
        ax.set_xlabel("directions", fontsize=11.5)
        ax.tick_params(labelsize=11.5)
        ax.minorticks_off()
        ax.grid(False)
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=2,
               frameon=False, labelcolor="linecolor", handlelength=1.7, handletextpad=0.4,
               columnspacing=1, borderaxespad=0,
               prop={"size": 11.5, "weight": "bold"})  # fmt: skip
    return plotted(fig, title)


def course(name: str) -> Array:
    """Return the losses of a row before and during training, networks by points.

    All but those before training are stored.
    """
    row, curves = recalling.ROWS[name], np.array(recalling.stored()[name]["curve"])
    return np.hstack([beginning(row.start.kind, row.length, row.late)[:, None], curves])


@cache
def beginning(kind: str, length: int, late: int) -> Array:
    """Return the losses of ten networks before training, relative to always answering 0."""
    group = recalling.SideBySide(recalling.Start(kind), recalling.SEEDS)
    return group.relative(*recalling.tested(length, late))


def reaching(name: str) -> Array:
    """Return the stored share of errors that gets back to step 1, networks by points."""
    return np.array(recalling.stored()[name]["share"])


PLAIN = {10: "#AD7500", 20: "#009E73", 40: "#AA3377"}
"""Colour of plain networks, by the length of their sequences."""


def later(title: str) -> Drawing:
    """Draw how plain networks learn sums over several lengths, and the error that gets to step 1.

    There is a thin line for each network, and a thick one for their median.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    fig, axes = pyplot().subplots(
        2, 3, sharex=True, sharey="row", figsize=(4.6, 4.1), height_ratios=(1, 1.2)
    )
    for (above, ax), (length, paint) in zip(axes.T, PLAIN.items(), strict=True):
        name = f"RNN, {length}"
        at = recalling.EVERY * np.arange(recalling.UPDATES // recalling.EVERY + 1)
        for panel, runs in ((above, course(name)), (ax, reaching(name))):
            panel.plot(at, runs.T, "-", color=paint, linewidth=0.8, alpha=0.6)
            panel.plot(at, np.median(runs, axis=0), "-", color=paint, linewidth=2.2)
            panel.grid(False)
            panel.tick_params(labelsize=11.5)
        above.set_title(f"{length} numbers", fontsize=11.5, color=paint, fontweight="bold")
        ax.axhline(1, color=INK, linestyle=":", linewidth=1)
    left = axes[:, 0]
    left[0].set_ylabel("loss", fontsize=11.5)
    left[1].set_ylabel("error left", fontsize=11.5)
    left[0].set(ylim=(0, 2.2), yticks=[0, 0.5, 1, 2])
    left[1].set(ylim=(5e-4, 20), yscale="log", xlim=(0, recalling.UPDATES), xticks=[0, 600])
    left[1].set_yticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])
    left[1].minorticks_off()
    axes[1, 1].set_xlabel("updates", fontsize=11.5)
    return plotted(fig, title)


ARMS = {
    "whole": ("RNN, early", "RNN, 40, early"),
    "cut": ("RNN, cut, early", "RNN, 40, cut, early"),
    "fixed": ("RNN, cut, early, apart", "RNN, 40, cut, early, apart"),
}
"""Trainings that differ in how far the error travels and which weights change.

The first row of ``recalling.ROWS`` is for sequences of 10 numbers; the second is for 40, and its
course is not stored.
"""


def stopped(title: str) -> Drawing:
    """Draw how networks learn with and without an error that gets back to the marks.

    On the left, for 10 numbers, the losses, with a thin line for each network and a thick one for
    their median. On the right, for 40, a dot for each network: its last loss.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import INK

    fig, (left, right) = pyplot().subplots(
        1, 2, sharey=True, figsize=(4.6, 3.5), width_ratios=(1.3, 1)
    )
    paints = INK, "#7A5FD0", "#757500"
    for k, ((short, long), paint) in enumerate(zip(ARMS.values(), paints, strict=True)):
        runs = course(short)
        at = recalling.EVERY * np.arange(runs.shape[1])
        left.plot(at, runs.T, "-", color=paint, linewidth=0.5, alpha=0.3)
        left.plot(at, np.median(runs, axis=0), "-", color=paint, linewidth=2.6)
        aside = k + 0.06 * (np.arange(len(runs)) - 4.5)
        right.plot(aside, recalling.losses(long)[recalling.SLOW], "o", color=paint, markersize=4.5,
                   alpha=0.7)  # fmt: skip
    places = (1300, 0.006), (3900, 1.35), (3900, 0.045)
    for words, paint, (x, y) in zip(ARMS, paints, places, strict=True):
        left.text(x, y, words, color=paint, fontsize=12, fontweight="bold", ha="right",
                  va="center")  # fmt: skip
    left.set(xlim=(0, recalling.LONG), xticks=[0, 2000, 4000], yscale="log", ylim=(0.003, 2))
    left.set_xticklabels(["0", "2,000", "4,000"])
    left.set_xlabel("updates", fontsize=11.5)
    left.set_ylabel("loss", fontsize=11.5)
    left.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    right.set(xlim=(-0.5, 2.5))
    right.set_xticks(range(len(ARMS)), list(ARMS))
    for ax, length in ((left, recalling.SHORT), (right, recalling.LENGTH)):
        ax.set_title(f"{length} numbers", loc="left", fontsize=11.5)
        ax.axhline(1, color=INK, linestyle=":", linewidth=1)
        ax.minorticks_off()
        ax.grid(False)
        ax.tick_params(labelsize=11.5)
    fig.get_layout_engine().set(wspace=0.08)
    return plotted(fig, title)


WEIGHTS = (0.5, 0.7, 0.9, 1.0, 1.2, 1.4)
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


def _shares(
    top: float, high: float, paint: str, runs: Iterable[tuple[Array, str | None]]
) -> list[str]:
    """Draw shares from 0 to 1 over the steps, each line with its dashes, between two rules."""
    parts = [*_rule(top + high, "0"), *_rule(top, "1")]
    return parts + [
        _line(top + high * (1 - values), paint, stroke_dasharray=dashes) for values, dashes in runs
    ]


def held(title: str) -> Drawing:
    """Draw a unit's states after three pulses and none, and the error that goes back meanwhile.

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
        parts += _shares(top, 72, paint, [(values, None) for values in runs])
        parts.append(svg.text(LEFT, top - 12, name, paint, text_anchor="start", font_weight=600))
    for pulse, (x, y) in zip(PULSES, ((74, 118), (62, 92), (76, 65)), strict=True):
        parts.append(svg.text(x, y, f"{pulse:g}", blue, text_anchor="start"))
    parts += [
        _line(124 - kept(HELD, 0.0)[0], blue, stroke_dasharray="2 4"),
        svg.text(RIGHT, 117, "no pulse", blue, text_anchor="end"),
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
    panels = {"state": (30.0, 94.0), "error": (140.0, 290.0)}
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
            svg.text(LEFT, 128, "what is left of the error", orange,
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
