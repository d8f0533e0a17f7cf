"""The checkers of "Attention": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import attention as ex

DS = [0, -2.4, 2.4]
PULLS = [1, -10, 2, 0]


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
        elif what == "no c in dq":
            dq = dq / c
        elif what == "no c in dk":
            dk = dk / c
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


def bias_back(q, k, v, dy):
    p = np.exp(q @ k.T / np.sqrt(q.shape[1]))
    p /= p.sum(axis=1, keepdims=True)
    dp = dy @ v.T
    ds = p * (dp - (p * dp).sum(axis=1, keepdims=True)) / np.sqrt(q.shape[1])
    return (ds @ k).sum(axis=0), (ds.T @ q).sum(axis=0), (p.T @ dy).sum(axis=0)


def with_jacobians_at_biases(q, k, v, dy):
    s = q @ k.T / np.sqrt(q.shape[1])
    p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
    jacobians = [np.diag(row) - np.outer(row, row) for row in p]
    ds = sum(J @ v @ g @ k for J, g in zip(jacobians, dy, strict=True))
    return [ds / np.sqrt(q.shape[1]), np.zeros(q.shape[1]), dy.sum(axis=0)]


def biases_with(what):
    """Return the errors at the biases, with a mistake."""

    def wrong(q, k, v, dy):
        n, m, root = len(q), len(k), np.sqrt(q.shape[1])
        dbq, dbk, dbv = bias_back(q, k, v, dy)
        p = np.exp(q @ k.T / root)
        p /= p.sum(axis=1, keepdims=True)
        dp = dy @ v.T
        ds = {
            "sum": p * dp, "own": p * (1 - p) * dp, "column": p * (dp - (p * dp).sum(axis=0)),
            "plain": p * (dp - dp.mean(axis=1, keepdims=True)), "dp": dp,
        }.get(what, p * (dp - (p * dp).sum(axis=1, keepdims=True)))  # fmt: skip
        dq, dk, dv = ds @ k / root, ds.T @ q / root, p.T @ dy
        return {
            "mean": (dbq / n, dbk / m, dbv / m), "first": (dq[0], dk[0], dv[0]),
            "order": (dbk, dbq, dbv), "no v": (dbq, dbk, 0 * dbv), "no q": (dbk, dbk, dbv),
            "root": (root * dbq, dbk, dbv), "sign": (-dbq, -dbk, -dbv), "two": (dbq, dbv),
            "rows": (dq.sum(axis=1), dk.sum(axis=1), dv.sum(axis=1)), "whole": (dq, dk, dv),
            "none": None, "more": (dbq, dbk + 0.1, dbv),
        }.get(what, (dq.sum(axis=0), dk.sum(axis=0), dv.sum(axis=0)))  # fmt: skip

    return wrong


def of_one_entry(q, k, v, c, dy):
    dq, dk, dv, dc = backward(q, k, v, c, dy)
    return dq, dk, dv, np.array([dc])


RIGHT = {
    ex.check_hand: [(4, DS), (4.0, (0.0, Fraction(-12, 5), sp.Rational(12, 5))),
                    (0.5 * 4 + 0.2 * 10, np.array(DS))],
    ex.check_reading: [(0.6, 2, PULLS),
                       (Fraction(3, 5), 2.0, (sp.Integer(1), -10.0, Fraction(2), 0))],
    ex.check_linear: [(linear_back,), (by_sums,)],
    ex.check_bias: [(bias_back,), (with_jacobians_at_biases,)],
    ex.check_backward: [(backward,), (with_jacobians,), (of_one_entry,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_hand: [
        ((40, DS), "sum to 10"), ((4.67, DS), "plain mean"), ((2, DS), "the target"),
        ((5, DS), "exponential of the first"), ((7, DS), "0.5, 0.3 and 0.2"),
        ((4, [0, -1.2, 1.2]), "slopes of y"), ((4, [0, 2.4, -2.4]), "downhill"),
        ((4, [4, 0, 4]), "taken away"), ((4, [-2 / 3, -2.8, 32 / 15]), "plain mean"),
        ((4, [0, -8, 12]), "weights are missing"),
        ((4, [8, 0, 20]), "error at the weights"), ((4, [1, 0.6, 0.4]), "error at the values"),
        ((4, [2, 0, 3.2]), "own score alone"), ((4, [2, -1.2, 3.2]), "with the target"),
        ((4, [0, -2.4]), "shape"), ((4, [0, 0, 0]), "value - output"), ((None, DS), "None"),
        ((4,), "2 answers"),
    ],
    ex.check_reading: [
        ((-0.6, 2, PULLS), "sign"), ((1.6, 2, PULLS), "as weights do"),
        ((0.3, 2, PULLS), "weight of the third"), ((0, 2, PULLS), "would sum to"),
        ((-0.2, 2, PULLS), "the mean"), ((0.5, 2, PULLS), "added to all"),
        ((0.6, 1, PULLS), "downhill"), ((0.6, 3, PULLS), "largest"), ((0.6, 4, PULLS), "stays"),
        ((0.6, -1, PULLS), "its error"), ((0.6, 0.1, PULLS), "its weight"),
        ((0.6, 5, PULLS), "from 1 to 4"), ((0.6, [2, 4], PULLS), "shape"),
        ((0.6, 2, [0.4, -1, 0.6, 0]), "errors themselves"),
        ((0.6, 2, [0.16, -0.1, 0.18, 0]), "once more"), ((0.6, 2, [-1, 10, -2, 0]), "signs"),
        ((0.6, 2, [0.8, -0.9, 0.9, 0.2]), "added"),
        ((0.6, 2, [0, -1.1, 0.3, -0.2]), "subtracted"),
        ((0.6, 2, [1 / 0.6, -100 / 9, 2 / 0.7, 0]), "divided by p(1 - p)"),
        ((0.6, 2, [1, -10, 2]), "shape"), ((0.6, 2, [1, -10, 2, 1]), "value - output"),
        ((0.6, 2, None), "None"), ((0.6, 2), "3 answers"),
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
    ex.check_bias: [
        ((biases_with("mean"),), "were averaged"), ((biases_with("first"),), "first row"),
        ((biases_with("order"),), "exchanged"), ((biases_with("no v"),), "v's bias"),
        ((biases_with("no q"),), "q's bias"), ((biases_with("root"),), "by √d"),
        ((biases_with("sum"),), "sum of the softmax"), ((biases_with("own"),), "own score"),
        ((biases_with("column"),), "over the queries"), ((biases_with("plain"),), "plain mean"),
        ((biases_with("dp"),), "dp was used"), ((biases_with("sign"),), "All signs"),
        ((biases_with("two"),), "three"), ((biases_with("rows"),), "dbq has shape"),
        ((biases_with("whole"),), "dbq has shape"), ((biases_with("none"),), "return missing"),
        ((biases_with("more"),), "dbk[0] ="), ((biases_with("more"),), "add the rows"),
        ((lambda q, k: q,), "4 arguments"), ((np.zeros(2),), "function itself"),
    ],
    ex.check_backward: [
        ((changed("no sum"),), "sum of the softmax"), ((changed("own"),), "own score"),
        ((changed("column"),), "over the queries"), ((changed("dp"),), "dp was used"),
        ((changed("no c"),), "lack the factor"), ((changed("root"),), "not 1/√d"),
        ((changed("no c in dq"),), "dq lacks the factor"),
        ((changed("no c in dk"),), "dk lacks the factor"),
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
    p = np.array([0.4, 0.1, 0.3, 0.2])
    row = (np.diag(p) - np.outer(p, p)) @ PULLS  # of values whose mean is the output
    np.testing.assert_allclose(row, [0.4, -1, 0.6, 0], atol=1e-14)
    rng = np.random.default_rng(0)
    q, k, v = rng.normal(size=(2, 3)), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    dy = rng.normal(size=(2, 2))

    def loss(bq, bk, bv):
        p = np.exp((q + bq) @ (k + bk).T / np.sqrt(3))
        return np.sum(dy * (p / p.sum(axis=1, keepdims=True) @ (v + bv)))

    at = [np.zeros(of.shape[1]) for of in (q, k, v)]
    for which, errors in enumerate(bias_back(q, k, v, dy)):
        for j, error in enumerate(errors):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [of.copy() for of in at]
                moved[which][j] = step
                ends.append(loss(*moved))
            assert error == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-9)
