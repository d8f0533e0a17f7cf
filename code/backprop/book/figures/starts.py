"""The figures of the chapter on initialization, and the signals that they show.

Blue is forward and orange is backward in all of them. A prediction is a line, and a measurement is
a mark with the range of its seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from backprop.activations import ACTIVATIONS
from backprop.arrays import Array
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, drawing, plotted, pyplot
from backprop.book.figures.depth import expected
from backprop.book.figures.digit_images import SIDE, glyphs, signed
from backprop.book.figures.stepper import Frame, drawn
from backprop.layers import (
    ELU,
    GELU,
    Dense,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
)
from backprop.layers.activation import Activation
from backprop.losses import SoftmaxCrossEntropy

Rule = Callable[[int, int], float]
"""(n_in, n_out) → variance of the weights."""
LAYERS: dict[str, type[Activation]] = {
    layer.name: layer
    for layer in (Identity, Sigmoid, Tanh, ReLU, LeakyReLU, Softplus, ELU, SiLU, GELU)
}
RULES: dict[str, Rule] = {
    "1/n_in": lambda n_in, n_out: 1 / n_in,
    "Glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "1/n_out": lambda n_in, n_out: 1 / n_out,
}
NAMES = {"relu": "ReLU", "leaky_relu": "leaky ReLU", "elu": "ELU", "silu": "SiLU", "gelu": "GELU"}
HIDDEN, BATCH = 128, 32
SHOWN = (0, 2, 4, 6, 8, 10)
"""The layers of the first figure, of which 0 is the image."""
ROWS = {0.5: "weights × ½", 1.0: "weights × 1", 2.0: "weights × 2"}
NARROW = 64
WIDE = (512, 256, 128, 96, 64)
PAIRS = 10


class Sizes(NamedTuple):
    """Mean squares in a chain of layers at the start.

    Attributes
    ----------
    forward : array, shape (layers,)
        Of the pre-activations z, from the first layer to the last.
    backward : array, shape (layers,)
        Of the errors δ = ∂L/∂z in the same order; 1 at the last.
    """

    forward: Array
    backward: Array


def moment(f: Callable[[Array], Array], q: float) -> float:
    """Return E[f(z)²] for a normal z with mean 0 and variance q."""
    return expected(lambda z: f(z) ** 2, q)


def predicted(name: str, widths: Sequence[int], rule: Rule) -> Sizes:
    """Return what the two recursions say, if the inputs have the mean square 1.

    ``widths`` has the input first. Activations stand between the layers, and not after the last.
    """
    phi, phi_prime = ACTIVATIONS[name]
    variances = [rule(a, b) for a, b in pairwise(widths)]
    forward = [widths[0] * variances[0]]
    for n, variance in zip(widths[1:], variances[1:], strict=False):
        forward.append(n * variance * moment(phi, forward[-1]))
    backward = [1.0]
    for n, variance, q in zip(widths[:1:-1], variances[:0:-1], forward[-2::-1], strict=True):
        backward.append(n * variance * backward[-1] * moment(phi_prime, q))
    return Sizes(np.array(forward), np.array(backward[::-1]))


def _chain(
    name: str, widths: Sequence[int], rule: Rule, rng: np.random.Generator
) -> tuple[list[Dense], list[Activation]]:
    """Return random layers, and the activations between them."""

    def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return rng.normal(0, np.sqrt(rule(*shape)), shape)

    dense = [Dense(a, b, rng=rng, initializer=normal) for a, b in pairwise(widths)]
    return dense, [LAYERS[name]() for _ in dense[1:]]


ERRORS = ("random", "labels", "outputs")
"""The error at the top: drawn, of softmax cross-entropy on random labels, or of ½ Σ z²."""


def measured(
    name: str, widths: Sequence[int], rule: Rule, seed: int, error: str = "random"
) -> Sizes:
    """Return what one network of ``backprop`` layers shows: normal inputs, one of ``ERRORS``."""
    if error not in ERRORS:
        raise ValueError(f"measured: error is {error!r}, expected one of {ERRORS}")
    rng = np.random.default_rng(seed)
    dense, between = _chain(name, widths, rule, rng)
    forward: list[float] = []
    a: Array = rng.normal(size=(BATCH, widths[0]))
    for k, layer in enumerate(dense):
        z = layer.forward(a)
        forward.append(float(np.mean(z**2)))
        if k < len(between):
            a = between[k].forward(z)
    delta: Array = z
    if error == "random":
        delta = rng.normal(size=z.shape)
    elif error == "labels":
        loss = SoftmaxCrossEntropy()
        loss.forward(z, rng.integers(widths[-1], size=BATCH))
        delta = loss.backward()
    top = float(np.mean(delta**2))
    backward = [1.0]
    for k in range(len(between) - 1, -1, -1):
        delta = between[k].backward(dense[k + 1].backward(delta))
        backward.append(float(np.mean(delta**2)) / top)
    return Sizes(np.array(forward), np.array(backward[::-1]))


def several(
    name: str, widths: Sequence[int], rule: Rule, seeds: Sequence[int], error: str = "random"
) -> Sizes:
    """Return one row per seed."""
    runs = [measured(name, widths, rule, seed, error) for seed in seeds]
    return Sizes(np.array([r.forward for r in runs]), np.array([r.backward for r in runs]))


def differences(name: str, widths: Sequence[int], rule: Rule, seeds: Sequence[int]) -> Array:
    """Return how much z differs between examples: one row per seed, one column per layer.

    It is the mean variance of a unit over the examples, in the networks of :func:`several`.
    """
    rows = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        dense, between = _chain(name, widths, rule, rng)
        z = dense[0].forward(rng.normal(size=(BATCH, widths[0])))
        row = [float(z.var(axis=0).mean())]
        for activation, layer in zip(between, dense[1:], strict=True):
            z = layer.forward(activation.forward(z))
            row.append(float(z.var(axis=0).mean()))
        rows.append(row)
    return np.array(rows)


# The first figure.


def passed(image: Array, weights: Sequence[Array], scale: float) -> list[Array]:
    """Return the image, divided by its own size, and what each ReLU layer makes of it."""
    a = [image / np.sqrt(np.mean(image**2))]
    for W in weights:
        a.append(np.maximum(a[-1] @ (scale * W), 0))
    return a


def size(a: Array) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(a))))


def fading(image: Array, weights: Sequence[Array], title: str) -> Drawing:
    """Draw one image's way through ten ReLU layers of 64 units, at three scales of the weights."""
    cell, left, across, down = 6.6, 12.0, 68.5, 113
    parts = [svg.text(left + SIDE * cell / 2, 16, "image")]
    for k, layer in enumerate(SHOWN[1:], 1):
        words = f"layer {layer}" if k == 1 else str(layer)
        parts.append(svg.text(left + SIDE * cell / 2 + k * across, 16, words))
    said = []
    for row, (scale, name) in enumerate(ROWS.items()):
        top = 46.0 + row * down
        values = passed(image, weights, scale)
        parts.append(svg.text(left, top - 7, name, text_anchor="start", font_weight=600))
        seen = [values[layer] for layer in SHOWN]
        places = [(left + k * across, top) for k in range(len(seen))]
        parts.append(glyphs(np.clip(np.array(seen) / 3, 0, 1), places, cell))
        sizes = [_plain(size(a)) for a in seen]
        for (x, _), number in zip(places, sizes, strict=True):
            box = {"fill": "none", "stroke": "currentColor", "opacity": "0.4"}
            parts.append(
                svg.element("rect", x=x, y=top, width=SIDE * cell, height=SIDE * cell, **box)
            )
            parts.append(
                svg.text(x + SIDE * cell / 2, top + SIDE * cell + 16, number, svg.FORWARD,
                         font_weight=600)
            )  # fmt: skip
        said.append(f"{name}: {', '.join(sizes)}")
    return drawing(title, 46 + 3 * down - 34, "Typical size. " + "; ".join(said), *parts)


