"""What a recurrent network can carry along a sequence: the adding problem, and ten networks in one.

What the chapters on recurrent networks and on gates measure. Several networks of one kind stand
side by side in one layer whose U has a block for each of them and zeros elsewhere, so that one
product serves them all. They read the same sequences, differ by their start, and never touch one
another.

Every row of :data:`ROWS` was trained at each of its rates. What came out stands in
``recalling.json``, which ``python -m backprop.book.recalling FILE`` writes (forty minutes on
one core); with names of rows after FILE, only these are trained again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book import results
from backprop.book.copying import OPEN
from backprop.layers import GRU, LSTM, RNN, Dense
from backprop.layers.recurrent import Recurrent
from backprop.network import Sequential
from backprop.optimizers import Adam


def _identity(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    return np.eye(*shape)


KINDS: dict[str, Callable[..., Recurrent]] = {
    "RNN": RNN,
    "RNN, identity": partial(RNN, recurrent_initializer=_identity),
    "LSTM": LSTM,
    "LSTM, open": partial(LSTM, forget_bias=OPEN),
    "GRU": GRU,
}
UNITS = {"RNN": 25, "RNN, identity": 25, "LSTM": 12, "LSTM, open": 12, "GRU": 14}
"""Hidden units: 700, 700, 720, 720 and 728 numbers in W, U and the biases."""
RATES = 0.003, 0.01, 0.03
LENGTHS = 10, 20, 40
"""Steps of a sequence where the length is what differs."""
LENGTH = 40
"""Steps of a sequence where the length is not what differs."""
UPDATES, LONG, BATCH, LIMIT = 1000, 4000, 32, 1.0
"""Steps of Adam, in a long run too, sequences in a step, and where a gradient is clipped."""
EVERY = 50
"""Steps of Adam between two points of a curve."""
SEEDS = tuple(range(10))
SOLVED = 0.1
"""The task is solved where less than this part of the loss of always answering 0 is left."""
SHORT = 10
"""Steps of a sequence where plain networks learn with a cut error."""
SLOW = 0.003
"""Rate at which plain networks learn sequences of several lengths."""
GATES = {"i": 0.0, "f": 1.0, "o": 0.0}
"""Biases of an LSTM's gates as it starts, and where no gate learns."""
GUESSING = 2 / 3
"""Loss (mean squared error) of the answer 0, the mean of every target."""


def adding(
    rng: np.random.Generator, batch: int, length: int, late: int = 0, early: int = 0
) -> tuple[Array, Array]:
    """Draw sequences of numbers, two of them marked, and the sum of these two.

    After Hochreiter and Schmidhuber (1997), with the marks as in Arjovsky, Shah and Bengio (2016):
    one in each half. Guessing 0 has the squared error 2/3. No mark falls on the last ``late``
    steps, and none on the first ``early``: the halves are those of the steps after them.

    Returns
    -------
    x : array, shape (batch, length, 2)
        Numbers between -1 and 1, and marks: a 1 in the first half and one in the second.
    y : array, shape (batch, 1)
    """
    values, marks = rng.uniform(-1, 1, (batch, length)), np.zeros((batch, length))
    rows = np.arange(batch)
    middle = early + (length - early) // 2
    marks[rows, rng.integers(early, middle, batch)] = 1
    marks[rows, rng.integers(middle, length - late, batch)] = 1
    x = np.stack([values, marks], axis=2)
    return x.astype(np.float32), (values * marks).sum(axis=1, keepdims=True).astype(np.float32)


def tested(length: int, late: int = 0, early: int = 0) -> tuple[Array, Array]:
    """Return 256 sequences on which no network was trained."""
    return adding(np.random.default_rng(10_000 + length), 256, length, late, early)


