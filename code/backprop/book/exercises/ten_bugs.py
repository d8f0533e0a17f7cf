"""Checkers of the chapter on ten usual bugs.

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book.bugs import softmax_over_batch
from backprop.book.exercises.debugging_the_article import unfit
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    checker,
    judge,
    judge_value,
    numbers,
)


@checker
def check_used(used: Any, right: Any) -> Verdict:
    """Check (4 - 3)/0.2 = 5 and dL/dw = 2(w - 1) = 6 at w = 4, for L = (w - 1)²."""
    divide = "The weight falls by the learning rate times the gradient. Solve for the gradient."
    old = "The step was taken from w = 4, so the derivative is needed there."
    slope = "How fast does L change there, and not how large is it?"
    mistakes = (
        ((6, 5), "Both numbers are right, but their order is wrong.", ""),
        ((-5, 6), "The sign of the first is wrong.", "Before minus after."),
        ((1, 6), "The first is the step itself.", divide),
        ((0.2, 6), "The first is multiplied by the rate.", divide),
        ((5, 4), "The first is right. Where is the second one taken?", old),
        ((5, 3), "The first is right. The second lacks a factor.",
         "What does the exponent of (w - 1)² become?"),
        ((5, 8), "The first is right. The second is the derivative of w².",
         "The loss is (w - 1)²."),
        ((5, 9), "The first is right. The second is the loss itself.", slope),
        ((5, -6), "The first is right. The sign of the second is wrong.", "Does L grow with w?"),
        ((5, 5), "The first is right. The second repeats what the program did.",
         "Differentiate L."),
        ((6, 6), "The second is right. The first repeats it.", divide),
        ((15, 6), "The first divides w - 1 by the rate.",
         "Divide the difference of the two weights by the rate."),
        ((20, 6), "The first divides the old weight by the rate.",
         "Divide the difference of the two weights by the rate."),
        ((5, 12), "The first is right. The second has a factor too many.",
         "Differentiate (w - 1)² once more: the exponent gives one factor."),
        ((-5, -6), "Both signs are wrong.",
         "Take before minus after, and ask whether L grows with w."),
    )  # fmt: skip
    more = "The first needs only 4, 3 and the rate, the second only the formula of the loss."
    return judge_value(
        (used, right), Case((), [5, 6], mistakes, more), "A sixth is missing: this is a bug."
    )


MISSED = {5, 6, 7, 10}
WHY_MISSED = {
    5: "With one row, the sum over the batch is the sum over the row.",
    6: "Dividing by a batch size of 1 changes nothing.",
    7: "At the first step, nothing is left from before.",
    10: "The check is given images and labels that belong together.",
}
WHY_SEEN = {
    1: "It shows at the first step.",
    2: "One example shows a wrong slope.",
    3: "One example shows a wrong slope, if one of its pre-activations is negative.",
    4: "4-5-5-3 has a square matrix.",
    8: "Dropout is on.",
    9: "Dropout is on.",
}


@checker
def check_missed(bugs: Any) -> Verdict:
    """Check which bugs one step on one example misses: 5, 6, 7 and 10."""
    if not isinstance(bugs, Iterable) or isinstance(bugs, str):
        return Verdict(False, "Hand over the numbers of the bugs, in a list.")
    found = numbers(list(bugs))
    if found is None or found.ndim != 1 or not all(n in range(1, 11) for n in found.tolist()):
        return Verdict(False, "Hand over the numbers of the bugs, from 1 to 10, in a list.")
    given = {int(n) for n in found}
    if extra := sorted(given - MISSED):
        return Verdict(False, f"Bug {extra[0]} does show.", WHY_SEEN[extra[0]])
    if missing := sorted(MISSED - given):
        more = WHY_MISSED[missing[0]]
        return Verdict(False, "None of these is seen, but another one is not seen either.", more)
    return Verdict(True, "Two steps, five examples, and a baseline for the data would see them.")


Orders = tuple[Array, Array]


@checker
def check_shuffled(shuffled: Answer) -> Verdict:
    """Check ``shuffled(rng, x, y)``: both in one new order, the given arrays left alone."""
    wrong = unfit(shuffled, "rng, x, y")
    if wrong is not None:
        return wrong
    if not callable(shuffled):
        return judge(shuffled, [])
    moved = 0
    orders = []
    for seed in range(4):
        x, y = np.arange(24.0).reshape(12, 2), np.arange(12)
        try:
            found = shuffled(np.random.default_rng(seed), x, y)
        except Exception as error:
            return Verdict(False, f"It raised {type(error).__name__}: {error}")
        if found is None:
            return Verdict(False, "It returns None: is a return missing?")
        if not isinstance(found, list | tuple) or len(found) != 2:
            return Verdict(False, "Return two arrays: images and labels.")
        if not np.array_equal(y, np.arange(12)) or not np.array_equal(
            x, np.arange(24.0).reshape(12, 2)
        ):
            return Verdict(False, "It changed its arguments in place: work on copies.")
        images, labels = (np.asarray(part) for part in found)
        if images.shape != x.shape or labels.shape != y.shape:
            return Verdict(False, "One of your arrays has another shape than the one it came from.",
                           "Index the rows: x[order].")  # fmt: skip
        if sorted(labels.tolist()) != list(range(12)):
            return Verdict(False, "Some labels are there twice, and others are gone.",
                           "An order names each row once: rng.permutation(len(x)).")  # fmt: skip
        if sorted(map(tuple, images.tolist())) != sorted(map(tuple, x.tolist())):
            return Verdict(False, "The rows of x are not all there, or were taken apart.",
                           "Index the rows: x[order].")  # fmt: skip
        if not np.array_equal(images[:, 0], 2 * labels):
            return Verdict(False, "An image and its label do not stay together.",
                           "Draw one order, and use it for both.")  # fmt: skip
        again = np.asarray(shuffled(np.random.default_rng(seed), x.copy(), y.copy())[1])
        if not np.array_equal(again, labels):
            return Verdict(False, "Two generators with the same seed give two different orders.",
                           "Draw the order from rng, not from np.random.")  # fmt: skip
        moved += not np.array_equal(labels, y)
        orders.append(labels.tolist())
    if not moved:
        return Verdict(False, "Nothing moved.")
    if all(order == orders[0] for order in orders):
        return Verdict(False, "The order is the same for each generator.", "Draw it from rng.")
    if all(set(np.diff(order) % 12) <= {1} or set(np.diff(order) % 12) <= {11} for order in orders):
        return Verdict(False, "The rows are shifted, but neighbours stay neighbours.",
                       "A new order of all rows: rng.permutation(len(x)).")  # fmt: skip
    return Verdict(True, "One order, used twice.")


def softmax_over_classes(z: Array) -> Array:
    """Divide by the sum over each column: another wrong axis."""
    e = np.exp(z - z.max())
    return np.asarray(e / e.sum(axis=0))


def no_division(z: Array) -> Array:
    """Leave the division out."""
    return np.asarray(np.exp(z - z.max(axis=1, keepdims=True)))


def last_row_doubled(z: Array) -> Array:
    """Be right in all rows but the last."""
    p = softmax(z)
    p[-1] *= 2
    return p


def exchanged(z: Array) -> Array:
    """Give one row half of another one's share: the total stays right."""
    p = softmax(z)
    p[0], p[-1] = 1.5 * p[0], 0.5 * p[-1]
    return p


