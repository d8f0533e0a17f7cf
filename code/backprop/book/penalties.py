"""Ridge regression with a penalty for each weight, and three ways to choose the penalties.

The chapter on implicit derivatives measures with it what the gradient with respect to 40 penalties
is worth. The features are those of 442 people with diabetes (Efron et al., 2004), and columns of
noise that a good choice of penalties would switch off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backprop.arrays import Array

Part = tuple[Array, Array]
"""X, (n, features), and y, (n,)."""
LOW, HIGH, START = -7.0, 3.0, -2.0
"""Logarithms of the penalties: the range of both searches, and its middle, where descent starts."""
RATE = 0.5
"""Learning rate of the descent on the logarithms."""


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
    u = np.linalg.solve(curvature(s, train[0]), v)
    return -u * np.exp(s) * w


def unrolled(
    s: Array, train: Part, valid: Part, rate: float, steps: int
) -> tuple[Array, Array, Array]:
    """Return three hypergradients after each step of gradient descent from w = 0.

    Returns
    -------
    unrolled, stepped, solved : arrays, shape (steps, features)
        Backpropagated through all the steps so far, and by the equation at the w reached so far:
        with u after as many steps of the same descent, from 0, and with u solved for.
    """
    X, y = train
    A, b = curvature(s, X), X.T @ y / len(X)
    w, slopes, inverse = np.zeros(len(b)), np.zeros_like(A), np.zeros_like(A)
    found: tuple[list[Array], list[Array], list[Array]] = [], [], []
    for _ in range(steps):
        # Forward, with the slopes ∂w/∂s beside w: the same numbers as the walk back would give.
        slopes = slopes - rate * (A @ slopes + np.diag(np.exp(s) * w))
        w = w - rate * (A @ w - b)
        # For any v, ``inverse @ v`` is u after as many steps u - rate * (A u - v).
        inverse = inverse - rate * (A @ inverse - np.eye(len(b)))
        v = valid[0].T @ (valid[0] @ w - valid[1]) / len(valid[1])
        found[0].append(v @ slopes)
        found[1].append(-(inverse @ v) * np.exp(s) * w)
        found[2].append(-np.linalg.solve(A, v) * np.exp(s) * w)
    return np.array(found[0]), np.array(found[1]), np.array(found[2])


def together(*parts: Part) -> Part:
    """Return all examples of these parts as one."""
    return np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])


def one_penalty(parts: Parts, solves: int) -> Array:
    """Return the s, all alike, of a grid of ``solves`` that has the least validation error."""
    grid = np.linspace(LOW, HIGH, solves)
    n = parts.train[0].shape[1]
    return _best([np.full(n, float(s)) for s in grid], parts)


def random_penalties(parts: Parts, solves: int, rng: np.random.Generator) -> Array:
    """Return the s of the best of ``solves`` random choices of all the penalties."""
    n = parts.train[0].shape[1]
    return _best(list(rng.uniform(LOW, HIGH, (solves, n))), parts)


def descended(parts: Parts, solves: int) -> Array:
    """Return the best s on the way of Adam along the hypergradient, two solves per step."""
    s = np.full(parts.train[0].shape[1], START)
    m, square, seen = np.zeros(len(s)), np.zeros(len(s)), []
    for t in range(1, solves // 2 + 1):
        seen.append(s)
        g = hypergradient(s, parts.train, parts.valid)
        m, square = 0.9 * m + 0.1 * g, 0.99 * square + 0.01 * g * g
        step = m / (1 - 0.9**t) / (np.sqrt(square / (1 - 0.99**t)) + 1e-12)
        s = np.clip(s - RATE * step, LOW - 2, HIGH)
    return _best(seen, parts)


def _best(choices: Sequence[Array], parts: Parts) -> Array:
    return min(choices, key=lambda s: error(fitted(s, parts.train), parts.valid))
