"""The checkers of "Dropout and weight decay": right answers in several forms, and wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import dropout_and_decay as ex

FORWARD, BACKWARD = [0, -4 / 3, 16 / 3, 4], [0, 8 / 3, -4 / 3, 4]


def backward(da, kept, p):
    return np.where(kept, da, 0) / (1 - p)


def penalty(W, x, p):
    return p / (1 - p) / 2 * np.sum(W**2 * (x**2).mean(axis=0)[:, None])


def adamw(theta, m, s, eta, lam, decays):
    return theta * (1 - eta * lam * decays) - eta * m / (np.sqrt(s) + 1e-8)


def stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss < losses[best] else best
        if epoch - best == patience:
            break
    return epoch, best


def stop_at_ties(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        best = epoch if loss <= losses[best] else best
        if epoch - best == patience:
            break
    return epoch, best


def averaged(w, x, p, function=np.tanh, scale=None, chance=None):
    scale, total = 1 / (1 - p) if scale is None else scale(p), 0
    for kept in product((False, True), repeat=len(w)):
        weight = np.prod([1 - p if k else p for k in kept]) if chance is None else chance(kept, p)
        total += weight * function(np.dot(w * kept, x) * scale)
    return total


RIGHT = {
    ex.check_mask: [
        (FORWARD, BACKWARD), ([0, -1.333, 5.333, 4], (0, 2.667, -1.333, 4)),
        (np.array(FORWARD), [0, sp.Rational(8, 3), Fraction(-4, 3), 4]),
    ],
    ex.check_pull: [(0.08, 0.0132, 0.04), (Fraction(2, 25), 0.04 / math.sqrt(9.16), 0.04)],
    ex.check_backward: [(backward,), (lambda d, k, p: d * (k / (1 - p)),)],
    ex.check_penalty: [
        (penalty,),
        (lambda W, x, p: np.mean(np.sum((x**2) @ (W**2), axis=1)) * p / (2 * (1 - p)),),
    ],
    ex.check_adamw: [
        (adamw,),
        (lambda t, m, s, e, lam, d: t - e * (m / (s**0.5 + 1e-8) + np.where(d, lam * t, 0)),),
    ],
    ex.check_stopping: [
        (stop,), (lambda losses, n: np.array(stop(losses, n)),), (lambda a, n: list(stop(a, n)),),
    ],
    ex.check_averaged: [(averaged,), (lambda w, x, p: np.float64(averaged(w, x, p)),)],
}  # fmt: skip


def always(value):
    return lambda *_: value


def compared_with_the_last(losses, patience):
    waited, best = 0, 0
    for epoch in range(1, len(losses)):
        waited = waited + 1 if losses[epoch] >= losses[epoch - 1] else 0
        best = epoch if losses[epoch] < losses[best] else best
        if waited == patience:
            return epoch, best
    return len(losses) - 1, best


def never_reset(losses, patience):
    waited, best = 0, 0
    for epoch in range(1, len(losses)):
        better = losses[epoch] < losses[best]
        best, waited = (epoch, waited) if better else (best, waited + 1)
        if waited == patience:
            return epoch, best
    return len(losses) - 1, best


WRONG = {
    ex.check_mask: [
        (([0, -1, 4, 3], BACKWARD), "the scale is not"),
        (([0, -0.75, 3, 2.25], BACKWARD), "multiplied by 1 - p"),
        (([0, -4, 16, 12], BACKWARD), "divided by p"),
        (([0, -4 / 3, 0, 4], BACKWARD), "too many"), (([0, -1, 0, 3], BACKWARD), "too many"),
        (([8 / 3, 0, 0, 0], BACKWARD), "kept what is dropped"),
        (([8 / 3, -4 / 3, 16 / 3, 4], BACKWARD), "Nothing is dropped"),
        (([2, -1, 4, 3], BACKWARD), "came in"), ((BACKWARD, FORWARD), "other direction"),
        ((FORWARD, [0, 2, -1, 3]), "the scale is not"), ((FORWARD, [1, 2, -1, 3]), "came in"),
        ((FORWARD, [0, 32 / 9, -16 / 9, 16 / 3]), "twice"), ((FORWARD, None), "None"),
        ((FORWARD, [0, 1, 2]), "shape"), ((FORWARD,), "2 answers"),
    ],
    ex.check_pull: [
        ((0.04, 0.0132, 0.04), "decoupled"), ((0.133, 0.0132, 0.04), "under the root"),
        ((0.16, 0.0132, 0.04), "root is missing"), ((0.0571, 0.0132, 0.04), "added"),
        ((0.8, 0.0132, 0.04), "rate"), ((0.1, 0.0132, 0.04), "no gradient"),
        ((0.0555, 0.0132, 0.04), "multiplied by θ"), ((0.0132, 0.08, 0.04), "second weight"),
        ((-0.08, -0.0132, -0.04), "sign"), ((1.92, 1.987, 1.96), "where the weight ends"),
        ((0.08, 0.08, 0.04), "first weight"), ((0.08, 0.008, 0.04), "tenth"),
        ((0.08, 0.013, 0.04), "significant"),
        ((0.08, 0.0133, 0.04), "under the root"), ((0.08, 0.04, 0.04), "decoupled"),
        ((0.08, 0.0118, 0.04), "added"), ((0.08, 0.00437, 0.04), "root is missing"),
        ((0.08, 0.0132, 0.02), "distance from 1"), ((0.08, 0.0132, 1.96), "where the weight ends"),
        ((0.08, 0.0132, 0.98), "the factor"), ((0.08, 0.0132, 0.4), "rate"),
        ((0.08, 0.0132, None), "None"),
    ],
    ex.check_backward: [
        ((lambda d, k, p: d * k,), "scale is missing"),
        ((lambda d, k, p: d * k * (1 - p),), "multiplied by 1 - p"),
        ((lambda d, k, p: d * k / (p or 1),), "divided by p"),
        ((lambda d, k, p: d * k / (1 - p) ** 2,), "twice"),
        ((lambda d, k, p: d * ~k / (1 - p),), "dropped"), ((lambda d, k, p: d * ~k,), "dropped"),
        ((lambda d, k, p: d / (1 - p),), "dropped entries too"), ((lambda d, k, p: d,), "in use"),
        ((lambda d, k, p: np.where(k, d / (1 - p), d),), "dropped entries too"),
        ((lambda d, k, p: None,), "None"), ((lambda d, k: d,), "3 arguments"), ((5,), "int"),
    ],
    ex.check_penalty: [
        ((lambda W, x, p: 2 * penalty(W, x, p),), "twice"),
        ((lambda W, x, p: (1 - p) * penalty(W, x, p),), "not p."),
        ((lambda W, x, p: (1 - p) ** 2 * penalty(W, x, p),), "not scaled"),
        ((lambda W, x, p: penalty(W, x, p) / (1 - p),), "p/(1 - p)²"),
        ((lambda W, x, p: penalty(W, x, 1 - p) if p else np.inf,), "upside down"),
        ((lambda W, x, p: penalty(W, x.mean(axis=0, keepdims=True), p),), "mean was squared"),
        ((lambda W, x, p: len(x) * penalty(W, x, p),), "added"),
        ((lambda W, x, p: penalty(W, x, p) / W.shape[1],), "mean over the outputs"),
        ((lambda W, x, p: p / (1 - p) * (W**2).sum() / 2,), "plain weight decay"),
        ((lambda W, x, p: penalty(np.abs(W) ** 0.5, x, p),), "not squared"),
        ((lambda W, x, p: penalty(W, x - x.mean(axis=0), p),), "variance of x"),
        ((lambda W, x, p: p / (1 - p) / 2 * ((x @ W) ** 2).sum(axis=1).mean(),), "were squared"),
        ((always(None),), "None"), ((lambda W, x: 0,), "3 arguments"),
    ],
    ex.check_adamw: [
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, 0, d),), "Nothing decays"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, lam, np.ones_like(d)),), "All parameters"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, lam, ~d),), "wrong parameters"),
        ((lambda t, m, s, e, lam, d: adamw(t, m + lam * t * d, s, e, 0, d),), "root divides"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, lam / e, d),), "lacks the rate"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, -lam, d),), "grow"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s, e, 0, d) * (1 - e * lam * d),), "shrunk"),
        ((lambda t, m, s, e, lam, d: adamw(t, -m, s, e, lam, d),), "uphill"),
        ((lambda t, m, s, e, lam, d: adamw(t, m, s**2, e, lam, d),), "root is missing"),
        ((lambda t, m, s, e, lam, d: adamw(t, m / e, s, e, lam, d),), "lacks the rate"),
        ((lambda t, m, s, e, lam, d: adamw(t, 0 * m, s, e, lam, d),), "own step is missing"),
        ((lambda t, m, s, e, lam, d: adamw(t, 0 * m, s, e, lam, d) - e * m / (s + 1e-8) ** 0.5,),
         "under the root"),
        ((always(None),), "None"), ((lambda t, m, s: t,), "6 arguments"),
    ],
    ex.check_stopping: [
        ((lambda a, n: stop(a, n)[::-1],), "other order"),
        ((lambda a, n: (stop(a, n)[0],) * 2,), "not the best"),
        ((lambda a, n: (stop(a, n)[0] + 1, stop(a, n)[1]),), "too many"),
        ((lambda a, n: (stop(a, n)[0] - 1, stop(a, n)[1]),), "too early"),
        ((lambda a, n: (stop(a, n)[0] + 1, stop(a, n)[1] + 1),), "from 0"),
        ((lambda a, n: (stop(a, n)[0], stop(a, n)[0] - n),), "before the end"),
        ((lambda a, n: (len(a) - 1, int(np.argmin(a))),), "future"),
        ((lambda a, n: (stop(a, n)[0], int(np.argmin(a))),), "future"),
        ((never_reset,), "begins again"),
        ((compared_with_the_last,), "one before"), ((stop_at_ties,), "equals the best"),
        ((lambda a, n: stop(a, n)[1],), "shape"),
        ((always(None),), "None"), ((lambda a: (0, 0),), "2 arguments"),
    ],
    ex.check_averaged: [
        ((lambda w, x, p: np.tanh(w @ x),), "unit in use"),
        ((lambda w, x, p: averaged(w, x, p, chance=lambda k, p: 0.5 ** len(k)),), "count alike"),
        ((lambda w, x, p: averaged(w, x, p, scale=lambda p: 1),), "lack their scale"),
        ((lambda w, x, p: averaged(w, x, p, scale=lambda p: 1 - p),), "multiplied by 1 - p"),
        ((lambda w, x, p: averaged(w, x, 1 - p, scale=lambda q: 1 / q),), "changed places"),
        ((lambda w, x, p: w @ x,), "mean of z"),
        ((lambda w, x, p: averaged(w, x, p, chance=lambda k, p: np.prod(
            [2 * (1 - p) if kept else 2 * p for kept in k])),), "add up to 1"),
        ((lambda w, x, p: np.tanh(w @ x * (1 - p)),), "nothing is dropped"),
        ((lambda w, x, p: np.tanh(w @ x / (1 - p)),), "nothing is dropped"),
        ((always(None),), "None"), ((lambda w, x: 0,), "3 arguments"), ((always("a"),), "a number"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers_in_any_form(check, answer):
    assert check(*answer), check(*answer).message


@each_wrong(WRONG)
def test_each_mistake_gets_its_own_hint(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in f"{first} {second}"


@pytest.mark.parametrize("check", WRONG)
def test_ten_wrong_answers_each(check):
    assert len(WRONG[check]) >= 10
