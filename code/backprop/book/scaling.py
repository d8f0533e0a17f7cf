"""What the division of scores by √d changes in training, at several widths and from two starts.

The network is that of :mod:`backprop.book.lookup`, on the same task, but its queries and keys have
d entries, while its values have as many as the tokens. Its scores are divided by √d or not, and
nothing else differs between the two: the same seed draws the same parameters and sequences.

Every case was trained at each of :data:`RATES` from :data:`TUNING`, and at the best of these from
:data:`SEEDS`. What came out stands in ``scaling.json``, which ``python -m backprop.book.scaling
FILE`` writes (twelve minutes).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from functools import cache, partial
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np

from backprop.arrays import Array
from backprop.book import lookup
from backprop.layers import Dense, Layer, dot_product_attention, dot_product_attention_vjp
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential

WIDTHS = 4, 16, 64, 256
STARTS = "wide", "small"
RATES = 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0
TUNING, SEEDS = tuple(range(100, 105)), tuple(range(10))
STEPS, LONG = 300, 3000


class Case(NamedTuple):
    """What is compared: a start, a width of queries and keys, and whether scores are divided."""

    start: str
    d: int
    divided: bool

    @property
    def name(self) -> str:
        """The key of the stored outcome."""
        return f"{self.start} {self.d} {'divided' if self.divided else 'not'}"


SHRUNK = tuple(Case("shrunk", d, False) for d in WIDTHS)
"""The control: not divided, but with the same scores at the start as the divided "wide" case."""
CASES = *(Case(*of) for of in product(STARTS, WIDTHS, (True, False))), *SHRUNK
LONGER = Case("wide", 256, False)
"""The case that was also trained for :data:`LONG` steps."""


class Outcome(NamedTuple):
    """The rate that was best, and the share of right answers from each of :data:`SEEDS`."""

    rate: float
    right: Array


class WideAttention(Layer):
    """Causal attention with one head, whose queries and keys have d entries, and no biases.

    | q = x W_q,  k = x W_k,  v = x W_v
    | y = softmax(q kᵀ / √d) v, or without √d

    Shapes: x and y (batch, time, n), W_q and W_k (n, d), W_v (n, n).

    Parameters
    ----------
    rng : numpy.random.Generator
    case : Case
        From the start "wide", W_q and W_k are standard normal, so that a token with a single 1
        has queries and keys with entries of variance 1; from "small", their variance is
        2 / (n + d); from "shrunk", the two are those of "wide", divided by the fourth root of d.
        The variance of W_v is 1 / n.
    """

    name = "attention"

    def __init__(self, rng: np.random.Generator, case: Case) -> None:
        super().__init__()
        n, d = lookup.WIDTH, case.d
        deviation = {"wide": 1.0, "small": math.sqrt(2 / (n + d)), "shrunk": d**-0.25}[case.start]
        self.parameters["W_q"] = deviation * rng.normal(size=(n, d))
        self.parameters["W_k"] = deviation * rng.normal(size=(n, d))
        self.parameters["W_v"] = rng.normal(size=(n, n)) / math.sqrt(n)
        for name, value in self.parameters.items():
            self.gradients[name] = np.zeros_like(value)
        # The package's functions divide in any case.
        self.factor = 1.0 if case.divided else math.sqrt(d)

    def forward(self, x: Array) -> Array:
        """Return y, shape (batch, time, n)."""
        W_q, W_k, W_v = self.parameters.values()
        self.x, self.q, self.k, self.v = x, self.factor * (x @ W_q), x @ W_k, x @ W_v
        y, self.p = dot_product_attention(
            self.q, self.k, self.v, np.tri(x.shape[1], dtype=np.bool_)
        )
        return y

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x."""
        dq, dk, dv = dot_product_attention_vjp(self.q, self.k, self.v, self.p, dz)
        parts = self.factor * dq, dk, dv
        rows = self.x.reshape(-1, self.x.shape[-1])
        dx = np.zeros(self.x.shape, np.result_type(self.x, dz))
        for (name, W), part in zip(self.parameters.items(), parts, strict=True):
            self.gradients[name][...] = rows.T @ part.reshape(len(rows), -1)
            dx += part @ W.T
        return dx


def network(rng: np.random.Generator, case: Case) -> Sequential:
    """Return the attention of a case and a linear layer."""
    last = Dense(lookup.WIDTH, lookup.DIGITS, rng=rng)
    return Sequential([WideAttention(rng, case), lookup.Tokenwise(last)])


@cache
def _test() -> lookup.Batch:
    return lookup.draw(np.random.default_rng(10**6), 500)


def reached(case: Case, rate: float, seed: int, steps: int = STEPS) -> tuple[float, float]:
    """Train, and return the share of right answers to new questions, and the loss there."""
    trained = lookup.trained(partial(network, case=case), rate, seed, steps=steps)
    loss, _ = lookup.errors(trained, SoftmaxCrossEntropy(), _test())
    return lookup.share_right(trained, _test()), loss


def best(case: Case, rates: Sequence[float] = RATES, seeds: Sequence[int] = TUNING) -> float:
    """Return the rate with most right answers; of equals, that with the lowest loss."""

    def merit(rate: float) -> tuple[float, float]:
        right, loss = np.mean([reached(case, rate, seed) for seed in seeds], axis=0)
        return float(right), -float(loss)

    return max(rates, key=merit)


@cache
def stored() -> dict[str, Outcome]:
    """Return what ``scaling.json`` holds: an outcome for the name of each case, and "longer"."""
    text = files("backprop.book").joinpath("scaling.json").read_text(encoding="utf-8")
    return {
        name: Outcome(rate, np.array(right)) for name, (rate, right) in json.loads(text).items()
    }


def main(arguments: Sequence[str]) -> None:
    """Train everything, and write it."""
    found = {}
    for case in CASES:
        rate = best(case)
        found[case.name] = rate, [round(reached(case, rate, seed)[0], 4) for seed in SEEDS]
        if case == LONGER:
            right = [round(reached(case, rate, seed, LONG)[0], 4) for seed in SEEDS]
            found["longer"] = rate, right
        print(case.name, *found[case.name], flush=True)
    Path(arguments[0]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
