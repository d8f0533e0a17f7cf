"""Figures of tosses: how often each result comes up, and which are at least as far out as ours."""

from __future__ import annotations

from math import comb

import numpy as np
from scipy import stats

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


def tails(rates: tuple[float, float], errors: int, images: int, title: str) -> Drawing:
    """Draw the numbers of errors at the two ends of a confidence interval, one above the other.

    Filled are the numbers that are at least as far out as ours, above it at the lower rate and
    below it at the higher.

    Parameters
    ----------
    rates : (float, float)
        Lower and higher, of one error.
    errors, images : int
        Ours, and among how many.
    title : str
        Of the drawing.
    """
    most = min(images, 3 * errors)
    counts = np.arange(most + 1)
    pitch, high, parts, said = 412 / (most + 1), 60.0, [], []
    for k, rate in enumerate(rates):
        floor = 64.0 + 76.0 * k
        chances = stats.binom.pmf(counts, images, rate)
        far = counts <= errors if k else counts >= errors
        share = stats.binom.cdf(errors, images, rate) if k else stats.binom.sf(
            errors - 1, images, rate
        )  # fmt: skip
        for count, chance, out in zip(counts, chances, far, strict=True):
            tall = high * chance / chances.max()
            parts.append(
                svg.element("rect", x=4 + pitch * (count + 0.12), y=floor - tall,
                            width=0.76 * pitch, height=tall, opacity="1" if out else "0.2",
                            fill=ABOVE if out else "currentColor")
            )  # fmt: skip
        parts.append(
            svg.element("line", x1=4, y1=floor, x2=416, y2=floor, stroke="currentColor",
                        stroke_width="1")
        )  # fmt: skip
        rated = f"{rate:.1%}:".replace("%", " %")
        words = f"{errors} or {'fewer' if k else 'more'} in {share:.1%}".replace("%", " %")
        at, anchor = (4.0, "start") if k else (416.0, "end")
        for line, up in ((rated, 46), (words, 28)):
            parts.append(svg.text(at, floor - up, line, text_anchor=anchor, font_weight=600))
        said.append(f"{rated} {words}")
    for tick in range(0, most + 1, 5):
        weight = 700 if tick == errors else 400
        parts.append(svg.text(4 + pitch * (tick + 0.5), 158, str(tick), font_weight=weight))
    parts.append(svg.text(210, 178, f"errors on {images} images"))
    return drawing(title, 184, "; ".join(said), *parts)
