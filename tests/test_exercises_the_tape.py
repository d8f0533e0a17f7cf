"""The checkers of "The tape": right answers, recognised mistakes, and no answers."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.exercises import the_tape as ex


def norm_vjp(g, a, x):
    return g * x / a


def cost(n):
    return 3 * (n - 1)


FUNCTIONS = [(ex.check_norm_vjp, norm_vjp), (ex.check_product_cost, cost)]
functions = pytest.mark.parametrize(("check", "answer"), FUNCTIONS)


@functions
def test_right_answers(check, answer):
    assert check(answer).right


def test_the_expected_values_are_derivatives():
    x = np.array([0.3, -1.2, 0.7])
    a = np.sqrt((x * x).sum())
    numeric = gradcheck.complex_step(lambda p: 2 * np.sqrt((p * p).sum()), x)
    assert np.allclose(norm_vjp(2.0, a, x), numeric, rtol=1e-12)


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (ex.check_norm_vjp, lambda g, a, x: x / a, "g is missing"),
        (ex.check_norm_vjp, lambda g, a, x: 2 * g * x, "root has a rate"),
        (ex.check_norm_vjp, lambda g, a, x: 2 * g * x / a, "cancels"),
        (ex.check_norm_vjp, lambda g, a, x: g * x / (2 * a), "x² has the rate"),
        (ex.check_norm_vjp, lambda g, a, x: g * x, "rate is missing"),
        (ex.check_norm_vjp, lambda g, a, x: g * a, "shape of x"),
        (ex.check_product_cost, lambda n: 2 * (n - 1), "way back alone"),
        (ex.check_product_cost, lambda n: n - 1, "product alone"),
        (ex.check_product_cost, lambda n: n * (n - 1), "from the beginning"),
        (ex.check_product_cost, lambda n: (2 * n + 1) * (n - 1), "forward mode"),
        (ex.check_norm_vjp, lambda g, a, x: g * x / np.linalg.norm(x), "computed again"),
        (ex.check_norm_vjp, lambda g, a, x: -g * x / a, "not right"),
        (ex.check_norm_vjp, lambda g, a, x: g / a, "shape ()"),
        (ex.check_norm_vjp, lambda g, a, x: None, "return missing"),
        (ex.check_product_cost, lambda n: 3 * n, "n factors"),
        (ex.check_product_cost, lambda n: 5 * (n - 1), "sums too"),
        (ex.check_product_cost, lambda n: 4 * n - 5, "sums too"),
        (ex.check_product_cost, lambda n: 3 * n - 4, "1 of the start"),
        (ex.check_product_cost, lambda n: 3 * n - 5, "1 of the start"),
        (ex.check_product_cost, lambda n: 12, "not right"),
    ],
)
def test_mistakes_are_recognised(check, answer, hint):
    verdict = check(answer)
    assert not verdict and hint in verdict.message


@functions
def test_what_is_no_answer(check, answer):
    def broken(*_):
        raise RuntimeError("no idea")

    assert "no idea" in check(broken).message
    assert "without calling it" in check(3).message


def test_wrong_shapes():
    assert "shape" in ex.check_norm_vjp(lambda g, a, x: np.zeros(7)).message
