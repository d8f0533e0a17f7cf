"""The checkers of "Vanishing and exploding gradients": right answers, and ten wrong ones each.

No wrong answer is praised, none is told the right one, and each known mistake gets its own hint.
"""

import math
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from checker_cases import both_hints, each_right, each_wrong

from backprop import Dense, Residual, Tanh, clip_norm
from backprop.activations import tanh, tanh_prime
from backprop.book.exercises import vanishing_and_exploding as ex
from backprop.book.figures import depth

EDGE = depth.critical(0.2)


def clip(dW, db, limit):
    norm = np.sqrt(np.sum(dW**2) + np.sum(db**2))
    factor = min(1, limit / norm) if norm else 1
    return factor * dW, factor * db


def clip_as_pascanu(dW, db, limit):
    norm = np.linalg.norm(np.concatenate([dW.ravel(), db.ravel()]))
    return [dW * limit / norm, db * limit / norm] if norm >= limit else [dW, db]


def each(dW, db, limit):
    return tuple(g * min(1, limit / max(np.linalg.norm(g), 1e-12)) for g in (dW, db))


def by(length, always=False):
    def wrong(dW, db, limit):
        size = length(dW, db) or 1
        factor = limit / size if always else min(1, limit / size)
        return dW * factor, db * factor

    return wrong


def norm(*parts):
    return math.sqrt(sum(float(np.sum(part**2)) for part in parts))


def in_place(dW, db, limit):
    factor = min(1, limit / norm(dW, db)) if norm(dW, db) else 1
    dW *= factor
    db *= factor
    return dW, db


def backward(da, x, W, slopes):
    delta = da * slopes
    return da + delta @ W.T, x.T @ delta


def backward_in_loops(da, x, W, slopes):
    dx, dW = da.copy(), np.zeros_like(W)
    for i in range(len(x)):
        for j in range(W.shape[0]):
            for k in range(W.shape[1]):
                dx[i, j] += da[i, k] * slopes[i, k] * W[j, k]
                dW[j, k] += x[i, j] * da[i, k] * slopes[i, k]
    return [dx, dW]


