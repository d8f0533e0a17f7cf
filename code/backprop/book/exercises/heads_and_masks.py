"""Checkers of the chapter "Two heads".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax_vjp
from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Told,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    misfit,
    numbers,
)
from backprop.layers import Layer, dot_product_attention

VALUES = np.array([4.0, 0.0, 10.0])
"""Of the exercise with a mask; exp(s) is 5, 3 and 2, and the target is 2."""


@checker
def check_masked(y: Any, ds: Any) -> Verdict:
    """Check L = ½(y - 2)² with the third key forbidden: p = (5/8, 3/8, 0), y = 2.5, then ds."""
    p = np.array([5, 3, 0]) / 8
    parts: list[Part] = [
        ("The output", 2.5, [
            (2.0, "The weight was set to 0 after the softmax.",
             "Then the other two sum to 0.8 only. Divide by 8, not by 10."),
            (4.0, "This is the output without the mask.", "The third power becomes 0."),
            (20.0, "The weights were not divided by their sum.", "The powers sum to 8."),
            (20 / 9, "The forbidden score was set to 0.", "exp(0) is 1, not 0: set it to -∞."),
            (30 / 9, "The forbidden score was set to 0, and its value was read.",
             "exp(0) is 1, not 0: set it to -∞."),
        ], "The powers are now 5, 3 and 0."),
        ("The error at the scores", p * 0.5 * (VALUES - 2.5), [
            (p * (VALUES - 2.5), "These are the slopes of y, not of L.", "∂L/∂y is 0.5."),
            (-p * 0.5 * (VALUES - 2.5), "The signs are those of the step downhill.",
             "The error is the derivative itself."),
            ([0.0, -2.4, 2.4], "This is the error without the mask.", "Both p and y have changed."),
            (p * 2 * (VALUES - 4), "The output has changed, and with it ∂L/∂y.", ""),
            (p * 0.5 * VALUES, "The sum is not taken away.",
             "Each value is compared with the output."),
            ([15 / 32, -15 / 32], "The third entry is missing.", "It is the one you can guess."),
            (np.array([0.5, 0.3, 0]) * 0.5 * (VALUES - 2.5),
             "The weights are still those without the mask.", "The other two now sum to 1."),
            (p * 0.25 * (VALUES - 2.5), "A factor ½ is too much.",
             "The ½ of the loss cancels the 2 of the square: ∂L/∂y is 0.5."),
            (0.5 * VALUES, "This is the error at the weights.",
             "It still has to pass the softmax."),
            (0.5 * p, "This is the error at the values.", "Those of the scores sum to 0."),
            (0.5 * (VALUES - 2.5), "The weights are missing.",
             "Each difference is multiplied by its p."),
        ], "It is p times ∂L/∂y times (value - output), and p of the third key is 0."),
    ]  # fmt: skip
    return in_turn((y, ds), parts, "What is not read gets no error.")


@checker
def check_window(window: Answer) -> Verdict:
    """Check ``window(n, w)``: True for key j of query i where i - w < j <= i."""
    given = "n, w"

    def case(n: int, w: int) -> Case:
        i, j = np.mgrid[:n, :n]
        right = (j <= i) & (j > i - w)
        mistakes: list[tuple[Any, str, str]] = [
            (right.T, "Each query sees later tokens.", "Queries are rows: the key is j <= i."),
            ((j <= i) & (j >= i - w), "One token too many is seen.",
             "The query itself is one of the w tokens."),
            ((j < i) & (j > i - w), "No query sees itself.", "j = i is allowed."),
            ((j < i) & (j >= i - w), "No query sees itself.",
             "The query itself is one of the w tokens."),
            (abs(i - j) < w, "Later tokens are seen as well.", "Add the condition j <= i."),
            (j <= i, "All earlier tokens are seen.", "Of them, w - 1 are allowed."),
            (j > i - w, "Later tokens are seen as well.", "Add the condition j <= i."),
            (~right, "This is what is forbidden.", "True stands where a query may look."),
            (np.ones((n, n)), "Everything is seen.", "Only the last w tokens are allowed."),
            (j < w, "Every query sees the first w tokens.", "The window moves with the query."),
            ((j <= i) & (j < w), "Every query sees the first w tokens.",
             "The window moves with the query."),
        ]  # fmt: skip
        names = [f"allowed[{a}, {b}]" for a, b in np.ndindex(right.shape)]
        more = "Row i is True in the columns i - w + 1 to i, as far as they exist."
        return Case((n, w), right * 1.0, distinct(mistakes, right), more, names,
                    where=f"n = {n} and w = {w}")  # fmt: skip

    def as_numbers(n: int, w: int) -> Any:
        found = window(n, w)
        if found is None:
            raise Told("It returns None: is a return missing?")
        if np.asarray(found).dtype != np.bool_:
            raise Told("Return an array of True and False, as np.tri(n, dtype=bool) is.")
        return np.asarray(found) * 1.0

    cases = [case(3, 2), case(6, 3), case(5, 4)]
    unfit = misfit(window, given)
    if unfit is not None or not callable(window):
        return unfit or judge(window, cases, "", given)
    return judge(as_numbers, cases, "Each row allows at most w keys, whatever n is.", given)


class _Attending(Layer):
    """Attention with Q = K = V = x, the mask set before or, wrongly, after the softmax."""

    name = "attending"

    def __init__(
        self,
        allowed: NDArray[np.bool_],
        *,
        after: bool = False,
        centred: bool = False,
        level: bool = False,
        blank: bool = False,
    ) -> None:
        super().__init__()
        self.allowed, self.after, self.centred = allowed, after, centred
        self.level, self.blank = level, blank
        self.x: Array | None = None
        self.read: list[Array] = []

    def forward(self, x: Array) -> Array:
        """Return the outputs, a row for each token."""
        self.read.append(np.array(x))
        self.x = x = x - x.mean(axis=0) if self.centred else x
        _, self.P = dot_product_attention(x, x, x, None if self.after else self.allowed)
        return self._left((self.P * self.allowed) @ x)

    def _left(self, z: Array) -> Array:
        """Return z, without each row's mean or with 0 in all columns but one, if asked for."""
        if self.blank:
            return np.asarray(z * (np.arange(z.shape[1]) == 2))
        return np.asarray(z - z.mean(axis=1, keepdims=True) if self.level else z)

    def backward(self, dz: Array) -> Array:
        """Return the errors at the tokens."""
        if self.x is None:
            raise RuntimeError("backward: call forward first")
        dz = self._left(dz)
        dS = softmax_vjp(self.P, dz @ self.x.T * self.allowed) / math.sqrt(self.x.shape[1])
        dx = dS @ self.x + dS.T @ self.x + (self.P * self.allowed).T @ dz
        return np.asarray(dx - dx.mean(axis=0) if self.centred else dx)


