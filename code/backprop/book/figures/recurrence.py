"""The figures of the chapter on recurrent networks: steps by hand, and errors going back.

Orange is the error on its way back, blue is forward, as everywhere in the book. Where networks are
compared, each is one of ten that differ by their seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import recalling
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.recalling import Outcome
from backprop.layers import RNN

MINUS = "\N{MINUS SIGN}"
W, U, X, TARGET = 0.8, 0.7, (1.0, 0.0, 0.0), 1.0
"""The unit of the section by hand: one pulse, then silence, and a 1 to be remembered."""
STEPS, UNITS, SEEDS = 40, 32, range(10)
RADII = (0.5, 0.7, 0.85, 0.95, 1.0, 1.05, 1.2, 1.5, 2.0)
"""Spectral radii at which errors are sent back."""


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
    at = {"c": (42, 52), "new": (262, 52), "shown": (388, 52), "h": (42, 232),
          "f": (100, 158), "i": (181, 158), "g": (262, 158), "o": (352, 158)}  # fmt: skip
    names = {"c": "c₁", "new": "c₂", "shown": "h₂", "h": "h₁"}
    parts = []

    def arrow(
        start: str, end: str, word: tuple[float, float], name: str = "", thick: str = "2"
    ) -> None:
        tail, tip = svg.between(at[start], at[end], 25.0, 27.0)
        parts.append(svg.pointer(tail, tip, blue, thick, 9, 5))
        parts.append(svg.plate(*word, name + _slope(slopes[f"{start}>{end}"]), orange))

    arrow("c", "new", (150, 38), "f = ", "5")
    arrow("new", "shown", (324, 38))
    arrow("c", "h", (42, 142))
    for gate, x, name in (("f", 155, "c₁="), ("i", 208, "g="), ("g", 262, "i=")):
        arrow(gate, "new", (x, 122), name)
    arrow("o", "shown", (369, 112))
    bus = svg.element("line", x1=67, y1=232, x2=352, y2=232, stroke=blue, stroke_width="2")
    parts.append(bus)
    for gate in "figo":
        x, y = at[gate]
        parts.append(svg.pointer((x, 232), (x, y + 26), blue, "2", 9, 5))
        parts.append(svg.plate(x, 206, _slope(slopes[f"h>{gate}"]), orange))
    for key, (x, y) in at.items():
        parts.append(svg.disc(x, y, names.get(key, key), None))
    shown = ((42, 18, BEFORE), (262, 18, values["c"]), (388, 18, values["shown"]),
             (42, 272, values["h"]))  # fmt: skip
    for x, y, value in shown:
        parts.append(svg.text(x, y, _slope(value), blue, font_weight=600))
    for gate in "figo":
        x, y = at[gate]
        parts.append(svg.text(x + 27, y + 5, _slope(values[gate]), blue, text_anchor="start"))
    s = {key: _slope(value) for key, value in slopes.items()}
    parts.append(svg.text(12, 300, f"direct way: {s['c>new']}", orange, text_anchor="start",
                          font_weight=600))  # fmt: skip
    ways = " + ".join(f"{s[f'h>{k}']}·{s[f'{k}>new']}" for k in "fig").replace(
        "+ 0.25·-", "− 0.25·"
    )
    direct = slopes["c>new"]
    both = f"both ways: {s['c>new']} + {detour():.3f} = {direct + detour():.3f}"
    for y, line in ((322, f"detour: {s['c>h']}·({ways}) = {detour():.3f}"), (344, both)):
        parts.append(svg.text(12, y, line, orange, text_anchor="start", font_weight=600))
    said = "; ".join(f"slope from {key.replace('>', ' to ')}: {value}" for key, value in s.items())
    return drawing(title, 354, said, *parts)


def _slope(value: float) -> str:
    """Write a number of the cell: two decimals, without zeros at their end."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


WAYS = {"all paths": None, "direct path": "direct", "detours only": "detours"}
"""Ways of an error through the cells of an LSTM, and their name in ``Parted.path``."""


