"""Composition of layers; parameters and gradients by name, in one flat vector."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backprop.arrays import Array
from backprop.layers import Layer


class Sequential:
    """a = f_n(… f_2(f_1(x))).

    ``parameters["dense1.W"]`` and ``gradients["dense1.W"]`` are views into ``theta`` and
    ``dtheta``, vectors of shape (number of parameters,): a write to either is seen in both.

    Parameters
    ----------
    layers : sequence of Layer
        At least one, each object once. Layers with parameters are numbered within their kind:
        ``dense1``, ``dense2``.

    Raises
    ------
    ValueError
        If ``layers`` is empty, repeats a layer, or mixes dtypes.
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("Sequential: layers is empty, expected at least one layer")
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise ValueError("Sequential: the same layer object stands twice in layers")
        slots: list[tuple[str, Layer, str]] = []
        counts: dict[str, int] = {}
        for layer in self.layers:
            if layer.parameters:
                counts[layer.name] = counts.get(layer.name, 0) + 1
                prefix = f"{layer.name}{counts[layer.name]}"
                slots += [(f"{prefix}.{key}", layer, key) for key in layer.parameters]
        arrays = [layer.parameters[key] for _, layer, key in slots]
        kinds = {a.dtype for a in arrays}
        if len(kinds) > 1:
            names = ", ".join(sorted(map(str, kinds)))
            raise ValueError(f"Sequential: layers have dtypes {names}, expected one")
        self.dtype = kinds.pop() if kinds else np.dtype(np.float64)
        size = sum(a.size for a in arrays)
        self.theta: Array = np.zeros(size, self.dtype)
        self.dtheta: Array = np.zeros(size, self.dtype)
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        start = 0
        for (name, layer, key), value in zip(slots, arrays, strict=True):
            part = slice(start, start + value.size)
            start += value.size
            self.theta[part] = value.ravel()
            W = self.theta[part].reshape(value.shape)
            dW = self.dtheta[part].reshape(value.shape)
            self.parameters[name] = layer.parameters[key] = W
            self.gradients[name] = layer.gradients[key] = dW

    def forward(self, x: Array) -> Array:
        """Return the last layer's output, shape (batch, n_out)."""
        for layer in self.layers:
            x = layer.forward(x)
        return x

    __call__ = forward

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x given ∂L/∂(output); fills ``gradients``."""
        for layer in reversed(self.layers):
            dz = layer.backward(dz)
        return dz

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` given ∂L/∂(output), without the last product, which gives ∂L/∂x."""
        first = next((k for k, layer in enumerate(self.layers) if layer.parameters), None)
        if first is None:
            return
        for layer in reversed(self.layers[first + 1 :]):
            dz = layer.backward(dz)
        self.layers[first].backward_parameters(dz)

    def train(self, training: bool = True) -> None:
        """Set whether layers such as dropout behave as in training."""
        for layer in self.layers:
            layer.training = training

    def reuse_buffers(self, reuse: bool) -> None:
        """Set whether layers write results into the arrays of their last call, or free those."""
        for layer in self.layers:
            if reuse:
                layer.reuse = True
            else:
                layer.forget()
