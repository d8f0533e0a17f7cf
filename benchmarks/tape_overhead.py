"""The cost of one operation on a tape, where the arrays are too small to matter.

A chain of elementwise operations on vectors of length 4, forward and backward, divided by the
number of operations. PyTorch is measured where it is installed.
Run: ``python benchmarks/tape_overhead.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from _measure import Options, Table, installed, kept, main, ratios, show, take_turns

from backprop.autodiff import tape

LINKS = 200
"""Every link of the chain is four operations: a product, a sum, tanh, a difference."""


def chain(x: Any, y: Any, tanh: Callable[[Any], Any]) -> Any:
    """Return x after ``LINKS`` times x ← tanh(x y + y) - x."""
    for _ in range(LINKS):
        x = tanh(x * y + y) - x
    return x


def contestants(options: Options) -> dict[str, Callable[[], Any]]:
    """Return for each library a function that runs forward and backward once."""
    x, y, g = np.linspace(-1, 1, 4), np.linspace(0.1, 0.4, 4), np.ones(4)

    def backprop_tape() -> Any:
        return tape.vjp(lambda x, y: chain(x, y, tape.tanh), x, y)[1](g)

    def hips() -> Any:
        f = autograd.make_vjp(lambda xy: chain(xy[0], xy[1], anp.tanh))
        return f((x, y))[0](g)

    found = {"backprop.autodiff.tape": backprop_tape, "HIPS autograd": hips}
    if installed("torch", options):
        return found
    import torch

    torch.set_num_threads(1)

    def pytorch() -> Any:
        xy = [torch.tensor(v, requires_grad=True) for v in (x, y)]
        return torch.autograd.grad(chain(*xy, torch.tanh), xy, torch.tensor(g))

    return found | {"PyTorch": pytorch}


def measure(options: Options) -> list[Table]:
    """Return the one table."""
    rounds = 5 if options.quick else 61
    runs = contestants(options)
    results = {name: [np.asarray(part) for part in run()] for name, run in runs.items()}
    for got in results.values():
        np.testing.assert_allclose(got, results["backprop.autodiff.tape"], rtol=1e-12)
    times = take_turns(runs, rounds)
    rows = [
        [
            name,
            show(times[name], scale=1e6 / (4 * LINKS)),
            show(ratios(times, "backprop.autodiff.tape", name)),
        ]
        for name in runs
    ]
    text = f"Forward and backward, vectors of length 4; {rounds} rounds."
    header = ["library", "µs an operation", "backprop.autodiff.tape's time divided by it"]
    why = installed("torch", options)
    notes = [f"PyTorch: {why}."] if why else []
    data = [{"operations": 4 * LINKS, "seconds": kept(times)}]
    return [Table("One operation on a tape", text, header, rows, data, notes)]


if __name__ == "__main__":
    main(__doc__, measure)
