"""Ten usual mistakes in backpropagation code, each planted in a program that is right.

The program is a 64-20-20-10 network with sigmoid, dropout, ReLU and softmax, written out by hand.
Its pieces are functions, so that a bug is one piece exchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.activations import log_softmax, relu, sigmoid, softmax
from backprop.arrays import Array
from backprop.autodiff import gradcheck
from backprop.initializers import lecun

Pieces = Mapping[str, Callable[..., Any]]
Parameters = Sequence[Array]
"""W⁽¹⁾, b⁽¹⁾, W⁽²⁾, b⁽²⁾, W⁽³⁾, b⁽³⁾."""
RATE = 0.2
"""The learning rate of every run, unless :func:`learning_rate` changes it."""
TOLERANCE = 1e-6
"""A relative error above this is a bug; rounding stays far below it, the ten bugs far above."""

RIGHT: Pieces = {
    "drop": lambda a, mask: a * mask,
    "softmax": softmax,
    "before": lambda W, dW: W,
    "through": lambda delta, W: delta @ W.T,
    "relu_slope": lambda z, a: z > 0,
    "sigmoid_slope": lambda z, a: a * (1 - a),
    "undrop": lambda delta, mask: delta * mask,
    "scale": lambda g, n: g,
    "collect": lambda old, new: new,
    "partner": lambda rng, order: order,
}
"""What each bug exchanges."""


@contextmanager
def learning_rate(rate: float) -> Iterator[None]:
    """Let all programs, and the check, work with another learning rate for a while."""
    global RATE
    usual, RATE = RATE, rate
    try:
        yield
    finally:
        RATE = usual


def softmax_over_batch(z: Array) -> Array:
    """Divide by one sum over the whole batch, as bug 5 does."""
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum())


def through_square(delta: Array, W: Array) -> Array:
    """Leave the transpose out wherever it fits, as bug 4 does."""
    return np.asarray(delta @ (W if W.shape[0] == W.shape[1] else W.T))


BUGS: dict[str, Pieces] = {
    "1 early update": {"before": lambda W, dW: W - RATE * dW},
    "2 slope given z": {"sigmoid_slope": lambda z, a: z * (1 - z)},
    "3 ReLU slope 1": {"relu_slope": lambda z, a: a >= 0},
    "4 no transpose": {"through": through_square},
    "5 softmax, batch": {"softmax": softmax_over_batch},
    "6 mean twice": {"scale": lambda g, n: g / n},
    "7 never cleared": {"collect": lambda old, new: old + new},
    "8 dropout halved": {"undrop": lambda delta, mask: delta * (mask > 0)},
    "9 in place": {"drop": lambda a, mask: np.multiply(a, mask, out=a)},
    "10 shuffled apart": {"partner": lambda rng, order: rng.permutation(order)},
}
"""By number and name, the piece that is wrong."""


def program(bug: str | None = None) -> Pieces:
    """Return the right program, or the one with this bug."""
    return {**RIGHT, **(BUGS[bug] if bug else {})}


def forward(q: Pieces, theta: Parameters, x: Array, mask: Array) -> tuple[Array, ...]:
    """z⁽ˡ⁾ and activations of the three layers; h⁽¹⁾ is a⁽¹⁾ after dropout."""
    W1, b1, W2, b2, W3, b3 = theta
    z1 = x @ W1 + b1
    a1 = sigmoid(z1)
    h1 = q["drop"](a1, mask)
    z2 = h1 @ W2 + b2
    a2 = relu(z2)
    return z1, a1, h1, z2, a2, a2 @ W3 + b3


def backward(q: Pieces, theta: Parameters, x: Array, y: Array, mask: Array) -> list[Array]:
    """The six gradients, in the order of the parameters."""
    _, _, W2, _, W3, _ = theta
    values = forward(q, theta, x, mask)
    z1, a1, h1, z2, a2, z3 = values
    delta3 = (q["softmax"](z3) - y) / len(x)
    dW3 = a2.T @ delta3
    W3 = q["before"](W3, dW3)
    da2 = q["through"](delta3, W3)
    delta2 = da2 * q["relu_slope"](z2, a2)
    dh1 = q["through"](delta2, W2)
    da1 = q["undrop"](dh1, mask)
    delta1 = da1 * q["sigmoid_slope"](z1, a1)
    dW1, db1 = x.T @ delta1, delta1.sum(axis=0)
    dW2, db2 = h1.T @ delta2, delta2.sum(axis=0)
    db3 = delta3.sum(axis=0)
    found = [dW1, db1, dW2, db2, dW3, db3]
    return [q["scale"](g, len(x)) for g in found]


def loss(theta: Parameters, x: Array, y: Array, mask: Array) -> Any:
    """The mean cross-entropy of the right program; no bug reaches it."""
    z3 = forward(RIGHT, theta, x, mask)[-1]
    return -(log_softmax(z3) * y).sum() / len(x)


def right_length(gradients: Sequence[Array], right: Sequence[Array]) -> list[Array]:
    """Keep the direction of each gradient, and give it the length of the right one."""
    found = []
    for g, r in zip(gradients, right, strict=True):
        length = np.linalg.norm(g)
        found.append(g * (np.linalg.norm(r) / length) if length else g)
    return found


def step(
    q: Pieces,
    theta: Parameters,
    x: Array,
    y: Array,
    mask: Array,
    kept: Sequence[Any],
    rescaled: bool = False,
) -> tuple[list[Array], list[Array]]:
    """Return the parameters after one update, and the gradients that were used.

    If ``rescaled``, each new gradient is as long as the right program's.
    """
    new = backward(q, theta, x, y, mask)
    if rescaled:
        new = right_length(new, backward(RIGHT, theta, x, y, mask))
    kept = [q["collect"](*pair) for pair in zip(kept, new, strict=True)]
    return [t - RATE * g for t, g in zip(theta, kept, strict=True)], kept


def start(rng: np.random.Generator, *widths: int) -> list[Array]:
    """Weights of variance 1/n_in, biases 0."""
    layers = pairwise(widths)
    return [part for i, o in layers for part in (lecun(rng, (i, o)), np.zeros(o))]


def draw_mask(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """0 or 2, each with probability ½."""
    return np.asarray(2.0 * (rng.random(shape) < 0.5))


def check(
    q: Pieces,
    seed: int,
    *,
    widths: tuple[int, int, int, int] = (4, 5, 5, 3),
    examples: int = 5,
    steps: int = 2,
    dropout: bool = True,
    lift: float = 0.0,
) -> float:
    """Compare what the last step did with the complex step; return the largest relative error.

    Parameters
    ----------
    q : mapping
        The pieces of a program.
    seed : int
        Draws data, start and masks.
    widths, examples, steps, dropout
        Of the small copy that is checked.
    lift : float
        Added to the biases before the ReLU: a large one keeps all of its units active.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(examples, widths[0]))
    y = np.eye(widths[-1])[rng.integers(widths[-1], size=examples)]
    after = start(rng, *widths)
    kept: list[Array] = [np.zeros(())] * 6
    after[3] = after[3] + lift
    for _ in range(steps):
        before = after
        shape = (examples, widths[1])
        mask = draw_mask(rng, shape) if dropout else np.ones(shape)
        after, kept = step(q, before, x, y, mask, kept)
    errors = []
    for k, old in enumerate(before):

        def changed(t: Array, k: int = k) -> Any:
            return loss([*before[:k], t, *before[k + 1 :]], x, y, mask)

        done = (old - after[k]) / RATE
        expected = gradcheck.complex_step(changed, old)
        error = gradcheck.relative_error(done, expected)
        errors.append(error.max())
    return float(max(errors))


