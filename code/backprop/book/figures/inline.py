"""A Matplotlib figure as SVG inside a page: its text stays text and takes the page's colours."""

from __future__ import annotations

import hashlib
import re
from html import escape
from io import StringIO
from typing import Any

import matplotlib as mpl

from backprop.book.figures.plots import GREY, INK, PAPER

PAINTS = {
    GREY: "var(--bp-ink, currentColor)",
    INK: "currentColor",
    PAPER: "var(--bp-ground, Canvas)",
}
"""What the style's neutral colours become; all others stay what they are."""
# Numbers in these say where something is. Others, such as an opacity, must keep their digits.
PLACES = re.compile(r' (?:d|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)="[^"]*"')
MOVES = re.compile(r"(?:translate|rotate)\([^)]*\)")


def inline(figure: Any, title: str, *, unique: str) -> str:
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
        Different for each figure of a page; the ids inside derive from it, so that they are the
        same in every run.
    """
    buffer = StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": unique}):
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", dpi=100, transparent=True, metadata=nothing)
    svg = buffer.getvalue()
    svg = _own_ids(svg[svg.index("<svg") :], hashlib.sha256(unique.encode()).hexdigest()[:8])
    svg = _shorter(_recoloured(_stripped(svg)))
    end = svg.index(">") + 1
    opening = re.sub(r' (?:width|height)="[^"]*"', "", svg[4:end])
    head = f'<svg class="bp-drawn" role="img" aria-label="{escape(title)}" stroke-linejoin="round"'
    return head + opening + f"<title>{escape(title)}</title>" + svg[end:].strip()


def _own_ids(svg: str, prefix: str) -> str:
    svg = re.sub(r'(\bid="|"#|url\(#)', rf"\g<1>{prefix}-", svg)
    # What nothing refers to needs no id; two equal images would share theirs.
    used = set(re.findall(r'(?:"|\()#([^")]+)', svg))
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
