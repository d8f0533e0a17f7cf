"""The checkers of the chapter on precision against right and wrong answers."""

import numpy as np
import pytest
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import precision as ex

half = np.float16
RIGHT = {
    ex.check_rounding: [
        (2048, 2052, 0),
        (half(2048) + half(1), half(2048) + half(3), half(2**-13) * half(2**-12)),
    ],
    ex.check_window: [(2**14, 2**18), (16384.0, 262144)],
}
WRONG_ANSWERS = {
    ex.check_rounding: [
        ((2049, 2052, 0), "exact sum"), ((2050, 2052, 0), "other neighbour"),
        ((1, 2052, 0), "large one lost"), ((2047, 2052, 0), "wrong side"),
        ((2052, 2052, 0), "not a neighbour of 2049"),
        ((2048, 2051, 0), "exact sum"), ((2048, 2050, 0), "2026|2 · 1026"),
        ((2048, 2048, 0), "not a neighbour"), ((2048, 2052, 2**-25), "exact product"),
        ((2048, 2052, 2**-24), "midway"), ((2048, 2052, 2**-14), "normal"),
        ((2048, 2052, -25), "exponent"), ((2048, 2052, 2.0**-156), "smallest float16"),
        ((2048, 2052, 1), "smallest float16"), ((2048, 2052), "3 answers"),
        ((None, 2052, 0), "None"), ((2048, 2052, "0"), "expected a number"),
    ],
    ex.check_window: [
        ((14, 18), "exponent"), ((2**24, 2**18), "Subnormal"), ((2**13, 2**18), "tie"),
        ((2**15, 2**18), "smaller"), ((2**38, 2**18), "to 1"), ((2.0**-14, 2**18), "reciprocal"),
        ((2**14, 18), "exponent"), ((2**14, 2**19), "infinite"), ((2**14, 2**17), "larger one"),
        ((2**14, 2**13), "wrong way"), ((2**14, 65504), "largest float16"),
        ((2**14, 65504 * 8), "power of two"), ((2**14, 2**16), "size 1"), ((2**14,), "2 answers"),
        ((2**18, 2**14), "exchanged"), ((2**10, 2**18), "at least"), ((2**14, 2**21), "at most"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


def combine(gradients, sizes):
    return sizes @ gradients / np.sum(sizes)


def combine_by_loop(gradients, sizes):
    total = 0
    for g, n in zip(gradients, sizes, strict=True):
        total = total + n * g
    return total / sum(sizes)


def kahan(terms, fl):
    total = lost = 0.0
    for term in terms:
        corrected = fl(term + lost)
        following = fl(total + corrected)
        lost = fl(corrected - fl(following - total))
        total = following
    return total


def kahan_with_the_other_sign(terms, fl):
    total, c = terms[0], 0.0
    for term in terms[1:]:
        y = fl(term - c)
        t = fl(total + y)
        c = fl(fl(t - total) - y)
        total = t
    return total


def naive(terms, fl):
    total = 0.0
    for term in terms:
        total = fl(total + term)
    return total


def wrong_sign(terms, fl):
    total = c = 0.0
    for term in terms:
        y = fl(term + c)
        t = fl(total + y)
        c = fl(fl(t - total) - y)
        total = t
    return total


def late(terms, fl):
    total = lost = 0.0
    for term in terms:
        following = fl(total + term)
        lost = fl(lost + fl(term - fl(following - total)))
        total = following
    return fl(total + lost)


def loose(terms, fl):
    total = lost = 0.0
    for term in terms:
        corrected = term + lost
        following = fl(total + corrected)
        lost = fl(corrected - fl(following - total))
        total = following
    return total


def arrived(terms, fl):
    total = lost = 0.0
    for term in terms:
        corrected = fl(term + lost)
        following = fl(total + corrected)
        lost = fl(corrected - (following - total))
        total = following
    return total


def neumaier(terms, fl):
    total = lost = 0.0
    for term in terms:
        following = fl(total + term)
        if abs(total) >= abs(term):
            lost = fl(lost + fl(fl(total - following) + term))
        else:
            lost = fl(lost + fl(fl(term - following) + total))
        total = following
    return fl(total + lost)


def by_halves(terms, fl):
    if len(terms) == 1:
        return fl(terms[0])
    middle = len(terms) // 2
    return fl(by_halves(terms[:middle], fl) + by_halves(terms[middle:], fl))


def plain_in_place_of_lost(terms, fl):
    total = lost = 0.0
    for term in terms:
        corrected = fl(term + lost)
        total, lost = fl(total + corrected), fl(corrected - corrected)
    return total


OWN = np.random.default_rng(0)


def lost_of_the_term(terms, fl):
    total = lost = 0.0
    for term in terms:
        following = fl(total + fl(term + lost))
        lost = fl(term - fl(following - total))
        total = following
    return total


def step(master, stored, s, rate):
    if not np.isfinite(stored).all():
        return master
    return master - np.float32(rate) * (stored.astype(np.float32) / np.float32(s))


def step_in_float64(master, stored, s, rate):
    if not np.isfinite(stored).all():
        return master.copy()
    g = stored.astype(float) / s
    return (master - rate * g).astype(np.float32)


def no_skip(master, stored, s, rate):
    return master - np.float32(rate) * (stored.astype(np.float32) / np.float32(s))


def skip_infinite(master, stored, s, rate):
    if np.isinf(stored).any():
        return master.copy()
    return no_skip(master, stored, s, rate)


def some(change):
    def wrong(master, stored, s, rate):
        if not np.isfinite(stored).all():
            return master.copy()
        return change(master, stored.astype(np.float32), s, rate)

    return wrong


def rule(s, clean, finite):
    if not finite:
        return s / 2, 0
    return (2 * s, 0) if clean == 2 else (s, clean + 1)


def rule_as_list(s, clean, finite):
    clean = clean + 1 if finite else 0
    s = s if finite else s / 2
    return [s, clean] if clean < 3 else [s * 2, 0]


def by_lot(x, apart, u):
    return np.floor(x / apart + u) * apart


def by_comparison(x, apart, u):
    low = np.floor(x / apart) * apart
    return low + apart * (u < (x - low) / apart)


RIGHT_FUNCTIONS = {
    ex.check_combine: [combine, combine_by_loop,
                       lambda g, n: np.average(g, axis=0, weights=n)],
    ex.check_kahan: [kahan, kahan_with_the_other_sign],
    ex.check_step: [step, step_in_float64],
    ex.check_dynamic: [rule, rule_as_list],
    ex.check_lot: [by_lot, by_comparison],
}  # fmt: skip


def common(n):
    return [
        (lambda *a: None, "return missing"), (lambda: 3, f"{n} arguments"),
        (3, "without calling it"), (lambda *a: {}["x"], "KeyError"),
    ]  # fmt: skip


WRONG_FUNCTIONS = {
    ex.check_combine: [
        *common(2),
        (lambda g, n: g.mean(axis=0), "count the same"), (lambda g, n: g.sum(axis=0), "added as"),
        (lambda g, n: n @ g, "summed loss"), (lambda g, n: n @ g / len(n), "number of micro"),
        (lambda g, n: g.sum(axis=0) / n.sum(), "is a mean"),
        (lambda g, n: (g / n[:, None]).sum(axis=0), "size again"),
        (lambda g, n: (g / n[:, None]).mean(axis=0), "size again"),
        (lambda g, n: n @ g / n.sum() ** 2, "twice"),
        (lambda g, n: n @ g / n.max() / len(n), "as the largest"),
        (lambda g, n: (n.sum() - n) @ g / n.sum(), "count little"),
        (lambda g, n: np.mean(g), "shape"), (lambda g, n: -combine(g, n), "sign"),
    ],
    ex.check_kahan: [
        *common(2),
        (naive, "plain running"), (lambda t, fl: sum(t), "exact sum"),
        (lambda t, fl: fl(sum(t)), "exact sum, rounded"), (wrong_sign, "wrong sign"),
        (loose, "term + lost was not"), (arrived, "following - total was not"),
        (neumaier, "another kind"), (by_halves, "pairwise"),
        (plain_in_place_of_lost, "corrected - (following - total) is 0"),
        (late, "once, at the end"),
        (lost_of_the_term, "corrected term loses"),
        (lambda t, fl: naive(sorted(t, key=abs), fl), "smallest first"),
        (lambda t, fl: naive(t[::-1], fl), "from the end|smallest first"),
        (lambda t, fl: kahan(t[1:], fl), "first term"),
        (lambda t, fl: kahan(t[:-1], fl), "last term"),
        (lambda t, fl: kahan(t, lambda x: x), "exact sum"), (lambda t, fl: t, "shape"),
    ],
    ex.check_step: [
        *common(4),
        (no_skip, "Skip a step"), (skip_infinite, "undefined"),
        (lambda w, g, s, r: step(w, g, s, r).astype(float), "float32"),
        (lambda w, g, s, r: step(w, g, s, r).tolist(), "list"),
        (lambda w, g, s, r: step(w.astype(float), g, s, r), "float32"),
        (some(lambda w, g, s, r: w - r * g), "still scaled"),
        (some(lambda w, g, s, r: w - r * g * s), "Multiplied by s"),
        (some(lambda w, g, s, r: w + r * g / s), "uphill"),
        (some(lambda w, g, s, r: -r * g / s), "change of the weights"),
        (some(lambda w, g, s, r: w - g / s), "rate is missing"),
        (some(lambda w, g, s, r: w - r * g / s / s), "twice"),
        (some(lambda w, g, s, r: w - np.float32(r) * (g.astype(half) / half(s)).astype(np.float32)),
         "divided by s in float16"),
        (some(lambda w, g, s, r: w - (np.float32(r) * g / np.float32(s)).astype(half)),
         "update went through"),
        (some(lambda w, g, s, r: w - (half(r) * g.astype(half)).astype(np.float32) / np.float32(s)),
         "rate times the gradient"),
        (some(lambda w, g, s, r: (w - r * g / s).astype(half).astype(np.float32)),
         "went through float16"),
        (lambda w, g, s, r: no_skip(w, np.where(np.isfinite(g), g, 0), s, r), "finite entries"),
        (lambda w, g, s, r: no_skip(w, np.clip(g, -65504, 65504), s, r), "cut off"),
        (lambda w, g, s, r: no_skip(w, g, s, r) if np.isfinite(g).all() else w * 0, "set to zero"),
        (lambda w, g, s, r: None if np.isinf(g).any() else step(w, g, s, r), "return missing"),
    ],
    ex.check_dynamic: [
        *common(3),
        (lambda s, n, ok: (2 * s, 0) if not ok else rule(s, n, ok), "grows after"),
        (lambda s, n, ok: rule(s, n, not ok), "exchanged"),
        (lambda s, n, ok: (s, 0) if not ok else rule(s, n, ok), "scale stays"),
        (lambda s, n, ok: (s / 2, n) if not ok else rule(s, n, ok), "count stays"),
        (lambda s, n, ok: (s / 2, n + 1) if not ok else rule(s, n, ok), "after an overflow"),
        (lambda s, n, ok: (s / 4, 0) if not ok else rule(s, n, ok), "halved twice"),
        (lambda s, n, ok: (1.0, 0) if not ok else rule(s, n, ok), "anew at 1"),
        (lambda s, n, ok: (s - 1, 0) if not ok else rule(s, n, ok), "shrinks by 1"),
        (lambda s, n, ok: (2 * s, 0) if ok else rule(s, n, ok), "Every clean step"),
        (lambda s, n, ok: (s, n + 1) if ok and n == 2 else rule(s, n, ok), "not double"),
        (lambda s, n, ok: (2 * s, n + 1) if ok and n == 2 else rule(s, n, ok), "after doubling"),
        (lambda s, n, ok: (s + 1, 0) if ok and n == 2 else rule(s, n, ok), "grows by 1"),
        (lambda s, n, ok: (2 * s, 0) if ok and n == 1 else rule(s, n, ok), "second clean"),
        (lambda s, n, ok: ((2 * s, 0) if n == 1 else (s, n + 1)) if ok else (s / 2, 0), "second"),
        (lambda s, n, ok: rule(s, n, ok)[0], "shape"),
    ],
    ex.check_lot: [
        *common(3),
        (lambda x, d, u: np.floor(x / d + u), "count of multiples"),
        (lambda x, d, u: np.rint(x / d) * d, "to the nearest"),
        (lambda x, d, u: np.floor(x / d) * d, "always rounds down"),
        (lambda x, d, u: np.ceil(x / d) * d, "always rounds up"),
        (lambda x, d, u: x, "Nothing was rounded"), (lambda x, d, u: x + u * d, "nothing was"),
        (lambda x, d, u: np.rint(x / d + u) * d, "too far up"),
        (lambda x, d, u: np.ceil(x / d + u) * d, "Rounding up"),
        (lambda x, d, u: np.floor((x + u) / d) * d, "added to x itself"),
        (lambda x, d, u: np.floor(x / d + OWN.random()) * d, "different answers"),
        (lambda x, d, u: np.floor(x + u), "whole numbers"),
        (lambda x, d, u: np.trunc(x / d + u) * d, "cut off"),
        (lambda x, d, u: (np.floor(x / d) + (u < 0.5)) * d, "equally likely"),
        (lambda x, d, u: (np.floor(x / d) + (u >= 0.5)) * d, "equally likely"),
        (lambda x, d, u: (np.floor(x / d) + (u > x / d - np.floor(x / d))) * d, "exchanged"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2


@pytest.mark.parametrize(
    ("x", "found"), [(100.4, 100), (101.6, 102), (0.125, 0.125), (1.235, 1.24), (-99.95, -100)]
)
def test_three_digits(x, found):
    assert ex.three_digits(x) == found


def test_both_kinds_of_lot_are_right_on_average():
    u = (np.arange(1000) + 0.5) / 1000
    for way in (by_lot, by_comparison):
        assert np.mean([way(1.3, 0.5, v) for v in u]) == pytest.approx(1.3)
