"""The figures of the chapters on attention: where questions look, and how errors flow back.

Blue is forward and orange is backward in all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, computed
from backprop.book.lookup import ALPHABET, LETTERS, Look

Place = tuple[float, float]

# Where questions look while a network learns.

THICK = 14.0
"""Width of the line of a weight of 1."""
HIGH = 28.0
"""Of a token."""


def arcs(
    tokens: Sequence[str], told: Mapping[int, int], seen: Sequence[Look], captions: Sequence[str]
) -> list[Frame]:
    """Return a frame for each look at a network that learns: arcs as thick as the weights.

    Parameters
    ----------
    tokens : sequence of str
        In the order of the sequence: "b=7" or "b?".
    told : mapping of int to int
        The place of each question, and that of its match, the token that tells its digit.
    seen : sequence of Look
        What the network does at each look.
    captions : sequence of str
        What each frame shows.
    """
    looks = zip(seen, captions, strict=True)
    return [_arcs(tokens, told, look, words) for look, words in looks]


def _arcs(tokens: Sequence[str], told: Mapping[int, int], look: Look, caption: str) -> Frame:
    row = 224.0
    foot = row + HIGH
    places, parts, words = _looks(tokens, told, look.P, 2, row)
    parts += _read(places, tokens, told, look, foot + 44)
    for t, digit in zip(told, look.said, strict=True):
        words.append(f"at {tokens[t]} the network says {digit}")
    return _frame(foot + 76, caption, words, parts)


def _read(
    places: Sequence[float], tokens: Sequence[str], told: Mapping[int, int], look: Look, top: float
) -> list[str]:
    """Write two rows from ``top`` on: the weight on each match, and what the network says."""
    parts = [
        svg.text(2, top, "weight on the match", text_anchor="start"),
        svg.text(2, top + 22, "the network says", text_anchor="start"),
    ]
    for (t, at), digit in zip(told.items(), look.said, strict=True):
        right = tokens[at].endswith(f"={digit}")
        parts.append(svg.text(places[t], top, f"{look.P[t, at]:.2f}", svg.FORWARD))
        parts.append(svg.text(
            places[t], top + 22, f"{digit} {'✓' if right else '✗'}",
            svg.FORWARD if right else "currentColor", font_weight=600,
        ))  # fmt: skip
    return parts


def _frame(height: float, caption: str, words: Sequence[str], parts: Sequence[str]) -> Frame:
    markup = svg.picture(svg.WIDTH, height, caption, "; ".join(words), *parts)
    return computed(markup, caption)


def _looks(
    tokens: Sequence[str],
    told: Mapping[int, int],
    P: Array,
    left: float,
    row: float,
    rise: float = 0.43,
) -> tuple[list[float], list[str], list[str]]:
    """Draw the tokens from ``left`` on, below ``row``, and an arc for each weight of a question.

    Arcs are higher by ``rise`` times the distance of their ends.

    Returns
    -------
    places : list of float
        The middle of each token.
    parts, words : list of str
        Markup, and what it shows.
    """
    pitch = (svg.WIDTH - 2 - left) / len(tokens)
    places = [left + pitch * (k + 0.5) for k in range(len(tokens))]
    elsewhere: list[str] = []
    matches: list[str] = []
    words = []
    for t, at in told.items():
        for s in range(t):
            paint = svg.FORWARD if s == at else "currentColor"
            (matches if s == at else elsewhere).append(
                _arc((places[t], places[s]), row, float(P[t, s]), paint, rise)
            )
        elsewhere.append(_loop(places[t], row + HIGH, float(P[t, t])))
        words.append(f"{tokens[t]} looks at {tokens[at]} with the weight {P[t, at]:.2f}")
    parts = [
        svg.text(2, 15, "the thicker the line, the larger the weight", text_anchor="start"),
        svg.text(2, 34, "on the match", svg.FORWARD, text_anchor="start", font_weight=600),
        svg.text(132, 34, "anywhere else", text_anchor="start", opacity="0.7"),
        *elsewhere, *matches,
    ]  # fmt: skip
    for k, (token, x) in enumerate(zip(tokens, places, strict=True)):
        parts.append(svg.element(
            "rect", x=x - pitch / 2 + 3, y=row, width=pitch - 6, height=HIGH, rx="5",
            fill=svg.GROUND, stroke="currentColor", stroke_width="2" if k in told else "1",
        ))  # fmt: skip
        parts.append(svg.text(x, row + 19, token, font_weight=600 if k in told else 400))
    return places, parts, words


def _arc(ends: Place, row: float, weight: float, paint: str, rise: float) -> str:
    start, end = ends
    high = 18 + rise * (start - end)
    y, peak = svg.fixed(row), svg.fixed(row - high * 4 / 3)
    x1, x2 = svg.fixed(start), svg.fixed(end)
    return _line(f"M{x1} {y}C{x1} {peak} {x2} {peak} {x2} {y}", weight, paint)


def _loop(x: float, foot: float, weight: float) -> str:
    y, low = svg.fixed(foot), svg.fixed(foot + 26)
    x1, x2 = svg.fixed(x - 11), svg.fixed(x + 11)
    return _line(f"M{x1} {y}C{x1} {low} {x2} {low} {x2} {y}", weight, "currentColor")


def _line(path: str, weight: float, paint: str) -> str:
    return svg.element(
        "path", d=path, fill="none", stroke=paint, stroke_width=THICK * weight,
        opacity="0.45" if paint == "currentColor" else None,
    )  # fmt: skip


def pushes(
    tokens: Sequence[str], told: Mapping[int, int], seen: Sequence[Look], captions: Sequence[str]
) -> list[Frame]:
    """Return the frames of :func:`arcs` with what each value says, and the error at each score.

    The arguments are those of :func:`arcs`. Both stand below their tokens. A row of errors is a
    question; a frame stands around its match, and cells whose score is to rise are filled.
    """
    looks = zip(seen, captions, strict=True)
    return [_pushes(tokens, told, look, words) for look, words in looks]


def _pushes(tokens: Sequence[str], told: Mapping[int, int], look: Look, caption: str) -> Frame:
    left, row, high = 24.0, 146.0, 25.0
    places, parts, words = _looks(tokens, told, look.P, left, row, 0.25)
    wide = places[1] - places[0]
    weights = row + HIGH + 40
    values = weights + 48
    parts += _read(places, tokens, told, look, weights)
    parts.append(svg.text(2, values, "what the value of each fact says", svg.FORWARD,
                          text_anchor="start", font_weight=600))  # fmt: skip
    for t, (token, digit) in enumerate(zip(tokens, look.alone, strict=True)):
        if t not in told:
            right = token.endswith(f"={digit}")
            parts.append(svg.text(
                places[t], values + 22, f"{digit} {'✓' if right else '✗'}",
                svg.FORWARD if right else "currentColor", font_weight=600,
            ))  # fmt: skip
            words.append(f"the value of {token} says {digit}")
    top = values + 22 + 34
    parts.append(svg.text(2, top - 9, "error at each score", svg.BACKWARD,
                          text_anchor="start", font_weight=600))  # fmt: skip
    parts.append(svg.text(svg.WIDTH - 3, top - 9, "filled: negative, so it is to rise",
                          text_anchor="end"))  # fmt: skip
    for k, (t, at) in enumerate(told.items()):
        y = top + high * k
        parts.append(svg.text(2, y + 18, tokens[t], text_anchor="start", font_weight=600))
        for j in range(t + 1):
            error = float(look.dS[t, j])
            rises = error <= -0.005
            parts.append(svg.element(
                "rect", x=places[j] - wide / 2 + 1, y=y + 1, width=wide - 2, height=high - 2,
                fill=svg.BACKWARD if rises else "none", fill_opacity="0.2" if rises else None,
                stroke=svg.FORWARD if j == at else None, stroke_width="2" if j == at else None,
            ))  # fmt: skip
            parts.append(svg.text(places[j], y + 18, _two(error), svg.BACKWARD))
        errors = ", ".join(f"{tokens[j]} {_two(float(look.dS[t, j]))}" for j in range(t + 1))
        words.append(f"from {tokens[t]}, the scores receive: {errors}")
    return _frame(top + high * len(told) + 4, caption, words, parts)


def _two(number: float) -> str:
    """Write a number with two decimals, and no sign before 0.00."""
    return f"{number:.2f}".replace("-0.00", "0.00").replace("-", "−")


def compared(panels: Mapping[str, Array], title: str) -> Drawing:
    """Draw W_q W_kᵀ/√d for all pairs of letters: blue entries raise a score, gray ones lower it.

    A row is a letter that asks, and a column one that is told.

    Parameters
    ----------
    panels : mapping of str to array, shape (WIDTH, WIDTH)
        By what stands above it. The strongest color is that of the largest entry of two letters.
    title : str
        What the picture shows, for those who do not see it.
    """
    side, top = 20.0, 44.0
    pairs = {name: M[:LETTERS, :LETTERS] for name, M in panels.items()}
    largest = max(float(abs(M).max()) for M in pairs.values())
    parts, foot = [], top + side * LETTERS
    for k, (name, M) in enumerate(pairs.items()):
        left = 36 + 214.0 * k
        parts.append(svg.text(left + side * LETTERS / 2, 16, name, font_weight=600))
        for (i, j), entry in np.ndenumerate(M):
            at = left + side * j, top + side * i
            parts.append(_shade(at, (side, side), float(entry) / largest))
        for i, word in enumerate(ALPHABET):
            parts.append(svg.text(left - 12, top + side * (i + 0.5) + 5, f"{word}?"))
            parts.append(svg.text(left + side * (i + 0.5), top - 6, word))
        parts.append(svg.element(
            "rect", x=left, y=top, width=side * LETTERS, height=side * LETTERS, fill="none",
            stroke="currentColor", stroke_width="0.8", stroke_opacity="0.6",
        ))  # fmt: skip
    foot += 14  # the scale
    for k, marked in enumerate(range(-2, 5)):
        at = 104 + 32.0 * k, foot
        parts.append(_shade(at, (32.0, 14.0), marked / largest))
        parts.append(svg.text(at[0] + 16, foot + 30, f"{marked}".replace("-", "−")))
    words = "; ".join(
        f"{name}: the entries of equal letters are {M.diagonal().min():.1f} to"
        f" {M.diagonal().max():.1f}"
        for name, M in pairs.items()
    )
    return drawing(title, foot + 36, words, *parts)


def _shade(at: Place, size: Place, share: float) -> str:
    """Draw a cell, blue if the share is positive and gray if not, the stronger the larger it is."""
    return svg.element(
        "rect", x=at[0], y=at[1], width=size[0], height=size[1],
        fill=svg.FORWARD if share > 0 else "currentColor",
        fill_opacity=f"{min(abs(share), 1):.2f}",
    )  # fmt: skip


def heads(
    tokens: Sequence[str],
    panels: Mapping[str, tuple[Array, Sequence[int]]],
    wanted: Sequence[int],
    title: str,
    entries: ArrayLike | None = None,
) -> Drawing:
    """Draw where the last token looks with each head: arcs, and what each mean is made of.

    Its weight on itself is a loop.

    Parameters
    ----------
    tokens : sequence of str
        In the order of the sequence; the last one asks.
    panels : mapping of str to (weights, digits)
        By the network's name: the last row of P for each head, shape (heads, n), and the digits
        that the network names, if it names any.
    wanted : sequence of int
        The digits that are right.
    title : str
        What the picture shows, for those who do not see it.
    entries : array, shape (n + 1, width), optional
        Stand below the tokens, cut into a block for each head: the keys, and then the query of the
        last token.
    """
    pitch, high, left = 66.0, 66.0, 86.0
    box = (63.0 if max(map(len, tokens)) > 5 else 50.0, 28.0)
    places = [left + pitch * (k + 0.5) for k in range(len(tokens))]
    parts, words, top = [], [], 0.0
    for name, (weights, said) in panels.items():
        row = top + 30 + high
        pairs = zip(said, wanted, strict=True)
        answer = " and ".join(f"{digit} {'✓' if digit == right else '✗'}" for digit, right in pairs)
        header = f"{name}: says {answer}" if answer else name
        parts.append(svg.text(2, top + 16, header, text_anchor="start", font_weight=600))
        bars = row + box[1] + 12
        if entries is not None:
            keys = np.asarray(entries)
            parts += _blocks("keys", places, bars + 6, keys[:-1], len(weights))
            parts += _blocks("query", places[-1:], bars + 26, keys[-1:], len(weights))
            bars += 40
        bows: list[tuple[float, str]] = []  # the thin ones are drawn first, below the thick ones
        for k, (paint, one_head) in enumerate(zip(PAINTS, weights, strict=False)):
            for x, weight in zip(places[:-1], one_head, strict=False):
                bows.append((float(weight), _bow((places[-1], x), row, high, float(weight), paint)))
            parts.append(_ring(places[-1], row, 12 + 6.0 * k, float(one_head[-1]), paint))
            mean = "its mean" if len(weights) == 1 else f"mean {k + 1}"
            foot = bars + 30 * k
            parts.append(svg.text(2, foot + 17, mean, paint, text_anchor="start"))
            parts += _mixed((left, foot), pitch * len(tokens), tokens, one_head, paint)
        parts += [bow for _, bow in sorted(bows)]
        for k, (token, x) in enumerate(zip(tokens, places, strict=True)):
            last = k == len(tokens) - 1
            parts.append(svg.element(
                "rect", x=x - box[0] / 2, y=row, width=box[0], height=box[1], rx="5",
                fill=svg.GROUND, stroke="currentColor", stroke_width="2" if last else "1",
            ))  # fmt: skip
            parts.append(svg.text(x, row + 19, token, font_weight=600 if last else 400))
        looks = "; ".join(
            f"head {k + 1} looks most at {tokens[int(np.argmax(one_head))]}"
            for k, one_head in enumerate(weights)
        )
        words.append(f"{name}: {looks}" + (f"; it says {answer}" if answer else ""))
        top = bars + 30 * len(weights) + 22
    return drawing(title, top - 16, "; ".join(words), *parts)


def _blocks(name: str, places: Sequence[float], y: float, entries: Array, blocks: int) -> list[str]:
    """Write the entries of each key, or of the query, in as many blocks as there are heads."""
    parts = [svg.text(2, y, name, text_anchor="start")]
    for x, row in zip(places, entries, strict=True):
        for k, block in enumerate(np.split(row, blocks)):
            at = x + 34 * (k - (blocks - 1) / 2)
            weight = 600 if name == "query" else 400
            numbers = " ".join(f"{entry:g}" for entry in block)
            paint = PAINTS[k] if blocks > 1 else "currentColor"
            parts.append(svg.text(at, y, numbers, paint, font_weight=weight))
            if k:
                parts.append(svg.element(
                    "path", d=f"M{svg.fixed(at - 17)} {svg.fixed(y - 12)}v16",
                    stroke="currentColor", stroke_width="1", stroke_dasharray="3 2",
                ))  # fmt: skip
    return parts


def joined(n: int, width: int, title: str) -> Drawing:
    """Draw the way of the arrays through two heads: cut, attend, join and mix, with all shapes.

    Parameters
    ----------
    n, width : int
        How many tokens, and how many columns in all; even.
    title : str
        What the picture shows, for those who do not see it.
    """
    size, square, half = (64.0, 40.0), (56.0, 40.0), (32.0, 40.0)
    whole, sides, part = f"{n} × {width}", f"{n} × {n}", f"{n} × {width // 2}"
    start, weights, means, end = 34.0, 152.0, 238.0, 316.0
    rows, paints, middle = (64.0, 144.0), PAINTS, 104.0
    parts = [
        svg.text(x, 16, word, font_weight=600)
        for x, word in ((start, "cut"), (196.0, "attend"), (end, "join"))
    ]
    for name, y in zip("QKV", (58.0, middle, 150.0), strict=True):
        parts += _halves((start, y), size, name)
    halves = f"each {whole}, its halves {part}"
    parts.append(svg.text(2, 206, halves, text_anchor="start"))
    parts.append(svg.element(
        "path", d=f"M{svg.fixed(start + 36)} 38h5V124h-5", fill="none", stroke="currentColor",
        stroke_width="1.2",
    ))  # fmt: skip
    for k, (y, paint) in enumerate(zip(rows, paints, strict=True)):
        number = "₁₂"[k]
        parts.append(_flow((start + 42, 76 + 10 * k), (weights - 31, y), paint))
        softmax = f"softmax(Q{number}K{number}ᵀ/√{width // 2})"
        parts.append(svg.text(weights - 5, y - 26 + 64 * k, softmax, paint))
        parts.append(_framed((weights, y), square, paint))
        parts.append(svg.text(weights, y - 3, f"P{number}", paint, font_weight=600))
        parts.append(svg.text(weights, y + 15, sides, paint))
        parts.append(_flow((weights + 31, y), (means - 20, y), paint))
        parts.append(svg.text(weights + 47, y - 8, f"· V{number}", paint))
        parts.append(_framed((means, y), half, paint))
        parts.append(svg.text(means, y + 5, f"Y{number}", paint, font_weight=600))
        parts.append(svg.text(means, y + 38, part, paint))
        parts.append(_flow((means + 19, y), (end - 36, rows[0] + 8 * (2 * k - 1)), paint))
    parts += _halves((end, rows[0]), size, "Y")
    parts.append(svg.text(end + 38, rows[0] + 5, whole, text_anchor="start"))
    parts.append(_flow((end, rows[0] + 23), (end, rows[1] - 23), "currentColor"))
    for y, word in ((-3, "· Wₒ + bₒ"), (14, f"{width} × {width} and {width}")):
        parts.append(svg.text(end + 8, middle + y, word, text_anchor="start"))
    parts.append(svg.element(  # of both heads, so in the color of neither
        "rect", x=end - size[0] / 2, y=rows[1] - size[1] / 2, width=size[0], height=size[1],
        fill="none", stroke="currentColor", stroke_width="2.4",
    ))  # fmt: skip
    parts.append(svg.text(end, rows[1] + 5, "output", font_weight=600))
    parts.append(svg.text(end + 38, rows[1] + 5, whole, text_anchor="start"))
    said = (
        f"Q, K and V, each {whole}, are cut into two halves of {part}. From those of each head"
        f" come its weights P, {sides}, and with its half of V its means Y, {part}. Side by side,"
        f" both means are {whole} again, and W_o and b_o make the output of them, {whole}."
    )
    return drawing(title, 214, said, *parts)


def _halves(at: Place, size: Place, name: str) -> list[str]:
    """Draw a matrix around its middle, with a half for each head."""
    (x, y), (wide, high), parts = at, size, []
    for k, paint in enumerate(PAINTS):
        middle = x + wide / 4 * (2 * k - 1)
        parts.append(_framed((middle, y), (wide / 2, high), paint))
        parts.append(svg.text(middle, y + 5, f"{name}{'₁₂'[k]}", paint, font_weight=600))
    return parts


def _framed(at: Place, size: Place, paint: str, **look: str) -> str:
    (x, y), (wide, high) = at, size
    return svg.element(
        "rect", x=x - wide / 2, y=y - high / 2, width=wide, height=high, **look, fill=paint,
        fill_opacity="0.15", stroke=paint, stroke_width="1.2",
    )  # fmt: skip


NAMED = 0.2
"""A smaller part of a mean has no room for its name."""


def _mixed(
    at: Place, width: float, tokens: Sequence[str], weights: ArrayLike, paint: str
) -> list[str]:
    """Draw a bar whose parts are as long as the weights; the long ones say of what they are."""
    (x, y), high, parts = at, 24.0, []
    for token, weight in zip(tokens, np.asarray(weights, float), strict=True):
        wide = width * float(weight)
        parts.append(svg.element(
            "rect", x=x, y=y, width=wide, height=high, fill=paint, stroke=paint,
            stroke_width="0.8", fill_opacity="0.2" if weight >= NAMED else "0.04",
        ))  # fmt: skip
        if weight >= NAMED:
            of = token.split("=")[-1]
            parts.append(svg.text(x + wide / 2, y + 17, f"{weight:.2f} of {of}"))
        x += wide
    return parts


PAINTS = svg.FORWARD, "currentColor"
"""Of the first and of the second head."""


def _bow(ends: Place, row: float, high: float, weight: float, paint: str) -> str:
    """Draw an arc over tokens whose top lies lower, the nearer its ends are."""
    start, end = ends
    peak = svg.fixed(row - (0.3 + 0.7 * (start - end) / 270) * high * 4 / 3)
    x1, x2, y = svg.fixed(start), svg.fixed(end), svg.fixed(row)
    return svg.element(
        "path", d=f"M{x1} {y}C{x1} {peak} {x2} {peak} {x2} {y}", fill="none", stroke=paint,
        stroke_width=THICK * weight, opacity="0.75",
    )  # fmt: skip


def _ring(x: float, row: float, wide: float, weight: float, paint: str) -> str:
    """Draw a loop on the right upper corner of a token whose middle is x."""
    x1, x2, y = svg.fixed(x + 6), svg.fixed(x + 6 + wide), svg.fixed(row)
    peak, far = svg.fixed(row - 1.7 * wide), svg.fixed(x + 9 + wide)
    return svg.element(
        "path", d=f"M{x1} {y}C{x1} {peak} {far} {peak} {x2} {y}", fill="none", stroke=paint,
        stroke_width=THICK * weight, opacity="0.75",
    )  # fmt: skip


def masks(
    tokens: Sequence[str], asks: int, rows: Mapping[str, tuple[Array, int | None]], title: str
) -> Drawing:
    """Draw one row of P for each kind of mask, with hatched cells where a key is forbidden.

    Parameters
    ----------
    tokens : sequence of str
        The keys; those behind ``asks`` are forbidden.
    asks : int
        The place of the query.
    rows : mapping of str to (weights, digit)
        By what is done to the forbidden keys: the row of P, and the digit that is named, or None
        if nothing is forbidden.
    title : str
        What the picture shows, for those who do not see it.
    """
    pitch, high, left = 56.0, 30.0, 66.0
    places = [left + pitch * (k + 0.5) for k in range(len(tokens))]
    total_at = left + pitch * len(tokens) + 34
    parts, words = [_hatch()], []
    for k, (token, x) in enumerate(zip(tokens, places, strict=True)):
        parts.append(svg.text(x, 16, token, font_weight=600 if k == asks else 400))
    parts.append(svg.text(total_at, 16, "sum"))
    for k, (name, (weights, forbids)) in enumerate(rows.items()):
        y = 50 + 64.0 * k
        parts.append(svg.text(left, y - 8, name, text_anchor="start", font_weight=600))
        parts.append(svg.text(2, y + 20, tokens[asks], text_anchor="start", font_weight=600))
        for j, (x, weight) in enumerate(zip(places, weights, strict=True)):
            hidden = forbids is not None and j > asks
            fill = 0.6 * float(weight)  # so that the number on it can be read
            parts += _cell((x - pitch / 2, y), (pitch, high), fill, hidden=hidden)
            if not hidden:
                parts.append(svg.text(x, y + 20, f"{weight:.2f}"))
        parts.append(svg.text(total_at, y + 20, f"{weights.sum():.2f}", font_weight=600))
        words.append(f"{name}: " + ", ".join(f"{weight:.2f}" for weight in weights))
    return drawing(title, 50 + 64 * len(rows) - 26, "; ".join(words), *parts)


def next_words(words: Sequence[str], title: str) -> Drawing:
    """Draw a causal mask over a text in which each word asks for the next one.

    Parameters
    ----------
    words : sequence of str
        Each but the last is a query; its row has the word behind it framed.
    title : str
        What the picture shows, for those who do not see it.
    """
    left, top, pitch, high = 66.0, 46.0, 56.0, 27.0
    hatch = f"{MASKED}-next"
    parts, said = [_hatch(hatch)], []
    ends = left + pitch * len(words)
    parts.append(svg.text(left - 7, 38, "asks", text_anchor="end", font_weight=600))
    parts.append(svg.text(left + 3, 14, "may read", text_anchor="start", font_weight=600))
    parts.append(svg.element(
        "path", d=f"M{svg.fixed(left)} 21H{svg.fixed(ends)}", stroke="currentColor",
        stroke_width="1",
    ))  # fmt: skip
    parts.append(svg.text(ends + 9, 38, "predicts", text_anchor="start", font_weight=600))
    for k, word in enumerate(words):
        parts.append(svg.text(left + pitch * (k + 0.5), 38, word))
    frames = []
    for i, (word, following) in enumerate(pairwise(words)):
        y = top + high * i
        parts.append(svg.text(left - 7, y + 19, word, text_anchor="end"))
        for j in range(len(words)):
            at = left + pitch * j, y
            parts += _cell(at, (pitch, high), 0.4, hidden=j > i, hatch=hatch)
        frames.append(svg.element(
            "rect", x=left + pitch * (i + 1) + 1.5, y=y + 1.5, width=pitch - 3, height=high - 3,
            fill="none", stroke="currentColor", stroke_width="3",
        ))  # fmt: skip
        parts.append(svg.text(ends + 9, y + 19, following, text_anchor="start", font_weight=600))
        said.append(f"{word} reads {' '.join(words[: i + 1])} and predicts {following}")
    foot = top + high * (len(words) - 1)
    return drawing(title, foot + 6, "; ".join(said), *parts, *frames)


MASKED = "bp-masked"
"""The id of what fills a cell that a mask has taken out."""


def _hatch(name: str = MASKED) -> str:
    """Define what fills a masked cell; a weight of 0 that was not masked stays empty."""
    return (
        f'<defs><pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><line x1="0" y1="0" x2="0" y2="6" stroke="currentColor" '
        'stroke-width="2" stroke-opacity="0.45"/></pattern></defs>'
    )


def _cell(at: Place, size: Place, share: float, *, hidden: bool, hatch: str = MASKED) -> list[str]:
    """Draw a cell of P, filled as strongly as its weight is large, or hatched."""
    (x, y), (wide, high) = at, size
    return [svg.element(
        "rect", x=x, y=y, width=wide, height=high, stroke=svg.FORWARD, stroke_width="0.7",
        fill=f"url(#{hatch})" if hidden else svg.FORWARD,
        fill_opacity=None if hidden else f"{share:.2f}",
    )]  # fmt: skip


# One query and three keys, by hand.

ROWS = (("(1, 1)", "ln 6", 6, 10), ("(0, 1)", "ln 3", 3, 0), ("(0, 0)", "0", 1, 30))
"""Key, score, the exponential of the score, and value."""
FACTS = "c=10", "a=0", "f=30"
"""The tokens of these keys; c? asks."""
WANTED = 10


def _error(y: Fraction | int) -> Fraction:
    """Return the slope of the loss, the squared difference from what is wanted."""
    return Fraction(2 * (y - WANTED))


def by_hand(title: str) -> Drawing:
    """Draw what one query reads of three keys, and below each number the loss's slope in it."""
    total = sum(power for _, _, power, _ in ROWS)
    p = [Fraction(power, total) for _, _, power, _ in ROWS]
    y = sum(weight * value for weight, (*_, value) in zip(p, ROWS, strict=True))
    dy = _error(y)
    ds = [weight * dy * (value - y) for weight, (*_, value) in zip(p, ROWS, strict=True)]
    q = np.log([2, 3])
    dq = float(ds[0]), float(ds[0] + ds[1])
    columns = 70.0, 164.0, 232.0, 302.0
    rows = 100.0, 162.0, 224.0
    out = 382.0, rows[1] + 2
    parts = [
        *_boxed("c?", 20),
        *_pair((108, 20), "q = (ln 2, ln 3)", _vector(dq, 1)),
        *(
            svg.text(x, 68, words, font_weight=600)
            for x, words in zip(columns, ("key", "score", "weight", "value"), strict=True)
        ),
        svg.text(out[0], 68, "output", font_weight=600),
        _flow((164, 32), (164, 52), svg.FORWARD),  # the query enters the scores
    ]
    said = [f"c?: query (ln 2, ln 3), its slope {_vector(dq, 1)}"]
    for token, (key, score, _, value), weight, slope, row in zip(
        FACTS, ROWS, p, ds, rows, strict=True
    ):
        parts += _boxed(token, row)
        back = _vector(float(slope) * q, 2)
        numbers = (
            (key, back), (score, f"{float(slope):g}"), (f"{float(weight):g}", f"{dy * value}"),
            (f"{value}", f"{float(dy * weight):g}"),
        )  # fmt: skip
        for x, (fore, rear) in zip(columns, numbers, strict=True):
            parts += _pair((x, row), fore, rear)
        parts.append(svg.text((columns[2] + columns[3]) / 2, row, "×", svg.FORWARD))
        for left, right in ((98, 140), (188, 212)):
            parts.append(_flow((left, row - 5), (right, row - 5), svg.FORWARD))
        ends = (columns[3] + 22, row), (out[0], out[1])
        parts.append(_flow(*svg.between(*ends, 0, 29), svg.FORWARD))
        said.append(f"{token}: " + "; ".join(
            f"{name} {fore}, its slope {rear}"
            for name, (fore, rear) in zip(("key", "score", "weight", "value"), numbers, strict=True)
        ))  # fmt: skip
    parts.append(svg.element(
        "circle", cx=out[0], cy=out[1], r="27", fill=svg.GROUND, stroke=svg.FORWARD,
        stroke_width="2",
    ))  # fmt: skip
    parts += _pair((out[0], out[1] - 3), f"{y}", f"{dy}")
    parts.append(svg.text(out[0] - 8, rows[2] + 16, f"wanted: {WANTED}"))
    said.append(f"output {y}, its slope {dy}")
    return drawing(title, 256, "; ".join(said), *parts)


