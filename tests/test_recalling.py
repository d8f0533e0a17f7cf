"""Ten networks in one layer: they are ten, and what is said of their errors is so."""

import json
from dataclasses import replace

import numpy as np
import pytest

from backprop.book import recalling
from backprop.book.recalling import SideBySide, Start

STARTS = Start("RNN"), Start("GRU"), Start("LSTM")
each = pytest.mark.parametrize("start", STARTS, ids=lambda start: start.kind)


def loss_and_gradient(network, x, y):
    p = network.forward(x)
    network.backward_parameters((p - y) / len(x))
    return ((p - y) ** 2).mean(), network.dtheta.copy()


@pytest.mark.parametrize("task", recalling.TASKS)
def test_the_answer_is_in_the_sequence(task):
    x, y = recalling.TASKS[task](np.random.default_rng(0), 50, 20)
    assert x.shape == (50, 20, 2) and x.dtype == y.dtype == np.float32
    values, marks = x[..., 0], x[..., 1] != 0
    if task == "picked":
        np.testing.assert_array_equal(x[..., 1], values * marks)
    else:
        np.testing.assert_array_equal(x[..., 1], marks)
    marked = [row[own] for row, own in zip(values, marks, strict=True)]
    assert {len(found) for found in marked} == {2} and values[~marks].any()
    np.testing.assert_allclose(y[:, 0], [sum(found) for found in marked], atol=1e-6)
    assert (marks[:, :10].sum(axis=1) == 1).all()
    assert marks[:, -recalling.LATE :].any() == (task != "early")
    many = recalling.TASKS[task](np.random.default_rng(0), 20_000, 20)[1]
    assert np.mean(many**2) == pytest.approx(recalling.GUESSING, rel=0.02)


@each
def test_networks_side_by_side_do_what_each_does_alone(start):
    x, y = recalling.adding(np.random.default_rng(1), 7, 6)
    group = SideBySide(start, 1, (3, 4, 5))
    group.gradient(x, y)
    for k, seed in enumerate((3, 4, 5)):
        loss, g = loss_and_gradient(start.network(1, seed), x, y)
        assert group.losses(x, y)[k] == pytest.approx(loss, rel=1e-5)
        found = group.network.dtheta[group.owner == k]
        g *= min(1, recalling.LIMIT / np.linalg.norm(g))
        np.testing.assert_allclose(np.sort(found), np.sort(g), atol=2e-6)
        np.testing.assert_array_equal(group.take(k).theta, start.network(1, seed).theta)
    assert (group.network.dtheta[group.owner < 0] == 0).all()


def test_each_gradient_is_clipped_by_its_own_length():
    x, y = recalling.adding(np.random.default_rng(1), 7, 6)
    group = SideBySide(Start("RNN"), 1, (0, 1))
    strong = group.take(1)
    strong.parameters["dense1.W"][...] *= 50
    group.put(1, strong)
    group.gradient(x, y)
    lengths = [np.linalg.norm(group.network.dtheta[group.owner == k]) for k in (0, 1)]
    _, alone = loss_and_gradient(Start("RNN").network(1, 0), x, y)
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
    x, y = recalling.adding(np.random.default_rng(2), 5, 4)
    group = SideBySide(start, 1, (6, 7))
    found = group.arriving(x, y)
    assert found.shape == (2, 4) and (found[:, -1] == 1).all()
    layer, head = start.network(1, 7, dtype=np.float64).layers
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


@each
def test_a_cut_stops_the_error_and_not_the_state(start):
    x, y = recalling.adding(np.random.default_rng(2), 5, 6)
    x[..., 1] = np.arange(6) < 2  # no mark in the last chunk
    whole = SideBySide(start, 1, (6,))
    parted = SideBySide(Start(start.kind, cut=2), 1, (6,))
    np.testing.assert_array_equal(parted.network.forward(x), whole.network.forward(x))
    found = parted.arriving(x, y)
    assert not found[0, :4].any()
    np.testing.assert_allclose(found[0, 4:], whole.arriving(x, y)[0, 4:], rtol=1e-6)
    parted.gradient(x, y)
    assert not np.any(parted.take(0).layers[0].truncate is None)
    run = recalling.Outcome("adding", 6, 0.01, [parted], np.ones(1))
    np.testing.assert_allclose(
        run.uncut, recalling.Outcome("adding", 6, 0.01, [whole], np.ones(1)).arriving
    )
    assert parted.layer.truncate == 2 and not run.arriving[0, :4].any()
    rows = parted.layer.gradients["W"]
    assert not rows[1].any(), "no mark is in the last chunk, so its weights learn nothing"


