"""The decision regions under the reader's hands: the same output each time, and a true picture."""

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from explorer_cases import START, STRIPE, TASKS, XOR, explorer

from backprop.book.figures.explorer import (
    WINDOW,
    DecisionRegions,
    Setting,
    Task,
)

SVG = "{http://www.w3.org/2000/svg}"
LOW, HIGH, SIDE, ROWS = WINDOW.low, WINDOW.high, WINDOW.side, WINDOW.rows
LEFT, TOP = WINDOW.left, WINDOW.top


def picture(figure):
    return ET.fromstring(re.search(r"<svg.*</svg>", figure._repr_html_(), re.S)[0])


def test_a_setting_is_the_network_that_it_says():
    x = np.random.default_rng(0).uniform(LOW, HIGH, (20, 2))
    W1, b1, W2, b2 = START.arrays()
    by_hand = 1 / (1 + np.exp(-(np.tanh(x @ W1 + b1) @ W2 + b2)))
    assert np.allclose(START.network().forward(x), by_hand, rtol=1e-14, atol=0)
    positive = np.maximum(0, x @ W1 + b1) @ W2 + b2
    relu = replace(START, activation="relu").network().forward(x)
    assert np.allclose(relu, 1 / (1 + np.exp(-positive)), rtol=1e-14, atol=0)


def test_right_points_are_counted():
    for solution in XOR.solutions:
        assert XOR.right(solution).tolist() == [True] * 4
    never = Setting("identity", np.zeros((2, 3)), np.zeros(3), np.zeros((3, 1)), [-1])
    assert XOR.right(never).tolist() == [True, False, False, True]


