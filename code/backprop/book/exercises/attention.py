"""Checkers of the chapter "Attention".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
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
"""Of the exercise by hand; exp(s) is 5, 3 and 2, and the target is 2."""


@checker
def check_hand(y: Any, ds: Any) -> Verdict:
    """Check p = (0.5, 0.3, 0.2) with the values 4, 0, 10 and L = ½(y - 2)²: y = 4, then ds."""
    p = np.array([0.5, 0.3, 0.2])
    dp = 2 * VALUES
    parts: list[Part] = [
        ("The output", 4.0, [
            (40.0, "The weights were not divided by their sum.", "The exponentials sum to 10."),
            (14 / 3, "This is the plain mean of the values.", "Weigh each value by its p."),
            (2.0, "This is the target.", "The output is the weighted mean of the values."),
            (5.0, "This is the exponential of the first score.", "Weigh each value by its p."),
        ], "The weights are 0.5, 0.3 and 0.2. Add p times value."),
        ("The error at the scores", p * (dp - 8), [
            (p * (VALUES - 4), "These are the slopes of y, not of L.", "∂L/∂y = y - 2 is missing."),
            (-p * (dp - 8), "The signs are those of the step downhill.",
             "The error is the derivative itself."),
            (p * dp, "The sum is not taken away.", "Subtract Σ p·dp before you multiply by p."),
            (p * (dp - dp.mean()), "The plain mean was taken away.",
             "Weigh the errors by their p before you add them."),
            (dp - 8, "The weights are missing.", "Each difference is multiplied by its p."),
            (dp, "This is the error at the weights.", "It still has to pass the softmax."),
            (2 * p, "This is the error at the values.", "Those of the scores sum to 0."),
            (p * (1 - p) * dp, "Each weight was differentiated by its own score alone.",
             "A score changes all the weights: subtract Σ p·dp."),
            (p * (VALUES - 2) * 2, "The values are compared with the target.",
             "Compare each value with the output."),
        ], "It is p times ∂L/∂y times (value - output)."),
    ]  # fmt: skip
    return in_turn((y, ds), parts, "The heaviest key gets no error: its value is the output.")


@checker
def check_reading(lost: Any, gains: Any, pulls: Any) -> Verdict:
    """Check the row dS = (0.4, -1, lost, 0) of the weights (0.4, 0.1, 0.3, 0.2)."""
    p, ds = np.array([0.4, 0.1, 0.3, 0.2]), np.array([0.4, -1.0, 0.6, 0.0])
    parts: list[Part] = [
        ("The lost error", 0.6, [
            (-0.6, "The sign is wrong.", "Add all four: what must a row of dS sum to?"),
            (1.6, "The four errors now sum to 1, as weights do.", "What does a row of dS sum to?"),
            (0.3, "This is the weight of the third key.", "Use what a row of dS sums to."),
            (0.0, "Then the row would sum to -0.6.", "What must a row of dS sum to?"),
            (-0.2, "This is the mean of the other three.", "What must a row of dS sum to?"),
        ], "What happens if one number is added to all the scores?"),
        ("The key that gains", 2.0, [
            (1.0, "Its error is positive, and a step goes downhill. (Keys count from 1.)",
             "A positive error lowers the score."),
            (3.0, "Its error is the largest, and a step goes downhill.",
             "A positive error lowers the score."),
            (4.0, "Its error is 0, so its score stays.", "A score rises if its error is negative."),
            (-1.0, "This is its error.", "Name the key, from 1 to 4."),
            (0.1, "This is its weight.", "Name the key, from 1 to 4."),
        ], "Name one key, from 1 to 4."),
        ("The pulls", ds / p, [
            (ds, "These are the errors themselves.", "Each holds a factor p that must go."),
            (ds * p, "The weights were multiplied once more.", "Divide by the weight instead."),
            (-ds / p, "All signs are wrong.", "An error has the sign of dy·(value - output)."),
            (ds + p, "The weights were added.", "The weight is a factor of the error."),
            (ds - p, "The weights were subtracted.", "The weight is a factor of the error."),
            (ds / (p * (1 - p)), "This was divided by p(1 - p).",
             "The error is p times dy·(value - output)."),
        ], "The error is p times dy·(value - output)."),
    ]  # fmt: skip
    return in_turn(
        (lost, gains, pulls),
        parts,
        "Whether a key gains depends on its value; how much, on its weight, too.",
    )


def _flat(*parts: Any) -> Array:
    return np.concatenate([np.ravel(part) for part in parts])


def _drawn(n: int, m: int, d: int, d_v: int, seed: int) -> tuple[Array, ...]:
    """Return q, k, v and dy of n queries and m keys of width d, with values of width d_v."""
    rng = np.random.default_rng(seed)
    return tuple(rng.normal(size=size) for size in ((n, d), (m, d), (m, d_v), (n, d_v)))


def _sizes(n: int, m: int, d: int, d_v: int) -> str:
    queries = "one query" if n == 1 else f"{n} queries"
    return f"{queries} and {m} keys of width {d}, values of width {d_v}"


def _entries(names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> list[str]:
    """Return the name of each entry of these arrays, as dq[0, 1]."""
    return [
        f"{name}[{', '.join(map(str, place))}]"
        for name, shape in zip(names, shapes, strict=True)
        for place in np.ndindex(shape)
    ]


def _in_one_row(found: Any, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> Array:
    """Return the arrays of a reader's answer one after the other, once their shapes are right."""
    if found is None:
        raise Told("It returns None: is a return missing?")
    if not isinstance(found, tuple | list) or len(found) != len(names):
        count = {3: "three", 4: "four"}[len(names)]
        raise Told(f"Return a tuple of {count}: ({', '.join(names)}).")
    for name, part, shape in zip(names, found, shapes, strict=True):
        number = shape == () and np.size(part) == 1  # (1,) and (1, 1) will do
        if np.shape(part) != shape and not number:
            raise Told(f"{name} has shape {np.shape(part)}, expected {shape}.")
    return _flat(*found)


