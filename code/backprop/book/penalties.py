"""Ridge regression with a penalty for each weight, judged by a validation error.

The chapter on implicit derivatives differentiates this error with respect to the penalties. The
features are those of 442 people with diabetes (Efron et al., 2004), and columns of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.autodiff.tape import grad

Part = tuple[Array, Array]
"""X, (n, features), and y, (n,)."""
MEASURED = 10
"""Features of the data set; the columns behind them are noise."""


@dataclass(frozen=True)
class Parts:
    """Examples to fit to, and to judge the penalties by."""

    train: Part
    valid: Part


def diabetes(seed: int, valid: int = 160, noise: int = 30, train: int = 60) -> Parts:
    """Return a random split; every column has mean 0 and variance 1 over ``train``.

    Parameters
    ----------
    seed : int
        Chooses the split and the noise.
    valid, train : int
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
    cuts = slice(train), slice(train, train + valid)
    return Parts(*((X[cut], y[cut]) for cut in cuts))


def curvature(s: Array, X: Array) -> Array:
    """Return XᵀX/N + diag(α), α = exp(s): the matrix of the equation that the weights solve."""
    A: Array = X.T @ X / len(X) + np.diag(np.exp(s))
    return A


def fitted(s: Array, train: Part) -> Array:
    """Return the w that minimizes ‖Xw - y‖²/2N + ½ Σ α_j w_j², α = exp(s)."""
    X, y = train
    return np.linalg.solve(curvature(s, X), X.T @ y / len(X))


def error(w: Any, part: Part) -> Any:
    """Return the mean of (Xw - y)²/2, half the mean squared error; ``w`` may be traced."""
    X, y = part
    r = X @ w - y
    return np.sum(r * r) / (2 * len(X))


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

    def missed(s: Array) -> Any:
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
    return np.asarray(grad(lambda s: error(stepped(s, train, steps), valid))(s))


def off(found: Array, right: Array) -> float:
    """Return ‖found - right‖ / ‖right‖."""
    return float(np.linalg.norm(found - right) / np.linalg.norm(right))
