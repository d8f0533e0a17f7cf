"""Ten usual mistakes in backpropagation code, each planted in a program that is right.

The program is a 64-20-20-10 network with sigmoid, dropout, ReLU and softmax, written out by hand.
Its pieces are functions, so that a bug is one piece exchanged. Every array may have a leading axis
of runs, so that ten runs are trained as one stack of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    "through": lambda delta, W: delta @ W.mT,
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
    e = np.exp(z - z.max(axis=(-2, -1), keepdims=True))
    return np.asarray(e / e.sum(axis=(-2, -1), keepdims=True))


def through_square(delta: Array, W: Array) -> Array:
    """Leave the transpose out wherever it fits, as bug 4 does."""
    return np.asarray(delta @ (W if W.shape[-2] == W.shape[-1] else W.mT))


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
    W1, b1, W2, b2, W3, b3 = (t if k % 2 == 0 else t[..., None, :] for k, t in enumerate(theta))
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
    B = x.shape[-2]
    delta3 = (q["softmax"](z3) - y) / B
    dW3 = a2.mT @ delta3
    W3 = q["before"](W3, dW3)
    da2 = q["through"](delta3, W3)
    delta2 = da2 * q["relu_slope"](z2, a2)
    dh1 = q["through"](delta2, W2)
    da1 = q["undrop"](dh1, mask)
    delta1 = da1 * q["sigmoid_slope"](z1, a1)
    dW1, db1 = x.mT @ delta1, delta1.sum(axis=-2)
    dW2, db2 = h1.mT @ delta2, delta2.sum(axis=-2)
    db3 = delta3.sum(axis=-2)
    found = [dW1, db1, dW2, db2, dW3, db3]
    return [q["scale"](g, B) for g in found]


def loss(theta: Parameters, x: Array, y: Array, mask: Array) -> Any:
    """The mean cross-entropy of the right program, one per run; no bug reaches it."""
    z3 = forward(RIGHT, theta, x, mask)[-1]
    return -(log_softmax(z3) * y).sum(axis=(-2, -1)) / x.shape[-2]


def right_length(
    gradients: Sequence[Array], right: Sequence[Array], stacked: int = 0
) -> list[Array]:
    """Keep the direction of each gradient, and give it the length of the right one.

    The first ``stacked`` axes of every array are those of the runs, which are scaled one by one.
    """
    found = []
    for g, r in zip(gradients, right, strict=True):
        axes = tuple(range(stacked, g.ndim))
        old, new = (np.sqrt((a**2).sum(axis=axes, keepdims=True)) for a in (g, r))
        found.append(g * np.divide(new, old, out=np.ones_like(old), where=old != 0))
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
        new = right_length(new, backward(RIGHT, theta, x, y, mask), theta[1].ndim - 1)
    kept = [q["collect"](*pair) for pair in zip(kept, new, strict=True)]
    return [t - RATE * g for t, g in zip(theta, kept, strict=True)], kept


def start(rng: np.random.Generator, *widths: int) -> list[Array]:
    """Weights of variance 1/n_in, biases 0."""
    layers = pairwise(widths)
    return [part for i, o in layers for part in (lecun(rng, (i, o)), np.zeros(o))]


def draw_mask(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """0 or 2, each with probability ½."""
    return np.asarray(2.0 * (rng.random(shape) < 0.5))


def complex_steps(losses: Callable[[Array], Array], at: Array) -> Array:
    """The derivative by each entry of ``at``, by the complex step.

    As :func:`gradcheck.complex_step`, but the steps are one stack, for which ``losses`` returns one
    loss each, so that the forward pass is called only once.
    """
    h = 1e-30
    moved = at + 1j * h * np.eye(at.size).reshape(-1, *at.shape)
    return np.asarray(losses(moved).imag.reshape(at.shape) / h)


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
        expected = complex_steps(changed, old)
        error = gradcheck.relative_error(done, expected)
        errors.append(error.max())
    return float(max(errors))


def train(
    q: Pieces,
    seeds: Iterable[int],
    data: Any,
    *,
    epochs: int = 20,
    batch: int = 50,
    dropout: bool = True,
    rescaled: bool = False,
    course: bool = True,
) -> tuple[Array, Array]:
    """Train on the ten digits, one run per seed; return training losses and test scores.

    The losses, of shape (runs, epochs + 1), are those of the right program without dropout after
    0, 1, … epochs, whatever the bug. The scores have the shape (runs, test images, 10). The runs
    share no random number: they are stacked because one large step is quicker than many small
    ones. If ``rescaled``, each gradient is as long as the right program's. Without ``course``,
    only the loss at the end is measured, in the shape (runs, 1).
    """
    draws = [np.random.default_rng(seed) for seed in seeds]
    theta: Parameters = [
        np.stack(parts)
        for parts in zip(*(start(rng, 64, 20, 20, 10) for rng in draws), strict=True)
    ]
    kept: Sequence[Any] = [np.zeros(())] * 6
    x, y = data.x_train, np.eye(10)[data.y_train]
    every, shape = np.ones((1, 20)), (len(x), 20)

    def measured() -> Array:  # run by run, since all at once would leave the processor's cache
        runs = zip(*theta, strict=True)
        return np.array([loss(parts, x, y, every) for parts in runs])

    def once(theta: Parameters, kept: Sequence[Any]) -> tuple[Parameters, Sequence[Any]]:
        drawn = []
        for rng in draws:
            order = rng.permutation(len(x))
            partners = q["partner"](rng, order)
            mask = draw_mask(rng, shape) if dropout else np.ones(shape)
            drawn.append((x[order], y[partners], mask))
        images, labels, masks = map(np.stack, zip(*drawn, strict=True))
        for i in range(0, len(x), batch):
            some = np.s_[:, i : i + batch]
            theta, kept = step(q, theta, images[some], labels[some], masks[some], kept, rescaled)
        return theta, kept

    losses = [measured()] if course else []
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(1, epochs + 1):
            if not np.isnan(theta[-1]).all():  # or they would stay so
                theta, kept = once(theta, kept)
            if course or epoch == epochs:
                losses.append(measured())
        return np.stack(losses, axis=1), forward(RIGHT, theta, data.x_test, every)[-1]
