"""A language model made of the package's layers, its training, and what ten runs of it achieved.

What the chapter "A small language model" trains in seconds, and in minutes by the command

    python -m backprop.book.language --seed 0 --checkpoint run.npz

which can be stopped and goes on where it was. What ten such runs reached is stored beside this
file. The loss is in bits per character: the base-2 logarithm of one over the probability of what
came, on average.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from backprop.activations import softmax
from backprop.arrays import Array
from backprop.book import reading, results
from backprop.book.alice import Alphabet, letters, passages
from backprop.book.counting import Counting, Counts, KneserNey, tried
from backprop.layers import (
    Embedding,
    GatedMLP,
    Layer,
    Residual,
    RMSNorm,
    RotaryAttention,
    Tied,
)
from backprop.layers.composite import Chain
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Network, Sequential
from backprop.optimizers import AdamW, clip_norm
from backprop.schedules import Cosine, Warmup
from backprop.training.state import State, fingerprint, load, save

BITS = 1 / np.log(2)
"""Bits in a nat."""
LOOKS = 20
"""How often in a run the loss is measured."""


@dataclass(frozen=True)
class Settings:
    """How large a model is and how it learns.

    Attributes
    ----------
    width, blocks, heads, hidden : int
        Of the vectors, of the stack, of each attention, and of each gated layer.
    length : int
        Characters that it reads at once.
    batch, steps : int
        Passages in a step, and steps of AdamW.
    rate, warmup : float, int
        Where the cosine begins, after so many steps of warm-up; it ends at a twentieth.
    decay : float
        Weight decay of all parameters.
    """

    width: int
    blocks: int
    heads: int
    hidden: int
    length: int
    batch: int
    steps: int
    rate: float
    warmup: int
    decay: float = 0.1


SMALL = Settings(32, 2, 2, 64, length=32, batch=8, steps=300, rate=1e-2, warmup=50)
"""A model that learns in a second or two."""
LARGE = Settings(64, 3, 4, 160, length=64, batch=16, steps=3_000, rate=5e-3, warmup=100)
"""The one of the command: minutes on one core."""


def transformer(
    n_tokens: int, s: Settings, rng: np.random.Generator, dtype: DTypeLike = np.float32
) -> Sequential:
    """Return z = h Wᵀ: an embedding, blocks of attention and gated layers, and the same table."""
    d = s.width
    layers: list[Layer] = [Embedding(n_tokens, d, scale=d**-0.5, rng=rng, dtype=dtype)]
    for _ in range(s.blocks):
        for branch in (
            RotaryAttention(d, s.heads, causal=True, rng=rng, dtype=dtype),
            GatedMLP(d, s.hidden, rng=rng, dtype=dtype),
        ):
            branch.parameters["W_o"] /= np.sqrt(2 * s.blocks)
            norm = RMSNorm(d, dtype=dtype)
            layers.append(Residual([norm, branch]))
    layers.append(RMSNorm(d, dtype=dtype))
    return Sequential([Tied(layers)])


class PerCharacter(SoftmaxCrossEntropy):
    """L = -1/(B T) Σ_b Σ_t log p_bt[y_bt], p = softmax(z): the mean over all characters.

    Shapes: z (batch, time, classes), y (batch, time) of integers.
    """

    def forward(self, z: Array, y: NDArray[np.generic]) -> float:
        """Return L, in nats."""
        self.shape = z.shape
        return super().forward(z.reshape(-1, z.shape[-1]), y.ravel())

    def backward(self) -> Array:
        """∂L/∂z = (p - onehot(y)) / (B T), shape of z."""
        return super().backward().reshape(self.shape)

    def weight(self, y: NDArray[np.generic]) -> float:
        """How many characters."""
        return float(y.size)


class OnePath(Tied):
    """A table that is used twice, but whose share of the scores overwrites that of the input."""

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``, wrongly; return zeros for ∂L/∂x."""
        self.backward_parameters(dz)
        return np.zeros(self.h.shape[:-1], dz.dtype)

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, wrongly."""
        dW, dh = self._score_errors(dz)
        Chain.backward_parameters(self, dh)
        self.layers[0].gradients["W"][...] = dW


def one_path(network: Sequential) -> Sequential:
    """Return the network of the same layers that makes the mistake of :class:`OnePath`."""
    (tied,) = network.layers
    return Sequential([OnePath(tied.layers)])  # type: ignore[attr-defined]


STRENGTHS = (8.0, 16.0, 32.0, 64.0, 128.0)
"""What is tried for counting, at each length of the context."""
DISCOUNTS = (0.6, 0.8, 0.9, 0.95, 0.98)
"""What is tried for the way of Kneser and Ney, at each length."""
LONGEST = 16
"""The longest context in letters."""


class Counted(NamedTuple):
    """A way of counting, and what it achieved on the letters for which :func:`bits` asks."""

    best: Counting
    """With the length and the setting that need the fewest bits there."""
    bits: Array
    """The fewest bits at each length, shape (LONGEST + 1,)."""


@cache
def counted() -> dict[str, Counted]:
    """Return two ways of counting by their names.

    Length and setting are chosen on the letters on which all is judged, as those of the networks
    were.
    """
    data = letters()
    size, at = len(data.alphabet), asked(data.validation, LARGE.length)
    found: dict[str, Counted] = {}
    for name, kind, settings in (
        ("mixing", Counts, STRENGTHS), ("Kneser-Ney", KneserNey, DISCOUNTS),
    ):  # fmt: skip
        counts = kind(data.train, size, LONGEST, settings[0])
        scores = tried(counts, settings, data.validation, at)
        chosen, order = np.unravel_index(scores.argmin(), scores.shape)
        # What was counted serves every smaller order.
        counts.setting, counts.order = settings[chosen], int(order)
        found[name] = Counted(counts, scores.min(axis=0))
    return found


class Training:
    """A model, its optimizer and its place in the run.

    Parameters
    ----------
    s : Settings
    seed : int
        Of the start and of the passages.
    text : array of int, optional
        Default: what the book's text has for training.
    changed : callable, optional
        Makes another network of the model.
    """

    def __init__(
        self,
        s: Settings,
        seed: int,
        text: NDArray[np.int64] | None = None,
        changed: Callable[[Sequential], Sequential] | None = None,
    ) -> None:
        data = letters()
        self.s, self.seed, self.alphabet = s, seed, data.alphabet
        self.text = data.train if text is None else text
        self.rng = np.random.default_rng(seed)
        self.network = transformer(len(data.alphabet), s, self.rng)
        if changed is not None:
            self.network = changed(self.network)
        self.network.reuse_buffers(True)
        self.loss = PerCharacter()
        self.loss.reuse = True
        self.schedule = Warmup(Cosine(s.rate, s.steps - s.warmup, s.rate / 20), s.warmup)
        self.optimizer = AdamW(self.network, s.rate, beta2=0.99, weight_decay=s.decay)

    def step(self) -> float:
        """Take one step on passages drawn at random; return the loss before it, in bits."""
        return self.take(*passages(self.text, self.s.batch, self.s.length, self.rng))

    def take(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> float:
        """Take one step on these passages; return the loss before it, in bits."""
        value = self.loss.forward(scores(self.network, x), y)
        self.network.backward_parameters(self.loss.backward())
        clip_norm(self.network, 1.0)
        self.optimizer.learning_rate = self.schedule(self.optimizer.steps)
        self.optimizer.step()
        return float(value * BITS)

    def finish(self) -> Sequential:
        """Take the steps that are left, and return the model."""
        while self.optimizer.steps < self.s.steps:
            self.step()
        self.network.train(False)
        return self.network


def scores(network: Network, x: NDArray[np.int64]) -> Array:
    """Return z for each character: forward takes integers here, and arrays of floats elsewhere."""
    forward: Callable[[Any], Array] = network.forward
    return forward(x)


def chances(network: Network, text: NDArray[np.int64], length: int) -> Array:
    """Return the probability that the model gives to each letter of :func:`asked`, shape (n,).

    The model reads ``length`` characters at once, in windows that overlap by half, and only the
    later half of a window counts: each character is predicted from at least length/2 others.
    """
    half, training = length // 2, network.training
    windows, found = text[_windows(text, length)], []
    network.train(False)
    for group in np.array_split(windows, max(1, len(windows) * length // 4096)):
        z = scores(network, group[:, :-1])[:, length - half :]
        came = group[:, length - half + 1 :, None]
        found.append(np.take_along_axis(softmax(z.astype(np.float64)), came, -1).ravel())
    network.train(training)
    return np.concatenate(found)


def bits(network: Network, text: NDArray[np.int64], length: int) -> float:
    """Return the bits per character of a text, over the letters of :func:`asked`."""
    return float(-np.log2(chances(network, text, length)).mean())


def _windows(text: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    starts = np.arange(0, len(text) - length, length // 2)
    return starts[:, None] + np.arange(length + 1)


def asked(text: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    """Return the places of the letters for which :func:`chances` asks, one after the other."""
    return _windows(text, length)[:, length - length // 2 + 1 :].ravel()


def next_letter(
    network: Network, length: int, heat: float = 1.0
) -> Callable[[NDArray[np.int64]], Array]:
    """Return what gives p of all letters after a text: softmax(z / heat), z after ``length``.

    Parameters
    ----------
    network : Network
        In use, not in training.
    length : int
        How many of the last characters the model reads.
    heat : float
        The temperature: below 1 the likely becomes likelier.
    """

    def after(text: NDArray[np.int64]) -> Array:
        z = scores(network, text[None, -length:])[0, -1]
        return softmax(z.astype(np.float64) / heat)

    return after


def continued(
    after: Callable[[NDArray[np.int64]], Array],
    alphabet: Alphabet,
    begin: str,
    count: int,
    rng: np.random.Generator,
) -> str:
    """Continue a text by ``count`` characters, each drawn from the p that ``after`` gives.

    Parameters
    ----------
    after : callable
        As :func:`next_letter` returns it, or ``Counting.after``.
    alphabet : Alphabet
    begin : str
        At least one character.
    count : int
    rng : numpy.random.Generator
        Draws them.
    """
    text = alphabet.encode(begin)
    for _ in range(count):
        text = np.append(text, rng.choice(len(alphabet), p=after(text)))
    return alphabet.decode(text)


# The network beside the counts.

WEIGHTS = np.linspace(0, 1, 21)
"""Of the network in a mixture: 0 for counting alone, 1 for the network alone."""
SHARE = 0.45
"""The one of :data:`WEIGHTS` at which the kinds of letters are compared."""


def mixed(p: Array, counted: Array) -> Array:
    """Return the bits per letter of w p + (1 - w) counted, shape (2, weights w).

    The two rows are for the first half of the letters and for the second.

    Parameters
    ----------
    p, counted : array, shape (n,)
        The probability of each letter that came, by two models.
    """
    w = WEIGHTS[:, None]
    halves = np.array_split(w * p + (1 - w) * counted, 2, axis=1)
    return np.array([-np.log2(half).mean(axis=1) for half in halves])


def crossed(halves: Array) -> tuple[Array, float]:
    """Return the weights that the halves choose, and the bits if each chooses for the other.

    Parameters
    ----------
    halves : array, shape (2, weights)
        As :func:`mixed` returns it.
    """
    chosen = halves.argmin(axis=1)
    return WEIGHTS[chosen], float(halves[[1, 0], chosen].mean())


def pooled(ps: Array, steps: int = 200) -> Array:
    """Return the probability of each letter by the mean of many models, shape (n,).

    The models' weights for each half of the letters are learned on the other, from equal ones, by
    so many steps w_i ← w_i mean(p_i / Σ_j w_j p_j) of expectation maximization.

    Parameters
    ----------
    ps : array, shape (models, n)
        The probability of each letter that came, by each model.
    steps : int
    """
    first, second = (slice(part[0], part[-1] + 1)
                     for part in np.array_split(np.arange(ps.shape[1]), 2))  # fmt: skip
    found = np.empty(ps.shape[1])
    for learned_on, half in ((first, second), (second, first)):
        known, w = ps[:, learned_on], np.full(len(ps), 1 / len(ps))
        for _ in range(steps):
            w = w * (known / (w @ known)).mean(axis=1)
        found[half] = w @ ps[:, half]
    return found


KINDS = ("the first of a word", "inside a word", "space or mark")
"""What a letter can be, in the order of :func:`kinds`."""


def kinds(text: str) -> NDArray[np.int64]:
    """Return for each letter of a text which of :data:`KINDS` it is."""
    word = np.array([letter.isalpha() for letter in text])
    after = np.concatenate([[False], word[:-1]])
    return np.where(word, np.where(after, 1, 0), 2)


def by_kind(p: Array, kind: NDArray[np.int64]) -> Array:
    """Return the mean bits of the letters of each kind, shape (3,)."""
    return np.array([-np.log2(p[kind == k]).mean() for k in range(len(KINDS))])


# The runs of the command.


class Curve:
    """Steps, and the bits per character of the new text after them, of a run.

    It can be part of a checkpoint.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[int, float]] = []
        self.first: list[float] = []
        """Losses of the first steps, by which the run can be known again."""

    def state(self) -> State:
        """Return all of it as arrays."""
        rows = np.array(self.rows, np.float64).reshape(-1, 2)
        return {"rows": rows, "first": np.array(self.first)}

    def load_state(self, state: State) -> None:
        """Take over what :meth:`state` returned."""
        self.rows = [(int(n), value) for n, value in state["rows"].tolist()]
        self.first = state["first"].tolist()


