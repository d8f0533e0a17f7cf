"""Counting: probabilities by hand, sums of 1, and no peeping at what is predicted."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.book.alice import Alphabet, letters
from backprop.book.counting import Counts, KneserNey, tried

ABRA = Alphabet("abracadabra")
TEXT = ABRA.encode("abracadabra")


def by_hand(text, size, order, s, history, c):
    """The formula, with loops."""
    if order < 0:
        return 1 / size
    if order > len(history):
        return by_hand(text, size, order - 1, s, history, c)
    h = list(history[len(history) - order :])
    text = list(text)
    followed = met = 0
    for i in range(order, len(text)):
        if text[i - order : i] == h:
            met += 1
            followed += text[i] == c
    return (followed + s * by_hand(text, size, order - 1, s, history, c)) / (met + s)


def test_a_word_by_hand():
    # After "a" came b, c, d, b; of the eleven letters two are b.
    a, b = ABRA.encode("ab")
    p0 = (2 + 1 / 5) / 12
    assert Counts(TEXT, 5, 0, 1).after(np.array([a]))[b] == pytest.approx(p0)
    assert Counts(TEXT, 5, 1, 1).after(np.array([a]))[b] == pytest.approx((2 + p0) / 5)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 3), st.floats(0.1, 5), st.lists(st.integers(0, 4), min_size=1, max_size=6))
def test_as_the_formula_says(order, s, other):
    counts, other = Counts(TEXT, 5, order, s), np.array(other)
    after = counts.after(other)
    assert after.sum() == pytest.approx(1) and (after > 0).all()
    for c in range(5):
        assert after[c] == pytest.approx(by_hand(TEXT, 5, order, s, other, c))
    p = counts.probabilities(other)
    for i, c in enumerate(other):
        assert p[i] == pytest.approx(by_hand(TEXT, 5, order, s, other[:i], c))
    assert counts.bits(other) == pytest.approx(-sum(map(math.log2, p)) / len(p))


def discounted(text, size, order, d, history, c, top=True):
    """The way of Kneser and Ney, with sets and loops."""
    if order < 0:
        return 1 / size
    shorter = discounted(text, size, order - 1, d, history, c, top=False)
    if order > len(history):
        return shorter
    text, h = list(text), list(history[len(history) - order :])
    begin = 0 if top else 1
    found = [
        tuple(text[i - order - begin : i + 1])
        for i in range(order + begin, len(text))
        if text[i - order : i] == h
    ]
    found = found if top else [*set(found)]
    if not found:
        return shorter
    followed = [seen[-1] for seen in found]
    taken = d * len(set(followed))
    return (max(0, followed.count(c) - d) + taken * shorter) / len(found)


def test_the_way_of_kneser_and_ney_on_a_word_by_hand():
    # Seven different pairs, ab br ra ac ca ad da, and in one of them b comes second. Five letters
    # have a part taken from their counts.
    a, b = ABRA.encode("ab")
    p0 = (1 - 0.5 + 0.5 * 5 / 5) / 7
    assert KneserNey(TEXT, 5, 0, 0.5).after(np.array([a]))[b] == pytest.approx(
        (2 - 0.5 + 0.5 * 5 / 5) / 11
    ), "at the largest k, counts are those of the text"
    # After a: b twice, c, d.
    p1 = (2 - 0.5 + 0.5 * 3 * p0) / 4
    assert KneserNey(TEXT, 5, 1, 0.5).after(np.array([a]))[b] == pytest.approx(p1)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.integers(0, 3), st.floats(0.05, 0.95), st.lists(st.integers(0, 4), min_size=4))
def test_kneser_and_ney_as_the_formula_says(order, d, other):
    counts, other = KneserNey(TEXT, 5, order, d), np.array(other)
    after = counts.after(other)
    assert after.sum() == pytest.approx(1) and (after > 0).all()
    for c in range(5):
        assert after[c] == pytest.approx(discounted(TEXT, 5, order, d, other, c))
    p = counts.probabilities(other)
    for i in range(order, len(other)):
        assert p[i] == pytest.approx(discounted(TEXT, 5, order, d, other[:i], other[i]))


@pytest.mark.parametrize(("kind", "number"), [(Counts, 2.0), (KneserNey, 0.7)])
def test_what_is_counted_once_serves_every_length(kind, number):
    rng = np.random.default_rng(0)
    text, other = rng.integers(3, size=400), rng.integers(3, size=50)
    whole = kind(text, 3, 12, number)
    for k, p in enumerate(whole.lengths(other)):
        shorter = kind(text, 3, k, number)
        np.testing.assert_allclose(p, shorter.probabilities(other), rtol=1e-14)
        whole.order = k
        np.testing.assert_allclose(whole.after(other), shorter.after(other), rtol=1e-14)
        whole.order = 12
    assert whole.lengths(other[:5]).shape == (13, 5)


def test_long_contexts_are_told_apart():
    # 17 letters, and what follows differs with the first of them alone.
    middle = [2, 3] * 8
    text = np.array([0, *middle, 0, 1, *middle, 1, 4])
    p = KneserNey(text, 5, 17, 0.1).after(np.array([0, *middle]))
    assert p[0] > 0.9
    assert KneserNey(text, 5, 16, 0.1).after(np.array([0, *middle]))[0] < 0.5


def test_settings_are_tried_on_another_text_at_the_letters_that_count():
    rng = np.random.default_rng(0)
    text, other, at = rng.integers(3, size=90), rng.integers(3, size=20), np.array([4, 7, 19])
    found = tried(Counts(text, 3, 2, 1.0), (0.5, 2.0), other, at)
    assert found.shape == (2, 3)
    for s, row in zip((0.5, 2.0), found, strict=True):
        for k, bits in enumerate(row):
            p = Counts(text, 3, k, s).probabilities(other)[at]
            assert bits == pytest.approx(-np.log2(p).mean())
    everywhere = tried(KneserNey(text, 3, 2, 0.5), (0.5,), other)[0, 2]
    assert everywhere == pytest.approx(KneserNey(text, 3, 2, 0.5).bits(other))


@pytest.mark.parametrize("counts", [Counts(TEXT, 5, 2, 1), KneserNey(TEXT, 5, 2, 0.5)])
def test_a_letter_does_not_know_itself(counts):
    one = np.array([0, 1, 2, 3])
    other = np.array([0, 1, 2, 4])
    np.testing.assert_array_equal(counts.probabilities(one)[:3], counts.probabilities(other)[:3])


def test_pairs_of_the_book_are_about_as_good_as_with_another_smoothing():
    data = letters()
    pairs = np.full((len(data.alphabet),) * 2, 0.1)
    np.add.at(pairs, (data.train[:-1], data.train[1:]), 1)
    pairs /= pairs.sum(axis=1, keepdims=True)
    simple = -np.log2(pairs[data.validation[:-1], data.validation[1:]]).mean()
    bits = Counts(data.train, len(data.alphabet), 1, 12).bits(data.validation)
    assert bits == pytest.approx(simple, abs=0.02)


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match="Counts: order is -1"):
        Counts(TEXT, 5, -1, 1)
    with pytest.raises(ValueError, match="Counts: strength is 0"):
        Counts(TEXT, 5, 1, 0)
    with pytest.raises(ValueError, match="Counts: text has 11 letters, expected more than 11"):
        Counts(TEXT, 5, 11, 1)
    with pytest.raises(ValueError, match="Counts: text holds classes 0 to 4, expected 0 to 3"):
        Counts(TEXT, 4, 1, 1)
    with pytest.raises(ValueError, match="KneserNey: discount is 1"):
        KneserNey(TEXT, 5, 1, 1)
    with pytest.raises(TypeError, match="Counts: text is a list"):
        Counts([0, 1], 2, 0, 1)
