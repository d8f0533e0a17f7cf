"""One small function for every line of the table of derivatives, and the check that judges it."""

import autograd
import autograd.numpy as anp
import autograd.scipy.special as asp
import numpy as np

from backprop.autodiff import forward as F
from backprop.autodiff import tape as T
from backprop.autodiff.gradcheck import central_difference
from backprop.autodiff.graph import TABLE


class Names:
    """Functions by NumPy's names, from the first source that has one."""

    def __init__(self, *sources):
        self.sources = sources

    def __getattr__(self, name):
        found = ((s, n) for s in self.sources for n in (name + "_", name) if hasattr(s, n))
        return getattr(*next(found))


class Autograd:
    relu = staticmethod(lambda x: anp.maximum(x, 0))
    broadcast_to = staticmethod(lambda x, shape: x * np.ones(shape))
    where = staticmethod(lambda c, x, y: c * x + ~c * y)
    sigmoid, erf, logsumexp = asp.expit, asp.erf, asp.logsumexp
    sech2 = staticmethod(lambda x: 1 / anp.cosh(x) ** 2)
    bell = staticmethod(lambda x: anp.exp(-x * x))
    times, over, matrix_times, contract = anp.multiply, anp.divide, anp.matmul, anp.einsum

    @staticmethod
    def scatter_add(x, k, shape):
        onehot = np.eye(shape[0])[k]
        return anp.einsum("in,i...->n...", onehot, x)


MODULE, NUMPY, AUTOGRAD = Names(T, np), Names(np, T), Names(Autograd, anp)
MASK = np.array([[True, False, True], [False, True, True]])
REPEATED = np.array([0, 2, 2, 1, 2])

# name of the line [variant]: (function, shapes of its arguments); "+" marks arguments above 0
CASES = {
    "add": (lambda m, x, y: m.add(x, y), [(2, 3), (3,)]),
    "add constant": (lambda m, x: 2 + (x + 1.5), [(3,)]),
    "subtract": (lambda m, x, y: m.subtract(x, y), [(2, 1), (3,)]),
    "subtract constant": (lambda m, x: 2 - x, [(3,)]),
    "multiply": (lambda m, x, y: m.multiply(x, y), [(2, 3), (2, 1)]),
    "multiply constant": (lambda m, x: np.arange(3.0) * x, [(2, 3)]),
    "divide": (lambda m, x, y: m.divide(x, y), [(2, 3), ()]),
    "divide constant": (lambda m, x: 3 / x, [(3,)]),
    "power": (lambda m, x, y: m.power(x, y), [(2, 3), (3,)], "+"),
    "power square": (lambda m, x: x**2, [(3,)]),
    "power base": (lambda m, x: 2.0**x, [(3,)]),
    "maximum": (lambda m, x, y: m.maximum(x, y), [(2, 3), (3,)]),
    "minimum": (lambda m, x, y: m.minimum(x, y), [(2, 3), (3,)]),
    "matmul": (lambda m, x, y: m.matmul(x, y), [(3, 3), (3, 3)]),
    "matmul vectors": (lambda m, x, y: x @ y, [(3,), (3,)]),
    "matmul row": (lambda m, x, y: x @ y, [(3,), (2, 3, 2)]),
    "matmul column": (lambda m, x, y: x @ y, [(2, 2, 3), (3,)]),
    "matmul batch": (lambda m, x, y: x @ y, [(2, 2, 3), (1, 3, 2)]),
    "negative": (lambda m, x: -x, [(3,)]),
    "exp": (lambda m, x: m.exp(x), [(2, 3)]),
    "log": (lambda m, x: m.log(x), [(3,)], "+"),
    "sqrt": (lambda m, x: m.sqrt(x), [(3,)], "+"),
    "sin": (lambda m, x: m.sin(x), [(3,)]),
    "cos": (lambda m, x: m.cos(x), [(3,)]),
    "tanh": (lambda m, x: m.tanh(x), [(3,)]),
    "sigmoid": (lambda m, x: m.sigmoid(x), [(3,)]),
    "relu": (lambda m, x: m.relu(x), [(6,)]),
    "absolute": (lambda m, x: m.absolute(x), [(6,)]),
    "erf": (lambda m, x: m.erf(x), [(3,)]),
    "sech2": (lambda m, x: m.sech2(x), [(3,)]),
    "bell": (lambda m, x: m.bell(x), [(3,)]),
    "sum": (lambda m, x: m.sum(x), [(2, 3)]),
    "sum axis": (lambda m, x: m.sum(x, axis=(0, -1)), [(2, 3, 2)]),
    "mean": (lambda m, x: m.mean(x, axis=1), [(2, 3)]),
    "mean kept": (lambda m, x: x - m.mean(x, axis=0, keepdims=True), [(2, 3)]),
    "max": (lambda m, x: m.max(x, axis=1), [(2, 3)]),
    "min": (lambda m, x: m.min(x), [(2, 3)]),
    "var": (lambda m, x: m.var(x, axis=0), [(3, 2)]),
    "var sample": (lambda m, x: m.var(x, axis=0, ddof=1, keepdims=True), [(3, 2)]),
    "std": (lambda m, x: m.std(x, axis=1, ddof=1), [(2, 3)]),
    "logsumexp": (lambda m, x: m.logsumexp(x, axis=1, keepdims=True), [(2, 3)]),
    "logsumexp all": (lambda m, x: m.logsumexp(x), [(2, 3)]),
    "reshape": (lambda m, x: m.reshape(x, (3, -1)), [(2, 3)]),
    "transpose": (lambda m, x: m.transpose(x, (1, 2, 0)), [(2, 2, 2)]),
    "transpose all": (lambda m, x: x.T, [(2, 3)]),
    "swapaxes": (lambda m, x: m.swapaxes(x, 0, -1), [(2, 1, 3)]),
    "broadcast_to": (lambda m, x: m.broadcast_to(x, (2, 2, 3)), [(2, 1)]),
    "getitem": (lambda m, x: x[REPEATED], [(3, 2)]),
    "getitem slice": (lambda m, x: x[..., ::-2, None], [(2, 3)]),
    "getitem mask": (lambda m, x: x[MASK], [(2, 3)]),
    "getitem pairs": (lambda m, x: x[[0, 1, 0], [2, 1, 2]], [(2, 3)]),
    "scatter_add": (lambda m, x: m.scatter_add(x, REPEATED, (4, 2)), [(5, 2)]),
    "clip": (lambda m, x: m.clip(x, -0.9, 0.8), [(8,)]),
    "where": (lambda m, x, y: m.where(MASK, x, y), [(2, 3), (3,)]),
    "concatenate": (lambda m, x, y: m.concatenate([x, y, x], axis=-1), [(2, 2), (2, 2)]),
    "concatenate constant": (lambda m, x: m.concatenate([np.ones(2), x]), [(3,)]),
    "stack": (lambda m, x, y: m.stack([x, y, x], axis=1), [(2, 2), (2, 2)]),
    "einsum": (lambda m, x, y: m.einsum("ij,jk->ki", x, y), [(2, 3), (3, 2)]),
    "einsum batch": (lambda m, x, y: m.einsum("...ij,jk->...ik", x, y), [(2, 2, 3), (3, 2)]),
    "einsum lonely": (lambda m, x, y: m.einsum("ijk,j->i", x, y), [(2, 3, 2), (3,)]),
    "einsum three": (lambda m, x, y, z: m.einsum("i,ij,j", x, y, z), [(2,), (2, 3), (3,)]),
    "times": (lambda m, x, y: m.times(x, y), [(2, 3), (2, 1)]),
    "over": (lambda m, x, y: m.over(x, y), [(2, 3), ()]),
    "matrix_times": (lambda m, x, y: m.matrix_times(x, y), [(2, 2, 3), (3,)]),
    "contract": (lambda m, x, y: m.contract("ij,jk->ki", x, y), [(2, 3), (3, 2)]),
}  # fmt: skip
# var and std of complex numbers are |x|² in NumPy; SciPy's expit knows no complex numbers
ANALYTIC = set(TABLE) - {
    "maximum", "minimum", "sigmoid", "relu", "absolute", "max", "min", "clip", "var", "std",
}  # fmt: skip


