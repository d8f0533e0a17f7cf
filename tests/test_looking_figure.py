"""What the figures of "Attention" draw is what attention computes."""

import re

import numpy as np
import pytest

from backprop.book.figures import looking
from backprop.layers import dot_product_attention, dot_product_attention_vjp


@pytest.mark.parametrize("length", looking.LENGTHS)
def test_the_growing_query_attends_as_the_package(length):
    def point(degrees):
        return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]

    q = length * np.sqrt(2) * np.array([point(looking.ANGLE)])
    k, v = np.array([point(key) for key in looking.KEYS]), looking.VALUES[:, None]
    y, p = dot_product_attention(q, k, v)
    weights, answer, ds = looking.pointed(length)
    np.testing.assert_allclose(weights, p[0])
    assert answer == pytest.approx(y.item())
    dq, _, _ = dot_product_attention_vjp(q, k, v, p, y - looking.WANTED)
    np.testing.assert_allclose(ds @ k / np.sqrt(2), dq[0], atol=1e-12)
    np.testing.assert_allclose(looking.pushed(length), -np.sqrt(2) * dq[0], atol=1e-12)


def test_a_long_query_is_pushed_less():
    frames = dict(zip(looking.lengths(), looking.growing(), strict=True))
    assert ">26.8<" in frames["1"].svg and ">0.25<" in frames["5"].svg
    arrows = {at: frame.svg.count("<polygon") for at, frame in frames.items()}
    # Three keys, the query, and the pushes at three scores.
    assert arrows["1"] == 7 and arrows["5"] == 4


def test_frames_show_weights_that_sum_to_one():
    frames = looking.growing()
    assert len(frames) == len(looking.lengths()) == len(looking.LENGTHS)
    for frame in frames:
        shown = [float(n) for n in re.findall(r">(\d\.\d\d)<", frame.svg)][:3]
        assert len(shown) == 3 and sum(shown) == pytest.approx(1, abs=0.011)


def test_every_share_is_drawn():
    sizes = np.array([[4.0, 0.0, 0.0], [3.0, 1.0, 0.0], [2.0, 3.0, 5.0]])
    names, runs = ["a=1", "b=2", "b?"], {"one": [(0.125, sizes), (0.995, sizes.T)]}
    said = "Before.", "After."
    first, last = looking.gathering(names, np.array([1, 2]), {2: 1}, runs, said)
    assert first.caption == "12 % right. Before." and last.caption == "100 % right. After."
    assert first.svg.count("fill-opacity") == 6 and first.svg.count('rx="3"') == 1
    assert "one: 12 % right, b=2: 0.75, 0.25, 0.00" in first.svg and "one: 100 % right" in last.svg
    assert "b?: 0.00, 0.00, 1.00" in last.svg
    np.testing.assert_allclose(looking.shares(np.array([[1.0, 3.0]])), [[0.25, 0.75]])


def test_a_row_that_depends_on_nothing_is_empty():
    table = looking.shares(np.array([[0.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_array_equal(table, [[0, 0], [0, 1]])


def test_each_start_is_a_dot():
    shares = [np.array([0.7, 0.8]), np.array([0.9, 1.0])]
    rows = {spread: dict(zip((True, False), shares, strict=True)) for spread in ("8", "1", "0.2")}
    drawn = looking.started({"d = 64": rows, "d = 256": rows}, "t")
    for words in ("d = 64", "d = 256", "0.2", "not divided", "spread at the start"):
        assert words in drawn.markup


def test_runs_and_levels_are_named():
    runs = {
        "one": np.array([[0.401, 0.2], [0.48, 0.22]]),
        "two": np.array([[1.0, 0.9], [1.0, 0.9]]),
    }
    drawn = looking.reached(runs, {"blind: 13 %": 0.125}, "t")
    for words in ("one", "40–48", "0.21", "100", "0.90", "blind: 13 %"):
        assert words in drawn.markup
