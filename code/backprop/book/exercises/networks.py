"""Checkers of the chapter "Networks".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from backprop.activations import relu, sigmoid
from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Verdict,
    checker,
    distinct,
    judge,
    judge_value,
    misfit,
    numbers,
)

Mistakes = Sequence[tuple[Any, str, str]]
WIDTHS = (64, 32, 16, 10)


def _read(answer: Any) -> Any:
    """Return a typed answer with its text, such as "2,778" or "-5/2", read as numbers."""
    if isinstance(answer, list | tuple):
        return [_read(part) for part in answer]
    if not isinstance(answer, str):
        return answer
    try:
        return float(Fraction(answer.replace(",", "").replace("−", "-").replace(" ", "")))
    except (ValueError, ZeroDivisionError):
        return answer


def _part(name: str, answer: Any, expected: float, mistakes: Mistakes, more: str) -> Verdict:
    """Judge one of several numbers, and name it."""
    if answer is None:
        return Verdict(False, f"{name}: this is None. Give a number.")
    kept = distinct(mistakes, expected)
    if not float(expected).is_integer():
        short = [float(f"{expected:.{digits}g}") for digits in (1, 2)]
        kept += [(s, "Rounded too far: give three significant digits.", "") for s in short]
    verdict = judge_value(_read(answer), Case((), expected, kept, more))
    return verdict if verdict else replace(verdict, message=f"{name}: {verdict.message}")


@checker
def check_unit(z: Any, a: Any, slope: Any) -> Verdict:
    """Check a sigmoid unit with w = (½, 1, -½), b = 1 at x = (2, -1, 4).

    z = 1 - 1 - 2 + 1 = -1, a = σ(-1) = 1/(1 + e), slope = a (1 - a).
    """
    right = -1.0
    sig = 1 / (1 + np.exp(1.0))
    sums = (
        (-2.0, "The bias is missing.", ""),
        (-3.0, "The bias is added, and not subtracted.", ""),
        (1.0, "One sign is lost.", "The second input and the third weight are negative."),
        (3.0, "The sign of the third product is lost.", "The third weight is negative."),
        (5.0, "Two signs are lost.", "The second input and the third weight are negative."),
        (sig, "This is the activation. Give the sum first.", ""),
    )
    outputs = (
        (1 / (1 + np.exp(-1.0)), "This is the sigmoid of +1.", "At z = -1, e⁻ᶻ is e."),
        (0.0, "This is the ReLU. The unit has the sigmoid.", ""),
        (right, "This is z. Apply the sigmoid to it.", ""),
        (np.tanh(right), "This is tanh. The unit has the sigmoid.", ""),
        (np.exp(right), "This is e^z.", "σ(z) = 1/(1 + e⁻ᶻ)."),
        (1 + np.e, "This is the denominator.", "σ(z) = 1/(1 + e⁻ᶻ)."),
        (-sig, "The sign is wrong: the sigmoid is positive everywhere.", ""),
    )
    slopes = (
        (sig, "This is σ(z) itself.", "The slope is σ(z) (1 - σ(z))."),
        (1 - sig, "This is 1 - σ(z), one of the two factors.", ""),
        (0.25, "This is the slope at z = 0, where it is largest.", ""),
        (-sig * (1 - sig), "The sign is wrong: the sigmoid rises everywhere.", ""),
        (1 - sig**2, "1 - a² is the slope of tanh.", "The slope is σ(z) (1 - σ(z))."),
        (1 - np.tanh(right) ** 2, "This is the slope of tanh.", "The slope is σ(z) (1 - σ(z))."),
        (right * (1 - right), "Put σ(z) into the formula, not z.", ""),
        (
            -np.exp(1.0) / (1 + np.exp(1.0)) ** 2,
            "The sign is wrong: the sigmoid rises everywhere.",
            "",
        ),
    )
    for verdict in (
        _part("z", z, right, sums, "Multiply each input by its weight, then add up."),
        _part("a", a, float(sig), outputs, "σ(z) = 1/(1 + e⁻ᶻ), and e⁻ᶻ = e here."),
        _part("slope", slope, float(sig * (1 - sig)), slopes, "The slope is σ(z) (1 - σ(z))."),
    ):
        if not verdict:
            return verdict
    return Verdict(True, "Sum, activation, and how steep the activation is there.")


@checker
def check_parameters(answer: Any) -> Verdict:
    """Check the number of parameters of a 64-32-16-10 network."""
    weights = sum(a * b for a, b in pairwise(WIDTHS))
    units = sum(WIDTHS[1:])
    first = "Take the layers one at a time: weights n_in · n_out, biases n_out."
    mistakes = (
        (weights, "These are the weights alone: every unit has a bias as well.", first),
        (
            weights + sum(WIDTHS),
            "The inputs were given a bias each: they are numbers, not units.",
            first,
        ),
        (
            weights + len(WIDTHS) - 1,
            "A layer has one bias for each of its units, not one in all.",
            first,
        ),
        (units, "These are the biases alone.", first),
        (WIDTHS[0] * WIDTHS[1], "These are the weights of the first layer alone.", first),
        (
            WIDTHS[0] * WIDTHS[1] + WIDTHS[1],
            "This is the first layer alone. There are two more.",
            first,
        ),
        (
            weights + WIDTHS[1],
            "Only the first hidden layer was given biases.",
            first,
        ),
        (sum(WIDTHS), "These are the widths, added up.", first),
        (weights + units - WIDTHS[-1], "The output units have a bias too.", first),
        (
            weights + sum(WIDTHS[:-1]),
            "Biases belong to the units of a layer, not to its inputs.",
            first,
        ),
        (weights + 2 * units, "The biases are counted twice.", first),
        (
            weights + units - (WIDTHS[-2] + 1) * WIDTHS[-1],
            "The output layer is missing.",
            first,
        ),
        (int(np.prod(WIDTHS)), "Each pair of neighbouring layers has a matrix of its own.", first),
    )
    praise = "Most of them are in the first layer."
    if answer is None:
        return Verdict(False, "This is None. Give a number.")
    return judge_value(_read(answer), Case((), weights + units, mistakes, first), praise)


@checker
def check_hinges(weights: Any, bias: Any) -> Verdict:
    """Check the curve b + w₁ ReLU(s) + w₂ ReLU(s - 1) + w₃ ReLU(s - 3) through four points.

    The points are (0, 1), (1, 3), (3, 2) and (4, 2): slopes 2, -½ and 0, so that w is the first
    slope and then the changes of slope, 2, -5/2 and ½, and b = 1.
    """
    changes = "Each unit adds to the slope of all that is to the right of its kink."
    two_wide = "The second piece is two wide."
    mistakes = (
        ([2, -0.5, 0], "These are the slopes of the pieces.", changes),
        ([2, -1, 0], "These are the rises from point to point.", changes),
        ([2, -3, 1], "One slope is wrong, and two weights with it.", two_wide),
        ([2, 2.5, -0.5], "The first is right. The other two have the wrong sign.", changes),
        (
            [2, -2.5, -0.5],
            "The first two weights are right.",
            "How does the slope change at the last kink, up or down, and by how much?",
        ),
        (
            [2, -2.5, 0],
            "The first two weights are right.",
            "How does the slope change at the last kink, up or down, and by how much?",
        ),
        ([2, -0.5, 0.5], "The slope falls from 2, not from 0.", changes),
        ([2, -1.5, 0.5], "The second slope is negative, so the slope falls by more.", changes),
        ([2, 2.5, 0.5], "The second weight has the wrong sign.", changes),
        ([1, 3, 2], "These are heights of the curve.", changes),
        ([3, 2, 2], "These are heights of the curve.", changes),
        ([3, -2.5, 0.5], "The first is a slope, not a height.", "From (0, 1) to (1, 3)."),
        ([1, -2.5, 0.5], "The first is wrong.", "From (0, 1) to (1, 3) the curve rises by 2."),
        ([0.5, -2.5, 2], "The numbers are right, and their order is not.", ""),
    )
    if weights is None:
        return Verdict(False, "The weights are None. Give a list of three numbers.")
    found = numbers(_read(weights))
    row = weights if found is None or found.shape not in {(1, 3), (3, 1)} else found.ravel()
    verdict = judge_value(_read(row), Case((), [2, -2.5, 0.5], mistakes, changes))
    if not verdict:
        return verdict
    start = "At s = 0 all three units give 0."
    off = (
        (0.0, "Then the height at s = 0 would be 0.", start),
        (3.0, "This is the height at s = 1.", start),
        (2.0, "This is the height at s = 4, or the first slope.", start),
        (-1.0, "Its sign is wrong.", start),
    )
    alone = numbers(_read(bias)) if bias is not None else None
    if alone is not None and alone.size == 1:
        bias = alone.item()  # as a list of one
    verdict = _part("b", bias, 1.0, off, start)
    praise = "The first slope, and then the changes of slope."
    return Verdict(True, praise) if verdict else verdict


@checker
def check_twins(*letters: Any) -> Verdict:
    """Check which of the changes A to F separate the twins: an unequal weight into or out of one.

    The letters may come as one string, as several, or as a list or set.
    """
    found: set[str] = set()
    for part in letters:
        for word in part if isinstance(part, list | tuple | set | frozenset) else [part]:
            if not isinstance(word, str):
                return Verdict(False, "Answer with letters, such as 'A' or 'AB'.")
            listed = re.sub(r"\bAND\b", " ", word.upper())
            found |= {letter for letter in listed if letter.isalnum()}
    if not found:
        return Verdict(False, "At least one of the changes separates them.")
    if unknown := sorted(found - set("ABCDEF")):
        return Verdict(False, f"There is no change {unknown[0]}. The letters run from A to F.")
    untrue = {
        "A": "With a larger step, both units change more, but by the same factor.",
        "D": "Whatever the examples are, both units see the same ones.",
        "E": "After this change the two units are still equal in everything.",
        "F": "Unit 3 has no part in what makes units 1 and 2 alike.",
    }
    more = "Twins have equal weights from the inputs and equal weights to the output."
    for letter, why in untrue.items():
        if letter in found:
            return Verdict(False, f"{letter}: {why}", more)
    if found != {"B", "C"}:
        return Verdict(False, "There is another change that separates them.", more)
    return Verdict(True, "Twins separate only if something treats one of them differently.")


@dataclass(frozen=True)
class _Given:
    """The arrays that a function is called with; its repr names each and its shape."""

    names: Sequence[str]
    arrays: Sequence[Array]

    def __repr__(self) -> str:
        return ", ".join(
            f"{name} {array.shape}" for name, array in zip(self.names, self.arrays, strict=True)
        )

    def call(self, function: Answer) -> tuple[Any, bool]:
        """Return the function's answer to copies, and whether it left them as they were."""
        copies = [array.copy() for array in self.arrays]
        answer = function(*copies)
        kept = all(np.array_equal(a, b) for a, b in zip(copies, self.arrays, strict=True))
        return answer, kept


