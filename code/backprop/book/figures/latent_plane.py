"""The figures of the chapter on the variational autoencoder: codes, draws and what is decoded.

Blue is a pass forward and vermilion a pass back, as in all drawings by hand. The two estimators of
a gradient are green (through the draw) and purple, dashed (by the score).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.activations import sigmoid
from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.digit_images import SIDE, glyphs
from backprop.layers import Layer

RIM = 26
"""Radius of a node."""
ACROSS, REACH = 9, 2.0
"""Images on a side of the plane, and its numbers' range."""


@dataclass(frozen=True)
class Clouds:
    """What an encoder names for a few digits, and codes drawn for more of them.

    ``mean``, ``tau`` and ``drawn`` are of shape (n, 2), ``more`` of shape (m, 2); ``middle`` and
    ``reach`` say which square of the plane is shown.
    """

    mean: Array
    tau: Array
    drawn: Array
    more: Array
    middle: tuple[float, float]
    reach: float


def _plane(clouds: Clouds, left: float, top: float, side: float, names: Sequence[str]) -> str:
    """Draw the clouds out to 2 τ, what was drawn, and the same circle of the standard normal."""
    scale = side / (2 * clouds.reach)

    def at(z: Array) -> tuple[float, float]:
        x, y = (z - np.array(clouds.middle)) * scale
        return float(left + side / 2 + x), float(top + side / 2 - y)

    parts = [svg.element("rect", x=left, y=top, width=side, height=side, fill="none",
                         stroke="currentColor", opacity="0.4")]  # fmt: skip
    inside = np.abs(clouds.more - np.array(clouds.middle)).max(axis=1) < clouds.reach - 2 / scale
    for code in clouds.more[inside]:
        x, y = at(code)
        parts.append(svg.element("circle", cx=x, cy=y, r=1.3, fill="currentColor", opacity="0.3"))
    x, y = at(np.zeros(2))
    parts.append(svg.element("circle", cx=x, cy=y, r=2 * scale, fill="none", stroke="currentColor",
                             stroke_dasharray="4 3", stroke_width="1.3"))  # fmt: skip
    for mean, tau, drawn, name in zip(clouds.mean, clouds.tau, clouds.drawn, names, strict=True):
        (x, y), (rx, ry) = at(mean), 2 * tau * scale
        parts.append(svg.element("ellipse", cx=x, cy=y, rx=max(float(rx), 2.0),
                                 ry=max(float(ry), 2.0), fill=svg.FORWARD, fill_opacity="0.22",
                                 stroke=svg.FORWARD, stroke_width="1.6"))  # fmt: skip
        parts.append(svg.text(x, y - max(float(ry), 2.0) - 4, name, font_weight=600))
        if name:
            x, y = at(drawn)
            parts.append(svg.element("circle", cx=x, cy=y, r=3.0, fill=svg.BACKWARD))
    return "".join(parts)


