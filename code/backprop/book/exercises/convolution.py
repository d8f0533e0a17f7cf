"""Checkers of the chapter "Convolution".

Each knows the right answers and those of the usual mistakes, by formulas that stand here once.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from backprop.arrays import Array
from backprop.book.exercises.verdict import (
    Answer,
    Case,
    Mistakes,
    Part,
    Verdict,
    checker,
    distinct,
    in_turn,
    judge,
    judge_value,
)

MOVES = [12, 4, 6, 6, 2]


@checker
def check_moves(places: Any) -> Verdict:
    """Check by how many places the maps move: 12 divided by each stride on the way."""
    each = "Divide the 12 pixels by every stride that the map has passed."
    return judge_value(places, Case((), MOVES, [
        ([12] * 5, "Strides make a map smaller, and its movements too.", each),
        ([12, 36, 24, 24, 72], "A stride shortens the movement.", each),
        ([12, 4, 12, 6, 6], "Pooling has a stride of its own.",
         "Where none is given, the stride of a pooling layer is its size."),
        ([12, 4, 6, 3, 2], "In the fourth, look at the stride of the pooling layer.",
         "A stride of 1 changes no movement, whatever the size."),
        ([12, 4, 6, 12, 2], "In the fourth, the convolution has a stride.", each),
        ([12, 4, 6, 3, 6], "In the fourth, dilation or size has been counted as a stride.", each),
        ([14, 4, 6, 6, 2], "Padding moves every place alike.",
         "Padding shifts both maps, the old one and the new one."),
        ([10, 4, 6, 6, 2], "Padding moves every place alike.",
         "Padding shifts both maps, the old one and the new one."),
        ([8, 4, 6, 6, 2], "The size of the filter changes no movement.", each),
    ], each, names=("The first", "The second", "The third", "The fourth", "The fifth")),
        "Only strides count.")  # fmt: skip


@checker
def check_size(rows: Any, parameters: Any, multiplications: Any) -> Verdict:
    """Check 28 x 28 with 3 channels, 16 filters 5 x 5, stride 2, padding 2: 14, 1216, 235,200."""
    fits = "The filter starts at 0, 2, 4, … on 28 + 2 · 2 pixels. How often does it fit?"
    every = "Each of the outputs, in each of the 16 maps, takes one multiplication for each weight."
    parts: list[Part] = [
        ("The number of rows", 14, [
            (13, "One place is missing.", "If the filter can move 13 times, how many places?"),
            (12, "This is without padding.", fits),
            (28, "This is with stride 1.", fits),
            (14.5, "A number of places is whole.", "A window that overhangs is left out."),
            (13.5, "A number of places is whole.", fits),
            (15, "The last window overhangs.", fits),
            (16, "The filter has a size.", fits),
            (24, "This is without padding and with stride 1.", fits),
        ], fits),
        ("The number of parameters", 1216, [
            (1200, "The biases are missing.", "Each filter has one bias."),
            (416, "The channels are missing.", "A filter has weights for every channel."),
            (400, "Channels and biases are missing.", "A filter has weights for every channel."),
            (1248, "There is one bias per filter, not one per channel.", ""),
            (1201, "One bias is not enough.", "Each filter has one."),
            (76, "This is one filter.", "There are 16."),
            (75, "This is one filter without its bias.", "There are 16."),
            (1216 * 196, "The places share their weights.", "The size of the image plays no part."),
            (1200 * 196, "The places share their weights.", "The size of the image plays no part."),
        ], "How many weights has one filter, and how many biases?"),
        ("The number of multiplications", 235_200, [
            (16 * 28 * 28 * 75, "This is with stride 1.", every),
            (16 * 13 * 13 * 75, "There are more places.", every),
            (16 * 14 * 14 * 25, "The channels are missing.", every),
            (14 * 14 * 75, "This is for one filter.", every),
            (1200 * 14, "A map has two sides.", every),
            (1216 * 196, "A bias is added, not multiplied.", every),
            (1200, "This is for one place.", every),
            (2 * 235_200, "Additions were counted as well.", "Only multiplications are asked for."),
        ], every),
    ]  # fmt: skip
    return in_turn(
        (rows, parameters, multiplications), parts, "The number of parameters needs no image."
    )


X = np.array([[2, 0, 1], [1, 3, 0], [0, 1, 2]])
W = np.array([[1, -1], [2, 3]])
DZ = np.array([[1, 0], [0, -2]])


def correlated(x: Array, W: Array, s: int = 1) -> Array:
    """Return Σ_uv W_uv x_si+u,sj+v at every place of the window inside the image."""
    rows, columns = ((n - k) // s + 1 for n, k in zip(x.shape, W.shape, strict=True))
    z = np.zeros((max(rows, 0), max(columns, 0)))
    for i, j in np.ndindex(z.shape):
        z[i, j] = np.sum(W * x[s * i : s * i + W.shape[0], s * j : s * j + W.shape[1]])
    return z


def stamped(
    W: Array, dz: Array, s: int, shape: Sequence[int], *, add: bool = True, d: int = 0
) -> Array:
    """Return ∂L/∂x: each error stamps the filter, ``d`` pixels off its window if not 0."""
    dx = np.zeros([n + abs(d) for n in shape])
    for i, j in np.ndindex(dz.shape):
        piece = np.s_[s * i + d : s * i + d + W.shape[0], s * j + d : s * j + d + W.shape[1]]
        dx[piece] = W * dz[i, j] + (dx[piece] if add else 0)
    return dx[: shape[0], : shape[1]]


@checker
def check_hand(z: Any, dW: Any, dx: Any) -> Verdict:
    """Check the output, ∂L/∂W and ∂L/∂x of a 3 x 3 image, a 2 x 2 filter and two errors."""
    turned = W[::-1, ::-1]
    right = correlated(X, W), correlated(X, DZ), stamped(W, DZ, 1, X.shape)
    under = "Lay the filter on the window without turning it."
    meets = "The second error belongs to the window in the lower right corner."
    stamps = "Each error stamps the filter, times itself, onto its own window."
    parts: list[Part] = [
        ("The output", right[0], distinct([
            (correlated(X, turned), "The filter was turned.", under),
            (correlated(X, W.T), "Rows and columns of the filter were exchanged.", under),
            (X[:2, :2] * W, "This multiplies one window only.", "Add the four products, and move."),
        ], right[0]), under),
        ("The gradient of the filter", right[1], distinct([
            (right[1][::-1, ::-1], "It is turned.", "The error slides over the image unturned."),
            (correlated(X, DZ[::-1, ::-1]), "The error was turned.",
             "The error slides over the image unturned."),
            (right[1] * W, "The weights themselves have no place here.",
             "A weight's share is the pixel that it met, times the error."),
            (right[1] / 4, "It was divided by the number of outputs.",
             "The shares of the outputs are added."),
            (right[1] / 2, "It was divided by the number of errors.",
             "The shares of the outputs are added."),
            (X[:2, :2] * DZ.sum(), "Each output met pixels of its own.", meets),
            (-right[1], "The sign is wrong.", ""),
            (correlated(X, np.abs(DZ)), "The second error is negative.", meets),
            (X[:2, :2], "The second error is missing.", meets),
            (-2 * X[1:, 1:], "The first error is missing.",
             "Both windows meet this weight: add the two shares."),
        ], right[1]), meets),
        ("The gradient of the image", right[2], distinct([
            (stamped(turned, DZ, 1, X.shape), "The filter was turned once too often, or not.",
             "If errors stamp, they stamp the filter as it is; if pixels look back, it is turned."),
            *((np.where(np.eye(3)[1:2].T * np.eye(3)[1], share, right[2]),
               "One share overwrote another.", "The pixel in the middle lies in both windows: add.")
              for share in (-2, 3)),
            (stamped(W, np.abs(DZ), 1, X.shape), "The second error is negative.", stamps),
            (correlated(DZ, W), "The image has nine pixels.", stamps),
            (correlated(np.pad(DZ, 1), W), "The filter was not turned.",
             "A pixel's first error belongs to the window where it lies lower right."),
        ], right[2]), stamps),
    ]  # fmt: skip
    return in_turn((z, dW, dx), parts, "The middle pixel has heard from both.")


def convolve(x: Array, W: Array, b: Array, s: int, p: int) -> Array:
    """Return z_oij = b_o + Σ_cuv W_ocuv x_c,si+u-p,sj+v-p."""
    x = np.pad(x, [(0, 0), (p, p), (p, p)])
    return np.array(
        [
            b_o + sum(correlated(x_c, W_c, s) for x_c, W_c in zip(x, W_o, strict=True))
            for W_o, b_o in zip(W, b, strict=True)
        ]
    )


Wrong = tuple[Callable[..., Any], str, str]


def _cases(right: Callable[..., Any], wrong: Sequence[Wrong], inputs: Sequence[Any], more: str,
           where: Callable[..., str]) -> list[Case]:  # fmt: skip
    """Make a case of each input; a mistake that cannot be made there is left out."""
    cases = []
    for args in inputs:
        expected, mistakes = right(*args), []
        for function, hint, stronger in wrong:
            try:
                found = function(*args)
            except (IndexError, ValueError):
                continue
            mistakes.append((found, hint, stronger))
        kept: Mistakes = distinct(mistakes, expected)
        cases.append(Case(args, expected, kept, more, where=where(*args)))
    return cases


@checker
def check_convolve(function: Answer) -> Verdict:
    """Check convolve(x, W, b, s, p) on images with one to three channels that are not square."""
    rng = np.random.default_rng(0)

    def whole(*shape: int) -> Array:
        return rng.integers(-3, 4, shape).astype(float)

    inputs = [
        (whole(1, 3, 4), whole(1, 1, 2, 2), np.zeros(1), 1, 0),
        (whole(1, 4, 5), whole(2, 1, 2, 3), np.array([1.0, -2.0]), 1, 0),
        (whole(3, 4, 5), whole(2, 3, 3, 2), np.array([0.5, 2.0]), 1, 0),
        (whole(2, 5, 6), whole(3, 2, 2, 3), np.array([1.0, 0.0, 3.0]), 2, 0),
        (whole(2, 4, 3), whole(2, 2, 3, 2), np.array([1.0, -1.0]), 2, 1),
    ]
    sums = "For each output, add over the channels and over both sides of the filter."
    wrong: list[Wrong] = [
        (lambda x, W, b, s, p: convolve(x, W[..., ::-1, ::-1], b, s, p), "The filter is turned.",
         "Output (i, j) meets x at (i + u, j + v), with plus signs."),
        (lambda x, W, b, s, p: convolve(x, W, 0 * b, s, p), "The bias is missing.",
         "Each filter adds its own bias once."),
        (lambda x, W, b, s, p: convolve(x, W, 0 * b + b[0], s, p),
         "All filters got the same bias.", "Each filter adds its own bias once."),
        (lambda x, W, b, s, p: convolve(x, W, b * W[0].size, s, p),
         "The bias was added with every product.", "Add it once for each output."),
        (lambda x, W, b, s, p: convolve(x, W, b * len(x), s, p),
         "The bias was added once for each channel.", "Add it once for each output."),
        (lambda x, W, b, s, p: convolve(x[:1], W[:, :1], b, s, p), "Only one channel was used.",
         sums),
        (lambda x, W, b, s, p: convolve(x[-1:], W[:, -1:], b, s, p), "Only one channel was used.",
         sums),
        (lambda x, W, b, s, p: convolve(x, W / len(x), b, s, p), "The channels were averaged.",
         sums),
        (lambda x, W, b, s, p: np.maximum(convolve(x, W, b, s, p), 0),
         "There is nothing negative in the answer.", "The layer itself has no ReLU."),
        (lambda x, W, b, s, p: convolve(x, W, b, 1, p), "The stride is missing.",
         "The window of output (i, j) begins at (s·i, s·j)."),
        (lambda x, W, b, s, p: convolve(x, W, b, s, 0), "The padding is missing.",
         "Put p rows and columns of zeros on each of the four sides."),
        (lambda x, W, b, s, p: convolve(np.pad(x, [(0, 0), (0, p), (0, p)]), W, b, s, 0),
         "The padding is on one side only.", "Put zeros on each of the four sides."),
        (lambda x, W, b, s, p: convolve(
            np.pad(x, [(0, 0), (p, p), (p, p)], mode="edge"), W, b, s, 0),
         "The padding repeats the image's edge.", "Pad with zeros."),
        (lambda x, W, b, s, p: convolve(
            np.pad(x, [(0, 0), (p, p), (p, p)], constant_values=1), W, b, s, 0),
         "The padding is not made of zeros.", "Pad with zeros."),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p)[:, :-1, :-1],
         "The last row and column of places are missing.",
         "There are (n + 2p - k) // s + 1 places along a side."),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p)[0], "Only the first filter was used.",
         "The answer has one map for each filter."),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p).transpose(0, 2, 1),
         "Rows and columns were exchanged.", "i counts rows, j counts columns."),
    ]  # fmt: skip

    def where(x: Any, W: Any, b: Any, s: int, p: int) -> str:
        return f"x of shape {x.shape}, W of shape {W.shape}, s = {s}, p = {p}"

    cases = _cases(convolve, wrong, inputs, sums, where)
    return judge(function, cases, "Any channels, any stride, any padding.", "x, W, b, s, p")


def filter_gradient(x: Array, dz: Array, s: int, shape: Sequence[int]) -> Array:
    """Return ∂L/∂W_uv = Σ_ij δ_ij x_si+u,sj+v."""
    rows, columns = dz.shape
    return np.array(
        [
            [np.sum(dz * x[u : u + s * rows : s, v : v + s * columns : s]) for v in range(shape[1])]
            for u in range(shape[0])
        ]
    )


def _errors(rng: np.random.Generator, x: Array, shape: Sequence[int], s: int) -> Array:
    sides = [(n - k) // s + 1 for n, k in zip(x.shape, shape, strict=True)]
    return np.asarray(rng.integers(-3, 4, sides), float)


STRIDED = [((3, 4), (2, 2), 1), ((4, 6), (2, 3), 1), ((5, 8), (2, 3), 2), ((8, 7), (3, 2), 3)]
"""Shapes of image and filter, and the stride."""


@checker
def check_filter_gradient(function: Answer) -> Verdict:
    """Check filter_gradient(x, dz, s, shape) on images that are not square, strides 1 to 3."""
    rng = np.random.default_rng(1)
    inputs = []
    for size, shape, s in STRIDED:
        x = rng.integers(-3, 4, size).astype(float)
        inputs.append((x, _errors(rng, x, shape, s), s, shape))
    rule = "Weight (u, v) meets pixel (s·i + u, s·j + v) in output (i, j). Add over all outputs."

    def crop(x: Array, dz: Array, s: int, shape: Sequence[int]) -> Array:
        return correlated(x, dz)[: shape[0], : shape[1]]

    def apart(step: int) -> Callable[..., Array]:
        """Let the windows of two weights lie s pixels apart, and two outputs ``step or s``."""

        def gradient(x: Array, dz: Array, s: int, shape: Sequence[int]) -> Array:
            x = np.pad(x, [(0, s * (n + m)) for n, m in zip(dz.shape, shape, strict=True)])
            spread = np.zeros([(n - 1) * (step or s) + 1 for n in dz.shape])
            spread[:: step or s, :: step or s] = dz
            return correlated(x, spread)[: s * shape[0] : s, : s * shape[1] : s]

        return gradient

    steps = "The stride belongs to the outputs, not to the weights."
    wrong: list[Wrong] = [
        (crop, "The stride is missing.", rule),
        (apart(1), steps, rule),
        (apart(0), steps, rule),
        (lambda x, dz, s, shape: filter_gradient(x, dz, s, shape)[::-1, ::-1],
         "The gradient is turned.", "The error slides over the image as it is."),
        (lambda x, dz, s, shape: filter_gradient(x, dz[::-1, ::-1], s, shape),
         "The error was turned.", "The error slides over the image as it is."),
        (lambda x, dz, s, shape: filter_gradient(x, dz, s, shape) / dz.size,
         "The shares were averaged.", "They add up: a mean belongs to the loss, if it has one."),
        (lambda x, dz, s, shape: dz[-1, -1] * x[s * (dz.shape[0] - 1):, s * (dz.shape[1] - 1):][
            :shape[0], :shape[1]], "Only the last output is left.",
         "Add the shares (+=) instead of replacing them."),
        (lambda x, dz, s, shape: dz.sum() * x[:shape[0], :shape[1]],
         "Every output was given the first window.", rule),
        (lambda x, dz, s, shape: np.full(shape, dz.sum()), "The pixels are missing.", rule),
        (lambda x, dz, s, shape: -filter_gradient(x, dz, s, shape), "The sign is wrong.", rule),
        (lambda x, dz, s, shape: filter_gradient(x, dz, s, shape).T,
         "Rows and columns were exchanged.", "The answer has the shape of the filter."),
        (lambda x, dz, s, shape: filter_gradient(np.abs(x), dz, s, shape),
         "The pixels' signs are lost.", rule),
    ]  # fmt: skip

    def where(x: Any, dz: Any, s: int, shape: Any) -> str:
        return f"x of shape {x.shape}, dz of shape {dz.shape}, s = {s}, shape = {shape}"

    cases = _cases(filter_gradient, wrong, inputs, rule, where)
    return judge(function, cases, "The error is the filter now.", "x, dz, s, shape")


def image_gradient(W: Array, dz: Array, s: int, shape: Sequence[int]) -> Array:
    """Return ∂L/∂x_mn = Σ W_uv δ_ij over all si + u = m, sj + v = n."""
    return stamped(W, dz, s, shape)


@checker
def check_image_gradient(function: Answer) -> Verdict:
    """Check image_gradient(W, dz, s, shape) where windows overlap, touch, or leave gaps."""
    rng = np.random.default_rng(2)
    inputs = []
    for size, shape, s in STRIDED:
        W = rng.permutation(np.arange(1, 1 + np.prod(shape))).reshape(shape).astype(float)
        inputs.append((W, _errors(rng, np.empty(size), shape, s) + 0.5, s, size))
    rule = "Output (i, j) met pixel (s·i + u, s·j + v) through weight (u, v). Send δ·W back there."

    def slid(W: Array, dz: Array, s: int, shape: Sequence[int], turn: int = 1) -> Array:
        if s > 1:
            raise ValueError
        ring = np.pad(dz, [(k - 1, k - 1) for k in W.shape])
        return correlated(ring, W[::turn, ::turn])

    wrong: list[Wrong] = [
        (slid, "The filter was not turned.",
         "If the filter slides over the error, turn it; if errors stamp it, do not."),
        (lambda W, dz, s, shape: stamped(W[::-1, ::-1], dz, s, shape),
         "The filter was turned once too often, or not at all.",
         "If the filter slides over the error, turn it; if errors stamp it, do not."),
        (lambda W, dz, s, shape: stamped(W, dz, s, shape, add=False), "Overlaps were overwritten.",
         "Where windows share a pixel, add (+=)."),
        (lambda W, dz, s, shape: stamped(W, dz, 1, shape), "The stride is missing.", rule),
        (lambda W, dz, s, shape: stamped(W, dz[::-1, ::-1], s, shape), "The error was turned.",
         rule),
        (lambda W, dz, s, shape: stamped(W[::-1], dz, s, shape),
         "The filter was flipped along one side only.",
         "A half turn reverses rows and columns; stamping needs no turn at all."),
        (lambda W, dz, s, shape: stamped(W[:, ::-1], dz, s, shape),
         "The filter was flipped along one side only.",
         "A half turn reverses rows and columns; stamping needs no turn at all."),
        (lambda W, dz, s, shape: stamped(np.ones_like(W), dz, s, shape),
         "The weights are missing.", rule),
        (lambda W, dz, s, shape: -stamped(W, dz, s, shape), "The sign is wrong.", rule),
        (lambda W, dz, s, shape: stamped(W, dz, s, shape) / W.size, "The shares were averaged.",
         "They add up."),
        (lambda W, dz, s, shape: stamped(W, dz, s, shape, d=1),
         "Each stamp is one pixel too far down and right.", "Count u and v from 0."),
        (lambda W, dz, s, shape: stamped(W, dz, s, shape).T, "Rows and columns were exchanged.",
         "The answer has the shape of the image."),
    ]  # fmt: skip

    def where(W: Any, dz: Any, s: int, shape: Any) -> str:
        return f"W of shape {W.shape}, dz of shape {dz.shape}, s = {s}, shape = {shape}"

    cases = _cases(image_gradient, wrong, inputs, rule, where)
    return judge(function, cases, "Also where pixels lie in no window.", "W, dz, s, shape")


def max_pool_back(x: Array, dz: Array, k: int, *, pick: str = "first") -> Array:
    """Return ∂L/∂x: the error of each k x k window goes to its first maximum."""
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape):
        piece = np.s_[k * i : k * i + k, k * j : k * j + k]
        window = x[piece]
        hit = window == window.max()
        if pick == "shared":
            dx[piece] += dz[i, j] * hit / hit.sum()
        elif pick == "all":
            dx[piece] += dz[i, j] * hit
        else:
            flat = np.flatnonzero(hit)
            u, v = np.unravel_index(flat[0 if pick == "first" else -1], window.shape)
            dx[k * i + u, k * j + v] = dz[i, j]
    return dx


@checker
def check_max_pool_back(function: Answer) -> Verdict:
    """Check max_pool_back(x, dz, k) with negative numbers, ties, and pixels in no window."""
    inputs = [
        (np.array([[1.0, 3, -2, -1], [0, 2, -5, -4]]), np.array([[5.0, 7]]), 2),
        (np.array([[1.0, 4, 0, 0, 2], [4, 2, 0, 0, 9], [-1, -1, 3, 5, 1], [-2, -1, 5, 5, 1]]),
         np.array([[2.0, 3], [-4, 6]]), 2),
        (np.array([[0.0, 1, 2, 1, 0, 5, 8], [3, 3, 1, 2, 2, 0, 9], [2, 4, 4, 5, 1, 3, 7]]),
         np.array([[6.0, -5]]), 3),
    ]  # fmt: skip
    rule = "Find the first largest number of each window, row by row. It receives the whole error."

    def spread(x: Array, dz: Array, k: int) -> Array:
        dx = np.zeros(x.shape)
        dx[: k * dz.shape[0], : k * dz.shape[1]] = np.kron(dz, np.ones((k, k)))
        return dx

    def exchanged(x: Array, dz: Array, k: int) -> Array:
        dx = max_pool_back(x, dz, k)
        for i, j in np.ndindex(dz.shape):
            piece = np.s_[k * i : k * i + k, k * j : k * j + k]
            dx[piece] = dx[piece].T.copy()
        return dx

    def values(x: Array, dz: Array, k: int) -> Array:
        return max_pool_back(x, np.ones_like(dz), k) * x

    wrong: list[Wrong] = [
        (lambda x, dz, k: max_pool_back(x, dz, 2), "The windows are not always of 2 x 2.",
         "k is the number of rows and of columns of a window."),
        (lambda x, dz, k: max_pool_back(x, dz, k, pick="all"),
         "Each of several equal maxima received the whole error.", rule),
        (lambda x, dz, k: max_pool_back(x, dz, k, pick="shared"),
         "Equal maxima share the error here.", "The chapter's rule gives it to the first alone."),
        (lambda x, dz, k: max_pool_back(x, dz, k, pick="last"),
         "Of equal maxima, the last was chosen.", rule),
        (lambda x, dz, k: max_pool_back(x.T, dz.T, k).T,
         "Of equal maxima, the first column by column was chosen.", rule),
        (lambda x, dz, k: spread(x, dz, k) / k**2, "This is average pooling.", rule),
        (spread, "Every pixel received the whole error.", rule),
        (lambda x, dz, k: max_pool_back(np.abs(x), dz, k),
         "The largest in size is not the largest.", "-1 is larger than -5."),
        (lambda x, dz, k: max_pool_back(-x, dz, k), "The smallest was chosen.", rule),
        (values, "The largest numbers themselves came back.", "The winner receives the error."),
        (lambda x, dz, k: max_pool_back(x, dz, k) * (x > 0),
         "A winner that is not positive received nothing.",
         "The largest of several negative numbers wins too."),
        (exchanged, "Row and column of the winner were exchanged.",
         "np.unravel_index gives the row first."),
        (lambda x, dz, k: max_pool_back(x, dz, k) * x,
         "The error was multiplied by the number.", "The slope of a maximum is 1 for the winner."),
        (lambda x, dz, k: max_pool_back(x, np.ones_like(dz), k),
         "The slopes are right, and the errors are missing.", "Multiply by the errors."),
        (lambda x, dz, k: max_pool_back(x, dz, k)[: k * dz.shape[0], : k * dz.shape[1]],
         "Pixels in no window are missing.", "The answer has the shape of x; they receive 0."),
    ]  # fmt: skip

    def where(x: Any, dz: Any, k: int) -> str:
        return f"x of shape {x.shape}, dz of shape {dz.shape}, k = {k}"

    cases = _cases(max_pool_back, wrong, inputs, rule, where)
    return judge(function, cases, "One winner per window.", "x, dz, k")


MISSED = [False, True, False, True]


@checker
def check_missed(missed: Any) -> Verdict:
    """Check which mistakes the test of the transpose misses: those that both sides share."""
    if isinstance(missed, list | tuple) and any(
        isinstance(answer, str) or (np.isscalar(answer) and answer not in (0, 1))
        for answer in missed
    ):
        return Verdict(False, "Give True or False for each of the four mistakes, without quotes.")
    both = "The test compares the two passes with each other, and with nothing else."
    said: dict[tuple[bool, ...], tuple[str, str]] = {
        (True, False, True, False): ("This is the other way round.", "True: the test misses it."),
        (False, False, False, False): ("The test does not see everything.", both),
        (True, True, True, True): ("The test sees something.", "Try each with random numbers."),
    }
    found = {0: "The forward pass is right there, so the two do not fit.",
             2: "One side doubles, the other does not."}  # fmt: skip
    for answer in itertools.product((False, True), repeat=4):
        if list(answer) == MISSED or answer in said:
            continue
        seen = [k for k in found if answer[k]]
        forgotten = answer[1] + answer[3] < 2
        words = " and ".join(("the first", "", "the third")[k] for k in seen)
        if seen and forgotten:
            hint = f"{words.capitalize()} would be noticed, and another is missed."
        elif seen:
            hint = f"{words.capitalize()} would be noticed."
        else:
            hint = "It misses another one as well."
        more = found[seen[0]] if seen and not forgotten else both
        said[answer] = hint, more
    return judge_value(
        missed,
        Case((), MISSED, [(list(answer), *words) for answer, words in said.items()], both),
        "It shows that the passes fit, not that they are those you wanted.",
    )
