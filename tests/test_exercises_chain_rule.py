"""The checkers of "The chain rule": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.activations import softmax, softmax_vjp
from backprop.autodiff import gradcheck, tape
from backprop.book.exercises import chain_rule as ex
from backprop.book.exercises.verdict import WRONG


def routes(x):
    u = x[0] * x[0]
    return u * (u + x[0])


RIGHT = {
    ex.check_routes: [
        (304,), (304.0,), (Fraction(608, 2),), (sp.Integer(304),), (np.array(304),),
        (tape.grad(routes)(np.array([4.0]))[0],),
        (gradcheck.complex_step(routes, np.array([4.0]))[0],),
    ],
    ex.check_products: [
        ((11, 27), (-1, -2)), ([11.0, 27.0], np.array([-1, -2])),
        (np.array([[11, 27]]), [[-1, -2]]), (sp.Matrix([[11, 27]]), sp.Matrix([[-1, -2]])),
        (sp.Matrix([[11, 27]]).tolist()[0], (Fraction(-1), sp.Integer(-2))),
    ],
    ex.check_forgotten: [(0.67, 0.20), (0.6656, 0.1984), (Fraction(2, 3), Fraction(1, 5))],
    ex.check_corner: [(0, Fraction(1, 2)), (0.0, 0.5), (0, sp.Rational(1, 2))],
    ex.check_order: [(105_400, 52_700_000), (105_400.0, 52.7e6), (sp.Integer(105400), 52700000)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_routes: [
        ((176,), "by s"), ((288,), "x enters s directly"), ((144,), "u enters y directly"),
        ((160,), "Three paths lead"), ((128,), "one path alone"), ((16,), "one path alone"),
        ((72,), "product of du/dx"), ((160 * 128 * 16,), "Over paths you add"),
        ((320,), "y itself"), ((256,), "slope of x⁴"), ((48,), "slope of x³"),
        ((-304,), "sign"), ((0,), "Three paths lead"), ((303,), "Three paths lead"),
        ((304.108,), "as the step shrinks"), ((304.0108016,), "as the step shrinks"),
        ((303.9,), "measured"),
        ((None,), "return missing"), (("304",), "expected a number"),
        ((lambda x: 304,), "is a function"),
        ((sp.Symbol("x"),), "expected a number"),
    ],
    ex.check_products: [
        (((-1, -2), (11, 27)), "the jvp comes first"), (((2, 3, 7), (-1, -2)), "half-way"),
        (((11, 27), (3, 1, -2)), "One more product, with J₁ᵀ"),
        (((-1, -2), (-1, -2)), "This is the vjp"), (((4, 9), (-1, -2)), "a row of J"),
        (((21, -3), (-1, -2)), "wrong side of dx"),
        (((11, 27), tuple(ex.V @ ex.J1 @ ex.J2)), "This is v J"),
        ((tuple(ex.V @ ex.J1 @ ex.J2), (-1, -2)), "carried forward"),
        (((11, 27), tuple(ex.DX @ (ex.J1 @ ex.J2).T)), "carried backward"),
        (((11, 26), (-1, -2)), "dx by J₁ first"), (((11, 27), (1, 2)), "sign is wrong"),
        (((27, 11), (-1, -2)), "their order is not"), (((11, 27), (-2, -1)), "their order"),
        (((11, 27), -5), "expected (2,). Test:"),
        (((11, 26), (1, 2)), "Neither row is right"), (((4, 9), (3, 1)), "Neither row"),
        (((2, 3, 7), (-1, -2)), "The vjp is right. The jvp"),
        (((11, 27), None), "return missing"), ((11, -1), "expected (2,)"),
        (((11, 27), ("-1", "-2")), "expected numbers"), (((0, 0), (0, 0)), "dx by J₁ first"),
    ],
    ex.check_forgotten: [
        ((0.20, 0.67), "exchanged"), ((67, 20), "percent"), ((0.33, 0.80), "opposite"),
        ((0.33, 0.20), "wrong signs"), ((0.67, 0.80), "same way"), ((0.83, 0.03), "through the"),
        ((0.6, 0.31), "smaller"), ((0.67, 0.4), "for each row"), ((0.5, 0.2), "three for each"),
        ((40_000, 4_000), "between 0 and 1"), ((0, 0), "alone"), ((None, 0.2), "two numbers"),
        ((0.67, np.nan), "between 0 and 1"), ((0.67, -0.2), "between 0 and 1"),
    ],
    ex.check_corner: [
        ((0.5, 0), "exchanged"), ((0, 0), "The formula is right"),
        ((0.5, 0.5), "says something else"),
        ((0, 1), "two terms"), ((0, 0.25), "factor"), ((0, 2), "reciprocal"), ((0, -0.5), "sign"),
        ((1, 0.5), "partial derivatives"), ((0, 1.5), "Shorten"), ((3, 7), "not right"),
        ((0, None), "The slope is None"), (("0", 1), "numbers"),
    ],
    ex.check_order: [
        ((52_700_000, 105_400), "exchanged"), ((52_700, 52_700), "This is one pass"),
        ((52_600, 52_600), "without the activations"),
        ((105_200, 52_600_000), "activations are missing"),
        ((52_600_000, 105_200), "and the activations missing"),
        ((107_400, 53_700_000), "only hidden units"), ((2, 1000), "These are the passes"),
        ((105_400, 105_400), "The jvps are right"), ((52_700_000, 52_700_000), "vjps are right"),
        ((210_800, 105_400_000), "twice too large"), ((105_400, 52_700), "vjps are not"),
        ((52_700, 52_700_000), "jvps are not"), ((105_400, 3), "answers for one input"),
        ((0, 0), "of one pass, layer"), ((105_400, None), "expected numbers"),
        (("105400", 1), "expected numbers"), ((1, 2), "of one pass, layer"),
        ((105_400, 52_700_001), "must be exact"), ((105_400, 52_700_000.5), "whole number"),
        ((100_300, 50_150_000), "hidden layer is missing"), ((107_600, 53_800_000), "biases"),
        ((115_200, 57_600_000), "full matrices"), ((2_000, 1_000_000), "one pass is not"),
    ],
}  # fmt: skip


def test_the_expected_values_are_derivatives():
    assert gradcheck.complex_step(routes, np.array([4.0]))[0] == pytest.approx(304)
    J = ex.J1 @ ex.J2
    jvp, vjp = ex.DX @ J, ex.V @ J.T
    assert list(jvp) == [11, 27] and list(vjp) == [-1, -2] and jvp @ ex.V == vjp @ ex.DX


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


def test_no_hint_tells_what_is_expected():
    told = {
        ex.check_forgotten: ["0.67", "0.2", "67 %"], ex.check_corner: ["0.5", "1/2", "½"],
        ex.check_routes: ["304"], ex.check_products: ["27", "-2"],
        ex.check_order: ["105400", "105,400", "52,700", "52700"],
    }  # fmt: skip
    for check, answers in WRONG_ANSWERS.items():
        for answer, _ in answers:
            WRONG.clear()
            said = both_hints(check, *answer)[1]
            hidden = [n for n in told[check] if n not in str(answer).replace("−", "-")]
            assert not any(n in said for n in hidden), said


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


# Functions.


def slope(x):
    return np.cos(np.exp(x**2)) * np.exp(x**2) * 2 * x


def sine(x):
    return np.sin(np.exp(x**2))


def power(p, dp, q, dq):
    return q * p ** (q - 1) * dp + p**q * np.log(p) * dq


def power_by_step(p, dp, q, dq, h=1e-20):
    return ((p + 1j * h * dp) ** (q + 1j * h * dq)).imag / h


def around(v, x, W):
    return v + (v * (1 - np.tanh(x @ W) ** 2)) @ W.T


def around_by_tape(v, x, W):
    return tape.grad(lambda x: np.sum(v * (x + np.tanh(x @ W))))(x)


def through(v, x, W):
    return around(v, x, W) - v


def normalize(v, z):
    return (v - v @ z / z.sum()) / z.sum()


def normalize_by_loops(v, z):
    total = sum(z)
    mean = sum(a * b for a, b in zip(v, z, strict=True)) / total
    return np.array([(a - mean) / total for a in v])


def jacobian(z):
    # Row i: the slopes of all p_j with respect to z_i. Independent of the checker's shortcut.
    rows = [gradcheck.complex_step(lambda t, j=j: t[j] / t.sum(), z) for j in range(len(z))]
    return np.transpose(rows)


def least(n):
    """Every order, tried: take two neighbours together, and go on with the shorter chain."""
    if len(n) == 2:
        return 0
    return min(n[k - 1] * n[k] * n[k + 1] + least(n[:k] + n[k + 1 :]) for k in range(1, len(n) - 1))


def by_last_product(n):
    if len(n) == 2:
        return 0
    return min(
        by_last_product(n[: k + 1]) + by_last_product(n[k:]) + n[0] * n[k] * n[-1]
        for k in range(1, len(n) - 1)
    )


def from_the_left(n):
    return sum(n[0] * a * b for a, b in pairwise(n[1:]))


def from_the_right(n):
    return sum(a * b * n[-1] for a, b in pairwise(n[:-1]))


def in_place(v, x, W):
    v += through(v, x, W)
    return v


def greedy(n):
    """Take the smallest product first: not always the least."""
    if len(n) == 2:
        return 0
    k = min(range(1, len(n) - 1), key=lambda k: n[k - 1] * n[k] * n[k + 1])
    return n[k - 1] * n[k] * n[k + 1] + greedy(n[:k] + n[k + 1 :])


def waist(n):
    """Split at the narrowest width: not always the least."""
    if len(n) == 2:
        return 0
    k = min(range(1, len(n) - 1), key=lambda k: n[k])
    return waist(n[: k + 1]) + waist(n[k:]) + n[0] * n[k] * n[-1]


def outward(n):
    """Try every place for the last product, but do each part in one sweep towards it."""
    return min(
        (
            from_the_right(n[: k + 1]) + from_the_left(n[k:]) + n[0] * n[k] * n[-1]
            for k in range(1, len(n) - 1)
        ),
        default=0,
    )


def averaged(eta, g, H, a=1, b=2, half=0.5, first=-1):
    gg = g @ g
    return first * eta * gg + half * eta**2 * (a * gg * np.trace(H) + b * g @ H @ g)


def averaged_over_signs(eta, g, H):
    """Gauss-Hermite: the exact average over normal numbers, without the formula."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(4)
    total = 0.0
    for ks in product(range(4), repeat=len(g)):
        d = nodes[list(ks)]
        step = -eta * (g @ d) * d
        share = np.prod(weights[list(ks)]) / np.sqrt(2 * np.pi) ** len(g)
        total += share * (g @ step + 0.5 * step @ H @ step)
    return total


