"""Checkers of the chapter "The tape".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.exercises.verdict import Case, Verdict, checker, judge

Answer = Callable[..., Any]


@checker
def check_norm_vjp(norm_vjp: Answer) -> Verdict:
    """Check ``norm_vjp(g, a, x)`` of a = √(Σ x²): ∂L/∂x = g x / a, shape of x, for a number g."""

    def case(g: float, values: ArrayLike, a: float) -> Case:
        x = np.asarray(values, dtype=float)
        root = np.sqrt((x * x).sum())
        return Case(
            (g, a, x),
            g * x / a,
            (
                (x / a, "g is missing: this is the derivative of a, not of L."),
                (2 * g * x, "This is the vjp of Σ x²; the root has a rate as well."),
                (2 * g * x / a, "The 2 of x² cancels against the 2 of the root's rate 1/(2 a)."),
                (g * x / (2 * a), "The root's 1/(2 a) is there, but x² has the rate 2 x."),
                (g * x, "The root's rate is missing."),
                (g * a, "One number; ∂L/∂x has the shape of x."),
                (
                    g * x / root,
                    "The value is right, and the root is computed again.",
                    "The forward pass has it already: a.",
                ),
            ),
        )

    # The last a is not the root of its x: a vjp that reuses a cannot tell, one that does not can.
    cases = [
        case(3.0, [3.0, 4.0], 5.0),
        case(-0.5, [1.0, -2.0, 2.0], 3.0),
        case(1.5, [3.0, 4.0], 8.0),
    ]
    return judge(norm_vjp, cases, "It reuses a.")


@checker
def check_product_cost(cost: Answer) -> Verdict:
    """Check ``cost(n)``: multiplications for x₁ ⋯ xₙ and its gradient by reverse mode, 3 (n - 1).

    The multiplication by the adjoint 1 of the result counts.
    """

    def case(n: int) -> Case:
        return Case(
            (n,),
            3 * (n - 1),
            (
                (2 * (n - 1), "This is the way back alone; the product itself costs n - 1."),
                (n - 1, "This is the product alone."),
                (n * (n - 1), "This computes each of the n entries from the beginning."),
                ((2 * n + 1) * (n - 1), "This is forward mode, a sweep for each input."),
                (3 * n, "There are n - 1 multiplications in a product of n factors."),
                (5 * (n - 1), "This counts sums too; only multiplications are asked for."),
                (4 * n - 5, "This counts sums too; only multiplications are asked for."),
                (3 * n - 4, "The multiplication by the 1 of the start counts here."),
                (3 * n - 5, "The multiplications by the 1 of the start count here."),
            ),
        )

    return judge(cost, [case(5), case(12)], "Three times the product, whatever n is.")
