"""Checkers of the chapter "Networks"."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from backprop.activations import relu, sigmoid
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value

WIDTHS = (64, 32, 16, 10)
CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])


def check_parameters(answer: Any) -> Verdict:
    """Judge the number of parameters of a 64-32-16-10 network."""
    weights = sum(a * b for a, b in pairwise(WIDTHS))
    units = sum(WIDTHS[1:])
    mistakes = (
        (weights, "These are the weights alone: every unit has a bias as well."),
        (weights + sum(WIDTHS), "The inputs were given a bias each: they are numbers, not units."),
        (weights + len(WIDTHS) - 1, "A layer has one bias for each of its units, not one in all."),
        (units, "These are the biases alone."),
        (weights + units - WIDTHS[-1], "The output units have a bias too."),
    )
    return judge_value(
        answer, Case((), weights + units, mistakes), "Most of them are in the first layer."
    )


def check_nand(answer: Any) -> Verdict:
    """Judge (w1, w2, b) of one unit that is positive unless both inputs are 1."""
    try:
        w1, w2, b = (float(v) for v in answer)
    except (TypeError, ValueError):
        return Verdict(False, f"The answer is {answer!r}, expected three numbers (w1, w2, b).")
    if not np.isfinite([w1, w2, b]).all():
        return Verdict(False, f"The answer is {answer!r}, expected finite numbers.")
    z = CORNERS @ np.array([w1, w2]) + b
    got, expected = z > 0, np.array([True, True, True, False])
    if (got == expected).all():
        return Verdict(True, "Every logic circuit can be built of such units.")
    if (got == ~expected).all():
        return Verdict(False, "This unit is AND. NAND is its opposite: change all three signs.")
    if (got == [True, False, False, False]).all():
        return Verdict(False, "This unit is NOR: one input alone already switches it off.")
    if (got == [False, True, True, True]).all():
        return Verdict(False, "This unit is OR.")
    k = int(np.flatnonzero(got != expected)[0])
    wanted = "positive" if expected[k] else "zero or negative"
    return Verdict(
        False,
        f"At x = ({CORNERS[k, 0]:.0f}, {CORNERS[k, 1]:.0f}) z is {z[k]:g}, expected {wanted}.",
    )


def check_forward(function: Any) -> Verdict:
    """Judge ``function(x, W1, b1, W2, b2)``: ReLU hidden units, sigmoid outputs, rows."""
    rng = np.random.default_rng(0)
    cases = []
    for batch, n0, n1, n2 in ((1, 2, 3, 1), (5, 4, 3, 2)):
        x, W1, b1 = rng.normal(size=(batch, n0)), rng.normal(size=(n0, n1)), rng.normal(size=n1)
        W2, b2 = rng.normal(size=(n1, n2)), rng.normal(size=n2)
        z1 = x @ W1 + b1
        a1 = relu(z1)
        z2 = a1 @ W2 + b2
        mistakes = (
            (sigmoid(z1 @ W2 + b2), "The hidden units have no activation: this is one affine map."),
            (z2, "The output has no activation: this is z2, not a2."),
            (relu(z2), "The output's activation is the sigmoid, not the ReLU."),
            (sigmoid(sigmoid(z1) @ W2 + b2), "The hidden activation is the ReLU, not the sigmoid."),
            (sigmoid(relu(x @ W1) @ W2 + b2), "The hidden bias is missing."),
            (sigmoid(a1 @ W2), "The output's bias is missing."),
            (sigmoid(relu(x @ W1) @ W2), "Both biases are missing."),
            (sigmoid(relu(z1).sum(axis=0) @ W2 + b2), "The rows were summed: keep one a example."),
            (sigmoid(z2).T, "This is the transpose: rows are examples, columns are units."),
        )
        # A mistake that makes no difference here, such as a ReLU that never cuts, has no hint.
        told = [(wrong, hint) for wrong, hint in mistakes if not _alike(wrong, sigmoid(z2))]
        cases.append(Case((x, W1, b1, W2, b2), sigmoid(z2), told))
    return judge(function, cases, "The same code serves one example and a batch.")


def check_parity(function: Any) -> Verdict:
    """Judge ``function(x)``: 1 for rows of three bits with an odd number of ones, else 0."""
    x = np.array([[a, b, c] for a in (0.0, 1.0) for b in (0.0, 1.0) for c in (0.0, 1.0)])
    s = x.sum(axis=1, keepdims=True)
    right = s % 2
    xor_only = relu(s) - 2 * relu(s - 1)
    mistakes = (
        (1 - right, "This is even parity: 1 where the number of ones is even."),
        (xor_only, "Right up to two ones. The third hinge has to turn the curve up again."),
        (s, "This is the number of ones. It has to be bent at 1 and at 2."),
        (right[:, 0], "Keep the axis of the units: expected shape (8, 1)."),
    )
    praise = "Three hinges in one direction: parity depends on the sum alone."
    return judge(function, [Case((x,), right, mistakes)], praise)


def _alike(a: Any, b: Any) -> bool:
    return a.shape == b.shape and bool(np.allclose(a, b))
