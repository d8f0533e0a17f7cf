"""One training step of the book's language model, beside the same model in PyTorch.

float32: forward, backward, clipping and AdamW, on the same passages. The weights
after three steps are compared before a time counts. The limit is the time of the matrix products
alone. Run: ``python benchmarks/language_model.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
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
from layers import Run, all_of, product, transposed

from backprop.book.alice import letters, passages
from backprop.book.language import LARGE, SMALL, Settings, Training

Step = Callable[[np.ndarray, np.ndarray], object]


def ours(s: Settings) -> tuple[Step, Callable[[], list[np.ndarray]]]:
    """Return backprop's step, and what gives its weights."""
    run = Training(s, 0)
    return run.take, lambda: list(run.network.parameters.values())


def torch_step(s: Settings, threads: int | None) -> tuple[Step, Callable[[], list[np.ndarray]]]:
    """Return the same step in PyTorch, in its own functions."""
    import torch

    if threads is not None:
        torch.set_num_threads(threads)
    run = Training(s, 0)
    parameters = [torch.tensor(p, requires_grad=True) for p in run.network.parameters.values()]
    rule = torch.optim.AdamW(parameters, s.rate, betas=(0.9, 0.99), weight_decay=s.decay)
    each = s.width // s.heads
    angle = np.arange(s.length)[:, None] * 10_000.0 ** (-np.arange(0, each, 2) / each)
    cos, sin = (torch.tensor(f(angle).astype(np.float32)) for f in (np.cos, np.sin))
    F = torch.nn.functional

    def turn(q: Any) -> Any:
        a, b = q.chunk(2, -1)
        return torch.cat([a * cos - b * sin, a * sin + b * cos], -1)

    def logits(x: Any) -> Any:
        parts = iter(parameters)
        W = next(parts)
        h = F.embedding(x, W)
        batch, time, d = h.shape
        for _ in range(s.blocks):
            gamma, W_qkv, b_qkv, W_o, b_o = (next(parts) for _ in range(5))
            qkv = F.rms_norm(h, (d,), gamma, 1e-5) @ W_qkv + b_qkv
            q, k, v = (p.view(batch, time, s.heads, each).transpose(1, 2) for p in qkv.chunk(3, -1))
            o = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True)
            h = h + o.transpose(1, 2).reshape(batch, time, d) @ W_o + b_o
            gamma, W_g, W_u, W_o = (next(parts) for _ in range(4))
            a = F.rms_norm(h, (d,), gamma, 1e-5)
            h = h + (F.silu(a @ W_g) * (a @ W_u)) @ W_o
        return F.rms_norm(h, (d,), next(parts), 1e-5) @ W.T

    def step(x: np.ndarray, y: np.ndarray) -> None:
        rule.param_groups[0]["lr"] = run.schedule(run.optimizer.steps)
        run.optimizer.steps += 1
        rule.zero_grad()
        z = logits(torch.from_numpy(x))
        F.cross_entropy(z.flatten(0, 1), torch.from_numpy(y.ravel())).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        rule.step()

    return step, lambda: [p.detach().numpy() for p in parameters]


def products(s: Settings) -> Run:
    """Return the matrix products of a step, forward and backward."""
    rows, d, n = s.batch * s.length, s.width, len(letters().alphabet)
    grid, each = (s.batch, s.heads), s.width // s.heads
    scores = product(s.length, each, s.length, batch=grid)
    values = product(s.length, s.length, each, batch=grid)
    runs = [scores, values, values, scores, values, values]
    for n_in, n_out in ((d, 3 * d), (d, d), (d, s.hidden), (d, s.hidden), (s.hidden, d)):
        runs += [product(rows, n_in, n_out), product(rows, n_out, n_in)]
        runs.append(transposed(n_in, rows, n_out))
    block = all_of(*runs)
    table = [product(rows, d, n), product(rows, n, d), transposed(n, rows, d)]
    return all_of(*[block] * s.blocks, *table)


def check(mine: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    """Raise where two runs have other weights after their first steps."""
    for one, other in zip(mine, theirs, strict=True):
        difference = np.linalg.norm(one - other) / np.linalg.norm(one)
        if not difference < 1e-2:
            raise AssertionError(f"PyTorch trained to other weights: {difference:.2g} apart")


def measure(options: Options) -> list[Table]:
    """Return the one table of both models."""
    rounds = 3 if options.quick else 60
    why = installed("torch", options)
    data = letters()
    rows, times_of = [], []
    for name, settings in (("small", SMALL), ("large", LARGE)):
        s = replace(settings, batch=2 if options.quick else settings.batch)
        contestants = {BACKPROP: ours(s)}
        if why is None:
            contestants["PyTorch"] = torch_step(s, options.threads)
        for step, _ in contestants.values():
            rng = np.random.default_rng(1)
            for _ in range(3):
                step(*passages(data.train, s.batch, s.length, rng))
        if why is None:
            check(*(weights() for _, weights in contestants.values()))
        x, y = passages(data.train, s.batch, s.length, np.random.default_rng(2))
        runs: dict[str, Run] = {who: partial(step, x, y) for who, (step, _) in contestants.items()}
        runs[LIMIT] = products(s)
        times = take_turns_until_steady(runs, rounds)
        label = f"{name}: {s.blocks} blocks of width {s.width}, {s.batch} × {s.length} characters"
        rows.append([label, *compared(times, ["PyTorch"])])
        times_of.append({"model": name, "threads": options.threads, "seconds": kept(times)})
    threads = f"{options.threads} thread" + "s" * (options.threads != 1)
    text = (
        f"float32, {rounds} rounds, twice as many where they scatter. The column PyTorch is"
        " backprop's time divided by PyTorch's, the last one the time of the matrix products alone"
        " divided by backprop's."
    )
    header = ["model", "backprop [ms]", "PyTorch", "share of the limit"]
    notes = [f"PyTorch: {why}."] if why else []
    title = f"One training step of the language model, {threads}"
    return [Table(title, text, header, rows, times_of, notes)]


if __name__ == "__main__":
    main(__doc__, measure)
