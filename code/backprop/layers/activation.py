"""Activations as layers: a = φ(z), ∂L/∂z = ∂L/∂a ⊙ φ'(z)."""

from __future__ import annotations

from backprop.activations import ACTIVATIONS
from backprop.arrays import Array, check_array
from backprop.layers.base import Layer


class Activation(Layer):
    """a = φ(z), elementwise; φ and φ' come from :data:`backprop.activations.ACTIVATIONS`."""

    def __init__(self) -> None:
        super().__init__()
        self.phi, self.phi_prime = ACTIVATIONS[self.name]

    def forward(self, x: Array) -> Array:
        """Return a = φ(z) for z = ``x``, any shape."""
        self.z = check_array(f"{type(self).__name__}.forward", "x", x)
        return self.phi(x)

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂z = ∂L/∂a ⊙ φ'(z), where the argument is ∂L/∂a."""
        z = self._kept("z")
        check_array(f"{type(self).__name__}.backward", "dz", dz, z.shape)
        return dz * self.phi_prime(z)


class Identity(Activation):
    """φ(z) = z."""

    name = "identity"


class Sigmoid(Activation):
    """φ(z) = 1 / (1 + e⁻ᶻ)."""

    name = "sigmoid"


class Tanh(Activation):
    """φ(z) = tanh z."""

    name = "tanh"


class ReLU(Activation):
    """φ(z) = max(0, z)."""

    name = "relu"


class LeakyReLU(Activation):
    """φ(z) = z if z > 0 else 0.01 z."""

    name = "leaky_relu"


class Softplus(Activation):
    """φ(z) = ln(1 + eᶻ)."""

    name = "softplus"


class GELU(Activation):
    """φ(z) = z Φ(z) (Hendrycks & Gimpel, 2016)."""

    name = "gelu"
