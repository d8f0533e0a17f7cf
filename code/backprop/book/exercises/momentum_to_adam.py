"""Checkers of the chapter "From momentum to Adam".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import cmath
import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
    numbers,
)


@checker
def check_three(first: Any, second: Any, third: Any) -> Verdict:
    """Check L = θ² from θ = 8, three steps of momentum at η = 0.25, β = 0.5: 4, 0, -2."""
    rule = "First v ← 0.5 v + 2θ, then θ ← θ - 0.25 v, with v = 0 at the start."
    parts: list[Part] = [
        ("θ after one step", 4.0, [
            (6.0, "The gradient of θ² is 2θ, and it enters v whole.", rule),
            (12.0, "This walks uphill.", "The update has a minus sign."),
            (2.0, "This step looks ahead, as Nesterov's does.", rule),
            (0.0, "The gradient is added to v twice, or this is the second step.", rule),
            (8.0, "The first step already moves: v takes in the gradient before θ moves.", rule),
        ], rule),
        ("θ after two steps", 0.0, [
            (2.0, "This step has forgotten the velocity: half of the old v stays.", rule),
            (-2.0, "This is θ after three steps, or v was not halved, or g is that of the start.",
             rule),
            (1.0, "The old velocity is missing, or was subtracted.", rule),
            (4.0, "Here the velocity pulls backwards.", "Half of the old v is *added*."),
            (-4.0, "v was not halved, and g is that of the start.",
             "Take half of v and the slope at the new place."),
        ], rule),
        ("θ after three steps", -2.0, [
            (0.0, "The gradient is 0 here, but the velocity is not.", "Half of v is left."),
            (1.0, "This step has forgotten the velocity: half of the old v stays.", rule),
            (-4.0, "The velocity was not halved.", rule),
            (2.0, "The velocity points the other way.", "It has not changed its sign yet."),
            (-1.0, "The velocity was halved twice.", "v was 16 before this step."),
        ], rule),
    ]  # fmt: skip
    praise = "At θ = 0 the slope is 0, and the velocity carries θ across."
    return in_turn((first, second, third), parts, praise)


@checker
def check_best(beta: Any, rate: Any, shrink: Any) -> Verdict:
    """Check the best β, η and factor for the curvatures 1 and 16: 0.36, 0.16 and 0.6."""
    root = "The best √β is (√κ - 1)/(√κ + 1), with κ = 16."
    equal = "The best rate is 1 + β times that of plain gradient descent."
    parts: list[Part] = [
        ("β", 0.36, [
            (0.6, "This is √β.", "Square it."),
            ((15 / 17) ** 2, "Here κ stands where √κ belongs.", root),
            (15 / 17, "This is the factor of plain gradient descent.", root),
            (0.9, "This is the usual default.", root),
            (0.64, "This is 1 - β.", root),
            (25 / 9, "The fraction is upside down.", root),
        ], root),
        ("The rate", 0.16, [
            (2 / 17, "This is the best rate without momentum.", equal),
            (1 / 16, "With this rate a plain step would end the steep coordinate.", equal),
            (0.125, "This is the limit without momentum.", equal),
            (2.72 / 16, "This is the limit with this β.", "It makes the two curvatures unequal."),
            (0.64 * 2 / 17, "The velocity makes a longer rate possible, not a shorter one.", equal),
            (1.6 * 2 / 17, "Here √β stands where β belongs.", equal),
            (2.72, "The curvatures are missing.", equal),
        ], equal),
        ("The factor", 0.6, [
            (0.36, "This is β.", "Complex roots have the product β and the same size."),
            (15 / 17, "This is the factor without momentum.",
             "Complex roots have the product β and the same size."),
            (0.4, "This part of the distance goes in a step.", "Which part stays?"),
            (-0.6, "This one is negative.", "The size is asked for."),
        ], "Complex roots have the product β and the same size."),
    ]  # fmt: skip
    praise = "A condition number of 16 behaves like one of 4."
    return in_turn((beta, rate, shrink), parts, praise)


@checker
def check_first(right: Any, neither: Any, half: Any) -> Verdict:
    """Check Adam's first step for g = 5, η = 0.1, β₁ = 0.9, β₂ = 0.96: 0.1, 0.05 and 0.5."""
    start = "m = 0.1 · 5 and s = 0.04 · 25."
    parts: list[Part] = [
        ("With both corrections", 0.1, [
            (0.5, "This step grows with the gradient.", "m̂ = 5 and ŝ = 25."),
            (-0.1, "This is the change of θ.", "The size of the step is asked for."),
            (0.05, "This is the step without corrections.", start),
            (1.0, "The learning rate is missing.", "m̂ = 5 and ŝ = 25."),
            (0.02, "This divides by ŝ.", "Divide by its root."),
        ], "m̂ = 5 and ŝ = 25."),
        ("Without either", 0.05, [
            (0.1, "The two corrections do not cancel here.", start),
            (0.5, "This has the correction of m.", start),
            (-0.05, "This is the change of θ.", "The size of the step is asked for."),
            (0.01, "This has the correction of s.", start),
            (0.25, "Divided by β's complement, not by its root.", start),
        ], start),
        ("With that of m alone", 0.5, [
            (0.01, "This has the correction of s alone.", "Correct m: m̂ = 5."),
            (0.05, "This has neither.", "Correct m: m̂ = 5."),
            (0.1, "This has both.", "Leave s as it is: s = 1."),
            (-0.5, "This is the change of θ.", "The size of the step is asked for."),
            (2.5, "Here s was not rooted.", "Divide by √s, with s = 1, and multiply by η."),
        ], "m̂ = 5, but s = 1."),
    ]  # fmt: skip
    return in_turn((right, neither, half), parts, "Half a correction is worse than none here.")


