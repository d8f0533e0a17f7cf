"""The figures of the chapter on vanishing and exploding gradients, and the theory laid over them.

A network of Gaussian weights is described by one number per layer and direction. Forward, the mean
square q of the pre-activations; backward, the mean square of the errors δ. Both are expectations
over u ~ N(0, 1), as the pre-activations of a wide layer are normal (Poole et al., 2016; Schoenholz
et al., 2017). Colours mean the same in all figures: blue dies, green holds, vermilion explodes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from backprop import (
    SGD,
    Dense,
    Network,
    ReLU,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    fit,
    load_digits,
)  # fmt: skip
from backprop.activations import (
    relu,
    relu_prime,
    sigmoid,
    sigmoid_prime,
    tanh,
    tanh_prime,
)  # fmt: skip
from backprop.arrays import Array, check_count
from backprop.book.figures import svg
from backprop.book.figures.by_hand import Drawing, plotted, pyplot
from backprop.book.figures.stepper import Frame, drawn
from backprop.initializers import Initializer, lecun, scaled, zeros
from backprop.layers import Layer
from backprop.training.diagnostics import Recorder

Curve = Callable[[Any], Any]
DEPTH = 50
SEEDS = range(10)
MINUS = "\N{MINUS SIGN}"
SCALES = (0.5, 0.8, 1.0, 1.2, 1.33, 1.5, 2.0, 2.5, 3.0, 4.0)
BIAS = 0.05
"""Variance of the biases in the stepper, that of Schoenholz et al. (2017)."""
STEP = 0.01
GRID = np.arange(-8 + STEP / 2, 8, STEP)
"""Midpoints: none lies on the kink of ReLU."""
WEIGHTS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()


def expected(f: Curve, q: float) -> float:
    """Return the mean of f(z) over a normal z of mean 0 and variance q."""
    return float(WEIGHTS @ f(math.sqrt(q) * GRID))


def forward_step(q: float, phi: Curve, gain: float, bias: float = 0.0) -> float:
    """Return the mean square of the next layer's pre-activations; gain = n_in Var(w)."""
    return gain * expected(lambda z: phi(z) ** 2, q) + bias


def backward_factor(q: float, phi_prime: Curve, gain: float) -> float:
    """Return χ, by which a layer multiplies the mean square of δ; gain = n_out Var(w)."""
    return gain * expected(lambda z: phi_prime(z) ** 2, q)


def resting(phi: Curve, gain: float, bias: float, rounds: int = 200) -> float:
    """Return the q that the forward step leaves as it is, reached from 1."""
    q = 1.0
    for _ in range(rounds):
        q = forward_step(q, phi, gain, bias)
    return q


def correlation_step(c: float, q: float, phi: Curve, gain: float, bias: float) -> float:
    """Return the next layer's correlation of two inputs that both have the mean square q."""
    u, weights = GRID[5::10], WEIGHTS[5::10] / WEIGHTS[5::10].sum()
    first = phi(math.sqrt(q) * u)
    second = phi(math.sqrt(q) * (c * u[:, None] + math.sqrt(max(0.0, 1 - c * c)) * u))
    product = float((weights * first) @ second @ weights)
    return (gain * product + bias) / forward_step(q, phi, gain, bias)


def predicted(phi: Curve, phi_prime: Curve, gain: float, q: float, depth: int) -> Array:
    """Return √mean δ² of layers 1 to depth, relative to the last; q is that of the first layer."""
    factors = []
    for _ in range(depth):
        factors.append(backward_factor(q, phi_prime, gain))
        q = forward_step(q, phi, gain)
    # From layer l + 1 to layer l it is the slope of layer l that counts.
    return np.asarray([math.sqrt(math.prod(factors[k:-1])) for k in range(depth)])


def images(rows: int = 32) -> tuple[Array, Any]:
    """Return some digits minus the mean image, each scaled to the mean square 1, and labels."""
    digits = load_digits(seed=0)
    x = digits.x_train[:rows] - digits.x_train.mean(axis=0)
    return x / np.sqrt(np.mean(x**2, axis=1, keepdims=True)), digits.y_train[:rows]


def stack(
    seed: int, activation: Callable[[], Layer], initializer: Initializer,
    width: int = 100, depth: int = DEPTH,
) -> Sequential:  # fmt: skip
    """Return ``depth`` hidden layers of one kind, and ten outputs."""
    rng = np.random.default_rng(seed)
    sizes = [64] + [width] * check_count("stack", "depth", depth)
    layers: list[Layer] = []
    for n_in, n_out in pairwise(sizes):
        layers += [Dense(n_in, n_out, rng=rng, initializer=initializer), activation()]
    return Sequential([*layers, Dense(width, 10, rng=rng, initializer=lecun)])


