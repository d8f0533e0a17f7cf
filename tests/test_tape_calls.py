"""What ``grad``, ``vjp``, ``jvp`` and their kin promise: nesting, reuse, dtypes, errors, layers."""

import gc
import math
import threading
import weakref

import numpy as np
import pytest
import sympy as sp
from tape_cases import CASES, NUMPY, sample, scalar

from backprop.autodiff import forward as F
from backprop.autodiff import tape as T
from backprop.autodiff.graph import Tape, Variable, pull_back
from backprop.layers import Dense, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential


def test_hand_derived_layers_give_the_same_gradients():
    rng = np.random.default_rng(0)
    network = Sequential([Dense(5, 7, rng=rng), Tanh(), Dense(7, 3, rng=rng)])
    loss = SoftmaxCrossEntropy()
    x, y = rng.normal(size=(11, 5)), rng.integers(3, size=11)
    L = loss.forward(network.forward(x), y)
    dx = network.backward(loss.backward())

    def f(x, W1, b1, W2, b2):
        z = np.tanh(x @ W1 + b1) @ W2 + b2
        return np.mean(T.logsumexp(z, axis=1) - z[np.arange(11), y])

    value, gradients = T.value_and_grad(f, (0, 1, 2, 3, 4))(x, *network.parameters.values())
    assert value == pytest.approx(L, rel=1e-14)
    for mine, derived in zip(gradients, [dx, *network.gradients.values()], strict=True):
        np.testing.assert_allclose(mine, derived, rtol=0, atol=1e-12 * np.abs(derived).max())


X, Y = sp.symbols("x y", positive=True)


@pytest.mark.parametrize(
    "expression",
    [
        X * Y + sp.sin(X) / Y, X**Y, sp.tanh(X * Y) ** 3, sp.exp(-X / Y) * sp.log(X + Y),
        sp.sqrt(X**2 + Y**2), sp.erf(X - Y), 1 / (1 + sp.exp(-X * Y)), sp.cos(X) ** 2 - X,
    ],
    ids=str,
)  # fmt: skip
def test_sympy_agrees_to_second_order(expression):
    names = [{"erf": T.erf}, "numpy"]
    f = sp.lambdify([X, Y], expression, names)
    at = (0.7, 1.3)
    exact = [float(expression.diff(s).subs({X: at[0], Y: at[1]})) for s in (X, Y)]
    np.testing.assert_allclose(T.grad(f, (0, 1))(*at), exact, rtol=1e-13)
    hessian = np.array(sp.hessian(expression, [X, Y]).subs({X: at[0], Y: at[1]}).evalf(), float)
    g = T.grad(lambda v: f(v[0], v[1]))
    np.testing.assert_allclose(T.jacobian(g)(np.array(at)), hessian, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(F.jacobian(g)(np.array(at)), hessian, rtol=1e-11, atol=1e-13)


def test_ties_and_kinks_have_the_documented_derivative():
    x = np.array([1.0, 3.0, 3.0])
    np.testing.assert_array_equal(T.grad(np.max)(x), [0, 0.5, 0.5])
    assert F.jvp(np.max, x, np.array([7.0, 2, 4]))[1] == 3
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(np.maximum(x, 3)))(x), [0, 0.5, 0.5])
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(np.clip(x, 1, 2)))(x), [1, 0, 0])
    for f in (T.relu, T.absolute):
        assert T.grad(f)(0.0) == 0 == F.jvp(f, 0.0, 1.0)[1]
    # x², x⁰ and xʸ at 0: no NaN, no warning
    assert T.grad(lambda x: x**2)(0.0) == 0 == T.grad(lambda x: x**0)(0.0)
    assert T.grad(T.grad(lambda x: x**2))(0.0) == 2
    assert T.grad(np.power, (0, 1))(0.0, 2.0) == (0, 0)


