"""Checkers of the chapter "What a gradient costs".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
    numbers,
)
from backprop.book.roofline import dense_bytes, dense_operations


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
            (100 * (first + 2 * second), "This is the backward pass.",
             "Give the forward pass first."),
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


def _crossing(n: int, m: int, corner: float, item: int = 4, operations: int = 2) -> float:
    """Return the B for which operations·Bnm / item(Bn + nm + Bm) is the corner."""
    return corner * item * n * m / (operations * n * m - corner * item * (n + m))


@checker
def check_intensity(batch: Any, limit: Any) -> Verdict:
    """Check a Dense layer 768 to 256 in float32 with a corner of 10: from 23 on, and 96.

    2·768·256 B / 4(768 B + 768·256 + 256 B) is 9.87 for B = 22, and 10.29 for B = 23.
    """
    n, m = 768, 256
    crossing = _crossing(n, m, 10)
    right = math.ceil(crossing)
    most = 2 * n * m / (4 * (n + m))
    double = "This is for float64, or without the additions."
    rule = "float32 has 4 bytes, and a multiplication comes with an addition."
    weights = "All bytes count: those of x, W and z."
    below = "With 22 examples, the intensity is still below 10."
    parts: list[Part] = [
        ("The batch", right, distinct([
            (crossing, "A batch is a whole number.", "Which is the first one beyond the corner?"),
            (right - 1, below, "Which batch is the first beyond the corner?"),
            (20, "Only the weights were counted.", weights),
            (21, "Some bytes are missing.", weights),
            (math.ceil(_crossing(n, m, 10, 8)), double, rule),
            (math.floor(_crossing(n, m, 10, 8)), double, rule),
            (math.ceil(_crossing(n, m, 10, 1)), "This is per number.", "A float32 has 4 bytes."),
            (math.floor(_crossing(n, m, 10, 1)), "This is per number.", "A float32 has 4 bytes."),
            (math.ceil(_crossing(n, m, 10, 8, 1)), "Both the bytes and the additions are off.",
             "4 bytes and 2 operations."),
            (10, "This is the corner, in operations per byte.", "Which batch has as many?"),
            (most, "This is the limit for large batches.", "Which batch lies at the corner?"),
        ], right), "Divide 2 B n_in n_out by the bytes of x, W and z, and set this equal to 10."),
        ("The limit", most, [
            (most / 2, double, rule),
            (4 * most, "This is per number.", "A float32 has 4 bytes."),
            (2 * most, "This is for numbers of 2 bytes.", "A float32 has 4 bytes."),
            (most / 4, "Both the bytes and the additions are off.", "4 bytes and 2 operations."),
            (1 / most, "These are bytes per operation.", "Divide the other way round."),
            (math.inf, "The bytes of x and z grow with the batch as well.",
             "Divide both by B, and let B grow."),
            (2 * n * m / (4 * n), "The output is missing.", "z grows with the batch, too."),
            (2 * n * m / (4 * m), "The input is missing.", "x grows with the batch, too."),
            (2 * n * m / (4 * (n + n * m + m)), "This is the value for B = 1.", "Let B grow."),
            (0.5, "Here the batch has left the formula.", "Which bytes do not grow with B?"),
        ], "For large B, the bytes of W no longer matter."),
    ]  # fmt: skip
    praise = "On a machine whose corner lies above 96, memory decides for every batch."
    return in_turn((batch, limit), parts, praise)


@checker
def check_jacobian(jacobian_operations: Answer) -> Verdict:
    """Check ``jacobian_operations(widths)``: a row per input up from W1, per output down from Wn.

    The first product of a mode is not counted, because the rows start as those of a matrix.
    """

    def case(widths: list[int]) -> Case:
        pairs = [n * m for n, m in pairwise(widths)]
        p, q = widths[0], widths[-1]
        right = [2 * p * sum(pairs[1:]), 2 * q * sum(pairs[:-1])]
        copied = [2 * p * sum(pairs), 2 * q * sum(pairs)]
        mistakes: list[tuple[Any, str, str]] = [
            (right[::-1], "The two are exchanged.", "Forward mode makes a pass per input."),
            ([v // 2 for v in right], "These are the multiplications alone.",
             "Each comes with an addition."),
            (copied, "One product too many.",
             "The rows start as those of a matrix, with no product."),
            ([2 * sum(pairs)] * 2, "This is one pass.", "How many rows does each mode carry?"),
            ([right[0] // p, right[1] // q], "This is one row.", "How many rows are there?"),
            ([p, q], "These are the passes.", "Each pass has its products."),
            ([2 * p * sum(pairs[:-1]), 2 * q * sum(pairs[1:])],
             "Each mode leaves out the other mode's matrix.",
             "Forward mode starts with the rows of the first one."),
            ([2 * v for v in right], "These are two products per layer.",
             "To carry a row through a layer takes one."),
            ([2 * p * math.prod(widths), 2 * q * math.prod(widths)],
             "The layers' costs add up; they do not multiply.", ""),
            ([2 * p * sum(widths), 2 * q * sum(widths)], "These are units, not weights.",
             "A row through a layer meets each of its weights."),
            (right[0], "Only forward mode was counted.", "Return both."),
        ]  # fmt: skip
        more = "A row through a layer of n by m weights takes 2nm operations."
        return Case((widths,), right, distinct(mistakes, right), more)

    cases = [case([3, 4, 2, 5]), case([2, 5, 3, 4]), case([3, 4, 2]), case([1, 6, 6, 9])]
    return judge(
        jacobian_operations,
        cases,
        "With one output, as in training, reverse mode carries one row.",
        "widths",
    )


@checker
def check_frozen(last: Any, first: Any) -> Verdict:
    """Check the way back of 784-256-128-10 with one layer trained: 2·1280, and 2·234 752.

    The first layer's slopes need the errors through all others.
    """
    w1, w2, w3 = 784 * 256, 256 * 128, 128 * 10
    way = "The error must first pass down through the layers above."
    one = "The last layer's error comes from the loss; its slopes take one product."
    multiplied = "These are the multiplications alone."
    parts: list[Part] = [
        ("The last", 2 * w3, [
            (w3, multiplied, "Each comes with an addition."),
            (4 * w3, "Here the last layer also passes an error down.", "Nobody below asks for it."),
            (2 * (w1 + 2 * (w2 + w3)), "Here all layers are trained.", one),
            (2 * (w1 + w2 + w3), "This is a forward pass.", one),
            (2 * (w1 + w2 + 2 * w3), "The forward pass is in here too.", one),
            (2 * w1, "This is the first layer's product.", "Which layer is the last?"),
            (2 * (w2 + w3), "These are two layers.", one),
            (0, "Its weights do have slopes.", one),
            (2 * (128 + 10), "These are units, not weights.", "A layer has n_in n_out."),
        ], one),
        ("The first", 2 * (w1 + w2 + w3), [
            (w1 + w2 + w3, multiplied, "Each comes with an addition."),
            (2 * w1, "How did the error come to the first layer?", way),
            (4 * w1, "No error is needed below the first layer, but how did it come there?", way),
            (2 * (2 * w1 + w2 + w3), "No error is needed below the first layer.", ""),
            (2 * (w1 + 2 * (w2 + w3)), "Here all layers are trained.",
             "The upper two pass the error down, and need no slopes of their weights."),
            (2 * (w1 + w2), "The error passes through one more layer.", way),
            (2 * (w1 + w3), "The error passes through one more layer.", way),
            (2 * (w2 + w3), "This is the way to the first layer, without its own slopes.", ""),
            (2 * w3, "This is the last layer's.", way),
            (4 * (w1 + w2 + w3), "The forward pass is in here too.", "Count the way back alone."),
        ], way),
    ]  # fmt: skip
    praise = "To train the first layer alone takes as much as a forward pass."
    return in_turn((last, first), parts, praise)


@checker
def check_training(operations: Any, days: Any) -> Verdict:
    """Check 6ND for N = 2·10⁹ and D = 4·10¹⁰: 4.8·10²⁰, and at 10¹⁴ a second 55.6 days."""
    product = 2e9 * 4e10
    right = 6 * product
    speed, day = 1e14, 24 * 3600
    seconds = right / speed
    rule = "A weight takes 2 operations forward and 4 backward for each piece of text."
    parts: list[Part] = [
        ("The operations", right, [
            (product, "This is N times D.", rule),
            (2 * product, "This is the forward pass alone.", rule),
            (3 * product, "These are the multiplications alone.", rule),
            (4 * product, "This is the backward pass alone.", rule),
            (5 * product, "One of the six is missing.", rule),
            (6 * 2e9, "This is for one piece of text.", "There are D of them."),
            (6 * 4e10, "This is for one weight.", "There are N of them."),
            (8 * product, "This is with a second forward pass.", rule),
            (6 * (2e9 + 4e10), "Each weight meets each piece: multiply N by D.", rule),
        ], rule),
        ("The days", seconds / day, [
            (seconds, "These are seconds.", "A day has 86,400 of them."),
            (seconds / 3600, "These are hours.", "A day has 24 of them."),
            (seconds / 60, "These are minutes.", "A day has 1,440 of them."),
            (seconds / (7 * day), "These are weeks.", "A week has 7 days."),
            (seconds / (365 * day), "These are years.", ""),
            (seconds / day / 3, "This is the forward pass alone.", rule),
            (2 * seconds / day / 3, "This is the backward pass alone.", rule),
            (1 / (seconds / day), "Divide the other way round.", "Operations by speed is a time."),
            (seconds / day * 1000, "A factor of a thousand is wrong.", "Count the zeros again."),
            (seconds / day / 1000, "A factor of a thousand is wrong.", "Count the zeros again."),
        ], "Divide the operations by the speed, and the seconds by 86,400."),
    ]  # fmt: skip
    praise = "Eight such processors would take a week, if none waited for another."
    return in_turn((operations, days), parts, praise)


def _reverse_and_middle(a: int, b: int, k: int, c: int, m: int) -> tuple[int, int]:
    """Return what the Jacobian of a-b-k-c-m takes by reverse mode, and from its middle layer."""
    return 2 * m * (c * k + k * b + b * a), 2 * (a * b * k + k * c * m + a * k * m)


def _widest(name: str, answer: Any, inputs: int) -> Verdict:
    """Judge the largest middle layer with which the start in the middle takes less."""

    def counted(k: int) -> tuple[int, int]:
        return _reverse_and_middle(inputs, 100, k, 100, 20)

    right = max(k for k in range(1, 100) if counted(k)[1] < counted(k)[0])
    product = "It has as many entries as the Jacobian, each of k multiplications and additions."
    free = max(k for k in range(1, 100) if counted(k)[1] - 2 * inputs * k * 20 < counted(k)[0])
    mistakes = [
        (free, "The last product is missing, that of the rows down with the rows up.", product),
        (1, "This is the waist of the text.", "How much wider may it be?"),
        (100, "This is no waist.", ""),
        (30, "This is the waist that loses in the text, where 10 outputs are narrower.",
         "Here there are 20."),
    ]  # fmt: skip
    verdict = judge_value(answer, Case((), right, distinct(mistakes, right)))
    if verdict.unforeseen and (k := float(numbers(answer))).is_integer() and 0 < k < 100:  # type: ignore[arg-type]
        reverse, middle = counted(int(k))
        verdict = replace(
            verdict,
            message=f"With k = {k:.0f}, the middle takes {middle:,} operations and reverse mode"
            f" {reverse:,}.",
            more="Is there a wider one that wins?" if middle < reverse else "It must take fewer.",
        )
    return verdict if verdict else replace(verdict, message=f"{name}: {verdict.message}")


@checker
def check_waist(hundred: Any, more: Any) -> Verdict:
    """Check the largest k that is worth a start in the middle of 100-100-k-100-20 and 400-....

    2(100²k + 2·100·20k) < 2·20(2·100k + 100²), so 19; and 17 with 400 inputs.
    """
    for name, answer, inputs in (("100 inputs", hundred, 100), ("400 inputs", more, 400)):
        if not (verdict := _widest(name, answer, inputs)):
            return verdict
    return Verdict(True, "Here, narrower than the 20 outputs: 19 units, or 17 with 400 inputs.")


@checker
def check_prediction(peak: Any, bandwidth: Any, seconds: Any) -> Verdict:
    """Check max(operations / peak, bytes / bandwidth) for 8 examples, 2048 inputs and outputs.

    The two limits are those of the reader's machine.
    """
    limits = []
    for name, given in (("The peak", peak), ("The bandwidth", bandwidth)):
        found = numbers(given)
        if found is None or found.ndim or not np.isfinite(found) or found <= 0:
            return Verdict(False, f"{name}: expected a positive number.")
        if found < 1e6:
            return Verdict(
                False, f"{name}: {float(found):.3g} per second is too few.",
                "Were these billions? A billion is 1e9.",
            )  # fmt: skip
        limits.append(float(found))
    operations, moved = dense_operations(8, 2048, 2048), dense_bytes(8, 2048, 2048)
    computing, carrying = operations / limits[0], moved / limits[1]
    right = max(computing, carrying)
    rule = "Divide operations by the peak and bytes by the bandwidth; the longer time decides."
    mistakes = [
        (min(computing, carrying), "Both must be done, and this is the shorter of the two.",
         "Where they overlap, the longer one decides."),
        (computing + carrying, "This is the sum.", "At best, computing and carrying overlap."),
        (1000 * right, "These are milliseconds.", "Seconds are asked for."),
        (1 / right, "Divide the other way round.", rule),
        (operations / limits[1], "These operations are divided by bytes per second.", rule),
        (moved / limits[0], "These bytes are divided by operations per second.", rule),
        (max(computing / 2, carrying), "The additions are missing.",
         "Each multiplication comes with one."),
        (max(computing, carrying / 8), "These are numbers, not bytes.", "A float64 has 8 bytes."),
        (max(computing, carrying / 2), "This is for float32.", "A float64 has 8 bytes."),
        (max(computing, 8 * 2048**2 / limits[1]), "Only the weights were counted.",
         "Add the bytes of x and z."),
        (max(computing / 8, carrying), "These are the operations of one example.",
         "There are 8 of them."),
        (2 * right, "This is the backward pass.", "The forward pass has one product."),
    ]  # fmt: skip
    part: Part = ("The seconds", right, distinct(mistakes, right), rule)
    praise = "Now time the layer, and divide by your prediction."
    return in_turn((seconds,), [part], praise)
