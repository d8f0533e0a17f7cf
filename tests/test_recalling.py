"""Ten networks in one layer: they are ten, and what is stored of them comes out again."""

import dataclasses
import json

import numpy as np
import pytest

from backprop.book import recalling
from backprop.book.recalling import Row, SideBySide, Start

STARTS = Start("RNN"), Start("LSTM"), Start("GRU")
each = pytest.mark.parametrize("start", STARTS, ids=lambda start: start.kind)


def loss_and_gradient(network, x, y):
    p = network.forward(x)
    network.backward_parameters((p - y) / len(x))
    return ((p - y) ** 2).mean(), network.dtheta.copy()


@pytest.mark.parametrize("late", [0, 8])
def test_the_answer_is_in_the_sequence(late):
    x, y = recalling.adding(np.random.default_rng(0), 50, 20, late)
    assert x.shape == (50, 20, 2) and x.dtype == y.dtype == np.float32
    values, marks = x[..., 0], x[..., 1]
    marked = [row[own == 1] for row, own in zip(values, marks, strict=True)]
    assert {len(found) for found in marked} == {2} and set(np.unique(marks)) == {0, 1}
    np.testing.assert_allclose(y[:, 0], [sum(found) for found in marked], atol=1e-6)
    assert (marks[:, :10].sum(axis=1) == 1).all()
    assert marks[:, -8:].any() == (not late)
    many = recalling.adding(np.random.default_rng(0), 20_000, 20, late)[1]
    assert np.mean(many**2) == pytest.approx(recalling.GUESSING, rel=0.02)


def test_marks_can_be_kept_from_the_first_steps_and_the_last():
    x, y = recalling.adding(np.random.default_rng(0), 2000, 40, 2, 30)
    marks = x[..., 1]
    assert set(np.flatnonzero(marks[:, :35].sum(axis=0))) == set(range(30, 35))
    assert set(np.flatnonzero(marks.sum(axis=0))) == set(range(30, 38))
    assert (marks[:, 30:35].sum(axis=1) == 1).all() and (marks.sum(axis=1) == 2).all()
    assert np.mean(y**2) == pytest.approx(recalling.GUESSING, rel=0.05)
    row = recalling.ROWS["RNN, 40, cut, near, apart"]
    alike = dataclasses.replace(recalling.ROWS["RNN, 40, cut, early, apart"], early=30)
    assert row == alike and row.start == recalling.ROWS["RNN, cut, early, apart"].start


@each
def test_networks_side_by_side_do_what_each_does_alone(start):
    x, y = recalling.adding(np.random.default_rng(1), 7, 6)
    group = SideBySide(start, (3, 4, 5))
    group.gradient(x, y)
    for k, seed in enumerate((3, 4, 5)):
        loss, g = loss_and_gradient(start.network(seed), x, y)
        assert group.relative(x, y)[k] == pytest.approx(loss / recalling.GUESSING, rel=1e-5)
        found = group.network.dtheta[group.owner == k]
        g *= min(1, recalling.LIMIT / np.linalg.norm(g))
        np.testing.assert_allclose(np.sort(found), np.sort(g), atol=2e-6)
        own = np.sort(group.network.theta[group.owner == k])
        np.testing.assert_array_equal(own, np.sort(start.network(seed).theta))
    assert (group.network.dtheta[group.owner < 0] == 0).all()


def test_each_gradient_is_clipped_by_its_own_length():
    x, y = recalling.adding(np.random.default_rng(1), 7, 6)
    group = SideBySide(Start("RNN"), (0, 1))
    strong = Start("RNN").network(1)
    strong.parameters["dense1.W"][...] *= 50
    group.put(1, strong)
    group.gradient(x, y)
    lengths = [np.linalg.norm(group.network.dtheta[group.owner == k]) for k in (0, 1)]
    _, alone = loss_and_gradient(Start("RNN").network(0), x, y)
    assert lengths[1] == pytest.approx(1, rel=1e-4)
    assert lengths[0] == pytest.approx(min(1, np.linalg.norm(alone)), rel=1e-4)


@each
def test_networks_stay_apart_in_training(start):
    row = Row(start, 4, updates=20)
    (both,), curves, _ = recalling.trained(row, 0.01, (0, 1))
    (first,), curve, _ = recalling.trained(row, 0.01, (0,))
    np.testing.assert_allclose(
        both.network.theta[both.owner == 0], first.network.theta[first.owner == 0], atol=1e-4
    )
    assert curves.shape == (2, 1) and curves[0] == pytest.approx(curve[0], rel=1e-3)
    assert (both.network.theta[both.owner < 0] == 0).all()


