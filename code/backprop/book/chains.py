"""A chain of layers whose backward pass keeps what a schedule says, and watches its memory.

A layer's forward pass keeps an array that its backward pass reads. A schedule decides which layers
keep theirs when: all at once, one segment after another, or one layer after another.
"""

from __future__ import annotations

import sys
import time
import tracemalloc
import weakref
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array, check_count
from backprop.book import results
from backprop.layers import Dense, Layer, Tanh
from backprop.network import Network, Sequential
from backprop.training.checkpointing import Checkpointed
from backprop.training.passes import Pass, hand


def tower(n: int, width: int = 176, batch: int = 256) -> tuple[list[Layer], Array, Array]:
    """Return n layers, Dense and tanh in turn, with an input and an error at the output.

    With 64 layers, there are a million weights. An array between two layers is large enough for
    NumPy to write into its own temporaries.
    """
    rng = np.random.default_rng(0)
    layers: list[Layer] = [Tanh() if i % 2 else Dense(width, width, rng=rng) for i in range(n)]
    x, dz = rng.normal(size=(2, batch, width))
    return layers, x.copy(), dz.copy()


IN_BROWSER = sys.platform == "emscripten"


def arrays(peak: float, unit: int) -> int:
    """Return the whole arrays of ``unit`` bytes that a peak holds; the rest are Python's objects.

    In a browser, NumPy reuses no temporary array, and so one more is alive, which is not counted.
    """
    return round(peak / unit) - IN_BROWSER


@dataclass(frozen=True)
class Watched:
    """What one gradient took.

    Attributes
    ----------
    kinds : str
        One letter per call of a layer: "f" keeps, "a" advances and keeps nothing, "b" goes back.
    again : tuple of bool
        Whether each of them evaluates a layer that had been evaluated before.
    bytes : tuple of int
        Most bytes alive during each of them, the input x and the error among them, parameters not.
    dx : array
        ∂L/∂x.
    """

    kinds: str
    again: tuple[bool, ...]
    bytes: tuple[int, ...]
    dx: Array

    @property
    def peak(self) -> int:
        """The most of them."""
        return max(self.bytes)

    @property
    def forwards(self) -> int:
        """How many times a layer was evaluated."""
        return self.kinds.count("f") + self.kinds.count("a")


class Chain:
    """Layers one after another, and the error ``dz`` that a backward pass has reached.

    Parameters
    ----------
    layers : sequence of Layer
        Their gradients are filled, each once per backward pass.
    dz : array
        ∂L/∂(output of the last layer).
    """

    def __init__(self, layers: Sequence[Layer], dz: Array) -> None:
        self.layers, self.dz = list(layers), dz
        self._kept: dict[int, Pass] = {}
        # Arrays of small numbers: lists of objects would weigh something themselves.
        self.kinds, self.again, self.bytes = bytearray(), bytearray(), array("q")
        self._seen = bytearray(len(self.layers))

    def __len__(self) -> int:
        return len(self.layers)

    def advance(self, first: int, last: int, x: Array) -> Array:
        """Evaluate the layers from ``first`` up to ``last``, which is not among them; keep nothing.

        Returns
        -------
        array
            The input of layer ``last``.
        """
        for i in range(first, last):
            this = Pass([self.layers[i]], x)
            with this.keeping():
                x = self.layers[i].forward(x)
            this.release()
            self._note("a", i)
        return x

    def keep(self, first: int, last: int, x: Array) -> None:
        """Let these layers keep what their backward passes need.

        The last of them is evaluated only if its output is that of the chain, or if it needs more
        than its input.
        """
        for i in range(first, last):
            this = self._kept[i] = Pass([self.layers[i]], x)
            with this.keeping():
                if wanted := i < last - 1 or last == len(self):
                    x = self.layers[i].forward(x)
                else:
                    wanted = hand(self.layers[i], x)
            # The layer refers to its input where it needs it.
            del this.x
            if wanted:
                self._note("f", i)

    def back(self, first: int, last: int) -> None:
        """Take the error from layer ``last - 1`` to ``first``; each frees what it kept."""
        for i in reversed(range(first, last)):
            if i not in self._kept:
                raise RuntimeError(f"Chain.back: layer {i} has kept nothing, call keep first")
            self.dz = self.layers[i].backward(self.dz)
            self._kept.pop(i).release()
            self._note("b", i)

    def _note(self, kind: str, i: int) -> None:
        self.kinds += kind.encode()
        self.again.append(kind != "b" and self._seen[i])
        self._seen[i] = True
        if tracemalloc.is_tracing():
            self.bytes.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.reset_peak()


