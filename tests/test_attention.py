"""Attention against differences, SymPy, HIPS autograd, PyTorch, and planted bugs."""

import inspect
import tracemalloc
import types

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.layers import (
    Layer,
    LayerNorm,
    MultiHeadAttention,
    attention,
    blockwise_attention,
    blockwise_attention_vjp,
    dot_product_attention,
    dot_product_attention_vjp,
    lengths_to_mask,
)
from backprop.network import Sequential

PEERS = "peers: install torch to compare attention"
sizes = st.integers(1, 3)


def make(d_model, n_heads, rng, kind=MultiHeadAttention, **options):
    """A layer whose biases are not 0, so that a forgotten one shows."""
    layer = kind(d_model, n_heads, rng=rng, **options)
    for value in layer.parameters.values():
        value += rng.normal(scale=0.3, size=value.shape)
    return layer


class Bound(Layer):
    """Attention with the mask fixed, as check_layer wants it."""

    def __init__(self, layer, mask):
        super().__init__()
        self.layer, self.mask = layer, mask
        self.parameters, self.gradients = layer.parameters, layer.gradients

    def forward(self, x):
        return self.layer.forward(x, self.mask)

    def backward(self, dz):
        return self.layer.backward(dz)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    batch=sizes, time=st.integers(1, 4), n_heads=sizes, d=sizes, masked=st.booleans(),
    causal=st.booleans(), seed=st.integers(0, 999),
)  # fmt: skip
def test_layer_gradients(batch, time, n_heads, d, masked, causal, seed):
    rng = np.random.default_rng(seed)
    layer = make(n_heads * d, n_heads, rng, causal=causal)
    # Any mask, with holes and with rows of padding alone, not only lengths.
    mask = rng.random((batch, time)) < 0.6 if masked else None
    x = rng.normal(size=(batch, time, n_heads * d))
    gradcheck.check_layer(Bound(layer, mask), x, rng=rng).raise_if_off()


@settings(derandomize=True, deadline=None, max_examples=25)
@given(
    batch=sizes, n=sizes, m=sizes, d=sizes, d_v=sizes, masked=st.booleans(),
    seed=st.integers(0, 999),
)  # fmt: skip
def test_function_gradients(batch, n, m, d, d_v, masked, seed):
    rng = np.random.default_rng(seed)
    q, k, v, dy = (
        rng.normal(size=(batch, *s)) for s in ((n, d), (m, d), (m, d_v), (n, d_v))
    )  # fmt: skip
    allowed = rng.random((n, m)) < 0.6 if masked else None
    _, p = dot_product_attention(q, k, v, allowed)
    dq, dk, dv = dot_product_attention_vjp(q, k, v, p, dy)

    def loss(q, k, v):
        return (dy * dot_product_attention(q, k, v, allowed)[0]).sum()

    for report in (
        gradcheck.check_gradient(lambda t: loss(t, k, v), q, dq, "q"),
        gradcheck.check_gradient(lambda t: loss(q, t, v), k, dk, "k"),
        gradcheck.check_gradient(lambda t: loss(q, k, t), v, dv, "v"),
    ):
        report.raise_if_off()


