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

from backprop import (
    SGD,
    Adam,
    Conv2d,
    Dense,
    Layer,
    LayerNorm,
    MultiHeadAttention,
    ReLU,
    Sequential,
    Softmax,
)
from backprop.arrays import Array

DOUBLE = 8
"""Bytes of a float64."""


class Work(NamedTuple):
    """One pass of a layer, or one step of an optimizer.

    Attributes
    ----------
    name : str
        What runs.
    backward : bool
        Which pass it is.
    operations, bytes : int
        Additions, multiplications and function values; and what is read or written at least once.
    run : callable
        One call.
    """

    name: str
    backward: bool
    operations: int
    bytes: int
    run: Callable[[], Any]


class Point(NamedTuple):
    """A measured one: operations per byte, and operations per second."""

    name: str
    backward: bool
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


def bandwidth(n: int = 4_000_000) -> float:
    """Return bytes per second in a sum of two arrays far larger than the caches."""
    a, b, out = np.ones(n), np.ones(n), np.ones(n)
    return 3 * DOUBLE * n / seconds(lambda: np.add(a, b, out=out), 9)


def dense_operations(batch: int, n_in: int, n_out: int) -> tuple[int, int]:
    """Return those of the products forward, and backward with the error for the layer below."""
    product = 2 * batch * n_in * n_out
    return product, 2 * product


def dense_bytes(batch: int, n_in: int, n_out: int, item: int = DOUBLE) -> tuple[int, int]:
    """Return the bytes of x, W, z, and of x, dz, W, ∂L/∂W, ∂L/∂x."""
    x, W, z = batch * n_in, n_in * n_out, batch * n_out
    return item * (x + W + z), item * (2 * x + 2 * W + z)


def works(width: int = 2048, batches: tuple[int, ...] = (1, 8, 128)) -> Iterator[Work]:
    """Yield one kind of layer after another, so that few arrays are alive at once."""
    rng = np.random.default_rng(0)
    for batch in batches:
        dense = Dense(width, width, rng=rng)
        pairs = dense_operations(batch, width, width), dense_bytes(batch, width, width)
        yield from _both(f"Dense, B = {batch}", dense, (batch, width), *pairs)
    rows = (1024, 1024)
    entries = rows[0] * rows[1]
    for name, layer, forward, backward in (
        # Operations per entry, as the package's lines carry them out.
        ("ReLU", ReLU(), 1, 1),
        ("LayerNorm", LayerNorm(rows[1]), 7, 11),
        ("softmax", Softmax(), 5, 4),
    ):
        counted = forward * entries, backward * entries
        # Forward an array comes and one goes; backward two come.
        yield from _both(name, layer, rows, counted, (16 * entries, 24 * entries))
    images, channels, side = 16, 16, 32
    product = 2 * images * side**2 * 9 * channels**2
    moved = DOUBLE * images * channels * side**2
    weights = DOUBLE * 9 * channels**2
    yield from _both(
        "convolution", Conv2d(channels, channels, 3, padding=1, rng=rng),
        (images, channels, side, side), (product, 2 * product),
        (2 * moved + weights, 3 * moved + 2 * weights),
    )  # fmt: skip
    texts, length, d = 8, 64, 128
    product = texts * (8 * length * d**2 + 4 * length**2 * d)
    moved, weights = DOUBLE * texts * length * d, DOUBLE * 4 * d**2
    yield from _both(
        "attention", MultiHeadAttention(d, 4, rng=rng), (texts, length, d), (product, 2 * product),
        (2 * moved + weights, 3 * moved + 2 * weights),
    )  # fmt: skip
    # Read θ and g, write θ; Adam reads and writes its two averages as well.
    network = Sequential([Dense(width, width // 2, rng=rng)])
    count = network.theta.size
    yield Work("SGD", True, 2 * count, 24 * count, SGD(network, 1e-3).step)
    yield Work("Adam", True, 12 * count, 56 * count, Adam(network, 1e-3).step)


def _both(
    name: str,
    layer: Layer,
    shape: tuple[int, ...],
    operations: tuple[int, int],
    moved: tuple[int, int],
) -> Iterator[Work]:
    layer.reuse_buffers(True)
    x = np.random.default_rng(1).normal(size=shape)
    dz = np.ones(layer.forward(x).shape)
    yield Work(name, False, operations[0], moved[0], lambda: layer.forward(x))
    yield Work(name, True, operations[1], moved[1], lambda: layer.backward(dz))


def measured(work: Work, repeats: int = 5) -> Point:
    """Return where one lies."""
    speed = work.operations / seconds(work.run, repeats)
    return Point(work.name, work.backward, work.operations / work.bytes, speed)


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