def error_sizes(network: Network, x: Array, y: Any, seed: int = 0) -> Array:
    """Return √mean δ² of each hidden layer, relative to the last, as a Recorder sees it."""
    optimizer, rng = SGD(network, 1e-9), np.random.default_rng(seed)
    with Recorder(network) as seen:
        fit(network, SoftmaxCrossEntropy(), optimizer, x, y, rng=rng, epochs=1,
            batch_size=len(x), observe=seen, measure=False)  # fmt: skip
    names = [name for name in seen.errors if name.startswith("dense")]
    sizes = np.array([seen.errors[f"dense{k}"][0] for k in range(1, len(names))])
    return np.asarray(sizes / sizes[-1])


KINDS: dict[str, tuple[Callable[[], Layer], Curve, Curve]] = {
    "sigmoid": (Sigmoid, sigmoid, sigmoid_prime),
    "tanh": (Tanh, tanh, tanh_prime),
    "ReLU": (ReLU, relu, relu_prime),
}
"""The layer of an activation, the function and its slope."""


@cache
def measured(name: str, gain: float) -> Array:
    """Return the error sizes of ten networks with Var(w) = gain / n_in, shape (seeds, depth)."""
    x, y = images()
    initializer = scaled(lecun, math.sqrt(gain))
    return np.array([error_sizes(stack(s, KINDS[name][0], initializer), x, y) for s in SEEDS])


def _colors() -> tuple[str, str, str]:
    from backprop.book.figures.plots import COLORS

    return COLORS[0], COLORS[2], COLORS[1]


def _band(ax: Any, x: Any, runs: Array, color: str, style: str, **options: Any) -> None:
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2, linewidth=0)
    ax.plot(x, np.median(runs, axis=0), style, color=color, **options)


def fan(title: str) -> Drawing:
    """Draw the errors of ReLU networks whose weights differ by one factor, layer by layer."""
    plt = pyplot()
    fig, ax = plt.subplots(figsize=(4.6, 3.1))
    layers = np.arange(1, DEPTH + 1)
    for gain, words, at, color, mark in zip(
        (4.0, 2.0, 1.0),
        ("weights × 1.4: it explodes", "good weights: it holds", "weights × 0.7: it dies"),
        ((16, 3e8), (4, 0.01), (20, 3e-8)),
        (_colors()[2], _colors()[1], _colors()[0]),
        "^os",
        strict=True,
    ):
        sizes = measured("ReLU", gain)
        _band(ax, layers, sizes, color, "-", marker=mark, markersize=5, markevery=7)
        ax.text(*at, words, color=color, va="center")
    ax.annotate("", xy=(29, 2e-11), xytext=(50, 2e-11), arrowprops={"arrowstyle": "->", "lw": 1.6})
    ax.text(28, 2e-11, "backward pass", ha="right", va="center")
    ax.set(yscale="log", ylim=(1e-12, 1e10), xlim=(0, 51), xlabel="layer",
           xticks=[1, 10, 20, 30, 40, 50], yticks=[1e-8, 1e-4, 1, 1e4, 1e8])  # fmt: skip
    ax.set_yticklabels(["10⁻⁸", "10⁻⁴", "1", "10⁴", "10⁸"])
    ax.minorticks_off()
    ax.set_title("size of the error, relative to layer 50", loc="left", fontsize=11)
    return plotted(fig, title)


GAINS = (1 / 3, 1.0, 2.0)
"""n Var(w) of the layer-by-layer figure: the old standard, LeCun's and Glorot's, and He's."""
PLACES = {
    "sigmoid": ((-47, 3), (-40, -20, 0), (-42, -31.5, -22.5)),
    "tanh": ((-14.5, 4.5), (-12, -6, 0), (-12, -1.9, 1.9)),
    "ReLU": ((-24, 7), (-20, -10, 0), (-19, -7.5, 0)),
}
"""Of each panel: the powers of ten at its ends, at the ticks, and at the words."""