def _plain(value: float) -> str:
    """Write two significant digits, without an exponent."""
    if value >= 10:
        return f"{float(f'{value:.2g}'):,.0f}"
    return f"{value:.1f}" if value >= 1 else f"{value:.2g}"


# One layer, both directions.

INPUTS, ERRORS_ABOVE = (1, 2, 2), (1, 2)
"""Of the worked example: what enters the layer, and the errors at its outputs."""


def both_sums(title: str) -> Drawing:
    """Draw a layer twice: the sum that makes one output, and the sum that makes one error."""
    rows, across = (44.0, 104.0, 164.0), 130.0
    parts, said = [], []
    for left, name, paint in ((34.0, "forward", svg.FORWARD), (256.0, "backward", svg.BACKWARD)):
        ahead = name == "forward"
        below = [(left, y) for y in rows]
        above = [(left + across, y) for y in (74.0, 134.0)]
        ends = (below, above[0]) if ahead else (above, below[2])
        for start in below:
            for end in above:
                thin = {"stroke": "currentColor", "stroke_width": "1", "opacity": "0.35"}
                (x1, y1), (x2, y2) = start, end
                parts.append(svg.element("line", x1=x1, y1=y1, x2=x2, y2=y2, **thin))
        for start in ends[0]:
            away, tip = svg.between(start, ends[1], svg.RADIUS, svg.RADIUS + 1)
            parts.append(svg.pointer(away, tip, paint, 2.4, 9, 4.5))
            (x1, y1), (x2, y2) = away, tip
            parts.append(svg.plate(x1 + 0.42 * (x2 - x1), y1 + 0.42 * (y2 - y1), "±w", paint))
        names = (INPUTS, ("z", "")) if ahead else (("", "", ""), ERRORS_ABOVE)
        for places, written in zip((below, above), names, strict=True):
            for place, word in zip(places, written, strict=True):
                parts.append(svg.disc(*place, str(word), paint if place == ends[1] else None))
        terms = INPUTS if ahead else ERRORS_ABOVE
        added = " ".join("±w" if n == 1 else f"±{n}w" for n in terms)
        total = f"z = {added}" if ahead else f"∂L/∂x = {added}"
        square = f"mean square {sum(n * n for n in terms)}w²"
        middle = left + across / 2
        for y, words in ((12.0, name), (212.0, total), (232.0, square)):
            parts.append(svg.text(middle, y, words, paint, font_weight=600 if y < 100 else None))
        said.append(f"{name}: {total}, {square}")
    return drawing(title, 240, "; ".join(said), *parts)


