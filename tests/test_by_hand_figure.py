"""The graph worked by hand: every number on it follows from the values and slopes."""

import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import pytest

from backprop.book.figures import by_hand, svg
from backprop.book.recording import recorded_steps

GRAPH = by_hand.TWO_PRODUCTS
SVG = "{http://www.w3.org/2000/svg}"
SUM = r"(?P<left>[\d +·]+) = (?P<right>\d+)"


def texts(markup):
    return ["".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text")]


def pictures():
    frames = by_hand.sweep_frames(GRAPH)
    return [by_hand.hero(GRAPH, "t").markup, *(frame.svg for frame in frames)]


def test_the_slopes_are_those_of_the_program():
    def program(a, b):
        u = a * b
        return u * (a + u)

    names = ["a", "b", "u", "s", "y"]
    recorded = [
        (names[k], [(names[i], s) for i, s in arrows])
        for k, arrows in recorded_steps(program, 3, 2)
    ]
    assert recorded == [(name, list(arrows)) for name, arrows in GRAPH.steps]
    values = {name: node.worked.split(" = ")[-1] for name, node in GRAPH.nodes.items()}
    assert values == {"a": "3", "b": "2", "u": "6", "s": "9", "y": "54"}


@pytest.mark.parametrize("markup", pictures())
def test_every_equation_on_a_picture_holds(markup):
    found = [m for words in texts(markup) for m in re.finditer(SUM, words)]
    assert len(found) >= 3
    for m in found:
        assert eval(m["left"].replace("·", "*")) == int(m["right"]), m[0]


def test_the_hero_has_all_products_values_and_adjoints():
    words = texts(by_hand.hero(GRAPH, "t").markup)
    for product in ("1 · 9 = 9", "1 · 6 = 6", "6 · 1 = 6", "15 · 2 = 30", "15 · 3 = 45"):
        assert product in words
    for label in ("y = 6 · 9 = 54", "u = 9 + 6 = 15", "a = 6 + 30 = 36", "b = 45", "s = 6"):
        assert label in words


def test_a_frame_for_each_visit_and_the_numbers_of_the_table():
    captions = [frame.caption for frame in by_hand.sweep_frames(GRAPH)]
    bar = by_hand.barred
    assert captions[1:4] == [
        f"Visit y. It sends to u: 1 · 9 = 9, and to s: 1 · 6 = 6. So far {bar('u')} = 9,"
        f" {bar('s')} = 6.",
        f"Visit s. It sends to a: 6 · 1 = 6, and to u: 6 · 1 = 6. So far {bar('a')} = 6,"
        f" {bar('u')} = 9 + 6 = 15.",
        f"Visit u. It sends to a: 15 · 2 = 30, and to b: 15 · 3 = 45. So far {bar('a')} ="
        f" 6 + 30 = 36, {bar('b')} = 45.",
    ]
    assert captions[0].startswith("The slopes are") and captions[-1].startswith("Every arrow")


def test_the_arrow_in_use_is_thick_and_points_back():
    widths = [
        re.findall(rf'stroke="{re.escape(svg.BACKWARD)}" stroke-width="([\d.]+)"', frame.svg)
        for frame in by_hand.sweep_frames(GRAPH)
    ]
    lines = [[w for w in found if w in ("2.2", "4.5")] for found in widths]
    assert [sorted(found) for found in lines] == [
        [], ["4.5"] * 2, ["2.2"] * 2 + ["4.5"] * 2, ["2.2"] * 4 + ["4.5"] * 2, ["2.2"] * 6,
    ]  # fmt: skip
    there = by_hand.arrow((0, 0), (100, 0), "red", 1)
    back = by_hand.arrow((100, 0), (0, 0), "red", 1)
    heights = [float(re.search(r'y1="([-\d.]+)"', arrow)[1]) for arrow in (there, back)]
    assert heights == [-by_hand.GAP, by_hand.GAP]


@pytest.mark.parametrize("markup", pictures())
def test_words_are_inside_and_clear_of_each_other(markup):
    boxes = []
    for word in ET.fromstring(markup).iter(f"{SVG}text"):
        said = "".join(word.itertext())
        wide = 0.52 * float(word.get("font-size", svg.FONT)) * len(said)
        x, y = float(word.get("x")), float(word.get("y"))
        left = x - {"start": 0, "middle": wide / 2, "end": wide}[word.get("text-anchor", "middle")]
        assert 0 <= left and left + wide <= svg.WIDTH and 12 <= y <= GRAPH.height, said
        boxes.append((left, y - 11, left + wide, y + 3, said))
    for k, one in enumerate(boxes):
        for other in boxes[:k]:
            apart = one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
            assert apart, (one[4], other[4])


def test_exact_numbers_and_any_order():
    steps = [("u", [("a", Fraction(1, 3))]), ("y", [("u", Fraction(3, 2)), ("b", 1)])]
    assert by_hand.sweep(steps, ["y", "u"]).carried["a", "u"] == "3/2 · 1/3 = 1/2"
    # u before s: what s sends to u comes too late.
    assert by_hand.sweep(GRAPH.steps, ["y", "u", "s"]).adjoint("a") == 24


def test_squarings_have_the_numbers_they_are_given():
    counts = [(0, 1, 0), (1, 2, 2), (2, 4, 4), (3, 8, 6), (30, 2**30, 60)]
    drawing = by_hand.squarings(counts, "t")
    words = texts(drawing.markup)
    assert {"1,073,741,824", "60", "30 squarings", "x", "x²", "x⁴", "x⁸"} <= set(words)
    assert drawing.markup.count("<path") == 6


def test_the_page_gets_an_image_and_a_notebook_html(monkeypatch):
    drawing = by_hand.hero(GRAPH, "A <graph>")
    page = drawing._repr_mimebundle_()["text/html"]
    assert "<title>A &lt;graph&gt;</title>" in page
    assert repr(drawing) == "<Drawing: A <graph>>"
    monkeypatch.setenv("BACKPROP_FIGURES", "svg")
    built = drawing._repr_mimebundle_()
    assert "text/html" not in built
    # As book/_ext/inline_figures.py looks for it.
    assert built["image/svg+xml"].startswith('<svg class="bp-drawn" role="img" aria-label=""')


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="labels are for"):
        by_hand.Graph(GRAPH.steps, GRAPH.nodes, {}, 100)
    nodes = {name: node for name, node in GRAPH.nodes.items() if name != "s"}
    with pytest.raises(ValueError, match=r"nodes lacks \['s'\]"):
        by_hand.Graph(GRAPH.steps, nodes, GRAPH.labels, 100)
