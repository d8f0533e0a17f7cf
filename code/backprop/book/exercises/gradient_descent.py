"""Checkers of the chapter "Gradient descent".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Told,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
    numbers,
    takes,
)


@checker
def check_hand(theta: Any, limit: Any, at_once: Any) -> Verdict:
    """Check L = ½·8·θ² from θ = 2: three steps at 0.2 give 2·(-0.6)³; 2/8 and 1/8 are the rates."""
    one = "One step at 0.2 multiplies θ by 1 - 0.2 · 8."
    parts: list[Part] = [
        ("θ", 2 * (-0.6) ** 3, [
            (0.432, "The size is right, the sign is not.", one),
            (-0.43, "Give three significant digits.", ""),
            (2 * 0.36, "This is θ after two steps.", ""),
            (2 * 0.6**4, "This is θ after four steps.", ""),
            (-1.2, "This is θ after one step.", "Take two more, each from where the last ended."),
            (-0.216, "This start is at 1.", "The exercise starts at θ = 2."),
            (2 * 0.2**3, "Here the curvature is 4.", "The second derivative of ½·8·θ² is 8."),
            (2 * 2.6**3, "This walks uphill.", "The update has a minus sign."),
            (-7.6, "Each step was taken with the slope of the start.",
             "The slope is 8θ at the place where the step begins."),
        ], one),
        ("The largest stable rate", 0.25, [
            (0.125, "This rate reaches the minimum in one step.", "At the limit the factor is -1."),
            (0.5, "Here the curvature is 4.", "The second derivative of ½·8·θ² is 8."),
            (4.0, "This is the reciprocal.", "Solve 1 - 8η = -1 for η."),
        ], "For which η is the factor 1 - 8η equal to -1?"),
        ("The rate that arrives in one step", 0.125, [
            (0.25, "At this rate θ jumps from side to side for ever.", "The factor must be 0."),
            (8.0, "This is the curvature.", "Solve 1 - 8η = 0 for η."),
        ], "For which η is the factor 1 - 8η equal to 0?"),
    ]  # fmt: skip
    return in_turn((theta, limit, at_once), parts, "The factor -0.6, three times.")


@checker
def check_rates(largest: Any, best: Any, factor: Any) -> Verdict:
    """Check 2/λmax, 2/(λmin + λmax) and (κ - 1)/(κ + 1) for the curvatures 1, 4 and 25."""
    equal = "The best rate makes 1 - η·1 and η·25 - 1 equal."
    parts: list[Part] = [
        ("The largest stable rate", 2 / 25, [
            (1 / 25, "This rate brings the steepest direction to its floor in one step.",
             "The limit is where its factor is -1."),
            (2.0, "The flattest direction has the most patience.", "Which one sets the limit?"),
            (0.5, "With this rate the curvature 4 is at its limit.", "Which one sets the limit?"),
            (2 / 30, "The curvatures do not add up.", "Each direction has a factor of its own."),
            (2 / 10, "The mean curvature decides nothing.",
             "Each direction has a factor of its own."),
        ], "Which curvature makes 1 - ηλ reach -1 first?"),
        ("The best rate", 2 / 26, [
            (1 / 26, "Almost.", f"{equal} Solve for η; a 2 stays."),
            (0.077, "Give three significant digits.", ""),
            (2 / 25, "This is the limit itself.", equal),
            (1 / 25, "Here the flattest direction is slower than it could be.", equal),
            (2 / 30, "The curvature between the extremes plays no part.", equal),
            (2 / 29, "Curvature 4 is not the smallest.", equal),
            (2 / 24, "A sign is wrong.", equal),
            (13.0, "This is the reciprocal.", equal),
        ], equal),
        ("The factor", 24 / 26, [
            ((24 / 26) ** 2, "This is the factor of the loss.", "The distance is asked for."),
            (2 / 26, "This part of the distance goes in a step.", "Which part stays?"),
            (-24 / 26, "This is the factor of the steepest direction.",
             "By which positive number is the distance multiplied?"),
            (0.92, "Give three digits.",
             "If you mean 0.92 exactly: this is the flattest direction at the *largest* rate."),
            (26 / 24, "This one grows.", "It is the reciprocal of what is asked for."),
            (25.0, "This is κ.", "The factor is made from κ."),
            (1 - 8 / 26, "This is the factor of the curvature 4.", "Which direction is slowest?"),
        ], "Put the best rate into 1 - η·1."),
    ]  # fmt: skip
    praise = "The curvature between the two extremes does not matter."
    return in_turn((largest, best, factor), parts, praise)


@checker
def check_batch(mean: Any, replaced: Any, kept_out: Any) -> Verdict:
    """Check batches of 2 from the gradients 0, 2, 3, 4, 6: mean 3, τ²/2 = 2, τ²/2 · 3/4 = 1.5."""
    first = "τ² is the mean of (9 + 1 + 0 + 1 + 9)."
    parts: list[Part] = [
        ("The mean", 3.0, [
            (15.0, "This is the sum.", "Divide by the number of examples."),
            (6.0, "This is the mean of the batch's sum.", "A batch takes the mean of its two."),
            (1.5, "This is half of it.", "A batch takes the mean of its two examples."),
        ], "A batch is unbiased. What does that mean?"),
        ("With replacement", 2.0, [
            (4.0, "This is τ², the variance of one example.", "Two independent draws halve it."),
            (1.0, "The 2 went in twice.", "B draws have the variance Bτ²/B²."),
            (math.sqrt(2), "This is the root of the variance.", ""),
            (2.5, "τ² was estimated with N - 1.",
             "These five are all the examples there are: divide by 5."),
            (8.0, "This is the variance of the sum.", "A batch takes the mean of its two."),
            (1.5, "This is the variance without replacement.", ""),
            (10.0, "The sum of the squares was not divided by N.", first),
        ], first),
        ("Without replacement", 1.5, [
            (2.0, "This is the variance with replacement.",
             "The second draw cannot repeat the first."),
            (1.2, "Almost: a batch of one must have the variance τ² exactly.",
             "The denominator of the correction is N - 1."),
            (2 * 9 / 16, "The correction was squared.", "It belongs to the variance as it stands."),
            (2 * math.sqrt(0.75), "The root of the correction was taken.",
             "It belongs to the variance as it stands."),
            (math.sqrt(1.5), "This is the root of the variance.", ""),
            (3.0, "B is missing.", "Insert τ² = 4, B = 2, N = 5."),
            (5 / 3, "This is the variance of the chapter's pairs.", "Insert τ² = 4, B = 2, N = 5."),
            (2.5, "The correction is upside down, or τ² was estimated with N - 1.",
             "Without replacement there is less noise, and τ² is 4."),
            (8 / 3, "The correction is upside down.", "Without replacement there is less noise."),
        ], "Insert τ² = 4, B = 2, N = 5, or count the ten pairs."),
    ]  # fmt: skip
    return in_turn((mean, replaced, kept_out), parts, "The ten pairs say so as well.")


CLOSE = 2e-3
"""How close an iteration must come."""
MOST_PRODUCTS = 20_000


class _Products:
    """The product u ↦ uH, which counts how often it is asked for."""

    __name__ = "product"

    def __init__(self, H: Array) -> None:
        self.H, self.calls = H, 0

    def __call__(self, u: Any) -> Array:
        self.calls += 1
        if self.calls > MOST_PRODUCTS:
            raise Told(f"More than {MOST_PRODUCTS:,} products: does the loop end?")
        return np.asarray(np.asarray(u, dtype=float) @ self.H)


def turned(eigenvalues: Sequence[float], seed: int) -> Array:
    """Return a symmetric matrix with these eigenvalues, none of its eigenvectors along an axis."""
    n = len(eigenvalues)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))
    return np.asarray(Q * np.asarray(eigenvalues) @ Q.T)


@checker
def check_largest(largest: Answer) -> Verdict:
    """Check ``largest(product, n)``: the largest eigenvalue of H, which is known by products uH.

    Within 0.2 %. The most negative eigenvalue may be larger in size.
    """

    def case(eigenvalues: Sequence[float], seed: int) -> tuple[Case, list[float]]:
        H = turned(eigenvalues, seed)
        right, low = max(eigenvalues), min(eigenvalues)
        size = max(eigenvalues, key=abs)
        shift = "Add a multiple of u to each product: uH + cu has the eigenvalues λ + c."
        if low < -100:
            shift += " Here c must be large enough for an eigenvalue of -300."
        mistakes: list[tuple[float, str, str]] = [
            (size, "This eigenvalue is the largest in size.", shift),
            (abs(size), "This is the size of the largest eigenvalue in size.", shift),
            (low, "This is the smallest eigenvalue.", "Shift the other way."),
            (float(sum(eigenvalues)), "This is the sum of the eigenvalues.", ""),
            (float(np.diag(H).max()), "This is the largest entry of the diagonal.",
             "It is the curvature along an axis; no eigenvector need lie there."),
            (float(np.linalg.norm(H)), "This is the norm of the whole matrix.", ""),
        ]  # fmt: skip
        if -low > right:  # else the usual program does not shift
            forgotten = "This is the largest eigenvalue of a shifted matrix."
            mistakes.append((right - low, forgotten, "Take the shift away again."))
        else:  # for a program that always shifts; hints tell mistakes apart
            forgotten = "This is the largest eigenvalue of uH + cu."
            mistakes.append((2 * right, forgotten, "Take the shift away again."))
        known = [m for m in mistakes if not np.isclose(m[0], right, rtol=CLOSE)]
        values = [right, *(m[0] for m in known)]
        where = f"a matrix with {len(H)} rows"
        return Case((_Products(H), len(H)), right, known, shift, where=where), values

    # The last is for a shift that was chosen without looking.
    problems = [
        case((5.0, 2.0, 1.0), 0), case((-9.0, 4.0, 1.0, 0.5), 1), case((-6.0, -3.0, -1.0), 2),
        case((-2.0, 8.0, 3.0, 0.0, 0.0), 3), case((-300.0, 50.0, 2.0), 4),
    ]  # fmt: skip

    def rounded(product: Any, n: int) -> Any:
        """Return the reader's answer, or what it comes close to."""
        found = largest(product, n)
        number = numbers(found)
        if number is None or number.shape or not np.isfinite(number):
            return found
        values = next(v for c, v in problems if np.array_equal(c.args[0].H, product.H))
        return next((v for v in values if np.isclose(number, v, rtol=CLOSE)), found)

    if not callable(largest) or not takes(largest, range(2)):
        return judge(largest, [c for c, _ in problems], "", "product, n")
    praise = "Whatever the signs of the others."
    return judge(rounded, [c for c, _ in problems], praise, "product, n")


