"""The row of tanh units draws what SymPy and the package say."""

import math

import numpy as np
import pytest
import sympy as sp

from backprop import Dense, Sequential, Tanh
from backprop.book.figures import factors


def test_the_error_is_the_derivative():
    x = sp.Symbol("x")
    a = x
    for _ in range(3):
        a = sp.tanh(sp.Rational(1, 2) * a)
    units = factors.row(0.5, units=3)
    left = factors.remaining([unit.factor for unit in units])
    assert left[0] == pytest.approx(float(sp.diff(a, x).subs(x, 1)), rel=1e-12)
    assert [unit.a for unit in units][-1] == pytest.approx(float(a.subs(x, 1)))


def test_the_biases_of_the_caption_hold_z():
    layers = []
    for k in range(factors.UNITS):
        layer = Dense(1, 1, rng=np.random.default_rng(0))
        layer.parameters["W"][...] = 2
        layer.parameters["b"][...] = 0.25 - 2 if k == 0 else 0.25 - 2 * math.tanh(0.25)
        layers += [layer, Tanh()]
    network = Sequential(layers)
    network.forward(np.ones((1, 1)))
    units = factors.row(2.0, factors.HOLD)
    assert network.backward(np.ones((1, 1)))[0, 0] == pytest.approx(
        math.prod(unit.factor for unit in units), rel=1e-9
    )
    assert {round(unit.z, 12) for unit in units} == {0.25}


def test_one_weight_keeps_the_error():
    assert factors.HOLDING == pytest.approx(1.064, abs=5e-4)
    assert all(
        unit.factor == pytest.approx(1) for unit in factors.row(factors.HOLDING, factors.HOLD)
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [(6.513e-16, "7 · 10⁻¹⁶"), (5.1e13, "5 · 10¹³"), (0.0043, "0.004"), (1.0, "1"), (6.6, "7")],
)
def test_numbers_in_captions(value, written):
    assert factors.power(value).replace("\N{NO-BREAK SPACE}", " ") == written


def test_each_frame_has_its_fifty_bars_and_says_its_factors():
    frames, names = factors.frames(), factors.names()
    assert names == ["0.5", "1", "2", "1.064 with biases", "2 with biases"]
    for frame in frames:
        assert frame.svg.count("<rect") == factors.UNITS
    assert "0.092, fifty by 7" in frames[0].caption and "0.393" in frames[0].svg
    assert "6.6, fifty by 5" in frames[-1].caption and "1.880" in frames[-1].svg