def _boxed(token: str, y: float) -> list[str]:
    """Write a token into a box at the left edge."""
    return [
        svg.element("rect", x=2.0, y=y - 16, width=40.0, height=21.0, rx="5", fill=svg.GROUND,
                    stroke="currentColor", stroke_width="2" if token.endswith("?") else "1"),
        svg.text(22, y, token, font_weight=600 if token.endswith("?") else 400),
    ]  # fmt: skip


def _pair(at: Place, forward: str, backward: str) -> list[str]:
    """Write a number, and below it the loss's slope in it."""
    return [
        svg.text(*at, forward, svg.FORWARD, font_weight=600),
        svg.text(at[0], at[1] + 19, backward, svg.BACKWARD, font_weight=600),
    ]


def _vector(numbers: ArrayLike, digits: int) -> str:
    return f"({', '.join(f'{float(n):.{digits}f}' for n in np.asarray(numbers))})".replace("-", "−")


def _flow(start: Place, end: Place, paint: str) -> str:
    return svg.pointer(start, end, paint, "1.6", 7, 3.5)


# The whole network, with its shapes.

CELL = (9.0, 15.0)
"""Of the tokens' grid: width and height."""


def network(tokens: Sequence[str], X: Array, P: Array, title: str) -> Drawing:
    """Draw causal self-attention and a linear layer: all arrays with their shapes, both ways.

    Parameters
    ----------
    tokens : sequence of str
        The names of the rows of X.
    X : array, shape (n, width)
        Their ones are filled.
    P : array, shape (n, n)
        The larger a weight, the stronger its cell is filled; those above the diagonal are hatched.
    title : str
        What the picture shows, for those who do not see it.
    """
    n, width = X.shape
    left, top = 138.0, 22.0
    below = top + n * CELL[1]
    parts = [
        _hatch(),
        svg.text(left + 4 * CELL[0], top - 8, "letter"),
        svg.text(left + 12 * CELL[0], top - 8, "digit"),
        *_cells((left, top), X, CELL),
        *(
            svg.text(left - 8, top + CELL[1] * (k + 1) - 3, token, text_anchor="end")
            for k, token in enumerate(tokens)
        ),
        *_named((left + width * CELL[0] + 10, top + 52), "X", (n, width), "start"),
    ]
    # Queries, keys and values side by side, and what becomes of them.
    wide, high, row = 92.0, 44.0, below + 40
    thirds = {"Q": 64.0, "K": 188.0, "V": 372.0}
    for name, x in thirds.items():
        start = left + width * CELL[0] / 2 + (x - 204) * 0.4, below + 4
        parts += _both(start, (x, row - 4))
        parts += _block((x, row), (wide, high), name, (n, width))
        label = (start[0] + x) / 2 + {"Q": -62, "K": 34, "V": 58}[name], below + 22
        parts.append(_product(label, "W", name.lower()))
    scores = 126.0, row + high + 28
    for name in ("Q", "K"):
        parts += _both((thirds[name], row + high + 4), (scores[0], scores[1] - 4), shift=14)
    parts += _block(scores, (wide + 36, high), "S = QKᵀ/4", (n, n))
    broad, side = 32.0, 20.0
    corner = 38.0, scores[1] + high + 50
    parts += _both((scores[0], scores[1] + high + 4), (scores[0], corner[1] - 20))
    parts.append(svg.text(
        scores[0] + 16, corner[1] - 32, "mask, softmax", svg.FORWARD, text_anchor="start"
    ))  # fmt: skip
    for (i, j), share in np.ndenumerate(P):
        at = corner[0] + broad * j, corner[1] + side * i
        parts += _cell(at, (broad, side), float(share), hidden=j > i)
    for k, token in enumerate(tokens):
        y = corner[1] + side * k + 15
        asks = 600 if token.endswith("?") else 400
        parts.append(svg.text(corner[0] - 5, y, token, text_anchor="end", font_weight=asks))
        letter = token.split("=")[0]  # of the whole names, the columns are too narrow
        parts.append(svg.text(corner[0] + broad * (k + 0.5), corner[1] - 6, letter))
    bottom = corner[1] + side * n
    parts += _named((corner[0] + broad * n / 2, bottom + 18), "P", (n, n), "middle")
    # The outputs, and below them a number for each digit, at the right.
    out = thirds["V"], corner[1] + 16
    parts += _both((out[0], row + high + 4), (out[0], out[1] - 4))
    middle = out[1] + high / 2
    parts += _both((corner[0] + broad * n + 5, middle), (out[0] - wide / 2 - 5, middle))
    parts += _block(out, (wide, high), "Y = PV", (n, width))
    last = out[1] + high + 84
    parts += _both((out[0], out[1] + high + 4), (out[0], last - 4))
    parts += _block((out[0], last), (wide, high), "Z", (n, n))
    parts.append(_product((out[0] - 34, out[1] + high + 34), "W", "o"))
    parts.append(svg.text(out[0] - 12, out[1] + high + 56, "linear", svg.FORWARD,
                          text_anchor="end"))  # fmt: skip
    said = (
        f"X with {n} tokens of {width} entries gives Q, K and V by W_q, W_k and W_v; Q and K give"
        f" the scores S, {n} by {n}; a mask and the softmax make the weights P of them; P V is Y,"
        f" {n} by {width}; W_o and a linear layer make Z of it, {n} by {n}, a number for each token"
        f" and digit. Beside each blue arrow, an orange one runs back."
    )
    return drawing(title, bottom + 42, said, *parts)