@checker
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
        other = x_train.std(axis=0, ddof=1)
        column = "Mean and deviation are taken along axis 0."
        mistakes: list[tuple[Any, str, str]] = [
            (scaled(x, x), "x is scaled by its own mean and deviation.",
             "A trained network needs those of the training set, whatever it is shown."),
            ((x - mean) / safe**2, "Divided by the variance.",
             "The standard deviation is its root."),
            (x / safe, "The mean is not subtracted.", ""),
            (x / safe - mean, "The mean is subtracted after the division.", "Subtract first."),
            (x - mean, "Centred, but not divided by the standard deviation.", ""),
            (row, "This works along the rows.", f"A column is one input. {column}"),
            ((x - x_train.mean()) / x_train.std(), "All columns got the same mean and deviation.",
             column),
            ((x - mean) / np.where(other > 0, other, 1), "The deviation was taken with N - 1.",
             "NumPy's std divides by N."),
            ((x - mean) * safe, "Multiplied by the standard deviation.", "Divide."),
            ((x - mean) * std, "Multiplied by the standard deviation.", "Divide."),
            (scaled(x_train, x_train), "This is the training set, scaled.",
             "Scale the second argument."),
        ]  # fmt: skip
        mistakes.append(
            (
                (x - x.mean(axis=0)) / safe,
                "The mean is that of x.",
                "The mean and the deviation are both those of the training set.",
            )
        )
        if (std == 0).any():
            mistakes.append(
                (
                    np.where(std > 0, (x - mean) / safe, 0.0),
                    "A column became zero.",
                    "One that is constant in training may change later: centre it only.",
                )
            )
            hint = "A column that never changes has the deviation 0."
            more = "Leave its scale as it is."
            # 0/0 compares equal to nothing, so the rule that turns it into a number is applied.
            mistakes.append((np.nan_to_num(careless), hint, more))
            # A small number added to the deviation magnifies what is new in such a column.
            for tiny in (1e-8, 1e-12, 1e-7, 1e-6):
                mistakes.append(((x - mean) / (std + tiny), hint, more))
        right = scaled(x_train, x)
        kept = [m for m in mistakes if not np.array_equal(m[0], right)]
        return Case((x_train, x), right, kept, "(x - mean) / deviation, column by column.")

    train = np.array([[1.0, 10.0], [2.0, 30.0], [6.0, 20.0]])
    new = np.array([[2.0, 40.0], [0.0, 10.0]])
    constant = np.array([[1.0, 5.0], [1.5, 5.0]])  # the first column deviates by less than 1
    cases = [case(train, new), case(constant, np.array([[0.0, 6.0], [2.0, 5.0]]))]
    return judge(
        standardize, cases, "The training set decides, and constant columns survive.", "x_train, x"
    )


