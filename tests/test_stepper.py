"""The step-through figure: one output for one input, described, and nothing asked from outside."""

import re
import xml.etree.ElementTree as ET

import matplotlib.pyplot as plt
import numpy as np
import pytest

from backprop.book.figures import plots
from backprop.book.figures.stepper import Frame, Stepper, drawn, network_steps

SVG = "{http://www.w3.org/2000/svg}"
STEPS = [
    {"caption": "Inputs & weights", "node_text": {(0, 0): "0.5"}, "edge_text": {(0, 0, 0): "w<1"}},
    {"caption": "Forward", "node_text": {(1, 0): "a = 0.6"}, "highlight_nodes": {(1, 0)}},
    {
        "caption": "Back",
        "direction": "backward",
        "node_text": {(1, 0): "δ = 0.1"},
        "edge_text": {(0, 0, 0): "dW"},
        "highlight_edges": {(0, 0, 0)},
    },
]


def words(frame):
    return [t.text for t in ET.fromstring(frame.svg).iter(f"{SVG}text")]


def test_values_stay_and_errors_stand_beside_them():
    first, second, third = network_steps([2, 1], STEPS, node_labels={(1, 0): "y"})
    assert words(first) == ["x1", "x2", "y", "w<1", "0.5"]
    assert words(second) == ["x1", "x2", "y", "w<1", "0.5", "a = 0.6"]
    assert words(third) == ["x1", "x2", "y", "w<1", "dW", "0.5", "a = 0.6", "δ = 0.1"]


def test_hidden_units_are_activations():
    assert words(network_steps([1, 1, 1], [{}])[0]) == ["x1", "a1", "y1"]


def test_a_minus_sign_is_a_true_one_and_a_hyphen_stays():
    steps = [{"node_text": {(0, 0): "-0.5 + -1", (0, 1): "2-2-1"}}]
    assert words(network_steps([2, 1], steps)[0])[3:] == ["−0.5 + −1", "2-2-1"]


def test_biases_stand_between_the_unit_and_its_values():
    steps = [
        {"bias_text": {(1, 0): "b = 0.1"}},
        {"node_text": {(1, 0): "a = 0.6"}},
        {"node_text": {(1, 0): "δ = 0.3"}, "bias_text": {(1, 0): "0.2"}, "direction": "backward"},
    ]
    frames = network_steps([1, 1], steps)
    assert words(frames[1])[2:] == ["b = 0.1", "a = 0.6"]
    svg = ET.fromstring(frames[2].svg)
    below = [t for t in svg.iter(f"{SVG}text") if t.get("font-weight") is None]
    assert [t.text for t in below] == ["b = 0.1", "0.2", "a = 0.6", "δ = 0.3"]
    assert np.diff([float(t.get("y")) for t in below]).tolist() == [17] * 3
    assert float(below[-1].get("y")) < float(svg.get("viewBox").split()[3]) - 4
    assert "bias of y1: b = 0.1" in svg.find(f"{SVG}desc").text


def test_frames_are_described():
    titles = []
    for frame in network_steps([2, 1], STEPS):
        svg = ET.fromstring(frame.svg)
        assert svg.get("role") == "img"
        titles.append(svg.find(f"{SVG}title").text)
        assert "x1: 0.5" in svg.find(f"{SVG}desc").text
    assert titles == ["Forward: Inputs & weights", "Forward: Forward", "Backward: Back"]


def test_highlights_belong_to_their_frame():
    counts = [f.svg.count('stroke-width="4"') for f in network_steps([2, 1], STEPS)]
    assert counts == [0, 1, 1]


def test_text_stays_inside_the_drawing():
    steps = [{"node_text": {(k, i): "a = 0.123" for k in (0, 1) for i in range(3)}}]
    steps += [{"direction": "backward", "node_text": {(1, 2): "δ = 0.1"}}]
    svg = ET.fromstring(network_steps([3, 3, 2], steps)[-1].svg)
    _, _, width, height = map(float, svg.get("viewBox").split())
    for text in svg.iter(f"{SVG}text"):
        half = 0.6 * 14 * len(text.text) / 2
        assert half <= float(text.get("x")) <= width - half, text.text
        assert 14 <= float(text.get("y")) <= height - 4, text.text


