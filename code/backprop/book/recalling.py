"""What a recurrent network can carry along a sequence: four tasks, and ten networks in one.

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
LEARNED = 0.9
"""A rate at which the loss stays above this part of the loss of always answering 0 is no use."""
KEPT = 2
"""Values that the copy task asks for."""
LATE = 8
"""Steps at the end that have no mark in the task ``early``."""
Draw = Callable[[np.random.Generator, int, int], tuple[Array, Array]]


def adding(rng: np.random.Generator, batch: int, length: int, late: int = 0) -> tuple[Array, Array]:
    """Draw sequences of numbers, two of them marked, and the sum of these two.

    After Hochreiter and Schmidhuber (1997), with the marks as in Arjovsky, Shah and Bengio (2016):
    one in each half. Guessing 0 has the squared error 2/3. No mark falls on the last ``late``
    steps.

    Returns
    -------
    x : array, shape (batch, length, 2)
        Numbers between -1 and 1, and marks: a 1 in the first half and one in the second.
    y : array, shape (batch, 1)
    """
    values, marks = rng.uniform(-1, 1, (batch, length)), np.zeros((batch, length))
    rows = np.arange(batch)
    marks[rows, rng.integers(0, length // 2, batch)] = 1
    marks[rows, rng.integers(length // 2, length - late, batch)] = 1
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


def silenced(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of the adding task in which all numbers without a mark are 0.

    Marks and sums are those of :func:`adding`: the way back is as long, but nothing must be
    ignored.

    Returns
    -------
    x : array, shape (batch, length, 2)
    y : array, shape (batch, 1)
    """
    x, y = adding(rng, batch, length)
    x[..., 0] *= x[..., 1]
    return x, y


