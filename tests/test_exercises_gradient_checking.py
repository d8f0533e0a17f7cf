"""The checkers of the chapter "Gradient checking": right answers, hints, bad answers."""

import math

import numpy as np
import pytest

from backprop.book.exercises.gradient_checking import (
    check_disagreement,
    check_sample_size,
    check_weights,
)


def disagreement(u, v):
    scale = max(np.abs(u).max(), np.abs(v).max())
    return np.abs(u - v).max() / scale if scale > 0 else 0.0


def sample_size(q, chance):
    return math.ceil(math.log(1 - chance) / math.log(1 - q))


WEIGHTS = np.array([2 / 3, -1 / 12])


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        (check_disagreement, disagreement),
        (check_weights, tuple(WEIGHTS)),
        (check_sample_size, sample_size),
        (check_sample_size, lambda q, c: int(sample_size(q, c))),
    ],
)
def test_right_answers(check, answer):
    verdict = check(answer)
    assert verdict.right and verdict, verdict.message
    assert verdict.message


def size(u, v):
    return np.maximum(np.abs(u), np.abs(v))


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda u, v: np.abs(u - v).max(), "absolute difference"),
        (lambda u, v: (np.abs(u - v) / size(u, v)).max(), "divided by itself"),
        (lambda u, v: np.abs(u - v).mean() / size(u, v).max(), "mean hides"),
        (lambda u, v: (u - v).max() / size(u, v).max(), "have signs"),
        (lambda u, v: np.abs(u - v).max() / max(u.max(), v.max()), "in size"),
        (lambda u, v: np.abs(u - v).max() / np.abs(u).max(), "first array alone"),
        (lambda u, v: np.abs(u - v).max() / np.abs(v).max(), "second array alone"),
        (lambda u, v: np.abs(u - v) / size(u, v).max(), "One number"),
        (lambda u, v: np.abs(u - v).max() / size(u, v).max(), "0/0"),
    ],
)
def test_mistakes_about_the_scale_get_their_hint(answer, hint):
    verdict = check_disagreement(answer)
    assert not verdict
    assert hint in verdict.message


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((1 / 2, 0), "central difference"),
        ((2 / 3, 1 / 12), "other sign"),
        ((4 / 3, -1 / 3), "denominators"),
        ((4 / 3, -1 / 6), "twice"),
        ((-1 / 12, 2 / 3), "exchanged"),
    ],
)
def test_mistakes_about_the_weights_get_their_hint(answer, hint):
    verdict = check_weights(answer)
    assert not verdict
    assert hint in verdict.message


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda q, c: math.log(1 - c) / math.log(1 - q), "round up"),
        (lambda q, c: math.floor(math.log(1 - c) / math.log(1 - q)), "Rounded down"),
        (lambda q, c: math.ceil(c / q), "do not add up"),
        (lambda q, c: math.ceil(math.log(c) / math.log(1 - q)), "all entries are right"),
        (lambda q, c: math.ceil(1 / q), "On average"),
    ],
)
def test_mistakes_about_the_sample_get_their_hint(answer, hint):
    verdict = check_sample_size(answer)
    assert not verdict
    assert hint in verdict.message


@pytest.mark.parametrize("check", [check_disagreement, check_sample_size])
def test_exceptions_and_shapes_are_reported(check):
    assert "ZeroDivisionError" in check(lambda *args: 1 / 0).message
    assert "(7, 9)" in check(lambda *args: np.zeros((7, 9))).message
    assert not check(None)


def test_an_exception_at_zero_alone_is_reported():
    def fails_at_zero(u, v):
        if not u.any():
            raise RuntimeError("nothing to compare")
        return disagreement(u, v)

    assert "nothing to compare" in check_disagreement(fails_at_zero).message
    assert not check_disagreement(lambda u, v: disagreement(u, v) if u.any() else 1.0)


def test_a_wrong_number_of_weights_is_reported():
    assert "(3,)" in check_weights((2 / 3, -1 / 12, 0)).message


def test_wrong_values_fail():
    assert not check_disagreement(lambda u, v: disagreement(u, v) + 1e-3)
    assert not check_weights(WEIGHTS + 1e-3)
    assert not check_sample_size(lambda q, c: sample_size(q, c) + 1)
