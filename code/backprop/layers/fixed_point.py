"""A layer whose output is where an iteration comes to rest."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.activations import tanh_slope
from backprop.arrays import Array, check_array, check_count, check_dtype
from backprop.initializers import Initializer, glorot, orthogonal
from backprop.layers.base import Layer


class FixedPoint(Layer):
    """h = tanh(x W + h U + b): an RNN that reads one x until its state no longer changes.

    A deep equilibrium model (Bai, Kolter & Koltun, 2019). ``forward`` iterates from h = 0, and
    ``backward`` solves one linear equation in place of a walk back through the iterations, of which
    nothing is kept.

    The iteration converges if the spectral norm of U is below 1, since |tanh'| ≤ 1. Training may
    lead beyond; :meth:`contract` leads back.

    Shapes: x (batch, n_in), h (batch, n_hidden), W (n_in, n_hidden), U (n_hidden, n_hidden),
    b (n_hidden,).

    Parameters
    ----------
    n_in, n_hidden : int
        Widths, at least 1.
    rng : numpy.random.Generator
        Source of the initial weights; b starts at 0.
    norm : float
        Spectral norm of U at the start.
    tolerance : float, optional
        The iteration ends when no entry of h changes by more. Default: 16 eps, which is rounding.
        What is left multiplies the error of the gradients as well.
    iterations : int
        At most.
    initializer : callable
        One of ``backprop.initializers``, for W.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Attributes
    ----------
    taken : int
        Iterations of the last forward pass.
    change : float
        The largest change in the last of them.
    """

    name = "fixed_point"

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        rng: np.random.Generator,
        norm: float = 0.9,
        tolerance: float | None = None,
        iterations: int = 1000,
        initializer: Initializer = glorot,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        check_count("FixedPoint", "n_in", n_in)
        check_count("FixedPoint", "n_hidden", n_hidden)
        self.iterations = check_count("FixedPoint", "iterations", iterations)
        kind = check_dtype("FixedPoint", dtype)
        self.tolerance = float(16 * np.finfo(kind).eps if tolerance is None else tolerance)
        self._add("W", initializer(rng, (n_in, n_hidden)).astype(kind))
        self._add("U", (norm * orthogonal(rng, (n_hidden, n_hidden))).astype(kind))
        self._add("b", np.zeros(n_hidden, kind))

    def forward(self, x: Array) -> Array:
        """Return h, shape (batch, n_hidden), with tanh(x W + h U + b) = h up to the tolerance.

        Raises
        ------
        RuntimeError
            If h still changes by more after all iterations.
        """
        W, U, b = (self.parameters[name] for name in "WUb")
        self.x = self._input("x", x, (None, len(W)))
        part = x @ W + b
        self.h = np.zeros(part.shape, np.result_type(part, U))
        for k in range(1, self.iterations + 1):
            self.taken = k
            self.z = part + self.h @ U
            h, self.h = self.h, np.tanh(self.z)
            self.change = _change(self.h, h)
            if self.change <= self.tolerance:
                return self.h
        # NumPy's complex tanh, which the complex step needs, is off by several units in the last
        # place, so that near its end the iteration goes round in a circle of that size.
        if np.iscomplexobj(self.h) and self.change <= 16 * self.tolerance:
            return self.h
        raise RuntimeError(
            f"FixedPoint.forward: after {self.taken} iterations h still changes by"
            f" {self.change:.1e}, expected at most {self.tolerance:.1e}; the spectral norm of U is"
            f" {np.linalg.norm(U, 2):.3g} (below 1, more iterations or a larger tolerance help;"
            " else call contract())"
        )

    def backward(self, dh: Array) -> Array:
        """Solve u = dh + (u ⊙ φ'(z)) Uᵀ; return ∂L/∂x = dz Wᵀ, dz = u ⊙ φ'(z).

        ∂L/∂W = xᵀ dz, ∂L/∂U = hᵀ dz, ∂L/∂b = Σ_batch dz.
        """
        self.backward_parameters(dh)
        return self.dz @ self.parameters["W"].T

    def backward_parameters(self, dh: Array) -> None:
        """Fill ``gradients`` alone."""
        h, U = self._kept("h"), self.parameters["U"]
        check_array("FixedPoint.backward", "dh", dh, h.shape)
        slope = tanh_slope(self.z, np.empty_like(h), np.empty_like(h))
        # A matrix for each example: transposed, its equation is (I - U diag φ'(z)) uᵀ = dhᵀ.
        A = np.eye(len(U), dtype=U.dtype) - U * slope[:, None, :]
        u = np.linalg.solve(A, dh[:, :, None])[:, :, 0]
        self.dz = u * slope
        np.matmul(self.x.T, self.dz, out=self.gradients["W"])
        np.matmul(h.T, self.dz, out=self.gradients["U"])
        np.sum(self.dz, axis=0, out=self.gradients["b"])

    def contract(self, norm: float = 0.95) -> None:
        """Scale U down, if need be, to this spectral norm: below 1 the iteration converges."""
        U = self.parameters["U"]
        U *= min(1.0, norm / float(np.linalg.norm(U, 2)))

    def _add(self, name: str, value: Array) -> None:
        self.parameters[name] = value
        self.gradients[name] = np.zeros_like(value)


def _change(new: Array, old: Array) -> float:
    """The largest change; of a complex step's imaginary part, relative to four times its size."""
    step = new - old
    change = np.abs(step.real).max(initial=0)
    if np.iscomplexobj(new):
        size = 4 * np.abs(new.imag).max(initial=0)  # it is a sum, whose rounding is larger
        change = max(change, np.abs(step.imag).max(initial=0) / (size or 1.0))
    return float(change)