@cache
def by_ways() -> dict[str, Array]:
    """Return what is left of the error in ten untrained LSTMs, by the ways that are open.

    Returns
    -------
    dict of str to array, shape (10, 40)
        Of each network at each step, relative to the last.
    """
    start = recalling.Start("LSTM")
    return {
        said: recalling.untrained("adding", replace(start, path=path), STEPS)
        for said, path in WAYS.items()
    }


def ways(title: str) -> Drawing:
    """Draw how much of the error arrives by the direct path, by detours alone, and by all paths.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 2.2))
    steps = np.arange(1, STEPS + 1)
    places, lines = ((2, 3e1), (4, 3e-8), (11, 1e-22)), ("-", "--", ":")
    for (said, found), place, line in zip(by_ways().items(), places, lines, strict=True):
        color, width = (COLORS[1], 2.8) if said == "all paths" else (INK, 2.0)
        ax.semilogy(steps, np.median(found, axis=0), line, color=color, linewidth=width)
        ax.text(*place, said, color=color, fontsize=12, va="center",
                fontweight="bold" if said == "all paths" else "normal")  # fmt: skip
    ax.set(xlim=(0.3, STEPS + 0.7), ylim=(1e-25, 1e4), yticks=[1e-24, 1e-16, 1e-8, 1],
           xticks=[1, 10, 20, 30, 40], xlabel="step of the sequence")  # fmt: skip
    ax.minorticks_off()
    ax.grid(False)
    ax.set_title("left of the error, before training", loc="left", fontsize=12)
    return plotted(fig, title)


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


def arriving(title: str, rows: Mapping[str, str]) -> Drawing:
    """Draw a sequence with two marked numbers, and how much error each step of it receives.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    rows : mapping of str to str
        What networks are called, and the name of their row in ``recalling.ROWS``.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    orange = COLORS[1]
    fig, axes = plt.subplots(4, 1, sharex=True, figsize=(4.6, 3.75), height_ratios=(0.8, 1, 1, 1))
    steps = np.arange(1, STEPS + 1)
    _sequence(axes[0], f"40 numbers, two marked: say the sum, {_minus(example()[2])}")
    for ax, (said, name) in zip(axes[1:], rows.items(), strict=True):
        low, middle, high = recalling.stored()[name]["along"]
        start = replace(recalling.ROWS[name].start, **recalling.WHOLE)
        before = np.median(recalling.untrained("adding", start, STEPS), axis=0)
        solved = int((recalling.losses(name)[recalling.best(name)] < recalling.SOLVED).sum())
        ax.fill_between(steps, low, high, color=orange, alpha=0.3, linewidth=0)
        ax.semilogy(steps, middle, "-", color=orange, linewidth=2.4)
        ax.semilogy(steps, before, "--", color=INK, linewidth=1.3)
        color = orange if solved else INK
        ax.set_title(f"{said}: {solved} of 10 solved", loc="left", fontsize=12, color=color)
        ax.set(ylim=(5e-3, 9), yticks=[0.01, 1], xlim=(0.3, STEPS + 0.7))
        ax.minorticks_off()
        ax.grid(False)
        for step in np.flatnonzero(example()[1]):
            ax.axvline(step + 1, color=INK, linestyle=":", linewidth=1.2)
        if cut := recalling.ROWS[name].start.cut:
            ax.axvspan(STEPS - cut + 0.5, STEPS + 0.7, color=GREY, alpha=0.15, linewidth=0)
    axes[2].set_ylabel("size of the error")
    for ax, words, color in ((axes[1], "dashed: before", INK),
                             (axes[2], "orange: after", orange)):  # fmt: skip
        ax.set_title(words, loc="right", fontsize=11, color=color)
    axes[-1].set(xlabel="step of the sequence", xticks=[1, 10, 20, 30, 40])
    return plotted(fig, title)


def _loss(value: float) -> str:
    return f"{value:.2f}" if value > 0.095 else f"{value:.1g}"


FEWEST = 3e-8
"""Where the axis of :func:`arms` begins: whatever is smaller is drawn there."""


