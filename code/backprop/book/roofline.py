"""How fast a machine runs a Dense layer, beside the limits of its processor and its memory.

The operations of the layer and the bytes that it must at least move are formulas; a time is the
least of several calls. The roofline is that of Williams, Waterman and Patterson (2009).

The page draws the times of one machine, which are stored in ``roofline.json`` with its name.
``OPENBLAS_NUM_THREADS=1 python -m backprop.book.roofline FILE`` measures them anew (three minutes).
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

from backprop import Dense, ReLU
from backprop.arrays import Array
from backprop.book import results

DOUBLE = 8
"""Bytes of a float64."""
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
Run = Callable[[], Any]


RELU = 8192 * 1024
"""Numbers of the ReLU that is timed."""


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
    cached : sequence of float
        Seconds of as many operations forward, with few weights that stay in a cache.
    relu : float
        Seconds of a ReLU on ``RELU`` numbers.
    slopes, outer : float
        Seconds of the slopes of one example, as the layer finds them (by a product of matrices),
        and of the same array by ``np.multiply``.
    """

    name: str
    peak: float
    bandwidth: float
    width: int
    batches: Sequence[int]
    forward: Sequence[float]
    backward: Sequence[float]
    cached: Sequence[float]
    relu: float
    slopes: float
    outer: float

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
        """Return operations per byte and per second of the forward pass, one for each batch."""
        n = self.width
        operations = np.array([dense_operations(batch, n, n) for batch in self.batches])
        moved = np.array([dense_bytes(batch, n, n) for batch in self.batches])
        return operations / moved, operations / np.array(self.forward)

    def passes(self) -> Array:
        """Return the seconds of both passes, in forward passes, one for each batch."""
        return np.asarray(1 + np.divide(self.backward, self.forward))

    def back_speeds(self) -> Array:
        """Return operations per second of the backward pass: two products instead of one.

        They move twice the bytes, too, so that the operations per byte are those of ``marks``.
        """
        return np.asarray(2 * self.marks()[1] / (self.passes() - 1))

    def shares(self) -> Array:
        """Return which part of the highest speed that both limits allow is reached forward."""
        intensity, speed = self.marks()
        return np.asarray(speed / roof(intensity, self.peak, self.bandwidth))

    @property
    def relu_share(self) -> float:
        """The same for a ReLU, which reads an array and writes one."""
        return 2 * DOUBLE * RELU / self.relu / self.bandwidth


def stored() -> Machine:
    """Return what ``python -m backprop.book.roofline FILE`` measured on one core."""
    return Machine(**results.read("roofline"))


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
    operations = 0
    product = np.matmul

    def counting(a: Any, b: Any, **options: Any) -> Any:
        nonlocal operations
        result = product(a, b, **options)
        if np.ndim(a) == np.ndim(b) == 2:
            operations += 2 * result.size * np.shape(a)[1]
        return result

    with patch.object(np, "matmul", counting):
        run()
    return operations


def measure(
    width: int = 4096,
    batches: Sequence[int] = BATCHES,
    piece: int = 1024,
    rounds: int = 40,
    probe: int = 16_000_000,
) -> Machine:
    """Time the limits and the layers in turn, ``rounds`` times, and keep the least of each.

    In turn, because other programs disturb a machine for seconds: then all have the same chance.
    """
    product = _large_product(piece)
    loops = _streams(probe)
    x = np.random.default_rng(1).normal(size=(RELU // 1024, 1024))
    relu = ReLU()
    relu.reuse_buffers(True)
    dense, part = _dense(width), _dense(piece)
    large = [_passes(dense, batch, 1) for batch in batches]
    small = [_passes(part, batch, (width // piece) ** 2) for batch in batches]
    runs = [product, *(run for _, run in loops), lambda: relu.forward(x)]
    runs += [run for passes in large for run in passes] + [forward for forward, _ in small]
    runs += _slopes(width)
    least = np.min([[seconds(run, 1) for run in runs] for _ in range(rounds)], axis=0)
    ends = np.cumsum([1, len(loops), 1, 2 * len(batches), len(batches)])
    (computing,), streams, (rectified,), both, cached, (slopes, outer) = np.split(least, ends)
    return Machine(
        _name(), 2 * piece**3 / computing,
        max(moved / t for (moved, _), t in zip(loops, streams, strict=True)),
        width, list(batches), both[::2].tolist(), both[1::2].tolist(), cached.tolist(), rectified,
        slopes, outer,
    )  # fmt: skip


def _passes(dense: Dense, batch: int, times: int) -> tuple[Run, Run]:
    """Return a forward and a backward pass of a square layer, each repeated ``times`` times."""
    x, dz = np.random.default_rng(batch).normal(size=(2, batch, len(dense.parameters["W"])))

    def forward() -> None:
        for _ in range(times):
            dense.forward(x)

    def backward() -> None:
        dense.x = x  # other batches have passed since
        for _ in range(times):
            dense.backward(dz)

    return forward, backward


def _slopes(width: int) -> list[Run]:
    """Return two ways to the slopes of W for one example: a product, and an outer product."""
    x, dz = np.random.default_rng(0).normal(size=(2, 1, width))
    out = np.zeros((width, width))
    return [lambda: np.matmul(x.T, dz, out=out), lambda: np.multiply(x.T, dz, out=out)]


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
    Path(path).write_text(json.dumps(measure()._asdict()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
