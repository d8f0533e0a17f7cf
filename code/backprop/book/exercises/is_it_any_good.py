"""Checkers of the chapter "Is it any good?"."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from backprop.activations import softmax
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
    numbers,
)

RATE, DOUBT = 0.01, 0.05


@checker
def check_images_without_error(n: Any) -> Verdict:
    """Check the least N for which a program wrong in 1 % of all cases errs with 95 %."""
    right = math.ceil(math.log(DOUBT) / math.log(1 - RATE))
    power = "The probability of no error in N images is 0.99 to the power N."
    mistakes: Mistakes = [
        (math.ceil(1 / RATE), "On so many images it makes one error on average, and often none.",
         "(1 - 0.01)^100 is more than a third."),
        (right - 1, "The probability of no error in N images must be at most 0.05. Is it?",
         "Mind the direction in which you round."),
        (math.ceil(math.log(RATE) / math.log(1 - RATE)),
         "With so many images the probability of no error is only 0.01.", "It may be 0.05."),
        (math.ceil(math.log(0.5) / math.log(1 - RATE)),
         "With so many images a mistake is as likely as none.", power),
        (math.ceil(math.log(DOUBT / 2) / math.log(1 - RATE)),
         "This asks for 0.025, one end of a two-sided interval.", "Here it is 0.05 at one end."),
        (math.ceil(math.log(1 - DOUBT) / math.log(1 - RATE)),
         "With so many images the probability of no error is still 0.95.",
         "It has to be at most 0.05."),
        (math.log(DOUBT) / math.log(1 - RATE), "Round up to a whole number of images.", ""),
        (95, "0.95 / 0.01 adds up the probabilities of single errors.", power),
        (math.log(DOUBT), "This is ln 0.05 alone. How does N enter?", power),
    ]  # fmt: skip
    given = numbers(n)
    if given is not None and given.shape == () and given > right and given == given.round():
        enough = "So many images are enough, but it is not the least number."
        mistakes.append((given, enough, "3/q and the like are rounded: solve 0.99^N = 0.05."))
    praise = "A perfect score on fewer images does not even rule out an error rate of 1 %."
    return judge_value(n, Case((), right, mistakes, power), praise)


COLUMNS = "The columns were summed. A column holds what was answered."


@checker
def check_balanced_accuracy(balanced: Answer) -> Verdict:
    """Check ``balanced(matrix)``: the mean of the classes' accuracies, true classes in the rows."""
    share = "The accuracy of a class is its diagonal entry over the sum of its row."

    def case(matrix: Array) -> Case:
        hits = matrix.diagonal()
        recall = hits / matrix.sum(axis=1)
        right = recall.mean()
        answered = matrix.sum(axis=0)
        precision = hits / np.maximum(answered, 1)
        mistakes: Mistakes = [
            (hits.sum() / matrix.sum(), "This is the plain accuracy: the large class counts most.",
             share),
            (precision.mean(), COLUMNS, share),
            (precision[answered > 0].mean(), COLUMNS, share),
            ((2 * hits / (matrix.sum(axis=1) + answered)).mean(),
             "This is the mean F-score, which uses the columns as well.", share),
            (100 * right, "This is in per cent.", "Leave it as a fraction of 1."),
            (recall, "This is the accuracy of each class.", "Take their mean."),
            (hits.mean() / matrix.sum(axis=1).mean(),
             "This is the mean of the hits over the mean of the rows, the plain accuracy.", share),
            (1 - right, "This is the balanced error rate.", "Which share is right?"),
            (recall.sum(), "This is a sum over the classes.", "Take the mean."),
            (np.median(recall), "This is the median of the classes.", "Take the mean."),
            (recall.min(), "This is the worst class.", "Take the mean of all classes."),
            (recall.max(), "This is the best class.", "Take the mean of all classes."),
            (hits.mean(), "These are counts.", share),
        ]  # fmt: skip
        return Case((matrix,), right, distinct(mistakes, right), share)

    cases = [
        case(np.array([[90, 10, 0], [1, 8, 1], [0, 5, 15]])),
        case(np.array([[50, 2], [6, 0]])),
        case(np.array([[7, 2, 1, 0], [0, 4, 0, 0], [3, 0, 3, 0], [1, 1, 0, 8]])),
    ]
    praise = "Whoever always gives the same of K answers scores 1/K."
    return judge(balanced, cases, praise, "matrix")


