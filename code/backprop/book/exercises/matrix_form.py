"""Checkers of the chapter "Matrix form".

Expected values are loops over examples, units and connections, so that no checker compares a
matrix product with itself. Batch and widths differ in every case but the last, which is square:
there a wrong transpose runs, and is recognised by what it gives.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.shaped import judged
from backprop.book.exercises.verdict import (
    Case,
    Mistakes,
    Verdict,
    checker,
    judge_value,
    numbers,
    peak_memory,
)

SHAPES = ((4, 2, 3), (1, 3, 2), (5, 3, 4))
"""(batch, n_in, n_out) of the cases."""
ONCE = "A mean over the batch is taken once, in the loss: δ already contains 1/B."


def _products(x: Array, W: Array, delta: Array) -> tuple[Array, Array]:
    """Return ∂L/∂W and ∂L/∂x by loops."""
    dW, dx = np.zeros_like(W), np.zeros_like(x)
    for i, j, k in np.ndindex(len(x), *W.shape):
        dW[j, k] += x[i, j] * delta[i, k]
        dx[i, j] += delta[i, k] * W[j, k]
    return dW, dx


@checker
def check_batch(dW: Any, db: Any, dx: Any) -> Verdict:
    """Check the three gradients of x = (1 2; 0 3), W = (1 0 2; -1 1 1), δ = (2 -1 1; 1 0 -2).

    ∂L/∂W = xᵀδ, ∂L/∂b = the sum of the rows of δ, ∂L/∂x = δWᵀ.
    """
    x, W = np.array([[1.0, 2], [0, 3]]), np.array([[1.0, 0, 2], [-1, 1, 1]])
    delta = np.array([[2.0, -1, 1], [1, 0, -2]])
    right_W, right_x = _products(x, W, delta)
    shares = [np.outer(x[i], delta[i]) for i in range(2)]
    add = "Each example contributes its value times its error; add the two contributions."
    of_W: Mistakes = [
        (right_W.T, "The numbers are right. Which shape has W?",
         "Row j, column k belongs to the weight from j to k."),
        (right_W / 2, "Everything is half of what it should be.", ONCE),
        (shares[0], "That is the first example alone.", add),
        (shares[1], "That is the second example alone.", add),
        (x @ delta, "The sum runs over the wrong index of x.",
         "Inputs meet the errors of their own example: add over the rows of x."),
        (-right_W, "All signs are wrong.", "The minus sign belongs to the update."),
        (right_x, "That is ∂L/∂x; ∂L/∂W comes first.", ""),
    ]  # fmt: skip
    of_b: Mistakes = [
        (delta, "These are the errors of both examples.", "They share one bias: add them."),
        (delta.mean(axis=0), "Everything is half of what it should be.", ONCE),
        (delta.sum(axis=1), "That adds over the units.", "One bias per unit: add over examples."),
        (delta.sum(), "That adds over everything.", "One bias per unit: add over examples."),
        (delta[0], "That is the first example alone.", "Both examples share the bias: add them."),
        (delta[1], "That is the second example alone.", "Both examples share the bias: add them."),
        (
            [1, 1, 1],
            "That is the slope of z with respect to the bias.",
            "Multiply it by the error of each example, and add.",
        ),
        (-delta.sum(axis=0), "All signs are wrong.", "The minus sign belongs to the update."),
    ]
    of_x: Mistakes = [
        (right_x.T, "The numbers are right. Which shape has x?", ""),
        (right_x / 2, "Everything is half of what it should be.", ONCE),
        (right_x.sum(axis=0), "The examples are added.", "Each example has inputs of its own."),
        (-right_x, "All signs are wrong.", "The minus sign belongs to the update."),
        (right_W, "That is ∂L/∂W.", "Which factor of xW stays when x moves?"),
        (right_x[0], "That is the first example alone.", "Each example has a row of its own."),
    ]
    db = np.reshape(db, 3) if np.shape(db) == (1, 3) else db
    index = "Write the sum with its indices first. Which index is summed?"
    for name, answer, right, mistakes in (
        ("∂L/∂W", dW, right_W, of_W),
        ("∂L/∂b", db, delta.sum(axis=0), of_b),
        ("∂L/∂x", dx, right_x, of_x),
    ):
        verdict = judge_value(answer, Case((), right, mistakes, index))
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, "Over the examples for W and b, over the units for x.")


@checker
def check_error_back(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Check ``answer(delta, W, slope)`` for δ⁽ˡ⁾ = (δ⁽ˡ⁺¹⁾ W⁽ˡ⁺¹⁾ᵀ) ⊙ φ'(z⁽ˡ⁾).

    Shapes: delta (batch, n_out), W (n_in, n_out), slope = φ'(z⁽ˡ⁾) (batch, n_in); the result has
    the shape of slope.
    """

    def case(batch: int, n_in: int, n_out: int) -> Case:
        rng = np.random.default_rng(batch)
        delta, W = rng.normal(size=(batch, n_out)), rng.normal(size=(n_in, n_out))
        slope = rng.uniform(0.1, 0.9, size=(batch, n_in))
        sent = _products(np.zeros((batch, n_in)), W, delta)[1]
        mistakes: Mistakes = [
            (sent, "That is ∂L/∂a of the layer below.", "Each unit's own slope φ'(z) is missing."),
            (-sent * slope, "The sign is wrong.", "δ is +∂L/∂z."),
            (sent + slope, "The slope multiplies; it is not added.", ""),
            (sent.T * slope.T, "The result has a column per example.", "Vectors are rows here."),
        ]
        if batch > 1:
            mistakes += [
                (sent * slope / batch, "The batch size has no place here.", ONCE),
                ((sent * slope).sum(axis=0), "Different examples are never added in δ.", ""),
            ]
        if n_in == n_out:
            early = _products(np.zeros((batch, n_in)), W, delta * slope)[1]
            mistakes.append(
                (
                    early,
                    "The slope comes too early.",
                    "It belongs to the layer below: multiply after the product.",
                )
            )
            hint = "The shares are added over the wrong index of W."
            more = "The sum is over k, the second index of W: a transpose is missing."
            turned = _products(np.zeros((batch, n_in)), W.T.copy(), delta)[1]
            mistakes += [(turned * slope, hint, more), (turned, hint, more)]
            if batch == n_in:
                columns = "The product has a column per example, but the slope has a row."
                left = "With a row per example, delta is the left factor and W the right one."
                mistakes += [(sent.T * slope, columns, left), (turned.T * slope, columns, left)]
        return Case((delta, W, slope), sent * slope, mistakes)

    praise = "The sum is over the units k that the error comes from."
    cases = [case(*shape) for shape in SHAPES]
    return judged(answer, "delta, W, slope", cases, praise, case(3, 3, 3))


