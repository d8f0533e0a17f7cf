"""Checkers of the chapter "Are local minima the problem?".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    numbers,
    takes,
)


@checker
def check_pair(origin: Any, valley: Any) -> Verdict:
    """Check the eigenvalues of ½(uv + 2)²: ±2 at the origin, and 0 and 5 at (1, -2)."""
    cross = "The mixed derivative of ½(uv + 2)² is 2uv + 2."
    order = "The smaller one comes first."
    parts: list[Part] = [
        ("At the origin", [-2.0, 2.0], [
            ([2.0, -2.0], order, ""),
            ([-1.0, 1.0], "This is the origin of the chapter's loss, with the target 1.", cross),
            ([-4.0, 4.0], "This is twice too much: does your loss have the factor ½?", cross),
            ([0.0, 0.0], "These are the entries of the diagonal.",
             "Try (1, 1)H and (1, -1)H: what are they multiples of?"),
            ([0.0, 2.0], "These are entries of the matrix, not its eigenvalues.",
             "Try (1, 1)H and (1, -1)H: what are they multiples of?"),
            ([2.0, 2.0], "One sign is wrong.", "Try (1, -1)H."),
            ([-2.0, -2.0], "One sign is wrong.", "Try (1, 1)H."),
        ], cross),
        ("At (1, -2)", [0.0, 5.0], [
            ([5.0, 0.0], order, ""),
            ([0.0, 10.0], "This is twice too much: does your loss have the factor ½?", ""),
            ([1.0, 4.0], "These are the entries of the diagonal.",
             "Their sum is right for eigenvalues. Now use the determinant."),
            ([4.0, 1.0], "These are the entries of the diagonal.",
             "Their sum is right for eigenvalues. Now use the determinant."),
            ([0.0, -5.0], "A minimum has no negative eigenvalue.", "The trace is their sum."),
            ([-2.0, 2.0], "This is the origin again.", "Insert u = 1 and v = -2."),
            ([0.0, 2.0], "This is the point (1, 1) of the chapter.", "Insert u = 1 and v = -2."),
        ], "The eigenvalues add up to the trace, and their product is the determinant."),
    ]  # fmt: skip
    praise = "A saddle of index 1, and a valley that is level along its floor."
    return in_turn((origin, valley), parts, praise)


@checker
def check_wait(first: Any, second: Any) -> Verdict:
    """Check the doublings from 0.001 and from 0.000001 to at least 1: 10 and 20."""
    exact = math.log(1e3) / math.log(2)
    factor = "A step multiplies the distance by 1 + 0.2 · 5."
    double = "Go on doubling: 0.001, 0.002, 0.004, …"
    whole = "A run takes whole steps."
    parts: list[Part] = [
        ("From 0.001", 10.0, [
            (9.0, "After this many steps, the distance is still a little below 1.", "2⁹ = 512."),
            (11.0, "The run has left the saddle before this step.", double),
            (exact, whole, "When is the distance at least 1 for the first time?"),
            (round(exact, 1), whole, "When is the distance at least 1 for the first time?"),
            (1000.0, "The distance does not grow by the same amount each time.", double),
            (999.0, "The distance does not grow by the same amount each time.", double),
            (500.0, "The distance does not grow by the same amount each time.", double),
            (3.0, "This counts factors of ten.", factor),
            (4.0, "The rate is missing.", factor),
            (38.0, "The curvature is missing.", factor),
            (7.0, "This is the estimate with ln(1 + 1) ≈ 1.",
             "The approximation is not good enough here: divide by ln 2."),
            *((at, "This is the estimate with ln(1 + 1) ≈ 1.",
               "The approximation is not good enough here: divide by ln 2.")
              for at in (6.9, math.log(1e3))),
            (20.0, "This is the other start.", double),
            (0.0, "Along a falling direction, the distance grows.", factor),
        ], factor),
        ("From 0.000001", 20.0, [
            (10_000.0, "The distance is a thousand times smaller, the time is not so much longer.",
             "How many doublings make a factor of 1,000?"),
            (1e6, "The distance does not grow by the same amount each time.",
             "How many doublings make a factor of 1,000?"),
            (100.0, "The two factors multiply, but what do their times do?",
             "The first doublings lead to 0.001, the others from there."),
            (10.0, "These are the further steps.", "Add those from 0.001 on."),
            (19.0, "After this many steps, the distance is still a little below 1.",
             "2¹⁹ = 524,288."),
            (21.0, "The run has left the saddle before this step.",
             "How many doublings make a factor of 1,000?"),
            (2 * exact, whole, "When is the distance at least 1 for the first time?"),
            (round(2 * exact, 1), whole, "When is the distance at least 1 for the first time?"),
            (11.0, "One more doubling is a factor of 2 only.",
             "How many doublings make a factor of 1,000?"),
            (13.0, "This adds the factors of ten.", "How many doublings make a factor of 1,000?"),
            *((at, "This is the estimate with ln(1 + 1) ≈ 1.",
               "The approximation is not good enough here: divide by ln 2.")
              for at in (14.0, math.log(1e6))),
        ], "How many doublings lead from 0.000001 to 0.001?"),
    ]  # fmt: skip
    return in_turn((first, second), parts, "A thousand times closer is only ten steps longer.")


@checker
def check_copies(different: Any, one_zero: Any, two_equal: Any) -> Verdict:
    """Check 4!·2⁴ = 384, and half of it where a sign, or a swap, changes nothing."""
    half = "How many of the 384 changes leave every number as it is?"
    parts: list[Part] = [
        ("All different", 384.0, [
            (24.0, "These are the permutations alone.",
             "A unit may also turn the signs of all its weights."),
            (16.0, "These are the signs alone.", "The units may also change places."),
            (40.0, "The two counts multiply.", "Each order can be combined with each sign."),
            (48.0, "This is the count for three units, or with one sign for all.",
             "Each of the four units may turn its sign alone."),
            (32.0, "This is 4 · 2³ or 2 · 16.", "How many orders do four units have?"),
            (96.0, "This is 4! · 4.", "How many choices of signs do four units have?"),
            (256.0, "This is 4⁴.", "A unit can stand in only one place."),
            (383.0, "Count the point itself as well.", ""),
            (64.0, "This is 4 · 2⁴.", "How many orders do four units have?"),
        ], "n! orders, and 2 signs for each unit."),
        ("One unit zero", 192.0, [
            (384.0, "One of the changes does nothing here.", half),
            (48.0, "This removes the unit altogether.", "It can still stand in any place."),
            (96.0, "This counts too many of the points as equal.", half),
            (24.0, "The three others may still turn their signs.", half),
        ], half),
        ("Two units equal", 192.0, [
            (384.0, "One of the changes does nothing here.", half),
            (96.0, "The signs of the two still count one by one.",
             "If only one of them turns its sign, the point is another one."),
            (48.0, "Each of the two is still there.", half),
            (24.0, "The four units may still turn their signs.", half),
            (12.0, "The four units may still turn their signs.", half),
            (128.0, "This divides the 384 by three.", half),
            (288.0, "Some points are missing, or counted twice.",
             "Fix the places of the pair first, then the signs."),
        ], half),
    ]  # fmt: skip
    praise = "A change that leaves every number as it is makes no new copy."
    return in_turn((different, one_zero, two_equal), parts, praise)


@checker
def check_opened(opened: Answer) -> Verdict:
    """Check ``opened(x, delta)``: minus the length of C = Σ δ_i (x_i, 1)."""

    def case(x: Array, delta: Array) -> Case:
        C = np.append(delta @ x, delta.sum())
        length = float(np.linalg.norm(C))
        hint = "C = Σ δ_i (x_i, 1) has a single column. What is then its singular value?"
        ordered = np.sort([-length, *np.zeros(len(C) - 1), length])
        mistakes: list[tuple[Any, str, str]] = [
            (length, "This is the largest eigenvalue.", "The new ones come in pairs."),
            (C, "This is C itself.", "Return one number, the smallest eigenvalue."),
            (-C, "This is -C.", "Return one number, the smallest eigenvalue."),
            (ordered, "These are all of them.", "Return the smallest as one number."),
            ([-length, length], "These are both.", "Return the smallest as one number."),
            (-float(np.linalg.norm(delta @ x)), "The bias of the new unit is missing.",
             "Append a column of ones to x."),
            (-length / len(x), "This divides by N once too often.",
             "delta belongs to a mean already."),
            (-length * len(x), "This multiplies by N.", "delta belongs to a mean already."),
            (-(length**2), "This is the square of the length.", "Take the root."),
            (-abs(C).max(), "This is the largest entry of C.", hint),
            (-abs(C).sum(), "This adds up the sizes of all entries.",
             "The length is the root of the sum of squares."),
            (C.min(), "This is the smallest entry of C.", hint),
            (C.sum(), "This adds up the entries of C.", hint),
            (-length / 2, "This takes half of it.", hint),
            (-float(np.linalg.norm(delta)), "The inputs are missing.", hint),
            (-float(np.linalg.norm(delta[:, None] * np.column_stack([x, np.ones(len(x))]))),
             "This takes the length before it adds up the examples.",
             "First the sum over the examples, then the length."),
        ]  # fmt: skip
        count, inputs = x.shape
        where = f"{count} examples, {inputs} input{'s' if inputs > 1 else ''}"
        return Case((x, delta), -length, distinct(mistakes, -length), hint, where=where)

    rng = np.random.default_rng(0)
    problems = [
        case(np.array([[-1.0], [1.0], [5.0]]), np.array([0.0, 0.0, 0.6])),
        case(rng.normal(size=(5, 2)), rng.normal(size=5)),
        case(rng.normal(size=(4, 3)), rng.normal(size=4)),
    ]
    praise = "One column of ones, one sum over the examples, one length."
    if callable(opened) and takes(opened, range(2)):

        def plain(x: Array, delta: Array) -> Any:
            found = numbers(answer := opened(x, delta))
            return found.reshape(()) if found is not None and found.size == 1 else answer

        return judge(plain, problems, praise, "x, delta")
    return judge(opened, problems, praise, "x, delta")


@checker
def check_align(align: Answer) -> Verdict:
    """Check ``align(A, B)``: B's columns in the order and with the signs most like A's."""

    def arranged(A: Array, B: Array, signs: bool, least: bool = False) -> Array:
        n = A.shape[1]
        likeness = A.T @ B
        score = np.abs(likeness) if signs else likeness
        way = -1 if least else 1
        best = max(
            permutations(range(n)), key=lambda p: way * sum(score[j, p[j]] for j in range(n))
        )
        order = list(best)
        turn = np.sign(likeness[range(n), order]) if signs else np.ones(n)
        return np.asarray(B[:, order] * turn)

    def by_cosine(A: Array, B: Array) -> Array:
        n = A.shape[1]
        likeness = A.T @ B
        lengths = np.linalg.norm(A, axis=0)[:, None] * np.linalg.norm(B, axis=0)
        score = np.abs(likeness) / lengths
        order = list(max(permutations(range(n)), key=lambda p: score[range(n), p].sum()))
        return np.asarray(B[:, order] * np.sign(likeness[range(n), order]))

    def turned_last(A: Array, B: Array, way: int = 1, invert: bool = False) -> Array:
        n = A.shape[1]
        score = way * (A.T @ B)
        order = max(map(list, permutations(range(n))), key=lambda p: score[range(n), p].sum())
        found = B[:, np.argsort(order) if invert else order]
        return np.asarray(found * np.where((A * found).sum(axis=0) < 0, -1, 1))

    def greedy(A: Array, B: Array) -> Array:
        likeness = A.T @ B
        left, out = np.abs(likeness), np.empty_like(B)
        for _ in range(A.shape[1]):
            j, k = np.unravel_index(left.argmax(), left.shape)
            out[:, j] = B[:, k] * np.sign(likeness[j, k])
            left[j], left[:, k] = -1, -1
        return out

    def one_by_one(A: Array, B: Array) -> Array:
        likeness = A.T @ B
        order: list[int] = []
        for row in np.abs(likeness):
            order.append(max(set(range(len(row))) - set(order), key=row.__getitem__))
        return np.asarray(B[:, order] * np.sign(likeness[range(len(order)), order]))

    def by_squares(A: Array, B: Array) -> Array:
        n = A.shape[1]
        likeness = A.T @ B
        worth = likeness**2
        order = list(max(permutations(range(n)), key=lambda p: worth[range(n), list(p)].sum()))
        return np.asarray(B[:, order] * np.sign(likeness[range(n), order]))

    def nearest(A: Array, B: Array) -> Array:
        likeness = A.T @ B
        order = np.abs(likeness).argmax(axis=1)
        return np.asarray(B[:, order] * np.sign(likeness[range(len(order)), order]))

    def case(A: Array, B: Array) -> Case:
        right, n = arranged(A, B, signs=True), A.shape[1]
        likeness = A.T @ B
        order = [
            int(np.flatnonzero((np.abs(right[:, j : j + 1]) == np.abs(B)).all(axis=0))[0])
            for j in range(n)
        ]
        inverse = np.argsort(order)
        signs = "A tanh unit may turn the signs of all its weights, in and out."
        turned = np.sign(likeness[range(n), order])
        mistakes: list[tuple[Any, str, str]] = [
            (B, "Nothing has changed places.", ""),
            (A, "This is A.", "Return the columns of B."),
            (arranged(A, B, signs=False), "No sign is turned.", signs),
            (B[:, order], "The order is right, but no sign is turned.", signs),
            (turned_last(A, B), "This chooses the order by the products with their signs.",
             "A sign may be turned, so what a pair is worth is the size of its product."),
            (turned_last(A, B, way=-1),
             "This makes the sum of the products with their signs as small as possible.",
             "A sign may be turned, so what a pair is worth is the size of its product."),
            (turned_last(A, B, invert=True),
             "This chooses the order by the products with their signs, and inverts it.",
             "What a pair is worth is the size of its product. Column j belongs to column j of A."),
            (greedy(A, B), "This takes the most similar pair first.",
             "That pair may use up the only partner of another unit. Look at all pairs at once."),
            (by_cosine(A, B), "This compares angles and forgets the lengths.",
             "The sum is over plain products, so a pair of long columns counts for more."),
            (one_by_one(A, B), "This serves the columns of A one after the other.",
             "An early one may use up the only partner of another. Look at all pairs at once."),
            (by_squares(A, B), "This makes the sum of the squared products large.",
             "The sum is over the sizes of the products."),
            (nearest(A, B), "A unit of B is used twice.", "Each may be used only once."),
            (B[:, np.abs(likeness).argmax(axis=1)],
             "A unit of B is used twice, and no sign is turned.", "Each may be used only once."),
            (arranged(A, B, signs=True, least=True), "This makes the sum as small as possible.",
             "linear_sum_assignment looks for the lowest cost."),
            (B[:, inverse] * np.sign(likeness[range(n), inverse]),
             "This is the inverse order.", "Column j of the answer belongs to column j of A."),
            (B[:, inverse] * turned, "This is the inverse order.",
             "Column j of the answer belongs to column j of A."),
            ((B * turned)[:, inverse], "This is the inverse order.",
             "Column j of the answer belongs to column j of A."),
            (B[:, inverse], "This is the inverse order, without signs.",
             "Column j of the answer belongs to column j of A."),
            (-right, "Every sign is turned the wrong way.", "The products must be positive."),
            (B * np.sign(np.diag(likeness)), "Only signs have changed.",
             "The units may also change places."),
            (A[:, np.argsort(order)] * turned[np.argsort(order)],
             "This arranges A.", "Return the columns of B."),
        ]  # fmt: skip
        where = f"tables with {len(A)} rows and {n} columns"
        return Case((A, B), right, distinct(mistakes, right),
                    "Try all orders of the columns of B.", where=where)  # fmt: skip

    # No product is zero and no two orders are equally good, so each mistake has one answer.
    first = np.array([[1.0, 1.0, -1.0], [1.0, 2.0, 3.0]])
    # The most similar pair takes the partner that another needs.
    unfair_A = np.array([[1.0, 0.9, 0.2], [0.1, 0.5, 0.0], [0.0, 0.1, 1.0]])
    unfair_B = np.array([[0.1, -1.0, -0.8], [0.2, 0.0, -0.1], [1.0, 0.1, 0.1]])
    rng = np.random.default_rng(3)
    problems = [
        case(first, first[:, [2, 0, 1]] * np.array([1.0, -1.0, -1.0])),
        case(unfair_A, unfair_B),
        case(rng.normal(size=(5, 4)), rng.normal(size=(5, 4))),
        # The angles favour another order than the products.
        case(np.array([[3.0, 1.0, 0.0], [0.0, 0.5, 1.0]]),
             np.array([[0.1, 2.0, -0.4], [0.5, 1.0, -0.1]])),
        # Squares favour one order, the largest products another, column after column a third.
        case(np.eye(4), np.array([[4.0, 5.0, -5.0, 8.0], [-7.0, 3.0, 4.0, 6.0],
                                  [6.0, -2.0, -2.0, -3.0], [-1.0, 7.0, 1.0, -9.0]])),
    ]  # fmt: skip
    if callable(align) and takes(align, range(2)):

        def plain(A: Array, B: Array) -> Any:
            found = numbers(answer := align(A, B))
            return answer if found is None else found + 0.0

        return judge(plain, problems, "The units of B have found their partners.", "A, B")
    return judge(align, problems, "", "A, B")
