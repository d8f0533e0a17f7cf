"""Checkers of the exercises in the chapter "The four steps".

The expected values are sums over units written out, so that no checker compares a matrix product
with itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array
from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value


def check_by_hand(answer: ArrayLike) -> Verdict:
    """Judge (δ⁽²⁾, δ⁽¹⁾, ∂L/∂w⁽²⁾, ∂L/∂w⁽¹⁾) of the 1-1-1 network of the exercise.

    Both pre-activations are 0, so a⁽¹⁾ = a⁽²⁾ = 1/2 and both slopes are 1/4.
    """
    x, w2, y, a, slope = 4.0, 6.0, 1.0, 0.5, 0.25

    def chain(residual: float, slope2: float, slope1: float, w: float) -> list[float]:
        delta2 = residual * slope2
        delta1 = delta2 * w * slope1
        return [delta2, delta1, a * delta2, x * delta1]

    right = chain(a - y, slope, slope, w2)
    late = chain(a - y, slope, slope, w2 - right[2])
    mistakes = [
        (chain(y - a, slope, slope, w2), "All signs are turned: δ is +∂L/∂z, so it starts with"
         " a - y. The minus sign belongs to the update."),
        (chain(a - y, 1, slope, w2), "The slope of the output is missing in δ⁽²⁾."),
        (chain(a - y, slope, 1, w2), "The slope of the hidden unit is missing in δ⁽¹⁾."),
        (chain(a - y, slope, slope, 1), "δ⁽¹⁾ returns over the connection: the weight w⁽²⁾ is"
         " missing."),
        ([*right[:2], a * right[0], a * right[1]], "∂L/∂w⁽¹⁾ has the value at the START of the"
         " connection, x; you took the hidden unit's own output."),
        (late, "δ⁽¹⁾ needs the w⁽²⁾ that the forward pass used, not the updated one."),
        ([right[0], right[1], right[3], right[2]], "The last two are exchanged: ∂L/∂w⁽²⁾ comes"
         " first."),
    ]  # fmt: skip
    praise = "One sweep back, two errors, and each gradient is a product of two numbers."
    return judge_value(answer, Case((), right, mistakes), praise)


def check_hidden_error(answer: Callable[[Array, Array, Array, Array], Any]) -> Verdict:
    """Judge ``answer(y, a1, a2, W2)`` for δ⁽¹⁾ when the output is linear.

    δ⁽¹⁾_j = Σ_k (a⁽²⁾_k - y_k) w⁽²⁾_jk a⁽¹⁾_j (1 - a⁽¹⁾_j), the sigmoid in the hidden layer only.
    Shapes: y and a2 (1, n_2), a1 and the result (1, n_1), W2 (n_1, n_2).
    """
    cases = []
    for n_1, n_2 in ((2, 1), (4, 3)):
        rng = np.random.default_rng(n_1)
        a1, a2, y = (rng.uniform(0.1, 0.9, size=(1, n)) for n in (n_1, n_2, n_2))
        W2 = rng.normal(size=(n_1, n_2))
        sent, shrunk = np.zeros((2, 1, n_1))
        for j, k in np.ndindex(n_1, n_2):
            share = (a2[0, k] - y[0, k]) * W2[j, k]
            sent[0, j] += share
            shrunk[0, j] += share * a2[0, k] * (1 - a2[0, k])
        slope = a1 * (1 - a1)
        mistakes = [
            (shrunk * slope, "The output's slope a(1 - a) is still there; a linear output has the"
             " slope 1."),
            (sent, "The hidden unit's own slope is missing: the hidden layer kept its sigmoid."),
            (-sent * slope, "The sign is turned: the error is a - y, not y - a."),
            (a2 - y, "That is δ⁽²⁾; carry it back over W⁽²⁾."),
        ]  # fmt: skip
        cases.append(Case((y, a1, a2, W2), sent * slope, mistakes))
    return judge(answer, cases, "Only δ⁽²⁾ changed; everything behind it is as before.")


def check_input_gradient(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Judge ``answer(x, delta1, W1)`` for ∂L/∂x = δ⁽¹⁾ W⁽¹⁾ᵀ.

    Shapes: x and the result (B, n_in), delta1 (B, n_1), W1 (n_in, n_1). In one case n_in = n_1,
    where a missing transpose fits.
    """
    cases = []
    for batch, n_in, n_1 in ((1, 2, 3), (3, 4, 2), (1, 3, 3)):
        rng = np.random.default_rng(n_in)
        x, delta1 = rng.uniform(0.1, 0.9, size=(batch, n_in)), rng.normal(size=(batch, n_1))
        W1 = rng.normal(size=(n_in, n_1))
        right = np.zeros((batch, n_in))
        for i, j, k in np.ndindex(batch, n_in, n_1):
            right[i, j] += delta1[i, k] * W1[j, k]
        mistakes = [
            (right * x * (1 - x), "There is a slope too many: the input has no activation."),
            (right * x, "That multiplies by the input, as for a weight's gradient; here x itself"
             " is what moves, and each z changes at the rate w."),
            (-right, "The sign is turned."),
            (right.sum(axis=0), "One row for each example: different inputs are never added."),
            (x.T @ delta1, "That is ∂L/∂W⁽¹⁾."),
        ]  # fmt: skip
        if n_in == n_1:
            hint = "W⁽¹⁾ is not turned over: the sum runs over the hidden units, its second index."
            mistakes.append((delta1 @ W1, hint))
        cases.append(Case((x, delta1, W1), right, mistakes))
    return judge(answer, cases, "The same step as between the layers, without a slope.")
