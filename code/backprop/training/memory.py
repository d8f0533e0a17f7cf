"""What passes keep in memory: the arrays of layers, counted and measured."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_count
from backprop.layers import Composite, Layer
from backprop.network import Network


@dataclass(frozen=True)
class Cost:
    """What one forward and one backward pass take, in a loop of such passes."""

    peak: int
    """Most bytes alive at once, besides x, dz, parameters and gradients."""
    seconds: float
    """The least of several runs."""


def measure(network: Network, x: Array, dz: Array, repeats: int = 3) -> Cost:
    """Measure memory (by ``tracemalloc``) and time of ``forward(x)``, ``backward_parameters(dz)``.

    Time is taken without tracing, which slows Python down. Running averages, generators and
    gradients are afterwards those before.

    Raises
    ------
    RuntimeError
        If ``tracemalloc`` is at work already: what others allocate would be counted in.
    """
    if tracemalloc.is_tracing():
        raise RuntimeError("measure: tracemalloc is tracing already")
    check_count("measure", "repeats", repeats)
    dtheta = network.dtheta.copy()
    with network.preserved():
        try:
            seconds = min(_seconds(network, x, dz) for _ in range(repeats))
            return Cost(_peak(network, x, dz), seconds)
        finally:
            network.dtheta[...] = dtheta


def _seconds(network: Network, x: Array, dz: Array) -> float:
    start = time.perf_counter()
    network.forward(x)
    network.backward_parameters(dz)
    return time.perf_counter() - start


def _peak(network: Network, x: Array, dz: Array) -> int:
    tracemalloc.start()
    try:
        for _ in range(2):
            # The first pass frees what layers keep from before tracing, and is not counted.
            tracemalloc.reset_peak()
            network.forward(x)
            network.backward_parameters(dz)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def with_inner(layer: Layer) -> list[Layer]:
    """Return the layer and, if it is made of layers, all within, from the outside in."""
    inner = [f for _, f in layer.walk()] if isinstance(layer, Composite) else []
    return [layer, *inner]


def changed(layer: Layer, held: Mapping[str, Any]) -> list[str]:
    """Return the attributes that are new or others since they were ``held``."""
    return [name for name, value in vars(layer).items() if value is not held.get(name, ...)]


def arrays_kept(layer: Layer, held: Mapping[str, Any]) -> dict[int, int]:
    """Return the size of each array that is new since the attributes were ``held``, by identity."""
    sizes = {}
    for name in changed(layer, held):
        value = vars(layer)[name]
        given = value if isinstance(value, list | tuple) else [value]
        owners = [owner(a) for a in given if isinstance(a, np.ndarray)]
        sizes.update({id(array): array.nbytes for array in owners})
    return sizes


def owner(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array whose memory a view looks at."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
