"""Predicting the next letter by counting what followed the last few: the models to beat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

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

Numbers = NDArray[np.int64]


class Table(NamedTuple):
    """What followed the contexts of one length, each of which is a number from 0."""

    pairs: Numbers
    """context * size + letter for all that were met, sorted."""
    counts: Numbers
    """How often each of them was met."""
    sums: Numbers
    """The sum of these counts for each context."""
    kinds: Numbers
    """How many different letters followed each context."""

    def asked(self, context: Numbers, pair: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return the counts of pairs, and the sums and kinds of contexts; -1 is none, with 0."""
        place = _place(self.pairs, pair)
        asked = (self.counts, place), (self.sums, context), (self.kinds, context)
        n_c, n, t = (np.where(at >= 0, values[at], 0) for values, at in asked)
        return n_c, n, t


def _place(known: Numbers, numbers: Numbers) -> Numbers:
    """Return where numbers stand in a sorted array, and -1 for those that do not."""
    place = np.minimum(np.searchsorted(known, numbers), len(known) - 1)
    return np.where(known[place] == numbers, place, -1)


class Counting(ABC):
    """What followed the last 0, 1, ... ``order`` letters in a text, and its use.

    A context of k letters is found by that of its last k - 1 letters and the letter before them.
    """

    setting: float
    """The one number of the method: a strength, or a discount."""

    def __init__(self, text: Numbers, size: int, order: int) -> None:
        name = type(self).__name__
        check_ndarray(name, "text", text)
        self.size = check_count(name, "size", size)
        self.order = check_count(name, "order", order, 0)
        check_labels(name, "text", text, len(text), size)
        if len(text) <= order:
            raise ValueError(f"{name}: text has {len(text)} letters, expected more than {order}")
        self._known: list[Numbers] = [np.zeros(1, np.int64)]
        self._tables: list[Table] = []
        for k, context in enumerate(self._contexts(text, order, learn=True)):
            self._tables.append(self._table(k, context[:-1] * size + text[k:]))

    def _contexts(self, text: Numbers, order: int, *, learn: bool = False) -> Iterator[Numbers]:
        """Yield for k = 0, 1, ... the contexts of k letters, from the first to that at the end."""
        context = np.zeros(len(text) + 1, np.int64)
        yield context
        for k in range(1, order + 1):
            longer = context[1:] * self.size + text[: len(text) + 1 - k]
            if learn:
                self._known.append(np.unique(longer))
            context = _place(self._known[k], longer)
            yield context

    def _table(self, k: int, pairs: Numbers) -> Table:
        kinds, counts = np.unique(pairs, return_counts=True)
        context, n = kinds // self.size, len(self._known[k])
        sums = np.bincount(context, counts, n).astype(np.int64)
        return Table(kinds, counts, sums, np.bincount(context, minlength=n))

    @abstractmethod
    def _mixed(self, k: int, context: Numbers, c: Numbers, p: Array) -> tuple[Array, Array]:
        """Return p of the letters c from k letters, and what the next longer context starts from.

        The argument p is what k - 1 letters said.
        """

    def lengths(self, text: Numbers) -> Array:
        """Return p of each letter of ``text`` after 0, 1, ... letters, shape (order + 1, n).

        Where fewer letters stand before it, all of them are used.
        """
        p: Array = np.full(len(text), 1 / self.size)
        found = np.empty((self.order + 1, len(text)))
        for k, context in enumerate(self._contexts(text, min(self.order, len(text)))):
            found[k:, :] = p
            found[k, k:], p[k:] = self._mixed(k, context[:-1], text[k:], p[k:])
        return found

    def probabilities(self, text: Numbers) -> Array:
        """Return p of each letter of ``text`` after ``order`` letters, shape (n,)."""
        return np.asarray(self.lengths(text)[-1])

    def after(self, text: Numbers) -> Array:
        """Return the probabilities of all letters after the last of ``text``, shape (size,)."""
        p: Array = np.full(self.size, 1 / self.size)
        text = text[max(0, len(text) - self.order) :]
        for k, context in enumerate(self._contexts(text, len(text))):
            here = np.repeat(context[-1:], self.size)
            whole, p = self._mixed(k, here, np.arange(self.size), p)
        return whole if k == self.order else p

    def bits(self, text: Numbers) -> float:
        """Return the bits per letter of ``text``, the mean of log2 1/p."""
        return float(-np.log2(self.probabilities(text)).mean())


class Counts(Counting):
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

    def __init__(self, text: Numbers, size: int, order: int, strength: float) -> None:
        self.setting = check_positive("Counts", "strength", strength)
        super().__init__(text, size, order)

    def _mixed(self, k: int, context: Numbers, c: Numbers, p: Array) -> tuple[Array, Array]:
        n_c, n, _ = self._tables[k].asked(context, context * self.size + c)
        p = (n_c + self.setting * p) / (n + self.setting)
        return p, p


class KneserNey(Counting):
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

    def __init__(self, text: Numbers, size: int, order: int, discount: float) -> None:
        self.setting = check_interval("KneserNey", "discount", discount, 0.0, 1.0)
        super().__init__(text, size, order)
        self._before: list[Table] = []
        for k in range(order):
            # Each pair of a context of k + 1 letters counts once for that of its last k.
            longer, c = np.divmod(self._tables[k + 1].pairs, size)
            self._before.append(self._table(k, self._known[k + 1][longer] // size * size + c))

    def _mixed(self, k: int, context: Numbers, c: Numbers, p: Array) -> tuple[Array, Array]:
        pair = context * self.size + c
        whole = self._discounted(self._tables[k], context, pair, p)
        if k == self.order:
            return whole, whole
        return whole, self._discounted(self._before[k], context, pair, p)

    def _discounted(self, table: Table, context: Numbers, pair: Numbers, p: Array) -> Array:
        n_c, n, t = table.asked(context, pair)
        kept = np.maximum(0, n_c - self.setting)
        return np.where(n > 0, (kept + self.setting * t * p) / np.maximum(n, 1), p)


def tried(
    counts: Counting, settings: Sequence[float], text: Numbers, at: Numbers | None = None
) -> Array:
    """Return the bits per letter of another text, shape (settings, order + 1).

    Parameters
    ----------
    counts : Counting
        Gets each of the settings in turn, and keeps the last.
    settings : sequence of float
        Strengths, or discounts.
    text : array of int
    at : array of int, optional
        The letters that count. Default: all.
    """
    found = []
    for counts.setting in settings:
        p = counts.lengths(text)
        found.append(-np.log2(p if at is None else p[:, at]).mean(axis=1))
    return np.array(found)
