"""The tape where a derivative is infinite, NaN or missing, but the function is flat or smooth.

Each case names what is right: the limit, or at a kink the value that the table's comment lists.
"""

import numpy as np
import pytest

from backprop.autodiff import forward as F
from backprop.autodiff import tape as T

INF, NAN = np.inf, np.nan


def floor(x):
    return np.maximum(np.sqrt(x), 0.1)


def guarded(x):
    """What people write against the pole: the branch not taken still has a derivative."""
    return np.where(x > 0, np.log(x), 0)


def masked_product(x):
    with np.errstate(invalid="ignore"):
        return np.where(MASK, x @ W, 0)


W, MASK = np.array([[1.0, INF], [2.0, NAN]]), np.array([True, False])

# name: (f, x, first derivative of Σ f along each x, second derivative of Σ f along each x)
CASES = {
    "sqrt of clip": (lambda x: np.sqrt(np.clip(x, 0, None)), [-1, 4], [0, 1 / 4], [0, -1 / 32]),
    "sqrt of relu": (lambda x: np.sqrt(T.relu(x)), [-1, 4], [0, 1 / 4], [0, -1 / 32]),
    "sqrt of maximum": (lambda x: np.sqrt(np.maximum(x, 0)), [-1, 4], [0, 1 / 4], [0, -1 / 32]),
    "sqrt of minimum": (lambda x: np.sqrt(np.minimum(x, 0)), [1, 2], [0, 0], [0, 0]),
    "sqrt of where": (lambda x: np.sqrt(np.where(x > 0, x, 0)), [-1, 4], [0, 1 / 4], [0, -1 / 32]),
    "log of clip": (lambda x: np.log(1 + np.clip(x, -1, None)), [-3, 1], [0, 1 / 2], [0, -1 / 4]),
    "divide by clip": (lambda x: 1 / np.clip(x, 0, None), [-1, 2], [0, -1 / 4], [0, 1 / 4]),
    "power of clip": (lambda x: np.clip(x, 0, None) ** -0.5, [-1, 1], [0, -1 / 2], [0, 3 / 4]),
    "sqrt of absolute": (lambda x: np.sqrt(np.absolute(x)), [0, 4], [0, 1 / 4], [0, -1 / 32]),
    "sqrt of max": (
        lambda x: np.sqrt(np.max(np.stack([x, 0 * x]), axis=0)), [-1, 4], [0, 1 / 4], [0, -1 / 32]
    ),
    "sqrt under a floor": (floor, [0, 4], [0, 1 / 4], [0, -1 / 32]),
    "guarded log": (guarded, [-1, 0, 2], [0, 0, 1 / 2], [0, 0, -1 / 4]),
    "guarded sqrt": (
        lambda x: np.where(x > 0, np.sqrt(x), 0), [-1, 0, 4], [0, 0, 1 / 4], [0, 0, -1 / 32]
    ),
    "guarded power": (
        lambda x: np.where(x > 0, x**1.5, 0), [-1, 0, 4], [0, 0, 3], [0, 0, 3 / 8]
    ),
    "guarded division": (
        lambda x: np.where(x != 0, 1 / x, 0), [0, 2], [0, -1 / 4], [0, 1 / 4]
    ),
    "guarded exp": (lambda x: np.where(x < 500, np.exp(x), 0), [1e4, 0], [0, 1], [0, 1]),
    "guarded product": (
        lambda x: np.where(x < 500, x * np.exp(x), 0), [1e4, 0], [0, 1], [0, 2]
    ),
    "0 by a mask": (lambda x: np.sqrt(x) * 0, [0, 4], [0, 0], [0, 0]),
    "x √x": (lambda x: x * np.sqrt(x), [0, 4], [0, 3], [INF, 3 / 8]),
    "x x^0.5": (lambda x: x * x**0.5, [0, 4], [0, 3], [INF, 3 / 8]),
    "√x alone": (np.sqrt, [0, 4], [INF, 1 / 4], [-INF, -1 / 32]),
    "√(x²)": (lambda x: np.sqrt(x * x), [0, -3], [0, -1], [INF, 0]),
    "square": (lambda x: x**2, [0, 3], [0, 6], [2, 2]),
    "cube by products": (lambda x: x * x * x, [0, 1], [0, 3], [0, 6]),
    "masked matrix product": (masked_product, [1, 2], [1, 2], [0, 0]),
    "std of one": (lambda x: np.std(x[:, None], axis=1), [2, 5], [0, 0], [0, 0]),
    "std of equals": (lambda x: np.std(x) + x, [0.1, 0.1, 0.1], [1, 1, 1], [0, 0, 0]),
    "var of one": (lambda x: np.var(x[:, None], axis=1), [2, 5], [0, 0], [0, 0]),
    "var of equals": (lambda x: 3 * np.var(x) * np.ones(3), [1, 1, 1], [0, 0, 0], [4, 4, 4]),
    "logsumexp of nothing": (
        lambda x: T.logsumexp(np.where(x > 0, x, -INF)), [-1, -2], [0, 0], [0, 0]
    ),
    "logsumexp of one": (
        lambda x: T.logsumexp(np.where(x > 0, x, -INF)), [-1, 2], [0, 1], [0, 0]
    ),
    "logsumexp of ∞": (lambda x: T.logsumexp(np.where(x > 3, INF, x)), [1, 2, 5], [0] * 3, [0] * 3),
    "max of ∞": (lambda x: np.max(np.where(x > 3, x, -INF)), [4, 1], [1, 0], [0, 0]),
}  # fmt: skip


