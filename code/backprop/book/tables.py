"""Every activation and loss as a SymPy formula, with the derivatives that SymPy finds.

For the book's table of derivatives. Nothing here calls a function of the package: the formulas are
written down anew, so that agreement with ``backprop.activations`` and ``backprop.losses`` is
evidence. For each derivative a short form to read is given too, in σ, Φ, N and p; ``proved`` says
whether SymPy can show that it equals the derivative.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy as sp
from sympy.printing.latex import LatexPrinter

from backprop.arrays import Array

Z = sp.Symbol("z", real=True)
A, Y = sp.symbols("a y", real=True)
D, M = sp.symbols("d m", positive=True)
Z_K, Z_Y = sp.symbols("z_k z_y", real=True)
MU1, MU2 = sp.symbols("mu_1 mu_2", real=True)
ELL1, ELL2 = sp.symbols(r"\ell_1 \ell_2", real=True)
K = sp.Symbol("K", integer=True, positive=True)
INNER, J, CLASS = sp.symbols("i j k", integer=True)
LOGIT, TARGET, P = sp.IndexedBase("z"), sp.IndexedBase("y"), sp.IndexedBase("p")
SUM = sp.Sum(sp.exp(LOGIT[INNER]), (INNER, 1, K))

SIGMA, PHI, NORMAL = sp.Function(r"\sigma"), sp.Function(r"\Phi"), sp.Function(r"\mathcal{N}")
MEANINGS: dict[Any, Callable[[Any], Any]] = {
    SIGMA: lambda z: 1 / (1 + sp.exp(-z)),
    PHI: lambda z: (1 + sp.erf(z / sp.sqrt(2))) / 2,
    NORMAL: lambda z: sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi),
}
"""What the short forms abbreviate, besides p_k = exp(z_k) / Σ_i exp(z_i)."""


class _Printer(LatexPrinter):  # type: ignore[misc]
    """LaTeX in the book's notation: 1 under a condition is [condition], max(0, u) is written so."""

    def _print_KroneckerDelta(self, expr: Any, exp: Any = None) -> str:
        i, j = map(self._print, expr.args)
        # Kronecker's letter is taken: δ is the error.
        return rf"[{i} = {j}]"

    def _print_Piecewise(self, expr: Any) -> str:
        (value, condition), *others = expr.args
        if [tuple(pair) for pair in others] == [(sp.S.Zero, sp.true)]:
            if condition == (value > 0):
                return rf"\max(0, {self._print(value)})"
            if abs(value) == 1:
                return f"{'-' if value < 0 else ''}[{self._print(condition)}]"
        return str(super()._print_Piecewise(expr))


def latex(expr: Any) -> str:
    """Return LaTeX without a vertical bar, which would end the cell of a Markdown table."""
    text = str(_Printer({"ln_notation": True}).doprint(expr))
    text = text.replace(r"\left|", r"\left\lvert").replace(r"\right|", r"\right\rvert")
    return text.replace(r"\text{for}\:", r"\text{if }").replace("otherwise", "else")


def meaning(short: Any) -> Any:
    """Return a short form with σ, Φ, N and p written out."""
    for function, of in MEANINGS.items():
        short = short.replace(function, of)
    return short.replace(
        lambda e: isinstance(e, sp.Indexed) and e.base == P,
        lambda e: sp.exp(LOGIT[e.indices[0]]) / SUM,
    )


def in_range(expr: Any) -> Any:
    """Carry out sums over Kronecker's deltas whose index is one of the classes 1 to K."""
    done = expr.doit()
    return done.replace(sp.Piecewise, lambda *pieces: pieces[0][0]) if done.has(K) else done


@dataclass(frozen=True)
class Formula:
    """One function, what it is differentiated by, and a short form of each derivative.

    ``expr`` may contain σ, Φ, N and p as the short forms do; they are written out before SymPy
    differentiates.
    """

    title: str
    expr: Any
    variables: tuple[Any, ...]
    short: tuple[Any, ...]

    @property
    def derivatives(self) -> tuple[Any, ...]:
        """SymPy's derivative of ``expr`` by each of ``variables``."""
        expr = meaning(self.expr)
        return tuple(in_range(sp.diff(expr, v)) for v in self.variables)

    @property
    def proved(self) -> bool:
        """Whether SymPy shows that every short form equals its derivative."""
        pairs = zip(self.derivatives, self.short, strict=True)
        return all(sp.simplify(in_range(d - meaning(s))) == 0 for d, s in pairs)


