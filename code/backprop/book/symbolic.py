"""From a SymPy expression to its derivative, its LaTeX and a NumPy function.

Nothing here calls a derivative of the package, so that agreement with it is evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import sympy as sp

from backprop.arrays import Array


def derivative(expr: sp.Expr, *variables: sp.Symbol) -> sp.Expr:
    """Return ∂expr/∂variables, simplified."""
    return sp.simplify(sp.diff(expr, *variables))


def equation(left: str, right: Any) -> Any:
    """Return an object that a notebook shows as ``left = right``; ``left`` is LaTeX."""
    return sp.Eq(sp.Symbol(left), right, evaluate=False)


def numpy_function(expr: Any, *variables: Any) -> Callable[..., Any]:
    """Return a NumPy function of ``variables``, elementwise, of the shape of its arguments."""
    compiled = sp.lambdify(variables, expr, modules=["scipy", "numpy"], cse=True)

    def function(*arrays: Any) -> Any:
        result = compiled(*arrays)
        # A constant derivative compiles to a bare number, whatever the arguments' shape.
        if np.ndim(result) == 0 and any(np.ndim(a) for a in arrays):
            return np.broadcast_to(result, np.broadcast_shapes(*map(np.shape, arrays))).copy()
        return result

    return function


def matrix(letter: str, rows: int, columns: int, **assumptions: Any) -> sp.Matrix:
    """Return a matrix of symbols ``letter_ij``, counted from 1, real by default."""
    assumptions = {"real": True} | assumptions
    return sp.Matrix(
        rows, columns,
        lambda i, j: sp.Symbol(f"{letter}_{{{i + 1}{j + 1}}}", **assumptions),
    )  # fmt: skip


def gradient(expr: sp.Expr, parameters: sp.Matrix) -> sp.Matrix:
    """Return ∂expr/∂parameters, entry by entry, of the shape of ``parameters``."""
    return parameters.applyfunc(lambda p: sp.diff(expr, p))


def values(symbols: sp.Matrix | Sequence[sp.Symbol], array: Array) -> dict[sp.Symbol, sp.Float]:
    """Pair each symbol with its entry of ``array`` (same number of entries, row by row)."""
    flat = list(symbols)
    if len(flat) != np.size(array):
        raise ValueError(f"values: array has {np.size(array)} entries, expected {len(flat)}")
    return {s: sp.Float(float(v), 30) for s, v in zip(flat, np.ravel(array), strict=True)}


def evaluate(expr: Any, substitutions: Mapping[sp.Symbol, sp.Float]) -> Array:
    """Evaluate an expression or matrix with 30 digits, then round once to float64."""
    if isinstance(expr, sp.MatrixBase):
        entries = [float(sp.N(e.subs(substitutions), 30)) for e in expr]
        return np.array(entries).reshape(expr.shape)
    return np.array(float(sp.N(expr.subs(substitutions), 30)))