Schedule = Callable[[Chain, Array], None]
"""What takes the error of a chain back to its input x."""


def watched(layers: Sequence[Layer], x: Array, dz: Array, schedule: Schedule) -> Watched:
    """Run a schedule and note the memory at each call of a layer.

    Raises
    ------
    RuntimeError
        If ``tracemalloc`` is at work already: what others allocate would be counted in.
    """
    if tracemalloc.is_tracing():
        raise RuntimeError("watched: tracemalloc is tracing already")
    chain = Chain(layers, dz)
    tracemalloc.start()
    try:
        start = tracemalloc.get_traced_memory()[0]
        chain.dz = dz.copy()
        schedule(chain, x.copy())
    finally:
        tracemalloc.stop()
    bytes_alive = tuple(b - start for b in chain.bytes)
    again = tuple(map(bool, chain.again))
    return Watched(chain.kinds.decode(), again, bytes_alive, chain.dz)


@dataclass(frozen=True)
class Moment:
    """One layer is taken back.

    Attributes
    ----------
    layer : int
        Which one, counted from 0.
    kept : tuple of int
        The layers whose inputs are kept then, its own among them.
    walks : tuple of (int, int)
        The evaluations since the moment before: from the first of them up to the second, which is
        not among them.
    """

    layer: int
    kept: tuple[int, ...]
    walks: tuple[tuple[int, int], ...]


class _Counted(Chain):
    """A chain whose layers compute nothing; an input is a number that knows its layer."""

    def __init__(self, n: int) -> None:
        super().__init__([Tanh()] * n, np.empty(0))
        self.moments: list[Moment] = []
        # An input leaves this list when the schedule lets go of it.
        self._alive: weakref.WeakValueDictionary[int, Array] = weakref.WeakValueDictionary()
        self._walks: list[tuple[int, int]] = []

    def input(self, i: int) -> Array:
        x = np.array(float(i))
        self._alive[i] = x
        return x

    def advance(self, first: int, last: int, x: Array) -> Array:
        self._walks.append((first, last))
        return self.input(last)

    def keep(self, first: int, last: int, x: Array) -> None:
        # The output of the last of these layers is wanted if it is that of the chain.
        end = last if last == len(self) else last - 1
        if end > first:
            self._walks.append((first, end))

    def back(self, first: int, last: int) -> None:
        for i in reversed(range(first, last)):
            kept = {*self._alive, *range(first, i + 1)}
            self.moments.append(Moment(i, tuple(sorted(kept)), tuple(self._walks)))
            self._walks.clear()


def moments(schedule: Schedule, n: int) -> list[Moment]:
    """Return what a schedule keeps and evaluates, layer by layer from the last to the first.

    Nothing is computed: it is what a chain does, counted from the schedule alone.
    """
    chain = _Counted(check_count("moments", "n", n))
    schedule(chain, chain.input(0))
    return chain.moments


def cut_into(lengths: Sequence[int]) -> Schedule:
    """Keep the inputs of segments of these lengths, the first layers' first."""
    cuts = [0, *accumulate(lengths)]

    def schedule(chain: Chain, x: Array) -> None:
        if cuts[-1] != len(chain) or min(lengths) < 1:
            raise ValueError(
                f"cut_into: lengths is {list(lengths)}, expected positive ones that add up to"
                f" {len(chain)}"
            )
        xs = [x]
        for i, j in pairwise(cuts[:-1]):
            xs.append(chain.advance(i, j, xs[-1]))
        for i, j in reversed([*pairwise(cuts)]):
            chain.keep(i, j, xs.pop())
            chain.back(i, j)

    return schedule


def in_segments(segments: int) -> Schedule:
    """Keep the inputs of so many segments, of equal length as nearly as possible."""
    check_count("in_segments", "segments", segments)

    def schedule(chain: Chain, x: Array) -> None:
        cut_into(equal(len(chain), segments))(chain, x)

    return schedule