def laid_over(title: str) -> Drawing:
    """Draw predicted curves over measured points, one panel an activation."""
    from backprop.book.figures.plots import INK

    plt = pyplot()
    fig, axes = plt.subplots(len(KINDS), 1, sharex=True, figsize=(4.6, 4.95))
    layers = np.arange(1, DEPTH + 1)
    for ax, (name, (_, phi, slope)) in zip(axes, KINDS.items(), strict=True):
        ax.set_title(name, loc="left", fontsize=12, color=INK)
        ends, ticks, places = PLACES[name]
        for gain, height, color, mark in zip(GAINS, places, _colors(), "so^", strict=True):
            logs = np.log10(measured(name, gain))
            ax.fill_between(layers, logs.min(axis=0), logs.max(axis=0), color=color, alpha=0.2,
                            linewidth=0)  # fmt: skip
            ax.plot(layers, np.median(logs, axis=0), mark, color=color, markersize=5, markevery=4)
            line = np.log10(predicted(phi, slope, gain, gain, DEPTH))
            ax.plot(layers, line, "-", color=INK, linewidth=1.3)
            words = f"{'⅓' if gain < 1 else f'{gain:g}'}/n"
            ax.text(-0.6, height, words, color=color, ha="right", va="center")
        powers = [f"10{svg.raised(k)}" if k else "1" for k in ticks]
        ax.set(ylim=ends, xlim=(-6, 51), yticks=ticks, yticklabels=powers)
    axes[-1].set(xlabel="layer", xticks=[1, 10, 20, 30, 40, 50])
    return plotted(fig, title)


def stretched(
    initializer: Initializer, seed: int, depths: Sequence[int], n: int = 64, rows: int = 100
) -> tuple[Array, Array]:
    """Return the singular values of products of n × n matrices, and what they do to random rows.

    The product is what :meth:`Sequential.backward` makes of the unit matrix: one row a direction.

    Returns
    -------
    singular values : array, shape (len(depths), n)
        From the largest down.
    lengths : array, shape (len(depths), rows)
        Of rows whose length was 1, in random directions.
    """
    rng, values, lengths = np.random.default_rng(seed), [], []
    layers = [Dense(n, n, rng=rng, initializer=initializer) for _ in range(max(depths))]
    errors: Array = np.eye(n)
    start = np.random.default_rng(1000 + seed).normal(size=(rows, n))
    start /= np.linalg.norm(start, axis=1, keepdims=True)
    for k, layer in enumerate(layers, 1):
        layer.forward(np.zeros((n, n)))  # without an activation, the place does not matter
        errors = layer.backward(errors).copy()
        if k in depths:
            values.append(np.linalg.svd(errors, compute_uv=False))
            lengths.append(np.linalg.norm(start @ errors, axis=1))
    return np.array(values), np.array(lengths)


def spread(
    title: str, depths: Sequence[int], gaussian: Sequence[Array], orthogonal: Sequence[Array]
) -> Drawing:
    """Draw singular values of products against their depth, and the lengths of random rows.

    Both pairs hold what :func:`stretched` returns, with one more axis in front, the seeds.
    """
    from backprop.book.figures.plots import INK

    plt = pyplot()
    blue, green, red = _colors()
    fig, axes = plt.subplots(1, 2, sharey=True, figsize=(4.6, 2.75), width_ratios=(2.1, 1))
    for ax, (values, lengths), colors in zip(
        axes, (gaussian, orthogonal), ((red, INK, blue), (green, green, green)), strict=True
    ):
        rows = np.moveaxis(lengths, 1, -1).reshape(-1, len(depths))
        for sizes, color, mark in zip(
            (values[..., 0], rows, np.median(values, axis=-1)), colors, "^os", strict=True
        ):
            _band(ax, depths, sizes, color, "-", marker=mark, markersize=5)
    for words, color, at in (
        ("largest singular value", red, (8, 70)),
        ("random rows", INK, (21, 0.012)),
        ("middle singular\nvalue", blue, (1, 3e-7)),
    ):
        axes[0].text(*at, words, color=color, va="center")
    axes[1].text(26, 0.06, "all of them", color=green, ha="center")
    for ax, words in zip(axes, ("Gaussian", "orthogonal"), strict=True):
        ax.set_title(words, loc="left", fontsize=12)
        ax.set(yscale="log", ylim=(1e-9, 1e3), xlim=(-1, 52), xticks=[1, 25, 50], xlabel="layers",
               yticks=[1e-8, 1e-6, 1e-4, 1e-2, 1, 100])  # fmt: skip
        ax.minorticks_off()
    axes[0].set_yticklabels(["10⁻⁸", "10⁻⁶", "10⁻⁴", "0.01", "1", "100"])
    return plotted(fig, title)


@cache
def two_inputs() -> Array:
    """Return a digit and the same digit one pixel to the right, centred, mean square 1 each."""
    digits = load_digits(seed=0)
    picture = digits.x_train[0].reshape(8, 8)
    pair = np.stack([picture, np.roll(picture, 1, axis=1)]).reshape(2, 64)
    pair = pair - digits.x_train.mean(axis=0)
    return np.asarray(pair / np.sqrt(np.mean(pair**2, axis=1, keepdims=True)))


