"""The book's ledger: each derivative that a page claims, against what it was checked.

A chapter calls :func:`record` with the gradient that ``backprop`` returned and with the values of
independent judges. The entry raises if a judge disagrees, is shown on the page as one line that
opens to a table, and is collected at build time into one table of the whole book.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

import numpy as np

from backprop.arrays import Array

MIME = "application/vnd.backprop.ledger+json"
EPS = float(np.finfo(np.float64).eps)

ORACLES: dict[str, tuple[float, str]] = {
    "symbolic": (
        64 * EPS,
        "SymPy's derivative evaluated with 30 digits and rounded once; what remains is the"
        " rounding of the NumPy code, at most some tens of operations of half an eps each",
    ),
    "central difference": (
        64 * EPS ** (2 / 3),
        "with h = eps^(1/3) truncation (h² f'''/6) and rounding (eps f/h) are both of the order"
        " eps^(2/3); 64 allows for f''' and f being larger than f'",
    ),
    "complex step": (
        64 * EPS,
        "no difference is taken, so only the rounding of the forward pass remains",
    ),
    "autograd": (
        64 * EPS,
        "the same arithmetic in another order: rounding alone",
    ),
}
"""Judge: tolerance, relative to the gradient's largest entry, and why it is what it is."""


@dataclass(frozen=True)
class Check:
    """One judge's disagreement: max |ours - theirs| over the largest entry."""

    oracle: str
    error: float
    tolerance: float
    reason: str


@dataclass(frozen=True)
class Entry:
    """One derivative of the book: shown in a notebook, collected by the build."""

    name: str
    latex: str
    function: str
    checks: tuple[Check, ...]

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        # As a string, so that the comparison of stored outputs can leave the last digits out.
        return {MIME: json.dumps(asdict(self)), "text/html": self._html(), "text/plain": str(self)}

    def __str__(self) -> str:
        return f"{self.name} ({self.function}): " + ", ".join(
            f"{c.oracle} {c.error:.0e} <= {c.tolerance:.0e}" for c in self.checks
        )

    def _html(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(c.oracle)}</td><td>{c.error:.0e}</td><td>{c.tolerance:.0e}</td></tr>"
            for c in self.checks
        )
        return (
            f'<details class="bp-evidence"><summary>{escape(self.summary())}</summary>'
            f'<table class="ledger-entry"><caption>{escape(self.name)}, '
            f"<code>{escape(self.function)}</code>: the largest disagreement, relative to the "
            "largest entry</caption><thead><tr><th>checked against</th>"
            f"<th>disagreement</th><th>tolerance</th></tr></thead><tbody>{rows}</tbody></table>"
            "</details>"
        )

    def summary(self) -> str:
        """Return the line that the page shows: who agrees, and how closely."""
        found = [
            f"{'SymPy' if c.oracle == 'symbolic' else c.oracle} "
            + (f"{c.error:.0e}" if c.error else "equal")
            for c in self.checks
        ]
        return f"Checked: {' · '.join(found)}"


def record(name: str, latex: str, function: str, ours: Array, /, **judges: Array) -> Entry:
    """Compare ``ours`` with each judge and return the entry to display.

    Parameters
    ----------
    name, latex, function : str
        What it is ("sigmoid"), its formula without dollar signs, where it lives
        ("backprop.activations.sigmoid_prime").
    ours : array
        The value that ``backprop`` computed, any shape.
    **judges : arrays of that shape
        ``symbolic`` and ``autograd``, and one or both of ``central_difference`` and
        ``complex_step``.

    Raises
    ------
    ValueError
        If a required judge is missing, unknown, or of another shape.
    AssertionError
        If one disagrees by more than the tolerance of its arithmetic.
    """
    named = {key.replace("_", " "): np.asarray(value) for key, value in judges.items()}
    if unknown := set(named) - set(ORACLES):
        raise ValueError(f"record: unknown judges {sorted(unknown)}, expected {list(ORACLES)}")
    missing = {"symbolic", "autograd"} - set(named)
    if not {"central difference", "complex step"} & set(named):
        missing.add("central_difference or complex_step")
    if missing:
        raise ValueError(f"record: {name} lacks {', '.join(sorted(missing))}")
    checks = []
    for oracle, theirs in named.items():
        if theirs.shape != np.shape(ours):
            raise ValueError(
                f"record: {oracle} has shape {theirs.shape}, expected {np.shape(ours)}"
            )
        scale = max(np.abs(ours).max(initial=0), np.abs(theirs).max(initial=0)) or 1.0
        error = float(np.abs(ours - theirs).max(initial=0) / scale)
        tolerance, reason = ORACLES[oracle]
        if not error <= tolerance:
            raise AssertionError(
                f"{name}: {function} is off by {error:.1e} against {oracle},"
                f" tolerance {tolerance:.1e}"
            )
        checks.append(Check(oracle, error, tolerance, reason))
    return Entry(name, latex, function, tuple(checks))
