"""Small classifiers of digits, trained by plain gradient descent, and what lies around their ends.

Networks 64-n-10 of tanh units learn 300 digits with weight decay, from ten starts at each of three
widths: every step uses all digits and the same rate. On the way, the smallest eigenvalue of the
exact Hessian is found, too. From the ends, faster methods lead on to where the gradient is zero.
From the starts, the same methods lead to minima, to which one unit more is added in the steepest
direction down; at two of the widths they do so once more with a weaker decay. The ends of the
widest networks are joined by paths. The chapter on local minima
shows what is stored in ``settled.json``, which the command

    python -m backprop.book.settled FILE

writes in twenty-five minutes.
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
WEAK, WEAK_WIDTHS = 0.0001, (3, 16)
"""A weaker decay, and the widths that try it."""
RATE = 0.5
WIDTHS = (2, 3, 16)
"""The ends of the last width are joined by paths, each to the next and the last to the first."""
SEEDS = 10
MARKS = (0, *(int(step) for step in np.unique(np.geomspace(1, 50_000, 40).round())))
"""The steps at which a run is looked at; the last one is its end."""
NARROW, WATCHED_SEEDS = 2, (5, 1)
"""A width, and the starts of two of its runs that are watched closely."""
WATCH = tuple(range(0, 25_001, 250))
GROWN = (2, 3, 4, 8, 16)
"""The widths to whose minima a unit is added."""
SMALL = 0.01
"""The length of a new unit's weights in, and of its weights out."""
SAME = 1e-3
"""Points whose weights differ by less, once aligned, are copies of one another."""
PATHS = ("straight", "aligned", "bent")
PLACES = np.linspace(0, 1, 41)
"""Where the cross-entropy is measured along a path."""


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


def objective(network: Sequential, theta: Array, weight: float = DECAY) -> tuple[float, Array]:
    """Return L = cross-entropy + weight ‖θ‖² / 2 and its gradient, and leave θ in the network."""
    images, labels = data()
    loss = SoftmaxCrossEntropy()
    network.theta[...] = theta
    value = loss.forward(network.forward(images), labels)
    network.backward(loss.backward())
    return value + decay(theta, weight), network.dtheta + weight * theta


def decay(theta: Array, weight: float = DECAY) -> float:
    """Return the part weight ‖θ‖² / 2 of the loss; the rest is the cross-entropy."""
    return weight / 2 * float(theta @ theta)


def hessian(units: int, theta: Array, weight: float = DECAY) -> Array:
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
    return H / count + weight * np.eye(len(theta))


class Run(NamedTuple):
    """What gradient descent has come to."""

    theta: Array
    """Where it ended."""
    entropy: list[float]
    """The cross-entropy at each of the marks."""
    decay: list[float]
    """The rest of the loss at each of the marks."""
    lowest: list[float]
    """The smallest eigenvalue of the Hessian at each of the marks."""
    highest: float
    """The largest eigenvalue at any mark; below 2 / ``RATE`` a step is stable."""
    gradient: list[float]
    """The length of the gradient at each of the marks."""
    wrong: int
    """How many of the 300 digits the network misclassifies at the end."""


def _units(theta: Array) -> int:
    """Return n, from all parameters of a network 64-n-10."""
    return (theta.size - 10) // 75


def descend(network: Sequential, marks: Sequence[int]) -> Run:
    """Take steps of gradient descent with a network 64-n-10, up to the last of the marks."""
    units = _units(network.theta)
    entropies, decays, lengths, spectra = [], [], [], []
    for step in range(marks[-1] + 1):
        loss, gradient = objective(network, network.theta)
        if step in marks:
            decays.append(decay(network.theta))
            entropies.append(loss - decays[-1])
            lengths.append(float(np.linalg.norm(gradient)))
            spectra.append(np.linalg.eigvalsh(hessian(units, network.theta)))
        if step < marks[-1]:
            network.theta -= RATE * gradient
    images, labels = data()
    return Run(
        theta=network.theta.copy(),
        entropy=entropies,
        decay=decays,
        lowest=[float(each[0]) for each in spectra],
        highest=float(max(each[-1] for each in spectra)),
        gradient=lengths,
        wrong=int((network.forward(images).argmax(axis=1) != labels).sum()),
    )