RIGHT_FUNCTIONS = {
    ex.check_average: [averaged, averaged_over_signs],
    ex.check_slope: [
        slope,
        lambda x: gradcheck.complex_step(lambda t: np.sin(np.exp(t[0] ** 2)), np.array([x]))[0],
    ],
    ex.check_power: [
        power, power_by_step, lambda p, dp, q, dq: p**q * (q * dp / p + np.log(p) * dq),
    ],
    ex.check_around: [around, around_by_tape],
    ex.check_normalize_vjp: [
        normalize,
        normalize_by_loops,
        lambda v, z: (v - np.sum(v * (z / np.sum(z)))) / np.sum(z),
    ],
    ex.check_least: [least, by_last_product, lambda n: float(least(n))],
}  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_average: [
        (lambda e, g, H: averaged(e, g, H, 0, 1), "without noise"),
        (lambda e, g, H: averaged(e, g, H, 1, 0), "part of the second"),
        (lambda e, g, H: averaged(e, g, H, 1, 1), "pairing is missing"),
        (lambda e, g, H: averaged(e, g, H, 1, 3), "only three pairings"),
        (lambda e, g, H: averaged(e, g, H, 2, 1), "exchanged"),
        (lambda e, g, H: averaged(e, g, H, 0, 2), "trace of H"),
        (lambda e, g, H: averaged(e, g, H, 0, 3), "not all give the same"),
        (lambda e, g, H: averaged(e, g, H, 3, 0), "not all give the same"),
        (lambda e, g, H: averaged(e, g, H, half=1), "½"),
        (lambda e, g, H: averaged(e, g, H, 0, 0), "second term is missing"),
        (lambda e, g, H: averaged(e, g, H, first=0), "first term"),
        (lambda e, g, H: averaged(e, g, H, first=1), "goes down"),
        (lambda e, g, H: averaged(e, g, H, half=-0.5), "second sign"),
        (lambda e, g, H: -e * g @ g + averaged(e, g, H, first=0) / e, "So does the learning rate"),
        (lambda e, g, H: averaged(e, g, np.diag(np.diag(H))), "not diagonal"),
        (lambda e, g, H: -e * g @ g + e**2 / 2 * np.trace(H), "and a part is missing"),
        (lambda e, g, H: averaged(e, g, H) - e**2 * g**2 @ np.diag(H), "random signs"),
        (lambda e, g, H: g, "shape (2,)"),
        (lambda e, g, H: None, "return missing"),
    ],
    ex.check_slope: [
        (lambda x: np.cos(x) * np.exp(x) * 2 * x, "Name the steps"),
        (lambda x: np.cos(x) * np.exp(x**2) * 2 * x, "at exp(x²)"),
        (lambda x: np.cos(x**2) * np.exp(x**2) * 2 * x, "not at x²"),
        (lambda x: np.cos(np.exp(x**2)) * np.exp(x) * 2 * x, "is taken at x²"),
        (lambda x: np.cos(np.exp(x**2)) * np.exp(2 * x), "one more factor"),
        (lambda x: np.cos(np.exp(x**2) * 2 * x), "inside the cosine"),
        (lambda x: np.cos(np.exp(x**2)) * np.exp(x**2), "innermost"),
        (lambda x: np.cos(np.exp(x**2)) * 2 * x, "middle slope"),
        (lambda x: np.cos(np.exp(x**2)), "outer slope alone"),
        (lambda x: np.exp(x**2) * 2 * x, "outer slope is missing"),
        (lambda x: np.sin(np.exp(x**2)) * np.exp(x**2) * 2 * x, "not differentiated yet"),
        (lambda x: -slope(x), "no minus"),
        (lambda x: 2 * slope(x), "not right"),
        (sine, "the function itself"),
        (lambda x: slope(x) / 2, "innermost slope is not right"),
        (lambda x: np.cos(np.exp(x**2)) * np.exp(2 * x) * 2 * x, "not at 2x"),
        (lambda x: np.cos(np.exp(x**2)) + np.exp(x**2) + 2 * x, "slopes multiply"),
        (lambda x: np.cos(x) + np.exp(x) + 2 * x, "each taken where"),
        (lambda x: (sine(x + 1e-6) - sine(x)) / 1e-6, "measured with a step"),
        (lambda x: (sine(x + 1e-6) - sine(x - 1e-6)) / 2e-6, "measured with a step"),
        (lambda x: np.array([x]), "has shape (1,), expected ()"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
        (slope(0.6), "without calling it"),
    ],
    ex.check_power: [
        (lambda p, dp, q, dq: q * p ** (q - 1) * dp, "exponent moves"),
        (lambda p, dp, q, dq: p**q * np.log(p) * dq, "base moves"),
        (lambda p, dp, q, dq: power(p, 1, q, 1), "dp and dq are missing"),
        (lambda p, dp, q, dq: power(p, dp, q, 0) * power(p, 0, q, dq), "Over paths you add"),
        (lambda p, dp, q, dq: q * p ** (q - 1) * dp * dq, "there are two paths"),
        (lambda p, dp, q, dq: q * p ** (q - 1) * dp + p**q * dq, "what does ln p do"),
        (lambda p, dp, q, dq: power(p, dp, q, 0) + p**q * np.log10(p) * dq, "natural"),
        (lambda p, dp, q, dq: power(p, dp, q, 0) + p**q * np.log(q) * dq, "wrong number"),
        (lambda p, dp, q, dq: q * p ** (q - 1) * (dp + dq), "exponent's slope is another"),
        (lambda p, dp, q, dq: power(p, dq, q, dp), "exchanged"),
        (lambda p, dp, q, dq: power(p, dp, q, -dq), "sign"),
        (lambda p, dp, q, dq: power(p, 0, q, dq) + q * p**q * dp, "becomes of the power"),
        (lambda p, dp, q, dq: power(p, dp / q, q, dq), "a factor is missing"),
        (lambda p, dp, q, dq: p**q, "p^q itself"),
        (lambda p, dp, q, dq: (p + dp) ** (q + dq) - p**q, "exact change"),
        (
            lambda p, dp, q, dq: ((p + 1e-7 * dp) ** (q + 1e-7 * dq) - p**q) / 1e-7,
            "measured with a step",
        ),
        (lambda p, dp, q, dq: -power(p, dp, q, dq), "Only the sign"),
        (lambda p, dp, q, dq: dp**dq, "not right"),
        (lambda p, q: p**q, "(p, dp, q, dq)"), (lambda p, dp, q, dq: None, "return missing"),
        (4, "without calling it; this is an int"),
    ],
    ex.check_around: [
        (through, "around the layer as well"),
        (lambda v, x, W: v, "through the layer as well"),
        (lambda v, x, W: v * through(v, x, W), "Over paths you add"),
        (lambda v, x, W: v + (v * (1 - np.tanh(x @ W) ** 2)) @ W, "v Wᵀ"),
        (lambda v, x, W: v + (v @ W) * (1 - np.tanh(x @ W) ** 2), "goes forward"),
        (lambda v, x, W: v + (v @ W.T) * (1 - np.tanh(x @ W) ** 2), "wrong order"),
        (lambda v, x, W: v + v @ W.T, "1 - tanh²(x W)"),
        (lambda v, x, W: v + (v * np.tanh(x @ W)) @ W.T, "not its slope"),
        (lambda v, x, W: v + (v * (1 - np.tanh(np.tanh(x @ W)) ** 2)) @ W.T, "not at tanh(x W)"),
        (lambda v, x, W: v + (v * (1 - np.tanh(x) ** 2)) @ W.T, "and not at x"),
        (lambda v, x, W: v + (v * (1 - (x + np.tanh(x @ W)) ** 2)) @ W.T, "not the tanh alone"),
        (lambda v, x, W: x + through(v, x, W), "v times a slope"),
        (lambda v, x, W: 1 + through(v, x, W), "the slope alone"),
        (lambda v, x, W: v + (v * (1 + np.tanh(x @ W) ** 2)) @ W.T, "tanh has a wrong sign"),
        (lambda v, x, W: v + (v * (1 - np.tanh(x @ W))) @ W.T, "A square is missing"),
        (lambda v, x, W: (v + v * (1 - np.tanh(x @ W) ** 2)) @ W.T, "does not pass W"),
        (lambda v, x, W: v - through(v, x, W), "sign"),
        (lambda v, x, W: 2 * v + through(v, x, W), "counted twice"),
        (lambda v, x, W: around(v, x, W)[0], "has shape"),
        (lambda v, x, W: around(v, x, W).sum(), "has shape ()"),
        (in_place, "in place"),
        (lambda v, x, W: None, "return missing"),
        (lambda v, x: v, "(v, x, W)"),
    ],
    ex.check_normalize_vjp: [
        (lambda v, z: v @ jacobian(z).T, "all n² entries"),
        (lambda v, z: v @ (np.eye(len(z)) - z / z.sum()).T / z.sum(), "all n² entries"),
        (
            lambda v, z: np.array([
                sum(v[j] * ((i == j) - z[j] / z.sum()) for j in range(len(z))) / z.sum()
                for i in range(len(z))
            ]),
            "same for every entry",
        ),
        (lambda v, z: v @ jacobian(z), "v Jᵀ"),
        (lambda v: v, "(v, z)"),
        (lambda v, z: v / z.sum(), "moves the sum"),
        (lambda v, z: -(v @ z) / z.sum() ** 2 + 0 * v, "own numerator"),
        (lambda v, z: v * (1 - z / z.sum()) / z.sum(), "off the diagonal"),
        (lambda v, z: (v - v @ z) / z.sum(), "takes p, not z"),
        (lambda v, z: (v + v @ z / z.sum()) / z.sum(), "grow or shrink"),
        (lambda v, z: (v - v.sum()) / z.sum(), "lacks its weights"),
        (lambda v, z: (v - v.sum() / z.sum()) / z.sum(), "sum lacks its weights"),
        (lambda v, z: (v - v.mean()) / z.sum(), "equal weights"),
        (lambda v, z: normalize(v, z) * z.sum(), "division by the sum"),
        (lambda v, z: normalize(v, z) / z.sum(), "stands there twice"),
        (lambda v, z: softmax_vjp(softmax(np.log(z)), v), "no powers of e"),
        (lambda v, z: v / z - v.sum() / z.sum(), "vjp of ln p"),
        (lambda v, z: v / z - v.mean() / z.sum(), "directly, and every p_j"),
        (lambda v, z: z / z.sum(), "the p themselves"),
        (lambda v, z: -normalize(v, z), "sign"),
        (lambda v, z: normalize(v, z)[None], "has shape (1, 3)"),
        (lambda v, z: jacobian(z), "has shape (3, 3)"),
        (lambda v, z: 0 * v, "not right"),
        (lambda v, z: 1 / 0, "ZeroDivisionError"),
        (lambda v, z: (v - (v * z).sum(axis=1)) / z.sum(axis=1), "one row of n entries"),
    ],
    ex.check_least: [
        (lambda n: least(n) or n[0] * n[1], "Nothing is multiplied"),
        (lambda n: sum(n) if len(n) == 3 else least(n), "takes k · m · n"),
        (lambda n: n[0] * n[-1] if len(n) == 3 else least(n), "in the middle is missing"),
        (lambda n: 2 * least(n), "counted twice"),
        (from_the_left, "from the left"),
        (from_the_right, "from the right"),
        (lambda n: min(from_the_left(n), from_the_right(n)), "Neither end"),
        (lambda n: max(from_the_left(n), from_the_right(n)), "most expensive"),
        (waist, "narrowest"),
        (greedy, "smallest product first"),
        (outward, "Each part is a chain as well"),
        (lambda n: [n], "expected ()"),
        (lambda n: least(n) + 1, "not right"),
        (lambda n: None, "return missing"),
        (30_000, "without calling it"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_as_often(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT_FUNCTIONS[check]) >= 2
