"""How fast this machine runs the package's layers, beside the limits of its processor and memory.

The operations of a layer and the bytes that it must at least move are formulas; the time is the
least of several calls. The roofline is that of Williams, Waterman and Patterson (2009).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from backprop import Adam, Dense, Layer, LayerNorm, ReLU, Sequential, Softmax
from backprop.arrays import Array

DOUBLE = 8
"""Bytes of a float64."""


class Work(NamedTuple):
    """The forward pass of a layer, or one step of an optimizer.

    Attributes
    ----------
    name : str
        What runs.
    operations, bytes : int
        Additions, multiplications and function values; and what is read or written at least once.
    run : callable
        One call.
    """

    name: str
    operations: int
    bytes: int
    run: Callable[[], Any]


class Point(NamedTuple):
    """A measured one: operations per byte, and operations per second."""

    name: str
    intensity: float
    speed: float


def seconds(run: Callable[[], Any], repeats: int = 5) -> float:
    """Return the least time of several calls, after one that is not counted."""
    run()
    return min(_timed(run) for _ in range(repeats))


def _timed(run: Callable[[], Any]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def peak(n: int = 640) -> float:
    """Return operations per second in a product of two n by n matrices."""
    a, out = np.ones((n, n)), np.empty((n, n))
    return 2 * n**3 / seconds(lambda: np.matmul(a, a, out=out), 9)


def bandwidth(n: int = 16_000_000) -> float:
    """Return bytes per second in the faster of two loops over arrays far larger than the caches."""
    a, b, out = np.ones(n), np.ones(n), np.ones(n)
    loops: tuple[tuple[int, Callable[[], Any]], ...] = (
        (3, lambda: np.add(a, b, out=out)),
        (2, lambda: np.dot(a, b)),
    )
    return max(arrays * DOUBLE * n / seconds(loop, 5) for arrays, loop in loops)


def dense_operations(batch: int, n_in: int, n_out: int) -> int:
    """Return those of the product forward; backward, there are two as large."""
    return 2 * batch * n_in * n_out


def dense_bytes(batch: int, n_in: int, n_out: int, item: int = DOUBLE) -> int:
    """Return the bytes of x, W and z."""
    return item * (batch * n_in + n_in * n_out + batch * n_out)


def works(
    width: int = 4096, batches: tuple[int, ...] = (1, 8, 128), rows: int = 8192
) -> Iterator[Work]:
    """Yield one after another, so that few arrays are alive at once; all are too large to cache."""
    rng = np.random.default_rng(0)
    dense = Dense(width, width, rng=rng)
    for batch in batches:
        yield _forward(
            f"Dense, B = {batch}", dense, (batch, width), dense_operations(batch, width, width),
            dense_bytes(batch, width, width),
        )  # fmt: skip
    # Read θ and g, write θ; Adam reads and writes its two averages as well.
    yield Work("Adam", 12 * dense.parameters["W"].size, 56 * dense.parameters["W"].size,
               Adam(Sequential([dense]), 1e-3).step)  # fmt: skip
    del dense
    entries = rows * 1024
    for name, layer, operations in (
        # Operations per entry, as the package's lines carry them out.
        ("ReLU", ReLU(), 1), ("LayerNorm", LayerNorm(1024), 7), ("softmax", Softmax(), 5),
    ):  # fmt: skip
        # An array comes and one goes.
        yield _forward(name, layer, (rows, 1024), operations * entries, 2 * DOUBLE * entries)


def _forward(name: str, layer: Layer, shape: tuple[int, ...], operations: int, moved: int) -> Work:
    layer.reuse_buffers(True)
    x = np.random.default_rng(1).normal(size=shape)
    return Work(name, operations, moved, lambda: layer.forward(x))


def measured(work: Work, repeats: int = 3) -> Point:
    """Return where one lies."""
    speed = work.operations / seconds(work.run, repeats)
    return Point(work.name, work.operations / work.bytes, speed)


def roof(intensity: Array, top: float, slope: float) -> Array:
    """Return the most operations per second: ``top``, or what ``slope`` bytes per second feed."""
    return np.minimum(top, slope * np.asarray(intensity, dtype=float))


def counted(run: Callable[[], Any]) -> int:
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