def test_output_is_the_same_each_time_and_self_contained():
    html = explorer()._repr_html_()
    assert html == explorer()._repr_html_()
    assert re.findall(r"\sid=\"?([\w-]+)", html) == ["explorer-test"]
    assert set(re.findall(r"https?://[^\"' )]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "a &lt;stripe&gt;" in html and "<stripe>" not in html
    assert 'aria-label="Regions of a &quot;small&quot; network"' in html
    assert repr(explorer()) == "DecisionRegions('test', XOR, a <stripe>)"


def test_every_control_is_named_and_holds_the_start():
    html = explorer()._repr_html_()
    labels = re.findall(r"<label>(.*?)</label>", html)
    ranges = [re.search(r"<span>(.+)</span><input type=\"range\"", text) for text in labels]
    assert len([r for r in ranges if r]) == 15
    assert len({r[1] for r in ranges if r}) == 15
    values = re.findall(r'value="([-.\d]+)" data-at="(\d+)"', html)
    found = {int(at): float(value) for value, at in values}
    assert [found[k] for k in range(13)] == START.theta.tolist()
    assert len(re.findall(r'<input type="radio"[^>]* checked>', html)) == 3


def given(figure):
    text = re.search(r'<script type="application/json">(.*?)</script>', figure._repr_html_(), re.S)
    return json.loads(text[1])


def test_the_script_gets_the_data_unrounded():
    data = given(explorer())
    assert data["start"] == {"activation": "tanh", "theta": START.theta.tolist()}
    assert data["frame"] == {
        "low": LOW, "high": HIGH, "side": SIDE, "left": LEFT, "top": TOP, "rows": ROWS
    }  # fmt: skip
    for stored, task in zip(data["tasks"], TASKS.values(), strict=True):
        assert (stored["x"], stored["y"]) == (task.x.tolist(), task.y.tolist())
        assert list(stored["solutions"].items()) == [
            (s.activation, s.theta.tolist()) for s in task.solutions
        ]
    assert [stored["straight"] for stored in data["tasks"]] == [False, True]


def test_no_figure_names_anything_in_the_page_but_its_own():
    scripts = re.findall(r"<script type=\"([^\"]*)\"", explorer()._repr_html_())
    assert scripts == ["application/json", "module"]


def inside(path, x1, x2):
    u, v = LEFT + (x1 - LOW) / (HIGH - LOW) * SIDE, TOP + (HIGH - x2) / (HIGH - LOW) * SIDE
    runs = re.findall(r"M([\d.]+) (\d+)H([\d.]+)V(\d+)", path)
    return any(float(a) <= u <= float(b) and int(c) <= v < int(d) for a, c, b, d in runs)


@pytest.mark.parametrize("activation", ["identity", "tanh", "relu"])
def test_the_region_is_where_the_output_exceeds_one_half(activation):
    setting = replace(START, activation=activation)
    path = explorer(setting).region()
    x = np.random.default_rng(1).uniform(LOW, HIGH, (400, 2))
    # Within a row the picture is that of the row's middle.
    row = (HIGH - LOW) / ROWS
    x[:, 1] = HIGH - (np.floor((HIGH - x[:, 1]) / row) + 0.5) * row
    outputs = setting.network().forward(x)[:, 0]
    clear = np.abs(outputs - 0.5) > 0.02
    assert clear.sum() > 300 and 20 < (outputs > 0.5).sum() < 380
    for point, output in zip(x[clear], outputs[clear], strict=True):
        assert inside(path, *point) == (output > 0.5), point


def test_region_full_and_empty():
    zero = np.zeros((2, 3)), np.zeros(3), np.zeros((3, 1))
    assert explorer(Setting("tanh", *zero, [-1])).region() == ""
    assert explorer(Setting("tanh", *zero, [1])).region().count("Z") == ROWS


def test_the_lines_are_where_a_hidden_unit_is_zero():
    groups = [g for g in picture(explorer()).iter(f"{SVG}g") if "bp-unit" in g.get("class")]
    W1, b1, _, _ = START.arrays()
    for j, group in enumerate(groups):
        line, number = group.find(f"{SVG}line"), group.find(f"{SVG}text")
        at = [(float(line.get(f"x{k}")), float(line.get(f"y{k}"))) for k in "12"]
        at.append((float(number.get("x")), float(number.get("y")) - 6))
        u, v = np.array(at).T
        x = np.stack([LOW + (u - LEFT) / SIDE * 1.4, HIGH - (v - TOP) / SIDE * 1.4], axis=1)
        z = x @ W1[:, j] + b1[j]
        assert np.abs(z[:2]).max() < 0.01 and z[2] > 0.1


def test_a_line_outside_the_window_is_hidden():
    W1, b1, W2, b2 = START.arrays()
    far = Setting("tanh", np.where([[True, False, True]] * 2, W1, 0), b1, W2, b2)
    shown = [g.get("visibility") for g in picture(explorer(far)).iter(f"{SVG}g")][:3]
    assert shown == ["visible", "hidden", "visible"]


def test_without_script_a_described_picture_and_its_sentence_remain():
    svg, html = picture(explorer()), explorer()._repr_html_()
    assert svg.get("role") == "img" and svg.find(f"{SVG}title").text
    assert "crossed out" in svg.find(f"{SVG}desc").text
    key = re.search(r'<p class="bp-key">(.*?)</p>', html)[1]
    assert all(word in key for word in ("should be 0", "should be 1", "wrong side", "exceeds ½"))
    assert '<div class="bp-controls" hidden>' in html
    marks = [g.get("class") for g in svg.iter(f"{SVG}g") if "bp-mark" in g.get("class", "")]
    assert [("wrong" not in m) for m in marks[:4]] == XOR.right(START).tolist()
    output = START.network().forward(np.array([[0.5, 0.5]])).item()
    assert f"{XOR.right(START).sum()} of 4 points right" in html
    assert f"output {output:.3f}." in explorer().sentence()


def test_with_the_identity_the_sentence_names_the_one_unit():
    sentence = explorer(replace(START, activation="identity")).sentence()
    W1, b1, W2, b2 = START.arrays()
    x = np.array([[0.3, 0.8]])
    numbers = re.search(r"z = (\S+) x₁ ([+−] \S+) x₂ ([+−] [\d.]+):", sentence).groups()
    w1, w2, b = (float(n.replace("−", "-").replace(" ", "")) for n in numbers)
    assert w1 * 0.3 + w2 * 0.8 + b == pytest.approx(((x @ W1 + b1) @ W2 + b2).item())


def test_a_unit_without_effect_is_named():
    first, second = explorer(XOR.solutions[0]), explorer(START)
    assert first.sentence().endswith(" No effect, because the weight to the output is 0: unit 3.")
    assert "No effect" not in second.sentence()


def test_errors_name_the_argument():
    W1, b1, W2, b2 = START.arrays()
    with pytest.raises(ValueError, match="activation is 'cosine', expected one of"):
        Setting("cosine", W1, b1, W2, b2)
    with pytest.raises(ValueError, match=r"W1 has shape \(3, 2\), expected \(2, 3\)"):
        Setting("tanh", W1.T, b1, W2, b2)
    with pytest.raises(ValueError, match=r"b1 holds 0\.1, expected multiples of 0\.25"):
        Setting("tanh", W1, [0.1, 0, 0], W2, b2)
    with pytest.raises(ValueError, match="b2 holds 11"):
        Setting("tanh", W1, b1, W2, [11])
    with pytest.raises(ValueError, match="W2 holds nan"):
        Setting("tanh", W1, b1, [[np.nan], [0], [0]], b2)
    with pytest.raises(ValueError, match=r"solutions\[1\] gets 2 of 4 points right"):
        Task(XOR.x, XOR.y, [XOR.solutions[1], START])
    with pytest.raises(ValueError, match=r"solutions has the activations \[\], expected one"):
        Task(XOR.x, XOR.y, [])
    with pytest.raises(ValueError, match=r"activations \['tanh', 'tanh'\], .* each once"):
        Task(XOR.x, XOR.y, [XOR.solutions[0]] * 2)
    with pytest.raises(TypeError, match="x has dtype int64"):
        Task(XOR.x.astype(int), XOR.y, XOR.solutions)
    with pytest.raises(ValueError, match="y holds classes 0 to 2"):
        Task(XOR.x, 2 * XOR.y, XOR.solutions)
    with pytest.raises(ValueError, match=r"x holds the point \[0.0, 2.0\]"):
        Task(2 * XOR.x, XOR.y, XOR.solutions)
    with pytest.raises(ValueError, match="x has no row"):
        Task(XOR.x[:0], XOR.y[:0], XOR.solutions)
    with pytest.raises(ValueError, match="name is 'a b'"):
        explorer(name="a b")
    with pytest.raises(ValueError, match="tasks is empty"):
        DecisionRegions("a", {}, START, "t")
    assert STRIPE.right(STRIPE.solutions[0]).all()
