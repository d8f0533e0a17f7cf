"""What ten language models achieve alone, and each together with counting.

The chapter "A small language model" shows what is stored in ``averaging.json``, which the command

    python -m backprop.book.averaging FILE w0.npz w1.npz ...

writes from the weights of the runs with the seeds 0, 1, ..., as
``python -m backprop.book.language --seed 0 --weights w0.npz`` stores them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import language, results
from backprop.book.alice import Letters, letters
from backprop.network import Network, Sequential


def bits(*chances: Array) -> float:
    """Return the bits per letter of the mean of several models' probabilities of what came."""
    return round(float(-np.log2(np.mean(chances, axis=0)).mean()), 4)


def told(networks: Sequence[Network], data: Letters) -> dict[str, Any]:
    """Return what is stored of runs whose seeds are 0, 1, ..."""
    length = language.LARGE.length
    runs = np.array([language.chances(net, data.validation, length)[0] for net in networks])
    at = language.asked(data.validation, length)
    best = language.counted()["Kneser-Ney"].best.probabilities(data.validation)[at]
    return {
        "letters": len(at),
        "alone": [bits(p) for p in runs],
        "with Kneser-Ney": [bits(p, best) for p in runs],
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ``averaging.json`` holds of the ten runs of ``language.stored()``."""
    found: dict[str, Any] = results.read("averaging")
    return found


def loaded(path: Path) -> Sequential:
    """Return the model of these weights."""
    start = np.random.default_rng(0)
    network = language.transformer(len(letters().alphabet), language.LARGE, start)
    with np.load(path, allow_pickle=False) as file:
        network.theta[...] = file["theta"]
    network.train(False)
    network.reuse_buffers(True)
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the file from the weights of finished runs."""
    parser = argparse.ArgumentParser(description="Average the predictions of finished runs.")
    parser.add_argument("file", type=Path)
    parser.add_argument("weights", type=Path, nargs="+", help="of the seeds 0, 1, ...")
    given = parser.parse_args(arguments)
    found = told([loaded(path) for path in given.weights], letters())
    given.file.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