TRIED: tuple[tuple[Answer, bool, str], ...] = (
    (softmax, True, "A right softmax does not pass it."),
    (softmax_over_batch, False, "The softmax over the whole batch passes it."),
    (softmax_over_classes, False, "A softmax whose COLUMNS sum to 1 passes it."),
    (no_division, False, "A softmax without the division passes it."),
    (last_row_doubled, False, "One that is wrong in its last row alone passes it."),
    (exchanged, False, "One passes in which the first row has too much and the last too little."),
)
WHY = (
    "Sum along axis 1, and leave room for rounding: np.allclose.",
    "Does your z have several rows? Does the sum run along axis 1?",
    "The sum runs along axis 1. Does your z have as many rows as columns?",
    "Compare the sums with 1.",
    "All rows, not the first alone.",
    "Each row, not their total or mean.",
)


@checker
def check_row_test(row_test: Answer) -> Verdict:
    """Check ``row_test(softmax)``: True if every row of the function's result sums to 1."""
    wrong = unfit(row_test, "softmax")
    if wrong is not None:
        return wrong
    if not callable(row_test):
        return judge(row_test, [])
    for (function, right, message), why in zip(TRIED, WHY, strict=True):
        try:
            found = row_test(function)
        except Exception as error:
            return Verdict(False, f"It raised {type(error).__name__}: {error}")
        if found is None:
            return Verdict(False, "It returns None: is a return missing?")
        if not isinstance(found, bool | np.bool_):
            return Verdict(False, "Return True or False: one answer for all rows.")
        if bool(found) != right:
            return Verdict(False, message, why)
    return Verdict(True, "It needs no derivative, and it finds bug 5.")


