"""What a recurrent network can carry along a sequence: two tasks, and ten networks in one.

What the chapter "Recurrent networks" measures. Several networks of one kind stand side by side in
one layer whose U has a block for each of them and zeros elsewhere, so that one product serves them
all. They read the same sequences, differ by their start, and never touch one another.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.initializers import orthogonal, scaled
from backprop.layers import GRU, LSTM, RNN, Dense
from backprop.layers.recurrent import Recurrent
from backprop.network import Sequential
from backprop.optimizers import Adam

KINDS: dict[str, type[Recurrent]] = {"RNN": RNN, "GRU": GRU, "LSTM": LSTM}
UNITS = {"RNN": 25, "GRU": 14, "LSTM": 12}
"""Hidden units: 700, 728 and 720 numbers in W, U and the biases."""
LENGTHS = 5, 20, 40
RATES = 0.003, 0.01, 0.03
UPDATES, BATCH, LIMIT = 250, 32, 1.0
"""Steps of Adam in a run, sequences in a step, and the length to which a gradient is clipped."""
SEEDS, TUNING = tuple(range(10)), (100, 101)
"""Starts of the networks that are shown, and of those that choose the rate."""
KEPT = 2
"""Values that the copy task asks for."""
Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


def adding(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of numbers, two of them marked, and the sum of these two.

    After Hochreiter and Schmidhuber (1997). Guessing 0 has the squared error 2/3.

    Returns
    -------
    x : array, shape (batch, length, 2)
        Numbers between -1 and 1, and marks: a 1 in the first half and one in the second.
    y : array, shape (batch, 1)
    """
    values, marks = rng.uniform(-1, 1, (batch, length)), np.zeros((batch, length))
    rows = np.arange(batch)
    marks[rows, rng.integers(0, length // 2, batch)] = 1
    marks[rows, rng.integers(length // 2, length, batch)] = 1
    x = np.stack([values, marks], axis=2)
    return x.astype(np.float32), (values * marks).sum(axis=1, keepdims=True).astype(np.float32)


def copying(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of numbers, of which the first two are marked, and these two.

    Guessing 0 has the squared error 1/3.

    Returns
    -------
    x : array, shape (batch, length, 2)
    y : array, shape (batch, 2)
    """
    values, marks = rng.uniform(-1, 1, (batch, length)), np.zeros((batch, length))
    marks[:, :KEPT] = 1
    x = np.stack([values, marks], axis=2)
    return x.astype(np.float32), values[:, :KEPT].astype(np.float32)


TASKS: dict[str, Draw] = {"adding": adding, "copying": copying}
GUESSING = {"adding": 2 / 3, "copying": 1 / 3}
"""Squared error of the answer 0, the mean of every target."""


@dataclass(frozen=True)
class Start:
    """A kind of network, and how its recurrent layer begins.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    scale : float
        By which the orthogonal blocks of U are multiplied.
    gate : float or None
        Bias of the gate that keeps the state: f of the LSTM, u of the GRU. None: that of the layer.
    """

    kind: str
    scale: float = 1.0
    gate: float | None = None

    def network(self, n_out: int, seed: int, **options: Any) -> Sequential:
        """Return one network: a recurrent layer, whose last state a dense layer reads."""
        n, rng = UNITS[self.kind], np.random.default_rng(seed)
        options = {"return_sequence": False, "dtype": np.float32, **options}
        layer = KINDS[self.kind](
            2, n, rng=rng, recurrent_initializer=scaled(orthogonal, self.scale), **options
        )
        if self.gate is not None:
            layer.parameters["b"][n : 2 * n] = self.gate
        return Sequential([layer, Dense(n, n_out, rng=rng, dtype=np.float32)])


class SideBySide:
    """Networks of one kind in one: at first, number k is ``start.network(n_out, seeds[k])``.

    Parameters
    ----------
    start : Start
        What they are.
    n_out : int
        Outputs of each.
    seeds : sequence of int
        One for each network.
    """

    def __init__(self, start: Start, n_out: int, seeds: Sequence[int]) -> None:
        self.start, self.n_out, self.seeds = start, n_out, tuple(seeds)
        self.n, count = UNITS[start.kind], len(seeds)
        n = self.n
        self.layer = KINDS[start.kind](
            2, n * count, rng=np.random.default_rng(0), return_sequence=False, dtype=np.float32
        )
        head = Dense(n * count, n_out * count, rng=np.random.default_rng(0), dtype=np.float32)
        self.network = Sequential([self.layer, head])
        self.network.reuse_buffers(True)
        self.network.theta[...] = 0
        for k, seed in enumerate(seeds):
            self.put(k, start.network(n_out, seed))
        self.owner = self._owners()

    def _views(self, source: Sequential, k: int) -> list[tuple[Array, Array]]:
        """Pair each array of network k inside ``self.network`` with that of ``source``."""
        n, pairs = self.n, []
        rows = slice(k * n, (k + 1) * n)
        for name, whole in self.network.parameters.items():
            part = source.parameters[name]
            if name.startswith("dense"):
                columns = slice(k * self.n_out, (k + 1) * self.n_out)
                pairs.append((whole[rows, columns] if whole.ndim == 2 else whole[columns], part))
                continue
            blocks = part.shape[-1] // n
            inner = whole.reshape(*whole.shape[:-1], blocks, -1)[..., rows]
            if name.endswith(".U"):
                inner = inner[rows]
            pairs.append((inner, part.reshape(inner.shape)))
        return pairs

    def put(self, k: int, network: Sequential) -> None:
        """Copy a network's parameters to place k."""
        for inner, part in self._views(network, k):
            inner[...] = part

    def take(self, k: int, **options: Any) -> Sequential:
        """Return network k as it is now, on its own; ``options`` go to its recurrent layer."""
        network = self.start.network(self.n_out, 0, **options)
        for inner, part in self._views(network, k):
            part[...] = inner
        return network

    def _owners(self) -> NDArray[np.int64]:
        """Return to which network each entry of θ belongs, and -1 between the blocks."""
        kept = self.network.theta.copy()
        self.network.theta[...] = -1
        for k in range(len(self.seeds)):
            for inner, _ in self._views(self.start.network(self.n_out, 0), k):
                inner[...] = k
        owner = self.network.theta.astype(np.int64)
        self.network.theta[...] = kept
        return owner

    def gradient(self, x: Array, y: Array) -> None:
        """Leave in ``network.dtheta`` the gradients of ½ mean ‖p - y‖², each clipped by itself."""
        p = self.network.forward(x).reshape(len(x), len(self.seeds), self.n_out)
        delta = (p - y[:, None]) / len(x)
        self.network.backward_parameters(delta.reshape(len(x), -1))
        g = self.network.dtheta
        g[self.owner < 0] = 0  # what is 0 between the blocks stays 0
        count = len(self.seeds)
        squares = np.bincount(np.maximum(self.owner, 0), g.astype(np.float64) ** 2, count)
        factors = np.minimum(1, LIMIT / (np.sqrt(squares) + 1e-6)).astype(g.dtype)
        g *= factors[np.maximum(self.owner, 0)]

    def errors(self, x: Array, y: Array) -> Array:
        """Return the mean squared error of each network, over sequences and outputs."""
        p = self.network.forward(x).reshape(len(x), len(self.seeds), self.n_out)
        return np.asarray(((p - y[:, None]) ** 2).mean(axis=(0, 2)), dtype=np.float64)

    def sizes(self, x: Array, y: Array) -> Array:
        """Return how large the error is at the state after each step, 0 to length.

        Each run starts at step t from the state that the whole sequence had there, so that the
        layer leaves ∂L/∂h_t in ``dh0`` (and ∂L/∂c_t in ``dc0``): their length, as a root mean
        square over the sequences, relative to that of ∂L/∂h at the end.

        Returns
        -------
        array, shape (networks, length + 1)
        """
        self.network.forward(x)
        length, count = x.shape[1], len(self.seeds)
        names = ("h", "c") if self.start.kind == "LSTM" else ("h",)
        states = [getattr(self.layer, name).copy() for name in names]
        delta = (self.network.layers[1].forward(states[0][-1]) - np.tile(y, count)) / len(x)
        upstream = self.network.layers[1].backward(delta).copy()

        def squares(error: Array) -> Array:
            each = (error.astype(np.float64) ** 2).reshape(len(x), count, self.n)
            return np.asarray(each.sum(axis=(0, 2)))

        found = [squares(upstream)]
        for t in reversed(range(length)):
            given = {f"{name}0": state[t] for name, state in zip(names, states, strict=True)}
            self.layer.forward(x[:, t:], **given)
            self.layer.backward_parameters(upstream)
            found.append(np.sum([squares(getattr(self.layer, f"d{name}0")) for name in names], 0))
        return np.sqrt(np.array(found[::-1]).T / found[0][:, None])


def tested(task: str, length: int) -> tuple[Array, Array]:
    """Return 256 sequences on which no network was trained."""
    return TASKS[task](np.random.default_rng(10_000 + length), 256, length)


def trained(
    task: str, start: Start, length: int, rate: float, seeds: Sequence[int], updates: int = UPDATES
) -> list[SideBySide]:
    """Train networks by Adam and return them, five in each group."""
    groups = []
    for first in range(0, len(seeds), 5):
        some = seeds[first : first + 5]
        rng = np.random.default_rng(some[0])
        n_out = TASKS[task](rng, 1, length)[1].shape[1]
        group = SideBySide(start, n_out, some)
        optimizer = Adam(group.network, rate)
        for _ in range(updates):
            group.gradient(*TASKS[task](rng, BATCH, length))
            optimizer.step()
        groups.append(group)
    return groups


@dataclass(frozen=True)
class Outcome:
    """The rate that two starts chose, the networks of the other ten, and their squared errors."""

    task: str
    length: int
    rate: float
    groups: list[SideBySide]
    errors: Array

    @property
    def solved(self) -> int:
        """How many networks left less than a tenth of the error of guessing."""
        return int((self.errors < GUESSING[self.task] / 10).sum())

    @cached_property
    def sizes(self) -> Array:
        """:meth:`SideBySide.sizes` of all networks on 64 sequences, (networks, length + 1)."""
        x, y = tested(self.task, self.length)
        return np.concatenate([group.sizes(x[:64], y[:64]) for group in self.groups])


@cache
def outcome(task: str, start: Start, length: int) -> Outcome:
    """Choose the rate with the least error on average over two starts, and train ten others."""
    test = tested(task, length)

    def mean_error(rate: float) -> float:
        (group,) = trained(task, start, length, rate, TUNING)
        return float(group.errors(*test).mean())

    rate = min(RATES, key=mean_error)
    groups = trained(task, start, length, rate, SEEDS)
    errors = np.concatenate([group.errors(*test) for group in groups])
    return Outcome(task, length, rate, groups, errors)