def _cells(at: Place, shares: Array, size: Place) -> list[str]:
    """Draw a grid whose cells are filled as strongly as their shares are large."""
    (x, y), (wide, high) = at, size
    return [
        svg.element(
            "rect", x=x + wide * j, y=y + high * i, width=float(wide), height=float(high),
            fill=svg.FORWARD, fill_opacity=f"{share:.2f}", stroke=svg.FORWARD, stroke_width="0.5",
        )
        for (i, j), share in np.ndenumerate(np.asarray(shares, float))
    ]  # fmt: skip


def _block(at: Place, size: Place, name: str, shape: tuple[int, int]) -> list[str]:
    """Draw a matrix from the middle of its upper edge, with its name and shape inside."""
    (x, y), (wide, high) = at, size
    frame = svg.element(
        "rect", x=x - wide / 2, y=y, width=float(wide), height=float(high), fill=svg.FORWARD,
        fill_opacity="0.15", stroke=svg.FORWARD, stroke_width="1.4",
    )  # fmt: skip
    return [frame, *_named((x, y + 19), name, shape, "middle")]


def _named(at: Place, name: str, shape: tuple[int, int], anchor: str) -> list[str]:
    """Write a name and that of its error, and its shape below."""
    x, y = at
    size = f"{shape[0]} × {shape[1]}"
    error = svg.element("tspan", f"\N{NO-BREAK SPACE} d{name[0]}", fill=svg.BACKWARD)
    words = svg.element(
        "text", name + (error if name[0].isupper() else ""), x=float(x), y=float(y),
        fill=svg.FORWARD, text_anchor=anchor, font_weight=600,
    )  # fmt: skip
    return [words, svg.text(x, y + 17, size, svg.FORWARD, text_anchor=anchor)]


