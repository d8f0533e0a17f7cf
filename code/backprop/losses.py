"""Losses: mean over the batch of a number per sample, with the gradient at the network's output.

``forward`` returns L and keeps what ``backward`` needs; ``backward`` returns ∂L/∂(its input). The
mean over the batch is taken here, once, so no layer ever divides by the batch size.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import below_maximum, log_softmax, softmax, softplus
from backprop.arrays import (
    Array,
    Buffers,
    check_array,
    check_interval,
    check_labels,
    check_positive,
)

__all__ = [
    "BinaryCrossEntropy", "GaussianKL", "Hinge", "Huber", "Loss", "MeanAbsoluteError",
    "MeanSquaredError", "SoftmaxCrossEntropy", "log_softmax", "softmax",
]  # fmt: skip


class Loss(Buffers):
    """A number L to minimise, with its gradient at the network's output.

    ``forward`` may keep z and y by reference: whoever changes them before ``backward`` gets
    another gradient.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises where ``y`` does not fit ``z``."""
        raise NotImplementedError

    def backward(self) -> Array:
        """Return ∂L/∂z for the last ``forward``, in the shape of z."""
        raise NotImplementedError

    def weight(self, y: NDArray[np.generic]) -> float:
        """What the mean over this batch divides by: its rows, or the sum of their weights.

        The mean over several batches is Σ weight · L / Σ weight.
        """
        return float(len(y))

    def _pair(self, z: Array, y: NDArray[np.generic]) -> tuple[Array, Array]:
        """Return z and a target of its shape and dtype."""
        name = type(self).__name__
        scores = check_array(name, "z", z, (None, None))
        target = check_array(name, "y", y, z.shape)
        if scores.dtype.kind == "f" and target.dtype != scores.dtype:
            target = target.astype(scores.dtype)
        return _filled(name, scores), target


class MeanSquaredError(Loss):
    """L = 1/N Σ_n ½ ‖a_n - y_n‖².

    Shapes: a and y (batch, n_out). The ½ makes ∂L/∂a = (a - y) / N.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` where the shapes of ``z`` and ``y`` differ."""
        z, y = self._pair(z, y)
        self.difference = np.subtract(z, y, out=self._empty("difference", z.shape, z.dtype))
        squares = np.multiply(
            self.difference, self.difference, out=self._empty("squares", z.shape, z.dtype)
        )
        return _scalar(0.5 * squares.sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂a = (a - y) / N, shape (batch, n_out)."""
        difference = self._kept("difference")
        delta = self._empty("delta", difference.shape, difference.dtype)
        return np.divide(difference, len(difference), out=delta)


class MeanAbsoluteError(Loss):
    """L = 1/N Σ_n Σ_k |a_nk - y_nk|.

    Shapes: a and y (batch, n_out). At a = y, where there is no derivative, it is taken as 0.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` where the shapes of ``z`` and ``y`` differ."""
        z, y = self._pair(z, y)
        difference = z - y
        self.sign = np.sign(difference.real)
        return _scalar((self.sign * difference).sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂a = sign(a - y) / N, shape (batch, n_out)."""
        sign = self._kept("sign")
        return sign / len(sign)


