"""The checkers of "Gradients": right answers, each recognised mistake, and what is no answer."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book.exercises import gradients as ex


def gradient(theta):
    return np.array([2 * theta[0] * theta[1], theta[0] ** 2 + 3 * theta[1] ** 2])


def jacobian(x, W, b):
    return W * (1 - np.tanh(x @ W + b) ** 2)


def descents(H):
    return (np.linalg.eigvalsh(H) < 0).sum()


def steepest(g, order):
    if order == 2:
        return g / np.linalg.norm(g)
    if order == 1:
        return np.sign(g) * (np.abs(g) == np.abs(g).max())
    return np.sign(g)


def trust(slope, curvature, share):
    return 2 * share * abs(slope / curvature)


FUNCTIONS = [
    (ex.check_gradient, gradient),
    (ex.check_jacobian, jacobian),
    (ex.check_descents, descents),
    (ex.check_steepest, steepest),
    (ex.check_trust, trust),
]
functions = pytest.mark.parametrize(("check", "answer"), FUNCTIONS)


@functions
def test_right_answers(check, answer):
    assert check(answer).right


def test_right_value():
    assert ex.check_half_slope(60)


def test_the_expected_values_are_right_by_another_way():
    theta = np.array([0.7, -1.1])
    judge = gradcheck.complex_step(lambda p: p[0] ** 2 * p[1] + p[1] ** 3, theta)
    np.testing.assert_allclose(gradient(theta), judge, rtol=1e-12)
    rng = np.random.default_rng(0)
    x, W, b = rng.normal(size=3), rng.normal(size=(3, 2)), rng.normal(size=2)
    columns = [gradcheck.complex_step(lambda p, j=j: np.tanh(p @ W + b)[j], x) for j in range(2)]
    np.testing.assert_allclose(jacobian(x, W, b), np.transpose(columns), rtol=1e-12)
    for order in (1, 2, np.inf):
        g = rng.normal(size=4)
        u = rng.normal(size=(5000, 4))
        u /= np.linalg.norm(u, order, axis=1)[:, None]
        best = steepest(g, order)
        assert np.linalg.norm(best, order) == pytest.approx(1)
        assert (u @ g).max() <= g @ best


@pytest.mark.parametrize(
    ("check", "answer", "hint"),
    [
        (ex.check_gradient, lambda p: gradient(p)[::-1], "changed places"),
        (ex.check_gradient, lambda p: -gradient(p), "downhill"),
        (ex.check_gradient, lambda p: gradient(p).sum(), "keep them apart"),
        (ex.check_gradient, lambda p: np.array([2 * p[0] * p[1], 3 * p[1] ** 2]), "θ₂ stands"),
        (ex.check_jacobian, lambda x, W, b: jacobian(x, W, b).T, "transpose"),
        (ex.check_jacobian, lambda x, W, b: W, "tanh has a slope"),
        (ex.check_jacobian, lambda x, W, b: np.diag(1 - np.tanh(x @ W + b) ** 2), "W is missing"),
        (ex.check_jacobian, lambda x, W, b: W * (1 - np.tanh(x)[:, None] ** 2), "taken at x"),
        (
            ex.check_jacobian,
            lambda x, W, b: np.diag(1 - np.tanh(x @ W + b) ** 2) @ W,
            "belongs to column j",
        ),
        (ex.check_descents, lambda H: (np.diag(H) < 0).sum(), "diagonal"),
        (ex.check_descents, lambda H: (np.linalg.eigvalsh(H) > 0).sum(), "go up"),
        (ex.check_descents, lambda H: np.linalg.eigvalsh(H)[0], "is an eigenvalue"),
        (ex.check_descents, lambda H: int(np.linalg.det(H) < 0), "odd"),
        (ex.check_steepest, lambda g, order: -steepest(g, order), "way down"),
        (ex.check_steepest, lambda g, order: g, "length is not 1"),
        (ex.check_steepest, lambda g, order: g / np.linalg.norm(g, order), "corners"),
        (ex.check_trust, lambda s, c, q: trust(s, c, q) / 2, "half is missing"),
        (ex.check_trust, lambda s, c, q: trust(s, c, q) / 4, "factor 2"),
        (ex.check_trust, lambda s, c, q: 2 * q * s / c, "absolute values"),
        (ex.check_trust, lambda s, c, q: 2 * abs(s / c), "share is not used"),
    ],
)
def test_each_mistake_is_recognised(check, answer, hint):
    verdict = check(answer)
    assert not verdict
    assert hint in verdict.message


@pytest.mark.parametrize(
    ("degrees", "hint"),
    [(45, "0.71"), (30, "sin 30°"), (120, "downhill"), (np.pi / 3, "radians"), (np.pi / 6, "30°")],
)
def test_angles_that_are_not_right(degrees, hint):
    verdict = ex.check_half_slope(degrees)
    assert not verdict
    assert hint in verdict.message


@functions
def test_an_exception_and_a_wrong_shape_are_named(check, answer):
    def broken(*args):
        raise RuntimeError("no idea")

    assert "RuntimeError: no idea" in check(broken).message
    assert "shape (7,)" in check(lambda *args: np.full(7, 0.123)).message
    assert "return missing" in check(lambda *args: None).message
