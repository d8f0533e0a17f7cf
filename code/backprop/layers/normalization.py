"""Normalisations: x̂ has mean 0 and variance 1 over some axes, then z = γ ⊙ x̂ + β.

One derivation serves batch and layer normalisation; they differ in the axes of the mean. With
x̂ = (x - μ) / σ, every x_i moves its own x̂_i and, through μ and σ, all the others:

    ∂x̂_j / ∂x_i = ([i = j] - 1/m - x̂_i x̂_j / m) / σ,

so dx = (dx̂ - mean dx̂ - x̂ ⊙ mean(dx̂ ⊙ x̂)) / σ, the means over the same m values. It projects
dx̂ off the directions 1 and x̂: shifting or scaling x cannot change x̂ (but for ε).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import Array, check_array, check_count, check_dtype, check_interval
from backprop.layers.base import Layer, assign


class _Normalization(Layer):
    """What the three share: γ and β, their gradients, x̂ and its vector-Jacobian product."""

    def __init__(self, n: int, eps: float, dtype: DTypeLike, parameters: tuple[str, ...]) -> None:
        super().__init__()
        where = type(self).__name__
        self.n = check_count(where, "n", n)
        self.eps = check_interval(where, "eps", eps)
        kind = check_dtype(where, dtype)
        for name in parameters:
            self.parameters[name] = np.full(n, 1 if name == "gamma" else 0, kind)
            self.gradients[name] = np.zeros(n, kind)

    def _standardize(self, x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
        """x̂ = (x - μ) / σ, σ = √(v + ε), v = mean (x - μ)²; return μ and v."""
        mean = x.mean(axes, keepdims=True)
        self.x_hat = np.subtract(x, mean, out=self._empty("x_hat", x.shape, x.dtype))
        # mean x² - μ² would cancel where μ is large against σ.
        variance = self._mean_product(self.x_hat, self.x_hat, axes)
        if self.eps == 0:
            # The mean of equal numbers may differ from them in the last digit.
            variance[x.max(axes, keepdims=True) == x.min(axes, keepdims=True)] = 0
        self.sigma = self._root(variance)
        self.x_hat /= self.sigma
        return mean, variance

    def _root(self, square: Array) -> Array:
        """√(v + ε); ∞ for v = ε = 0: where all x are equal, a kink, x̂ and dx are then 0."""
        root: Array = np.sqrt(square + self.eps)
        if self.eps == 0:
            root[root == 0] = np.inf
        return root

    def _standardize_vjp(self, dx_hat: Array, axes: tuple[int, ...]) -> Array:
        """dx = (dx̂ - mean dx̂ - x̂ ⊙ mean(dx̂ ⊙ x̂)) / σ, in the array of dx̂."""
        shared = self._mean_product(dx_hat, self.x_hat, axes)
        dx_hat -= dx_hat.mean(axes, keepdims=True)
        dx_hat -= np.multiply(self.x_hat, shared, out=self._scratch(dx_hat))
        dx_hat /= self.sigma
        return dx_hat

    def _affine(self, shape: tuple[int, ...]) -> Array:
        """z = γ ⊙ x̂ + β, γ and β in ``shape``."""
        gamma, beta = self.parameters["gamma"], self.parameters.get("beta")
        kind = np.result_type(self.x_hat, *self.parameters.values())
        z = self._empty("z", self.x_hat.shape, kind)
        np.multiply(gamma.reshape(shape), self.x_hat, out=z)
        if beta is not None:
            z += beta.reshape(shape)
        return z

    def _affine_vjp(self, dz: Array, shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
        """dγ = Σ dz ⊙ x̂, dβ = Σ dz; return dx̂ = γ ⊙ dz."""
        x_hat = self._kept("x_hat")
        check_array(f"{type(self).__name__}.backward", "dz", dz, x_hat.shape)
        products = np.multiply(dz, x_hat, out=self._scratch(dz))
        products.sum(axes, out=self.gradients["gamma"])
        if "beta" in self.gradients:
            dz.sum(axes, out=self.gradients["beta"])
        gamma = self.parameters["gamma"].reshape(shape)
        dx_hat = self._empty("dx_hat", dz.shape, np.result_type(dz, gamma))
        return np.multiply(gamma, dz, out=dx_hat)

    def _mean_product(self, a: Array, b: Array, axes: tuple[int, ...]) -> Array:
        product = np.multiply(a, b, out=self._scratch(a))
        mean: Array = product.mean(axes, keepdims=True)
        return mean

    def _scratch(self, like: Array) -> Array:
        return self._empty("scratch", like.shape, like.dtype)


class OneValueError(ValueError):
    """A batch with one value per channel, which has no variance."""


class BatchNorm(_Normalization):
    """z = γ ⊙ (x - μ) / √(v + ε) + β, μ and v per channel (Ioffe & Szegedy, 2015).

    In training μ and v are mean and variance over the batch, and over height and width where there
    are any; in use (``training`` false) they are the running averages gathered in training,

        running ← (1 - m) running + m (that of the batch),

    of the mean and of the unbiased variance, as in PyTorch.

    Shapes: x and z (batch, n) or (batch, n, height, width); γ, β, running_mean, running_var (n,).

    Parameters
    ----------
    n : int
        Channels, at least 1.
    momentum : float
        m, 0 ≤ m < 1.
    eps : float
        ε ≥ 0.
    dtype : dtype
        float32 or float64 of parameters, gradients and running averages.
    """

    name = "batchnorm"

    def __init__(
        self,
        n: int,
        *,
        momentum: float = 0.1,
        eps: float = 1e-5,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__(n, eps, dtype, ("gamma", "beta"))
        self.momentum = check_interval("BatchNorm", "momentum", momentum, 0, 1)
        self._running_mean = np.zeros_like(self.parameters["beta"])
        self._running_var = np.ones_like(self.parameters["gamma"])

    @property
    def running_mean(self) -> Array:
        """Mean per channel in use, shape (n,); to assign copies into it."""
        return self._running_mean

    @running_mean.setter
    def running_mean(self, value: Array) -> None:
        assign("running_mean", self._running_mean, value)

    @property
    def running_var(self) -> Array:
        """Variance per channel in use, shape (n,); to assign copies into it."""
        return self._running_var

    @running_var.setter
    def running_var(self, value: Array) -> None:
        assign("running_var", self._running_var, value)

    def forward(self, x: Array) -> Array:
        """Return z = γ ⊙ x̂ + β, shape of x; in training the running averages move.

        Raises
        ------
        ValueError
            If x has other channels or axes, or in training (:class:`OneValueError`) fewer than two
            values per channel.
        """
        images = getattr(x, "ndim", 2) == 4
        x = self._input("x", x, (None, self.n, None, None) if images else (None, self.n))
        self.axes: tuple[int, ...] = (0, 2, 3) if images else (0,)
        self.shape = (self.n, 1, 1) if images else (self.n,)
        # backward() belongs to the mode of this pass, whatever is set in between.
        self.by_batch = self.training
        if not self.by_batch:
            mean = self.running_mean.reshape(self.shape)
            self.sigma = self._root(self.running_var).reshape(self.shape)
            self.x_hat = np.subtract(x, mean, out=self._empty("x_hat", x.shape, x.dtype))
            self.x_hat /= self.sigma
            return self._affine(self.shape)
        values = x.size // self.n
        if values < 2:
            raise OneValueError(
                f"BatchNorm.forward: x has shape {x.shape}, {values} value per channel, expected"
                " at least 2 in training: one value has no variance"
            )
        mean, variance = self._standardize(x, self.axes)
        # The complex step asks what would be, and must leave no trace; nor must a batch that holds
        # NaN or infinity, after which the averages would never be finite again.
        variance = variance.ravel()
        # A sum shows NaN and infinity in a third of the time that isfinite takes.
        if x.dtype.kind == "f" and isfinite(np.add.reduce(variance)):
            self._average(self._running_mean, mean.ravel())
            self._average(self._running_var, variance * (values / (values - 1)))
        return self._affine(self.shape)

    def backward(self, dz: Array) -> Array:
        """dγ = Σ dz ⊙ x̂, dβ = Σ dz, dx̂ = γ ⊙ dz; return dx.

        In training dx = (dx̂ - mean dx̂ - x̂ ⊙ mean(dx̂ ⊙ x̂)) / σ: μ and σ depend on x. In use they
        are constants, and dx = dx̂ / σ.
        """
        self._kept("x_hat")
        dx = self._affine_vjp(dz, self.shape, self.axes)
        if self.by_batch:
            return self._standardize_vjp(dx, self.axes)
        dx /= self.sigma
        return dx

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of "running_mean" and "running_var", shape (n,)."""
        return {
            "running_mean": self.running_mean.copy(),
            "running_var": self.running_var.copy(),
        }

    def _snapshot(self) -> tuple[Array, Array]:
        return self._running_mean.copy(), self._running_var.copy()

    def _put_back(self, snapshot: tuple[Array, Array]) -> None:
        self._running_mean[...], self._running_var[...] = snapshot

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned; ``ValueError`` where names or shapes differ."""
        self._check_state(state)
        self.running_mean[...] = state["running_mean"]
        self.running_var[...] = state["running_var"]

    def _average(self, running: Array, of_batch: Array) -> None:
        """running ← (1 - m) running + m (that of the batch)."""
        running *= 1 - self.momentum
        running += self.momentum * of_batch


class LayerNorm(_Normalization):
    """z = γ ⊙ (x - μ) / √(v + ε) + β, μ and v per row (Ba, Kiros & Hinton, 2016).

    μ and v are mean and variance over the n features of one row, so no row depends on another, and
    training and use agree.

    Shapes: x and z (…, n) with any leading axes; γ, β (n,).

    Parameters
    ----------
    n : int
        Features, at least 1.
    eps : float
        ε ≥ 0.
    dtype : dtype
        float32 or float64 of parameters and gradients.
    """

    name = "layernorm"

    def __init__(self, n: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(n, eps, dtype, ("gamma", "beta"))

    def forward(self, x: Array) -> Array:
        """Return z = γ ⊙ x̂ + β, shape of x."""
        x = self._input("x", x, _rows(x, self.n))
        self._standardize(x, (-1,))
        return self._affine((self.n,))

    def backward(self, dz: Array) -> Array:
        """dγ = Σ dz ⊙ x̂, dβ = Σ dz, both over all rows; dx̂ = γ ⊙ dz.

        Return dx = (dx̂ - mean dx̂ - x̂ ⊙ mean(dx̂ ⊙ x̂)) / σ, the means over a row.
        """
        dx_hat = self._affine_vjp(dz, (self.n,), _leading(self._kept("x_hat")))
        return self._standardize_vjp(dx_hat, (-1,))


class RMSNorm(_Normalization):
    """z = γ ⊙ x / r, r = √(mean x² + ε) per row (Zhang & Sennrich, 2019).

    Layer normalisation without the mean: the derivation loses one of its terms.

    Shapes: x and z (…, n) with any leading axes; γ (n,).

    Parameters
    ----------
    n, eps, dtype
        See :class:`LayerNorm`.
    """

    name = "rmsnorm"

    def __init__(self, n: int, *, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(n, eps, dtype, ("gamma",))

    def forward(self, x: Array) -> Array:
        """Return z = γ ⊙ x̂, x̂ = x / r, shape of x."""
        x = self._input("x", x, _rows(x, self.n))
        self.r = self._root(self._mean_product(x, x, (-1,)))
        self.x_hat = np.divide(x, self.r, out=self._empty("x_hat", x.shape, x.dtype))
        return self._affine((self.n,))

    def backward(self, dz: Array) -> Array:
        """dγ = Σ dz ⊙ x̂ over all rows, dx̂ = γ ⊙ dz; return dx = (dx̂ - x̂ ⊙ mean(dx̂ ⊙ x̂)) / r."""
        dx = self._affine_vjp(dz, (self.n,), _leading(self._kept("x_hat")))
        shared = self._mean_product(dx, self.x_hat, (-1,))
        dx -= np.multiply(self.x_hat, shared, out=self._scratch(dx))
        dx /= self.r
        return dx


def _rows(x: object, n: int) -> tuple[int | None, ...]:
    """Return (…, n) with as many axes as x has, at least one."""
    return (None,) * (max(getattr(x, "ndim", 1), 1) - 1) + (n,)


def _leading(x: Array) -> tuple[int, ...]:
    """Return all axes but the last."""
    return tuple(range(x.ndim - 1))
