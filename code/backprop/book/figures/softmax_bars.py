"""What a softmax makes of three scores, and how training pushes each: a figure with a slider.

The classes keep e^z = 4, q and 1. The powers sum to 5 + q, and q is chosen so that the right
class, the one in the middle, has a probability with two digits: every number can be recomputed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from backprop.book.figures import svg
from backprop.book.figures.by_hand import unbroken
from backprop.book.figures.stepper import Frame

CLASSES = ("three", "eight", "five")
RIGHT = 1
POWERS = (4.0, 1.0)
"""e^z of the two other classes."""

NAME, SCORE, POWER, TARGET = 0.0, 102.0, 148.0, 169.0
BAR, LONG = 182.0, 64.0
"""Where the bars begin, and how long that of p = 1 is."""
MIDDLE, UNIT = 346.0, 68.0
"""Where a push of 0 stands, and how long an arrow for 1 is."""
HEAD, ROW = 30.0, 42.0
"""The first line between rows, and the height of a row."""


def power(chance: float) -> float:
    """Return e^z of the right class at which its probability is ``chance``."""
    return sum(POWERS) * chance / (1 - chance)


def frames(chances: Sequence[float]) -> list[Frame]:
    """Return a frame for each probability of the right class, in (0, 1)."""
    return [_frame(power(chance)) for chance in chances]


def score(chance: float) -> str:
    """Return the score of the right class in words: what the slider shows."""
    return _shown(math.log(power(chance)), 3)


def _shown(value: float, digits: int) -> str:
    rounded = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return ("0" if rounded == "-0" else rounded).replace("-", "−")


def _frame(q: float) -> Frame:
    powers = [POWERS[0], q, POWERS[1]]
    p = [e / sum(powers) for e in powers]
    pushes = [(k == RIGHT) - share for k, share in enumerate(p)]
    loss = -math.log(p[RIGHT])
    foot = HEAD + ROW * len(p)
    parts = [_rule(HEAD), _rule(foot)]
    parts += [
        svg.text(x, 18, words, text_anchor=anchor)
        for x, words, anchor in (
            (NAME, "class", "start"), (SCORE, "z", "end"), (TARGET, "y", "end"),
            (BAR, "p", "start"), (MIDDLE, "push y − p", "middle"),
        )
    ]  # fmt: skip
    raised = svg.element("tspan", "z", dy="-5", font_size="12")
    parts.append(
        svg.element("text", "e", raised, x=POWER, y=18.0, fill="currentColor", text_anchor="end")
    )
    parts.append(
        svg.element("line", x1=MIDDLE, y1=HEAD, x2=MIDDLE, y2=foot + 44, stroke="currentColor",
                    opacity="0.5", stroke_dasharray="1.5 3")
    )  # fmt: skip
    for k, name in enumerate(CLASSES):
        parts += _row(HEAD + ROW * (k + 0.5), name, powers[k], p[k], pushes[k], k == RIGHT)
    parts += _sum(foot, powers, pushes)
    parts += _loss(foot + 64, p[RIGHT], loss)
    up, *down = (abs(pushes[k]) for k in (RIGHT, 0, 2))
    words = unbroken(
        f"The right class has p = {_shown(p[RIGHT], 3)}, so the loss is {loss:.3f}."
        f" The pushes sum to 0: {_shown(up, 3)}\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}"
        f"{_shown(down[0], 3)}\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}{_shown(down[1], 3)} = 0."
    )
    told = "; ".join(
        f"{name}: z {_shown(math.log(e), 3)}, p {_shown(share, 3)}, push {_shown(push, 3)}"
        for name, e, share, push in zip(CLASSES, powers, p, pushes, strict=True)
    )
    title = f"Three scores, their softmax, and the pushes, where the right p is {p[RIGHT]:.2g}"
    return Frame(svg.picture(svg.WIDTH, foot + 78, title, told, *parts), words)


def _rule(y: float) -> str:
    return svg.element(
        "line", x1=0.0, y1=y, x2=float(svg.WIDTH), y2=y, stroke="currentColor", opacity="0.35"
    )


def _row(y: float, name: str, e: float, p: float, push: float, right: bool) -> list[str]:
    weight = "700" if right else None
    words = [
        svg.text(NAME, y + 5, name, text_anchor="start", font_weight=weight),
        svg.text(SCORE, y + 5, _shown(math.log(e), 3), text_anchor="end", font_weight=weight),
        svg.text(POWER, y + 5, f"{e:.3g}", text_anchor="end"),
        svg.text(TARGET, y + 5, f"{right:d}", text_anchor="end", font_weight=weight),
        svg.text(BAR + LONG * p + 5, y + 5, _shown(p, 3), text_anchor="start"),
        svg.text(MIDDLE + math.copysign(6, push), y - 6, _shown(push, 3),
                 text_anchor="start" if push > 0 else "end", fill=svg.BACKWARD),
    ]  # fmt: skip
    bar = svg.element(
        "rect", x=BAR, y=y - 9, width=LONG * p, height=18, fill=svg.FORWARD,
        opacity=None if right else "0.55",
    )  # fmt: skip
    return [bar, *words, _arrow(MIDDLE, push, y + 7)]


def _arrow(start: float, push: float, y: float) -> str:
    length = UNIT * abs(push)
    head = min(9.0, length)
    end = start + UNIT * push
    return svg.pointer((start, y), (end, y), svg.BACKWARD, "3", head, head / 1.8)


def _loss(y: float, p: float, loss: float) -> list[str]:
    """Draw the loss as a bar on the scale of the probabilities."""
    return [
        svg.text(NAME, y + 5, f"loss −ln {_shown(p, 3)} = {loss:.3f}", text_anchor="start"),
        svg.element("rect", x=BAR, y=y - 9, width=LONG * loss, height=18, fill=svg.BACKWARD),
    ]


def _sum(foot: float, powers: Sequence[float], pushes: Sequence[float]) -> list[str]:
    """Draw the arrows tip to tail: those of the wrong classes lead back to where all began."""
    y = foot + 25
    parts = [
        svg.text(NAME, y + 5, "sum", text_anchor="start"),
        svg.text(POWER, y + 5, f"{sum(powers):.4g}", text_anchor="end"),
        svg.text(TARGET, y + 5, "1", text_anchor="end"),
        svg.text(BAR, y + 5, "1", text_anchor="start"),
        svg.text(MIDDLE - 8, y + 5, "0", text_anchor="end", fill=svg.BACKWARD, font_weight=600),
        _arrow(MIDDLE, pushes[RIGHT], y - 7),
    ]
    at = MIDDLE + UNIT * pushes[RIGHT]
    for push in (pushes[0], pushes[2]):
        parts.append(_arrow(at, push, y + 9))
        at += UNIT * push
    return parts
