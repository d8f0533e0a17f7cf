"""Forward and backward of convolution, recurrence and attention, beside PyTorch's.

float32, no update; the gradients are compared before a time counts. The limit is the time of the
matrix products alone, in ``numpy.matmul`` with ``out=``; for a convolution those of unfolded
images, the unfolding not counted. Run: ``python benchmarks/layers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from _measure import (
    BACKPROP,
    LIMIT,
    Options,
    Table,
    compared,
    installed,
    kept,
    main,
    take_turns_until_steady,
)

from backprop.layers import GRU, LSTM, RNN, Conv2d, Layer, MultiHeadAttention
from backprop.network import Sequential

Run = Callable[[], object]


@dataclass
class Case:
    """A network, its input, the error that comes back, and the products it cannot do without."""

    network: Sequential
    x: np.ndarray
    limit: Run
    modules: Callable[[], list[Any]]
    """The same in PyTorch; its parameters are overwritten."""
    whole: bool = True
    """Whether ∂L/∂x is wanted, as in the middle of a network."""
    dz: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.network.reuse_buffers(True)
        shape = self.network.forward(self.x).shape
        self.dz = np.random.default_rng(1).standard_normal(shape, np.float32)

    def ours(self) -> None:
        """Go forward and backward."""
        self.network.forward(self.x)
        if self.whole:
            self.network.backward(self.dz)
        else:
            self.network.backward_parameters(self.dz)


def product(m: int, k: int, n: int, *, batch: Sequence[int] = (), count: int = 1) -> Run:
    """Return ``count`` products of (m, k) and (k, n) arrays, each into the same array."""
    rng = np.random.default_rng(2)
    a, b = (rng.random((*batch, *shape), np.float32) for shape in ((m, k), (k, n)))
    out = np.empty((*batch, m, n), np.float32)

    def run() -> None:
        for _ in range(count):
            np.matmul(a, b, out=out)

    return run


def transposed(m: int, k: int, n: int) -> Run:
    """Return the product Aᵀ B of a (k, m) and a (k, n) array."""
    rng = np.random.default_rng(2)
    a, b = rng.random((k, m), np.float32), rng.random((k, n), np.float32)
    out = np.empty((m, n), np.float32)
    return lambda: np.matmul(a.T, b, out=out)


def all_of(*runs: Run) -> Run:
    """Return a function that calls one after another."""

    def run() -> None:
        for one in runs:
            one()

    return run


def convolution(quick: bool) -> Case:
    """1 → 16 → 32 channels, 3×3, on 28×28 pixels."""
    batch = 8 if quick else 64
    rng = np.random.default_rng(0)
    network = Sequential([
        Conv2d(1, 16, 3, rng=rng, dtype=np.float32), Conv2d(16, 32, 3, rng=rng, dtype=np.float32),
    ])  # fmt: skip
    first, second = batch * 26 * 26, batch * 24 * 24
    limit = all_of(
        product(first, 9, 16), product(second, 144, 32),
        transposed(144, second, 32), product(second, 32, 144), transposed(9, first, 16),
    )  # fmt: skip

    def modules() -> list[Any]:
        import torch

        return [torch.nn.Conv2d(1, 16, 3), torch.nn.Conv2d(16, 32, 3)]

    x = rng.standard_normal((batch, 1, 28, 28), np.float32)
    return Case(network, x, limit, modules, whole=False)


def recurrent(kind: type[RNN] | type[LSTM] | type[GRU], quick: bool) -> Case:
    """128 inputs, 128 units, 50 steps: ``kind`` tells how many products stand side by side."""
    batch, steps, units = (16, 10, 128) if quick else (64, 50, 128)
    gates = {RNN: 1, LSTM: 4, GRU: 3}[kind] * units
    rng = np.random.default_rng(0)
    rows = batch * steps
    limit = all_of(
        product(rows, units, gates), product(batch, units, gates, count=steps),
        product(batch, gates, units, count=steps),
        transposed(units, rows, gates), transposed(units, rows, gates),
        product(rows, gates, units),
    )  # fmt: skip

    def modules() -> list[Any]:
        import torch

        return [getattr(torch.nn, kind.__name__)(units, units, batch_first=True)]

    network = Sequential([kind(units, units, rng=rng, dtype=np.float32)])
    x = rng.standard_normal((batch, steps, units), np.float32)
    return Case(network, x, limit, modules)


def attention(quick: bool) -> Case:
    """4 heads of 32, 64 tokens."""
    batch, tokens, width, heads = (4, 64, 128, 4) if quick else (32, 64, 128, 4)
    rng = np.random.default_rng(0)
    rows, each, grid = batch * tokens, width // heads, (batch, heads)
    scores, values = (
        product(tokens, each, tokens, batch=grid), product(tokens, tokens, each, batch=grid)
    )  # fmt: skip
    limit = all_of(
        product(rows, width, 3 * width), scores, values, product(rows, width, width),
        transposed(width, rows, width), product(rows, width, width), values, scores, values, values,
        transposed(width, rows, 3 * width), product(rows, 3 * width, width),
    )  # fmt: skip

    def modules() -> list[Any]:
        import torch

        return [torch.nn.MultiheadAttention(width, heads, batch_first=True)]

    network = Sequential([MultiHeadAttention(width, heads, rng=rng, dtype=np.float32)])
    return Case(network, rng.standard_normal((batch, tokens, width), np.float32), limit, modules)


def torch_run(case: Case, threads: int) -> Run:
    """Return the same pass in PyTorch, after comparing output and gradients."""
    import torch

    torch.set_num_threads(threads)
    modules = case.modules()
    for layer, module in zip(case.network.layers, modules, strict=True):
        _copy(layer, module)
    x, dz = torch.from_numpy(case.x).requires_grad_(case.whole), torch.from_numpy(case.dz)

    def run() -> Any:
        for module in modules:
            module.zero_grad()
        x.grad = None
        z = x
        for module in modules:
            if isinstance(module, torch.nn.MultiheadAttention):
                z = module(z, z, z, need_weights=False)[0]
            else:
                z = module(z)
                z = z[0] if isinstance(z, tuple) else z
        z.backward(dz)
        return z

    theirs = run().detach().numpy()
    mine = np.array(case.network.forward(case.x))
    _agree("output", mine, theirs)
    if case.whole:
        _agree("∂L/∂x", np.array(case.network.backward(case.dz)), x.grad.numpy())
    return run


def _agree(what: str, mine: np.ndarray, theirs: np.ndarray) -> None:
    difference = np.linalg.norm(mine - theirs) / np.linalg.norm(theirs)
    if not difference < 1e-4:
        raise AssertionError(f"{what} differs from PyTorch's by {difference:.2g}")


def _copy(layer: Layer, module: Any) -> None:
    """Give PyTorch's module the layer's parameters, in PyTorch's layout."""
    import torch

    mine, theirs = layer.parameters, dict(module.named_parameters())
    if isinstance(layer, Conv2d):
        pairs = {"weight": mine["W"], "bias": mine["b"]}
    elif isinstance(layer, MultiHeadAttention):
        pairs = {
            "in_proj_weight": mine["W_qkv"].T, "in_proj_bias": mine["b_qkv"],
            "out_proj.weight": mine["W_o"].T, "out_proj.bias": mine["b_o"],
        }  # fmt: skip
    else:
        b_U = np.zeros_like(mine["b"])
        if isinstance(layer, GRU):
            b_U[-len(mine["b_U"]) :] = mine["b_U"]
        pairs = {
            "weight_ih_l0": mine["W"].T, "weight_hh_l0": mine["U"].T,
            "bias_ih_l0": mine["b"], "bias_hh_l0": b_U,
        }  # fmt: skip
        if isinstance(layer, LSTM):
            pairs = {name: _output_gate_last(value) for name, value in pairs.items()}
    with torch.no_grad():
        for name, value in pairs.items():
            theirs[name].copy_(torch.from_numpy(np.ascontiguousarray(value)))


