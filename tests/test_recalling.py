"""Ten networks in one layer: they are ten, and what is said of their errors is so."""

import numpy as np
import pytest

from backprop.book import recalling
from backprop.book.recalling import SideBySide, Start

STARTS = Start("RNN", 0.7), Start("GRU", gate=2.0), Start("LSTM")
each = pytest.mark.parametrize("start", STARTS, ids=lambda start: start.kind)


def loss_and_gradient(network, x, y):
    p = network.forward(x)
    network.backward_parameters((p - y) / len(x))
    return ((p - y) ** 2).mean(), network.dtheta.copy()


@pytest.mark.parametrize("task", recalling.TASKS)
def test_the_answer_is_in_the_sequence(task):
    x, y = recalling.TASKS[task](np.random.default_rng(0), 50, 8)
    assert x.shape == (50, 8, 2) and x.dtype == y.dtype == np.float32
    marked = [values[marks == 1] for values, marks in zip(x[..., 0], x[..., 1], strict=True)]
    assert {len(found) for found in marked} == {2} and set(np.unique(x[..., 1])) == {0, 1}
    if task == "adding":
        np.testing.assert_allclose(y[:, 0], [sum(found) for found in marked], atol=1e-6)
        assert (x[:, :4, 1].sum(axis=1) == 1).all()
    else:
        np.testing.assert_array_equal(y, marked)
        assert (x[:, :2, 1] == 1).all()
    many = recalling.TASKS[task](np.random.default_rng(0), 20_000, 8)[1]
    assert np.mean(many**2) == pytest.approx(recalling.GUESSING[task], rel=0.02)


@each
def test_networks_side_by_side_do_what_each_does_alone(start):
    x, y = recalling.copying(np.random.default_rng(1), 7, 6)
    group = SideBySide(start, 2, (3, 4, 5))
    group.gradient(x, y)
    for k, seed in enumerate((3, 4, 5)):
        loss, g = loss_and_gradient(start.network(2, seed), x, y)
        assert group.errors(x, y)[k] == pytest.approx(loss, rel=1e-5)
        found = group.network.dtheta[group.owner == k]
        g *= min(1, recalling.LIMIT / np.linalg.norm(g))
        np.testing.assert_allclose(np.sort(found), np.sort(g), atol=2e-6)
        np.testing.assert_array_equal(group.take(k).theta, start.network(2, seed).theta)
    assert (group.network.dtheta[group.owner < 0] == 0).all()


def test_each_gradient_is_clipped_by_its_own_length():
    x, y = recalling.copying(np.random.default_rng(1), 7, 6)
    group = SideBySide(Start("RNN"), 2, (0, 1))
    strong = group.take(1)
    strong.parameters["dense1.W"][...] *= 50
    group.put(1, strong)
    group.gradient(x, y)
    lengths = [np.linalg.norm(group.network.dtheta[group.owner == k]) for k in (0, 1)]
    _, alone = loss_and_gradient(Start("RNN").network(2, 0), x, y)
    assert lengths[1] == pytest.approx(1, rel=1e-4)
    assert lengths[0] == pytest.approx(min(1, np.linalg.norm(alone)), rel=1e-4)


@each
def test_networks_stay_apart_in_training(start):
    (both,) = recalling.trained("adding", start, 4, 0.01, (0, 1), updates=20)
    (first,) = recalling.trained("adding", start, 4, 0.01, (0,), updates=20)
    np.testing.assert_allclose(both.take(0).theta, first.take(0).theta, atol=1e-4)
    assert (both.network.theta[both.owner < 0] == 0).all()


@each
def test_the_error_at_a_state_is_a_derivative(start):
    x, y = recalling.copying(np.random.default_rng(2), 5, 4)
    group = SideBySide(start, 2, (6, 7))
    found = group.sizes(x, y)
    assert found.shape == (2, 5) and (found[:, -1] == 1).all()
    network = start.network(2, 7, dtype=np.float32)
    layer, head = network.layers
    p = network.forward(x)
    upstream = head.backward((p - y) / len(x))
    whole = np.linalg.norm(upstream)
    layer.backward_parameters(upstream)
    squares = np.linalg.norm(layer.dh0) ** 2
    if start.kind == "LSTM":
        squares += np.linalg.norm(layer.dc0) ** 2
    assert found[1, 0] == pytest.approx(np.sqrt(squares) / whole, rel=1e-4)


def test_the_keeping_gate_is_the_one_that_is_opened():
    x, y = recalling.copying(np.random.default_rng(2), 5, 12)
    for kind in ("GRU", "LSTM"):
        shut, opened = (SideBySide(Start(kind, gate=b), 2, (0,)).sizes(x, y) for b in (-4.0, 6.0))
        assert opened[0, 0] > 0.5 and shut[0, 0] < 1e-3


def test_an_outcome_chooses_its_rate_by_other_starts(monkeypatch):
    monkeypatch.setattr(recalling, "UPDATES", 2)
    seen = []
    usual = recalling.trained

    def watched(task, start, length, rate, seeds, updates=2):
        seen.append((rate, tuple(seeds)))
        return usual(task, start, length, rate, seeds, updates)

    monkeypatch.setattr(recalling, "trained", watched)
    run = recalling.outcome.__wrapped__("adding", Start("RNN"), 4)
    assert seen[:-1] == [(rate, recalling.TUNING) for rate in recalling.RATES]
    assert seen[-1] == (run.rate, recalling.SEEDS) and not set(recalling.SEEDS) & set(
        recalling.TUNING
    )
    assert run.errors.shape == (10,) and run.sizes.shape == (10, 5)
    assert run.solved == (run.errors < recalling.GUESSING["adding"] / 10).sum()
