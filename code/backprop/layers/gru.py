"""The gated recurrent unit: the new state is a mixture of the old one and a candidate."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.activations import sigmoid_pair, tanh_slope
from backprop.arrays import Array
from backprop.layers.masks import Mask
from backprop.layers.recurrent import Recurrent


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al., 2014), with the reset gate after the product.

    With z_t = x_t W + b and q_t = h_{t-1} U, each cut into three blocks r, u, g:

    | r = σ(z_r + q_r), u = σ(z_u + q_u): reset and update gate
    | s = q_g + b_U: what the old state says to the candidate
    | g = tanh(z_g + r ⊙ s): the candidate
    | h_t = u ⊙ h_{t-1} + (1 - u) ⊙ g

    The papers write z for u and h̃ for g; here z is a pre-activation, as everywhere in the book.
    Cho et al. reset before the product: g = tanh(z_g + (r ⊙ h_{t-1}) U_g). Resetting after it, as
    cuDNN and PyTorch do, lets one product serve all blocks of a step, and needs the second bias
    b_U, which r lets through or not.

    Shapes: x (batch, time, n_in), h (batch, time, n_hidden), W (n_in, 3 n_hidden),
    U (n_hidden, 3 n_hidden), b (3 n_hidden,), b_U (n_hidden,).

    Parameters
    ----------
    n_in, n_hidden, rng, return_sequence, truncate, initializer, recurrent_initializer, dtype
        As in :class:`backprop.layers.Recurrent`.
    """

    name = "gru"
    blocks = ("r", "u", "g")

    def __init__(self, n_in: int, n_hidden: int, **options: Any):
        super().__init__(n_in, n_hidden, **options)
        self._add("b_U", np.zeros_like(self._split(self.parameters["b"])[2]))

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
        U, b, b_U = (self.parameters[name] for name in ("U", "b", "b_U"))
        n = self.n_hidden
        (h,) = self._begin(x, mask, h0=h0)
        self.h = h
        xW = self._input_part()
        q = self._empty("q", xW.shape[1:], xW.dtype)
        s = self.s = self._empty("s", h[1:].shape, h.dtype)
        # Step t of x W is used up when the gates of step t are known: they take its place.
        gates = self.gates = xW
        r, u, g = self._split(gates)
        # 1 - r, 1 - u and tanh'(z_g + …), none of them as a difference: that would cancel where a
        # gate is saturated.
        rest = self.rest = self._empty("rest", gates.shape, gates.dtype)
        slope_g = self._split(rest)[2]
        for t in range(len(gates)):
            z = xW[t]
            z += b
            np.matmul(h[t], U, out=q)
            np.add(q[:, 2 * n :], b_U, out=s[t])
            q[:, : 2 * n] += z[:, : 2 * n]
            sigmoid_pair(q[:, : 2 * n], gates[t, :, : 2 * n], rest[t, :, : 2 * n])
            g[t] += r[t] * s[t]
            tanh_slope(g[t], slope_g[t], q[:, 2 * n :])
            np.tanh(g[t], out=g[t])
            # u h + (1 - u) g, with one product less
            np.subtract(h[t], g[t], out=h[t + 1])
            h[t + 1] *= u[t]
            h[t + 1] += g[t]
            self._carry(t, h)
        return self._output(h)

    def backward_parameters(self, dh: Array) -> None:
        """Walk back in time, with dh = ∂L/∂h_t.

        | dg = dh ⊙ (1 - u),  du = dh ⊙ (h_{t-1} - g)
        | dz_g = dg ⊙ tanh'(z_g + r ⊙ s),  ds = dz_g ⊙ r,  dr = dz_g ⊙ s
        | dz_r = dr ⊙ r ⊙ (1 - r),  dz_u = du ⊙ u ⊙ (1 - u)
        | dq_r = dz_r,  dq_u = dz_u,  dq_g = ds
        | dh_{t-1} = dh ⊙ u + dq_t Uᵀ

        and ∂L/∂W = Σ_t x_tᵀ dz_t, ∂L/∂b = Σ_t Σ_batch dz_t, ∂L/∂U = Σ_t h_{t-1}ᵀ dq_t,
        ∂L/∂b_U = Σ_t Σ_batch ds.
        """
        h, n, gates, rest, s = self._kept("h"), self.n_hidden, self.gates, self.rest, self.s
        upstream, dh = dh, self._error(dh, h)
        U_T = self._transposed_U()
        r, u, g = self._split(gates)
        _, rest_u, slope_g = self._split(rest)
        dz = self.dz = self._empty("dz", gates.shape, self.error_kind)
        dq = self._empty("dq", gates.shape, self.error_kind)
        dz_r, dz_u, dz_g = self._split(dz)
        ds = self._split(dq)[2]
        for t in reversed(range(len(gates))):
            if self.return_sequence:
                dh += upstream[:, t]
            dh, dh_around = self._around(t, dh)
            np.multiply(dh, rest_u[t], out=dz_g[t])
            dz_g[t] *= slope_g[t]
            np.multiply(dz_g[t], r[t], out=ds[t])
            np.multiply(dz_g[t], s[t], out=dz_r[t])
            np.multiply(dh, h[t] - g[t], out=dz_u[t])
            dz[t, :, : 2 * n] *= gates[t, :, : 2 * n] * rest[t, :, : 2 * n]
            dq[t, :, : 2 * n] = dz[t, :, : 2 * n]
            dh = dh * u[t] + dq[t] @ U_T + dh_around
            if self._stops(t):
                dh.fill(0)
        self.dh0 = dh
        self._sum_over_steps("W", self.x, dz)
        self._sum_of_steps("b", dz)
        self._sum_over_steps("U", h[:-1], dq)
        self._sum_of_steps("b_U", ds)
