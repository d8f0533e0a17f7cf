"""The checkers of "Attention": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import attention as ex
from backprop.layers import dot_product_attention

DS = [0, -2.4, 2.4]
MASKED = [15 / 32, -15 / 32, 0]


def backward(q, k, v, c, dy):
    s = c * q @ k.T
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    dp = dy @ v.T
    ds = p * (dp - (p * dp).sum(axis=1, keepdims=True))
    return c * ds @ k, c * ds.T @ q, p.T @ dy, (ds * (q @ k.T)).sum()


def with_jacobians(q, k, v, c, dy):
    s = c * q @ k.T
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    ds = np.array(
        [(np.diag(row) - np.outer(row, row)) @ (v @ g) for row, g in zip(p, dy, strict=True)]
    )
    return [c * ds @ k, c * ds.T @ q, p.T @ dy, np.einsum("ij,id,jd", ds, q, k)]


def changed(what):
    """Return a backward pass with a mistake."""

    def wrong(q, k, v, c, dy):
        s = c * q @ k.T
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        dp = dy @ v.T
        dot = (p * dp).sum(axis=1, keepdims=True)
        ds = p * (dp - dot)
        if what == "no sum":
            ds = p * dp
        elif what == "own":
            ds = p * (1 - p) * dp
        elif what == "column":
            ds = p * (dp - (p * dp).sum(axis=0))
        elif what == "dp":
            ds = dp
        elif what == "table":
            ds = p * (dp - (p * dp).sum())
        elif what == "plain":
            ds = p * (dp - dp.mean(axis=1, keepdims=True))
        scale = {"no c": 1.0, "root": 1 / np.sqrt(q.shape[1])}.get(what, c)
        dq, dk, dv, dc = scale * ds @ k, scale * ds.T @ q, p.T @ dy, (ds * (q @ k.T)).sum()
        if what == "dc c":
            dc *= c
        elif what == "dc sum":
            dc = ds.sum()
        elif what == "dc mean":
            dc = (ds * (q @ k.T)).mean()
        elif what == "dc dp":
            dc = (dp * (q @ k.T)).sum()
        elif what == "dc p":
            dc = (p * (q @ k.T)).sum()
        elif what == "sign":
            return -dq, -dk, -dv, -dc
        elif what == "three":
            return dq, dk, dv
        elif what == "shape":
            return dq.T if len(q) != q.shape[1] else dq, dk, dv, dc
        elif what == "order":
            return dk, dq, dv, dc
        elif what == "none":
            return None
        elif what == "dv":
            return dq, dk, dv * 2, dc
        return dq, dk, dv, dc

    return wrong


def by_columns(axis):
    """Return a backward pass whose softmax runs over the queries, and its sum over ``axis``."""

    def wrong(q, k, v, c, dy):
        p = np.exp(c * q @ k.T)
        p = p / p.sum(axis=0)
        dp = dy @ v.T
        ds = p * (dp - (p * dp).sum(axis=axis, keepdims=True))
        return c * ds @ k, c * ds.T @ q, p.T @ dy, (ds * (q @ k.T)).sum()

    return wrong


def with_root(q, k, v, c, dy):
    return backward(q, k, v, 1 / np.sqrt(q.shape[1]), dy)


def two_heads(Q, K, V):
    half = Q.shape[1] // 2
    parts = (slice(half), slice(half, None))
    return np.hstack([dot_product_attention(Q[:, c], K[:, c], V[:, c])[0] for c in parts])


def by_the_layer(Q, K, V):
    """Let the axis of the heads be a batch."""
    q, k, v = (of.reshape(len(of), 2, -1).swapaxes(0, 1) for of in (Q, K, V))
    return np.concatenate(list(dot_product_attention(q, k, v)[0]), axis=1)


def heads_with(what):
    """Return two heads with a mistake."""

    def wrong(Q, K, V):
        width = Q.shape[1]
        half = width // 2
        cut = [np.s_[:, :half], np.s_[:, half:]]
        if what == "odd":
            cut = [np.s_[:, ::2], np.s_[:, 1::2]]
        elif what == "exchanged":
            cut = cut[::-1]
        factor = {"wide": 0.5**0.5, "plain": half**0.5}.get(what, 1.0)
        of_q = [cut[0]] * 2 if what == "left looks" else cut
        if what == "values":
            of_q = [np.s_[:, :]] * 2
        heads = [dot_product_attention(factor * Q[c], K[c], V[v])[0]
                 for c, v in zip(of_q, cut, strict=True)]  # fmt: skip
        if what == "one":
            return dot_product_attention(Q, K, V)[0]
        if what in ("left", "right"):
            return heads[what == "right"]
        if what == "sum":
            return heads[0] + heads[1]
        if what == "mean":
            return (heads[0] + heads[1]) / 2
        if what == "below":
            return np.vstack(heads)
        if what == "rows":
            return np.vstack([dot_product_attention(Q[r], K, V)[0] for r in
                              (np.s_[: len(Q) // 2], np.s_[len(Q) // 2 :])])  # fmt: skip
        if what == "none":
            return None
        return np.hstack(heads) + (what == "more")

    return wrong


RIGHT = {
    ex.check_hand: [(4, DS), (4.0, (0.0, Fraction(-12, 5), sp.Rational(12, 5))),
                    (0.5 * 4 + 0.2 * 10, np.array(DS))],
    ex.check_masked: [(2.5, MASKED), (Fraction(5, 2), [0.469, -0.469, 0])],
    ex.check_heads: [(two_heads,), (by_the_layer,)],
    ex.check_scale: [(24, 6), (math.sqrt(16 * 36), 24 / math.sqrt(16))],
    ex.check_count: [(1050624, 537), (4 * 512 * 513, 8 * 4096**2 * 4 / 1e6), (1050624, 536.9)],
    ex.check_backward: [(backward,), (with_jacobians,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_hand: [
        ((40, DS), "sum to 10"), ((4.67, DS), "plain mean"), ((2, DS), "the target"),
        ((5, DS), "power of the first"), ((7, DS), "0.5, 0.3 and 0.2"),
        ((4, [0, -1.2, 1.2]), "slopes of y"), ((4, [0, 2.4, -2.4]), "downhill"),
        ((4, [4, 0, 4]), "taken away"), ((4, [0, -8, 12]), "weights are missing"),
        ((4, [8, 0, 20]), "error at the weights"), ((4, [1, 0.6, 0.4]), "error at the values"),
        ((4, [2, 0, 3.2]), "own score alone"), ((4, [2, -1.2, 3.2]), "with the target"),
        ((4, [0, -2.4]), "shape"), ((4, [0, 0, 0]), "value - answer"), ((None, DS), "None"),
        ((4,), "2 answers"),
    ],
    ex.check_masked: [
        ((2, MASKED), "after the softmax"), ((4, MASKED), "without the mask"),
        ((20, MASKED), "not divided"), ((2.22, MASKED), "set to 0"),
        ((3.33, MASKED), "was read"), ((0, MASKED), "5, 3 and 0"),
        ((2.5, [0.9375, -0.9375, 0]), "slopes of y"),
        ((2.5, [-0.469, 0.469, 0]), "downhill"), ((2.5, DS), "without the mask"),
        ((2.5, [0, -3, 0]), "has changed"), ((2.5, [1.25, 0, 0]), "taken away"),
        ((2.5, [0.469, -0.469]), "third entry"), ((2.5, None), "None"),
        ((2.5, MASKED[:2]), "third entry"),
        ((2.5, [0.375, -0.375, 0]), "without the mask"), ((2.5, [2, 0, 5]), "at the weights"),
        ((2.5, [0.3125, 0.1875, 0]), "at the values"), ((2.5, [0.75, -1.25, 3.75]), "missing"),
    ],
    ex.check_heads: [
        ((heads_with("one"),), "one head"), ((heads_with("wide"),), "half as many"),
        ((heads_with("plain"),), "not divided"), ((heads_with("exchanged"),), "exchanged"),
        ((heads_with("odd"),), "Every other"), ((heads_with("left"),), "left head alone"),
        ((heads_with("right"),), "right head alone"), ((heads_with("sum"),), "own columns"),
        ((heads_with("mean"),), "own columns"), ((heads_with("below"),), "one below"),
        ((heads_with("left looks"),), "left columns"), ((heads_with("values"),), "one head"),
        ((heads_with("rows"),), "one head"), ((heads_with("none"),), "None"),
        ((heads_with("more"),), "left halves"), ((heads_with("more"),), "Y[0, 0]"),
        ((np.ones((2, 4)),), "function itself"), ((lambda Q: Q,), "3 arguments"),
    ],
    ex.check_scale: [
        ((576, 6), "variance"), ((6, 6), "single product"), ((96, 6), "were added"),
        ((36, 6), "single product"), ((4, 1), "variance 1"), ((14.4, 6), "multiply"),
        ((144, 6), "root"), ((12, 6), "4 · 9"), ((24, 1), "only if"), ((24, 1.5), "by d"),
        ((24, 36), "variance"), ((24, 24), "Nothing"), ((24, 3), "√16"), ((24,), "2 answers"),
    ],
    ex.check_count: [
        ((1048576, 537), "biases"), ((787968, 537), "one more"),
        ((786432, 537), "One matrix is missing"), ((8404992, 537), "share"),
        ((16640, 537), "width 64"), ((262656, 537), "one of the four"), ((1000, 537), "Four"),
        ((1050624, 67.1), "one head"), ((1050624, 67), "one head"),
        ((1050624, 1074), "float64"), ((1050624, 0.131), "pairs"),
        ((1050624, 134.2), "counts numbers"), ((1050624, 536870912), "bytes"),
        ((1050624, 512), "mebibytes"), ((1050624, 100), "4 bytes"),
        ((1050624, 537e6), "bytes"), ((1050624, 0.537), "gigabytes"),
    ],
    ex.check_backward: [
        ((changed("no sum"),), "sum of the softmax"), ((changed("own"),), "own score"),
        ((changed("column"),), "over the queries"), ((changed("dp"),), "dp was used"),
        ((changed("no c"),), "lack the factor"), ((changed("root"),), "not 1/√d"),
        ((changed("dc c"),), "too much"), ((changed("dc sum"),), "lacks the slopes"),
        ((changed("sign"),), "All signs"), ((changed("three"),), "four"),
        ((changed("shape"),), "dq has shape"), ((changed("order"),), "dq has shape"),
        ((changed("none"),), "return missing"), ((changed("dv"),), "part by part"),
        ((changed("dv"),), "dv[0, 0] ="), ((changed("dc p"),), "dc ="),
        ((changed("dv"),), "one query and"), ((changed("table"),), "whole table"),
        ((changed("plain"),), "plain mean"), ((changed("dc mean"),), "mean over the pairs"),
        ((changed("dc dp"),), "for ds in dc"), ((by_columns(0),), "softmax runs"),
        ((by_columns(1),), "softmax runs"), ((with_root,), "forwards and backwards"),
        ((backward(*(np.ones((1, 1)),) * 3, 1.0, np.ones((1, 1))),), "function itself"),
        ((lambda q, k: q,), "5 arguments"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_expected_numbers_are_right():
    powers, values = np.array([5.0, 3.0, 2.0]), np.array([4.0, 0.0, 10.0])
    for seen, y, ds in ((powers, 4, DS), (powers * [1, 1, 0], 2.5, MASKED)):
        p = seen / seen.sum()
        assert p @ values == pytest.approx(y)
        J = np.diag(p) - np.outer(p, p)
        np.testing.assert_allclose(J @ ((y - 2) * values), ds, atol=1e-14)
    rng = np.random.default_rng(0)
    scores = (rng.normal(0, 2, (100_000, 16)) * rng.normal(0, 3, (100_000, 16))).sum(axis=1)
    assert scores.std() == pytest.approx(24, rel=0.02)
