"""Checkers of the chapter "Computational graphs".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value

Answer = Callable[..., Any]


def check_adjoints(adjoints: ArrayLike) -> Verdict:
    """Check (∂y/∂x₁, ∂y/∂x₂) of y = v² x₁, v = x₁ + x₂ at x = (1, 2): (v² + 2 v x₁, 2 v x₁)."""
    mistakes = (
        ([9.0, 6.0], "x₁ has two uses: the path over v is missing from its sum."),
        ([6.0, 6.0], "x₁ has two uses: it also stands in y itself, with the rate v²."),
        ([6.0, 15.0], "The two have changed places: x₁ comes first."),
        ([12.0, 3.0], "v stands twice in v²: its rate is 2 v x₁, and not v x₁."),
    )
    return judge_value(
        adjoints, Case((), [15.0, 6.0], mistakes), "Two paths from x₁, and one from x₂."
    )


def check_order(order: Answer) -> Verdict:
    """Check ``order(parents)``: the nodes in a list, every one after all of its parents.

    ``parents`` maps each node to those that it is computed from. Any such order is right.
    """

    def fault(parents: Mapping[str, Sequence[str]]) -> int:
        found = list(order(parents))
        if set(parents) - set(found):
            return 1
        if len(found) > len(parents):
            return 2
        back = [found.index(p) > found.index(node) for node in parents for p in parents[node]]
        return 3 if all(back) else 4 if any(back) else 0

    mistakes = (
        (1, "Some of the nodes are missing."),
        (2, "A node stands there once for each of its uses; it is computed once."),
        (3, "The order is reversed: every node stands before its parents."),
        (4, "Some edges point back: a node stands before one of its parents."),
    )
    graphs: list[dict[str, tuple[str, ...]]] = [
        {"x": (), "y": ("x",)},
        {"y": ("v", "w"), "w": ("v",), "v": ("x",), "x": ()},
        {"y": ("c", "a"), "c": ("b",), "b": ("a",), "a": ("x",), "x": (), "alone": ()},
    ]
    if not callable(order):
        return judge(order, [])
    cases = [Case((parents,), 0, mistakes) for parents in graphs]
    return judge(fault, cases, "Every node after its parents, and once.")


def check_norm_vjp(norm_vjp: Answer) -> Verdict:
    """Check ``norm_vjp(g, a, x)`` of a = √(Σ x²): ∂L/∂x = g x / a, shape of x, for a number g."""

    def case(g: float, values: ArrayLike) -> Case:
        x = np.asarray(values, dtype=float)
        a = np.sqrt((x * x).sum())
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
            ),
        )

    return judge(
        norm_vjp, [case(3.0, [3.0, 4.0]), case(-0.5, [1.0, -2.0, 2.0])], "It reuses a, not a root."
    )


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
            ),
        )

    return judge(cost, [case(5), case(12)], "Three times the product, whatever n is.")