def _bowl(w: Array) -> Array:
    return np.asarray(np.array([1.0, 4.0]) * w - np.array([1.0, 2.0]))


def _plain() -> Answer:
    return lambda w: w - 0.1 * _bowl(w)


def _summed() -> Answer:
    total = np.zeros(2)

    def step(w: Array) -> Array:
        nonlocal total
        total = total + _bowl(w)
        return w - 0.1 * total

    return step


def _halved() -> Answer:
    return lambda w: w - 0.05 * _bowl(w)


def _one_entry() -> Answer:
    return lambda w: w - 0.1 * _bowl(w) * np.array([1.0, 0.0])


def _climbs() -> Answer:
    return lambda w: w + 0.1 * _bowl(w)


def _in_place() -> Answer:
    def step(w: Array) -> Array:
        w -= 0.1 * _bowl(w)
        return w

    return step


PROGRAMS: tuple[Answer, ...] = (_plain, _halved, _one_entry, _climbs, _summed, _in_place)


def largest(step: Answer, w: Array, steps: Iterable[int] = (0, 1), rate: float = 0.1) -> float:
    """Return the largest difference between used and right gradient, at these of two steps."""
    found = []
    for _ in range(2):
        after = np.array(step(w.copy()))
        found.append(float(np.abs((w - after) / rate - _bowl(w)).max()))
        w = after
    return max(found[k] for k in steps)


def _slip(used: Answer) -> Callable[[], float]:
    """Return what a detector finds in the right program if it takes this for the difference."""

    def found() -> float:
        step, w, sizes = _plain(), np.array([3.0, 2.0]), []
        for _ in range(2):
            after = step(w)
            sizes.append(float(np.abs(used(w, after)).max()))
            w = after
        return max(sizes)

    return found


SLIPS: tuple[tuple[Callable[[], float], str], ...] = (
    (_slip(lambda w, after: (w - after) / 0.1 - _bowl(after)),
     "The gradient of each step belongs to the weights BEFORE that step."),
    (_slip(lambda w, after: (w - after) - _bowl(w)), "The step is not yet divided by the rate."),
    (_slip(lambda w, after: (after - w) / 0.1 - _bowl(w)), "Take before minus after."),
    (_slip(lambda w, after: (w - after) * 0.1 - _bowl(w)), "Divide by the rate."),
)  # fmt: skip


