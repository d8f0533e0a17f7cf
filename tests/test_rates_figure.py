"""What the figures of the chapter on schedules draw is what noisy descent does."""

import re
from fractions import Fraction

import numpy as np
import pytest

from backprop.book.figures import rates


def test_the_mean_square_follows_many_walks():
    plan = rates.dropped(5)
    theory = rates.mean_square(plan)
    met = (rates.walks(plan, 20_000, 0) ** 2).mean(axis=0)
    np.testing.assert_allclose(met, theory, rtol=0.06)
    assert theory[0] == rates.START**2 and len(theory) == rates.STEPS + 1


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


def test_the_stepper_says_where_each_run_ends():
    frames = dict(zip(rates.DROPS, rates.drops(), strict=True))
    assert "5 steps at the rate 0.5, then 95 at 0.02" in frames[5].caption
    for step, frame in frames.items():
        end = float(frame.caption.rsplit(" ", 1)[1].rstrip("."))
        loss = rates.mean_square(rates.dropped(step))[-1] / 2
        assert end == pytest.approx(loss, rel=0.06)


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


def test_the_table_of_trials_says_what_was_trained_and_how_it_ended():
    constant, cosine = np.array([1.0, 1.0, 2.0]), np.array([0.9, 1.1, 1.0])
    row = rates.Trial(160, 2000, (0.16, 0.64), (constant, cosine))
    drawn = rates.trials("title", {"odd labels": [row]}).markup
    for words in (
        "odd labels", "160 × 2,000", "rates 0.16 and 0.64", "10 %, 2", "1.00 → 1.00",
    ):  # fmt: skip
        assert f">{words}<" in drawn, words


def test_a_row_after_the_first_counts_the_starts_that_do_better():
    groups = {"at 0.1": {"bare": np.array([1.0, 2.0, 3.0]), "warmed": np.array([0.5, 0.7, 4.0])}}
    curves = {"without": np.full((2, 5), 2.0), "with": np.ones((2, 5))}
    drawn = rates.warmed_up("title", curves, groups).markup
    for words in ("at 0.1", "bare", "warmed", "without", "with", "2.00", "0.70"):
        assert f">{words}<" in drawn, words
    assert drawn.count(">2<") > drawn.count(">3<")


def test_drawings_are_small_and_name_their_parts():
    drawn = {name: getattr(rates, name)("title").markup for name in ("plans", "shapes")}
    assert "loss 8 → 0.17" in drawn["plans"]
    assert all((f">{name}<" in drawn["shapes"]) == (name != "constant") for name in rates.SHAPES)
    assert max(map(len, drawn.values())) < 100_000
    curves = {"some": [np.ones(4)], "others": [np.ones(5)]}
    drawn = rates.range_tests("title", np.geomspace(0.1, 1, 5), curves, {"here": (0.5, 1)}).markup
    assert all(f">{words}<" in drawn for words in ("some", "others", "here"))
