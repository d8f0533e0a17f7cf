"""Backpropagation in NumPy: the tested library under the book.

What a user imports stands here; activations, initialisers and checks of arguments are in their
modules. The modules import downwards only, and the library never imports ``backprop.book``,
which holds what the pages need.
"""

from backprop.autodiff import (
    adjoint_vjp,
    grad,
    hvp,
    implicit_vjp,
    jacobian,
    jvp,
    odeint,
    odeint_vjp,
    value_and_grad,
    vjp,
)
from backprop.autodiff.gradcheck import check_gradient, check_layer, check_loss, check_network
from backprop.datasets import DatasetError, Split, load_digits, load_mnist
from backprop.layers import (
    ELU,
    GELU,
    GRU,
    LSTM,
    RNN,
    Activation,
    Add,
    AvgPool2d,
    BatchNorm,
    Concatenate,
    Conv2d,
    Dense,
    Dropout,
    Embedding,
    FixedPoint,
    Flatten,
    GatedMLP,
    GaussianSample,
    Identity,
    Layer,
    LayerNorm,
    LeakyReLU,
    MaxPool2d,
    MultiHeadAttention,
    ReLU,
    Residual,
    RMSNorm,
    RotaryAttention,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
    Tied,
    blockwise_attention,
    blockwise_attention_vjp,
    dot_product_attention,
    dot_product_attention_vjp,
)
from backprop.losses import (
    BinaryCrossEntropy,
    GaussianKL,
    Hinge,
    Huber,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    SoftmaxCrossEntropy,
)
from backprop.network import Graph, Network, Sequential
from backprop.optimizers import (
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    clip_norm,
    clip_value,
    minimize_lbfgs,
)
from backprop.schedules import (
    Constant,
    Cosine,
    CosineWarmRestarts,
    Exponential,
    OneCycle,
    ReduceOnPlateau,
    StepDecay,
    Warmup,
    learning_rate_range_test,
)
from backprop.training import Checkpointed, CheckpointError, History, Step, accuracy, evaluate, fit

__version__ = "0.2.0"

__all__ = [
    "ELU", "GELU", "GRU", "LSTM", "RNN", "SGD", "Activation", "AdaGrad", "Adam", "AdamW", "Add",
    "AvgPool2d", "BatchNorm", "BinaryCrossEntropy", "CheckpointError", "Checkpointed",
    "Concatenate", "Constant", "Conv2d", "Cosine", "CosineWarmRestarts", "DatasetError", "Dense",
    "Dropout", "Embedding", "Exponential", "FixedPoint", "Flatten", "GatedMLP", "GaussianKL",
    "GaussianSample", "Graph", "Hinge", "History", "Huber", "Identity", "Layer", "LayerNorm",
    "LeakyReLU", "Lion", "Loss", "MaxPool2d", "MeanAbsoluteError", "MeanSquaredError",
    "Momentum", "MultiHeadAttention", "Nesterov", "Network", "OneCycle", "Optimizer", "RMSNorm",
    "RMSProp", "ReLU", "ReduceOnPlateau", "Residual", "RotaryAttention", "Sequential", "SiLU",
    "Sigmoid", "Softmax", "SoftmaxCrossEntropy", "Softplus", "Split", "Step", "StepDecay",
    "Tanh", "Tied", "Warmup", "accuracy", "adjoint_vjp", "blockwise_attention",
    "blockwise_attention_vjp", "check_gradient", "check_layer", "check_loss", "check_network",
    "clip_norm", "clip_value", "dot_product_attention", "dot_product_attention_vjp", "evaluate",
    "fit", "grad", "hvp", "implicit_vjp", "jacobian", "jvp", "learning_rate_range_test",
    "load_digits", "load_mnist", "minimize_lbfgs", "odeint", "odeint_vjp", "value_and_grad",
    "vjp",
]  # fmt: skip
