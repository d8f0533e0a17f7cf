"""Layers: each a forward pass with its backward pass beside it."""

from backprop.layers.activation import (
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Softplus,
    Tanh,
)
from backprop.layers.base import Layer
from backprop.layers.dense import Dense

__all__ = [
    "GELU", "Activation", "Dense", "Identity", "Layer", "LeakyReLU", "ReLU", "Sigmoid",
    "Softplus", "Tanh",
]  # fmt: skip
