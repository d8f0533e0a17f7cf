"""What the figures of the chapter on schedules draw is what noisy descent does."""

import re
from fractions import Fraction

import numpy as np
import pytest

from backprop.book import top_rates
from backprop.book.figures import rates


def test_the_mean_square_follows_many_walks():
    plan = np.where(np.arange(100) < 5, 0.5, 0.02)
    theory = rates.mean_square(plan)
    met = (rates.walks(plan, 20_000, 0) ** 2).mean(axis=0)
    np.testing.assert_allclose(met, theory, rtol=0.06)
    assert theory[0] == rates.START**2 and len(theory) == 101


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
        whole, distance, noise, left = (
            float(Fraction(part)) for part in re.findall(r"\d+/\d+", frame.caption)
        )
        assert whole == pytest.approx(best, abs=1e-4) and left == pytest.approx(total.min())
        assert (distance, noise) == pytest.approx(((1 - whole) ** 2 / n, whole**2))
        assert f"from V = {rates.unit(n)}" in frame.svg


def test_drawings_are_small_and_name_their_parts():
    names = ("hero", "levels", "shapes", "tops", "batches")
    drawn = {name: getattr(rates, name)("title").markup for name in names}
    for words in ("small", "large", "falling"):
        assert f">{words}<" in drawn["hero"]
    for rate in rates.LEVELS:
        assert f">rate {rate}<" in drawn["levels"]
        assert f">floor {rates.floor(rate):.2g}<" in drawn["levels"]
    for name, (_, kind, _) in rates.SHAPES.items():
        assert f">{name}<" in drawn["shapes"] and f">{kind}<" in drawn["shapes"]
    assert all(f">{name}<" in drawn["tops"] for name in top_rates.SHAPES)
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
    losses = {k: np.linspace([0.2, 0.3], 0.4, 10).T for k in (0, 10, 40)}
    drawn = rates.warmed_up("title", (0.01, 0.1), losses).markup
    assert ">40 updates<" in drawn and ">no warm-up<" in drawn and ">0.01<" in drawn
