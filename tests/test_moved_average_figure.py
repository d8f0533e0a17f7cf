"""The figure of the two ways to move an average draws what they give."""

import re

import numpy as np
import pytest

from backprop.book.figures import moved_average
from backprop.book.figures.moved_average import Draws

DRAWS = Draws(np.random.default_rng(4).normal(size=16), 1.0, 0.5)


def slope(z):
    return 2 * z


def test_weights_are_the_ratio_of_the_densities():
    z, shift = DRAWS.slid(0.0), 0.3

    def density(mean):
        return np.exp(-((z - mean) ** 2) / (2 * 0.25)) / np.sqrt(2 * np.pi * 0.25)

    np.testing.assert_allclose(DRAWS.weights(shift), density(1.3) / density(1.0))
    np.testing.assert_allclose(DRAWS.weights(0.0), 1)


def test_the_averages_begin_to_rise_by_the_two_estimates():
    step = 1e-6
    up, down = (np.array(DRAWS.averages(np.square, shift)) for shift in (step, -step))
    np.testing.assert_allclose((up - down) / (2 * step), DRAWS.slopes(slope, np.square), rtol=1e-7)


def test_both_averages_are_right_for_many_draws():
    many = Draws(np.random.default_rng(0).normal(size=400_000), 1.0, 0.5)
    assert many.averages(np.square, 0.5) == pytest.approx((2.5, 2.5), abs=0.05)
    assert many.slopes(slope, np.square) == pytest.approx((2, 2), abs=0.03)


def test_the_frames_show_the_numbers():
    frames = moved_average.frames(DRAWS, [0.0, 0.1], "title")
    for frame, shift in zip(frames, (0.0, 0.1), strict=True):
        slid, weighted = DRAWS.averages(np.square, shift)
        assert f">line: average {slid:.2f}<" in frame.svg
        assert f">line: Σwf / 16 = {weighted:.2f}<" in frame.svg
        assert f"μ = {1 + shift:.1f}" in frame.svg
    first, second = frames
    assert "average 1.39" in first.caption and "is 1.25" in first.caption
    assert second.caption.count("0.2") == 2 and "and by 0.31 as" in second.caption
    assert len(frames[1].svg) < 12_000


def test_a_bar_is_as_high_as_its_weight_and_stays_inside():
    svg = moved_average.frames(DRAWS, [0.0, 0.4], "title")[1].svg
    bars = r'y1="([\d.]+)" x2="[\d.]+" y2="([\d.]+)" stroke="{}" stroke-width="3"'
    foot = moved_average.TOP + moved_average.HIGH
    for paint, weights in (("#009E73", np.ones(16)), ("#CC79A7", DRAWS.weights(0.4))):
        ends = np.array(re.findall(bars.format(paint), svg), dtype=float)
        np.testing.assert_allclose(ends[:, 0] - ends[:, 1], moved_average.ONE * weights, atol=0.11)
        assert ends[:, 1].min() > foot
