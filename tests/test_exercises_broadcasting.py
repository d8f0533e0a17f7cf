"""The checkers of "Broadcasting": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from collections import Counter
from string import ascii_letters

import numpy as np
import pytest
from checker_cases import both_hints, each_right, each_wrong

from backprop.autodiff import tape
from backprop.book.exercises import broadcasting as ex

AXES = [(0,), (1,), (0, 1), (0, 1, 3), (0,)]


def axes(**changed):
    return ([changed.get(f"p{k}", right) for k, right in enumerate(AXES, 1)],)


RIGHT = {
    ex.check_axes: [
        (AXES,), ([0, 1, {0, 1}, [0, 1, 3], 0],), (((-2,), -1, (-2, -1), (-4, -3, -1), {-3}),),
        ([np.array([0]), 1, (1, 0), (3, 0, 1), np.int64(0)],),
    ],
    ex.check_heads: [
        ("ihk,hjk->ij", "ihk,ij->hjk"), ("ihk, hjk -> ij", "ij,ihk->hjk"),
        ("hjk,ihk->ij", "abc,ad->bdc"),
    ],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_axes: [
        (axes(p1=(1,)), "Pair 1: these are the axes that are not"), (axes(p1=()), "missing"),
        (axes(p1=(0, 1)), "Pair 1: an axis is summed"),
        (axes(p2=(0,)), "Pair 2: these are the axes"),
        (axes(p3=()), "Pair 3: an axis is missing"), (axes(p3=(0,)), "Pair 3: an axis is missing"),
        (axes(p4=(1, 3)), "Pair 4: an axis is missing"),
        (axes(p4=(0, 2)), "counted in the operand"),
        (axes(p4=(2,)), "Pair 4: these are the axes"), (axes(p4=(0, 1)), "missing"),
        (axes(p4=(0, 1, 2, 3)), "an axis is summed"), (axes(p4=(0, 1, 4)), "no tuple of axes"),
        (axes(p5=(0, 2)), "Is 1 stretched"), (axes(p5=(2,)), "Is 1 stretched"),
        (axes(p5=()), "missing"), (axes(p5=(1, 2)), "not copied"),
        (axes(p1=(0.5,)), "no tuple of axes"),
        (axes(p3=(0, 0, 1)), "Pair 3: an axis occurs twice"),
        (axes(p2=(1, -1)), "Pair 2: an axis occurs twice"),
        (axes(p1="0"), "no tuple of axes"), (axes(p1=None), "no tuple of axes"),
        (([(1,), (2,), (1, 2), (1, 2, 4), (1,)],), "counted from 1. The first is axis 0"),
        (([1, 2, {1, 2}, [1, 2, 4], 1],), "counted from 1"), (axes(p1=(1,)), "is axis 0"),
        ((AXES[:4],), "five tuples"), ((0,), "five tuples"), ((None,), "five tuples"),
    ],
    ex.check_heads: [
        (("ij,hjk->ihk", "ihk,ij->hjk"), "For x"),
        (("ihk,hjk->ji", "ihk,ij->hjk"), "another order"),
        (("ihk,hjk->i", "ihk,ij->hjk"), "For x: the result has shape"),
        (("ihk,hjk->ihj", "ihk,ij->hjk"), "For x: the result has shape"),
        (("ihk,hjk->ij", "ihk,ij->jhk"), "For W: the result has shape"),
        (("ihk,hjk->ij", "ihk,ij->hj"), "For W: the result has shape"),
        (("ihk,hjk->ij", "ihk,hjk->ij"), "For W"), (("ihk,ij->hjk", "ihk,hjk->ij"), "For x"),
        (("ihk->ij", "ihk,ij->hjk"), "form"), (("ihk,hjk", "ihk,ij->hjk"), "form"),
        ((3, "ihk,ij->hjk"), "expected a string"), ((None, None), "expected a string"),
        (("abc,def->ae", "ihk,ij->hjk"), "For x: the shape is right"),
        (("ihk,hjk->ijm", "ihk,ij->hjk"), "only after the arrow"),
        (("ihk,hjk->ii", "ihk,ij->hjk"), "twice after the arrow"),
        (("ihk,hkj->ij", "ihk,ij->hjk"), "two axes of different length"),
        (("ij,hjk->ihk", "ihk,ij->hjk"), "Is it the right operand?"),
        (("ihk,hjk->ij", "ihk,hjk->ij"), "For W: g has 3 and x has 2 axes, but"),
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


# Functions.


def scale(a, s, g):
    return -(a * g).sum(axis=0) / s**2


def differences(g):
    return g.sum(axis=1), -g.sum(axis=0)


def centre(g):
    return g - g.mean(axis=1, keepdims=True)


def changing(g):
    g -= g.mean(axis=1, keepdims=True)
    return g


def plain_rule(subscripts, g, xs, n):
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    others = [k for k in range(len(xs)) if k != n]
    letters = ",".join([output, *(terms[k] for k in others)])
    return np.einsum(f"{letters}->{terms[n]}", g, *(xs[k] for k in others))


def einsum_vjp(subscripts, g, xs, n, *, ones=np.ones, diagonals=True):
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    letters, factors = [output], [g]
    for k, x in enumerate(xs):
        if k != n:
            letters.append(terms[k])
            factors.append(x)
    spare, target = [c for c in ascii_letters if c not in subscripts], ""
    for c, size in zip(terms[n], xs[n].shape, strict=True):
        if c in target and diagonals:
            new = spare.pop()
            letters.append(c + new)
            factors.append(np.eye(size))
            c = new
        elif c not in "".join(letters):
            letters.append(c)
            factors.append(ones(size))
        target += c
    return np.einsum(f"{','.join(letters)}->{target}", *factors)


def without_others(subscripts, g, xs, n):
    inputs, output = subscripts.split("->")
    return np.einsum(f"{output}->{inputs.split(',')[n]}", g)


def old_letters(subscripts, g, xs, n):
    inputs = subscripts.split("->")[0]
    return np.einsum(f"{inputs}->{inputs.split(',')[n]}", *xs[:n], g, *xs[n + 1 :])


def by_tape(subscripts, g, xs, n):
    return tape.grad(lambda x: np.sum(g * np.einsum(subscripts, *xs[:n], x, *xs[n + 1 :])))(xs[n])


def whole_rows(subscripts, g, xs, n):
    twice = max(Counter(subscripts.split("->")[0].split(",")[n]).values()) > 1
    right = by_tape(subscripts, g, xs, n)
    return right.sum(axis=1)[:, None] * np.ones(right.shape) if twice else right


RIGHT_FUNCTIONS = {
    ex.check_scale: [scale, lambda a, s, g: np.einsum("ij,ij,j->j", a, g, -1 / s**2),
                     lambda a, s, g: [*(-np.diag(a.T @ g) / s / s)]],
    ex.check_differences: [differences, lambda g: [g @ np.ones(g.shape[1]), (-g).sum(axis=0)],
                           lambda g: (list(g.sum(axis=1)), tuple(-g.sum(axis=0)))],
    ex.check_centre_back: [centre, lambda g: g @ (np.eye(g.shape[1]) - 1 / g.shape[1])],
    ex.check_einsum_vjp: [einsum_vjp, by_tape],
}  # fmt: skip
WRONG_FUNCTIONS = {
    ex.check_scale: [
        (lambda a, s, g: -a * g / s**2, "shares of a column"),
        (lambda a, s, g: g / s, "That is ∂L/∂a"),
        (lambda a, s, g: g.sum(axis=0), "of a bias"), (lambda a, s, g: (g / s).sum(0), "a, summed"),
        (lambda a, s, g: (a * g).sum(axis=0), "of a factor"),
        (lambda a, s, g: -(a * g).sum(axis=0), "depends on s"),
        (lambda a, s, g: (a * g / s).sum(0), "neither is the sign"),
        (lambda a, s, g: -(a * g / s).sum(0), "A power of s is not right."),
        (lambda a, s, g: -(a / s**2).sum(0), "is g?"), (lambda *x: -scale(*x), "sign"),
        (lambda a, s, g: -a.sum(0) * g.sum(0) / s**2, "Multiply first"),
        (lambda *x: scale(*x)[None], "Drop the axis"),
        (lambda *x: scale(*x).sum(), "units as well"),
        (lambda a, s, g: -(a * g / s**2).sum(axis=1), "adds over the units"),
        (lambda a, s, g: -(a * g / s**2).mean(axis=0), "not a mean"),
        (lambda a, s, g: -(a * g / s**2)[0], "one example"),
        (lambda a, s, g: -a.T @ g / s**2, "same place"),
        (lambda *x: scale(*x) + 1, "not right"),
        (lambda a, s, g: None, "is None"), (lambda a: a, "must take the arguments (a, s, g)"),
        (3, "without calling it"),
    ],
    ex.check_differences: [
        (lambda g: (g.sum(1), g.sum(0)), "d falls"),
        (lambda g: (-g.sum(1), g.sum(0)), "Both signs"),
        (lambda g: (-g.sum(1), -g.sum(0)), "d rises with x"),
        (lambda g: differences(g)[::-1], "changed places"),
        (lambda g: (g.sum(0), -g.sum(1)), "x_i was copied along m"),
        (lambda g: (g.mean(1), -g.mean(0)), "means"),
        (lambda g: (g, -g), "Sum over the copies"), (lambda g: (g.sum(1), g), "shape of g"),
        (lambda g: g.sum(1), "Return a pair"), (lambda g: None, "Return a pair"),
        (lambda g: (g.sum(1), -g.sum(1)), "∂L/∂y has shape (2,), y has (4,)"),
        (lambda g: (g.sum(), -g.sum()), "∂L/∂x has shape (), x has (2,)"),
        (lambda g: (g.sum(1, keepdims=True), -g.sum(0)), "∂L/∂x has shape (2, 1), x has (2,)"),
        (lambda g: (g.sum(1, keepdims=True), -g.sum(0)), "no keepdims"),
        (lambda g: (g.sum(1), -g.sum(0, keepdims=True)), "shape (1, 4), y has (4,). Drop"),
        (lambda g: (g.sum(1), -g.T), "∂L/∂y has shape (4, 2)"),
        (lambda g: (g, -g.sum(0)), "∂L/∂x still"),
        (lambda g: (g.sum(1), -g.mean(0)), "One of the two"),
        (lambda g: (g.sum(1), None), "no number"),
        (lambda g: (g.sum(1), -np.abs(g).sum(0)), "of ∂L/∂y"),
        (lambda g: (g.sum(1), 0 * g.sum(0)), "which slopes"), (lambda x, y: x, "must take"),
        (lambda g: (2 * g.sum(1), -2 * g.sum(0)), "same factor"), (3, "without calling it"),
    ],
    ex.check_centre_back: [
        (lambda g: g, "two paths"), (lambda g: 0 * g - g.mean(1, keepdims=True), "two paths"),
        (lambda g: g + g.mean(1, keepdims=True), "One sign"),
        (lambda g: g - g.sum(1, keepdims=True), "1/n"),
        (lambda g: g * (1 - 1 / g.shape[1]), "diag"),
        (lambda g: -g.mean(1, keepdims=True), "two paths"),
        (lambda g: g - g.mean(1, keepdims=True) / g.shape[1], "already"),
        (lambda g: g * (1 - 1 / g.shape[1]) - g.mean(1, keepdims=True), "already contains"),
        (lambda g: g - g.sum(1, keepdims=True) / len(g), "n entries of a row"),
        (lambda g: g - g.mean(), "mixes the examples"), (lambda g: -centre(g), "direct path"),
        (lambda g: 0 * g, "There is a gradient"),
        (lambda g: g - g.mean(axis=0), "over the examples"),
        (lambda g: g - g.mean(axis=1), "keepdims"), (changing, "changed its argument"),
        (lambda g: centre(g) + 1, "two paths"), (lambda g: None, "is None"),
        (lambda: 3, "must take the arguments (g)"), (3, "without calling it"),
    ],
    ex.check_einsum_vjp: [
        (plain_rule, "of ones"), (lambda s, g, xs, n: einsum_vjp(s, g, xs, n, diagonals=False),
                                  "identity matrix"),
        (lambda s, g, xs, n: einsum_vjp(s, g, xs, n, ones=np.zeros), "not right"),
        (lambda s, g, xs, n: np.ones_like(xs[n]), "keep the others"),
        (lambda s, g, xs, n: by_tape(s, np.ones_like(g), xs, n), "Where is g? Each entry"),
        (whole_rows, "whole rows"),
        (lambda s, g, xs, n: whole_rows(s, g, xs, n).T if s[:2] == "ii" else by_tape(s, g, xs, n),
         "whole columns"),
        (lambda s, g, xs, n: -by_tape(s, g, xs, n), "sign"),
        (lambda s, g, xs, n: 2 * by_tape(s, g, xs, n), "same factor"),
        (lambda s, g, xs, n: by_tape(s, g, xs, n).T, "transpose"),
        (lambda s, g, xs, n: by_tape(s, g, xs, n).sum() * np.ones_like(xs[n]), "Too much"),
        (without_others, "are g and all other operands"), (old_letters, "compare each term"),
        (plain_rule, "For 'ij->i' with n = 0 it raised"),
        (lambda s, g, xs, n: g, "shape"), (lambda s, g, xs, n: None, "is None"),
        (lambda s, g: g, "must take"), (3, "without calling it"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    _, second = both_hints(check, answer)
    assert hint in second, second


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2


def test_the_axes_are_those_that_numpy_copies():
    for shape, to in ex.PAIRS:
        strides = np.broadcast_to(np.zeros(shape), to).strides
        assert ex.summed(shape, to) == {k for k, s in enumerate(strides) if s == 0 and to[k] > 1}
