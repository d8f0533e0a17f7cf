"""One head that is asked for two digits, and trained for longer.

Ten networks with one head, trained as on the page (:func:`lookup.trained_for_two`), take further
steps at a smaller rate. The chapter on heads and masks shows what is stored in ``one_head.json``,
which the command

    python -m backprop.book.one_head FILE

writes in half a minute.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from backprop.book import lookup, results

SEEDS = 10
MORE, RATE = 4000, 0.005
"""The further steps, and their rate."""
QUESTIONS = 2000


def longer(seed: int, steps: int = MORE) -> dict[str, float]:
    """Return what :func:`lookup.named` finds, on new questions, after so many further steps."""
    network = lookup.trained_for_two(1, seed)
    lookup.train_last(network, lookup.ask_two, np.random.default_rng([seed, 1]), steps, RATE)
    x, y = lookup.ask_two(np.random.default_rng(10**6), QUESTIONS)
    return lookup.named(network, x, y)


def told(seeds: int, steps: int = MORE) -> list[dict[str, float]]:
    """Return what is stored: :func:`longer` for each seed."""
    return [
        {name: round(share, 2) for name, share in longer(seed, steps).items()}
        for seed in range(seeds)
    ]


@cache
def stored() -> list[dict[str, float]]:
    """Return what ``one_head.json`` holds."""
    found: list[dict[str, float]] = results.read("one_head")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    parser = argparse.ArgumentParser(description="Train networks with one head for longer.")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    given.file.write_text(json.dumps(told(SEEDS)) + "\n")


if __name__ == "__main__":
    main()
