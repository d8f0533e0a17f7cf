"""Where the gradient of a small network is zero: found by Newton's method, told apart by index.

- :class:`OneHidden` is a network small enough for its whole Hessian, and for many starts at once;
- :func:`newton` runs to critical points of any kind, and :func:`deflated` to those not yet known;
- :func:`orbit` and :func:`distinct` count what symmetry makes of a point.
"""

from __future__ import annotations

from itertools import permutations, product
from math import factorial

import numpy as np

from backprop.arrays import Array


class OneHidden:
    """L = mean (Σ_j v_j tanh(x W + b)_j + c - y)² / 2 + decay ‖θ‖² / 2, for many θ at once.

    θ is laid out as in ``Sequential([Dense(d, n), Tanh(), Dense(n, 1)])``: W row by row, b, v, c.

    Parameters
    ----------
    x : array, shape (N, d)
    y : array, shape (N,)
    units : int
        n, the width of the hidden layer.
    decay : float
        Weight decay on all parameters, biases too. Where it is positive, L grows without bound in
        every direction, so that no critical point lies at infinity.
    """

    def __init__(self, x: Array, y: Array, units: int, decay: float) -> None:
        self.inputs = np.column_stack([x, np.ones(len(x))])
        self.y, self.units, self.decay = y, units, decay
        self.size = (x.shape[1] + 2) * units + 1
        """The number of parameters."""

    def _parts(self, theta: Array) -> tuple[Array, Array, Array, Array]:
        split = self.inputs.shape[1] * self.units
        V = theta[:split] if theta.ndim == 1 else theta[:, :split]
        V = V.reshape(*theta.shape[:-1], -1, self.units)
        v, c = theta[..., split:-1], theta[..., -1:]
        a = np.tanh(self.inputs @ V)
        return a, 1 - a**2, v[..., None, :], (a @ v[..., None])[..., 0] + c - self.y

    def loss(self, theta: Array) -> Array:
        """Return L, one number for each row of ``theta``, shape (…, P)."""
        *_, r = self._parts(theta)
        return np.asarray((r**2).mean(axis=-1) / 2 + self.decay / 2 * (theta**2).sum(axis=-1))

    def residual(self, theta: Array) -> Array:
        """Return answer - y, one number an example, shape (…, N)."""
        return np.asarray(self._parts(theta)[3])

    def _jacobian(self, theta: Array) -> tuple[Array, Array, Array, Array, Array]:
        a, s, v, r = self._parts(theta)
        through = self.inputs[:, :, None] * (s * v)[..., None, :]
        flat = through.reshape(*a.shape[:-1], -1)
        return np.concatenate([flat, a, np.ones((*r.shape, 1))], axis=-1), a, s, v, r

    def gradient(self, theta: Array) -> Array:
        """Return ∂L/∂θ, shape of ``theta``."""
        J, *_, r = self._jacobian(theta)
        return np.asarray(np.einsum("...np,...n->...p", J, r) / len(self.y) + self.decay * theta)

    def hessian(self, theta: Array) -> Array:
        """Return ∂²L/∂θ², shape (…, P, P): JᵀJ / N, and what the units' own curvature adds."""
        J, a, s, v, r = self._jacobian(theta)
        N, rows = len(self.y), self.inputs.shape[1]
        H = np.swapaxes(J, -1, -2) @ J / N + self.decay * np.eye(self.size)
        bent = -2 * a * s * v * r[..., None]
        twice = np.einsum("ni,nk,...nj->...jik", self.inputs, self.inputs, bent) / N
        mixed = np.einsum("ni,...nj->...ji", self.inputs, s * r[..., None]) / N
        for j in range(self.units):
            own, out = np.arange(rows) * self.units + j, rows * self.units + j
            H[..., own[:, None], own] += twice[..., j, :, :]
            H[..., own, out] += mixed[..., j, :]
            H[..., out, own] += mixed[..., j, :]
        return np.asarray(H)

    def index(self, theta: Array) -> Array:
        """Return how many eigenvalues of the Hessian are negative, one count a row."""
        return np.asarray((np.linalg.eigvalsh(self.hessian(theta)) < 0).sum(axis=-1))


