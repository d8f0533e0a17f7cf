"""The figures of gradient checking: their numbers, and that they draw."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.figures import checking

EPS = gradcheck.EPS


def test_steps_are_evenly_spaced_powers():
    assert np.allclose(checking.powers(-3, -1), [1e-3, 10**-2.5, 1e-2, 10**-1.5, 1e-1])


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_within_the_derived_bound(seed):
    x = checking.beside_two(seed)
    for h in checking.powers(-13, -1):
        error = checking.central_error(h, lambda t: 3 * t**2, x)
        assert error < 1.5 * (h**2 + 4 * EPS / h)
        wrong = checking.central_error(h, lambda t: 3 * t**2 - 0.001, x)
        assert wrong > 0.9e-3 or h < 1e-11


def test_the_complex_step_has_no_left_arm():
    x = checking.beside_two(0)
    assert max(checking.complex_error(h, x) for h in checking.powers(-15, -8)) < 1e-14
    assert checking.complex_error(0.1, x) == pytest.approx(0.01)


def test_float32_has_its_own_rounding():
    x = checking.beside_two(0, np.float32)
    at = checking.central_error(1e-5, lambda t: 3 * t**2, x)
    assert 0.1 < at / (4 * np.finfo(np.float32).eps / 1e-5) < 1.5


def test_they_draw():
    assert "wrong claim: a floor at 0.001" in checking.v_shape().markup
    errors = {name: np.full((3, 5), 1e-3) for name in checking.FLOORS}
    fewer = {name: errors[name] for name in ("GELU", "subtle bug")}
    panels = {"float64": errors, "float32": fewer}
    levels = {title: np.array([1e-15, 1e-14]) for title in panels}
    drawn = checking.floors(checking.powers(-3, -1), panels, levels).markup
    assert "GELU, right" in drawn and "complex step" in drawn and "float32" in drawn
    assert drawn.count(">ReLU, right") == 1
