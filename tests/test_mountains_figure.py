"""The figures of the chapter on memory say what was measured."""

import re

import pytest

from backprop.book.chains import cut_into, in_segments, tower, watched
from backprop.book.figures import mountains


@pytest.fixture(scope="module")
def runs():
    layers, x, dz = tower(16)
    return {k: watched(layers, x, dz, in_segments(k)) for k in (1, 2, 4, 8)}, x, dz


def test_two_ways_name_their_peaks_and_evaluations(runs):
    segments, x, _ = runs
    both = {"all": segments[1], "cut": segments[4]}
    markup = mountains.side_by_side(both, x.nbytes, "title").markup
    assert re.findall(r">(\d+) arrays,<", markup) == ["19", "10"]
    assert re.findall(r">(\d+) evaluations<", markup) == ["16", "28"]


def test_the_account_adds_up():
    rows = {"batch 1": (8, 8, 16, 24.2), "batch 2": (8, 8, 16, 48.4)}
    markup = mountains.account(rows, "title").markup
    assert ">56 MB<" in markup and ">80 MB<" in markup and markup.count(">8<") == 4
    assert markup.count("<rect") == 4 + 8


def test_the_mountains_of_each_depth_name_their_peaks(runs):
    segments, x, _ = runs
    markup = mountains.by_depth({16: segments[1], 8: segments[4]}, x.nbytes, "title").markup
    assert re.findall(r"(\d+) arrays<", markup) == ["19", "10"]
    assert re.findall(r"(\d+) layers<", markup) == ["16", "8"]


def test_the_stepper_says_peak_and_price(runs):
    segments, x, _ = runs
    one, two, *_ = [frame.caption for frame in mountains.segments(segments, x.nbytes)]
    assert one.startswith("A segment has 16 layers. At the peak: 19 arrays. Evaluations")
    assert "16, of which 0" in one and "peak: 12 arrays" in two and "24, of which 8" in two


def test_two_shapes_stand_one_below_the_other(runs):
    segments, x, dz = runs
    growing = watched(tower(16)[0], x, dz, cut_into([2, 4, 4, 6]))
    markup = mountains.shapes({"equal": segments[4], "growing": growing}, x.nbytes, "title").markup
    assert re.findall(r">(\w+): (\d+) arrays<", markup) == [("equal", "10"), ("growing", "12")]


def test_the_exchange_has_a_line_per_family():
    markup = mountains.exchange({"one": [(64, 67), (96, 36)], "two": [(2080, 6)]}, "t").markup
    assert ">one<" in markup and ">two<" in markup
