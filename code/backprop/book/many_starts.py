"""Training many starts of one small network at once.

One step of a network of a few thousand weights takes Python longer than NumPy. Here the weights of
all starts stand in one array, start by start, so a comparison over many starts and rates takes one
round of calls a step instead of one for each start. The rules are the package's, which act on each
weight alone: they move a stand-in for all networks at the rate 1, and each run takes its own rate
of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_count
from backprop.layers import Dense, ReLU, Tanh
from backprop.network import Network, Sequential
from backprop.optimizers import SGD, Adam

Labelled = tuple[Array, NDArray[np.integer]]


class _All:
    """What an update rule knows of a network, for all of them: θ and its gradient."""

    def __init__(self, theta: Array) -> None:
        self.theta = np.zeros_like(theta)
        self.dtheta = np.zeros_like(theta)
        self.parameters = {"theta": self.theta}
        self.dtype = theta.dtype


def train(
    networks: Sequence[Sequential],
    sets: Sequence[Labelled],
    rates: Array,
    batch_size: int,
    seeds: Sequence[int],
    *,
    adam: bool = False,
) -> Array:
    """Train each network on its own set by SGD or Adam, and return the losses of its batches.

    Before each step, a run draws ``batch_size`` rows of its set with replacement, and the loss is
    the mean cross-entropy of their softmax before the step.

    Parameters
    ----------
    networks : sequence of Sequential
        Of equal shape: `Dense` layers with `Tanh` or `ReLU` between them. They end up trained.
    sets : sequence of (x, y)
        Shapes (n, d) and (n,), one pair a network, with the same n.
    rates : array, shape (steps, runs)
        The learning rate of each step, a column for each network.
    batch_size : int
        B ≥ 1.
    seeds : sequence of int
        From where the batches of each network come.
    adam : bool
        :class:`~backprop.optimizers.Adam` in the place of gradient descent.

    Returns
    -------
    ndarray, shape (runs, steps)

    Raises
    ------
    ValueError
        If the numbers of networks, sets, seeds and columns differ, or a layer is of another kind.
    """
    runs = len(networks)
    if not runs == len(sets) == len(seeds) == np.shape(rates)[1]:
        raise ValueError("train: expected one set, one seed and one column of rates a network")
    size = check_count("train", "batch_size", batch_size)
    theta = np.stack([network.theta for network in networks])
    moved = _All(theta)
    rule = (Adam if adam else SGD)(cast(Network, moved), 1.0)
    layers = _layers(networks[0], theta, moved.dtheta)
    x, y = (np.stack(arrays) for arrays in zip(*sets, strict=True))
    drawn = np.stack([
        np.random.default_rng(seed).integers(x.shape[1], size=(len(rates), size)) for seed in seeds
    ])  # fmt: skip
    row = np.arange(runs)[:, None]
    losses = np.empty((runs, len(rates)))
    for t, rate in enumerate(np.asarray(rates)):
        batch = drawn[:, t]
        losses[:, t] = _gradients(layers, x[row, batch], y[row, batch])
        moved.theta.fill(0)
        rule.step()
        theta += rate[:, None] * moved.theta
    for network, trained in zip(networks, theta, strict=True):
        network.theta[...] = trained
    return losses


_Affine = tuple[Array, Array, Array, Array]
"""W, b and their gradients, each with the runs as first axis."""


def _layers(network: Sequential, theta: Array, slope: Array) -> list[_Affine | type]:
    """Return views of each layer's parameters in ``theta`` and ``slope``, or the nonlinearity."""
    found: list[_Affine | type] = []
    start, runs = 0, len(theta)
    for k, layer in enumerate(network.layers):
        if k % 2 == 0 and isinstance(layer, Dense):
            n_in, n_out = layer.parameters["W"].shape
            middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
            W, dW = (a[:, start:middle].reshape(runs, n_in, n_out) for a in (theta, slope))
            b, db = (a[:, None, middle:end] for a in (theta, slope))
            found.append((W, b, dW, db))
            start = end
        elif k % 2 and isinstance(layer, Tanh | ReLU):
            found.append(type(layer))
        else:
            raise ValueError(f"train: layer {k} is a {type(layer).__name__}")
    return found


def _gradients(layers: Sequence[_Affine | type], x: Array, y: NDArray[np.integer]) -> Array:
    """Put the gradient of each run's mean loss where ``layers`` has its views; return the losses.

    Shapes: x (runs, batch, d), y (runs, batch).
    """
    kept = [x]
    for layer in layers:
        if isinstance(layer, tuple):
            kept.append(kept[-1] @ layer[0] + layer[1])
        else:
            kept.append(np.tanh(kept[-1]) if layer is Tanh else np.maximum(kept[-1], 0))
    z = kept.pop()
    z -= z.max(axis=-1, keepdims=True)
    right = (*np.ogrid[: y.shape[0], : y.shape[1]], y)
    sums = np.exp(z).sum(axis=-1)
    losses = np.mean(np.log(sums) - z[right], axis=1)
    delta = np.exp(z) / sums[..., None]
    delta[right] -= 1
    delta /= y.shape[1]
    for k in reversed(range(len(layers))):
        layer, entered = layers[k], kept[k]
        if isinstance(layer, tuple):
            W, _, dW, db = layer
            np.matmul(entered.transpose(0, 2, 1), delta, out=dW)
            np.sum(delta, axis=1, keepdims=True, out=db)
            if k:
                delta = delta @ W.transpose(0, 2, 1)
        else:
            left = kept[k + 1]
            delta = delta * (1 - left**2 if layer is Tanh else left > 0)
    return np.asarray(losses)
