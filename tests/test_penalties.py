"""Ridge penalties: the fit, the hypergradient, and the descent unrolled."""

import numpy as np
import pytest

from backprop.autodiff import implicit_vjp
from backprop.autodiff.gradcheck import check_gradient
from backprop.book import penalties as p


@pytest.fixture(scope="module")
def parts():
    return p.diabetes(0, valid=40)


def test_the_split_is_random_repeatable_and_scaled(parts):
    X, y = parts.train
    assert X.shape == (60, 40) and y.shape == (60,)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(X.std(axis=0), 1)
    np.testing.assert_array_equal(p.diabetes(0, valid=40).valid[0], parts.valid[0])
    assert not np.array_equal(p.diabetes(1, valid=40).valid[0], parts.valid[0])
    larger = p.diabetes(0, valid=160)
    for part in ("train", "test"):  # the same people judge, whatever the validation set
        np.testing.assert_array_equal(getattr(larger, part)[0], getattr(parts, part)[0])
    assert len(larger.test[1]) == 200 and 60 + 160 + 200 <= 442


def test_the_fitted_weights_are_a_minimum(parts):
    s = np.linspace(-3, 1, 40)
    w, (X, y) = p.fitted(s, parts.train), parts.train
    np.testing.assert_allclose(X.T @ (X @ w - y) / 60 + np.exp(s) * w, 0, atol=1e-12)


def test_the_hypergradient(parts):
    s = np.linspace(-3, 1, 40)

    def loss(t):
        X, y = parts.valid
        return ((X @ p.fitted(t, parts.train) - y) ** 2).mean() / 2

    found = p.hypergradient(s, parts.train, parts.valid)
    check_gradient(loss, s, found).raise_if_off()
    around = p.differences(s, parts.train, parts.valid)
    assert 0 < p.off(around, found) < 1e-7 and p.off(2 * found, found) == pytest.approx(1)
    assert p.error(p.fitted(s, parts.train), parts.valid) == pytest.approx(loss(s))
    (X, y), (V, target) = parts.train, parts.valid
    w = p.fitted(s, parts.train)
    by_tape = implicit_vjp(
        lambda w, t: X.T @ (X @ w - y) / 60 + np.exp(t) * w, w, s, V.T @ (V @ w - target) / 40
    )
    np.testing.assert_allclose(found, by_tape, rtol=1e-9, atol=1e-14)


def test_unrolled_descent_is_differentiated_step_by_step(parts):
    s = np.full(40, -2.0)
    rate = 1 / np.linalg.eigvalsh(p.curvature(s, parts.train[0]))[-1]
    weights, by_steps = p.unrolled(s, parts.train, parts.valid, 2000)

    def loss(t):
        X, y = parts.train
        H, w = p.curvature(t, X), np.zeros(40)
        for _ in range(7):
            w = w - rate * (H @ w - X.T @ y / 60)
        V, target = parts.valid
        return ((V @ w - target) ** 2).mean() / 2

    check_gradient(loss, s, by_steps[6]).raise_if_off()
    assert p.error(weights[6], parts.valid) == pytest.approx(loss(s))
    np.testing.assert_allclose(weights[-1], p.fitted(s, parts.train), rtol=1e-7, atol=1e-12)
    right = p.hypergradient(s, parts.train, parts.valid)
    np.testing.assert_allclose(by_steps[-1], right, rtol=1e-7, atol=1e-12)


def test_penalties_are_chosen_on_the_validation_people(parts):
    def missed(s):
        return p.error(p.fitted(s, parts.train), parts.valid)

    one = p.common(parts)
    assert len(set(one)) == 1 and one[0] in p.GRID
    assert missed(one) == min(missed(np.full(40, g)) for g in p.GRID)
    each = p.descended(one, parts, steps=5)
    step = one - p.RATE * p.hypergradient(one, parts.train, parts.valid)
    np.testing.assert_array_equal(p.descended(one, parts, steps=1), step)
    assert missed(each) < missed(one) and len(set(each)) == 40


def test_the_search_that_stops_is_compared_with_the_fitted_weights():
    parts, s = p.diabetes(2), np.full(40, -2.0)
    right = p.hypergradient(s, parts.train, parts.valid)
    weights, slopes = p.unrolled(s, parts.train, parts.valid, 30)
    said, through = p.stopped(2, -2.0, 30)
    assert through[29] == p.off(slopes[29], right)
    at = p.by_equation(weights[29], s, parts.train, parts.valid)
    assert said[29] == p.off(at, right) > 0
    w = p.fitted(s, parts.train)
    np.testing.assert_array_equal(p.by_equation(w, s, parts.train, parts.valid), right)


def test_both_choices_are_fitted_to_none_who_chose_and_judged_by_others():
    parts = p.diabetes(3, 40)
    one = p.common(parts)
    each = [p.fitted(s, parts.train) for s in (one, p.descended(one, parts))]
    chosen, judged = p.tried(3, 40)
    np.testing.assert_array_equal(chosen, [p.error(w, parts.valid) for w in each])
    np.testing.assert_array_equal(judged, [p.error(w, parts.test) for w in each])
