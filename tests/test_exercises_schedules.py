"""The checkers of the chapter on schedules: right answers in several forms, and wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import schedules as ex

RIGHT = {
    ex.check_hand: [
        (1.1875, 0.25, 8 / 19), (Fraction(19, 16), sp.Rational(1, 4), 0.421), (1.19, 1 / 4, 0.4211),
    ],
    ex.check_counted: [
        (2500, 0.95**125, 20 / 125), (sp.Integer(2500), 0.00164, Fraction(4, 25)),
        (2500.0, 0.001642, 0.16),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_hand: [
        ((1, 0.25, 0.421), "noise is missing"), ((1.75, 0.25, 0.421), "not squared"),
        ((1.2, 0.25, 0.421), "significant digits"),
        ((2.1875, 0.25, 0.421), "not squared"), ((2.4375, 0.25, 0.421), "curvature is 1"),
        ((1.5625, 0.25, 0.421), "variance already"), ((0.8125, 0.25, 0.421), "add"),
        ((0.4375, 0.25, 0.421), "V = 4"), ((4, 0.25, 0.421), "multiplied by the rate"),
        ((2, 0.25, 0.421), "Square both"), ((1.1875, 0.125, 0.421), "curvature is missing"),
        ((1.1875, 0.5, 0.421), "½ of the loss"), ((1.1875, 0.1875, 0.421), "one step adds"),
        ((1.1875, 0.375, 0.421), "not squared"), ((1.1875, 0.214, 0.421), "curvature is 1"),
        ((1.1875, 0.0833, 0.421), "τ² is 3"), ((1.1875, 0.3, 0.421), "At rest"),
        ((1.1875, 0.25, 0.5), "without noise"), ((1.1875, 0.25, 8 / 11), "not squared"),
        ((1.1875, 0.25, 4 / 19), "missing above"), ((1.1875, 0.25, 16 / 19), "above as well"),
        ((1.1875, 0.25, 4 / 7), "λ = 2"), ((1.1875, 0.25, 8 / 17), "τ² is 3"),
        ((1.1875, 0.25, 2.375), "reciprocal"), ((1.1875, 0.25, 0.42), "significant digits"),
        ((1.1875, 0.25, 0.306), "next step"), ((1.1875, 0.25, 0.32), "variance already"),
        ((1.1875, 0.25, 0.9), "to zero"), ((None, 0.25, 0.421), "None"),
        (("19/16", 0.25, 0.421), "expected a number"), ((1.1875, 0.25), "3 answers"),
    ],
    ex.check_counted: [
        ((125, 0.00164, 0.16), "one epoch"), ((20, 0.00164, 0.16), "the epochs"),
        ((20_000, 0.00164, 0.16), "the examples"), ((160, 0.00164, 0.16), "20 · 8"),
        ((1000, 0.00164, 0.16), "the examples"), ((2480, 0.00164, 0.16), "How many epochs"),
        ((2500, 0.95, 0.16), "intended"), ((2500, 0.358, 0.16), "whole run"),
        ((2500, 0.663, 0.16), "eight updates"), ((2500, 0.00173, 0.16), "One update is missing"),
        ((2500, 0.998, 0.16), "what has gone"), ((2500, 0.99959, 0.16), "would have been right"),
        ((2500, 0.0076, 0.16), "factors multiply"), ((2500, -5.25, 0.16), "factors multiply"),
        ((2500, 0.0016, 0.16), "significant digits"), ((2500, 0.5, 0.16), "in each of the updates"),
        ((2500, 0.00164, 20), "the updates"), ((2500, 0.00164, 6.25), "reciprocal"),
        ((2500, 0.00164, 0.05), "one epoch of twenty"), ((2500, 0.00164, 0.008), "whole run"),
        ((2500, 0.00164, 0.02), "eight examples"), ((2500, 0.00164, 16), "percent"),
        ((2500, 0.00164, 0.84), "is left"), ((2500, 0.00164, 0.152), "T is 20"),
        ((2500, 0.00164, 1), "counts updates"), ((2500, 0.00164, 0.5), "how many has an epoch"),
        ((2500, 0.95**1000, 0.16), "eight examples"), ((2500, 0.95**2500, 0.16), "too many"),
        ((2500, 0.95**20, 0.16), "whole run"), ((2500, 0.00164), "3 answers"),
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


def cosine(t, T, top, end):
    return end + (top - end) * (1 + math.cos(math.pi * min(t, T) / T)) / 2


def cosine_by_square(t, T, top, end):
    if t > T:
        return end
    return end + (top - end) * np.cos(np.pi * t / T / 2) ** 2


def floor(rate, curvature, variance, B):
    if rate * curvature >= 2:
        return math.inf
    return rate * variance / B / (2 * (2 - rate * curvature))


def floor_by_V(rate, curvature, variance, B):
    factor = (1 - rate * curvature) ** 2
    if factor >= 1:
        return np.inf
    return curvature / 2 * rate**2 * variance / B / (1 - factor)


def greedy(curvature, variance, start, steps):
    V, rates = start, []
    for _ in range(steps):
        eta = curvature * V / (curvature**2 * V + variance)
        V = (1 - eta * curvature) ** 2 * V + eta**2 * variance
        rates.append(eta)
    return rates


def greedy_closed(curvature, variance, start, steps):
    t = np.arange(steps)
    return 1 / (curvature * (t + 1 + variance / (curvature**2 * start)))


def spoiled(rule, V_rule):
    """Return the greedy program with another rate or another update of V."""

    def wrong(lam, tau2, V, n):
        found = []
        for _ in range(n):
            found.append(rule(lam, tau2, V))
            V = V_rule(lam, tau2, V, found[-1])
        return found

    return wrong


def best(lam, tau2, V):
    return lam * V / (lam**2 * V + tau2)


def step(lam, tau2, V, eta):
    return (1 - eta * lam) ** 2 * V + eta**2 * tau2


def compare_fairly(trial, tops):
    found = []
    for warm in (0, 20):
        tried = [np.median([trial(warm, top, s)[0] for s in range(100, 104)]) for top in tops]
        best = tops[np.argmin(tried)]
        found.append(np.array([trial(warm, best, s)[1] for s in range(10)]))
    return found[1] / found[0]


def fairly_by_sorting(trial, tops):
    def losses(warm):
        def score(top):
            four = sorted(trial(warm=warm, top=top, start=np.int64(100 + k))[0] for k in range(4))
            return four[1] + four[2]

        best = sorted(tops, key=score)[0]
        return [trial(warm, best, start)[1] for start in range(10)]

    return [b / a for a, b in zip(losses(0), losses(20), strict=True)]


def unfair(choose=range(100, 104), middle=np.median, column=0, of=None, result=1, warm=20,
           judge=range(10), end=lambda with_it, without: with_it / without):  # fmt: skip
    """Return a comparison with something changed; ``of`` is the plan whose rate both have."""

    def wrong(trial, tops):
        found = []
        for plan in (warm, 0):
            own = plan if of is None else of
            tried = [middle([trial(own, top, s)[column] for s in choose]) for top in tops]
            best = tops[int(np.argmin(tried))]
            found.append(np.array([trial(plan, best, s)[result] for s in judge]))
        return end(*found)

    return wrong


def one_rate(k):
    return lambda trial, tops: [trial(20, tops[k], s)[1] / trial(0, tops[k], s)[1]
                                for s in range(10)]  # fmt: skip


FUNCTIONS = {
    ex.check_fair: (compare_fairly, fairly_by_sorting),
    ex.check_cosine: (cosine, cosine_by_square),
    ex.check_floor: (floor, floor_by_V),
    ex.check_greedy: (greedy, greedy_closed),
}


def shape(fraction):
    return lambda t, T, top, end: end + (top - end) * fraction(t, T)


WRONG_FUNCTIONS = [
    (ex.check_fair, unfair(end=lambda w, n: n / w), "divided by with"),
    (ex.check_fair, unfair(end=lambda w, n: w - n), "differences"),
    (ex.check_fair, unfair(end=lambda w, n: w), "losses with warm-up"),
    (ex.check_fair, unfair(end=lambda w, n: n), "losses without warm-up"),
    (ex.check_fair, unfair(end=lambda w, n: np.median(w / n)), "Return all ten"),
    (ex.check_fair, unfair(end=lambda w, n: np.median(w) / np.median(n)), "start by start"),
    (ex.check_fair, unfair(end=lambda w, n: int((w < n).sum())), "number of wins"),
    (ex.check_fair, unfair(end=lambda w, n: (w / n)[:4]), "shape"),
    (ex.check_fair, unfair(column=1), "chosen by the test loss"),
    (ex.check_fair, unfair(column=1, choose=range(10)), "chosen by the test loss"),
    (ex.check_fair, unfair(choose=range(10)), "starts that judge"),
    (ex.check_fair, unfair(choose=range(4)), "also judge"),
    (ex.check_fair, unfair(choose=range(100, 103)), "start"),
    (ex.check_fair, unfair(choose=range(101, 105)), "Not only"),
    (ex.check_fair, unfair(choose=range(100, 105)), "Not only"),
    (ex.check_fair, unfair(choose=[100]), "single start"),
    (ex.check_fair, unfair(middle=np.mean), "means"),
    (ex.check_fair, unfair(middle=min), "best of the four"),
    (ex.check_fair, unfair(middle=max), "worst of the four"),
    (ex.check_fair, unfair(middle=lambda four: -np.median(four)), "largest loss"),
    (ex.check_fair, unfair(of=0), "plan without warm-up"),
    (ex.check_fair, unfair(of=20), "plan with warm-up"),
    (ex.check_fair, unfair(result=0), "validation losses"),
    (ex.check_fair, unfair(judge=range(1, 11)), "0 to 9"),
    (ex.check_fair, unfair(judge=range(100, 104)), "also judge"),
    (ex.check_fair, unfair(warm=40), "40 steps"),
    (ex.check_fair, unfair(warm=1), "warm is 1"),
    (ex.check_fair, one_rate(-1), "last of tops"),
    (ex.check_fair, one_rate(0), "first of tops"),
    (ex.check_fair, lambda trial, tops: None, "return"),
    (ex.check_fair, lambda trial: [], "2 arguments"),
    (ex.check_fair, lambda trial, tops: trial(0, tops[0])[1], "TypeError"),
    (ex.check_cosine, shape(lambda t, T: (1 + math.cos(math.pi * t / T)) / 2), "rises again"),
    (ex.check_cosine, lambda t, T, top, end: cosine(t % T, T, top, end), "starts anew"),
    (ex.check_cosine, shape(lambda t, T: (1 - math.cos(math.pi * min(t / T, 1))) / 2), "from end"),
    (ex.check_cosine, lambda t, T, top, end: cosine(t, T, top, 0.0), "ends at 0"),
    (ex.check_cosine, lambda t, T, top, end: cosine(t, T, top, end) - end, "lower by end"),
    (ex.check_cosine, lambda t, T, top, end: max(end, cosine(t, T, top, 0.0)), "cut off"),
    (ex.check_cosine, lambda t, T, top, end: end + cosine(t, T, top, 0.0), "top + end"),
    (ex.check_cosine, shape(lambda t, T: math.cos(math.pi * min(t / T, 1))), "from 1 to -1"),
    (ex.check_cosine, shape(lambda t, T: 1 + math.cos(math.pi * min(t / T, 1))), "½ is missing"),
    (ex.check_cosine, shape(lambda t, T: (1 + math.cos(min(t / T, 1))) / 2), "π is missing"),
    (ex.check_cosine, shape(lambda t, T: (1 + math.cos(2 * math.pi * min(t / T, 1))) / 2), "whole"),
    (ex.check_cosine, shape(lambda t, T: math.cos(math.pi / 2 * min(t / T, 1))), "quarter"),
    (ex.check_cosine, shape(lambda t, T: 1 - min(t / T, 1)), "straight"),
    (ex.check_cosine, shape(lambda t, T: (1 + math.cos(180 * min(t / T, 1))) / 2), "radians"),
    (ex.check_cosine, lambda t, T, top, end: cosine(t + 1, T, top, end), "one step ahead"),
    (ex.check_cosine, lambda *a: cosine(*a) if a[0] <= a[1] else 0.0, "0 instead of end"),
    (ex.check_cosine, lambda *a: cosine(*a) if a[0] < a[1] else 0.0, "0 instead of end"),
    (ex.check_cosine, lambda *a: cosine(*a) if a[0] <= a[1] else a[2], "back at top"),
    (ex.check_cosine, lambda t, T, top, end: None, "return"),
    (ex.check_cosine, lambda t, T: 0, "4 arguments"),
    (ex.check_cosine, 0.5, "function itself"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, 1), "batch size is missing"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B * B), "twice"),
    (ex.check_floor, lambda r, c, v, B: floor(r, 1, v, B), "1 in the bracket"),
    (ex.check_floor, lambda r, c, v, B: r * v / B / 2 / (2 - r) if r * c < 2 else math.inf,
     "1 in the bracket"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B**0.5), "root"),
    (ex.check_floor, lambda r, c, v, B: r * v / (4 * B), "approximation"),
    (ex.check_floor, lambda r, c, v, B: r * v / 4, "without B"),
    (ex.check_floor, lambda r, c, v, B: 2 * floor(r, c, v, B), "½ of the loss"),
    (ex.check_floor, lambda r, c, v, B: 2 * floor(r, c, v, B) / c, "This is V"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B) / c, "curvature of the loss"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v**2, B), "squared"),
    (ex.check_floor, lambda r, c, v, B: r * v / B / (2 * (2 + r * c)), "sign"),
    (ex.check_floor, lambda r, c, v, B: c * r * r * v / B / 2, "one step adds"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B) if r * c < 2 else 0.0, "inf"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B) if r * c != 2 else 0.0, "to rest"),
    (ex.check_floor, lambda r, c, v, B: floor(r, c, v, B) if r * c < 1 else math.inf, "level off"),
    (ex.check_floor, lambda r, c, v, B: math.inf, "level off"),
    (ex.check_floor, lambda r, c, v, B: r * v / B / 2 / (2 - r * c), "without end"),
    (
        ex.check_floor,
        lambda r, c, v, B: math.inf if r * c > 2 else r * v / B / 2 / (2 - r * c),
        "At the rate 2/λ itself, 2 - ηλ is 0, and the formula divides by it. There V grows",
    ),
    (ex.check_floor, lambda r, c, v, B: r / 0, "ZeroDivisionError"),
    (ex.check_floor, lambda r, c, v, B: None, "return"),
    (ex.check_floor, lambda r, c, v: 0, "4 arguments"),
    (ex.check_greedy, spoiled(best, lambda lam, tau2, V, eta: V), "never changes"),
    (ex.check_greedy, lambda a, b, c, n: greedy(a, b, c, n + 1)[1:], "first rate is missing"),
    (ex.check_greedy, spoiled(best, lambda lam, tau2, V, e: (1 - e * lam) ** 2 * V), "noise"),
    (ex.check_greedy, spoiled(best, lambda lam, tau2, V, e: (1 - e * lam) * V + e**2 * tau2),
     "1 - ηλ is not squared"),
    (ex.check_greedy, spoiled(best, lambda lam, tau2, V, e: (1 - e * lam) ** 2 * V + e * tau2),
     "multiplies the noise"),
    (ex.check_greedy, lambda a, b, c, n: greedy(a, b**2, c, n), "variance was squared"),
    (ex.check_greedy, lambda a, b, c, n: greedy(a, b**0.5, c, n), "not τ"),
    (ex.check_greedy, lambda a, b, c, n: greedy(a, b, c**2, n), "start was squared"),
    (ex.check_greedy, lambda a, b, c, n: [1 / (a * (t + 1)) for t in range(n)], "forgets"),
    (ex.check_greedy, lambda a, b, c, n: [1 / (a * (t + b / (a * a * c))) for t in range(n)],
     "step before"),
    (ex.check_greedy, lambda a, b, c, n: [1 / a] * n, "without noise"),
    (ex.check_greedy, lambda a, b, c, n: greedy(1, b, c, n), "curvature"),
    (ex.check_greedy, lambda a, b, c, n: greedy(a, b, c, n + 1), "too many"),
    (ex.check_greedy, lambda a, b, c, n: [r * b / a for r in greedy(a, b, c, n)], "V after each"),
    (ex.check_greedy, lambda a, b, c, n: [0.1] * n, "First the rate"),
    (ex.check_greedy, lambda a, b, c, n: None, "return"),
    (ex.check_greedy, lambda a, b, c: [], "4 arguments"),
]  # fmt: skip


@pytest.mark.parametrize("check", FUNCTIONS)
def test_right_functions(check):
    for function in FUNCTIONS[check]:
        assert check(function), check(function)


@pytest.mark.parametrize(("check", "function", "hint"), WRONG_FUNCTIONS)
def test_wrong_functions(check, function, hint):
    first, second = both_hints(check, function)
    assert hint in second, second
    assert second.startswith(first)


def test_each_is_tried_against_ten_mistakes_and_two_right_forms():
    for check, wrong in WRONG_ANSWERS.items():
        assert len(wrong) >= 10 and len(RIGHT[check]) >= 2
    for check, right in FUNCTIONS.items():
        assert sum(found is check for found, *_ in WRONG_FUNCTIONS) >= 10 and len(right) >= 2


def test_no_verdict_shows_the_expected_number():
    for answer in ((0, 0, 0), (1.1875, 0, 0), (1.1875, 0.25, 0)):
        for said in both_hints(ex.check_hand, *answer):
            assert not any(number in said for number in ("1.1875", "0.421", "8/19"))
