"""A graph in steps: what stays, which way the arrows point, and what is refused."""

import xml.etree.ElementTree as ET

import pytest

from backprop.book.figures.graph import graph_steps, worked_sum

SVG = "{http://www.w3.org/2000/svg}"
NODES = {"x": (0, 0), "v": (1, 1), "y": (2, 0)}
EDGES = [("x", "v"), ("v", "y"), ("x", "y")]


def words(frame):
    return [t.text for t in ET.fromstring(frame.svg).iter(f"{SVG}text")]


def heads(frame):
    """Where each arrow's tip is: x of the polygons' first corner."""
    polygons = ET.fromstring(frame.svg).iter(f"{SVG}polygon")
    return [float(p.get("points").split(",")[0]) for p in polygons]


def test_text_stays_and_the_way_back_has_its_own():
    steps = [
        {"node_text": {"x": "2"}, "edge_text": {("x", "y"): "× 3 & more"}},
        {"node_text": {"x": "5"}},
        {"node_text": {"x": "7"}, "direction": "backward"},
        {"node_text": {"y": "1"}, "afresh": True},
    ]
    first, second, third, fourth = graph_steps(NODES, EDGES, steps)
    assert words(first) == ["x", "v", "y", "× 3 & more", "2"]
    assert words(second) == ["x", "v", "y", "× 3 & more", "5"]
    assert words(third) == ["x", "v", "y", "× 3 & more", "5", "7"]
    assert words(fourth) == ["x", "v", "y", "1"]


def test_arrows_turn_round_on_the_way_back():
    hot = {"highlight_edges": {("x", "y")}}
    plain, forward, back = graph_steps(NODES, EDGES, [{}, hot, hot | {"direction": "backward"}])
    assert heads(plain) == heads(forward)
    assert heads(back)[:2] == heads(plain)[:2]
    assert heads(back)[2] < 210 < heads(plain)[2]
    assert back.svg.count("stroke-dasharray") == 1 and "stroke-dasharray" not in forward.svg


def test_highlights_belong_to_their_frame():
    steps = [{"highlight_nodes": {"x"}}, {"highlight_edges": {("x", "v"), ("v", "y")}}, {}]
    counts = [f.svg.count('stroke-width="4"') for f in graph_steps(NODES, EDGES, steps)]
    assert counts == [1, 2, 0]


def test_frames_are_described():
    steps = [{"node_text": {"x": "2"}, "edge_text": {("x", "v"): "3"}, "caption": "Go"}]
    frame = graph_steps(NODES, EDGES, steps)[0]
    svg = ET.fromstring(frame.svg)
    assert frame.caption == "Go" and svg.get("role") == "img"
    assert svg.find(f"{SVG}title").text == "Forward: Go"
    assert svg.find(f"{SVG}desc").text == "x: 2; edge x to v: 3"


def test_all_is_inside_the_drawing_and_legible():
    text = {name: "v = 0.123" for name in NODES}
    steps = [{"node_text": text}, {"node_text": text, "direction": "backward"}]
    svg = ET.fromstring(graph_steps(NODES, EDGES, steps)[-1].svg)
    assert float(svg.get("font-size")) >= 14
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert width == 420
    for word in svg.iter(f"{SVG}text"):
        half = 0.6 * 14 * len(word.text) / 2
        assert half <= float(word.get("x")) <= width - half, word.text
        assert 14 <= float(word.get("y")) <= height - 4, word.text


def test_no_line_runs_through_a_number():
    text = {edge: "× 0.123" for edge in EDGES}
    steps = [{"edge_text": text, "highlight_edges": set(EDGES), "direction": "backward"}]
    svg = ET.fromstring(graph_steps(NODES, EDGES, steps)[0].svg)
    drawn = list(svg)
    lines = [[float(e.get(k)) for k in ("x1", "y1", "x2", "y2")] for e in svg.iter(f"{SVG}line")]
    last_line = max(k for k, e in enumerate(drawn) if e.tag in (f"{SVG}line", f"{SVG}polygon"))
    plates = [(k, e) for k, e in enumerate(drawn) if e.tag == f"{SVG}rect"]
    assert len(plates) == len(lines) == 3
    for (k, plate), (x1, y1, x2, y2) in zip(plates, lines, strict=True):
        word = drawn[k + 1]
        # Above every other line, on the page's ground,
        assert k > last_line and word.text == "× 0.123" and "--bp-ground" in plate.get("fill")
        left, top, wide, high = (float(plate.get(at)) for at in ("x", "y", "width", "height"))
        assert left < float(word.get("x")) < left + wide
        assert top < float(word.get("y")) - 4 < top + high
        # and wholly on one side of its own.
        corners = [(x, y) for x in (left, left + wide) for y in (top, top + high)]
        sides = [(x - x1) * (y2 - y1) - (y - y1) * (x2 - x1) for x, y in corners]
        assert min(sides) > 0 or max(sides) < 0


def test_one_node_needs_no_edge():
    assert words(graph_steps({"x": (0, 0)}, [], [{}])[0]) == ["x"]


@pytest.mark.parametrize(
    ("nodes", "edges", "step", "message"),
    [
        ({}, [], {}, "nodes is empty"),
        (NODES, [("x", "z")], {}, r"edges\[0\] is \('x', 'z'\)"),
        (NODES, [("z", "y")], {}, r"edges\[0\] is \('z', 'y'\)"),
        (NODES, [("y", "x")], {}, "the earlier one first"),
        (NODES, [("x", "x")], {}, "the earlier one first"),
        (NODES, [("x", "y"), ("x", "y")], {}, r"edges\[1\], .* stands there already"),
        (NODES, EDGES, {"node_text": {"z": ""}}, r"steps\[0\] has the node 'z'"),
        (NODES, EDGES, {"highlight_nodes": {"z"}}, r"steps\[0\] has the node 'z'"),
        (NODES, EDGES, {"edge_text": {("y", "x"): ""}}, r"steps\[0\] has the edge \('y', 'x'\)"),
        (NODES, EDGES, {"highlight_edges": {("y", "x")}}, r"the edge \('y', 'x'\)"),
        (NODES, EDGES, {"direction": "up"}, "the direction 'up'"),
    ],
)
def test_what_is_not_there_is_named(nodes, edges, step, message):
    with pytest.raises(ValueError, match=message):
        graph_steps(nodes, edges, [step])


def test_a_worked_sum_can_be_worked_out_from_what_it_shows():
    assert worked_sum([(3, 5)]) == "3 × 5 = 15"
    assert worked_sum([(0.0707372, 4.5), (0.997495, 1)]) == "0.0707 × 4.5 + 0.997 × 1 = 1.32"
    assert worked_sum([(-2, 0.5), (1, 0)]) == "−2 × 0.5 + 1 × 0 = −1"
    assert worked_sum([(1, 1), (-1, 1)]) == "1 × 1 − 1 × 1 = 0"


def test_a_worked_sum_refuses_digits_that_hide_its_result():
    with pytest.raises(ValueError, match=r"gives 0, not 0\.005: more than 1 digits"):
        worked_sum([(1.004, 1), (-0.999, 1)], digits=1)
    with pytest.raises(ValueError, match="products is empty"):
        worked_sum([])
