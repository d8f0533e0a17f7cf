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
    assert equations.iterated(0.75, 60)[0][-1] == pytest.approx(1, abs=1e-9)
    steps = equations.newton(0.75, 6, -1)
    assert steps[1] == pytest.approx(1 / 3) and steps[-1] == pytest.approx(1, abs=1e-12)
    markup = equations.hero("title").markup
    for words in ("repeat, from 0", "Newton, from −1", "dx = dθ + ½ dx = 2 dθ"):
        assert f">{words}<" in markup


def test_the_loop_is_at_rest_forward_and_backward():
    h, U, u = 0.6, 0.5, 2.5
    assert np.tanh(0.393 + U * h) == pytest.approx(h, abs=5e-4)
    assert 1.7 + (1 - h * h) * U * u == pytest.approx(u)
    markup = equations.loop("title").markup
    for words in ("h = 0.6", "v = 1.7", "u = 2.5", "δ = 1.6", "1.7 + 0.8 = 2.5",
                  "0.64 · 0.5 · 2.5 = 0.8"):  # fmt: skip
        assert f">{words}<" in markup


def test_the_four_systems_have_the_shapes_that_are_named():
    matrices = [np.array(equations._matrix(k)) for k in range(4)]
    for k, (case, unknown, _, words) in enumerate(equations.SYSTEMS):
        assert case.startswith(f"{k + 1} · ") and unknown.startswith("unknown: ")
        matrix = matrices[k]
        assert ("triangular" in words) == (np.triu(matrix, 1) == 0).all()
        assert ("full" in words) == (matrix > 0).all()
        assert ("symmetric" in words) == np.allclose(matrix, matrix.T)
        assert matrix.min() >= 0 and matrix.max() < 1
    # Within a layer, no activation reads another; between neighbours, each reads each.
    a, b, _ = equations.WIDTHS
    chain, band = matrices[0], matrices[3]
    assert (chain[a : a + b, :a] > 0).all() and (chain[a + b :, a : a + b] > 0).all()
    assert not chain[a + b :, :a].any()
    np.testing.assert_array_equal(chain[:a, :a] > 0, np.eye(a, dtype=bool))
    assert not np.tril(band, -2).any() and (np.diag(band, -1) > 0).all()
    markup = equations.systems("t").markup
    for row in equations.SYSTEMS:
        for words in row:
            assert f">{words}<" in markup


def test_all_three_ways_to_the_slopes_are_drawn():
    off = np.geomspace(1, 1e-6, 9).reshape(3, 1, 3).repeat(4, axis=1)
    markup = equations.arriving((0, 100, 1000), off, "title").markup
    assert markup.count("<use ") >= 3 * 3  # a mark for each way and number of steps


def test_the_path_is_that_of_euler_and_its_adjoint():
    x = [0.2]
    for _ in range(2):
        x.append(x[-1] + 0.5 * 2 * x[-1] * (1 - x[-1]))
    u = [1.0]
    for state in x[-2::-1]:
        u.append(u[-1] + 0.5 * u[-1] * 2 * (1 - 2 * state))
    np.testing.assert_allclose(x, [0.2, 0.36, 0.5904])
    np.testing.assert_allclose(u, [1, 1.28, 2.048])
    markup = equations.path("title").markup
    labels = re.findall(r">([xu][₀₁₂] = [^<]+)<", markup)
    assert sorted(labels) == ["u₀ = 2.048", "u₁ = 1.28", "u₂ = 1",
                              "x₀ = 0.2", "x₁ = 0.36", "x₂ = 0.5904"]  # fmt: skip
    for words in ("· (2 − 2x₀)", "· (2 − 2x₁)", "limit 1.42"):
        assert f">{words}<" in markup
