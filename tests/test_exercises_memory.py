"""The checkers of "Memory": right answers in several forms, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from copy import deepcopy
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.book.chains import most_kept, shrinking
from backprop.book.exercises import memory as ex

RIGHT = {
    ex.check_segments: [(20, 10), (20.0, sp.Integer(10)), (Fraction(20), np.float64(10))],
    ex.check_binomial: [(126, 18), (math.comb(9, 4), 18.0), (sp.binomial(9, 4), np.int64(18))],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_segments: [
        ((10, 10), "This is √n"), ((5, 10), "wrong side"), ((40, 10), "under the root"),
        ((2.5, 10), "under the root"), ((400, 10), "root is missing"), ((-20, 10), "positive root"),
        ((25, 10), "n/4"), ((100, 10), "every input"), ((1, 10), "nothing is saved"),
        ((19, 10), "as a function of c"), ((20, 20), "c itself"), ((20, 25), "in full"),
        ((20, 5), "two terms"), ((20, 9.75), "on top"), ((20, 9), "no part of what"),
        ((14, 7.1), "√(2n)"), ((14.142, 7.07), "√(2n)"),
        ((50, 14.5), "n/2"), ((20, 24), "as large as"), ((20, 19), "for c = √n"),
        ((20, 100), "without segments"), ((20, 15), "how much one segment"),
        ((20, 12.5), "c = 10"), ((20, 21.25), "c = 5"),
        ((20, 40), "units of an input"), ((20, 11), "the c inputs take"), ((20, None), "None"),
        (([20], 10), "shape"),
    ],
    ex.check_binomial: [
        ((24, 18), "far too little"), ((1296, 18), "6⁴"), ((4096, 18), "4⁶"), ((21, 18), "R = 2"),
        ((56, 18), "R = 3"), ((70, 18), "K = 5"), ((84, 18), "changed places"),
        ((210, 18), "C(K + R, R)"), ((252, 18), "R = 5"), ((6, 18), "R = 1"),
        ((9, 18), "K - 1 + R"), ((3024, 18), "orders"), ((15120, 18), "orders"),
        ((36, 18), "no binomial"), ((362880, 18), "9!"),
        ((125, 18), "most layers"), ((126, 17), "too few layers"), ((126, 19), "not the least"),
        ((126, 20), "upper number"), ((126, 11), "for R = 4"),
        ((126, 44), "R = 2 needs"), ((126, 333), "far too many"),
        ((126, 17), "input is one of the K"),
        ((18, 126), "wrong order"), ((18.0, np.int64(126)), "length comes first"),
        ((126, 16), "look for the least"), ((126, 10), "more slowly"), ((126, 32), "√1000"),
        ((126, 334), "far too many"), ((126, 45), "two evaluations"), ((126, 1000), "every input"),
        ((126, 5), "least K"), ((126, None), "None"), (([126], 18), "shape"),
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


def test_the_expected_numbers_are_right():
    assert min(range(1, 101), key=lambda k: k / 4 + 100 / k) == 20
    assert math.comb(19, 3) < 1000 <= math.comb(20, 3)
    assert most_kept([11, 10, 9, 8, 7, 6, 5, 4, 3, 1]) == 11


# Functions.


def unfinished(*_):
    """Return nothing."""


def least(n):
    return next(k for k in range(1, n + 1) if k * (k + 1) // 2 >= n)


def from_the_front(n):
    lengths, left = [], n
    for length in range(least(n), 0, -1):
        lengths.append(min(length, left))
        left -= lengths[-1]
        if not left:
            return lengths


def in_numpy(n):
    return np.array(shrinking(n, least(n)), float)


def equal(n):
    k = max(1, round(n**0.5))
    cuts = [n * i // k for i in range(k + 1)]
    return [j - i for i, j in pairwise(cuts)]


def growing(n):
    return from_the_front(n)[::-1]


def padded(n):
    return [*from_the_front(n), 0]


LENGTHS_WRONG = [
    (equal, "Equal segments"), (growing, "should shrink"), (lambda n: [n], "every input"),
    (lambda n: [1] * n, "every input"), (lambda n: from_the_front(n)[:-1] or [0], "add up to"),
    (lambda n: list(range(least(n), 0, -1)), "add up to"), (padded, "no whole number"),
    (lambda n: [n // 2, n - n // 2] if n > 1 else [1], "are still kept"),
    (lambda n: shrinking(n, least(n) + 1), "One input fewer"), (lambda n: least(n), "a list"),
    (lambda n: [n / 3, 2 * n / 3], "whole number"), (lambda n: [-1, n + 1], "whole number"),
    (lambda n: ["3"], "a list"), (lambda n: [], "a list"), (unfinished, "return"),
    (lambda n, m: [n], "one argument"), ([11, 10], "function itself"), (lambda n: 1 / 0, "raised"),
]  # fmt: skip


@pytest.mark.parametrize("answer", [from_the_front, in_numpy, lambda n: tuple(from_the_front(n))])
def test_right_lengths(answer):
    assert ex.check_lengths(answer), ex.check_lengths(answer)


@pytest.mark.parametrize(("answer", "hint"), LENGTHS_WRONG)
def test_wrong_lengths(answer, hint):
    assert hint in both_hints(ex.check_lengths, answer)[1]


def unequal(layers, x, apart):
    """Return the layers whose two outputs for one input are ``apart``."""
    found = []
    for i, layer in enumerate(layers):
        once, twice = layer.forward(x), layer.forward(x)
        if apart(once, twice):
            found.append(i)
        x = once
    return found


def broken(layers, x):
    return unequal(layers, x, lambda a, b: (a != b).any())


def outputs(layers, x):
    for layer in layers:
        x = layer.forward(x)
        yield x


def whole_passes(layers, x):
    """Run the network twice, so that what follows a broken layer differs as well."""
    pairs = zip([*outputs(layers, x)], [*outputs(layers, x)], strict=True)
    return [i for i, (a, b) in enumerate(pairs) if not np.array_equal(a, b)]


def last_alone(layers, x):
    return [len(layers) - 1] if len(layers) - 1 in whole_passes(layers, x) else []


def with_a_state(layers, x):
    return [
        i for i, layer in enumerate(layers)
        if i in broken(layers, x) or type(layer).__name__ == "BatchNorm"
    ]  # fmt: skip


def of_kind(kind):
    return lambda layers, x: [
        i for i, layer in enumerate(layers) if type(layer).__name__ == kind
    ]  # fmt: skip


def not_known(*kinds):
    """Name each layer in training that is of none of these kinds, and of its known ones."""
    sound = {"Dense", "Tanh", "ReLU", *kinds}
    return lambda layers, x: [
        i for i, layer in enumerate(layers)
        if type(layer).__name__ not in sound and layer.training and getattr(layer, "p", 1)
    ]  # fmt: skip


def on_a_copy(layers, x):
    """Compare a layer with its copy, whose generator is in the same state."""
    found = []
    for i, layer in enumerate(layers):
        twin = deepcopy(layer)
        once = layer.forward(x)
        if not np.array_equal(once, twin.forward(x)):
            found.append(i)
        x = once
    return found


BROKEN_WRONG = [
    (on_a_copy, "copy repeats its draws"),
    (lambda layers, x: unequal(layers, x, lambda a, b: not np.allclose(a, b)), "a tolerance"),
    (lambda layers, x: unequal(layers, x, lambda a, b: not np.allclose(a, b, atol=1e-3)),
     "a tolerance"),
    (lambda layers, x: unequal(layers, x, lambda a, b: not np.allclose(a, b, 0, 1e-12)),
     "a tolerance"),
    (not_known("BatchNorm"), "unknown kind"),
    (of_kind("Dropout"), "whatever the kind"),
    (whole_passes, "comes after"), (last_alone, "outputs of the network"),
    (with_a_state, "state moves"),
    (lambda layers, x: broken(layers, x)[:1], "more than one"),
    (lambda layers, x: [i + 1 for i in broken(layers, x)], "from 0"),
    (lambda layers, x: unequal(layers, x, lambda a, b: a is not b),
     "not whether they are the same object"),
    (lambda layers, x: [], "At least one"),
    (lambda layers, x: range(0), "list of indices"),
    (lambda layers, x: list(range(len(layers))), "Not all"),
    (lambda layers, x: [i for i in range(len(layers)) if i not in broken(layers, x)], "others"),
    (lambda layers, x: [i in broken(layers, x) for i in range(len(layers))], "truth values"),
    (lambda layers, x: [layers[i].name for i in broken(layers, x)] or ["x"], "list of indices"),
    (lambda layers, x: [i - 9 for i in broken(layers, x)], "no layer"),
    (lambda layers, x: 1, "list of indices"), (unfinished, "return"),
    (lambda layers: [], "2 arguments"), ([1], "function itself"),
    (lambda layers, x: [0.5], "list of indices"),
    (lambda layers, x: unequal(layers, x, lambda a, b: a.mean() != b.mean()), "At least one"),
    (lambda layers, x: unequal(layers, x, lambda a, b: not np.allclose(a, b, atol=0.01)),
     "At least one"),
    (lambda layers, x: unequal(layers, x, lambda a, b: (a[0] != b[0]).any()), "At least one"),
    (lambda layers, x: [i for i, layer in enumerate(layers)
                        if not np.array_equal(layer.forward(x), layer.forward(x))],
     "raised ValueError"),
]  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [broken, lambda layers, x: set(broken(layers, x)), lambda layers, x: tuple(broken(layers, x))],
)
def test_right_broken(answer):
    assert ex.check_broken(answer), ex.check_broken(answer)


@pytest.mark.parametrize(("answer", "hint"), BROKEN_WRONG)
def test_wrong_broken(answer, hint):
    assert hint in both_hints(ex.check_broken, answer)[1]


def moved(layers, x):
    found = []
    for i, layer in enumerate(layers):
        before, after = in_use(layer, x), in_use(layer, x)
        if not np.array_equal(before[1], after[1]):
            found.append(i)
        x = before[0]
    return found


def in_use(layer, x):
    """Return the outputs of a pass as the layer is, and of one in use after it."""
    mode = layer.training
    out = layer.forward(x)
    layer.training = False
    used = layer.forward(x)
    layer.training = mode
    return out, used


def always_training(layers, x):
    modes = [layer.training for layer in layers]
    for layer in layers:
        layer.training = True
    found = moved(layers, x)
    for layer, mode in zip(layers, modes, strict=True):
        layer.training = mode
    return found


def following(layers, x):
    """Blame every layer behind one that moves."""
    first = min(moved(layers, x), default=len(layers))
    return list(range(first, len(layers)))


def by_averages(layers, x):
    return [i for i, layer in enumerate(layers) if hasattr(layer, "running_mean")]


def each(differs):
    """Return the function that asks of each layer alone, and goes on with its training pass."""

    def found(layers, x):
        places = []
        for i, layer in enumerate(layers):
            if differs(layer, x):
                places.append(i)
            x = layer.forward(x)
        return places

    return found


def left_in_use(layer, x):
    before = in_use(layer, x)[1]
    layer.forward(x)
    layer.training = False
    return not np.array_equal(before, layer.forward(x))


def by_state(layer, x):
    layer.forward(x)
    once = layer.state()
    layer.forward(x)
    return any(not np.array_equal(once[name], value) for name, value in layer.state().items())


def without_a_second_pass(layer, x):
    mode = layer.training
    layer.forward(x)
    layer.training = False
    once, twice = layer.forward(x), layer.forward(x)
    layer.training = mode
    return not np.array_equal(once, twice)


def apart(measure):
    """Compare two outputs in use after a training pass each."""
    return lambda layer, x: measure(in_use(layer, x)[1], in_use(layer, x)[1])


def before_any(layer, x):
    """Compare the outputs in use before any pass and after one."""
    mode, layer.training = layer.training, False
    before = layer.forward(x)
    layer.training = mode
    return not np.array_equal(before, in_use(layer, x)[1])


MOVED_WRONG = [
    (each(apart(lambda a, b: not np.allclose(a, b))), "a tolerance"),
    (lambda layers, x: [i for i, layer in enumerate(layers) if hasattr(layer, "state")],
     "has a state"),
    (each(before_any), "first training pass alone"), (not_known("Dropout"), "unknown kind"),
    (each(left_in_use), "not what it was"), (each(by_state), "Dropout draws anew"),
    (each(lambda layer, x: not np.array_equal(*in_use(layer, x))), "Dropout draws anew"),
    (each(without_a_second_pass), "misses a layer"),
    (each(apart(lambda a, b: not np.allclose(a, b, atol=0.1))), "misses a layer"),
    (each(apart(lambda a, b: a.mean() != b.mean())), "At least one"),
    (each(apart(lambda a, b: a is not b)), "names a layer that it should not"),
    (each(lambda layer, x: type(layer).__name__ in ("BatchNorm", "Dropout")), "Dropout draws"),
    (each(lambda layer, x: layer.training), "names a layer that it should not"),
    (lambda layers, x: [i for i, layer in enumerate(layers)
                        if apart(lambda a, b: (a != b).any())(layer, x)], "raised ValueError"),
    (lambda layers, x: [i - len(layers) for i in moved(layers, x)], "no layer"),
    (lambda layers, x: [layers[i] for i in moved(layers, x)], "list of indices"),
    (lambda layers, x: [], "At least one"), (broken, "differs in training"),
    (lambda layers, x: sorted({*moved(layers, x), *broken(layers, x)}), "in use it does"),
    (always_training, "in use already"), (by_averages, "whatever the kind"),
    (of_kind("BatchNorm"), "whatever the kind"),
    (lambda layers, x: list(range(len(layers))), "Not all"),
    (lambda layers, x: [i + 1 for i in moved(layers, x)], "from 0"),
    (lambda layers, x: [i for i in range(len(layers)) if i not in moved(layers, x)], "others"),
    (lambda layers, x: moved(layers, x)[:1], "more than one"), (following, "comes after"),
    (lambda layers, x: [i in moved(layers, x) for i in range(len(layers))], "truth values"),
    (unfinished, "return"), (lambda layers: [], "2 arguments"), ([1], "function itself"),
]  # fmt: skip


@pytest.mark.parametrize("answer", [moved, lambda layers, x: np.array(moved(layers, x), int)])
def test_right_moved(answer):
    assert ex.check_moved(answer), ex.check_moved(answer)


@pytest.mark.parametrize(("answer", "hint"), MOVED_WRONG)
def test_wrong_moved(answer, hint):
    assert hint in both_hints(ex.check_moved, answer)[1]


@cache
def fewest(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + fewest(n - m, S - 1) + fewest(m, S) for m in range(1, n))


def by_table(n, S):
    """Fill a table from short chains to long ones."""
    best = {(1, s): 0 for s in range(1, S + 1)}
    for length in range(2, n + 1):
        best[length, 1] = length * (length - 1) // 2
        for s in range(2, S + 1):
            best[length, s] = min(
                m + best[length - m, s - 1] + best[m, s] for m in range(1, length)
            )
    return best[n, S]


def by_formula(n, S):
    R = next(r for r in range(n) if math.comb(S + r, S) >= n)
    return R * n - math.comb(S + R, S + 1)


def slow(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + slow(n - m, S - 1) + slow(m, S) for m in range(1, n))


def halves(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return n // 2 + halves(n - n // 2, S - 1) + halves(n // 2, S)


@cache
def forgetful(n, S):
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + forgetful(n - m, S - 1) + forgetful(m, S - 1) for m in range(1, n))


@cache
def exchanged(n, S):
    """Let the right part have all kept inputs and the left part one less."""
    if n == 1:
        return 0
    if S == 1:
        return n * (n - 1) // 2
    return min(m + exchanged(n - m, S) + exchanged(m, S - 1) for m in range(1, n))


def varied(walk, join, base=lambda n: n * (n - 1) // 2):
    """Search with another walk over m of n layers, another sum of the parts or another start."""

    @cache
    def count(n, S):
        if n == 1:
            return 0
        if S == 1:
            return base(n)
        return min(walk(m, n) + join(count(n - m, S - 1), count(m, S)) for m in range(1, n))

    return count


def both(one, other):
    return one + other


def endless(n, S):
    return endless(n, S)


def kept(count):
    """Let a function of S = K - 1 answer for K kept inputs."""
    return lambda n, K: count(n, K - 1)


EVALUATIONS_WRONG = [
    (kept(varied(lambda m, n: n - m, both)), "the m layers of the walk"),
    (kept(varied(lambda m, n: m - 1, both)), "one layer too short"),
    (kept(varied(lambda m, n: m, max)), "Only the dearer"),
    (kept(varied(lambda m, n: m, both, lambda n: n * (n + 1) // 2)), "one layer too long"),
    (kept(slow), "too slow"), (kept(halves), "cuts in the middle"),
    (kept(forgetful), "left part gets one"),
    (lambda n, K: fewest(n, K - 1) + n, "just before its backward"),
    (lambda n, K: fewest(n, K - 1) + 1, "for the output"),
    (lambda n, K: fewest(n, K), "one kept input too many"),
    (lambda n, K: n * (n - 1) // 2, "starts again from x"),
    (lambda n, K: n - 1, "every input"), (kept(exchanged), "gives the right part all"),
    (lambda n, K: 0, "Nothing is evaluated"),
    (lambda n, K: fewest(n, max(K - 2, 1)), "one kept input too few"),
    (lambda n, K: fewest(n, K - 1) + 2 * (n > 5), "A cut after m"),
    (unfinished, "return"), (lambda n: n, "2 arguments"), (35, "function itself"),
    (endless, "raised RecursionError"),
]  # fmt: skip


@pytest.mark.parametrize("answer", [kept(fewest), kept(by_table), kept(by_formula)])
def test_right_evaluations(answer):
    assert ex.check_evaluations(answer), ex.check_evaluations(answer)


@pytest.mark.parametrize(("answer", "hint"), EVALUATIONS_WRONG)
def test_wrong_evaluations(answer, hint):
    assert hint in both_hints(ex.check_evaluations, answer)[1]
