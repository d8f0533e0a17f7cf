"""The figures of the chapter on cost say what was measured."""

import re

import numpy as np
import pytest

from backprop.book.chains import binomial, in_segments, watched
from backprop.book.figures import costs
from backprop.book.figures.by_hand import spread
from backprop.book.roofline import Point


@pytest.fixture(scope="module")
def runs():
    layers, x, dz = costs.tower(16)
    return {k: watched(layers, x, dz, in_segments(k)) for k in (1, 2, 4, 8)}, x, dz


def test_the_mountains_name_their_peaks_and_their_work(runs):
    segments, x, _ = runs
    markup = costs.two_mountains(segments[1], segments[4], x.nbytes, "title").markup
    assert re.findall(r"peak (\d+)", markup) == ["19", "10"]
    assert re.findall(r"(\d+) evaluations", markup) == ["16", "28"]


def test_the_stepper_gives_the_formula_and_the_measurement(runs):
    segments, x, _ = runs
    one, two, *_ = [frame.caption for frame in costs.mountains(segments, x.nbytes)]
    assert one.startswith("k + n/k = 1 + 16 = 17, and at most 19 arrays")
    assert "2 + 8 = 10, and at most 12" in two and "24 forward evaluations, 8 more" in two


def test_the_crossing_has_both_modes():
    markup = costs.crossing(
        range(1, 4), [1, 2, 3], [3, 2, 1], ([1, 3], [1, 3], [3, 1]), "title"
    ).markup
    assert "forward mode" in markup and "reverse mode" in markup


def test_names_are_spread_and_stay_in_order():
    places = spread([0.0, 0.1, 0.15, 3.0], 1.0)
    assert np.diff(places).min() >= 1 - 1e-12 and places[3] == 3.0
    np.testing.assert_allclose(spread([0.0, 2.0, 2.5], 1.0), [0.0, 1.75, 2.75])
    np.testing.assert_allclose(spread([0.0, 1.0, 1.0], 1.0), np.array([0, 1, 2]) - 1 / 3)


def test_the_roofline_names_each_layer_once():
    points = [
        Point("ReLU", False, 0.06, 2e9), Point("ReLU", True, 0.04, 1e9),
        Point("Dense, B = 1", False, 0.25, 4e9), Point("Adam", True, 0.2, 3e9),
    ]  # fmt: skip
    markup = costs.roofline(points, 3e10, 2e10, "title").markup
    for name in ("ReLU", "Dense, B = 1", "Adam"):
        assert markup.count(f">{name}<") == 1


def test_the_trade_labels_its_marks(runs):
    segments, x, dz = runs
    layers, *_ = costs.tower(16)
    placed = {S: watched(layers, x, dz, binomial(S)) for S in (1, 3)}
    blocks = {2: watched(layers, x, dz, binomial(2, 4))}
    markup = costs.trade(segments, placed, blocks, x.nbytes, "title").markup
    for words in ("everything kept", "S snapshots", "blocks of 4"):
        assert words in markup


def test_the_timetable_counts_the_advances_of_each_layer():
    markup = costs.timetable(6, binomial(2), "title").markup
    assert re.findall(r">layer (\d)<", markup) == list("654321")
    # Below the six numbers of the layers.
    words = re.findall(r">(\d)<", markup)
    assert "".join(words).replace("123456", "", 1) == "221210"
