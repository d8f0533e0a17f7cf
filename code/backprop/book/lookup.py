"""A task that needs looking up, and networks of about one size that may learn it.

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
from backprop.layers import GRU, Dense, Layer, MultiHeadAttention
from backprop.layers.masks import Mask
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam

ALPHABET = "abcdefgh"
LETTERS, DIGITS = len(ALPHABET), 8
WIDTH = LETTERS + DIGITS
PAD = "pad"
"""What a token of padding, all zeros, is called."""


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
    """Write the tokens of one sequence: "b=3" or "b?", and "pad" for zeros."""
    found = []
    for token, asked in zip(batch.x[which], batch.asked[which], strict=True):
        if not token.any():
            found.append(PAD)
            continue
        letter = ALPHABET[int(token[:LETTERS].argmax())]
        found.append(f"{letter}?" if asked else f"{letter}={int(token[LETTERS:].argmax())}")
    return found


def written(text: str) -> Batch:
    """Make a batch of one sequence from what :func:`names` writes, or padding: "pad b=3 b?"."""
    tokens = text.split()
    x, told, y, where = np.zeros((1, len(tokens), WIDTH)), {}, [], []
    for t, token in enumerate(tokens):
        if token == PAD:
            continue
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


class Still(Layer):
    """A layer that keeps its start: it has no parameters to show to an optimizer."""

    name = "still"

    def __init__(self, layer: Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Array) -> Array:
        """Return f(x)."""
        return self.layer.forward(x)

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x."""
        return self.layer.backward(dz)


