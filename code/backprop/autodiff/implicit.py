"""The derivative of a solution, from the equation that it solves.

Let x be determined by θ through F(x, θ) = 0, however it was found. A small change keeps the
equation: dx F_x + dθ F_θ = 0, with Jacobians that have a row for each input. So a loss L(x) with
∂L/∂x = g has

| u F_xᵀ = g
| ∂L/∂θ = -u F_θᵀ

one linear equation and one vector-Jacobian product, whatever it took to solve F(x, θ) = 0.

Source: Krantz & Parks, The Implicit Function Theorem (2003); Christianson (1994) for reverse mode;
Griewank & Walther, Evaluating Derivatives (2008), chapter 15.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.arrays import Array, check_array
from backprop.autodiff.graph import Function
from backprop.autodiff.tape import jacobian, vjp


def implicit_vjp(F: Function, x: Array, theta: Array, g: Array) -> Any:
    """Return ∂L/∂θ = -u F_θᵀ, shape of θ, where F(x, θ) = 0 and u F_xᵀ = g = ∂L/∂x.

    F_x is formed and the equation solved by elimination: memory for (size of x)² numbers.

    Parameters
    ----------
    F : callable
        (x, θ) ↦ an array of as many entries as x, written as for ``tape.vjp``.
    x : array
        A solution of F(x, θ) = 0. Where x is only near one, the result is off in proportion to
        F(x, θ); that is not checked, since only the caller knows the scale of F.
    theta : array
        θ.
    g : array, shape of x
        ∂L/∂x.

    Raises
    ------
    TypeError
        If an argument is no floating array, or F returns none.
    ValueError
        If F returns another number of entries, g has another shape, or F_x is singular: then the
        equation does not determine x near this point.
    """
    for name, array in (("x", x), ("theta", theta)):
        check_array("implicit_vjp", name, array)
    check_array("implicit_vjp", "g", g, x.shape)
    rows = jacobian(F)(x, theta)  # a row for each entry of F: it is F_xᵀ
    if rows.size != x.size**2:
        raise ValueError(
            f"implicit_vjp: F returned {rows.size // max(1, x.size)} entries, expected {x.size},"
            " as many equations as x has entries"
        )
    try:
        u = np.linalg.solve(rows.reshape(x.size, x.size).T, g.ravel())
    except np.linalg.LinAlgError as error:
        raise ValueError(
            "implicit_vjp: F_x is singular, so F(x, θ) = 0 does not determine x here"
        ) from error
    shape = rows.shape[: rows.ndim - x.ndim]
    return vjp(lambda t: F(x, t), theta)[1](-u.reshape(shape))
