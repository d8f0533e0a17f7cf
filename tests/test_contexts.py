"""What is stored of contexts of each length is what the stored model needs there."""

import json

import numpy as np
import pytest

from backprop.book import contexts, language
from backprop.book.alice import letters

FOUND = contexts.stored()


def test_each_length_has_its_bits():
    assert FOUND["lengths"] == [*contexts.LENGTHS]
    assert len(FOUND["network"]) == len(FOUND["mixed"]) == len(FOUND["lengths"])
    assert max(FOUND["lengths"]) == language.LARGE.length


def test_only_so_many_letters_are_read():
    network, text = language.stored_model(), letters().validation[:40]
    at = np.array([5, 20, 39])
    found = contexts.chances(network, text, at, 5)
    for p, place in zip(found, at, strict=True):
        z = network.forward(text[None, place - 5 : place])[0, -1]
        e = np.exp(z - z.max())
        assert p == pytest.approx(e[text[place]] / e.sum(), rel=1e-9)
    changed = text.copy()
    changed[14] = (changed[14] + 1) % 70
    np.testing.assert_allclose(contexts.chances(network, changed, at, 5), found)
    with pytest.raises(ValueError, match="expected places from 6"):
        contexts.chances(network, text, at, 6)


def test_what_is_stored_is_what_the_model_needs():
    again = contexts.told(language.stored_model(), (1, 4))
    for k, at in enumerate((0, 3)):
        assert again["network"][k] == pytest.approx(FOUND["network"][at], abs=0.002)
        assert again["mixed"][k] == pytest.approx(FOUND["mixed"][at], abs=0.002)


def test_the_command_writes_the_lengths(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(contexts, "LENGTHS", (1, 2))
    told = contexts.told
    monkeypatch.setattr(contexts, "told", lambda *given, **more: told(*given, every=60, **more))
    contexts.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == FOUND.keys() and found["lengths"] == [1, 2]
    assert found["network"][0] > found["network"][1]
    assert "2 letters" in capsys.readouterr().out