def _uncallable(function: Any, names: Sequence[str]) -> Verdict | None:
    """Return what to say to something that cannot be called with the named arguments."""
    if not callable(function):
        return judge(function, [])
    named = ", ".join(names)
    return misfit(function, named, f"The function must take {len(names)} arguments: {named}.")


def _failure(function: Answer, given: _Given) -> Verdict | None:
    """Return what to say where the function raises, or changes what it was given."""
    try:
        _, kept = given.call(function)
    except Exception as error:  # the reader's code: whatever it raises is the message
        return Verdict(False, f"With {given} it raised {type(error).__name__}: {error}")
    if not kept:
        return Verdict(False, f"It changed one of its arguments in place, with {given}.")
    return None


def _shown(a: Any, b: Any) -> bool:
    return np.shape(a) == np.shape(b) and bool(np.allclose(a, b))


def _tried(formula: Callable[[], Any]) -> Any:
    """Return the answer of a mistake, or None where its shapes do not fit."""
    try:
        return formula()
    except ValueError:
        return None


def _told(found: Sequence[tuple[Callable[[], Any], str, str]], right: Any) -> Mistakes:
    """Leave out mistakes that cannot be computed here, or make no difference."""
    tried = [(_tried(formula), hint, more) for formula, hint, more in found]
    return [m for m in tried if m[0] is not None and not _shown(m[0], right)]


