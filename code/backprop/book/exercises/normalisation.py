"""Checkers of the chapter on normalization.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Told,
    Verdict,
    alike,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
    misfit,
    numbers,
    takes,
)

NEARLY = "This is close, but rounded too far, or cut off. Give all the digits that are asked for."


def _in_turn(given: Sequence[Any], parts: Sequence[Part], praise: str) -> Verdict:
    """Judge the answers one by one, without the mistakes that make no difference."""
    kept = [(name, value, distinct(m, value), more) for name, value, m, more in parts]
    return in_turn(given, kept, praise, near=NEARLY)


def standardized(
    d: Array,
    x: Array,
    axis: int | tuple[int, int],
    *,
    shift: bool = True,
    stretch: bool = True,
    ddof: int = 0,
    eps: float = 0.0,
) -> Array:
    """Return (d - mean d - x̂ mean(d x̂)) / s over an axis, or the same with a term left out."""
    s = np.sqrt(x.var(axis=axis, keepdims=True, ddof=ddof) + eps)
    x_hat = (x - x.mean(axis=axis, keepdims=True)) / s
    left = d.copy()
    if shift:
        left -= d.mean(axis=axis, keepdims=True)
    if stretch:
        left -= x_hat * (d * x_hat).mean(axis=axis, keepdims=True)
    return np.asarray(left / s)


def _failed_test(gradient: Any, x_hat: Array) -> str:
    """Return a hint to the test of a column's gradient that these four numbers fail."""
    found = numbers(gradient)
    if found is None or found.shape != x_hat.shape or abs(found.sum()) > 0.02:
        return "Add up your four numbers: a shift of x changes nothing, so their sum is 0."
    if abs(found @ x_hat) > 0.02:
        return (
            "They add up to 0, as they should. A stretch of x changes nothing either: add up"
            " their products with the deviations from the mean."
        )
    return "They pass both tests of the chapter's column, so look for a slip in one of your sums."


def _cut_short(gradient: Any, right: Array) -> bool:
    """Tell whether each number is right, but some have fewer than three significant digits."""
    found = numbers(gradient)
    if found is None or found.shape != right.shape or not np.isrealobj(found):
        return False
    fits = [alike(g, r) for g, r in zip(found, right, strict=True)]
    short = np.zeros(right.shape, bool)
    for size in (1, 10, 100):
        for shorter in (np.round(right * size), np.trunc(right * size)):
            short |= np.isclose(found, shorter / size, atol=1e-9)
    return not all(fits) and bool((short | fits).all())


