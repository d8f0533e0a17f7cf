"""What every layer is: a function with its vector-Jacobian product beside it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, Buffers, check_array


class Layer(Buffers):
    """A differentiable function z = f(x; parameters).

    ``forward`` keeps what ``backward`` needs, ``backward`` maps ∂L/∂z to ∂L/∂x and fills
    ``gradients``. ``parameters`` and ``gradients`` have the same names and shapes.

    Attributes
    ----------
    training : bool
        Whether layers that differ between training and use (dropout, batch normalisation) behave
        as in training.
    """

    name = "layer"

    def __init__(self) -> None:
        super().__init__()
        self.parameters: MutableMapping[str, Array] = {}
        self.gradients: MutableMapping[str, Array] = {}
        self.training = True

    def forward(self, x: Array) -> Array:
        """Return f(x), shape (batch, n_out)."""
        raise NotImplementedError

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x, shape of x, given dz = ∂L/∂f(x)."""
        raise NotImplementedError

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` alone: the first layer of a network has no layer to tell ∂L/∂x."""
        self.backward(dz)

    def train(self, training: bool = True) -> None:
        """Set whether layers such as dropout behave as in training."""
        self.training = training

    def reuse_buffers(self, reuse: bool) -> None:
        """Set whether results go into the arrays of the last call, or free those arrays."""
        if reuse:
            self.reuse = True
        else:
            self.forget()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return copies of what a checkpoint must hold besides ``parameters``; often nothing."""
        return {}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned.

        Raises
        ------
        ValueError
            If an array is missing, unknown or of another shape or dtype.
        """
        self._check_state(state)

    def _check_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        where, expected = f"{type(self).__name__}.load_state", self.state()
        if set(state) != set(expected):
            raise ValueError(f"{where}: state holds {sorted(state)}, expected {sorted(expected)}")
        for name, array in expected.items():
            given = np.asarray(state[name])
            # The length of a text is part of its dtype, but says nothing.
            if (
                given.shape != array.shape
                or given.dtype.kind != array.dtype.kind
                or (given.dtype != array.dtype and array.dtype.kind != "U")
            ):
                raise ValueError(
                    f"{where}: {name} has shape {given.shape} and dtype {given.dtype},"
                    f" expected {array.shape} and {array.dtype}"
                )

    def _bind(self, theta: Array, dtheta: Array) -> None:
        """Move parameters and gradients into two vectors: they become views of these."""
        start = 0
        for key, value in self.parameters.items():
            part = slice(start, start + value.size)
            start += value.size
            theta[part] = value.ravel()
            self.parameters[key] = theta[part].reshape(value.shape)
            self.gradients[key] = dtheta[part].reshape(value.shape)

    def _input(self, argument: str, x: object, shape: tuple[int | None, ...]) -> Array:
        """Return ``x`` after checking its shape, and its dtype against the parameters'."""
        where = f"{type(self).__name__}.forward"
        checked = check_array(where, argument, x, shape)
        kind = next(iter(self.parameters.values())).dtype if self.parameters else checked.dtype
        # Complex numbers come from the complex step alone, and for one of the two only.
        if checked.dtype != kind and "c" not in (checked.dtype.kind, kind.kind):
            raise TypeError(
                f"{where}: {argument} has dtype {checked.dtype}, expected {kind}"
                f" as the parameters (convert with {argument}.astype(numpy.{kind}))"
            )
        return checked
