"""A recurrent network that reads a text and predicts each next character; and simpler guesses.

What the chapter "Recurrent networks" trains. The loss is in bits per character: the base-2
logarithm of one over the probability of what came, on average.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from backprop.book.alice import Letters, passages
from backprop.layers import GRU, Dense
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam, clip_norm

BITS = 1 / np.log(2)
"""Bits in a nat."""
BATCH, LENGTH, RATE, LIMIT = 32, 40, 5e-3, 1.0
"""Passages in a step, characters in each, the rate of Adam, and where gradients are clipped."""
FALLING = 0.3
"""The last part of the steps, in which the rate falls to 0 in a straight line."""
WINDOW = 100
"""Characters that are read in a row when the loss is measured."""


def counted(data: Letters, order: int) -> float:
    """Return the bits per character of counting, on the text that is kept for validation.

    Parameters
    ----------
    data : Letters
        The text.
    order : int
        Of the characters before, how many are looked at: 0 for frequencies alone, 1 for pairs.
        Every pair counts 0.1 more than it was seen, so that none is impossible.
    """
    size, text = len(data.alphabet), data.validation
    if order not in (0, 1):
        raise ValueError(f"counted: order is {order}, expected 0 or 1")
    if order == 0:
        counts = np.bincount(data.train, minlength=size) + 0.1
        return float(-np.log2(counts / counts.sum())[text].mean())
    pairs = np.full((size, size), 0.1)
    np.add.at(pairs, (data.train[:-1], data.train[1:]), 1)
    pairs /= pairs.sum(axis=1, keepdims=True)
    return float(-np.log2(pairs[text[:-1], text[1:]]).mean())


class Speller:
    """A GRU over one-hot characters, and a dense layer that gives a score to each next one.

    Parameters
    ----------
    data : Letters
        The text.
    seed : int
        Of the start and of the passages.
    n_hidden : int
        Units of the GRU.
    truncate : int or None
        As that of the layer.
    """

    def __init__(
        self, data: Letters, seed: int, n_hidden: int = 128, truncate: int | None = None
    ) -> None:
        self.data, self.rng = data, np.random.default_rng(seed)
        self.size, self.n = len(data.alphabet), n_hidden
        self.layer = GRU(self.size, n_hidden, rng=self.rng, truncate=truncate, dtype=np.float32)
        self.reader = Sequential([self.layer])
        self.head = Sequential([Dense(n_hidden, self.size, rng=self.rng, dtype=np.float32)])
        self.loss = SoftmaxCrossEntropy()
        for part in (self.reader, self.head):
            part.reuse_buffers(True)
        self.one_hot = np.eye(self.size, dtype=np.float32)

    def forward(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
        """Return the loss, in bits, of predicting y[:, t] from x[:, 0] … x[:, t]."""
        h = self.reader.forward(self.one_hot[x])
        z = self.head.forward(h.reshape(-1, self.n))
        return float(self.loss.forward(z, y.ravel()) * BITS)

    def backward(self, batch: int) -> None:
        """Fill the gradients of the last ``forward`` over so many passages."""
        dh = self.head.backward(self.loss.backward())
        self.reader.backward_parameters(dh.reshape(batch, -1, self.n))

    def train(self, steps: int, watch: Callable[[int], None] | None = None) -> None:
        """Take Adam's steps on random passages; ``watch`` is called with the number of each."""
        parts = self.reader, self.head
        optimizers = [Adam(part, RATE) for part in parts]
        for step in range(steps):
            x, y = passages(self.data.train, BATCH, LENGTH, self.rng)
            self.forward(x, y)
            self.backward(BATCH)
            for part, optimizer in zip(parts, optimizers, strict=True):
                clip_norm(part, LIMIT)
                optimizer.learning_rate = RATE * min(1.0, (steps - step) / (FALLING * steps))
                optimizer.step()
            if watch is not None:
                watch(step + 1)

    def validated(self) -> float:
        """Return the bits per character on the text that is kept for validation."""
        rows = (len(self.data.validation) - 1) // WINDOW
        x = self.data.validation[: rows * WINDOW].reshape(rows, WINDOW)
        y = self.data.validation[1 : rows * WINDOW + 1].reshape(rows, WINDOW)
        return self.forward(x, y)

    def write(self, begin: str, count: int, rng: np.random.Generator, heat: float = 1.0) -> str:
        """Continue a text by ``count`` characters, each drawn from the prediction.

        Parameters
        ----------
        begin : str
            What is read first; at least one character.
        count : int
            Characters to write.
        rng : numpy.random.Generator
            Draws them.
        heat : float
            The temperature: scores are divided by it, so that below 1 the likely becomes likelier.
        """
        x, state, text = self.data.alphabet.encode(begin)[None], None, begin
        for _ in range(count):
            h = self.layer.forward(self.one_hot[x], h0=state)
            state = h[:, -1]
            z = self.head.forward(h[:, -1])[0].astype(np.float64) / heat
            p = np.exp(z - z.max())
            x = np.array([[rng.choice(self.size, p=p / p.sum())]])
            text += self.data.alphabet.decode(x[0])
        return text
