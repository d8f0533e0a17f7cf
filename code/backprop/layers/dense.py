"""The affine map and its backward pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array, check_array, check_dtype
from backprop.initializers import Initializer, glorot
from backprop.layers.base import Layer


class Dense(Layer):
    """Affine map z = x W + b.

    Shapes: x (batch, n_in), W (n_in, n_out), b (n_out,), z (batch, n_out).

    Parameters
    ----------
    n_in, n_out : int
        Widths, at least 1.
    rng : numpy.random.Generator
        Source of the initial weights; b starts at 0.
    initializer : callable
        One of ``backprop.initializers``.
    dtype : dtype
        float32 or float64 of parameters and gradients.
    """

    name = "dense"

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        rng: np.random.Generator,
        initializer: Initializer = glorot,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        for argument, n in (("n_in", n_in), ("n_out", n_out)):
            if n < 1:
                raise ValueError(f"Dense: {argument} is {n}, expected at least 1")
        kind = check_dtype("Dense", dtype)
        self.parameters["W"] = initializer(rng, (n_in, n_out)).astype(kind)
        self.parameters["b"] = np.zeros(n_out, kind)
        self.gradients["W"] = np.zeros((n_in, n_out), kind)
        self.gradients["b"] = np.zeros(n_out, kind)

    def forward(self, x: Array) -> Array:
        """Return z = x W + b, shape (batch, n_out)."""
        W, b = self.parameters["W"], self.parameters["b"]
        self.x = self._input("x", x, (None, W.shape[0]))
        z = self._empty("z", (len(x), W.shape[1]), np.result_type(x, W, b))
        np.matmul(x, W, out=z)
        z += b
        return z

    def backward(self, dz: Array) -> Array:
        """∂L/∂W = xᵀ dz, ∂L/∂b = Σ_batch dz; return ∂L/∂x = dz Wᵀ, shape (batch, n_in)."""
        self.backward_parameters(dz)
        W = self.parameters["W"]
        dx = self._empty("dx", (len(dz), W.shape[0]), np.result_type(dz, W))
        return np.matmul(dz, W.T, out=dx)

    def backward_parameters(self, dz: Array) -> None:
        """∂L/∂W = xᵀ dz, ∂L/∂b = Σ_batch dz."""
        x, W = self._kept("x"), self.parameters["W"]
        check_array("Dense.backward", "dz", dz, (len(x), W.shape[1]))
        np.matmul(x.T, dz, out=self.gradients["W"])
        # Sum over the batch: b is shared by every row. A product with ones is the fastest sum.
        np.matmul(self._ones(len(x), dz.dtype), dz, out=self.gradients["b"])

    def _ones(self, n: int, dtype: DTypeLike) -> Array:
        ones = self._empty("ones", (n,), dtype)
        ones.fill(1)
        return ones
