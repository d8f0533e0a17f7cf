"""A task that needs looking up, and networks that learn it, or may not learn where to look.

A sequence tells n letters a digit each ("b=3") and asks for each letter once ("b?"), in a random
order in which no letter is asked for before it was told. Wherever a letter is asked for, the
network must say its digit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backprop.activations import softmax, softmax_vjp
from backprop.arrays import Array
from backprop.initializers import glorot
from backprop.layers import (
    Dense,
    Layer,
    MultiHeadAttention,
    ReLU,
    dot_product_attention,
    dot_product_attention_vjp,
)
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam

ALPHABET = "abcdefgh"
LETTERS, DIGITS = len(ALPHABET), 8
WIDTH = LETTERS + DIGITS
RATE, BATCH = 0.03, 32
"""Of Adam, and the sequences in each of its steps."""


Draw = Callable[[np.random.Generator, int], tuple[Array, NDArray[np.integer]]]
"""What draws sequences and the digits that are asked for at their last tokens."""


class Batch(NamedTuple):
    """Sequences of the task.

    Attributes
    ----------
    x : array, shape (batch, 2 n, WIDTH)
        Tokens: the letter one-hot, then the digit one-hot, or zeros where it is asked for.
    asked : bool array, shape (batch, 2 n)
    digits : int array, shape (questions,)
        The right digit of each question, in the order of ``x[asked]``.
    told : int array, shape (questions,)
        The place of the match, the token that tells this digit.
    """

    x: Array
    asked: NDArray[np.bool_]
    digits: NDArray[np.integer]
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


def tokens(text: str) -> Array:
    """Return the tokens of one sequence as rows, from what :func:`names` writes: "b=3 b?"."""
    words = text.split()
    x = np.zeros((len(words), WIDTH))
    for row, word in zip(x, words, strict=True):
        row[ALPHABET.index(word[0])] = 1
        if word[1] == "=":
            row[LETTERS + int(word[2:])] = 1
    return x


def written(text: str) -> Batch:
    """Make a batch of one sequence whose questions were told before: "b=3 b?"."""
    told, digits, where = {}, [], []
    for t, word in enumerate(text.split()):
        if word[1] == "=":
            told[word[0]] = t, int(word[2:])
        else:
            where.append(told[word[0]][0])
            digits.append(told[word[0]][1])
    asked = np.array([[word.endswith("?") for word in text.split()]])
    return Batch(tokens(text)[None], asked, np.array(digits), np.array(where))


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


class FixedLook(MultiHeadAttention):
    """Causal attention with one head whose W_q and W_k, and their biases, keep their start.

    Where to look does not learn, then: the gradients of these parts are 0. W_v and W_o learn.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        super().__init__(WIDTH, 1, rng=rng, causal=True)

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients``, with 0 for what does not learn."""
        super().backward_parameters(dz)
        self.gradients["W_qkv"][:, : 2 * WIDTH] = self.gradients["b_qkv"][: 2 * WIDTH] = 0


class WideLook(Layer):
    """Causal attention with one head whose queries and keys have d entries, without W_o.

    Parameters
    ----------
    d : int
    rng : numpy.random.Generator
    divide : bool
        Whether the scores are divided by √d.
    slower : float
        What the steps of Adam on W_q and W_k are divided by.
    """

    name = "wide_look"

    def __init__(
        self, d: int, rng: np.random.Generator, *, divide: bool, slower: float = 1
    ) -> None:
        super().__init__()
        # Without the division, what it does later is undone.
        self.times = 1.0 if divide else d**0.5
        # Adam moves what is stored by the same, however large it is, so W_q is this part of it.
        self.part = 1 / slower
        self.parameters["W_q"] = slower * rng.normal(size=(WIDTH, d))
        self.parameters["W_k"] = slower * rng.normal(size=(WIDTH, d))
        self.parameters["W_v"] = glorot(rng, (WIDTH, WIDTH))
        for name, value in self.parameters.items():
            self.gradients[name] = np.zeros_like(value)

    def forward(self, x: Array) -> Array:
        """Return p v."""
        self.x = x
        W_q, W_k, W_v = self.parameters.values()
        self.q, self.k = x @ W_q * (self.part * self.times), x @ W_k * self.part
        self.v = x @ W_v
        y, self.p = dot_product_attention(self.q, self.k, self.v, np.tri(x.shape[1], dtype=bool))
        return y

    def backward(self, dz: Array) -> Array:
        """Fill ``gradients``; return ∂L/∂x."""
        dq, dk, dv = dot_product_attention_vjp(self.q, self.k, self.v, self.p, dz)
        dx = np.zeros_like(self.x)
        rows = self.x.reshape(-1, WIDTH)
        errors = self.part * self.times * dq, self.part * dk, dv
        for name, error in zip(("W_q", "W_k", "W_v"), errors, strict=True):
            self.gradients[name][...] = rows.T @ error.reshape(len(rows), -1)
            dx += error @ self.parameters[name].T
        return dx


def attention(rng: np.random.Generator, *, fixed: bool = False) -> Sequential:
    """Return a layer of causal attention and a linear one.

    With ``fixed``, where to look keeps its start (:class:`FixedLook`).
    """
    layer = FixedLook(rng) if fixed else MultiHeadAttention(WIDTH, 1, rng=rng, causal=True)
    return _with_digits(layer, rng)


def _with_digits(
    layer: Layer, rng: np.random.Generator, width: int = WIDTH, count: int = 1
) -> Sequential:
    """Return the layer, and a linear one that scores ``count`` digits behind each token."""
    return Sequential([layer, Tokenwise(Dense(width, count * DIGITS, rng=rng))])


def errors(network: Sequential, loss: SoftmaxCrossEntropy, batch: Batch) -> tuple[float, Array]:
    """Return the loss over all questions, and ∂L/∂z, which is 0 where nothing is asked."""
    z = network.forward(batch.x)
    value = loss.forward(z[batch.asked], batch.digits)
    dz = np.zeros_like(z)
    dz[batch.asked] = loss.backward()
    return value, dz


def trained(seed: int, steps: int = 300, *, fixed: bool = False) -> Sequential:
    """Return the network of :func:`attention` after so many steps."""
    rng = np.random.default_rng(seed)
    network = attention(rng, fixed=fixed)
    for _ in _training(network, rng, steps):
        pass
    return network


def _training(network: Sequential, rng: np.random.Generator, steps: int) -> Iterator[int]:
    """Yield 0 before the first step of Adam, and each step's number after it."""
    loss, optimizer = SoftmaxCrossEntropy(), Adam(network, RATE)
    yield 0
    for step in range(1, steps + 1):
        _, dz = errors(network, loss, draw(rng, BATCH))
        network.backward_parameters(dz)
        optimizer.step()
        yield step


