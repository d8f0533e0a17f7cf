"""The figures of a network that learns to read: what they show follows from what they are given."""

import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book.figures import digit_images, reading_digits

mpl.use("agg")
SVG = "{http://www.w3.org/2000/svg}"
START = np.zeros((64, 4))
START[0], START[1] = 0.4, -0.1
LATER = START.copy()
LATER[2, 0] = 0.05


def texts(markup):
    return ["".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text")]


def image():
    return reading_digits.one_image(np.linspace(0, 1, 64), [0.41, 0.59], [0.97, 0.03], "t")


def frames():
    units, votes = [f"unit {k}" for k in (1, 3, 6, 8)], ["votes 1", "votes 0"] * 2
    difference = np.linspace(-1, 1, 64)
    return reading_digits.weights(
        units, votes, START, [START, LATER], ("1s − 0s", difference), ["before", "after"]
    )


def test_an_answer_is_written_and_is_as_long_as_its_probability():
    drawn = image()
    words = texts(drawn.markup)
    assert {"0.41", "0.59", "0.97", "0.03", "before", "after"} <= set(words)
    root = ET.fromstring(drawn.markup)
    bars = [float(e.get("width")) for e in root.iter(f"{SVG}rect") if e.get("height") == "6"]
    assert bars == pytest.approx([44 * p for p in (0.41, 0.59, 0.97, 0.03)], abs=0.06)
    assert "after training, the probability of 0 is 0.97" in drawn.markup


def test_the_parameters_add_up():
    numbers = [int(re.sub(r"\D", "", w)) for w in texts(image().markup) if re.search(r"\d{3}$", w)]
    assert numbers == [64 * 100 + 100, 100 * 2 + 2, 6702] and sum(numbers[:2]) == numbers[2]


@pytest.mark.parametrize("markup", [image().markup, *(frame.svg for frame in frames())])
def test_words_are_inside_and_clear_of_each_other(markup):
    check_words(markup, 0.55, above=10)


def sides(frame, paint):
    """Return the sides of the squares of a colour, in cells."""
    paths = [e.get("d") for e in ET.fromstring(frame.svg).iter(f"{SVG}path")
             if e.get("fill") == paint]  # fmt: skip
    return [float(s) / 8.5 / 0.92 for d in paths for s in re.findall(r"h([\d.]+)v", d)]


def test_starts_and_sums_have_one_scale_and_what_was_added_its_own():
    before, after = frames()
    difference = [s for s in sides(before, digit_images.ABOVE) if s < 0.99]
    whole = [s for s in sides(before, digit_images.ABOVE) if s >= 0.99]
    # The largest weight fills its cell in four starts and four sums; the fifth picture has its own.
    assert len(whole) == 4 + 4 + 1
    assert len(difference) > 20
    found = sides(after, digit_images.ABOVE)
    # Now also the added weight, in full, and in the sum by its share of the largest, by area.
    assert len(found) == len(whole) + len(difference) + 2
    assert sum(s >= 0.99 for s in found) == len(whole) + 1
    assert any(s == pytest.approx(np.sqrt(0.05 / 0.4), abs=0.02) for s in found)


def test_frames_say_how_much_was_added():
    before, after = frames()
    assert [before.caption, after.caption] == ["before", "after"]
    assert texts(before.svg).count("up to 0.40") == 4 and texts(before.svg).count("up to 0.00") == 4
    assert "added by training, drawn 8.0 times larger" in texts(after.svg)
    assert "up to 0.05" in texts(after.svg) and "unit 1, votes 1: added up to 0.05" in after.svg


def test_every_quantity_has_a_panel():
    runs = np.linspace(1, 0, 8).reshape(2, 4)
    drawn = reading_digits.learning({"loss": {"one": runs}, "accuracy": {"two": 1 - runs}}, "t")
    assert {"loss", "accuracy", "one", "two", "epoch"} <= set(texts(drawn.markup))


def test_panels_with_the_same_curves_share_a_legend():
    runs = np.linspace(1, 0, 8).reshape(2, 4)
    drawn = reading_digits.learning({"loss": {"one": runs}, "accuracy": {"one": 1 - runs}}, "t")
    assert texts(drawn.markup).count("one") == 1


def test_the_compared_weights_of_a_unit_have_one_scale_and_say_their_largest():
    drawn = reading_digits.compared(
        {"start": START, "added": LATER - START}, [f"unit {k}" for k in range(1, 5)], "t"
    )
    check_words(drawn.markup, 0.55, above=10)
    words = texts(drawn.markup)
    assert words.count("up to 0.40") == 4 and words.count("up to 0.05") == 1
    paths = [e.get("d") for e in ET.fromstring(drawn.markup).iter(f"{SVG}path")
             if e.get("fill") == digit_images.ABOVE]  # fmt: skip
    largest = [max(float(side) for side in re.findall(r"h([\d.]+)v", d)) for d in paths]
    # Four starts of 0.4 fill their cells; the 0.05 that was added has an eighth of the area.
    assert largest[:4] == pytest.approx([8.5 * 0.92] * 4, abs=0.06)
    assert largest[4] == pytest.approx(8.5 * 0.92 * (0.05 / 0.4) ** 0.5, abs=0.06)
