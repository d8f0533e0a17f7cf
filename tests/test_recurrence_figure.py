"""The figures of the chapters on recurrent networks and gates say what was computed."""

import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book import copying, recalling
from backprop.book.figures import recurrence


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
    for words in ("0.664", "0.434", "0.295", "−0.705", "−0.644", "−0.143", "0.559"):
        assert words in drawn, words


def test_a_step_of_an_lstm_is_drawn_whole():
    drawn = recurrence.gated("t").markup
    words = "cₜ₋₁", "cₜ", "hₜ₋₁", "hₜ", "xₜ", "fₜ", "iₜ", "gₜ", "oₜ", "+"
    for word in (*words, "forget", "input", "candidate", "output"):
        assert drawn.count(f">{word}<") == 1, word
    assert (drawn.count(">×<"), drawn.count(">σ<"), drawn.count(">tanh<")) == (3, 3, 2)
    check_words(drawn, 0.55, above=10)


def test_marked_numbers_are_added_and_get_the_error_of_their_sum():
    def last(numbers):
        c = 0.0
        for number, gate in zip(numbers, recurrence.OPENED, strict=True):
            c = 1 * c + gate * number
        return c

    cells, errors, handed = recurrence.summed()
    assert cells == pytest.approx([0.5, 0.5, 0.3]) and errors == [1, 1, 1]
    for k, error in enumerate(handed):
        moved = [v + 1e-3 * (j == k) for j, v in enumerate(recurrence.ADDED)]
        assert (last(moved) - last(recurrence.ADDED)) / 1e-3 == pytest.approx(error)
    drawn = recurrence.routed("t").markup
    for words, times in {
        "c₁ = 0.5": 1, "c₂ = 0.5": 1, "c₃ = 0.3": 1, "g₃ = −0.2": 1, "error 1": 5, "error 0": 1,
        "i₂ = 0": 1, "step 2": 1, "step 3, marked": 1, "f₂ = 1": 1,
    }.items():  # fmt: skip
        assert drawn.count(f">{words}<") == times, words
    check_words(drawn, 0.55, above=10)


def test_the_cell_has_the_slopes_that_are_drawn():
    def after(c):
        return recurrence.one_cell(c)["c"]

    step, slopes = 1e-6, recurrence.cell_slopes()
    numeric = (after(1 + step) - after(1 - step)) / (2 * step)
    assert slopes["c>new"] + recurrence.detour() == pytest.approx(numeric, rel=1e-8)
    values = recurrence.one_cell()
    assert values["c"] == pytest.approx(0.9 * 1 - 0.5 * 0.4)
    assert values["h"] == pytest.approx(0.5 * np.tanh(1))
    drawn = recurrence.cell("t").markup
    for words in (
        ">0.9<",
        ">f = 0.9<",
        ">0.21<",
        ">0.84<",
        ">g = −0.4<",
        "0.21·(0.09·1 − 0.25·0.4 + 0.84·0.5) = 0.086",
        "0.9 + 0.086 = 0.986",
    ):
        assert words in drawn, words


@pytest.mark.parametrize("u", recurrence.WEIGHTS)
def test_what_is_left_of_the_error_is_a_derivative(u):
    def last(first, h=1e-30):  # h_40 as a function of h_1, by the complex step
        state = first + 1j * h
        for _ in range(recurrence.STEPS - 1):
            state = np.tanh(u * state)
        return state.real, state.imag / h

    states, slopes, error = recurrence.kept(u)
    assert (
        states[0] == pytest.approx(np.tanh(recurrence.W))
        and len(states) == len(error) == recurrence.STEPS
    )
    assert last(states[0]) == pytest.approx((states[-1], error[0]), rel=1e-9)
    assert error[-2] == pytest.approx(u * slopes[-1]) and error[-1] == 1


def test_without_a_pulse_only_the_weight_is_left():
    for u in recurrence.WEIGHTS:
        states, slopes, error = recurrence.kept(u, 0.0)
        assert not states.any() and (slopes == 1).all()
        assert error[0] == pytest.approx(u ** (recurrence.STEPS - 1), rel=1e-9)


def test_a_steered_unit_says_its_numbers():
    frames = recurrence.steered()
    assert len(frames) == len(recurrence.WEIGHTS)
    frame = frames[recurrence.WEIGHTS.index(1.2)]
    for words in ("ends at 0.66", "1.2 · 0.57 = 0.68", "ends at 0.59", "multiplies by 1.2."):
        assert words in frame.caption, words
    for words in ("u = 1.2", "3·10⁻⁷", "130", "1,200", *(name for _, name, _ in recurrence.READ)):
        assert f">{words}<" in frame.svg, words
    for frame in frames:
        check_words(frame.svg, 0.55, above=10)


def test_a_held_state_and_what_is_left_of_its_error():
    drawn = recurrence.held("t").markup
    for words in ("states after three pulses", "no pulse", "0.66", "3·10⁻⁷", "forward", "backward"):
        assert f">{words}<" in drawn, words
    assert drawn.count('stroke-width="3"') == len(recurrence.PULSES) + 2
    assert drawn.count("stroke-dasharray") == 1
    for pulse in recurrence.PULSES:
        assert f">{pulse:g}<" in drawn
        states = recurrence.kept(recurrence.HELD, pulse)[0]
        assert states[0] == pytest.approx(np.tanh(pulse)) and round(states[-1], 3) == 0.659