def openings(network: Sequential) -> tuple[Array, Array, Array]:
    """Return the singular value decomposition of C = x̃ᵀ δ, of shapes (65, 10), (10,), (10, 10).

    x̃ are the images with a 1 appended, δ the derivatives of the loss with respect to the answers.
    A new unit of zero weights adds the eigenvalues decay ± s_k to the Hessian.
    """
    images, labels = data()
    loss = SoftmaxCrossEntropy()
    loss.forward(network.forward(images), labels)
    x = np.column_stack([images, np.ones(len(images))])
    U, s, Vt = np.linalg.svd(x.T @ loss.backward(), full_matrices=False)
    return U, s, Vt


def widened(theta: Array, into: Array, out: Array) -> Sequential:
    """Return the network with a last unit more, of the weights ``into``, (65,), and ``out``, (10,).

    The last of the weights in is the bias.
    """
    n = _units(theta)
    network = build(n + 1, 0)
    W, V = theta[: 65 * n].reshape(65, n), theta[65 * n :].reshape(n + 1, 10)
    network.theta[...] = np.concatenate(
        [np.column_stack([W, into]).ravel(), np.vstack([V[:n], out, V[n:]]).ravel()]
    )
    return network


def opened(theta: Array) -> Sequential:
    """Return the network with a small unit more along the lowest eigenvector that it adds."""
    network = build(_units(theta), 0)
    network.theta[...] = theta
    U, _, Vt = openings(network)
    return widened(theta, SMALL * U[:, 0], -SMALL * Vt[0])


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


def settle(units: int, theta: Array, weight: float = DECAY) -> Array:
    """Return the critical point to which L-BFGS, and then Newton's method, lead on from θ."""
    network = build(units, 0)
    options = {"maxiter": 100_000, "maxfun": 100_000, "maxcor": 50, "ftol": 0.0, "gtol": 1e-9}
    theta = minimize(
        lambda t: objective(network, t, weight), theta, jac=True, method="L-BFGS-B", options=options
    ).x
    for _ in range(3):
        gradient = objective(network, theta, weight)[1]
        theta = theta - np.linalg.solve(hessian(units, theta, weight), gradient)
    return np.asarray(theta)


def grown(units: int, seed: int) -> dict[str, float]:
    """Return what is stored of the minimum to which a random start settles, and of a unit more.

    ``steepest`` is the largest singular value of C, and ``after`` the loss of the point to which
    the minimum leads on with one unit more. ``gradient`` and ``lowest`` are the worse ones of both
    points.
    """
    first = settle(units, build(units, seed).theta)
    second = settle(units + 1, opened(first).theta)
    losses, lengths, lows = [], [], []
    for n, theta in ((units, first), (units + 1, second)):
        loss, gradient = objective(build(n, 0), theta)
        losses.append(loss)
        lengths.append(np.linalg.norm(gradient))
        lows.append(np.linalg.eigvalsh(hessian(n, theta))[0])
    network = build(units, 0)
    network.theta[...] = first
    return {
        "loss": round(losses[0], 7),
        "decay": round(decay(first), 7),
        "steepest": round(float(openings(network)[1][0]), 6),
        "after": round(losses[1], 7),
        "gradient": float(f"{max(lengths):.0e}"),
        "lowest": float(f"{min(lows):.2e}"),
    }


def weaker(units: int, seed: int) -> dict[str, float]:
    """Return what is stored of the minimum to which a start settles with the weaker decay."""
    theta = settle(units, build(units, seed).theta, WEAK)
    loss, gradient = objective(build(units, 0), theta, WEAK)
    return {
        "loss": round(loss, 7),
        "gradient": float(f"{np.linalg.norm(gradient):.0e}"),
        "lowest": float(f"{np.linalg.eigvalsh(hessian(units, theta, WEAK))[0]:.2e}"),
    }


