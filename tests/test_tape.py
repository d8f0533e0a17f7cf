"""Every line of both tables of derivatives, judged to second order, and its planted bugs."""

import autograd
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tape_cases import AUTOGRAD, CASES, MODULE, NUMPY, check

from backprop.autodiff import forward as F
from backprop.autodiff import tape as T
from backprop.autodiff.adjoints import reduced
from backprop.autodiff.graph import TABLE, plain

examples = settings(derandomize=True, deadline=None, max_examples=40)


@pytest.mark.parametrize("m", [NUMPY, MODULE], ids=["numpy", "module"])
@pytest.mark.parametrize("name", CASES)
def test_line(name, m):
    check(name, m)


def test_every_line_has_a_case_and_a_bug():
    assert {name.split()[0] for name in CASES} == set(TABLE) == {name for name, *_ in BUGS}
    assert set(F.JVPS) == set(TABLE)


def spread(scale):
    """A wrong vjp of a reduction: g times ``scale(a, x, n)``, repeated."""

    def vjp(g, a, x, *, axis, keepdims, ddof=0):
        kept, n = reduced(x.shape, axis)
        g, a = np.reshape(g, kept), np.reshape(a, kept)
        return np.broadcast_to(g * scale(a, x, n, axis), x.shape)

    return vjp


def off_mean(x, axis):
    return x - np.mean(x, axis=axis, keepdims=True)


EINSUM = TABLE["einsum"].vjps[0]
BUGS = [  # line, argument, wrong vjp
    ("add", 0, lambda g, a, x, y: g * y),
    ("subtract", 1, lambda g, a, x, y: g),
    ("multiply", 0, lambda g, a, x, y: g * x),
    ("multiply", 1, lambda g, a, x, y: g * plain(x)),
    ("divide", 1, lambda g, a, x, y: g * a / y),
    ("divide", 1, lambda g, a, x, y: -g * x / y),
    ("power", 0, lambda g, a, x, y: g * x ** (y - 1)),
    ("power", 1, lambda g, a, x, y: g * np.log(x)),
    ("maximum", 0, lambda g, a, x, y: g * (x < y)),
    ("maximum", 1, lambda g, a, x, y: g),
    ("minimum", 1, lambda g, a, x, y: g * (x < y)),
    ("matmul", 0, lambda g, a, x, y: g @ y),
    ("matmul", 1, lambda g, a, x, y: (np.swapaxes(x, -1, -2) @ g).T),
    ("negative", 0, lambda g, a, x: g),
    ("exp", 0, lambda g, a, x: g * x),
    ("log", 0, lambda g, a, x: g * x),
    ("sqrt", 0, lambda g, a, x: g / a),
    ("sin", 0, lambda g, a, x: g * np.sin(x)),
    ("cos", 0, lambda g, a, x: g * np.sin(x)),
    ("tanh", 0, lambda g, a, x: g * (1 - a)),
    ("tanh", 0, lambda g, a, x: g * (1 - plain(a) ** 2)),  # right once, wrong twice
    ("tanh", 0, lambda g, a, x: g * (1 - a * a) * (1 + 1e-6)),
    ("sigmoid", 0, lambda g, a, x: g * a),
    ("sigmoid", 0, lambda g, a, x: g * x * (1 - x)),
    ("relu", 0, lambda g, a, x: g * (a >= 0)),  # true for every a: a bug found in the wild
    ("absolute", 0, lambda g, a, x: g * np.sign(a)),
    ("erf", 0, lambda g, a, x: g * np.exp(-x * x)),
    ("sech2", 0, lambda g, a, x: g * -2 * a),
    ("bell", 0, lambda g, a, x: g * -x * a),
    ("sum", 0, spread(lambda a, x, n, axis: 1 / n)),
    ("mean", 0, spread(lambda a, x, n, axis: 1)),
    ("mean", 0, spread(lambda a, x, n, axis: 1 / x.size)),
    ("max", 0, spread(lambda a, x, n, axis: 1)),
    ("min", 0, spread(lambda a, x, n, axis: 1 / n)),
    ("var", 0, spread(lambda a, x, n, axis: 2 * off_mean(x, axis) / n)),  # ddof forgotten
    ("var", 0, spread(lambda a, x, n, axis: 2 * x / n)),
    ("std", 0, spread(lambda a, x, n, axis: off_mean(x, axis) / (n - 1))),
    ("logsumexp", 0, spread(lambda a, x, n, axis: np.exp(x))),
    ("reshape", 0, lambda g, a, x, shape: np.reshape(np.transpose(g), x.shape)),
    ("transpose", 0, lambda g, a, x, axes=None: np.transpose(g, axes)),
    ("swapaxes", 0, lambda g, a, x, m, n: np.reshape(g, x.shape)),
    ("broadcast_to", 0, lambda g, a, x, shape: g / 2),
    ("getitem", 0, lambda g, a, x, k: assigned(g, k, x.shape)),
    ("scatter_add", 0, lambda g, a, x, k, shape: g[k][::-1]),
    ("clip", 0, lambda g, a, x, a_min=None, a_max=None: g),
    ("where", 2, lambda g, a, c, x, y: np.where(c, g, 0)),
    ("concatenate", 0, lambda i, g, a, *xs, axis: g[..., : xs[i].shape[-1]]),
    ("stack", 0, lambda i, g, a, *xs, axis: g[:, i - 1]),
    ("einsum", 0, lambda i, g, a, *xs, sub: EINSUM(0, g, a, *xs, sub=sub)),
    ("times", 1, lambda g, a, x, y: T.times(g, plain(x))),
    ("over", 0, lambda g, a, x, y: T.over(g, plain(y))),
    ("over", 1, lambda g, a, x, y: -T.over(T.times(g, x), y)),
    ("matrix_times", 1, lambda g, a, x, y: -T.matmul_vjp_y(g, x, y)),
    ("contract", 0, lambda i, g, a, *xs, sub: EINSUM(0, g, a, *xs, sub=sub)),
]