@checker
def check_forward(function: Answer) -> Verdict:
    """Check ``function(x, W1, b1, W2, b2)``: ReLU hidden units, sigmoid outputs, rows."""
    names = ("x", "W1", "b1", "W2", "b2")
    wrong = _uncallable(function, names)
    if wrong is not None:
        return wrong
    rng = np.random.default_rng(0)
    cases = []
    # A single example first, since a column instead of a row shows there; square cases last.
    for batch, n0, n1, n2 in ((1, 2, 3, 2), (5, 4, 3, 2), (3, 3, 3, 3)):
        x, W1, b1 = rng.normal(size=(batch, n0)), rng.normal(size=(n0, n1)), rng.normal(size=n1)
        W2, b2 = rng.normal(size=(n1, n2)), rng.normal(size=n2)
        cases.append(_forward_case(_Given(names, (x, W1, b1, W2, b2))))

    def outputs(given: _Given) -> Any:
        return given.call(function)[0]

    for k, case in enumerate(cases):
        wrong = _failure(function, case.args[0])
        if wrong is None:
            continue
        if k and not (earlier := judge(outputs, cases[:k])):
            return earlier
        # A bias that is a column raises unless all sizes are equal: see what it gives there.
        square = cases[-1]
        if _failure(function, square.args[0]) is None:
            named = judge(outputs, [square])
            if named.message in {hint for _, hint, *_ in square.mistakes}:
                return named
        return wrong
    return judge(outputs, cases, "The same code serves one example and a batch.")


