"""Attention with turned queries and keys against differences, SymPy, autograd and PyTorch."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.layers import MultiHeadAttention, RotaryAttention
from backprop.network import Sequential


def angles(time, d, base):
    return np.arange(time)[:, None] * base ** (-np.arange(0, d, 2) / d)


def turned(x, base, lib=np):
    a = angles(x.shape[-2], x.shape[-1], base)
    half = x.shape[-1] // 2
    left, right = x[..., :half], x[..., half:]
    cos, sin = np.cos(a), np.sin(a)
    return lib.concatenate([left * cos - right * sin, left * sin + right * cos], axis=-1)


def plain(x, layer, lib=np, theirs=None):
    """Compute the layer anew, one head at a time."""
    W, b, W_o, b_o = theirs or list(layer.parameters.values())
    m, d = layer.d_model, layer.d_model // layer.n_heads
    heads = []
    for h in range(layer.n_heads):
        q, k, v = (lib.dot(x, W[:, s + h * d : s + (h + 1) * d]) + b[s + h * d : s + (h + 1) * d]
                   for s in (0, m, 2 * m))  # fmt: skip
        q, k = turned(q, layer.base, lib), turned(k, layer.base, lib)
        s = lib.einsum("bic,bjc->bij", q, k) / np.sqrt(d)
        if layer.causal:
            s = s + np.where(np.tri(x.shape[1], dtype=bool), 0, -1e9)
        e = lib.exp(s - np.max(getattr(s, "_value", s).real))
        heads.append(lib.einsum("bij,bjc->bic", e / lib.sum(e, axis=2, keepdims=True), v))
    return lib.dot(lib.concatenate(heads, axis=2), W_o) + b_o


@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    st.integers(1, 2), st.integers(1, 4), st.integers(1, 2), st.integers(1, 2), st.booleans(),
    st.integers(0, 999),
)  # fmt: skip
def test_against_both_judges(batch, time, heads, pairs, causal, seed):
    rng = np.random.default_rng(seed)
    d = 2 * pairs * heads
    layer = RotaryAttention(d, heads, rng=rng, causal=causal, base=30.0)
    gradcheck.check_layer(layer, rng.normal(size=(batch, time, d)), rng=rng).raise_if_off()


@pytest.mark.parametrize("causal", [False, True])
def test_against_autograd(causal):
    rng = np.random.default_rng(0)
    layer = RotaryAttention(8, 2, rng=rng, causal=causal, base=50.0)
    for name in ("b_qkv", "b_o"):
        layer.parameters[name] = rng.normal(size=layer.parameters[name].shape)
    x, dy = rng.normal(size=(2, 3, 5, 8))
    np.testing.assert_allclose(layer.forward(x), plain(x, layer), rtol=1e-12, atol=1e-13)
    values = list(layer.parameters.values())
    for k, mine in enumerate([layer.backward(dy), *layer.gradients.values()]):

        def of(value, k=k):
            given = [x, *values]
            given[k] = value
            return anp.sum(dy * plain(given[0], layer, anp, given[1:]))

        theirs = autograd.grad(of)([x, *values][k])
        np.testing.assert_allclose(mine, theirs, rtol=1e-10, atol=1e-13)


def test_the_score_depends_on_the_distance_and_the_error_turns_back_by_sympy():
    q, k, g = (sp.Matrix([sp.symbols(f"{n}_1:3", real=True)]) for n in "qkg")
    s, t, w = sp.symbols("s t omega", real=True)

    def turn(row, place):
        c, d = sp.cos(place * w), sp.sin(place * w)
        return row * sp.Matrix([[c, d], [-d, c]])

    score = (turn(q, s) * turn(k, t).T)[0]
    assert sp.simplify(score - (q * turn(k, t - s).T)[0]) == 0
    sent = (turn(q, s) * g.T)[0]  # whose slope in the turned query is g
    slope = sp.Matrix([[sp.diff(sent, x) for x in q]])
    assert sp.simplify(slope - turn(g, -s)) == sp.zeros(1, 2)
    layer = RotaryAttention(2, 1, rng=np.random.default_rng(0))
    rows = np.array([[1.0, 0], [1, 0], [0, 2]])
    mine, other = rows.copy(), rows.copy()
    layer._turn(mine, other)
    exact = [list(turn(sp.Matrix([row]), place).subs(w, 1)) for place, row in enumerate(rows)]
    np.testing.assert_allclose(mine, np.array(exact, float), atol=1e-15)
    layer._turn(mine, other, back=True)
    np.testing.assert_allclose(mine, rows, atol=1e-15)
    np.testing.assert_allclose(other, rows, atol=1e-15)


def test_as_torch():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare rotary attention")
    rng = np.random.default_rng(0)
    layer = RotaryAttention(8, 2, rng=rng, causal=True, base=100.0)
    x, dy = rng.normal(size=(2, 3, 6, 8))
    W, b, W_o, b_o = (torch.tensor(p, requires_grad=True) for p in layer.parameters.values())
    theirs = torch.tensor(x, requires_grad=True)
    q, k, v = (part.reshape(3, 6, 2, 4).transpose(1, 2) for part in (theirs @ W + b).split(8, -1))
    cos, sin = (torch.tensor(f(angles(6, 4, 100.0))) for f in (np.cos, np.sin))

    def turn(u):
        left, right = u[..., :2], u[..., 2:]
        return torch.cat([left * cos - right * sin, left * sin + right * cos], -1)

    attend = torch.nn.functional.scaled_dot_product_attention
    y = attend(turn(q), turn(k), v, is_causal=True).transpose(1, 2).reshape(3, 6, 8) @ W_o + b_o
    y.backward(torch.tensor(dy))
    np.testing.assert_allclose(layer.forward(x), y.detach().numpy(), rtol=0, atol=1e-12)
    np.testing.assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol=0, atol=1e-12)
    for mine, its in zip(layer.gradients.values(), (W, b, W_o, b_o), strict=True):
        np.testing.assert_allclose(mine, its.grad.numpy(), rtol=0, atol=1e-12)


def test_equal_tokens_at_other_distances_are_told_apart():
    # A token that sees three equal tokens: without places it weighs them alike.
    x = np.random.default_rng(1).normal(size=(1, 1, 4)).repeat(3, axis=1)
    weights = []
    for kind in (MultiHeadAttention, RotaryAttention):
        layer = kind(4, 1, rng=np.random.default_rng(0))
        layer.forward(x)
        weights.append(layer.p[0, 0, 0])
    np.testing.assert_allclose(weights[0], 1 / 3)
    assert np.ptp(weights[1]) > 0.01


def test_padding_reused_buffers_and_dtype():
    rng = np.random.default_rng(0)
    layer = RotaryAttention(4, 2, rng=rng, causal=True, dtype=np.float32)
    x, dy = rng.standard_normal((2, 3, 5, 4), np.float32)
    mask = np.ones((3, 5), bool)
    mask[1, 3:] = False
    y, dx = layer.forward(x, mask), layer.backward(dy)
    assert y.dtype == dx.dtype == np.float32
    assert not y[1, 3:].any() and not dx[1, 3:].any()
    x[1, 3:] = np.nan
    layer.reuse = True
    np.testing.assert_array_equal(layer.forward(x, mask), y)
    np.testing.assert_array_equal(layer.backward(dy), dx)
    whole = {name: g.copy() for name, g in layer.gradients.items()}
    network = Sequential([layer])
    layer.forward(x, mask)
    network.backward_parameters(dy)
    for name, g in whole.items():
        np.testing.assert_array_equal(layer.gradients[name], g)


class Planted(RotaryAttention):
    """Rotary attention with one bug in its backward pass, chosen by name."""

    bug = "none"

    def _turn(self, q, k, back=False):
        if back and self.bug == "errors not turned":
            return
        if back and self.bug == "errors turned forward":
            back = False
        if back and self.bug == "queries alone":
            k = k.copy()
        super()._turn(q, k, back)


@pytest.mark.parametrize(
    "bug", ["none", "errors not turned", "errors turned forward", "queries alone"]
)
def test_planted_bug_is_caught(bug):
    rng = np.random.default_rng(0)
    layer = Planted(4, 2, rng=rng)
    layer.bug = bug
    assert gradcheck.check_layer(layer, rng.normal(size=(1, 3, 4)), rng=rng).ok == (bug == "none")


def test_errors_name_the_argument():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="RotaryAttention: d_model is 6, expected an even mult"):
        RotaryAttention(6, 2, rng=rng)
    with pytest.raises(ValueError, match="RotaryAttention: base is 0"):
        RotaryAttention(4, 2, rng=rng, base=0)
    with pytest.raises(ValueError, match="expected a multiple of n_heads = 3"):
        RotaryAttention(4, 3, rng=rng)
    with pytest.raises(RuntimeError, match=r"RotaryAttention: backward\(\) came before forward"):
        RotaryAttention(4, 2, rng=rng).backward(np.zeros((1, 2, 4)))