RIGHT = {
    ex.check_hand: [(-0.16, 66), (Fraction(-4, 25), 66.0), (sp.Rational(-4, 25), np.int64(66))],
    ex.check_gain: [
        (1 / 6, 6.0**-10, 6**0.5), (0.167, 1.65e-8, 2.45),
        (Fraction(1, 6), Fraction(1, 6**10), sp.sqrt(6)),
    ],
    ex.check_clip: [(clip,), (clip_as_pascanu,)],
    ex.check_residual: [(backward,), (backward_in_loops,)],
    ex.check_branch: [
        (2**50, 1.02**50), (1.126e15, 2.69), (1.13e15, 2.69),
        (sp.Integer(2) ** 50, Fraction(51, 50) ** 50),
    ],
    ex.check_edge: [(EDGE,), (round(EDGE, 3),), (float(f"{EDGE:.3g}"),), (1.512,)],
}  # fmt: skip
WRONG_ANSWERS = {
    ex.check_hand: [
        ((0.16, 66), "sign is not"), ((-1, 66), "slopes are missing"), ((1, 66), "a sign"),
        ((0.4, 66), "weight times its slope"), ((-0.8, 66), "last layer"), ((-0.2, 66), "A slope"),
        ((3.2, 66), "were added"), ((-0.32, 66), "missing"), ((0, 66), "weight times its slope"),
        ((-0.16, 65), "still a little larger"), ((-0.16, 65.6), "whole number"),
        ((-0.16, 67), "one layer earlier"), ((-0.16, 132), "root"), ((-0.16, 33), "squared"),
        ((-0.16, 44), "hundredth"), ((-0.16, 22), "tenth"), ((-0.16, 100), "logarithms"),
        ((-0.16, None), "None"), ((-0.16,), "2 answers"),
    ],
    ex.check_gain: [
        ((1 / 3, 6.0**-10, 6**0.5), "n Var(w)"), ((0.5, 6.0**-10, 6**0.5), "variance 1/n"),
        ((1, 6.0**-10, 6**0.5), "He's"), ((0.408, 6.0**-10, 6**0.5), "size"),
        ((6, 6.0**-10, 6**0.5), "reciprocal"), ((1 / 12, 6.0**-10, 6**0.5), "twice"),
        ((0.2, 6.0**-10, 6**0.5), "r²/3"),
        ((1 / 6, 6.0**-20, 6**0.5), "mean square"), ((1 / 6, 20 / 6, 6**0.5), "multiply"),
        ((1 / 6, 3.0**-10, 6**0.5), "slopes of ReLU"), ((1 / 6, 6.0**10, 6**0.5), "reciprocal"),
        ((1 / 6, 1.7e-8, 6**0.5), "three significant"), ((1 / 6, 0.1, 6**0.5), "twenty factors"),
        ((1 / 6, 1.65e-8, 6), "equal to 6"), ((1 / 6, 1.65e-8, 3**0.5), "For ReLU"),
        ((1 / 6, 1.65e-8, 2), "that is needed"), ((1 / 6, 1.65e-8, 0.408), "smaller still"),
        ((1 / 6, 1.65e-8, 2.4), "three significant"), ((1 / 6, 1.65e-8, 5), "m² times"),
        ((1 / 6, 1.65e-8), "3 answers"),
    ],
    ex.check_clip: [
        ((each,), "by itself"),
        ((lambda dW, db, limit: (np.clip(dW, -limit, limit), np.clip(db, -limit, limit)),),
         "changes the direction"),
        ((by(norm, always=True),), "made longer"),
        ((by(lambda *p: norm(*p) ** 2),), "root of the sum of squares"),
        ((by(lambda *p: sum(np.abs(g).sum() for g in p)),), "sum of the sizes"),
        ((by(lambda *p: max(np.abs(g).max() for g in p)),), "largest entry"),
        ((by(lambda dW, db: norm(dW)),), "dW alone"), ((by(lambda dW, db: norm(db)),), "db alone"),
        ((by(lambda dW, db: norm(dW) + norm(db)),), "were added"),
        ((lambda dW, db, limit: (clip(dW, db, limit)[0], db),), "db was not"),
        ((lambda dW, db, limit: (dW, clip(dW, db, limit)[1]),), "dW was not"),
        ((lambda dW, db, limit: (dW, db),), "unchanged"),
        ((lambda dW, db, limit: clip(dW, db, limit)[::-1],), "reverse order"),
        ((lambda dW, db, limit: dW,), "two arrays"), ((lambda dW, db, limit: None,), "None"),
        ((in_place,), "in place"), ((lambda dW, db: (dW, db),), "3 arguments"),
        ((lambda dW, db, limit: (dW / 0 * dW.ravel()[0], db),), "not right"),
        ((3.0,), "Hand over the function"),
        ((lambda dW, db, limit: undefined,), "NameError"),  # noqa: F821
    ],
    ex.check_residual: [
        ((lambda da, x, W, s: (da * s @ W.T, x.T @ (da * s)),), "path around"),
        ((lambda da, x, W, s: (da + da * s @ W, x.T @ (da * s)),), "not transposed"),
        ((lambda da, x, W, s: (da + da @ W.T, x.T @ da),), "slopes are missing."),
        ((lambda da, x, W, s: (da + da @ W.T, x.T @ (da * s)),), "missing in ∂L/∂x"),
        ((lambda da, x, W, s: (da + da * s @ W.T, x.T @ da),), "missing in ∂L/∂W"),
        ((lambda da, x, W, s: (da * s + da * s @ W.T, x.T @ (da * s)),), "path as well"),
        ((lambda da, x, W, s: (1 + da * s @ W.T, x.T @ (da * s)),), "slope is 1"),
        ((lambda da, x, W, s: (da + (da @ W.T) * s, x.T @ (da * s)),), "after Wᵀ"),
        ((lambda da, x, W, s: (da + da * s @ W.T, x.T @ (da + da * s)),), "weights got"),
        ((lambda da, x, W, s: (da + da * s @ W.T, x.T @ (da * s) / len(x)),), "batch size"),
        ((lambda da, x, W, s: (da + da * s @ W.T, (da * s).T @ x),), "∂L/∂W is transposed"),
        ((lambda da, x, W, s: (da, x.T @ (da * s)),), "branch is missing"),
        ((lambda da, x, W, s: (x + da * s @ W.T, x.T @ (da * s)),), "input was added"),
        ((lambda da, x, W, s: (x.T @ (da * s), da + da * s @ W.T),), "reverse order"),
        ((lambda da, x, W, s: da,), "two arrays"), ((lambda da, x, W, s: None,), "None"),
        ((lambda da, x, W: (da, W),), "4 arguments"),
        ((lambda da, x, W, s: (2 * da, W),), "not right"),
    ],
    ex.check_branch: [
        ((50, 2.69), "do not add"), ((51, 2.69), "do not add"), ((1, 2.69), "path is missing"),
        ((2, 2.69), "one block"), ((2**25, 2.69), "size"), ((4.0**50, 2.69), "Here errors add"),
        ((2**49, 2.69), "49 blocks"), ((3, 2.69), "adds two mean squares"),
        ((2**50, math.e), "limit"), ((2**50, 1.02**25), "size"), ((2**50, 2), "do not add"),
        ((2**50, 1.02), "one block"), ((2**50, (1 + 50**-0.5) ** 50), "square of that"),
        ((2**50, 2.0**50 / 50), "Every branch"), ((2**50, 2.7), "three significant"),
        ((2**50, 1.01**50), "size"), ((2**50, 7), "1/50"), ((2**50,), "2 answers"),
        ((1.1e15, 2.69), "three significant"), ((1.2e15, 2.69), "adds two mean squares"),
    ],
    ex.check_edge: [
        ((EDGE**2,), "square of the scale"), ((1.327,), "0.05"),
        ((depth.critical(0.04),), "squared"),
        ((1,), "without biases"), ((1.0,), "without biases"), ((1.5,), "three digits"),
        ((1.495,), "bisect"),
        ((1 / EDGE,), "reciprocal"), ((math.sqrt(2),), "He's"),
        ((depth.critical(0.2**0.5),), "root"),
        ((1.7,), "bisect"), ((0,), "bisect"), ((None,), "None"), (("1.5",), "expected a number"),
        ((ex._solved(lambda s: depth.backward_factor(1, tanh_prime, s * s)),), "q = 1"),
        ((ex._solved(lambda s: depth.backward_factor(s * s + 0.2, tanh_prime, s * s)),), "settle"),
    ],
}  # fmt: skip


