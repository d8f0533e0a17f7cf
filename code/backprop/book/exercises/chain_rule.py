"""Checkers of the chapter "The chain rule".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import Case, Verdict, judge

Answer = Callable[..., Any]


def check_slope(slope: Answer) -> Verdict:
    """Check ``slope(x)``, the derivative of sin(exp(x²)): cos(exp(x²)) exp(x²) 2x."""

    def case(x: float) -> Case:
        power = np.exp(x**2)
        outer = np.cos(power)
        return Case(
            (x,),
            outer * power * 2 * x,
            (
                (np.cos(x) * np.exp(x) * 2 * x, "Every slope is taken at x; only the last may be."),
                (np.cos(x) * power * 2 * x, "The cosine stands where the sine did: at exp(x²)."),
                (np.cos(x**2) * power * 2 * x, "The cosine stands at exp(x²), not at x²."),
                (outer * np.exp(x) * 2 * x, "The exponential's slope is taken at x²."),
                (outer * np.exp(2 * x), "The exponential's slope stands at x², times that of x²."),
                (outer * power, "The innermost rate is missing, that of x²."),
                (outer * 2 * x, "The middle rate is missing, that of the exponential."),
                (outer, "This is the outer rate alone."),
                (-outer * power * 2 * x, "The sine's slope is the cosine, without a minus."),
            ),
        )

    return judge(slope, [case(0.6), case(-0.8)], "Three rates, each at its own place.")


def check_normalize_vjp(vjp: Answer) -> Verdict:
    """Check ``vjp(v, z)`` of p = z / Σ_k z_k: (v_i - Σ_j v_j p_j) / Σ_k z_k, shape (n,)."""

    def case(v: list[float], z: list[float]) -> Case:
        v_row, z_row = np.array(v), np.array(z)
        total = z_row.sum()
        p = z_row / total
        right = (v_row - v_row @ p) / total
        return Case(
            (v_row, z_row),
            right,
            (
                ((v_row - p * v_row.sum()) / total, "This is v J; rows are inputs, so v Jᵀ."),
                (v_row / total, "A path is forgotten: every z moves the sum as well."),
                (-(v_row @ p) / total * np.ones_like(v_row), "The path through z_i is forgotten."),
                (right * total, "The division by the sum of z is missing."),
                (p * (v_row - v_row @ p), "This is the vjp of a softmax, which has powers of e."),
                (-right, "The sign is turned round."),
            ),
        )

    cases = [case([2.0, -0.5], [1.0, 3.0]), case([0.5, -1.0, 2.0, 0.3], [1.5, 0.4, 2.0, 1.1])]
    return judge(vjp, cases, "Two passes over the entries, and no table.")


def check_least(least: Answer) -> Verdict:
    """Check ``least(n)``: the fewest multiplications for a chain of matrices of the widths n.

    The recursion: the minimum over k of least(n_0 … n_k) + least(n_k … n_l) + n_0 n_k n_l.
    """
    left = "This is the order from the input; here it is not the cheapest."
    right = "This is the order from the end; here it is not the cheapest."
    cases = [
        Case(((3, 4),), 0, ((12, "A single matrix is there already: nothing is multiplied."),)),
        Case(((2, 3, 4),), 24, ((9, "An a x b matrix times a b x c one takes a b c."),)),
        Case(((5, 2, 7, 3),), 72, ((175, left),)),
        Case(((3, 7, 2, 5),), 72, ((175, right),)),
        Case(
            ((100, 100, 1, 100, 100),),
            30_000,
            (
                (
                    1_020_000,
                    "Neither end is the best beginning: the last product may join two parts.",
                ),
            ),
        ),
        Case(((784, 100, 100, 2, 2, 1),), 88_604, ((8_001_504, left),)),
    ]
    return judge(least, cases, "The last product joins two parts, each done in its own best way.")
