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
            (-1.0, "This is the last step's share alone.", uses),
            (9.0, "This is the first step's share alone.", uses),
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
            (6.0, "One of its two shares is missing.",
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
def check_gate(left: Any, bias: Any) -> Verdict:
    """Check σ(1)¹⁰ and the bias b with σ(b)¹⁰⁰ = ½."""
    gate = 1 / (1 + math.exp(-1))
    open_ = 0.5 ** (1 / 100)
    parts: list[Part] = [
        ("What is left", gate**10, [
            (gate, "This is left after one step.", "Ten steps multiply."),
            (1 - gate**10, "This is what is lost.", "What is left?"),
            (10 * gate, "Ten factors multiply, they do not add.", ""),
            ((1 - gate) ** 10, "This gate has the bias -1.", "σ(b) = 1/(1 + e⁻ᵇ)."),
            (math.tanh(1) ** 10, "A gate is a sigmoid, not a tanh.", "σ(b) = 1/(1 + e⁻ᵇ)."),
            (0.5**10, "This gate has the bias 0.", "σ(1) is larger than ½."),
            (gate**9, "These are nine steps.", ""),
            (gate**11, "These are eleven steps.", ""),
            (gate**40, "These are forty steps.", ""),
            (100 * gate**10, "This is per cent.", "Give the fraction itself."),
            (math.exp(-10), "This gate would be e⁻¹.", "σ(b) = 1/(1 + e⁻ᵇ)."),
            (math.log(open_ / (1 - open_)), "This is a bias: the answers are exchanged.", ""),
            (0.044, "Give three significant digits.", ""),
            (1.0, "This gate would be 1.", "The bias is 1, the gate is σ(1)."),
            ((gate * (1 - gate)) ** 10, "These are slopes of the sigmoid.",
             "Along the cell, the error is multiplied by the gate itself."),
        ], "The gate is σ(1), ten times."),
        ("The bias", math.log(open_ / (1 - open_)), [
            (open_, "This is the gate.", "Which b has σ(b) equal to it?"),
            (-math.log(open_ / (1 - open_)), "This gate is nearly shut.", "Look at the sign."),
            (math.log(open_), "The logarithm of the gate is not its bias.",
             "Solve 1/(1 + e⁻ᵇ) = gate for b."),
            (math.log(0.5 / 0.5), "This gate is one half.", "It must be so after 100 steps."),
            (math.atanh(open_), "A gate is a sigmoid, not a tanh.", ""),
            (math.log(0.5**0.1 / (1 - 0.5**0.1)), "This leaves one half after 10 steps.", ""),
            (math.log(0.5 ** (1 / 40) / (1 - 0.5 ** (1 / 40))), "This is for 40 steps.", ""),
            (math.log(0.995 / 0.005), "The steps multiply: 1 - 0.5/100 is not quite the gate.",
             "Which gate has the 100th power ½?"),
            (math.log10(open_ / (1 - open_)), "σ has e in it, so take the natural logarithm.", ""),
            (math.log2(open_ / (1 - open_)), "σ has e in it, so take the natural logarithm.", ""),
            (math.log(0.5**0.02 / (1 - 0.5**0.02)), "This is for 50 steps.", ""),
            (math.log(0.01 / 0.99), "This gate forgets nearly all at once.",
             "Which gate has the 100th power ½?"),
            (100.0, "So open a gate keeps nearly everything.", "Which gate has the 100th power ½?"),
            (0.5, "This gate forgets fast.", "Which gate has the 100th power ½?"),
            (5.0, "Close, but three significant digits are needed.", ""),
        ], "First find the gate whose 100th power is ½, then its b."),
    ]  # fmt: skip
    return in_turn((left, bias), parts, "A bias of 5 is not extreme.")


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


def _kept(f: Array) -> Array:
    return np.array([np.prod(f[t:], axis=0) for t in range(len(f) + 1)])


@checker
def check_kept(kept: Answer) -> Verdict:
    """Check ``kept(f)``: row t is the product of the gates of steps t + 1 … T, and 1 at the end."""

    def case(f: Array) -> Case:
        right, T = _kept(f), len(f)
        one = np.ones((1, f.shape[1]))
        ahead = "What happens to the cell between step t and step T?"
        mistakes: Mistakes = [
            (np.vstack([one, np.cumprod(f, axis=0)]), "These products begin at the first step.",
             ahead),
            (np.cumprod(f, axis=0), "These products begin at the first step.", ahead),
            (right[:-1], "The row for t = T is missing.", "∂c_T/∂c_T is 1."),
            (right[1:], "The row for t = 0 is missing.", "There are T + 1 states, with c_0."),
            (right[::-1], "The rows are in reverse order.", "Row 0 belongs to t = 0."),
            (np.vstack([f, one]), "Only one step was taken from each t.", ahead),
            (np.vstack([one, f]), "These are the gates themselves.", ahead),
            (np.vstack([np.cumsum(f[::-1], axis=0)[::-1], one]), "The gates were added.",
             "Factors along a path multiply."),
            (np.vstack([np.cumsum(f[::-1], axis=0)[::-1], 0 * one]), "The gates were added.",
             "Factors along a path multiply."),
            (np.vstack([right[:-1], 0 * one]), "The last row is 0.", "∂c_T/∂c_T is 1."),
            (np.vstack([right[1:], one]), "These products begin one step too late.",
             "From c_t to c_{t+1}, the gate of step t + 1 acts, which is row t of f."),
            (np.vstack([right[:1], right[:-1]]), "These products begin one step too early.",
             "The last row belongs to t = T."),
            (np.prod(f, axis=0), "This is the row for t = 0 alone.", "Return one row for each t."),
            (_kept(1 - f), "These are products of 1 - f.", "The gate f is what stays."),
            (_kept(f * (1 - f)), "These are products of the sigmoid's slopes.",
             "Along the cell, the gate itself is the factor."),
            (np.array([np.full(f.shape[1], np.prod(f[t:])) for t in range(T + 1)]),
             "The units were multiplied together.", "Each column is a cell of its own."),
            (np.vstack([np.cumprod(f, axis=1), one]), "These products run over the units.",
             "Multiply along the steps, the first axis."),
            (np.vstack([np.cumprod(f[:, ::-1], axis=1), one]), "These products run over the units.",
             "Multiply along the steps, the first axis."),
            (np.vstack([one, np.cumprod(f, axis=0)])[::-1], "These are the first gates, reversed.",
             "From c_t to c_T, the gates of the last steps act."),
            (np.vstack([np.cumprod(f[::-1])[::-1].reshape(f.shape), one]),
             "The units were multiplied together.", "Each column is a cell of its own."),
            (f[0] ** np.arange(T, -1, -1)[:, None], "Here all steps have the first gate.",
             "Each step has a gate of its own."),
            (f[-1] ** np.arange(T, -1, -1)[:, None], "Here all steps have the last gate.",
             "Each step has a gate of its own."),
        ]  # fmt: skip
        return Case((f,), right, distinct(mistakes, right), ahead)

    cases = [case(np.array([[0.5, 0.9], [0.8, 0.1], [0.25, 0.4]])), case(np.array([[0.3], [0.7]]))]
    return judge(kept, cases, "From each state to the last.", "f")


def _cell_back(dc: Array, f: Array, i: Array, g: Array, c: Array) -> Array:
    return np.array([dc * c * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g**2), dc * f])


