"""Checkers of the chapter on the chain rule.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
What `help` says of a checker does not give its answer away.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    alike,
    checker,
    judge,
    judge_value,
    numbers,
    peak_memory,
)


def _table(function: Answer, *args: Any) -> bool:
    """Whether a function of rows of n numbers holds, or visits one by one, n² numbers."""
    n, lines, before = len(args[0]), 0, sys.gettrace()

    def trace(frame: Any, event: str, _: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return trace

    sys.settrace(trace)
    try:
        function(*args)
    finally:
        sys.settrace(before)
    return lines > 40 * n or peak_memory(function, *args) > 400 * n


MEASURED = "This looks like a quotient, measured with a step."


def _quotient(verdict: Verdict, function: Answer, args: tuple[float, ...], exact: float) -> Verdict:
    """Return the verdict, or that a function measures with a step, as its error tells.

    A formula is right to the last few digits. A difference quotient is not.
    """
    if not callable(function) or not (verdict or verdict.unforeseen):
        return verdict
    found = numbers(function(*args))
    assert found is not None  # the verdict has looked at it
    off = abs(float(np.real(found)) / exact - 1)
    if 1e-13 < off < 0.02:
        return Verdict(False, MEASURED, "Find the slopes by hand, and multiply them.")
    return verdict


@checker
def check_slope(slope: Answer) -> Verdict:
    """Check ``slope(x)``, the derivative of sin(exp(x²))."""

    def case(x: float) -> Case:
        power = np.exp(x**2)
        outer = np.cos(power)
        names = "Name the steps: u₁ = x², u₂ = exp(u₁), y = sin u₂. Where is each evaluated?"
        return Case(
            (x,),
            outer * power * 2 * x,
            (
                (np.cos(x) * np.exp(x) * 2 * x, "Every slope is taken at x; only one may be.",
                 names),
                (np.cos(x) * power * 2 * x, "The cosine is taken at the wrong place.",
                 "It stands where the sine stood: at exp(x²)."),
                (np.cos(x**2) * power * 2 * x, "The cosine is taken at the wrong place.",
                 "It stands where the sine stood: at exp(x²), not at x²."),
                (outer * np.exp(x) * 2 * x, "The exponential is taken at the wrong place.",
                 "Its slope is taken at x²."),
                (outer * np.exp(2 * x), "The exponential's slope is taken at the wrong place.",
                 "It is exp(x²), and the slope of x² is one more factor."),
                (np.cos(power * 2 * x), "The inner slopes stand inside the cosine.",
                 "They are factors beside it."),
                (outer * np.exp(2 * x) * 2 * x, "The exponential is taken at the wrong place.",
                 "Its slope is taken at x², not at 2x."),
                (np.sin(power), "This is the function itself.", "How fast does it change?"),
                (outer * power * x, "The innermost slope is not right.", "What is that of x²?"),
                (outer * power, "The innermost slope is missing.", "x² has a slope as well."),
                (outer * 2 * x, "The middle slope is missing.", "That of the exponential."),
                (outer, "This is the outer slope alone.", "One factor for each step."),
                (power * 2 * x, "The outer slope is missing.", "What is the slope of the sine?"),
                (np.sin(power) * power * 2 * x, "The outer function is not differentiated yet.",
                 "What is the slope of the sine?"),
                (-outer * power * 2 * x, "A sign is wrong.", "The sine's slope has no minus."),
                (outer + power + 2 * x, "The slopes are added.",
                 "There is a single path here, and along a path slopes multiply."),
                (np.cos(x) + np.exp(x) + 2 * x, "The slopes are added, and all taken at x.",
                 "Along a path slopes multiply, each taken where its function is evaluated."),
            ),
            names,
        )  # fmt: skip

    verdict = judge(
        slope, [case(0.6), case(-0.8)], "Three slopes, each at its own place.", arguments="x"
    )
    x = 0.6
    exact = np.cos(np.exp(x**2)) * np.exp(x**2) * 2 * x
    return _quotient(verdict, slope, (x,), exact)


@checker
def check_routes(total: Any) -> Verdict:
    """Check ``total``, the sum over all paths from x to y = u·s, u = x², s = u + x, at x = 4."""
    routes = "Three paths lead from x to y: write them down as x → … → y."
    missing = "One path is missing."
    mistakes = (
        (176, missing, "u reaches y in two ways: directly, and by s."),
        (288, missing, "x enters s directly as well."),
        (144, missing, "u enters y directly as well."),
        (160, "This is one path alone.", routes),
        (128, "This is one path alone.", routes),
        (16, "This is one path alone.", routes),
        (72, "This is the product of du/dx and ds/dx.", "y = u · s has one path from each factor."),
        (160 * 128 * 16, "Along a path you multiply. Over paths you add.", routes),
        (320, "This is y itself.", "How fast does it change?"),
        (256, "This is the slope of x⁴.", "y is x⁴ and something more."),
        (48, "This is the slope of x³.", "y is x³ and something more."),
    )
    verdict = judge_value(total, Case((), 304, mistakes, routes), "160, 128 and 16, added.")
    found = numbers(total)
    near = found is not None and found.shape == () and 0 < abs(found - 304) < 2
    if near and not verdict and float(total) % 1:
        # The quotient of a step h is 304 + 108 h and a little more.
        return Verdict(
            False, MEASURED,
            "To what does it tend as the step shrinks? The sum over paths is exact.",
        )  # fmt: skip
    return verdict


J1, J2 = np.array([[1, 0, 2], [-1, 3, 1]]), np.array([[2, 1], [0, -1], [1, 4]])
DX, V = np.array([3, 1]), np.array([2, -1])


def _flat(answer: Any) -> Any:
    """Return a table of one row of numbers as that row; anything else as it is."""
    found = numbers(answer)
    return found[0] if found is not None and found.ndim == 2 and len(found) == 1 else answer


@checker
def check_products(jvp: Any, vjp: Any) -> Verdict:
    """Check the jvp dx J₁J₂ and the vjp v J₂ᵀJ₁ᵀ for the matrices of the exercise."""
    forward, backward = DX @ J1 @ J2, V @ J2.T @ J1.T
    jvp, vjp = (_flat(answer) for answer in (jvp, vjp))
    from_left = "Multiply dx by J₁ first, then the result by J₂."
    from_right = "Multiply v by J₂ᵀ first, then the result by J₁ᵀ."
    if alike(jvp, backward) and alike(vjp, forward):
        return Verdict(False, "The right numbers, but the jvp comes first.")
    first = judge_value(jvp, Case((), forward, (
        (DX @ J1, "The jvp stops half-way: this is dx J₁.", "One more product, with J₂."),
        (backward, "This is the vjp.", from_left),
        (V @ (J1 @ J2), "Here v has been carried forward.", "Forward goes dx."),
        ((J1 @ J2)[0], "This is a row of J: the answer for a dx of (1, 0).", from_left),
        ((J1 @ J2) @ DX, "The matrix stands on the wrong side of dx.", from_left),
    ), from_left))  # fmt: skip
    if not first:
        other = "The vjp is right." if alike(vjp, backward) else "Neither row is right."
        return Verdict(False, f"{other} The jvp: {first.message}", first.more)
    second = judge_value(vjp, Case((), backward, (
        (V @ J2.T, "The vjp stops half-way: this is v J₂ᵀ.", "One more product, with J₁ᵀ."),
        (V @ (J1 @ J2), "This is v J.", "v has one entry for each output: so v Jᵀ."),
        (DX @ (J1 @ J2).T, "Here dx has been carried backward.", "Backward goes v."),
    ), from_right))  # fmt: skip
    if not second:
        more = f"{second.more} Test: dx times vjpᵀ and jvp times vᵀ are one number.".strip()
        return Verdict(False, f"The jvp is right. The vjp: {second.message}", more)
    return Verdict(True, "Test: dx times vjpᵀ and jvp times vᵀ are one number.")


@checker
def check_order(jvps: Any, vjps: Any) -> Verdict:
    """Check the multiplications for the whole Jacobian of a 2-50-50-1000 network."""
    weights = 2 * 50 + 50 * 50 + 50 * 1000
    one = weights + 50 + 50
    passes = "A jvp answers for one input, a vjp for one output. How many are there of each?"
    layers = "Go through one pass layer by layer: three matrices, two activations."
    mistakes: tuple[Any, ...] = (
        ((1000 * one, 2 * one), "The two are exchanged.", passes),
        ((one, one), "This is one pass.", passes),
        ((weights, weights), "This is one pass, without the activations.", passes),
        (
            (2 * weights, 1000 * weights),
            "The activations are missing.",
            "A hidden unit's slope is one multiplication, in each pass.",
        ),
        ((1000 * weights, 2 * weights), "The two are exchanged, and the activations missing.", ""),
        (
            (2 * (one + 1000), 1000 * (one + 1000)),
            "The outputs have an activation here.",
            "In this network, only hidden units have one.",
        ),
        ((2, 1000), "These are the passes.", "How many multiplications does one of them take?"),
        ((2 * one, 2 * one), "The jvps are right.", "A vjp answers for one output only."),
        ((1000 * one, 1000 * one), "The vjps are right.", "A jvp answers for all outputs."),
        (
            (2 * 2 * one, 2 * 1000 * one),
            "Both are twice too large.",
            "The evaluation itself does not count.",
        ),
    )
    for wide, what in (
        (2 * 50 + 50 + 50 * 1000, "One hidden layer is missing."),
        (one + 50 + 50 + 1000, "The biases are counted."),
        (one + 50 * 50 - 50, "An activation is counted as a full matrix."),
        (one + 2 * (50 * 50 - 50), "The activations are counted as full matrices."),
    ):
        mistakes += (
            ((2 * wide, 1000 * wide), f"The passes are right, one pass is not. {what}", layers),
            ((wide, wide), f"This is one pass, and not quite. {what}", passes),
        )
    more = "First the multiplications of one pass, layer by layer; then the number of passes."
    for answer in (jvps, vjps):
        found = numbers(answer)
        if found is not None and found.shape == () and float(found) != round(float(found)):
            return Verdict(False, "A count is a whole number.", more)
    first, second = numbers(jvps), numbers(vjps)
    if first is not None and second is not None and first.shape == second.shape == ():
        known = any(first == wrong[0] and second == wrong[1] for wrong, *_ in mistakes)
        if first > 0 and second == 500 * first and first != 2 * one and not known:
            return Verdict(False, "The passes are right, one pass is not.", layers)
        close = (
            not known
            and abs(first - 2 * one) <= 0.01 * one
            and abs(second - 1000 * one) <= 10 * one
        )
        if close and (first != 2 * one or second != 1000 * one):
            return Verdict(False, "This is close, but a count must be exact.", layers)
        if not known and (first == 2 * one) != (second == 1000 * one):
            right, wrong = ("jvps", "vjps") if first == 2 * one else ("vjps", "jvps")
            return Verdict(False, f"The {right} are right, the {wrong} are not.", passes)
    case = Case((), [2 * one, 1000 * one], mistakes, more)
    return judge_value((jvps, vjps), case, "Two inputs: forward needs two passes.")


@checker
def check_power(change: Answer) -> Verdict:
    """Check ``change(p, dp, q, dq)``, how p^q changes to first order."""

    def case(p: float, dp: float, q: float, dq: float) -> Case:
        base, exponent = q * p ** (q - 1), p**q * np.log(p)
        two = "Hold q and move p; then hold p and move q; then add."
        return Case(
            (p, dp, q, dq),
            base * dp + exponent * dq,
            (
                (base * dp, "A path is missing.", "The exponent moves as well."),
                (exponent * dq, "A path is missing.", "The base moves as well."),
                (base + exponent, "Each path has two slopes.", "dp and dq are missing."),
                (base * dp * exponent * dq, "Along a path you multiply. Over paths you add.", two),
                (base * dp * dq, "This is one product, and there are two paths.", two),
                (base * dp + p**q * dq, "The slope in q is not right.",
                 "p^q = exp(q ln p): what does ln p do to the slope?"),
                (base * dp + p**q * np.log10(p) * dq, "This is the wrong logarithm.",
                 "The natural one is meant."),
                (base * dp + p**q * np.log(q) * dq, "The logarithm is of the wrong number.",
                 "p^q = exp(q ln p)."),
                (base * dp + q * p ** (q - 1) * dq, "The exponent's slope is another.",
                 "p^q = exp(q ln p)."),
                (base * dq + exponent * dp, "dp and dq are exchanged.", two),
                (base * dp - exponent * dq, "A sign is wrong.", two),
                (q * p**q * dp + exponent * dq, "The slope in p is not right.",
                 "Differentiate p^q with q held: what becomes of the power?"),
                (p ** (q - 1) * dp + exponent * dq, "The slope in p is not right.",
                 "Differentiate p^q with q held: a factor is missing."),
                (p**q, "This is p^q itself.", "How fast does it change?"),
                ((p + dp) ** (q + dq) - p**q, "This is the exact change, of any size.",
                 "For small dp and dq: a slope times dp, and a slope times dq."),
            ),
            two,
        )  # fmt: skip

    cases = [case(2.0, 1.0, 3.0, 0.5), case(0.6, -0.2, 1.7, 3.0)]
    verdict = judge(change, cases, "Two paths, and no new rule.", arguments="p, dp, q, dq")
    return _quotient(verdict, change, (2.0, 1.0, 3.0, 0.5), 12 + 4 * np.log(2))


@checker
def check_around(vjp: Answer) -> Verdict:
    """Check ``vjp(v, x, W)`` of a = x + tanh(x W), of the shape of x."""

    def case(seed: int, rows: int, n: int) -> Case:
        rng = np.random.default_rng(seed)
        v, x = rng.normal(size=(2, rows, n))
        W = rng.normal(size=(n, n))
        h = np.tanh(x @ W)
        slope = 1 - h**2
        through = (v * slope) @ W.T
        add = "Two paths lead from x to a. Add what comes back on each."
        return Case(
            (v, x, W),
            v + through,
            (
                (through, "A path is missing.", "x reaches a around the layer as well."),
                (v, "A path is missing.", "x reaches a through the layer as well."),
                (v * through, "Along a path you multiply. Over paths you add.", add),
                (v + (v * slope) @ W, "The path through the layer goes forward here.",
                 "Back through x W goes v Wᵀ."),
                (v + (v @ W) * slope, "This is a jvp: it goes forward.",
                 "Back: first the slope of tanh, then Wᵀ."),
                (v + (v @ W.T) * slope, "The two steps back are in the wrong order.",
                 "The tanh came last, so its slope comes first."),
                (v + v @ W.T, "The slope of tanh is missing.", "It is 1 - tanh²(x W)."),
                (v + (v * h) @ W.T, "This is the value of tanh, not its slope.",
                 "The slope is 1 - tanh²(x W)."),
                (v + (v * (1 - np.tanh(h) ** 2)) @ W.T, "The slope is taken at the wrong place.",
                 "tanh is evaluated at x W, and not at tanh(x W)."),
                (v + (v * (1 - np.tanh(x) ** 2)) @ W.T, "The slope is taken at the wrong place.",
                 "tanh is evaluated at x W, and not at x."),
                (v + (v * (1 - (x + h) ** 2)) @ W.T, "The slope is taken at the wrong place.",
                 "a is not the tanh alone."),
                (x + through, "Around the layer, the value of x comes back here.",
                 "What comes back is v times a slope."),
                (1 + through, "Around the layer, the slope alone comes back here.",
                 "What comes back is v times a slope."),
                (v + (v * (1 + h**2)) @ W.T, "The slope of tanh has a wrong sign.", add),
                (v + (v * (1 - h)) @ W.T, "This is not the slope of tanh.", "A square is missing."),
                ((v + v * slope) @ W.T, "The path around the layer does not pass W.",
                 "What is the slope of x itself?"),
                (v - through, "A sign is wrong.", add),
                (2 * v + through, "The path around the layer is counted twice.", add),
            ),
            add,
        )  # fmt: skip

    cases = [case(0, 1, 2), case(1, 2, 3), case(2, 4, 3)]
    return judge(vjp, cases, "Two paths, added.", arguments="v, x, W")


@checker
def check_forgotten(signs: Any, away: Any) -> Verdict:
    """Check the two shares of the exercise, which depend a little on the draw."""
    more = "Compare the vjp through the layer alone with the sum of both paths."
    found = numbers([signs, away])
    if found is None or found.shape != (2,):
        return Verdict(False, "Give two numbers: the share of signs, and the share of vjps.", more)
    if not np.isfinite(found).all():
        return Verdict(
            False, "A share is a number between 0 and 1.", "Divide by how many there are."
        )
    if (found > 1).any() and (found <= 100).all():
        return Verdict(
            False, "Shares are asked, not percent or counts.", "Divide by all the cases."
        )
    if (found > 1).any() or (found < 0).any():
        return Verdict(
            False, "A share is a number between 0 and 1.", "Divide by how many there are."
        )
    for wrong, hint in SHARES:
        if np.allclose(found, wrong, rtol=0, atol=0.015):
            return Verdict(
                not hint, hint or "Most signs look right, and a fifth leads uphill.", more
            )
    if abs(found[0] - SHARES[0][0][0]) <= 0.015:
        return Verdict(False, "The signs are right. The other share is not.",
                       "Take one inner product for each row.")  # fmt: skip
    if abs(found[1] - SHARES[0][0][1]) <= 0.015:
        return Verdict(False, "The second share is right. The first is not.",
                       "Count entries, three for each case.")  # fmt: skip
    return Verdict(False, "These shares are not right.", more)


SHARES = (
    ((0.666, 0.198), ""),
    ((0.198, 0.666), "The two are exchanged."),
    ((0.334, 0.802), "These are the opposite shares: of wrong signs, and of the other side."),
    ((0.334, 0.198), "The first is the share of wrong signs."),
    ((0.666, 0.802), "The second is the share that points the same way."),
    ((0.834, 0.034), "Here the path through the layer is forgotten, not the one around it."),
    ((0.595, 0.310), "Here the weights are smaller than standard normal numbers."),
)
"""The right signs and those that point away (200,000 draws), and what else gives which shares."""


@checker
def check_average(average: Answer) -> Verdict:
    """Check ``average(eta, g, H)``, the average change of the loss, for d standard normal."""

    def case(eta: float, g: list[float], H: list[list[float]]) -> Case:
        row, table = np.array(g), np.array(H)
        first, trace, along = row @ row, np.trace(table), row @ table @ row
        pairs = "Four factors d can be paired in three ways. What does each pairing leave?"

        def value(bracket: Any, half: float = 0.5) -> Any:
            return -eta * first + half * eta**2 * bracket

        return Case(
            (eta, row, table),
            value(first * trace + 2 * along),
            (
                (value(along), "This is the step along the gradient, without noise.", pairs),
                (value(first * trace), "A part of the second term is missing.", pairs),
                (value(first * trace + along), "A pairing is missing.", pairs),
                (value(first * trace + 3 * along), "There are only three pairings.", pairs),
                (value(2 * first * trace + along), "The two kinds of pairing are exchanged.",
                 pairs),
                (value(2 * along), "A pairing is missing.", "One of them gives the trace of H."),
                (value(3 * along), "The pairings do not all give the same.", pairs),
                (value(3 * first * trace), "The pairings do not all give the same.", pairs),
                (value(first * trace + 2 * along, 1), "The factor ½ is missing.", ""),
                (value(0), "The second term is missing.", pairs),
                (value(first * trace + 2 * along) + eta * first, "The first term is missing.", ""),
                (value(first * trace + 2 * along) + 2 * eta * first, "The first sign is wrong.",
                 "A small step goes down."),
                (value(trace + 2 * along), "The trace lacks its factor.", pairs),
                (value(trace), "The trace lacks its factor, and a part is missing.", pairs),
                (value((first * trace + 2 * along) / eta), "The step stands twice in this term.",
                 "So does the learning rate."),
                (value(first * trace + 2 * row**2 @ np.diag(table)),
                 "H is not diagonal.", "Which entries of H does a pairing leave?"),
                (value(first * trace + 2 * along - 2 * row**2 @ np.diag(table)),
                 "This is the average for random signs.", "The square of a sign is always 1."),
                (-eta * first - 0.5 * eta**2 * (first * trace + 2 * along),
                 "The second sign is wrong.", "The step stands there twice."),
            ),
            pairs,
        )  # fmt: skip

    three = [[1.0, 0.2, 0.0], [0.2, 4.0, 1.0], [0.0, 1.0, 2.0]]
    cases = [case(0.1, [1.0, 2.0], [[3.0, 0.5], [0.5, 1.0]]), case(0.3, [0.5, -1.0, 2.0], three)]
    return judge(average, cases, "Noise pays for the trace of H.", arguments="eta, g, H")


@checker
def check_corner(formula: Any, slope: Any) -> Verdict:
    """Check what the sum over paths says at the origin, and the true slope there."""
    first = "What are both partial derivatives at the origin?"
    second = "Set both to x, shorten the fraction, and differentiate."
    mistakes = (
        ((0.5, 0), "The two are exchanged.", first),
        ((0, 0), "The formula is right. The slope is another.", second),
        ((0.5, 0.5), "The slope is right. The formula says something else.", first),
        ((0, 1), "The slope is off by a factor.", "The denominator has two terms."),
        ((0, 0.25), "The slope is off by a factor.", second),
        ((0, 2), "The slope is the reciprocal.", second),
        ((0, -0.5), "The slope has the wrong sign.", second),
        ((1, 0.5), "The slope is right. The formula says something else.", first),
        ((0, 1.5), "Shorten the fraction before you differentiate.", second),
    )
    case = Case((), [0, 0.5], mistakes, f"{first} {second}", ("The formula", "The slope"))
    return judge_value((formula, slope), case, "The rule needs a differentiable function.")


@checker
def check_normalize_vjp(vjp: Answer) -> Verdict:
    """Check ``vjp(v, z)`` of p = z / Σ_k z_k, of shape (n,)."""

    def case(v: list[float], z: list[float]) -> Case:
        v_row, z_row = np.array(v), np.array(z)
        total = z_row.sum()
        p = z_row / total
        right = (v_row - v_row @ p) / total
        paths = "z_i reaches p_i directly, and every p_j by the sum."
        return Case(
            (v_row, z_row),
            right,
            (
                ((v_row - p * v_row.sum()) / total, "This is v J.",
                 "Rows of J are inputs, so v Jᵀ: a sum over outputs."),
                (v_row / total, "A path is missing.", "Every z moves the sum as well."),
                (-(v_row @ p) / total * np.ones_like(v_row), "A path is missing.",
                 "That of z_i through its own numerator."),
                (v_row * (1 - p) / total, "Some paths are missing.",
                 "z_i moves the other p_j as well: off the diagonal, J is not zero."),
                ((v_row + v_row @ p) / total, "A sign is wrong.",
                 "If the sum of z grows, does p_j grow or shrink?"),
                ((v_row - v_row.sum()) / total, "The sum lacks its weights.",
                 "How fast does p_j change with the sum of z?"),
                ((v_row - v_row.sum() / total) / total, "The sum lacks its weights.",
                 "How fast does p_j change with the sum of z?"),
                ((v_row - v_row.mean()) / total, "The mean is taken with equal weights.",
                 "How fast does p_j change with the sum of z?"),
                ((v_row - v_row @ z_row) / total, "The sum takes p, not z.", paths),
                (right * total, "A factor is missing.", "The division by the sum of z."),
                (right / total, "A factor stands there twice.", "The division by the sum of z."),
                (p * (v_row - v_row @ p), "This is the vjp of a softmax.",
                 "There are no powers of e here."),
                (v_row / z_row - v_row.sum() / total, "This is the vjp of ln p.",
                 "There is no logarithm here."),
                (p, "These are the p themselves.", paths),
                (-right, "A sign is wrong.", paths),
            ),
            paths,
        )  # fmt: skip

    cases = [
        case([2.0, -0.5, 1.0], [1.0, 3.0, 0.5]),
        case([0.5, -1.0, 2.0, 0.3], [1.5, 0.4, 2.0, 1.1]),
    ]
    verdict = judge(vjp, cases, "One sum, shared by all entries.", arguments="v, z")
    if not verdict and "AxisError" in verdict.message:
        return Verdict(False, "v and z are one row of n entries each, of shape (n,).", "No batch.")
    n = 300
    if verdict and _table(vjp, np.linspace(-1, 1, n), np.linspace(1, 2, n)):
        return Verdict(
            False, "The numbers are right. But all n² entries of the Jacobian are visited.",
            "Which sum is the same for every entry?",
        )  # fmt: skip
    return verdict


WIDTHS = ((4, 4, 8, 5, 1, 7), (4, 1, 7, 4, 9, 5), (2, 2, 2, 5, 3, 4))


def _best(n: tuple[int, ...]) -> int:
    """Return the fewest multiplications: the last product joins two parts at some k."""
    return min(
        (_best(n[: k + 1]) + _best(n[k:]) + n[0] * n[k] * n[-1] for k in range(1, len(n) - 1)),
        default=0,
    )


def _ends(n: tuple[int, ...]) -> tuple[int, int]:
    """Return what the orders from the left and from the right take."""
    left = sum(n[0] * n[k] * n[k + 1] for k in range(1, len(n) - 1))
    return left, sum(n[k - 1] * n[k] * n[-1] for k in range(1, len(n) - 1))


def _greedy(n: tuple[int, ...]) -> int:
    """Return what it takes to do the smallest product first, again and again."""
    if len(n) == 2:
        return 0
    k = min(range(1, len(n) - 1), key=lambda k: n[k - 1] * n[k] * n[k + 1])
    return n[k - 1] * n[k] * n[k + 1] + _greedy(n[:k] + n[k + 1 :])


def _waist(n: tuple[int, ...]) -> int:
    """Return what it takes to let the last product stand at the narrowest width, in each part."""
    if len(n) == 2:
        return 0
    k = min(range(1, len(n) - 1), key=lambda k: n[k])
    return _waist(n[: k + 1]) + _waist(n[k:]) + n[0] * n[k] * n[-1]


def _outward(n: tuple[int, ...]) -> int:
    """Return the cost of one best width for the last product, and each part done from its end."""
    return min(
        (
            _ends(n[: k + 1])[1] + _ends(n[k:])[0] + n[0] * n[k] * n[-1]
            for k in range(1, len(n) - 1)
        ),
        default=0,
    )


@checker
def check_least(least: Answer) -> Verdict:
    """Check ``least(widths)``, the fewest multiplications for a chain of matrices."""
    left = "This is what the order from the left costs; another one is cheaper here."
    right = "This is what the order from the right costs; another one is cheaper here."
    most = "This is the most expensive order, or one of the two from an end."
    narrow = "To split at the narrowest width is not always the best."
    greedy = "To take the smallest product first is not always the best."
    ends = "Neither end is the best beginning here."
    outward = "The parts beside the last product are not always done best in a row."
    last = "Some product is the last one. It joins two parts of the chain: try every place."
    abc = "A k × m matrix times an m × n matrix takes k · m · n multiplications."
    cases = [
        Case(((3, 4),), 0, ((12, "One matrix is there already.", "Nothing is multiplied."),), last),
        Case(((2, 3, 4),), 24, ((9, "These are sums.", abc),
                                (8, "The width in the middle is missing.", abc),
                                (48, "It is counted twice.", abc)), abc),
        Case(((5, 2, 7, 3),), 72, ((175, left, last), (175, most, last)), last),
        Case(((3, 7, 2, 5),), 72, ((175, right, last), (175, most, last)), last),
        *[Case((n,), _best(n), (
            (_ends(n)[0], left, last), (_ends(n)[1], right, last), (max(_ends(n)), most, last),
            (min(_ends(n)), ends, last), (_greedy(n), greedy, last), (_waist(n), narrow, last),
            (_outward(n), outward, "Each part is a chain as well: ask the same question again."),
        ), last) for n in WIDTHS],
        Case(
            ((100, 100, 1, 100, 100),),
            30_000,
            ((1_020_000, left, last), (1_020_000, right, last), (1_020_000, most, last),
             (1_020_000, ends, last)),
            last,
        ),
    ]  # fmt: skip
    return judge(
        least,
        cases,
        "The last product joins two parts, each done in its own best way.",
        arguments="widths",
    )
