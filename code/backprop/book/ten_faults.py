"""What the article's listing does with any subset of its ten faults.

The chapter "Ten faults, one error message" shows what is stored in ``ten_faults.json``, which the
command

    python -m backprop.book.ten_faults FILE

writes in three minutes on one core. Of the 1,024 subsets, half stop at the first update. Two faults
change only what is kept or printed, so 128 programs are trained.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import compress, product
from typing import Any, NamedTuple

import numpy as np

from backprop.activations import sigmoid
from backprop.arrays import Array, Labels
from backprop.autodiff import gradcheck
from backprop.book import results
from backprop.datasets import load_digits
from backprop.training import accuracy

FIXES = (
    "chain rule", "keep loss", "sigmoid", "sign", "mean", "start", "digits", "one-hot", "score",
    "biases",
)  # fmt: skip
"""What mends each fault, the first one's first."""
STOPS, DROPPED, LINEAR, SIGN, SUM, LARGE, COINS, TWICE, SCORE, BIASES = range(1, 11)
"""The faults by their numbers."""
TRAINED = (LINEAR, SIGN, SUM, LARGE, COINS, TWICE, BIASES)
"""On these a training run depends: the loss that is dropped and the score are read beside it."""
STARTS, DRAWS = 10, 20
"""How often a program is trained, and how often its compass is read."""
TRAINING = 90
"""How many of the 360 digits a program trains on; the others are its new images."""
UPDATES, RATE = 100, 0.1
KEPT = (*range(0, UPDATES, 10), UPDATES - 1)
"""The updates before which the loss is stored."""
OVER = 1_000_000
"""In thousandths: a median loss above this is stored as this."""

Faults = frozenset[int]
Weights = tuple[Array, Array]


class Data(NamedTuple):
    """Images and labels, for the training and new ones; labels of shape (n, 1)."""

    x: Array
    y: Labels
    x_new: Array
    y_new: Labels


@cache
def zeros_and_ones() -> tuple[Array, Labels]:
    """Return all zeros and ones, 28 by 28, and their labels in a column."""
    found = load_digits(classes=(0, 1), size=28)
    labels = np.concatenate([found.y_train, found.y_test])
    return np.vstack([found.x_train, found.x_test]), labels[:, None]


def real_digits(rng: np.random.Generator) -> Data:
    """Return the zeros and ones in a random split."""
    x, labels = zeros_and_ones()
    order = rng.permutation(len(x))
    own, new = order[:TRAINING], order[TRAINING:]
    return Data(x[own], labels[own], x[new], labels[new])


def coins(rng: np.random.Generator, n: int = 200, n_new: int = 100) -> Data:
    """Return noise, and the toss of a coin as the label of each image."""
    drawn = [(rng.normal(size=(k, 784)), rng.integers(2, size=(k, 1))) for k in (n, n_new)]
    return Data(*drawn[0], *drawn[1])


def data(faults: Faults, rng: np.random.Generator) -> Data:
    """Return the digits in a random split, or noise with a coin for each label."""
    return coins(rng) if COINS in faults else real_digits(rng)


def start(faults: Faults, rng: np.random.Generator, n_in: int, n_hidden: int) -> Weights:
    """Return the weights before training, with a row of zeros for the biases."""
    W1, W2 = rng.normal(size=(n_in, n_hidden)), rng.normal(size=(n_hidden, 2))
    if LARGE not in faults:
        W1, W2 = W1 / np.sqrt(n_in), W2 / np.sqrt(n_hidden)
    if BIASES not in faults:
        W1, W2 = (np.vstack([W, np.zeros((1, W.shape[1]))]) for W in (W1, W2))
    return W1, W2


def _inputs(faults: Faults, a: Array) -> Array:
    """Return what a layer multiplies with its weights: with biases, a column of ones is added."""
    return a if BIASES in faults else np.hstack([a, np.ones((len(a), 1))])


def forward(faults: Faults, x: Array, W: Weights) -> tuple[Array, Array]:
    """Return the hidden values and the outputs."""
    a1 = sigmoid(_inputs(faults, x) @ W[0])
    z = _inputs(faults, a1) @ W[1]
    return a1, z if LINEAR in faults else sigmoid(z)


def target(faults: Faults, y: Labels) -> Array:
    """Return one-hot rows, or the column of labels, which NumPy then writes twice."""
    return y.astype(float) if TWICE in faults else np.eye(2)[y[:, 0]]


