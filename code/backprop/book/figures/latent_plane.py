"""The figures of the chapter on the variational autoencoder: codes, draws and what is decoded.

Blue is a pass forward and vermilion a pass back, as in all drawings by hand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.activations import sigmoid
from backprop.arrays import Array, Labels
from backprop.book import latent
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing
from backprop.book.figures.digit_images import SIDE, glyphs, sheet
from backprop.book.figures.stepper import Frame, computed
from backprop.losses import GaussianKL
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
        circle: dict[str, Any] = {"cx": x, "cy": y, "r": self.side / self.reach, "fill": "none"}
        parts.append(svg.element("circle", stroke="currentColor", stroke_dasharray="4 3", **circle))
        return "".join(parts)

    def names(self, clear: Array | None = None) -> str:
        """Write each label in the middle of its codes, or near it: beside others and ``clear``."""
        kinds = np.unique(self.labels)
        middles = [np.median(self.codes[self.labels == kind], axis=0) for kind in kinds]
        kept = np.reshape([self.at(z) for z in (() if clear is None else clear)], (-1, 2))
        places = _apart(np.array([self.at(z) for z in middles]), kept)
        return "".join(_over(x, y + 5, str(k)) for (x, y), k in zip(places, kinds, strict=True))

    def decoded(self, network: Graph, across: int, name: str) -> str:
        """Draw what a network makes of codes: ``across`` × ``across`` images, each at its code."""
        line = ((np.arange(across) + 0.5) * 2 / across - 1) * self.reach
        z = np.stack(np.meshgrid(line, -line), axis=-1).reshape(-1, 2)
        images = latent.decoded(network, z)
        return sheet(images, across, self.left, self.top, self.side, name)


def _apart(places: Array, clear: Array) -> Array:
    """Push ``places`` until none is nearer than 19 to another, or than 15 to one of ``clear``."""
    places = places.copy()
    least = np.array([19.0] * len(places) + [15.0] * len(clear))[:, None]
    for _ in range(100):
        gaps = places[:, None] - np.concatenate([places, clear])
        far = np.linalg.norm(gaps, axis=2, keepdims=True)
        places += (np.where(far < least, 0.5 * (least - far), 0) * gaps / (far + 1e-9)).sum(axis=1)
    return places


def _over(x: float, y: float, words: str, **attributes: Any) -> str:
    """Write bold words with a margin of the page's ground, so that they can be read over dots."""
    return svg.text(x, y, words, font_weight=600, stroke=svg.GROUND, stroke_width="3",
                    paint_order="stroke", stroke_linejoin="round", **attributes)  # fmt: skip