def rest(units: int, ends: Sequence[Array]) -> list[dict[str, Any]]:
    """Return what is stored of the points to which the ends settle, lowest loss first.

    Copies of one another are one point, and ``runs`` says how many of the ends lead there.
    """
    network = build(units, 0)
    kept: list[tuple[Array, dict[str, Any]]] = []
    images, labels = data()
    points = [settle(units, end) for end in ends]
    for point in sorted(points, key=lambda point: objective(network, point)[0]):
        twins = [
            each for each in kept if np.abs(align(each[0], point, units) - each[0]).max() < SAME
        ]
        if twins:
            twins[0][1]["runs"] += 1
            continue
        loss, gradient = objective(network, point)
        found = {
            "loss": round(loss, 7),
            "gradient": float(f"{np.linalg.norm(gradient):.0e}"),
            "lowest": float(f"{np.linalg.eigvalsh(hessian(units, point))[0]:.2e}"),
            "wrong": int((network.forward(images).argmax(axis=1) != labels).sum()),
            "runs": 1,
        }
        kept.append((point, found))
    return [found for _, found in kept]


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
    """Return the cross-entropy, without decay, at each of ``PLACES`` on the curve from A to B."""
    places = [bezier(A, middle, B, t) for t in PLACES]
    return np.array([objective(network, theta)[0] - decay(theta) for theta in places])


def paths(units: int, A: Array, B: Array) -> dict[str, Array]:
    """Return the cross-entropy along each kind of path from A to B, or to its copy most like A.

    ``straight`` leads to B and ``aligned`` to the copy, both in a straight line; ``bent`` leads to
    the copy in a curve.
    """
    network, twin = build(units, 0), align(A, B, units)
    ways = (((A + B) / 2, B), ((A + twin) / 2, twin), (bend(network, A, twin), twin))
    return {
        name: heights(network, A, middle, end)
        for name, (middle, end) in zip(PATHS, ways, strict=True)
    }


def joined(units: int, ends: Sequence[Array]) -> dict[str, list[list[float]]]:
    """Return what is stored of the paths from each end to the next, the last to the first."""
    each = [paths(units, A, B) for A, B in zip(ends, [*ends[1:], ends[0]], strict=True)]
    return {name: [[round(float(at), 5) for at in one[name]] for one in each] for name in PATHS}


def written(run: Run) -> dict[str, Any]:
    """Return what is stored of a run, one number or one for each mark."""
    return {
        "entropy": [round(value, 5) for value in run.entropy],
        "decay": [round(value, 5) for value in run.decay],
        "lowest": [float(f"{low:.2e}") for low in run.lowest],
        "gradient": [float(f"{length:.2e}") for length in run.gradient],
        "highest": round(run.highest, 3),
        "wrong": run.wrong,
    }


def ended(run: Run) -> dict[str, Any]:
    """Return what is stored of the end of a run."""
    return {
        name: value[-1] if isinstance(value, list) else value
        for name, value in written(run).items()
    }


def told(
    widths: Sequence[int],
    seeds: int,
    marks: Sequence[int],
    watch: Sequence[int],
    wider: Sequence[int],
    weak: Sequence[int],
) -> dict[str, Any]:
    """Return what is stored.

    By width the end of each run, and the critical points that lie beyond; the paths between the
    widest ones; the watched runs; what a unit more changes; and minima with a weaker decay.
    """
    found: dict[str, Any] = {"rest": {}}
    for units in widths:
        runs = [descend(build(units, seed), marks) for seed in range(seeds)]
        found[str(units)] = [ended(run) for run in runs]
        found["rest"][str(units)] = rest(units, [run.theta for run in runs])
    found["paths"] = joined(widths[-1], [run.theta for run in runs])
    closely = [descend(build(NARROW, seed), watch) for seed in WATCHED_SEEDS]
    found["watched"] = [written(run) for run in closely]
    found["more"] = {str(n): [grown(n, seed) for seed in range(seeds)] for n in wider}
    found["weak"] = {str(n): [weaker(n, seed) for seed in range(seeds)] for n in weak}
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``settled.json`` holds."""
    return dict(results.read("settled"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all networks and write the file."""
    results.write(
        "Train small classifiers by gradient descent.",
        lambda: told(WIDTHS, SEEDS, MARKS, WATCH, GROWN, WEAK_WIDTHS),
        arguments,
    )


if __name__ == "__main__":
    main()
