"""The figures of the chapter on implicit derivatives show what was computed."""

import numpy as np
import pytest

from backprop.book.figures import equations


def test_iterates_and_their_derivatives():
    for theta in (0.75, -1.25):
        x, slopes = equations.iterated(theta, 8)
        above, below = (equations.iterated(theta + h, 8)[0] for h in (1e-6, -1e-6))
        np.testing.assert_allclose((np.array(above) - below) / 2e-6, slopes, atol=1e-8)
        assert x[3] == equations.f(equations.f(equations.f(0, theta), theta), theta)


def test_all_searches_of_the_hero_end_at_its_crossing():
    assert equations.iterated(0.75, 60)[0][-1] == pytest.approx(1, abs=1e-9)
    steps = equations.newton(0.75, 6, -1)
    assert steps[1] == pytest.approx(1 / 3) and steps[-1] == pytest.approx(1, abs=1e-12)
    markup = equations.hero("title").markup
    for words in ("repeat, from 0", "Newton, from −1", "dx = dθ + ½ dx = 2 dθ"):
        assert f">{words}<" in markup


def test_the_loop_is_at_rest_forward_and_backward():
    h, U, u = 0.6, 0.5, 1.0
    assert np.tanh(0.393 + U * h) == pytest.approx(h, abs=5e-4)
    assert 0.68 + (1 - h * h) * U * u == pytest.approx(u)
    markup = equations.loop("title").markup
    for words in ("h = 0.6", "v = 0.68", "u = 1", "δ = 0.64", "0.68 + 0.32 = 1",
                  "0.64 · 0.5 · 1 = 0.32"):  # fmt: skip
        assert f">{words}<" in markup


def test_the_choices_count_the_splits_that_fall():
    found = {160: [(0.3, 0.2), (0.3, 0.25), (0.3, 0.4)], 40: [(0.3, 0.35), (0.25, 0.3)]}
    markup = equations.choices(found, "t").markup
    for words in ("160 people choose", "40 people choose", "lower in 2 of 3", "lower in 0 of 2"):
        assert markup.count(f">{words}<") == 1
    assert markup.count(">forty<") == 2 and len(markup) < 100_000


def test_two_gradients_close_up():
    apart = {"Euler": [0.1, 0.05, 0.025], "Kutta": [1e-3, 6e-5, 4e-6]}
    markup = equations.closing([4, 8, 16], apart, "t").markup
    for words in ("Euler", "Kutta", "8", "16", "steps from t = 0 to 1"):
        assert markup.count(f">{words}<") == 1
    assert len(markup) < 100_000
