"""Checkers of the chapter "Broadcasting".

Expected values are loops over entries. Axes differ in length in every case but the last, which is
square: there a sum along the wrong axis runs, and is recognised by what it gives.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.shaped import judged, unfit
from backprop.book.exercises.verdict import Case, Mistakes, Told, Verdict, checker, judge, numbers

Shape = tuple[int, ...]
PAIRS: tuple[tuple[Shape, Shape], ...] = (
    ((4,), (5, 4)),
    ((5, 1), (5, 4)),
    ((1, 1), (3, 4)),
    ((1, 5, 1), (3, 4, 5, 2)),
    ((6, 1), (2, 6, 1)),
)
"""Shapes of an operand and of the result."""


def summed(shape: Shape, to: Shape) -> set[int]:
    """Return the axes of ``to`` along which an array of ``shape`` is copied."""
    lead = len(to) - len(shape)
    return {k for k, n in enumerate(to) if k < lead or shape[k - lead] == 1 < n}


def _axes(answer: Any, ndim: int) -> set[int] | None:
    """Return a set of axes, counted from the front; None where the answer is none."""
    values = [answer] if isinstance(answer, int | np.integer) else answer
    if not isinstance(values, Sequence | set | frozenset | np.ndarray) or isinstance(values, str):
        return None
    try:
        axes = {operator.index(v) for v in values}
    except TypeError:
        return None
    if any(not -ndim <= v < ndim for v in axes):
        return None
    return {v % ndim for v in axes}


def _from_one(axes: Sequence[Any]) -> bool:
    """Whether every answer names the right axes, counted from 1, if not all are right."""
    shifted = [_axes(answer, len(to) + 1) for (_, to), answer in zip(PAIRS, axes, strict=True)]
    return shifted == [{k + 1 for k in summed(*pair)} for pair in PAIRS]


@checker
def check_axes(axes: Any) -> Verdict:
    """Check the axes of the result over which the gradient is summed, for five pairs of shapes.

    An axis is summed where the operand lacks it, or has length 1 and the result more. Each answer
    is a number or a collection of numbers; negative axes count from the end.
    """
    if not isinstance(axes, list | tuple) or len(axes) != len(PAIRS):
        return Verdict(False, "Hand over a list of five tuples: one for each pair of shapes.")
    for n, ((shape, to), answer) in enumerate(zip(PAIRS, axes, strict=True), 1):
        found, right = _axes(answer, len(to)), summed(shape, to)
        where = f"Pair {n}:"
        if found is None:
            return Verdict(
                False, f"{where} {answer!r} is no tuple of axes of {to}.", "No axis at all is ()."
            )
        if not isinstance(answer, set | frozenset) and len(found) < np.size(answer):
            return Verdict(False, f"{where} an axis occurs twice.", "NumPy's sum refuses that.")
        if found == right:
            continue
        if _from_one(axes):
            return Verdict(False, "The axes seem to be counted from 1.", "The first is axis 0.")
        align = "Write the shapes one below the other, aligned at the right."
        others = set(range(len(to))) - right
        lead = len(to) - len(shape)
        if others and found == others:
            return Verdict(
                False,
                f"{where} these are the axes that are not copied.",
                "Sum over the copies. The first axis of the result is axis 0.",
            )
        if lead and found and found == {k - lead for k in right if k >= lead}:
            return Verdict(
                False,
                f"{where} the axes of length 1 seem to be counted in the operand.",
                f"Number the axes of the result. {align}",
            )
        if any(to[k] == 1 for k in found):
            return Verdict(
                False, f"{where} an axis is summed that was not copied.", "Is 1 stretched there?"
            )
        if found < right:
            return Verdict(False, f"{where} an axis is missing.", align)
        if right < found:
            return Verdict(False, f"{where} an axis is summed that was not copied.", align)
        return Verdict(False, f"{where} these are not the copied axes.", align)
    return Verdict(True, "The operand lacks these axes, or has length 1 there and was stretched.")


@checker
def check_scale(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Check ``answer(a, s, g)`` for z = a / s, s copied to every row: ∂L/∂s = -Σ_i g_i a_i / s².

    Shapes: a and g = ∂L/∂z (batch, n), s and the result (n,).
    """

    def case(batch: int, n: int) -> Case:
        rng = np.random.default_rng(batch)
        a, g = rng.normal(size=(2, batch, n))
        s = rng.uniform(0.5, 2, size=n)
        right = np.zeros(n)
        for i, j in np.ndindex(batch, n):
            right[j] -= g[i, j] * a[i, j] / s[j] ** 2
        rows = "s was copied to every row: add the shares of a column."
        slope = "Differentiate a/s with respect to s: how does 1/s change with s?"
        share = -g * a / s**2
        mistakes: Mistakes = [
            (share, "Each row has its own share so far.", rows),
            (g / s, "That is ∂L/∂a.", "Which factor of each share belongs to s?"),
            ((g / s).sum(axis=0), "That is ∂L/∂a, summed.", slope),
            (g.sum(axis=0), "That is the gradient of a bias.", slope),
            ((g * a).sum(axis=0), "That is the gradient of a factor: z = a·s.", slope),
            (-(g * a).sum(axis=0), "The slope of a/s depends on s.", slope),
            ((g * a / s).sum(axis=0), "A power of s is not right, and neither is the sign.", slope),
            (-(g * a / s).sum(axis=0), "A power of s is not right.", slope),
            (-(a / s**2).sum(axis=0), "Where is g?", "A share is g times a slope."),
            (-a.sum(axis=0) * g.sum(axis=0) / s**2, "The two sums were taken before the product.",
             "Multiply first, in the shape of g. Then sum."),
            (-right, "The sign is wrong.", "Does z rise or fall when s rises, for a > 0?"),
            (right[None], "The numbers are right. s has shape (n,).",
             "Drop the axis that you summed over."),
            (share.sum(), "That adds over the units as well.", rows),
            (share.sum(axis=1), "That adds over the units.", rows),
            (share.sum(axis=1, keepdims=True), "That adds over the units.", rows),
            (-a.T @ g / s**2, "That multiplies every unit by every other.",
             "A share takes g and a from the same place: an elementwise product."),
        ]  # fmt: skip
        if batch > 1:
            mistakes.append((right / batch, "A sum, not a mean.", "Each copy adds its full share."))
            mistakes.append((share[0], "That is the share of one example.", rows))
        where = f"a of shape ({batch}, {n})"
        return Case((a, s, g), right, mistakes, slope, where=where)

    praise = "First the share of every copy, then the sum over the copies."
    return judged(answer, "a, s, g", [case(4, 2), case(1, 3), case(5, 3)], praise, case(3, 3))


