"""What goes on in a network while it learns, and what its loss looks like around the weights.

- :class:`Recorder` follows activations, errors, gradients and updates, layer by layer;
- :func:`dead_units` counts the units that no sample wakes;
- :func:`random_direction` and :func:`loss_surface` cut the loss along lines and planes;
- :func:`hessian_vector_product` and :func:`hessian_spectrum` measure its curvature.

The last three take the network as it is in use (``training`` false): with fresh dropout masks or
statistics of the batch the loss would be another function at each call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_array, check_count, check_set
from backprop.layers import Layer
from backprop.losses import Loss
from backprop.network import Network
from backprop.threads import largest_product, scipy_waits, sized
from backprop.training.loop import Step
from backprop.training.measuring import figures, pieces

Figures = dict[str, list[float]]
"""Name of a layer or parameter → one figure per recorded update."""


class Recorder:
    """Figures of every ``every``-th update, from the very pass that led to it.

    ::

        with Recorder(network, every=10) as recorder:
            fit(network, …, observe=recorder)

    Names are hierarchical: ``relu1``, ``residual1.dense1`` for layers, ``dense1.W`` for parameters.
    To look changes nothing: the weights are the same to the last bit.

    Parameters
    ----------
    network : Network
        The one that is trained.
    every : int
        At least 1; the first update is recorded in any case.

    Attributes
    ----------
    steps, loss, learning_rate : list
        Of each recorded update.
    mean, std, dead : dict of str to list of float
        Of a layer's output a over the mini-batch: mean, standard deviation, and the number of
        units that are 0 in every row. A unit is a column, or a channel of images.
    errors : dict of str to list of float
        √mean (∂L/∂a)² of a layer's output. L is a mean: one sample's share is 1/N of its own.
    gradient, weight, ratio : dict of str to list of float
        Of a parameter: √mean g², √mean W² before the update, and ‖ΔW‖ / ‖W‖, nan while W is 0.
    """

    def __init__(self, network: Network, every: int = 1) -> None:
        self.network = network
        self.every = check_count("Recorder", "every", every)
        self.steps: list[int] = []
        self.loss: list[float] = []
        self.learning_rate: list[float] = []
        self.mean: Figures = {}
        self.std: Figures = {}
        self.dead: Figures = {}
        self.errors: Figures = {}
        self.gradient: Figures = {}
        self.weight: Figures = {}
        self.ratio: Figures = {}
        self._watching = False

    def __enter__(self) -> Self:
        self._others = self.network.watch(self)
        self._watching = True
        self._calls = 0
        self._expect()
        return self

    def __exit__(self, *exception: object) -> None:
        self.network.watch(self._others)
        self._watching = False

    def __call__(self, step: Step) -> None:
        """Record the update that was just made, if its turn has come."""
        if not self._watching:
            raise RuntimeError(
                "Recorder: not watching, write `with Recorder(network) as recorder:`"
            )
        if self._due:
            self._record(step)
        self._calls += 1
        self._expect()

    def output(self, name: str, layer: Layer, a: Array) -> None:
        """Note mean, standard deviation and dead units of a layer's output."""
        if self._due and self.network.training:
            self._outputs[name] = (
                float(a.mean(dtype=np.float64)),
                float(a.std(dtype=np.float64)),
                float((~_awake(a)).sum()),
            )

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """Note the size of a layer's error."""
        if self._due:
            self._errors[name] = _rms(da)

    def _expect(self) -> None:
        """Prepare for the next update, if it is to be recorded."""
        self._due = self._calls % self.every == 0
        self._outputs: dict[str, tuple[float, float, float]] = {}
        self._errors: dict[str, float] = {}
        if self._due:
            self._before = {name: W.copy() for name, W in self.network.parameters.items()}

    def _record(self, step: Step) -> None:
        self.steps.append(step.steps)
        self.loss.append(step.loss)
        self.learning_rate.append(step.learning_rate)
        for name, (mean, std, dead) in self._outputs.items():
            self.mean.setdefault(name, []).append(mean)
            self.std.setdefault(name, []).append(std)
            self.dead.setdefault(name, []).append(dead)
        for name, size in self._errors.items():
            self.errors.setdefault(name, []).append(size)
        for name, before in self._before.items():
            weight, change = _rms(before), _rms(self.network.parameters[name] - before)
            self.gradient.setdefault(name, []).append(_rms(self.network.gradients[name]))
            self.weight.setdefault(name, []).append(weight)
            self.ratio.setdefault(name, []).append(change / weight if weight else float("nan"))