@checker
def check_ranks(ranks: Any) -> Verdict:
    """Check the largest rank that ∂L/∂W of shape (64, 12) can have for 1, 3, 6, 20 examples.

    It is a sum of B matrices of rank 1, and has 12 columns: min(B, 12).
    """
    found = numbers(ranks)
    if found is None or found.shape != (4,):
        return Verdict(False, "Hand over four numbers, in a list: one per batch size.")
    each = "How large is the rank of a column times a row? And of a sum of several?"
    mistakes: Mistakes = [
        ([1, 3, 6, 20], "Three are right.", "A matrix of shape (64, 12) has how many columns?"),
        ([12] * 4, "That bound holds for every batch. For small ones it is lower.", each),
        ([64] * 4, "That is the number of rows.", each),
        ([1] * 4, "One example gives rank 1. What do several give?", each),
        (
            [1, 3, 6, 11],
            "Three are right.",
            "That holds after a softmax with cross-entropy. Here δ may have any rows.",
        ),
        ([1, 3, 6, 64], "Three are right.", "A matrix of shape (64, 12) has how many columns?"),
        ([1, 3, 6, 12 * 64], "Three are right.", "A rank cannot exceed the number of columns."),
        ([12, 36, 72, 240], "A rank cannot exceed the number of columns.", each),
        ([64, 192, 384, 1280], "A rank cannot exceed the number of rows.", each),
    ]
    verdict = judge_value(
        found, Case((), [1, 3, 6, 12], mistakes, each), "The smaller of B and 12."
    )
    if verdict.unforeseen and list(found[:3]) == [1, 3, 6]:
        return Verdict(
            False, "Three are right.", "A matrix of shape (64, 12) has how many columns?"
        )
    return verdict


WIDTHS, BATCH = (64, 32, 32, 10), 50
"""Of the exercise on counting."""


