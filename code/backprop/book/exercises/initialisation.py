"""Checkers of the chapter "Initialization".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.activations import (
    leaky_relu,
    leaky_relu_prime,
    relu,
    relu_prime,
    softplus,
    softplus_prime,
    tanh,
    tanh_prime,
)
from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Part,
    Told,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
    numbers,
    takes,
)

Function = Callable[[Array], Array]


def _in_turn(given: Sequence[Any], parts: Sequence[Part], praise: str) -> Verdict:
    """Judge the answers one by one; a short float counts as it was typed."""
    short = np.float32 | np.float16
    typed = [float(str(answer)) if isinstance(answer, short) else answer for answer in given]
    return in_turn(typed, parts, praise)


@checker
def check_rules(he: Any, glorot: Any, forward: Any, backward: Any) -> Verdict:
    """Check the deviations √(2/50), √(2/250), and Glorot's factors 0.4, 1.6, for 50 → 200 units."""
    root = "The deviation is the root of the variance."
    both = "Multiply Glorot's variance by the number of terms in the sum."
    parts: list[Part] = [
        ("He's deviation", math.sqrt(2 / 50), [
            (2 / 50, "This is the variance.", root),
            (math.sqrt(1 / 50), "The ReLU's half is not made up for.", "The variance is doubled."),
            (math.sqrt(2 / 200), "This one counts the outputs.", "A sum forward has n_in terms."),
            (2 / 200, "This one counts the outputs.", "A sum forward has n_in terms."),
            (math.sqrt(2 / 250), "This is Glorot's.", "He's rule counts the inputs alone."),
            (2 / math.sqrt(50), "The 2 belongs under the root.", root),
            (math.sqrt(50 / 2), "This is the reciprocal.", "More inputs need smaller weights."),
            (math.sqrt(6 / 50), "This is the bound of the uniform version.",
             "Its deviation is smaller by √3."),
        ], "He's variance is 2/n_in."),
        ("Glorot's deviation", math.sqrt(2 / 250), [
            (2 / 250, "This is the variance.", root),
            (math.sqrt(1 / 250), "A 2 is missing.", "Divide by the *mean* of the two widths."),
            (math.sqrt(1 / 50), "This one counts the inputs alone.", "Glorot's counts both."),
            (math.sqrt(1 / 200), "This one counts the outputs alone.", "Glorot's counts both."),
            (math.sqrt(6 / 250), "This is the bound of the uniform version.",
             "Its deviation is smaller by √3."),
            (0.1, "This is from the geometric mean of the widths.", "Glorot's takes the sum."),
            (math.sqrt(4 / 250), "A 2 too many.", "Glorot's variance has no ReLU in it."),
        ], "Glorot's variance is 2/(n_in + n_out)."),
        ("The factor forward", 0.4, [
            (1.6, "This is the factor backward.", "A sum forward has n_in terms."),
            (math.sqrt(0.4), "This is the factor of the typical size.",
             "The mean square is asked for."),
            (0.2, "An activation is in it.", "The layer is linear."),
            (0.8, "A 2 too many.", both),
            (2.5, "This is the reciprocal.", both),
            (1.0, "One of the widths was taken twice.", both),
            (4.0, "This is the ratio of the widths.", both),
        ], both),
        ("The factor backward", 1.6, [
            (0.4, "This is the factor forward.", "A sum backward has n_out terms."),
            (math.sqrt(1.6), "This is the factor of the typical size.",
             "The mean square is asked for."),
            (0.8, "An activation is in it, or a 2 is missing.", both),
            (0.625, "This is the reciprocal.", both),
            (2.5, "The two factors are not reciprocals.", both),
            (1.0, "One of the widths was taken twice.", both),
            (4.0, "This is the ratio of the widths.", both),
        ], both),
    ]  # fmt: skip
    return _in_turn((he, glorot, forward, backward), parts, "The two factors add up to 2.")