def learned(
    s: Settings,
    seed: int,
    checkpoint: Path | None = None,
    show: Callable[[str], None] | None = None,
) -> tuple[Training, Curve]:
    """Train with looks at the new text; go on from the checkpoint where there is one."""
    run, curve = Training(s, seed), Curve()
    kept: dict[str, Any] = dict(
        network=run.network, optimizer=run.optimizer, rng=run.rng, others={"curve": curve},
        about={"settings": str(s), "seed": str(seed), "text": fingerprint(run.text)},
    )  # fmt: skip
    if checkpoint is not None and checkpoint.exists():
        load(checkpoint, **kept)
    while (done := run.optimizer.steps) < s.steps:
        value = run.step()
        if done < 5:
            curve.first.append(value)
        if (done + 1) % max(1, s.steps // LOOKS) == 0:
            curve.rows.append((done + 1, bits(run.network, letters().validation, s.length)))
            if show is not None:
                show("step {:6d}: {:.3f} bits on new text".format(*curve.rows[-1]))
            if checkpoint is not None:
                save(checkpoint, **kept)
    run.network.train(False)
    return run, curve


def told(s: Settings, runs: Sequence[tuple[Training, Curve]]) -> dict[str, Any]:
    """Return what is stored of finished runs whose seeds are 0, 1, …, as :func:`learned` has them.

    It holds their settings, their curves, and what each reaches beside the counts, also by the
    kind of letter.
    """
    text, curves = letters().validation, [curve for _, curve in runs]
    at = asked(text, s.length)
    counts = counted()["Kneser-Ney"].best.probabilities(text)[at]
    kind = kinds(letters().alphabet.decode(text))[at]
    given = [chances(run.network, text, s.length) for run, _ in runs]
    beside = [mixed(p, counts) for p in given]
    halfway = [(p, SHARE * p + (1 - SHARE) * counts) for p in given]
    return {
        "settings": asdict(s),
        "text": fingerprint(letters().train),
        "first": [round(value, 4) for value in curves[0].first],
        "steps": [row[0] for row in curves[0].rows],
        "validation": [[round(row[1], 4) for row in curve.rows] for curve in curves],
        "mixed": np.round(beside, 4).tolist(),
        "kinds": np.round([[by_kind(p, kind) for p in both] for both in halfway], 4).tolist(),
    }


@cache
def stored() -> dict[str, Any]:
    """Return what ten runs with :data:`LARGE` reached, as :func:`told` has it."""
    found: dict[str, Any] = results.read("language")
    return found


@cache
def stored_model() -> Sequential:
    """Return the model of the run with the seed 0, its weights rounded to 16 bits, in float64."""
    network = transformer(len(letters().alphabet), LARGE, np.random.default_rng(0), np.float64)
    content = (files("backprop.book") / "language.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as file:
        network.theta[...] = file["theta"]
    network.train(False)
    return network


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, or with ``--collect`` put what finished runs reached into one file."""
    parser = argparse.ArgumentParser(description="Train the language model of the book.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=LARGE.steps, help="fewer, for a trial")
    parser.add_argument("--checkpoint", type=Path, help="file in which the run is kept")
    parser.add_argument("--weights", type=Path, help="file for the weights, in 16 bits each")
    parser.add_argument("--read", type=Path, help="file for what the stored model expects")
    parser.add_argument(
        "--collect", type=Path, nargs="+", metavar="FILE",
        help="a file for the results, then the finished checkpoints of the seeds 0, 1, …",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    if given.read is not None:
        data = letters()
        found = reading.told(stored_model(), data, counted()["Kneser-Ney"].best)
        given.read.write_text(json.dumps(found) + "\n")
        return
    if given.collect:
        target, *runs = given.collect
        finished = [learned(LARGE, seed, path) for seed, path in enumerate(runs)]
        target.write_text(json.dumps(told(LARGE, finished)) + "\n")
        return
    settings = Settings(**{**asdict(LARGE), "steps": given.steps})
    run, _ = learned(settings, given.seed, given.checkpoint, print)
    if given.weights is not None:
        with given.weights.open("wb") as file:
            np.savez(file, theta=run.network.theta.astype(np.float16))
    rng = np.random.default_rng(0)
    after = next_letter(run.network, LARGE.length, 0.7)
    print(continued(after, run.alphabet, "Alice ", 300, rng))


if __name__ == "__main__":
    main()
