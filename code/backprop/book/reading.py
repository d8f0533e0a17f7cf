"""What a model expects at each letter of a sentence, and from which letters it knows.

The chapter "A small language model" shows what is stored in ``reading.json``, which the command
``python -m backprop.book.language --read FILE`` writes: the model that is stored beside it reads
two sentences of the text on which it was not trained.
"""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book.alice import Letters
from backprop.book.counting import Counts
from backprop.layers import Layer, RotaryAttention
from backprop.network import Sequential

BEGIN = "\n\n"
"""What stands before a paragraph, and is read first."""
SENTENCES = {
    "short": "The White Queen gave a deep sigh",
    "long": "'The cause of lightning,' Alice said very decidedly",
}
NEAR = 9
"""Letters that the model is left with where it may not look further back."""
TOP = 5
"""Letters whose probabilities are kept."""
LEVELS = 9
"""Shades of a letter: in how many steps a share is kept."""


class _Errors:
    """Watches for the error at the output of the embedding."""

    def output(self, name: str, layer: Layer, a: Array) -> None:
        """The way forward is not looked at."""

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """Keep ∂L/∂(W[x])."""
        if name.endswith("embedding1"):
            self.found = da.copy()


def expected(network: Sequential, numbers: NDArray[np.int64]) -> Array:
    """Return p of every letter after each of a text's, shape (n, size)."""
    z: Array = network.forward(numbers[None])[0]  # type: ignore[arg-type]
    return softmax(z.astype(np.float64))


def reach(network: Sequential, numbers: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return which letters a prediction comes from: by the error, and by attention.

    Returns
    -------
    errors : array, shape (n - 1, n - 1)
        Row t, column s: the size of ∂L_t/∂(the vector of letter s), where L_t is the loss of the
        prediction after letter t alone.
    weights : array, shape (blocks, n - 1, n - 1)
        Of attention in each block, the mean over its heads.
    """
    x, y = numbers[:-1], numbers[1:]
    n = len(x)
    z: Array = network.forward(np.tile(x, (n, 1)))
    dz, rows = np.zeros_like(z), np.arange(n)
    dz[rows, rows] = softmax(z[rows, rows])
    dz[rows, rows, y] -= 1
    watcher = _Errors()
    before = network.watch(watcher)
    network.backward_parameters(dz)
    network.watch(before)
    attended = [
        layer.p[-1].mean(axis=0) for _, layer in network.walk()
        if isinstance(layer, RotaryAttention)
    ]  # fmt: skip
    return np.linalg.norm(watcher.found, axis=-1), np.array(attended)


def shades(row: Array) -> str:
    """Write each share of the largest as a digit, 0 to 9."""
    return "".join(str(k) for k in np.rint(LEVELS * row / row.max()).astype(int))


def told(network: Sequential, counts: dict[str, Counts], data: Letters) -> dict[str, Any]:
    """Return what is stored: for each sentence, what each model expects, and the shades."""
    found = {}
    for name, sentence in SENTENCES.items():
        text = BEGIN + sentence
        numbers = data.alphabet.encode(text)
        first = len(BEGIN)
        near = [
            expected(network, numbers[max(0, k - NEAR) : k])[-1] for k in range(first, len(numbers))
        ]
        tables = {
            "model": expected(network, numbers[:-1])[first - 1 :],
            f"model, last {NEAR} letters": np.array(near),
        }  # fmt: skip
        for label, count in counts.items():
            after = [count.after(numbers[:k]) for k in range(first, len(numbers))]
            tables[label] = np.array(after)
        errors, weights = reach(network, numbers)
        found[name] = {
            "begin": BEGIN,
            "text": sentence,
            "models": {label: _listed(p, numbers[first:], data) for label, p in tables.items()},
            "error": [shades(errors[t, : t + 1]) for t in range(first - 1, len(errors))],
            "attention": [
                [shades(w[t, : t + 1]) for t in range(first - 1, len(errors))] for w in weights
            ],
        }
    return found


def _listed(p: Array, came: NDArray[np.int64], data: Letters) -> dict[str, Any]:
    order = np.argsort(-p, axis=1)[:, :TOP]
    return {
        "letters": [data.alphabet.decode(row) for row in order],
        "p": np.take_along_axis(p, order, axis=1).round(3).tolist(),
        "came": [float(f"{value:.3g}") for value in p[np.arange(len(p)), came]],
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ``reading.json`` holds."""
    found: dict[str, Any] = json.loads((files("backprop.book") / "reading.json").read_text())
    return found
