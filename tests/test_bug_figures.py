"""The figures of the chapters on faults and bugs say what they draw."""

import re

import numpy as np
import pytest

from backprop.book.figures.bug_curves import (
    VALUES,
    beside,
    caught,
    ends_by_rate,
    places,
    two_steps,
)
from backprop.book.figures.faults import (
    DOES,
    FIRST,
    HIGH,
    HOLDS,
    LOW,
    ORDER,
    PANELS,
    STEP,
    _across,
    _height,
    compass,
    ladder,
    program_loop,
)
from backprop.book.figures.switches import view


def test_the_loop_has_each_fault_once_and_the_message_once():
    markup = program_loop("t", "update", "shapes do not fit").markup
    assert all(f">{words}<" in markup for words in (*ORDER, *DOES.values()))
    assert markup.count(">stops here: shapes do not fit<") == 1
    assert all(markup.count(f">{fault}<") == 1 for fault in range(1, 10))
    assert markup.count(">10<") == 3, "no biases in start, forward and backward"
    assert sorted(sum(HOLDS.values(), ())) == [*range(1, 11), 10, 10] and "update" not in HOLDS


def test_the_ladder_shows_what_is_stored_after_each_fix():
    markup = ladder([0.98, 0.99], "t").markup
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="4"', markup)
    ticks = re.findall(r'x1="([\d.]+)" y1="([\d.]+)" x2="[\d.]+" y2="[\d.]+" stroke="var', markup)
    for fixed in range(1, 11):
        seen, y = view(range(fixed + 1, 11)), FIRST + STEP * fixed
        for found, height, name in ((dots, y + 3, "new"), (ticks, y - 9, "printed")):
            shares = [(float(x) - LOW) / (HIGH - LOW) for x, at in found if float(at) == height]
            assert np.allclose(shares, np.array(seen["marks"][name]) / 100, atol=0.001)
        assert f">{seen['words']['loss']}<" in markup
    assert len(dots) == 102 and markup.count(">stops at its first update<") == 1


def test_each_reading_stands_at_its_cosine_and_ratio():
    apart = [[[0.5, 2], [-0.25, 40]], [[0.9, 7], [0.1, 63]]]
    alike = [[[-1, 5], [-1, 5]]]
    panels = [("one", "a", [("", apart)]), ("two", "b", [("5 examples", alike)]),
              ("three", "c", [("", [[[1, 1], [1, 1]]])])]  # fmt: skip
    markup = compass(panels, "t").markup
    rings = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="6"', markup)
    dots = re.findall(r'cx="([\d.]+)" cy="([\d.]+)" r="3.5"', markup)
    assert len(dots) == len(rings) == 5, "four readings of each matrix, and the legend"
    for found, matrix in ((dots, 0), (rings, 1)):
        for place, draw in zip(found[:2], apart, strict=True):
            cosine, ratio = draw[matrix]
            there = _across(PANELS[0], cosine), _height(ratio)
            assert np.allclose(np.array(place, dtype=float), there, atol=0.06)
    assert all(markup.count(f">{words}<") == 1 for words in ("one", "two", "5 examples"))
    assert "two 5 examples: cosines -1.00 to -1.00, ratios 5.0 to 5.0" in markup


def test_curves_that_leave_the_picture_do_not_break_it():
    right = np.linspace(2.3, 0.7, 5) * np.ones((3, 1))
    wrong = {"a": np.full((3, 5), np.nan), "b": right + 1, "c": right * 1e9, "d": right / 2}
    words = {"c": [(1, 5, "wrong", "out of it")]}
    drawn = beside(right, wrong, "four", guess=2.3, words=words)
    assert repr(drawn) == "<Drawing: four>" and drawn.markup.count("out of it") == 1


def test_the_map_has_each_value_and_each_bug_once():
    markup = places("t").markup
    assert all(markup.count(f">{bug}<") == 1 for bug in range(1, 11))
    assert all(f">{name}<" in markup for name in (*VALUES, "δ⁽¹⁾", "δ⁽²⁾", "δ⁽³⁾", "update"))


def test_the_ends_at_each_rate_bear_the_names_and_the_rates():
    right = {0.2: [0.6, 0.7, 0.8], 1.6: [0.2, 0.3, 0.4]}
    lost = {0.2: [0.5, 0.6, 0.7], 1.6: [1.5, np.nan, np.nan]}
    markup = ends_by_rate({"a": {"right": right, "bug": lost}, "b": {"right": right}}, "t").markup
    assert all(f">{word}<" in markup for word in ("a", "b", "right", "bug", ".2", "1.6"))
    assert markup.count(">NaN<") == 1 and markup.count(">right<") == 1


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