def _both(start: Place, end: Place, shift: float = 0.0) -> list[str]:
    """Draw an arrow forward and, beside it, one back; ``shift`` moves the end towards the start."""
    end = end[0] + (shift if start[0] > end[0] else -shift), end[1]
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = float(np.hypot(dx, dy))
    ox, oy = 3.5 * dy / length, -3.5 * dx / length
    there = (start[0] + ox, start[1] + oy), (end[0] + ox, end[1] + oy)
    back = (end[0] - ox, end[1] - oy), (start[0] - ox, start[1] - oy)
    return [_flow(*there, svg.FORWARD), _flow(*back, svg.BACKWARD)]


def _product(at: Place, name: str, small: str) -> str:
    """Write "· W" with an index."""
    index = svg.element("tspan", small, dy="4", font_size="12")
    return svg.element("text", f"· {name}{index}", x=float(at[0]), y=float(at[1]), fill=svg.FORWARD)


# Running sums, and the errors that come back from them.

VISITED = ROWS[2], ROWS[0], ROWS[1]
"""The keys in an order in which the second score is the largest so far, and the third is not.

The first value is not 0, so that the second score changes both sums."""
STEP = 62.0
"""From one key down to the next."""


def running(title: str) -> Drawing:
    """Draw top and the running sums from key to key, and the output.

    The query and its keys are those of :func:`by_hand`, in the order :data:`VISITED`.
    """
    top, gathered, total = 122.0, 212.0, 324.0
    columns, first, size, blue = (20.0, 66.0, top, gathered, total), 52.0, (44.0, 28.0), svg.FORWARD
    heads = ("q·k", "v", "top", "gathered", "total")
    parts: list[str] = []
    said, sums = [], _sums()
    for k, (x, name) in enumerate(zip(columns, heads, strict=True)):
        parts.append(svg.text(x, 16, name, "currentColor" if k < 2 else blue))
    for k, (row, one) in enumerate(zip(VISITED, sums, strict=True)):
        y = first + STEP * k
        carried = f"ln {one.largest}", str(one.gathered), str(one.total)
        written = (f"ln {row[2]}", str(row[3]), *carried)
        for x, number in zip(columns, written, strict=True):
            if x >= top:
                parts.append(_framed((x, y - 5), size, blue, rx="4"))
            paint = "currentColor" if x < top else blue
            parts.append(svg.text(x, y, number, paint, font_weight=600))
        if k:
            parts.append(_flow((top, y + 12 - STEP), (top, y - 22), blue))
            change = "stays" if one.shrink == 1 else "rises"
            parts.append(svg.text(top - 8, y - STEP / 2, change, blue, text_anchor="end"))
        times = "" if one.shrink == 1 else f"× {one.old}/{one.largest} "
        adds = (str(row[3]), "1") if one.power == 1 else (f"{one.power} · {row[3]}", str(one.power))
        for x, added in zip((gathered, total), adds, strict=True) if k else ():
            parts.append(_flow((x, y + 12 - STEP), (x, y - 22), blue))
            step = svg.text(x + 8, y - STEP / 2, f"{times}+ {added}", blue, text_anchor="start")
            parts.append(step)
        said.append(", ".join(f"{n} {w}" for n, w in zip(heads, written, strict=True)))
    last, end = first + STEP * 2, sums[-1]
    output = f"y = {end.gathered} / ({end.total}) = {end.gathered / end.total}"
    parts += [
        _flow((total - 8, last + 12), (gathered + 50, last + 39), blue),
        _flow((gathered, last + 12), (gathered, last + 39), blue),
        svg.text(gathered, last + 56, output, blue, font_weight=600),
    ]
    return drawing(title, last + 64, "; ".join([*said, output]), *parts)


