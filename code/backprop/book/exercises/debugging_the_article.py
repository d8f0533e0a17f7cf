"""Checkers of the chapter on the article's listing.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from backprop.arrays import Array, Labels
from backprop.book import ten_faults
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    checker,
    judge,
    judge_value,
    misfit,
    numbers,
)
from backprop.training import accuracy

PLACES = ("first", "second", "third", "fourth")


def unfit(function: Any, names: str) -> Verdict | None:
    """Say which arguments a function should have, if it cannot be called with them."""
    return misfit(function, names, f"Write a function of these arguments: ({names}).")


@checker
def check_gauge(answer: Any) -> Verdict:
    """Check the printed score: 4/5 of the rows agree in one of two entries, 1/5 in both, so 3/5."""
    count = "Count entries: two per image. How many agree in each kind of image?"
    mistakes = (
        (0.5, "That is what the four images alone give.", "The fifth agrees in both entries."),
        (0.2, "The other four images count as well.", "Each agrees in one of its two entries."),
        (1.0, "Only the fifth image agrees in both entries.", count),
        (0.9, "It is the other way round.", "Which kind of image agrees in one entry only?"),
        (0.4, "The fifth image is missing.", count),
        (0.8, "That is the share of images of the first kind.", count),
        (6, "Entries are right. The program takes their mean.", "There are ten entries."),
        (60, "That is in percent.", "Write it as a number between 0 and 1."),
        (1.2, "That is the sum per image.", "Each image has two entries."),
        (0.25, "Do the four images agree in half of their entries, or in a quarter?", count),
    )
    praise = "Nothing in it says how often the network is right."
    return judge_value(answer, Case((), 0.6, mistakes, count), praise)


SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    ((100, 1), (100, 2)),
    ((100,), (100, 1)),
    ((100,), (100, 2)),
    ((784, 100), (1, 100)),
)


@checker
def check_stretch(shapes: Any) -> Verdict:
    """Check the four shapes of a - b, each a tuple or None where NumPy raises an error."""
    if not isinstance(shapes, list | tuple) or len(shapes) != len(SHAPES):
        return Verdict(False, "Hand over four shapes, in a list: tuples, or None for an error.")
    align = "Align the two shapes from the right, one below the other."
    hints = (
        "1 meets 2 in the last place: the axis of size 1 is repeated.",
        "100 meets 1 in the last place. In front, 1-D has no axis: it counts as 1.",
        "The last places are 100 and 2. Is one of them 1?",
        "The last places are equal, and 1 meets 784 in front.",
    )
    for (a, b), found, place, hint in zip(SHAPES, shapes, PLACES, hints, strict=True):
        try:
            right: tuple[int, ...] | None = np.broadcast_shapes(a, b)
        except ValueError:
            right = None
        if found is not None:
            sizes = numbers(found)
            if sizes is None or sizes.ndim != 1 or isinstance(found, str):
                return Verdict(False, f"The {place} is no shape: write a tuple, or None.")
            found = tuple(sizes.tolist())
        if found != right:
            return Verdict(False, f"The {place} is not right yet. {align}", hint)
    return Verdict(True, "The second one costs 10,000 entries, and no error tells you.")


@checker
def check_compass(readings: Any) -> Verdict:
    """Check four pairs of cosine and ratio: (1, 1/8), (1, 1/2), (-1, 8), (√½, √½)."""
    found = numbers(readings)
    if found is None or found.shape != (4, 2):
        return Verdict(False, "Hand over four pairs (cosine, ratio), in a list.")
    ratio = "The ratio is the claimed length, divided by the right one."
    turned = "A factor does not turn a gradient."
    order = "The cosine comes first, then the ratio."
    digits = "Give three digits."
    root = math.sqrt(0.5)
    rows: tuple[tuple[Any, ...], ...] = (
        (
            (1, 1 / 8),
            ((1, 8), "the ratio is upside down.", ratio),
            ((1, 1 / 64), "one of the two means is right.", "Only the other is too much."),
            ((1 / 8, 1 / 8), "one of the two numbers is right.", turned),
            ((1, 1), "something is different from the right program.", ratio),
            ((-1, 1 / 8), "the cosine is not right.", turned),
            ((1 / 8, 1), "the two numbers have changed places.", order),
        ),
        (
            (1, 1 / 2),
            ((1, 2), "which is larger, the claimed gradient or that of the loss?", ratio),
            ((1, 1 / 4), "the ½ stands in the claimed gradient once.", ratio),
            ((1 / 2, 1 / 2), "one of the two numbers is right.", turned),
            ((1 / 2, 1), "the two numbers have changed places.", order),
            ((1, 1), "something is different from the right program.", ratio),
        ),
        (
            (-1, 8),
            ((1, 8), "the sign is lost.", "Which number of the two shows a sign?"),
            ((-1, -8), "a length is not negative.", "Which number of the two shows a sign?"),
            ((-1, 1 / 8), "the ratio is upside down.", ratio),
            ((-1, 1), "the mean is missing as well.", "A sum of 8 terms, and their mean."),
            ((8, -1), "the two numbers have changed places.", order),
            ((1, -8), "a length is not negative.", "Which number of the two shows a sign?"),
        ),
        (
            (root, root),
            ((0.71, 0.71), "that is rounded too far.", digits),
            ((0.7, 0.7), "that is rounded too far.", digits),
            ((1, root), "zeros turn the gradient.", "Take (3, 4) and (3, 0)."),
            ((1, 1 / 2), "zeros turn the gradient.", "Take (3, 4) and (3, 0)."),
            ((root, 1 / 2), "one number is right. What is the length?",
             "Half of the squared length is left."),
            ((1 / 2, root), "one number is right. What is the cosine?",
             "Divide the product of the two by both lengths."),
            ((1 / 2, 1 / 2), "half of the SQUARED length is lost.", "Take a root."),
            ((0, root), "a right angle? Something of the gradient is left.",
             "Take (3, 4) and (3, 0)."),
            ((1, 1), "zeros change both the length and the direction.", "Take (3, 4) and (3, 0)."),
            ((root, 1), "one number is right. What is the length?",
             "Half of the squared length is left."),
            ((1 / 4, 1 / 4), "half of the SQUARED length is lost, not of the length.",
             "Take a root."),
        ),
    )  # fmt: skip
    factor = f"A factor changes the length, a sign the cosine. {ratio}"
    zeros = "Zeros change both. Compare (3, 4) with (3, 0), then with half of the squared length."
    for place, row, (right, *mistakes) in zip(PLACES, found, rows, strict=True):
        verdict = judge_value(row, Case((), right, mistakes))
        if not verdict:
            known = any(verdict.message == hint for _, hint, *_ in mistakes)
            words = verdict.message if known else "not right yet."
            more = zeros if place == PLACES[3] else factor
            return Verdict(False, f"The {place}: {words}", verdict.more if known else more)
    return Verdict(True, "Only the last one is more than a sign and a constant.")


@checker
def check_linear_backward(backward: Answer) -> Verdict:
    """Check ``linear_backward(x, y, a1, p, W2)``: dW1 = xᵀδ⁽¹⁾ and dW2 = a⁽¹⁾ᵀδ⁽²⁾.

    δ⁽²⁾ = (p - y)/N, δ⁽¹⁾ = (δ⁽²⁾W⁽²⁾ᵀ) ⊙ a⁽¹⁾ ⊙ (1 - a⁽¹⁾). Shapes: x (N, 4), a⁽¹⁾ (N, 5),
    p (N, 2).
    """
    wrong = unfit(backward, "x, y, a1, p, W2")
    if wrong is not None:
        return wrong

    def case(seed: int, n: int) -> Case:
        rng = np.random.default_rng(seed)
        x, W1, W2 = rng.normal(size=(n, 4)), rng.normal(size=(4, 5)), rng.normal(size=(5, 2))
        y = np.eye(2)[rng.integers(2, size=n)]
        a1 = 1 / (1 + np.exp(-(x @ W1)))
        p = a1 @ W2

        def both(delta2: Any, slope: Any) -> Any:
            delta1 = (delta2 @ W2.T) * slope
            return np.concatenate([(x.T @ delta1).ravel(), (a1.T @ delta2).ravel()])

        delta2, slope = (p - y) / n, a1 * (1 - a1)
        right = both(delta2, slope)
        dW1 = np.arange(right.size) < W1.size  # which entries are those of the first gradient
        where = "The first gradient passes through the hidden sigmoid."
        mistakes = (
            (both(delta2 * p * (1 - p), slope), "The slope of a sigmoid is still at the output.",
             "A linear output has the slope 1."),
            (np.concatenate([both(delta2, slope)[:20], both(delta2 * p * (1 - p), slope)[20:]]),
             "The slope of a sigmoid is still in dW2.", "Use the same δ⁽²⁾ in both gradients."),
            (np.concatenate([both(delta2 * p * (1 - p), slope)[:20], both(delta2, slope)[20:]]),
             "The slope of a sigmoid is still in dW1.", "Use the same δ⁽²⁾ in both gradients."),
            (-right, "Both signs are flipped.", "The error is p - y; the update subtracts."),
            (right * n, "The mean over the batch is missing.", ""),
            (right / n, "The mean over the batch is taken twice.", ""),
            (right / 2, "Half of it. With two outputs, the listing's mean is that of ½‖p - y‖².",
             "Divide by N, not by the number of entries."),
            (2 * right, "Twice as much. The mean also runs over the two outputs.",
             "What does that do to the 2 of the square?"),
            (both(delta2, 1.0), "A slope is missing in the first gradient.", where),
            (both(delta2, a1), "The hidden slope is not complete.", "It is a(1 - a)."),
            (both(delta2, (x @ W1) * (1 - x @ W1)), "The hidden slope is a(1 - a), not z(1 - z).",
             ""),
            *((np.where(part, k * right, right), words.format(name), "Use the same δ⁽²⁾ in both.")
              for name, part in (("dW1", dW1), ("dW2", ~dW1))
              for k, words in ((-1, "The sign of {} is flipped."),
                               (1 / n, "In {} the mean over the batch is taken twice."),
                               (n, "In {} the mean over the batch is missing."))),
        )  # fmt: skip
        more = "Write δ⁽²⁾ first, then δ⁽¹⁾, then the two products."
        return Case((x, y, a1, p, W2), right, mistakes, more, where=f"{n} examples, widths 4-5-2")

    def joined(*args: Any) -> Any:
        dW1, dW2 = backward(*args)
        return np.concatenate([np.ravel(dW1), np.ravel(dW2)])

    cases = [case(0, 3), case(1, 6)]
    if callable(backward):
        try:
            found = backward(*(a.copy() for a in cases[0].args))
        except Exception:  # ``judge`` quotes it
            return judge(backward, cases)
        if found is None:
            return Verdict(False, "It returns None: is a return missing?")
        if not isinstance(found, list | tuple) or len(found) != 2:
            return Verdict(False, "Return two arrays: dW1, dW2.")
        shapes = [np.shape(part) for part in found]
        if shapes == [(5, 2), (4, 5)]:
            return Verdict(False, "The two gradients have changed places: dW1 comes first.")
        for name, shape, weights in zip(("dW1", "dW2"), shapes, ((4, 5), (5, 2)), strict=True):
            if shape != weights:
                return Verdict(
                    False,
                    f"{name} has shape {shape}, and its weights have {weights}"
                    " (3 examples, widths 4-5-2).",
                )
        return judge(joined, cases, "The hidden layer does not notice the change.")
    return judge(backward, cases)


def _square(x: Any) -> Any:
    return (x**2).sum()


def _wave(x: Any) -> Any:
    return np.sin(x[0]) * np.exp(x[1])


@checker
def check_central(function: Any) -> Verdict:
    """Check ``central(f, x)``, the gradient by central differences with h = 1e-4."""
    wrong = unfit(function, "f, x")
    if wrong is not None:
        return wrong
    floats, integers, h = np.array([1.0, 2.0]), np.array([1, 2]), 1e-4
    usual = (
        (2 * floats + h, "This is the forward difference.", "Its error is of the order of h."),
        (2 * floats - h, "This is the backward difference.", "Its error is of the order of h."),
        (4 * floats, "Twice too large.", "The two points are 2h apart."),
        (-2 * floats, "The sign is flipped.", "f(x + h) comes first."),
        (np.full(2, 6.0), "All entries were moved at once.", "Each needs its own difference."),
    )
    cut = (
        (np.array([1.0, 3.0]) / (2 * h), "The difference f(1, 2) - f(0, 2) was divided by 2h.",
         "What does an array of integers keep of 1.0001?"),
        (np.zeros(2), "Nothing moved for integers.",
         "What does an array of integers keep of 1.0001?"),
    )  # fmt: skip
    at = np.array([0.3, -0.5])
    slope = np.exp(at[1]) * np.array([np.cos(at[0]), np.sin(at[0])])
    more = "Move one entry at a time, by h up and by h down, and put it back."
    steps = np.array([_wave(integers) - _wave(k) for k in (np.array([0, 2]), np.array([1, 1]))])
    cut_wave = tuple(
        (found, what, why)
        for found, (_, what, why) in zip((steps / (2 * h), np.zeros(2)), cut, strict=True)
    )
    slope_there = np.exp(2.0) * np.array([np.cos(1.0), np.sin(1.0)])
    verdict = judge(
        function,
        [
            Case((_square, floats), 2 * floats, usual, more, where="x₁² + x₂² at (1.0, 2.0)"),
            Case((_wave, at), slope, (), more, where="sin(x₁) exp(x₂) at (0.3, −0.5)"),
            Case((_square, integers), 2 * floats, cut, more, where="x₁² + x₂² at (1, 2)"),
            Case((_wave, integers), slope_there, cut_wave, more, where="sin(x₁) exp(x₂) at (1, 2)"),
        ],
        "Also for integers, and the argument is left as it was.",
    )
    probed = _probe(function, at, h) if verdict or verdict.more == more else None
    return verdict if probed is None else probed


def _probe(function: Any, at: Any, h: float) -> Verdict | None:
    """Watch where the reader's function asks for f, and name a wrong step or type."""
    whole = np.asarray(function(_square, np.array([1, 2])))
    if whole.dtype.kind in "iu":
        return Verdict(
            False, "For integers, the gradient that you return is an array of integers.",
            "What does it keep of 1.9999999?",
        )  # fmt: skip
    asked = []

    def watched(x: Any) -> Any:
        asked.append(np.array(x))
        return _wave(x)

    function(watched, at.copy())
    if any(x.dtype == np.float32 for x in asked):
        return Verdict(
            False, "f was asked in float32, and its seven digits are too few for such a step.",
            "`x.astype(float)` gives float64.",
        )  # fmt: skip
    if any(x.shape != at.shape for x in asked):
        return None
    steps = [float(np.abs(x - at).max()) for x in asked]
    if steps and not math.isclose(max(steps), h, rel_tol=1e-6):
        return Verdict(
            False, "f was asked at another distance than the step of the exercise.",
            "How far from x is x + h?",
        )  # fmt: skip
    return None