def answers(network: Sequential, batch: Batch) -> NDArray[np.integer]:
    """Return the digit that the network names at each question."""
    return np.asarray(network.forward(batch.x)[batch.asked].argmax(axis=1))


def alone(network: Sequential, x: Array) -> NDArray[np.integer]:
    """Return the digit that the network names behind each token if it reads no other.

    The token then has the weight 1 on itself, so this is what its value says.
    """
    return np.asarray(network.forward(x.reshape(-1, 1, WIDTH))[:, 0].argmax(axis=1))


class Look(NamedTuple):
    """What a network does with one sequence.

    Attributes
    ----------
    said : list of int
        The digit that it names at each question.
    sure : array, shape (questions,)
        The probability of each right digit.
    P : array, shape (n, n)
        Its weights.
    dS : array, shape (n, n)
        The errors at its scores: each row is the gradient of its own question's loss.
    alone : list of int
        What the value of each token says, by :func:`alone`.
    """

    said: list[int]
    sure: Array
    P: Array
    dS: Array
    alone: list[int]


def watched(seed: int, looks: Sequence[int], one: Batch) -> list[Look]:
    """Return what the network of :func:`trained` does with one sequence after so many steps."""
    rng, seen = np.random.default_rng(seed), []
    network = attention(rng)
    for step in _training(network, rng, max(looks)):
        if step in looks:
            P, dS = score_errors(network, one)
            z = network.forward(one.x)[one.asked]
            sure = softmax(z)[np.arange(len(z)), one.digits]
            said = z.argmax(axis=1).tolist()
            seen.append(Look(said, sure, P[0], dS[0], alone(network, one.x).tolist()))
    return seen


def score_errors(network: Sequential, batch: Batch) -> tuple[Array, Array]:
    """Return the weights P and the errors dS at the scores, each (batch, n, n).

    Each row of dS is the gradient of its own question's loss, not of the mean over all.
    """
    attends, linear = network.layers
    _, dz = errors(network, SoftmaxCrossEntropy(), batch)
    dY = linear.backward(dz * len(batch.digits))
    P: Array
    v: Array
    if isinstance(attends, WideLook):
        P, v = attends.p, attends.v
    else:
        assert isinstance(attends, MultiHeadAttention)
        P, v = attends.p[:, 0].copy(), attends.v[:, 0]
        dY = dY @ attends.parameters["W_o"].T
    return P, softmax_vjp(P, dY @ v.swapaxes(1, 2))


