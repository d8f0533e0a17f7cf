"""Training many starts of one small network at once.

One step of a network of a few thousand weights takes Python longer than NumPy. Here the weights of
all starts stand in one array, start by start, so a comparison over many starts and rates takes one
round of calls a step instead of one for each start. The rules are the package's, which act on each
weight alone: they move a stand-in for all networks at the rate 1, and each run takes its own rate
of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_count
from backprop.layers import Dense, Layer, LayerNorm, ReLU, Residual, Tanh
from backprop.layers.activation import Activation
from backprop.losses import Loss
from backprop.network import Network, Sequential
from backprop.optimizers import SGD, Adam, Optimizer, clip_norm

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


class Stack:
    """Networks of equal shape that take their passes and their steps together.

    It holds copies of their parameters, which :meth:`unstack` writes back. The passes are those of
    the package's layers, on arrays whose first axis is the runs.

    Parameters
    ----------
    networks : sequence of Sequential
        Of `Dense`, `LayerNorm`, activations, and `Residual` of these.
    rule : callable
        The optimizer, as of a network and a learning rate.

    Raises
    ------
    ValueError
        If a layer is of another kind.
    """

    def __init__(
        self, networks: Sequence[Sequential], rule: Callable[[Network, float], Optimizer] = SGD
    ) -> None:
        self.networks = networks
        self._joint = Sequential(_joined([network.layers for network in networks]))
        self._joint.reuse_buffers(True)
        self._moved = _All(self._joint.theta)
        self._moved.dtheta = self._joint.dtheta
        self._rule = rule(cast(Network, self._moved), 1.0)
        runs = np.arange(len(networks))
        # To which run each parameter belongs, in the order of the joint vector.
        self._owner = np.concatenate([
            np.repeat(runs, array[0].size) for array in self._joint.parameters.values()
        ])  # fmt: skip

    def forward(self, x: Array) -> Array:
        """Return what each network answers, shape (runs, batch, n_out).

        ``x`` has the shape (runs, batch, n_in), or (batch, n_in) where all share it.
        """
        return self._joint.forward(x).copy()

    def gradients(self, loss: Loss, x: Array, y: NDArray[np.generic]) -> Array:
        """Find the gradient of each run, and return its loss, shape (runs,).

        ``x`` is as in :meth:`forward`, and ``y`` has the runs as first axis where ``x`` has it.
        """
        z = self._joint.forward(x)
        # Class by class in memory, as the losses give it: the sums then have the package's order.
        losses, delta = np.empty(len(z)), np.empty((len(z), *z.shape[:0:-1])).swapaxes(1, 2)
        for k, outputs in enumerate(z):
            losses[k] = loss.forward(outputs, y if x.ndim == 2 else y[k])
            delta[k] = loss.backward()
        self._joint.backward_parameters(delta)
        return losses

    def clip(self, limit: float) -> None:
        """Shorten each run's gradient by itself, as :func:`backprop.optimizers.clip_norm` does."""
        g = self._joint.dtheta
        # One row of places a run, in the order of its network's own vector.
        for own in np.argsort(self._owner, kind="stable").reshape(len(self.networks), -1):
            alone = _All(g[own])
            alone.dtheta[...] = g[own]
            clip_norm(cast(Network, alone), limit)
            g[own] = alone.dtheta

    def step(self, rates: float | Array) -> None:
        """Take a step of the rule in each run; ``rates`` is one number, or one a run."""
        self._moved.theta.fill(0)
        self._rule.step()
        theta = self._joint.theta
        theta += np.broadcast_to(rates, len(self.networks))[self._owner] * self._moved.theta

    def unstack(self) -> None:
        """Give each network its parameters."""
        for name, together in self._joint.parameters.items():
            for network, array in zip(self.networks, together, strict=True):
                network.parameters[name][...] = array


def _joined(runs: Sequence[Sequence[Layer]]) -> list[Layer]:
    """Return one layer in the place of those that stand at the same place in each run."""
    return [_join(same) for same in zip(*runs, strict=True)]


def _join(same: Sequence[Layer]) -> Layer:
    first = same[0]
    if isinstance(first, Dense):
        return _Denses(same)
    if isinstance(first, LayerNorm):
        return _LayerNorms(same, first)
    if isinstance(first, Residual):
        return Residual(_joined([cast(Residual, layer).layers for layer in same]))
    if isinstance(first, Activation):
        return type(first)()
    raise ValueError(f"Stack: a layer is a {type(first).__name__}")


def _stacked(same: Sequence[Layer]) -> dict[str, Array]:
    return {name: np.stack([f.parameters[name] for f in same]) for name in same[0].parameters}


class _Denses(Layer):
    """z = x W + b in each run: W (runs, n_in, n_out), b (runs, n_out)."""

    name = "dense"

    def __init__(self, same: Sequence[Layer]) -> None:
        super().__init__()
        self.parameters, self.gradients = _stacked(same), _stacked(same)  # type: ignore[assignment]

    def forward(self, x: Array) -> Array:
        self.x, W = x, self.parameters["W"]
        z = np.matmul(x, W, out=self._empty("z", (len(W), x.shape[-2], W.shape[2]), W.dtype))
        z += self.parameters["b"][:, None]
        return z

    def backward(self, dz: Array) -> Array:
        self.backward_parameters(dz)
        W = self.parameters["W"]
        dx = self._empty("dx", (*dz.shape[:2], W.shape[1]), W.dtype)
        return np.matmul(dz, W.swapaxes(1, 2), out=dx)

    def backward_parameters(self, dz: Array) -> None:
        np.matmul(self.x.swapaxes(-1, -2), dz, out=self.gradients["W"])
        np.matmul(np.ones(dz.shape[1]), dz, out=self.gradients["b"])


class _LayerNorms(LayerNorm):
    """γ ⊙ x̂ + β in each run: γ and β (runs, n)."""

    def __init__(self, same: Sequence[Layer], first: LayerNorm) -> None:
        super().__init__(first.n, eps=first.eps)
        self.parameters, self.gradients = _stacked(same), _stacked(same)  # type: ignore[assignment]
        self.shape = len(same), 1, self.n

    def forward(self, x: Array) -> Array:
        self._standardize(x, (-1,))
        return self._affine(self.shape)

    def backward(self, dz: Array) -> Array:
        return self._standardize_vjp(self._affine_vjp(dz, self.shape, (1,)), (-1,))
