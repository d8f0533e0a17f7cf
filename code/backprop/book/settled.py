"""Small classifiers of digits, trained by plain gradient descent, and paths between their ends.

Networks 64-n-10 of tanh units learn 300 digits with weight decay, from ten starts at each of four
widths: every step uses all digits and the same rate. On the way, the smallest eigenvalue of the
exact Hessian is found, too. The chapter on local minima shows what is stored in
``settled.json``, which the command

    python -m backprop.book.settled FILE

writes in ten minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment, minimize

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book import results
from backprop.datasets import load_digits
from backprop.layers import Dense, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential

DECAY = 0.001
RATE = 0.5
WIDTHS = (1, 2, 4, 16)
"""The ends of the last width are joined by paths, each to the next and the last to the first."""
SEEDS = 10
MARKS = (0, *(int(step) for step in np.unique(np.geomspace(1, 50_000, 40).round())))
"""The steps at which a run is looked at; the last one is its end."""
WATCHED, WATCHED_SEEDS = 2, (5, 1)
"""The width and the starts of two runs that are looked at more closely."""
WATCH = tuple(range(0, 25_001, 250))
PATHS = ("straight", "aligned", "bent")
PLACES = np.linspace(0, 1, 41)
"""Where the loss is measured along a path."""


@cache
def data() -> tuple[Array, NDArray[np.integer]]:
    """Return 300 digits minus their mean image, shape (300, 64), and their labels."""
    digits = load_digits(seed=0)
    images = digits.x_train[:300]
    return images - images.mean(axis=0), digits.y_train[:300]


def build(units: int, seed: int) -> Sequential:
    """Return a network 64-``units``-10 with random weights."""
    rng = np.random.default_rng(seed)
    return Sequential([Dense(64, units, rng=rng), Tanh(), Dense(units, 10, rng=rng)])


def objective(network: Sequential, theta: Array) -> tuple[float, Array]:
    """Return L = cross-entropy + decay ‖θ‖² / 2 and its gradient, and leave θ in the network."""
    images, labels = data()
    loss = SoftmaxCrossEntropy()
    network.theta[...] = theta
    value = loss.forward(network.forward(images), labels)
    network.backward(loss.backward())
    return value + DECAY / 2 * float(theta @ theta), network.dtheta + DECAY * theta


def hessian(units: int, theta: Array) -> Array:
    """Return ∂²L/∂θ², shape (P, P), exact but for rounding.

    With the pre-activations z of the last layer, their Jacobian J and the probabilities p, the
    cross-entropy of one image has the Hessian Jᵀ (diag p - p pᵀ) J + Σ_c (p - y)_c ∂²z_c/∂θ². In
    the second term, z_c = Σ_j tanh(x̃ W)_j V_jc + c_c has mixed derivatives within a unit alone: of
    its weights in, and between them and its weights out.
    """
    images, labels = data()
    n, count = units, len(images)
    x = np.column_stack([images, np.ones(count)])
    split = x.shape[1] * n
    a = np.tanh(x @ theta[:split].reshape(-1, n))
    slope = 1 - a**2
    out, V = np.column_stack([a, np.ones(count)]), theta[split:].reshape(n + 1, 10)
    z = out @ V
    p = softmax(z)
    delta = p - np.eye(10)[labels]
    S = p[:, :, None] * (np.eye(10) - p[:, None])
    J = slope[:, :, None] * V[:n]  # ∂z_c/∂(pre-activation of unit j), image by image
    T = J @ S
    unit = np.arange(n)
    within = T @ J.transpose(0, 2, 1)
    within[:, unit, unit] += -2 * a * slope * (delta @ V[:n].T)
    between = out[:, None, :, None] * T[:, :, None]
    between[:, unit, unit] += slope[:, :, None] * delta[:, None]
    H = np.empty((len(theta), len(theta)))
    H[:split, :split] = np.einsum("ni,nm,njk->ijmk", x, x, within, optimize=True).reshape(split, -1)
    H[:split, split:] = np.einsum("ni,njkc->ijkc", x, between, optimize=True).reshape(split, -1)
    H[split:, :split] = H[:split, split:].T
    H[split:, split:] = np.einsum("nk,nl,ncd->kcld", out, out, S, optimize=True).reshape(V.size, -1)
    return H / count + DECAY * np.eye(len(theta))


class Run(NamedTuple):
    """What gradient descent has come to."""

    theta: Array
    """Where it ended."""
    loss: list[float]
    """With decay, at each of the marks."""
    lowest: list[float]
    """The smallest eigenvalue of the Hessian at each of the marks."""
    highest: float
    """The largest eigenvalue at any mark; below 2 / ``RATE`` a step is stable."""
    gradient: list[float]
    """The length of the gradient at each of the marks."""
    wrong: int
    """How many of the 300 digits the network misclassifies at the end."""


def descend(units: int, seed: int, marks: Sequence[int]) -> Run:
    """Take steps of gradient descent from a random start, up to the last of some marked steps."""
    network = build(units, seed)
    losses, lengths, spectra = [], [], []
    for step in range(marks[-1] + 1):
        loss, gradient = objective(network, network.theta)
        if step in marks:
            losses.append(loss)
            lengths.append(float(np.linalg.norm(gradient)))
            spectra.append(np.linalg.eigvalsh(hessian(units, network.theta)))
        if step < marks[-1]:
            network.theta -= RATE * gradient
    images, labels = data()
    return Run(
        theta=network.theta.copy(),
        loss=losses,
        lowest=[float(each[0]) for each in spectra],
        highest=float(max(each[-1] for each in spectra)),
        gradient=lengths,
        wrong=int((network.forward(images).argmax(axis=1) != labels).sum()),
    )


def align(A: Array, B: Array, units: int) -> Array:
    """Return the copy of B, by permuted units and turned signs, whose units resemble A's most."""
    tables = [
        np.vstack([t[: 65 * units].reshape(65, -1), t[65 * units : 75 * units].reshape(-1, 10).T])
        for t in (A, B)
    ]
    likeness = tables[0].T @ tables[1]
    _, order = linear_sum_assignment(-abs(likeness))
    table = tables[1][:, order] * np.sign(likeness[np.arange(units), order])
    return np.concatenate([table[:65].ravel(), table[65:].T.ravel(), B[75 * units :]])


