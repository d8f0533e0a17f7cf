"""Checkers of the chapter "Graphs by hand".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Told,
    Verdict,
    alike,
    checker,
    judge,
    judge_value,
    limited,
    numbers,
)

Arrows = list[tuple[str, float]]
Steps = list[tuple[str, Arrows]]
BAR = "\N{COMBINING MACRON}"
NEAR = (
    "Close. If you rounded, give at least three digits. If it is a difference quotient, its step"
    " leaves a remainder; the sweep leaves none."
)
LINES = 200_000
"""A sweep over the largest graph here runs a few thousand lines of Python."""


def bars(names: str) -> list[str]:
    """Return the names of adjoints."""
    return [name + BAR for name in names]


@checker
def check_sweep(a_bar: Any, b_bar: Any) -> Verdict:
    """Check the adjoints of y = q·b, q = s·s, s = a + b at a = 1, b = 2: 2sb = 12, 2sb + s² = 21.

    By a sweep: q receives b = 2; s receives 2·3 by each of its two arrows, so 12; a and b receive
    12 each from s, and b receives q = 9 from y as well.
    """
    a_name, b_name = bars("ab")
    arrows = "Draw the graph first. In how many places is s used? And b?"
    twice = "s is used twice in q = s · s: two arrows, each with the slope 3."
    mistakes = (
        ((21, 12), f"The right numbers, but {a_name} comes first.", ""),
        ((6, 15), "One arrow is missing, from s.", twice),
        ((24, 33), f"s{BAR} is twice too large.", "Each of the two arrows from s has the slope s."),
        ((12, 12), f"{a_name} is right. One arrow is missing, from b.",
         "b is used in y = q · b as well."),
        ((12, 9), f"{a_name} is right. One arrow is missing, from b.",
         "b is used in s = a + b as well."),
        ((6, 6), "Two arrows are missing.", arrows),
        ((6, 9), "Two arrows are missing.", arrows),
        ((1, 2), "These are the inputs.", "Start with 1 at y, and go back."),
        ((36, 45), "These belong to the example of the chapter.", "Take the formula given here."),
    )  # fmt: skip
    more = arrows
    if alike(a_bar, 12):
        more = f"{a_name} is right. In which lines is b used? Each of them sends a share."
    elif alike(b_bar, 21):
        more = f"{b_name} is right. a has one arrow, to s."
    case = Case((), [12, 21], mistakes, more, (a_name, b_name), NEAR)
    praise = "Two arrows from s to its square, and two that leave b."
    return judge_value((a_bar, b_bar), case, praise)


@checker
def check_fewest(sweeps: Any) -> Verdict:
    """Check the fewest sweeps in one direction for 3 tasks: min(inputs, results) of each.

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
        return Verdict(False, "Each time this is the direction that needs more sweeps.", per)
    if np.array_equal(found, [n * m for n, m in sizes]):
        return Verdict(False, "These are the numbers of derivatives.", per)
    if np.array_equal(found, [n + m for n, m in sizes]):
        return Verdict(False, "One direction alone gives all the derivatives.", per)
    few = _tasks(found < expected, "so few sweeps do not give every derivative.")
    many = _tasks(~(found <= expected), "fewer sweeps are enough.")
    return Verdict(False, " ".join([*few, *many]), per)


def _tasks(which: Any, words: str) -> list[str]:
    numbered = ", ".join(str(k + 1) for k in range(len(which)) if which[k])
    return [f"Task{'s' if ',' in numbered else ''} {numbered}: {words}"] if numbered else []