GRADIENTS = (
    np.array([[2.0, -1.0], [1.0, -1.0], [-3.0, 0.5]]),
    np.array([[0.4, 0.0, -5.0], [0.4, 0.2, 5.0], [-0.1, 0.2, -5.0], [0.3, 0.0, 1.0]]),
)


def _momentum(gradients: Array, eta: float, beta: float, new: float = 1.0) -> Array:
    v, changes = np.zeros(gradients.shape[1]), []
    for g in gradients:
        v = beta * v + new * g
        changes.append(-eta * v)
    return np.array(changes)


@checker
def check_momentum(momentum: Answer) -> Verdict:
    """Check ``momentum(gradients, eta, beta)``: the change of θ in each step, same shape."""
    rule = "v = beta * v + g, and the change is -eta * v. Before the first step v is 0."

    def case(gradients: Array, eta: float, beta: float) -> Case:
        right = _momentum(gradients, eta, beta)
        late = np.vstack([np.zeros_like(right[:1]), right[:-1]])
        sums = -eta * np.cumsum(gradients, axis=0)
        mistakes: list[tuple[Any, str, str]] = [
            (-right, "The sign is wrong: this climbs.", ""),
            (-eta * gradients, "The velocity is forgotten after each step.", rule),
            (_momentum(gradients, eta, beta, 1 - beta), "The gradient enters with 1 - β.",
             "That is an average. In this chapter v is a sum."),
            (sums, "The old velocity is not multiplied by β.", rule),
            (late, "Each step uses the velocity from before its gradient.",
             "Update v first, then move."),
            (np.cumsum(right, axis=0), "These are the places, not the changes.",
             "Return -eta * v for each step."),
            (-eta * gradients + beta * right, "This looks ahead, as Nesterov's rule does.", rule),
            (right[-1], "Only the last change is there.", "Return one row for each step."),
            (-right / eta, "This is the velocity.", "The change of θ is -eta * v."),
            (_momentum(gradients, eta, 1 - beta), "β and 1 - β are exchanged.", rule),
            (right / eta, "The learning rate is missing.", rule),
        ]  # fmt: skip
        return Case((gradients, eta, beta), right, distinct(mistakes, right), rule)

    cases = [case(GRADIENTS[0], 0.1, 0.5), case(GRADIENTS[1], 0.02, 0.9)]
    return judge(momentum, cases, "A sum that forgets.", "gradients, eta, beta")


def _adam(
    gradients: Array, eta: float, betas: tuple[float, float], eps: float,
    *, corrected: tuple[bool, bool] = (True, True), kind: str = "",
    ahead: int = 0,
) -> Array:  # fmt: skip
    (beta1, beta2), n = betas, gradients.shape[1]
    m, s, changes = np.zeros(n), np.zeros(n), []
    for t, g in enumerate(gradients, start=1):
        one, two = (1.0, 1.0) if kind == "sums" else (1 - beta1, 1 - beta2)
        m = beta1 * m + one * g
        s = beta2 * s + two * (
            m**2 if kind == "m squared" else np.abs(g) if kind == "abs" else g**2
        )
        first = m / (1 - beta1 ** (t + ahead)) if corrected[0] else m
        second = s / (1 - beta2 ** (t + ahead)) if corrected[1] else s
        if kind == "inside":
            changes.append(-eta * first / np.sqrt(second + eps))
        elif kind == "no root":
            changes.append(-eta * first / (second + eps))
        elif kind == "early ε":
            root = (np.sqrt(second * (1 - beta2**t)) + eps) / np.sqrt(1 - beta2**t)
            changes.append(-eta * first / root)
        elif kind == "no m":
            changes.append(-eta * g / (np.sqrt(second) + eps))
        else:
            changes.append(-eta * first / (np.sqrt(second) + eps))
    return np.array(changes)


