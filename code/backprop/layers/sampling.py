"""A draw from a normal distribution, with its slopes: the reparameterisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_array
from backprop.layers.base import Layer
from backprop.randomness import generator_state, set_generator_state


class GaussianSample(Layer):
    """a = μ + exp(½ ln v) ξ in training, ξ from a standard normal distribution; a = μ in use.

    So a is drawn from N(μ, v), while μ and ln v enter by ordinary arithmetic and have slopes
    (Kingma & Welling, 2014; Rezende et al., 2014). Every entry has its own ξ, drawn anew in each
    forward pass.

    Shapes: x (batch, 2 d), the means μ in the first d columns and the logarithms of the variances,
    ln v, in the last d, as in :class:`backprop.losses.GaussianKL`; a (batch, d).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the noise; its state is this layer's :meth:`state`.

    Attributes
    ----------
    held : bool
        While true, the last noise is used again for every x of its shape: a loss with fresh noise
        is no function of the parameters, and no difference quotient could judge it.
    """

    name = "sample"

    def __init__(self, *, rng: np.random.Generator) -> None:
        super().__init__()
        self.rng = rng
        self.held = False
        self.noise: Array | None = None

    def forward(self, x: Array) -> Array:
        """Return μ + exp(½ ln v) ξ in training and μ in use, shape (batch, d).

        Raises
        ------
        ValueError
            If the number of columns is odd.
        """
        check_array("GaussianSample.forward", "x", x, (None, None))
        if x.shape[1] % 2:
            raise ValueError(
                f"GaussianSample.forward: x has shape {x.shape}, expected an even number of columns"
            )
        mean, log_variance = np.split(x, 2, axis=1)
        self.a_shape = mean.shape
        # backward() belongs to the mode of this pass, whatever is set in between.
        self.drawn = self.training
        if not self.drawn:
            return mean
        if self.noise is None or not self.held or self.noise.shape != mean.shape:
            self.noise = self._draw(mean.shape, x.real.dtype)
        self.deviation = np.exp(0.5 * log_variance)
        a = self._empty("a", mean.shape, x.dtype)
        np.multiply(self.deviation, self.noise, out=a)
        a += mean
        return a

    def backward(self, dz: Array) -> Array:
        """∂L/∂μ = ∂L/∂a and ∂L/∂ln v = ∂L/∂a ⊙ ½ exp(½ ln v) ξ, side by side; 0 in use."""
        if not hasattr(self, "a_shape"):
            raise RuntimeError("GaussianSample: backward() came before forward()")
        check_array("GaussianSample.backward", "dz", dz, self.a_shape)
        if not self.drawn:
            return np.concatenate([dz, np.zeros_like(dz)], axis=1)
        tau, xi = self._kept("deviation"), self._kept("noise")
        parts = [dz, dz * (0.5 * tau * xi)]
        return np.concatenate(parts, axis=1)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return "rng", the state of the generator as text, shape ()."""
        return {"rng": generator_state(self.rng)}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Let the noise go on from what :meth:`state` returned."""
        self._check_state(state)
        set_generator_state(self.rng, state["rng"])

    def _snapshot(self) -> tuple[Mapping[str, Any], bool, Array | None]:
        # Noise that is held counts: other noise may be drawn in its place.
        return self.rng.bit_generator.state, self.held, self.noise

    def _put_back(self, snapshot: tuple[Mapping[str, Any], bool, Array | None]) -> None:
        self.rng.bit_generator.state, held, noise = snapshot
        if held:
            self.noise = noise

    def _draw(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        noise = self._empty("noise", shape, dtype)
        self.rng.standard_normal(dtype=dtype.type, out=noise)
        return noise
