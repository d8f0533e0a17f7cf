"""The checkers of "Is it any good?": right answers in several forms, and ten wrong ones each."""

import math
from itertools import product

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong
from scipy import stats

from backprop.activations import log_softmax, softmax
from backprop.book.exercises import is_it_any_good as ex


def balanced(matrix):
    return np.mean([row[k] / row.sum() for k, row in enumerate(matrix)])


def off(m):
    return m[~np.eye(len(m), dtype=bool)]


def largest(counts, k):
    return sum(sorted(counts, reverse=True)[:k])


def fullest(m, k):
    return largest(off(m), k) / sum(off(m))


def coin(won, lost):
    """Toss all sequences where there are few, and count."""
    n = won + lost
    if n <= 8:
        uneven = [abs(2 * sum(t) - n) >= abs(won - lost) for t in product((0, 1), repeat=n)]
        return np.mean(uneven)
    return stats.binomtest(won, n).pvalue


def ece(p, y):
    total = 0.0
    for k in range(10):
        inside = [i for i, row in enumerate(p) if min(int(row.max() * 10), 9) == k]
        if inside:
            right = sum(p[i].argmax() == y[i] for i in inside)
            total += abs(right - sum(p[i].max() for i in inside)) / len(p)
    return total


def binned(p, y, place, last=99):
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    b = place(confidence)
    sums = [abs((right - confidence)[b == k].sum()) for k in np.unique(b) if k <= last]
    return sum(sums) / len(y)


def equal_counts(p, y):
    confidence, right = p.max(axis=1), p.argmax(axis=1) == y
    parts = np.array_split(np.argsort(confidence), min(10, len(y)))
    return np.mean([abs((right - confidence)[rows].mean()) for rows in parts])


def held(p, y):
    return ex._bins(p, y)


def temperature_slope(z, y):
    # By the complex step, so that the checker's formula is not compared with itself.
    w = z / (1 + 1e-20j)
    logs = w - np.log(np.exp(w).sum(axis=1, keepdims=True))
    return -logs[np.arange(len(y)), y].mean().imag / 1e-20


def one_hot(y):
    return np.eye(3)[y]


def forward(z, y):
    return -log_softmax(z)[np.arange(len(y)), y].mean()


def raises(*_):
    raise ZeroDivisionError("by nought")