@dataclass(frozen=True)
class Start:
    """A kind of network, and how its error goes back in training.

    Attributes
    ----------
    kind : str
        One of ``KINDS``.
    cut : int or None
        Steps in a chunk: the layer's ``truncate``. The state crosses a chunk's end, the error does
        not.
    fixed : tuple of (str, float)
        Gates of an LSTM that neither see nor learn anything: all their weights are 0, and this is
        their bias.
    apart : bool
        Whether all steps before the last chunk keep the weights of the start, for plain networks.
    """

    kind: str
    cut: int | None = None
    fixed: tuple[tuple[str, float], ...] = ()
    apart: bool = False

    @property
    def n_hidden(self) -> int:
        """Hidden units of one network."""
        return UNITS[self.kind]

    def layers(self, count: int, rng: np.random.Generator) -> list[Any]:
        """Return a recurrent layer for ``count`` networks, and the dense one that reads its end."""
        n = self.n_hidden * count
        options: dict[str, Any] = {"rng": rng, "dtype": np.float32}
        layer = KINDS[self.kind](2, n, return_sequence=False, truncate=self.cut, **options)
        for (_, bias), columns in zip(self.fixed, self.of_fixed(layer), strict=True):
            for name, column in columns.items():
                column[...] = bias if name == "b" else 0
        return [layer, Dense(n, count, **options)]

    def of_fixed(self, layer: Any) -> list[dict[str, Array]]:
        """Return views of each fixed gate's columns of W, U and b."""
        return [
            {name: layer._split(layer.parameters[name])[layer.blocks.index(gate)] for name in "WUb"}
            for gate, _ in self.fixed
        ]

    def network(self, seed: int) -> Sequential:
        """Return one network."""
        return Sequential(self.layers(1, np.random.default_rng(seed)))