class Huber(Loss):
    """L = 1/N Σ_n Σ_k h(a_nk - y_nk), h(r) = r²/2 if |r| ≤ d else d (|r| - d/2) (Huber, 1964).

    Parameters
    ----------
    d : float
        Above it a difference counts linearly; > 0.
    """

    def __init__(self, d: float = 1.0) -> None:
        super().__init__()
        self.d = check_positive("Huber", "d", d)

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` where the shapes of ``z`` and ``y`` differ."""
        z, y = self._pair(z, y)
        difference = z - y
        inside = abs(difference.real) <= self.d
        # NaN is not inside, and so reaches the sum.
        small, outside = np.where(inside, difference, 0), np.where(inside, 0, difference)
        self.clipped = np.clip(difference.real, -self.d, self.d)
        linear = np.sign(outside.real) * (outside - np.sign(outside.real) * (self.d / 2)) * self.d
        return _scalar((0.5 * small * small + linear).sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂a = clip(a - y, -d, d) / N, shape (batch, n_out)."""
        clipped = self._kept("clipped")
        return clipped / len(clipped)


class BinaryCrossEntropy(Loss):
    """L = 1/N Σ_n [softplus(z_n) - y_n z_n]: cross-entropy of σ(z) on the logit z.

    Shapes: z (batch, 1), y (batch, 1) with values in [0, 1].
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` for a shape or a target outside [0, 1]."""
        check_array("BinaryCrossEntropy", "z", z, (None, 1))
        z, y = self._pair(z, y)
        if not (y.min() >= 0 and y.max() <= 1):
            raise ValueError(
                f"BinaryCrossEntropy: y lies in [{y.min()}, {y.max()}], expected values from 0 to 1"
            )
        self.z, self.y = z, y
        # softplus(z) - y z, regrouped so that a confident right answer does not cancel.
        terms = _weighed(y, softplus(-z)) + _weighed(1 - y, softplus(z))
        return _scalar(terms.sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂z = (σ(z) - y) / N, shape (batch, 1)."""
        z = self._kept("z")
        # σ(z) and 1 - σ(z) from e^-|z|: neither tail rounds to zero.
        e = np.exp(-np.abs(z))
        p = np.where(z > 0, 1, e) / (1 + e)
        q = np.where(z > 0, e, 1) / (1 + e)
        delta: Array = ((1 - self.y) * p - self.y * q) / len(z)
        return delta


