"""The figures of the chapter on memory: what is alive at each call of a layer, and what it costs.

Blue is forward and vermilion backward in all of them. What is evaluated once more is a blue ring
in the small picture, and faint blue in the large one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from operator import itemgetter

from backprop.book import chains
from backprop.book.chains import Moment, Watched, arrays
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, computed

# A few layers, call by call: time runs to the right, and a bar is an input as long as it is kept.
# Below them, the inputs kept at each call are a column of the memory.

SIDE, COLUMN, ROW, HEAD, UNIT = 34.0, 17.0, 11.0, 28.0, 4.0
"""Left end of the first column, its width, the height of a layer's row, its place in a panel, and
the height of one input in the memory."""
MARKS = {
    "f": {"fill": svg.FORWARD, "stroke": svg.FORWARD},
    "again": {"fill": svg.GROUND, "stroke": svg.FORWARD},
    "b": {"fill": svg.BACKWARD, "stroke": svg.BACKWARD},
}
"""How the call of a layer is marked: a disc, or a ring if the layer is evaluated again."""


Call = tuple[str, int, tuple[int, ...]]
"""What happens, to which layer, and whose inputs are kept then."""


def calls(moments: Sequence[Moment]) -> list[Call]:
    """Return each call of a layer: "f", "again" or "b", the layer, and whose inputs are kept.

    A layer that is evaluated counts among them only if its own input stays.
    """
    found: list[Call] = []
    seen: set[int] = set()
    for moment in moments:
        for first, last in moment.walks:
            for i in range(first, last):
                kept = tuple(k for k in moment.kept if k <= i)
                found.append(("again" if i in seen else "f", i, kept))
                seen.add(i)
        found.append(("b", moment.layer, moment.kept))
    return found


def timeline(
    runs: Mapping[str, Sequence[Moment]], labelled: Sequence[int], opening: str
) -> list[Frame]:
    """Return a frame for the whole of two gradients, and one for each call of a layer.

    Parameters
    ----------
    runs : mapping of str to sequence of Moment
        By its name, which stands above it, what each gradient keeps and evaluates.
    labelled : sequence of int
        The layers whose numbers are written, counted from 0.
    opening : str
        The caption of the frame that shows all calls.
    """
    found = {name: calls(moments) for name, moments in runs.items()}
    room = UNIT * max(map(_peak, found.values())) + 2
    high = HEAD + ROW * max(1 + max(i for _, i, _ in made) for made in found.values()) + room + 34
    panels: list[str] = []
    peaks: list[str] = []
    for k, (name, made) in enumerate(found.items()):
        panels += _panel(name, made, labelled, high * k, room)
        peaks += _peak_line(made, high * (k + 1) - 28 - room, room)
    foot = high * len(found)
    panels += _key(foot + 12)
    last, told = max(map(len, found.values())), "; ".join(map(_told, found, found.values()))
    frames = []
    for now in range(last + 1):
        cursor = []
        for k in range(len(found) if now else 0):
            top, x = high * k + HEAD - 4, SIDE + COLUMN * now
            cursor.append(svg.element(
                "rect", x=x, y=top, width=COLUMN * (last - now), height=high - HEAD - 2,
                fill=svg.GROUND, fill_opacity="0.8",
            ))  # fmt: skip
            cursor.append(svg.element(
                "rect", x=x - COLUMN, y=top, width=COLUMN, height=high - HEAD - 2, fill="none",
                stroke="currentColor", stroke_width="1.5",
            ))  # fmt: skip
        caption = opening
        if now:
            places = ("Above", "Below")
            said = [_call(made[now - 1 : now]) for made in found.values()]
            caption = " ".join(f"{at}: {words}." for at, words in zip(places, said, strict=True))
        title = f"Call {now} of two gradients" if now else "All calls of two gradients"
        said_once = caption if now else told
        markup = svg.picture(svg.WIDTH, foot + 20, title, said_once, *panels, *cursor, *peaks)
        frames.append(Frame(markup, caption))
    return frames


def _peak(made: Sequence[Call]) -> int:
    return max(len(kept) for _, _, kept in made)


def _evaluations(made: Sequence[Call]) -> int:
    return sum(kind != "b" for kind, _, _ in made)


def _panel(
    name: str, made: Sequence[Call], labelled: Sequence[int], top: float, room: float,
    column: float = COLUMN,
) -> list[str]:  # fmt: skip
    n, count = 1 + max(i for _, i, _ in made), _evaluations(made)
    parts = [
        svg.text(0, top + 14, "layer", text_anchor="start"),
        svg.text(88, top + 14, name, text_anchor="start", font_weight=600),
        svg.text(svg.WIDTH - 2, top + 14, f"{count} evaluations", text_anchor="end"),
    ]

    def y(i: int) -> float:
        return top + HEAD + ROW * (n - 1 - i)

    parts += [svg.text(SIDE - 6, y(i) + 10, str(i + 1), text_anchor="end") for i in labelled]
    bars, discs = "", dict.fromkeys(MARKS, "")
    for i in range(n):
        for there, stretch in groupby(enumerate(i in kept for _, _, kept in made), itemgetter(1)):
            times = [t for t, _ in stretch]
            if there:
                wide = f"{column * len(times):.1f}"
                x = SIDE + column * times[0]
                bars += f"M{x:.1f} {y(i) + 0.5:.1f}h{wide}v{ROW - 1:.0f}h-{wide}z"
    parts.append(svg.element("path", d=bars, fill="currentColor", fill_opacity="0.22"))
    for t, (kind, i, _) in enumerate(made):
        x = SIDE + column * (t + 0.5)
        discs[kind] += (
            f"M{x - 3.6:.1f} {y(i) + ROW / 2:.1f}a3.6 3.6 0 1 0 7.2 0a3.6 3.6 0 1 0-7.2 0z"
        )
    parts += [
        svg.element("path", d=discs[kind], stroke_width="1.8", **look)
        for kind, look in MARKS.items() if discs[kind]
    ]  # fmt: skip
    return parts + _memory(made, y(-1) + 6, room, column)


def _memory(made: Sequence[Call], top: float, room: float, column: float) -> list[str]:
    """Draw how many inputs are kept at each call: its number, on it a column as high as they are.

    Those at the peak are dark. In narrow columns, a number stands only where it changes.
    """
    peak, ground = _peak(made), top + room
    columns, counts = {True: "", False: ""}, []
    before = 0
    for t, (_, _, kept) in enumerate(made):
        x, tall = SIDE + column * t, f"{UNIT * len(kept):.0f}"
        columns[len(kept) == peak] += (
            f"M{x + 1:.1f} {ground:.0f}v-{tall}h{column - 1.5:.1f}v{tall}z"
        )
        bold = 700 if len(kept) == peak and column == COLUMN else None
        # In narrow columns, the numbers would run together.
        if column == COLUMN or len(kept) != before:
            counts.append(svg.element("text", str(len(kept)), x=x + column / 2, y=ground + 14,
                                      font_weight=bold))  # fmt: skip
        before = len(kept)
    return [
        *(svg.element("path", d=d, fill="currentColor", fill_opacity=strong)
          for d, strong in zip(columns.values(), ("0.75", "0.4"), strict=True)),
        svg.element("g", *counts, fill="currentColor"),
        svg.text(SIDE - 2, ground + 14, "kept", text_anchor="end"),
    ]  # fmt: skip


def _peak_line(made: Sequence[Call], top: float, room: float) -> list[str]:
    """Draw the height of the peak; its words stand above the line, or below it without room."""
    y = top + room - UNIT * _peak(made)
    foot = y - 5 if y - top > 12 else y + 15
    end, words = svg.WIDTH - 2, f"peak: {_peak(made)} kept"
    return [
        svg.element("path", d=f"M{SIDE:.0f} {y:.0f}H{end}", stroke="currentColor",
                    stroke_dasharray="3 3"),
        svg.text(end, foot, words, text_anchor="end", font_weight=600),
    ]  # fmt: skip


def _key(y: float) -> list[str]:
    parts = [svg.element("rect", x=SIDE, y=y - 10, width=20, height=ROW - 1, fill="currentColor",
                         fill_opacity="0.22"),
             svg.text(SIDE + 25, y, "input kept", text_anchor="start")]  # fmt: skip
    for (_, look), name, x in zip(
        MARKS.items(), ("evaluate", "again", "backward"), (148, 236, 300), strict=True
    ):
        parts.append(svg.element("circle", cx=x, cy=y - 5, r=3.6, stroke_width="1.8", **look))
        parts.append(svg.text(x + 9, y, name, text_anchor="start"))
    return parts


def _call(made: Sequence[Call]) -> str:
    """Say what happens at a call; there is none once a gradient is done."""
    if not made:
        return "done"
    [(kind, i, kept)] = made
    if kind == "b":
        return f"the error comes back through layer {i + 1}, whose input is then freed"
    what = f"layer {i + 1} is evaluated" + (" again" if kind == "again" else "")
    return f"{what}, its input is " + ("kept" if i in kept else "not kept")


def _told(name: str, made: Sequence[Call]) -> str:
    words = {"f": "evaluate", "again": "evaluate again", "b": "backward"}
    said = ", ".join(f"{words[kind]} {i + 1}" for kind, i, _ in made)
    return f"{name}: {said}; inputs kept at each: {' '.join(str(len(k)) for *_, k in made)}"


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
        By the inputs that are kept. The first one, with all, stays as an outline in the others.
    prices : mapping of int to float
        The products of matrices of each, as a multiple of those of the first.
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
    all_kept = [
        svg.element("rect", x=337, y=FOOT + 47, width=12, height=12, fill="none",
                    stroke="currentColor", stroke_opacity="0.5"),
        svg.text(354, FOOT + 58, "all kept", text_anchor="start"),
    ]  # fmt: skip
    frames = []
    for (kept, run), caption in zip(runs.items(), captions, strict=True):
        peak = arrays(run.peak, unit)
        more = f"{100 * prices[kept] - 100:.0f} % more products"
        words = f"{kept} inputs kept", f"{run.forwards} evaluations", more
        high = FOOT - HIGH * peak
        said = [
            svg.text(svg.WIDTH - 2, 58 + 20 * k, text, text_anchor="end",
                     font_weight=400 if k else 600)
            for k, text in enumerate(words)
        ]  # fmt: skip
        said.append(svg.text(svg.WIDTH - 2, high - 5, f"peak: {kept} + {peak - kept} arrays",
                             text_anchor="end", font_weight=600))  # fmt: skip
        outline = [] if run is first else [_outline(first, unit, wide, "0.5"), *all_kept]
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


def still(
    name: str,
    moments: Sequence[Moment],
    labelled: Sequence[int],
    title: str,
    tasks: Mapping[tuple[int, int], str],
) -> Drawing:
    """Draw all calls of one gradient like those of :func:`timeline`, in one picture.

    The words of ``tasks`` stand beside a bracket over the layers, from the first to the last: on
    the right after the last backward pass of these, or else on the left of the first evaluation
    that repeats one of them.
    """
    made, n = calls(moments), len(moments)
    column = min(COLUMN, (svg.WIDTH - 4 - SIDE) / len(made))
    room = UNIT * _peak(made) + 20
    foot = HEAD + ROW * n + room + 28
    parts = [
        *_panel(name, made, labelled, 0, room, column),
        *(
            part
            for layers, words in tasks.items()
            for part in _task(made, layers, words, n, column)
        ),
        *_peak_line(made, HEAD + ROW * n + 6, room),
        *_key(foot + 12),
    ]
    return drawing(title, foot + 20, _told(name, made), *parts)


def _task(
    made: Sequence[Call], layers: tuple[int, int], words: str, n: int, column: float
) -> list[str]:
    first, last = layers
    here = [t for t, (kind, i, _) in enumerate(made) if first <= i <= last and kind != "f"]
    after = here[-1] < len(made) - 1
    x = SIDE + column * (here[-1] + 1) + 5 if after else SIDE + column * here[0] - 5
    out, anchor = (5, "start") if after else (-5, "end")
    top, high = HEAD + ROW * (n - 1 - last) + 1, ROW * (last - first + 1) - 2
    if not after:
        high -= ROW  # above the bar of the network's input
    line = f"M{x - out:.1f} {top:.0f}h{out}v{high:.0f}h{-out}"
    return [
        svg.element("path", d=line, fill="none", stroke="currentColor"),
        svg.text(x + 1.4 * out, top + high / 2 + 5, words, text_anchor=anchor),
    ]


def exchange(
    runs: Mapping[str, Sequence[tuple[int, int]]],
    fewest: Sequence[tuple[int, int]],
    named: Sequence[tuple[int, int]],
    title: str,
    dense: Sequence[tuple[int, int]],
) -> Drawing:
    """Draw how many evaluations schedules take against the inputs that they keep.

    Parameters
    ----------
    runs : mapping of str to sequence of (int, int)
        Kept inputs and evaluations of schedules that were run, by kind.
    fewest : sequence of (int, int)
        The fewest for each number of kept inputs, drawn as a line.
    named : sequence of (int, int)
        Points at which both numbers are written.
    title : str
        What the picture shows, for those who do not see it.
    dense : sequence of (int, int)
        The fewest evaluations of dense layers alone, drawn as a dashed line.
    """
    from backprop.book.figures.plots import COLORS, INK

    fig, ax = pyplot().subplots(figsize=(4.6, 2.8))
    ax.plot(*zip(*fewest, strict=True), "-", color=INK, linewidth=1, label="fewest possible")
    looks = zip((COLORS[0], COLORS[2], COLORS[1]), ("o", "s", "^"), (10, 6, 6), strict=True)
    for (name, found), (color, mark, width) in zip(runs.items(), looks, strict=True):
        ax.plot(*zip(*found, strict=True), linestyle="", marker=mark, color=color,
                markersize=width, markeredgewidth=1.5, label=name, clip_on=False,
                markerfacecolor="none" if width > 6 else color)  # fmt: skip
    (most_kept, _) = max(fewest)
    for kept_inputs, count in named:
        # Words above the straight part of the line, and else beside it.
        place, side = ((4, 12), "right") if kept_inputs > 40 else ((10, 4), "left")
        if kept_inputs < 40 and kept_inputs + count == 2 * most_kept:
            place, side = (5, 9), "left"
        ax.annotate(f"{kept_inputs} inputs: {count}", (kept_inputs, count), place,
                    textcoords="offset points", color=INK, ha=side, fontsize=11)  # fmt: skip
    ax.plot(*zip(*dense, strict=True), "--", color=INK, linewidth=1, label="fewest of dense layers")
    ax.set(xlabel="kept inputs", xlim=(0, 68), xticks=range(0, 61, 20))
    ax.set(ylabel="evaluations", ylim=(0, 1.08 * max(count for _, count in fewest)))
    ax.grid(axis="x", visible=False)
    ax.legend(loc="upper right")
    return plotted(fig, title)


# Where the cuts are, and which layers run again.

CELL, STRIP = 22.0, 90.0
"""Width of a layer, and height of a strip with its words."""
FILLS = [{"fill": "currentColor", "fill_opacity": opacity} for opacity in ("0.7", "0.15")]
"""How the two kinds of layers are filled; the first layer is of the first, and they take turns."""


def strips(ways: Mapping[str, Sequence[int]], title: str, kinds: tuple[str, str]) -> Drawing:
    """Draw layers of two kinds in turn as one strip for each way to cut them.

    Beside each stands what it keeps and repeats, counted from the schedule.

    Parameters
    ----------
    ways : mapping of str to sequence of int
        The lengths of the segments, the first layers' first, by the words above the strip.
    title : str
        What the picture shows, for those who do not see it.
    kinds : tuple of str
        The two kinds; only a layer of the first takes a product.
    """
    parts, told = [], []
    for k, (name, lengths) in enumerate(ways.items()):
        made = calls(chains.moments(chains.cut_into(lengths), sum(lengths)))
        again = [i for kind, i, _ in made if kind == "again"]
        words = (
            f"{_peak(made)} inputs kept",
            f"{_evaluations(made)} evaluations",
            f"{sum(i % 2 == 0 for i in again)} products again",
        )
        parts += _strip(name, lengths, again, words, STRIP * k)
        cuts = ", ".join(map(str, accumulate(lengths[:-1])))
        told.append(f"{name}: cuts after the layers {cuts}; {', '.join(words)}")
    y = STRIP * len(ways)
    for kind, look, x in zip(kinds, FILLS, (0, 78), strict=True):
        parts.append(svg.element("rect", x=x, y=y, width=14, height=14, **look))
        parts.append(svg.text(x + 20, y + 12, kind, text_anchor="start"))
    parts.append(_cut(155, y - 3, 20))
    parts.append(svg.text(163, y + 12, "cut", text_anchor="start"))
    parts.append(svg.element("circle", cx=212, cy=y + 7, r=4.5, stroke_width="1.8",
                             **MARKS["again"]))  # fmt: skip
    parts.append(svg.text(222, y + 12, "again", text_anchor="start"))
    return drawing(title, y + 22, "; ".join(told), *parts)


def _strip(
    name: str, lengths: Sequence[int], again: Sequence[int], words: Sequence[str], top: float
) -> list[str]:
    parts = [svg.text(0, top + 14, name, text_anchor="start", font_weight=600)]
    for i in range(sum(lengths)):
        x, look = CELL * i, FILLS[i % 2]
        parts.append(svg.text(x + CELL / 2, top + 36, str(i + 1)))
        parts.append(svg.element("rect", x=x + 2, y=top + 42, width=CELL - 4, height=20, **look))
        if i in again:
            parts.append(svg.element("circle", cx=x + CELL / 2, cy=top + 73, r=4.5,
                                     stroke_width="1.8", **MARKS["again"]))  # fmt: skip
    parts += [_cut(CELL * at, top + 38, 42) for at in accumulate(lengths[:-1])]
    end = CELL * sum(lengths) + 14
    return parts + [
        svg.text(end, top + 36 + 20 * k, said, text_anchor="start", font_weight=400 + 100 * k)
        for k, said in enumerate(words)
    ]


def _cut(x: float, top: float, high: float) -> str:
    return svg.element("path", d=f"M{x:.0f} {top:.0f}v{high:.0f}", stroke=svg.BACKWARD,
                       stroke_width="2.5")  # fmt: skip