@checker
def check_unit(w1_bar: Any, w2_bar: Any, t_bar: Any) -> Verdict:
    """Check L = e², e = w₂ tanh(w₁x) - t at w₁ = (ln 2)/3, x = 3, w₂ = 1.5, t = 0.5.

    There z = w₁x = ln 2, h = tanh z = 0.6, r = w₂h = 0.9 and e = 0.4. The sweep: e and r receive
    2e = 0.8, t then -0.8, w₂ 0.8 h = 0.48 and h 0.8 w₂ = 1.2; z, with the slope 1 - h² = 0.64,
    0.768, and w₁ x times that, 2.304.
    """
    x, w2, h, t = 3.0, 1.5, 0.6, 0.5
    e, z = w2 * h - t, math.log(2)

    def swept(
        sent: float = 2 * e, slope: float = 1 - h * h, by: float = x, through: float = w2
    ) -> list[float]:
        """The three adjoints if L sends so much to e, and these are the slopes below r."""
        return [sent * through * slope * by, sent * h, -sent]

    right = swept()
    twice = "e · e uses e twice: two arrows, each with the slope e."
    of_tanh = "The arrow from z to h = tanh z has the slope 1 - h²."
    first = "In w₁ · x, the arrow from w₁ has the slope x."
    second = "In r = w₂ · h, the arrow of each factor has the other factor as its slope."
    names = one_name, two_name, t_name = ("w₁" + BAR, "w₂" + BAR, "t" + BAR)
    others = f"{two_name} and {t_name} are right."
    mistakes = (
        (swept(e), "All three are half of what they should be.", twice),
        (swept(4 * e), "All three are twice too large.", twice),
        (swept(1), "This is how fast e changes. How fast does L follow e?", twice),
        (swept(slope=1), f"{others} A slope is missing from {one_name}.", of_tanh),
        (swept(e, 1), f"Two things: all three lack an arrow, and {one_name} lacks a slope.",
         f"{twice} {of_tanh}"),
        (swept(slope=h), f"{others} The slope of tanh is not its value.", of_tanh),
        (swept(slope=1 - h), f"{others} A square is missing in the slope of tanh.", of_tanh),
        (swept(slope=h * (1 - h)), f"{others} h(1 - h) is the slope of the sigmoid.", of_tanh),
        (swept(slope=1 - z * z), f"{others} The slope of tanh takes the square of h, not of z.",
         of_tanh),
        (swept(by=1), f"{others} {one_name} lacks a factor.", first),
        (swept(by=z / x), f"{others} {one_name} has the wrong factor.", first),
        (swept(through=1), f"{others} {one_name} lacks a factor.", second),
        (swept(through=h), f"{others} {one_name} has the wrong factor.", second),
        (swept(through=1, by=1), f"{others} {one_name} lacks two factors.", f"{first} {second}"),
        ([right[0], 2 * e * w2, right[2]], f"{two_name} has the wrong factor.", second),
        ([right[0], 2 * e, right[2]], f"{two_name} lacks a factor.", second),
        ([right[0], right[1] * (1 - h * h), right[2]], f"{two_name} is wrong.",
         "w₂ does not pass through tanh: its arrow leads to r."),
        ([*right[:2], 2 * e], "One sign is wrong.", "In e = r - t, the arrow from t has the slope"
         " -1."),
        ([-part for part in right], "All signs are wrong.", "Either e = r - t, with the slopes 1"
         " and -1, or e = t - r, with -1 and 1: the value and the slopes must belong to the same"
         " one."),
        ([-right[0], -right[1], right[2]], "Two signs are wrong.", "Only the arrow from t has a"
         " negative slope."),
        ([*right[:2], 0], "The loss depends on t as well.", "Its arrow has the slope -1."),
        ([*right[:2], -1], f"{t_name} is a slope here, and not yet an adjoint.",
         "What does e send to t?"),
        ([*right[:2], -4 * e], f"{one_name} and {two_name} are right. {t_name} is twice too"
         " large.", "What does e send to t?"),
        ([*right[:2], -e], f"{one_name} and {two_name} are right. {t_name} is half of what it"
         " should be.", twice),
        ([2 * right[0], 2 * right[1], right[2]], f"{t_name} is right. The other two are twice too"
         " large.", "Where does a factor 2 come in again, on the way from e to the weights?"),
        ([right[0] / 2, right[1] / 2, right[2]], f"{t_name} is right. The other two are half of"
         " what they should be.", "What e sends to t, it sends to r as well, except for the sign."),
        ([2 * right[0], *right[1:]], f"{others} {one_name} is twice too large.", first),
        ([right[0] / 2, *right[1:]], f"{others} {one_name} is half of what it should be.", first),
        ([right[1], right[0], right[2]], f"{one_name} and {two_name} have changed places.", ""),
        ([z / x, w2, t], "These are the values.", "Start with 1 at L, and go back."),
    )  # fmt: skip
    more = (
        "Write the five lines: z = w₁ · x, h = tanh z, r = w₂ · h, e = r - t, L = e · e. What are"
        " their slopes?"
    )
    praise = "This is backpropagation through two layers of a network and its loss."
    case = Case((), right, mistakes, more, names, NEAR)
    return judge_value((w1_bar, w2_bar, t_bar), case, praise)