def _quadratics() -> list[tuple[Array, Array]]:
    return [
        (np.array([[1.0, 0.0], [0.0, 10.0]]), np.array([1.0, 2.0])),
        (np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([-1.0, 0.5])),
        (np.array([[2.0, -1.0, 0.0], [-1.0, 5.0, 0.5], [0.0, 0.5, 1.0]]),
         np.array([0.5, 2.0, -1.0])),
    ]  # fmt: skip


@checker
def check_line_search(rate: Answer) -> Verdict:
    """Check ``rate(H, g)``: the η that minimises L(θ - ηg) on a quadratic, ggᵀ / gHgᵀ."""

    def case(H: Array, g: Array) -> Case:
        right = float(g @ g / (g @ H @ g))
        ends = np.linalg.eigvalsh(H)[[0, -1]]
        along = "On the way L is a parabola in η: where is its slope zero?"
        mistakes: list[tuple[float, str, str]] = [
            (1 / right, "This is the curvature along g.", "The best step is its reciprocal."),
            (2 * right, "At this rate the loss is back where it began.", "Go half as far."),
            (right / 2, "This goes half as far as it should.",
             "Differentiate ½η² gHgᵀ: the ½ goes."),
            (2 / ends.sum(), "This is the best fixed rate for all steps.",
             "The best for this step depends on g."),
            (1 / ends[1], "This is right only if g lies along the steepest direction.", along),
            (2 / ends[1], "This is the limit, not the best rate.", along),
            (-right, "The minus sign stands in the update.", "The rate is positive."),
            (float(1 / (g @ H @ g)), "The length of g is missing.", along),
            (float(np.linalg.norm(g) / (g @ H @ g)), "g enters above as a length.",
             "L falls at the rate ggᵀ, the length squared."),
            (float(g @ H @ g / (g @ H @ H @ g)), "This makes the next gradient shortest.",
             "The loss is asked to be lowest."),
        ]  # fmt: skip
        return Case((H, g), right, distinct(mistakes, right), along)

    cases = [case(H, g) for H, g in _quadratics()]
    return judge(rate, cases, "One over the curvature along the gradient.", "H, g")


