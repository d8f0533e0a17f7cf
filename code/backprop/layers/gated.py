"""A layer of two branches, of which one decides how much of the other passes."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.activations import silu, silu_prime
from backprop.arrays import Array, check_array, check_count, check_dtype
from backprop.initializers import Initializer, glorot
from backprop.layers.base import Layer


class GatedMLP(Layer):
    """y = h W_o, h = φ(g) ⊙ u, g = x W_g, u = x W_u, with φ(g) = g σ(g) (SwiGLU: Shazeer, 2020).

    Shapes: x and y (…, n) with any leading axes, W_g and W_u (n, n_hidden), W_o (n_hidden, n). As
    in the paper there are no biases.

    Parameters
    ----------
    n : int
        Width of x and y, at least 1.
    n_hidden : int
        Width of the gate g and of what it lets through, u; at least 1.
    rng : numpy.random.Generator
        Source of the initial weights.
    initializer : callable
        One of ``backprop.initializers``, drawn for each of W_g, W_u and W_o.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If a width is no integer or below 1, or the dtype another.
    """

    name = "gatedmlp"

    def __init__(
        self,
        n: int,
        n_hidden: int,
        *,
        rng: np.random.Generator,
        initializer: Initializer = glorot,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.n = check_count("GatedMLP", "n", n)
        check_count("GatedMLP", "n_hidden", n_hidden)
        kind = check_dtype("GatedMLP", dtype)
        inward, outward = (n, n_hidden), (n_hidden, n)
        for name, shape in (("W_g", inward), ("W_u", inward), ("W_o", outward)):
            self.parameters[name] = initializer(rng, shape).astype(kind)
            self.gradients[name] = np.zeros(shape, kind)

    def forward(self, x: Array) -> Array:
        """Return y = (φ(x W_g) ⊙ x W_u) W_o, shape of x."""
        W_g, W_u, W_o = self.parameters.values()
        axes = max(getattr(x, "ndim", 1), 1)
        x = self._input("x", x, (None,) * (axes - 1) + (self.n,))
        self.shape = x.shape
        self.x = rows = x.reshape(-1, self.n)
        kind = np.result_type(x, W_g, W_u, W_o)
        hidden = (len(rows), W_g.shape[1])
        self.g, self.u = (self._empty(name, hidden, kind) for name in "gu")
        np.matmul(rows, W_g, out=self.g)
        np.matmul(rows, W_u, out=self.u)
        self.a = silu(self.g, self._empty("a", hidden, kind))
        self.h = np.multiply(self.a, self.u, out=self._empty("h", hidden, kind))
        y = self._empty("y", rows.shape, kind)
        return np.matmul(self.h, W_o, out=y).reshape(self.shape)

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x = dg W_gᵀ + du W_uᵀ, given the argument dy = ∂L/∂y."""
        self.backward_parameters(dz)
        W_g, W_u, _ = self.parameters.values()
        kind = np.result_type(self.dg, W_g)
        dx, share = (self._empty(name, self.x.shape, kind) for name in ("dx", "share"))
        np.matmul(self.dg, W_g.T, out=dx)
        dx += np.matmul(self.du, W_u.T, out=share)
        return dx.reshape(self.shape)

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, given the argument dy = ∂L/∂y.

        | dW_o = hᵀ dy,  dh = dy W_oᵀ
        | du = dh ⊙ φ(g),  dg = dh ⊙ u ⊙ φ'(g)
        | dW_g = xᵀ dg,  dW_u = xᵀ du
        """
        h, W_o = self._kept("h"), self.parameters["W_o"]
        dy = check_array("GatedMLP.backward", "dz", dz, self.shape).reshape(-1, self.n)
        np.matmul(h.T, dy, out=self.gradients["W_o"])
        kind = np.result_type(dy, h)
        dh, slope = (self._empty(name, h.shape, kind) for name in ("dh", "slope"))
        np.matmul(dy, W_o.T, out=dh)
        self.du = np.multiply(dh, self.a, out=self._empty("du", h.shape, kind))
        dh *= self.u
        self.dg = np.multiply(dh, silu_prime(self.g, slope), out=dh)
        np.matmul(self.x.T, self.dg, out=self.gradients["W_g"])
        np.matmul(self.x.T, self.du, out=self.gradients["W_u"])