@checker
def check_column(mean: Any, s: Any, gradient: Any) -> Verdict:
    """Check x = (12, 4, 6, 6), d = (8, 2, 9, 1): mean 7, s = 3, (-1, -3, 14, -10) / 9."""
    # mean(d) = 5, mean(d ⊙ x̂) = 2, s and n differ, so each mistake has numbers of its own.
    x, d = np.array([12.0, 4, 6, 6]), np.array([8.0, 2, 9, 1])
    right = standardized(d, x, 0)
    x_hat = (x - 7) / 3
    gradient_of_the_page = standardized(np.array([1.0, 0, 2, 5]), np.array([1.0, 7, 9, 15]), 0)
    rule = "Three terms are added up before the division: compare with the column of the chapter."
    check = _failed_test(gradient, x_hat)
    parts: list[Part] = [
        ("The mean", 7.0, [
            (28.0, "This is the sum.", "Divide by 4."),
            (6.0, "This is the median.", "Add the numbers and divide by 4."),
        ], "Add the four numbers and divide by 4."),
        ("s", 3.0, [
            (9.0, "This is the variance.", "s is its root."),
            (math.sqrt(12), "The sum of the squares was divided by 3.", "Divide by 4."),
            (6.0, "This is the root of the sum of the squares.", "Take the mean before the root."),
            (36.0, "This is the sum of the squares.", "s is the root of their mean."),
            (math.sqrt(58), "This is the root mean square of x.", "Subtract the mean first."),
            (2.5, "This is the mean distance from the mean.", "Square the distances."),
        ], "s is the root of the mean of (x - 7)²."),
        ("The gradient", right, [
            (d / 3, "Mean and s were treated as constants.", rule),
            (standardized(d, x, 0, stretch=False), "The term of the stretch is missing.", rule),
            (standardized(d, x, 0, shift=False), "The term of the shift is missing.", rule),
            (3 * right, "This is not yet divided by s.", ""),
            (9 * right, "It was multiplied by s.", "Divide."),
            (gradient_of_the_page, "This is the gradient of the chapter's column.",
             "Here the numbers and the slopes are others."),
            (right / 3, "It was divided by s twice.", ""),
            (-right, "Only the sign is wrong.", ""),
            ((d - 20 - x_hat * 8) / 3, "Sums were taken where the formula has means.", rule),
            ((d - 20 - x_hat * 2) / 3, "A sum was taken instead of mean(d).", rule),
            ((d - 5 - x_hat * 8) / 3, "A sum was taken instead of mean(d ⊙ x̂).", rule),
            ((d + 5 - 2 * x_hat) / 3, "mean(d) was added.", "It is taken away."),
            ((d - 5 + 2 * x_hat) / 3, "The last term was added.", "It is taken away."),
            ((d - 5 - 2) / 3, "The last term lacks its x̂.", rule),
            ((d - 5 - x_hat) / 3, "The last term lacks its mean(d ⊙ x̂).", rule),
            ((d - 5 - 5 * x_hat) / 3, "The last term has mean(d) in it.",
             "The mean there is that of d times x̂, entry by entry."),
            ((d - 5 - d * x_hat * x_hat) / 3, "d ⊙ x̂ was not averaged.", rule),
            *((wrong, "The last term has x - 7 where x̂ belongs.", "x - 7 is not yet divided by s.")
              for wrong in ((d - 5 - 2 * (x - 7)) / 3, (d - 5 - 6 * (x - 7)) / 3)),
            ((d - 5 - (x - 7)) / 3, "The last term has x - 7 where x̂ belongs, and no mean.", rule),
            ((d - 5 - 2 * x) / 3, "The last term has x where x̂ belongs.", "Subtract the mean."),
            (x_hat, "This is x̂.", "The slopes of the loss with respect to x are asked for."),
            (np.zeros(4), "Four zeros pass both tests of the chapter's column,"
             " but d is more than a shift and a stretch.", rule),
            *([(gradient, NEARLY, "")] if _cut_short(gradient, right) else []),
        ], check),
    ]  # fmt: skip
    return _in_turn((mean, s, gradient), parts, "And the four numbers add up to 0.")


@checker
def check_running(batches: Any) -> Verdict:
    """Check how many batches bring a running mean from 0 to within 1 % of 10: 0.9^k ≤ 0.01."""
    gap = "Each batch multiplies the distance to 10 by 0.9."
    mistakes = [
        (43.0, "After these the distance is still a little above 0.1.", gap),
        (math.log(0.01) / math.log(0.9), "The number of batches is a whole number.", "Round up."),
        (2.0, "The two weights are exchanged.", f"The new batch has the weight 0.1. {gap}"),
        (1.0, "One batch moves the average from 0 to 1.", gap),
        (10.0, "This would be right if each batch added 1.", gap),
        (9.9, "The batches do not all add the same.", gap),
        (100.0, "The batches do not all add the same.", gap),
        (22.0, "This brings it within 10 %.", "1 % of 10 is 0.1."),
        (66.0, "This brings it within 0.1 %.", "1 % of 10 is 0.1."),
        (459.0, "Here the weight of a new batch is 0.01.", "It is 0.1."),
        (45.0, "One batch less is enough.", gap),
    ]
    return judge_value(batches, Case((), 44.0, mistakes, gap), "The distance is 10 · 0.9^k.")


