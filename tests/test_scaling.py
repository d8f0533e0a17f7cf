"""Attention with wide queries: the layer passes its check, and what is stored is what it does."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import lookup, scaling
from backprop.book.scaling import Case
from backprop.layers import dot_product_attention
from backprop.losses import SoftmaxCrossEntropy
from backprop.optimizers import Adam

each = pytest.mark.parametrize("divided", [True, False])


@each
def test_gradients(divided):
    layer = scaling.WideAttention(np.random.default_rng(0), Case("wide", 5, divided))
    rng = np.random.default_rng(1)
    x = rng.normal(size=(2, 4, lookup.WIDTH)) / 4
    gradcheck.check_layer(layer, x, rng=rng).raise_if_off()
    x, dz = x[:1], rng.normal(size=(1, 4, lookup.WIDTH))
    layer.forward(x)
    layer.backward(dz)
    whole = {name: gradient.copy() for name, gradient in layer.gradients.items()}
    layer.backward_parameters(dz)
    for name, gradient in layer.gradients.items():
        np.testing.assert_array_equal(gradient, whole[name])


@each
def test_it_is_attention(divided):
    layer = scaling.WideAttention(np.random.default_rng(0), Case("even", 9, divided))
    x = lookup.draw(np.random.default_rng(1), 5).x
    W_q, W_k, W_v = layer.parameters.values()
    factor = 1 if divided else 3
    y, p = dot_product_attention(factor * x @ W_q, x @ W_k, x @ W_v, np.tri(8, dtype=bool))
    np.testing.assert_allclose(layer.forward(x), y)
    np.testing.assert_allclose(layer.p, p)


@pytest.mark.parametrize("start", scaling.STARTS)
def test_a_pair_has_the_same_first_scores(start):
    x = lookup.draw(np.random.default_rng(1), 5).x
    no, yes = (scaling.network(np.random.default_rng(0), Case(start, 64, of)) for of in (0, 1))
    np.testing.assert_allclose(yes.forward(x), no.forward(x), rtol=1e-9)
    np.testing.assert_allclose(yes.layers[0].M, no.layers[0].M)
    rest = no.layers[0].parameters["W_v"].size + no.layers[1].parameters["W"].size
    assert (yes.theta == no.theta).sum() >= rest


@pytest.mark.parametrize(("start", "spread"), [("wide", 16), ("even", 1), ("small", 16 * 2 / 272)])
def test_scores_start_with_their_spread(start, spread):
    found = [
        scaling.WideAttention(np.random.default_rng(seed), Case(start, 256, True)).parameters
        for seed in range(20)
    ]
    M = np.array([of["W_q"] @ of["W_k"].T / 16 for of in found])
    assert M.std() == pytest.approx(spread, rel=0.05)


def test_with_adam_the_division_is_a_smaller_start_and_a_smaller_step():
    """Divided from d^¼ times as large: as undivided, if W_q and W_k move d^¼ times less."""
    d, rate = 64, 0.03
    yes, no = (scaling.network(np.random.default_rng(0), Case("even", d, of)) for of in (1, 0))
    optimizers = [Adam(of, rate, eps=1e-300) for of in (yes, no)]
    rng, loss = np.random.default_rng(1), SoftmaxCrossEntropy()
    names = "W_q", "W_k"
    for _ in range(20):
        batch = lookup.draw(rng, 16)
        before = {name: no.layers[0].parameters[name].copy() for name in names}
        for network, optimizer in zip((yes, no), optimizers, strict=True):
            _, dz = lookup.errors(network, loss, batch)
            network.backward_parameters(dz)
            optimizer.step()
        for name in names:
            W = no.layers[0].parameters[name]
            W[...] = before[name] + (W - before[name]) * d**-0.25
    np.testing.assert_allclose(yes.layers[0].M, no.layers[0].M, rtol=1e-5, atol=1e-7)
    assert np.abs(yes.layers[0].M).max() > 1.5


@each
@pytest.mark.parametrize("start", scaling.STARTS)
def test_what_is_stored_is_found_again(start, divided):
    case = Case(start, 64, divided)
    outcome = scaling.stored()[case.name]
    run, _ = scaling.reached(case, outcome.rate, 3)
    right, sure, *_ = outcome.runs[3]
    assert run.right == pytest.approx(right, abs=0.05 if start == "wide" else 0.01)
    assert run.sure == pytest.approx(sure, abs=0.002)
    assert scaling.reached(case, outcome.rate, 3, steps=0)[0].right < 0.3


def test_shares_add_up():
    run, _ = scaling.reached(Case("wide", 64, False), 0.03, 1, steps=20)
    wrong = run.sure * run.stuck + (1 - run.sure) * run.rest
    assert 1 - run.right == pytest.approx(wrong) and 0 < run.stuck < 1


def test_every_case_is_stored_with_the_best_rate_inside_the_grid():
    found = scaling.stored()
    assert set(found) == {case.name for case in scaling.CASES}
    for outcome in found.values():
        assert outcome.runs.shape == (10, 4) and outcome.rate in scaling.RATES[1:-1]
        assert outcome.tuned[scaling.RATES.index(outcome.rate)] == outcome.tuned.max()


def test_the_best_rate_is_chosen(monkeypatch):
    monkeypatch.setattr(scaling, "RATES", (0.001, 0.03))
    shares, rate = scaling.tuned(Case("even", 64, True), (100,))
    assert rate == 0.03 and shares[0] < shares[1]


def test_the_command_writes_what_is_read(tmp_path, monkeypatch):
    for name, value in {"CASES": (Case("small", 4, True),), "SEEDS": (0,)}.items():
        monkeypatch.setattr(scaling, name, value)
    monkeypatch.setattr(scaling, "tuned", lambda case: ([0.5], 0.1))
    run = scaling.Run(0.5, 0.1, 0.2, 0.3)
    monkeypatch.setattr(scaling, "reached", lambda case, rate, seed: (run, 1.0))
    scaling.main([str(tmp_path / "found.json")])
    text = (tmp_path / "found.json").read_text()
    assert '"small 4 divided"' in text and '"tuned"' in text
