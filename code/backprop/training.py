"""The four steps in a loop: forward, error, backward, update."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backprop.arrays import Array, check_labels
from backprop.losses import Loss
from backprop.network import Sequential


class Optimizer(Protocol):
    """What the loop asks of an optimizer."""

    def step(self) -> None:
        """Apply the gradients of the last backward pass."""


@dataclass
class History:
    """Figures per epoch, measured after it on the whole set; accuracies are fractions."""

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


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


def fit(
    network: Sequential,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    y: NDArray[np.generic],
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    validation: tuple[Array, NDArray[np.generic]] | None = None,
    progress: bool = False,
) -> History:
    """Train by mini-batches, shuffled anew each epoch; every sample is used once an epoch.

    Parameters
    ----------
    x : (n, …) array
    y : (n, …) array
        Classes or targets, as ``loss`` expects them.
    epochs, batch_size : int
        At least 1; the last batch may be smaller.
    rng : numpy.random.Generator
        Source of the shuffles: the same seed gives the same weights to the last bit.
    validation : (x, y), optional
        Measured after each epoch, never trained on.
    progress : bool
        Show a progress bar.

    Returns
    -------
    History
        Accuracies stay empty where ``y`` holds no integer classes.

    Raises
    ------
    ValueError
        If lengths disagree or a number is below 1.
    FloatingPointError
        If the loss of a batch is NaN or infinite; the parameters are then those before its update.
    """
    if len(x) != len(y):
        raise ValueError(f"fit: y has {len(y)} rows, expected {len(x)} as x")
    if not len(x):
        raise ValueError("fit: x has no row")
    for name, count in (("epochs", epochs), ("batch_size", batch_size)):
        if count < 1:
            raise ValueError(f"fit: {name} is {count}, expected at least 1")
    history = History()
    for epoch in tqdm(range(epochs), disable=not progress, desc="training", unit="epoch"):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch_size):
            batch = order[start : start + batch_size]
            value = loss.forward(network.forward(x[batch]), y[batch])
            if not np.isfinite(value):
                raise FloatingPointError(
                    f"fit: the loss is {value} in epoch {epoch}, batch {start // batch_size};"
                    " try a smaller learning_rate"
                )
            network.backward(loss.backward())
            optimizer.step()
        _measure(network, loss, x, y, history.loss, history.accuracy)
        if validation is not None:
            _measure(
                network, loss, *validation, history.validation_loss, history.validation_accuracy
            )
    return history


def _measure(
    network: Sequential,
    loss: Loss,
    x: Array,
    y: NDArray[np.generic],
    losses: list[float],
    accuracies: list[float],
) -> None:
    z = network.forward(x)
    losses.append(loss.forward(z, y))
    if y.dtype.kind in "iu":
        accuracies.append(accuracy(z, y))
