"""Differential equations and their gradients: exact solutions, orders, judges, refusals."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp

from backprop.autodiff import adjoint_vjp, gradcheck, odeint, odeint_vjp

METHODS = ("euler", "rk4")
ORDERS = {"euler": 1, "rk4": 4}
X0, THETA, T = np.array([0.2]), np.array([1.5]), 1.0


def logistic(x, theta):
    return theta * x * (1 - x)


def exact():
    """x(T), ∂x(T)/∂x0 and ∂x(T)/∂θ of the logistic equation, by SymPy."""
    x0, theta, t = sp.symbols("x_0 theta t", positive=True)
    x = 1 / (1 + (1 / x0 - 1) * sp.exp(-theta * t))
    assert sp.simplify(x.diff(t) - theta * x * (1 - x)) == 0
    at = {x0: sp.Rational(1, 5), theta: sp.Rational(3, 2), t: 1}
    return [float(e.subs(at)) for e in (x, x.diff(x0), x.diff(theta))]


def pendulum(x, theta):
    return np.stack([x[1], -theta[0] * np.sin(x[0]) - theta[1] * x[1]])


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


@pytest.mark.parametrize("method", METHODS)
def test_solution_and_both_gradients_converge_at_the_order_of_the_method(method):
    x, by_x0, by_theta = exact()
    errors = []
    for steps in (16, 32, 64):
        path = odeint(logistic, X0, THETA, T, steps=steps, method=method)
        assert path.shape == (steps + 1, 1)
        ways = [odeint_vjp(logistic, path, THETA, T, np.ones(1), method=method)]
        for stored in (False, True):
            ways.append(
                adjoint_vjp(logistic, path if stored else path[-1], THETA, T, np.ones(1),
                            steps=steps, method=method, stored=stored)
            )  # fmt: skip
        off = [path[-1].item() - x]
        off += [g.item() - e for way in ways for g, e in zip(way, (by_x0, by_theta), strict=True)]
        errors.append(np.abs(off))
    assert np.abs(orders(errors) - ORDERS[method]).max() < 0.35
    assert errors[-1].max() < {"euler": 0.03, "rk4": 1e-7}[method]


@pytest.mark.parametrize("method", METHODS)
def test_backpropagation_through_the_steps_is_exact_for_any_step(method):
    x0, theta, g = np.array([1.0, -0.5]), np.array([2.0, 0.3]), np.array([0.7, -1.1])
    path = odeint(pendulum, x0, theta, 2.0, steps=5, method=method)
    by_x0, by_theta = odeint_vjp(pendulum, path, theta, 2.0, g, method=method)

    def loss(x, t):
        return g @ odeint(pendulum, x, t, 2.0, steps=5, method=method)[-1]

    gradcheck.check_gradient(lambda x: loss(x, theta), x0, by_x0).raise_if_off()
    gradcheck.check_gradient(lambda t: loss(x0, t), theta, by_theta).raise_if_off()


def test_the_adjoint_is_that_of_autograd_for_short_steps():
    x0, theta, g = np.array([1.0, -0.5]), np.array([2.0, 0.3]), np.array([0.7, -1.1])

    def loss(both):
        x, (a, c) = both[:2], (both[2], both[3])
        h = 2.0 / 2000

        def f(x):
            return anp.array([x[1], -a * anp.sin(x[0]) - c * x[1]])

        for _ in range(2000):
            x = x + h * f(x + h / 2 * f(x))
        return anp.sum(g * x)

    theirs = autograd.grad(loss)(np.concatenate([x0, theta]))
    path = odeint(pendulum, x0, theta, 2.0, steps=100)
    ours = np.concatenate(adjoint_vjp(pendulum, path[-1], theta, 2.0, g, steps=100))
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    np.testing.assert_allclose(
        np.concatenate(odeint_vjp(pendulum, path, theta, 2.0, g)), ours, rtol=1e-6
    )


def test_the_discrete_gradient_is_that_of_torch():
    torch = pytest.importorskip("torch")
    x, theta = (torch.tensor(a, requires_grad=True) for a in (X0, THETA))
    h, y = T / 8, x
    for _ in range(8):
        k1 = theta * y * (1 - y)
        k2 = theta * (y + h / 2 * k1) * (1 - y - h / 2 * k1)
        k3 = theta * (y + h / 2 * k2) * (1 - y - h / 2 * k2)
        k4 = theta * (y + h * k3) * (1 - y - h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    y.sum().backward()
    path = odeint(logistic, X0, THETA, T, steps=8)
    ours = odeint_vjp(logistic, path, THETA, T, np.ones(1))
    np.testing.assert_allclose(ours, [x.grad.numpy(), theta.grad.numpy()], rtol=1e-13)


def test_backward_in_time_the_state_comes_back_unless_it_contracted():
    for rate, ends in ((1.0, True), (40.0, False)):
        theta = np.array([rate])
        path = odeint(logistic, X0, theta, T, steps=200)
        back = odeint(logistic, path[-1], theta, -T, steps=200)
        assert bool(abs(back[-1].item() - 0.2) < 1e-6) is ends
    right = odeint_vjp(logistic, path, theta, T, np.ones(1))[0]
    lost = adjoint_vjp(logistic, path[-1], theta, T, np.ones(1), steps=200)[0]
    kept = adjoint_vjp(logistic, path, theta, T, np.ones(1), steps=200, stored=True)[0]
    assert abs(kept / right - 1) < 1e-2 and abs(lost / right - 1) > 0.5


def test_shapes_and_dtypes_stay():
    W = np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32)
    x0 = np.ones((2, 3), np.float32)
    path = odeint(lambda x, w: np.tanh(x @ w), x0, W, 1.0, steps=4)
    assert path.shape == (5, 2, 3) and path.dtype == np.float32
    for found in (
        odeint_vjp(lambda x, w: np.tanh(x @ w), path, W, 1.0, x0),
        adjoint_vjp(lambda x, w: np.tanh(x @ w), path[-1], W, 1.0, x0, steps=4),
    ):
        assert [a.shape for a in found] == [(2, 3), (3, 3)]
        assert {a.dtype for a in found} == {np.dtype(np.float32)}


def test_what_they_refuse():
    with pytest.raises(ValueError, match="method is 'heun'"):
        odeint(logistic, X0, THETA, T, steps=2, method="heun")
    with pytest.raises(ValueError, match="steps is 0"):
        odeint(logistic, X0, THETA, T, steps=0)
    with pytest.raises(TypeError, match="x0 is a float"):
        odeint(logistic, 0.2, THETA, T, steps=2)
    with pytest.raises(TypeError, match="theta is a float"):
        odeint(logistic, X0, 1.5, T, steps=2)
    with pytest.raises(ValueError, match=r"f returned the shape \(2,\)"):
        odeint(lambda x, t: np.ones(2), X0, THETA, T, steps=2)
    path = odeint(logistic, X0, THETA, T, steps=2)
    with pytest.raises(ValueError, match="g has shape"):
        odeint_vjp(logistic, path, THETA, T, np.ones(2))
    with pytest.raises(ValueError, match="g has shape"):
        adjoint_vjp(logistic, path[-1], THETA, T, np.ones(2), steps=2)
    with pytest.raises(ValueError, match="x has 3 rows, expected 4"):
        adjoint_vjp(logistic, path, THETA, T, np.ones(1), steps=3, stored=True)
    with pytest.raises(TypeError, match="x has dtype int64"):
        adjoint_vjp(logistic, np.ones(1, int), THETA, T, np.ones(1), steps=2)
