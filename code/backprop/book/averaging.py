"""What ten language models, and counting, achieve alone and together, and where they differ.

The chapter "A small language model" shows what is stored in ``averaging.json``, which the command

    python -m backprop.book.averaging FILE w0.npz w1.npz ...

writes from the weights of the runs with the seeds 0, 1, ..., as
``python -m backprop.book.language --seed 0 --weights w0.npz`` stores them.
"""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book import language, results
from backprop.book.alice import Letters, letters
from backprop.network import Network, Sequential

WORD = re.compile("[A-Za-z]+")
GROUPS = {
    "0 to 3 times": (0, 3), "4 to 99 times": (4, 99), "100 or more": (100, np.inf),
    "between words": (-1, -1),
}  # fmt: skip
"""Letters by how often their word stands in the training text; -1 is said of all others."""
SURE, PLACES, BEFORE = 1 / 3, 4, 24
"""Places are named where one gives the letter such a p or more: so many, with so many letters."""
FREQUENT = 100
"""A letter counts as frequent if it occurs so often in the training text, or more often."""


def bits(*chances: Array) -> float:
    """Return the bits per letter of the mean of several models' probabilities of what came."""
    return round(float(-np.log2(np.mean(chances, axis=0)).mean()), 4)


def often(data: Letters) -> NDArray[np.int64]:
    """Return how often the word of each letter of the new text stands in the training text.

    Capitals are taken for small letters, and -1 stands at what is part of no word.
    """
    known, text = (data.alphabet.decode(part).lower() for part in (data.train, data.validation))
    count, found = Counter(WORD.findall(known)), np.full(len(text), -1)
    for word in WORD.finditer(text):
        found[word.start() : word.end()] = count[word[0]]
    return found


def grouped(runs: Array, best: Array, times: NDArray[np.int64]) -> dict[str, Any]:
    """Return the bits of each of the :data:`GROUPS`, of networks alone, of counts and of both.

    Parameters
    ----------
    runs : array, shape (networks, n)
        The probabilities that networks gave the letters that came.
    best : array, shape (n,)
        Those of the counts.
    times : array of int, shape (n,)
        As :func:`often` returns it.
    """
    found = {}
    for name, (least, most) in GROUPS.items():
        here = (times >= least) & (times <= most)
        found[name] = {
            "share": round(float(here.mean()), 4),
            "alone": [bits(p[here]) for p in runs],
            "Kneser-Ney": bits(best[here]),
            "with Kneser-Ney": [bits(p[here], best[here]) for p in runs],
        }
    return found


def apart(
    runs: Array, best: Array, at: NDArray[np.int64], data: Letters
) -> dict[str, list[tuple[str, str, float, float]]]:
    """Return where the networks' median p and the counts' differ by the largest factors.

    Each place has what stands before, the letter that came, and the two p; the first list is that
    of the counts, which give the letters there :data:`SURE` or more, the second the networks'.
    """
    middle, text = np.median(runs, axis=0), data.alphabet.decode(data.validation)
    found = {}
    for name, high, low in (("Kneser-Ney", best, middle), ("networks", middle, best)):
        order = np.argsort(low / high)
        found[name] = [
            (text[at[k] - BEFORE : at[k]], text[at[k]], round(float(middle[k]), 4),
             round(float(best[k]), 4))
            for k in order[high[order] >= SURE][:PLACES]
        ]  # fmt: skip
    return found


def nearest(table: Array, data: Letters) -> dict[str, tuple[str, float]]:
    """Return for each frequent letter the one whose vector has the largest cosine with its own."""
    count = np.bincount(data.train, minlength=len(table))
    known = np.flatnonzero(count >= FREQUENT)
    unit = table[known] / np.linalg.norm(table[known], axis=1, keepdims=True)
    cosines = unit @ unit.T - 2 * np.eye(len(known))
    letters = [data.alphabet.characters[k] for k in known]
    return {
        letter: (letters[row.argmax()], round(float(row.max()), 2))
        for letter, row in zip(letters, cosines, strict=True)
    }


def told(networks: Sequence[Network], data: Letters) -> dict[str, Any]:
    """Return what is stored of runs whose seeds are 0, 1, ..."""
    length = language.LARGE.length
    runs = np.array([language.chances(net, data.validation, length)[0] for net in networks])
    at = language.asked(data.validation, length)
    best = language.counted()["Kneser-Ney"].best.probabilities(data.validation)[at]
    return {
        "letters": len(at),
        "alone": [bits(p) for p in runs],
        "with another run": [bits(p, q) for p, q in combinations(runs, 2)],
        "all runs": bits(*runs),
        "with Kneser-Ney": [bits(p, best) for p in runs],
        "known": [round(language.bits(net, language.known(), length), 4) for net in networks],
        "words": grouped(runs, best, often(data)[at]),
        "places": apart(runs, best, at, data),
        "nearest": [nearest(net.parameters["tied1.embedding1.W"], data) for net in networks],
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