@checker
def check_growth(growth: Answer) -> Verdict:
    """Check ``growth(H, g)``: the derivative of ‖∇L(θ - ηg)‖² by η at η = 0, -2 gHgᵀ."""

    def case(H: Array, g: Array) -> Case:
        bend = float(g @ H @ g)
        rule = "The new gradient is g - ηgH up to terms in η². Square its length."
        mistakes: list[tuple[Any, str, str]] = [
            (-bend, "A factor 2 is missing.", "The derivative of a square has it."),
            (2 * bend, "The sign is wrong.", "The step is -ηg."),
            (bend, "A sign and a factor 2 are missing.", rule),
            (float(-2 * g @ g), "This is twice the rate at which the loss falls.", rule),
            (float(-g @ g), "This is the rate at which the loss falls.",
             "The squared length of the gradient is asked for."),
            (-bend / np.linalg.norm(g), "This is the rate of the length.",
             "The squared length is asked for."),
            (-2 * bend / float(g @ g), "This is relative to the squared length.", rule),
            (-2 * g @ H, "This is a row; a number is asked for.", "Multiply by g once more."),
            (float(-2 * g @ H @ H @ g), "One H too many.", rule),
            (float(-2 * np.trace(H)), "The direction of g matters.", rule),
        ]  # fmt: skip
        return Case((H, g), -2 * bend, mistakes, rule)

    cases = [case(H, g) for H, g in [*_quadratics(), (np.diag([-3.0, 1.0]), np.array([2.0, 1.0]))]]
    return judge(
        growth, cases, "Where the curvature along g is negative, the gradient grows.", "H, g"
    )


