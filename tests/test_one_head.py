"""What is stored of the networks that were trained for longer is found again."""

import json

import numpy as np
import pytest

from backprop.book import lookup, one_head

FOUND = one_head.stored()


def test_each_stored_share_is_one_of_a_network_with_one_head():
    assert len(FOUND) == one_head.SEEDS
    for each in FOUND:
        assert 0 <= each["both digits"] <= each["other digit"] <= each["better digit"] <= 100


def test_a_network_is_trained_further_from_where_it_stood():
    x, y = lookup.ask_two(np.random.default_rng(10**6), one_head.QUESTIONS)
    assert one_head.longer(1, steps=0) == lookup.named(lookup.trained_for_two(1, 1), x, y)


def test_a_stored_network_is_found_again():
    found = one_head.longer(0)
    for name, share in FOUND[0].items():
        assert found[name] == pytest.approx(share, abs=2), name  # another CPU may differ a little


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(one_head, "SEEDS", 2)
    monkeypatch.setattr(one_head, "told", lambda seeds, tell=one_head.told: tell(seeds, 1))
    one_head.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert len(found) == 2 and found[0].keys() == FOUND[0].keys()