class SoftmaxCrossEntropy(Loss):
    """L = -1/N Σ_n log p_n[y_n], p = softmax(z); in general -Σ_n Σ_k t_nk log p_nk / Σ_n w_{y_n}.

    Shapes: z (batch, classes); y (batch,) of integer classes, or (batch, classes) of floats that
    are probabilities in each row. With classes the targets are
    t_nk = w_k ((1 - s) [k = y_n] + s / classes).

    Parameters
    ----------
    label_smoothing : float
        s, 0 ≤ s < 1 (Szegedy et al., 2016).
    class_weights : (classes,) array, optional
        w, above 0; the mean over the batch is then weighted alike.
    """

    def __init__(self, label_smoothing: float = 0.0, class_weights: Array | None = None) -> None:
        super().__init__()
        self.label_smoothing = check_interval(
            "SoftmaxCrossEntropy", "label_smoothing", label_smoothing, 0, 1
        )
        self.class_weights = class_weights
        if class_weights is not None:
            check_array("SoftmaxCrossEntropy", "class_weights", class_weights, (None,))
            if not (np.isfinite(class_weights).all() and (class_weights > 0).all()):
                raise ValueError(
                    f"SoftmaxCrossEntropy: class_weights is {class_weights},"
                    " expected finite numbers above 0"
                )

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``TypeError`` or ``ValueError`` for labels that are no classes."""
        z = _filled("SoftmaxCrossEntropy", check_array("SoftmaxCrossEntropy", "z", z, (None, None)))
        self.targets, self.labels = None, None
        if _is_soft(y):
            self.targets = self._soft_targets(z, y)
        else:
            self.labels = check_labels("SoftmaxCrossEntropy", "y", y, *z.shape)
            if self.label_smoothing or self.class_weights is not None:
                self.targets = self._targets_of_classes(z)
        shifted = self._shifted(z)
        self.rows = np.arange(len(z))
        if self.targets is not None:
            log_p = shifted.copy()
            log_p -= self._normalise(shifted)[:, None]
            return _scalar(-_weighed(self.targets, log_p).sum())
        at_label = np.add.reduce(shifted[self.rows, self.labels])
        log_total = np.add.reduce(self._normalise(shifted, at_label))
        # ln Σ exp(z - m) ≥ 0 ≥ z_y - m: nothing cancels.
        return _scalar((log_total - at_label) / len(z))

    def backward(self) -> Array:
        """∂L/∂z = (p - onehot(y)) / N, or p Σ_k t_k - t, shape (batch, classes)."""
        p = self._kept("p")
        delta = self._empty("delta", p.shape, p.dtype, order="F")
        if self.targets is not None:
            # The same as p (Σ t - t) - t (1 - p), where p rounds to 1 as well.
            np.subtract(self.targets.sum(axis=1, keepdims=True), self.targets, out=delta)
            delta *= p
            delta -= self.targets * self._others(p)
            return delta
        np.divide(p, len(p), out=delta)
        # p_y - 1 = -(sum of the other p): subtracting 1 would cancel once p_y rounds to 1.
        delta[self.rows, self.labels] = 0
        delta[self.rows, self.labels] = -np.add.reduce(delta, axis=1)
        return delta

    def weight(self, y: NDArray[np.generic]) -> float:
        """The number of rows, or Σ_n w_{y_n} with ``class_weights``."""
        return len(y) if self.class_weights is None else float(self.class_weights[y].sum())

    def _shifted(self, z: Array) -> Array:
        """Return z - m, m = max z in each row: the softmax stays as it is, nothing overflows."""
        # Class by class in memory: sums over the classes then run along whole columns.
        shifted = self._empty("p", z.shape, z.dtype, order="F")
        np.copyto(shifted, z)
        m = np.maximum.reduce(shifted.real, axis=1, keepdims=True)
        if np.isfinite(np.vdot(m, m)):
            shifted -= m
        else:
            shifted[...] = below_maximum(z, axis=1)[0]
        return shifted

    def _normalise(self, shifted: Array, at_label: Any = 0) -> Array:
        """Turn z - m into p = exp(z - m) / Σ exp(z - m), in its place; return ln Σ exp(z - m).

        Where ``at_label`` alone makes L large, a rounding error in Σ does not show in L.
        """
        below = shifted.real < 0 if -at_label.real < 0.3 * len(shifted) else None
        p = self.p = np.exp(shifted, out=shifted)
        total = np.add.reduce(p, axis=1)
        if below is None:
            if not np.isfinite(at_label):
                total[total == 0] = 1  # every z is -∞
            p /= total[:, None]
            return np.log(total)  # type: ignore[no-any-return]
        # The largest terms are 1. Counted apart, they hide nothing of the others' small sum.
        smaller = p * below
        rest = np.add.reduce(smaller, axis=1)
        rest += np.add.reduce(p - smaller, axis=1) - 1
        np.maximum(rest, 0, out=rest)  # -1 where every z is -∞
        total = 1 + rest
        p /= total[:, None]
        self.rest = rest / total
        return np.log1p(rest)  # type: ignore[no-any-return]

    def _others(self, p: Array) -> Array:
        """Return Σ_{j ≠ k} p_j = 1 - p_k; for the largest p, which may round to 1, as summed."""
        others = 1 - p
        others[self.rows, p.real.argmax(axis=1)] = self.rest
        return others

    def _soft_targets(self, z: Array, y: NDArray[np.generic]) -> Array:
        """Return t = y / N."""
        if self.label_smoothing or self.class_weights is not None:
            raise ValueError(
                "SoftmaxCrossEntropy: y has two axes, expected integer classes with"
                " label_smoothing or class_weights"
            )
        kind = z.real.dtype
        t = check_array("SoftmaxCrossEntropy", "y", y, z.shape).astype(kind)
        tolerance = 1e-5 if kind == np.float32 else 1e-9
        if not (t.min() >= 0 and abs(t.sum(axis=1) - 1).max() <= tolerance):
            raise ValueError(
                "SoftmaxCrossEntropy: y has two axes, expected probabilities that sum to 1"
                " in each row"
            )
        t /= len(z)
        return t

    def _targets_of_classes(self, z: Array) -> Array:
        """Return t, divided by the sum of the weights of the batch."""
        kind, classes = z.real.dtype, z.shape[1]
        t = np.full(z.shape, self.label_smoothing / classes, kind)
        t[np.arange(len(z)), self.labels] += 1 - self.label_smoothing
        if self.class_weights is None:
            t /= len(z)
            return t
        w = check_array(
            "SoftmaxCrossEntropy", "class_weights", self.class_weights, (classes,)
        ).astype(kind)
        t *= w / w[self.labels].sum()
        return t


class Hinge(Loss):
    """L = 1/N Σ_n Σ_{k ≠ y_n} max(0, m + z_nk - z_n[y_n]) (Weston & Watkins, 1999).

    Shapes: z (batch, classes), y (batch,) of integer classes. At the kink the derivative is 0.

    Parameters
    ----------
    margin : float
        m > 0.
    """

    def __init__(self, margin: float = 1.0) -> None:
        super().__init__()
        self.margin = check_positive("Hinge", "margin", margin)

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``TypeError`` or ``ValueError`` for labels that are no classes."""
        z = _filled("Hinge", check_array("Hinge", "z", z, (None, None)))
        self.labels = check_labels("Hinge", "y", y, *z.shape)
        rows = np.arange(len(z))
        excess = z - z[rows, self.labels][:, None] + self.margin
        excess[rows, self.labels] = 0
        # Not "> 0": NaN must reach the sum.
        self.active = ~(excess.real <= 0)
        self.dtype = z.dtype
        return _scalar(np.where(self.active, excess, 0).sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂z_k = [k active] / N for k ≠ y, and minus their sum for k = y."""
        active = self._kept("active")
        delta: Array = active.astype(self.dtype)
        delta[np.arange(len(delta)), self.labels] = -delta.sum(axis=1)
        delta /= len(delta)
        return delta


class GaussianKL(Loss):
    """L = 1/N Σ_n Σ_k ½ [ln v₂ - ln v₁ + (v₁ + (μ₁ - μ₂)²) / v₂ - 1]: KL(N(μ₁, v₁) ‖ N(μ₂, v₂)).

    Shapes: z and y (batch, 2 d), the means μ in the first d columns and the logarithms of the
    variances, ln v, in the last d; z holds those of the first distribution, y of the second.
    All-zero y is the standard normal, as in a variational autoencoder (Kingma & Welling, 2014).
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L.

        Raises
        ------
        ValueError
            If the shapes differ, the number of columns is odd, or a ratio of variances exceeds
            what the dtype can hold (the divergence itself then does).
        """
        z, y = self._pair(z, y)
        if z.shape[1] % 2:
            raise ValueError(
                f"GaussianKL: z has shape {z.shape}, expected an even number of columns"
            )
        (self.mean, log_v1), (mean2, log_v2) = np.split(z, 2, axis=1), np.split(y, 2, axis=1)
        with np.errstate(invalid="ignore"):
            log_ratio = log_v1 - log_v2
        if np.isinf(log_v1).any() and np.isnan(log_ratio).any():
            raise ValueError("GaussianKL: z and y both hold the logarithm of an infinite variance")
        limit = np.log(np.finfo(z.real.dtype).max)
        worst = max(float(log_ratio.real.max()), float(-log_v2.real.min()))
        if worst > limit:
            raise ValueError(
                f"GaussianKL: a log-variance of z or y gives a ratio exp({worst:.4g}),"
                f" expected at most exp({limit:.4g}), the largest {z.real.dtype}"
            )
        self.distance = self.mean - mean2
        self.precision = np.exp(-log_v2)
        # v₁/v₂ - 1 from the logarithm: near equal variances a difference would cancel.
        self.excess = np.expm1(log_ratio)
        # The root first: (μ₁ - μ₂)² may exceed the largest number where the quotient does not.
        terms = self.excess - log_ratio + (self.distance * np.exp(-0.5 * log_v2)) ** 2
        return _scalar(0.5 * terms.sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂μ₁ = (μ₁ - μ₂) / v₂ / N and ∂L/∂ln v₁ = ½ (v₁/v₂ - 1) / N, side by side."""
        distance = self._kept("distance")
        delta = np.concatenate([distance * self.precision, 0.5 * self.excess], axis=1)
        delta /= len(delta)
        return delta


def _is_soft(y: NDArray[np.generic]) -> bool:
    # Integers in a column are classes in the wrong shape, and get that error.
    return getattr(y, "ndim", 0) == 2 and y.dtype.kind == "f"


def _weighed(t: Array, log: Array) -> Array:
    """t ⊙ log, and 0 where t is: what has no weight adds nothing, not even 0 · ∞."""
    with np.errstate(invalid="ignore"):
        product = t * log
    if np.isnan(np.vdot(product, product)):
        product[np.broadcast_to(t == 0, product.shape)] = 0
    return product


def _filled(where: str, z: Array) -> Array:
    if not z.size:
        raise ValueError(f"{where}: z has shape {z.shape}, expected at least one row and column")
    return z


def _scalar(value: np.generic) -> float:
    # The complex step sends complex numbers through; a real loss is a plain float.
    return value.item()  # type: ignore[no-any-return]
