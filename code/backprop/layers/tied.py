"""A network whose first and last layer are one table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.arrays import Array, check_array
from backprop.layers.base import Layer
from backprop.layers.composite import Chain, numbered
from backprop.layers.embedding import Embedding


class Tied(Chain):
    """z = h Wᵀ, h = f(W[x]): one table W embeds tokens and scores them.

    Score k is the dot product of h with the vector of token k (Press & Wolf, 2017; Inan et al.,
    2017). W is used twice, so its gradient is the sum of two: that of f's input, row by row, and
    that of the scores.

    Shapes: x (batch, …) of integers, W (n_in, n), h (batch, …, n), z (batch, …, n_in).

    Parameters
    ----------
    layers : sequence of Layer
        An :class:`backprop.layers.Embedding`, which owns W, then the layers of f, each object once;
        named as in :class:`backprop.network.Sequential`: W is ``embedding1.W`` here.

    Raises
    ------
    TypeError
        If the first layer is no Embedding.
    ValueError
        If ``layers`` is empty, repeats a layer, or mixes dtypes.
    """

    name = "tied"

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(numbered("Tied", layers))
        if not isinstance(self.layers[0], Embedding):
            raise TypeError(
                f"Tied: layers begins with a {type(self.layers[0]).__name__}, expected an Embedding"
            )

    def forward(self, x: Array) -> Array:
        """Return z = h Wᵀ; ``ValueError`` where f returns another width than it was given."""
        W = self.layers[0].parameters["W"]
        h = super().forward(x)
        self.h = check_array("Tied.forward", "f(W[x])", h, (*x.shape, W.shape[1]))
        z = self._empty("z", (h.size // W.shape[1], len(W)), np.result_type(h, W))
        np.matmul(h.reshape(len(z), -1), W.T, out=z)
        return z.reshape(*x.shape, len(W))

    def backward(self, dz: Array) -> Array:
        """∂L/∂W = dzᵀ h + (what the embedding finds); return its ∂L/∂x, which is 0."""
        dW, dh = self._score_errors(dz)
        dx = super().backward(dh)
        self.layers[0].gradients["W"] += dW
        return dx

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, without ∂L/∂x."""
        dW, dh = self._score_errors(dz)
        super().backward_parameters(dh)
        self.layers[0].gradients["W"] += dW

    def _score_errors(self, dz: Array) -> tuple[Array, Array]:
        """Return dzᵀ h, the share of the scores in ∂L/∂W, and ∂L/∂h = dz W."""
        h, W = self._kept("h"), self.layers[0].parameters["W"]
        check_array("Tied.backward", "dz", dz, (*h.shape[:-1], len(W)))
        dz = dz.reshape(-1, len(W))
        kind = np.result_type(dz, h)
        dW, dh = self._empty("dW", W.shape, kind), self._empty("dh", (len(dz), W.shape[1]), kind)
        np.matmul(dz.T, h.reshape(dh.shape), out=dW)
        np.matmul(dz, W, out=dh)
        return dW, dh.reshape(h.shape)