def test_extremes_do_not_overflow():
    x = np.array([1e4, 0.0, -1e4], np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        np.testing.assert_allclose(T.grad(T.logsumexp)(x), [1, 0, 0])
        assert T.logsumexp(np.array([-np.inf, 0.0])) == 0
        assert np.isfinite(T.grad(lambda x: np.sum(T.sigmoid(x)))(x)).all()
    # where σ(z) rounds to 1, 1 - σ(z) would round to 0
    assert T.grad(T.sigmoid)(50.0) == pytest.approx(np.exp(-50), rel=1e-14)


@pytest.mark.parametrize("name", [name for name in CASES if "constant" not in name])
def test_float32_stays_float32(name):
    x, L = sample(name, 0).astype(np.float32), scalar(name, NUMPY, 0)
    tape = Tape([x])
    out = L(Variable(x, tape, 0))
    # one float64 on the way back would make all that follows float64
    (dx,) = pull_back(tape, 1, out.index, np.float32(1))
    assert {dx.dtype} | {a.dtype for *_, a in tape} == {np.dtype(np.float32)}
    results = [*F.jvp(L, x, x), F.hvp(L, x, x)]
    assert {r.dtype for r in results} == {np.dtype(np.float32)}


def test_control_flow_and_fan_out():
    def f(x):
        total = x
        while total < 100:
            total = total * x + (x if total > 10 else 1)
        return total

    # the polynomial that the branches taken at x = 3 write down
    y = sp.Symbol("y")
    expression = y
    while expression.subs(y, 3) < 100:
        expression = expression * y + (y if expression.subs(y, 3) > 10 else 1)
    value, slope = (float(e.subs(y, 3)) for e in (expression, expression.diff(y)))
    assert T.value_and_grad(f)(3.0) == (value, slope) == F.jvp(f, 3.0, 1.0)
    assert T.grad(lambda x: sum(x for _ in range(1000)))(1.0) == 1000
    assert T.grad(lambda x: sum(r[0] * r[1] for r in x))(np.ones((3, 2))).tolist() == [[1, 1]] * 3


def test_nested_calls_do_not_confuse_their_perturbations():
    # d/dx [x · d/dy (x + y)] = 1: a tape that took y for x would say 2
    inner = {
        "reverse": lambda x: T.grad(lambda y: x + y)(1.0),
        "forward": lambda x: F.jvp(lambda y: x + y, 1.0, 1.0)[1],
    }
    for g in inner.values():
        assert T.grad(lambda x, g=g: x * g(x))(1.0) == 1
        assert F.jvp(lambda x, g=g: x * g(x), 1.0, 1.0)[1] == 1
    third = T.grad(lambda x: F.hvp(lambda y: y**2 * x**3, 1.0, 1.0))
    assert third(2.0) == 24
    f = T.grad(T.grad(T.grad(np.sin)))
    assert f(0.5) == pytest.approx(-np.cos(0.5), rel=1e-14)


def test_one_tape_is_read_many_times_and_then_forgotten():
    x = np.array([1.0, 2.0])
    a, pullback = T.vjp(lambda x: np.tanh(x) * x[::-1], x)
    g = np.array([1.0, -1.0])
    first = pullback(g)
    first *= 0  # the caller's own: no view of anything on the tape
    np.testing.assert_array_equal(pullback(g), pullback(g))
    assert pullback(g).any() and a.flags.writeable
    np.testing.assert_allclose(T.jacobian(lambda x: np.tanh(x) * x[::-1])(x).T @ g, pullback(g))

    def run():
        constant = np.ones(3)
        T.grad(lambda x: np.sum(x * constant))(np.ones(3))
        return weakref.ref(constant)

    gc.disable()
    try:
        assert run()() is None  # no reference cycle: freed without the collector
    finally:
        gc.enable()


def test_gradients_are_separate_writable_arrays():
    x, y = np.ones(3), np.ones(3)
    dx, dy = T.grad(lambda x, y: np.sum(x + y), (0, 1))(x, y)
    dx += 1
    np.testing.assert_array_equal(dy, np.ones(3))
    g = np.ones(3)
    assert T.vjp(lambda x: x, x)[1](g) is not g
    tangent = F.jvp(lambda x: x, x, g)[1]
    tangent += 1
    np.testing.assert_array_equal(g, np.ones(3))
    np.testing.assert_array_equal(T.grad(lambda x, y: np.sum(y))(x, y), np.zeros(3))
    np.testing.assert_array_equal(F.jvp(lambda x: np.ones(2), x, g)[1], np.zeros(2))


def test_threads_share_nothing():
    results = {}

    def work(k):
        f = lambda x: np.sum(np.tanh(k * x) * T.grad(lambda y: np.sum(y * y * x))(x))  # noqa: E731
        results[k] = [T.grad(f)(np.arange(1.0, 4.0)) for _ in range(30)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    x = np.arange(1.0, 4.0)
    for k, got in results.items():
        exact = 2 * x**2 * k / np.cosh(k * x) ** 2 + 4 * x * np.tanh(k * x)
        np.testing.assert_allclose(got, [exact] * 30, rtol=1e-12)


def test_shapes_of_jacobians():
    x = np.arange(1.0, 7).reshape(2, 3)
    for jacobian in (T.jacobian, F.jacobian):
        assert jacobian(lambda x: x.T[..., None] * np.ones(4))(x).shape == (3, 2, 4, 2, 3)
        assert jacobian(lambda x: x[:0])(x).shape == (0, 3, 2, 3)
        assert jacobian(np.sum)(x[:0]).shape == (0, 3)
        np.testing.assert_array_equal(jacobian(np.sum)(x), np.ones((2, 3)))
    np.testing.assert_array_equal(T.jacobian(np.multiply, argnum=1)(x[0], x[1]), np.diag(x[0]))
    H = F.jacobian(T.jacobian(lambda x: np.sum(x**3)))(x).reshape(6, 6)
    np.testing.assert_allclose(H, np.diag(6 * x.ravel()))


def outlived():
    kept = []
    T.grad(lambda x: kept.append(x * 1) or x)(1.0)
    return kept[0]


x3 = np.ones(3)
M3, MATRIX = np.ma.ones(3), np.ones((1, 1)).view(np.matrix)
ERRORS = [
    (lambda: T.grad(lambda x: x * 2)(x3), ValueError, r"grad: f returned an array of shape \(3,\)"),
    (lambda: T.grad(lambda weights: weights)(3), TypeError, "grad: weights has dtype int64"),
    (lambda: T.grad(lambda x, W: x, 1)(1.0, [1.0]), TypeError, "grad: W is a list"),
    (lambda: T.grad(lambda x, y: x * y, -1)(1.0, 2.0), ValueError, r"argnums is \(-1,\), expected"),
    (lambda: T.grad(lambda x: x, (0, 0))(1.0), ValueError, r"argnums is \(0, 0\), expected"),
    (lambda: T.jacobian(np.sin, 1)(1.0), ValueError, r"argnums is \(1,\), .* 1 arguments"),
    (lambda: T.vjp(lambda *xs: xs[0], 1.0, "1"), TypeError, "vjp: argument 1 is a str"),
    (lambda: T.vjp(np.sin, np.arange(3)), TypeError, "vjp: x has dtype int64|vjp: argument 0 has"),
    (lambda: T.grad(lambda x: (x, x))(1.0), TypeError, "f returned a tuple, expected one array"),
    (lambda: T.grad(lambda x: None)(1.0), TypeError, "f returned a NoneType"),
    (lambda: T.vjp(np.sin, x3)[1](1.0), ValueError, r"g has shape \(\), expected \(3,\)"),
    (lambda: F.jvp(np.sin, x3, 1.0), ValueError, r"jvp: v has shape \(\), expected \(3,\)"),
    (lambda: F.hvp(np.sum, np.arange(3), x3), TypeError, "hvp: .* has dtype int64"),
    (lambda: F.hvp(np.sin, x3, x3), ValueError, r"f returned an array of shape \(3,\)"),
    (lambda: T.grad(lambda x: x + np.ones(4))(x3), ValueError,
     r"add: argument 0 has shape \(3,\), argument 1 has shape \(4,\)"),
    (lambda: T.grad(lambda x: np.ones((2, 4)) @ x)(x3), ValueError,
     r"matmul: argument 0 has shape \(2, 4\), argument 1 has shape \(3,\)"),
    (lambda: F.jvp(lambda x: np.reshape(x, (2, 2)), x3, x3), ValueError, r"reshape: .*\(3,\)"),
    (lambda: T.grad(lambda x: np.linalg.det(x))(np.eye(2)), TypeError, "det has no line"),
    (lambda: T.grad(lambda x: np.floor_divide(x, 2.0))(1.0), TypeError, "floor_divide has no line"),
    (lambda: T.grad(lambda x: np.sum(np.array([x, x])))(1.0), TypeError, "join several with np.st"),
    (lambda: T.grad(lambda x: np.add.reduce(x))(x3), TypeError, "add: only the plain call"),
    (lambda: T.grad(lambda x: np.sum(x, dtype=float))(x3), TypeError, "dtype"),
    (lambda: T.grad(lambda x: np.clip(1.0, x, 2.0))(1.0), TypeError, "clip: argument 1 is traced"),
    (lambda: T.grad(lambda x: np.clip(1.0, 0.0, a_max=x))(1.0), TypeError, "option"),
    (lambda: T.grad(lambda x: np.where(x, 1.0, x))(1.0), TypeError, "where: argument 0 is traced"),
    (lambda: T.grad(lambda x: outlived())(1.0), TypeError, "Variable of a call that has ended"),
    # what enters
    (lambda: T.grad(np.sum)(M3), TypeError, r"is a MaskedArray, .*filled\(value\)"),
    (lambda: T.grad(np.sum)(MATRIX), TypeError, "is a matrix, .*numpy.asarray"),
    (lambda: T.grad(np.sum)([1.0, 2.0]), TypeError, "is a list, expected a .*numpy.asarray"),
    (lambda: T.grad(np.sum)(np.array([1.0, None])), TypeError, "has dtype object"),
    (lambda: T.grad(np.sum)(np.array(3)), TypeError, r"dtype int64, .*astype\(float\)"),
    (lambda: F.jvp(np.sum, x3, M3), TypeError, "jvp: v is a MaskedArray"),
    (lambda: T.vjp(np.sin, x3)[1](M3), TypeError, "vjp: g is a MaskedArray"),
    (lambda: F.hvp(np.sum, M3, x3), TypeError, "is a MaskedArray"),
    # argnums
    (lambda: T.grad(np.dot, [0, 1]), TypeError, r"\[0, 1\], a list, .*write argnums=\(0, 1\)"),
    (lambda: T.grad(np.dot, 1.0), TypeError, "argnums is 1.0, a float, expected an integer"),
    (lambda: T.grad(np.dot, "1"), TypeError, "argnums is '1', a str"),
    (lambda: T.grad(np.dot, True), TypeError, "argnums is True, a bool"),
    (lambda: T.grad(np.dot, (0, None)), TypeError, "a NoneType, expected an integer or a tuple"),
    (lambda: T.jacobian(np.dot, (0,)), TypeError, r"argnum is \(0,\), a tuple, expected one"),
    (lambda: T.jacobian(np.dot, [0]), TypeError, r"argnum is \[0\], a list"),
    # constants
    (lambda: T.grad(lambda x: np.sum(x + M3))(x3), TypeError, "add: argument 1 is a Mask"),
    (lambda: T.grad(lambda x: np.sum(np.multiply(M3, x)))(x3), TypeError, "is a MaskedArray"),
    (lambda: T.grad(lambda x: np.sum(M3 * x))(x3), TypeError, "np.asarray"),
    (lambda: T.grad(lambda x: np.sum(x @ MATRIX))(x3[:1]), TypeError, "matmul: .* a matrix"),
    (lambda: T.grad(lambda x: np.sum(MATRIX * x))(x3[:1]), TypeError, "argument 0 is a matrix"),
    (lambda: F.jvp(lambda x: x + M3, x3, x3), TypeError, "add: argument 1 is a Mask"),
    (lambda: T.grad(lambda x: np.sum(x * np.array([1, None, 2])))(x3), TypeError,
     "multiply: argument 1 has dtype object, expected numbers"),
    (lambda: T.grad(lambda x: x + None)(1.0), TypeError, "add: argument 1 is a NoneType"),
    (lambda: T.grad(lambda x: x * "2")(1.0), TypeError, "multiply: argument 1 is a str"),
    (lambda: T.grad(lambda x: np.sum(np.where(M3 > 0, x, 0)))(x3), TypeError, "MaskedArray"),
    (lambda: T.grad(lambda x: np.sum(np.stack([x, M3])))(x3), TypeError,
     "stack: argument 1 is a MaskedArray"),
    (lambda: T.grad(lambda x: np.sum(np.concatenate([x, ["a"]])))(x3), TypeError,
     "concatenate: argument 1 has dtype <U1"),
    (lambda: T.grad(lambda x: np.sum(np.concatenate([x, x], axis=0.0)))(x3), TypeError, "float"),
    # assignment
    (lambda: T.grad(lambda x: x.__setitem__(0, 1.0))(x3), TypeError, "be assigned .*np.where"),
    (lambda: T.grad(lambda x: np.zeros(3).__setitem__(..., x))(x3), TypeError, "forget its deriv"),
    (lambda: T.grad(lambda x: np.zeros(3).__setitem__(0, x[0]))(x3), ValueError, "array element"),
    (lambda: T.grad(lambda x: math.sin(x))(1.0), TypeError, "NumPy's functions instead of"),
    # einsum
    (lambda: T.grad(lambda x: np.einsum(x, [0], x, "i"))(x3), TypeError, "'i' is no list of"),
    (lambda: T.grad(lambda x: np.einsum(x, x))(x3), TypeError, "no list of indices from 0 to 51"),
    (lambda: T.grad(lambda x: np.einsum(x, [99]))(x3), TypeError, r"\[99\] is no list of indices"),
    (lambda: T.grad(lambda x: np.einsum("i,i", x))(x3), ValueError, "einsum"),
]  # fmt: skip


@pytest.mark.parametrize("call, kind, match", ERRORS)
def test_errors_name_the_argument(call, kind, match):
    with pytest.raises(kind, match=match):
        call()


def test_lists_and_integers_are_constants():
    for c in ([1, 2, 3], (1.0, 2.0, 3.0), np.array([1, 2, 3]), np.float32([1, 2, 3])):
        np.testing.assert_array_equal(T.grad(lambda x, c=c: np.sum(c * x))(x3), [1, 2, 3])
        np.testing.assert_array_equal(T.grad(lambda x, c=c: np.sum(x**c))(2 * x3), [1, 4, 12])
        np.testing.assert_array_equal(F.jvp(lambda x, c=c: x - c, x3, x3)[1], x3)
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(x * [True, False, True]))(x3), [1, 0, 1])
    assert T.grad(lambda x: x * np.array(2))(1.0) == 2 == T.grad(lambda x: x * np.int8(2))(1.0)
    assert T.grad(np.multiply, np.int64(1))(2.0, 3.0) == 2
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(x[[0, 0, 2]]))(x3), [2, 0, 1])
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(x[[True, False, True]]))(x3), [1, 0, 1])


