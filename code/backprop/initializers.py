"""Initial weights W of shape (n_in, n_out), drawn from a seeded generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backprop.arrays import Array

Initializer = Callable[[np.random.Generator, tuple[int, int]], Array]


def zeros(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """All 0: every hidden unit then stays the same as its neighbours."""
    return np.zeros(shape)


def glorot(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 2 / (n_in + n_out) (Glorot & Bengio, 2010)."""
    return rng.normal(0.0, np.sqrt(2 / sum(shape)), shape)


def he(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 2 / n_in, for ReLU (He et al., 2015)."""
    return rng.normal(0.0, np.sqrt(2 / shape[0]), shape)


def lecun(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Normal, variance 1 / n_in (LeCun et al., 1998)."""
    return rng.normal(0.0, np.sqrt(1 / shape[0]), shape)
