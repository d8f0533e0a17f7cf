"""The figures of "Networks": every number on them follows from those they are given."""

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing_cases import check_words

from backprop.activations import relu, relu_prime
from backprop.book.figures import units

SVG = "{http://www.w3.org/2000/svg}"


def texts(drawing):
    return ["".join(t.itertext()) for t in ET.fromstring(drawing.markup).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("x", "w", "b", "z", "a"),
    [([3, 2], [0.5, -1], 1, "0.5", "0.5"), ([1, 2], [0.5, -1], 1, "−0.5", "0")],
)
def test_a_unit_shows_its_sum_and_what_the_bend_makes_of_it(x, w, b, z, a):
    unit = units.one_unit(x, w, b, "t")
    assert {"w₁ = 0.5", "w₂ = −1", "b = 1", f"z = {z}", a} <= set(texts(unit))
    said = f"z = {x[0]} · 0.5 + {x[1]} · (−1) + 1 = {z}; a = max(0, {z}) = {a}</desc>"
    assert said in unit.markup


def test_a_network_is_counted():
    words = texts(units.counted([784, 100, 2], "t"))
    assert "78,400 + 100 + 200 + 2 = 78,702 parameters" in words
    assert {"W⁽¹⁾ (784, 100)", "b⁽¹⁾ (100,)", "W⁽²⁾ (100, 2)", "b⁽²⁾ (2,)"} <= set(words)
    assert {"(batch, 784)", "(batch, 100)", "(batch, 2)"} <= set(words)
    for sizes in ([784, 2], [3, 0, 1]):
        with pytest.raises(ValueError, match="expected three positive widths"):
            units.counted(sizes, "t")


def test_words_are_inside_and_clear_of_each_other():
    for drawing in (
        units.one_unit([3, 2], [0.5, -1], 1, "t"),
        units.counted([784, 100, 2], "t"),
    ):
        check_words(drawing.markup, 0.58, above=10)


def test_plots_are_drawings_and_leave_no_figure_open():
    before = plt.get_fignums()
    runs = np.linspace(0.7, 0.9, 6).reshape(2, 3)
    for drawing in (
        units.borders("t"),
        units.hinges("t"),
        units.folded([[1, 1], [1, 1]], [0, -1], "t"),
        units.slopes({"ReLU": (relu, relu_prime)}, "t"),
        units.spreads([10, 20], {"no bend": runs, "ReLU": runs}, 0.8, np.eye(64)[:2], "t"),
        units.trained(dict.fromkeys("abc", runs), 0.7, "t"),
    ):
        assert drawing.markup.startswith('<svg class="bp-drawn"')
        assert not re.search(r"font-size: (\d\.|\d)px", drawing.markup)
    assert plt.get_fignums() == before


def test_the_band_with_a_bend_is_that_of_the_network_and_one_point_is_crossed_without():
    markup = units.borders("t").markup
    for words in ("without a bend", "with a bend", "x₁ + x₂ &gt; 0.5", "0.5 &lt; x₁ + x₂ &lt; 1.5"):
        assert words in markup
    count = np.linspace(-0.4, 2.4, 57)
    output = relu(count) - 2 * relu(count - 1)
    assert ((output > 0.5) == ((count > 0.5) & (count < 1.5))).all()
    right = (units.corners().x.sum(axis=1) > 0.5) == (units.corners().y == 1)
    assert right.sum() == 3


def test_the_drawing_board_has_a_solution_for_tanh_that_silences_unit_three():
    board = units.drawing_board()
    assert list(board.tasks) == ["XOR", "ring"] and board.start.activation == "tanh"
    for task in board.tasks.values():
        assert [s.activation for s in task.solutions] == ["tanh", "relu"]
    for solution in board.tasks["XOR"].solutions:
        assert solution.arrays()[2][2, 0] == 0


def test_images_stand_beside_each_other_in_the_colour_of_the_words():
    def patches(images):
        markup = units.spreads([10, 20], {"ReLU": runs}, 6.0, images, "t").markup
        markup = re.sub(r' clip-path="[^"]*"', "", markup)
        return set(re.findall(r'<path d="[^"]*z "[^>]*>', markup))

    runs, images = np.full((2, 3), 5.0), np.zeros((2, 64))
    none = patches(images)
    images[0, 9], images[1, 9] = 1, 0.5  # one dark and one grey pixel: two paths
    added = patches(images) - none
    assert len(added) == 2 and all("fill: currentColor" in path for path in added)
    assert sum("opacity: 0.5" in path for path in added) == 1
