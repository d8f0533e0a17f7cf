"""The checkers of "Graphs by hand": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from collections import Counter, defaultdict, deque
from fractions import Fraction
from functools import cache
from graphlib import TopologicalSorter

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import gradcheck, tape
from backprop.book.exercises import graphs_by_hand as ex

BAR = "\N{COMBINING MACRON}"
W1, W2 = "w₁" + BAR, "w₂" + BAR


def y(x):
    s = x[0] + x[1]
    return s * s * x[1]


def loss(x):
    w1, w2, t = x
    e = w2 * np.tanh(w1 * 3) - t
    return e * e


UNIT = np.array([math.log(2) / 3, 1.5, 0.5])


RIGHT = {
    ex.check_sweep: [
        (12, 21), (Fraction(24, 2), 21.0), (sp.Integer(12), sp.Rational(42, 2)),
        (np.array(12.0), np.float32(21)), tuple(tape.grad(y)(np.array([1.0, 2.0]))),
        tuple(gradcheck.complex_step(y, np.array([1.0, 2.0]))),
    ],
    ex.check_fewest: [([1, 3, 20],), ((1.0, 3.0, 20.0),), (np.array([1, 3, 20]),)],
    ex.check_unit: [
        (2.304, 0.48, -0.8), (2.3, 0.48, -0.8), (Fraction(288, 125), sp.Rational(12, 25), -0.8),
        tuple(tape.grad(loss)(UNIT)), tuple(gradcheck.complex_step(loss, UNIT)),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_sweep: [
        ((21, 12), f"a{BAR} comes first"), ((6, 15), "missing, from s"),
        ((12, 12), "missing, from b"),
        ((12, 9), "missing, from b"), ((6, 6), "Two arrows"), ((6, 9), "Two arrows"),
        ((1, 2), "inputs"), ((36, 45), "example of the chapter"), ((24, 33), "twice too large"),
        ((18, 18), f"a{BAR} = 18 is not right"), ((12, 15), "In which lines is b used"),
        ((12, 18), "In which lines is b used"), ((12, 3), f"b{BAR} = 3 is not right"),
        ((9, 18), "how many places"), ((4, 7), "same factor"), ((12, 30), "In which lines is b"),
        ((3, 12), "how many places"), ((5, 21), "a has one arrow"), ((-12, -21), "sign"),
        ((12.002, 21), "its step leaves a remainder"), ((12, 21.008), "its step leaves"),
        ((12.02, 21.08), "its step leaves"), ((12, 21.0001), "its step leaves"),
        ((0, 0), "how many places"), ((None, 21), f"a{BAR} is None"),
        (("12", 21), f"a{BAR} is a str"), (([12, 21], 0), f"a{BAR} is a list"),
        ((12, sp.Symbol("b")), f"b{BAR} is a Symbol"),
        ((12,), "takes 2 answers: (a_bar, b_bar). You gave 1"), (([12, 21],), "You gave 1"),
    ],
    ex.check_fewest: [
        (((50890, 3, 20),), "forward sweeps only"), (((1, 1000, 30),), "backward sweeps only"),
        (((50890, 1000, 30),), "more sweeps"), (((50890, 3000, 600),), "numbers of derivatives"),
        (((50891, 1003, 50),), "One direction alone"),
        (((1, 3, 30),), "Task 3: fewer sweeps are enough"),
        (((1, 1, 20),), "Task 2: so few"), (((1, 1, 1),), "Tasks 2, 3: so few"),
        (((0, 3, 20),), "Task 1: so few"), (((50890, 3, 30),), "Tasks 1, 3: fewer"),
        (((3, 1, 20),), "Task 2: so few sweeps do not give every derivative. Task 1: fewer"),
        (((1, 3, float("nan")),), "Task 3:"), (((1, 3),), "three numbers"),
        ((20,), "three numbers"), ((None,), "three numbers"), (("1, 3, 20",), "three numbers"),
        (((2, 4, 21),), "Tasks 1, 2, 3: fewer"), ((1, 3, 20), "takes one answer"),
    ],
    ex.check_unit: [
        ((1.152, 0.24, -0.4), "All three are half"), ((4.608, 0.96, -1.6), "All three are twice"),
        ((2.88, 0.6, -1), "How fast does L follow e"), ((3.6, 0.48, -0.8), "slope is missing"),
        ((1.8, 0.24, -0.4), f"lack an arrow, and {W1} lacks a slope"),
        ((2.16, 0.48, -0.8), "not its value"), ((1.44, 0.48, -0.8), "square is missing"),
        ((0.864, 0.48, -0.8), "sigmoid"), ((1.87, 0.48, -0.8), "not of z"),
        ((0.768, 0.48, -0.8), f"{W1} lacks a factor. In w₁"),
        ((0.177, 0.48, -0.8), f"{W1} has the wrong factor. In w₁"),
        ((1.536, 0.48, -0.8), f"{W1} lacks a factor. In r"),
        ((0.9216, 0.48, -0.8), f"{W1} has the wrong factor. In r"),
        ((0.512, 0.48, -0.8), "lacks two factors"),
        ((2.304, 1.2, -0.8), f"{W2} has the wrong factor"),
        ((2.304, 0.8, -0.8), f"{W2} lacks a factor"),
        ((2.304, 0.3072, -0.8), "w₂ does not pass through tanh"),
        ((2.304, 0.48, 0.8), "slope -1"), ((-2.304, -0.48, 0.8), "must belong to the same one"),
        ((-2.304, -0.48, -0.8), "Two signs"), ((2.304, 0.48, 0), "depends on t"),
        ((2.304, 0.48, -1), "not yet an adjoint"), ((2.304, 0.48, -1.6), "is twice too large"),
        ((2.304, 0.48, -0.4), "half of what"),
        ((4.608, 0.96, -0.8), "The other two are twice too large"),
        ((1.152, 0.24, -0.8), "The other two are half"),
        ((4.608, 0.48, -0.8), f"{W1} is twice too large"),
        ((1.152, 0.48, -0.8), f"{W1} is half"),
        ((0.48, 2.304, -0.8), "changed places"), ((0.231, 1.5, 0.5), "the values"),
        ((2.3041, 0.4801, -0.7999), "at least three digits"), ((4, 4, 4), "five lines"),
        ((2.304, 0.482, -0.8), "its step leaves"), ((0, 0, 0), "five lines"),
        ((2.304, 0.48, None), f"t{BAR} is None"),
        ((2.3, 0.5, -0.8), f"{W2} = 0.5 is not right"),
        ((3.072, 1.024, -0.8), f"{W1} = 3.072 is not right"),
        ((2.304, 0.25, -0.8), f"{W2} = 0.25 is not right. Write the five lines"),
        ((2.304, 0.48), "takes 3 answers: (w1_bar, w2_bar, t_bar). You gave 2"),
    ],
}  # fmt: skip


def test_the_expected_values_are_derivatives():
    assert list(gradcheck.complex_step(y, np.array([1.0, 2.0]))) == pytest.approx([12, 21])
    assert list(gradcheck.complex_step(loss, UNIT)) == pytest.approx([2.304, 0.48, -0.8])


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)
    for expected in (2.304, 0.48) if check is ex.check_unit else ():
        assert str(expected) not in second


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


def counted_forward(steps, start):
    count = Counter({start: 1})
    for node, arrows in steps:
        if node != start:
            count[node] = sum(count[o] for o, _ in arrows)
    return count[steps[-1][0]]


def remembered(steps, start):
    before = dict(steps)

    @cache
    def lead_to(node):
        return 1 if node == start else sum(lead_to(o) for o, _ in before.get(node, []))

    return lead_to(steps[-1][0])


def in_floats(steps, start):
    return swept(steps, {steps[-1][0]: 1.0}, lambda s: 1)[start]


def in_integers_of(kind):
    def counted(steps, start):
        with np.errstate(over="ignore"):
            found = defaultdict(lambda: kind(0), {steps[-1][0]: kind(1)})
            for node, arrows in reversed(steps):
                for o, _ in arrows:
                    found[o] += found[node]
        return found[start]

    return counted


def replaced(steps, start):
    count = Counter({steps[-1][0]: 1})
    for node, arrows in reversed(steps):
        for o, _ in arrows:
            count[o] = count[node]
    return count[start]


def walked(steps, start):
    """Walk along every path: slow, and right for small graphs."""
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


def a_sweep_for_each(steps, seeds):
    """One sweep for each seed: the right numbers, and slow."""
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


def reset(steps, seeds):
    """A seed takes the place of the shares that came before."""
    found = defaultdict(float)
    for name, arrows in reversed(steps):
        found[name] = seeds.get(name, found[name])
        for operand, s in arrows:
            found[operand] += found[name] * s
    return found


def seeded_late(steps, seeds):
    found = swept(steps, {})
    for name, seed in seeds.items():
        found[name] += seed
    return found


def one_more(steps, seeds):
    last = steps[-1][0]
    return swept(steps, seeds | {last: seeds.get(last, 0) + 1})


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


def by_kahn(parents, count=set):
    """Take away nodes without parents; with ``count=list``, wrong where a parent repeats."""
    waiting = {node: len(count(found)) for node, found in parents.items()}
    ready, found = deque(n for n in parents if not waiting[n]), []
    while ready:
        node = ready.popleft()
        found.append(node)
        for child in parents:
            if node in parents[child]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
    return found


def for_ever(parents):
    while parents:
        pass


def again_for_each_use(parents):
    found = []

    def visit(node):
        for parent in parents[node]:
            visit(parent)
        found.append(node)

    for node in parents:
        visit(node)
    return found


def along_every_path(parents):
    """Put each node down once, but walk to it along every path."""
    found = []

    def visit(node):
        for parent in parents[node]:
            visit(parent)
        if node not in found:
            found.append(node)

    for node in parents:
        visit(node)
    return found


def by_levels(parents):
    """Go back level by level, and put each node down where it is first met."""
    used = {parent for found in parents.values() for parent in found}
    found = [node for node in parents if node not in used]
    waiting = deque(found)
    while waiting:
        for parent in parents[waiting.popleft()]:
            if parent not in found:
                found.append(parent)
                waiting.append(parent)
    return found[::-1]


def emptied(parents):
    found = order(parents)
    parents.clear()
    return found


RIGHT_FUNCTIONS = {
    ex.check_paths: [paths, counted_forward, remembered, in_floats],
    ex.check_order: [
        order,
        by_layers,
        by_kahn,
        lambda p: list(TopologicalSorter(p).static_order()),
        lambda p: tuple(order(dict(reversed(p.items())))),
    ],
    ex.check_seeded: [seeded, seeded_dict, lambda s, seeds: dict(sorted(seeded(s, seeds).items()))],
}
WRONG_FUNCTIONS = {
    ex.check_paths: [
        (lambda s, x: swept(s, {s[-1][0]: 1})[x], "the derivative. Which slopes"),
        (lambda s, x: sum(len(a) for _, a in s), "These are arrows"),
        (lambda s, x: sum(o == x for _, a in s for o, _ in a), "leave the start"),
        (lambda s, x: len(s), "These are the lines"),
        (lambda s, x: paths([(n, list(dict(a).items())) for n, a in s], x), "are two paths"),
        (lambda s, x: swept(s, dict.fromkeys([x, *dict(s)], 1), lambda _: 1)[x], "to any node"),
        (walked_to_any_end, "do not end at the last node"),
        (replaced, "replaces the one before"),
        (lambda s, x: paths(s[::-1] + s[-1:], x), "not right"),
        (lambda s, x: swept(s[::-1], {s[-1][0]: 1}, lambda _: 1)[x], "wrong direction"),
        (walked, "walks along the paths"),
        (lambda s, x: paths(s, x) - 1, "not right"),
        (lambda s, x: paths(s, x) + 1, "not right"),
        (lambda s, x: 2 * paths(s, x), "not right"),
        (lambda s, x: 2 ** len(s), "not right"),
        (in_integers_of(np.int64), "overflowed"),
        (in_integers_of(np.int32), "overflowed"),
        (lambda s, x: None, "is a return missing"),
        (lambda s, x: swept(s, {s[-1][0]: 1}, lambda _: 1), "expected a number"),
        (lambda s: 3, "2 arguments: (steps, start)"),
        (3, "without calling it"),
    ],
    ex.check_order: [
        (lambda p: order(p)[::-1], "order is reversed"),
        (lambda p: order(p)[1:], "nodes are missing"),
        (lambda p: [*order(p), order(p)[0]], "more than once"),
        (again_for_each_use, "more than once"),
        (lambda p: by_kahn(p, list), "same parent twice"),
        (for_ever, "For three to seven nodes it is still running"),
        (along_every_path, "it walks along every path"),
        (lambda p: [*order(p), "z"], "not one of the nodes"),
        (lambda p: list(p), "order in which they were given"),
        (sorted, "before one of its parents"),
        (lambda p: sorted(p, key=lambda n: len(p[n])), "before one of its parents"),
        (by_levels, "level by level"),
        (lambda p: by_levels(p)[::-1], "reversed"),
        (lambda p: [], "nodes are missing"),
        (lambda p: None, "is a return missing"),
        (lambda p: set(order(p)), "Return a list"),
        (lambda p: iter(order(p)), "Return a list"),
        (lambda p, q: order(p), "one argument: (parents)"),
        (lambda p: "x", "Return a list"),
        (emptied, "changed its argument"),
        (lambda p: p["nothing"], "KeyError"),
        (3, "without calling it"),
    ],
    ex.check_seeded: [
        (lambda s, seeds: swept(s, {s[-1][0]: 1.0}), "seeds make no difference"),
        (
            lambda s, seeds: swept(s, {s[-1][0]: seeds.get(s[-1][0], 0)}),
            "Only the last node's seed",
        ),
        (lambda s, seeds: swept(s, {s[-1][0]: 1.0} | seeds), "that no seed asks for"),
        (lambda s, seeds: swept(s, seeds, lambda slope: 1.0), "slopes make no difference"),
        (lambda s, seeds: swept(s, seeds | {s[-1][0]: 1.0}), "from 1 instead of its seed"),
        (lambda s, seeds: swept(s, dict.fromkeys(seeds, 1.0)), "sizes of the seeds"),
        (overwritten, "replaces what its node had before"),
        (reset, "A seed replaces the shares"),
        (seeded_late, "before the sweep starts"),
        (one_more, "1 more than its seed"),
        (a_sweep_for_each, "One sweep is enough"),
        (lambda s, seeds: {k: abs(v) for k, v in swept(s, seeds).items()}, "sign is lost"),
        (lambda s, seeds: {k: swept(s, seeds)[k] for k in "ab"}, "adjoints of s, y and u should"),
        (lambda s, seeds: tuple(swept(s, seeds)[k] for k in "ab"), "returned a tuple"),
        (changes, "changed its argument"),
        (lambda s, seeds: {}, "should be in what it returns"),
        (lambda s, seeds: swept(s[::-1], seeds), "wrong direction"),
        (lambda s, seeds: None, "is a return missing"),
        (lambda s, seeds: swept(s, {k: -v for k, v in seeds.items()}), "Only the sign"),
        (lambda s, seeds: {k: 2 * v for k, v in swept(s, seeds).items()}, "same factor"),
        (lambda s: 3, "2 arguments: (steps, seeds)"),
        (3, "without calling it"),
    ],
}


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("check", WRONG_FUNCTIONS)
def test_functions_are_tried_as_often(check):
    assert len(WRONG_FUNCTIONS[check]) >= 10 and len(RIGHT_FUNCTIONS[check]) >= 2


def test_counts_in_floats_are_praised_with_a_remark():
    assert "rounded" in ex.check_paths(in_floats).message
    assert "rounded" not in ex.check_paths(counted_forward).message


def test_the_ladder_has_as_many_paths_as_walking_finds():
    steps = ex.ladder(9)
    assert paths(steps, "x") == walked(steps, "x") == 55
