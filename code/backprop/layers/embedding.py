"""A table of vectors, one for each integer."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.arrays import (
    Array,
    check_array,
    check_count,
    check_dtype,
    check_ndarray,
    check_positive,
)
from backprop.deferred import sparse
from backprop.layers.base import Layer


class Embedding(Layer):
    """z = E W = W[x], where row i of E is one-hot: E_ik = 1 if x_i = k, else 0.

    Shapes: x (batch, …) of integers, W (n_in, n_out), z (batch, …, n_out). The product with E picks
    rows of W; E is never multiplied out (Bengio et al., 2003).

    Parameters
    ----------
    n_in : int
        How many integers there are: x holds 0 to n_in - 1.
    n_out : int
        Length of each vector.
    rng : numpy.random.Generator
        Source of the initial weights, normal.
    scale : float
        Their standard deviation. One row makes up the output alone, so 1 gives z variance 1.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number.
    """

    name = "embedding"

    def __init__(
        self,
        n_in: int,
        n_out: int,
        *,
        rng: np.random.Generator,
        scale: float = 1.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        check_count("Embedding", "n_in", n_in)
        check_count("Embedding", "n_out", n_out)
        check_positive("Embedding", "scale", scale)
        kind = check_dtype("Embedding", dtype)
        self.parameters["W"] = rng.normal(0.0, scale, (n_in, n_out)).astype(kind)
        self.gradients["W"] = np.zeros((n_in, n_out), kind)

    def forward(self, x: NDArray[Any]) -> Array:
        """Return z = E W, row x_i of W for every i; shape (batch, …, n_out).

        Raises
        ------
        TypeError
            If x is no integer ndarray.
        ValueError
            If x holds an index outside 0 … n_in - 1, negative ones included.
        """
        W = self.parameters["W"]
        self.x = _check_indices(x, len(W))
        z = self._empty("z", (*x.shape, W.shape[1]), W.dtype)
        # "clip" spares NumPy a second check.
        return np.take(W, x, axis=0, out=z, mode="clip")

    def backward(self, dz: Array) -> Array:
        """∂L/∂W = Eᵀ dz; return zeros for ∂L/∂x, as an index cannot change by a little."""
        self.backward_parameters(dz)
        dx = self._empty("dx", self.x.shape, dz.dtype)
        dx.fill(0)
        return dx

    def backward_parameters(self, dz: Array) -> None:
        """∂L/∂W_k = Σ dz_i over all i with x_i = k, that is Eᵀ dz: a repeated index adds up."""
        x, dW = self._kept("x"), self.gradients["W"]
        check_array("Embedding.backward", "dz", dz, (*x.shape, dW.shape[1]))
        # Row i of E holds one entry, a 1 in column x_i. Its sparse product is some ten times
        # faster than np.add.at.
        ones, starts = np.ones(x.size, dz.dtype), np.arange(x.size + 1)
        E = sparse.csr_array((ones, x.ravel(), starts), shape=(x.size, len(dW)))
        dW[...] = E.T @ dz.reshape(x.size, dW.shape[1])


def _check_indices(indices: object, n: int) -> NDArray[Any]:
    where = "Embedding.forward"
    x = check_ndarray(where, "x", indices)
    if x.dtype.kind not in "iu":
        raise TypeError(f"{where}: x has dtype {x.dtype}, expected integer indices")
    if x.size and (x.min() < 0 or x.max() >= n):
        index = tuple(int(i) for i in np.argwhere((x < 0) | (x >= n))[0])
        raise ValueError(f"{where}: x{list(index)} is {x[index]}, expected 0 to {n - 1}")
    return x