@checker
def check_starts(stay: Any) -> Verdict:
    """Check which of five starts keep all hidden units equal for ever: the second and the fifth."""
    ask = "Swap two hidden units, with all that leads to them and away from them: is θ the same?"
    none = "At least one start keeps them equal."
    mistakes = (
        ([1, 0, 1, 1, 0], "This is the other way round.", "True means that they stay equal."),
        ([0, 1, 1, 0, 1], "Equal on one side of the hidden layer is not enough.",
         f"{ask} The weights that lead away count as well."),
        ([0, 1, 0, 1, 1], "One of these begins with equal outputs, and parts at once.",
         "The gradient of W₁ is a product with W₂. Is it the same for all units?"),
        ([0, 1, 1, 1, 1], "Equal on one side of the hidden layer is not enough.",
         f"{ask} The weights that lead away count as well."),
        ([1, 1, 0, 0, 1], "Units that differ at the start are not equal.", ask),
        ([1, 1, 1, 1, 1], "Not all of them.", ask),
        ([1, 1, 0, 1, 1], "A layer of zeros need not make units equal.", ask),
        ([0, 0, 0, 0, 0], none, ask),
        ([0, 1, 0, 0, 0], "Numbers may be random and still the same for every unit.", ask),
        ([0, 0, 0, 0, 1], "Constant weights are equal as well.", ask),
        ([0, 0, 0, 1, 1], "A layer of zeros need not make units equal.", ask),
        ([0, 1, 0, 1, 0], "A layer of zeros need not make units equal.", ask),
    )  # fmt: skip
    found = numbers(stay)
    if found is not None and found.shape == (5,) and not np.isin(found, (0, 1)).all():
        return Verdict(False, "Give five times True or False.")
    right = [0, 1, 0, 0, 1]
    if found is not None and found.shape == (5,):
        known = next((m for m in mistakes if np.array_equal(found, m[0])), None)
        if known:
            return Verdict(False, known[1], known[2])
        if not np.array_equal(found, right):
            return Verdict(False, "At least one of the five is wrong.", ask)
    return judge_value(stay, Case((), right), "What matters is both sides of the hidden layer.")


CLOSE = 1e-2
"""How close an average over random numbers must come."""
NORMAL = np.linspace(-9, 9, 14400)
DENSITY = np.exp(-(NORMAL**2) / 2) / np.exp(-(NORMAL**2) / 2).sum()


def mean_squares(phi: Function, slope: Function, q: float) -> Array:
    """Return E[φ(z)²]/q and E[φ'(z)²] for a normal z with variance q, to about four digits."""
    z = math.sqrt(q) * NORMAL
    return np.array([phi(z) ** 2 @ DENSITY / q, slope(z) ** 2 @ DENSITY])


