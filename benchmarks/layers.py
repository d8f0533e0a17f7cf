"""Forward and backward of the layers of Part IV, beside PyTorch's.

float32, no update; output and all gradients are compared before a time counts, and may differ by
1e-4 of their norm. The limit is the time of the matrix products alone, in ``numpy.matmul`` with
``out=``; for a convolution those of unfolded images, the unfolding not counted. A layer that
PyTorch does not have is written there in its functions. Run: ``python benchmarks/layers.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from _measure import (
    BACKPROP,
    LIMIT,
    Options,
    Table,
    agree,
    compared,
    installed,
    kept,
    main,
    take_turns_until_steady,
)

from backprop.layers import (
    GRU,
    LSTM,
    RNN,
    AvgPool2d,
    Conv2d,
    Embedding,
    GatedMLP,
    Layer,
    MaxPool2d,
    MultiHeadAttention,
    RMSNorm,
    RotaryAttention,
    Tied,
)
from backprop.network import Sequential

Run = Callable[[], object]
TOLERANCE = 1e-4


@dataclass
class Case:
    """A network, its input, the error that comes back, and the products it cannot do without."""

    network: Sequential
    x: np.ndarray
    limit: Run | None
    modules: Callable[[], list[Any]]
    """The same in PyTorch, a module a layer; their parameters are overwritten."""
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


def attention(quick: bool, kind: type[MultiHeadAttention] = MultiHeadAttention) -> Case:
    """4 heads of 32, 64 tokens; those that are turned see earlier tokens alone."""
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
    turned = kind is RotaryAttention
    layer = kind(width, heads, causal=turned, rng=rng, dtype=np.float32)

    def modules() -> list[Any]:
        import torch

        if turned:
            return [written(layer, rotary_in_torch(tokens, heads, each))]
        return [torch.nn.MultiheadAttention(width, heads, batch_first=True)]

    x = rng.standard_normal((batch, tokens, width), np.float32)
    return Case(Sequential([layer]), x, limit, modules)


def rotary_in_torch(tokens: int, heads: int, each: int) -> Callable[..., Any]:
    """Return (x, parameters) ↦ y in PyTorch's functions, the angles computed once."""
    import torch

    angle = np.arange(tokens)[:, None] * 10_000.0 ** (-np.arange(0, each, 2) / each)
    cos, sin = (torch.tensor(f(angle).astype(np.float32)) for f in (np.cos, np.sin))
    F = torch.nn.functional

    def turn(q: Any) -> Any:
        a, b = q.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    def forward(x: Any, W_qkv: Any, b_qkv: Any, W_o: Any, b_o: Any) -> Any:
        batch = len(x)
        parts = (x @ W_qkv + b_qkv).chunk(3, -1)
        q, k, v = (p.view(batch, tokens, heads, each).transpose(1, 2) for p in parts)
        o = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True)
        return o.transpose(1, 2).reshape(x.shape) @ W_o + b_o

    return forward


def pooling(kind: type[MaxPool2d] | type[AvgPool2d], quick: bool) -> Case:
    """Windows of 2×2 on 16 channels of 28×28 pixels."""
    x = np.random.default_rng(0).standard_normal((4 if quick else 64, 16, 28, 28), np.float32)

    def modules() -> list[Any]:
        import torch

        return [getattr(torch.nn, kind.__name__)(2)]

    return Case(Sequential([kind(2)]), x, None, modules)


def rms_norm(quick: bool) -> Case:
    """Rows of 128 numbers."""
    rng = np.random.default_rng(0)
    layer = RMSNorm(128, dtype=np.float32)
    layer.parameters["gamma"] = rng.uniform(0.5, 1.5, 128).astype(np.float32)

    def modules() -> list[Any]:
        import torch

        return [torch.nn.RMSNorm(128, eps=1e-5)]

    x = rng.standard_normal((4 if quick else 32, 64, 128), np.float32)
    return Case(Sequential([layer]), x, None, modules)