def test_what_was_learned_is_drawn():
    for name in ("LSTM, 40", "GRU, 40", *(f"RNN, {n}" for n in recurrence.PLAIN)):
        points = recalling.UPDATES // recalling.EVERY + 1
        assert recurrence.reaching(name).shape == (10, points)
        assert (recurrence.reaching(name) > 0).all()
        if name.startswith("RNN"):
            assert recurrence.course(name).shape == (10, points)
            assert (0.9 < recurrence.course(name)[:, 0]).all()
    drawn = recurrence.later("t").markup
    for n in recurrence.PLAIN:
        assert f"{n} numbers" in drawn and recalling.ROWS[f"RNN, {n}"].rate == recalling.SLOW


@pytest.mark.parametrize("name", ["RNN, 20", "RNN, early", "RNN, cut, early, apart"])
def test_a_course_begins_with_the_loss_of_fresh_networks(name):
    row, begun = recalling.ROWS[name], recurrence.course(name)[:, 0]
    x, y = recalling.tested(row.length, row.late)
    for seed in (0, 8):  # neither the cut nor the fixed steps change what is answered at first
        p = recalling.Start("RNN").network(seed).forward(x)
        assert begun[seed] == pytest.approx(((p - y) ** 2).mean() / recalling.GUESSING, rel=1e-4)


def test_a_gate_leaves_as_much_of_the_cell_as_of_the_error():
    for bias, _ in recurrence.GATES.values():
        gate, c = 1 / (1 + np.exp(-bias)), 1.0
        for left in recurrence.scaled(bias):
            assert left == pytest.approx(c)
            c *= gate
    drawn = recurrence.mirrored("t").markup
    for words in ("0.49", "5·10⁻⁶", "f = 0.982", "f = 0.731"):
        assert drawn.count(f">{words}<") == 2, words
    assert drawn.count('stroke-width="3"') == drawn.count("stroke-dasharray") * 2 == 4
    check_words(drawn, 0.55, above=10)


def test_plain_networks_and_lstms_are_compared_in_two_tasks():
    drawn = recurrence.compared("t").markup
    for kind, (said, *_) in recurrence.RIVALS.items():
        assert f">{said}<" in drawn and kind in recalling.KINDS
        layer = copying.network(kind, 0).layers[0]
        if kind != "RNN":
            assert said == f"LSTM, bias {layer._split(layer.parameters['b'])[1][0]:g}"
        for n in recalling.LENGTHS:
            for counted in (copying.solved(kind, n), recalling.solved(f"{kind}, {n}")):
                assert f">{counted}<" in drawn, (kind, n)
    assert set(recalling.LENGTHS) <= set(copying.SILENCES)
    dots = len(recurrence.RIVALS) * len(recalling.LENGTHS) * 2 * 10
    assert drawn.count("<use") >= dots


def test_an_error_on_its_way_back_is_drawn():
    drawn = recurrence.crossing("t").markup
    ways = [words for names in recurrence.CROSSED.values() for words, *_ in names]
    ends = "14", "0.46", "0.13", "1·10⁻⁶"
    for words in ("letters", "silence", "first answer", *ways, *ends):
        assert f">{words}<" in drawn, words
    for kind, ((words, *_), _) in recurrence.CROSSED.items():
        bias = recurrence.RIVALS[kind][0].removeprefix("LSTM, ")
        assert words.startswith(bias), kind


def test_the_factors_in_all_directions_are_drawn_beside_who_solved_the_task():
    drawn = recurrence.directions("t").markup
    assert set(recurrence.KEPT) == set(copying.KINDS)
    for kind, (said, *_) in recurrence.KEPT.items():
        assert drawn.count(f">{said}<") == 1
        for silence in recurrence.CROSSINGS:
            assert f">{copying.solved(kind, silence)}<" in drawn


def test_what_returned_is_the_median_of_ten_networks():
    found = recurrence.returned("LSTM", 5)
    assert found.shape == (2, 9) and (found[:, -1] == 1).all() and (found[1] <= found[0]).all()
    ways = [copying.returning(copying.network("LSTM", k), 5)[0] for k in range(10)]
    assert found[0, 0] == np.median([way[0] for way in ways])


def test_input_gates_at_the_marks_are_drawn():
    gates = recurrence.opening("LSTM, 40")
    assert gates.shape == (10, 2, recalling.UNITS["LSTM"]) and 0 < gates.min() < gates.max() < 1
    drawn = recurrence.opened("t").markup
    for words in ("our example", "before training", "after training", "same"):
        assert f">{words}<" in drawn, words
    assert drawn.count("<use") >= 2 * gates.size // 2 + 1


def test_the_experiments_with_a_cut_error_are_drawn():
    drawn = recurrence.stopped("t").markup
    for said, names in recurrence.ARMS.items():
        assert drawn.count(f">{said}<") == 2
        for name, length in zip(names, (10, 40), strict=True):
            row = recalling.ROWS[name]
            assert row.length == length and row.start.kind == "RNN" and row.late == 2
            assert row.start.cut == (None if said == "whole" else 2)
            assert row.start.apart == (said == "fixed")
            assert row.updates == recalling.LONG and recalling.SLOW in row.rates
            assert len(recalling.losses(name)[recalling.SLOW]) == 10
        runs = recurrence.course(names[0])
        assert runs.shape == (10, recalling.LONG // recalling.EVERY + 1)
