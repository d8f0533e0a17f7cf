"""Where the language model and counting win, and what the model takes from further back.

The chapter "A small language model" shows what is stored in ``knowing.json``, which the command

    python -m backprop.book.knowing FILE w0.npz w1.npz ...

writes from the weights of the runs with the seeds 0, 1, ..., as
``python -m backprop.book.language --seed 0 --weights w0.npz`` stores them. The letters of the last
tenth are sorted by the one before them, which is known before the letter comes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book import language
from backprop.book.alice import Letters, letters
from backprop.network import Network, Sequential

MARKS = ",.;:!?"
"""Punctuation marks, after which a quotation or a line of verse may end."""
PLACES = ("space", "mark", "other")
"""What stands before a letter; a new line counts as a space."""
NEAR = 9
"""Letters that the model is left with where it may not look further back."""


def near(network: Network, text: NDArray[np.int64], at: NDArray[np.int64]) -> Array:
    """Return p of the letters of a text at these places after the :data:`NEAR` before them alone.

    Parameters
    ----------
    network : Network
        In use, not in training.
    text : array of int
    at : array of int, shape (n,)
        Each at least :data:`NEAR`.
    """
    found = []
    for group in np.array_split(at, max(1, len(at) * NEAR // 2048)):
        x = text[group[:, None] + np.arange(-NEAR, 0)]
        p = softmax(language.scores(network, x)[:, -1].astype(np.float64))
        found.append(p[np.arange(len(group)), text[group]])
    return np.concatenate(found)


def places(data: Letters, at: NDArray[np.int64]) -> dict[str, NDArray[np.bool_]]:
    """Return for each of :data:`PLACES` which of the letters to come stand there.

    Parameters
    ----------
    data : Letters
    at : array of int, shape (n,)
        Places in ``data.validation``, not 0.
    """
    before = [data.alphabet.decode([data.validation[k - 1]]) for k in at]
    kind = np.array(["space" if c in " \n" else "mark" if c in MARKS else "other" for c in before])
    return {name: kind == name for name in PLACES}


def bits(p: Array, kinds: dict[str, NDArray[np.bool_]]) -> list[float]:
    """Return the mean of log2 1/p at each kind of place."""
    return [float(-np.log2(p[kind]).mean()) for kind in kinds.values()]


def told(networks: Sequence[Network], data: Letters) -> dict[str, Any]:
    """Return what is stored of runs whose seeds are 0, 1, ..."""
    runs = []
    for network in networks:
        p, at = language.chances(network, data.validation, language.LARGE.length)
        runs.append((p, near(network, data.validation, at)))
    kinds = places(data, at)
    best = language.kneser_ney().probabilities(data.validation)[at]
    all_p = [p for p, _ in runs]

    def mean(p: Array, q: Array) -> float:
        return round(float(-np.log2((p + q) / 2).mean()), 4)

    return {
        "letters": [int(kind.sum()) for kind in kinds.values()],
        "model": [[round(b, 4) for b in bits(p, kinds)] for p in all_p],
        "near": [[round(b, 4) for b in bits(p, kinds)] for _, p in runs],
        "with Kneser-Ney": [mean(p, best) for p in all_p],
        "with another run": [
            mean(p, q) for p, q in zip(all_p, [*all_p[1:], all_p[0]], strict=True)
        ],
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ``knowing.json`` holds of the ten runs of ``language.stored()``."""
    found: dict[str, Any] = json.loads((files("backprop.book") / "knowing.json").read_text())
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
    parser = argparse.ArgumentParser(description="Ask finished runs what they know.")
    parser.add_argument("file", type=Path)
    parser.add_argument("weights", type=Path, nargs="+", help="of the seeds 0, 1, ...")
    given = parser.parse_args(arguments)
    found = told([loaded(path) for path in given.weights], letters())
    given.file.write_text(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
