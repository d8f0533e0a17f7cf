"""The text that the language models of Part IV read, letter by letter.

Lewis Carroll, *Alice's Adventures in Wonderland* (1865) and *Through the Looking-Glass* (1871),
both in the public domain, from the transcriptions of Project Gutenberg (numbers 11 and 12) without
what does not belong to the books. A paragraph is one line, an empty line follows it, and a verse
keeps its lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Labels, check_count, check_ndarray

VALIDATION = 0.1
"""The part at the end of the text that no model is trained on."""


class Letters(NamedTuple):
    """A text as integers, cut in two."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    alphabet: Alphabet


class Alphabet:
    """The characters of a text, in the order of their code points; integer k stands for the k-th.

    Parameters
    ----------
    text : str
        What has to be written; at least one character.

    Raises
    ------
    TypeError, ValueError
        If ``text`` is no string, or is empty.
    """

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"Alphabet: text is a {type(text).__name__}, expected a string")
        if not text:
            raise ValueError("Alphabet: text is empty, expected at least one character")
        self.characters = "".join(sorted(set(text)))
        self._number = {character: k for k, character in enumerate(self.characters)}

    def __len__(self) -> int:
        return len(self.characters)

    def encode(self, text: str) -> NDArray[np.int64]:
        """Return one integer per character, shape (len(text),).

        Raises
        ------
        ValueError
            If a character is not in the alphabet.
        """
        foreign = sorted(set(text) - set(self.characters))
        if foreign:
            raise ValueError(
                f"Alphabet.encode: text has {foreign[0]!r}, expected characters of"
                f" {self.characters!r}"
            )
        return np.array([self._number[character] for character in text], dtype=np.int64)

    def decode(self, numbers: Iterable[int] | Labels) -> str:
        """Return the text of these integers.

        Raises
        ------
        ValueError
            If a number stands for no character.
        """
        chosen = [int(k) for k in numbers]
        wrong = [k for k in chosen if not 0 <= k < len(self)]
        if wrong:
            raise ValueError(
                f"Alphabet.decode: numbers has {wrong[0]}, expected 0 to {len(self) - 1}"
            )
        return "".join(self.characters[k] for k in chosen)


@cache
def text() -> str:
    """Return both books, 301,960 characters."""
    return (files("backprop.book") / "alice.txt").read_text(encoding="ascii")


@cache
def letters() -> Letters:
    """Return the text as integers; the last tenth is kept for validation."""
    alphabet = Alphabet(text())
    numbers = alphabet.encode(text())
    numbers.flags.writeable = False
    cut = round(len(numbers) * (1 - VALIDATION))
    return Letters(numbers[:cut], numbers[cut:], alphabet)


def passages(
    numbers: NDArray[np.int64], batch: int, length: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw passages of a text, and for each of their characters the one that follows it.

    Parameters
    ----------
    numbers : array of int, shape (n,)
        The text; more than ``length`` characters.
    batch, length : int
        How many passages, and how long each is.
    rng : numpy.random.Generator
        Draws where they begin, each start equally probable.

    Returns
    -------
    x, y : array of int, shape (batch, length)
        ``y[:, t]`` follows ``x[:, t]``.

    Raises
    ------
    TypeError, ValueError
        If a count is no positive integer, or the text is too short.
    """
    check_ndarray("passages", "numbers", numbers)
    check_count("passages", "batch", batch)
    check_count("passages", "length", length)
    if len(numbers) <= length:
        raise ValueError(
            f"passages: numbers has {len(numbers)} characters, expected more than length={length}"
        )
    starts = rng.integers(len(numbers) - length, size=(batch, 1))
    found = numbers[starts + np.arange(length + 1)]
    return found[:, :-1], found[:, 1:]
