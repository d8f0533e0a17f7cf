"""Whether the start or the missing division makes networks fail that do not divide by √d.

The network is that of :mod:`backprop.book.lookup`, on the same task, but its queries and keys have
d entries, while its values have as many as the tokens. Its scores are divided by √d or not, and at
the start they spread much, moderately or hardly. Where a network divides, its W_q and W_k start
d^¼ times as large. So the two networks of a pair have the same scores before the first step, and
nothing else differs between them than how far a step moves the scores.

Every case was trained at each of :data:`RATES` from :data:`TUNING`, and at the best of these from
:data:`SEEDS`. What came out stands in ``scaling.json``, which ``python -m backprop.book.scaling
FILE`` writes (eight minutes).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax, softmax_vjp
from backprop.arrays import Array
from backprop.book import lookup, results
from backprop.layers import Dense, Layer
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential

WIDTHS = 64, 256
STARTS = "wide", "even", "small"
RATES = 0.003, 0.01, 0.03, 0.1, 0.3
TUNING, SEEDS = tuple(range(100, 110)), tuple(range(10))
STEPS = 300
SURE = 0.9
"""A question is sure of a token to which it gives a larger weight than this."""


class Case(NamedTuple):
    """What is compared: how scores start, the width of queries and keys, and the division.

    From the start "wide", the scores of tokens with a single 1 have the standard deviation √d,
    from "even" 1, and from "small" 2 √d / (n + d), as if W_q and W_k were undivided and had the
    variance 2 / (n + d).
    """

    start: str
    d: int
    divided: bool

    @property
    def name(self) -> str:
        """The key of the stored outcome."""
        return f"{self.start} {self.d} {'divided' if self.divided else 'not'}"

    @property
    def deviation(self) -> float:
        """The standard deviation of the entries of W_q and W_k at the start."""
        undivided: float = {
            "wide": 1.0,
            "even": self.d**-0.25,
            "small": math.sqrt(2 / (lookup.WIDTH + self.d)),
        }[self.start]
        return undivided * (self.d**0.25 if self.divided else 1.0)


CASES = tuple(Case(*of) for of in product(STARTS, WIDTHS, (False, True)))


class Run(NamedTuple):
    """What one network does with the questions of the test.

    Attributes
    ----------
    right : float
        The share that it answers rightly in the end.
    sure : float
        The share that was sure of a wrong token before the first step.
    stuck : float
        The share of these that is answered wrongly in the end; 0 if there are none.
    rest : float
        The share of the others that is answered wrongly in the end.
    """

    right: float
    sure: float
    stuck: float
    rest: float


class Outcome(NamedTuple):
    """The share of right answers at each of :data:`RATES`, the best rate, and a run per seed."""

    tuned: Array
    rate: float
    runs: Array
    """Shape (seeds, 4), the columns as in :class:`Run`."""

    @property
    def right(self) -> Array:
        """The share of right answers from each of :data:`SEEDS`."""
        return self.runs[:, 0]


class WideAttention(Layer):
    """Causal attention with one head, whose queries and keys have d entries, and no biases.

    | q = x W_q,  k = x W_k,  v = x W_v
    | y = softmax(q kᵀ / √d) v, or without √d

    Scores are computed as x M xᵀ, M being W_q W_kᵀ / √d, or without √d.

    Shapes: x and y (batch, time, n), W_q and W_k (n, d), W_v (n, n).

    Parameters
    ----------
    rng : numpy.random.Generator
    case : Case
        The standard deviation of W_q and W_k, which are normal. The variance of W_v is 1 / n.
    """

    name = "attention"

    def __init__(self, rng: np.random.Generator, case: Case) -> None:
        super().__init__()
        n, d = lookup.WIDTH, case.d
        self.parameters["W_q"] = case.deviation * rng.normal(size=(n, d))
        self.parameters["W_k"] = case.deviation * rng.normal(size=(n, d))
        self.parameters["W_v"] = rng.normal(size=(n, n)) / math.sqrt(n)
        for name, value in self.parameters.items():
            self.gradients[name] = np.zeros_like(value)
        self.scale = 1 / math.sqrt(d) if case.divided else 1.0

    def forward(self, x: Array) -> Array:
        """Return y, shape (batch, time, n)."""
        W_q, W_k, W_v = self.parameters.values()
        # Tokens are narrower than queries and keys, which nothing else needs.
        self.M = self.scale * (W_q @ W_k.T)
        self.x, self.v = x, x @ W_v
        s = (x @ self.M) @ x.swapaxes(1, 2)
        s[:, ~np.tri(x.shape[1], dtype=np.bool_)] = -np.inf
        self.p = softmax(s)
        return np.asarray(self.p @ self.v)

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x."""
        ds, dv = self._errors(dz)
        back = self.x @ self.M.T
        dx = ds @ back + ds.swapaxes(1, 2) @ (self.x @ self.M)
        return np.asarray(dx + dv @ self.parameters["W_v"].T)

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``."""
        self._errors(dz)

    def _errors(self, dy: Array) -> tuple[Array, Array]:
        W_q, W_k, _ = self.parameters.values()
        n = lookup.WIDTH
        dv = self.p.swapaxes(1, 2) @ dy
        dp = dy @ self.v.swapaxes(1, 2)
        ds = softmax_vjp(self.p, dp)
        rows = self.x.reshape(-1, n)
        dM = rows.T @ (ds @ self.x).reshape(-1, n) * self.scale
        self.gradients["W_q"][...] = dM @ W_k
        self.gradients["W_k"][...] = dM.T @ W_q
        self.gradients["W_v"][...] = rows.T @ dv.reshape(-1, n)
        return ds, dv


def network(rng: np.random.Generator, case: Case) -> Sequential:
    """Return the attention of a case and a linear layer."""
    last = Dense(lookup.WIDTH, lookup.DIGITS, rng=rng)
    return Sequential([WideAttention(rng, case), lookup.Tokenwise(last)])


@cache
def _test() -> lookup.Batch:
    return lookup.draw(np.random.default_rng(10**6), 500)


def _looks(trained: Sequential) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which questions are answered rightly, and which are sure of a wrong token."""
    test = _test()
    z = trained.forward(test.x)[test.asked]
    rows, places = np.nonzero(test.asked)
    (attends, *_) = trained.layers
    assert isinstance(attends, WideAttention)
    p = attends.p[rows, places]
    wrong = (p.max(axis=1) > SURE) & (p.argmax(axis=1) != test.told)
    return z.argmax(axis=1) == test.y, wrong