def returned(title: str) -> Drawing:
    """Draw how each key of :func:`running` finds its error, with two numbers of the row."""
    scores, log_sum, weights, pulls, mean = 22.0, 71.0, 134.0, 194.0, 236.0
    differences, errors, kept, first = 285.0, 392.0, 50.0, 102.0
    orange, blue = svg.BACKWARD, svg.FORWARD
    end, dy = _sums()[-1], _slope()
    whole, dy_y = sum(row[2] for row in VISITED), dy * end.gathered / end.total
    last = first + 46 * (len(VISITED) - 1) - 5
    parts: list[str] = []
    said = [f"of the row: log-sum ln {whole} and dy·y {dy_y}"]
    heads = ("q·k", "p", "dy·v", "dy·v − dy·y", "error")
    for x, name in zip((scores, weights, pulls, differences, errors), heads, strict=True):
        parts.append(svg.text(x, 16, name, "currentColor" if x == scores else orange))
    for x, words, paint, wide in (
        (log_sum, f"log-sum = ln {whole}", blue, 138.0), (mean, f"dy·y = {dy_y}", orange, 92.0),
    ):  # fmt: skip
        parts.append(_framed((x, kept - 5), (wide, 26.0), paint, rx="4"))
        parts.append(svg.text(x, kept, words, paint, font_weight=600))
        parts.append(svg.element(
            "path", d=f"M{svg.fixed(x)} {svg.fixed(kept + 8)}V{svg.fixed(last)}", stroke=paint,
            stroke_width="1.6",
        ))  # fmt: skip
    for k, (row, (p, pull, error)) in enumerate(zip(VISITED, _second_pass(), strict=True)):
        y = first + 46 * k
        difference = Fraction(pull) - dy_y
        parts += [
            *(_minus((x, y - 5), paint) for x, paint in ((log_sum, blue), (mean, orange))),
            _flow((log_sum + 9, y - 5), (weights - 22, y - 5), orange),
            svg.text(log_sum + 22, y - 14, "exp", orange),
            _framed((weights, y - 5), (40.0, 26.0), orange, rx="4"),
            _flow((mean + 9, y - 5), (differences - 20, y - 5), orange),
            svg.text(differences + 50, y, f"· {p} =", orange),
            _framed((errors, y - 5), (48.0, 26.0), orange, rx="4"),
        ]
        written = (f"ln {row[2]}", p, pull, str(difference), error)
        for x, number in zip((scores, weights, pulls, differences, errors), written, strict=True):
            paint = "currentColor" if x == scores else orange
            parts.append(svg.text(x, y, number, paint, font_weight=600))
        said.append(", ".join(f"{n} {w}" for n, w in zip(heads, written, strict=True)))
    return drawing(title, last + 22, "; ".join(said), *parts)


