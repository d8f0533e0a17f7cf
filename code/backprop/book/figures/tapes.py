"""The figures of a tape: one program, and the lines that a run of it leaves behind.

Every number follows from the input: the run multiplies, the sweep reads the lines from the last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, _overlined, barred, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame

PROGRAM = ("r = x", "while r < 10:", "    r = r * x", "return r")
"""What runs: x times itself until the product has reached 10."""
LIMIT = 10
BOUND = 5
"""Cost of a value and its gradient, in costs of the value, for sums and products of numbers."""
MONO = "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace"


@dataclass(frozen=True)
class Run:
    """One run of the program, and the sweep over its tape.

    Attributes
    ----------
    values : tuple of int
        Of the lines, the input first.
    adjoints : tuple of int
        Of the same lines.
    shares : tuple of int
        What the input receives, in the order of the sweep.
    """

    values: tuple[int, ...]
    adjoints: tuple[int, ...]
    shares: tuple[int, ...]


def run(x: int) -> Run:
    """Run the program on x, and sweep: v = u · x sends v̄ · x to u and v̄ · u to x."""
    values = [x]
    while values[-1] < LIMIT:
        values.append(values[-1] * x)
    adjoints = [0] * len(values)
    adjoints[-1] = 1
    shares = []
    for k in range(len(values) - 1, 0, -1):
        shares.append(adjoints[k] * values[k - 1])
        if k > 1:
            adjoints[k - 1] += adjoints[k] * x
        else:
            shares.append(adjoints[k] * x)
    adjoints[0] = sum(shares) if shares else 1
    return Run(tuple(values), tuple(adjoints), tuple(shares))


def name(k: int) -> str:
    """Return the name of a line: x, v₁, v₂ and so on."""
    return f"v{chr(0x2080 + k)}" if k else "x"


def adjoint_name(k: int) -> str:
    """Return the name of its adjoint, the letter with a bar."""
    return barred("v") + chr(0x2080 + k) if k else barred("x")


def written(done: Run, k: int) -> str:
    """Write line k as the run computes it: "v₂ = 9·3 = 27"."""
    x, v = done.values[0], done.values
    return f"{name(k)} = {v[k - 1]}·{x} = {v[k]}" if k else f"x = {x}"


def received(done: Run, k: int) -> str:
    """Write the adjoint of line k as the sweep computes it: "v̄₁ = 1·3 = 3"."""
    x, bars = done.values[0], done.adjoints
    if k == 0 and done.shares:
        worked = f"{'+'.join(map(str, done.shares))} = {bars[0]}"
    elif k == len(bars) - 1:
        worked = "1"
    else:
        worked = f"{bars[k + 1]}·{x} = {bars[k]}"
    return f"{adjoint_name(k)} = {worked}"


def three_tapes(inputs: Sequence[int], widths: Sequence[int], title: str) -> Drawing:
    """Draw the program above the tapes that it writes for these inputs, swept backward.

    ``widths`` are those of the strips, in units of a drawing that is ``svg.WIDTH`` wide.
    """
    top, row = 122, 48
    runs = [run(x) for x in inputs]
    gap = (svg.WIDTH - 4 - sum(widths)) / (len(inputs) - 1)
    parts = [*_code(PROGRAM, 2, 4, 150), *_legend(174, 34)]
    left = 2.0
    for done, wide in zip(runs, widths, strict=True):
        parts.append(_strip(left, top, wide, row * len(done.values)))
        for k in range(len(done.values)):
            y = top + row * k
            middle = left + wide / 2
            parts.append(_words(middle, y + 20, written(done, k), svg.FORWARD))
            parts.append(_words(middle, y + 39, received(done, k), svg.BACKWARD))
        left += wide + gap
    height = top + row * max(len(done.values) for done in runs) + 14
    said = ". ".join(
        f"x = {done.values[0]}: "
        + "; ".join(f"{written(done, k)}, {received(done, k)}" for k in range(len(done.values)))
        for done in runs
    )
    return drawing(title, height, said, *parts)


def matrix_and_rule(
    slopes: Sequence[float], adjoint: Sequence[float], many: int, title: str
) -> Drawing:
    """Draw the share of an elementwise line with its Jacobian, and from the slopes that count.

    Above for the two given slopes, below for ``many``: there the diagonal is a thin line.
    """
    (s, t), (g, h) = slopes, adjoint
    left, right, top, cell, wide = 190.0, 352.0, 30.0, 40.0, 130.0
    worked = (
        (left, (f"{g}·{s} + {h}·0 = {g * s:g}", f"{g}·0 + {h}·{t} = {h * t:g}")),
        (right, (f"{g}·{s} = {g * s:g}", f"{h}·{t} = {h * t:g}")),
    )
    parts = [
        svg.text(left, 16, "the Jacobian", font_weight=600),
        svg.text(right, 16, "its diagonal", svg.FORWARD, font_weight=600),
        svg.text(2, top + cell - 5, "2 numbers", text_anchor="start"),
        _words(2, top + cell + 17, f"g = ({g}, {h})", svg.BACKWARD, "start"),
    ]
    for (i, j), entry in (((0, 0), s), ((0, 1), 0), ((1, 0), 0), ((1, 1), t)):
        at = left - cell + j * cell, top + i * cell
        parts += _cell(*at, cell, f"{entry}", svg.FORWARD if i == j else None)
    for i, entry in enumerate(slopes):
        parts += _cell(right - cell + i * cell, top + cell / 2, cell, f"{entry}", svg.FORWARD)
    below = top + 2 * cell + 22
    for x, lines in worked:
        parts += [_words(x, below + 20 * k, words, svg.BACKWARD) for k, words in enumerate(lines)]
    base = below + 42
    parts += [
        svg.text(2, base + wide / 2 + 5, f"{many:,} numbers", text_anchor="start"),
        svg.element(
            "rect", x=left - wide / 2, y=base, width=wide, height=wide, fill="none",
            stroke="currentColor", stroke_width="1",
        ),
        *[
            svg.element(
                "line", x1=start, y1=base, x2=end, y2=base + wide, stroke=svg.FORWARD,
                stroke_width="1.5",
            )
            for start, end in ((left - wide / 2, left + wide / 2), (right, right))
        ],
        svg.text(left + wide / 4, base + wide / 4 + 5, "0", font_size=22),
        svg.text(left - wide / 4, base + 3 * wide / 4 + 5, "0", font_size=22),
    ]  # fmt: skip
    counts = ((left, f"{many * many:,} slopes"), (right, f"{many:,} slopes"))
    parts += [svg.text(x, base + wide + 22, words, font_weight=600) for x, words in counts]
    said = [*worked[0][1], *worked[1][1], *[words for _, words in counts]]
    return drawing(title, base + wide + 32, "; ".join(said), *parts)


def run_frames(x: int) -> list[Frame]:
    """Return frames of a run that writes its tape, line by line, and of the sweep that reads it."""
    done = run(x)
    last = len(done.values) - 1
    frames = [
        _frame(done, 0, None, 0, f"The input is written first. r is another name for x = {x}.")
    ]
    for k in range(1, last + 1):
        test = f"{done.values[k - 1]} is below {LIMIT}, so the loop runs"
        words = f"{test}: {written(done, k)} is written, with two slopes."
        frames.append(_frame(done, k, None, 2, words))
    end = f"{done.values[-1]} is not below {LIMIT}: the loop ends. The tests have left no line."
    frames.append(_frame(done, last, None, 3, end))
    for k in range(last, 0, -1):
        frames.append(_frame(done, last, k, None, _swept(done, k)))
    return frames


OUTER = 2
"""How many of the fastest and of the slowest networks the bars of the clock's figure leave out."""
TICKS = 20
"""How many of the clock's steps a time must have; in a browser each is 0.1 ms or more."""


