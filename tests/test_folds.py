"""Ten folds: what is tested once, what is moved by half a pixel, and which epoch is kept."""

import numpy as np
import pytest

from backprop import Split
from backprop.book import folds as ten
from backprop.book import two_sets
from backprop.book.folds import Recipe, folds, images, parts, predicted, shifted, train
from backprop.threads import scipy_pool


def test_every_image_is_tested_once_and_never_by_a_network_that_has_seen_it():
    everything = np.arange(1797)
    assert np.array_equal(np.sort(np.concatenate([test for *_, test in folds()])), everything)
    for triple in folds():
        assert np.array_equal(np.sort(np.concatenate(triple)), everything)
    x, y = images()
    for rows in (test for *_, test in folds()):
        assert np.bincount(y[rows]).min() >= 17
    assert x.shape == (1797, 64) and x.max() == 1


def test_shifts_average_neighbours():
    image = np.arange(64.0).reshape(8, 8) / 64
    copies = shifted(image.reshape(1, 64)).reshape(9, 8, 8)
    assert np.array_equal(copies[0], image)
    middle = slice(1, 7)
    for copy in copies[1:]:
        steps = np.array([copy[3, 3] - image[3, 3], copy[4, 4] - image[4, 4]]) * 64
        assert steps[0] == pytest.approx(steps[1]) and abs(steps[0]) in (0.5, 3.5, 4.0, 4.5)
        assert np.allclose((copy - image)[middle, middle] * 64, steps[0])


def test_the_best_epoch_is_not_worse_than_the_last():
    training, validation, _ = next(parts())
    small = Recipe(width=5, epochs=3, learning_rate=0.5)
    network, (last, best) = train(small, training, validation, 0)
    assert best[0] <= last[0] and np.array_equal(network.theta, last[1])
    again, (same, _) = train(small, training, validation, 0)
    assert same[0] == last[0] and np.array_equal(again.theta, network.theta)
    _, (other, _) = train(Recipe(5, 3, weight_decay=0.1, learning_rate=0.5), *next(parts())[:2], 0)
    assert np.linalg.norm(other[1]) < np.linalg.norm(last[1])


def test_answers_belong_to_their_images():
    found = ten.tested(Recipe(width=5, epochs=1))
    assert found.p.shape == (1797, 10) and np.allclose(found.p.sum(axis=1), 1)
    assert found.stopped is not None and found.stopped.p.shape == found.p.shape
    assert np.array_equal(found.wrong, found.answers != images()[1])
    x, y = images()
    cheat = {row.tobytes(): k for row, k in zip(x, y, strict=True)}
    known = predicted(lambda *_: lambda rows: np.array([cheat[r.tobytes()] for r in rows]))
    assert np.array_equal(known, y)


def test_scipys_threads_wait_while_others_learn():
    seen = set()

    def learn(training, validation):
        seen.update(library.num_threads for library in scipy_pool().libraries)
        return lambda rows: np.zeros(len(rows), dtype=np.int64)

    before = [library.num_threads for library in scipy_pool().libraries]
    predicted(learn)
    assert seen <= {1}
    assert [library.num_threads for library in scipy_pool().libraries] == before


def test_baselines():
    x = np.array([[0.0, 1.0], [0.1, 0.9], [1.0, 0.2], [0.9, 0.6]])
    pair = x, np.array([0, 0, 1, 1])
    assert two_sets.nearest_mean(pair, pair) == 1
    assert two_sets.nearest_mean(pair, (x, np.array([0, 0, 0, 1]))) == 0.75


def test_weights_made_of_two_means():
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 5)), np.array([0, 1] * 4)
    zero, one = x[::2].mean(axis=0), x[1::2].mean(axis=0)
    aside = np.linalg.svd(np.stack([zero, one]))[2][-1]  # at right angles to both
    added = np.stack([2 * zero - one, one, one + np.linalg.norm(one) * aside], axis=1)
    c, explained = two_sets.by_two_means(added, x, y)
    np.testing.assert_allclose(c, [[2, 0, 0], [-1, 1, 1]], atol=1e-12)
    np.testing.assert_allclose(explained, [1, 1, 0.5], atol=1e-12)


def test_units_near_the_line():
    c = np.array([[1.0, -1.0, 1.0, 1.4, 1.6, 1.0, 0.0], [-1.0, 1.0, 1.0, -1.0, -1.0, -1.4, 1.0]])
    with np.errstate(divide="ignore"):
        assert two_sets.near_line(c) == 4
    shares = [(c, np.full(7, 0.9)), (-c[:, :2], np.array([0.5, 0.7]))]
    with np.errstate(divide="ignore"):
        assert two_sets.summary(shares) == ((pytest.approx(0.6), 0.9), (2, 4))


def test_measured_names_each_rate_and_the_control():
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 6)), np.arange(40) % 4
    data = Split(x[:30], y[:30], x[30:], y[30:], (0, 1, 2, 3), (2, 3), "test")
    zeros, ones = x[:30][y[:30] == 0].mean(axis=0), x[:30][y[:30] == 1].mean(axis=0)
    found = two_sets.measured(
        lambda training, test, seed, rate: (rate, 0.0),
        lambda network, seed: (ones - network * zeros)[:, None],
        data, (0, 1), (1.0, 3.0),
    )  # fmt: skip
    assert found[1.0][2:] == (1, 1) and found[3.0][2:] == (0, 0)
    assert found[3.0][0] > 1 - 1e-12 > found["sums"][1]


def test_mnists_ten_thousand_test_images():
    def split(n, m):
        x, y = np.arange(n + m, dtype=float)[:, None], np.arange(n + m)
        return Split(x[:n], y[:n], x[n:], y[n:], tuple(range(10)), (1, 1), "test")

    alone = two_sets.ten_thousand(split(8000, 2000))
    assert len(alone.x_train) == 8000 and alone.y_test[0] == 8000
    whole = two_sets.ten_thousand(split(60, 10_000))
    assert whole.y_train[0] == 60 and len(whole.y_test) == 2000
