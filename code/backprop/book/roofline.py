"""How fast a machine runs a Dense layer, beside the limits of its processor and its memory.

The operations of the layer and the bytes that it must at least move are formulas; a time is the
least of several calls. The roofline is that of Williams, Waterman and Patterson (2009).

The page draws the times of one machine, which are stored in ``roofline.json`` with its name.
``OPENBLAS_NUM_THREADS=1 python -m backprop.book.roofline FILE`` measures them anew and writes them
to FILE (three minutes, on a machine that does nothing else).
"""

from __future__ import annotations

import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from backprop import Dense, Sequential
from backprop.arrays import Array
from backprop.book import results
from backprop.book.chains import tower

DOUBLE = 8
"""Bytes of a float64."""
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
WIDTHS = (18, 32, 56, 100, 176)
DEPTH, EXAMPLES = 32, 256
"""Dense layers of a tower, and the batch that it is timed with."""
Run = Callable[[], Any]


class Tower(NamedTuple):
    """The seconds that 32 Dense and 32 tanh layers of one width take, with 256 examples.

    Attributes
    ----------
    width, weights : int
        Of a layer, and parameters in all.
    forward, backward : float
        Seconds of a pass.
    products : pair of float
        The part of each pass that is spent in products of two matrices.
    """

    width: int
    weights: int
    forward: float
    backward: float
    products: tuple[float, float]

    @property
    def passes(self) -> float:
        """Both passes, in forward passes."""
        return 1 + self.backward / self.forward

    @property
    def parts(self) -> list[float]:
        """Products and the rest, forward and backward, in forward passes."""
        forward, backward = self.products
        seconds = forward, self.forward - forward, backward, self.backward - backward
        return [part / self.forward for part in seconds]

    @property
    def times(self) -> tuple[float, float]:
        """How many times as long the products take backward as forward, and all else."""
        forward, rest, backward, rest_backward = self.parts
        return backward / forward, rest_backward / rest


class Machine(NamedTuple):
    """The two limits of a machine, and the seconds that a square Dense layer takes on it.

    Attributes
    ----------
    name : str
        Processor and library.
    peak, bandwidth : float
        Operations and bytes per second, from loops that have no part in the layers.
    width : int
        Inputs and outputs of the layer.
    batches : sequence of int
        One for each of the times that follow.
    forward, backward : sequence of float
        Seconds of a pass; what it needs is too large to stay in a cache.
    slopes, errors : sequence of float
        Seconds of the two products of the backward pass, xᵀδ and δWᵀ.
    outer : float
        Seconds of the slopes of one example by ``np.multiply``.
    towers : sequence of Tower
        Networks of narrower layers.
    """

    name: str
    peak: float
    bandwidth: float
    width: int
    batches: Sequence[int]
    forward: Sequence[float]
    backward: Sequence[float]
    slopes: Sequence[float]
    errors: Sequence[float]
    outer: float
    towers: Sequence[Tower]

    def predicted(self, batch: int) -> tuple[float, float]:
        """Return the seconds that computing and carrying take forward, each at its limit."""
        n = self.width
        return (
            dense_operations(batch, n, n) / self.peak,
            dense_bytes(batch, n, n) / self.bandwidth,
        )

    @property
    def corner(self) -> float:
        """Operations that the processor carries out while memory delivers a byte."""
        return self.peak / self.bandwidth

    def marks(self) -> tuple[Array, Array]:
        """Return operations per byte, one for each batch, and those per second of each product.

        A row is the forward pass, the slopes, or the error for the layer below.
        """
        n = self.width
        operations = np.array([dense_operations(batch, n, n) for batch in self.batches])
        moved = np.array([dense_bytes(batch, n, n) for batch in self.batches])
        return operations / moved, operations / np.array([self.forward, self.slopes, self.errors])

    def passes(self) -> Array:
        """Return the seconds of the forward pass and of both products, in forward passes."""
        return np.asarray(1 + np.add(self.slopes, self.errors) / self.forward)

    def shares(self) -> Array:
        """Return which part of the highest speed that both limits allow each product reaches."""
        intensity, speed = self.marks()
        return np.asarray(speed / roof(intensity, self.peak, self.bandwidth))


def stored() -> Machine:
    """Return what ``python -m backprop.book.roofline FILE`` measured on one core."""
    found = results.read("roofline")
    return Machine(**found | {"towers": [Tower(**each) for each in found["towers"]]})


def seconds(run: Run, repeats: int = 5) -> float:
    """Return the least time of several calls, after one that is not counted."""
    run()
    return min(_timed(run) for _ in range(repeats))


def _timed(run: Run) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak(n: int = 1024, repeats: int = 5) -> float:
    """Return operations per second in a product of two n by n matrices."""
    return 2 * n**3 / seconds(_large_product(n), repeats)


def bandwidth(n: int = 16_000_000, repeats: int = 5) -> float:
    """Return bytes per second in the fastest of four loops over arrays too large for a cache."""
    loops = _streams(n)
    return max(moved / seconds(loop, repeats) for moved, loop in loops)


def _large_product(n: int) -> Run:
    a, out = np.ones((n, n)), np.empty((n, n))
    return lambda: np.matmul(a, a, out=out)


def _streams(n: int) -> list[tuple[int, Run]]:
    """Return loops that read one or two arrays of n numbers, or write one, with their bytes."""
    a, b, out = np.ones(n), np.ones(n), np.ones(n)
    return [
        (DOUBLE * n, lambda: np.sum(a)), (2 * DOUBLE * n, lambda: np.dot(a, b)),
        (2 * DOUBLE * n, lambda: np.copyto(out, a)),
        (3 * DOUBLE * n, lambda: np.add(a, b, out=out)),
    ]  # fmt: skip


