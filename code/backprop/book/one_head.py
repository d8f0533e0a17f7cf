"""One head that is asked for two digits: trained for longer, and with a hidden layer behind it.

Ten networks with one head and a linear layer, trained as on the page
(:func:`lookup.trained_for_two`), take further steps at a smaller rate. Ten more have a hidden layer
between the two. The chapter on heads and masks shows what is stored in ``one_head.json``, which the
command

    python -m backprop.book.one_head FILE

writes in half a minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from backprop.activations import softmax
from backprop.book import lookup, results
from backprop.network import Sequential

SEEDS = 10
MORE, RATE = 4000, 0.005
"""The further steps, and their rate."""
UNITS, UNITS_RATE = 64, 0.01
"""The ReLU units of the hidden layer, and the rate with which its networks learn.

Both were chosen by what the networks found: at the rate 0.03 of the others, they named both digits
in 41 to 91 % of 2,000 questions, and 24 units in 59 to 100 % at the rate 0.01.
"""
QUESTIONS, TEST = 2000, 10**6 + 1
"""The questions, and the seed that draws them: others than those by which units were chosen."""


def seen(network: Sequential) -> dict[str, float]:
    """Return what :func:`lookup.named` finds on new questions."""
    return lookup.named(network, *lookup.ask_two(np.random.default_rng(TEST), QUESTIONS))


def fixed(heavier: float, lighter: float, steps: int = 2000) -> dict[str, float]:
    """Return what :func:`lookup.named` finds if a head's weights on both letters are always these.

    The mean is then known without a network, so only the linear layer is fitted: by gradient
    descent with momentum on the cross-entropy of all pairs of digits, which is convex.
    """
    n = lookup.DIGITS
    pairs = np.indices((n, n)).reshape(2, -1)
    digits = np.eye(n)[pairs]
    means = np.tensordot((heavier, lighter), digits, axes=1)
    x = np.hstack([means, np.ones((len(means), 1))])
    W, step = np.zeros((2, n + 1, n)), np.zeros((2, n + 1, n))
    for _ in range(steps):
        step = 0.9 * step - 0.5 * x.T @ (softmax(x @ W) - digits) / len(x)
        W += step
    return lookup.tallied((x @ W).argmax(axis=2).T, pairs.T)


def longer(seed: int, steps: int = MORE) -> dict[str, float]:
    """Return what is :func:`seen` of a network after so many further steps."""
    network = lookup.trained_for_two(1, seed)
    lookup.train_last(network, lookup.ask_two, np.random.default_rng([seed, 1]), steps, RATE)
    return seen(network)


def hidden(seed: int, steps: int = 300) -> dict[str, float]:
    """Return what is :func:`seen` of a network with a hidden layer after so many steps."""
    return seen(lookup.trained_for_two(1, seed, steps, hidden=UNITS, rate=UNITS_RATE))


def told(
    seeds: int, steps: int = MORE, hidden_steps: int = 300
) -> dict[str, list[dict[str, float]]]:
    """Return what is stored: :func:`longer` and :func:`hidden` for each seed."""
    return {
        "longer": [_rounded(longer(seed, steps)) for seed in range(seeds)],
        "hidden": [_rounded(hidden(seed, hidden_steps)) for seed in range(seeds)],
    }


def _rounded(found: dict[str, float]) -> dict[str, float]:
    return {name: round(number, 3) for name, number in found.items()}


@cache
def stored() -> dict[str, list[dict[str, float]]]:
    """Return what ``one_head.json`` holds."""
    found: dict[str, list[dict[str, float]]] = results.read("one_head")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    results.write("Train networks with one head for longer.", lambda: told(SEEDS), arguments)


if __name__ == "__main__":
    main()
