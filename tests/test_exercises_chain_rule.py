"""The checkers of "The chain rule": right answers, recognised mistakes, and no answers."""

from itertools import pairwise

import numpy as np
import pytest

from backprop.activations import softmax, softmax_vjp
from backprop.autodiff import gradcheck
from backprop.book.exercises import chain_rule as ex


def slope(x):
    return np.cos(np.exp(x**2)) * np.exp(x**2) * 2 * x


def vjp(v, z):
    return (v - v @ z / z.sum()) / z.sum()


def jacobian(z):
    # Row i: the rates of all p_j with respect to z_i. Independent of the checker's shortcut.
    rows = [gradcheck.complex_step(lambda t, j=j: t[j] / t.sum(), z) for j in range(len(z))]
    return np.transpose(rows)


def least(n):
    """Every order, tried: take two neighbours together, and go on with the shorter chain."""
    if len(n) == 2:
        return 0
    return min(n[k - 1] * n[k] * n[k + 1] + least(n[:k] + n[k + 1 :]) for k in range(1, len(n) - 1))


def from_the_left(n):
    return sum(n[0] * a * b for a, b in pairwise(n[1:]))


def from_the_right(n):
    return sum(a * b * n[-1] for a, b in pairwise(n[:-1]))


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (ex.check_slope, slope),
        (ex.check_slope, lambda x: gradcheck.complex_step(
            lambda t: np.sin(np.exp(t[0] ** 2)), np.array([x]))[0]),
        (ex.check_normalize_vjp, vjp),
        (ex.check_normalize_vjp, lambda v, z: v @ jacobian(z).T),
        (ex.check_least, least),
    ],
)  # fmt: skip
def test_right_answers(check, answer):
    assert check(answer), check(answer)


@pytest.mark.parametrize(
    ("check", "wrong", "words"),
    [
        (ex.check_slope, lambda x: np.cos(x) * np.exp(x) * 2 * x, "Every slope is taken at x"),
        (ex.check_slope, lambda x: np.cos(x) * np.exp(x**2) * 2 * x, "where the sine did"),
        (ex.check_slope, lambda x: np.cos(x**2) * np.exp(x**2) * 2 * x, "not at x²"),
        (ex.check_slope, lambda x: np.cos(np.exp(x**2)) * np.exp(x) * 2 * x, "taken at x²"),
        (ex.check_slope, lambda x: np.cos(np.exp(x**2)) * np.exp(2 * x), "times that of x²"),
        (ex.check_slope, lambda x: np.cos(np.exp(x**2)) * np.exp(x**2), "innermost"),
        (ex.check_slope, lambda x: np.cos(np.exp(x**2)) * 2 * x, "middle rate"),
        (ex.check_slope, lambda x: np.cos(np.exp(x**2)), "outer rate alone"),
        (ex.check_slope, lambda x: -slope(x), "without a minus"),
        (ex.check_slope, lambda x: np.array([x]), "has shape (1,), expected ()"),
        (ex.check_slope, lambda x: 1 / 0, "ZeroDivisionError"),
        (ex.check_normalize_vjp, lambda v, z: v @ jacobian(z), "rows are inputs"),
        (ex.check_normalize_vjp, lambda v, z: v / z.sum(), "moves the sum"),
        (ex.check_normalize_vjp,
         lambda v, z: -(v @ z) / z.sum() ** 2 + 0 * v, "through z_i is forgotten"),
        (ex.check_normalize_vjp, lambda v, z: vjp(v, z) * z.sum(), "division by the sum"),
        (ex.check_normalize_vjp, lambda v, z: softmax_vjp(softmax(np.log(z)), v), "a softmax"),
        (ex.check_normalize_vjp, lambda v, z: -vjp(v, z), "turned round"),
        (ex.check_normalize_vjp, lambda v, z: vjp(v, z)[None], "has shape (1, 2)"),
        (ex.check_normalize_vjp, lambda v, z: 1 / 0, "ZeroDivisionError"),
        (ex.check_least, lambda n: least(n) or n[0] * n[1], "there already"),
        (ex.check_least, lambda n: 9 if n == (2, 3, 4) else least(n), "takes a b c"),
        (ex.check_least, from_the_left, "from the input"),
        (ex.check_least, from_the_right, "from the end"),
        (ex.check_least, lambda n: min(from_the_left(n), from_the_right(n)), "join two parts"),
        (ex.check_least, lambda n: [n], "expected ()"),
        (ex.check_least, 30_000, "without calling it"),
    ],
)  # fmt: skip
def test_hints(check, wrong, words):
    verdict = check(wrong)
    assert not verdict
    assert words in repr(verdict), repr(verdict)