@checker
def check_differences(answer: Callable[[Array], Any]) -> Verdict:
    """Check ``answer(g)`` for d_im = x_i - y_m: ∂L/∂x_i = Σ_m g_im and ∂L/∂y_m = -Σ_i g_im.

    g = ∂L/∂d has as many rows as x and columns as y; the answer is a pair of their shapes.
    """
    names = "∂L/∂x", "∂L/∂y"

    def both(g: Array) -> Array:
        found = answer(g)
        if not isinstance(found, tuple | list) or len(found) != 2:
            raise Told("Return a pair: ∂L/∂x and ∂L/∂y.")
        parts = []
        for name, given in zip(names, found, strict=True):
            part = numbers(given)
            if part is None:
                raise Told(f"{name} holds something that is no number.")
            parts.append(part)
        shapes = [part.shape for part in parts]
        known = [g.shape, g.shape], [g.shape[:1], g.shape], [g.shape, g.shape[1:]]
        swapped = [g.shape[1:], g.shape[:1]]
        if shapes not in (*known, swapped):
            for name, part, n in zip(names, parts, g.shape, strict=True):
                if part.shape != (n,):
                    kept = part.ndim == 2 and part.size == n
                    drop = " Drop the axis that you summed over (no keepdims)." if kept else ""
                    raise Told(f"{name} has shape {part.shape}, {name[-1]} has ({n},).{drop}")
        return np.concatenate([np.ravel(part) for part in parts])

    def case(n: int, m: int) -> Case:
        g = np.random.default_rng(n).normal(size=(n, m))
        dx, dy = np.zeros(n), np.zeros(m)
        for i, k in np.ndindex(n, m):
            dx[i] += g[i, k]
            dy[k] -= g[i, k]
        of = [
            ((dx, -dy), "The sizes are right, one sign is not.", "d falls when y rises."),
            ((-dx, dy), "The sizes are right, one sign is not.", "d rises with x."),
            ((-dx, -dy), "Both signs are wrong.", "d = x - y."),
            ((dy, dx), "The two have changed places.", "x comes first."),
            ((-dy, -dx), "The sums run along the wrong axes.", "x_i was copied along m."),
            ((-dy, dx), "The sums run along the wrong axes.", "x_i was copied along m."),
            ((dx / m, dy / n), "Sums, not means.", "Each copy adds its full share."),
            ((dx, dy / n), "One of the two is a mean.", "Each copy adds its full share."),
            ((dx / m, dy), "One of the two is a mean.", "Each copy adds its full share."),
            ((g, dy), "∂L/∂x still has the shape of g.", "Sum over the copies."),
            ((g, -dy), "∂L/∂x still has the shape of g.", "Sum over the copies."),
            ((g, -g), "Each copy has its own share so far.", "Sum over the copies."),
            ((g, g), "Each copy has its own share so far.", "Sum over the copies."),
            ((dx, g), "∂L/∂y still has the shape of g.", "Sum over the copies."),
            ((dx, -g), "∂L/∂y still has the shape of g.", "Sum over the copies."),
        ]
        mistakes: Mistakes = [
            (np.concatenate([np.ravel(part) for part in pair]), hint, more)
            for pair, hint, more in of
        ]
        entries = [f"Entry {i + 1} of ∂L/∂x" for i in range(n)]
        entries += [f"Entry {k + 1} of ∂L/∂y" for k in range(m)]
        more = "Which copies does x_i have in d, which has y_m, and with which slopes?"
        return Case((g,), np.concatenate([dx, dy]), mistakes, more, entries)

    wrong = unfit(answer, "g")
    if wrong is not None:
        return wrong
    if not callable(answer):
        return judge(answer, [])
    praise = "Each operand was copied along the other's axis, and is summed along it."
    return judge(both, [case(2, 4), case(3, 1), case(3, 3)], praise)


