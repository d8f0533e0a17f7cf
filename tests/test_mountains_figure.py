"""The figures of the chapter on memory say what was measured."""

import re

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
    peaks = [re.findall(r">peak: (\d+) arrays<", frame.svg) for frame in frames]
    assert peaks == [["20"], ["11"], ["7"]]
    prices = [re.findall(r">price: ([^<>]+) of a step<", frame.svg) for frame in frames]
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
    # The gray outline of the first stands in the others: one more path without a fill.
    assert [frame.svg.count('fill="none"') for frame in frames] == [1, 2, 2]


def test_the_walks_show_what_is_kept_and_evaluated():
    found = moments(binomial(2), 10)
    markup = mountains.walks(found, "t").markup
    assert markup.count('fill-opacity="0.85"') == sum(len(m.kept) for m in found) == 25
    assert markup.count("<polygon") == sum(len(m.walks) for m in found) == 10
    assert markup.count("<rect") == 110 and ">10<" in markup
    assert "layer 6: inputs of 1, 4, 6 kept, 5 evaluations" in markup
    assert "evaluations of each layer: 3, 3, 2, 3, 2, 1, 3, 2, 1, 1, in all 21" in markup


def test_the_exchange_has_a_mark_per_run_and_a_line_of_the_fewest():
    runs = {"one": [(64, 64), (33, 95)], "two": [(11, 117)], "three": [(5, 201)]}
    fewest = [(64, 64), (33, 95), (11, 117), (5, 201)]
    markup = mountains.exchange(runs, fewest, [(11, 117), (5, 201)], "t").markup
    for words in ("one", "two", "three", "fewest possible", "11 inputs: 117", "5 inputs: 201"):
        assert f">{words}<" in markup, words
