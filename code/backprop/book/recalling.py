"""What a recurrent network can carry along a sequence: three tasks, and ten networks in one.

What the chapter "Recurrent networks" measures: networks that differ from a plain layer or an
LSTM in one thing each (:class:`Start`). Several networks of one kind stand side by side in
one layer whose U has a block for each of them and zeros elsewhere, so that one product serves them
all. They read the same sequences, differ by their start, and never touch one another.

Every row of :data:`ROWS` was trained at its rates. What came out stands in ``recalling.json``,
which ``python -m backprop.book.recalling FILE`` writes (some minutes on one core); with names of
rows after FILE, only these are trained again. :func:`outcome` trains one row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book import results
from backprop.layers import GRU, LSTM, RNN, Dense
from backprop.layers.recurrent import Recurrent
from backprop.network import Sequential
from backprop.optimizers import Adam


class Parted(LSTM):
    """An LSTM that can send an error back along a part of its ways only.

    Attributes
    ----------
    path : str or None
        "direct": from c_t to c_{t-1} alone, as in Hochreiter and Schmidhuber (1997); "detours":
        through h_{t-1} alone; None: both. The way forward is the same.
    """

    path: str | None = None

    def _transposed_U(self) -> Array:
        U_T = super()._transposed_U()
        return np.zeros_like(U_T) if self.path == "direct" else U_T

    def backward_parameters(self, dh: Array, dc_last: Array | None = None) -> None:
        """Walk back in time. The forget gate itself is used on the direct path and nowhere else."""
        self._kept("h")
        f = self._split(self.gates)[1]
        kept = f.copy()
        if self.path == "detours":
            f[...] = 0
        super().backward_parameters(dh, dc_last)
        f[...] = kept


KINDS: dict[str, type[Recurrent]] = {"RNN": RNN, "GRU": GRU, "LSTM": Parted}
UNITS = {"RNN": 25, "GRU": 14, "LSTM": 12}
"""Hidden units: 700, 728 and 720 numbers in W, U and the biases."""
RATES = 0.003, 0.01, 0.03
UPDATES, LONG, BATCH, LIMIT = 500, 4000, 32, 1.0
"""Steps of Adam, in a long run too, sequences in a step, and where a gradient is clipped."""
SEEDS = tuple(range(10))
SOLVED = 0.1
"""A task is solved where less than this part of the loss of always answering 0 is left."""
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


def early(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of the adding task in which no mark falls on the last ``LATE`` steps.

    Returns
    -------
    x : array, shape (batch, length, 2)
    y : array, shape (batch, 1)
    """
    return adding(rng, batch, length, LATE)


def picked(rng: np.random.Generator, batch: int, length: int) -> tuple[Array, Array]:
    """Draw sequences of the adding task that have, instead of marks, numbers times their marks.

    Returns
    -------
    x : array, shape (batch, length, 2)
    y : array, shape (batch, 1)
    """
    x, y = adding(rng, batch, length)
    x[..., 1] *= x[..., 0]
    return x, y


TASKS: dict[str, Draw] = {"adding": adding, "early": early, "picked": picked}
GUESSING = 2 / 3
"""Loss (mean squared error) of the answer 0, the mean of every target."""


