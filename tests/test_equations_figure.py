"""The figures of the chapter on implicit derivatives show what was computed."""

import re

import numpy as np
import pytest

from backprop.book.figures import equations


def test_iterates_and_their_derivatives():
    for theta in (0.75, -1.25):
        x, slopes = equations.iterated(theta, 8)
        above, below = (equations.iterated(theta + h, 8)[0] for h in (1e-6, -1e-6))
        np.testing.assert_allclose((np.array(above) - below) / 2e-6, slopes, atol=1e-8)
        assert x[3] == equations.f(equations.f(equations.f(0, theta), theta), theta)


def test_the_hero_shows_the_numbers_of_the_text():
    markup = equations.hero("title").markup
    for words in ("0.75", "0.89", "dx = dθ + ½ dx = 2 dθ"):
        assert f">{words}<" in markup
    xs, _ = equations.iterated(0.75, 2)
    assert xs[1] == 0.75 and round(xs[2], 2) == 0.89


def test_each_frame_says_what_the_two_ways_give():
    frames, thetas = equations.frames(), equations.thetas()
    assert len(frames) == len(thetas) == len(equations.settings()) == 10
    assert "−1.25" in equations.settings()
    for theta, frame in zip(thetas[:8], frames, strict=False):
        x = 2 - 2 * np.sqrt(1 - theta)
        assert equations.f(x, theta) == pytest.approx(x)
        words = frame.caption.replace("12 steps", "").replace("−", "-")
        slope, unrolled, early, exact = map(float, re.findall(r"-?\d+(?:\.\d+)?", words))
        assert slope == pytest.approx(x / 2, abs=5e-3)
        assert exact == pytest.approx(1 / (1 - x / 2), abs=5e-4)
        xs, slopes = equations.iterated(theta, 12)
        assert unrolled == pytest.approx(slopes[-1], abs=5e-4)
        assert early == pytest.approx(1 / (1 - xs[-1] / 2), abs=5e-4)
    assert "no number solves" in frames[8].caption and "Nothing solves" in frames[9].caption


@pytest.mark.parametrize("log_x", [False, True])
def test_panels_have_bands_bars_and_names(log_x):
    x = np.array([1.0, 2.0, 4.0])
    runs = np.outer([1, 2, 3], 10.0 ** -np.arange(3))
    shown = [
        equations.Panel("head", "label", {"a line": (x, runs, "C0-"), "": (x, runs[0], "k:")},
                        {"a line": (1, 1)}, (1e-4, 10), log_x),
        equations.Panel("bars", "label", {"b": (x, runs, "C1o-")}, {}, (0.1, 4), log_x, (1, 2, 4),
                        bars=True),
    ]  # fmt: skip
    markup = equations.panels(shown, "title").markup
    for words in ("a line", "head", "bars", "label"):
        assert words in markup
    assert len(markup) < 100_000


def test_panels_with_one_span_share_its_numbers_and_a_span_across_0_is_not_logarithmic():
    def drawn(*spans):
        line = {"": (np.arange(3), np.arange(3.0), "C0-")}
        return equations.panels([equations.Panel("", "", line, {}, s) for s in spans], "t").markup

    once, twice = drawn((0.0, 4.0), (0.0, 4.0)), drawn((0.0, 4.0), (0.0, 4.1))
    assert once.count("<text") < twice.count("<text")
    assert ">4</text>" in drawn((-1.0, 4.1))


def test_the_equation_at_an_iterate_is_never_further_off_than_unrolling():
    for theta in equations.thetas()[:8]:
        xs, slopes = equations.iterated(theta, equations.STEPS)
        exact = 1 / np.sqrt(1 - theta)
        early = np.abs(np.array(equations.by_equation(xs)) - exact)
        assert (early <= np.abs(np.array(slopes) - exact) + 1e-12).all()
