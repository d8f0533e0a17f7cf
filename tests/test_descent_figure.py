"""What the figures of "Gradient descent" draw is what plain gradient descent does."""

import re
from itertools import pairwise

import numpy as np
import pytest

from backprop.book.figures import descent


def test_a_walk_is_gradient_descent():
    theta, H = np.array([-10.0, 1.0]), np.diag([descent.FLAT, descent.STEEP])
    places = descent.walk(0.21, (descent.FLAT, descent.STEEP), theta, 20)
    for place in places:
        np.testing.assert_allclose(place, theta, rtol=1e-12)
        np.testing.assert_allclose(descent.height(place), theta @ H @ theta / 2, rtol=1e-12)
        theta = theta - 0.21 * theta @ H
    assert len(places) == 21


def test_the_ravine_says_where_the_loss_ends():
    markup = descent.ravine("title").markup
    ends = re.findall(r"loss 55 → ([\d.]+)", markup)
    assert ends == ["22", "0.019", "226"]
    for rate, end in zip(descent.THREE, ends, strict=True):
        last = descent.walk(rate, (descent.FLAT, descent.STEEP), descent.START, descent.STEPS)[-1]
        assert float(descent.height(last)) == pytest.approx(float(end), rel=0.03)


def test_the_parabolas_name_their_factors():
    markup = descent.parabolas("title").markup
    assert re.findall(r"times (−?[\d.]+)", markup) == ["0.6", "−0.6", "−1", "−1.4"]


def test_the_stepper_reports_the_steep_coordinate_and_the_loss():
    frames = dict(zip(descent.RATES, descent.rates(), strict=True))
    at_limit = frames[0.2].caption
    loss = "from 1 to 1, and the loss from 17.5 to 5.0"
    assert "steep one by −1" in at_limit and loss in at_limit
    for rate, frame in frames.items():
        end = float(frame.caption.rsplit(" ", 1)[1].rstrip("."))
        assert (end > 17.5) == (rate > 0.2)
        steep = 1 - rate * descent.STEEP
        assert f"steep one by {descent._plain(steep)}." in frame.caption
    assert "less than 0.001 in size" in frames[0.05].caption


def test_the_bent_walk_is_gradient_descent_and_settles_where_it_is_flatter():
    places = descent.bent_walk(0.35, (2.5, 0.5), 60)
    for (u, v), after in pairwise(places):
        np.testing.assert_allclose(after, [u - 0.35 * (u * v - 1) * v, v - 0.35 * (u * v - 1) * u])
    sums = (places**2).sum(axis=1)
    assert sums[0] > 2 / 0.35 > sums[-1] and places[-1].prod() == pytest.approx(1, abs=1e-3)
    markup = descent.bent("title").markup
    for words in ("flat enough", "too sharp", "start"):
        assert f">{words}<" in markup


def test_bands_show_the_median_and_small_drawings():
    runs = np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 9.0]])
    series = [
        descent.Band([0, 1], runs, "ten runs", (1, 5), 0, "-o"),
        descent.Band([0, 1], runs[:1], "one run", (1, 1), 3, "--"),
    ]
    drawn = descent.bands("title", "heading", series, [2], xlabel="step")
    assert "ten runs" in drawn.markup and "one run" in drawn.markup and "heading" in drawn.markup
    assert len(drawn.markup) < 100_000
    for draw in (descent.ravine, descent.parabolas, descent.bent):
        assert len(draw("title").markup) < 100_000


@pytest.mark.parametrize(
    ("value", "written"),
    [(226.4, "226"), (22.3, "22"), (0.0187, "0.019"), (5.0, "5.0"), (0, "0"), (-6.7275, "−6.7"),
     (1e-5, "less than 0.001 in size")],
)  # fmt: skip
def test_two_digits(value, written):
    assert descent._rounded(value) == written