CAUGHT = {"3 no sigmoid", "4 sign", "6 large W2", "8 label twice"}
PLANTED = {"5 no mean", "6 large W1", "7 coins", "9 score", "10 no biases"} | CAUGHT
OUTSIDE = {"none", "1 no chain rule"}


@checker
def check_by_heart(names: Any) -> Verdict:
    """Check the names of the faults that keep six examples from their one-hot targets."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        return Verdict(False, "Hand over the names of the faults that are caught, in a list.")
    found = list(names)
    if not all(isinstance(name, str) for name in found):
        return Verdict(False, "Hand over the names of the faults that are caught, in a list.")
    if not found:
        return Verdict(False, "Name at least one fault.", "A wrong sign does not learn.")
    if OUTSIDE & set(found):
        return Verdict(False, "Begin with the fault 3, as the exercise says.")
    unknown = [name for name in found if name not in PLANTED]
    if unknown:
        return Verdict(
            False, f"No fault of `planted` is called {unknown[0]!r}.", f"There are {[*PLANTED]}."
        )
    extra, missing = set(found) - CAUGHT, CAUGHT - set(found)
    if "7 coins" in extra:
        return Verdict(
            False, "One of them learns six examples by heart, whatever their labels are.",
            "A coin can be stored as well as a class.",
        )  # fmt: skip
    if extra:
        return Verdict(
            False, "One of them does not keep the network from fitting six examples.",
            "Name those whose error against the one-hot target stays above 0.01.",
        )  # fmt: skip
    if missing == {"8 label twice"}:
        return Verdict(
            False, "What you name is caught, and that is what the program's own loss sees, too.",
            "Which fault makes the loss agree with a wrong target?",
        )  # fmt: skip
    if missing:
        return Verdict(
            False, "What you name is caught, and that is not all.",
            "Have you tried every fault from the third on, and both matrices?",
        )  # fmt: skip
    return Verdict(True, "Coins pass the test: by heart is not learning.")


def _program(seed: int, n: int, hidden: bool, output: bool, where: str) -> tuple[Any, ...]:
    """Return ``forward, W1, W2, n``: a network with biases, or without, kept in one of three ways.

    ``where`` is "rows" for biases in the last rows of the weights, which a column of ones asks for,
    "apart" for biases that are no part of the weights, and "zeros" for last rows that nothing
    reaches, as zeros were appended.
    """
    rng, width = np.random.default_rng(seed), 5
    W1, W2 = rng.normal(size=(n, width)), rng.normal(size=(width, 2))
    b1, b2 = rng.normal(size=(1, width)) * hidden, rng.normal(size=(1, 2)) * output
    row = where != "apart"

    def layer(a: Any, W: Any, own: Any, b: Any) -> Any:
        last = np.full((len(a), 1), float(where == "rows"))
        z = np.hstack([a, last]) @ W if own else a @ W
        return 1 / (1 + np.exp(-(z if row else z + b)))

    def forward(x: Any, W1: Any, W2: Any) -> tuple[Any, Any]:
        a1 = layer(x, W1, row and hidden, b1)
        return a1, layer(a1, W2, row and output, b2)

    first = np.vstack([W1, b1]) if row and hidden else W1
    second = np.vstack([W2, b2]) if row and output else W2
    return forward, first, second, n


@checker
def check_eighth(function: Any) -> Verdict:
    """Check ``eighth(forward, W1, W2, n)``: whether a₁(x) + a₁(-x) differs from 1 for some x."""
    wrong = unfit(function, "forward, W1, W2, n")
    if wrong is not None:
        return wrong
    mirror = "What do x and −x have to do with each other in such a network?"
    networks = (
        (_program(0, 3, True, True, "rows"), True, "It fails a network with all its biases.",
         mirror),
        (_program(1, 3, False, False, "rows"), False, "It passes a network without any bias.",
         mirror),
        (_program(2, 3, False, True, "rows"), False,
         "It passes a network that has biases at the outputs only.",
         "Look at the hidden values alone."),
        (_program(3, 4, True, False, "rows"), True,
         "It fails a network that has biases at the hidden units only.",
         "Look at the hidden values alone."),
        (_program(4, 2, True, True, "apart"), True,
         "It fails a network that keeps its biases apart from the weights.",
         "Ask `forward`, and not the shapes."),
        (_program(5, 4, True, True, "zeros"), False,
         "It passes a network that appends zeros instead of ones.",
         "Ask `forward`, and not the shapes."),
        (_program(6, 1, False, False, "rows"), False,
         "It passes a network without any bias, and with one input.", mirror),
    )  # fmt: skip
    told = []
    for args, right, words, more in networks:
        try:
            found = function(args[0], *(np.copy(W) for W in args[1:3]), args[3])
        except Exception:  # ``judge`` quotes it
            return judge(function, [Case(args, right, where="a network of such layers")])
        if not isinstance(found, bool | np.bool_):
            return Verdict(False, "Return True or False: has the network hidden biases that work?")
        told.append((bool(found), right, words, more))
    if len({found for found, *_ in told}) == 1:
        where = "Look at a1, not at p, and allow for rounding. " if told[0][0] else ""
        return Verdict(False, f"It says {told[0][0]} about every network.", where + mirror)
    for found, right, words, more in told:
        if found != right:
            return Verdict(False, words, more)
    return Verdict(True, "It needed no labels, no training, and no luck.")


@checker
def check_coins(training: Any, test: Any) -> Verdict:
    """Check both scores on noise with coins for labels: near 1, and near 1/2."""
    found = numbers([training, test])
    if found is None or found.shape != (2,):
        return Verdict(False, "Hand over two numbers: the medians on training and test images.")
    learned, held_out = (float(value) for value in found)
    if not (0 <= learned <= 1 and 0 <= held_out <= 1):
        return Verdict(False, "A score is a number between 0 and 1.")
    stored, chance = learned >= 0.95, abs(held_out - 0.5) <= 0.06
    if stored and chance:
        return Verdict(True, "The answers were stored, and nothing holds for new images.")
    if held_out >= 0.95 and abs(learned - 0.5) <= 0.1:
        return Verdict(False, "The two have changed places: training comes first.")
    if stored and held_out < 0.7:
        return Verdict(
            False, "Training is right. A median of ten runs is not that far from chance.",
            "Single runs scatter: run ten seeds, and take the middle.",
        )  # fmt: skip
    if stored:
        return Verdict(
            False, "Training is right. A coin that was never seen cannot be predicted.",
            "Draw the test images and their labels anew, as `coins` does.",
        )  # fmt: skip
    if abs(learned - 0.5) <= 0.1:
        return Verdict(
            False, "Even with coins for labels, it can do better on images that it has seen.",
            "Take `fixed` with its one-hot target, and count with `honest`.",
        )  # fmt: skip
    return Verdict(
        False, "The score on the training images goes further than that.",
        "Take 60 updates with `fixed`.",
    )  # fmt: skip


ILL: dict[str, frozenset[int]] = {
    "A": frozenset({6}), "B": frozenset({7, 9}), "C": frozenset({3, 4}),
}  # fmt: skip
"""The patients, and what is wrong with them."""
CLEARED = {
    1: "Does `run` stop?", 2: "What does `run` return first?",
    3: "Do the patient's outputs stay between 0 and 1?", 4: "What is the sign of the cosine?",
    5: "Is the ratio the number of examples?", 6: "How large is the first loss?",
    7: "What does a baseline say about the patient's data?",
    8: "Which shapes have the target and the output?",
    9: "What does the patient's score give a perfect output?",
    10: "What do the hidden values at x and −x show, for weights drawn at random?",
}  # fmt: skip
"""By which question a reader can tell whether a patient has this fault."""


def patient(name: str) -> dict[str, Any]:
    """Return a program with hidden faults, in the pieces that the chapter's ``run`` asks for.

    Raises
    ------
    ValueError
        If there is no patient of this name.
    """
    if name not in ILL:
        raise ValueError(f"patient: name is {name!r}, expected one of {[*ILL]}")
    faults = ILL[name]

    def start(rng: np.random.Generator, n_in: int, n_hidden: int, _: int) -> ten_faults.Weights:
        return ten_faults.start(faults, rng, n_in, n_hidden)

    def forward(x: Array, W1: Array, W2: Array) -> tuple[Array, Array]:
        return ten_faults.forward(faults, x, (W1, W2))

    def score(p: Array, y: Labels) -> float:
        listing = ten_faults.SCORE in faults
        return float(np.mean(y == (p > 0.5))) if listing else accuracy(p, y[:, 0])

    return {
        "data": lambda rng: ten_faults.data(faults, rng),
        "start": start,
        "target": lambda y: ten_faults.target(faults, y),
        "forward": forward,
        "loss": lambda p, t: np.mean((p - t) ** 2),
        "backward": lambda *given: ten_faults.backward(faults, *given),
        "accuracy": score,
        "learning_rate": ten_faults.RATE,
        "updates": ten_faults.UPDATES,
    }


@checker
def check_diagnosis(faults: Any) -> Verdict:
    """Check three sets of faults, by their numbers: those of the patients A, B and C."""
    if not isinstance(faults, list | tuple) or len(faults) != len(ILL):
        return Verdict(False, "Hand over three sets of numbers, in a list: for A, B and C.")
    for (name, right), given in zip(ILL.items(), faults, strict=True):
        found = numbers(sorted(given) if isinstance(given, set | frozenset) else given)
        if found is None or found.ndim != 1 or not found.size:
            return Verdict(False, f"{name}: name the faults by their numbers, in a set.")
        named = set(found.tolist())
        if not named <= set(CLEARED):
            return Verdict(False, f"{name}: the faults have the numbers 1 to 10.")
        if len(named) < len(right):  # whether it is there would tell one fault after the other
            return Verdict(
                False, f"{name}: you name too few faults.",
                "Mend what you have found, as in the exercise, and run all checks again.",
            )  # fmt: skip
        if extra := sorted(named - right):
            said = f"{name}: not every fault that you name is there."
            return Verdict(False, said, CLEARED[int(extra[0])])
    return Verdict(True, "Each by a check of its piece, and none by the final score.")
