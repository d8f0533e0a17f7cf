"""Checkers of the chapter "Gradients".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

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
    misfit,
    numbers,
)


@checker
def check_gradient(gradient: Answer) -> Verdict:
    """Check ``gradient(theta)``: ∇f = (2 θ₁ θ₂, θ₁² + 3 θ₂²) for f = θ₁² θ₂ + θ₂³, shape (2,)."""
    hold = "Write f with one of the two as a plain number, and differentiate by the other."

    def case(t1: float, t2: float) -> Case:
        right = np.array([2 * t1 * t2, t1**2 + 3 * t2**2])
        mistakes: Mistakes = [
            (right[::-1], "The two entries have changed places.", "θ₁ comes first."),
            (-right, "This points downhill.", "The gradient itself has no minus sign."),
            (right.sum(), "This adds the two slopes.", "Keep them apart: shape (2,)."),
            ([2 * t1 * t2, 3 * t2**2], "One term lacks a slope.", "θ₂ is in θ₁² θ₂ as well."),
            ([2 * t1 * t2, t1**2 + t2**2], "The second entry is not right yet.", "θ₂³ is cubed."),
            ([2 * t1, t1**2 + 3 * t2**2], "The first entry lacks a factor.", hold),
            ([2 * t1 * t2 + t2**3, t1**2 + 3 * t2**2], "The first entry has a term too many.",
             "θ₂³ does not change while θ₂ is held."),
            ([2 * t1, 3 * t2**2], "Two terms are not right yet.", hold),
            (right / np.linalg.norm(right), "This has the length 1.", "Leave it as long as it is."),
            (t1**2 * t2 + t2**3, "This is the value of f.", "Its two slopes are asked for."),
        ]  # fmt: skip
        return Case((np.array([t1, t2]),), right, distinct(mistakes, right), hold)

    cases = [case(1.0, 2.0), case(-1.5, 0.5)]
    return judge(
        gradient, cases, "Two slopes, one for each weight, in their order.", arguments="theta"
    )


@checker
def check_half_slope(degrees: Any) -> Verdict:
    """Check the angle to the gradient, in degrees, where the slope is half the steepest: 60."""
    cosine = "The slope is the length of the gradient times the cosine of the angle."
    radians = "This is an angle in radians. Degrees are asked for."
    mistakes: Mistakes = [
        (45, "Half of the right angle is not half of the slope.", cosine),
        (30, "That is where the sine is one half.", cosine),
        (120, "There it goes down at half the steepest slope.", "Up is asked for."),
        (240, "There it goes down at half the steepest slope.", "Up is asked for."),
        (300, "Turn the shorter way round.", cosine),
        (-60, "An angle between two directions has no sign.", "It is a size."),
        (np.pi / 3, radians, "Multiply by 180/π."),
        (np.pi / 6, radians, cosine),
        (np.pi / 4, radians, cosine),
        (90, "There the slope is zero.", cosine),
        (0, "There the slope is the steepest.", cosine),
        (180, "This is straight down.", cosine),
        (0.5, "This is the cosine. Which angle has it?", cosine),
    ]
    praise = "At this angle, half of the steepest slope is left."
    return judge_value(degrees, Case((), 60.0, mistakes, cosine), praise)


@checker
def check_forecast(first: Any, second: Any, bound: Any) -> Verdict:
    """Check the walk of 0.1 from (3, 1) along (0.8, 0.6), for L = (θ₁θ₂ - 4)².

    The slope is -2 · 0.8 - 6 · 0.6 = -5.2 and the curvature 2 · 0.64 + 2 · 4 · 0.48 + 18 · 0.36
    = 11.6, so the forecasts are 1 - 0.52 = 0.48 and 0.48 + 0.058 = 0.538. With the curvature at
    most 13.4 on the walk the first is off by at most 0.067.
    """
    right = [0.48, 0.538, 0.067]
    entries = "The Hessian's entries are 2θ₂², 4θ₁θ₂ − 8 and 2θ₁²."
    half = "The term of second order is half of h² times the curvature."
    before = "Integrate M s from 0 to h. What stands before M?"
    mistakes: Mistakes = [
        ((0.48, 0.596, 0.067), "A factor is missing in the second forecast.", half),
        ((0.48, 0.596, 0.134), "The last two are off by the same slip.", half),
        ((0.48, 0.538, 0.134), "A factor is missing in the bound.", before),
        ((0.48, 0.5188, 0.067), "The curvature lacks its mixed terms.", "u₁u₂ comes twice."),
        ((0.48, 0.5284, 0.067), "The mixed term comes twice.", "H₁₂u₁u₂ and H₂₁u₂u₁."),
        ((0.48, 0.54052, 0.067), "The second is the loss itself.", "Forecast it by a parabola."),
        ((0.48, 1.06, 0.067), "The step is not squared.", half),
        ((0.48, 1.06, 0.67), "The step is not squared.", half),
        ((0.48, 0.058, 0.067), "The second is a correction only.", "Add it to the first."),
        ((-0.52, 0.058, 0.067), "These are changes.", "Add them to the loss at the start."),
        ((1.52, 1.578, 0.067), "The walk leads down here.", "Both slopes are negative."),
        ((0.64, 0.698, 0.067), "The slope is not right yet.", "Is it ∇L · u with u = (0.8, 0.6)?"),
        ((0.48, 0.422, 0.067), "The curvature has the wrong sign.", entries),
        ((0.48, 0.538, 1.34), "The bound has the wrong power of h.", before),
        ((0.48, 0.538, 0.67), "The bound is not right yet.", "h is squared in it."),
        ((0.48, 0.538, 0.058), "The bound uses the curvature at the start.",
         "Which is the largest on the walk?"),
        ((0.48, 0.538, 0.052), "This is a tenth of the promised change.", "The bound needs 13.4."),
        ((0.48, 0.538, -0.067), "A bound is a size.", "It is not negative."),
        ((0.48, 0.538, 0.06052), "This is the error itself.", "Bound it without the loss there."),
        ((0.48, 0.538, 0.547), "This bounds the loss.", "By how much is the forecast wrong?"),
    ]  # fmt: skip
    parts: list[tuple[Any, Mistakes, str]] = [
        (first, [
            (1.52, "The walk leads down here.", "Both slopes are negative."),
            (-0.52, "The first is a change.", "Add it to the loss at the start."),
            (0.52, "This is the size of the fall.", "Which loss remains?"),
            (0.4, "Two slopes have changed places.", "∂L/∂θ₁ has the factor θ₂."),
            (-4.2, "The step is missing in the first.", "The change is h times the slope."),
            (0.5405, "The first is the loss itself.", "Forecast it by a straight line."),
        ], "Begin with ∇L = 2(θ₁θ₂ − 4)(θ₂, θ₁) at (3, 1), and multiply it with u."),
        (second, [
            (0.596, "A factor is missing in the second forecast.", half),
            (0.058, "The second is a correction only.", "Add it to the first."),
            (0.422, "The curvature has the wrong sign.", entries),
        ], entries),
        (bound, [], "The bound is half of h² times the largest curvature on the walk."),
    ]  # fmt: skip
    names = ("The first forecast", "The second forecast", "The bound")
    whole = judge_value((first, second, bound), Case((), right, mistakes, names=names),
                        "The loss there is 0.5405.")  # fmt: skip
    if not whole.unforeseen:
        return whole
    for (part, slips, hint), expected in zip(parts, right, strict=True):
        verdict = judge_value(part, Case((), expected, slips))
        if verdict.unforeseen:  # its name is in the verdict on all three
            return Verdict(False, whole.message, hint)
        if not verdict:
            return verdict
    return whole


KINDS = ("minimum", "maximum", "saddle", "undecided")


@checker
def check_classify(classify: Answer) -> Verdict:
    """Check ``classify(H)`` at a point without slope, by the signs of the eigenvalues of H.

    All positive: "minimum". All negative: "maximum". Some of either sign: "saddle", zeros or not.
    Otherwise "undecided". What a computer finds for a zero is tiny beside the largest.
    """
    if not callable(classify):
        return judge(classify, [])
    if (wrong := misfit(classify, "H")) is not None:
        return wrong
    turned = np.array([[0.8, 0.6], [-0.6, 0.8]])
    matrices = (
        [[2.0, 0.0], [0.0, 1.0]],
        [[-2.0, 1.0], [1.0, -2.0]],
        [[1.0, 3.0], [3.0, 1.0]],
        [[0.0, -8.0], [-8.0, 0.0]],
        [[1.0, 0.0, 2.0], [0.0, -3.0, 0.0], [2.0, 0.0, 1.0]],
        [[-1.0, 0.0, 0.0], [0.0, -2.0, 0.0], [0.0, 0.0, 3.0]],
        [[8.0, 8.0], [8.0, 8.0]],
        [[0.0, 0.0], [0.0, 0.0]],
        [[-4.0, 2.0], [2.0, -1.0]],
        [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, -1.0]],
        turned @ np.diag([3.0, 0.0]) @ turned.T,
        [[0.5, 0.1, 0.0], [0.1, 0.2, 0.0], [0.0, 0.0, 0.01]],
        [[1000.0, 0.0], [0.0, 0.02]],
        [[2e-12, 0.0], [0.0, 1e-12]],
    )
    for rows in matrices:
        H = np.array(rows)
        given = H.copy()
        shown = np.array2string(H, precision=3, separator=", ").replace("\n", "")
        try:
            kind = classify(given)
        except Exception as error:  # the reader's code: whatever it raises is the message
            return Verdict(
                False, f"For the input {shown} it raised {type(error).__name__}: {error}"
            )
        if not np.array_equal(given, H):
            return Verdict(False, f"It changed its argument {shown} in place: work on a copy.")
        if kind is None:
            return Verdict(False, f"The answer for the input {shown} is None: is a return missing?")
        if not isinstance(kind, str) or kind not in KINDS:
            return Verdict(False, f"For {shown} it returned {kind!r}: none of {', '.join(KINDS)}.")
        verdict = _classified(H, kind, shown)
        if not verdict:
            return verdict
    return Verdict(True, "Zeros leave it open, unless both signs are there.")


def _classified(H: Array, kind: str, shown: str) -> Verdict:
    eigenvalues = np.linalg.eigvalsh(H)
    largest = float(np.abs(eigenvalues).max())
    tiny = 1e-9 * largest
    up, down = bool((eigenvalues > tiny).any()), bool((eigenvalues < -tiny).any())
    zero = bool((np.abs(eigenvalues) <= tiny).any())
    right = "saddle" if up and down else "undecided" if zero else "minimum" if up else "maximum"
    if kind == right:
        return Verdict(True, "")
    at = f'For {shown}, "{kind}" is not right.'
    if 0 < largest < 1e-3:
        return Verdict(False, at, "A multiple of H has the same signs. Tiny beside which number?")
    if right == "saddle" and kind == "undecided" and zero:
        more = "One way up and one way down are enough, whatever the third eigenvalue is."
    elif right == "saddle":
        more = "The diagonal has the curvatures along the axes alone. Ask the eigenvalues."
        if len(H) == 3:
            more = "One way up and one way down are enough: signs, and not how many of each."
    elif right == "undecided":
        more = (
            "An eigenvalue is zero, which leaves it open."
            " A computed zero is about 1e-16 in size, of either sign."
        )
    elif {kind, right} == {"minimum", "maximum"}:
        more = "A positive curvature leads up."
    else:
        more = "All eigenvalues have one sign, and none is zero."
        if kind == "undecided" and np.abs(eigenvalues).min() < 1e-3 * largest:
            more += " One is small beside the largest, but far above rounding."
    return Verdict(False, at, more)


@checker
def check_jacobian(jacobian: Answer) -> Verdict:
    """Check ``jacobian(x, W, b)`` of a = tanh(x W + b): J_ij = ∂a_j/∂x_i = w_ij (1 - a_j²).

    Shapes: x (n_in,), W (n_in, n_out), b (n_out,), J (n_in, n_out).
    """
    more = "One entry: a change of x_i reaches z_j through w_ij, and a_j through the slope of tanh."

    def case(x: Array, W: Array, b: Array) -> Case:
        z = x @ W + b
        a, sigmoid = np.tanh(z), 1 / (1 + np.exp(-z))
        slope = 1 - a**2
        right = W * slope
        mistakes: Mistakes = [
            (right.T, "This is the transpose.", "A row for each input, a column for each output."),
            (W, "This is the Jacobian of xW + b.", "tanh has a slope as well."),
            (W.T, "This is the transpose, of the Jacobian of xW + b.", "tanh has a slope as well."),
            (np.diag(slope), "This is the Jacobian of tanh alone.", "W is missing."),
            (slope, "These are the slopes of tanh alone.", "W is missing."),
            (W * a, "This multiplies by tanh and not by its slope.", "The slope is 1 - tanh²."),
            (W * (1 - a), "The slope of tanh is not right yet.", "It is 1 - tanh²."),
            (W * (1 + a**2), "The slope of tanh is not right yet.", "It is 1 - tanh²."),
            (W * (1 - z**2), "The slope is not that of tanh at z.", "It is 1 - tanh²."),
            (W * (1 - np.tanh(z**2)), "The square is at the wrong place.", "Square tanh z."),
            (W * sigmoid * (1 - sigmoid), "This is the slope of the sigmoid.", "Here it is tanh."),
            (W + slope, "This adds slopes along one path.", "They multiply."),
            (x[:, None] * slope, "These are slopes with respect to the weights.",
             "Those with respect to x are asked for."),
            (x[:, None] * right, "x is a factor too many.", "Its slopes do not contain it."),
            (W * (1 - np.tanh(x @ W) ** 2), "The slope of tanh is taken at xW.", "b is missing."),
            (W * (1 - np.tanh(x)[:, None] ** 2), "The slope of tanh is taken at x.",
             "Take it at xW + b."),
            (right.sum(1), "This adds the outputs together.", "Each output has a column."),
            (right.sum(0), "This adds the inputs together.", "Each input has a row."),
        ]  # fmt: skip
        if W.shape[0] == W.shape[1]:
            hint = "The slope of unit j belongs to column j."
            mistakes.append((W * slope[:, None], "The slopes are at the wrong places.", hint))
        where = f"x of shape {x.shape} and W of shape {W.shape}"
        return Case((x, W, b), right, distinct(mistakes, right), more, where=where)

    wide = case(
        np.array([0.5, -1.0]),
        np.array([[0.2, -1.0, 0.7], [1.5, 0.3, -0.4]]),
        np.array([0.3, -0.2, 0.1]),
    )
    one = case(np.array([0.4, 0.1, -0.3]), np.array([[0.5], [-1.0], [2.0]]), np.array([0.2]))
    square = case(np.array([0.3, -0.6]), np.array([[1.0, -0.5], [0.4, 2.0]]), np.array([0.1, -0.2]))
    cases = [wide, one, square]
    praise = "Column j of W times the slope of unit j."
    verdict = judge(jacobian, cases, praise, arguments="x, W, b")
    if verdict.raised == "ValueError":
        hint = "Every output has one slope of tanh and one column of W. Multiply these two."
        return replace(verdict, more=hint)
    return verdict


@checker
def check_steepest(steepest: Answer) -> Verdict:
    """Check ``steepest(g, order)``: the u with ‖u‖_order = 1 and the largest g · u.

    ``order`` is 1, 2 or inf, as for ``numpy.linalg.norm``: the unit vector of g's largest entry
    with its sign, g / ‖g‖₂, or sign(g). Where entries tie, any best step of length 1 is right.
    """
    corners = "Draw the steps of length 1 in this norm. Which corner lies farthest along g?"

    def right(g: Array, order: float) -> Array:
        if order == 2:
            return np.asarray(g / np.linalg.norm(g))
        if order == 1:
            return np.where(np.abs(g) == np.abs(g).max(), np.sign(g), 0.0)
        return np.sign(g)

    def case(g: Array, order: float) -> Case:
        u = right(g, order)
        largest = (g == g.max()).astype(float)
        smallest = np.where(np.abs(g) == np.abs(g).min(), np.sign(g), 0.0)
        here = f"Where order is {order:g}, this is the answer for"
        mistakes: Mistakes = [
            (-u, f"In the norm {order:g} this is the steepest way down.",
             "The steepest way up is asked for."),
            (g, "This is the gradient.", "Its length is not 1 in this norm."),
            (g / np.linalg.norm(g, order), "The length is 1, but another step is steeper.",
             corners),
            (g / np.linalg.norm(g), f"{here} the norm 2.", corners),
            *(
                (g / np.linalg.norm(g, other), f"Where order is {order:g}, this has the length 1"
                 f" only in the norm {other:g}.", "And another direction may be steeper.")
                for other in (1, np.inf) if other != order
            ),
            (np.abs(u), f"The signs are lost in the norm {order:g}.",
             "Does each weight go up or down?"),
            *(
                (u * wrong, f"The direction is right, but in the norm {order:g} its length is"
                 " not 1.", "Divide by its length in that norm.")
                for wrong in (np.abs(g).max(), 1 / np.sqrt(len(g)), 1 / len(g), 0.5, 2.0)
            ),
            (largest, f"In the norm {order:g} this takes the largest entry, and not the largest"
             " in size.",
             "A weight may also be turned down."),
            (smallest, f"In the norm {order:g} this moves the weight with the smallest slope.",
             "Which weight gives the most for a step of length 1?"),
            (np.sign(g), f"{here} the norm inf.", corners),
            (right(g, 1), f"{here} the norm 1.", corners),
            (g @ u, "This is the slope.", "The direction is asked for."),
        ]  # fmt: skip
        return Case((g, order), u, distinct(mistakes, u), corners)

    g, longer = np.array([3.0, -4.0]), np.array([0.5, 2.0, -1.0])
    two = [case(g, 2), case(g, np.inf)]
    one = [case(np.array([0.5, -2.0, 1.0]), 1), case(g, 1), case(longer, 1)]
    cases = [*two, *one, case(longer, np.inf)]
    praise = "One gradient, three steepest directions."
    verdict = judge(steepest, cases, praise, arguments="g, order")
    if not verdict:
        return verdict

    def fault(g: Array, order: float) -> int:
        u = numbers(steepest(g, order))
        if u is None or u.shape != g.shape:
            return 1
        if not np.isclose(np.abs(u).sum(), 1, rtol=1e-3):
            return 2
        return 0 if np.isclose(g @ u, np.abs(g).max(), rtol=1e-3) else 3

    at = "the input [1, -2, 2], 1"
    ties = (
        (1, f"The answer for {at} is not an array of shape (3,).", "Two tie."),
        (2, f"Two entries tie in {at}. There the length of the answer is not 1.",
         "One step along one of them is enough."),
        (3, f"Two entries tie in {at}. Another step is steeper.", corners),
    )  # fmt: skip
    # Any mixture of the two best steps is right.
    return judge(fault, [Case((np.array([1.0, -2.0, 2.0]), 1), 0, ties, where=at)], praise)


@checker
def check_trust(trust: Answer) -> Verdict:
    """Check ``trust(slope, M, share)``: h = 2 share |slope| / M.

    There the bound h² M / 2 has grown to ``share`` of the change h |slope| that is promised.
    """
    equal = "Write the two as formulas in h, set one equal to share times the other, divide by h."

    def case(slope: float, M: float, share: float) -> Case:
        h = 2 * share * abs(slope) / M
        mistakes: Mistakes = [
            (h / 2, "A factor 2 is missing.", "The bound is half of h² M."),
            (h / 4, "A factor is off.", "The half belongs to the bound, so it moves over as a 2."),
            (2 * h, "A factor is off.", "The half belongs to the bound: it moves over as one 2."),
            (-h, "A length is positive.", "Which of the numbers can be negative?"),
            (2 * share * slope / M, "A length is not negative.", "The slope may be."),
            (h / share, "This is where bound and change are equal.", "share is not used."),
            (h / share**2, "share is on the wrong side.", equal),
            (2 * abs(slope) / (share * M), "share is on the wrong side.", equal),
            (abs(slope) / M, "This is where the parabola is lowest.", equal),
            (2 * share * M / abs(slope), "This is upside down.", "Steep may be trusted far."),
            (np.sqrt(2 * share * abs(slope) / M), "The h of the change is missing.",
             "One h of h² cancels."),
            (2 * share / M, "The slope is not used.", equal),
            (2 * share * abs(slope), "M is not used.", equal),
            (2 * share * slope**2 / M, "The slope is squared.", equal),
            (M / (2 * share * abs(slope)), "This is upside down.", "Steep may be trusted far."),
            (0.2 * abs(slope) / M, "share is not used.", "0.2 belongs to a share of a tenth."),
        ]  # fmt: skip
        return Case((slope, M, share), h, distinct(mistakes, h), equal)

    cases = [case(-3.0, 0.5, 0.2), case(2.0, 4.0, 0.1), case(1.0, 8.0, 0.05)]
    praise = "A steep slope with little curvature can be trusted far."
    return judge(trust, cases, praise, arguments="slope, M, share")


@checker
def check_ways(up: Any, down: Any, level: Any) -> Verdict:
    """Check the signs of the 160 eigenvalues of 64-2-10 at zero: 27, 18 and 115.

    Each of the 2 hidden units pairs its 64 weights (and its bias, whose block is zero for balanced
    classes) with its 10 output weights by the same matrix C, of rank 9, as its rows sum to zero:
    2 · 9 eigenvalues of either sign. The 10 output biases add 9 that are positive, and a zero.
    """
    counted = "Count with a threshold such as 1e-6: computed zeros are not exactly zero."
    mistakes: Mistakes = [
        ((18, 18, 124), "This leaves out the biases of the output.", "Theirs is a block as well."),
        ((18, 18, 114), "This leaves out the biases of the output.", "Theirs is a block as well."),
        ((18, 18, 115), "These do not add up to 160.", "The output's biases have a block too."),
        ((28, 18, 114), "One of the first is too many.", "All ten biases raised alike: level."),
        ((30, 20, 110), "Count again the ways of a hidden unit.",
         "The mean errors of the ten classes sum to zero, pixel by pixel."),
        ((20, 20, 120), "Count again the ways of a hidden unit.",
         "The mean errors of the ten classes sum to zero, pixel by pixel."),
        ((18, 27, 115), "Up and down have changed places.", ""),
        ((18, 9, 133), "This is one hidden unit.", "There are two."),
        ((9, 9, 142), "This is one hidden unit, and no biases.", "There are two units."),
        ((128, 20, 12), "These are numbers of weights.", counted),
        ((80, 80, 0), "Most eigenvalues are zero.", counted),
        ((9, 0, 151), "These are the biases of the output alone.", "Weights have a block too."),
        ((10, 0, 150), "These are the biases of the output alone.", "Weights have a block too."),
        ((45, 0, 115), "Not all that are not zero are positive.", "They come in pairs ±λ."),
    ]  # fmt: skip
    answer = (up, down, level)
    right = Case((), [27, 18, 115], mistakes, counted)
    verdict = judge_value(answer, right, "It is a saddle, and most of its eigenvalues are zero.")
    if not verdict and verdict.more == counted:
        try:
            total = int(up) + int(down) + int(level)
        except (TypeError, ValueError):
            return verdict
        if total != 160:
            return Verdict(False, f"These add up to {total}, and there are 160.", counted)
    return verdict