def interpolations(
    network: Graph,
    digits: latent.Binary,
    shown: Sequence[int],
    title: str,
    steps: int = 3,
    across: int = 7,
) -> list[Frame]:
    """Walk from the code of one test digit to the next, and decode: a frame for each stop.

    The left half is the plane with the codes of all test digits, the right half the same plane,
    decoded. A dot and a ring are at the stop. Below, the test digits stand above their
    rebuilt images, and between these the images of the other stops.

    Parameters
    ----------
    network : Graph
        An autoencoder with two numbers a code.
    digits : Binary
        Of which all test digits are dots in the plane.
    shown : sequence of int
        The test digits that the walk visits, two or more.
    title : str
        Of every frame, before where it is.
    steps : int
        From one of these digits to the next, in a straight line.
    across : int
        Images in a row of the decoded plane.
    """
    top, side, left = 26.0, 200.0, 4.0
    codes, kinds = latent.codes(network, digits.test), digits.labels[list(shown)]
    corners = codes[list(shown)]
    stops = np.array([
        start + k / steps * (end - start)
        for start, end in pairwise(corners) for k in range(steps)
    ] + [corners[-1]])  # fmt: skip
    images = latent.decoded(network, stops)
    square = Plane(codes, digits.labels, left, top, side, 3.0)
    plane = Plane(codes[:0], digits.labels[:0], svg.WIDTH - left - side, top, side, square.reach)
    one = svg.WIDTH / len(stops)
    foot = top + side + 12
    cell = one / (SIDE + 2)
    originals = [(k * steps * one + cell, foot + cell) for k in range(len(shown))]
    walk = "M" + "L".join(f"{svg.fixed(x)} {svg.fixed(y)}" for x, y in map(square.at, corners))
    still = [
        square.drawn(),
        *(svg.element("path", d=walk, fill="none", stroke=paint, stroke_width=wide)
          for paint, wide in ((svg.GROUND, "5"), (svg.FORWARD, "2"))),
        square.names(stops),
        glyphs(digits.test[list(shown)], originals, cell),
        *(svg.text(x, y, words, text_anchor="start", font_weight=600) for x, y, words in (
            (left, 16, "codes of test digits"), (plane.left, 16, "codes, decoded"),
        )),
        svg.text(2 * one, foot + one / 2 + 5, "test digits"),
    ]  # fmt: skip
    frames = []
    for k, z in enumerate(stops):
        leg, part = divmod(k, steps)
        said = (
            f"{part} of {steps} parts of the way from the {kinds[leg]} to the {kinds[leg + 1]}."
            if part
            else f"The code of the test digit {kinds[leg]}, decoded."
        )
        box = {"x": k * one + 1, "y": foot + one + 1, "width": one - 2, "height": one - 2}
        moving = [
            plane.decoded(network, across, f"vae-map-{k}"), plane.drawn(),
            _spot(*square.at(z), 6.0, svg.FORWARD), _spot(*plane.at(z), 10.0, "none"),
            sheet(images, len(stops), 0.0, foot + one, svg.WIDTH, f"vae-walk-{k}"),
            svg.element("rect", fill="none", stroke=svg.FORWARD, stroke_width="2", rx=3, **box),
        ]  # fmt: skip
        markup = svg.picture(
            svg.WIDTH, foot + 2 * one + 3, f"{title}: stop {k + 1}", said, *still, *moving
        )
        # A drawing, like a picture, is not compared between machines; the caption is.
        frames.append(computed(markup, said))
    return frames


def _spot(x: float, y: float, r: float, fill: str) -> str:
    """Draw a blue circle with a margin of the page's ground."""
    looks = (svg.GROUND, "6"), (svg.FORWARD, "2.5")
    return "".join(svg.element("circle", cx=x, cy=y, r=r, fill=fill, stroke=ink, stroke_width=w)
                   for ink, w in looks)  # fmt: skip


