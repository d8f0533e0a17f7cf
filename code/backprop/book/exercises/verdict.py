"""What a checker answers, and how it finds out.

A checker knows the right values for a few inputs and the values that the usual mistakes give:
it recognises a mistake by its result, and answers with the hint that belongs to it. To an answer
that it does not recognise it says what kind of wrong it is. It never says what is expected: the
solution is folded below the exercise. The second wrong answer to an exercise gets a stronger hint.
"""

from __future__ import annotations

import copy
import inspect
import math
import sys
import tracemalloc
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from backprop.arrays import Array

RELATIVE, ABSOLUTE = 1e-6, 1e-9
"""How close an answer must be; far above rounding, far below any of the mistakes."""
FEWEST, MOST = 3, 15
"""Significant digits that a typed number may be rounded to, as numbers on a page are."""
NEAR = 5e-3
"""A difference quotient whose step is 0.01 or less is nearer than this to the derivative."""
LONGEST = 120
"""Characters of an argument that a message quotes in full."""
ORDINALS = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
)  # fmt: skip


@dataclass(frozen=True)
class Verdict:
    """Right or not, and what to tell the reader.

    Attributes
    ----------
    right : bool
        The verdict's truth value, so that ``assert check_...(answer)`` reads as it should.
    message : str
        Its repr, so that a checker can be the last line of a cell.
    more : str
        A stronger hint, which :func:`checker` adds from the second wrong answer on.
    unforeseen : bool
        Whether numbers of the right shape are wrong in a way that is none of the known mistakes.
    raised : str
        The name of the exception that the reader's function raised, or an empty text.
    """

    right: bool
    message: str
    more: str = ""
    unforeseen: bool = False
    raised: str = ""

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{'Right.' if self.right else 'Not yet.'} {self.message}".rstrip()


Arguments = ParamSpec("Arguments")
WRONG: Counter[str] = Counter()
"""Wrong answers since the last right one, by checker, in this kernel."""


def checker(check: Callable[Arguments, Verdict]) -> Callable[Arguments, Verdict]:
    """Count the wrong answers to an exercise, and say the stronger hint from the second one on.

    A right answer, or a new kernel, starts afresh. What ``help`` and a tooltip show of the checker
    is how to call it: its own docstring says what it expects, and so would give the answer away.
    """
    name = f"{check.__module__}.{check.__name__}"

    @wraps(check)
    def counted(*args: Arguments.args, **options: Arguments.kwargs) -> Verdict:
        if miscounted := _miscounted(check, args, options):
            return Verdict(False, miscounted)
        verdict = check(*args, **options)
        if verdict:
            WRONG.pop(name, None)
            return verdict
        WRONG[name] += 1
        if WRONG[name] > 1 and verdict.more:
            return replace(verdict, message=f"{verdict.message} {verdict.more}", more="")
        return verdict

    names = list(inspect.signature(check).parameters)
    answers = "your answer" if len(names) == 1 else "your answers in this order"
    be = "is" if len(names) == 1 else "are"
    counted.__doc__ = f"Say whether ({', '.join(names)}), {answers}, {be} right, or what is wrong."
    return counted


def _miscounted(check: Callable[..., Any], args: Any, options: Any) -> str:
    """Say how many answers an exercise asks for, if these are more or fewer."""
    wanted = inspect.signature(check)
    try:
        wanted.bind(*args, **options)
    except TypeError:
        names = list(wanted.parameters)
        answers = "one answer" if len(names) == 1 else f"{len(names)} answers"
        given = len(args) + len(options)
        return f"{check.__name__} takes {answers}: ({', '.join(names)}). You gave {given}."
    return ""


class Told(Exception):
    """What is wrong with an answer is known already: its message is the verdict's."""


def limited(function: Callable[..., Any], lines: int, hint: str) -> Callable[..., Any]:
    """Return the function with a limit: after so many lines of Python it raises Told(hint).

    Lines are counted, not seconds, so that a verdict is the same on every machine.
    """

    @wraps(function)
    def counted(*args: Any) -> Any:
        left, before = lines, sys.gettrace()

        def trace(frame: Any, event: str, _: Any) -> Any:
            nonlocal left
            left -= event == "line"
            if left < 0:
                raise Told(hint)
            return trace

        sys.settrace(trace)
        try:
            return function(*args)
        finally:
            sys.settrace(before)

    return counted


def peak_memory(function: Callable[..., Any], *args: Any) -> int:
    """Return how many bytes a call holds at most, beyond its arguments."""
    tracing = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    held = tracemalloc.get_traced_memory()[0]
    function(*args)
    peak = tracemalloc.get_traced_memory()[1] - held
    if not tracing:
        tracemalloc.stop()
    return peak


