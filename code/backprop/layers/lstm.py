"""Long short-term memory: a state that is added to, so that its error is not multiplied away."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.activations import sigmoid_pair, tanh_slope
from backprop.arrays import Array, check_array
from backprop.layers.masks import Mask
from backprop.layers.recurrent import Recurrent


class LSTM(Recurrent):
    """A cell c_t that gates fill, empty and read (Hochreiter & Schmidhuber, 1997; Gers, 2000).

    With z_t = x_t W + h_{t-1} U + b cut into four blocks z_i, z_f, z_o, z_g:

    | i = σ(z_i), f = σ(z_f), o = σ(z_o): input, forget and output gate
    | g = tanh(z_g): what there is to add
    | c_t = f ⊙ c_{t-1} + i ⊙ g
    | h_t = o ⊙ tanh(c_t)

    Shapes: x (batch, time, n_in), h and c (batch, time, n_hidden), W (n_in, 4 n_hidden),
    U (n_hidden, 4 n_hidden), b (4 n_hidden,).

    ``backward`` leaves ∂L/∂h_0 and ∂L/∂c_0 in ``dh0`` and ``dc0``.

    Parameters
    ----------
    n_in, n_hidden, rng, return_sequence, truncate, initializer, recurrent_initializer, dtype
        As in :class:`backprop.layers.Recurrent`.
    forget_bias : float
        Start of the bias of f: 1 keeps the gate open until it has learnt to shut (Gers, 2000;
        Jozefowicz et al., 2015).
    """

    name = "lstm"
    blocks = ("i", "f", "o", "g")

    def __init__(self, n_in: int, n_hidden: int, *, forget_bias: float = 1.0, **options: Any):
        super().__init__(n_in, n_hidden, **options)
        self._split(self.parameters["b"])[1][...] = forget_bias

    def forward(
        self, x: Array, mask: Mask | None = None, h0: Array | None = None, c0: Array | None = None
    ) -> Array:
        """Return h_1 … h_time, or h_time alone.

        Parameters
        ----------
        x : array, shape (batch, time, n_in)
        mask : bool array, shape (batch, time), optional
            False where a step is padding: there h and c stay as they are.
        h0, c0 : array, shape (batch, n_hidden), optional
            The state to start from; zeros by default.
        """
        U, b = self.parameters["U"], self.parameters["b"]
        self.h, self.c = h, c = self._begin(x, mask, h0=h0, c0=c0)
        xW = self._input_part()
        z = self._empty("z", xW.shape[1:], xW.dtype)
        z_g = self._split(z)[3]
        tanh_c = self.tanh_c = self._empty("tanh_c", h[1:].shape, h.dtype)
        # Step t of x W is used up when the gates of step t are known: they take its place.
        gates = self.gates = xW
        i, f, o, g = self._split(gates)
        slope = self.slope = self._empty("slope", gates.shape, gates.dtype)
        slope_g = self._split(slope)[3]
        candidate = self._empty("candidate", z_g.shape, z_g.dtype)
        for t in range(len(gates)):
            np.matmul(h[t], U, out=z)
            z += xW[t]
            z += b
            np.tanh(z_g, out=candidate)
            # φ'(z), from σ(z) and σ(-z): 1 - σ and 1 - tanh² would cancel where a gate is
            # saturated. tanh' z = 4 σ'(2z) goes along: whole rows are faster than parts of rows.
            z_g *= 2
            sigmoid_pair(z, gates[t], slope[t])
            slope[t] *= gates[t]
            slope_g[t] *= 4
            g[t] = candidate
            np.multiply(f[t], c[t], out=c[t + 1])
            c[t + 1] += i[t] * g[t]
            np.tanh(c[t + 1], out=tanh_c[t])
            np.multiply(o[t], tanh_c[t], out=h[t + 1])
            self._carry(t, h, c)
        return self._output(h)

    @property
    def final_state(self) -> tuple[Array, Array]:
        """h_time and c_time, each (batch, n_hidden): where a next sequence may start."""
        return self._kept("h")[-1].copy(), self._kept("c")[-1].copy()

    def backward(self, dh: Array, dc_last: Array | None = None) -> Array:
        """Fill ``gradients``; return ∂L/∂x_t = dz_t Wᵀ, shape (batch, time, n_in).

        Parameters
        ----------
        dh : array of the shape of the output
            ∂L/∂(output).
        dc_last : array, shape (batch, n_hidden), optional
            ∂L/∂c_time where the loss also sees the last cell; zero by default.
        """
        self.backward_parameters(dh, dc_last)
        return self._input_error(self.dz)

    def backward_parameters(self, dh: Array, dc_last: Array | None = None) -> None:
        """Walk back in time, with dh = ∂L/∂h_t and dc = ∂L/∂c_t.

        | do = dh ⊙ tanh(c_t)
        | dc ← dc + dh ⊙ o ⊙ tanh'(c_t)
        | di = dc ⊙ g,  df = dc ⊙ c_{t-1},  dg = dc ⊙ i
        | dz_i = di ⊙ σ'(z_i), likewise f and o;  dz_g = dg ⊙ tanh'(z_g)
        | dh_{t-1} = dz_t Uᵀ,  dc_{t-1} = dc ⊙ f

        and ∂L/∂W = Σ_t x_tᵀ dz_t, ∂L/∂U = Σ_t h_{t-1}ᵀ dz_t, ∂L/∂b = Σ_t Σ_batch dz_t.
        """
        h = self._kept("h")
        c, tanh_c, gates, slope = self.c, self.tanh_c, self.gates, self.slope
        upstream, dh = dh, self._error(dh, h)
        dc = np.zeros_like(dh)
        if dc_last is not None:
            dc += check_array("LSTM.backward", "dc_last", dc_last, dc.shape)
        U_T = self._transposed_U()
        i, f, o, g = self._split(gates)
        dz = self.dz = self._empty("dz", gates.shape, self.error_kind)
        di, df, do, dg = self._split(dz)
        slope_c, scratch = (
            self._empty(name, tanh_c.shape[1:], tanh_c.dtype) for name in ("slope_c", "scratch")
        )
        for t in reversed(range(len(gates))):
            if self.return_sequence:
                dh += upstream[:, t]
            dh, dh_around = self._around(t, dh)
            dc, dc_around = self._around(t, dc)
            np.multiply(dh, tanh_c[t], out=do[t])
            dc += dh * o[t] * tanh_slope(c[t + 1], slope_c, scratch)
            np.multiply(dc, g[t], out=di[t])
            np.multiply(dc, c[t], out=df[t])
            np.multiply(dc, i[t], out=dg[t])
            dz[t] *= slope[t]
            dh = dz[t] @ U_T + dh_around
            dc = dc * f[t] + dc_around
            if self._stops(t):
                dh.fill(0)
                dc.fill(0)
        self.dh0, self.dc0 = dh, dc
        self._sum_over_steps("W", self.x, dz)
        self._sum_over_steps("U", h[:-1], dz)
        self._sum_of_steps("b", dz)
