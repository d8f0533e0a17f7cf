"""Attention with wide queries: the layer passes its check, and what is stored is what it does."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import lookup, scaling
from backprop.book.scaling import Case

each = pytest.mark.parametrize("divided", [True, False])


@each
def test_gradients(divided):
    layer = scaling.WideAttention(np.random.default_rng(0), Case("wide", 5, divided))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 4, lookup.WIDTH)) / 4
    gradcheck.check_layer(layer, x, rng=rng).raise_if_off()


def test_only_the_division_differs():
    yes, no = (
        scaling.network(np.random.default_rng(0), Case("wide", 9, of)) for of in (True, False)
    )
    np.testing.assert_array_equal(yes.theta, no.theta)
    batch = lookup.draw(np.random.default_rng(1), 5)
    a, b = (of.layers[0] for of in (yes, no))
    yes.forward(batch.x)
    no.forward(batch.x)
    np.testing.assert_allclose(b.q, 3 * a.q)
    np.testing.assert_array_equal(a.k, b.k)
    scores = a.q @ a.k.swapaxes(1, 2)  # not divided
    e = np.exp(scores) * np.tri(8)
    np.testing.assert_allclose(b.p, e / e.sum(axis=-1, keepdims=True))


def test_starts_have_their_variances():
    for start, variance in (("wide", 1), ("small", 2 / 272)):
        layer = scaling.WideAttention(np.random.default_rng(0), Case(start, 256, True))
        for name in ("W_q", "W_k"):
            assert layer.parameters[name].var() == pytest.approx(variance, rel=0.1)


def test_the_control_starts_with_the_scores_of_the_divided():
    batch = lookup.draw(np.random.default_rng(1), 5)
    first = []
    for case in (Case("wide", 256, True), Case("shrunk", 256, False)):
        layers = scaling.network(np.random.default_rng(0), case).layers
        layers[0].forward(batch.x)
        first.append(layers[0].p)
    np.testing.assert_allclose(*first, rtol=1e-12)
    outcome = scaling.stored()["shrunk 256 not"]
    assert scaling.reached(Case("shrunk", 256, False), outcome.rate, 3)[0] > 0.99


@each
def test_what_is_stored_is_found_again(divided):
    case = Case("wide", 256, divided)
    outcome = scaling.stored()[case.name]
    right, _ = scaling.reached(case, outcome.rate, 3)
    assert right == pytest.approx(outcome.right[3], abs=0.1 if not divided else 0.02)
    assert scaling.reached(case, outcome.rate, 3, steps=0)[0] < 0.3


def test_every_case_is_stored_with_a_rate_inside_the_grid():
    found = scaling.stored()
    assert set(found) == {case.name for case in scaling.CASES} | {"longer"}
    for outcome in found.values():
        assert outcome.right.shape == (10,) and outcome.rate in scaling.RATES[1:-1]


def test_the_best_rate_is_chosen():
    case = Case("wide", 4, True)
    assert scaling.best(case, (0.001, 0.1), (100,)) == 0.1


def test_the_command_writes_what_is_read(tmp_path, monkeypatch):
    few = Case("small", 4, True), scaling.LONGER
    for name, value in {"CASES": few, "RATES": (0.1,), "TUNING": (100,), "SEEDS": (0,),
                        "STEPS": 1, "LONG": 2}.items():  # fmt: skip
        monkeypatch.setattr(scaling, name, value)
    monkeypatch.setattr(scaling, "best", lambda case: 0.1)
    monkeypatch.setattr(scaling, "reached", lambda case, rate, seed, steps=0: (0.5, 1.0))
    scaling.main([str(tmp_path / "found.json")])
    text = (tmp_path / "found.json").read_text()
    assert '"small 4 divided"' in text and '"longer"' in text
