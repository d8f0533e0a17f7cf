"""What a model expects at each letter of a sentence.

The chapter "A small language model" shows what is stored in ``reading.json``, which the command
``python -m backprop.book.language --read FILE`` writes: the model that is stored beside it reads
a sentence of the text on which it was not trained.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book import results
from backprop.book.alice import Letters
from backprop.book.counting import Counting
from backprop.network import Sequential

SENTENCE = "The White Queen gave a deep sigh"
"""Where it begins, the model has read as many letters before it as the sentence has."""
TOP = 1
"""Letters whose probabilities are kept, the likeliest first."""


def expected(network: Sequential, numbers: NDArray[np.int64]) -> Array:
    """Return p of every letter after each of a text's, shape (n, size)."""
    z: Array = network.forward(numbers[None])[0]  # type: ignore[arg-type]
    return softmax(z.astype(np.float64))


def told(network: Sequential, data: Letters, counts: Counting) -> dict[str, Any]:
    """Return what is stored: the sentence, what is read before it, and what is expected there.

    What the counts gave to each of its letters is in it, too.
    """
    text, n = data.alphabet.decode(data.validation), len(SENTENCE)
    start = text.index(SENTENCE)
    numbers = data.validation[start - n : start + n]
    p, came = expected(network, numbers[:-1])[n - 1 :], numbers[n:]
    order = np.argsort(-p, axis=1)[:, :TOP]
    counted = counts.probabilities(data.validation)[start : start + n]
    return {
        "before": text[start - n : start],
        "text": SENTENCE,
        "letters": [data.alphabet.decode(row) for row in order],
        "p": np.take_along_axis(p, order, axis=1).round(3).tolist(),
        "came": [float(f"{value:.3g}") for value in p[np.arange(n), came]],
        "counted": [float(f"{value:.3g}") for value in counted],
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ``reading.json`` holds."""
    found: dict[str, Any] = results.read("reading")
    return found
