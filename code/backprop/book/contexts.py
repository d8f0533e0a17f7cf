"""What the language model needs when it may read only the last few letters, beside counts.

The chapter "A small language model" shows what is stored in ``contexts.json``, which the command

    python -m backprop.book.contexts FILE

writes in three minutes on one core, for the model that is stored beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book import language, results
from backprop.book.alice import letters
from backprop.network import Network

LENGTHS = (1, 2, 3, 4, 6, 8, 16, 32, 64)
"""Letters that the model may read."""
AT_ONCE = 4096
"""Letters read in one forward pass."""


def chances(network: Network, text: NDArray[np.int64], at: NDArray[np.int64], length: int) -> Array:
    """Return the probability of the letters at some places after only ``length`` others, (n,).

    Parameters
    ----------
    network : Network
        In use, not in training.
    text : array of int, shape (letters,)
    at : array of int, shape (n,)
        None of them below ``length``.
    length : int
    """
    if at.min() < length:
        raise ValueError(f"chances: at holds {at.min()}, expected places from {length}")
    found = []
    for part in np.array_split(at, max(1, len(at) * length // AT_ONCE)):
        z = language.scores(network, text[part[:, None] + np.arange(-length, 0)])[:, -1]
        p = softmax(z.astype(np.float64))
        found.append(p[np.arange(len(part)), text[part]])
    return np.concatenate(found)


def told(
    network: Network,
    lengths: Sequence[int],
    every: int = 1,
    show: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Return what is stored: for each length, the bits of the network alone and of a mixture.

    The mixture is with the counts of Kneser and Ney, which keep their contexts.

    Parameters
    ----------
    network : Network
    lengths : sequence of int
    every : int
        Of the letters for which ``language.asked`` asks, every so many-th.
    show : callable, optional
    """
    data, most = letters(), max(lengths)
    # So much of the text before makes the longest context whole.
    text = np.concatenate([data.train[-most:], data.validation])
    at = language.asked(data.validation, language.LARGE.length)[::every]
    counts = language.counted()["Kneser-Ney"].best.probabilities(data.validation)[at]
    found: dict[str, Any] = {"lengths": [*lengths], "network": [], "mixed": []}
    for length in lengths:
        p = chances(network, text, at + most, length)
        found["network"].append(round(float(-np.log2(p).mean()), 4))
        found["mixed"].append(round(language.crossed(language.mixed(p, counts))[1], 4))
        if show is not None:
            show(f"{length:3d} letters: {found['network'][-1]:.3f} bits")
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``contexts.json`` holds."""
    found: dict[str, Any] = results.read("contexts")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the new text with contexts of each length and write the file."""
    results.write(
        "Let the language model read fewer letters.",
        lambda: told(language.stored_model(), LENGTHS, show=print),
        arguments,
    )


if __name__ == "__main__":
    main()
