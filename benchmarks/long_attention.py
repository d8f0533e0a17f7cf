"""Attention over long sequences without holding all scores, beside PyTorch's and JAX's.

float32, 4 heads of 32, causal, forward and backward. Output and gradients are compared before a
time counts, and may differ by 1e-4 of their norm. backprop is ``blockwise_attention``, whose
softmax is carried on from block to block; "all scores" is our own ``dot_product_attention``, and
"PyTorch, written out" the same formula on PyTorch's tape. The columns of memory are our own peaks.
Run: ``python benchmarks/long_attention.py``.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from _measure import BACKPROP, Numbers, Options, Piece, Table, main, pieces_table

from backprop import (
    blockwise_attention,
    blockwise_attention_vjp,
    dot_product_attention,
    dot_product_attention_vjp,
)

HEADS, WIDTH = 4, 32
LENGTHS = (256, 1024, 2048)
ALL = "all scores"


def inputs(n: int) -> list[np.ndarray]:
    """Return q, k, v and ∂L/∂y, each (1, heads, n, width)."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((1, HEADS, n, WIDTH), np.float32) for _ in range(4)]


def blockwise(q: np.ndarray, k: np.ndarray, v: np.ndarray, dy: np.ndarray) -> Numbers:
    """Return y and the gradients, block by block."""
    y, log_sum = blockwise_attention(q, k, v, causal=True)
    return [y, *blockwise_attention_vjp(q, k, v, y, log_sum, dy, causal=True)]


def all_scores(q: np.ndarray, k: np.ndarray, v: np.ndarray, dy: np.ndarray) -> Numbers:
    """Return y and the gradients from the matrix of all scores."""
    allowed = np.tri(q.shape[-2], dtype=bool)
    y, p = dot_product_attention(q, k, v, allowed)
    return [y, *dot_product_attention_vjp(q, k, v, p, dy)]


def pytorch(arrays: list[np.ndarray], fused: bool) -> Callable[[], Numbers]:
    """Return PyTorch's own function on its tape, or the formula written out."""
    import torch

    *given, dy = map(torch.from_numpy, arrays)
    for x in given:
        x.requires_grad_()
    hidden = ~torch.ones(dy.shape[-2], dy.shape[-2], dtype=torch.bool).tril()

    def formula(q: Any, k: Any, v: Any) -> Any:
        s = (q @ k.mT * WIDTH**-0.5).masked_fill(hidden, -torch.inf)
        return s.softmax(-1) @ v

    own = partial(torch.nn.functional.scaled_dot_product_attention, is_causal=True)

    def run() -> Numbers:
        y = own(*given) if fused else formula(*given)
        return [y.detach(), *torch.autograd.grad(y, given, dy)]

    return run


def jax_jit(arrays: list[np.ndarray]) -> Callable[[], Numbers]:
    """Return ``jax.nn.dot_product_attention`` with its gradients, compiled; heads stand third."""
    import jax

    *given, dy = (jax.numpy.array(x.swapaxes(1, 2)) for x in arrays)

    @jax.jit
    def both(q: Any, k: Any, v: Any, dy: Any) -> Any:
        own = partial(jax.nn.dot_product_attention, is_causal=True)
        y, pull = jax.vjp(own, q, k, v)
        return [x.swapaxes(1, 2) for x in (y, *pull(dy))]

    return lambda: jax.block_until_ready(both(*given, dy))


def pieces(options: Options) -> list[Piece]:
    """Return a piece for each length."""
    found = []
    for n in (48, 80) if options.quick else LENGTHS:
        arrays = inputs(n)
        found.append(
            Piece(
                f"{n:,} tokens",
                partial(blockwise, *arrays),
                {
                    ALL: lambda arrays=arrays: partial(all_scores, *arrays),
                    "PyTorch": partial(pytorch, arrays, True),
                    "PyTorch, written out": partial(pytorch, arrays, False),
                    "JAX jit": partial(jax_jit, arrays),
                },
                tolerance=1e-4,
            )
        )
    return found


def peak(run: Callable[[], object]) -> float:
    """Return the largest memory in MiB that NumPy holds during a run."""
    tracemalloc.start()
    run()
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return highest / 2**20


def measure(options: Options) -> list[Table]:
    """Return the one table, with the peaks at its end."""
    text = (
        f"float32, {HEADS} heads of {WIDTH}, causal. backprop walks along the keys in blocks;"
        f' "{ALL}" is backprop with the whole matrix of scores.'
    )
    all_pieces = pieces(options)
    table = pieces_table(
        "Attention block by block, forward and backward", text, all_pieces, options,
        2 if options.quick else 7,
    )  # fmt: skip
    table.header += ["peak [MiB]", f"{ALL} [MiB]"]
    for piece, row, data in zip(all_pieces, table.rows, table.data, strict=True):
        memory = {BACKPROP: peak(piece.ours), ALL: peak(piece.peers[ALL]())}
        row += [f"{value:.1f}" for value in memory.values()]
        data["peak in MiB"] = memory
    return [table]


if __name__ == "__main__":
    main(__doc__, measure)