def repeated(n: int, arrows: int) -> Steps:
    """Return n lines that each use the value before them in so many arrows, all slopes 1."""
    names = ["x", *(f"v{k}" for k in range(1, n + 1))]
    return [(new, [(old, 1.0)] * arrows) for old, new in pairwise(names)]


def ladder(n: int) -> Steps:
    """Return lines that each use the two values before them."""
    names = ["x", *(f"v{k}" for k in range(1, n + 1))]
    first: Steps = [("v1", [("x", 2.0)])]
    return first + [
        (names[k], [(names[k - 1], 0.75), (names[k - 2], 0.5)]) for k in range(2, n + 1)
    ]


EXAMPLE: Steps = [
    ("u", [("a", 2.0), ("b", 3.0)]),
    ("s", [("a", 1.0), ("u", 1.0)]),
    ("y", [("u", 9.0), ("s", 6.0)]),
]
ASIDE: Steps = [*EXAMPLE[:2], ("unused", [("a", 4.0), ("a", 4.0)]), EXAMPLE[2]]
DIFFERENCE: Steps = [("d", [("a", 1.0), ("b", -1.0)]), ("y", [("d", 3.0), ("b", -2.0)])]
"""y = (a - b) b at a = 1, b = 3."""


def called(steps: Steps) -> str:
    """Return what a message calls a graph."""
    if steps == EXAMPLE:
        return "the chapter's graph"
    if len(steps) < 5:
        return f"steps = {steps}"
    return f"a graph of {len(steps)} lines"


def back(
    steps: Steps, seeds: Mapping[str, float], slope: Callable[[float], float], keep: int = 1
) -> defaultdict[str, float]:
    """Return all adjoints, from these seeds and with each slope turned into another number.

    With ``keep`` 0, a share replaces those before it.
    """
    found = defaultdict(float, seeds)
    for name, arrows in reversed(steps):
        for operand, s in arrows:
            found[operand] = keep * found[operand] + found[name] * slope(s)
    return found


def one(_: float) -> int:
    """Return 1, the slope that counts."""
    return 1


def same(slope: float) -> float:
    """Return the slope."""
    return slope


def wrapped(count: int, bits: int) -> int:
    """Return what an integer of so many bits, one of them for the sign, makes of a count."""
    half: int = 2 ** (bits - 1)
    return (count + half) % (2 * half) - half


@checker
def check_paths(paths: Answer) -> Verdict:
    """Check ``paths(steps, start)``: the number of paths from a node to the last one.

    ``steps`` is a list of (node, [(operand, slope), ...]). A sweep with all slopes 1 counts them.
    """

    def case(steps: Steps, start: str) -> Case:
        end = {steps[-1][0]: 1}
        right = back(steps, end, one)[start]
        used = {operand for _, arrows in steps for operand, _ in arrows}
        ends = {name: 1 for name, _ in steps if name not in used}
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
                "A dict or a set made of the arrows keeps only one of them.",
            ),
            (back(steps, ends, one)[start], "Some of these paths do not end at the last node.", ""),
            (
                back(steps, dict.fromkeys([*used, *dict(steps)], 1), one)[start],
                "These are the paths to any node.",
                "Only the last node starts with 1.",
            ),
            (
                back(steps, end, one, keep=0)[start],
                "A new count replaces the one before it.",
                "Add it: a node has the paths of all the arrows that leave it.",
            ),
            (
                back(steps[::-1], end, one)[start],
                "The lines are read in the wrong direction.",
                "A node's count must be complete before it is passed on.",
            ),
            (len(steps), "These are the lines.", ""),
            *(
                (
                    wrapped(int(right), bits),
                    "The count overflowed: it is too large for NumPy's integers.",
                    "Python's own int, as in 1, has no limit.",
                )
                for bits in (32, 64)
            ),
        )
        kept = [m for m in mistakes if m[0] != right]
        more = "Which slopes turn a sum of products into a count?"
        return Case(
            (steps, start), right, kept, more, where=f"{called(steps)} and start = '{start}'"
        )

    problems = [
        (EXAMPLE, "a"), (EXAMPLE, "b"), (EXAMPLE, "u"), (ASIDE, "a"),
        (repeated(3, 2), "x"), (ladder(7), "x"), (repeated(60, 2), "x"), (repeated(40, 3), "x"),
    ]  # fmt: skip
    hint = (
        f"For 60 squarings it is still running after {LINES:,} lines of Python: it walks along the"
        " paths, one by one. Work with numbers of paths instead: how many lead on from a node, if"
        " you know how many lead on from each node that uses it?"
    )
    verdict = judge(
        limited(paths, LINES, hint) if callable(paths) else paths,
        [case(*problem) for problem in problems],
        "Every arrow was used once, however many paths there are.",
        "steps, start",
    )
    if verdict and paths(repeated(40, 3), "x") != 3**40:
        return Verdict(
            True, "Only the last digits of huge counts are rounded. Start with the integer 1"
            " instead of 1.0, and every digit is right.",
        )  # fmt: skip
    return verdict


