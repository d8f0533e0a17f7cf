"""Checkers of the chapter "Recurrent networks".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Verdict,
    alike,
    checker,
    distinct,
    in_turn,
    judge,
    numbers,
)

BOTH = {
    (0.0, 0.0): ("The error at the end is not 0.", "Compute the three states again."),
    (0.0, 8.0): ("The error has not been multiplied by u on its way back.",
                 "δ₃ is the error at the end. Each step back multiplies it by u = 3."),
    (3.0, 10.0): ("A step back multiplies by u, not by w.",
                  "δ₃ is the error at the end. Each step back multiplies it by u = 3."),
    (16.0, 24.0): ("The ½ of the loss is missing.", "The square brings a 2."),
    (128.0, 192.0): ("The error is h₃ itself here.", "Subtract the target."),
    (12.0, 8.0): ("The two answers are exchanged.", "∂L/∂w comes first."),
    (-8.0, -12.0): ("The sizes are right, the signs are not.", "The error is h₃ - 15."),
}  # fmt: skip
"""Mistakes that change δ, and so both derivatives."""


@checker
def check_hand(dw: Any, du: Any) -> Verdict:
    """Check h = 2x + 3h, x = (1, 0, -1), L = ½(h₃ - 15)²: the sums over three steps, 8 and 12."""
    back = "δ₃ is the error at the end. Each step back multiplies it by u = 3."
    uses = "Each step adds its δ times what the weight was multiplied by there."
    same = "Both derivatives use the same δ at each step, so a wrong δ would spoil both."
    given = [numbers(value) for value in (dw, du)]
    for pair, said in BOTH.items():
        if all(
            v is not None and v.shape == () and v == w for v, w in zip(given, pair, strict=True)
        ):
            return Verdict(False, f"Both: {said[0]}", said[1])
    parts: list[Part] = [
        ("∂L/∂w", 8.0, [
            (-1.0, "This is the last step's term alone.", uses),
            (9.0, "This is the first step's term alone.", uses),
            (-8.0, "The size is right, the sign is not.", "The first input is 1, the last -1."),
            (0.0, "The first step's δ should have passed u twice.", back),
            (2.0, "The first step's δ has passed u once.", "Two steps lie between h₁ and h₃."),
            (10.0, "The last input is negative.", uses),
            (3.0, "An error passes u once for each step back, twice to step 1.", back),
            (12.0, "This is ∂L/∂u.", ""),
            (26.0, "Each term was multiplied by a state.", "w was multiplied by the inputs."),
            (1.0, "This is the error at the end.", uses),
        ], same),
        ("∂L/∂u", 12.0, [
            (6.0, "One of its two terms is missing.",
             "u was multiplied by h₁ at step 2 and by h₂ at step 3."),
            (40.0, "The state of the same step was used.",
             "At step t, u was multiplied by h_{t-1}."),
            (16 + 18 + 18, "The state of the same step was used.",
             "At step t, u was multiplied by h_{t-1}."),
            (-12.0, "The size is right, the sign is not.", "No state here is negative."),
            (8.0, "The error of step 2 has not been multiplied by u, or this is ∂L/∂w.", back),
            (24.0, "A state was paired with the δ of another step.",
             "At step t, δ_t goes with h_{t-1}."),
            (18.0, "A state was paired with the δ of another step.",
             "At step t, δ_t goes with h_{t-1}."),
            (10.0, "A step back multiplies by u, not by w.", back),
        ], "u was multiplied by h₁ at step 2 and by h₂ at step 3."),
    ]  # fmt: skip
    return in_turn((dw, du), parts, "Sums over all uses.")


@checker
def check_stretch(radius: Any, stretch: Any, steps: Any) -> Verdict:
    """Check Uᵀ = [[0.5, 4], [0, 0.5]]: radius 0.5, largest singular value 4.06, six steps."""
    matrix = np.array([[0.5, 4.0], [0.0, 0.5]])
    large, small = np.linalg.svd(matrix, compute_uv=False)
    radius_ = "The radius is the size of the largest eigenvalue. The matrix is triangular."
    frobenius = math.sqrt(float((matrix**2).sum()))
    if alike(radius, 0.5) and not alike(stretch, large) and alike(stretch, frobenius):
        return Verdict(
            False,
            "The largest singular value: This is the root of the sum of all squares.",
            "It counts both singular values. Take the larger one alone.",
        )
    parts: list[Part] = [
        ("The spectral radius", 0.5, [
            (4.0, "This is the largest entry.", radius_),
            (float(large), "This is the largest singular value.", radius_),
            (1.0, "This is the trace, the sum of the eigenvalues.", radius_),
            (0.25, "This is the determinant, the product of the eigenvalues.", radius_),
            (4.5, "This is the largest sum of a row.", radius_),
            (float(small), "This is the smallest singular value.", radius_),
            (0.0, "0 is an entry, but no eigenvalue.", radius_),
        ], radius_),
        ("The largest singular value", float(large), [
            (0.5, "This is the spectral radius.", "How much can one step stretch a row?"),
            (4.0, "This is the largest entry, which is not quite the most.",
             "It is the root of the largest eigenvalue of U Uᵀ."),
            (float(large**2), "This is its square.", "Take the root."),
            (float(small), "This is the smallest one.", ""),
            (4.5, "This is the largest sum of a row.", ""),
            (math.sqrt(16.25), "This is how much (1, 0) is stretched.",
             "Another row is stretched a little more."),
            (4.1, "Give three significant digits.", ""),
        ], "It is the root of the largest eigenvalue of U Uᵀ."),
        ("The steps", 6.0, [
            (5.0, "After five steps the length is still above 1.", "Multiply (1, 0) again."),
            (7.0, "It is shorter than 1 before that.", "Multiply (1, 0) again."),
            (1.0, "With U it would be short after one step, but the error goes through Uᵀ.",
             "Multiply (1, 0) by the matrix of the exercise, from the right."),
            (0.0, "At the start the length is 1.", "It must be below."),
            (2.0, "This is too early.", "Multiply (1, 0) again."),
            (3.0, "The error is multiplied by more than the eigenvalue at first.",
             "Multiply (1, 0) again."),
            (4.0, "This is too early.", "Multiply (1, 0) again."),
            (math.inf, "The radius is below 1, so it fades in the end.", "Multiply (1, 0) again."),
        ], "Multiply (1, 0) by the matrix from the right, again and again."),
    ]  # fmt: skip
    return in_turn((radius, stretch, steps), parts, "First it grows, then it fades.")


def _rest(u: float) -> float:
    """Return the positive state at which h = tanh(u h), for u > 1."""
    h = 1.0
    for _ in range(200):
        h = math.tanh(u * h)
    return h


@checker
def check_rest(state: Any, factor: Any) -> Verdict:
    """Check the positive resting state of h = tanh(1.5 h), 0.859, and its factor, 0.394."""
    u = 1.5
    h, slower = _rest(u), _rest(1.2)
    again = "Put in 1, put in what comes out, and go on until nothing changes."
    whole = "It is the slope of tanh at rest, 1 - h², times u."
    parts: list[Part] = [
        ("The state", h, [
            (0.0, "The unit rests at 0, too, but the positive state is asked.", again),
            (-h, "The unit rests there, too, but the positive state is asked.", "Start at 1."),
            (slower, "This is where the unit with u = 1.2 rests.", "Here u is 1.5."),
            (math.tanh(u), "This is the state after one step only.", again),
            (math.tanh(u * math.tanh(u)), "This is the state after two steps only.", again),
            (1.0, "tanh never reaches 1.", again),
            (u * h, "This is z. The state is its tanh.", ""),
            (0.86, "Give three significant digits.", ""),
        ], again),
        ("The factor", u * (1 - h**2), [
            (1 - h**2, "This is the slope of tanh alone.", "A step back also passes u."),
            (u, "This is u alone, the factor at 0.", "At rest, the slope of tanh is below 1."),
            (u * h, "The state is not the slope.", whole),
            (u * (1 - h), "The slope of tanh is 1 - h², not 1 - h.", whole),
            (u * (1 - math.tanh(h) ** 2), "h is tanh(z) already.", whole),
            (u * h**2, "This is u h². The slope of tanh is 1 - h².", whole),
            (1.2 * (1 - slower**2), "This is the factor with u = 1.2.", "Here u is 1.5."),
            (1.2 * (1 - h**2), "The slope is right, but u is 1.5 here.", whole),
            (0.39, "Give three significant digits.", ""),
        ], whole),
    ]  # fmt: skip
    return in_turn((state, factor), parts, "Held firmly, and soon forgotten.")


def gradient_U(h: Array, U: Array, shares: Array, k: int = 0, mistake: str = "") -> Array:
    """Return ∂L/∂U of a tanh layer; the error stops between chunks of k steps, if k is not 0.

    A ``mistake`` is one of those that the checkers know.
    """
    total, error, later = np.zeros_like(U), np.zeros(len(U)), np.zeros(len(U))
    last = len(shares) - 1
    for t in reversed(range(len(shares))):
        own = shares[t] if mistake != "no shares" or t == last else 0 * shares[t]
        arriving = own if mistake == "no future" else own + error
        state = h[t] if mistake == "early slope" else h[t + 1]
        slope = np.ones(len(U)) if mistake == "no slope" else 1 - state**2
        if mistake == "root slope":
            slope = 1 - state
        if mistake == "tanh of h":
            slope = 1 - np.tanh(state) ** 2
        delta = arriving * slope
        if mistake == "share after":
            delta = own + error * slope
        before = h[t + 1] if mistake == "same state" else h[t]
        factor = delta if mistake != "arriving" else arriving
        term = np.outer(factor, before) if mistake == "transposed" else np.outer(before, factor)
        total = term if mistake == "no sum" else total + term
        if mistake == "last alone" and t == last:
            return term
        came = error if mistake == "piled up" else np.zeros(len(U))
        error = came + delta @ (U if mistake == "no transpose" else U.T)
        if mistake == "no U":
            error = delta
        if mistake == "slope after":
            error = arriving @ U.T
        if k and t % k == 0 and (mistake == "all new" or (mistake == "new state" and t)):
            total = total - term + np.outer(0 * before, factor)
        if k and mistake == "first alone" and t >= k:
            total = np.zeros_like(U)
        stops = k and t % k == 0
        if mistake == "reversed":
            stops = not stops
        if mistake == "late stop":
            stops = k and (t + 1) % k == 0
        if mistake == "from the end":
            stops = k and (last - t + 1) % k == 0
        if stops:
            error = later
        if mistake == "once" and last - t + 1 >= k:
            return total
    return np.asarray(total)


def _sliding(h: Array, U: Array, shares: Array, k: int) -> Array:
    """Return ∂L/∂U if the share of each step goes back through k steps, wherever it begins."""
    total = np.zeros_like(U)
    for last in range(len(shares)):
        error = shares[last]
        for t in range(last, max(last - k, -1), -1):
            delta = error * (1 - h[t + 1] ** 2)
            total += np.outer(h[t], delta)
            error = delta @ U.T
    return total


WRONG = {
    "last alone": ("Only the last step is there.", "Every step has a term."),
    "no sum": ("Only the first step is left.", "Add the terms of all steps."),
    "no future": ("The error of the future is missing.",
                  "∂L/∂h_t is the step's own share plus what comes back from step t + 1."),
    "no shares": ("Only the last step's share of the loss is used.",
                  "Add the own share at every step."),
    "no slope": ("The slopes are missing.", "δ_t = ∂L/∂h_t ⊙ (1 - h_t²)."),
    "root slope": ("The slope of tanh is 1 - h², not 1 - h.", ""),
    "early slope": ("The slope is that of the step before.", "At step t it is 1 - h_t²."),
    "tanh of h": ("h is tanh(z) already.", "In terms of h, the slope is 1 - h²."),
    "same state": ("The state of the same step was used.",
                   "At step t, U was multiplied by h_{t-1}."),
    "transposed": ("Each term is transposed.", "Rows of U belong to h_{t-1}, columns to δ_t."),
    "no transpose": ("The error was multiplied by U.", "On the way back it is U's transpose."),
    "no U": ("The error has not passed U.", "A step back multiplies by U's transpose."),
    "slope after": ("What goes back has not been multiplied by the slopes.",
                    "δ_t goes through U's transpose, not ∂L/∂h_t."),
    "arriving": ("The terms lack the slopes.", "h_{t-1} is multiplied by δ_t."),
    "share after": ("The own share has not been multiplied by the slopes.",
                    "It is a part of ∂L/∂h_t, as what comes from the future is."),
    "piled up": ("What has arrived at a step was used again at the step before.",
                 "δ_t replaces it: only δ_t U's transpose goes on."),
}  # fmt: skip
"""Mistakes of a backward pass: what is said of them, and more."""


def _sequences() -> list[tuple[Array, Array, Array]]:
    found: list[tuple[Array, Array, Array]] = []
    for seed, (n, T) in enumerate(((1, 2), (2, 4), (3, 5))):
        rng = np.random.default_rng(seed)
        U, shares = rng.normal(size=(n, n)), rng.normal(size=(T, n))
        h = np.tanh(rng.normal(size=(T + 1, n)))
        found.append((h, U, shares))
    return found


@checker
def check_backward(gradient_U: Answer) -> Verdict:
    """Check ``gradient_U(h, U, shares)`` on sequences of two, four and five steps."""
    reference = globals()["gradient_U"]
    more = "Walk from the last step to the first, and compute δ_t before each term."
    cases = []
    for h, U, shares in _sequences():
        right = reference(h, U, shares)
        mistakes: Mistakes = [
            (reference(h, U, shares, mistake=name), *said) for name, said in WRONG.items()
        ]
        mistakes.append((right / len(shares), "This is the mean over the steps.", "Take the sum."))
        for shift in (1, -1):
            rolled = np.roll(shares, shift, axis=0)
            mistakes.append(
                (reference(h, U, rolled), "The shares belong to other steps.",
                 "Row t - 1 of shares is that of h_t, which is row t of h.")
            )  # fmt: skip
        where = f"{len(shares)} steps of {len(U)} unit{'s' * (len(U) > 1)}"
        cases.append(Case((h, U, shares), right, distinct(mistakes, right), more, where=where))
    return judge(gradient_U, cases, "One loop, and a sum over its steps.", "h, U, shares")


@checker
def check_truncated(truncated_U: Answer) -> Verdict:
    """Check ``truncated_U(h, U, shares, k)`` for chunks of several lengths."""
    more = "Counted from 1, the error stops between steps k and k + 1, 2k and 2k + 1, and so on."
    cases = []
    for (h, U, shares), k in zip(
        [*_sequences()[1:], *_sequences()[:0:-1]], (3, 2, 1, 2), strict=True
    ):
        right = gradient_U(h, U, shares, k)
        begin = (len(shares) - 1) // k * k
        mistakes: Mistakes = [
            (gradient_U(h, U, shares), "The error never stops.", more),
            (gradient_U(h, U, shares, 1), "The error always stops.", more),
            (gradient_U(h, U, shares, k, "late stop"), "It stops one step too early.", more),
            (gradient_U(h, U, shares, k, "from the end"), "The chunks are counted from the end.",
             "The first chunk has the steps 1 to k."),
            (gradient_U(h, U, shares, k, "once"), "Only the last k steps have a term.",
             "Every step has a term; the error starts anew from its own share."),
            (gradient_U(h, U, shares, k + 1), "These chunks have k + 1 steps.", more),
            (gradient_U(h, U, shares, max(k - 1, 1)), "These chunks have k - 1 steps.", more),
            (gradient_U(h, U, shares, k, "reversed"), "The error stops where it should go on.",
             more),
            *((gradient_U(h, U, shares, k, name), "The state was set to 0 at each cut.",
               "Only the error stops. The states are those that were given.")
              for name in ("new state", "all new")),
            (gradient_U(h[-k - 1 :], U, shares[-k:]), "Only the last k steps have a term.",
             "Every step has a term; the error starts anew from its own share."),
            (gradient_U(h, U, shares, k, "first alone"), "Only the first chunk is there.",
             "Every step has a term."),
            (gradient_U(h[begin:], U, shares[begin:]), "Only the last chunk is there.",
             "Every step has a term."),
            (_sliding(h, U, shares, k), "Here every share goes back through k steps.",
             "The cuts are fixed, between k and k + 1 and so on, for the shares of all steps."),
            (right / -(-len(shares) // k), "This is the mean over the chunks.", "Take the sum."),
            *((gradient_U(h, U, shares, k, name), *said) for name, said in WRONG.items()),
        ]  # fmt: skip
        where = f"{len(shares)} steps of {len(U)} units with k = {k}"
        cases.append(Case((h, U, shares, k), right, distinct(mistakes, right), more, where=where))
    praise = "The state crosses, the error does not."
    return judge(truncated_U, cases, praise, "h, U, shares, k")


def passed(h: Array, U: Array, error: Array, mistake: str = "") -> Array:
    """Return by what all slopes, and all Uᵀ, multiply an error's length from step T to step 1.

    A ``mistake`` is one of those that the checker knows.
    """
    first, last = 2, len(h) - 1
    if mistake == "to h_0":
        first = 1
    if mistake == "to h_2":
        first = 3
    if mistake == "early slope":
        first, last = 1, len(h) - 2
    factors = []
    for t in range(last, first - 1, -1):
        slope = 1 - (h[t] if mistake == "root slope" else h[t] ** 2)
        if mistake == "tanh of h":
            slope = 1 - np.tanh(h[t]) ** 2
        matrix = U if mistake == "no transpose" else U.T
        by = float(slope.mean()), float(np.linalg.norm(U, 2))
        if mistake == "U first":
            moved = error @ matrix
            new = moved * slope
            by = _length(new) / _length(moved), _length(moved) / _length(error)
        elif mistake != "norm":
            delta = error * slope
            new = delta @ matrix
            start = delta if mistake != "from error" else error
            by = _length(delta) / _length(error), _length(new) / _length(start)
        factors.append(by)
        if mistake not in ("same error", "norm"):
            error = new
    found = np.array(factors)
    if mistake == "last alone":
        return np.asarray(found[0])
    if mistake == "sum":
        return np.asarray(found.sum(axis=0))
    products: Array = found.prod(axis=0)
    if mistake == "exchanged":
        return products[::-1]
    if mistake == "upside down":
        return 1 / products
    if mistake == "per step":
        return np.asarray(products ** (1 / len(found)))
    if mistake == "mean":
        return np.asarray(found.mean(axis=0))
    return products


def _length(row: Array) -> float:
    return float(np.linalg.norm(row))


ON_THE_WAY = {
    "exchanged": ("The two answers are exchanged.", "That of the slopes comes first."),
    "to h_0": ("The error has gone one step too far.", "It stops at step 1, before h₁'s slope."),
    "to h_2": ("The error has stopped one step too soon.", "From step T to step 1, T - 1 steps."),
    "early slope": ("The slopes are those of the step before.", "The first slopes are h_T's."),
    "root slope": WRONG["root slope"],
    "tanh of h": WRONG["tanh of h"],
    "no transpose": WRONG["no transpose"],
    "U first": ("U came before the slopes.", "Multiply by the slopes of step t, then by Uᵀ."),
    "from error": ("The second factor compares with the error before the slopes.",
                   "Divide by the length after the slopes."),
    "same error": ("Every step starts from the last step's error.", "Pass the error on."),
    "norm": ("These are the mean slope and U's largest stretch.",
             "Send this very error back, and measure its length."),
    "last alone": ("Only the first step back is there.", "Multiply over all steps."),
    "sum": ("The factors were added up.", "Each step multiplies the length."),
    "mean": ("This is the mean of the factors.", "Take the product."),
    "per step": ("These are the factors of one step.", "Take the products over all steps."),
    "upside down": ("These are the ratios upside down.", "Divide what comes by what was there."),
}  # fmt: skip
"""Mistakes of the exercise on a trained network: what is said of them, and more."""


@checker
def check_passed(passed: Answer) -> Verdict:
    """Check ``passed(h, U, error)`` on sequences of three, four and five steps."""
    reference = globals()["passed"]
    more = "From step T to step 1: times the slopes of a step, then times Uᵀ, T - 1 times each."
    cases = []
    for seed, (n, T) in enumerate(((2, 3), (3, 4), (4, 5))):
        rng = np.random.default_rng(seed)
        h = np.tanh(rng.normal(size=(T + 1, n)))
        h[0] = 0
        U, error = rng.normal(size=(n, n)), rng.normal(size=n)
        right = reference(h, U, error)
        mistakes = [(reference(h, U, error, name), *said) for name, said in ON_THE_WAY.items()]
        mistakes.append(
            (right.prod(), "This is all that is left of the error.", "Return both products.")
        )
        names, where = ("The factor of the slopes", "The factor of U"), f"{T} steps of {n} units"
        told = distinct(mistakes, right)
        cases.append(Case((h, U, error), right, told, more, names, where=where))
    praise = "What shortens the error, and what lengthens it."
    return judge(passed, cases, praise, "h, U, error")