@dataclass(frozen=True)
class Start:
    """A kind of network, in what it differs from others, and how its error goes back in training.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    cut : int or None
        Steps in a chunk: the layer's ``truncate``. The state crosses a chunk's end, the error does
        not.
    marks : bool
        Whether the weights by which marks enter are trained; if not, they stay at their start.
    path : str or None
        The ways back that are open in training: ``Parted.path``.
    """

    kind: str
    cut: int | None = None
    marks: bool = True
    path: str | None = None

    @property
    def n_hidden(self) -> int:
        """Hidden units of one network."""
        return UNITS[self.kind]

    def network(self, n_out: int, seed: int, **options: Any) -> Sequential:
        """Return one network: a recurrent layer, whose last state a dense layer reads."""
        n, rng = self.n_hidden, np.random.default_rng(seed)
        options = {
            "return_sequence": False, "dtype": np.float32, "truncate": self.cut, **options,
        }  # fmt: skip
        layer = KINDS[self.kind](2, n, rng=rng, **options)
        network = Sequential([layer, Dense(n, n_out, rng=rng, dtype=options["dtype"])])
        return network

    def learns(self, network: Sequential) -> NDArray[np.bool_]:
        """Say of each entry of a network's θ whether it is trained."""
        layer: Any = network.layers[0]
        theta = network.theta
        kept = theta.copy()
        theta[...] = 1
        if not self.marks:
            layer.parameters["W"][1] = 0
        learns: NDArray[np.bool_] = theta == 1
        theta[...] = kept
        return learns


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
        self.n, count = start.n_hidden, len(seeds)
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
        self.owner = np.where(start.learns(self.network), self._owners(), -1)
        if isinstance(self.layer, Parted):
            self.layer.path = start.path

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

    def take(self, k: int) -> Sequential:
        """Return network k as it is now, on its own."""
        network = self.start.network(self.n_out, 0)
        for inner, part in self._views(network, k):
            part[...] = inner
        return network

    def _owners(self) -> NDArray[np.int64]:
        """Return to which network each entry of θ belongs, and -1 if it is not trained."""
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

    def arriving(self, x: Array, y: Array) -> Array:
        """Return how large the error is at the state of each step.

        The state is h_t, and c_t in an LSTM, which h_t shows: ∂L/∂c_t = dc + dh ⊙ o ⊙ tanh'(c_t),
        where dh and dc are what step t + 1 hands back.

        Each step is run as a sequence of its own, from the state that the whole sequence had
        there, so that the layer leaves what it hands back in ``dh0`` and ``dc0``.

        Returns
        -------
        array, shape (networks, length)
            Root mean squares over the sequences, relative to that at the last step.
        """
        layer, head = self.layer, self.network.layers[1]
        names = ("h", "c") if self.start.kind == "LSTM" else ("h",)
        self.network.forward(x)
        length, count = x.shape[1], len(self.seeds)
        states = {name: getattr(layer, name).copy() for name in names}
        delta = (head.forward(states["h"][-1]) - np.tile(y, count)) / len(x)
        back = {"dh": head.backward(delta).copy()}
        squares = []
        for t in reversed(range(length)):
            layer.forward(x[:, t : t + 1], **{f"{name}0": states[name][t] for name in names})
            squares.append(self._squares(self._at_state(states, t + 1, **back)))
            layer.backward_parameters(*back.values())
            stops = layer.truncate is not None and t % layer.truncate == 0
            back = {f"d{name}": getattr(layer, f"d{name}0") * (not stops) for name in names}
        sizes = np.sqrt(np.array(squares[::-1])).T
        return np.asarray(sizes / sizes[:, -1:])

    def _at_state(
        self, states: dict[str, Array], t: int, dh: Array, dc: Array | float = 0.0
    ) -> Array:
        """Return the error at the state after t steps, the last of which the layer has just run."""
        if not isinstance(self.layer, LSTM):
            return dh
        o = self.layer._split(self.layer.gates[0])[2]
        return np.asarray(dc + dh * o * (1 - np.tanh(states["c"][t]) ** 2))

    def _squares(self, error: Array) -> Array:
        each = (error.astype(np.float64) ** 2).reshape(-1, len(self.seeds), self.n)
        return np.asarray(each.sum(axis=(0, 2)))


def tested(task: str, length: int) -> tuple[Array, Array]:
    """Return 256 sequences on which no network was trained."""
    return TASKS[task](np.random.default_rng(10_000 + length), 256, length)


def trained(
    task: str, start: Start, length: int, rate: float, seeds: Sequence[int],
    updates: int = UPDATES,
) -> list[SideBySide]:  # fmt: skip
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
class Holder:
    """The unit of a network that follows the sum so far most closely, and what it does.

    Attributes
    ----------
    unit : int
        Its number.
    fit : tuple of float
        a and b for which a + b s is nearest to the sum so far, s the unit's state.
    follows : float
        Size of the correlation between its state and the sum so far.
    moves : tuple of float
        Mean size of s_t - s_{t-1}, at marked steps and at the others.
    opens : tuple of float
        Mean of the gate that lets in, i of the LSTM and 1 - f of the GRU, at marked steps and at
        the others; empty in a plain network.
    """

    unit: int
    fit: tuple[float, float]
    follows: float
    moves: tuple[float, float]
    opens: tuple[float, ...]