def _minus(at: Place, paint: str) -> str:
    """Draw a sign where what comes down a line is subtracted."""
    (x, y) = at
    sign = svg.element("circle", cx=x, cy=y, r="8", fill=svg.GROUND, stroke=paint)
    return sign + svg.text(x, y + 5, "−", paint, font_weight=600)


class _Sum(NamedTuple):
    """What is carried behind one key, divided by the largest power so far."""

    old: int
    largest: int
    shrink: Fraction
    power: Fraction
    total: Fraction
    gathered: Fraction


def _sums() -> list[_Sum]:
    """Return the running sums behind each key."""
    total, gathered, largest, found = Fraction(0), Fraction(0), 0, []
    for _, _, power, value in VISITED:
        old, largest = largest, max(largest, power)
        shrink, added = Fraction(old, largest), Fraction(power, largest)
        total, gathered = shrink * total + added, shrink * gathered + added * value
        found.append(_Sum(old, largest, shrink, added, total, gathered))
    return found


def _slope() -> Fraction:
    """Return the error at the output."""
    end = _sums()[-1]
    return _error(end.gathered / end.total)


def _second_pass() -> list[tuple[str, str, str]]:
    """Return the weight, the error at the weight and the error at the score of each key."""
    end = _sums()[-1]
    whole, y = sum(row[2] for row in VISITED), end.gathered / end.total
    dy, found = _error(y), []
    for _, _, power, value in VISITED:
        p = Fraction(power, whole)
        found.append((f"{float(p):g}", str(dy * value), f"{float(p * (dy * value - dy * y)):g}"))
    return found


