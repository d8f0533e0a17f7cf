"""What the figures of "Are local minima the problem?" draw is what was computed."""

import numpy as np

from backprop.book.figures import minima

POINTS = np.array([[-0.0495, -0.18697], [1.09622, -0.00048], [0.39767, -0.07266]])


def test_runs_end_at_a_minimum_or_on_a_plateau():
    begun = np.array([[0.0, 0.0], [1.0, 0.1], [2.5, 2.5]])
    ended = minima.descend(begun, 2000)
    assert minima.ends(ended, POINTS[:2]).tolist() == [minima.LOWEST, minima.TRAP, minima.PLATEAU]
    assert np.array_equal(begun[0], [0, 0]), "the starts are kept"


def test_the_trap_names_its_points():
    markup = minima.trap(POINTS, "title").markup
    for words in ("lowest, 0.28", "trap, 0.54", "saddle, 0.58"):
        assert words in markup


def test_the_levels_mark_the_trap_in_each_panel():
    found = {
        2: (np.array([0.02, 0.27, 0.27, 0.5]), np.array([0, 0, 1, 1]), np.array([8, 8, 8, 1])),
        3: (np.array([0.02, 0.27, 0.5]), np.array([0, 1, 2]), np.array([48, 24, 1])),
    }
    runs = {2: np.array([0.02, 0.27]), 3: np.array([0.02, 0.02])}
    markup = minima.levels(found, runs, 0.27, "title").markup
    assert (
        ">trap<" in markup
        and ">saddle<" in markup
        and "25 points" in markup
        and "73 points" in markup
    )


def test_the_walls_name_the_paths_and_the_widths():
    found = {n: {"straight": np.array([1.0, 0.5]), "bent": np.array([0.1, 0.01])} for n in (4, 16)}
    markup = minima.walls(found, "title").markup
    for words in ("4 units", "16 units", ">straight<", ">bent<"):
        assert words in markup


def test_two_units_leave_the_trap_downhill():
    run = minima.widened_run(np.array([*POINTS[1], 0.01, -0.01, 0.0]), 50)
    losses = minima.widened_loss(run)
    assert (np.diff(losses) < 0).all() and losses[11] > 0.2764 > losses[12]
    h, step = 1e-6, run[8] - run[7]
    moved = run[7] + h * np.eye(5), run[7] - h * np.eye(5)
    slope = (minima.widened_loss(moved[0]) - minima.widened_loss(moved[1])) / (2 * h)
    np.testing.assert_allclose(step, -minima.RATE * slope, atol=1e-8)
    frames = minima.opening(run, (0, 12), 0.2764)
    assert frames[0].caption.startswith("Loss 0.54, with q = 0.01, w′ = −0.01 and w = 1.10.")
    assert "the answer is 0.40" in frames[1].caption and "one unit" in frames[1].svg


def test_a_unit_with_an_output_layer_goes_downhill_and_what_is_held_stays():
    start = np.array([*POINTS[1], 0.01, -0.01, 0.0, 0.9, 0.1])
    run = minima.widened_run(start, 8)
    h, step = 1e-6, run[8] - run[7]
    moved = run[7] + h * np.eye(7), run[7] - h * np.eye(7)
    slope = (minima.widened_loss(moved[0]) - minima.widened_loss(moved[1])) / (2 * h)
    np.testing.assert_allclose(step, -minima.RATE * slope, atol=1e-8)
    held = minima.widened_run(start, 8, learns=(0, 1, 5, 6))
    assert (held[:, 2:5] == start[2:5]).all() and (held[1] - start)[[0, 1, 5, 6]].all()
    plain = np.array([*start[:5], 1.0, 0.0])
    np.testing.assert_allclose(minima.widened(plain), minima.widened(plain[:5]))


def test_an_escape_costs_24_steps_a_decade_with_two_weights_and_ten_times_as_many_with_three():
    two = [minima.escape(d, 0.1, 2) for d in (0.1, 0.01, 0.001)]
    assert np.diff(two).tolist() == [24, 24]
    three = [minima.escape(d, 0.1, 3) for d in (0.1, 0.01, 0.001)]
    assert three == [83, 986, 9988]
