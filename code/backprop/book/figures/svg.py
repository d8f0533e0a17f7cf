"""SVG as text, and what the drawn figures share: their size, colours, circles and words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from typing import Any

WIDTH, RADIUS, LINE = 420, 23, 17
"""Of a drawing, of the circle of a unit or node, and from one line of text to the next."""
FONT = 14
"""14 units of 420 are more than 11 px where the figure is 340 px wide, as on a phone."""
FORWARD = "var(--bp-forward, #0072B2)"
BACKWARD = "var(--bp-backward, #B34E00)"
GROUND = "var(--bp-ground, Canvas)"
"""What words and circles stand on: the page's own ground."""

Texts = dict[str, dict[Any, str]]
"""By direction, "forward" and "backward", the text at each node or edge."""


def fixed(value: float, digits: int = 1) -> str:
    """Write a number as JavaScript's ``toFixed`` does: ties go away from zero."""
    unit = Decimal(1).scaleb(-digits)
    return str(Decimal(float(value)).quantize(unit, rounding=ROUND_HALF_UP))


def element(name: str, *content: str, **attributes: str | float | None) -> str:
    """Return an element of markup.

    Parameters
    ----------
    name : str
        The tag.
    *content : str
        Markup; plain text must have been escaped.
    **attributes : str, float, int or None
        ``stroke_width`` becomes ``stroke-width``, ``class_`` becomes ``class``; a float is a
        coordinate and keeps one decimal; an attribute that is None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{written}>{''.join(content)}</{name}>" if content else f"<{name}{written}/>"


def _value(value: str | float) -> str:
    return fixed(value) if isinstance(value, float) else escape(str(value))


def picture(
    width: float, height: float, title: str, description: str, *content: str, **attributes: Any
) -> str:
    """Return an ``<svg>`` that a screen reader announces as one image."""
    settings: dict[str, Any] = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {width:.0f} {height:.0f}",
        "role": "img",
        "font_family": "inherit",
        "font_size": FONT,
        "text_anchor": "middle",
    }
    names = element("title", escape(title)), element("desc", escape(description))
    return element("svg", *names, *content, **settings | attributes)


def text(x: float, y: float, words: str, fill: str = "currentColor", **attributes: Any) -> str:
    """Return words with their middle at x and their foot at y; a minus sign is a true one."""
    return element("text", escape(_minus(words)), x=float(x), y=float(y), fill=fill, **attributes)


def _minus(words: str) -> str:
    return re.sub(r"(?<![\w)])-(?=\d)", "−", words)


def raised(k: int) -> str:
    """Write a whole number as an exponent."""
    return str(k).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def lowered(*indices: int) -> str:
    """Write indices, one beside the other, as a subscript."""
    return "".join(map(str, indices)).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def plate(x: float, y: float, words: str, fill: str) -> str:
    """Return words, their middle at (x, y), on a plate of the page's ground.

    A line ends at the plate instead of running through the words.
    """
    w = width(words)
    ground = element("rect", x=x - w / 2, y=y - LINE / 2, width=w, height=LINE + 1, fill=GROUND)
    return ground + text(x, y + 5, words, fill)


def width(words: str) -> float:
    """Return about how wide words are drawn, a margin included."""
    return 0.55 * FONT * len(words) + 6


def stack(x: float, y: float, lines: Sequence[tuple[str, str]]) -> list[str]:
    """Return plates of (words, fill), one below another, the first one's middle at (x, y)."""
    return [plate(x, y + k * LINE, words, fill) for k, (words, fill) in enumerate(lines)]


def both_ways(texts: Texts, key: Any, fill: str) -> list[tuple[str, str]]:
    """Return the words at ``key`` of the way forward and then of the way back, with their fill."""
    paints = {"forward": fill, "backward": BACKWARD}
    return [(texts[way][key], paint) for way, paint in paints.items() if key in texts[way]]


def disc(x: float, y: float, name: str, mark: str | None) -> str:
    """Return the circle of a unit or node with its name; ``mark`` is the colour of a thick rim."""
    rim = element(
        "circle", cx=float(x), cy=float(y), r=RADIUS, fill=GROUND, stroke=mark or "currentColor",
        stroke_width="4" if mark else "1.5",
    )  # fmt: skip
    return rim + text(x, y + 5, name, font_weight=600)


def between(
    start: tuple[float, float], end: tuple[float, float], after: float, before: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the points so far ``after`` the start of a line and ``before`` its end: on rims."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    return (
        (start[0] + after * ux, start[1] + after * uy),
        (end[0] - before * ux, end[1] - before * uy),
    )


def pointer(
    start: tuple[float, float],
    tip: tuple[float, float],
    paint: str,
    thick: str | float,
    head: float,
    half: float,
    **line: str | float | None,
) -> str:
    """Draw an arrow whose point, ``head`` long and twice ``half`` wide, touches ``tip``.

    ``thick`` is the width of its line, which may have further attributes.
    """
    dx, dy = tip[0] - start[0], tip[1] - start[1]
    length = math.hypot(dx, dy)
    ux, uy = dx / length, dy / length
    x, y = tip[0] - head * ux, tip[1] - head * uy
    corners = [tip, (x - half * uy, y + half * ux), (x + half * uy, y - half * ux)]
    points = " ".join(f"{fixed(a)},{fixed(b)}" for a, b in corners)
    shaft = element(
        "line", x1=start[0], y1=start[1], x2=x, y2=y, stroke=paint, stroke_width=thick, **line
    )
    return shaft + element("polygon", points=points, fill=paint)


def blank() -> Texts:
    """Return texts of both directions, none yet."""
    return {"forward": {}, "backward": {}}


def described(texts: Mapping[str, Texts], names: Mapping[str, Callable[[Any], str]]) -> str:
    """Say in words what a drawing shows; ``names`` has, by kind, what a key is called."""
    parts = [
        f"{names[kind](key)}: {_minus(words)}"
        for kind, both in texts.items()
        for kept in both.values()
        for key, words in kept.items()
    ]
    return "; ".join(parts) or "No value yet."
