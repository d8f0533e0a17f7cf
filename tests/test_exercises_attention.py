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

DS = [0, -2.4, 2.4]
DV, TO_SCORES = [[0.75, -1.5], [0.25, -0.5]], [2.25, -2.25]


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


def linear_back(q, k, v, dy):
    ds = dy @ v.T / len(k)
    return ds @ k, ds.T @ q, (q @ k.T).T @ dy / len(k)


def by_sums(q, k, v, dy):
    return [np.einsum(of, dy, v, other) / len(k)
            for of, other in (("ic,jc,jd->id", k), ("ic,jc,id->jd", q))
            ] + [np.einsum("id,jd,ic->jc", q, k, dy) / len(k)]  # fmt: skip


def linear_with(what):
    """Return a backward pass without softmax, with a mistake."""

    def wrong(q, k, v, dy):
        n, m, root = len(q), len(k), np.sqrt(q.shape[1])
        dq, dk, dv = linear_back(q, k, v, dy)
        p = np.exp(q @ k.T)
        p /= p.sum(axis=1, keepdims=True)
        ds = dy @ v.T / m
        soft = p * m * (ds - (p * ds).sum(axis=1, keepdims=True))
        free = ds - ds.mean(axis=1, keepdims=True)
        return {
            "no m": (m * dq, m * dk, m * dv), "n": (m / n * dq, m / n * dk, m / n * dv),
            "dv": (dq, dk, m * dv), "ds": (m * dq, m * dk, dv), "twice": (dq / m, dk / m, dv),
            "root": (dq / root, dk / root, dv / root), "roots": (dq / root, dk / root, dv),
            "p": (dq, dk, p.T @ dy), "softmax": (soft @ k, soft.T @ q, p.T @ dy),
            "mean": (free @ k, free.T @ q, dv), "sign": (-dq, -dk, -dv), "two": (dq, dk),
            "none": None, "shape": (dq.T, dk, dv), "more": (dq + 1, dk, dv),
        }[what]  # fmt: skip

    return wrong


RIGHT = {
    ex.check_hand: [(4, DS), (4.0, (0.0, Fraction(-12, 5), sp.Rational(12, 5))),
                    (0.5 * 4 + 0.2 * 10, np.array(DS))],
    ex.check_vectors: [((3, 1), DV, TO_SCORES),
                       ([3.0, 1.0], np.outer([0.75, 0.25], [1, -2]),
                        (Fraction(9, 4), sp.Rational(-9, 4)))],
    ex.check_linear: [(linear_back,), (by_sums,)],
    ex.check_scale: [(24, 6), (math.sqrt(16 * 36), 24 / math.sqrt(16))],
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
        ((4, [0, -2.4]), "shape"), ((4, [0, 0, 0]), "value - output"), ((None, DS), "None"),
        ((4,), "2 answers"),
    ],
    ex.check_vectors: [
        (((2, 2), DV, TO_SCORES), "plain mean"), (((4, 4), DV, TO_SCORES), "sum of the values"),
        (((1, 3), DV, TO_SCORES), "exchanged"), ((4, DV, TO_SCORES), "two entries"),
        (((3, 1), [[1, -2], [1, -2]], TO_SCORES), "weights are missing"),
        (((3, 1), [[0.75, 0.25], [-1.5, -0.5]], TO_SCORES), "Rows and columns"),
        (((3, 1), [[0.25, -0.5], [0.75, -1.5]], TO_SCORES), "exchanged"),
        (((3, 1), [[-0.75, 1.5], [-0.25, 0.5]], TO_SCORES), "downhill"),
        (((3, 1), [[3, 0], [0, 1]], TO_SCORES), "parts of y"),
        (((3, 1), DV, [3, -2]), "not taken away"), (((3, 1), DV, [4, -8]), "at the weights"),
        (((3, 1), DV, [3, -9]), "weights are missing"), (((3, 1), DV, [4.5, -1.5]), "plain mean"),
        (((3, 1), DV, [0.75, -1.5]), "own score"), (((3, 1), DV, [-2.25, 2.25]), "downhill"),
        (((3, 1), DV, None), "None"),
    ],
    ex.check_linear: [
        ((linear_with("no m"),), "division by m"), ((linear_with("n"),), "number of queries"),
        ((linear_with("dv"),), "missing in dv"), ((linear_with("ds"),), "in dq and dk"),
        ((linear_with("twice"),), "divided by m twice"), ((linear_with("root"),), "by √d"),
        ((linear_with("roots"),), "by √d"), ((linear_with("p"),), "weights of a softmax"),
        ((linear_with("softmax"),), "of the softmax"), ((linear_with("mean"),), "A mean"),
        ((linear_with("sign"),), "All signs"), ((linear_with("two"),), "three"),
        ((linear_with("none"),), "return missing"), ((linear_with("shape"),), "dq has shape"),
        ((linear_with("more"),), "dq[0, 0] ="), ((lambda q, k: q,), "4 arguments"),
        ((np.ones((2, 2)),), "function itself"),
    ],
    ex.check_scale: [
        ((576, 6), "variance"), ((6, 6), "single product"), ((96, 6), "were added"),
        ((36, 6), "single product"), ((4, 1), "variance 1"), ((14.4, 6), "multiply"),
        ((144, 6), "root"), ((12, 6), "4 · 9"), ((24, 1), "only if"), ((24, 1.5), "by d"),
        ((24, 36), "variance"), ((24, 24), "Nothing"), ((24, 3), "√16"), ((24,), "2 answers"),
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
    p = powers / powers.sum()
    assert p @ values == pytest.approx(4)
    J = np.diag(p) - np.outer(p, p)
    np.testing.assert_allclose(J @ (2 * values), DS, atol=1e-14)
    p, v, dy = np.array([0.75, 0.25]), np.array([[4, 0], [0, 4]]), np.array([1, -2])
    np.testing.assert_allclose((np.diag(p) - np.outer(p, p)) @ v @ dy, TO_SCORES)
    rng = np.random.default_rng(0)
    scores = (rng.normal(0, 2, (100_000, 16)) * rng.normal(0, 3, (100_000, 16))).sum(axis=1)
    assert scores.std() == pytest.approx(24, rel=0.02)