class SideBySide:
    """Networks of one kind in one: at first, number k is ``start.network(seeds[k])``.

    Parameters
    ----------
    start : Start
        What they are.
    seeds : sequence of int
        One for each network.
    """

    def __init__(self, start: Start, seeds: Sequence[int]) -> None:
        self.start, self.seeds, self.n = start, tuple(seeds), start.n_hidden
        self.network = Sequential(start.layers(len(seeds), np.random.default_rng(0)))
        self.network.reuse_buffers(True)
        self.network.theta[...] = -1
        for k in range(len(seeds)):
            for inner, _ in self._views(start.network(0), k):
                inner[...] = k
        layer = self.network.layers[0]
        for columns in start.of_fixed(layer):
            for column in columns.values():
                column[...] = -1  # nobody's, so that no gradient reaches it
        self.owner: NDArray[np.int64] = self.network.theta.astype(np.int64)
        self.network.theta[...] = 0
        for k, seed in enumerate(seeds):
            self.put(k, start.network(seed))
        self.early: Any = None
        if start.apart:
            self.early = start.layers(len(seeds), np.random.default_rng(0))[0]
            for name, array in self.early.parameters.items():
                array[...] = self.network.layers[0].parameters[name]

    def _views(self, source: Sequential, k: int) -> list[tuple[Array, Array]]:
        """Pair each array of network k inside ``self.network`` with that of ``source``."""
        n, pairs = self.n, []
        rows = slice(k * n, (k + 1) * n)
        for name, whole in self.network.parameters.items():
            part = source.parameters[name]
            if name.startswith("dense"):
                pairs.append(
                    (whole[rows, k : k + 1] if whole.ndim == 2 else whole[k : k + 1], part)
                )
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

    def answers(self, x: Array) -> Array:
        """Return the answer of each network to each sequence, shape (batch, networks)."""
        if self.early is None:
            return self.network.forward(x)
        layer: Any = self.network.layers[0]
        dense = self.network.layers[1]
        border = x.shape[1] - (self.start.cut or 0)
        return dense.forward(layer.forward(x[:, border:], h0=self.early.forward(x[:, :border])))

    def gradient(self, x: Array, y: Array) -> None:
        """Leave in ``network.dtheta`` the gradients of ½ mean (p - y)², each clipped by itself."""
        self.network.backward_parameters((self.answers(x) - y) / len(x))
        g = self.network.dtheta
        g[self.owner < 0] = 0  # 0 stays 0 between the blocks, and what is fixed stays
        count = len(self.seeds)
        squares = np.bincount(np.maximum(self.owner, 0), g.astype(np.float64) ** 2, count)
        factors = np.minimum(1, LIMIT / (np.sqrt(squares) + 1e-6)).astype(g.dtype)
        g *= factors[np.maximum(self.owner, 0)]

    def relative(self, x: Array, y: Array) -> Array:
        """Return the loss of each network, divided by that of always answering 0."""
        errors = self.answers(x) - y
        return np.asarray((errors**2).mean(axis=0, dtype=np.float64) / GUESSING)

    def reaching(self, x: Array) -> Array:
        """Return which share of an answer's error at the last step is left at the first.

        The error is ∂p/∂h_t, for an LSTM ∂p/∂c_t, where p is a network's answer to a sequence. Its
        length at step 1 is divided by that at the last step, and of the sequences' ratios the
        median is taken. It goes back through all steps, also where training cuts it. Networks
        with gates have a second row: what is left by the direct way
        alone, which multiplies by an LSTM's forget gates or a GRU's update gates.

        Returns
        -------
        shares : array, shape (1 or 2, networks)
        """
        layer: Any = self.network.layers[0]
        layer.forward(x[:, :1])
        first: dict[str, Array] = {"h0": layer.h[-1].copy()}
        if isinstance(layer, LSTM):
            first["c0"] = layer.c[-1].copy()
            slope = layer._split(layer.gates)[2][0] * (1 - layer.tanh_c[0] ** 2)
        layer.forward(x[:, 1:], **first)
        ends = self.network.parameters["dense1.W"].sum(axis=1)  # each unit belongs to one network
        last = np.broadcast_to(ends, layer.h[-1].shape)
        layer.truncate = None
        layer.backward_parameters(last)
        layer.truncate = self.start.cut
        begins, arrives = last, [layer.dh0]
        if isinstance(layer, LSTM):
            _, f, o, _ = layer._split(layer.gates)
            begins = last * o[-1] * (1 - layer.tanh_c[-1] ** 2)
            arrives = [layer.dc0 + layer.dh0 * slope, begins * np.prod(f, axis=0)]
        elif isinstance(layer, GRU):
            arrives.append(last * np.prod(layer._split(layer.gates)[1], axis=0))
        sizes = [self._lengths(v) for v in (begins, *arrives)]
        return np.array([np.median(size / sizes[0], axis=0) for size in sizes[1:]])

    def factors(self, x: Array) -> Array:
        """Return by how much slopes, and Uᵀ, multiply an error's length in one step back.

        For plain networks. The error is that of :meth:`reaching`. Over the steps back, the
        geometric mean is taken, and of the sequences' means the median.

        Returns
        -------
        factors : array, shape (2, networks)
        """
        sizes = [list(map(self._lengths, pair)) for pair in self._back(x)]
        found = [(delta / error, after / delta) for (error, delta), (after, _) in pairwise(sizes)]
        return np.asarray(np.median(np.exp(np.log(found).mean(axis=0)), axis=1))

    def _back(self, x: Array) -> Iterator[tuple[Array, Array]]:
        """Yield the error at each state of plain networks, from the last, and the δ it becomes."""
        layer: Any = self.network.layers[0]
        layer.forward(x)
        ends = self.network.parameters["dense1.W"].sum(axis=1)
        error = np.broadcast_to(ends, layer.h[-1].shape)
        for state in layer.h[:0:-1]:
            delta = error * (1 - state**2)
            yield error, delta
            error = delta @ layer.parameters["U"].T

    def opening(self, x: Array) -> Array:
        """Return how open the input gates of LSTMs are at the marks, and at the other steps.

        Returns
        -------
        means : array, shape (networks, 2, units)
            Means over the sequences and over the steps with a mark, and over those without one.
        """
        layer: Any = self.network.layers[0]
        layer.forward(x)
        gates = layer._split(layer.gates)[0]
        marked = x[..., 1].T > 0
        means = [gates[steps].mean(axis=0, dtype=np.float64) for steps in (marked, ~marked)]
        return np.stack([each.reshape(-1, self.n) for each in means], axis=1)

    def _lengths(self, rows: Array) -> Array:
        """Return the length of each network's part of each row, shape (rows, networks)."""
        return np.asarray(np.linalg.norm(rows.reshape(len(rows), -1, self.n), axis=2))


