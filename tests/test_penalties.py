"""Ridge penalties: the hypergradient, the descent unrolled, and the three ways to choose."""

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
    by_steps, *by_equation = p.unrolled(s, parts.train, parts.valid, rate, 2000)

    def loss(t):
        X, y = parts.train
        A, w = p.curvature(t, X), 0
        for _ in range(7):
            w = w - rate * (A @ (w * np.ones(40)) - X.T @ y / 60)
        V, target = parts.valid
        return ((V @ w - target) ** 2).mean() / 2

    check_gradient(loss, s, by_steps[6]).raise_if_off()
    right = p.hypergradient(s, parts.train, parts.valid)
    for found in (by_steps, *by_equation):
        np.testing.assert_allclose(found[-1], right, rtol=1e-7, atol=1e-12)


def test_the_equation_gets_as_many_steps_for_u_as_the_descent_for_w(parts):
    s = np.linspace(-3, 1, 40)
    (X, y), (V, target), A = parts.train, parts.valid, p.curvature(s, parts.train[0])
    rate = 1 / np.linalg.eigvalsh(A)[-1]
    w, u = np.zeros(40), np.zeros(40)
    for _ in range(5):
        w = w - rate * (A @ w - X.T @ y / 60)
    v = V.T @ (V @ w - target) / 40
    for _ in range(5):
        u = u - rate * (A @ u - v)
    _, stepped, solved = p.unrolled(s, parts.train, parts.valid, rate, 5)
    np.testing.assert_allclose(stepped[-1], -u * np.exp(s) * w, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(solved[-1], -np.linalg.solve(A, v) * np.exp(s) * w)


def test_parts_together(parts):
    X, y = p.together(parts.train, parts.valid)
    assert X.shape == (100, 40) and y.shape == (100,)
    np.testing.assert_array_equal(X[60:], parts.valid[0])
    np.testing.assert_array_equal(y[:60], parts.train[1])


def test_each_way_returns_the_best_that_it_tried(parts):
    def missed(s):
        return p.error(p.fitted(s, parts.train), parts.valid)

    one = p.one_penalty(parts, 20)
    assert len(one) == 40 and len(set(one)) == 1
    assert missed(one) == min(missed(np.full(40, s)) for s in np.linspace(p.LOW, p.HIGH, 20))
    first, best = (p.random_penalties(parts, n, np.random.default_rng(0)) for n in (1, 30))
    assert missed(best) <= missed(first)
    start = np.full(40, p.START)
    np.testing.assert_array_equal(p.descended(parts, 2), start)
    assert missed(p.descended(parts, 40)) < 0.8 * missed(start)