def seconds(function: Callable[..., Any], *args: Any) -> float:
    """Return how long a call takes: one, or the mean over as many as a coarse clock needs."""
    before = time.perf_counter()
    while (start := time.perf_counter()) == before:
        pass
    calls, taken = 0, 0.0
    while taken < TICKS * (start - before):
        function(*args)
        calls += 1
        taken = time.perf_counter() - start
    return taken / calls


def timed(
    times: Callable[[int, int], tuple[float, float, float, float]],
    sizes: Sequence[int],
    seeds: Sequence[int],
    rounds: int = 1,
) -> tuple[Any, Any, Any]:
    """Measure (number of weights, loss, backward, one forward) for each size and seed.

    Of the rounds, which all networks take in turn, the least time counts: so a disturbance of the
    machine would have to last through all of them. Returns the numbers of weights, one for each
    size, and two ratios of shape (sizes, seeds): backward / loss, and forward for all weights.
    """
    measured = np.min(
        [[[times(size, seed) for seed in seeds] for size in sizes] for _ in range(rounds)], axis=0
    )
    n, loss, backward, forward = np.moveaxis(measured, 2, 0)
    return n[:, 0], backward / loss, n * forward / loss


def _inner(values: Any) -> tuple[Any, Any]:
    """Return the least and the largest of each row but for ``OUTER`` at both ends.

    A clock is disturbed now and then, on a busy machine.
    """
    ordered = np.sort(values, axis=1)
    end = min(OUTER, (values.shape[1] - 1) // 2)
    return ordered[:, end], ordered[:, -1 - end]


def clock(n: Any, backward: Any, forward: Any, title: str) -> Drawing:
    """Draw both ratios against the number of weights: the median, and bars without the outermost.

    The forward sweeps grow by powers of ten and get a logarithmic axis; on it, the spread of the
    backward ones could not be seen. A dotted line marks the bound for sums and products.
    """
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    figure, (above, below) = plt.subplots(2, sharex=True, figsize=(4.6, 2.6))
    for ax, values, style, words in (
        (above, forward, "C0--s", "forward sweeps,\ncomputed\nfrom one"),
        (below, backward, "C1-o", "run and one\nbackward\nsweep"),
    ):
        middle = np.median(values, axis=1)
        least, most = _inner(values)
        spread = [middle - least, most - middle]
        ax.errorbar(n, middle, spread, fmt=style, markersize=4, capsize=6, elinewidth=1, capthick=1)
        beside = ax.get_yaxis_transform()  # right of the axes, where no grid runs through it
        ax.text(1.03, middle[-1], words, va="center", transform=beside)
    below.axhline(BOUND, color=GREY, linestyle=":", linewidth=1.4)
    above.set(xscale="log", yscale="log", xlim=(0.6 * n[0], 1.7 * n[-1]))
    above.set_ylim(np.median(forward[0]) / 10, np.median(forward[-1]) * 10)
    top = max(1.2 * np.max(most), 1.6 * BOUND)  # of the backward sweeps, which came last
    below.set(xlabel="number of weights", ylim=(0, top), yticks=np.arange(0, top, BOUND))
    label = above.yaxis.label
    figure.supylabel("time / time of the loss", size=label.get_size(), color=label.get_color())
    return plotted(figure, title)


def pieces(
    program: Callable[[float], float],
    slope: Callable[[float], float],
    inputs: Sequence[float],
    title: str,
) -> Drawing:
    """Draw what the program returns for each x, a curve for each path through its loop.

    At ``inputs`` stand the slopes that the tape reports, and a dotted line marks the last jump.
    """
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    figure, ax = plt.subplots(figsize=(4.6, 2.35))
    ax.axvspan(0.8, 1, color=GREY, alpha=0.25, lw=0)
    for k in range(30, 1, -1):
        left, right = LIMIT ** (1 / k), LIMIT ** (1 / (k - 1))
        x = np.linspace(left, min(right - 0.035 * (k < 5), 6.2), 60)
        ax.plot(x, x**k, "-", color="C0", lw=1.8 if k < 5 else 0.8)
        if k < 5:
            ax.plot(left, left**k, "o", color="C0", ms=5)
            ax.plot(right, right**k, "o", color="C0", ms=5, mfc="none")
            ax.text(x[-1] + 0.18, x[-1] ** k, f"$x^{k}$", va="center", color="C0")
    jump = LIMIT**0.5
    ax.plot([jump, jump], [LIMIT, jump**3 - 1], ":", color=GREY, lw=1.4)
    ax.text(jump, 5.5, f"√{LIMIT}", va="center", ha="center")
    for at in inputs:
        y, rise = program(at), slope(at)
        ends = np.array([-13, 13]) / np.hypot(rise, 9)
        ax.plot(at + ends, y + rise * ends, "-", color="C1", lw=1.2)
        ax.plot(at, y, "o", color="C1")
        shift, side = ((-4, 54), "center") if at == min(inputs) else ((14, -9), "left")
        ax.annotate(f"slope {rise:.0f}", (at, y), shift, textcoords="offset points",
                    va="center", ha=side, color="C1")  # fmt: skip
    ax.set(xlabel="x", ylabel="returned value", xlim=(0.8, 6.7), ylim=(0, 44))
    return plotted(figure, title)


def loose_root(program: Callable[[float, float], float], tolerance: float, title: str) -> Drawing:
    """Draw a root found by a loop with a tolerance so large that its paths can be seen."""
    from backprop.book.figures.plots import GREY

    plt = pyplot()
    figure, ax = plt.subplots(figsize=(4.6, 2.1))
    exact = np.linspace(0.6, 1.5, 90)
    ax.plot(exact, exact**0.5, "--", color=GREY, lw=1.4)
    ax.text(exact[0], exact[0] ** 0.5 - 0.03, "√x", va="top", ha="center")
    edges = (exact[0], 1 - tolerance, 1 + tolerance, exact[-1])
    for k in range(3):
        x = np.linspace(edges[k], edges[k + 1], 60)[1:-1]
        ax.plot(
            x, [program(at, tolerance) for at in x], "-", color="C1" if k == 1 else "C0", lw=1.8
        )
    ax.text(1.04, 0.83, "no iteration:\nslope 1", va="center", color="C1")
    ax.text(1.27, 1.04, "one iteration:\nslope 0.5", va="center", color="C0")
    ax.plot(1, 1, "o", color="C1")
    ax.set(xlabel="x", ylabel="returned value", xlim=(0.55, 1.55), ylim=(0.65, 1.35))
    return plotted(figure, title)


def _swept(done: Run, k: int) -> str:
    x, bar, before = done.values[0], done.adjoints[k], done.values[k - 1]
    start = f"Visit {name(k)}, whose adjoint is {bar}."
    if k > 1:
        return (
            f"{start} It sends {bar}·{x} = {bar * x} to {name(k - 1)}, and {bar}·{before}"
            f" = {bar * before} to x."
        )
    return f"{start} It sends {bar}·{x} = {bar * x} to x, twice. Now {received(done, 0)}."


def _frame(done: Run, upto: int, visit: int | None, active: int | None, words: str) -> Frame:
    """Draw the program with its active line, the tape up to a line, and what the sweep has done."""
    left, top, row, wide = 156, 4, 68, 262
    parts = [*_code(PROGRAM, 2, 4, 144, active)]
    last = len(done.values) - 1
    parts.append(_strip(left, top, wide, row * (last + 1) - 20))
    said = []
    for k in range(upto + 1):
        y = top + row * k - (20 if k else 0)
        lines = [(f"{k}:  {written(done, k)}", svg.FORWARD)]
        if k:
            lines.append((_slopes(done, k, visit), "currentColor"))
        if visit is not None and (k >= visit - 1 or not k):
            lines.append((_so_far(done, k, visit), svg.BACKWARD))
        for n, (text, fill) in enumerate(lines):
            weight = 400 if fill == "currentColor" else 600
            parts.append(_words(left + 12, y + 22 + 21 * n, text, fill, "start", weight))
            said.append(text)
    height = top + row * (last + 1) - 20 + 14
    drawn = svg.picture(svg.WIDTH, height, words, "; ".join(said), *parts)
    return Frame(drawn, words)


def _slopes(done: Run, k: int, visit: int | None) -> str:
    x, before, bar = done.values[0], done.values[k - 1], done.adjoints[k]
    if visit is None or k < visit:
        return f"slope from {name(k - 1)}: {x}, from x: {before}"
    sent = f"{bar}·{x} = {bar * x}"
    return f"to {name(k - 1)}: {sent}, to x: {bar}·{before} = {bar * before}"


def _so_far(done: Run, k: int, visit: int) -> str:
    if k:
        return received(done, k)
    if visit == 1:
        return received(done, 0)
    shares = done.shares[: len(done.values) - visit]
    return f"{adjoint_name(0)} = {'+'.join(map(str, shares))} + …"


def _words(
    x: float, y: float, words: str, fill: str, anchor: str = "middle", weight: int = 600
) -> str:
    return _overlined(svg.text(x, y, words, fill, text_anchor=anchor, font_weight=weight))


def _code(
    lines: Sequence[str], x: float, y: float, wide: float, active: int | None = None
) -> list[str]:
    """Draw a program in a frame, the active line with a bar and in bold."""
    high = 22 * len(lines) + 12
    parts = [
        svg.element(
            "rect", x=float(x), y=float(y), width=float(wide), height=float(high), rx=4.0,
            fill="none", stroke="currentColor", stroke_width="1",
        )
    ]  # fmt: skip
    for k, line in enumerate(lines):
        at = y + 22 + 22 * k
        if k == active:
            parts.append(
                svg.element(
                    "rect", x=x + 4.0, y=at - 15.0, width=5.0, height=20.0, fill=svg.FORWARD
                )
            )
        indent = len(line) - len(line.lstrip())
        fill = svg.FORWARD if k == active else "currentColor"
        parts.append(
            svg.text(
                x + 16 + 8.4 * indent, at, line.lstrip(), fill, text_anchor="start",
                font_family=MONO, font_weight=700 if k == active else 400,
            )
        )  # fmt: skip
    return parts


def _legend(x: float, y: float) -> list[str]:
    """Say which way the run writes, and which way the sweep reads."""
    parts = []
    for k, (words, fill, down) in enumerate(
        [("written by the run", svg.FORWARD, True),
         ("added by the sweep", svg.BACKWARD, False)]
    ):  # fmt: skip
        base = y + 34 * k
        tip, tail = (base + 6, base - 16) if down else (base - 16, base + 6)
        ends = (x + 6.0, float(tail)), (x + 6.0, float(tip))
        parts.append(svg.pointer(*ends, fill, "2.5", 8, 6))
        parts.append(_words(x + 22, base, words, fill, "start"))
    return parts


def _cell(x: float, y: float, size: float, words: str, fill: str | None) -> list[str]:
    """Draw a square with a number in it; one with a colour is in bold."""
    rim = svg.element(
        "rect", x=float(x), y=float(y), width=size, height=size, fill="none",
        stroke="currentColor", stroke_width="1",
    )  # fmt: skip
    weight = 600 if fill else 400
    return [rim, svg.text(x + size / 2, y + size / 2 + 5, words, fill or "currentColor",
                          font_weight=weight)]  # fmt: skip


def _strip(x: float, y: float, wide: float, high: float) -> str:
    """Draw a strip of paper with a torn end."""
    teeth = round(wide / 9)
    step = wide / teeth
    torn = " ".join(
        f"L{svg.fixed(x + wide - step * (k + 0.5))} {svg.fixed(y + high + 6)}"
        f" L{svg.fixed(x + wide - step * (k + 1))} {svg.fixed(y + high)}"
        for k in range(teeth)
    )
    path = f"M{svg.fixed(x)} {svg.fixed(y)} H{svg.fixed(x + wide)} V{svg.fixed(y + high)} {torn} Z"
    return svg.element(
        "path", d=path, fill=svg.GROUND, stroke="currentColor", stroke_width="1.2",
        stroke_linejoin="round",
    )  # fmt: skip
