"""The figures of the chapter on recurrent networks say what was computed."""

import numpy as np
import pytest

from backprop.book import recalling
from backprop.book.figures import recurrence
from backprop.book.recalling import Outcome, SideBySide, Start


def outcome(task, kind, length):
    group = SideBySide(Start(kind), 1, (0, 1))
    return Outcome(task, length, 0.01, [group], np.array([0.001, 0.5]))


def test_the_unit_by_hand_has_the_gradient_of_its_loss():
    def loss(w, u):
        return (recurrence.by_hand(w, u)[1][-1] - recurrence.TARGET) ** 2 / 2

    z, h, slopes, arriving, delta = recurrence.by_hand()
    assert len(z) == len(slopes) == len(arriving) == len(delta) == 3 and len(h) == 4
    w, u, step = recurrence.W, recurrence.U, 1e-6
    by_w = (loss(w + step, u) - loss(w - step, u)) / (2 * step)
    by_u = (loss(w, u + step) - loss(w, u - step)) / (2 * step)
    assert sum(d * x for d, x in zip(delta, recurrence.X, strict=True)) == pytest.approx(by_w)
    assert sum(d * before for d, before in zip(delta, h, strict=False)) == pytest.approx(by_u)


def test_the_unrolled_unit_shows_its_numbers():
    drawn = recurrence.unrolled("t").markup
    for words in ("0.664", "0.434", "0.295", "−0.705", "−0.644", "−0.522", "−0.143", "0.559"):
        assert words in drawn, words


def test_the_cell_has_the_slopes_that_are_drawn():
    def after(c):
        return recurrence.one_cell(c)["c"]

    step, slopes = 1e-6, recurrence.cell_slopes()
    numeric = (after(1 + step) - after(1 - step)) / (2 * step)
    assert slopes["c>new"] + recurrence.detour() == pytest.approx(numeric, rel=1e-8)
    values = recurrence.one_cell()
    assert values["c"] == pytest.approx(0.9 * 1 - 0.5 * 0.4)
    assert values["shown"] == pytest.approx(0.5 * np.tanh(0.7))
    drawn = recurrence.cell("t").markup
    for words in (
        ">0.9<",
        ">f = 0.9<",
        ">0.21<",
        ">0.84<",
        ">g=−0.4<",
        "0.21·(0.09·1 − 0.25·0.4 + 0.84·0.5) = 0.086",
        "0.9 + 0.086 = 0.986",
    ):
        assert words in drawn, words


def test_without_tanh_the_error_follows_the_spectral_radius():
    measured, plain, stretch = recurrence.one_matrix(0.5, 0)
    assert measured[0] == plain[0] == 1 and len(measured) == len(plain) == recurrence.STEPS + 1
    assert plain[-1] / plain[-11] == pytest.approx(0.5**10, rel=0.9)
    assert (measured <= stretch ** np.arange(recurrence.STEPS + 1) + 1e-12).all() and stretch > 0.5


def test_drawings():
    assert "without tanh" in recurrence.fading("t").markup
    marks = recurrence.example()[1]
    assert marks.sum() == 2 and recurrence.example()[2] == pytest.approx(
        float(recurrence.example()[0] @ marks), abs=1e-6
    )
    named = {"plain": "RNN", "LSTM": "LSTM", "cut": "LSTM, cut"}
    drawn = recurrence.arriving("t", named).markup
    for said, name in named.items():
        solved = (recalling.losses(name)[recalling.best(name)] < 0.1).sum()
        assert f"{said}: {solved} of 10 solved" in drawn
    drawn = recurrence.at_work("t", outcome("adding", "LSTM", 40), 1).markup
    assert "product of later f" in drawn and "dashed: the sum" in drawn


def test_ways_add_up_to_more_than_either():
    found = recurrence.by_ways()
    assert all(each.shape == (10, 40) and (each[:, -1] == 1).all() for each in found.values())
    both, direct, detours = found.values()
    assert (both[:, 0] > 100 * direct[:, 0]).all() and (direct[:, 0] > 100 * detours[:, 0]).all()
    np.testing.assert_allclose(
        direct[:, 0], recalling.untrained("adding", Start("LSTM", path="direct"), 40)[:, 0]
    )
    drawn = recurrence.ways("t").markup
    assert all(said in drawn for said in recurrence.WAYS)


def test_what_is_read_off_is_the_unit_that_follows_the_sum():
    run = outcome("adding", "LSTM", 40)
    read, f, i = recurrence.read_off(run, 1)
    unit, (a, b) = run.holders[1].unit, run.holders[1].fit
    values, marks, _ = recurrence.example()
    layer = run.networks[1].layers[0]
    layer.forward(np.stack([values, marks], axis=1)[None])
    np.testing.assert_allclose(read, a + b * layer.c[1:, 0, unit], rtol=1e-5)
    np.testing.assert_array_equal(i, layer.gates[:, 0, unit])
    np.testing.assert_array_equal(f, layer.gates[:, 0, 12 + unit])
    assert recurrence.read_off(outcome("adding", "RNN", 40), 0)[1:] == (None, None)


def test_the_rows_show_what_is_stored():
    written = [recurrence._loss(value) for value in (0.968, 0.154, 0.0632, 0.00031)]
    assert written == ["0.97", "0.15", "0.06", "0.0003"]
    rows = [("Heading", None), ("one", "LSTM, cut, early"), ("two", "LSTM, cut")]
    drawn = recurrence.arms("t", rows).markup
    for _, name in rows[1:]:
        losses = recalling.losses(name)[recalling.best(name)]
        assert f">{(losses < 0.1).sum()}<" in drawn and recurrence._loss(np.median(losses)) in drawn
    for said in ("Heading", "one", "two", "solved", "left of the error at step 1"):
        assert said in drawn
