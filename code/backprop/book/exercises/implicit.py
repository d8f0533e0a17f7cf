"""Checkers of the chapter on implicit derivatives.

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


@checker
def check_landing(by_speed: Any, by_height: Any) -> Verdict:
    """Check 15 + 10 t - 5 t² = 0 at t = 3: F_t = -20, so 3/20 by the speed, 1/20 by the height."""
    rule = "Minus the slope of F with respect to the parameter, over its slope with respect to t."
    parts: list[Part] = [
        ("The derivative with respect to the speed", 0.15, [
            (-0.15, "The sign is wrong.", "A faster ball lands later. " + rule),
            (3.0, "This is the slope of F with respect to the speed.", rule),
            (-20.0, "This is the slope of F with respect to t.", rule),
            (0.05, "The slope of F with respect to the speed is not that, or not at this time.",
             "The speed is multiplied by t, and the ball lands at t = 3."),
            (0.1, "The slope of F with respect to t lacks the 10 of the speed.",
             "It is 10 - 10 t."),
            (0.6, "The slope of 5 t² was taken for 5 t.", "It is 10 t."),
            (20 / 3, "This is upside down.", rule),
            (0.3, "Only the 10 of the speed was taken for the slope with respect to t.",
             "It is 10 - 10 t."),
            (0.075, "The slope of F with respect to t has a factor 2 too many.",
             "It is 10 - 10 · 3."),
        ], rule),
        ("The derivative with respect to the height", 0.05, [
            (-0.05, "The sign is wrong.", "From higher up, the ball lands later. " + rule),
            (1.0, "This is the slope of F with respect to the height.", rule),
            (20.0, "This is upside down.", rule),
            (-20.0, "This is the slope of F with respect to t.", rule),
            (1 / 30, "The slope of F with respect to t lacks the 10 of the speed.",
             "It is 10 - 10 t."),
            (0.2, "The slope of 5 t² was taken for 5 t.", "It is 10 t."),
            (0.15, "This belongs to the speed.", "The height stands alone in F: its slope is 1."),
            (0.1, "Only the 10 of the speed was taken for the slope with respect to t.",
             "It is 10 - 10 t."),
            (0.025, "The slope of F with respect to t has a factor 2 too many.",
             "It is 10 - 10 · 3."),
        ], rule),
    ]  # fmt: skip
    return in_turn((by_speed, by_height), parts, "One equation, solved once, and two derivatives.")


@checker
def check_crossing(other: Any, derivative: Any, steps: Any) -> Verdict:
    """Check x = θ + x²/4: -2 at x = 3; at θ = 7/16 the slope is ¼, so 4/3 and 5 steps."""
    rule = "It is 1/(1 - x/2)."
    parts: list[Part] = [
        ("The derivative at x = 3", -2.0, [
            (2.0, "This belongs to the crossing at 1, or has lost its sign.", rule),
            (1.5, "This is the slope of θ + x²/4.", rule),
            (-0.5, "This is 1 minus the slope of θ + x²/4.", "Take one over it."),
            (0.4, "The sign before the slope is wrong.", rule),
            (1.0, "This is the slope of θ + x²/4 with respect to θ.", rule),
            (2 / 3, "This is one over the slope of θ + x²/4.", rule),
            (-1.0, "The slope of θ + x²/4 at 3 is 3/2, not 2.", rule),
            (0.5, "The sign is lost, and it is upside down.", rule),
        ], rule),
        ("The derivative at θ = 7/16", 4 / 3, [
            (0.25, "This is the slope of θ + x²/4.", rule),
            (0.75, "This is 1 minus the slope of θ + x²/4.", "Take one over it."),
            (0.8, "The sign before the slope is wrong.", rule),
            (2.0, "x was taken for the slope of θ + x²/4, or θ for 3/4.", "The slope is x/2."),
            (4.0, "This is one over the slope of θ + x²/4.", rule),
            (0.5, "This is x.", rule),
            (1 / (1 - 1.75), "This is the other crossing, x = 3.5.",
             "From 0 the iteration arrives at the nearer one."),
        ], rule),
        ("The number of steps", 5, [
            (10, "This would hold for the slope ½.", "Here a step divides the error by 4."),
            (4, "4⁴ is only 256.", "Count until the factor exceeds 1,000."),
            (250, "Errors are divided again and again, not once.", "4 · 4 · 4 … > 1,000."),
            (7, "This is the natural logarithm of 1,000.", "Divide it by that of 4."),
            (3, "This is the logarithm to base 10.", "A step divides by 4, not by 10."),
            (6, "Fewer are enough.", "Count until 4 · 4 · 4 … exceeds 1,000."),
            (math.log(1000) / math.log(4), "Steps are whole.", "Round up."),
        ], "A step multiplies a small error by the slope of θ + x²/4, ¼."),
    ]  # fmt: skip
    return in_turn((other, derivative, steps), parts, "The equation serves both crossings.")


@checker
def check_adjoint(start: Any, gradient: Any) -> Verdict:
    """Check dx/dt = θx, x(0) = 1, θ = ln 2, T = 2, L = ½(x(T) - 3)²: x̄(0) = 4, ∂L/∂θ = 8."""
    parts: list[Part] = [
        ("x̄(0)", 4.0, [
            (1.0, "This is x̄(T).", "Going back in time, x̄ grows: dx̄/dt = -θ x̄."),
            (0.25, "x̄ was led back with the wrong sign.", "dx̄/dt = -θ x̄, so it grows backward."),
            (16.0, "The error at the end is x(T) - 3 = 1, not 4.", ""),
            (-4.0, "The sign is wrong.", "A larger x(0) makes x(T), and here L, larger."),
            (2.0, "x̄ was led back over one unit of time.", "T is 2."),
            (0.5, "This is the loss.", "x̄(T) is its slope, x(T) - 3."),
            (-2.0, "The error was taken at x = 1.", "x(T) is 4."),
            (1 + 2 * math.log(2), "x̄ was led back along a straight line.", "It grows like 2ᵗ."),
            (12.0, "x̄(T) is x(T) - 3, not 3.", ""),
            (8.0, "That would be x̄ led back over three units of time.", "T is 2."),
        ], "x̄(T) = x(T) - 3 = 1, and backward x̄ doubles in each unit of time."),
        ("∂L/∂θ", 8.0, [
            (4.0, "The integral runs over two units of time.", "The product x̄ x is constant."),
            (-8.0, "The sign is wrong.", "A larger θ makes x(T), and here L, larger."),
            (2.0, "The product x̄ x is missing.", "It is the integral of x̄ times x."),
            (8 * math.log(2), "The slope of θ x with respect to θ is x, not θ x.", ""),
            (4 * math.log(2), "The slope of θ x with respect to θ is x, not θ.",
             "Integrate x̄ x over two units of time."),
            (3 / math.log(2), "One factor is missing.", "It is the integral of x̄ times x."),
            (1.0, "This is x̄(T).", "It is the integral of x̄ times x."),
            (32.0, "The integral has 4 twice.", "x̄ x is 1 · 4 at T, and 4 · 1 at 0."),
            (16.0, "The integral of x̄ x is wrong.", "T is 2, and the product is constant."),
            (math.log(2), "This is θ.", "It is the integral of x̄ times x."),
        ], "f = θ x has the slope x with respect to θ. Integrate x̄ x."),
    ]  # fmt: skip
    return in_turn((start, gradient), parts, "x̄ grows backward as x grows forward.")


@checker
def check_damped(limit: Any, best: Any, derivative: Any) -> Verdict:
    """Check x ← x + c(θ + x²/4 - x) at θ = -8, x = -4, slope -2: c < 2/3, best 1/3, dx/dθ = 1/3."""
    slope = "The damped step has the slope 1 + c (m - 1), where θ + x²/4 has the slope m."
    digits = "Give a fraction, or three digits."
    parts: list[Part] = [
        ("The limit of c", 2 / 3, [
            (0.67, digits, ""),
            (1.0, "There the iteration runs away.", slope),
            (1 / 3, "A larger c converges as well.", "The slope may be negative. " + slope),
            (0.5, "Only θ + x²/4 was multiplied by c.", slope),
            (2.0, "The slope was taken for 1 - c.", slope),
            (1 / 6, "A larger c converges as well.", "The slope may be negative. " + slope),
            (1.5, "This is upside down.", slope),
            (-2 / 3, "The sign is wrong.", slope),
            (4 / 3, "There the iteration runs away.", slope),
            (0.0, "With c = 0 nothing moves.", slope),
        ], slope),
        ("The best c", 1 / 3, [
            (0.33, digits, ""),
            (2 / 3, "There the error stays as large.", slope),
            (0.5, "There the slope is -½.", slope),
            (1.0, "This is no damping at all.", slope),
            (3.0, "This is upside down.", slope),
            (1 / 6, "There the slope is still ½.", slope),
            (0.25, "There the slope is still ¼.", slope),
            (0.0, "With c = 0 nothing moves.", slope),
            (-1 / 3, "The sign is wrong.", slope),
        ], "The error shrinks fastest where the slope is 0."),
        ("The derivative", 1 / 3, [
            (0.33, digits, ""),
            (1.0, "The step also multiplies the slope with respect to θ by c.",
             "Or use the equation, which knows nothing of c."),
            (-1.0, "The slope of θ + x²/4 at -4 is -2, not 2.",
             "It is 1/(1 - m), with the slope m of θ + x²/4."),
            (-2.0, "This is the slope of θ + x²/4.",
             "It is 1/(1 - m), with the slope m of θ + x²/4."),
            (3.0, "This is upside down.", "It is 1/(1 - m), with the slope m of θ + x²/4."),
            (-1 / 3, "The sign is wrong.", "It is 1/(1 - m), with the slope m of θ + x²/4."),
            (1 / 9, "c was counted twice.", "The equation knows nothing of c."),
            (-0.5, "This is one over the slope of θ + x²/4.",
             "It is 1/(1 - m), with the slope m of θ + x²/4."),
            (0.5, "The 1 is missing, and the sign of the slope.",
             "It is 1/(1 - m), with the slope m of θ + x²/4."),
        ], "x = θ + x²/4 is still the equation."),
    ]  # fmt: skip
    return in_turn((limit, best, derivative), parts, "The path changed; the answer did not.")


@checker
def check_linear(u: Any, gradient: Any) -> Verdict:
    """Check x = θ + xU, U = [[0, ½], [¼, 0]], θ = (7/8, 0), L = x_1: u = (8/7, 2/7), then 2/7."""
    rule = "The equation is u = v + u Uᵀ, with v = (1, 0)."
    parts: list[Part] = [
        ("u", np.array([8, 2]) / 7, [
            ([1.0, 0.0], "This is v: nothing was solved.", rule),
            (np.array([8, 4]) / 7, "This solves the equation without the transpose.", rule),
            (np.array([-8, -2]) / 7, "The sign is wrong.", "The minus comes after u."),
            ([1.0, 0.25], "This is the first step only.", "What comes back to u_1 counts, too."),
            ([1.0, 0.5], "This is x, or one step without the transpose.", rule),
            ([1.125, 0.25], "The series was ended after two steps.", rule),
            (np.array([8, -2]) / 7, "The sign of U is wrong.", "The matrix is I - U."),
            (np.array([7 / 8, 7 / 32]), "This was multiplied by 7/8.", "Divide by it."),
            (np.array([2, 8]) / 7, "The two entries have changed places.", ""),
            ([8 / 7, 0.0], "The second entry of v is 0, but not that of u.", rule),
        ], rule),
        ("∂L/∂U_12", 2 / 7, [
            (4 / 7, "This is ∂L/∂U_21, or u without its transpose.", "U_12 leads from x_1 to x_2."),
            (8 / 7, "This is ∂L/∂U_11.", "U_12 leads from x_1 to x_2."),
            (1 / 7, "This is ∂L/∂U_22.", "U_12 leads from x_1 to x_2."),
            (-2 / 7, "The sign is wrong.", "A larger U_12 raises x_2, and that raises x_1."),
            (0.0, "v was used instead of u.", "x_2 acts on x_1 through U."),
            (0.25, "This is the first step only.", "What comes back counts, too."),
            (7 / 8 * 2 / 7, "θ_1 was used instead of x_1.", "Solve x = θ + xU first."),
            (0.5, "This is U_12 itself, or x_2.", "U_12 leads from x_1 to x_2."),
        ], "It is an entry of x times one of u: U_12 leads from x_1 to x_2."),
    ]  # fmt: skip
    row = numbers(u)
    if row is not None and row.shape == (1, 2):
        u = row[0]
    alone = numbers(gradient)
    if alone is not None and alone.shape == (1,):
        gradient = alone[0]
    return in_turn((u, gradient), parts, "Two equations forward, the transposed ones backward.")


def _sigmoid(z: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(0.5 * z)))


@checker
def check_backward(backward: Answer) -> Verdict:
    """Check ``backward(v, x, h, W, U)`` for h = σ(xW + hU): the errors of x, W and U."""
    given = "v, x, h, W, U"

    def flat(*parts: Any) -> Array:
        return np.concatenate([np.ravel(part) for part in parts])

    def case(batch: int, n_in: int, n: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        x, v = rng.normal(size=(batch, n_in)), rng.normal(size=(batch, n))
        W, U = rng.normal(size=(n_in, n)), rng.normal(size=(n, n))
        h: Any = np.zeros((batch, n))
        U *= 2 / np.linalg.norm(U, 2)  # σ' is at most ¼
        for _ in range(200):
            h = _sigmoid(x @ W + h @ U)
        slope = h * (1 - h)

        def parts(u: Array, s: Array = slope, sign: float = 1.0) -> Array:
            delta = sign * u * s
            return flat(delta @ W.T, x.T @ delta, h.T @ delta)

        def solved(s: Array, transposed: bool = False, sign: float = -1.0) -> Array:
            A = [np.eye(n) + sign * U @ np.diag(row) for row in s]
            return np.stack([np.linalg.solve(a.T if transposed else a, g)
                             for a, g in zip(A, v, strict=True)])  # fmt: skip

        def repeated(times: int) -> Array:
            u = v
            for _ in range(times):
                u = v + (u * slope) @ U.T
            return u

        right = solved(slope)
        delta = right * slope
        tanh = 1 - h * h
        turned = np.stack([np.linalg.solve(np.eye(n) - U.T * row, g)
                           for row, g in zip(slope, v, strict=True)])  # fmt: skip
        before = np.stack([np.linalg.solve(np.eye(n) - row[:, None] * U, g)
                           for row, g in zip(slope, v, strict=True)])  # fmt: skip
        mistakes: list[tuple[Any, str, str]] = [
            (parts(v), "This is the way back through one iteration.",
             "h is on both sides: solve u = v + (u ⊙ slope) Uᵀ."),
            (parts(v + (v * slope) @ U.T), "This is the way back through two iterations.",
             "Solve the equation, or go on until u no longer changes."),
            (parts(solved(slope, True)), "The matrix is transposed.",
             "For a row u, the equation is u = v + (u ⊙ slope) Uᵀ."),
            (parts(right, np.ones_like(h)), "The slope of σ is missing after u.",
             "δ = u ⊙ h (1 - h)."),
            (parts(solved(np.ones_like(h))), "The slope of σ is missing in the equation.",
             "u = v + (u ⊙ slope) Uᵀ."),
            (parts(turned), "The transpose of U is missing in the equation.",
             "u = v + (u ⊙ slope) Uᵀ."),
            *((parts(solved(s), t), "This is the slope of tanh.", "That of σ is h (1 - h).")
              for s, t in ((tanh, tanh), (tanh, slope), (slope, tanh))),
            (parts(right, sign=-1.0), "All signs are wrong.",
             "F = h - σ(xW + hU) has a minus of its own."),
            (parts(solved(slope, sign=1.0)), "The sign of U in the equation is wrong.",
             "u - (u ⊙ slope) Uᵀ = v."),
            (parts(right) / batch, "This is divided by the batch size.",
             "v is the slope of a loss that has done so."),
            (flat(delta @ W.T, x.T @ delta, delta.T @ h), "∂L/∂U is transposed.", "It is hᵀ δ."),
            (flat(delta @ W.T, x.T @ delta, h.T @ (v * slope)),
             "∂L/∂U has the error of one iteration.",
             "∂L/∂W and ∂L/∂U come from the same δ."),
            (flat(delta @ W.T, x.T @ delta, h.T @ right), "∂L/∂U lacks the slope.", "It is hᵀ δ."),
            (flat(delta @ W.T, x.T @ delta / batch, h.T @ delta / batch),
             "∂L/∂W and ∂L/∂U are divided by the batch size.",
             "v is the slope of a loss that has done so."),
            *((parts(np.linalg.solve(np.eye(n) - U * row, v.T).T),
               "One matrix was used for all rows of the batch.",
               "Each row rests at an h of its own, and so has slopes of its own.")
              for row in (slope[0], slope[-1], slope.mean(axis=0))),
            (parts(before), "The slope stands on the wrong side of U.",
             "u meets the slope first, and then Uᵀ: each column of U is multiplied."),
        ]  # fmt: skip
        early = [(parts(repeated(times)), "The iteration for u ended too early.",
                  "Go on until u no longer changes, or solve the equation.")
                 for times in range(2, 12)]  # fmt: skip
        where = f"a batch of {batch}, with {n_in} inputs and {n} unit{'s' * (n > 1)}"
        more = "Solve for u. Then δ = u ⊙ slope, and the three are δ Wᵀ, xᵀ δ and hᵀ δ."
        return Case((v, x, h, W, U), parts(right), distinct(mistakes, parts(right)) + early,
                    more, where=where)  # fmt: skip

    def joined(v: Array, x: Array, h: Array, W: Array, U: Array) -> Any:
        found = backward(v, x, h, W, U)
        if found is None:
            raise Told("It returns None: is a return missing?")
        if not isinstance(found, tuple | list) or len(found) != 3:
            raise Told("Return a tuple of three: (∂L/∂x, ∂L/∂W, ∂L/∂U).")
        for name, part, shape in zip("xWU", found, (x.shape, W.shape, U.shape),
                                     strict=True):  # fmt: skip
            if np.shape(part) != shape:
                raise Told(f"∂L/∂{name} has shape {np.shape(part)}, expected {shape}.")
        return flat(*found)

    # Three units first: a single one would hide a transpose, and make all errors one factor.
    cases = [case(1, 2, 3, 1), case(1, 2, 1, 0), case(4, 3, 5, 2)]
    unfit = misfit(backward, given)
    if unfit is not None or not callable(backward):
        return unfit or judge(backward, cases, "", given)
    return judge(joined, cases, "The number of iterations does not matter.", given)


@checker
def check_influence(influence: Answer) -> Verdict:
    """Check ``influence(X, y, alpha, X_valid, y_valid)``: -(x_n · u) r_n / N for each example."""
    given = "X, y, alpha, X_valid, y_valid"

    def case(n: int, d: int, m: int, alpha: float, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        X, X_valid = rng.normal(size=(n, d)), rng.normal(size=(m, d))
        y, y_valid = rng.normal(size=n), rng.normal(size=m)

        def solved(penalty: float) -> tuple[Array, Array, Array, Array]:
            H = X.T @ X / n + penalty * np.eye(d)
            w = np.linalg.solve(H, X.T @ y / n)
            r, v = X @ w - y, X_valid.T @ (X_valid @ w - y_valid) / m
            return -(X @ np.linalg.solve(H, v)) * r / n, H, r, v

        right, H, r, v = solved(alpha)
        bare = np.linalg.solve(X.T @ X / n, v)

        def missed(a: Array) -> float:
            w = np.linalg.solve((X.T * a) @ X / n + alpha * np.eye(d), (X.T * a) @ y / n)
            return float(((X_valid @ w - y_valid) ** 2).mean() / 2)

        without = np.array([missed(np.ones(n)) - missed(1 - row) for row in np.eye(n)])
        mistakes: list[tuple[Any, str, str]] = [
            (-right, "The sign is wrong.", "∂L/∂a = -u F_aᵀ, with r = Xw - y."),
            (right * n, "The 1/N of the training loss is missing.", ""),
            (-(X @ v) * r / n, "Nothing was solved: v stands where u belongs.",
             "Solve A u = v, with A = XᵀX/N + α."),
            (-(X @ bare) * r / n, "The penalty is missing in A.", "H = XᵀX/N + α."),
            (right * 2, "There is a factor 2 too many.", "The slope of ½ r² is r."),
            (right * m, "The validation loss is a mean.", "Divide v by its number of examples."),
            (right * m / n, "v was divided by N.", "The validation set has its own number."),
            (r * r / (2 * n), "This is the share of each example in the training loss.",
             "The validation loss depends on a through w."),
            (-(X @ np.linalg.solve(H, v)) / n, "The residuals r are missing.",
             "F has the slope x_n r_n / N with respect to a_n."),
            (-(X @ np.linalg.solve(H, v)) * y / n, "y stands where r belongs.", "r = Xw - y."),
            (-(X @ np.linalg.solve(X.T @ X + alpha * np.eye(d), v)) * r / n,
             "The curvature lacks its 1/N.", "H = XᵀX/N + α."),
            (solved(alpha / n)[0], "α was divided by N.", "H = XᵀX/N + α."),
            (solved(2 * alpha)[0], "The penalty is twice as strong as it should be.",
             "The slope of ½ α ‖w‖² is α w."),
            (-(X @ np.linalg.solve(H, X.T @ r / n)) * r / n,
             "v is the slope of the training loss.", "The validation loss judges."),
            (without, "This leaves each example out.", "Move a_n a little away from 1 instead."),
            (-without, "This leaves each example out.", "Move a_n a little away from 1 instead."),
        ]  # fmt: skip
        kept = [k for k in mistakes if np.shape(k[0]) == right.shape]
        where = f"{n} examples of {d} features, and {m} for validation"
        more = "Solve A u = v with A = XᵀX/N + α, then one entry for each row of X."
        return Case((X, y, alpha, X_valid, y_valid), right, distinct(kept, right), more,
                    where=where)  # fmt: skip

    # Two features first: with a single one, many mistakes are one factor.
    cases = [case(6, 2, 5, 0.1, 1), case(4, 1, 3, 0.5, 0), case(9, 3, 4, 1.0, 2)]
    return judge(influence, cases, "One solution for all the examples.", given)
