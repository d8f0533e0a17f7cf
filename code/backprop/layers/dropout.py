"""Dropout and the mask it keeps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_array, check_interval
from backprop.layers.base import Layer
from backprop.randomness import generator_state, set_generator_state


class Dropout(Layer):
    """a = m ⊙ x in training, m = 0 with probability p, else 1 / (1 - p); a = x in use.

    Every entry has its own m, drawn anew in each forward pass (Srivastava et al., 2014). The
    division makes the mean of a equal x, so that nothing needs scaling in use.

    Parameters
    ----------
    p : float
        0 ≤ p < 1, the probability that an entry is dropped.
    rng : numpy.random.Generator
        Source of the masks; its state is this layer's :meth:`state`.

    Attributes
    ----------
    held : bool
        While true, the last mask is used again for every x of its shape: a loss with fresh masks
        is no function of the parameters, and no difference quotient could judge it.
    """

    name = "dropout"

    def __init__(self, p: float, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.p = check_interval("Dropout", "p", p, 0, 1)
        self.rng = rng
        self.held = False
        self.mask: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return m ⊙ x in training and x itself in use, any shape."""
        self.x_shape = check_array("Dropout.forward", "x", x).shape
        # backward() belongs to the mode of this pass, whatever is set in between.
        self.dropped = self.training
        if not self.dropped:
            return x
        if self.mask is None or not self.held or self.mask.shape != x.shape:
            self.mask = self._draw(x.shape, x.real.dtype)
        return np.multiply(self.mask, x, out=self._empty("a", x.shape, x.dtype))

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x = m ⊙ ∂L/∂a in training and ∂L/∂a in use, where the argument is ∂L/∂a."""
        if not hasattr(self, "x_shape"):
            raise RuntimeError("Dropout: backward() came before forward()")
        check_array("Dropout.backward", "dz", dz, self.x_shape)
        if not self.dropped:
            return dz
        return np.multiply(self._kept("mask"), dz, out=self._empty("dx", dz.shape, dz.dtype))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return "rng", the state of the generator as text, shape ()."""
        return {"rng": generator_state(self.rng)}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Let the masks go on from what :meth:`state` returned."""
        self._check_state(state)
        set_generator_state(self.rng, state["rng"])

    def _snapshot(self) -> tuple[Mapping[str, Any], bool, Array | None]:
        # A mask that is held counts: another may be drawn in its place.
        return self.rng.bit_generator.state, self.held, self.mask

    def _put_back(self, snapshot: tuple[Mapping[str, Any], bool, Array | None]) -> None:
        self.rng.bit_generator.state, held, mask = snapshot
        if held:
            self.mask = mask

    def _draw(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        mask = self._empty("mask", shape, dtype)
        self.rng.random(dtype=dtype.type, out=mask)
        np.greater_equal(mask, self.p, out=mask)
        mask /= 1 - self.p
        return mask
