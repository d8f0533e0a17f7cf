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
from backprop.layers.composite import Composite, Watcher
from backprop.layers.dense import Dense
from backprop.layers.dropout import Dropout
from backprop.layers.junction import Add, Concatenate, Junction
from backprop.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backprop.layers.residual import Residual

__all__ = [
    "ELU", "GELU", "Activation", "Add", "BatchNorm", "Composite", "Concatenate", "Dense", "Dropout",
    "Identity", "Junction", "Layer", "LayerNorm", "LeakyReLU", "RMSNorm", "ReLU", "Residual",
    "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "Watcher",
]  # fmt: skip
