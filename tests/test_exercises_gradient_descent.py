"""The checkers of "Gradient descent": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import gradient_descent as ex

LN2 = math.log(2)
RIGHT = {
    ex.check_hand: [
        (-0.432, 0.25, 0.125), (Fraction(-54, 125), Fraction(1, 4), sp.Rational(1, 8)),
        (2 * (1 - 0.2 * 8) ** 3, 2 / 8, np.float64(1 / 8)),
    ],
    ex.check_rates: [
        (0.08, 1 / 13, 12 / 13), (0.08, 0.0769, 0.923),
        (Fraction(2, 25), sp.Rational(2, 26), 0.923),
    ],
    ex.check_batch: [(3, 2, 1.5), (3.0, sp.Integer(2), Fraction(3, 2)), (np.float64(3), 2.0, 1.5)],
    ex.check_updates: [
        ([1347, 135, 14, 1],), ((1347.0, 135, 14, 1),),
        (np.ceil(1347 / np.array([1, 10, 100, 1347])),),
    ],
    ex.check_plateau: [(0.347,), (LN2 / 2,), (sp.log(2) / 2,), (math.log(math.sqrt(2)),)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_hand: [
        ((0.432, 0.25, 0.125), "sign is not"), ((0.72, 0.25, 0.125), "after two"),
        ((0.2592, 0.25, 0.125), "after four"), ((-1.2, 0.25, 0.125), "after one"),
        ((-0.216, 0.25, 0.125), "starts at θ = 2"), ((0.016, 0.25, 0.125), "curvature is 4"),
        ((35.152, 0.25, 0.125), "uphill"), ((-7.6, 0.25, 0.125), "slope of the start"),
        ((-0.432, 0.125, 0.125), "in one step"), ((-0.432, 0.5, 0.125), "curvature is 4"),
        ((-0.432, 4, 0.125), "reciprocal"), ((-0.432, 0.2, 0.125), "equal to -1"),
        ((-0.432, 0.25, 0.25), "side to side"), ((-0.432, 0.25, 8), "the curvature"),
        ((-0.432, 0.25, 0.2), "equal to 0"), ((None, 0.25, 0.125), "None"),
        (("-0.432", 0.25, 0.125), "expected a number"), ((math.nan, 0.25, 0.125), "not right"),
        ((-0.43, 0.25, 0.125), "three significant digits"),
    ],
    ex.check_rates: [
        ((0.04, 1 / 13, 12 / 13), "factor is -1"), ((2.0, 1 / 13, 12 / 13), "patience"),
        ((0.5, 1 / 13, 12 / 13), "curvature 4"), ((2 / 30, 1 / 13, 12 / 13), "do not add up"),
        ((0.2, 1 / 13, 12 / 13), "mean curvature"), ((12.5, 1 / 13, 12 / 13), "reach -1 first"),
        ((0.08, 1 / 26, 12 / 13), "a 2 stays"), ((0.08, 0.08, 12 / 13), "limit itself"),
        ((0.08, 0.077, 12 / 13), "significant digits"),
        ((0.08, 0.04, 12 / 13), "flattest direction is slower"),
        ((0.08, 2 / 30, 12 / 13), "plays no part"), ((0.08, 2 / 29, 12 / 13), "not the smallest"),
        ((0.08, 1 / 12, 12 / 13), "sign is wrong"), ((0.08, 13, 12 / 13), "reciprocal"),
        ((0.08, 1 / 13, (12 / 13) ** 2), "factor of the loss"), ((0.08, 1 / 13, 1 / 13), "stays?"),
        ((0.08, 1 / 13, -12 / 13), "positive number"), ((0.08, 1 / 13, 0.92), "three digits"),
        ((0.08, 1 / 13, 13 / 12), "grows"), ((0.08, 1 / 13, 25), "This is κ"),
        ((0.08, 1 / 13, 9 / 13), "curvature 4"), ((0.08, 1 / 13, 0.5), "Put the best rate"),
        ((0.08, None, 12 / 13), "None"), ((0.08, 1 / 13), "3 answers"),
        (((0.08, 1 / 13, 12 / 13),), "3 answers"),
    ],
    ex.check_batch: [
        ((15, 2, 1.5), "the sum"), ((6, 2, 1.5), "batch's sum"), ((1.5, 2, 1.5), "half of it"),
        ((2, 2, 1.5), "unbiased"), ((3, 4, 1.5), "variance of one example"),
        ((3, 1, 1.5), "2 went in twice"), ((3, 1.414, 1.5), "root of the variance"),
        ((3, 2.5, 1.5), "N - 1"), ((3, 8, 1.5), "variance of the sum"),
        ((3, 1.5, 1.5), "without replacement"), ((3, 10, 1.5), "mean of (9"),
        ((3, 0, 1.5), "mean of (9"), ((3, 2, 2), "with replacement"),
        ((3, 2, 1.2), "batch of one"), ((3, 2, 1.125), "squared"), ((3, 2, 1.73), "root of the"),
        ((3, 2, 1.22), "root of the variance"), ((3, 2, 3), "B is missing"),
        ((3, 2, 2.67), "upside down"), ((3, 2, 2.5), "upside down"), ((3, 2, 1), "ten pairs"),
        ((3, 2, 1.67), "chapter's pairs"),
        ((3, 2, "3/2"), "expected a number"), ((3, 2), "3 answers"),
    ],
    ex.check_updates: [
        (([1347, 134, 13, 1],), "never used"), (([1347, 134.7, 13.47, 1],), "whole number"),
        (([1347, 135, 13, 1],), "never used"), (([1348, 135, 14, 2],), "no smaller batch"),
        (([1, 10, 100, 1347],), "batch sizes"), (([1347] * 4,), "the examples"),
        (([1, 14, 135, 1347],), "reverse"), (([4041, 405, 42, 3],), "three epochs"),
        (([1347, 135, 15, 1],), "round up"), (([1347, 135, 14, 0],), "round up"),
        (([1347, 135, 14],), "shape"), ((1347, 135, 14, 1), "one answer"), ((None,), "None"),
    ],
    ex.check_plateau: [
        ((LN2,), "all four"), ((2 * LN2,), "mean"), ((LN2 / 4,), "one example"),
        ((0.5,), "without a logarithm"), ((1,), "natural"), ((-LN2 / 2,), "It is -ln p."),
        ((0.3486,), "on the way"), ((0.3467,), "on the way"),
        ((0.25,), "No logarithm"), ((0.125,), "squared error"), ((0.0625,), "squared error"),
        ((3 * LN2 / 4,), "Three examples"), ((0.35,), "three significant digits"),
        ((0,), "undecided example costs"), ((None,), "None"), (("ln 2 / 2",), "expected a number"),
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
    theta = 2.0
    for _ in range(3):
        theta -= 0.2 * 8 * theta
    assert theta == pytest.approx(-0.432)
    g = np.array([0.0, 2, 3, 4, 6])
    with_, without = (
        [np.mean(batch) for batch in draw]
        for draw in (itertools.product(g, repeat=2), itertools.combinations(g, 2))
    )
    assert (np.mean(with_), np.var(with_), np.var(without)) == pytest.approx((3, 2, 1.5))


# Functions.


def standardize(x_train, x):
    std = x_train.std(axis=0)
    return (x - x_train.mean(axis=0)) / np.where(std > 0, std, 1)


def standardize_by_column(x_train, x):
    found = np.empty_like(x)
    for j in range(x.shape[1]):
        found[:, j] = x[:, j] - x_train[:, j].mean()
        if x_train[:, j].std():
            found[:, j] /= x_train[:, j].std()
    return found


def careless(x_train, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x - x_train.mean(0)) / x_train.std(0)


def rate(H, g):
    return (g @ g) / (g @ H @ g)


def rate_by_sums(H, g):
    bend = sum(g[i] * H[i, j] * g[j] for i in range(len(g)) for j in range(len(g)))
    return sum(v * v for v in g) / bend


def growth(H, g):
    return -2 * (g @ H @ g)


def growth_by_difference(H, g, h=1e-6):
    """A central difference: on a quadratic ‖∇L‖² it is exact up to rounding."""

    def size(eta):
        return float(((g - eta * g @ H) ** 2).sum())

    return (size(h) - size(-h)) / (2 * h)


def dominant(product, n, shift=0.0):
    u = np.random.default_rng(1).normal(size=n)
    for _ in range(400):
        u /= np.linalg.norm(u)
        following = product(u) + shift * u
        size, u = u @ following, following
    return size


def largest(product, n):
    m = dominant(product, n)
    return m if m > 0 else dominant(product, n, -m) + m


def by_the_table(product, n):
    """Build H column by column: dear for a network, and right."""
    return np.linalg.eigvalsh(np.array([product(e) for e in np.eye(n)]))[-1]


def by_the_largest_shift(product, n):
    """Shift by the size of the largest in size, whatever its sign."""
    c = abs(dominant(product, n))
    return dominant(product, n, c) - c


def for_ever(product, n):
    u = np.ones(n)
    while True:
        u = product(u)
        u /= np.linalg.norm(u)


def without_shift(product, n):
    return dominant(product, n)


RIGHT_FUNCTIONS = {
    ex.check_standardize: [standardize, standardize_by_column],
    ex.check_line_search: [rate, rate_by_sums, lambda H, g: sp.Float(rate(H, g), 17)],
    ex.check_growth: [growth, lambda H, g: -(g @ (H + H.T) @ g)],
    ex.check_largest: [largest, by_the_table, by_the_largest_shift],
}
COMMON = [
    (lambda a, b: None, "return missing"), (lambda a: 3, "2 arguments"), (3, "without calling it"),
    (lambda a, b: {}["x"], "KeyError"),
]  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_standardize: [
        *COMMON,
        (lambda train, x: standardize(x, x), "own mean"),
        (lambda train, x: (x - train.mean(0)) / train.var(0), "variance"),
        (lambda train, x: x / train.std(0), "not subtracted"),
        (lambda train, x: x / train.std(0) - train.mean(0), "Subtract first"),
        (lambda train, x: x - train.mean(0), "not divided"),
        (lambda train, x: (x - x.mean(1)[:, None]) / x.std(1)[:, None], "rows"),
        (lambda train, x: (x - train.mean()) / train.std(), "All columns"),
        (lambda train, x: (x - train.mean(0)) / train.std(0, ddof=1), "N - 1"),
        (lambda train, x: (x - train.mean(0)) * train.std(0), "Multiplied"),
        (lambda train, x: standardize(train, train), "training set, scaled"),
        (lambda train, x: np.nan_to_num(careless(train, x)), "never changes"),
        (lambda train, x: (x - train.mean(0)) / (train.std(0) + 1e-8), "never changes|not right"),
        (lambda train, x: (x - train.mean(0)) / (train.std(0) + 1e-12), "never changes"),
        (careless, "division by zero"),
        (lambda train, x: standardize(train, x).T, "transpose"),
        (lambda train, x: (x - train.mean(0)) / np.maximum(train.std(0), 1), "not divided"),
        (lambda train, x: (x - x.mean(0)) / np.where(train.std(0) > 0, train.std(0), 1),
         "mean is that of x"),
        (lambda train, x: np.where(train.std(0) > 0, standardize(train, x), 0), "became zero"),
    ],
    ex.check_line_search: [
        *COMMON,
        (lambda H, g: (g @ H @ g) / (g @ g), "reciprocal"),
        (lambda H, g: 2 * rate(H, g), "half as far"),
        (lambda H, g: rate(H, g) / 2, "½ goes"),
        (lambda H, g: 2 / np.linalg.eigvalsh(H)[[0, -1]].sum(), "best fixed rate"),
        (lambda H, g: 1 / np.linalg.eigvalsh(H)[-1], "steepest direction"),
        (lambda H, g: 2 / np.linalg.eigvalsh(H)[-1], "limit"),
        (lambda H, g: -rate(H, g), "positive"),
        (lambda H, g: 1 / (g @ H @ g), "length of g is missing"),
        (lambda H, g: np.linalg.norm(g) / (g @ H @ g), "length squared"),
        (lambda H, g: (g @ H @ g) / (g @ H @ H @ g), "next gradient shortest"),
        (lambda H, g: rate(H, g) * g, "shape"),
        (lambda H, g: 0.1, "slope zero"),
    ],
    ex.check_growth: [
        *COMMON,
        (lambda H, g: -(g @ H @ g), "factor 2"),
        (lambda H, g: 2 * g @ H @ g, "step is -ηg"),
        (lambda H, g: g @ H @ g, "sign and a factor"),
        (lambda H, g: -2 * g @ g, "twice the rate"),
        (lambda H, g: -g @ g, "rate at which the loss falls"),
        (lambda H, g: -(g @ H @ g) / np.linalg.norm(g), "rate of the length"),
        (lambda H, g: -2 * (g @ H @ g) / (g @ g), "relative"),
        (lambda H, g: -2 * g @ H, "a number is asked for"),
        (lambda H, g: -2 * g @ H @ H @ g, "One H too many"),
        (lambda H, g: -2 * np.trace(H), "direction of g"),
        (lambda H, g: 0.0, "Square its length"),
    ],
    ex.check_largest: [
        *COMMON,
        (without_shift, "largest in size"),
        (lambda p, n: dominant(p, n, 20.0) - 20, "large enough"),
        (lambda p, n: dominant(p, n, 100.0) - 100, "large enough"),
        (lambda p, n: abs(dominant(p, n)), "size of the largest"),
        (lambda p, n: largest(lambda u: -p(u), n), "not right"),
        (lambda p, n: -largest(lambda u: -p(u), n), "Shift the other way|smallest"),
        (lambda p, n: (lambda m: m if m > 0 else dominant(p, n, -m))(dominant(p, n)), "shift away"),
        (lambda p, n: dominant(p, n, abs(dominant(p, n))), "shift away"),
        (lambda p, n: sum(p(e)[k] for k, e in enumerate(np.eye(n))), "sum of the eigenvalues"),
        (lambda p, n: max(p(e)[k] for k, e in enumerate(np.eye(n))), "diagonal"),
        (lambda p, n: np.linalg.norm([p(e) for e in np.eye(n)]), "whole matrix"),
        (lambda p, n: 1.0, "not right"),
        (lambda p, n: p(np.ones(n)), "shape"),
        (for_ever, "does the loop end"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_as_often(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT_FUNCTIONS[check]) >= 2


def test_changing_the_data_in_place_is_noticed():
    def in_place(x_train, x):
        x -= x_train.mean(axis=0)
        return standardize(x_train - x_train.mean(axis=0), x)

    assert "in place" in ex.check_standardize(in_place).message


def test_the_growth_is_the_derivative():
    for H, g in ex._quadratics():
        assert growth_by_difference(H, g) == pytest.approx(growth(H, g), rel=1e-6)


def test_the_best_step_is_the_lowest():
    for H, g in ex._quadratics():
        steps = rate(H, g) * np.linspace(0.5, 1.5, 101)
        losses = [-eta * g @ g + eta**2 * g @ H @ g / 2 for eta in steps]
        assert np.argmin(losses) == 50


def test_turned_matrices_have_their_eigenvalues():
    H = ex.turned((-9.0, 4.0, 1.0), 0)
    np.testing.assert_allclose(np.linalg.eigvalsh(H), [-9, 1, 4])
    np.testing.assert_allclose(H, H.T, atol=1e-12)
