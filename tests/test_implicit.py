"""Derivatives of what solves an equation: by the equation, by the way to it, by differences."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp

from backprop.autodiff import gradcheck, implicit_vjp, tape


def cubic(x, theta):
    return x**3 + x - theta


def test_the_root_of_a_cubic():
    # 1³ + 1 = 2 and 3 · 1² + 1 = 4
    x, theta = np.array([1.0]), np.array([2.0])
    assert implicit_vjp(cubic, x, theta, np.array([1.0])).item() == pytest.approx(0.25)
    assert implicit_vjp(cubic, x, theta, np.array([-8.0])).item() == pytest.approx(-2)


def ridge(X, y):
    """The gradient of |Xw - y|²/2N + Σ exp(s_j) w_j²/2, whose root is w(s)."""
    return lambda w, s: X.T @ (X @ w - y) / len(X) + np.exp(s) * w


def example(seed=0, n=12, d=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d), rng.normal(size=d)


def solved(X, y, s, lib=np):
    return lib.linalg.solve(X.T @ X / len(X) + lib.diag(lib.exp(s)), X.T @ y / len(X))


def test_ridge_by_complex_step_autograd_and_sympy():
    X, y, s, g = example()
    found = implicit_vjp(ridge(X, y), solved(X, y, s), s, g)
    judged = gradcheck.check_gradient(lambda t: g @ solved(X, y, t), s, found)
    judged.raise_if_off()
    np.testing.assert_allclose(
        found, autograd.grad(lambda t: anp.sum(g * solved(X, y, t, anp)))(s), rtol=1e-11
    )
    symbols = sp.symbols("s_1:4", real=True)
    A = sp.Matrix(X.T @ X / len(X)) + sp.diag(*map(sp.exp, symbols))
    w = A.inv() * sp.Matrix(X.T @ y / len(X))
    loss = (sp.Matrix([g]) * w)[0]
    for k, symbol in enumerate(symbols):
        slope = float(loss.diff(symbol).subs(dict(zip(symbols, s, strict=True))))
        assert found[k] == pytest.approx(slope, rel=1e-9)


def test_the_same_by_torch():
    torch = pytest.importorskip("torch")
    X, y, s, g = example(1)
    given = torch.tensor(s, requires_grad=True)
    A, right = torch.tensor(X.T @ X / len(X)), torch.tensor(X.T @ y / len(X))
    w = torch.linalg.solve(A + torch.diag(torch.exp(given)), right)
    (w * torch.tensor(g)).sum().backward()
    found = implicit_vjp(ridge(X, y), solved(X, y, s), s, g)
    np.testing.assert_allclose(found, given.grad.numpy(), rtol=1e-11)


def test_the_equation_may_be_the_gradient_of_a_loss():
    X, y, s, g = example(2)

    def loss(w, t):
        return np.sum((X @ w - y) ** 2) / (2 * len(X)) + np.sum(np.exp(t) * w * w) / 2

    w = solved(X, y, s)
    np.testing.assert_allclose(
        implicit_vjp(tape.grad(loss), w, s, g), implicit_vjp(ridge(X, y), w, s, g), rtol=1e-12
    )


def test_an_unsymmetric_system_of_matrices():
    # X A + B X = θ has a Jacobian that is not symmetric: a transpose forgotten would show.
    rng = np.random.default_rng(3)
    A, B = rng.normal(size=(2, 2)), rng.normal(size=(3, 3))
    theta, g = rng.normal(size=(3, 2)), rng.normal(size=(3, 2))
    matrix = np.kron(np.eye(3), A.T) + np.kron(B, np.eye(2))

    def solution(t):
        return np.linalg.solve(matrix, t.ravel()).reshape(3, 2)

    x = solution(theta)
    np.testing.assert_allclose(x @ A + B @ x, theta, atol=1e-12)
    found = implicit_vjp(lambda x, t: x @ A + B @ x - t, x, theta, g)
    gradcheck.check_gradient(lambda t: (g * solution(t)).sum(), theta, found).raise_if_off()


def test_an_equation_may_have_another_shape_than_its_unknown():
    x, theta = np.array([[1.0, 2.0]]), np.array([1.0, 4.0])
    found = implicit_vjp(lambda x, t: x[0] ** 2 - t, x, theta, np.array([[1.0, 1.0]]))
    np.testing.assert_allclose(found, [0.5, 0.25])


def test_float32_stays():
    x, theta = np.ones(1, np.float32), np.full(1, 2, np.float32)
    assert implicit_vjp(cubic, x, theta, np.ones(1, np.float32)).dtype == np.float32


def test_what_it_refuses():
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(ValueError, match="F_x is singular"):
        implicit_vjp(lambda x, t: (x - 1) ** 2 - t, one, np.zeros(1), one)
    with pytest.raises(ValueError, match="F returned 1 entries, expected 2"):
        implicit_vjp(lambda x, t: x[:1] - t, two, one, two)
    with pytest.raises(ValueError, match="g has shape"):
        implicit_vjp(cubic, one, two[:1], two)
    with pytest.raises(TypeError, match="theta is a float"):
        implicit_vjp(cubic, one, 2.0, one)
    with pytest.raises(TypeError, match="x has dtype int64"):
        implicit_vjp(cubic, np.ones(1, int), one, one)