@checker
def check_centre_back(answer: Callable[[Array], Any]) -> Verdict:
    """Check ``answer(g)`` for z = x - mean of each row of x: ∂L/∂x = g - mean of each row of g.

    Shapes: g = ∂L/∂z and the result (batch, n).
    """

    def case(batch: int, n: int) -> Case:
        g = np.random.default_rng(n).normal(size=(batch, n))
        right = np.zeros((batch, n))
        for i, k, m in np.ndindex(batch, n, n):
            right[i, k] += g[i, m] * ((k == m) - 1 / n)
        row = g.mean(axis=1, keepdims=True)
        twice = "x reaches z by two paths: directly, and through the mean."
        mistakes: Mistakes = [
            (g, "That is one of two shares.", twice),
            (-np.broadcast_to(row, g.shape), "That is one of two shares.", twice),
            (g + row, "One sign is wrong.", "The mean is subtracted."),
            (g - g.sum(axis=1, keepdims=True), "A factor is missing in one share.",
             "The mean contains 1/n."),
            (g * (1 - 1 / n), "That is the diagonal of the Jacobian alone.",
             "The mean contains the other entries of the row, too."),
            (g - g.mean(), "That mixes the examples.", "One mean per row."),
            (-row, "That is one of two shares.", twice),
            (g - row / n, "One share has a factor too many.",
             "The mean has its 1/n already."),
            (g * (1 - 1 / n) - row, "Something is counted twice.",
             "The mean over the row already contains the entry itself."),
            (-right, "The sign is wrong.", "Does z rise or fall along the direct path?"),
            (np.zeros_like(g), "There is a gradient.", "Only the mean of z is always 0."),
        ]  # fmt: skip
        if batch > 1:
            per_row = g - g.sum(axis=1, keepdims=True) / batch
            many = "The sum is divided by the number of examples."
            mistakes.append((per_row, many, "The mean runs over the n entries of a row."))
            down = g - g.mean(axis=0)
            mistakes.append((down, "That is the mean over the examples.", "One mean per row."))
        if batch == n:
            kept = "The means of the rows went to the columns."
            mistakes.append((g - g.mean(axis=1), kept, "Keep the axis: keepdims=True."))
        return Case((g,), right, mistakes, twice)

    praise = "The gradient loses its mean, as x did: the map is its own vjp."
    return judged(answer, "g", [case(2, 4), case(5, 3)], praise, case(3, 3))


