"""What the recurrent layers share: the walk along a sequence, and where the error stops."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array, check_array, check_count, check_dtype
from backprop.initializers import Initializer, glorot, orthogonal
from backprop.layers.base import Layer
from backprop.layers.masks import Mask, check_mask


class Recurrent(Layer):
    """h_t = f(x_t, h_{t-1}; W, U, b), t = 1 … time, with the same W, U, b at every step.

    Shapes: x (batch, time, n_in), h (batch, time, n_hidden), h_0 (batch, n_hidden),
    W (n_in, k n_hidden), U (n_hidden, k n_hidden), b (k n_hidden,): the k blocks of a layer with
    gates stand side by side, so that one product x W serves all steps and all gates, and one
    product h_{t-1} U all gates of a step.

    ``backward`` is backpropagation through time (Werbos, 1990): it walks from the last step to
    the first, and each step hands ∂L/∂h_{t-1} to the step before. It leaves ∂L/∂h_0 in ``dh0``.

    Parameters
    ----------
    n_in, n_hidden : int
        Widths, at least 1.
    rng : numpy.random.Generator
        Source of the initial weights; b starts at 0.
    return_sequence : bool
        Whether ``forward`` returns every h_t, shape (batch, time, n_hidden), or the last one,
        shape (batch, n_hidden). Padding hands the state on, so that is the last valid state.
    truncate : int or None
        Steps in a chunk. The state crosses from one chunk to the next, the error does not: it
        stops between steps k and k + 1, 2k and 2k + 1, and so on, as if each chunk were a
        sequence of its own that starts from the state where the one before ended. With
        ``return_sequence=False`` only the last chunk therefore learns. None: never stops.
    initializer, recurrent_initializer : callable
        One of ``backprop.initializers``, drawn for each block of W and of U.
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If a width or ``truncate`` is no integer or below 1, or the dtype another.
    """

    blocks: tuple[str, ...] = ("h",)
    """Names of the blocks of W, U and b, in their order."""
    dz: Array
    """∂L/∂z of every step, time first, as ``backward_parameters`` leaves it."""

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        *,
        rng: np.random.Generator,
        return_sequence: bool = True,
        truncate: int | None = None,
        initializer: Initializer = glorot,
        recurrent_initializer: Initializer = orthogonal,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.n_in = check_count(where, "n_in", n_in)
        self.n_hidden = check_count(where, "n_hidden", n_hidden)
        self.return_sequence = return_sequence
        self.truncate = None if truncate is None else check_count(where, "truncate", truncate)
        kind = check_dtype(where, dtype)
        # Block by block: the fans of a rule are those of one gate, not of all side by side.
        W = [initializer(rng, (n_in, n_hidden)) for _ in self.blocks]
        U = [recurrent_initializer(rng, (n_hidden, n_hidden)) for _ in self.blocks]
        self._add("W", np.hstack(W).astype(kind))
        self._add("U", np.hstack(U).astype(kind))
        self._add("b", np.zeros(len(self.blocks) * n_hidden, kind))

    @property
    def final_state(self) -> Array | tuple[Array, ...]:
        """h_time, (batch, n_hidden): where a next sequence may start."""
        last: Array = self._kept("h")[-1].copy()
        return last

    def backward(self, dh: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x_t = dz_t Wᵀ, shape (batch, time, n_in)."""
        self.backward_parameters(dh)
        return self._input_error(self.dz)

    def _add(self, name: str, value: Array) -> None:
        self.parameters[name] = value
        self.gradients[name] = np.zeros_like(value)

    def _begin(self, x: Array, mask: Mask | None, **initial: Array | None) -> list[Array]:
        """Keep x and the mask, time first; return arrays of states with h_0 (and c_0) in place.

        Each of them has shape (time + 1, batch, n_hidden): entry t is the state after t steps.
        """
        where = f"{type(self).__name__}.forward"
        x = self._input("x", x, (None, None, self.n_in))
        batch, time = x.shape[:2]
        if not time:
            raise ValueError(f"{where}: x has shape {x.shape}, expected at least one step")
        starts = {
            name: None if value is None else self._input(name, value, (batch, self.n_hidden))
            for name, value in initial.items()
        }
        self.skip = None
        if mask is not None and not check_mask(where, mask, (batch, time)).all():
            self.skip = ~mask.T[:, :, None]
        # Time first: a step's rows then lie together, and all steps' rows form one matrix.
        self.x = self._empty("x", (time, batch, self.n_in), x.dtype)
        self.x[...] = x.swapaxes(0, 1)
        if self.skip is not None:
            # Zero and not just unused: 0 · NaN in a product would spoil the sums over steps.
            np.copyto(self.x, 0, where=self.skip)
        given = (value for value in starts.values() if value is not None)
        self.kind = np.result_type(x, *self.parameters.values(), *given)
        states = []
        for name, value in starts.items():
            state = self._empty(name, (time + 1, batch, self.n_hidden), self.kind)
            state[0] = 0 if value is None else value
            states.append(state)
        return states

    def _input_part(self) -> Array:
        """Return x_t W for all steps, shape (time, batch, k n_hidden), in one product."""
        W = self.parameters["W"]
        time, batch, n_in = self.x.shape
        xW = self._empty("xW", (time, batch, W.shape[1]), self.kind)
        np.matmul(self.x.reshape(-1, n_in), W, out=xW.reshape(-1, W.shape[1]))
        return xW

    def _split(self, packed: Array) -> tuple[Array, ...]:
        """Return views of the blocks of an array whose last axis is that of W."""
        n = self.n_hidden
        return tuple(packed[..., k * n : (k + 1) * n] for k in range(packed.shape[-1] // n))

    def _carry(self, t: int, *states: Array) -> None:
        """Put back the state of step t where step t + 1 is masked."""
        if self.skip is not None:
            for state in states:
                np.copyto(state[t + 1], state[t], where=self.skip[t])

    def _output(self, h: Array) -> Array:
        # A copy, batch first: what the caller does to the result must not reach backward.
        result = h[1:].swapaxes(0, 1) if self.return_sequence else h[-1]
        out = self._empty("out", result.shape, h.dtype)
        out[...] = result
        return out

    def _error(self, dh: Array, h: Array) -> Array:
        """Check ``dh``; return ∂L/∂h_time before the last step's own share, (batch, n_hidden)."""
        time, batch, n = h.shape[0] - 1, *h.shape[1:]
        shape = (batch, time, n) if self.return_sequence else (batch, n)
        check_array(f"{type(self).__name__}.backward", "dh", dh, shape)
        self.error_kind = np.result_type(dh, h)
        if self.return_sequence:
            return np.zeros((batch, n), self.error_kind)
        return dh.astype(self.error_kind)

    def _around(self, t: int, error: Array) -> tuple[Array, Array | float]:
        """Return the part of ∂L/∂(state) that enters a step, and the part that goes round it.

        A masked step is the identity: all of its rows' error goes round, and none enters.
        """
        if self.skip is None:
            return error, 0.0
        around = error * self.skip[t]
        return error - around, around

    def _stops(self, t: int) -> bool:
        """Whether the error stops before step t (counted from 0), the first of its chunk."""
        return self.truncate is not None and t > 0 and t % self.truncate == 0

    def _transposed_U(self) -> Array:
        # A copy in this order makes the product of every step a fifth faster than a view.
        return np.ascontiguousarray(self.parameters["U"].T)

    def _sum_over_steps(self, name: str, a: Array, dz: Array) -> None:
        """∂L/∂(matrix) = Σ_t a_tᵀ dz_t: the product of all steps' rows at once."""
        a, dz = a.reshape(-1, a.shape[-1]), dz.reshape(-1, dz.shape[-1])
        np.matmul(a.T, dz, out=self.gradients[name])

    def _sum_of_steps(self, name: str, dz: Array) -> None:
        """∂L/∂(bias) = Σ_t Σ_batch dz_t: every step and every row shares it."""
        rows = dz.reshape(-1, dz.shape[-1])
        ones = self._empty("ones", (len(rows),), dz.dtype)
        ones.fill(1)
        np.matmul(ones, rows, out=self.gradients[name])

    def _input_error(self, dz: Array) -> Array:
        """Return ∂L/∂x_t = dz_t Wᵀ for all steps, shape (batch, time, n_in)."""
        W = self.parameters["W"]
        time, batch = dz.shape[:2]
        dx = self._empty("dx", (batch, time, self.n_in), np.result_type(dz, W))
        np.matmul(dz, W.T, out=dx.swapaxes(0, 1))
        return dx
