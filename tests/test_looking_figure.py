"""What the figures of "Attention" draw is what attention computes."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from drawing_cases import TEXT, check_words

from backprop.book import lookup
from backprop.book.figures import looking
from backprop.layers import (
    blockwise_attention,
    dot_product_attention,
    dot_product_attention_vjp,
)

TOKENS = ["a=1", "b=2", "b?"]
WEIGHTS = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.7, 0.1]])
ERRORS = np.array([[0, 0, 0], [0, 0, 0], [0.753, -0.749, -0.004]])


def look(said, weights=WEIGHTS, errors=ERRORS):
    return lookup.Look([said], np.ones(1), weights, errors, [1, 3, 5])


def test_each_weight_of_a_question_is_a_line():
    said = "Before.", "After."
    seen = [look(2), look(1, WEIGHTS[:, ::-1])]
    first, last = looking.arcs(TOKENS, {2: 1}, seen, said)
    widths = re.findall(r'<path[^>]*stroke-width="([\d.]+)"', first.svg)
    assert sorted(map(float, widths)) == [1.4, 2.8, 9.8]
    assert ">2 ✓<" in first.svg and ">1 ✗<" in last.svg
    assert first.caption == "Before." and "b? looks at b=2 with the weight 0.70" in first.svg
    assert "at b? the network says 1" in last.svg and ">0.70<" in first.svg
    check_words(first.svg, 0.55, above=10)


def test_the_match_is_drawn_last_and_in_blue():
    (frame,) = looking.arcs(TOKENS, {2: 1}, [look(2)], ["x"])
    lines = re.findall(r'<path[^>]*stroke="([^"]+)"', frame.svg)
    assert lines == ["currentColor", "currentColor", looking.svg.FORWARD]


def test_each_fact_says_a_digit_and_each_score_has_its_error_below_its_token():
    (frame,) = looking.pushes(TOKENS, {2: 1}, [look(2)], ["Now."])
    (arcs,) = looking.arcs(TOKENS, {2: 1}, [look(2)], ["Now."])
    widths = [re.findall(r'<path[^>]*stroke-width="([\d.]+)"', of.svg) for of in (frame, arcs)]
    assert widths[0] == widths[1]
    root = ET.fromstring(frame.svg)
    place = {word.text: float(word.get("x")) for word in root.iter(TEXT)}
    assert place["0.75"] == place["a=1"] and place["−0.75"] == place["b=2"]
    assert ">0.00<" in frame.svg and "−0.00" not in frame.svg
    assert frame.svg.count('fill-opacity="0.2"') == 1  # only the match is to rise
    framed = frame.svg.count(f'stroke="{looking.svg.FORWARD}"')
    assert framed == 2  # its line and its cell
    assert "from b?, the scores receive: a=1 0.75, b=2 −0.75, b? 0.00" in frame.svg
    assert place["0.70"] > place["b=2"] and ">weight on the match<" in frame.svg
    assert place["1 ✓"] == place["a=1"] and place["3 ✗"] == place["b=2"]
    assert "5 ✗" not in place and "the value of b=2 says 3" in frame.svg  # of facts alone
    check_words(frame.svg, 0.55, above=10)


def test_each_pair_of_letters_is_a_cell():
    M = np.zeros((lookup.WIDTH, lookup.WIDTH))
    M[1, 1], M[2, 3], M[4, 12] = 2, -1, 9  # a digit is not drawn
    drawn = looking.compared({"before": M / 4, "after": M}, "t")
    shades = re.findall(r'fill="([^"]+)" fill-opacity="(0.[1-9]\d|1.00)"', drawn.markup)
    blue, gray = looking.svg.FORWARD, "currentColor"
    assert shades[:4] == [(blue, "0.25"), (gray, "0.12"), (blue, "1.00"), (gray, "0.50")]
    scale = [(gray, "1.00"), (gray, "0.50"), (blue, "0.50"), (blue, "1.00"), *[(blue, "1.00")] * 2]
    assert shades[4:] == scale  # of −2 to 4, where 2 is the largest entry
    assert drawn.markup.count("<rect") == 2 * (64 + 1) + 7 and drawn.markup.count(
        ">h?<"
    ) == 2 == drawn.markup.count(">h<")
    assert "after: the entries of equal letters are 0.0 to 2.0" in drawn.markup
    check_words(drawn.markup, 0.55)


def test_the_numbers_by_hand_are_those_of_the_package():
    markup = looking.by_hand("t").markup
    q = np.sqrt(2) * np.log([[2.0, 3.0]])
    k, v = np.array([[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]), np.array([[10.0], [0.0], [30.0]])
    y, p = dot_product_attention(q, k, v)
    dq, dk, dv = dot_product_attention_vjp(q, k, v, p, 2 * (y - looking.WANTED))
    shown = [f"({', '.join(f'{n:.2f}' for n in row)})" for row in dk]
    shown += [f"({dq[0, 0] * 2**0.5:.1f}, {dq[0, 1] * 2**0.5:.1f})", f"{y.item():.0f}"]
    shown += [f"{n:.1f}" for n in (*p[0], *dv[:, 0])] + ["−20", "−60", "5.4", "−4.2"]
    shown += ["c?", *looking.FACTS]
    assert [int(fact.split("=")[1]) for fact in looking.FACTS] == v[:, 0].tolist()
    for number in shown:
        assert f">{number.replace('-', '−')}<" in markup, number
    check_words(markup, 0.55)


def test_the_network_has_all_shapes_and_errors():
    one = lookup.written("c=5 a=3 f=1 c? b=7 f? a? b?")
    (start,) = lookup.watched(0, [0], one)
    drawn = looking.network(lookup.names(one, 0), one.x[0], start.P, "t")
    check_words(drawn.markup, 0.55)
    assert drawn.markup.count(">8 × 16<") == 5 and drawn.markup.count(">8 × 8<") == 3
    assert drawn.markup.count(">b=7<") == 2 and drawn.markup.count(">b<") == 1  # rows, a column
    assert drawn.markup.count("url(#bp-masked)") == 28
    for error in ("dX", "dQ", "dK", "dV", "dS", "dP", "dY", "dZ"):
        assert drawn.markup.count(f" {error}<") == 1, error
    assert drawn.markup.count('fill-opacity="1.00"') == int(one.x.sum()) + 1  # the first of P


def test_heads_have_an_arc_for_each_weight_and_a_bar_for_each_mean():
    weights = np.array([[0.5, 0.1, 0.4]]), np.array([[0.9, 0.1, 0], [0.1, 0.8, 0.1]])
    panels = {"one": (weights[0], [1, 1]), "two": (weights[1], [1, 2])}
    drawn = looking.heads(["a=1", "b=2", "a b?"], panels, [1, 2], "t")
    widths = re.findall(r'<path[^>]*stroke-width="([\d.]+)"', drawn.markup)
    expected = [looking.THICK * w for one in weights for row in one for w in row]
    assert sorted(map(float, widths)) == pytest.approx(sorted(expected), abs=0.06)
    bows = np.array(widths[-4:], float)  # of two heads, behind their loops
    assert (np.diff(bows) >= 0).all()  # a thin one never lies on a thick one
    bars = re.findall(r'<rect[^>]*width="([\d.]+)"[^>]*height="24', drawn.markup)
    shares = [w for one in weights for row in one for w in row]
    assert [float(w) / 198 for w in bars] == pytest.approx(shares, abs=0.006)
    for words in ("0.50 of 1", "0.40 of a b?", "0.90 of 1", "0.80 of 2"):
        assert f">{words}<" in drawn.markup
    assert "0.10 of" not in drawn.markup  # too short for words
    assert ">one: says 1 ✓ and 1 ✗<" in drawn.markup
    assert ">two: says 1 ✓ and 2 ✓<" in drawn.markup
    assert "head 2 looks most at b=2" in drawn.markup
    check_words(drawn.markup, 0.55, above=10)


def test_each_head_has_its_block_of_the_keys_and_of_the_query():
    words = ["stones", "break", "cups", "because", "they"]
    weights = np.array([[0.5, 0, 0.4, 0, 0.1]]), np.array([[0.9, 0, 0, 0, 0.1], [0, 0, 1, 0, 0]])
    entries = np.zeros((6, 4))
    entries[0, [0, 2]] = entries[2, [1, 3]] = 1
    entries[5] = 6, 5, 7, 8
    panels = {name: (of, []) for name, of in zip(("one", "a pair"), weights, strict=True)}
    drawn = looking.heads(words, panels, [], "t", entries)
    for whole in ("1 0 1 0", "0 1 0 1", "6 5 7 8"):
        assert drawn.markup.count(f">{whole}<") == 1
    for half, times in {"1 0": 2, "0 1": 2, "6 5": 1, "7 8": 1, "0 0": 6}.items():
        assert drawn.markup.count(f">{half}<") == times
    assert drawn.markup.count("stroke-dasharray") == len(words) + 1  # cuts
    assert ">a pair<" in drawn.markup and "says" not in drawn.markup
    check_words(drawn.markup, 0.55, above=10)


def test_two_heads_cut_attend_and_join_arrays_of_the_shapes_drawn():
    drawn = looking.joined(5, 4, "t").markup
    q = np.ones((5, 4))
    both = [dot_product_attention(*[half] * 3) for half in np.split(q, 2, axis=1)]
    for name, shape in (("Y", both[0][0].shape), ("P", both[0][1].shape)):
        assert drawn.count(f">{shape[0]} × {shape[1]}<") == 2, name
        assert f">{name}₁<" in drawn and f">{name}₂<" in drawn
    assert np.hstack([y for y, _ in both]).shape == q.shape
    assert drawn.count(">5 × 4<") == 2 and ">each 5 × 4, its halves 5 × 2<" in drawn
    assert ">4 × 4 and 4<" in drawn  # W_o and b_o
    assert ">softmax(Q₁K₁ᵀ/√2)<" in drawn
    check_words(drawn, 0.55)


def test_masked_cells_are_hatched_and_the_others_have_their_weights():
    rows = {"free": (np.array([0.2, 0.3, 0.5]), None), "late": (np.array([0.2, 0.3, 0.0]), 1)}
    drawn = looking.masks(["a=1", "b?", "b=2"], 1, rows, "t")
    assert drawn.markup.count("url(#bp-masked)") == 1
    assert drawn.markup.count(">0.50<") == 2 and ">1.00<" in drawn.markup  # a weight and a sum
    check_words(drawn.markup, 0.55)


def test_each_word_but_the_last_asks_for_the_next_one_which_is_hidden():
    drawn = looking.next_words(["x", "y", "z"], "t")
    assert drawn.markup.count("url(#bp-masked-next)") == 2 + 1
    frames = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*stroke-width="3"', drawn.markup)
    assert len(frames) == 2
    hidden = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)"[^>]*url\(#bp-masked-next', drawn.markup)
    corners = {(float(x) + 1.5, float(y) + 1.5) for x, y in hidden}
    assert {(float(x), float(y)) for x, y in frames} < corners
    assert "y reads x y and predicts z" in drawn.markup
    check_words(drawn.markup, 0.55)


def in_blocks():
    """Return the values, the output and the log-sum of the query by hand, and its weights."""
    k = np.log([[1.0], [6.0], [3.0]])
    q, v = np.ones((1, 1)), np.array([[30.0], [10.0], [0.0]])
    y, log_sum = blockwise_attention(q, k, v, block=1)
    return v[:, 0], y.item(), log_sum.item(), np.exp(k[:, 0] - log_sum)


def test_the_running_sums_are_what_the_package_computes():
    drawn = looking.running("t").markup
    _, y, _, _ = in_blocks()
    shown = [f"y = 15 / (5/3) = {y:.0f}", "5/3", "15"]
    shown += ["× 1/6 + 10", "30", "× 1/6 + 1", "7/6", "+ 1/2 · 0", "+ 1/2"]
    for number in shown:
        assert f">{number}<" in drawn, number
    assert drawn.count(">ln 6<") == 3  # a score, and top from there on
    assert drawn.count(">rises<") == drawn.count(">stays<") == 1
    check_words(drawn, 0.55)


def test_the_errors_that_come_back_are_what_the_package_computes():
    drawn = looking.returned("t").markup
    v, y, log_sum, weights = in_blocks()
    dy = 2 * (y - looking.WANTED)
    differences = dy * v - dy * y
    shown = [f"{n + 0.0:g}" for n in (*weights, *(dy * v), *differences, *(weights * differences))]
    shown += [f"dy·y = {dy * y:.0f}", *(f"· {p:g} =" for p in weights)]
    assert np.exp(log_sum) == pytest.approx(10)
    assert ">log-sum = ln 10<" in drawn
    for number in shown:
        assert f">{number.replace('-', '−')}<" in drawn, number
    assert drawn.count(">−<") == 2 * len(v)
    check_words(drawn, 0.55)


def test_each_curve_of_the_match_has_its_name():
    curves = {"two": np.linspace(0.6, 0.95, 101), "one": np.linspace(0.6, 0.62, 101)}
    drawn = looking.both(curves, "t")
    for words in ("two", "one", "weight of the match", "training step", "1", "10", "100"):
        assert f">{words}<" in drawn.markup, words


def test_each_network_is_a_mark_in_two_plots_and_each_kind_has_its_name():
    errors, right = np.array([[0.02, 0.03], [0.004, 0.005]]), np.array([[70.0, 80], [50, 60]])
    one = looking.Widened(errors, right)
    two = looking.Widened(np.full((2, 2), 0.03), np.full((2, 2), 100.0))
    drawn = looking.widened({"not divided": one, "divided": two}, (16, 64), "t")
    for words in ("not divided", "divided", "16", "64", "width d", "right digits, %,"):
        assert f">{words}<" in drawn.markup, words
    alone = looking.widened({"divided": two}, (16, 64), "t")
    assert drawn.markup.count("<use") - alone.markup.count("<use") == 8


def test_a_straight_line_names_the_first_digit_and_none_the_second():
    at = np.array(looking.SHARES_OF_7)
    pairs = [(b, c) for b in (0, 1) for c in (0, 1)]
    np.testing.assert_allclose(at, [0.6 * b + 0.4 * c for b, c in pairs])
    wanted = {letter: np.sign(signs) for letter, signs in looking.SIGNS.items()}
    for k, letter in enumerate("bc"):
        assert wanted[letter].tolist() == [2 * pair[k] - 1 for pair in pairs]
    for slope in np.linspace(-5, 5, 41):
        for height in np.linspace(-5, 5, 41):
            assert (np.sign(height + slope * at) != wanted["c"]).any()
    drawn = {x: np.sign(np.interp(at, (0, 1), ends)) for x, ends in looking.STRAIGHT.items()}
    assert [(drawn[x] != wanted[x]).sum() for x in "bc"] == [0, 2]
    assert drawn["c"].tolist() == wanted["b"].tolist()
    signs, line = wanted["c"], np.interp(at, (0, 1), looking.STRAIGHT["c"])
    error = -signs / (1 + np.exp(signs * line))  # of the log loss, which is convex
    np.testing.assert_allclose([error.sum(), error @ at], 0, atol=1e-3)
    markup = looking.shares("t").markup
    for words in ("names 7", "b's digit: a line fits", "c's digit: no line fits"):
        assert f">{words}<" in markup.replace("&#x27;", "'"), words
