"""Differential equations dx/dt = f(x, θ) in equal steps, and two ways back.

Backpropagation through the steps is the exact gradient of what was computed. The adjoint method
solves a second differential equation instead, backward in time: for a loss of x(T) the adjoint
λ(t) = ∂L/∂x(t) obeys

| dλ/dt = -λ f_xᵀ
| ∂L/∂θ = ∫ λ f_θᵀ dt

from λ(T) = ∂L/∂x(T), with Jacobians that have a row for each input. It does not ask how x(t) was
found, and agrees with the first way as the steps get short.

Time, where f depends on it, is one more entry of x, with the derivative 1.

Source: Pontryagin et al., The Mathematical Theory of Optimal Processes (1962); Chen et al. (2018);
Hairer, Nørsett & Wanner, Solving Ordinary Differential Equations I (1993), for the steps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.arrays import Array, check_array, check_count
from backprop.autodiff.graph import Function
from backprop.autodiff.tape import vjp

State = list[Any]
"""The arrays that move together: x alone, or x, its adjoint and the gradient so far."""
Slopes = Callable[[State], State]
"""What says how fast each of them changes."""


def _moved(y: State, h: float, k: State) -> State:
    return [a + h * b for a, b in zip(y, k, strict=True)]


def euler(slopes: Slopes, y: State, h: float) -> State:
    """y + h f(y): error in proportion to h (Euler, 1768)."""
    return _moved(y, h, slopes(y))


def rk4(slopes: Slopes, y: State, h: float) -> State:
    """y + h (k1 + 2 k2 + 2 k3 + k4) / 6: error in proportion to h⁴ (Kutta, 1901)."""
    k1 = slopes(y)
    k2 = slopes(_moved(y, h / 2, k1))
    k3 = slopes(_moved(y, h / 2, k2))
    k4 = slopes(_moved(y, h, k3))
    return [
        a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(y, k1, k2, k3, k4, strict=True)
    ]


METHODS: dict[str, Callable[[Slopes, State, float], State]] = {"euler": euler, "rk4": rk4}
"""One step of each method."""


def odeint(
    f: Function, x0: Array, theta: Array, T: float, *, steps: int, method: str = "rk4"
) -> Array:
    """Return x at the times 0, h, …, T, h = T / steps; shape (steps + 1, *x0.shape).

    Parameters
    ----------
    f : callable
        (x, θ) ↦ dx/dt, of the shape of x.
    x0, theta : arrays
        x(0), and the parameters of f.
    T : float
        The end; below 0, the equation is solved backward in time.
    steps : int
        At least 1.
    method : "rk4" or "euler"

    Raises
    ------
    TypeError
        If x0 or theta is no floating array.
    ValueError
        If ``steps`` is below 1, the method unknown, or f returns another shape.
    """
    step = _checked("odeint", x0, theta, steps, method)
    first = np.shape(f(x0, theta))
    if first != x0.shape:
        raise ValueError(f"odeint: f returned the shape {first}, expected {x0.shape}, that of x0")
    path = [x0]
    for _ in range(steps):
        path += step(lambda y: [f(y[0], theta)], [path[-1]], T / steps)
    return np.stack(path)


def odeint_vjp(
    f: Function, path: Array, theta: Array, T: float, g: Array, *, method: str = "rk4"
) -> tuple[Any, Any]:
    """Return ∂L/∂x0 and ∂L/∂θ by backpropagation through the steps of :func:`odeint`.

    With Φ for one step, λ ← λ (∂Φ/∂x)ᵀ and ∂L/∂θ = Σ λ (∂Φ/∂θ)ᵀ from the last step to the first:
    the exact gradient of the computed x(T). It needs the whole ``path``.

    Parameters
    ----------
    f, theta, T, method
        As for ``odeint``.
    path : array, shape (steps + 1, …)
        What ``odeint`` returned.
    g : array
        ∂L/∂x(T).

    Raises
    ------
    TypeError, ValueError
        As ``odeint`` does, and if g has not the shape of x.
    """
    check_array("odeint_vjp", "path", path)
    steps = len(path) - 1
    step = _checked("odeint_vjp", path[0], theta, steps, method)
    check_array("odeint_vjp", "g", g, path.shape[1:])

    def advanced(x: Any, p: Any) -> Any:
        return step(lambda y: [f(y[0], p)], [x], T / steps)[0]

    adjoint, dtheta = g, np.zeros_like(theta)
    for x in path[-2::-1]:
        adjoint, share = vjp(advanced, x, theta)[1](adjoint)
        dtheta = dtheta + share
    return adjoint, dtheta


def adjoint_vjp(
    f: Function, x: Array, theta: Array, T: float, g: Array, *, steps: int, method: str = "rk4",
    stored: bool = False,
) -> tuple[Any, Any]:  # fmt: skip
    """Return ∂L/∂x0 and ∂L/∂θ by the adjoint equation, solved backward in time.

    dx/dt = f, dλ/dt = -λ f_xᵀ and dq/dt = -λ f_θᵀ run together from t = T, λ = g, q = 0 to t = 0,
    where λ = ∂L/∂x0 and q = ∂L/∂θ.

    Parameters
    ----------
    f, theta, T, steps, method
        As for ``odeint``.
    x : array
        x(T), from which the way back is computed: memory that does not grow with the steps. Where
        solutions approach each other, the way back leads apart, and errors grow with it. With
        ``stored``, the whole path that ``odeint`` returned: each step back starts from what is
        stored.
    g : array
        ∂L/∂x(T).
    stored : bool
        Whether x is the path.

    Raises
    ------
    TypeError, ValueError
        As ``odeint`` does, if g has not the shape of x(T), or a stored path not ``steps`` steps.
    """
    check_array("adjoint_vjp", "x", x)
    if stored and len(x) != steps + 1:
        raise ValueError(f"adjoint_vjp: x has {len(x)} rows, expected {steps + 1}, one per time")
    last = x[-1] if stored else x
    step = _checked("adjoint_vjp", last, theta, steps, method)
    check_array("adjoint_vjp", "g", g, last.shape)

    def slopes(y: State) -> State:
        dx, pull = vjp(f, y[0], theta)
        df_dx, df_dtheta = pull(y[1])
        return [dx, -df_dx, -df_dtheta]

    y = [last, g, np.zeros_like(theta)]
    for k in range(steps, 0, -1):
        if stored:
            y[0] = x[k]
        y = step(slopes, y, -T / steps)
    return y[1], y[2]


def _checked(
    where: str, x: Array, theta: Array, steps: int, method: str
) -> Callable[[Slopes, State, float], State]:
    check_array(where, "x" if where == "adjoint_vjp" else "x0", x)
    check_array(where, "theta", theta)
    check_count(where, "steps", steps)
    if method not in METHODS:
        raise ValueError(f"{where}: method is {method!r}, expected one of {list(METHODS)}")
    return METHODS[method]
