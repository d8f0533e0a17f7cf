"""New digits from autoencoders: what noise, divergence and the draw of the codes each do for them.

What the section "What makes good new digits?" of the chapter "Variational autoencoder" measures.
Networks of :mod:`backprop.book.latent` are trained with noise or without, and with the divergence
or without. A code is always the mean μ that the encoder answers, or is drawn from a normal
distribution. :func:`outcome` trains and judges for one split and start; those of ten stand in
``new_digits.json``, which ``python -m backprop.book.new_digits FILE`` writes (two minutes on one
core).
"""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import sigmoid, softmax
from backprop.arrays import Array, Labels
from backprop.book import results
from backprop.book.latent import BATCH, EPOCHS, HIDDEN, PIXELS, RATE, Binary, digits, trained
from backprop.layers import Dense, Layer, ReLU
from backprop.losses import BinaryCrossEntropy, SoftmaxCrossEntropy
from backprop.network import Graph, Sequential
from backprop.optimizers import Adam

ARMS: dict[str, dict[str, Any]] = {
    "both": {},
    "noise": {"kl": 0.0},
    "divergence": {"noise": False},
    "neither": {"noise": False, "kl": 0.0},
}
"""How each network is trained."""
TENTH: dict[str, Any] = {"noise": False, "kl": 0.1}
"""The divergence alone with a tenth of its weight."""
KINDS = "own", "one", "ten", "std"
"""Codes of training digits; draws from a normal distribution with their mean and covariance; draws
from ten, one for each label; and standard normal draws."""
NUMBERS = 8, 2
"""Numbers in a code."""
DRAWN = 225
"""Images that are judged."""
FRESH_NOISE = 0.5
"""Noise of a fresh decoder's codes, in standard deviations of each number over the digits."""
SEEDS = tuple(range(10))


def codes(network: Graph, x: Array) -> Array:
    """Return the means μ that the encoder answers for ``x``, (n, d)."""
    return np.split(network.named["encoder"].forward(x), 2, axis=1)[0]


def one_normal(z: Array, n: int, rng: np.random.Generator) -> Array:
    """Return ``n`` draws from the normal distribution with the mean and covariance of ``z``."""
    values, axes = np.linalg.eigh(np.cov(z.T))
    drawn: Array = rng.normal(size=(n, len(values))) * np.sqrt(values.clip(0)) @ axes.T
    drawn += z.mean(axis=0)
    return drawn


def normals(z: Array, groups: Labels, n: int, rng: np.random.Generator) -> Array:
    """Return ``n`` draws from several normal distributions, each fitted to one group of ``z``.

    A group is drawn as often as it occurs.
    """
    which = groups[rng.integers(len(z), size=n)]
    drawn = np.empty((n, z.shape[1]))
    for group in np.unique(which):
        here = which == group
        drawn[here] = one_normal(z[groups == group], int(here.sum()), rng)
    return drawn


def drawn_codes(z: Array, groups: Labels, seed: int, n: int = DRAWN) -> dict[str, Array]:
    """Return ``n`` codes of each of the ``KINDS``, where ``z`` are those of training digits."""

    def rng() -> np.random.Generator:
        return np.random.default_rng(seed)

    return {
        "own": z[:n],
        "one": one_normal(z, n, rng()),
        "ten": normals(z, groups, n, rng()),
        "std": rng().normal(size=(n, z.shape[1])),
    }


def images(decoder: Layer, z: Array) -> Array:
    """Return the images of codes: a pixel is ink where its probability exceeds ½."""
    return (sigmoid(decoder.forward(z)) > 0.5).astype(float)


def drawn_images(network: Graph, data: Binary, seed: int, n: int = DRAWN) -> dict[str, Array]:
    """Return ``n`` images of codes of each of the ``KINDS``."""
    kinds = drawn_codes(codes(network, data.x), data.train_labels, seed, n)
    return {kind: images(network.named["decoder"], z) for kind, z in kinds.items()}


def fresh_decoder(z: Array, x: Array, noise: float, seed: int, epochs: int = EPOCHS) -> Sequential:
    """Return a new decoder, trained on codes ``z`` of images ``x`` that stay as they are.

    In each step, normal noise is added to the codes: ``noise`` times the standard deviation that
    each number has over the images. Decoders of one seed start alike, and see the same batches and
    the same draws.
    """
    rng = np.random.default_rng(500 + seed)
    first, last = Dense(z.shape[1], HIDDEN, rng=rng), Dense(HIDDEN, PIXELS, rng=rng)
    decoder, loss = Sequential([first, ReLU(), last]), BinaryCrossEntropy()
    optimizer, spread = Adam(decoder, RATE), noise * z.std(axis=0)
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            logits = decoder.forward(z[batch] + spread * rng.normal(size=(len(batch), z.shape[1])))
            loss.forward(logits.reshape(-1, 1), x[batch].reshape(-1, 1))
            # The mean over all pixels of the batch, times the pixels, as in the bound.
            decoder.backward_parameters(PIXELS * loss.backward().reshape(-1, PIXELS))
            optimizer.step()
    return decoder