def early(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of the adding task in which no mark falls on the last ``LATE`` steps.

    Returns
    -------
    x : array, shape (batch, length, 2)
    y : array, shape (batch, 1)
    """
    return adding(rng, batch, length, LATE)


TASKS: dict[str, Draw] = {
    "adding": adding, "early": early, "silenced": silenced, "copying": copying,
}  # fmt: skip
GUESSING = {"adding": 2 / 3, "early": 2 / 3, "silenced": 2 / 3, "copying": 1 / 3}
"""Loss (mean squared error) of the answer 0, the mean of every target."""


@dataclass(frozen=True)
class Start:
    """A kind of network, how its recurrent layer begins, and how far its error goes back.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    scale : float
        By which the orthogonal blocks of U are multiplied.
    gate : float or None
        Bias of the gate that keeps the state: f of the LSTM, u of the GRU. None: that of the layer.
    cut : int or None
        Steps in a chunk: the layer's ``truncate``. The state crosses a chunk's end, the error does
        not.
    """

    kind: str
    scale: float = 1.0
    gate: float | None = None
    cut: int | None = None

    def network(self, n_out: int, seed: int, **options: Any) -> Sequential:
        """Return one network: a recurrent layer, whose last state a dense layer reads."""
        n, rng = UNITS[self.kind], np.random.default_rng(seed)
        options = {
            "return_sequence": False, "dtype": np.float32, "truncate": self.cut, **options,
        }  # fmt: skip
        layer = KINDS[self.kind](
            2, n, rng=rng, recurrent_initializer=scaled(orthogonal, self.scale), **options
        )
        if self.gate is not None:
            layer.parameters["b"][n : 2 * n] = self.gate
        return Sequential([layer, Dense(n, n_out, rng=rng, dtype=options["dtype"])])


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
            2, n * count, rng=np.random.default_rng(0), return_sequence=False, dtype=np.float32,
            truncate=start.cut,
        )  # fmt: skip
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

    def losses(self, x: Array, y: Array) -> Array:
        """Return the mean squared error of each network, over sequences and outputs."""
        p = self.network.forward(x).reshape(len(x), len(self.seeds), self.n_out)
        return np.asarray(((p - y[:, None]) ** 2).mean(axis=(0, 2)), dtype=np.float64)

    def arriving(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return how large the error is at the state of each step, by all paths and by one alone.

        The state is h_t, and c_t in an LSTM, which h_t shows: ∂L/∂c_t = dc + dh ⊙ o ⊙ tanh'(c_t),
        where dh and dc are what step t + 1 hands back. The direct path is that through the gate
        which keeps the state, f of the LSTM and u of the GRU; a plain layer has none.

        Each step is run as a sequence of its own, from the state that the whole sequence had
        there, so that the layer leaves what it hands back in ``dh0`` and ``dc0``.

        Returns
        -------
        whole, direct : array, shape (networks, length)
            Root mean squares over the sequences, relative to that of the whole at the last step.
        """
        layer, head = self.layer, self.network.layers[1]
        names = ("h", "c") if self.start.kind == "LSTM" else ("h",)
        self.network.forward(x)
        length, count = x.shape[1], len(self.seeds)
        states = {name: getattr(layer, name).copy() for name in names}
        delta = (head.forward(states["h"][-1]) - np.tile(y, count)) / len(x)
        back = {"dh": head.backward(delta).copy()}
        along, squares = None, []
        for t in reversed(range(length)):
            layer.forward(x[:, t : t + 1], **{f"{name}0": states[name][t] for name in names})
            error = self._at_state(states, t + 1, **back)
            along = error if along is None else along
            squares.append([self._squares(error), self._squares(along)])
            along = along * self._keeping()
            layer.backward_parameters(*back.values())
            stops = layer.truncate is not None and t % layer.truncate == 0
            back = {f"d{name}": getattr(layer, f"d{name}0") * (not stops) for name in names}
        whole, direct = np.sqrt(np.array(squares[::-1])).transpose(1, 2, 0)
        return whole / whole[:, -1:], direct / whole[:, -1:]

    def _at_state(
        self, states: dict[str, Array], t: int, dh: Array, dc: Array | float = 0.0
    ) -> Array:
        """Return the error at the state after t steps, the last of which the layer has just run."""
        if not isinstance(self.layer, LSTM):
            return dh
        o = self.layer._split(self.layer.gates[0])[2]
        return np.asarray(dc + dh * o * (1 - np.tanh(states["c"][t]) ** 2))

    def _keeping(self) -> Array | float:
        """Return the gate that keeps the state, in the step that the layer has just run."""
        if not isinstance(self.layer, GRU | LSTM):
            return 0.0
        return self.layer._split(self.layer.gates[0])[1].copy()

    def _squares(self, error: Array) -> Array:
        each = (error.astype(np.float64) ** 2).reshape(-1, len(self.seeds), self.n)
        return np.asarray(each.sum(axis=(0, 2)))

    def listening(self, x: Array) -> Array:
        """Return how the answer of each network changes with a marked number, and with another.

        Returns
        -------
        array, shape (networks, 2)
            The mean of ∂p/∂x_t over marked numbers, and its root mean square over the others.
        """
        marked, found = x[..., 1] == 1, []
        for k in range(len(self.seeds)):
            network = self.take(k, truncate=None)
            p = network.forward(x)
            slopes = network.backward(np.ones_like(p))[..., 0].astype(np.float64)
            found.append([slopes[marked].mean(), np.sqrt((slopes[~marked] ** 2).mean())])
        return np.array(found)


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
    """The rate that two starts chose, the networks of the other ten, and their losses."""

    task: str
    length: int
    rate: float
    groups: list[SideBySide]
    losses: Array

    @property
    def relative(self) -> Array:
        """The losses, relative to that of always answering 0."""
        return self.losses / GUESSING[self.task]

    @property
    def solved(self) -> int:
        """How many networks left less than a tenth of the loss of always answering 0."""
        return int((self.relative < 0.1).sum())

    @cached_property
    def arriving(self) -> tuple[Array, Array]:
        """:meth:`SideBySide.arriving` of all networks on 64 sequences, each (networks, length)."""
        return _arriving(self.groups, self.task, self.length)

    @cached_property
    def uncut(self) -> Array:
        """The first of ``arriving``, if nothing stops the error, though it was cut in training."""
        layers = [group.layer for group in self.groups]
        try:
            for layer in layers:
                layer.truncate = None
            return _arriving(self.groups, self.task, self.length)[0]
        finally:
            for layer in layers:
                layer.truncate = self.groups[0].start.cut

    @cached_property
    def listening(self) -> Array:
        """:meth:`SideBySide.listening` of all networks on 64 sequences, (networks, 2)."""
        x, _ = tested(self.task, self.length)
        return np.concatenate([group.listening(x[:64]) for group in self.groups])


def _arriving(groups: Sequence[SideBySide], task: str, length: int) -> tuple[Array, Array]:
    x, y = tested(task, length)
    whole, direct = zip(*(group.arriving(x[:64], y[:64]) for group in groups), strict=True)
    return np.concatenate(whole), np.concatenate(direct)


@cache
def untrained(task: str, start: Start, length: int) -> tuple[Array, Array]:
    """Return ``Outcome.arriving`` of the ten networks before training."""
    n_out = tested(task, length)[1].shape[1]
    groups = [SideBySide(start, n_out, SEEDS[k : k + 5]) for k in (0, 5)]
    return _arriving(groups, task, length)


def tuning(task: str, start: Start, length: int) -> dict[float, float]:
    """Return, by rate, the mean loss of two networks, relative to always answering 0."""
    test, means = tested(task, length), {}
    for rate in RATES:
        (group,) = trained(task, start, length, rate, TUNING)
        means[rate] = float(group.losses(*test).mean()) / GUESSING[task]
    return means


def choose(task: str, start: Start, length: int) -> float:
    """Return the rate with the least loss on average over two starts, or the least if none learn.

    Where all rates fail, the least loss would be a matter of chance.
    """
    means = tuning(task, start, length)
    return min(means, key=means.__getitem__) if min(means.values()) < LEARNED else min(RATES)


CHOSEN: dict[tuple[str, Start, int], float] = {
    ("adding", Start("RNN"), 5): 0.01,
    ("adding", Start("RNN"), 20): 0.003,
    ("adding", Start("RNN"), 40): 0.003,
    ("adding", Start("GRU"), 40): 0.03,
    ("adding", Start("LSTM"), 40): 0.03,
    ("adding", Start("GRU", cut=8), 40): 0.03,
    ("adding", Start("LSTM", cut=8), 40): 0.03,
    ("early", Start("GRU"), 40): 0.03,
    ("early", Start("LSTM"), 40): 0.03,
    ("early", Start("GRU", cut=8), 40): 0.01,
    ("early", Start("LSTM", cut=8), 40): 0.003,
    ("silenced", Start("RNN"), 20): 0.01,
    ("silenced", Start("RNN"), 40): 0.01,
    ("copying", Start("RNN"), 20): 0.01,
    ("copying", Start("RNN", scale=0.7), 20): 0.03,
    ("copying", Start("GRU"), 20): 0.01,
    ("copying", Start("GRU", gate=5.0), 20): 0.03,
    ("copying", Start("LSTM"), 20): 0.03,
    ("copying", Start("LSTM", gate=5.0), 20): 0.01,
}
"""What :func:`choose` has chosen for the runs of the chapter, which a test repeats."""


@cache
def outcome(task: str, start: Start, length: int) -> Outcome:
    """Train ten networks at the rate that two others chose, and measure them on new sequences."""
    rate = CHOSEN.get((task, start, length)) or choose(task, start, length)
    groups = trained(task, start, length, rate, SEEDS)
    losses = np.concatenate([group.losses(*tested(task, length)) for group in groups])
    return Outcome(task, length, rate, groups, losses)
