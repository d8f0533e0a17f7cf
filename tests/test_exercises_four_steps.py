"""The checkers of "The four steps": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
import re
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.activations import sigmoid
from backprop.autodiff import gradcheck
from backprop.book.exercises import four_steps as ex

HAND = (-0.128, 0.06144, -0.0768, 0.12288)
OLD = np.array([0.5, math.log(1.5) - 1, -2.0, 1.2 - math.log(4)])
GRADIENT = np.array([HAND[3], HAND[1], HAND[2], HAND[0]])
LAST = [9, 8, 6, 4, 6, 8, 6]


def test_the_expected_values_are_derivatives():
    b1, b2 = math.log(1.5) - 1, 1.2 - math.log(4)

    def loss(t):
        w1, w2, c1, c2 = t
        a1 = 1 / (1 + np.exp(-(2 * w1 + b1 + c1)))
        return (1 / (1 + np.exp(-(a1 * w2 + b2 + c2))) - 1) ** 2 / 2

    dw1, dw2, db1, db2 = gradcheck.complex_step(loss, np.array([0.5, -2.0, 0.0, 0.0]))
    assert pytest.approx(HAND, rel=1e-12) == (db2, db1, dw2, dw1)


def changed(**other):
    return [other.get(name, line) for name, line in zip(ex.READ_LAST, LAST, strict=True)]


RIGHT = {
    ex.check_other_target: [(-1.5,), (Fraction(-3, 2),),
        (sp.Rational(-3, 2),), (np.float64(-1.5),)],
    ex.check_by_hand: [
        HAND, (list(HAND),), (-0.128, 0.0614, -0.0768, 0.123), tuple(map(np.float64, HAND)),
        (Fraction(-128, 1000), sp.Float("0.06144"), -0.0768, 0.1229),
    ],
    ex.check_last_use: [
        (LAST,), (tuple(LAST),), (np.array(LAST),), (dict(zip(ex.READ_LAST, LAST, strict=True)),),
    ],
    ex.check_updated: [
        OLD - GRADIENT, (list(OLD - GRADIENT),), (0.377, -0.656, -1.92, -0.0583),
        (sp.Float("0.37712"), -0.65597, Fraction(-19232, 10000), -0.058294),
    ],
    ex.check_twins: [(5,), (5.0,), (sp.Integer(5),)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_other_target: [
        ((1.5,), "size is right"), ((-2 / 3,), "divided by the new one"), ((-0.667,), "divided by"),
        ((2 / 3,), "a sign is lost"), ((-1,), "changes its size"), ((1,), "depend on the target"),
        ((2.25,), "the loss"), ((0.6,), "new residual"), ((-0.4,), "old residual"),
        ((0.144,), "new error"), ((0,), "still misses"), ((3,), "contain y"),
        ((None,), "is None"), (("-1.5",), "expected a number"),
    ],
    ex.check_by_hand: [
        (tuple(-h for h in HAND), "All signs"), ((-0.8, 0.384, -0.48, 0.768), "slope is missing"),
        ((-0.128, 0.256, -0.0768, 0.512), "hidden unit's slope"),
        ((-0.8, 1.6, -0.48, 3.2), "Both slopes"),
        ((-0.128, -0.03072, -0.0768, -0.06144), "Where is its weight"),
        ((-0.128, 0.04096, -0.0768, 0.08192), "Whose slope"),
        ((-0.128, 0.06144, -0.0256, 0.036864), "Both errors are right"),
        ((-0.128, 0.06144, -0.0768, 0.0369), "Three are right"),
        ((-0.128, 0.06144, 0.256, 0.03072), "no factor of its derivative"),
        ((-0.128, 0.06144, 0.12288, -0.0768), "last two are exchanged"),
        ((0.06144, -0.128, -0.0768, 0.12288), "two errors are exchanged"),
        ((0.06144, -0.128, 0.12288, -0.0768), "The order is"),
        ((-0.128, -0.128 * (-2 + 0.0768) * 0.24, -0.0768, -0.128 * (-2 + 0.0768) * 0.48),
         "updated one"),
        ((0, 0, 0, 0), "First z and a"), ((-0.128, 0.07, -0.0768, 0.14), "δ⁽²⁾ is right"),
        ((-0.128, 0.061, -0.077, 0.12), "too early"), ((-0.13, 0.06, -0.08, 0.12), "too early"),
        ((-0.128, 0.06144), "four numbers"), ((1,), "four numbers"),
        ((-0.128, None, 0, 0), "four numbers"),
        ((-0.128, 0.06144, -0.0768, 0.1), "What comes before it is right"),
        ((-0.256, 0.12288, -0.1536, 0.24576), "factor 1/2"),
        ((-0.128, 0.06144, -0.0256, 0.12288), "∂L/∂w⁽²⁾ is not."),
        ((-0.128, 0.06144, -0.128, 0.06144), "derivatives of the biases"),
        ((-0.128, 0.06144, -0.0768, 0.06144), "derivative of the bias"),
        ((-0.128, 0.06144, -0.128, 0.12288), "derivative of the bias"),
        ((-0.8, 0.06144, -0.0768, 0.12288), "residual alone"),
        ((0.16, -0.0768, 0.096, -0.1536), "slope alone"),
        ((0.128, 0.06144, -0.0768, 0.12288), "Its sign is turned"),
        ((-0.128, 0.256, -0.0768, 0.12288), "own slope is missing"),
        ((-0.128, -0.03072, -0.0768, 0.12288), "weight that the error comes back over"),
        ((-0.128, -0.01536, -0.0768, -0.03072), "behind the hidden unit"),
        ((-0.128, -0.06144, -0.0768, -0.12288), "count the negative factors"),
        ((-0.128, 0.0585688, -0.0768, 0.1171376), "as if a were z"),
        ((-0.1980133, 0.0906046, -0.118808, 0.1812093), "as if a were z"),
        ((-0.1980132, 0.06144, -0.0768, 0.12288), "as if a were z"),
        ((-0.192, 0.09216, -0.1152, 0.18432), "Whose slope"),
        ((-0.192, 0.06144, -0.0768, 0.12288), "Whose slope"),
    ],
    ex.check_last_use: [
        ((changed(a1=7),), "slope is made of it"), ((changed(a1=2),), "a later one does"),
        ((changed(a2=5),), "slope is made of it"), ((changed(W3=3),), "comes back over it"),
        ((changed(W3=10),), "before it"), ((changed(delta3=5),), "its own layer"),
        ((changed(delta2=7),), "its own layer"), ((changed(x=1),), "contains the input"),
        ((changed(x=10),), "does not read x"), ((changed(a3=5),), "does not read a3"),
        (([1, 2, 3, 4, 5, 7, 3],), "6 of 7 are off"), ((LAST[:6],), "seven line numbers"),
        ((9,), "seven line numbers"), ((None,), "seven line numbers"),
        ((list("9864686"),), "seven line numbers"),
    ],
    ex.check_twins: [
        ((9,), "equal"), ((1,), "not every parameter"), ((2,), "left out"), ((3,), "left out"),
        ((4,), "left out"), ((6,), "count apart"), ((7,), "count apart"), ((8,), "count apart"),
        ((0,), "At least"), ((10,), "nine products"), ((4.5,), "nine products"),
        ((None,), "is None"), (("5",), "expected a number"),
        ((-5,), "not negative"), ((-9,), "not negative"),
    ],
    ex.check_updated: [
        (OLD + GRADIENT, "wrong way"), (GRADIENT, "are the derivatives"), (-GRADIENT, "changes"),
        (OLD, "old parameters"), ((0.37712, OLD[1], -1.9232, OLD[3]), "biases learn"),
        ((0.381839, -0.653616, -1.9232, -0.058294), "too early"),
        ((0.37712, OLD[1] - 0.12288, -1.9232, OLD[3] + 0.0768), "weights are right"),
        ((0.5 - 0.06144, -0.65597, -2 + 0.128, -0.0583), "biases are right"),
        ((-1.9232, -0.0583, 0.377, -0.656), "layers are exchanged"),
        ((0.377, -1.92, -0.656, -0.0583), "The order is"),
        (OLD - GRADIENT / 2, "half as long"), (OLD - 2 * GRADIENT, "twice as long"),
        ((0.62288, -0.656, -1.9232, -0.0583), "w⁽¹⁾ is not right. It moves the wrong way"),
        ((0.37712, -0.656, -2.0768, -0.0583), "What comes before it is right"),
        ((1, 2), "four numbers"), ((None,), "four numbers"), ((3,), "four numbers"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_lines_are_those_of_the_program():
    program = """
        a1 = sigmoid(x @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        a3 = sigmoid(a2 @ W3 + b3)
        delta3 = (a3 - y) * a3 * (1 - a3)
        dW3, db3 = a2.T @ delta3, delta3
        delta2 = (delta3 @ W3.T) * a2 * (1 - a2)
        dW2, db2 = a1.T @ delta2, delta2
        delta1 = (delta2 @ W2.T) * a1 * (1 - a1)
        dW1, db1 = x.T @ delta1, delta1
    """.strip().splitlines()
    for name, lines in ex.READ.items():
        right = [line.partition("=")[2] for line in program]
        assert lines == tuple(
            k for k, line in enumerate(right, 1) if re.search(rf"\b{name}\b", line)
        )
        assert ex.READ_LAST[name] == lines[-1]


# Functions.


def slope(a):
    return a * (1 - a)


def hidden_error(y, a1, a2, W2):
    return ((a2 - y) @ W2.T) * a1 * (1 - a1)


def input_gradient(x, delta1, W1):
    return delta1 @ W1.T


def changing(y, a1, a2, W2):
    found = hidden_error(y, a1, a2, W2)
    a1 *= 0
    return found


def gradients(x, y, theta, wrong=""):
    a = [x]
    for W, b in theta:
        a.append(sigmoid(a[-1] @ W + b))
    delta, found = (a[-1] - y) * (1 if wrong == "output" else slope(a[-1])), []
    if wrong == "sign":
        delta = -delta
    for layer in reversed(range(len(theta))):
        W, start = theta[layer][0], a[layer]
        dW = start.T @ delta
        if wrong == "own":
            dW = np.repeat(a[layer + 1] * delta, len(W), axis=0)
        found.insert(0, (dW, delta[0]))
        back = W - dW if wrong == "early" else W
        if layer:
            if wrong == "turned":
                back = W.T
            end = a[layer + 1] if start.shape == a[layer + 1].shape else start
            slopes = {
                "hidden": 1, "tanh": 1 - start**2, "at a": slope(sigmoid(start)),
                "above": slope(end),
            }  # fmt: skip
            delta = (delta @ back.T) * slopes.get(wrong, slope(start))
    return found


def updating(x, y, theta):
    found = gradients(x, y, theta)
    for layer, ((W, b), (dW, db)) in enumerate(zip(theta, found, strict=True)):
        theta[layer] = (W - dW, b - db)
    return found


def stepped(x, y, theta):
    found = gradients(x, y, theta)
    return [(W - dW, b - db) for (W, b), (dW, db) in zip(theta, found, strict=True)]


def in_place(x, y, theta):
    found = gradients(x, y, theta)
    for (W, _), (dW, _) in zip(theta, found, strict=True):
        W -= dW
    return found


def row_biases(x, y, theta):
    return [(dW, db[None]) for dW, db in gradients(x, y, theta)]


def without_guard(x, y, theta):
    """A slope of the raw input besides: nothing that is returned depends on it."""
    return [list(pair) for pair in gradients(x, y, theta)]


def stored_z(x, y, theta):
    zs, a = [], [x]
    for W, b in theta:
        zs.append(a[-1] @ W + b)
        a.append(sigmoid(zs[-1]))
    found = []
    da = a[-1] - y
    for (W, _), z, start in zip(theta[::-1], zs[::-1], a[-2::-1], strict=True):
        s = sigmoid(z)
        delta = da * s * (1 - s)
        found.append((start.T @ delta, delta.sum(axis=0)))
        da = delta @ W.T
    return found[::-1]


RIGHT_FUNCTIONS = {
    ex.check_hidden_error: [
        hidden_error,
        lambda y, a1, a2, W: np.einsum("ik,jk->ij", a2 - y, W) * (a1 - a1**2),
    ],
    ex.check_input_gradient: [input_gradient, lambda x, d, W: np.einsum("ik,jk->ij", d, W)],
    ex.check_gradients: [gradients, row_biases, without_guard, stored_z],
}
WRONG_FUNCTIONS = {
    ex.check_hidden_error: [
        (lambda y, a1, a2, W: (((a2 - y) * a2 * (1 - a2)) @ W.T) * a1 * (1 - a1), "slope too many"),
        (lambda y, a1, a2, W: ((a2 - y) * a2 * (1 - a2)) @ W.T, "the wrong one"),
        (lambda y, a1, a2, W: (a2 - y) @ W.T, "own slope is missing"),
        (lambda *args: -hidden_error(*args), "sign"),
        (lambda y, a1, a2, W: a2 - y, "That is δ⁽²⁾."),
        (lambda y, a1, a2, W: (a2 - y) * a2 * (1 - a2), "sigmoid output"),
        (lambda y, a1, a2, W: ((a2 - y) @ W) * a1 * (1 - a1), "a transpose is missing"),
        (lambda y, a1, a2, W: (a2 - y) @ W, "a transpose is missing"),
        (lambda y, a1, a2, W: 2 * hidden_error(y, a1, a2, W), "factor 1/2"),
        (lambda y, a1, a2, W: 3 * hidden_error(y, a1, a2, W), "same factor"),
        (lambda y, a1, a2, W: ((a2 - y) @ W.T) * (1 - a1**2), "of tanh"),
        (lambda y, a1, a2, W: ((a2 - y) @ W.T) * a1, "not its activation"),
        (lambda y, a1, a2, W: ((a2 - y) @ W.T) * slope(sigmoid(a1)), "as if a were z"),
        (lambda y, a1, a2, W: (a2 @ W.T) * slope(a1), "target is missing"),
        (lambda y, a1, a2, W: hidden_error(y, a1, a2, W) / W.shape[1], "mean over the outputs"),
        (lambda y, a1, a2, W: (a2 - y).sum() * W.sum(axis=1) * slope(a1), "before they are weigh"),
        (lambda y, a1, a2, W: ((a2 - y) @ W.T) * (1 - a1), "slope is missing"),
        (lambda y, a1, a2, W: ((a2 - y) ** 2 / 2 @ W.T) * slope(a1), "starts with the loss"),
        (lambda y, a1, a2, W: (abs(a2 - y) @ W.T) * slope(a1), "a1 = [["),
        (lambda *args: hidden_error(*args) + 1e-3, "not right"),
        (lambda *args: hidden_error(*args)[0], "shape"),
        (lambda *args: None, "is None"), (lambda *args: 1 / 0, "ZeroDivisionError"),
        (lambda y: y, "must take the arguments (y, a1"),
        (3, "without calling it"), (changing, "changed its argument"),
    ],
    ex.check_input_gradient: [
        (lambda x, d, W: d @ W.T * x * (1 - x), "slope too many"),
        (lambda x, d, W: d @ W.T * slope(sigmoid(x)), "slope too many"),
        (lambda x, d, W: (d @ W.T).sum(axis=0) + 0 * x, "its own example"),
        (lambda x, d, W: d @ W.T / len(x), "number of examples"),
        (lambda x, d, W: d @ W.T * x, "multiplies by the input"),
        (lambda x, d, W: -d @ W.T, "sign"), (lambda x, d, W: (d @ W.T).sum(axis=0), "never added"),
        (lambda x, d, W: x.T @ d, "That is ∂L/∂W⁽¹⁾."), (lambda x, d, W: d.T @ x, "transposed"),
        (lambda x, d, W: W @ d.T, "a column for each example"), (lambda x, d, W: d, "δ⁽¹⁾ itself"),
        (lambda x, d, W: d @ W, "a transpose is missing"),
        (lambda x, d, W: d @ W.T + 1e-3, "not right"), (lambda x, d, W: 2 * d @ W.T, "same factor"),
        (lambda x, d, W: np.zeros((7, 9)), "(7, 9)"), (lambda *args: None, "is None"),
        (lambda *args: 1 / 0, "ZeroDivisionError"), (None, "without calling it"),
    ],
    ex.check_gradients: [
        (lambda *args: gradients(*args, "output"), "slope of the output"),
        (lambda *args: gradients(*args, "hidden"), "slope of a hidden layer"),
        (lambda *args: gradients(*args, "sign"), "All signs"),
        (lambda *args: gradients(*args, "own"), "end of its connections"),
        (lambda *args: gradients(*args, "early"), "have been changed"),
        (lambda *args: gradients(*args)[::-1], "last layer's gradients come first"),
        (lambda *args: gradients(*args, "above"), "slope of the layer above"),
        (lambda *args: gradients(*args, "tanh"), "of tanh"),
        (lambda *args: gradients(*args, "at a"), "as if a were z"),
        (lambda *args: gradients(*args, "turned"), "a transpose is missing"),
        (stepped, "parameters after a step"),
        (updating, "changed the list theta"), (in_place, "changed its argument"),
        (lambda *args: [(dW.T, db) for dW, db in gradients(*args)], "(3, 2). Transpose it."),
        (lambda *args: gradients(*args)[1:], "returned 0 pairs for a network with 1 layers"),
        (lambda *args: [(dW, 0 * db) for dW, db in gradients(*args)], "biases are missing"),
        (lambda *args: [(dW, 2 * db) for dW, db in gradients(*args)], "is the first off"),
        (lambda *args: [(dW / 2, db / 2) for dW, db in gradients(*args)], "same factor"),
        (lambda *args: [(dW, db[:1]) for dW, db in gradients(*args)], "∂L/∂b has shape (1,)"),
        (lambda *args: [dW for dW, _ in gradients(*args)], "list of pairs"),
        (lambda *args: [g for pair in gradients(*args) for g in pair], "list of pairs"),
        (lambda *args: 3, "list of pairs"),
        (lambda *args: None, "is None"), (lambda x: x, "must take the arguments (x, y"),
        (3, "without calling it"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_as_often(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT_FUNCTIONS[check]) >= 2
