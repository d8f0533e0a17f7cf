"""What is stored of ten runs' knowledge is what the stored model says, sorted as is said."""

import json

import numpy as np
import pytest

from backprop.activations import softmax
from backprop.book import knowing, language
from backprop.book.alice import Alphabet, Letters, letters
from backprop.book.language import LARGE

FOUND = knowing.stored()


@pytest.fixture(scope="module")
def at():
    return language.asked(letters().validation, LARGE.length)


def test_places_are_sorted_by_what_is_known_before_the_letter_comes():
    alphabet = Alphabet("ab ,\n")
    text = "ba, b\na,b  a"
    data = Letters(alphabet.encode("ab"), alphabet.encode(text), alphabet)
    at = np.arange(1, len(text))
    found = knowing.places(data, at)
    assert list(found) == list(knowing.PLACES)
    np.testing.assert_array_equal(sum(kind.astype(int) for kind in found.values()), 1)
    named = {int(at[k]): name for name, kind in found.items() for k in np.flatnonzero(kind)}
    assert named[1] == "other" and named[3] == "mark" and named[4] == "space"
    assert named[6] == "space", "a new line counts as a space"


def test_what_comes_next_does_not_change_the_place(at):
    data = letters()
    other = data.validation.copy()
    other[500] = (other[500] + 1) % len(data.alphabet)
    before = knowing.places(data, np.array([500]))
    after = knowing.places(data._replace(validation=other), np.array([500]))
    assert all(before[name] == after[name] for name in before)


def test_near_reads_nine_letters_alone():
    network, text = language.stored_model(), letters().validation[:80]
    p = knowing.near(network, text, np.array([9, 40, 79]))
    for k, mine in zip((9, 40, 79), p, strict=True):
        z = network.forward(text[None, k - 9 : k])[0, -1:]
        assert mine == pytest.approx(softmax(z)[0, text[k]])
    moved = text.copy()
    moved[:31] = moved[30::-1]
    assert knowing.near(network, moved, np.array([40]))[0] == pytest.approx(p[1])


def test_the_stored_bits_are_those_of_the_stored_model(at):
    data, network = letters(), language.stored_model()
    kinds = knowing.places(data, at)
    assert [int(kind.sum()) for kind in kinds.values()] == FOUND["letters"]
    marked = kinds["mark"]
    p = knowing.near(network, data.validation, at[marked])
    k = knowing.PLACES.index("mark")
    assert -np.log2(p).mean() == pytest.approx(FOUND["near"][0][k], abs=0.005)


def test_the_stored_runs_are_those_of_the_curves():
    share = np.array(FOUND["letters"]) / sum(FOUND["letters"])
    last = [run[-1] for run in language.stored()["validation"]]
    np.testing.assert_allclose(np.array(FOUND["model"]) @ share, last, atol=0.002)
    assert np.shape(FOUND["near"]) == (10, 3)
    for name in ("with Kneser-Ney", "with another run"):
        assert len(FOUND[name]) == 10 and max(FOUND[name]) < min(last)


def test_the_command_asks_each_run(tmp_path, monkeypatch):
    small = language.Settings(8, 1, 2, 6, length=16, batch=1, steps=1, rate=0.1, warmup=1)
    monkeypatch.setattr(language, "LARGE", small)
    data = letters()
    monkeypatch.setattr(
        knowing, "letters", lambda: data._replace(validation=data.validation[:3000])
    )
    paths = [tmp_path / f"w{k}.npz" for k in range(2)]
    for k, path in enumerate(paths):
        network = language.transformer(70, small, np.random.default_rng(k))
        np.savez(path, theta=network.theta.astype(np.float16))
    kneser_ney = language.kneser_ney()
    monkeypatch.setattr(language, "kneser_ney", lambda: kneser_ney)
    knowing.main([str(tmp_path / "found.json"), *map(str, paths)])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == FOUND.keys() and np.shape(found["model"]) == (2, 3)
    assert found["with another run"][0] == found["with another run"][1]
    assert sum(found["letters"]) == len(language.asked(data.validation[:3000], 16))
