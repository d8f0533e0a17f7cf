"""The checkers of "Gradient checking": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right

from backprop.book.exercises import gradient_checking as ex

EPS = float(np.finfo(float).eps)


def disagreement(g, q):
    scale = max(np.abs(g).max(), np.abs(q).max())
    return np.abs(g - q).max() / scale if scale > 0 else 0.0


def by_loops(g, q):
    off = scale = 0.0
    for a, b in zip(g.ravel(), q.ravel(), strict=True):
        off, scale = max(off, abs(a - b)), max(scale, abs(a), abs(b))
    return Fraction(off) / Fraction(scale) if scale else 0


def length(z):
    return np.sqrt((z * z).sum())


def sample_size(q, chance):
    return math.ceil(math.log(1 - chance) / math.log(1 - q))


def counted(q, chance):
    m = 0
    while 1 - (1 - q) ** m < chance:
        m += 1
    return np.int64(m)


def backward(dz):
    return dz - dz.mean(axis=1, keepdims=True)


def by_jacobian(dz):
    n = dz.shape[1]
    return dz @ (np.eye(n) - np.ones((n, n)) / n)


def norm_of(g, q):
    return np.linalg.norm(g - q) / max(np.linalg.norm(g), np.linalg.norm(q))


STEP, ERROR = math.sqrt(0.001 / 6), 2 * math.sqrt(0.006)
STEP2, ERROR2 = (24 * EPS) ** 0.25, math.sqrt(2 * EPS / 3)
RIGHT = {
    ex.check_wrong_ones: [
        (["B", "E"],), ("BE",), ("E, B",), ({"b", "e"},), (("E", "B", "B"),),
        (np.array(["B", "E"]),),
    ],
    ex.check_one_sided: [
        (STEP, ERROR), (0.0129, 0.155), (0.01291, 0.1549), (sp.sqrt(sp.Rational(1, 6000)), ERROR),
        (0.012882, 0.155086), (0.0129, 0.1551),
    ],
    ex.check_disagreement: [
        (disagreement,), (by_loops,), (lambda u, v: float(disagreement(u, v)),),
    ],
    ex.check_length: [
        (length,), (lambda z: (z @ z) ** 0.5,), (lambda z: sum(t * t for t in z) ** 0.5,),
    ],
    ex.check_second: [
        (STEP2, ERROR2), (2.70e-4, 1.22e-8), (0.0002702, 1.217e-8), (sp.Float(STEP2), ERROR2),
    ],
    ex.check_sample_size: [
        (sample_size,), (counted,), (lambda q, c: float(sample_size(q, c)),),
        (lambda q, c: int(np.ceil(np.log(1 - c) / np.log(1 - q) - 1e-9)),),
    ],
    ex.check_centring: [(backward,), (by_jacobian,), (lambda dz: backward(dz).tolist(),)],
    ex.check_weights: [
        (2 / 3, -1 / 12), (Fraction(2, 3), Fraction(-1, 12)), (0.667, -0.0833),
        (sp.Rational(2, 3), -sp.Rational(1, 12)),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_wrong_ones: [
        (("B",), "Not all of them. A wrong gradient may"), (("E",), "Not all of them. A wrong"),
        (("BCE",), "A right one is among yours"), (("BDE",), "A right one is among yours"),
        (("ABE",), "A right one is among yours"), (("CD",), "A right one is among yours"),
        (("A",), "A right one is among yours"),
        (("ABCDE",), "A right one is among yours"), (([],), "At least one"),
        ((["D"],), "A right one is among yours"), ((["F"],), "There is no 'F'"),
        ((None,), "is None"), ((2,), "Hand over letters"), (([2, 5],), "There is no '2'"),
        (([None, "B"],), "There is no 'NONE'"),
    ],
    ex.check_one_sided: [
        ((0.00913, 0.1095), "half of the one asked for"), ((0.00913, 0.219), "truncation term"),
        ((math.sqrt(0.0005 / 12), 2 * math.sqrt(0.006)), "Both terms"),
        ((0.063, 0.0119), "both sides"), ((0.063, 0.012), "both sides"),
        ((STEP, ERROR / 2), "One of the two terms"),
        ((STEP**2, ERROR), "square of the step"), ((0.155, 0.0129), "step comes first"),
        ((STEP**2, 0.006), "square root is missing"), ((0.1, 0.61), "at h = 0.1"),
        ((STEP, 0.2), "The step is right, the error is not"),
        ((0.02, ERROR), "The error is right, the step is not"), ((0.5, 0.5), "Neither"),
        ((-STEP, ERROR), "positive"), ((0, 0), "positive"), ((None, 1), "two numbers"),
        (("0.0129", 0.155), "two numbers"), (([STEP, ERROR], 0), "two numbers"),
        ((1j, 1), "two numbers"), ((math.nan, 1), "positive"),
    ],
    ex.check_second: [
        (((18 * EPS) ** 0.25, 2 * math.sqrt(EPS / 8)), "rounding term is too small"),
        (((12 * EPS) ** 0.25, 2 * math.sqrt(EPS / 12)), "rounding term is too small"),
        (((48 * EPS) ** 0.25, 2 * math.sqrt(EPS / 3)), "rounding term is too large"),
        (((48 * EPS) ** 0.25, 2 * math.sqrt(EPS / 12)), "truncation term is too small"),
        (((12 * EPS) ** 0.25, 2 * math.sqrt(EPS / 3)), "truncation term is too large"),
        ((STEP2, math.sqrt(EPS / 6)), "half of what it should be"),
        ((0.0411, 2.82e-4), "float32"),
        ((6.93e-6, 2.4e-11), "FIRST"), ((EPS**0.25, EPS**0.5), "factors are missing"),
        (((24 * EPS) ** (1 / 3), ERROR2), "fourth root"), (((24 * EPS) ** 0.5, ERROR2), "fourth"),
        ((ERROR2, STEP2), "step comes first"), ((STEP2, 1e-7), "The step is right"),
        ((1e-3, ERROR2), "The error is right"), ((1, 1), "Neither"), ((-STEP2, ERROR2), "positive"),
        ((None, ERROR2), "two numbers"), (("a", "b"), "two numbers"),
    ],
    ex.check_weights: [
        ((1 / 2, 0), "central difference: it errs"), ((0, 1 / 4), "step 2h"),
        ((2 / 3, 1 / 12), "sizes are right"), ((-2 / 3, 1 / 12), "Both signs"),
        ((4 / 3, -1 / 3), "denominators"), ((4 / 3, -1 / 6), "twice"), ((1 / 3, -1 / 24), "Half"),
        ((-1 / 12, 2 / 3), "exchanged"), ((1 / 4, 1 / 8), "do not cancel"),
        ((8, -1), "add up to 1"),
        ((4, -1 / 2), "add up to 1"), ((1, 1), "terms with f' must"),
        ((0, 0), "terms with f' must"),
        ((None, 0), "expected numbers"), (("2/3", "-1/12"), "expected numbers"),
    ],
}  # fmt: skip


def zero_division(g, q):
    return float(np.abs(g - q).max()) / float(max(np.abs(g).max(), np.abs(q).max()))


def in_place(dz):
    dz -= dz.mean(axis=1, keepdims=True)
    return dz


def size(g, q):
    return np.maximum(np.abs(g), np.abs(q))


WRONG_FUNCTIONS = {
    ex.check_disagreement: [
        (lambda g, q: np.abs(g - q).max(), "absolute difference"),
        (lambda g, q: (np.abs(g - q) / size(g, q)).max(), "divided by itself"),
        (lambda g, q: np.abs(g - q).mean() / size(g, q).max(), "mean hides"),
        (lambda g, q: (g - q).max() / size(g, q).max(), "have signs"),
        (lambda g, q: np.abs(g - q).max() / max(g.max(), q.max()), "A scale is a size"),
        (lambda g, q: np.abs(g - q).max() / np.abs(g).max(), "first array alone"),
        (lambda g, q: np.abs(g - q).max() / np.abs(q).max(), "second array alone"),
        (lambda g, q: np.abs(g - q).max() / min(np.abs(g).max(), np.abs(q).max()), "smaller"),
        (lambda g, q: np.abs(g - q).max() / np.abs(g + q).max(), "not their sum"),
        (lambda g, q: np.abs(g - q).max() / size(g, q).min(), "not right"),
        (lambda g, q: np.abs(g - q) / size(g, q).max(), "One number"),
        (lambda g, q: np.abs(g - q).max() / size(g, q).max(), "0/0"),
        (zero_division, "0/0"),
        (lambda g, q: np.abs(g - q).max() / max(size(g, q).max(), 1e-8), "seem to agree"),
        (lambda g, q: np.abs(g - q).max() / (size(g, q).max() + 1e-8), "seem to agree"),
        (lambda g, q: np.abs(g - q).max() / (size(g, q).max() + 1e-10), "not right"),
        (norm_of, "ratio of norms"),
        (lambda g, q: np.linalg.norm(g - q) / size(g, q).max(), "norm adds up"),
        (lambda g, q: np.abs(g - q).max() / (np.abs(g).max() + np.abs(q).max()), "not their sum"),
        (lambda g, q: (np.abs(g - q) / (np.abs(g) + np.abs(q))).max(), "its own scale"),
        (lambda g, q: None, "is a return missing"),
        (lambda g: 0.0, "called with 2 arguments: (g, q)"),
        (lambda g, q: disagreement(g, q) + 1e-3, "not right"),
        (lambda g, q: disagreement(g, q) if g.any() else 1.0, "not right"),
        (0.5, "without calling it"),
    ],
    ex.check_length: [
        (np.linalg.norm, "imaginary part is lost"),
        (lambda z: np.sqrt((np.abs(z) ** 2).sum()), "imaginary part is lost"),
        (lambda z: np.sqrt((z * z.conj()).sum()), "imaginary part is lost"),
        (lambda z: np.sqrt((z.real**2).sum()), "imaginary part is lost"),
        (lambda z: np.abs(z).sum(), "not right"),
        (lambda z: (z * z).sum(), "square of the length"),
        (lambda z: (z * z.conj()).sum(), "its slopes are 0"),
        (lambda z: z.sum(), "sum of the entries"),
        (lambda z: np.where(z.real > 0, z, -z).sum(), "sizes of the entries"),
        (lambda z: np.sqrt((z * z.real).sum()), "half of what"),
        (lambda z: np.conj(length(z)), "wrong sign"),
        (lambda z: np.sqrt((z * z).mean()), "mean is taken"),
        (lambda z: z, "shape"),
        (lambda z: None, "is a return missing"),
        (lambda z: float(length(z)), "not right|lost|raised TypeError"),
        (lambda: 1, "called with one argument: (z)"),
        (5.0, "without calling it"),
    ],
    ex.check_sample_size: [
        (lambda q, c: math.log(1 - c) / math.log(1 - q), "whole numbers"),
        (lambda q, c: math.floor(math.log(1 - c) / math.log(1 - q)), "Rounded down"),
        (lambda q, c: round(math.log(1 - c) / math.log(1 - q)), "nearest number"),
        (lambda q, c: math.ceil(c / q), "do not add up"),
        (lambda q, c: math.ceil(math.log(c) / math.log(1 - q)), "all entries are right"),
        (lambda q, c: math.ceil(1 / q), "On average"),
        (lambda q, c: -sample_size(q, c), "logarithms of chances are negative"),
        (lambda q, c: math.ceil(math.log(1 - c) / math.log(q)), "every entry is wrong"),
        (lambda q, c: math.ceil(-math.log(1 - c) / q), "rare bug"),
        (lambda q, c: int(math.log(1 - c) / math.log(1 - q)) + 1, "is whole"),
        (lambda q, c: sample_size(q, c) + 1, "not right"),
        (lambda q, c: 1 - (1 - q) ** 60, "not right"),
        (lambda q, c: 60, "not right"),
        (lambda q, c: None, "is a return missing"),
        (lambda q: 3, "called with 2 arguments"),
        (lambda q, c: 1 / 0, "ZeroDivisionError"),
        (459, "without calling it"),
    ],
    ex.check_centring: [
        (lambda dz: dz, "first term alone"),
        (np.zeros_like, "Zeros are right for dz = 1"),
        (lambda dz: dz - dz.mean(), "each row has its own"),
        (lambda dz: dz - dz.mean(axis=0), "over the examples"),
        (lambda dz: dz - dz.sum(axis=1, keepdims=True), "sum is subtracted"),
        (lambda dz: dz * (1 - 1 / dz.shape[1]), "own input alone"),
        (lambda dz: dz + dz.mean(axis=1, keepdims=True), "wrong sign"),
        (lambda dz: dz.mean(axis=1, keepdims=True) - dz, "sign is wrong"),
        (lambda dz: 0 * dz - dz.mean(axis=1, keepdims=True), "share through the mean"),
        (lambda dz: dz - dz.mean(axis=1, keepdims=True) / dz.shape[1], "twice"),
        (lambda dz: backward(dz).T, "transpose"),
        (lambda dz: 2 * backward(dz), "same factor"),
        (in_place, "in place"),
        (lambda dz: None, "is a return missing"),
        (lambda dz: dz - dz.mean(axis=1), "raised ValueError"),
        (lambda self, dz: dz, "called with one argument: (dz)"),
        (np.zeros((2, 3)), "without calling it"),
    ],
}


@each_right(RIGHT)
def test_right_answers(check, answer):
    verdict = check(*answer)
    assert verdict, verdict.message


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [(c, a, h) for c, answers in WRONG_ANSWERS.items() for a, h in answers]
    + [(c, (a,), h) for c, answers in WRONG_FUNCTIONS.items() for a, h in answers],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning", "ignore::numpy.exceptions.ComplexWarning")
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert any(words in second for words in hint.split("|")), second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT[check]) >= 2


@pytest.mark.parametrize(
    ("check", "revealing"),
    [
        (ex.check_one_sided, ("0.0129", "0.155")), (ex.check_second, ("2.7", "1.2")),
        (ex.check_weights, ("0.667", "0.0833", "2/3", "-1/12")),
    ],
)  # fmt: skip
def test_no_hint_tells_the_answer(check, revealing):
    for answer, _ in WRONG_ANSWERS[check]:
        for message in both_hints(check, *answer):
            assert not any(number in message for number in revealing), message


def test_no_hint_names_a_letter():
    for answer, _ in WRONG_ANSWERS[ex.check_wrong_ones][:8]:
        for message in both_hints(ex.check_wrong_ones, *answer):
            words = message.replace("'", " ").replace(".", " ").split()
            assert not {"B", "C", "D", "E"} & set(words), message


def test_an_exception_at_zero_alone_is_reported():
    def fails_at_zero(g, q):
        if not g.any():
            raise RuntimeError("nothing to compare")
        return disagreement(g, q)

    assert "nothing to compare" in ex.check_disagreement(fails_at_zero).message


def test_the_best_steps_are_least():
    steps = np.linspace(0.001, 0.1, 100_000)
    bound = 6 * steps + 0.001 / steps
    assert steps[bound.argmin()] == pytest.approx(STEP, rel=1e-3)
    assert bound.min() == pytest.approx(ERROR, rel=1e-6)
    steps = np.geomspace(1e-6, 1e-2, 100_000)
    bound = steps**2 / 12 + 2 * EPS / steps**2
    assert steps[bound.argmin()] == pytest.approx(STEP2, rel=1e-3)
    assert bound.min() == pytest.approx(ERROR2, rel=1e-6)


def test_the_five_of_the_table_behave_as_the_checker_says():
    # A, C and D are errors of central differences of right gradients.
    h = np.array([1e-3, 1e-5, 1e-7])
    assert np.allclose([2e-1, 2e-5, 2e-9], 2e5 * h**2)
    assert np.allclose([1e-6, 1e-4, 1e-2], 1e-9 / h)
    truncation, rounding = 0.3 * h**2, 2e-16 / h
    assert np.allclose([3e-7, 3e-11, 2e-9], np.maximum(truncation, rounding), rtol=0.5)