@checker
def check_fullest(fullest: Answer) -> Verdict:
    """Check ``fullest(matrix, k)``: the share of the errors in the k fullest cells."""
    share = "Errors are off the diagonal: take the k largest of these counts, and divide by all."

    def case(matrix: Array, k: int) -> Case:
        off = ~np.eye(len(matrix), dtype=bool)
        counts = np.sort(matrix[off])[::-1]
        errors, held = counts.sum(), counts[:k].sum()
        every = np.sort(matrix.ravel())[::-1]
        rows = np.sort((matrix * off).sum(axis=1))[::-1]
        mistakes: Mistakes = [
            (held, "This is a number of errors.", "Which share of all errors is it?"),
            (held / matrix.sum(), "This is a share of all images.", "Divide by the errors alone."),
            (every[:k].sum() / every.sum(), "The diagonal holds the right answers.", share),
            (every[:k].sum() / errors, "The diagonal holds the right answers.", share),
            (counts[-k:].sum() / errors, "These are the emptiest cells.", "Mind the order."),
            (matrix[off][:k].sum() / errors, "These are the first cells, not the fullest.", share),
            (matrix[off][-k:].sum() / errors, "These are the last cells, not the fullest.", share),
            (k / counts.size, "This is the share of the cells, not of the errors.", share),
            (k / 90, "This is the share of k cells among 90, not of the errors.", share),
            (counts[0] / errors, "This is the fullest cell alone.", "Add up k of them."),
            (counts[k - 1] / errors, "This is one cell alone.", "Add up the k fullest."),
            (counts[: k + 1].sum() / errors, "This is one cell too many.", share),
            (np.unique(counts)[-k:].sum() / errors,
             "Of cells with equal counts, only one is counted.", share),
            (counts[: k - 1].sum() / errors, "This is one cell too few.", share),
            (rows[:k].sum() / errors, "These are whole rows.", "A cell is one digit and answer."),
            (counts[:k].mean() / errors, "This is the mean of the cells.", "Add them up."),
            (held / matrix.trace(), "This divides by the right answers.", "Divide by the errors."),
            (1 - held / errors, "This is the share of the other cells.", share),
            (100 * held / errors, "This is in per cent.", "Leave it as a fraction of 1."),
        ]  # fmt: skip
        right = held / errors
        return Case((matrix, k), right, distinct(mistakes, right), share)

    cases = [
        case(np.array([[9, 1, 4], [2, 8, 0], [3, 6, 5]]), 2),
        case(np.array([[0, 2, 5, 0], [1, 30, 0, 4], [7, 0, 20, 3], [1, 1, 5, 9]]), 3),
        case(np.array([[9, 1, 4], [2, 8, 0], [3, 6, 5]]), 1),
    ]
    praise = "Chance alone gives the fullest cells more than their share."
    return judge(fullest, cases, praise, "matrix, k")


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
        halved = (abs(won - lost) - 0.5) / math.sqrt(n)
        exactly = stats.binom.pmf(least, n, 0.5)
        from_won = stats.binom.cdf(won, n, 0.5)
        from_most = stats.binom.cdf(n - least, n, 0.5)
        mistakes: Mistakes = [
            (one_end, "This counts one end only.", "The other program might have won as clearly."),
            (from_won, "This counts one end only, always from 0 to won.", steps),
            (2 * from_won, "This adds up from 0 to won, even where won is the larger.", steps),
            (min(1, 2 * from_most), "Here it adds up from 0 to the larger of the two.",
             "Uneven splits have few on one side."),
            (min(1, 2 * from_won), "Here it adds up from 0 to won, which is the larger.", steps),
            (min(1, 2 * stats.binom.cdf(lost, n, 0.5)),
             "Here it adds up from 0 to lost, which is the larger.", steps),
            (exactly, "This is the probability of exactly this split.", steps),
            (2 * exactly, "This counts exactly this split, at both ends.",
             "More uneven splits count as well."),
            (2 * (one_end - 0.5**n), "The split with 0 on one side is left out.",
             "Where does the range begin?"),
            (min(1, 2 * (one_end - 0.5**n)), "A split with 0 on one side counts as well.",
             "Where does the range begin?"),
            (2 * one_end - exactly, "This counts the split itself only once, not at both ends.",
             steps),
            (2 * one_end * 2**n, "This is a number of sequences, not yet a probability.",
             "How many sequences are there in all?"),
            (abs(won - lost) / n, "This is the difference as a share of the tosses.", steps),
            (2 * stats.binom.cdf(least - 1, n, 0.5), "The split itself is left out.", steps),
            (1 - right, "This is one minus the answer.", ""),
            (2 * stats.norm.sf(abs(z)), "This is the normal approximation.",
             "The exact test adds up binomial probabilities."),
            (2 * stats.norm.sf(corrected), "This is the normal approximation, corrected.",
             "The exact test adds up binomial probabilities."),
            (2 * one_end, "A probability cannot exceed 1.",
             "An even split lies at both ends, and is counted twice."),
            (least / n, "This is the share of the smaller number.", steps),
            (0.5**n, "This is the probability of one sequence of tosses.", steps),
            (stats.chi2.sf(corrected**2, 1), "This is the normal approximation, corrected.",
             "The exact test adds up binomial probabilities."),
            *((2 * stats.norm.sf(max(value, 0)), "This is an approximation, with a correction.",
               "The exact test adds up binomial probabilities.") for value in (corrected, halved)),
            ((won - lost) ** 2 / n, "This is the statistic of the approximate test.", steps),
            (corrected**2, "This is the statistic of the approximate test, corrected.", steps),
        ]  # fmt: skip
        return Case((won, lost), right, distinct(mistakes, right), steps)

    none: Mistakes = [
        (
            0,
            "Without a toss, nothing speaks against a fair coin.",
            "The one possible split is as uneven as itself: its probability is 1.",
        )
    ]
    cases = [case(1, 7), case(9, 3), case(4, 4), case(0, 6), case(38, 13),
             Case((0, 0), 1.0, none, steps)]  # fmt: skip
    return judge(coin, cases, "With fewer than six tosses it is never below 0.05.", "won, lost")


