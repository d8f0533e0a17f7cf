"""Autoencoders of binarised digits: training them, drawing from them, and what is measured.

What the chapter "Variational autoencoder" runs. A code is a row z; the decoder returns logits of
Bernoulli probabilities, one a pixel. Costs are negative logarithms of probabilities, in nats.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from backprop.activations import sigmoid, softmax, softplus
from backprop.arrays import Array, Labels
from backprop.datasets import load_digits
from backprop.layers import Concatenate, Dense, GaussianSample, Layer, ReLU
from backprop.losses import BinaryCrossEntropy, GaussianKL, Loss, SoftmaxCrossEntropy
from backprop.network import Graph, Sequential
from backprop.optimizers import Adam

PIXELS, HIDDEN = 64, 64
RATE, BATCH, EPOCHS = 0.01, 100, 25
INK = 0.5
"""A pixel at least so dark is 1, else 0."""
Way = Literal["path", "score", "baseline"]
"""Through the draw; by the score of the draw; or by the score, the other digits' mean cost less."""
PLAIN: dict[str, Any] = {"noise": False, "kl": 0.0}
"""How :func:`trained` trains an ordinary autoencoder, in which ln v plays no part."""
SURE = 0.9
"""An image is read where the reader gives one digit more than this."""


class NegativeBound(Loss):
    """L = 1/N Σ_n [Σ_k cross-entropy(x_nk, a_nk) + w KL(N(μ_n, v_n) ‖ N(0, 1))].

    Shapes: z (batch, pixels + 2 d), the logits a and then μ and ln v; y (batch, pixels), the
    images, values in [0, 1]. With w = 1 this is minus the evidence lower bound.

    Parameters
    ----------
    kl : float
        w, the weight of the divergence.

    Attributes
    ----------
    parts : (float, float)
        Both means of the last ``forward``: cross-entropy and divergence.
    """

    def __init__(self, *, kl: float = 1.0) -> None:
        super().__init__()
        self.kl = kl
        self.cross, self.divergence = BinaryCrossEntropy(), GaussianKL()

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` for a shape or a target outside [0, 1]."""
        self.pixels: int = y.shape[1]
        logits, code = np.split(z, [self.pixels], axis=1)
        self.logits, self.y = logits, y
        # The mean over all pixels of the batch, times the pixels: a sum over those of one image.
        cross = self.pixels * self.cross.forward(logits.reshape(-1, 1), y.reshape(-1, 1))
        self.parts = cross, self.divergence.forward(code, np.zeros_like(code))
        total: float = self.parts[0] + self.kl * self.parts[1]
        return total

    def backward(self) -> Array:
        """∂L/∂a = (σ(a) - x) / N, and the divergence's gradient beside it."""
        image = self.pixels * self.cross.backward().reshape(-1, self.pixels)
        return np.concatenate([image, self.kl * self.divergence.backward()], axis=1)

    def costs(self) -> Array:
        """Return the cross-entropy of each image of the last ``forward``, shape (batch,)."""
        return pixel_costs(self._kept("logits"), self._kept("y"))


@dataclass(frozen=True)
class Binary:
    """Binarised digits, 0 or 1 in each pixel, to train and to test, and the labels of both."""

    x: Array
    test: Array
    labels: Labels
    train_labels: Labels


@cache
def digits(seed: int) -> Binary:
    """Return a split of the digits."""
    split = load_digits(seed=seed)
    x, test = ((part >= INK).astype(float) for part in (split.x_train, split.x_test))
    return Binary(x, test, split.y_test, split.y_train)


def autoencoder(d: int, rng: np.random.Generator, hidden: int = HIDDEN) -> Graph:
    """Return encoder, draw and decoder; the output is the logits, and μ and ln v beside them."""
    encoder = Sequential([Dense(PIXELS, hidden, rng=rng), ReLU(), Dense(hidden, 2 * d, rng=rng)])
    decoder = Sequential([Dense(d, hidden, rng=rng), ReLU(), Dense(hidden, PIXELS, rng=rng)])
    return Graph(
        {
            "encoder": (encoder, "x"),
            "draw": (GaussianSample(rng=rng), "encoder"),
            "decoder": (decoder, "draw"),
            "out": (Concatenate(), ["decoder", "encoder"]),
        },
        output="out",
    )


def pixel_costs(logits: Array, x: Array) -> Array:
    """Return -ln p(x | z) for each row of ``logits``: the sum of the pixels' cross-entropies."""
    return np.asarray((softplus(logits) - x * logits).sum(axis=-1))


# Two ways past the draw.


def gradient(network: Graph, x: Array, way: Way = "path", kl: float = 1.0) -> Array:
    """Fill and return the gradient of the negative bound on ``x``, with one draw for each row."""
    out = network.forward(x)
    if way == "path":
        # What NegativeBound.backward returns, without the value of the loss, which costs more.
        mean, log_v = np.split(out[:, PIXELS:], 2, axis=1)
        errors = [sigmoid(out[:, :PIXELS]) - x, kl * mean, kl / 2 * np.expm1(log_v)]
        network.backward_parameters(np.concatenate(errors, axis=1) / len(x))
        return network.dtheta
    loss = NegativeBound(kl=kl)
    loss.forward(out, x)
    image, divergence = np.split(loss.backward(), [PIXELS], axis=1)
    encoder, draw, decoder = (network.named[name] for name in ("encoder", "draw", "decoder"))
    decoder.backward_parameters(image)
    costs = loss.costs()
    if way == "baseline":
        costs = costs - (costs.sum() - costs) / (len(x) - 1)
    encoder.backward_parameters(score(draw) * costs[:, None] / len(x) + divergence)
    return network.dtheta


def score(draw: Layer) -> Array:
    """Return ∂ln q/∂μ = ξ/τ and ∂ln q/∂ln v = ½ (ξ² - 1) at the last draw, side by side."""
    assert isinstance(draw, GaussianSample) and draw.noise is not None
    return np.concatenate([draw.noise / draw.deviation, 0.5 * (draw.noise**2 - 1)], axis=1)


def variances(network: Graph, x: Array, draws: int, rng: np.random.Generator) -> Array:
    """Return the mean variance of three estimators of ∂⟨-ln p(x | z)⟩/∂μ, over draws for each x.

    Through the draw; by the score; and by the score, the mean cost of the image as a baseline.
    """
    decoder, (mean, deviation) = network.named["decoder"], clouds(network, x)
    noise = rng.normal(size=(draws, *mean.shape))
    images = np.tile(x, (draws, 1))
    logits = decoder.forward((mean + deviation * noise).reshape(-1, mean.shape[1]))
    path = decoder.backward(sigmoid(logits) - images).reshape(noise.shape)
    costs = pixel_costs(logits, images).reshape(draws, len(x), 1)
    ways = path, costs * noise / deviation, (costs - costs.mean(axis=0)) * noise / deviation
    return np.array([np.var(way, axis=0).mean() for way in ways])


def trained(
    seed: int,
    d: int = 2,
    *,
    way: Way = "path",
    noise: bool = True,
    kl: float = 1.0,
    epochs: int = EPOCHS,
) -> Graph:
    """Return an autoencoder with ``d`` numbers a code, trained by Adam; its draws go on."""
    # One network for a setting, whichever arguments were left to their defaults.
    return _trained(seed, d, way, noise, kl, epochs)


@cache
def _trained(seed: int, d: int, way: Way, noise: bool, kl: float, epochs: int) -> Graph:
    data, rng = digits(seed), np.random.default_rng(seed)
    network = autoencoder(d, rng)
    network.named["draw"].train(noise)
    optimizer = Adam(network, RATE)
    for _ in range(epochs):
        order = rng.permutation(len(data.x))
        for start in range(0, len(data.x), BATCH):
            gradient(network, data.x[order[start : start + BATCH]], way, kl)
            optimizer.step()
    return network


# Codes and images.


def codes(network: Graph, x: Array) -> Array:
    """Return the means μ that the encoder answers for ``x``, (n, d)."""
    return clouds(network, x)[0]


def clouds(network: Graph, x: Array) -> tuple[Array, Array]:
    """Return the means μ and the deviations τ of the clouds that the encoder answers for ``x``."""
    mean, log_v = np.split(network.named["encoder"].forward(x), 2, axis=1)
    return mean, np.exp(log_v / 2)


def inside(network: Graph, x: Array, z: Array) -> NDArray[np.bool_]:
    """Return, for each of ``z``, in which cloud's ellipse (radii 2τ) it lies, (len(z), len(x))."""
    mean, deviation = clouds(network, x)
    return np.asarray((((z[:, None] - mean) / deviation) ** 2).sum(axis=2) < 4)


def decoded(network: Graph, z: Array) -> Array:
    """Return the probabilities of ink that the decoder answers for codes ``z``, (n, pixels)."""
    return sigmoid(network.named["decoder"].forward(z))


@cache
def reader(seed: int) -> Sequential:
    """Return a network trained to tell the digits of a split apart; it knows no autoencoder."""
    data, rng = digits(seed), np.random.default_rng(1000 + seed)
    network = Sequential([Dense(PIXELS, HIDDEN, rng=rng), ReLU(), Dense(HIDDEN, 10, rng=rng)])
    loss, optimizer = SoftmaxCrossEntropy(), Adam(network, 0.003)
    for _ in range(30):
        order = rng.permutation(len(data.x))
        for start in range(0, len(data.x), BATCH):
            batch = order[start : start + BATCH]
            loss.forward(network.forward(data.x[batch]), data.train_labels[batch])
            network.backward_parameters(loss.backward())
            optimizer.step()
    return network


def share_read(seed: int, images: Array) -> float:
    """Return in how many of a hundred images the reader is sure of a digit; ink is above ½."""
    answers = reader(seed).forward((images > 0.5).astype(float))
    return 100 * float((softmax(answers).max(axis=1) > SURE).mean())


# What a trained one is worth.


def terms(network: Graph, x: Array, draws: int = 20) -> tuple[float, float]:
    """Return the two means that make up the negative bound on ``x``, over some draws.

    They are the cost of the pixels and the divergence.
    """
    loss, seen = NegativeBound(), []
    for _ in range(draws):
        loss.forward(network.forward(x), x)
        seen.append(loss.parts)
    pixels, divergence = np.mean(seen, axis=0)
    return float(pixels), float(divergence)


def bound(network: Graph, x: Array, draws: int = 20) -> float:
    """Return the mean negative bound on ``x``, over some draws."""
    return sum(terms(network, x, draws))


def pixels_alone(data: Binary) -> float:
    """Return the mean cost of a test digit by how often each pixel is ink in training."""
    p = np.clip(data.x.mean(axis=0), 1e-3, 1 - 1e-3)
    return float(pixel_costs(np.log(p / (1 - p)), data.test).mean())


def log_mean_exp(values: Array, axis: int) -> Array:
    """Return the logarithm of the mean of exp(values) along an axis; nothing overflows."""
    top = values.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(values - top).mean(axis=axis)) + top.squeeze(axis))


def log_weights(network: Graph, x: Array, n: int, rng: np.random.Generator) -> Array:
    """Return ln [p(x, z)/q(z | x)] for ``n`` draws of z for each image, shape (n, images).

    Their mean is the bound; the logarithm of the weights' mean is a tighter one (Burda et al.,
    2016).
    """
    mean, log_v = np.split(network.named["encoder"].forward(x), 2, axis=1)
    noise = rng.normal(size=(n, *mean.shape))
    z = mean + np.exp(log_v / 2) * noise
    logits = network.named["decoder"].forward(z.reshape(-1, mean.shape[1]))
    # ln p(z) - ln q(z | x): the factors 2π cancel.
    priors = 0.5 * (noise**2 - z**2 + log_v).sum(axis=2)
    return np.asarray(priors - pixel_costs(logits.reshape(n, len(x), -1), x))


def integral(decoder: Layer, x: Array, *, reach: float = 5.0, step: float = 0.1) -> float:
    """Return the mean of -ln p(x) for codes of two numbers: a sum over a grid of the plane."""
    line = np.arange(-reach, reach + step / 2, step)
    z = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    logits = decoder.forward(z)
    log_prior = -0.5 * (z**2).sum(axis=1) - np.log(2 * np.pi) + 2 * np.log(step)
    log_p = x @ logits.T + (log_prior - softplus(logits).sum(axis=1) + np.log(len(z)))
    return float(-log_mean_exp(log_p, 1).mean())