def _activation(title: str, expr: Any, short: Any) -> Formula:
    return Formula(title, expr, (Z,), (short,))


def _pieces(positive: Any, other: Any, condition: Any = Z > 0) -> Any:
    return sp.Piecewise((positive, condition), (other, True))


ACTIVATIONS: dict[str, Formula] = {
    "identity": _activation("Identity", Z, sp.Integer(1)),
    "sigmoid": _activation("Sigmoid", 1 / (1 + sp.exp(-Z)), SIGMA(Z) * (1 - SIGMA(Z))),
    "tanh": _activation("Hyperbolic tangent", sp.tanh(Z), 1 - sp.tanh(Z) ** 2),
    "relu": _activation("ReLU", _pieces(Z, 0), _pieces(1, 0)),
    "leaky_relu": _activation(
        "Leaky ReLU", _pieces(Z, Z * sp.Rational(1, 100)), _pieces(1, sp.Rational(1, 100))
    ),
    "softplus": _activation("Softplus", sp.log(1 + sp.exp(Z)), SIGMA(Z)),
    "elu": _activation("ELU", _pieces(Z, sp.exp(Z) - 1), _pieces(1, sp.exp(Z))),
    "silu": _activation("SiLU", Z * SIGMA(Z), SIGMA(Z) + Z * SIGMA(Z) * (1 - SIGMA(Z))),
    "gelu": _activation("GELU", Z * PHI(Z), PHI(Z) + Z * NORMAL(Z)),
}
"""φ(z) under its name in ``backprop.activations.ACTIVATIONS``."""

SOFTMAX = Formula(
    "Softmax",
    sp.exp(LOGIT[J]) / SUM,
    (LOGIT[CLASS],),
    (P[J] * (sp.KroneckerDelta(J, CLASS) - P[CLASS]),),
)
"""p_j of K classes, by z_k."""

_R = A - Y
LOSSES: dict[str, Formula] = {
    "MeanSquaredError": Formula("Mean squared error", _R**2 / 2, (A,), (_R,)),
    "MeanAbsoluteError": Formula("Mean absolute error", sp.Abs(_R), (A,), (sp.sign(_R),)),
    "Huber": Formula(
        "Huber",
        _pieces(_R**2 / 2, D * (sp.Abs(_R) - D / 2), sp.Abs(_R) <= D),
        (A,),
        (_pieces(_R, D * sp.sign(_R), sp.Abs(_R) <= D),),
    ),
    "BinaryCrossEntropy": Formula(
        "Binary cross-entropy", sp.log(1 + sp.exp(Z)) - Y * Z, (Z,), (SIGMA(Z) - Y,)
    ),
    "SoftmaxCrossEntropy": Formula(
        "Softmax cross-entropy",
        -sp.Sum(TARGET[J] * sp.log(P[J]), (J, 1, K)),
        (LOGIT[CLASS],),
        (P[CLASS] * sp.Sum(TARGET[J], (J, 1, K)) - TARGET[CLASS],),
    ),
    "Hinge": Formula(
        "Hinge",
        _pieces(M + Z_K - Z_Y, 0, M + Z_K - Z_Y > 0),
        (Z_K, Z_Y),
        (_pieces(1, 0, M + Z_K - Z_Y > 0), _pieces(-1, 0, M + Z_K - Z_Y > 0)),
    ),
    "GaussianKL": Formula(
        "Gaussian KL divergence",
        sp.Mul(
            sp.Rational(1, 2),
            ELL2 - ELL1 + sp.exp(ELL1 - ELL2) + (MU1 - MU2) ** 2 * sp.exp(-ELL2) - 1,
            evaluate=False,
        ),
        (MU1, ELL1),
        ((MU1 - MU2) * sp.exp(-ELL2), (sp.exp(ELL1 - ELL2) - 1) / 2),
    ),
}
"""One term of each class in ``backprop.losses``: of the sum over the entries of an example, of
the one over the wrong classes k ≠ y (Hinge), or the whole of an example (softmax)."""


def _number(expr: Any, at: Mapping[Any, Any]) -> float:
    # 30 digits, rounded once.
    exact = {symbol: sp.Float(float(value), 30) for symbol, value in at.items()}
    return float(sp.N(expr.subs(exact), 30))