@checker
def check_reached(reached: Answer) -> Verdict:
    """Check ``reached(layer, x)``: the pairs (i, j), j > i, where an error at i reaches token j."""
    given, n = "layer, x", 5
    rng = np.random.default_rng(0)
    i, j = np.mgrid[:n, :n]
    later = j > i
    layers = {
        "a causal layer": (_Attending(i >= j), i > n),
        "a layer without a mask": (_Attending(i >= 0), later),
        "a mask that is shifted by one": (_Attending(i >= j - 1), j == i + 1),
        "a mask after the softmax": (_Attending(i >= j, after=True), later),
        "one wrong entry in the mask": (
            _Attending((i >= j) | ((i == 1) & (j == 3))), (i == 1) & (j == 3)),
        "a layer that subtracts the mean of all tokens": (
            _Attending(i >= j, centred=True), later),
        "a layer without a mask whose outputs sum to 0": (
            _Attending(i >= 0, level=True), later),
        "a layer without a mask whose outputs are 0 in most columns": (
            _Attending(i >= 0, blank=True), later),
    }  # fmt: skip

    def case(where: str) -> Case:
        layer, right = layers[where]
        more = "Set dz to 0 but for row i, and look at the rows of the result after i."
        silent = {
            "a layer without a mask whose outputs sum to 0": (
                "This layer leaks, but its outputs sum to 0, and nothing was found.",
                "If all entries of row i of dz are equal, their errors may cancel: draw them at"
                " random."),
            "a layer without a mask whose outputs are 0 in most columns": (
                "This layer leaks, though most of its outputs are 0, and nothing was found.",
                "Errors in some columns may reach nothing: fill all columns of row i of dz."),
        }.get(where, ("This layer leaks, and nothing was found.", more))  # fmt: skip
        mistakes: list[tuple[Any, str, str]] = [
            (right.T, "Rows and columns are exchanged.", "First the place of the output, then that"
             " of the token which its error reaches."),
            (right | ~later, "An error may reach its own token and earlier ones.",
             "Return pairs with j > i only."),
            (right | (j == i), "An error may reach its own token.", "j must be greater than i."),
            (right | (j < i), "An error may reach earlier tokens.", "j must be greater than i."),
            (i > n, *silent),
            (~right & later, "These are the pairs that no error connects.", ""),
            (right & (i == 0), "Errors at the first output alone were tried.",
             "Send one from each place in turn."),
            (right & (j == n - 1), "The last token alone was looked at.",
             "Look at all tokens after i."),
            (right & (j == i + 1), "Only the next token was looked at.",
             "Look at all tokens after i."),
            (later, "Here an error from i does not reach all of the later tokens.", more),
            (np.roll(right, (1, 1), (0, 1)), "Count from 0.", ""),
        ]  # fmt: skip
        names = [f"({a}, {b})" for a, b in np.ndindex(n, n)]
        return Case((layer, rng.normal(size=(n, 4))), right * 1.0,
                    distinct([(m * 1.0, *words) for m, *words in mistakes], right), more, names,
                    where=where)  # fmt: skip

    def marks(layer: Layer, x: Array) -> Array:
        assert isinstance(layer, _Attending)
        given_x = x.copy()
        answer = reached(layer, x)
        tried = any(not np.array_equal(of, given_x) for of in layer.read)
        if tried and np.array_equal(x, given_x):
            raise Told("A token was changed: here, errors alone are to find the leaks.")
        if answer is None:
            raise Told("It returns None: is a return missing?")
        pairs = numbers(list(answer)) if np.iterable(answer) else None
        if pairs is not None and not pairs.size:
            pairs = np.zeros((0, 2))
        if pairs is None or pairs.ndim != 2 or pairs.shape[1] != 2:
            raise Told("Return a list of pairs, such as [(0, 1), (0, 2)], or an empty one.")
        if (pairs != np.round(pairs)).any() or (pairs < 0).any():
            raise Told("A place is a whole number, counted from 0.")
        if pairs.size and pairs.max() >= n:
            raise Told(f"There is no place {pairs.max():g}: the first of {n} is 0.")
        found = np.zeros((n, n))
        found[tuple(pairs.astype(int).T)] = 1
        return found

    unfit = misfit(reached, given)
    if unfit is not None or not callable(reached):
        return unfit or judge(reached, [case("a causal layer")], "", given)
    praise = "A mask after the softmax leaks through its denominator, and its errors show it."
    return judge(marks, [case(where) for where in layers], praise, given)