@checker
def check_detector(detector: Answer) -> Verdict:
    """Check ``detector(step, gradient, w, rate)``: the largest |used - right| over two steps.

    ``step(w)`` returns the weights after one update of a program that may keep things from step to
    step, and may change ``w`` in place; ``gradient(w)`` is an independent gradient.
    """
    wrong = unfit(detector, "step, gradient, w, rate")
    if wrong is not None:
        return wrong
    if not callable(detector):
        return judge(detector, [])
    for k, make in enumerate(PROGRAMS):
        w = np.array([3.0, 2.0])
        right = largest(make(), w)
        try:
            found = detector(make(), _bowl, w, 0.1)
        except Exception as error:
            return Verdict(False, f"It raised {type(error).__name__}: {error}")
        if make is not _in_place and not np.array_equal(w, [3.0, 2.0]):
            return Verdict(False, "It changed w in place: work on a copy.")
        if found is None:
            return Verdict(False, "It returns None: is a return missing?")
        if isinstance(found, bool | np.bool_):
            return Verdict(False, "Return the difference itself, not a verdict on it.")
        number = numbers(found)
        if number is None or number.ndim:
            return Verdict(False, "Return one number.")
        off = abs(float(number) - right)
        if off <= 1e-9 * (1 + right):
            continue
        if make is _in_place:
            return Verdict(
                False, "It finds a difference in a right program that changes w in place.",
                "Before each step, copy w and take the gradient.",
            )  # fmt: skip
        if k == 0:
            for slip, more in SLIPS:
                if abs(float(number) - slip()) < 1e-9:
                    return Verdict(False, "It finds a difference in a right program.", more)
            return Verdict(
                False, "It finds a difference in a right program.",
                "Is each step compared with the gradient at the weights where that step starts?",
            )  # fmt: skip
        if float(number) < 1e-12:
            what = ("half a step", "a step in one weight only", "a climb", "a sum of gradients")
            return Verdict(
                False, f"It overlooks a program that takes {what[k - 1]}.",
                "Both steps, every entry, and the size of the difference whatever its sign.",
            )  # fmt: skip
        if make is _summed and abs(float(number) - largest(make(), w, (0,))) < 1e-9:
            return Verdict(False, "Only the first step counts.", "The second may differ.")
        if abs(float(number) - right * 0.1) < 1e-9:
            return Verdict(False, "This compares steps.", "Divide the step by the rate.")
        if abs(float(number) - largest(make(), w, (0,))) < 1e-9:
            return Verdict(False, "Only the first step counts.", "The second may differ.")
        if abs(float(number) - largest(make(), w, (1,))) < 1e-9:
            return Verdict(False, "Only the second step counts.", "Keep the larger of both.")
        return Verdict(
            False, "It finds a difference, but not the largest absolute one.",
            "Exactly two steps, all entries: no sum, no mean, nothing divided by the gradient.",
        )  # fmt: skip
    return Verdict(True, "It has caught four wrong programs, and let two right ones pass.")


@checker
def check_bias_gradient(function: Any) -> Verdict:
    """Check ``bias_gradient(z, y)``, ∂L/∂b of a softmax regression: z (B, K), y (B,) to (K,)."""
    wrong = unfit(function, "z, y")
    if wrong is not None:
        return wrong
    z = np.array([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0], [-1.0, 0.3, 0.2], [0.0, 0.1, 0.7]])
    y = np.array([0, 2, 1, 1])
    delta = softmax(z) - np.eye(3)[y]
    right = delta.mean(axis=0)
    stretched = "The classes were summed as well.", "In each row they cancel: p and y sum to 1."
    axis = "The wrong axis was summed.", "A bias belongs to a class, not to a row."
    mistakes = (
        (0.0, *stretched),
        (np.zeros(3), *stretched),
        (-right, "The sign is turned.", "The error is p - y."),
        (right * len(z), "The mean over the batch is missing.", "Divide by the number of rows."),
        (right / len(z), "The mean over the batch is taken twice.", ""),
        (delta / len(z), "This is one row per example.", "All have the same bias, so sum."),
        (delta, "This is one row per example.", "All have the same bias, so take the mean."),
        (delta.sum(axis=1), *axis),
        (delta.mean(axis=1), *axis),
        (softmax(z).mean(axis=0), "The targets are missing.", "The error is p - y."),
        ((z - np.eye(3)[y]).mean(axis=0), "The softmax is missing.", "The error is p - y."),
        (
            (softmax_over_classes(z) - np.eye(3)[y]).mean(axis=0),
            "The softmax runs along the wrong axis.",
            "Each row of p sums to 1.",
        ),
        (
            (softmax_over_batch(z) - np.eye(3)[y]).mean(axis=0),
            "The softmax runs over the whole batch: this is bug 5.",
            "Each row of p sums to 1.",
        ),
    )
    more = "Write the error p - y of each row first. Which rows does one bias reach?"
    return judge(
        function,
        [Case((z, y), right, mistakes, more)],
        "The entries sum to 0: what one bias gains, the others lose.",
    )


