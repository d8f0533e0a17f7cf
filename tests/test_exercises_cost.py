"""The checkers of "What a gradient costs": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import cost as ex

ONE = 2 * 768 * 256 / (4 * (768 + 768 * 256 + 256))
RIGHT = {
    ex.check_count: [
        (236_800, 268_800), (2.368e5, sp.Integer(268_800)),
        (np.int64(236_800), Fraction(268_800)),
    ],
    ex.check_intensity: [
        (0.497, 96), (ONE, 96.0), (sp.Rational(393216, 790528), sp.Integer(96)),
        (0.4974, Fraction(96)),
    ],
    ex.check_segments: [(20, 10), (20.0, sp.Integer(10)), (Fraction(20), np.float64(10))],
    ex.check_binomial: [(35, 17), (math.comb(7, 3), 17.0), (sp.binomial(7, 4), np.int64(17))],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_count: [
        ((118_400, 268_800), "multiplications alone"), ((4736, 268_800), "single example"),
        ((2368, 268_800), "weights"), ((204_800, 268_800), "first layer alone"),
        ((32_000, 268_800), "second layer alone"), ((10_600, 268_800), "units"),
        ((2_048_000, 268_800), "add up"), ((710_400, 268_800), "three products"),
        ((236_801, 268_800), "2 B n_in n_out"), ((236_800, 473_600), "down to the pixels"),
        ((236_800, 236_800), "Only the gradients"), ((236_800, 710_400), "one product too many"),
        ((236_800, 505_600), "forward pass is in here"), ((236_800, 134_400), "multiplications"),
        ((236_800, 441_600), "other layer"), ((236_800, 32_000), "passed down"),
        ((236_800, 64_000), "gradient, too"), ((236_800, 5376), "single example"),
        ((None, 268_800), "None"), ((236_800, "268800"), "expected a number"),
        ((236_800,), "2 answers"),
    ],
    ex.check_intensity: [
        ((0.249, 96), "without the additions"), ((0.25, 96), "only the weights"),
        ((1.99, 96), "per number"), ((0.124, 96), "Both"),
        ((2.01, 96), "other way"), ((0.5, 96), "Only the weights"), ((0.499, 96), "input"),
        ((0.498, 96), "output"), ((96, 96), "limit for large"), ((0.7, 96), "Divide 2"),
        ((0.497, 48), "float64"), ((0.497, 384), "per number"), ((0.497, 24), "Both"),
        ((0.497, 0.0104), "other way"), ((0.497, math.inf), "grow with the batch"),
        ((0.497, 128), "output"), ((0.497, 384.0), "per number"), ((0.497, 0.497), "B = 1"),
        ((0.497, 0.5), "left the formula"), ((0.497, 100), "no longer matter"),
        ((None, 96), "None"), ((0.497, sp.oo), "grow with the batch"),
    ],
    ex.check_segments: [
        ((10, 10), "This is √n"), ((5, 10), "wrong side"), ((40, 10), "under the root"),
        ((2.5, 10), "under the root"), ((400, 10), "Take the root"), ((-20, 10), "positive root"),
        ((25, 10), "n/4"), ((100, 10), "every input"), ((1, 10), "nothing is saved"),
        ((19, 10), "derivative"), ((20, 20), "k itself"), ((20, 25), "in full"),
        ((20, 5), "two terms"), ((20, 12.5), "k = 10"), ((20, 21.25), "k = 5"),
        ((20, 40), "units of an input"), ((20, 11), "Add the inputs"), ((20, None), "None"),
        (([20], 10), "shape"),
    ],
    ex.check_binomial: [
        ((12, 17), "far too little"), ((81, 17), "3⁴"), ((64, 17), "4³"),
        ((20, 17), "R = 3"), ((15, 17), "S = 2"), ((70, 17), "S = 4"), ((56, 17), "R = 5"),
        ((4, 17), "C(4, 3)"), ((7, 17), "S + R"), ((210, 17), "order"), ((5040, 17), "7!"),
        ((34, 17), "longest chain"), ((35, 16), "969"), ((35, 18), "Fewer"), ((35, 20), "Subtract"),
        ((35, 19), "C(19, 3) = 969"), ((35, 10), "more slowly"), ((35, 32), "√1000"),
        ((35, 334), "far too many"), ((35, 45), "two advances"), ((35, 5), "least S"),
        ((35, None), "None"), (([35], 17), "shape"),
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
    assert min(range(1, 101), key=lambda k: k / 4 + 100 / k) == 20
    assert math.comb(19, 3) < 1000 <= math.comb(20, 3)


# Functions.


def weights(widths):
    return sum(n * m for n, m in pairwise(widths))


def changing(widths):
    widths.append(1)
    return 0, 0


def unfinished(*_):
    """Return nothing."""


OPERATIONS_RIGHT = [
    lambda w: (2 * w[0] * weights(w), 2 * w[-1] * weights(w)),
    lambda w: np.array([w[0], w[-1]]) * 2.0 * sum(a * b for a, b in pairwise(w)),
]
OPERATIONS_WRONG = [
    (lambda w: (2 * w[-1] * weights(w), 2 * w[0] * weights(w)), "exchanged"),
    (lambda w: (w[0] * weights(w), w[-1] * weights(w)), "multiplications alone"),
    (lambda w: (2 * weights(w),) * 2, "one pass"),
    (lambda w: (w[0], w[-1]), "passes"),
    (lambda w: (2 * w[0] * weights(w[1:]), 2 * w[-1] * weights(w[:-1])), "first product"),
    (lambda w: (4 * w[0] * weights(w), 4 * w[-1] * weights(w)), "two products"),
    (lambda w: (2 * w[0] * math.prod(w), 2 * w[-1] * math.prod(w)), "do not multiply"),
    (lambda w: (2 * w[0] * sum(w), 2 * w[-1] * sum(w)), "units"),
    (lambda w: 2 * w[0] * weights(w), "Only forward"),
    (lambda w: (w[0] * 2 * weights(w) + 1, 2 * w[-1] * weights(w)), "2nm"),
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


@cache
def fewest(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + fewest(n - m, S - 1) + fewest(m, S) for m in range(1, n))


def by_table(n, S):
    """Fill a table from short chains to long ones."""
    best = {(1, s): 0 for s in range(1, S + 1)}
    for length in range(2, n + 1):
        best[length, 1] = length * (length - 1) // 2
        for s in range(2, S + 1):
            best[length, s] = min(
                m + best[length - m, s - 1] + best[m, s] for m in range(1, length)
            )
    return best[n, S]


def by_formula(n, S):
    R = next(r for r in range(n) if math.comb(S + r, S) >= n)
    return R * n - math.comb(S + R, S + 1)


def slow(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + slow(n - m, S - 1) + slow(m, S) for m in range(1, n))


def halves(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return n // 2 + halves(n - n // 2, S - 1) + halves(n // 2, S)


@cache
def forgetful(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + forgetful(n - m, S - 1) + forgetful(m, S - 1) for m in range(1, n))


@cache
def exchanged(n, S):
    """Let the right part have all snapshots and the left part one less."""
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + exchanged(n - m, S) + exchanged(m, S - 1) for m in range(1, n))


def endless(n, S):
    return endless(n, S)


ADVANCES_WRONG = [
    (slow, "too slow"), (halves, "cuts in the middle"), (forgetful, "left part gets one"),
    (lambda n, S: fewest(n, S) + n, "just before each backward"),
    (lambda n, S: fewest(n, S + 1), "one snapshot too many"),
    (lambda n, S: n * (n - 1) // 2, "starts again from x"),
    (lambda n, S: n - 1, "every input"), (exchanged, "The left part has all"),
    (lambda n, S: 0, "Nothing is advanced"),
    (lambda n, S: fewest(n, max(S - 1, 1)), "one snapshot too few"),
    (lambda n, S: fewest(n, S) + (n > 5), "A cut after m"),
    (unfinished, "return"), (lambda n: n, "2 arguments"), (35, "function itself"),
    (endless, "raised RecursionError"),
]  # fmt: skip


@pytest.mark.parametrize("answer", [fewest, by_table, by_formula])
def test_right_advances(answer):
    assert ex.check_advances(answer), ex.check_advances(answer)


@pytest.mark.parametrize(("answer", "hint"), ADVANCES_WRONG)
def test_wrong_advances(answer, hint):
    assert hint in both_hints(ex.check_advances, answer)[1]
