"""The checkers of the chapter "Matrix form": right answers, each mistake's hint, bad answers."""

import numpy as np
import pytest

from backprop.book.exercises.matrix_form import (
    check_error_back,
    check_example_norms,
    check_gain_gradient,
)


def error_back(delta, W, slope):
    return (delta @ W.T) * slope


def gain_gradient(a, g, delta):
    return (a * delta).sum(axis=0)


def example_norms(x, delta):
    return np.linalg.norm(x, axis=1) * np.linalg.norm(delta, axis=1)


RIGHT = [
    (check_error_back, error_back),
    (check_error_back, lambda d, W, s: np.einsum("ik,jk,ij->ij", d, W, s)),
    (check_gain_gradient, gain_gradient),
    (check_gain_gradient, lambda a, g, d: np.einsum("ij,ij->j", a, d)),
    (check_example_norms, example_norms),
    (check_example_norms, lambda x, d: np.sqrt((x**2).sum(1) * (d**2).sum(1))),
]


@pytest.mark.parametrize(("check", "answer"), RIGHT)
def test_right_answers(check, answer):
    verdict = check(answer)
    assert verdict.right and verdict, verdict.message
    assert repr(verdict) == f"Right. {verdict.message}" and verdict.message


MISTAKES = [
    (check_error_back, lambda d, W, s: d @ W.T, "slope"),
    (check_error_back, lambda d, W, s: error_back(d, W, s) / len(d), "batch size"),
    (
        check_error_back,
        lambda d, W, s: (d @ (W if W.shape[0] == W.shape[1] else W.T)) * s,
        "only because W is square",
    ),
    (check_gain_gradient, lambda a, g, d: a * d, "rows must be added"),
    (check_gain_gradient, lambda a, g, d: d.sum(axis=0), "gradient of a bias"),
    (check_gain_gradient, lambda a, g, d: (g * d).sum(axis=0), "not g"),
    (check_gain_gradient, lambda a, g, d: (a * d).mean(axis=0), "not a mean"),
    (check_example_norms, lambda x, d: example_norms(x, d) ** 2, "root is missing"),
    (check_example_norms, lambda x, d: np.linalg.norm(x.T @ d), "sum over the batch"),
    (check_example_norms, lambda x, d: np.linalg.norm(d, axis=1), "scales every column"),
]


@pytest.mark.parametrize(("check", "answer", "hint"), MISTAKES)
def test_typical_mistakes_get_their_hint(check, answer, hint):
    verdict = check(answer)
    assert not verdict.right and not verdict
    assert hint in verdict.message


CHECKS = [(check_error_back, 3), (check_gain_gradient, 3), (check_example_norms, 2)]


@pytest.mark.parametrize(("check", "n_arguments"), CHECKS)
def test_an_exception_is_reported(check, n_arguments):
    def broken(*arguments):
        assert len(arguments) == n_arguments
        raise KeyError("no such thing")

    verdict = check(broken)
    assert not verdict.right
    assert "KeyError" in verdict.message


@pytest.mark.parametrize("check", [check for check, _ in CHECKS])
def test_a_wrong_shape_is_reported(check):
    verdict = check(lambda *arguments: np.zeros((7, 9)))
    assert not verdict.right
    assert "(7, 9)" in verdict.message


@pytest.mark.parametrize(("check", "answer"), RIGHT[::2])
def test_wrong_values_of_the_right_shape_fail(check, answer):
    assert not check(lambda *arguments: answer(*arguments) + 1e-3)


def test_the_wrong_transpose_alone_fails_on_the_first_oblong_case():
    verdict = check_error_back(lambda d, W, s: (d @ W) * s)
    assert not verdict.right
