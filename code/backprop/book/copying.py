"""The copy task: how many letters a recurrent network repeats after a silence.

What the chapter on gates measures, and what an error finds on its way back over the silence. Each
network was trained at every rate; what came out stands in ``copying.json``, which
``python -m backprop.book.copying FILE`` writes (a quarter of an hour on one core); with kinds after
FILE, only these are trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book import results
from backprop.initializers import glorot
from backprop.layers import LSTM, RNN, Dense
from backprop.layers.recurrent import Recurrent
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam, clip_norm

OPEN = 4.0
"""Bias of forget gates that start wide open."""


KINDS: dict[str, tuple[Callable[..., Recurrent], int]] = {
    "RNN": (RNN, 32),
    "LSTM": (LSTM, 16),
    "LSTM, open": (partial(LSTM, forget_bias=OPEN), 16),
    "RNN, random": (partial(RNN, recurrent_initializer=glorot), 32),
}
"""Layers and their hidden units: 1,280 and 1,536 numbers in W, U and the biases.

All start with an orthogonal U but the last, whose U has the same size on average.
"""
TOLD, ALPHABET = 3, 6
"""Letters that are to be repeated, and how many there are."""
SILENCES = 5, 10, 20, 40
RATES = 0.003, 0.01, 0.03
SEEDS = tuple(range(10))
UPDATES, BATCH, LIMIT = 2000, 32, 1.0
"""Steps of Adam, sequences in a step, and where a gradient is clipped."""
SOLVED = 0.95
"""The task is solved where at least this share of the letters of new sequences is right."""


def copying(rng: np.random.Generator, batch: int, silence: int) -> tuple[Array, NDArray[np.int64]]:
    """Draw letters, a silence, and a signal at each step at which a letter is to be repeated.

    After Hochreiter and Schmidhuber (1997) and Arjovsky, Shah and Bengio (2016).

    Returns
    -------
    x : array, shape (batch, 2 * TOLD + silence, ALPHABET + 1)
        One-hot letters, zeros during the silence, and the signal in the last column.
    y : array of int, shape (batch, TOLD)
        The letters.
    """
    y = rng.integers(0, ALPHABET, (batch, TOLD))
    x = np.zeros((batch, 2 * TOLD + silence, ALPHABET + 1), np.float32)
    x[np.arange(batch)[:, None], np.arange(TOLD), y] = 1
    x[:, -TOLD:, ALPHABET] = 1
    return x, y


def network(kind: str, seed: int, dtype: type = np.float32) -> Sequential:
    """Return an untrained recurrent layer, and the dense one that names a letter at a step."""
    layer, n = KINDS[kind]
    options: dict[str, Any] = {"rng": np.random.default_rng(seed), "dtype": dtype}
    first = layer(ALPHABET + 1, n, return_sequence=True, **options)
    return Sequential([first, Dense(n, ALPHABET, **options)])


def scores(model: Sequential, x: Array) -> Array:
    """Return the scores of the letters at the last ``TOLD`` steps, one row a letter."""
    layer, dense = model.layers
    h = layer.forward(x)[:, -TOLD:]
    return dense.forward(h.reshape(-1, h.shape[2]))


def gradient(model: Sequential, x: Array, y: NDArray[np.int64]) -> None:
    """Leave in ``model.dtheta`` the gradient of the mean cross-entropy of the letters."""
    (layer, dense), loss = model.layers, SoftmaxCrossEntropy()
    loss.forward(scores(model, x), y.ravel())
    errors = np.zeros((*x.shape[:2], dense.parameters["W"].shape[0]), np.float32)
    errors[:, -TOLD:] = dense.backward(loss.backward()).reshape(len(x), TOLD, -1)
    layer.backward_parameters(errors)


def repeated(model: Sequential, silence: int) -> float:
    """Return which share of the letters of 256 new sequences a network repeats."""
    x, y = copying(np.random.default_rng(10_000 + silence), 256, silence)
    return float((scores(model, x).argmax(axis=1) == y.ravel()).mean())


def learn(
    model: Sequential, silence: int, rate: float, rng: np.random.Generator, updates: int = UPDATES
) -> None:
    """Train a network by Adam, on new sequences in each step."""
    optimizer = Adam(model, rate)
    for _ in range(updates):
        gradient(model, *copying(rng, BATCH, silence))
        clip_norm(model, LIMIT)
        optimizer.step()


def trained(kind: str, silence: int, rate: float, seed: int) -> float:
    """Train one network, and return the share of the letters of new sequences that it repeats."""
    model = network(kind, seed)
    learn(model, silence, rate, np.random.default_rng(seed + 100))
    return repeated(model, silence)


def sent_back(model: Sequential, silence: int) -> Array:
    """Return what errors of the first answer become on their way back to the first letter.

    One sequence is read. Row k of the result is the error at the first letter if that at the
    first answer is 1 for unit k and 0 for the others. The errors are those of the cells of an LSTM,
    otherwise those of the states. ``silence + TOLD`` steps lie between.

    Returns
    -------
    jacobian : array, shape (n_hidden, n_hidden)
    """
    layer: Any = model.layers[0]
    n = layer.n_hidden
    x, _ = copying(np.random.default_rng(10_000 + silence), 1, silence)
    x = np.repeat(x[:, : TOLD + silence + 1], n, axis=0).astype(model.theta.dtype)
    layer.forward(x[:, :1])
    first = {"h0": layer.h[-1].copy()}
    upstream, more = np.zeros((n, silence + TOLD, n), x.dtype), {}
    if isinstance(layer, LSTM):
        first["c0"] = layer.c[-1].copy()
        slope = layer._split(layer.gates)[2][0] * (1 - layer.tanh_c[0] ** 2)
        more["dc_last"] = np.eye(n, dtype=x.dtype)
    else:
        upstream[:, -1] = np.eye(n)
    layer.forward(x[:, 1:], **first)
    layer.backward_parameters(upstream, **more)
    if isinstance(layer, LSTM):
        return np.asarray(layer.dc0 + layer.dh0 * slope)
    return np.asarray(layer.dh0)


@cache
def factors(kind: str, silence: int) -> Array:
    """Return by how much an error is multiplied over a silence, by all ways, in each direction.

    These are the singular values of :func:`sent_back`, the largest first, for ten untrained
    networks. They span more powers of ten than float32 has digits, so they are computed in float64.

    Returns
    -------
    factors : array, shape (networks, n_hidden)
    """
    each = (sent_back(network(kind, seed, np.float64), silence) for seed in SEEDS)
    return np.array([np.linalg.svd(J, compute_uv=False) for J in each])


def returning(model: Sequential, silence: int) -> tuple[Array, Array]:
    """Return how long the first answer's error is at the cells of each step of an LSTM.

    It is the error of the cross-entropy, divided by its length at the cells of that answer. Both
    results are medians over 256 new sequences, from the first letter to the first answer.

    Returns
    -------
    whole : array, shape (silence + TOLD + 1,)
        By all ways.
    direct : array, shape (silence + TOLD + 1,)
        By the direct way alone.
    """
    layer: Any
    layer, dense = model.layers
    x, y = copying(np.random.default_rng(10_000 + silence), 256, silence)
    h = layer.forward(x[:, : silence + TOLD + 1])
    z = dense.forward(h[:, -1]).astype(float)
    error = np.exp(z - z.max(axis=1, keepdims=True))
    right = np.arange(len(y)), y[:, 0]
    error[right] = 0
    error[right] = -error.sum(axis=1)
    error /= np.linalg.norm(error, axis=1, keepdims=True)
    upstream = np.zeros_like(h)
    upstream[:, -1] = dh = error @ dense.parameters["W"].T
    layer.backward_parameters(upstream)
    _, f, o, _ = layer._split(layer.gates)
    slopes = o * (1 - layer.tanh_c**2)
    alone = [dh * slopes[-1]]
    whole = [alone[0]]
    for t in reversed(range(len(f) - 1)):
        alone.append(f[t + 1] * alone[-1])
        detour = layer.dz[t + 1] @ layer.parameters["U"].T * slopes[t]
        whole.append(f[t + 1] * whole[-1] + detour)
    lengths = np.linalg.norm([whole[::-1], alone[::-1]], axis=3)
    every, direct = np.median(lengths / lengths[:, -1:], axis=2)
    return every, direct


@cache
def stored() -> dict[str, dict[str, list[float]]]:
    """Return the shares of ten networks by kind and silence ("RNN, 5") and by rate."""
    found: dict[str, dict[str, list[float]]] = results.read("copying")
    return found


def best(kind: str, silence: int) -> str:
    """Return the rate of the largest median, and of the larger mean where medians are the same."""
    rows = stored()[f"{kind}, {silence}"]
    return max(rows, key=lambda rate: (float(np.median(rows[rate])), float(np.mean(rows[rate]))))


def right(kind: str, silence: int) -> Array:
    """Return the stored shares of ten networks, at their best rate."""
    return np.array(stored()[f"{kind}, {silence}"][best(kind, silence)])


def solved(kind: str, silence: int) -> int:
    """Return how many of ten networks have solved the task."""
    return int((right(kind, silence) >= SOLVED).sum())


def told(kind: str, silence: int) -> dict[str, list[float]]:
    """Return what is stored of a kind at a silence: by rate, the share of each network."""
    return {
        f"{rate:g}": [round(trained(kind, silence, rate, seed), 3) for seed in SEEDS]
        for rate in RATES
    }


def main(target: str, *kinds: str) -> None:
    """Train every kind, or those that are named, and write what is stored."""
    pairs = {f"{kind}, {silence}": (kind, silence) for kind in KINDS for silence in SILENCES}
    results.renew(
        target,
        {name: partial(told, *pair) for name, pair in pairs.items()},
        [name for name, (kind, _) in pairs.items() if not kinds or kind in kinds],
        stored,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