P = np.array([
    [0.9, 0.1, 0.0], [0.15, 0.82, 0.03], [0.2, 0.2, 0.6], [0.34, 0.33, 0.33],
    [0.05, 0.0, 0.95], [0.55, 0.4, 0.05], [0.05, 0.58, 0.37], [1.0, 0.0, 0.0],
])  # fmt: skip
Y = np.array([0, 1, 1, 0, 2, 1, 1, 0])
Q = np.array([
    [0.62, 0.38, 0.0], [0.2, 0.13, 0.67], [0.72, 0.08, 0.2], [0.1, 0.74, 0.16],
    [0.81, 0.1, 0.09], [0.12, 0.05, 0.83], [1.0, 0.0, 0.0], [0.02, 0.03, 0.95],
])  # fmt: skip
"""Neighbouring answers of which one is right and one wrong: other bins give another error."""
Z = np.array([0, 1, 0, 1, 0, 0, 2, 2])


def _bins(
    p: Array, y: Array, bins: int = 10, place: Array | None = None
) -> tuple[Array, Array, Array]:
    """Return the number of answers, mean confidence and accuracy of each bin with answers."""
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    if place is None:
        place = np.minimum(confidence * bins, bins - 1)
    place = place.astype(int)
    n = np.bincount(place, minlength=bins).astype(np.float64)
    held = n > 0
    sums = [np.bincount(place, values, len(n))[held] / n[held] for values in (confidence, right)]
    return n[held], sums[0], sums[1]


def _error(n: Array, confidence: Array, accuracy: Array) -> float:
    return float((n * np.abs(accuracy - confidence)).sum() / n.sum())