def gated(quick: bool) -> Case:
    """128 → 344 → 128, which has about as many weights as 128 → 512 → 128 without a gate."""
    n, hidden, batch = 128, 344, 4 if quick else 32
    rng, rows = np.random.default_rng(0), batch * 64
    layer = GatedMLP(n, hidden, rng=rng, dtype=np.float32)
    inward, outward = product(rows, n, hidden), product(rows, hidden, n)
    limit = all_of(
        inward, inward, outward, transposed(hidden, rows, n), inward,
        outward, outward, transposed(n, rows, hidden), transposed(n, rows, hidden),
    )  # fmt: skip

    def modules() -> list[Any]:
        from torch.nn.functional import silu

        return [written(layer, lambda x, W_g, W_u, W_o: (silu(x @ W_g) * (x @ W_u)) @ W_o)]

    return Case(
        Sequential([layer]), rng.standard_normal((batch, 64, n), np.float32), limit, modules
    )


def tied(quick: bool) -> Case:
    """A table of 1,000 tokens embeds them, and scores all of them at once."""
    n, d, batch = (100, 16, 4) if quick else (1_000, 128, 32)
    rng, rows = np.random.default_rng(0), batch * 64
    layer = Tied([Embedding(n, d, scale=d**-0.5, rng=rng, dtype=np.float32)])
    limit = all_of(product(rows, d, n), product(rows, n, d), transposed(n, rows, d))

    def modules() -> list[Any]:
        from torch.nn.functional import embedding

        return [written(layer, lambda x, W: embedding(x, W) @ W.T)]

    return Case(Sequential([layer]), rng.integers(0, n, (batch, 64)), limit, modules, whole=False)


def embedded(quick: bool) -> Case:
    """A table of 1,000 tokens alone."""
    n, d, batch = (100, 16, 4) if quick else (1_000, 128, 32)
    rng = np.random.default_rng(0)

    def modules() -> list[Any]:
        import torch

        return [torch.nn.Embedding(n, d)]

    network = Sequential([Embedding(n, d, rng=rng, dtype=np.float32)])
    return Case(network, rng.integers(0, n, (batch, 64)), None, modules, whole=False)