# Plots.


def both(curves: Mapping[str, Array], title: str) -> Drawing:
    """Draw the match's weight while the query and the keys learn, from step 1 on.

    Parameters
    ----------
    curves : mapping of str to array, shape (steps + 1,)
        By what stands at its end.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, LINES

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.5, 2.2))
    for color, line, (name, curve) in zip(COLORS, LINES, curves.items(), strict=False):
        last = len(curve) - 1
        ax.plot(range(1, last + 1), curve[1:], line, color=color, linewidth=2.2)
        highest = curve[-1] == max(of[-1] for of in curves.values())
        ax.text(1.15 * last, curve[-1], name, color=color, va="bottom" if highest else "center")
    ax.set_xscale("log")
    ax.set(xlim=(1, last), ylim=(0.55, 1.01), xlabel="training step")
    powers = [10**k for k in range(len(str(last)))]
    ax.set_xticks(powers, [f"{power:,}" for power in powers])
    ax.minorticks_off()
    ax.set_title("weight of the match", fontsize=11, loc="left")
    return plotted(fig, title)


class Widened(NamedTuple):
    """Networks of one kind in :func:`widened`.

    Attributes
    ----------
    errors : array, shape (widths, networks)
        The mean absolute error at a score before the first step.
    right : array, shape (widths, networks)
        Right digits, in percent.
    """

    errors: Array
    right: Array


def widened(groups: Mapping[str, Widened], widths: Sequence[int], title: str) -> Drawing:
    """Draw a mark for each network: the size of its first errors, and its right digits later.

    Parameters
    ----------
    groups : mapping of str to Widened
        By what stands below the marks at the left.
    widths : sequence of int
        Of queries and keys.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, figsize=(4.5, 2.9))
    ratio = (widths[-1] / widths[0]) ** (1 / (len(widths) - 1))
    for k, (color, (name, group)) in enumerate(zip(COLORS, groups.items(), strict=False)):
        for ax, found in zip(axes, group, strict=True):
            networks = found.shape[1]
            apart = 0.25 * (k - (len(groups) - 1) / 2)  # many are equal
            places = 0.07 * np.linspace(-1, 1, networks) + apart
            x = np.array(widths)[:, None] * ratio**places  # several may be equal
            ax.plot(x.ravel(), found.ravel(), "o", color=color, markersize=3.5, alpha=0.6)
        axes[0].text(0.03, 0.17 - 0.075 * k, name, color=color, transform=axes[0].transAxes)
    names = "mean error at a\nscore, step 0", "right digits, %,\nstep 100"
    for ax, name in zip(axes, names, strict=True):
        ax.set_xscale("log")
        ax.set(xlim=(widths[0] / ratio**0.6, widths[-1] * ratio**0.6), xlabel="width d")
        ax.set_xticks(widths, [str(d) for d in widths])
        ax.minorticks_off()
        ax.set_title(name, fontsize=11, loc="left")
    axes[0].set_yscale("log")
    axes[0].set(ylim=(0.0002, 0.1))
    axes[0].set_yticks([0.001, 0.01, 0.1], ["0.001", "0.01", "0.1"])
    axes[0].minorticks_off()
    axes[1].set(ylim=(40, 103))
    return plotted(fig, title)