def clouds(
    networks: Mapping[str, Graph],
    digits: latent.Binary,
    new: Array,
    shares: Mapping[str, float],
    each: int = 6,
    across: int = 9,
) -> list[Frame]:
    """Draw the clouds of test digits, and decode the plane and new codes: frames.

    A cloud is an ellipse around its mean, out to two standard deviations, as is the circle of
    p(z). It is a dot where it would be smaller than that.

    Parameters
    ----------
    networks : mapping of str to Graph
        Autoencoders with two numbers a code, by the factor of the divergence in training. There is
        a frame for each.
    digits : Binary
        Of which the test digits are drawn.
    new : array, shape (n, 2)
        Codes that are crosses among the clouds, unless the plane is zoomed out to show these, and
        decoded in a row below.
    shares : mapping of str to float
        By factor, how many of a hundred new codes lie in the cloud of a training digit.
    each : int
        Clouds of every label.
    across : int
        Images in a row of the decoded plane.
    """
    top, side, dot = 28.0, 198.0, 1.6
    left, wide = 4.0, svg.WIDTH - 8
    foot, high = top + side + 20, wide / len(new)
    some = np.concatenate([np.flatnonzero(digits.labels == kind)[:each] for kind in range(10)])
    frames = []
    for k, (factor, network) in enumerate(networks.items()):
        mean, deviation = latent.clouds(network, digits.test[some])
        near = float(np.abs(mean).max()) < 3.3
        reach = 3.6 if near else 14.0
        square = Plane(mean, digits.labels[some], left, top, side, reach)
        plane = Plane(mean[:0], square.labels[:0], left + wide - side, top, side, reach)
        parts = [square.drawn(dots=False)]
        for z, radii, kind in zip(mean, deviation * side / reach, square.labels, strict=True):
            (x, y), small = square.at(z), radii.max() < dot
            parts.append(svg.element(
                "ellipse", cx=x, cy=y, rx=max(radii[0], dot), ry=max(radii[1], dot),
                fill=KINDS[kind], fill_opacity=None if small else "0.1",
                stroke=None if small else KINDS[kind], stroke_width=None if small else "1",
            ))  # fmt: skip
        parts.append(
            square.names(new if near else None)
            if mean.std() > 0.1
            else _over(*square.at(np.zeros(2)), "all")
        )
        # Zoomed out, the crosses of new codes would be a knot.
        parts += [_cross(*square.at(z), 4.0) for z in new] if near else []
        parts += [plane.decoded(network, across, f"vae-plane-{k}"), plane.drawn()]
        for x, words in ((left, "clouds of test digits"), (plane.left, "codes, decoded")):
            parts.append(svg.text(x, 18, words, text_anchor="start", font_weight=600))
        far = f"from {-reach:g} to {reach:g}".replace("-", "\N{MINUS SIGN}")
        parts.append(svg.text(svg.WIDTH / 2, foot, f"both {far}{'' if near else ': zoomed out'}",
                              font_weight=400 if near else 600))  # fmt: skip
        parts += [_cross(left + 6, foot + 24, 5.0) if near else "",
                  svg.text(left + (18 if near else 0), foot + 29, "new codes from p(z), decoded",
                           text_anchor="start", font_weight=600),
                  sheet(latent.decoded(network, new), len(new), left, foot + 37, wide,
                        f"vae-new-{k}")]  # fmt: skip
        pixels, divergence = (round(term, 1) for term in latent.terms(network, digits.test))
        caption = (
            f"Pixels {pixels:.1f} + divergence {divergence:.1f} = {pixels + divergence:.1f} nats."
            f" Of new codes, {shares[factor]:.0f} % lie in the ellipse of a training digit."
        )
        said = (
            f"{len(some)} clouds in a plane {far}; beside it, what the decoder makes of"
            f" {across**2} codes of this plane, and below, of {len(new)} random codes"
        )
        markup = svg.picture(svg.WIDTH, foot + 37 + high + 4, f"Factor {factor}", said, *parts)
        # A drawing, like a picture, is not compared between machines; the caption is.
        frames.append(computed(markup, caption))
    return frames


def _cross(x: float, y: float, arm: float) -> str:
    """Draw an upright cross with a margin of the page's ground."""
    d = (
        f"M{svg.fixed(x - arm)} {svg.fixed(y)}h{2 * arm:g}"
        f"M{svg.fixed(x)} {svg.fixed(y - arm)}v{2 * arm:g}"
    )
    looks = (svg.GROUND, svg.fixed(arm)), ("currentColor", svg.fixed(arm / 2.2))
    return "".join(svg.element("path", d=d, stroke=ink, stroke_width=w) for ink, w in looks)


def bounds(joint: tuple[float, float], votes: Mapping[str, float], title: str) -> Drawing:
    """Draw how far the bound of a coin lies below ln p(x): a row for each q.

    Parameters
    ----------
    joint : (float, float)
        p(x, heads) and p(x, tails).
    votes : mapping of str to float
        The probability that q gives heads, by its name.
    title : str
        Of the drawing.
    """
    exact = math.log(sum(joint))
    left, right, top, high = 112.0, 396.0, 28.0, 38.0
    low = top + high * len(votes)
    parts = [svg.text(4, 16, "heads in q", text_anchor="start", font_weight=600),
             svg.text(right + 8, 16, f"ln p(x) = {_four(exact)}", text_anchor="end",
                      font_weight=600),
             svg.element("line", x1=right, y1=top - 6, x2=right, y2=low, stroke="currentColor",
                         stroke_width="2")]  # fmt: skip
    said = []
    for k, (name, vote) in enumerate(votes.items()):
        shares = [(q, p) for q, p in zip((vote, 1 - vote), joint, strict=True) if q]
        lower = sum(q * math.log(p / q) for q, p in shares)
        gap = exact - lower
        x, y = right - gap / 0.25 * (right - left), top + high * k + 27
        said.append(f"bound {_four(lower)}, gap {_four(gap)}")
        parts += [
            svg.text(4, y + 5, name, text_anchor="start"),
            svg.element("line", x1=x, y1=y, x2=right, y2=y, stroke=KINDS[1], stroke_width="7"),
            svg.element("circle", cx=x, cy=y, r=4.5, fill=svg.FORWARD),
            svg.text(right - 10, y - 11, said[-1], text_anchor="end"),
        ]
    said = [f"heads {name}: {words}" for name, words in zip(votes, said, strict=True)]
    return drawing(title, low + 4, "; ".join(said), *parts)


