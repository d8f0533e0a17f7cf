"""Convolution and pooling: one small window slides over the image, the same at every place.

Images are (batch, channels, height, width). The window's tap (u, v) is its pixel in row u and
column v; output (i, j) meets through it the pixel (s i + d u - p, s j + d v - p) of the image, with
stride s, dilation d and padding p. Going back, the gradient takes the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from types import EllipsisType

import numpy as np
from numpy.typing import DTypeLike

from backprop.arrays import Array, check_array, check_count, check_dtype
from backprop.initializers import Initializer, he
from backprop.layers.base import Layer

Pair = int | tuple[int, int]
"""One number for both axes, or (height, width)."""
Place = tuple[EllipsisType, slice, slice]
Tap = tuple[Place, Place]
"""The outputs (i, j) that meet the image through this tap, and the pixels that they meet."""

X_BYTES = 2**20
"""Largest matrix X of a convolution: about a second-level cache."""


@dataclass(frozen=True)
class Windows:
    """The places of a window, each attribute as (height, width)."""

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)

    def over(self, where: str, shape: tuple[int, ...]) -> tuple[tuple[int, int], list[Tap]]:
        """Return the output's (height, width), and the taps in the order (0, 0), (0, 1), ….

        Raises
        ------
        ValueError
            If the window is larger than the padded image, so that it has no place.
        """
        outs, axes = [], []
        for axis, name in enumerate(("height", "width")):
            k, s, p, d = (
                pair[axis] for pair in (self.size, self.stride, self.padding, self.dilation)
            )
            n, span = shape[2 + axis], d * (k - 1) + 1
            if n + 2 * p < span:
                raise ValueError(
                    f"{where}: x has shape {shape}, expected a {name} of at least {span - 2 * p}"
                    f" (size {k}, dilation {d}, padding {p})"
                )
            outs.append((n + 2 * p - span) // s + 1)
            axes.append([_meet(d * u - p, s, n, outs[-1]) for u in range(k)])
        rows, columns = axes
        taps: list[Tap] = [((..., i, j), (..., r, c)) for i, r in rows for j, c in columns]
        return (outs[0], outs[1]), taps


def _meet(offset: int, stride: int, n: int, n_out: int) -> tuple[slice, slice]:
    """Return all i with 0 ≤ stride i + offset < n as a slice, and these pixels as another."""
    first = max(0, -(offset // stride))
    end = max(first, min(n_out, (n - 1 - offset) // stride + 1))
    return slice(first, end), slice(stride * first + offset, stride * end + offset, stride)


class Conv2d(Layer):
    """z_oij = b_o + Σ_cuv W_ocuv x_c,si+du-p,sj+dv-p for every image; x is 0 outside itself.

    Shapes: x (batch, n_in, height, width), W (n_out, n_in, *size), b (n_out,), z (batch, n_out,
    height', width') with height' = ⌊(height + 2p - d (size - 1) - 1) / s⌋ + 1, width' likewise.

    This is the cross-correlation that the literature calls a convolution (LeCun et al., 1998); a
    convolution proper would turn W by 180°. It is computed as a matrix product (Chellapilla, Puri &
    Simard, 2006): column (i, j) of the matrix X holds all pixels that output (i, j) meets, so that
    z = W X + b with W as (n_out, n_in · taps). X is made for a few images at a time: one for the
    whole batch, larger than x by the number of taps, would fall out of the processor's cache.

    Parameters
    ----------
    n_in, n_out : int
        Channels, at least 1.
    size : int or (int, int)
        Height and width of the window, at least 1.
    stride, dilation : int or (int, int)
        Steps between windows and between the taps of one window, at least 1.
    padding : int or (int, int)
        Rows and columns of zeros on each side, at least 0.
    rng : numpy.random.Generator
        Source of the initial weights; b starts at 0.
    initializer : callable
        One of ``backprop.initializers``, asked for shape (n_in · taps, n_out).
    dtype : dtype
        float32 or float64 of parameters and gradients.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number.
    """

    name = "conv"

    def __init__(
        self,
        n_in: int,
        n_out: int,
        size: Pair,
        *,
        stride: Pair = 1,
        padding: Pair = 0,
        dilation: Pair = 1,
        rng: np.random.Generator,
        initializer: Initializer = he,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        check_count("Conv2d", "n_in", n_in)
        check_count("Conv2d", "n_out", n_out)
        self.windows = Windows(
            _pair("Conv2d", "size", size),
            _pair("Conv2d", "stride", stride),
            _pair("Conv2d", "padding", padding, low=0),
            _pair("Conv2d", "dilation", dilation),
        )
        kind = check_dtype("Conv2d", dtype)
        shape = (n_out, n_in, *self.windows.size)
        drawn = initializer(rng, (prod(shape[1:]), n_out))
        self.parameters["W"] = np.ascontiguousarray(drawn.T, kind).reshape(shape)
        self.parameters["b"] = np.zeros(n_out, kind)
        self.gradients["W"] = np.zeros(shape, kind)
        self.gradients["b"] = np.zeros(n_out, kind)

    def forward(self, x: Array) -> Array:
        """Return z = W X + b, shape (batch, n_out, height', width')."""
        W, b = self.parameters["W"], self.parameters["b"]
        self.x = self._input("x", x, (None, W.shape[1], None, None))
        self.shape, self.taps = self.windows.over("Conv2d.forward", x.shape)
        W, b = W.reshape(len(W), -1), b.reshape(-1, 1, 1, 1)
        z = self._empty("z", (len(x), len(W), *self.shape), np.result_type(x, W, b))
        for some in self._groups():
            X = self._gather(x[some])
            Z = self._empty("Z", (len(W), X.shape[1]), z.dtype)
            np.matmul(W, X, out=Z)
            np.add(Z.reshape(len(W), -1, *self.shape), b, out=_channels_first(z[some]))
        return z

    def backward(self, dz: Array) -> Array:
        """∂L/∂W = dz Xᵀ, ∂L/∂b = Σ dz; ∂L/∂X = Wᵀ dz, and return ∂L/∂x, scattered from ∂L/∂X."""
        self.backward_parameters(dz)
        W = self.parameters["W"].reshape(dz.shape[1], -1)
        dx = self._empty("dx", self.x.shape, np.result_type(dz, W))
        dx.fill(0)
        for some in self._groups():
            D = self._matrix(dz[some])
            dX = self._empty("dX", (W.shape[1], D.shape[1]), dx.dtype)
            np.matmul(W.T, D, out=dX)
            self._scatter(dX, dx[some])
        return dx

    def backward_parameters(self, dz: Array) -> None:
        """∂L/∂W = dz Xᵀ, ∂L/∂b = Σ dz, over every place and image: they share W and b.

        In single entries ∂L/∂W_ocuv = Σ dz_oij x_c,si+du-p,sj+dv-p and ∂L/∂b_o = Σ dz_oij.
        """
        x, W, b = self._kept("x"), self.gradients["W"], self.gradients["b"]
        check_array("Conv2d.backward", "dz", dz, (len(x), len(W), *self.shape))
        W = W.reshape(len(W), -1)
        dWT = self._empty("dWT", W.shape[::-1], np.result_type(x, dz))
        term = self._empty("term", dWT.shape, dWT.dtype)
        dWT.fill(0)
        for some in self._groups():
            X, D = self._gather(x[some]), self._matrix(dz[some])
            # X dzᵀ = (dz Xᵀ)ᵀ: OpenBLAS is a third faster with the many rows of X first.
            dWT += np.matmul(X, D.T, out=term)
        W[...] = dWT.T
        np.sum(dz, axis=(0, 2, 3), out=b)

    def _groups(self) -> Iterator[slice]:
        """Cut the batch into groups of images, as many as let X fit into the cache, or one."""
        column = self.x.itemsize * self.x.shape[1] * len(self.taps)
        n = max(1, X_BYTES // (column * prod(self.shape)))
        return (slice(start, start + n) for start in range(0, len(self.x), n))

    def _matrix(self, dz: Array) -> Array:
        """Return dz of a group as a matrix with a row for each channel."""
        D = self._empty("D", (dz.shape[1], len(dz), *self.shape), dz.dtype)
        np.copyto(D, _channels_first(dz))
        return D.reshape(len(D), -1)

    def _gather(self, x: Array) -> Array:
        """Return X of a group: X_cuv,nij = x_nc,si+du-p,sj+dv-p."""
        X = self._empty("X", (x.shape[1], len(self.taps), len(x), *self.shape), x.dtype)
        # What no tap writes below meets the border of zeros.
        X.fill(0)
        for k, (outputs, pixels) in enumerate(self.taps):
            X[:, k][outputs] = _channels_first(x)[pixels]
        return X.reshape(-1, len(x) * prod(self.shape))

    def _scatter(self, dX: Array, dx: Array) -> None:
        """∂L/∂x_nc,si+du-p,sj+dv-p = Σ ∂L/∂X_cuv,nij over all (u, v, i, j) that meet the pixel."""
        dX = dX.reshape(dx.shape[1], len(self.taps), len(dx), *self.shape)
        for k, (outputs, pixels) in enumerate(self.taps):
            _channels_first(dx)[pixels] += dX[:, k][outputs]


def _channels_first(images: Array) -> Array:
    """Return the view (channels, batch, height, width) of (batch, channels, height, width)."""
    return images.swapaxes(0, 1)


class Pool2d(Layer):
    """What pooling layers share: windows over each channel on its own, without padding.

    Shapes: x (batch, channels, height, width), z (batch, channels, height', width') with
    height' = ⌊(height - size) / stride⌋ + 1, width' likewise.

    Parameters
    ----------
    size : int or (int, int)
        Height and width of the window, at least 1.
    stride : int or (int, int), optional
        Steps between windows, at least 1; ``size`` if not given, so that none overlap.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number.
    """

    def __init__(self, size: Pair, *, stride: Pair | None = None) -> None:
        super().__init__()
        where = type(self).__name__
        self.windows = Windows(
            _pair(where, "size", size), _pair(where, "stride", size if stride is None else stride)
        )

    def _place(self, x: Array) -> None:
        """Set the taps, and the shapes of x and of z."""
        self._input("x", x, (None, None, None, None))
        outs, self.taps = self.windows.over(f"{type(self).__name__}.forward", x.shape)
        self.x_shape, self.shape = x.shape, (*x.shape[:2], *outs)

    def _no_gradient(self, dz: Array) -> Array:
        """Return ∂L/∂x before any window has added its share: zeros."""
        self._kept("shape")
        check_array(f"{type(self).__name__}.backward", "dz", dz, self.shape)
        dx = self._empty("dx", self.x_shape, dz.dtype)
        dx.fill(0)
        return dx

    def _parts(self, image: Array) -> list[Array]:
        """Return for each tap the view of the pixels that it meets, shape of z."""
        return [image[pixels] for _, pixels in self.taps]


class MaxPool2d(Pool2d):
    """z_ij = max_uv x_si+u,sj+v for every channel; by the real part if x is complex.

    Shapes and parameters: see :class:`Pool2d`. Of equal pixels the first in the window, row by row,
    counts as the maximum and takes the gradient.
    """

    name = "max_pool"

    def forward(self, x: Array) -> Array:
        """Return z_ij = max_uv x_si+u,sj+v; keep which tap was the first to reach it."""
        self._place(x)
        parts = self._parts(x)
        z = self._empty("z", self.shape, x.dtype)
        self.winner = self._empty("winner", self.shape, np.min_scalar_type(len(parts)))
        better = self._empty("better", self.shape, np.bool)
        number = self._empty("number", self.shape, self.winner.dtype)
        np.copyto(z, parts[0])
        self.winner.fill(0)
        for k, part in enumerate(parts[1:], 1):
            np.greater(part.real, z.real, out=better)
            if z.dtype.kind == "c":
                np.copyto(z, part, where=better)
            else:
                # Seven times faster than the masked copy, and NaN stays NaN.
                np.maximum(z, part, out=z)
            np.multiply(better, self.winner.dtype.type(k), out=number)
            np.maximum(self.winner, number, out=self.winner)
        return z

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x_ab = Σ dz_ij over the windows (i, j) whose first maximum is pixel (a, b)."""
        dx = self._no_gradient(dz)
        hit = self._empty("better", self.shape, np.bool)
        share = self._empty("share", self.shape, dz.dtype)
        for k, part in enumerate(self._parts(dx)):
            np.equal(self.winner, k, out=hit)
            # += because windows with stride < size share pixels
            part += np.multiply(dz, hit, out=share)
        return dx


