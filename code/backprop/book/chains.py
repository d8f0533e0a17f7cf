"""A chain of layers whose backward pass keeps what a schedule says, and watches its memory.

A layer's forward pass keeps an array that its backward pass reads. A schedule decides which layers
keep theirs when: all at once, one segment after another, or one layer after another.
"""

from __future__ import annotations

import tracemalloc
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from backprop.arrays import Array, check_count
from backprop.layers import Layer
from backprop.training.passes import Pass


@dataclass(frozen=True)
class Watched:
    """What one gradient took.

    Attributes
    ----------
    kinds : str
        One letter per call of a layer: "f" keeps, "a" advances and keeps nothing, "b" goes back.
    bytes : tuple of int
        Most bytes alive during each of them, the input x among them, parameters and the error at
        the output not.
    dx : array
        ∂L/∂x.
    """

    kinds: str
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
        self.kinds, self.bytes = bytearray(), array("q")

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
            this, x = self._evaluated(i, x)
            this.release()
            self._note("a")
        return x

    def keep(self, first: int, last: int, x: Array) -> None:
        """Evaluate them and let each keep what its backward pass needs."""
        for i in range(first, last):
            self._kept[i], x = self._evaluated(i, x)
            self._note("f")

    def back(self, first: int, last: int) -> None:
        """Take the error from layer ``last - 1`` to ``first``; each frees what it kept."""
        for i in reversed(range(first, last)):
            if i not in self._kept:
                raise RuntimeError(f"Chain.back: layer {i} has kept nothing, call keep first")
            self.dz = self.layers[i].backward(self.dz)
            self._kept.pop(i).release()
            self._note("b")

    def _evaluated(self, i: int, x: Array) -> tuple[Pass, Array]:
        this = Pass([self.layers[i]], x)
        with this.keeping():
            x = self.layers[i].forward(x)
        # The layer refers to its input where it needs it.
        del this.x
        return this, x

    def _note(self, kind: str) -> None:
        self.kinds += kind.encode()
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
        schedule(chain, x.copy())
    finally:
        tracemalloc.stop()
    return Watched(chain.kinds.decode(), tuple(b - start for b in chain.bytes), chain.dz)


def in_segments(segments: int) -> Schedule:
    """Keep the inputs of so many segments, of equal length as nearly as possible."""
    check_count("in_segments", "segments", segments)

    def schedule(chain: Chain, x: Array) -> None:
        cuts = [len(chain) * i // segments for i in range(segments + 1)]
        xs = [x]
        for i, j in pairwise(cuts[:-1]):
            xs.append(chain.advance(i, j, xs[-1]))
        for i, j in reversed([*pairwise(cuts)]):
            chain.keep(i, j, xs.pop())
            chain.back(i, j)

    return schedule


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