# Theory and measurement, activation by activation.


def _panel(ax: Any, layers: Any, theory: Array, runs: Array, color: str, style: str) -> None:
    """Draw a predicted line, and medians, as sizes: roots of the mean squares."""
    middle = np.sqrt(np.median(runs, axis=0))
    ax.plot(layers, np.sqrt(theory), "-" if style == "o" else "--", color=color, linewidth=1.6)
    ax.plot(layers, middle, style, color=color, markersize=4.2)


def every_activation(
    found: Mapping[str, tuple[Sizes, Sizes]], apart: Mapping[str, Array], title: str
) -> Drawing:
    """Draw for each activation the sizes forward and backward, and the examples' differences."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    fig, axes = plt.subplots(3, 3, sharex=True, sharey=True, figsize=(4.6, 4.1))
    for ax, (name, (theory, runs)) in zip(axes.flat, found.items(), strict=True):
        layers = np.arange(1, len(theory.forward) + 1)
        _panel(ax, layers, theory.forward, runs.forward, COLORS[0], "o")
        _panel(ax, layers, theory.backward, runs.backward, COLORS[1], "s")
        middle = np.sqrt(np.median(apart[name], axis=0))
        ax.plot(layers, middle, "x", color=INK, markersize=4.6, zorder=4)
        ax.set_title(NAMES.get(name, name), fontsize=12)
        ax.set(yscale="log", xticks=[1, 5, 10], ylim=(6e-7, 3))
        ax.set_yticks([1e-6, 1e-4, 1e-2, 1], ["1e−6", "1e−4", "0.01", "1"])
        ax.minorticks_off()
    for y, words, color in (
        (0.06, "z, forward", COLORS[0]),
        (3e-3, "δ, backward", COLORS[1]),
        (1.5e-4, "× z between", INK),
        (1e-5, "   examples", INK),
    ):
        axes[0, 0].text(1, y, words, color=color, fontsize=11)
    axes[2, 1].set_xlabel("layer")
    axes[1, 0].set_ylabel("typical size")
    return plotted(fig, title)


# Which rule.


def alternating(wide: int) -> list[int]:
    """Return the widths: 64 and ``wide`` in turn, ten pairs of layers."""
    return [*([NARROW, wide] * PAIRS), NARROW]


def which_rule(seeds: Sequence[int]) -> list[Frame]:
    """Return one frame per width: forward and backward sizes under three rules."""
    from backprop.book.figures.plots import COLORS, INK

    plt = pyplot()
    looks = (COLORS[2], "o", "-"), (INK, "s", "--"), (COLORS[3], "^", ":")
    frames = []
    for wide in WIDE:
        widths = alternating(wide)
        fig, axes = plt.subplots(1, 2, sharey=True, figsize=(4.4, 2.4))
        layers = np.arange(1, len(widths))
        for (name, rule), (color, mark, line) in zip(RULES.items(), looks, strict=True):
            theory, runs = (
                predicted("identity", widths, rule),
                several("identity", widths, rule, seeds, "labels"),
            )
            for ax, formula, found in zip(axes, theory, runs, strict=True):
                middle = np.sqrt(np.median(found, axis=0))
                ax.plot(layers, np.sqrt(formula), line, color=color, linewidth=1.6)
                ax.plot(layers, middle, mark, color=color, markersize=3.8, label=name)
        axes[0].set_title("z, forward →", loc="left", fontsize=12, color=COLORS[0])
        axes[1].set_title("← δ, backward", loc="right", fontsize=12, color=COLORS[1])
        axes[0].legend(fontsize=11, loc="lower left", handlelength=1, borderpad=0)
        for ax in axes:
            ax.set(yscale="log", ylim=(0.0015, 3), xlabel="layer", xticks=[1, 10, 20])
            ax.set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
            ax.minorticks_off()
        axes[0].set_ylabel("typical size")
        kept = glorot_kept(wide)
        words = (
            f"Glorot's variance keeps {_share(kept)} of the mean square per pair of layers, in"
            f" each direction. After {PAIRS} pairs, the size of the signal is"
            f" {_plain(kept ** (PAIRS / 2))} times what it was."
        )
        if wide == NARROW:
            words = f"All widths are {NARROW}. The three rules are the same."
        frames.append(drawn(fig, f"Three rules for widths {NARROW} and {wide} in turn", words))
    return frames


def glorot_kept(wide: int) -> float:
    """Return the product of Glorot's two factors for layers between 64 and ``wide`` units."""
    return 4 * NARROW * wide / (NARROW + wide) ** 2


