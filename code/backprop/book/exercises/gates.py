"""Checkers of the chapter "Gates".

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
    checker,
    distinct,
    in_turn,
    judge,
)


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
        ], "The gate is σ(1), to the power 10."),
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
def check_paths(direct: Any, one: Any, whole: Any) -> Verdict:
    """Check 39 steps with the factors 0.9 and 0.086: no detour, exactly one, and all paths."""
    f, d, n = 0.9, 0.086, 39
    once = "Such a path has 38 direct steps and one detour, and the detour may be at any step."
    every = "At each step, the two ways add up. Then the steps multiply."
    parts: list[Part] = [
        ("The direct path", f**n, [
            (f ** (n + 1), "These are forty steps.", "40 inputs, but 39 steps back."),
            (f ** (n - 1), "These are 38 steps.", ""),
            (f, "This is left after one step.", "The steps multiply."),
            (n * f, "The steps multiply, they do not add.", ""),
            (1 - f**n, "This is what is lost.", "What is left?"),
            (1 - (1 - f) * n, "The steps multiply, they do not add.", ""),
            (d**n, "This path takes the detour each time.", ""),
            ((f + d) ** n, "These are all paths together.", ""),
            (0.016, "Give three significant digits.", ""),
        ], "The gate is the factor of each step."),
        ("The paths with one detour", n * f ** (n - 1) * d, [
            (f ** (n - 1) * d, "This is one such path.", "The detour may be at any of 39 steps."),
            (n * f**n * d, "This path has 40 steps.", once),
            (f**n * d, "This path has 40 steps.", once),
            ((n + 1) * f**n * d, "This is for 40 steps.", once),
            ((n + 1) * f ** (n - 1) * d, "The detour may be at any of 39 steps, not of 40.", ""),
            (n * d, "The direct steps are missing.", once),
            (n * f * d, "A path has 38 direct steps, and they multiply.", once),
            (d, "This is one detour, without the direct steps.", once),
            (f**n + n * f ** (n - 1) * d, "The direct path has no detour.", once),
            (n * f * d ** (n - 1), "These paths have one direct step.", once),
            (0.061, "Give three significant digits.", ""),
        ], once),
        ("All paths", (f + d) ** n, [
            ((f + d) ** (n + 1), "These are forty steps.", ""),
            (f**n + d**n, "The mixed paths are missing.", every),
            (f**n + n * f ** (n - 1) * d, "Paths with two and more detours are missing.", every),
            (f + d, "This is left after one step.", every),
            (n * (f + d), "The steps multiply, they do not add.", every),
            ((f * d) ** n, "The two ways of a step add, they do not multiply.", every),
            (1 - (f + d) ** n, "This is what is lost.", "What is left?"),
            (2**n * f**n, "Not every path has the same factor.", every),
            (1.0, "A little is lost at each step.", every),
            (0.58, "Give three significant digits.", ""),
        ], every),
    ]  # fmt: skip
    return in_turn((direct, one, whole), parts, "Single detours bring more than none.")


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


def _gru_back(dh: Array, f: Array, g: Array, h: Array) -> Array:
    return np.array([dh * (h - g) * f * (1 - f), dh * (1 - f) * (1 - g**2), dh * f])


@checker
def check_gru_back(gru_back: Answer) -> Verdict:
    """Check ``gru_back(dh, f, g, h)``: δ of f and g, and the direct share of ∂L/∂h_{t-1}."""
    more = "In h_t = f h_{t-1} + (1 - f) g, what is each of the three multiplied by?"
    twice = "f multiplies h_{t-1}, and 1 - f multiplies g: the slope of h_t by f is h_{t-1} - g."
    slopes = "The gate is a sigmoid: its slope is f(1 - f). The candidate is a tanh."

    def case(*given: Array) -> Case:
        dh, f, g, h = given
        right = _gru_back(*given)
        a, b, e = right
        new = f * h + (1 - f) * g
        mistakes: Mistakes = [
            (np.array([dh * (h - g), dh * (1 - f), e]), "The slopes of sigmoid and tanh are"
             " missing.", slopes),
            (np.array([dh * (h - g), b, e]), "The slope of the gate is missing.", slopes),
            (np.array([a, dh * (1 - f), e]), "The slope of the candidate's tanh is missing.",
             slopes),
            (np.array([dh * h * f * (1 - f), b, e]), "The gate has two uses.", twice),
            (np.array([-dh * g * f * (1 - f), b, e]), "The gate has two uses.", twice),
            (np.array([dh * (h + g) * f * (1 - f), b, e]), "1 - f falls when f rises.", twice),
            (-np.array([a, -b, -e]), "The sign of the first row is not right.", twice),
            (np.array([dh * (new - g) * f * (1 - f), b, e]), "f was multiplied by the new state.",
             "It multiplies h_{t-1}, the state before."),
            (np.array([dh * (h - g) * (1 - f**2), b, e]), "The gate has the slope of a tanh.",
             slopes),
            (np.array([a, dh * f * (1 - g**2), e]), "The candidate was multiplied by f.", more),
            (np.array([a, dh * (1 - f) * g * (1 - g), e]),
             "The candidate has the slope of a sigmoid.", slopes),
            (np.array([a, dh * (1 - f) * (1 - np.tanh(g) ** 2), e]), "g is tanh(z) already.",
             "In terms of g, the slope is 1 - g²."),
            (np.array([a, b, dh]), "The last row has not passed the gate.", more),
            (np.array([a, b, dh * (1 - f)]), "The last row was multiplied by 1 - f.", more),
            (np.array([a, b, dh * f * (1 - f)]), "The last row has the slope of the gate.",
             "The direct way leads past z_f: its factor is f itself."),
            (np.array([a, b, dh * h]), "The last row was multiplied by the state.", more),
            (np.array([a, b, e + a]), "The last row has a detour.", "Return the direct share."),
            (np.array([b, a, e]), "The rows of f and g are exchanged.", "First z_f, then z_g."),
            (np.array([e, a, b]), "The share of the state comes last.", "First z_f and z_g."),
            (right.T, "The answer is transposed.", "Return one row for each of the three."),
            (right[:2], "The share of the state before is missing.", "Return three rows."),
            (right / dh, "The error dh is missing.", "These are slopes of h_t."),
        ]  # fmt: skip
        return Case(given, right, distinct(mistakes, right), more)

    rng = np.random.default_rng(1)
    cases = []
    for n in (1, 3):
        dh, h = rng.normal(size=(2, n))
        f, g = rng.uniform(0.1, 0.9, n), rng.uniform(-0.9, 0.9, n)
        cases.append(case(*(v.round(2) for v in (dh, f, g, h))))
    return judge(gru_back, cases, "A gate that is used twice.", "dh, f, g, h")
