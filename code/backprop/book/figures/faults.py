"""A program with faults: its pieces, its losses at two rates, and what each fix buys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.figures import svg, switches
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.ten_faults import FIXES

LEFT, BOX = 22, 84
"""Where the boxes of the program's pieces begin, and how wide they are."""
ORDER = ("data", "start", "forward", "target", "loss", "backward", "update", "accuracy")
LOOP = ("forward", "update")
"""The first and the last piece of the training loop."""
DOES = {
    "data": "images x, labels y",
    "start": "random W⁽¹⁾ and W⁽²⁾",
    "forward": "outputs p",
    "target": "what p should be",
    "loss": "mean of (p − target)²",
    "backward": "gradients dW⁽¹⁾, dW⁽²⁾",
    "update": "subtract rate · gradient",
    "accuracy": "share of right answers",
}
"""What each piece is for."""
HOLDS = {
    "data": (7,), "start": (6,), "forward": (3, 10), "target": (8,), "loss": (2,),
    "backward": (1, 4, 5), "accuracy": (9,),
}  # fmt: skip
"""Which faults a piece has."""


def program_loop(title: str, stops: str, message: str) -> Drawing:
    """Draw the pieces of the program, the number of each fault, and where it stops."""
    boxes, parts, y, said = {}, [], 6.0, []
    for piece in ORDER:
        high = 44.0 if piece == stops else 26.0
        boxes[piece] = (y, high + 3.0)
        parts += _box(piece, y, high)
        parts.append(_words(LEFT + BOX + 14, y + 18, DOES[piece], "currentColor"))
        held = HOLDS.get(piece, ())
        parts += [part for k, fault in enumerate(held) for part in _fault(330 + 32.0 * k, y + 13,
                                                                          fault)]  # fmt: skip
        said.append(f"{piece}: {DOES[piece]}, faults {[*held]}")
        if piece == stops:
            words = f"stops here: {message}"
            parts.append(_words(LEFT + BOX + 14, y + 36, words, svg.BACKWARD, font_weight=600))
            said.append(words)
        y += high + 4.0
    return drawing(title, y, "; ".join(said), *parts, *_loop(boxes))


def _fault(x: float, y: float, number: int) -> list[str]:
    ring = svg.element("circle", cx=x, cy=y, r=11.5, fill=svg.BACKWARD, stroke="none")
    return [ring, svg.text(x, y + 5, f"{number}", svg.GROUND, font_weight=600)]


def _box(piece: str, y: float, high: float) -> list[str]:
    frame = svg.element(
        "rect", x=float(LEFT), y=y, width=float(BOX), height=high, rx=6.0,
        fill=svg.GROUND, stroke="currentColor", stroke_width="1.5",
    )  # fmt: skip
    return [frame, svg.text(LEFT + BOX / 2, y + high / 2 + 5, piece, font_weight=600)]


def _words(x: float, y: float, words: str, fill: str, **attributes: int) -> str:
    return svg.text(x, y, words, fill, text_anchor="start", **attributes)


def _loop(boxes: dict[str, tuple[float, float]]) -> list[str]:
    """Draw the way from the end of the loop back to its beginning, left of the boxes."""
    top = boxes[LOOP[0]][0] + 15
    bottom = boxes[LOOP[1]][0] + 13
    x, end = 9.0, LEFT - 3.0
    path = f"M {LEFT} {bottom:.0f} H {x:.0f} V {top:.0f} H {end - 6:.0f}"
    head = f"{end:.0f},{top:.0f} {end - 8:.0f},{top - 5:.0f} {end - 8:.0f},{top + 5:.0f}"
    return [
        svg.element("path", d=path, fill="none", stroke="currentColor", stroke_width="1.5"),
        svg.element("polygon", points=head, fill="currentColor"),
    ]


CEILING = 3000.0
"""Where the picture of two learning rates ends: a larger loss leaves it."""


