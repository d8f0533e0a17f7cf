"""The checkers of "The tape": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import forward, gradcheck, graph, tape
from backprop.book.exercises import the_tape as ex
from backprop.book.recording import recorded_steps


def loop(x):
    r = 1
    while r < 10:
        r = r * x + 1
    return r


BRANCHES = [
    (lambda x: x if x > 0 else -1 * x, 0.0),
    (lambda x: x if x != 0 else 0 * x, 0.0),
    (lambda x: x * x if x > 1 else 3 * x, 1.0),
]


def norm_vjp(g, a, x):
    return g * x / a


def cost(n):
    return 3 * (n - 1)


# The page's tape in short.


class Number:
    def __init__(self, value, tape, arrows=()):
        self.value, self.tape, self.place = value, tape, len(tape)
        tape.append(arrows)

    def __add__(self, other):
        return write(self.value + plain(other), [(self, 1), (other, 1)])

    def __mul__(self, other):
        return write(self.value * plain(other), [(self, plain(other)), (other, self.value)])

    def __lt__(self, other):
        return self.value < plain(other)

    def __gt__(self, other):
        return self.value > plain(other)

    def __eq__(self, other):
        return self.value == plain(other)

    __radd__, __rmul__, __hash__ = __add__, __mul__, None


def plain(x):
    return x.value if isinstance(x, Number) else x


def write(value, slopes):
    slopes = [(x, s) for x, s in slopes if isinstance(x, Number)]
    return Number(value, slopes[0][0].tape, [(x.place, s) for x, s in slopes])


def sweep(y):
    adjoint = [0.0] * len(y.tape)
    adjoint[y.place] = 1.0
    for place in reversed(range(y.place + 1)):
        for operand, slope in y.tape[place]:
            adjoint[operand] += adjoint[place] * slope
    return adjoint


def gradient(f, *inputs):
    lines = []
    y = f(*[Number(x, lines) for x in inputs])
    return sweep(y)[: len(inputs)] if isinstance(y, Number) else [0.0] * len(inputs)


def hessian(f, *inputs):
    return [gradient(lambda *u, i=i: gradient(f, *u)[i], *inputs) for i in range(len(inputs))]


def careless(f, *inputs):
    """Forget that a slope may be a plain number."""

    def row(g):
        lines = []
        return sweep(g(*[Number(x, lines) for x in inputs]))[: len(inputs)]

    return [row(lambda *u, i=i: gradient(f, *u)[i]) for i in range(len(inputs))]


def late(f, *inputs):
    """Let each row look up i when the loop is over."""
    rows = []
    for i in range(len(inputs)):
        rows.append(lambda *u: gradient(f, *u)[i])  # noqa: B023
    return [gradient(row, *inputs) for row in rows]


def quotients(f, *inputs):
    units = 1e-4 * np.eye(len(inputs))
    u = np.array(inputs)
    rows = [(np.array(gradient(f, *(u + h))) - gradient(f, *(u - h))) / 2e-4 for h in units]
    return np.array(rows) + 1e-9


def by_package(f, *inputs):
    x = np.array(inputs)
    return [forward.hvp(lambda x: f(*x), x, unit) for unit in np.eye(x.size)]


def segments(step, x, steps, every):
    kept = []
    r = x
    for k in range(steps):
        if k % every == 0:
            kept.append(r)
        r = step(r)
    adjoint = 1.0
    for k, start in reversed(list(enumerate(kept))):
        r = first = Number(start, [])
        for _ in range(min(every, steps - k * every)):
            r = step(r)
        adjoint *= sweep(r)[first.place]
    return adjoint


def segments_by_package(step, x, steps, every, keep=None):
    starts, r = {}, np.float64(x)
    for k in range(steps):
        if k % (keep or every) == 0:
            starts[k] = r
        r = step(r)
    adjoint = 1.0
    for k in reversed(range(0, steps, every)):

        def part(r, k=k):
            for _ in range(min(every, steps - k)):
                r = step(r)
            return r

        adjoint *= tape.grad(part)(starts[k])
    return adjoint


def keep_all(step, x, steps, every):
    """Keep every value, and write a tape for each step."""
    kept = []
    for _ in range(steps):
        kept.append(x)
        x = step(x)
    return np.prod([sweep(step(Number(r, [])))[0] for r in kept])


def overlong(step, x, steps, every):
    return segments(step, x, -(-steps // every) * every, every)


def whole(step, x, steps, every):
    r = first = Number(x, [])
    for _ in range(steps):
        r = step(r)
    return sweep(r)[first.place]


def from_the_start(step, x, steps, every):
    adjoint = 1.0
    for k in reversed(range(0, steps, every)):
        r = x
        for _ in range(k):
            r = step(r)
        r = first = Number(r, [])
        for _ in range(min(every, steps - k)):
            r = step(r)
        adjoint *= sweep(r)[first.place]
    return adjoint


def parts(step, x, steps, every, *, reset=False, drop=False):
    found, r = [], x
    for k in range(0, steps, every):
        n = min(every, steps - k)
        if drop and n < every:
            break
        r = first = Number(x if reset else plain(r), [])
        for _ in range(every if reset else n):
            r = step(r)
        found.append(sweep(r)[first.place])
    return found


def value(step, x, steps, every):
    for _ in range(steps):
        x = step(x)
    return x


def formula(step, x, steps, every):
    """Cheat: write no tape at all."""
    product = 1.0
    for _ in range(steps):
        product *= 1 + 0.2 * x
        x = step(x)
    return product


RIGHT = {
    ex.check_run: [(6, 17), (6.0, Fraction(17)), (sp.Integer(6), np.float64(17.0)),
                   (len(recorded_steps(loop, 2.0)), tape.grad(loop)(2.0))],
    ex.check_branches: [([-1, 0, 3],), ((-1.0, 0.0, 3.0),), (np.array([-1, 0, 3]),),
                        ([Fraction(-1), sp.Integer(0), 3],)],
    ex.check_divide: [(lambda x, y: (1 / y, -x / y**2),), (lambda x, y: [1 / y, -(x / y) / y],),
                      (lambda x, y: np.array([1.0, -x / y]) / y,)],
    ex.check_norm_vjp: [(norm_vjp,), (lambda g, a, x: x * (g / a),)],
    ex.check_product_cost: [(cost,), (lambda n: 3 * n - 3,), (lambda n: (n - 1) + 2 * (n - 1),)],
    ex.check_hessian: [(hessian,), (by_package,), (lambda f, *u: np.array(hessian(f, *u)),)],
    ex.check_segments: [(segments,), (segments_by_package,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_run: [
        ((17, 6), "lines come first"), ((3, 17), "iterations, not lines"), ((7, 17), "The input"),
        ((6, 15), "is the value"), ((4, 5), "one iteration too few"),
        ((8, 49), "one iteration too many"),
        ((6, 7), "last iteration alone"), ((6, 4), "first iteration alone"),
        ((6, 11), "not yet shares"),
        ((6, -17), "not right"), ((5, 17), "1 · x is a product too"), ((0, 0), "How often"),
        ((6, 16), "x receives a share"),
        ((7, 18), "line of the input"), ((3, 7), "each time"),
        ((6, 13), "one iteration is missing"), ((6, 10), "one iteration is missing"),
        ((6, 14), "lacks the adjoint"), ((2, 3), "How often"), ((8, 17), "How often"),
        ((6, 12), "slope of x³ alone"), ((9, 17), "no line"),
        ((6, 17.007), "difference quotient"), ((None, 17), "expected numbers"),
        (("6", 17), "expected numbers"), (([6], 17), "expected numbers"),
    ],
    ex.check_branches: [
        (([1, 0, 3],), "Program 1: this is the branch that did not run"),
        (([0, 0, 3],), "Program 1: a tape does not take the mean"),
        (([-1, 1, 3],), "Program 2: this is the slope of the function"),
        (([-1, 0.5, 3],), "Program 2: a tape does not"),
        (([-1, 0, 2],), "Program 3: this is the b"),
        (([-1, 0, 2.5],), "Program 3: a tape"), (([-1, 0, 1],), "a value, and not a slope"),
        (([1, 1, 2],), "Program 1: this is the branch that did not run. Program 2"),
        (([-2, 0, 3],), "Program 1: not what the tape"), (([-1, -1, 3],), "Program 2: not what"),
        (([-1, 0, np.nan],), "Program 3: not what"), (([-1, 0],), "three numbers"),
        ((-1,), "three numbers"), ((None,), "three numbers"), (("abc",), "three numbers"),
    ],
    ex.check_divide: [
        ((lambda x, y: (-x / y**2, 1 / y),), "comes first"),
        ((lambda x, y: (1 / y, x / y**2),), "sign of the second"),
        ((lambda x, y: (1 / y, -1 / y**2),), "lacks a factor"),
        ((lambda x, y: (1 / y, 1 / y**2),), "a factor and a sign"),
        ((lambda x, y: (1 / y, -x / y),), "lacks a factor"),
        ((lambda x, y: (1 / y, 1 / x),), "not a slope"),
        ((lambda x, y: (1 / y, x),), "not a slope"),
        ((lambda x, y: (y, x),), "of a product"), ((lambda x, y: (1, -1),), "of a difference"),
        ((lambda x, y: (x / y, -x / y**2),), "a factor too many"),
        ((lambda x, y: x / y,), "two slopes"), ((lambda x, y: 1 / y,), "from y is missing"),
        ((lambda x, y: (1 / y, -x * y**2),), "not right"), ((lambda x, y: None,), "return missing"),
        ((lambda x, y: (1 / x, -y / x**2),), "of y / x"),
        ((lambda x, y: (1 // y, -x // y**2),), "drops the fraction"),
        ((lambda x: 1 / x,), "with 2 arguments: (x, y)"), ((3,), "without calling it"),
    ],
    ex.check_norm_vjp: [
        ((lambda g, a, x: x / a,), "g is missing"),
        ((lambda g, a, x: 2 * g * x,), "root has a slope"),
        ((lambda g, a, x: 2 * g * x / a,), "2 too many"),
        ((lambda g, a, x: g * x / (2 * a),), "2 is missing"),
        ((lambda g, a, x: g * x,), "slope of the root"), ((lambda g, a, x: g * a,), "shape of x"),
        ((lambda g, a, x: g / (2 * a),), "go on to x"),
        ((lambda g, a, x: g * x / np.linalg.norm(x),), "computed again"),
        ((lambda g, a, x: -g * x / a,), "sign"), ((lambda g, a, x: g * np.sign(x),), "Σ |x|"),
        ((lambda g, a, x: g / a,), "shape ()"), ((lambda g, a, x: g * x / a**2,), "twice"),
        ((lambda g, a, x: np.sum(g * x / a),), "added up"),
        ((lambda g, x, a: g * x / a,), "order (g, a, x)"),
        ((lambda g, a, x: None,), "return missing"), ((lambda g, a, x: np.zeros(7),), "shape"),
        ((3,), "without calling it"),
    ],
    ex.check_product_cost: [
        ((lambda n: 2 * (n - 1),), "sweep alone"), ((lambda n: n - 1,), "run alone"),
        ((lambda n: n * (n - 1),), "from the beginning"),
        ((lambda n: (2 * n + 1) * (n - 1),), "forward sweeps"),
        ((lambda n: 3 * n,), "fewer products"),
        ((lambda n: 2 * n,), "the run multiplies"), ((lambda n: 5 * (n - 1),), "sums too"),
        ((lambda n: 4 * n - 5,), "sums too"), ((lambda n: 3 * n - 4,), "adjoint 1"),
        ((lambda n: 3 * n - 5,), "adjoint 1"), ((lambda n: 4 * (n - 1),), "two arrows"),
        ((lambda n: 12,), "not right"), ((lambda n: 3 * n - 2,), "one multiplication less"),
        ((lambda n: n**2,), "not right"), ((lambda n: None,), "return missing"),
        ((lambda: 3,), "one argument: (n)"), ((3,), "without calling it"),
    ],
    ex.check_hessian: [
        ((gradient,), "This is the gradient"),
        ((lambda f, *u: np.diag(hessian(f, *u)),), "This is the diagonal"),
        ((lambda f, *u: np.diag(np.diag(hessian(f, *u))),), "mixed derivatives are missing"),
        ((lambda f, *u: np.triu(hessian(f, *u)),), "lower half"),
        ((lambda f, *u: np.outer(gradient(f, *u), gradient(f, *u)),), "Products of slopes"),
        ((lambda f, *u: np.sum(hessian(f, *u), axis=0),), "added up"),
        ((lambda f, *u: hessian(f, *u)[0],), "first row"),
        ((lambda f, *u: np.array(hessian(f, *u)) / 2,), "Half of each"),
        ((lambda f, *u: np.ravel(hessian(f, *u)),), "in one row"),
        ((careless,), "f = 2·a + b, 1.0, 2.0 it raised ValueError: a slope came out as a plain"),
        ((lambda f, *u: np.zeros((len(u), len(u))),), "not right"),
        ((lambda f, *u: -np.array(hessian(f, *u)),), "sign"),
        ((late,), "Every row is the last"), ((quotients,), "difference quotients"),
        ((lambda f, *u: None,), "return missing"), ((lambda f, *u: f.nothing,), "AttributeError"),
        ((3,), "without calling it"),
    ],
    ex.check_segments: [
        ((value,), "This is the value"), ((lambda *p: sum(parts(*p)),), "multiply"),
        ((lambda *p: parts(*p)[-1],), "last segment alone"),
        ((lambda *p: parts(*p)[0],), "first segment alone"),
        ((lambda *p: np.prod(parts(*p, drop=True)),), "last steps are missing"),
        ((lambda *p: np.prod(parts(*p, reset=True)),), "starts at the same value"),
        ((overlong,), "last segment is too long"),
        ((whole,), "where 3 are allowed"), ((from_the_start,), "steps were computed"),
        ((formula,), "no tape was written"),
        ((lambda *p: segments_by_package(*p, keep=1),), "23 values were kept"),
        ((keep_all,), "23 values were kept"), ((lambda *p: 2 * segments(*p),), "not right"),
        ((lambda *p: -segments(*p),), "sign"), ((lambda *p: None,), "return missing"),
        ((lambda step, x: 3,), "with 4 arguments"), ((3,), "without calling it"),
    ],
}  # fmt: skip


def test_the_expected_values_are_derivatives():
    assert len(recorded_steps(loop, 2.0)) == 6 and tape.grad(loop)(2.0) == 17
    reported = [float(tape.grad(lambda x, f=f: f(x) * 1.0)(at)) for f, at in BRANCHES]
    assert reported == [-1, 0, 3]
    assert [gradient(f, at)[0] for f, at in BRANCHES] == reported
    x = np.array([0.3, -1.2, 0.7])
    a = np.sqrt((x * x).sum())
    numeric = gradcheck.complex_step(lambda p: 2 * np.sqrt((p * p).sum()), x)
    assert np.allclose(norm_vjp(2.0, a, x), numeric, rtol=1e-12)
    lines = graph.Tape([np.float64(2.0)])
    assert isinstance(loop(graph.Variable(lines[0][2], lines, 0)), graph.Variable)


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