def equal(n: int, segments: int) -> list[int]:
    """Return lengths of segments of n layers that are as nearly equal as possible."""
    return [j - i for i, j in pairwise(n * k // segments for k in range(segments + 1))]


def shrinking(n: int, kept: int) -> list[int]:
    """Return lengths of segments with which n layers never keep more than so many inputs.

    Each segment is one layer shorter than the one before, since one more checkpoint is alive
    beside it; the first takes what is left.

    Raises
    ------
    ValueError
        If ``kept`` inputs do not suffice for n layers.
    """
    lengths: list[int] = []
    while sum(lengths) < n:
        if len(lengths) == kept:
            raise ValueError(f"shrinking: kept is {kept}, too few for {n} layers")
        lengths.append(kept - len(lengths))
    lengths[0] -= sum(lengths) - n
    return lengths


def most_kept(lengths: Sequence[int]) -> int:
    """Return how many inputs are kept at once: of segments so far, and of the layers of one."""
    return max(i + length for i, length in enumerate(lengths))


def binomial(snapshots: int) -> Schedule:
    """Hold at most so many inputs of layers, the chain's among them (Griewank & Walther, 2000)."""
    check_count("binomial", "snapshots", snapshots)

    def schedule(chain: Chain, x: Array) -> None:
        def reverse(first: int, last: int, x: Array, left: int) -> None:
            while last - first > 1:
                cut = first + first_cut(last - first, left)
                reverse(cut, last, chain.advance(first, cut, x), left - 1)
                last = cut
            chain.keep(first, last, x)
            chain.back(first, last)

        reverse(0, len(chain), x, snapshots)

    return schedule


@cache
def advances(n: int, snapshots: int) -> int:
    """Return the fewest advances that take n layers back with so many snapshots, x among them.

    Each layer is evaluated once more just before its backward step; that is not counted.
    """
    if n == 1:
        return 0
    return min(_with_cut(n, snapshots, m) for m in _cuts(n, snapshots))


@cache
def first_cut(n: int, snapshots: int) -> int:
    """Return after how many of n layers such a schedule takes its next snapshot."""
    return min(_cuts(n, snapshots), key=lambda m: _with_cut(n, snapshots, m))


def _cuts(n: int, snapshots: int) -> range:
    # Without a snapshot to spare, only the last layer can be reached and taken back.
    return range(n - 1 if snapshots == 1 else 1, n)


def _with_cut(n: int, snapshots: int, m: int) -> int:
    return m + advances(n - m, max(snapshots - 1, 1)) + advances(m, snapshots)


@cache
def dense_again(n: int, snapshots: int, first: int = 0) -> int:
    """Return the fewest dense layers among the advances that take n layers of a tower back.

    As in :func:`tower`, dense layers and tanh take turns; the one at ``first`` is dense if that is
    even. All cuts are tried, and the last layer's own evaluation is not counted.
    """
    if n == 1:
        return 0
    return min(
        len(range(first + first % 2, first + m, 2))
        + dense_again(n - m, max(snapshots - 1, 1), (first + m) % 2)
        + dense_again(m, snapshots, first)
        for m in _cuts(n, snapshots)
    )


@contextmanager
def counting(layers: Sequence[Layer]) -> Iterator[Counter[int]]:
    """Count in the layers themselves how many times each of them, by its place, is evaluated."""
    calls: Counter[int] = Counter()

    def counted(i: int, forward: Callable[[Array], Array]) -> Callable[[Array], Array]:
        def call(x: Array) -> Array:
            calls[i] += 1
            return forward(x)

        return call

    for i, layer in enumerate(layers):
        vars(layer)["forward"] = counted(i, layer.forward)
    try:
        yield calls
    finally:
        for layer in layers:
            del vars(layer)["forward"]


def slower(rounds: int = 101) -> dict[str, Any]:
    """Return how many times as long the gradient of a tower takes with eight segments as without.

    Processor time of one thread, in turns: the quartiles of the ratio over the rounds.
    """
    runs = []
    for network in (Sequential(tower(64)[0]), Checkpointed(tower(64)[0], 8)):
        _, x, dz = tower(64)
        runs.append(partial(_seconds, network, x, dz))
    found = [[run() for run in runs] for _ in range(check_count("slower", "rounds", rounds))]
    ratios = [checkpointed / plain for plain, checkpointed in found]
    quartiles = [float(quartile) for quartile in np.quantile(ratios, (0.25, 0.5, 0.75))]
    return {"rounds": rounds, "slower": quartiles}


def _seconds(network: Network, x: Array, dz: Array) -> float:
    start = time.process_time()
    network.forward(x)
    network.backward_parameters(dz)
    return time.process_time() - start


def stored() -> dict[str, Any]:
    """Return what ``python -m backprop.book.chains FILE`` measured on one core."""
    return dict(results.read("chains"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure this machine and write the file."""
    results.write("Time a gradient with and without segments.", slower, arguments)


if __name__ == "__main__":
    main()
