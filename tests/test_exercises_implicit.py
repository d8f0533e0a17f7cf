"""The checkers of the chapter on implicit derivatives: right answers in several forms, and wrong.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff.gradcheck import complex_step
from backprop.book.exercises import implicit as ex

S = Fraction
RIGHT = {
    ex.check_landing: [(0.15, 0.05), (S(3, 20), S(1, 20)), (sp.Rational(3, 20), 0.0500)],
    ex.check_crossing: [(-2, S(4, 3), 5), (-2.0, 1.333, 5.0), (S(-2), sp.Rational(4, 3), 5)],
    ex.check_adjoint: [(4, 8), (4.0, 8.0), (sp.exp(2 * sp.log(2)), sp.Integer(8))],
    ex.check_damped: [(S(2, 3), S(1, 3), S(1, 3)), (0.667, 0.333, 0.333)],
    ex.check_linear: [([S(8, 7), S(2, 7)], S(2, 7)), (np.array([1.143, 0.286]), 0.286),
                      ([[8 / 7, 2 / 7]], 2 / 7), ([8 / 7, 2 / 7], np.array([2 / 7]))],
}  # fmt: skip
LN2 = math.log(2)
WRONG = {
    ex.check_landing: [
        ((-0.15, 0.05), "lands later"), ((3, 0.05), "respect to the speed"), ((-20, 0.05), "to t"),
        ((0.05, 0.05), "not at this time"), ((0.1, 0.05), "10 - 10 t"), ((0.6, 0.05), "5 t²"),
        ((6.67, 0.05), "upside"), ((0.3, 0.05), "Only the 10"), ((0.075, 0.05), "factor 2"),
        ((0.15, -0.05), "higher up"), ((0.15, 1), "to the height"), ((0.15, 20), "upside"),
        ((0.15, 0.0333), "lacks the 10"), ((0.15, 0.2), "5 t²"), ((0.15, 0.15), "the speed"),
        ((0.15, -20), "to t"), ((0.15,), "takes 2"), ((None, 1), "None"),
        ((0.15, 0.1), "Only the 10"), ((0.15, 0.025), "factor 2"),
    ],
    ex.check_crossing: [
        ((2, 1, 5), "crossing at 1"), ((1.5, 1, 5), "slope of θ"), ((-0.5, 1, 5), "one over"),
        ((0.4, 1, 5), "sign before"), ((1, 1, 5), "respect to θ"), ((0.667, 1, 5), "one over"),
        ((-1, 1, 5), "3/2, not 2"), ((0.5, 1, 5), "upside"), ((-2, 0.25, 5), "slope of θ"),
        ((-2, 0.75, 5), "one over"), ((-2, 0.8, 5), "sign before"), ((-2, 2, 5), "x/2"),
        ((-2, 4, 5), "one over"), ((-2, 0.5, 5), "is x"), ((-2, -1.333, 5), "nearer one|sign"),
        ((-2, S(4, 3), 10), "½"), ((-2, S(4, 3), 4), "256"), ((-2, S(4, 3), 250), "again"),
        ((-2, S(4, 3), 7), "natural"), ((-2, S(4, 3), 3), "base 10"), ((-2, S(4, 3), 6), "Fewer"),
        ((-2, S(4, 3), 4.983), "whole"), ((-2, S(4, 3)), "takes 3"),
    ],
    ex.check_adjoint: [
        ((1, 8), "x̄(T)"), ((0.25, 8), "wrong sign"), ((16, 8), "not 4"), ((-4, 8), "sign"),
        ((2, 8), "one unit"), ((0.5, 8), "is the loss"), ((-2, 8), "at x = 1"),
        ((1 + 2 * LN2, 8), "straight"), ((12, 8), "not 3"), ((8, 8), "three units"),
        ((4, 4), "two"), ((4, -8), "sign"), ((4, 2), "product"), ((4, 8 * LN2), "not θ x"),
        ((4, 4 * LN2), "not θ"),
        ((4, 3 / LN2), "One factor"), ((4, 1), "x̄(T)"), ((4, 32), "twice"), ((4, 16), "constant"),
        ((4, LN2), "is θ"), ((4,), "takes 2"),
    ],
    ex.check_damped: [
        ((1, 0, 0), "runs away"), ((S(1, 3), 0, 0), "converges as well"),
        ((0.67, 0, 0), "three digits"), ((0.5, 0, 0), "Only θ"),
        ((2, 0, 0), "1 - c"), ((0.167, 0, 0), "larger c"), ((1.5, 0, 0), "upside"),
        ((-0.667, 0, 0), "sign"), ((1.333, 0, 0), "runs away"), ((0, 0, 0), "nothing moves"),
        ((0.667, 0.667, 0), "error stays"), ((0.667, 0.33, 0), "three digits"),
        ((0.667, 0.5, 0), "-½"), ((0.667, 1, 0), "no damping"),
        ((0.667, 3, 0), "upside"), ((0.667, 0.25, 0), "still ¼"), ((0.667, -0.333, 0), "sign"),
        ((0.667, 0, 0), "nothing moves"),
        ((0.667, 0.333, 1), "by c"), ((0.667, 0.333, -1), "not 2"),
        ((0.667, 0.333, -2), "slope of θ"),
        ((0.667, 0.333, 3), "upside"), ((0.667, 0.333, 0.33), "three digits"),
        ((0.667, 0.333, -0.333), "sign"),
        ((0.667, 0.333, 0.111), "twice"), ((0.667, 0.333, -0.5), "one over"),
    ],
    ex.check_linear: [
        (([1, 0], 0), "nothing was solved"), (([8 / 7, 4 / 7], 0), "without the transpose"),
        (([-8 / 7, -2 / 7], 0), "sign"), (([1, 0.25], 0), "first step"), (([1, 0.5], 0), "is x"),
        (([1.125, 0.25], 0), "two steps"), (([8 / 7, -2 / 7], 0), "I - U"),
        (([7 / 8, 7 / 32], 0), "Divide by it"), (([2 / 7, 8 / 7], 0), "places"),
        (([8 / 7, 0], 0), "not that of u"), ((1.143, 0), ""),
        (([8 / 7, 2 / 7], 4 / 7), "U_21"), (([8 / 7, 2 / 7], 8 / 7), "U_11"),
        (([8 / 7, 2 / 7], 1 / 7), "U_22"), (([8 / 7, 2 / 7], -2 / 7), "raises"),
        (([8 / 7, 2 / 7], 0), "instead of u"), (([8 / 7, 2 / 7], 0.25), "θ_1|first step"),
        (([8 / 7, 2 / 7], 0.5), "U_12 itself"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


# Functions.


def backward(dh, x, h, W, U, *, u=None, s=None, sign=1, order=None):
    slope = h * (1 - h)
    inner = slope if s is None else s
    if u is None:
        u = np.stack([np.linalg.solve(np.eye(len(U)) - U * row, g)
                      for row, g in zip(inner, dh, strict=True)])  # fmt: skip
    dz = sign * u * slope
    return dz @ W.T, x.T @ dz, h.T @ dz


def by_iteration(dh, x, h, W, U):
    u, slope = dh, h * (1 - h)
    for _ in range(300):
        u = dh + (u * slope) @ U.T
    return [(u * slope) @ W.T, x.T @ (u * slope), h.T @ (u * slope)]


def solved(A, dh):
    return np.stack([np.linalg.solve(a, g) for a, g in zip(A, dh, strict=True)])


def turned(dh, x, h, W, U):
    A = [(np.eye(len(U)) - U * row).T for row in h * (1 - h)]
    return backward(dh, x, h, W, U, u=solved(A, dh))


def without_transpose(dh, x, h, W, U):
    A = [np.eye(len(U)) - U.T * row for row in h * (1 - h)]
    return backward(dh, x, h, W, U, u=solved(A, dh))


def scaled(dh, x, h, W, U, *, by):
    """The right u, and another slope after it."""
    dz = solved([np.eye(len(U)) - U * row for row in h * (1 - h)], dh) * by
    return dz @ W.T, x.T @ dz, h.T @ dz


def shared(dh, x, h, W, U, *, row):
    u = np.linalg.solve(np.eye(len(U)) - U * row, dh.T).T
    return backward(dh, x, h, W, U, u=u)


def plus(dh, x, h, W, U):
    A = [np.eye(len(U)) + U * row for row in h * (1 - h)]
    return backward(dh, x, h, W, U, u=solved(A, dh))


def before(dh, x, h, W, U):
    A = [np.eye(len(U)) - np.diag(row) @ U for row in h * (1 - h)]
    return backward(dh, x, h, W, U, u=solved(A, dh))


def ended(dh, x, h, W, U, *, times):
    u = dh
    for _ in range(times):
        u = dh + (u * h * (1 - h)) @ U.T
    return backward(dh, x, h, W, U, u=u)


def of_tanh(dh, x, h, W, U):
    s = 1 - h * h
    dz = solved([np.eye(len(U)) - U * row for row in s], dh) * s
    return dz @ W.T, x.T @ dz, h.T @ dz


def influence(X, y, alpha, X_valid, y_valid):
    A = X.T @ X / len(X) + alpha * np.eye(X.shape[1])
    w = np.linalg.solve(A, X.T @ y / len(X))
    u = np.linalg.solve(A, X_valid.T @ (X_valid @ w - y_valid) / len(X_valid))
    return -(X @ u) * (X @ w - y) / len(X)


def left_out(X, y, alpha, X_valid, y_valid):
    def missed(rows):
        A = X[rows].T @ X[rows] / len(X) + alpha * np.eye(X.shape[1])
        w = np.linalg.solve(A, X[rows].T @ y[rows] / len(X))
        return ((X_valid @ w - y_valid) ** 2).mean() / 2

    every = np.arange(len(X))
    return np.array([missed(every) - missed(every != n) for n in every])


def by_complex_step(X, y, alpha, X_valid, y_valid):
    def loss(a):
        A = (X.T * a) @ X / len(X) + alpha * np.eye(X.shape[1])
        w = np.linalg.solve(A, (X.T * a) @ y / len(X))
        return ((X_valid @ w - y_valid) ** 2).mean() / 2

    return complex_step(loss, np.ones(len(X)))


def changed(**by):
    """Return the influence with one of its pieces changed."""

    def function(X, y, alpha, X_valid, y_valid):
        n, m = len(X), len(X_valid)
        A = X.T @ X / n + alpha * np.eye(X.shape[1])
        w = np.linalg.solve(A, X.T @ y / n)
        r, v = X @ w - y, X_valid.T @ (X_valid @ w - y_valid) / m
        return by["how"](X, y, alpha, A, r, v, n, m)

    return function


RIGHT_FUNCTIONS = {
    ex.check_backward: [backward, by_iteration],
    ex.check_influence: [influence, by_complex_step],
}
solve = np.linalg.solve
WRONG_FUNCTIONS = {
    ex.check_backward: [
        (lambda dh, *a: backward(dh, *a, u=dh), "one iteration"),
        (lambda dh, x, h, W, U: backward(dh, x, h, W, U, u=dh + (dh * h * (1 - h)) @ U.T), "two"),
        (turned, "transposed"),
        (lambda dh, x, h, W, U: backward(dh, x, h, W, U, s=np.ones_like(h)), "in the equation"),
        (of_tanh, "tanh"),
        (lambda *a: backward(*a, s=1 - a[2] ** 2), "tanh"),
        (lambda *a: scaled(*a, by=1 - a[2] ** 2), "tanh"),
        (without_transpose, "transpose of U is missing"),
        (lambda *a: ended(*a, times=3), "too early"),
        (lambda *a: backward(*a, sign=-1), "All signs"),
        (plus, "sign of U"),
        (lambda *a: [g / len(a[0]) for g in backward(*a)], "batch size"),
        (lambda *a: (*backward(*a)[:2], backward(*a)[2].T), "∂L/∂U is transposed"),
        (lambda *a: (*backward(*a)[:2], backward(a[0], *a[1:], u=a[0])[2]), "error of one"),
        (lambda *a: [g / (len(a[0]) if k else 1) for k, g in enumerate(backward(*a))],
         "∂L/∂W and ∂L/∂U"),
        (before, "wrong side"),
        (lambda *a: shared(*a, row=a[2][0] * (1 - a[2][0])), "One matrix"),
        (lambda *a: shared(*a, row=(a[2] * (1 - a[2])).mean(axis=0)), "One matrix"),
        (lambda *a: ended(*a, times=2), "too early"),
        (lambda *a: ended(*a, times=9), "too early"),
        (lambda *a: backward(*a)[:2], "tuple of three"),
        (lambda *a: backward(*a)[::-1], "has shape"),
        (lambda dh, x, h, W, U: None, "None"),
        (lambda dh, x: None, "5 arguments|five"),
        (3, "function itself"),
    ],
    ex.check_influence: [
        (lambda *a: -influence(*a), "sign"),
        (lambda *a: influence(*a) * len(a[0]), "1/N"),
        (changed(how=lambda X, y, al, A, r, v, n, m: -(X @ v) * r / n), "Nothing was solved"),
        (changed(how=lambda X, y, al, A, r, v, n, m: -(X @ solve(X.T @ X / n, v)) * r / n),
         "penalty is missing"),
        (lambda *a: 2 * influence(*a), "factor 2"),
        (lambda *a: influence(*a) * len(a[3]), "is a mean"),
        (lambda *a: influence(*a) * len(a[3]) / len(a[0]), "divided by N"),
        (changed(how=lambda X, y, al, A, r, v, n, m: r * r / (2 * n)), "share of each"),
        (changed(how=lambda X, y, al, A, r, v, n, m: -(X @ solve(A, v)) / n), "residuals"),
        (changed(how=lambda X, y, al, A, r, v, n, m: -(X @ solve(A, v)) * y / n), "y stands"),
        (changed(how=lambda X, y, al, A, r, v, n, m:
                 -(X @ solve(X.T @ X + al * np.eye(len(v)), v)) * r / n), "curvature lacks"),
        (lambda X, y, alpha, *a: influence(X, y, alpha / len(X), *a), "α was divided"),
        (lambda X, y, alpha, *a: influence(X, y, 2 * alpha, *a), "twice as strong"),
        (lambda X, y, alpha, *a: influence(X, y, alpha, X, y), "training loss"),
        (left_out, "leaves each"),
        (lambda *a: influence(*a).sum(), "shape|expected|entries"),
        (lambda X, y, alpha, X_valid, y_valid: None, "None"),
        (lambda X, y: None, "5 arguments|five"),
    ],
}  # fmt: skip


@each_right({check: [(f,) for f in some] for check, some in RIGHT_FUNCTIONS.items()})
def test_right_functions(check, answer):
    assert check(*answer), check(*answer)


@each_wrong({c: [((f,), hint) for f, hint in some] for c, some in WRONG_FUNCTIONS.items()})
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


def test_the_numbers_of_the_exercises_follow():
    assert 15 + 10 * 3 - 5 * 3**2 == 0
    x = np.linalg.solve((np.eye(2) - [[0, 0.5], [0.25, 0]]).T, [7 / 8, 0])
    assert x == pytest.approx([1, 0.5])
    for theta, x in ((3 / 4, 3), (7 / 16, 0.5), (-8, -4)):
        assert theta + x * x / 4 == x
    assert 0.25**4 > 1e-3 > 0.25**5
