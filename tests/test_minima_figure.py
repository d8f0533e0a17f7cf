"""What the figures of "Are local minima the problem?" draw is what was computed."""

import numpy as np
import pytest

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


def test_runs_leave_the_saddle_24_steps_later_for_each_factor_of_ten():
    steps = [int((minima.row_loss(minima.from_line(d, 200)) < 0.1).argmax())
             for d in (0.1, 0.01, 0.001, 0.0001)]  # fmt: skip
    assert np.abs(np.diff(steps) - 24).max() <= 1
    held = minima.from_line(0.0, 2000)[-1]
    assert abs(held).max() < 1e-12, "on the line itself, a run ends at the saddle"
    v, w = run = minima.from_line(0.3, 1)[0]
    step = minima.from_line(0.3, 1)[1] - run
    np.testing.assert_allclose(step, -0.1 * (v * w - 1) * np.array([w, v]))
    assert minima.row_loss(np.array([0.1, 0.1])) == pytest.approx(0.49005)
    markup = minima.saddle("title").markup
    assert ">saddle<" in markup and ">0.001<" in markup


def test_the_levels_mark_the_trap_and_count_points_that_share_a_mark():
    losses, index = np.array([0.02, 0.27, 0.274, 0.5, 0.5, 0.5]), np.array([0, 0, 1, 2, 2, 0])
    ended = np.array([0.02, 0.27, 0.27, 0.02, 0.02])
    markup = minima.levels(losses, index, ended, 0.27, "title").markup
    for words in (">trap<", ">lowest<", ">2<", ">2 runs<", ">3 runs<", ">all zero<"):
        assert words in markup


def test_the_minima_are_drawn_by_width_with_what_is_wrong():
    found = {
        "2": (np.array([0.8, 0.9]), np.array([44, 62])),
        "16": (np.array([0.1032, 0.1036]), np.array([0, 0])),
    }
    markup = minima.widths(found, "title").markup
    for words in ("2 units", "16 units", "44–62 wrong", ">0 wrong<"):
        assert words in markup


def test_the_traps_and_the_gain_of_one_more_unit_are_drawn_by_width():
    found = {"2": np.array([0.8, 0.88, 0.81]), "16": np.array([0.1032, 0.1036])}
    lowest = {2: 0.8, 3: 0.36, 16: 0.1032, 17: 0.102}
    markup = minima.grown(found, lowest, [55, 0.93], "title").markup
    for words in (">2<", ">3<", ">16<", ">17<", ">units<", ">+10<", ">−55<", ">+0.4<", ">−0.9<"):
        assert words in markup


def test_the_flat_curve_is_shaded_where_the_smallest_eigenvalue_is_negative():
    from matplotlib.axes import Axes

    steps, losses = range(0, 25_001, 5000), np.array([0.9, 0.86, 0.86, 0.83, 0.805, 0.805])
    lowest = np.array([-0.002, 0.001, -0.001, -0.002, 0.001, 0.001])
    shaded, kept = [], Axes.axvspan
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Axes, "axvspan", lambda self, low, high, **looks: (
            shaded.append((low, high)), kept(self, low, high, **looks))[1])  # fmt: skip
        markup = minima.flat(steps, losses, losses / 200, lowest, "title").markup
    assert shaded == [(0, 5)] * 3 + [(10, 20)] * 3, "once in each of the three panels"
    assert ">length of the gradient, in thousandths<" in markup
    assert ">loss<" in markup and ">smallest eigenvalue, in thousandths<" in markup


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
