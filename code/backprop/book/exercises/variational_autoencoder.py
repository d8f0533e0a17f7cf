"""Checkers of the chapter "Variational autoencoder".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop.activations import sigmoid, softplus
from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Verdict,
    alike,
    checker,
    distinct,
    in_turn,
    judge,
)
from backprop.book.latent import log_mean_exp


def divergence(mean: float, variance: float) -> float:
    """Return KL(N(mean, variance) ‖ N(0, 1))."""
    return 0.5 * (mean**2 + variance - 1 - math.log(variance))


@checker
def check_divergence(one: Any, two: Any) -> Verdict:
    """Check the divergence for μ = -1, τ = 2, and for a code with a second number, μ = 0, τ = ½."""
    rule = "Average ln(q/p) term by term. At μ = 0, τ = 1 your formula should give 0."
    first, second = divergence(-1, 4), divergence(0, 0.25)
    if alike(one, first) and alike(two, 1.63):
        two = first + second  # half-way between two roundings, or the sum of rounded numbers
    parts: list[Part] = [
        ("The first number", first, [
            (2 * first, "The ½ is missing.", "Look at the exponent of a normal density."),
            (divergence(-1, 2), "τ was taken for τ², or a ½ counts twice.",
             "What is the mean of z²?"),
            (0.5 * (1 + 4 - 1 + math.log(4)), "The logarithm has the wrong sign.",
             "A cloud that is almost a point must cost more, not less."),
            (0.5 * (1 + 4 - 1), "The logarithm is missing.",
             "Both densities have a factor in front of the exponential."),
            (0.5 * (1 + 4 - 1 - math.log(2)), "The logarithm is halved once too often.",
             "ln τ² is twice ln τ."),
            (0.5 * (1 + 4 - math.log(4)), "The -1 is missing.",
             "At μ = 0, τ = 1 the divergence is 0."),
            (0.5 * (-1 + 4 - 1 - math.log(4)), "μ was not squared.", "What is the mean of z²?"),
            (-first, "The sign is wrong.", "A divergence is never negative."),
            (first / math.log(2), "This is in bits.", "Use the natural logarithm."),
            (0.5 * (1 + 4 - 1 - math.log10(4)), "This is the logarithm to base 10.",
             "Use the natural logarithm."),
            (divergence(-1, 0.25), "This is the divergence for τ = ½.", "Here τ = 2."),
            # The other way round: KL(N(0, 1) ‖ N(-1, 4)).
            (0.5 * (math.log(4) + (1 + 1) / 4 - 1), "The two distributions have changed places.",
             "The average is over draws from the cloud, not from the standard normal."),
            (0.5 * (4 - 1 - math.log(4)), "The part of μ is missing.", "What is the mean of z²?"),
            (1.3, "Give three significant digits.", ""),
        ], rule),
        ("The whole code", first + second, [
            (second, "This is the second number's share.", "Shares of a code add up."),
            (first, "This is the first number's share.", "Shares of a code add up."),
            ((first + second) / 2, "This is the mean of both.", "Shares of a code add up."),
            (0.813, "This is the mean of both.", "Shares of a code add up."),
            (first * second, "The shares were multiplied.", "Shares of a code add up."),
            (first + divergence(0, 0.5), "τ was taken for τ² in the second.", "There τ² = ¼."),
            (first - second, "The shares were subtracted.", "Shares of a code add up."),
            (first + 2 * second, "The ½ is missing in the second.", "There τ² = ¼."),
            (1.6, "Give three significant digits.", ""),
            (first + 0.5 * (0.25 - 1 + math.log(0.25)), "A logarithm has the wrong sign.",
             "A divergence is never negative."),
        ], "The logarithm of a product is a sum, so the shares of independent numbers add up."),
    ]  # fmt: skip
    return in_turn((one, two), parts, "Without its mean, the first number would still cost 0.807.")


@checker
def check_bound(evidence: Any, bound: Any, best: Any) -> Verdict:
    """Check the coin with p(x|heads) = 0.6, p(x|tails) = 0.1, p(heads) = ½ and q(heads) = ¾."""
    p = 0.5 * 0.6 + 0.5 * 0.1
    logs = 0.5 * math.log(0.6) + 0.5 * math.log(0.1)

    def average(heads: float, tails: float, q: float = 0.75) -> float:
        return q * math.log(heads) + (1 - q) * math.log(tails)

    low = average(0.3 / 0.75, 0.05 / 0.25)
    joint = "Before it is seen, each side of the coin has the probability ½: what is p(x, heads)?"
    parts: list[Part] = [
        ("ln p(x)", math.log(p), [
            (p, "This is p(x).", "Take its natural logarithm."),
            (math.log(0.7), "The prior is missing.", joint),
            (math.log(0.6 * 0.1), "The probabilities were multiplied.", "Average them."),
            (-math.log(p), "The sign is wrong.", "The logarithm of a number below 1 is negative."),
            (math.log2(p), "This is in bits.", "Use the natural logarithm."),
            (math.log10(p), "This is the logarithm to base 10.", "Use the natural logarithm."),
            (logs, "This is an average of logarithms.", "Average the probabilities first."),
            (math.log(0.6), "This is for heads alone.", joint),
            (-1.0, "Give three significant digits.", ""),
        ], joint),
        ("The bound", low, [
            (average(0.3, 0.05), "The division by q is missing.",
             "The average is of ln [p(x, z)/q(z)]."),
            (average(0.6, 0.1), "The divergence of q from the prior is missing.",
             "The average is of ln [p(x, z)/q(z)]."),
            (average(0.6 / 0.75, 0.1 / 0.25), "The prior is missing.", joint),
            (average(0.3 / 0.25, 0.05 / 0.75, 0.25), "Heads and tails have changed places.",
             "The encoder gives heads ¾."),
            (average(0.3 / 0.75, 0.05 / 0.25, 0.5), "The average is not over q.",
             "Heads counts ¾, and tails ¼."),
            (logs, "This is for an encoder that gives heads ½.", "Here it gives heads ¾."),
            (math.log(p), "This is ln p(x) itself.", "The bound lies below it."),
            (-low, "The sign is wrong.", "The loss is minus the bound."),
            (math.log(0.4) + math.log(0.2), "The average over q is missing.",
             "Heads counts ¾, and tails ¼."),
            (math.log(p) - low, "This is the gap.", "Which number lies below ln p(x)?"),
            (low / math.log(2), "This is in bits.", "Use the natural logarithm."),
            (-1.1, "Give three significant digits.", ""),
        ], "Average ln [p(x, z)/q(z)] over both sides of the coin, with the weights q."),
        ("The best q(heads)", 6 / 7, [
            (0.6, "This is p(x | heads).", "How probable is heads, once the image is known?"),
            (0.3, "This is p(x, heads).", "Divide by p(x)."),
            (1 / 7, "This is the best q(tails).", ""),
            (1.0, "A q that is certain loses the other side's share of p(x).",
             "How probable is heads, once the image is known?"),
            (0.75, "This is the q that you were given.", "The gap vanishes at the posterior."),
            (0.35, "This is p(x).", "Which part of it comes from heads?"),
            (6.0, "These are the odds.", "Odds of 3 to 1 are a probability of 3 in 4."),
            (0.86, "Give three significant digits.", ""),
        ], "The gap vanishes where q is the posterior: the part of p(x) that comes from heads."),
    ]  # fmt: skip
    return in_turn((evidence, bound, best), parts, "At the posterior, the bound is exact.")


def sample_slopes(dz: Array, rho: Array, noise: Array) -> Array:
    """Return ∂L/∂μ and ∂L/∂ρ for τ = ln(1 + exp ρ), side by side."""
    return np.concatenate([dz, dz * sigmoid(rho) * noise], axis=1)


@checker
def check_backward(backward: Answer) -> Verdict:
    """Check ``backward(dz, rho, noise)``: [dz, dz σ(ρ) ξ], shape (n, 2 d)."""
    chain = "z = μ + ln(1 + exp ρ) ξ. What is its derivative with respect to ρ?"

    def case(seed: int, shape: tuple[int, int]) -> Case:
        rng = np.random.default_rng(seed)
        dz, rho, xi = rng.normal(size=shape), rng.normal(size=shape), rng.normal(size=shape)
        tau, slope = softplus(rho), sigmoid(rho)
        right = sample_slopes(dz, rho, xi)

        def pair(second: Array) -> Array:
            return np.concatenate([dz, second], axis=1)

        mistakes: list[tuple[Any, str, str]] = [
            (pair(dz * xi), "This is the derivative with respect to τ.", "Multiply by dτ/dρ."),
            (pair(dz * tau * xi), "τ stands where its slope should.", chain),
            (pair(dz * 0.5 * np.exp(rho / 2) * xi), "This is the slope for τ = exp(½ ρ).",
             "Here τ = ln(1 + exp ρ)."),
            (pair(dz * 0.5 * tau * xi), "This is the slope for an exponential, ½ τ ξ.",
             "Here τ = ln(1 + exp ρ)."),
            (pair(dz * np.exp(rho) * xi), "The slope of the logarithm is missing.",
             "The slope of ln u is 1/u, times that of u."),
            (pair(dz * xi / (1 + np.exp(rho))), "The slope of the exponential is missing.",
             "The slope of ln u is 1/u, times that of u."),
            (pair(dz * slope * (1 - slope) * xi), "This is the slope of a sigmoid.",
             "Here τ = ln(1 + exp ρ)."),
            (pair(dz * slope), "The noise is missing.", chain),
            (pair(dz * tau), "τ stands where its slope should, and the noise is missing.", chain),
            (pair(dz * 0.5 * slope * xi), "A ½ is too many.", chain),
            (pair(slope * xi), "The error that arrives, dz, is missing in the second half.",
             "Chain rule: dz times the slope."),
            (np.concatenate([np.ones_like(dz), slope * xi], axis=1),
             "The error that arrives, dz, is missing.", "Chain rule: dz times the slope."),
            (pair(-dz * slope * xi), "The second half has the wrong sign.", chain),
            (pair(dz * 0.5 * (xi**2 - 1)), "This is the score, not the slope of z.", chain),
            (pair(np.zeros_like(dz)), "The second half is 0, as if τ were a constant.", chain),
            (np.concatenate([right[:, shape[1]:], dz], axis=1), "The halves have changed places.",
             "The means come first."),
            (np.concatenate([dz.mean(axis=0) + 0 * dz, right[:, shape[1]:]], axis=1),
             "The first half was averaged over the batch.", "The loss has taken the mean already."),
            (right / shape[0], "This is divided by the batch size.",
             "The loss has taken the mean already."),
            (dz, "This is the first half alone.", "There are slopes for μ and for ρ."),
            (right[:, shape[1]:], "This is the second half alone.",
             "There are slopes for μ and for ρ."),
            (np.concatenate([dz, right[:, shape[1]:]], axis=0),
             "The halves stand one below the other.", "Side by side is axis=1."),
        ]  # fmt: skip
        return Case((dz, rho, xi), right, distinct(mistakes, right), chain,
                    where=f"arrays of the shape {shape}")  # fmt: skip

    cases = [case(0, (3, 2)), case(1, (2, 1)), case(2, (1, 3))]
    return judge(backward, cases, "Two products, and no draw.", "dz, rho, noise")


WORDS = {"square": "z²", "step": "1 where z > 1, else 0"}


@checker
def check_score(score_estimates: Answer) -> Verdict:
    """Check ``score_estimates(f, mu, tau, noise)``: rows f(z) [ξ/τ, (ξ² - 1)/τ], shape (n, 2)."""
    rule = "Write down ln q, and differentiate it with z held fixed. Its slope multiplies f(z)."

    def square(z: Array) -> Array:
        """Return z²."""
        return np.asarray(z) ** 2

    def step(z: Array) -> Array:
        """Return 1 where z > 1, else 0."""
        return (np.asarray(z) > 1).astype(float)

    def case(seed: int, f: Any, slope: Any, mu: float, tau: float) -> Case:
        xi = np.random.default_rng(seed).normal(size=5)
        z = mu + tau * xi
        value = f(z)

        def rows(first: Array, second: Array) -> Array:
            return np.stack([value * first, value * second], axis=1)

        right = rows(xi / tau, (xi**2 - 1) / tau)
        mistakes: list[tuple[Any, str, str]] = [
            (rows(xi, (xi**2 - 1) / tau), "In the first column, τ is missing.", rule),
            (rows(xi / tau, xi**2 - 1), "In the second column, τ is missing.", rule),
            (rows(xi, xi**2 - 1), "τ is missing in both columns.", rule),
            (rows(xi / tau**2, (xi**2 - 1) / tau), "In the first column there is a τ too many.",
             "z - μ = τξ."),
            (rows(xi / tau, xi**2 / tau), "In the second column, the -1 is missing.",
             "The density's factor 1/τ has a slope as well."),
            (rows(xi / tau, (1 - xi**2) / tau), "The second column has the wrong sign.", rule),
            (rows(-xi / tau, (xi**2 - 1) / tau), "The first column has the wrong sign.", rule),
            (rows(xi / tau, 0.5 * (xi**2 - 1)), "The second column is for ln τ².",
             "Asked for is the derivative with respect to τ."),
            (right.mean(axis=0), "This is the mean of the estimates.", "One row for each draw."),
            (right.T, "Draws should be rows.", "np.stack(..., axis=1)"),
            (np.stack([xi / tau, (xi**2 - 1) / tau], axis=1), "The factor f(z) is missing.", ""),
            (np.stack([f(xi) * xi / tau, f(xi) * (xi**2 - 1) / tau], axis=1),
             "f was given the noise instead of z.", "z = μ + τξ."),
            (slope(z)[:, None] * np.stack([np.ones_like(xi), xi], axis=1),
             "This is the estimate by the slope of f.", "The score asks only for its values."),
            (rows(z / tau, (z**2 - 1) / tau), "z stands where the noise should.",
             "The score is 0 where z = μ."),
            (right[:, ::-1], "The columns have changed places.", "The slope for μ comes first."),
            (-right, "Both columns have the wrong sign.", "Should draws above μ gain weight?"),
            ((value - value.mean())[:, None] * np.stack([xi, xi**2 - 1], axis=1) / tau,
             "The mean of f over these draws was subtracted.",
             "It depends on the draws themselves, so this is no longer unbiased."),
        ]  # fmt: skip
        return Case((f, mu, tau, xi), right, distinct(mistakes, right), rule,
                    where=f"f = {WORDS[f.__name__]} at μ = {mu}, τ = {tau}")  # fmt: skip

    def twice(z: Array) -> Array:
        """Return the slope of z²."""
        return 2 * z

    cases = [case(0, square, twice, 1.0, 2.0), case(1, square, twice, -0.5, 0.5),
             case(2, step, np.zeros_like, 0.7, 1.5)]  # fmt: skip
    return judge(score_estimates, cases, "Even for a step, which has no slope.",
                 "f, mu, tau, noise")  # fmt: skip


@checker
def check_baseline(constant: Any, variance: Any) -> Verdict:
    """Check the best c in (z² - c) ξ/τ at μ = 3, τ = 1, which is 12, and the variance, 78."""
    best = "Expand the mean of ((z² - c) ξ)² in powers of c: a parabola. Where is its minimum?"
    parts: list[Part] = [
        ("The constant", 12.0, [
            (10.0, "This is the mean of z².", "It serves well, but another c serves best."),
            (9.0, "This is f(μ).", best),
            (24.0, "A factor of 2 is too many.", "Where is the minimum of a - 2bc + c²?"),
            (6.0, "This is the slope 2μ of the average.", best),
            (0.0, "This is no baseline.", best),
            (222.0, "This is the variance without a baseline.", "Asked for is c."),
            (144.0, "This is no constant but what it takes from the variance.", best),
            (3.0, "This is μ.", best),
        ], best),
        ("The variance", 78.0, [
            (222.0, "This is the variance without a baseline.", "How much does c = 12 take away?"),
            (114.0, "This is the second moment.", "Subtract the square of the mean, (2μ)²."),
            (82.0, "This is the variance at c = 10.", "At the best constant it is smaller."),
            (366.0, "c² was added.", "At its minimum, the parabola is lower than at c = 0."),
            (210.0, "c was subtracted.", "Put c into the parabola, its square as well."),
            (4.0, "This is the variance of the estimate through the draw.", ""),
            (87.0, "This is the variance at c = 9 or c = 15.", "Use the best constant."),
        ], "Expand the mean of ((z² - c) ξ)² in c."),
    ]  # fmt: skip
    return in_turn((constant, variance), parts, "Better, and still far above 4.")


@checker
def check_importance(importance: Answer) -> Verdict:
    """Check ``importance(log_w)``: ln of the mean of exp(log_w) over axis 0, for (draws, n)."""
    shift = "exp(w) = exp(s) exp(w - s) for any s. Which s lets no exponential overflow, nor all of"
    shift += " one image underflow?"

    def case(log_w: Array, where: str) -> Case:
        right = log_mean_exp(log_w, 0)
        with np.errstate(divide="ignore", over="ignore", under="ignore"):
            naive = np.log(np.exp(log_w).mean(axis=0))
            total = right + math.log(len(log_w))
            top = log_w.max(axis=0)

            def by(s: Any) -> Array:
                return np.asarray(s + np.log(np.exp(log_w - s).mean(axis=0)))

            mistakes: list[tuple[Any, str, str]] = [
                (log_w.mean(axis=0), "This is the mean of the logarithms: the ordinary bound.",
                 "The mean comes first, the logarithm last."),
                (total, "This is the logarithm of the sum.", "Divide by the number of draws."),
                (right - top, "The largest entry was not added again.", shift),
                (top, "This is the largest entry.", shift),
                (right - math.log(len(log_w)), "The sum was divided by the draws twice.", ""),
                (np.exp(right), "The logarithm is missing.", ""),
                (-right, "The sign is wrong.", "The bound is the logarithm itself."),
                (right.mean(), "This is the mean over the images.", "One number for each image."),
                (log_mean_exp(log_w, 1), "The mean was taken over the images.",
                 "Draws lie along axis 0."),
                (right - 2 * top, "The shift was subtracted again, not added.", shift),
            ]  # fmt: skip
            unsafe: list[tuple[Any, str, str]] = [
                (by(log_w.max()), "One shift for all images lets all weights of one underflow.",
                 shift),
                (naive, "The exponentials underflow to 0 or overflow.", shift),
                (by(log_w.min(axis=0)), "The smallest weight is safe, but the others overflow.",
                 shift),
                (by(log_w.mean(axis=0)), "The largest weight lies far above the mean.", shift),
                (by(np.median(log_w, axis=0)), "The largest weight lies far above the median.",
                 shift),
                (by(log_w[0]), "The first draw need not have the largest weight.", shift),
            ]  # fmt: skip
        kept = unsafe + [mistake for mistake in mistakes if np.isfinite(mistake[0]).all()]
        return Case((log_w,), right, distinct(kept, right), shift, where=where)

    def spread(*column: float) -> Case:
        log_w = np.add.outer(column, (0.0, 0.4))
        return case(log_w, f"images with the log-weights {column} and 0.4 more")

    rng = np.random.default_rng(0)
    cases = [
        case(rng.normal(size=(4, 3)), "log-weights near 0"),
        case(rng.normal(size=(3, 2)) - 2000, "log-weights near -2000"),
        case(rng.normal(size=(5, 2)) + 1000, "log-weights near 1000"),
        # Each is unsafe for one shift that the cases behind it do not betray.
        spread(-900.0, 0.1, -0.3, 0.2),
        spread(0.1, -900.0, -950.0, -0.3, -920.0),
        spread(0.2, -2000.0, -1900.0, 0.1, -0.2),
        spread(0.3, -900.0, -0.1, 0.2),
        case(rng.normal(size=(3, 2)) - [0, 1600], "one image near 0 and one near -1600"),
    ]
    with np.errstate(divide="ignore", over="ignore", under="ignore", invalid="ignore"):
        return judge(importance, cases, "Whatever the size of the weights.", "log_w")


@checker
def check_collapse(pixels: Any, divergence: Any, factor: Any) -> Verdict:
    """Check 64 pixels and two numbers a code, whose means over all entries are 0.390 and 0.0002."""
    many = "How many entries does the mean run over, for one image?"
    ratio = "Write the program's loss with the two sums. What must it be multiplied by, so that the"
    ratio += " pixels' sum stands alone?"
    parts: list[Part] = [
        ("The pixels", 24.96, [
            (0.39, "This is the cost of one pixel.", "How many has an image?"),
            (0.39 / 64, "The mean was divided once more.", many),
            (0.39 * 2, "This is the mean times the numbers of a code.", many),
            (0.39 * 128, "A factor of 2 is too many.", "Numbers of a code have no part in this."),
            (0.39 * 32, "A factor of 2 is missing.", "Numbers of a code have no part in this."),
            (0.39 * 8, "This is the cost of one row of the image.", "It has eight rows."),
            (-24.96, "The sign is wrong.", "A cost is minus a logarithm of a probability."),
            (24.96 / math.log(2), "This is in bits.", "The mean is in nats already."),
            (0.39 + 64, "64 was added.", "A sum is a mean times how many there are."),
        ], many),
        ("The divergence", 0.0004, [
            (0.0002, "This is the divergence of one number.", "Shares of a code add up."),
            (0.0001, "The mean was divided once more.", many),
            (0.0002 * 64, "This is the mean times the pixels.", many),
            (0.0002**2, "The shares were multiplied.", "Shares of a code add up."),
            (0.0002 * 128, "The pixels have no part in this.", many),
            (0.0, "It is small, but not 0.", many),
            (-0.0004, "The sign is wrong.", "A divergence is never negative."),
        ], many),
        ("The factor", 32.0, [
            (64.0, "This would be so if the divergence were a sum over the numbers of a code.",
             "Here it is a mean as well."),
            (1 / 32, "This is what the pixels are multiplied by, compared with the divergence.",
             "Asked for is the factor of the divergence."),
            (128.0, "Both means pull the factor the same way here.",
             "A mean of the divergence makes it count less."),
            (2.0, "The pixels' mean was left out.", ratio),
            (0.5, "The pixels' mean was left out.", ratio),
            (1 / 64, "This is what the pixels' sum is multiplied by.", ratio),
            (1.0, "Then the loss would be right.", ratio),
            (62.0, "The counts were subtracted.", ratio),
            (66.0, "The counts were added.", ratio),
            (1024.0, "The quotient was squared.", ratio),
        ], ratio),
    ]  # fmt: skip
    return in_turn((pixels, divergence, factor), parts, "Print both terms as sums of one image.")
