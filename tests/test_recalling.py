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
    x, y = recalling.TASKS[task](np.random.default_rng(0), 50, 20)
    assert x.shape == (50, 20, 2) and x.dtype == y.dtype == np.float32
    marked = [values[marks == 1] for values, marks in zip(x[..., 0], x[..., 1], strict=True)]
    assert {len(found) for found in marked} == {2} and set(np.unique(x[..., 1])) == {0, 1}
    if task == "silenced":
        assert (x[..., 0][x[..., 1] == 0] == 0).all()
    if task != "copying":
        np.testing.assert_allclose(y[:, 0], [sum(found) for found in marked], atol=1e-6)
        assert (x[:, :10, 1].sum(axis=1) == 1).all()
        assert x[:, -recalling.LATE :, 1].any() == (task != "early")
    else:
        np.testing.assert_array_equal(y, marked)
        assert (x[:, :2, 1] == 1).all()
    many = recalling.TASKS[task](np.random.default_rng(0), 20_000, 20)[1]
    assert np.mean(many**2) == pytest.approx(recalling.GUESSING[task], rel=0.02)


@each
def test_networks_side_by_side_do_what_each_does_alone(start):
    x, y = recalling.copying(np.random.default_rng(1), 7, 6)
    group = SideBySide(start, 2, (3, 4, 5))
    group.gradient(x, y)
    for k, seed in enumerate((3, 4, 5)):
        loss, g = loss_and_gradient(start.network(2, seed), x, y)
        assert group.losses(x, y)[k] == pytest.approx(loss, rel=1e-5)
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
    found, _ = group.arriving(x, y)
    assert found.shape == (2, 4) and (found[:, -1] == 1).all()
    layer, head = start.network(2, 7, dtype=np.float64).layers
    x, y = x.astype(float), y.astype(float)
    layer.forward(x)
    states = {
        name: getattr(layer, name).copy() for name in ("h", "c")[: 1 + (start.kind == "LSTM")]
    }
    gates = layer._split(layer.gates)[2] if start.kind == "LSTM" else None

    def loss(t, row, unit, step):
        """The loss when the state after t steps is another; the LSTM's h_t shows its c_t."""
        now = {f"{name}0": state[t].copy() for name, state in states.items()}
        last = "c0" if start.kind == "LSTM" else "h0"
        now[last][row, unit] += step
        if start.kind == "LSTM":
            now["h0"] = gates[t - 1] * np.tanh(now["c0"])
        h = layer.forward(x[:, t:], **now) if t < 4 else now["h0"]
        return ((head.forward(h) - y) ** 2).sum() / (2 * len(x))

    n, sizes = states["h"].shape[-1], []
    for t in (1, 4):
        slopes = [(loss(t, r, k, 1e-6) - loss(t, r, k, -1e-6)) / 2e-6
                  for r in range(len(x)) for k in range(n)]  # fmt: skip
        sizes.append(np.linalg.norm(slopes))
    assert found[1, 0] == pytest.approx(sizes[0] / sizes[1], rel=2e-3)


@pytest.mark.parametrize("kind", ["GRU", "LSTM"])
def test_without_detours_the_direct_path_is_all(kind):
    x, y = recalling.copying(np.random.default_rng(2), 5, 6)
    group = SideBySide(Start(kind), 2, (0, 1))
    group.layer.parameters["U"][...] = 0
    whole, direct = group.arriving(x, y)
    np.testing.assert_allclose(direct, whole, rtol=1e-5)
    whole, direct = SideBySide(Start(kind), 2, (0, 1)).arriving(x, y)
    assert (np.abs(direct[:, 0] / whole[:, 0] - 1) > 0.05).all()


def test_a_plain_layer_has_no_direct_path():
    x, y = recalling.copying(np.random.default_rng(2), 5, 6)
    _, direct = SideBySide(Start("RNN"), 2, (0,)).arriving(x, y)
    assert direct[0, -1] == 1 and not direct[0, :-1].any()


