"""Digits learned by schedules of several shapes, each at many top rates.

The shapes are compared in small batches, and two of them in larger ones and with Adam as well.

Networks 64-32-10 of tanh units make a thousand updates on a thousand digits, from ten starts, each
with weights, batches and a split of the data of its own. The chapter on schedules shows what is
stored in ``top_rates.json``, which the command

    python -m backprop.book.top_rates FILE

writes in about ten minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book import many_starts, results
from backprop.datasets import load_digits
from backprop.layers import Dense, Layer, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.schedules import (
    Constant,
    Cosine,
    CosineWarmRestarts,
    Exponential,
    OneCycle,
    Schedule,
    StepDecay,
)

STEPS, EVERY = 1000, 25
"""Of a run, and how many updates lie between two measurements of the test loss."""
BATCH, LARGE = 2, 32
"""All shapes are tried with the one batch size, and :data:`BOTH` with the other as well."""
STARTS = tuple(range(10))
TOPS = tuple(float(f"{0.02 * 2 ** (k / 2):.2g}") for k in range(13))
"""From 0.02 to 1.28, two in each doubling."""
ADAM_TOPS = tuple(float(f"{0.0005 * 2 ** (k / 2):.2g}") for k in range(13))
"""The same for Adam, from 0.0005 to 0.032."""


def inverse(c: float) -> Schedule:
    """Return the schedule 1/(1 + t/c)."""
    return lambda t: 1 / (1 + t / c)


def exponential(end: float) -> Schedule:
    """Return the schedule that falls to ``end`` in a run, by the same factor in every step."""
    return Exponential(1.0, end ** (1 / STEPS))


def linear(steps: int) -> Schedule:
    """Return a schedule that falls from 1 to 0 in a line."""
    return lambda t: 1 - t / steps


def constant_then_decay(steps: int) -> Schedule:
    """Return a schedule that is 1, and in the last fifth of the run falls to 0 in a line."""
    return lambda t: min(1.0, (steps - t) / (steps / 5))


SHAPES: dict[str, Schedule] = {
    "constant": Constant(1.0),
    "step": StepDecay(1.0, 300, 0.3),
    "exponential": exponential(0.1),
    "1/t": inverse(300),
    "cosine": Cosine(1.0, STEPS),
    "restarts": CosineWarmRestarts(1.0, 143, 2),
    "one cycle": OneCycle(1.0, STEPS),
    "linear": linear(STEPS),
    "constant-then-decay": constant_then_decay(STEPS),
}
"""Their highest rate is 1. The restarts divide the run into 143, 286 and 571 steps. In
:data:`OTHERS` are the constants of two shapes that validation did not choose."""
OTHERS: dict[str, Schedule] = {
    **{f"1/t, {c}": inverse(c) for c in (30, 100, 1000)},
    **{f"exponential, {end:g}": exponential(end) for end in (0.3, 0.03, 0.01)},
}
"""Four constants of a shape are tried at all top rates, these and the one in :data:`SHAPES`."""
BOTH = ("constant", "cosine")
HERO = {"small": ("constant", 0.02), "large": ("constant", 0.32), "falling": ("cosine", 0.32)}
"""The runs whose whole course is stored."""
GUESSING = float(np.log(10))
"""The loss of a network that gives each digit the same probability."""


@cache
def digits(start: int) -> tuple[many_starts.Labelled, ...]:
    """Return the thousand digits on which a start is trained, those for validation and the test."""
    data = load_digits(seed=start)
    x, y = data.x_train, data.y_train
    return (x[:1000], y[:1000]), (x[1000:], y[1000:]), (data.x_test, data.y_test)


def build(start: int, hidden: int = 1, unit: type[Layer] = Tanh) -> Sequential:
    """Return a network with random weights: 64 pixels, hidden layers of 32 units, 10 scores."""
    rng, layers, width = np.random.default_rng(start), list[Layer](), 64
    for _ in range(hidden):
        layers += [Dense(width, 32, rng=rng), unit()]
        width = 32
    return Sequential([*layers, Dense(width, 10, rng=rng)])


def ends(network: Sequential, *sets: many_starts.Labelled) -> Array:
    """Return the loss on each set; one above that of guessing, or no number, counts as that."""
    entropy = SoftmaxCrossEntropy()
    with np.errstate(all="ignore"):
        found = [entropy.forward(network.forward(x), y) for x, y in sets]
    return np.fmin(found, GUESSING)


def courses(
    name: str, tops: Sequence[float], starts: Sequence[int] = STARTS, batch: int = BATCH
) -> Array:
    """Train by one shape, and return three losses after each ``EVERY`` updates, from update 0 on.

    Returns
    -------
    ndarray, shape (3, tops, starts, STEPS / EVERY + 1)
        On the digits for validation, on those for the test, and on those for training.
    """
    plans, own, networks, sets = _begun(name, tops, starts)
    found = [_tested(networks, own)]
    for k, part in enumerate(np.split(plans, STEPS // EVERY)):
        with np.errstate(all="ignore"):  # a rate may be far too large
            many_starts.train(networks, sets, part, batch, [1000 * start + k for start in own])
        found.append(_tested(networks, own))
    return np.array(found).T.reshape(3, len(tops), len(starts), -1)


def by_adam(name: str, tops: Sequence[float], starts: Sequence[int] = STARTS) -> Array:
    """Train by Adam in batches of ``BATCH``, and return the three losses at the end.

    Returns
    -------
    ndarray, shape (3, tops, starts)
        On the sets of :func:`courses`.
    """
    plans, own, networks, sets = _begun(name, tops, starts)
    many_starts.train(networks, sets, plans, BATCH, own, adam=True)
    return np.array(_tested(networks, own)).T.reshape(3, len(tops), len(starts))


def _begun(
    name: str, tops: Sequence[float], starts: Sequence[int]
) -> tuple[Array, list[int], list[Sequential], list[many_starts.Labelled]]:
    """Return, for each top rate and start, its rates, the start, a new network and its digits."""
    shape = np.array([{**SHAPES, **OTHERS}[name](t) for t in range(STEPS)])
    own = [start for _ in tops for start in starts]
    plans = np.repeat(np.outer(shape, tops), len(starts), axis=1)
    return plans, own, [build(start) for start in own], [digits(start)[0] for start in own]


def _tested(networks: Sequence[Sequential], starts: Sequence[int]) -> list[Array]:
    """Return the losses on the digits for validation, for the test and for training."""
    sets = (digits(start) for start in starts)
    return [ends(n, *others, own) for n, (own, *others) in zip(networks, sets, strict=True)]


class Stored(NamedTuple):
    """Losses after the last update by shape, (three sets, tops, starts), and the hero's.

    The sets are those of :func:`courses`. ``others`` is like ``last``, for :data:`OTHERS`.
    ``large`` holds the losses of :data:`BOTH` with batches of ``LARGE``, ``adam`` those with Adam
    at :data:`ADAM_TOPS`, and ``hero`` the whole courses by the words of :data:`HERO`, (two sets,
    starts, times), of the test loss and the training loss.
    """

    last: dict[str, Array]
    others: dict[str, Array]
    large: dict[str, Array]
    adam: dict[str, Array]
    hero: dict[str, Array]


def chosen(losses: Array) -> int:
    """Return the place of the top rate with the least median loss on the digits for validation.

    Parameters
    ----------
    losses : array, shape (at least 2, tops, starts)
        On the digits for validation, and on those for the test.
    """
    return int(np.median(losses[0], axis=1).argmin())


def at_best(losses: Array) -> Array:
    """Return the test losses of the starts, shape (starts,), at the :func:`chosen` top rate."""
    return np.asarray(losses[1, chosen(losses)])


def told(tops: Sequence[float], adam_tops: Sequence[float]) -> dict[str, Any]:
    """Return what is stored: see :class:`Stored`."""
    return {
        "last": {name: courses(name, tops)[..., -1].round(4).tolist() for name in SHAPES},
        "others": {name: courses(name, tops)[..., -1].round(4).tolist() for name in OTHERS},
        "large": {
            name: courses(name, tops, batch=LARGE)[..., -1].round(4).tolist() for name in BOTH
        },
        "adam": {name: by_adam(name, adam_tops).round(4).tolist() for name in BOTH},
        "hero": {
            words: courses(name, [top])[1:, 0].round(4).tolist()
            for words, (name, top) in HERO.items()
        },
    }


@cache
def stored() -> Stored:
    """Return what ``top_rates.json`` holds."""
    found = results.read("top_rates")
    parts = ({words: np.array(runs) for words, runs in found[p].items()} for p in Stored._fields)
    return Stored(*parts)


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    results.write("Train by schedules of several shapes.", lambda: told(TOPS, ADAM_TOPS), arguments)


if __name__ == "__main__":
    main()
