"""What the figures of "From momentum to Adam" draw is what the package's optimizers do."""

import itertools

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.figures import optimizing
from backprop.optimizers import SGD, Momentum


def test_a_walk_is_that_of_the_rule():
    H, theta, v = np.diag([1.0, 3.0, 5.0]), np.array([1.0, -2.0, 0.5]), np.zeros(3)
    places = optimizing.follow(Momentum, lambda x: x @ H, theta, 4, learning_rate=0.1, beta=0.7)
    for place in places:
        np.testing.assert_allclose(place, theta, rtol=1e-12)
        v = 0.7 * v + theta @ H
        theta = theta - 0.1 * v
    assert places.shape == (5, 3)


def test_turning_leaves_gradient_descent_and_momentum_alone():
    rows = {a: [run.last for run in optimizing.race(a)] for a in (0, 30)}
    names = [name for name, _, _ in optimizing.RACERS]
    for name, flat, turned in zip(names, *rows.values(), strict=True):
        if name in ("gradient descent", "momentum"):
            assert turned == pytest.approx(flat, rel=1e-6)
        elif name != "Lion":  # it hovers at every angle
            assert turned > 5 * flat
    assert np.allclose(optimizing.turn(30) @ optimizing.turn(-30), np.eye(2))


def test_frames_say_what_they_draw():
    frames = optimizing.races()
    assert len(frames) == len(optimizing.ANGLES)
    assert all("from 100 starts" in frame.caption for frame in frames)
    for name, _, _ in optimizing.RACERS:
        assert all(name in frame.svg for frame in frames)
    balls = optimizing.heavy_balls()
    assert "0.94 of itself and the steep one to 0.94" in balls[0].caption
    assert "from 129 to 0.62." in balls[0].caption and "to 2 · 10⁻⁷." in balls[4].caption
    far, near = optimizing.saddles()[0], optimizing.saddles()[-1]
    assert "19 steps (plain), 8 steps (momentum), 5 steps (Adam)" in far.caption
    assert "18 steps (Adam, 45°)" in far.caption and "82 steps (Adam, 45°)" in near.caption
    assert "139 steps (plain)" in near.caption and "0.000001" in near.svg
    assert all(len(frame.svg) < 150_000 for frame in frames)


def test_the_long_runs_continue_those_of_the_race():
    for degrees in (0, 45):
        H = optimizing.ravine(degrees)
        for losses, run in zip(
            optimizing.falls(degrees).values(), optimizing.race(degrees), strict=True
        ):
            assert len(losses) == optimizing.LONG + 1
            assert losses[optimizing.STEPS] == pytest.approx(run.last, rel=1e-6)
            assert losses[0] == pytest.approx(run.places[0] @ H @ run.places[0] / 2)
    drawing = optimizing.falling(
        {0: {"AdaGrad": (2, 1e-8), "Adam": (82, 1)}, 45: {"Adam": (82, 1)}}
    )
    assert drawing.markup.count(">Adam<") == 2 and drawing.markup.count(">AdaGrad<") == 1
    assert all(f"turned by {degrees}°" in drawing.markup for degrees in (0, 45))


def test_the_turned_saddle_is_the_same_surface():
    R = optimizing.turn(45)
    walk = optimizing.leave(2)["Adam, 45°"].places
    np.testing.assert_allclose(walk[0] @ R.T, (1, 0.01))
    np.testing.assert_allclose(np.abs(walk[1] - walk[0]), 0.1, rtol=1e-6)  # each parameter by η


def test_the_saddles_gradient():
    for place in np.random.default_rng(0).normal(size=(3, 2)):
        theirs = gradcheck.complex_step(
            lambda x: x[0] ** 2 / 2 - x[1] ** 2 / 2 + x[1] ** 4 / 4, place
        )
        np.testing.assert_allclose(optimizing.on_saddle(place), theirs, rtol=1e-12)


@pytest.mark.parametrize(("pull", "beta"), [(0.1, 0.0), (0.5, 0.3), (0.02, 0.9), (3.1, 0.6)])
def test_the_factor_is_the_larger_root(pull, beta):
    roots = np.roots([1, -(1 + beta - pull), beta])
    assert optimizing.factor(pull, beta) == pytest.approx(max(abs(roots)))


