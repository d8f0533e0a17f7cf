"""Each checker tells right from wrong, and each usual mistake by its name."""

import math

import numpy as np
import pytest

from backprop.activations import log_softmax, softmax
from backprop.book.exercises import losses as ex


def log_sum_exp(z):
    m = z.max(axis=1, keepdims=True)
    return m[:, 0] + np.log(np.exp(z - m).sum(axis=1))


def slope(z, y):
    return (softmax(z) - np.eye(z.shape[1])[y]) / len(z)


def naive_slope(z, y):
    with np.errstate(over="ignore", invalid="ignore"):
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[y]) / len(z)


def squared_slope(z, y):
    # The table of partial derivatives, row by row: independent of the checker's shortcut.
    p, t = softmax(z), np.eye(z.shape[1])[y]
    rows = [(np.diag(a) - np.outer(a, a)) @ (a - b) for a, b in zip(p, t, strict=True)]
    return np.array(rows) / len(z)


def quietly(function):
    def call(z):
        with np.errstate(all="ignore"):
            return function(z)

    return call


def raises(*_):
    raise ZeroDivisionError("by nought")


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (ex.check_ignorance, math.log(10)),
        (ex.check_sigmoid_twice, math.log(1 + math.exp(-1))),
        (ex.check_log_sum_exp, log_sum_exp),
        (ex.check_log_sum_exp, lambda z: z[:, 0] - log_softmax(z)[:, 0]),
        (ex.check_poisson_slope, lambda z, y: np.exp(z) - y),
        (ex.check_cross_entropy_slope, slope),
    ],
)
def test_right_answers(check, right):
    assert check(right), check(right)


@pytest.mark.parametrize(
    ("check", "wrong", "words"),
    [
        (ex.check_ignorance, -math.log(10), "The sign"),
        (ex.check_ignorance, math.log2(10), "log2"),
        (ex.check_ignorance, 1, "log10"),
        (ex.check_ignorance, 0.1, "the probability of the right class"),
        (ex.check_ignorance, 0.9, "how often the guess is wrong"),
        (ex.check_ignorance, math.log(10) / 10, "once more"),
        (ex.check_ignorance, 7, "is 7, which is not right"),
        (ex.check_sigmoid_twice, 0, "sees at most 1"),
        (ex.check_sigmoid_twice, math.log(2), "a large z does better"),
        (ex.check_sigmoid_twice, 1 / (1 + math.exp(-1)), "minus its logarithm"),
        (ex.check_sigmoid_twice, math.log(1 + math.e), "for y = 0"),
        (ex.check_log_sum_exp, lambda z: log_sum_exp(z)[:, None], "still there"),
        (ex.check_log_sum_exp, lambda z: log_sum_exp(z) - z.max(axis=1), "not put back"),
        (ex.check_log_sum_exp, lambda z: log_sum_exp(z) - 2 * z.max(axis=1), "twice"),
        (ex.check_log_sum_exp, lambda z: np.log(np.exp(z).sum(axis=0)), "a column"),
        (ex.check_log_sum_exp, lambda z: np.log(np.exp(z).sum()), "the whole batch"),
        (ex.check_log_sum_exp, lambda z: np.exp(z).sum(axis=1), "logarithm is missing"),
        (ex.check_log_sum_exp, quietly(lambda z: np.log(np.exp(z).sum(axis=1))), "overflows"),
        (
            ex.check_log_sum_exp,
            quietly(lambda z: np.where(z.max() < 500, 1, 1000) + np.log(
                np.exp(z - np.where(z.max() < 500, 1, 1000)).sum(axis=1))),
            "underflows to 0",
        ),
        (
            ex.check_log_sum_exp,
            quietly(lambda z: z.max() + np.log(np.exp(z - z.max()).sum(axis=1))),
            "Each row needs its own",
        ),
        (ex.check_log_sum_exp, lambda z: z, "has shape (4, 3), expected (4,)"),
        (ex.check_log_sum_exp, raises, "ZeroDivisionError: by nought"),
        (ex.check_poisson_slope, lambda z, y: y - np.exp(z), "turned round"),
        (ex.check_poisson_slope, lambda z, y: 1 - y / np.exp(z), "against the mean"),
        (ex.check_poisson_slope, lambda z, y: z - y, "not z"),
        (ex.check_poisson_slope, lambda z, y: np.exp(z), "term with y"),
        (ex.check_poisson_slope, lambda z, y: (np.exp(z) - y) / len(z), "divided by N"),
        (ex.check_poisson_slope, lambda z, y: (np.exp(z) - y)[:, 0], "expected (3, 1)"),
        (ex.check_poisson_slope, raises, "ZeroDivisionError"),
        (ex.check_cross_entropy_slope, lambda z, y: -slope(z, y), "turned round"),
        (ex.check_cross_entropy_slope, lambda z, y: len(z) * slope(z, y), "mean over the batch"),
        (ex.check_cross_entropy_slope, lambda z, y: slope(z, y) / z.shape[1], "over rows"),
        (ex.check_cross_entropy_slope,
         lambda z, y: (z - np.eye(z.shape[1])[y]) / len(z), "not z"),
        (ex.check_cross_entropy_slope, lambda z, y: softmax(z) / len(z), "target is missing"),
        (ex.check_cross_entropy_slope,
         lambda z, y: (softmax(z, axis=0) - np.eye(z.shape[1])[y]) / len(z), "down the columns"),
        (ex.check_cross_entropy_slope, squared_slope, "squared error after a softmax"),
        (ex.check_cross_entropy_slope, naive_slope, "overflows"),
        (ex.check_cross_entropy_slope, lambda z, y: y, "has shape (4,), expected (4, 3)"),
        (ex.check_cross_entropy_slope, raises, "ZeroDivisionError"),
        (ex.check_cross_entropy_slope, 3.0, "without calling it"),
    ],
)  # fmt: skip
def test_hints(check, wrong, words):
    verdict = check(wrong)
    assert not verdict
    assert words in repr(verdict), repr(verdict)