@pytest.fixture(autouse=True)
def forward_pass_may_warn():
    # What these functions compute meets poles on the way forward; the derivatives must not warn.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        yield


def case(name):
    f, x, first, second = CASES[name]
    return lambda x: np.sum(f(x)), f, np.array(x, float), np.array(first), np.array(second)


@pytest.mark.parametrize("name", CASES)
def test_first_order(name):
    L, f, x, first, _ = case(name)
    np.testing.assert_allclose(T.grad(L)(x), first, rtol=1e-14, err_msg="reverse")
    units = np.eye(len(x))
    forward = [F.jvp(L, x, v)[1] for v in units]
    np.testing.assert_allclose(forward, first, rtol=1e-14, err_msg="forward")
    np.testing.assert_allclose(F.jacobian(f)(x), T.jacobian(f)(x), rtol=1e-14)


@pytest.mark.parametrize("name", CASES)
def test_second_order(name):
    L, _, x, _, second = case(name)
    for k, v in enumerate(np.eye(len(x))):
        got = {
            "forward over reverse": F.hvp(L, x, v)[k],
            "reverse over reverse": T.grad(lambda x, k=k: T.grad(L)(x)[k])(x)[k],
            "reverse over forward": T.grad(lambda x, v=v: F.jvp(L, x, v)[1])(x)[k],
            "forward over forward": F.jvp(lambda x, v=v: F.jvp(L, x, v)[1], x, v)[1],
        }
        for how, value in got.items():
            np.testing.assert_allclose(value, second[k], rtol=1e-13, atol=1e-300, err_msg=how)


def test_the_derivatives_do_not_warn():
    x = np.array([-1.0, 0.0, 4.0])
    f = lambda x: np.sum(np.maximum(np.sqrt(np.clip(x, 0, None)), 0.1))  # noqa: E731
    with np.errstate(all="raise"):
        T.grad(f)(x), F.jvp(f, x, x), F.hvp(f, x, x)
    with np.errstate(divide="raise"), pytest.raises(FloatingPointError):
        T.grad(lambda x: np.sum(np.log(x)))(x)  # but the function itself does


def test_nan_that_matters_stays():
    for f in (T.relu, lambda x: np.maximum(x, 0.0), np.sqrt, np.exp, lambda x: x * x, np.std):
        assert np.isnan(T.grad(lambda x, f=f: np.sum(f(x)) * x[0])(np.array([NAN, 1.0]))[0]), f
    assert np.isnan(T.relu(NAN))
    assert np.isnan(T.vjp(lambda x: x @ W, np.ones(2))[1](np.array([1.0, 1.0]))).tolist() == [0, 1]


def test_a_variance_without_degrees_of_freedom_is_nan():
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        assert np.isnan(T.grad(lambda x: np.var(x, ddof=1))(np.ones(1)))


def test_powers_of_zero():
    # x ln x has the slope -∞ at 0: the mixed derivative of xʸ at y = 1
    mixed = T.grad(lambda y: T.grad(lambda x: x**y)(0.0))
    assert T.grad(lambda x: T.grad(lambda y: x**y)(1.0))(0.0) == -INF
    assert mixed(2.0) == 0 == T.grad(lambda y: 0.0**y)(2.0)
    assert T.grad(lambda x, y: x**y, (0, 1))(0.0, 0.0) == (0, 0)
    assert T.grad(lambda y: np.float32(0) ** y)(np.float32(2)).dtype == np.float32


@pytest.mark.parametrize("subscripts", ["ij,jk->ik", "ij,jk", "ij,jk->"])
def test_products_of_many_terms_leave_out_the_zeros(subscripts):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 4)), rng.normal(size=(4, 5))
    x[:, 1] = 0
    y[1] = INF, NAN, -INF, 1, 2
    got = T.contract(subscripts, x, y)
    np.testing.assert_allclose(got, np.einsum(subscripts, np.delete(x, 1, 1), np.delete(y, 1, 0)))
    if subscripts == "ij,jk":
        np.testing.assert_allclose(T.matrix_times(x, y), got)
        x[0, 1] = 1
        assert np.isfinite(T.matrix_times(x, y)).sum(axis=1).tolist() == [2, 5, 5]