def test_the_weights_of_marks_stay_if_they_are_not_trained():
    start = Start("LSTM", marks=False)
    (group,) = recalling.trained("adding", start, 4, 0.01, (0, 1), updates=5)
    for k in (0, 1):
        before, after = start.network(1, k).parameters, group.take(k).parameters
        for name, array in before.items():
            moved = array != after[name]
            if name == "lstm1.W":
                assert not moved[1].any()
                moved = moved[:1]
            assert moved.mean() > 0.9, name


def test_the_two_ways_back_through_a_cell_are_parts_of_the_whole():
    x, y = recalling.adding(np.random.default_rng(2), 5, 2)
    groups = {path: SideBySide(Start("LSTM", path=path), 1, (6,))
              for path in (None, "direct", "detours")}  # fmt: skip
    left = {path: group.arriving(x, y)[0] for path, group in groups.items()}
    assert 0 < left["direct"][0] < left[None][0]
    back = {}
    for path, group in groups.items():
        group.gradient(x, y)
        layer = group.layer
        f = layer.gates[0, :, group.n : 2 * group.n].copy()
        h0, c0 = np.zeros((2, 5, group.n), np.float32)
        layer.forward(x[:, :1], h0=h0, c0=c0 + 0.3)
        layer.backward_parameters(np.ones((5, group.n), np.float32))
        back[path] = layer.dh0.copy(), layer.dc0.copy()
        assert (layer.gates[0, :, group.n : 2 * group.n] != 0).all() and f.all()
    np.testing.assert_array_equal(back["direct"][1], back[None][1])
    np.testing.assert_array_equal(back["detours"][0], back[None][0])
    assert back[None][0].all() and back[None][1].all()
    assert not back["direct"][0].any() and not back["detours"][1].any()
    run = recalling.Outcome("adding", 2, 0.01, [groups["detours"]], np.ones(1))
    whole = recalling.Outcome("adding", 2, 0.01, [groups[None]], np.ones(1))
    np.testing.assert_allclose(run.uncut, whole.arriving, rtol=1e-6)
    np.testing.assert_allclose(run.direct, whole.direct, rtol=1e-6)
    assert groups["detours"].layer.path == "detours" and (run.direct[0, 0] < run.uncut[0, 0])


@pytest.mark.parametrize("kind", recalling.KINDS)
def test_the_holder_follows_the_sum_and_its_fit_is_the_nearest(kind):
    x, _ = recalling.adding(np.random.default_rng(3), 40, 6)
    network = Start(kind).network(1, 0)
    found = recalling.holder(network, x)
    s, f, i = recalling.states(network, x)
    layer = network.layers[0]
    np.testing.assert_array_equal(s, layer.c if kind == "LSTM" else layer.h)
    so_far = np.array([(x[:, : t + 1, 0] * x[:, : t + 1, 1]).sum(axis=1) for t in range(6)])
    each = [np.corrcoef(s[1:, :, k].ravel(), so_far.ravel())[0, 1] for k in range(s.shape[2])]
    assert found.follows == pytest.approx(max(map(abs, each)), rel=1e-4)
    assert abs(each[found.unit]) == pytest.approx(found.follows, rel=1e-4)
    own = s[:, :, found.unit].astype(float)
    b, a = np.polyfit(own[1:].ravel(), so_far.ravel(), 1)
    assert found.fit == pytest.approx((a, b), rel=1e-3)
    marked, moved = x[..., 1].T == 1, np.abs(own[1:] - own[:-1])
    assert found.moves == pytest.approx((moved[marked].mean(), moved[~marked].mean()), rel=1e-5)
    if kind == "RNN":
        assert f is None and i is None and found.opens == ()
    else:
        gate = i[:, :, found.unit]
        assert found.opens == pytest.approx((gate[marked].mean(), gate[~marked].mean()), rel=1e-5)
    if kind == "GRU":
        np.testing.assert_allclose(i, 1 - f)
        candidate = layer._split(layer.gates)[2]
        np.testing.assert_allclose(s[1:], f * s[:-1] + i * candidate, atol=1e-6)
    if kind == "LSTM":
        candidate = layer._split(layer.gates)[3]
        np.testing.assert_allclose(s[1:], f * s[:-1] + i * candidate, atol=1e-6)