def _four(value: float) -> str:
    """Return a number with four decimals, and 0 as it is."""
    return "0" if abs(value) < 5e-9 else f"{value:.4f}".replace("-", "\N{MINUS SIGN}")


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
        svg.text(20, mu[1] - 33, "4 · 1 = 4", svg.BACKWARD, text_anchor="start", **bold),
        svg.text(20, tau[1] + 43, "4 · 2 = 8", svg.BACKWARD, text_anchor="start", **bold),
    ]
    said = (
        "Above: μ and τ lead to a draw, the draw to z = 2, and z to z² = 4. The slope 4 comes back"
        " to z and stops at the draw. Below: μ = 1, τ = ½ and the noise ξ = 2 lead to z = 2. The"
        " slope 4 passes on as 4 to μ and as 8 to τ."
    )
    return drawing(title, down + 196, said, *parts)


def one_pass(
    network: Graph, digits: latent.Binary, which: int, noise: Array, title: str
) -> Drawing:
    """Draw one image's way through the autoencoder: its cloud, some draws, and what they become.

    Parameters
    ----------
    network : Graph
        An autoencoder with two numbers a code.
    digits : Binary
        Of which the test digit ``which`` is drawn.
    which : int
        Its place among the test digits.
    noise : array, shape (3, 2)
        A row for each draw. They are decoded from the highest in the plane to the lowest.
    title : str
        Of the drawing.
    """
    top, side, high, images = 28.0, 140.0, 58.0, 324.0
    image = digits.test[which : which + 1]
    mean, deviation = (row[0] for row in latent.clouds(network, image))
    z = mean + deviation * noise
    z = z[np.argsort(-z[:, 1])]
    logits = network.named["decoder"].forward(z)
    costs = [round(float(cost), 1) for cost in latent.pixel_costs(logits, image)]
    answer = np.concatenate([mean, 2 * np.log(deviation)])[None]
    nats = round(GaussianKL().forward(answer, np.zeros_like(answer)), 1)
    square = Plane(z, np.zeros(len(z), dtype=int), 124.0, top, side, 2.6)
    (x, y), radii = square.at(mean), deviation * side / square.reach
    first, last = {"text_anchor": "start"}, {"text_anchor": "end"}
    bold: dict[str, Any] = {"font_weight": 600}
    parts = [
        svg.text(4, 16, "image", **first, **bold), svg.text(293, 16, "decoder", **bold),
        svg.text(94, 16, "encoder", **bold), svg.text(416, 16, "pixels", **last, **bold),
        glyphs(image, [(4.0, 44.0)], 7.0), square.drawn(dots=False),
        svg.pointer((64, 72), (x - radii[0] - 4, y + 3), svg.FORWARD, "1.4", 8.2, 3.8),
        svg.element("ellipse", cx=x, cy=y, rx=radii[0], ry=radii[1], fill=KINDS[1],
                    fill_opacity="0.25", stroke=KINDS[1], stroke_width="1.5"),
        svg.text(*square.at(np.array([-0.4, -1.4])), "p(z)"),
    ]  # fmt: skip
    for k, (code, cost) in enumerate(zip(z, costs, strict=True)):
        row, spot = top + k * (high + 2), square.at(code)
        parts += [
            svg.pointer(spot, (images - 4, row + high / 2), svg.FORWARD, "1.4", 8.2, 3.8),
            svg.element("circle", cx=spot[0], cy=spot[1], r=3, fill=svg.FORWARD),
            sheet(sigmoid(logits[k : k + 1]), 1, images, row, high, f"vae-pass-{k}"),
            svg.text(416, row + high / 2 + 5, f"{cost:.1f}", **last),
        ]  # fmt: skip
    both = [
        ", ".join(f"{value + 0:.{places}f}" for value in np.round(pair, places))
        for pair, places in ((mean, 1), (deviation, 2))
    ]
    parts += [
        svg.text(4, 128, f"μ = {both[0]}", **first), svg.text(4, 148, f"τ = {both[1]}", **first),
        svg.text(square.left + side / 2, top + side + 19, f"divergence {nats:.1f}"),
        svg.text(416, top + side + 60, f"loss of the last draw: {costs[-1]:.1f} + {nats:.1f}"
                 f" = {costs[-1] + nats:.1f} nats", **last),
    ]  # fmt: skip
    said = (
        f"The encoder answers the image of a {digits.labels[which]} with a cloud, μ = {both[0]} and"
        f" τ = {both[1]}. Three draws from it are decoded, and the pixels cost"
        f" {', '.join(f'{cost:.1f}' for cost in costs)} nats. The divergence is {nats:.1f}."
    )
    return drawing(title, top + side + 66, said, *parts)


