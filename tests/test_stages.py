"""What is stored of a model that writes as it learns is what the run of the book writes."""

import json
from dataclasses import asdict

import numpy as np

from backprop.book import language, stages
from backprop.book.language import LARGE, Settings

FOUND = stages.stored()
TINY = Settings(8, 1, 2, 6, length=16, batch=1, steps=3, rate=0.1, warmup=1)


def test_each_stage_has_its_text():
    assert FOUND["settings"] == asdict(LARGE)
    assert [row["step"] for row in FOUND["rows"]] == [*stages.STEPS]
    for row in FOUND["rows"]:
        assert row["text"].startswith(stages.BEGIN)
        assert len(row["text"]) == len(stages.BEGIN) + stages.COUNT
    bits = [row["bits"] for row in FOUND["rows"]]
    assert bits == sorted(bits, reverse=True)


def test_the_first_and_the_last_are_those_of_the_run():
    (row,) = stages.told(LARGE, (0,))["rows"]
    first, last = FOUND["rows"][0], FOUND["rows"][-1]
    assert row["text"] == first["text"] and abs(row["bits"] - first["bits"]) < 1e-3
    assert abs(last["bits"] - language.stored()["validation"][0][-1]) < 0.01
    after = language.next_letter(language.stored_model(), LARGE.length)
    alphabet = language.letters().alphabet
    rng = np.random.default_rng(0)
    assert language.continued(after, alphabet, stages.BEGIN, 20, rng) == last["text"][:26]


def test_the_command_trains_between_the_stages(tmp_path, monkeypatch):
    monkeypatch.setattr(language, "LARGE", TINY)
    monkeypatch.setattr(stages, "STEPS", (0, 3))
    monkeypatch.setattr(language, "bits", lambda *given: 1.0)
    stages.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["settings"] == asdict(TINY) and found.keys() == FOUND.keys()
    before, after = found["rows"]
    assert (before["step"], after["step"]) == (0, 3) and before["text"] != after["text"]
    run = language.Training(TINY, 0)
    network = run.finish()
    p = language.next_letter(network, TINY.length)
    rng = np.random.default_rng(0)
    again = language.continued(p, run.alphabet, stages.BEGIN, stages.COUNT, rng)
    assert again == after["text"]
