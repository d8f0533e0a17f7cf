"""The figures of the chapter on memory say what was measured."""

import re
from itertools import groupby

import pytest
from drawing_cases import check_words

from backprop.book.chains import binomial, in_segments, moments, tower, watched
from backprop.book.figures import mountains


def filled(markup, fill, opacity):
    """Return the spans of calls that the path of one color fills, and its heights in arrays."""
    (path,) = re.findall(rf'<path d="(M[^"]+)" fill="{re.escape(fill)}" fill-opacity="{opacity}"',
                         markup)  # fmt: skip
    heights = [
        (mountains.FOOT - float(y)) / mountains.HIGH for y in re.findall(r"V([\d.]+)H", path)
    ]
    return path.count("M"), heights


@pytest.fixture(scope="module")
def runs():
    layers, x, dz = tower(16)
    found = {
        16: watched(layers, x, dz, in_segments(1)),
        7: watched(layers, x, dz, in_segments(4)),
        3: watched(layers, x, dz, binomial(2)),
    }
    return found, x.nbytes


def test_each_frame_says_what_its_run_took(runs):
    found, unit = runs
    frames = mountains.trades(found, {16: 1, 7: 1.25, 3: 2.5}, unit, ["a", "b", "c"])
    assert [frame.caption for frame in frames] == ["a", "b", "c"]
    words = [re.findall(r">(\d+) (?:inputs kept|evaluations)</text>", f.svg) for f in frames]
    assert words == [[str(kept), str(run.forwards)] for kept, run in found.items()]
    peaks = [re.findall(r">peak: (\d+ \+ 4) arrays<", frame.svg) for frame in frames]
    assert peaks == [["16 + 4"], ["7 + 4"], ["3 + 4"]]
    prices = [re.findall(r">([^<>]+) more products<", frame.svg) for frame in frames]
    assert prices == [["0 %"], ["25 %"], ["150 %"]]
    for frame in frames:
        check_words(frame.svg, 0.55)
        assert len(frame.svg) < 16_000


def test_each_call_is_drawn_with_its_memory(runs):
    found, unit = runs
    frames = mountains.trades(found, dict.fromkeys(found, 1), unit, ["a", "b", "c"])
    for frame, run in zip(frames, found.values(), strict=True):
        again = [b / unit for b, more in zip(run.bytes, run.again, strict=True) if more]
        back = [b / unit for b, kind in zip(run.bytes, run.kinds, strict=True) if kind == "b"]
        hills, heights = filled(frame.svg, mountains.svg.BACKWARD, "0.8")
        assert hills == len(re.findall("b+", run.kinds))
        assert heights == pytest.approx(back, abs=0.5 / mountains.HIGH + 1e-9)
        if again:
            assert filled(frame.svg, mountains.svg.FORWARD, "0.45")[1] == pytest.approx(
                again, abs=0.2
            )
    # The gray outline of the first stands in the others, with a box in the legend.
    assert [frame.svg.count('fill="none"') for frame in frames] == [1, 3, 3]
    assert [">all kept<" in frame.svg for frame in frames] == [False, True, True]


def discs(markup):
    """Return how many calls are marked: evaluations, repeated ones, backward passes."""
    fills = (mountains.MARKS[kind]["fill"] for kind in ("f", "again", "b"))
    drawn = [re.findall(rf'<path d="([^"]+)" stroke-width="1.8" fill="{re.escape(f)}"', markup)
             for f in fills]  # fmt: skip
    return [sum(path.count("M") for path in paths) for paths in drawn]


def kept_below(markup):
    return [[int(k) for k in re.findall(r">(\d+)</text>", row)]
            for row in re.findall(r'<g fill="currentColor">(.*?)</g>', markup)]  # fmt: skip


def memory_of(markup):
    """Return the heights of the memory's columns, in inputs, panel by panel, from the left.

    Those of the peak are a path of their own.
    """
    paths = re.findall(r'<path d="(M[^"]+)" fill="currentColor" fill-opacity="0.(?:75|4)"', markup)
    found = []
    for two in zip(paths[::2], paths[1::2], strict=True):
        columns = re.findall(r"M([\d.]+) [\d.]+v-(\d+)h", "".join(two))
        found.append([float(high) / mountains.UNIT for _, high in sorted(
            columns, key=lambda column: float(column[0]))])  # fmt: skip
    return found