def _attended(Q: Array, K: Array, V: Array, width: float) -> Array:
    """Return softmax(Q Kᵀ / √width) V."""
    E = np.exp(Q @ K.T / math.sqrt(width))
    return np.asarray(E / E.sum(axis=1, keepdims=True) @ V)


@checker
def check_heads(two_heads: Answer) -> Verdict:
    """Check ``two_heads(Q, K, V)``: halves of the columns attend alone and stand side by side."""
    given = "Q, K, V"

    def case(n: int, m: int, width: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        Q, K, V = (rng.normal(size=(rows, width)) for rows in (n, m, m))
        half, wide = width // 2, float(width)
        left, right = slice(half), slice(half, None)
        halves = [(Q[:, c], K[:, c], V[:, c]) for c in (left, right)]
        heads = [_attended(*part, half) for part in halves]
        odd = [_attended(Q[:, k::2], K[:, k::2], V[:, k::2], half) for k in (0, 1)]
        mean = "Each head keeps its own columns of the result.", "Use np.hstack."
        mistakes: list[tuple[Any, str, str]] = [
            (_attended(Q, K, V, wide), "This is one head.", "Cut the columns in two first."),
            (_attended(Q, K, V, half), "This is one head.", "Cut the columns in two first."),
            (np.hstack([_attended(*part, wide) for part in halves]),
             "The scores were divided by the root of the whole width.",
             "The queries of a head have half as many columns."),
            (np.hstack([_attended(*part, 1) for part in halves]), "The scores were not divided.",
             "Divide them by the root of the width of one head."),
            (np.hstack(heads[::-1]), "The heads are exchanged.", "The left columns come first."),
            (np.hstack(odd), "Every other column went to a head.",
             "The first head has the left half of the columns."),
            (heads[0], "This is the left head alone.", "Put the other one beside it."),
            (heads[1], "This is the right head alone.", "Put the other one beside it."),
            (heads[0] + heads[1], *mean),
            ((heads[0] + heads[1]) / 2, *mean),
            (np.vstack(heads), "The heads stand one below the other.", "Use np.hstack."),
            (np.hstack([_attended(Q[:, left], K[:, left], of, half) for of in
                        (V[:, left], V[:, right])]),
             "Both heads look with the left columns.", "Cut Q and K as V."),
        ]  # fmt: skip
        expected = np.hstack(heads)
        names = [f"Y[{i}, {j}]" for i, j in np.ndindex(expected.shape)]
        more = "Attend with the left halves of Q, K and V, then on the right halves."
        where = f"{n} queries and {m} keys of width {width}"
        return Case((Q, K, V), expected, distinct(mistakes, expected), more, names, where=where)

    cases = [case(2, 3, 4, 0), case(4, 3, 6, 1), case(4, 4, 8, 2)]
    return judge(two_heads, cases, "Each head looks on its own, at its own columns.", given)


@checker
def check_running(sums: Any, y: Any) -> Verdict:
    """Check the online softmax of the scores ln 2, ln 8, ln 4 with the values 8, 1 and 2."""
    right = [[8.0, 1.0], [3.0, 1.25], [4.0, 1.75]]
    parts: list[Part] = [
        ("The sums", right, [
            ([[16.0, 2.0], [24.0, 10.0], [32.0, 14.0]], "These are the sums of e^s.",
             "Subtract the largest score so far: the first power is 1."),
            ([[8.0, 1.0], [9.0, 2.0], [10.0, 2.5]], "Old sums are not rescaled.",
             "When ln 8 arrives, both old sums shrink by 2/8."),
            ([[8.0, 1.0], [9.0, 1.25], [10.0, 1.75]], "The sum with the values is not rescaled.",
             "When ln 8 arrives, both old sums shrink by 2/8."),
            ([[8.0, 1.0], [3.0, 2.0], [4.0, 2.5]], "The sum of the powers is not rescaled.",
             "When ln 8 arrives, both old sums shrink by 2/8."),
            ([[8.0, 1.0], [33.0, 5.0], [34.0, 5.5]], "The old sums were multiplied by 8/2.",
             "A larger maximum makes old powers smaller."),
            ([[8.0, 1.0], [3.0, 1.25], [8.0, 3.5]], "The third score was taken for the largest.",
             "ln 4 is less than ln 8, so nothing is rescaled."),
            ([[8.0, 1.0], [3.0, 1.25], [5.0, 2.25]], "The third power is not 1.",
             "It is 4/8, because the largest score is ln 8."),
            ([row[::-1] for row in right], "The two sums are exchanged.",
             "The sum with the values comes first."),
            (right[-1], "These are the last sums alone.", "Give a pair after each key."),
            ([[2.0, 0.25], [3.0, 1.25], [4.0, 1.75]], "The largest score was known from the start.",
             "After the first key, the largest score so far is its own."),
            (np.transpose(right), "Rows and columns are exchanged.", "Give a pair after each key."),
        ], "After each key: multiply both sums by e^(old - new maximum), then add the new terms."),
        ("The output", 16 / 7, [
            (4.0, "This is the first sum.", "Divide it by the second."),
            (11 / 3, "This is the plain mean of the values.", "Divide the last two sums."),
            (7 / 16, "The quotient is upside down.", "Divide the first sum by the second."),
        ], "Divide the last two sums."),
    ]  # fmt: skip
    return in_turn((sums, y), parts, "The same as 32/14, and no power was ever above 1.")


@checker
def check_joined(sums: Any, ds: Any) -> Verdict:
    """Check the blocks (ln 2, 12, 3) and (ln 6, 5, 2), and a key with s = ln 3, v = 5, dy = 6."""
    scale = "The first block is relative to ln 2, so its sums shrink by 2/6."
    parts: list[Part] = [
        ("The sums", [9.0, 3.0], [
            ([17.0, 5.0], "Neither block was rescaled.", scale),
            ([41.0, 11.0], "The first block was multiplied by 6/2.",
             "A larger maximum makes old powers smaller."),
            ([27.0, 9.0], "These are relative to ln 2.", "Use the larger top."),
            ([54.0, 18.0], "These are the sums of e^s.", "Divide both by 6, the larger power."),
            ([3.0, 9.0], "The two sums are exchanged.", "The sum with the values comes first."),
            ([17.0, 3.0], "The sum with the values is not rescaled.", scale),
            ([9.0, 5.0], "The total is not rescaled.", scale),
            ([4.0, 1.0], "This is the first block alone.", "Add the second block."),
            ([41 / 3, 11 / 3], "The second block was rescaled.", scale),
        ], scale),
        ("The error at the score", 2.0, [
            (-2.0, "This is a step downhill.", "The error is the derivative itself."),
            (5.0, "The mean was not taken away.", "It is dy times the output."),
            (12.0, "The weight is missing.", "It is e^(s - log-sum)."),
            (1 / 3, "The error at the output is missing.", "It is 6."),
            (1 / 6, "This is the weight.", "Multiply it by dy v - dy y."),
            (6.0, "The power was not divided by the total.", "The weight is e^(s - log-sum)."),
            (3.75, "The second block alone was used.", "Both blocks give the log-sum and y."),
            (3.0, "The weight is that in the second block.", "The log-sum is that of both."),
            (2.5, "The output is that of the second block.", "Its mean is over both blocks."),
            (1.0, "This is dy times the weight, the error at the value.",
             "Multiply the weight by dy v - dy y."),
        ], "The output is 9/3, and the log-sum ln 6 + ln 3."),
    ]  # fmt: skip
    return in_turn((sums, ds), parts, "Blocks may be read in any order, or by two machines.")


@checker
def check_block_errors(block_errors: Answer) -> Verdict:
    """Check ``block_errors(Q, K, V, Y, log_sums, dY)``: the errors at the scores of one block."""
    given = "Q, K, V, Y, log_sums, dY"

    def case(n: int, m: int, block: slice, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        Q, K = rng.normal(size=(n, 2)), rng.normal(size=(m, 2))
        V, dY = rng.normal(size=(m, 3)), rng.normal(size=(n, 3))
        E = np.exp(Q @ K.T)
        totals = E.sum(axis=1, keepdims=True)
        Y, log_sums = E @ V / totals, np.log(totals[:, 0])
        K, V, E = K[block], V[block], E[:, block]
        P, alone, dP = E / totals, E / E.sum(axis=1, keepdims=True), dY @ V.T
        mean = (dY * Y).sum(axis=1, keepdims=True)
        right = P * (dP - mean)
        over = "The mean is over this block alone.", "dY * Y knows all keys."
        block_alone = (
            "The weights of a row sum to 1 in this block.",
            "Use the log-sums, which know all keys.",
        )
        mistakes: list[tuple[Any, str, str]] = [
            (P * dP, "The mean is not taken away.", "Sum dY * Y along each row."),
            (P * (dP - (P * dP).sum(axis=1, keepdims=True)), *over),
            (alone * (dP - mean), *block_alone),
            (alone * (dP - (alone * dP).sum(axis=1, keepdims=True)), *block_alone),
            (dP - mean, "The weights are missing.", "Multiply by exp(S - log-sum)."),
            (E * (dP - mean), "The log-sums are not subtracted.", "Subtract one from each row."),
            (P * (dP + mean), "The mean is added.", "Subtract it."),
            (P * (dP - (dY * Y).sum()), "One mean serves all queries.", "Sum along each row."),
            (np.exp(Q @ K.T / 2**0.5 - log_sums[:, None]) * (dP - mean),
             "The scores are divided.", "The root of d is left out here."),
            (right / 2**0.5, "The errors are divided.", "The root of d is left out here."),
            (P, "These are the weights.", "Multiply them by dY Vᵀ less the mean."),
            (dP, "These are the errors at the weights.", "Subtract the mean, and multiply by P."),
            (-right, "This is a step downhill.", "The error is the derivative itself."),
            (right.T, "Rows and columns are exchanged.", "A row belongs to a query."),
            (right.sum(axis=0), "The errors of all queries are added.", "Give each query a row."),
        ]  # fmt: skip
        names = [f"dS[{i}, {j}]" for i, j in np.ndindex(right.shape)]
        more = "First compute the weights again, from Q, K and the log-sums."
        return Case((Q, K, V, Y, log_sums, dY), right, distinct(mistakes, right), more, names,
                    where=f"{n} queries and {len(K)} of {m} keys")  # fmt: skip

    cases = [case(2, 4, slice(2), 0), case(3, 5, slice(1, 5), 1), case(2, 3, slice(1, 3), 2)]
    return judge(block_errors, cases, "No row of weights was ever whole.", given)
