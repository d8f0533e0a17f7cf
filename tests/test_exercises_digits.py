"""The checkers of "Handwritten digits": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop import Dense, SoftmaxCrossEntropy
from backprop.book.exercises import digits as ex


def update(x, delta, learning_rate):
    layer = Dense(x.shape[1], delta.shape[1], rng=np.random.default_rng(0))
    layer.forward(x)
    layer.backward(delta)
    return -learning_rate * layer.gradients["W"]


def output_error(p, labels):
    loss = SoftmaxCrossEntropy()
    loss.forward(np.log(p), labels)
    return loss.backward()


def moved(x, dx, eps):
    return np.minimum(1, np.maximum(0, x + eps * np.sign(dx)))


def onehot(p, labels):
    return np.eye(p.shape[1])[labels]


def raises(*_):
    raise ZeroDivisionError("by nought")


def changes(x, dx, eps):
    x += eps * np.sign(dx)
    return np.clip(x, 0, 1)


def whole_columns(p, labels):
    q = p.copy()
    q[:, labels] -= 1
    return q / len(p)


RIGHT = {
    ex.check_weight: [(0.03, 0.04), (Fraction(3, 100), sp.Rational(1, 25)), (0.0300, 0.04)],
    ex.check_still: [(79_510, 6_700), (79_510.0, np.int64(6_700))],
    ex.check_update: [(update,), (lambda x, d, lr: -lr * np.einsum("ni,nj->ij", x, d),)],
    ex.check_output_error: [(output_error,), (lambda p, y: (p - onehot(p, y)) / len(y),)],
    ex.check_factor: [(4,), (4.0,), (sp.Integer(4),), (1 / 0.25,)],
    ex.check_bytes: [(255**2,), (65_025.0,), (sp.Integer(255) ** 2,)],
    ex.check_moved: [(moved,), (lambda x, dx, eps: np.clip(x + eps * np.sign(dx), 0, 1),)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_weight: [
        ((-0.02, 0.14), "takes the image for a 0"), ((-0.03, 0.16), "p - y, not y - p"),
        ((0.03, 0.16), "uphill"), ((0.03, 0.07), "learning rate"), ((0.03, -0.06), "change of w"),
        ((0.06, -0.02), "ink is missing"), ((0.12, -0.14), "slope of the sigmoid is missing"),
        ((0.06, 0.04), "The ink is missing"), ((0.0225, 0.055), "output 0 only"),
        ((0.0075, 0.085), "output 1 only"), ((0.015, 0.07), "half of the derivative"),
        ((-0.03, 0.04), "The second is right. The sign"),
        ((0.0175, 0.065), "Subtract the target"), ((0.04, 0.03), "changed places"),
        ((None, 0.04), "expected numbers"), ((0, 0), "a product, summed"),
        ((0.24, -0.38), "Two factors are missing"), ((0.24, 0.04), "lacks two factors"),
        ((0.03, 0.0), "From w, subtract"), ((0.03, 0.1), "From w, subtract"),
    ],
    ex.check_still: [
        ((79_400, 6_700), "biases are missing"), ((78_702, 6_700), "784-100-2"),
        ((78_400, 6_700), "first layer"), ((79_510, 67), "pixels, not weights"),
        ((79_510, 67_000), "hidden units only"), ((79_510, 670), "too small"),
        ((79_510, 6_767), "no bias"), ((79_510, 6_800), "multiplies 1"),
        ((79_510, 72_810), "do move"), ((79_510, 0), "Some weights never move"),
        ((6_700, 79_510), "changed places"), ((1, 2), "sends a weight"),
        (("a", 2), "expected numbers"), ((79_410, 6_700), "biases of a layer"),
        ((79_500, 6_700), "biases of a layer"), ((79_510, 7_370), "hidden units only"),
        ((101_770, 6_700), "The second is right"),
        ((79_510, 71_700), "weights that do move"), ((79_510, 717), "sends a weight"),
    ],
    ex.check_update: [
        ((lambda x, d, lr: -update(x, d, lr),), "climbs"), ((lambda x, d, lr: x.T @ d,), "Times"),
        ((lambda x, d, lr: -(x.T @ d),), "rate is missing"),
        ((lambda x, d, lr: update(x, d, lr).T,), "transpose"),
        ((lambda x, d, lr: update(x, d, lr) / len(x),), "mean is taken twice"),
        ((lambda x, d, lr: update(x, d, lr) * len(x),), "undone"),
        ((lambda x, d, lr: -lr * np.outer(x[0], d[0]),), "first image alone"),
        ((lambda x, d, lr: -lr * np.outer(x.mean(0), d.mean(0)),), "averaged before"),
        ((lambda x, d, lr: -lr * np.outer(x.sum(0), d.sum(0)),), "added up before"),
        ((lambda x, d, lr: None,), "return missing"), ((lambda x: x,), "(x, delta, learning_rate)"),
        ((raises,), "ZeroDivisionError"), ((3,), "without calling it"),
        ((lambda x, d, lr: x @ d,), "ValueError"),
        ((lambda x, d, lr: x.T @ d / len(x),), "off by the same factor"),
    ],
    ex.check_output_error: [
        ((lambda p, y: p - onehot(p, y),), "Divide by B"),
        ((lambda p, y: -output_error(p, y),), "sign is wrong"),
        ((lambda p, y: (p - onehot(p, y)) / p.size,), "by the classes"),
        ((lambda p, y: (p - onehot(p, y)) / p.shape[1],), "number of classes"),
        ((lambda p, y: p / len(p),), "target is missing"),
        ((lambda p, y: (p - onehot(p, y)).mean(axis=0),), "rows are mixed"),
        ((lambda p, y: output_error(p, y) * p * (1 - p),), "a slope too many"),
        ((lambda p, y: -onehot(p, y) / p / len(p),), "∂L/∂p"),
        ((whole_columns,), "whole columns"),
        ((lambda p, y: (p - y[:, None]) / len(p),), "Subtract 1 at the label"),
        ((lambda p, y: p - y,), "raised ValueError"), ((lambda p, y: None,), "return missing"),
        ((lambda p: p,), "(p, labels)"), ((raises,), "ZeroDivisionError"),
    ],
    ex.check_factor: [
        ((1,), "tanh'(0)"), ((2,), "stretched"), ((0.25,), "other way round"), ((16,), "One slope"),
        ((0,), "slope counts"), ((0.5,), "larger, not smaller"), ((8,), "Too much"),
        ((3,), "quotient"), ((0.75,), "difference"), ((-4,), "sign"),
        (("four",), "expected a number"),
        ((5,), "activation function differs"),
    ],
    ex.check_bytes: [
        ((255,), "counts twice"), ((1 / 255,), "larger rate"), ((1 / 65_025,), "other way round"),
        ((1,), "far from equal"), ((510,), "adds the two"), ((254,), "How many times"),
        ((256,), "256 values"), ((65_536,), "256 values"), ((255**3,), "three times"),
        ((-65_025,), "positive"), ((7,), "depend on the ink"), (("many",), "expected a number"),
    ],
    ex.check_moved: [
        ((lambda x, d, e: x + e * np.sign(d),), "Clip"),
        ((lambda x, d, e: moved(x, -d, e),), "lowers the loss"),
        ((lambda x, d, e: np.clip(x + e * d, 0, 1),), "signs are meant"),
        ((lambda x, d, e: np.clip(x + e * d / np.linalg.norm(d), 0, 1),), "not its direction"),
        ((lambda x, d, e: np.clip(x + np.sign(d), 0, 1),), "eps makes no difference"),
        ((lambda x, d, e: np.clip(e * np.sign(d), 0, 1),), "image itself"),
        ((lambda x, d, e: np.clip(x + e, 0, 1),), "gets darker"),
        ((lambda x, d, e: np.clip(x + e * np.where(d < 0, -1, 1), 0, 1),), "np.sign(0)"),
        ((lambda x, d, e: np.clip(x + e * np.where(d > 0, 1, -1), 0, 1),), "np.sign(0)"),
        ((lambda x, d, e: np.clip(x + e * (d > 0), 0, 1),), "lighter"),
        ((lambda x, d, e: np.clip(x + e * d / np.abs(d).max(), 0, 1),), "sizes of dx"),
        ((lambda x, d, e: np.clip(x + e * np.sign(d), 0, 255),), "above 1"),
        ((lambda x, d, e: np.minimum(x + e * np.sign(d), 1),), "below 0"),
        ((lambda x, d, e: np.maximum(x + e * np.sign(d), 0),), "above 1"),
        ((lambda x, d, e: np.clip(x + 0.1 * np.sign(d), 0, 1),), "whatever eps is"),
        ((lambda x, d, e: x + e * d,), "sign of dx counts"),
        ((changes,), "changed its argument"), ((lambda x, d, e: None,), "return missing"),
        ((lambda x, d: x,), "(x, dx, eps)"), ((raises,), "ZeroDivisionError"),
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