@checker
def check_ece(ece: Answer) -> Verdict:
    """Check ``ece(p, y)``: Σ_b N_b / N |accuracy_b - confidence_b| over ten bins of confidence."""
    weigh = "Each bin's distance counts by its share of the images."

    def case(p: Array, y: Array) -> Case:
        n, confidence, accuracy = _bins(p, y)
        gap = np.abs(accuracy - confidence)
        right = _error(n, confidence, accuracy)
        hit, most = p.argmax(axis=1) == y, p.max(axis=1)
        places = np.minimum((10 * most).astype(int), 9)
        middles = (np.unique(places) + 0.5) / 10
        own = p[np.arange(len(y)), y]
        own_place = np.minimum((10 * own).astype(int), 9)
        own_gap = [abs((hit - own)[own_place == k].sum()) for k in range(10)]
        mistakes: Mistakes = [
            (gap.mean(), "All bins count alike.", weigh),
            (gap.sum() / 10, "Empty bins count as well, and all alike.", weigh),
            ((n * gap).sum(), "This is a sum over the images.", "Divide by their number."),
            ((n * (accuracy - confidence)).sum() / n.sum(), "The gaps cancel.",
             "Take the distance in each bin before you add."),
            ((n * (confidence - accuracy)).sum() / n.sum(), "The gaps cancel each other.",
             "Take the distance in each bin before you add."),
            (abs(hit.mean() - most.mean()), "This has one bin.", "Sort the answers into ten."),
            (_error(*_bins(p, y, 5)), "These are five bins.", "Sort the answers into ten."),
            (_error(*_bins(p, y, 20)), "These are twenty bins.", "Sort the answers into ten."),
            (_error(*_bins(p, y, 11, np.rint(10 * most))),
             "The confidence was rounded, which gives eleven bins.", "Cut 10 times it down."),
            (_error(*_bins(p, y, 11, 10 * most)), "A confidence of 1 has a bin of its own here.",
             "It belongs to the tenth bin."),
            (np.abs([(hit - most)[(places == k) & (most < 1)].sum() for k in range(10)]).sum()
             / len(y), "An answer with confidence 1 is left out.", "It belongs to the tenth bin."),
            (_error(n, middles, accuracy), "This uses the middle of each bin.",
             "Take the mean confidence of its answers."),
            (sum(own_gap) / len(y), "This uses the probability of the right class.",
             "Confidence is the probability of the network's own answer."),
            (100 * right, "This is in per cent.", "Leave it as a fraction of 1."),
            (np.abs(hit - most).mean(), "Here, each answer is a bin of its own.",
             "The bins are 0 to 0.1, 0.1 to 0.2 and so on: average within each first."),
            (gap.max(), "This is the largest distance.", weigh),
            ((n * gap**2).sum() / n.sum(), "These are squared distances.",
             "Take the distances themselves."),
        ]  # fmt: skip
        return Case((p, y), right, distinct(mistakes, right), weigh)

    cases = [case(P, Y), case(P[[2, 5, 0]], Y[[2, 5, 0]]), case(Q, Z)]
    praise = "To judge such a number, compare it with draws from a calibrated network."
    return judge(ece, cases, praise, "p, y")


ROWS = "The softmax is taken over the wrong numbers: each row of p sums to 1."


def _loss(z: Array, y: Array) -> float:
    return float(-np.log(softmax(z)[np.arange(len(y)), y]).mean())


@checker
def check_temperature_slope(slope: Answer) -> Verdict:
    """Check ``slope(z, y)``, ∂L/∂T at T = 1 of the mean loss: z (B, K), y (B,) of classes."""
    z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
    y = np.array([0, 2, 1, 1])
    p, one_hot = softmax(z), np.eye(3)[y]
    each = ((one_hot - p) * z).sum(axis=1)
    chain = "∂L/∂(z/T) is p - y; how does z/T follow T?"
    mistakes: Mistakes = [
        (-each.mean(), "The sign is wrong: at T = 1 the derivative of z/T is -z.", chain),
        (each, "This is one number per example; the loss is their mean.", ""),
        (each.sum(), "This is the sum over the batch; the loss is a mean.", ""),
        (each.mean() / 3, "This divides by the classes as well.", "The mean is over the rows."),
        ((p * z).sum(axis=1).mean(), "The target's term is missing: the bracket is p - y.", chain),
        (-(one_hot * z).sum(axis=1).mean(),
         "The term with p is missing: the bracket is p - y.", chain),
        ((one_hot * z).sum(axis=1).mean(),
         "The term with p is missing: the bracket is p - y.", chain),
        ((p - one_hot).sum(axis=1).mean(), "Each p - y has to be multiplied by its -z.", chain),
        ((one_hot - p) * z, "These are the terms of the sum.",
         "Add them up in each row, and take the mean over the rows."),
        (2 * each.mean(), "This is twice the answer.", "The derivative of 1/T is -1/T²."),
        (((one_hot - np.exp(z) / np.exp(z).sum(axis=0)) * z).sum(axis=1).mean(), ROWS, chain),
        (((one_hot - np.exp(z) / np.exp(z).sum()) * z).sum(axis=1).mean(), ROWS, chain),
        (((one_hot - z) * z).sum(axis=1).mean(), "The bracket needs p, the softmax of z.", chain),
        (((one_hot - p) * one_hot * z).sum(axis=1).mean(),
         "This has the right class alone. The other logits count as well.", chain),
        (_loss(z, y), "This is the loss itself.", chain),
        *((value, "This is a difference quotient: only near the derivative.", chain)
          for h in (0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6)
          for value in [(_loss(z / (1 + h), y) - _loss(z, y)) / h]),
    ]  # fmt: skip
    case = Case((z, y), each.mean(), mistakes, chain)
    praise = "Where it is negative, a temperature above 1 lowers the loss."
    return judge(slope, [case], praise, "z, y")
