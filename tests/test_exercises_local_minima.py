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

MORE = math.log(100) / math.log(1.1)
ZERO, V = [-2, 2], [0, 5]
RIGHT = {
    ex.check_pair: [(ZERO, V), (np.array([-2.0, 2.0]), (0, Fraction(5))), ([-2, sp.Integer(2)], V)],
    ex.check_wait: [(121, 48.3), (np.ceil(math.log(1e5) / math.log(1.1)), MORE), (121.0, 48.32)],
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
        ((120, 48.3), "a little below"), ((120.8, 48.3), "whole number"),
        ((145, 48.3), "distance 1"), ((116, 48.3), "ln(1 + 0.1)"), ((64, 48.3), "curvature"),
        ((29, 48.3), "rate is missing"), ((53, 48.3), "same logarithm"), ((110, 48.3), "shrink"),
        ((100, 48.3), "multiplies the distance"), ((121, 24.2), "factor of ten"),
        ((121, 49), "not rounded"), ((121, 48), "not rounded"), ((121, 169), "the whole time"),
        ((121, 46.1), "ln(1 + 0.1)"), ((121, 21), "same logarithm"), ((121, 100), "logarithm"),
        ((121, 50), "longer one"), ((None, 48.3), "None"), ((121,), "2 answers"),
    ],
    ex.check_copies: [
        ((24, 192, 192), "permutations alone"), ((16, 192, 192), "signs alone"),
        ((40, 192, 192), "multiply"), ((48, 192, 192), "three units"), ((32, 192, 192), "orders"),
        ((96, 192, 192), "signs"), ((256, 192, 192), "only one place"),
        ((383, 192, 192), "itself"), ((64, 192, 192), "how many orders".capitalize()),
        ((100, 192, 192), "n! orders"), ((384, 384, 192), "does nothing"),
        ((384, 48, 192), "any place"), ((384, 96, 192), "once too often"),
        ((384, 24, 192), "three others"), ((384, 192, 384), "does nothing"),
        ((384, 192, 96), "one by one"), ((384, 192, 48), "still there"),
        ((384, 192, 128), "halves"), ((384, 192, 288), "pair first"), ((384, 192), "3 answers"),
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


def block(x, delta):
    return np.column_stack([x, np.ones(len(x))]).T @ delta


def opened(x, delta, decay):
    return decay - np.linalg.norm(block(x, delta), 2)


def opened_by_eigenvalues(x, delta, decay):
    C = block(x, delta)
    n = sum(C.shape)
    H = decay * np.eye(n)
    H[: len(C), len(C) :], H[len(C) :, : len(C)] = C, C.T
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


def nearest(A, B):
    likeness = A.T @ B
    order = abs(likeness).argmax(axis=1)
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def lowest(A, B):
    likeness = A.T @ B
    _, order = linear_sum_assignment(abs(likeness))
    return B[:, order] * np.sign(likeness[np.arange(len(order)), order])


def unsigned(A, B):
    return B[:, linear_sum_assignment(-(A.T @ B))[1]]


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
    ex.check_opened: [opened, opened_by_eigenvalues],
    ex.check_align: [align, align_by_trying],
}
WRONG_FUNCTIONS = {
    ex.check_opened: [
        (lambda x, d, a: -np.linalg.norm(block(x, d), 2), "block's diagonal"),
        (lambda x, d, a: a - np.linalg.svd(block(x, d))[1], "one number"),
        (lambda x, d, a: a - np.linalg.norm(block(x, d).sum(axis=1)), "The block"),
        (lambda x, d, a: a + np.linalg.norm(block(x, d), 2), "largest eigenvalue"),
        (lambda x, d, a: np.linalg.norm(block(x, d), 2) - a, "sign is wrong"),
        (lambda x, d, a: np.linalg.norm(block(x, d), 2), "The block"),
        (lambda x, d, a: a - np.linalg.norm(x.T @ d, 2), "ones to x"),
        (lambda x, d, a: a - np.linalg.norm(block(x, d), 2) / len(x), "mean already"),
        (lambda x, d, a: a - np.linalg.norm(block(x, d), 2) ** 2, "squares"),
        (lambda x, d, a: a - np.linalg.norm(block(x, d)), "Frobenius"),
        (lambda x, d, a: a - np.linalg.svd(block(x, d))[1][-1], "smallest"),
        (lambda x, d, a: a - abs(block(x, d)).max(), "largest entry"),
        (lambda x, d, a: a - len(x) * np.linalg.norm(block(x, d), 2), "mean already"),
        (lambda x, d, a: min(0, a - np.linalg.norm(block(x, d), 2)), "cut off at 0"),
        (lambda x, d, a: None, "return"), (lambda x, d: 0.0, "x, delta, decay"),
        (lambda x, d, a: x @ d, "ValueError"), (0.5, "without calling it"),
    ],
    ex.check_align: [
        (lambda A, B: B, "Nothing has changed"), (lambda A, B: A, "This is A"),
        (greedy, "only partner"), (nearest, "used twice"), (lowest, "lowest cost"),
        (by_cosine, "forgets the lengths"), (turned_last, "size of its product"),
        (signs_only, "not right"),
        (unsigned, "signs"), (lambda A, B: abs(align(A, B)), "not right"),
        (lambda A, B: -align(A, B), "must be positive"),
        (lambda A, B: align(B, A), "Return the columns of B"),
        (one_by_one, "all orders"), (lambda A, B: align(A, B).T, "shape"),
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
