"""Ridge penalties: the fit, the hypergradient, and the choice."""

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
    np.testing.assert_array_equal(larger.train[0], X)  # whatever the validation set
    np.testing.assert_array_equal(larger.valid[0][:40], parts.valid[0])
    assert len(larger.valid[1]) == 160


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


def test_unrolling_is_exact_for_the_steps_and_tends_to_the_hypergradient(parts):
    s = np.linspace(-3, 1, 40)
    few = p.unrolled(s, parts.train, parts.valid, 3)
    X, y = parts.valid

    def loss(t):
        return ((X @ p.stepped(t, parts.train, 3) - y) ** 2).mean() / 2

    check_gradient(loss, s, few).raise_if_off()
    w, right = p.fitted(s, parts.train), p.hypergradient(s, parts.train, parts.valid)
    assert p.off(p.stepped(s, parts.train, 2000), w) < 1e-9
    assert p.off(p.unrolled(s, parts.train, parts.valid, 2000), right) < 1e-8 < p.off(few, right)