def test_output_is_the_same_each_time_and_self_contained():
    html = Stepper("net", network_steps([2, 1], STEPS), 'A "net"')._repr_html_()
    assert html == Stepper("net", network_steps([2, 1], STEPS), 'A "net"')._repr_html_()
    assert set(re.findall(r"\bid=\"?([\w-]+)", html)) == {"stepper-net"}
    assert "Inputs &amp; weights" in html and "A &quot;net&quot;" in html
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert html.count("<figure ") == 3
    assert re.findall(r"<script([^>]*)>", html) == [' type="module"']
    assert re.findall(r'data-name="([^"]*)"', html) == [f"Frame {k} of 3" for k in (1, 2, 3)]


def test_errors_name_the_argument():
    with pytest.raises(ValueError, match=r"steps\[0\] names the unit \(2, 0\)"):
        network_steps([2, 1], [{"node_text": {(2, 0): "?"}}])
    with pytest.raises(ValueError, match=r"steps\[0\] names the edge \(0, 0, 1\)"):
        network_steps([2, 1], [{"highlight_edges": {(0, 0, 1)}}])
    with pytest.raises(ValueError, match="direction 'up'"):
        network_steps([2, 1], [{"direction": "up"}])
    with pytest.raises(ValueError, match="sizes is"):
        network_steps([2], [])
    frame = network_steps([1, 1], [{}])[0]
    with pytest.raises(ValueError, match="name is 'a b'"):
        Stepper("a b", [frame], "t")
    with pytest.raises(ValueError, match="frames is empty"):
        Stepper("a", [], "t")
    with pytest.raises(ValueError, match="role"):
        Frame("<svg></svg>", "")


def test_a_slider_can_move_a_quantity():
    frames = [Frame('<svg role="img"><title>t</title></svg>', "c")] * 2
    html = Stepper("rate", frames, "A path", label="learning rate", values=["0.1", "<1"])
    assert 'data-name="learning rate &lt;1"' in html._repr_html_()
    assert 'aria-label="learning rate: A path"' in html._repr_html_()
    with pytest.raises(ValueError, match="values has 1 entries, expected 2"):
        Stepper("rate", frames, "A path", values=["0.1"])


def test_a_figure_can_start_at_any_of_its_frames():
    frames = [Frame('<svg role="img"><title>t</title></svg>', "c")] * 3
    assert 'max="3" value="1"' in Stepper("rate", frames, "A path")._repr_html_()
    assert 'max="3" value="2"' in Stepper("rate", frames, "A path", start=2)._repr_html_()
    for start in (0, 4):
        with pytest.raises(ValueError, match=f"start is {start}, expected 1 to 3"):
            Stepper("rate", frames, "A path", start=start)


def draw(title, marker="o"):
    fig, ax = plt.subplots(figsize=(4.4, 3.3))
    ax.plot([0, 1], [0, 1], marker=marker, label="path")
    for left in (0, 1):
        ax.imshow([[0, 1]], extent=(left, left + 1, 0, 1))
    ax.set_title(r"$\eta$ & more")
    return drawn(fig, title, "A caption.")


