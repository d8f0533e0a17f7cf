"""Where an upstream gradient is exactly 0 it stays 0, however steep the function is there."""

import numpy as np
import pytest

from backprop import grad, hvp, jvp
from backprop.autodiff import tape

# Name: function of x, where, the gradient, the Hessian's product with ones.
CASES = {
    "clip under a root": (lambda x: np.sum(np.sqrt(np.clip(x, 0, None))), [0, 1 / 4], [0, -1 / 32]),
    "relu under a root": (lambda x: np.sum(np.sqrt(tape.relu(x))), [0, 1 / 4], [0, -1 / 32]),
    "maximum under a root": (
        lambda x: np.sum(np.sqrt(np.maximum(x, 0))), [0, 1 / 4], [0, -1 / 32],
    ),
    "minimum under a root": (
        lambda x: np.sum(np.sqrt(-np.minimum(-x, 0))), [0, 1 / 4], [0, -1 / 32],
    ),
    "maximum under a power": (
        lambda x: np.sum(np.maximum(x, 0) ** 0.5), [0, 1 / 4], [0, -1 / 32],
    ),
    "maximum under a logarithm": (
        lambda x: np.sum(np.where(x > 0, np.log(np.maximum(x, 0)), 0)), [0, 1 / 4], [0, -1 / 16],
    ),
    "where around a logarithm": (
        lambda x: np.sum(np.where(x > 0, np.log(x), 0)), [0, 1 / 4], [0, -1 / 16],
    ),
    "where around a quotient": (
        lambda x: np.sum(np.where(x > 0, 1 / np.maximum(x, 0), 0)), [0, -1 / 16], [0, 1 / 32],
    ),
    "absolute value under a root, times 0": (
        lambda x: np.sum(np.sqrt(np.abs(x) - x) * 0 + np.sqrt(np.clip(x, 0, None))),
        [0, 1 / 4], [0, -1 / 32],
    ),
    "extremum under a root": (
        lambda x: np.sum(np.sqrt(np.max(np.stack([x, x * 0]), axis=0))), [0, 1 / 4], [0, -1 / 32],
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def quiet():
    # The functions themselves divide by 0 in the branch that is not taken.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yield


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_zero_stays_zero(name, dtype):
    f, gradient, product = CASES[name]
    x, ones = np.array([-1.0, 4.0], dtype), np.ones(2, dtype)
    eps = 8 * float(np.finfo(dtype).eps)
    assert grad(f)(x) == pytest.approx(gradient, rel=eps, abs=0)
    assert [jvp(f, x, v)[1] for v in np.eye(2, dtype=dtype)] == pytest.approx(gradient, rel=eps)
    assert hvp(f, x, ones) == pytest.approx(product, rel=eps, abs=0)
    twice = grad(lambda t: np.sum(grad(f)(t)))(x)
    assert twice == pytest.approx(product, rel=eps, abs=0) and twice.dtype == dtype


def test_a_product_with_a_root_at_zero():
    def f(x):
        return np.sum(x * x**0.5)

    x = np.array([0.0, 4.0])
    assert grad(f)(x).tolist() == [0, 3]
    assert [float(jvp(f, x, v)[1]) for v in np.eye(2)] == [0, 3]


def test_a_floor_under_a_root():
    def f(x):
        return np.sum(np.sqrt(np.maximum(x * x, 1e-12)))

    assert grad(f)(np.array([0.0, 2.0])).tolist() == [0, 1]


def test_an_infinite_slope_that_matters_is_still_infinite():
    assert np.isinf(grad(lambda x: np.sum(np.sqrt(x)))(np.array([0.0]))).all()
    assert np.isnan(grad(lambda x: np.sum(np.log(x)))(np.array([np.nan]))).all()


@pytest.mark.parametrize("n", [1, 3])
def test_the_deviation_of_equal_numbers_is_a_kink(n):
    x = np.full((2, n), 0.3)
    for f in (lambda t: np.sum(np.std(t, axis=1)), lambda t: np.std(t[0])):
        assert grad(f)(x).tolist() == np.zeros((2, n)).tolist()
        assert jvp(f, x, np.ones_like(x))[1] == 0
        assert hvp(f, x, np.ones_like(x)).tolist() == np.zeros((2, n)).tolist()


def test_the_deviation_elsewhere():
    x = np.array([1.0, 2.0, 4.0])
    expected = (x - x.mean()) / (3 * x.std())
    assert grad(np.std)(x) == pytest.approx(expected, rel=1e-15)


def test_logsumexp_of_nothing():
    x = np.full(3, -np.inf)
    assert grad(lambda t: tape.logsumexp(t))(x).tolist() == [0, 0, 0]
    masked = np.array([0.0, -np.inf])
    assert grad(lambda t: tape.logsumexp(t))(masked).tolist() == [1, 0]