def test_joining_flat_and_with_lists():
    x, w = np.arange(6.0).reshape(2, 3), np.arange(8.0)
    f = lambda x: np.sum(w * np.concatenate([x, [[1.0, 2.0]]], axis=None))  # noqa: E731
    np.testing.assert_array_equal(T.grad(f)(x), w[:6].reshape(2, 3))
    assert f(x) == F.jvp(f, x, x)[0] and F.jvp(f, x, x)[1] == w[:6] @ x.ravel()
    np.testing.assert_array_equal(T.grad(lambda x: np.sum(np.stack([x, [5, 6, 7]])))(x3), x3)
    np.testing.assert_array_equal(T.concatenate([x, 1.0], axis=None), np.append(x, 1.0))


@pytest.mark.parametrize(
    ("listed", "subscripts"),
    [
        (lambda x, y: (x, [0, 1], y, [1, 2], [2, 0]), "ij,jk->ki"),
        (lambda x, y: (x, [3, 1], y, [1, 2]), "db,bc"),
        (lambda x, y: (x, [30, 1], y, [1, 2]), "eb,bc->ce"),
        (lambda x, y: (x, [..., 1], y, [1, 2], [..., 2]), "...j,jk->...k"),
        (lambda x, y: (x, (0, 1), y, np.array([1, 0]), []), "ij,ji->"),
    ],
)
def test_both_conventions_of_einsum(listed, subscripts):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(3, 3)), rng.normal(size=(3, 3))
    w = rng.normal(size=np.einsum(*listed(x, y)).shape)
    np.testing.assert_allclose(np.einsum(*listed(x, y)), np.einsum(subscripts, x, y))
    got = T.grad(lambda x, y: np.sum(w * np.einsum(*listed(x, y))), (0, 1))(x, y)
    want = T.grad(lambda x, y: np.sum(w * np.einsum(subscripts, x, y)), (0, 1))(x, y)
    np.testing.assert_allclose(got, want)
    np.testing.assert_allclose(T.einsum(*listed(x, y)), np.einsum(subscripts, x, y))


def test_plain_arrays_and_numpy_scalars_mix_with_variables():
    c = np.float64(3.0)
    for f in (lambda x: c * x, lambda x: x * c, lambda x: np.multiply(c, x), lambda x: 3 * x):
        assert T.grad(f)(2.0) == 3
    assert T.exp(0.0) == 1 and T.sum_(np.ones(3)) == 3 and T.stack([1.0, 2.0]).shape == (2,)
    x = Variable(np.arange(3.0), Tape([]), 0)
    assert (len(x), x.shape, x.ndim, x.size, x.dtype) == (3, (3,), 1, 3, np.float64)
    assert bool(x[1] > 0) and bool(x[1]) and not x[0]
    wide = np.ones((2, 3))
    np.testing.assert_array_equal(F.jvp(lambda x: x + wide, np.ones(3), np.ones(3))[1], wide)
    assert repr(x) == "Variable(array([0., 1., 2.]))"
    assert (x > 1).tolist() == [False, False, True] and np.sign(x).tolist() == [0, 1, 1]
