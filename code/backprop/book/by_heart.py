"""A hundred digits, some of their labels wrong: what a network learns by heart, and what keeps it.

What the chapter "Dropout and weight decay" measures. Every run takes as many updates, whatever its
recipe is, so that a remedy's control differs in the remedy alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, Labels
from backprop.book.folds import shifted
from backprop.datasets import load_digits
from backprop.layers import Dense, Dropout, ReLU
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import AdamW, matrices

DIGITS, SPOILT = 100, 20
"""How many digits there are to train, as many to validate, and how many wrong labels each has."""
UPDATES, EVERY, BATCH = 320, 20, 25
"""Steps of a run, how often it is looked at, and the digits of a step."""
STRENGTHS: dict[str, tuple[float, ...]] = {
    "dropout": (0.5, 0.8, 0.9),
    "decay": (1.0, 3.0, 10.0),
    "shift": (0.5, 1.0, 1.5),
}
"""What each remedy may choose from, by the validation loss."""


@dataclass(frozen=True)
class Few:
    """Digits to train, to validate and to test; ``wrong`` tells whose training label is wrong."""

    x: Array
    y: Labels
    wrong: NDArray[np.bool_]
    validation: tuple[Array, Labels]
    test: tuple[Array, Labels]


@dataclass(frozen=True)
class Recipe:
    """The rate of dropout, λ of AdamW, and by how many pixels eight copies are moved."""

    dropout: float = 0.0
    decay: float = 0.0
    shift: float = 0.0


TOGETHER = Recipe(0.2, 0.3, 0.25), Recipe(0.5, 1.0, 0.5), Recipe(0.8, 3.0, 1.0)
"""All three at once: weak, middling and strong."""


@dataclass(frozen=True)
class Run:
    """What was seen of a network before the first update and after every ``EVERY``.

    Attributes
    ----------
    right, wrong, new : array, shape (looks,)
        Shares: of the right labels reproduced, of the wrong ones, and of test digits read rightly.
    validation : array, shape (looks,)
        The loss on the digits that validate, whose labels are as unreliable.
    network : Sequential
        As it was at the end.
    """

    right: Array
    wrong: Array
    new: Array
    validation: Array
    network: Sequential

    @property
    def accuracy(self) -> float:
        """On the test digits, at the end."""
        return float(self.new[-1])

    @property
    def stopped(self) -> float:
        """On the test digits, where the validation loss was least."""
        return float(self.new[self.validation.argmin()])

    def frozen(self, kind: str) -> Array:
        """Return one of the shares as it stays if training ends at the least validation loss."""
        last = self.validation.argmin()
        return np.asarray(getattr(self, kind)[np.minimum(np.arange(len(self.new)), last)])


@cache
def few(seed: int, spoilt: int = SPOILT) -> Few:
    """Return a split of the digits, of which ``spoilt`` a hundred get another label at random."""
    digits, rng = load_digits(seed=seed), np.random.default_rng(seed)
    x, true = digits.x_train[: 2 * DIGITS], digits.y_train[: 2 * DIGITS]
    y = true.copy()
    for first in (0, DIGITS):
        rows = first + rng.permutation(DIGITS)[:spoilt]
        y[rows] = (y[rows] + rng.integers(1, 10, spoilt)) % 10
    return Few(
        x[:DIGITS], y[:DIGITS], (y != true)[:DIGITS],
        (x[DIGITS:], y[DIGITS:]), (digits.x_test, digits.y_test),
    )  # fmt: skip


@cache
def run(recipe: Recipe, seed: int, spoilt: int = SPOILT) -> Run:
    """Train a network 64-100-10 with ReLU by AdamW at the rate 0.003, and watch it."""
    data, rng, loss = few(seed, spoilt), np.random.default_rng(seed), SoftmaxCrossEntropy()
    x, y = data.x, data.y
    if recipe.shift:
        x, y = shifted(x, recipe.shift), np.tile(y, 9)
    network = Sequential(
        [Dense(64, 100, rng=rng), ReLU(), Dropout(recipe.dropout, rng=rng), Dense(100, 10, rng=rng)]
    )
    optimizer = AdamW(network, 0.003, weight_decay=recipe.decay, decayed=matrices(network))
    network.train(False)
    seen = [_look(network, data)]
    for step in range(1, UPDATES + 1):
        network.train(True)
        batch = rng.choice(len(x), BATCH, replace=False)
        loss.forward(network.forward(x[batch]), y[batch])
        network.backward_parameters(loss.backward())
        optimizer.step()
        network.train(False)
        if step % EVERY == 0:
            seen.append(_look(network, data))
    right, wrong, new, validation = np.array(seen).T
    return Run(right, wrong, new, validation, network)


def _look(network: Sequential, data: Few) -> tuple[Any, ...]:
    learned = network.forward(data.x).argmax(axis=1) == data.y
    read = network.forward(data.test[0]).argmax(axis=1) == data.test[1]
    loss = SoftmaxCrossEntropy().forward(network.forward(data.validation[0]), data.validation[1])
    wrong = learned[data.wrong].mean() if data.wrong.any() else 0.0
    return learned[~data.wrong].mean(), wrong, read.mean(), loss


def best(recipes: Sequence[Recipe], seed: int, spoilt: int = SPOILT) -> Recipe:
    """Return the recipe that ends with the least validation loss."""
    return min(recipes, key=lambda recipe: run(recipe, seed, spoilt).validation[-1])


def chosen(remedy: str, seed: int, spoilt: int = SPOILT) -> Recipe:
    """Return the best recipe with one remedy alone, of three."""
    recipes = [replace(Recipe(), **{remedy: strength}) for strength in STRENGTHS[remedy]]
    return best(recipes, seed, spoilt)