def backward(
    faults: Faults, x: Array, t: Array, a1: Array, p: Array, W2: Array
) -> tuple[Array, Array]:
    """Return the program's gradients of both matrices, right or wrong."""
    if STOPS in faults:
        return (t - p) * p * (1 - p), p * (1 - p)
    delta2 = ((t - p) if SIGN in faults else (p - t)) * p * (1 - p)
    if SUM not in faults:
        delta2 = delta2 / len(x)
    back = W2 if BIASES in faults else W2[:-1]
    delta1 = (delta2 @ back.T) * a1 * (1 - a1)
    return _inputs(faults, x).T @ delta1, _inputs(faults, a1).T @ delta2


class Run(NamedTuple):
    """What a training run shows: losses, and the shares of right answers.

    Attributes
    ----------
    losses : array
        Before each update.
    listing : float
        The score of the listing, on new images.
    new, own : float
        How many of the new images, and of its training images, the program has right.
    """

    losses: Array
    listing: float
    new: float
    own: float


def run(faults: Faults, seed: int) -> Run:
    """Train the program that has these faults.

    Raises
    ------
    ValueError
        If it stops, as NumPy says it.
    """
    rng = np.random.default_rng(seed)
    given = data(faults, rng)
    W, t, losses = start(faults, rng, 784, 100), target(faults, given.y), []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(UPDATES):
            a1, p = forward(faults, given.x, W)
            losses.append(np.mean((p - t) ** 2))
            dW = backward(faults, given.x, t, a1, p, W[1])
            W = W[0] - RATE * dW[0], W[1] - RATE * dW[1]
        p, p_new = (forward(faults, x, W)[1] for x in (given.x, given.x_new))
    listing = float(np.mean(given.y_new == (p_new > 0.5)))
    scores = accuracy(p_new, given.y_new[:, 0]), accuracy(p, given.y[:, 0])
    return Run(np.array(losses), listing, *scores)


def read(claimed: Array, judged: Array) -> tuple[float, float]:
    """Return the cosine of the angle between two gradients, and the ratio of their lengths."""
    lengths = np.linalg.norm(claimed), np.linalg.norm(judged)
    cosine = np.vdot(claimed, judged) / (lengths[0] * lengths[1])
    return float(cosine), float(lengths[0] / lengths[1])


def compass(faults: Faults, seed: int, n: int = 5) -> list[tuple[float, float]]:
    """Read both gradients of a small copy of the program, for n examples, by the complex step."""
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(n, 6)), rng.integers(2, size=(n, 1))
    W, t = start(faults, rng, 6, 4), target(faults, y)

    def loss(W1: Array, W2: Array) -> Any:
        return np.mean((forward(faults, x, (W1, W2))[1] - t) ** 2)

    a1, p = forward(faults, x, W)
    judged = (
        gradcheck.complex_step(lambda W1: loss(W1, W[1]), W[0]),
        gradcheck.complex_step(lambda W2: loss(W[0], W2), W[1]),
    )
    return [read(*pair) for pair in zip(backward(faults, x, t, a1, p, W[1]), judged, strict=True)]


def subsets() -> Iterator[Faults]:
    """Yield the subsets of the faults on which a run depends, in the order of the stored rows."""
    for left_in in product((False, True), repeat=len(TRAINED)):
        yield frozenset(compress(TRAINED, left_in))


def _thousandths(losses: Array) -> list[int | None]:
    """Round the medians of several runs; what is not finite becomes None."""
    middle = np.median(np.nan_to_num(losses, nan=np.inf), axis=0)
    return [min(round(1000 * v), OVER) if np.isfinite(v) else None for v in middle.tolist()]


def _row(faults: Faults, starts: int) -> dict[str, Any]:
    """Return whole numbers: thousandths of losses, and hundredths of what else is measured."""
    runs = [run(faults, seed) for seed in range(starts)]
    readings = np.array([compass(faults, seed) for seed in range(DRAWS)]).reshape(-1, 2)
    ends = [readings[:, 0].min(), readings[:, 0].max(), readings[:, 1].min(), readings[:, 1].max()]
    row = {score: [round(100 * getattr(r, score)) for r in runs] for score in Run._fields[1:]}
    return row | {
        "losses": _thousandths(np.array([r.losses for r in runs])[:, KEPT]),
        "compass": [round(100 * end) for end in ends],
    }


def told(starts: int, show: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Return what is stored: the settings, and for each measurement a row for each subset."""
    found: dict[str, Any] = {"settings": {"starts": starts, "updates": UPDATES, "rate": RATE}}
    for faults in subsets():
        row = _row(faults, starts)
        if show is not None:
            show(f"{sorted(faults)}: {row}")
        for name, values in row.items():
            found.setdefault(name, []).append(values)
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``ten_faults.json`` holds."""
    found: dict[str, Any] = results.read("ten_faults")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all programs and write the file."""
    results.write(
        "Leave any of the ten faults in the listing.",
        lambda: told(STARTS, print),
        arguments,
        separators=(",", ":"),
    )


if __name__ == "__main__":
    main()