def written(layer: Layer, forward: Callable[..., Any]) -> Any:
    """Return a module with the layer's parameters, in its order, whose output is ``forward``'s."""
    import torch

    class Written(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.values = torch.nn.ParameterList([
                torch.nn.Parameter(torch.tensor(value)) for value in layer.parameters.values()
            ])  # fmt: skip

        def forward(self, x: Any) -> Any:
            return forward(x, *self.values)

    return Written()


def torch_run(case: Case, threads: int | None) -> Run:
    """Return the same pass in PyTorch, after comparing output and gradients."""
    import torch

    if threads is not None:
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
    agree("output", case.network.forward(case.x), theirs, TOLERANCE)
    if case.whole:
        agree("∂L/∂x", case.network.backward(case.dz), x.grad.numpy(), TOLERANCE)
    else:
        case.network.backward_parameters(case.dz)
    for layer, module in zip(case.network.layers, modules, strict=True):
        mine, given = in_torch(layer, layer.gradients, True), dict(module.named_parameters())
        for name, parameter in given.items():
            agree(f"∂L/∂{name}", mine[name], parameter.grad.numpy(), TOLERANCE)
    return run


def _copy(layer: Layer, module: Any) -> None:
    """Give PyTorch's module the layer's parameters."""
    import torch

    mine = in_torch(layer, layer.parameters, False)
    with torch.no_grad():
        for name, value in module.named_parameters():
            value.copy_(torch.from_numpy(np.ascontiguousarray(mine[name])))


def in_torch(layer: Layer, mine: Mapping[str, Any], gradients: bool) -> dict[str, np.ndarray]:
    """Return parameters or gradients by PyTorch's names and in its layout.

    A recurrent layer has a second bias there, beside U: it is 0, and its gradient that of b.
    """
    if isinstance(layer, Conv2d):
        return {"weight": mine["W"], "bias": mine["b"]}
    if isinstance(layer, MultiHeadAttention) and not isinstance(layer, RotaryAttention):
        return {
            "in_proj_weight": mine["W_qkv"].T, "in_proj_bias": mine["b_qkv"],
            "out_proj.weight": mine["W_o"].T, "out_proj.bias": mine["b_o"],
        }  # fmt: skip
    if isinstance(layer, RMSNorm | Embedding):
        return {"weight": next(iter(mine.values()))}
    if not isinstance(layer, RNN | LSTM | GRU):
        return {f"values.{k}": value for k, value in enumerate(mine.values())}
    second = mine["b"] * gradients
    if isinstance(layer, GRU):
        second[-len(mine["b_U"]) :] = mine["b_U"]
    pairs = {
        "weight_ih_l0": mine["W"].T, "weight_hh_l0": mine["U"].T,
        "bias_ih_l0": mine["b"], "bias_hh_l0": second,
    }  # fmt: skip
    if isinstance(layer, LSTM):
        pairs = {name: _output_gate_last(value) for name, value in pairs.items()}
    return pairs


def _output_gate_last(rows: np.ndarray) -> np.ndarray:
    i, f, o, g = np.split(rows, 4)
    return np.concatenate([i, f, g, o])


CASES: dict[str, Callable[[bool], Case]] = {
    "convolution 1-16-32, 3×3, batch 64": convolution,
    "RNN, 128 units, 50 steps, batch 64": lambda quick: recurrent(RNN, quick),
    "GRU, 128 units, 50 steps, batch 64": lambda quick: recurrent(GRU, quick),
    "LSTM, 128 units, 50 steps, batch 64": lambda quick: recurrent(LSTM, quick),
    "attention, 4 heads of 32, 64 tokens, batch 32": attention,
    "the same, rotary and causal": lambda quick: attention(quick, RotaryAttention),
    "gated MLP, 128-344-128, 2,048 rows": gated,
    "RMSNorm, 2,048 rows of 128": rms_norm,
    "embedding, 1,000 tokens of 128, 2,048 at once": embedded,
    "tied embedding and scores, the same": tied,
    "largest of 2×2, 16 channels, 28×28, batch 64": lambda quick: pooling(MaxPool2d, quick),
    "mean of 2×2, the same": lambda quick: pooling(AvgPool2d, quick),
}


def measure(options: Options) -> list[Table]:
    """Return the one table of all layers."""
    rounds = 3 if options.quick else 60
    why = installed("torch", options)
    rows, data = [], []
    for name, build in CASES.items():
        case = build(options.quick)
        runs: dict[str, Run] = {BACKPROP: case.ours}
        if case.limit is not None:
            runs[LIMIT] = case.limit
        if why is None:
            runs["PyTorch"] = torch_run(case, options.threads)
        times = take_turns_until_steady(runs, rounds)
        limit = [] if case.limit else ["–"]
        rows.append([name, *compared(times, ["PyTorch"]), *limit])
        data.append({"layer": name, "threads": options.threads, "seconds": kept(times)})
    threads = f"{options.threads} thread" + "s" * (options.threads > 1)
    text = (
        f"float32, {rounds} rounds, twice as many where they scatter. The column PyTorch is"
        " backprop's time divided by PyTorch's, the last one the time of the matrix products alone"
        " divided by backprop's; where there are none, a dash."
        + (" Sizes are smaller than the names say: a quick run." if options.quick else "")
    )
    header = ["layer", "backprop [ms]", "PyTorch", "share of the limit"]
    notes = [f"PyTorch: {why}."] if why else []
    return [Table(f"Forward and backward of layers, {threads}", text, header, rows, data, notes)]


if __name__ == "__main__":
    main(__doc__, measure)