def arms(title: str, rows: Sequence[tuple[str, str | None]]) -> Drawing:
    """Draw what is left of the error at step 1 in rows of ten networks, and which solved the task.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    rows : sequence of pair of str
        What a row is called, and its name in ``recalling.ROWS``; None: a heading.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    orange, places = COLORS[1], (-0.75, 1.09, 1.36)
    tops = np.cumsum([0.0] + [0.85 if name is None else 1.0 for _, name in rows])
    fig = plt.figure(figsize=(4.6, 0.27 * tops[-1]), layout="none")
    ax = fig.add_axes((0.34, 0.0, 0.44, 1.0))

    def word(column: int, y: float, text: str, color: str = INK, **more: Any) -> None:
        ax.text(places[column], y, text, color=color, va="center", fontsize=11.5,
                transform=ax.get_yaxis_transform(), **more)  # fmt: skip

    ax.axvline(1, color=INK, linewidth=1.0, linestyle=":")
    for (said, name), top in zip(rows, tops, strict=False):
        if name is None:
            word(0, top + 0.5, said, fontweight="bold")
            continue
        found = recalling.stored()[name]
        losses = recalling.losses(name)[recalling.best(name)]
        solved = losses < recalling.SOLVED
        color = orange if solved.any() else INK
        before, after = (np.maximum(found[when], FEWEST) for when in ("before", "after"))
        ax.axhspan(top + 0.05, top + 0.95, color=GREY, alpha=0.1, linewidth=0)
        ax.vlines(before, top + 0.1, top + 0.46, color=INK, linewidth=1.1, alpha=0.8)
        ax.scatter(after, np.full(len(after), top + 0.7), s=20, linewidth=1.1, edgecolor=orange,
                   facecolor=[orange if each else "none" for each in solved])  # fmt: skip
        word(0, top + 0.5, said)
        word(1, top + 0.5, f"{solved.sum()}", color, ha="center")
        word(2, top + 0.5, _loss(float(np.median(losses))), color, ha="center")
    word(1, -0.45, "solved", ha="center")
    word(2, -0.45, "loss", ha="center")
    word(0, -0.45, "black: before, orange: after training")
    ax.set_xscale("log")
    ax.set(xlim=(FEWEST / 2, 300), ylim=(tops[-1] + 0.1, 0), yticks=[],
           xticks=[1e-6, 1e-3, 1])  # fmt: skip
    ax.set_xlabel("left of the error at step 1", fontsize=11.5)
    ax.minorticks_off()
    ax.grid(False)
    return plotted(fig, title)


@cache
def one_matrix(radius: float, seed: int) -> tuple[Array, Array, float]:
    """Return the size of δ, 0 to 40 steps back, with tanh and without, and U's largest stretch.

    U is a Gaussian matrix, divided by its spectral radius and multiplied by ``radius``.
    """
    rng = np.random.default_rng(seed)
    layer = RNN(2, UNITS, rng=rng, return_sequence=False)
    raw = rng.normal(size=(UNITS, UNITS))
    matrix = raw * (radius / np.abs(np.linalg.eigvals(raw)).max())
    layer.parameters["U"][...] = matrix
    x, _ = recalling.adding(rng, 16, STEPS + 1)
    layer.forward(x.astype(float))
    row = rng.normal(size=(16, UNITS))
    layer.backward_parameters(row)
    measured = np.sqrt((layer.dz**2).sum(axis=2).mean(axis=1))[::-1]
    plain = [row]
    for _ in range(STEPS):
        plain.append(plain[-1] @ matrix.T)
    linear = np.sqrt([(error**2).sum(axis=1).mean() for error in plain])
    return measured / measured[0], linear / linear[0], float(np.linalg.norm(matrix, 2))


def fading(title: str) -> Drawing:
    """Draw what is left of an error after 40 steps back, at each spectral radius of ``RADII``.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    orange = COLORS[1]
    runs = np.array([[one_matrix(radius, seed)[:2] for seed in SEEDS] for radius in RADII])
    left, linear = runs[..., 0, -1], runs[..., 1, -1]
    fig, ax = plt.subplots(figsize=(4.6, 2.5))
    fine = np.linspace(RADII[0], RADII[-1], 100)
    ax.axhline(1, color=INK, linewidth=0.8, linestyle=":")
    ax.semilogy(fine, fine**STEPS, "--", color=INK, linewidth=1.4)
    ax.semilogy(RADII, np.median(linear, axis=1), "o-", color=GREY, linewidth=1.2, markersize=4)
    ax.fill_between(RADII, left.min(axis=1), left.max(axis=1), color=orange, alpha=0.3,
                    linewidth=0)  # fmt: skip
    ax.semilogy(RADII, np.median(left, axis=1), "o-", color=orange, linewidth=2.4, markersize=5)
    ax.set(xlim=(0.45, 2.05), ylim=(1e-14, 1e14), xticks=[0.5, 1, 1.5, 2],
           yticks=[1e-12, 1e-6, 1, 1e6, 1e12], xlabel="spectral radius of U")  # fmt: skip
    ax.minorticks_off()
    ax.grid(False)
    words = (("with tanh", 1.5, 1e-3, orange), ("without tanh", 0.98, 1e8, GREY),
             ("dashed: radius to the 40th", 0.5, 1e12, INK))  # fmt: skip
    for word, x, y, color in words:
        ax.text(x, y, word, color=color, va="center", fontsize=12)
    ax.set_title("left of the error after 40 steps back", loc="left", fontsize=12)
    return plotted(fig, title)


