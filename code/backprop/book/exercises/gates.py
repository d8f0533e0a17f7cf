"""Checkers of the chapter "Gates".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from typing import Any, SupportsFloat

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
            (0.73**10, "This is near, but the third digit is not right.",
             "Keep all digits of σ(1), and round in the end."),
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
            (math.log(0.99 / 0.01), "This gate is 0.99, and 100 steps leave less than one half.",
             "Which gate has the 100th power ½?"),
            (0.5, "This gate forgets fast.", "Which gate has the 100th power ½?"),
            (math.log(0.993 / 0.007), "The gate was rounded too early.",
             "The bias depends on 1 - f, where two digits are lost."),
            (5.0, "Close, but three significant digits are needed.", ""),
        ], "First find the gate whose 100th power is ½, then its b."),
    ]  # fmt: skip
    exact = parts[1][1]
    if isinstance(bias, SupportsFloat) and f"{float(bias):.3g}" == f"{exact:.3g}":
        bias = exact  # from a gate of four digits, as the solution prints it
    return in_turn((left, bias), parts, "So open a gate leaves one half after 100 steps.")


@checker
def check_paths(direct: Any, one: Any, whole: Any) -> Verdict:
    """Check 39 steps with the factors 0.9 and 0.086: no detour, exactly one, and all paths."""
    f, d, n = 0.9, 0.086, 39
    once = "Such a path has 38 direct steps and one detour, and the detour may be at any step."
    every = "At each step, the two ways add up. Then the steps multiply."
    parts: list[Part] = [
        ("The direct path", f**n, [
            (f ** (n + 1), "These are forty steps.", "How many steps back does the exercise name?"),
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
            (0.576, "This is near, but the third digit is not right.",
             "Keep all digits, and round in the end."),
            (0.579, "This is near, but the third digit is not right.",
             "The exercise gives the detour as 0.086."),
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
            (right[1:], "The row for t = 0 is missing.", "There are T + 1 cells, with c_0."),
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
    return judge(kept, cases, "From each cell to the last.", "f")


@checker
def check_peephole(peephole: Answer) -> Verdict:
    """Check ``peephole(dc, f, old, p)``: ∂L/∂z_f, ∂L/∂p, ∂L/∂c_{t-1}, where z_f has p c_{t-1}."""
    twice = "c_{t-1} is a factor of f c_{t-1}, and it is seen by z_f as well."
    slope = "A gate is a sigmoid: its slope is f(1 - f)."
    more = "First z_f. Then p and c_{t-1} are the two factors of one term of z_f."

    def case(*given: Array) -> Case:
        dc, f, old, p = given
        z = dc * old * f * (1 - f)
        right = np.array([z, z * old, dc * f + z * p])
        own, through, cell = right

        def with_z(z: Array) -> Array:
            return np.array([z, z * old, dc * f + z * p])

        mistakes: Mistakes = [
            (np.array([own, through, dc * f]), "The last row has one way only.", twice),
            (np.array([own, through, own * p]), "The last row lacks the direct way.", twice),
            (np.array([own, through, dc * f * p]), "The two ways of the last row add.", twice),
            (np.array([own, through, dc * f * own * p]), "The two ways of the last row add.",
             twice),
            (np.array([own, through, dc * f + own]), "The second way has not passed the weight p.",
             twice),
            (np.array([own, through, dc * f + dc * p]),
             "The second way does not lead through the gate's slope.", twice),
            (np.array([own, through, dc * f - own * p]), "The ways of the last row add.", twice),
            (np.array([own, through, dc * f + p]), "The second way has no error in it.", twice),
            (np.array([own, through, dc + own * p]), "The direct way has not passed the gate.",
             twice),
            (with_z(dc * old), "The slope of the sigmoid is missing.", slope),
            (with_z(dc * old * f), "The slope of the gate was taken to be the gate.", slope),
            (with_z(dc * old * (1 - f)), "Half of the sigmoid's slope is missing.", slope),
            (with_z(dc * old * (1 - f**2)), "The gate has the slope of a tanh.", slope),
            (with_z(dc * f * (1 - f)), "The gate was not multiplied by what it scales.",
             "In f c_{t-1}, what is f multiplied by?"),
            (with_z(dc * f * old * f * (1 - f)), "f does not multiply its own error.",
             "In f c_{t-1}, what is f multiplied by?"),
            (with_z(dc * old * p * f * (1 - f)), "p was multiplied into z_f's row.",
             "z_f is the sum; p lies before it."),
            (with_z(old * f * (1 - f)), "The error dc is missing from the first row.", more),
            (np.array([own, own, cell]), "The second row is that of z_f.",
             "What is p multiplied by?"),
            (np.array([own, own * p, cell]), "The second row was multiplied by p itself.",
             "What is p multiplied by?"),
            (np.array([own, dc * old, cell]), "p acts through the gate, so its slope is missing.",
             more),
            (np.array([own, dc * old**2, cell]),
             "p acts through the gate, so its slope is missing.", more),
            (np.array([own, old, cell]), "The second row has no error in it.", more),
            (np.array([own, own * (f * old), cell]), "p was multiplied by the new cell.",
             "The gate sees c_{t-1}, the cell before."),
            (np.array([own, cell, through]), "The rows of p and of the cell are exchanged.",
             "First z_f, then p, then c_{t-1}."),
            (np.array([through, own, cell]), "The rows of z_f and p are exchanged.",
             "First z_f, then p, then c_{t-1}."),
            (right[::-1], "The rows are in reverse order.", "First z_f, then p, then c_{t-1}."),
            (right.T, "The answer is transposed.", "Return one row for each of the three."),
            (right[[0, 2]], "The row of p is missing.", "Return three rows."),
            (right[:2], "The row of c_{t-1} is missing.", "Return three rows."),
            (right.sum(axis=1), "The units were summed.", "Each unit has a weight p of its own."),
        ]  # fmt: skip
        return Case(given, right, distinct(mistakes, right), more)

    rng = np.random.default_rng(0)
    cases = []
    for n in (1, 4):
        f = rng.uniform(0.1, 0.9, n)
        dc, old, p = rng.normal(size=(3, n))
        cases.append(case(*(v.round(2) for v in (dc, f, old, p))))
    return judge(peephole, cases, "The gate looks, and the error comes back that way.",
                 "dc, f, old, p")  # fmt: skip


def _deltas(
    dh: Array, dc: Array, f: Array, o: Array, g: Array, old: Array, c: Array
) -> tuple[Array, Array, Array, Array]:
    """Return the error of the cell, and δ of f, o and g, where the input gate is 1 - f."""
    shown = np.tanh(c)
    cell = dc + dh * o * (1 - shown**2)
    return (cell, cell * (old - g) * f * (1 - f), dh * shown * o * (1 - o),
            cell * (1 - f) * (1 - g**2))  # fmt: skip


@checker
def check_coupled_back(coupled_back: Answer) -> Verdict:
    """Check ``coupled_back(dh, dc, f, o, g, old, c, U)``: ∂L/∂h_{t-1} and ∂L/∂c_{t-1}, two rows."""
    shows = "h_t = o tanh(c_t): what does the cell receive through it?"
    twice = "In f c_{t-1} + (1 - f) g, the slope by f is c_{t-1} - g."
    gates = "A gate is a sigmoid: its slope is f(1 - f). The candidate is a tanh."
    order = "The columns of U belong to f, o and g, in this order."
    more = "First the whole error of c_t, then δ of f, o and g, then the two rows."

    def case(*given: Array) -> Case:
        dh, dc, f, o, g, old, c, U = given
        cell, *parts = _deltas(dh, dc, f, o, g, old, c)
        d_f, d_o, d_g = parts

        def rows(*deltas: Array, error: Array = cell) -> Array:
            return np.array([np.concatenate(deltas) @ U.T, error * f])

        def fed_by(slope: Array) -> tuple[Array, Array, Array, Array]:
            given_to = dc + dh * slope
            return (given_to, given_to * (old - g) * f * (1 - f), d_o,
                    given_to * (1 - f) * (1 - g**2))  # fmt: skip

        right = rows(*parts)
        fed, *fed_parts = _deltas(dh, 0 * dc, f, o, g, old, c)
        late, *late_parts = _deltas(dh, dc, f, o, g, old, old)
        full = dc + dh * o
        bent, *bent_parts = fed_by(o * (1 - c**2))
        open_, *open_parts = fed_by(1 - np.tanh(c) ** 2)
        slope = o * (1 - np.tanh(c) ** 2)
        mistakes: Mistakes = [
            (rows(*_deltas(0 * dh, dc, f, o, g, old, c)[1:2], d_o,
                  dc * (1 - f) * (1 - g**2), error=dc),
             "The cell did not receive its share of dh.", shows),
            (rows(*parts, error=dc), "The second row has not received its share of dh.", shows),
            (rows(*_deltas(dh, dc - dh * slope, f, o, g, old, c)[1:]),
             "In the first row, the cell did not receive its share of dh.", shows),
            (rows(*fed_parts, error=fed), "The error dc is missing.",
             "The cell has an error of its own, beside what comes through h_t."),
            (rows(*_deltas(dh, dc + dh * o - dh * slope, f, o, g, old, c)[1:2], d_o,
                  full * (1 - f) * (1 - g**2), error=full),
             "The cell's share of dh has not passed tanh.", shows),
            (rows(*bent_parts, error=bent), "The slope of tanh(c) is not 1 - c².",
             "Put c through tanh first."),
            (rows(*open_parts, error=open_), "The cell's share of dh has not passed the gate o.",
             shows),
            (rows(*late_parts, error=late), "c_{t-1} was put through tanh.",
             "h_t shows the new cell, c_t."),
            (rows(cell * old * f * (1 - f), d_o, d_g), "The gate f has two uses.", twice),
            (rows(cell * (old + g) * f * (1 - f), d_o, d_g), "1 - f falls when f rises.", twice),
            (rows(-d_f, d_o, d_g), "The sign of f's part is not right.", twice),
            (rows(cell * (c - g) * f * (1 - f), d_o, d_g), "f was multiplied by the new cell.",
             "It multiplies c_{t-1}, the cell before."),
            (rows(d_f, d_o, cell * f * (1 - g**2)), "The candidate was multiplied by f.",
             "It enters the cell with the factor 1 - f."),
            (rows(d_f, d_o, cell * (1 - g**2)), "The candidate was multiplied by 1.",
             "It enters the cell with the factor 1 - f."),
            (rows(d_f, 0 * d_o, d_g), "The way through o is missing.",
             "h_{t-1} shapes o, too, and o shapes h_t."),
            (rows(d_f, cell * np.tanh(c) * o * (1 - o), d_g), "o received the error of the cell.",
             "o is a factor of h_t, so its error is dh."),
            (rows(d_f, dh * c * o * (1 - o), d_g), "o was multiplied by c_t.",
             "It is multiplied by tanh(c_t)."),
            (rows(cell * (old - g), dh * np.tanh(c), cell * (1 - f)),
             "The slopes of sigmoid and tanh are missing.", gates),
            (rows(d_f, d_o, cell * (1 - f)), "The slope of the candidate's tanh is missing.",
             gates),
            (rows(d_f, d_o, cell * (1 - f) * g * (1 - g)),
             "The candidate has the slope of a sigmoid.", gates),
            (rows(d_f, d_g, d_o), "The parts of o and g are exchanged.", order),
            (rows(d_g, d_o, d_f), "The parts of f and g are exchanged.", order),
            (rows(d_o, d_f, d_g), "The parts of f and o are exchanged.", order),
            (np.array([right[0], cell]), "The second row has not passed the forget gate.", more),
            (np.array([right[0], cell * (1 - f)]), "The second row was multiplied by 1 - f.",
             "c_{t-1} has the factor f."),
            (np.array([right[0] + dh, right[1]]), "dh was added to the first row.",
             "h_{t-1} reaches the loss through z_t and by no other way here."),
            (np.array([right[0], right[1] + right[0] * slope]),
             "The second row has what comes through h_{t-1}.",
             "That is added at the step before, when its own dh is whole."),
            (right[::-1], "The two rows are exchanged.", "First the row of h_{t-1}."),
            (right.T, "The answer is transposed.", "Return one row for h and one for c."),
            (right[:1], "The row of c_{t-1} is missing.", "Return two rows."),
            (np.concatenate(parts), "These are δ of f, o and g.", "What do they send to h_{t-1}?"),
        ]  # fmt: skip
        return Case(given, right, distinct(mistakes, right), more)

    rng = np.random.default_rng(1)
    cases = []
    for n in (1, 3):
        f, o = rng.uniform(0.1, 0.9, (2, n))
        dh, dc, old = rng.normal(size=(3, n))
        g, U = rng.uniform(-0.9, 0.9, n), rng.normal(size=(n, 3 * n))
        f, o, g, dh, dc, old = (v.round(2) for v in (f, o, g, dh, dc, old))
        cases.append(case(dh, dc, f, o, g, old, f * old + (1 - f) * g, U.round(1)))
    return judge(coupled_back, cases, "Every way back from a step.", "dh, dc, f, o, g, old, c, U")
