"""Which learning rates a normalized network tolerates, and why: short runs on digits.

What the chapter on normalization measures. A network of six hidden layers is trained for 60 steps;
some *blocks* of its parameters get a rate of their own (:class:`Arm`), and all others get
``USUAL``. In an arm with ``reset``, the weights of each unit are scaled back after each step to
their length at the start (in ``weights matched``, at the effective rates that free lengths reach
after a step, see :data:`MATCHED`); in an arm with ``centered``, the gradients lose their common
part (:func:`common_part`), and in its control, with ``shortened``, only as much of their length.

Every arm of :data:`ARMS` was run from ten starts at its rates, and :func:`slowing` watched the
brake at four of them. What came out stands in ``brakes.json``, which
``python -m backprop.book.brakes FILE`` writes (some minutes on one core).
:func:`final` makes one run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book import results
from backprop.datasets import load_digits
from backprop.initializers import he
from backprop.layers import BatchNorm, Dense, LayerNorm, ReLU
from backprop.layers.base import Layer
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential

USUAL = 0.3
"""The rate of all parameters that are not raised."""
STEPS, BATCH, IMAGES = 60, 100, 600
SEEDS = tuple(range(10))
LAYERS = range(1, 7)
Block = tuple[str, ...]
"""Names of parameters that belong together: one weight matrix, or the γ and β of a layer."""
WEIGHTS: list[Block] = [(f"dense{k}.W",) for k in LAYERS]
SCALES: list[Block] = [(f"batchnorm{k}.gamma", f"batchnorm{k}.beta") for k in LAYERS]
BIASES: list[Block] = [(f"dense{k}.b",) for k in LAYERS]
LAST: list[Block] = [("dense7.W", "dense7.b")]
ALL: list[Block] = [*WEIGHTS, *SCALES, *LAST, *BIASES]
Norm = Callable[[int], Layer]
Watch = Callable[[int, Sequential], None]

_entropy = SoftmaxCrossEntropy()


def build(rng: np.random.Generator, norm: Norm | None = None) -> Sequential:
    """Return six hidden layers of 32 ReLU units, normalized before the ReLU or not."""
    layers: list[Layer] = []
    for k in LAYERS:
        layers.append(Dense(64 if k == 1 else 32, 32, rng=rng, initializer=he))
        layers += [norm(32), ReLU()] if norm else [ReLU()]
    return Sequential([*layers, Dense(32, 10, rng=rng)])


def differentiate(network: Sequential, x: Array, y: NDArray[Any]) -> float:
    """Return the cross-entropy, and leave its gradients in the network."""
    loss = _entropy.forward(network.forward(x), y)
    network.backward(_entropy.backward())
    return float(loss)


def centered(digits: Any) -> tuple[Array, Array]:
    """Return training and test images without the mean image, over the deviation of all pixels."""
    mean = digits.x_train.mean(axis=0)
    size = (digits.x_train - mean).std()
    return (digits.x_train - mean) / size, (digits.x_test - mean) / size


def cut(order: NDArray[Any], size: int) -> list[NDArray[Any]]:
    """Cut an order into batches; what is left over at the end is dropped."""
    return [order[k : k + size] for k in range(0, len(order) - size + 1, size)]


@cache
def data() -> tuple[Array, NDArray[Any]]:
    """Return 600 images and their digits."""
    digits = load_digits(seed=0)
    return centered(digits)[0][:IMAGES], digits.y_train[:IMAGES]


def lengths(parameters: Mapping[str, Array], block: Block) -> Array:
    """Return the length of each unit's weights, a column of a matrix."""
    (name,) = block
    return np.asarray(np.sqrt((parameters[name] ** 2).sum(axis=0)))


def set_back(parameters: Mapping[str, Array], first: Mapping[Block, Array]) -> None:
    """Give each unit's weights the length that they had at first; their directions stay."""
    for block, length in first.items():
        parameters[block[0]][...] *= length / lengths(parameters, block)


