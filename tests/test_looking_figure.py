"""What the figures of "Attention" draw is what attention computes."""

import re

import numpy as np
import pytest
from drawing_cases import check_words

from backprop.book import lookup
from backprop.book.figures import looking
from backprop.layers import dot_product_attention, dot_product_attention_vjp

TOKENS = ["a=1", "b=2", "b?"]
WEIGHTS = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.7, 0.1]])


def test_each_weight_of_a_question_is_a_line():
    said = "Before.", "After."
    seen = [([2], WEIGHTS), ([1], WEIGHTS[:, ::-1])]
    first, last = looking.arcs(TOKENS, {2: 1}, seen, said)
    widths = re.findall(r'<path[^>]*stroke-width="([\d.]+)"', first.svg)
    assert sorted(map(float, widths)) == [1.4, 2.8, 9.8]
    assert ">2 ✓<" in first.svg and ">1 ✗<" in last.svg
    assert first.caption == "Before." and "b? looks at b=2 with the weight 0.70" in first.svg
    assert "at b? the network says 1" in last.svg and ">0.70<" in first.svg
    check_words(first.svg, 0.55, above=10)


def test_the_match_is_drawn_last_and_in_blue():
    (frame,) = looking.arcs(TOKENS, {2: 1}, [([2], WEIGHTS)], ["x"])
    lines = re.findall(r'<path[^>]*stroke="([^"]+)"', frame.svg)
    assert lines == ["currentColor", "currentColor", looking.svg.FORWARD]


def test_the_numbers_by_hand_are_those_of_the_package():
    markup = looking.by_hand("t").markup
    q = np.sqrt(2) * np.log([[2.0, 3.0]])
    k, v = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]), np.array([[10.0], [0.0], [20.0]])
    y, p = dot_product_attention(q, k, v)
    dq, dk, dv = dot_product_attention_vjp(q, k, v, p, y - looking.WANTED)
    shown = [f"({', '.join(f'{n:.2f}' for n in row)})" for row in dk]
    shown += [f"({dq[0, 0] * 2**0.5:.1f}, {dq[0, 1] * 2**0.5:.1f})", f"{y.item():.0f}"]
    shown += [f"{n:.1f}" for n in (*p[0], *dv[:, 0])] + ["−20", "−40", "4.8", "−2.4"]
    for number in shown:
        assert f">{number.replace('-', '−')}<" in markup, number
    check_words(markup, 0.55)


def test_the_network_has_all_shapes_and_errors():
    one = lookup.written("c=5 a=3 f=1 c? b=7 f? a? b?")
    ((_, P),) = lookup.watched(0, [0], one)
    drawn = looking.network(lookup.names(one, 0), one.x[0], P, "t")
    check_words(drawn.markup, 0.55)
    assert drawn.markup.count(">8 × 16<") == 6 and drawn.markup.count(">8 × 8<") == 3
    assert drawn.markup.count("url(#bp-masked)") == 28
    for error in ("dX", "dQ", "dK", "dV", "dS", "dP", "dY", "dZ"):
        assert drawn.markup.count(f" {error}<") == 1, error
    assert drawn.markup.count('fill-opacity="1.00"') == int(one.x.sum()) + 1  # the first of P


def test_runs_and_rules_are_named():
    runs = {"one": np.array([0.401, 0.48]), "two": np.array([1.0, 1.0])}
    drawn = looking.learned(runs, {"blind: 13 %": 0.125}, "t")
    for words in ("one", "40–48 %", "two", "100 %", "blind: 13 %"):
        assert words in drawn.markup


def test_heads_have_an_arc_for_each_weight_and_say_their_digits():
    weights = np.array([[0.5, 0.1, 0.4]]), np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1]])
    panels = {"one": (weights[0], [1, 1]), "two": (weights[1], [1, 2])}
    drawn = looking.heads(["a=1", "b=2", "a b?"], panels, "t")
    widths = re.findall(r'<path[^>]*stroke-width="([\d.]+)"', drawn.markup)
    expected = [looking.THICK * w for one in weights for row in one for w in row[:2]]
    assert [float(w) for w in widths] == pytest.approx(expected, abs=0.06)
    for number in ("0.50", "0.10", "0.40", "0.90", "0.80"):
        assert f">{number}<" in drawn.markup
    assert ">says 1 and 1<" in drawn.markup and ">says 1 and 2<" in drawn.markup
    assert "head 2 looks most at b=2" in drawn.markup
    check_words(drawn.markup, 0.55, above=10)


def test_masked_cells_are_hatched_and_the_others_have_their_weights():
    rows = {"free": (np.array([0.2, 0.3, 0.5]), None), "late": (np.array([0.2, 0.3, 0.0]), 1)}
    drawn = looking.masks(["a=1", "b?", "b=2"], 1, rows, "t")
    assert drawn.markup.count("url(#bp-masked)") == 1
    assert drawn.markup.count(">0.50<") == 2 and ">1.00<" in drawn.markup  # a weight and a sum
    check_words(drawn.markup, 0.55)


def test_each_weight_is_a_bar():
    drawn = looking.spread({"one": np.array([0.25, 0.75]), "two": np.array([1.0, 0.0])}, "t")
    for words in ("one", "two", "weight", "key"):
        assert words in drawn.markup


def test_no_straight_line_has_the_signs_of_the_second_digit():
    at, wanted = np.array(looking.SHARES_OF_7), np.sign(looking.SIGNS)
    np.testing.assert_allclose(at, [0.6 * b + 0.4 * c for b in (0, 1) for c in (0, 1)])
    assert wanted.tolist() == [-1, 1, -1, 1]
    for slope in np.linspace(-5, 5, 41):
        for height in np.linspace(-5, 5, 41):
            assert (np.sign(height + slope * at) != wanted).any()
    drawn = np.sign(np.interp(at, (0, 1), looking.STRAIGHT))
    assert (drawn != wanted).sum() == 1
    assert ">straight<" in looking.shares("t").markup
