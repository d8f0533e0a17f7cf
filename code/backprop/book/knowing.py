"""Where the language model and counting win, and what the model takes from further back.

The chapter "A small language model" shows what is stored in ``knowing.json``, which the command

    python -m backprop.book.knowing FILE w0.npz w1.npz ...

writes from the weights of the runs with the seeds 0, 1, ..., as
``python -m backprop.book.language --seed 0 --weights w0.npz`` stores them. The letters of the last
tenth are sorted by what the nine before them are, which is known before the letter comes.
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
from backprop.book.alice import Alphabet, Letters, letters
from backprop.book.reading import BEGIN, NEAR
from backprop.network import Network, Sequential

MARKS = ",.;:!?"
"""Punctuation marks, after which a quotation or a line of verse may end."""
PLACES = ("space, seen", "space, new", "mark, seen", "mark, new", "other, seen", "other, new")
"""What stands before a letter, and whether the nine letters before it stood in training."""
QUOTED = "'The cause of lightning,"
"""Where a quotation may end that began more than nine letters before."""


def probability(network: Network, text: NDArray[np.int64]) -> Array:
    """Return p of every letter after the text, shape (size,)."""
    z = language.scores(network, text[None])[0, -1:]
    found: Array = softmax(z.astype(np.float64))[0]
    return found


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
        Places in ``data.validation``, each at least :data:`NEAR`.
    """
    train, text = (data.alphabet.decode(part) for part in (data.train, data.validation))
    met = {train[k : k + NEAR] for k in range(len(train) - NEAR)}
    seen = np.array([text[k - NEAR : k] in met for k in at])
    before = {
        "space": np.array([text[k - 1] in " \n" for k in at]),
        "mark": np.array([text[k - 1] in MARKS for k in at]),
    }
    before["other"] = ~(before["space"] | before["mark"])
    return {
        name: before[name.split(",")[0]] & (seen if name.endswith("seen") else ~seen)
        for name in PLACES
    }


def bits(p: Array, kinds: dict[str, NDArray[np.bool_]]) -> list[float]:
    """Return the mean of log2 1/p at each kind of place."""
    return [float(-np.log2(p[kind]).mean()) for kind in kinds.values()]


def closing(network: Network, alphabet: Alphabet) -> list[float]:
    """Return p of a closing quote after :data:`QUOTED`.

    It is read as it stands, without the opening quote, without the T after it, and from the last
    :data:`NEAR` letters alone.
    """
    (quote,) = alphabet.encode("'")
    other = QUOTED[:1] + QUOTED[2:]
    texts = BEGIN + QUOTED, BEGIN + QUOTED[1:], BEGIN + other, QUOTED[-NEAR:]
    return [float(probability(network, alphabet.encode(text))[quote]) for text in texts]


def told(networks: Sequence[Network], data: Letters) -> dict[str, Any]:
    """Return what is stored of runs whose seeds are 0, 1, ..."""
    runs = []
    for network in networks:
        p, at = language.chances(network, data.validation, language.LARGE.length)
        runs.append((p, near(network, data.validation, at), closing(network, data.alphabet)))
    kinds = places(data, at)
    best = language.kneser_ney().probabilities(data.validation)[at]
    all_p = [p for p, _, _ in runs]

    def mean(p: Array, q: Array) -> float:
        return round(float(-np.log2((p + q) / 2).mean()), 4)

    return {
        "letters": [int(kind.sum()) for kind in kinds.values()],
        "model": [[round(b, 4) for b in bits(p, kinds)] for p in all_p],
        "near": [[round(b, 4) for b in bits(p, kinds)] for _, p, _ in runs],
        "with Kneser-Ney": [mean(p, best) for p in all_p],
        "with another run": [
            mean(p, q) for p, q in zip(all_p, [*all_p[1:], all_p[0]], strict=True)
        ],
        "closing": [[round(p, 4) for p in four] for _, _, four in runs],
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
