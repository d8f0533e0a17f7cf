"""The stored runs of a row at rest are complete, and a part of them is found again."""

import json

import numpy as np
import pytest

from backprop.book import at_rest

FOUND = at_rest.stored()


def test_each_kind_has_ten_whole_runs():
    for name in at_rest.SETS:
        for read in at_rest.READ:
            for terms in at_rest.TERMS:
                losses = np.array(FOUND[name][read][terms])
                assert losses.shape == (10, at_rest.STEPS // at_rest.EVERY + 1)
        assert len(FOUND[name]["free"]) == 10


@pytest.mark.parametrize("terms", at_rest.TERMS)
def test_the_first_steps_are_found_again(terms):
    run = at_rest.learned(3, at_rest.READ["last"], at_rest.TERMS[terms], steps=20)
    np.testing.assert_allclose(run.losses, FOUND["shown"]["last"][terms][3][:5], rtol=0.01)
    assert run.ended is None and run.norm <= at_rest.LIMIT + 1e-12
    assert (run.links[~at_rest.NEAR] == 0).all()


@pytest.mark.parametrize("terms", [1, 2, 5])
def test_each_term_carries_the_error_one_unit_further(terms):
    begin = at_rest.learned(0, at_rest.READ["last"], terms, None, 0).links
    moved = at_rest.learned(0, at_rest.READ["last"], terms, None, 3).links != begin
    reached = np.arange(at_rest.UNITS) >= at_rest.UNITS - terms
    np.testing.assert_array_equal(moved, at_rest.NEAR & reached)


def test_many_terms_are_the_equation():
    rng = np.random.default_rng(0)
    layer = at_rest.row(rng, 0.9)
    h = layer.forward(rng.normal(size=(5, at_rest.UNITS)))
    v = rng.normal(size=h.shape)
    layer.backward(v)
    right = layer.gradients["U"].copy()
    at_rest.series(layer, v, 400)
    np.testing.assert_allclose(layer.gradients["U"], right, rtol=1e-9)


def test_without_a_limit_a_state_may_find_no_rest():
    seed = 4
    stored = FOUND["shown"]["free"][seed]
    run = at_rest.learned(seed, at_rest.READ["last"], None, None, steps=40)
    assert run.ended is not None and abs(run.ended - stored["ended"]) <= 2
    assert run.norm == pytest.approx(stored["norm"], abs=0.02) and run.norm > 1


def test_the_command_writes_what_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(at_rest, "told", lambda: {"a": 1})
    at_rest.main([str(tmp_path / "file.json")])
    assert json.loads((tmp_path / "file.json").read_text()) == {"a": 1}
