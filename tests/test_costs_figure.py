"""The figures of the chapter on cost say what was measured."""

import re

import numpy as np
import pytest

from backprop.book.chains import in_segments, watched
from backprop.book.figures import costs
from backprop.book.figures.by_hand import spread
from backprop.book.roofline import Point


@pytest.fixture(scope="module")
def runs():
    layers, x, dz = costs.tower(16)
    return {k: watched(layers, x, dz, in_segments(k)) for k in (1, 2, 4, 8)}, x, dz


def test_the_bills_add_up_and_a_long_bar_is_torn():
    rows = [costs.Bill("all", 1, 2, 0.5, 9), costs.Bill("nudging", 1e6, 0, 0, 3)]
    markup = costs.bills(rows, "title").markup
    for words in ("all", "nudging", "3.5", "1,000,000", "9"):
        assert markup.count(f">{words}<") == 1
    assert markup.count("<polygon") == 1 and markup.count("<rect") == 3 + 1 + 1
    assert float(re.search(r'width="([\d.]+)"[^>]*fill-opacity="0.45"', markup)[1]) == 16.5


def test_the_network_counts_its_products():
    markup = costs.article_network((784, 100, 2), "title").markup
    assert "forward: 156,800 + 400 = 157,200" in markup
    assert "backward: 156,800 + 400 + 400 = 157,600" in markup
    assert markup.count(">not needed<") == 1


def test_seconds_are_written_at_the_end_of_each_line():
    markup = costs.seconds_by_weights([10, 1000], [1e-4, 0.02], [3e-4, 0.06], "title").markup
    for words in ("20 ms", "60 ms", "20 s", "nudging each weight (computed)"):
        assert f">{words}<" in markup
    assert [costs.in_words(s) for s in (0.0015, 2, 90, 7200)] == ["1.5 ms", "2 s", "1.5 min", "2 h"]


def test_the_mountains_of_each_depth_name_their_peaks(runs):
    segments, x, _ = runs
    markup = costs.by_depth({16: segments[1], 8: segments[4]}, x.nbytes, "title").markup
    assert re.findall(r"(\d+) arrays<", markup) == ["19", "10"]
    assert re.findall(r"(\d+) layers<", markup) == ["16", "8"]


def test_the_stepper_gives_the_formula_and_the_measurement(runs):
    segments, x, _ = runs
    one, two, *_ = [frame.caption for frame in costs.mountains(segments, x.nbytes)]
    assert one.startswith("k + n/k = 1 + 16 = 17; measured: 19 arrays")
    assert "2 + 8 = 10; measured: 12" in two and "evaluations: 24, of which 8 are" in two


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
