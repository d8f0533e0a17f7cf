"""Ten folds: what is tested once, and what is moved by half a pixel."""

import numpy as np
import pytest

from backprop.activations import softmax
from backprop.book import folds as ten
from backprop.book.folds import Recipe, blocks, folds, images, parts, predicted, shifted, train
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


def test_blocks_follow_the_file_and_each_is_tested_once():
    from sklearn.datasets import load_digits

    x, _ = images()
    assert np.array_equal(x[np.concatenate(blocks())] * 16, load_digits().data)
    for block, triple in zip(blocks(), folds(None), strict=True):
        assert np.array_equal(triple[2], block)
        assert np.array_equal(np.sort(np.concatenate(triple)), np.arange(1797))


def test_shifts_average_neighbours():
    image = np.arange(64.0).reshape(8, 8) / 64
    copies = shifted(image.reshape(1, 64)).reshape(9, 8, 8)
    assert np.array_equal(copies[0], image)
    middle = slice(1, 7)
    for copy in copies[1:]:
        steps = np.array([copy[3, 3] - image[3, 3], copy[4, 4] - image[4, 4]]) * 64
        assert steps[0] == pytest.approx(steps[1]) and abs(steps[0]) in (0.5, 3.5, 4.0, 4.5)
        assert np.allclose((copy - image)[middle, middle] * 64, steps[0])


def test_a_network_is_repeatable_and_smaller_with_decay():
    training, validation, _ = next(parts())
    small = Recipe(width=5, epochs=3, learning_rate=0.5)
    network, loss = train(small, training, validation, 0)
    (x, y), z = validation, network.forward(validation[0])
    assert loss == pytest.approx(-np.log(softmax(z))[np.arange(len(x)), y].mean())
    again, same = train(small, training, validation, 0)
    assert same == loss and np.array_equal(again.theta, network.theta)
    recipe = Recipe(5, 3, weight_decay=0.1, learning_rate=0.5)
    other, _ = train(recipe, training, validation, 0)
    assert np.linalg.norm(other.theta) < np.linalg.norm(network.theta)


def test_answers_belong_to_their_images():
    found = ten.tested(Recipe(width=5, epochs=1))
    assert found.p.shape == (1797, 10) and np.allclose(found.p.sum(axis=1), 1)
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