def test_a_drawn_frame_is_the_same_each_time_and_shares_no_id_with_another():
    first, again, other = draw("One <path>"), draw("One <path>"), draw("Another")
    assert first == again
    assert plt.get_fignums() == []
    ids = [set(re.findall(r'\bid="([^"]+)"', frame.svg)) for frame in (first, other)]
    assert ids[0] and ids[0].isdisjoint(ids[1])
    every = re.findall(r'\bid="([^"]+)"', first.svg)
    assert len(every) == len(set(every)), "two equal images in one drawing"
    for frame, own in zip((first, other), ids, strict=True):
        used = set(re.findall(r'(?:href="|\()#([^")]+)', frame.svg))
        assert used and used == own
    root = ET.fromstring(first.svg)
    assert root.get("aria-label") == "One <path>" and root.get("role") == "img"
    assert root.get("width") is None and root.get("viewBox")
    assert set(re.findall(r"https?://[^\"' )]+", first.svg)) == {"http://www.w3.org/2000/svg"}


def test_a_drawing_is_shortened_in_its_coordinates_never_in_its_text():
    fig, ax = plt.subplots(figsize=(4.4, 3.3))
    ax.plot([-1, -0.5123], [0.55, 0.65], alpha=0.25)
    ax.set_xticks([-1, -0.75, -0.5], ["-1.00", "-0.75", "-0.50"])
    ax.text(-0.7, 0.6, "0.65")
    svg = drawn(fig, "Ticks", "").svg
    text = [t.text for t in ET.fromstring(svg).iter(f"{SVG}text")]
    assert {"-1.00", "-0.75", "-0.50", "0.65"} <= set(text)
    assert "opacity: 0.25" in svg
    places = re.findall(r' (?:d|x|y)="([^"]*)"', svg)
    assert places and not any(re.search(r"\d\.\d\d", place) for place in places)


def test_a_drawing_takes_the_pages_neutral_colours_and_keeps_the_others():
    with plt.rc_context():
        plots.use_style()
        fig, ax = plt.subplots(figsize=(4.4, 3.3))
        ax.plot([0, 1], color=plots.COLORS[0])
        ax.plot([1, 0], color=plots.COLORS[1])
        ax.scatter([0], [0], color=plots.PAPER)
        ax.text(0, 0, "here", color=plots.INK)
        svg = drawn(fig, "Colours", "").svg
    assert not re.search("|".join([plots.GREY, plots.INK, plots.PAPER]), svg, re.I)
    assert "fill: var(--bp-ink, currentColor)" in svg
    assert "stroke: var(--bp-blue, #0072B2)" in svg and "stroke: #d55e00" in svg
    assert "fill: var(--bp-ground, Canvas)" in svg and "fill: currentColor" in svg


def test_black_lines_and_marks_take_the_pages_colour_and_black_words_stay():
    fig, ax = plt.subplots(figsize=(4.4, 3.3))
    ax.plot([0, 1], "k:o")
    ax.text(0, 0, "on a cell", color="black")
    svg = drawn(fig, "Black", "").svg
    assert "#000000" not in svg and "fill: currentColor; stroke: currentColor" in svg
    (word,) = (t for t in ET.fromstring(svg).iter(f"{SVG}text") if t.text == "on a cell")
    assert "fill" not in word.get("style")


def test_hatches_keep_their_colour_and_their_reference():
    fig, ax = plt.subplots(figsize=(4.4, 3.3))
    ax.bar([0], [1], color="#d55e00", hatch="//")
    svg = drawn(fig, "Hatched", "").svg
    (pattern,) = ET.fromstring(svg).iter(f"{SVG}pattern")
    assert f"fill: url(#{pattern.get('id')})" in svg
    assert pattern.find(f"{SVG}rect").get("fill") == "#d55e00"


def test_a_prime_is_a_prime_and_what_is_no_text_is_refused():
    fig, ax = plt.subplots(figsize=(4.4, 3.3))
    ax.set_title("$f'(x)$")
    assert "′" in "".join(ET.fromstring(drawn(fig, "A slope", "").svg).itertext())
    with plt.rc_context({"mathtext.fontset": "cm"}):
        fig, ax = plt.subplots(figsize=(4.4, 3.3))
        ax.set_title(r"$\theta$")
        with pytest.raises(ValueError, match="of cmmi10 is no text"):
            drawn(fig, "An angle", "")
    plt.close(fig)