def test_the_timeline_shows_what_is_kept_and_evaluated_at_each_call():
    runs = {"all": moments(in_segments(1), 9), "three": moments(in_segments(3), 9)}
    frames = mountains.timeline(runs, (0, 3, 6, 8), "opening")
    assert len(frames) == 23 and frames[0].caption == "opening"
    for frame in frames:
        assert discs(frame.svg) == [18, 4, 18]
        assert kept_below(frame.svg) == [
            [*range(1, 10), *range(9, 0, -1)],
            [1, 1, 1, 2, 2, 2, 3, 4, 5, 5, 4, 3, 2, 3, 4, 3, 2, 1, 2, 3, 2, 1],
        ]
        assert memory_of(frame.svg) == kept_below(frame.svg)
        check_words(frame.svg, 0.55, above=10)
        assert len(frame.svg) < 9_100
    for words in ("9 evaluations", "13 evaluations", "peak: 9 kept", "peak: 5 kept"):
        assert f">{words}<" in frames[0].svg
    assert frames[14].caption == (
        "Above: the error comes back through layer 5, whose input is then freed."
        " Below: layer 5 is evaluated again, its input is kept."
    )
    assert frames[-1].caption.startswith("Above: done. Below: the error comes back through layer 1")
    # The cursor frames the column, and what is still to come is veiled.
    assert [frame.svg.count('fill-opacity="0.8"') for frame in frames] == [0] + [2] * 22
    # A peak's line is as high as its columns.
    grounds = [
        float(y) for y in re.findall(rf'd="M35.0 ([\d.]+)v-{mountains.UNIT:.0f}h', frames[0].svg)
    ]
    lines = [float(y) for y in re.findall(r'd="M34 ([\d.]+)H418"', frames[0].svg)]
    assert [(g - y) / mountains.UNIT for g, y in zip(grounds, lines, strict=True)] == [9, 5]


def test_an_input_is_kept_from_its_layer_s_turn_until_the_error_has_come_back():
    made = mountains.calls(moments(in_segments(3), 9))
    kept = [t for t, (_, _, alive) in enumerate(made) if 3 in alive]
    assert kept == [*range(3, 17)] and made[3][:2] == ("f", 3) and made[16][:2] == ("b", 3)
    assert not any(1 in alive for _, _, alive in made[:18])


def test_the_still_picture_of_three_kept_inputs():
    found = moments(binomial(2), 10)
    tasks = {(6, 9): "4 layers", (0, 5): "6 layers"}
    markup = mountains.still("three kept inputs", found, (0, 3, 6, 9), "t", tasks).markup
    assert discs(markup) == [10, 11, 10]
    assert ">21 evaluations<" in markup and ">peak: 3 kept<" in markup
    (kept,) = memory_of(markup)
    assert len(kept) == 31 and max(kept) == 3
    # A number stands where it changes.
    assert kept_below(markup) == [[int(now) for now, _ in groupby(kept)]]
    # The brackets span four rows and six; the lower one stands above the network's input.
    brackets = re.findall(r'd="M[\d.]+ (\d+)h-?5v(\d+)h-?5"', markup)
    rows = [((int(y) - mountains.HEAD - 1) / mountains.ROW, (int(v) + 2) / mountains.ROW)
            for y, v in brackets]  # fmt: skip
    assert rows == [(0, 4), (4, 5)]
    assert ">4 layers<" in markup and ">6 layers<" in markup
    check_words(markup, 0.55, above=10)


def test_the_exchange_has_a_mark_per_run_and_a_line_of_the_fewest():
    runs = {"one": [(64, 64), (33, 95)], "two": [(11, 117)], "three": [(5, 201)]}
    fewest = [(64, 64), (33, 95), (11, 117), (5, 201), (4, 259)]
    dense = [(64, 32), (33, 32), (11, 54), (5, 90), (4, 117)]
    markup = mountains.exchange(runs, fewest, [(11, 117), (5, 201)], "t", dense).markup
    lines = "fewest possible", "fewest of dense layers"
    for words in ("one", "two", "three", *lines, "11 inputs: 117", "5 inputs: 201"):
        assert f">{words}<" in markup, words


def test_a_strip_shows_its_cuts_and_the_layers_that_run_again():
    ways = {"pairs": [2] * 6, "after dense": [1, 2, 2, 2, 2, 2, 1]}
    markup = mountains.strips(ways, "t", ("dense", "GELU")).markup
    assert ">dense<" in markup and ">GELU<" in markup
    said = re.findall(r">(\d+) (inputs kept|evaluations|products again)<", markup)
    assert [int(count) for count, _ in said] == [7, 17, 5, 7, 17, 0]
    again = [
        round(float(x) / mountains.CELL + 0.5)
        for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)"', markup)
        if float(y) < 2 * mountains.STRIP
    ]
    assert again == [1, 3, 5, 7, 9, 2, 4, 6, 8, 10]
    cuts = [float(x) / mountains.CELL for x, y in re.findall(r'd="M(\d+) (\d+)v42"', markup)]
    assert cuts == [2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11]
    assert "after dense: cuts after the layers 1, 3, 5, 7, 9, 11; 7 inputs kept" in markup
    check_words(markup, 0.55, above=10)
