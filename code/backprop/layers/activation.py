"""Activations as layers: a = φ(z), ∂L/∂z = ∂L/∂a ⊙ φ'(z)."""

from __future__ import annotations

import numpy as np

from backprop.activations import ACTIVATIONS, softmax, softmax_vjp
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
        return self.phi(x, self._empty("a", x.shape, x.dtype))

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂z = ∂L/∂a ⊙ φ'(z), where the argument is ∂L/∂a."""
        z = self._kept("z")
        check_array(f"{type(self).__name__}.backward", "dz", dz, z.shape)
        slope = self.phi_prime(z, self._empty("slope", z.shape, z.dtype))
        return np.multiply(dz, slope, out=slope)


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


class ELU(Activation):
    """φ(z) = z if z > 0 else eᶻ - 1 (Clevert, Unterthiner & Hochreiter, 2016)."""

    name = "elu"


class SiLU(Activation):
    """φ(z) = z σ(z) (Elfwing, Uchibe & Doya, 2018)."""

    name = "silu"


class GELU(Activation):
    """φ(z) = z Φ(z) (Hendrycks & Gimpel, 2016)."""

    name = "gelu"


class Softmax(Layer):
    """p_k = exp(z_k) / Σ_j exp(z_j) along the last axis; any shape with at least one axis.

    Before a cross-entropy use :class:`backprop.losses.SoftmaxCrossEntropy` on the logits instead:
    the logarithm of a probability that rounds to 0 is lost.
    """

    name = "softmax"

    def forward(self, x: Array) -> Array:
        """Return p = softmax(z) for z = ``x``."""
        z = check_array("Softmax.forward", "x", x)
        if not z.ndim or not z.shape[-1]:
            raise ValueError(f"Softmax.forward: x has shape {z.shape}, expected a last axis >= 1")
        self.p = softmax(z)
        # A copy: what the caller does to the result must not reach the backward pass.
        return self.p.copy()

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂z = p ⊙ (∂L/∂p - Σ_j p_j ∂L/∂p_j), where the argument is ∂L/∂p."""
        p = self._kept("p")
        check_array("Softmax.backward", "dz", dz, p.shape)
        return softmax_vjp(p, dz)
