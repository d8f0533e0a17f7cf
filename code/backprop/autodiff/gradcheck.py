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
from backprop.layers import Layer
from backprop.losses import Loss
from backprop.network import Network

EPS = float(np.finfo(np.float64).eps)
ScalarFunction = Callable[[Any], Any]


def central_difference(f: ScalarFunction, x: Array, h: float | None = None) -> Array:
    """Gradient of a scalar ``f`` by central differences, shape of ``x``.

    ``h`` defaults to eps^(1/3) max(1, |x_i|), which balances truncation, of order h², against
    rounding, of order eps/h.
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
        # upper - lower is the step that was really taken, after rounding.
        out[index] = (above - below) / (upper - lower)
    return out


def complex_step(f: ScalarFunction, x: Array, h: float = 1e-20) -> Array:
    """Gradient of a scalar ``f`` by Im f(x + ih) / h, shape of ``x``: no subtraction, no rounding.

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


PART = 1e-3
"""An array whose entries are all smaller than this part of the whole gradient's largest one is
judged on that scale: a bias before a normalisation has the gradient 0, and all that either method
finds there is rounding."""


def relative_error(analytic: Array, numeric: Array, whole: float = 0.0) -> Array:
    """|analytic - numeric| over the largest entry of either, entry by entry.

    One scale for the whole array: an entry that happens to be near zero carries the rounding of
    its neighbours, and a ratio to itself would be noise. For the same reason the scale is at least
    a thousandth of ``whole``, the largest entry of the gradient that the array is a part of.
    """
    scale = max(np.abs(analytic).max(initial=0), np.abs(numeric).max(initial=0), PART * whole)
    error: Array = np.abs(analytic - numeric) / (scale or 1.0)
    return error


def check_gradient(
    f: ScalarFunction, x: Array, analytic: Array, argument: str = "x", whole: float = 0.0
) -> GradcheckReport:
    """Compare ``analytic``, claimed to be ∂f/∂x, with both judges.

    ``whole`` is the largest entry of the gradient by all arguments, if x is one of several.

    Raises
    ------
    TypeError
        If ``x`` or ``analytic`` is no floating array.
    ValueError
        If ``analytic`` has not the shape of ``x``.
    """
    check_array("check_gradient", "x", x)
    check_array("check_gradient", "analytic", analytic, x.shape)
    rows = []
    judges: tuple[tuple[str, Callable[[ScalarFunction, Array], Array]], ...] = (
        ("central difference", central_difference),
        ("complex step", complex_step),
    )
    for oracle, judge in judges:
        numeric = judge(f, x)
        error = relative_error(analytic, numeric, whole)
        place = int(np.argmax(np.where(np.isnan(error), np.inf, error))) if error.size else 0
        index = tuple(int(i) for i in np.unravel_index(place, error.shape)) if error.size else ()
        at = index if error.size else None
        rows.append(
            Worst(
                argument,
                oracle,
                float(error[at]) if at is not None else 0.0,
                index,
                float(analytic[at]) if at is not None else 0.0,
                float(numeric[at]) if at is not None else 0.0,
                TOLERANCES[oracle],
            )
        )
    return GradcheckReport(tuple(rows))


def _largest(gradients: Iterable[Array]) -> float:
    return max((float(np.abs(g[np.isfinite(g)]).max(initial=0)) for g in gradients), default=0.0)


@contextmanager
def _no_trace(layers: Iterable[Layer]) -> Iterator[Callable[[], None]]:
    """Yield what puts running averages and generators back; do so at the end, with gradients."""
    states = [(layer, state) for layer in layers if (state := layer.state())]
    gradients = [(g, g.copy()) for layer in layers for g in layer.gradients.values()]

    def rewind() -> None:
        for layer, state in states:
            layer.load_state(state)

    try:
        yield rewind
    finally:
        rewind()
        for g, before in gradients:
            g[...] = before


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
    with _no_trace([layer]) as rewind:
        shape = layer.forward(x).shape
        v = rng.normal(size=shape) if v is None else check_array("check_layer", "v", v, shape)

        def L(t: Array) -> Any:
            rewind()
            return (v * layer.forward(t)).sum()

        L(x)
        dx = np.array(layer.backward(v))
        kept = {name: g.copy() for name, g in layer.gradients.items()}
        whole = _largest([dx, *kept.values()])
        rows = check_gradient(L, x, dx, whole=whole).rows
        for name, gradient in kept.items():
            value = layer.parameters[name]

            def f(p: Array, name: str = name) -> Any:
                layer.parameters[name] = p
                return L(x)

            try:
                rows += check_gradient(f, value, gradient, name, whole).rows
            finally:
                layer.parameters[name] = value
    return GradcheckReport(rows)


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
    slots = [(layer, key) for layer in network.layers for key in layer.parameters]

    def phi(t: Any) -> Any:
        # A NumPy float64 would turn float32 parameters into float64, a Python number does not.
        step = complex(t) if np.iscomplexobj(t) else float(t)
        theta: Any = network.theta + step * u
        start = 0
        kept = [layer.parameters[key] for layer, key in slots]
        with _no_trace(network.layers):
            try:
                for (layer, key), value in zip(slots, kept, strict=True):
                    part = theta[start : start + value.size]
                    layer.parameters[key] = part.reshape(value.shape)
                    start += value.size
                return loss.forward(network.forward(x), y)
            finally:
                for (layer, key), value in zip(slots, kept, strict=True):
                    layer.parameters[key] = value

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
    rows: tuple[Worst, ...] = ()
    with _no_trace(network.layers) as rewind:
        loss.forward(network.forward(x), y)
        network.backward(loss.backward())
        kept = {name: g.copy() for name, g in network.gradients.items()}
        whole = _largest(kept.values())
        for layer in network.layers:
            for key, value in layer.parameters.items():
                name = next(n for n, p in network.parameters.items() if p is value)

                def f(p: Array, layer: Layer = layer, key: str = key) -> Any:
                    rewind()
                    layer.parameters[key] = p
                    return loss.forward(network.forward(x), y)

                try:
                    rows += check_gradient(f, value, kept[name], name, whole).rows
                finally:
                    layer.parameters[key] = value
    return GradcheckReport(rows)
