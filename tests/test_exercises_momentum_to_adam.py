"""The checkers of "From momentum to Adam": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import momentum_to_adam as ex
from backprop.book.figures.optimizing import best_factor, follow
from backprop.optimizers import Adam, Momentum, Nesterov

DRIFT = 0.06809496019936717
RIGHT = {
    ex.check_three: [(4, 0, -2), (4.0, 0.0, -2.0), (Fraction(4), sp.Integer(0), np.float64(-2))],
    ex.check_best: [
        (0.36, 0.16, 0.6), (Fraction(9, 25), sp.Rational(4, 25), 3 / 5),
        (0.6**2, 1.36 * 2 / 17, math.sqrt(0.36)),
    ],
    ex.check_first: [(0.1, 0.05, 0.5), (Fraction(1, 10), sp.Rational(1, 20), Fraction(1, 2))],
    ex.check_drift: [(0.0681,), (0.068,), (DRIFT,), (np.float64(0.06809),)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_three: [
        ((6, 0, -2), "enters v whole"), ((12, 0, -2), "uphill"), ((2, 0, -2), "looks ahead"),
        ((0, 0, -2), "twice"), ((8, 0, -2), "already moves"), ((4, 2, -2), "forgotten"),
        ((4, -2, -2), "three steps"), ((4, 1, -2), "missing"), ((4, 4, -2), "backwards"),
        ((4, -4, -2), "not halved, and g is"), ((4, 0, 0), "velocity is not"),
        ((4, 0, 1), "forgotten"), ((4, 0, -4), "not halved"), ((4, 0, 2), "other way"),
        ((4, 0, -1), "halved twice"), ((4, 0, None), "None"), ((4, 0), "3 answers"),
    ],
    ex.check_best: [
        ((0.6, 0.16, 0.6), "Square it"), ((0.779, 0.16, 0.6), "√κ belongs"),
        ((15 / 17, 0.16, 0.6), "plain gradient"), ((0.9, 0.16, 0.6), "default"),
        ((0.64, 0.16, 0.6), "1 - β"), ((25 / 9, 0.16, 0.6), "upside down"),
        ((0.5, 0.16, 0.6), "(√κ - 1)"), ((0.36, 2 / 17, 0.6), "without momentum"),
        ((0.36, 0.125, 0.6), "limit without"), ((0.36, 0.17, 0.6), "limit with this β"),
        ((0.36, 1 / 16, 0.6), "plain step"), ((0.36, 0.16, 0.36), "This is β"),
        ((0.36, 0.16, 15 / 17), "without momentum"), ((0.36, 0.16, 0.4), "Which part stays"),
        ((0.36, 0.16, -0.6), "negative"), ((0.36, 0.16, "3/5"), "expected a number"),
    ],
    ex.check_first: [
        ((0.5, 0.05, 0.5), "grows with the gradient"), ((-0.1, 0.05, 0.5), "change of θ"),
        ((0.05, 0.05, 0.5), "without corrections"), ((1, 0.05, 0.5), "learning rate"),
        ((0.02, 0.05, 0.5), "Divide by its root"), ((0.1, 0.1, 0.5), "do not cancel"),
        ((0.1, 0.5, 0.5), "correction of m"), ((0.1, 0.01, 0.5), "correction of s"),
        ((0.1, 0.05, 0.01), "of s alone"), ((0.1, 0.05, 0.05), "has neither"),
        ((0.1, 0.05, 0.1), "has both"), ((0.1, 0.05, None), "None"), ((0.1, 0.05), "3 answers"),
    ],
    ex.check_drift: [
        ((-0.1,), "plain gradient descent"), ((-DRIFT,), "sign is wrong"), ((0.1,), "length η"),
        ((ex.drift(0.9, 0.1),), "exchanged"), ((ex.drift(0.999, 0.1),), "0.999"),
        ((0.681,), "learning rate"), ((0.0227,), "mean per step"), ((-0.0522,), "mean square"),
        ((-0.068,), "sign is wrong"), ((-0.07,), "sign is wrong"), ((-0.052,), "0.999"),
        ((0.07,), "one more digit"), ((0.069,), "add up"), ((0,), "add up"),
        ((None,), "None"), ((math.nan,), "not right"),
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


def test_the_expected_numbers_are_right():
    places = follow(Momentum, lambda x: 2 * x, [8, 8], 3, learning_rate=0.25, beta=0.5)
    assert places[1:, 0] == pytest.approx([4, 0, -2])
    assert best_factor(0.36, 16) == pytest.approx(0.6)
    for beta in (0.3, 0.42):
        assert best_factor(beta, 16) > 0.6
    moves = itertools.cycle([3.0, -1.0, -1.0])
    places = follow(Adam, lambda x: np.full(2, next(moves)), [0, 0], 60, learning_rate=0.1,
                    beta1=0, beta2=0.1)  # fmt: skip
    assert places[-1, 0] - places[-4, 0] == pytest.approx(DRIFT, rel=1e-6)


# Functions.


def momentum(gradients, eta, beta, new=1.0, sign=-1):
    v, changes = 0, []
    for g in gradients:
        v = beta * v + new * g
        changes.append(sign * eta * v)
    return np.array(changes)


def momentum_by_powers(gradients, eta, beta):
    n = len(gradients)
    return -eta * np.tril(beta ** np.abs(np.subtract.outer(range(n), range(n)))) @ gradients


def late(gradients, eta, beta, v=0.0):
    changes = []
    for g in gradients:
        changes.append(-eta * v)
        v = beta * v + g
    return np.array(changes)


def adam(gradients, eta, beta1, beta2, eps, *, m_too=True, s_too=True, power=0):
    m, s, changes = 0, 0, []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        s = beta2 * s + (1 - beta2) * g**2
        a = m / (1 - beta1 ** (t + power)) if m_too else m
        b = s / (1 - beta2 ** (t + power)) if s_too else s
        changes.append(-eta * a / (np.sqrt(b) + eps))
    return np.array(changes)


def adam_of_the_package(gradients, eta, beta1, beta2, eps):
    rows = iter(gradients)
    start = np.zeros(gradients.shape[1])
    places = follow(Adam, lambda x: next(rows), start, len(gradients), learning_rate=eta,
                    beta1=beta1, beta2=beta2, eps=eps)  # fmt: skip
    return np.diff(places, axis=0)


def inside(gradients, eta, beta1, beta2, eps):
    """Put ε inside the root."""
    m, s, changes = 0, 0, []
    for t, g in enumerate(gradients, start=1):
        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        changes.append(-eta * m / (1 - beta1**t) / np.sqrt(s / (1 - beta2**t) + eps))
    return np.array(changes)


def early_epsilon(gradients, eta, beta1, beta2, eps):
    """Take the two corrections into the rate, as an early form of the algorithm does."""
    m, s, changes = 0, 0, []
    for t, g in enumerate(gradients, start=1):
        m, s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        rate = eta * np.sqrt(1 - beta2**t) / (1 - beta1**t)
        changes.append(-rate * m / (np.sqrt(s) + eps))
    return np.array(changes)


def nesterov(pull, beta):
    left = 1 - pull
    return max(abs(np.roots([1, -(1 + beta) * left, beta * left])))


def nesterov_by_matrix(pull, beta):
    left = 1 - pull
    return max(abs(np.linalg.eigvals([[(1 + beta) * left, -beta * left], [1, 0]])))


def expected(losses, n):
    ordered, T = np.sort(losses), len(losses)
    above = (np.arange(T, -1, -1) / T) ** n
    return ordered @ (above[:-1] - above[1:])


def expected_by_listing(losses, n):
    return np.mean([min(draw) for draw in itertools.product(losses, repeat=n)])


FUNCTIONS = {
    ex.check_momentum: [momentum, momentum_by_powers],
    ex.check_adam: [adam, adam_of_the_package],
    ex.check_nesterov: [nesterov, nesterov_by_matrix],
    ex.check_expected: [expected, expected_by_listing],
}
WRONG_FUNCTIONS = {
    ex.check_momentum: [
        ((lambda g, e, b: momentum(g, e, b, sign=1),), "sign"),
        ((lambda g, e, b: -e * g,), "forgotten"),
        ((lambda g, e, b: momentum(g, e, b, 1 - b),), "1 - β"),
        ((lambda g, e, b: -e * np.cumsum(g, axis=0),), "not multiplied"),
        ((lambda g, e, b: late(g, e, b, np.zeros(g.shape[1])),), "before its gradient"),
        ((late,), "before its update"),
        ((lambda g, e, b: np.cumsum(momentum(g, e, b), axis=0),), "places"),
        ((lambda g, e, b: -e * g + b * momentum(g, e, b),), "looks ahead"),
        ((lambda g, e, b: momentum(g, e, b)[-1],), "last change"),
        ((lambda g, e, b: momentum(g, 1, b, sign=1),), "velocity"),
        ((lambda g, e, b: momentum(g, e, 1 - b),), "exchanged"),
        ((lambda g, e, b: momentum(g, 1, b),), "learning rate"),
        ((lambda g, e, b: None,), "return"), ((lambda g: g,), "3 arguments"), ((7,), "function"),
    ],
    ex.check_adam: [
        ((lambda *a: -adam(*a),), "sign"),
        ((lambda *a: adam(*a, m_too=False, s_too=False),), "Neither"),
        ((lambda *a: adam(*a, s_too=False),), "squares is not corrected"),
        ((lambda *a: adam(*a, m_too=False),), "gradients is not corrected"),
        ((inside,), "inside the root"),
        ((lambda g, e, b, c, d: adam(g, e, c, b, d),), "exchanged"),
        ((lambda *a: np.cumsum(adam(*a), axis=0),), "places"),
        ((lambda *a: adam(*a)[-1],), "last change"),
        ((lambda g, e, b, c, d: adam(g, 1, b, c, d),), "learning rate"),
        ((lambda *a: adam(*a, power=1),), "one too large"),
        ((lambda g, e, b, c, d: adam(g, e, b, c, 0),), "ε is missing"),
        ((early_epsilon,), "before the correction"),
        ((lambda g, e, b, c, d: adam(g, e, 0, c, d),), "RMSProp"),
        ((lambda *a: None,), "return"), ((lambda g: g,), "5 arguments"),
    ],
    ex.check_nesterov: [
        ((lambda p, b: max(abs(np.roots([1, -(1 + b - p), b]))),), "plain momentum"),
        ((lambda p, b: b**0.5,), "complex roots"),
        ((lambda p, b: abs(b * (1 - p)) ** 0.5,), "discriminant"),
        ((lambda p, b: b * (1 - p),), "product"), ((lambda p, b: abs(1 - p),), "without momentum"),
        ((lambda p, b: min(abs(np.roots([1, -(1 + b) * (1 - p), b * (1 - p)]))),), "smaller"),
        ((lambda p, b: max(abs(np.roots([1, -(1 + b) * (1 - p), b]))),), "last term"),
        ((lambda p, b: max(abs(np.roots([1, -(1 + b - p), b * (1 - p)]))),), "middle term"),
        ((lambda p, b: nesterov(p, b) ** 2,), "factor of the loss"),
        ((lambda p, b: (1 + b) * (1 - p),), "sum of the roots"),
        ((lambda p, b: max(np.roots([1, -(1 + b) * (1 - p), b * (1 - p)]).real),), "real part"),
        ((lambda p, b: 1 - p + b,), "Eliminate v"),
        ((lambda p, b: None,), "return"), ((lambda p: p,), "2 arguments"),
    ],
    ex.check_expected: [
        ((lambda x, n: min(x),), "best of all"), ((lambda x, n: np.mean(x),), "mean trial"),
        ((lambda x, n: np.median(x),), "median"),
        ((lambda x, n: -expected([-k for k in x], n),), "worst"),
        ((lambda x, n: np.mean([min(d) for d in itertools.combinations(x, n)]),), "without repl"),
        ((lambda x, n: min(x[:n]),), "first n"),
        ((lambda x, n: np.mean(sorted(x)[:n]),), "n best"),
        ((lambda x, n: np.quantile(x, 1 / (n + 1)),), "quantile"),
        ((lambda x, n: np.mean(x[:n]),), "mean of the first"),
        ((lambda x, n: sorted(x)[n - 1],), "n-th best"),
        ((lambda x, n: min(x) + np.std(x) / n,), "With what chance"),
        ((lambda x, n: x.sort(),), ""), ((lambda x, n: None,), "return"),
    ],
}  # fmt: skip


@each_right({check: [(f,) for f in some] for check, some in FUNCTIONS.items()})
def test_right_functions(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS | WRONG_FUNCTIONS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len((WRONG_ANSWERS | WRONG_FUNCTIONS)[check]) >= 10
    assert len((RIGHT | FUNCTIONS)[check]) >= 2


def test_nesterovs_factor_is_that_of_the_package():
    for pull, beta in ((0.01, 0.5), (0.3, 0.05)):
        places = follow(Nesterov, lambda x, c=pull: c * x, [1, 1], 300, learning_rate=1, beta=beta)
        ratio = places[61, 0] / places[60, 0]
        assert ratio == pytest.approx(nesterov(pull, beta), rel=1e-6)
