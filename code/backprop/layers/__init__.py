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
from backprop.layers.attention import (
    MultiHeadAttention,
    blockwise_attention,
    blockwise_attention_vjp,
    dot_product_attention,
    dot_product_attention_vjp,
)
from backprop.layers.base import Layer
from backprop.layers.composite import Composite, Watcher
from backprop.layers.convolution import AvgPool2d, Conv2d, Flatten, MaxPool2d
from backprop.layers.dense import Dense
from backprop.layers.dropout import Dropout
from backprop.layers.embedding import Embedding
from backprop.layers.fixed_point import FixedPoint
from backprop.layers.gated import GatedMLP
from backprop.layers.gru import GRU
from backprop.layers.junction import Add, Concatenate, Junction
from backprop.layers.lstm import LSTM
from backprop.layers.masks import lengths_to_mask
from backprop.layers.normalization import BatchNorm, LayerNorm, RMSNorm
from backprop.layers.recurrent import Recurrent
from backprop.layers.residual import Residual
from backprop.layers.rnn import RNN
from backprop.layers.rotary import RotaryAttention
from backprop.layers.sampling import GaussianSample
from backprop.layers.tied import Tied

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "Activation", "Add", "AvgPool2d", "BatchNorm",
    "Composite", "Concatenate", "Conv2d", "Dense", "Dropout", "Embedding", "FixedPoint",
    "Flatten", "GatedMLP", "GaussianSample", "Identity", "Junction", "Layer", "LayerNorm",
    "LeakyReLU", "MaxPool2d", "MultiHeadAttention", "RMSNorm", "ReLU", "Recurrent", "Residual",
    "RotaryAttention", "SiLU", "Sigmoid", "Softmax", "Softplus", "Tanh", "Tied", "Watcher",
    "blockwise_attention", "blockwise_attention_vjp", "dot_product_attention",
    "dot_product_attention_vjp", "lengths_to_mask",
]  # fmt: skip
