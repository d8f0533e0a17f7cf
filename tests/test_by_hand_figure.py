"""The graph worked by hand: every number on it follows from the values and slopes."""

import re
import xml.etree.ElementTree as ET
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawing_cases import check_words

from backprop.autodiff import gradcheck
from backprop.book.figures import by_hand, svg
from backprop.book.recording import recorded_steps

GRAPH = by_hand.TWO_PRODUCTS
SVG = "{http://www.w3.org/2000/svg}"
SUM = r"(?P<left>[\d +·]+) = (?P<right>\d+)"


def texts(markup):
    return ["".join(t.itertext()) for t in ET.fromstring(markup).iter(f"{SVG}text")]


def pictures():
    slopes = {edge: f"slope {edge[0]} = 9" for edge in GRAPH.labels}
    drawn = [by_hand.hero(GRAPH, "t"), by_hand.swept(GRAPH, "t"), by_hand.local(GRAPH, "t", slopes)]
    return [*(drawing.markup for drawing in drawn), *(frame.svg for frame in frames())]


def frames():
    return by_hand.both_directions(GRAPH, ["a", "b"])


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


def test_the_hero_has_all_values_and_asks_for_the_adjoints_on_the_way():
    words = texts(by_hand.hero(GRAPH, "t").markup)
    for product in ("1 · 9 = 9", "1 · 6 = 6", "6 · 1 = 6", "15 · 2 = 30", "15 · 3 = 45"):
        assert product not in words
    for label in ("y = 6 · 9 = 54", "u = 3 · 2 = 6", "36", "45"):
        assert label in words
    assert words.count("?") == 3 and not any("15" in label for label in words)


def test_both_sweeps_side_by_side():
    drawing = by_hand.facing(GRAPH, {"a": 1, "b": 0}, "t")
    words, dot = texts(drawing.markup), by_hand.dotted
    forward = {f"{dot(name)} = {k}" for name, k in zip("abusy", (1, 0, 2, 3, 36), strict=True)}
    backward = {f"{name} = {k}" for name, k in zip("abusy", (36, 45, 15, 6, 1), strict=True)}
    assert forward | backward <= set(words)
    assert [words.count(slope) for slope in "12369"] == [4, 2, 2, 2, 2]
    check_words(drawing.markup, 0.64, below=0)
    lines = [*ET.fromstring(drawing.markup).iter(f"{SVG}line")]
    rightward = [float(e.get("x2")) >= float(e.get("x1")) for e in lines]
    upward = [float(e.get("y2")) < float(e.get("y1")) for e in lines]
    assert sum(rightward[:6]) == 6 and sum(rightward[6:]) == 1 and upward[3] != upward[9]


def test_a_frame_for_each_visit_and_the_numbers_of_the_text():
    captions = [frame.caption.replace("\N{NO-BREAK SPACE}", " ") for frame in frames()]
    bar, dot = by_hand.barred, by_hand.dotted
    assert captions == [
        f"Forward from a. Start with {dot('a')} = 1 and {dot('b')} = 0.",
        "Forward from a. u receives 2 · 1 = 2 from a and 3 · 0 = 0 from b. So"
        f" {dot('u')} = 2 + 0 = 2.",
        "Forward from a. s receives 1 · 1 = 1 from a and 1 · 2 = 2 from u. So"
        f" {dot('s')} = 1 + 2 = 3.",
        "Forward from a. y receives 9 · 2 = 18 from u and 6 · 3 = 18 from s. So"
        f" {dot('y')} = 18 + 18 = 36. The derivative for a is found.",
        f"Forward from b. Start with {dot('a')} = 0 and {dot('b')} = 1.",
        "Forward from b. u receives 2 · 0 = 0 from a and 3 · 1 = 3 from b. So"
        f" {dot('u')} = 0 + 3 = 3.",
        "Forward from b. s receives 1 · 0 = 0 from a and 1 · 3 = 3 from u. So"
        f" {dot('s')} = 0 + 3 = 3.",
        "Forward from b. y receives 9 · 3 = 27 from u and 6 · 3 = 18 from s. So"
        f" {dot('y')} = 27 + 18 = 45. The derivative for b is found.",
        f"Backward. Start with {bar('y')} = 1.",
        "Backward. y sends 1 · 9 = 9 to u and 1 · 6 = 6 to s. So u has 9 so far, and"
        f" {bar('s')} = 6.",
        "Backward. s sends 6 · 1 = 6 to a and 6 · 1 = 6 to u. So a has 6 so far, and"
        f" {bar('u')} = 9 + 6 = 15.",
        f"Backward. u sends 15 · 2 = 30 to a and 15 · 3 = 45 to b. So {bar('a')} = 6 + 30 ="
        f" 36, and {bar('b')} = 45. All derivatives are found.",
    ]