def newton(net: OneHidden, starts: Array, *, rounds: int = 150) -> Array:
    """Return the points with gradient zero that Newton's method reaches, one start a row.

    A step is at most 1 long.
    """
    theta = np.array(starts, dtype=float)
    for _ in range(rounds):
        H = net.hessian(theta)
        g = net.gradient(theta)
        step = -np.linalg.solve(H, g[..., None])[..., 0]
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        theta += step / np.maximum(length, 1)
    return np.asarray(theta[np.abs(net.gradient(theta)).max(axis=-1) < 1e-10])


def deflated(net: OneHidden, starts: Array, known: Array, *, rounds: int = 150) -> Array:
    """Return what :func:`newton` reaches if it is pushed away from the ``known`` points, (K, P).

    It looks for zeros of m g instead of g, with m(θ) = Π_k (1 + 1 / ‖θ - known_k‖²), which grows
    without bound at a known point. The new step is the old one times 1 / (1 - ∇(ln m) · step)
    [Farrell, Birkisson and Funke, 2015].
    """
    theta = np.array(starts, dtype=float)
    for _ in range(rounds):
        g = net.gradient(theta)
        step = -np.linalg.solve(net.hessian(theta), g[..., None])[..., 0]
        gap = theta[:, None] - known
        near = (gap**2).sum(axis=-1, keepdims=True)
        push = (-2 * gap / (near * (near + 1))).sum(axis=1)
        step /= 1 - (push * step).sum(axis=-1, keepdims=True)
        theta += step / np.maximum(np.linalg.norm(step, axis=-1, keepdims=True), 1)
    return np.asarray(theta[np.abs(net.gradient(theta)).max(axis=-1) < 1e-10])


def orbit(net: OneHidden, theta: Array) -> Array:
    """Return the n! 2ⁿ copies of θ that compute the same: units permuted, and signs turned."""
    n, rows = net.units, net.inputs.shape[1]
    table = theta[:-1].reshape(rows + 1, n)
    copies = [
        np.append((table * sign)[:, order].ravel(), theta[-1])
        for order in map(list, permutations(range(n)))
        for sign in map(np.array, product((1.0, -1.0), repeat=n))
    ]
    return np.array(copies).reshape(factorial(n) * 2**n, -1)


def distinct(net: OneHidden, points: Array, apart: float = 1e-4) -> tuple[Array, Array]:
    """Return one point of each kind, lowest loss first, and how many distinct points it has.

    The points of a kind are the copies of one of them.
    """
    kept: list[Array] = []
    sizes: list[int] = []
    left = points[np.argsort(net.loss(points), kind="stable")]
    while len(left):
        copies = orbit(net, left[0])
        kept.append(left[0])
        sizes.append(len(_unlike(copies, apart)))
        gaps = np.array([np.abs(copies - point).max(axis=1).min() for point in left])
        left = left[gaps > apart]
    return np.array(kept), np.array(sizes)


def _unlike(points: Array, apart: float) -> list[Array]:
    kept: list[Array] = []
    for point in points:
        if all(np.abs(point - other).max() > apart for other in kept):
            kept.append(point)
    return kept


def unit_loss(theta: Array, x: Array, y: Array) -> Array:
    """Return L = mean (tanh(w x + b) - y)² / 2 of a single unit, for θ = (w, b) in each row."""
    a = np.tanh(theta[..., :1] * x + theta[..., 1:])
    return np.asarray(((a - y) ** 2).mean(axis=-1) / 2)


def unit_gradient(theta: Array, x: Array, y: Array) -> Array:
    """Return ∂L/∂(w, b), shape of ``theta``."""
    a = np.tanh(theta[..., :1] * x + theta[..., 1:])
    e = (a - y) * (1 - a**2)
    return np.stack([(e * x).mean(axis=-1), e.mean(axis=-1)], axis=-1)


def unit_hessian(theta: Array, x: Array, y: Array) -> Array:
    """Return ∂²L/∂(w, b)², shape (…, 2, 2)."""
    a = np.tanh(theta[..., :1] * x + theta[..., 1:])
    bent = (1 - a**2) * (1 + 2 * y * a - 3 * a**2)
    H = np.stack([bent * x**2, bent * x, bent * x, bent], axis=-1).mean(axis=-2)
    return np.asarray(H.reshape(*H.shape[:-1], 2, 2))