def test_function_against_sympy():
    """One query, three keys of width 2, the weights written out."""
    q = sp.Matrix(1, 2, sp.symbols("q1:3", real=True))
    k = sp.Matrix(3, 2, sp.symbols("k1:7", real=True))
    v = sp.Matrix(3, 1, sp.symbols("v1:4", real=True))
    e = [sp.exp((q * k.T)[j] / sp.sqrt(2)) for j in range(3)]
    y = sum(e[j] * v[j] for j in range(3)) / sum(e)
    symbols = [*q, *k, *v]
    at = np.random.default_rng(0).normal(size=len(symbols))
    value, *exact = symbolic.numpy_function([y, *(sp.diff(y, s) for s in symbols)], *symbols)(*at)
    arrays = at[:2].reshape(1, 2), at[2:8].reshape(3, 2), at[8:].reshape(3, 1)
    ours, p = dot_product_attention(*arrays)
    assert ours.item() == pytest.approx(value, rel=1e-13)
    found = dot_product_attention_vjp(*arrays, p, np.ones((1, 1)))
    np.testing.assert_allclose(np.concatenate([g.ravel() for g in found]), exact, rtol=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_layer_against_autograd(causal):
    rng = np.random.default_rng(1)
    layer, x = make(6, 2, rng, causal=causal), rng.normal(size=(3, 5, 6))
    dy = rng.normal(size=x.shape)

    def loss(parameters, x):
        qkv = x @ parameters["W_qkv"] + parameters["b_qkv"]
        heads = []
        for h in range(2):
            q, k, v = (qkv[..., 6 * j + 3 * h : 6 * j + 3 * (h + 1)] for j in range(3))
            e = anp.exp(q @ anp.swapaxes(k, 1, 2) / np.sqrt(3))
            e = e * np.tri(5) if causal else e
            heads.append(e / anp.sum(e, axis=-1, keepdims=True) @ v)
        return anp.sum(dy * (anp.concatenate(heads, -1) @ parameters["W_o"] + parameters["b_o"]))

    ours = (dy * layer.forward(x)).sum()
    dx = layer.backward(dy)
    parameters = dict(layer.parameters)
    assert ours == pytest.approx(loss(parameters, x), rel=1e-12)
    for name, exact in autograd.grad(loss, 0)(parameters, x).items():
        np.testing.assert_allclose(layer.gradients[name], exact, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(dx, autograd.grad(loss, 1)(parameters, x), rtol=1e-10, atol=1e-12)


CLOSE = {"rtol": 1e-10, "atol": 1e-10}


@pytest.mark.parametrize("masked", [False, True])
def test_function_against_pytorch(masked):
    torch = pytest.importorskip("torch", reason=PEERS)
    rng = np.random.default_rng(2)
    arrays = [rng.normal(size=(2, 3, *s)) for s in ((4, 5), (6, 5), (6, 7))]
    dy = rng.normal(size=(2, 3, 4, 7))
    allowed = rng.random((2, 1, 4, 6)) < 0.6
    allowed[..., 0] = True
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    theirs = torch.nn.functional.scaled_dot_product_attention(
        *tensors, attn_mask=torch.from_numpy(allowed) if masked else None
    )
    (theirs * torch.from_numpy(dy)).sum().backward()
    y, p = dot_product_attention(*arrays, allowed if masked else None)
    np.testing.assert_allclose(y, theirs.detach().numpy(), **CLOSE)
    for ours, tensor in zip(dot_product_attention_vjp(*arrays, p, dy), tensors, strict=True):
        np.testing.assert_allclose(ours, tensor.grad.numpy(), **CLOSE)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_layer_against_pytorch(causal, masked):
    torch = pytest.importorskip("torch", reason=PEERS)
    rng = np.random.default_rng(3)
    batch, time, d_model, n_heads = 3, 5, 8, 4
    layer = make(d_model, n_heads, rng, causal=causal)
    x, dy = rng.normal(size=(2, batch, time, d_model))
    lengths = np.array([5, 2, 4]) if masked else np.full(batch, time)
    mask = lengths_to_mask(lengths, time)
    dy[~mask] = 0
    peer = torch.nn.MultiheadAttention(d_model, n_heads, batch_first=True, dtype=torch.float64)
    names = {
        "W_qkv": "in_proj_weight", "b_qkv": "in_proj_bias",
        "W_o": "out_proj.weight", "b_o": "out_proj.bias",
    }  # fmt: skip
    theirs = {name: peer.get_parameter(key) for name, key in names.items()}
    with torch.no_grad():
        for name, parameter in theirs.items():
            parameter.copy_(torch.from_numpy(layer.parameters[name].T))
    tx = torch.tensor(x, requires_grad=True)
    out, weights = peer(
        tx, tx, tx, average_attn_weights=False,
        key_padding_mask=torch.from_numpy(~mask) if masked else None,
        attn_mask=torch.from_numpy(~np.tri(time, dtype=bool)) if causal else None,
    )  # fmt: skip
    (out * torch.from_numpy(dy)).sum().backward()
    y = layer.forward(x, mask if masked else None)
    dx = layer.backward(dy)
    np.testing.assert_allclose(y[mask], out.detach().numpy()[mask], **CLOSE)
    # The rows of padding differ: they are a result of its content there, of zeros here.
    rows = np.broadcast_to(mask[:, None, :], layer.p.shape[:3])
    np.testing.assert_allclose(layer.p[rows], weights.detach().numpy()[rows], **CLOSE)
    np.testing.assert_allclose(dx, tx.grad.numpy(), **CLOSE)
    for name, parameter in theirs.items():
        np.testing.assert_allclose(layer.gradients[name], parameter.grad.numpy().T, **CLOSE)


def results(layer, x, dy, mask=None):
    """Output and every gradient of a run, copied."""
    found = {"y": layer.forward(x, mask).copy(), "dx": layer.backward(dy).copy()}
    return found | {name: g.copy() for name, g in layer.gradients.items()}


def check_padding(kind, causal):
    """Raise AssertionError unless padding leaves everything as it is without it."""
    rng = np.random.default_rng(4)
    lengths = np.array([5, 2, 0, 4])
    mask = lengths_to_mask(lengths, 5)
    layer = make(6, 2, rng, kind, causal=causal)
    x, dy = rng.normal(size=(2, 4, 5, 6))
    plain = results(layer, x, dy, mask)
    for content in (1e6, np.inf, np.nan):
        spoilt, error = (np.where(mask[:, :, None], a, content) for a in (x, dy))
        for name, value in results(layer, spoilt, error, mask).items():
            np.testing.assert_array_equal(value, plain[name], name)
    assert not plain["y"][~mask].any() and not plain["dx"][~mask].any()
    total = {name: 0.0 for name in layer.gradients}
    for row, n in enumerate(lengths):
        if n:
            alone = results(layer, x[row : row + 1, :n], dy[row : row + 1, :n])
            for name in ("y", "dx"):
                np.testing.assert_allclose(
                    plain[name][row, :n], alone[name][0], rtol=1e-11, atol=1e-13
                )
            total = {name: value + alone[name] for name, value in total.items()}
    for name, value in total.items():
        np.testing.assert_allclose(plain[name], value, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("causal", [False, True])
def test_padding_changes_nothing(causal):
    check_padding(MultiHeadAttention, causal)


def moved(layer, x, replace):
    """How far each output moves, one row for each token that ``replace`` changes."""
    y = layer.forward(x).copy()
    rows = []
    for t in range(x.shape[1]):
        changed = x.copy()
        changed[:, t] = replace(x[:, t])
        rows.append(np.abs(layer.forward(changed) - y).max(axis=(0, 2)))
    return np.array(rows)


def check_causality(kind):
    """Raise AssertionError if a token learns of a later one, or not of an earlier one."""
    rng = np.random.default_rng(5)
    layer, x = make(6, 2, rng, kind, causal=True), rng.normal(size=(1, 5, 6))
    differs = moved(layer, x, lambda token: rng.normal(size=token.shape)) > 0
    np.testing.assert_array_equal(differs, np.tri(5, dtype=bool).T)
    layer.forward(x)
    for t in range(5):
        dy = np.zeros_like(x)
        dy[:, t] = 1
        np.testing.assert_array_equal(layer.backward(dy).any(axis=(0, 2)), np.arange(5) <= t)


def test_a_layer_norm_in_front_does_not_hide_a_missing_mask():
    rng = np.random.default_rng(15)
    x = rng.normal(size=(1, 5, 6))
    for causal in (False, True):
        network = Sequential([LayerNorm(6), make(6, 2, rng, causal=causal)])
        seen = moved(network, x, lambda token: rng.normal(size=token.shape))
        earlier = seen[~np.tri(5, dtype=bool).T]
        assert not earlier.any() if causal else earlier.min() > 1e-3
        # The same number added to all features is what the norm takes away.
        assert moved(network, x, lambda token: token + 1).max() < 1e-4


def test_causality():
    check_causality(MultiHeadAttention)


def test_without_positions_the_order_of_the_tokens_does_not_matter():
    rng = np.random.default_rng(6)
    layer, x, order = make(6, 2, rng), rng.normal(size=(2, 5, 6)), rng.permutation(5)
    y = layer.forward(x)
    np.testing.assert_allclose(layer.forward(x[:, order]), y[:, order], rtol=1e-12)


def test_a_query_that_may_see_nothing():
    rng = np.random.default_rng(7)
    q, k, v, dy = rng.normal(size=(4, 3, 2))
    allowed = np.array([[True, False, True], [False] * 3, [True] * 3])
    y, p = dot_product_attention(q, k, v, allowed)
    assert not y[1].any() and not p[1].any()
    np.testing.assert_allclose(p.sum(axis=1), [1, 0, 1])
    assert p[0, 1] == 0
    dq, dk, dv = dot_product_attention_vjp(q, k, v, p, dy)
    assert not dq[1].any()
    rest = [0, 2]
    _, p_rest = dot_product_attention(q[rest], k, v, allowed[rest])
    for ours, exact in zip(
        (dq[rest], dk, dv), dot_product_attention_vjp(q[rest], k, v, p_rest, dy[rest]), strict=True
    ):
        np.testing.assert_allclose(ours, exact, rtol=1e-13)


def test_large_scores_in_float32():
    layer = MultiHeadAttention(
        4, 2, rng=np.random.default_rng(8), causal=True, dtype=np.float32
    )  # fmt: skip
    x = np.random.default_rng(9).choice([-1e3, 1e3], (2, 5, 4)).astype(np.float32)
    mask = lengths_to_mask(np.array([5, 3]), 5)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = results(layer, x, np.ones_like(x), mask)
        found["p"] = layer.p
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in found.values())
    np.testing.assert_allclose(layer.p.sum(axis=-1), 1, rtol=1e-6)


def test_the_result_belongs_to_the_caller():
    rng = np.random.default_rng(10)
    layer, x, dy = make(6, 2, rng), *rng.normal(size=(2, 2, 4, 6))
    given = dy.copy()
    layer.forward(x)
    dx = layer.backward(dy).copy()
    layer.forward(x)[...] = np.nan
    np.testing.assert_array_equal(layer.backward(dy), dx)
    np.testing.assert_array_equal(layer.backward(dy), dx)
    np.testing.assert_array_equal(dy, given)


def test_backward_parameters_alone():
    rng = np.random.default_rng(11)
    layer, x, dy = make(6, 2, rng), *rng.normal(size=(2, 2, 4, 6))
    expected = results(layer, x, dy)
    for gradient in layer.gradients.values():
        gradient.fill(np.nan)
    layer.backward_parameters(dy)
    for name, gradient in layer.gradients.items():
        np.testing.assert_array_equal(gradient, expected[name], name)


def test_reused_buffers():
    rng = np.random.default_rng(12)
    layer = MultiHeadAttention(16, 2, rng=rng, causal=True)
    x, dy = rng.normal(size=(2, 8, 64, 16))
    fresh = results(layer, x, dy)
    layer.reuse = True
    results(layer, x, dy)
    tracemalloc.start()
    layer.forward(x)
    layer.backward(dy)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Nothing of the size of the weights (batch, n_heads, time, time).
    assert peak < layer.p.nbytes / 2
    for name, value in results(layer, x, dy).items():
        np.testing.assert_array_equal(value, fresh[name], name)


def block_by_block(module=attention):
    """Raise AssertionError unless blocks of any size give what all scores at once give."""
    rng = np.random.default_rng(16)
    q, k, v, dy = (rng.normal(size=(2, *s)) for s in ((7, 3), (9, 3), (9, 4), (7, 4)))
    q *= 5  # so that the maximum moves from block to block
    holes = rng.random((7, 9)) < 0.3
    holes[2] = False
    for allowed in (None, rng.random((2, 1, 9)) < 0.5, holes):
        for causal in (False, True):
            seen = (
                np.ones((2, 7, 9), bool) if allowed is None else np.broadcast_to(allowed, (2, 7, 9))
            )
            seen = seen & np.tri(7, 9, dtype=bool) if causal else seen
            y, p = dot_product_attention(q, k, v, seen)
            exact = dot_product_attention_vjp(q, k, v, p, dy)
            for block in (1, 2, 4, 9, 64):
                options = {"causal": causal, "block": block}
                with np.errstate(over="raise", invalid="raise", divide="raise"):
                    ours, log_sum = module.blockwise_attention(q, k, v, allowed, **options)
                    found = module.blockwise_attention_vjp(
                        q, k, v, ours, log_sum, dy, allowed, **options
                    )
                np.testing.assert_allclose(ours, y, rtol=1e-12, atol=1e-14)
                np.testing.assert_array_equal(log_sum == -np.inf, ~seen.any(axis=-1))
                for one, other in zip(found, exact, strict=True):
                    np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-13)


def test_blockwise_is_the_same_as_all_at_once():
    block_by_block()


BLOCKWISE_BUGS = [
    ("        o = o * shrink + e @ v[..., keys, :]\n", "        o = o + e @ v[..., keys, :]\n"),
    ("total = total * shrink + e.sum", "total = total + e.sum"),
    ("        dq += ds @ k[..., keys, :]\n", "        dq = ds @ k[..., keys, :]\n"),
    ("ds = p * (dp - mean) * scale", "ds = p * dp * scale"),
    ("    total[~seen] = 1\n", ""),
    ("np.arange(keys.start, keys.stop) >", "np.arange(keys.stop - keys.start) >"),
]


@pytest.mark.parametrize(("old", "new"), BLOCKWISE_BUGS)
def test_the_checks_of_blocks_catch(old, new):
    source = inspect.getsource(attention)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the source"
    broken = types.ModuleType(attention.__name__)
    exec(compile(source.replace(old, new), attention.__file__, "exec"), broken.__dict__)
    with pytest.raises((AssertionError, FloatingPointError)):
        block_by_block(broken)


@pytest.mark.parametrize("causal", [False, True])
def test_blockwise_gradients(causal):
    rng = np.random.default_rng(17)
    q, k, v, dy = (rng.normal(size=s) for s in ((4, 3), (5, 3), (5, 2), (4, 2)))
    options = {"causal": causal, "block": 2}
    allowed = np.array([True, True, False, True, True])
    y, log_sum = blockwise_attention(q, k, v, allowed, **options)
    dq, dk, dv = blockwise_attention_vjp(q, k, v, y, log_sum, dy, allowed, **options)

    def loss(q, k, v):
        return (dy * blockwise_attention(q, k, v, allowed, **options)[0]).sum()

    for report in (
        gradcheck.check_gradient(lambda t: loss(t, k, v), q, dq, "q"),
        gradcheck.check_gradient(lambda t: loss(q, t, v), k, dk, "k"),
        gradcheck.check_gradient(lambda t: loss(q, k, t), v, dv, "v"),
    ):
        report.raise_if_off()
    for name, f, x, exact in (
        ("q", lambda t: loss(t, k, v), q, dq),
        ("k", lambda t: loss(q, t, v), k, dk),
    ):
        np.testing.assert_allclose(
            gradcheck.complex_step(f, x), exact, rtol=1e-12, atol=1e-14, err_msg=name
        )


@pytest.mark.parametrize("causal", [False, True])
def test_blockwise_against_pytorch(causal):
    torch = pytest.importorskip("torch", reason=PEERS)
    rng = np.random.default_rng(18)
    arrays = [rng.normal(size=(2, 3, *s)) for s in ((6, 5), (6, 5), (6, 7))]
    dy = rng.normal(size=(2, 3, 6, 7))
    tensors = [torch.tensor(a, requires_grad=True) for a in arrays]
    theirs = torch.nn.functional.scaled_dot_product_attention(*tensors, is_causal=causal)
    (theirs * torch.from_numpy(dy)).sum().backward()
    y, log_sum = blockwise_attention(*arrays, causal=causal, block=4)
    np.testing.assert_allclose(y, theirs.detach().numpy(), **CLOSE)
    found = blockwise_attention_vjp(*arrays, y, log_sum, dy, causal=causal, block=4)
    for ours, tensor in zip(found, tensors, strict=True):
        np.testing.assert_allclose(ours, tensor.grad.numpy(), **CLOSE)


def test_blockwise_holds_no_scores_of_all_pairs():
    rng = np.random.default_rng(19)
    n = 512
    q, k, v, dy = rng.normal(size=(4, n, 4))
    tracemalloc.start()
    y, log_sum = blockwise_attention(q, k, v, causal=True, block=16)
    blockwise_attention_vjp(q, k, v, y, log_sum, dy, causal=True, block=16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n * n * 8 / 2


def test_blockwise_of_large_scores_in_float32():
    x = np.random.default_rng(20).choice([-1e3, 1e3], (5, 4)).astype(np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        y, log_sum = blockwise_attention(x, x, x, causal=True, block=2)
        found = blockwise_attention_vjp(x, x, x, y, log_sum, np.ones_like(x), causal=True, block=2)
    assert all(a.dtype == np.float32 and np.isfinite(a).all() for a in (y, log_sum, *found))


def test_errors_of_blockwise_attention():
    q, k, v = np.zeros((2, 4, 3)), np.zeros((2, 5, 3)), np.zeros((2, 5, 6))
    with pytest.raises(ValueError, match="blockwise_attention: block is 0"):
        blockwise_attention(q, k, v, block=0)
    with pytest.raises(TypeError, match=r"blockwise_attention: block is 2\.0"):
        blockwise_attention(q, k, v, block=2.0)
    with pytest.raises(ValueError, match=r"blockwise_attention: v has shape \(2, 4, 6\)"):
        blockwise_attention(q, k, v[:, :4])
    with pytest.raises(TypeError, match="blockwise_attention: allowed has dtype float64"):
        blockwise_attention(q, k, v, np.ones((4, 5)))
    y, log_sum = blockwise_attention(q, k, v)
    with pytest.raises(ValueError, match=r"blockwise_attention_vjp: dy has shape \(4, 6\)"):
        blockwise_attention_vjp(q, k, v, y, log_sum, y[0])
    with pytest.raises(ValueError, match=r"blockwise_attention_vjp: log_sum has shape \(2, 4, 6\)"):
        blockwise_attention_vjp(q, k, v, y, y, y)


BUGS = [
    ("np.matmul(q * float(1 / np.sqrt(q.shape[-1])), k", "np.matmul(q, k"),
    ("    ds *= float(1 / np.sqrt(q.shape[-1]))\n", ""),
    ('    ds -= np.einsum("...ij,...ij->...i", p, ds)[..., None]\n', ""),
    ("    ds *= p\n", ""),
    ("np.matmul(ds.swapaxes(-1, -2), q, out=dk)", "np.matmul(ds, q, out=dk)"),
    ("np.matmul(p.swapaxes(-1, -2), dy, out=dv)", "np.matmul(p, dy, out=dv)"),
    ("np.matmul(dy, v.swapaxes(-1, -2), out=ds)", "np.matmul(dy, k.swapaxes(-1, -2), out=ds)"),
    ("_product(dy, W_o.T, do)", "_product(dy, W_o, do)"),
    ("        qkv += b_qkv\n", ""),
    ('self._sums("W_o", "b_o", self.o, dy)', 'self._sums("W_o", "b_o", self.x, dy)'),
    ("ones.fill(1)", "ones.fill(1 / len(rows))"),
    ("~np.tri(time, dtype=bool)", "~np.tri(time, k=1, dtype=bool)"),
    ("~np.tri(time, dtype=bool)", "~np.tri(time, dtype=bool).T"),
    ("keys if later is None else later | keys", "keys if later is None else later & keys"),
    ("self.padding[:, None, None, :]", "self.padding[:, None, :, None]"),
    ("            x = np.where(mask[:, :, None], x, 0)\n", ""),
    ("            dy = np.where(self.padding[:, :, None], 0, dy)\n", "            pass\n"),
    ("            y[self.padding] = 0\n", "            pass\n"),
    ("    top[top == -np.inf] = 0\n", ""),
]


def check_kind(kind):
    for causal in (False, True):
        for padded in (False, True):
            rng = np.random.default_rng(13)
            layer, x = make(4, 2, rng, kind, causal=causal), rng.normal(size=(3, 3, 4))
            mask = lengths_to_mask(np.array([3, 2, 0]), 3) if padded else None
            gradcheck.check_layer(Bound(layer, mask), x, rng=rng).raise_if_off()
        check_padding(kind, causal)
    check_causality(kind)
    # The derivative of a wrong function may be right: compare the function too.
    expected = make(4, 2, np.random.default_rng(14)).forward(x)
    np.testing.assert_allclose(make(4, 2, np.random.default_rng(14), kind).forward(x), expected)


def test_the_checks_pass_the_right_layer():
    check_kind(MultiHeadAttention)


@pytest.mark.parametrize(("old", "new"), BUGS)
def test_the_checks_catch(old, new):
    source = inspect.getsource(attention)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in the source"
    broken = types.ModuleType(attention.__name__)
    exec(compile(source.replace(old, new), attention.__file__, "exec"), broken.__dict__)
    with pytest.raises(AssertionError), np.errstate(all="ignore"):
        check_kind(broken.MultiHeadAttention)


def test_errors_name_the_argument():
    rng = np.random.default_rng(15)
    where = "MultiHeadAttention"
    with pytest.raises(ValueError, match=f"{where}: d_model is 6, expected a multiple of n_heads"):
        MultiHeadAttention(6, 4, rng=rng)
    with pytest.raises(ValueError, match=f"{where}: d_model is 0"):
        MultiHeadAttention(0, 1, rng=rng)
    with pytest.raises(TypeError, match=f"{where}: n_heads is 2.0"):
        MultiHeadAttention(6, 2.0, rng=rng)
    with pytest.raises(TypeError, match="dtype is int64"):
        MultiHeadAttention(6, 2, rng=rng, dtype=int)
    layer, x = MultiHeadAttention(6, 2, rng=rng), np.zeros((4, 5, 6))
    with pytest.raises(RuntimeError, match=r"backward\(\) came before forward"):
        layer.backward(x)
    with pytest.raises(ValueError, match=rf"{where}.forward: x has shape \(4, 6\)"):
        layer.forward(x[:, 0])
    with pytest.raises(ValueError, match=r"expected at least one token"):
        layer.forward(x[:, :0])
    with pytest.raises(TypeError, match="x has dtype float32"):
        layer.forward(x.astype(np.float32))
    with pytest.raises(TypeError, match="mask has dtype float64, expected bool"):
        layer.forward(x, np.ones((4, 5)))
    with pytest.raises(ValueError, match=r"mask has shape \(5, 5\), expected \(4, 5\)"):
        layer.forward(x, np.ones((5, 5), bool))
    layer.forward(x)
    with pytest.raises(ValueError, match=rf"{where}.backward: dz has shape \(4, 5\)"):
        layer.backward(x[:, :, 0])


def test_errors_of_the_function():
    q, k, v = np.zeros((2, 4, 3)), np.zeros((2, 5, 3)), np.zeros((2, 5, 6))
    with pytest.raises(
        ValueError, match=r"dot_product_attention: k has shape \(2, 5, 3\), expected \(2, \*, 2"
    ):
        dot_product_attention(q[..., :2], k, v)
    with pytest.raises(
        ValueError, match=r"dot_product_attention: v has shape \(2, 4, 6\), expected \(2, 5"
    ):
        dot_product_attention(q, k, v[:, :4])
    with pytest.raises(
        ValueError, match=r"dot_product_attention: q has shape \(3,\), expected at least 2 axes"
    ):
        dot_product_attention(q[0, 0], k, v)
    with pytest.raises(ValueError, match="expected at least one key"):
        dot_product_attention(q, k[:, :0], v[:, :0])
    with pytest.raises(TypeError, match="dot_product_attention: allowed has dtype float64"):
        dot_product_attention(q, k, v, np.ones((4, 5)))
    with pytest.raises(ValueError, match=r"allowed has shape \(5, 4\).* broadcasts to \(2, 4, 5\)"):
        dot_product_attention(q, k, v, np.ones((5, 4), bool))
    y, p = dot_product_attention(q, k, v)
    with pytest.raises(ValueError, match=r"dot_product_attention_vjp: dy has shape \(4, 6\)"):
        dot_product_attention_vjp(q, k, v, p, y[0])
    with pytest.raises(ValueError, match=r"dot_product_attention_vjp: p has shape \(4, 5\)"):
        dot_product_attention_vjp(q, k, v, p[0], y)