@checker
def check_adam(adam: Answer) -> Verdict:
    """Check ``adam(gradients, eta, beta1, beta2, eps)``: the change of θ in each step."""
    rule = "m and s are averages that start at 0. Divide them by 1 - β₁ᵗ and 1 - β₂ᵗ, t = 1, 2, …"

    def case(gradients: Array, eta: float, beta1: float, beta2: float, eps: float) -> Case:
        args = gradients, eta, (beta1, beta2), eps
        right = _adam(*args)
        mistakes: list[tuple[Any, str, str]] = [
            (-right, "The sign is wrong: this climbs.", ""),
            (_adam(*args, corrected=(False, False)), "Neither average is corrected.", rule),
            (_adam(*args, corrected=(True, False)), "The average of the squares is not corrected.",
             rule),
            (_adam(*args, corrected=(False, True)),
             "The average of the gradients is not corrected.", rule),
            (_adam(*args, kind="inside"), "ε stands inside the root.", "Add it to the root."),
            (_adam(*args, kind="early ε"), "ε is added before the correction.",
             "Correct s first, then add ε to √ŝ."),
            (_adam(gradients, eta, (beta1, beta2), 1e-12), "ε is missing.", "Divide by √ŝ + ε."),
            (_adam(*args, ahead=1), "The number of the step is one too large in the correction.",
             "In the first step, t = 1."),
            (_adam(*args, kind="no root"), "The root is missing.", "Divide by √ŝ + ε."),
            (_adam(*args, kind="m squared"), "s averages the squares of m.",
             "It averages the squares of the gradients."),
            (_adam(*args, kind="abs"), "s averages sizes, not squares.", rule),
            (_adam(*args, kind="no m"), "The step uses g itself, as RMSProp does.",
             "m̂ stands above."),
            (_adam(*args, kind="sums"), "The new terms enter whole.",
             "They enter with 1 - β₁ and 1 - β₂."),
            (_adam(gradients, eta, (beta2, beta1), eps), "β₁ and β₂ are exchanged.", rule),
            (np.cumsum(right, axis=0), "These are the places, not the changes.", ""),
            (right[-1], "Only the last change is there.", "Return one row for each step."),
            (right / eta, "The learning rate is missing.", rule),
        ]  # fmt: skip
        given = (gradients, eta, beta1, beta2, eps)
        return Case(given, right, distinct(mistakes, right), rule)

    cases = [
        case(GRADIENTS[0], 0.1, 0.5, 0.75, 1e-3),
        case(GRADIENTS[1], 0.02, 0.9, 0.99, 1e-2),
    ]
    return judge(adam, cases, "Sizes cancel, and agreement counts.",
                 "gradients, eta, beta1, beta2, eps")  # fmt: skip


def _larger(middle: float, product: float) -> float:
    """Return the larger size of the roots of ρ² - middle ρ + product."""
    away = cmath.sqrt(middle**2 - 4 * product)
    return max(abs(middle + away), abs(middle - away)) / 2


@checker
def check_nesterov(factor: Answer) -> Verdict:
    """Check ``factor(pull, beta)``: larger |ρ| of ρ² - (1 + β)(1 - ηλ) ρ + β(1 - ηλ)."""
    more = (
        "Eliminate v: the last change of θ was -η(g + βv), with the g and v of that step."
        " Put θ = ρᵗ, and test your polynomial with β = 0, where ρ must be 1 - ηλ."
    )

    def case(pull: float, beta: float) -> Case:
        left = 1 - pull
        right = _larger((1 + beta) * left, beta * left)
        away = cmath.sqrt(((1 + beta) * left) ** 2 - 4 * beta * left)
        smaller = min(abs((1 + beta) * left + away), abs((1 + beta) * left - away)) / 2
        mistakes: list[tuple[Any, str, str]] = [
            (_larger(1 + beta - pull, beta), "This is the factor of plain momentum.", more),
            (math.sqrt(beta), "This is the factor of plain momentum with complex roots.", more),
            (math.sqrt(abs(beta * left)), "This holds only where the roots are complex.",
             "Look at the sign of the discriminant."),
            (beta * left, "This is the product of the roots.", more),
            (abs(left), "This is the factor without momentum.", more),
            (smaller, "This is the smaller root.", "The larger one decides in the long run."),
            (((1 + beta) * left + away).real / 2, "This is the larger real part, not the size.",
             "A complex root has the size |ρ|, and a negative one counts too."),
            (_larger((1 + beta) * left, beta), "The last term is not right.", more),
            (_larger(1 + beta - pull, beta * left), "The middle term is not right.", more),
            (right**2, "This is the factor of the loss.", "That of the distance is asked for."),
            ((1 + beta) * left, "This is the sum of the roots.", more),
        ]  # fmt: skip
        return Case((pull, beta), right, distinct(mistakes, right), more)

    cases = [
        case(*pair) for pair in ((0.5, 0.25), (0.01, 0.9), (0.01, 0.5), (1.2, 0.5), (0.1, 0.8))
    ]
    return judge(factor, cases, "Steep directions are damped more.", "pull, beta")


