"""Checkers of the chapter "Gradient descent".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value

Answer = Callable[..., Any]


def check_rates(answer: ArrayLike) -> Verdict:
    """Check (2/λmax, 2/(λmin + λmax), (κ - 1)/(κ + 1)) for the curvatures 1, 4 and 25."""
    low, high = 1.0, 25.0
    stable, best = 2 / high, 2 / (low + high)
    factor = (high - low) / (high + low)
    mistakes = (
        ([1 / high, best, factor], "1/λmax takes the steepest direction to its floor in one step;"
         " the largest stable rate is twice that."),
        ([2 / low, best, factor], "The flattest direction is the most patient; the steepest one"
         " sets the limit."),
        ([stable, 1 / (low + high), factor], "The best rate makes 1 - ηλmin and ηλmax - 1 equal:"
         " solve that for η, the 2 stays."),
        ([stable, best, factor**2], "This is the factor of the loss; the distance shrinks by its"
         " square root."),
        ([stable, best, 1 - factor], "This is the part that goes in a step; the part that stays"
         " is asked for."),
    )  # fmt: skip
    praise = "The curvature between the two extremes does not matter."
    return judge_value(answer, Case((), [stable, best, factor], mistakes), praise)


def check_update(update: Answer) -> Verdict:
    """Check ``update(theta, g, learning_rate)``: θ - η g, a new array of θ's shape."""

    def case(theta: Array, g: Array, rate: float) -> Case:
        mistakes = (
            (theta + rate * g, "This climbs: the gradient points uphill, so the step has a minus."),
            (theta - g, "The learning rate is not used."),
            (-rate * g, "This is the step alone; add it to θ."),
            (
                theta - rate * g / np.linalg.norm(g),
                "The gradient was given the length 1. Plain gradient descent keeps its length:"
                " where the slope is small, the step is small.",
            ),
        )
        return Case((theta, g, rate), theta - rate * g, mistakes)

    cases = [
        case(np.array([1.0, -2.0]), np.array([3.0, 4.0]), 0.1),
        case(np.array([[0.5, 1.0], [2.0, -1.0]]), np.array([[1.0, 0.0], [-2.0, 0.5]]), 0.3),
    ]
    return judge(update, cases, "One minus sign, one rate, any shape.")


def check_standardize(standardize: Answer) -> Verdict:
    """Check ``standardize(x_train, x)``: (x - mean) / std of x_train's columns, shape of x.

    A column that is constant in x_train has no deviation and is centred only.
    """

    def scaled(x_train: Array, x: Array) -> Array:
        std = x_train.std(axis=0)
        return np.asarray((x - x_train.mean(axis=0)) / np.where(std > 0, std, 1))

    def case(x_train: Array, x: Array) -> Case:
        mean, std = x_train.mean(axis=0), x_train.std(axis=0)
        safe = np.where(std > 0, std, 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            careless = (x - mean) / std
            row = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
        mistakes: list[tuple[Array, str]] = [
            (scaled(x, x), "x is scaled by its own mean and deviation; a trained network needs"
             " those of the training set, whatever it is shown."),
            ((x - mean) / safe**2, "Divided by the variance; the standard deviation is its root."),
            (x / safe, "The mean is not subtracted."),
            (x - mean, "Centred, but not divided by the standard deviation."),
            (row, "This works along the rows; a column is one input."),
        ]  # fmt: skip
        if (std == 0).any():
            hint = "A column that never changes has the deviation 0: leave its scale as it is."
            # 0/0 compares equal to nothing, so the rule that turns it into a number is applied.
            mistakes.append((np.nan_to_num(careless), hint))
        right = scaled(x_train, x)
        return Case((x_train, x), right, [m for m in mistakes if not np.array_equal(m[0], right)])

    train = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    new = np.array([[2.0, 40.0], [0.0, 10.0]])
    constant = np.array([[1.0, 5.0], [3.0, 5.0]])
    cases = [case(train, new), case(constant, np.array([[0.0, 6.0], [2.0, 5.0]]))]
    return judge(standardize, cases, "The training set decides, and constant columns survive.")


def check_noise(noise: Answer) -> Verdict:
    """Check ``noise(tau, B, N)`` without replacement: τ / √B · √((N - B) / (N - 1))."""

    def case(tau: float, B: int, N: int) -> Case:
        right = tau / np.sqrt(B) * np.sqrt((N - B) / (N - 1))
        mistakes: list[tuple[float, str]] = [
            (tau / np.sqrt(B), "This is right with replacement; a batch of all N examples still"
             " has noise in it."),
            (tau / np.sqrt(B) * np.sqrt((N - B) / N), "Almost: a batch of one must have the noise"
             " τ exactly."),
            (tau / np.sqrt(B) * (N - B) / (N - 1), "The correction belongs to the variance; the"
             " noise asked for is its root."),
            (tau**2 / B * (N - B) / (N - 1), "This is the variance; its root is asked for."),
        ]  # fmt: skip
        return Case((tau, B, N), right, [m for m in mistakes if not np.isclose(m[0], right)])

    cases = [case(2.0, 4, 10), case(3.0, 1, 7), case(1.5, 8, 8), case(0.5, 50, 1000)]
    return judge(noise, cases, "None for the whole set, τ for one example.")


def check_line_search(rate: Answer) -> Verdict:
    """Check ``rate(H, g)``: the η that minimises L(θ - ηg) on a quadratic, gᵀg / gᵀHg."""

    def case(H: list[list[float]], g: list[float]) -> Case:
        A, v = np.array(H), np.array(g)
        right = v @ v / (v @ A @ v)
        mistakes: list[tuple[float, str]] = [
            (1 / right, "This is the curvature along g; the best step is its reciprocal."),
            (2 * right, "At this rate the loss is back where it began: go half as far."),
            (
                2 / np.linalg.eigvalsh(A)[[0, -1]].sum(),
                "This is the best fixed rate for all steps; the best for this step depends on g.",
            ),
            (-right, "The minus sign stands in the update; the rate is positive."),
        ]
        return Case((A, v), right, [m for m in mistakes if not np.isclose(m[0], right)])

    cases = [
        case([[1.0, 0.0], [0.0, 10.0]], [1.0, 2.0]),
        case([[3.0, 1.0], [1.0, 2.0]], [-1.0, 0.5]),
    ]
    return judge(rate, cases, "One over the curvature along the gradient.")
