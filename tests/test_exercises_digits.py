"""Each checker tells right from wrong, and each usual mistake by its name."""

import math

import numpy as np
import pytest

from backprop.activations import log_softmax, softmax
from backprop.book.exercises import digits as ex


def balanced(matrix):
    return np.mean([row[k] / row.sum() for k, row in enumerate(matrix)])


def temperature_slope(z, y):
    # By the complex step, so that the checker's formula is not compared with itself.
    w = z / (1 + 1e-20j)
    logs = w - np.log(np.exp(w).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(y)), y].mean().imag / 1e-20


def one_hot(y):
    return np.eye(3)[y]


def raises(*_):
    raise ZeroDivisionError("by nought")


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (ex.check_images_without_error, 299),
        (ex.check_balanced_accuracy, balanced),
        (ex.check_balanced_accuracy, lambda m: (np.diag(m) / m.sum(axis=1)).mean()),
        (ex.check_temperature_slope, temperature_slope),
        (ex.check_temperature_slope,
         lambda z, y: (z[np.arange(len(y)), y] - (softmax(z) * z).sum(axis=1)).mean()),
    ],
)  # fmt: skip
def test_right_answers(check, right):
    assert check(right), check(right)


def test_the_count_is_the_least():
    assert 0.99**299 <= 0.05 < 0.99**298


@pytest.mark.parametrize(
    ("check", "wrong", "words"),
    [
        (ex.check_images_without_error, 100, "one error on average"),
        (ex.check_images_without_error, 298, "Just not enough"),
        (ex.check_images_without_error, 300, "one image fewer"),
        (ex.check_images_without_error, 368, "two-sided"),
        (ex.check_images_without_error, 6, "at most 0.05"),
        (ex.check_images_without_error, math.log(0.05) / math.log(0.99), "Round up"),
        (ex.check_images_without_error, 50, "is 50, which is not right"),
        (ex.check_balanced_accuracy, lambda m: m.trace() / m.sum(), "plain accuracy"),
        (ex.check_balanced_accuracy, lambda m: (np.diag(m) / m.sum(axis=0)).mean(), "columns"),
        (ex.check_balanced_accuracy, lambda m: np.diag(m) / m.sum(axis=1), "their mean"),
        (ex.check_balanced_accuracy,
         lambda m: np.diag(m).mean() / m.sum(axis=1).mean(), "plain accuracy"),
        (ex.check_balanced_accuracy, lambda m: 1 - balanced(m), "balanced error"),
        (ex.check_balanced_accuracy, lambda m: len(m) * balanced(m), "divided by K"),
        (ex.check_balanced_accuracy, lambda m: m[0], "expected ()"),
        (ex.check_balanced_accuracy, raises, "ZeroDivisionError: by nought"),
        (ex.check_balanced_accuracy, 0.8, "without calling it"),
        (ex.check_temperature_slope, lambda z, y: -temperature_slope(z, y), "turned round"),
        (ex.check_temperature_slope,
         lambda z, y: ((one_hot(y) - softmax(z)) * z).sum(axis=1), "one number an example"),
        (ex.check_temperature_slope, lambda z, y: len(z) * temperature_slope(z, y), "the sum"),
        (ex.check_temperature_slope,
         lambda z, y: ((one_hot(y) - softmax(z)) * z).mean(), "divides by the classes"),
        (ex.check_temperature_slope,
         lambda z, y: (softmax(z) * z).sum(axis=1).mean(), "target's term"),
        (ex.check_temperature_slope,
         lambda z, y: -z[np.arange(len(y)), y].mean(), "term with p"),
        (ex.check_temperature_slope,
         lambda z, y: (softmax(z) - one_hot(y)).sum(axis=1).mean(), "multiplied by its -z"),
        (ex.check_temperature_slope, lambda z, y: log_softmax(z), "expected ()"),
        (ex.check_temperature_slope, raises, "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_hints(check, wrong, words):
    verdict = check(wrong)
    assert not verdict
    assert words in repr(verdict), repr(verdict)
