"""A vector for each place in a sequence, added to the token that stands there."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array, check_array, check_count, check_dtype, check_positive
from backprop.layers.base import Layer


class Positions(Layer):
    """y_t = x_t + W_t for t = 0, 1, …, with a learned W_t (Gehring et al., 2017).

    Attention alone takes tokens as a set: with these, the same token differs from place to place.

    Shapes: x and y (batch, time, n), time ≤ length, W (length, n).

    Parameters
    ----------
    length : int
        Places, at least 1; no sequence may be longer.
    n : int
        Width of the tokens, at least 1.
    rng : numpy.random.Generator
        Source of the initial W, normal.
    scale : float
        Its standard deviation.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number.
    """

    name = "positions"

    def __init__(
        self,
        length: int,
        n: int,
        *,
        rng: np.random.Generator,
        scale: float = 1.0,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        check_count("Positions", "length", length)
        check_count("Positions", "n", n)
        check_positive("Positions", "scale", scale)
        kind = check_dtype("Positions", dtype)
        self.parameters["W"] = rng.normal(0.0, scale, (length, n)).astype(kind)
        self.gradients["W"] = np.zeros((length, n), kind)

    def forward(self, x: Array) -> Array:
        """Return y, shape of x; ``ValueError`` where a sequence is longer than W."""
        W = self.parameters["W"]
        x = self._input("x", x, (None, None, W.shape[1]))
        time = x.shape[1]
        if time > len(W):
            raise ValueError(
                f"Positions.forward: x has shape {x.shape}, expected at most {len(W)} tokens"
            )
        self.shape = x.shape
        return np.add(x, W[:time], out=self._empty("y", x.shape, np.result_type(x, W)))

    def backward(self, dz: Array) -> Array:
        """∂L/∂W_t = Σ_batch dz_t, and 0 for later places; return ∂L/∂x = dz."""
        if not hasattr(self, "shape"):
            raise RuntimeError("Positions: backward() came before forward()")
        check_array("Positions.backward", "dz", dz, self.shape)
        dW = self.gradients["W"]
        time = self.shape[1]
        dz.sum(axis=0, out=dW[:time])
        dW[time:] = 0
        return dz
