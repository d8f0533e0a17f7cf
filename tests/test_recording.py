"""A program's arrows: their slopes against other derivatives, and which of them a sweep needs."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.recording import recorded_steps


def program(a, b):
    u = a * b
    return np.sin(u) * (a + u) + u * u


def backward(steps):
    adjoint = {place: 0.0 for place, _ in steps} | {0: 0.0, 1: 0.0}
    adjoint[steps[-1][0]] = 1.0
    for place, arrows in reversed(steps):
        for operand, slope in arrows:
            adjoint[operand] += adjoint[place] * slope
    return [adjoint[0], adjoint[1]]


def test_the_arrows_of_a_small_graph():
    steps = recorded_steps(lambda a, b: (u := a * b) * (a + u), 3, 2)
    assert steps == [
        (2, [(0, 2.0), (1, 3.0)]),
        (3, [(0, 1.0), (2, 1.0)]),
        (4, [(2, 9.0), (3, 6.0)]),
    ]


def test_a_sweep_over_them_gives_the_derivatives():
    point = np.array([0.7, -1.3])
    expected = gradcheck.complex_step(lambda x: program(*x), point)
    assert backward(recorded_steps(program, *point)) == pytest.approx(list(expected), rel=1e-13)


def test_a_value_used_twice_in_a_line_has_two_arrows_and_a_constant_none():
    assert recorded_steps(lambda x: x * x + 1, 3.0) == [(1, [(0, 3.0), (0, 3.0)]), (2, [(1, 1.0)])]


def test_what_has_no_arrows_is_refused():
    with pytest.raises(TypeError, match="f returned a float"):
        recorded_steps(lambda x: 3.0, 1.0)
    with pytest.raises(ValueError, match=r"value at 1 has shape \(2,\)"):
        recorded_steps(lambda x: np.sum(x * np.ones(2)), 1.0)
