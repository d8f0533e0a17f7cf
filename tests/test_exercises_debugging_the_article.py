"""The checkers of the listing's chapter: right answers in several forms, at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import gradcheck
from backprop.book import ten_faults
from backprop.book.exercises import debugging_the_article as ex

H = 1e-4


def central(f, x, above=H, below=H, over=2 * H):
    x = x.astype(float)
    steps = np.eye(len(x))
    return np.array([f(x + above * e) - f(x - below * e) for e in steps]) / over


def careless(f, x):
    grad = np.zeros(len(x))
    for i, kept in enumerate(x.copy()):
        x[i] = kept + H
        above = f(x)
        x[i] = kept - H
        grad[i], x[i] = (above - f(x)) / (2 * H), kept
    return grad


def copying(f, x):
    return careless(f, np.array(x, dtype=float))


def stuck(f, x):
    return np.zeros(len(x)) if x.dtype.kind == "i" else central(f, x)


def spoils(f, x):
    answer = central(f, x)
    x += 1
    return answer


def single(f, x):
    x = x.astype(np.float32)
    steps = np.float32(H) * np.eye(len(x), dtype=np.float32)
    return np.array([(f(x + e) - f(x - e)) / (2 * H) for e in steps])


def all_at_once(f, x):
    return np.full(len(x), (f(x + H) - f(x - H)) / (2 * H))


def unrestored(f, x):
    x, grad = x.astype(float), np.zeros(len(x))
    for i, kept in enumerate(x.copy()):
        x[i] = kept + H
        above = f(x)
        x[i] = kept - H
        grad[i] = (above - f(x)) / (2 * H)
    return grad


def whole(f, x):
    return central(f, x).astype(x.dtype)


def mirror(forward, W1, W2, n):
    x = np.random.default_rng(7).normal(size=(4, n))
    return not np.allclose(forward(x, W1, W2)[0] + forward(-x, W1, W2)[0], 1)


def exactly(forward, W1, W2, n):
    x = np.random.default_rng(7).normal(size=(50, n))
    return bool(np.any(forward(x, W1, W2)[0] + forward(-x, W1, W2)[0] != 1))


def at_zero(forward, W1, W2, n):
    return bool(np.any(forward(np.zeros((1, n)), W1, W2)[0] != 0.5))


def by_outputs(forward, W1, W2, n):
    """By d(x) + d(-x), from the outputs alone: the same for all x without hidden biases."""
    x = np.random.default_rng(7).normal(size=(4, n))
    z = [np.log(p / (1 - p)) for p in (forward(x, W1, W2)[1], forward(-x, W1, W2)[1])]
    return not np.allclose(np.ptp(z[0] + z[1], axis=0), 0)


def unequal_outputs(forward, W1, W2, n):
    p = forward(np.zeros((1, n)), W1, W2)[1]
    return not np.allclose(p, 1 / (1 + np.exp(-0.5 * W2[:5].sum(axis=0))))


def raises(*_):
    raise ZeroDivisionError("by nought")


def linear(x, y, a1, p, W2, scale=1.0, output=1.0, slope=None):
    delta2 = scale * (p - y) * output / len(x)
    delta1 = (delta2 @ W2.T) * (a1 * (1 - a1) if slope is None else slope)
    return x.T @ delta1, a1.T @ delta2


def sloped(x, y, a1, p, W2):
    return linear(x, y, a1, p, W2, output=p * (1 - p))


def linear_judged(x, y, a1, p, W2):
    """By the complex step in W2, and the chain rule written with einsum in W1."""
    z1 = np.log(a1 / (1 - a1))

    def loss(z1, W2):
        return (((1 / (1 + np.exp(-z1))) @ W2 - y) ** 2).sum() / (2 * len(x))

    dz1 = gradcheck.complex_step(lambda z: loss(z, W2), z1)
    return [np.einsum("ni,nj->ij", x, dz1), gradcheck.complex_step(lambda W: loss(z1, W), W2)]


ROOT = np.sqrt(0.5)
READINGS = [(1, 1 / 8), (1, 1 / 2), (-1, 8), (ROOT, ROOT)]
SHAPES = [(100, 2), (100, 100), None, (784, 100)]


def but(k, pair):
    return [*READINGS[:k], pair, *READINGS[k + 1 :]]


def shape(k, found):
    return [*SHAPES[:k], found, *SHAPES[k + 1 :]]


CAUGHT = ["3 no sigmoid", "4 sign", "6 large W2", "8 label twice"]
RIGHT = {
    ex.check_gauge: [(3 / 5,), (Fraction(3, 5),), (sp.Rational(3, 5),), (np.float32(0.6),)],
    ex.check_stretch: [(SHAPES,), (tuple(map(lambda s: s and list(s), SHAPES)),)],
    ex.check_compass: [
        (READINGS,), (np.array(READINGS),),
        ([(1, 0.125), (1, 0.5), (-1, 8), (0.707, 0.707)],),
        ([(1, Fraction(1, 8)), (1, Fraction(1, 2)), (-1, 8), (sp.sqrt(2) / 2, sp.sqrt(2) / 2)],),
    ],
    ex.check_linear_backward: [(linear,), (linear_judged,)],
    ex.check_central: [(central,), (copying,)],
    ex.check_by_heart: [
        (CAUGHT,), (set(CAUGHT),), (tuple(reversed(CAUGHT)),),
    ],
    ex.check_eighth: [(mirror,), (at_zero,), (by_outputs,)],
    ex.check_coins: [(1, 0.5), (1.0, Fraction(52, 100)), (np.float64(0.995), 0.46)],
    ex.check_diagnosis: [([{6}, {7, 9}, {3, 4}],), (([6], (9, 7), frozenset({3, 4})),)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_gauge: [
        ((0.5,), "fifth agrees in both"), ((0.2,), "other four"), ((1,), "Only the fifth"),
        ((0.9,), "other way round"), ((0.4,), "fifth image is missing"), ((0.8,), "first kind"),
        ((6,), "takes their mean"), ((1.2,), "two entries"), ((0.25,), "half of their entries"),
        ((60,), "percent"),
        ((0.7,), "is 0.7, which is not right"), ((0,), "Count entries"), ((None,), "return"),
        (([0.6, 0.6],), "shape (2,)"), (("3/5",), "expected a number"),
    ],
    ex.check_stretch: [
        ((shape(0, (100, 1)),), "first is not right"), ((shape(0, None),), "first is not right"),
        ((shape(1, (100,)),), "second is not right"), ((shape(1, (100, 1)),), "counts as 1"),
        ((shape(1, None),), "second is not right"), ((shape(2, (100, 2)),), "third is not right"),
        ((shape(2, (100, 100)),), "third is not right"), ((shape(3, None),), "fourth is not"),
        ((shape(3, (1, 100)),), "fourth is not"), ((shape(3, (784, 1)),), "fourth is not"),
        ((shape(0, "100, 2"),), "no shape"), ((shape(0, 100),), "no shape"),
        ((SHAPES[:3],), "four shapes"), ((None,), "four shapes"), (((100, 2),), "four shapes"),
    ],
    ex.check_compass: [
        ((but(0, (1, 8)),), "first: the ratio is upside down"),
        ((but(0, (1, 1 / 64)),), "first: one of the two means"),
        ((but(0, (1 / 8, 1 / 8)),), "does not turn"), ((but(0, (1, 1)),), "is different"),
        ((but(1, (1, 2)),), "second: which is larger"),
        ((but(1, (1, 1 / 4)),), "claimed gradient once"),
        ((but(1, (0.5, 0.5)),), "does not turn"), ((but(2, (1, 8)),), "third: the sign is lost"),
        ((but(2, (-1, -8)),), "not negative"), ((but(2, (-1, 1 / 8)),), "upside down"),
        ((but(2, (-1, 1)),), "mean is missing"), ((but(3, (1, ROOT)),), "fourth: zeros turn"),
        ((but(3, (0.5, 0.5)),), "Take a root"), ((but(3, (ROOT, 0.5)),), "What is the length"),
        ((but(3, (0.9, 0.9)),), "Zeros change both"), ((but(3, (1, 1)),), "length and the dir"),
        ((but(3, (0.25, 0.25)),), "not of the length"), ((but(3, (ROOT, 1)),), "the length"),
        ((but(0, (3, 3)),), "first: not right"), ((but(0, (1 / 8, 1)),), "changed places"),
        ((but(1, (1 / 2, 1)),), "changed places"), ((but(2, (8, -1)),), "cosine comes first"),
        ((but(3, (0.71, 0.71)),), "fourth: that is rounded"), ((but(3, (0.7, 0.7)),), "three dig"),
        ((READINGS[:3],), "four pairs"), ((None,), "four pairs"), (("1, 1/8",), "four pairs"),
    ],
    ex.check_linear_backward: [
        ((lambda x, y, a1, p, W2: linear(x, y, a1, p, W2, output=p * (1 - p)),), "sigmoid is st"),
        ((lambda *a: (linear(*a)[0], sloped(*a)[1]),), "still in dW2"),
        ((lambda *a: (sloped(*a)[0], linear(*a)[1]),), "still in dW1"),
        ((lambda *a: linear(*a, scale=-1),), "signs are flipped"),
        ((lambda *a: linear(*a, scale=len(a[0])),), "mean over the batch is missing"),
        ((lambda *a: linear(*a, scale=1 / len(a[0])),), "taken twice"),
        ((lambda *a: (-linear(*a)[0], linear(*a)[1]),), "sign of dW1 is flipped"),
        ((lambda *a: (linear(*a)[0], -linear(*a)[1]),), "sign of dW2 is flipped"),
        ((lambda *a: (linear(*a)[0] / len(a[0]), linear(*a)[1]),), "In dW1 the mean over the b"),
        ((lambda *a: (linear(*a)[0], linear(*a)[1] / len(a[0])),), "In dW2 the mean over the b"),
        ((lambda *a: (linear(*a)[0], linear(*a)[1] * len(a[0])),), "batch is missing"),
        ((lambda *a: (0.9 * linear(*a)[0], linear(*a)[1]),), "3 examples, widths 4-5-2"),
        ((lambda *a: linear(*a, scale=0.5),), "Half of it"),
        ((lambda *a: linear(*a, scale=2),), "over the two outputs"),
        ((lambda x, y, a1, p, W2: linear(x, y, a1, p, W2, slope=1.0),), "slope is missing"),
        ((lambda x, y, a1, p, W2: linear(x, y, a1, p, W2, slope=a1),), "not complete"),
        ((lambda *a: linear(*a)[::-1],), "changed places"),
        ((lambda *a: (linear(*a)[0].T, linear(*a)[1]),), "dW1 has shape (5, 4)"),
        ((lambda *a: linear(*a)[0],), "Return two arrays"), ((lambda *a: None,), "return missing"),
        ((lambda x, y: None,), "of these arguments"), ((3,), "without calling it"),
        ((lambda *a: tuple(0.9 * g for g in linear(*a)),), "same factor"),
        ((lambda x, y, a1, p, W2: raises(),), "ZeroDivisionError"),
    ],
    ex.check_central: [
        ((careless,), "keep of 1.0001"), ((stuck,), "Nothing moved"), ((spoils,), "in place"),
        ((lambda f, x: central(f, x, H, 0, H),), "forward difference"),
        ((lambda f, x: central(f, x, 0, H, H),), "backward difference"),
        ((lambda f, x: central(f, x, over=H),), "2h apart"),
        ((lambda f, x: -central(f, x),), "sign is flipped"), ((all_at_once,), "at once"),
        ((lambda f, x: 2.0 * x,), "for sin(x₁) exp(x₂) at (0.3, −0.5)"), ((single,), "float64"),
        ((lambda f, x: central(f, x, 0.5, 0.5, 1.0),), "another distance"),
        ((lambda f, x: central(f, x, 0.01, 0.01, 0.02),), "another distance"),
        ((lambda f, x: central(f, x, 1e-3, 1e-3, 2e-3),), "another distance"),
        ((whole,), "array of integers"), ((unrestored,), "put it back"),
        ((lambda f, x: 2.0 * x if x.dtype.kind == "i" else central(f, x),), "exp(x₂) at (1, 2)"),
        ((lambda f, x: central(f, x)[:, None],), "expected (2,)"),
        ((gradcheck.central_difference,), "TypeError"), ((lambda f: f,), "of these arguments"),
        ((lambda f, x: raises(),), "ZeroDivisionError: by nought"), ((lambda f, x: None,), "retu"),
    ],
    ex.check_by_heart: [
        ((CAUGHT[:3],), "agree with a wrong target"), ((CAUGHT[1:],), "not all"),
        (([],), "at least one"), ((["4 sign"],), "both matrices"),
        (([*CAUGHT, "5 no mean"],), "stays above 0.01"), (([*CAUGHT, "7 coins"],), "whatever"),
        (([*CAUGHT, "6 large W1"],), "stays above 0.01"), ((["9 score"],), "fitting six"),
        (([*CAUGHT, "10 no biases"],), "fitting six"),
        (([*CAUGHT, "1 no chain rule"],), "Begin with"),
        ((["none"],), "Begin with"), ((["sign"],), "called 'sign'"),
        (("4 sign",), "in a list"), ((3,), "in a list"), ((None,), "in a list"),
        (([1, 2],), "in a list"),
    ],
    ex.check_eighth: [
        ((lambda forward, W1, W2, n: True,), "says True about every"),
        ((lambda forward, W1, W2, n: False,), "says False about every"),
        ((lambda *a: not mirror(*a),), "fails a network with all"),
        ((lambda forward, W1, W2, n: len(W1) > n,), "keeps its biases apart"),
        ((lambda forward, W1, W2, n: len(W1) == n,), "fails a network with all"),
        ((lambda *a: at_zero(*a) or len(a[1]) > a[3],), "zeros instead of ones"),
        ((unequal_outputs,), "outputs only"), ((exactly,), "allow for rounding"),
        ((lambda *a: mirror(*a) and len(a[2]) > 5,), "hidden units only"),
        ((lambda *a: mirror(*a) or a[3] == 1,), "with one input"),
        ((lambda forward, W1, W2, n: 1,), "True or False"),
        ((lambda forward, W1, W2, n: None,), "True or False"),
        ((lambda forward, W1, W2, n: forward(np.zeros(n), W1, W2)[0] == 0.5,), "ValueError"),
        ((lambda forward, W1: True,), "of these arguments"), ((True,), "without calling it"),
        ((lambda *a: raises(),), "ZeroDivisionError"),
    ],
    ex.check_coins: [
        ((0.5, 0.5), "that it has seen"), ((0.5, 1), "changed places"), ((1, 1), "never seen"),
        ((1, 0.9), "never seen"), ((1, 0.37), "from chance"), ((1, 0.1), "from chance"),
        ((1, 0.6), "from chance"), ((1, 0.41), "from chance"), ((1, 0.57), "from chance"),
        ((0.75, 0.5), "goes further"),
        ((0.9, 0.5), "goes further"), ((0.55, 0.4), "that it has seen"), ((100, 50), "between 0"),
        ((-1, 0.5), "between 0"), ((None, 0.5), "two numbers"), (("1", 0.5), "two numbers"),
    ],
    ex.check_diagnosis: [
        (([{5}, {7, 9}, {3, 4}],), "A: not every fault that you name is there. Is the ratio"),
        (([{6, 8}, {7, 9}, {3, 4}],), "Which shapes"), (([{6, 2}, {7, 9}, {3, 4}],), "return fi"),
        (([{6, 1}, {7, 9}, {3, 4}],), "Does `run` stop"),
        (([{6}, {7}, {3, 4}],), "B: you name too few faults. Mend what"),
        (([{6}, {8}, {3, 4}],), "B: you name too few faults. Mend what"),
        (([{6}, {7, 8}, {3, 4}],), "B: not every"), (([{6}, {7, 9, 10}, {3, 4}],), "at x and −x"),
        (([{6}, {7, 9}, {3}],), "C: you name too"), (([{6}, {7, 9}, {4}],), "C: you name too"),
        (([{6}, {7, 9}, {3, 4, 5}],), "C: not every"), (([{6}, {7, 9}, {3, 6}],), "first loss"),
        (([{7}, {7, 9}, {3, 4}],), "a baseline say"), (([{9}, {7, 9}, {3, 4}],), "perfect output"),
        (([{4}, {7, 9}, {3, 4}],), "sign of the cosine"),
        (([{3}, {7, 9}, {3, 4}],), "between 0 and 1"),
        (([{11}, {7, 9}, {3, 4}],), "1 to 10"), (([set(), {7, 9}, {3, 4}],), "in a set"),
        (([6, {7, 9}, {3, 4}],), "in a set"), (([{"6"}, {7, 9}, {3, 4}],), "in a set"),
        (([{6}, {7, 9}],), "three sets"), ((None,), "three sets"), (({6},), "three sets"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_gauge_is_what_the_listing_prints():
    y = np.array([[0], [1], [1], [0], [1]])
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.3], [0.4, 0.7], [0.8, 0.9]])
    assert ex.check_gauge(np.mean(y == (p > 0.5)))


@pytest.mark.parametrize("name", [*ex.ILL])
def test_a_patient_is_the_program_with_these_faults(name):
    pieces, faults, rng = ex.patient(name), ex.ILL[name], np.random.default_rng(3)
    x, y, x_new, y_new = pieces["data"](rng)
    W, t, losses = pieces["start"](rng, 784, 100, 2), pieces["target"](y), []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(pieces["updates"]):
            a1, p = pieces["forward"](x, *W)
            losses.append(pieces["loss"](p, t))
            dW = pieces["backward"](x, t, a1, p, W[1])
            W = [w - pieces["learning_rate"] * g for w, g in zip(W, dW, strict=True)]
        p = pieces["forward"](x_new, *W)[1]
    again = ten_faults.run(faults, 3)
    np.testing.assert_array_equal(losses, again.losses)
    printed = again.listing if ten_faults.SCORE in faults else again.new
    assert pieces["accuracy"](p, y_new) == printed


def test_there_is_no_other_patient():
    with pytest.raises(ValueError, match="name is 'D', expected one of"):
        ex.patient("D")