def test_a_sum_gets_its_bar_when_it_is_complete():
    after_y, after_s = (texts(frame.svg) for frame in frames()[9:11])
    assert {"so far 9", "s = 6"} <= set(after_y)
    assert {"so far 6", "u = 9 + 6 = 15"} <= set(after_s)
    assert "at u so far 9" in frames()[9].svg


def test_no_caption_breaks_inside_an_equation():
    assert not any(re.search(r" [=+·] ", frame.caption) for frame in frames())


def test_a_forward_sweep_finds_each_derivative():
    assert by_hand.forward_sweep(GRAPH.steps, {"a": 1, "b": 0}, 3).total("y") == 36
    assert by_hand.forward_sweep(GRAPH.steps, {"a": 0, "b": 1}, 3).total("y") == 45
    assert by_hand.dotted("y") == "\u1e8f" and by_hand.dotted("u") == "u\u0307"


def test_the_arrow_in_use_is_thick_and_points_back():
    def widths(markup, paint):
        found = re.findall(
            rf'<line [^>]*stroke="{re.escape(paint)}" stroke-width="([.\d]+)"', markup
        )
        return sorted(map(float, found))

    thin, used, now = by_hand.THIN, by_hand.USED, by_hand.NOW
    two, four, rest = [now] * 2, [used] * 2 + [now] * 2, [used] * 4 + [now] * 2
    shown = [frame.svg for frame in frames()]
    assert [widths(m, svg.FORWARD) for m in shown] == [[], two, four, rest] * 2 + [[]] * 4
    assert [widths(m, svg.BACKWARD) for m in shown] == [[]] * 8 + [[], two, four, rest]
    black = [6, 4, 2, 0] * 2 + [6] * 4
    assert [widths(m, "currentColor") for m in shown] == [[thin] * n for n in black]
    assert widths(by_hand.hero(GRAPH, "t").markup, svg.BACKWARD) == [now] * 6
    there = by_hand.arrow((0, 0), (100, 0), "red", 1)
    back = by_hand.arrow((100, 0), (0, 0), "red", 1)
    heights = [float(re.search(r'y1="([-\d.]+)"', arrow)[1]) for arrow in (there, back)]
    assert heights == [-by_hand.GAP, by_hand.GAP]


ALL = [
    *pictures(),
    by_hand.swept(by_hand.UNIT, "t").markup,
]


@pytest.mark.parametrize("markup", ALL)
def test_words_are_inside_and_clear_of_each_other(markup):
    check_words(markup, 0.64, below=0)


def test_no_arrow_runs_through_the_words_of_a_node():
    for markup in ALL:
        root = ET.fromstring(markup)
        ends = [
            [float(e.get(k)) for k in ("x1", "y1", "x2", "y2")] for e in root.iter(f"{SVG}line")
        ]
        for word in root.iter(f"{SVG}text"):
            said = "".join(word.itertext())
            if len(said) == 1 or said in by_hand.UNIT.nodes:
                continue  # a circle's letter
            wide = 0.64 * svg.FONT * len(said)
            shift = {"start": 0, "middle": wide / 2, "end": wide}[word.get("text-anchor")]
            left, foot = float(word.get("x")) - shift, float(word.get("y"))
            for x1, y1, x2, y2 in ends:
                for k in range(101):
                    x, y = x1 + k / 100 * (x2 - x1), y1 + k / 100 * (y2 - y1)
                    assert not (left < x < left + wide and foot - 11 < y < foot + 2), said


