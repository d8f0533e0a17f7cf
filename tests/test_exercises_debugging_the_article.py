"""Each checker tells right from wrong, and each usual mistake by its name."""

import numpy as np
import pytest

from backprop.activations import log_softmax, softmax
from backprop.autodiff import gradcheck
from backprop.book.exercises import debugging_the_article as ex

H = 1e-4


def central(f, x, above=H, below=H, over=2 * H):
    x = x.astype(float)
    steps = np.eye(len(x))
    return np.array([f(x + above * e) - f(x - below * e) for e in steps]) / over


def careless(f, x):
    grad = np.zeros(len(x))
    for i, kept in enumerate(x.copy()):
        x[i] = kept + H
        above = f(x)
        x[i] = kept - H
        grad[i], x[i] = (above - f(x)) / (2 * H), kept
    return grad


def stuck(f, x):
    if x.dtype.kind == "i":
        return np.zeros(len(x))
    return central(f, x)


def spoils(f, x):
    answer = central(f, x)
    x += 1
    return answer


def all_at_once(f, x):
    return np.full(len(x), (f(x + H) - f(x - H)) / (2 * H))


def bias_gradient(z, y):
    # By the complex step, so that the checker's formula is not compared with itself.
    rows = np.arange(len(y))
    return gradcheck.complex_step(lambda b: -log_softmax(z + b)[rows, y].mean(), np.zeros(3))


def delta(z, y):
    return softmax(z) - np.eye(3)[y]


def raises(*_):
    raise ZeroDivisionError("by nought")


@pytest.mark.parametrize(
    ("check", "right"),
    [
        (ex.check_gauge, 3 / 5),
        (ex.check_central, central),
        (ex.check_bias_gradient, bias_gradient),
        (ex.check_bias_gradient, lambda z, y: delta(z, y).mean(axis=0)),
    ],
)
def test_right_answers(check, right):
    assert check(right), check(right)


def test_the_gauge_is_what_the_listing_prints():
    y = np.array([[0], [1], [1], [0], [1]])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.3], [0.4, 0.7], [0.8, 0.9]])
    assert ex.check_gauge(np.mean(y == (p > 0.5)))


@pytest.mark.parametrize(
    ("check", "wrong", "words"),
    [
        (ex.check_gauge, 0.5, "the four rows alone"),
        (ex.check_gauge, 0.2, "count as well"),
        (ex.check_gauge, 1, "Only the fifth row"),
        (ex.check_gauge, 0.9, "other way round"),
        (ex.check_gauge, 0.4, "fifth row is missing"),
        (ex.check_gauge, 0.7, "is 0.7, which is not right"),
        (ex.check_gauge, [0.6, 0.6], "has shape (2,)"),
        (ex.check_central, careless, "holds integers, and x + h"),
        (ex.check_central, stuck, "Nothing moved"),
        (ex.check_central, spoils, "in place"),
        (ex.check_central, lambda f, x: central(f, x, H, 0, H), "forward difference"),
        (ex.check_central, lambda f, x: central(f, x, 0, H, H), "backward difference"),
        (ex.check_central, lambda f, x: central(f, x, over=H), "2h apart"),
        (ex.check_central, lambda f, x: -central(f, x), "turned round"),
        (ex.check_central, all_at_once, "at once"),
        (ex.check_central, lambda f, x: 2.0 * x, "not right"),
        (ex.check_central, lambda f, x: central(f, x)[:, None], "shape (2, 1), expected (2,)"),
        (ex.check_central, gradcheck.central_difference, "TypeError"),
        (ex.check_central, raises, "ZeroDivisionError: by nought"),
        (ex.check_bias_gradient, lambda z, y: delta(z, y).sum().round(12), "summed as well"),
        (ex.check_bias_gradient, lambda z, y: np.full(3, delta(z, y).sum()), "summed as well"),
        (ex.check_bias_gradient, lambda z, y: -bias_gradient(z, y), "turned round"),
        (ex.check_bias_gradient, lambda z, y: delta(z, y).sum(axis=0), "mean over the batch is mi"),
        (ex.check_bias_gradient, lambda z, y: bias_gradient(z, y) / 4, "taken twice"),
        (ex.check_bias_gradient, lambda z, y: delta(z, y) / 4, "one row an example"),
        (ex.check_bias_gradient, lambda z, y: softmax(z).mean(axis=0), "targets are missing"),
        (ex.check_bias_gradient, lambda z, y: z[0], "not right"),
        (ex.check_bias_gradient, lambda z, y: z, "expected (3,)"),
        (ex.check_bias_gradient, raises, "ZeroDivisionError"),
    ],
)  # fmt: skip
def test_hints(check, wrong, words):
    verdict = check(wrong)
    assert not verdict
    assert words in repr(verdict), repr(verdict)


def test_the_sum_over_the_classes_is_recognised_though_it_vanishes():
    # It has four entries, all zero but for rounding: the shape (4,) belongs to the rows.
    verdict = ex.check_bias_gradient(lambda z, y: delta(z, y).sum(axis=1))
    assert "wrong axis" in verdict.message
