"""A task that needs looking up, and networks that may learn it, in whole or in part.

A sequence tells n letters a digit each ("b=3") and asks for each letter once ("b?"), in a random
order in which no letter is asked for before it was told. Wherever a letter is asked for, the
network must say its digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.initializers import orthogonal
from backprop.layers import Dense, Layer, MultiHeadAttention
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam

ALPHABET = "abcdefgh"
LETTERS, DIGITS = len(ALPHABET), 8
WIDTH = LETTERS + DIGITS


class Batch(NamedTuple):
    """Sequences of the task.

    Attributes
    ----------
    x : array, shape (batch, 2 n, WIDTH)
        Tokens: the letter one-hot, then the digit one-hot, or zeros where it is asked for.
    asked : bool array, shape (batch, 2 n)
    y : int array, shape (questions,)
        The digit of each question, in the order of ``x[asked]``.
    told : int array, shape (questions,)
        Where that digit stands.
    """

    x: Array
    asked: NDArray[np.bool_]
    y: NDArray[np.integer]
    told: NDArray[np.integer]


def draw(rng: np.random.Generator, batch: int, n: int = 4) -> Batch:
    """Draw sequences of n letters told and asked for."""
    letters = rng.permuted(np.tile(np.arange(LETTERS), (batch, 1)), axis=1)[:, :n]
    digits = rng.integers(DIGITS, size=(batch, n))
    slots = rng.permuted(np.tile(np.arange(2 * n), (batch, 1)), axis=1)
    slots = np.sort(slots.reshape(batch, n, 2), axis=2)
    row = np.arange(batch)[:, None]
    x = np.zeros((batch, 2 * n, WIDTH))
    for k in range(2):
        x[row, slots[:, :, k], letters] = 1
    x[row, slots[:, :, 0], LETTERS + digits] = 1
    asked, answer, told = (np.zeros((batch, 2 * n), kind) for kind in (bool, int, int))
    asked[row, slots[:, :, 1]] = True
    answer[row, slots[:, :, 1]], told[row, slots[:, :, 1]] = digits, slots[:, :, 0]
    return Batch(x, asked, answer[asked], told[asked])


def names(batch: Batch, which: int) -> list[str]:
    """Write the tokens of one sequence: "b=3" or "b?"."""
    found = []
    for token, asked in zip(batch.x[which], batch.asked[which], strict=True):
        letter = ALPHABET[int(token[:LETTERS].argmax())]
        found.append(f"{letter}?" if asked else f"{letter}={int(token[LETTERS:].argmax())}")
    return found


def written(text: str) -> Batch:
    """Make a batch of one sequence from what :func:`names` writes: "b=3 b?"."""
    tokens = text.split()
    x, told, y, where = np.zeros((1, len(tokens), WIDTH)), {}, [], []
    for t, token in enumerate(tokens):
        letter = ALPHABET.index(token[0])
        x[0, t, letter] = 1
        if token[1] == "=":
            told[letter] = t, int(token[2:])
            x[0, t, LETTERS + told[letter][1]] = 1
        else:
            where.append(told[letter][0])
            y.append(told[letter][1])
    asked = np.array([[token.endswith("?") for token in tokens]])
    return Batch(x, asked, np.array(y), np.array(where))


class Tokenwise(Layer):
    """One layer for every token: (batch, time, n) is seen as (batch · time, n), and back."""

    name = "tokenwise"

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer
        self.parameters, self.gradients = layer.parameters, layer.gradients

    def forward(self, x: Array) -> Array:
        """Return f(x_t) for each t."""
        z = self.layer.forward(x.reshape(-1, x.shape[-1]))
        return z.reshape(*x.shape[:2], -1)

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x."""
        dx = self.layer.backward(dz.reshape(-1, dz.shape[-1]))
        return dx.reshape(*dz.shape[:2], -1)