def assigned(g, k, shape):
    """Write where one has to add: repeated indices are lost."""
    out = np.zeros(shape)
    out[k] = np.asarray(plain(g)).real
    return out


def caught(name):
    """Whether some case of the line fails its check."""
    for case in (c for c in CASES if c.split()[0] == name):
        try:
            check(case)
        except (AssertionError, ValueError):
            return True
    return False


@pytest.mark.parametrize("name, i, wrong", BUGS)
def test_planted_bug_is_caught(monkeypatch, name, i, wrong):
    rule = TABLE[name]
    vjps = list(rule.vjps)
    vjps[i] = wrong
    assert not caught(name)
    monkeypatch.setattr(rule, "vjps", tuple(vjps))
    assert caught(name)


PRODUCTS = [(name, i) for name, jvps in F.JVPS.items() for i, jvp in enumerate(jvps) if jvp]


@pytest.mark.parametrize("name, i", PRODUCTS)
def test_planted_factor_in_a_jvp_is_caught(monkeypatch, name, i):
    right = F.JVPS[name]
    wrong = [*right[:i], lambda *args, **o: (1 + 1e-6) * right[i](*args, **o), *right[i + 1 :]]
    # the options of the rule say whether i comes first, not the signature of the line
    monkeypatch.setitem(F.JVPS, name, tuple(wrong))
    assert caught(name)


# Shapes


@examples
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), st.integers(0, 99))
def test_broadcasting(shapes, seed):
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=s) for s in shapes.input_shapes)
    g = rng.normal(size=shapes.result_shape)
    a, pullback = T.vjp(lambda x, y: x * y + np.maximum(x, y), x, y)
    dx, dy = pullback(g)
    assert a.shape == g.shape and dx.shape == x.shape and dy.shape == y.shape
    # ⟨g, J v⟩ = ⟨Jᵀ g, v⟩, where J v is the exact derivative along v written out by hand
    vx, vy = rng.normal(size=x.shape), rng.normal(size=y.shape)
    Jv = vx * y + x * vy + np.where(x > y, vx, vy)
    np.testing.assert_allclose(
        (g * Jv).sum(), (dx * vx).sum() + (dy * vy).sum(), rtol=1e-9, atol=1e-12
    )


