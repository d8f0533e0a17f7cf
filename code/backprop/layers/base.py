"""What every layer is: a function with its vector-Jacobian product beside it."""

from __future__ import annotations

from backprop.arrays import Array


class Layer:
    """A differentiable function z = f(x; parameters).

    ``forward`` keeps what ``backward`` needs, ``backward`` maps ∂L/∂z to ∂L/∂x and fills
    ``gradients``. ``parameters`` and ``gradients`` have the same names and shapes.
    """

    name = "layer"

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}

    def forward(self, x: Array) -> Array:
        """Return f(x), shape (batch, n_out)."""
        raise NotImplementedError

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x, shape of x, given dz = ∂L/∂f(x)."""
        raise NotImplementedError

    def _kept(self, quantity: str) -> Array:
        if not hasattr(self, quantity):
            raise RuntimeError(f"{type(self).__name__}: backward() came before forward()")
        kept: Array = getattr(self, quantity)
        return kept