@checker
def check_factors(factors: Answer) -> Verdict:
    """Check ``factors(phi, slope, q)``: (E[φ(z)²]/q, E[φ'(z)²]) for z normal, variance q.

    Within 1 %, so that an average over random numbers will do.
    """

    def case(name: str, phi: Function, slope: Function, q: float) -> tuple[Case, list[Array]]:
        right = mean_squares(phi, slope, q)
        z, wide = math.sqrt(q) * NORMAL, mean_squares(phi, slope, q**2)
        mean = float(phi(z) @ DENSITY)
        first, second = right
        sure = "z = √q · u with a standard normal u."
        mistakes: list[tuple[Array, str, str]] = [
            (np.array([first * q, second]), "The first is not divided by q.",
             "A factor compares what comes out with what goes in."),
            (np.array([first - mean**2 / q, second]), "The first is a variance.",
             "The mean of φ(z) need not be 0: take the mean of the square."),
            (right[::-1], "The two are swapped.", ""),
            (np.sqrt(right), "These are roots.", "Factors of mean squares are asked for."),
            (np.array([first, float(slope(z) @ DENSITY)]), "The slope is not squared.",
             "A mean square is multiplied by the square of the slope."),
            (np.array([mean / q, float(slope(z) @ DENSITY)]), "Nothing is squared.",
             "Both are means of squares."),
            (np.array([wide[0] * q, wide[1]]), "q was taken for the deviation of z.",
             "q is the variance: z = √q · u."),
            (np.array([wide[0] * q**2 / q, wide[1]]), "q was taken for the deviation of z.",
             "q is the variance: z = √q · u."),
            (mean_squares(phi, slope, 1.0) * [1 / q, 1], "q is not used for z.", sure),
            (mean_squares(phi, slope, 1.0), "q is not used.", sure),
            (np.array([mean**2 / q, float(slope(z) @ DENSITY) ** 2]),
             "The means are squared.", "Square first, then take the mean."),
        ]  # fmt: skip
        known = [m for m in mistakes if not np.allclose(m[0], right, rtol=2 * CLOSE)]
        where = f"{name} and q = {q:g}"
        names = ("The factor forward", "The factor backward")
        return Case((phi, slope, q), right, known, sure, names, where=where), [
            right,
            *(m[0] for m in known),
        ]

    problems = [
        case("softplus", softplus, softplus_prime, 0.5), case("tanh", tanh, tanh_prime, 4.0),
        case("ReLU", relu, relu_prime, 3.0), case("leaky ReLU", leaky_relu, leaky_relu_prime, 2.0),
    ]  # fmt: skip

    def rounded(phi: Function, slope: Function, q: float) -> Any:
        """Return the reader's answer, or what it comes close to."""
        found = factors(phi, slope, q)
        pair = numbers(found)
        if pair is None or pair.shape != (2,) or not np.isfinite(pair).all():
            return found
        values = next(v for c, v in problems if c.args[2] == q)
        for v in values:
            if np.allclose(pair, v, rtol=CLOSE, atol=2e-3):
                return v
        near = np.isclose(pair, values[0], rtol=CLOSE, atol=2e-3)
        return np.where(near, values[0], pair)  # only the other one is to blame

    cases, arguments = [c for c, _ in problems], "phi, slope, q"
    if not callable(factors) or not takes(factors, range(3)):
        return judge(factors, cases, "", arguments)
    return judge(rounded, cases, "For the ReLU, both are ½ at every q.", arguments)


def errors_by_layer(delta: Array, Ws: Sequence[Array], zs: Sequence[Array], slope: Any) -> Array:
    """Return the mean squares of δ from the first layer to the last."""
    found = [np.mean(delta**2)]
    for W, z in zip(Ws[::-1], zs[::-1], strict=True):
        delta = delta @ W.T * slope(z)
        found.append(np.mean(delta**2))
    return np.array(found[::-1])


@checker
def check_errors(error_sizes: Answer) -> Verdict:
    """Check ``error_sizes(delta, Ws, zs, slope)``: the mean squares of δ⁽¹⁾, …, δ⁽ᴸ⁾."""

    def case(seed: int, widths: Sequence[int], slope: Function) -> Case:
        rng = np.random.default_rng(seed)
        zs = [rng.normal(size=(3, n)) for n in widths[:-1]]
        pairs = list(pairwise(widths))
        Ws = [rng.normal(size=pair) for pair in pairs]
        delta = rng.normal(size=(3, widths[-1]))
        right = errors_by_layer(delta, Ws, zs, slope)
        down, carried, squared = delta, [np.mean(delta**2)], [np.mean(delta**2)]
        total, twice = [np.sum(delta**2)], delta
        again = delta
        for W, z in zip(Ws[::-1], zs[::-1], strict=True):
            down = down @ W.T * slope(z)
            carried.append(np.mean((again @ W.T) ** 2))
            again = again @ W.T * slope(z)
            total.append(np.sum(down**2))
            twice = twice @ W.T * slope(z) ** 2
            squared.append(np.mean(twice**2))
        plain, bare = delta, [np.mean(delta**2)]
        for W in Ws[::-1]:
            plain = plain @ W.T
            bare.append(np.mean(plain**2))
        rule = (
            "From δ of a layer to that of the layer below: times Wᵀ, then times φ'(z), entrywise."
        )
        mistakes: list[tuple[Any, str, str]] = [
            (right[::-1], "This is in the order of the backward pass.",
             "The first layer comes first."),
            (np.sqrt(right), "These are the typical sizes.", "Leave the root out."),
            (np.array(bare[::-1]), "The slopes are missing.", rule),
            (np.array(carried[::-1]), "These are the errors before they meet the slopes.", rule),
            (np.array(total[::-1]), "These are sums of squares.", "Take the mean of all entries."),
            (np.array(squared[::-1]), "The slope was multiplied in twice.", rule),
            (right[:-1], "The last layer is missing.", "It has the δ that you are given."),
            (right[1:], "The first layer is missing.", "There is one more δ than there are W."),
            (np.array(total[::-1]) / 3, "These are divided by the examples alone.",
             "Take the mean over all entries: examples and units."),
        ]  # fmt: skip
        return Case((delta, Ws, zs, slope), right, mistakes, rule,
                    where=f"a chain of the widths {', '.join(map(str, widths))}")  # fmt: skip

    cases = [case(0, (2, 4, 3), tanh_prime), case(1, (3, 2), relu_prime),
             case(2, (5, 2, 3, 1), softplus_prime)]  # fmt: skip
    verdict = judge(error_sizes, cases, "Any widths, any slope.", "delta, Ws, zs, slope")
    if verdict.raised != "ValueError":
        return verdict
    return Verdict(
        False,
        f"{verdict.message}. Do the shapes fit? Look whether each W is transposed, and whether"
        " you begin with the last one.",
        "The error δ has one column for each output of its layer.",
        raised=verdict.raised,
    )


