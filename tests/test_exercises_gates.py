"""The checkers of "Gates": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import gates as ex

GATE = 1 / (1 + math.exp(-1))
LEFT, OPEN = GATE**10, 0.5**0.01
BIAS = math.log(OPEN / (1 - OPEN))
ALONE, ONE, WHOLE = 0.9**39, 39 * 0.9**38 * 0.086, 0.986**39
RIGHT = {
    ex.check_gate: [(LEFT, BIAS), (0.0436, 4.97), (sp.Float(LEFT), 4.968),
                    (LEFT, 4.969), (LEFT, math.log(0.9931 / (1 - 0.9931))),
                    (LEFT, sp.Float(4.969))],
    ex.check_paths: [(ALONE, ONE, WHOLE), (0.0164, 0.0612, 0.577),
                     (Fraction(9, 10) ** 39, sp.Float(ONE), np.float64(WHOLE))],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_gate: [
        ((GATE, BIAS), "one step"), ((1 - LEFT, BIAS), "lost"), ((10 * GATE, BIAS), "do not add"),
        ((0.5**10, BIAS), "bias 0"), ((GATE**9, BIAS), "nine"), ((GATE**11, BIAS), "eleven"),
        ((math.tanh(1) ** 10, BIAS), "not a tanh"), ((1, BIAS), "σ(1)"),
        (((1 - GATE) ** 10, BIAS), "bias -1"), ((0.2, BIAS), "power 10"),
        ((100 * LEFT, BIAS), "per cent"), ((math.exp(-10), BIAS), "e⁻¹"),
        ((BIAS, LEFT), "exchanged"),
        ((0.043, BIAS), "third digit"), ((0.73**10, BIAS), "third digit"), ((LEFT, 4.98), "gate"),
        ((LEFT, 4.955), "rounded too early"),
        ((0.044, BIAS), "three significant"), ((LEFT, BIAS / math.log(10)), "natural logarithm"),
        ((LEFT, BIAS / math.log(2)), "natural logarithm"), ((LEFT, 4.272), "50 steps"),
        ((LEFT, math.log(1 / 99)), "nearly all"),
        ((LEFT, OPEN), "This is the gate"), ((LEFT, -BIAS), "nearly shut"),
        ((LEFT, math.log(OPEN)), "not its bias"), ((LEFT, 0), "one half"),
        ((LEFT, math.atanh(OPEN)), "not a tanh"), ((LEFT, 5), "three significant"),
        ((LEFT, 2.63), "after 10 steps"), ((LEFT, 5.293), "steps multiply"),
        ((LEFT, 0.5), "forgets fast"), ((LEFT, 4.595), "gate is 0.99"), ((LEFT, 3), "100th power"),
        ((None, BIAS), "None"),
        ((LEFT, "5"), "expected a number"),
    ],
    ex.check_paths: [
        ((0.9**40, ONE, WHOLE), "steps back does"), ((0.9**38, ONE, WHOLE), "38 steps"),
        ((0.9, ONE, WHOLE), "one step"), ((35.1, ONE, WHOLE), "do not add"),
        ((1 - ALONE, ONE, WHOLE), "lost"), ((1 - 0.1 * 39, ONE, WHOLE), "do not add"),
        ((0.086**39, ONE, WHOLE), "detour each time"), ((WHOLE, ONE, WHOLE), "all paths"),
        ((0.016, ONE, WHOLE), "three significant"), ((0.5, ONE, WHOLE), "factor of each"),
        ((ALONE, ONE / 39, WHOLE), "any of 39"), ((ALONE, 39 * ALONE * 0.086, WHOLE), "40 steps"),
        ((ALONE, ALONE * 0.086, WHOLE), "40 steps"), ((ALONE, 40 * ALONE * 0.086, WHOLE), "40"),
        ((ALONE, ONE / 39 * 40, WHOLE), "not of 40"), ((ALONE, 39 * 0.086, WHOLE), "direct steps"),
        ((ALONE, 39 * 0.9 * 0.086, WHOLE), "38 direct"), ((ALONE, 0.086, WHOLE), "without"),
        ((ALONE, ALONE + ONE, WHOLE), "no detour"), ((ALONE, 0.061, WHOLE), "three significant"),
        ((ALONE, 39 * 0.9 * 0.086**38, WHOLE), "one direct step"),
        ((ALONE, ONE, 0.986**40), "forty steps"), ((ALONE, ONE, ALONE + 0.086**39), "mixed"),
        ((ALONE, ONE, ALONE + ONE), "two and more"), ((ALONE, ONE, 0.986), "one step"),
        ((ALONE, ONE, 39 * 0.986), "do not add"), ((ALONE, ONE, 1 - WHOLE), "lost"),
        ((ALONE, ONE, (0.9 * 0.086) ** 39), "do not multiply"),
        ((ALONE, ONE, 1.8**39), "same factor"), ((ALONE, ONE, 1), "A little"),
        ((ALONE, ONE, 0.576), "third digit"), ((ALONE, ONE, 0.579), "0.086"),
        ((ALONE, ONE, 0.58), "three significant"), ((ALONE, ONE, None), "None"),
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


# Functions.


def kept(f):
    rows = [np.ones(f.shape[1])]
    for gate in f[::-1]:
        rows.append(rows[-1] * gate)
    return np.array(rows[::-1])


def kept_at_once(f):
    padded = np.vstack([f, np.ones((1, f.shape[1]))])
    return np.cumprod(padded[::-1], axis=0)[::-1]


def peephole(dc, f, old, p):
    z = dc * old * f * (1 - f)
    return [z, z * old, dc * f + z * p]


def peephole_by_steps(dc, f, old, p):
    """By the complex step: L = dc · c_t as a function of z_f, p and c_{t-1}."""
    step, rest = 1e-30, np.log(f / (1 - f)) - p * old
    moved = 1j * step * np.eye(3)
    return np.array([dc * ((old + c) / (1 + np.exp(-(rest + z + (p + w) * (old + c))))).imag / step
                     for z, w, c in moved])  # fmt: skip


def with_row(k, row):
    def answer(dc, f, old, p):
        rows = peephole(dc, f, old, p)
        rows[k] = row(dc, f, old, p, rows[0])
        return rows

    return answer


def with_z(z_f):
    def answer(dc, f, old, p):
        z = z_f(dc, f, old, p)
        return [z, z * old, dc * f + z * p]

    return answer


def ended(rows):
    return np.vstack([rows, np.ones_like(rows[:1])])


def coupled_back(dh, dc, f, o, g, old, c, U):
    dc = dc + dh * o * (1 - np.tanh(c) ** 2)
    dz = np.hstack([dc * (old - g) * f * (1 - f), dh * np.tanh(c) * o * (1 - o),
                    dc * (1 - f) * (1 - g**2)])  # fmt: skip
    return dz @ U.T, dc * f


def coupled_back_by_steps(dh, dc, f, o, g, old, c, U):
    """By the complex step: L = dh · h_t + dc · c_t as a function of h_{t-1} and c_{t-1}."""
    n, step = len(f), 1e-30
    z = np.hstack([np.log(f / (1 - f)), np.log(o / (1 - o)), np.arctanh(g)])
    rows = np.zeros((2, n))
    for row in range(2):
        for k in range(n):
            moved = np.zeros((2, n), complex)
            moved[row, k] = 1j * step
            z_f, z_o, z_g = np.split(z + moved[0] @ U, 3)
            gate = 1 / (1 + np.exp(-z_f))
            new = gate * (old + moved[1]) + (1 - gate) * np.tanh(z_g)
            h = np.tanh(new) / (1 + np.exp(-z_o))
            rows[row, k] = (dh @ h + dc @ new).imag / step
    return rows


def with_parts(f_part=None, o_part=None, g_part=None, cell=None):
    """Return the right answer but for some of its parts, each a function of what is given."""

    def answer(dh, dc, f, o, g, old, c, U):
        e = dc + dh * o * (1 - np.tanh(c) ** 2)
        e = cell(dh, dc, o, c, old) if cell else e
        given = dict(dh=dh, e=e, f=f, o=o, g=g, old=old, c=c)
        parts = [
            f_part(**given) if f_part else e * (old - g) * f * (1 - f),
            o_part(**given) if o_part else dh * np.tanh(c) * o * (1 - o),
            g_part(**given) if g_part else e * (1 - f) * (1 - g**2),
        ]
        return np.array([np.hstack(parts) @ U.T, e * f])

    return answer


def with_rows(change):
    def answer(dh, dc, f, o, g, old, c, U):
        h, c_row = coupled_back(dh, dc, f, o, g, old, c, U)
        return change(h, c_row, dh, f)

    return answer


RIGHT_FUNCTIONS = {
    ex.check_kept: [kept, kept_at_once],
    ex.check_peephole: [peephole, peephole_by_steps],
    ex.check_coupled_back: [coupled_back, coupled_back_by_steps],
}
WRONG_FUNCTIONS = {
    ex.check_kept: [
        (lambda f: None, "return missing"), (3, "without calling it"), (lambda: 3, "one argument"),
        (lambda f: {}["x"], "KeyError"),
        (lambda f: np.cumprod(f, axis=0), "begin at the first"),
        (lambda f: np.vstack([np.ones((1, f.shape[1])), np.cumprod(f, 0)]), "begin at the first"),
        (lambda f: kept(f)[:-1], "t = T"), (lambda f: kept(f)[::-1], "reverse"),
        (lambda f: kept(f)[1:], "t = 0"),
        (lambda f: np.vstack([f, np.ones((1, f.shape[1]))]), "Only one step"),
        (lambda f: np.prod(f, axis=0), "alone"), (lambda f: kept(1 - f), "1 - f"),
        (lambda f: np.vstack([kept(f)[:-1], np.zeros((1, f.shape[1]))]), "last row is 0"),
        (lambda f: kept(f * (1 - f)), "slopes"), (lambda f: 2 * kept(f), "same factor"),
        (lambda f: ended(np.cumprod(f, axis=1)), "over the units"),
        (lambda f: ended(np.cumprod(f[:, ::-1], axis=1)), "over the units"),
        (lambda f: np.cumprod(np.vstack([np.ones_like(f[:1]), f]), axis=0)[::-1], "reversed"),
        (lambda f: f[0] ** np.arange(len(f), -1, -1)[:, None], "first gate"),
        (lambda f: f[-1] ** np.arange(len(f), -1, -1)[:, None], "last gate"),
        (lambda f: ended(np.cumprod(f[::-1])[::-1].reshape(f.shape)), "together"),
    ],
    ex.check_peephole: [
        (lambda dc, f, old, p: None, "return missing"), (lambda dc: 3, "4 arguments"),
        (with_row(2, lambda dc, f, old, p, z: dc * f), "one way only"),
        (with_row(2, lambda dc, f, old, p, z: z * p), "lacks the direct"),
        (with_row(2, lambda dc, f, old, p, z: dc * f * p), "add"),
        (with_row(2, lambda dc, f, old, p, z: dc * f * z * p), "add"),
        (with_row(2, lambda dc, f, old, p, z: dc * f - z * p), "add"),
        (with_row(2, lambda dc, f, old, p, z: dc * f + z), "weight p"),
        (with_row(2, lambda dc, f, old, p, z: dc * f + dc * p), "gate's slope"),
        (with_row(2, lambda dc, f, old, p, z: dc * f + p), "no error"),
        (with_row(2, lambda dc, f, old, p, z: dc + z * p), "not passed the gate"),
        (with_z(lambda dc, f, old, p: dc * old), "sigmoid is missing"),
        (with_z(lambda dc, f, old, p: dc * old * (1 - f**2)), "slope of a tanh"),
        (with_z(lambda dc, f, old, p: dc * f * (1 - f)), "what it scales"),
        (with_z(lambda dc, f, old, p: dc * f * old * f * (1 - f)), "its own error"),
        (with_z(lambda dc, f, old, p: dc * old * p * f * (1 - f)), "p was multiplied"),
        (with_z(lambda dc, f, old, p: old * f * (1 - f)), "dc is missing"),
        (with_row(1, lambda dc, f, old, p, z: z), "that of z_f"),
        (with_row(1, lambda dc, f, old, p, z: z * p), "by p itself"),
        (with_row(1, lambda dc, f, old, p, z: dc * old), "slope is missing"),
        (with_row(1, lambda dc, f, old, p, z: dc * old**2), "slope is missing"),
        (with_row(1, lambda dc, f, old, p, z: old), "no error"),
        (with_row(1, lambda dc, f, old, p, z: z * f * old), "new cell"),
        (lambda dc, f, old, p: [peephole(dc, f, old, p)[k] for k in (0, 2, 1)], "of the cell are"),
        (lambda dc, f, old, p: [peephole(dc, f, old, p)[k] for k in (1, 0, 2)], "z_f and p"),
        (lambda dc, f, old, p: peephole(dc, f, old, p)[::-1], "reverse"),
        (lambda dc, f, old, p: np.transpose(peephole(dc, f, old, p)), "transposed"),
        (lambda dc, f, old, p: peephole(dc, f, old, p)[:2], "c_{t-1} is missing"),
        (lambda dc, f, old, p: peephole(dc, f, old, p)[::2], "p is missing"),
        (lambda dc, f, old, p: np.sum(peephole(dc, f, old, p), axis=1), "were summed"),
        (lambda dc, f, old, p: np.negative(peephole(dc, f, old, p)), "sign"),
    ],
    ex.check_coupled_back: [
        (lambda dh, dc, f, o, g, old, c, U: None, "return missing"), (lambda dh: 3, "8 arguments"),
        (with_parts(cell=lambda dh, dc, o, c, old: dc), "receive through it"),
        (lambda dh, dc, f, o, g, old, c, U: [
            coupled_back(dh, dc - dh * o * (1 - np.tanh(c) ** 2), f, o, g, old, c, U)[0],
            coupled_back(dh, dc, f, o, g, old, c, U)[1]], "In the first row"),
        (with_parts(cell=lambda dh, dc, o, c, old: dh * o * (1 - np.tanh(c) ** 2)), "of its own"),
        (with_parts(cell=lambda dh, dc, o, c, old: dc + dh * o), "not passed tanh"),
        (with_parts(cell=lambda dh, dc, o, c, old: dc + dh * o * (1 - c**2)), "1 - c²"),
        (with_parts(cell=lambda dh, dc, o, c, old: dc + dh * (1 - np.tanh(c) ** 2)), "gate o"),
        (with_parts(lambda e, f, g, **_: e * (1 - f) * (1 - g * g), None,
                    lambda e, old, g, f, **_: e * (old - g) * f * (1 - f)), "f and g"),
        (with_parts(f_part=lambda e, old, f, **_: e * old * f * (1 - f)), "two uses"),
        (with_parts(f_part=lambda e, old, g, f, **_: e * (old + g) * f * (1 - f)), "falls"),
        (with_parts(f_part=lambda e, old, g, f, **_: e * (g - old) * f * (1 - f)), "sign"),
        (with_parts(f_part=lambda e, c, g, f, **_: e * (c - g) * f * (1 - f)), "new cell"),
        (with_parts(g_part=lambda e, f, g, **_: e * f * (1 - g * g)), "by f"),
        (with_parts(g_part=lambda e, g, **_: e * (1 - g * g)), "by 1"),
        (with_parts(g_part=lambda e, f, **_: e * (1 - f)), "candidate's tanh"),
        (with_parts(g_part=lambda e, f, g, **_: e * (1 - f) * g * (1 - g)), "slope of a sigmoid"),
        (with_parts(o_part=lambda o, **_: 0 * o), "through o"),
        (with_parts(o_part=lambda dh, o, c, **_: dh * c * o * (1 - o)), "tanh(c_t)"),
        (with_parts(o_part=lambda e, o, c, **_: e * np.tanh(c) * o * (1 - o)), "error of the cell"),
        (with_parts(lambda e, old, g, **_: e * (old - g), lambda dh, c, **_: dh * np.tanh(c),
                    lambda e, f, **_: e * (1 - f)), "slopes of sigmoid and tanh"),
        (with_parts(lambda dh, c, o, **_: dh * np.tanh(c) * o * (1 - o),
                    lambda e, old, g, f, **_: e * (old - g) * f * (1 - f)), "f and o"),
        (with_rows(lambda h, c, dh, f: [h, c / f]), "passed the forget"),
        (with_rows(lambda h, c, dh, f: [h, c / f * (1 - f)]), "1 - f"),
        (with_rows(lambda h, c, dh, f: [h + dh, c]), "no other way"),
        (with_rows(lambda h, c, dh, f: [c, h]), "exchanged"),
        (with_rows(lambda h, c, dh, f: np.array([h, c]).T), "transposed"),
        (with_rows(lambda h, c, dh, f: [h]), "is missing"),
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


def test_the_expected_numbers_are_right():
    assert pytest.approx((0.0436, 4.97), abs=0.005) == (LEFT, BIAS)
    total = sum(math.comb(39, k) * 0.9 ** (39 - k) * 0.086**k for k in range(40))
    assert total == pytest.approx(WHOLE)
