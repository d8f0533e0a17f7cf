"""A model of a text: its loss, its gradient, and what counting alone achieves."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.alice import Alphabet, Letters, letters
from backprop.book.letterwise import BITS, Speller, counted

ALPHABET = Alphabet("ab")
SMALL = Letters(ALPHABET.encode("ab" * 200), ALPHABET.encode("ab" * 101), ALPHABET)


def test_counting():
    assert counted(SMALL, 0) == pytest.approx(1)
    assert 0 < counted(SMALL, 1) < 0.01
    data = letters()
    assert counted(data, 1) < counted(data, 0) < np.log2(len(data.alphabet))
    with pytest.raises(ValueError, match="order is 2"):
        counted(SMALL, 2)


def test_the_loss_is_in_bits_and_the_gradient_that_of_the_loss_in_nats():
    model = Speller(SMALL, 0, n_hidden=3)
    model.head.theta[...] = 0
    x = np.array([[0, 1, 0, 1]])
    assert model.forward(x, 1 - x) == pytest.approx(1)
    model = Speller(SMALL, 0, n_hidden=3)
    model.forward(x, 1 - x)
    model.backward(1)
    got = model.reader.dtheta.copy()

    def loss(theta):
        model.reader.theta[...] = theta
        return model.forward(x, 1 - x) / BITS

    start = model.reader.theta.astype(float)
    np.testing.assert_allclose(
        got, gradcheck.central_difference(loss, start, 1e-2), atol=2e-3 * np.abs(got).max() + 1e-4
    )


def test_it_learns_and_writes_what_it_has_learned():
    model, seen = Speller(SMALL, 0, n_hidden=8), []
    before = model.validated()
    model.train(60, watch=seen.append)
    assert seen == list(range(1, 61)) and model.validated() < 0.1 < before
    assert model.write("ab", 6, np.random.default_rng(0), 0.1) == "abababab"


def test_writing_goes_on_from_the_state():
    # One character at a time from a kept state, or the whole text anew: the same predictions.
    model = Speller(SMALL, 1, n_hidden=4)
    text = model.write("ab", 5, np.random.default_rng(3))
    again, rng = "ab", np.random.default_rng(3)
    for _ in range(5):
        h = model.layer.forward(model.one_hot[ALPHABET.encode(again)[None]])
        z = model.head.forward(h[:, -1])[0].astype(float)
        p = np.exp(z - z.max())
        again += "ab"[rng.choice(2, p=p / p.sum())]
    assert again == text