@each
def test_a_cut_stops_the_error_and_not_the_state(start):
    x, y = recalling.adding(np.random.default_rng(2), 5, 6)
    x[..., 1] = np.arange(6) < 2  # no mark in the last chunk
    whole, parted = SideBySide(start, (6,)), SideBySide(Start(start.kind, cut=2), (6,))
    np.testing.assert_array_equal(parted.network.forward(x), whole.network.forward(x))
    rows = []
    for group in (whole, parted):
        group.gradient(x, y)
        rows.append(group.network.gradients[f"{start.kind.lower()}1.W"][1].any())
    assert rows == [True, False], "no mark is in the last chunk, so its weights learn nothing"


FIXED = Start("LSTM", fixed=(("i", 0.0), ("f", 1.0)))


def test_a_fixed_gate_is_the_same_at_every_step_and_is_not_trained():
    row = Row(FIXED, 4, updates=20)
    (group,), _, _ = recalling.trained(row, 0.01, (0, 1))
    fresh = SideBySide(FIXED, (0, 1))
    x, _ = recalling.tested(4)
    for network in (group.network, fresh.network):
        network.forward(x)
        i, f, o, g = network.layers[0]._split(network.layers[0].gates)
        assert (i == 0.5).all() and f == pytest.approx(1 / (1 + np.exp(-1)), rel=1e-6)
        assert np.ptp(o) > 0.01 and np.ptp(g) > 0.01
    for moved, columns, start in zip(
        (False, False, True, True),
        group.network.layers[0]._split(group.network.layers[0].parameters["U"]),
        fresh.network.layers[0]._split(fresh.network.layers[0].parameters["U"]),
        strict=True,
    ):
        assert (columns != start).any() == moved


def test_a_fixed_gate_leaves_the_rest_of_the_start_as_it_is():
    fixed, usual = FIXED.network(3), Start("LSTM").network(3)
    for name, array in fixed.parameters.items():
        other = usual.parameters[name]
        if name.startswith("dense"):
            np.testing.assert_array_equal(array, other)
            continue
        for gate, ours, theirs in zip("ifog", *map(fixed.layers[0]._split, (array, other)),
                                      strict=True):  # fmt: skip
            if gate in "if" and not name.endswith("b"):
                assert not ours.any() and theirs.any()
            else:
                np.testing.assert_array_equal(ours, theirs)


def test_a_network_with_fixed_gates_is_clipped_by_what_it_learns():
    x, y = recalling.adding(np.random.default_rng(1), 7, 6)
    group = SideBySide(FIXED, (0,))
    group.network.parameters["dense1.W"][...] *= 50
    group.gradient(x, y)
    assert np.linalg.norm(group.network.dtheta) == pytest.approx(recalling.LIMIT, rel=1e-4)


def test_open_gates_have_another_bias_and_nothing_else():
    ours, usual = (Start(kind).network(3) for kind in ("LSTM, open", "LSTM"))
    for name, array in ours.parameters.items():
        change = array - usual.parameters[name]
        assert change.any() == (name == "lstm1.b"), name
    assert (ours.layers[0]._split(ours.layers[0].parameters["b"])[1] == 4).all()
    assert recalling.UNITS["LSTM, open"] == recalling.UNITS["LSTM"]


def test_where_no_gate_learns_the_biases_are_those_of_the_start():
    start = recalling.ROWS["LSTM, none"].start
    assert {gate for gate, _ in start.fixed} == set("ifo")
    layer, usual = (each.network(0).layers[0] for each in (start, Start("LSTM")))
    np.testing.assert_array_equal(layer.parameters["b"], usual.parameters["b"])


def test_an_identity_is_another_start_of_the_same_plain_network():
    ours, usual = (Start(kind).network(3) for kind in ("RNN, identity", "RNN"))
    np.testing.assert_array_equal(ours.parameters["rnn1.U"], np.eye(25))
    np.testing.assert_array_equal(ours.parameters["rnn1.W"], usual.parameters["rnn1.W"])
    group = SideBySide(Start("RNN, identity"), (3, 4))
    np.testing.assert_array_equal(group.network.parameters["rnn1.U"], np.eye(50))


@pytest.mark.parametrize("free", ["i", "f", "o"])
def test_where_one_gate_learns_the_others_keep_the_biases_of_the_start(free):
    fixed = dict(recalling.ROWS[f"LSTM, {free} alone"].start.fixed)
    assert fixed == {gate: recalling.GATES[gate] for gate in "ifo" if gate != free}


