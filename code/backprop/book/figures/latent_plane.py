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

from backprop.arrays import Array, Labels
from backprop.book import latent
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.digit_images import SIDE, glyphs
from backprop.book.figures.stepper import Frame
from backprop.network import Graph

RIM = 26
"""Radius of a node."""
KINDS = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7",
    "#8C6D31", "#56B4E9", "#7F7F7F", "#9467BD", "#A6A61C",
)  # fmt: skip
"""One colour a digit, from 0 to 9."""


@dataclass(frozen=True)
class Plane:
    """A square of the plane in a drawing, with codes of labelled digits.

    ``codes`` has the shape (n, 2). The square's upper left corner is (``left``, ``top``); it is
    ``side`` wide, shows the plane around (0, 0) out to ``reach``, and leaves out what lies outside.
    """

    codes: Array
    labels: Labels
    left: float
    top: float
    side: float
    reach: float

    def at(self, z: Array) -> tuple[float, float]:
        """Return where a code stands in the drawing."""
        x, y = (np.asarray(z) / self.reach + np.array([1, -1])) * self.side / 2
        return float(self.left + x), float(self.top - y)

    def drawn(self, dots: bool = True) -> str:
        """Draw the square, a dot for each code, and the standard normal out to two deviations."""
        square = {"x": self.left, "y": self.top, "width": self.side, "height": self.side}
        parts = [svg.element("rect", fill="none", stroke="currentColor", opacity="0.4", **square)]
        inside = np.abs(self.codes).max(axis=1) < self.reach
        for kind, paint in enumerate(KINDS if dots else ()):
            places = [self.at(z) for z in self.codes[inside & (self.labels == kind)]]
            path = "".join(f"M{svg.fixed(x)} {svg.fixed(y)}h0" for x, y in places)
            if path:
                parts.append(svg.element("path", d=path, stroke=paint, stroke_width="3.6",
                                         stroke_linecap="round", opacity="0.75"))  # fmt: skip
        x, y = self.at(np.zeros(2))
        parts.append(svg.element("circle", cx=x, cy=y, r=self.side / self.reach, fill="none",
                                 stroke="currentColor", stroke_dasharray="4 3"))  # fmt: skip
        return "".join(parts)

    def names(self) -> str:
        """Write each label in the middle of its codes, which is their median."""
        parts = []
        for kind in np.unique(self.labels):
            x, y = self.at(np.median(self.codes[self.labels == kind], axis=0))
            parts.append(_over(x, y + 5, str(kind)))
        return "".join(parts)

    def rings(self, codes: Array, radius: float = 4.0) -> str:
        """Draw an open circle at each of some codes."""
        return "".join(
            svg.element("circle", cx=x, cy=y, r=radius, fill=svg.GROUND, stroke="currentColor",
                        stroke_width="1.6")
            for x, y in map(self.at, codes)
        )  # fmt: skip


def _over(x: float, y: float, words: str, **attributes: Any) -> str:
    """Write bold words with a margin of the page's ground, so that they can be read over dots."""
    return svg.text(x, y, words, font_weight=600, stroke=svg.GROUND, stroke_width="3",
                    paint_order="stroke", stroke_linejoin="round", **attributes)  # fmt: skip


def _line(start: tuple[float, float], end: tuple[float, float], **attributes: Any) -> str:
    return svg.element("line", x1=start[0], y1=start[1], x2=end[0], y2=end[1], **attributes)


def from_image_to_image(
    plane: tuple[Array, Labels], images: tuple[Array, Array], new: tuple[Array, Array], title: str
) -> Drawing:
    """Draw test digits, their codes among others in a plane, and images of codes that were drawn.

    Parameters
    ----------
    plane : (codes, labels)
        Of many test digits.
    images, new : (images, codes)
        A few test digits, and a few images that were decoded, from top to bottom.
    """
    top, side, cell = 26.0, 184.0, 6.0
    square = Plane(*plane, (svg.WIDTH - side) / 2, top, side, 3.0)
    far = svg.WIDTH - 8.0 - SIDE * cell
    lines, rows = [], []
    for edge, rim, (pictures, codes) in ((8.0, 8.0 + SIDE * cell + 4, images), (far, far - 4, new)):
        step = (side - SIDE * cell) / (len(codes) - 1)
        rows.append(glyphs(pictures, [(edge, top + k * step) for k in range(len(codes))], cell))
        for k, z in enumerate(codes):
            lines.append(_line((rim, top + k * step + SIDE * cell / 2), square.at(z),
                               stroke=svg.FORWARD, stroke_width="1.8"))  # fmt: skip
    ends = [svg.element("circle", cx=x, cy=y, r=4.0, fill=svg.FORWARD)
            for x, y in map(square.at, images[1])]  # fmt: skip
    bold: dict[str, Any] = {"font_weight": 600}
    heads = [svg.text(8, 16, "digits", text_anchor="start", **bold),
             svg.text(svg.WIDTH / 2, 16, "their codes", **bold),
             svg.text(svg.WIDTH - 8, 16, "new digits", text_anchor="end", **bold),
             svg.text(8, top + side + 20, "encoder →", text_anchor="start"),
             svg.text(svg.WIDTH - 8, top + side + 20, "decoder →", text_anchor="end")]  # fmt: skip
    said = (
        f"{len(images[1])} images of digits at the left, lines from them to their codes in a plane"
        f" with the codes of many digits, and lines from {len(new[1])} open circles in the plane to"
        " the images decoded from them, at the right"
    )
    return drawing(title, top + side + 28, said, *heads, square.drawn(), *lines, *ends,
                   square.rings(new[1]), square.names(), *rows)  # fmt: skip