AT = (3.0, -2.0, 0.5, 1.0)
RATES = (0.1, 0.25)


@checker
def check_two_wrongs(gradient: Any, update: Any) -> Verdict:
    """Check two bugs that cancel: ``gradient(w)`` of L = (w - 1)² and ``update(w, g, rate)``."""
    for function, names in ((gradient, "w"), (update, "w, g, rate")):
        wrong = unfit(function, names)
        if wrong is not None:
            return wrong
    if not callable(gradient) or not callable(update):
        return Verdict(False, "Hand over two functions without calling them: gradient, update.")
    places = [(w, rate) for w in AT for rate in RATES]
    try:
        slopes = [gradient(w) for w, _ in places]
        steps = [update(w, g, rate) for (w, rate), g in zip(places, slopes, strict=True)]
        alone = [update(w, 3.0, rate) for w, rate in places]
        other = [update(w, -7.0, rate) for w, rate in places]
    except Exception as error:
        return Verdict(False, f"It raised {type(error).__name__}: {error}")
    if any(found is None for found in (*slopes, *steps)):
        return Verdict(False, "One of them returns None: is a return missing?")
    arrays = [numbers(part) for part in (slopes, steps, alone, other)]
    if any(part is None or part.shape != (len(places),) for part in arrays):
        return Verdict(False, "Each of them returns one number.")
    found, after, third, seventh = (np.asarray(part) for part in arrays)
    w, rate = np.array(places).T
    right = 2 * (w - 1)
    cancel = np.allclose(after, w - rate * right, rtol=1e-9, atol=1e-12)
    good_gradient = np.allclose(found, right, rtol=1e-9, atol=1e-12)
    good_update = np.allclose(third, w - 3 * rate, rtol=1e-9, atol=1e-12)
    if good_gradient and good_update:
        return Verdict(False, "Neither of them is wrong: this is the right program.")
    if not cancel and any(np.allclose(after, sign * rate * right) for sign in (1, -1)):
        return Verdict(False, "The update returns the step.", "Return the new weight.")
    if not cancel and good_update:
        return Verdict(False, "The gradient is wrong, and the update does not undo it.",
                       "Which update makes a right step of a gradient with that bug?")  # fmt: skip
    if not cancel and good_gradient:
        return Verdict(False, "The update is wrong, and the gradient does not undo it.",
                       "Which gradient makes a right step of an update with that bug?")  # fmt: skip
    if not cancel:
        return Verdict(False, "Both are wrong, but the two do not cancel for every w and rate.",
                       "Try a sign in both, or a factor and its inverse.")  # fmt: skip
    if np.allclose(third, seventh):
        return Verdict(False, "The update does not use the gradient that it is given.",
                       "A wrong sign or factor may enter, but with g.")  # fmt: skip
    if good_gradient:
        return Verdict(False, "The gradient is right. Plant a bug in it, too.")
    return Verdict(True, "The weights cannot tell. Only a check of the gradient itself can.")