@checker
def check_linear(linear_back: Answer) -> Verdict:
    """Check ``linear_back(q, k, v, dy)`` for y = q kᵀ v / m with m keys: (dq, dk, dv)."""
    given = "q, k, v, dy"

    def case(n: int, m: int, d: int, d_v: int, seed: int) -> Case:
        q, k, v, dy = _drawn(n, m, d, d_v, seed)
        s, ds = q @ k.T, dy @ v.T / m
        dq, dk, dv = ds @ k, ds.T @ q, s.T @ dy / m
        root = math.sqrt(d)
        e = np.exp(s - s.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        right = _flat(dq, dk, dv)
        mistakes: list[tuple[Any, str, str]] = [
            (m * right, "The division by m is missing.", "y is divided by m, so each error is."),
            (m / n * right, "It was divided by the number of queries.", "m is the number of keys."),
            (_flat(dq, dk, m * dv), "The division by m is missing in dv.", "y is s v / m."),
            (_flat(m * dq, m * dk, dv), "The division by m is missing in dq and dk.",
             "The error at s is dy vᵀ / m."),
            (_flat(dq / m, dk / m, dv), "dq and dk were divided by m twice.",
             "The error at s is dy vᵀ / m, and s is q kᵀ."),
            (_flat(dq / root, dk / root, dv / root), "Nothing is divided by √d here.",
             "The scores are q kᵀ."),
            (_flat(dq / root, dk / root, dv), "Nothing is divided by √d here.",
             "The scores are q kᵀ."),
            (_flat(dq, dk, p.T @ dy), "dv has the weights of a softmax.",
             "Here the scores themselves weigh the values."),
            (_flat((p * (m * ds - (p * m * ds).sum(axis=1, keepdims=True))) @ k,
                  (p * (m * ds - (p * m * ds).sum(axis=1, keepdims=True))).T @ q, p.T @ dy),
             "This is the backward pass of the softmax.", "Here there is none."),
            (_flat((ds - ds.mean(axis=1, keepdims=True)) @ k,
                  (ds - ds.mean(axis=1, keepdims=True)).T @ q, dv),
             "A mean was taken away.", "That belongs to the softmax, and there is none here."),
            (-right, "All signs are wrong.", "A minus belongs to the update."),
        ]  # fmt: skip
        names = _entries(("dq", "dk", "dv"), (q.shape, k.shape, v.shape))
        more = "Three matrices are multiplied: give s = q kᵀ a name, and its error ds."
        where = _sizes(n, m, d, d_v)
        return Case((q, k, v, dy), right, distinct(mistakes, right), more, names, where=where)

    def joined(q: Array, k: Array, v: Array, dy: Array) -> Any:
        found = linear_back(q, k, v, dy)
        return _in_one_row(found, ("dq", "dk", "dv"), [of.shape for of in (q, k, v)])

    cases = [case(2, 3, 4, 5, 0), case(4, 3, 2, 3, 1), case(3, 5, 3, 2, 2)]
    unfit = misfit(linear_back, given)
    if unfit is not None or not callable(linear_back):
        return unfit or judge(linear_back, cases, "", given)
    return judge(joined, cases, "Without the softmax, errors pass through products alone.", given)


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
def check_bias(bias_back: Answer) -> Verdict:
    """Check ``bias_back(q, k, v, dy)``: the errors (dbq, dbk, dbv) at biases of q, k and v."""
    given = "q, k, v, dy"
    names = "dbq", "dbk", "dbv"

    def case(n: int, m: int, d: int, d_v: int, seed: int) -> Case:
        q, k, v, dy = _drawn(n, m, d, d_v, seed)
        root = math.sqrt(d)
        p, dp, ds = _temperature(q, k, v, 1 / root, dy)

        def sums(ds: Array) -> Array:
            """Return the sums of the rows of dq, dk and dv."""
            return np.concatenate([(ds @ k).sum(0) / root, (ds.T @ q).sum(0) / root, dy.sum(0)])

        right = sums(ds)
        dbq, dbk, dbv = right[:d], np.zeros(d), right[2 * d :]
        right[d : 2 * d] = dbk
        dq, dk, dv = ds @ k / root, ds.T @ q / root, p.T @ dy
        mistakes: list[tuple[Any, str, str]] = [
            (np.concatenate([dbq / n, dbk, dbv / m]), "The rows were averaged.",
             "A bias moves every row by its whole amount: add what they send."),
            (np.concatenate([dq[0], dk[0], dv[0]]), "Only the first row was taken.",
             "A bias is added to all rows."),
            (np.concatenate([dbk, dbq, dbv]), "The first two are exchanged.",
             "The order is that of q, k and v."),
            (np.concatenate([dbq, dbk, 0 * dbv]), "The error at v's bias is missing.",
             "Each output moves by the whole of v's bias, as its weights sum to 1."),
            (np.concatenate([dbk, dbk, dbv]), "The error at q's bias is missing.",
             "A bias of q moves the score of each key differently."),
            (np.concatenate([root * dbq, dbk, dbv]), "The division by √d is missing.",
             "dq is ds k / √d."),
            (sums(p * dp), "The sum of the softmax is missing in ds.",
             "ds = p ⊙ (dp - Σ_j p_j dp_j)."),
            (sums(p * (1 - p) * dp), "Each weight was differentiated by its own score alone.",
             "A score changes every weight of its row."),
            (sums(p * (dp - (p * dp).sum(axis=0))), "The sum runs over the queries.",
             "Sum over the keys of each query: axis 1."),
            (sums(p * (dp - dp.mean(axis=1, keepdims=True))),
             "dp was compared with its plain mean.", "Weigh it: Σ_j p_j dp_j."),
            (sums(dp), "dp was used for ds.", "The error must pass the softmax."),
            (-right, "All signs are wrong.", "A minus belongs to the update."),
        ]  # fmt: skip
        parts = _entries(names, [of.shape[1:] for of in (q, k, v)])
        more = "A bias is added to every row: add the rows of dq, dk and dv."
        where = _sizes(n, m, d, d_v)
        return Case((q, k, v, dy), right, distinct(mistakes, right), more, parts, where=where)

    def joined(q: Array, k: Array, v: Array, dy: Array) -> Any:
        found = bias_back(q, k, v, dy)
        return _in_one_row(found, names, [of.shape[1:] for of in (q, k, v)])

    cases = [case(2, 3, 4, 5, 0), case(4, 3, 2, 3, 1), case(3, 5, 3, 2, 2)]
    unfit = misfit(bias_back, given)
    if unfit is not None or not callable(bias_back):
        return unfit or judge(bias_back, cases, "", given)
    return judge(joined, cases, "A bias of the keys receives no error.", given)


@checker
def check_backward(backward: Answer) -> Verdict:
    """Check ``backward(q, k, v, c, dy)`` for y = softmax(c q kᵀ) v: (dq, dk, dv, dc)."""

    def case(n: int, m: int, d: int, d_v: int, seed: int) -> Case:
        q, k, v, dy = _drawn(n, m, d, d_v, seed)
        c = 0.7
        p, dp, ds = _temperature(q, k, v, c, dy)
        scores = q @ k.T

        def parts(ds: Array, p: Array = p, scale: float = c) -> Array:
            return _flat(scale * ds @ k, scale * ds.T @ q, p.T @ dy, (ds * scores).sum())

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
            (_flat(ds @ k, ds.T @ q, dv, dc), "dq and dk lack the factor c.",
             "The scores are c times q kᵀ."),
            (_flat(ds @ k, dk, dv, dc), "dq lacks the factor c.", "The scores are c times q kᵀ."),
            (_flat(dq, ds.T @ q, dv, dc), "dk lacks the factor c.", "The scores are c times q kᵀ."),
            (_flat(dq, dk, dv, c * dc), "dc has a factor c too much.",
             "The slope of c q kᵀ with respect to c is q kᵀ."),
            (_flat(dq, dk, dv, ds.sum()), "dc lacks the slopes of the scores.",
             "Each score has the slope q kᵀ with respect to c."),
            (_flat(dq, dk, dv, dc / ds.size), "dc is a mean over the pairs.",
             "c acts on every pair: add what they send."),
            (_flat(dq, dk, dv, (dp * scores).sum()), "dp was used for ds in dc.",
             "The error must pass the softmax."),
            (parts(ds, scale=root), *unscaled),
            (parts(ds_root, p_root, root), *unscaled),
            (-_flat(dq, dk, dv, dc), "All signs are wrong.", "A minus belongs to the update."),
            (parts(dp), "dp was used for ds.", "The error must pass the softmax."),
        ]  # fmt: skip
        right = _flat(dq, dk, dv, dc)
        names = _entries(("dq", "dk", "dv"), (q.shape, k.shape, v.shape))
        more = "Compare part by part: dv, dp, ds, then dq and dk, with c where 1/√d stood."
        where = _sizes(n, m, d, d_v)
        return Case(
            (q, k, v, c, dy), right, distinct(mistakes, right), more, [*names, "dc"], where=where
        )

    def joined(q: Array, k: Array, v: Array, c: float, dy: Array) -> Any:
        found = backward(q, k, v, c, dy)
        return _in_one_row(found, ("dq", "dk", "dv", "dc"), (q.shape, k.shape, v.shape, ()))

    cases = [case(1, 3, 2, 2, 0), case(2, 3, 4, 5, 1), case(3, 3, 2, 3, 2)]
    unfit = misfit(backward, GIVEN)
    if unfit is not None or not callable(backward):
        return unfit or judge(backward, cases, "", GIVEN)
    return judge(joined, cases, "The error of c is a sum over all pairs.", GIVEN)