class HalfLearning(MultiHeadAttention):
    """Causal attention of which one half learns: where to look, or what to read there.

    The gradients of the other half are 0, and so it keeps its start: W_v and W_o with their biases,
    or W_q and W_k with theirs. These are equally many numbers.

    Parameters
    ----------
    rng : numpy.random.Generator
    look : bool
        Whether W_q and W_k learn.
    """

    def __init__(self, rng: np.random.Generator, *, look: bool) -> None:
        super().__init__(WIDTH, 1, rng=rng, causal=True)
        self.look = look

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, with 0 for the half that does not learn."""
        super().backward_parameters(dz)
        still = slice(2 * WIDTH, None) if self.look else slice(2 * WIDTH)
        self.gradients["W_qkv"][:, still] = self.gradients["b_qkv"][still] = 0
        if self.look:
            self.gradients["W_o"][:] = self.gradients["b_o"][:] = 0


def attention(rng: np.random.Generator, *, causal: bool = True, n_heads: int = 1) -> Sequential:
    """Return a layer of attention and a linear one."""
    layer = MultiHeadAttention(WIDTH, n_heads, rng=rng, causal=causal)
    return Sequential([layer, Tokenwise(Dense(WIDTH, DIGITS, rng=rng))])


def recurrent(rng: np.random.Generator, *, units: int = 13) -> Sequential:
    """Return a gated recurrent layer and a linear one."""
    return Sequential([GRU(WIDTH, units, rng=rng), Tokenwise(Dense(units, DIGITS, rng=rng))])


def half(rng: np.random.Generator, *, look: bool) -> Sequential:
    """Return the network of :func:`attention`, with the same start, of which one half learns."""
    return Sequential([HalfLearning(rng, look=look), Tokenwise(Dense(WIDTH, DIGITS, rng=rng))])


def looking_alone(rng: np.random.Generator) -> Sequential:
    """Return the half that learns where to look, but with a linear layer that keeps its start."""
    looks, reads_out = half(rng, look=True).layers
    return Sequential([looks, Still(reads_out)])


def linear_alone(rng: np.random.Generator) -> Sequential:
    """Return the network of :func:`attention`, of which only the linear layer learns."""
    attends, reads_out = attention(rng).layers
    return Sequential([Still(attends), reads_out])


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


def learning(
    build: Build, rate: float, seed: int, looks: Sequence[int], test: Batch, n: int = 4
) -> tuple[Sequential, list[float]]:
    """Return a trained network and its share of right answers after each number of steps."""
    seen = []
    for network, step in _training(build, rate, seed, max(looks), 32, n):
        if step in looks:
            seen.append(share_right(network, test))
    return network, seen


def watched(
    build: Build, rate: float, seed: int, looks: Sequence[int], test: Batch, x: Array
) -> list[tuple[float, Array]]:
    """Return the share of right answers and what :func:`reach` finds, after these many steps."""
    seen = []
    for network, step in _training(build, rate, seed, max(looks), 32, 4):
        if step in looks:
            seen.append((share_right(network, test), reach(network, x)))
    return seen


def tuned(build: Build, rates: Sequence[float], seeds: Sequence[int], **options: int) -> float:
    """Return the rate whose worst run on these seeds is best."""
    test = draw(np.random.default_rng(2**20), 200, options.get("n", 4))

    def worst(rate: float) -> float:
        return min(share_right(trained(build, rate, s, **options), test) for s in seeds)

    return max(rates, key=worst)


def reach(network: Sequential, x: Array, mask: Mask | None = None) -> Array:
    """Return the sizes of ∂z_t/∂x_s for one sequence, shape (time, time), t down and s across.

    The size of a Jacobian is the root of the sum of its squares. It takes a backward pass for
    each entry of the output, and all of them are one batch. With a mask, shape (time,), the first
    layer is told which tokens are padding.
    """
    time, classes = len(x), DIGITS
    copies = np.tile(x, (time * classes, 1, 1))
    if mask is None:
        z = network.forward(copies)
    else:
        first, *others = network.layers
        z = first.forward(copies, np.tile(mask, (len(copies), 1)))  # type: ignore[call-arg]
        for layer in others:
            z = layer.forward(z)
    dz = np.zeros_like(z)
    which = np.arange(time * classes)
    dz[which, which // classes, which % classes] = 1
    J = network.backward(dz).reshape(time, classes, time, -1)
    return np.asarray(np.sqrt((J**2).sum(axis=(1, 3))))


# Two questions in one token.


def _two_asked(rng: np.random.Generator, batch: int) -> tuple[Array, NDArray[np.integer]]:
    """Draw four letters told, then one token that asks for two of them, and their two digits.

    The letter asked for first and the one asked for second have one-hot entries of their own.
    """
    letters = rng.permuted(np.tile(np.arange(LETTERS), (batch, 1)), axis=1)[:, :4]
    digits = rng.integers(DIGITS, size=(batch, 4))
    asked = rng.permuted(np.tile(np.arange(4), (batch, 1)), axis=1)[:, :2]
    each, row = np.arange(batch), np.arange(batch)[:, None]
    x = np.zeros((batch, 5, 2 * LETTERS + DIGITS))
    x[row, np.arange(4), letters] = x[row, np.arange(4), 2 * LETTERS + digits] = 1
    for k in range(2):
        x[each, 4, k * LETTERS + letters[each, asked[:, k]]] = 1
    return x, digits[row, asked]


def two_at_once(
    n_heads: int, rate: float, seed: int, *, steps: int = 400, test: int = 1000
) -> tuple[int, float]:
    """Return the number of parameters, and how often both answers are right after training.

    A token asks for two letters at once. A layer of attention and a linear layer must say both
    digits, in order.
    """
    rng, width = np.random.default_rng(seed), 2 * LETTERS + DIGITS
    layer = MultiHeadAttention(width, n_heads, rng=rng)
    network = Sequential([layer, Tokenwise(Dense(width, 2 * DIGITS, rng=rng))])
    loss, optimizer = SoftmaxCrossEntropy(), Adam(network, rate)
    for _ in range(steps):
        x, y = _two_asked(rng, 32)
        z = network.forward(x)
        loss.forward(z[:, -1].reshape(-1, DIGITS), y.ravel())
        dz = np.zeros_like(z)
        dz[:, -1] = loss.backward().reshape(-1, 2 * DIGITS)
        network.backward_parameters(dz)
        optimizer.step()
    x, y = _two_asked(np.random.default_rng(10**6), test)
    said = network.forward(x)[:, -1].reshape(-1, 2, DIGITS).argmax(axis=2)
    return network.theta.size, float((said == y).all(axis=1).mean())
