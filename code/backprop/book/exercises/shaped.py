"""Judging a function of arrays, where a wrong transpose may raise before it returns anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backprop.book.exercises.verdict import Case, Verdict, judge, judge_value, misfit


def unfit(function: Any, names: str) -> Verdict | None:
    """Return a verdict where the function cannot be called with as many arguments."""
    return misfit(function, names, f"Your function must take the arguments ({names}).")


def judged(
    function: Any, names: str, cases: Sequence[Case], praise: str, square: Case | None = None
) -> Verdict:
    """Judge by the cases; where the shapes do not fit, look for a known mistake in ``square``.

    Parameters
    ----------
    function : callable
        The reader's.
    names : str
        Of its arguments: "x, delta".
    cases : sequence of Case
        Oblong ones: a wrong transpose cannot pass.
    praise : str
        What to say when every case is right.
    square : Case, optional
        One in which a wrong transpose fits. It is tried last, and explains a ValueError.
    """
    verdict = unfit(function, names)
    if verdict is not None:
        return verdict
    verdict = judge(function, [*cases, *([square] if square else [])], praise)
    if square and verdict.raised == "ValueError":
        return explained(function, square, verdict)
    return verdict


def explained(function: Any, square: Case, verdict: Verdict) -> Verdict:
    """Name the mistake if it is a known one in a case where all shapes fit, else as before."""
    try:
        found = judge_value(function(*square.args), square, typed=False)
    except Exception:  # the message about the first case stands
        return verdict
    known = any(found.message == hint for _, hint, *_ in square.mistakes)
    return found if known else verdict