@checker
def check_scale(length: Any, gradient: Any) -> Verdict:
    """Check ‖w‖ = 2, ‖∇L‖ = 3, rate 0.1: ‖w‖ becomes √4.09, and the gradient at 5w is 0.6."""
    square = "The step is perpendicular to w: use Pythagoras."
    parts: list[Part] = [
        ("The length", math.sqrt(4.09), [
            (2.3, "The lengths were added.", square),
            (1.7, "The lengths were subtracted.", square),
            (4.09, "This is the square of the length.", ""),
            (math.sqrt(4.9), "The rate was not squared.", "The step has the length 0.1 · 3."),
            (math.sqrt(3.91), "The square of the step was subtracted.", square),
            (math.sqrt(13), "The rate is missing.", "The step has the length 0.1 · 3."),
            (2.0, "A perpendicular step makes w longer.", square),
            (2.02, "Give four significant digits.", square),
            (0.3, "This is the length of the step.", square),
        ], square),
        ("The gradient at five times the weights", 0.6, [
            (15.0, "The gradient does not grow with w.",
             "The same relative change of w changes the loss by the same amount."),
            (3.0, "The loss stays, but its slope does not.",
             "There, a step of given length turns the weights by a fifth of the angle."),
            *((0.6 * 2 / new, "This is at five times the weights after the step.",
               "Take five times the weights that the exercise starts with.")
              for new in (math.sqrt(4.09), 2.022)),
            (0.12, "It was divided by 25.", "Once by 5: the loss and the direction stay."),
            (3.0 / 10, "It was divided by 10, the new length.", "Five times as long, not ten."),
            (1.5, "It was divided by the length of w.", "w is five times as long."),
            (75.0, "The gradient does not grow with w.", "w is five times as long."),
            (3 / math.sqrt(5), "It was divided by the root of 5.", "w is five times as long."),
            (2.4, "This is the difference.", "What is the length itself?"),
            (0.0, "The slope shrinks, but it does not vanish.", "w is five times as long."),
        ], "The gradient is proportional to 1/‖w‖."),
    ]  # fmt: skip
    return _in_turn((length, gradient), parts, "Longer at each step, and flatter.")


