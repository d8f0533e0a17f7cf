"""The checkers of the chapter on normalization: right answers, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff.gradcheck import complex_step
from backprop.book.exercises import normalisation as ex
from backprop.layers import BatchNorm, RMSNorm

GRADIENT = [Fraction(k, 9) for k in (-1, -3, 14, -10)]
X_HAT = np.array([5, -3, -1, -1]) / 3
D = np.array([8, 2, 9, 1])
ROOT = math.sqrt(4.09)
RIGHT = {
    ex.check_column: [
        (7, 3, GRADIENT), (7.0, sp.Integer(3), [-0.111, -0.333, 1.56, -1.11]),
        (Fraction(7), np.float64(3), np.array(GRADIENT, dtype=float)),
    ],
    ex.check_running: [(44,), (44.0,), (np.ceil(math.log(0.01) / math.log(0.9)),)],
    ex.check_scale: [
        (ROOT, 0.6), (sp.sqrt(sp.Rational(409, 100)), Fraction(3, 5)), (2.0224, 3 / 5),
        (2.022, 0.6),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_column: [
        ((28, 3, GRADIENT), "the sum"), ((6, 3, GRADIENT), "median"),
        ((5, 3, GRADIENT), "divide by 4"), ((7, 9, GRADIENT), "variance"),
        ((7, 3.46, GRADIENT), "divided by 3"), ((7, 6, GRADIENT), "before the root"),
        ((7, 36, GRADIENT), "sum of the squares"), ((7, 7.616, GRADIENT), "Subtract the mean"),
        ((7, 2.5, GRADIENT), "Square the distances"), ((7, 1, GRADIENT), "(x - 7)²"),
        ((7, 3, D / 3), "constants"), ((7, 3, (D - 5) / 3), "stretch is missing"),
        ((7, 3, (D - 2 * X_HAT) / 3), "shift is missing"),
        ((7, 3, [-1 / 3, -1, 14 / 3, -10 / 3]), "divided by s"),
        ((7, 3, [-1 / 27, -1 / 9, 14 / 27, -10 / 27]), "twice"),
        ((7, 3, [1 / 9, 3 / 9, -14 / 9, 10 / 9]), "sign"),
        ((7, 3, (D - 20 - 8 * X_HAT) / 3), "Sums were taken"),
        ((7, 3, (D - 20 - 2 * X_HAT) / 3), "instead of mean(d)."),
        ((7, 3, (D - 5 - 8 * X_HAT) / 3), "instead of mean(d ⊙ x̂)"),
        ((7, 3, (D + 5 - 2 * X_HAT) / 3), "mean(d) was added"),
        ((7, 3, (D - 5 + 2 * X_HAT) / 3), "last term was added"),
        ((7, 3, (D - 7) / 3), "lacks its x̂"),
        ((7, 3, (D - 5 - X_HAT) / 3), "lacks its mean"),
        ((7, 3, (D - 5 - 5 * X_HAT) / 3), "mean(d) in it"),
        ((7, 3, (D - 5 - D * X_HAT**2) / 3), "not averaged"),
        ((7, 3, (D - 5 - 6 * X_HAT) / 3), "where x̂ belongs."),
        ((7, 3, (D - 5 - 18 * X_HAT) / 3), "where x̂ belongs."),
        ((7, 3, (D - 5 - 3 * X_HAT) / 3), "and no mean"),
        ((7, 3, (D - 5 - 2 * (3 * X_HAT + 7)) / 3), "has x where"),
        ((7, 3, X_HAT), "This is x̂"),
        ((7, 3, [-0.11, -0.333, 1.56, -1.11]), "rounded too far"),
        ((7, 3, [-0.111, -0.333, 1.55, -1.11]), "cut off"),
        ((7, 3, [9 * float(g) for g in GRADIENT]), "multiplied by s"),
        ((7, 3, (0.22, -0.34, -0.06, 0.18)), "the chapter's column"),
        ((7, 3, (1, -1, 2, -2)), "products with the deviations"),
        ((7, 3, (0, 0, 3, -3)), "a slip in one"), ((7, 3, (-0.5, -1 / 3, 2, -1)), "Add up"),
        ((7, 3, [0, 0, 0, 0]), "Four zeros pass"), ((7, 3, [-0.1, -0.3, 1.6, -1.1]), "rounded too"),
        ((7, 3, [-0.1, -0.3, 1.5, -1.1]), "cut off"), ((7, 3, [0, 0, 2, -1]), "rounded too far"),
        ((7, 3, [-1 / 9, -1 / 3, 1.6, -10 / 9]), "rounded too far"),
        ((7, 3, [-0.1, -0.3, 1.7, -1.1]), "Add up"), ((7, 3, [-0.1, -0.3, 1.5, -1.1, 0]), "shape"),
        ((7, 3, [-0.111, 0, 0, 0]), "Add up"), ((7, 3, [-0.111, -0.333, 1.56]), "shape"),
        ((7, 3, None), "None"), ((7, 3), "3 answers"), (("7", 3, GRADIENT), "expected a number"),
    ],
    ex.check_running: [
        ((43,), "above 0.1"), ((43.7,), "whole number"), ((2,), "exchanged"), ((1,), "from 0 to 1"),
        ((10,), "added 1"), ((100,), "not all add the same"), ((9.9,), "same"),
        ((22,), "10 %"), ((66,), "0.1 %"),
        ((459,), "0.01"), ((45,), "less"), ((7,), "by 0.9"), ((None,), "None"),
        (("44",), "expected a number"),
    ],
    ex.check_scale: [
        ((2.3, 0.6), "were added"), ((1.7, 0.6), "were subtracted"), ((4.09, 0.6), "square"),
        ((2.2136, 0.6), "not squared"), ((1.9774, 0.6), "subtracted"), ((3.606, 0.6), "rate"),
        ((2, 0.6), "longer"), ((2.02, 0.6), "four"), ((2.023, 0.6), "too far"),
        ((2.0223, 0.6), "cut off"),
        ((0.3, 0.6), "of the step"),
        ((5, 0.6), "Pythagoras"), ((2.0224, 15), "does not grow"), ((2.0224, 3), "slope does not"),
        ((2.0224, 0.12), "by 25"), ((2.0224, 0.3), "by 10"), ((2.0224, 1.5), "length of w"),
        ((2.0224, 1.34), "root of 5"), ((2.0224, 2.4), "difference"), ((2.0224, 0), "vanish"),
        ((2.0224, 0.5), "1/‖w‖"),
        ((2.0224, 0.5934), "after the step"), ((2.022, 0.593), "after the step"),
        ((2.022, 0.5935), "after the step"), ((2.0224,), "2 answers"), ((None, 0.6), "None"),
    ],
}  # fmt: skip


def numerical(layer):
    """Return a backward pass that knows only the forward pass of a layer."""

    def backward(dz, x, gamma):
        layer_ = layer(x.shape[1], eps=0)
        layer_.parameters["gamma"][...] = gamma
        return complex_step(lambda t: (dz * layer_.forward(t)).sum(), x)

    return backward


def batchnorm(dz, x, gamma):
    d, s = dz * gamma, x.std(axis=0)
    x_hat = (x - x.mean(axis=0)) / s
    return (d - d.mean(axis=0) - x_hat * (d * x_hat).mean(axis=0)) / s


def rmsnorm(dz, x, gamma):
    d, r = dz * gamma, np.sqrt((x**2).mean(axis=1, keepdims=True))
    x_hat = x / r
    return (d - x_hat * (d * x_hat).mean(axis=1, keepdims=True)) / r


def without_keepdims(dz, x, gamma):
    return (dz * gamma) / np.sqrt((x**2).mean(axis=1))


def without_centring(dz, x, gamma):
    d, s = dz * gamma, x.std(axis=1, keepdims=True)
    return (d - x / s * (d * x / s).mean(axis=1, keepdims=True)) / s


def in_place(dz, x, gamma):
    dz *= gamma
    return ex.standardized(dz, x, 0)


def root_of_sum(dz, x, gamma, mean=np.mean):
    d, r = dz * gamma, np.sqrt((x**2).sum(axis=1, keepdims=True))
    return (d - x / r * mean(d * x / r, axis=1, keepdims=True)) / r


def root_of_sum_and_sum(dz, x, gamma):
    return root_of_sum(dz, x, gamma, np.sum)


def fold(W, b, gamma, beta, mean, s):
    return W * (gamma / s), (b - mean) * (gamma / s) + beta


def fold_by_probing(W, b, gamma, beta, mean, s):
    """Ask the two layers what they make of 0 and of the unit vectors."""

    def both(x):
        return gamma * (x @ W + b - mean) / s + beta

    bias = both(np.zeros(len(W)))
    return [both(np.eye(len(W))) - bias, bias]


def fold_with(weights, bias):
    return lambda W, b, gamma, beta, mean, s: (
        weights(W, gamma / s), bias(b, gamma / s, beta, mean)
    )  # fmt: skip


RIGHT_FUNCTIONS = {
    ex.check_fold: [fold, fold_by_probing],
    ex.check_batchnorm: [batchnorm, numerical(BatchNorm)],
    ex.check_rmsnorm: [rmsnorm, numerical(RMSNorm)],
}
COMMON = [
    (lambda dz, x, gamma: None, "return missing"), (lambda dz: dz, "3 arguments"),
    (3, "without calling it"), (lambda dz, x, gamma: {}["x"], "KeyError"),
    (lambda dz, x, gamma: dz, "dz itself"), (lambda dz, x, gamma: dz * gamma, "still has to"),
    (lambda dz, x, gamma: (dz * gamma).mean(axis=0), "shape"),
]  # fmt: skip


def over_the_table(dz, x, gamma):
    d, s = dz * gamma, x.std()
    x_hat = (x - x.mean()) / s
    return (d - d.mean(0) - x_hat * (d * x_hat).mean(0)) / s


def summed(first, second):
    def backward(dz, x, gamma):
        d, s = dz * gamma, x.std(0)
        x_hat = (x - x.mean(0)) / s
        return (d - first(d, 0) - x_hat * second(d * x_hat, 0)) / s

    return backward


def with_terms(removed):
    """Return the backward pass that takes other terms out of d."""

    def backward(dz, x, gamma):
        d, s = dz * gamma, x.std(0)
        return (d - removed(d, dz, (x - x.mean(0)) / s, s)) / s

    return backward


def rms_with(last):
    def backward(dz, x, gamma):
        d, r = dz * gamma, np.sqrt((x**2).mean(1, keepdims=True))
        return (d - last(d, x / r)) / r

    return backward


def across(values):
    return values.mean(1, keepdims=True)


def last_term_undivided(dz, x, gamma):
    d, s = dz * gamma, x.std(0)
    x_hat = (x - x.mean(0)) / s
    return (d - d.mean(0)) / s - x_hat * (d * x_hat).mean(0)


def rms_in_parts(first, last):
    """Return the backward pass of RMS normalization, with each of its two terms changed."""

    def backward(dz, x, gamma):
        d, r = dz * gamma, np.sqrt((x**2).mean(1, keepdims=True))
        return first(d, r) - last(d, dz, x / r, r)

    return backward


FOLD = fold
WRONG_FUNCTIONS = {
    ex.check_fold: [
        (lambda W, b, gamma, beta, mean, s: None, "return missing"), (lambda W: W, "arguments"),
        (3, "without calling it"), (lambda W, b, gamma, beta, mean, s: {}["x"], "KeyError"),
        (lambda W, b, gamma, beta, mean, s: W, "two arrays"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, gamma, beta, mean, s)[0], "two arrays"),
        (lambda W, b, gamma, beta, mean, s: (W.T, b), "new weights have shape"),
        (lambda W, b, gamma, beta, mean, s: (W, W), "new bias has shape"),
        (lambda W, b, gamma, beta, mean, s: (W * (gamma / s)[:, None], b), "each column of W"),
        (lambda W, b, gamma, beta, mean, s: (W, b), "the old bias"),
        (fold_with(lambda W, k: W, lambda b, k, c, m: (b - m) * k + c), "still the old weights"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: b), "bias is still"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: b * k + c), "not subtracted"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: b - m * k + c), "b is not divided"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: b + c - m), "not scaled"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: (b - m + c) * k), "beta was scaled"),
        (fold_with(lambda W, k: W * k, lambda b, k, c, m: (b - m) * k), "beta is missing"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, gamma, beta, mean, 1), "s is missing"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, gamma, beta, mean, s**2), "variance"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, gamma, beta, mean, s**0.5), "root of s"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, 1, beta, mean, s), "gamma is missing"),
        (lambda W, b, gamma, beta, mean, s: FOLD(W, b, gamma, beta, -mean, s), "mean was added"),
    ],
    ex.check_batchnorm: [
        *COMMON,
        (lambda dz, x, gamma: dz * gamma / x.std(0), "constants"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 0, stretch=False), "stretch"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 0, shift=False), "shift"),
        (lambda dz, x, gamma: ex.standardized(dz, x, 0), "gamma is missing"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 0, eps=1e-5), "eps"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma**2, x, 0), "twice"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 1), "wrong axis"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 0, ddof=1), "n - 1"),
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, (0, 1)), "one mean"),
        (with_terms(lambda d, dz, h, s: -d.mean(0) + h * (d * h).mean(0)), "mean(d) was added"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + 2 * h * (d * h).mean(0)), "is doubled"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + h * (d * h).mean(0) / 2), "is halved"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + h * d.mean(0)), "mean(d) in it"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + h * (dz * h).mean(0)), "dz for d"),
        (with_terms(lambda d, dz, h, s: dz.mean(0) + h * (d * h).mean(0)), "was taken of dz"),
        (with_terms(lambda d, dz, h, s: dz.mean(0) + h * (dz * h).mean(0)), "Both means"),
        (with_terms(lambda d, dz, h, s: d - dz + d.mean(0) + h * (d * h).mean(0)), "term is dz"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + s * h * (d * h).mean(0)), "s times too large"),
        (with_terms(lambda d, dz, h, s: s * d.mean(0) + h * (d * h).mean(0)), "not divided by s"),
        (with_terms(lambda d, dz, h, s: s * (d.mean(0) + h * (d * h).mean(0))), "Only d"),
        (last_term_undivided, "s times too large"),
        (with_terms(lambda d, dz, h, s: across(d) + h * across(d * h)), "x̂ is right"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + h * across(d * h)), "x̂ is right"),
        (with_terms(lambda d, dz, h, s: across(d) + h * (d * h).mean(0)), "x̂ is right"),
        (lambda dz, x, gamma: batchnorm(dz, x, gamma) * x.var(0), "multiplied by s"),
        (with_terms(lambda d, dz, h, s: d.mean(0) + s**2 * h * (d * h).mean(0)), "x - mean for x̂"),
        (over_the_table, "one mean"), (summed(np.sum, np.sum), "Sums stand"),
        (summed(np.sum, np.mean), "for mean(d)."), (summed(np.mean, np.sum), "mean(d ⊙ x̂)"),
        (lambda dz, x, gamma: batchnorm(dz, x, gamma) * x.std(0), "not divided"),
        (lambda dz, x, gamma: batchnorm(dz, x, gamma) / x.std(0), "variance"),
        (lambda dz, x, gamma: -batchnorm(dz, x, gamma), "sign"),
        (lambda dz, x, gamma: batchnorm(dz, x, gamma).T, "transpose"),
        (in_place, "in place"),
    ],
    ex.check_rmsnorm: [
        *COMMON,
        (lambda dz, x, gamma: ex.standardized(dz * gamma, x, 1), "LayerNorm"),
        (lambda dz, x, gamma: dz * gamma / np.sqrt((x**2).mean(1, keepdims=True)), "constant"),
        (lambda dz, x, gamma: ex.rms(dz * gamma, x, 0), "wrong axis"),
        (without_centring, "s is the standard deviation"),
        (rms_with(lambda d, h: 2 * h * (d * h).mean(1, keepdims=True)), "doubled"),
        (rms_with(lambda d, h: h * (d * h).mean(0)), "d ⊙ x̂ runs over the wrong axis"),
        (rms_in_parts(lambda d, r: d * r, lambda d, dz, h, r: h * across(d * h) * r),
         "multiplied by s"),
        (rms_in_parts(lambda d, r: d / r, lambda d, dz, h, r: h * across(d * h)),
         "not divided by s"),
        (rms_in_parts(lambda d, r: d / r, lambda d, dz, h, r: h * across(dz * h) / r),
         "dz for d"),
        (lambda dz, x, gamma: ex.rms(dz, x, 1), "gamma is missing"),
        (lambda dz, x, gamma: ex.rms(dz * gamma**2, x, 1), "twice"),
        (lambda dz, x, gamma: ex.rms(dz * gamma, x, 1, eps=1e-5), "eps"),
        (root_of_sum, "root of the sum"), (root_of_sum_and_sum, "root of the sum"),
        (lambda dz, x, gamma: ex.rms(dz, x, 1) * gamma, "at the end"),
        (lambda dz, x, gamma: -rmsnorm(dz, x, gamma), "sign"),
        (without_keepdims, "keepdims"),
        (lambda dz, x, gamma: rmsnorm(dz, x, gamma) + 1, "one term out of d"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS | WRONG_FUNCTIONS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len((WRONG_ANSWERS | WRONG_FUNCTIONS)[check]) >= 10
    assert len((RIGHT | RIGHT_FUNCTIONS)[check]) >= 2


def test_the_expected_numbers_are_right():
    x, d = np.array([[12.0], [4], [6], [6]]), np.array([[8.0], [2], [9], [1]])
    layer = BatchNorm(1, eps=0)
    layer.forward(x)
    np.testing.assert_allclose(layer.backward(d)[:, 0], np.array(GRADIENT, float), atol=1e-12)
    layer.forward(np.array([[3.0], [8]]))
    np.testing.assert_allclose(layer.backward(np.array([[2.0], [-1]])), 0, atol=1e-12)
    running, k = 0.0, 0
    while abs(running - 10) > 0.1:
        running, k = 0.9 * running + 0.1 * 10, k + 1
    assert k == 44
