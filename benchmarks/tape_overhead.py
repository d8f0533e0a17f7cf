"""The cost of one operation on a tape, where the arrays are too small to matter.

A chain of elementwise operations on vectors of length 4, forward and backward, divided by the
number of operations. Prints a table: the median over repeats, with the fastest and the slowest.
PyTorch is measured where it is installed. Run: ``python benchmarks/tape_overhead.py``.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np

from backprop import tape

LINKS, REPEATS = 200, 31
"""Every link of the chain is four operations: a product, a sum, tanh, a difference."""


def chain(x: Any, y: Any, tanh: Callable[[Any], Any]) -> Any:
    """Return x after ``LINKS`` times x ← tanh(x y + y) - x."""
    for _ in range(LINKS):
        x = tanh(x * y + y) - x
    return x


def contestants() -> dict[str, Callable[[], Any]]:
    """Return for each library a function that runs forward and backward once."""
    x, y, g = np.linspace(-1, 1, 4), np.linspace(0.1, 0.4, 4), np.ones(4)

    def backprop_tape() -> Any:
        return tape.vjp(lambda x, y: chain(x, y, tape.tanh), x, y)[1](g)

    def hips() -> Any:
        f = autograd.make_vjp(lambda xy: chain(xy[0], xy[1], anp.tanh))
        return f((x, y))[0](g)

    found = {"backprop.tape": backprop_tape, "HIPS autograd": hips}
    try:
        import torch
    except ImportError:
        return found
    torch.set_num_threads(1)

    def pytorch() -> Any:
        xy = [torch.tensor(v, requires_grad=True) for v in (x, y)]
        return torch.autograd.grad(chain(*xy, torch.tanh), xy, torch.tensor(g))

    return found | {f"PyTorch {torch.__version__}": pytorch}


def main() -> None:
    """Print the table; the libraries take turns, so that a slow moment hits them all."""
    runs = contestants()
    results = {name: [np.asarray(part) for part in run()] for name, run in runs.items()}
    for got in results.values():
        np.testing.assert_allclose(got, results["backprop.tape"], rtol=1e-12)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(REPEATS):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / (4 * LINKS) * 1e6)
    print(f"{platform.processor() or platform.machine()}, NumPy {np.__version__}")
    print(f"{'µs an operation':22}{'median':>8}{'fastest':>9}{'slowest':>9}")
    for name, t in times.items():
        print(f"{name:22}{statistics.median(t):8.2f}{min(t):9.2f}{max(t):9.2f}")


if __name__ == "__main__":
    main()