def _forward_case(given: _Given) -> Case:
    x, W1, b1, W2, b2 = given.arrays
    z1 = x @ W1 + b1
    z2 = relu(z1) @ W2 + b2
    right = sigmoid(z2)
    column = "b is a row: NumPy adds it to each row of x W by itself."
    mistakes: list[tuple[Callable[[], Any], str, str]] = [
        (
            lambda: sigmoid(z1 @ W2 + b2),
            "The hidden units have no activation, so the two layers collapse into one.",
            "Apply np.maximum(0, ...) between the two layers.",
        ),
        (lambda: z2, "The output unit stops at its sum z: the sigmoid is missing.", ""),
        (lambda: relu(z2), "The output's activation is the sigmoid, not the ReLU.", ""),
        (lambda: sigmoid(relu(z2)), "The output went through a ReLU as well.", ""),
        (
            lambda: sigmoid(sigmoid(z1) @ W2 + b2),
            "The hidden activation is the ReLU, not the sigmoid.",
            "",
        ),
        (
            lambda: relu(sigmoid(z1) @ W2 + b2),
            "The two activation functions have changed places.",
            "",
        ),
        (lambda: sigmoid(np.tanh(z1) @ W2 + b2), "The hidden activation is the ReLU.", ""),
        (
            lambda: sigmoid(np.where(z1 > 0, z1, 0.01 * z1) @ W2 + b2),
            "This is the leaky ReLU. The ReLU is 0 where z is negative.",
            "",
        ),
        (
            lambda: sigmoid(np.minimum(0, z1) @ W2 + b2),
            "This is min(0, z). The ReLU keeps positive numbers.",
            "",
        ),
        (lambda: sigmoid(np.abs(z1) @ W2 + b2), "This is |z|. The ReLU is 0 where z < 0.", ""),
        (
            lambda: sigmoid((relu(x @ W1) + b1) @ W2 + b2),
            "The hidden bias was added after the ReLU. It belongs to the sum.",
            "",
        ),
        (
            lambda: sigmoid(relu(z1) @ W2) + b2,
            "The output's bias was added after the sigmoid. It belongs to the sum.",
            "",
        ),
        (
            lambda: np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True),
            "This is the softmax. Each output has a sigmoid of its own.",
            "",
        ),
        (lambda: sigmoid(-z2), "The sign in the exponent is wrong: σ(z) = 1/(1 + e⁻ᶻ).", ""),
        (lambda: sigmoid(relu(x @ W1) @ W2 + b2), "The hidden bias is missing.", ""),
        (lambda: sigmoid(relu(z1) @ W2), "The output's bias is missing.", ""),
        (lambda: sigmoid(relu(x @ W1) @ W2), "Both biases are missing.", ""),
        (lambda: sigmoid(relu(x @ W1) @ W2 + b2 + b1[: len(b2)]), "b1 belongs inside.", ""),
        (
            lambda: sigmoid(relu(x @ W1 + b1[:, None]) @ W2 + b2[:, None]),
            "The biases were added as columns.",
            column,
        ),
        (
            lambda: sigmoid(relu(x @ W1 + b1[:, None]) @ W2 + b2),
            "The hidden bias was added as a column.",
            column,
        ),
        (
            lambda: sigmoid(relu(z1) @ W2 + b2[:, None]),
            "The output's bias was added as a column.",
            column,
        ),
        (
            lambda: sigmoid(relu(x @ W1 + b1[:, None]) @ W2),
            "The hidden bias was added as a column, and the output's bias is missing.",
            column,
        ),
        (
            lambda: sigmoid(relu(z1).sum(axis=0) @ W2 + b2),
            "The rows were summed: keep one per example.",
            "",
        ),
        (lambda: right.T, "This is the transpose: rows are examples, columns are units.", ""),
    ]
    return Case((given,), right, _told(mistakes, right), "Try it with one row of x.")


