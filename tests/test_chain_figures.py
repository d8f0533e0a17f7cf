"""The drawings of the chain rule: every equation on them holds, and no word leaves the picture."""

import re
import xml.etree.ElementTree as ET

import pytest

from backprop.book.figures import chain, svg

SVG = "{http://www.w3.org/2000/svg}"
J1, J2 = [[1, 2, 0], [3, 1, 1]], [[2, 1], [0, 1], [5, 3]]
FIGURES = {
    "flow": chain.flow("t"),
    "stretch": chain.stretch("t"),
    "row_by_column": chain.row_by_column(J1, J2, "t"),
    "two_directions": chain.two_directions(78702, "t"),
}
drawing = pytest.mark.parametrize("name", FIGURES)


def words(markup):
    return [(t, "".join(t.itertext())) for t in ET.fromstring(markup).iter(f"{SVG}text")]


@drawing
def test_words_are_inside_and_clear_of_each_other(name):
    root = ET.fromstring(FIGURES[name].markup)
    height, boxes = float(root.get("viewBox").split()[3]), []
    for word, said in words(FIGURES[name].markup):
        assert float(word.get("font-size", svg.FONT)) >= svg.FONT
        wide = 0.56 * float(word.get("font-size", svg.FONT)) * len(said)
        x, y = float(word.get("x")), float(word.get("y"))
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[word.get("text-anchor", "middle")]
        assert 0 <= left and left + wide <= svg.WIDTH and 12 <= y <= height - 3, said
        boxes.append((left, y - 10, left + wide, y + 2, said))
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
            assert apart, (one[4], other[4])


@drawing
def test_it_is_marked_as_the_build_looks_for_it(name):
    assert FIGURES[name].markup.startswith('<svg class="bp-drawn" role="img" aria-label=""')


def test_the_flow_has_the_slopes_of_the_product():
    said = [text for _, text in words(FIGURES["flow"].markup)]
    u1, u2, slope = (lambda x: x * x), (lambda x: 2 * x - 1), 48
    assert f"y = {u1(3)} · {u2(3)} = {u1(3) * u2(3)}" in said
    assert {"30 dx", "18 dx", "dy = 30 dx + 18 dx", f"= {slope} dx"} <= set(said)
    measured = (u1(3 + 1e-6) * u2(3 + 1e-6) - 45) / 1e-6
    assert measured == pytest.approx(slope, abs=1e-4)


def test_ribbons_are_as_wide_as_the_changes_they_carry():
    ends = []
    for path in ET.fromstring(FIGURES["flow"].markup).iter(f"{SVG}path"):
        numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
        ends.append((numbers[-1] - numbers[1], numbers[9] - numbers[7]))
    widths = [[w / 2.2 for w in pair] for pair in ends]
    assert widths == [pytest.approx(pair, abs=0.05) for pair in [(1, 6), (1, 2), (6, 30), (2, 18)]]


def test_the_places_are_to_scale():
    circles = list(ET.fromstring(FIGURES["stretch"].markup).iter(f"{SVG}circle"))
    xs = [float(c.get("cx")) for c in circles]
    assert xs[4] - xs[0] == pytest.approx(40 * 0.4, abs=0.1)
    assert xs[9] - xs[5] == pytest.approx(40 * 0.8, abs=0.1)
    assert xs[14] - xs[10] == pytest.approx(40 * (5.4**2 - 4.6**2), abs=0.1)


def test_the_entry_is_the_sum_over_the_paths():
    said = [text for _, text in words(FIGURES["row_by_column"].markup)]
    assert "from x₂ to a₁: 3 · 2 + 1 · 0 + 1 · 5 = 6 + 0 + 5 = 11" in said


def test_the_number_of_passes_is_the_number_of_parameters():
    said = [text for _, text in words(FIGURES["two_directions"].markup)]
    assert {"forward: 78,702 jvps", "backward: 1 vjp", "θ₇₈₇₀₂"} <= set(said)
