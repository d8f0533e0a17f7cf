"""What is stored of the networks at several widths is found again."""

import json

import numpy as np
import pytest

from backprop.book import lookup, widths

FOUND = widths.stored()


def test_ten_networks_of_each_kind_at_each_width():
    assert FOUND.keys() == widths.KINDS.keys()
    for shares in FOUND.values():
        assert np.shape(shares) == (len(widths.WIDTHS), widths.SEEDS)
        assert 0 < np.min(shares) and np.max(shares) <= 100


def test_a_share_is_that_of_the_right_answers():
    test = lookup.draw(np.random.default_rng(10**6), 50)
    (share,) = lookup.learned(3, 8, [5], test, divide=False, spread=1 / 4)
    assert widths.right("not divided, start ¼", 3, 8, 5, 50) == pytest.approx(100 * share)


@pytest.mark.parametrize("kind", widths.KINDS)
def test_a_stored_network_is_found_again(kind):
    for place, d in enumerate(widths.WIDTHS[:3]):
        found = widths.right(kind, 0, d)
        assert found == pytest.approx(FOUND[kind][place][0], abs=5)  # another CPU differs


def test_some_kinds_serve_every_width():
    divided, tiny, small, undivided = map(np.array, FOUND.values())
    assert divided.min() > 99 and tiny.min() > 98
    assert small[:3].min() > 96 and small[3].max() < 99
    assert (np.diff(np.median(undivided, axis=1)) < -3).all()


def test_the_division_tames_the_start_and_the_step():
    divided, *_, undivided = widths.KINDS
    (near, step), (far, leap) = (widths.begins(divided, 0, d) for d in (16, 256))
    assert 0.6 < far / near < 1.5 and 2.5 < leap / step < 5  # the step grows as √d
    (near, step), (far, leap) = (widths.begins(undivided, 0, d) for d in (16, 256))
    assert 3 < far / near < 6 and 8 < leap / step < 20


def test_the_command_writes_what_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(widths, "SEEDS", 2)
    monkeypatch.setattr(widths, "told", lambda seeds, ds, tell=widths.told: tell(seeds, ds[:1], 1))
    widths.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    for kind in FOUND:
        assert np.shape(found[kind]) == (1, 2)
