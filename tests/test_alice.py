"""The text of the language models: whole, in its alphabet, cut where it says."""

import hashlib

import numpy as np
import pytest

from backprop.book.alice import Alphabet, letters, passages, text


def test_both_books_are_whole_and_nothing_else_is_there():
    assert len(text()) == 301_960
    assert text().startswith("CHAPTER I. Down the Rabbit-Hole\n\nAlice was beginning to get very")
    assert text().endswith("Life, what is it but a dream?\n")
    assert text().count("CHAPTER") == 24
    assert "Gutenberg" not in text() and "  " not in text() and "\n\n\n" not in text()
    digest = "531d85e88c606915cedbc67d6086daec9b56db32ca0fd7d7eaf294fc866b6a08"
    assert hashlib.sha256(text().encode()).hexdigest() == digest


def test_letters_are_numbers_of_the_alphabet_and_the_last_tenth_is_apart():
    train, validation, alphabet = letters()
    assert (len(train), len(validation), len(alphabet)) == (271_764, 30_196, 70)
    assert alphabet.decode(train[:14]) == "CHAPTER I. Dow"
    assert alphabet.decode(np.concatenate((train, validation))) == text()
    assert train.max() < 70 and train.min() == 0
    with pytest.raises(ValueError, match="read-only"):
        train[0] = 1


def test_an_alphabet_goes_there_and_back():
    alphabet = Alphabet("hello")
    assert alphabet.characters == "ehlo"
    assert alphabet.encode("hole").tolist() == [1, 3, 2, 0]
    assert alphabet.decode([1, 3, 2, 0]) == "hole"


def test_wrong_arguments_are_named():
    alphabet = Alphabet("hello")
    with pytest.raises(ValueError, match=r"Alphabet.encode: text has 'x', expected characters of"):
        alphabet.encode("hex")
    with pytest.raises(ValueError, match=r"Alphabet.decode: numbers has -1, expected 0 to 3"):
        alphabet.decode([0, -1])
    with pytest.raises(ValueError, match="Alphabet: text is empty"):
        Alphabet("")
    with pytest.raises(TypeError, match="Alphabet: text is a bytes"):
        Alphabet(b"hello")
    with pytest.raises(ValueError, match="numbers has 5 characters, expected more than length=5"):
        passages(np.arange(5), 1, 5, np.random.default_rng(0))
    with pytest.raises(ValueError, match="batch"):
        passages(np.arange(5), 0, 2, np.random.default_rng(0))


def test_a_passage_is_followed_by_its_next_character_and_every_start_is_drawn():
    x, y = passages(np.arange(7), 500, 5, np.random.default_rng(0))
    assert x.shape == y.shape == (500, 5)
    assert (y == x + 1).all()
    assert set(x[:, 0]) == {0, 1}