def test_the_error_that_meets_no_mark_leaves_its_row_as_it_is():
    row = dataclasses.replace(recalling.ROWS["RNN, cut, early"], updates=5)
    (after,), _, _ = recalling.trained(row, recalling.SLOW, (0, 1))
    before, now = (
        group.network.parameters["rnn1.W"] for group in (SideBySide(row.start, (0, 1)), after)
    )
    np.testing.assert_array_equal(now[1], before[1])
    assert (now[0] != before[0]).all()


def test_steps_before_the_last_chunk_keep_their_first_weights():
    x, y = recalling.adding(np.random.default_rng(2), 5, 6)
    cut = Start("RNN", cut=2)
    groups = [SideBySide(dataclasses.replace(cut, apart=apart), (3, 4)) for apart in (False, True)]
    shared, apart = groups
    np.testing.assert_allclose(apart.answers(x), shared.answers(x), atol=1e-6)
    for group in groups:
        group.gradient(x, y)
    np.testing.assert_allclose(apart.network.dtheta, shared.network.dtheta, atol=1e-6)
    row = Row(apart.start, 6, updates=20)
    (after,), curve, _ = recalling.trained(row, 0.01, (3, 4))
    first, last = (group.network.layers[0].parameters for group in (apart, after))
    assert not np.array_equal(last["U"], first["U"])
    h = np.zeros((len(x), 50))
    for t in range(6):
        W, U, b = (np.float64((first if t < 4 else last)[name]) for name in "WUb")
        h = np.tanh(x[:, t] @ W + h @ U + b)
    dense = after.network.layers[1].parameters
    np.testing.assert_allclose(after.answers(x), h @ dense["W"] + dense["b"], atol=1e-5)
    np.testing.assert_array_equal(curve[:, -1], after.relative(*recalling.tested(6)))


@pytest.mark.long
def test_the_loss_rises_where_weights_are_shared_with_steps_that_no_error_reaches():
    courses = {}
    for key in ("", ", apart"):
        row = recalling.ROWS[f"RNN, cut, early{key}"]
        _, curve, _ = recalling.trained(row, recalling.SLOW, (10, 11, 12, 13, 14))
        courses[key] = np.median(curve, axis=0)
    shared, apart = courses.values()
    assert shared.min() < 0.35 and shared[-10:].mean() > 0.5
    assert apart[-10:].mean() < 0.2 and apart[-10:].mean() < shared.min()


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_what_reaches_the_first_step_is_what_a_change_there_does_to_the_answer(kind):
    group = SideBySide(Start(kind), (3, 4))
    group.network.theta[...] *= 1.5
    x, _ = recalling.adding(np.random.default_rng(0), 5, 6)
    found = group.reaching(x)
    assert found.shape == (1 if kind == "RNN" else 2, 2)
    layer = SideBySide(Start(kind), (4,)).network.layers[0]
    for name, array in layer.parameters.items():
        array[...] = 1.5 * Start(kind).network(4).layers[0].parameters[name]
    weights = 1.5 * Start(kind).network(4).layers[1].parameters["W"][:, 0].astype(float)
    old = {n: a.astype(float) for n, a in layer.parameters.items()}

    def answer(state, steps):
        """From the cell or state after some steps, the answer; an LSTM's h follows its cell."""
        h = c = state
        if kind == "LSTM":
            h = outlet * np.tanh(c)
        for x_t in steps:
            if kind == "GRU":
                (p, q, s), (k, m, v) = (
                    np.split(part, 3, axis=1) for part in (x_t @ old["W"] + old["b"], h @ old["U"])
                )
                r, u = (1 / (1 + np.exp(-part)) for part in (p + k, q + m))
                h = u * h + (1 - u) * np.tanh(s + r * (v + old["b_U"]))
                continue
            z = x_t @ old["W"] + h @ old["U"] + old["b"]
            if kind == "RNN":
                h = np.tanh(z)
                continue
            i, f, o = (1 / (1 + np.exp(-v)) for v in np.split(z, 4, axis=1)[:3])
            c = f * c + i * np.tanh(np.split(z, 4, axis=1)[3])
            h = o * np.tanh(c)
        return h @ weights

    def length(state, steps):
        """Length of the gradient of the answer, by difference quotients, for each sequence."""
        total = 0
        for unit in range(state.shape[1]):
            step = np.zeros_like(state)
            step[:, unit] = 1e-5
            total += ((answer(state + step, steps) - answer(state - step, steps)) / 2e-5) ** 2
        return np.sqrt(total)

    layer.forward(x)
    states = (layer.c if kind == "LSTM" else layer.h).astype(float)
    lengths = []
    for t in (1, 6):
        outlet = layer._split(layer.gates)[2][t - 1].astype(float) if kind == "LSTM" else 1
        lengths.append(length(states[t], x[:, t:].swapaxes(0, 1).astype(float)))
    assert found[0, 1] == pytest.approx(np.median(lengths[0] / lengths[1]), rel=1e-3)