@checker
def check_counts(forward: Any, backward: Any) -> Verdict:
    """Check the multiplications of a 64-32-32-10 network with 50 examples, biases apart.

    Forward B Σ n_in n_out; backward the same for ∂L/∂W, and once more for the ∂L/∂x of all layers
    but the first.
    """
    weights = [n_in * n_out for n_in, n_out in pairwise(WIDTHS)]
    one, below = BATCH * sum(weights), BATCH * sum(weights[1:])
    biases = BATCH * sum(WIDTHS[1:])
    first: Mistakes = [
        (sum(weights), "That is for one example.", ""),
        (one + biases, "The biases need no multiplication.", "Adding b is a sum."),
        (BATCH * weights[0], "That is the first layer alone.", ""),
        (one - BATCH * weights[-1], "The last layer is left out.", ""),
        (
            prod(WIDTHS),
            "The widths are multiplied along the whole network.",
            "Each layer has a product of its own. Add what they take.",
        ),
        (
            BATCH * prod(WIDTHS),
            "The widths are multiplied along the whole network.",
            "Each layer has a product of its own. Add what they take.",
        ),
        (BATCH * sum(WIDTHS), "Each unit needs a product for each of its inputs.", ""),
        (one + one + below, "That is forward and backward together.", ""),
        (one + below, "That is the backward pass; the forward pass comes first.", ""),
        (2 * one, "That counts the additions as well.", "Only multiplications are asked for."),
    ]
    second: Mistakes = [
        (2 * one, "One product too many is made.", "Who uses ∂L/∂x of the first layer?"),
        (one, "That is ∂L/∂W alone.", "The error has to be handed back as well."),
        (below, "That is the error handed back alone.", "∂L/∂W costs as much as forward."),
        (sum(weights) + sum(weights[1:]), "That is for one example.", ""),
        (one + below + one, "That is forward and backward together.", ""),
        (3 * one, "That is forward and backward together, and one product too many.",
         "Who uses ∂L/∂x of the first layer?"),
        (2 * (one + below), "That counts the additions as well.",
         "Only multiplications are asked for."),
        (2 * below, "The first layer is left out altogether.",
         "The first layer needs no ∂L/∂x, but its weights have gradients."),
        (one + below + biases, "The sums for the biases are no multiplications.", ""),
        (2 * one - BATCH * weights[-1], "The wrong layer is left out.",
         "The first layer needs no ∂L/∂x, the last one does."),
        (one + below - BATCH * weights[-1], "The last layer hands back nothing.",
         "Only the first layer needs no ∂L/∂x."),
    ]  # fmt: skip
    per = "A layer's product takes B · n_in · n_out multiplications."
    for name, answer, right, mistakes in (
        ("Forward", forward, one, first),
        ("Backward", backward, one + below, second),
    ):
        verdict = judge_value(answer, Case((), right, mistakes, per))
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, "Two products per layer on the way back, and one in the first.")


