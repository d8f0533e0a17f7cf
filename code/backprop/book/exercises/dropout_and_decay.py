"""Checkers of the chapter "Dropout and weight decay".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Verdict,
    checker,
    distinct,
    judge,
    judge_value,
)

NAMES = ("The first number", "The second number", "The third number", "The fourth number")


@checker
def check_mask(forward: Any, backward: Any) -> Verdict:
    """Check (2, -1, 4, 3) and the slopes (1, 2, -1, 3) at p = 1/4: the first is dropped."""
    x, dz, kept = np.array([2.0, -1, 4, 3]), np.array([1.0, 2, -1, 3]), np.array([0.0, 1, 1, 1])
    strict = np.array([0.0, 1, 0, 1])
    parts = (("Forward", forward, x, dz), ("Backward", backward, dz, x))
    for name, answer, values, other in parts:
        scale = "What is kept is divided by 1 - p."
        mistakes: Mistakes = [
            (kept * values, "The dropped entry is right, the scale is not.", scale),
            (kept * values * 0.75, "What is kept was multiplied by 1 - p.",
             "The division makes up for what is missing on average."),
            (kept * values * 4, "What is kept was divided by p.",
             "A share of 1 - p is kept."),
            (strict * values / 0.75, "One entry too many is dropped.",
             "An entry is dropped if its random number is below p, and 0.25 is not below 0.25."),
            (strict * values, "One entry too many is dropped, and the scale is missing.",
             "Is 0.25 below 0.25?"),
            ((1 - kept) * values / 0.75, "You have dropped what is kept, and kept what is dropped.",
             "An entry is dropped if its random number is below p."),
            ((1 - strict) * values / 0.75,
             "You have dropped what is kept, and kept what is dropped.",
             "An entry is dropped if its random number is below p."),
            (values / 0.75, "Nothing is dropped here.", "One random number is below p."),
            (values, "This is what came in.", "Which entries are dropped? What scales the others?"),
            (kept * other / 0.75, "These are the numbers of the other direction.", ""),
            (kept * values / 0.75**2, "The scale went in twice.", "The mask already holds it."),
        ]  # fmt: skip
        right = kept * values / 0.75
        verdict = judge_value(
            answer, Case((), right, distinct(mistakes, right), scale, names=NAMES)
        )
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, "The same mask in both directions.")


@checker
def check_backward(backward: Answer) -> Verdict:
    """Check ``backward(da, kept, p)``: da / (1 - p) where ``kept`` is true, and 0 elsewhere."""

    def case(da: Array, kept: NDArray[np.bool_], p: float) -> Case:
        once = "The mask is 1/(1 - p) where an entry was kept, and 0 elsewhere."
        mistakes: Mistakes = [
            (da * kept, "The scale is missing.", once),
            (da * kept * (1 - p), "What was kept is multiplied by 1 - p.", once),
            (da * kept / (p or 1), "What was kept is divided by p.", once),
            (da * kept / (1 - p) ** 2, "The scale went in twice.", once),
            (da * ~kept / (1 - p), "Slopes pass where the entry was dropped.",
             "`kept` is true where the entry was kept."),
            (da * ~kept, "Slopes pass where the entry was dropped, and the scale is missing.",
             once),
            (da / (1 - p), "Slopes pass through dropped entries too.",
             "A dropped entry has no influence on the loss."),
            (da, "This is how the layer works in use.", once),
            (np.where(kept, da / (1 - p), da), "Slopes pass through dropped entries too.",
             "A dropped entry has no influence on the loss."),
        ]  # fmt: skip
        right = da * kept / (1 - p)
        return Case((da, kept, p), right, distinct(mistakes, right), once)

    cases = [
        case(np.array([[3.0, -1.0, 2.0]]), np.array([[True, False, True]]), 0.2),
        case(np.array([[1.0, 2.0], [-3.0, 4.0], [5.0, 7.0]]),
             np.array([[False, True], [True, True], [False, False]]), 0.6),
        case(np.array([[2.5, -1.5]]), np.array([[True, True]]), 0.0),
    ]  # fmt: skip
    return judge(backward, cases, "The mask of the forward pass, and no other.", "da, kept, p")


@checker
def check_penalty(penalty: Answer) -> Verdict:
    """Check ``penalty(W, x, p)``: p/(1 - p) · Σ W_ij² mean x_i² / 2, what dropout adds."""

    def case(W: Array, x: Array, p: float) -> Case:
        q, squares = p / (1 - p), (x**2).mean(axis=0)
        total = float((W.T**2 @ squares).sum())
        right = q * total / 2
        mistakes: Mistakes = [
            (q * total, "This is twice as much.", "The loss has a factor ½."),
            (p * total / 2, "The factor is not p.", "What is the variance of a scaled mask?"),
            (p * (1 - p) * total / 2, "This is the factor of a mask that is not scaled.",
             "The scale 1/(1 - p) multiplies the variance by its square."),
            (p / (1 - p) ** 2 * total / 2, "The factor is not p/(1 - p)².",
             "The variance of the unscaled mask is p(1 - p)."),
            ((1 - p) / (p or np.inf) * total / 2, "The factor is upside down.",
             "Without dropout there must be no penalty."),
            (q * float((W.T**2 @ x.mean(axis=0) ** 2).sum()) / 2,
             "The mean was squared.", "Square the inputs first, then take their mean."),
            (q * len(x) * total / 2, "The examples were added.", "The loss is a mean over them."),
            (q * total / 2 / W.shape[1], "This is a mean over the outputs.",
             "The squared errors of the outputs are added."),
            (q * float((W**2).sum()) / 2, "This is plain weight decay.",
             "Each weight counts with the mean square of its input."),
            (q * float((np.abs(W).T @ squares).sum()) / 2, "The weights are not squared.", ""),
            (q * float((W.T**2 @ x.var(axis=0)).sum()) / 2, "The variance of x was taken.",
             "The mean of x is not subtracted: dropout sets x to 0, and not to its mean."),
            (q * float(((x @ W) ** 2).sum(axis=1).mean()) / 2, "The outputs were squared.",
             "Each input is dropped by itself. Square w_i x_i, then add."),
        ]  # fmt: skip
        more = "Each weight counts with its square and the mean square of its input."
        return Case((W, x, p), right, distinct(mistakes, right), more)

    cases = [
        case(np.array([[2.0], [-1.0]]), np.array([[1.0, 3.0], [2.0, -1.0], [0.0, 2.0]]), 0.2),
        case(np.array([[1.0, -2.0], [0.5, 3.0], [2.0, 0.0]]),
             np.array([[1.0, 2.0, -1.0], [3.0, 0.0, 1.0]]), 0.75),
        case(np.array([[1.0, 2.0]]), np.array([[3.0]]), 0.0),
    ]  # fmt: skip
    return judge(penalty, cases, "Bright inputs are punished, dark ones are not.", "W, x, p")


@checker
def check_pull(first: Any, second: Any, decoupled: Any) -> Verdict:
    """Check θ = 2, η = 0.1, λ = 0.2, gradients ±0.3 and ±3: how far each is pulled in a step."""
    root = "Divide λθ by the root of the mean of (g + λθ)² and (-g + λθ)²."
    parts: tuple[tuple[str, Any, float, Mistakes, str], ...] = (
        ("The first weight", first, 0.1 * 0.4 / 0.5, [
            (0.04, "This is the pull of decoupled decay.", root),
            (0.1 * 0.4 / 0.3, "The penalty's gradient is missing under the root.", root),
            (0.1 * 0.4 / 0.25, "The root is missing.", root),
            (0.1 * 0.2 / np.hypot(0.3, 0.2), "λ is multiplied by θ, which is 2.", root),
            (0.1 * 0.2 / 0.5, "θ is missing.", "The penalty's gradient is λθ."),
            (0.1 * 0.4 / 0.7, "Sizes were added.", root),
            (0.8, "The rate is missing.", ""),
            (0.1 * 0.4 / np.hypot(3, 0.4), "This is the pull on the second weight.", root),
            (-0.08, "Only the sign is wrong.", "How far is the weight pulled, without a sign?"),
            (1.92, "This is where the weight ends.", "How far was it pulled?"),
            (0.1, "This is the pull on a weight whose loss has no gradient.", root),
        ], root),
        ("The second weight", second, 0.1 * 0.4 / np.hypot(3, 0.4), [
            (0.04, "This is the pull of decoupled decay.", root),
            (0.08, "This is the pull on the first weight.", "Its gradient is ten times as large."),
            (0.013, "Give three significant digits.", ""),
            (0.008, "Not exactly a tenth.", "Only a part of the root is ten times as large."),
            (0.1 * 0.4 / 3, "The penalty's gradient is missing under the root.", root),
            (0.1 * 0.4 / 3.4, "Sizes were added.", root),
            (0.1 * 0.4 / 9.16, "The root is missing.", root),
            (0.1 * 0.2 / np.hypot(3, 0.4), "θ is missing.", "The penalty's gradient is λθ."),
            (0.4 / np.hypot(3, 0.4), "The rate is missing.", ""),
        ], root),
        ("Decoupled", decoupled, 0.04, [
            (0.02, "This is the factor's distance from 1.", "Multiply it by θ."),
            (0.4, "The rate is missing.", "θ is multiplied by 1 - ηλ."),
            (1.96, "This is where the weight ends.", "How far was it pulled?"),
            (0.98, "This is the factor.", "How far does it pull a weight of 2?"),
            (0.08, "This is Adam's pull.", "θ is multiplied by 1 - ηλ."),
            (0.2, "The factor is not 1 - η or 1 - λ/2.", "It is 1 - ηλ."),
        ], "θ is multiplied by 1 - ηλ."),
    )  # fmt: skip
    for name, answer, right, mistakes, more in parts:
        verdict = judge_value(answer, Case((), right, distinct(mistakes, right), more))
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, "Coupled decay spares the weight that the loss pulls most.")


@checker
def check_adamw(step: Answer) -> Verdict:
    """Check ``adamw(theta, m, s, eta, lam, decays)``: (1 - ηλ) θ - η m/(√s + 1e-8)."""

    def case(theta: Array, m: Array, s: Array, eta: float, lam: float, decays: Array) -> Case:
        root, shrunk = np.sqrt(s) + 1e-8, np.where(decays, (1 - eta * lam) * theta, theta)
        move = eta * m / root
        penal = np.where(decays, lam * theta, 0)
        mistakes: Mistakes = [
            (theta - move, "Nothing decays.", "Multiply what decays by 1 - ηλ."),
            ((1 - eta * lam) * theta - move, "All parameters decay.",
             "`decays` is false for biases, for example."),
            (np.where(decays, theta, (1 - eta * lam) * theta) - move,
             "The wrong parameters decay.", "`decays` is true for those that do."),
            (theta - eta * (m + penal) / root, "The root divides the decay as well.",
             "This is coupled decay. Keep λθ out of the quotient."),
            (np.where(decays, (1 - lam) * theta, theta) - move, "The decay lacks the rate.",
             "In this package the factor is 1 - ηλ."),
            (np.where(decays, (1 + eta * lam) * theta, theta) - move, "The weights grow.",
             "The factor is below 1."),
            (np.where(decays, (1 - eta * lam) * (theta - move), theta - move),
             "The step of Adam is shrunk as well.", "Shrink θ as it was before the step."),
            (shrunk + move, "The step goes uphill.", "The update has a minus sign."),
            (shrunk - eta * m / (s + 1e-8), "The root is missing.", "Divide by √s + 1e-8."),
            (shrunk - eta * m / np.sqrt(s + 1e-8), "The 1e-8 is under the root.",
             "It is added to the root of s, and not to s."),
            (shrunk - m / root, "The step lacks the rate.", ""),
            (shrunk, "Adam's own step is missing.", "Subtract η m/(√s + 1e-8)."),
            (np.where(decays, eta * lam * theta, theta) - move,
             "This multiplies by ηλ.", "The factor is 1 - ηλ."),
        ]  # fmt: skip
        right = shrunk - move
        return Case((theta, m, s, eta, lam, decays), right, distinct(mistakes, right),
                    "First (1 - ηλ) θ where it decays, then minus η m/(√s + 1e-8).")  # fmt: skip

    cases = [
        case(np.array([2.0, -1.0]), np.array([0.3, 0.5]), np.array([0.25, 4.0]), 0.1, 0.5,
             np.array([True, False])),
        case(np.array([1.0, -3.0, 0.5]), np.array([0.1, -0.4, 0.2]), np.array([0.09, 1.0, 0.16]),
             0.02, 2.0, np.array([False, True, True])),
        case(np.array([1.5]), np.array([0.0]), np.array([0.0]), 0.1, 0.3, np.array([True])),
        case(np.array([1.5]), np.array([1e-6]), np.array([1e-12]), 0.1, 0.3, np.array([True])),
    ]  # fmt: skip
    names = "theta, m, s, eta, lam, decays"
    return judge(step, cases, "Where there is no gradient, the decay acts alone.", names)


def _halts(losses: Sequence[float], patience: int) -> tuple[int, int]:
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch, best
    return len(losses) - 1, best


@checker
def check_stopping(stop: Answer) -> Verdict:
    """Check ``stop(losses, patience)``: the epoch where training ends, and the one that is kept."""

    def last_rise(losses: Sequence[float], patience: int) -> tuple[int, int]:
        waited = 0
        for epoch in range(1, len(losses)):
            waited = waited + 1 if losses[epoch] >= losses[epoch - 1] else 0
            if waited >= patience:
                return epoch, int(np.argmin(losses[: epoch + 1]))
        return len(losses) - 1, int(np.argmin(losses))

    def last_best(losses: Sequence[float], patience: int) -> tuple[int, int]:
        best = 0
        for epoch, loss in enumerate(losses):
            best = epoch if loss <= losses[best] else best
            if epoch - best >= patience:
                return epoch, best
        return len(losses) - 1, best

    def never_reset(losses: Sequence[float], patience: int) -> tuple[int, int]:
        waited, best = 0, 0
        for epoch in range(1, len(losses)):
            if losses[epoch] < losses[best]:
                best = epoch
            else:
                waited += 1
            if waited >= patience:
                return epoch, best
        return len(losses) - 1, best

    def case(losses: list[float], patience: int) -> Case:
        end, kept = right = _halts(losses, patience)
        ahead = int(np.argmin(losses))
        mistakes: Mistakes = [
            ((kept, end), "The two numbers are in the other order.",
             "First the epoch where training ends."),
            ((end, end), "The weights of the last epoch are not the best ones.",
             "Keep those of the least loss so far."),
            ((end + 1, kept), "Training goes on for an epoch too many.",
             "Stop in the epoch in which the patience is used up."),
            ((end - 1, kept), "Training ends an epoch too early.",
             "The epochs after the best are counted from 1."),
            ((end + 1, kept + 1), "Epochs are counted from 0 here.", ""),
            ((end, end - patience), "The best epoch is not always `patience` before the end.",
             "What if the losses run out first?"),
            ((len(losses) - 1, ahead), "This looks into the future.",
             "Training has ended before it could see all the losses."),
            ((end, ahead), "This looks into the future.",
             "Only the losses up to the end of the training are known."),
            (last_rise(losses, patience), "Each loss is compared with the one before.",
             "Compare it with the best so far."),
            (last_best(losses, patience), "A loss that equals the best counted as better.",
             "Compare with <, and not with <=."),
            (never_reset(losses, patience), "All epochs without a better loss were counted.",
             "The count begins again with each better loss."),
        ]  # fmt: skip
        return Case((losses, patience), right, distinct(mistakes, right),
                    "Remember the best epoch, and stop when the present one is `patience` later.",
                    names=("The end", "The epoch that is kept"))  # fmt: skip

    cases = [
        case([5.0, 3.0, 4.0, 4.5, 2.0, 1.0], 2), case([5.0, 4.0, 3.0, 3.5], 3),
        case([5.0, 3.0, 4.0, 3.0, 4.0, 4.5, 6.0, 1.0], 3),
        case([4.0, 2.0, 3.0, 2.5, 2.2, 2.1, 1.0], 3), case([3.0, 3.0, 3.0, 1.0], 2),
        case([5.0, 4.0, 4.5, 3.0, 3.5, 2.0], 2),
    ]  # fmt: skip
    return judge(stop, cases, "And it never looked ahead.", "losses, patience")


@checker
def check_averaged(averaged: Answer) -> Verdict:
    """Check ``averaged(w, x, p)``: the mean of tanh(Σ wᵢmᵢxᵢ) over all masks."""

    def mean(w: Array, x: Array, p: float, scale: float, drop: float) -> float:
        total = 0.0
        for kept in product((0, 1), repeat=len(w)):
            k = np.array(kept)
            chance = float(np.prod(np.where(k, 1 - drop, drop)))
            total += chance * float(np.tanh((w * x) @ k * scale))
        return total

    def case(w: Array, x: Array, p: float) -> Case:
        z, scale = float(w @ x), 1 / (1 - p)
        right = mean(w, x, p, scale, p)
        full = "A mask with k entries kept out of n has the probability (1 - p)^k p^(n - k)."
        mistakes: Mistakes = [
            (float(np.tanh(z)), "This is the unit in use.",
             "It applies tanh to the mean of z. The mean of tanh(z) is asked for."),
            (mean(w, x, p, scale, 0.5), "All masks count alike here.", full),
            (mean(w, x, p, 1.0, p), "The masks lack their scale.", "What is kept is 1/(1 - p)."),
            (mean(w, x, p, scale, 1 - p), "p and 1 - p have changed places.", full),
            (mean(w, x, p, 1 - p, p), "What is kept was multiplied by 1 - p.", "Divide."),
            (z, "This is the mean of z.", "Apply tanh for each mask, then take the mean."),
            (mean(w, x, p, scale, p) * 2 ** len(w), "The probabilities add up to 1 already.", ""),
            (float(np.tanh(z * (1 - p))), "Here the inputs are scaled, and nothing is dropped.",
             full),
            (float(np.tanh(z / (1 - p))), "Here the inputs are scaled, and nothing is dropped.",
             full),
        ]  # fmt: skip
        return Case((w, x, p), right, distinct(mistakes, right), full)

    cases = [
        case(np.array([1.0, 2.0]), np.array([1.0, 0.5]), 0.2),
        case(np.array([0.5, -1.0, 2.0]), np.array([2.0, 1.0, 0.6]), 0.4),
        case(np.array([1.5]), np.array([0.4]), 0.5),
    ]  # fmt: skip
    return judge(averaged, cases, "The mean of tanh(z) is not tanh of the mean.", "w, x, p")
