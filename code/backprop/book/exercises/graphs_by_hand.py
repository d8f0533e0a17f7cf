"""Checkers of the chapter "Graphs by hand".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import Case, Verdict, checker, judge, judge_value, numbers

Answer = Callable[..., Any]
Arrows = list[tuple[str, float]]
Steps = list[tuple[str, Arrows]]


@checker
def check_sweep(a_bar: Any, b_bar: Any) -> Verdict:
    """Check the adjoints of y = t·b, t = s·s, s = a + b at a = 1, b = 2: 2sb = 12, 2sb + s² = 21.

    By a sweep: t receives b = 2; s receives 2·3 by each of its two arrows, so 12; a and b receive
    12 each from s, and b receives t = 9 from y as well.
    """
    arrows = "Draw the arrows first: two from s to t, and two that leave b."
    twice = "s is used twice in t = s · s: two arrows, each with the slope 3."
    mistakes = (
        ((21, 12), "The right numbers, but a comes first.", ""),
        ((6, 15), "One arrow is missing, from s.", twice),
        ((12, 12), "ā is right. One arrow is missing, from b.", "b is used in y = t · b as well."),
        ((12, 9), "ā is right. One arrow is missing, from b.", "b is used in s = a + b as well."),
        ((6, 6), "Two arrows are missing.", arrows),
        ((6, 9), "Two arrows are missing.", arrows),
        ((1, 2), "These are the inputs.", "Start with 1 at y, and go back."),
    )
    if not _alike(a_bar, 12) or _alike(b_bar, 21):
        more = arrows
    else:
        more = "a has one arrow, and b has two: to s and to y."
    praise = "Two arrows from s to its square, and two that leave b."
    return judge_value((a_bar, b_bar), Case((), [12, 21], mistakes, more), praise)


def _alike(answer: Any, value: float) -> bool:
    return bool(judge_value(answer, Case((), value)))


@checker
def check_fewest(sweeps: Any) -> Verdict:
    """Check the fewest sweeps for the whole derivative of 3 tasks: min(inputs, results) of each.

    A loss of 50,890 weights: 1. 3 angles of a camera to 1,000 pixels: 3. 20 inputs to 30 results:
    20.
    """
    sizes = ((50890, 1), (3, 1000), (20, 30))
    expected = np.array([min(pair) for pair in sizes])
    found = numbers(sweeps)
    if found is None or found.shape != (3,):
        return Verdict(False, "Hand over three numbers, in a list: one for each task.")
    per = "A forward sweep answers for one input, a backward sweep for one result."
    if np.array_equal(found, expected):
        return Verdict(True, "The smaller of the two numbers, each time.")
    if np.array_equal(found, [n for n, _ in sizes]):
        return Verdict(False, "These are forward sweeps only.", per)
    if np.array_equal(found, [m for _, m in sizes]):
        return Verdict(False, "These are backward sweeps only.", per)
    if np.array_equal(found, [max(pair) for pair in sizes]):
        return Verdict(False, "This is the dearer direction, each time.", per)
    if np.array_equal(found, [n * m for n, m in sizes]):
        return Verdict(False, "These are the numbers of derivatives.", per)
    wrong = [k + 1 for k in range(3) if found[k] != expected[k]]
    task = "Task" if len(wrong) == 1 else "Tasks"
    return Verdict(False, f"{task} {', '.join(map(str, wrong))}: not the fewest.", per)


@checker
def check_unit(w_bar: Any, b_bar: Any, t_bar: Any) -> Verdict:
    """Check L = e², e = wx + b - t at w = 2, x = 3, b = 1, t = 5: (2ex, 2e, -2e) = (12, 4, -4)."""
    twice = "e · e uses e twice: two arrows."
    mistakes = (
        ((6, 2, -2), "All three are half of what they should be.", twice),
        ((6, 2, 2), "Two things: a sign, and a factor that all three lack.", twice),
        (
            (24, 8, -8),
            "All three are twice too large.",
            "Two arrows of slope 2 lead to L, not four.",
        ),
        ((3, 1, -1), "This is how fast e changes. How fast does L follow e?", twice),
        ((12, 4, 4), "One sign is wrong.", "In e = s - t, the arrow from t has the slope -1."),
        ((-12, -4, 4), "All signs are wrong.", "e is s - t here, and not t - s."),
        ((12, -4, 4), "Two signs are wrong.", "Only one of the arrows has a negative slope."),
        ((8, 4, -4), "The first is wrong.", "In w · x, the arrow from w has the slope x."),
        ((4, 4, -4), "The first is wrong.", "In w · x, the arrow from w has the slope x."),
        (
            (12, 12, -12),
            "x belongs in one of the three only.",
            "b and t do not pass through w · x.",
        ),
        ((12, 12, -4), "The second is wrong.", "b does not pass through w · x."),
        ((12, 4, 0), "The loss depends on t as well.", "Its arrow has the slope -1."),
        ((12, 4, -1), "The third is a slope, and not yet an adjoint.", "What does e send to t?"),
        ((4, 12, -4), "The first two have changed places.", ""),
        ((2, 1, 5), "These are the values.", "Start with 1 at L, and go back."),
    )
    more = (
        "Write the four lines: p = w · x, s = p + b, e = s - t, L = e · e. What are their slopes?"
    )
    praise = "This is a unit of a network without its activation function, and its loss."
    return judge_value((w_bar, b_bar, t_bar), Case((), [12, 4, -4], mistakes, more), praise)


def squarings(n: int) -> Steps:
    """Return the lines of x squared n times, all slopes 1."""
    names = ["x", *(f"v{k}" for k in range(1, n + 1))]
    return [(new, [(old, 1.0), (old, 1.0)]) for old, new in pairwise(names)]


def ladder(n: int) -> Steps:
    """Return lines that each use the two values before them."""
    names = ["x", *(f"v{k}" for k in range(1, n + 1))]
    first: Steps = [("v1", [("x", 2.0)])]
    return first + [(names[k], [(names[k - 1], 3.0), (names[k - 2], 5.0)]) for k in range(2, n + 1)]


EXAMPLE: Steps = [
    ("u", [("a", 2.0), ("b", 3.0)]),
    ("s", [("a", 1.0), ("u", 1.0)]),
    ("y", [("u", 9.0), ("s", 6.0)]),
]
ASIDE: Steps = [*EXAMPLE[:2], ("unused", [("a", 4.0), ("a", 4.0)]), EXAMPLE[2]]


def back(
    steps: Steps, seeds: Mapping[str, float], slope: Callable[[float], float]
) -> defaultdict[str, float]:
    """Return all adjoints, from these seeds and with each slope turned into another number."""
    found = defaultdict(float, seeds)
    for name, arrows in reversed(steps):
        for operand, s in arrows:
            found[operand] += found[name] * slope(s)
    return found


def one(_: float) -> float:
    """Return 1, the slope that counts."""
    return 1.0


def same(slope: float) -> float:
    """Return the slope."""
    return slope


@checker
def check_paths(paths: Answer) -> Verdict:
    """Check ``paths(steps, start)``: the number of paths from a node to the last one.

    ``steps`` is a list of (node, [(operand, slope), ...]). A sweep with all slopes 1 counts them.
    """

    def case(steps: Steps, start: str) -> Case:
        end = {steps[-1][0]: 1.0}
        right = back(steps, end, one)[start]
        used = {operand for _, arrows in steps for operand, _ in arrows}
        ends = {name: 1.0 for name, _ in steps if name not in used}
        single = [(name, list(dict(arrows).items())) for name, arrows in steps]
        leaving = sum(operand == start for _, arrows in steps for operand, _ in arrows)
        mistakes = (
            (back(steps, end, same)[start], "This is the derivative.", "Which slopes would count?"),
            (
                sum(len(arrows) for _, arrows in steps),
                "These are arrows.",
                "They lie on many paths.",
            ),
            (leaving, "These are the arrows that leave the start.", "Follow each to the end."),
            (
                back(single, end, one)[start],
                "Two arrows between the same two nodes are two paths.",
                "A dict made of the arrows keeps only one of them.",
            ),
            (back(steps, ends, one)[start], "Some of these paths do not end at the last node.", ""),
            (len(steps), "These are the lines.", ""),
        )
        kept = [m for m in mistakes if m[0] != right]
        return Case(
            (steps, start), right, kept, "Which slopes turn a sum of products into a count?"
        )

    problems = [
        (EXAMPLE, "a"), (EXAMPLE, "b"), (ASIDE, "a"), (squarings(3), "x"), (ladder(7), "x"),
        (squarings(16), "x"),
    ]  # fmt: skip
    cases = [case(*problem) for problem in problems]
    return judge(paths, cases, "Does yours also take 60 squarings? A sweep does, at once.")


@checker
def check_order(order: Answer) -> Verdict:
    """Check ``order(parents)``: the nodes in a list, every one after all of its parents.

    ``parents`` maps each node to those that it is computed from. Any such order is right.
    """

    def fault(parents: Mapping[str, Sequence[str]]) -> int:
        found = order(parents)
        if not isinstance(found, Iterable) or isinstance(found, str):
            return 7
        found = list(found)
        if set(parents) - set(found):
            return 1
        if set(found) - set(parents):
            return 5
        if len(found) > len(parents):
            return 2
        back = [found.index(p) > found.index(node) for node in parents for p in parents[node]]
        if not any(back):
            return 0
        return 6 if found == list(parents) else 3 if all(back) else 4

    mistakes = (
        (1, "Some of the nodes are missing."),
        (2, "A node stands there once for each of its uses; it is computed once."),
        (3, "The order is reversed: every node stands before its parents."),
        (4, "Some edges point back: a node stands before one of its parents.",
         "Before a node is put down, all of its parents must be."),
        (5, "There is something in it that is none of the nodes."),
        (6, "These are the nodes in the order in which they were given.",
         "Before a node is put down, all of its parents must be."),
        (7, "Return a list of the nodes."),
    )  # fmt: skip
    graphs: list[dict[str, tuple[str, ...]]] = [
        {"x": (), "y": ("x",)},
        {"v": ("x",), "y": ("v", "w"), "w": ("v",), "x": ()},
        {"y": ("c", "a"), "c": ("b",), "b": ("a",), "a": ("x",), "x": (), "alone": ()},
    ]
    if not callable(order):
        return judge(order, [])
    for parents in graphs:
        # One at a time: an order may be wrong in several ways.
        verdict = judge(fault, [Case((parents,), 0, mistakes)])
        if not verdict:
            return verdict
    return Verdict(True, "Every node after its parents, and once.")


@checker
def check_seeded(backward: Answer) -> Verdict:
    """Check ``backward(steps, seeds)``: adjoints of the sum of seed times node, by one sweep.

    It returns a mapping; the inputs a and b are looked at, and the given mapping must stay as it
    was.
    """
    problems: list[tuple[Steps, dict[str, float]]] = [
        (EXAMPLE, {"y": 1.0}),
        (EXAMPLE, {"y": 2.0}),
        (EXAMPLE, {"s": 1.0}),
        (EXAMPLE, {"s": 3.0, "y": 2.0}),
        (EXAMPLE, {"u": -1.0, "y": 0.5}),
    ]

    def adjoints(steps: Steps, seeds: dict[str, float]) -> list[Any]:
        found = backward(steps, seeds)
        return [found[name] if name in found else 0.0 for name in ("a", "b")]

    def case(steps: Steps, seeds: dict[str, float]) -> Case:
        def at(seeds: Mapping[str, float]) -> list[float]:
            found = back(steps, seeds, same)
            return [found["a"], found["b"]]

        right = at(seeds)
        result = steps[-1][0]
        share = "A seed is the first share of its node: others are added to it."
        mistakes = (
            (
                at({result: 1.0}),
                "The seeds make no difference.",
                "Start from them, not from 1 at y.",
            ),
            (at({result: seeds.get(result, 0.0)}), "Only the last node's seed counts.", share),
            (at({result: 1.0} | seeds), "There is a 1 at the last node that nobody asked for.", ""),
            (at(dict.fromkeys(seeds, 1.0)), "The sizes of the seeds make no difference.", ""),
            ([0.0, 0.0], "Nothing arrives at a and b.", share),
        )
        return Case(
            (steps, seeds), right, mistakes, "A seed is a share that a node has from outside."
        )

    if not callable(backward):
        return judge(backward, [])
    cases = [case(*problem) for problem in problems]
    return judge(adjoints, cases, "One sweep for any weighted sum of nodes: a vjp.")
