"""A Matplotlib figure as SVG inside a page: its text stays text and takes the page's colours."""

from __future__ import annotations

import hashlib
import re
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl

from backprop.book.figures.plots import COLORS, GREY, INK, PAPER

PAINTS = {
    COLORS[0]: f"var(--bp-blue, {COLORS[0]})",
    GREY: "var(--bp-ink, currentColor)",
    INK: "currentColor",
    PAPER: "var(--bp-ground, Canvas)",
}
"""What the style's neutral colours become, and the one that is too dark for a dark page."""
GLYPHS = {("cmsy10", "0"): "′"}
"""What Matplotlib's formulas take from TeX's symbol fonts, which no page has."""
# Numbers in these say where something is. Others, such as an opacity, must keep their digits.
PLACES = re.compile(r' (?:d|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)="[^"]*"')
MOVES = re.compile(r"(?:translate|rotate)\([^)]*\)")


def inline(
    figure: Any,
    title: str,
    *,
    unique: str,
    dpi: int = 100,
    bbox_inches: str | None = None,
    width: float | None = None,
) -> str:
    """Return a figure as an ``<svg>`` that may stand in a page beside others.

    Text is in the page's font, so that it is read out and stays sharp. The drawing's class,
    ``bp-drawn``, marks it as Matplotlib's: like a picture, it is not compared between machines.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Stays open.
    title : str
        What the picture shows, for those who do not see it.
    unique : str
        Different for each figure of a page; the ids inside derive from it and from the drawing,
        so that they are the same in every run.
    dpi : int
        Of the parts that are pixels.
    bbox_inches : {None, "tight"}
        "tight" leaves out empty margins.
    width : float, optional
        Pixels of the page per point of the figure; without it the figure is as wide as its place.

    Raises
    ------
    ValueError
        If a formula has a glyph that is no character of any text font.
    """
    buffer = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "backprop"}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(
            buffer, format="svg", dpi=dpi, transparent=True, metadata=nothing,
            bbox_inches=bbox_inches,
        )  # fmt: skip
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = _own_ids(svg, hashlib.sha256((unique + svg).encode()).hexdigest()[:8])
    svg = _shorter(_recoloured(_stripped(_in_words(svg))))
    end = svg.index(">") + 1
    opening = re.sub(r' (?:width|height)="[^"]*"', "", svg[4:end])
    head = f'<svg class="bp-drawn" role="img" aria-label="{escape(title)}" stroke-linejoin="round"'
    if width is not None:
        _, _, points, _ = re.search(r'viewBox="([^"]*)"', svg)[1].split()  # type: ignore[index]
        head += f' width="{float(points) * width:.0f}"'
    return head + opening + f"<title>{escape(title)}</title>" + svg[end:].strip()


def _in_words(svg: str) -> str:
    """Turn glyphs of TeX's symbol fonts into the characters that they look like."""

    def character(found: re.Match[str]) -> str:
        start, font, glyph = found.groups()
        if (font, glyph) not in GLYPHS:
            raise ValueError(f"inline: {glyph!r} of {font} is no text, expected one of {GLYPHS}")
        return start + GLYPHS[font, glyph]

    return re.sub(r"(<t(?:ext|span)[^>]*\b(cm\w+10)\b[^>]*>)([^<]*)", character, svg)


def _own_ids(svg: str, prefix: str) -> str:
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    # What nothing refers to needs no id; two equal images would share theirs.
    used = set(re.findall(r'(?:href="|\()#([^")]+)', svg))
    return re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)


def _stripped(svg: str) -> str:
    # Matplotlib's style element would rule the whole page.
    unwanted = r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->|font-family: [^;\"]*;?"
    svg = re.sub(unwanted, "", svg, flags=re.DOTALL)
    # Older releases write size and family as one; the page's family is meant.
    svg = re.sub(r"\bfont: [^;\"]*?([\d.]+px) [^;\"]*", r"font-size: \1", svg)
    svg = re.sub(r' transform="rotate\(-0 [^"]*"', "", svg)
    svg = svg.replace('xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    svg = re.sub(r"\s*\n\s*", " ", svg.replace("xlink:href", "href"))
    return svg.replace("> <", "><")


def _recoloured(svg: str) -> str:
    """Let the page decide the neutral colours.

    So are black lines and marks. Black words stay black: they stand on coloured cells.
    """
    svg = svg.replace('style="stroke: #000000', 'style="fill: currentColor; stroke: currentColor')
    svg = svg.replace("stroke: #000000", "stroke: currentColor")
    for colour, paint in PAINTS.items():
        svg = re.sub(rf"(?<=: ){colour}\b", paint, svg, flags=re.IGNORECASE)
    return svg


def _shorter(svg: str) -> str:
    """Round coordinates to a tenth of a unit, which is less than can be seen; never text."""

    def tenth(number: re.Match[str]) -> str:
        return f"{float(number[0]):.1f}".removesuffix(".0")

    def place(attribute: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d+", tenth, attribute[0])

    def tag(text: re.Match[str]) -> str:
        return MOVES.sub(place, PLACES.sub(place, text[0]))

    return re.sub(r"<[^>]*>", tag, svg)
