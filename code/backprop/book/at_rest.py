"""A row of units at rest learns its links, by the whole series of its error or by a part of it.

Eight units stand in a row. Each reads an input of its own, and is linked to its neighbors in both
directions. A row like it, with links that are not known, supplies the resting states for 64 random
inputs, and the links are learned from them: from the states of all units, or of the last one alone.
The chapter on implicit derivatives shows what is stored in ``at_rest.json``, which the command

    python -m backprop.book.at_rest FILE

writes in two minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book import results
from backprop.layers import FixedPoint
from backprop.network import Sequential
from backprop.optimizers import Adam

UNITS, EXAMPLES = 8, 64
NEAR = np.abs(np.subtract.outer(np.arange(UNITS), np.arange(UNITS))) == 1
"""Where U may have a link: between neighbors."""
STEPS, EVERY = 300, 5
RATE = 0.1
LIMIT = 0.95
"""To which the spectral norm of U is led back after each step."""
SETS = {"shown": range(10), "again": range(100, 110)}
"""Seeds of the runs on the page, and of those that try what it says of them."""
TERMS = {"1 term": 1, "5 terms": 5, "equation": None}
READ = {"all": slice(None), "last": slice(-1, None)}
"""The units whose resting states are compared."""


class Run(NamedTuple):
    """What a run has come to."""

    losses: list[float]
    """Before the first step and after every ``EVERY``-th; fewer if a state found no rest."""
    norm: float
    """The highest spectral norm of U."""
    ended: int | None
    """The step at which a state found no rest."""
    links: Array
    """U at the end."""


def links(rng: np.random.Generator, norm: float) -> Array:
    """Return random positive links between neighbors, with this spectral norm."""
    U = NEAR * rng.uniform(0.5, 1, NEAR.shape)
    return np.asarray(U * norm / np.linalg.norm(U, 2))


def row(rng: np.random.Generator, norm: float, tolerance: float | None = None) -> FixedPoint:
    """Return a layer whose units stand in a row; each reads its own input."""
    layer = FixedPoint(UNITS, UNITS, rng=rng, tolerance=tolerance, iterations=2000)
    layer.parameters["W"][...] = np.eye(UNITS)
    layer.parameters["U"][...] = links(rng, norm)
    return layer


def series(layer: FixedPoint, v: Array, terms: int) -> None:
    """Fill the layer's gradients from ``terms`` terms of v + vJᵀ + vJᵀJᵀ + …."""
    slope, U = 1 - layer.h**2, layer.parameters["U"]
    u = v
    for _ in range(terms - 1):
        u = v + (u * slope) @ U.T
    np.matmul(layer.h.T, u * slope, out=layer.gradients["U"])


def learned(
    seed: int, read: slice, terms: int | None, limit: float | None = LIMIT, steps: int = STEPS
) -> Run:
    """Learn the links of a row from its resting states.

    Parameters
    ----------
    seed : int
        Of the links that answer, those to begin with, and the inputs.
    read : slice
        The units whose states are compared.
    terms : int, optional
        Of the series for the error; all of them, by the equation, if not given.
    limit : float, optional
        The highest norm of U; none if not given.
    steps : int
        Of Adam.
    """
    rng = np.random.default_rng(seed)
    right = row(rng, 0.9)
    x = rng.normal(size=(EXAMPLES, UNITS)) / 2
    answers = right.forward(x)
    layer = row(rng, 0.5, 1e-8)
    network = Sequential([layer])
    optimizer = Adam(network, RATE)
    losses: list[float] = []
    norm, v = 0.0, np.zeros(answers.shape)
    for step in range(steps + 1):
        norm = max(norm, float(np.linalg.norm(layer.parameters["U"], 2)))
        try:
            off = (network.forward(x) - answers)[:, read]
        except RuntimeError:
            return Run(losses, norm, step, layer.parameters["U"].copy())
        if step % EVERY == 0:
            losses.append(float((off**2).mean() / 2))
        v[:, read] = off / off.size
        if terms is None:
            layer.backward(v)
        else:
            series(layer, v, terms)
        layer.gradients["U"] *= NEAR
        layer.gradients["W"][...] = 0  # only the links are learned
        layer.gradients["b"][...] = 0
        if step < steps:
            optimizer.step()
        if limit is not None:
            layer.contract(limit)
    return Run(losses, norm, None, layer.parameters["U"].copy())


def told() -> dict[str, Any]:
    """Return what is stored: the losses of each kind of run, and what happens without a limit."""
    found: dict[str, Any] = {}
    for name, seeds in SETS.items():
        found[name] = {
            read: {
                terms: [
                    [float(f"{loss:.2e}") for loss in learned(seed, part, count).losses]
                    for seed in seeds
                ]
                for terms, count in TERMS.items()
            }
            for read, part in READ.items()
        }
        free = [learned(seed, READ["last"], None, None) for seed in seeds]
        found[name]["free"] = [{"norm": round(run.norm, 3), "ended": run.ended} for run in free]
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``at_rest.json`` holds."""
    return dict(results.read("at_rest"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out all runs and write the file."""
    results.write("Train a row of units at rest.", told, arguments)


if __name__ == "__main__":
    main()
