"""Ridge regression with a penalty for each weight, judged by a validation error.

The chapter on implicit derivatives differentiates this error with respect to the penalties. The
features are those of 442 people with diabetes (Efron et al., 2004), and columns of noise that a
good choice of penalties would switch off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from backprop.arrays import Array

Part = tuple[Array, Array]
"""X, (n, features), and y, (n,)."""
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
        Columns of random numbers beside the 10 features.
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


def hypergradient(s: Array, train: Part, valid: Part) -> Array:
    """Return ∂(error on ``valid``)/∂s at the fitted w."""
    w = fitted(s, train)
    X, y = valid
    v = X.T @ (X @ w - y) / len(X)
    A = curvature(s, train[0])
    u = np.linalg.solve(A, v)
    return -u * np.exp(s) * w


def differences(s: Array, train: Part, valid: Part, h: float = 1e-4) -> Array:
    """Return ∂(error on ``valid``)/∂s by central differences: two fits for each entry."""

    def missed(s: Array) -> float:
        return error(fitted(s, train), valid)

    return np.array([(missed(s + d) - missed(s - d)) / (2 * h) for d in h * np.eye(len(s))])


def off(found: Array, right: Array) -> float:
    """Return ‖found - right‖ / ‖right‖."""
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))


def unrolled(s: Array, train: Part, valid: Part, steps: int) -> Array:
    """Return ∂(error on ``valid``)/∂s through gradient descent from w = 0, after each step.

    The rate is 1/‖A‖₂. Shape (steps, features); the last row has walked through all the steps.
    """
    X, y = train
    A, b = curvature(s, X), X.T @ y / len(X)
    rate = 1 / np.linalg.norm(A, 2)
    w, slopes = np.zeros(len(b)), np.zeros_like(A)
    found = []
    for _ in range(steps):
        # Forward, with the slopes ∂w/∂s beside w: the same numbers as the walk back would give.
        slopes = slopes - rate * (A @ slopes + np.diag(np.exp(s) * w))
        w = w - rate * (A @ w - b)
        v = valid[0].T @ (valid[0] @ w - valid[1]) / len(valid[1])
        found.append(v @ slopes)
    return np.array(found)


def common(parts: Parts) -> Array:
    """Return the s of ``GRID``, the same for all weights, with the lowest validation error."""
    n = parts.train[0].shape[1]
    errors = [error(fitted(np.full(n, g), parts.train), parts.valid) for g in GRID]
    return np.full(n, GRID[int(np.argmin(errors))])


def descended(s: Array, parts: Parts, rate: float = RATE, steps: int = STEPS) -> Array:
    """Return s after gradient descent on the validation error, each entry for itself."""
    for _ in range(steps):
        s = s - rate * hypergradient(s, parts.train, parts.valid)
    return s


def tried(seed: int, valid: int) -> tuple[float, float]:
    """Return the test errors with one common penalty and with a penalty for each weight.

    Both are chosen by ``valid`` people. Then the weights are fitted again, to these people and to
    those in training together.
    """
    parts = diabetes(seed, valid)
    X, y = (np.concatenate(pair) for pair in zip(parts.train, parts.valid, strict=True))
    one = common(parts)
    each = descended(one, parts)
    return error(fitted(one, (X, y)), parts.test), error(fitted(each, (X, y)), parts.test)