Answer = Callable[..., Any]
"""A function that a reader has written."""
Mistakes = list[tuple[Any, str, str]]
"""The answers that mistakes give, each with its hint and a stronger one."""
Mistake = TypeVar("Mistake", bound=tuple[Any, ...])
Part = tuple[str, Any, Sequence[tuple[Any, str, str]], str]
"""What an answer is called, its value, the usual mistakes, and a stronger hint for others."""


@dataclass(frozen=True)
class Case:
    """One input with its right answer, and the answers of the usual mistakes.

    Attributes
    ----------
    args : tuple
        What the reader's function is called with (a copy of it).
    expected : array_like
        The right answer.
    mistakes : sequence of (array_like, str) or (array_like, str, str)
        The answer that a mistake gives, its hint, and a stronger one.
    more : str
        A stronger hint for answers that are not among the mistakes.
    names : sequence of str
        What the numbers of the answer are called, such as x̄ and ȳ.
    near : str
        What to say to a typed answer that is close to the right one and not equal to it, as a
        difference quotient is.
    where : str
        What a message calls the input if its numbers would be long to read: "the graph of ...".
    """

    args: tuple[Any, ...]
    expected: ArrayLike
    mistakes: Sequence[tuple[ArrayLike, str] | tuple[ArrayLike, str, str]] = ()
    more: str = ""
    names: Sequence[str] = ()
    near: str = ""
    where: str = ""

    @property
    def given(self) -> str:
        """The input, as a message names it."""
        return self.where or f"the input {', '.join(map(_brief, self.args))}"


def numbers(answer: Any) -> Array | None:
    """Return the answer as an array, or None if it holds anything but numbers.

    Fractions, decimals and SymPy's numbers are numbers, alone or in a list.
    """
    try:
        found = np.asarray(answer)
        if found.dtype.kind == "O":
            found = np.vectorize(_number, otypes=[float])(found)
    except (TypeError, ValueError):  # ragged, text, or a symbol without a value
        return None
    return found if found.dtype.kind in "biufc" else None