@checker
def check_cell_back(cell_back: Answer) -> Verdict:
    """Check ``cell_back(dc, f, i, g, c)``: δ of f, i and g, and the direct share of ∂L/∂c_{t-1}."""
    more = "In c_t = f c_{t-1} + i g, what is each of the four multiplied by?"
    gates = "A gate is a sigmoid: its slope is f(1 - f). The candidate is a tanh."

    def case(*given: Array) -> Case:
        dc, f, i, g, c = given
        right = _cell_back(*given)
        a, b, d, e = right
        plain = np.array([dc * c, dc * g, dc * i, dc * f])
        slopes = np.array([f * (1 - f), i * (1 - i), 1 - g**2, np.ones_like(f)])
        mistakes: Mistakes = [
            (plain, "The slopes of sigmoid and tanh are missing.", gates),
            (np.array([a, b, dc * i, e]), "The slope of the candidate's tanh is missing.", gates),
            (np.array([dc * c, dc * g, d, e]), "The slopes of the two gates are missing.", gates),
            (np.array([dc * c, b, d, e]), "The slope of the forget gate is missing.", gates),
            (np.array([a, dc * g, d, e]), "The slope of the input gate is missing.", gates),
            (plain * np.array([1 - f**2, 1 - i**2, 1 - g**2, np.ones_like(f)]),
             "The gates have the slope of a tanh.", gates),
            (np.array([dc * c * (1 - f**2), b, d, e]), "The forget gate has the slope of a tanh.",
             gates),
            (np.array([a, dc * g * (1 - i**2), d, e]), "The input gate has the slope of a tanh.",
             gates),
            (plain * np.array([f * (1 - f), i * (1 - i), g * (1 - g), np.ones_like(f)]),
             "The candidate has the slope of a sigmoid.", gates),
            (plain * np.array([f * (1 - f), i * (1 - i), 1 - np.tanh(g) ** 2, np.ones_like(f)]),
             "g is tanh(z) already.", "In terms of g, the slope is 1 - g²."),
            (np.array([a, b, d, dc]), "The last row has not passed the forget gate.", more),
            (np.array([a, b, d, dc * c]), "The last row was multiplied by the cell.", more),
            (np.array([a, b, d, dc * f * (1 - f)]), "The last row has the slope of the gate.",
             "The direct way leads past z_f: its factor is f itself."),
            (np.array([a, b, d, dc * i]), "The last row was multiplied by i.", more),
            (np.array([a, b, d, e + dc * c * f * (1 - f)]), "The last row has the detour over f.",
             "Return the direct share alone."),
            (np.array([dc * (f * c + i * g) * f * (1 - f), b, d, e]),
             "f was multiplied by the new cell.", "It multiplies c_{t-1}, the cell before."),
            (np.array([dc * g * f * (1 - f), dc * c * i * (1 - i), d, e]),
             "The factors of f and i are exchanged.", more),
            (np.array([dc * f * (1 - f), dc * i * (1 - i), d, e]),
             "The gates were not multiplied by what they let through.", more),
            (np.array([b, a, d, e]), "The rows of f and i are exchanged.", "First z_f, then z_i."),
            (np.array([e, a, b, d]), "The cell's share comes last.", "First z_f, z_i and z_g."),
            (right.T, "The answer is transposed.", "Return one row for each of the four."),
            (right[:3], "The share of the cell before is missing.", "Return four rows."),
            (slopes * np.array([c, g, i, f]), "The error dc is missing.",
             "These are slopes of c_t. The loss's are dc times as large."),
        ]  # fmt: skip
        return Case(given, right, distinct(mistakes, right), more)

    rng = np.random.default_rng(0)
    cases = []
    for n in (1, 3):
        f, i = rng.uniform(0.1, 0.9, (2, n))
        dc, g, c = rng.normal(size=n), rng.uniform(-0.9, 0.9, n), rng.normal(size=n)
        cases.append(case(*(v.round(2) for v in (dc, f, i, g, c))))
    return judge(cell_back, cases, "Two gates, a candidate, and the way past them.",
                 "dc, f, i, g, c")  # fmt: skip


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
        before = h[t + 1] if mistake == "same state" else h[t]
        factor = delta if mistake != "arriving" else arriving
        term = np.outer(factor, before) if mistake == "transposed" else np.outer(before, factor)
        total = term if mistake == "no sum" else total + term
        if mistake == "last alone" and t == last:
            return term
        error = delta @ (U if mistake == "no transpose" else U.T)
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
    for (h, U, shares), k in zip([*_sequences()[1:], _sequences()[2]], (3, 2, 1), strict=True):
        right = gradient_U(h, U, shares, k)
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
            (_sliding(h, U, shares, k), "Here every share goes back through k steps.",
             "The cuts are fixed, between k and k + 1 and so on, for the shares of all steps."),
            (right / -(-len(shares) // k), "This is the mean over the chunks.", "Take the sum."),
            *((gradient_U(h, U, shares, k, name), *said) for name, said in WRONG.items()),
        ]  # fmt: skip
        where = f"{len(shares)} steps of {len(U)} units with k = {k}"
        cases.append(Case((h, U, shares, k), right, distinct(mistakes, right), more, where=where))
    praise = "The state crosses, the error does not."
    return judge(truncated_U, cases, praise, "h, U, shares, k")
