"""Wrong backward passes, each a mistake that is made: what a gradient check must catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array
from backprop.layers import GELU, Activation, Dense, Layer, ReLU, Sigmoid
from backprop.network import Sequential

Slope = Callable[[Array], Array]
Rule = Callable[[Array, Array, Array], tuple[Array, Array, Array]]
"""Takes x, W and dz to dx, dW and db."""


def approximate_gelu_prime(z: Array) -> Array:
    """Return the slope of GELU's approximation, z/2 (1 + tanh(√(2/π) (z + 0.044715 z³)))."""
    c, cubic = z.dtype.type(np.sqrt(2 / np.pi)), z.dtype.type(0.044715)
    t = np.tanh(c * (z + cubic * z**3))
    slope: Array = (1 + t) / 2 + z / 2 * (1 - t**2) * c * (1 + 3 * cubic * z**2)
    return slope


def with_slope(kind: type[Activation], slope: Slope) -> type[Activation]:
    """Return the activation with this slope in its backward pass, right or wrong."""

    class Planted(kind):  # type: ignore[valid-type, misc]
        def forward(self, x: Array) -> Array:
            self.seen = x
            out: Array = super().forward(x)
            return out

        def backward(self, dz: Array) -> Array:
            return dz * slope(self.seen)

    return Planted


def dense_with(rule: Rule, rng: np.random.Generator) -> Dense:
    """Return a layer from 4 to 4 units whose backward pass is ``rule``."""

    class Planted(Dense):
        def forward(self, x: Array) -> Array:
            self.seen = x
            return super().forward(x)

        def backward(self, dz: Array) -> Array:
            dx, dW, db = rule(self.seen, self.parameters["W"], dz)
            self.gradients["W"][...], self.gradients["b"][...] = dW, db
            return dx

    return Planted(4, 4, rng=rng)


RULES: dict[str, Rule] = {
    "right": lambda x, W, dz: (dz @ W.T, x.T @ dz, dz.sum(0)),
    "dW: wrong sign": lambda x, W, dz: (dz @ W.T, -x.T @ dz, dz.sum(0)),
    "dx: W for Wᵀ": lambda x, W, dz: (dz @ W, x.T @ dz, dz.sum(0)),
    "dW: outputs reversed": lambda x, W, dz: (dz @ W.T, x.T @ dz[:, ::-1], dz.sum(0)),
    "dW: rows exchanged": lambda x, W, dz: (dz @ W.T, np.roll(x, 1, 0).T @ dz, dz.sum(0)),
    "dW: mean, not sum": lambda x, W, dz: (dz @ W.T, x.T @ dz / len(x), dz.sum(0)),
    "db: mean, not sum": lambda x, W, dz: (dz @ W.T, x.T @ dz, dz.mean(0)),
    "db: first row only": lambda x, W, dz: (dz @ W.T, x.T @ dz, dz[0]),
}
SLOPES: dict[str, tuple[type[Activation], Slope]] = {
    "ReLU: no mask": (ReLU, np.ones_like),
    "sigmoid: z for a": (Sigmoid, lambda z: z * (1 - z)),
}


def layer(name: str, rng: np.random.Generator) -> Layer:
    """Return the layer that has this bug, a key of :data:`RULES` or :data:`SLOPES`."""
    return with_slope(*SLOPES[name])() if name in SLOPES else dense_with(RULES[name], rng)


NETWORKS: dict[str, type[Activation]] = {
    "GELU": GELU,
    "ReLU": ReLU,
    "subtle bug": with_slope(GELU, approximate_gelu_prime),
    "gross bug": with_slope(GELU, np.ones_like),
}
"""Activations of networks: two right ones, and two with a bug in the backward pass."""


def network(name: str, seed: int, dtype: DTypeLike = np.float64) -> Sequential:
    """Return 784-100-2 with an activation of :data:`NETWORKS`, the same θ in either format."""

    def build(dtype: Any) -> Sequential:
        rng = np.random.default_rng(seed)
        first = Dense(784, 100, rng=rng, dtype=dtype)
        return Sequential([first, NETWORKS[name](), Dense(100, 2, rng=rng, dtype=dtype)])

    single, asked = build(np.float32), build(dtype)
    asked.theta[...] = single.theta
    return asked
