"""The residual connection: a path along which the error passes unchanged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.arrays import Array
from backprop.layers.base import Layer
from backprop.layers.composite import Chain, numbered


class Residual(Chain):
    """a = x + f(x), f = f_n ∘ … ∘ f_1 (He et al., 2016).

    Shapes: x, f(x) and a have the same.

    Parameters
    ----------
    layers : sequence of Layer
        f_1 … f_n, at least one, each object once; named as in
        :class:`backprop.network.Sequential`, so that its parameters are ``dense1.W`` here and
        ``residual1.dense1.W`` in a network.
    """

    name = "residual"

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(numbered("Residual", layers))

    def forward(self, x: Array) -> Array:
        """Return a = x + f(x), shape of x; ``ValueError`` where f(x) has another shape."""
        f = super().forward(x)
        if f.shape != x.shape:
            raise ValueError(
                f"Residual.forward: f(x) has shape {f.shape}, expected {x.shape} as x: they are"
                " added (a Graph with a projection can change the shape)"
            )
        return np.add(x, f, out=self._empty("a", x.shape, np.result_type(x, f)))

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x = ∂L/∂a + (∂f/∂x)ᵀ ∂L/∂a, where the argument is ∂L/∂a."""
        df = super().backward(dz)
        return np.add(dz, df, out=self._empty("dx", dz.shape, np.result_type(dz, df)))
