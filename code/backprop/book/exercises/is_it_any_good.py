"""Checkers of the chapter "Is it any good?"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book.exercises.digits import Answer, Mistakes, _distinct
from backprop.book.exercises.verdict import Case, Verdict, checker, judge, judge_value

RATE, DOUBT = 0.01, 0.05


@checker
def check_images_without_error(n: Any) -> Verdict:
    """Check the least N for which a program wrong in 1 % of all cases errs with 95 %."""
    right = math.ceil(math.log(DOUBT) / math.log(1 - RATE))
    power = "The probability of no error in N images is 0.99 to the power N."
    mistakes: Mistakes = [
        (math.ceil(1 / RATE), "On so many images it makes one error on average, and often none.",
         "(1 - 0.01)^100 is more than a third."),
        (right - 1, "Just not enough: the probability of no error is still above 0.05.", ""),
        (right + 1, "It is enough, but one image fewer is enough as well.",
         "The rule of thumb 3/q rounds ln 20 up."),
        (math.ceil(math.log(DOUBT / 2) / math.log(1 - RATE)),
         "This asks for 0.025, one end of a two-sided interval.", "Here it is 0.05 at one end."),
        (math.ceil(math.log(1 - DOUBT) / math.log(1 - RATE)),
         "Here the probability of no error is 0.95.", "It has to be at most 0.05."),
        (math.log(DOUBT) / math.log(1 - RATE), "Round up to a whole number of images.", ""),
        (95, "0.95 / 0.01 adds probabilities up.", power),
        (math.log(DOUBT), "A logarithm is missing.", power),
    ]  # fmt: skip
    praise = "The 90 zeros and ones that are often held back to test are too few to show even that."
    return judge_value(n, Case((), right, mistakes, power), praise)


@checker
def check_balanced_accuracy(balanced: Answer) -> Verdict:
    """Check ``balanced(matrix)``: the mean of the classes' accuracies, true classes in the rows."""
    share = "The accuracy of a class is its diagonal entry over the sum of its row."

    def case(matrix: Array) -> Case:
        hits = matrix.diagonal()
        recall = hits / matrix.sum(axis=1)
        right = recall.mean()
        precision = hits / np.maximum(matrix.sum(axis=0), 1)
        mistakes: Mistakes = [
            (hits.sum() / matrix.sum(), "This is the plain accuracy: the large class counts most.",
             share),
            (precision.mean(), "The columns were summed. A column holds what was answered.", share),
            (recall, "This is the accuracy of each class.", "The question asks for their mean."),
            (hits.mean() / matrix.sum(axis=1).mean(),
             "This is the mean of the hits over the mean of the rows, the plain accuracy.", share),
            (1 - right, "This is the balanced error.", "One minus the answer."),
            (recall.sum(), "This is a sum.", "Divide by the number of classes."),
            (np.median(recall), "This is the median.", "The mean is asked for."),
            (recall.min(), "This is the worst class.", "The mean of all is asked for."),
            (hits.mean(), "These are counts.", share),
        ]  # fmt: skip
        return Case((matrix,), right, _distinct(mistakes, right), share)

    cases = [
        case(np.array([[90, 10, 0], [1, 8, 1], [0, 5, 15]])),
        case(np.array([[50, 0], [5, 0]])),
        case(np.array([[7, 2, 1, 0], [0, 4, 0, 0], [3, 0, 3, 0], [1, 1, 0, 8]])),
    ]
    praise = "A network that always gives the same answer scores 1/K."
    return judge(balanced, cases, praise, "matrix")


@checker
def check_coin(coin: Answer) -> Verdict:
    """Check ``coin(won, lost)``: the two-sided p-value of a fair coin, McNemar's exact test."""
    steps = "Add up the probabilities of all splits that are as uneven or more, at both ends."

    def case(won: int, lost: int) -> Case:
        n, least = won + lost, min(won, lost)
        right = stats.binomtest(least, n).pvalue
        one_end = stats.binom.cdf(least, n, 0.5)
        z = (won - lost) / math.sqrt(n)
        corrected = (abs(won - lost) - 1) / math.sqrt(n)
        mistakes: Mistakes = [
            (one_end, "This counts one end only.", "The other program might have won as clearly."),
            (stats.binom.pmf(least, n, 0.5), "This is the probability of exactly this split.",
             steps),
            (2 * stats.binom.pmf(least, n, 0.5), "This counts exactly this split, at both ends.",
             "More uneven splits count as well."),
            (2 * stats.binom.cdf(least - 1, n, 0.5), "The split itself is left out.", steps),
            (1 - right, "This is one minus the answer.", ""),
            (2 * stats.norm.sf(abs(z)), "This is the normal approximation.",
             "The exact test adds up binomial probabilities."),
            (2 * stats.norm.sf(corrected), "This is the normal approximation, corrected.",
             "The exact test adds up binomial probabilities."),
            (2 * one_end, "A probability cannot exceed 1.", "With an even split, all splits are"
             " as uneven or more."),
            (least / n, "This is the share of the smaller number.", steps),
            (0.5**n, "This is the probability of one sequence of tosses.", steps),
        ]  # fmt: skip
        return Case((won, lost), right, _distinct(mistakes, right), steps)

    cases = [case(1, 7), case(9, 3), case(4, 4), case(0, 6), case(38, 13)]
    return judge(coin, cases, "With fewer than six such images it is never < 0.05.", "won, lost")