RULES: tuple[tuple[str, Callable[[int, int], float]], ...] = (
    ("Glorot's rule", lambda n_in, n_out: 2 / (n_in + n_out)),
    ("1/n_in", lambda n_in, n_out: 1 / n_in),
    ("1/√(n_in n_out)", lambda n_in, n_out: 1 / math.sqrt(n_in * n_out)),
)


def whole(widths: Sequence[int], rule: Callable[[int, int], float]) -> Array:
    """Return the factors of the mean square through a linear network, forward and backward."""
    pairs = list(pairwise(widths))
    return np.array([math.prod(a * rule(a, b) for a, b in pairs),
                     math.prod(b * rule(a, b) for a, b in pairs)])  # fmt: skip


@checker
def check_products(products: Answer) -> Verdict:
    """Check ``products(widths, rule)``: the factors of ⟨x²⟩ and ⟨δ²⟩ through a linear network."""

    def case(widths: Sequence[int], name: str, rule: Any) -> Case:
        right = whole(widths, rule)
        pairs = list(pairwise(widths))
        one = "A layer multiplies by n_in τ² forward and by n_out τ² backward."
        mistakes: list[tuple[Any, str, str]] = [
            (right[::-1], "The two are swapped.", "A sum forward has n_in terms."),
            (np.sqrt(right), "These are factors of the typical size.", "Leave the root out."),
            (whole(widths[:-1], rule), "A layer is missing.",
             "Widths n₀, …, n_L make L layers."),
            (whole(widths[1:], rule), "A layer is missing.", "The first width is the input's."),
            (np.array([sum(a * rule(a, b) for a, b in pairs),
                       sum(b * rule(a, b) for a, b in pairs)]),
             "The factors are added.", "One layer after another: they multiply."),
            (np.array([math.prod(rule(a, b) for a, b in pairs)] * 2),
             "The number of terms is missing.", one),
            (np.array([math.prod(a for a, _ in pairs), math.prod(b for _, b in pairs)]),
             "The variance is missing: the rule is not used.", one),
            (np.array([right[0], 1 / right[0]]), "The two are not reciprocals.", one),
            (np.array([right[0], right[0]]), "Forward and backward differ.", one),
            (right / 2 ** len(pairs), "An activation is in it.", "The layers are linear."),
            (np.array([math.prod(a * rule(b, a) for a, b in pairs),
                       math.prod(b * rule(b, a) for a, b in pairs)]),
             "The rule got its widths in the wrong order.", "Call rule(n_in, n_out)."),
        ]  # fmt: skip
        names = ("The product forward", "The product backward")
        where = f"the widths {', '.join(map(str, widths))} and {name}"
        return Case((widths, rule), right, distinct(mistakes, right), one, names, where=where)

    cases = [case(widths, *rule) for widths in ([3, 5, 2], [4, 6, 4, 9]) for rule in RULES]
    praise = "It need not know what the rule is."
    return judge(products, cases, praise, "widths, rule")