def read_off(outcome: Outcome, network: int) -> tuple[Array, Array | None, Array | None]:
    """Return what the unit of a network that follows the sum best does on :func:`example`.

    Returns
    -------
    s, f, i : array, shape (40,), or None
        Its state, scaled and shifted so that it fits the sum so far best on other sequences, and
        its gates.
    """
    chosen = outcome.holders[network]
    unit, (a, b) = chosen.unit, chosen.fit
    values, marks, _ = example()
    x = np.stack([values, marks], axis=1)[None].astype(np.float32)
    s, f, i = recalling.states(outcome.networks[network], x)
    f, i = (None if gate is None else gate[:, 0, unit] for gate in (f, i))
    return a + b * s[1:, 0, unit], f, i


def at_work(title: str, gated: Outcome, network: int | None = None) -> Drawing:
    """Draw one unit of a trained LSTM on a sequence: two of its gates, and its cell.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    gated : Outcome
        LSTMs that were trained to add.
    network : int, optional
        Which of them is drawn; by default, the one whose unit follows the sum best.
    """
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    blue, orange, green = COLORS[0], COLORS[1], COLORS[2]
    fig, axes = plt.subplots(3, 1, sharex=True, figsize=(4.6, 3.4), height_ratios=(0.8, 1.1, 1.1))
    values, marks, _ = example()
    steps, so_far = np.arange(1, STEPS + 1), np.cumsum(values * marks)
    _sequence(axes[0], "the numbers, and the marks")
    cell, f, i = read_off(gated, recalling.clearest("LSTM") if network is None else network)
    assert f is not None and i is not None
    left = np.append(np.cumprod(f[:0:-1])[::-1], 1)  # f_{t+1} … f_40
    axes[1].plot(steps, left, "-", color=orange, linewidth=2.2)
    axes[1].plot(steps, f, "-", color=blue, linewidth=2)
    axes[1].plot(steps, i, "-", color=green, linewidth=2)
    axes[1].set(ylim=(0, 1.1), yticks=[0, 1])
    axes[1].set_title("two of its gates", loc="left", fontsize=11.5, color=INK)
    axes[2].plot(steps, so_far, "--", color=INK, linewidth=1.5)
    axes[2].plot(steps, cell, "-", color=blue, linewidth=2.2)
    axes[2].set_title("its cell", loc="left", fontsize=11.5, color=INK)
    axes[2].set(ylim=(-0.85, 0.45), yticks=[-0.5, 0], xlim=(0.3, STEPS + 0.7),
                xlabel="step", xticks=[1, 12, 20, 29, 40])  # fmt: skip
    words = (
        (1, "f: stays", 1.2, 0.72, blue), (1, "i: enters", 13.4, 0.15, green),
        (1, "product of later f", 13.4, 0.72, orange), (2, "cell", 32, -0.1, blue),
        (2, "dashed: the sum", 14.5, -0.2, INK),
    )  # fmt: skip
    for row, word, x, y, color in words:
        axes[row].text(x, y, word, color=color, va="center", fontsize=11.5)
    return plotted(fig, title)
