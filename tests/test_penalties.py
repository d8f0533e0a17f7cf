"""Ridge penalties: the fit, the hypergradient, and the choice."""

import numpy as np
import pytest

from backprop.autodiff import implicit_vjp
from backprop.autodiff.gradcheck import check_gradient
from backprop.autodiff.tape import grad
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


@pytest.mark.parametrize("pairs_of", [p.held_out, p.folds])
def test_penalties_are_chosen_by_the_mean_error_of_those_held_out(parts, pairs_of):
    pairs = pairs_of(parts)

    def missed(s):
        misses = [X @ p.fitted(s, train) - y for train, (X, y) in pairs]
        return np.mean([(miss**2).mean() / 2 for miss in misses])

    one = p.common(pairs)
    assert len(set(one)) == 1 and one[0] in p.GRID
    assert missed(one) == min(missed(np.full(40, g)) for g in p.GRID)
    assert p.chosen_by(one, pairs) == missed(one)
    slope = np.mean([p.hypergradient(one, *pair) for pair in pairs], axis=0)
    check_gradient(missed, one, slope).raise_if_off()
    np.testing.assert_array_equal(p.descended(one, pairs, steps=1), one - p.RATE * slope)
    each = p.descended(one, pairs, steps=5)
    assert missed(each) < missed(one) and len(set(each)) == 40


def test_in_the_folds_everybody_is_held_out_once(parts):
    X, y = p.everyone(parts)
    assert X.shape == (100, 40) and len(y) == 100
    pairs = p.folds(parts)
    assert len(pairs) == 5
    for (fit, fit_y), (out, out_y) in pairs:
        assert len(fit) == len(fit_y) == 80 and len(out) == len(out_y) == 20
        rows = np.vstack([fit, out])
        np.testing.assert_array_equal(np.sort(rows, axis=0), np.sort(X, axis=0))
    held = np.concatenate([out_y for _, (_, out_y) in pairs])
    np.testing.assert_array_equal(np.sort(held), np.sort(y))


def test_all_choices_are_judged_by_people_who_took_no_part():
    parts = p.diabetes(3, 40)
    chosen, judged, noise = p.tried(3, 40)
    for k, (pairs, people) in enumerate(
        ((p.held_out(parts), parts.train), (p.folds(parts), p.everyone(parts)))
    ):
        one = p.common(pairs)
        both = [one, p.descended(one, pairs)]
        at = slice(2 * k, 2 * k + 2)
        np.testing.assert_array_equal(judged[at], [p.error(p.fitted(s, people), parts.test)
                                                   for s in both])  # fmt: skip
        np.testing.assert_array_equal(chosen[at], [p.chosen_by(s, pairs) for s in both])
        weights = [p.fitted(s, people)[10:] for s in both]
        np.testing.assert_allclose(noise[at], [np.linalg.norm(w) for w in weights])
    w = p.fitted(p.common(p.held_out(parts)), parts.train)
    assert chosen[0] == p.error(w, parts.valid)  # those who chose, and were not fitted to


@pytest.mark.long
def test_of_few_people_many_penalties_fit_those_who_choose_them():
    found = np.array([p.tried(split, 50) for split in range(20)])
    expected = [[0.310, 0.189, 0.292, 0.221], [0.335, 0.318, 0.309, 0.311]]
    np.testing.assert_allclose(np.median(found[:, :2], axis=0), expected, atol=1e-3)
    assert [(found[:, 1, k + 1] < found[:, 1, k]).sum() for k in (0, 2)] == [13, 5]


def test_the_network_is_at_a_minimum_with_its_hessian():
    parts = p.diabetes(0, noise=0)
    loss = p.penalized(0.05, parts.train)
    w = p.trained(0.05, parts.train)
    assert w.shape == (p.WEIGHTS,) == (97,)
    np.testing.assert_allclose(grad(loss)(w), 0, atol=1e-12)
    H = p.hessian(loss, w)
    np.testing.assert_allclose(H, H.T, atol=1e-12)
    assert np.linalg.eigvalsh(H)[0] > 0
    X, y = parts.train
    z = np.tanh(X @ w[:80].reshape(10, 8) + w[80:88]) @ w[88:96] + w[96]
    assert p.missed(w, parts.train) == pytest.approx(p.error(np.ones(1), (z[:, None], y)))
