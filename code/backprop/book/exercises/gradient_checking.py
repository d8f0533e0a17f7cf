"""Checkers of the chapter "Gradient checking".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    alike,
    checker,
    judge,
    judge_value,
    numbers,
)

EPS = float(np.finfo(np.float64).eps)


def _step_and_error(
    answer: tuple[Any, Any], right: Sequence[float], mistakes: Sequence[Any], more: str, praise: str
) -> Verdict:
    """Judge two positive numbers that may be tiny: powers of ten are taken out of both."""
    found = numbers(answer)
    if found is None or found.shape != (2,) or not np.isrealobj(found):
        return Verdict(False, "Hand over two numbers: the best step, and the error there.")
    if not (found > 0).all():
        return Verdict(False, "A step and an error are positive numbers.", more)
    tens = 10.0 ** -np.floor(np.log10(np.array(right)))
    case = Case((), tens * right)
    if judge_value(tens * found, case):
        return Verdict(True, praise)
    for wrong, hint, stronger in mistakes:
        if alike(tens * found, tens * wrong):
            return Verdict(False, hint, stronger)
    step, error = (alike(t * f, t * r) for t, f, r in zip(tens, found, right, strict=True))
    if step or error:
        which = ("step", "error") if step else ("error", "step")
        return Verdict(False, "The {} is right, the {} is not.".format(*which), more)
    return Verdict(False, "Neither is right.", more)


LETTERS = "ABCDE"
MOVES = "A right one is among yours: its numbers change more than tenfold from step to step."
ACCUSED = {"A": MOVES, "C": MOVES, "D": MOVES}
MISSED = {
    "B": "A wrong gradient need not be far off.",
    "E": "A wrong gradient may be far off: what is the disagreement if it is twice too large?",
}
"""Hints that name no letter: to name it would be to give the answer away."""


@checker
def check_wrong_ones(letters: Any) -> Verdict:
    """Check which of five backward passes are wrong, from D at h = 1e-3, 1e-5, 1e-7: B and E.

    B (4e-4 three times) and E (0.51, 0.50, 0.50) have a floor. A (3e-7, 3e-11, 2e-9) is a V, C
    (0.2, 2e-5, 2e-9) falls with h², D (1e-6, 1e-4, 1e-2) grows with 1/h.
    """
    if letters is None:
        return Verdict(False, "The answer is None.")
    if not isinstance(letters, Iterable):
        return Verdict(False, 'Hand over letters, for example in a list: ["A", "D"].')
    found = [str(letter).strip().upper() for letter in letters]
    found = [letter for letter in found if letter not in ("", ",")]
    if strange := sorted(set(found) - set(LETTERS)):
        return Verdict(False, f"There is no {strange[0]!r}: hand over letters from A to E.")
    wrong, moves = set(found), "The error of a quotient moves with the step. A bug does not."
    if not wrong:
        return Verdict(False, "At least one of them is wrong.", moves)
    if accused := [ACCUSED[letter] for letter in sorted(wrong & set(ACCUSED))]:
        return Verdict(False, accused[0], moves)
    if missed := [MISSED[letter] for letter in sorted(set(MISSED) - wrong)]:
        return Verdict(False, f"Not all of them. {missed[0]}", moves)
    return Verdict(True, "Two floors. The other three are errors of the quotient.")


@checker
def check_one_sided(h: Any, error: Any) -> Verdict:
    """Check the best step of (f(2 + h) - f(2)) / h for f = x³, each value wrong by up to 0.0005.

    The error is at most 6h + 0.001/h (and h²): h = √(0.001/6) = 0.0129, error 2√0.006 = 0.155.
    """

    def best(slope: float, rounding: float) -> tuple[float, float]:
        return math.sqrt(rounding / slope), 2 * math.sqrt(slope * rounding)

    right = best(6, 0.001)
    with_square = [0.012882, 0.155086]  # the h² kept
    two = 2 * math.sqrt(0.006)
    start = "Write the error as a sum: one term grows with h, the other falls."
    mistakes = (
        (best(6, 0.0005), "The rounding term is half of the one asked for.",
         "Allow 0.0005 for each of the two values, even for 8. Their difference is divided by h."),
        (best(12, 0.001), "The truncation term is too large.", "(2 + h)³ contains 6h²."),
        (best(12, 0.0005), "Both terms are off by a factor of 2.", "What is divided by what?"),
        ((0.00025 ** (1 / 3), 3 * 0.00025 ** (2 / 3)), "This is the step to both sides.",
         "To one side, the term with 6h does not cancel."),
        ((0.063, 0.012), "This is the step to both sides.",
         "To one side, the term with 6h does not cancel."),
        ((right[0], two / 2), "The step is right. One of the two terms is missing in the error.",
         "At the best step they are equal."),
        ((right[0] ** 2, right[1]), "The error is right. This is the square of the step.", ""),
        ((right[0] ** 2, two**2 / 4), "A square root is missing.", ""),
        ((0.1, 0.61), "This is the error at h = 0.1.", start),
        (right[::-1], "The right numbers, but the step comes first.", ""),
    )  # fmt: skip
    praise = "A step to one side costs a digit: 0.155 instead of 0.012."
    if alike((h, error), with_square):
        return Verdict(True, praise)
    return _step_and_error((h, error), right, mistakes, start, praise)


@checker
def check_disagreement(disagreement: Answer) -> Verdict:
    """Check ``disagreement(g, q)``: max|g - q| / max(max|g|, max|q|), and 0 where both are zero.

    Shapes: g and q alike, the result a number.
    """

    def case(g: Array, q: Array) -> Case:
        gap, size = np.abs(g - q), np.maximum(np.abs(g), np.abs(q))
        mistakes = (
            (gap.max(), "That is the absolute difference: it is small whenever the gradients are.",
             "Divide by a scale."),
            ((gap / size).max(), "Each entry is divided by itself: an entry near 0 makes noise"
             " look like a bug.", "One scale for the whole array."),
            (gap.mean() / size.max(), "The mean hides one wrong entry among many right ones.",
             "Take the largest difference."),
            (np.linalg.norm(g - q) / size.max(), "A norm adds up the differences.",
             "Take the largest difference."),
            (np.linalg.norm(g - q) / (np.linalg.norm(g) + np.linalg.norm(q)), "This is a ratio of"
             " norms. It is a good measure, but not the one asked for.", ""),
            (np.linalg.norm(g - q) / max(np.linalg.norm(g), np.linalg.norm(q)), "This is a ratio"
             " of norms. It is a good measure, but not the one asked for.", ""),
            (gap.max() / (np.abs(g).max() + np.abs(q).max()), "The scale is the larger of the two,"
             " not their sum.", ""),
            ((gap / (np.abs(g) + np.abs(q))).max(), "Each entry is divided by its own scale.",
             "One scale for the whole array, and the larger of the two, not their sum."),
            ((g - q).max() / size.max(), "The differences have signs: take their size first.", ""),
            (gap.max() / max(g.max(), q.max()), "A scale is a size. A negative entry may be larger"
             " in size than all positive ones.", ""),
            (gap.max() / np.abs(g).max(), "The scale comes from the first array alone.",
             "The two should be treated alike."),
            (gap.max() / np.abs(q).max(), "The scale comes from the second array alone.",
             "The two should be treated alike."),
            (gap.max() / min(np.abs(g).max(), np.abs(q).max()), "The scale comes from the array"
             " with the smaller entries.", "Treat the two alike, and take the larger."),
            (gap / size.max(), "One number is asked for: the largest entry of this.", ""),
        )  # fmt: skip
        return Case((g, q), gap.max() / size.max(), mistakes, "What is divided by what?")

    zero, tiny = np.zeros(3), np.array([1e-9, -3e-9])
    more = "Is a constant put beneath the scale, or added to it?"
    floors = [
        (3e-9 / scale, "Two tiny gradients, one twice the other, seem to agree.", more)
        for floor in (1e-6, 1e-7, 1e-8)
        for scale in (floor, floor + 6e-9)
    ]
    cases = [
        case(np.array([1.0, -8.0, 0.02]), np.array([1.5, -6.0, 0.01])),
        case(np.array([[2.0, 0.1], [-3.0, 1.0]]), np.array([[2.0, 0.4], [-5.0, 1.0]])),
        Case((zero, zero), 0.0),
        Case((tiny, 2 * tiny), 0.5, floors),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        praise = "One scale, from both arrays."
        verdict = judge(disagreement, cases, praise, "g, q")
        if (
            verdict
            or not callable(disagreement)
            or not judge(disagreement, cases[:2], arguments="g, q")
        ):
            return verdict
        try:
            undefined = bool(np.isnan(disagreement(zero, zero)))
        except ZeroDivisionError:
            undefined = True
        except Exception:  # the verdict has quoted it already
            return verdict
    hint = "This is 0/0: two gradients that are zero everywhere agree, so the answer is 0."
    return Verdict(False, hint) if undefined else verdict


@checker
def check_length(length: Answer) -> Verdict:
    """Check ``length(z)``: √(z₁² + z₂² + …), in a form that the complex step can follow.

    For real x its value is the length, and Im length(x + ih eₖ)/h is xₖ/length.
    """
    h = 1e-20

    def value_and_slopes(x: Array) -> Any:
        value = length(x.copy())
        if value is None or np.ndim(value):
            return value
        steps = [length(x + 1j * h * unit) for unit in np.eye(len(x))]
        return [np.real(value), *(np.imag(step) / h for step in steps)]

    def case(*entries: float) -> Case:
        x = np.array(entries)
        n = np.linalg.norm(x)
        lost = "The lengths are right, and all slopes are 0: the imaginary part is lost."
        which = "abs, conj, real and numpy.linalg.norm drop it. What is the square of z?"
        mistakes = (
            ([n, *np.zeros(len(x))], lost, which),
            ([n**2, *(2 * x)], "This is the square of the length.", ""),
            ([n**2, *np.zeros(len(x))], "This is the square of the length, and its slopes are 0.",
             which),
            ([np.abs(x).sum(), *np.sign(x)], "This is the sum of the sizes of the entries.", ""),
            ([x.sum(), *np.ones(len(x))], "This is the sum of the entries.", ""),
            ([n, *(x / n / 2)], "The slopes are half of what they should be.",
             "Does one of the two factors of a square lose its imaginary part?"),
            ([n, *(-x / n)], "The slopes have the wrong sign.", "Is a conjugate taken?"),
            ([n, *x], "The slopes lack a factor.", "They are those of the square, halved."),
            ([n / math.sqrt(len(x)), *(x / n / math.sqrt(len(x)))], "A mean is taken where a sum"
             " is asked for.", ""),
        )  # fmt: skip
        more = "Write the square of an entry as z * z, add them up, and take the root."
        return Case((x,), [n, *(x / n)], mistakes, more)

    cases = [case(3.0, 4.0), case(1.0, -2.0, 2.0), case(-0.5, 0.1, 0.7, -2.0)]
    if not callable(length):
        return judge(length, [])
    if not (fits := judge(length, [], arguments="z")):
        return fits
    with np.errstate(all="ignore"):
        praise = "Products and roots are analytic. Sizes and conjugates are not."
        return judge(value_and_slopes, cases, praise)


@checker
def check_second(h: Any, error: Any) -> Verdict:
    """Check (f(x+h) - 2f(x) + f(x-h))/h² in float64 with M_0 = M_4 = 1.

    The error is at most h²/12 + 2ε/h²: h = (24ε)^(1/4) = 2.70e-4, error √(2ε/3) = 1.22e-8.
    """

    def best(truncation: float, rounding: float) -> tuple[float, float]:
        return (rounding / truncation) ** 0.25, 2 * math.sqrt(truncation * rounding)

    right = best(1 / 12, 2 * EPS)
    count = (
        "Each of the three values is wrong by up to ε/2, and the one in the middle counts twice."
    )
    series = "The series of f(x+h) has h⁴/24, and so has that of f(x-h)."
    mistakes = (
        (best(1 / 12, 1.5 * EPS), "The rounding term is too small.", count),
        (best(1 / 12, EPS), "The rounding term is too small.", count),
        (best(1 / 12, 4 * EPS), "The rounding term is too large.", count),
        (best(1 / 24, 2 * EPS), "The truncation term is too small.", series),
        (best(1 / 6, 2 * EPS), "The truncation term is too large.", series),
        (((1.5 * EPS) ** (1 / 3), (9 * EPS**2 / 32) ** (1 / 3)), "This is the best step of the"
         " FIRST derivative's quotient.", "The rounding is divided by h², not by 2h."),
        ((EPS**0.25, math.sqrt(EPS)), "The powers of ε are right. Their factors are missing.", ""),
        (((24 * EPS) ** (1 / 3), right[1]), "The error is right. The step is a fourth root.", ""),
        ((math.sqrt(24 * EPS), right[1]), "The error is right. The step is a fourth root.", ""),
        ((right[0], right[1] / 2), "The step is right. The error is half of what it should be.",
         f"At the best step its two terms are equal. {count}"),
        (best(1 / 12, 2 * float(np.finfo(np.float32).eps)), "These belong to float32.", ""),
        (right[::-1], "The right numbers, but the step comes first.", ""),
    )  # fmt: skip
    start = "The error is a sum: one term grows with h², the other falls with 1/h²."
    return _step_and_error((h, error), right, mistakes, start, "Half of the digits are left.")


@checker
def check_sample_size(sample_size: Answer) -> Verdict:
    """Check ``sample_size(s, chance)``: the least m with 1 - (1 - s)^m ≥ chance, an integer."""
    cases = []
    for s, chance in ((0.01, 0.95), (0.05, 0.99), (0.5, 0.9), (0.5, 0.75)):
        exact = math.log(1 - chance) / math.log(1 - s)
        m = 1
        while 1 - (1 - s) ** m < chance:
            m += 1
        mistakes: tuple[tuple[float, str, str], ...] = (
            (exact, "Entries come in whole numbers.", "Round up."),
            (m - 1, "Rounded down, the chance is a little too small.", ""),
            (math.ceil(chance / s), "Chances do not add up like this: two entries may both be"
             " right.", "How likely is it that ALL of them are right?"),
            (math.ceil(math.log(chance) / math.log(1 - s)), "This is the size at which all entries"
             " are right with this chance.", "The bug should be missed with 1 - chance."),
            (math.ceil(1 / s), "On average this finds one wrong entry, and often none.", ""),
            (math.ceil(math.log(1 - chance) / math.log(s)), "These would be the chances that every"
             " entry is wrong.", "An entry is right with the chance 1 - s."),
            (round(exact), "Rounded to the nearest number, the chance is sometimes too small.",
             "Round up."),
            (-m, "The logarithms of chances are negative, both of them.", ""),
            (math.ceil(-math.log(1 - chance) / s), "This is the rule for a rare bug. An exact"
             " answer is asked for.", "What is ln(1 - s)?"),
        )  # fmt: skip
        if exact == m:  # nothing to round: 2 draws, each with the chance 1/2
            mistakes = (
                (m + 1, "One entry too many where the quotient of the logarithms is whole.",
                 "A whole number is not to be rounded up."),
                *(entry for entry in mistakes if entry[0] != m - 1),
            )  # fmt: skip
        distinct = [entry for entry in mistakes if entry[0] != m]
        more = "All m entries are right with the chance (1 - s)^m."
        cases.append(Case((s, chance), m, distinct, more))
    praise = "About ln(1/(1 - chance))/s for a rare bug."
    return judge(sample_size, cases, praise, "s, chance")


@checker
def check_centring(backward: Answer) -> Verdict:
    """Check ``backward(dz)`` of the layer that subtracts from each row its mean: dz - its mean."""

    def case(rows: Sequence[Sequence[float]]) -> Case:
        dz = np.array(rows, dtype=float)
        n = dz.shape[1]
        mean = dz.mean(axis=1, keepdims=True)
        through = "Each z depends on ALL inputs of its row, through the mean."
        mistakes = (
            (dz, "This is the slope of the first term alone.", through),
            (0 * dz, "Zeros are right for dz = 1, and for that alone.", through),
            (dz - dz.mean(), "The mean runs over all rows; each row has its own.", ""),
            (dz - dz.mean(axis=0), "The mean runs over the examples.", "A row is an example."),
            (dz - n * mean, "The sum is subtracted, not the mean.", ""),
            (dz * (1 - 1 / n), "This is the slope of z from its own input alone.", through),
            (dz + mean, "The mean has the wrong sign.", ""),
            (-mean + 0 * dz, "This is the share through the mean; the other is missing.", ""),
            (mean - dz, "The sign is wrong.", ""),
            (dz - mean / n, "The mean is divided by n twice.", ""),
        )
        return Case((dz,), dz - mean, mistakes, "The Jacobian has 1 - 1/n and -1/n.")

    cases = [case([[1, 4, 1], [0, 2, 10]]), case([[2, -1], [0.5, 0.25], [3, 7]])]
    praise = "The same formula as forward: the Jacobian is symmetric."
    return judge(backward, cases, praise, "dz")


@checker
def check_weights(c1: Any, c2: Any) -> Verdict:
    """Check (c₁, c₂) of the difference quotient that errs by a term in h⁴ only.

    The conditions: 2c₁ + 4c₂ = 1 for f', and c₁ + 8c₂ = 0 for h²f'''.
    """
    right = np.linalg.solve([[2.0, 4.0], [1.0, 8.0]], [1.0, 0.0])
    two = "The terms with f' must add up to 1, those with h² f''' to 0."
    mistakes = (
        ([1 / 2, 0], "That is the central difference: it errs by a term in h².", two),
        ([0, 1 / 4], "That is a central difference with the step 2h.", two),
        (-right, "Both signs are wrong.", "The first alone must have the sign of f'."),
        (right * [1, -1], "The sizes are right.", "The second takes away what the first leaves."),
        ([4 / 3, -1 / 3], "These weights belong to the two central differences.",
         "Their denominators 2h and 4h are still to be multiplied in."),
        (2 * right, "f' would come out twice.", "f(x + h) - f(x - h) is 2h f', not h f'."),
        (right / 2, "Half of f' would come out.", two),
        (right[::-1], "The two are exchanged: c₁ belongs to the step h.", ""),
        ([1 / 3, 1 / 12], "The terms with f' add up to 1. The terms with f''' do not cancel.", two),
        ([1 / 4, 1 / 8], "The terms with f' add up to 1. The terms with f''' do not cancel.", two),
        ([4, -1 / 2], "The terms with f''' cancel. Those with f' do not add up to 1.", two),
        ([8, -1], "The terms with f''' cancel. Those with f' do not add up to 1.", two),
    )  # fmt: skip
    praise = "Two unknowns, two conditions."
    return judge_value((c1, c2), Case((), right, mistakes, two), praise)
