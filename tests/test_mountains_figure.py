"""The figures of the chapter on memory say what was measured."""

import re

from backprop.book.chains import binomial, in_segments, moments, tower, watched
from backprop.book.figures import mountains


def test_two_ways_name_their_peaks_and_evaluations():
    layers, x, dz = tower(16)
    both = {"all": watched(layers, x, dz, in_segments(1)),
            "cut": watched(layers, x, dz, in_segments(4))}  # fmt: skip
    markup = mountains.side_by_side(both, x.nbytes, "title").markup
    assert re.findall(r">(\d+) arrays,<", markup) == ["20", "11"]
    assert re.findall(r">(\d+) evaluations<", markup) == ["16", "25"]


def test_the_walks_show_what_is_kept_and_evaluated():
    found = moments(binomial(2), 10)
    markup = mountains.walks(found, "t").markup
    assert markup.count('fill-opacity="0.85"') == sum(len(m.kept) for m in found) == 25
    assert markup.count("<polygon") == sum(len(m.walks) for m in found) == 10
    assert markup.count("<rect") == 110 and ">10<" in markup
    assert "layer 6: inputs of 1, 4, 6 kept, 5 evaluations" in markup
    assert "evaluations of each layer: 3, 3, 2, 3, 2, 1, 3, 2, 1, 1, in all 21" in markup


def test_each_depth_has_its_number_but_the_first():
    runs = {"all": [(16, 19), (36, 39), (64, 67)], "cut": [(16, 10), (36, 14), (64, 18)]}
    markup = mountains.depths(runs, "t").markup
    for words in ("all", "cut", "39", "67", "14", "18", "layers n"):
        assert f">{words}<" in markup, words
    assert ">19<" not in markup


def test_the_exchange_has_a_mark_per_run_and_a_line_of_the_fewest():
    runs = {"one": [(64, 64), (33, 95)], "two": [(11, 117)], "three": [(5, 201)]}
    fewest = [(64, 64), (33, 95), (11, 117), (5, 201)]
    markup = mountains.exchange(runs, fewest, [(5, 201)], "t").markup
    for words in ("one", "two", "three", "fewest possible", "5 inputs: 201"):
        assert f">{words}<" in markup, words