def rescaled(x: Array, Ws: Sequence[Array], phi: Function, size: Function, old: bool = False,
             after: bool = False) -> list[Array]:  # fmt: skip
    """Divide each W by the size of what it gives, which is passed on (or, if ``old``, not)."""
    found: list[Array] = []
    a = x
    for W in Ws:
        z = a @ W
        new = W / size(phi(z) if after else z)
        found.append(new)
        a = phi(z if old else a @ new)
    return found


@checker
def check_lsuv(lsuv: Answer) -> Verdict:
    """Check ``lsuv(x, Ws, phi)``: matrices such that each z has the deviation 1 on the batch."""

    def deviation(z: Array) -> Any:
        return z.std()

    def case(seed: int, widths: Sequence[int], name: str, phi: Function) -> Case:
        rng = np.random.default_rng(seed)
        x = rng.normal(0.4, 1.3, size=(7, widths[0]))
        Ws = [rng.normal(size=p) for p in pairwise(widths)]
        right = rescaled(x, Ws, phi, deviation)
        later = "Layer by layer: rescale W, then compute what it *now* passes on."
        wrong: list[tuple[Sequence[Any], str, str]] = [
            (rescaled(x, Ws, phi, lambda z: np.sqrt(np.mean(z**2))),
             "Divided by the root mean square.", "LSUV asks for the deviation: z.std()."),
            (rescaled(x, Ws, phi, lambda z: z.var()), "Divided by the variance.",
             "W scales the deviation."),
            (rescaled(x, Ws, phi, lambda z: z.std(axis=0)), "Each unit got a factor of its own.",
             "One factor for the whole matrix."),
            (rescaled(x, Ws, phi, deviation, old=True),
             "A later layer was measured with what the old weights pass on.", later),
            (rescaled(x, Ws, lambda z: z, deviation), "The activation is missing.", later),
            (rescaled(x, Ws, phi, deviation, after=True), "Measured after the activation.",
             "z itself should have the deviation 1."),
            (list(Ws), "These are the weights that were given.", later),
            ([W / W.std() for W in Ws], "The weights were divided by their own deviation.",
             "Divide by that of z."),
            (rescaled(x, Ws, phi, lambda z: 1 / z.std()), "Multiplied by the deviation.",
             "Divide by it."),
            (rescaled(x, Ws, phi, lambda z: z.std(ddof=1)), "The deviation was taken with N - 1.",
             "NumPy's std divides by N."),
        ]  # fmt: skip
        mistakes = [(_flat(answer), hint, more) for answer, hint, more in wrong]
        where = f"{name} and the widths {', '.join(map(str, widths))}"
        known = distinct(mistakes, _flat(right))
        return Case((x, Ws, phi), _flat(right), known, later, where=where)

    def flattened(x: Array, Ws: Sequence[Array], phi: Function) -> Any:
        answer = lsuv(x, Ws, phi)
        if not isinstance(answer, list | tuple) or any(W is None for W in answer):
            if answer is None:
                return None
            raise Told("Return the list of the new matrices.")
        shapes = [np.shape(W) for W in answer]
        if shapes != [W.shape for W in Ws]:
            raise Told(f"The matrices have the shapes {shapes}; those of Ws were to be kept.")
        return _flat(answer)

    cases = [case(0, (3, 5, 2, 4), "tanh", tanh), case(1, (4, 2), "tanh", tanh),
             case(2, (2, 6, 3), "softplus", softplus)]  # fmt: skip
    if not callable(lsuv) or not takes(lsuv, range(3)):
        return judge(lsuv, cases, "", "x, Ws, phi")
    return judge(flattened, cases, "Whatever the activation, each z begins with the deviation 1.",
                 "x, Ws, phi")  # fmt: skip


def _flat(matrices: Sequence[Any]) -> Array:
    return np.concatenate([np.ravel(W).astype(float) for W in matrices])