@checker
def check_to_sigmoid(function: Answer) -> Verdict:
    """Check ``function(W1, b1, W2, b2)``: arrays of a sigmoid network equal to the tanh network.

    tanh z = 2 σ(2z) - 1, so W1, b1 and W2 are doubled, and b2 loses the column sums of W2. Judged
    by the two networks' outputs.
    """
    names = ("W1", "b1", "W2", "b2")
    wrong = _uncallable(function, names)
    if wrong is not None:
        return wrong
    rng = np.random.default_rng(1)
    cases = []
    for n0, n1, n2 in ((2, 4, 3), (3, 2, 1)):
        W1, b1 = rng.normal(size=(n0, n1)), rng.normal(size=n1)
        W2, b2 = rng.normal(size=(n1, n2)), rng.normal(size=n2)
        given = _Given(names, (W1, b1, W2, b2))
        wrong = _failure(function, given)
        if wrong is None:
            wrong = _misshapen(given.call(function)[0], given)
        if wrong is not None:
            return wrong
        cases.append(_sigmoid_case(given))

    def outputs(given: _Given) -> Any:
        V1, c1, V2, c2 = (np.asarray(p, dtype=np.float64) for p in given.call(function)[0])
        return sigmoid(POINTS[: len(V1)].T @ V1 + c1) @ V2 + c2

    return judge(outputs, cases, "The two kinds of network compute the same functions.")


def _misshapen(found: Any, given: _Given) -> Verdict | None:
    """Return what to say where these are not four arrays of the given ones' shapes."""
    if found is None:
        return Verdict(False, "The function returns None: is a return missing?")
    if not isinstance(found, tuple | list) or len(found) != 4:
        return Verdict(False, "Return four arrays: W1, b1, W2, b2.")
    for name, old, part in zip(given.names, given.arrays, found, strict=True):
        new = numbers(part)
        if new is None:
            return Verdict(False, f"The new {name} does not hold numbers only.")
        # A bias may be one row; NumPy adds it just the same.
        if new.shape != old.shape and (old.ndim > 1 or new.shape != (1, old.size)):
            message = f"The new {name} has the shape {new.shape}; the old one had {old.shape}."
            return Verdict(False, message, "Sum over the hidden units, which is axis 0 of W2.")
    return None


POINTS = np.random.default_rng(2).normal(size=(3, 6))
"""Inputs, one per column."""