def _mean_best(losses: Sequence[float], n: int, pick: Callable[..., Any] = min) -> float:
    """Return the mean of the best of n draws with replacement, by listing them all."""
    return float(np.mean([pick(draw) for draw in itertools.product(losses, repeat=n)]))


@checker
def check_expected(expected_best: Answer) -> Verdict:
    """Check ``expected_best(losses, n)``: mean of the least of n draws with replacement."""
    more = (
        "Sort the losses. With what chance is each of the n draws at least as bad as the k-th?"
        " And with what chance is the best of them just the k-th?"
    )

    def case(losses: Sequence[float], n: int) -> Case:
        right = _mean_best(losses, n)
        some = list(itertools.combinations(losses, n))
        ordered = sorted(losses)
        mistakes: list[tuple[Any, str, str]] = [
            (min(losses), "This is the best of all trials.", "Only n of them are drawn."),
            (float(np.mean(losses)), "This is the mean trial.", more),
            (float(np.median(losses)), "This is the median trial.", more),
            (_mean_best(losses, n, max), "This is the mean of the *worst* of n draws.", more),
            (float(np.mean([min(draw) for draw in some])), "These draws are without replacement.",
             "The same trial may be drawn again."),
            (min(losses[:n]), "This is the best of the first n in this order.",
             "Take the mean over all ways to draw."),
            (float(np.mean(ordered[:n])), "This is the mean of the n best.", more),
            (float(np.quantile(losses, 1 / (n + 1))), "This is a quantile, not a mean.", more),
            (float(np.mean(losses[:n])), "This is the mean of the first n.", more),
            (ordered[n - 1], "This is the n-th best.", more),
        ]  # fmt: skip
        return Case((list(losses), n), right, distinct(mistakes, right), more)

    cases = [
        case([4.0, 1.0, 2.0], 2), case([0.7, 2.3, 0.2, 0.9], 3), case([0.5, 0.5, 2.0, 0.1, 1.0], 2),
        case([3.0, 0.25, 1.0], 1),
    ]  # fmt: skip
    return judge(expected_best, cases, "The budget is part of the result.", "losses, n")


def drift(beta2: float, eta: float, correct: bool = True) -> float:
    """Return how far β₁ = 0 moves θ in a settled cycle of the gradients 3, -1, -1."""
    s, moved = 11 / 3, 0.0
    for _ in range(400):
        moved = 0.0
        for g in (3.0, -1.0, -1.0):
            s = beta2 * s + (1 - beta2) * g * g
            moved -= eta * g / math.sqrt(s)
    return moved if correct else -moved


@checker
def check_drift(moved: Any) -> Verdict:
    """Check the settled cycle of 3, -1, -1 at η = 0.1, β₁ = 0, β₂ = 0.1: θ moves by +0.0681."""
    more = "Run s ← 0.1 s + 0.9 g² for some cycles, then add up -0.1 g/√s over one of them."
    first = -0.1 * (3 / math.sqrt(8.1) - 1 / math.sqrt(1.71) - 1 / math.sqrt(1.071))
    mistakes: Mistakes = [
        (-0.1, "This is the way of plain gradient descent: the sum of the three is 1.", more),
        (-drift(0.1, 0.1), "The sign is wrong.", "θ moves against g."),
        (0.1, "These steps all have the length η, as if s were g².", more),
        (first, "This is the first cycle without bias correction; it has not settled.", more),
        (drift(0.9, 0.1), "Here β₂ and 1 - β₂ are exchanged.", more),
        (drift(0.999, 0.1), "Here β₂ is 0.999.", "The exercise takes 0.1."),
        (drift(0.1, 1.0), "The learning rate is missing.", more),
        (drift(0.1, 0.1) / 3, "This is the mean per step.", "The whole cycle is asked for."),
        (
            -0.1 / math.sqrt(11 / 3),
            "This divides by the root of the mean square.",
            "With β₂ = 0.1, s hardly remembers the step before.",
        ),
        (0.07, "Give one more digit.", ""),
        (-0.07, "The sign is wrong.", "θ moves against g."),
    ]
    case = Case((), drift(0.1, 0.1), mistakes, more)
    given = numbers(moved)
    if given is not None and given.ndim == 0:  # two digits are enough here
        up = drift(0.1, 0.1)
        known = {0.068: up, -0.068: -up, -0.052: drift(0.999, 0.1)}
        moved = known.get(float(given), moved)
    return judge_value(moved, case, "Uphill: the rare large gradient is divided by its own size.")
