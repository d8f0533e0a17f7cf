"""The checkers of "Variational autoencoder": right answers in several forms, and wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import variational_autoencoder as ex

ONE, TWO = ex.divergence(-1, 4), ex.divergence(0, 0.25)
P, LOW = math.log(0.35), 0.75 * math.log(0.4) + 0.25 * math.log(0.2)
RIGHT = {
    ex.check_divergence: [
        (ONE, ONE + TWO), (1.307, 1.625), (1.31, 1.62), (1.31, 1.63),
        (2 - sp.log(2), sp.Float(1.6250)),
    ],
    ex.check_bound: [
        (P, LOW, 6 / 7), (-1.05, -1.09, Fraction(6, 7)), (sp.log(sp.Rational(7, 20)), LOW, 0.857),
    ],
    ex.check_baseline: [(12, 78), (12.0, Fraction(78)), (sp.Integer(12), np.float64(78))],
    ex.check_collapse: [
        (24.96, 0.0004, 32), (64 * 0.39, 2 * 0.0002, 64 / 2), (25.0, 4e-4, Fraction(32)),
    ],
}  # fmt: skip
WRONG = {
    ex.check_divergence: [
        ((2 * ONE, 0), "½ is missing"), ((ex.divergence(-1, 2), 0), "τ was taken"),
        ((0.5 * (4 + math.log(4)), 0), "wrong sign"), ((2 - 0.5 * math.log(2), 0), "halved"),
        ((2.5 - math.log(2), 0), "-1 is missing"), ((1 - math.log(2), 0), "not squared"),
        ((-ONE, 0), "never negative"), ((1.885, 0), "bits"), ((1.3, 0), "three significant"),
        ((ONE, TWO), "second number's share"), ((ONE, ONE), "first number's share"),
        ((ONE, ONE * TWO), "multiplied"), ((2, 0), "logarithm is missing"),
        ((1.5 - math.log(2), 0), "part of μ"), ((ONE, 1.6), "three significant"),
        ((ONE, (ONE + TWO) / 2), "mean of both"), ((ONE, 0.813), "mean of both"),
        ((ONE / 2, 0), "counts twice"),
        ((None, 1), "None"), ((ONE,), "takes 2 answers"), (("1.307", 1), "expected a number"),
    ],
    ex.check_bound: [
        ((0.35, LOW, 0.857), "p(x)"), ((-0.357, LOW, 0.857), "prior"),
        ((math.log(0.06), LOW, 0.857), "multiplied"), ((1.05, LOW, 0.857), "sign"),
        ((-1.515, LOW, 0.857), "bits"), ((-0.456, LOW, 0.857), "base 10"),
        ((-1.407, LOW, 0.857), "average of logarithms"),
        ((P, -1.652, 0.857), "division by q"), ((P, -0.959, 0.857), "divergence of q"),
        ((P, -1.985, 0.857), "changed places"), ((P, -1.263, 0.857), "not over q"),
        ((P, -1.407, 0.857), "heads ½"), ((P, -2.526, 0.857), "average over q"),
        ((P, LOW + math.log(2), 0.857), "prior"), ((P, P, 0.857), "itself"),
        ((P, -LOW, 0.857), "minus the bound"), ((P, LOW, 0.6), "p(x | heads)"),
        ((P, LOW, 0.3), "Divide by p(x)"), ((P, LOW, 1), "certain"), ((P, LOW, 6), "odds"),
        ((P, -1.1, 0.86), "three significant"), ((-1.0, LOW, 0.86), "three significant"),
        ((P, LOW, 0.143), "tails"), ((P, LOW, 0.75), "given"), ((P, LOW), "takes 3 answers"),
    ],
    ex.check_baseline: [
        ((10, 78), "mean of z²"), ((9, 78), "f(μ)"), ((24, 78), "factor of 2"),
        ((0, 222), "no baseline"),
        ((222, 78), "without"), ((144, 78), "takes from"), ((12, 222), "without a baseline"),
        ((12, 114), "second moment"), ((12, 82), "c = 10"), ((12, 366), "added"),
        ((12, 210), "subtracted"), ((6, 78), "slope 2μ"), ((12, 4), "through the draw"),
        ((12, None), "None"),
    ],
    ex.check_collapse: [
        ((0.39, 4e-4, 32), "one pixel"), ((0.39 / 64, 4e-4, 32), "once more"),
        ((0.78, 4e-4, 32), "numbers of a code"), ((49.92, 4e-4, 32), "too many"),
        ((12.48, 4e-4, 32), "missing"), ((-24.96, 4e-4, 32), "sign"), ((36.01, 4e-4, 32), "bits"),
        ((64.39, 4e-4, 32), "64 was added"), ((3.12, 4e-4, 32), "one row"),
        ((24.96, 2e-4, 32), "one number"), ((24.96, 0.0128, 32), "times the pixels"),
        ((24.96, 1e-4, 32), "once more"), ((24.96, 0, 32), "not 0"), ((24.96, -4e-4, 32), "sign"),
        ((24.96, 4e-8, 32), "multiplied"),
        ((24.96, 4e-4, 64), "mean as well"), ((24.96, 4e-4, 1 / 32), "factor of the divergence"),
        ((24.96, 4e-4, 128), "count less"), ((24.96, 4e-4, 2), "left out"),
        ((24.96, 4e-4, 1), "right"), ((24.96, 4e-4, 62), "subtracted"),
        ((24.96, 4e-4, 1 / 64), "pixels' sum"), ((24.96, 4e-4), "takes 3 answers"),
        ((24.96, 4e-4, None), "None"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


def test_no_hint_leads_to_the_number_without_thinking():
    for wrong in (6, 24, 144):
        said = both_hints(ex.check_baseline, wrong, 78)[1]
        assert "12" not in said and "of the constant" not in said and "half" not in said
    assert "6 in 7" not in both_hints(ex.check_bound, P, LOW, 6)[1]


# Functions.


def halves(second):
    """Return a backward pass whose second half is ``second(dz, rho, xi)``."""
    return lambda dz, rho, xi: np.concatenate([dz, second(dz, rho, xi)], axis=1)


def rows(first, second):
    """Return estimates from the two scores, functions of τ and ξ."""
    return lambda f, mu, tau, xi: np.stack(
        [f(mu + tau * xi) * first(tau, xi), f(mu + tau * xi) * second(tau, xi)], axis=1
    )


def by_differences(f, mu, tau, xi):
    """Return the estimates by the slope of f."""
    z = mu + tau * xi
    slope = (f(z + 1e-6) - f(z - 1e-6)) / 2e-6
    return np.stack([slope, slope * xi], axis=1)


def by_columns(dz, rho, xi):
    out = np.zeros((len(dz), 2 * dz.shape[1]))
    out[:, : dz.shape[1]] = dz
    out[:, dz.shape[1] :] = dz * xi * np.exp(rho) / (1 + np.exp(rho))
    return out


def stable(log_w):
    top = log_w.max(axis=0)
    return top + np.log(np.exp(log_w - top).mean(axis=0))


def shifted(shift):
    """Return the logarithm of the mean by a shift that need not be safe."""

    def bound(w):
        return shift(w) + np.log(np.exp(w - shift(w)).mean(axis=0))

    return bound


def stable_in_lists(log_w):
    return [float(c.max() + math.log(sum(math.exp(v - c.max()) for v in c) / len(c)))
            for c in log_w.T]  # fmt: skip


SCORES = (lambda tau, xi: xi / tau), (lambda tau, xi: (xi**2 - 1) / tau)
RIGHT_FUNCTIONS = {
    ex.check_backward: [ex.sample_slopes, by_columns],
    ex.check_score: [
        rows(*SCORES),
        lambda f, mu, tau, xi: (np.column_stack([xi, xi**2 - 1]).T * f(mu + tau * xi) / tau).T,
    ],
    ex.check_importance: [stable, stable_in_lists],
}  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_backward: [
        (halves(lambda dz, rho, xi: dz * xi), "with respect to τ"),
        (halves(lambda dz, rho, xi: dz * np.log1p(np.exp(rho)) * xi), "where its slope should"),
        (halves(lambda dz, rho, xi: dz * 0.5 * np.exp(rho / 2) * xi), "exp(½ ρ)"),
        (halves(lambda dz, rho, xi: dz * 0.5 * np.log1p(np.exp(rho)) * xi), "an exponential, ½"),
        (halves(lambda dz, rho, xi: dz * np.exp(rho) * xi), "slope of the logarithm"),
        (halves(lambda dz, rho, xi: dz * xi / (1 + np.exp(rho))), "slope of the exponential"),
        (halves(lambda dz, rho, xi: dz * xi * np.exp(rho) / (1 + np.exp(rho)) ** 2),
         "slope of a sigmoid"),
        (halves(lambda dz, rho, xi: dz / (1 + np.exp(-rho))), "The noise is missing"),
        (halves(lambda dz, rho, xi: dz * np.log1p(np.exp(rho))), "and the noise is missing"),
        (halves(lambda dz, rho, xi: 0.5 * dz * xi / (1 + np.exp(-rho))), "½ is too many"),
        (halves(lambda dz, rho, xi: xi / (1 + np.exp(-rho))), "missing in the second half"),
        (lambda dz, rho, xi: ex.sample_slopes(np.ones_like(dz), rho, xi),
         "arrives, dz, is missing."),
        (halves(lambda dz, rho, xi: 0 * dz), "constant"),
        (halves(lambda dz, rho, xi: -dz * xi / (1 + np.exp(-rho))), "wrong sign"),
        (halves(lambda dz, rho, xi: dz * 0.5 * (xi**2 - 1)), "score"),
        (lambda dz, rho, xi: np.roll(ex.sample_slopes(dz, rho, xi), dz.shape[1], axis=1),
         "changed places"),
        (lambda dz, rho, xi: ex.sample_slopes(dz, rho, xi) / len(dz), "batch size"),
        (lambda dz, rho, xi: dz, "first half alone"),
        (lambda dz, rho, xi: (dz, dz * xi / (1 + np.exp(-rho))), "shape"),
        (lambda dz, rho, xi: None, "None"),
        (lambda dz, rho: dz, "three arguments|3 arguments"),
        (3, "function itself"),
    ],
    ex.check_score: [
        (rows(lambda tau, xi: xi, SCORES[1]), "first column, τ is missing"),
        (rows(SCORES[0], lambda tau, xi: xi**2 - 1), "second column, τ is missing"),
        (rows(lambda tau, xi: xi, lambda tau, xi: xi**2 - 1), "both columns"),
        (rows(lambda tau, xi: xi / tau**2, SCORES[1]), "τ too many"),
        (rows(SCORES[0], lambda tau, xi: xi**2 / tau), "-1 is missing"),
        (rows(SCORES[0], lambda tau, xi: (1 - xi**2) / tau), "wrong sign"),
        (rows(lambda tau, xi: -xi / tau, SCORES[1]), "wrong sign"),
        (rows(SCORES[0], lambda tau, xi: 0.5 * (xi**2 - 1)), "ln τ²"),
        (lambda *a: rows(*SCORES)(*a).mean(axis=0), "One row for each draw"),
        (lambda *a: rows(*SCORES)(*a).T, "Draws should be rows"),
        (lambda f, mu, tau, xi: np.stack([xi / tau, (xi**2 - 1) / tau], axis=1), "f(z) is missing"),
        (lambda f, mu, tau, xi: f(xi)[:, None] * np.stack([xi, xi**2 - 1], axis=1) / tau,
         "instead of z"),
        (by_differences, "slope of f"),
        (lambda f, mu, tau, xi: (f(mu + tau * xi) * np.stack(
            [score(tau, mu + tau * xi) for score in SCORES])).T, "z stands where"),
        (rows(*SCORES[::-1]), "changed places"),
        (lambda *a: -rows(*SCORES)(*a), "Both columns have the wrong sign"),
        (lambda f, *a: rows(*SCORES)(lambda z: f(z) - f(z).mean(), *a), "mean of f"),
        (lambda f, mu, tau, xi: None, "None"),
    ],
    ex.check_importance: [
        (lambda w: np.log(np.exp(w).mean(axis=0)), "underflow"),
        (lambda w: w.mean(axis=0), "ordinary bound"),
        (lambda w: stable(w) + math.log(len(w)), "logarithm of the sum"),
        (lambda w: stable(w) - w.max(axis=0), "not added again"),
        (lambda w: w.max(axis=0), "largest entry"),
        (lambda w: np.exp(stable(w)), "logarithm is missing"),
        (lambda w: -stable(w), "sign"),
        (lambda w: stable(w).mean(), "each image"),
        (lambda w: stable(w.T), "over the images"),
        (shifted(lambda w: w.min(axis=0)), "others overflow"),
        (shifted(lambda w: w.max()), "One shift for all images"),
        (shifted(lambda w: w.mean(axis=0)), "far above the mean"),
        (shifted(lambda w: w.mean()), "far above the mean"),
        (shifted(lambda w: np.median(w, axis=0)), "far above the median"),
        (shifted(lambda w: w[0]), "first draw"),
        (lambda w: stable(w) - 2 * w.max(axis=0), "subtracted again"),
        (lambda w: None, "None"),
        (lambda: 0, "one argument"),
    ],
}  # fmt: skip


@each_right({check: [(f,) for f in some] for check, some in RIGHT_FUNCTIONS.items()})
def test_right_functions(check, answer):
    assert check(*answer), check(*answer)


@each_wrong({c: [((f,), hint) for f, hint in some] for c, some in WRONG_FUNCTIONS.items()})
def test_wrong_functions(check, answer, hint):
    with np.errstate(all="ignore"):
        first, second = both_hints(check, *answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


def test_hints_do_not_give_the_answers_away():
    for check, wrong, formula in (
        (ex.check_divergence, (7.0, 7.0), "ln τ²"),
        (ex.check_baseline, (7.0, 7.0), "⟨z²ξ²⟩"),
        (ex.check_bound, (-7.0, -7.0, 0.2), "0.6"),
    ):
        assert formula not in both_hints(check, *wrong)[1]
    assert "largest" not in both_hints(ex.check_importance, lambda w: w[0] + 7)[1]


def test_the_divergence_is_the_integral():
    z = np.linspace(-30, 30, 60_001)
    q = np.exp(-((z + 1) ** 2) / 8) / np.sqrt(8 * np.pi)
    p = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    with np.errstate(divide="ignore"):
        terms = np.where(p > 0, q * (np.log(q) - np.log(np.maximum(p, 1e-300))), 0)
    assert terms.sum() * 0.001 == pytest.approx(ONE, rel=1e-6)


def test_the_parabola_of_the_baseline():
    x, weight = np.polynomial.hermite_e.hermegauss(20)
    weight = weight / weight.sum()

    def variance(c):
        g = ((3 + x) ** 2 - c) * x
        return g**2 @ weight - (g @ weight) ** 2

    assert variance(12) == pytest.approx(78) and variance(0) == pytest.approx(222)
    assert variance(10) == pytest.approx(82) and variance(9) == pytest.approx(87)