def _contracted(text: Any, operands: Sequence[Array], names: Sequence[str]) -> Array | str:
    """Evaluate subscripts on the operands in either order, or say what is wrong with them."""
    if not isinstance(text, str):
        return f"this is of the type {type(text).__name__}, expected a string"
    parts = re.fullmatch(r"([a-zA-Z]+),([a-zA-Z]+)->([a-zA-Z]*)", text.replace(" ", ""))
    if parts is None:
        return "the string must have the form 'ab,bc->ac', with two operands and an arrow"
    terms, output = parts.groups()[:2], parts[3]
    if lone := set(output) - set("".join(terms)):
        return f"the letter {min(lone)} occurs only after the arrow"
    if len(set(output)) < len(output):
        return "a letter occurs twice after the arrow"
    orders = [
        order for order in (operands, operands[::-1])
        if [len(t) for t in terms] == [x.ndim for x in order]
    ]  # fmt: skip
    if not orders:
        axes = " and ".join(f"{n} has {x.ndim}" for n, x in zip(names, operands, strict=True))
        letters = " and ".join(str(len(t)) for t in terms)
        return f"{axes} axes, but the terms have {letters} letters. Is it the right operand?"
    for order in orders:
        try:
            return np.asarray(np.einsum(text, *order))
        except ValueError:
            continue
    return "a letter stands for two axes of different length"


@checker
def check_heads(for_x: Any, for_W: Any) -> Verdict:
    """Check the subscripts of the two gradients of "ij,hjk->ihk", the operand g first.

    For x: "ihk,hjk->ij"; for W: "ihk,ij->hjk". Any letters will do, and either order.
    """
    rng = np.random.default_rng(0)
    x, W, g = rng.normal(size=(4, 2)), rng.normal(size=(5, 2, 3)), rng.normal(size=(4, 5, 3))
    dx, dW = np.zeros_like(x), np.zeros_like(W)
    for i, h, j, k in np.ndindex(4, 5, 2, 3):
        dx[i, j] += g[i, h, k] * W[h, j, k]
        dW[h, j, k] += g[i, h, k] * x[i, j]
    rule = "Put g's letters in the operand's place, and the operand's letters after the arrow."
    for name, text, other, right in (("x", for_x, W, dx), ("W", for_W, x, dW)):
        found = _contracted(text, (g, other), ("g", "W" if name == "x" else "x"))
        if isinstance(found, str):
            return Verdict(False, f"For {name}: {found}{'' if found[-1] == '?' else '.'}", rule)
        if found.shape == right.shape and np.allclose(found, right):
            continue
        if found.shape != right.shape:
            said = f"For {name}: the result has shape {found.shape}, {name} has {right.shape}."
            if sorted(found.shape) == sorted(right.shape):
                return Verdict(False, said, "The letters after the arrow are in another order.")
            return Verdict(False, said, rule)
        return Verdict(False, f"For {name}: the shape is right, the numbers are not.", rule)
    return Verdict(True, "For x, the letters h and k are summed; for W, only the examples are.")


def _entries(subscripts: str, g: Array, xs: Sequence[Array], n: int) -> Array:
    """Return ∂L/∂x_n of an einsum by a loop over all values of all letters."""
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    sizes = {c: m for t, x in zip(terms, xs, strict=True) for c, m in zip(t, x.shape, strict=True)}
    letters = list(sizes)
    found = np.zeros_like(xs[n])
    for values in np.ndindex(*sizes.values()):
        at = dict(zip(letters, values, strict=True))
        share = g[tuple(at[c] for c in output)]
        for k, (term, x) in enumerate(zip(terms, xs, strict=True)):
            if k != n:
                share = share * x[tuple(at[c] for c in term)]
        found[tuple(at[c] for c in terms[n])] += share
    return found


