"""The drawings of the chain rule: every equation on them holds, and no word leaves the picture."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book.figures import chain, svg

SVG = "{http://www.w3.org/2000/svg}"
J1, J2 = [[1, 2, 0], [3, 1, 1]], [[2, 1], [0, 1], [5, 3]]
FIGURES = {
    "flow": chain.flow("t"),
    "stretch": chain.stretch("t"),
    "rectangle": chain.rectangle(0.3, "t"),
    "row_by_column": chain.row_by_column(J1, J2, "t"),
    "carried": chain.carried(J1, J2, [2, -1], [1, 2], "t"),
    "weights": chain.weights(J1, J2, [1, 3], [1, 2], "t"),
}
drawing = pytest.mark.parametrize("name", FIGURES)


def words(markup):
    return [(t, "".join(t.itertext())) for t in ET.fromstring(markup).iter(f"{SVG}text")]


@drawing
def test_words_are_inside_and_clear_of_each_other(name):
    for word, _ in words(FIGURES[name].markup):
        assert float(word.get("font-size", svg.FONT)) >= svg.FONT
    check_words(FIGURES[name].markup, 0.56, below=3)


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
    assert xs[2] - xs[0] == pytest.approx(44 * 0.4, abs=0.1)
    assert xs[5] - xs[3] == pytest.approx(44 * 0.8, abs=0.1)
    assert xs[8] - xs[6] == pytest.approx(44 * (5.4**2 - 4.6**2), abs=0.1)


def test_the_pieces_of_the_rectangle_are_its_growth():
    said = {text for _, text in words(FIGURES["rectangle"].markup)}
    assert {"lower path: 9 · 0.6 = 5.4", "5 · 1.89", "= 9.45", "1.89 · 0.6", "= 1.134"} <= said
    assert 3.3**2 * (2 * 3.3 - 1) - 45 == pytest.approx(5.4 + 9.45 + 1.134)
    pieces = ET.fromstring(FIGURES["rectangle"].markup).iter(f"{SVG}rect")
    areas = [float(r.get("width")) * float(r.get("height")) / 22**2 for r in pieces]
    assert areas == [pytest.approx(a, rel=0.01) for a in (45, 9.45, 5.4, 1.134)]


def test_the_entry_is_the_sum_over_the_paths():
    said = [text for _, text in words(FIGURES["row_by_column"].markup)]
    assert "from x₂ to y₁: 3 · 2 + 1 · 0 + 1 · 5 = 6 + 0 + 5 = 11" in said


def test_a_change_and_slopes_are_carried_through_the_same_numbers():
    said = [text for _, text in words(FIGURES["carried"].markup)]
    forward, backward = np.array([2, -1]) @ J1 @ J2, np.array([1, 2]) @ np.transpose(J2)
    assert said[-6:] == [
        "dz = 2 (1, 2, 0) − 1 (3, 1, 1) = (−1, 3, −1)",
        "dy = −1 (2, 1) + 3 (0, 1) − 1 (5, 3) = (−7, −1)",
        "∂L/∂z = 1 (2, 0, 5) + 2 (1, 1, 3) = (4, 2, 11)",
        "∂L/∂x = 4 (1, 3) + 2 (2, 1) + 11 (0, 1) = (8, 25)",
        "dy vᵀ = −7 · 1 − 1 · 2 = −9",
        "dx (∂L/∂x)ᵀ = 2 · 8 − 1 · 25 = −9",
    ]
    assert forward.tolist() == [-7, -1] and backward.tolist() == [4, 2, 11]
    assert forward @ [1, 2] == -9 == backward @ np.transpose(J1) @ [2, -1]


def held(name):
    root = list(ET.fromstring(FIGURES[name].markup))
    return [
        int("".join(after.itertext()).replace("−", "-"))
        for shape, after in pairwise(root)
        if shape.tag == f"{SVG}circle"
    ]


def test_each_number_in_a_circle_follows_from_those_before_it():
    dx, dz, dy = [2, -1], [-1, 3, -1], [-7, -1]
    backward = [8, 25, 4, 2, 11, 1, 2]
    assert held("carried") == [*dx, *dz, *dy, *backward]


def test_a_weight_has_the_value_at_its_tail_times_the_slope_at_its_head():
    def loss(*layers):
        return np.array([1, 3]) @ layers[0] @ layers[1] @ [1, 2]

    said = [text for _, text in words(FIGURES["weights"].markup)]
    on_arrows, rest = said[:12], said[12:]
    slopes = [int(text.split("= ")[-1]) for text in on_arrows]
    assert on_arrows[5] == "3 · 11 = 33"
    for k, shape in enumerate([(2, 3), (3, 2)]):
        for i, j in np.ndindex(shape):
            moved = [np.array(J1), np.array(J2)]
            moved[k][i, j] += 1  # y is linear in each weight, so this is the slope
            found = slopes[6 * k + shape[1] * i + j]
            assert found == loss(*moved) - loss(np.array(J1), np.array(J2))
    assert rest[:12] == ["1", "3", "10", "4", "5", "2", "3", "11", "35", "1", "24", "2"]
    assert rest[-3:] == [
        "z = 1 (1, 2, 0) + 3 (3, 1, 1) = (10, 5, 3)",
        "y = 10 (2, 1) + 5 (0, 1) + 3 (5, 3) = (35, 24)",
        "∂L/∂z = 1 (2, 0, 5) + 2 (1, 1, 3) = (4, 2, 11)",
    ]


@pytest.mark.parametrize(("name", "zeros"), [("row_by_column", 2), ("carried", 4)])
def test_an_arrow_is_dashed_where_the_slope_is_zero(name, zeros):
    lines = ET.fromstring(FIGURES[name].markup).iter(f"{SVG}line")
    assert sum(line.get("stroke-dasharray") is not None for line in lines) == zeros
