"""Checks of shapes, dtypes and labels, made before the arithmetic.

NumPy broadcasts where it can: a target of shape (100, 1) against scores of shape (100, 2) gives an
answer, and a wrong one. Every public entry of the package therefore checks first.
"""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.floating]
"""Real array. The forward passes accept complex128 as well, for the complex step alone."""
Labels = NDArray[np.integer]
"""Classes, one integer for each example, shape (batch,)."""
"""Classes, one integer for each example, shape (batch,)."""


def show_shape(shape: tuple[int | None, ...]) -> str:
    """Write a shape as text, with ``*`` for a free axis: ``(*, 784)``."""
    inner = ", ".join("*" if n is None else str(n) for n in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"


def check_ndarray(where: str, name: str, value: object) -> NDArray[Any]:
    """Return ``value`` if it is a plain ndarray, whatever its dtype.

    Raises
    ------
    TypeError
        If it is no ndarray, or a subclass with rules of its own: a masked array hides entries, a
        ``numpy.matrix`` multiplies otherwise. A ``numpy.memmap`` is an array like any other.
    """
    if type(value) is np.ndarray or isinstance(value, np.memmap):
        return value
    kind = type(value).__name__
    if isinstance(value, np.ma.MaskedArray):
        advice = f"{name}.filled(value), or the rows that are not masked"
    elif isinstance(value, list | tuple | float | int | np.ndarray | np.generic):
        advice = f"numpy.asarray({name})"
    else:
        raise TypeError(f"{where}: {name} is a {kind}, expected a numpy.ndarray")
    raise TypeError(f"{where}: {name} is a {kind}, expected a numpy.ndarray (write {advice})")


def check_array(
    where: str, name: str, value: object, shape: tuple[int | None, ...] | None = None
) -> Array:
    """Return ``value`` if it is a floating array of the expected shape.

    Parameters
    ----------
    where, name : str
        Who asks and for which argument, as named in the message.
    value : object
        What the caller passed.
    shape : tuple of int or None
        Expected shape; ``None`` in an axis accepts any length there.

    Raises
    ------
    TypeError
        If ``value`` is no plain ndarray, or its dtype is neither floating nor complex.
    ValueError
        If the shape differs.
    """
    array = check_ndarray(where, name, value)
    if array.dtype.kind not in "fc":
        raise TypeError(
            f"{where}: {name} has dtype {array.dtype}, expected float32 or float64"
            f" (convert with {name}.astype(float))"
        )
    if shape is not None and not _fits(array.shape, shape):
        raise ValueError(f"{where}: {name} has shape {array.shape}, expected {show_shape(shape)}")
    return array


def _fits(shape: tuple[int, ...], expected: tuple[int | None, ...]) -> bool:
    # A plain loop: every layer asks this in every step, and any() over a generator takes thrice.
    if len(shape) != len(expected):
        return False
    for got, want in zip(shape, expected, strict=True):
        if want is not None and got != want:
            return False
    return True


def check_labels(where: str, name: str, value: object, n: int, n_classes: int) -> Labels:
    """Return ``value`` if it holds ``n`` integer classes in 0 … ``n_classes`` - 1.

    Raises
    ------
    TypeError
        If ``value`` is no plain ndarray of integers.
    ValueError
        If its shape is not ``(n,)`` or a class lies outside the range.
    """
    labels = check_ndarray(where, name, value)
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: {name} has dtype {labels.dtype}, expected integer classes"
            f" (convert with {name}.astype(int))"
        )
    if labels.shape != (n,):
        raise ValueError(f"{where}: {name} has shape {labels.shape}, expected ({n},)")
    if n and (labels.min() < 0 or labels.max() >= n_classes):
        raise ValueError(
            f"{where}: {name} holds classes {labels.min()} to {labels.max()},"
            f" expected 0 to {n_classes - 1}"
        )
    return labels


def check_scores(
    where: str, scores: object, y: object, *, name: str = "scores"
) -> tuple[Array, Labels]:
    """Return a score for each class and the classes, (batch, classes) and (batch,), batch ≥ 1.

    For what compares a network's output with labels, such as an accuracy. Raises as
    :func:`check_array` and :func:`check_labels` do, and ``ValueError`` if there is no row.
    """
    array = check_array(where, name, scores, (None, None))
    if not array.size:
        raise ValueError(
            f"{where}: {name} has shape {array.shape}, expected at least one row and column"
        )
    return array, check_labels(where, "y", y, *array.shape)


