"""Where branches meet: layers with several inputs, for the nodes of a graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.arrays import Array, check_array, check_count
from backprop.layers.base import Layer


class Junction(Layer):
    """a = f(x_1, …, x_k). Used as a layer it has the one input x_1."""

    def join(self, inputs: Sequence[Array]) -> Array:
        """Return f(x_1, …, x_k)."""
        raise NotImplementedError

    def split(self, dz: Array) -> list[Array]:
        """Return ∂L/∂x_1, …, ∂L/∂x_k given dz = ∂L/∂f."""
        raise NotImplementedError

    def forward(self, x: Array) -> Array:
        """Return f(x)."""
        return self.join([x])

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x given dz = ∂L/∂f."""
        return self.split(dz)[0]


class Add(Junction):
    """a = x_1 + … + x_k, all of one shape."""

    name = "add"

    def join(self, inputs: Sequence[Array]) -> Array:
        """Return x_1 + … + x_k; ``ValueError`` where shapes differ: no broadcasting."""
        first = check_array("Add", "input 1", inputs[0])
        for number, x in enumerate(inputs[1:], 2):
            check_array("Add", f"input {number}", x, first.shape)
        self.inputs = len(inputs)
        a = self._empty("a", first.shape, np.result_type(*inputs))
        np.copyto(a, first)
        for x in inputs[1:]:
            a += x
        return a

    def split(self, dz: Array) -> list[Array]:
        """∂L/∂x_i = ∂L/∂a for every i."""
        if not hasattr(self, "inputs"):
            raise RuntimeError("Add: backward() came before forward()")
        return [dz] * self.inputs


class Concatenate(Junction):
    """a = [x_1, …, x_k] side by side along one axis; the other axes agree.

    Parameters
    ----------
    axis : int
        At least 1: axis 0 is the batch. 1 joins the features of (batch, n) and the channels of
        (batch, channels, height, width).
    """

    name = "concatenate"

    def __init__(self, axis: int = 1) -> None:
        super().__init__()
        self.axis = check_count("Concatenate", "axis", axis)

    def join(self, inputs: Sequence[Array]) -> Array:
        """Return [x_1, …, x_k]; ``ValueError`` where another axis than ``axis`` differs."""
        first = check_array("Concatenate", "input 1", inputs[0])
        if first.ndim <= self.axis:
            raise ValueError(
                f"Concatenate: input 1 has shape {first.shape}, expected an axis {self.axis}"
            )
        free: list[int | None] = list(first.shape)
        free[self.axis] = None
        for number, x in enumerate(inputs[1:], 2):
            check_array("Concatenate", f"input {number}", x, tuple(free))
        self.ends = np.cumsum([x.shape[self.axis] for x in inputs])
        shape = list(first.shape)
        shape[self.axis] = int(self.ends[-1])
        a = self._empty("a", tuple(shape), np.result_type(*inputs))
        return np.concatenate(inputs, axis=self.axis, out=a)

    def split(self, dz: Array) -> list[Array]:
        """∂L/∂x_i is the piece of ∂L/∂a where x_i stood."""
        if not hasattr(self, "ends"):
            raise RuntimeError("Concatenate: backward() came before forward()")
        return np.split(dz, self.ends[:-1], axis=self.axis)
