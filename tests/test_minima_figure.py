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


def test_the_cubic_has_four_points_and_each_is_named():
    corners = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    assert minima.cubic(corners).tolist() == [-4, 0, 0, 4]
    markup = minima.kinds("title").markup
    for words in ("minimum, −4", "maximum, 4", "+6, −6: index 1", "−6, −6: index 2"):
        assert words in markup


def test_the_levels_mark_the_trap_and_count_points_that_share_a_mark():
    found = {
        2: (np.array([0.02, 0.27, 0.274, 0.5, 0.5]), np.array([0, 0, 1, 2, 2])),
        3: (np.array([0.02, 0.27, 0.35, 0.36, 0.36]), np.array([0, 1, 2, 2, 2])),
    }
    runs = {2: np.array([0.02, 0.27, 0.27]), 3: np.full(17, 0.02)}
    markup = minima.levels(found, runs, 0.27, "title").markup
    for words in (">trap<", "2 units", ">2<", ">3<", ">17<"):
        assert words in markup


def test_two_runs_are_drawn_with_gradient_and_eigenvalue():
    low = np.array([[-0.1, 0, 0.001], [-0.1, -0.001, 0]])
    watched = np.full((2, 3), 0.85), np.full((2, 3), 1e-3), low
    markup = minima.watching(watched, np.array([0, 500, 1000]), "title").markup
    for words in (">loss<", "both wait", "length of the gradient", "eigenvalue"):
        assert words in markup


def test_opened_traps_show_what_the_rule_compares_and_both_parts_of_the_loss():
    singular = np.geomspace(0.1, 0.01, 9)[None]
    steps = np.array([0, 10, 100, 1000, 10_000])
    parts = np.array([[0.6, 0.6, 0.4, 0.3, 0.2]]), np.full((1, 5), 0.2)
    markup = minima.opened(singular, 0.001, parts, steps, "title").markup
    for words in ("decay α", ">cross-entropy<", ">decay<", "singular values"):
        assert words in markup


def test_the_paths_are_named():
    along = np.full((2, 41), 0.1) + np.linspace(0, 0.02, 41)
    paths = {"straight": along + 0.3, "bent": along, "aligned": along}
    markup = minima.walls(paths, "title").markup
    for words in (">straight<", ">bent<", ">aligned<", ">cross-entropy<"):
        assert words in markup


def test_the_bowl_has_levels():
    t = np.linspace(-1, 1, 5)
    markup = minima.bowl(t, 0.1 + t[:, None] ** 2 + t**2, "title").markup
    assert "first direction" in markup and ">0.5<" in markup


def test_two_units_leave_the_trap_downhill():
    run = minima.widened_run(np.array([*POINTS[1], 0.01, -0.01, 0.0]), 100)
    losses = minima.widened_loss(run)
    assert (np.diff(losses) < 0).all() and losses[41] > 0.2764 > losses[42]
    h, step = 1e-6, run[8] - run[7]
    moved = run[7] + h * np.eye(5), run[7] - h * np.eye(5)
    slope = (minima.widened_loss(moved[0]) - minima.widened_loss(moved[1])) / (2 * h)
    np.testing.assert_allclose(step, -minima.OPENING_RATE * slope, atol=1e-8)
    frames = minima.opening(run, (0, 42), 0.2764)
    assert frames[0].caption.startswith("Loss 0.54, with q = 0.01, w′ = −0.01 and w = 1.10.")
    assert "the answer is 0.45" in frames[1].caption and "one unit" in frames[1].svg


def test_a_wait_costs_24_steps_a_decade_with_two_weights_and_ten_times_as_many_with_three():
    steps = {
        n: [int((minima.in_a_row(d, n, 12_000) > 0.5).argmax()) for d in (0.1, 0.01, 0.001)]
        for n in (2, 3)
    }
    assert np.diff(steps[2]).tolist() == [24, 24] and steps[3] == [83, 986, 9988]
    markup = minima.waits("title").markup
    assert "two weights" in markup and ">0.001<" in markup