def two_forces(
    images: Array, again: Array, clouds: Mapping[str, Clouds], names: Sequence[str], title: str
) -> Drawing:
    """Draw images, their clouds in the plane and images of draws; and two planes by one force.

    ``clouds`` has the names "both", "pixels" and "divergence"; ``names`` are those of the images.
    """
    top, side, cell = 26.0, 170.0, 3.5
    left, step = (svg.WIDTH - side) / 2, (side - SIDE * cell) / (len(images) - 1)
    far, half = svg.WIDTH - 14.0 - SIDE * cell, top + side / 2
    parts = []
    for edge, pictures in ((14.0, images), (far, again)):
        parts.append(glyphs(pictures, [(edge, top + k * step) for k in range(len(images))], cell))
    for x, words in (
        (33.0, "images"),
        (left + side / 2, "clouds of codes"),
        (369.0, "images again"),
    ):
        parts.append(svg.text(x, 16, words, font_weight=600))
    for start, words in ((54.0, "encoder"), (left + side + 8, "decoder")):
        parts.append(svg.pointer((start, half), (start + 62, half), svg.FORWARD, "2.2", 10, 5))
        parts.append(svg.text(start + 28, half - 9, words))
    parts.append(_plane(clouds["both"], left, top, side, names))
    low, small = top + side + 12, 100.0
    for edge, key, words in (
        (14.0, "pixels", "apart, thin"),
        (212.0, "divergence", "centred, wide"),
    ):
        given = names if key == "pixels" else [""] * len(names)
        parts.append(_plane(clouds[key], edge, low, small, given))
        first, second = words.split(" ")
        for k, word in enumerate((key, "alone:", first, second)):
            weight = 600 if k == 0 else None
            parts.append(svg.text(edge + small + 8, low + 30 + 18 * k, word, text_anchor="start",
                                  font_weight=weight))  # fmt: skip
    said = (
        f"Images of {', '.join(names)} at the left, their clouds in a plane in the middle, images"
        " decoded from a draw of each cloud at the right. Below, the clouds by the pixels alone and"
        " by the divergence alone"
    )
    return drawing(title, low + small + 6, said, *parts)


def planes(decoders: Mapping[str, Layer], title: str) -> Drawing:
    """Draw what two decoders make of each point on a grid of the plane.

    The second has images for whole first numbers alone, and so both fit side by side.
    """
    top, step, cell = 28.0, 27.0, 2.95
    high = np.linspace(REACH, -REACH, ACROSS)
    low, foot = top + (ACROSS - 1) * step + 8 * cell, top + ACROSS * step
    parts = []
    columns = np.linspace(-REACH, REACH, ACROSS), np.arange(-REACH, REACH + 1)
    for (name, decoder), line, left in zip(decoders.items(), columns, (24.0, 287.0), strict=True):
        codes = np.array([(x, y) for y in high for x in line])
        places = [
            (left + j * step, top + i * step) for i in range(ACROSS) for j in range(len(line))
        ]
        parts.append(glyphs(sigmoid(decoder.forward(codes)), places, cell))
        parts.append(svg.text(left, 16, name, text_anchor="start", font_weight=600))
        for j, value in enumerate(line):
            if value == round(value):
                parts.append(svg.text(left + j * step + 4 * cell, foot + 13, f"{value:.0f}"))
    for i, value in enumerate(high[::-1]):
        if value == round(value):
            height = low - 4 * cell + 5 - i * step
            parts.append(svg.text(18.0, height, f"{value:.0f}", text_anchor="end"))
    parts.append(svg.text(svg.WIDTH / 2, foot + 32, "first number of the code"))
    said = (
        f"Rows of images by two decoders, {ACROSS} rows each; the code's numbers run from -2 to 2"
    )
    return drawing(title, foot + 42, said, *parts)


# The draw in a graph.


def _way(
    start: tuple[float, float], end: tuple[float, float], paint: str, thick: float, *, shift: float
) -> str:
    """Draw an arrow from rim to rim, ``shift`` to the left of the line between the middles."""
    (x1, y1), (x2, y2) = svg.between(start, end, RIM + 3, RIM + 4)
    length = math.hypot(x2 - x1, y2 - y1)
    dx, dy = shift * (y2 - y1) / length, -shift * (x2 - x1) / length
    return svg.pointer(
        (x1 + dx, y1 + dy), (x2 + dx, y2 + dy), paint, svg.fixed(thick), 6 + 1.6 * thick,
        3 + 0.6 * thick,
    )  # fmt: skip


def _disc(x: float, y: float, name: str) -> str:
    rim = svg.element(
        "circle", cx=x, cy=y, r=RIM, fill=svg.GROUND, stroke="currentColor", stroke_width="1.5"
    )
    return rim + svg.text(x, y + 5, name, font_weight=600)


def _there_and_back(start: tuple[float, float], end: tuple[float, float], back: bool) -> str:
    parts = _way(start, end, svg.FORWARD, 1.4, shift=5.0)
    return parts + (_way(end, start, svg.BACKWARD, 3.4, shift=5.0) if back else "")


