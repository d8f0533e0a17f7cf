"""RNN, GRU and LSTM against differences, SymPy, HIPS autograd, PyTorch, and planted bugs."""

import inspect
import sys
import tracemalloc
import types
from unittest import mock

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.layers import GRU, LSTM, RNN, Dense, Layer, gru, lengths_to_mask, lstm, recurrent, rnn
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam
from backprop.training import accuracy, fit

KINDS = [RNN, GRU, LSTM]
PEERS = "peers: install torch to compare recurrent layers"
sizes = st.integers(1, 3)


def make(kind, n_in, n_hidden, rng, **options):
    """A layer whose biases are not 0, so that a forgotten one shows."""
    layer = kind(n_in, n_hidden, rng=rng, **options)
    for value in layer.parameters.values():
        value += rng.normal(scale=0.3, size=value.shape)
    return layer


def states(layer, batch, rng):
    names = ("h0", "c0") if layer.name == "lstm" else ("h0",)
    return {name: rng.normal(size=(batch, layer.n_hidden)) for name in names}


class Bound(Layer):
    """A recurrent layer with mask and initial state fixed, as check_layer wants it."""

    def __init__(self, layer, **arguments):
        super().__init__()
        self.layer, self.arguments = layer, arguments
        self.parameters, self.gradients = layer.parameters, layer.gradients

    def forward(self, x):
        return self.layer.forward(x, **self.arguments)

    def backward(self, dz):
        return self.layer.backward(dz)


def check_everything(layer, x, mask, rng):
    """Raise AssertionError unless the gradients by x, parameters and initial state are right."""
    arguments = {"mask": mask, **states(layer, len(x), rng)}
    bound = Bound(layer, **arguments)
    v = rng.normal(size=bound.forward(x).shape)
    gradcheck.check_layer(bound, x, rng=rng, v=v).raise_if_off()
    bound.forward(x)
    bound.backward(v)
    for name in arguments.keys() - {"mask"}:
        gradient = getattr(layer, f"d{name}").copy()

        def f(s, name=name):
            return (v * layer.forward(x, **{**arguments, name: s})).sum()

        gradcheck.check_gradient(f, arguments[name], gradient, name).raise_if_off()


@pytest.mark.parametrize("kind", KINDS)
@settings(derandomize=True, deadline=None, max_examples=15)
@given(
    batch=sizes, time=st.integers(1, 4), n_in=sizes, n_hidden=sizes, masked=st.booleans(),
    sequence=st.booleans(), seed=st.integers(0, 999),
)  # fmt: skip
def test_gradients(kind, batch, time, n_in, n_hidden, masked, sequence, seed):
    rng = np.random.default_rng(seed)
    layer = make(kind, n_in, n_hidden, rng, return_sequence=sequence)
    # Any mask, with holes and with rows of padding alone, not only lengths.
    mask = rng.random((batch, time)) < 0.6 if masked else None
    check_everything(layer, rng.normal(size=(batch, time, n_in)), mask, rng)


def test_relu_gradients():
    rng = np.random.default_rng(1)
    layer = make(RNN, 3, 4, rng, activation="relu")
    check_everything(layer, rng.normal(size=(2, 4, 3)), None, rng)


def test_the_last_cell_may_enter_the_loss():
    rng = np.random.default_rng(2)
    layer, x = make(LSTM, 2, 3, rng), rng.normal(size=(2, 4, 2))
    v, v_c = rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 3))
    mask = lengths_to_mask(np.array([4, 2]), 4)

    def f(t):
        loss = (v * layer.forward(t, mask)).sum()
        return loss + (v_c * layer.final_state[1]).sum()

    f(x)
    gradcheck.check_gradient(f, x, layer.backward(v, v_c)).raise_if_off()