def train(
    q: Pieces,
    seed: int,
    data: Any,
    *,
    epochs: int = 20,
    batch: int = 50,
    dropout: bool = True,
    rescaled: bool = False,
) -> tuple[list[float], Array]:
    """Train on the ten digits; return the training loss after 0, 1, … epochs, and test scores.

    The loss is that of the right program without dropout, whatever the bug. If ``rescaled``, each
    gradient is as long as the right program's.
    """
    rng = np.random.default_rng(seed)
    theta = start(rng, 64, 20, 20, 10)
    kept: list[Array] = [np.zeros(())] * 6
    x, y = data.x_train, np.eye(10)[data.y_train]
    every = np.ones((1, 20))
    losses = [float(loss(theta, x, y, every))]
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(epochs):
            rows = rng.permutation(len(x))
            partners = q["partner"](rng, rows)
            for i in range(0, len(rows), batch):
                some = slice(i, i + batch)
                shape = (len(rows[some]), 20)
                mask = draw_mask(rng, shape) if dropout else np.ones(shape)
                images, labels = x[rows[some]], y[partners[some]]
                theta, kept = step(q, theta, images, labels, mask, kept, rescaled)
            losses.append(float(loss(theta, x, y, every)))
        return losses, forward(RIGHT, theta, data.x_test, every)[-1]
