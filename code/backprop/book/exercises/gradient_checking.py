"""Checkers of the exercises in the chapter "Gradient checking"."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value


def check_disagreement(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Judge ``answer(u, v)`` for max|u - v| / max(max|u|, max|v|), and 0 where both are zero.

    Shapes: u and v alike, the result a number.
    """

    def case(u: Array, v: Array) -> Case:
        gap, size = np.abs(u - v), np.maximum(np.abs(u), np.abs(v))
        mistakes: list[tuple[Any, str]] = [
            (gap.max(), "That is the absolute difference: it is small whenever the gradients are."
             " Divide by a scale."),
            ((gap / size).max(), "Each entry is divided by itself: an entry near 0 makes noise"
             " look like a bug. One scale for the whole array."),
            (gap.mean() / size.max(), "The mean hides one wrong entry among many right ones: take"
             " the largest difference."),
            ((u - v).max() / size.max(), "The differences have signs: take their size first."),
            (gap.max() / max(u.max(), v.max()), "The scale is the largest entry in size; a"
             " negative one may be larger than all positive ones."),
            (gap.max() / np.abs(u).max(), "The scale comes from the first array alone; the two"
             " should be treated alike."),
            (gap.max() / np.abs(v).max(), "The scale comes from the second array alone; the two"
             " should be treated alike."),
            (gap / size.max(), "One number is asked for: the largest entry of this."),
        ]  # fmt: skip
        return Case((u, v), gap.max() / size.max(), mistakes)

    zero = np.zeros(3)
    hint = "This is 0/0: two gradients that are zero everywhere agree, so the answer is 0."
    cases = [
        case(np.array([1.0, -8.0, 0.02]), np.array([1.5, -6.0, 0.01])),
        case(np.array([[2.0, 0.1], [-3.0, 1.0]]), np.array([[2.0, 0.4], [-5.0, 1.0]])),
        Case((zero, zero), 0.0),
    ]
    with np.errstate(divide="ignore", invalid="ignore"):
        verdict = judge(answer, cases, "One scale, from both arrays.")
        if verdict or not callable(answer) or not judge(answer, cases[:2]):
            return verdict
        try:
            return Verdict(False, hint) if np.isnan(answer(zero, zero)) else verdict
        except Exception:  # judge has quoted it already
            return verdict


def check_weights(answer: ArrayLike) -> Verdict:
    """Judge (c_1, c_2) of the difference quotient that errs by a term in h⁴ only.

    The conditions: 2 c_1 + 4 c_2 = 1 for f', and c_1 + 8 c_2 = 0 for h² f'''.
    """
    right = np.linalg.solve([[2.0, 4.0], [1.0, 8.0]], [1.0, 0.0])
    mistakes: list[tuple[Any, str]] = [
        ([1 / 2, 0], "That is the central difference: it errs by a term in h²."),
        (right * [1, -1], "The second weight has the other sign: it takes away what the first"
         " leaves over."),
        ([4 / 3, -1 / 3], "These are the weights of the two central differences themselves; the"
         " denominators 2h and 4h are still to be multiplied in."),
        (2 * right, "f' would come out twice: f(x + h) - f(x - h) is 2h f', not h f'."),
        (right[::-1], "The two are exchanged: c_1 belongs to the step h."),
    ]  # fmt: skip
    return judge_value(answer, Case((), right, mistakes), "Two unknowns, two conditions.")


def check_sample_size(answer: Callable[[float, float], Any]) -> Verdict:
    """Judge ``answer(q, chance)``: the least m with 1 - (1 - q)^m ≥ chance, an integer."""
    cases = []
    for q, chance in ((0.01, 0.95), (0.05, 0.99), (0.5, 0.9)):
        exact = math.log(1 - chance) / math.log(1 - q)
        m = 1
        while 1 - (1 - q) ** m < chance:
            m += 1
        mistakes: list[tuple[Any, str]] = [
            (exact, "Entries come in whole numbers: round up."),
            (m - 1, "Rounded down, the chance is a little too small."),
            (math.ceil(chance / q), "Chances do not add up like this: two entries may both be"
             " right. Ask how likely it is that ALL of them are right."),
            (math.ceil(math.log(chance) / math.log(1 - q)), "That is the size at which all entries"
             " are right with this chance; the bug should be missed with the chance 1 - chance."),
            (math.ceil(1 / q), "On average one wrong entry is found then, and often none."),
        ]  # fmt: skip
        cases.append(Case((q, chance), m, mistakes))
    return judge(answer, cases, "About ln(1/(1 - chance))/q for a rare bug.")