@dataclass(frozen=True)
class Row:
    """Networks that were trained: what they are, and on which sequences.

    Attributes
    ----------
    start : Start
        The networks.
    length : int
        Steps of a sequence.
    late : int
        Steps at its end without a mark.
    updates : int
        Steps of Adam.
    along : bool
        Whether the losses during training are stored.
    reaches : bool
        Whether the shares of errors that are left during training are stored, too, and for plain
        networks the factors of a step back before and after it.
    opens : bool
        Whether it is stored how open the input gates are after training, for LSTMs.
    rate : float or None
        Rate of the training whose course is stored; None for the best one.
    rates : tuple of float
        Rates of the trainings.
    early : int
        Steps at its beginning without a mark.
    carries : bool
        Whether the shares of errors that are left before and after training are stored.
    """

    start: Start
    length: int = LENGTH
    late: int = 0
    updates: int = UPDATES
    along: bool = False
    reaches: bool = False
    opens: bool = False
    rate: float | None = None
    rates: tuple[float, ...] = RATES
    early: int = 0
    carries: bool = False


def _bordered() -> dict[str, Row]:
    """Return long rows whose error, or marks, or both, are kept from a border."""
    late = SHORT // 5
    long: dict[str, Any] = {"updates": LONG, "along": True, "rate": SLOW}
    return {
        "RNN, early": Row(Start("RNN"), SHORT, late, **long),
        "RNN, cut": Row(Start("RNN", late), SHORT, **long),
        "RNN, cut, early": Row(Start("RNN", late), SHORT, late, carries=True, **long),
        "RNN, cut, early, apart": Row(Start("RNN", late, apart=True), SHORT, late, **long),
        "RNN, 40, early": Row(Start("RNN"), LENGTH, late, LONG, rates=(SLOW,)),
        "RNN, 40, cut, early, apart": Row(
            Start("RNN", late, apart=True), LENGTH, late, LONG, rates=(SLOW,)
        ),
        "RNN, 40, cut, early": Row(
            Start("RNN", late), LENGTH, late, LONG, rates=(SLOW,), carries=True
        ),
        "RNN, 40, cut, near, apart": Row(
            Start("RNN", late, apart=True),
            LENGTH,
            late,
            LONG,
            rates=(SLOW,),
            early=LENGTH - SHORT,
        ),
    }


ROWS: dict[str, Row] = {
    **{
        f"RNN, {length}": Row(Start("RNN"), length, along=True, reaches=True, rate=SLOW)
        for length in LENGTHS
    },
    **{
        f"{kind}, {length}": Row(
            Start(kind), length, reaches=length == LENGTH, opens=(kind, length) == ("LSTM", LENGTH)
        )
        for kind in ("LSTM", "GRU")
        for length in LENGTHS
    },
    **{
        f"LSTM, open, {length}": Row(Start("LSTM, open"), length, reaches=length == LENGTH)
        for length in LENGTHS
    },
    "RNN, 40, long": Row(Start("RNN"), LENGTH, updates=LONG, rates=(0.001, 0.003)),
    **_bordered(),
    "LSTM, none": Row(Start("LSTM", fixed=tuple(GATES.items())), reaches=True),
    **{
        f"LSTM, {free} alone": Row(
            Start(
                "LSTM", fixed=tuple((gate, bias) for gate, bias in GATES.items() if gate != free)
            ),
            reaches=True,
            opens=free == "i",
            rates=(0.01,),
        )
        for free in "ifo"
    },
    "LSTM, all": Row(Start("LSTM"), reaches=True, rates=(0.01,)),
    "RNN, 40, identity": Row(Start("RNN, identity"), reaches=True),
}  # fmt: skip
"""What the chapters show, by name."""