@each_right(RIGHT)
def test_right_answers(check, answer):
    assert check(*answer), check(*answer)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@each_wrong(WRONG_ANSWERS)
def test_wrong_answers(check, answer, hint):
    first, second = both_hints(check, *answer)
    assert hint in second, second
    assert second.startswith(first)


@pytest.mark.parametrize("check", WRONG_ANSWERS)
def test_each_is_tried_against_ten_mistakes_and_two_right_forms(check):
    assert len(WRONG_ANSWERS[check]) >= 10 and len(RIGHT[check]) >= 2


def test_the_expected_answers_are_those_of_the_package():
    rng = np.random.default_rng(0)
    x, da = rng.normal(size=(2, 4, 3))
    block = Residual([Dense(3, 3, rng=rng), Tanh()])
    block.forward(x)
    dx = block.backward(da)
    W = block.parameters["dense1.W"]
    ours = backward(da, x, W, tanh_prime(x @ W))
    np.testing.assert_allclose(ours[0], dx, rtol=1e-12)
    np.testing.assert_allclose(ours[1], block.gradients["dense1.W"], rtol=1e-12)


def test_clipping_is_the_package_s():
    from backprop import Sequential

    network = Sequential([Dense(3, 2, rng=np.random.default_rng(0))])
    network.dtheta[...] = np.arange(1.0, 9.0)
    dW, db = (network.gradients[f"dense1.{name}"].copy() for name in "Wb")
    clip_norm(network, 2.0)
    ours = clip(dW, db, 2.0)
    np.testing.assert_allclose(ours[0], network.gradients["dense1.W"], rtol=1e-6)
    np.testing.assert_allclose(ours[1], network.gradients["dense1.b"], rtol=1e-6)


def test_the_edge_has_chi_one():
    q = depth.resting(tanh, EDGE**2, 0.2)
    assert depth.backward_factor(q, tanh_prime, EDGE**2) == pytest.approx(1, abs=1e-6)
    assert pytest.approx(1.761, abs=1e-3) == depth.critical(0.05) ** 2