def dead_units(network: Network, x: Array) -> dict[str, int]:
    """Return for each layer how many units are 0 for every row of ``x``, in use.

    A ReLU that is dead on all training data gets no gradient and stays as it is (Lu et al., 2020).
    """
    if not len(x):
        raise ValueError("dead_units: x has no row")
    awake = _Awake()
    with network.preserved():
        network.train(False)
        network.watch(awake)
        for part in pieces(network, x):
            network.forward(x[part])
    return {name: int((~units).sum()) for name, units in awake.units.items()}


class _Awake:
    """Watches which units differ from 0 at least once."""

    def __init__(self) -> None:
        self.units: dict[str, NDArray[np.bool_]] = {}

    def output(self, name: str, layer: Layer, a: Array) -> None:
        self.units[name] = _awake(a) | self.units.get(name, np.False_)

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """The way back is not walked."""


def random_direction(
    network: Network, rng: np.random.Generator, *, filter_normalised: bool = True
) -> Array:
    """Return a normal random direction in parameter space, shape of ``theta``.

    Filter-normalised, each unit's incoming weights d_j are rescaled to the size of the unit's own,
    d_j ← d_j ‖w_j‖ / ‖d_j‖, and biases, scales and shifts stay (Li et al., 2018): a network whose
    weights are c times as large, and which computes the same, then shows the same surface. A unit
    is a column of a matrix (n_in, n_out), and the first axis of more than two.
    """
    parts = []
    for W in network.parameters.values():
        d = rng.normal(size=W.shape)
        if filter_normalised and W.ndim < 2:
            d[...] = 0
        elif filter_normalised:
            axes = (0,) if W.ndim == 2 else tuple(range(1, W.ndim))
            d *= _norms(W.astype(np.float64), axes) / _norms(d, axes)
        parts.append(d.ravel())
    return np.concatenate([np.empty(0), *parts]).astype(network.dtype)


def loss_surface(
    network: Network,
    loss: Loss,
    x: Array,
    y: NDArray[np.generic],
    directions: Sequence[Array],
    steps: Sequence[Array],
) -> NDArray[np.float64]:
    """Return L(θ + Σ_k t_k u_k) for every t on a grid, with the network in use.

    Far out L may overflow: the surface is NaN or infinite there.

    Parameters
    ----------
    network, loss, x, y
        As in :func:`backprop.training.fit`; the network is afterwards what it was.
    directions : sequence of arrays, each of the shape of ``theta``
        u_1, u_2, …: one for a line, two for a plane.
    steps : sequence of 1-d arrays
        The values of t_1, of t_2, ….

    Returns
    -------
    array, shape (len(steps[0]), len(steps[1]), …)

    Raises
    ------
    ValueError
        If there is no direction, their number is not that of ``steps``, or a shape differs.
    """
    where = "loss_surface"
    if not directions or len(directions) != len(steps):
        raise ValueError(
            f"{where}: steps holds {len(steps)} arrays, expected one for each of"
            f" {len(directions)} directions, at least 1"
        )
    check_set(where, x, y)
    u = [check_array(where, "directions", d, network.theta.shape) for d in directions]
    for t in steps:
        check_array(where, "steps", t, (None,))
    theta = network.theta.copy()
    surface = np.empty([len(t) for t in steps])
    try:
        with network.preserved():
            network.train(False)
            for index in product(*(range(len(t)) for t in steps)):
                network.theta[...] = theta
                for t, k, d in zip(steps, index, u, strict=True):
                    network.theta[...] += (t[k] * d).astype(theta.dtype)
                surface[index] = figures(network, loss, x, y)[0]
    finally:
        network.theta[...] = theta
    return surface


def hessian_vector_product(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic], v: Array
) -> NDArray[np.float64]:
    """Return H v, H = ∂²L/∂θ², from two gradients: (g(θ + h v) - g(θ - h v)) / 2h.

    h ‖v‖ = eps^(1/3) (1 + ‖θ‖) balances truncation, of order h², against rounding, of order eps/h:
    eight digits or more are right where L is smooth. (The complex step would give all, but the
    backward passes are not all analytic.) With ReLU, whose slope jumps, the curvature is that of
    the pieces plus the jumps that the short way from θ - h v to θ + h v happens to cross.

    Computed in float64 whatever the network's dtype; the network is afterwards what it was.

    Parameters
    ----------
    network, loss, x, y
        As in :func:`backprop.training.fit`; all rows of ``x`` count, at once.
    v : array, shape of ``theta``

    Raises
    ------
    ValueError
        If ``v`` has another shape or is 0.
    """
    direction = check_array("hessian_vector_product", "v", v, network.theta.shape)
    if not direction.any():
        raise ValueError("hessian_vector_product: v is 0, expected a direction")
    with _gradient("hessian_vector_product", network, loss, x, y) as gradient:
        theta = network.theta.astype(np.float64)
        return _product(gradient, theta, direction.astype(np.float64))