SHARES_OF_7 = (0.0, 0.4, 0.6, 1.0)
"""Of 7 in a mean of b's digit, with the weight 0.6, and c's, at 5, 5; 5, 7; 7, 5 and 7, 7."""
SIGNS = {"b": (-1.0, -1.0, 1.0, 1.0), "c": (-1.0, 1.0, -1.0, 1.0)}
"""The sign that the output for 7 minus that for 5 must have to name the digit of a letter."""
STRAIGHT = {"b": (-1.995, 1.995), "c": (-1.995, 1.995)}
"""Lines by their values at the shares 0 and 1: c's has the least log loss, and names b's digit."""


def shares(title: str) -> Drawing:
    """Draw the signs that name each digit, and a line that fits the first and not the second."""
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, axes = plt.subplots(2, 1, figsize=(4.4, 3.7), sharex=True)
    for ax, (letter, signs) in zip(axes, SIGNS.items(), strict=True):
        straight = np.interp(SHARES_OF_7, (0, 1), STRAIGHT[letter])
        ax.axhline(0, color=GREY, linewidth=1)
        ax.plot((0, 1), STRAIGHT[letter], "--", color=COLORS[1], linewidth=2.2)
        ax.plot(SHARES_OF_7, signs, "o", color=INK, markersize=8)
        for at, sign in zip(SHARES_OF_7, signs, strict=True):
            ax.plot((at, at), (0, sign), "-", color=INK, linewidth=1.2)
        wrong = np.sign(straight) != np.sign(signs)
        ax.plot(np.array(SHARES_OF_7)[wrong], straight[wrong], "x", color=COLORS[1], markersize=12,
                markeredgewidth=3)  # fmt: skip
        ax.set(xlim=(-0.1, 1.1), ylim=(-2.3, 2.3), yticks=[-1, 0, 1], xticks=SHARES_OF_7)
        ax.set(yticklabels=["names 5", "0", "names 7"])
        fits = "no line fits" if wrong.any() else "a line fits"
        ax.set_title(f"{letter}'s digit: {fits}", loc="left", fontsize=11.5)
    digits = ("5, 5", "5, 7", "7, 5", "7, 7")
    ax.set(xticklabels=[f"{s:g}\n{d}" for s, d in zip(SHARES_OF_7, digits, strict=True)])
    ax.set(xlabel="share of 7, and the digits of b and c")
    return plotted(fig, title)
