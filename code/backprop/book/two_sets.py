"""The same measurements on the embedded digits and on MNIST, for the page that compares them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from backprop.arrays import Array, Labels
from backprop.datasets import Split

Pair = tuple[Array, Labels]
Train = Callable[[Pair, Pair, int, float], tuple[Any, float]]
"""``train(training, validation, seed, learning_rate)`` returns a network and a loss."""

RECORDED: dict[str, tuple[float, float]] = {
    "0/1 always the same": (0.5263, 0.5263),
    "0/1 one pixel": (0.9931, 0.9931),
    "0/1 nearest mean": (0.9954, 0.9954),
    "0/1 network": (0.9977, 1.0000),
    "0-9 always the same": (0.1150, 0.1150),
    "0-9 nearest mean": (0.8545, 0.8545),
    "0-9 network": (0.9515, 0.9575),
}
"""What :func:`measured` returned for :func:`ten_thousand`, ten seeds and the rates 1 and 3."""


def ten_thousand(data: Split) -> Split:
    """Return MNIST's 10,000 test images alone, the first 8,000 to train, the others to test."""
    x, y = data.x_test, data.y_test
    if len(x) < 10_000:  # the training images are not at hand: these are split already
        x, y = np.concatenate([data.x_train, x]), np.concatenate([data.y_train, y])
    source = "MNIST's 10,000 test images"
    parts = x[:8000], y[:8000], x[8000:], y[8000:]
    return Split(*parts, data.classes, data.image_shape, source)


def one_pixel(training: Pair, test: Pair) -> float:
    """Return the accuracy for 0 against 1 of the pixel and the threshold best in training."""
    (x, y), (x_test, y_test) = training, test
    best, says_one = -1, np.zeros(len(x_test), dtype=bool)
    for threshold in np.unique(x)[:-1]:
        agreeing = ((x > threshold) == y[:, None]).sum(axis=0)
        right = np.maximum(agreeing, len(x) - agreeing)
        pixel = right.argmax()
        if right[pixel] > best:
            best, above_is_one = right[pixel], 2 * agreeing[pixel] > len(x)
            says_one = (x_test[:, pixel] > threshold) == above_is_one
    return float(np.mean(says_one == y_test))


def nearest_mean(training: Pair, test: Pair) -> float:
    """Return the accuracy of the class whose mean training image is nearest."""
    (x, y), (x_test, y_test) = training, test
    means = np.array([x[y == k].mean(axis=0) for k in range(y.max() + 1)])
    distance = (means**2).sum(axis=1) - 2 * x_test @ means.T
    return float(np.mean(distance.argmin(axis=1) == y_test))


def accuracy(network: Any, test: Pair) -> float:
    """Return the share of test images that a network reads correctly."""
    return float(np.mean(network.forward(test[0]).argmax(axis=1) == test[1]))


def majority(training: Pair, test: Pair) -> float:
    """Return the accuracy of always answering the most frequent class."""
    return float(np.mean(test[1] == np.bincount(training[1]).argmax()))


def only(data: Split, digits: tuple[int, ...]) -> tuple[Pair, Pair]:
    """Return training and test images of some classes, which must be the first ones."""
    kept = [(y < len(digits)) for y in (data.y_train, data.y_test)]
    return (
        (data.x_train[kept[0]], data.y_train[kept[0]]),
        (data.x_test[kept[1]], data.y_test[kept[1]]),
    )


def measured(
    train: Train, data: Split, seeds: Iterable[int], rates: tuple[float, float]
) -> dict[str, tuple[float, float]]:
    """Return test accuracies, each as the least and the largest over the seeds.

    Parameters
    ----------
    train : callable
        The chapter's own function.
    data : Split
        All ten classes.
    seeds : iterable of int
        Each starts a network of its own.
    rates : (float, float)
        The learning rates for two and for ten classes.
    """
    found: dict[str, tuple[float, float]] = {}
    seeds = list(seeds)
    for name, digits, rate in (
        ("0/1", (0, 1), rates[0]), ("0-9", tuple(range(10)), rates[1]),
    ):  # fmt: skip
        training, test = only(data, digits)
        baselines = {"always the same": majority, "one pixel": one_pixel}
        if len(digits) > 2:
            del baselines["one pixel"]
        for words, answer in (baselines | {"nearest mean": nearest_mean}).items():
            value = answer(training, test)
            found[f"{name} {words}"] = (value, value)
        scores = []
        for seed in seeds:
            network, _ = train(training, test, seed, rate)
            scores.append(accuracy(network, test))
        found[f"{name} network"] = (min(scores), max(scores))
    return found
