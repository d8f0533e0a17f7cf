"""What a gradient costs, in forward passes: by the clock, and by counting multiplications.

For a network of L dense layers the products of the forward pass take Σ n_l n_{l+1} multiplications
a sample. Backwards ∂L/∂W takes as many, and ∂L/∂a as many again but for the first layer, so the
gradient with its forward pass costs 3 - n_0 n_1 / Σ n_l n_{l+1} forward passes: less than 3, and 2
where the first layer is nearly all. Counted are the products that ``numpy.matmul`` is really given,
the sums over the batch among them. Run: ``python benchmarks/gradient_cost.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any
from unittest.mock import patch

import numpy as np
from _measure import Options, Table, kept, main, ratios, show, take_turns

from backprop.layers import Dense, ReLU
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential

NETS = ((784, 100, 2), (784, 256, 128, 10), (256, 256, 256, 256, 10))
BATCHES = (32, 128, 512)


def multiplications(run: Callable[[], object]) -> int:
    """Return the multiplications in all calls of ``numpy.matmul`` while ``run`` is at work."""
    count = 0
    matmul = np.matmul

    def counting(a: Any, b: Any, **options: Any) -> Any:
        nonlocal count
        result = matmul(a, b, **options)
        count += prod(result.shape) * a.shape[-1]
        return result

    with patch.object(np, "matmul", counting):
        run()
    return count


def measure(options: Options) -> list[Table]:
    """Return the one table."""
    rounds = 5 if options.quick else 100
    rows, data = [], []
    for widths in NETS:
        rng = np.random.default_rng(0)
        layers: list[Any] = []
        for n_in, n_out in pairwise(widths):
            layers += [Dense(n_in, n_out, rng=rng, dtype=np.float32), ReLU()]
        network, loss = Sequential(layers[:-1]), SoftmaxCrossEntropy()
        network.reuse_buffers(True)
        loss.reuse = True
        sizes = [n_in * n_out for n_in, n_out in pairwise(widths)]
        theory = 3 - sizes[0] / sum(sizes)
        for batch in BATCHES[:1] if options.quick else BATCHES:
            x = rng.standard_normal((batch, widths[0]), np.float32)
            y = rng.integers(0, widths[-1], batch)

            def forward(network=network, loss=loss, x=x, y=y) -> float:
                return loss.forward(network.forward(x), y)

            def gradient(network=network, loss=loss, x=x, y=y) -> None:
                loss.forward(network.forward(x), y)
                network.backward_parameters(loss.backward())

            # A single forward pass is short: ten at a time.
            times = take_turns({
                "forward": lambda run=forward: [run() for _ in range(10)],
                "gradient": lambda run=gradient: [run() for _ in range(10)],
            }, rounds)  # fmt: skip
            counted = multiplications(gradient) / multiplications(forward)
            net = "-".join(map(str, widths))
            rows.append([
                f"{net}, {batch}", show(ratios(times, "gradient", "forward")), f"{counted:.2f}",
                f"{theory:.2f}",
            ])  # fmt: skip
            data.append({
                "net": net, "batch": batch, "counted": counted, "theory": theory,
                "seconds of ten": kept(times),
            })  # fmt: skip
    text = (
        "Forward pass, loss and all gradients ∂L/∂W, ∂L/∂b, divided by forward pass and loss alone:"
        f" median and quartiles of {rounds} rounds; then the same ratio of multiplications, counted"
        " in the products that were made, and by the formula."
    )
    header = ["net, batch", "time", "counted", "formula"]
    return [Table("The gradient's cost in forward passes", text, header, rows, data)]


if __name__ == "__main__":
    main(__doc__, measure)
