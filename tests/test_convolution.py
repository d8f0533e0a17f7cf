"""Convolution and pooling against differences, SymPy, PyTorch, HIPS autograd and plain loops."""

import tracemalloc
from itertools import product

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from autograd.scipy.signal import convolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.datasets import load_digits
from backprop.layers import AvgPool2d, Conv2d, Dense, Flatten, MaxPool2d, ReLU
from backprop.layers.convolution import X_BYTES
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.training import accuracy, fit

PEERS = "peers: install torch to compare convolution and pooling"
few = settings(derandomize=True, deadline=None, max_examples=25)
many = settings(derandomize=True, deadline=None, max_examples=60)
POOLS = [MaxPool2d, AvgPool2d]


def pairs(low, high):
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def convolutions(draw, most=3, images=7):
    """A layer with random weights and biases, and an image that its window fits into."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    size, stride = draw(pairs(1, 3)), draw(pairs(1, 3))
    padding, dilation = draw(pairs(0, 2)), draw(pairs(1, 2))
    height, width = draw(pairs(1, images))
    for n, k, p, d in zip((height, width), size, padding, dilation, strict=True):
        assume(n + 2 * p >= d * (k - 1) + 1)
    n_in, n_out, batch = (draw(st.integers(1, most)) for _ in range(3))
    conv = Conv2d(
        n_in, n_out, size, stride=stride, padding=padding, dilation=dilation, rng=rng
    )  # fmt: skip
    conv.parameters["b"][...] = rng.normal(size=n_out)
    return conv, rng.normal(size=(batch, n_in, height, width)), rng


@st.composite
def poolings(draw, kind):
    """A pooling layer, overlapping windows among them, and an image of distinct pixels."""
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    size, (height, width) = draw(pairs(1, 3)), draw(pairs(3, 6))
    pool = kind(size, stride=draw(st.none() | pairs(1, 3)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 2)), height, width)
    # 0.01 apart, so that no difference of 1e-5 makes another pixel the largest
    x = rng.permutation(np.prod(shape)).reshape(shape) * 0.01 - 0.3
    return pool, x, rng


def by_loops(x, W, b, windows):
    """z from its definition, one output after the other."""
    (s, s2), (p, p2), (d, d2) = windows.stride, windows.padding, windows.dilation
    padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p2, p2)))
    _, _, kh, kw = W.shape
    height = (padded.shape[2] - d * (kh - 1) - 1) // s + 1
    width = (padded.shape[3] - d2 * (kw - 1) - 1) // s2 + 1
    z = np.empty((len(x), len(W), height, width))
    for n, o, i, j in np.ndindex(z.shape):
        z[n, o, i, j] = b[o]
        for c, u, v in np.ndindex(W.shape[1:]):
            z[n, o, i, j] += W[o, c, u, v] * padded[n, c, s * i + d * u, s2 * j + d2 * v]
    return z


@few
@given(convolutions(most=2, images=5))
def test_convolution_is_its_definition(case):
    conv, x, _ = case
    W, b = conv.parameters["W"], conv.parameters["b"]
    np.testing.assert_allclose(conv.forward(x), by_loops(x, W, b, conv.windows), atol=1e-13)


@many
@given(convolutions())
def test_convolution_against_both_judges(case):
    conv, x, rng = case
    gradcheck.check_layer(conv, x, rng=rng).raise_if_off()


@pytest.mark.parametrize("kind", POOLS)
@few
@given(data=st.data())
def test_pooling_against_both_judges(kind, data):
    pool, x, rng = data.draw(poolings(kind))
    gradcheck.check_layer(pool, x, rng=rng).raise_if_off()


def test_flatten():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(3, 2, 4, 5))
    gradcheck.check_layer(Flatten(), x, rng=rng).raise_if_off()
    # z_k = x_c,i,j with k = (c height + i) width + j
    assert Flatten().forward(x)[2, (1 * 4 + 3) * 5 + 2] == x[2, 1, 3, 2]
    assert Flatten().forward(x[:0]).shape == (0, 40)


@many
@given(convolutions(images=9))
def test_convolution_as_torch(case):
    torch = pytest.importorskip("torch", reason=PEERS)
    conv, x, rng = case
    z = conv.forward(x)
    dz = rng.normal(size=z.shape)
    peers = [torch.tensor(a, requires_grad=True) for a in (x, *conv.parameters.values())]
    w = conv.windows
    theirs = torch.nn.functional.conv2d(
        *peers, stride=w.stride, padding=w.padding, dilation=w.dilation
    )
    theirs.backward(torch.tensor(dz))
    ours = (z, conv.backward(dz), conv.gradients["W"], conv.gradients["b"])
    for mine, peer in zip(ours, (theirs.detach(), *(t.grad for t in peers)), strict=True):
        np.testing.assert_allclose(mine, peer.numpy(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("kind", POOLS)
@few
@given(data=st.data())
def test_pooling_as_torch(kind, ties, data):
    torch = pytest.importorskip("torch", reason=PEERS)
    pool, x, rng = data.draw(poolings(kind))
    if ties:
        x = rng.integers(0, 3, x.shape).astype(float)
    name = {MaxPool2d: "max_pool2d", AvgPool2d: "avg_pool2d"}[kind]
    z = pool.forward(x)
    dz = rng.normal(size=z.shape)
    t = torch.tensor(x, requires_grad=True)
    theirs = getattr(torch.nn.functional, name)(t, pool.windows.size, pool.windows.stride)
    theirs.backward(torch.tensor(dz))
    np.testing.assert_allclose(z, theirs.detach().numpy(), rtol=0, atol=1e-10)
    np.testing.assert_allclose(pool.backward(dz), t.grad.numpy(), rtol=0, atol=1e-10)


def test_large_windows_as_torch():
    # 18 x 18 = 324 taps: their number no longer fits into a byte
    torch = pytest.importorskip("torch", reason=PEERS)
    x = np.random.default_rng(0).normal(size=(2, 1, 20, 19))
    x[0, 0, 17, 16] = 9.0
    pool, t = MaxPool2d(18, stride=1), torch.tensor(x, requires_grad=True)
    z = torch.nn.functional.max_pool2d(t, 18, 1)
    np.testing.assert_array_equal(pool.forward(x), z.detach().numpy())
    z.sum().backward()
    np.testing.assert_array_equal(pool.backward(np.ones(z.shape)), t.grad.numpy())


def test_convolution_against_sympy():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(1, 1, 3, 3)), rng.normal(size=(1, 1, 2, 2))
    conv = Conv2d(1, 1, 2, rng=rng)
    X, W, V = (
        sp.Matrix(n, n, sp.symbols(f"{a}:{n * n}")) for a, n in (("x", 3), ("w", 2), ("v", 2))
    )
    b = sp.Symbol("b")
    L = sum(
        V[i, j] * (b + sum(W[r, c] * X[i + r, j + c] for r, c in product((0, 1), repeat=2)))
        for i, j in product((0, 1), repeat=2)
    )
    numbers = [(X, x), (W, conv.parameters["W"]), (V, v), ([b], conv.parameters["b"])]
    at = {s: value for symbols, a in numbers for s, value in zip(symbols, a.ravel(), strict=True)}
    z = conv.forward(x)
    assert (v * z).sum() == pytest.approx(float(L.subs(at)), rel=1e-13)
    gradients = [(X, conv.backward(v)), (W, conv.gradients["W"]), ([b], conv.gradients["b"])]
    for symbols, gradient in gradients:
        exact = [float(sp.diff(L, s).subs(at)) for s in symbols]
        np.testing.assert_allclose(gradient.ravel(), exact, rtol=1e-13)
    # the pixel in the middle lies in all four windows, a corner in one
    assert sp.diff(L, X[1, 1]).free_symbols == {*W, *V}
    assert sp.diff(L, X[0, 0]) == V[0, 0] * W[0, 0]


def test_convolution_against_autograd():
    rng = np.random.default_rng(0)
    conv = Conv2d(2, 3, (3, 2), rng=rng)
    x, b = rng.normal(size=(4, 2, 6, 5)), rng.normal(size=3)
    conv.parameters["b"][...] = b
    z = conv.forward(x)
    v = rng.normal(size=z.shape)

    def loss(x, W, b):
        # a convolution proper turns its second argument by 180°
        turned = W[:, :, ::-1, ::-1]
        z = convolve(x, turned, axes=([2, 3], [2, 3]), dot_axes=([1], [1]), mode="valid")
        return anp.sum(v * (z + b[None, :, None, None]))

    assert (v * z).sum() == pytest.approx(loss(x, conv.parameters["W"], b), rel=1e-12)
    ours = (conv.backward(v), conv.gradients["W"], conv.gradients["b"])
    theirs = autograd.grad(loss, (0, 1, 2))(x, conv.parameters["W"], b)
    for mine, peer in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, peer, atol=1e-12)


@pytest.mark.parametrize(("kind", "reduce"), [(MaxPool2d, anp.max), (AvgPool2d, anp.mean)])
def test_pooling_against_autograd(kind, reduce):
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 3, 4, 6)), rng.normal(size=(2, 3, 2, 2))
    pool = kind((2, 3))

    def loss(x):
        blocks = anp.reshape(x, (2, 3, 2, 2, 2, 3))
        return anp.sum(v * reduce(reduce(blocks, axis=5), axis=3))

    assert (v * pool.forward(x)).sum() == pytest.approx(loss(x), rel=1e-13)
    np.testing.assert_allclose(pool.backward(v), autograd.grad(loss)(x), atol=1e-13)


# ---- wrong backward passes, all convicted -------------------------------------------------------


class Planted(Conv2d):
    """Conv2d whose backward pass is the definition tap by tap, with one bug, chosen by name."""

    def __init__(self, bug, **how):
        super().__init__(2, 3, (3, 2), **how)
        self.bug = bug

    def backward(self, dz):
        W, dW = self.parameters["W"], self.gradients["W"]
        (s, s2), (p, p2), (d, d2) = self.windows.stride, self.windows.padding, self.windows.dilation
        if self.bug == "stride ignored":
            s = s2 = 1
        if self.bug == "dilation ignored":
            d = d2 = 1
        if self.bug == "kernel flipped in dx":
            W = W[:, :, ::-1, ::-1]
        if self.bug == "channels transposed in dx":
            W = W.reshape(2, 3, 3, 2).swapaxes(0, 1)
        x = np.pad(self.x, ((0, 0), (0, 0), (p, p), (p2, p2)))
        dx = np.zeros_like(x)
        seen = slice(len(x) - (self.bug == "last image forgotten in dW"))
        _, _, height, width = dz.shape
        for u, v in np.ndindex(W.shape[2:]):
            rows = slice(d * u, d * u + s * (height - 1) + 1, s)
            columns = slice(d2 * v, d2 * v + s2 * (width - 1) + 1, s2)
            share = np.einsum("oc,noij->ncij", W[:, :, u, v], dz)
            if self.bug == "overlapping windows overwrite":
                dx[:, :, rows, columns] = share
            else:
                dx[:, :, rows, columns] += share
            dW[:, :, u, v] = np.einsum("noij,ncij->oc", dz[seen], x[seen, :, rows, columns])
        self.gradients["b"][...] = dz.sum((0, 2, 3))
        if self.bug == "bias not summed over space":
            self.gradients["b"][...] = dz[:, :, 0, 0].sum(0)
        if self.bug == "bias averaged over space":
            self.gradients["b"][...] = dz.mean((2, 3)).sum(0)
        if self.bug == "kernel flipped in dW":
            dW[...] = dW[:, :, ::-1, ::-1].copy()
        n, m = self.x.shape[2:]
        if self.bug == "padding's gradient kept":
            return dx[:, :, :n, :m]
        return dx[:, :, p : p + n, p2 : p2 + m]


BUGS = [
    "kernel flipped in dx", "kernel flipped in dW", "channels transposed in dx", "stride ignored",
    "dilation ignored", "padding's gradient kept", "bias not summed over space",
    "bias averaged over space", "overlapping windows overwrite", "last image forgotten in dW",
]  # fmt: skip


def planted(bug, seed):
    rng = np.random.default_rng(seed)
    conv = Planted(bug, stride=2, padding=1, dilation=2, rng=rng)
    return gradcheck.check_layer(conv, rng.normal(size=(3, 2, 8, 7)), rng=rng)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("bug", BUGS)
def test_planted_bug_is_caught(bug, seed):
    report = planted(bug, seed)
    # both judges convict, so neither rests on the other
    off = {row.oracle for row in report.rows if not row.error <= row.tolerance}
    assert off == {"central difference", "complex step"}


def test_without_a_bug_none_is_caught():
    planted("none", 0).raise_if_off()


class PlantedPool(MaxPool2d):
    """MaxPool2d whose backward pass has one bug, chosen by name."""

    def __init__(self, bug):
        super().__init__(3, stride=2)
        self.bug = bug

    def backward(self, dz):
        dx = np.zeros(self.x_shape)
        for k, (_, pixels) in enumerate(self.taps):
            hit = self.winner == (8 - k if self.bug == "taps in reverse" else k)
            if self.bug == "spread over the window":
                hit = np.full(hit.shape, 1 / 9)
            if self.bug == "overlapping windows overwrite":
                dx[pixels][hit] = dz[hit]
            else:
                dx[pixels] += dz * hit
        return dx


@pytest.mark.parametrize(
    "bug", ["none", "taps in reverse", "spread over the window", "overlapping windows overwrite"]
)
def test_planted_bug_in_pooling_is_caught(bug):
    rng = np.random.default_rng(0)
    x = rng.permutation(2 * 49).reshape(1, 2, 7, 7) * 0.01
    assert gradcheck.check_layer(PlantedPool(bug), x, rng=rng).ok == (bug == "none")


# ---- ties, complex numbers, NaN -----------------------------------------------------------------


def test_ties_go_to_the_first_maximum():
    x = np.array([[[[1.0, 2, 2], [2, 0, 2], [2, 2, 2]]]])
    pool = MaxPool2d(2, stride=1)
    np.testing.assert_array_equal(pool.forward(x), np.full((1, 1, 2, 2), 2.0))
    dx = pool.backward(np.array([[[[1.0, 10], [100, 1000]]]]))
    np.testing.assert_array_equal(dx[0, 0], [[0, 11, 0], [100, 0, 1000], [0, 0, 0]])


def test_maximum_of_complex_numbers_goes_by_the_real_part():
    x = np.array([[[[1 + 9j, 2 - 1j], [2 + 5j, -3 + 99j]]]])
    np.testing.assert_array_equal(MaxPool2d(2).forward(x), [[[[2 - 1j]]]])


@pytest.mark.parametrize("place", range(4))
def test_maximum_keeps_nan(place):
    x = np.arange(4.0).reshape(1, 1, 2, 2)
    x.reshape(-1)[place] = np.nan
    assert np.isnan(MaxPool2d(2).forward(x)).all()


@pytest.mark.parametrize("layer", [Conv2d(2, 3, 2, rng=np.random.default_rng(0)), *[
    kind(2) for kind in POOLS], Flatten()])  # fmt: skip
def test_complex_input_passes_through(layer):
    rng = np.random.default_rng(1)
    x, direction = rng.normal(size=(2, 2, 2, 4, 4))
    slope = (layer.forward(x + 1e-6 * direction) - layer.forward(x - 1e-6 * direction)) / 2e-6
    z = layer.forward(x + 1e-20j * direction)
    assert z.dtype == np.complex128
    np.testing.assert_allclose(z.imag / 1e-20, slope, atol=1e-8)


# ---- in a network -------------------------------------------------------------------------------


def small(dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    stack = [
        Conv2d(1, 4, 3, padding=1, rng=rng, dtype=dtype), ReLU(), MaxPool2d(2),
        Conv2d(4, 6, 3, rng=rng, dtype=dtype), ReLU(), AvgPool2d(2), Flatten(),
        Dense(6, 10, rng=rng, dtype=dtype),
    ]  # fmt: skip
    return Sequential(stack), rng


def test_network_against_both_judges():
    network, rng = small()
    x, y = rng.normal(size=(3, 1, 8, 8)), np.array([0, 3, 9])
    gradcheck.check_network(network, SoftmaxCrossEntropy(), x, y).raise_if_off()
    assert list(network.parameters) == [
        f"{name}.{key}" for name in ("conv1", "conv2", "dense1") for key in "Wb"
    ]
    network.dtheta[...] = np.nan
    dz = np.ones((3, 10))
    network.backward_parameters(dz)
    spared = network.dtheta.copy()
    network.backward(dz)
    np.testing.assert_array_equal(network.dtheta, spared)
    assert np.isfinite(spared).all()


def test_network_learns_digits():
    digits = load_digits(dtype=np.float32)
    x, y = digits.x_train.reshape(-1, 1, 8, 8)[:600], digits.y_train[:600]
    rng = np.random.default_rng(0)
    stack = [
        Conv2d(1, 8, 3, padding=1, rng=rng, dtype=np.float32), ReLU(), MaxPool2d(2),
        Conv2d(8, 16, 3, rng=rng, dtype=np.float32), ReLU(), Flatten(),
        Dense(64, 10, rng=rng, dtype=np.float32),
    ]  # fmt: skip
    network = Sequential(stack)
    fit(
        network, SoftmaxCrossEntropy(), SGD(network, learning_rate=0.1),
        x, y, epochs=10, batch_size=20, rng=rng,
    )  # fmt: skip
    held_out = digits.x_test.reshape(-1, 1, 8, 8)
    assert accuracy(network.forward(held_out), digits.y_test) > 0.9


@pytest.mark.parametrize("batch", [1, 5, 64, 70])
def test_groups_of_images_make_no_difference(batch):
    # 9 taps of 16 channels of 12 x 12 pixels in float64: X of six images fits into X_BYTES
    rng = np.random.default_rng(0)
    conv = Conv2d(16, 4, 3, padding=1, rng=rng)
    assert X_BYTES // (9 * 16 * 144 * 8) == 6
    x, dz = rng.normal(size=(batch, 16, 12, 12)), rng.normal(size=(batch, 4, 12, 12))
    z, dx = conv.forward(x), conv.backward(dz)
    dW, db = conv.gradients["W"].copy(), conv.gradients["b"].copy()
    sum_W, sum_b = np.zeros_like(dW), np.zeros_like(db)
    for n in range(batch):
        np.testing.assert_allclose(conv.forward(x[n : n + 1])[0], z[n], atol=1e-12)
        np.testing.assert_allclose(conv.backward(dz[n : n + 1])[0], dx[n], atol=1e-12)
        sum_W += conv.gradients["W"]
        sum_b += conv.gradients["b"]
    np.testing.assert_allclose(dW, sum_W, atol=1e-11)
    np.testing.assert_allclose(db, sum_b, atol=1e-11)


def test_reused_buffers_change_nothing_and_need_no_new_memory():
    rng = np.random.default_rng(0)
    stack = [
        Conv2d(3, 8, 3, padding=1, rng=rng), MaxPool2d(3, stride=2),
        Conv2d(8, 8, 3, rng=rng, dilation=2), AvgPool2d(2, stride=1), Flatten(),
    ]  # fmt: skip
    network = Sequential(stack)
    x = rng.normal(size=(2, 64, 3, 32, 32))
    fresh = []
    for part in x:
        z = network.forward(part)
        fresh.append((z, network.backward(z), network.dtheta.copy()))
    network.reuse_buffers(True)
    network.backward(network.forward(x[0][:7]))
    for part, (z, dx, dtheta) in zip(x, fresh, strict=True):
        np.testing.assert_array_equal(network.forward(part), z)
        np.testing.assert_array_equal(network.backward(z), dx)
        np.testing.assert_array_equal(network.dtheta, dtheta)
    tracemalloc.start()
    try:
        for _ in range(3):
            network.backward(network.forward(x[0]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # NumPy converts booleans in pieces of 8192 numbers; the smallest activation is the last
    assert peak < 4 * 8192 * 8 < fresh[0][0].nbytes, peak


def test_empty_batch():
    conv = Conv2d(2, 3, 2, rng=np.random.default_rng(0))
    z = conv.forward(np.zeros((0, 2, 4, 4)))
    assert z.shape == (0, 3, 3, 3) and conv.backward(z).shape == (0, 2, 4, 4)
    assert not conv.gradients["W"].any() and not conv.gradients["b"].any()
    for kind in POOLS:
        pool = kind(2)
        assert pool.backward(pool.forward(np.zeros((0, 2, 4, 4)))).shape == (0, 2, 4, 4)


def test_views_as_input():
    # neither x nor dz need be contiguous
    rng = np.random.default_rng(0)
    conv = Conv2d(2, 3, 2, rng=rng)
    x, dz = rng.normal(size=(4, 5, 5, 2)), rng.normal(size=(4, 4, 4, 3))
    z = conv.forward(x.transpose(0, 3, 1, 2))
    dx = conv.backward(dz.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(z, conv.forward(x.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_array_equal(dx, conv.backward(dz.transpose(0, 3, 1, 2).copy()))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes(dtype):
    network, rng = small(dtype)
    z = network.forward(rng.normal(size=(2, 1, 8, 8)).astype(dtype))
    assert z.dtype == network.backward(z).dtype == network.dtheta.dtype == dtype


def test_initial_weights():
    conv = Conv2d(64, 50, (3, 5), rng=np.random.default_rng(0))
    # he: variance 2 / n_in, where one output sums 64 · 15 terms
    assert conv.parameters["W"].shape == (50, 64, 3, 5)
    assert conv.parameters["W"].var() == pytest.approx(2 / (64 * 15), rel=0.03)
    assert not conv.parameters["b"].any()
    again = Conv2d(64, 50, (3, 5), rng=np.random.default_rng(0))
    np.testing.assert_array_equal(conv.parameters["W"], again.parameters["W"])


# ---- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        (dict(n_in=0), ValueError, "Conv2d: n_in is 0, expected at least 1"),
        (dict(n_out=1.5), TypeError, "Conv2d: n_out is 1.5, a float, expected an integer"),
        (dict(size=(3, 0)), ValueError, "Conv2d: size is 0, expected at least 1"),
        (dict(size=(3, 3, 3)), TypeError, r"Conv2d: size is \(3, 3, 3\), a tuple, expected an int"),
        (dict(stride=0), ValueError, "Conv2d: stride is 0"),
        (dict(padding=-1), ValueError, "Conv2d: padding is -1, expected at least 0"),
        (dict(dilation=(1, 0)), ValueError, "Conv2d: dilation is 0"),
        (dict(dtype=int), TypeError, "Conv2d: dtype is int64, expected float32 or float64"),
    ],
)
def test_wrong_construction(how, error, message):
    arguments = dict(n_in=1, n_out=1, size=3, rng=np.random.default_rng(0)) | how
    with pytest.raises(error, match=message):
        Conv2d(**arguments)


def test_wrong_pooling():
    with pytest.raises(ValueError, match="MaxPool2d: size is 0, expected at least 1"):
        MaxPool2d(0)
    with pytest.raises(ValueError, match="AvgPool2d: stride is 0, expected at least 1"):
        AvgPool2d(2, stride=0)


def test_wrong_input():
    conv = Conv2d(2, 3, 3, dilation=2, padding=1, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"Conv2d.forward: x has shape \(4, 3, 8, 8\), expected \(\*, 2, \*, \*\)"):  # noqa: E501  # fmt: skip
        conv.forward(np.zeros((4, 3, 8, 8)))
    with pytest.raises(ValueError, match=r"Conv2d.forward: x has shape \(4, 64\)"):
        conv.forward(np.zeros((4, 64)))
    with pytest.raises(TypeError, match="x has dtype int64, expected float32 or float64"):
        conv.forward(np.zeros((4, 2, 8, 8), int))
    with pytest.raises(TypeError, match="x has dtype float32, expected float64 as the parameters"):
        conv.forward(np.zeros((4, 2, 8, 8), np.float32))
    with pytest.raises(ValueError, match=r"expected a width of at least 3 \(size 3, dilation 2, padding 1\)"):  # noqa: E501  # fmt: skip
        conv.forward(np.zeros((4, 2, 8, 2)))
    assert conv.forward(np.zeros((4, 2, 3, 3))).shape == (4, 3, 1, 1)
    for pool in (MaxPool2d((3, 2)), AvgPool2d((3, 2))):
        where = type(pool).__name__
        with pytest.raises(ValueError, match=f"{where}.forward: x .* a height of at least 3"):
            pool.forward(np.zeros((1, 1, 2, 2)))
        with pytest.raises(ValueError, match=rf"{where}.forward: x has shape \(2, 2\)"):
            pool.forward(np.zeros((2, 2)))
    with pytest.raises(TypeError, match=r"Flatten.forward: x is a list"):
        Flatten().forward([[1.0]])
    with pytest.raises(ValueError, match=r"Flatten.forward: x has shape \(\)"):
        Flatten().forward(np.array(1.0))


@pytest.mark.parametrize(
    "layer", [Conv2d(2, 3, 2, rng=np.random.default_rng(0)), MaxPool2d(2), AvgPool2d(2), Flatten()]
)
def test_wrong_delta(layer):
    where = type(layer).__name__
    with pytest.raises(RuntimeError, match=rf"{where}: backward\(\) came before forward\(\)"):
        layer.backward(np.zeros((1, 1, 1, 1)))
    z = layer.forward(np.zeros((2, 2, 4, 4)))
    with pytest.raises(ValueError, match=rf"{where}.backward: dz has shape \(9,\), expected"):
        layer.backward(np.zeros(9))
    with pytest.raises(TypeError, match=f"{where}.backward: dz has dtype int64"):
        layer.backward(np.zeros(z.shape, int))
