"""The checkers of "What a gradient costs": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import cost as ex

ONE = 2 * 768 * 256 / (4 * (768 + 768 * 256 + 256))
COMPUTING = 2 * 8 * 2048**2 / 5e10
CARRYING = 8 * (2048**2 + 2 * 8 * 2048) / 1e10
RIGHT = {
    ex.check_count: [
        (236_800, 268_800), (2.368e5, sp.Integer(268_800)),
        (np.int64(236_800), Fraction(268_800)),
    ],
    ex.check_intensity: [
        (23, 96), (23.0, sp.Integer(96)), (np.int64(23), Fraction(96)), (23, np.float32(96)),
    ],
    ex.check_frozen: [(2560, 469_504), (2.56e3, sp.Integer(469_504)), (np.int64(2560), 469504.0)],
    ex.check_training: [(4.8e20, 55.6), (48 * 10**19, 500 / 9), (sp.Integer(48) * 10**19, 55.56),
                        (np.float32(4.8e20), np.float32(55.6))],
    ex.check_waist: [(19, 17), (19.0, sp.Integer(17)), (np.int64(19), Fraction(17))],
    ex.check_prediction: [
        (5e10, 3e10, COMPUTING), (5e10, 3e10, 0.00134), (np.float32(5e10), 3e10, 0.00134),
        (10**11, 10**10, CARRYING), (Fraction(10**11), 1e10, 0.00338),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_count: [
        ((118_400, 268_800), "multiplications alone"), ((4736, 268_800), "single example"),
        ((2368, 268_800), "weights"), ((204_800, 268_800), "first layer alone"),
        ((32_000, 268_800), "second layer alone"), ((10_600, 268_800), "units"),
        ((2_048_000, 268_800), "add up"), ((710_400, 268_800), "three products"),
        ((268_800, 236_800), "forward pass first"),
        ((236_801, 268_800), "2 B n_in n_out"), ((236_800, 473_600), "down to the pixels"),
        ((236_800, 236_800), "Only the gradients"), ((236_800, 710_400), "one product too many"),
        ((236_800, 505_600), "forward pass is in here"), ((236_800, 134_400), "multiplications"),
        ((236_800, 441_600), "other layer"), ((236_800, 32_000), "passed down"),
        ((236_800, 64_000), "gradient, too"), ((236_800, 5376), "single example"),
        ((None, 268_800), "None"), ((236_800, "268800"), "expected a number"),
        ((236_800,), "2 answers"),
    ],
    ex.check_intensity: [
        ((22.3256, 96), "whole number"), ((22, 96), "still below 10"), ((20, 96), "the weights"),
        ((21, 96), "bytes are missing"), ((51, 96), "float64"), ((50, 96), "float64"),
        ((6, 96), "per number"), ((5, 96), "per number"), ((138, 96), "Both"),
        ((10, 96), "the corner"), ((96, 96), "limit for large"), ((30, 96), "equal to 10"),
        ((23, 48), "float64"), ((23, 384), "per number"), ((23, 192), "2 bytes"),
        ((23, 24), "Both"), ((23, 0.0104), "other way"), ((23, math.inf), "grow with the batch"),
        ((23, 128), "output"), ((23, 0.497), "B = 1"), ((23, 0.5), "left the formula"),
        ((23, 100), "no longer matter"), ((None, 96), "None"), ((23, sp.oo), "grow with the batch"),
    ],
    ex.check_frozen: [
        ((1280, 469_504), "multiplications"), ((5120, 469_504), "passes an error down"),
        ((537_600, 469_504), "all layers are trained"), ((469_504, 469_504), "a forward pass"),
        ((472_064, 469_504), "forward pass is in here"), ((401_408, 469_504), "first layer's"),
        ((68_096, 469_504), "two layers"), ((0, 469_504), "do have slopes"),
        ((276, 469_504), "units"), ((2561, 469_504), "one product"),
        ((2560, 234_752), "multiplications"), ((2560, 401_408), "How did the error come"),
        ((2560, 802_816), "how did it come"), ((2560, 870_912), "below the first layer"),
        ((2560, 537_600), "all layers are trained"), ((2560, 466_944), "one more layer"),
        ((2560, 403_968), "one more layer"), ((2560, 68_096), "without its own"),
        ((2560, 2560), "last layer's"), ((2560, 939_008), "forward pass is in here"),
        ((2560, 469_505), "pass down"), ((None, 469_504), "None"), ((2560,), "2 answers"),
    ],
    ex.check_training: [
        ((8e19, 55.6), "N times D"), ((1.6e20, 55.6), "forward pass alone"),
        ((2.4e20, 55.6), "multiplications"), ((3.2e20, 55.6), "backward pass alone"),
        ((4e20, 55.6), "One of the six"), ((1.2e10, 55.6), "one piece"),
        ((2.4e11, 55.6), "one weight"), ((6.4e20, 55.6), "second forward"),
        ((2.52e11, 55.6), "multiply N by D"), ((5e20, 55.6), "2 operations forward"),
        ((4.8e20, 4.8e6), "seconds"), ((4.8e20, 1333.33), "hours"), ((4.8e20, 80_000), "minutes"),
        ((4.8e20, 7.94), "weeks"), ((4.8e20, 0.152), "years"), ((4.8e20, 18.5), "forward pass"),
        ((4.8e20, 37.0), "backward pass"), ((4.8e20, 0.018), "other way"),
        ((4.8e20, 55_600), "thousand"), ((4.8e20, 0.0556), "thousand"), ((4.8e20, 50), "86,400"),
        ((4.8e20, None), "None"),
    ],
    ex.check_waist: [
        ((20, 17), "560,000"), ((18, 17), "Is there a wider"), ((24, 17), "last product"),
        ((1, 17), "waist of the text"), ((100, 17), "no waist"), ((30, 17), "10 outputs"),
        ((19, 18), "1,800,000"), ((19, 16), "Is there a wider"), ((19, 21), "last product"),
        ((19, 19), "It must take fewer"), ((19, 100), "no waist"), ((None, 17), "None"),
        ((19, "17"), "a str"), ((19.5, 17), "not right"), ((19, [17]), "shape"),
        ((19,), "2 answers"),
    ],
    ex.check_prediction: [
        ((5e10, 3e10, CARRYING / 3), "shorter"), ((5e10, 3e10, COMPUTING + CARRYING / 3), "sum"),
        ((5e10, 3e10, 1.34), "milliseconds"), ((5e10, 3e10, 745.0), "other way"),
        ((5e10, 3e10, 0.00224), "bytes per second"), ((5e10, 3e10, CARRYING / 5), "divided by op"),
        ((1e10, 3e10, 0.00336), "additions"), ((1e11, 1e10, 0.000671), "shorter"),
        ((2e11, 1e10, CARRYING / 2), "float32"), ((2e11, 1e10, CARRYING / 8), "not bytes"),
        ((1e11, 1e10, 8 * 2048**2 / 1e10), "Only the weights"),
        ((1e9, 3e10, 2 * 2048**2 / 1e9), "one example"), ((1e11, 1e10, 2 * CARRYING), "backward"),
        ((50, 3e10, 0.00134), "billions"), ((5e10, 30, 0.00134), "billions"),
        ((5e10, -3e10, 0.00134), "positive"), ((None, 3e10, 0.00134), "positive"),
        ((5e10, 3e10, None), "None"), ((5e10, 3e10, 0.005), "longer time decides"),
        ((5e10, math.nan, 0.00134), "positive"), ((5e10, 3e10), "3 answers"),
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
    assert 2 * 50 * (64 * 32 + 32 * 10) == 236_800
    assert round(6 * 2e9 * 4e10 / 1e14 / 86_400, 1) == 55.6


# Functions.


def weights(widths):
    return sum(n * m for n, m in pairwise(widths))


def changing(widths):
    widths.append(1)
    return 0, 0


def unfinished(*_):
    """Return nothing."""


def products(widths):
    return 2 * widths[0] * weights(widths[1:]), 2 * widths[-1] * weights(widths[:-1])


OPERATIONS_RIGHT = [
    products,
    lambda w: np.array([w[0] * weights(w[1:]), w[-1] * weights(w[:-1])]) * 2.0,
]
OPERATIONS_WRONG = [
    (lambda w: products(w)[::-1], "exchanged"),
    (lambda w: np.divide(products(w), 2), "multiplications alone"),
    (lambda w: (2 * weights(w),) * 2, "one pass"),
    (lambda w: (2 * weights(w[1:]), 2 * weights(w[:-1])), "one row"),
    (lambda w: (w[0], w[-1]), "passes"),
    (lambda w: (2 * w[0] * weights(w), 2 * w[-1] * weights(w)), "with no product"),
    (lambda w: (2 * w[0] * weights(w[:-1]), 2 * w[-1] * weights(w[1:])), "rows of the first"),
    (lambda w: np.multiply(products(w), 2), "two products"),
    (lambda w: (2 * w[0] * math.prod(w), 2 * w[-1] * math.prod(w)), "do not multiply"),
    (lambda w: (2 * w[0] * sum(w), 2 * w[-1] * sum(w)), "units"),
    (lambda w: products(w)[0], "Only forward"),
    (lambda w: (products(w)[0] + 1, products(w)[1]), "2nm"),
    (changing, "changed its argument"),
    (unfinished, "return"),
    (lambda n, m: (n, m), "one argument"),
    ((120, 80), "function itself"),
]


@pytest.mark.parametrize("answer", OPERATIONS_RIGHT)
def test_right_operations(answer):
    assert ex.check_jacobian(answer), ex.check_jacobian(answer)


@pytest.mark.parametrize(("answer", "hint"), OPERATIONS_WRONG)
def test_wrong_operations(answer, hint):
    assert hint in both_hints(ex.check_jacobian, answer)[1]
