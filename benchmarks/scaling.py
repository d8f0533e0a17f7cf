"""How time and memory of a training step grow, and what checkpointing trades.

A chain of dense layers with tanh; width, depth or batch doubles while the others stay. Time is that
of forward and backward pass; memory the peak besides input, parameters and gradients, by
``tracemalloc``. The exponents are slopes in the logarithmic plot, by least squares.
Run: ``python benchmarks/scaling.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isqrt

import numpy as np
from _measure import Options, Table, kept, main, middle, ratios, show, take_turns

from backprop.layers import Dense, Layer, Tanh
from backprop.network import Network, Sequential
from backprop.training import checkpointing
from backprop.training.checkpointing import Checkpointed

BASE = {"width": 256, "depth": 8, "batch": 256}
THEORY = {"width": (2, 1), "depth": (1, 1), "batch": (1, 1)}
"""Exponents of time and memory: width² multiplications, width numbers to keep."""


def chain(width: int, depth: int) -> list[Layer]:
    """Return ``depth`` dense layers, each with a tanh after it."""
    rng = np.random.default_rng(0)
    layers: list[Layer] = []
    for _ in range(depth):
        layers += [Dense(width, width, rng=rng, dtype=np.float32), Tanh()]
    return layers


def step(network: Network, x: np.ndarray) -> Callable[[], None]:
    """Return a function that goes forward and backward; x serves as the error, too."""

    def run() -> None:
        network.forward(x)
        network.backward_parameters(x)

    return run


def inputs(batch: int, width: int) -> np.ndarray:
    """Return a random batch."""
    return np.random.default_rng(1).standard_normal((batch, width), np.float32)


def exponent(sizes: list[int], values: list[float]) -> float:
    """Return the slope of log values over log sizes."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


def growth(options: Options) -> Table:
    """Return the table of exponents."""
    factors = (1, 2) if options.quick else (1, 2, 4, 8)
    base = {"width": 32, "depth": 4, "batch": 32} if options.quick else BASE
    rounds = 2 if options.quick else 7
    rows, data = [], []
    for varied, (time_theory, memory_theory) in THEORY.items():
        sizes = [base[varied] * factor for factor in factors]
        runs, memory = {}, []
        for size in sizes:
            given = base | {varied: size}
            network = Sequential(chain(given["width"], given["depth"]))
            x = inputs(given["batch"], given["width"])
            memory.append(checkpointing.measure(network, x, x, 1).peak)
            runs[str(size)] = step(network, x)
        times = take_turns(runs, rounds)
        # One fit a round: its spread tells how sure the exponent is.
        fitted = [exponent(sizes, [times[str(s)][k] for s in sizes]) for k in range(rounds)]
        rows.append([
            f"{varied} {sizes[0]} to {sizes[-1]}", show(fitted), str(time_theory),
            f"{exponent(sizes, [float(m) for m in memory]):.2f}", str(memory_theory),
            f"{memory[-1] / 2**20:.1f}",
        ])  # fmt: skip
        data.append({
            "varied": varied, "sizes": sizes, "bytes": memory, "seconds": kept(times),
            "exponent of time": fitted,
        })  # fmt: skip
    text = (
        ", ".join(f"{name} {size}" for name, size in base.items())
        + f" where they do not vary; {rounds} rounds. Products of small matrices and the tanh,"
        " which grows with the width alone, pull the exponent of the width below 2."
    )
    header = ["what grows", "time", "theory", "memory", "theory", "largest peak [MiB]"]
    return Table("Exponents of one training step", text, header, rows, data)


def checkpoints(options: Options) -> Table:
    """Return the table of segments."""
    depth, width, batch = (8, 32, 32) if options.quick else (32, 256, 512)
    rounds = 2 if options.quick else 11
    x = inputs(batch, width)
    plain = Sequential(chain(width, depth))
    n = len(plain.layers)
    runs: dict[str, Callable[[], None]] = {"plain": step(plain, x)}
    peak = {"plain": checkpointing.measure(plain, x, x, 1).peak}
    choices = sorted({1, 2, 4, isqrt(n), 16, 32, n} & set(range(1, n + 1)))
    for segments in choices:
        network = Checkpointed(chain(width, depth), segments)
        peak[str(segments)] = checkpointing.measure(network, x, x, 1).peak
        runs[str(segments)] = step(network, x)
    times = take_turns(runs, rounds)
    rows, data = [], []
    for name in runs:
        k = 1 if name == "plain" else int(name)
        # A pass forward is a third of the work of a step, and (k - 1)/k of it is done again.
        theory = 1 + (k - 1) / k / 3
        label = "√n = " + name if name == str(isqrt(n)) else name
        slower = ratios(times, name, "plain")
        rows.append([
            label, show(slower), f"{theory:.2f}", f"{peak[name] / 2**20:.1f}",
            f"{100 * (1 - peak[name] / peak['plain']):.0f} %",
        ])  # fmt: skip
        data.append({
            "segments": name, "bytes": peak[name], "slower": middle(slower)[0], "theory": theory,
        })  # fmt: skip
    text = (
        f"{n} layers, width {width}, batch {batch}, {rounds} rounds. Time as a ratio to the plain"
        " network's, beside the formula 1 + (1 - 1/segments) / 3; peak of the memory, and how much"
        " of the plain network's is saved."
    )
    header = ["segments", "time", "formula", "peak [MiB]", "saved"]
    return Table("Checkpointing: memory for time", text, header, rows, data)


def measure(options: Options) -> list[Table]:
    """Return both tables."""
    return [growth(options), checkpoints(options)]


if __name__ == "__main__":
    main(__doc__, measure)
