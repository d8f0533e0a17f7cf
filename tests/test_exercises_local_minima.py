"""The checkers of "Are local minima the problem?": right answers, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong
from scipy.optimize import linear_sum_assignment

from backprop.book.exercises import local_minima as ex

ZERO, V = [-2, 2], [0, 5]
RIGHT = {
    ex.check_pair: [(ZERO, V), (np.array([-2.0, 2.0]), (0, Fraction(5))), ([-2, sp.Integer(2)], V)],
    ex.check_wait: [(10, 20), (np.ceil(math.log2(1e3)), sp.Integer(20)), (10.0, Fraction(20))],
    ex.check_copies: [
        (384, 192, 192), (math.factorial(4) * 2**4, 384 / 2, sp.Integer(192)),
        (np.int64(384), 192.0, Fraction(192)),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_pair: [
        (([2, -2], V), "smaller one comes first"), (([-1, 1], V), "target 1"),
        (([-4, 4], V), "factor ½"), (([0, 0], V), "diagonal"), (([0, 2], V), "entries of the"),
        (([2, 2], V), "sign is wrong"), (([-2, -2], V), "sign is wrong"),
        (([-3, 2], V), "mixed derivative"), ((ZERO, [5, 0]), "smaller one comes first"),
        ((ZERO, [0, 10]), "factor ½"), ((ZERO, [1, 4]), "determinant"),
        ((ZERO, [4, 1]), "determinant"),
        ((ZERO, [0, -5]), "no negative"), ((ZERO, [-2, 2]), "origin again"),
        ((ZERO, [0, 2]), "of the chapter"), ((ZERO, [2, 3]), "trace"), ((None, V), "None"),
        ((2, V), "shape"), ((ZERO,), "2 answers"),
    ],
    ex.check_wait: [
        ((9, 20), "a little below"), ((11, 20), "has left the saddle"),
        ((9.97, 20), "whole steps"),
        ((6.9, 20), "ln(1 + 1)"),
        ((math.log2(1e3), 20), "whole steps"), ((1000, 20), "same amount"),
        ((999, 20), "same amount"), ((500, 20), "same amount"), ((3, 20), "factors of ten"),
        ((4, 20), "rate is missing"), ((38, 20), "curvature"), ((7, 20), "ln(1 + 1)"),
        ((6.91, 20), "ln(1 + 1)"), ((20, 10), "other start"), ((0, 20), "grows"),
        ((12, 20), "multiplies"), ((10, 10_000), "not so much"), ((10, 1e6), "same amount"),
        ((10, 100), "what do their times do"), ((10, 10), "further steps"),
        ((10, 19), "a little below"), ((10, 21), "has left the saddle"),
        ((10, 19.9), "whole steps"),
        ((10, 11), "factor of 2"), ((10, 13), "factors of ten"), ((10, 14), "ln(1 + 1)"),
        ((10, 30), "lead from"), ((10, 13.8), "ln(1 + 1)"),
        ((None, 20), "None"), ((10,), "2 answers"),
    ],
    ex.check_copies: [
        ((24, 192, 192), "permutations alone"), ((16, 192, 192), "signs alone"),
        ((40, 192, 192), "multiply"), ((48, 192, 192), "three units"), ((32, 192, 192), "orders"),
        ((96, 192, 192), "signs"), ((256, 192, 192), "only one place"),
        ((383, 192, 192), "itself"), ((64, 192, 192), "how many orders".capitalize()),
        ((100, 192, 192), "n! orders"), ((384, 384, 192), "does nothing"),
        ((384, 48, 192), "any place"), ((384, 96, 192), "too many of the points as equal"),
        ((384, 24, 192), "three others"), ((384, 192, 384), "does nothing"),
        ((384, 192, 96), "one by one"), ((384, 192, 48), "still there"),
        ((384, 192, 128), "by three"), ((384, 192, 288), "pair first"), ((384, 192), "3 answers"),
        ((384, 192, 24), "still turn"), ((384, 192, 12), "still turn"),
        (("384", 192, 192), "expected a number"),
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


# Functions.


def new_slopes(x, delta):
    return delta @ np.column_stack([x, np.ones(len(x))])


def opened(x, delta):
    return -np.linalg.norm(new_slopes(x, delta))


def opened_by_eigenvalues(x, delta):
    c = new_slopes(x, delta)
    H = np.zeros((len(c) + 1, len(c) + 1))
    H[0, 1:] = H[1:, 0] = c
    return np.linalg.eigvalsh(H)[0]


def align(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(-abs(likeness))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def align_by_trying(A, B):
    n, best, kept = A.shape[1], -1.0, None
    for order in map(list, permutations(range(n))):
        products = (A * B[:, order]).sum(axis=0)
        if abs(products).sum() > best:
            best, kept = abs(products).sum(), B[:, order] * np.where(products < 0, -1, 1)
    return kept


def greedy(A, B):
    likeness = A.T @ B
    left, out = abs(likeness), np.empty_like(B)
    for _ in range(A.shape[1]):
        j, k = np.unravel_index(left.argmax(), left.shape)
        out[:, j] = B[:, k] * np.sign(likeness[j, k])
        left[j], left[:, k] = -1, -1
    return out


def one_by_one(A, B):
    left, columns = list(range(A.shape[1])), []
    for j in range(A.shape[1]):
        k = max(left, key=lambda k: abs(A[:, j] @ B[:, k]))
        left.remove(k)
        columns.append(B[:, k] * np.sign(A[:, j] @ B[:, k]))
    return np.stack(columns, axis=1)


def by_squares(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(-(likeness**2))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def nearest(A, B):
    likeness = A.T @ B
    order = abs(likeness).argmax(axis=1)
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def inverted(A, B):
    likeness = B.T @ A
    _, order = linear_sum_assignment(-abs(likeness))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def scattered(A, B):
    likeness, out = A.T @ B, np.empty_like(B)
    _, order = linear_sum_assignment(-abs(likeness))
    out[:, order] = B * np.sign(likeness[np.arange(len(order)), order])
    return out


def scattered_after(A, B):
    out = np.empty_like(B)
    out[:, linear_sum_assignment(-abs(A.T @ B))[1]] = B
    return out * np.sign((A * out).sum(axis=0))


def inverted_after(A, B):
    found = B[:, linear_sum_assignment(-abs(B.T @ A))[1]]
    return found * np.sign((A * found).sum(axis=0))


def lowest(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(abs(likeness))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def unsigned(A, B):
    return B[:, linear_sum_assignment(-(A.T @ B))[1]]


def without_sizes(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(-likeness)
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def lowest_without_sizes(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(likeness)
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def inverted_without_sizes(A, B):
    found = B[:, linear_sum_assignment(-(B.T @ A))[1]]
    return found * np.sign((A * found).sum(axis=0))


def turned_last(A, B):
    found = unsigned(A, B)
    return found * np.where((A * found).sum(axis=0) < 0, -1, 1)


def signs_only(A, B):
    return B * np.where((A * B).sum(axis=0) < 0, -1, 1)


def by_cosine(A, B):
    likeness = A.T @ B
    lengths = np.linalg.norm(A, axis=0)[:, None] * np.linalg.norm(B, axis=0)
    _, order = linear_sum_assignment(-abs(likeness / lengths))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def in_place(A, B):
    B[...] = align(A, B)
    return B


RIGHT_FUNCTIONS = {
    ex.check_opened: [
        opened,
        opened_by_eigenvalues,
        lambda x, d: np.array([opened(x, d)]),
        lambda x, d: [[opened(x, d)]],
    ],
    ex.check_align: [align, align_by_trying],
}
WRONG_FUNCTIONS = {
    ex.check_opened: [
        (lambda x, d: np.linalg.norm(new_slopes(x, d)), "largest eigenvalue"),
        (new_slopes, "C itself"), (lambda x, d: -new_slopes(x, d), "This is -C"),
        (lambda x, d: [opened(x, d), -opened(x, d)], "as one number"),
        (lambda x, d: -np.linalg.norm(x.T @ d), "ones to x"),
        (lambda x, d: opened(x, d) / len(x), "mean already"),
        (lambda x, d: opened(x, d) * len(x), "mean already"),
        (lambda x, d: -opened(x, d) ** 2, "square of the length"),
        (lambda x, d: -abs(new_slopes(x, d)).max(), "largest entry"),
        (lambda x, d: -abs(new_slopes(x, d)).sum(), "adds up the sizes"),
        (lambda x, d: opened(x, d) / 2, "takes half"),
        (lambda x, d: new_slopes(x, d).sum(), "adds up the entries"),
        (lambda x, d: -np.linalg.norm(d), "inputs are missing"),
        (lambda x, d: -np.linalg.norm(d[:, None] * np.column_stack([x, x[:, :0] + 1])), "right"),
        (lambda x, d: -np.sqrt(((x**2).sum(axis=1) + 1) @ d**2), "before it adds up"),
        (lambda x, d: new_slopes(x, d).min(), "smallest entry"),
        (lambda x, d: None, "return"), (lambda x: 0.0, "x, delta"),
        (lambda x, d: d @ d @ x, "ValueError"), (-3.06, "without calling it"),
    ],
    ex.check_align: [
        (lambda A, B: B, "Nothing has changed"), (lambda A, B: A, "This is A"),
        (greedy, "only partner"), (nearest, "used twice"),
        (lambda A, B: B[:, abs(A.T @ B).argmax(axis=1)], "twice, and no sign"),
        (lowest, "lowest cost"), (inverted, "belongs to column j"),
        (scattered, "belongs to column j"), (scattered_after, "belongs to column j"),
        (inverted_after, "belongs to column j"), (without_sizes, "size of its product"),
        (lowest_without_sizes, "as small as possible"), (inverted_without_sizes, "and inverts it"),
        (by_cosine, "forgets the lengths"), (turned_last, "size of its product"),
        (signs_only, "change places"),
        (unsigned, "signs"), (lambda A, B: abs(align(A, B)), "not right"),
        (lambda A, B: -align(A, B), "must be positive"),
        (lambda A, B: align(B, A), "Return the columns of B"),
        (one_by_one, "one after the other"), (by_squares, "squared products"),
        (lambda A, B: align(A, B).T, "shape"),
        (lambda A, B: align(A, B)[:, ::-1], "not right"), (in_place, "in place"),
        (lambda A, B: None, "return"), (lambda A: A, "A, B"), (None, "without calling it"),
    ],
}  # fmt: skip


@each_right({check: [(f,) for f in some] for check, some in RIGHT_FUNCTIONS.items()})
def test_right_functions(check, answer):
    assert check(*answer), check(*answer)


@each_wrong({c: [((f,), hint) for f, hint in some] for c, some in WRONG_FUNCTIONS.items()})
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, *answer)
    assert hint in second, second


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_each_function_is_tried_against_ten_mistakes(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10