def _die(x: float, y: float) -> str:
    """Draw a die that shows five."""
    half = 17.0
    box = svg.element(
        "rect", x=x - half, y=y - half, width=2 * half, height=2 * half, rx=6, fill=svg.GROUND,
        stroke="currentColor", stroke_width="1.8",
    )  # fmt: skip
    spots = ((-1, -1), (1, -1), (0, 0), (-1, 1), (1, 1))
    return box + "".join(
        svg.element("circle", cx=x + 8.5 * i, cy=y + 8.5 * j, r=3, fill="currentColor")
        for i, j in spots
    )


def two_ways(title: str) -> Drawing:
    """Draw a graph with a draw inside it, and the same with the noise as an input."""
    mu, tau, middle = (44.0, 58.0), (44.0, 122.0), (170.0, 90.0)
    z, f = (276.0, 90.0), (386.0, 90.0)
    bold: dict[str, Any] = {"font_weight": 600}
    parts = [svg.text(14, 20, "The draw is inside", text_anchor="start", **bold)]
    parts += [_there_and_back(mu, middle, False), _there_and_back(tau, middle, False)]
    parts += [_there_and_back(middle, z, True), _there_and_back(z, f, True)]
    parts += [_disc(*mu, "μ = 1"), _disc(*tau, "τ = ½"), _die(*middle)]
    parts += [_disc(*z, "z"), _disc(*f, "f")]
    parts.append(svg.text(120, 94, "?", svg.BACKWARD, font_size=26, **bold))
    parts += [svg.text(331, 122, "slope 4", svg.BACKWARD), svg.text(z[0], 59, "z = 2"),
              svg.text(f[0], 59, "z² = 4")]  # fmt: skip
    down = 158.0
    parts.append(
        svg.element(
            "line", x1=10.0, y1=down, x2=410.0, y2=down, stroke="currentColor", opacity="0.3"
        )
    )
    parts.append(svg.text(14, down + 22, "The noise is an input", text_anchor="start", **bold))
    mu, tau, f = (44.0, down + 74), (44.0, down + 146), (386.0, down + 110)
    z, xi = (230.0, down + 110), (230.0, down + 38)
    parts += [_there_and_back(mu, z, True), _there_and_back(tau, z, True)]
    parts += [_there_and_back(xi, z, False), _there_and_back(z, f, True)]
    parts += [_die(*xi), _disc(*mu, "μ = 1"), _disc(*tau, "τ = ½")]
    parts += [_disc(*z, "z"), _disc(*f, "f")]
    parts += [
        svg.text(xi[0] + 28, xi[1] + 5, "ξ = 2", text_anchor="start"),
        svg.text(140, down + 73, "slope 1", text_anchor="start"),
        svg.text(126, down + 162, "slope ξ = 2", text_anchor="start"),
        svg.text(z[0] + 4, z[1] + 40, "z = 1 + ½ · 2 = 2", text_anchor="start"),
        svg.text(f[0], f[1] - 31, "z² = 4"),
        svg.text(308, f[1] - 14, "slope 2z = 4", svg.BACKWARD),
        svg.text(20, mu[1] - 28, "4 · 1 = 4", svg.BACKWARD, text_anchor="start", **bold),
        svg.text(20, tau[1] + 38, "4 · 2 = 8", svg.BACKWARD, text_anchor="start", **bold),
    ]
    said = (
        "Above: μ and τ lead to a draw, the draw to z = 2, and z to z² = 4. The slope 4 comes back"
        " to z and stops at the draw. Below: μ = 1, τ = ½ and the noise ξ = 2 lead to z = 2. The"
        " slope 4 passes on as 4 to μ and as 8 to τ."
    )
    return drawing(title, down + 196, said, *parts)


# Variances.


