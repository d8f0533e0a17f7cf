"""Checkers of the chapter "The four steps".

The expected values are sums over units written out, so that no checker compares a matrix product
with itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.shaped import explained, judged, unfit
from backprop.book.exercises.verdict import (
    Case,
    Told,
    Verdict,
    alike,
    checker,
    judge,
    judge_value,
    numbers,
)


@checker
def check_other_target(factor: Any) -> Verdict:
    """Check by what all nine derivatives are multiplied when y goes from 1 to 0 at a⁽²⁾ = 0.6.

    Only the residual a - y changes: (0.6 - 0) / (0.6 - 1) = -3/2.
    """
    only = "Which of the factors of the nine products contain y?"
    mistakes = (
        (1.5, "The size is right. Does each parameter move the loss the same way as before?",
         "The output was too small for the target 1. What is it for the target 0?"),
        (-2 / 3, "That is the old derivative divided by the new one.", ""),
        (2 / 3, "That is the old derivative divided by the new one, and a sign is lost.", only),
        (-1, "The sign is right. The residual also changes its size.", only),
        (1, "The derivatives do depend on the target.", only),
        (2.25, "That is what happens to the loss.", "The loss squares the residual."),
        (0.6, "That is the new residual.", "What was the old one?"),
        (-0.4, "That is the old residual.", "What is the new one?"),
        (0.144, "That is the new error of the output unit.", "How large was it before?"),
        (0, "The output still misses the target.", only),
    )  # fmt: skip
    return judge_value(factor, Case((), -1.5, mistakes, only), "One factor of nine products.")


FEW = 4
"""So many numbers of an array are written out in a message."""
HAND = ("δ⁽²⁾", "δ⁽¹⁾", "∂L/∂w⁽²⁾", "∂L/∂w⁽¹⁾")


@checker
def check_by_hand(*answer: Any) -> Verdict:
    """Check the 1-1-1 network with x = 2, y = 1, w⁽²⁾ = -2, a⁽¹⁾ = 0.6, a⁽²⁾ = 0.2.

    δ⁽²⁾ = (a⁽²⁾ - y) a⁽²⁾ (1 - a⁽²⁾), δ⁽¹⁾ = δ⁽²⁾ w⁽²⁾ a⁽¹⁾ (1 - a⁽¹⁾), and the value at the start
    times the error at the end. The four numbers may also come in one list.
    """
    found = numbers(answer[0] if len(answer) == 1 else answer)
    if found is None or found.shape != (4,):
        return Verdict(False, f"Hand over four numbers: {', '.join(HAND)}.")
    x, w1, w2, y, a1, a2 = 2.0, 0.5, -2.0, 1.0, 0.6, 0.2
    s1, s2 = a1 * (1 - a1), a2 * (1 - a2)

    def chain(residual: float, slope2: float, slope1: float, w: float) -> list[float]:
        last = residual * slope2
        first = last * w * slope1
        return [last, first, a1 * last, x * first]

    right = chain(a2 - y, s2, s1, w2)
    z1, z2 = math.log(a1 / (1 - a1)), math.log(a2 / (1 - a2))
    at_a1, at_a2 = _slope_at(np.array([a1, a2])).tolist()
    start = "∂L/∂w is the value at the START of the connection times the error at its END."
    mistakes = (
        (chain(y - a2, s2, s1, w2), "All signs are turned.",
         "δ is +∂L/∂z, so it starts with a - y. The minus sign belongs to the update."),
        (chain(a2 - y, 1, s1, w2), "A slope is missing.", "The output unit has a sigmoid as well."),
        (chain(a2 - y, s2, 1, w2), "δ⁽²⁾ and ∂L/∂w⁽²⁾ are right. A slope is missing.",
         "The hidden unit's slope belongs to δ⁽¹⁾."),
        (chain(a2 - y, 1, 1, w2), "Both slopes are missing.", "Each sigmoid contributes a(1 - a)."),
        (chain(a2 - y, s2, s1, 1), "δ⁽¹⁾ comes back over a connection. Where is its weight?", ""),
        (chain(a2 - y, s2, s2, w2), "δ⁽²⁾ is right. Whose slope is in δ⁽¹⁾?",
         "It is the slope of the unit whose error it is."),
        (chain(a2 - y, z2 * (1 - z2), z1 * (1 - z1), w2), "The slope is a(1 - a), not z(1 - z).",
         ""),
        (chain(a2 - y, at_a2, at_a1, w2), "The slopes are taken at a, as if a were z.",
         "From the activation, the slope is a(1 - a)."),
        (chain(a2 - y, s1, s1, w2), "δ⁽²⁾ is not right. Whose slope is in it?",
         "It is the slope of the unit whose error it is."),
        (chain(2 * (a2 - y), s2, s1, w2), "Every number is twice too large.",
         "The loss has a factor 1/2 in front."),
        (chain((a2 - y) ** 2 / 2, s2, s1, w2), "It starts with the derivative of the loss, not"
         " with the loss.", ""),
        (chain(a2 - y, s2, s1, w2 - right[2]), "δ⁽¹⁾ needs the w⁽²⁾ of the forward pass, not the"
         " updated one.", ""),
        ([*right[:2], a2 * right[0], a1 * right[1]], "Both errors are right.", start),
        ([*right[:3], a1 * right[1]], "Three are right, ∂L/∂w⁽¹⁾ is not.", start),
        ([*right[:2], a2 * right[0], right[3]], "Three are right, ∂L/∂w⁽²⁾ is not.", start),
        ([*right[:2], right[0], right[1]], "Those are the derivatives of the biases.",
         "A weight multiplies a value, which is a factor of its derivative."),
        ([*right[:2], w2 * right[0], w1 * right[1]], "Both errors are right.",
         start + " The weight itself is no factor of its derivative."),
        ([right[0], right[1], right[3], right[2]], "The last two are exchanged: ∂L/∂w⁽²⁾ comes"
         " first.", ""),
        ([right[1], right[0], right[2], right[3]], "The two errors are exchanged: δ⁽²⁾ comes"
         " first.", ""),
        ([right[1], right[0], right[3], right[2]], "The order is δ⁽²⁾, δ⁽¹⁾, ∂L/∂w⁽²⁾, ∂L/∂w⁽¹⁾.",
         ""),
    )  # fmt: skip
    more = "First z and a of both units. Then δ⁽²⁾, from it δ⁽¹⁾, and each gradient from one error."
    praise = "Two errors, and each derivative is a product of two numbers."
    given = list(answer[0] if len(answer) == 1 else answer)
    verdict = judge_value(given, Case((), right, mistakes, more), praise)
    if not verdict.unforeseen:
        return verdict
    few = all(float(a) in (float(f"{b:.1g}"), float(f"{b:.2g}"))
              for a, b in zip(found.tolist(), right, strict=True))  # fmt: skip
    if few or np.allclose(found, right, rtol=0.03, atol=0):
        return Verdict(False, "Close, but rounded too early.", "Give at least three digits.")
    first = next(k for k in range(4) if not alike(given[k], right[k]))
    before = f" {HAND[0]} is right." if first == 1 else " What comes before it is right."
    known = (
        (0, a2 - y, " It is the residual alone: where is the output's slope?"),
        (0, (y - a2) * s2, " Its sign is turned: the error starts with a - y."),
        (0, s2, " It is the slope alone: where is the residual?"),
        (0, (a2 - y) * s1, " Whose slope is in it?"),
        (0, (a2 - y) * at_a2, " The slope is taken at a, as if a were z."),
        (1, right[0] * w2 * at_a1, " The slope is taken at a, as if a were z."),
        (1, right[0] * w1 * s1, " It comes back over the connection behind the hidden unit, w⁽²⁾."),
        (1, -right[1], " Its size is right, its sign is not: count the negative factors."),
        (1, right[0] * w2, " The hidden unit's own slope is missing."),
        (1, right[0] * s1, " The weight that the error comes back over is missing."),
        (2, right[0], " It is the derivative of the bias."),
        (3, right[1], " It is the derivative of the bias."),
    )
    why = next((w for k, v, w in known if k == first and alike(given[k], v)), "")
    return Verdict(False, f"{HAND[first]} is not right.{why or (before if first else '')}", more)


def _slope_at(z: Array) -> Array:
    """Return the slope of the sigmoid at a pre-activation z."""
    return np.asarray(np.exp(-z) / (1 + np.exp(-z)) ** 2)


def _named(**arrays: Array) -> str:
    """Say what an input is: each array by its name, with its numbers where they are few."""
    parts = []
    for name, array in arrays.items():
        written = np.array2string(array, precision=3, separator=", ").replace("\n", "")
        few = array.size <= FEW
        parts.append(f"{name} = {written}" if few else f"{name} of shape {array.shape}")
    return ", ".join(parts)


@checker
def check_updated(*answer: Any) -> Verdict:
    """Check w⁽¹⁾, b⁽¹⁾, w⁽²⁾, b⁽²⁾ of the 1-1-1 network after one update with η = 1.

    Each is the old parameter minus its derivative: ∂L/∂w⁽¹⁾ = 0.12288, ∂L/∂b⁽¹⁾ = δ⁽¹⁾ = 0.06144,
    ∂L/∂w⁽²⁾ = -0.0768, ∂L/∂b⁽²⁾ = δ⁽²⁾ = -0.128. The four may also come in one list.
    """
    names = ("w⁽¹⁾", "b⁽¹⁾", "w⁽²⁾", "b⁽²⁾")
    given = list(answer[0] if len(answer) == 1 and np.iterable(answer[0]) else answer)
    found = numbers(given)
    if found is None or found.shape != (4,):
        return Verdict(False, f"Hand over four numbers: {', '.join(names)}.")
    old = np.array([0.5, math.log(1.5) - 1, -2.0, 1.2 - math.log(4)])
    gradient = np.array([0.12288, 0.06144, -0.0768, -0.128])
    late = gradient.copy()
    late[:2] *= (old[2] - gradient[2]) / old[2]
    new = old - gradient
    rule = "Each new parameter is the old one minus η times its own derivative."
    mistakes = (
        (old + gradient, "Every parameter moves the wrong way.", rule),
        (gradient, "Those are the derivatives.", rule),
        (-gradient, "Those are the changes. Add them to the old parameters.", ""),
        (old, "Those are the old parameters.", rule),
        (old - late, "The second layer is right. Its weight was updated too early.",
         "The error of the hidden unit comes back over the old w⁽²⁾."),
        (np.where([True, False, True, False], new, old), "The biases learn as well.",
         "The derivative of a bias is the error of its unit."),
        (old - gradient[[0, 0, 2, 2]], "The weights are right.",
         "The derivative of a bias is the error of its unit."),
        (old - gradient[[1, 1, 3, 3]], "The biases are right.",
         "The derivative of a weight is the value at its start times the error at its end."),
        (new[[2, 3, 0, 1]], "The two layers are exchanged: w⁽¹⁾ comes first.", ""),
        (new[[0, 2, 1, 3]], f"The order is {', '.join(names)}.", ""),
        (old - gradient / 2, "Each step is half as long as it should be.", "Here η = 1."),
        (old - 2 * gradient, "Each step is twice as long as it should be.", "Here η = 1."),
    )  # fmt: skip
    verdict = judge_value(given, Case((), new, mistakes, rule), "One update, by hand.")
    if not verdict.unforeseen:
        return verdict
    k = next(k for k in range(4) if not alike(given[k], new[k]))
    before = " What comes before it is right." if k else ""
    turned = " It moves the wrong way." if alike(given[k], (old + gradient)[k]) else ""
    return Verdict(False, f"{names[k]} is not right.{turned}{before}", rule)


@checker
def check_hidden_error(answer: Callable[[Array, Array, Array, Array], Any]) -> Verdict:
    """Check ``answer(y, a1, a2, W2)`` for δ⁽¹⁾ when the output is linear.

    δ⁽¹⁾_j = Σ_k (a⁽²⁾_k - y_k) w⁽²⁾_jk a⁽¹⁾_j (1 - a⁽¹⁾_j), the sigmoid in the hidden layer only.
    Shapes: y and a2 (1, n_2), a1 and the result (1, n_1), W2 (n_1, n_2).
    """

    def case(n_1: int, n_2: int) -> Case:
        rng = np.random.default_rng(n_1)
        a1, a2, y = (rng.uniform(0.1, 0.9, size=(1, n)) for n in (n_1, n_2, n_2))
        W2 = rng.normal(size=(n_1, n_2))
        sent, shrunk, lost = np.zeros((3, 1, n_1))
        for j, k in np.ndindex(n_1, n_2):
            share = (a2[0, k] - y[0, k]) * W2[j, k]
            sent[0, j] += share
            shrunk[0, j] += share * a2[0, k] * (1 - a2[0, k])
            lost[0, j] += share * (a2[0, k] - y[0, k]) / 2
        slope = a1 * (1 - a1)
        whole = np.array([[float(a2[0] @ W2[j]) for j in range(n_1)]])
        mistakes: list[tuple[Any, str, str]] = [
            (sent * (1 - a1**2), "The slope 1 - a² is that of tanh.",
             "The hidden layer has the sigmoid."),
            (sent * a1, "The hidden unit's slope is not its activation.",
             "The slope of the sigmoid is a(1 - a)."),
            (sent * (1 - a1), "A factor of the hidden unit's slope is missing.",
             "The slope of the sigmoid is a(1 - a)."),
            (sent * _slope_at(a1), "The slope is taken at a, as if a were z.",
             "a1 is the activation already."),
            (2 * sent * slope, "Every entry is twice too large.",
             "The loss has a factor 1/2 in front."),
            (lost * slope, "It starts with the loss, not with its derivative.", ""),
            (whole * slope, "The target is missing.", "The error starts with a - y."),
            (shrunk * slope, "There is a slope too many.",
             "A linear output has the slope 1, not a(1 - a)."),
            (shrunk, "One slope is there, and it is the wrong one.",
             "The output is linear; the hidden layer kept its sigmoid."),
            (sent, "The hidden unit's own slope is missing.", "The hidden layer kept its sigmoid."),
            (-sent * slope, "The sign is turned.", "The error starts with a - y, not with y - a."),
            (a2 - y, "That is δ⁽²⁾.", "Carry it back over W⁽²⁾."),
            ((a2 - y) * a2 * (1 - a2), "That is δ⁽²⁾ of a sigmoid output.",
             "Here the output is linear, and δ⁽¹⁾ is wanted."),
        ]  # fmt: skip
        if n_2 > 1:
            early = (a2 - y).sum() * W2.sum(axis=1)[None] * slope
            mistakes += [
                (sent * slope / n_2, "That is a mean over the outputs.",
                 "The loss is a sum over them."),
                (early, "The residuals are added before they are weighted.",
                 "Each output sends its own residual over its own weight, and then they add up."),
            ]  # fmt: skip
        if n_1 == n_2:
            turned = np.array([[sum((a2 - y)[0, j] * W2[j, k] for j in range(n_1))
                                for k in range(n_2)]])  # fmt: skip
            hint = "The shares are added over the wrong index of W⁽²⁾."
            more = "Unit j of the hidden layer collects over row j of W⁽²⁾: a transpose is missing."
            mistakes += [(turned * slope, hint, more), (turned, hint, more)]
        where = _named(y=y, a1=a1, a2=a2, W2=W2)
        return Case((y, a1, a2, W2), sent * slope, mistakes, where=where)

    praise = "Only δ⁽²⁾ changed; everything behind it is as before."
    return judged(answer, "y, a1, a2, W2", [case(2, 1), case(4, 3)], praise, case(3, 3))


@checker
def check_input_gradient(answer: Callable[[Array, Array, Array], Any]) -> Verdict:
    """Check ``answer(x, delta1, W1)`` for ∂L/∂x = δ⁽¹⁾ W⁽¹⁾ᵀ.

    Shapes: x and the result (B, n_in), delta1 (B, n_1), W1 (n_in, n_1). In one case n_in = n_1,
    where a missing transpose fits.
    """

    def case(batch: int, n_in: int, n_1: int) -> Case:
        rng = np.random.default_rng(n_in)
        x, delta1 = rng.uniform(0.1, 0.9, size=(batch, n_in)), rng.normal(size=(batch, n_1))
        W1 = rng.normal(size=(n_in, n_1))
        right = np.zeros((batch, n_in))
        for i, j, k in np.ndindex(batch, n_in, n_1):
            right[i, j] += delta1[i, k] * W1[j, k]
        outer = np.zeros((n_in, n_1))
        for i, j, k in np.ndindex(batch, n_in, n_1):
            outer[j, k] += x[i, j] * delta1[i, k]
        mistakes: list[tuple[Any, str, str]] = [
            *((right * slope, "There is a slope too many.", "The input has no activation.")
              for slope in (x * (1 - x), _slope_at(x))),
            (right * x, "That multiplies by the input, as for a weight's gradient.",
             "Here x itself is what moves, and each z follows it at the rate w."),
            (-right, "The sign is turned.", ""),
            (right.sum(axis=0), "Different inputs are never added.", "One row for each example."),
            (outer, "That is ∂L/∂W⁽¹⁾.", "Which factor of z = xW + b stays when x moves?"),
            (outer.T, "That is ∂L/∂W⁽¹⁾, transposed.",
             "Which factor of z = xW + b stays when x moves?"),
            (right.T, "The result has a column for each example.", "Vectors are rows here."),
            (delta1, "That is δ⁽¹⁾ itself.", "It still has to go back over W⁽¹⁾."),
        ]  # fmt: skip
        if batch > 1:
            mistakes += [
                (right.sum(axis=0) + 0 * x, "The gradients of different inputs are added.",
                 "Each row is the gradient with respect to its own example."),
                (right / batch, "That divides by the number of examples.",
                 "The errors that you are given stay as they are."),
            ]  # fmt: skip
        if n_in == n_1:
            turned = np.zeros((batch, n_in))
            for i, j, k in np.ndindex(batch, n_in, n_1):
                turned[i, k] += delta1[i, j] * W1[j, k]
            hint = "The shares are added over the wrong index of W⁽¹⁾."
            more = "Input j collects over row j of W⁽¹⁾: a transpose is missing."
            mistakes.append((turned, hint, more))
        where = _named(x=x, delta1=delta1, W1=W1)
        return Case((x, delta1, W1), right, mistakes, where=where)

    praise = "The same step as between the layers, without a slope."
    return judged(answer, "x, delta1, W1", [case(1, 2, 3), case(3, 4, 2)], praise, case(1, 3, 3))


READ_LAST = {"x": 9, "a1": 8, "a2": 6, "a3": 4, "delta3": 6, "delta2": 8, "W3": 6}
"""In the program with three layers, the last line before the update that reads each value."""
READ = {"x": (1, 9), "a1": (2, 7, 8), "a2": (3, 5, 6), "a3": (4,), "delta3": (5, 6),
        "delta2": (7, 8), "W3": (3, 6)}  # fmt: skip
"""All the lines before the update that read it."""


@checker
def check_last_use(lines: Any) -> Verdict:
    """Check in which line x, a1, a2, a3, delta3, delta2, W3 are read for the last time.

    The program is that of the exercise: 1 to 3 forward, 4 delta3, 5 dW3, 6 delta2, 7 dW2,
    8 delta1, 9 dW1, 10 update.
    """
    found = numbers(list(lines.values()) if isinstance(lines, dict) else lines)
    if found is None or found.shape != (len(READ_LAST),):
        return Verdict(False, "Hand over seven line numbers, in a list: one for each name.")
    names = list(READ_LAST)
    off = [k for k, name in enumerate(names) if found[k] != READ_LAST[name]]
    if not off:
        return Verdict(True, "After its last line, the memory of each can be used again.")
    if found[names.index("W3")] == 10 and off == [names.index("W3")]:
        return Verdict(
            False,
            "The update reads W3 too; asked is the last line before it.",
            "Who else reads W3?",
        )
    name, line = names[off[0]], found[off[0]]
    rest = f" ({len(off)} of 7 are off.)" if len(off) > 1 else ""
    if line in READ[name]:
        more = {
            "a1": "A slope is made of it, too.",
            "a2": "A slope is made of it, too.",
            "W3": "Something comes back over it, too.",
        }.get(name, "An error serves the gradient of its own layer and the error of the one below.")
        if name == "x":
            more = "Which gradient contains the input?"
        return Verdict(False, f"Line {line:g} reads {name}, but a later one does, too.{rest}", more)
    return Verdict(
        False, f"Line {line:g} does not read {name}.{rest}", "Search each line for the name."
    )


@checker
def check_twins(different: Any) -> Verdict:
    """Check how many different numbers the nine derivatives of two equal hidden units have.

    ∂L/∂b⁽²⁾, ∂L/∂w⁽²⁾ (both equal), ∂L/∂b⁽¹⁾, ∂L/∂w⁽¹⁾ from x₁, ∂L/∂w⁽¹⁾ from x₂: 5.
    """
    pairs = "Set a₁ = a₂ and w₁⁽²⁾ = w₂⁽²⁾ in the nine products. Which become the same?"
    mistakes = (
        (9, "Some of the nine are equal.", pairs),
        (1, "The equal units have equal derivatives, but not every parameter the same.", pairs),
        *((n, "Some that are different are counted as one, or left out.",
           "The two inputs differ, and the biases count as well.") for n in (2, 3, 4)),
        *((n, "Some that you count apart are equal.", pairs) for n in (6, 7, 8)),
        (0, "At least the output's bias has a derivative.", pairs),
    )  # fmt: skip
    count = numbers(different)
    if count is not None and count.ndim == 0 and count < 0:
        return Verdict(False, "A count is not negative.", pairs)
    praise = "So the units stay equal at every step."
    return judge_value(different, Case((), 5, mistakes, pairs), praise)


Parameters = Sequence[tuple[Array, Array]]


def swept(x: Array, y: Array, theta: Parameters, wrong: str = "") -> Array:
    """Return all gradients in one vector, unit by unit; ``wrong`` names a mistake to make."""
    values = [x[0]]
    for W, b in theta:
        a = values[-1]
        z = [b[j] + sum(a[i] * W[i, j] for i in range(len(a))) for j in range(len(b))]
        values.append(np.array([1 / (1 + math.exp(-s)) for s in z]))
    a = values[-1]
    delta = (a - y[0]) * (1 if wrong == "output slope" else a * (1 - a))
    if wrong == "sign":
        delta = -delta
    found: list[tuple[Array, Array]] = []
    for layer in reversed(range(len(theta))):
        W, a = theta[layer][0], values[layer]
        if wrong == "own values":
            dW = np.array([[values[layer + 1][j] * delta[j] for j in range(W.shape[1])]] * len(a))
        else:
            dW = np.array([[a[i] * delta[j] for j in range(W.shape[1])] for i in range(len(a))])
        found.insert(0, (dW, 0 * delta if wrong == "bias" else delta))
        back = W - dW if wrong == "early" else W.T if wrong == "turned" else W
        if back.shape != W.shape:
            return np.array([])  # the mistake fits square weights only
        sent = [sum(delta[j] * back[i, j] for j in range(W.shape[1])) for i in range(len(a))]
        slope = a * (1 - a)
        if wrong == "hidden slope":
            slope = np.ones(len(a))
        elif wrong == "tanh slope":
            slope = 1 - a**2
        elif wrong == "slope at a":
            slope = _slope_at(a)
        elif wrong == "end slope" and W.shape[0] == W.shape[1]:
            slope = values[layer + 1] * (1 - values[layer + 1])
        delta = np.array(sent) * slope
    return _flat(found[::-1] if wrong == "order" else found)


def _paired(found: Any, theta: Parameters) -> Any:
    """Return the gradients if their shapes are those of theta; else tell which are not."""
    try:
        pairs = [(np.shape(dW), np.shape(db)) for dW, db in found]
    except (TypeError, ValueError):
        raise Told("Return a list of pairs, one pair (∂L/∂W, ∂L/∂b) for each layer.") from None
    if len(pairs) != len(theta):
        raise Told(f"You returned {len(pairs)} pairs for a network with {len(theta)} layers.")
    wanted = [(W.shape, b.shape) for W, b in theta]
    if [(dW, math.prod(db)) for dW, db in pairs] == [(W, *b) for W, b in wanted[::-1]]:
        return found
    for k, ((dW, db), (W, b)) in enumerate(zip(pairs, wanted, strict=True), 1):
        if dW != W:
            hint = " Transpose it." if dW == W[::-1] else ""
            raise Told(f"In pair {k}, ∂L/∂W has shape {dW}, but W has shape {W}.{hint}")
        if math.prod(db) != math.prod(b):
            raise Told(f"In pair {k}, ∂L/∂b has shape {db}, but b has shape {b}.")
    return found


def _flat(pairs: Any) -> Array:
    return np.concatenate([np.ravel(part) for pair in pairs for part in pair])


@checker
def check_gradients(gradients: Callable[[Array, Array, Parameters], Any]) -> Verdict:
    """Check ``gradients(x, y, theta)`` for a sigmoid network of any depth and one example.

    ``theta`` is a list of (W, b), the result a list of (∂L/∂W, ∂L/∂b) in the same order; W has
    shape (n_in, n_out), b (n_out,), x (1, n_0), y (1, n_last). L is half the squared distance.
    """
    hints = {
        "output slope": ("The slope of the output is missing.", ""),
        "hidden slope": ("A slope of a hidden layer is missing.", "Each error has its own slope."),
        "sign": ("All signs are turned.", "The error starts with a - y."),
        "own values": ("A gradient uses the values at the end of its connections.",
                       "It takes the value at the start and the error at the end."),
        "early": ("The errors go back over weights that have been changed.",
                  "First all gradients, then all updates."),
        "order": ("The last layer's gradients come first.", "Give them in the order of theta."),
        "bias": ("The derivatives of the biases are missing.", "A bias multiplies the constant 1."),
        "tanh slope": ("The slope 1 - a² is that of tanh.", "All layers have sigmoids."),
        "slope at a": ("The slope is taken at a, as if a were z.",
                       "Either σ'(z), or a(1 - a)."),
        "end slope": ("A hidden error has the slope of the layer above it.",
                      "It is the slope of the unit whose error it is."),
        "turned": ("The error comes back over the wrong index of W: a transpose is missing.",
                   "Unit i collects over row i of W."),
    }  # fmt: skip
    if not callable(gradients):
        return judge(gradients, [])
    call = unfit(gradients, "x, y, theta")
    if call is not None:
        return call
    cases = []
    for widths in ((3, 2), (2, 3, 1), (2, 3, 2, 1), (3, 1, 4, 2), (2, 3, 3, 1), (3, 3, 3)):
        rng = np.random.default_rng(sum(widths))
        pairs = list(pairwise(widths))
        theta = [(rng.normal(size=pair), rng.normal(size=pair[1])) for pair in pairs]
        x, y = rng.uniform(0.2, 1, (1, widths[0])), rng.uniform(0, 1, (1, widths[-1]))
        wrong = [(swept(x, y, theta, name), *hint) for name, hint in hints.items()]
        right = swept(x, y, theta)
        wrong.append((_flat(theta) - right, "Those are parameters after a step.",
                      "Return the gradients; the update is another step."))  # fmt: skip
        wrong = [w for w in wrong if w[0].size == right.size and not np.allclose(w[0], right)]
        parts = [part for pair in theta for part in pair]
        more = "Which layer's gradient is the first off?"
        where = f"a network of widths {'-'.join(map(str, widths))}"
        cases.append(Case((x, y, *parts), right, wrong, more, where=where))

    def flat(x: Array, y: Array, *parts: Array) -> Any:
        theta = list(zip(parts[::2], parts[1::2], strict=True))
        kept = list(theta)
        found = gradients(x, y, theta)
        if [*map(id, theta)] != [*map(id, kept)]:
            raise Told("It changed the list theta. Return gradients; the update is another step.")
        if found is None:
            return None
        return _flat(_paired(found, theta))

    verdict = judge(flat, cases, "One loop, for any number of layers.")
    if verdict.raised == "ValueError":
        return explained(flat, cases[-1], verdict)
    return verdict
