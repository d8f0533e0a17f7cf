"""What the figures of the chapter on schedules draw is what noisy descent does."""

import re
from fractions import Fraction

import numpy as np
import pytest

from backprop.book.figures import rates


def test_the_mean_square_follows_many_walks():
    plan = np.where(np.arange(100) < 5, 0.5, 0.02)
    theory = rates.mean_square(plan)
    met = (rates.walks(plan, 20_000, 0) ** 2).mean(axis=0)
    np.testing.assert_allclose(met, theory, rtol=0.06)
    assert theory[0] == rates.START**2 and len(theory) == 101


def test_a_curvature_scales_the_steps():
    V, found = 9.0, rates.mean_square([0.3, 0.2], 9, 0.5)
    for rate, after in zip((0.3, 0.2), found[1:], strict=True):
        V = (1 - rate * 0.5) ** 2 * V + rate**2
        assert after == pytest.approx(V)
    both = rates.mean_square(np.outer([0.3, 0.2], [1, 2]), 9, 0.5)
    np.testing.assert_allclose(both[:, 0], found)
    np.testing.assert_allclose(both[:, 1], rates.mean_square([0.6, 0.4], 9, 0.5))


def test_a_tuned_shape_ends_lowest_at_its_top_rate():
    shape = rates.plan("linear")
    top, losses = rates.tuned(shape)
    for factor in (1, 0.95, 1.05):
        ends = [lam / 2 * rates.mean_square(factor * top * shape, rates.FAR, lam)[-1]
                for lam in rates.RAVINE]  # fmt: skip
        if factor == 1:
            np.testing.assert_allclose(ends, losses[:, -1])
        else:
            assert sum(ends) > losses[:, -1].sum()


def test_the_order_of_the_shapes_turns_round_with_a_flat_direction():
    ends = {
        curvatures: [rates.tuned(rates.plan(name), curvatures)[1][:, -1].sum()
                     for name in ("1/t", "cosine", "constant")]
        for curvatures in (rates.RAVINE, rates.RAVINE[1:])
    }  # fmt: skip
    assert np.argsort(ends[rates.RAVINE]).tolist() == [1, 0, 2]
    assert np.argsort(ends[rates.RAVINE[1:]]).tolist() == [0, 1, 2]


def test_the_shapes_of_the_ravine_fall_from_one():
    for name in rates.OF_THE_RAVINE:
        shape = rates.plan(name)
        assert shape[0] == 1 and (np.diff(shape) <= 0).all() and shape.min() > 0
    late = rates.plan("constant-then-decay")
    assert (late[:801] == 1).all() and late[900] == pytest.approx(0.5)


def test_the_parts_of_a_shape_are_the_start_without_noise_and_the_noise_without_start():
    flat, steep = rates.RAVINE
    for name in rates.OF_THE_RAVINE:
        plan, start, noise, last = found = rates.parts(name)
        only = flat / 2 * rates.mean_square(plan, 0.0, flat)[-1]
        both = flat / 2 * rates.mean_square(plan, rates.FAR, flat)[-1]
        assert noise == pytest.approx(only) and start == pytest.approx(both - only)
        assert last == pytest.approx(steep / 2 * rates.mean_square(plan, rates.FAR, steep)[-1])
        assert found.total == pytest.approx(rates.tuned(rates.plan(name))[1][:, -1].sum())


def test_a_level_rate_that_falls_late_has_the_larger_sum_and_the_smaller_sum_of_squares():
    cosine, late = (rates.parts(name) for name in ("cosine", "constant-then-decay"))
    assert late.rates.sum() > cosine.rates.sum() and late.start < cosine.start
    assert (late.rates**2).sum() < (cosine.rates**2).sum() and late.noise < cosine.noise
    assert late.steep > cosine.steep and late.total < cosine.total


@pytest.mark.parametrize("rate", [0.01, 0.5, 1.5])
def test_a_constant_rate_levels_off_at_the_floor(rate):
    last = rates.mean_square([rate] * 2000)[-1] / 2
    assert last == pytest.approx(rates.floor(rate), rel=1e-9)


