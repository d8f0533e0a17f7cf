"""The plain recurrent layer: one state, one activation, the same weights at every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.activations import Elementwise, relu, relu_prime, tanh, tanh_slope
from backprop.arrays import Array
from backprop.layers.masks import Mask
from backprop.layers.recurrent import Recurrent


def _relu_slope(z: Array, out: Array, scratch: Array) -> Array:
    return relu_prime(z, out=out)


ACTIVATIONS: dict[str, tuple[Elementwise, Callable[[Array, Array, Array], Array]]] = {
    "tanh": (tanh, tanh_slope),
    "relu": (relu, _relu_slope),
}
"""φ, and φ' from z, written into ``out``."""


class RNN(Recurrent):
    """h_t = φ(z_t), z_t = x_t W + h_{t-1} U + b (Elman, 1990).

    Shapes: x (batch, time, n_in), h (batch, time, n_hidden), W (n_in, n_hidden),
    U (n_hidden, n_hidden), b (n_hidden,).

    Parameters
    ----------
    n_in, n_hidden, rng, return_sequence, truncate, initializer, recurrent_initializer, dtype
        As in :class:`backprop.layers.Recurrent`.
    activation : "tanh" or "relu"
        φ.

    Raises
    ------
    ValueError
        If ``activation`` is neither.
    """

    name = "rnn"

    def __init__(self, n_in: int, n_hidden: int, *, activation: str = "tanh", **options: Any):
        super().__init__(n_in, n_hidden, **options)
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"RNN: activation is {activation!r}, expected one of {list(ACTIVATIONS)}"
            )
        self.activation = activation
        self.phi, self.phi_prime = ACTIVATIONS[activation]

    def forward(self, x: Array, mask: Mask | None = None, h0: Array | None = None) -> Array:
        """Return h_1 … h_time, or h_time alone.

        Parameters
        ----------
        x : array, shape (batch, time, n_in)
        mask : bool array, shape (batch, time), optional
            False where a step is padding: there h stays as it is.
        h0 : array, shape (batch, n_hidden), optional
            The state to start from; zeros by default.
        """
        U, b = self.parameters["U"], self.parameters["b"]
        (h,) = self._begin(x, mask, h0=h0)
        self.h = h
        # Step t of x W is needed once: z_t takes its place.
        z = self.z = self._input_part()
        hU = self._empty("hU", z.shape[1:], z.dtype)
        for t in range(len(z)):
            np.matmul(h[t], U, out=hU)
            z[t] += hU
            z[t] += b
            self.phi(z[t], out=h[t + 1])
            self._carry(t, h)
        return self._output(h)

    def backward_parameters(self, dh: Array) -> None:
        """Walk back in time, with dh = ∂L/∂h_t.

        | dz_t = dh ⊙ φ'(z_t)
        | dh_{t-1} = dz_t Uᵀ

        and ∂L/∂W = Σ_t x_tᵀ dz_t, ∂L/∂U = Σ_t h_{t-1}ᵀ dz_t, ∂L/∂b = Σ_t Σ_batch dz_t.
        """
        h = self._kept("h")
        upstream, dh = dh, self._error(dh, h)
        U_T = self._transposed_U()
        dz = self.dz = self._empty("dz", h[1:].shape, self.error_kind)
        slope = self._empty("slope", self.z.shape, self.z.dtype)
        self.phi_prime(self.z, slope, dz)
        for t in reversed(range(len(dz))):
            if self.return_sequence:
                dh += upstream[:, t]
            dh, dh_around = self._around(t, dh)
            np.multiply(dh, slope[t], out=dz[t])
            dh = dz[t] @ U_T
            dh += dh_around
            if self._stops(t):
                dh.fill(0)
        self.dh0 = dh
        self._sum_over_steps("W", self.x, dz)
        self._sum_over_steps("U", h[:-1], dz)
        self._sum_of_steps("b", dz)
