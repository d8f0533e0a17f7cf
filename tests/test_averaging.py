"""What is stored of the means of models' probabilities is what the stored model says."""

import json
import re

import numpy as np
import pytest

from backprop.book import averaging, language
from backprop.book.alice import letters
from backprop.book.language import LARGE

FOUND = averaging.stored()


def test_the_mean_of_two_is_that_of_their_probabilities():
    p, q = np.array([0.5, 0.1]), np.array([0.25, 0.9])
    assert averaging.bits(p) == pytest.approx(-np.log2(p).mean(), abs=5e-5)
    assert averaging.bits(p, q) == pytest.approx(-np.log2([0.375, 0.5]).mean(), abs=5e-5)


def test_the_stored_bits_are_those_of_the_stored_model():
    text = letters().validation
    p, at = language.chances(language.stored_model(), text, LARGE.length)
    assert len(at) == FOUND["letters"]
    best = language.counted()["Kneser-Ney"].best.probabilities(text)[at]
    # Another CPU may round otherwise.
    assert averaging.bits(p) == pytest.approx(FOUND["alone"][0], abs=0.005)
    assert averaging.bits(p, best) == pytest.approx(FOUND["with Kneser-Ney"][0], abs=0.005)


def test_words_are_counted_in_the_training_text():
    data, times = letters(), averaging.often(letters())
    text = data.alphabet.decode(data.validation)
    known = re.split("[^a-z]+", data.alphabet.decode(data.train).lower())
    for place in range(0, len(text), 997):
        if text[place].isalpha():
            first = re.search("[A-Za-z]*\\Z", text[:place])[0]
            word = (first + re.match("[A-Za-z]*", text[place:])[0]).lower()
            assert times[place] == known.count(word)
        else:
            assert times[place] == -1


def test_the_groups_share_all_letters_and_their_bits_make_up_the_score():
    groups = FOUND["words"].values()
    shares = np.array([row["share"] for row in groups])
    assert shares.sum() == pytest.approx(1, abs=2e-4)
    for name in ("alone", "with Kneser-Ney"):
        rows = np.array([row[name] for row in groups])
        np.testing.assert_allclose(shares @ rows, FOUND[name], atol=1e-3)


def test_the_groups_and_places_by_hand():
    runs = np.array([[0.5, 0.25, 0.5, 0.1], [0.5, 0.125, 0.5, 0.2]])
    best, times = np.array([0.25, 0.5, 0.5, 0.5]), np.array([-1, 2, 200, 4])
    found = averaging.grouped(runs, best, times)
    assert found["0 to 3 times"] == {
        "share": 0.25, "alone": [2, 3], "Kneser-Ney": 1,
        "with Kneser-Ney": [averaging.bits([0.375]), averaging.bits([0.3125])],
    }  # fmt: skip
    assert found["between words"]["alone"] == [1, 1]
    data, at = letters(), np.array([100, 200, 300, 400])
    places = averaging.apart(runs, best, at, data)
    assert [row[2:] for row in places["Kneser-Ney"][:2]] == [(0.15, 0.5), (0.1875, 0.5)]
    assert places["networks"][0][2:] == (0.5, 0.25)
    text = data.alphabet.decode(data.validation)
    before, came, *_ = places["networks"][0]
    assert text.startswith(before + came, 100 - averaging.BEFORE)


def test_the_nearest_vector_has_the_largest_cosine():
    table = language.stored_model().parameters["tied1.embedding1.W"]
    data = letters()
    found = averaging.nearest(table, data)
    assert {k: v[0] for k, v in found.items()} == {k: v[0] for k, v in FOUND["nearest"][0].items()}
    i, j = (data.alphabet.characters.index(c) for c in "?!")
    cosine = table[i] @ table[j] / np.linalg.norm(table[i]) / np.linalg.norm(table[j])
    assert found["?"] == ("!", pytest.approx(cosine, abs=0.006))
    assert "q" in found and "1" not in found


def test_the_stored_runs_are_those_of_the_curves():
    last = [run[-1] for run in language.stored()["validation"]]
    np.testing.assert_allclose(FOUND["alone"], last, atol=0.002)
    for name, count in (("with Kneser-Ney", 10), ("with another run", 45)):
        assert len(FOUND[name]) == count and max(FOUND[name]) < min(last)
    assert FOUND["all runs"] < min(FOUND["with another run"])


def test_the_command_asks_each_run(tmp_path, monkeypatch):
    small = language.Settings(8, 1, 2, 6, length=16, batch=1, steps=1, rate=0.1, warmup=1)
    data, counted = letters(), language.counted()
    monkeypatch.setattr(language, "LARGE", small)
    monkeypatch.setattr(language, "counted", lambda: counted)
    monkeypatch.setattr(
        averaging, "letters", lambda: data._replace(validation=data.validation[:3000])
    )
    paths = [tmp_path / f"w{k}.npz" for k in range(2)]
    for k, path in enumerate(paths):
        network = language.transformer(70, small, np.random.default_rng(k))
        np.savez(path, theta=network.theta.astype(np.float16))
    averaging.main([str(tmp_path / "found.json"), *map(str, paths)])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == FOUND.keys() and len(found["alone"]) == 2
    assert found["with another run"] == [found["all runs"]]
    assert found["letters"] == len(language.asked(data.validation[:3000], 16))
