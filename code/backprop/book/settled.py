"""Small classifiers of digits, carried to a local minimum, and paths from one to another.

Networks 64-n-10 of tanh units learn 300 digits with weight decay, from twenty starts at each of
three widths: L-BFGS leads close to a minimum, and Newton's method with the exact Hessian the rest
of the way. The chapter on local minima shows what is stored in ``settled.json``, which the command

    python -m backprop.book.settled FILE

writes in some minutes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
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
WIDTHS = (4, 8, 16)
SEEDS = 20
JOINED = (16,)
"""The widths whose ends are paired, the first with the second and so on, and joined by paths."""
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


class End(NamedTuple):
    """Where a run ended."""

    theta: Array
    loss: float
    """With decay."""
    wrong: int
    """How many of the 300 digits the network misclassifies."""
    steps: list[float]
    """The length of each step of Newton's method, from where L-BFGS ended."""
    lowest: float
    """The smallest eigenvalue of the Hessian after the last step."""


def settle(units: int, seed: int) -> End:
    """Descend from a random start by L-BFGS, then take steps of Newton's method while they count.

    Raises
    ------
    ArithmeticError
        If ten steps are not enough.
    """
    images, labels = data()
    network = build(units, seed)
    options = {"maxiter": 20_000, "maxfun": 20_000, "ftol": 1e-15, "gtol": 1e-7, "maxcor": 30}
    theta = minimize(
        lambda at: objective(network, at), network.theta.copy(),
        jac=True, method="L-BFGS-B", options=options,
    ).x  # fmt: skip
    theta, steps, lowest = newton(network, units, theta)
    loss, _ = objective(network, theta)
    answers = network.forward(images).argmax(axis=1)
    return End(theta, loss, int((answers != labels).sum()), steps, lowest)


def newton(network: Sequential, units: int, theta: Array) -> tuple[Array, list[float], float]:
    """Return where Newton's method leads, how long its steps are, and the smallest eigenvalue."""
    steps: list[float] = []
    for _ in range(10):
        _, g = objective(network, theta)
        H = hessian(units, theta)
        step = -np.linalg.solve(H, g)
        steps.append(float(np.linalg.norm(step)))
        theta = theta + step
        if steps[-1] < 1e-8:
            return theta, steps, float(np.linalg.eigvalsh(H)[0])
    raise ArithmeticError(f"newton: after {len(steps)} steps, the last one is {steps[-1]:.0e} long")


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


def told(widths: Sequence[int], joined: Sequence[int], seeds: int) -> dict[str, Any]:
    """Return what is stored, by width."""
    found: dict[str, Any] = {}
    for units in widths:
        ends = [settle(units, seed) for seed in range(seeds)]
        found[str(units)] = {
            "loss": [round(end.loss, 6) for end in ends],
            "wrong": [end.wrong for end in ends],
            "steps": [[float(f"{step:.2e}") for step in end.steps] for end in ends],
            "lowest": [float(f"{end.lowest:.3e}") for end in ends],
        }
        if units in joined:
            pairs = zip(ends[::2], ends[1::2], strict=False)
            each = [paths(units, A.theta, B.theta) for A, B in pairs]
            found[str(units)]["paths"] = {
                name: [[round(float(height), 5) for height in one[name]] for one in each]
                for name in PATHS
            }
    return found


@cache
def stored() -> dict[int, dict[str, Any]]:
    """Return by width what ``settled.json`` holds."""
    found = results.read("settled")
    return {int(units): each for units, each in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    parser = argparse.ArgumentParser(description="Settle small classifiers at local minima.")
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    given.file.write_text(json.dumps(told(WIDTHS, JOINED, SEEDS)) + "\n")


if __name__ == "__main__":
    main()