RIGHT = {
    ex.check_images_without_error: [299, 299.0, sp.Integer(299)],
    ex.check_balanced_accuracy: [balanced, lambda m: (np.diag(m) / m.sum(axis=1)).mean()],
    ex.check_fullest: [
        fullest,
        lambda m, k: np.sort(m - np.diag(m.diagonal()), axis=None)[-k:].sum()
        / (m.sum() - m.trace()),
    ],
    ex.check_coin: [
        coin,
        lambda won, lost: min(1, 2 * stats.binom.cdf(min(won, lost), won + lost, 0.5)),
    ],
    ex.check_ece: [
        ece,
        lambda p, y: binned(p, y, lambda c: np.ceil(10 * c)),
        lambda p, y: float(np.sum(
            held(p, y)[0] * np.abs(held(p, y)[2] - held(p, y)[1])) / len(y)),
    ],
    ex.check_temperature_slope: [
        temperature_slope,
        lambda z, y: (z[np.arange(len(y)), y] - (softmax(z) * z).sum(axis=1)).mean(),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_images_without_error: [
        (100, "one error on average"), (298, "must be at most 0.05"), (300, "not the least"),
        (459, "only 0.01"), (69, "as likely as none"),
        (368, "two-sided"), (6, "still 0.95"), (math.log(0.05) / math.log(0.99), "Round up"),
        (95, "adds up the probabilities"), (math.log(0.05), "How does N enter"),
        (50, "0.99 to the power N"), (1000, "not the least"), (458, "not the least"),
        (1797, "not the least"), (-299, "sign"),
        (None, "return missing"), ("299", "expected a number"),
    ],
    ex.check_balanced_accuracy: [
        (lambda m: m.trace() / m.sum(), "plain accuracy"),
        (lambda m: (np.diag(m) / np.maximum(m.sum(axis=0), 1)).mean(), "columns"),
        (lambda m: (np.diag(m) / m.sum(axis=0)).mean(), "columns"),
        (lambda m: np.diag(m) / m.sum(axis=1), "their mean"),
        (lambda m: np.diag(m).mean() / m.sum(axis=1).mean(), "plain accuracy"),
        (lambda m: 1 - balanced(m), "error rate"), (lambda m: len(m) * balanced(m), "a sum"),
        (lambda m: np.median(np.diag(m) / m.sum(axis=1)), "median"),
        (lambda m: (np.diag(m) / m.sum(axis=1)).min(), "worst class"),
        (lambda m: np.diag(m).mean(), "counts"), (lambda m: m[0], "expected ()"),
        (lambda m: (np.diag(m) / m.sum(axis=1)).max(), "best class"),
        (lambda m: 100 * balanced(m), "per cent"),
        (lambda m: np.mean([m[k, k] / m[:, k].sum() for k in range(len(m)) if m[:, k].any()]),
         "columns"),
        (lambda m: (2 * np.diag(m) / (m.sum(axis=0) + m.sum(axis=1))).mean(), "F-score"),
        (lambda m: (m.max(axis=1) / m.sum(axis=1)).mean(), "over the sum of its row"),
        (raises, "ZeroDivisionError: by nought"), (0.8, "without calling it"),
        (lambda m: None, "return missing"), (lambda m, k: 0, "(matrix)"),
    ],
    ex.check_fullest: [
        (lambda m, k: largest(off(m), k), "number of errors"),
        (lambda m, k: largest(off(m), k) / m.sum(), "all images"),
        (lambda m, k: largest(m.ravel(), k) / m.sum(), "diagonal"),
        (lambda m, k: largest(m.ravel(), k) / sum(off(m)), "diagonal"),
        (lambda m, k: np.sort(off(m))[:k].sum() / sum(off(m)), "emptiest"),
        (lambda m, k: off(m)[:k].sum() / sum(off(m)), "first cells"),
        (lambda m, k: off(m)[-k:].sum() / sum(off(m)), "last cells"),
        (lambda m, k: k / len(off(m)), "share of the cells"),
        (lambda m, k: k / 90, "cells among 90"),
        (lambda m, k: off(m).max() / sum(off(m)), "fullest cell alone"),
        (lambda m, k: np.sort(off(m))[-k] / sum(off(m)), "one cell alone"),
        (lambda m, k: fullest(m, k + 1), "too many"),
        (lambda m, k: np.unique(off(m))[-k:].sum() / sum(off(m)), "with equal counts"),
        (lambda m, k: fullest(m, k - 1), "too few"),
        (lambda m, k: largest((m - np.diag(np.diag(m))).sum(axis=1), k) / sum(off(m)), "rows"),
        (lambda m, k: fullest(m, k) / k, "mean of the cells"),
        (lambda m, k: largest(off(m), k) / m.trace(), "right answers"),
        (lambda m, k: 1 - fullest(m, k), "other cells"),
        (lambda m, k: 100 * fullest(m, k), "per cent"),
        (lambda m, k: np.sort(off(m))[-5:].sum() / sum(off(m)), "k largest"),
        (lambda m, k: None, "return missing"), (lambda m: 1, "(matrix, k)"),
        (raises, "ZeroDivisionError"), (0.33, "without calling it"),
    ],
    ex.check_coin: [
        (lambda w, k: stats.binom.cdf(min(w, k), w + k, 0.5), "one end only"),
        (lambda w, k: stats.binom.pmf(w, w + k, 0.5), "exactly this split"),
        (lambda w, k: 2 * stats.binom.pmf(w, w + k, 0.5), "at both ends"),
        (lambda w, k: 2 * stats.binom.cdf(min(w, k) - 1, w + k, 0.5), "left out"),
        (lambda w, k: 1 - coin(w, k), "one minus"),
        (lambda w, k: stats.chi2.sf(max(abs(w - k) - 1, 0) ** 2 / (w + k), 1), "correction"),
        (lambda w, k: stats.chi2.sf(max(abs(w - k) - 0.5, 0) ** 2 / (w + k), 1), "correction"),
        (lambda w, k: (abs(w - k) - 1) ** 2 / (w + k), "test, corrected"),
        (lambda w, k: 2 * stats.norm.sf(abs(w - k) / math.sqrt(w + k)), "normal approximation."),
        (lambda w, k: 2 * stats.norm.sf((abs(w - k) - 1) / math.sqrt(w + k)), "corrected"),
        (lambda w, k: 2 * stats.binom.cdf(min(w, k), w + k, 0.5), "exceed 1"),
        (lambda w, k: min(w, k) / (w + k), "share of the smaller"),
        (lambda w, k: stats.binom.cdf(w, w + k, 0.5), "always from 0 to won"),
        (lambda w, k: 2 * stats.binom.cdf(w, w + k, 0.5), "even where won is the larger"),
        (lambda w, k: min(1, 2 * stats.binom.cdf(w, w + k, 0.5)), "to won, which is the larger"),
        (lambda w, k: min(1, 2 * stats.binom.cdf(k, w + k, 0.5)), "to lost, which is the larger"),
        (lambda w, k: min(1, 2 * stats.binom.cdf(max(w, k), w + k, 0.5)), "larger of the two"),
        (lambda w, k: 2 * (stats.binom.cdf(min(w, k), w + k, 0.5) - 0.5 ** (w + k)), "left out"),
        (lambda w, k: min(1, 2 * (stats.binom.cdf(min(w, k), w + k, 0.5) - 0.5 ** (w + k))),
         "0 on one side counts"),
        (lambda w, k: 2 * stats.binom.cdf(min(w, k), w + k, 0.5)
         - stats.binom.pmf(w, w + k, 0.5), "only once"),
        (lambda w, k: stats.chi2.sf((w - k) ** 2 / (w + k), 1), "normal approximation."),
        (lambda w, k: stats.chi2.sf((abs(w - k) - 1) ** 2 / (w + k), 1), "corrected"),
        (lambda w, k: (w - k) ** 2 / (w + k), "statistic"),
        (lambda w, k: abs(w - k) / (w + k), "difference as a share"),
        (lambda w, k: 2 ** (w + k) * 2 * stats.binom.cdf(min(w, k), w + k, 0.5),
         "number of sequences"),
        (lambda w, k: coin(w, k) < 0.05, "as uneven or more"),
        (lambda w, k: coin(w, k) if w + k else 0.0, "Without a toss"),
        (lambda w, k: 0.5 ** (w + k), "one sequence"), (lambda w, k: None, "return missing"),
        (lambda w: 1, "(won, lost)"), (raises, "ZeroDivisionError"), (0.07, "without calling it"),
    ],
    ex.check_ece: [
        (lambda p, y: np.abs(held(p, y)[2] - held(p, y)[1]).mean(), "All bins count alike"),
        (lambda p, y: np.abs(held(p, y)[2] - held(p, y)[1]).sum() / 10, "Empty bins"),
        (lambda p, y: ece(p, y) * len(y), "sum over the images"),
        (lambda p, y: (p.argmax(1) == y).mean() - p.max(1).mean(), "gaps cancel"),
        (lambda p, y: p.max(1).mean() - (p.argmax(1) == y).mean(), "gaps cancel"),
        (lambda p, y: abs((p.argmax(1) == y).mean() - p.max(1).mean()), "one bin"),
        (lambda p, y: np.abs((p.argmax(1) == y) - p.max(1)).mean(), "bin of its own"),
        (equal_counts, "0.1 to 0.2"),
        (lambda p, y: np.abs(held(p, y)[2] - held(p, y)[1]).max(), "largest distance"),
        (lambda p, y: binned(p, y, lambda c: np.minimum(5 * c, 4).astype(int)), "five bins"),
        (lambda p, y: binned(p, y, lambda c: np.minimum(20 * c, 19).astype(int)), "twenty bins"),
        (lambda p, y: binned(p, y, lambda c: np.rint(10 * c)), "rounded"),
        (lambda p, y: binned(p, y, lambda c: np.floor(10 * c)), "bin of its own"),
        (lambda p, y: binned(p, y, lambda c: np.floor(10 * c), last=9), "is left out"),
        (lambda p, y: binned(p, y, np.zeros_like), "one bin"),
        (lambda p, y: 100 * ece(p, y), "per cent"),
        (lambda p, y: held(p, y)[0] @ (held(p, y)[2] - held(p, y)[1]) ** 2 / len(y), "squared"),
        (lambda p, y: -ece(p, y), "sign"), (lambda p, y: held(p, y)[0], "expected ()"),
        (lambda p, y: None, "return missing"), (lambda p: 1, "(p, y)"),
        (raises, "ZeroDivisionError"),
    ],
    ex.check_temperature_slope: [
        (lambda z, y: -temperature_slope(z, y), "sign is wrong"),
        (lambda z, y: ((one_hot(y) - softmax(z)) * z).sum(axis=1), "one number per example"),
        (lambda z, y: len(z) * temperature_slope(z, y), "the sum"),
        (lambda z, y: ((one_hot(y) - softmax(z)) * z).mean(), "divides by the classes"),
        (lambda z, y: (softmax(z) * z).sum(axis=1).mean(), "target's term"),
        (lambda z, y: -z[np.arange(len(y)), y].mean(), "term with p"),
        (lambda z, y: (softmax(z) - one_hot(y)).sum(axis=1).mean(), "multiplied by its -z"),
        (lambda z, y: log_softmax(z), "expected ()"), (raises, "ZeroDivisionError"),
        (lambda z, y: None, "return missing"), (lambda z: 1, "(z, y)"),
        (lambda z, y: 2 * temperature_slope(z, y), "twice"),
        (lambda z, y: (one_hot(y) - softmax(z)) * z, "terms of the sum"),
        (lambda z, y: ((one_hot(y) - softmax(z.T).T) * z).sum(axis=1).mean(), "each row of p"),
        (lambda z, y: (forward(z / 1.001, y) - forward(z, y)) / 0.001, "difference quotient"),
        (forward, "loss itself"),
        (lambda z, y: ((one_hot(y) - z) * z).sum(axis=1).mean(), "softmax of z"),
        (lambda z, y: ((one_hot(y) - softmax(z)) * one_hot(y) * z).sum(axis=1).mean(),
         "right class alone"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_count_is_the_least():
    assert 0.99**299 <= 0.05 < 0.99**298
