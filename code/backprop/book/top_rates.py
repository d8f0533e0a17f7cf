"""Digits learned in batches of two, by schedules of several shapes, each at many top rates.

Networks 64-32-10 of tanh units make a thousand updates on a thousand digits, from ten starts, each
with weights, batches and a split of the data of its own. The chapter on schedules shows what is
stored in ``top_rates.json``, which the command

    python -m backprop.book.top_rates FILE

writes in half a minute.
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
from backprop.book import many_starts, results
from backprop.datasets import load_digits
from backprop.layers import Dense, Layer, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.schedules import Constant, Cosine, Exponential, OneCycle, Schedule, StepDecay

STEPS, BATCH, EVERY = 1000, 2, 25
"""Of a run, and how many updates lie between two measurements of the test loss."""
STARTS = tuple(range(10))
TOPS = tuple(float(f"{0.02 * 2 ** (k / 2):.2g}") for k in range(13))
"""From 0.02 to 1.28, two in each doubling."""
SHAPES: dict[str, Schedule] = {
    "constant": Constant(1.0),
    "step": StepDecay(1.0, 300, 0.3),
    "exponential": Exponential(1.0, 0.01 ** (1 / STEPS)),
    "cosine": Cosine(1.0, STEPS),
    "one cycle": OneCycle(1.0, STEPS),
}
"""Their highest rate is 1."""
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


def courses(name: str, tops: Sequence[float], starts: Sequence[int] = STARTS) -> Array:
    """Train by one shape, and return the test loss after each ``EVERY`` updates, from update 0 on.

    Returns
    -------
    ndarray, shape (tops, starts, STEPS / EVERY + 1)
    """
    shape = np.array([SHAPES[name](t) for t in range(STEPS)])
    plans = np.repeat(np.outer(shape, tops), len(starts), axis=1)
    own = [start for _ in tops for start in starts]
    networks, sets = [build(start) for start in own], [digits(start)[0] for start in own]
    found = [_tested(networks, own)]
    for k, part in enumerate(np.split(plans, STEPS // EVERY)):
        with np.errstate(all="ignore"):  # a rate may be far too large
            many_starts.train(networks, sets, part, BATCH, [1000 * start + k for start in own])
        found.append(_tested(networks, own))
    return np.array(found).T.reshape(len(tops), len(starts), -1)


def _tested(networks: Sequence[Sequential], starts: Sequence[int]) -> list[float]:
    return [float(ends(n, digits(s)[2])[0]) for n, s in zip(networks, starts, strict=True)]


def told(tops: Sequence[float]) -> dict[str, Any]:
    """Return what is stored: the last losses by shape, rate and start, and the hero's courses."""
    last = {name: courses(name, tops)[:, :, -1].round(4).tolist() for name in SHAPES}
    hero = {words: courses(name, [top])[0].round(4).tolist() for words, (name, top) in HERO.items()}
    return {"last": last, "hero": hero}


@cache
def stored() -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the last losses, shape (tops, starts), and the hero's courses, (starts, times)."""
    found = results.read("top_rates")
    last, hero = (
        {words: np.array(losses) for words, losses in found[part].items()}
        for part in ("last", "hero")
    )
    return last, hero


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    parser = argparse.ArgumentParser(description="Train by schedules of several shapes.")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    given.file.write_text(json.dumps(told(TOPS)) + "\n")


if __name__ == "__main__":
    main()
