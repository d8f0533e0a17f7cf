"""Predicting the next letter by counting what followed the last few: the models to beat."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import (
    Array,
    check_count,
    check_interval,
    check_labels,
    check_ndarray,
    check_positive,
)


class Counts:
    """p_k(c) = (n(h c) + s p_{k-1}(c)) / (n(h) + s), h the last k letters (MacKay & Peto, 1995).

    n(h c) is how often the letter c followed h in the text, n(h) how often any did. With fewer
    letters known, p_{k-1} says the same of the last k - 1; p_{-1} gives each letter of the alphabet
    the same probability. So s is the number of letters that the shorter context counts for.

    Parameters
    ----------
    text : array of int, shape (n,)
        What is counted.
    size : int
        Letters of the alphabet; ``text`` holds 0 to size - 1.
    order : int
        The largest k: 0 for frequencies alone, 1 for pairs of letters.
    strength : float
        s > 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number, or the text is not longer than ``order``.
    """

    def __init__(self, text: NDArray[np.int64], size: int, order: int, strength: float) -> None:
        check_ndarray("Counts", "text", text)
        self.size = check_count("Counts", "size", size)
        self.order = check_count("Counts", "order", order, 0)
        self.strength = check_positive("Counts", "strength", strength)
        check_labels("Counts", "text", text, len(text), size)
        if len(text) <= order:
            raise ValueError(f"Counts: text has {len(text)} letters, expected more than {order}")
        if float(size) ** (order + 1) > 2.0**62:
            raise ValueError(f"Counts: order is {order}, which {size} letters make too large")
        self._followed = [_counted(self._numbered(text, k + 1)) for k in range(order + 1)]
        self._met = [_counted(seen // size, n) for seen, n in self._followed]

    def _numbered(self, text: NDArray[np.int64], k: int) -> NDArray[np.int64]:
        """Return one number for each k letters in a row, the last one its last digit."""
        rows = np.lib.stride_tricks.sliding_window_view(text, k)
        number = np.zeros(len(rows), np.int64)
        for j in range(k):
            number = number * self.size + rows[:, j]
        return number

    def probabilities(self, text: NDArray[np.int64]) -> Array:
        """Return the probability of each letter of ``text`` after those before it, shape (n,)."""
        p: Array = np.full(len(text), 1 / self.size)
        for k in range(min(self.order + 1, len(text))):
            number = self._numbered(text, k + 1)
            p[k:] = self._mixed(k, number // self.size, number, p[k:])
        return p

    def after(self, text: NDArray[np.int64]) -> Array:
        """Return the probabilities of all letters after the last of ``text``, shape (size,)."""
        p: Array = np.full(self.size, 1 / self.size)
        for k in range(min(self.order, len(text)) + 1):
            (head,) = self._numbered(text[len(text) - k :], k) if k else [0]
            p = self._mixed(k, np.int64(head), head * self.size + np.arange(self.size), p)
        return p

    def _mixed(
        self, k: int, head: NDArray[np.int64] | np.int64, number: NDArray[np.int64], p: Array
    ) -> Array:
        followed, met = _found(self._followed[k], number), _found(self._met[k], head)
        return np.asarray((followed + self.strength * p) / (met + self.strength))

    def bits(self, text: NDArray[np.int64]) -> float:
        """Return the bits per letter of ``text``, the mean of log2 1/p."""
        return float(-np.log2(self.probabilities(text)).mean())


class KneserNey(Counts):
    """p_k(c) = (max(0, n(h c) - D) + D t(h) p_{k-1}(c)) / n(h): interpolated Kneser-Ney.

    h holds the last k letters, and t(h) is how many different letters followed it. D is taken from
    each count, and p_{k-1} shares out what was taken (Kneser & Ney, 1995; Chen & Goodman, 1999).
    For the largest k, n(h c) is how often c followed h; below, after how many different letters
    h c stood. After an h that was never met, p_k = p_{k-1}.

    Parameters
    ----------
    text, size, order
        As in :class:`Counts`.
    discount : float
        D, at least 0 and below 1; with 0, what never followed a context is impossible after it.

    Raises
    ------
    TypeError, ValueError
        If an argument is no such number, or the text is not longer than ``order``.
    """

    def __init__(self, text: NDArray[np.int64], size: int, order: int, discount: float) -> None:
        super().__init__(text, size, order, 1.0)
        self.discount = check_interval("KneserNey", "discount", discount, 0.0, 1.0)
        for k in range(order):
            longer, _ = self._followed[k + 1]
            self._followed[k] = _counted(longer % size ** (k + 1))
            self._met[k] = _counted(self._followed[k][0] // size, self._followed[k][1])
        self._kinds = [_counted(seen // size) for seen, _ in self._followed]

    def _mixed(
        self, k: int, head: NDArray[np.int64] | np.int64, number: NDArray[np.int64], p: Array
    ) -> Array:
        followed, met = _found(self._followed[k], number), _found(self._met[k], head)
        kept = np.maximum(0, followed - self.discount)
        taken = self.discount * _found(self._kinds[k], head)
        return np.where(met > 0, (kept + taken * p) / np.maximum(met, 1), p)


Table = tuple[NDArray[np.int64], NDArray[np.int64]]


def _counted(numbers: NDArray[np.int64], weights: NDArray[np.int64] | None = None) -> Table:
    kinds, place = np.unique(numbers, return_inverse=True)
    return kinds, np.bincount(place, weights).astype(np.int64)


def _found(table: Table, numbers: NDArray[np.int64] | np.int64) -> NDArray[np.int64]:
    kinds, counts = table
    place = np.minimum(np.searchsorted(kinds, numbers), len(kinds) - 1)
    return np.where(kinds[place] == numbers, counts[place], 0)


def chosen(
    text: NDArray[np.int64],
    size: int,
    orders: Sequence[int],
    strengths: Sequence[float],
    *,
    part: float = 0.1,
) -> tuple[int, float]:
    """Return the order and strength with the fewest bits on the last part, counted on the rest."""
    cut = round(len(text) * (1 - part))
    # What was counted serves every smaller order.
    counts = Counts(text[:cut], size, max(orders), 1.0)

    def bits(choice: tuple[int, float]) -> float:
        counts.order, counts.strength = choice
        return counts.bits(text[cut:])

    return min(((order, s) for order in orders for s in strengths), key=bits)


def chosen_discount(
    text: NDArray[np.int64],
    size: int,
    order: int,
    discounts: Sequence[float],
    *,
    part: float = 0.1,
) -> float:
    """Return the discount with the fewest bits on the last part, counted on the rest."""
    cut = round(len(text) * (1 - part))
    counts = KneserNey(text[:cut], size, order, discounts[0])

    def bits(discount: float) -> float:
        counts.discount = discount
        return counts.bits(text[cut:])

    return min(discounts, key=bits)
