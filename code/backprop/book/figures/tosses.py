"""A figure of coin tosses: how often each split comes up, and which are at least as uneven."""

from __future__ import annotations

from math import comb

from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing
from backprop.book.figures.digit_images import ABOVE


def splits(won: int, lost: int, title: str) -> Drawing:
    """Draw a bar for each split of fair tosses; those at least as uneven as ours are filled.

    Parameters
    ----------
    won, lost : int
        Our split, of at most nine tosses: more words would not fit.
    title : str
        Of the drawing.
    """
    tosses = won + lost
    ways = [comb(tosses, k) for k in range(tosses + 1)]
    uneven = [abs(2 * k - tosses) >= abs(won - lost) for k in range(tosses + 1)]
    pitch, floor, high = 412 / (tosses + 1), 150.0, 120.0
    parts = [
        svg.element("line", x1=4, y1=floor, x2=416, y2=floor, stroke="currentColor",
                    stroke_width="1")
    ]  # fmt: skip
    for k, (count, far) in enumerate(zip(ways, uneven, strict=True)):
        middle, tall = 4 + pitch * (k + 0.5), high * count / max(ways)
        fill, opacity = (ABOVE, "1") if far else ("currentColor", "0.2")
        parts.append(
            svg.element("rect", x=middle - 0.38 * pitch, y=floor - tall, width=0.76 * pitch,
                        height=tall, fill=fill, opacity=opacity)
        )  # fmt: skip
        weight = 700 if far else 400
        parts.append(svg.text(middle, floor - tall - 7, str(count), font_weight=weight))
        parts.append(svg.text(middle, floor + 19, f"{k} : {tosses - k}", font_weight=weight))
    far_ways = sum(count for count, far in zip(ways, uneven, strict=True) if far)
    words = f"filled: {far_ways} of {sum(ways)} ways"
    parts.append(svg.text(4, 24, words, text_anchor="start", font_weight=600))
    said = "; ".join(f"{k} to {tosses - k}: {count} ways" for k, count in enumerate(ways))
    return drawing(title, floor + 28, f"{words}; {said}", *parts)
