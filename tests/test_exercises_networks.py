"""The checkers of "Networks": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.exercises import networks as ex


def phi(z):
    return np.maximum(z, 0)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def forward(x, W1, b1, W2, b2):
    return sigma(phi(x @ W1 + b1) @ W2 + b2)


def leaky(z):
    return np.where(z > 0, z, 0.01 * z)


def softmax(z):
    return np.exp(z) / np.exp(z).sum(1, keepdims=True)


def by_loops(x, W1, b1, W2, b2):
    rows = []
    for row in x.tolist():
        hidden = [
            max(0.0, sum(v * w for v, w in zip(row, W1[:, j], strict=True)) + b1[j])
            for j in range(len(b1))
        ]
        total = [
            sum(a * w for a, w in zip(hidden, W2[:, k], strict=True)) + b2[k]
            for k in range(len(b2))
        ]
        rows.append([1 / (1 + np.exp(-z)) for z in total])
    return rows


def changes(x, W1, b1, W2, b2):
    x -= x
    return np.zeros((len(x), len(b2)))


def to_sigmoid(W1, b1, W2, b2):
    return 2 * W1, 2 * b1, 2 * W2, b2 - W2.sum(axis=0)


def with_a_row(W1, b1, W2, b2):
    return 2 * W1, 2 * b1, 2 * W2, b2 - np.ones((1, len(W2))) @ W2


def permuted(W1, b1, W2, b2):
    """The same network, its hidden units in another order: right as well."""
    V1, c1, V2, c2 = to_sigmoid(W1, b1, W2, b2)
    return [V1[:, ::-1], c1[::-1], V2[::-1], c2]


S = float(sigma(-1.0))
WEIGHTS = 64 * 32 + 32 * 16 + 16 * 10
ONES = np.ones((3, 3))
PARITY = (ONES, [0, -1, -2], [[1], [-2], [2]], [0])
OTHER_WAY = (-ONES, [3, 2, 1], [[1], [-2], [2]], [0])
"""With the zeros counted instead of the ones, the output is 1 for an even number of ones: wrong."""
FROM_ABOVE = (-ONES, [3, 2, 1], [[-1], [2], [-2]], [1])

RIGHT = {
    ex.check_unit: [
        (-1, S, S * (1 - S)), (-1.0, 0.269, 0.197), (Fraction(-1), 0.26894, 0.19661),
        ("−1", "0.269", "0.197"),
        (sp.Integer(-1), 1 / (1 + sp.E), sp.E / (1 + sp.E) ** 2), (np.array(-1.0), S, 0.1966),
    ],
    ex.check_parameters: [
        (2778,), (2778.0,), (np.int64(2778),), (sp.Integer(2778),), (Fraction(2778),),
        ("2,778",),
    ],
    ex.check_hinges: [
        ([2, -2.5, 0.5], 1), ((2, Fraction(-5, 2), Fraction(1, 2)), 1.0),
        (np.array([2, -2.5, 0.5]), np.array(1)),
        (np.array([[2], [-2.5], [0.5]]), 1), (["2", "-5/2", "1/2"], "1"), ([[2, -2.5, 0.5]], 1),
        ([2, sp.Rational(-5, 2), sp.Rational(1, 2)], 1), ([2, -2.5, 0.5], [1]),
    ],
    ex.check_forward: [(forward,), (by_loops,), (lambda x, *rest: forward(x, *rest).tolist(),)],
    ex.check_to_sigmoid: [(to_sigmoid,), (permuted,), (with_a_row,)],
    ex.check_twins: [("BC",), ("b", "c"), (["C", "B"],), ({"B", "C"},), ("B, C",),
        ("B and C",), ("b & c",), (["B and", "C"],)],
    ex.check_parity: [
        PARITY, FROM_ABOVE, (ONES, [[0, -1, -2]], [1, -2, 2], 0),
        tuple(np.array(p, float) for p in PARITY),
        (2 * ONES, [0, -2, -4], [[0.5], [-1], [1]], [0]),
    ],
    ex.check_tent: [(64, 12, 63), (64.0, sp.Integer(12), Fraction(63)), (2**6, 12, 2**6 - 1)],
}  # fmt: skip

WRONG_ANSWERS = {
    ex.check_unit: [
        ((-2, S, S), "z: The bias is missing"), ((-3, S, S), "not subtracted"),
        ((3, S, S), "third product"), ((1, S, S), "One sign"), ((5, S, S), "Two signs"),
        ((S, S, S), "the sum first"), ((0, S, S), "z: The answer is 0"),
        ((-1, 0.731, 0.197), "a: This is the sigmoid of +1"), ((-1, 0, 0.197), "the ReLU"),
        ((-1, -1, 0.197), "This is z"), ((-1, -0.762, 0.197), "tanh"),
        ((-1, -0.269, 0.197), "a: The sign is wrong"), ((-1, 0.368, 0.197), "e^z"),
        ((-1, 3.718, 0.2), "denominator"),
        ((-1, 0.27, 0.197), "a: Rounded too far"),
        ((-1, 0.3, 0.197), "a: Rounded too far"),
        ((-1, 0.5, 0.25), "a: The answer is 0.5"), ((-1, S, S), "slope: This is σ(z) itself"),
        ((-1, S, 0.25), "where it is largest"), ((-1, S, -0.197), "rises everywhere"),
        ((-1, S, 0.42), "slope of tanh"), ((-1, S, 0.928), "slope of tanh"),
        ((-1, S, -2), "not z"), ((-1, S, 0.731), "one of the two factors"),
        ((-1, S, 0.2), "slope: Rounded too far"), ((None, S, S), "z: this is None"),
        ((-1, S, 0.19), "slope: The answer is 0.19"), ((-1, "0.27", S), "Rounded too far"),
        ((-1, "a quarter", S), "expected a number"), ((-1, [S, S], S), "has shape (2,)"),
    ],
    ex.check_parameters: [
        ((WEIGHTS,), "weights alone"), ((WEIGHTS + 122,), "not units"),
        ((WEIGHTS + 3,), "not one in all"), ((58,), "biases alone"), ((122,), "the widths"),
        ((WEIGHTS + 48,), "output units"), ((WEIGHTS + 112,), "not to its inputs"),
        ((64 * 32 * 16 * 10,), "matrix of its own"), ((7,), "is 7, which is not right"),
        ((2779,), "one at a time"), ((2780,), "one at a time"), (([1, 2],), "has shape (2,)"),
        ((2048,), "weights of the first layer"), ((2080,), "two more"),
        ((2836,), "counted twice"), ((2608,), "output layer is missing"),
        ((2752,), "Only the first hidden"), ((5556,), "one at a time"),
        ((None,), "Give a number"), (("many",), "is a str"), (("2,720",), "weights alone"),
    ],
    ex.check_hinges: [
        (([2, -0.5, 0], 1), "slopes of the pieces"), (([2, -1, 0], 1), "rises"),
        (([2, -3, 1], 1), "two wide"), (([2, 2.5, -0.5], 1), "wrong sign"),
        (([2, -2.5, -0.5], 1), "at the last kink"), (([2, -2.5, 0], 1), "at the last kink"),
        (([2, -0.5, 0.5], 1), "not from 0"),
        (([2, -1.5, 0.5], 1), "falls by more"), (([2, 2.5, 0.5], 1), "second weight"),
        (([2, -2.5, 0.5], [1, 1]), "has shape (2,)"), (([1, 3, 2], 1), "heights"),
        (([3, 2, 2], 1), "heights"), (([3, -2.5, 0.5], 1), "not a height"),
        (([0.5, -2.5, 2], 1), "their order is not"), (([0, 0, 0], 1), "adds to the slope"),
        (([-2, 2.5, -0.5], 1), "Only the sign"), (([4, -5, 1], 1), "same factor"),
        (([2, -2.5], 1), "has shape (2,)"), ((None, 1), "weights are None"),
        (([2, "x", 3], 1), "is a list"), (([[2], [-0.5], [0]], 1), "slopes of the pieces"),
        (([2, -2.5, 0.5], None), "b: this is None"),
        (([2, -2.5, 0.5], 0), "s = 0 would be 0"), (([2, -2.5, 0.5], 3), "height at s = 1"),
        (([2, -2.5, 0.5], -1), "b: Its sign"), (([2, -2.5, 0.5], 7), "b: The answer is 7"),
    ],
    ex.check_twins: [
        (("A",), "same factor"), (("ABC",), "same factor"), (("B",), "change that separates"),
        (("C",), "another change"), (("BCD",), "the same ones"), (("E",), "still equal"),
        (("BE",), "still equal"),
        (("CF",), "Unit 3"), (("",), "At least one"), ((), "At least one"),
        (("G",), "no change G"), (("B and F",), "Unit 3"), (("B or C",), "no change O"),
        ((2,), "with letters"), ((None,), "with letters"),
        ((["B", "C", "F"],), "Unit 3"),
    ],
    ex.check_forward: [
        ((lambda x, W1, b1, W2, b2: sigma((x @ W1 + b1) @ W2 + b2),), "collapse into one"),
        ((lambda x, W1, b1, W2, b2: phi(x @ W1 + b1) @ W2 + b2,), "stops at its sum"),
        ((lambda x, W1, b1, W2, b2: phi(phi(x @ W1 + b1) @ W2 + b2),), "not the ReLU"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(phi(x @ W1 + b1) @ W2 + b2)),), "as well"),
        ((lambda x, W1, b1, W2, b2: sigma(sigma(x @ W1 + b1) @ W2 + b2),), "not the sigmoid"),
        ((lambda x, W1, b1, W2, b2: phi(sigma(x @ W1 + b1) @ W2 + b2),), "changed places"),
        ((lambda x, W1, b1, W2, b2: sigma(np.tanh(x @ W1 + b1) @ W2 + b2),), "is the ReLU"),
        ((lambda *a: 1 - forward(*a),), "sign in the exponent"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1) @ W2 + b2),), "hidden bias is missing"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1) @ W2),), "output's bias"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1) @ W2),), "Both biases are missing"),
        ((lambda x, W1, b1, W2, b2: forward(x, W1, b1[:, None], W2, b2[:, None]),), "as columns"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1[:, None]) @ W2),), "column, and"),
        ((lambda x, W1, b1, W2, b2: sigma((phi(x @ W1) + b1) @ W2 + b2),), "after the ReLU"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1) @ W2) + b2,), "after the sigmoid"),
        ((lambda x, W1, b1, W2, b2: sigma(leaky(x @ W1 + b1) @ W2 + b2),), "leaky"),
        ((lambda x, W1, b1, W2, b2: sigma(abs(x @ W1 + b1) @ W2 + b2),), "This is |z|"),
        ((lambda x, W1, b1, W2, b2: sigma(np.minimum(0, x @ W1 + b1) @ W2 + b2),), "min(0, z)"),
        ((lambda x, W1, b1, W2, b2: softmax(phi(x @ W1 + b1) @ W2 + b2),), "softmax"),
        ((lambda x, W1: x,), "must take 5 arguments"),
        ((lambda x, W1, b1, W2, b2: forward(x, W1, b1, W2, b2[:, None]),), "added as a column"),
        ((lambda x, W1, b1, W2, b2: forward(x, W1, b1[:, None], W2, b2),), "added as a column"),
        ((lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1).sum(0) @ W2 + b2),), "rows were summed"),
        ((lambda *a: forward(*a).T,), "transpose"),
        ((lambda x, W1, b1, W2, b2: W1 @ x,), "With x (1, 2), W1 (2, 3), b1 (3,)"),
        ((lambda *a: None,), "is a return missing"), ((lambda *a: np.ones(3),), "has shape (3,)"),
        ((lambda *a: forward(*a) + 0.1,), "not right"),
        ((changes,), "changed one of its arguments"),
        ((0.5,), "without calling it"),
    ],
    ex.check_to_sigmoid: [
        ((lambda *p: p,), "Nothing has changed"),
        ((lambda a, b, c, d: (2 * a, 2 * b, c, d),), "first layer is right"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d),), "-1 of 2σ - 1"),
        ((lambda a, b, c, d: (2 * a, 2 * b, c, d - c.sum(0)),), "factor 2"),
        ((lambda a, b, c, d: (2 * a, b, 2 * c, d - c.sum(0)),), "bias is not doubled"),
        ((lambda a, b, c, d: (a, b, 2 * c, d - c.sum(0)),), "argument is not doubled"),
        ((lambda a, b, c, d: (a / 2, b / 2, 2 * c, d - c.sum(0)),), "halved"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d + c.sum(0)),), "wrong direction"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d - 2 * c.sum(0)),), "twice too much"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d - 1),), "brings a -1"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d - c.sum()),), "axis 0"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, d - c.sum(1)),), "ValueError"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, None),), "b2 does not hold numbers"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c, c.sum(0)[:, None]),), "b2 has the shape (3, 1)"),
        ((lambda a, b: (a, b),), "must take 4 arguments"),
        ((lambda a, b, c, d: (2 * a, 2 * b, 2 * c),), "Return four arrays"),
        ((lambda a, b, c, d: None,), "is a return missing"),
        ((lambda a, b, c, d: (2 * a.T, 2 * b, 2 * c, d),), "new W1 has the shape"),
        ((lambda a, b, c, d: (3 * a, b, c, d),), "multiply out"), ((3,), "without calling it"),
    ],
    ex.check_parity: [
        ((ONES, [0, -1, -2], [[1], [-2], [1]], [0]), "last change of slope"),
        ((ONES, [0, -1, -2], [[1], [-2], [0]], [0]), "Right up to two"),
        ((ONES, [0, -1, -2], [[1], [0], [0]], [0]), "without any bend"),
        ((ONES, [0, -1, -2], [[1], [-1], [0]], [0]), "from the first one on"),
        ((ONES, [0, -1, -2], [[1], [-1], [1]], [0]), "too small"),
        ((ONES, [0, -1, -2], [[1], [2], [2]], [0]), "A sign is wrong"),
        ((ONES, [0, -1, -2], [[-1], [2], [-2]], [1]), "even parity"), (OTHER_WAY, "even parity"),
        ((0 * ONES, [0, 0, 0], [[1], [1], [1]], [0]), "0 everywhere"),
        ((ONES, [0, -1, -2], [[1], [-2], [2]], [0.1]), "off by the same amount"),
        ((ONES, [0, -1, -2], [[1], [-2], [2]], [0.5]), "off by the same amount"),
        ((ONES, [0, -1, -2], [[0.8], [-1.6], [1.6]], [0.1]), "right side of ½"),
        ((ONES, [0, -1, -2], [[0.5], [-1], [1]], [0]), "which is not right"),
        ((ONES, [0, 1, 2], [[1], [-2], [2]], [0]), "biases have the wrong sign"),
        ((ONES, [-1, -2, -3], [[1], [-2], [2]], [0]), "one step too late"),
        ((ONES, [1, 0, -1], [[1], [-2], [2]], [0]), "which is not right"),
        ((ONES[:2], [0, -1, -2], [[1], [-2], [2]], [0]), "W1 has the shape (2, 3)"),
        ((ONES, [0, -1, -2], [1, -2], [0]), "W2 has the shape (2,)"),
        ((ONES, [0, -1, -2], [[1], [-2], [2]], [0, 0]), "b2 has the shape (2,)"),
        ((ONES, [[0], [-1], [-2]], [[1], [-2], [2]], [0]), "b1 is a column"),
        ((ONES, [-0.5, -1.5, -2.5], [[1], [-2], [2]], [0]), "is 0.5, which is not right"),
        ((ONES, None, [[1], [-2], [2]], [0]), "b1 does not hold numbers"),
        ((ONES, [0, np.nan, 1], [[1], [-2], [2]], [0]), "b1 does not hold numbers"),
        ((lambda x: x.sum(1) % 2, 0, 0, 0), "W1 does not hold numbers"),
    ],
    ex.check_tent: [
        ((12, 12, 63), "it does not add"), ((6, 12, 63), "number of compositions"),
        ((32, 12, 63), "One doubling is missing"), ((128, 12, 63), "too many"),
        ((63, 12, 63), "the kinks"), ((65, 12, 63), "between 0 and 1"), ((36, 12, 63), "each time"),
        ((100, 12, 63), "pieces: The answer is 100"), ((64, 6, 63), "two ReLU units"),
        ((64, 64, 63), "add up"), ((64, 18, 63), "no unit of its own"),
        ((64, 24, 63), "two ReLU units"), ((64, 10, 63), "deep: The answer is 10"),
        ((64, 12, 64), "smaller bound"),
        ((64, 12, 65), "not those at the ends"),
        ((64, 12, 62), "one unit too few"),
        ((64, 12, 12), "How many kinks"),
        ((60, 12, 63), "pieces: The answer is 60"),
        ((64, 12, 32), "at most as many"), ((64, 12, 70), "wide: The answer is 70"),
        ((None, 12, 63), "pieces: this is None"), ((64, "twelve", 63), "expected a number"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    verdict = check(*answer)
    assert verdict, verdict


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_no_first_hint_tells_a_number_that_was_not_given():
    """A wrong scalar is told back, and the right one never."""
    assert "2778" not in " ".join(both_hints(ex.check_parameters, 7))
    assert "-1" not in " ".join(both_hints(ex.check_unit, 0, S, S))
    assert "12" not in " ".join(both_hints(ex.check_tent, 64, 10, 63))
    assert "63" not in " ".join(both_hints(ex.check_tent, 64, 12, 70))