def dense_operations(batch: int, n_in: int, n_out: int) -> int:
    """Return those of the product forward; backward, there are two as large."""
    return 2 * batch * n_in * n_out


def dense_bytes(batch: int, n_in: int, n_out: int, item: int = DOUBLE) -> int:
    """Return the bytes of x, W and z."""
    return item * (batch * n_in + n_in * n_out + batch * n_out)


def roof(intensity: Array, peak: float, bandwidth: float) -> Array:
    """Return the most operations per second: the peak, or what so many bytes per second feed."""
    return np.minimum(peak, bandwidth * np.asarray(intensity, dtype=float))


def counted(run: Run) -> int:
    """Return the operations of all products of two matrices that ``run`` asks NumPy for.

    A product (m, k) by (k, n) takes mnk multiplications and as many additions.
    """
    return sum(operations for operations, _ in _products(run))


def _products(run: Run) -> list[tuple[int, float]]:
    """Return operations and seconds of each product of two matrices that ``run`` asks for."""
    found = []
    product = np.matmul

    def watched(a: Any, b: Any, **options: Any) -> Any:
        start = time.perf_counter()
        result = product(a, b, **options)
        if np.ndim(a) == np.ndim(b) == 2:
            seconds = time.perf_counter() - start
            found.append((2 * result.size * np.shape(a)[1], seconds))
        return result

    with patch.object(np, "matmul", watched):
        run()
    return found


def measure(
    width: int = 4096,
    batches: Sequence[int] = BATCHES,
    piece: int = 1024,
    rounds: int = 25,
    probe: int = 16_000_000,
    widths: Sequence[int] = WIDTHS,
) -> Machine:
    """Time the limits and the layers in turn, ``rounds`` times, and keep the least of each.

    In turn, because other programs disturb a machine for seconds: then all have the same chance.
    """
    loops = _streams(probe)
    dense = _dense(width)
    layers = [run for batch in batches for run in _passes(dense, batch)]
    runs = [_large_product(piece), *(run for _, run in loops), *layers, _outer(dense)]
    networks = [_Timed(w) for w in widths]
    found = []
    for _ in range(rounds):
        found.append([seconds(run, 1) for run in runs])
        for network in networks:
            network.once()
    least = np.min(found, axis=0)
    ends = np.cumsum([1, len(loops), 4 * len(batches)])
    (computing,), streams, times, (outer,) = np.split(least, ends)
    forward, backward, slopes, errors = times.reshape(-1, 4).T.tolist()
    return Machine(
        _name(), 2 * piece**3 / computing,
        max(moved / t for (moved, _), t in zip(loops, streams, strict=True)),
        width, list(batches), forward, backward, slopes, errors,
        outer, [network.found() for network in networks],
    )  # fmt: skip


def _passes(dense: Dense, batch: int) -> list[Run]:
    """Return a forward and a backward pass of a square layer, and the two products of the latter.

    The products write where the layer does.
    """
    W = dense.parameters["W"]
    x, dz = np.random.default_rng(batch).normal(size=(2, batch, len(W)))
    dx = np.empty_like(x)

    def backward() -> Array:
        dense.x = x  # other batches have passed since
        return dense.backward(dz)

    return [
        lambda: dense.forward(x), backward,
        lambda: np.matmul(x.T, dz, out=dense.gradients["W"]), lambda: np.matmul(dz, W.T, out=dx),
    ]  # fmt: skip


def _outer(dense: Dense) -> Run:
    """Return the slopes of one example, by a plain multiplication."""
    out = dense.gradients["W"]
    x, dz = np.random.default_rng(1).normal(size=(2, 1, len(out)))
    return lambda: np.multiply(x.T, dz, out=out)


class _Timed:
    """A tower, and the seconds of its passes and of their products, each time they were timed."""

    def __init__(self, width: int) -> None:
        layers, self.x, self.dz = tower(2 * DEPTH, width, EXAMPLES)
        self.width, self.network = width, Sequential(layers)
        self.network.reuse_buffers(True)
        self.repeats = max(1, 500 // width)
        self.all: list[list[float]] = []

    def once(self) -> None:
        """Time all of them once more, the faster ones several times."""
        for _ in range(self.repeats):
            passes = [lambda: self.network.forward(self.x),
                      lambda: self.network.backward_parameters(self.dz)]  # fmt: skip
            whole = [_timed(run) for run in passes]
            inside = [sum(t for _, t in _products(run)) for run in passes]
            self.all.append([*whole, *inside])

    def found(self) -> Tower:
        """Return the least of each."""
        forward, backward, there, back = np.min(self.all, axis=0).tolist()
        size = self.network.theta.size
        return Tower(self.width, size, forward, backward, (there, back))


def _dense(width: int) -> Dense:
    dense = Dense(width, width, rng=np.random.default_rng(0))
    dense.reuse_buffers(True)
    return dense


def _name() -> str:
    """Return the processor's name and the library's version."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        name = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        name = platform.processor() or platform.machine()
    return f"one core of an {name}, NumPy {np.__version__}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure this machine, and write the file."""
    (path,) = sys.argv[1:] if arguments is None else arguments
    found = measure()
    stored = found._asdict() | {"towers": [each._asdict() for each in found.towers]}
    Path(path).write_text(json.dumps(stored) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
