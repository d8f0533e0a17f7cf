"""Checkers of the chapter "Attention".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Told,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    misfit,
)

VALUES = np.array([4.0, 0.0, 10.0])
"""Of the exercises by hand; exp(s) is 5, 3 and 2, and the target is 2."""


@checker
def check_hand(y: Any, ds: Any) -> Verdict:
    """Check p = (0.5, 0.3, 0.2) with the values 4, 0, 10 and L = ½(y - 2)²: y = 4, then ds."""
    p = np.array([0.5, 0.3, 0.2])
    dp = 2 * VALUES
    parts: list[Part] = [
        ("The answer", 4.0, [
            (40.0, "The weights were not divided by their sum.", "The powers sum to 10."),
            (14 / 3, "This is the plain mean of the values.", "Weigh each value by its p."),
            (2.0, "This is the target.", "The answer is the weighted mean of the values."),
            (5.0, "This is the power of the first score.", "Weigh each value by its p."),
        ], "The weights are 0.5, 0.3 and 0.2. Add p times value."),
        ("The error at the scores", p * (dp - 8), [
            (p * (VALUES - 4), "These are the slopes of y, not of L.", "∂L/∂y = y - 2 is missing."),
            (-p * (dp - 8), "The signs are those of the step downhill.",
             "The error is the derivative itself."),
            (p * dp, "The sum is not taken away.", "Subtract Σ p·dp before you multiply by p."),
            (dp - 8, "The weights are missing.", "Each difference is multiplied by its p."),
            (dp, "This is the error at the weights.", "It still has to pass the softmax."),
            (2 * p, "This is the error at the values.", "Those of the scores sum to 0."),
            (p * (1 - p) * dp, "Each weight was differentiated by its own score alone.",
             "A score changes all the weights: subtract Σ p·dp."),
            (p * (VALUES - 2) * 2, "The values are compared with the target.",
             "Compare each value with the answer."),
        ], "It is p times ∂L/∂y times (value - answer)."),
    ]  # fmt: skip
    return in_turn((y, ds), parts, "The heaviest key gets no error: its value is the answer.")


@checker
def check_masked(y: Any, ds: Any) -> Verdict:
    """Check the same with the third key forbidden: p = (5/8, 3/8, 0), y = 2.5, then ds."""
    p = np.array([5, 3, 0]) / 8
    parts: list[Part] = [
        ("The answer", 2.5, [
            (2.0, "The weight was set to 0 after the softmax.",
             "Then the other two sum to 0.8 only. Divide by 8, not by 10."),
            (4.0, "This is the answer without the mask.", "The third power becomes 0."),
            (20.0, "The weights were not divided by their sum.", "The powers sum to 8."),
            (20 / 9, "The forbidden score was set to 0.", "exp(0) is 1, not 0: set it to -∞."),
            (30 / 9, "The forbidden score was set to 0, and its value was read.",
             "exp(0) is 1, not 0: set it to -∞."),
        ], "The powers are now 5, 3 and 0."),
        ("The error at the scores", p * 0.5 * (VALUES - 2.5), [
            (p * (VALUES - 2.5), "These are the slopes of y, not of L.", "∂L/∂y is 0.5."),
            (-p * 0.5 * (VALUES - 2.5), "The signs are those of the step downhill.",
             "The error is the derivative itself."),
            ([0.0, -2.4, 2.4], "This is the error without the mask.", "Both p and y have changed."),
            (p * 2 * (VALUES - 4), "The answer has changed, and with it ∂L/∂y.", ""),
            (p * 0.5 * VALUES, "The sum is not taken away.",
             "Each value is compared with the answer."),
            ([15 / 32, -15 / 32], "The third entry is missing.", "It is the one you can guess."),
            (np.array([0.5, 0.3, 0]) * 0.5 * (VALUES - 2.5),
             "The weights are still those without the mask.", "The other two now sum to 1."),
            (0.5 * VALUES, "This is the error at the weights.",
             "It still has to pass the softmax."),
            (0.5 * p, "This is the error at the values.", "Those of the scores sum to 0."),
            (0.5 * (VALUES - 2.5), "The weights are missing.",
             "Each difference is multiplied by its p."),
        ], "It is p times ∂L/∂y times (value - answer), and p of the third key is 0."),
    ]  # fmt: skip
    return in_turn((y, ds), parts, "What is not read gets no error.")


@checker
def check_scale(before: Any, after: Any) -> Verdict:
    """Check q·k with d = 16 and variances 4 and 9: the deviation is 24, and 6 after 1/√d."""
    parts: list[Part] = [
        ("Before", 24.0, [
            (576.0, "This is the variance.", "The deviation is its root."),
            (6.0, "This is the deviation of a single product.", "There are 16 of them."),
            (96.0, "The deviations were added.", "Variances add up; take the root at the end."),
            (36.0, "This is the variance of a single product.", "There are 16 of them."),
            (4.0, "This holds if all entries have the variance 1.", "One product has 4 · 9."),
            (math.sqrt(16 * 13), "The variances of a product were added.",
             "For independent factors with mean 0 they multiply."),
            (144.0, "The root was taken of 16 only.", "Take it of 16 · 36."),
        ], "A product of independent entries with mean 0 has the variance 4 · 9."),
        ("After", 6.0, [
            (1.0, "Dividing by √d gives 1 only if the entries have the variance 1.",
             "Divide the deviation by 4."),
            (1.5, "This was divided by d.", "The scores are divided by √d."),
            (36.0, "This is the variance.", "The deviation is its root."),
            (24.0, "Nothing was divided.", "Divide by √16."),
        ], "Divide the deviation by √16."),
    ]  # fmt: skip
    return in_turn((before, after), parts, "√d undoes the width, not the size of the entries.")


@checker
def check_count(parameters: Any, megabytes: Any) -> Verdict:
    """Check d_model = 512, 8 heads, n = 4096, float32: 4(512² + 512), and 8·4096²·4 bytes."""
    weights = 512 * 512
    parts: list[Part] = [
        ("The parameters", 4 * (weights + 512), [
            (4 * weights, "The biases are missing.", "Each of the four matrices has 512 of them."),
            (3 * (weights + 512), "Three matrices make q, k and v. There is one more.",
             "W_o mixes what the heads have read."),
            (3 * weights, "One matrix is missing, and so are the biases.",
             "W_o mixes what the heads have read; each matrix has 512 biases."),
            (32 * (weights + 512), "The heads share the columns of one matrix.",
             "Each head has 512/8 = 64 columns."),
            (4 * (64 * 64 + 64), "This is for width 64.", "Every head reads all 512 entries."),
            (weights + 512, "This is one of the four matrices.", "Q, K, V and the output."),
        ], "Four matrices of 512 by 512, each with its bias."),
        ("The megabytes", 8 * 4096**2 * 4 / 1e6, [
            (4096**2 * 4 / 1e6, "This is for one head.", "Each head has weights of its own."),
            (67.0, "This is for one head.", "Each head has weights of its own."),
            (8 * 4096**2 * 8 / 1e6, "These are float64 numbers.", "A float32 number has 4 bytes."),
            (8 * 4096 * 4 / 1e6, "A query has a weight for each key.", "Count pairs."),
            (8 * 4096**2 / 1e6, "This counts numbers.", "A float32 number has 4 bytes."),
            (8 * 4096**2 * 4, "These are bytes.", "A megabyte is 10⁶ bytes."),
            (537e6, "These are bytes.", "A megabyte is 10⁶ bytes."),
            (8 * 4096**2 * 4 / 1e9, "These are gigabytes.", "A megabyte is 10⁶ bytes."),
            (8 * 4096**2 * 4 / 2**20, "These are mebibytes, 2²⁰ bytes each.", "Divide by 10⁶."),
        ], "Each head has 4096 · 4096 weights of 4 bytes."),
    ]  # fmt: skip
    return in_turn((parameters, megabytes), parts, "More for P than for all parameters.")


def _attended(Q: Array, K: Array, V: Array, width: float) -> Array:
    """Return softmax(Q Kᵀ / √width) V."""
    E = np.exp(Q @ K.T / math.sqrt(width))
    return np.asarray(E / E.sum(axis=1, keepdims=True) @ V)


@checker
def check_heads(two_heads: Answer) -> Verdict:
    """Check ``two_heads(Q, K, V)``: halves of the columns attend alone and stand side by side."""
    given = "Q, K, V"

    def case(n: int, m: int, width: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        Q, K, V = (rng.normal(size=(rows, width)) for rows in (n, m, m))
        half, wide = width // 2, float(width)
        left, right = slice(half), slice(half, None)
        halves = [(Q[:, c], K[:, c], V[:, c]) for c in (left, right)]
        heads = [_attended(*part, half) for part in halves]
        odd = [_attended(Q[:, k::2], K[:, k::2], V[:, k::2], half) for k in (0, 1)]
        mean = "Each head keeps its own columns of the result.", "Use np.hstack."
        mistakes: list[tuple[Any, str, str]] = [
            (_attended(Q, K, V, wide), "This is one head.", "Cut the columns in two first."),
            (_attended(Q, K, V, half), "This is one head.", "Cut the columns in two first."),
            (np.hstack([_attended(*part, wide) for part in halves]),
             "The scores were divided by the root of the whole width.",
             "The queries of a head have half as many columns."),
            (np.hstack([_attended(*part, 1) for part in halves]), "The scores were not divided.",
             "Divide them by the root of the width of one head."),
            (np.hstack(heads[::-1]), "The heads are exchanged.", "The left columns come first."),
            (np.hstack(odd), "Every other column went to a head.",
             "The first head has the left half of the columns."),
            (heads[0], "This is the left head alone.", "Put the other one beside it."),
            (heads[1], "This is the right head alone.", "Put the other one beside it."),
            (heads[0] + heads[1], *mean),
            ((heads[0] + heads[1]) / 2, *mean),
            (np.vstack(heads), "The heads stand one below the other.", "Use np.hstack."),
            (np.hstack([_attended(Q[:, left], K[:, left], of, half) for of in
                        (V[:, left], V[:, right])]),
             "Both heads look with the left columns.", "Cut Q and K as V."),
        ]  # fmt: skip
        expected = np.hstack(heads)
        names = [f"Y[{i}, {j}]" for i, j in np.ndindex(expected.shape)]
        more = "Let attend run on the left halves of Q, K and V, then on the right halves."
        where = f"{n} queries and {m} keys of width {width}"
        return Case((Q, K, V), expected, distinct(mistakes, expected), more, names, where=where)

    cases = [case(2, 3, 4, 0), case(4, 3, 6, 1), case(4, 4, 8, 2)]
    return judge(two_heads, cases, "Each head looks on its own, at its own columns.", given)


GIVEN = "q, k, v, c, dy"


def _temperature(q: Array, k: Array, v: Array, c: float, dy: Array) -> tuple[Array, ...]:
    """Return p, dp and ds of y = softmax(c q kᵀ) v, by loops over the pairs."""
    n, m = len(q), len(k)
    p, dp, ds = np.zeros((n, m)), np.zeros((n, m)), np.zeros((n, m))
    for i in range(n):
        powers = [math.exp(c * float(np.sum(q[i] * k[j]))) for j in range(m)]
        for j in range(m):
            p[i, j] = powers[j] / sum(powers)
            dp[i, j] = float(np.sum(dy[i] * v[j]))
        for j in range(m):
            ds[i, j] = sum(p[i, o] * ((o == j) - p[i, j]) * dp[i, o] for o in range(m))
    return p, dp, ds


@checker
def check_backward(backward: Answer) -> Verdict:
    """Check ``backward(q, k, v, c, dy)`` for y = softmax(c q kᵀ) v: (dq, dk, dv, dc)."""
    names = "Return a tuple of four: (dq, dk, dv, dc)."

    def flat(*parts: Any) -> Array:
        return np.concatenate([np.ravel(part) for part in parts])

    def case(n: int, m: int, d: int, d_v: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        q, k, v, dy = (rng.normal(size=s) for s in ((n, d), (m, d), (m, d_v), (n, d_v)))
        c = 0.7
        p, dp, ds = _temperature(q, k, v, c, dy)
        scores = q @ k.T

        def parts(ds: Array, p: Array = p, scale: float = c) -> Array:
            return flat(scale * ds @ k, scale * ds.T @ q, p.T @ dy, (ds * scores).sum())

        root = 1 / math.sqrt(d)
        across = np.exp(c * scores) / np.exp(c * scores).sum(axis=0)
        pulled = across * (dp - (across * dp).sum(axis=0))
        half = across * (dp - (across * dp).sum(axis=1, keepdims=True))
        p_root, _, ds_root = _temperature(q, k, v, root, dy)
        dq, dk, dv, dc = c * ds @ k, c * ds.T @ q, p.T @ dy, float((ds * scores).sum())
        column = "The sum runs over the queries.", "Sum over the keys of each query: axis 1."
        softmax = "The softmax runs over the queries.", "Each row of p sums to 1: axis 1."
        unscaled = "The scale here is c, not 1/√d.", "Replace 1/√d by c, forwards and backwards."
        mistakes: list[tuple[Any, str, str]] = [
            (parts(p * dp), "The sum of the softmax is missing in ds.",
             "ds = p ⊙ (dp - Σ_j p_j dp_j)."),
            (parts(p * (1 - p) * dp), "Each weight was differentiated by its own score alone.",
             "A score changes every weight of its row."),
            (parts(p * (dp - (p * dp).sum(axis=0))), *column),
            (parts(p * (dp - (p * dp).sum())), "The sum runs over the whole table.",
             "Sum over the keys of each query: axis 1."),
            (parts(p * (dp - dp.mean(axis=1, keepdims=True))),
             "dp was compared with its plain mean.", "Weigh it: Σ_j p_j dp_j."),
            (parts(pulled, across), *softmax),
            (parts(half, across), *softmax),
            (flat(ds @ k, ds.T @ q, dv, dc), "dq and dk lack the factor c.",
             "The scores are c times q kᵀ."),
            (flat(dq, dk, dv, c * dc), "dc has a factor c too much.",
             "The slope of c q kᵀ with respect to c is q kᵀ."),
            (flat(dq, dk, dv, ds.sum()), "dc lacks the slopes of the scores.",
             "Each score has the slope q kᵀ with respect to c."),
            (flat(dq, dk, dv, dc / ds.size), "dc is a mean over the pairs.",
             "c acts on every pair: add what they send."),
            (flat(dq, dk, dv, (dp * scores).sum()), "dp was used for ds in dc.",
             "The error must pass the softmax."),
            (parts(ds, scale=root), *unscaled),
            (parts(ds_root, p_root, root), *unscaled),
            (-flat(dq, dk, dv, dc), "All signs are wrong.", "A minus belongs to the update."),
            (parts(dp), "dp was used for ds.", "The error must pass the softmax."),
        ]  # fmt: skip
        right = flat(dq, dk, dv, dc)
        names = [
            f"{name}[{i}, {j}]"
            for name, part in zip(("dq", "dk", "dv"), (dq, dk, dv), strict=True)
            for i, j in np.ndindex(part.shape)
        ]
        more = "Compare part by part: dv, dp, ds, then dq and dk, with c where 1/√d stood."
        queries = "one query" if n == 1 else f"{n} queries"
        where = f"{queries} and {m} keys of width {d}, values of width {d_v}"
        return Case(
            (q, k, v, c, dy), right, distinct(mistakes, right), more, [*names, "dc"], where=where
        )

    def joined(q: Array, k: Array, v: Array, c: float, dy: Array) -> Any:
        found = backward(q, k, v, c, dy)
        if found is None:
            raise Told("It returns None: is a return missing?")
        if not isinstance(found, tuple | list) or len(found) != 4:
            raise Told(names)
        shapes = (q.shape, k.shape, v.shape, ())
        for name, part, shape in zip(("dq", "dk", "dv", "dc"), found, shapes, strict=True):
            if np.shape(part) != shape:
                raise Told(f"{name} has shape {np.shape(part)}, expected {shape}.")
        return flat(*found)

    cases = [case(1, 3, 2, 2, 0), case(2, 3, 4, 5, 1), case(3, 3, 2, 3, 2)]
    unfit = misfit(backward, GIVEN)
    if unfit is not None or not callable(backward):
        return unfit or judge(backward, cases, "", GIVEN)
    return judge(joined, cases, "The error of c is a sum over all pairs.", GIVEN)
