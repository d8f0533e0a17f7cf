"""The task of looking up at several widths of queries and keys, with and without the division.

The chapter on attention draws what is stored in ``widths.json``, which the command

    python -m backprop.book.widths FILE

writes in a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from backprop.book import lookup, results

SEEDS, STEPS = 10, 100
WIDTHS = 16, 64, 256, 1024
SEQUENCES = 500
"""New ones, of four questions each."""

KINDS = "divided by √d", "not divided", "not divided, slower steps"


def _takes(kind: str, d: int) -> dict[str, Any]:
    """Return what :class:`lookup.WideLook` takes; slower steps are divided by √d."""
    divided, _, slower = KINDS
    return {"divide": kind == divided, "slower": d**0.5 if kind == slower else 1.0}


def _new(sequences: int) -> lookup.Batch:
    """Return sequences that no network is trained on, always the same ones."""
    return lookup.draw(np.random.default_rng(10**6), sequences)


def right(kind: str, seed: int, d: int, steps: int = STEPS, sequences: int = SEQUENCES) -> float:
    """Return the right digits of one network on new questions after so many steps, in percent."""
    (share,) = lookup.learned(seed, d, [steps], _new(sequences), **_takes(kind, d))
    return 100 * share


def told(seeds: int, widths: Sequence[int], steps: int = STEPS) -> dict[str, list[list[float]]]:
    """Return what is stored: by kind, a list for each width of :func:`right` for each seed."""
    return {
        kind: [[round(right(kind, k, d, steps), 2) for k in range(seeds)] for d in widths]
        for kind in KINDS
    }


def begins(kind: str, seed: int, d: int, sequences: int = 50) -> tuple[float, float, float]:
    """Return the deviations of the first scores and of their changes, and the size of the errors.

    This size is the mean absolute value of the errors at the scores before the first step.
    """
    new, takes = _new(sequences), _takes(kind, d)
    before, after = lookup.scored(seed, d, [0, 1], new, **takes)
    seen = np.isfinite(before)
    (start,) = lookup.wide(seed, d, [0], takes)
    _, dS = lookup.score_errors(start, new)
    size = abs(dS[new.asked][seen]).mean()
    return float(before[seen].std()), float((after[seen] - before[seen]).std()), float(size)


@cache
def stored() -> dict[str, list[list[float]]]:
    """Return what ``widths.json`` holds."""
    found: dict[str, list[list[float]]] = results.read("widths")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    results.write("Train networks at several widths.", lambda: told(SEEDS, WIDTHS), arguments)


if __name__ == "__main__":
    main()