def test_what_is_told_of_a_row_is_what_its_runs_have(monkeypatch):
    row = recalling.Row("adding", Start("GRU"), 4, 3)
    found = recalling.told(row)
    assert list(found["losses"]) == ["0.003", "0.01", "0.03"]
    runs = [recalling.run(row, rate) for rate in recalling.RATES]
    for r, each in zip(runs, found["losses"].values(), strict=True):
        assert each == pytest.approx(r.relative, rel=5e-3)
        assert r.relative == pytest.approx(r.losses / (2 / 3)) and len(each) == 10
    best = min(runs, key=lambda r: np.median(r.losses))
    assert not {"along", "holders"} & set(found)
    more = recalling.told(replace(row, along=True, rates=(best.rate,)))
    quartiles = np.quantile(best.uncut, (0.25, 0.5, 0.75), axis=0)
    np.testing.assert_allclose(more["along"], quartiles, rtol=6e-3)
    assert [h[0] for h in more["holders"]] == pytest.approx(
        [h.follows for h in best.holders], rel=6e-3
    )
    parted = recalling.told(recalling.Row("adding", Start("GRU", cut=2), 4, 3, (0.01,)))
    np.testing.assert_array_equal(parted["before"], found["before"])
    monkeypatch.setattr(recalling, "stored", lambda: {"it": found})
    monkeypatch.setattr(recalling, "ROWS", {"it": row})
    recalling.outcome.cache_clear()
    again = recalling.outcome("it")
    recalling.outcome.cache_clear()
    assert again.rate == best.rate and again.losses == pytest.approx(best.losses, rel=1e-3)
    assert again.solved == (again.losses < 2 / 30).sum()


def test_the_file_has_every_row():
    assert list(recalling.stored()) == list(recalling.ROWS)
    for name, found in recalling.stored().items():
        row = recalling.ROWS[name]
        assert [float(rate) for rate in found["losses"]] == list(row.rates)
        assert {len(each) for each in found["losses"].values()} == {10}
        medians = {rate: np.median(each) for rate, each in recalling.losses(name).items()}
        assert medians[recalling.best(name)] == min(medians.values())
        assert ("along" in found) == ("holders" in found) == row.along
        if row.along:
            assert np.array(found["along"]).shape == (3, row.length)
            assert found["along"][1][0] == pytest.approx(np.median(found["after"]), rel=0.01)


@pytest.mark.parametrize("name", ["RNN, picked", "LSTM, cut"])
def test_what_is_stored_comes_out_again(name):
    row = recalling.ROWS[name]
    found = recalling.told(replace(row, rates=(recalling.best(name),)))
    for rate, each in found["losses"].items():
        before = recalling.stored()[name]["losses"][rate]
        assert np.median(each) == pytest.approx(np.median(before), rel=0.2)
        assert abs((np.array(each) < 0.1).sum() - (np.array(before) < 0.1).sum()) <= 2
    assert found["before"] == pytest.approx(recalling.stored()[name]["before"], rel=0.02)


def test_the_file_is_written_by_the_module(monkeypatch, tmp_path):
    monkeypatch.setattr(recalling, "ROWS", {"it": recalling.Row("adding", Start("RNN"), 3, 1)})
    recalling.main(tmp_path / "a.json")
    assert list(json.loads((tmp_path / "a.json").read_text())) == ["it"]
    rows = {name: recalling.Row("adding", Start("RNN"), 3, 1) for name in ("it", "kept")}
    monkeypatch.setattr(recalling, "ROWS", rows)
    monkeypatch.setattr(recalling, "stored", lambda: {"it": 1, "kept": 2})
    recalling.main(tmp_path / "b.json", "it")
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["kept"] == 2 and list(found["it"]) == ["losses", "before", "after"]
