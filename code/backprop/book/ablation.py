"""What a small language model loses when one of its parts is taken out, or its gradient is wrong.

The chapter "A small language model" shows what is stored in ``ablation.json``, which the command

    python -m backprop.book.ablation FILE

writes in minutes on one core. The runs of a seed begin with the same numbers wherever they have the
same matrices, and train on the same passages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book import results
from backprop.book.alice import letters
from backprop.book.language import SMALL, Settings, Training, bits, one_path
from backprop.initializers import glorot
from backprop.layers import (
    GatedMLP,
    Layer,
    MultiHeadAttention,
    Residual,
    RotaryAttention,
    SiLU,
    Tied,
)
from backprop.network import Sequential

LONGER = replace(SMALL, steps=1_500)
"""The small model, trained for longer than on the page."""
SEEDS = 10
FIRST = 5
"""Losses at the beginning of a run, by which it can be known again."""


class Product(Layer):
    """y = x W, at each place of a sequence.

    Shapes: x (…, n_in), W (n_in, n_out), y (…, n_out).
    """

    name = "product"

    def __init__(self, W: Array) -> None:
        super().__init__()
        self.parameters["W"] = W
        self.gradients["W"] = np.zeros_like(W)

    def forward(self, x: Array) -> Array:
        """Return y = x W."""
        self.x = x
        return np.asarray(x @ self.parameters["W"])

    def backward(self, dz: Array) -> Array:
        """∂L/∂W = xᵀ dy; return ∂L/∂x = dy Wᵀ, given the argument dy = ∂L/∂y."""
        rows = dz.reshape(-1, dz.shape[-1])
        self.gradients["W"][...] = self.x.reshape(len(rows), -1).T @ rows
        return np.asarray(dz @ self.parameters["W"].T)


def untied(network: Sequential, seed: int) -> Sequential:
    """Return the model with a second table for the scores, at first a copy of the one it reads."""
    layers = list(network.layers[0].layers)  # type: ignore[attr-defined]
    return Sequential([*layers, Product(layers[0].parameters["W"].T.copy())])


def unturned(network: Sequential, seed: int) -> Sequential:
    """Return the model whose queries and keys are not turned."""

    def plain(old: Layer) -> Sequence[Layer]:
        if not isinstance(old, RotaryAttention):
            return [old]
        rng, dtype = np.random.default_rng(seed), old.parameters["W_o"].dtype
        new = MultiHeadAttention(old.d_model, old.n_heads, causal=old.causal, rng=rng, dtype=dtype)
        for name, value in old.parameters.items():
            new.parameters[name] = value
        return [new]

    return _replaced(network, plain)


def ungated(network: Sequential, seed: int) -> Sequential:
    """Return the model with φ(x W_1) W_2 for each gated layer, and half as many units again.

    Both then have the same number of parameters.
    """
    rng = np.random.default_rng([seed, 1])
    branches = 2 * sum(isinstance(layer, GatedMLP) for _, layer in network.walk())

    def plain(old: Layer) -> Sequence[Layer]:
        if not isinstance(old, GatedMLP):
            return [old]
        n, hidden = old.parameters["W_g"].shape
        wide, dtype = hidden * 3 // 2, old.parameters["W_g"].dtype
        inward, outward = (glorot(rng, shape).astype(dtype) for shape in ((n, wide), (wide, n)))
        return [Product(inward), SiLU(), Product(outward / dtype.type(np.sqrt(branches)))]

    return _replaced(network, plain)


def _replaced(network: Sequential, plain: Callable[[Layer], Sequence[Layer]]) -> Sequential:
    """Put other layers in place of what stands after the norm in each branch."""
    (tied,) = network.layers
    table, *branches, norm = tied.layers  # type: ignore[attr-defined]
    found = [Residual([b.layers[0], *plain(b.layers[1])]) for b in branches]
    return Sequential([Tied([table, *found, norm])])


PARTS: dict[str, Callable[[Sequential, int], Sequential]] = {
    "nothing": lambda network, seed: network,
    "tying": untied,
    "turning": unturned,
    "gate": ungated,
}
"""What is taken out, by the names under which the results are stored."""
RUNS = PARTS | {"one share": lambda network, seed: one_path(network)}
"""And the whole model with a mistake: the table keeps the share of the scores alone."""


def training(part: str, seed: int, s: Settings = LONGER) -> Training:
    """Return the run of a model without this part, or with the mistake, before its first step."""
    return Training(s, seed, changed=lambda network: RUNS[part](network, seed))


def told(s: Settings, seeds: int, show: Callable[[str], None] | None = None) -> dict[str, Any]:
    """Return what is stored: for each part and seed, the first losses and the bits at the end."""
    found: dict[str, Any] = {"settings": asdict(s), "first": {}, "bits": {}, "parameters": {}}
    for part in RUNS:
        found["first"][part], found["bits"][part] = [], []
        for seed in range(seeds):
            run = training(part, seed, s)
            first = [round(run.step(), 4) for _ in range(FIRST)]
            rest = bits(run.finish(), letters().validation, s.length)
            found["first"][part].append(first)
            found["bits"][part].append(round(rest, 4))
            if show is not None:
                show(f"{part}, seed {seed}: {rest:.3f} bits")
        found["parameters"][part] = run.network.theta.size
    return found


@cache
def stored() -> dict[str, Any]:
    """Return what ``ablation.json`` holds."""
    found: dict[str, Any] = results.read("ablation")
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Train all models and write the file."""
    results.write(
        "Take parts out of a small language model.", lambda: told(LONGER, SEEDS, print), arguments
    )


if __name__ == "__main__":
    main()
