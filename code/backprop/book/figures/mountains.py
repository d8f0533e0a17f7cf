"""The figures of the chapter on memory: what is alive at each call of a layer, and what it costs.

Blue is forward, faint blue forward once more, and vermilion backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from backprop.book.chains import Moment, Watched, arrays
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, computed

# How memory is traded for evaluations: one frame for each number of kept inputs.

LEFT, FOOT, HIGH = 34.0, 222.0, 2.85
"""Where the axes meet, and the height of an array."""
LOOKS = {
    "f": (svg.FORWARD, "0.75", "forward", 34),
    "again": (svg.FORWARD, "0.45", "forward again", 116),
    "b": (svg.BACKWARD, "0.8", "backward", 240),
}
"""Colors of the kinds of calls, and the legend with the place of each word."""


def trades(
    runs: Mapping[int, Watched], prices: Mapping[int, float], unit: int, captions: Sequence[str]
) -> list[Frame]:
    """Return a frame for each run of one gradient: its memory from call to call, on the same axes.

    Parameters
    ----------
    runs : mapping of int to Watched
        By the inputs that are kept. The first one's outline stays in the others.
    prices : mapping of int to float
        The operations of each, as a multiple of those of the first.
    unit : int
        Bytes of an array.
    captions : sequence of str
        What each frame shows.
    """
    first = next(iter(runs.values()))
    calls = max(len(run.kinds) for run in runs.values())
    wide = (svg.WIDTH - 2 - LEFT) / calls
    parts = [
        svg.text(2, 14, "arrays in memory", text_anchor="start"),
        svg.text(
            svg.WIDTH - 2,
            FOOT + 36,
            "evaluations and backward passes of layers, in order",
            text_anchor="end",
        ),
    ]
    for fill, opacity, name, x in LOOKS.values():
        box = {"x": x, "y": FOOT + 47, "width": 12, "height": 12}
        parts.append(svg.element("rect", **box, fill=fill, fill_opacity=opacity))
        parts.append(svg.text(x + 17, FOOT + 58, name, text_anchor="start"))
    for count in range(0, 61, 20):
        y = FOOT - HIGH * count
        parts.append(svg.text(LEFT - 6, y + 5, str(count), text_anchor="end"))
        parts.append(_level(y, LEFT - 3, 0.8))
    parts += [
        svg.text(LEFT + wide * count, FOOT + 18, str(count)) for count in range(100, calls, 100)
    ]
    frames = []
    for (kept, run), caption in zip(runs.items(), captions, strict=True):
        peak = arrays(run.peak, unit)
        price = f"{100 * prices[kept] - 100:.0f} % of a step"
        words = f"{kept} inputs kept", f"{run.forwards} evaluations", f"price: {price}"
        high = FOOT - HIGH * peak
        said = [
            svg.text(svg.WIDTH - 2, 58 + 20 * k, text, text_anchor="end",
                     font_weight=400 if k else 600)
            for k, text in enumerate(words)
        ]  # fmt: skip
        said.append(svg.text(svg.WIDTH - 2, high - 5, f"peak: {peak} arrays", text_anchor="end",
                             font_weight=600))  # fmt: skip
        outline = [] if run is first else [_outline(first, unit, wide, "0.5")]
        shapes = [*_mountain(run, unit, wide), _outline(run, unit, wide, "1")]
        told = (
            f"{kept} inputs kept: {peak} arrays at the peak, {run.forwards} evaluations and "
            f"{run.kinds.count('b')} backward passes of layers"
        )
        markup = svg.picture(
            svg.WIDTH, FOOT + 64, f"{kept} inputs kept", told, *parts, *outline, *shapes,
            _level(high, svg.WIDTH - 2, 0.8), *said
        )  # fmt: skip
        frames.append(computed(markup, caption))
    return frames


def _level(y: float, end: float, opacity: float) -> str:
    return svg.element(
        "path",
        d=f"M{LEFT:.0f} {y:.1f}H{end:.0f}",
        stroke="currentColor",
        stroke_opacity=str(opacity),
    )


def _steps(run: Watched, unit: int, wide: float) -> list[tuple[str, float, float]]:
    """Return the kind of each call with where it ends, and the height of its memory."""
    kinds = ["again" if again else kind for kind, again in zip(run.kinds, run.again, strict=True)]
    return [
        (kind, LEFT + wide * (k + 1), FOOT - HIGH * bytes_alive / unit)
        for k, (kind, bytes_alive) in enumerate(zip(kinds, run.bytes, strict=True))
    ]


def _mountain(run: Watched, unit: int, wide: float) -> list[str]:
    """Fill the memory of the calls, one path for each color."""
    drawn = dict.fromkeys(LOOKS, "")
    before, x = "", LEFT
    for kind, end, y in _steps(run, unit, wide):
        kind = "f" if kind == "a" else kind
        if kind != before:
            if before:
                drawn[before] += f"V{FOOT:.0f}z"
            drawn[kind] += f"M{x:.1f} {FOOT:.0f}"
        drawn[kind] += f"V{y:.0f}H{end:.1f}"
        before, x = kind, end
    drawn[before] += f"V{FOOT:.0f}z"
    return [
        svg.element("path", d=drawn[kind], fill=fill, fill_opacity=opacity)
        for kind, (fill, opacity, _, _) in LOOKS.items() if drawn[kind]
    ]  # fmt: skip


def _outline(run: Watched, unit: int, wide: float, strong: str) -> str:
    line = "".join(f"V{y:.0f}H{end:.1f}" for _, end, y in _steps(run, unit, wide))
    return svg.element(
        "path", d=f"M{LEFT:.0f} {FOOT:.0f}{line}V{FOOT:.0f}", fill="none", stroke="currentColor",
        stroke_opacity=strong, stroke_width="0.8",
    )  # fmt: skip


def walks(moments: Sequence[Moment], title: str) -> Drawing:
    """Draw one row per layer that is taken back: the kept inputs, and the walk to it."""
    n, left, top, row = len(moments), 4.0, 54.0, 25.0
    wide = 320 / n
    parts = [
        svg.text(left, 14, "layer", text_anchor="start"),
        svg.text(svg.WIDTH - 2, 14, "evaluations", svg.FORWARD, text_anchor="end"),
    ]
    parts += [svg.text(left + (i + 0.5) * wide, 36, str(i + 1)) for i in range(n)]
    said = []
    for k, moment in enumerate(moments):
        y, count = top + row * k, sum(j - i for i, j in moment.walks)
        for i in range(n):
            filled = i in moment.kept
            parts.append(svg.element(
                "rect", x=left + i * wide + 1, y=y, width=wide - 2, height=13, stroke=svg.FORWARD,
                stroke_width="0.7", fill=svg.FORWARD, fill_opacity="0.85" if filled else "0",
            ))  # fmt: skip
        parts.append(svg.element(
            "rect", x=left + moment.layer * wide - 1, y=y - 2, width=wide + 2, height=17,
            stroke=svg.BACKWARD, stroke_width="3", fill="none",
        ))  # fmt: skip
        for i, j in moment.walks:
            tail, tip = (left + i * wide, y - 6), (left + j * wide, y - 6)
            parts.append(svg.pointer(tail, tip, svg.FORWARD, "2", 7, 4))
        parts.append(svg.text(svg.WIDTH - 2, y + 12, str(count), svg.FORWARD, text_anchor="end"))
        held = ", ".join(str(i + 1) for i in moment.kept)
        said.append(f"layer {moment.layer + 1}: inputs of {held} kept, {count} evaluations")
    walked = [range(*walk) for moment in moments for walk in moment.walks]
    each = [sum(i in walk for walk in walked) for i in range(n)]
    for i, count in enumerate(each):
        parts.append(svg.text(left + (i + 0.5) * wide, top + row * n + 12, str(count), svg.FORWARD))
    total = str(sum(each))
    parts.append(svg.text(svg.WIDTH - 2, top + row * n + 12, total, svg.FORWARD,
                          text_anchor="end", font_weight=600))  # fmt: skip
    said.append(f"evaluations of each layer: {', '.join(map(str, each))}, in all {total}")
    return drawing(title, top + row * n + 18, "; ".join(said), *parts)


def exchange(
    runs: Mapping[str, Sequence[tuple[int, int]]], fewest: Sequence[tuple[int, int]],
    named: Sequence[tuple[int, int]], title: str,
) -> Drawing:  # fmt: skip
    """Draw the evaluations of schedules against the inputs that they keep.

    Parameters
    ----------
    runs : mapping of str to sequence of (int, int)
        Kept inputs and evaluations of schedules that were run, by kind.
    fewest : sequence of (int, int)
        The fewest evaluations for each number of kept inputs, drawn as a line.
    named : sequence of (int, int)
        Points at which both numbers are written.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, INK, MARKERS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.2))
    ax.plot(*zip(*fewest, strict=True), "-", color=INK, linewidth=1, label="fewest possible")
    looks = zip((COLORS[0], COLORS[2], COLORS[1]), MARKERS, (10, 6, 6), strict=False)
    for (name, found), (color, mark, size) in zip(runs.items(), looks, strict=True):
        ax.plot(*zip(*found, strict=True), linestyle="", marker=mark, color=color,
                markersize=size, label=name, markeredgewidth=1.5,
                markerfacecolor="none" if size > 6 else color)  # fmt: skip
    (most_kept, _) = max(fewest)
    for kept, count in named:
        # Words above the right end of the line, below its straight part, and else beside it.
        place, side = ((4, 12), "right") if kept > 40 else ((10, 4), "left")
        if kept < 40 and kept + count == 2 * most_kept:
            place = 8, -20
        ax.annotate(f"{kept} inputs: {count}", (kept, count), place, textcoords="offset points",
                    color=INK, ha=side, fontsize=11)  # fmt: skip
    most = max(count for _, count in fewest)
    ax.set(xlabel="kept inputs", ylabel="evaluations", xlim=(0, 68), ylim=(0, 1.08 * most))
    ax.set_xticks([0, 11, 20, 30, 40, 50, 64])
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper right")
    return plotted(fig, title)
