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

GRADIENT = [Fraction(k, 9) for k in (-1, -3, -7, 11)]
ROOT = math.sqrt(4.09)
RIGHT = {
    ex.check_column: [
        (4, 3, GRADIENT), (4.0, sp.Integer(3), [-0.111, -0.333, -0.778, 1.22]),
        (Fraction(4), np.float64(3), np.array(GRADIENT, dtype=float)),
    ],
    ex.check_running: [(44,), (44.0,), (np.ceil(math.log(0.01) / math.log(0.9)),)],
    ex.check_scale: [
        (ROOT, 0.6), (sp.sqrt(sp.Rational(409, 100)), Fraction(3, 5)), (2.0224, 3 / 5),
        (2.022, 0.6),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_column: [
        ((16, 3, GRADIENT), "the sum"), ((3, 3, GRADIENT), "median"),
        ((5, 3, GRADIENT), "divide by 4"), ((4, 9, GRADIENT), "variance"),
        ((4, 3.46, GRADIENT), "divided by 3"), ((4, 6, GRADIENT), "before the root"),
        ((4, 36, GRADIENT), "sum of the squares"), ((4, 5, GRADIENT), "Subtract the mean"),
        ((4, 2.5, GRADIENT), "Square the distances"), ((4, 1, GRADIENT), "(x - 4)²"),
        ((4, 3, [2, 0, 0, 2]), "constants"), ((4, 3, [1, -1, -1, 1]), "stretch is missing"),
        ((4, 3, [8 / 9, 2 / 3, 2 / 9, 20 / 9]), "shift is missing"),
        ((4, 3, [-1 / 3, -1, -7 / 3, 11 / 3]), "divided by s"),
        ((4, 3, [1 / 9, 3 / 9, 7 / 9, -11 / 9]), "sign"),
        ((4, 3, [5 / 3, -1, -1 / 3, -1 / 3]), "This is x̂"),
        ((4, 3, [-0.11, -0.333, -0.778, 1.22]), "rounded too far"),
        ((4, 3, [4 / 9, -2 / 3, -8 / 9, 10 / 9]), "lacks its mean"),
        ((4, 3, [-0.11, -0.33, -0.78, 1.22]), "rounded too far"),
        ((4, 3, [-0.111, 0, 0, 0]), "Add up"), ((4, 3, [-0.111, -0.333, -0.778]), "shape"),
        ((4, 3, None), "None"), ((4, 3), "3 answers"), (("4", 3, GRADIENT), "expected a number"),
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
        ((0.3, 0.6), "of the step"),
        ((5, 0.6), "Pythagoras"), ((2.0224, 15), "does not grow"), ((2.0224, 3), "slope does not"),
        ((2.0224, 0.12), "by 25"), ((2.0224, 0.3), "by 10"), ((2.0224, 1.5), "length of W"),
        ((2.0224, 1.34), "root of 5"), ((2.0224, 2.4), "difference"), ((2.0224, 0), "vanish"),
        ((2.0224, 0.5), "1/|W|"), ((2.0224,), "2 answers"), ((None, 0.6), "None"),
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
        (without_centring, "s is the deviation"),
        (lambda dz, x, gamma: ex.rms(dz, x, 1), "gamma is missing"),
        (lambda dz, x, gamma: ex.rms(dz * gamma**2, x, 1), "twice"),
        (lambda dz, x, gamma: ex.rms(dz * gamma, x, 1, eps=1e-5), "eps"),
        (root_of_sum, "root of the sum"), (root_of_sum_and_sum, "root of the sum"),
        (lambda dz, x, gamma: ex.rms(dz, x, 1) * gamma, "at the end"),
        (lambda dz, x, gamma: -rmsnorm(dz, x, gamma), "sign"),
        (without_keepdims, "keepdims"),
        (lambda dz, x, gamma: rmsnorm(dz, x, gamma) + 1, "Only the stretch"),
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
    x, d = np.array([[9.0], [1], [3], [3]]), np.array([[6.0], [0], [0], [6]])
    layer = BatchNorm(1, eps=0)
    layer.forward(x)
    np.testing.assert_allclose(layer.backward(d)[:, 0], np.array(GRADIENT, float), atol=1e-12)
    layer.forward(np.array([[3.0], [8]]))
    np.testing.assert_allclose(layer.backward(np.array([[2.0], [-1]])), 0, atol=1e-12)
    running, k = 0.0, 0
    while abs(running - 10) > 0.1:
        running, k = 0.9 * running + 0.1 * 10, k + 1
    assert k == 44
