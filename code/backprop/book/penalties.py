"""Ridge regression with a penalty for each weight, judged by a validation error.

The chapter on implicit derivatives differentiates this error with respect to the penalties. The
features are those of 442 people with diabetes (Efron et al., 2004), and columns of noise that a
good choice of penalties would switch off. A small network with one penalty for all its weights
shows the same system with a Hessian that is never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.autodiff.forward import hvp
from backprop.autodiff.graph import Function
from backprop.autodiff.tape import grad

Part = tuple[Array, Array]
"""X, (n, features), and y, (n,)."""
Pairs = Sequence[tuple[Part, Part]]
"""Each with a part to fit to and a part to choose penalties by."""
MEASURED = 10
"""Features of the data set; the columns behind them are noise."""
GRID = np.linspace(-6, 4, 101)
"""Of which a common s is chosen."""
RATE, STEPS = 20.0, 100
"""Of the descent on a penalty for each weight."""


@dataclass(frozen=True)
class Parts:
    """Examples to fit to, to choose penalties by, and to judge by."""

    train: Part
    valid: Part
    test: Part


def diabetes(
    seed: int, valid: int = 160, noise: int = 30, train: int = 60, test: int = 200
) -> Parts:
    """Return a random split; every column has mean 0 and variance 1 over ``train``.

    Parameters
    ----------
    seed : int
        Chooses the split and the noise.
    valid, train, test : int
        Numbers of people, at most 442 together.
    noise : int
        Columns of random numbers beside the ``MEASURED`` features.
    """
    from sklearn.datasets import load_diabetes  # one page alone needs it

    rng = np.random.default_rng(seed)
    X, y = load_diabetes(return_X_y=True)
    order = rng.permutation(len(X))
    X, y = np.hstack([X, rng.normal(size=(len(X), noise))])[order], y[order]
    X = (X - X[:train].mean(axis=0)) / X[:train].std(axis=0)
    y = (y - y[:train].mean()) / y[:train].std()
    # The same test set whatever the size of the validation set.
    cuts = slice(train), slice(train, train + valid), slice(len(X) - test, None)
    return Parts(*((X[cut], y[cut]) for cut in cuts))


def curvature(s: Array, X: Array) -> Array:
    """Return XᵀX/N + diag(α), α = exp(s): the matrix of the equation that the weights solve."""
    A: Array = X.T @ X / len(X) + np.diag(np.exp(s))
    return A


def fitted(s: Array, train: Part) -> Array:
    """Return the w that minimizes ‖Xw - y‖²/2N + ½ Σ α_j w_j², α = exp(s)."""
    X, y = train
    return np.linalg.solve(curvature(s, X), X.T @ y / len(X))


def error(w: Array, part: Part) -> float:
    """Return the mean of (Xw - y)²/2: half the mean squared error."""
    X, y = part
    return float(((X @ w - y) ** 2).mean() / 2)


def by_equation(w: Array, s: Array, train: Part, valid: Part) -> Array:
    """Return what the equation says of ∂(error on ``valid``)/∂s; right if w is the fitted one."""
    X, y = valid
    v = X.T @ (X @ w - y) / len(X)
    A = curvature(s, train[0])
    u = np.linalg.solve(A, v)
    return -u * np.exp(s) * w


def hypergradient(s: Array, train: Part, valid: Part) -> Array:
    """Return ∂(error on ``valid``)/∂s at the fitted w."""
    return by_equation(fitted(s, train), s, train, valid)


def differences(s: Array, train: Part, valid: Part, h: float = 1e-4) -> Array:
    """Return ∂(error on ``valid``)/∂s by central differences: two fits for each entry."""

    def missed(s: Array) -> float:
        return error(fitted(s, train), valid)

    return np.array([(missed(s + d) - missed(s - d)) / (2 * h) for d in h * np.eye(len(s))])


def stepped(s: Any, train: Part, steps: int, rate: float = 0.2) -> Any:
    """Return w after gradient descent on the training loss from w = 0; ``s`` may be traced."""
    X, y = train
    w: Any = np.zeros(X.shape[1])
    for _ in range(steps):
        w = w - rate * (X.T @ (X @ w - y) / len(X) + np.exp(s) * w)
    return w


def unrolled(s: Array, train: Part, valid: Part, steps: int) -> Array:
    """Return ∂(error on ``valid``)/∂s of the w of :func:`stepped`, back through all its steps."""
    X, y = valid

    def missed(s: Any) -> Any:
        r = X @ stepped(s, train, steps) - y
        return np.sum(r * r) / (2 * len(X))

    return np.asarray(grad(missed)(s))


def off(found: Array, right: Array) -> float:
    """Return ‖found - right‖ / ‖right‖."""
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


def held_out(parts: Parts) -> Pairs:
    """Return the one pair (to fit to, to choose by) that keeps both groups apart."""
    return [(parts.train, parts.valid)]


def folds(parts: Parts, n: int = 5) -> Pairs:
    """Return ``n`` such pairs, in which each of both groups together is once in the second."""
    X, y = everyone(parts)
    fold = np.arange(len(y)) % n
    return [((X[fold != k], y[fold != k]), (X[fold == k], y[fold == k])) for k in range(n)]


def everyone(parts: Parts) -> Part:
    """Return those to fit to and those to choose by as one group."""
    return np.vstack([parts.train[0], parts.valid[0]]), np.append(parts.train[1], parts.valid[1])


def chosen_by(s: Array, pairs: Pairs) -> float:
    """Return the error by which s is chosen: the mean over ``pairs``."""
    return float(np.mean([error(fitted(s, train), valid) for train, valid in pairs]))


def common(pairs: Pairs) -> Array:
    """Return the s of ``GRID``, the same for all weights, with the lowest mean error."""
    n = pairs[0][0][0].shape[1]
    return np.full(n, GRID[int(np.argmin([chosen_by(np.full(n, g), pairs) for g in GRID]))])


def descended(s: Array, pairs: Pairs, rate: float = RATE, steps: int = STEPS) -> Array:
    """Return s after gradient descent on the mean error over ``pairs``, each entry for itself."""
    for _ in range(steps):
        s = s - rate * np.mean([hypergradient(s, *pair) for pair in pairs], axis=0)
    return s


def tried(seed: int, valid: int) -> Array:
    """Return the errors of one common penalty and of a penalty for each weight, chosen twice.

    The first two columns: chosen by ``valid`` people, with weights fitted to those in training
    alone. The last two: chosen by cross-validation over both groups, with weights then fitted to
    both. The first row is the error that chose, the second that of the people for testing, the
    third the length of the weights of the noise.
    """
    parts = diabetes(seed, valid)
    found = []
    for pairs, people in ((held_out(parts), parts.train), (folds(parts), everyone(parts))):
        one = common(pairs)
        for s in (one, descended(one, pairs)):
            w = fitted(s, people)
            noise = float(np.linalg.norm(w[MEASURED:]))
            found.append((chosen_by(s, pairs), error(w, parts.test), noise))
    return np.array(found).T


UNITS = 8
"""Of the network's hidden layer, between ``MEASURED`` inputs and one output."""
WEIGHTS = (MEASURED + 2) * UNITS + 1
"""Of the network, its biases included."""