def test_each_greedy_rate_is_the_best_for_its_step():
    plan = rates.greedy(30)
    levels = rates.mean_square(plan)
    for eta, V, left in zip(plan, levels, levels[1:], strict=False):
        for other in (0.98 * eta, 1.02 * eta):
            assert (1 - other) ** 2 * V + other**2 > left
    np.testing.assert_allclose(1 / levels, 1 / 16 + np.arange(31))


def test_each_choice_is_the_lowest_point_of_its_two_parts():
    eta = np.linspace(0, 1, 10_001)
    for n, frame in zip(rates.SQUARES, rates.choices(), strict=True):
        total = (1 - eta) ** 2 / n + eta**2
        best = eta[total.argmin()]
        assert best == pytest.approx(1 / (n + 1), abs=1e-4)
        parts = [float(Fraction(part)) for part in re.findall(r"\d+/\d+", frame.caption)]
        whole, kept, noise, left = (parts[k] for k in (0, 1, -2, -1))
        assert whole == pytest.approx(best, abs=1e-4) and left == pytest.approx(total.min())
        assert (kept, noise) == pytest.approx(((1 - whole) ** 2, whole**2))
        assert len(parts) == 5 - (n == 1) and parts[-3] == pytest.approx(kept / n)
        assert f"from V = {rates.unit(n)}" in frame.svg


def test_drawings_are_small_and_name_their_parts():
    names = ("hero", "levels", "shapes", "ravine", "tops")
    drawn = {name: getattr(rates, name)("title").markup for name in names}
    for words in ("small, 0.02", "large, 0.32", "falling, from 0.32"):
        assert f">{words}<" in drawn["hero"]
    for rate in rates.LEVELS:
        assert f">rate {rate}<" in drawn["levels"]
        assert f">floor {rates.floor(rate):.2g}<" in drawn["levels"]
    for name, (_, kind, _) in rates.SHAPES.items():
        assert f">{name}<" in drawn["shapes"]
        assert (f">{kind}<" in drawn["shapes"]) is (kind != "function")
    for name in ("constant", "1/t", "cosine"):
        assert f">{name}<" in drawn["tops"]
    for name in rates.OF_THE_RAVINE:
        found = rates.parts(name)
        for value in (found.start, found.noise, found.steep, found.total):
            assert f">{1000 * value:.0f}<" in drawn["ravine"]
        assert f">{name}<" in drawn["ravine"]
        assert f">Ση = {found.rates.sum():.0f}<" in drawn["ravine"]
        assert f">Ση² = {(found.rates**2).sum():.0f}<" in drawn["ravine"]
    assert max(map(len, drawn.values())) < 100_000


def test_the_drawn_plateau_falls_by_the_factor_of_its_schedule():
    plan, rule = rates.planned("plateau"), rates.SHAPES["plateau"][0]
    assert plan.shape == (100,)
    np.testing.assert_allclose(np.unique(plan)[::-1], rule.factor ** np.arange(3))
    assert (np.diff(plan) <= 0).all()


def test_every_shape_has_the_class_that_is_named_beside_it():
    for name, (rule, kind, _) in rates.SHAPES.items():
        assert type(rule).__name__ == kind and rates.planned(name).max() == pytest.approx(1)


def test_range_tests_and_warm_up_name_their_parts():
    curves = [np.ones(4), np.ones(5)]
    drawn = rates.range_tests("title", np.geomspace(0.1, 1, 5), curves, 0.5, "best here").markup
    assert ">best here<" in drawn
    losses = {k: np.linspace([0.2, 0.3], 0.4, 10).T for k in (0, 10)}
    first = {k: np.ones((10, 5)) for k in losses}
    drawn = rates.warmed_up("title", (0.01, 0.1), losses, first).markup
    assert ">10 updates of warm-up<" in drawn and ">no warm-up<" in drawn and ">0.01<" in drawn
    assert ">loss of the batch, top rate 0.1<" in drawn