def clouds(
    networks: Mapping[str, Graph],
    digits: latent.Binary,
    new: Array,
    each: int = 6,
    shown: Sequence[int] = (0, 4, 6),
) -> list[Frame]:
    """Draw the clouds of test digits, digits beside what comes back, and new ones: frames.

    A cloud is an ellipse around its mean; its half-axes are the standard deviations.

    Parameters
    ----------
    networks : mapping of str to Graph
        Autoencoders with two numbers a code, by the factor of the divergence in training. There is
        a frame for each.
    digits : Binary
        Of which the test digits are drawn.
    new : array, shape (n, 2)
        Codes, open circles in the plane, that every network decodes.
    each : int
        Clouds of every label.
    shown : sequence of int
        Labels, of which the first test digit stands beside the plane.
    """
    top, side, cell = 28.0, 178.0, 6.4
    where = [np.flatnonzero(digits.labels == kind)[:each] for kind in range(10)]
    some = np.concatenate(where)
    images = digits.test[[where[kind][0] for kind in shown]]
    wide = SIDE * cell
    frames = []
    for factor, network in networks.items():
        mean, deviation = latent.clouds(network, digits.test[some])
        reach = 3.3 if float(np.abs(mean).max()) < 3.3 else 14.0
        square = Plane(mean, digits.labels[some], 8.0, top, side, reach)
        unit = side / 2 / reach
        parts = [square.drawn(dots=False)]
        for z, (across, up), kind in zip(mean, deviation, square.labels, strict=True):
            x, y = square.at(z)
            parts.append(svg.element(
                "ellipse", cx=x, cy=y, rx=max(across * unit, 1.6), ry=max(up * unit, 1.6),
                fill=KINDS[kind], fill_opacity="0.2", stroke=KINDS[kind], stroke_width="1.2",
            ))  # fmt: skip
        parts.append(square.rings(new, 3.0))
        parts.append(square.names() if mean.std() > 0.1 else _over(*square.at(np.zeros(2)), "all"))
        edges = 8.0 + side + 58, svg.WIDTH - 22 - wide
        again = latent.decoded(network, latent.codes(network, images))
        step = (side - wide) / (len(shown) - 1)
        for edge, word, column in zip(edges, ("digit", "back"), (images, again), strict=True):
            parts.append(svg.text(edge + wide / 2, 18, word, font_weight=600))
            parts.append(glyphs(column, [(edge, top + k * step) for k in range(len(shown))], cell))
        parts.append(svg.text(8, 18, "clouds of test digits", text_anchor="start", font_weight=600))
        far = f"from {-reach:g} to {reach:g}".replace("-", "\N{MINUS SIGN}")
        parts.append(svg.text(8 + side / 2, top + side + 18, far))
        low = top + side + 46
        parts.append(svg.text(8, low - 6, f"{len(new)} new: draws from p(z)",
                              text_anchor="start", font_weight=600))  # fmt: skip
        pitch = (svg.WIDTH - 16 - wide) / (len(new) - 1)
        places = [(8 + k * pitch, low) for k in range(len(new))]
        parts.append(glyphs(latent.decoded(network, new), places, cell))
        pixels, divergence = latent.terms(network, digits.test)
        caption = f"The pixels cost {pixels:.1f} nats, the divergence is {divergence:.1f}."
        said = (
            f"{len(some)} clouds in a plane {far}; beside it, digits and what comes back; below,"
            f" what {len(new)} draws become"
        )
        named = f"Factor {factor}"
        frames.append(Frame(svg.picture(svg.WIDTH, low + wide + 6, named, said, *parts), caption))
    return frames


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


