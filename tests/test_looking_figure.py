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
    # The median error at the scores stays with the factor, and dies without it.
    assert 0.5 < yes[0, 1] < 1 and 0.5 < yes[1, 1] < 1 and no[1, 1] < 0.1 < no[0, 1]
    # That at the query is larger without the factor, until it dies as well.
    assert no[0, 2] > yes[0, 2] and no[1, 2] < yes[1, 2]
    drawn = looking.scales((4, 256), {d: run[None] for d, run in found.items()}, "t")
    assert "at the scores, dS" in drawn.markup and "at the query, dQ" in drawn.markup


def test_what_reaches_the_scores_is_what_attention_sends():
    rng = np.random.default_rng(3)
    q, k = rng.normal(size=(100, 1, 4)), rng.normal(size=(100, 16, 4))
    v, dy = rng.normal(size=(100, 16, 8)), rng.normal(size=(100, 1, 8))
    for divided, factor in ((True, 1.0), (False, 2.0)):
        _, p = dot_product_attention(factor * q, k, v)
        dp = dy @ v.swapaxes(1, 2)
        ds = np.stack([(np.diag(a[0]) - np.outer(a, a)) @ b[0] for a, b in zip(p, dp, strict=True)])
        dq, _, _ = dot_product_attention_vjp(factor * q, k, v, p, dy)
        np.testing.assert_allclose(ds[:, None] @ k / 2, dq)
        (found,) = looking.saturation(3, (4,), divided)
        np.testing.assert_allclose(found[1], np.linalg.norm(ds, axis=-1))
        np.testing.assert_allclose(found[2], factor * np.linalg.norm(dq, axis=-1)[:, 0])


def test_each_start_is_a_dot():
    shares = [np.array([0.5, 0.6]), np.array([0.9, 1.0])]
    arms = {True: shares, False: shares}
    drawn = looking.widened((4, 256), {"wide start": arms, "small start": arms}, shares[1], "t")
    for words in ("wide start", "small start", "256", "not divided"):
        assert words in drawn.markup


def test_runs_and_levels_are_named():
    runs = {
        "one": np.array([[0.401, 0.2], [0.48, 0.22]]),
        "two": np.array([[1.0, 0.9], [1.0, 0.9]]),
    }
    drawn = looking.reached(runs, {"blind: 13 %": 0.125}, "t")
    for words in ("one", "40–48", "0.21", "100", "0.90", "blind: 13 %"):
        assert words in drawn.markup
