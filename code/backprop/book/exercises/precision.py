"""Checkers of the chapter "Precision".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from decimal import Context, Decimal
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    ABSOLUTE,
    Answer,
    Case,
    Part,
    Verdict,
    checker,
    in_turn,
    judge,
    numbers,
)
from backprop.book.rounding import kahan


@checker
def check_rounding(first: Any, second: Any, third: Any) -> Verdict:
    """Check float16: 2048 + 1 is 2048, 2048 + 3 is 2052 (a tie), and 2⁻¹³ · 2⁻¹² is 0 (a tie)."""
    apart = "From 2048 to 4096, the numbers are 2048/1024 = 2 apart."
    tie = "Ties go to the neighbour with an even last digit of the fraction."
    parts: list[Part] = [
        ("2048 + 1", 2048.0, [
            (2049.0, "This is the exact sum.", apart),
            (2050.0, "This is the other neighbour.", f"{apart} {tie}"),
            (2052.0, "This is not a neighbour of 2049.", apart),
            (2047.0, "This is on the wrong side.", apart),
            (1.0, "The small number was kept and the large one lost.", apart),
        ], apart),
        ("2048 + 3", 2052.0, [
            (2051.0, "This is the exact sum.", apart),
            (2050.0, "This is the other neighbour.",
             "2050 is 2 · 1025 and 2052 is 2 · 1026. " + tie),
            (2048.0, "This is not a neighbour of 2051.", apart),
            (2056.0, "This is not a neighbour of 2051.", apart),
        ], apart),
        ("The product", 0.0, [
            (2.0**-25, "This is the exact product.", "The smallest float16 is 2⁻²⁴."),
            (2.0**-24, "This is the other neighbour.", f"2⁻²⁵ is midway between 0 and 2⁻²⁴. {tie}"),
            (2.0**-14, "This is the smallest normal number.", "Are there smaller ones?"),
            (-25.0, "This is the exponent of the product.", ""),
        ], "The smallest float16 is 2⁻²⁴."),
    ]  # fmt: skip
    product = numbers(third)  # what is nearly 0 is not 0 here
    if product is not None and product.shape == () and 0 < abs(product) < ABSOLUTE:
        third = 1.0
    return in_turn((first, second, third), parts, "All three were ties.")


@checker
def check_window(least: Any, most: Any) -> Verdict:
    """Check entries from 2⁻³⁸ to 2⁻³: at least 2¹⁴ reaches 2⁻²⁴, at most 2¹⁸ stays below 2¹⁶."""
    low = "2⁻³⁸ s must be at least the smallest float16, 2⁻²⁴."
    high = "2⁻³ s may be at most the largest power of two below 65,504."
    parts: list[Part] = [
        ("The smallest scale", 2.0**14, [
            (14.0, "This is its exponent.", "Give s itself."),
            (2.0**24, "With this scale all entries are normal numbers.",
             "Subnormal numbers are enough here."),
            (2.0**13, "Here the smallest entry is 2⁻²⁵, a tie that goes to 0.", low),
            (2.0**15, "There is a smaller one.", low),
            (2.0**38, "This scales the smallest entry to 1.", low),
            (2.0**-14, "This is the reciprocal.", low),
            (2.0**62, "The exponents were added.", low),
        ], low),
        ("The largest scale", 2.0**18, [
            (18.0, "This is its exponent.", "Give s itself."),
            (2.0**19, "Here the largest entry is 65,536, which is infinite.", high),
            (2.0**17, "There is a larger one.", high),
            (2.0**16, "This is the scale for an entry of size 1, and 65,536 is infinite.", high),
            (2.0**15, "This is the scale for an entry of size 1.", high),
            (2.0**13, "This went the wrong way.", high),
            (2.0**12, "This went the wrong way.", high),
            (65504.0, "This is the largest float16.", high),
            (65504.0 * 8, "It must be a power of two.", high),
        ], high),
    ]  # fmt: skip
    given = numbers([least, most])
    if given is not None and np.array_equal(given, (2.0**18, 2.0**14)):
        return Verdict(False, "The smallest and the largest are exchanged.", "")
    return in_turn((least, most), parts, "Five powers of two serve.")


def combined(gradients: Array, sizes: Array) -> Array:
    """Return Σ (B_m / B) g_m."""
    return np.asarray(sizes @ gradients / np.sum(sizes))


@checker
def check_combine(combine: Answer) -> Verdict:
    """Check ``combine(gradients, sizes)``: the batch gradient from those of micro-batches.

    Each row of ``gradients`` is the mean over the examples of one micro-batch.
    """
    weights = "A micro-batch of B_m examples counts B_m / B."

    def case(gradients: Array, sizes: Array) -> Case:
        right, B = combined(gradients, sizes), sizes.sum()
        mistakes = [
            (gradients.mean(axis=0), "All micro-batches count the same.", weights),
            (gradients.sum(axis=0), "The gradients were added as they are.", weights),
            (sizes @ gradients, "This is the gradient of the summed loss.", "Divide by B."),
            (sizes @ gradients / len(sizes), "Divided by the number of micro-batches.",
             "Divide by the number of examples."),
            (gradients.sum(axis=0) / B, "Each gradient was divided by B, but it is a mean.",
             "Multiply it by its size first."),
            ((gradients / sizes[:, None]).sum(axis=0), "Each mean was divided by its size again.",
             weights),
            ((gradients / sizes[:, None]).mean(axis=0), "Each mean was divided by its size again.",
             weights),
            (sizes @ gradients / B**2, "Divided by B twice.", weights),
            (sizes @ gradients / sizes.max() / len(sizes), "All sizes were taken as the largest.",
             weights),
            ((B - sizes) @ gradients / B, "Large micro-batches count little here.", weights),
        ]  # fmt: skip
        return Case((gradients, sizes), right, mistakes, weights)

    rows = np.array([[1.0, -2.0, 4.0], [5.0, 1.0, -3.0], [2.0, 7.0, 0.5]])
    cases = [
        case(np.array([[1.0, 3.0], [5.0, -2.0]]), np.array([3, 1])),
        case(rows, np.array([4, 4, 2])),
        case(rows[:2, :1], np.array([64, 7])),
    ]
    return judge(combine, cases, "Weighted by their sizes.", "gradients, sizes")


THREE = Context(prec=3)
"""Decimal arithmetic with three significant digits, ties to the even one."""


def three_digits(x: float) -> float:
    """Round a number to three significant decimal digits."""
    return float(THREE.create_decimal(Decimal(repr(float(x)))).normalize())


def _naive(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    total = 0.0
    for term in terms:
        total = fl(total + term)
    return total


def _flipped(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    total = lost = 0.0
    for term in terms:
        corrected = fl(term - lost)
        following = fl(total + corrected)
        lost = fl(corrected - fl(following - total))
        total = following
    return total


def _lost_of_term(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    total = lost = 0.0
    for term in terms:
        following = fl(total + fl(term + lost))
        lost = fl(term - fl(following - total))
        total = following
    return total


def _late(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    """Gather what each plain addition loses, and add it once in the end."""
    total = lost = 0.0
    for term in terms:
        following = fl(total + term)
        lost = fl(lost + fl(term - fl(following - total)))
        total = following
    return fl(total + lost)


def _loose(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    """Leave the corrected term as it is."""
    total = lost = 0.0
    for term in terms:
        corrected = term + lost
        following = fl(total + corrected)
        lost = fl(corrected - fl(following - total))
        total = following
    return total


def _arrived(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    """Leave what has arrived as it is."""
    total = lost = 0.0
    for term in terms:
        corrected = fl(term + lost)
        following = fl(total + corrected)
        lost = fl(corrected - (following - total))
        total = following
    return total


def _by_halves(terms: Sequence[float], fl: Callable[[float], float]) -> float:
    if len(terms) == 1:
        return fl(terms[0])
    middle = len(terms) // 2
    return fl(_by_halves(terms[:middle], fl) + _by_halves(terms[middle:], fl))


KAHAN_TERMS = (
    [100.0, 0.4, 0.4, 0.4, 0.4],
    [250.0, 0.3, 0.7, 0.6, 0.3, 0.4, 0.4],
    [7.77, 123.0, 0.12, -4.56, 0.45, 0.33, 0.27],
    [999.0, 4.0, 4.0, 4.0, 4.0, 4.0, 4.0],
    [-3.41, -3.87, 109.0, -0.4, -2.94, -3.94, -3.64, 2.04],
    [-0.29, 100.0, 0.39, -1.7, 1.8, 2.47, -3.61],
    [14.6, 3.86, -125.0, -82.4, 39.6, 177.0, -1.94],
    [-1.27, -0.08, -111.0, -0.05, -0.17, 37.6, 0.45],
)


@checker
def check_kahan(kahan_sum: Answer) -> Verdict:
    """Check ``kahan(terms, fl)``: the compensated sum in which ``fl`` rounds every operation."""
    rule = "What was lost is corrected - (following - total), where corrected = term + lost."

    def case(terms: list[float]) -> Case:
        right, exact = kahan(terms, three_digits), sum(map(Decimal, map(str, terms)))
        mistakes = [
            (_naive(terms, three_digits), "This is the plain running sum.",
             "On paper, corrected - (following - total) is 0. Round each of its operations."),
            (float(exact), "This is the exact sum.",
             "Round every operation with fl."),
            (sum(terms), "This is the exact sum.", "Round every operation with fl."),
            (_flipped(terms, three_digits), "What was lost has the wrong sign.", rule),
            (_lost_of_term(terms, three_digits), "What the corrected term loses is not all kept.",
             rule),
            (_loose(terms, three_digits), "term + lost was not rounded.",
             "Round every operation with fl."),
            (_arrived(terms, three_digits), "following - total was not rounded.",
             "Round every operation with fl."),
            (three_digits(float(exact)), "This is the exact sum, rounded, or a"
             " compensated sum of another kind.",
             "Round every operation with fl, and carry what was lost into the next term."),
            (_late(terms, three_digits), "What was lost was added once, at the end.",
             "Carry it into the next addition."),
            (_naive(sorted(terms, key=abs), three_digits), "This adds the smallest first.",
             "Keep the order, and carry what was lost."),
            (_naive(terms[::-1], three_digits), "This adds from the end.", "Keep the order."),
            (_by_halves(terms, three_digits), "This is the pairwise sum.",
             "Keep the order, and carry what was lost."),
            (kahan(terms[1:], three_digits), "The first term is missing.", ""),
            (kahan(terms[:-1], three_digits), "The last term is missing.", ""),
        ]  # fmt: skip
        return Case((terms, three_digits), right, mistakes, rule)

    return judge(kahan_sum, [case(terms) for terms in KAHAN_TERMS],
                 "Nothing that an addition loses is forgotten.", "terms, fl")  # fmt: skip


def stepped(master: Array, stored: Array, s: float, rate: float) -> Array:
    """Return the master weights after one step, or as they were if an entry is not finite."""
    if not np.isfinite(stored).all():
        return master.copy()
    return np.asarray(master - np.float32(rate) * (stored.astype(np.float32) / np.float32(s)))


@checker
def check_step(step: Answer) -> Verdict:
    """Check ``step(master, stored, s, rate)``: one step from a scaled gradient in float16.

    ``master`` is float32, and so is the result, the new master. With an entry of ``stored`` that
    is infinite or undefined, skip.
    """
    wide = "Convert the gradient to float32 before you divide by s."

    half = "Keep the master in float32."

    def skipping(change: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
        return lambda w, g: change(w, g) if np.isfinite(g).all() else w

    def case(master: list[float], stored: list[float], s: float, rate: float) -> Case:
        w, g = np.array(master, dtype=np.float32), np.array(stored, dtype=np.float16)

        def narrow(g: Array) -> Array:
            return np.asarray(g / np.float16(s)).astype(np.float32)

        def plain(w: Array, g: Array) -> Array:
            return np.asarray(w - rate * g.astype(np.float32) / s)

        wrong: list[tuple[Callable[[Array, Array], Array], str, str]] = [
            (skipping(lambda w, g: w - rate * narrow(g)), "The gradient was divided by s in"
             " float16.", wide),
            (skipping(lambda w, g: w - (rate * g.astype(np.float32) / np.float32(s)).astype(
                np.float16)), "The update went through float16.",
             "Only the gradient comes in float16: stay in float32 after it."),
            (skipping(lambda w, g: w - (np.float16(rate) * g).astype(np.float32) / np.float32(s)),
             "The rate times the gradient was computed in float16.", wide),
            (skipping(lambda w, g: plain(w, g).astype(np.float16).astype(np.float32)),
             "The weights went through float16.", half),
            (skipping(lambda w, g: w.astype(np.float16) - np.float16(rate) * (g / np.float16(s))),
             "The weights went through float16.", half),
            (skipping(lambda w, g: plain(w, g * np.float32(s))), "The gradient is still scaled.",
             "Divide by s."),
            (skipping(lambda w, g: plain(w, g * np.float32(s) ** 2)),
             "Multiplied by s instead of divided.", "Divide by s."),
            (skipping(lambda w, g: 2 * w - plain(w, g)), "This walks uphill.",
             "The update has a minus sign."),
            (skipping(lambda w, g: plain(0 * w, g)), "This is the change of the weights.",
             "Add it to the master."),
            (skipping(lambda w, g: plain(w, g / np.float32(rate))), "The rate is missing.", ""),
            (skipping(lambda w, g: plain(w, g.astype(np.float32) / np.float32(s))),
             "Divided by s twice.", ""),
            (lambda w, g: plain(w, np.where(np.isfinite(g), g, 0)),
             "Only the finite entries were used.",
             "The others come from the same overflow: skip the whole step."),
            (lambda w, g: plain(w, np.clip(g, -65504, 65504)), "Infinite entries were cut off.",
             "Their true size is unknown: skip the whole step."),
            (lambda w, g: plain(w, g) if np.isfinite(g).all() else 0 * w,
             "The weights were set to zero.", "Leave them as they are."),
            (plain, "An infinite gradient reached the weights.",
             "Skip a step whose gradient is not finite."),
        ]  # fmt: skip
        with np.errstate(all="ignore"):
            mistakes = [(f(w, g), hint, more) for f, hint, more in wrong]
        return Case((w, g, s, rate), stepped(w, g, s, rate), mistakes, wide,
                    where=f"stored = {stored}, s = {s:g}")  # fmt: skip

    cases = [
        case([1.0, -0.5, 0.25], [2.0, -6.0, 0.5], 8.0, 0.1),
        case([1.0, 0.333, -2.0], [0.5, 0.003, -0.06], 1024.0, 0.25),
        case([0.0, 0.001], [6e-7, 3e-5], 64.0, 1000.0),
        case([1.0, -3.0], [np.inf, 2.0], 16.0, 0.5),
    ]
    verdict = judge(step, cases, "Wide for the update, narrow for the rest.",
                    "master, stored, s, rate")  # fmt: skip
    if not verdict:
        return verdict
    found = step(*deepcopy(cases[0].args))
    if getattr(found, "dtype", None) != np.float32:
        kind = f"of {found.dtype}" if isinstance(found, np.ndarray) else type(found).__name__
        return Verdict(False, f"The numbers are right, but the result is {kind}.",
                       "Return an array of float32.")  # fmt: skip
    w = np.array([1.0, -3.0], dtype=np.float32)
    found = step(w.copy(), np.array([4.0, np.nan], dtype=np.float16), 16.0, 0.5)
    if not np.array_equal(np.asarray(found), w):
        return Verdict(False, "A gradient with an undefined entry (NaN) reached the weights.",
                       "NaN is neither finite nor infinite, and overflow makes it.")  # fmt: skip
    return verdict


PATIENCE = 3
Rule = Callable[[float, int, bool], tuple[float, int]]


def next_scale(s: float, clean: int, finite: bool) -> tuple[float, int]:
    """Halve at once after an overflow; double after so many clean steps."""
    if not finite:
        return s / 2, 0
    if clean + 1 == PATIENCE:
        return 2 * s, 0
    return s, clean + 1


@checker
def check_dynamic(rule: Answer) -> Verdict:
    """Check ``rule(s, clean, finite)``: the next loss scale and count of clean steps.

    After an overflow: half of s. After three clean steps in a row: twice s.
    """
    both = "Return the scale and the count, which starts anew whenever the scale changes."

    third = "The third clean step doubles: clean is 2 before it."
    overflow = "An overflow says that s is too large."

    def after(then: Rule) -> Rule:
        """Do this after an overflow, and otherwise what is right."""
        return lambda s, clean, finite: (then if not finite else next_scale)(s, clean, finite)

    def at(due: int, then: Rule) -> Rule:
        """Do this in a clean step that is due, and otherwise what is right."""
        return lambda s, n, ok: then(s, n, ok) if ok and n >= due else next_scale(s, n, ok)

    wrong: list[tuple[Rule, str, str]] = [
        (lambda s, n, ok: next_scale(s, n, not ok), "The two branches are exchanged.", overflow),
        (after(lambda s, n, ok: (2 * s, 0)), "The scale grows after an overflow.", overflow),
        (after(lambda s, n, ok: (s, 0)), "The scale stays after an overflow.", overflow),
        (after(lambda s, n, ok: (s / 2, n)), "The count stays after an overflow.", both),
        (after(lambda s, n, ok: (s / 2, n + 1)), "The count goes on after an overflow.", both),
        (after(lambda s, n, ok: (s / 4, 0)), "The scale is halved twice.", "Halve it once."),
        (after(lambda s, n, ok: (1.0, 0)), "The scale starts anew at 1.", "Halve it."),
        (after(lambda s, n, ok: (s - 1, 0)), "The scale shrinks by 1.", "Halve it."),
        (at(1, lambda s, n, ok: (2 * s, 0)), "The second clean step doubles already.", third),
        (at(0, lambda s, n, ok: (2 * s, 0)), "Every clean step doubles the scale.", third),
        (at(2, lambda s, n, ok: (s, n + 1)), "The third clean step does not double.", third),
        (at(1, lambda s, n, ok: (2 * s, 0) if n == 1 else (s, n + 1)),
         "The second clean step doubles already.", third),
        (at(2, lambda s, n, ok: (2 * s, n + 1)), "The count goes on after doubling.", both),
        (at(2, lambda s, n, ok: (2 * s, 1)), "The count starts anew at 1.", both),
        (at(2, lambda s, n, ok: (s + 1, 0)), "The scale grows by 1.", "Double it."),
        (at(0, lambda s, n, ok: (s, n)), "Clean steps are not counted.", third),
    ]  # fmt: skip

    def case(s: float, clean: int, finite: bool) -> Case:
        mistakes = [(f(s, clean, finite), hint, more) for f, hint, more in wrong]
        right = next_scale(s, clean, finite)
        return Case((s, clean, finite), right, mistakes, both, ("The scale", "The count"))

    cases = [
        case(1024.0, 0, True), case(1024.0, 1, True), case(1024.0, 2, True),
        case(512.0, 0, False), case(512.0, 2, False), case(64.0, 1, False),
    ]  # fmt: skip
    return judge(rule, cases, "Down at once, up with patience.", "s, clean, finite")


Lot = Callable[[float, float, float], Any]


@checker
def check_lot(by_lot: Answer) -> Verdict:
    """Check ``by_lot(x, apart, u)``: up with the probability of x's part of the distance.

    Either the large ``u`` or the small ones may lead upwards.
    """
    rule = "np.floor(x / apart) counts the multiples below x; u decides whether one more is taken."

    wrong: list[tuple[Lot, str, str]] = [
        (lambda x, d, u: np.floor(x / d + u), "This is a count of multiples.",
         "Multiply by apart again."),
        (lambda x, d, u: np.rint(x / d) * d, "This rounds to the nearest, whatever u is.", rule),
        (lambda x, d, u: np.floor(x / d) * d, "This always rounds down.", rule),
        (lambda x, d, u: np.ceil(x / d) * d, "This always rounds up.", rule),
        (lambda x, d, u: (np.floor(x / d) + 1) * d, "This always rounds up.", rule),
        (lambda x, d, u: x, "Nothing was rounded.", rule),
        (lambda x, d, u: x + u * d, "u was added, but nothing was rounded.",
         "Round down after it."),
        (lambda x, d, u: np.rint(x / d + u) * d, "Rounding to the nearest after adding u leads too"
         " far up.", "Round down after it."),
        (lambda x, d, u: np.ceil(x / d + u) * d, "Rounding up after adding u leads too far up.",
         "Round down after it."),
        (lambda x, d, u: np.floor((x + u) / d) * d, "u was added to x itself.",
         "u is a part of the distance: measure x in units of apart first."),
        (lambda x, d, u: np.floor(x + u), "These are whole numbers.",
         "Measure x in units of apart."),
        (lambda x, d, u: np.trunc(x / d + u) * d, "Negative numbers are cut off towards 0.",
         "np.floor rounds down for both signs."),
        (lambda x, d, u: (np.floor(x / d) + (u > x / d - np.floor(x / d))) * d,
         "Up and down are exchanged.", "Close to the upper neighbour, up must be likely."),
        (lambda x, d, u: (np.floor(x / d) + (u < 1 - x / d + np.floor(x / d))) * d,
         "Up and down are exchanged: close to the upper neighbour, up must be likely.", rule),
        (lambda x, d, u: (np.floor(x / d) + (u < 0.5)) * d, "Up and down are equally likely here.",
         rule),
        (lambda x, d, u: (np.floor(x / d) + (u >= 0.5)) * d, "Up and down are equally likely here.",
         "Compare u with x's part of the distance."),
    ]  # fmt: skip

    def case(x: float, apart: float, u: float, small: bool) -> Case:
        low = np.floor(x / apart)
        part = x / apart - low
        right = float((low + (u < part if small else part + u >= 1)) * apart)
        mistakes = [(float(f(x, apart, u)), hint, more) for f, hint, more in wrong]
        return Case((x, apart, u), right, mistakes, rule)

    places = [
        (1.3, 0.5, 0.7), (1.3, 0.5, 0.2), (2.9, 1.0, 0.05), (2.9, 1.0, 0.95), (-0.3, 0.25, 0.85),
        (-0.3, 0.25, 0.1), (0.07, 0.125, 0.5), (6.1, 4.0, 0.3), (1.0, 0.5, 0.9),
        (1.05, 0.5, 0.3), (1.45, 0.5, 0.3), (1.05, 0.5, 0.7), (1.45, 0.5, 0.7),
    ]  # fmt: skip
    first, second = (
        judge(by_lot, [case(*place, small) for place in places], "Right on average.",
              "x, apart, u")
        for small in (False, True)
    )  # fmt: skip
    if first or second:
        return first or second
    try:
        changing = len({float(by_lot(1.3, 0.5, 0.7)) for _ in range(30)}) > 1
    except Exception:  # the verdict quotes it
        changing = False
    if changing:
        return Verdict(False, "The same u leads to different answers.",
                       "Draw nothing yourself: u is the random number.")  # fmt: skip
    return first
