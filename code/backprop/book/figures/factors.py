"""A row of tanh units: one factor a unit, three of them with their numbers and fifty as bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from backprop.book.figures import svg
from backprop.book.figures.stepper import Frame

UNITS = 50
HOLD = 0.25
"""The z at which the biases of the later frames keep every unit."""
HOLDING = 1 / (1 - math.tanh(HOLD) ** 2)
"""The weight whose product with the slope there is 1."""
COLUMNS, TOP, RADIUS = (118, 234, 350), 28, 26
"""Where the three units stand, and how large they are."""
AXIS, DECADE, LEFT, PITCH = 210, 2.0, 62, 7
"""The bars: the line of the size 1, the height of a power of ten, the first bar, the next one."""


class Unit(NamedTuple):
    """What one unit computes on the way forward, and by what it multiplies an error."""

    z: float
    a: float
    slope: float
    factor: float


def row(weight: float, hold: float | None = None, units: int = UNITS) -> list[Unit]:
    """Send x = 1 through tanh units of one weight; without ``hold`` there are no biases.

    With it, each bias is what keeps z there.
    """
    found: list[Unit] = []
    a = 1.0
    for _ in range(units):
        z = weight * a if hold is None else hold
        a = math.tanh(z)
        found.append(Unit(z, a, 1 - a * a, weight * (1 - a * a)))
    return found


def remaining(factors: Sequence[float]) -> list[float]:
    """Return the error in front of each unit, from the first on, if behind the last it is 1."""
    return [math.prod(factors[k:]) for k in range(len(factors))]


def drawing(weight: float, hold: float | None = None) -> str:
    """Draw three units with all numbers, and below them the error of fifty as bars."""
    units = row(weight, hold)
    short, errors = units[:3], remaining([unit.factor for unit in units])
    known = [*remaining([unit.factor for unit in short]), 1.0]
    parts = [svg.text(22, TOP + 5, "x = 1")]
    for k, (x, unit) in enumerate(zip(COLUMNS, short, strict=True)):
        start = 46 if k == 0 else COLUMNS[k - 1] + RADIUS
        parts += [
            svg.pointer((start, TOP), (x - RADIUS, TOP), svg.FORWARD, "2", 9, 4),
            svg.text((start + x - RADIUS) / 2, TOP - 8, f"· {_number(weight)}", svg.FORWARD),
            svg.element("circle", cx=float(x), cy=float(TOP), r=RADIUS, fill=svg.GROUND,
                        stroke="currentColor", stroke_width="1.5"),
            svg.text(x, TOP + 5, f"{unit.a:.3f}"),
            svg.text(x, TOP + 42, f"z = {_number(unit.z)}"),
            svg.text(x, TOP + 59, f"slope {unit.slope:.3f}"),
            svg.text(x, TOP + 84, f"{_number(weight)} · {unit.slope:.3f}", svg.BACKWARD),
            svg.text(
                x, TOP + 101, f"= {unit.factor:.3f}", svg.BACKWARD, font_weight=600
            ),
            svg.pointer((x + 32, TOP + 120), (x - 32, TOP + 120), svg.BACKWARD, "2.4", 9, 4),
        ]  # fmt: skip
    for x, size in zip((60, 176, 292, 402), known, strict=True):
        words = "1" if size == 1 else f"{size:.3f}" if size < 1.05 else f"{size:.2f}"
        parts.append(svg.text(x, TOP + 125, words, svg.BACKWARD))
    return svg.picture(
        svg.WIDTH, AXIS + 40 * DECADE + 24,
        f"Three units and fifty, weight {_number(weight)}",
        f"Factors {', '.join(f'{unit.factor:.3f}' for unit in short)}; "
        f"after fifty units {power(errors[0])}.",
        *parts, *_bars(errors),
    )  # fmt: skip


def _bars(errors: Sequence[float]) -> list[str]:
    parts, end = [], LEFT + PITCH * len(errors)
    for decades, words in ((12, "10¹²"), (0, "1"), (-20, "10⁻²⁰"), (-40, "10⁻⁴⁰")):
        y = AXIS - decades * DECADE
        parts.append(
            svg.element("line", x1=LEFT - 4.0, x2=float(end), y1=y, y2=y, stroke="currentColor",
                        stroke_width="1.4" if decades == 0 else "0.6",
                        opacity="1" if decades == 0 else "0.3")
        )  # fmt: skip
        parts.append(svg.text(LEFT - 9, y + 5, words, text_anchor="end"))
    for k, size in enumerate(errors):
        height = math.log10(size) * DECADE
        parts.append(
            svg.element("rect", x=float(LEFT + PITCH * k), width=float(PITCH - 2),
                        y=AXIS - max(height, 0.7), height=max(abs(height), 1.4),
                        fill=svg.BACKWARD)
            if height > -0.7 else
            svg.element("rect", x=float(LEFT + PITCH * k), width=float(PITCH - 2), y=float(AXIS),
                        height=-height, fill=svg.BACKWARD)
        )  # fmt: skip
    foot = AXIS + 40 * DECADE + 18
    parts += [
        svg.text(LEFT + 2, foot, "unit 1", text_anchor="start"),
        svg.text(end, foot, "unit 50", text_anchor="end"),
        svg.text((LEFT + end) / 2, foot, "← error", svg.BACKWARD),
        svg.text(LEFT + 2, AXIS - 32, "fifty such units", text_anchor="start"),
    ]
    return parts


def _number(value: float) -> str:
    """Write up to three decimals, without zeros at the end."""
    return f"{value:.3f}".rstrip("0").rstrip(".")


def power(value: float) -> str:
    """Write about one digit, and far from 1 a power of ten."""
    exponent = math.floor(math.log10(value) + 1e-9)
    if -3 <= exponent <= 2:
        return f"{value:.1g}" if value < 0.95 else f"{value:.0f}"
    return (
        f"{value / 10.0**exponent:.0f}\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}10{svg.raised(exponent)}"
    )


CHAINS = (
    (0.5, None, "No biases. Each factor is below 1"),
    (1.0, None, "No biases. The factors creep up to 1, but none reaches it"),
    (2.0, None, "No biases. The units saturate: their slopes, and so the factors, are small"),
    (HOLDING, HOLD, "Biases (−0.81, then −0.01) keep every z at 0.25. Each factor is 1"),
    (2.0, HOLD, "Biases (−1.75, then −0.24) keep every z at 0.25. Each factor is 1.88"),
)
"""Weight, where biases keep z, and what there is to see."""


def frames() -> list[Frame]:
    """Return one frame a chain."""
    made = []
    for weight, hold, seen in CHAINS:
        errors = [unit.factor for unit in row(weight, hold)]
        three = math.prod(errors[:3])
        left = f"{three:.3f}" if three < 0.95 else f"{three:.2g}"
        words = (
            f"{seen}. Three units multiply an error by {left}, fifty by {power(math.prod(errors))}."
        )
        made.append(Frame(drawing(weight, hold), words))
    return made


def names() -> list[str]:
    """Return what the slider says in each frame."""
    return [
        _number(weight) + (" with biases" if hold is not None else "") for weight, hold, _ in CHAINS
    ]