def cosine(pair: Array) -> float:
    """Return the cosine of the angle between two rows."""
    a, b = pair
    return float(a @ b / math.sqrt((a @ a) * (b @ b)))


@cache
def _weights(seed: int, width: int) -> Array:
    """Return all parameters of a stack of the scale 1, drawn once for all scales."""
    return stack(seed, Tanh, lecun, width).theta.copy()


@cache
def both_ways(scale: float, seed: int, width: int = 100) -> tuple[Array, Array]:
    """Send two inputs forward and random errors back, through tanh layers of Gaussian weights.

    Weights have the variance scale² / n_in and biases the variance ``BIAS``. Returns, layer by
    layer, the correlation of the two inputs' pre-activations, and √mean δ² relative to the last.
    """
    seen = _sent(scale, seed, width)
    names = [f"dense{k}" for k in range(1, DEPTH + 1)]
    errors = np.array([seen.errors[name] for name in names])
    return np.array([cosine(seen.outputs[name]) for name in names]), errors / errors[-1]


def clouds(scale: float, layers: Sequence[int], seed: int = 0, width: int = 100) -> Array:
    """Return both images' pre-activations in some layers, each row with the mean square 1.

    The network is that of :func:`both_ways`; the shape is (len(layers), 2, width).
    """
    seen = _sent(scale, seed, width)
    pairs = np.array([seen.outputs[f"dense{k}"] for k in layers])
    return np.asarray(pairs / np.sqrt(np.mean(pairs**2, axis=-1, keepdims=True)))


def _sent(scale: float, seed: int, width: int) -> _Watcher:
    network = stack(seed, Tanh, zeros, width)
    network.theta[...] = scale * _weights(seed, width)
    rng = np.random.default_rng(1000 + seed)
    for k in range(1, DEPTH + 1):
        network.parameters[f"dense{k}.b"][...] = rng.normal(0, math.sqrt(BIAS), width)
    seen = _Watcher()
    before = network.watch(seen)
    network.forward(two_inputs())
    network.backward(rng.normal(size=(2, 10)))
    network.watch(before)
    return seen


class _Watcher:
    """Keeps a layer's outputs for two inputs, and the size of its error."""

    def __init__(self) -> None:
        self.outputs: dict[str, Array] = {}
        self.errors: dict[str, float] = {}

    def output(self, name: str, layer: Layer, a: Array) -> None:
        self.outputs[name] = a.copy()

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        self.errors[name] = math.sqrt(np.mean(da**2))


def theory(scale: float) -> tuple[Array, Array]:
    """Return what the variance and correlation maps predict for :func:`both_ways`."""
    gain, pair = scale**2, two_inputs()
    q = gain + BIAS
    c = (gain * cosine(pair) + BIAS) / q
    correlations, factors = [], []
    for _ in range(DEPTH):
        correlations.append(c)
        factors.append(backward_factor(q, tanh_prime, gain))
        c = correlation_step(c, q, tanh, gain, BIAS)
        q = forward_step(q, tanh, gain, BIAS)
    errors = [math.sqrt(math.prod(factors[k:-1])) for k in range(DEPTH)]
    return np.array(correlations), np.array(errors)


@cache
def critical(bias: float, low: float = 0.5, high: float = 3.0) -> float:
    """Return the scale of the weights at which χ = 1 for tanh, by bisection."""
    for _ in range(40):
        middle = (low + high) / 2
        q = resting(tanh, middle**2, bias)
        if backward_factor(q, tanh_prime, middle**2) < 1:
            low = middle
        else:
            high = middle
    return (low + high) / 2


SHOWN = 1, 10, 50
"""The layers in which the stepper compares the two images."""