FACTS = tokens(" ".join(f"{letter}={digit}" for letter in ALPHABET for digit in range(DIGITS)))


def learns_first(seed: int, looks: Sequence[int], batch: Batch) -> Array:
    """Return four means of the network of :func:`trained` after so many steps, a row for each.

    The share of all FACTS whose value says their own digit, those of questions whose match receives
    a negative error, and the most negative one, and the weight of a question on its match.
    """
    rng, found = np.random.default_rng(seed), []
    network = attention(rng)
    which, places = np.nonzero(batch.asked)
    for step in _training(network, rng, max(looks)):
        if step in looks:
            own = alone(network, FACTS) == FACTS[:, LETTERS:].argmax(axis=1)
            P, dS = score_errors(network, batch)
            at_match = dS[which, places, batch.told]
            most = at_match == dS[which, places].min(axis=1)
            weight = P[which, places, batch.told]
            found.append([float(np.mean(of)) for of in (own, at_match < 0, most, weight)])
    return np.array(found)


def compared(network: Sequential) -> Array:
    """Return W_q W_kᵀ/√d: what two letters or digits, of a query and of a key, add to a score."""
    attends = network.layers[0]
    assert isinstance(attends, MultiHeadAttention)
    W_q, W_k, _ = np.split(attends.parameters["W_qkv"], 3, axis=1)
    return np.asarray(W_q @ W_k.T / WIDTH**0.5)


def wanted(network: Sequential, batch: Batch) -> Array:
    """Return Xᵀ dS X, the gradient with respect to what :func:`compared` returns.

    It is the mean over all questions: entry (a, b) collects the errors at the scores of those pairs
    of which the query holds a, and the key holds b.
    """
    _, dS = score_errors(network, batch)
    return np.asarray((batch.x.swapaxes(1, 2) @ dS @ batch.x).sum(axis=0) / len(batch.digits))


def learned(seed: int, d: int, looks: Sequence[int], test: Batch, **kind: Any) -> list[float]:
    """Return the share of right answers after so many steps; ``kind`` goes to :class:`WideLook`."""
    networks = wide(seed, d, looks, kind)
    return [float((answers(network, test) == test.digits).mean()) for network in networks]


def scored(seed: int, d: int, looks: Sequence[int], test: Batch, **kind: Any) -> list[Array]:
    """Return the scores of all questions after so many steps, −∞ where the mask hides a key.

    Each has the shape (questions, n); ``kind`` goes to :class:`WideLook`.
    """
    found, hidden = [], ~np.tri(test.x.shape[1], dtype=bool)
    for network in wide(seed, d, looks, kind):
        attends = network.layers[0]
        assert isinstance(attends, WideLook)
        attends.forward(test.x)
        S = attends.q @ attends.k.swapaxes(1, 2) / d**0.5
        found.append(np.where(hidden, -np.inf, S)[test.asked])
    return found


def wide(seed: int, d: int, looks: Sequence[int], kind: Mapping[str, Any]) -> Iterator[Sequential]:
    """Yield a network with :class:`WideLook` after so many steps."""
    rng = np.random.default_rng(seed)
    network = _with_digits(WideLook(d, rng, **kind), rng)
    for step in _training(network, rng, max(looks)):
        if step in looks:
            yield network


def most_told(batch: Batch) -> NDArray[np.bool_]:
    """Return which digits were told most often before each question: one, or several.

    Naming one of them is a rule that does not look at letters. Shape (questions, DIGITS).
    """
    counts = batch.x[..., LETTERS:].cumsum(axis=1)[batch.asked]
    return np.asarray(counts == counts.max(axis=1, keepdims=True))


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


def train_last(
    network: Sequential,
    draw: Draw,
    rng: np.random.Generator,
    steps: int = 300,
    rate: float = RATE,
) -> None:
    """Train a network whose last token asks; ``draw(rng, batch)`` returns x and the digits y."""
    optimizer, loss = Adam(network, rate), SoftmaxCrossEntropy()
    for _ in range(steps):
        x, y = draw(rng, BATCH)
        z = network.forward(x)
        loss.forward(z[:, -1].reshape(-1, DIGITS), y.ravel())
        dz = np.zeros_like(z)
        dz[:, -1] = loss.backward().reshape(BATCH, -1)
        network.backward_parameters(dz)
        optimizer.step()


