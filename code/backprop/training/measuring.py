"""Figures of a network on a whole set: loss, accuracy, and where NaN or infinity began."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_labels
from backprop.layers import Layer
from backprop.losses import Loss
from backprop.network import Network

MEASURED_AT_ONCE = 4096
"""Rows of one forward pass when a whole set is measured: more would only need more memory."""


def evaluate(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> tuple[float, float | None]:
    """Return loss and accuracy over the whole set, in the mode the network is in.

    The accuracy is None where ``y`` holds no integer classes.
    """
    total = weights = correct = 0.0
    classes = y.dtype.kind in "iu"
    for start in range(0, len(x), MEASURED_AT_ONCE):
        xs, ys = x[start : start + MEASURED_AT_ONCE], y[start : start + MEASURED_AT_ONCE]
        z = network.forward(xs)
        value, weight = loss.forward(z, ys), loss.weight(ys)
        total += value * weight
        weights += weight
        if classes:
            correct += accuracy(z, ys) * len(xs)
    return total / weights, correct / len(x) if classes else None


def accuracy(scores: Array, y: NDArray[np.generic]) -> float:
    """Fraction of rows whose largest score is at their class.

    Parameters
    ----------
    scores : (batch, classes) array
    y : (batch,) array of integer classes

    Raises
    ------
    ValueError
        If the shapes disagree: NumPy would compare (100, 1) with (100, 2) and answer.
    """
    if scores.ndim != 2:
        raise ValueError(f"accuracy: scores has shape {scores.shape}, expected (*, *)")
    labels = check_labels("accuracy", "y", y, len(scores), scores.shape[1])
    if not len(scores):
        raise ValueError("accuracy: scores has no row")
    return float((scores.argmax(axis=1) == labels).mean())


def first_not_finite(network: Network, x: Array) -> str:
    """Say where NaN or infinity first appears on the way forward: input, parameter or output."""
    if not np.isfinite(x).all():
        return "x already holds NaN or infinity"
    finder = _Finder(network)
    before = network.watch(finder)
    try:
        network.forward(x)
    finally:
        network.watch(before)
    return finder.found or "every layer's output is finite, so it began in the loss"


class _Finder:
    """Watches for the first parameter or output that is not finite."""

    def __init__(self, network: Network) -> None:
        self.top = list(network.named)
        self.found = ""

    def output(self, name: str, layer: Layer, a: Array) -> None:
        if self.found:
            return
        for key, value in layer.parameters.items():
            if not np.isfinite(value).all():
                self.found = f"{name}.{key} holds NaN or infinity, from the last update"
                return
        if not np.isfinite(a).all():
            self.found = f"it began in the output of {self._place(name, layer)}"

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """The way back is not walked."""

    def _place(self, name: str, layer: Layer) -> str:
        top, *inner = name.split(".")
        number = self.top.index(top) + 1
        kind = type(layer).__name__
        return f"layer {number}, at {name}, {kind}" if inner else f"layer {number}, {kind}"
