"""What is stored of the means of models' probabilities is what the stored model says."""

import json

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


def test_the_stored_runs_are_those_of_the_curves():
    last = [run[-1] for run in language.stored()["validation"]]
    np.testing.assert_allclose(FOUND["alone"], last, atol=0.002)
    both = FOUND["with Kneser-Ney"]
    assert len(both) == 10 and max(both) < min(last)


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
    assert found["letters"] == len(language.asked(data.validation[:3000], 16))
