"""The checkers of "Recurrent networks": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop import LSTM, RNN
from backprop.book.exercises import recurrent as ex

GATE = 1 / (1 + math.exp(-1))
LEFT, OPEN = GATE**10, 0.5**0.01
BIAS = math.log(OPEN / (1 - OPEN))
STRETCH = float(np.linalg.norm([[0.5, 4.0], [0.0, 0.5]], 2))
FROBENIUS = float(np.linalg.norm([[0.5, 4.0], [0.0, 0.5]]))
RIGHT = {
    ex.check_hand: [(8, 12), (sp.Integer(8), 12.0), (np.float64(8), Fraction(12))],
    ex.check_gate: [(LEFT, BIAS), (0.0436, 4.97), (sp.Float(LEFT), 4.968)],
    ex.check_stretch: [(0.5, STRETCH, 6), (Fraction(1, 2), 4.06, 6.0), (0.5, 4.062, 6)],
}
WRONG_ANSWERS = {
    ex.check_hand: [
        ((-1, 12), "last step"), ((9, 12), "first step"), ((-8, 12), "sign"),
        ((0, 12), "passed u twice"), ((2, 12), "passed u once"), ((10, 12), "negative"),
        ((3, 12), "each step back"), ((16, 12), "spoil both"), ((12, 12), "∂L/∂u"),
        ((128, 12), "spoil both"), ((1, 12), "error at the end"), ((7, 12), "spoil both"),
        ((0, 0), "three states again"), ((0, 8), "multiplied by u"), ((3, 10), "not by w"),
        ((16, 24), "square brings a 2"), ((128, 192), "target"), ((12, 8), "exchanged"),
        ((-8, -12), "signs"), ((Fraction(16), np.float64(24)), "square brings a 2"),
        ((8, 6), "shares is missing"), ((8, 52), "same step"), ((8, 40), "same step"),
        ((8, -12), "sign"), ((8, 8), "multiplied by u"), ((8, 24), "another step"),
        ((8, 10), "not by w"), ((8, 18), "another step"), ((8, 192), "h₁ at"), ((8, 0), "h₁ at"),
        ((8, None), "None"), (("8", 12), "expected a number"), ((8,), "2 answers"),
    ],
    ex.check_gate: [
        ((GATE, BIAS), "one step"), ((1 - LEFT, BIAS), "lost"), ((10 * GATE, BIAS), "do not add"),
        ((0.5**10, BIAS), "bias 0"), ((GATE**9, BIAS), "nine"), ((GATE**11, BIAS), "eleven"),
        ((math.tanh(1) ** 10, BIAS), "not a tanh"), ((1, BIAS), "σ(1)"),
        (((1 - GATE) ** 10, BIAS), "bias -1"), ((0.2, BIAS), "ten times"),
        ((100 * LEFT, BIAS), "per cent"), ((math.exp(-10), BIAS), "e⁻¹"),
        ((BIAS, LEFT), "exchanged"),
        ((0.044, BIAS), "three significant"), ((LEFT, BIAS / math.log(10)), "natural logarithm"),
        ((LEFT, BIAS / math.log(2)), "natural logarithm"), ((LEFT, 4.272), "50 steps"),
        ((LEFT, math.log(1 / 99)), "nearly all"),
        ((LEFT, OPEN), "This is the gate"), ((LEFT, -BIAS), "nearly shut"),
        ((LEFT, math.log(OPEN)), "not its bias"), ((LEFT, 0), "one half"),
        ((LEFT, math.atanh(OPEN)), "not a tanh"), ((LEFT, 5), "three significant"),
        ((LEFT, 2.63), "after 10 steps"), ((LEFT, 5.293), "steps multiply"),
        ((LEFT, 0.5), "forgets fast"), ((LEFT, 3), "100th power"), ((None, BIAS), "None"),
        ((LEFT, "5"), "expected a number"),
    ],
    ex.check_stretch: [
        ((4, STRETCH, 6), "largest entry"), ((STRETCH, STRETCH, 6), "singular value"),
        ((1, STRETCH, 6), "trace"), ((0.25, STRETCH, 6), "determinant"),
        ((4.5, STRETCH, 6), "sum of a row"), ((0, STRETCH, 6), "no eigenvalue"),
        ((0.7, STRETCH, 6), "triangular"),
        ((0.5, 0.5, 6), "spectral radius"), ((0.5, 4, 6), "largest entry"),
        ((0.5, STRETCH**2, 6), "square"), ((0.5, 0.0616, 6), "smallest"),
        ((0.5, math.sqrt(16.25), 6), "stretched"), ((0.5, 4.1, 6), "three significant"),
        ((0.5, 3, 6), "U Uᵀ"), ((0.5, STRETCH, 5), "still above"), ((0.5, STRETCH, 7), "before"),
        ((0.5, STRETCH, 1), "through Uᵀ"), ((0.5, STRETCH, 2), "too early"),
        ((0.5, math.inf, 6), "inf"), ((0.5, STRETCH, math.inf), "fades in the end"),
        ((0.5, FROBENIUS, 6), "both singular values"), ((0.5, 4.06202, 6), "sum of all squares"),
        ((0.5, STRETCH, 0), "start"),
        ((0.5, STRETCH, 40), "again and again"), ((0.5, STRETCH, None), "None"),
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


def cell_back(dc, f, i, g, c):
    return np.stack([dc * c * f * (1 - f), dc * g * i * (1 - i), dc * i * (1 - g * g), dc * f])


def cell_back_by_steps(dc, f, i, g, c):
    step, rows = 1e-30, []

    def new(z_f, z_i, z_g, c):
        return c / (1 + np.exp(-z_f)) + np.tanh(z_g) / (1 + np.exp(-z_i))

    at = [np.log(f / (1 - f)), np.log(i / (1 - i)), np.arctanh(g), c]
    for k in range(4):
        rows.append(dc * new(*(v + 1j * step * (j == k) for j, v in enumerate(at))).imag / step)
    return rows


def with_row(k, row):
    def answer(dc, f, i, g, c):
        rows = cell_back(dc, f, i, g, c)
        rows[k] = row(dc, f, i, g, c)
        return rows

    return answer


def backward(h, U, shares):
    total, error = np.zeros_like(U), np.zeros(len(U))
    for t in reversed(range(len(shares))):
        delta = (error + shares[t]) * (1 - h[t + 1] ** 2)
        total += np.outer(h[t], delta)
        error = delta @ U.T
    return total


def backward_by_table(h, U, shares):
    """All δ first, from a list, and one product at the end."""
    slopes, deltas, error = 1 - h[1:] ** 2, [], 0
    for share, slope in zip(shares[::-1], slopes[::-1], strict=True):
        deltas.append((share + error) * slope)
        error = U @ deltas[-1]
    return h[:-1].T @ np.array(deltas[::-1])


def truncated(h, U, shares, k):
    total, error = np.zeros_like(U), np.zeros(len(U))
    for t in reversed(range(len(shares))):
        delta = (error + shares[t]) * (1 - h[t + 1] ** 2)
        total += np.outer(h[t], delta)
        error = delta @ U.T if t % k else np.zeros(len(U))
    return total


def truncated_in_chunks(h, U, shares, k):
    parts = range(0, len(shares), k)
    return sum(backward(h[t : t + k + 1], U, shares[t : t + k]) for t in parts)


def ended(rows):
    return np.vstack([rows, np.ones_like(rows[:1])])


def sliding(h, U, shares, k):
    """Each share alone, over the k steps that end with its own."""
    total = np.zeros_like(U)
    for t in range(len(shares)):
        first = max(t + 1 - k, 0)
        alone = np.zeros_like(shares[first : t + 1])
        alone[-1] = shares[t]
        total += backward(h[first : t + 2], U, alone)
    return total


def from_zero(h, U, shares, k):
    total = np.zeros_like(U)
    for t in range(0, len(shares), k):
        part = h[t : t + k + 1].copy()
        part[0] = 0 if t else part[0]
        total += backward(part, U, shares[t : t + k])
    return total


def all_from_zero(h, U, shares, k):
    return from_zero(np.vstack([0 * h[:1], h[1:]]), U, shares, k)


def mistaken(name):
    return lambda h, U, shares: ex.gradient_U(h, U, shares, mistake=name)


def cut_mistaken(name):
    return lambda h, U, shares, k: ex.gradient_U(h, U, shares, k, name)


RIGHT_FUNCTIONS = {
    ex.check_kept: [kept, kept_at_once],
    ex.check_cell_back: [cell_back, cell_back_by_steps],
    ex.check_backward: [backward, backward_by_table],
    ex.check_truncated: [truncated, truncated_in_chunks],
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
    ex.check_cell_back: [
        (lambda dc, f, i, g, c: None, "return missing"), (lambda dc: 3, "5 arguments"),
        (lambda dc, f, i, g, c: [dc * c, dc * g, dc * i, dc * f], "slopes of sigmoid and tanh"),
        (with_row(2, lambda dc, f, i, g, c: dc * i), "candidate's tanh"),
        (with_row(2, lambda dc, f, i, g, c: dc * i * g * (1 - g)), "slope of a sigmoid"),
        (with_row(2, lambda dc, f, i, g, c: dc * i * (1 - np.tanh(g) ** 2)), "already"),
        (with_row(3, lambda dc, f, i, g, c: dc), "passed the forget"),
        (with_row(3, lambda dc, f, i, g, c: dc * c), "by the cell"),
        (with_row(3, lambda dc, f, i, g, c: dc * i), "by i"),
        (with_row(3, lambda dc, f, i, g, c: dc * f * (1 - f)), "slope of the gate"),
        (with_row(3, lambda dc, f, i, g, c: dc * f + dc * c * f * (1 - f)), "detour"),
        (with_row(0, lambda dc, f, i, g, c: dc * (f * c + i * g) * f * (1 - f)), "new cell"),
        (lambda dc, f, i, g, c: cell_back(dc, f, i, g, c)[[1, 0, 2, 3]], "rows of f and i"),
        (lambda dc, f, i, g, c: cell_back(dc, f, i, g, c)[[3, 0, 1, 2]], "comes last"),
        (lambda dc, f, i, g, c: cell_back(dc, f, i, g, c).T, "transposed"),
        (lambda dc, f, i, g, c: cell_back(dc, f, i, g, c)[:3], "missing"),
        (lambda dc, f, i, g, c: cell_back(1, f, i, g, c), "dc is missing"),
        (lambda dc, f, i, g, c: -cell_back(dc, f, i, g, c), "sign"),
        (lambda dc, f, i, g, c: cell_back(dc, f, i, g, c) * f, "not right|multiplied"),
        (lambda dc, f, i, g, c: [dc * c * (1 - f**2), dc * g * (1 - i**2), dc * i * (1 - g**2),
                                 dc * f], "slope of a tanh"),
        (lambda dc, f, i, g, c: [dc * f * (1 - f), dc * i * (1 - i), dc * i * (1 - g**2), dc * f],
         "let through"),
        (lambda dc, f, i, g, c: [dc * g * f * (1 - f), dc * c * i * (1 - i),
                                 dc * i * (1 - g**2), dc * f], "exchanged"),
        (lambda dc, f, i, g, c: [dc * c, dc * g, dc * i * (1 - g**2), dc * f], "two gates"),
    ],
    ex.check_backward: [
        (lambda h, U, s: None, "return missing"), (lambda h: 3, "3 arguments"),
        (lambda h, U, s: backward(h, U, s).T, "transposed|transpose"),
        (lambda h, U, s: backward(h, U, s) / len(s), "mean"),
        (lambda h, U, s: -backward(h, U, s), "sign"),
        (lambda h, U, s: h.T @ h, "not right"),
        (lambda h, U, s: backward(h, U, np.roll(s, 1, axis=0)), "other steps"),
        (lambda h, U, s: backward(h, U, np.roll(s, -1, axis=0)), "other steps"),
        *((mistaken(name), said[0]) for name, said in ex.WRONG.items()),
    ],
    ex.check_truncated: [
        (lambda h, U, s, k: None, "return missing"), (backward, "4 arguments"),
        (lambda h, U, s, k: backward(h, U, s), "never stops"),
        (lambda h, U, s, k: truncated(h, U, s, 1), "always stops"),
        (cut_mistaken("late stop"), "too early"), (cut_mistaken("from the end"), "from the end"),
        (cut_mistaken("once"), "last k steps|Only the last"),
        (lambda h, U, s, k: truncated(h, U, s, k + 1), "k + 1"),
        (lambda h, U, s, k: truncated(h, U, s, max(k - 1, 1)), "k - 1"),
        (sliding, "back through k steps"), (from_zero, "set to 0"), (all_from_zero, "set to 0"),
        (lambda h, U, s, k: backward(h[: k + 1], U, s[:k]), "first chunk"),
        (lambda h, U, s, k: backward(h[-k - 1 :], U, s[-k:]), "last k steps"),
        (lambda h, U, s, k: truncated(h, U, s, k) / math.ceil(len(s) / k), "over the chunks"),
        (cut_mistaken("reversed"), "should go on"),
        *((cut_mistaken(name), said[0]) for name, said in ex.WRONG.items()
          if name not in ("no future", "no U", "no shares")),
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


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_the_reference_is_the_layer(k):
    rng = np.random.default_rng(k)
    layer = RNN(2, 3, rng=rng, truncate=k or None)
    x, shares = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    h = np.vstack([np.zeros((1, 3)), layer.forward(x[None])[0]])
    layer.backward_parameters(shares[None])
    found = ex.gradient_U(h, layer.parameters["U"], shares, k)
    np.testing.assert_allclose(found, layer.gradients["U"], rtol=1e-12)


def test_the_cell_goes_back_as_the_layer_does():
    rng = np.random.default_rng(0)
    layer = LSTM(2, 3, rng=rng)
    layer.forward(rng.normal(size=(1, 1, 2)), c0=rng.normal(size=(1, 3)))
    i, f, _, g = layer._split(layer.gates)
    dc = rng.normal(size=3)
    layer.backward_parameters(np.zeros((1, 1, 3)), dc_last=dc[None])
    dz_i, dz_f, _, dz_g = layer._split(layer.dz)
    found = cell_back(dc, f[0, 0], i[0, 0], g[0, 0], layer.c[0, 0])
    np.testing.assert_allclose(found, [dz_f[0, 0], dz_i[0, 0], dz_g[0, 0], layer.dc0[0]])


def test_the_expected_numbers_are_right():
    w, u = sp.symbols("w u")
    end = w * -1 + u * (u * w)
    loss = (end - 15) ** 2 / 2
    assert [sp.diff(loss, v).subs({w: 2, u: 3}) for v in (w, u)] == [8, 12]
    assert pytest.approx((0.0436, 4.97), abs=0.005) == (LEFT, BIAS)
