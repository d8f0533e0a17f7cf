"""Checkers of the chapter "Debugging a popular listing"."""

from __future__ import annotations

from typing import Any

import numpy as np

from backprop.activations import softmax
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value


def check_gauge(answer: Any) -> Verdict:
    """Judge what the listing prints if one row in five has both outputs on the label's side."""
    mistakes = (
        (0.5, "That is what the four rows alone give; the fifth agrees in both its entries."),
        (0.2, "The four other rows count as well: each agrees in one of its two entries."),
        (1.0, "Only the fifth row agrees in both entries."),
        (0.9, "Four rows at 1 and one at one half: it is the other way round."),
        (0.4, "The fifth row is missing: it adds a fifth."),
    )
    return judge_value(
        answer, Case((), 0.6, mistakes), "Nothing in it tells how often the network is right."
    )


def _square(x: Any) -> Any:
    return (x**2).sum()


def _wave(x: Any) -> Any:
    return np.sin(x[0]) * np.exp(x[1])


def check_central(function: Any) -> Verdict:
    """Judge ``function(f, x)``, the gradient by central differences with h = 1e-4."""
    floats, integers, h = np.array([1.0, 2.0]), np.array([1, 2]), 1e-4
    usual = (
        (2 * floats + h, "This is the forward difference: its error is of the order of h."),
        (2 * floats - h, "This is the backward difference: its error is of the order of h."),
        (4 * floats, "Divided by h: the two points are 2h apart."),
        (-2 * floats, "The sign is turned round: f(x + h) comes first."),
        (np.full(2, 6.0), "All entries were moved at once; each needs its own difference."),
    )
    cut = (
        (np.array([1.0, 3.0]) / (2 * h), "The difference f(1) - f(0) was divided by 2h: the array "
                                         "holds integers, and x + h was cut off in it."),
        (np.zeros(2), "Nothing moved: the array holds integers, and x + h was cut off in it."),
    )  # fmt: skip
    at = np.array([0.3, -0.5])
    slope = np.exp(at[1]) * np.array([np.cos(at[0]), np.sin(at[0])])
    return judge(
        function,
        [
            Case((_square, floats), 2 * floats, usual),
            Case((_wave, at), slope),
            Case((_square, integers), 2 * floats, cut),
        ],
        "Also for integers, and the argument is left as it was.",
    )


def check_bias_gradient(function: Any) -> Verdict:
    """Judge ``function(z, y)``, ∂L/∂b of a softmax regression: z (B, K), y (B,) to (K,)."""
    z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
    y = np.array([0, 2, 1, 1])
    delta = softmax(z) - np.eye(3)[y]
    right = delta.mean(axis=0)
    stretched = "The classes were summed as well; in each row they cancel, as p and y sum to 1."
    mistakes = (
        (0.0, stretched),
        (np.zeros(3), stretched),
        (-right, "The sign is turned round: the error is p - y."),
        (right * len(z), "The mean over the batch is missing: divide by the number of rows."),
        (right / len(z), "The mean over the batch is taken twice."),
        (delta / len(z), "This is one row an example: every example has the same bias, so sum."),
        (delta.sum(axis=1), "The wrong axis was summed: a bias belongs to a class, not to a row."),
        (delta.mean(axis=1), "The wrong axis was summed: a bias belongs to a class, not to a row."),
        (softmax(z).mean(axis=0), "The targets are missing: the error is p - y."),
    )
    return judge(
        function,
        [Case((z, y), right, mistakes)],
        "The entries sum to 0: what one bias gains, the others lose.",
    )