def test_lstm_against_sympy():
    names = [f"{matrix}_{gate}" for matrix in "WUb" for gate in "ifog"]
    weights = dict(zip(names, sp.symbols(names), strict=True))
    x1, x2, h0, c0 = sp.symbols("x1 x2 h0 c0")
    h, c = h0, c0
    for x in (x1, x2):
        z = {k: weights[f"W_{k}"] * x + weights[f"U_{k}"] * h + weights[f"b_{k}"] for k in "ifog"}
        i, f, o = (1 / (1 + sp.exp(-z[k])) for k in "ifo")
        c = f * c + i * sp.tanh(z["g"])
        h = o * sp.tanh(c)
    rng = np.random.default_rng(3)
    layer = make(LSTM, 1, 1, rng, return_sequence=False)
    x, start = rng.normal(size=(1, 2, 1)), states(layer, 1, rng)
    out = layer.forward(x, **start)
    dx = layer.backward(np.ones((1, 1)))
    symbols = [*weights.values(), x1, x2, h0, c0]
    values = [*(layer.parameters[k].ravel() for k in "WUb"), x.ravel()]
    values = np.concatenate([*values, start["h0"].ravel(), start["c0"].ravel()])
    expressions = [h, *(sp.diff(h, s) for s in symbols)]
    value, *exact = symbolic.numpy_function(expressions, *symbols)(*values)
    assert out.item() == pytest.approx(value, rel=1e-13)
    ours = [*(layer.gradients[k].ravel() for k in "WUb"), dx.ravel()]
    ours = np.concatenate([*ours, layer.dh0.ravel(), layer.dc0.ravel()])
    np.testing.assert_allclose(ours, exact, rtol=1e-12, atol=1e-15)


def sigma(z):
    return 1 / (1 + anp.exp(-z))