def reached(case: Case, rate: float, seed: int, steps: int = STEPS) -> tuple[Run, float]:
    """Train, and return what the network does with new questions, and the loss there."""
    _, sure = _looks(network(np.random.default_rng(seed), case))
    trained = lookup.trained(partial(network, case=case), rate, seed, steps=steps)
    right, _ = _looks(trained)
    loss, _ = lookup.errors(trained, SoftmaxCrossEntropy(), _test())
    shares = (
        right.mean(),
        sure.mean(),
        (~right & sure).sum() / max(1, sure.sum()),
        (~right & ~sure).sum() / max(1, (~sure).sum()),
    )
    return Run(*map(float, shares)), loss


def tuned(case: Case, seeds: Sequence[int] = TUNING) -> tuple[list[float], float]:
    """Return the share of right answers at each rate, and the best rate.

    Of rates with equally many right answers, that with the lowest loss is the best.
    """
    merits = []
    for rate in RATES:
        found = [reached(case, rate, seed) for seed in seeds]
        right, loss = (np.mean(of) for of in ([run.right for run, _ in found],
                                              [loss for _, loss in found]))  # fmt: skip
        merits.append((float(right), -float(loss)))
    return [right for right, _ in merits], RATES[merits.index(max(merits))]


@cache
def stored() -> dict[str, Outcome]:
    """Return what ``scaling.json`` holds: an outcome for the name of each case."""
    return {
        name: Outcome(np.array(of["tuned"]), of["rate"], np.array(of["runs"]))
        for name, of in results.read("scaling").items()
    }


def main(arguments: Sequence[str]) -> None:
    """Train everything, and write it."""
    found = {}
    for case in CASES:
        shares, rate = tuned(case)
        runs = [[round(share, 4) for share in reached(case, rate, seed)[0]] for seed in SEEDS]
        found[case.name] = {"tuned": [round(s, 4) for s in shares], "rate": rate, "runs": runs}
        print(case.name, *found[case.name].values(), flush=True)
    Path(arguments[0]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