def two_errors(title: str) -> Drawing:
    """Draw one number's way through the autoencoder, and both errors on their way back.

    μ = 1 and τ = ½ with the noise 2 give z = 2; the decoder returns z, where x = 0 was the image.
    """
    y, low = 96.0, 206.0
    code, z, a, loss = (150.0, y), (252.0, y), (334.0, y), (384.0, low)
    kl, xi = (code[0], low), (z[0], 26.0)
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
    ink, back = "currentColor", svg.BACKWARD
    bold: dict[str, Any] = {"font_weight": 600}
    first, last = {"text_anchor": "start"}, {"text_anchor": "end"}
    for x, foot, words, paint, look in (
        (62, y - 16, "encoder", ink, bold),
        (code[0], y - 48, "μ = 1", ink, {}), (code[0], y - 31, "ℓ = ln ¼", ink, {}),
        (xi[0] + 44, xi[1] + 5, "ξ = 2", ink, {}), (z[0] - 38, y - 30, "z = 2", ink, {}),
        (a[0], y - 34, "a = 2", ink, {}),
        (416, y + 20, "x = 0", ink, last), (416, y + 37, "costs", ink, last),
        (416, y + 54, "4", ink, last),
        (208, low - 13, "0.82", ink, {}), (344, low + 44, "4 + 0.82 = 4.82", ink, {}),
        ((code[0] + z[0]) / 2, y + 42, "μ: 4, ℓ: 2", back, {}),
        ((z[0] + a[0]) / 2, y + 26, "4", back, {}), (338, y + 70, "4", back, {}),
        (208, low + 27, "1", back, {}),
        (code[0] - 14, (y + low) / 2 + 23, "μ: 1, ℓ: −⅜", back, last),
        (6, y + 32, "μ: 4 + 1 = 5", back, bold | first),
        (6, y + 52, "ℓ: 2 − ⅜ = 1⅝", back, bold | first),
    ):  # fmt: skip
        parts.append(svg.text(x, foot, words, paint, **look))
    said = (
        "The encoder answers μ = 1 and ℓ = ln ¼, so τ = ½. With the noise ξ = 2, the draw is z = 2,"
        " and so is the decoder's answer a. The image 0 costs 4, the divergence KL is 0.82, and the"
        " loss is their sum, 4.82. The error 4 comes back to a and z, and by the draw as 4 to μ and"
        " as 2 to ℓ. From the divergence, 1 and -⅜ arrive. The sums are 5 and 1⅝."
    )
    return drawing(title, low + 50, said, *parts)
