"""The checkers of "Gradients": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import gradcheck, tape
from backprop.book.exercises import gradients as ex

norm = np.linalg.norm


def f(p):
    return p[0] ** 2 * p[1] + p[1] ** 3


def gradient(p):
    return np.array([2 * p[0] * p[1], p[0] ** 2 + 3 * p[1] ** 2])


def jacobian(x, W, b):
    return W * (1 - np.tanh(x @ W + b) ** 2)


def steepest(g, order):
    if order == 2:
        return g / norm(g)
    if order == 1:
        return np.sign(g) * (np.arange(len(g)) == np.abs(g).argmax())
    return np.sign(g)


def all_that_tie(g, order):
    """All of the largest entries at once, each with a full step."""
    return np.sign(g) * (np.abs(g) == np.abs(g).max()) if order == 1 else steepest(g, order)


def shared(g, order):
    """Right: entries that tie share the step."""
    u = all_that_tie(g, order)
    return u / norm(u, order)


def one_at_a_time(g, order):
    """The same in another form: try the corners."""
    if order == 2:
        return (g / np.sqrt(g @ g)).tolist()
    n = len(g)
    if order == 1:
        corners = [*np.eye(n), *-np.eye(n)]
    else:
        corners = [2 * np.array(list(f"{k:0{n}b}"), float) - 1 for k in range(2**n)]
    return max(corners, key=lambda u: u @ g)


def trust(slope, M, share):
    return 2 * share * abs(slope) / M


def trust_solved(slope, M, share):
    h = sp.Symbol("h", positive=True)
    return sp.solve(M * h / 2 - share * abs(slope), h)[0]


def classify(H):
    w = np.linalg.eigvalsh(H)
    small = 1e-9 * abs(w).max()
    if w[0] < -small and w[-1] > small:
        return "saddle"
    if (abs(w) <= small).any():
        return "undecided"
    return "minimum" if w[0] > 0 else "maximum"


def classify_exactly(H):
    """By rounding the signs of a Hessian whose largest eigenvalue is 1."""
    w = np.linalg.eigvals(H).real
    signs = set(np.sign((w / (abs(w).max() or 1)).round(10) + 0.0))
    if {1.0, -1.0} <= signs:
        return "saddle"
    return {(1.0,): "minimum", (-1.0,): "maximum"}.get(tuple(signs), "undecided")


def no_tolerance(H):
    w = np.linalg.eigvals(H)
    if (w > 0).all():
        return "minimum"
    if (w < 0).all():
        return "maximum"
    return "saddle" if (w > 0).any() and (w < 0).any() else "undecided"


def by_diagonal(H):
    d = np.diag(H)
    return "minimum" if (d > 0).all() else "maximum" if (d < 0).all() else "saddle"


def zeros_first(H):
    w = np.linalg.eigvalsh(H).round(9)
    if (w == 0).any():
        return "undecided"
    return "minimum" if (w > 0).all() else "maximum" if (w < 0).all() else "saddle"


def by_determinant(H):
    d = np.linalg.det(H)
    if abs(d) < 1e-9:
        return "undecided"
    return "saddle" if d < 0 else "minimum" if H[0, 0] > 0 else "maximum"


def semidefinite(H):
    w = np.linalg.eigvalsh(H).round(9)
    return "minimum" if (w >= 0).all() else "maximum" if (w <= 0).all() else "saddle"


def coarse(H):
    w = np.linalg.eigvalsh(H)
    return classify(np.diag(np.where(abs(w) < 1e-3 * abs(w).max(), 0, w)))


def absolute(H):
    return classify(np.where(abs(H) < 1e-6, 0, H))


def by_sum(H):
    return "minimum" if np.trace(H) > 0 else "maximum" if np.trace(H) < 0 else "saddle"


def changes(H):
    kind = classify(H)
    H[:] = 0
    return kind


RIGHT = {
    ex.check_gradient: [
        (gradient,), (tape.grad(f),), (lambda p: gradcheck.complex_step(f, p),),
        (lambda p: [2 * p[0] * p[1], p[0] ** 2 + 3 * p[1] ** 2],),
    ],
    ex.check_half_slope: [(60,), (60.0,), (np.degrees(np.arccos(0.5)),), (sp.Integer(60),),
                          (Fraction(180, 3),)],
    ex.check_forecast: [
        (0.48, 0.538, 0.067), (Fraction(12, 25), sp.Rational(269, 500), Fraction(67, 1000)),
        (1 - 0.52, 0.48 + 11.6 / 200, 13.4 / 200),
    ],
    ex.check_classify: [(classify,), (classify_exactly,)],
    ex.check_jacobian: [
        (jacobian,),
        (lambda x, W, b: tape.jacobian(lambda x: np.tanh(x @ W + b))(x).T,),
        (lambda x, W, b: W @ np.diag(1 / np.cosh(x @ W + b) ** 2),),
    ],
    ex.check_steepest: [(steepest,), (one_at_a_time,), (shared,)],
    ex.check_trust: [(trust,), (trust_solved,)],
    ex.check_ways: [(27, 18, 115), (27.0, sp.Integer(18), Fraction(115))],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_gradient: [
        ((lambda p: gradient(p)[::-1],), "θ₁ comes first"),
        ((lambda p: -gradient(p),), "downhill"),
        ((lambda p: gradient(p).sum(),), "Keep them apart"),
        ((lambda p: np.array([2 * p[0] * p[1], 3 * p[1] ** 2]),), "θ₁² θ₂ as well"),
        ((lambda p: np.array([2 * p[0] * p[1], p[0] ** 2 + p[1] ** 2]),), "cubed"),
        ((lambda p: np.array([2 * p[0], p[0] ** 2 + 3 * p[1] ** 2]),), "lacks a factor"),
        ((lambda p: np.array([2 * p[0], 3 * p[1] ** 2]),), "Two terms"),
        ((lambda p: np.array([2 * p[0] * p[1] + p[1] ** 3, p[0] ** 2 + 3 * p[1] ** 2]),),
         "a term too many"),
        ((lambda p: gradient(p) / norm(gradient(p)),), "has the length 1"),
        ((f,), "value of f"),
        ((lambda p: gradient(p)[:, None],), "shape (2, 1)"),
        ((lambda p: 2 * gradient(p),), "same factor"),
        ((lambda p: gradient(p) + np.array([0, 0.001]),), "a plain number"),
        ((lambda p: None,), "return missing"),
        ((lambda p: p.fill(0),), "changed its argument"),
        ((gradient(np.array([1.0, 2.0])),), "without calling it"),
    ],
    ex.check_half_slope: [
        ((45,), "not half of the slope"), ((30,), "sine"), ((120,), "goes down"),
        ((np.pi / 3,), "Degrees"), ((np.pi / 6,), "Degrees"), ((np.pi / 4,), "Degrees"),
        ((90,), "is zero"), ((0,), "steepest"), ((180,), "straight down"), ((0.5,), "the cosine"),
        ((1.05,), "Degrees"), ((300,), "shorter way"), ((59,), "not right"), ((-60,), "no sign"),
        ((240,), "goes down"),
        ((None,), "None"), (("60",), "expected a number"), (([60],), "shape (1,)"),
    ],
    ex.check_forecast: [
        ((0.48, 0.596, 0.067), "missing in the second forecast"),
        ((0.48, 0.596, 0.134), "same slip"), ((0.48, 0.538, 0.134), "missing in the bound"),
        ((0.48, 0.5188, 0.067), "u₁u₂"), ((0.48, 0.5284, 0.067), "H₁₂u₁u₂"),
        ((0.48, 1.06, 0.067), "not squared"),
        ((0.48, 0.058, 0.067), "correction only"), ((-0.52, 0.058, 0.067), "changes"),
        ((1.52, 1.578, 0.067), "leads down"), ((0.48, 0.422, 0.067), "wrong sign"),
        ((0.48, 0.538, 0.67), "h is squared"), ((0.48, 0.538, 1.34), "power of h"),
        ((0.5, 0.5, 0.5), "Begin with"), ((0.3, 0.538, 0.067), "Begin with"),
        ((0.48, 0.55, 0.067), "entries are"), ((0, 0, 0), "Begin with"),
        ((0.48, 0.5405, 0.067), "the loss itself"), ((0.48, None, 0.067), "expected numbers"),
        (("0.48", 0.538, 0.067), "expected numbers"),
        ((0.48, 0.538, 0.058), "largest on the walk"), ((0.48, 0.538, -0.067), "a size"),
        ((0.48, 0.538, 0.0335), "The bound is half of h²"), ((0.48, 0.538, 0.07), "The bound ="),
        ((0.4, 0.458, 0.067), "changed places"), ((1.52, 0.538, 0.067), "Both slopes"),
        ((-0.52, -0.462, 0.067), "is a change"), ((0.52, 0.538, 0.067), "Which loss"),
        ((-4.2, -4.142, 0.067), "h times the slope"),
        ((0.48, 0.547, 0.067), "entries are"), ((0.48, 0.596, 0.058), "half of h²"),
        ((0.48, 0.538, 0.547), "bounds the loss"), ((0.48, 0.538, 0.052), "promised change"),
        ((0.48, 0.538, 0.0605), "the error itself"),
    ],
    ex.check_classify: [
        ((no_tolerance,), "is about 1e-16"),
        ((by_diagonal,), "along the axes alone"),
        ((zeros_first,), "whatever the third eigenvalue is"),
        ((by_determinant,), "is not right"),
        ((semidefinite,), "is zero"),
        ((by_sum,), "diagonal"),
        ((absolute,), "Tiny beside which"),
        ((coarse,), "far above rounding"),
        ((changes,), "changed its argument"),
        ((lambda H: "minimum",), "leads up"),
        ((lambda H: "maximum",), "leads up"),
        ((lambda H: "saddle",), "one sign, and none is zero"),
        ((lambda H: "undecided",), "one sign, and none is zero"),
        ((lambda H: "valley",), "none of minimum"),
        ((lambda H: 2,), "none of minimum"),
        ((lambda H: None,), "return missing"),
        ((lambda H: H["x"],), "IndexError"),
        ((lambda: "saddle",), "one argument: (H)"),
        (("saddle",), "without calling it"),
    ],
    ex.check_jacobian: [
        ((lambda x, W, b: jacobian(x, W, b).T,), "A row for each input"),
        ((lambda x, W, b: W,), "tanh has a slope"),
        ((lambda x, W, b: W.T,), "tanh has a slope"),
        ((lambda x, W, b: np.diag(1 - np.tanh(x @ W + b) ** 2),), "W is missing"),
        ((lambda x, W, b: 1 - np.tanh(x @ W + b) ** 2,), "W is missing"),
        ((lambda x, W, b: W * np.tanh(x @ W + b),), "1 - tanh²"),
        ((lambda x, W, b: W * (1 - np.tanh(x @ W + b)),), "1 - tanh²"),
        ((lambda x, W, b: W * (1 - np.tanh(x @ W) ** 2),), "b is missing"),
        ((lambda x, W, b: W * (1 - np.tanh(x)[:, None] ** 2),), "Take it at xW + b"),
        ((lambda x, W, b: jacobian(x, W, b).sum(1),), "Each output has a column"),
        ((lambda x, W, b: np.diag(1 - np.tanh(x @ W + b) ** 2) @ W,), "ValueError"),
        ((lambda x, W, b: W * (1 - np.tanh(x @ W + b) ** 2)[:, None],), "one column of W"),
        ((lambda x, W, b: 2 * jacobian(x, W, b),), "same factor"),
        ((lambda x, W, b: jacobian(x, W, b) + 0.1,), "reaches z_j"),
        ((lambda x, W, b: W * (1 - (x @ W + b) ** 2),), "not that of tanh"),
        ((lambda x, W, b: W * (1 - np.tanh((x @ W + b) ** 2)),), "Square tanh z"),
        ((lambda x, W, b: W / (2 + 2 * np.cosh(x @ W + b)),), "of the sigmoid"),
        ((lambda x, W, b: W + 1 - np.tanh(x @ W + b) ** 2,), "They multiply"),
        ((lambda x, W, b: np.outer(x, 1 - np.tanh(x @ W + b) ** 2),), "respect to the weights"),
        ((lambda x, W, b: x[:, None] * jacobian(x, W, b),), "x is a factor too many"),
        ((lambda x, W, b: None,), "return missing"),
        ((np.eye(2),), "without calling it"),
    ],
    ex.check_steepest: [
        ((lambda g, order: -steepest(g, order),), "way down"),
        ((all_that_tie,), "Two entries tie"),
        ((lambda g, order: steepest(g, order) if len(g) < 3 or g[0] != 1 else g[:2] / 4,),
         "shape (3,)"),
        ((lambda g, order: steepest(g, order) if g[0] != 1 else np.eye(3)[0],),
         "Another step is steeper"),
        ((lambda g, order: steepest(g, order) if g[0] != 1 else g[9],), "IndexError"),
        ((lambda g, order: g,), "the gradient"),
        ((lambda g, order: g / norm(g, order),), "another step is steeper"),
        ((lambda g, order: g / norm(g),), "the norm 2"),
        ((lambda g, order: g / np.abs(g).max(),), "only in the norm inf"),
        ((lambda g, order: g / np.abs(g).sum(),), "only in the norm 1"),
        ((lambda g, order: g / np.abs(g).max() if order == np.inf else steepest(g, order),),
         "lies farthest"),
        ((lambda g, order: g / np.abs(g).max() if order == 1 else steepest(g, order),),
         "only in the norm inf"),
        ((lambda g, order: np.abs(steepest(g, order)),), "signs are lost"),
        ((lambda g, order: steepest(g, 2 if order == 2 else np.inf),), "norm inf"),
        ((lambda g, order: steepest(g, 2 if order == 2 else 1),), "norm 1"),
        ((lambda g, order: steepest(g, order) @ g,), "the slope"),
        ((lambda g, order: steepest(g, order) * (np.abs(g).max() if order == 1 else 1),),
         "its length is not 1"),
        ((lambda g, order: (g == g.max()) * 1.0 if order == 1 else steepest(g, order),),
         "largest in size"),
        ((lambda g, order: np.sign(g) * (np.abs(g) == np.abs(g).min()) if order == 1
          else steepest(g, order),), "the smallest slope"),
        ((lambda g, order: (np.arange(len(g)) == np.abs(g).argmin()) * 1.0 if order == 1
          else steepest(g, order),), "the smallest slope"),
        ((lambda g, order: np.sign(g) * (np.arange(len(g)) == g.argmin()) if order == 1
          else steepest(g, order),), "lies farthest"),
        ((lambda g, order: steepest(g, order) / (2 if order == np.inf else 1),),
         "in the norm inf its length is not 1"),
        ((lambda g, order: steepest(g, order) * (2 if order == np.inf else 1),),
         "its length is not 1"),
        ((lambda g, order: steepest(g, order) / (2 if order == 1 else 1),),
         "its length is not 1"),
        ((lambda g, order: np.ones_like(g) if order == np.inf else steepest(g, order),),
         "signs are lost"),
        ((lambda g, order: np.sign(g) / np.sqrt(len(g)),), "lies farthest"),
        ((lambda g, order: steepest(g, order) / (np.sqrt(len(g)) if order == np.inf else 1),),
         "its length is not 1"),
        ((lambda g, order: g if order == 2 else steepest(g, order),), "same factor"),
        ((lambda g, order: -steepest(g, 1) if order == 1 else steepest(g, order),),
         "In the norm 1 this is the steepest way down"),
        ((lambda g, order: np.abs(steepest(g, order)) if order == 1 else steepest(g, order),),
         "signs are lost in the norm 1"),
        ((lambda g, order: steepest(g, {1: np.inf, 2: 2, np.inf: 1}[order]),),
         "Where order is inf, this is the answer for the norm 1"),
        ((lambda g, order: np.sign(g) / len(g) if order == 1 else steepest(g, order),),
         "lies farthest"),
        ((lambda g, order: None,), "return missing"),
        ((lambda g: g,), "2 arguments: (g, order)"),
        (((0.6, -0.8),), "without calling it"),
    ],
    ex.check_trust: [
        ((lambda s, M, q: trust(s, M, q) / 2,), "A factor 2 is missing"),
        ((lambda s, M, q: trust(s, M, q) / 4,), "A factor is off"),
        ((lambda s, M, q: trust(s, M, q) * 2,), "A factor is off"),
        ((lambda s, M, q: -trust(s, M, q),), "length is positive"),
        ((lambda s, M, q: 2 * q * s / M,), "not negative"),
        ((lambda s, M, q: 2 * abs(s) / M,), "share is not used"),
        ((lambda s, M, q: 2 * abs(s) / (q * M),), "wrong side"),
        ((lambda s, M, q: abs(s) / M,), "lowest"),
        ((lambda s, M, q: 2 * q * M / abs(s),), "upside down"),
        ((lambda s, M, q: np.sqrt(2 * q * abs(s) / M),), "One h of h²"),
        ((lambda s, M, q: 2 * q / M,), "slope is not used"),
        ((lambda s, M, q: 2 * q * abs(s),), "M is not used"),
        ((lambda s, M, q: 2 * q * s**2 / M,), "slope is squared"),
        ((lambda s, M, q: M / (2 * q * abs(s)),), "upside down"),
        ((lambda s, M, q: 0.2 * abs(s) / M,), "share of a tenth"),
        ((lambda s, M, q: 2 * (1 - q) * abs(s) / M,), "divide by h"),
        ((lambda s, M, q: trust(s, M, q) + 0.01,), "divide by h"),
        ((lambda s, M, q: None,), "return missing"),
        ((lambda s, M: s,), "3 arguments: (slope, M, share)"),
        ((0.5,), "without calling it"),
    ],
    ex.check_ways: [
        ((18, 18, 124), "leaves out the biases"), ((18, 18, 114), "leaves out the biases"),
        ((28, 18, 114), "too many"), ((30, 20, 110), "sum to zero"), ((20, 20, 120), "sum to zero"),
        ((18, 27, 115), "changed places"), ((9, 9, 142), "two units"), ((18, 9, 133), "two"),
        ((80, 80, 0), "are zero"), ((128, 20, 12), "numbers of weights"),
        ((9, 0, 151), "biases of the output alone"), ((45, 0, 115), "in pairs"),
        ((27, 18, 100), "add up to 145"), ((40, 30, 90), "threshold"), ((1, 1, 158), "threshold"),
        ((27, 18, None), "expected numbers"), (("27", 18, 115), "expected numbers"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_expected_values_are_right_by_another_way():
    p = np.array([0.7, -1.1])
    np.testing.assert_allclose(gradient(p), gradcheck.complex_step(f, p), rtol=1e-12)
    rng = np.random.default_rng(0)
    for order in (1, 2, np.inf):
        g = rng.normal(size=4)
        u = rng.normal(size=(5000, 4))
        u /= norm(u, order, axis=1)[:, None]
        best = steepest(g, order)
        assert norm(best, order) == pytest.approx(1)
        assert (u @ g).max() <= g @ best
    h = sp.Symbol("h")
    cut = ((3 + sp.Rational(4, 5) * h) * (1 + sp.Rational(3, 5) * h) - 4) ** 2
    slope, bend = (sp.diff(cut, h, k) for k in (1, 2))
    assert (slope.subs(h, 0), bend.subs(h, 0)) == (sp.Rational("-5.2"), sp.Rational("11.6"))
    assert bend.subs(h, 0.1) < 13.4 and sp.diff(bend, h).subs(h, 0) > 0
