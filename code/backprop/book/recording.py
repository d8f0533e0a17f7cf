"""The arrows of a program, with the slope of each: what the chapters' sweeps run over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from backprop.autodiff import graph

Steps = list[tuple[int, list[tuple[int, float]]]]
"""The lines of an evaluation in order: (place, its arrows as (operand's place, slope))."""


def recorded_steps(f: Callable[..., Any], *inputs: float) -> Steps:
    """Run f on numbers and return each line of the evaluation with the slopes of its arrows.

    Parameters
    ----------
    f : callable
        Takes numbers and returns one, by arithmetic and NumPy's functions of one number.
    *inputs : float
        Their places are 0, 1, 2, …; the lines follow, the result last.

    Returns
    -------
    list of (place, list of (operand's place, slope))
        A value that a line uses twice has two arrows. Constants have none.

    Raises
    ------
    TypeError
        If f does not return a number that depends on its inputs.
    ValueError
        If a value on the way is an array: its derivative would be no single slope.
    """
    tape = graph.Tape([np.asarray(float(x)) for x in inputs])
    result = f(*(graph.Variable(x, tape, k) for k, (_, _, x) in enumerate(tape)))
    if not isinstance(result, graph.Variable) or result.tape is not tape:
        raise TypeError(
            f"recorded_steps: f returned a {type(result).__name__}, expected a number that depends"
            " on its inputs"
        )
    steps: Steps = []
    for place, (paths, args, a) in enumerate(tape[: result.index + 1]):
        if np.ndim(a):
            raise ValueError(
                f"recorded_steps: the value at {place} has shape {np.shape(a)}, expected a number"
            )
        if place >= len(inputs):
            one = np.ones(())
            steps.append((place, [(operand, float(vjp(one, a, *args))) for vjp, operand in paths]))
    return steps
