"""Checkers of the chapter on the chain rule.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import inspect
import sys
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import Case, Verdict, checker, judge, judge_value, numbers

Answer = Callable[..., Any]


def _judged(function: Any, names: str, cases: Sequence[Case], praise: str) -> Verdict:
    """Judge a function of the arguments ``names``; of one with others, say which it should have."""
    if callable(function):
        try:
            inspect.signature(function).bind(*names.split(", "))
        except TypeError:
            return Verdict(False, f"Write a function of these arguments: ({names}).")
    return judge(function, cases, praise)


def _table(function: Answer, *args: Any) -> bool:
    """Whether a function of rows of n numbers holds, or walks through, a table of n² numbers."""
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
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    function(*args)
    peak = tracemalloc.get_traced_memory()[1] - held
    if not tracing:
        tracemalloc.stop()
    return lines > 40 * n or peak > 400 * n


@checker
def check_slope(slope: Answer) -> Verdict:
    """Check ``slope(x)``, the derivative of sin(exp(x²)): cos(exp(x²)) exp(x²) 2x."""

    def case(x: float) -> Case:
        power = np.exp(x**2)
        outer = np.cos(power)
        names = "Name the steps: t = x², u = exp(t), y = sin u. Each slope is taken at its own."
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
                (outer * power, "The innermost slope is missing.", "x² has a slope as well."),
                (outer * 2 * x, "The middle slope is missing.", "That of the exponential."),
                (outer, "This is the outer slope alone.", "One factor for each step."),
                (power * 2 * x, "The outer slope is missing.", "What is the slope of the sine?"),
                (np.sin(power) * power * 2 * x, "The outer function is not differentiated yet.",
                 "What is the slope of the sine?"),
                (-outer * power * 2 * x, "A sign is wrong.", "The sine's slope has no minus."),
            ),
            names,
        )  # fmt: skip

    return _judged(slope, "x", [case(0.6), case(-0.8)], "Three slopes, each at its own place.")


@checker
def check_routes(slope: Any) -> Verdict:
    """Check dy/dx of y = u·s, u = x², s = u + x at x = 4: 8·20 + 8·1·16 + 1·16 = 304."""
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
    verdict = judge_value(slope, Case((), 304, mistakes, routes), "160, 128 and 16, added.")
    found = numbers(slope)
    near = found is not None and found.shape == () and 0 < abs(found - 304) < 2
    if near and not verdict and float(slope) % 1:
        # The quotient of a step h is 304 + 108 h and a little more.
        return Verdict(
            False, "This looks like a quotient, measured with a step.",
            "To what does it tend as the step shrinks? The sum over paths is exact.",
        )  # fmt: skip
    return verdict


J1, J2 = np.array([[1, 0, 2], [-1, 3, 1]]), np.array([[2, 1], [0, -1], [1, 4]])
DX, V = np.array([3, 1]), np.array([2, -1])


@checker
def check_products(jvp: Any, vjp: Any) -> Verdict:
    """Check dx J₁J₂ = (11, 27) and v J₂ᵀJ₁ᵀ = (-1, -2) for the matrices of the exercise."""
    forward, backward = DX @ J1 @ J2, V @ J2.T @ J1.T
    from_left = "Multiply dx by J₁ first, then the result by J₂."
    from_right = "Multiply v by J₂ᵀ first, then the result by J₁ᵀ."
    if judge_value(jvp, Case((), backward)) and judge_value(vjp, Case((), forward)):
        return Verdict(False, "The right numbers, but the jvp comes first.")
    first = judge_value(jvp, Case((), forward, (
        (DX @ J1, "The jvp stops half-way: this is dx J₁.", "One more product, with J₂."),
        (backward, "This is the vjp.", from_left),
        (V @ (J1 @ J2), "Here v has been carried forward.", "Forward goes dx."),
        ((J1 @ J2)[0], "This is a row of J: the answer for a dx of (1, 0).", from_left),
        ((J1 @ J2) @ DX, "The matrix stands on the wrong side of dx.", from_left),
    ), from_left))  # fmt: skip
    if not first:
        return Verdict(False, f"The jvp: {first.message}", first.more)
    second = judge_value(vjp, Case((), backward, (
        (V @ J2.T, "The vjp stops half-way: this is v J₂ᵀ.", "One more product, with J₁ᵀ."),
        (V @ (J1 @ J2), "This is v J.", "v has one entry for each output: so v Jᵀ."),
        (DX @ (J1 @ J2).T, "Here dx has been carried backward.", "Backward goes v."),
    ), from_right))  # fmt: skip
    if not second:
        more = second.more + " Test: dx times vjpᵀ and jvp times vᵀ are one number."
        return Verdict(False, f"The jvp is right. The vjp: {second.message}", more)
    return Verdict(True, "Test: dx times vjpᵀ and jvp times vᵀ are one number.")


@checker
def check_order(jvps: Any, vjps: Any) -> Verdict:
    """Check the products for the whole Jacobian of a 2-50-50-1000 network, hidden activations.

    One pass takes 2·50 + 50 + 50·50 + 50 + 50·1000 = 52,700 products: two forward, 1000 backward.
    """
    weights = 2 * 50 + 50 * 50 + 50 * 1000
    one = weights + 50 + 50
    passes = "A jvp answers for one input, a vjp for one output. How many are there of each?"
    mistakes = (
        ((1000 * one, 2 * one), "The two are exchanged.", passes),
        ((one, one), "This is one pass.", passes),
        ((weights, weights), "This is one pass, without the activations.", passes),
        (
            (2 * weights, 1000 * weights),
            "The activations are missing.",
            "A hidden unit's slope is one product, in each pass.",
        ),
        ((1000 * weights, 2 * weights), "The two are exchanged, and the activations missing.", ""),
        (
            (2 * (one + 1000), 1000 * (one + 1000)),
            "The outputs have an activation here.",
            "In this network, only hidden units have one.",
        ),
        ((2, 1000), "These are the passes.", "How many products does one of them take?"),
        ((2 * one, 2 * one), "The jvps are right.", "A vjp answers for one output only."),
        ((1000 * one, 1000 * one), "The vjps are right.", "A jvp answers for all outputs."),
        (
            (2 * 2 * one, 2 * 1000 * one),
            "Both are twice too large.",
            "The evaluation itself does not count.",
        ),
    )
    more = "First the products of one pass, layer by layer; then the number of passes."
    case = Case((), [2 * one, 1000 * one], mistakes, more)
    return judge_value((jvps, vjps), case, "Two inputs: forward needs two passes.")


@checker
def check_power(change: Answer) -> Verdict:
    """Check ``change(p, dp, q, dq)``: d(p^q) = q p^(q-1) dp + p^q ln p dq."""

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
                (p**q, "This is p^q itself.", "How fast does it change?"),
            ),
            two,
        )  # fmt: skip

    cases = [case(2.0, 1.0, 3.0, 0.5), case(0.6, -2.0, 1.7, 3.0)]
    return _judged(change, "p, dp, q, dq", cases, "Two paths, and no new rule.")


@checker
def check_around(vjp: Answer) -> Verdict:
    """Check ``vjp(v, x, W)`` of a = x + tanh(x W): v + (v ⊙ (1 - tanh²(x W))) Wᵀ, as x."""

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
                 "tanh works at x W, and not at tanh(x W)."),
                (v + (v * (1 - np.tanh(x) ** 2)) @ W.T, "The slope is taken at the wrong place.",
                 "tanh works at x W, and not at x."),
                (v + (v * (1 - (x + h) ** 2)) @ W.T, "The slope is taken at the wrong place.",
                 "a is not the tanh alone."),
                (v - through, "A sign is wrong.", add),
                (2 * v + through, "The path around the layer is counted twice.", add),
            ),
            add,
        )  # fmt: skip

    cases = [case(0, 1, 2), case(1, 2, 3), case(2, 4, 3)]
    return _judged(vjp, "v, x, W", cases, "Two paths, added.")


@checker
def check_normalize_vjp(vjp: Answer) -> Verdict:
    """Check ``vjp(v, z)`` of p = z / Σ_k z_k: (v_i - Σ_j v_j p_j) / Σ_k z_k, shape (n,)."""

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
                ((v_row - v_row @ z_row) / total, "The sum takes p, not z.", paths),
                (right * total, "A factor is missing.", "The division by the sum of z."),
                (right / total, "A factor stands there twice.", "The division by the sum of z."),
                (p * (v_row - v_row @ p), "This is the vjp of a softmax.",
                 "There are no powers of e here."),
                (p, "These are the p themselves.", paths),
                (-right, "A sign is wrong.", paths),
            ),
            paths,
        )  # fmt: skip

    cases = [case([2.0, -0.5], [1.0, 3.0]), case([0.5, -1.0, 2.0, 0.3], [1.5, 0.4, 2.0, 1.1])]
    verdict = _judged(vjp, "v, z", cases, "One sum, shared by all entries.")
    n = 300
    if verdict and _table(vjp, np.linspace(-1, 1, n), np.linspace(1, 2, n)):
        return Verdict(
            False, "The numbers are right. But there is a table of n² numbers behind them.",
            "Which sum is the same for every entry?",
        )  # fmt: skip
    return verdict


@checker
def check_least(least: Answer) -> Verdict:
    """Check ``least(n)``: the fewest products for a chain of matrices of the widths n.

    The recursion: the minimum over k of least(n_0 … n_k) + least(n_k … n_l) + n_0 n_k n_l.
    """
    left = "This is the order from the input; here it is not the cheapest."
    right = "This is the order from the end; here it is not the cheapest."
    ends = "Neither end is the best beginning here."
    last = "Some product is the last one. It joins two parts of the chain: try every place."
    abc = "An a × b matrix times a b × c matrix takes a · b · c products."
    cases = [
        Case(((3, 4),), 0, ((12, "One matrix is there already.", "Nothing is multiplied."),), last),
        Case(((2, 3, 4),), 24, ((9, "These are sums.", abc), (8, "b is missing.", abc),
                                (48, "It is counted twice.", abc)), abc),
        Case(((5, 2, 7, 3),), 72, ((175, left, last),), last),
        Case(((3, 7, 2, 5),), 72, ((175, right, last),), last),
        Case(((2, 5, 4, 1, 3),), 36, (
            (54, ends, last), (102, ends, last),
            (76, "The smallest product first is not always the best beginning.", last),
        ), last),
        Case(
            ((100, 100, 1, 100, 100),),
            30_000,
            ((1_020_000, ends, last),),
            last,
        ),
    ]  # fmt: skip
    return _judged(
        least, "n", cases, "The last product joins two parts, each done in its own best way."
    )
