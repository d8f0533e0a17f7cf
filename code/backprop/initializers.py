"""Initial weights W of shape (n_in, n_out), drawn from a seeded generator.

A unit's pre-activation is a sum of n_in terms, so its variance is n_in Var(W) times the mean square
of its inputs; backwards, the sum has n_out terms. Each rule here picks Var(W) such that signals
keep their size in one direction, in both, or (orthogonal) such that lengths are kept exactly.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backprop.arrays import Array, check_count, check_positive

Initializer = Callable[[np.random.Generator, tuple[int, int]], Array]
"""(rng, (n_in, n_out)) → W, float64. Raises ``ValueError`` for a shape that is no such pair."""


def zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """All 0: every hidden unit then stays the same as its neighbours."""
    return np.zeros(_check_shape("zeros", shape))


def glorot(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 2 / (n_in + n_out) (Glorot & Bengio, 2010)."""
    n_in, n_out = _check_shape("glorot", shape)
    return rng.normal(0.0, np.sqrt(2 / (n_in + n_out)), shape)


def glorot_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Uniform in ±√(6 / (n_in + n_out)): variance 2 / (n_in + n_out) (Glorot & Bengio, 2010)."""
    n_in, n_out = _check_shape("glorot_uniform", shape)
    return _uniform(rng, 2 / (n_in + n_out), shape)


def he(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 2 / n_in, for ReLU (He et al., 2015)."""
    n_in, _ = _check_shape("he", shape)
    return rng.normal(0.0, np.sqrt(2 / n_in), shape)


def he_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Uniform in ±√(6 / n_in): variance 2 / n_in, for ReLU (He et al., 2015)."""
    n_in, _ = _check_shape("he_uniform", shape)
    return _uniform(rng, 2 / n_in, shape)


def lecun(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 1 / n_in (LeCun et al., 1998)."""
    n_in, _ = _check_shape("lecun", shape)
    return rng.normal(0.0, np.sqrt(1 / n_in), shape)


def lecun_uniform(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Uniform in ±√(3 / n_in): variance 1 / n_in (LeCun et al., 1998)."""
    n_in, _ = _check_shape("lecun_uniform", shape)
    return _uniform(rng, 1 / n_in, shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """WᵀW = I if n_in ≥ n_out, else W Wᵀ = I (Saxe et al., 2014).

    W is the Q of A = QR, A standard normal of shape (max, min), with the signs chosen such that
    diag(R) > 0. That makes the factor unique and W uniform among all such matrices; the signs that
    LAPACK returns do not (Mezzadri, 2007).
    """
    n_in, n_out = _check_shape("orthogonal", shape)
    A = rng.normal(size=(max(n_in, n_out), min(n_in, n_out)))
    Q, R = np.linalg.qr(A)
    Q *= np.copysign(1.0, np.diagonal(R))
    return Q if n_in >= n_out else Q.T


def scaled(initializer: Initializer, gain: float) -> Initializer:
    """W ← gain · W: ``scaled(orthogonal, 2**0.5)`` makes up for the half that ReLU cuts off.

    Raises
    ------
    ValueError
        If ``gain`` is not a finite number above 0.
    """
    factor = check_positive("scaled", "gain", gain)

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return factor * initializer(rng, shape)

    return draw


def _uniform(rng: np.random.Generator, variance: float, shape: tuple[int, int]) -> Array:
    # Var U(-a, a) = a² / 3
    a = np.sqrt(3 * variance)
    return rng.uniform(-a, a, shape)


def _check_shape(where: str, shape: tuple[int, int]) -> tuple[int, int]:
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise ValueError(f"{where}: shape is {shape!r}, expected (n_in, n_out)")
    return check_count(where, "n_in", shape[0]), check_count(where, "n_out", shape[1])
