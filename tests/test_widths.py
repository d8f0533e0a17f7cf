"""What is stored of the networks at several widths is found again."""

import copy
import json

import numpy as np
import pytest

from backprop.book import lookup, widths

FOUND = widths.stored()


def test_ten_networks_of_each_kind_at_each_width():
    assert tuple(FOUND) == widths.KINDS
    for shares in FOUND.values():
        assert np.shape(shares) == (len(widths.WIDTHS), widths.SEEDS)
        assert 0 < np.min(shares) and np.max(shares) <= 100


def test_a_share_is_that_of_the_right_answers():
    test = lookup.draw(np.random.default_rng(10**6), 50)
    (share,) = lookup.learned(3, 8, [5], test, divide=False, slower=8**0.5)
    assert widths.right(widths.KINDS[2], 3, 8, 5, 50) == pytest.approx(100 * share)


@pytest.mark.parametrize("kind", widths.KINDS)
def test_a_stored_network_is_found_again(kind):
    for place, d in enumerate(widths.WIDTHS[:3]):
        found = widths.right(kind, 0, d)
        assert found == pytest.approx(FOUND[kind][place][0], abs=5)  # another CPU differs


def test_only_the_division_serves_every_width():
    divided, undivided, slower = map(np.array, FOUND.values())
    assert divided.min() > 99
    assert (np.diff(np.median(undivided, axis=1)) < -3).all()
    assert (np.median(slower, axis=1) < np.median(undivided, axis=1)).all()


def test_the_division_tames_the_start_and_the_step():
    divided, undivided, slower = widths.KINDS
    (near, step, small), (far, leap, large) = (widths.begins(divided, 0, d) for d in (16, 256))
    assert 0.6 < far / near < 1.5 and 2.5 < leap / step < 5  # the step grows as √d
    assert 0.5 < large / small < 2
    (near, step, large), (far, leap, small) = (widths.begins(undivided, 0, d) for d in (16, 256))
    assert 3 < far / near < 6 and 8 < leap / step < 20 and small < large / 2
    first, slow, size = widths.begins(slower, 0, 256)
    assert first == pytest.approx(far) and size == pytest.approx(small)
    assert leap / slow == pytest.approx(16, rel=0.2)


def test_slower_steps_are_divided():
    takes = ({"divide": False, "slower": slower} for slower in (1.0, 4.0))
    moved = []
    for kind in takes:
        before, after = (
            network.layers[0].parameters["W_k"] * network.layers[0].part
            for network in map(copy.deepcopy, lookup.wide(2, 16, [0, 1], kind))
        )
        moved.append(after - before)
    np.testing.assert_allclose(moved[0], 4 * moved[1], rtol=0.02)  # up to Adam's ε


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(widths, "SEEDS", 2)
    monkeypatch.setattr(widths, "told", lambda seeds, ds, tell=widths.told: tell(seeds, ds[:1], 1))
    widths.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    for kind in FOUND:
        assert np.shape(found[kind]) == (1, 2)