@pytest.mark.parametrize(("kind", "bias"), [("LSTM", 1), ("GRU", 0)])
def test_the_direct_way_multiplies_by_the_gates_that_keep(kind, bias):
    group = SideBySide(Start(kind), (0,))
    layer = group.network.layers[0]
    for name in "WU":
        layer.parameters[name][...] = 0
    x, _ = recalling.adding(np.random.default_rng(0), 3, 8)
    share, direct = group.reaching(x)[:, 0]
    assert share == pytest.approx(direct, rel=1e-4)
    assert direct == pytest.approx((1 / (1 + np.exp(-bias))) ** 7, rel=1e-4)


def test_a_curve_has_a_point_every_so_many_steps_and_at_the_end(monkeypatch):
    monkeypatch.setattr(recalling, "EVERY", 2)
    (group,), curve, _ = recalling.trained(Row(Start("RNN"), 4, updates=5), 0.01, (0, 1))
    assert curve.shape == (2, 3)
    np.testing.assert_array_equal(curve[:, -1], group.relative(*recalling.tested(4)))


def test_what_is_told_of_a_row_is_what_its_runs_have():
    row = Row(Start("LSTM"), 4, updates=3)
    found = recalling.told(row)
    assert list(found) == ["losses"] and list(found["losses"]) == ["0.003", "0.01", "0.03"]
    runs = [recalling.trained(row, rate)[1] for rate in recalling.RATES]
    for curve, stored in zip(runs, found["losses"].values(), strict=True):
        assert stored == pytest.approx(curve[:, -1], rel=5e-3) and len(stored) == 10
    best = min(runs, key=lambda curve: np.median(curve[:, -1]))
    more = recalling.told(Row(Start("LSTM"), 4, updates=3, along=True))
    np.testing.assert_allclose(more["curve"], best, rtol=6e-3)
    assert list(more) == ["losses", "curve"]
    more = recalling.told(Row(Start("LSTM"), 4, updates=3, reaches=True))
    assert list(more) == ["losses", "share", "direct"] and np.shape(more["share"]) == (10, 2)
    more = recalling.told(Row(Start("RNN"), 4, updates=3, reaches=True), (0.01,))
    groups, _, _ = recalling.trained(Row(Start("RNN"), 4, updates=3), 0.01)
    x, _ = recalling.tested(4)
    after = np.hstack([group.factors(x) for group in groups])
    np.testing.assert_allclose([more["after"][key] for key in ("slopes", "U")], after, rtol=6e-3)
    assert more["before"]["U"] == pytest.approx(np.ones(10), abs=1e-3)
    slow = recalling.told(Row(Start("LSTM"), 4, updates=3, along=True, rate=0.003))
    np.testing.assert_allclose(slow["curve"], runs[0], rtol=6e-3)


