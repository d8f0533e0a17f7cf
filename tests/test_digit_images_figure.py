"""The figures made of digits: the numbers on them follow from those they are given."""

import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book.figures import digit_images

mpl.use("agg")
SVG = "{http://www.w3.org/2000/svg}"
PAIR = np.zeros((2, 64))
PAIR[0, 50], PAIR[1, 50], PAIR[1, 3] = 0.75, 0.25, 1.0


def root(drawing):
    return ET.fromstring(drawing.markup)


def texts(drawing):
    return ["".join(t.itertext()) for t in root(drawing).iter(f"{SVG}text")]


def test_a_step_shows_its_sum():
    words = texts(digit_images.one_step(PAIR, (-0.025, 0.025), 50, "t"))
    assert "−0.025 · 0.75 + 0.025 · 0.25 = −0.0125" in words
    assert {"here 0.75", "here 0.25", "here −0.0125"} <= set(words)


def test_a_path_multiplies_what_is_drawn():
    words = texts(digit_images.one_path(0.75, 0.0, 0.5, (-0.2, 0.2), (0.5, 0.5), 0, "t"))
    assert "δ = [(−0.5) · (−0.2) + 0.5 · 0.2] · 0.5 · 0.5 = 0.05" in words
    assert "∂L/∂w = x · δ = 0.75 · 0.05 = 0.0375" in words
    assert "slope 0.25" in words
    other = texts(digit_images.one_path(0.25, 0.0, 0.5, (-0.2, 0.2), (0.5, 0.5), 1, "t"))
    assert "∂L/∂w = x · δ = 0.25 · (−0.05) = −0.0125" in other


def test_signs_are_told_without_colour():
    drawn = ET.fromstring(f"<g>{digit_images.signed(np.r_[1.0, -1.0, np.zeros(62)], 0, 0, 10)}</g>")
    filled, outlined = drawn
    assert filled.get("fill") != "none" and outlined.get("fill") == "none"
    assert outlined.get("stroke") and len(drawn) == 2


@pytest.mark.parametrize(
    "drawing",
    [
        digit_images.one_step(PAIR, (-0.025, 0.025), 50, "t"),
        digit_images.one_path(0.75, 0.0, 0.5, (-0.2, 0.2), (0.5, 0.5), 0, "t"),
        digit_images.misread({"two: 2": PAIR, "nobody: 0": PAIR[:0]}, "t"),
        digit_images.misread({"two: 2": PAIR}, "t", [["8›1", "9›8"]]),
        digit_images.coefficients(
            {"a unit": (PAIR[0], -PAIR[1], np.r_[-0.03, 0.01], [0, 1])}, ("1s", "0s"), "t"
        ),
        digit_images.units(
            {
                "rate 3:\nadded": ([PAIR[0], -PAIR[1]] * 2, ["votes 1"] * 4, "one"),
                "without\nstep 2": ([PAIR[0]] * 4, [""] * 4, "one"),
            },
            "t",
        ),
        digit_images.table(np.eye(10, dtype=int) * 170 + np.eye(10, k=1, dtype=int), "t"),
    ],
)
def test_words_are_inside_and_clear_of_each_other(drawing):
    check_words(drawing.markup, 0.52, above=10)


def test_plots_have_a_row_for_each_program():
    rows = [("worse", [6, 5], False, "−3 to +1"), ("ours", [5, 4], False, ""),
            ("other", [1, 2], True, "+1 to +4")]  # fmt: skip
    drawn = digit_images.remedies(rows, 100, "gain", "t")
    words = {"worse", "ours", "other", "−3 to +1", "+1 to +4", "–", "gain", "misread, of 100"}
    assert words | {"95 %", "100 %"} <= set(texts(drawn))
    handed = digit_images.handed_over({"one": [True, False, True]}, 3, "t")
    assert {"one", "one, by lot", "images handed over", "errors left"} <= set(texts(handed))
    columns = [0.5, 0.9], [0.4, 0.9], [0.3, 0.8], [0.7, 1.0]
    assert {"one", "two"} <= set(
        texts(digit_images.reliability({"one": columns, "two": columns}, "t"))
    )


def test_each_image_has_a_dot_in_the_row_of_its_label():
    c, labels = np.array([-0.02, 0.01, 0.02]), np.array([0, 1, 1])
    drawn = digit_images.coefficients(
        {"a unit": (PAIR[0], 0.01 * PAIR[1], c, labels)}, ("1s", "0s"), "t"
    )
    dots = {
        e.get("stroke"): [part.split()[0] for part in e.get("d").split("M")[1:]]
        for e in root(drawn).iter(f"{SVG}path")
        if e.get("stroke-linecap") == "round"
    }
    assert dots == {digit_images.ABOVE: ["379.0", "412.0"], digit_images.BELOW: ["280.0"]}
    assert {"1s", "0s", "a unit", "0", "0.01", "−0.01"} <= set(texts(drawn))
    assert "coefficients from -0.02 to 0.02" in drawn.markup


def test_starts_and_sums_have_one_scale_and_what_was_added_its_own():
    start, added = np.full(64, 0.1), np.r_[0.3, np.zeros(63)]
    c, labels = np.array([-0.02, 0.02]), np.array([0, 1])
    drawn = digit_images.coefficients({"a unit": (start, added, c, labels)}, ("1s", "0s"), "t")
    sides = [
        float(e.get("width")) / 8.5 / 0.92
        for e in root(drawn).iter(f"{SVG}rect")
        if e.get("fill") == digit_images.ABOVE
    ]
    # 64 at the start, one that was added, and 64 in the sum, of which the first is 0.4
    assert np.allclose(sides, [0.5] * 64 + [1, 1] + [0.5] * 63, atol=0.01)
    assert {"start", "added", "sum", "up to 0.1", "up to 0.3", "up to 0.4"} <= set(texts(drawn))


def test_pictures_in_a_column_have_one_scale_if_their_rows_name_it():
    whole, part = np.r_[0.4, np.zeros(63)], np.r_[0.1, np.zeros(63)]
    rows = {"all": ([whole], ["votes 1"], "a"), "a part": ([part], [""], "a")}
    drawn = digit_images.units(rows | {"alone": ([part], [""], "b")}, "t")
    sides = [
        float(e.get("width")) / 8.0 / 0.92
        for e in root(drawn).iter(f"{SVG}rect")
        if e.get("fill") == digit_images.ABOVE
    ]
    assert np.allclose(sides, [1, 0.5, 1], atol=0.02)
    assert {"all", "a part", "alone", "votes 1"} <= set(texts(drawn))
    assert "all: votes 1; a part; alone" in drawn.markup
