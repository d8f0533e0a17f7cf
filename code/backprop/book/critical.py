"""Where the gradient of a small network is zero: found by Newton's method, told apart by index.

- :class:`OneHidden` is a network small enough for its whole Hessian, and for many starts at once;
- :func:`newton` runs to critical points of any kind;
- :func:`orbit` and :func:`distinct` count what symmetry makes of a point;
- :func:`candidates` and :func:`alone` prove where a unit with two parameters has none, and where
  it has exactly one.
"""

from __future__ import annotations

from itertools import permutations, product
from math import factorial

import numpy as np

from backprop.arrays import Array

ROUNDING = 1e-12
"""Each bound is widened by this part of its size: far above the rounding of the few operations
behind it. (No directed rounding: that NumPy's tanh is this exact is taken for granted.)"""


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


def _bounds(boxes: Array, x: Array, y: Array, bent: bool) -> tuple[Array, Array]:
    """Bound ∂L/∂z of every example, or ∂²L/∂z², over boxes of shape (n, 2, 2): (low, high) of w, b.

    Both are polynomials in a = tanh z, times 1/N. Over an interval, each is largest and smallest
    at an end, or where its slope is zero.
    """
    ends = boxes[:, 0, :, None] * x
    low = np.tanh(ends.min(axis=1) + boxes[:, 1, 0, None])
    high = np.tanh(ends.max(axis=1) + boxes[:, 1, 1, None])
    lows, highs = [], []
    for k, target in enumerate(y):
        value = np.polynomial.Polynomial([1, 2 * target, -3]) if bent else (
            np.polynomial.Polynomial([-target, 1])
        )  # fmt: skip
        value *= np.polynomial.Polynomial([1, 0, -1])
        turns = value.deriv().roots()
        at = [low[:, k], high[:, k]]
        at += [np.clip(turn.real, low[:, k], high[:, k]) for turn in turns if not turn.imag]
        found = np.array([value(a) for a in at]) / len(y)
        lows.append(found.min(axis=0))
        highs.append(found.max(axis=0))
    return np.array(lows).T, np.array(highs).T


def _weighted(low: Array, high: Array, weights: Array) -> tuple[Array, Array]:
    """Bound Σ weight_i value_i, where each value lies between its own bounds."""
    first, second = low * weights, high * weights
    room = ROUNDING * np.maximum(np.abs(first), np.abs(second)).sum(axis=1)
    return (
        np.minimum(first, second).sum(axis=1) - room,
        np.maximum(first, second).sum(axis=1) + room,
    )


def candidates(box: Array, x: Array, y: Array, halvings: int) -> tuple[Array, int]:
    """Halve a box again and again, and drop each part that can hold no critical point.

    A part is dropped if ∂L/∂w or ∂L/∂b has one sign all over it, by interval arithmetic.

    Parameters
    ----------
    box : array, shape (2, 2)
        (low, high) of w and of b.
    x, y : arrays, shape (N,)
    halvings : int
        Rounds; each halves every box that is left, w and b in turn.

    Returns
    -------
    boxes, looked_at : array, shape (n, 2, 2), and int
        What is left, and how many boxes were examined.
    """
    boxes, seen = np.array([box], dtype=float), 0
    for round_ in range(halvings):
        axis = round_ % 2
        middle = boxes[:, axis].mean(axis=1)
        lower, upper = boxes.copy(), boxes.copy()
        lower[:, axis, 1] = upper[:, axis, 0] = middle
        boxes = np.concatenate([lower, upper])
        seen += len(boxes)
        low, high = _bounds(boxes, x, y, bent=False)
        may = np.ones(len(boxes), dtype=bool)
        for weights in (x, np.ones_like(x)):
            least, most = _weighted(low, high, weights)
            may &= (least <= 0) & (most >= 0)
        boxes = boxes[may]
    return boxes, seen


def alone(box: Array, x: Array, y: Array) -> bool:
    """Whether a box is proved to hold exactly one critical point, by Krawczyk's test.

    With the middle c, Y the inverse of the Hessian there, and R the box less c: if
    c - Y g(c) + (1 - Y H) R lies inside the box for every Hessian H that occurs in it, then it
    holds a zero of the gradient g, and only one (Krawczyk, 1969).
    """
    middle, half = box.mean(axis=1), np.ptp(box, axis=1) / 2
    inverse = np.linalg.inv(unit_hessian(middle, x, y))
    low, high = _bounds(box[None], x, y, bent=True)
    spans = [_weighted(low, high, weights) for weights in (x**2, x, np.ones_like(x))]
    (a, b, c) = ((float(least[0]), float(most[0])) for least, most in spans)
    corners = np.array([[[p, q], [q, s]] for p, q, s in product(a, b, c)])
    off = np.abs(np.eye(2) - inverse @ corners).max(axis=0)
    reach = np.abs(inverse @ unit_gradient(middle, x, y)) + off @ half
    return bool((reach < half).all())
