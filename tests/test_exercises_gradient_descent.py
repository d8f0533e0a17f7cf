"""The checkers of "Gradient descent": right answers, each recognised mistake, and no answers."""

import itertools

import numpy as np
import pytest

from backprop.book.exercises import gradient_descent as ex


def update(theta, g, learning_rate):
    return theta - learning_rate * g


def standardize(x_train, x):
    std = x_train.std(axis=0)
    return (x - x_train.mean(axis=0)) / np.where(std > 0, std, 1)


def noise(tau, B, N):
    return tau * np.sqrt((N - B) / (B * (N - 1)))


def rate(H, g):
    return (g @ g) / (g @ H @ g)


FUNCTIONS = [
    (ex.check_update, update),
    (ex.check_standardize, standardize),
    (ex.check_noise, noise),
    (ex.check_line_search, rate),
]
functions = pytest.mark.parametrize(("check", "answer"), FUNCTIONS)


@functions
def test_right_answers(check, answer):
    assert check(answer).right


def test_right_rates():
    assert ex.check_rates((0.08, 1 / 13, 12 / 13))


@functions
def test_an_exception_is_quoted(check, answer):
    def broken(*args):
        raise ZeroDivisionError("by hand")

    assert "ZeroDivisionError: by hand" in check(broken).message
    assert not check(broken)


@functions
def test_a_wrong_shape_is_named(check, answer):
    verdict = check(lambda *args: np.full((7, 3), 0.123))
    assert not verdict and "shape (7, 3)" in verdict.message


@functions
def test_a_missing_return_is_named(check, answer):
    assert "return" in check(lambda *args: None).message


def test_changing_theta_in_place_is_noticed():
    def in_place(theta, g, learning_rate):
        theta -= learning_rate * g
        return theta

    assert "in place" in ex.check_update(in_place).message


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((0.04, 1 / 13, 12 / 13), "twice that"),
        ((2.0, 1 / 13, 12 / 13), "steepest"),
        ((0.08, 1 / 26, 12 / 13), "the 2 stays"),
        ((0.08, 1 / 13, (12 / 13) ** 2), "square root"),
        ((0.08, 1 / 13, 1 / 13), "part that stays"),
    ],
)
def test_hints_on_rates(answer, hint):
    verdict = ex.check_rates(answer)
    assert not verdict and hint in verdict.message


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda theta, g, eta: theta + eta * g, "climbs"),
        (lambda theta, g, eta: theta - g, "not used"),
        (lambda theta, g, eta: -eta * g, "step alone"),
        (lambda theta, g, eta: theta - eta * g / np.linalg.norm(g), "length 1"),
    ],
)
def test_hints_on_the_update(wrong, hint):
    assert hint in ex.check_update(wrong).message


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda train, x: standardize(x, x), "own mean"),
        (lambda train, x: (x - train.mean(0)) / train.var(0), "variance"),
        (lambda train, x: x / train.std(0), "not subtracted"),
        (lambda train, x: x - train.mean(0), "not divided"),
        (lambda train, x: (x - x.mean(1)[:, None]) / x.std(1)[:, None], "rows"),
        (lambda train, x: np.nan_to_num(_careless(train, x)), "never changes"),
    ],
)
def test_hints_on_scaling(wrong, hint):
    assert hint in ex.check_standardize(wrong).message


def _careless(train, x):
    with np.errstate(divide="ignore", invalid="ignore"):
        return (x - train.mean(0)) / train.std(0)


def test_an_infinite_scale_is_not_right():
    assert not ex.check_standardize(_careless)


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda tau, B, N: tau / np.sqrt(B), "with replacement"),
        (lambda tau, B, N: tau * np.sqrt((N - B) / (B * N)), "batch of one"),
        (lambda tau, B, N: tau / np.sqrt(B) * (N - B) / (N - 1), "correction belongs"),
        (lambda tau, B, N: tau**2 / B * (N - B) / (N - 1), "variance"),
    ],
)
def test_hints_on_the_noise(wrong, hint):
    assert hint in ex.check_noise(wrong).message


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        (lambda H, g: (g @ H @ g) / (g @ g), "reciprocal"),
        (lambda H, g: 2 * rate(H, g), "half as far"),
        (lambda H, g: 2 / np.linalg.eigvalsh(H).sum(), "fixed rate"),
        (lambda H, g: -rate(H, g), "positive"),
    ],
)
def test_hints_on_the_line_search(wrong, hint):
    assert hint in ex.check_line_search(wrong).message


def test_the_expected_noise_is_right_by_enumeration():
    g = np.array([1.0, -2.0, 4.0, 0.5, 3.0])
    for B in range(1, 6):
        means = [np.mean(batch) for batch in itertools.combinations(g, B)]
        np.testing.assert_allclose(noise(g.std(), B, 5), np.std(means), atol=1e-12)