def denses(network: Sequential) -> list[Dense]:
    """Return the layers with a weight matrix, in order."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def common_part(layer: Dense) -> Array:
    """Return the part of ∂L/∂W that the inputs have in common: their mean, times ∂L/∂b.

    ∂L/∂W = Σᵢ aᵢ ⊗ ∂L/∂xᵢ, so without it each input aᵢ is replaced by aᵢ - mean(a).
    """
    return np.outer(layer.x.mean(axis=0), layer.gradients["b"])


@dataclass(frozen=True)
class Arm:
    """What is raised, in which network, and how it is trained.

    Attributes
    ----------
    norm : callable or None
        Makes a normalization of 32 units.
    blocks : list of Block
        What gets the arm's rate.
    reset : list of Block
        The matrices that are set back to their first lengths after each step.
    centered : bool
        Whether the gradients of the hidden matrices lose their common part (:func:`common_part`).
        The network itself stays as it is.
    shortened : bool
        Whether they keep it, and are cut to the length that they would have without it.
    """

    norm: Norm | None
    blocks: Sequence[Block]
    reset: Sequence[Block] = ()
    centered: bool = False
    shortened: bool = False

    def run(
        self,
        rate: float,
        seed: int,
        times: float = 1,
        watch: Watch | None = None,
        steps: int = STEPS,
    ) -> float:
        """Train, and return the loss on all 600 images after the last step.

        ``times`` multiplies the six matrices at the start; ``watch`` is called with the number of
        steps made and the network, at the start and after each step. ``steps`` ends it early.
        """
        rng = np.random.default_rng(seed)
        network = build(rng, self.norm)
        parameters, gradients = network.parameters, network.gradients
        for (name,) in WEIGHTS:
            parameters[name][...] *= times
        raised = {name for block in self.blocks for name in block} & set(parameters)
        first = {block: lengths(parameters, block) for block in self.reset}
        images, labels = data()
        if watch:
            watch(0, network)
        order = [rng.permutation(IMAGES) for _ in range(STEPS * BATCH // IMAGES)]
        for k, rows in enumerate(cut(np.concatenate(order), BATCH)[:steps], start=1):
            differentiate(network, images[rows], labels[rows])
            for layer in denses(network)[:-1] if self.centered or self.shortened else ():
                dW = layer.gradients["W"]
                rest = dW - common_part(layer)
                full = np.linalg.norm(dW)
                dW[...] = rest if self.centered else dW * (np.linalg.norm(rest) / (full or 1))
            for name, value in parameters.items():
                value -= (rate if name in raised else USUAL) * gradients[name]
            set_back(parameters, first)
            if watch:
                watch(k, network)
        return differentiate(network, images, labels)

    def tried(self, rate: float, seed: int) -> float:
        """Return what :meth:`run` returns, ∞ for a run that overflows."""
        with np.errstate(all="ignore"):
            try:
                found = self.run(rate, seed)
            except FloatingPointError:
                return np.inf
        return found if np.isfinite(found) else np.inf


def final(
    norm: Norm | None,
    blocks: Sequence[Block],
    rate: float,
    seed: int,
    reset: bool = False,
    times: float = 1,
) -> float:
    """Return the loss after one run: see :meth:`Arm.run`."""
    return Arm(norm, blocks, blocks if reset else ()).run(rate, seed, times)


class Constants(BatchNorm):
    """A batch normalization with a wrong backward pass: mean and deviation are constants."""

    name = "batchnorm"

    def _standardize_vjp(self, dx_hat: Array, axes: tuple[int, ...]) -> Array:
        dx_hat /= self.sigma
        return dx_hat


WIDE = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
WATCHED = (1.0, 10.0, 100.0, 1000.0)
"""The rates at which the effective rates of batch normalization are stored, for every step."""
MATCHED = (0.984, 5.77, 1.55, 0.157)
"""For each of :data:`WATCHED`, the rate that gives weights of the first length the effective rate
which the median unit with free lengths has after its first step."""
ARMS: dict[str, tuple[Arm, tuple[float, ...]]] = {
    "plain": (Arm(None, WEIGHTS), WIDE),
    "weights": (Arm(BatchNorm, WEIGHTS), WIDE),
    "weights reset": (Arm(BatchNorm, WEIGHTS, reset=WEIGHTS), WIDE),
    "layer": (Arm(LayerNorm, WEIGHTS), WIDE),
    "layer step": (Arm(LayerNorm, WEIGHTS, centered=True), WIDE),
    "layer short": (Arm(LayerNorm, WEIGHTS, shortened=True), WIDE),
    "all": (Arm(BatchNorm, ALL), WIDE),
    "plain all": (Arm(None, ALL), WIDE),
    "constants": (Arm(Constants, ALL), (1.0,)),
    "weights matched": (Arm(BatchNorm, WEIGHTS, reset=WEIGHTS), MATCHED),
}


def turning(network: Sequential, rate: float) -> list[float]:
    """Return two medians over the units of the six matrices, at a rate of these matrices.

    They are those of the length of a unit's weights, and of its effective rate, the rate over the
    square of this length.
    """
    long = np.concatenate([lengths(network.parameters, block) for block in WEIGHTS])
    return [float(np.median(long)), float(np.median(rate / long**2))]


def around_a_step(
    arm: Arm, rate: float, seed: int, measure: Callable[[Sequential], list[float]]
) -> tuple[list[float], list[float]]:
    """Return what ``measure`` finds in the network before the first step, and after it."""
    found: list[list[float]] = []
    with np.errstate(all="ignore"):
        arm.run(rate, seed, watch=lambda _, network: found.append(measure(network)), steps=1)
    before, after = found
    return before, after


def slowing(rate: float, seed: int) -> list[float]:
    """Return the median effective rate of the units, at the start and after each step of a run."""
    found: list[float] = []
    with np.errstate(all="ignore"):
        ARMS["weights"][0].run(
            rate, seed, watch=lambda _, network: found.append(turning(network, rate)[1])
        )
    return found


def _rounded(values: Any) -> Any:
    if isinstance(values, list):
        return [_rounded(v) for v in values]
    return float(f"{values:.5g}") if np.isfinite(values) else None


def told(arms: Mapping[str, tuple[Arm, tuple[float, ...]]], seeds: Sequence[int]) -> dict[str, Any]:
    """Return what is stored: losses by arm, a row per start and a column per rate.

    None stands for a run that overflowed. The effective rates have a list a watched rate, with a
    row per start.
    """
    losses = {
        name: [[arm.tried(rate, seed) for rate in rates] for seed in seeds]
        for name, (arm, rates) in arms.items()
    }
    return {
        "losses": {name: _rounded(runs) for name, runs in losses.items()},
        "effective": _rounded([[slowing(rate, seed) for seed in seeds] for rate in WATCHED]),
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ``brakes.json`` holds."""
    found: dict[str, Any] = results.read("brakes")
    return found


def losses(name: str, rates: Sequence[float] | None = None) -> Array:
    """Return the stored losses of an arm, a row per start and a column per rate."""
    runs = np.array(stored()["losses"][name], dtype=float)
    runs[np.isnan(runs)] = np.inf
    return runs if rates is None else runs[:, [ARMS[name][1].index(rate) for rate in rates]]


def effective() -> dict[float, Array]:
    """Return the stored effective rates: by rate, a row per start and a column per step."""
    return dict(zip(WATCHED, np.array(stored()["effective"]), strict=True))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all arms, and write the file."""
    (path,) = sys.argv[1:] if arguments is None else arguments
    Path(path).write_text(json.dumps(told(ARMS, SEEDS)) + "\n")


if __name__ == "__main__":
    main()
