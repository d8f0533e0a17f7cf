"""The checkers of "Networks" tell right from wrong, and hint at the usual mistakes."""

import numpy as np
import pytest

from backprop.book.exercises import networks


def phi(z):
    return np.maximum(z, 0)


def sigma(z):
    return 1 / (1 + np.exp(-z))


def forward(x, W1, b1, W2, b2):
    return sigma(phi(x @ W1 + b1) @ W2 + b2)


WEIGHTS = 64 * 32 + 32 * 16 + 16 * 10


def test_parameters():
    assert networks.check_parameters(WEIGHTS + 58)
    for answer, words in [
        (WEIGHTS, "weights alone"), (WEIGHTS + 122, "not units"), (WEIGHTS + 3, "not one in all"),
        (58, "biases alone"), (WEIGHTS + 48, "output units"), (7, "is 7, which is not right"),
        ([1, 2], "has shape (2,)"), (None, "None"), ("many", "is a str"),
    ]:  # fmt: skip
        verdict = networks.check_parameters(answer)
        assert not verdict and words in repr(verdict), answer


@pytest.mark.parametrize("answer", [(-1, -1, 1.5), [-2, -3, 4], np.array([-1.0, -1.0, 1.5])])
def test_nand_has_many_right_answers(answer):
    assert networks.check_nand(answer)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ((1, 1, -1.5), "is AND"),
        ((-1, -1, 0.5), "is NOR"),
        ((1, 1, -0.5), "is OR"),
        ((0, 0, 1), "x = (1, 1) z is 1, expected zero or negative"),
        ((-1, 0, 0.5), "x = (1, 0) z is -0.5, expected positive"),
        ((1, 2), "expected three numbers"),
        (3, "expected three numbers"),
        (None, "expected three numbers"),
        ("abc", "expected three numbers"),
        ((np.nan, 1, 1), "expected finite numbers"),
    ],
)
def test_nand_hints(answer, words):
    verdict = networks.check_nand(answer)
    assert not verdict and words in repr(verdict)


def test_forward():
    assert networks.check_forward(forward)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x, W1, b1, W2, b2: sigma((x @ W1 + b1) @ W2 + b2), "one affine map"),
        (lambda x, W1, b1, W2, b2: phi(x @ W1 + b1) @ W2 + b2, "z2, not a2"),
        (lambda x, W1, b1, W2, b2: phi(phi(x @ W1 + b1) @ W2 + b2), "not the ReLU"),
        (lambda x, W1, b1, W2, b2: sigma(sigma(x @ W1 + b1) @ W2 + b2), "not the sigmoid"),
        (lambda x, W1, b1, W2, b2: sigma(phi(x @ W1) @ W2 + b2), "hidden bias is missing"),
        (lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1) @ W2), "output's bias"),
        (lambda x, W1, b1, W2, b2: sigma(phi(x @ W1) @ W2), "Both biases"),
        (lambda x, W1, b1, W2, b2: sigma(phi(x @ W1 + b1).sum(0) @ W2 + b2), "rows were summed"),
        (lambda *args: forward(*args).T, "transpose"),
        (lambda x, W1, b1, W2, b2: W1 @ x, "raised ValueError"),
        (lambda *args: None, "is a return missing"),
        (lambda *args: np.ones(3), "has shape (3,)"),
        (lambda *args: forward(*args) + 0.1, "not right"),
        (0.5, "without calling it"),
    ],
)
def test_forward_hints(function, words):
    verdict = networks.check_forward(function)
    assert not verdict and words in repr(verdict)


def test_parity():
    def parity(x):
        s = x.sum(axis=1, keepdims=True)
        return phi(s) - 2 * phi(s - 1) + 2 * phi(s - 2)

    assert networks.check_parity(parity)
    for function, words in [
        (lambda x: 1 - parity(x), "even parity"),
        (lambda x: phi(x.sum(1, keepdims=True)) - 2 * phi(x.sum(1, keepdims=True) - 1), "third"),
        (lambda x: x.sum(1, keepdims=True), "number of ones"),
        (lambda x: parity(x)[:, 0], "shape (8, 1)"),
        (lambda x: x @ np.ones(2), "raised ValueError"),
    ]:
        verdict = networks.check_parity(function)
        assert not verdict and words in repr(verdict), words
