"""The checkers of "Graphs by hand": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from collections import defaultdict
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from backprop.autodiff import gradcheck, tape
from backprop.book.exercises import graphs_by_hand as ex
from backprop.book.exercises.verdict import WRONG


@pytest.fixture(autouse=True)
def first_try():
    WRONG.clear()


def both_hints(check, *answer):
    """Return what two wrong tries in a row are told."""
    first, second = check(*answer), check(*answer)
    assert not first and not second
    return first.message, second.message


def y(x):
    s = x[0] + x[1]
    return s * s * x[1]


def loss(x):
    w, b, t = x
    e = w * 3 + b - t
    return e * e


RIGHT = {
    ex.check_sweep: [
        (12, 21), (Fraction(24, 2), 21.0), (sp.Integer(12), sp.Rational(42, 2)),
        (np.array(12.0), np.float32(21)), tuple(tape.grad(y)(np.array([1.0, 2.0]))),
        tuple(gradcheck.complex_step(y, np.array([1.0, 2.0]))),
    ],
    ex.check_fewest: [([1, 3, 20],), ((1.0, 3.0, 20.0),), (np.array([1, 3, 20]),)],
    ex.check_unit: [
        (12, 4, -4), (12.0, Fraction(4), sp.Integer(-4)),
        tuple(tape.grad(loss)(np.array([2.0, 1.0, 5.0]))),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_sweep: [
        ((21, 12), "a comes first"), ((6, 15), "missing, from s"), ((12, 12), "missing, from b"),
        ((12, 9), "missing, from b"), ((6, 6), "Two arrows"), ((6, 9), "Two arrows"),
        ((1, 2), "inputs"), ((18, 18), "not right"), ((12, 15), "a has one arrow, and b has two"),
        ((12, 18), "a has one arrow, and b has two"), ((12, 3), "a has one arrow, and b has two"),
        ((3, 12), "two from s to t"), ((24, 33), "two from s to t"), ((-12, -21), "sign"),
        ((12, 20.9), "a has one arrow"), ((0, 0), "two from s to t"), ((None, 21), "not a number"),
        (("12", 21), "expected numbers"), (([12, 21], 0), "expected numbers"),
        ((sp.Symbol("b"), 21), "expected numbers"),
    ],
    ex.check_fewest: [
        (((50890, 3, 20),), "forward sweeps only"), (((1, 1000, 30),), "backward sweeps only"),
        (((50890, 1000, 30),), "dearer"), (((50890, 3000, 600),), "numbers of derivatives"),
        (((1, 3, 30),), "Task 3:"), (((1, 1, 20),), "Task 2:"), (((1, 1, 1),), "Tasks 2, 3:"),
        (((50890, 3, 30),), "Tasks 1, 3:"), (((3, 1, 20),), "Tasks 1, 2:"),
        (((1, 3),), "three numbers"),
        ((20,), "three numbers"), ((None,), "three numbers"), (("1, 3, 20",), "three numbers"),
        (((2, 4, 21),), "Tasks 1, 2, 3:"),
    ],
    ex.check_unit: [
        ((6, 2, -2), "half"), ((6, 2, 2), "a sign, and a factor"), ((24, 8, -8), "twice too large"),
        ((3, 1, -1), "How fast does L follow e"), ((12, 4, 4), "slope -1"),
        ((-12, -4, 4), "All signs"),
        ((12, -4, 4), "Two signs"), ((8, 4, -4), "slope x"), ((4, 4, -4), "slope x"),
        ((12, 12, -12), "one of the three"), ((12, 12, -4), "second is wrong"),
        ((12, 4, 0), "depends on t"),
        ((12, 4, -1), "not yet an adjoint"), ((4, 12, -4), "changed places"),
        ((2, 1, 5), "the values"),
        ((4, 4, 4), "four lines"), ((0, 0, 0), "four lines"), ((12, 4, None), "not a number"),
        ((12, 2, -4), "four lines"),
    ],
}  # fmt: skip


def test_the_expected_values_are_derivatives():
    assert list(gradcheck.complex_step(y, np.array([1.0, 2.0]))) == pytest.approx([12, 21])
    at = np.array([2.0, 1.0, 5.0])
    assert list(gradcheck.complex_step(loss, at)) == pytest.approx([12, 4, -4])


@pytest.mark.parametrize(
    ("check", "answer"), [(c, a) for c, answers in RIGHT.items() for a in answers]
)
def test_right_answers(check, answer):
    assert check(*answer)


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [(c, a, h) for c, answers in WRONG_ANSWERS.items() for a, h in answers],
)
def test_wrong_answers(check, answer, hint):
    if hint == "not a number":
        hint = "expected numbers"
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


# Functions.


def swept(steps, seeds, slope=float):
    found = defaultdict(float, seeds)
    for name, arrows in reversed(steps):
        for operand, s in arrows:
            found[operand] += found[name] * slope(s)
    return found


def paths(steps, start):
    return swept(steps, {steps[-1][0]: 1}, lambda s: 1)[start]


def walked(steps, start):
    """Walk along every path: slow, and right."""
    if start == steps[-1][0]:
        return 1
    return sum(walked(steps, name) for name, arrows in steps for x, _ in arrows if x == start)


def walked_to_any_end(steps, start):
    following = [name for name, arrows in steps for x, _ in arrows if x == start]
    return sum(walked_to_any_end(steps, n) for n in following) if following else 1


def seeded(steps, seeds):
    return swept(steps, seeds)


def seeded_dict(steps, seeds):
    return dict(swept(steps, seeds))


def two_sweeps(steps, seeds):
    """One sweep for each seed: dearer, and right."""
    total = defaultdict(float)
    for name, seed in seeds.items():
        for node, adjoint in swept(steps, {name: seed}).items():
            total[node] += adjoint
    return total


def overwritten(steps, seeds):
    found = defaultdict(float, seeds)
    for name, arrows in reversed(steps):
        for operand, s in arrows:
            found[operand] = found[name] * s
    return found


def changes(steps, seeds):
    found = swept(steps, seeds)
    seeds.update(found)
    return found


def order(parents):
    found = []

    def visit(node):
        if node not in found:
            for parent in parents[node]:
                visit(parent)
            found.append(node)

    for node in parents:
        visit(node)
    return found


def by_layers(parents):
    """Take away, again and again, the nodes whose parents are all there."""
    found = []
    while len(found) < len(parents):
        found += [n for n in parents if n not in found and set(parents[n]) <= set(found)]
    return found


def emptied(parents):
    found = order(parents)
    parents.clear()
    return found


RIGHT_FUNCTIONS = {
    ex.check_paths: [paths, walked],
    ex.check_order: [order, by_layers, lambda p: tuple(order(dict(reversed(p.items()))))],
    ex.check_seeded: [seeded, seeded_dict, two_sweeps],
}
WRONG_FUNCTIONS = {
    ex.check_paths: [
        (lambda s, x: swept(s, {s[-1][0]: 1})[x], "the derivative. Which slopes"),
        (lambda s, x: sum(len(a) for _, a in s), "These are arrows"),
        (lambda s, x: sum(o == x for _, a in s for o, _ in a), "leave the start"),
        (lambda s, x: len(s), "These are the lines"),
        (lambda s, x: paths([(n, list(dict(a).items())) for n, a in s], x), "are two paths"),
        (walked_to_any_end, "do not end at the last node"),
        (lambda s, x: paths(s, x) - 1, "not right"),
        (lambda s, x: paths(s, x) + 1, "not right"),
        (lambda s, x: 2 * paths(s, x), "not right"),
        (lambda s, x: 2 ** len(s), "not right"),
        (lambda s, x: None, "is a return missing"),
        (lambda s, x: swept(s, {s[-1][0]: 1}, lambda _: 1), "expected a number"),
        (lambda s: 3, "raised TypeError"),
        (3, "without calling it"),
    ],
    ex.check_order: [
        (lambda p: order(p)[::-1], "order is reversed"),
        (lambda p: order(p)[1:], "nodes are missing"),
        (lambda p: [*order(p), order(p)[0]], "once for each of its uses"),
        (lambda p: [*order(p), "z"], "none of the nodes"),
        (lambda p: list(p), "order in which they were given"),
        (sorted, "Some edges point back"),
        (lambda p: sorted(p, key=lambda n: len(p[n])), "Some edges point back"),
        (lambda p: [], "nodes are missing"),
        (lambda p: None, "Return a list"),
        (lambda p: "x", "Return a list"),
        (emptied, "changed its argument"),
        (lambda p: p["nothing"], "KeyError"),
        (3, "without calling it"),
    ],
    ex.check_seeded: [
        (lambda s, seeds: swept(s, {"y": 1.0}), "seeds make no difference"),
        (lambda s, seeds: swept(s, {"y": seeds.get("y", 0)}), "Only the last node's seed"),
        (lambda s, seeds: swept(s, {"y": 1.0} | seeds), "nobody asked for"),
        (lambda s, seeds: swept(s, dict.fromkeys(seeds, 1.0)), "sizes of the seeds"),
        (overwritten, "not right"),
        (changes, "changed its argument"),
        (lambda s, seeds: {}, "Nothing arrives"),
        (lambda s, seeds: swept(s[::-1], seeds), "not right"),
        (lambda s, seeds: None, "TypeError"),
        (lambda s, seeds: swept(s, {k: -v for k, v in seeds.items()}), "Only the sign"),
        (lambda s, seeds: {k: 2 * v for k, v in swept(s, seeds).items()}, "same factor"),
        (lambda s: 3, "TypeError"),
        (3, "without calling it"),
    ],
}


@pytest.mark.parametrize(
    ("check", "answer"), [(c, a) for c, answers in RIGHT_FUNCTIONS.items() for a in answers]
)
def test_right_functions(check, answer):
    assert check(answer)


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [(c, a, h) for c, answers in WRONG_FUNCTIONS.items() for a, h in answers],
)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_as_often(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT_FUNCTIONS[check]) >= 2


def test_the_ladder_has_as_many_paths_as_walking_finds():
    steps = ex.ladder(9)
    assert paths(steps, "x") == walked(steps, "x") == 55