def _output_gate_last(rows: np.ndarray) -> np.ndarray:
    i, f, o, g = np.split(rows, 4)
    return np.concatenate([i, f, g, o])


CASES: dict[str, Callable[[bool], Case]] = {
    "convolution 1-16-32, 3×3, batch 64": convolution,
    "RNN, 128 units, 50 steps, batch 64": lambda quick: recurrent(RNN, quick),
    "GRU, 128 units, 50 steps, batch 64": lambda quick: recurrent(GRU, quick),
    "LSTM, 128 units, 50 steps, batch 64": lambda quick: recurrent(LSTM, quick),
    "attention, 4 heads of 32, 64 tokens, batch 32": attention,
}


def measure(options: Options) -> list[Table]:
    """Return the one table of all layers."""
    rounds = 3 if options.quick else 60
    why = installed("torch", options)
    rows, data = [], []
    for name, build in CASES.items():
        case = build(options.quick)
        runs: dict[str, Run] = {BACKPROP: case.ours, LIMIT: case.limit}
        if why is None:
            runs["PyTorch"] = torch_run(case, options.threads)
        times = take_turns_until_steady(runs, rounds)
        rows.append([name, *compared(times, ["PyTorch"])])
        data.append({"layer": name, "threads": options.threads, "seconds": kept(times)})
    threads = f"{options.threads} thread" + "s" * (options.threads > 1)
    text = (
        f"float32, {rounds} rounds, twice as many where they scatter. The column PyTorch is"
        " backprop's time divided by PyTorch's, the last one the time of the matrix products alone"
        " divided by backprop's."
        + (" Sizes are smaller than the names say: a quick run." if options.quick else "")
    )
    header = ["layer", "backprop [ms]", "PyTorch", "share of the limit"]
    notes = [f"PyTorch: {why}."] if why else []
    return [Table(f"Forward and backward of layers, {threads}", text, header, rows, data, notes)]


if __name__ == "__main__":
    main(__doc__, measure)