def test_the_best_rate_is_the_best():
    for beta, kappa in itertools.product((0.0, 0.2, 0.5, 0.9), (4.0, 30.0)):
        pulls = np.linspace(0, 2 * (1 + beta), 2001)[1:-1] / kappa
        both = np.maximum(optimizing.factor(pulls, beta), optimizing.factor(kappa * pulls, beta))
        assert optimizing.best_factor(beta, kappa) == pytest.approx(both.min(), abs=2e-3)
        assert optimizing.best_factor(beta, kappa) <= both.min() + 1e-9
    assert optimizing.measured_factor(0.3, 20) == pytest.approx(
        float(optimizing.best_factor(0.3, 20)), abs=5e-3
    )


def test_expected_best_by_listing_all_draws():
    losses = [0.5, 0.5, 2.0, 0.1]
    for n in (1, 2, 3):
        mean = np.mean([min(draw) for draw in itertools.product(losses, repeat=n)])
        found = optimizing.expected_best([losses, losses[::-1]], [n])
        assert found.shape == (2, 1)
        np.testing.assert_allclose(found, mean)


def test_no_best_rate_lies_at_the_end_of_those_tried():
    for degrees in (0, 45):
        rates = [run.rate for run in optimizing.race(degrees)]
        assert optimizing.TRIED[0] < min(rates) and max(rates) < optimizing.TRIED[-1]


def test_the_starts_lie_on_one_contour():
    starts = optimizing.starts()
    np.testing.assert_allclose(starts[0], optimizing.START)
    np.testing.assert_allclose((starts**2 @ [1, optimizing.KAPPA]) / 2, 129.35)


def test_the_frames_of_the_roots_say_where_they_lie():
    frames = dict(zip(optimizing.BETAS, optimizing.roots(), strict=True))
    assert "0.94 for the flat coordinate, and −0.94 for the steep" in frames[0.0].caption
    assert "the larger in size is −0.46: the walk zigzags" in frames[0.15].caption
    assert "circle of radius √β = 0.71" in frames[0.5].caption
    assert all(f">{meet}<" in frame.svg for frame in frames.values() for meet in ("0.15", "0.56"))
    for beta in (0.56, 0.9):
        for curvature in (1, optimizing.KAPPA):
            pair = np.roots([1, -(1 + beta - optimizing.PLAIN_BEST * curvature), beta])
            np.testing.assert_allclose(abs(pair), beta**0.5)
        assert f"Both pairs are complex and lie on the circle of radius √β = {beta**0.5:.2f}" in (
            frames[beta].caption
        )


def test_plots_name_their_curves():
    names = ("SGD", "Momentum", "RMSProp", "Adam", "Lion")
    runs = {name: np.ones((3, 4)) for name in names}
    heights = {name: 0.2 * k for k, name in enumerate(names, start=1)}
    drawn = optimizing.budgets("t", runs, [1, 2], heights, heights)
    assert all(drawn.markup.count(f">{name}<") == 1 for name in names)
    assert drawn.markup.count(">none<") == 1
    gaps = {name: [(0.0, -0.2, 0.1), (0.0, -0.1, 0.1)] for name in names[1:]}
    drawn = optimizing.differences("t", {"one": gaps, "two": gaps})
    assert all(drawn.markup.count(f">{name}<") == 2 for name in names[1:])


def test_the_races_losses_are_those_of_the_walks():
    for degrees in (0, 30):
        R = optimizing.turn(degrees)
        run = optimizing.race(degrees)[1]
        ends = []
        for start in optimizing.starts():
            walk = optimizing.follow(
                Momentum, lambda x, R=R: x @ R.T * [1, optimizing.KAPPA] @ R, start @ R,
                optimizing.STEPS, learning_rate=run.rate, beta=0.5,
            )  # fmt: skip
            ends.append((walk[-1] @ R.T) ** 2 @ [0.5, optimizing.KAPPA / 2])
        assert run.last == pytest.approx(np.median(ends), rel=1e-6)
        np.testing.assert_allclose(run.places[0], optimizing.starts()[0] @ R)
        assert len(run.places) == optimizing.STEPS + 1


def test_the_racers_begin_with_plain_descent():
    assert optimizing.RACERS[0][1] is SGD