def states(network: Sequential, x: Array) -> tuple[Array, Array | None, Array | None]:
    """Run a network; return what its units keep, and the gates that keep and let in.

    Returns
    -------
    s : array, shape (length + 1, batch, units)
        h_0, h_1, …, or the cells of an LSTM.
    f, i : array, shape (length, batch, units), or None
        The forget and the input gate of an LSTM, the update gate f and 1 - f of a GRU.
    """
    layer: Any = network.layers[0]
    network.forward(x)
    if isinstance(layer, LSTM):
        i, f = layer._split(layer.gates)[:2]
        return layer.c.copy(), f.copy(), i.copy()
    if isinstance(layer, GRU):
        f = layer._split(layer.gates)[1].copy()
        return layer.h.copy(), f, 1 - f
    return layer.h.copy(), None, None


def holder(network: Sequential, x: Array) -> Holder:
    """Return the unit of a network that follows the sum so far most closely on sequences x."""
    s, _, lets_in = states(network, x)
    so_far = np.cumsum(x[..., 0] * x[..., 1], axis=1).T.astype(np.float64)
    marked = x[..., 1].T == 1
    found = [np.corrcoef(unit.ravel(), so_far.ravel())[0, 1] for unit in np.moveaxis(s[1:], 2, 0)]
    k = int(np.argmax(np.abs(found)))
    own = s[..., k].astype(np.float64)
    b = found[k] * so_far.std() / own[1:].std()
    steps = np.abs(np.diff(own, axis=0))
    opens = () if lets_in is None else (
        float(lets_in[..., k][marked].mean()), float(lets_in[..., k][~marked].mean())
    )  # fmt: skip
    return Holder(
        k,
        (float(so_far.mean() - b * own[1:].mean()), float(b)),
        float(abs(found[k])),
        (float(steps[marked].mean()), float(steps[~marked].mean())),
        opens,
    )


@dataclass(frozen=True)
class Outcome:
    """Ten networks that were trained at one rate, and their losses on new sequences."""

    task: str
    length: int
    rate: float
    groups: list[SideBySide]
    losses: Array

    @property
    def relative(self) -> Array:
        """The losses, relative to that of always answering 0."""
        return self.losses / GUESSING

    @property
    def solved(self) -> int:
        """How many networks left less than a tenth of the loss of always answering 0."""
        return int((self.relative < SOLVED).sum())

    @property
    def networks(self) -> list[Sequential]:
        """The networks, each on its own."""
        return [group.take(k) for group in self.groups for k in range(len(group.seeds))]

    @cached_property
    def arriving(self) -> Array:
        """:meth:`SideBySide.arriving` of all networks on 64 sequences, (networks, length)."""
        return _arriving(self.groups, self.task, self.length)

    @cached_property
    def uncut(self) -> Array:
        """``arriving``, if nothing stops the error, though something did in training."""
        return self._along(None)

    @cached_property
    def direct(self) -> Array:
        """The part of ``uncut`` that comes by the direct path of an LSTM alone."""
        return self._along("direct")

    def _along(self, path: str | None) -> Array:
        layers: list[Any] = [group.layer for group in self.groups]
        start = self.groups[0].start
        try:
            for layer in layers:
                layer.truncate, layer.path = None, path
            return _arriving(self.groups, self.task, self.length)
        finally:
            for layer in layers:
                layer.truncate, layer.path = start.cut, start.path

    @cached_property
    def holders(self) -> list[Holder]:
        """:func:`holder` of each network on the 256 sequences."""
        x, _ = tested(self.task, self.length)
        return [holder(network, x) for network in self.networks]


def _arriving(groups: Sequence[SideBySide], task: str, length: int) -> Array:
    x, y = tested(task, length)
    return np.concatenate([group.arriving(x[:64], y[:64]) for group in groups])


@cache
def untrained(task: str, start: Start, length: int) -> Array:
    """Return ``Outcome.arriving`` of the ten networks before training."""
    n_out = tested(task, length)[1].shape[1]
    groups = [SideBySide(start, n_out, SEEDS[k : k + 5]) for k in (0, 5)]
    return _arriving(groups, task, length)