@checker
def check_softmax_back(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Check ``answer(p, g)`` for ∂L/∂z when p = softmax(z), row by row, and g = ∂L/∂p.

    ∂L/∂z_ik = p_ik (g_ik - Σ_m p_im g_im). Shapes: all (batch, classes).
    """

    def case(batch: int, n: int) -> Case:
        rng = np.random.default_rng(n)
        p = rng.uniform(0.2, 1, size=(batch, n))
        p /= p.sum(axis=1, keepdims=True)
        g = rng.normal(size=(batch, n))
        right = np.zeros((batch, n))
        for i, k, m in np.ndindex(batch, n, n):
            right[i, k] += g[i, m] * p[i, m] * ((k == m) - p[i, k])
        row, every = (p * g).sum(axis=1, keepdims=True), (p * g).sum()
        again = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)
        other = "p_k changes with every z of its row."
        mistakes: Mistakes = [
            (g * p * (1 - p), "That is the diagonal of the Jacobian alone.", other),
            (g * p, "Half of it is there.", other),
        (g * (1 - p), "One factor is missing, and the other entries of the row.", other),
        (-p * row, "That leaves out the 1 of p_k (1 - p_k).", "If z_k rises, p_k itself rises."),
        (p * (p * g - row), "That leaves out the path through p_k itself.",
         "If z_k rises, p_k itself rises."),
        (p * (g - (p * g).mean(axis=1, keepdims=True)), "That is a mean over the row.",
         "Paths are added, not averaged."),
        (p * (g - g.mean(axis=1, keepdims=True)), "The mean gives all paths the same weight.",
         "In the sum, each g_m is multiplied by p_m."),
        (again * (g - (again * g).sum(axis=1, keepdims=True)),
         "The softmax is taken twice.", "p is the softmax of z already."),
            (g - row, "One factor is missing.", "Each z_k moves its own p_k at a rate with p_k."),
            (p - g, "That is the formula for cross-entropy, and g is no target.",
             "Here the loss is unknown; only g = ∂L/∂p is given."),
            (-right, "The sign is wrong.", ""),
            (p * (g - g.sum(axis=1, keepdims=True)), "The sum lacks its weights.",
             "In the sum, each g_m is multiplied by p_m."),
            (p * (g + row), "One sign is wrong.", "If z_k rises, the other p fall."),
        ]  # fmt: skip
        if batch > 1:
            mistakes += [
                (p * (g - every), "The sum mixes the examples.", "One sum per row."),
                ((p - g) / batch, "That is the formula for cross-entropy, and g is no target.",
                 "Here the loss is unknown; only g = ∂L/∂p is given."),
                (right / batch, "The batch size has no place here.", ONCE),
            ]  # fmt: skip
        if batch == n:
            hint = "The sums of the rows went to the columns."
            turned = p * (g - (p * g).sum(axis=1))
            mistakes.append((turned, hint, "Keep the summed axis: keepdims=True."))
            down = p * (g - (p * g).sum(axis=0))
            mistakes.append((down, "The sum runs over the examples.", "One sum per row."))
        elif batch > 1:
            down = p * (g - (p * g).sum(axis=0))
            mistakes.append((down, "The sum runs over the examples.", "One sum per row."))
        return Case((p, g), right, mistakes)

    praise = "Each row uses its own sum, and no example meets another."
    return judged(answer, "p, g", [case(2, 4), case(1, 3), case(5, 2)], praise, case(3, 3))


@checker
def check_weighted(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Check ``answer(z, y, c)`` for δ of L = Σ_i c_i ℓ_i / Σ_i c_i with ℓ_i = ½ Σ_k (z_ik - y_ik)².

    δ_ik = c_i (z_ik - y_ik) / Σ c. Shapes: z, y and the result (batch, n_out), c (batch,).
    """

    def case(batch: int, n: int) -> Case:
        rng = np.random.default_rng(batch)
        z, y = rng.normal(size=(2, batch, n))
        c = rng.uniform(1, 3, size=batch)
        rest, column = z - y, c[:, None]
        right = np.array([[c[i] * rest[i, k] / sum(c) for k in range(n)] for i in range(batch)])
        mistakes: Mistakes = [
            (column * rest, "The division is missing.", "By what is the weighted sum divided?"),
            (rest, "The weights are missing, and so is the division.", ""),
            (-right, "The sign is wrong.", "It is z - y."),
            (2 * right, "Twice too large.", "The loss of an example has a factor ½."),
            (right / 2, "Half of what it should be.", "The square has a factor 2 in its slope."),
            (
                (c * (rest**2).sum(axis=1)).sum() / (2 * c.sum()),
                "That is the loss.",
                "δ is its derivative with respect to z.",
            ),
            (right.sum(axis=0), "The examples are added.", "δ has one row per example."),
        ]
        if batch > 1:
            mistakes += [
                (column * rest / c.mean(), "Divided by the wrong number.",
                 "The loss is divided by the sum of the weights, not by their mean."),
                (column * rest / batch, "Divided by the wrong number.",
                 "The loss is divided by the sum of the weights, not by B."),
                (right / batch, "There is one division too many.",
                 "The sum of the weights has taken the place of B."),
                (rest / batch, "The weights are missing.", ""),
                (rest / c.sum(), "The weights are missing above the line.", ""),
            ]  # fmt: skip
        if batch == n:
            across = c * rest
            mistakes += [
                (across / c.sum(), "The weights went to the units.",
                 "c has one number per example: make it a column, c[:, None]."),
                (across / batch, "The weights went to the units.",
                 "c has one number per example: make it a column, c[:, None]."),
            ]  # fmt: skip
        return Case((z, y, c), right, mistakes)

    praise = "Only the first error changes; the other three equations stay as they are."
    return judged(answer, "z, y, c", [case(4, 2), case(1, 3), case(2, 5)], praise, case(3, 3))


@checker
def check_example_norms(answer: Callable[[Array, Array], Any]) -> Verdict:
    """Check ``answer(x, delta)``: for each example i the norm of its share x_iᵀδ_i of ∂L/∂W.

    Shapes: x (batch, n_in), delta (batch, n_out), result (batch,). The norm is the root of the sum
    of squares of all entries (Goodfellow, 2015).
    """

    def case(batch: int, n_in: int, n_out: int) -> Case:
        rng = np.random.default_rng(batch)
        x, delta = rng.normal(size=(batch, n_in)), rng.normal(size=(batch, n_out))
        squares = np.zeros(batch)
        for i, j, k in np.ndindex(batch, n_in, n_out):
            squares[i] += (x[i, j] * delta[i, k]) ** 2
        right = np.sqrt(squares)
        of_x, of_delta = np.linalg.norm(x, axis=1), np.linalg.norm(delta, axis=1)
        mistakes: Mistakes = [
            (squares, "These are the squares of the norms.", "Take the root."),
            (np.linalg.norm(x.T @ delta), "That is the norm of the sum, one number.",
             "One number per example is wanted."),
            (of_delta, "That is the norm of δ_i.", "x_i scales every column."),
            (of_x, "That is the norm of x_i.", "δ_i scales every row."),
            (of_x + of_delta, "The two norms are added.", "Write out the sum of squares."),
            (of_x**2 + of_delta**2, "The squares are added.", "Write out the sum of squares."),
            (np.sqrt(of_x**2 + of_delta**2), "That joins the two rows to one.",
             "Write out the sum of squares of their products."),
            (np.sqrt(of_x * of_delta), "One root too many.", "A norm is a root already."),
            (np.abs(x.sum(axis=1) * delta.sum(axis=1)), "That has no squares.",
             "The norm is the root of a sum of squares."),
            (np.abs(x).sum(axis=1) * np.abs(delta).sum(axis=1), "That has no squares.",
             "The norm is the root of a sum of squares."),
            (np.linalg.norm(x) * np.linalg.norm(delta), "These norms run over the whole batch.",
             "One norm per row: axis=1."),
            (right[:, None], "The numbers are right. The shape is (batch,).", ""),
        ]  # fmt: skip
        if batch > 1:
            mistakes += [
                (right.sum(), "The norms are added.", "One number per example is wanted."),
                (right / batch, "The batch size has no place here.", ONCE),
            ]
        factor = "Σ over j and k of (x_j δ_k)² is a product of two sums."
        return Case((x, delta), right, mistakes, factor)

    cases = [case(*shape) for shape in SHAPES]
    verdict = judged(answer, "x, delta", cases, "‖x_iᵀδ_i‖ = ‖x_i‖ ‖δ_i‖.")
    if verdict and peak_memory(answer, np.ones((6, 300)), np.ones((6, 200))) >= 8 * 300 * 200:
        more = "Write out the sum of squares over j and k: x_ij and δ_ik can be summed apart."
        return Verdict(False, "The numbers are right, but it builds the matrices.", more)
    return verdict


@checker
def check_jacobian(answer: Callable[[Array, int], Any]) -> Verdict:
    """Check ``answer(x, n_out)``: the Jacobian of W ↦ xW, both written row by row into one row.

    A row per entry of W, a column per entry of z: J = xᵀ ⊗ I, shape (n_in n_out, batch n_out).
    """

    def case(batch: int, n_in: int, n_out: int) -> Case:
        x = np.random.default_rng(batch).normal(size=(batch, n_in))
        J = np.zeros((n_in, n_out, batch, n_out))
        for i, j, k in np.ndindex(batch, n_in, n_out):
            J[j, k, i, k] = x[i, j]
        one = np.eye(n_out)
        columns = "vec writes row by row, as ravel does, not column by column."
        mistakes: Mistakes = [
            (np.kron(x, one), "It is transposed.", "Rows belong to W, columns to z."),
            (np.kron(one, x.T), "That is for matrices written column by column.", columns),
            (np.kron(one, x), "That is for matrices written column by column, and transposed.",
             columns),
            (np.kron(x.T, np.ones((n_out, n_out))), "Unit k of z uses column k of W alone.",
             "Which matrix is 1 for k = k' and 0 elsewhere?"),
            (J, "The numbers are right. Make a matrix of the four axes.", "Use reshape."),
            (x.T, "That is one block of it.", "What happens for each unit k?"),
        ]  # fmt: skip
        if batch > 1:
            mistakes.append(
                (
                    J.reshape(n_in * n_out, -1) / batch,
                    "The batch size has no place here.",
                    "z = xW is no mean.",
                )
            )
        more = "∂z_ik'/∂w_jk is x_ij where k' = k, else 0. Where do (j, k) and (i, k') stand?"
        return Case((x, n_out), J.reshape(n_in * n_out, batch * n_out), mistakes, more)

    praise = "A matrix that one never writes down: vec(δ) Jᵀ is xᵀδ, as one row."
    return judged(answer, "x, n_out", [case(4, 2, 3), case(3, 4, 2), case(2, 2, 2)], praise)