# The judge.


@cache
def classifier(seed: int) -> Sequential:
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


def read(network: Sequential, drawn: Array, limit: float = 0.9) -> NDArray[np.bool_]:
    """Return for each image whether a digit's probability exceeds the limit."""
    surest: Array = softmax(network.forward(drawn)).max(axis=1)
    return surest > limit


def off(drawn: Array, real: Array) -> float:
    """Return in how many pixels a real image differs from the nearest drawn one, on average."""
    differ = drawn @ (1 - real).T + (1 - drawn) @ real.T
    return float(differ.min(axis=0).mean())


def judged(seed: int, drawn: Array) -> tuple[float, float]:
    """Return the share of images that are read, in per cent, and how far off test digits are.

    These test digits are those after the first ``DRAWN``.
    """
    share = read(classifier(seed), drawn).mean()
    return 100 * float(share), off(drawn, digits(seed).test[DRAWN:])


def scale(seed: int) -> dict[str, tuple[float, float]]:
    """Return how true digits and images of independently inked pixels are judged.

    With them comes of how many true digits in a hundred the classifier is right, and of how many
    of those that it reads.
    """
    data, rng = digits(seed), np.random.default_rng(seed)
    network, true = classifier(seed), data.test[:DRAWN]
    right = network.forward(true).argmax(axis=1) == data.labels[:DRAWN]
    ink = (rng.random(true.shape) < data.x.mean(axis=0)).astype(float)
    return {
        "true digits": judged(seed, true),
        "random ink": judged(seed, ink),
        "right": (100 * float(right.mean()), 100 * float(right[read(network, true)].mean())),
    }


# What the page shows.


def arms(seed: int, d: int) -> dict[str, Any]:
    """Return for each arm how its images of each kind are judged."""
    return {
        name: [judged(seed, found) for found in drawn_images(network, digits(seed), seed).values()]
        for name, how in (ARMS | {"a tenth": TENTH}).items()
        for network in [trained(seed, d, **how)]
    }


def size_and_tau(seed: int, d: int) -> dict[str, tuple[float, float]]:
    """Return for each arm the root mean square of the numbers of its codes, and the mean τ."""
    found = {}
    for name, how in (ARMS | {"a tenth": TENTH}).items():
        answers = trained(seed, d, **how).named["encoder"].forward(digits(seed).x)
        mean, log_v = np.split(answers, 2, axis=1)
        found[name] = float(np.sqrt(np.mean(mean**2))), float(np.exp(log_v / 2).mean())
    return found


def decoders(seed: int, d: int) -> dict[str, Any]:
    """Return for fresh decoders of the codes of two arms how draws from one and ten are judged."""
    data, found = digits(seed), {}
    for name in ("neither", "both"):
        z = codes(trained(seed, d, **ARMS[name]), data.x)
        kinds = drawn_codes(z, data.train_labels, seed)
        for noise in (0.0, FRESH_NOISE):
            decoder = fresh_decoder(z, data.x, noise, seed)
            found[f"{name}, {'noise' if noise else 'none'}"] = [
                judged(seed, images(decoder, kinds[kind])) for kind in ("one", "ten")
            ]
    return found


def outcome(seed: int) -> dict[str, Any]:
    """Return all that is measured for one split and start."""
    return {
        "scale": scale(seed),
        **{f"arms {d}": arms(seed, d) for d in NUMBERS},
        **{f"sizes {d}": size_and_tau(seed, d) for d in NUMBERS},
        **{f"decoders {d}": decoders(seed, d) for d in NUMBERS},
    }


@cache
def stored() -> dict[str, dict[str, Array]]:
    """Return what ten splits and starts gave, by what is measured: arrays with a row a seed."""
    return {
        what: {name: np.array(rows) for name, rows in found.items()}
        for what, found in results.read("new_digits").items()
    }


def main(path: str) -> None:
    """Measure for every seed, and write what came out."""
    runs = [outcome(seed) for seed in SEEDS]
    gathered = {
        what: {name: np.round([run[what][name] for run in runs], 3).tolist() for name in found}
        for what, found in runs[0].items()
    }
    lines = [
        f"  {json.dumps(what)}: {{\n"
        + ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in found.items())
        + "\n  }"
        for what, found in gathered.items()
    ]
    Path(path).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