LADDER = (
    ("ij,jk->ik", ((4, 2), (2, 3)), 0),
    ("ij,jk->ik", ((4, 2), (2, 3)), 1),
    ("i,ij,j->", ((2,), (2, 3), (3,)), 1),
    ("bqd,bkd->bqk", ((2, 3, 4), (2, 5, 4)), 1),
    ("ij->i", ((2, 3),), 0),
    ("ij,k->k", ((2, 3), (4,)), 0),
    ("ii->i", ((3, 3),), 0),
    ("ii,ij->j", ((3, 3), (3, 2)), 0),
    ("ii->", ((3, 3),), 0),
    ("iii->i", ((2, 2, 2),), 0),
)
"""Subscripts, shapes and operand, the plain rule first, then a lone letter, then a diagonal."""


@checker
def check_einsum_vjp(answer: Callable[[str, Array, tuple[Array, ...], int], Any]) -> Verdict:
    """Check ``answer(subscripts, g, xs, n)``: ∂L/∂xs[n] of ``einsum(subscripts, *xs)``.

    ``subscripts`` has an arrow and no dots. The cases climb: the plain rule, a letter that occurs
    in one operand alone, a letter twice in one operand.
    """

    def case(subscripts: str, shapes: Sequence[Shape], n: int) -> Case:
        rng = np.random.default_rng(n + len(subscripts))
        xs = tuple(rng.normal(size=shape) for shape in shapes)
        g = np.asarray(rng.normal(size=np.einsum(subscripts, *xs).shape))
        right = _entries(subscripts, g, xs, n)
        mistakes: Mistakes = [
            (
                np.ones_like(xs[n]),
                "Where are g and the other operands?",
                "Put g in the operand's place, and keep the others.",
            ),
            (
                _entries(subscripts, np.ones_like(g), xs, n),
                "Where is g?",
                "Each entry of g multiplies what reaches it.",
            ),
            (
                right.sum() * np.ones_like(right),
                "Too much is summed.",
                "Keep the operand's letters.",
            ),
        ]
        if subscripts.startswith("ii") and right.ndim == 2:
            off = "Entries off the diagonal do not enter the result."
            spread = right.sum(axis=1)[:, None] * np.ones(right.shape)
            mistakes.append((spread, "The diagonal's gradient went to whole rows.", off))
            mistakes.append((spread.T, "The diagonal's gradient went to whole columns.", off))
        return Case(
            (subscripts, g, xs, n),
            right,
            mistakes,
            "Try the subscripts by hand: which letters are known, which are wanted?",
            where=_named(subscripts, n),
        )

    praise = "The rule, and both of its exceptions."
    verdict = unfit(answer, "subscripts, g, xs, n")
    if verdict is not None:
        return verdict
    verdict = judge(answer, [case(*rung) for rung in LADDER], praise)
    if not verdict.raised:
        return verdict
    return Verdict(False, f"{verdict.message}.", _why_refused(verdict.message))


def _named(subscripts: str, n: int) -> str:
    """Name a rung of the ladder."""
    return f"'{subscripts}' with n = {n}"


def _why_refused(message: str) -> str:
    """Say why NumPy raised on a rung: an exception of the rule, or an error in the plain rule."""
    for subscripts, _, n in LADDER:
        if _named(subscripts, n) not in message:
            continue
        terms, output = subscripts.split("->")[0].split(","), subscripts.split("->")[1]
        own, others = terms[n], output + "".join(terms[:n] + terms[n + 1 :])
        if "multiple times" in message and len(set(own)) < len(own):
            return "A letter twice: rename one, and bring in an identity matrix."
        if "never appeared" in message and not set(own) <= set(others):
            return "A letter of its own: bring in a factor of ones that has it."
        if "never appeared" in message:
            return "Each of its letters occurs elsewhere: are g and all other operands inputs?"
        if set(own) <= set(others) and len(set(own)) == len(own):
            return "The plain rule is enough here: compare each term with the shape of its array."
    return ""