def _share(value: float) -> str:
    return f"{value:.2f}"


# Equal starts, and what a scale does to training.


def units(rows: Mapping[str, Array], title: str) -> Drawing:
    """Draw the incoming weights of some hidden units as images; each entry has shape (64, n)."""
    cell, left, top = 10.2, 6.0, 30.0
    parts, said = [], []
    for row, (name, W) in enumerate(rows.items()):
        y = top + row * 122
        parts.append(svg.text(left, y - 9, name, text_anchor="start", font_weight=600))
        for k, column in enumerate(W.T):
            x = left + k * 108.5
            parts.append(signed(column, x, y, cell))
            parts.append(
                svg.element(
                    "rect", x=x, y=y, width=SIDE * cell, height=SIDE * cell, fill="none",
                    stroke="currentColor", opacity="0.5",
                )
            )  # fmt: skip
        said.append(f"{name}, {W.shape[1]} units")
    foot = top + len(rows) * 122 - 12
    parts.append(svg.text(210, foot, "filled: weights above 0 · outlined: below 0"))
    return drawing(title, foot + 10, "; ".join(said), *parts)


def over_rates(found: Mapping[str, Mapping[float, Array]], rates: Array, title: str) -> Drawing:
    """Draw the final loss over the learning rate, in a plot for each name, a curve for each scale.

    Parameters
    ----------
    found : mapping from a plot's name to the losses at each scale
        Each of shape (rates, runs), infinite where a run diverged. A curve is the median, a band
        the whole range, where all runs lie within the plot.
    rates : array, shape (rates,)
    """
    from backprop.book.figures.plots import COLORS, GREY, INK

    plt = pyplot()
    fig, axes = plt.subplots(len(found), 1, sharex=True, sharey=True, figsize=(4.6, 4.6))
    colors = COLORS[0], COLORS[4], INK, COLORS[5], COLORS[1]
    looks = list(zip(colors, ("--", "-.", "-", "-.", "--"), "v<o>^", strict=True))
    top = 3.2
    for ax, (name, by_scale) in zip(axes, found.items(), strict=True):
        for (scale, runs), (color, style, mark) in zip(by_scale.items(), looks, strict=True):
            low, middle, high = np.minimum(np.quantile(runs, (0, 0.5, 1), 1, method="lower"), 9)
            ax.fill_between(rates, low, high, where=high < top, color=color, alpha=0.15,
                            linewidth=0)  # fmt: skip
            ax.plot(rates, middle, linestyle=style, marker=mark, color=color, markersize=5,
                    linewidth=2.4 if scale == 1 else 1.6, label=f"× {_scale(scale)}")  # fmt: skip
        ax.axhline(np.log(10), color=GREY, linestyle=":", linewidth=1.2)
        ax.set(xscale="log", ylim=(-0.1, top), yticks=[0, 1, 2, 3], ylabel="final loss")
        ax.set_title(name, loc="left", fontsize=12)
    axes[0].text(rates[-1], np.log(10) - 0.12, "guessing", ha="right", va="top")
    axes[-1].set_xlabel("learning rate")
    fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5,
               handlelength=1.4, columnspacing=0.8, handletextpad=0.3)  # fmt: skip
    return plotted(fig, title)


def _scale(value: float) -> str:
    return {0.5: "½", 0.25: "¼"}.get(value, f"{value:.2g}")
