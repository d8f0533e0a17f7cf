"""Draw the README's figure: one digit through a network, and the gradient back to its pixels.

Every shade and number is computed here by the library that the book teaches: a network of 784, 100
and 2 units learns to tell zeros from ones, and one image of a one is sent through it and back. A
line joins each hidden unit with the pixel that moves it most, and with both outputs. The drawing
brings its own ground, so that it looks the same on a light and on a dark page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from backprop import AdamW, Dense, Sequential, Sigmoid, SoftmaxCrossEntropy, fit, load_digits
from backprop.activations import softmax
from backprop.book.figures.svg import element, picture, text

OUT = Path(__file__).resolve().parent.parent / "book" / "_static" / "hero.svg"
GROUND, PAPER, INK, QUIET = "#0f1623", "#1b2536", "#f4f6fa", "#b8c2d3"
FORWARD, BACKWARD = "#6cc3f0", "#f5a54f"
WIDTH, HEIGHT, PIXEL = 1000, 650, 7.5
SIDE = 28 * PIXEL
LEFT, COLUMNS, OUTPUTS = 48.0, 500.0, 790.0
"""The left edges of the images and of the hidden units, and the middle of the outputs."""
LANES = {"forward": 66.0, "backward": 388.0}
"""The upper edges of what goes forward and of what comes back."""

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Journey:
    """What one image met: values on the way forward, gradients of the loss on the way back."""

    x: Vector
    """(784,)"""
    hidden: Vector
    """(100,)"""
    p: Vector
    """(2,)"""
    loss: float
    d_out: Vector
    """(2,), ∂L/∂z of the outputs."""
    d_hidden: Vector
    """(100,), ∂L/∂z of the hidden units."""
    dx: Vector
    """(784,)"""
    W: tuple[Vector, Vector]
    """(784, 100) and (100, 2)."""


def travelled() -> tuple[Sequential, Journey]:
    """Train the network, and send the test set's least certain one through it and back."""
    data = load_digits(classes=(0, 1), size=28)
    rng = np.random.default_rng(0)
    first, last = Dense(784, 100, rng=rng), Dense(100, 2, rng=rng)
    squash = Sigmoid()
    network, loss = Sequential([first, squash, last]), SoftmaxCrossEntropy()
    # The decay fades what the random start has left in the weights and the data does not ask for.
    optimizer = AdamW(network, 0.003, weight_decay=1.0)
    fit(network, loss, optimizer, data.x_train, data.y_train, epochs=40, batch_size=32, rng=rng,
        measure=False)  # fmt: skip
    ones = data.x_test[data.y_test == 1]
    x = ones[softmax(network.forward(ones))[:, 1].argmin()][None]
    hidden = squash.forward(first.forward(x))
    z = last.forward(hidden)
    value = loss.forward(z, np.array([1]))
    d_out = loss.backward()
    d_hidden = squash.backward(last.backward(d_out))
    dx = first.backward(d_hidden)
    return network, Journey(
        x[0], hidden[0], softmax(z)[0], float(value), d_out[0], d_hidden[0], dx[0],
        (first.parameters["W"], last.parameters["W"]),
    )  # fmt: skip


def shade(value: float) -> str:
    """Write an opacity."""
    return f"{abs(value):.2f}"


def unit_places(top: float) -> Vector:
    """Return the middles of 100 units in five columns, shape (100, 2)."""
    column, row = np.divmod(np.arange(100), 20)
    return np.column_stack([COLUMNS + 16 * column, top + 5 + row * (SIDE - 10) / 19])


def pixel_place(index: int, top: float) -> tuple[float, float]:
    row, column = divmod(index, 28)
    return LEFT + (column + 0.5) * PIXEL, top + (row + 0.5) * PIXEL


def image(values: Vector, top: float, fills: tuple[str, str]) -> str:
    """Draw an image whose largest magnitude is opaque; fills are for values above and below 0."""
    scaled = values / np.abs(values).max()
    squares = [
        element(
            "rect", x=x - PIXEL / 2, y=y - PIXEL / 2, width=PIXEL, height=PIXEL,
            fill=fills[int(value < 0)], fill_opacity=shade(value),
        )
        for index, value in enumerate(scaled)
        if abs(value) >= 0.02
        for x, y in [pixel_place(index, top)]
    ]  # fmt: skip
    frame = element(
        "rect", x=LEFT - 6, y=top - 6, width=SIDE + 12, height=SIDE + 12, rx=8, fill=PAPER
    )
    return frame + element("g", *squares, shape_rendering="crispEdges")


def strands(strength: Vector, ends: list[str], color: str) -> str:
    """Draw lines as opaque as they are strong."""
    scaled = np.sqrt(np.abs(strength) / np.abs(strength).max())
    drawn = [
        element("path", d=d, stroke_opacity=shade(0.6 * s))
        for d, s in zip(ends, scaled, strict=True)
        if s >= 0.05
    ]
    return element("g", *drawn, fill="none", stroke=color, stroke_width="0.9")


def curve(x0: float, y0: float, x1: float, y1: float) -> str:
    middle = (x0 + x1) / 2
    return f"M{x0:.1f} {y0:.1f}C{middle:.1f} {y0:.1f} {middle:.1f} {y1:.1f} {x1:.1f} {y1:.1f}"