def _sigmoid_case(given: _Given) -> Case:
    W1, b1, W2, b2 = given.arrays
    x = POINTS[: len(W1)].T
    right = np.tanh(x @ W1 + b1) @ W2 + b2
    shift = W2.sum(axis=0)

    def net(V1: Array, c1: Array, V2: Array, c2: Array) -> Callable[[], Any]:
        return lambda: sigmoid(x @ V1 + c1) @ V2 + c2

    insert = "Insert a = 2c - 1 with c = σ(2z) into a W2 + b2, and multiply out."
    inner = "tanh z = 2 σ(2z) - 1: the argument is doubled as well."
    mistakes = [
        (net(W1, b1, W2, b2), "Nothing has changed.", inner),
        (net(2 * W1, 2 * b1, W2, b2), "The first layer is right.", insert),
        (net(2 * W1, 2 * b1, 2 * W2, b2), "The -1 of 2σ - 1 is missing.", insert),
        (net(2 * W1, 2 * b1, W2, b2 - shift), "The factor 2 of 2σ - 1 is missing.", insert),
        (net(2 * W1, b1, 2 * W2, b2 - shift), "The hidden bias is not doubled.", inner),
        (net(W1, b1, 2 * W2, b2 - shift), "The argument is not doubled.", inner),
        (net(W1, 2 * b1, 2 * W2, b2 - shift), "W1 is not doubled.", inner),
        (net(W1 / 2, b1 / 2, 2 * W2, b2 - shift), "The argument is halved.", inner),
        (
            net(2 * W1, 2 * b1, 2 * W2, b2 + shift),
            "The output's bias was changed in the wrong direction.",
            insert,
        ),
        (
            net(2 * W1, 2 * b1, 2 * W2, b2 - 2 * shift),
            "The output's bias was changed by twice too much.",
            insert,
        ),
        (net(2 * W1, 2 * b1, 2 * W2, b2 - 1), "Each unit brings a -1, times its weight.", insert),
        (
            net(2 * W1, 2 * b1, 2 * W2, b2 - W2.sum()),
            "Each output loses the sum of its own weights.",
            "That is a sum over axis 0.",
        ),
        (net(2 * W1, 2 * b1, 2 * W2, 2 * b2 - shift), "b2 itself is not doubled.", insert),
    ]
    return Case((given,), right, _told(mistakes, right), insert)


@checker
def check_parity(W1: Any, b1: Any, W2: Any, b2: Any) -> Verdict:
    """Check the arrays of a 3-3-1 network, ReLU hidden units, that computes parity of three bits.

    Any that do are right; with s = x₁ + x₂ + x₃, ReLU(s) - 2 ReLU(s - 1) + 2 ReLU(s - 2) is one.
    """
    found = []
    shapes = {"W1": (3, 3), "b1": (3,), "W2": (3, 1), "b2": (1,)}
    for given, (name, shape) in zip((W1, b1, W2, b2), shapes.items(), strict=True):
        array = numbers(given)
        if array is None or not np.isfinite(array).all():
            return Verdict(False, f"{name} does not hold numbers only.")
        if name == "b1" and array.shape == (3, 1):
            return Verdict(False, "b1 is a column. NumPy adds a row to each row of x W.")
        if name != "W1" and array.size == np.prod(shape):
            array = array.reshape(shape)  # a bias as one row, the output's weights as a flat list
        if array.shape != shape:
            return Verdict(False, f"{name} has the shape {array.shape}, expected {shape}.")
        found.append(array.astype(np.float64))
    V1, c1, V2, c2 = found
    x = np.array([[i, j, k] for i in (0.0, 1.0) for j in (0.0, 1.0) for k in (0.0, 1.0)])
    s = x.sum(axis=1)
    got = (relu(x @ V1 + c1) @ V2 + c2)[:, 0]
    return _judged_parity(x, s, got)


