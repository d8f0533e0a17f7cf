"""Checkers of the chapter "Gradients".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value

Answer = Callable[..., Any]


def check_gradient(gradient: Answer) -> Verdict:
    """Check ``gradient(theta)``: ∇f = (2 θ₁ θ₂, θ₁² + 3 θ₂²) for f = θ₁² θ₂ + θ₂³, shape (2,)."""

    def case(theta1: float, theta2: float) -> Case:
        right = np.array([2 * theta1 * theta2, theta1**2 + 3 * theta2**2])
        return Case(
            (np.array([theta1, theta2]),),
            right,
            (
                (right[::-1], "The two entries have changed places: θ₁ comes first."),
                (-right, "This points downhill; the gradient is the uphill one, without a minus."),
                (
                    right.sum(),
                    "This adds the two slopes; keep them apart: shape (2,).",
                ),
                (
                    [2 * theta1 * theta2, 3 * theta2**2],
                    "θ₂ stands in the first term as well: θ₁² θ₂ has the slope θ₁² in θ₂.",
                ),
            ),
        )

    return judge(
        gradient, [case(1.0, 2.0), case(-1.5, 0.5)], "Two slopes, one for each parameter, in order."
    )


def check_half_slope(degrees: float) -> Verdict:
    """Check the angle to the gradient, in degrees, where the slope is half the steepest: 60."""
    mistakes = (
        (45.0, "cos 45° is 0.71: halfway to the contour in angle is not half the slope."),
        (30.0, "cos 30° is 0.87; it is sin 30° that is one half."),
        (120.0, "cos 120° is −1/2: half as steep, but downhill."),
        (np.pi / 3, "This is the angle in radians; the answer is asked for in degrees."),
        (np.pi / 6, "This is 30° in radians: cos 30° is 0.87, and degrees are asked for."),
    )
    return judge_value(degrees, Case((), 60.0, mistakes), "The slope follows the cosine.")


def check_jacobian(jacobian: Answer) -> Verdict:
    """Check ``jacobian(x, W, b)`` of a = tanh(x W + b): J_ij = ∂a_j/∂x_i = w_ij (1 - a_j²).

    Shapes: x (n_in,), W (n_in, n_out), b (n_out,), J (n_in, n_out).
    """

    def case(x: Array, W: Array, b: Array) -> Case:
        slope = 1 - np.tanh(x @ W + b) ** 2
        right = W * slope
        mistakes: list[tuple[Array, str]] = [
            (right.T, "This is the transpose: a row for each input, a column for each output."),
            (W, "This is the Jacobian of xW + b alone: tanh has a slope as well."),
            (np.diag(slope), "This is the Jacobian of tanh alone: W is missing."),
            (W * (1 - np.tanh(x)[:, None] ** 2), "The slope of tanh is taken at x, not at xW + b."),
        ]
        if W.shape[0] == W.shape[1]:
            hint = "The slopes multiply rows here; unit j's slope belongs to column j."
            mistakes.append((W * slope[:, None], hint))
        return Case((x, W, b), right, mistakes)

    square = case(np.array([0.3, -0.6]), np.array([[1.0, -0.5], [0.4, 2.0]]), np.array([0.1, -0.2]))
    wide = case(np.array([0.5, -1.0]), np.array([[0.2, -1.0, 0.7], [1.5, 0.3, -0.4]]), np.zeros(3))
    return judge(jacobian, [square, wide], "It holds for layers that are not square, too.")


def check_descents(descents: Answer) -> Verdict:
    """Check ``descents(H)``: how many independent directions go down, the eigenvalues below 0."""

    def case(H: list[list[float]]) -> Case:
        matrix = np.array(H)
        eigenvalues = np.linalg.eigvalsh(matrix)
        down = int((eigenvalues < 0).sum())
        mistakes = (
            (int((np.diag(matrix) < 0).sum()), "The diagonal holds the curvatures along the axes"
             " only; between the axes the surface may bend the other way. Count eigenvalues."),
            (len(matrix) - down, "This counts the directions that go up."),
            (float(eigenvalues.min()), "This is an eigenvalue; how many are negative?"),
            (int(np.linalg.det(matrix) < 0), "The determinant's sign tells whether their number"
             " is odd, not what it is."),
        )  # fmt: skip
        return Case((matrix,), down, tuple(m for m in mistakes if m[0] != down))

    cases = [
        case([[2.0, 0.0], [0.0, 1.0]]),
        case([[1.0, 3.0], [3.0, 1.0]]),
        case([[1.0, 0.0, 2.0], [0.0, -3.0, 0.0], [2.0, 0.0, 1.0]]),
        case([[-2.0, 1.0], [1.0, -2.0]]),
    ]
    return judge(descents, cases, "0 is a valley, all of them a peak, anything between a saddle.")


def check_steepest(steepest: Answer) -> Verdict:
    """Check ``steepest(g, order)``: the u with ‖u‖_order = 1 and the largest g · u.

    ``order`` is 1, 2 or inf, as for ``numpy.linalg.norm``: the unit vector of g's largest entry
    with its sign, g / ‖g‖₂, or sign(g).
    """

    def right(g: Array, order: float) -> Array:
        if order == 2:
            return np.asarray(g / np.linalg.norm(g))
        if order == 1:
            return np.where(np.abs(g) == np.abs(g).max(), np.sign(g), 0.0)
        return np.sign(g)

    def case(g: Array, order: float) -> Case:
        u = right(g, order)
        mistakes: list[tuple[Array, str]] = [
            (-u, "This is the steepest way down; the steepest way up is asked for."),
            (g, "This is the gradient, whose length is not 1."),
            (
                g / np.linalg.norm(g, order),
                f"The length is 1, but another u with ‖u‖ = 1 in the norm {order:g} is steeper:"
                " try the corners of the shape of unit length.",
            ),
        ]
        return Case((g, order), u, [m for m in mistakes if not np.allclose(m[0], u)])

    g = np.array([3.0, -4.0])
    longer = np.array([0.5, 2.0, -1.0])
    cases = [case(g, 2), case(g, np.inf), case(g, 1), case(longer, 1), case(longer, np.inf)]
    return judge(steepest, cases, "The same gradient, three steepest directions.")


def check_trust(trust: Answer) -> Verdict:
    """Check ``trust(slope, curvature, share)``: h = 2 share |slope| / |curvature|.

    There the second-order term h² curvature / 2 has grown to ``share`` of the first, h slope.
    """

    def case(slope: float, curvature: float, share: float) -> Case:
        h = 2 * share * abs(slope) / abs(curvature)
        return Case(
            (slope, curvature, share),
            h,
            (
                (h / 2, "The second-order term is h² curvature / 2: the half is missing."),
                (h / 4, "The half belongs to the second-order term, so it ends up as a factor 2."),
                (-h, "The length of a step is positive: take absolute values."),
                (h / share, "This is where the two terms are equal; share is not used."),
            ),
        )

    cases = [case(2.0, 4.0, 0.1), case(-3.0, 0.5, 0.2), case(1.0, -8.0, 0.05)]
    return judge(trust, cases, "Steep and straight may be trusted far, flat and bent may not.")
