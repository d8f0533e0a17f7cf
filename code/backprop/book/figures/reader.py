"""A sentence that the reader walks along: what is expected next, and from which letters.

Without JavaScript the figure shows one letter. What is said about it is computed twice, here for
that letter and in the script for all of them; a test compares the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

from backprop.book.figures import embed, svg

COLOURS = "error", "0", "1", "2"
NAMES = {"error": "the error reaches", "0": "block 1 attends", "1": "block 2", "2": "block 3"}
"""What the colour of a letter can mean."""


class Reader:
    """A sentence with a cursor; display it as a cell's last line.

    Parameters
    ----------
    name : str
        Unique on its page: the HTML id is ``reader-name``.
    data : mapping
        One sentence of ``backprop.book.reading.stored()``.
    start : int
        The letter that is to come at first.
    title : str
        What a screen reader calls the figure.

    Raises
    ------
    ValueError
        If ``name`` is not letters, digits and hyphens, or ``start`` is no letter of the sentence.
    """

    def __init__(self, name: str, data: Mapping[str, Any], start: int, title: str) -> None:
        embed.check_name("Reader", name)
        if not 0 <= start < len(data["text"]):
            raise ValueError(
                f"Reader: start is {start}, expected 0 to {len(data['text']) - 1}, a letter"
            )
        self.name, self.data, self.start, self.title = name, data, start, title

    def __repr__(self) -> str:
        """One line for terminals, and for the comparison of outputs."""
        return f"Reader({self.name!r}, {len(self.data['text'])} letters)"

    def sentence(self) -> str:
        """What the figure says about the first letter, with and without JavaScript."""
        text, k = self.data["text"], self.start
        before = f"After “{text[:k]}”" if k else "At the beginning"
        parts = [
            f"{name} {percent(model['came'][k])}, {bits(model['came'][k])} bits"
            for name, model in self.data["models"].items()
        ]
        return f"{before} comes “{named(text[k])}”. Its probability: {'; '.join(parts)}."

    def _repr_html_(self) -> str:
        text, k = self.data["text"], self.start
        shades = self.data["error"][k][len(self.data["begin"]) :]
        letters = [
            f'<span class="bp-letter{_place(i, k)}" '
            f'style="--shade: {int(shades[i]) / 9 if i < k else 0:.3g}">{escape(letter)}</span>'
            for i, letter in enumerate(text)
        ]
        # Words stay whole where a line ends.
        words, line = [], []
        for letter, span in zip(text, letters, strict=True):
            line.append(span)
            if letter == " ":
                words.append(_word(line))
                line = []
        words.append(_word(line))
        models = "".join(self._model(name, model, k) for name, model in self.data["models"].items())
        body = "\n".join([
            self._controls(),
            f'<p class="bp-text">{"".join(words)}</p>',
            f'<div class="bp-models">{models}</div>',
            f'<p class="bp-live" aria-live="polite">{escape(self.sentence())}</p>',
        ])  # fmt: skip
        return embed.figure(
            "reader", self.name, self.title, body, {**self.data, "start": self.start}
        )

    def _controls(self) -> str:
        radios = "".join(
            f'<label><input type="radio" name="reader-{self.name}" value="{colour}"'
            f"{' checked' if colour == 'error' else ''}>{NAMES[colour]}</label>"
            for colour in COLOURS
        )
        return (
            f'<div class="bp-controls" hidden><fieldset><legend>Colour: letters that</legend>'
            f'{radios}</fieldset><button type="button">Previous</button>'
            f'<input type="range" min="1" max="{len(self.data["text"])}" value="{self.start + 1}" '
            f'step="1" aria-label="letter: {escape(self.title)}">'
            '<button type="button">Next</button></div>'
        )

    def _model(self, name: str, model: Mapping[str, Any], k: int) -> str:
        came = self.data["text"][k]
        rows = "".join(
            f"<li{' class=bp-came' if letter == came else ''}>"
            f'<span class="bp-name">{escape(named(letter))}</span>'
            f'<span class="bp-bar" style="--p: {p:g}"></span>'
            f'<span class="bp-percent">{percent(p)}</span></li>'
            for letter, p in zip(model["letters"][k], model["p"][k], strict=True)
        )
        return (
            f'<div class="bp-model"><p><strong>{escape(name)}</strong>'
            f'<span class="bp-bits">{bits(model["came"][k])} bits</span></p><ol>{rows}</ol></div>'
        )


def _word(spans: list[str]) -> str:
    return f'<span style="white-space: nowrap">{"".join(spans)}</span><wbr>'


def _place(i: int, k: int) -> str:
    return " bp-next" if i == k else " bp-later" if i > k else ""


def named(letter: str) -> str:
    """Return how a letter is written where it stands alone."""
    return {" ": "space", "\n": "new line"}.get(letter, letter)


def percent(p: float) -> str:
    """Write a probability as a percentage, and what is below one in a hundred with a digit more."""
    value = 100 * p
    if value < 0.095:
        return "≤ 0.1 %"
    return f"{svg.fixed(value, 1 if value < 0.95 else 0)} %"


def bits(p: float) -> str:
    """Write log2 1/p."""
    return svg.fixed(abs(-math.log2(p)), 1)