@checker
def check_plateau(loss: Any) -> Verdict:
    """Check the loss with two of four examples certain, two undecided: (2 ln 2)/4 = ½ ln 2."""
    each = "An undecided example costs -ln ½, a certain one nothing."
    mistakes: Mistakes = [
        (math.log(2), "This is the loss when all four are undecided.", each),
        (2 * math.log(2), "This is the sum over the examples.", "The loss is their mean."),
        (math.log(2) / 4, "Only one example is undecided here.", each),
        (0.5, "This is 2/4 without a logarithm, or with one of base 2.", each),
        (1.0, "Logarithms are natural ones.", each),
        (-math.log(2) / 2, "A loss of probabilities is positive.", "It is -ln p."),
        (0.125, "This is the squared error.", "The loss is the cross-entropy, -ln p."),
        (0.25, "No logarithm is in it: this is (½ + ½)/4, or one squared error.", each),
        (0.35, "Give three significant digits.", each),
        (0.0625, "This is the squared error.", "The loss is the cross-entropy, -ln p."),
        (math.log(4) / 4 * 3 / 2, "Three examples are undecided here.", each),
    ]
    reached = numbers(loss)  # 0.347 and 0.35 may be ½ ln 2, rounded
    measured = reached is not None and not reached.shape and 0.34665 < reached < 0.36
    if measured and reached not in (0.347, 0.35):
        return Verdict(
            False, "This was measured on the way, and the loss is still falling.",
            f"Compute the value that it approaches. {each}",
        )  # fmt: skip
    return judge_value(
        loss, Case((), math.log(2) / 2, mistakes, each), "Two certain, two undecided."
    )


@checker
def check_updates(updates: Any) -> Verdict:
    """Check the updates of an epoch of 1,347 examples in batches of 1, 10, 100, 1,347: ⌈N/B⌉."""
    whole, sizes = 1347, (1, 10, 100, 1347)
    more = "The last batch takes what is left: round up."
    mistakes = (
        ([whole // B for B in sizes], "Some examples are never used.", more),
        ([whole / B for B in sizes], "The number of updates is a whole number.", more),
        ([round(whole / B) for B in sizes], "Some examples are never used.", more),
        ([whole // B + 1 for B in sizes], "Where B divides N, no smaller batch is left over.", ""),
        (list(sizes), "These are the batch sizes.", "How many of them make an epoch?"),
        ([whole] * 4, "These are the examples.", "A batch makes one update."),
        ([1, 14, 135, 1347], "These are in the reverse order.", ""),
        ([3 * -(-whole // B) for B in sizes], "This is for three epochs.", ""),
    )
    names = [f"The number for batches of {B:,}" for B in sizes]
    case = Case((), [-(-whole // B) for B in sizes], mistakes, more, names)
    return judge_value(updates, case, "N/B, rounded up.")
