"""Layers: each a forward pass with its backward pass beside it."""

from backprop.layers.activation import (
    ELU,
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from backprop.layers.base import Layer
from backprop.layers.dense import Dense

__all__ = [
    "ELU", "GELU", "Activation", "Dense", "Identity", "Layer", "LeakyReLU", "ReLU", "SiLU",
    "Sigmoid", "Softmax", "Softplus", "Tanh",
]  # fmt: skip