def _number(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError
    return float(value)


def _same(a: Any, b: Any) -> bool:
    return a.shape == b.shape and np.allclose(a, b, rtol=RELATIVE, atol=ABSOLUTE)


SINGLE = float(np.finfo(np.float32).eps) / 2
"""By how much a number changes when it is stored in float32."""


def _rounded(a: float, b: float) -> bool:
    """Whether a is b as a page prints it, also in float32. A whole number is a count: exact."""
    if not math.isfinite(a) or float(b).is_integer():
        return False
    digits = range(FEWEST, MOST + 1)
    return any(abs(float(f"{b:.{n}g}") - a) <= SINGLE * abs(a) for n in digits)


def _printed(got: Any, exact: Any) -> bool:
    """Whether each number got is the exact one, or that number as a page prints it."""
    return (
        got.shape == exact.shape
        and np.isrealobj(got)
        and np.isrealobj(exact)
        and all(
            np.isclose(a, b, RELATIVE, ABSOLUTE) or _rounded(a, b)
            for a, b in zip(got.ravel().tolist(), exact.ravel().tolist(), strict=True)
        )
    )


def _shown(value: Any) -> str:
    return f"{value:.6g}" if np.isrealobj(value) else f"{value:.4g}"


def judge_value(answer: Any, case: Case, praise: str = "", *, typed: bool = True) -> Verdict:
    """Compare one answer with the right one and with those of the usual mistakes.

    Parameters
    ----------
    answer : array_like
        The reader's.
    case : Case
        Its ``args`` are named in the message where there are any.
    praise : str
        What to say to a right answer beyond "Right."
    typed : bool
        Whether the reader types the answer, which may then be rounded to three or more
        significant digits; what a function returns may not.

    Returns
    -------
    Verdict
        A wrong one names the mistake if it is known, else what kind of wrong the answer is.
    """
    at = f" for {case.given}" if case.args else ""
    expected = np.asarray(case.expected)
    same = _printed if typed else _same
    if answer is None:
        return Verdict(False, f"The answer{at} is None: is a return missing?")
    got = numbers(answer)
    if got is None:
        return Verdict(False, _no_numbers(answer, case, at))
    if typed and isinstance(answer, np.ndarray) and expected.ndim == 0 and got.size == 1:
        got = got.reshape(())  # a computed sum that kept its axes is still the number asked for
    if _same(got, expected):
        return Verdict(True, praise)
    for wrong, hint, *stronger in case.mistakes:
        if same(got, np.asarray(wrong)):
            return Verdict(False, hint, " ".join(stronger))
    if same(got, expected):
        return Verdict(True, praise)
    if got.shape != expected.shape:
        message = f"The answer{at} has shape {got.shape}, expected {expected.shape}."
        if got.size == expected.size and _same(got.ravel(), expected.ravel()):
            message += " The numbers themselves are right."
        elif got.shape == expected.shape[::-1] and _same(got.T, expected):
            message += " It is the transpose."
        return Verdict(False, message)
    if typed and case.near and np.isrealobj(got) and np.allclose(got, expected, NEAR, NEAR):
        return Verdict(False, case.near)
    return Verdict(False, *_unforeseen(got, expected, at, case, typed), unforeseen=True)


def in_turn(given: Sequence[Any], parts: Sequence[Part], praise: str, near: str = "") -> Verdict:
    """Judge several typed answers one by one; the first that is wrong decides.

    Parameters
    ----------
    given : sequence of array_like
        The reader's.
    parts : sequence of Part
        One for each answer.
    praise : str
        What to say when all are right.
    near : str
        As that of a :class:`Case`.
    """
    for answer, (name, value, mistakes, more) in zip(given, parts, strict=True):
        verdict = judge_value(answer, Case((), value, mistakes, more, near=near))
        if not verdict:
            return Verdict(False, f"{name}: {verdict.message}", verdict.more)
    return Verdict(True, praise)


def _no_numbers(answer: Any, case: Case, at: str) -> str:
    """Say what an answer is that is no number, and which part of it is none."""
    expected = np.asarray(case.expected)
    what = f"numbers of shape {expected.shape}" if expected.ndim else "a number"
    message = f"The answer{at} is a {type(answer).__name__}, expected {what}"
    if isinstance(answer, list | tuple) and (len(answer),) == expected.shape:
        parts = [(_part((k,), case), part) for k, part in enumerate(answer)]
        name, part = next(found for found in parts if not _is_number(found[1]))
        kind = "None" if part is None else f"a {type(part).__name__}"
        if case.names:
            return f"{name} is {kind}, expected numbers."
        return f"{message}, but the{name[3:]} is {kind}."
    return f"{message}."


def _is_number(part: Any) -> bool:
    found = numbers(part)
    return found is not None and found.ndim == 0


def _part(place: tuple[int, ...], case: Case) -> str:
    """Name a part of the answer: by its name, else as a reader counts."""
    if case.names:
        whole = len(case.names) == np.size(case.expected)
        return case.names[int(np.ravel_multi_index(place, np.shape(case.expected)))
                          if whole else place[0]]  # fmt: skip
    if len(place) > 2 or max(place) >= len(ORDINALS):
        return f"The entry at index {place if len(place) > 1 else place[0]}"
    counted = [ORDINALS[k] for k in place]
    if len(place) == 1:
        return f"The {counted[0]} entry"
    return f"The entry in the {counted[0]} row and the {counted[1]} column"


def _unforeseen(got: Any, expected: Any, at: str, case: Case, typed: bool) -> tuple[str, str]:
    """Say what kind of wrong a value of the right shape is, and a stronger hint."""
    off = ~np.isclose(got, expected, rtol=RELATIVE, atol=ABSOLUTE)
    places = [tuple(map(int, place)) for place in np.argwhere(off)]
    if (typed or case.names) and np.isrealobj(got) and np.isrealobj(expected):
        # A rounded number is right; blame another.
        worse = [place for place in places if not _rounded(got[place], expected[place])]
        places = worse or places
    place = places[0]
    number, more = _shown(got[place]), case.more
    if place and case.names:
        message = f"{_part(place, case)} = {number} is not right{at}."
    elif place:
        message = f"{_part(place, case)} of the answer{at} is {number}, which is not right"
        message += f" ({len(places)} of {off.size} entries are off)."
    else:
        message = f"The answer{at} is {number}, which is not right."
    if not np.isfinite(got).all():
        return message, "Look for a division by zero, or a logarithm of zero."
    if got.ndim == 2 and got.shape[0] == got.shape[1] and _same(got.T, expected):
        return message, "It is the transpose of the right answer."
    if got.dtype != bool and _same(-got, expected):
        return message, "Only the sign is wrong."
    if (
        got.size > 1
        and got.all()
        and np.ptp(expected / got) <= RELATIVE * np.abs(expected / got).max()
    ):
        return message, "Every entry is off by the same factor."
    if got.size > 1 and _same(np.sort(got.ravel()), np.sort(expected.ravel())):
        return message, "The numbers are right, and their order is not."
    return message, more


def alike(answer: Any, right: ArrayLike) -> bool:
    """Tell whether an answer, or one part of it, is right, rounded as a typed one may be."""
    return bool(judge_value(answer, Case((), right)))


def distinct(mistakes: Sequence[Mistake], right: ArrayLike) -> list[Mistake]:
    """Leave out the mistakes that make no difference to a case with this right answer."""
    return [
        m for m in mistakes if np.shape(m[0]) != np.shape(right) or not np.allclose(m[0], right)
    ]


def judge(function: Any, cases: Sequence[Case], praise: str = "", arguments: str = "") -> Verdict:
    """Call the reader's function on each case; the first that fails decides.

    Parameters
    ----------
    function : callable
        The reader's. It gets copies of the arguments, and may not change them.
    cases : sequence of Case
        The simplest first: its message is the easiest to understand.
    praise : str
        What to say when every case is right.
    arguments : str
        Their names, such as "steps, start": for the reader whose function takes others.

    Returns
    -------
    Verdict
        An exception in ``function`` becomes a verdict that quotes it. A mistake is named only if
        it explains the answers to all the cases that list it: one number may come about in
        several ways.
    """
    if not callable(function):
        kind = type(function).__name__
        article = "an" if kind[0] in "aeiou" else "a"
        return Verdict(
            False, f"Hand over the function itself, without calling it; this is {article} {kind}."
        )
    if arguments and (unfit := misfit(function, arguments)) is not None:
        return unfit
    for k, case in enumerate(cases):
        args = copy.deepcopy(case.args)
        if not takes(function, args):
            return Verdict(False, _signature(len(args), arguments))
        try:
            answer = function(*args)
        except Told as told:
            return Verdict(False, str(told))
        except Exception as error:  # the reader's code: whatever it raises is the message
            kind = type(error).__name__
            if "inhomogeneous" in str(error):
                message = f"For {case.given} it joins parts of different shapes into one array"
                message += ", such as a number and a row. Is a part kept before its update?"
                return Verdict(False, message, case.more, raised=kind)
            return Verdict(False, f"For {case.given} it raised {kind}: {error}", raised=kind)
        verdict = judge_value(answer, case, typed=False)
        if not all(_unchanged(a, b) for a, b in zip(args, case.args, strict=True)):
            return Verdict(
                False, f"It changed its argument in place, for {case.given}. Work on a copy."
            )
        if not verdict:
            later = cases[k + 1 :]
            kept = [m for m in case.mistakes if not _refuted(function, answer, m, later)]
            return judge_value(answer, replace(case, mistakes=kept), typed=False)
    return Verdict(True, praise)


def misfit(function: Any, arguments: str, sentence: str = "") -> Verdict | None:
    """Say so, in the given words or others, if a function cannot be called with ``arguments``.

    They are names, such as "x, W". ``None`` if it can, and for what is no function.
    """
    names = arguments.split(", ")
    if not callable(function) or takes(function, names):
        return None
    return Verdict(False, sentence or _signature(len(names), arguments))


def takes(function: Any, args: Sequence[Any]) -> bool:
    """Whether a function can be called with so many arguments."""
    try:
        wanted = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions do not say
        return True
    try:
        wanted.bind(*args)
    except TypeError:
        return False
    return True


def _signature(n: int, names: str) -> str:
    count = "one argument" if n == 1 else f"{n} arguments"
    return f"Write a function that can be called with {count}{f': ({names})' if names else ''}."


def _refuted(function: Any, answer: Any, mistake: Any, later: Sequence[Case]) -> bool:
    """Whether a mistake explains this answer, and fails to explain one to a later case."""
    found = numbers(answer)
    if found is None or not _same(found, np.asarray(mistake[0])):
        return False
    for case in later:
        explained = [np.asarray(value) for value, hint, *_ in case.mistakes if hint == mistake[1]]
        if not explained:
            continue
        try:
            found = numbers(function(*copy.deepcopy(case.args)))
        except Exception:  # says nothing against it
            continue
        if found is None or not any(_same(found, value) for value in explained):
            return True
    return False


def _unchanged(after: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return np.array_equal(after, before, equal_nan=before.dtype.kind in "fc")
    if isinstance(before, list) and any(isinstance(b, np.ndarray) for b in before):
        return len(after) == len(before) and all(map(_unchanged, after, before))
    if isinstance(before, list | dict | set):
        return bool(after == before)
    return True


def _brief(value: Any) -> str:
    if isinstance(value, np.ndarray) and value.size > 6:
        return f"of shape {value.shape}"
    if isinstance(value, np.ndarray | np.generic):
        return np.array2string(np.asarray(value), precision=3, separator=", ").replace("\n", "")
    if callable(value):
        return getattr(value, "__name__", "a function")
    written = repr(value)
    if len(written) > LONGEST and isinstance(value, list | tuple | dict):
        return f"a {type(value).__name__} of {len(value)}"
    return written