def test_the_file_has_every_row():
    assert list(recalling.stored()) == list(recalling.ROWS)
    for name, found in recalling.stored().items():
        row = recalling.ROWS[name]
        assert [float(rate) for rate in found["losses"]] == list(row.rates)
        assert {len(stored) for stored in found["losses"].values()} == {10}
        medians = {rate: np.median(stored) for rate, stored in recalling.losses(name).items()}
        assert medians[recalling.best(name)] == min(medians.values())
        left = recalling.left(name)
        assert np.median(left) == min(medians.values())
        assert recalling.solved(name) == sum(left < 0.1)
        assert ("curve" in found) == row.along
        if row.along:
            curve = np.array(found["curve"])
            assert curve.shape == (10, row.updates // recalling.EVERY)
            at = row.rate or recalling.best(name)
            np.testing.assert_array_equal(curve[:, -1], recalling.losses(name)[at])
        if row.reaches:
            assert np.shape(found["share"]) == (10, row.updates // recalling.EVERY + 1)
            assert ("direct" in found) == (not row.start.kind.startswith("RNN"))
        assert ("opens" in found) == row.opens
        assert ("carries" in found) == row.carries
        if row.carries:
            assert np.shape(found["carries"]) == (2, 10)
        assert ("before" in found) == (row.reaches and row.start.kind == "RNN")
        if "before" in found:
            for moment, place in (("before", 0), ("after", -1)):
                product = np.prod([found[moment][key] for key in ("slopes", "U")], axis=0)
                share = np.array(found["share"])[:, place] ** (1 / (row.length - 1))
                np.testing.assert_allclose(product, share, rtol=0.03)


def test_an_error_goes_back_through_all_steps_also_where_training_cuts_it():
    x, _ = recalling.adding(np.random.default_rng(0), 5, 6)
    whole, parted = (SideBySide(Start("RNN", cut=cut), (3, 4)) for cut in (None, 2))
    np.testing.assert_array_equal(parted.reaching(x), whole.reaching(x))
    assert parted.network.layers[0].truncate == 2
    row = Row(Start("RNN", cut=2), 6, late=2, updates=3, carries=True)
    before, after = recalling.told(row, (0.01,))["carries"]
    groups, _, _ = recalling.trained(row, 0.01)
    x, _ = recalling.tested(6, 2)
    found = np.hstack([group.reaching(x)[0] for group in groups])
    np.testing.assert_allclose(after, found, rtol=6e-3)
    assert before != after


def test_how_open_gates_are_at_the_marks_is_a_mean_over_steps():
    group = SideBySide(Start("LSTM"), (3, 4))
    x, _ = recalling.adding(np.random.default_rng(0), 5, 6)
    found = group.opening(x)
    assert found.shape == (2, 2, recalling.UNITS["LSTM"])
    alone = Start("LSTM").network(4)
    alone.forward(x)
    gates = alone.layers[0]._split(alone.layers[0].gates)[0]
    for row, mark in enumerate((1, 0)):
        some = [gates[t, k] for k in range(5) for t in range(6) if x[k, t, 1] == mark]
        np.testing.assert_allclose(found[1, row], np.mean(some, axis=0), rtol=1e-5)
    more = recalling.told(Row(Start("LSTM"), 4, updates=3, opens=True), (0.01,))
    assert list(more) == ["losses", "opens"] and np.shape(more["opens"]) == (10, 2, 12)


def test_the_factors_of_a_step_back_are_those_of_each_network_alone():
    from backprop.book.exercises.recurrent import passed

    group = SideBySide(Start("RNN"), (3, 4))
    group.network.theta[...] *= 1.3
    x, _ = recalling.adding(np.random.default_rng(0), 5, 6)
    found = group.factors(x)
    assert found.shape == (2, 2)
    for k, seed in enumerate((3, 4)):
        network = Start("RNN").network(seed)
        network.theta[...] *= 1.3
        network.forward(x)
        layer, dense = network.layers
        each = [
            passed(layer.h[:, row], layer.parameters["U"], dense.parameters["W"][:, 0])
            for row in range(len(x))
        ]
        expected = np.median(np.power(each, 1 / 5), axis=0)
        np.testing.assert_allclose(found[:, k], expected, rtol=1e-4)


@pytest.mark.long
def test_a_truncated_network_without_marks_nearby_first_learns_and_then_unlearns():
    row = recalling.ROWS["RNN, cut, early"]
    (group,), curve, _ = recalling.trained(row, recalling.SLOW, (10, 11, 12, 13, 14))
    assert group.start.cut == row.late == 2
    middle = np.median(curve, axis=0)
    assert middle.min() < 0.35 and middle[-10:].mean() > middle.min() + 0.25
    whole = dataclasses.replace(row, start=Start("RNN"))
    _, curve, _ = recalling.trained(whole, recalling.SLOW, (10, 11, 12, 13, 14))
    middle = np.median(curve, axis=0)
    assert middle[-10:].max() < recalling.SOLVED and middle[-10:].mean() < middle[19]


@pytest.mark.parametrize(
    "name",
    ["RNN, 10", *(pytest.param(name, marks=pytest.mark.long) for name in ("LSTM, 40", "RNN, cut"))],
)
def test_what_is_stored_comes_out_again(name):
    rate = recalling.best(name)
    found = np.array(recalling.told(recalling.ROWS[name], (rate,))["losses"][f"{rate:g}"])
    before = recalling.left(name)
    assert 0.4 < np.median(found) / np.median(before) < 2.5
    assert abs((found < 0.1).sum() - (before < 0.1).sum()) <= 2


def test_the_file_is_written_by_the_module(monkeypatch, tmp_path):
    row = Row(Start("RNN"), 4, updates=1)
    monkeypatch.setattr(recalling, "ROWS", {"it": row})
    recalling.main(tmp_path / "a.json")
    assert list(json.loads((tmp_path / "a.json").read_text())) == ["it"]
    monkeypatch.setattr(recalling, "ROWS", {"it": row, "kept": row})
    monkeypatch.setattr(recalling, "stored", lambda: {"it": 1, "kept": 2})
    recalling.main(tmp_path / "b.json", "it")
    found = json.loads((tmp_path / "b.json").read_text())
    assert found["kept"] == 2 and list(found["it"]) == ["losses"]
