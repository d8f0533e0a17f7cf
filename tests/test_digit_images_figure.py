"""The figures made of digits: the numbers on them follow from those they are given."""

import base64
import io
import re
import xml.etree.ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from drawing_cases import check_words
from PIL import Image

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
        digit_images.leads({"over one": [("shifted copies", [-1, 0, 12, *[1] * 7], 0.07)]}, "t"),
        digit_images.table(np.eye(10, dtype=int) * 170 + np.eye(10, k=1, dtype=int), "t"),
    ],
)
def test_words_are_inside_and_clear_of_each_other(drawing):
    check_words(drawing.markup, 0.52, above=10)


def test_plots_have_a_row_for_each_program():
    rows = [("worse", [6, 5], False, "−3 to +1"), ("ours", [5, 4], False, ""),
            ("other", [1, 2], True, "+1 to +4")]  # fmt: skip
    drawn = digit_images.remedies(rows, 100, "gain", "t")
    words = {
        "worse",
        "ours",
        "other",
        "−3 to +1",
        "+1 to +4",
        "–",
        "gain",
        "← better: misread, of 100",
    }
    assert words | {"95 %", "100 %"} <= set(texts(drawn))
    handed = digit_images.handed_over({"one": [True, False, True]}, 3, "t")
    assert {"one", "one, by lot", "images handed over", "errors left"} <= set(texts(handed))
    marked = digit_images.handed_over({"one": np.arange(40) < 17}, 20, "t", at=3)
    assert "14" in texts(marked)
    columns = [0.5, 0.9], [0.4, 0.9], [0.3, 0.8], [0.7, 1.0]
    assert {"one", "two", "0.95"} <= set(
        texts(digit_images.reliability({"one": columns, "two": columns}, "t"))
    )
    worked = texts(digit_images.reliability({"one": columns, "two": columns}, "t", (0, "4 of 10")))
    assert worked.count("4 of 10") == 1


def test_leads_are_counted_and_told_without_colour():
    gains = [0, -1, 12, 4, 0, 1, 1, 8, 14, 6]
    drawn = digit_images.leads({"over it": [("one", gains, 0.0703), ("two", [3] * 10, 2e-3)]}, "t")
    assert {"over it", "one", "7 to 1", "0.07", "10 to 0", "0.002", "−1", "14"} <= set(texts(drawn))
    cells = list(root(drawn).iter(f"{SVG}rect"))
    assert len(cells) == 20
    assert [c.get("fill") != "none" for c in cells[:10]] == [gain > 0 for gain in gains]
    assert [bool(c.get("stroke-dasharray")) for c in cells[:10]] == [gain < 0 for gain in gains]


def test_a_sheet_is_a_picture_of_all_images_with_a_margin():
    images = np.random.default_rng(0).random((4, 64))
    markup = digit_images.sheet(images, 2, 5.0, 6.0, 40.0, "some-name")
    assert 'id="some-name"' in markup and 'mask="url(#some-name)"' in markup
    assert markup.count('x="5.0" y="6.0" width="40.0" height="40.0"') == 3
    data = base64.b64decode(re.search(r"base64,([^\"]+)", markup)[1])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("L")) / 255
    assert pixels.shape == (20, 20) and not pixels[[0, 9, 10, 19]].any()
    np.testing.assert_allclose(pixels[11:19, 1:9], images[2].reshape(8, 8), atol=0.5 / 15 + 1e-6)
    row = digit_images.sheet(images, 4, 5.0, 6.0, 40.0, "another")
    assert row.count('width="40.0" height="10.0"') == 3
