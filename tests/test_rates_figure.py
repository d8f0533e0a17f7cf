"""What the figures of the chapter on schedules draw is what noisy descent does."""

import numpy as np
import pytest

from backprop.book import top_rates
from backprop.book.figures import rates, ravine


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


def test_noise_scales_what_is_let_in_and_not_what_is_left():
    plan = [0.3, 0.2, 0.1]
    quiet, loud, none = (rates.mean_square(plan, 9, 0.5, noise)[-1] for noise in (1, 4, 0))
    assert loud - none == pytest.approx(4 * (quiet - none))
    assert none == pytest.approx(9 * np.prod(1 - 0.5 * np.array(plan)) ** 2)


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


def test_greedy_rates_follow_the_rule_at_any_curvature():
    V, lam = 100.0, 0.3
    for eta in rates.greedy(20, V, lam):
        assert eta == pytest.approx(lam * V / (lam**2 * V + 1))
        V = (1 - eta * lam) ** 2 * V + eta**2


def test_drawings_are_small_and_name_their_parts():
    names = ("hero", "levels", "directions", "shapes", "compared")
    drawn = {name: getattr(rates, name)("title").markup for name in names}
    for words in ("small, 0.02", "large, 0.32", "falling, from 0.32"):
        assert f">{words}<" in drawn["hero"]
    for words in ("best", "constant"):
        assert f">{words}<" in drawn["hero"]
    for words in ("1/t", "small", "large", "falling", "start left", "noise let in", "across it"):
        assert f">{words}<" in drawn["directions"]
    for words in ("143 + 2 + 0.5", "133 + 1 + 5", "22 + 68 + 95", "57 + 34 + 3"):
        assert f">{words}<" in drawn["directions"]
    for rate in rates.LEVELS:
        assert f">rate {rate}<" in drawn["levels"]
        assert f">floor {rates.floor(rate):.2g}<" in drawn["levels"]
    last = top_rates.stored().last
    for name in rates.planned():
        assert f">{name.rpartition('constant-')[2]}<" in drawn["shapes"]
    for name, losses in last.items():
        reached, constant = top_rates.at_best(losses), top_rates.at_best(last["constant"])
        words = f"{np.median(reached):.3f}"
        words += f" ({sum(reached < constant)})" if name != "constant" else ""
        assert f">{words}<" in drawn["shapes"]
    rows = ("1/t, batches of 2", "exponential, batches of 2", "cosine, batches of 32")
    for words in ("constant", *rows):
        assert f">{words}<" in drawn["compared"]
    assert max(map(len, drawn.values())) < 100_000


def test_the_ravine_has_the_plans_of_the_hero_and_the_best_one_across_it():
    found = rates.ravine_plans()
    assert set(found) == {"1/t", *top_rates.HERO}
    for words, (shape, highest) in top_rates.HERO.items():
        plan = [highest * top_rates.SHAPES[shape](t) for t in range(ravine.STEPS)]
        np.testing.assert_allclose(found[words], plan)
    across = [ravine.parts(list(plan), 1.0).steep for plan in found.values()]
    assert across[0] == min(across)
    np.testing.assert_allclose(1 / found["1/t"], np.arange(1, 1001) + 0.01)


def test_the_noise_that_is_left_came_in_when_the_figure_says():
    found = rates.ravine_plans()
    for plan, curvature in ((found["falling"], ravine.FLAT), (found["large"], ravine.STEEP)):
        left = rates.mean_square(plan, 0, curvature)[-1]
        for k in (1, 300, 990):  # noise of the first k steps alone, carried to the end
            early = rates.mean_square(plan[:k], 0, curvature)[-1]
            early *= np.prod((1 - plan[k:] * curvature) ** 2)
            assert rates.brought(plan, curvature)[k - 1] == pytest.approx(early / left, abs=1e-12)
    across = rates.brought(found["1/t"], ravine.STEEP)
    np.testing.assert_allclose(across, np.arange(1, 1001) / 1000)


def test_the_sums_are_those_of_the_chosen_runs():
    found = rates.sums()
    assert set(found) == set(top_rates.SHAPES)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert found["constant"] == pytest.approx(110) and found["cosine"] == pytest.approx(160.16)


def test_every_shape_has_its_top_rate_at_one():
    found = rates.planned()
    assert set(found) == {*top_rates.SHAPES, "warm-up", "plateau"}
    assert all(plan.max() == pytest.approx(1) for plan in found.values())


def test_a_plateau_lowers_the_rate_where_the_loss_stalls():
    plan = rates.plateau()
    levels = 0.02 / 2 * rates.mean_square(plan, 1000, 0.02)
    falls = np.flatnonzero(np.diff(plan)) + 1
    assert len(falls) == 3 and (falls % 25 == 0).all()
    np.testing.assert_allclose(plan[falls] / plan[falls - 1], 0.3)
    for t in falls:
        assert levels[t] > 0.97 * levels[: t - 24 : 25].min()


def test_range_tests_name_their_parts():
    curves = [np.ones(4), np.ones(5)]
    drawn = rates.range_tests(
        "title", np.geomspace(0.1, 1, 5), curves, 0.5, "best here", (0.2, 0.4)
    )
    assert ">best here<" in drawn.markup and ">to try first<" in drawn.markup
    assert ">0.6<" in drawn.markup  # the last rate of the shorter curve
