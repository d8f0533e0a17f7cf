"""Checkers of the exercises in the chapter "Matrix form".

Every expected value is a loop over examples, units and connections, so that no checker compares
a matrix product with itself. Batch and widths differ from one another in every case, and no
matrix is symmetric: a wrong transpose cannot pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import Case, Verdict, judge

SHAPES = ((4, 2, 3), (1, 3, 2), (5, 3, 4))
"""(batch, n_in, n_out) of the cases."""


def check_error_back(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Judge ``answer(delta, W, slope)`` for δ⁽ˡ⁾ = (δ⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾ᵀ) ⊙ φ'(z⁽ˡ⁾).

    Shapes: delta (batch, n_out), W (n_in, n_out), slope = φ'(z⁽ˡ⁾) (batch, n_in); the result has
    the shape of slope. One case has n_in = n_out, where a missing transpose fits.
    """
    cases = []
    for batch, n_in, n_out in (*SHAPES, (4, 3, 3)):
        rng = np.random.default_rng(batch)
        delta, W = rng.normal(size=(batch, n_out)), rng.normal(size=(n_in, n_out))
        slope = rng.uniform(0.1, 0.9, size=(batch, n_in))
        sent = np.zeros((batch, n_in))
        for i, j, k in np.ndindex(batch, n_in, n_out):
            sent[i, j] += delta[i, k] * W[j, k]
        mistakes = [
            (sent, "That is ∂L/∂a: each unit's own slope φ'(z) is still missing."),
            (
                sent * slope / batch,
                "The batch size has no place here: the mean was taken once, in the loss, and δ"
                " has it already.",
            ),
        ]
        if n_in == n_out:
            forward = (delta @ W) * slope
            mistakes.append(
                (
                    forward,
                    "δ W carries the error along the wrong index: the sum runs over k, which is"
                    " the second index of W. The shapes fitted only because W is square here.",
                )
            )
        cases.append(Case((delta, W, slope), sent * slope, tuple(mistakes)))
    return judge(
        answer, cases, praise="The sum runs over the units that receive, k, for all shapes."
    )


def check_gain_gradient(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Judge ``answer(a, g, delta)`` for z = a ⊙ g, g (n,) broadcast: ∂L/∂g = Σ_i a_i ⊙ δ_i.

    Shapes: a and delta (batch, n), g and the result (n,).
    """
    cases = []
    for batch, n, _ in SHAPES:
        rng = np.random.default_rng(batch)
        a, delta = rng.normal(size=(2, batch, n))
        g = rng.uniform(0.5, 2, size=n)
        dg = np.zeros(n)
        for i, j in np.ndindex(batch, n):
            dg[j] += a[i, j] * delta[i, j]
        mistakes = [
            (
                a * delta,
                "One row for each example: g was copied to every row, so the rows must be added.",
            ),
            (delta.sum(axis=0), "That is the gradient of a bias: z follows g_j at the rate a_ij."),
            ((g * delta).sum(axis=0), "z follows g at the rate a, not g: that is ∂L/∂a, summed."),
        ]
        if batch > 1:
            mean = "A sum, not a mean: δ has been divided by the batch size already, in the loss."
            mistakes.append((dg / batch, mean))
        cases.append(Case((a, g, delta), dg, tuple(mistakes)))
    return judge(answer, cases, praise="A copied parameter gathers the sum over its copies.")


def check_example_norms(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Judge ``answer(x, delta)``: for each example i the norm of its share x_iᵀ δ_i of ∂L/∂W.

    Shapes: x (batch, n_in), delta (batch, n_out), result (batch,). The norm is the root of the sum
    of squares of all entries (Goodfellow, 2015).
    """
    cases = []
    for batch, n_in, n_out in SHAPES:
        rng = np.random.default_rng(batch)
        x, delta = rng.normal(size=(batch, n_in)), rng.normal(size=(batch, n_out))
        squares = np.zeros(batch)
        for i, j, k in np.ndindex(batch, n_in, n_out):
            squares[i] += (x[i, j] * delta[i, k]) ** 2
        mistakes = [
            (squares, "These are the squares of the norms: the root is missing."),
            (
                np.linalg.norm(x.T @ delta),
                "That is the norm of the sum over the batch, one number; asked is one number for"
                " each example.",
            ),
            (np.linalg.norm(delta, axis=1), "That is the norm of δ_i; x_i scales every column."),
        ]
        cases.append(Case((x, delta), np.sqrt(squares), tuple(mistakes)))
    return judge(answer, cases, praise="‖x_iᵀ δ_i‖ = ‖x_i‖ ‖δ_i‖.")