def slope(name: str, z: Array) -> Array:
    """φ'(z) of the activation ``name``, entry by entry with 30 digits; shape of z."""
    (d,) = ACTIVATIONS[name].derivatives
    return np.array([_number(d, {Z: v}) for v in np.ravel(z)]).reshape(np.shape(z))


def softmax_jacobian(z: Sequence[float]) -> Array:
    """∂p_j/∂z_k of one row, with 30 digits; shape (K, K)."""
    logits = {LOGIT[i]: v for i, v in enumerate(z, 1)}
    (d,) = SOFTMAX.derivatives
    rows = range(1, len(z) + 1)
    entries = [[d.subs({K: len(z), J: j, CLASS: k}).doit() for k in rows] for j in rows]
    return np.array([[_number(entry, logits) for entry in row] for row in entries])


def loss_gradient(name: str, z: Array, y: Array) -> Array:
    """∂L/∂z of the loss ``name`` with its default options, with 30 digits; shape of z.

    Parameters
    ----------
    name : str
        A class of ``backprop.losses``.
    z, y : arrays
        As ``forward`` of that loss takes them; the mean over the batch is taken here.
    """
    derivatives = LOSSES[name].derivatives
    by_row = {"SoftmaxCrossEntropy": _softmax, "Hinge": _hinge, "GaussianKL": _pairs}
    gradient = by_row.get(name, _entries)
    rows = [gradient(derivatives, row, target) for row, target in zip(z, y, strict=True)]
    return np.array(rows) / len(z)


def _entries(derivatives: Sequence[Any], row: Array, target: Any) -> list[float]:
    (d,) = derivatives
    return [_number(d, {A: v, Z: v, Y: t, D: 1}) for v, t in zip(row, target, strict=True)]


def _softmax(derivatives: Sequence[Any], row: Array, target: Any) -> list[float]:
    (d,), n = derivatives, len(row)
    t = np.eye(n)[target] if np.ndim(target) == 0 else target
    at = {LOGIT[i]: v for i, v in enumerate(row, 1)} | {TARGET[i]: v for i, v in enumerate(t, 1)}
    return [_number(d.subs({K: n, CLASS: k}).doit(), at) for k in range(1, n + 1)]


def _hinge(derivatives: Sequence[Any], row: Array, target: Any) -> list[float]:
    by_other, by_label = derivatives
    out = [0.0] * len(row)
    for k, v in enumerate(row):
        if k != target:
            at = {Z_K: v, Z_Y: row[target], M: 1}
            out[k] += _number(by_other, at)
            out[target] += _number(by_label, at)
    return out


def _pairs(derivatives: Sequence[Any], row: Array, target: Any) -> list[float]:
    (mu1, ell1), (mu2, ell2) = np.split(row, 2), np.split(target, 2)
    columns = zip(mu1, ell1, mu2, ell2, strict=True)
    at = [dict(zip((MU1, ELL1, MU2, ELL2), column, strict=True)) for column in columns]
    return [_number(d, values) for d in derivatives for values in at]


@dataclass(frozen=True)
class Markdown:
    """Text that a notebook shows as Markdown."""

    text: str

    def _repr_markdown_(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def label(name: str) -> str:
    """Return the label of a function's section: "derivative-of-" and its name in small letters."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower().replace("_", "-")
    return f"derivative-of-{words}"


def table(formulas: Mapping[str, Formula], function: str, derivative: str = "") -> Markdown:
    """Return a table of functions and derivatives, each row linked to its section.

    Parameters
    ----------
    formulas : mapping of str to Formula
    function : str
        LaTeX of what is differentiated, the heading of its column.
    derivative : str, optional
        LaTeX that heads the derivatives; without it each derivative names its variable.

    Raises
    ------
    AssertionError
        If a short form is not proved equal to SymPy's derivative.
    """
    lines = [f"| | ${function}$ | {f'${derivative}$' if derivative else 'derivative'} |"]
    lines.append("|---|---|---|")
    for name, formula in formulas.items():
        if not formula.proved:
            raise AssertionError(f"table: the short form of {name} is not proved")
        shown = [
            latex(s) if derivative else rf"\frac{{\partial L}}{{\partial {latex(v)}}} = {latex(s)}"
            for v, s in zip(formula.variables, formula.short, strict=True)
        ]
        link = f"[{formula.title}](#{label(name)})"
        lines.append(f"| {link} | ${latex(formula.expr)}$ | {', '.join(f'${d}$' for d in shown)} |")
    return Markdown("\n".join(lines))