def levels(before: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """Return how far each node is from the nearest node that has none before it."""
    found: dict[str, int] = {}
    level = [node for node in before if not before[node]]
    while level:
        found |= dict.fromkeys(level, max(found.values(), default=-1) + 1)
        level = [n for n in before if n not in found and any(p in level for p in before[n])]
    return found


@checker
def check_order(order: Answer) -> Verdict:
    """Check ``order(parents)``: the nodes in a list, every one after all of its parents.

    ``parents`` maps each node to those that it is computed from, twice where it uses one twice.
    Any such order is right.
    """
    if not callable(order):
        return judge(order, [])
    hint = f"For three to seven nodes it is still running after {LINES:,} lines of Python."
    again = (
        "Small graphs come out right. But for 60 squarings it is still running after"
        f" {LINES:,} lines of Python: it walks along every path. What need not be done twice?"
    )

    @wraps(order)
    def fault(parents: Mapping[str, Sequence[str]]) -> int:
        found = limited(order, LINES, hint if len(parents) < 10 else again)(parents)
        if found is None:
            return 8
        if not isinstance(found, list | tuple):
            return 7
        if set(parents) - set(found):
            return 1
        if set(found) - set(parents):
            return 5
        if len(found) > len(parents):
            return 2
        back = [found.index(p) > found.index(node) for node in parents for p in parents[node]]
        if not any(back):
            return 0
        if list(found) == list(parents):
            return 6
        users = {p: [node for node in parents if p in parents[node]] for p in parents}
        down, up = levels(parents), levels(users)
        walks = [down[node] for node in found], [up[node] for node in found[::-1]]
        return 3 if all(back) else 9 if any(walk == sorted(walk) for walk in walks) else 4

    before = "Before a node is put down, all of its parents must be."
    mistakes: list[tuple[int, str] | tuple[int, str, str]] = [
        (1, "Some of the nodes are missing."),
        (2, "Some nodes appear more than once. Each is computed once."),
        (3, "The order is reversed: every node stands before its parents."),
        (4, "A node stands before one of its parents.", before),
        (5, "Something in it is not one of the nodes."),
        (6, "These are the nodes in the order in which they were given.", before),
        (7, "Return a list of the nodes."),
        (8, "It returned None: is a return missing?"),
        (9, "A node stands before one of its parents, as if you had gone level by level.", before),
    ]
    graphs: list[dict[str, tuple[str, ...]]] = [
        {"x": (), "y": ("x",)},
        {"v": ("x",), "y": ("v", "w"), "w": ("v",), "x": ()},
        {"y": ("c", "a"), "c": ("b",), "b": ("a",), "a": ("x",), "x": (), "alone": ()},
    ]
    for parents in graphs:
        # One at a time: an order may be wrong in several ways.
        verdict = judge(fault, [Case((parents,), 0, mistakes)], arguments="parents")
        if not verdict:
            return verdict
    squared: dict[str, tuple[str, ...]] = {"y": ("v", "v"), "v": ("x", "x"), "x": ()}
    mistakes[0] = (1, "Some of the nodes are missing where a node has the same parent twice.")
    chain = {name: tuple(x for x, _ in arrows) for name, arrows in repeated(60, 2)[::-1]}
    for parents in (squared, chain | {"x": ()}):
        if not (verdict := judge(fault, [Case((parents,), 0, mistakes)])):
            return verdict
    return Verdict(True, "Every node after its parents, and once.")


@checker
def check_seeded(backward_from: Answer) -> Verdict:
    """Check ``backward_from(steps, seeds)``: adjoints of the sum of seed times node, by one sweep.

    It returns a mapping with the adjoint of every node that has one, and the mapping that it was
    given must stay as it was.
    """
    if not callable(backward_from):
        return judge(backward_from, [])
    problems: list[tuple[Steps, dict[str, float]]] = [
        (EXAMPLE, {"s": 3.0, "y": 2.0}),
        (EXAMPLE, {"y": 1.0}),
        (EXAMPLE, {"y": 2.0}),
        (EXAMPLE, {"s": 1.0}),
        (EXAMPLE, {"u": -1.0, "y": 0.5}),
        (DIFFERENCE, {"y": 1.0, "d": -4.0}),
        (ladder(300), {f"v{k}": 1.0 for k in range(1, 301)}),
    ]
    hint = (
        "Small graphs come out right. But for 300 seeds it is still running after"
        f" {LINES:,} lines of Python. Does it sweep once for each seed? One sweep is enough."
    )
    bounded = limited(backward_from, LINES, hint)

    @wraps(backward_from)
    def adjoints(steps: Steps, seeds: dict[str, float]) -> list[Any]:
        found = bounded(steps, seeds)
        if found is None:
            raise Told("It returned None: is a return missing?")
        if not isinstance(found, Mapping):
            raise Told(
                f"It returned a {type(found).__name__}. Return a dict that maps each node to its"
                " adjoint, as backward does."
            )
        right = back(steps, seeds, same)
        if missing := [name for name in right if name not in found and right[name]]:
            names = "adjoint of " + missing[0]
            if len(missing) > 1:
                names = f"adjoints of {', '.join(missing[:-1])} and {missing[-1]}"
            raise Told(f"The {names} should be in what it returns.")
        return [found[name] if name in found else 0.0 for name in right]

    def case(steps: Steps, seeds: dict[str, float]) -> Case:
        right = back(steps, seeds, same)

        def at(seeds: Mapping[str, float], steps: Steps = steps, keep: int = 1) -> list[float]:
            found = back(steps, seeds, same, keep)
            return [found[name] for name in right]

        result = steps[-1][0]
        share = "A seed is the first share of its node: others are added to it."
        reset: defaultdict[str, float] = defaultdict(float)
        for name, arrows in reversed(steps):
            reset[name] = seeds.get(name, reset[name])
            for operand, s in arrows:
                reset[operand] += reset[name] * s
        mistakes = (
            (
                at({result: 1.0}),
                "The seeds make no difference.",
                "Start from them, not from 1 at y.",
            ),
            (at({result: seeds.get(result, 0.0)}), "Only the last node's seed counts.", share),
            (at({result: 1.0} | seeds), "There is a 1 at the last node that no seed asks for.", ""),
            (
                at(seeds | {result: 1.0}),
                "The last node starts from 1 instead of its seed.",
                "Its seed is what it starts from, as for any other node.",
            ),
            (at(dict.fromkeys(seeds, 1.0)), "The sizes of the seeds make no difference.", ""),
            (
                at(seeds | {result: seeds.get(result, 0.0) + 1}),
                "The last node starts with 1 more than its seed.",
                "",
            ),
            (
                [seeds.get(name, 0.0) for name in right],
                "The seeds are not sent on.",
                "A seed must be there before the sweep starts.",
            ),
            ([reset[name] for name in right], "A seed replaces the shares of its node.", share),
            (at(seeds, keep=0), "A share replaces what its node had before.", share),
            (at(seeds, steps[::-1]), "The lines are read in the wrong direction.",
             "A node's adjoint must be complete before it is sent on."),
            (np.abs(at(seeds)), "A sign is lost.", ""),
            ([back(steps, seeds, one)[name] for name in right], "The slopes make no difference.",
             "A share is the adjoint times the slope of the arrow."),
        )  # fmt: skip
        kept = [m for m in mistakes if not np.array_equal(m[0], at(seeds))]
        names = [name + BAR for name in right]
        more = "A seed is a first share, which its node has before the sweep starts."
        where = f"{called(steps)} and seeds = {seeds if len(seeds) < 5 else 'all 1'}"
        return Case((steps, seeds), at(seeds), kept, more, names, where=where)

    cases = [case(*problem) for problem in problems]
    praise = "One sweep for any weighted sum of nodes: a vector-Jacobian product."
    return judge(adjoints, cases, praise, "steps, seeds")
