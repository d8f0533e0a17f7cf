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
    slope = equations.iterated(theta, 10)[1][-1]
    assert slope < ten if m > 0 else frame.svg.count('stroke-width="4"') == 5
    for words in (f"first ten terms at the crossing: {ten:.4g}", f"θ = {theta:.12g}",
                  f"slope m = {m:g}", f"ten steps from 0: ẋ₁₀ ≈ {slope:.2f}"):  # fmt: skip
        assert f"{words}<".replace("= -", "= −") in frame.svg
    sign = "≈" if m in (-0.5, 0.7) else "="
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
    for words in ("h = 0.6", "v = 0.68", "u = 1", "δ = 0.64", "0.68 + 0.32 = 1",
                  "0.64 · 0.5 · 1 = 0.32"):  # fmt: skip
        assert f">{words}<" in markup


def test_the_penalty_shows_its_slope():
    s = np.linspace(-2, 2, 5)
    markup = equations.penalty(s, s**2, (-1.0, 1.0, -2.0), -2 + 0.5 ** np.arange(9), "t").markup
    for words in ("unrolled", "equation", "−2.000", "steps of descent"):
        assert words in markup
    assert len(markup) < 100_000


def test_the_descents_name_the_curves_that_part():
    runs = [[1e-2, 1e-4, 1e-6], [1e-2, 1e-5, 1e-8]]
    kinds = {"1 term": runs, "5 terms": runs, "equation": runs}
    markup = equations.descents({"all": kinds, "last": kinds}, 5, "t").markup
    for words in ("all three", "loss, all 8 units", "loss, the last unit", *kinds):
        assert markup.count(f">{words}<") == 1
    assert markup.count(">steps<") == 2 and len(markup) < 100_000


def test_the_path_is_that_of_euler_and_its_adjoint():
    x = [0.2]
    for _ in range(2):
        x.append(x[-1] + 0.5 * 2 * x[-1] * (1 - x[-1]))
    u = [1.0]
    for state in x[-2::-1]:
        u.append(u[-1] + 0.5 * u[-1] * 2 * (1 - 2 * state))
    np.testing.assert_allclose(x, [0.2, 0.36, 0.5904])
    np.testing.assert_allclose(u, [1, 1.28, 2.048])
    shares = [0.5 * u[1] * x[0] * (1 - x[0]), 0.5 * u[0] * x[1] * (1 - x[1])]
    np.testing.assert_allclose(shares, [0.1024, 0.1152])

    def end(theta):
        state = 0.2
        for _ in range(2):
            state += theta / 2 * state * (1 - state)
        return state

    assert (end(2 + 1e-6) - end(2 - 1e-6)) / 2e-6 == pytest.approx(sum(shares))
    markup = equations.path("title").markup
    labels = re.findall(r">([xu][₀₁₂] = [^<]+)<", markup)
    assert sorted(labels) == ["u₀ = 2.048", "u₁ = 1.28", "u₂ = 1",
                              "x₀ = 0.2", "x₁ = 0.36", "x₂ = 0.5904"]  # fmt: skip
    for words in ("Δt = ½", "· 1.6", "· 1.28", "step 1 adds ½ · 1.28 · 0.16 = 0.1024",
                  "step 2 adds ½ · 1 · 0.2304 = 0.1152",
                  "∂x₂/∂θ = 0.1024 + 0.1152 = 0.2176"):  # fmt: skip
        assert f">{words}<" in markup