def lane(journey: Journey, name: str) -> str:
    """Draw one direction: image, units and outputs with what joins them."""
    forward = name == "forward"
    top, color = LANES[name], FORWARD if forward else BACKWARD
    units, outputs = unit_places(top), [(OUTPUTS, top + SIDE * share) for share in (0.25, 0.75)]
    W, V = journey.W
    # How much each pixel moves each unit; how much passes along each weight to or from an output.
    moved = np.abs(journey.x[:, None] * W)
    strongest = moved.argmax(axis=0)
    ends = [
        curve(*pixel_place(int(i), top), *unit) for i, unit in zip(strongest, units, strict=True)
    ]
    if forward:
        values, at_outputs, pixels = journey.hidden, journey.p, journey.x
        along_w, along_v = moved.max(axis=0), journey.hidden[:, None] * V
    else:
        values, at_outputs, pixels = journey.d_hidden, journey.d_out, journey.dx
        along_w, along_v = journey.d_hidden * W[strongest, np.arange(100)], journey.d_out * V
    scaled = values / np.abs(values).max()
    dots = [
        element("circle", cx=float(x), cy=float(y), r=4, fill=PAPER)
        + element("circle", cx=float(x), cy=float(y), r=4, fill=color, fill_opacity=shade(v))
        for (x, y), v in zip(units, scaled, strict=True)
    ]
    joins = [curve(*unit, *output) for unit in units for output in outputs]
    circles = [
        element("circle", cx=x, cy=y, r=34, fill=PAPER, stroke=color, stroke_width="2.5")
        + text(x, y + 7, f"{v:.2f}" if forward else f"{v:+.2f}", INK, font_size=19)
        for (x, y), v in zip(outputs, at_outputs, strict=True)
    ]
    return "".join(
        [
            image(pixels, top, (INK, INK) if forward else (BACKWARD, FORWARD)),
            strands(along_w, ends, color), strands(along_v.ravel(), joins, color),
            *dots, *circles,
        ]
    )  # fmt: skip


def words(x: float, y: float, what: str, fill: str, size: int = 19, **attributes: str) -> str:
    return text(x, y, what, fill, font_size=size, **attributes)


def labels(journey: Journey) -> str:
    """Say what is what."""
    middle = COLUMNS + 32
    rows = {
        "forward": ("x: 784 pixels", "a = σ(xW + b)", "p = softmax(z)"),
        "backward": ("∂L/∂x: orange raises L, blue lowers it", "∂L/∂z of 100 units", "p − y"),
    }
    out = []
    for name, (left, centre, right) in rows.items():
        color = FORWARD if name == "forward" else BACKWARD
        foot = LANES[name] + SIDE + 34
        out += [
            words(LEFT, LANES[name] - 22, name, color, 25, text_anchor="start", font_weight="600"),
            words(LEFT, foot, left, QUIET, text_anchor="start"),
            words(middle, foot, centre, QUIET),
            words(OUTPUTS, foot, right, QUIET),
        ]
        for share, digit in ((0.25, "0"), (0.75, "1")):
            y = LANES[name] + SIDE * share + 7
            out.append(words(OUTPUTS + 48, y, f"“{digit}”", QUIET, text_anchor="start"))
    x, y = OUTPUTS + 136, HEIGHT / 2
    turn = f"M{x - 36:.1f} {y - 150:.1f}C{x + 40:.1f} {y - 150:.1f} {x + 20:.1f} {y - 80:.1f}"
    back = f"M{x + 12:.1f} {y + 44:.1f}C{x + 20:.1f} {y + 90:.1f} {x + 30:.1f} {y + 150:.1f}"
    arrow = {"fill": "none", "stroke_width": "3", "stroke_linecap": "round"}
    out += [
        element("path", d=f"{turn} {x + 12:.1f} {y - 44:.1f}", stroke=FORWARD, **arrow),
        element("path", d=f"{back} {x - 30:.1f} {y + 150:.1f}", stroke=BACKWARD, **arrow),
        element("path", d=f"M{x - 36:.1f} {y + 150:.1f}l14 -8v16z", fill=BACKWARD, stroke=BACKWARD),
        words(x + 8, y - 12, "loss L", INK, 21),
        words(x + 8, y + 16, f"{journey.loss:.3f}", INK, 23, font_weight="600"),
    ]
    return "".join(out)


def drawing(journey: Journey) -> str:
    """Return the figure."""
    described = (
        "Above, in blue: the image of a handwritten one passes through 100 hidden units to two"
        f" outputs, which give the zero {journey.p[0]:.2f} and the one {journey.p[1]:.2f}. The loss"
        f" is {journey.loss:.3f}. Below, in orange: its gradient goes back through the same units"
        " to every pixel. Orange pixels raise the loss when they get brighter, blue ones lower it."
    )
    ground = element("rect", width=WIDTH, height=HEIGHT, rx=18, fill=GROUND)
    return picture(
        WIDTH, HEIGHT, "A digit forward through a network, and the gradient back to its pixels",
        described, ground, lane(journey, "forward"), lane(journey, "backward"), labels(journey),
        font_family="system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif",
    )  # fmt: skip


def main() -> None:
    OUT.write_text(drawing(travelled()[1]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