def _judged_parity(x: Array, s: Array, got: Array) -> Verdict:
    slopes = "As a function of the number of ones, the slope is 1, then -1, then 1."
    known = (
        (s, "This is the number of ones, without any bend.", slopes),
        (relu(s) - 2 * relu(s - 1), "Right up to two ones.", slopes),
        (relu(s) - relu(s - 1), "This is 1 from the first one on.", slopes),
        (relu(s) - relu(s - 1) + relu(s - 2), "The changes of slope are too small.", slopes),
        (relu(s) - 2 * relu(s - 1) + relu(s - 2), "The last change of slope is too small.", slopes),
        (1 - s % 2, "This is even parity: 1 where the number of ones is even.", ""),
        (relu(s) + 2 * relu(s - 1) + 2 * relu(s - 2), "A sign is wrong.", slopes),
        (relu(s) - 2 * relu(s + 1) + 2 * relu(s + 2), "The biases have the wrong sign.", slopes),
        (
            relu(s - 1) - 2 * relu(s - 2) + 2 * relu(s - 3),
            "Each kink comes one step too late: with a single 1, the output is still 0.",
            slopes,
        ),
        (0 * s, "The output is 0 everywhere.", slopes),
    )
    if np.allclose(got, s % 2, atol=1e-9):
        return Verdict(True, "Three kinks, and parity depends on the number of ones alone.")
    for wrong, hint, more in known:
        if np.allclose(got, wrong, atol=1e-9):
            return Verdict(False, hint, more)
    off = got - s % 2
    if np.ptp(off) <= 1e-9:
        return Verdict(False, "Every output is off by the same amount: look at b2.", "")
    if (got[s % 2 == 1] > 0.5).all() and (got[s % 2 == 0] < 0.5).all():
        return Verdict(False, "Each output is on the right side of ½, and not yet 0 or 1.", slopes)
    k = int(np.argmax(np.abs(got - s % 2)))
    bits = ", ".join(f"{bit:.0f}" for bit in x[k])
    return Verdict(False, f"For ({bits}) the output is {got[k]:.6g}, which is not right.", slopes)


@checker
def check_tent(pieces: Any, deep: Any, wide: Any) -> Verdict:
    """Check the tent map composed 6 times: 2⁶ pieces, 2·6 units, at least 2⁶ - 1 in one layer.

    The last is the bound that counting kinks gives; T composed 6 times itself needs one more, since
    its first slope, 2⁶, is no sum of its jumps, ∓2⁷.
    """
    k = 6
    counts = (
        (2 * k, "Composing multiplies the pieces; it does not add them.", ""),
        (k, "This is the number of compositions.", ""),
        (2 ** (k - 1), "One doubling is missing.", "T itself has two pieces."),
        (2 ** (k + 1), "One doubling too many.", "T itself has two pieces."),
        (2**k - 1, "These are the kinks.", "A curve has one piece more than it has kinks."),
        (2**k + 1, "There is one piece more than there are kinks between 0 and 1.", ""),
        (k**2, "Composing doubles the pieces each time.", ""),
    )
    units = (
        (k, "One T takes two ReLU units.", ""),
        (2**k, "Each T has its own units, so their numbers add up.", ""),
        (2**k - 1, "Each T has its own units, so their numbers add up.", ""),
        (
            3 * k,
            "The output of T needs no unit of its own: it is a sum, which the next layer takes in.",
            "",
        ),
        (4 * k, "That is more than it takes: one T takes two ReLU units.", ""),
    )
    few = "So many units in one layer make at most as many kinks."
    least = (
        (2**k, "That is enough, but counting kinks gives a smaller bound.", ""),
        (2**k + 1, "Only kinks between 0 and 1 count, not those at the ends.", ""),
        (2**k - 2, "That is one unit too few.", "n units in one layer make at most n kinks."),
        (2 * k, few, "How many kinks are there?"),
        (2 ** (k - 1), few, "How many kinks are there?"),
    )
    for verdict in (
        _part("pieces", pieces, 2**k, counts, "Draw T(T(s)) first."),
        _part("deep", deep, 2 * k, units, "How many ReLU units does one T take?"),
        _part("wide", wide, 2**k - 1, least, "n units in one layer make at most n kinks."),
    ):
        if not verdict:
            return verdict
    return Verdict(True, "Some functions are much cheaper to compose than to add up.")
