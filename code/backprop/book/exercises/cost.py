"""Checkers of the chapter "What a gradient costs".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from backprop.book.chains import advances as fewest
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
    limited,
)


@checker
def check_count(forward: Any, backward: Any) -> Verdict:
    """Check the products of 64-32-10 on 50 examples: 2·50·2368, and 2·50·(2368 + 320)."""
    first, second = 64 * 32, 32 * 10
    once = 100 * (first + second)
    three = "Each layer has the product xᵀδ, and each but the first has δWᵀ as well."
    parts: list[Part] = [
        ("Forward", once, [
            (once // 2, "These are the multiplications alone.", "Each comes with an addition."),
            (2 * (first + second), "This is for a single example.", "There are 50 of them."),
            (first + second, "These are the weights.", "Each takes part once per example."),
            (100 * first, "This is the first layer alone.", "The second has 32 times 10 weights."),
            (100 * second, "This is the second layer alone.", "The first has 64 times 32 weights."),
            (100 * (64 + 32 + 10), "These are units, not weights.", "A layer has n_in n_out."),
            (100 * 64 * 32 * 10, "The layers' costs add up; they do not multiply.", ""),
            (3 * once, "This is three products per layer.", "Forward needs one."),
        ], "A product (B, n_in) by (n_in, n_out) takes 2 B n_in n_out operations."),
        ("Backward", 100 * (first + 2 * second), [
            (2 * once, "Here the first layer also passes an error down to the pixels.", three),
            (once, "Only the gradients of the weights are in here.", three),
            (3 * once, "The forward pass is in here too, and one product too many.", three),
            (100 * (2 * first + 3 * second), "The forward pass is in here too.", three),
            (50 * (first + 2 * second), "These are the multiplications alone.",
             "Each comes with an addition."),
            (100 * (2 * first + second), "It is the other layer that has one product less.", three),
            (100 * second, "These are only the errors passed down.", three),
            (200 * second, "The first layer's weights have a gradient, too.", three),
            (2 * (first + 2 * second), "This is for a single example.", "There are 50 of them."),
        ], three),
    ]  # fmt: skip
    return in_turn((forward, backward), parts, "Five products, three of them small.")


@checker
def check_intensity(one: Any, limit: Any) -> Verdict:
    """Check a Dense layer 768 to 256 in float32: 2·768·256 / 4(768 + 768·256 + 256), and 96."""
    n, m = 768, 256
    alone = 2 * n * m / (4 * (n + n * m + m))
    most = 2 * n * m / (4 * (n + m))
    parts: list[Part] = [
        ("B = 1", alone, [
            (alone / 2, "This is for float64, or without the additions.",
             "float32 has 4 bytes, and a multiplication comes with an addition."),
            (4 * alone, "This is per number.", "A float32 has 4 bytes."),
            (alone / 4, "Both the bytes and the additions are off.", "4 bytes and 2 operations."),
            (1 / alone, "These are bytes per operation.", "Divide the other way round."),
            (2 * n * m / (8 * n * m), "This is for float64, and counts only the weights.",
             "A float32 has 4 bytes. Add those of x and z."),
            (2 * n * m / (4 * n * m), "Only the weights were counted, which is nearly right.",
             "Add the bytes of x and z."),
            (2 * n * m / (4 * (n + n * m)), "The output is missing.", "It must be written."),
            (2 * n * m / (4 * (n * m + m)), "The input is missing.", "It must be read."),
            (most, "This is the limit for large batches.", "Here B is 1."),
        ], "Divide 2 n_in n_out by the bytes of x, W and z."),
        ("The limit", most, [
            (most / 2, "This is for float64, or without the additions.",
             "float32 has 4 bytes, and a multiplication comes with an addition."),
            (4 * most, "This is per number.", "A float32 has 4 bytes."),
            (most / 4, "Both the bytes and the additions are off.", "4 bytes and 2 operations."),
            (1 / most, "These are bytes per operation.", "Divide the other way round."),
            (math.inf, "The bytes of x and z grow with the batch as well.",
             "Divide both by B, and let B grow."),
            (2 * n * m / (4 * n), "The output is missing.", "z grows with the batch, too."),
            (2 * n * m / (4 * m), "The input is missing.", "x grows with the batch, too."),
            (alone, "This is the value for B = 1.", "Let B grow."),
            (0.5, "Here the batch has left the formula.", "Which bytes do not grow with B?"),
        ], "For large B, the bytes of W no longer matter."),
    ]  # fmt: skip
    praise = "A batch lifts the intensity nearly two-hundredfold."
    return in_turn((one, limit), parts, praise)


@checker
def check_jacobian(operations: Answer) -> Verdict:
    """Check ``operations(widths)``: what p rows forward and q rows backward cost in products."""

    def case(widths: list[int]) -> Case:
        weights = sum(n * m for n, m in pairwise(widths))
        p, q = widths[0], widths[-1]
        right = [2 * p * weights, 2 * q * weights]
        chained = [
            2 * p * sum(n * m for n, m in pairwise(widths[1:])),
            2 * q * sum(n * m for n, m in pairwise(widths[:-1])),
        ]
        mistakes: list[tuple[Any, str, str]] = [
            (right[::-1], "The two are exchanged.", "Forward mode makes a pass per input."),
            ([v // 2 for v in right], "These are the multiplications alone.",
             "Each comes with an addition."),
            ([2 * weights] * 2, "This is one pass.", "How many rows does each mode carry?"),
            ([p, q], "These are the passes.", "Each pass has its products."),
            (chained, "The first product is missing.", "Each row enters as a row of zeros and a"
             " one, and the exercise counts its product as well."),
            ([4 * v for v in (p * weights, q * weights)], "These are two products per layer.",
             "To carry a row through a layer takes one."),
            ([2 * p * math.prod(widths), 2 * q * math.prod(widths)],
             "The layers' costs add up; they do not multiply.", ""),
            ([2 * p * sum(widths), 2 * q * sum(widths)], "These are units, not weights.",
             "A row through a layer meets each of its weights."),
            (right[0], "Only forward mode was counted.", "Return both."),
        ]  # fmt: skip
        more = "A row through a layer of n by m weights takes 2nm operations."
        return Case((widths,), right, distinct(mistakes, right), more)

    cases = [case([3, 4, 2]), case([2, 5, 3, 4]), case([7, 1]), case([1, 6, 6, 9])]
    return judge(operations, cases, "The narrow end wins.", "widths")


@checker
def check_segments(k: Any, arrays: Any) -> Verdict:
    """Check n = 100 with inputs a quarter as large: k/4 + 100/k is least at k = 20, where it is 10.

    The unit of memory is what one layer keeps.
    """
    slope = "Set the derivative of k/4 + 100/k to 0."
    parts: list[Part] = [
        ("k", 20, [
            (10, "This is √n, as if an input were as large as what a layer keeps.", slope),
            (5, "The quarter is on the wrong side.", "Cheap inputs allow more of them."),
            (40, "The factor belongs under the root.", slope),
            (2.5, "The factor belongs under the root, and on the other side.", slope),
            (400, "This is k².", "Take the root."),
            (-20, "Only the positive root is a number of segments.", ""),
            (25, "This is n/4.", slope),
            (100, "Then every input is kept.", slope),
            (1, "Then nothing is saved.", slope),
        ], slope),
        ("The arrays", 10, [
            (20, "This is k itself, or the memory with inputs of full size.",
             "Insert k = 20, and count each input as a quarter."),
            (25, "Each input was counted in full.", "An input is a quarter of the unit."),
            (5, "This is one of the two terms.", "Add the other."),
            (12.5, "This is for k = 10.", slope),
            (21.25, "This is for k = 5.", slope),
            (40, "This is in units of an input.", "The unit is what a layer keeps."),
        ], "Add the inputs, a quarter each, and one segment of 100/k layers."),
    ]  # fmt: skip
    return in_turn((k, arrays), parts, "Both terms are equal there, as with √n.")


@checker
def check_binomial(length: Any, snapshots: Any) -> Verdict:
    """Check C(3 + 4, 3) = 35, and the least S with C(S + 3, 3) >= 1000, which is 17."""
    formula = "With S snapshots and R advances per layer, the longest chain has C(S + R, S) layers."
    parts: list[Part] = [
        ("The length", 35, [
            (12, "A product is far too little.", formula),
            (81, "This is 3⁴, but the binomial grows more slowly than a power.", formula),
            (64, "This is 4³, but the binomial grows more slowly than a power.", formula),
            (20, "This is for R = 3.", formula), (15, "This is for S = 2.", formula),
            (70, "This is for S = 4.", formula), (56, "This is for R = 5.", formula),
            (4, "This is C(4, 3).", formula), (7, "This is S + R.", formula),
            (210, "The order of the snapshots was counted.", "Divide by 3!."),
            (5040, "This is 7!.", "Divide by 3! and 4!."),
        ], formula),
        ("The snapshots", 17, [
            (16, "C(19, 3) = 969 layers are not enough.", "One more."),
            (18, "Fewer will do.", "Try one less."),
            (20, "This is S + R.", "Subtract R."),
            (19, "If this is your S + R, then C(19, 3) = 969 layers are not enough.",
             "Find the least S + R that is, and subtract R."),
            (10, "10³ = 1000, but the binomial grows more slowly.", "C(13, 3) = 286."),
            (32, "This is about √1000.", "With R = 3, fewer snapshots do."),
            (31, "This is about √1000.", "With R = 3, fewer snapshots do."),
            (334, "1000/3 is far too many.", formula),
            (45, "Then two advances per layer would do.", "Here there may be three."),
        ], "Find the least S with (S + 3)(S + 2)(S + 1)/6 ≥ 1000."),
    ]  # fmt: skip
    praise = "A thousand layers in the memory of seventeen."
    return in_turn((length, snapshots), parts, praise)


MOST_LINES = 400_000
SLOW = "It is too slow for 40 layers: the same lengths return again and again. Keep them."


@checker
def check_advances(advances: Answer) -> Verdict:
    """Check ``advances(n, S)``: the fewest advances, by trying each place of the first snapshot."""

    def halves(n: int, s: int) -> int:
        if n == 1:
            return 0
        if s == 1:
            return n * (n - 1) // 2
        return n // 2 + halves(n - n // 2, s - 1) + halves(n // 2, s)

    def forgetful(n: int, s: int) -> int:
        """Let the left part have one snapshot less as well."""
        if n == 1:
            return 0
        if s == 1:
            return n * (n - 1) // 2
        return min(m + forgetful(n - m, s - 1) + forgetful(m, s - 1) for m in range(1, n))

    def case(n: int, s: int) -> Case:
        right = fewest(n, s)
        mistakes: list[tuple[Any, str, str]] = [
            (right + n, "The evaluation just before each backward step is in here.",
             "It is the same for every schedule, so the exercise leaves it out."),
            (halves(n, s), "This always cuts in the middle.", "Try every place."),
            (forgetful(n, s), "The left part gets one snapshot too few.",
             "When the right part is done, its snapshot is free again."),
            (n * (n - 1) // 2, "This always starts again from x.", "Use the other snapshots."),
            (n - 1, "This advances each layer once, as if every input were kept.",
             "The right part has one snapshot less. The left part has all of them."),
            (fewest(n, s + 1), "This has one snapshot too many.", "x is among the snapshots."),
            (fewest(n, s - 1) if s > 1 else -1, "This has one snapshot too few.",
             "x is among the snapshots."),
            (0, "Nothing is advanced here.", "A first snapshot after m layers costs m."),
        ]  # fmt: skip
        more = "A cut after m layers costs m + advances(n - m, S - 1) + advances(m, S)."
        return Case((n, s), right, distinct(mistakes, right), more)

    if not callable(advances):
        return judge(advances, [case(2, 1)])
    quick = limited(advances, MOST_LINES, SLOW)
    sizes = (1, 3), (4, 1), (3, 2), (5, 2), (10, 3), (14, 2), (40, 4)
    try:
        return judge(
            quick, [case(n, s) for n, s in sizes], "These are the fewest, up to 40 layers.", "n, S"
        )
    except Told as told:
        return Verdict(False, str(told))
