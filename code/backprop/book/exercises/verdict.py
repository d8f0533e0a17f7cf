"""What a checker answers, and how it finds out.

A checker knows the right values for a few inputs and the values that the usual mistakes give:
it recognises a mistake by its result, and answers with the hint that belongs to it.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How close an answer must be; far above rounding, far below any of the mistakes."""


@dataclass(frozen=True)
class Verdict:
    """Right or not, and what to tell the reader.

    Attributes
    ----------
    right : bool
        The verdict's truth value, so that ``assert check_...(answer)`` reads as it should.
    message : str
        Its repr, so that a checker can be the last line of a cell.
    """

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.message}".rstrip()


@dataclass(frozen=True)
class Case:
    """One input with its right answer, and the answers of the usual mistakes.

    Attributes
    ----------
    args : tuple
        What the reader's function is called with (a copy of it).
    expected : array_like
        The right answer.
    mistakes : sequence of (array_like, str)
        The answer that a mistake gives, with its hint.
    """

    args: tuple[Any, ...]
    expected: ArrayLike
    mistakes: Sequence[tuple[ArrayLike, str]] = ()


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE)


def _shown(value: Any) -> str:
    return f"{value:.6g}" if np.isrealobj(value) else f"{value:.4g}"


def judge_value(answer: Any, case: Case, praise: str = "") -> Verdict:
    """Compare one answer with the right one and with those of the usual mistakes.

    Parameters
    ----------
    answer : array_like
        The reader's.
    case : Case
        Its ``args`` are named in the message where there are any.
    praise : str
        What to say to a right answer beyond "Right."

    Returns
    -------
    Verdict
    """
    at = f" for the input {', '.join(_brief(a) for a in case.args)}" if case.args else ""
    expected = np.asarray(case.expected)
    if answer is None:
        return Verdict(False, f"The answer{at} is None: is a return missing?")
    try:
        got = np.asarray(answer)
        numeric = got.dtype.kind in "biufc"
    except ValueError:
        numeric = False
    if not numeric:
        return Verdict(
            False, f"The answer{at} is a {type(answer).__name__}, expected numbers of "
            f"shape {expected.shape}."
        )  # fmt: skip
    if _same(got, expected):
        return Verdict(True, praise)
    for wrong, hint in case.mistakes:
        if _same(got, np.asarray(wrong)):
            return Verdict(False, hint)
    if got.shape != expected.shape:
        return Verdict(False, f"The answer{at} has shape {got.shape}, expected {expected.shape}.")
    off = ~np.isclose(got, expected, rtol=RELATIVE, atol=ABSOLUTE)
    place = tuple(int(i) for i in np.argwhere(off)[0])
    where = f"entry {place if len(place) > 1 else place[0]} of " if place else ""
    return Verdict(
        False,
        f"{where}the answer{at} is {_shown(got[place])}, expected {_shown(expected[place])}"
        + (f" ({off.sum()} of {off.size} entries are off)." if place else "."),
    )


def judge(function: Any, cases: Sequence[Case], praise: str = "") -> Verdict:
    """Call the reader's function on each case; the first that fails decides.

    Parameters
    ----------
    function : callable
        The reader's. It gets copies of the arguments, and may not change them.
    cases : sequence of Case
        The simplest first: its message is the easiest to understand.
    praise : str
        What to say when every case is right.

    Returns
    -------
    Verdict
        An exception in ``function`` becomes a verdict that quotes it.
    """
    if not callable(function):
        return Verdict(
            False, f"Hand over the function itself, without calling it; this is a "
            f"{type(function).__name__}."
        )  # fmt: skip
    for case in cases:
        args = copy.deepcopy(case.args)
        given = ", ".join(_brief(a) for a in case.args)
        try:
            answer = function(*args)
        except Exception as error:  # the reader's code: whatever it raises is the message
            return Verdict(
                False, f"For the input {given} it raised {type(error).__name__}: {error}"
            )
        verdict = judge_value(answer, case)
        if not verdict:
            return verdict
        if not all(_unchanged(a, b) for a, b in zip(args, case.args, strict=True)):
            return Verdict(False, f"It changed its argument {given} in place: work on a copy.")
    return Verdict(True, praise)


def _unchanged(after: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return np.array_equal(after, before, equal_nan=before.dtype.kind in "fc")
    return True


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"of shape {value.shape}"
    if isinstance(value, np.ndarray | np.generic):
        return np.array2string(np.asarray(value), precision=3, separator=", ").replace("\n", "")
    if callable(value):
        return getattr(value, "__name__", "a function")
    return repr(value)
