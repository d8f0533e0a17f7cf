"""Checkers of the chapter "The tape".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Told,
    Verdict,
    alike,
    checker,
    judge,
    judge_value,
    misfit,
    numbers,
)


@checker
def check_run(lines: Any, derivative: Any) -> Verdict:
    """Check the tape of r = 1, while r < 10: r = r·x + 1, at x = 2: 6 lines, 3x² + 2x + 1 = 17.

    The values of r are 1, 3, 7, 15. An iteration writes a product and a sum. From the last one
    to the first, x receives 1·7, 2·3 and 4·1.
    """
    runs = "How often does the loop run? r is 1, and then 3."
    shares = "x receives a share in each iteration, and r hands its adjoint to the one before."
    mistakes = (
        ((17, 6), "The right numbers, but the lines come first.", ""),
        (
            (3, 17),
            "The derivative is right. These are iterations, not lines.",
            "What does each write?",
        ),
        ((7, 17), "The derivative is right. The input is not one of the lines that follow it.", ""),
        ((6, 15), "The lines are right. The second number is the value.", "Sweep the tape."),
        ((4, 5), "This is the run with one iteration too few.", runs),
        ((8, 49), "This is the run with one iteration too many.", runs),
        ((6, 7), "The lines are right. This is the share of the last iteration alone.", shares),
        ((6, 4), "The lines are right. This is the share of the first iteration alone.", shares),
        ((6, 11), "The lines are right. These are slopes, not yet shares.", shares),
        (
            (6, 12),
            "The lines are right. This is the slope of x³ alone; what does the + 1 add?",
            shares,
        ),
        ((9, 17), "The derivative is right. A test and a new name write no line.", ""),
        ((5, 17), "The derivative is right. In the first iteration, 1 · x is a product too.", ""),
        ((6, 10), "The lines are right. The share of one iteration is missing.", shares),
        ((6, 13), "The lines are right. The share of one iteration is missing.", shares),
        ((6, 14), "The lines are right. One share lacks the adjoint that r hands back.", shares),
    )
    found = numbers([lines, derivative])
    if found is not None and found.shape == (2,) and 1e-4 < abs(found[1] - 17) < 0.1:
        near = "The derivative is close, as a difference quotient is. The sweep gives it exactly."
        return Verdict(False, near, shares)
    praise = "Three iterations, two lines each; x receives a share in each of them."
    counted = {
        7: "The line of the input does not count.",
        3: "This is how often the loop runs. How many lines does it write each time?",
    }
    more = next((words for n, words in counted.items() if alike(lines, n)), runs)
    if alike(lines, 6):
        more = shares
    return judge_value((lines, derivative), Case((), [6, 17], mistakes, more), praise)


@checker
def check_branches(slopes: Any) -> Verdict:
    """Check what a tape reports for three programs with a branch: -1, 0 and 3.

    (1) x if x > 0 else -1·x at 0 runs -1·x. (2) x if x != 0 else 0·x at 0 runs 0·x, though the
    function is x, of slope 1. (3) x·x if x > 1 else 3·x at 1 runs 3·x.
    """
    found = numbers(slopes)
    if found is None or found.shape != (3,):
        return Verdict(False, "Hand over three numbers, in a list: one for each program.")
    expected = [-1.0, 0.0, 3.0]
    wrong = [k for k in range(3) if not np.isclose(found[k], expected[k], rtol=1e-3, atol=1e-9)]
    if not wrong:
        return Verdict(True, "Each is the slope of the branch that ran.")
    known: list[dict[float, str]] = [
        {
            1.0: "this is the branch that did not run",
            0.0: "a tape does not take the mean of two sides",
        },
        {
            1.0: "this is the slope of the function, and the tape has only the run",
            0.5: "a tape does not take the mean of two sides",
        },
        {
            2.0: "this is the branch that did not run",
            2.5: "a tape does not take the mean of two sides",
            1.0: "this is a value, and not a slope",
        },
    ]
    parts = []
    for k in wrong:
        why = [words for value, words in known[k].items() if np.isclose(found[k], value)]
        parts.append(f"Program {k + 1}: {why[0] if why else 'not what the tape reports'}.")
    more = "Which branch does Python take at that point? Differentiate that line alone."
    return Verdict(False, " ".join(parts), more)


@checker
def check_divide(slopes: Answer) -> Verdict:
    """Check ``slopes(x, y)`` of x / y: 1 / y from x, and -x / y² from y."""

    def case(x: float, y: float) -> Case:
        right = [1 / y, -x / y**2]
        return Case(
            (x, y),
            right,
            (
                (right[::-1], "The right slopes, but that of x comes first."),
                (
                    [1 / y, x / y**2],
                    "The sign of the second is missing.",
                    "If y grows, does x / y grow too?",
                ),
                ([1 / y, -1 / y**2], "The second lacks a factor.", "x / y is x times 1 / y."),
                ([1 / y, 1 / y**2], "The second lacks a factor and a sign.", ""),
                ([1 / y, -x / y], "The second lacks a factor.", "What is the slope of 1 / y?"),
                ([1 / y, math.log(y)], "The second is an integral.", "What is the slope of 1 / y?"),
                ([1 / y, 1 / x], "The second is not a slope of x / y.", "Write it x times 1 / y."),
                ([1 / y, x], "The second is not a slope of x / y.", "Write it x times 1 / y."),
                ([y, x], "These are the slopes of a product."),
                ([1 / x, -y / x**2], "These are the slopes of y / x."),
                ([1 // y, -x // y**2], "Whole-number division drops the fraction: use /."),
                ([1.0, -1.0], "These are the slopes of a difference."),
                ([x / y, -x / y**2], "The first has a factor too many.", ""),
                (x / y, "This is the value; two slopes are asked for."),
                (1 / y, "This is the slope from x; that from y is missing."),
            ),
        )

    cases = [case(6.0, 2.0), case(-3.0, 4.0), case(5.0, 0.5)]
    praise = "With them, your tape can run Newton's loop."
    return judge(slopes, cases, praise, arguments="x, y")


@checker
def check_norm_vjp(norm_vjp: Answer) -> Verdict:
    """Check ``norm_vjp(g, a, x)`` of a = √(Σ x²): ∂L/∂x = g x / a, shape of x, for a number g."""

    def case(g: float, values: ArrayLike, a: float) -> Case:
        x = np.asarray(values, dtype=float)
        root = np.sqrt((x * x).sum())
        slope = "The root has the slope 1 / (2 a), and each square the slope 2 x."
        return Case(
            (g, a, x),
            g * x / a,
            (
                (x / a, "g is missing: this is the derivative of a, not of L."),
                (2 * g * x, "This is the vjp of Σ x²; the root has a slope as well.", slope),
                (2 * g * x / a, "There is a factor 2 too many.", slope),
                (g * x / (2 * a), "A factor 2 is missing.", slope),
                (g * x, "The slope of the root is missing.", slope),
                (g / (2 * a), "This is what the sum of squares receives; go on to x.", slope),
                (g * a, "One number; ∂L/∂x has the shape of x."),
                (
                    g * x / root,
                    "The value is right, and the root is computed again.",
                    "The run has it already: a.",
                ),
                (-g * x / a, "Only the sign is wrong."),
                (g * x / a**2, "This divides by the root twice.", slope),
                (
                    g * (x / a).sum(),
                    "The shares have been added up; each entry of x keeps its own.",
                ),
                (
                    g * a / x,
                    "This is upside down.",
                    "Are the arguments in the order (g, a, x)?",
                ),
                (g * np.sign(x), "This is the vjp of Σ |x|.", slope),
            ),
        )

    # The last a is not the root of its x: a vjp that reuses a cannot tell, one that does not can.
    cases = [
        case(3.0, [3.0, 4.0], 5.0),
        case(-0.5, [1.0, -2.0, 2.0], 3.0),
        case(1.5, [3.0, 4.0], 8.0),
    ]
    return judge(norm_vjp, cases, "It reuses a.", arguments="g, a, x")


@checker
def check_product_cost(cost: Answer) -> Verdict:
    """Check ``cost(n)``: multiplications for x₁ ⋯ xₙ and its gradient by a sweep, 3 (n - 1).

    The multiplication by the adjoint 1 of the result counts.
    """

    def case(n: int) -> Case:
        arrows = "How many lines does the tape have, and how many arrows?"
        pair = "How many multiplications does x₁ · x₂ take?"
        start = "The sweep multiplies by the adjoint 1 that it starts with as well."
        return Case(
            (n,),
            3 * (n - 1),
            (
                (2 * (n - 1), "This is the sweep alone; the run multiplies, too.", arrows),
                (n - 1, "This is the run alone.", arrows),
                (n * (n - 1), "This computes each of the n derivatives from the beginning."),
                ((2 * n + 1) * (n - 1), "These are forward sweeps, one for each input."),
                (3 * n, "There are fewer products than inputs.", pair),
                (
                    2 * n,
                    "There are fewer products than inputs, and the run multiplies, too.",
                    arrows,
                ),
                (3 * n - 2, "The run takes one multiplication less.", pair),
                (5 * (n - 1), "This counts sums too; only multiplications are asked for."),
                (4 * n - 5, "This counts sums too; only multiplications are asked for."),
                (3 * n - 4, "One or two are missing.", start),
                (3 * n - 5, "One or two are missing.", start),
                (4 * (n - 1), "Each line has two arrows, and each arrow costs one product."),
            ),
            arrows,
        )

    praise = "Three times the product, whatever n is."
    return judge(cost, [case(5), case(12)], praise, arguments="n")


def _curved(a: Any, b: Any) -> Any:
    return a * b * (a + a * b)


def _partly(a: Any, b: Any, c: Any) -> Any:
    return a * b + b * c * c


def _straight(a: Any, b: Any) -> Any:
    return 2 * a + b


# A verdict names the function that it tried.
_curved.__name__ = "f = a·b·(a + a·b)"
_partly.__name__ = "f = a·b + b·c·c"
_straight.__name__ = "f = 2·a + b"


@checker
def check_hessian(hessian: Answer) -> Verdict:
    """Check ``hessian(f, *inputs)``: all second derivatives of f, row i those of ∂f/∂(input i).

    f uses + and · only. Where a slope is a plain number, its derivatives are 0.
    """

    def at(f: Answer, point: Sequence[float], gradient: ArrayLike, rows: ArrayLike) -> Case:
        g, H = np.asarray(gradient, dtype=float), np.asarray(rows, dtype=float)
        row = "Row i: the gradient of the i-th entry of the gradient."
        return Case(
            (f, *point),
            H,
            (
                (g, "This is the gradient.", row),
                (np.diag(H), "This is the diagonal; the mixed derivatives are missing.", row),
                (np.diag(np.diag(H)), "The mixed derivatives are missing.", row),
                (np.triu(H), "The lower half is missing: it mirrors the upper one.", row),
                (np.outer(g, g), "Products of slopes are no second derivatives.", row),
                (H.sum(axis=0), "The rows have been added up.", row),
                (H[0], "This is the first row.", row),
                (H / 2, "Half of each: the 1/2 of a Taylor series does not belong here.", ""),
                (
                    np.tile(H[-1], (len(H), 1)),
                    "Every row is the last one.",
                    "A lambda looks up i when it is called, and the loop is over by then.",
                ),
                (H.ravel(), "The right numbers in one row; make a row for each input.", ""),
            ),
            row,
        )  # fmt: skip

    cases = [
        at(_curved, (3.0, 2.0), [36, 45], [[12, 30], [30, 18]]),
        at(_partly, (1.0, 2.0, 3.0), [2, 10, 12], [[0, 1, 0], [1, 0, 6], [0, 6, 4]]),
        at(_straight, (1.0, 2.0), [2, 1], [[0, 0], [0, 0]]),
    ]

    exact = {case.args[0]: np.asarray(case.expected) for case in cases}

    def patient(f: Answer, *inputs: float) -> Any:
        try:
            rows = hessian(f, *inputs)
        except AttributeError as error:
            if "place" in str(error) or "tape" in str(error):
                raise ValueError(
                    "a slope came out as a plain number, which is on no tape:"
                    " what is its derivative?"
                ) from error
            raise
        close = numbers(rows)
        right = exact[f]
        if close is not None and close.shape == right.shape:
            off = np.abs(close - right).max()
            if 1e-11 < off < 1e-3:
                raise Told(
                    "The numbers are close, as difference quotients are. Sweeps give them exactly."
                )
        return rows

    if not callable(hessian):
        return judge(hessian, [])
    if (wrong := misfit(hessian, "f, a, b")) is not None:
        return wrong
    return judge(patient, cases, "Sweeps of sweeps; the mirror image comes by itself.")


STEPS, EVERY, START = 23, 5, 0.5


def _step(r: Any) -> Any:
    return 0.1 * r * r + r


class _Value(float):
    """A number of which one can see whether it is still kept."""


@checker
def check_segments(derivative: Answer) -> Verdict:
    """Check ``derivative(step, x, steps, every)``: ∂(result)/∂x of a loop, by tapes of few steps.

    ``step`` takes a number, plain or on a tape, and returns the next. No tape may hold more than
    ``every`` steps, no step may be computed much more often than twice, and of the plain values
    those where the segments start are kept.
    """
    seen: list[Any] = []
    values: list[weakref.ref[_Value]] = []
    held: list[int] = []

    def step(r: Any) -> Any:
        seen.append(getattr(r, "tape", None))
        found = _step(r)
        if isinstance(found, float):
            found = _Value(found)
            values.append(weakref.ref(found))
        held.append(sum(value() is not None for value in values))
        return found

    def slopes(x: float, steps: int) -> tuple[list[float], float]:
        found = []
        for _ in range(steps):
            found.append(1 + 0.2 * x)
            x = _step(x)
        return found, x

    def case(steps: int, every: int) -> Case:
        each, value = slopes(START, steps)
        part = [math.prod(each[k : k + every]) for k in range(0, steps, every)]
        whole = steps // every * every
        longer = slopes(START, -(-steps // every) * every)[0]
        reset = math.prod(slopes(START, every)[0]) ** len(part)
        mistakes = (
            (value, "This is the value.", "The derivative: a product of segments' slopes."),
            (sum(part), "Slopes of segments one after another multiply.", ""),
            (part[-1], "This is the last segment alone.", "Hand the adjoint on to the one before."),
            (part[0], "This is the first segment alone.", "Hand the adjoint on."),
            (math.prod(each[:whole]), "The last steps are missing: a segment may be shorter.", ""),
            (math.prod(longer), "The last segment is too long: fewer steps may be left.", ""),
            (reset, "Every segment starts at the same value.", "Keep the value where each starts."),
        )
        known = mistakes if steps % every else mistakes[:4] + mistakes[6:]
        more = "Segment by segment from the last: its tape starts at the value that you kept."
        return Case((step, START, steps, every), math.prod(each), known, more)

    if not callable(derivative):
        return judge(derivative, [])
    if (wrong := misfit(derivative, "step, x, steps, every")) is not None:
        return wrong
    for steps, every in ((6, 3), (STEPS, EVERY)):
        for counts in (seen, values, held):
            counts.clear()
        single = case(steps, every)
        # No copy of step: it counts.
        verdict = judge(lambda t, e: derivative(step, START, t, e), [_at(single, (steps, every))])
        if not verdict:
            return verdict
        tapes = [tape for tape in seen if tape is not None]
        longest = max((sum(t is tape for t in tapes) for tape in tapes), default=0)
        if not tapes:
            return Verdict(False, "The number is right, and no tape was written.")
        if longest > every:
            return Verdict(
                False,
                f"The derivative is right, and one tape holds {longest} steps, where {every} are"
                " allowed.",
                "Start a new tape for each segment, at a plain number.",
            )
        if len(seen) > 2 * steps + every:
            return Verdict(
                False,
                f"The derivative is right and the tapes are short, but {steps} steps were computed"
                f" {len(seen)} times.",
                "Keep the value where each segment starts: the first run can note it.",
            )
        if max(held) > -(-steps // every) + every + 2:  # a segment's own values may still be there
            return Verdict(
                False,
                f"The derivative is right and the tapes are short, but {max(held)} values were kept"
                " at the same time.",
                "Keep only the value where each segment starts.",
            )
    return Verdict(
        True, "Short tapes, few values kept, and every step computed no more than twice."
    )


def _at(case: Case, args: tuple[Any, ...]) -> Case:
    return Case(args, case.expected, case.mistakes, case.more)
