"""The checkers of "Matrix form": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import matrix_form as ex

x, W = np.array([[1, 2], [0, 3]]), np.array([[1, 0, 2], [-1, 1, 1]])
d = np.array([[2, -1, 1], [1, 0, -2]])
dW, db, dx = x.T @ d, d.sum(axis=0), d @ W.T

RIGHT = {
    ex.check_batch: [
        (dW, db, dx), (dW.tolist(), db.tolist(), dx.tolist()), (dW, db[None], dx),
        ([[2, -1, Fraction(2, 2)], [7, -2, -4]], (3, -1, -1), sp.Matrix(dx)),
    ],
    ex.check_ranks: [([1, 3, 6, 12],), ((1, 3, 6, 12),), (np.array([1.0, 3, 6, 12]),)],
    ex.check_counts: [(169600, 236800), (169600.0, sp.Integer(236800)),
                      (np.int64(169600), Fraction(236800))],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_batch: [
        ((dW.T, db, dx), "Which shape has W"), ((dW / 2, db, dx), "half"),
        ((np.outer(x[0], d[0]), db, dx), "first example alone"),
        ((np.outer(x[1], d[1]), db, dx), "second example alone"),
        ((x @ d, db, dx), "their own example"), ((-dW, db, dx), "∂L/∂W: All signs"),
        ((dx, db, dW), "∂L/∂W comes first"), ((dW + 1, db, dx), "∂L/∂W: The entry"),
        ((dW, d, dx), "both examples"), ((dW, db / 2, dx), "∂L/∂b: Everything is half"),
        ((dW, d.sum(axis=1), dx), "adds over the units"), ((dW, -db, dx), "∂L/∂b: All signs"),
        ((dW, [3, -1, 1], dx), "∂L/∂b: The third entry"), ((dW, db, dx.T), "Which shape has x"),
        ((dW, db, dx / 2), "∂L/∂x: Everything is half"), ((dW, db, -dx), "∂L/∂x: All signs"),
        ((dW, db, dx.sum(axis=0)), "examples are added"), ((dW, db, dW), "That is ∂L/∂W."),
        ((dW, d.sum(), dx), "adds over everything"), ((dW, d[0], dx), "first example alone"),
        ((dW, d[1], dx), "second example alone"), ((dW, [1, 1, 1], dx), "error of each example"),
        ((dW, db, dx[0]), "a row of its own"), ((dW, db, dx[::-1]), "their order is not"),
        ((None, db, dx), "is None"), ((dW, "3", dx), "expected numbers"),
    ],
    ex.check_ranks: [
        (([1, 3, 6, 20],), "how many columns"), (([12] * 4,), "For small ones"),
        (([64] * 4,), "number of rows"), (([1] * 4,), "several"), (([1, 3, 6, 64],), "columns"),
        (([12, 36, 72, 240],), "columns"), (([64, 192, 384, 1280],), "number of rows"),
        (([1, 3, 6, 768],), "number of columns"), (([1, 3, 6, 10],), "how many columns"),
        (([1, 3, 6, 11],), "softmax"), (([2, 6, 12, 12],), "column times"),
        (([12, 6, 3, 1],), "their order is not"), (([0, 0, 0, 0],), "column times a row"),
        (([1, 3, 6],), "four numbers"),
        ((12,), "four numbers"), ((None,), "four numbers"), (([1, 2, 3, 4],), "column times"),
    ],
    ex.check_counts: [
        ((3392, 236800), "Forward: That is for one"), ((173300, 236800), "biases need no"),
        ((102400, 236800), "first layer alone"), ((6900, 236800), "product for each"),
        ((406400, 236800), "together"), ((169600, 339200), "One product too many"),
        ((169600, 169600), "∂L/∂W alone"), ((169600, 67200), "handed back alone"),
        ((169600, 4736), "for one example"), ((169600, 406400), "together"),
        ((169600, 240500), "no multiplications"), ((169600, 323200), "wrong layer"),
        ((169600, 220800), "last layer hands back nothing"),
        ((236800, 169600), "forward pass comes first"), ((339200, 473600), "additions"),
        ((169600, 473600), "additions"), ((169600, 508800), "one product too many"),
        ((169600, 134400), "left out altogether"), ((170000, 236800), "B · n_in"),
        ((153600, 236800), "last layer is left out"), ((655360, 236800), "whole network"),
        ((32768000, 236800), "whole network"),
        ((169600, 236801), "B · n_in"), ((None, 1), "is None"),
        ((169600, "236800"), "expected a number"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


# Functions.


def error_back(delta, W, slope):
    return (delta @ W.T) * slope


def softmax_back(p, g):
    return p * (g - (p * g).sum(axis=1, keepdims=True))


def weighted(z, y, c):
    return c[:, None] * (z - y) / c.sum()


def norms(x, delta):
    return np.linalg.norm(x, axis=1) * np.linalg.norm(delta, axis=1)


def jacobian(x, n_out):
    return np.kron(x.T, np.eye(n_out))


def changing(p, g):
    g -= (p * g).sum(axis=1, keepdims=True)
    return p * g


RIGHT_FUNCTIONS = {
    ex.check_error_back: [error_back, lambda d, W, s: np.einsum("ik,jk,ij->ij", d, W, s)],
    ex.check_softmax_back: [
        softmax_back,
        lambda p, g: g * p - p * np.einsum("ik,ik->i", g, p)[:, None],
    ],
    ex.check_weighted: [weighted, lambda z, y, c: np.diag(c / c.sum()) @ (z - y)],
    ex.check_example_norms: [norms, lambda x, d: np.sqrt((x**2).sum(1) * (d**2).sum(1)),
                             lambda x, d: [float(n) for n in norms(x, d)]],
    ex.check_jacobian: [
        jacobian,
        lambda x, n: np.einsum("ij,kl->jkil", x, np.eye(n)).reshape(x.shape[1] * n, -1),
    ],
}  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_error_back: [
        (lambda d, W, s: d @ W.T, "own slope"), (lambda d, W, s: (d @ W) * s, "transpose is miss"),
        (lambda d, W, s: d @ W, "transpose is missing"),
        (lambda d, W, s: (W @ d.T) * s, "delta is the left factor"),
        (lambda d, W, s: (W.T @ d.T) * s, "delta is the left factor"),
        (lambda d, W, s: (d * s) @ W.T, "after the product"),
        (lambda d, W, s: -error_back(d, W, s), "sign"), (lambda d, W, s: d @ W.T + s, "not added"),
        (lambda d, W, s: error_back(d, W, s).T, "column per example"),
        (lambda d, W, s: error_back(d, W, s) / len(d), "batch size"),
        (lambda d, W, s: error_back(d, W, s).sum(axis=0), "never added"),
        (lambda d, W, s: (d @ (W if W.shape[0] == W.shape[1] else W.T)) * s, "transpose is miss"),
        (lambda d, W, s: 2 * error_back(d, W, s), "same factor"),
        (lambda d, W, s: None, "is None"), (lambda d, W: d, "must take the arguments (delta"),
        (lambda d, W, s: np.zeros((7, 9)), "(7, 9)"), (3, "without calling it"),
        (lambda d, W, s: 1 / 0, "ZeroDivisionError"),
    ],
    ex.check_softmax_back: [
        (lambda p, g: p * (1 - p) * g, "diagonal"), (lambda p, g: p * g, "every z of its row"),
        (lambda p, g: g - (p * g).sum(axis=1, keepdims=True), "One factor"),
        (lambda p, g: g * (1 - p), "One factor is missing"), (lambda p, g: g, "not right"),
        (lambda p, g: -p * (p * g).sum(axis=1, keepdims=True), "itself rises"),
        (lambda p, g: p * (g - (p * g).mean(axis=1, keepdims=True)), "not averaged"),
        (lambda p, g: p * (g - g.mean(axis=1, keepdims=True)), "same weight"),
        (lambda p, g: p * (p * g - (p * g).sum(axis=1, keepdims=True)), "itself rises"),
        (lambda p, g: softmax_back(np.exp(p) / np.exp(p).sum(1, keepdims=True), g), "twice"),
        (lambda p, g: (p - g) / len(p), "no target"),
        (lambda p, g: softmax_back(p, g) / len(p), "batch size"),
        (lambda p, g: p - g, "no target"), (lambda p, g: -softmax_back(p, g), "sign"),
        (lambda p, g: p * (g - g.sum(axis=1, keepdims=True)), "lacks its weights"),
        (lambda p, g: p * (g + (p * g).sum(axis=1, keepdims=True)), "One sign"),
        (lambda p, g: p * (g - (p * g).sum()), "mixes the examples"),
        (lambda p, g: p * (g - (p * g).sum(axis=1)), "keepdims"),
        (lambda p, g: p * (g - (p * g).sum(axis=0)), "over the examples"),
        (lambda p, g: softmax_back(p, g) + 1e-3, "not right"), (changing, "changed its argument"),
        (lambda p: p, "must take the arguments (p, g)"), (lambda p, g: None, "is None"),
    ],
    ex.check_weighted: [
        (lambda z, y, c: c[:, None] * (z - y), "division is missing"),
        (lambda z, y, c: c[:, None] * (z - y) / len(z), "sum of the weights"),
        (lambda z, y, c: weighted(z, y, c) / len(z), "one division too many"),
        (lambda z, y, c: weighted(z, y, c) / 2, "Half"),
        (lambda z, y, c: (c[:, None] * (z - y) ** 2).sum() / 2 / c.sum(), "That is the loss"),
        (lambda z, y, c: c[:, None] * (z - y) / c.mean(), "not by their mean"),
        (lambda z, y, c: z - y, "so is the division"),
        (lambda z, y, c: (z - y) / len(z), "weights are missing"),
        (lambda z, y, c: (z - y) / c.sum(), "above the line"),
        (lambda z, y, c: -weighted(z, y, c), "sign"), (lambda z, y, c: 2 * weighted(z, y, c), "½"),
        (lambda z, y, c: c * (z - y) / c.sum(), "went to the units"),
        (lambda z, y, c: weighted(z, y, c).sum(axis=0), "examples are added"),
        (lambda z, y, c: weighted(z, y, c**2), "not right"), (lambda z, y, c: None, "is None"),
        (lambda z, y: z, "must take"), (3, "without calling it"),
    ],
    ex.check_example_norms: [
        (lambda x, d: norms(x, d) ** 2, "Take the root"),
        (lambda x, d: np.linalg.norm(x.T @ d), "norm of the sum"),
        (lambda x, d: np.linalg.norm(d, axis=1), "x_i scales"),
        (lambda x, d: np.linalg.norm(x, axis=1), "δ_i scales"),
        (lambda x, d: np.linalg.norm(x, axis=1) + np.linalg.norm(d, axis=1), "added"),
        (lambda x, d: [np.linalg.norm(np.outer(*r)) for r in zip(x, d, strict=True)], "builds"),
        (lambda x, d: np.sqrt((np.einsum("ij,ik->ijk", x, d) ** 2).sum((1, 2))), "builds"),
        (lambda x, d: (x**2).sum(1) + (d**2).sum(1), "squares are added"),
        (lambda x, d: np.sqrt((x**2).sum(1) + (d**2).sum(1)), "joins the two rows"),
        (lambda x, d: np.sqrt(norms(x, d)), "One root too many"),
        (lambda x, d: abs(x.sum(1) * d.sum(1)), "no squares"),
        (lambda x, d: abs(x).sum(1) * abs(d).sum(1), "no squares"),
        (lambda x, d: np.linalg.norm(x) * np.linalg.norm(d), "axis=1"),
        (lambda x, d: norms(x, d)[:, None], "shape is (batch,)"),
        (lambda x, d: norms(x, d).sum(), "norms are added"),
        (lambda x, d: norms(x, d) / len(x), "batch size"),
        (lambda x, d: norms(x, d) + 1e-3, "two sums"), (lambda x, d: x.T @ d, "shape"),
        (lambda x, d: None, "is None"), (lambda x: x, "must take"), (3, "without calling it"),
    ],
    ex.check_jacobian: [
        (lambda x, n: np.kron(x, np.eye(n)), "It is transposed"),
        (lambda x, n: np.kron(np.eye(n), x.T), "column by column"),
        (lambda x, n: np.kron(np.eye(n), x), "and transposed"),
        (lambda x, n: np.kron(x.T, np.ones((n, n))), "column k of W alone"),
        (lambda x, n: np.einsum("ij,kl->jkil", x, np.eye(n)), "four axes"),
        (lambda x, n: x.T, "one block"), (lambda x, n: -jacobian(x, n), "sign"),
        (lambda x, n: 2 * jacobian(x, n), "is not right"),
        (lambda x, n: jacobian(x, n) / len(x), "no mean"),
        (lambda x, n: 0 * jacobian(x, n), "(j, k)"),
        (lambda x, n: None, "is None"), (lambda x: x, "must take"), (3, "without calling it"),
        (lambda x, n: np.eye(n), "shape"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2
