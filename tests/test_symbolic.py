"""What the chapters use of SymPy: entries in their order, digits, shapes."""

import numpy as np
import pytest
import sympy as sp

from backprop.book import symbolic

X = sp.Symbol("x", real=True)


def test_entries_are_paired_row_by_row():
    W = symbolic.matrix("w", 2, 3)
    assert [str(s) for s in W] == ["w_{11}", "w_{12}", "w_{13}", "w_{21}", "w_{22}", "w_{23}"]
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(symbolic.evaluate(W, symbolic.values(W, array)), array)
    with pytest.raises(ValueError, match="array has 4 entries, expected 6"):
        symbolic.values(W, np.zeros((2, 2)))


def test_a_gradient_has_the_shape_of_its_parameters():
    W = symbolic.matrix("w", 2, 3)
    gradient = symbolic.gradient(sum(k * w**2 for k, w in enumerate(W)), W)
    expected = sp.Matrix(2, 3, [2 * k * w for k, w in enumerate(W)])
    assert gradient == expected


def test_a_constant_derivative_has_the_shape_of_its_argument():
    constant = symbolic.numpy_function(symbolic.derivative(3 * X, X), X)
    result = constant(np.zeros((2, 3)))
    np.testing.assert_array_equal(result, np.full((2, 3), 3))
    result[0, 0] = 7  # an array of its own
    assert constant(1.5) == 3
    np.testing.assert_allclose(symbolic.numpy_function(sp.sin(X), X)(np.ones(2)), np.sin(1.0))


def test_thirty_digits_are_rounded_once():
    tail = 1 / (1 + sp.exp(X))
    assert symbolic.evaluate(tail, {X: sp.Float(40.0, 30)}) == pytest.approx(
        np.exp(-40.0), rel=1e-15
    )
    exact = symbolic.evaluate(1 - sp.cos(X), {X: sp.Float(1e-6, 30)})
    assert exact == pytest.approx(5e-13 * (1 - 1e-12 / 12), rel=1e-15)


def test_an_equation_is_shown_and_not_evaluated():
    shown = symbolic.equation(r"\bar a", X - X + 1)
    assert str(shown) == r"Eq(\bar a, 1)" and shown.lhs != shown.rhs


def test_a_derivative_is_simplified():
    assert symbolic.derivative(sp.sin(X) ** 2 + sp.cos(X) ** 2 + X, X) == 1
    assert symbolic.derivative((X**3 - X) / X, X) == 2 * X
    assert symbolic.derivative(X**2 * 2, X, X) == 4
