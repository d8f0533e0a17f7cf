"""The listing with any of its ten faults: what each one changes, and what is stored."""

import json
from itertools import product

import numpy as np
import pytest

from backprop.book import ten_faults
from backprop.book.ten_faults import (
    BIASES,
    COINS,
    DRAWS,
    DROPPED,
    FIXES,
    KEPT,
    LARGE,
    LINEAR,
    OVER,
    SCORE,
    SIGN,
    STARTS,
    STOPS,
    SUM,
    TRAINED,
    TWICE,
    compass,
    run,
    stored,
    told,
)

SAMPLE = (
    (), (BIASES,), (SUM,), (LINEAR, SIGN),
    *(
        pytest.param(left_in, marks=pytest.mark.long)
        for left_in in (
            (COINS,), (TWICE,), (SIGN,), (LARGE, COINS), (TWICE, BIASES), (SIGN, COINS, BIASES),
            (COINS, TWICE, BIASES), (LINEAR, SIGN, SUM, LARGE, COINS, TWICE, BIASES),
        )
    ),
)  # fmt: skip
"""Subsets that are computed anew: none of them hangs on the last bits of a sum."""


def readings(*faults):
    return np.array([compass(frozenset(faults), seed) for seed in range(5)]).reshape(-1, 2)


def test_the_faults_are_numbered_as_they_are_mended():
    named = dict(zip(range(1, 11), FIXES, strict=True))
    assert (named[STOPS], named[LINEAR], named[SUM]) == ("chain rule", "sigmoid", "mean")
    assert (named[COINS], named[SCORE], named[BIASES]) == ("digits", "score", "biases")
    assert {STOPS, DROPPED, SCORE} | set(TRAINED) == set(named)


def test_the_compass_names_the_faults_of_the_gradient_and_no_others():
    np.testing.assert_allclose(readings(), 1, rtol=1e-10)
    np.testing.assert_allclose(readings(LARGE, COINS, TWICE, BIASES, DROPPED, SCORE), 1, rtol=1e-10)
    np.testing.assert_allclose(readings(SIGN), [[-1, 1]] * 10, rtol=1e-10)
    np.testing.assert_allclose(readings(SUM), [[1, 5]] * 10, rtol=1e-10)
    assert np.ptp(readings(LINEAR)[:, 0]) > 0.1


@pytest.mark.parametrize("others", [*product((False, True), repeat=2)])
def test_without_the_chain_rule_the_first_update_stops(others):
    coins, biases = others
    left_in = {STOPS, *[COINS] * coins, *[BIASES] * biases}
    shapes = rf"\({784 + (not biases)},100\) \({200 if coins else 90},2\)"
    with pytest.raises(ValueError, match=f"not be broadcast together with shapes {shapes}"):
        run(frozenset(left_in), 0)


def test_two_faults_change_no_run():
    plain, read_otherwise = run(frozenset(), 3), run(frozenset({DROPPED, SCORE}), 3)
    np.testing.assert_array_equal(plain.losses, read_otherwise.losses)
    assert plain[1:] == read_otherwise[1:]


def test_the_listing_gives_a_half_and_coins_are_learned_by_heart():
    right, coins = run(frozenset(), 0), run(frozenset({COINS}), 0)
    assert right.new > 0.98 and abs(right.listing - 0.5) < 0.02
    assert coins.own > 0.8 and abs(coins.new - 0.5) < 0.15


def test_the_rows_stand_in_the_order_of_the_subsets():
    every = [*ten_faults.subsets()]
    assert len(set(every)) == 2 ** len(TRAINED) and every[0] == frozenset()
    assert every[1] == {BIASES} and every[-1] == set(TRAINED)


def test_what_is_stored_is_whole_and_light():
    kept = stored()
    assert kept["settings"] == {"starts": STARTS, "updates": 100, "rate": 0.1}
    assert np.shape(kept["losses"]) == (128, len(KEPT)) and np.shape(kept["compass"]) == (128, 4)
    for name in ("listing", "new", "own"):
        assert np.shape(kept[name]) == (128, STARTS)
        assert 0 <= np.min(kept[name]) and np.max(kept[name]) <= 100
    assert all(v is None or 0 <= v <= OVER for row in kept["losses"] for v in row)
    assert len(json.dumps(kept, separators=(",", ":"))) < 30_000


@pytest.mark.parametrize("left_in", SAMPLE, ids=str)
def test_a_dozen_subsets_are_computed_anew(left_in):
    again = ten_faults._row(frozenset(left_in), STARTS)
    k = [*ten_faults.subsets()].index(frozenset(left_in))
    for name in ("listing", "new", "own"):
        np.testing.assert_allclose(np.median(again[name]), np.median(stored()[name][k]), atol=2.5)
    for name, slack in (("losses", 0.03), ("compass", 0.02)):
        found, kept = (np.array(v, dtype=float) for v in (again[name], stored()[name][k]))
        np.testing.assert_allclose(found, kept, rtol=slack, atol=3)


def test_the_command_stores_each_subset(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(ten_faults, "subsets", lambda: [frozenset({SUM})])
    monkeypatch.setattr(ten_faults, "STARTS", 1)
    ten_faults.main([str(tmp_path / "found.json")])
    assert capsys.readouterr().out.startswith("[5]: ")
    found = json.loads((tmp_path / "found.json").read_text())
    assert found.keys() == stored().keys() and found["compass"] == [[100, 100, 500, 500]]
    assert found == told(1) and DRAWS == 20