def bezier(start: Array, middle: Array, end: Array, t: float) -> Array:
    """Return (1 - t)² start + 2 t (1 - t) middle + t² end."""
    return np.asarray((1 - t) ** 2 * start + 2 * t * (1 - t) * middle + t**2 * end)


def bend(network: Sequential, A: Array, B: Array, places: int = 11) -> Array:
    """Return the middle of a curve from A to B along which the mean loss is low."""
    inner = np.linspace(0, 1, places + 2)[1:-1]

    def mean_loss(middle: Array) -> tuple[float, Array]:
        value, slope = 0.0, np.zeros_like(middle)
        for t in inner:
            height, g = objective(network, bezier(A, middle, B, t))
            value, slope = value + height / places, slope + 2 * t * (1 - t) * g / places
        return value, slope

    options = {"maxiter": 1000, "maxcor": 30}
    found = minimize(mean_loss, (A + B) / 2, jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x)


def heights(network: Sequential, A: Array, middle: Array, B: Array) -> Array:
    """Return the loss at each of ``PLACES`` on the curve from A to B."""
    return np.array([objective(network, bezier(A, middle, B, t))[0] for t in PLACES])


def paths(units: int, A: Array, B: Array) -> dict[str, Array]:
    """Return the loss along each kind of path from A to B, or to B's copy that is most like A.

    ``straight`` leads to B and ``aligned`` to the copy, both in a straight line; ``bent`` leads to
    B in a curve.
    """
    network, twin = build(units, 0), align(A, B, units)
    ways = (((A + B) / 2, B), ((A + twin) / 2, twin), (bend(network, A, B), B))
    return {
        name: heights(network, A, middle, end)
        for name, (middle, end) in zip(PATHS, ways, strict=True)
    }


def written(run: Run) -> dict[str, Any]:
    """Return what is stored of a run: of its gradients, the last one."""
    return {
        "loss": [round(loss, 5) for loss in run.loss],
        "lowest": [float(f"{low:.2e}") for low in run.lowest],
        "highest": round(run.highest, 3),
        "gradient": float(f"{run.gradient[-1]:.1e}"),
        "wrong": run.wrong,
    }


def told(
    widths: Sequence[int], seeds: int, marks: Sequence[int], watch: Sequence[int]
) -> dict[str, Any]:
    """Return what is stored: by width each run, by name each kind of path, and the watched runs."""
    found: dict[str, Any] = {}
    for units in widths:
        runs = [descend(units, seed, marks) for seed in range(seeds)]
        found[str(units)] = [written(run) for run in runs]
    ends = [run.theta for run in runs]
    each = [paths(units, A, B) for A, B in zip(ends, ends[1:] + ends[:1], strict=True)]
    found["paths"] = {
        name: [[round(float(height), 5) for height in one[name]] for one in each] for name in PATHS
    }
    closely = [descend(WATCHED, seed, watch) for seed in WATCHED_SEEDS]
    found["watched"] = [
        written(run) | {"gradient": [float(f"{g:.2e}") for g in run.gradient]} for run in closely
    ]
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``settled.json`` holds."""
    return dict(results.read("settled"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    results.write(
        "Train small classifiers by gradient descent.",
        lambda: told(WIDTHS, SEEDS, MARKS, WATCH),
        arguments,
    )


if __name__ == "__main__":
    main()