def trained_for_two(
    heads: int, seed: int, steps: int = 300, *, hidden: int = 0, rate: float = RATE
) -> Sequential:
    """Return attention with these heads and a linear layer, trained on :func:`ask_two`.

    With ``hidden``, a hidden layer of so many ReLU units stands before the linear one.
    """
    rng = np.random.default_rng(seed)
    attends = MultiHeadAttention(PAIRED, heads, rng=rng, causal=True)
    if hidden:
        between = [Tokenwise(Dense(PAIRED, hidden, rng=rng)), ReLU()]
        last = Tokenwise(Dense(hidden, 2 * DIGITS, rng=rng))
        network = Sequential([attends, *between, last])
    else:
        network = _with_digits(attends, rng, PAIRED, 2)
    train_last(network, ask_two, rng, steps, rate)
    return network


def both_digits(network: Sequential, x: Array) -> NDArray[np.integer]:
    """Return the two digits that a network names at the last token of each sequence, (batch, 2)."""
    return np.asarray(network.forward(x)[:, -1].reshape(len(x), 2, DIGITS).argmax(axis=2))


def named(network: Sequential, x: Array, y: NDArray[np.integer]) -> dict[str, float]:
    """Return, in percent of the questions for two digits, what a network names.

    Of the two digits, the better one is that which it names more often, be it the first or the
    second one asked for.
    """
    return tallied(both_digits(network, x), y)


def tallied(said: NDArray[np.integer], y: NDArray[np.integer]) -> dict[str, float]:
    """Return what :func:`named` does, of the digits that were said and the right ones, (n, 2)."""
    right = said == y
    other, better = sorted(100 * right.mean(axis=0))
    return {
        "better digit": float(better),
        "other digit": float(other),
        "both digits": float(100 * right.all(axis=1).mean()),
        "one digit twice": float(100 * (said[:, 0] == said[:, 1]).mean()),
    }


def weights_for_two(network: Sequential, x: Array, head: int = 0) -> Array:
    """Return a head's weights on the tokens of the two letters asked for, (batch, 2)."""
    network.forward(x)
    attends = network.layers[0]
    assert isinstance(attends, MultiHeadAttention)
    given, asks = x[..., :LETTERS], x[:, -1, : 2 * LETTERS].reshape(-1, 2, LETTERS)
    match = np.einsum("btl,bkl->bkt", given[:, :-1], asks)
    return np.asarray(np.einsum("bkt,bt->bk", match, attends.p[:, head, -1, :-1]))


def one_for_two() -> tuple[list[str], Array]:
    """Return the names and the vectors of "b=7 a=3 c=5 f=1", with the question for b and c."""
    x = np.zeros((1, 5, PAIRED))
    for t, (letter, digit) in enumerate([(1, 7), (0, 3), (2, 5), (5, 1)]):
        x[0, t, letter] = x[0, t, 2 * LETTERS + digit] = 1
    x[0, 4, 1] = x[0, 4, LETTERS + 2] = 1
    return ["b=7", "a=3", "c=5", "f=1", "b c?"], x


def tell_again(
    rng: np.random.Generator, batch: int, n: int = 4, *, places: bool = False
) -> tuple[Array, NDArray[np.integer]]:
    """Draw sequences in which one letter is told twice, and is then asked for.

    Parameters
    ----------
    rng : numpy.random.Generator
    batch, n : int
        Sequences, and tokens that tell a letter a digit; no digit occurs twice.
    places : bool
        Whether each token has a 1 for its place as well.

    Returns
    -------
    x : array, shape (batch, n + 1, WIDTH), or (batch, n + 1, WIDTH + n + 1) with ``places``
    y : int array, shape (batch,)
        The digit that the letter was told last.
    """
    letters, digits = (
        rng.permuted(np.tile(np.arange(many), (batch, 1)), axis=1)[:, :n]
        for many in (LETTERS, DIGITS)
    )
    both = np.sort(rng.permuted(np.tile(np.arange(n), (batch, 1)), axis=1)[:, :2], axis=1)
    row, (first, last) = np.arange(batch), both.T
    letters[row, first] = letters[row, last]
    x = np.zeros((batch, n + 1, WIDTH + places * (n + 1)))
    x[row[:, None], np.arange(n), letters] = 1
    x[row[:, None], np.arange(n), LETTERS + digits] = 1
    x[row, n, letters[row, last]] = 1
    if places:
        x[:, :, WIDTH:] = np.eye(n + 1)
    return x, digits[row, last]


def trained_on_last(seed: int, *, places: bool, steps: int = 300) -> Sequential:
    """Return attention with one head and a linear layer, trained on :func:`tell_again`."""
    rng = np.random.default_rng(seed)
    width = tell_again(rng, 1, places=places)[0].shape[2]
    attends = MultiHeadAttention(width, 1, rng=rng, causal=True)
    network = _with_digits(attends, rng, width)
    train_last(network, partial(tell_again, places=places), rng, steps)
    return network