def sample(name, seed):
    """Draw the arguments as one flat x, away from kinks and poles, with their shapes."""
    _, shapes, *positive = CASES[name]
    rng = np.random.default_rng(seed)
    n = sum(int(np.prod(s)) for s in shapes)
    x = rng.uniform(0.3, 1.5, n)
    return x if positive else x * (-1.0) ** np.arange(n)


def scalar(name, m, seed):
    """L(x) = Σ w (z + z²), z = the case's function of the pieces of x.

    z² curves L even where z is linear; z keeps ∂L/∂z from vanishing at z = 0, where Σ w z² would
    not see a relu that lets everything through.
    """
    f, shapes, *_ = CASES[name]
    ends = np.cumsum([0, *(int(np.prod(s)) for s in shapes)])

    def L(x):
        parts = [m.reshape(x[i:j], s) for i, j, s in zip(ends, ends[1:], shapes, strict=False)]
        z = f(m, *parts)
        w = np.random.default_rng(seed).uniform(0.5, 1.5, np.shape(z)).astype(x.dtype)
        return m.sum(w * (z + z * z))

    return L


def close(got, want, rtol, what):
    assert np.shape(got) == np.shape(want), what
    scale = max(1, np.abs(want).max(initial=0))
    np.testing.assert_allclose(got / scale, want / scale, rtol=0, atol=rtol, err_msg=what)


def check(name, m=NUMPY, seed=0):
    """Judge one case in both modes, to second order, by judges that know no derivative of ours."""
    x, L = sample(name, seed), scalar(name, m, seed)
    v = np.random.default_rng(seed + 1).normal(size=x.shape)
    gradient, hv = T.grad(L)(x), F.hvp(L, x, v)
    numeric = central_difference(L, x)
    close(gradient, numeric, 1e-7, f"{name}: gradient against differences")
    close(F.jvp(L, x, v)[1], numeric @ v, 1e-7, f"{name}: jvp against differences")
    h = 1e-5
    numeric = (T.grad(L)(x + h * v) - T.grad(L)(x - h * v)) / (2 * h)
    close(hv, numeric, 1e-7, f"{name}: hvp against differences of gradients")

    theirs = scalar(name, AUTOGRAD, seed)
    close(gradient, autograd.grad(theirs)(x), 1e-12, f"{name}: gradient against autograd")
    reference = autograd.hessian_vector_product(theirs)(x, v)
    close(hv, reference, 1e-11, f"{name}: forward over reverse")
    twice = T.grad(lambda x: np.sum(v * T.grad(L)(x)))(x)
    close(twice, reference, 1e-11, f"{name}: reverse over reverse")
    close(T.grad(lambda x: F.jvp(L, x, v)[1])(x), reference, 1e-11, f"{name}: reverse over forward")
    close(F.jvp(lambda x: F.jvp(L, x, v)[1], x, v)[1], v @ reference, 1e-11, f"{name}: forward²")
    if name.split()[0] in ANALYTIC:
        step = np.imag(T.grad(L)(x + 1e-20j * v)) / 1e-20
        close(hv, step, 1e-11, f"{name}: hvp against the complex step of the gradient")
