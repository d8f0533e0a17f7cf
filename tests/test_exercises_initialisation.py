"""The checkers of "Initialization": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import initialisation as ex

HE, GLOROT = math.sqrt(2 / 50), math.sqrt(2 / 250)
RIGHT = {
    ex.check_rules: [
        (HE, GLOROT, 0.4, 1.6), (0.2, 0.0894, Fraction(2, 5), sp.Rational(8, 5)),
        (0.2, np.float32(0.0894), 0.4, np.float32(1.6)),
        (sp.sqrt(sp.Rational(1, 25)), np.float64(GLOROT), 0.4, 1.6),
    ],
    ex.check_starts: [
        ([False, True, False, False, True],), ((0, 1, 0, 0, 1),),
        (np.array([False, True, False, False, True]),),
    ],
}  # fmt: skip
T, F = True, False
WRONG_ANSWERS = {
    ex.check_rules: [
        ((0.04, GLOROT, 0.4, 1.6), "variance"), ((0.1414, GLOROT, 0.4, 1.6), "half"),
        ((0.1, GLOROT, 0.4, 1.6), "counts the outputs"), ((GLOROT, GLOROT, 0.4, 1.6), "Glorot's"),
        ((2 / math.sqrt(50), GLOROT, 0.4, 1.6), "under the root"),
        ((5, GLOROT, 0.4, 1.6), "reciprocal"), ((0.346, GLOROT, 0.4, 1.6), "uniform"),
        ((HE, 0.008, 0.4, 1.6), "variance"), ((HE, 0.0632, 0.4, 1.6), "2 is missing"),
        ((HE, 0.141, 0.4, 1.6), "inputs alone"), ((HE, 0.0707, 0.4, 1.6), "outputs alone"),
        ((HE, 0.155, 0.4, 1.6), "uniform"), ((HE, 0.1, 0.4, 1.6), "geometric"),
        ((HE, 0.126, 0.4, 1.6), "2 too many"), ((HE, GLOROT, 1.6, 0.4), "factor backward"),
        ((HE, GLOROT, 0.632, 1.6), "typical size"), ((HE, GLOROT, 0.2, 1.6), "linear"),
        ((HE, GLOROT, 0.8, 1.6), "2 too many"), ((HE, GLOROT, 2.5, 1.6), "reciprocal"),
        ((HE, GLOROT, 0.4, 1.265), "typical size"), ((HE, GLOROT, 0.4, 0.4), "factor forward"),
        ((HE, GLOROT, 0.4, 2.5), "not reciprocals"), ((HE, GLOROT, 0.4, 4), "ratio"),
        ((HE, GLOROT, 0.4, 3), "number of terms"), ((HE, GLOROT, 0.4), "4 answers"),
        ((None, GLOROT, 0.4, 1.6), "None"), (("0.2", GLOROT, 0.4, 1.6), "expected a number"),
    ],
    ex.check_starts: [
        (([T, F, T, T, F],), "other way round"), (([F, T, T, F, T],), "one side"),
        (([F, T, F, T, T],), "parts at once"), (([T, T, F, F, T],), "differ at the start"),
        (([T] * 5,), "Not all"), (([F] * 5,), "At least one start"),
        (([F, T, F, F, F],), "same for every unit"), (([F, F, F, F, T],), "Constant"),
        (([F, T, F, T, F],), "layer of zeros"), (([F, T, T, T, T],), "one side"),
        (([T, F, F, F, T],), "Swap"), (([F, T],), "shape"), (([2, 5, 0, 0, 0],), "True or False"),
        ((None,), "None"), (("b, e",), "expected numbers"), ((F, T, F, F, T), "one answer"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


# Functions.

U = np.random.default_rng(0).normal(size=400_000)
U = (U - U.mean()) / U.std()


def factors(phi, slope, q):
    z = math.sqrt(q) * U
    return np.mean(phi(z) ** 2) / q, np.mean(slope(z) ** 2)


def factors_by_quadrature(phi, slope, q):
    u, weight = np.polynomial.hermite_e.hermegauss(80)
    weight = weight / weight.sum()
    z = math.sqrt(q) * u
    return [phi(z) ** 2 @ weight / q, slope(z) ** 2 @ weight]


def error_sizes(delta, Ws, zs, slope):
    sizes = [np.mean(delta**2)]
    for W, z in zip(reversed(Ws), reversed(zs), strict=True):
        delta = (delta @ W.T) * slope(z)
        sizes.insert(0, np.mean(delta**2))
    return sizes


def error_sizes_by_recursion(delta, Ws, zs, slope):
    here = [(delta**2).sum() / delta.size]
    if not Ws:
        return here
    below = np.einsum("bj,ij->bi", delta, Ws[-1]) * slope(zs[-1])
    return [*error_sizes_by_recursion(below, Ws[:-1], zs[:-1], slope), *here]


def products(widths, rule):
    forward = backward = 1.0
    for n_in, n_out in pairwise(widths):
        forward *= n_in * rule(n_in, n_out)
        backward *= n_out * rule(n_in, n_out)
    return forward, backward


def lsuv(x, Ws, phi):
    new, a = [], x
    for W in Ws:
        new.append(W / (a @ W).std())
        a = phi(a @ new[-1])
    return new


def lsuv_by_rounds(x, Ws, phi):
    """As in the paper, by repeated division."""
    new = [W.copy() for W in Ws]
    for k, W in enumerate(new):
        a = x
        for before in new[:k]:
            a = phi(a @ before)
        for _ in range(5):
            W /= np.std(a @ W)
    return tuple(new)


def forgetful(x, Ws, phi):
    new, a = [], x
    for W in Ws:
        z = a @ W
        new.append(W / z.std())
        a = phi(z)
    return new


def changed(x, Ws, phi):
    for W in Ws:
        W /= (x @ W).std()
        x = phi(x @ W)
    return Ws


RIGHT_FUNCTIONS = {
    ex.check_factors: [factors, factors_by_quadrature, lambda p, s, q: list(factors(p, s, q))],
    ex.check_errors: [error_sizes, error_sizes_by_recursion],
    ex.check_products: [products, lambda w, rule: list(ex.whole(w, rule))],
    ex.check_lsuv: [lsuv, lsuv_by_rounds],
}


def common(n):
    arguments = "abcd"[:n]
    return [
        (eval(f"lambda {', '.join(arguments)}: None"), "return missing"),
        (lambda: 3, f"{n} arguments"), (3, "without calling it"),
        (eval(f"lambda {', '.join(arguments)}: {{}}['x']"), "KeyError"),
    ]  # fmt: skip


def scaled_by(size, **options):
    return lambda x, Ws, phi: ex.rescaled(x, Ws, phi, size, **options)


WRONG_FUNCTIONS = {
    ex.check_factors: [
        *common(3),
        (lambda p, s, q: (factors(p, s, q)[0] * q, factors(p, s, q)[1]), "not divided by q"),
        (lambda p, s, q: (np.var(p(q**0.5 * U)) / q, factors(p, s, q)[1]), "mean of the square"),
        (lambda p, s, q: factors(p, s, q)[::-1], "swapped"),
        (lambda p, s, q: np.sqrt(factors(p, s, q)), "roots"),
        (lambda p, s, q: (factors(p, s, q)[0], np.mean(s(q**0.5 * U))), "not squared"),
        (lambda p, s, q: (np.mean(p(q**0.5 * U)) / q, np.mean(s(q**0.5 * U))), "Nothing"),
        (lambda p, s, q: (np.mean(p(q * U) ** 2) / q, np.mean(s(q * U) ** 2)), "deviation of z"),
        (lambda p, s, q: factors(p, s, 1.0), "not used"),
        (lambda p, s, q: (np.mean(p(q**0.5 * U)) ** 2 / q, np.mean(s(q**0.5 * U)) ** 2), "means"),
        (lambda p, s, q: factors(p, s, q)[0], "shape"),
        (lambda p, s, q: (0.5, 0.5), "not right|wrong"),
        (lambda p, s, q: (factors(p, s, q)[0] * 1.004, 7.0), "factor backward = 7"),
        (lambda p, s, q: (7.0, factors(p, s, q)[1] * 1.004), "factor forward = 7"),
    ],
    ex.check_errors: [
        *common(4),
        (lambda d, W, z, s: error_sizes(d, W, z, s)[::-1], "order of the backward"),
        (lambda d, W, z, s: np.sqrt(error_sizes(d, W, z, s)), "typical sizes"),
        (lambda d, W, z, s: error_sizes(d, W, z, np.ones_like), "slopes are missing"),
        (lambda d, W, z, s: error_sizes(d, W, z, lambda z: s(z) ** 2), "twice"),
        (lambda d, W, z, s: error_sizes(d, W, z, s)[:-1], "last layer"),
        (lambda d, W, z, s: error_sizes(d, W, z, s)[1:], "first layer"),
        (lambda d, W, z, s: error_sizes(d, [V.T for V in W], z, s), "transposed"),
        (lambda d, W, z, s: error_sizes(d, W[::-1], z, s), "the last one"),
        (lambda d, W, z, s: error_sizes(d, W, z, s)[0], "shape"),
        (lambda d, W, z, s: error_sizes(2 * d, W, z, s), "not right|wrong"),
        (lambda d, W, z, s: [e * n for e, n in zip(error_sizes(d, W, z, s),
         [*(3 * v.shape[1] for v in z), d.size], strict=True)], "sums"),
    ],
    ex.check_products: [
        *common(2),
        (lambda w, r: products(w, r)[::-1], "swapped"),
        (lambda w, r: np.sqrt(products(w, r)), "typical size"),
        (lambda w, r: products(w[:-1], r), "layer is missing"),
        (lambda w, r: products(w[1:], r), "layer is missing"),
        (lambda w, r: (sum(a * r(a, b) for a, b in pairwise(w)),
                       sum(b * r(a, b) for a, b in pairwise(w))), "multiply"),
        (lambda w, r: (products(w, r)[0],) * 2, "differ"),
        (lambda w, r: (products(w, r)[0], 1 / products(w, r)[0]), "not reciprocals"),
        (lambda w, r: np.array(products(w, r)) / 2 ** (len(w) - 1), "linear"),
        (lambda w, r: products(w, lambda a, b: r(b, a)), "order"),
        (lambda w, r: products(w, r)[0], "shape"),
        (lambda w, r: (1.0, 1.0), "not right|wrong"),
        (lambda w, r: (math.prod(w[:-1]), math.prod(w[1:])), "rule is not used"),
        (lambda w, r: products(w, lambda a, b: 1 / 3), "rule is not used|not right"),
    ],
    ex.check_lsuv: [
        *common(3),
        (scaled_by(lambda z: np.sqrt(np.mean(z**2))), "root mean square"),
        (scaled_by(np.var), "variance"),
        (scaled_by(lambda z: z.std(axis=0)), "of its own"),
        (forgetful, "old weights"),
        (lambda x, Ws, phi: lsuv(x, Ws, lambda z: z), "activation is missing"),
        (scaled_by(np.std, after=True), "after the activation"),
        (lambda x, Ws, phi: list(Ws), "that were given"),
        (lambda x, Ws, phi: [W / W.std() for W in Ws], "own deviation"),
        (scaled_by(lambda z: 1 / z.std()), "Multiplied"),
        (scaled_by(lambda z: z.std(ddof=1)), "N - 1"),
        (changed, "in place"),
        (lambda x, Ws, phi: lsuv(x, Ws, phi)[0], "list of the new"),
        (lambda x, Ws, phi: lsuv(x, Ws, phi)[:-1], "shapes"),
        (lambda x, Ws, phi: lsuv(x, Ws, phi)[::-1], "shapes"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2


def test_what_comes_out_has_the_deviation_one():
    rng = np.random.default_rng(3)
    x, Ws = rng.normal(size=(9, 4)), [rng.normal(size=(4, 6)), rng.normal(size=(6, 2))]
    a = x
    for W in lsuv(x, Ws, np.tanh):
        assert (a @ W).std() == pytest.approx(1)
        a = np.tanh(a @ W)


def test_the_geometric_mean_telescopes():
    forward, backward = ex.whole([3, 50, 7, 12], ex.RULES[2][1])
    assert (forward, backward) == pytest.approx((math.sqrt(3 / 12), math.sqrt(12 / 3)))
