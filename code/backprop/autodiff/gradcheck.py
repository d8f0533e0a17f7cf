"""Is a backward pass right? Ask the forward pass alone.

Two judges, neither of which calls the derivative that it judges: central differences
(f(x+h) - f(x-h)) / 2h, and the complex step Im f(x + ih) / h (Squire & Trapp, 1998).

A check leaves no trace in the layers: parameters, gradients, running averages and generators are
those from before, and every run within it sees the same dropout mask. Only what ``backward`` would
need belongs to the check's last run: call ``forward`` again before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_array, check_ndarray
from backprop.layers import Composite, Layer
from backprop.losses import Loss
from backprop.network import Network

EPS = float(np.finfo(np.float64).eps)
ScalarFunction = Callable[[Any], Any]
"""Takes an array, real or complex, and returns a number."""


def central_difference(f: ScalarFunction, x: Array, h: float | None = None) -> Array:
    """Gradient of a scalar ``f`` by central differences, shape of ``x``.

    With M0 and M3 for the sizes of f and of its third derivative, the error is at most
    h² M3/6 + eps M0/2h, and least at h = (3 eps M0/2 M3)^(1/3). ``h`` defaults to
    eps^(1/3) max(1, |x_i|): without the factor 1.14, and with max(1, |x_i|)³ as a guess for M0/M3.
    """
    x = np.array(check_array("central_difference", "x", x), np.float64)
    out = np.empty_like(x)
    for index in np.ndindex(x.shape):
        kept = x[index]
        step = EPS ** (1 / 3) * max(1.0, abs(kept)) if h is None else h
        x[index] = kept + step
        above, upper = f(x), x[index]
        x[index] = kept - step
        below, lower = f(x), x[index]
        x[index] = kept
        # upper - lower is 2 * step as rounded
        out[index] = (above - below) / (upper - lower)
    return out


def complex_step(f: ScalarFunction, x: Array, h: float = 1e-20) -> Array:
    """Gradient of a scalar ``f`` by Im f(x + ih) / h, shape of ``x``.

    Nothing is subtracted, so h may be tiny, and what remains is the rounding of f itself.

    ``f`` must be analytic near ``x`` and accept complex128.
    """
    z = check_array("complex_step", "x", x).astype(np.complex128)
    out = np.empty(z.shape)
    for index in np.ndindex(z.shape):
        kept = z[index]
        z[index] = kept + 1j * h
        out[index] = np.imag(f(z)) / h
        z[index] = kept
    return out


@dataclass(frozen=True)
class Worst:
    """The entry where a gradient and its judge disagree most."""

    argument: str
    oracle: str
    error: float
    index: tuple[int, ...]
    analytic: float
    numeric: float
    tolerance: float

    def __str__(self) -> str:
        verdict = "ok" if self.error <= self.tolerance else "OFF"
        return (
            f"{verdict} {self.argument} against {self.oracle}: worst relative error"
            f" {self.error:.1e} at {self.argument}{list(self.index)}"
            f" (analytic {self.analytic:.6g}, numeric {self.numeric:.6g})"
        )


@dataclass(frozen=True)
class GradcheckReport:
    """One :class:`Worst` for every argument and judge."""

    rows: tuple[Worst, ...]

    @property
    def ok(self) -> bool:
        """Whether every row lies within its tolerance."""
        # not (error <= tolerance) rather than error > tolerance: NaN must fail.
        return all(row.error <= row.tolerance for row in self.rows)

    @property
    def worst(self) -> Worst:
        """The row farthest beyond (or nearest to) its tolerance."""
        return max(self.rows, key=lambda r: np.nan_to_num(r.error / r.tolerance, nan=np.inf))

    def __str__(self) -> str:
        return "\n".join(map(str, self.rows))

    def raise_if_off(self) -> None:
        """Raise ``AssertionError`` with the rows that are off."""
        if not self.ok:
            raise AssertionError("\n".join(str(r) for r in self.rows if not r.error <= r.tolerance))


TOLERANCES = {"central difference": 1e-7, "complex step": 1e-11}
"""Relative to the gradient's largest entry. Central differences err by about
eps^(2/3) = 4e-11 times f'''/f'; the complex step by rounding alone."""


NEGLIGIBLE = 1e-6
"""An array this small beside the whole gradient, such as that of a bias before a BatchNorm, which
is 0, is judged on the scale of the whole: noise beside noise says nothing."""


def relative_error(analytic: Array, numeric: Array, whole: float = 0.0) -> Array:
    """|analytic - numeric| over the largest entry of either, entry by entry.

    One scale for the whole array: an entry that happens to be near zero carries the rounding of
    its neighbours, and a ratio to itself would be noise. ``whole`` is the largest entry of the
    gradient that the array is a part of.
    """
    # NaN is off by itself, and must not make the scale of the others NaN.
    scale = max(np.abs(a).max(initial=0, where=~np.isnan(a)) for a in (analytic, numeric))
    if scale < NEGLIGIBLE * whole:
        scale = whole
    error: Array = np.abs(analytic - numeric) / (scale or 1.0)
    return error


def check_gradient(
    f: ScalarFunction, x: Array, analytic: Array, argument: str = "x", *, whole: float = 0.0
) -> GradcheckReport:
    """Compare ``analytic``, claimed to be ∂f/∂x, with both judges.

    Parameters
    ----------
    f : callable
        Of an array of the shape of ``x``, returning a number; differentiable at ``x``.
    x, analytic : arrays of one shape
    argument : str
        What the report calls ``x``.
    whole : float
        Largest entry of the gradient that ``analytic`` is a part of; see :data:`NEGLIGIBLE`.

    Raises
    ------
    ValueError
        If ``analytic`` has not the shape of ``x``, or there is no entry to compare.
    """
    check_array("check_gradient", "x", x)
    check_array("check_gradient", "analytic", analytic, x.shape)
    if not x.size:
        raise ValueError(f"check_gradient: {argument} has shape {x.shape}, expected an entry")
    rows = []
    judges: tuple[tuple[str, Callable[[ScalarFunction, Array], Array]], ...] = (
        ("central difference", central_difference),
        ("complex step", complex_step),
    )
    for oracle, judge in judges:
        numeric = judge(f, x)
        error = relative_error(analytic, numeric, whole)
        place = int(np.argmax(np.where(np.isnan(error), np.inf, error)))
        index = tuple(int(i) for i in np.unravel_index(place, error.shape))
        rows.append(
            Worst(
                argument,
                oracle,
                float(error[index]),
                index,
                float(analytic[index]),
                float(numeric[index]),
                TOLERANCES[oracle],
            )
        )
    return GradcheckReport(tuple(rows))


def _check_double(where: str, parameters: Mapping[str, Array]) -> None:
    for name, value in parameters.items():
        if value.dtype != np.float64:
            raise TypeError(
                f"{where}: {name} has dtype {value.dtype}, expected float64: in float32 the"
                " rounding of a right gradient exceeds the tolerance"
            )


def check_layer(
    layer: Layer, x: Array, *, rng: np.random.Generator, v: Array | None = None
) -> GradcheckReport:
    """Check ∂L/∂x and every parameter's gradient for L = Σ v ⊙ layer(x).

    A random v probes the whole Jacobian; v = 1 would miss errors that cancel in the sum.

    Parameters
    ----------
    layer : Layer
        Its parameters are put back after the check.
    x : array
        Input of the layer, checked in float64.
    rng : numpy.random.Generator
        Source of v, standard normal.
    v : array of the shape of layer(x), optional
        Used instead of a drawn one.

    Raises
    ------
    ValueError
        If ``v`` has not the shape of the layer's output.
    TypeError
        If a parameter is not float64.
    """
    _check_double("check_layer", layer.parameters)
    x = check_array("check_layer", "x", x).astype(np.float64)
    gradients = {name: g.copy() for name, g in layer.gradients.items()}
    try:
        return _checked_layer(layer, x, rng, v)
    finally:
        for name, g in gradients.items():
            layer.gradients[name][...] = g


def _checked_layer(
    layer: Layer, x: Array, rng: np.random.Generator, v: Array | None
) -> GradcheckReport:
    with _unmoved(layer):
        shape = layer.forward(x).shape
        v = rng.normal(size=shape) if v is None else check_array("check_layer", "v", v, shape)
        dx = np.array(layer.backward(v))

    def L(t: Array) -> Any:
        # Each run starts from the same generators: a loss with fresh masks is no function of x.
        with _unmoved(layer):
            return (v * layer.forward(t)).sum()

    kept = {name: g.copy() for name, g in layer.gradients.items()}
    whole = _largest([dx, *kept.values()])
    rows = check_gradient(L, x, dx, whole=whole).rows
    for name, gradient in kept.items():
        value = layer.parameters[name]

        def f(p: Array, name: str = name) -> Any:
            with layer.parameters.replaced({name: p}):
                return L(x)

        rows += check_gradient(f, value, gradient, name, whole=whole).rows
    return GradcheckReport(rows)


@contextmanager
def _unmoved(layer: Layer) -> Iterator[None]:
    """Put back at the end the mode, running averages and generators of the layer."""
    if isinstance(layer, Composite):
        with layer.preserved():
            yield
        return
    training, snapshot = layer.training, layer._snapshot()
    try:
        yield
    finally:
        layer.training = training
        layer._put_back(snapshot)


def _largest(gradients: Iterable[Array]) -> float:
    return max((float(np.abs(g).max(initial=0)) for g in gradients), default=0.0)


def check_loss(loss: Loss, z: Array, y: NDArray[np.generic]) -> GradcheckReport:
    """Check ``loss.backward()`` at ``z``."""
    z = check_array("check_loss", "z", z).astype(np.float64)
    loss.forward(z, y)
    return check_gradient(lambda t: loss.forward(t, y), z, np.array(loss.backward()), "z")


def along(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic], direction: Array
) -> ScalarFunction:
    """Return φ(t) = L(θ + t u), u = ``direction``, whose slope φ'(0) is u · ∂L/∂θ.

    Two runs of the network judge one number that holds every gradient at once; with a unit vector
    for u it is one entry. A real t keeps the network's dtype, a complex t serves the complex step.

    Parameters
    ----------
    network : Network
        Its parameters are put back after each call of φ.
    loss, x, y
        As in :func:`check_network`.
    direction : array, shape of ``network.theta``

    Raises
    ------
    ValueError
        If ``direction`` has another shape.
    """
    u = check_array("along", "direction", direction, network.theta.shape)
    u = u.astype(network.dtype, copy=False)

    def phi(t: Any) -> Any:
        # A NumPy float64 would turn float32 parameters into float64, a Python number does not.
        step = complex(t) if np.iscomplexobj(t) else float(t)
        theta: Any = network.theta + step * u
        start, arrays = 0, {}
        for name, value in network.parameters.items():
            arrays[name] = theta[start : start + value.size].reshape(value.shape)
            start += value.size
        with network.preserved(), network.parameters.replaced(arrays):
            return loss.forward(network.forward(x), y)

    return phi


def check_network(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> GradcheckReport:
    """Check every parameter's gradient of ``loss(network(x), y)``.

    Raises
    ------
    TypeError
        If the parameters are not float64.
    """
    _check_double("check_network", network.parameters)
    check_ndarray("check_network", "x", x)
    dtheta = network.dtheta.copy()
    try:
        return _checked_network(network, loss, x, y)
    finally:
        network.dtheta[...] = dtheta


def _checked_network(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> GradcheckReport:
    with network.preserved():
        loss.forward(network.forward(x), y)
        network.backward(loss.backward())
    kept = {name: g.copy() for name, g in network.gradients.items()}
    whole = _largest(kept.values())
    rows: tuple[Worst, ...] = ()
    for name, value in network.parameters.items():

        def f(p: Array, name: str = name) -> Any:
            # Each run starts from the same generators, as the first one did.
            with network.preserved(), network.parameters.replaced({name: p}):
                return loss.forward(network.forward(x), y)

        rows += check_gradient(f, value, kept[name], name, whole=whole).rows
    return GradcheckReport(rows)