def _shapes(seed: int) -> list[tuple[Array, Array, Array]]:
    """Return (dz, x, gamma) of two oblong batches, the means far from 0."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(size=shape), rng.normal(size=shape) * 2 + 3, rng.uniform(0.5, 2, shape[1]))
        for shape in ((5, 3), (4, 6))
    ]


def _backward_case(
    dz: Array, x: Array, gamma: Array, right: Callable[..., Array], axis: int
) -> tuple[Array, list[tuple[Any, str, str]]]:
    """Return the right answer, and the mistakes that the two backward passes have in common."""
    d = dz * gamma
    expected = right(d, x, axis)
    other = "the batch, axis 0" if axis == 0 else "a row, axis 1"
    mistakes: list[tuple[Any, str, str]] = [
        (right(dz, x, axis), "gamma is missing.", "d = dz ⊙ gamma comes first."),
        (right(dz, x, axis) / gamma, "dz was divided by gamma.", "d = dz ⊙ gamma."),
        (right(d * gamma, x, axis), "gamma was multiplied in twice.", "d = dz ⊙ gamma, once."),
        *((right(d, x, axis, eps=eps), "An eps was added.", "Here eps is 0: add nothing.")
          for eps in (1e-3, 1e-5)),
        (gamma * right(dz, x, axis), "gamma was multiplied in at the end.",
         "It differs within a row, so it does not go through the mean: d = dz ⊙ gamma first."),
        (right(d, x, 1 - axis), "The means run over the wrong axis.", f"They run over {other}."),
        (dz, "This is dz itself.", ""),
        (d, "This is d = dz ⊙ gamma.", "It still has to go through the normalization."),
        (-expected, "Only the sign is wrong.", ""),
    ]  # fmt: skip
    return expected, mistakes


@checker
def check_batchnorm(backward: Answer) -> Verdict:
    """Check ``batchnorm_backward(dz, x, gamma)``: ∂L/∂x, eps = 0, x and dz of shape (B, n)."""

    def case(dz: Array, x: Array, gamma: Array) -> Case:
        d = dz * gamma
        expected, mistakes = _backward_case(dz, x, gamma, standardized, 0)
        s = x.std(axis=0)
        x_hat, x_one = (x - x.mean(axis=0)) / s, (x - x.mean()) / x.std()
        rule = "Compare with the formula of the chapter, term by term; the means run over axis 0."
        mistakes += [
            (d / s, "Mean and s were treated as constants.", rule),
            (dz / s, "Mean and s were treated as constants, and gamma is missing.", rule),
            (standardized(d, x, 0, stretch=False), "The term of the stretch is missing.", rule),
            (standardized(d, x, 0, shift=False), "The term of the shift is missing.", rule),
            (expected * s, "It is not divided by s.", rule),
            (expected / s, "It is divided by the variance.", "Divide by its root, s."),
            (expected * s * s, "It is multiplied by s.", "Divide."),
            (standardized(d, x, 0, ddof=1), "s was taken with n - 1.", "NumPy's std divides by n."),
            ((d - d.sum(0) - x_hat * (d * x_hat).sum(0)) / s, "Sums stand for the means.", rule),
            ((d - d.sum(0) - x_hat * (d * x_hat).mean(0)) / s, "A sum stands for mean(d).", rule),
            ((d - d.mean(0) - x_hat * (d * x_hat).sum(0)) / s, "A sum stands for mean(d ⊙ x̂).",
             rule),
            ((d - d.mean(0) - x_hat * (d * x_hat)) / s, "d ⊙ x̂ was not averaged.", rule),
            ((d - d.mean(0) - (d * x_hat).mean(0)) / s, "The last term lacks its x̂.", rule),
            ((d - d.mean(0) - x * (d * x).mean(0)) / s, "The last term has x for x̂.", rule),
            ((d - d.mean(0) + x_hat * (d * x_hat).mean(0)) / s, "The last term was added.", rule),
            ((d - d.mean(0) - 2 * x_hat * (d * x_hat).mean(0)) / s, "The last term is doubled.",
             "s² has the derivative 2 (x - mean)/n, and its root another factor."),
            ((d - d.mean(0) - x_hat * (d * x_hat).mean(0) / 2) / s, "The last term is halved.",
             "s² has the derivative 2 (x - mean)/n, and its root another factor."),
            ((d + d.mean(0) - x_hat * (d * x_hat).mean(0)) / s, "mean(d) was added.", rule),
            ((d - d.mean(0) - x_hat * d.mean(0)) / s, "The last term has mean(d) in it.",
             "The mean there is that of d times x̂, entry by entry."),
            ((d - d.mean(0) - x_hat * (dz * x_hat).mean(0)) / s, "The last term has dz for d.",
             "gamma belongs to every term."),
            ((d - dz.mean(0) - x_hat * (d * x_hat).mean(0)) / s, "mean(d) was taken of dz.",
             "gamma belongs to every term."),
            ((d - dz.mean(0) - x_hat * (dz * x_hat).mean(0)) / s, "Both means were taken of dz.",
             "gamma belongs to every term."),
            ((dz - d.mean(0) - x_hat * (d * x_hat).mean(0)) / s, "The first term is dz, not d.",
             "gamma belongs to every term."),
            ((d - d.mean(0) - s * x_hat * (d * x_hat).mean(0)) / s,
             "The last term is s times too large.",
             "x̂ is x - mean over s, and the three terms are divided by s together."),
            ((d - d.mean(0) - s * x_hat * (d * x_hat * s).mean(0)) / s,
             "The last term has x - mean for x̂, twice.", "It is not yet divided by s."),
            ((d - s * d.mean(0) - x_hat * (d * x_hat).mean(0)) / s,
             "mean(d) is not divided by s.", "The three terms are divided by s together."),
            ((d - s * d.mean(0) - s * x_hat * (d * x_hat).mean(0)) / s,
             "Only d is divided by s.", "The three terms are divided by s together."),
            *((wrong, "A mean inside the bracket runs over the wrong axis.",
               "x̂ is right; both means run over the batch, axis 0.")
              for wrong in (
                  (d - d.mean(1)[:, None] - x_hat * (d * x_hat).mean(1)[:, None]) / s,
                  (d - d.mean(0) - x_hat * (d * x_hat).mean(1)[:, None]) / s,
                  (d - d.mean(1)[:, None] - x_hat * (d * x_hat).mean(0)) / s,
              )),
            *((wrong, "All columns share one mean.", "Each column has a mean of its own: axis=0.")
              for wrong in (
                  (d - d.mean() - x_hat * (d * x_hat).mean()) / s,
                  standardized(d, x, (0, 1)),
                  (d - d.mean(0) - x_one * (d * x_one).mean(0)) / x.std(),
              )),
        ]  # fmt: skip
        kept = distinct(mistakes, expected)
        return Case((dz, x, gamma), expected, kept, rule, where=f"x of shape {x.shape}")

    cases = [case(*one) for one in _shapes(0)]
    praise = "Each column adds up to 0, and so does its product with x̂."
    return _judged(backward, cases, praise)


def rms(d: Array, x: Array, axis: int, *, eps: float = 0.0) -> Array:
    """Return (d - x̂ mean(d x̂)) / r over an axis, x̂ = x / r and r the root mean square of x."""
    r = np.sqrt((x**2).mean(axis=axis, keepdims=True) + eps)
    x_hat = x / r
    return np.asarray((d - x_hat * (d * x_hat).mean(axis=axis, keepdims=True)) / r)


def _unmoved(d: Array, x: Array) -> Array:
    """Return the backward pass of a row over its deviation, the mean left in: a mistake."""
    s = x.std(axis=1, keepdims=True)
    return np.asarray((d - x / s * (d * x / s).mean(axis=1, keepdims=True)) / s)


@checker
def check_rmsnorm(backward: Answer) -> Verdict:
    """Check ``rmsnorm_backward(dz, x, gamma)``: ∂L/∂x, eps = 0, rows over their r.m.s."""

    def case(dz: Array, x: Array, gamma: Array) -> Case:
        d = dz * gamma
        expected, mistakes = _backward_case(dz, x, gamma, rms, 1)
        r = np.sqrt((x**2).mean(axis=1, keepdims=True))
        x_hat = x / r
        inner = (d * x_hat).mean(axis=1, keepdims=True)
        n, root_n = x.shape[1], math.sqrt(x.shape[1])
        rule = "Which changes of a row leave x/s as it is? Each takes one term out of d."
        mistakes += [
            (d / r, "s was treated as a constant.", "s depends on every number of the row."),
            (standardized(d, x, 1), "This is the backward pass of LayerNorm.", rule),
            ((d - d.mean(1, keepdims=True) - x_hat * inner) / r, "The shift was taken out.", rule),
            (expected * r, "It is not divided by s.", ""),
            (expected / r, "It is divided by s².", "Divide by s once."),
            (expected * r * r, "It is multiplied by s.", "Divide."),
            (d / r - x_hat * inner, "The last term is not divided by s.",
             "Both terms are divided by s."),
            ((d - x_hat * (dz * x_hat).mean(1, keepdims=True)) / r, "The last term has dz for d.",
             "gamma belongs to both terms."),
            ((d - x_hat * (d * x_hat).sum(1, keepdims=True)) / r, "A sum stands for the mean.",
             "s² is the mean of x², so a 1/n stays."),
            *((found, "s is the root of the sum.", "It is the root of the mean of x².")
              for found in (expected / root_n, (d - x_hat * inner / n) / (r * root_n))),
            ((d - x_hat * (d * x_hat)) / r, "d ⊙ x̂ was not averaged.", "Average over the row."),
            ((d - inner) / r, "The last term lacks its x̂.", rule),
            ((d - x * (d * x).mean(1, keepdims=True)) / r, "The last term has x for x̂.",
             "x̂ = x/s."),
            ((d + x_hat * inner) / r, "The last term was added.", "It is taken away."),
            ((d - 2 * x_hat * inner) / r, "The last term is doubled.",
             "s² has the derivative 2 x/n, and its root another factor."),
            ((d - x_hat * (d * x_hat).mean(0)) / r, "The mean of d ⊙ x̂ runs over the wrong axis.",
             "It runs over a row, axis 1."),
            ((d - x_hat * inner) / x.std(1, keepdims=True),
             "It is divided by the standard deviation.",
             "Nothing is centred here: divide by the root mean square."),
            (_unmoved(d, x), "s is the standard deviation.",
             "Nothing is centred here: s is the root mean square."),
            ((d - x_hat * (d * x_hat).mean()) / r, "All rows share one mean.",
             "Each row has its own: axis=1, keepdims=True."),
        ]  # fmt: skip
        kept = distinct(mistakes, expected)
        return Case((dz, x, gamma), expected, kept, rule, where=f"x of shape {x.shape}")

    cases = [case(*one) for one in _shapes(1)]
    return _judged(backward, cases, "One term fewer than LayerNorm.")


def _judged(backward: Any, cases: Sequence[Case], praise: str) -> Verdict:
    """Judge by the cases; say what may be behind shapes that do not fit."""
    if (unfit := misfit(backward, "dz, x, gamma")) is not None:
        return unfit

    def caught(dz: Array, x: Array, gamma: Array) -> Any:
        try:
            return backward(dz, x, gamma)
        except ValueError as error:
            if "broadcast" not in str(error):
                raise
            raise Told(
                f"For x of shape {x.shape} it raised ValueError: {error}. A mean over axis 1 has"
                " one number per row: keepdims=True lets it stand against the row."
            ) from error

    given = caught if callable(backward) and takes(backward, range(3)) else backward
    return judge(given, cases, praise, "dz, x, gamma")


@checker
def check_fold(fold: Answer) -> Verdict:
    """Check ``fold(W, b, gamma, beta, mean, s)``: W γ/s and (b - mean) γ/s + beta, by column."""
    names = "W, b, gamma, beta, mean, s"
    if (unfit := misfit(fold, names)) is not None:
        return unfit

    def case(seed: int, n_in: int, n_out: int) -> Case:
        rng = np.random.default_rng(seed)
        W = rng.normal(size=(n_in, n_out))
        b, beta, mean = rng.normal(size=(3, n_out))
        gamma, s = rng.uniform(0.5, 2, size=(2, n_out))
        rate = gamma / s
        right = np.vstack([W * rate, (b - mean) * rate + beta])
        rule = "Write z = gamma (aW + b - mean)/s + beta, and sort it by what stands at a."
        mistakes: list[tuple[Any, str, str]] = [
            (np.vstack([W, b]), "These are the old weights and the old bias.", rule),
            (np.vstack([W, (b - mean) * rate + beta]), "These are still the old weights.", rule),
            (np.vstack([W * rate, b]), "The bias is still the old one.", rule),
            (np.vstack([W * rate, b * rate + beta]), "The mean is not subtracted.", rule),
            (np.vstack([W * rate, b - mean * rate + beta]), "b is not divided by s.",
             "The old bias goes through the normalization as well."),
            (np.vstack([W * rate, b * rate - mean + beta]), "The mean is not divided by s.", rule),
            (np.vstack([W * rate, b + beta - mean]), "b and the mean are not scaled.", rule),
            (np.vstack([W * rate, (b - mean + beta) * rate]), "beta was scaled.",
             "It is added last."),
            (np.vstack([W * rate, beta - mean * rate]), "The old bias is lost.", rule),
            (np.vstack([W * rate, beta]), "The new bias is more than beta.", rule),
            (np.vstack([W * rate, (b - mean) * rate]), "beta is missing.", rule),
            (np.vstack([W / s, (b - mean) / s + beta]), "gamma is missing.", rule),
            (np.vstack([W * gamma, (b - mean) * gamma + beta]), "s is missing.", rule),
            (np.vstack([W * rate / s, (b - mean) * rate / s + beta]),
             "It is divided by the variance.", "s is the standard deviation already."),
            (np.vstack([W * gamma / np.sqrt(s), (b - mean) * gamma / np.sqrt(s) + beta]),
             "It is divided by the root of s.", "s is the standard deviation, not the variance."),
            (np.vstack([W * gamma * s, (b - mean) * gamma * s + beta]),
             "It is multiplied by s.", "Divide."),
            (np.vstack([W * rate, (b + mean) * rate + beta]), "The mean was added.", rule),
        ]  # fmt: skip
        where = f"W of shape {W.shape}"
        return Case((W, b, gamma, beta, mean, s), right, mistakes, rule, where=where)

    def stacked(*args: Any) -> Any:
        try:
            found = fold(*args)
        except ValueError:
            raise Told("The shapes do not fit: each column of W gets its own gamma/s.") from None
        if found is None:
            return None
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise Told("Return two arrays, the new weights and the new bias.")
        for name, part, old in zip(("weights have", "bias has"), found, args[:2], strict=True):
            if np.shape(part) != old.shape:
                raise Told(f"The new {name} shape {np.shape(part)}, expected {old.shape}.")
        return np.vstack(found)

    given = stacked if callable(fold) and takes(fold, range(6)) else fold
    return judge(given, [case(0, 2, 3), case(1, 4, 2)], "One layer instead of two.", names)