def edge() -> list[Frame]:
    """Return one frame per scale: two images on their way forward, errors on their way back."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    frames, layers = [], np.arange(1, DEPTH + 1)
    for scale in SCALES:
        runs = [both_ways(scale, seed) for seed in SEEDS]
        alike, errors = (np.array(part) for part in zip(*runs, strict=True))
        chi = backward_factor(resting(tanh, scale**2, BIAS), tanh_prime, scale**2)
        color = _colors()[1 if abs(chi - 1) < 0.03 else 2 if chi > 1 else 0]
        kind = "the edge" if abs(chi - 1) < 0.03 else "chaos" if chi > 1 else "order"
        fig = plt.figure(figsize=(4.4, 4.1))
        grid = fig.add_gridspec(2, 3, height_ratios=(1, 1.15))
        for k, (layer, (one, two)) in enumerate(
            zip(SHOWN, clouds(scale, SHOWN), strict=True)
        ):  # fmt: skip
            ax = fig.add_subplot(grid[0, k])
            ax.plot([-3.3, 3.3], [-3.3, 3.3], "-", color=GREY, linewidth=1)
            ax.plot(one[:60], two[:60], "o", color=color, alpha=0.6, markersize=3)
            ax.set(xlim=(-3.3, 3.3), ylim=(-3.3, 3.3), xticks=[], yticks=[], aspect="equal")
            ax.set_title(f"layer {layer}", fontsize=11)
            ax.set_xlabel("z, image 1")
            if k == 0:
                ax.set_ylabel("z, image 2")
        ax = fig.add_subplot(grid[1, :])
        _band(ax, layers, errors, color, "o", markersize=4.5, markevery=3)
        ax.plot(layers, theory(scale)[1], "-", color=INK, linewidth=1.3)
        ax.set(yscale="log", ylim=(1e-18, 1e11), yticks=[1e-16, 1e-8, 1, 1e8],
               xlabel="layer", xlim=(0, 51), xticks=[1, 10, 20, 30, 40, 50])  # fmt: skip
        ax.set_yticklabels(["10⁻¹⁶", "10⁻⁸", "1", "10⁸"])
        ax.minorticks_off()
        ax.set_title("error, relative to layer 50", loc="left", fontsize=11)
        fig.suptitle(f"χ = {chi:.2f}: {kind}", color=color, fontsize=13)
        low, high = alike[:, -1].min(), alike[:, -1].max()
        between = _two(low) if _two(low) == _two(high) else f"{_two(low)} to {_two(high)}"
        words = (
            f"χ = {chi:.2f}: {kind}. In layer {DEPTH}, the two images have the correlation"
            f" {between}. On the way back to layer 1, the error is multiplied by"
            f" {_scientific(float(np.median(errors[:, 0])))}."
        )
        frames.append(drawn(fig, f"{DEPTH} tanh layers of weights with the scale {scale:g}", words))
    return frames


def _two(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-", MINUS)


def _scientific(value: float) -> str:
    """Write about one significant digit, which ten networks agree on."""
    power = math.floor(math.log10(value))
    if abs(power) <= 2:
        return f"{value:.{max(0, 1 - power) if value < 1 else 0 if value >= 10 else 1}f}"
    return f"{value / 10.0**power:.0f}\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}10{svg.raised(power)}"


class Arm(NamedTuple):
    """One way to train: a start, a cure, the accuracies of its runs in per cent, and its rate."""

    start: str
    cure: str
    runs: Sequence[float]
    rate: float


def cured(title: str, arms: Sequence[Arm], chance: float = 10.0) -> Drawing:
    """Draw every run as a dot and the median as a bar, one row an arm with its rate, by start."""
    from backprop.book.figures.plots import GREY, INK

    plt = pyplot()
    blue, green, red = _colors()
    starts = list(dict.fromkeys(arm.start for arm in arms))
    rows = [[arm for arm in arms if arm.start == start] for start in starts]
    fig, axes = plt.subplots(
        len(starts), 1, sharex=True, figsize=(4.6, 0.245 * len(arms) + 0.44 * len(starts) + 0.3),
        height_ratios=[len(row) + 0.4 for row in rows],
    )  # fmt: skip
    for ax, start, row, color in zip(
        np.atleast_1d(axes), starts, rows, (blue, red, INK, green), strict=False
    ):
        ax.set_title(start, loc="left", fontsize=12, color=color)
        for y, arm in enumerate(row):
            ax.plot(arm.runs, [y] * len(arm.runs), "o", color=color, alpha=0.45, markersize=6)
            middle = float(np.median(arm.runs))
            ax.plot([middle] * 2, [y - 0.36, y + 0.36], "-", color=color, linewidth=2.6)
            ax.text(106, y, f"{arm.rate:g}", va="center")
        ax.axvline(chance, color=GREY, linestyle=":", linewidth=1.2)
        ax.set(yticks=range(len(row)), ylim=(len(row) - 0.5, -0.5), xlim=(0, 102),
               xticks=[0, 25, 50, 75, 100])  # fmt: skip
        ax.set_yticklabels([arm.cure for arm in row])
        ax.tick_params(axis="y", length=0)
    np.atleast_1d(axes)[0].text(106, -1.0, "rate", va="center")
    np.atleast_1d(axes)[-1].set_xlabel("accuracy on the training images, %")
    return plotted(fig, title)
