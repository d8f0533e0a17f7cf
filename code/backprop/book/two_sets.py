"""What training added to the weights of two digits' networks: here and on MNIST, for one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from backprop.arrays import Array, Labels
from backprop.datasets import Split

Pair = tuple[Array, Labels]
Train = Callable[[Pair, Pair, int, float], tuple[Any, float]]
"""``train(training, validation, seed, learning_rate)`` returns a network and a loss."""
Found = dict[float | str, tuple[float, ...]]

RECORDED: Found = {
    0.1: (0.9521, 0.9634, 84, 96),
    1.0: (0.9420, 0.9734, 10, 19),
    3.0: (0.9386, 0.9809, 0, 11),
    "sums": (0.4428, 0.5249),
}
"""What :func:`measured` returned for :func:`ten_thousand`, ten seeds and the rates 0.1, 1 and 3."""


def ten_thousand(data: Split) -> Split:
    """Return MNIST's 10,000 test images alone, the first 8,000 to train, the others to test."""
    x, y = data.x_test, data.y_test
    if len(x) < 10_000:  # the training images are not at hand: these are split already
        x, y = np.concatenate([data.x_train, x]), np.concatenate([data.y_train, y])
    source = "MNIST's 10,000 test images"
    parts = x[:8000], y[:8000], x[8000:], y[8000:]
    return Split(*parts, data.classes, data.image_shape, source)


def only(data: Split, digits: tuple[int, ...]) -> tuple[Pair, Pair]:
    """Return training and test images of some classes, which must be the first ones."""
    kept = [(y < len(digits)) for y in (data.y_train, data.y_test)]
    return (
        (data.x_train[kept[0]], data.y_train[kept[0]]),
        (data.x_test[kept[1]], data.y_test[kept[1]]),
    )


def nearest_mean(training: Pair, test: Pair) -> float:
    """Return the accuracy of the class whose mean training image is nearest."""
    (x, y), (x_test, y_test) = training, test
    means = np.array([x[y == k].mean(axis=0) for k in range(y.max() + 1)])
    distance = (means**2).sum(axis=1) - 2 * x_test @ means.T
    return float(np.mean(distance.argmin(axis=1) == y_test))


def accuracy(network: Any, test: Pair) -> float:
    """Return the share of test images that a network reads correctly."""
    return float(np.mean(network.forward(test[0]).argmax(axis=1) == test[1]))


def by_two_means(added: Array, x: Array, y: Labels) -> tuple[Array, Array]:
    """Fit each column by multiples of the mean images of 0 and of 1.

    Parameters
    ----------
    added : array, shape (pixels, units)
        What training added to the weights of the first layer.
    x, y : array
        Images and their labels, 0 or 1.

    Returns
    -------
    c : array, shape (2, units)
        The multiples with the least squared error.
    explained : array, shape (units,)
        1 minus the squared error, divided by the squared length of the column.
    """
    means = np.stack([x[y == k].mean(axis=0) for k in (0, 1)])
    c = np.linalg.lstsq(means.T, added)[0]
    rest = added - means.T @ c
    return c, 1 - (rest**2).sum(axis=0) / (added**2).sum(axis=0)


def near_line(c: Array) -> int:
    """Count the units whose multiples have opposite signs, neither 1.5 times the other in size."""
    return int(np.sum((c[0] * c[1] < 0) & (np.abs(np.log(np.abs(c[0] / c[1]))) < np.log(1.5))))


def random_sums(x: Array, seed: int) -> Array:
    """Return 100 sums of all images, each with normal random coefficients of mean 0, as columns."""
    return x.T @ np.random.default_rng(seed).normal(size=(len(x), 100))


def summary(found: Iterable[tuple[Array, Array]]) -> tuple[tuple[float, float], tuple[int, int]]:
    """Return what :func:`by_two_means` found for some networks.

    Returns
    -------
    (least, largest), (least, largest) : pairs of numbers
        Of the median over the units of what is explained, and of the units near the line.
    """
    found = list(found)
    explained = [float(np.median(share)) for _, share in found]
    near = [near_line(c) for c, _ in found]
    return (min(explained), max(explained)), (min(near), max(near))


def measured(
    train: Train,
    added: Callable[[Any, int], Array],
    data: Split,
    seeds: Iterable[int],
    rates: Iterable[float],
) -> Found:
    """Return the :func:`summary` of networks for 0 against 1, by their rates, and of random sums.

    Parameters
    ----------
    train, added : callable
        The chapter's own functions.
    data : Split
        All ten classes.
    seeds : iterable of int
        Each starts a network of its own.
    rates : iterable of float
        Learning rates.
    """
    (x, y), test = only(data, (0, 1))
    seeds = list(seeds)
    out: Found = {}
    for rate in rates:
        networks = [train((x, y), test, seed, rate)[0] for seed in seeds]
        explained, near = summary(
            by_two_means(added(network, seed), x, y)
            for network, seed in zip(networks, seeds, strict=True)
        )
        out[rate] = (*explained, *near)
    out["sums"], _ = summary(by_two_means(random_sums(x, seed), x, y) for seed in seeds)
    return out
