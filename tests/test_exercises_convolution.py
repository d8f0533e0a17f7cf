"""The checkers of "Convolution": right answers in several forms, and at least ten wrong ones.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop import Conv2d, MaxPool2d
from backprop.book.exercises import convolution as ex

Z, DW = [[13, 5], [1, 11]], [[-4, 0], [-1, -1]]
DX = [[1, -1, 0], [2, 1, 2], [0, -4, -6]]
T, F = True, False
RIGHT = {
    ex.check_moves: [([12, 4, 6, 6, 2],), ((12.0, 4, Fraction(6), sp.Integer(6), 2),)],
    ex.check_size: [(14, 1216, 235_200), (14.0, sp.Integer(1216), np.int64(235_200))],
    ex.check_hand: [(Z, DW, DX), (np.array(Z), sp.Matrix(DW).tolist(), np.array(DX, float))],
    ex.check_missed: [([F, T, F, T],), ((0, 1, 0, 1),), (np.array([F, T, F, T]),)],
}
WRONG_ANSWERS = {
    ex.check_moves: [
        (([12] * 5,), "Strides"), (([12, 36, 24, 24, 72],), "shortens"),
        (([12, 4, 12, 6, 6],), "of its own"), (([12, 4, 6, 3, 2],), "stride of the pooling"),
        (([12, 4, 6, 12, 2],), "the convolution has"), (([12, 4, 6, 3, 6],), "dilation"),
        (([14, 4, 6, 6, 2],), "Padding"), (([10, 4, 6, 6, 2],), "Padding"),
        (([8, 4, 6, 6, 2],), "size of the filter"), (([12, 4, 6, 6, 3],), "The fifth"),
        (([12, 4, 6, 6],), "shape"), ((None,), "None"), (("12",), "expected numbers"),
        ((12, 4, 6, 6, 2), "one answer"),
    ],
    ex.check_size: [
        ((13, 1216, 235_200), "missing"), ((12, 1216, 235_200), "without padding"),
        ((28, 1216, 235_200), "stride 1"), ((14.5, 1216, 235_200), "whole"),
        ((16, 1216, 235_200), "has a size"), ((24, 1216, 235_200), "without padding and"),
        ((15, 1216, 235_200), "overhangs"), ((20, 1216, 235_200), "How often"),
        ((14, 1200, 235_200), "biases are missing"), ((14, 416, 235_200), "channels are missing"),
        ((14, 400, 235_200), "Channels and biases"), ((14, 1248, 235_200), "one bias per filter"),
        ((14, 76, 235_200), "one filter"), ((14, 238_336, 235_200), "share"),
        ((14, 1216, 940_800), "stride 1"), ((14, 1216, 78_400), "channels"),
        ((14, 1216, 14_700), "one filter"), ((14, 1216, 16_800), "two sides"),
        ((14, 1216, 238_336), "added"), ((14, 1216, 470_400), "Additions"),
        ((14, 1216), "3 answers"), (("14", 1216, 235_200), "expected a number"),
    ],
    ex.check_hand: [
        ((ex.correlated(ex.X, ex.W[::-1, ::-1]), DW, DX), "was turned"),
        ((ex.correlated(ex.X, ex.W.T), DW, DX), "exchanged"),
        ((ex.X[:2, :2] * ex.W, DW, DX), "one window"),
        ((Z, [[-1, -1], [0, -4]], DX), "turned"), ((Z, [[-1, 0], [-0.25, -0.25]], DX), "divided"),
        ((Z, [[-2, 0], [-0.5, -0.5]], DX), "divided"), ((Z, [[4, 0], [1, 1]], DX), "sign"),
        ((Z, ex.correlated(ex.X, abs(ex.DZ)), DX), "negative"),
        ((Z, [[-2, 0], [-1, -3]], DX), "of its own"), ((Z, [[2, 0], [1, 3]], DX), "second error"),
        ((Z, [[-6, 0], [-2, -4]], DX), "first error"),
        ((Z, [[-1, 0], [-1, -4]], DX), "error was turned"),
        ((Z, [[-4, 0], [-2, -3]], DX), "no place here"),
        ((Z, DW, ex.correlated(np.pad(ex.DZ, 1), ex.W)), "turned"),
        ((Z, DW, [[1, -1, 0], [2, -2, 2], [0, -4, -6]]), "overwrote"),
        ((Z, DW, ex.stamped(ex.W, abs(ex.DZ), 1, (3, 3))), "negative"),
        ((Z, DW, ex.correlated(ex.DZ, ex.W)), "nine pixels"), ((Z, DW, [[0] * 3] * 3), "stamp"),
        ((Z, DW), "3 answers"), ((None, DW, DX), "None"),
    ],
    ex.check_missed: [
        (([T, F, T, F],), "other way round"), (([F, F, F, T],), "another one"),
        (([F, T, F, F],), "another one"), (([F] * 4,), "everything"), (([T] * 4,), "something"),
        (([T, T, F, T],), "The first would be noticed. The forward"),
        (([F, T, T, T],), "The third would be noticed. One side"),
        (([T, F, F, T],), "first would be noticed, and another"),
        (([F, F, T, T],), "third would be noticed, and another"),
        (([T, T, F, F],), "first would be noticed, and another"),
        (([T, T, T, F],), "The first and the third"), (([T, F, F, F],), "compares"),
        (([F, T],), "shape"), ((None,), "None"),
        ((F, T, F, T), "one answer"), ((["no", "yes", "no", "yes"],), "without quotes"),
        (([2, 4],), "for each of the four"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


def convolve(x, W, b, s, p):
    x = np.pad(x, [(0, 0), (p, p), (p, p)])
    n_out, _, k, m = W.shape
    z = np.empty((n_out, (x.shape[1] - k) // s + 1, (x.shape[2] - m) // s + 1))
    for o, i, j in np.ndindex(z.shape):
        z[o, i, j] = b[o] + np.sum(W[o] * x[:, s * i : s * i + k, s * j : s * j + m])
    return z


def padded(x, W, b, s, p, **kind):
    return convolve(np.pad(x, [(0, 0), (p, p), (p, p)], **kind), W, b, s, 0)


def by_layer(x, W, b, s, p):
    layer = Conv2d(
        W.shape[1], W.shape[0], W.shape[2:], stride=s, padding=p, rng=np.random.default_rng(0)
    )
    layer.parameters["W"][...], layer.parameters["b"][...] = W, b
    return layer.forward(x[None])[0]


def lists(x, W, b, s, p):
    return convolve(x, W, b, s, p).tolist()


def filter_gradient(x, dz, s, shape):
    dW = np.zeros(shape)
    for i, j in np.ndindex(dz.shape):
        dW += dz[i, j] * x[s * i : s * i + shape[0], s * j : s * j + shape[1]]
    return dW


def filter_by_layer(x, dz, s, shape):
    layer = Conv2d(1, 1, tuple(shape), stride=s, rng=np.random.default_rng(0))
    layer.forward(x[None, None])
    layer.backward(dz[None, None])
    return layer.gradients["W"][0, 0]


def by_steps(x, dz, s, shape, step):
    x = np.pad(x, [(0, s * (n + m)) for n, m in zip(dz.shape, shape, strict=True)])
    rows, columns = (step * n for n in dz.shape)
    dW = [np.sum(dz * x[s * u : s * u + rows : step, s * v : s * v + columns : step])
          for u, v in np.ndindex(*shape)]  # fmt: skip
    return np.reshape(dW, shape)


def replaced(x, dz, s, shape):
    for i, j in np.ndindex(dz.shape):
        dW = dz[i, j] * x[s * i : s * i + shape[0], s * j : s * j + shape[1]]
    return dW


def image_gradient(W, dz, s, shape):
    dx = np.zeros(shape)
    for i, j in np.ndindex(dz.shape):
        dx[s * i : s * i + W.shape[0], s * j : s * j + W.shape[1]] += dz[i, j] * W
    return dx


def by_sliding(W, dz, s, shape, turn=-1):
    spread = np.zeros([n + k - 1 for n, k in zip(shape, W.shape, strict=True)])
    inner = spread[W.shape[0] - 1 :, W.shape[1] - 1 :]
    inner[: s * dz.shape[0] : s, : s * dz.shape[1] : s] = dz
    return ex.correlated(spread, W[::turn, ::turn])


def image_by_layer(W, dz, s, shape):
    layer = Conv2d(1, 1, W.shape, stride=s, rng=np.random.default_rng(0))
    layer.parameters["W"][...] = W
    layer.forward(np.zeros((1, 1, *shape)))
    return layer.backward(dz[None, None])[0, 0]


def overwritten(W, dz, s, shape):
    dx = np.zeros(shape)
    for i, j in np.ndindex(dz.shape):
        dx[s * i : s * i + W.shape[0], s * j : s * j + W.shape[1]] = dz[i, j] * W
    return dx


def max_pool_back(x, dz, k):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape):
        window = x[k * i : k * i + k, k * j : k * j + k]
        u, v = np.unravel_index(window.argmax(), window.shape)
        dx[k * i + u, k * j + v] += dz[i, j]
    return dx


def exchanged(x, dz, k):
    dx = np.zeros(x.shape)
    for i, j in np.ndindex(dz.shape):
        v, u = divmod(x[k * i : k * i + k, k * j : k * j + k].argmax(), k)
        dx[k * i + u, k * j + v] = dz[i, j]
    return dx


def pool_by_layer(x, dz, k):
    layer = MaxPool2d(k)
    layer.forward(x[None, None])
    return layer.backward(dz[None, None])[0, 0]


def changed(x, *rest):
    x += 1
    return x


def common(arity):
    """Return wrong functions of any exercise, with so many arguments."""
    names = ", ".join(f"a{k}" for k in range(arity))
    return [
        (eval(f"lambda {names}: None"), "return missing"),
        (lambda x: x, "can be called with"),
        (7, "function itself"),
        (eval(f"lambda {names}: 'text'"), "expected"),
        (eval(f"lambda {names}: 1 / 0"), "ZeroDivisionError"),
    ]


RIGHT_FUNCTIONS = {
    ex.check_convolve: [convolve, by_layer, lists],
    ex.check_filter_gradient: [filter_gradient, filter_by_layer],
    ex.check_image_gradient: [image_gradient, by_sliding, image_by_layer],
    ex.check_max_pool_back: [max_pool_back, pool_by_layer],
}
WRONG_FUNCTIONS = {
    ex.check_convolve: [
        *common(5),
        (lambda x, W, b, s, p: convolve(x, W[..., ::-1, ::-1], b, s, p), "is turned"),
        (lambda x, W, b, s, p: convolve(x, W, 0 * b, s, p), "bias is missing"),
        (lambda x, W, b, s, p: convolve(x, W, 0 * b + b[0], s, p), "same bias"),
        (lambda x, W, b, s, p: convolve(x, W / len(x), b, s, p), "averaged"),
        (lambda x, W, b, s, p: np.maximum(convolve(x, W, b, s, p), 0), "no ReLU"),
        (lambda x, W, b, s, p: padded(x, W, b, s, p, mode="edge"), "repeats"),
        (lambda x, W, b, s, p: padded(x, W, b, s, p, constant_values=1), "not made of zeros"),
        (lambda x, W, b, s, p: convolve(x, W, b * W[0].size, s, p), "every product"),
        (lambda x, W, b, s, p: convolve(x, W, b * len(x), s, p), "each channel"),
        (lambda x, W, b, s, p: convolve(x[:1], W[:, :1], b, s, p), "one channel"),
        (lambda x, W, b, s, p: convolve(x, W, b, 1, p), "stride is missing"),
        (lambda x, W, b, s, p: convolve(x, W, b, s, 0), "padding is missing"),
        (lambda x, W, b, s, p: convolve(np.pad(x, [(0, 0), (0, p), (0, p)]), W, b, s, 0),
         "one side only"),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p)[:, :-1, :-1], "last row"),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p)[0], "first filter"),
        (lambda x, W, b, s, p: convolve(x, W, b, s, p).transpose(0, 2, 1), "exchanged"),
        (changed, "in place|can be called"),
    ],
    ex.check_filter_gradient: [
        *common(4),
        (lambda x, dz, s, h: filter_gradient(x, dz, 1, h), "stride is missing"),
        (lambda x, dz, s, h: filter_gradient(x, dz, s, h)[::-1, ::-1], "turned"),
        (lambda x, dz, s, h: filter_gradient(x, dz[::-1, ::-1], s, h), "error was turned"),
        (lambda x, dz, s, h: filter_gradient(x, dz, s, h) / dz.size, "averaged"),
        (replaced, "Only the last"),
        (lambda x, dz, s, h: dz.sum() * x[: h[0], : h[1]], "first window"),
        (lambda x, dz, s, h: np.full(h, dz.sum()), "pixels are missing"),
        (lambda x, dz, s, h: -filter_gradient(x, dz, s, h), "sign"),
        (lambda x, dz, s, h: filter_gradient(x, dz, s, h).T, "transpose|exchanged"),
        (lambda x, dz, s, h: by_steps(x, dz, s, h, 1), "not to the weights"),
        (lambda x, dz, s, h: by_steps(x, dz, s, h, s), "not to the weights"),
        (lambda x, dz, s, h: np.zeros(h), "Add over all outputs"),
    ],
    ex.check_image_gradient: [
        *common(4),
        (lambda W, dz, s, n: by_sliding(W, dz, s, n, 1), "turned"),
        (lambda W, dz, s, n: image_gradient(W[::-1, ::-1], dz, s, n), "turned"),
        (overwritten, "overwritten"),
        (lambda W, dz, s, n: image_gradient(W, dz, 1, n), "stride is missing"),
        (lambda W, dz, s, n: image_gradient(W, dz[::-1, ::-1], s, n), "error was turned"),
        (lambda W, dz, s, n: image_gradient(W[::-1], dz, s, n), "one side"),
        (lambda W, dz, s, n: image_gradient(W[:, ::-1], dz, s, n), "one side"),
        (lambda W, dz, s, n: image_gradient(np.ones_like(W), dz, s, n), "weights are missing"),
        (lambda W, dz, s, n: -image_gradient(W, dz, s, n), "sign"),
        (lambda W, dz, s, n: image_gradient(W, dz, s, n) / W.size, "averaged"),
        (lambda W, dz, s, n: image_gradient(W, dz, s, n).T, "transpose|exchanged"),
        (lambda W, dz, s, n: image_gradient(W, dz, s, n)[:-1], "shape"),
    ],
    ex.check_max_pool_back: [
        *common(3),
        (lambda x, dz, k: ex.max_pool_back(x, dz, k, pick="all"), "several equal"),
        (lambda x, dz, k: ex.max_pool_back(x, dz, k, pick="shared"), "share the error"),
        (lambda x, dz, k: ex.max_pool_back(x, dz, k, pick="last"), "the last was chosen"),
        (lambda x, dz, k: max_pool_back(x.T, dz.T, k).T, "column by column"),
        (lambda x, dz, k: max_pool_back(x, dz, 2), "not always"),
        (lambda x, dz, k: max_pool_back(np.abs(x), dz, k), "largest in size"),
        (lambda x, dz, k: max_pool_back(-x, dz, k), "smallest"),
        (lambda x, dz, k: max_pool_back(x, dz, k) * x, "multiplied by the number"),
        (lambda x, dz, k: max_pool_back(x, np.ones_like(dz), k), "errors are missing"),
        (lambda x, dz, k: max_pool_back(x, np.ones_like(dz), k) * x, "themselves"),
        (lambda x, dz, k: max_pool_back(x, dz, k)[: k * len(dz), : k * dz.shape[1]],
         "no window|shape"),
        (lambda x, dz, k: max_pool_back(x, dz, k) * (x > 0), "not positive"),
        (exchanged, "Row and column of the winner"),
        (lambda x, dz, k: np.zeros(x.shape), "first largest"),
    ],
}  # fmt: skip


@each_right(RIGHT_FUNCTIONS)
def test_right_functions(check, answer):
    assert check(answer), check(answer)


@each_wrong(WRONG_FUNCTIONS)
def test_wrong_functions(check, answer, hint):
    first, second = both_hints(check, answer)
    assert any(part in second for part in hint.split("|")), second
    assert second.startswith(first)


@pytest.mark.parametrize("check", [*WRONG_ANSWERS, *WRONG_FUNCTIONS])
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    wrong, right = WRONG_ANSWERS | WRONG_FUNCTIONS, RIGHT | RIGHT_FUNCTIONS
    assert len(wrong[check]) >= 10 and len(right[check]) >= 2


@pytest.mark.parametrize("s", [1, 2, 3])
def test_the_two_ways_to_the_image_agree(s):
    rng = np.random.default_rng(s)
    W, dz = rng.normal(size=(3, 2)), rng.normal(size=(2, 3))
    shape = (s + 3, 2 * s + 4)
    np.testing.assert_allclose(
        ex.image_gradient(W, dz, s, shape), by_sliding(W, dz, s, shape), atol=1e-12
    )
