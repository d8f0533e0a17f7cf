"""The checkers of "Recurrent networks": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop import RNN
from backprop.book.exercises import recurrent as ex

STRETCH = float(np.linalg.norm([[0.5, 4.0], [0.0, 0.5]], 2))
FROBENIUS = float(np.linalg.norm([[0.5, 4.0], [0.0, 0.5]]))
REST = 0.8585596366401104  # tanh(1.5 h) = h, by bisection
FACTOR = 1.5 * (1 - REST**2)
RIGHT = {
    ex.check_hand: [(8, 12), (sp.Integer(8), 12.0), (np.float64(8), Fraction(12))],
    ex.check_stretch: [(0.5, STRETCH, 6), (Fraction(1, 2), 4.06, 6.0), (0.5, 4.062, 6)],
    ex.check_rest: [(REST, FACTOR), (0.859, 0.394), (np.float64(0.8586), 0.3943)],
}
WRONG_ANSWERS = {
    ex.check_hand: [
        ((-1, 12), "last step"), ((9, 12), "first step"), ((-8, 12), "sign"),
        ((0, 12), "passed u twice"), ((2, 12), "passed u once"), ((10, 12), "negative"),
        ((3, 12), "each step back"), ((16, 12), "spoil both"), ((12, 12), "∂L/∂u"),
        ((128, 12), "spoil both"), ((1, 12), "error at the end"), ((7, 12), "spoil both"),
        ((0, 0), "three states again"), ((0, 8), "multiplied by u"), ((3, 10), "not by w"),
        ((16, 24), "square brings a 2"), ((128, 192), "target"), ((12, 8), "exchanged"),
        ((-8, -12), "signs"), ((Fraction(16), np.float64(24)), "square brings a 2"),
        ((8, 6), "terms is missing"), ((8, 52), "same step"), ((8, 40), "same step"),
        ((8, -12), "sign"), ((8, 8), "multiplied by u"), ((8, 24), "another step"),
        ((8, 10), "not by w"), ((8, 18), "another step"), ((8, 192), "h₁ at"), ((8, 0), "h₁ at"),
        ((8, None), "None"), (("8", 12), "expected a number"), ((8,), "2 answers"),
    ],
    ex.check_stretch: [
        ((4, STRETCH, 6), "largest entry"), ((STRETCH, STRETCH, 6), "singular value"),
        ((1, STRETCH, 6), "trace"), ((0.25, STRETCH, 6), "determinant"),
        ((4.5, STRETCH, 6), "sum of a row"), ((0, STRETCH, 6), "no eigenvalue"),
        ((0.7, STRETCH, 6), "triangular"),
        ((0.5, 0.5, 6), "spectral radius"), ((0.5, 4, 6), "largest entry"),
        ((0.5, STRETCH**2, 6), "square"), ((0.5, 0.0616, 6), "smallest"),
        ((0.5, math.sqrt(16.25), 6), "stretched"), ((0.5, 4.1, 6), "three significant"),
        ((0.5, 3, 6), "U Uᵀ"), ((0.5, STRETCH, 5), "still above"), ((0.5, STRETCH, 7), "before"),
        ((0.5, STRETCH, 1), "through Uᵀ"), ((0.5, STRETCH, 2), "too early"),
        ((0.5, math.inf, 6), "inf"), ((0.5, STRETCH, math.inf), "fades in the end"),
        ((0.5, FROBENIUS, 6), "both singular values"), ((0.5, 4.06202, 6), "sum of all squares"),
        ((0.5, STRETCH, 0), "start"),
        ((0.5, STRETCH, 40), "again and again"), ((0.5, STRETCH, None), "None"),
    ],
    ex.check_rest: [
        ((0, FACTOR), "positive state"), ((-REST, FACTOR), "positive state"),
        ((0.6586, FACTOR), "u = 1.2"), ((math.tanh(1.5), FACTOR), "one step only"),
        ((math.tanh(1.5 * math.tanh(1.5)), FACTOR), "two steps"), ((1, FACTOR), "reaches 1"),
        ((1.5 * REST, FACTOR), "This is z"), ((0.86, FACTOR), "three significant"),
        ((0.5, FACTOR), "nothing changes"), ((None, FACTOR), "None"),
        ((REST, 1 - REST**2), "slope of tanh alone"), ((REST, 1.5), "u alone"),
        ((REST, 1.5 * REST), "not the slope"), ((REST, 1.5 * (1 - REST)), "not 1 - h"),
        ((REST, 1.5 / math.cosh(REST) ** 2), "already"), ((REST, 1.5 * REST**2), "u h²"),
        ((REST, 0.6795), "u = 1.2"), ((REST, 1.2 * (1 - REST**2)), "1.5 here"),
        ((REST, 0.39), "three significant"), ((REST, 2), "at rest"), ((REST, "0.4"), "a number"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


# Functions.


def backward(h, U, shares):
    total, error = np.zeros_like(U), np.zeros(len(U))
    for t in reversed(range(len(shares))):
        delta = (error + shares[t]) * (1 - h[t + 1] ** 2)
        total += np.outer(h[t], delta)
        error = delta @ U.T
    return total


def backward_by_table(h, U, shares):
    """All δ first, from a list, and one product at the end."""
    slopes, deltas, error = 1 - h[1:] ** 2, [], 0
    for share, slope in zip(shares[::-1], slopes[::-1], strict=True):
        deltas.append((share + error) * slope)
        error = U @ deltas[-1]
    return h[:-1].T @ np.array(deltas[::-1])


def truncated(h, U, shares, k):
    total, error = np.zeros_like(U), np.zeros(len(U))
    for t in reversed(range(len(shares))):
        delta = (error + shares[t]) * (1 - h[t + 1] ** 2)
        total += np.outer(h[t], delta)
        error = delta @ U.T if t % k else np.zeros(len(U))
    return total


def truncated_in_chunks(h, U, shares, k):
    parts = range(0, len(shares), k)
    return sum(backward(h[t : t + k + 1], U, shares[t : t + k]) for t in parts)


def last_chunk(h, U, shares, k):
    begin = (len(shares) - 1) // k * k
    return backward(h[begin:], U, shares[begin:])


def sliding(h, U, shares, k):
    """Each share alone, over the k steps that end with its own."""
    total = np.zeros_like(U)
    for t in range(len(shares)):
        first = max(t + 1 - k, 0)
        alone = np.zeros_like(shares[first : t + 1])
        alone[-1] = shares[t]
        total += backward(h[first : t + 2], U, alone)
    return total


def from_zero(h, U, shares, k):
    total = np.zeros_like(U)
    for t in range(0, len(shares), k):
        part = h[t : t + k + 1].copy()
        part[0] = 0 if t else part[0]
        total += backward(part, U, shares[t : t + k])
    return total


def all_from_zero(h, U, shares, k):
    return from_zero(np.vstack([0 * h[:1], h[1:]]), U, shares, k)


def passed(h, U, error):
    by_slopes = by_U = 1
    for state in h[:1:-1]:
        delta = error * (1 - state**2)
        by_slopes *= np.linalg.norm(delta) / np.linalg.norm(error)
        error = delta @ U.T
        by_U *= np.linalg.norm(error) / np.linalg.norm(delta)
    return by_slopes, by_U


def passed_at_once(h, U, error):
    """The errors first, as a list, and a quotient of all lengths at the end; as one array."""
    errors, deltas = [error], []
    for state in reversed(h[2:]):
        deltas.append((1 - state * state) * errors[-1])
        errors.append(U @ deltas[-1])
    lengths = [[np.sqrt(row @ row) for row in rows] for rows in (errors[:-1], deltas, errors[1:])]
    before, between, after = map(np.prod, lengths)
    return np.array([between / before, after / between])


def passed_mistaken(name):
    return lambda h, U, error: ex.passed(h, U, error, name)


def mistaken(name):
    return lambda h, U, shares: ex.gradient_U(h, U, shares, mistake=name)


def cut_mistaken(name):
    return lambda h, U, shares, k: ex.gradient_U(h, U, shares, k, name)


RIGHT_FUNCTIONS = {
    ex.check_backward: [backward, backward_by_table],
    ex.check_truncated: [truncated, truncated_in_chunks],
    ex.check_passed: [passed, passed_at_once],
}
WRONG_FUNCTIONS = {
    ex.check_backward: [
        (lambda h, U, s: None, "return missing"), (lambda h: 3, "3 arguments"),
        (lambda h, U, s: backward(h, U, s).T, "transposed|transpose"),
        (lambda h, U, s: backward(h, U, s) / len(s), "mean"),
        (lambda h, U, s: -backward(h, U, s), "sign"),
        (lambda h, U, s: h.T @ h, "not right"),
        (lambda h, U, s: backward(h, U, np.roll(s, 1, axis=0)), "other steps"),
        (lambda h, U, s: backward(h, U, np.roll(s, -1, axis=0)), "other steps"),
        *((mistaken(name), said[0]) for name, said in ex.WRONG.items()),
    ],
    ex.check_truncated: [
        (lambda h, U, s, k: None, "return missing"), (backward, "4 arguments"),
        (lambda h, U, s, k: backward(h, U, s), "never stops"),
        (lambda h, U, s, k: truncated(h, U, s, 1), "always stops"),
        (cut_mistaken("late stop"), "too early"), (cut_mistaken("from the end"), "from the end"),
        (cut_mistaken("once"), "last k steps|Only the last"),
        (lambda h, U, s, k: truncated(h, U, s, k + 1), "k + 1"),
        (lambda h, U, s, k: truncated(h, U, s, max(k - 1, 1)), "k - 1"),
        (sliding, "back through k steps"), (from_zero, "set to 0"), (all_from_zero, "set to 0"),
        (lambda h, U, s, k: backward(h[: k + 1], U, s[:k]), "first chunk"),
        (last_chunk, "last chunk"),
        (lambda h, U, s, k: backward(h[-k - 1 :], U, s[-k:]), "last k steps"),
        (lambda h, U, s, k: truncated(h, U, s, k) / math.ceil(len(s) / k), "over the chunks"),
        (cut_mistaken("reversed"), "should go on"),
        *((cut_mistaken(name), said[0]) for name, said in ex.WRONG.items()
          if name not in ("no future", "no U", "no shares")),
    ],
    ex.check_passed: [
        (lambda h, U, e: None, "return missing"), (lambda h, U: 3, "3 arguments"),
        (lambda h, U, e: np.prod(passed(h, U, e)), "all that is left"),
        (lambda h, U, e: passed(h, U, e)[::-1], "exchanged"),
        (lambda h, U, e: (1.0, 1.0), "T - 1 times"),
        (lambda h, U, e: passed(h, U.T, e), "multiplied by U"),
        (lambda h, U, e: passed(h[:-1], U, e), "T - 1 times|too soon"),
        (lambda h, U, e: passed(h[1:], U, e), "too soon"),
        (lambda h, U, e: [v ** (1 / (len(h) - 2)) for v in passed(h, U, e)], "one step"),
        *((passed_mistaken(name), said[0]) for name, said in ex.ON_THE_WAY.items()),
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


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2


def test_the_two_factors_make_up_what_is_left_of_the_error():
    rng = np.random.default_rng(0)
    h, U = np.tanh(rng.normal(size=(6, 3))), rng.normal(size=(3, 3))
    shares = np.zeros((5, 3))
    shares[-1] = rng.normal(size=3)
    layer = RNN(3, 3, rng=rng, return_sequence=False)
    layer.parameters["W"][...], layer.parameters["U"][...] = np.eye(3), U
    x = np.arctanh(h[1:]) - h[:-1] @ U  # so that the states are those of h
    layer.forward(x[None, 1:], h0=h[None, 1])
    layer.backward_parameters(shares[None, -1])
    left = np.linalg.norm(layer.dh0) / np.linalg.norm(shares[-1])
    assert np.prod(ex.passed(h, U, shares[-1])) == pytest.approx(left, rel=1e-9)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_the_reference_is_the_layer(k):
    rng = np.random.default_rng(k)
    layer = RNN(2, 3, rng=rng, truncate=k or None)
    x, shares = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    h = np.vstack([np.zeros((1, 3)), layer.forward(x[None])[0]])
    layer.backward_parameters(shares[None])
    found = ex.gradient_U(h, layer.parameters["U"], shares, k)
    np.testing.assert_allclose(found, layer.gradients["U"], rtol=1e-12)


def test_the_expected_numbers_are_right():
    w, u = sp.symbols("w u")
    end = w * -1 + u * (u * w)
    loss = (end - 15) ** 2 / 2
    assert [sp.diff(loss, v).subs({w: 2, u: 3}) for v in (w, u)] == [8, 12]