@dataclass(frozen=True)
class Row:
    """One thing that was tried: a task, networks, how many steps of Adam they took, at which rates.

    ``along`` says whether the error is stored at every step, and :class:`Holder` with it.
    """

    task: str
    start: Start
    length: int
    updates: int = UPDATES
    rates: tuple[float, ...] = RATES
    along: bool = False


SAME = (0.03,)
"""The rate of rows that are compared with "LSTM", whose best rate this is."""


def _lstm(
    task: str = "adding", rates: tuple[float, ...] = SAME, along: bool = False, **differs: Any
) -> Row:
    return Row(task, Start("LSTM", **differs), 40, rates=rates, along=along)


ROWS: dict[str, Row] = {
    "RNN": Row("adding", Start("RNN"), 40, along=True),
    "RNN, long": Row("adding", Start("RNN"), 40, LONG),
    "RNN, picked": Row("picked", Start("RNN"), 40),
    "LSTM": _lstm(rates=RATES, along=True),
    "LSTM, direct": _lstm(path="direct"),
    "LSTM, detours": _lstm(path="detours"),
    "LSTM, cut": _lstm(along=True, cut=LATE),
    "LSTM, early": _lstm("early"),
    "LSTM, cut, early": _lstm("early", cut=LATE),
    "LSTM, early, marks": _lstm("early", marks=False),
    "GRU": Row("adding", Start("GRU"), 40, along=True),
    "RNN, 8": Row("adding", Start("RNN"), 8),
}
"""What the chapter shows, by name."""


WHOLE: dict[str, Any] = {"cut": None, "path": None}
"""What a :class:`Start` has where nothing stops the error."""


def run(row: Row, rate: float) -> Outcome:
    """Train the ten networks of a row at a rate, and measure them on new sequences."""
    groups = trained(row.task, row.start, row.length, rate, SEEDS, row.updates)
    losses = np.concatenate([group.losses(*tested(row.task, row.length)) for group in groups])
    return Outcome(row.task, row.length, rate, groups, losses)


def told(row: Row) -> dict[str, Any]:
    """Return what is stored of a row: losses at each rate, and more at the best of them.

    The best rate is that of the least median loss. ``before`` and ``after`` are the sizes of the
    error at step 1, without a cut. If the row asks for it, ``along`` has the quartiles of ``after``
    at every step, and ``holders`` the units that follow the sum best.
    """
    runs = {rate: run(row, rate) for rate in row.rates}
    best = min(runs.values(), key=lambda r: float(np.median(r.losses)))
    found: dict[str, Any] = {
        "losses": {f"{rate:g}": _short(r.relative) for rate, r in runs.items()},
        "before": _short(untrained(row.task, replace(row.start, **WHOLE), row.length)[:, 0]),
        "after": _short(best.uncut[:, 0]),
    }
    if row.along:
        quartiles = np.quantile(best.uncut, (0.25, 0.5, 0.75), axis=0)
        found["along"] = [_short(each) for each in quartiles]
        found["holders"] = [_short([h.follows, *h.moves, *h.opens]) for h in best.holders]
    return found


def _short(numbers: Sequence[float] | Array) -> list[float]:
    return [float(f"{value:.3g}") for value in numbers]


@cache
def stored() -> dict[str, Any]:
    """Return :func:`told` of every row, by its name."""
    found: dict[str, Any] = results.read("recalling")
    return found


def losses(name: str) -> dict[float, Array]:
    """Return the stored losses of a row at each rate, relative to always answering 0."""
    return {float(rate): np.array(each) for rate, each in stored()[name]["losses"].items()}


def best(name: str) -> float:
    """Return the rate at which the median loss of a row is least."""
    medians = {rate: float(np.median(each)) for rate, each in losses(name).items()}
    return min(medians, key=medians.__getitem__)


def clearest(name: str) -> int:
    """Return which network of a row has the unit that follows the sum so far best."""
    return int(np.argmax([each[0] for each in stored()[name]["holders"]]))


@cache
def outcome(name: str) -> Outcome:
    """Train the ten networks of a row once more, at its best rate."""
    return run(ROWS[name], best(name))


def main(target: str, *names: str) -> None:
    """Train every row, or those that are named, at every rate, and write what is stored."""
    found = {}
    for name, row in ROWS.items():
        if names and name not in names:
            found[name] = stored()[name]
            continue
        found[name] = told(row)
        print(name, flush=True)
    Path(target).write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
