"""The checkers of the ten bugs: right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.activations import log_softmax, softmax
from backprop.autodiff import gradcheck
from backprop.book.exercises import ten_bugs as ex


def raises(*_):
    raise ZeroDivisionError("by nought")


def shuffled(rng, x, y):
    order = rng.permutation(len(x))
    return x[order], y[order]


def by_sorting(rng, x, y):
    keys = rng.random(len(y))
    return [x[np.argsort(keys)], y[np.argsort(keys)]]


def apart(rng, x, y):
    return x[rng.permutation(len(x))], y[rng.permutation(len(y))]


def in_place(rng, x, y):
    rng.shuffle(x)
    return x, y


def with_repeats(rng, x, y):
    order = rng.integers(len(x), size=len(x))
    return x[order], y[order]


def rolled(rng, x, y):
    order = np.roll(np.arange(len(y)), rng.integers(1, len(y)))
    return x[order], y[order]


def columns(rng, x, y):
    return rng.permuted(x, axis=0), y


def from_elsewhere(rng, x, y):
    return shuffled(np.random.default_rng(), x, y)


def row_test(softmax):
    return np.allclose(softmax(np.random.default_rng(0).normal(size=(4, 6))).sum(axis=1), 1)


def row_test_plain(softmax):
    p = softmax(np.array([[1.0, 2.0, 0.5], [0.0, -1.0, 3.0]]))
    return all(abs(row.sum() - 1) < 1e-9 for row in p)


Z = np.random.default_rng(1).normal(size=(4, 6))


def detector(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        old = w.copy()
        expected = gradient(old)
        w = step(w.copy())
        largest = max(largest, np.abs((old - w) / rate - expected).max())
    return largest


def detector_without_copies(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        after = step(w)
        largest = max(largest, np.abs((w - after) / rate - gradient(w)).max())
        w = after
    return largest


def detector_late_gradient(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        old = w.copy()
        after = step(w)
        largest = max(largest, np.abs((old - after) / rate - gradient(w)).max())
        w = after
    return largest


def detector_listed(step, gradient, w, rate):
    first = step(w.copy())
    second = step(first.copy())
    used = [(w - first) / rate, (first - second) / rate]
    right = [gradient(w), gradient(first)]
    return float(max(abs(a - b).max() for a, b in zip(used, right, strict=True)))


def one_step(step, gradient, w, rate):
    return np.abs((w - step(w)) / rate - gradient(w)).max()


def last_step(step, gradient, w, rate):
    return one_step(step, gradient, step(w), rate)


def after_the_step(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        after = step(w)
        largest = max(largest, np.abs((w - after) / rate - gradient(after)).max())
        w = after
    return largest


def undivided(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        after = step(w)
        largest = max(largest, np.abs(w - after - rate * gradient(w)).max())
        w = after
    return largest


def summed(step, gradient, w, rate):
    after = step(w)
    return one_step(lambda _: after, gradient, w, rate) + one_step(step, gradient, after, rate)


def with_difference(difference):
    def found(step, gradient, w, rate):
        first = step(w)
        pairs = [(w, first), (first, step(first))]
        return max(np.abs(difference(a, b, gradient, rate)).max() for a, b in pairs)

    return found


relative = with_difference(lambda a, b, g, rate: (a - b) / rate / g(a) - 1)
stepless = with_difference(lambda a, b, g, rate: a - b - g(a))
uphill = with_difference(lambda a, b, g, rate: (b - a) / rate - g(a))
times_rate = with_difference(lambda a, b, g, rate: (a - b) * rate - g(a))


def from_the_start(step, gradient, w, rate):
    return np.abs((w - step(step(w))) / rate - 2 * gradient(w)).max()


def signed(step, gradient, w, rate):
    return ((w - step(w)) / rate - gradient(w)).max()


def first_entry(step, gradient, w, rate):
    return detector(step, lambda v: gradient(v) * [1, 0], w, rate) * 0 + abs(
        ((w - step(w)) / rate - gradient(w))[0]
    )


def norm(step, gradient, w, rate):
    largest = 0.0
    for _ in range(2):
        after = step(w)
        largest = max(largest, np.linalg.norm((w - after) / rate - gradient(w)))
        w = after
    return largest


def in_place_detector(step, gradient, w, rate):
    found = detector(step, gradient, w.copy(), rate)
    w += 1
    return found


def slope(w):
    return 2 * (w - 1)


def down(w, g, rate):
    return w - rate * g


def bias_gradient(z, y):
    # By the complex step, so that the checker's formula is not compared with itself.
    rows = np.arange(len(y))
    return gradcheck.complex_step(lambda b: -log_softmax(z + b)[rows, y].mean(), np.zeros(3))


def delta(z, y):
    return softmax(z) - np.eye(3)[y]


RIGHT = {
    ex.check_used: [(5, 6), ((4 - 3) / 0.2, 6.0), (Fraction(5), sp.Integer(6))],
    ex.check_missed: [([5, 6, 7, 10],), ({10, 7, 6, 5},), (np.array([7, 5, 10, 6]),)],
    ex.check_shuffled: [(shuffled,), (by_sorting,)],
    ex.check_row_test: [(row_test,), (row_test_plain,)],
    ex.check_detector: [(detector,), (detector_listed,)],
    ex.check_two_wrongs: [
        (lambda w: 2 * (1 - w), lambda w, g, rate: w + rate * g),
        (lambda w: w - 1, lambda w, g, rate: w - 2 * rate * g),
        (lambda w: 2 * w, lambda w, g, rate: w - rate * (g - 2)),
    ],
    ex.check_bias_gradient: [(bias_gradient,), (lambda z, y: delta(z, y).mean(axis=0),)],
}
WRONG_ANSWERS = {
    ex.check_used: [
        ((6, 5), "order is wrong"), ((-5, 6), "sign of the first"), ((1, 6), "the step itself"),
        ((0.2, 6), "multiplied by the rate"), ((5, 4), "taken from w = 4"),
        ((5, 3), "lacks a factor"), ((5, 8), "derivative of w²"), ((5, 9), "the loss itself"),
        ((5, -6), "sign of the second"), ((5, 5), "Differentiate L"),
        ((6, 6), "first repeats it"), ((-5, -6), "Both signs"), ((5, 7), "only the formula"),
        ((2, 7), "only the formula"), ((None, 4), "expected numbers"),
        (("5", 6), "expected numbers"),
        ((10, 12), "same factor"),
        ((15, 6), "difference of the two weights"), ((20, 6), "difference of the two weights"),
        ((5, 12), "a factor too many"),
    ],
    ex.check_missed: [
        (([10],), "either"), (([7, 10],), "sum over the row"), (([5, 6, 7],), "belong together"),
        (([],), "either"), (([5, 7, 10],), "batch size of 1"), (([5, 6, 10],), "left from before"),
        (([1, 5, 6, 7, 10],), "Bug 1 does show"), (([4],), "4-5-5-3"), (([8, 9],), "Dropout is on"),
        (([2, 10],), "wrong slope"), (([3],), "negative"), (([0, 5],), "from 1 to 10"),
        (([11],), "from 1 to 10"), ((7,), "in a list"), (("5, 6",), "in a list"),
        ((["5", "6"],), "in a list"), ((None,), "in a list"), (([5.5],), "from 1 to 10"),
    ],
    ex.check_shuffled: [
        ((apart,), "stay together"),
        ((from_elsewhere,), "from rng"),
        ((in_place,), "in place"), ((with_repeats,), "there twice"),
        ((columns,), "taken apart"), ((rolled,), "stay neighbours"),
        ((lambda rng, x, y: (x, y),), "Nothing moved"),
        ((lambda rng, x, y: (x[::-1], y[::-1]),), "same for each generator"),
        ((lambda rng, x, y: shuffled(np.random.default_rng(0), x, y),), "same for each"),
        ((lambda rng, x, y: shuffled(rng, x, y)[0],), "Return two arrays"),
        ((lambda rng, x, y: None,), "return missing"),
        ((lambda rng, x, y: (shuffled(rng, x, y)[0][:5], y),), "another shape"),
        ((lambda rng, x, y: raises(),), "ZeroDivisionError"), ((lambda x, y: x,), "of these arg"),
        ((shuffled(np.random.default_rng(0), np.eye(3), np.arange(3)),), "without calling it"),
    ],
    ex.check_row_test: [
        ((lambda f: bool((f(Z).sum(axis=1) == 1).all()),), "np.allclose"),
        ((lambda f: np.allclose(f(Z[:1]).sum(axis=1), 1),), "several rows"),
        ((lambda f: np.allclose(f(Z).sum(axis=0), 1),), "along axis 1"),
        ((lambda f: bool(f(Z).sum() == 1),), "along axis 1"),
        ((lambda f: np.allclose(f(Z).sum(axis=1)[0], 1),), "All rows"),
        ((lambda f: np.allclose(f(Z).sum(axis=1).mean(), 1),), "total or mean"),
        ((lambda f: True,), "whole batch"), ((lambda f: False,), "does not pass it"),
        ((lambda f: f(Z).sum(axis=1),), "True or False"), ((lambda f: 1,), "True or False"),
        ((lambda f: None,), "return missing"), ((lambda: True,), "of these arguments"),
        ((lambda f: raises(),), "ZeroDivisionError"), ((True,), "without calling it"),
        ((lambda f: bool((f(Z) <= 1).all()),), "whole batch"),
    ],
    ex.check_detector: [
        ((one_step,), "Only the first step"), ((last_step,), "second step counts"),
        ((after_the_step,), "BEFORE that step"), ((undivided,), "compares steps"),
        ((summed,), "not the largest"), ((signed,), "overlooks"), ((relative,), "by the gradient"),
        ((stepless,), "not yet divided"), ((uphill,), "before minus after"),
        ((times_rate,), "Divide by the rate"), ((from_the_start,), "BEFORE that step"),
        ((detector_without_copies,), "copy w and take the gradient"),
        ((detector_late_gradient,), "copy w and take the gradient"),
        ((lambda *a: bool(detector(*a) < 1e-9),), "not a verdict"),
        ((first_entry,), "not the largest"),
        ((norm,), "not the largest"), ((in_place_detector,), "in place"),
        ((lambda step, gradient, w, rate: 0.0,), "overlooks a program that takes half a step"),
        ((lambda step, gradient, w, rate: None,), "return missing"),
        ((lambda step, gradient, w, rate: w,), "one number"),
        ((lambda step, gradient, w, rate: raises(),), "ZeroDivisionError"),
        ((lambda step, w: 0,), "of these arguments"), ((0.0,), "without calling it"),
    ],
    ex.check_two_wrongs: [
        ((slope, down), "Neither"), ((lambda w: -slope(w), down), "does not undo"),
        ((slope, lambda w, g, rate: w + rate * g), "update is wrong"),
        ((lambda w: w - 1, down), "gradient is wrong"),
        ((lambda w: -slope(w), lambda w, g, rate: w - 2 * rate * g), "a sign in both"),
        ((lambda w: slope(w) + 1, lambda w, g, rate: w + rate * g), "a sign in both"),
        ((lambda w: -slope(w), lambda w, g, rate: w - rate * slope(w)), "does not use"),
        ((slope, lambda w, g, rate: w - rate * slope(w)), "does not use"),
        ((lambda w: 0.1 * slope(w), lambda w, g, rate: w - g), "do not cancel"),
        ((lambda w: -slope(w), lambda w, g, rate: rate * g), "returns the step"),
        ((slope, lambda w, g, rate: rate * g), "returns the step"),
        ((lambda w: None, down), "TypeError"), ((slope, lambda w, g, rate: None), "return miss"),
        ((lambda w: [slope(w)], lambda w, g, rate: [w]), "one number"),
        ((raises, down), "ZeroDivisionError"), ((slope, lambda w, g: w), "of these arguments"),
        ((slope(3), down), "without calling"), ((lambda: 2, down), "of these arguments"),
    ],
    ex.check_bias_gradient: [
        ((lambda z, y: delta(z, y).sum().round(12),), "summed as well"),
        ((lambda z, y: np.full(3, delta(z, y).sum()),), "summed as well"),
        ((lambda z, y: -bias_gradient(z, y),), "sign is turned"),
        ((lambda z, y: delta(z, y).sum(axis=0),), "batch is missing"),
        ((lambda z, y: bias_gradient(z, y) / 4,), "taken twice"),
        ((lambda z, y: delta(z, y) / 4,), "one row per example"),
        ((lambda z, y: delta(z, y),), "one row per example"),
        ((lambda z, y: delta(z, y).sum(axis=1),), "wrong axis"),
        ((lambda z, y: softmax(z).mean(axis=0),), "targets are missing"),
        ((lambda z, y: (z - np.eye(3)[y]).mean(axis=0),), "softmax is missing"),
        ((lambda z, y: (softmax(z.T).T - np.eye(3)[y]).mean(axis=0),), "wrong axis"),
        ((lambda z, y: (ex.softmax_over_batch(z) - np.eye(3)[y]).mean(axis=0),), "bug 5"),
        ((lambda z, y: z[0],), "not right"), ((lambda z, y: z,), "expected (3,)"),
        ((raises,), "ZeroDivisionError"), ((lambda z: z,), "of these arguments"),
        ((lambda z, y: None,), "return missing"),
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


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2