def two_errors(title: str) -> Drawing:
    """Draw one number's way through the autoencoder, and both errors on their way back.

    μ = 1 and τ = ½ with the noise 2 give z = 2; the decoder of a single pixel answers a = z - 2.
    """
    y, low = 96.0, 206.0
    code, z, a, loss = (104.0, y), (204.0, y), (304.0, y), (386.0, low)
    kl, xi = (104.0, low), (204.0, 26.0)
    edge = code[0] - RIM - 4
    parts = [
        svg.pointer((10, y - 5), (edge, y - 5), svg.FORWARD, "1.4", 8.2, 3.8),
        svg.pointer((edge + 1, y + 5), (10, y + 5), svg.BACKWARD, "3.4", 11.4, 5.0),
    ]
    for start, end in ((code, z), (z, a), (a, loss), (code, kl), (kl, loss)):
        parts.append(_there_and_back(start, end, True))
    parts += [_there_and_back(xi, z, False), _die(*xi)]
    names = (code, "μ, ℓ"), (z, "z"), (a, "a"), (loss, "L"), (kl, "KL")
    parts += [_disc(*place, name) for place, name in names]
    ink, back, bold = "currentColor", svg.BACKWARD, {"font_weight": 600}
    for x, foot, words, paint, look in (
        (40, y - 16, "encoder", ink, bold),
        (code[0], y - 48, "μ = 1", ink, {}), (code[0], y - 31, "τ = ½", ink, {}),
        (xi[0] + 44, xi[1] + 5, "ξ = 2", ink, {}), (z[0] + 44, y - 20, "z = 2", ink, {}),
        (a[0] + 24, y - 36, "a = z − 2 = 0", ink, {}),
        (378, y + 33, "x = 1 costs", ink, {}), (384, y + 51, "0.69", ink, {}),
        (160, low - 13, "0.82", ink, {}), (346, low + 44, "0.69 + 0.82 = 1.51", ink, {}),
        (154, y + 26, "−½, −¼", back, {}), (254, y + 26, "−½", back, {}),
        (321, y + 66, "−½", back, {}),
        (82, (y + low) / 2 + 5, "1, −⅜", back, {"text_anchor": "end"}),
        (218, y + 56, "μ: −½ + 1 = ½", back, bold), (218, y + 77, "ℓ: −¼ − ⅜ = −⅝", back, bold),
    ):  # fmt: skip
        parts.append(svg.text(x, foot, words, paint, **look))
    said = (
        "The encoder answers μ = 1 and ℓ = ln ¼, so τ = ½. With the noise ξ = 2, the draw is z = 2"
        " and the decoder's answer a = z - 2 = 0. The pixel costs 0.69, the divergence KL is 0.82,"
        " and the loss is their sum, 1.51. The error -½ comes back to a and z, and by the draw as"
        " -½ to μ and as -¼ to ℓ. From the divergence, 1 and -⅜ arrive. The sums are ½ and -⅝."
    )
    return drawing(title, low + 50, said, *parts)


# Variances.


def variances(
    theory: Mapping[str, Array], measured: Mapping[str, Array], lengths: Array, title: str
) -> Drawing:
    """Draw the variance of three estimators over the number of squares in a sum.

    Parameters
    ----------
    theory, measured : mapping of str to array
        By estimator, over the ``lengths``: through the draw, by the score, and by the score with a
        baseline. Those measured have a row a seed.
    """
    from backprop.book.figures.plots import COLORS

    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 1.9))
    looks = (COLORS[2], "-", "o"), (COLORS[3], "--", "s"), (COLORS[3], ":", "^")
    for (name, values), (color, line, mark) in zip(theory.items(), looks, strict=True):
        ax.plot(lengths, values, line, color=color)
        runs = measured[name]
        ax.vlines(lengths, runs.min(axis=0), runs.max(axis=0), color=color, linewidth=3)
        ax.plot(lengths, np.median(runs, axis=0), mark, color=color, markersize=5)
        ax.text(lengths[-1] * 1.15, values[-1], name, color=color, va="center")
    ax.set(xscale="log", yscale="log", xlabel="squares in the sum", ylim=(2, 40_000))
    ax.set(xticks=lengths, xticklabels=map(str, lengths))
    ax.minorticks_off()
    ax.set_title("variance of one estimate", loc="left", fontsize=11)
    return plotted(fig, title)
