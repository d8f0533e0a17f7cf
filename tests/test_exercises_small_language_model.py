"""The checkers of "A small language model": right answers in several forms, and wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import gradcheck
from backprop.book import alice, language
from backprop.book.exercises import small_language_model as ex
from backprop.layers import RotaryAttention

LN3 = math.log(3)
DA = -0.75 + 0.75 * LN3


def leaks(forward, x):
    before = forward(x)
    for t in range(1, x.shape[1]):
        moved = x.copy()
        moved[:, t] = (x[:, t] + 1) % before.shape[-1]
        if (forward(moved)[:, :t] != before[:, :t]).any():
            return True
    return False


def leaks_by_cutting(forward, x):
    whole = forward(x)
    changed = [(x + 1) % whole.shape[-1], (x + 2) % whole.shape[-1]]
    parts = [
        forward(np.concatenate([x[:, :t], other[:, t:]], axis=1))[:, :t]
        for other in changed
        for t in range(1, x.shape[1])
    ]
    return not all(np.allclose(part, whole[:, : part.shape[1]]) for part in parts)


def leaks_by_prefixes(forward, x):
    whole = forward(x).copy()
    return any((forward(x[:, :n]) != whole[:, :n]).any() for n in range(1, x.shape[1]))


def leaks_beyond(forward, x):
    longer = np.concatenate([x, x], axis=1)
    return leaks_by_prefixes(forward, longer)


def leaks_wrongly(what):
    def wrong(forward, x):
        z = forward(x)
        n = z.shape[-1]
        if what == "in place":
            x[:, -1] = (x[:, -1] + 1) % n
            return bool((forward(x)[:, :-1] != z[:, :-1]).any())
        found, last = [], x.shape[1] - 1
        for t in range(last + 1):
            moved = x.copy()
            moved[:, t] = (x[:, t] + 1) % n
            found.append((forward(moved) != z).any(axis=(0, 2)))
        found = np.array(found)
        other = forward((x + 1) % n) != z
        return {
            "always": True, "never": False, "none": None, "array": np.triu(found.T, 1),
            "itself": any(found[t, : t + 1].any() for t in range(last + 1)),
            "after": any(found[t, t:].any() for t in range(last + 1)),
            "first place": found[1:, 0].any(), "first letter": found[0, :0].any(),
            "last letter": found[last, :last].any(),
            "two before": any(found[t, : max(0, t - 1)].any() for t in range(last + 1)),
            "all at once": other[:, :0].any(),
            "raises": None if what != "raises" else found[last + 1],
        }[what]  # fmt: skip

    return wrong


def leaks_in_two(forward, x):
    """Compare the scores of the first two letters only: the end of the passage is not tried."""
    found = False
    for t in (1, 2):
        moved = x.copy()
        moved[:, t] = (x[:, t] + 1) % forward(x).shape[-1]
        found |= bool((forward(moved)[:, :t] != forward(x)[:, :t]).any())
    return found


def leaks_next_door(forward, x):
    """Compare only the score one place before the letter that changes."""
    found = False
    for t in range(1, x.shape[1]):
        moved = x.copy()
        moved[:, t] = (x[:, t] + 1) % forward(x).shape[-1]
        found |= bool((forward(moved)[:, t - 1] != forward(x)[:, t - 1]).any())
    return found


def leaks_in_a_part(forward, x):
    return not np.array_equal(forward(x[:, :2]), forward(x)[:, :2])


def tied(x, W, dz):
    dW = dz.T @ W[x]
    np.add.at(dW, x, dz @ W)
    return dW


def one_hot(x, W, dz):
    E = np.eye(len(W))[x]
    return (dz.T @ E @ W) + E.T @ dz @ W


def tied_wrongly(what):
    def wrong(x, W, dz):
        scores, enters = dz.T @ W[x], np.zeros(W.shape)
        np.add.at(enters, x, dz @ W)
        if what == "once":
            scores[x] += dz @ W
            return scores
        if what == "replaced":
            scores[x] = dz @ W
            return scores
        if what == "in place":
            W += 1
            return scores + enters
        return {
            "scores": scores, "input": enters, "mean": (scores + enters) / len(x),
            "sign": -scores - enters, "minus": scores - enters, "twice": 2 * scores,
            "transposed": (scores + enters).T, "none": None, "flat": (scores + enters).ravel(),
            "W": W + scores + enters,
        }[what]  # fmt: skip

    return wrong


def gated(x, W_g, W_u, W_o, dy):
    g, u = x @ W_g, x @ W_u
    a = np.maximum(g, 0)
    dh = dy @ W_o.T
    dg, du = dh * u * (g > 0), dh * a
    return dg @ W_g.T + du @ W_u.T, x.T @ dg, x.T @ du, (a * u).T @ dy


def gated_by_rows(x, W_g, W_u, W_o, dy):
    parts = [np.zeros_like(x), np.zeros_like(W_g), np.zeros_like(W_u), np.zeros_like(W_o)]
    for i in range(len(x)):
        for j in range(W_g.shape[1]):
            g, u = x[i] @ W_g[:, j], x[i] @ W_u[:, j]
            dh = W_o[j] @ dy[i]
            parts[3][j] += max(g, 0) * u * dy[i]
            if g > 0:
                parts[0][i] += dh * (u * W_g[:, j] + g * W_u[:, j])
                parts[1][:, j] += dh * u * x[i]
                parts[2][:, j] += dh * g * x[i]
    return parts


def gated_wrongly(what):
    def wrong(x, W_g, W_u, W_o, dy):
        g, u = x @ W_g, x @ W_u
        a, slope = np.maximum(g, 0), g > 0
        dh, h = dy @ W_o.T, np.maximum(g, 0) * u
        dg, du = dh * u * slope, dh * a
        if what == "no u":
            dg = dh * slope
        elif what == "no a":
            du = dh
        elif what == "no slope":
            dg = dh * u
        elif what == "g":
            du = dh * g
        elif what == "u open":
            du = dh * slope
        elif what in ("smooth slope", "smooth"):
            s = 1 / (1 + np.exp(-g))
            dg = dh * u * (s + g * s * (1 - s))
            if what == "smooth":
                du, h = dh * g * s, g * s * u
        elif what == "h of g":
            h = g * u
        elif what == "h is a":
            h = a
        elif what == "h is u":
            h = u
        elif what == "exchanged":
            dg, du = du, dg
        dx = dg @ W_g.T + du @ W_u.T
        if what == "gate alone":
            dx = dg @ W_g.T
        elif what == "signal alone":
            dx = du @ W_u.T
        parts = dx, x.T @ dg, x.T @ du, h.T @ dy
        if what == "sign":
            return [-part for part in parts]
        if what == "order":
            return parts[0], parts[2], parts[1], parts[3]
        if what == "three":
            return parts[1:]
        if what == "none":
            return None
        if what == "shape":
            return (*parts[:3], parts[3].T)
        if what == "mean":
            return [part / len(x) for part in parts]
        if what == "twice":
            return (*parts[:3], 2 * parts[3])
        return parts

    return wrong


RIGHT = {
    ex.check_bits: [(2, 4), (sp.Integer(2), 2**2.0), (Fraction(16, 8), math.exp(2 * math.log(2)))],
    ex.check_hand: [(DA, 0.75), (0.0740, Fraction(3, 4)),
                    (sp.Rational(3, 4) * (sp.log(3) - 1), 3 / 4)],
    ex.check_turn: [(2, [1, -3]), (2.0, (sp.Integer(1), -3)), (Fraction(2), np.array([1.0, -3])),
                    (2, [[1, -3]]), (2, sp.Matrix([[1, -3]])), (2, np.array([[1], [-3]]))],
    ex.check_leaks: [(leaks,), (leaks_by_cutting,), (leaks_by_prefixes,), (leaks_beyond,)],
    ex.check_tied: [(tied,), (one_hot,)],
    ex.check_pages: [(1.79, 3.42), (np.float64(1.92), Fraction(334, 100)), (1.7, 3.5)],
    ex.check_gated: [(gated,), (gated_by_rows,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_bits: [
        ((16, 4), "Divide by 8"), ((1.386, 4), "base 2"), ((-2, 4), "positive"),
        ((1.608, 4), "averaged"), ((2.333, 4), "weighed alike"), ((0.25, 4), "has ¼"),
        ((0.328, 4), "log2"), ((8, 4), "average"), ((1, 4), "½ only"), ((4, 4), "perplexity"),
        ((3, 4), "½ has 1 bit"), ((2, 7.389), "base is 2"), ((2, 2), "power"),
        ((2, 0.25), "inverse"), ((2, 8), "no power"), ((2, 65536), "whole text"),
        ((2, None), "None"), ((2,), "2 answers"),
    ],
    ex.check_hand: [
        ((-0.75, 0.75), "score alone"), ((0.824, 0.75), "input alone"),
        ((-0.0247, 0.75), "goes on with a"), ((-DA, 0.75), "downhill"),
        ((2.074, 0.75), "target"), ((-1.5, 0.75), "not that of the score"),
        ((-0.618, 0.75), "add up"), ((0.824 + 0.0000, 0.75), "input alone"),
        ((1.574, 0.75), "Subtract 1"), ((DA, -0.25), "goes on with a"),
        ((DA, -0.75), "did not come"),
        ((DA, 1.574), "vector of a"), ((DA, 0.824), "never read"), ((DA, 0), "gave a score"),
        ((DA, 0.25), "of a"), ((DA, DA), "vector of a"), ((DA, 3), "row of scores"),
        (("x", 0.75), "a number"), ((0.07, 0.75), "three or more"),
    ],
    ex.check_turn: [
        ((6, [1, -3]), "without turns"), ((-2, [1, -3]), "wrong way"),
        ((0, [1, -3]), "entry is left"),
        ((5.657, [1, -3]), "45°"), ((2.828, [1, -3]), "-45°"), ((1.414, [1, -3]), "√d"),
        ((-6, [1, -3]), "180°"), ((-4, [1, -3]), "Draw both"), ((4, [1, -3]), "Multiply"),
        ((2, [3, 1]), "turned query"), ((2, [-1, 3]), "not back"), ((2, [0, 2]), "turned query"),
        ((2, [1, 3]), "sign"), ((2, [-3, -1]), "180°"), ((2, [2.828, -1.414]), "45°"),
        ((2, [3, -1]), "change places"), ((2, 1), "shape"), ((2, [[3, 1]]), "turned query"),
        ((1, [1, -3]), "turned by 90°"),
    ],
    ex.check_leaks: [
        ((leaks_wrongly("always"),), "before t only"), ((leaks_wrongly("never"),), "late letter"),
        ((leaks_wrongly("itself"),), "before t only"),
        ((leaks_wrongly("after"),), "before t only"),
        ((leaks_wrongly("first place"),), "in turn"),
        ((leaks_wrongly("first letter"),), "late letter"),
        ((leaks_wrongly("last letter"),), "in turn"),
        ((leaks_wrongly("two before"),), "that you change"),
        ((leaks_wrongly("all at once"),), "late letter"),
        ((leaks_wrongly("in place"),), "in place"), ((leaks_wrongly("none"),), "return"),
        ((leaks_wrongly("array"),), "shape"), ((leaks_wrongly("raises"),), "IndexError"),
        ((leaks_in_two,), "to the end"), ((leaks_in_a_part,), "to the end"),
        ((leaks_next_door,), "two places before"), ((lambda forward, x: True,), "never calls"),
        ((lambda forward, x: False,), "never calls"),
        ((lambda x: True,), "2 arguments"), ((True,), "function itself"),
    ],
    ex.check_tied: [
        ((tied_wrongly("scores"),), "scores alone"), ((tied_wrongly("input"),), "input alone"),
        ((tied_wrongly("once"),), "np.add.at"), ((tied_wrongly("replaced"),), "replaced"),
        ((tied_wrongly("mean"),), "mean"), ((tied_wrongly("sign"),), "signs"),
        ((tied_wrongly("minus"),), "add up"), ((tied_wrongly("twice"),), "not equal"),
        ((tied_wrongly("transposed"),), "transpose"), ((tied_wrongly("none"),), "return"),
        ((tied_wrongly("flat"),), "shape"), ((tied_wrongly("W"),), "each share alone"),
        ((tied_wrongly("in place"),), "in place"), ((lambda x, W: W,), "3 arguments"),
        ((np.ones((3, 2)),), "function itself"),
    ],
    ex.check_pages: [
        ((3.42, 1.79), "changed places"), ((1.24, 2.37), "nats"), ((2.69, 2.7), "all 1,000"),
        ((3.42, 3.42), "same 10,000"), ((6.7, 6.8), "all 1,000"), ((-1.79, -3.42), "log2"),
        ((1.79, 1.81), "validation"), ((1.79, 2.37), "nats"), ((1.79, 2.7), "new letters"),
        ((1.79, 10.7), "perplexity"), ((1.79, 0.3), "second is too small"),
        ((1.79, None), "two numbers"), ((1.79,), "2 answers"),
        (("low", "high"), "two numbers"), ((float("nan"), 3.4), "two numbers"),
    ],
    ex.check_gated: [
        ((gated_wrongly("no u"),), "dg has u"), ((gated_wrongly("no a"),), "du has φ(g)"),
        ((gated_wrongly("no slope"),), "negative"), ((gated_wrongly("g"),), "not by relu"),
        ((gated_wrongly("h of g"),), "Not g itself"), ((gated_wrongly("h is a"),), "all of h"),
        ((gated_wrongly("h is u"),), "all of h"), ((gated_wrongly("exchanged"),), "exchanged"),
        ((gated_wrongly("gate alone"),), "that of u"),
        ((gated_wrongly("signal alone"),), "the gate"),
        ((gated_wrongly("u open"),), "not 1"), ((gated_wrongly("smooth"),), "with the SiLU"),
        ((gated_wrongly("smooth slope"),), "slope of the SiLU"), ((gated_wrongly("mean"),), "mean"),
        ((gated_wrongly("sign"),), "signs"), ((gated_wrongly("three"),), "four"),
        ((gated_wrongly("order"),), "dx, dW_g, dW_u, dW_o"),
        ((gated_wrongly("none"),), "return"), ((gated_wrongly("shape"),), "dW_o has shape"),
        ((gated_wrongly("twice"),), "Part by part"), ((lambda x: x,), "5 arguments"),
        ((3,), "function itself"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


@pytest.mark.parametrize("check", [ex.check_hand, ex.check_turn])
def test_no_hint_writes_a_later_number_of_the_way_down(check):
    for answer, _ in WRONG_ANSWERS[check]:
        for said in both_hints(check, *answer):
            assert not any(part in said for part in ("(0, 2)", "(1, -3)", "-¾", "¾·", "¼ - 1"))


@pytest.mark.parametrize("check", [ex.check_tied, ex.check_gated])
def test_no_hint_for_an_unknown_mistake_is_the_whole_formula(check):
    for answer, _ in WRONG_ANSWERS[check]:
        _, second = both_hints(check, *answer)
        assert "dzᵀ" not in second and "dy W_oᵀ" not in second and "hᵀ" not in second


def test_the_expected_numbers_are_right():
    p = np.array([0.5] * 4 + [0.25] * 2 + [1 / 16] * 2)
    assert -np.log2(p).mean() == 2

    def loss(w):
        z = w[0] * w
        return np.log(np.exp(z).sum()) - z[0]

    np.testing.assert_allclose(
        gradcheck.complex_step(loss, np.array([1, 1 + LN3])), [DA, 0.75], rtol=1e-14
    )

    def turned(v, angle):
        c, s = np.cos(angle), np.sin(angle)
        return np.array([v[0] * c - v[1] * s, v[0] * s + v[1] * c])

    def score(q):
        place = np.pi / 4
        return turned(q, 9 * place) @ turned([3, 1], 7 * place)

    q = np.array([2.0, 0])
    assert score(q) == pytest.approx(2)
    np.testing.assert_allclose(gradcheck.complex_step(score, q), [1, -3], atol=1e-14)


def test_a_few_pages_are_learned_by_heart():
    data, s = alice.letters(), replace(language.SMALL, steps=1_000)
    part = data.train[:10_000]
    network = language.Training(s, 1, text=part).finish()
    assert ex.check_pages(
        *(language.bits(network, text, s.length) for text in (part, data.validation[:10_000]))
    )


def test_a_leak_is_found_in_the_model_of_the_chapter_without_its_mask():
    s = language.Settings(8, 2, 2, 6, length=5, batch=2, steps=1, rate=0.1, warmup=1)
    x = np.random.default_rng(1).integers(7, size=(2, 5))
    network = language.transformer(7, s, np.random.default_rng(0), np.float64)
    assert not leaks(network.forward, x)
    for _, layer in network.walk():
        if isinstance(layer, RotaryAttention):
            layer.causal = False
    assert leaks(network.forward, x)
