"""The figure of how an average over draws follows its mean: draws that slide, or change weight.

Left, each draw z = μ + τξ moves with μ. Right, it stays, and has as its weight w the ratio of the
new normal density to the old. Bars below the draws are as high as these weights, which stay 1 at
the left. The colours are those of the two estimators.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.stepper import Frame

Function = Callable[[Array], Array]
LEFT, RIGHT, TOP, HIGH, WIDE = 8.0, 224.0, 26.0, 96.0, 188.0
"""Left edge of each half, upper edge, height and width of its curve."""
BARS, ONE = 70.0, 15.0
"""From the foot of the curve to that of the bars, and the height of a bar that counts once."""
FROM, TO, MOST = -0.6, 2.9, 7.4
"""The numbers on the axis, and the largest value of f that is drawn."""
SPOT = 4.4
"""Radius of a draw."""


@dataclass(frozen=True)
class Draws:
    """Standard normal noise, and the mean and deviation that make draws of it."""

    noise: Array
    mean: float
    deviation: float

    def slid(self, shift: float) -> Array:
        """Return the draws with the mean larger by ``shift``."""
        return self.mean + shift + self.deviation * self.noise

    def weights(self, shift: float) -> Array:
        """Return the ratio of the densities at the draws, the mean larger by ``shift`` and not."""
        moved = self.noise - shift / self.deviation
        return np.asarray(np.exp((self.noise**2 - moved**2) / 2))

    def averages(self, f: Function, shift: float) -> tuple[float, float]:
        """Return the average of f over draws that slid, and over draws with new weights."""
        again = self.weights(shift) * f(self.slid(0.0))
        return float(f(self.slid(shift)).mean()), float(again.mean())

    def slopes(self, slope: Function, f: Function) -> tuple[float, float]:
        """Return how both averages begin to rise: those of f'(z) and of f(z) ξ/τ."""
        z = self.slid(0.0)
        return float(slope(z).mean()), float((f(z) * self.noise / self.deviation).mean())


def frames(draws: Draws, shifts: Sequence[float], title: str) -> list[Frame]:
    """Return a frame for each shift of the mean, for f = z²; the first shift is 0."""
    start = draws.averages(np.square, 0.0)[0]
    made = []
    for shift in shifts:
        both = draws.averages(np.square, shift)
        at = f"μ = {draws.mean + shift:.1f}"
        exact = draws.mean**2 + draws.deviation**2
        words = (
            f"The {len(draws.noise)} draws have the average {start:.2f}. The exact one,"
            f" μ² + τ², is {exact:.2f}."
        )
        if shift:
            rise = [f"{value - start:.2f}" for value in both]
            exact = (draws.mean + shift) ** 2 - draws.mean**2
            words = (
                f"The average has risen by {rise[0]} as the draws slid, and by {rise[1]} as their"
                f" weights changed. The exact one, μ² + τ², has risen by {exact:.2f}."
            )
        parts = [*_half(LEFT, "draws slide", draws, shift, both[0], True),
                 *_half(RIGHT, "draws change weight", draws, shift, both[1], False)]  # fmt: skip
        markup = svg.picture(svg.WIDTH, TOP + HIGH + BARS + 40, f"{title}: {at}", words, *parts)
        made.append(Frame(markup, words))
    return made


def _half(
    left: float, name: str, draws: Draws, shift: float, average: float, slides: bool
) -> list[str]:
    from backprop.book.figures.plots import COLORS

    paint = COLORS[2] if slides else COLORS[3]
    foot = TOP + HIGH

    def at(z: float, value: float) -> tuple[float, float]:
        return left + (z - FROM) / (TO - FROM) * WIDE, foot - value / MOST * HIGH

    line = np.linspace(FROM, np.sqrt(MOST), 40)
    curve = "M" + "L".join(
        f"{svg.fixed(x)} {svg.fixed(y)}" for x, y in (at(z, z**2) for z in line.tolist())
    )
    parts = [
        svg.text(left, 17, name, text_anchor="start", font_weight=600),
        svg.element("line", x1=left, y1=foot, x2=left + WIDE, y2=foot, stroke="currentColor"),
        svg.element("path", d=curve, fill="none", stroke="currentColor", opacity="0.45"),
    ]
    low = foot + BARS
    parts += [
        svg.element("line", x1=left, y1=low, x2=left + WIDE, y2=low, stroke="currentColor"),
        svg.element("line", x1=left + 42, y1=low - ONE, x2=left + WIDE, y2=low - ONE,
                    stroke="currentColor", stroke_dasharray="2 3"),
        svg.text(left - 6, low - ONE + 5, "w = 1", text_anchor="start"),
    ]  # fmt: skip
    for z in (0, 2):  # the mark of μ stands between them
        x = at(z, 0)[0]
        parts.append(svg.element("line", x1=x, y1=low, x2=x, y2=low + 4, stroke="currentColor"))
        parts.append(svg.text(x, low + 18, str(z)))
    x = at(draws.mean + shift, 0)[0]
    triangle = f"{svg.fixed(x)},{svg.fixed(low + 2)} " + " ".join(
        f"{svg.fixed(x + dx)},{svg.fixed(low + 12)}" for dx in (-5, 5)
    )
    parts.append(svg.element("polygon", points=triangle, fill=svg.FORWARD))
    parts.append(
        svg.text(x, low + 34, f"μ = {draws.mean + shift:.1f}", svg.FORWARD, font_weight=600)
    )
    old = draws.slid(0.0)
    now = draws.slid(shift) if slides else old
    weights = np.ones_like(old) if slides else draws.weights(shift)
    if shift and slides:
        parts += [_spot(at(z, z**2), None, "currentColor") for z in old.tolist()]
    for z, weight in zip(now.tolist(), weights.tolist(), strict=True):
        x = at(z, 0)[0]
        parts.append(_spot(at(z, z**2), paint, paint))
        parts.append(
            svg.element("line", x1=x, y1=low, x2=x, y2=low - weight * ONE, stroke=paint,
                        stroke_width="3", stroke_opacity="0.75")
        )  # fmt: skip
    y = at(0, average)[1]
    parts.append(
        svg.element("line", x1=left, y1=y, x2=left + WIDE, y2=y, stroke=paint, stroke_width="2.5",
                    stroke_dasharray=None if slides else "7 4")
    )  # fmt: skip
    name = "average" if slides else f"Σwf / {len(old)} ="
    parts.append(svg.text(left, TOP + 14, f"line: {name} {average:.2f}", text_anchor="start"))
    return parts


def _spot(place: tuple[float, float], fill: str | None, stroke: str) -> str:
    return svg.element(
        "circle", cx=place[0], cy=place[1], r=SPOT, fill=fill or "none",
        fill_opacity="0.5" if fill else None, stroke=stroke,
        stroke_opacity=None if fill else "0.45",
    )  # fmt: skip