def trained(
    row: Row, rate: float, seeds: Sequence[int] | None = None
) -> tuple[list[SideBySide], Array, Array]:
    """Train networks by Adam, five in each group.

    Parameters
    ----------
    row : Row
    rate : float
    seeds : sequence of int, optional
        One for each network; by default ``SEEDS``.

    Returns
    -------
    groups : list of SideBySide
    curve : array, shape (networks, points)
        Losses on new sequences after every ``EVERY`` steps and after the last, relative to that of
        always answering 0.
    shares : array, shape (networks, 1 or 2, points + 1)
        :meth:`SideBySide.reaching` before the first step too, if ``row.reaches``.
    """
    groups, curves, shares = [], [], []
    seeds = SEEDS if seeds is None else seeds
    for first in range(0, len(seeds), 5):
        some = seeds[first : first + 5]
        rng = np.random.default_rng(some[0])
        group = SideBySide(row.start, some)
        optimizer, curve = Adam(group.network, rate), []
        new = tested(row.length, row.late, row.early)
        share = [group.reaching(new[0])] if row.reaches else []
        for step in range(1, row.updates + 1):
            group.gradient(*adding(rng, BATCH, row.length, row.late, row.early))
            optimizer.step()
            if step % EVERY == 0 or step == row.updates:
                curve.append(group.relative(*new))
                if share:
                    share.append(group.reaching(new[0]))
        groups.append(group)
        curves.append(np.array(curve).T)
        shares.append(np.array(share).T)
    return groups, np.concatenate(curves), np.concatenate(shares)


def told(row: Row, rates: Sequence[float] | None = None) -> dict[str, Any]:
    """Return what is stored of a row: losses at each rate and, if it asks for it, the curves.

    The curves are those at ``row.rate``, or else at the best rate: that of the least median loss.
    """
    runs = {rate: trained(row, rate) for rate in rates or row.rates}
    found: dict[str, Any] = {
        "losses": {f"{rate:g}": _short(curve[:, -1]) for rate, (_, curve, _) in runs.items()}
    }
    best = min(runs, key=lambda rate: float(np.median(runs[rate][1][:, -1])))
    groups, curve, shares = runs[row.rate if row.rate in runs else best]
    if row.along:
        found["curve"] = [_short(each) for each in curve]
    if row.reaches:
        found |= {
            name: [_short(v) for v in part]
            for name, part in zip(("share", "direct"), np.moveaxis(shares, 1, 0), strict=False)
        }
    if row.carries:
        x, _ = tested(row.length, row.late)
        fresh = [SideBySide(row.start, group.seeds) for group in groups]
        found["carries"] = [
            _short(np.hstack([group.reaching(x)[0] for group in some])) for some in (fresh, groups)
        ]
    if row.opens:
        x, _ = tested(row.length)
        gates = np.concatenate([group.opening(x) for group in groups])
        found["opens"] = [[_short(unit) for unit in network] for network in gates]
    if row.reaches and row.start.kind == "RNN":
        x, _ = tested(row.length)
        fresh = [SideBySide(row.start, group.seeds) for group in groups]
        for name, some in (("before", fresh), ("after", groups)):
            factors = np.hstack([group.factors(x) for group in some])
            found[name] = dict(zip(("slopes", "U"), map(_short, factors), strict=True))
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


def left(name: str) -> Array:
    """Return the stored losses of a row at its best rate."""
    return losses(name)[best(name)]


def solved(name: str) -> int:
    """Return how many of a row's ten networks have solved the task at its best rate."""
    return int((left(name) < SOLVED).sum())


def main(target: str, *names: str) -> None:
    """Train every row, or those that are named, at every rate, and write what is stored."""
    makers = {name: partial(told, row) for name, row in ROWS.items()}
    results.renew(target, makers, names or ROWS.keys(), stored)


if __name__ == "__main__":
    main(*sys.argv[1:])
