"""The figures of the chapter on memory say what was measured."""

import re

import pytest

from backprop.book.chains import (
    Chain,
    binomial,
    cut_into,
    in_segments,
    moments,
    most_kept,
    tower,
    watched,
)
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


def test_what_is_kept_is_counted():
    layers, x, dz = tower(64, 4, 2)
    chain = Chain(layers, dz)
    in_segments(mountains.SEGMENTS)(chain, x)
    # Up to the top, 8 first inputs and the last segment's own; then a checkpoint less each time.
    assert [mountains.kept_at(at).sum() for at in (0, 8, 7, 1)] == [8, 15, 14, 8]
    assert most_kept([8] * 8) == 15
    drawn = mountains.checkpoints({"first": 8, "then": 7}, "t").markup
    assert ">15 kept<" in drawn and ">14 kept<" in drawn
    assert drawn.count('fill-opacity="0.85"') == 29 and drawn.count("<rect") == 128


def test_the_walks_show_what_is_kept_and_evaluated():
    found = moments(binomial(2), 10)
    markup = mountains.walks(found, "t").markup
    assert markup.count('fill-opacity="0.85"') == sum(len(m.kept) for m in found) == 25
    assert markup.count("<polygon") == sum(len(m.walks) for m in found) == 10
    assert markup.count("<rect") == 110 and ">10<" in markup
    assert "layer 6: inputs of 1, 4, 6 kept, 5 evaluations" in markup
    assert "evaluations of each layer: 3, 3, 2, 3, 2, 1, 3, 2, 1, 1, in all 21" in markup


def test_the_account_adds_up():
    rows = {"batch 1": (8, 8, 16, 24.2), "batch 2": (8, 8, 16, 48.4)}
    markup = mountains.account(rows, "title").markup
    assert ">56 MB<" in markup and ">80 MB<" in markup and markup.count(">8<") == 4
    assert markup.count("<rect") == 4 + 8


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


def test_the_exchange_has_a_mark_per_run_and_a_line_of_the_fewest():
    runs = {"one": [(64, 64), (95, 33)], "two": [(117, 11)], "three": [(2017, 2)]}
    best = [(64, 64), (95, 33), (117, 11), (2017, 2)]
    markup = mountains.exchange(runs, best, {11: "twice at most"}, "t").markup
    for words in ("one", "two", "three", "fewest possible", "twice at most"):
        assert f">{words}<" in markup, words