@examples
@given(st.data())
def test_indexing_and_reductions(data):
    shape = data.draw(hnp.array_shapes(max_dims=3, max_side=4))
    x = np.random.default_rng(0).normal(size=shape)
    k = data.draw(hnp.basic_indices(shape, allow_newaxis=True) | hnp.integer_array_indices(shape))
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape), min_size=1))
    keepdims = data.draw(st.booleans())
    for f in (
        lambda x: x[k],
        lambda x: np.mean(x, axis=axis, keepdims=keepdims),
        lambda x: np.sum(x, axis=axis, keepdims=keepdims),
    ):
        # linear functions: f(v) is J v
        g = np.random.default_rng(1).normal(size=np.shape(f(x)))
        v = np.random.default_rng(2).normal(size=shape)
        dx = T.vjp(f, x)[1](g)
        np.testing.assert_allclose((g * f(v)).sum(), (dx * v).sum(), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(F.jvp(f, x, v)[1], f(v), rtol=1e-12, atol=1e-14)
    for name in ("var", "max", "min", "logsumexp"):

        def f(x, m, name=name):
            return m.sum(getattr(m, name)(x, axis=axis, keepdims=keepdims) ** 2)

        theirs = autograd.grad(f)(x, AUTOGRAD)
        np.testing.assert_allclose(T.grad(f)(x, MODULE), theirs, 1e-9, 1e-12, err_msg=name)


@examples
@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=2),
    st.booleans(), st.booleans(),
)  # fmt: skip
def test_matmul_is_bilinear(n, k, m, batch, x_vector, y_vector):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(k,) if x_vector else (*batch.input_shapes[0], n, k))
    y = rng.normal(size=(k,) if y_vector else (*batch.input_shapes[1], k, m))
    vx, vy = rng.normal(size=x.shape), rng.normal(size=y.shape)
    a, pullback = T.vjp(np.matmul, x, y)
    g = rng.normal(size=np.shape(a))
    dx, dy = pullback(g)
    np.testing.assert_allclose((g * (vx @ y)).sum(), (dx * vx).sum(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose((g * (x @ vy)).sum(), (dy * vy).sum(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "subscripts, shapes",
    [
        ("ii->i", [(3, 3)]), ("ii", [(3, 3)]), ("iij->j", [(2, 2, 3)]), ("ij,j", [(2, 3), (3,)]),
        ("i,i,i->", [(3,), (3,), (3,)]), ("ij,ij->i", [(2, 3), (2, 1)]),
        ("...,...", [(2, 3), (3,)]),
        ("i...,...j->...ij", [(2, 3), (3, 2)]), ("ij -> ji", [(2, 3)]), ("ba", [(2, 3)]),
        ("...i,...i->...", [(4, 2, 3), (2, 3)]), ("i,j->ij", [(2,), (3,)]), ("ijk->", [(2, 1, 2)]),
    ],
)  # fmt: skip
def test_einsum_is_multilinear(subscripts, shapes):
    rng = np.random.default_rng(0)
    xs, vs = ([rng.normal(size=s) for s in shapes] for _ in range(2))
    a, pullback = T.vjp(lambda *xs: np.einsum(subscripts, *xs), *xs)
    g = rng.normal(size=np.shape(a))
    gradients = pullback(g) if len(xs) > 1 else [pullback(g)]
    for i, (v, dx) in enumerate(zip(vs, gradients, strict=True)):
        Jv = np.einsum(subscripts, *xs[:i], v, *xs[i + 1 :])
        assert dx.shape == xs[i].shape
        np.testing.assert_allclose((g * Jv).sum(), (dx * v).sum(), rtol=1e-10)
