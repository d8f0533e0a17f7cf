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


def test_all_searches_of_the_hero_end_at_its_crossing():
    for start in (0.0, 2.3):
        assert equations.iterated(0.75, 60, start)[0][-1] == pytest.approx(1, abs=1e-9)
    steps = equations.newton(0.75, 6, -1)
    assert steps[1] == pytest.approx(1 / 3) and steps[-1] == pytest.approx(1, abs=1e-12)
    markup = equations.hero("title").markup
    for words in ("from 0", "from 2.3", "Newton, from −1", "dx = dθ + ½ dx = 2 dθ"):
        assert f">{words}<" in markup


@pytest.mark.parametrize("m", equations.SLOPES)
def test_the_blocks_fill_what_the_equation_says(m):
    theta = 1 - (1 - m) ** 2
    assert equations.f(2 * m, theta) == pytest.approx(2 * m)
    assert sum(equations.shares(m, 4000)) == pytest.approx(1 / (1 - m))
    ten = sum(equations.shares(m, equations.TERMS))
    assert ten == pytest.approx((1 - m**10) / (1 - m))
    frame = equations.filling(m)
    for words in (f"first ten terms: {ten:.4g}", f"θ = {theta:.12g}", f"m = {m:g}"):
        assert f"{words}<" in frame.svg
    sign = "≈" if m == 0.7 else "="
    assert f"1 + m + m² + … {sign} {1 / (1 - m):.3g}<" in frame.svg
    assert frame.caption == f"Ten terms make up {1 - m**10:.1%} of the sum."


def test_the_way_back_passes_the_search():
    markup = equations.recipe("title").markup
    said = re.sub("</?tspan[^>]*>", "", markup)
    for words in ("any search,", "u Fxᵀ = v", "∂L/∂θ = −u Fθᵀ", "v = ∂L/∂x"):
        assert f">{words}<" in said


def test_the_loop_is_at_rest_forward_and_backward():
    h, U, u = 0.6, 0.5, 1.0
    assert np.tanh(0.393 + U * h) == pytest.approx(h, abs=5e-4)
    assert 0.68 + (1 - h * h) * U * u == pytest.approx(u)
    markup = equations.loop("title").markup
    for words in ("h = 0.6", "v = 0.68", "u = 1", "δ = 0.64", "0.68 + 0.32 = 1"):
        assert f">{words}<" in markup


def test_the_penalty_shows_its_slope():
    s = np.linspace(-2, 2, 5)
    markup = equations.penalty(s, s**2, (-1.0, 1.0, -2.0), -2 + 0.5 ** np.arange(9), "t").markup
    for words in ("unrolled", "equation", "−2.000", "steps of descent"):
        assert words in markup
    assert len(markup) < 100_000


def test_the_path_is_that_of_euler_and_its_adjoint():
    x = [1.0]
    for _ in range(2):
        x.append(x[-1] + 0.5 * -x[-1])
    u = [1.0]
    for _ in range(2):
        u.append(u[-1] + 0.5 * u[-1] * -1)
    assert x == u == [1, 0.5, 0.25]
    assert 0.5 * u[1] * -x[0] + 0.5 * u[0] * -x[1] == -0.5

    def end(theta):
        return (1 - theta / 2) ** 2

    assert (end(1 + 1e-6) - end(1 - 1e-6)) / 2e-6 == pytest.approx(-0.5)
    markup = equations.path("title").markup
    labels = re.findall(r">([xu][₀₁₂] = [^<]+)<", markup)
    assert markup.count(">Δt · u") == 2 and ">Δt = ½<" in markup
    assert sorted(labels) == ["u₀ = ¼", "u₁ = ½", "u₂ = 1", "x₀ = 1", "x₁ = ½", "x₂ = ¼"]