class AvgPool2d(Pool2d):
    """z_ij = Σ_uv x_si+u,sj+v / (number of taps) for every channel.

    Shapes and parameters: see :class:`Pool2d`.
    """

    name = "avg_pool"

    def forward(self, x: Array) -> Array:
        """Return z_ij = Σ_uv x_si+u,sj+v / (number of taps)."""
        self._place(x)
        z = self._empty("z", self.shape, x.dtype)
        z.fill(0)
        for part in self._parts(x):
            z += part
        z /= len(self.taps)
        return z

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x_ab = Σ dz_ij / (number of taps) over the windows that hold pixel (a, b)."""
        dx = self._no_gradient(dz)
        share = self._empty("share", self.shape, dz.dtype)
        np.divide(dz, len(self.taps), out=share)
        for part in self._parts(dx):
            # += because windows with stride < size share pixels
            part += share
        return dx


class Flatten(Layer):
    """z_k = x_c,i,j with k = (c height + i) width + j: one row for each example.

    Shapes: x (batch, …), z (batch, product of the other axes), a view where x allows it.
    """

    name = "flatten"

    def forward(self, x: Array) -> Array:
        """Return x as rows, shape (batch, product of the other axes)."""
        self.x = check_array("Flatten.forward", "x", x)
        if not x.ndim:
            raise ValueError("Flatten.forward: x has shape (), expected (batch, …)")
        return x.reshape(len(x), prod(x.shape[1:]))

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x = ∂L/∂z in the shape of x: nothing was computed, nothing changes."""
        x = self._kept("x")
        check_array("Flatten.backward", "dz", dz, (len(x), prod(x.shape[1:])))
        return dz.reshape(x.shape)


def _pair(where: str, name: str, value: Pair, low: int = 1) -> tuple[int, int]:
    """Return (height, width), for one number twice that number."""
    height, width = value if isinstance(value, tuple) and len(value) == 2 else (value, value)
    return check_count(where, name, height, low), check_count(where, name, width, low)