def check_set(where: str, x: object, y: object) -> None:
    """Raise where x and y are no arrays of as many rows, at least one.

    Raises
    ------
    TypeError
        If one is no array of numbers; masked arrays and matrices are none, since their own rules
        would be ignored.
    ValueError
        If one has no axis, or the numbers of rows differ or are 0.
    """
    rows = []
    for name, value in (("x", x), ("y", y)):
        array = check_ndarray(where, name, value)
        if array.dtype.kind not in "fciub":
            raise TypeError(f"{where}: {name} has dtype {array.dtype}, expected numbers")
        if not array.ndim:
            raise ValueError(f"{where}: {name} has shape (), expected (rows, …)")
        rows.append(len(array))
    if rows[0] != rows[1]:
        raise ValueError(f"{where}: y has {rows[1]} rows, expected {rows[0]} as x")
    if not rows[0]:
        raise ValueError(f"{where}: x has no row")


def check_finite(where: str, name: str, value: Array) -> None:
    """Raise ``ValueError`` naming the first entry that is NaN or infinite."""
    bad = ~np.isfinite(value)
    if bad.any():
        index = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{where}: {name}{list(index)} is {value[index]}, expected a finite value")


def check_positive(where: str, name: str, value: float) -> float:
    """Return ``value`` as float if it is finite and above zero.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is NaN, infinite, zero or negative.
    """
    _check_real(where, name, value)
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{where}: {name} is {value}, expected a finite number above 0")
    return float(value)


def check_interval(
    where: str, name: str, value: float, low: float = 0.0, high: float = np.inf
) -> float:
    """Return ``value`` as float if ``low`` ≤ ``value`` < ``high``.

    Raises
    ------
    TypeError
        If it is no real number.
    ValueError
        If it is NaN or lies outside.
    """
    _check_real(where, name, value)
    if not low <= value < high:
        wanted = f"below {high:g}" if np.isfinite(high) else "finite"
        raise ValueError(f"{where}: {name} is {value}, expected at least {low:g} and {wanted}")
    return float(value)


def check_count(where: str, name: str, value: int, low: int = 1) -> int:
    """Return ``value`` as int if it is an integer, at least ``low``.

    Raises
    ------
    TypeError
        If it is no integer; 10.0 is none.
    ValueError
        If it is smaller.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(
            f"{where}: {name} is {value!r}, a {type(value).__name__}, expected an integer"
        )
    if value < low:
        raise ValueError(f"{where}: {name} is {value}, expected at least {low}")
    return int(value)


def _check_real(where: str, name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(
            f"{where}: {name} is {value!r}, a {type(value).__name__}, expected a real number"
        )


def check_dtype(where: str, dtype: DTypeLike) -> np.dtype[np.floating]:
    """Return the NumPy dtype if it is float32 or float64, else raise ``TypeError``."""
    resolved: np.dtype[Any] = np.dtype(dtype)
    if resolved not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"{where}: dtype is {resolved}, expected float32 or float64")
    return resolved


class Buffers:
    """Arrays for results: fresh ones, or with ``reuse`` those of the last call of that shape.

    Reuse saves the allocation in every step of a training loop; a result is then valid until the
    next call only, so it is off unless :func:`backprop.training.fit` is at work.
    """

    def __init__(self) -> None:
        self.reuse = False
        self._arrays: dict[tuple[str, tuple[int, ...], str], Array] = {}

    def __getstate__(self) -> dict[str, Any]:
        # A copy has arrays of its own, and gives fresh ones.
        return {**vars(self), "reuse": False, "_arrays": {}}

    def forget(self) -> None:
        """Free the arrays kept for reuse, and stop reusing."""
        self.reuse = False
        self._arrays.clear()

    def _empty(
        self, name: str, shape: tuple[int, ...], dtype: DTypeLike, order: Literal["C", "F"] = "C"
    ) -> Array:
        if not self.reuse:
            return np.empty(shape, dtype, order)
        key = (name, shape, np.dtype(dtype).char)
        kept = self._arrays.get(key)
        if kept is None:
            kept = self._arrays[key] = np.empty(shape, dtype, order)
        return kept

    def _kept(self, quantity: str) -> Array:
        if not hasattr(self, quantity):
            raise RuntimeError(f"{type(self).__name__}: backward() came before forward()")
        kept: Array = getattr(self, quantity)
        return kept