class PartlyLearning(MultiHeadAttention):
    """Causal attention of which a half learns: where to look, or what to read there.

    The gradients of the other half are 0, and so it keeps its start. W_q and W_k with their
    biases are as many numbers as W_v and W_o with theirs.

    Parameters
    ----------
    rng : numpy.random.Generator
    learns : str
        "look" if W_q and W_k learn, "read" if W_v and W_o do, "ask" if all but W_k do.
    """

    def __init__(self, rng: np.random.Generator, learns: str) -> None:
        super().__init__(WIDTH, 1, rng=rng, causal=True)
        self.learns = learns

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, with 0 for what does not learn."""
        super().backward_parameters(dz)
        still = {
            "look": slice(2 * WIDTH, None),
            "read": slice(2 * WIDTH),
            "ask": slice(WIDTH, 2 * WIDTH),
        }[self.learns]
        self.gradients["W_qkv"][:, still] = self.gradients["b_qkv"][still] = 0
        if self.learns == "look":
            self.gradients["W_o"][:] = self.gradients["b_o"][:] = 0


def attention(rng: np.random.Generator, *, causal: bool = True) -> Sequential:
    """Return a layer of attention and a linear one."""
    layer = MultiHeadAttention(WIDTH, 1, rng=rng, causal=causal)
    return Sequential([layer, Tokenwise(Dense(WIDTH, DIGITS, rng=rng))])


PARTS = "look", "read", "ask"


def partly(rng: np.random.Generator, learns: str) -> Sequential:
    """Return the network of :func:`attention`, with the same start, part of whose attention learns.

    The linear layer learns in any case.

    Parameters
    ----------
    rng : numpy.random.Generator
    learns : str
        "look" if W_q and W_k learn, "read" if W_v and W_o do, "ask" if all but W_k do.
    """
    if learns not in PARTS:
        raise ValueError(f"partly: learns is {learns!r}, expected one of {PARTS}")
    return Sequential([PartlyLearning(rng, learns), Tokenwise(Dense(WIDTH, DIGITS, rng=rng))])


def rotated(rng: np.random.Generator, *, matched: bool) -> Sequential:
    """Return the network of :func:`partly` that learns to read, with rotations for W_q and W_k.

    W_k is a random rotation, and W_q is 40 times a rotation: the same one, or another that was
    drawn as it was. So queries are equally long in both cases, and so are keys. With the same one,
    a score is 10 for each entry in which two tokens have a 1 both.

    Parameters
    ----------
    rng : numpy.random.Generator
        Both networks leave it in the state in which :func:`partly` does.
    matched : bool
        Whether the two are the same.
    """
    network = partly(rng, "read")
    R, other = (orthogonal(child, (WIDTH, WIDTH)) for child in rng.spawn(2))
    W = network.layers[0].parameters["W_qkv"]
    W[:, : 2 * WIDTH] = np.hstack([40 * (R if matched else other), R])
    return network


Build = Callable[[np.random.Generator], Sequential]


def errors(network: Sequential, loss: SoftmaxCrossEntropy, batch: Batch) -> tuple[float, Array]:
    """Return the loss over all questions, and ∂L/∂z, which is 0 where nothing is asked."""
    z = network.forward(batch.x)
    value = loss.forward(z[batch.asked], batch.y)
    dz = np.zeros_like(z)
    dz[batch.asked] = loss.backward()
    return value, dz


def trained(
    build: Build, rate: float, seed: int, *, steps: int = 600, batch: int = 32, n: int = 4
) -> Sequential:
    """Train with Adam on new sequences in every step."""
    *_, (network, _) = _training(build, rate, seed, steps, batch, n)
    return network


def _training(
    build: Build, rate: float, seed: int, steps: int, batch: int, n: int
) -> Iterator[tuple[Sequential, int]]:
    """Yield the network before the first step and after each."""
    rng = np.random.default_rng(seed)
    network, loss = build(rng), SoftmaxCrossEntropy()
    optimizer = Adam(network, rate)
    yield network, 0
    for step in range(1, steps + 1):
        _, dz = errors(network, loss, draw(rng, batch, n))
        network.backward_parameters(dz)
        optimizer.step()
        yield network, step


def share_right(network: Sequential, batch: Batch) -> float:
    """Return the share of the questions that are answered rightly."""
    return float((network.forward(batch.x)[batch.asked].argmax(axis=1) == batch.y).mean())


def weight_on_answer(network: Sequential, batch: Batch) -> float:
    """Return the mean of the weight p of each question on the token with its answer."""
    network.forward(batch.x)
    rows, places = np.nonzero(batch.asked)
    (attends, *_) = network.layers
    assert isinstance(attends, MultiHeadAttention)
    return float(attends.p[rows, :, places, batch.told].mean())


def levels(batch: Batch) -> dict[str, float]:
    """Return the share of questions that each of three rules, blind to the letters, gets right.

    "blind" names any digit, "most told" the one that was told most often so far (any of them, if
    there are several), and "no letters" the likeliest, given everything but the letters. That is a
    mean over the draws of a rule that draws.

    A letter that is asked for is any of those still open: told, and not asked for. So each time one
    is asked for, a token that was open with the probability o is its answer with o / Σ o, and
    stays open with what is left.
    """
    right = {"blind": 1 / DIGITS, "most told": 0.0, "no letters": 0.0}
    answers = iter(batch.y)
    for tokens, asked in zip(batch.x, batch.asked, strict=True):
        told, still_open = np.zeros((0, DIGITS)), np.zeros(0)
        for token, is_asked in zip(tokens, asked, strict=True):
            if not is_asked:
                told, still_open = np.vstack([told, token[LETTERS:]]), np.append(still_open, 1.0)
                continue
            answer, count = next(answers), told.sum(axis=0)
            most = count == count.max()
            here = still_open / still_open.sum()
            right["most told"] += most[answer] / most.sum()
            right["no letters"] += float((here @ told).argmax() == answer)
            still_open = still_open - here
    return {rule: float(n) if rule == "blind" else float(n / batch.y.size)
            for rule, n in right.items()}  # fmt: skip


def watched(
    build: Build, rate: float, seed: int, looks: Sequence[int], test: Batch, x: Array
) -> list[tuple[float, Array]]:
    """Return the share of right answers and what :func:`reach` finds, after these many steps."""
    seen = []
    for network, step in _training(build, rate, seed, max(looks), 32, 4):
        if step in looks:
            seen.append((share_right(network, test), reach(network, x)))
    return seen


def reach(network: Sequential, x: Array) -> Array:
    """Return the sizes of ∂z_t/∂x_s for one sequence, shape (time, time), t down and s across.

    The size of a Jacobian is the root of the sum of its squares. It takes a backward pass for
    each entry of the output, and all of them are one batch.
    """
    time, classes = len(x), DIGITS
    copies = np.tile(x, (time * classes, 1, 1))
    dz = np.zeros_like(network.forward(copies))
    which = np.arange(time * classes)
    dz[which, which // classes, which % classes] = 1
    J = network.backward(dz).reshape(time, classes, time, -1)
    return np.asarray(np.sqrt((J**2).sum(axis=(1, 3))))


PAIRED = 2 * LETTERS + DIGITS
"""Width of the tokens where two letters are asked for at once."""


def ask_two(rng: np.random.Generator, batch: int, n: int = 4) -> tuple[Array, NDArray[np.integer]]:
    """Draw sequences that tell n letters a digit each, and then ask for two of them at once.

    Returns
    -------
    x : array, shape (batch, n + 1, PAIRED)
        Tokens: the letter that is told or asked for first, the letter that is asked for second,
        and the digit, each one-hot or zeros. The last token asks.
    y : int array, shape (batch, 2)
        The digits of the first and of the second letter.
    """
    letters = rng.permuted(np.tile(np.arange(LETTERS), (batch, 1)), axis=1)[:, :n]
    digits = rng.integers(DIGITS, size=(batch, n))
    row, x = np.arange(batch), np.zeros((batch, n + 1, PAIRED))
    x[row[:, None], np.arange(n), letters] = 1
    x[row[:, None], np.arange(n), 2 * LETTERS + digits] = 1
    first, second = rng.permuted(np.tile(np.arange(n), (batch, 1)), axis=1)[:, :2].T
    x[row, n, letters[row, first]] = x[row, n, LETTERS + letters[row, second]] = 1
    return x, np.stack([digits[row, first], digits[row, second]], axis=1)


def two_digits(
    heads: int, seed: int, rate: float = 0.03, *, steps: int = 300, batch: int = 32
) -> tuple[float, float, float]:
    """Train attention with these heads and a linear layer on :func:`ask_two`.

    Returns
    -------
    first, second, both : float
        Shares of 2,000 new questions of which the first digit, the second, or both are right.
    """
    rng = np.random.default_rng(seed)
    attends = MultiHeadAttention(PAIRED, heads, rng=rng, causal=True)
    network = Sequential([attends, Tokenwise(Dense(PAIRED, 2 * DIGITS, rng=rng))])
    optimizer, loss = Adam(network, rate), SoftmaxCrossEntropy()
    for _ in range(steps):
        x, y = ask_two(rng, batch)
        z = network.forward(x)
        loss.forward(z[:, -1].reshape(-1, DIGITS), y.ravel())
        dz = np.zeros_like(z)
        dz[:, -1] = loss.backward().reshape(batch, -1)
        network.backward_parameters(dz)
        optimizer.step()
    x, y = ask_two(np.random.default_rng(10**6), 2000)
    right = network.forward(x)[:, -1].reshape(*y.shape, DIGITS).argmax(axis=2) == y
    first, second = right.mean(axis=0)
    return float(first), float(second), float(right.all(axis=1).mean())
