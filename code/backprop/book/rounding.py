"""Numbers of few digits: the formats, a layer that rounds to them, and two ways to add.

The arithmetic is that of float32, and what a processor would store in 16 bits is rounded to them
at once. That is how such units work: they multiply 16-bit numbers and add up in float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.activations import ACTIVATIONS, log_softmax
from backprop.arrays import Array, check_array
from backprop.layers import Activation, Dense, Layer
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network, Sequential


class Format(NamedTuple):
    """A binary floating-point format: how many bits its exponent and its fraction have."""

    exponent: int
    fraction: int

    @property
    def eps(self) -> float:
        """Distance from 1 to the next larger number."""
        return float(2.0**-self.fraction)

    @property
    def tiny(self) -> float:
        """The smallest positive normal number."""
        return float(2.0 ** (2 - 2 ** (self.exponent - 1)))

    @property
    def least(self) -> float:
        """The smallest positive number, which is subnormal."""
        return self.tiny * self.eps

    @property
    def most(self) -> float:
        """The largest finite number."""
        return (2 - self.eps) / self.tiny * 2


FORMATS = {"float32": Format(8, 23), "bfloat16": Format(8, 7), "float16": Format(5, 10)}
"""IEEE 754-2019 has the first and the last; the other is float32 with a shorter fraction."""


BLOCK = 8192
"""So many numbers are rounded at a time, which then stay in the cache."""


def rounded(x: Array, name: str) -> Array:
    """Round each entry to the nearest number of a format, and ties to the even one.

    Between 2ᵉ and 2ᵉ⁺¹ the numbers of a format are 2ᵉ ε apart, and below the smallest normal
    number as far apart as just above it. What is too large becomes infinite.

    Parameters
    ----------
    x : array, any shape
    name : str
        "float16", "bfloat16", "float32", or "exact", which changes nothing.

    Returns
    -------
    array of float32, shape of ``x``
        With "exact", ``x`` itself.

    Raises
    ------
    ValueError
        If the format is unknown.

    References
    ----------
    Kalamkar et al. (2019), doi:10.48550/arXiv.1905.12322.
    """
    if name == "exact":
        return x
    if name not in FORMATS:
        raise ValueError(f"rounded: name is {name!r}, expected one of {['exact', *FORMATS]}")
    with np.errstate(over="ignore", invalid="ignore"):
        x = np.asarray(x).astype(np.float32, order="C")
        if name == "float32":
            return x
        if 0 < x.size <= BLOCK:
            return _nearest(x, FORMATS[name]).astype(np.float32, copy=False)
        found = np.empty_like(x)
        flat, out = x.reshape(-1), found.reshape(-1)
        for start in range(0, x.size, BLOCK):
            part = slice(start, start + BLOCK)
            out[part] = _nearest(flat[part], FORMATS[name])
        return found


def _nearest(x: Array, form: Format) -> Array:
    """Return the nearest numbers of a format of 16 bits."""
    size = np.abs(x)
    top = size.max()
    # The exponent's bits alone are 2ᵉ. The last bit of `large` is 2ᵉ ε, so adding it rounds to
    # multiples of that, and subtracting it is exact. Float32 can do it where `large` is finite.
    power = (x.view(np.uint32) & np.uint32(0x7F800000)).view(np.float32)
    power = np.maximum(power, np.float32(form.tiny))
    if top < 2.0**100:
        large = power * np.float32(1.5 * 2.0**23 * form.eps)
    else:  # also ∞ and nan
        large = np.minimum(power, np.float32(2.0**127)) * np.float64(1.5 * 2.0**52 * form.eps)
    near: Array = x + large
    near -= large
    if top <= form.most:
        return near
    return np.where(np.abs(near) > form.most, np.copysign(np.inf, x), near)


class Rounded(Layer):
    """Round what passes: forward the activations, backward the errors.

    Parameters
    ----------
    form : str
        The format, as :func:`rounded` takes it.

    Raises
    ------
    ValueError
        If the format is unknown.
    """

    name = "rounded"

    def __init__(self, form: str) -> None:
        super().__init__()
        rounded(np.zeros(1), form)
        self.form = form

    def forward(self, x: Array) -> Array:
        """Return ``x``, rounded, in its own dtype."""
        check_array("Rounded.forward", "x", x)
        return rounded(x, self.form).astype(x.dtype, copy=False)

    def backward(self, dz: Array) -> Array:
        """Return ``dz``, rounded: the slope of rounding is taken to be 1."""
        check_array("Rounded.backward", "dz", dz)
        return rounded(dz, self.form).astype(dz.dtype, copy=False)


def rounding_network(
    form: str, widths: Sequence[int], activation: type[Layer], seed: int
) -> Sequential:
    """Return Dense layers with an activation between them, and a Rounded layer after each.

    Parameters
    ----------
    form : str
        The format of all activations and errors, as :func:`rounded` takes it.
    widths : sequence of int
        Of the input, of each hidden layer, and of the output.
    activation : type of Layer
        Called without arguments.
    seed : int
        For the weights.
    """
    rng = np.random.default_rng(seed)
    layers: list[Layer] = [Rounded(form)]
    for k, (n_in, n_out) in enumerate(pairwise(widths)):
        if k:
            layers += [activation(), Rounded(form)]
        layers += [Dense(n_in, n_out, rng=rng, dtype=np.float32), Rounded(form)]
    return Sequential(layers)


def scaled_gradient(
    network: Network, x: Array, y: Array, form: str, s: float = 1.0
) -> tuple[float, Array]:
    """Return the cross-entropy, and its gradient by way of a loss s times as large.

    Parameters
    ----------
    network : Network
        Its outputs are scores.
    x : array, shape (B, n_in)
    y : array of int, shape (B,)
    form : str
        The format of the stored gradient.
    s : float
        The loss scale.

    Returns
    -------
    loss : float
    gradient : array, shape (P,)

    References
    ----------
    Micikevicius et al. (2018), doi:10.48550/arXiv.1710.03740.
    """
    loss = SoftmaxCrossEntropy()
    value = loss.forward(network.forward(x), y)
    with np.errstate(all="ignore"):  # an s that is too large gives infinities
        dz = np.float32(s) * loss.backward()
        network.backward(dz)
        stored = rounded(network.dtheta, form)
        return value, stored / np.float32(s)


class RoundingNetworks:
    """Networks of equal shape side by side: what :func:`rounding_network` makes for each seed.

    Parameters
    ----------
    form, widths, activation
        As :func:`rounding_network` takes them.
    seeds : sequence of int
        One for each network's weights.

    Attributes
    ----------
    theta, dtheta : arrays of float32, shape (runs, P)
        All that an update rule of :mod:`backprop.optimizers` asks for, with ``parameters``.
    W, dW : lists of arrays, shape (runs, n_in, n_out)
        Views of each layer's weights in ``theta``, and of their gradients in ``dtheta``.
    """

    def __init__(
        self, form: str, widths: Sequence[int], activation: type[Activation], seeds: Sequence[int]
    ) -> None:
        starts = {s: rounding_network(form, widths, activation, s).theta for s in set(seeds)}
        self.form, self.activation = form, activation.name
        self.theta = np.stack([starts[seed] for seed in seeds])
        self.dtheta = np.zeros_like(self.theta)
        self.parameters, self.dtype = {"theta": self.theta}, self.theta.dtype
        self.W: list[Array] = []
        self.dW: list[Array] = []
        self.b: list[Array] = []
        self.db: list[Array] = []
        end = 0
        for n_in, n_out in pairwise(widths):
            start, middle, end = end, end + n_in * n_out, end + (n_in + 1) * n_out
            for weights, biases, a in (
                (self.W, self.b, self.theta),
                (self.dW, self.db, self.dtheta),
            ):
                weights.append(a[:, start:middle].reshape(len(a), n_in, n_out))
                biases.append(a[:, None, middle:end])

    def scaled_gradient(
        self, x: Array, y: NDArray[np.integer], s: float = 1.0
    ) -> tuple[Array, Array]:
        """Return each network's loss and gradient, as :func:`scaled_gradient` does for one.

        Parameters
        ----------
        x : array, shape (runs, B, n_in)
        y : array of int, shape (runs, B)
        s : float
            The loss scale.

        Returns
        -------
        loss : array, shape (runs,)
        gradient : array, shape (runs, P)
        """
        phi, slope = ACTIVATIONS[self.activation]
        a: list[Array] = [rounded(x, self.form)]
        z: list[Array] = []
        for k, (W, b) in enumerate(zip(self.W, self.b, strict=True)):
            if k:
                a.append(rounded(phi(z[-1]), self.form))
            z.append(rounded(a[-1] @ W + b, self.form))
        log_p = log_softmax(z.pop())
        right = (*np.ogrid[: y.shape[0], : y.shape[1]], y)
        loss = -np.mean(log_p[right], axis=1)
        delta = np.exp(log_p)
        delta[right] -= 1
        with np.errstate(all="ignore"):  # an s that is too large gives infinities
            dz = rounded(np.float32(s / y.shape[1]) * delta, self.form)
            for k in reversed(range(len(self.W))):
                np.matmul(a[k].swapaxes(1, 2), dz, out=self.dW[k])
                np.sum(dz, axis=1, keepdims=True, out=self.db[k])
                if k:
                    da = rounded(dz @ self.W[k].swapaxes(1, 2), self.form)
                    dz = rounded(da * slope(z[k - 1]), self.form)
            return loss, rounded(self.dtheta, self.form) / np.float32(s)


def running_sum(terms: Iterable[Array], form: str) -> Array:
    """Add arrays one after another, and round the sum each time."""
    total: Array = np.zeros((), dtype=np.float32)
    for term in terms:
        total = rounded(total + term, form)
    return total


def kahan(terms: Iterable[Any], fl: Callable[[Any], Any]) -> Any:
    """Add numbers or arrays, and carry into each addition what the last one lost (Kahan, 1965).

    Every result goes through ``fl``: the corrected term, the sum and what it lost.
    """
    total: Any = 0.0
    lost: Any = 0.0
    for term in terms:
        corrected = fl(term + lost)
        following = fl(total + corrected)
        arrived = fl(following - total)
        lost = fl(corrected - arrived)
        total = following
    return total


def kahan_sum(terms: Iterable[Array], form: str) -> Array:
    """Return Kahan's sum of arrays, every result rounded to the format."""
    return np.asarray(kahan(terms, partial(rounded, name=form)), dtype=np.float32)


def pairwise_sum(terms: Sequence[Array], form: str) -> Array:
    """Add halves, each of them by halves again, and round each sum."""
    if len(terms) == 1:
        return rounded(terms[0], form)
    middle = len(terms) // 2
    halves = pairwise_sum(terms[:middle], form) + pairwise_sum(terms[middle:], form)
    return rounded(halves, form)
