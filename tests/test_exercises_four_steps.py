"""The checkers of the chapter "The four steps": right answers, each mistake's hint, bad answers."""

import numpy as np
import pytest

from backprop.book.exercises.four_steps import (
    check_by_hand,
    check_hidden_error,
    check_input_gradient,
)

BY_HAND = np.array([-1 / 8, -3 / 16, -1 / 16, -3 / 4])


def hidden_error(y, a1, a2, W2):
    return ((a2 - y) @ W2.T) * a1 * (1 - a1)


def input_gradient(x, delta1, W1):
    return delta1 @ W1.T


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (check_by_hand, BY_HAND),
        (check_by_hand, tuple(BY_HAND)),
        (check_hidden_error, hidden_error),
        (check_input_gradient, input_gradient),
        (check_input_gradient, lambda x, d, W: np.einsum("ik,jk->ij", d, W)),
    ],
)
def test_right_answers(check, answer):
    verdict = check(answer)
    assert verdict.right and verdict, verdict.message
    assert verdict.message


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (-BY_HAND, "All signs"),
        ([-1 / 2, -3 / 4, -1 / 4, -3], "slope of the output"),
        ([-1 / 8, -3 / 4, -1 / 16, -3], "slope of the hidden unit"),
        ([-1 / 8, -1 / 32, -1 / 16, -1 / 8], "weight w⁽²⁾ is missing"),
        ([-1 / 8, -3 / 16, -1 / 16, -3 / 32], "START"),
        ([-1 / 8, -6.0625 / 32, -1 / 16, -6.0625 / 8], "not the updated one"),
        ([-1 / 8, -3 / 16, -3 / 4, -1 / 16], "exchanged"),
    ],
)
def test_mistakes_by_hand_get_their_hint(answer, hint):
    verdict = check_by_hand(answer)
    assert not verdict
    assert hint in verdict.message


def square(W):
    return W if W.shape[0] == W.shape[1] else W.T


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (
            check_hidden_error,
            lambda y, a1, a2, W: (((a2 - y) * a2 * (1 - a2)) @ W.T) * a1 * (1 - a1),
            "linear output",
        ),
        (check_hidden_error, lambda y, a1, a2, W: (a2 - y) @ W.T, "own slope"),
        (check_hidden_error, lambda *args: -hidden_error(*args), "sign"),
        (check_hidden_error, lambda y, a1, a2, W: a2 - y, "carry it back"),
        (check_input_gradient, lambda x, d, W: d @ W.T * x * (1 - x), "slope too many"),
        (check_input_gradient, lambda x, d, W: d @ W.T * x, "multiplies by the input"),
        (check_input_gradient, lambda x, d, W: -d @ W.T, "sign"),
        (check_input_gradient, lambda x, d, W: (d @ W.T).sum(axis=0), "never added"),
        (check_input_gradient, lambda x, d, W: x.T @ d, "∂L/∂W"),
        (check_input_gradient, lambda x, d, W: d @ square(W), "turned over"),
    ],
)
def test_typical_mistakes_get_their_hint(check, answer, hint):
    verdict = check(answer)
    assert not verdict
    assert hint in verdict.message


@pytest.mark.parametrize("check", [check_hidden_error, check_input_gradient])
def test_exceptions_and_shapes_are_reported(check):
    assert "ZeroDivisionError" in check(lambda *args: 1 / 0).message
    assert "(7, 9)" in check(lambda *args: np.zeros((7, 9))).message
    assert not check(None)


def test_a_wrong_number_of_answers_is_reported():
    assert "(3,)" in check_by_hand(BY_HAND[:3]).message


@pytest.mark.parametrize(
    ("check", "answer"),
    [(check_hidden_error, hidden_error), (check_input_gradient, input_gradient)],
)
def test_wrong_values_of_the_right_shape_fail(check, answer):
    assert not check(lambda *args: answer(*args) + 1e-3)
