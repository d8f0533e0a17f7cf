"""Checkers of the chapter "Vanishing and exploding gradients".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.activations import tanh, tanh_prime
from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Verdict,
    checker,
    distinct,
    judge,
    judge_value,
    misfit,
    numbers,
)
from backprop.book.figures.depth import backward_factor, critical, resting


def _in_turn(given: Sequence[Any], parts: Sequence[Part], praise: str) -> Verdict:
    """Judge several numbers one by one; the first that is wrong decides."""
    for answer, (name, value, mistakes, more) in zip(given, parts, strict=True):
        tiny = 0 < value < 1e-3
        if tiny:  # judged as a number near 1: below, all differences would be rounding
            power = 10.0 ** -math.floor(math.log10(value))
            found = numbers(answer)
            answer = answer if found is None or found.shape else float(found) * power
            mistakes = [(wrong * power, hint, extra) for wrong, hint, extra in mistakes]
            value *= power
        verdict = judge_value(answer, Case((), value, mistakes, more))
        if not verdict and tiny and verdict.unforeseen:
            return Verdict(False, f"{name}: This number is not right.", verdict.more)
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, praise)


@checker
def check_hand(derivative: Any, layers: Any) -> Verdict:
    """Check the product of (2 · 0.5), (-1 · 0.8) and (0.5 · 0.4), and the least n: 0.9ⁿ < 0.001."""
    each = "A layer contributes its weight times its slope, and the layers multiply."
    count = "Solve 0.9ⁿ = 0.001 with logarithms, and round up."
    parts: list[Part] = [
        ("The derivative", -0.16, [
            (0.16, "The size is right, the sign is not.", "One weight is negative."),
            (-1.0, "The slopes are missing.", each),
            (1.0, "The slopes and a sign are missing.", each),
            (0.5 * 0.8 * 0.4, "The weights are missing.", each),
            (1.0 - 0.8 + 0.2, "The factors were added.", each),
            (-0.8, "The last layer is missing.", each),
            (-0.2, "A slope is missing.", each),
            (-0.4, "A slope is missing.", each),
            (1.5 + 1.7, "The weights and the slopes were added.", each),
            (-0.32, "A slope or a weight is missing.", each),
        ], each),
        ("The number of layers", 66.0, [
            (65.0, "After so many layers it is still a little larger.", "Round up."),
            (65.6, "A number of layers is a whole number.", "Round up."),
            (math.log(0.001) / math.log(0.9), "A number of layers is a whole number.", "Round up."),
            (67.0, "It is smaller already one layer earlier.", count),
            (131.0, "Here the root was taken: 0.9 was understood as a factor of the square.",
             "The exercise gives the factor of the error itself."),
            (132.0, "Here the root was taken: 0.9 was understood as a factor of the square.",
             "The exercise gives the factor of the error itself."),
            (33.0, "Here 0.9 was squared.", "The exercise gives the factor of the error itself."),
            (44.0, "This is for a hundredth.", count),
            (22.0, "This is for a tenth.", count),
            (10.0, "This subtracts a tenth of the first error in each layer.", count),
            (7.0, "This solves for another quantity: the natural logarithm of 1000 is 6.9.", count),
        ], count),
    ]  # fmt: skip
    return _in_turn((derivative, layers), parts, "One weight and one slope a layer.")


@checker
def check_gain(chi: Any, twenty: Any, multiply: Any) -> Verdict:
    """Check χ = 1/6, the size after twenty layers 6⁻¹⁰, and the multiple √6 that makes χ 1."""
    variance = "The variance of a uniform number between -r and r is r²/3."
    size = "χ is a factor of the mean square, and the size is its root."
    square = "Weights that are m times as large make χ m² times as large."
    parts: list[Part] = [
        ("χ", 1 / 6, [
            (1 / 3, "This is n Var(w).", "Half of ReLU's slopes are 0."),
            (1 / 2, "This is for weights of the variance 1/n.", variance),
            (1.0, "This is for He's variance.", variance),
            (1 / 12, "The slopes went in twice, or the width of the interval is not 2r.", variance),
            (1 / 24, "This has the variance of an interval half as wide.", variance),
            (math.sqrt(1 / 6), "This is the factor of the size.", "χ belongs to the mean square."),
            (6.0, "This is the reciprocal.", ""),
            (2 / 3, "Half of the slopes are 0, so the mean square is divided by 2.", variance),
            (1 / 48, "ReLU's slopes are 0 or 1, not those of the sigmoid.", ""),
        ], f"{variance} Then take half, for ReLU."),
        ("The factor of twenty layers", 6.0**-10, [
            (6.0**-20, "This is the factor of the mean square.", size),
            (20 / 6, "The factors multiply, they do not add.", size),
            (6.0**-40, "χ was squared. The size needs the root.", size),
            (6.0**10, "This is the reciprocal.", ""),
            (3.0**-10, "The slopes of ReLU are missing.", size),
            (6.0**-5, "The root was taken twice, or this is for ten layers.", size),
            (1.7e-8, "Give three significant digits.", ""),
        ], f"{size} Twenty layers have twenty factors."),
        ("The multiple", math.sqrt(6), [
            (6.0, "This multiple makes χ equal to 6.", square),
            (math.sqrt(3), "This makes n Var(w) equal to 1.", "For ReLU it must be 2."),
            (math.sqrt(2), "This is for a start at the variance 1/n.", square),
            (1 / math.sqrt(6), "This makes χ smaller still.", "It is the reciprocal."),
            (3.0, "This is the multiple of the variance for n Var(w) = 1.", square),
            (36.0, "This is the square of the ratio.", square),
            (2.4, "Give three significant digits.", ""),
            (2.0, "This is the n Var(w) that is needed, not the multiple.", square),
        ], square),
    ]  # fmt: skip
    praise = "Twenty layers of the old default leave almost nothing."
    return _in_turn((chi, twenty, multiply), parts, praise)


def _joined(function: Answer, what: str) -> Callable[..., Any]:
    """Return the function with its two arrays as one flat vector, or what it returned instead."""

    def flat(*args: Any) -> Any:
        answer = function(*args)
        if isinstance(answer, tuple | list) and len(answer) == 2:
            parts = [numbers(part) for part in answer]
            if all(part is not None for part in parts):
                return np.concatenate([np.ravel(part) for part in parts if part is not None])
        return answer

    flat.__name__ = what
    return flat


def _shaped(function: Answer, cases: Sequence[tuple[Any, ...]], shapes: Any) -> Verdict | None:
    """Say so if an answer is no pair of arrays of the right shapes; None if all are."""
    for args in cases:
        try:
            answer = function(*[np.copy(a) if isinstance(a, np.ndarray) else a for a in args])
        except Exception:  # judge says what it raised
            return None
        if answer is None:
            return Verdict(False, "The answer is None: is a return missing?")
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            return Verdict(False, "Return two arrays.")
        found = [np.shape(part) for part in answer]
        expected = list(shapes(*args))
        if found != expected:
            if found == expected[::-1]:
                return Verdict(False, "The two arrays are in the reverse order.")
            return Verdict(
                False, f"The two arrays have the shapes {found[0]} and {found[1]},"
                f" expected {expected[0]} and {expected[1]}.",
            )  # fmt: skip
    return None


@checker
def check_clip(clip: Answer) -> Verdict:
    """Check ``clip(dW, db, limit)``: both times min(1, limit / ‖(dW, db)‖)."""
    whole = "The limit holds for the norm of all entries together."

    def case(dW: Array, db: Array, limit: float) -> Case:
        g = np.concatenate([dW.ravel(), db])
        cut = len(dW.ravel())
        norm, longest = float(np.linalg.norm(g)), float(np.abs(g).max())

        def shortened(part: Array) -> Array:
            length = float(np.linalg.norm(part))
            return part * min(1.0, limit / length) if length else part

        def total(length: float) -> Array:
            return np.asarray(g * min(1.0, limit / length)) if length else g

        right = total(norm)
        safe = norm or 1.0
        mistakes: Mistakes = [
            (np.concatenate([shortened(g[:cut]), shortened(g[cut:])]),
             "Each array was clipped by itself.", f"{whole} One factor serves both."),
            (np.clip(g, -limit, limit), "This clips each entry, which changes the direction.",
             "Scale all entries by one factor."),
            (g * limit / safe, "Short gradients were made longer.",
             "Leave a gradient alone whose norm is below the limit."),
            (g / safe, "This always has the norm 1.", "The norm must not exceed the limit."),
            (total(float(np.sum(g**2))), "The root of the sum of squares is missing.", whole),
            (total(float(np.abs(g).sum())), "This is the sum of the sizes, not the norm.", whole),
            (total(longest), "This uses the largest entry, not the norm.", whole),
            (total(float(np.linalg.norm(g[:cut]))), "The norm of dW alone decided.", whole),
            (total(float(np.linalg.norm(g[cut:]))), "The norm of db alone decided.", whole),
            (total(float(np.linalg.norm(g[:cut]) + np.linalg.norm(g[cut:]))),
             "The two norms were added.", "Add the squares, then take the root."),
            (total(math.sqrt(float(np.mean(g**2)))), "This is the root mean square.", whole),
            (np.concatenate([right[:cut], g[cut:]]), "db was not scaled.", whole),
            (np.concatenate([g[:cut], right[cut:]]), "dW was not scaled.", whole),
            (g, "The gradient is unchanged.", whole),
            (g * limit, "This multiplies by the limit.", whole),
        ]  # fmt: skip
        return Case((dW, db, limit), right, distinct(mistakes, right), whole)

    cases = [
        case(np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]]), np.array([1.0, -6.0, 2.0]), 2.0),
        case(np.array([[0.3, 0.1], [0.2, -0.4], [0.1, 0.0]]), np.array([0.2, -0.1]), 1.5),
        case(np.array([[1.2, -0.5]]), np.array([0.9, 0.1]), 1.3),
        case(np.zeros((2, 1)), np.zeros(1), 1.0),
    ]
    if (unfit := misfit(clip, "dW, db, limit")) is not None:
        return unfit
    if not callable(clip):
        return judge(clip, cases)
    args = [c.args for c in cases]
    wrong = _shaped(clip, args, lambda dW, db, limit: (dW.shape, db.shape))
    if wrong is not None:
        return wrong
    return judge(_joined(clip, "clip"), cases, "The direction stays.", "dW, db, limit")


@checker
def check_residual(backward: Answer) -> Verdict:
    """Check ``backward(da, x, W, slopes)``: δ = da ⊙ slopes; (da + δWᵀ, xᵀδ)."""
    path = "a = x + φ(xW + b) has two terms, and the error goes along both."

    def case(seed: int, rows: int, n: int) -> Case:
        rng = np.random.default_rng(seed)
        da, x = rng.normal(size=(2, rows, n))
        W, slopes = rng.normal(size=(n, n)), rng.uniform(0.1, 1, (rows, n))
        delta = da * slopes

        def pair(dx: Array, dW: Array) -> Array:
            return np.concatenate([dx.ravel(), dW.ravel()])

        dx, dW = da + delta @ W.T, x.T @ delta
        right = pair(dx, dW)
        mistakes: Mistakes = [
            (pair(delta @ W.T, dW), "The path around the branch is missing.", path),
            (pair(da + delta @ W, dW), "W is not transposed.", "An error goes back by Wᵀ."),
            (pair(da + da @ W.T, dW), "The slopes are missing in ∂L/∂x.", path),
            (pair(da + da @ W.T, x.T @ da), "The slopes are missing.", path),
            (pair(dx, x.T @ da), "The slopes are missing in ∂L/∂W.", "The weights see δ."),
            (pair(delta + delta @ W.T, dW), "The slopes were applied to the path as well.",
             "φ lies on the branch alone."),
            (pair(da * delta @ W.T, dW), "The two errors were multiplied.", "Paths add."),
            (pair(1 + delta @ W.T, dW), "The path's slope is 1, but the error on it is da.", path),
            (pair(da + (da @ W.T) * slopes, dW), "The slopes were applied after Wᵀ.",
             "On the way back φ comes first, then W."),
            (pair(dx, x.T @ (da + delta)), "The weights got the error of the path as well.",
             "The path does not lead through the weights."),
            (pair(dx, dW / rows), "∂L/∂W was divided by the batch size.",
             "The errors have the division already."),
            (pair(dx, delta.T @ x), "∂L/∂W is transposed.", "xᵀδ has the shape of W."),
            (pair(da, dW), "Only the path is there, the branch is missing.", path),
            (pair(x + delta @ W.T, dW), "The input was added, as in the forward pass.",
             "On the way back it is the error that takes the path."),
        ]  # fmt: skip
        where = f"a batch of {rows} rows with {n} entries"
        return Case((da, x, W, slopes), right, mistakes, path, where=where)

    cases = [case(0, 3, 2), case(1, 2, 4)]
    if (unfit := misfit(backward, "da, x, W, slopes")) is not None:
        return unfit
    if not callable(backward):
        return judge(backward, cases)
    args = [c.args for c in cases]
    wrong = _shaped(backward, args, lambda da, x, W, slopes: (x.shape, W.shape))
    if wrong is not None:
        return wrong
    praise = "Along both terms, and only the branch has weights."
    return judge(_joined(backward, "backward"), cases, praise, "da, x, W, slopes")


@checker
def check_branch(plain: Any, scaled: Any) -> Verdict:
    """Check (1 + 1)⁵⁰ and (1 + 1/50)⁵⁰."""
    block = "A block adds two mean squares: that of the path, and that of the branch."
    small = "A branch times 1/√50 has its mean square times 1/50."
    mistakes: Mistakes = [
        (50.0, "The factors of the blocks multiply, they do not add.", block),
        (51.0, "The factors of the blocks multiply, they do not add.", block),
        (1.0, "The path is missing.", block),
        (2.0, "This is one block.", "There are fifty."),
        (100.0, "The factors of the blocks multiply.", block),
        (2.0**25, "This is the factor of the size.", "The mean square is asked for."),
        (
            4.0**50,
            "Here errors add and not their mean squares.",
            "If two terms are uncorrelated, their mean squares add.",
        ),
        (2.0**49, "This is for 49 blocks.", ""),
        (2.0**51, "This is for 51 blocks.", ""),
        (1.1e15, "Give three significant digits.", ""),
    ]
    parts: list[Part] = [
        ("The plain blocks", 2.0**50, mistakes, block),
        ("The scaled blocks", 1.02**50, [
            (math.e, "This is the limit for ever more blocks.", "Compute it for fifty."),
            (1.01**50, "This is the factor of the size, or nearly so.", small),
            (1.02**25, "This is the factor of the size.", "The mean square is asked for."),
            ((1 + 50**-0.5) ** 50, "The branch's mean square is multiplied by the square of that.",
             small),
            ((1 + 50**-0.5) ** 100, "Here errors add and not their mean squares.", small),
            (2.0, "The factors of the blocks multiply, they do not add.", small),
            (1.02, "This is one block.", "There are fifty."),
            (2.0**50 / 50, "Every branch is scaled, not the whole product.", small),
            (2.0**50 * 50.0**-25, "Every branch is scaled, but not the path.", small),
            (2.7, "Give three significant digits.", ""),
            ((1 + 1 / 2500) ** 50, "1/50 was squared.", small),
        ], small),
    ]  # fmt: skip
    found = numbers(plain)
    if found is not None and not found.shape and abs(float(found) / 2.0**50 - 1) < 5e-3:
        plain = 2.0**50  # three digits, as nobody types sixteen
    return _in_turn((plain, scaled), parts, "A small branch keeps fifty blocks near e.")


@checker
def check_edge(scale: Any) -> Verdict:
    """Check the scale of the weights at which χ = 1 for tanh, with biases of the variance 0.2."""
    right = critical(0.2)
    settle = "Let q settle at each scale, then compute χ there, and bisect."
    at_start = _solved(lambda s: backward_factor(s * s + 0.2, tanh_prime, s * s))
    unit = _solved(lambda s: backward_factor(1.0, tanh_prime, s * s))
    rooted = _solved(lambda s: math.sqrt(backward_factor(resting(tanh, s, 0.2), tanh_prime, s)))
    mistakes: Mistakes = [
        (right**2, "This is n Var(w), the square of the scale.", "Take its root."),
        (critical(0.05), "This is the edge for the variance 0.05.", "Here it is 0.2."),
        (critical(0.2**2), "Here 0.2 was squared.", "It is the variance already."),
        (critical(math.sqrt(0.2)), "Here the root of 0.2 was used.", "The variance is added."),
        (1.0, "This is the edge without biases.", "The biases keep z away from 0."),
        (at_start, "q had no time to settle: this is the first layer's.", settle),
        (unit, "This holds for q = 1.", settle),
        (rooted, "This is n Var(w), the square of the scale.", "Take its root."),
        (round(right, 1), "Give at least three digits.", ""),
        (1 / right, "This is the reciprocal.", ""),
        (math.sqrt(2), "This is He's scale, for ReLU.", settle),
    ]
    found = numbers(scale)
    if found is not None and not found.shape and abs(float(found) - right) < 2e-3:
        return Verdict(True, "Larger biases, flatter slopes, larger weights.")
    return judge_value(scale, Case((), right, distinct(mistakes, right), settle))


def _solved(chi: Callable[[float], float], low: float = 0.5, high: float = 4.0) -> float:
    """Return where a growing χ reaches 1."""
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if chi(middle) < 1 else (low, middle)
    return low
