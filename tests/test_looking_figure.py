"""What the figures of "Attention" draw is what attention computes."""

import re

import numpy as np
import pytest

from backprop.book.figures import looking
from backprop.layers import dot_product_attention, dot_product_attention_vjp


@pytest.mark.parametrize("angle", looking.ANGLES)
def test_the_turned_query_attends_as_the_package(angle):
    def point(degrees):
        return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]

    q = looking.LONG * np.sqrt(2) * np.array([point(angle)])
    k, v = np.array([point(key) for key in looking.KEYS]), looking.VALUES[:, None]
    y, p = dot_product_attention(q, k, v)
    weights, answer, ds = looking.turned(angle)
    np.testing.assert_allclose(weights, p[0])
    assert answer == pytest.approx(y.item())
    dq, _, _ = dot_product_attention_vjp(q, k, v, p, y - looking.WANTED)
    np.testing.assert_allclose(ds @ k / np.sqrt(2), dq[0], atol=1e-12)
    np.testing.assert_allclose(looking.pushed(angle), -np.sqrt(2) * dq[0], atol=1e-12)


def test_a_query_is_pushed_along_an_arrow():
    frames = dict(zip(looking.directions(), looking.turning(), strict=True))
    assert "length 26.7" in frames["290°"].svg and "length 2.3" in frames["330°"].svg
    arrows = {at: frame.svg.count("<polygon") for at, frame in frames.items()}
    # Three keys, the query, its push, and those of two scores; at 270° the error is 0.
    assert arrows["290°"] == 7 and arrows["270°"] == 4 and arrows["330°"] == 4


def test_frames_show_weights_that_sum_to_one():
    frames = looking.turning()
    assert len(frames) == len(looking.directions()) == len(looking.ANGLES)
    for frame in frames:
        shown = [float(n) for n in re.findall(r">(\d\.\d\d)<", frame.svg)]
        assert len(shown) == 3 and sum(shown) == pytest.approx(1, abs=0.011)


def test_every_share_is_drawn():
    sizes = np.array([[4.0, 0.0, 0.0], [3.0, 1.0, 0.0], [2.0, 3.0, 5.0]])
    names, runs = ["a=1", "b=2", "b?"], {"one": [(0.125, sizes), (0.995, sizes.T)]}
    first, last = looking.gathering(names, np.array([1, 2]), {2: 1}, runs)
    assert first.svg.count("fill-opacity") == 6 and first.svg.count('rx="3"') == 1
    assert "one: 12 % right, b=2: 0.75, 0.25, 0.00" in first.svg and "one: 100 % right" in last.svg
    assert "b?: 0.00, 0.00, 1.00" in last.svg
    np.testing.assert_allclose(looking.shares(np.array([[1.0, 3.0]])), [[0.25, 0.75]])


def test_a_row_that_depends_on_nothing_is_empty():
    table = looking.shares(np.array([[0.0, 0.0], [0.0, 2.0]]))
    np.testing.assert_array_equal(table, [[0, 0], [0, 1]])


def test_division_keeps_the_scores_at_one():
    found = {d: looking.saturation(0, (4, 256), d) for d in (True, False)}
    deviation = {d: np.sqrt((of[:, 0] ** 2).mean(axis=-1)) for d, of in found.items()}
    np.testing.assert_allclose(deviation[True], 1, rtol=0.15)
    np.testing.assert_allclose(deviation[False], deviation[True] * [2, 16])
    yes, no = (np.median(found[d], axis=-1) for d in (True, False))
    # The median error at the queries is larger first, and then small, though the mean is large.
    assert yes[0, 2] < no[0, 2] and yes[1, 2] > no[1, 2]
    assert found[False][1, 2].mean() > 2 * found[True][1, 2].mean()
    drawn = looking.scales((4, 256), {d: run[None] for d, run in found.items()}, "t")
    assert "row of dQ" in drawn.markup


def test_what_reaches_the_query_is_what_attention_sends():
    rng = np.random.default_rng(3)
    q, k = rng.normal(size=(100, 1, 4)), rng.normal(size=(100, 16, 4))
    v, dy = rng.normal(size=(100, 16, 8)), rng.normal(size=(100, 1, 8))
    for divided, factor in ((True, 1.0), (False, 2.0)):
        _, p = dot_product_attention(factor * q, k, v)
        dq, _, _ = dot_product_attention_vjp(factor * q, k, v, p, dy)
        (found,) = looking.saturation(3, (4,), divided)
        np.testing.assert_allclose(found[1], p.max(axis=-1)[:, 0])
        np.testing.assert_allclose(found[2], factor * np.linalg.norm(dq, axis=-1)[:, 0])


def test_runs_and_levels_are_named():
    runs = {
        "one": np.array([[0.401, 0.2], [0.48, 0.22]]),
        "two": np.array([[1.0, 0.9], [1.0, 0.9]]),
    }
    drawn = looking.reached(runs, {"blind: 13 %": 0.125}, "t")
    for words in ("one", "40–48", "0.21", "100", "0.90", "blind: 13 %"):
        assert words in drawn.markup