def hessian_spectrum(
    network: Network,
    loss: Loss,
    x: Array,
    y: NDArray[np.generic],
    k: int = 5,
    *,
    rng: np.random.Generator,
    which: Literal["LA", "SA", "LM"] = "LA",
    tolerance: float = 1e-6,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return k eigenvalues of H = ∂²L/∂θ², largest first, and their eigenvectors as columns.

    By Lanczos' iteration (``scipy.sparse.linalg.eigsh``), which asks for products H v alone: H
    itself, of shape (parameters, parameters), is never formed.

    Parameters
    ----------
    network, loss, x, y
        As in :func:`hessian_vector_product`.
    k : int
        1 ≤ k < number of parameters.
    rng : numpy.random.Generator
        Source of the first vector.
    which : str
        "LA" the largest, "SA" the smallest, most negative, "LM" the largest in absolute value.
    tolerance : float
        Relative; below 10⁻⁸ the products' own error is in the way.

    Raises
    ------
    ValueError
        If ``k`` is not below the number of parameters.
    scipy.sparse.linalg.ArpackNoConvergence
        If the iteration does not converge.
    """
    # Loaded here alone, as few need it and it takes a while.
    from scipy.sparse.linalg import LinearOperator, eigsh

    n = network.theta.size
    if check_count("hessian_spectrum", "k", k) >= n:
        raise ValueError(f"hessian_spectrum: k is {k}, expected below {n}, the parameters")
    check_set("hessian_spectrum", x, y)
    multiplications = largest_product(x, network.parameters.values())
    with (
        _gradient("hessian_spectrum", network, loss, x, y) as gradient,
        sized(multiplications),
        scipy_waits(),
    ):
        theta = network.theta.astype(np.float64)
        operator = LinearOperator(
            (n, n), matvec=lambda v: _product(gradient, theta, v.ravel()), dtype=np.float64
        )
        values, vectors = eigsh(operator, k=k, which=which, v0=rng.normal(size=n), tol=tolerance)
    order = np.argsort(values)[::-1]
    return values[order], vectors[:, order]


def _product(
    gradient: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    theta: NDArray[np.float64],
    v: NDArray[np.float64],
) -> NDArray[np.float64]:
    h = np.finfo(np.float64).eps ** (1 / 3) * (1 + np.linalg.norm(theta)) / np.linalg.norm(v)
    ahead = gradient(theta + h * v)
    behind = gradient(theta - h * v)
    product: NDArray[np.float64] = (ahead - behind) / (2 * h)
    return product


@contextmanager
def _gradient(
    where: str, network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> Iterator[Callable[[NDArray[np.float64]], NDArray[np.float64]]]:
    """Give θ ↦ ∂L/∂θ in float64, and put the network back at the end."""
    check_set(where, x, y)
    if x.dtype.kind == "f":
        x = x.astype(np.float64)
    theta, dtheta, kept = network.theta, network.dtheta, network.theta.copy()
    double = kept.astype(np.float64), np.zeros(kept.shape)

    def gradient(at: NDArray[np.float64]) -> NDArray[np.float64]:
        network.theta[...] = at
        loss.forward(network.forward(x), y)
        network.backward_parameters(loss.backward())
        return network.dtheta.astype(np.float64)

    network._bind(*double, network._binding)
    try:
        with network.preserved():
            network.train(False)
            yield gradient
    finally:
        gradients = dtheta.copy()
        network._bind(theta, dtheta, network._binding)
        theta[...] = kept
        dtheta[...] = gradients


def _awake(a: Array) -> NDArray[np.bool_]:
    """Return for each unit whether any row holds something else than 0."""
    unit = 1 if a.ndim in (2, 4) else a.ndim - 1
    awake: NDArray[np.bool_] = (a != 0).any(axis=tuple(i for i in range(a.ndim) if i != unit))
    return awake


def _rms(a: Array) -> float:
    return float(np.sqrt(np.mean(np.square(a, dtype=np.float64)))) if a.size else 0.0


def _norms(a: Array, axes: tuple[int, ...]) -> Array:
    norms: Array = np.sqrt(np.square(a).sum(axes, keepdims=True))
    return norms