def variances(
    theory: Mapping[str, tuple[Array, Array]], measured: Mapping[str, tuple[Array, Array]],
    places: tuple[Array, Array], title: str,
) -> Drawing:  # fmt: skip
    """Draw the variance of three estimators over a sigmoid's factor and over a sum's length.

    Parameters
    ----------
    theory, measured : mapping of str to pair of arrays
        By estimator, over the factors and over the lengths of ``places``: through the draw, by the
        score, and by the score with a baseline. Those measured have a row a seed.
    places : pair of arrays
        The factors and the lengths.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.5))
    green, purple = COLORS[2], COLORS[3]
    looks = (green, "-", "o"), (purple, "--", "s"), (purple, ":", "^")
    for k, ax in enumerate(axes):
        for name, (color, line, mark) in zip(theory, looks, strict=True):
            ax.plot(places[k], theory[name][k], line, color=color)
            runs = measured[name][k]
            ax.vlines(places[k], runs.min(axis=0), runs.max(axis=0), color=color, linewidth=3)
            ax.plot(places[k], np.median(runs, axis=0), mark, color=color, markersize=5)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ticks = [1, 4, 16, 64]
        ax.set(xticks=ticks, xticklabels=map(str, ticks))
        ax.minorticks_off()
    axes[0].set(xlabel="factor in σ(factor · z)", ylim=(0.002, 10))
    axes[1].set(xlabel="squares in the sum Σ z²", ylim=(1, 40_000))
    axes[0].set_title("variance of one estimate", loc="left", fontsize=11)
    path, score, centred = theory
    axes[0].text(3, 0.012, path, color=green)
    axes[0].text(1.1, 0.75, score, color=purple)
    axes[0].text(70, 0.06, centred, color=purple, ha="right")
    axes[1].text(6, 1.15, path, color=green, va="bottom")
    axes[1].text(1.2, 900, score, color=purple)
    axes[1].text(70, 11, centred, color=purple, ha="right")
    return plotted(fig, title)


# How many images are read.


def shares(
    panels: Mapping[str, Mapping[str, Mapping[str, Array]]],
    limits: Mapping[str, float],
    title: str,
) -> Drawing:
    """Draw shares in per cent: a panel for each name, a row for each network, a mark a kind.

    Parameters
    ----------
    panels : mapping
        By panel, network and kind of codes ("own", "one", "ten"): the shares of several runs.
    limits : mapping of str to float
        Shares that are drawn as lines from top to bottom.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    fig, axes = plt.subplots(1, 2, figsize=(4.6, 2.5), sharey=True)
    looks = {
        "own": ("0.5", "o", 0.24),
        "ten": (COLORS[0], "^", 0.0),
        "one": (COLORS[1], "s", -0.24),
    }
    for ax, (name, rows) in zip(axes, panels.items(), strict=True):
        for limit in limits.values():
            ax.axvline(limit, color="0.5", linestyle="--", linewidth=1)
        for k, kinds in enumerate(rows.values()):
            for kind, (color, mark, shift) in looks.items():
                high = len(rows) - 1 - k + shift
                ax.hlines(high, kinds[kind].min(), kinds[kind].max(), color=color, linewidth=2)
                ax.plot(np.median(kinds[kind]), high, mark, color=color, markersize=6)
        ax.set(xlim=(10, 90), xticks=[20, 40, 60, 80], ylim=(-0.6, len(rows) + 0.1))
        ax.set_title(name, loc="left", fontsize=11)
        ax.set_yticks(range(len(rows)), list(rows)[::-1])
        ax.grid(visible=False)
    axes[0].set_xlabel("images read, in %")
    top = len(rows) - 0.35
    for (name, limit), side in zip(limits.items(), ("left", "right"), strict=True):
        shift = 1.5 if side == "left" else -1.5
        axes[0].text(limit + shift, top, name, ha=side, color="0.45")
    for kind, (color, _, shift) in looks.items():
        axes[1].text(23, 1.65 * shift, kind, color=color, va="center")
    return plotted(fig, title)