def missed(w: Array, part: Part) -> Any:
    """Return half the mean squared error of a network of tanh units with the weights w, (97,)."""
    X, y = part
    inner = MEASURED * UNITS
    z = X @ np.reshape(w[:inner], (MEASURED, UNITS)) + w[inner : inner + UNITS]
    r = np.tanh(z) @ w[inner + UNITS : -1] + w[-1] - y
    return np.sum(r * r) / (2 * len(y))


def penalized(alpha: float, train: Part) -> Function:
    """Return the training loss of the network, w ↦ missed(w) + ½ alpha ‖w‖²."""
    return lambda w: missed(w, train) + alpha / 2 * np.sum(w * w)


def trained(alpha: float, train: Part, rate: float = 0.6, steps: int = 500) -> Array:
    """Return weights at a minimum of :func:`penalized`: momentum from the seed 0, then Newton."""
    loss = penalized(alpha, train)
    slope = grad(loss)
    w = np.random.default_rng(0).normal(size=WEIGHTS) / 3
    velocity = np.zeros(WEIGHTS)
    for _ in range(steps):
        velocity = 0.9 * velocity - rate * slope(w)
        w = w + velocity
    for _ in range(2):
        w = w - np.linalg.solve(hessian(loss, w), slope(w))
    return w


def hessian(loss: Function, w: Array) -> Array:
    """Return ∂²L/∂w², one product for each weight: only to compare with."""
    return np.array([hvp(loss, w, unit) for unit in np.eye(len(w))])