def two_rates(fast: ArrayLike, slow: ArrayLike, title: str) -> Drawing:
    """Draw the losses of several runs at the rates 0.1 and 10⁻⁷, and that of a constant answer.

    Parameters
    ----------
    fast, slow : array, shape (runs, updates)
        The losses before each update; what is not finite is not drawn.
    title : str
        What the picture shows, for those who do not see it.
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    fig, ax = pyplot().subplots(figsize=(4.6, 1.9))
    ax.axhline(0.25, color=GREY, linestyle=":", linewidth=1.5)
    for runs, color, style in ((slow, COLORS[0], "-"), (fast, COLORS[1], "--")):
        for losses in np.asarray(runs, dtype=np.float64):
            kept = losses[np.isfinite(losses)]
            drawn = np.minimum(kept, CEILING**2)  # far above the picture
            ax.plot(np.arange(len(kept)), drawn, color=color, linestyle=style, linewidth=1)
    ax.text(4, 1000, "rate 0.1", color=COLORS[1], fontsize=11, va="center")
    ax.text(40, 60, "rate $10^{-7}$", color=COLORS[0], fontsize=11, va="center")
    ax.text(40, 0.6, "all outputs ½", color=INK, fontsize=11, va="center")
    ax.set(yscale="log", xlim=(-2, 101), ylim=(0.1, CEILING), xlabel="updates", ylabel="loss")
    ax.set_yticks([0.1, 1, 10, 100, 1000], ["0.1", "1", "10", "100", "1,000"])
    ax.minorticks_off()
    return plotted(fig, title)


LOW, HIGH, SAID = 118.0, 298.0, 416.0
"""Where the shares 0 and 1 stand in the ladder of fixes, and where the words of its losses end."""
FIRST, STEP = 54.0, 22.0
"""The height of the ladder's first row, and from one row to the next."""


def ladder(baseline: Sequence[float], title: str) -> Drawing:
    """Draw what the program shows after each fix, as stored in ``ten_faults.json``.

    Parameters
    ----------
    baseline : sequence of float
        The shares of the new images that a simple classifier has right: the last row.
    title : str
        What the picture shows, for those who do not see it.
    """
    parts, said = [
        svg.text(4, 16, "mended", text_anchor="start", font_weight=600),
        svg.text((LOW + HIGH) / 2, 16, "share right", font_weight=600),
        svg.text(SAID, 16, "median loss", text_anchor="end", font_weight=600),
        *(svg.text(_share(v), 36, words) for v, words in ((0, "0"), (50, "½"), (100, "1"))),
    ], []  # fmt: skip
    rows = [("nothing", None), *((f"to {k} {fix}", switches.view(range(k + 1, len(FIXES) + 1)))
                                 for k, fix in enumerate(FIXES, 1))]  # fmt: skip
    for k, (name, seen) in enumerate(rows):
        y = FIRST + STEP * k
        parts.append(svg.text(4, y + 5, name, text_anchor="start"))
        if seen is None:
            parts.append(
                svg.text(LOW, y + 5, "stops at its first update", svg.BACKWARD,
                         text_anchor="start", font_weight=600)
            )  # fmt: skip
            continue
        marks, words = seen["marks"], seen["words"]
        parts += _marks(y, marks["new"], marks["printed"])
        parts.append(svg.text(SAID, y + 5, words["loss"], text_anchor="end"))
        said.append(f"{name}: printed {words['printed']}, right {words['new']}, "
                    f"loss {words['loss']}")  # fmt: skip
    y = FIRST + STEP * len(rows)
    parts.append(svg.text(4, y + 5, "baseline", text_anchor="start"))
    parts += _marks(y, [round(100 * share) for share in baseline], [])
    middle = svg.element(
        "line", x1=_share(50), y1=FIRST + STEP / 2, x2=_share(50), y2=y + STEP / 2,
        stroke="currentColor", stroke_dasharray="2 3",
    )  # fmt: skip
    return drawing(title, y + STEP / 2 + 2, "; ".join(said), middle, *parts)


def _share(hundredths: float) -> float:
    return LOW + hundredths / 100 * (HIGH - LOW)


def _marks(y: float, right: Sequence[int], printed: Sequence[int]) -> list[str]:
    """Draw a row: dots for the shares that are right, and above them ticks for what is printed."""
    axis: dict[str, Any] = {"stroke": "currentColor", "stroke_opacity": "0.4"}
    return [
        svg.element("line", x1=LOW, y1=y + 3, x2=HIGH, y2=y + 3, **axis),
        *(svg.element("circle", cx=_share(v), cy=y + 3, r="4", fill=svg.FORWARD,
                      fill_opacity="0.55") for v in right),
        *(svg.element("line", x1=_share(v), y1=y - 9, x2=_share(v), y2=y - 2, stroke=svg.BACKWARD,
                      stroke_width="2.5") for v in printed),
    ]  # fmt: skip