@each
def test_a_cut_stops_the_error_and_not_the_state(start):
    x, y = recalling.copying(np.random.default_rng(2), 5, 6)
    whole = SideBySide(start, 2, (6,))
    parted = SideBySide(Start(start.kind, start.scale, start.gate, cut=4), 2, (6,))
    np.testing.assert_array_equal(parted.network.forward(x), whole.network.forward(x))
    found = parted.arriving(x, y)[0]
    assert not found[0, :4].any()
    np.testing.assert_allclose(found[0, 4:], whole.arriving(x, y)[0][0, 4:], rtol=1e-6)
    parted.gradient(x, y)
    assert not np.any(parted.take(0).layers[0].truncate is None)
    run = recalling.Outcome("copying", 6, 0.01, [parted], np.ones(1))
    np.testing.assert_allclose(
        run.uncut, recalling.Outcome("copying", 6, 0.01, [whole], np.ones(1)).arriving[0]
    )
    assert parted.layer.truncate == 4 and not run.arriving[0][0, :4].any()
    rows = parted.layer.gradients["W"]
    assert not rows[1].any(), "no mark is in the last chunk, so its weights learn nothing"


def test_the_answers_slopes_are_derivatives():
    x, _ = recalling.adding(np.random.default_rng(3), 4, 6)
    group = SideBySide(Start("GRU"), 1, (0, 1))
    found = group.listening(x)
    network = Start("GRU").network(1, 1, dtype=np.float64)
    slopes = np.zeros(x.shape[:2])
    for place in np.ndindex(*slopes.shape):
        sides = []
        for step in (1e-3, -1e-3):
            moved = x.astype(float)
            moved[(*place, 0)] += step
            sides.append(network.forward(moved)[place[0], 0])
        slopes[place] = (sides[0] - sides[1]) / 2e-3
    marked = x[..., 1] == 1
    assert found[1, 0] == pytest.approx(slopes[marked].mean(), rel=1e-2)
    assert found[1, 1] == pytest.approx(np.sqrt((slopes[~marked] ** 2).mean()), rel=1e-2)


def test_the_keeping_gate_is_the_one_that_is_opened():
    x, y = recalling.copying(np.random.default_rng(2), 5, 12)
    for kind in ("GRU", "LSTM"):
        shut, opened = (
            SideBySide(Start(kind, gate=b), 2, (0,)).arriving(x, y)[0] for b in (-4.0, 6.0)
        )
        assert opened[0, 0] > 0.5 and shut[0, 0] < 1e-3


def test_plain_networks_learn_some_of_the_sum_in_more_steps():
    groups = recalling.trained("adding", Start("RNN"), 40, 0.003, recalling.SEEDS, updates=1000)
    test = recalling.tested("adding", 40)
    losses = np.concatenate([group.losses(*test) for group in groups])
    assert 0.2 < np.median(losses) / recalling.GUESSING["adding"] < 0.45


def test_an_outcome_chooses_its_rate_by_other_starts(monkeypatch):
    monkeypatch.setattr(recalling, "UPDATES", 2)
    seen = []
    usual = recalling.trained

    def watched(task, start, length, rate, seeds, updates=2):
        seen.append((rate, tuple(seeds)))
        return usual(task, start, length, rate, seeds, updates)

    monkeypatch.setattr(recalling, "trained", watched)
    run = recalling.outcome.__wrapped__("copying", Start("RNN"), 4)
    assert seen[:-1] == [(rate, recalling.TUNING) for rate in recalling.RATES]
    assert seen[-1] == (run.rate, recalling.SEEDS) and not set(recalling.SEEDS) & set(
        recalling.TUNING
    )
    assert run.losses.shape == (10,) and run.arriving[0].shape == (10, 4)
    assert run.solved == (run.losses < recalling.GUESSING["copying"] / 10).sum()


def test_the_least_rate_is_taken_where_none_helps(monkeypatch):
    start = Start("RNN")
    for means, chosen in (((0.95, 0.99, 0.93), 0.003), ((0.95, 0.99, 0.85), 0.03)):
        told = dict(zip(recalling.RATES, means, strict=True))
        monkeypatch.setattr(recalling, "tuning", lambda *_, told=told: told)
        assert recalling.choose("adding", start, 4) == chosen


@pytest.mark.parametrize(
    "run",
    recalling.CHOSEN,
    ids=lambda r: f"{r[0]}-{r[1].kind}-{r[1].scale}-{r[1].gate}-{r[1].cut}-{r[2]}",
)
def test_the_stored_rates_are_those_that_are_chosen(run):
    means, rate = recalling.tuning(*run), recalling.CHOSEN[run]
    least = min(means.values())
    if least < recalling.LEARNED:
        assert means[rate] <= 1.15 * least, "another CPU may exchange rates that are nearly as good"
    else:
        assert rate == min(recalling.RATES)
