"""Losses: mean over the batch of a number per sample, with the gradient at the network's output.

``forward`` returns L and keeps what ``backward`` needs; ``backward`` returns ∂L/∂(its input). The
mean over the batch is taken here, once, so no layer ever divides by the batch size.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softplus
from backprop.arrays import Array, check_array, check_labels


class Loss(Protocol):
    """What the training loop and the gradient check ask of a loss."""

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L."""

    def backward(self) -> Array:
        """Return ∂L/∂z for the last ``forward``."""


def log_softmax(z: Array) -> Array:
    """log p_k = z_k - m - ln Σ_j exp(z_j - m), m = max_j z_j: nothing overflows."""
    # The maximum is a constant here: subtracting any number leaves the softmax as it is.
    shifted = z - z.real.max(axis=1, keepdims=True)
    out: Array = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return out


def softmax(z: Array) -> Array:
    """p_k = exp(z_k) / Σ_j exp(z_j) along axis 1; shape (batch, classes) in and out."""
    p: Array = np.exp(log_softmax(z))
    return p


class MeanSquaredError:
    """L = 1/N Σ_n ½ ‖a_n - y_n‖².

    Shapes: a and y (batch, n_out). The ½ makes ∂L/∂a = (a - y) / N.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` where the shapes of ``z`` and ``y`` differ."""
        check_array("MeanSquaredError", "z", z, (None, None))
        target = check_array("MeanSquaredError", "y", y, z.shape)
        self.difference = z - target
        return _scalar(0.5 * (self.difference**2).sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂a = (a - y) / N, shape (batch, n_out)."""
        return _kept(self, "difference") / len(self.difference)


class BinaryCrossEntropy:
    """L = 1/N Σ_n [softplus(z_n) - y_n z_n]: cross-entropy of σ(z) on the logit z.

    Shapes: z (batch, 1), y (batch, 1) with values in [0, 1].
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``ValueError`` for a shape or a target outside [0, 1]."""
        check_array("BinaryCrossEntropy", "z", z, (None, 1))
        target = check_array("BinaryCrossEntropy", "y", y, z.shape)
        if target.size and (target.min() < 0 or target.max() > 1):
            raise ValueError(
                f"BinaryCrossEntropy: y lies in [{target.min()}, {target.max()}],"
                " expected values from 0 to 1"
            )
        self.z, self.y = z, target
        # softplus(z) - y z, regrouped so that a confident right answer does not cancel.
        return _scalar((target * softplus(-z) + (1 - target) * softplus(z)).sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂z = (σ(z) - y) / N, shape (batch, 1)."""
        z = _kept(self, "z")
        # σ(z) and 1 - σ(z) from e^-|z|: neither tail rounds to zero.
        e = np.exp(-np.abs(z))
        p = np.where(z > 0, 1, e) / (1 + e)
        q = np.where(z > 0, e, 1) / (1 + e)
        delta: Array = ((1 - self.y) * p - self.y * q) / len(z)
        return delta


class SoftmaxCrossEntropy:
    """L = -1/N Σ_n log p_n[y_n], p = softmax(z).

    Shapes: z (batch, classes), y (batch,) of integer classes.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L; raises ``TypeError`` or ``ValueError`` for labels that are no classes."""
        check_array("SoftmaxCrossEntropy", "z", z, (None, None))
        self.y = check_labels("SoftmaxCrossEntropy", "y", y, len(z), z.shape[1])
        log_p = log_softmax(z)
        self.p = np.exp(log_p)
        return _scalar(-log_p[np.arange(len(z)), self.y].sum() / len(z))

    def backward(self) -> Array:
        """∂L/∂z = (p - onehot(y)) / N, shape (batch, classes)."""
        delta = _kept(self, "p").copy()
        rows = np.arange(len(delta))
        # p_y - 1 = -(sum of the other p): subtracting 1 would cancel once p_y rounds to 1.
        delta[rows, self.y] = 0
        delta[rows, self.y] = -delta.sum(axis=1)
        delta /= len(delta)
        return delta


def _scalar(value: np.generic) -> float:
    # The complex step sends complex numbers through; a real loss is a plain float.
    return value.item()  # type: ignore[no-any-return]


def _kept(loss: object, name: str) -> Array:
    if not hasattr(loss, name):
        raise RuntimeError(f"{type(loss).__name__}: backward() came before forward()")
    kept: Array = getattr(loss, name)
    return kept