def autograd_step(kind, p, x, h, c):
    """One step of the textbook's equations, gate by gate."""
    n = h.shape[1]
    W, U, b = ([p[k][..., j * n : (j + 1) * n] for j in range(p[k].shape[-1] // n)] for k in "WUb")
    z = [x @ w + bias for w, bias in zip(W, b, strict=True)]
    q = [h @ u for u in U]
    if kind is RNN:
        return anp.tanh(z[0] + q[0]), c
    if kind is GRU:
        r, u = sigma(z[0] + q[0]), sigma(z[1] + q[1])
        g = anp.tanh(z[2] + r * (q[2] + p["b_U"]))
        return u * h + (1 - u) * g, c
    i, f, o = (sigma(z[j] + q[j]) for j in range(3))
    c = f * c + i * anp.tanh(z[3] + q[3])
    return o * anp.tanh(c), c


@pytest.mark.parametrize("kind", KINDS)
def test_against_autograd(kind):
    rng = np.random.default_rng(4)
    layer, x = make(kind, 3, 5, rng), rng.normal(size=(4, 6, 3))
    v = rng.normal(size=(4, 6, 5))

    def loss(p, x):
        h = c = anp.zeros((4, 5))
        total = 0.0
        for t in range(6):
            h, c = autograd_step(kind, p, x[:, t], h, c)
            total = total + anp.sum(v[:, t] * h)
        return total

    ours = (v * layer.forward(x)).sum()
    dx = layer.backward(v)
    p = dict(layer.parameters)
    assert ours == pytest.approx(loss(p, x), rel=1e-12)
    for name, exact in autograd.grad(loss, 0)(p, x).items():
        np.testing.assert_allclose(layer.gradients[name], exact, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(dx, autograd.grad(loss, 1)(p, x), rtol=1e-10, atol=1e-12)


# Blocks of PyTorch's packed weights, in our order: i f g o there, i f o g here; GRU r z n as ours.
TORCH_ORDER = {RNN: [0], GRU: [0, 1, 2], LSTM: [0, 1, 3, 2]}


def reorder(kind, rows):
    """Rows of PyTorch's (k n, …) as ours, or back: the permutation is its own inverse."""
    parts = np.split(rows, len(TORCH_ORDER[kind]))
    return np.concatenate([parts[j] for j in TORCH_ORDER[kind]])


@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_against_pytorch(kind, masked, activation):
    torch = pytest.importorskip("torch", reason=PEERS)
    if kind is not RNN and activation == "relu":
        return
    rng = np.random.default_rng(5)
    batch, time, n_in, n = 5, 7, 3, 4
    options = {"activation": activation} if kind is RNN else {}
    layer = make(kind, n_in, n, rng, **options)
    x, v = rng.normal(size=(batch, time, n_in)), rng.normal(size=(batch, time, n))
    lengths = np.array([7, 1, 4, 7, 6]) if masked else np.full(batch, time)
    mask = lengths_to_mask(lengths, time)
    v[~mask] = 0
    start = states(layer, batch, rng)
    torch_options = {"nonlinearity": activation} if kind is RNN else {}
    peer = getattr(torch.nn, kind.__name__)(
        n_in, n, batch_first=True, dtype=torch.float64, **torch_options
    )
    p = layer.parameters
    b_hh = np.zeros(len(p["b"]))
    if kind is GRU:
        b_hh[2 * n :] = p["b_U"]
    with torch.no_grad():
        for theirs, ours in (
            (peer.weight_ih_l0, p["W"].T), (peer.weight_hh_l0, p["U"].T),
            (peer.bias_ih_l0, p["b"]), (peer.bias_hh_l0, b_hh),
        ):  # fmt: skip
            theirs.copy_(torch.from_numpy(reorder(kind, ours)))
    tx = torch.tensor(x, requires_grad=True)
    t_start = [torch.tensor(s[None], requires_grad=True) for s in start.values()]
    packed = torch.nn.utils.rnn.pack_padded_sequence(
        tx, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    out, last = peer(packed, tuple(t_start) if kind is LSTM else t_start[0])
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, batch_first=True)
    (out * torch.tensor(v)).sum().backward()

    h = layer.forward(x, mask if masked else None, **start)
    dx = layer.backward(v)
    close = {"rtol": 1e-10, "atol": 1e-10}
    np.testing.assert_allclose(h[mask], out.detach().numpy()[mask], **close)
    ours_last = layer.final_state if kind is LSTM else (layer.final_state,)
    for ours, theirs in zip(ours_last, last if kind is LSTM else (last,), strict=True):
        np.testing.assert_allclose(ours, theirs[0].detach().numpy(), **close)
    np.testing.assert_allclose(dx, tx.grad.numpy(), **close)
    for name, theirs in zip(start, t_start, strict=True):
        np.testing.assert_allclose(getattr(layer, f"d{name}"), theirs.grad[0].numpy(), **close)
    for name, theirs in (
        ("W", peer.weight_ih_l0), ("U", peer.weight_hh_l0), ("b", peer.bias_ih_l0),
    ):  # fmt: skip
        exact = reorder(kind, theirs.grad.numpy()).T
        np.testing.assert_allclose(layer.gradients[name], exact, **close)
    if kind is GRU:
        exact = peer.bias_hh_l0.grad.numpy()[2 * n :]
        np.testing.assert_allclose(layer.gradients["b_U"], exact, **close)


def results(layer, x, v, **arguments):
    """Output and every gradient of a run, copied."""
    out = layer.forward(x, **arguments).copy()
    dx = layer.backward(v).copy()
    found = {"out": out, "dx": dx, **{k: g.copy() for k, g in layer.gradients.items()}}
    for name in ("dh0", "dc0"):
        if hasattr(layer, name):
            found[name] = getattr(layer, name).copy()
    return found


def check_padding(kind):
    """Raise AssertionError unless padding leaves everything as it is without it."""
    rng = np.random.default_rng(6)
    lengths = np.array([5, 2, 0, 4])
    mask = lengths_to_mask(lengths, 5)
    x, v = rng.normal(size=(4, 5, 2)), rng.normal(size=(4, 3))
    layer = make(kind, 2, 3, rng, return_sequence=False)
    start = states(layer, 4, rng)
    plain = results(layer, x, v, mask=mask, **start)
    for content in (1e6, np.inf, np.nan):
        spoilt = np.where(mask[:, :, None], x, content)
        for name, value in results(layer, spoilt, v, mask=mask, **start).items():
            np.testing.assert_array_equal(value, plain[name], name)
    assert not plain["dx"][~mask].any()
    total = {name: 0.0 for name in layer.gradients}
    for row, n in enumerate(lengths):
        one = {name: s[row : row + 1] for name, s in start.items()}
        if not n:
            np.testing.assert_array_equal(plain["out"][row], start["h0"][row])
            np.testing.assert_array_equal(plain["dh0"][row], v[row])
            continue
        alone = results(layer, x[row : row + 1, :n], v[row : row + 1], **one)
        np.testing.assert_allclose(plain["out"][row], alone["out"][0], rtol=1e-12)
        np.testing.assert_allclose(plain["dx"][row, :n], alone["dx"][0], rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(plain["dh0"][row], alone["dh0"][0], rtol=1e-12, atol=1e-15)
        total = {name: value + alone[name] for name, value in total.items()}
    for name, value in total.items():
        np.testing.assert_allclose(plain[name], value, rtol=1e-11, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_changes_nothing(kind):
    check_padding(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_padding_hands_the_state_on(kind):
    rng = np.random.default_rng(7)
    layer, x = make(kind, 2, 3, rng), rng.normal(size=(2, 5, 2))
    mask = np.array([[True, True, False, False, True], [False, True, True, False, False]])
    start = states(layer, 2, rng)
    h = layer.forward(x, mask, **start)
    np.testing.assert_array_equal(h[0, 2], h[0, 1])
    np.testing.assert_array_equal(h[0, 3], h[0, 1])
    np.testing.assert_array_equal(h[1, 0], start["h0"][1])
    np.testing.assert_array_equal(h[1, 4], h[1, 2])
    layer.return_sequence = False
    np.testing.assert_array_equal(layer.forward(x, mask, **start), h[:, -1])


def check_truncation(kind):
    """Raise AssertionError unless truncate=k equals chunks of k run one after another."""
    rng = np.random.default_rng(8)
    time = 7
    x, v = rng.normal(size=(3, time, 2)), rng.normal(size=(3, time, 3))
    mask = rng.random((3, time)) < 0.7
    layer = make(kind, 2, 3, rng)
    start = states(layer, 3, rng)
    for k in (1, 2, 3, 6):
        layer.truncate = None
        total = {name: np.zeros_like(g) for name, g in layer.gradients.items()}
        outs, dxs, carried, dh0 = [], [], start, None
        for begin in range(0, time, k):
            part = slice(begin, begin + k)
            run = results(layer, x[:, part], v[:, part], mask=mask[:, part], **carried)
            outs.append(run["out"])
            dxs.append(run["dx"])
            dh0 = run["dh0"] if dh0 is None else dh0
            for name in total:
                total[name] += run[name]
            final = layer.final_state if kind.name == "lstm" else (layer.final_state,)
            carried = dict(zip(start, final, strict=True))
        layer.truncate = k
        whole = results(layer, x, v, mask=mask, **start)
        chunks = {"out": np.hstack(outs), "dx": np.hstack(dxs), "dh0": dh0, **total}
        for name, value in chunks.items():
            np.testing.assert_allclose(whole[name], value, rtol=1e-11, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_is_chunk_by_chunk(kind):
    check_truncation(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_truncation_beyond_the_sequence_is_none(kind):
    rng = np.random.default_rng(9)
    layer = make(kind, 2, 3, rng)
    x, v = rng.normal(size=(3, 6, 2)), rng.normal(size=(3, 6, 3))
    full = results(layer, x, v)
    for k in (6, 7, 100):
        layer.truncate = k
        for name, value in results(layer, x, v).items():
            np.testing.assert_array_equal(value, full[name], name)
    layer.truncate = 5
    assert not np.allclose(results(layer, x, v)["U"], full["U"])


BUGS = [
    (lstm, "c[t + 1] += i[t] * g[t]", "c[t + 1] += i[t] * g[t - 1]"),
    (lstm, "dh * o[t] * tanh_slope(c[t + 1], slope_c, scratch)", "dh * o[t]"),
    (lstm, "tanh_slope(c[t + 1]", "tanh_slope(c[t]"),
    (lstm, "np.multiply(dc, c[t], out=df[t])", "np.multiply(dc, c[t + 1], out=df[t])"),
    (lstm, "dc = dc * f[t] + dc_around", "dc = dc + dc_around"),
    (lstm, "dc += dh * o[t]", "dc = dh * o[t]"),
    (lstm, "dz[t] *= slope[t]", "dz[t] *= 1"),
    (lstm, 'self._sum_over_steps("U", h[:-1], dz)', 'self._sum_over_steps("U", h[1:], dz)'),
    (lstm, "slope_g[t] *= 4", "slope_g[t] *= 2"),
    (lstm, "z_g *= 2", "z_g *= 1"),
    (lstm, "self._carry(t, h, c)", "self._carry(t, h)"),
    (lstm, "dc = dc * f[t] + dc_around", "dc = dc * f[t]"),
    (lstm, "                dc.fill(0)", ""),
    (lstm, "self.dh0, self.dc0 = dh, dc", "self.dh0, self.dc0 = dc, dh"),
    (gru, "np.multiply(dz_g[t], r[t], out=ds[t])", "ds[t] = dz_g[t]"),
    (gru, "np.multiply(dz_g[t], s[t], out=dz_r[t])", "np.multiply(dz_g[t], h[t], out=dz_r[t])"),
    (gru, "np.multiply(dh, h[t] - g[t], out=dz_u[t])", "np.multiply(dh, h[t], out=dz_u[t])"),
    (gru, "dh = dh * u[t] + dq[t] @ U_T", "dh = dq[t] @ U_T"),
    (gru, "dz_g[t] *= slope_g[t]", "dz_g[t] *= 1"),
    (gru, "gates[t, :, : 2 * n] * rest[t, :, : 2 * n]", "gates[t, :, : 2 * n]"),
    (gru, 'self._sum_over_steps("U", h[:-1], dq)', 'self._sum_over_steps("U", h[:-1], dz)'),
    (gru, 'self._sum_of_steps("b_U", ds)', 'self._sum_of_steps("b_U", dz_g)'),
    (rnn, "dh, slope[t]", "dh, slope[t - 1]"),
    (rnn, "dz[t] @ U_T", "dz[t] @ U_T.T"),
    (rnn, "dh += upstream[:, t]", "dh = upstream[:, t]"),
    (rnn, "dh += dh_around", "pass"),
    (rnn, "if self._stops(t):", "if self._stops(t + 1):"),
    (recurrent, "return self.truncate is not None and t > 0", "return False and t > 0"),
    (recurrent, "t % self.truncate == 0", "t == self.truncate"),
    (recurrent, "np.copyto(self.x, 0, where=self.skip)", "pass"),
    (recurrent, "return error - around, around", "return error, around"),
    (recurrent, "ones.fill(1)", "ones.fill(1 / len(rows))"),
]


def load(module, source=None):
    """Execute a module's source, as it is or changed, in a new module."""
    fresh = types.ModuleType(module.__name__)
    exec(compile(source or inspect.getsource(module), module.__file__, "exec"), fresh.__dict__)
    return fresh


def mutant(module, old, new):
    """The layer class with one place of its source changed."""
    source = inspect.getsource(module)
    assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
    changed = load(module, source.replace(old, new))
    if module is recurrent:
        with mock.patch.dict(sys.modules, {recurrent.__name__: changed}):
            return load(lstm).LSTM
    return next(
        getattr(changed, kind.__name__) for kind in KINDS if hasattr(changed, kind.__name__)
    )


def check_kind(kind):
    rng = np.random.default_rng(10)
    mask = np.array([[True, True, False, True], [True, True, True, False], [True] * 4])
    for given_mask in (None, mask):
        layer = make(kind, 2, 3, rng)
        check_everything(layer, rng.normal(size=(3, 4, 2)), given_mask, rng)
    check_padding(kind)
    check_truncation(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_the_checks_pass_the_right_layer(kind):
    check_kind(kind)


@pytest.mark.parametrize(("module", "old", "new"), BUGS)
def test_the_checks_catch(module, old, new):
    broken = mutant(module, old, new)
    with pytest.raises(AssertionError), np.errstate(all="ignore"):
        check_kind(broken)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_stays_and_nothing_overflows(kind):
    rng = np.random.default_rng(11)
    layer = kind(2, 3, rng=rng, dtype=np.float32)
    x = rng.choice([-1e4, 1e4], (2, 5, 2)).astype(np.float32)
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        found = results(layer, x, np.ones((2, 5, 3), np.float32))
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in found.values())


@pytest.mark.parametrize("kind", KINDS)
def test_the_result_belongs_to_the_caller(kind):
    rng = np.random.default_rng(12)
    layer, x = make(kind, 2, 3, rng), rng.normal(size=(2, 4, 2))
    v = rng.normal(size=(2, 4, 3))
    given = v.copy()
    layer.forward(x)
    dx = layer.backward(v).copy()
    np.testing.assert_array_equal(v, given)
    layer.forward(x)[...] = np.nan
    np.testing.assert_array_equal(layer.backward(v), dx)
    np.testing.assert_array_equal(layer.backward(v), dx)


@pytest.mark.parametrize("kind", KINDS)
def test_reused_buffers(kind):
    rng = np.random.default_rng(13)
    layer = kind(8, 8, rng=rng)
    x, v = rng.normal(size=(16, 100, 8)), rng.normal(size=(16, 100, 8))
    fresh = results(layer, x, v)
    layer.reuse = True
    results(layer, x, v)
    tracemalloc.start()
    layer.forward(x)
    layer.backward(v)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 2
    for name, value in results(layer, x, v).items():
        np.testing.assert_array_equal(value, fresh[name], name)


@pytest.mark.parametrize("kind", KINDS)
def test_learns_to_remember_the_first_step(kind):
    rng = np.random.default_rng(14)
    x = rng.normal(size=(200, 12, 1)).astype(np.float32)
    y = (x[:, 0, 0] > 0).astype(int)
    network = Sequential([
        kind(1, 12, rng=rng, return_sequence=False, dtype=np.float32),
        Dense(12, 2, rng=rng, dtype=np.float32),
    ])  # fmt: skip
    fit(
        network, SoftmaxCrossEntropy(), Adam(network, 0.02), x, y, epochs=60, batch_size=50, rng=rng
    )
    assert accuracy(network.forward(x), y) > 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_errors_name_the_argument(kind):
    rng = np.random.default_rng(15)
    for argument, options in (
        ("n_in", {"n_in": 0}), ("n_hidden", {"n_hidden": 0}), ("truncate", {"truncate": 0}),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=f"{kind.__name__}: {argument} is 0"):
            kind(**{"n_in": 2, "n_hidden": 3, "rng": rng, **options})
    with pytest.raises(TypeError, match="dtype is int64"):
        kind(2, 3, rng=rng, dtype=int)
    layer, x = kind(2, 3, rng=rng), np.zeros((4, 5, 2))
    where = f"{kind.__name__}.forward"
    with pytest.raises(RuntimeError, match=r"backward\(\) came before forward"):
        layer.backward(x)
    with pytest.raises(ValueError, match=rf"{where}: x has shape \(4, 2\), expected \(\*, \*, 2\)"):
        layer.forward(x[:, 0])
    with pytest.raises(ValueError, match=f"{where}: x has shape .* at least one step"):
        layer.forward(x[:, :0])
    with pytest.raises(TypeError, match=f"{where}: x has dtype float32"):
        layer.forward(x.astype(np.float32))
    with pytest.raises(TypeError, match=f"{where}: mask has dtype int64, expected bool"):
        layer.forward(x, np.ones((4, 5), int))
    with pytest.raises(TypeError, match=f"{where}: mask is a list"):
        layer.forward(x, [5, 5, 5, 5])
    with pytest.raises(ValueError, match=rf"{where}: mask has shape \(5, 4\), expected \(4, 5\)"):
        layer.forward(x, np.ones((5, 4), bool))
    with pytest.raises(ValueError, match=rf"{where}: h0 has shape \(4, 2\), expected \(4, 3\)"):
        layer.forward(x, h0=np.zeros((4, 2)))
    layer.forward(x)
    with pytest.raises(ValueError, match=r"backward: dh has shape \(4, 3\), expected \(4, 5, 3\)"):
        layer.backward(np.zeros((4, 3)))


def test_errors_of_one_layer_alone():
    rng = np.random.default_rng(16)
    with pytest.raises(ValueError, match="RNN: activation is 'gelu'"):
        RNN(2, 3, rng=rng, activation="gelu")
    layer = LSTM(2, 3, rng=rng)
    layer.forward(np.zeros((4, 5, 2)))
    with pytest.raises(ValueError, match=r"LSTM.backward: dc_last has shape \(4,\)"):
        layer.backward(np.zeros((4, 5, 3)), np.zeros(4))


def test_the_forget_gate_starts_open():
    layer = LSTM(2, 3, rng=np.random.default_rng(17), forget_bias=2.0)
    np.testing.assert_array_equal(layer.parameters["b"], [0, 0, 0, 2, 2, 2, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(
        [block.T @ block for block in np.split(layer.parameters["U"], 4, axis=1)],
        [np.eye(3)] * 4, atol=1e-14,
    )  # fmt: skip


def test_lengths_to_mask():
    mask = lengths_to_mask(np.array([0, 1, 3]), 3)
    np.testing.assert_array_equal(mask, [[0, 0, 0], [1, 0, 0], [1, 1, 1]])
    assert mask.dtype == bool
    with pytest.raises(ValueError, match="lengths runs from 1 to 4, expected 0 to time = 3"):
        lengths_to_mask(np.array([1, 4]), 3)
    with pytest.raises(TypeError, match="lengths has dtype float64"):
        lengths_to_mask(np.array([1.0]), 3)
    with pytest.raises(TypeError, match="lengths is a list"):
        lengths_to_mask([1], 3)
    with pytest.raises(ValueError, match=r"lengths has shape \(1, 1\)"):
        lengths_to_mask(np.array([[1]]), 3)
    with pytest.raises(ValueError, match="time is 0"):
        lengths_to_mask(np.array([0]), 0)