P = np.array([
    [0.9, 0.1, 0.0], [0.15, 0.82, 0.03], [0.2, 0.2, 0.6], [0.34, 0.33, 0.33],
    [0.05, 0.0, 0.95], [0.55, 0.4, 0.05], [0.05, 0.58, 0.37], [1.0, 0.0, 0.0],
])  # fmt: skip
Y = np.array([0, 1, 1, 0, 2, 1, 1, 0])


def _bins(p: Array, y: Array, bins: int = 10) -> tuple[Array, Array, Array]:
    """Return the number of answers, mean confidence and accuracy of each bin with answers."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins).astype(np.float64)
    held = n > 0
    sums = [np.bincount(place, values, bins)[held] / n[held] for values in (confidence, right)]
    return n[held], sums[0], sums[1]


@checker
def check_ece(ece: Answer) -> Verdict:
    """Check ``ece(p, y)``: Σ_b N_b / N |accuracy_b - confidence_b| over ten bins of confidence."""
    weigh = "Each bin's distance counts by its share of the images."

    def case(p: Array, y: Array) -> Case:
        n, confidence, accuracy = _bins(p, y)
        gap = np.abs(accuracy - confidence)
        right = (n * gap).sum() / n.sum()
        hit = p.argmax(axis=1) == y
        mistakes: Mistakes = [
            (gap.mean(), "All bins count alike.", weigh),
            (gap.sum() / 10, "Empty bins count as well, and all alike.", weigh),
            ((n * gap).sum(), "This is a sum over the images.", "Divide by their number."),
            ((n * (accuracy - confidence)).sum() / n.sum(), "The gaps cancel.",
             "Take the distance in each bin before you add."),
            ((n * (confidence - accuracy)).sum() / n.sum(), "The gaps cancel each other.",
             "Take the distance in each bin before you add."),
            (abs(hit.mean() - p.max(axis=1).mean()), "This has one bin.",
             "Ten bins of confidence are meant."),
            (np.abs(hit - p.max(axis=1)).mean(), "Every image is a bin of its own.",
             "First average within a bin."),
            (gap.max(), "This is the largest distance.", weigh),
            ((n * gap**2).sum() / n.sum(), "These are squares.", "The distance itself is meant."),
        ]  # fmt: skip
        return Case((p, y), right, _distinct(mistakes, right), weigh)

    cases = [case(P, Y), case(P[[2, 5, 0]], Y[[2, 5, 0]])]
    return judge(ece, cases, "Compare it with the one of a calibrated network.", "p, y")


@checker
def check_temperature_slope(slope: Answer) -> Verdict:
    """Check ``slope(z, y)``, ∂L/∂T at T = 1 of the mean loss: z (B, K), y (B,) of classes."""
    z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
    y = np.array([0, 2, 1, 1])
    p, one_hot = softmax(z), np.eye(3)[y]
    each = ((one_hot - p) * z).sum(axis=1)
    chain = "∂L/∂(z/T) is p - y; how does z/T follow T?"
    mistakes: Mistakes = [
        (-each.mean(), "The sign is turned round: the derivative of z/T is -z/T².", chain),
        (each, "This is one number per example; the loss is their mean.", ""),
        (each.sum(), "This is the sum over the batch; the loss is a mean.", ""),
        (each.mean() / 3, "This divides by the classes as well.", "The mean is over the rows."),
        ((p * z).sum(axis=1).mean(), "The target's term is missing: the bracket is p - y.", chain),
        (-(one_hot * z).sum(axis=1).mean(),
         "The term with p is missing: the bracket is p - y.", chain),
        ((one_hot * z).sum(axis=1).mean(),
         "The term with p is missing: the bracket is p - y.", chain),
        ((p - one_hot).sum(axis=1).mean(), "Each p - y has to be multiplied by its -z.", chain),
    ]  # fmt: skip
    case = Case((z, y), each.mean(), mistakes, chain)
    praise = "Where it is negative, a temperature above 1 lowers the loss."
    return judge(slope, [case], praise, "z, y")
