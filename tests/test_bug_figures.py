"""The figures of the chapters on faults and bugs say what they draw."""

import math
import re

import numpy as np
import pytest

from backprop.book.figures import svg
from backprop.book.figures.bug_curves import (
    beside,
    caught,
    ends_by_rate,
    two_steps,
)
from backprop.book.figures.faults import (
    CEILING,
    DOES,
    DOWN,
    FLOOR,
    GUESS,
    HIGH,
    HOLDS,
    LEFTS,
    LOW,
    ORDER,
    PANEL,
    RATIOS,
    READINGS,
    UNIT,
    UP,
    compass_readings,
    losses_and_compass,
    program_loop,
    stretched_score,
)


def test_the_loop_has_a_question_mark_for_each_fault_and_the_message_once():
    markup = program_loop("t", "update", "shapes do not fit").markup
    assert all(f">{words}<" in markup for words in (*ORDER, *DOES.values()))
    assert markup.count(">stops here: shapes do not fit<") == 1
    assert markup.count(">?<") == sum(HOLDS.values()) == 10 and "update" not in HOLDS


def test_losses_and_compass_are_drawn_as_far_as_they_stay_in_the_picture():
    falls = np.linspace([0.5, 0.4], [0.25, 0.0], 100).T
    large = np.linspace([232.0, 25.0], [20.0, 15.0], 100).T
    leaves = np.array([[0.2] * 50 + [np.nan] * 50])
    scattered = [[[0.14, 1.6], [0.99, 63.0]], [[0.5, 8.0], [0.5, 9.0]]]
    panels = {
        "2 slow": (large, scattered),
        "4 sign": (falls, [[1.0, 5.0]] * 4),
        "5 mean": (leaves, [[1.0, 1.0]] * 4),
        "6 minus": (falls, [[-1.0, 5.0]] * 4),
    }
    markup = losses_and_compass(panels, "t").markup
    curves = re.findall(r'<polyline points="([^"]+)"', markup)
    drawn = [np.array([p.split(",") for p in c.split()], dtype=float) for c in curves]
    assert len(drawn) == 7
    for found, run in zip(drawn, [*large, *falls], strict=False):
        heights = (FLOOR - found[[0, -1], 1]) / (FLOOR - CEILING)
        shown = LOW * (HIGH / LOW) ** heights
        assert np.allclose(shown, np.maximum(run[[0, -1]], LOW), rtol=0.01)
        assert math.isclose(found[-1, 0] - found[0, 0], PANEL, abs_tol=0.2)
    assert drawn[4][-1, 0] < drawn[4][0, 0] + 0.51 * PANEL
    assert markup.count('stroke-dasharray="2 3"') == len(panels)
    guess = FLOOR - (FLOOR - CEILING) * math.log(GUESS / LOW) / math.log(HIGH / LOW)
    assert f'y1="{guess:.1f}"' in markup and markup.count(">¼<") == 1
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="3.2" fill="([^"]+)"', markup)
    assert len(dots) == 4 + 1 + 1 + 1
    assert [paint for *_, paint in dots] == [svg.BACKWARD] * 5 + [svg.FORWARD, svg.BACKWARD]
    assert [float(y) for _, y, _ in dots[4:]] == [UP, UP, DOWN]
    left = LEFTS[1] + PANEL * math.log(5 / RATIOS[0]) / math.log(RATIOS[1] / RATIOS[0])
    assert math.isclose(float(dots[4][0]), left, abs_tol=0.06)
    assert all(f">{words}<" in markup for words in ("scatter", "1 and 5", "1 and 1", "−1 and 5"))
    assert "2 slow: loss 25 to 232, then 15 to 20; compass: scatter" in markup


def test_the_score_counts_the_entries_that_agree():
    markup = stretched_score([1, 0, 1], [(0, 1), (1, 0), (0, 1)], "t").markup
    assert markup.count(">✓<") == markup.count(">✗<") == 3
    assert "3 of 6 entries are equal" in markup and markup.count("4 3") == 3
    both = stretched_score([1, 0], [(1, 1), (0, 1)], "t").markup
    assert "3 of 4 entries are equal" in both and both.count(">✗<") == 1


def test_the_compass_shows_the_readings_that_it_names():
    markup = compass_readings("t").markup
    tips = re.findall(r'<line x1="([-\d.]+)" y1="([-\d.]+)".*?points="([-\d.]+),([-\d.]+) ', markup)
    drawn = [(float(c) - float(a), float(d) - float(b)) for a, b, c, d in tips]
    for _, arrows, words in READINGS:
        (x, y), rest = drawn[0], drawn[1 : 1 + len(arrows)]
        drawn = drawn[1 + len(arrows) :]
        assert math.isclose(math.hypot(x, y), UNIT, abs_tol=0.2)
        for (cosine, ratio), (u, v) in zip(arrows, rest, strict=True):
            assert math.isclose(math.hypot(u, v) / UNIT, ratio, abs_tol=0.02)
            found = (x * u + y * v) / math.hypot(x, y) / math.hypot(u, v)
            assert math.isclose(found, cosine, abs_tol=0.02)
        for value, word in zip(arrows[0], words, strict=True):
            if word != "scatters":
                sign = "" if math.isclose(value, round(value)) else "near "
                assert word == f"{sign}{value:.0f}".replace("-", "−")
    assert not drawn


def test_curves_that_leave_the_picture_do_not_break_it():
    right = np.linspace(2.3, 0.7, 5) * np.ones((3, 1))
    wrong = {"a": np.full((3, 5), np.nan), "b": right + 1, "c": right * 1e9, "d": right / 2}
    words = {"c": [(1, 5, "wrong", "out of it")]}
    drawn = beside(right, wrong, "four", guess=2.3, words=words)
    assert repr(drawn) == "<Drawing: four>" and drawn.markup.count("out of it") == 1


def test_the_ends_at_each_rate_bear_the_names_and_the_rates():
    right = {0.2: [0.6, 0.7, 0.8], 1.6: [0.2, 0.3, 0.4]}
    lost = {0.2: [0.5, 0.6, 0.7], 1.6: [1.5, np.nan, np.nan]}
    markup = ends_by_rate({"a": {"right": right, "bug": lost}, "b": {"right": right}}, "t").markup
    assert all(f">{word}<" in markup for word in ("a", "b", "right", "bug", "0.2", "1.6"))
    assert markup.count(">NaN<") == 1


def test_each_step_shows_the_gradient_that_it_used():
    paths = {"right": [1, 0.8, 0.68], "wrong": [1, 0.8, 0.48]}
    markup = two_steps(paths, 0.1, "t").markup
    used = re.findall(r">used ([\d.]+)<", markup)
    assert used == ["2", "1.2", "2", "3.2"]
    assert "wrong: from 0.8 to 0.48, used 3.2" in markup
    with pytest.raises(ValueError, match="programs holds 3, expected 2"):
        two_steps({**paths, "another": [1, 0.9]}, 0.1, "t")


def test_the_table_shows_a_miss_as_a_nought():
    counts = [[10, 0], [9, 10]]
    markup = caught(counts, ["full", "half"], ["1", "2"], "table").markup
    assert ">10<" not in markup and markup.count(">9<") == 1 and markup.count(">0<") == 1
    quiet = caught(counts, ["full", "half"], ["1", "2"], "table", quiet=True).markup
    assert quiet.count(">9<") == 1 and ">0<" not in quiet
