"""The checkers of "Losses": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.activations import log_softmax, softmax
from backprop.book.exercises import losses as ex
from backprop.losses import BinaryCrossEntropy, SoftmaxCrossEntropy

ln = math.log


EIGHTHS = [Fraction(1, 8), Fraction(-5, 8), Fraction(1, 2)]
FLOOR = ln(1 + math.exp(-1))
THREE = (0.125, -0.625, 0.5)
RIGHT = {
    ex.check_by_hand: [
        (ln(8 / 3), THREE), (0.981, EIGHTHS), (sp.log(sp.Rational(8, 3)), np.array(THREE)),
        (np.float32(ln(8 / 3)), (sp.Rational(1, 8), sp.Rational(-5, 8), sp.S.Half)),
    ],
    ex.check_ignorance: [(ln(10),), (2.303,), (2.30,), (sp.log(10),), (np.float64(ln(10)),)],
    ex.check_lower_loss: [([0.99, 0.99, 0.4],), (np.array([0.49, 0.9, 0.9]),),
                          ([Fraction(1, 3), sp.Rational(99, 100), 1],)],
    ex.check_honest: [([0.8, 0.8, 1],), (np.array([0.8, 0.8, 1.0]),),
                      ((Fraction(4, 5), sp.Rational(4, 5), 1),)],
    ex.check_sigmoid_twice: [
        (FLOOR,), (0.313,), (sp.log(1 + sp.exp(-1)),), (-ln(1 / (1 + math.exp(-1))),),
        (BinaryCrossEntropy().forward(np.ones((1, 1)), np.ones((1, 1))),),
    ],
}  # fmt: skip
L = ln(8 / 3)
WRONG_ANSWERS = {
    ex.check_by_hand: [
        ((-L, THREE), "The sign: no"), ((math.log2(8 / 3), THREE), "to base 2"),
        ((math.log10(8 / 3), THREE), "to base 10"), ((0.375, THREE), "not yet its cost"),
        ((0.625, THREE), "one minus a probability"), ((ln(2), THREE), "most probable class"),
        ((ln(8), THREE), "cost of the first class"),
        ((-ln(ln(3) / ln(12)), THREE), "Raise e to each score"),
        ((ln(2) + ln(8) + L, THREE), "three costs, added"), ((1.5, THREE), "powers of e"),
        ((None, THREE), "is None"), (("0.981", THREE), "expected a number"),
        ((L, (-0.125, 0.625, -0.5)), "signs are reversed"), ((L / 3, THREE), "The mean is over"),
        ((L, (0.03, -0.41, 0.13)), "for any of the three classes"),
        ((L, (0.125, 0.375, 0.5)), "Subtract the target"),
        ((L, (0, ln(3) - 1, ln(4))), "scores minus targets"),
        ((L, (-0.875, 0.375, 0.5)), "wrong class"), ((L, (0.125, 0.375, -0.5)), "wrong class"),
        ((L, (0, -8 / 3, 0)), "changes with p"),
        ((L, (0.125 * 0.125 * 0.875, -0.625 * 0.375 * 0.625, 0.125)), "a factor p(1 - p)"),
        ((L, (0.125 / 3, -0.625 / 3, 0.5 / 3)), "the number of classes"),
        ((L, (0, 1, 0)), "This is the target"), ((L, (0.5, 0.125, -0.625)), "their order is not"),
        ((L, (0.2, -0.6, 0.5)), "Not right for classes 1 and 2"),
        ((L, (0.125, -0.625)), "has shape (2,)"), ((L, -0.625), "has shape ()"),
        ((L, (0.125, -0.625, 0.4)), "for class 3. Prediction minus target"),
        ((0.98, THREE), "Give three digits"), ((L, (0.13, -0.63, 0.5)), "three digits"),
        ((L, np.round(THREE, 2)), "three digits"),
    ],
    ex.check_ignorance: [
        ((-ln(10),), "The sign"), ((math.log2(10),), "to base 2"), ((1,), "to base 10"),
        ((0.1,), "the probability of the right class"), ((0.9,), "how often the guess"),
        ((ln(10) / 10,), "divided by the number"), ((10 * ln(10),), "all ten classes, added"),
        ((0,), "costs nothing"), ((ln(2),), "between two classes"), ((7,), "One number per image"),
        ((2.31,), "not right"), ((-ln(0.9),), "the probability 0.9"), ((10,), "Take its logarithm"),
        ((None,), "is None"), (([ln(10)] * 10,), "expected ()"),
        (("ln 10",), "expected a number"), ((math.inf,), "not right"),
    ],
    ex.check_lower_loss: [
        (([0.6, 0.6, 0.6],), "still read correctly. A wrong image"),
        (([0.4, 0.55, 0.55],), "only a little"),
        (([0.01, 0.99, 0.99],), "only a little"), (([0.99, 0.99, 0],), "not sure"),
        (([0.5, 0.99, 0.99],), "a tie"), (([0.99, 0.99],), "three numbers"),
        ((0.9,), "three numbers"),
        (([0.99, 1.2, 0.3],), "between 0 and 1"), (([-0.1, 0.9, 0.9],), "between 0 and 1"),
        (([math.nan, 0.9, 0.9],), "between 0 and 1"), ((None,), "three numbers"),
        (("abc",), "three numbers"), (([1, 1, 1],), "still read correctly"),
        (([0.4, 0.4, 0.4],), "only a little"),
    ],
    ex.check_honest: [
        (([0.8, 0.8, 0.8],), "What kind of curve"), (([1, 1, 1],), "every image were a one"),
        (([0.8, 1, 1],), "The first is right"), (([1, 0.8, 1],), "is infinite there"),
        (([1, 1, 0.8],), "wrong order"), (([0.2, 0.2, 0],), "probabilities of a zero"),
        (([0.5, 0.5, 0.5],), "undecided"), (([0.8, 0.8, 0.5],), "The last one is wrong"),
        (([0.8, 0.8, 0],), "wrong end"),
        (([0.8, 0.7, 1],), "for the squared error. Set the derivative"),
        ((0.8,), "three numbers"), (([0.8, 0.8],), "three numbers"), ((None,), "three numbers"),
        (("abc",), "three numbers"), (([math.nan, 0.8, 1],), "for the cross-entropy. Set"),
        (([0.8, 0.8, 0.99],), "for the absolute error. Write the mean"),
        (([0.8, 0.64, 1],), "for the squared error. Set the derivative"),
        (([80, 80, 100],), "percentages. A probability lies"),
        (([0.7, 0.64, 0.9],), "squared error and the absolute error. Set"),
    ],
    ex.check_sigmoid_twice: [
        ((0,), "the right program"), ((ln(2),), "sees 0"),
        ((1 / (1 + math.exp(-1)),), "a probability"),
        ((0.2689,), "one minus a probability"), ((ln(1 + math.e),), "Here the target is 1"),
        ((-FLOOR,), "Only the sign"), ((1,), "What does it answer"),
        ((math.log2(1 + math.exp(-1)),), "to base 2"),
        ((math.log10(1 + math.exp(-1)),), "to base 10"),
        ((ln(1 + math.exp(-0.5)),), "sees ½"), ((0.3,), "numbers between 0 and 1"),
        ((0.31,), "Give three digits"), ((0.368,), "These are odds"),
        ((None,), "is None"), (("ln",), "expected a number"), ((math.inf,), "not right"),
    ],
}  # fmt: skip
SECRETS = {
    ex.check_by_hand: ("0.981", "8/3", "-0.625", "5/8"),
    ex.check_ignorance: ("2.30", "ln 10"),
    ex.check_sigmoid_twice: ("0.313", "1/e", "e^-1"),
}
FIRST = {
    "z": lambda z, y: z - y,
    "1 - y/z": lambda z, y: 1 - y / z,
    "z^2": lambda z, y: z**2 - y,
    "sigmoid": lambda z, y: 1 / (1 + np.exp(-z)) - y,
    "softplus": lambda z, y: np.log1p(np.exp(z)) - y,
}


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@pytest.mark.parametrize(
    ("check", "answer", "hint"), [(c, a, h) for c, rows in WRONG_ANSWERS.items() for a, h in rows]
)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert not any(s in first + second for s in SECRETS.get(check, ()))


def log_sum_exp(z):
    m = z.max(axis=1, keepdims=True)
    return m[:, 0] + np.log(np.exp(z - m).sum(axis=1))


def quietly(function):
    def call(*args):
        with np.errstate(all="ignore"):
            return function(*args)

    return call


def shifted_by(amount):
    """Return a log-sum-exp that takes one and the same number out of every row."""
    return quietly(lambda z: amount(z) + np.log(np.exp(z - amount(z)).sum(axis=1)))


def shifted_each(amount, log=np.log):
    """Return a log-sum-exp that takes a number of its own out of every row."""
    return quietly(lambda z: amount(z) + log(np.exp(z - amount(z)[:, None]).sum(axis=1)))


def hot(z, y):
    return np.eye(z.shape[1])[y]


def tempered(z, y, t):
    return (softmax(z / t) - hot(z, y)) / t / len(z)


def by_package(z, y, t):
    loss = SoftmaxCrossEntropy()
    loss.forward(z / t, y)
    return loss.backward() / t


def looped(z, y, t):
    found = np.zeros(z.shape)
    for n in range(len(z)):
        e = np.exp((z[n] - z[n].max()) / t)
        found[n] = e / e.sum()
        found[n, y[n]] -= 1
    return found / (t * len(z))


@quietly
def naive(z, y, t):
    e = np.exp(z / t)
    return (e / e.sum(axis=1, keepdims=True) - hot(z, y)) / (t * len(z))


@quietly
def whole_batch(z, y, t):
    e = np.exp((z - z.max()) / t)
    return (e / e.sum(axis=1, keepdims=True) - hot(z, y)) / (t * len(z))


def changes(z, y, t):
    z -= z.max(axis=1, keepdims=True)
    return tempered(z, y, t)


def costs(z, y):
    return -log_softmax(z)[np.arange(len(y)), y]


def suspects(z, y, n):
    return np.argsort(-costs(z, y))[:n]


def sorted_pairs(z, y, n):
    e = z - z.max(axis=1, keepdims=True)
    loss = [np.log(np.exp(row).sum()) - row[k] for row, k in zip(e, y, strict=True)]
    return sorted(range(len(y)), key=lambda k: -loss[k])[:n]


def partly_sorted(z, y, n):
    found = suspects(z, y, n)
    return np.append(found[:10], found[10:][::-1])


@quietly
def by_probability(z, y, n):
    return np.argsort(softmax(z)[np.arange(len(y)), y], kind="stable")[:n]


@quietly
def overflowing(z, y, n):
    return np.argsort(score(z, y) - np.log(np.exp(z).sum(axis=1)), kind="stable")[:n]


def score(z, y):
    return z[np.arange(len(y)), y]


RIGHT_FUNCTIONS = {
    ex.check_log_sum_exp: [log_sum_exp, lambda z: z[:, 0] - log_softmax(z)[:, 0],
                           lambda z: np.logaddexp.reduce(z, axis=1).tolist()],
    ex.check_temperature: [tempered, by_package, looped],
    ex.check_poisson_slope: [
        lambda z, y: np.exp(z) - y,
        lambda z, y: ((np.exp(z + 1e-20j) - y * (z + 1e-20j)).imag / 1e-20).tolist(),
    ],
    ex.check_suspects: [suspects, sorted_pairs, lambda z, y, n: list(suspects(z, y, n))],
}  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_log_sum_exp: [
        (lambda z: log_sum_exp(z)[:, None], "still there"),
        (lambda z: log_sum_exp(z) - z.max(axis=1), "not put back"),
        (lambda z: log_sum_exp(z) - 2 * z.max(axis=1), "twice"),
        (lambda z: log_sum_exp(z) + z.max(axis=1), "never taken out"),
        (lambda z: np.log(np.exp(z).sum(axis=0)), "per column"),
        (lambda z: np.log(np.exp(z).sum()), "the whole batch"),
        (lambda z: np.log(np.exp(z).mean(axis=1)), "a mean in place"),
        (lambda z: np.exp(z).sum(axis=1), "logarithm is missing"),
        (lambda z: z.sum(axis=1), "Sum before"),
        (lambda z: z.max(axis=1), "The sum is missing"),
        (quietly(lambda z: np.log(np.exp(z).sum(axis=1))), "overflows"),
        (shifted_by(lambda z: 1 if z.max() < 500 else 1000), "underflows to 0"),
        (shifted_by(lambda z: z.max()), "low row of a mixed batch"),
        (shifted_each(lambda z: z.mean(axis=1)), "far apart here, and e^z overflows"),
        (shifted_each(lambda z: np.median(z, axis=1)), "far apart here"),
        (shifted_each(lambda z: np.abs(z).max(axis=1)), "underflows to 0"),
        (shifted_each(lambda z: z.min(axis=1)), "far apart here"),
        (shifted_each(lambda z: z.max(axis=1), np.log10), "to base 10"),
        (shifted_each(lambda z: z.max(axis=1), np.log2), "to base 2"),
        (shifted_each(lambda z: z.max(axis=1), lambda t: -np.log(t)), "the logarithm subtracted"),
        (lambda z: z.max(axis=1) + np.log(np.exp(z - z.max(axis=1)[:, None]).sum()), "whole batch"),
        (lambda z: z, "has shape (4, 3), expected (4,)"),
        (lambda z: None, "is a return missing"), (lambda z: z["a"], "IndexError"),
        (lambda z, axis: z, "one argument: (z)"), (3.0, "without calling it"),
    ],
    ex.check_temperature: [
        (lambda z, y, t: -tempered(z, y, t), "signs are reversed"),
        (lambda z, y, t: tempered(z, y, t) * len(z), "mean over the batch"),
        (lambda z, y, t: tempered(z, y, t) * len(z) / z.shape[1], "The mean is over rows"),
        (lambda z, y, t: tempered(z, y, t) / z.shape[1], "classes, too"),
        (lambda z, y, t: tempered(z, y, t) * t, "with respect to z/T. z/T changes"),
        (lambda z, y, t: tempered(z, y, t) * t * t, "in the numerator"),
        (lambda z, y, t: tempered(z, y, t) * t * len(z), "z/T, for one example"),
        (lambda z, y, t: tempered(z, y, t) / t, "by T twice"),
        (lambda z, y, t: (softmax(z) - hot(z, y)) / t / len(z), "has not seen T"),
        (lambda z, y, t: (softmax(z) - hot(z, y)) / len(z), "makes no difference"),
        (lambda z, y, t: tempered(z, y, 1 / t), "slope for z·T"),
        (lambda z, y, t: (softmax(z) / t - hot(z, y)) / len(z), "divides the probabilities"),
        (lambda z, y, t: (z / t - hot(z, y)) / t / len(z), "not z/T"),
        (lambda z, y, t: softmax(z / t) / t / len(z), "target is missing"),
        (lambda z, y, t: softmax(z / t), "target is missing"),
        (lambda z, y, t: softmax(z / t) / len(z), "target is missing"),
        (lambda z, y, t: (softmax(z / t) - hot(z, y) / t) / len(z), "T divides the target"),
        (lambda z, y, t: (softmax(z / t, axis=0) - hot(z, y)) / t / len(z), "down the columns"),
        (lambda z, y, t: tempered(z, y, 1 / t) / t / t, "were multiplied by T"),
        (whole_batch, "each row's own largest"),
        (naive, "Subtract the largest score"), (changes, "changed its argument"),
        (lambda z, y, t: tempered(z, y, t).T, "the transpose"),
        (lambda z, y, t: tempered(z, y, t) + 0.1, "Take T = 1 first"),
        (lambda z, y: z, "3 arguments: (z, y, T)"),
        (lambda z, y, t: None, "is a return missing"),
        (3.0, "without calling it"),
    ],
    ex.check_poisson_slope: [
        (lambda z, y: y - np.exp(z), "sign is reversed"),
        (lambda z, y: (np.exp(z) - y) * np.exp(z), "too many"),
        (lambda z, y: np.exp(-z) - y, "Does the mean rise with z"),
        (lambda z, y: 1 - y / np.exp(z), "with respect to the mean"),
        (lambda z, y: z - y, "z may be negative. Differentiate"),
        (lambda z, y: 1 - y / z, "z may be negative. Differentiate"),
        (lambda z, y: 2 * np.exp(z) - y, "not 1 at z = 0. Which constant"),
        (lambda z, y: np.exp(z + 1) - y, "not 1 at z = 0"),
        (lambda z, y: z**2 - y, "A square is positive"),
        (lambda z, y: 2**z - y, "a factor ln 2"),
        (lambda z, y: np.exp(z) - 2 * y, "Differentiate -ln P"),
        (lambda z, y: np.exp(z), "term with y"),
        (lambda z, y: (np.exp(z) - y) / len(z), "divided by B"),
        (lambda z, y: np.exp(z) - y * z, "Differentiate it"),
        (lambda z, y: np.exp(z) * (1 - y), "does not multiply"),
        (lambda z, y: np.exp(z) - 1, "is not 1"),
        (lambda z, y: 1 / (1 + np.exp(-z)) - y, "a mean may be above 1"),
        (lambda z, y: np.log1p(np.exp(z)) - y, "softplus for the mean"),
        (lambda z, y: (np.exp(z) - y) ** 2 / 2, "squared error"),
        (lambda z, y: (np.exp(z) - y)[:, 0], "expected (3, 2)"),
        (lambda z, y: 2 * (np.exp(z) - y), "same factor"),
        (lambda z: z, "2 arguments: (z, y)"), (3.0, "without calling it"),
    ],
    ex.check_suspects: [
        (lambda z, y, n: suspects(z, y, n)[::-1], "reverse order"),
        (lambda z, y, n: np.argsort(costs(z, y))[:n], "cost least"),
        (lambda z, y, n: np.argsort(softmax(z).max(axis=1))[:n], "least sure of"),
        (lambda z, y, n: np.argsort(-softmax(z).max(axis=1))[:n], "most sure of"),
        (lambda z, y, n: np.argsort(score(z, y))[:n], "lowest score"),
        (lambda z, y, n: np.argsort(score(z, y) - z.max(axis=1))[:n], "distance to the largest"),
        (lambda z, y, n: np.sort(costs(z, y))[::-1][:n], "These are the losses"),
        (lambda z, y, n: np.argsort(-costs(z, y)), "all rows, sorted"),
        (lambda z, y, n: y[suspects(z, y, n)], "classes of the rows"),
        (partly_sorted, "their order is not"),
        (lambda z, y, n: np.argpartition(-costs(z, y), n)[:n], "their order is not"),
        (by_probability, "scores of -800"), (overflowing, "scores of 900"),
        (lambda z, y, n: suspects(z, y, 1), "has shape (1,)"),
        (lambda z, y, n: np.arange(n), "minus the log-softmax"),
        (lambda z, y, n: suspects(z, y, n) + 1, "counts from 0"),
        (lambda z, y, n: sorted(suspects(z, y, n)), "The largest loss comes first"),
        (lambda z, y, n: np.flatnonzero(z.argmax(axis=1) != y)[:n], "misread"),
        (lambda z, y, n: None, "is a return missing"),
        (lambda z, y, n: z["a"], "IndexError"),
        (lambda z, y: y, "3 arguments: (z, y, n)"), (3, "without calling it"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("wrong", FIRST.values(), ids=FIRST)
def test_the_function_that_is_asked_for_is_not_named_to_one_who_has_another(wrong):
    assert not any("e^z" in said for said in both_hints(ex.check_poisson_slope, wrong))


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_often(check):
    assert len((WRONG_ANSWERS | WRONG_FUNCTIONS)[check]) >= 10
    assert len((RIGHT | RIGHT_FUNCTIONS)[check]) >= 2
