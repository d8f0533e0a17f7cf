"""Checkers of the chapter "A small language model".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    misfit,
    numbers,
)


@checker
def check_bits(bits: Any, perplexity: Any) -> Verdict:
    """Check four times ½, twice ¼ and twice 1/16: 2 bits per letter and the perplexity 4."""
    parts: list[Part] = [
        ("The bits", 2.0, [
            (16.0, "This is the sum over all eight letters.", "Divide by 8."),
            (2 * math.log(2), "These are nats.", "Take the logarithm to the base 2."),
            (-2.0, "The size is right, the sign is not.", "The logarithm of 1/p is positive."),
            (math.log2(8 / 2.625), "The probabilities were averaged before the logarithm.",
             "Take the logarithm of each probability first."),
            (7 / 3, "The three probabilities were weighed alike.",
             "Four letters have ½, two have ¼, and two have 1/16."),
            (0.25, "This is the typical probability itself.", "How many bits has ¼?"),
            (0.328125, "This is the mean of the probabilities.", "Take log2 of 1/p first."),
            (8.0, "There are eight letters. How many bits has each on average?", ""),
            (1.0, "This counts the four letters with ½ only.", "¼ has 2 bits, 1/16 has 4."),
            (4.0, "This is the perplexity.", "The bits are its logarithm to the base 2."),
        ], "½ has 1 bit, ¼ has 2, and 1/16 has 4."),
        ("The perplexity", 4.0, [
            (math.exp(2), "The base is 2, as that of the bits.", "2 to the power of the bits."),
            (2.0, "These are the bits.", "2 to the power of the bits."),
            (0.25, "This is its inverse.", "Among how many equal letters would it guess?"),
            (8.0, "2 · 4 is no power.", "2 to the power of the bits."),
            (2.0**16, "This is for the whole text.", "Use the bits per letter."),
            (16.0, "This is the square.", "2 to the power of the bits."),
        ], "2 to the power of the bits per letter."),
    ]  # fmt: skip
    return in_turn((bits, perplexity), parts, "As uncertain as among four equal letters.")


LN3 = math.log(3)


@checker
def check_hand(da: Any, db: Any) -> Verdict:
    """Check w = (1, 1 + ln 3), the letter a after a: the errors are (-¾, ¾), then both shares."""
    second = 0.75 * LN3
    scores = "As a row of scores, the vector gets the error of its own score times h."
    enters = "As h, it stands in both scores, and gets from each the error times that letter's row."
    parts: list[Part] = [
        ("The gradient of the vector of a", -0.75 + second, [
            (-0.75, "This is the share of its score alone.", enters),
            (0.07, "These are too few digits.", "Give three or more."),
            (second, "This is the share of the input alone.", scores),
            (0.25 - 0.25 * LN3, "Here the text goes on with b.", "Now it goes on with a."),
            (0.75 - second, "The sign is that of a step downhill.", "The error is p - target."),
            (0.25 + 0.25 + 0.75 * (1 + LN3), "The target was not subtracted.",
             "At the letter that came, the error is its probability minus 1."),
            (-1.5, "The share of the input is not that of the score.", enters),
            (-0.75 * second, "The shares add up.", "Two uses, two shares, one sum."),
            (-0.75 + 0.75 * (1 + LN3), "The score of a has a share in the error at h, too.",
             enters),
            (-1.5 + 0.75 * (1 + LN3) + 0.75, "One share was counted twice.", enters),
            (0.75 + second, "The error at the score of a is negative.",
             "Subtract 1 from the probability of the letter that came."),
        ], f"{scores} {enters}"),
        ("The gradient of the vector of b", 0.75, [
            (-0.25, "Here the text goes on with b.", "Now it goes on with a."),
            (-0.75, "The size is right, the sign is not.",
             "What is the target of a letter that did not come?"),
            (0.75 * (1 + LN3), "A row of scores is multiplied by h, which is the vector of a.",
             scores),
            (0.75 + second, "The letter b was never read.", "It has no share from the input."),
            (second, "The letter b was never read.", "It has the share of its score alone."),
            (0.0, "The vector of b gave a score.", scores),
            (0.25, "This is the probability of a.", "The error at b has that of b."),
            (-0.75 + second, "This is the gradient of the vector of a.", scores),
        ], scores),
    ]  # fmt: skip
    return in_turn((da, db), parts, "The two shares of a nearly cancel, and the sign is the sum's.")


@checker
def check_turn(product: Any, dq: Any) -> Verdict:
    """Check q = (2, 0) at place 9, k = (3, 1) at place 7, 45° a place: 2, and slopes (1, -3)."""
    apart = "The places differ by 2, so q is turned by 90° more than k."
    back = "The slope of the product in the turned q is k. Turn it back by 90°."
    root = math.sqrt(2)
    parts: list[Part] = [
        ("The product", 2.0, [
            (6.0, "This is the product without turns.", apart),
            (-2.0, "The turn goes the wrong way.", "q is at the later place: it is turned more."),
            (0.0, "This is a product with an entry of 0.", "Draw q, turned: which entry is left?"),
            (8 / root, "This is a turn by 45°.", apart),
            (4 / root, "This is a turn by -45°.", apart),
            (2 / root, "There is no √d here.", ""),
            (-6.0, "This is a turn by 180°.", apart),
            (4.0, "This is q times itself.", "Multiply the turned q by k."),
        ], f"{apart} Draw both."),
        ("The slopes", np.array([1.0, -3.0]), [
            (np.array([3.0, 1.0]), "This is k. It is the slope in the turned query.", back),
            (np.array([-1.0, 3.0]), "The error was turned on, not back.", back),
            (np.array([0.0, 2.0]), "This is the turned query.", back),
            (np.array([1.0, 3.0]), "A sign is missing.", back),
            (np.array([-3.0, -1.0]), "This is a turn by 180°.", back),
            (np.array([4.0, -2.0]) / root, "This is a turn by 45°.", apart),
            (np.array([3.0, -1.0]), "The entries change places.", back),
        ], back),
    ]  # fmt: skip
    found = numbers(dq)
    if found is not None and found.shape in ((1, 2), (2, 1)):
        dq = found.ravel()  # a row or a column of a matrix
    return in_turn((product, dq), parts, "Errors turn back by the angle that queries turned on.")


LONGEST = 16
"""Letters that the models of :func:`check_leaks` can read: many more than they are given."""


def _seen(sees: Array) -> Callable[[NDArray[np.int64]], Array]:
    """Return a model whose place t adds up a row of scores for each letter s with sees[t, s].

    It reads passages of any length up to LONGEST. The rows hold whole numbers, so that a sum is the
    same whether a passage is cut off after it or not.
    """
    table = np.random.default_rng(0).integers(-99, 100, size=(5, 5)).astype(float)

    def forward(x: NDArray[np.int64]) -> Array:
        n = x.shape[1]
        return np.asarray(np.einsum("ts,bsk->btk", sees[:n, :n], table[x]))

    return forward


@checker
def check_leaks(leaks: Answer) -> Verdict:
    """Check ``leaks(forward, x)``: whether a score changes with a letter after its place."""
    x = np.array([[0, 3, 1, 4], [2, 2, 0, 1]])
    one, end, far = np.tri(LONGEST), np.tri(LONGEST), np.tri(LONGEST)
    one[1, 2] = end[2, 3] = far[0, 2] = 1
    where = {
        "a model that looks back alone": (
            np.tri(LONGEST), "Here no score depends on a later letter, and yet it returns True.",
            "Change the letter at place t, and compare the scores before t only."),
        "a model without a mask": (
            np.ones((LONGEST, LONGEST)), "Here every place sees every letter.",
            "Change a late letter, and compare the scores before it."),
        "a model of which each place sees the next letter": (
            np.tri(LONGEST, k=1), "Here the letter at place t moves the scores at t - 1.",
            "Compare all scores before the letter that you change."),
        "a model of which one place in the middle sees the next letter": (
            one, "Here one place alone sees one letter too much.",
            "Change the letter at each place in turn."),
        "a model of which the last place but one sees the last letter": (
            end, "Here the last letter moves one score before it.",
            "Go on to the end of the passage, with the places as with the letters."),
        "a model of which the first place sees two letters ahead": (
            far, "Here a letter moves a score two places before it, and none between.",
            "Compare all scores before the letter that you change."),
    }  # fmt: skip
    cases = []
    for name, (sees, hint, more) in where.items():
        leaky = bool(np.triu(sees, 1).any())
        mistakes = [(not leaky, hint, more)]
        cases.append(Case((_seen(sees), x), leaky, mistakes, more, where=name))
    if not callable(leaks) or misfit(leaks, "forward, x") is not None:
        return judge(leaks, cases, "", "forward, x")

    def asking(forward: Callable[[NDArray[np.int64]], Array], x: NDArray[np.int64]) -> Any:
        calls = []

        def noted(x: NDArray[np.int64]) -> Array:
            calls.append(x.shape)
            return forward(x)

        found = leaks(noted, x)
        if found is not None and not calls:
            raise Told("It never calls `forward`, so it cannot know.")
        return found

    return judge(asking, cases, "A leak shows before any training.", "forward, x")


def _shares(x: NDArray[np.int64], W: Array, dz: Array) -> tuple[Array, Array]:
    """Return both shares of ∂L/∂W for z = W[x] Wᵀ, by loops."""
    scores, enters = np.zeros(W.shape), np.zeros(W.shape)
    for i, letter in enumerate(x):
        for k in range(len(W)):
            scores[k] += dz[i, k] * W[letter]
            enters[letter] += dz[i, k] * W[k]
    return scores, enters


@checker
def check_tied(gradient_W: Answer) -> Verdict:
    """Check ``gradient_W(x, W, dz)`` for z = W[x] Wᵀ: dzᵀ W[x] plus the rows of dz W."""

    def case(x: Any, n: int, d: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        x, W, dz = np.array(x), rng.normal(size=(n, d)), rng.normal(size=(len(x), n))
        scores, enters = _shares(x, W, dz)
        last, once = np.zeros(W.shape), scores.copy()
        last[x] = dz @ W
        once[x] = dz @ W
        right = scores + enters
        mistakes: list[tuple[Any, str, str]] = [
            (scores, "This is the share of the scores alone.",
             "The letters that were read have a share from the input, too."),
            (enters, "This is the share of the input alone.",
             "Every row of W gave a score, and has a share from it."),
            (scores + last, "Of a letter that is read twice, only one reading is counted.",
             "W[x] += … adds once for a repeated index; np.add.at(W, x, …) adds each time."),
            (once, "The share of the input replaced that of the scores.", "Add the two."),
            (last, "The share of the input overwrote itself, and the scores' is missing.",
             "Add up all shares."),
            (right / len(x), "Nobody asked for a mean.", "dz holds what is needed."),
            (-right, "All signs are wrong.", "A minus belongs to the update."),
            (scores - enters, "The shares add up.", ""),
            (2 * scores, "The two shares are not equal.", "The input's has other rows."),
            (right.T, "It is the transpose.", "The gradient has the shape of W."),
        ]  # fmt: skip
        more = "Write each share alone: what the rows get as scores, and what those read get."
        where = f"x = {x.tolist()} and W of shape ({n}, {d})"
        return Case((x, W, dz), right, distinct(mistakes, right), more, where=where)

    cases = [case([1], 3, 2, 0), case([2, 0, 2], 4, 3, 1), case([1, 1, 0, 3], 4, 2, 2)]
    return judge(gradient_W, cases, "One table, two uses, one sum.", "x, W, dz")


_KNOWN, _NEW = (1.5, 2.15), (3.15, 3.7)
"""Where the bits on known and on new letters lie."""
_UNITS = "`language.bits` returns bits, and one nat is 1.44 of them."
_Advice = tuple[float, float, str, str]
_OF_KNOWN: tuple[_Advice, ...] = (
    (1.0, 1.5, "The first number is too small: are these nats?", _UNITS),
    (
        2.15, 3.15, "The known letters should cost less at the end.",
        "Take all 1,000 steps, on 10,000 letters only, and ask about these letters.",
    ),
    (
        *_NEW, "The first number is not of letters that were read in training.",
        "Ask `language.bits` about the same 10,000 letters on which you trained.",
    ),
    (
        0, np.inf, "The first number is far from what the run gives.",
        "Take all 1,000 steps, then ask `language.bits` about the known letters.",
    ),
)  # fmt: skip
_OF_NEW: tuple[_Advice, ...] = (
    (*_KNOWN, "The second is of known letters, too.", "Ask about `data.validation[:10_000]`."),
    (2.15, 2.55, "Is the second in nats?", _UNITS),
    (
        2.55, 3.15, "The second is too small for so little text.",
        "Take the same network for both, and new letters for the second.",
    ),
    (0, 1.5, "The second is too small.", "Ask `language.bits` about `data.validation[:10_000]`."),
    (
        0, np.inf, "The second is too large.",
        "Return bits, not the perplexity, and ask the trained network.",
    ),
)  # fmt: skip


def _advised(value: float, rows: tuple[_Advice, ...], before: str = "") -> Verdict:
    """Answer with the first row in whose range the value lies."""
    message, hint = next(texts for low, high, *texts in rows if low <= value <= high)
    return Verdict(False, before + message, hint)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]


@checker
def check_pages(known: Any, new: Any) -> Verdict:
    """Check the bits of 1,000 steps on 10,000 letters: about 1.8 on these, and 3.4 on new text."""
    found = numbers([known, new])
    if found is None or found.shape != (2,) or not np.isfinite(found).all():
        return Verdict(False, "Hand over two numbers: the bits on known and on new letters.")
    here, there = (float(value) for value in found)
    if min(here, there) <= 0:
        return Verdict(False, "Each letter costs more than 0 bits.", "Take log2 of 1/p.")
    if _within(here, _NEW) and _within(there, _KNOWN):
        return Verdict(False, "The two have changed places: the known letters come first.")
    if not _within(here, _KNOWN):
        return _advised(here, _OF_KNOWN)
    if not _within(there, _NEW):
        return _advised(there, _OF_NEW, "The first number is right. ")
    return Verdict(True, "On these pages the network looks far better than it is.")


GIVEN = "x, W_g, W_u, W_o, dy"


@checker
def check_gated(backward: Answer) -> Verdict:
    """Check ``backward(x, W_g, W_u, W_o, dy)`` of y = (relu(x W_g) ⊙ x W_u) W_o."""
    names = "Return a tuple of four: (dx, dW_g, dW_u, dW_o)."

    def flat(*parts: Any) -> Array:
        return np.concatenate([np.ravel(part) for part in parts])

    def case(rows: int, n: int, hidden: int, seed: int) -> Case:
        rng = np.random.default_rng(seed)
        shapes = (rows, n), (n, hidden), (n, hidden), (hidden, n), (rows, n)
        x, W_g, W_u, W_o, dy = (rng.normal(size=s) for s in shapes)
        g, u = x @ W_g, x @ W_u
        a, slope = np.maximum(g, 0), (g > 0).astype(float)
        smooth = 1 / (1 + np.exp(-g))
        dh = dy @ W_o.T

        def made(dg: Array, du: Array, h: Array = a * u, dx: Array | None = None) -> Array:
            dx = dg @ W_g.T + du @ W_u.T if dx is None else dx
            return flat(dx, x.T @ dg, x.T @ du, h.T @ dy)

        dg, du = dh * u * slope, dh * a
        right = made(dg, du)
        mistakes: list[tuple[Any, str, str]] = [
            (made(dh * slope, du), "dg lacks the other factor.", "h = φ(g) ⊙ u, so dg has u."),
            (made(dg, dh), "du lacks the other factor.", "h = φ(g) ⊙ u, so du has φ(g)."),
            (made(dh * u, du), "The slope of the ReLU is missing in dg.",
             "Where g is negative, no error passes."),
            (made(dg, dh * g), "du was multiplied by g, not by relu(g).", ""),
            (made(dg, du, h=g * u), "dW_o needs h = relu(g) ⊙ u.", "Not g itself."),
            (made(dg, du, h=a), "dW_o needs all of h.", "h = relu(g) ⊙ u."),
            (made(dg, du, h=u), "dW_o needs all of h.", "h = relu(g) ⊙ u."),
            (made(dg, du, dx=dg @ W_g.T), "x has two branches: dx has one share only.",
             "Add that of u."),
            (made(dg, du, dx=du @ W_u.T), "x has two branches: dx has one share only.",
             "Add that of the gate."),
            (made(dg, dh * slope), "du lacks the size of the gate.",
             "h = φ(g) ⊙ u: not 1, but φ(g)."),
            (made(dh * u * (smooth + g * smooth * (1 - smooth)), dh * g * smooth, g * smooth * u),
             "This is the layer with the SiLU.", "Here φ is the ReLU."),
            (made(dh * u * (smooth + g * smooth * (1 - smooth)), du),
             "dg has the slope of the SiLU.", "Here φ is the ReLU."),
            (right / rows, "Nobody asked for a mean.", "dy holds what is needed."),
            (made(du, dg), "The two branches were exchanged.", "The gate has the ReLU."),
            (flat(dg @ W_g.T + du @ W_u.T, x.T @ du, x.T @ dg, (a * u).T @ dy),
             "dW_g and dW_u have changed places.", "The order is dx, dW_g, dW_u, dW_o."),
            (-right, "All signs are wrong.", "A minus belongs to the update."),
        ]  # fmt: skip
        more = "Part by part: first dh, then du and dg, at last the products. What is φ' here?"
        where = f"{rows} rows of width {n} and a hidden width of {hidden}"
        return Case(
            (x, W_g, W_u, W_o, dy), right, distinct(mistakes, right), more, where=where
        )  # fmt: skip

    def joined(x: Array, W_g: Array, W_u: Array, W_o: Array, dy: Array) -> Any:
        found = backward(x, W_g, W_u, W_o, dy)
        if found is None:
            raise Told("It returns None: is a return missing?")
        if not isinstance(found, tuple | list) or len(found) != 4:
            raise Told(names)
        shapes = (x.shape, W_g.shape, W_u.shape, W_o.shape)
        for name, part, shape in zip(("dx", "dW_g", "dW_u", "dW_o"), found, shapes, strict=True):
            if np.shape(part) != shape:
                raise Told(f"{name} has shape {np.shape(part)}, expected {shape}.")
        return flat(*found)

    cases = [case(1, 2, 3, 0), case(3, 2, 4, 1), case(4, 3, 2, 2)]
    unfit = misfit(backward, GIVEN)
    if unfit is not None or not callable(backward):
        return unfit or judge(backward, cases, "", GIVEN)
    return judge(joined, cases, "Each factor of a product sends the other along.", GIVEN)
