"""The figures of the chapter on a small language model: a sentence, and the model's parts.

Blue is forward, orange is backward, as everywhere in the book.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing

BLUE, ORANGE, INK = svg.FORWARD, svg.BACKWARD, "currentColor"
A_LINE = 16
"""Letters in a line of :func:`sentence`: as large as a phone can show."""
NAMED = 19
"""Size of these letters."""
TALLEST, PITCH = 50, 144
"""Of a bar, and from line to line."""
APART = 1
"""Bits by which two costs differ that are written below their bars."""


def seen(letter: str) -> str:
    """Return a letter, a low dot for a space, and an arrow for a new line."""
    return {" ": "·", "\n": "↵"}.get(letter, letter)


def sentence(data: Mapping[str, Any], title: str) -> Drawing:
    """Draw a sentence, under each letter the likeliest one, and its cost for two models.

    Parameters
    ----------
    data : mapping
        As ``backprop.book.reading.stored()`` returns it.
    title : str
        What the picture shows, for those who do not see it.
    """
    text = data["text"]
    costs, counted = ([math.log2(1 / p) for p in data[name]] for name in ("came", "counted"))
    across, unit = (svg.WIDTH - 8) / A_LINE, TALLEST / max(costs + counted)
    wide = across / 2 - 2
    parts = [svg.text(4, 15, "text", text_anchor="start", font_weight=600)]
    parts += [
        svg.text(52, 15, "the network's guess", BLUE, text_anchor="start", font_weight=600),
        svg.text(222, 15, "its bits", ORANGE, text_anchor="start", font_weight=600),
        svg.text(416, 15, "the counts' bits", text_anchor="end", font_weight=600),
    ]
    top = 20.0
    for k, letter in enumerate(text):
        x, y = 4 + (k % A_LINE + 0.5) * across, top + k // A_LINE * PITCH
        guess, p = data["letters"][k][0], data["p"][k][0]
        right = guess == letter
        parts += [
            svg.text(x, y + 22, seen(letter), font_size=NAMED, font_weight=700),
            svg.element("rect", x=x - across / 2 + 1, y=y + 30, width=across - 2, height=26, rx="3",
                        fill=BLUE, fill_opacity=f"{0.62 * p:.2f}", stroke=INK,
                        stroke_width="1.8" if right else "0"),
            svg.text(x, y + 49, seen(guess), font_size=NAMED, font_weight=700 if right else 400),
        ]  # fmt: skip
        base = y + 62
        for cost, left, paint, opacity in (
            (costs[k], x - wide, ORANGE, "1"), (counted[k], x, INK, "0.6")
        ):  # fmt: skip
            parts.append(
                svg.element("rect", x=left, y=base, width=wide, fill=paint, opacity=opacity,
                            height=float(max(cost * unit, 0.8)))
            )  # fmt: skip
        if abs(costs[k] - counted[k]) > APART:
            foot = base + 15 + max(costs[k], counted[k]) * unit
            parts += [
                svg.text(x, foot, f"{costs[k]:.1f}", ORANGE, font_weight=600),
                svg.text(x, foot + 14, f"{counted[k]:.1f}"),
            ]
    said = "; ".join(
        f"{seen(letter)}: {data['p'][k][0]:.2f} for {seen(data['letters'][k][0])}, "
        f"{costs[k]:.1f} bits, by counting {counted[k]:.1f}"
        for k, letter in enumerate(text)
    )
    lines = -(-len(text) // A_LINE)
    return drawing(title, top + lines * PITCH, said, *parts)


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


SHAPES = {"batch": 16, "length": 64, "width": 64, "letters": 70, "heads": 4, "hidden": 160}
"""Of the model that :func:`whole` draws."""


def whole(title: str, read: str, p: Sequence[float]) -> Drawing:
    """Draw the whole model from above, with the shapes on the left and parameters on the right.

    Parameters
    ----------
    title : str
        What the picture shows, for those who do not see it.
    read : str
        A passage, whose last letter is only predicted.
    p : sequence of float
        The probability that the model gives to each of its letters after the first.
    """
    batch, length, d, n, _, hidden = SHAPES.values()
    road, left, right, top = 156.0, 2.0, 418.0, 22.0
    table, attention, gated = n * d, 4 * d * d + 4 * d, 3 * d * hidden
    parts = []

    def row(y: float, shape: str, what: str = "") -> None:
        if what:
            parts.append(svg.text(left, y + top, what, text_anchor="start", font_weight=600))
            y += svg.LINE
        parts.append(svg.text(left, y + top, shape, BLUE, text_anchor="start"))

    def count(y: float, words: str, weight: int = 400) -> None:
        parts.append(svg.text(right, y + top, words, text_anchor="end", font_weight=weight))

    def arrow(x1: float, y1: float, x2: float, y2: float, paint: str, thick: str) -> None:
        parts.append(_arrow((x1, y1 + top), (x2, y2 + top), paint, thick))

    def spelled(y: float, letters: Sequence[str], paint: str = INK, **attributes: Any) -> None:
        for k, letter in enumerate(letters):
            x = right - (len(letters) - k - 0.5) * (right - 176) / len(letters)
            parts.append(svg.text(x, y + top, letter, paint, **attributes))

    # The way that is never left, and beside it that of the error.
    for y1, y2 in ((4, 30), (66, 119), (139, 199), (219, 252), (284, 312), (348, 376)):
        arrow(road, float(y1), road, float(y2), BLUE, "3")
    for y1, y2 in ((376, 348), (312, 284), (252, 66)):
        arrow(road - 17, float(y1), road - 17, float(y2), ORANGE, "3")
    # The branches: each leaves the way, and comes back to be added.
    for y, lines in ((88.0, ("norm", "attention")), (168.0, ("norm", "gated layer"))):
        arrow(road, y + 8, 214, y + 8, BLUE, "2")
        arrow(214, y + 18, road - 14, y + 18, ORANGE, "2")
        arrow(214, y + 38, road + 10, y + 38, BLUE, "2")
        arrow(road + 8, y + 47, 214, y + 47, ORANGE, "2")
        parts += [_box(214, y + top, 104, 50, *lines), _plus(road, y + 41 + top)]
    parts.append(
        svg.element("rect", x=122.0, y=78 + top, width=206.0, height=148.0, rx="8", fill="none",
                    stroke=INK, stroke_width="1", stroke_dasharray="4 4", opacity="0.6")
    )  # fmt: skip
    # One table, in both places.
    corners = " ".join(
        f"{x},{y + top:.0f}" for x, y in ((212, 44), (343, 44), (343, 328), (212, 328))
    )
    parts.append(
        svg.element("polyline", points=corners, fill="none", stroke=INK, stroke_width="1.4",
                    stroke_dasharray="2 4")
    )  # fmt: skip
    # The share of scoring, from the scores back to the table that was read.
    corners = " ".join(
        f"{x},{y + top:.0f}" for x, y in ((212, 318), (335, 318), (335, 56), (222, 56))
    )
    parts.append(
        svg.element("polyline", points=corners, fill="none", stroke=ORANGE, stroke_width="2.5")
    )
    arrow(224, 56, 212, 56, ORANGE, "2.5")
    parts += [_box(100, 30 + top, 112, 36, "table W"), _box(121, 252 + top, 70, 32, "norm")]
    parts.append(_box(100, 312 + top, 112, 36, "table Wᵀ"))
    row(-4, f"({batch}, {length})", "letters")
    row(84, f"({batch}, {length}, {d})", "vectors")
    parts += [
        svg.text(left, 148 + top + k * svg.LINE, words, text_anchor="start", font_weight=600)
        for k, words in enumerate(("a block,", "three times"))
    ]
    row(342, f"({batch}, {length}, {n})", "scores")
    count(20, "parameters", 600)
    count(37, f"{n} · {d} = {table:,}")
    for y, layer in ((88, attention), (168, gated)):
        count(y + 21, f"{d}")
        count(y + 21 + svg.LINE, f"{layer:,}")
    count(226, "all × 3", 600)
    count(273, f"{d}")
    for y, words in ((298, "share of"), (298 + svg.LINE, "scoring")):
        parts.append(svg.text(right, y + top, words, ORANGE, text_anchor="end", font_weight=600))
    count(344, "the same table")
    block = 2 * d + attention + gated
    total = table + 3 * block + d
    count(362, f"in all {total:,}", 600)
    # A passage, and under each letter the one that comes next.
    spelled(-4, [seen(letter) for letter in read[:-1]], font_size=NAMED, font_weight=700)
    for y, words, paint in ((400, "what comes next", INK), (422, "its probability", BLUE),
                            (442, "its bits", ORANGE)):  # fmt: skip
        parts.append(svg.text(left, y + top, words, paint, text_anchor="start", font_weight=600))
    spelled(400, [seen(letter) for letter in read[1:]], font_size=NAMED, font_weight=700)
    spelled(422, [svg.fixed(value, 2) for value in p], BLUE)
    spelled(442, [svg.fixed(math.log2(1 / value)) for value in p], ORANGE)
    said = (
        "Letters enter the table W, whose rows run down a line to the table's transpose. In a"
        " block, which comes three times, a norm and attention branch off the line and are added"
        " to it, then a norm and a gated layer. The error runs back along the line and through the"
        " branches; the share of scoring in the table's gradient comes from the scores. Parameters:"
        f" {table:,} of the table, {attention:,} of each attention, {gated:,} of each gated layer"
        f" and {d} of each of seven norms, in all {total:,}. The letters {read[:-1]!r} enter; the"
        f" next ones {read[1:]!r} get the probabilities"
        f" {', '.join(svg.fixed(value, 2) for value in p)}."
    )
    return drawing(title, 446 + top, said, *parts)


def twice(title: str) -> Drawing:
    """Draw a table of two letters that is read and that scores, with the shares of its gradient.

    The letter a is read and b comes: the table is (1, 1 + ln 3), p is (1/4, 3/4).
    """
    rows = 84.0, 172.0
    w = 1.0, 1 + math.log(3)
    errors = 0.25, -0.25
    at_h = sum(error * entry for error, entry in zip(errors, w, strict=True))

    def said(value: float) -> str:
        return svg.fixed(value, 2)

    parts = []
    for y, name, entry, p, error in zip(
        rows, "ab", (f"{w[0]:.0f}", said(w[1])), "¼¾", ("¼", "−¼"), strict=True
    ):
        parts.append(_box(4, y - 20, 70, 40, f"{name}: {entry}"))
        parts.append(_box(268, y - 20, 84, 40, f"h · {entry}", f"= {entry}"))
        parts.append(svg.text(418, y - 4, f"p = {p}", text_anchor="end"))
        parts.append(svg.text(418, y + 15, f"error {error}", ORANGE, text_anchor="end"))
    parts.append(svg.text(39, 146, "table", font_weight=600))
    parts.append(svg.text(306, 146, "scores", font_weight=600))
    high, low = rows
    parts += [
        # The way forward, and beside it the way back.
        _arrow((74, high - 5), (141, high - 5), BLUE, "2"),
        _arrow((141, high + 5), (74, high + 5), ORANGE, "2.5"),
        _arrow((189, high - 5), (268, high - 5), BLUE, "2"),
        _arrow((268, high + 5), (189, high + 5), ORANGE, "2.5"),
        _arrow((185, high + 13), (268, low - 14), BLUE, "2"),
        _arrow((264, low - 5), (177, high + 21), ORANGE, "2.5"),
        _arrow((74, low + 6), (268, low + 6), BLUE, "2"),
        _arrow((268, low + 16), (74, low + 16), ORANGE, "2.5"),
        svg.element("polyline", points="26,64 26,26 320,26 320,56", fill="none", stroke=BLUE,
                    stroke_width="2"),
        _arrow((320, 54), (320, 64), BLUE, "2"),
        svg.element("polyline", points="306,64 306,36 40,36 40,56", fill="none", stroke=ORANGE,
                    stroke_width="2.5"),
        _arrow((40, 54), (40, 64), ORANGE, "2.5"),
        svg.disc(165, high, "h: 1", None),
    ]  # fmt: skip
    for x, y, words, paint in (
        (173, 18, "it gives a score", BLUE),
        (173, 52, f"¼ · 1 = {said(0.25)}", ORANGE),
        (108, 72, "it is read", BLUE),
        (108, 105, said(at_h), ORANGE),
        (236, 106, said(errors[0] * w[0]), ORANGE),
        (170, 143, f"−¼ · {said(w[1])}", ORANGE),
        (170, 160, f"= {said(errors[1] * w[1])}", ORANGE),
        (171, 205, f"−¼ · 1 = {said(errors[1])}", ORANGE),
    ):
        parts.append(svg.text(x, y, words, paint))
    whole = f"{said(0.25)} − {said(-at_h)} = {said(0.25 + at_h)}"
    parts.append(svg.text(4, 126, whole, ORANGE, text_anchor="start", font_weight=700))
    told = (
        f"The entry of a, 1, leads to the score of a directly and by way of h. Back to it come"
        f" {said(0.25)} from its score and {said(at_h)} from h, which is {said(errors[0] * w[0])}"
        f" from the score of a and {said(errors[1] * w[1])} from that of b. The sum is"
        f" {said(0.25 + at_h)}. The entry of b, {said(w[1])}, gets {said(errors[1])} from its"
        " score."
    )
    return drawing(title, 212, told, *parts)


def contexts(
    lengths: Sequence[int], network: Sequence[float], counted: Sequence[float], title: str
) -> Drawing:
    """Draw the bits per letter against the length of the context, for a network and for counts.

    Parameters
    ----------
    lengths : sequence of int
        In ascending order, from 1.
    network : sequence of float
        The bits of the network for each length.
    counted : sequence of float
        Those of counting, from length 1 on; lengths beyond the last are not drawn.
    title : str
    """
    left, right, high, low = 42.0, 402.0, 14.0, 232.0
    floor, ceiling = 1.5, 4.0

    def at(length: float, bits: float) -> tuple[float, float]:
        share = math.log2(length) / math.log2(lengths[-1])
        return left + share * (right - left), low - (bits - floor) / (ceiling - floor) * (
            low - high
        )

    parts = []
    for bits in (2.0, 3.0, 4.0):
        y = at(1, bits)[1]
        parts.append(svg.element("line", x1=left, x2=right, y1=y, y2=y, stroke=INK, opacity="0.2"))
        parts.append(svg.text(left - 10, y + 5, f"{bits:.0f}", text_anchor="end"))
    for length in (2**k for k in range(int(math.log2(lengths[-1])) + 1)):
        parts.append(svg.text(at(length, floor)[0], low + 16, str(length)))
    parts.append(svg.text((left + right) / 2, low + 34, "letters that the model may see"))
    parts.append(svg.text(left + 8, high + 15, "bits per character", text_anchor="start"))
    known = [n for n in lengths if n <= len(counted)]
    both = (
        (lengths, network, ORANGE, "the network", -11.0),
        (known, [counted[n - 1] for n in known], INK, "counting", 19.0),
    )
    for places, values, paint, name, shift in both:
        dots = [at(n, bits) for n, bits in zip(places, values, strict=True)]
        faint = "0.7" if paint == INK else None
        parts.append(
            svg.element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in dots),
                        fill="none", stroke=paint, stroke_width="2.5", opacity=faint)
        )  # fmt: skip
        parts += [
            svg.element("circle", cx=x, cy=y, r="4", fill=paint, opacity=faint) for x, y in dots
        ]
        for n, (x, y), bits in zip(places, dots, values, strict=True):
            if n in NUMBERED:
                aside = 6.0 if shift < 0 else -6.0
                inner = aside if n < 8 else 0.0
                parts.append(
                    svg.text(x + inner, y + shift, svg.fixed(bits, 2), paint, font_weight=600,
                             text_anchor="middle" if not inner else
                             "start" if inner > 0 else "end")
                )  # fmt: skip
        x, y = at(3.2, 2.7) if paint == ORANGE else at(1, 2.25)
        parts.append(svg.text(x, y, name, paint, text_anchor="start", font_weight=700))
    said = "; ".join(
        f"{n}: {bits:.2f}" + (f" and {counted[n - 1]:.2f}" if n in known else "")
        for n, bits in zip(lengths, network, strict=True)
    )
    return drawing(title, low + 40, f"Bits of the network, and of counting: {said}", *parts)


NUMBERED = (2, 4, 16, 64)
"""Lengths at which :func:`contexts` writes the bits."""
COLUMNS = 50
"""Letters in a line of :func:`stages`."""


def stages(rows: Sequence[Mapping[str, Any]], title: str, counted: float) -> Drawing:
    """Set what a model writes after so many steps, and draw its bits per letter as bars.

    Parameters
    ----------
    rows : sequence of mapping
        As ``backprop.book.stages.stored()`` has them.
    title : str
    counted : float
        The bits that counting needs, for the last bar.
    """
    parts, y, said = [], 0, []
    unit = 116 / max(row["bits"] for row in rows)

    def bar(words: str, bits: float, paint: str, name: str) -> str:
        score = f"{svg.fixed(bits, 2)} bits"
        parts.append(svg.text(4, y, words, name, text_anchor="start", font_weight=600))
        parts.append(
            svg.element("rect", x=206.0, y=y - 11.0, width=float(bits * unit), height=11.0,
                        fill=paint, opacity="0.6" if paint == INK else None)
        )  # fmt: skip
        parts.append(svg.text(418, y, score, paint, text_anchor="end", font_weight=600))
        return score

    for row in rows:
        y += 19
        step = f"{row['step']:,} steps of training" if row["step"] else "before the training"
        score = bar(step, row["bits"], ORANGE, BLUE)
        for line in wrapped(row["text"], COLUMNS):
            y += 18
            parts.append(svg.text(4, y, line, text_anchor="start"))
        y += 11
        said.append(f"{step}, {score}: {row['text']}")
    y += 22
    said.append(f"Counting, without a network: {bar('counting, no network', counted, INK, INK)}.")
    return drawing(title, y + 5, " ".join(said), *parts)


def wrapped(text: str, columns: int) -> list[str]:
    """Break a text between words, and long words where the line ends; a new line is shown as ¶."""
    return textwrap.wrap(text.replace("\n", " ¶ "), columns)


def kinds(
    names: Sequence[str], counted: Sequence[float], others: Mapping[str, Any], title: str
) -> Drawing:
    """Draw by how much models need more or fewer bits than counting, at each kind of letter.

    Parameters
    ----------
    names : sequence of str
        Of the kinds.
    counted : sequence of float
        The bits of counting for each kind.
    others : mapping of str to array, shape (runs, kinds)
        By a model's name, its bits in each run: the bar shows the mean, a line the runs.
    title : str
    """
    zero, unit, tall, pitch = 208.0, 500.0, 12.0, 16.0
    parts, said, y = [], [], 14.0
    parts.append(svg.text(zero - 8, y, "← fewer bits than K.–N.", text_anchor="end"))
    parts.append(svg.text(zero + 8, y, "more bits →", text_anchor="start"))
    parts.append(svg.text(418, y, "bits", text_anchor="end", font_weight=600))
    for k, (name, bits) in enumerate(zip(names, counted, strict=True)):
        y += 20
        parts.append(svg.text(4, y, name, text_anchor="start", font_weight=700))
        parts.append(svg.text(418, y, f"K.–N. {svg.fixed(bits, 2)}", text_anchor="end"))
        foot = y + len(others) * pitch + 4
        parts.append(
            svg.element("line", x1=zero, x2=zero, y1=y + 5, y2=foot, stroke=INK, stroke_width="1.5")
        )
        told = []
        for model, runs in others.items():
            y += pitch
            more = runs[:, k] - bits
            low, mean, high = more.min(), more.mean(), more.max()
            paint = INK if model == "pool" else BLUE if model == "mixture" else ORANGE
            parts.append(svg.text(4, y, model, paint, text_anchor="start"))
            parts.append(
                svg.element("rect", x=zero + min(mean, 0) * unit, y=y - tall + 2, height=tall,
                            width=abs(mean) * unit, fill=paint, opacity="0.6")
            )  # fmt: skip
            if high > low:
                parts.append(
                    svg.element("line", x1=zero + low * unit, x2=zero + high * unit, y1=y - 4.5,
                                y2=y - 4.5, stroke=INK, stroke_width="2")
                )  # fmt: skip
            parts.append(svg.text(418, y, svg.fixed(mean + bits, 2), paint, text_anchor="end"))
            told.append(f"{model} {mean + bits:.2f}")
        said.append(f"{name}: counting {bits:.2f}, {', '.join(told)}")
    return drawing(title, y + 8, "; ".join(said), *parts)