def test_the_unit_has_the_numbers_of_its_program():
    def program(w1, w2):
        e = np.tanh(3 * w1 + 2 * w2) - 0.2
        return e * e

    point = np.array([np.log(2), -np.log(2)])
    expected = gradcheck.complex_step(lambda w: program(*w), point)
    steps = by_hand.UNIT.steps
    done = by_hand.sweep(steps, ["L", "h", "z"])
    assert [float(done.total(name)) for name in ("w₁", "w₂")] == pytest.approx(list(expected))
    assert program(*point) == pytest.approx(0.16)
    words = texts(by_hand.swept(by_hand.UNIT, "t").markup)
    assert {"3", "2", "0.64", "0.8", "h = 0.8", "z = 0.512", "w₁ = 1.536"} <= set(words)
    assert '<tspan text-decoration="overline">w</tspan>₁' in by_hand.swept(by_hand.UNIT, "t").markup


def test_wrong_derivatives_are_counted_and_coloured():
    panels = [("right", [0.1, -0.4, 0.0]), ("wrong", [0.1, 0.3, 0.0])]
    words = texts(by_hand.against_nudges(panels, [0.1, -0.4, 0.0], "t").markup)
    assert {"0 wrong", "1 wrong", "from the sweep", "from a nudge"} <= set(words)


def test_exact_numbers_and_any_order():
    steps = [("u", [("a", Fraction(1, 3))]), ("y", [("u", Fraction(3, 2)), ("b", 1)])]
    assert by_hand.sweep(steps, ["y", "u"]).carried["a", "u"] == "3/2 · 1/3 = 1/2"
    # u before s: what s sends to u comes too late.
    assert by_hand.sweep(GRAPH.steps, ["y", "u", "s"]).total("a") == 24


def test_squarings_have_the_numbers_they_are_given():
    counts = [(0, 1, 0), (1, 2, 2), (2, 4, 4), (3, 8, 6), (30, 2**30, 60)]
    drawing = by_hand.squarings(counts, "t")
    words = texts(drawing.markup)
    assert {"1,073,741,824", "60", "30 squarings", "last", "x", "x²", "x⁴", "x⁸"} <= set(words)
    assert drawing.markup.count("<path") == 6
    assert "0 squarings: 1 path, 0 arrows; 1 squaring: 2 paths" in drawing.markup


def test_a_notebook_names_it_and_the_build_leaves_the_name_to_the_page(monkeypatch):
    drawing = by_hand.hero(GRAPH, "A <graph>")
    data, _ = drawing._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}
    assert "<title>A &lt;graph&gt;</title>" in data["text/html"]
    assert data["text/plain"] == "<Drawing: A <graph>>"
    monkeypatch.setenv("BACKPROP_FIGURES", "svg")
    data, metadata = drawing._repr_mimebundle_()
    assert set(data) == {"image/svg+xml", "text/plain"}
    assert metadata["image/svg+xml"]["needs_background"] == "light"
    built = data["image/svg+xml"]
    # As book/_ext/inline_figures.py looks for it.
    assert built.startswith('<svg class="bp-drawn" role="img" aria-label=""')
    assert "<title></title>" in built


def test_a_plot_is_a_drawing_too():
    figure, ax = plt.subplots(figsize=(4.6, 2.8))
    ax.plot([1, 2])
    drawing = by_hand.plotted(figure, "A line")
    assert drawing.markup.startswith('<svg class="bp-drawn" role="img" aria-label=""')
    assert not plt.fignum_exists(figure.number)


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match="labels are for"):
        by_hand.Graph(GRAPH.steps, GRAPH.nodes, {}, 100)
    nodes = {name: node for name, node in GRAPH.nodes.items() if name != "s"}
    with pytest.raises(ValueError, match=r"nodes lacks \['s'\]"):
        by_hand.Graph(GRAPH.steps, nodes, GRAPH.labels, 100)


def test_names_are_spread_and_stay_in_order():
    places = by_hand.spread([0.0, 0.1, 0.15, 3.0], 1.0)
    assert np.diff(places).min() >= 1 - 1e-12 and places[3] == 3.0
    np.testing.assert_allclose(by_hand.spread([0.0, 2.0, 2.5], 1.0), [0.0, 1.75, 2.75])
    np.testing.assert_allclose(by_hand.spread([0.0, 1.0, 1.0], 1.0), np.array([0, 1, 2]) - 1 / 3)
