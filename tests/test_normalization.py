"""Normalisations, dropout and residuals against differences, SymPy and PyTorch."""

import json

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.book import symbolic
from backprop.layers import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    ReLU,
    Residual,
    RMSNorm,
    Tanh,
)
from backprop.randomness import generator_state, set_generator_state

PEERS = "peers: install torch to compare the normalisations"
few = settings(derandomize=True, deadline=None, max_examples=12)
# At ε = 1e-5 two values per mean leave x̂ at ±1 and dx near 0: nothing to be relative to.
EPS = 0.1


def spread(layer, rng):
    for value in layer.parameters.values():
        value[...] = rng.normal(size=value.shape)
    return layer


@few
@given(
    batch=st.integers(2, 5), n=st.integers(1, 4), training=st.booleans(), seed=st.integers(0, 99)
)
def test_batchnorm_of_rows(batch, n, training, seed):
    rng = np.random.default_rng(seed)
    layer = spread(BatchNorm(n, eps=EPS), rng)
    layer.forward(rng.normal(3, 2, (20, n)))
    layer.training = training
    gradcheck.check_layer(layer, rng.normal(1, 2, (batch, n)), rng=rng).raise_if_off()


@few
@given(
    shape=st.tuples(*[st.integers(1, 3)] * 4).filter(lambda s: s[0] * s[2] * s[3] > 1),
    training=st.booleans(),
    seed=st.integers(0, 99),
)
def test_batchnorm_of_images(shape, training, seed):
    rng = np.random.default_rng(seed)
    layer = spread(BatchNorm(shape[1], eps=EPS), rng)
    layer.training = training
    gradcheck.check_layer(layer, rng.normal(1, 2, shape), rng=rng).raise_if_off()


@pytest.mark.parametrize("kind", [LayerNorm, RMSNorm])
@few
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=3), seed=st.integers(0, 99))
def test_norms_of_rows(kind, shape, seed):
    rng = np.random.default_rng(seed)
    layer = spread(kind(shape[-1], eps=EPS), rng)
    gradcheck.check_layer(layer, rng.normal(1, 2, shape), rng=rng).raise_if_off()


def torch_pair(torch, peer, layer):
    """The peer, in float64, with our parameters."""
    peer = peer.double()
    with torch.no_grad():
        peer.weight.copy_(torch.from_numpy(layer.parameters["gamma"]))
        if "beta" in layer.parameters:
            peer.bias.copy_(torch.from_numpy(layer.parameters["beta"]))
    return peer


def assert_same_passes(torch, layer, peer, x, rng):
    z = layer.forward(x)
    x_peer = torch.tensor(x, requires_grad=True)
    z_peer = peer(x_peer)
    v = rng.normal(size=z.shape)
    peer.zero_grad()
    z_peer.backward(torch.from_numpy(v))
    close = dict(rtol=0, atol=1e-10)
    np.testing.assert_allclose(z, z_peer.detach().numpy(), **close)
    np.testing.assert_allclose(layer.backward(v), x_peer.grad.numpy(), **close)
    np.testing.assert_allclose(layer.gradients["gamma"], peer.weight.grad.numpy(), **close)
    if "beta" in layer.gradients:
        np.testing.assert_allclose(layer.gradients["beta"], peer.bias.grad.numpy(), **close)


@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 5, 2)])
def test_batchnorm_is_torchs(shape):
    torch = pytest.importorskip("torch", reason=PEERS)
    rng = np.random.default_rng(0)
    layer = spread(BatchNorm(3, momentum=0.2), rng)
    kind = torch.nn.BatchNorm1d if len(shape) == 2 else torch.nn.BatchNorm2d
    peer = torch_pair(torch, kind(3, momentum=0.2), layer)
    for _ in range(3):
        assert_same_passes(torch, layer, peer, rng.normal(2, 3, shape), rng)
    state = layer.state()
    close = dict(rtol=0, atol=1e-10)
    np.testing.assert_allclose(state["running_mean"], peer.running_mean.numpy(), **close)
    np.testing.assert_allclose(state["running_var"], peer.running_var.numpy(), **close)
    layer.training = False
    peer.eval()
    assert_same_passes(torch, layer, peer, rng.normal(2, 3, shape), rng)


@pytest.mark.parametrize("shape", [(5,), (6, 5), (2, 3, 5)])
def test_layernorm_and_rmsnorm_are_torchs(shape):
    torch = pytest.importorskip("torch", reason=PEERS)
    rng = np.random.default_rng(0)
    for ours, theirs in ((LayerNorm, torch.nn.LayerNorm), (RMSNorm, torch.nn.RMSNorm)):
        layer = spread(ours(5), rng)
        peer = torch_pair(torch, theirs(5, eps=1e-5), layer)
        assert_same_passes(torch, layer, peer, rng.normal(2, 3, shape), rng)


def test_layernorm_is_sympys_derivative():
    letters = {name: sp.symbols(f"{name}1:4", real=True) for name in ("x", "gamma", "beta", "v")}
    x, gamma, beta, v = letters.values()
    eps = sp.Rational(1, 1000)
    mean = sum(x) / 3
    sigma = sp.sqrt(sum((t - mean) ** 2 for t in x) / 3 + eps)
    z = [g * (t - mean) / sigma + b for t, g, b in zip(x, gamma, beta, strict=True)]
    total = sum(a * b for a, b in zip(v, z, strict=True))
    rng = np.random.default_rng(0)
    layer = spread(LayerNorm(3, eps=float(eps)), rng)
    at = {"x": rng.normal(size=3), "v": rng.normal(size=3), **layer.parameters}
    numbers = [symbolic.values(letters[name], at[name]) for name in letters]
    numbers = {s: value for part in numbers for s, value in part.items()}

    def exact(name):
        return symbolic.evaluate(symbolic.gradient(total, sp.Matrix(letters[name])), numbers)[:, 0]

    layer.forward(at["x"][None])
    np.testing.assert_allclose(layer.backward(at["v"][None])[0], exact("x"), rtol=1e-13)
    np.testing.assert_allclose(layer.gradients["gamma"], exact("gamma"), rtol=1e-13)
    np.testing.assert_allclose(layer.gradients["beta"], exact("beta"), rtol=1e-13)


def test_x_hat_has_mean_0_and_variance_1_also_far_from_0():
    x = np.random.default_rng(0).normal(1e6, 1, (500, 4))
    z = BatchNorm(4, eps=0).forward(x)
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(z.var(axis=0), 1, rtol=1e-9)


def test_running_averages_are_those_of_the_formula():
    rng = np.random.default_rng(0)
    layer, mean, var = BatchNorm(3, momentum=0.3), np.zeros(3), np.ones(3)
    for _ in range(4):
        x = rng.normal(size=(6, 3))
        layer.forward(x)
        mean = 0.7 * mean + 0.3 * x.mean(axis=0)
        var = 0.7 * var + 0.3 * x.var(axis=0, ddof=1)
    np.testing.assert_allclose(layer.running_mean, mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var, var, rtol=1e-13)
    kept = layer.state()
    layer.forward(x.astype(complex))
    layer.training = False
    layer.forward(x)
    assert all(kept[name].tobytes() == value.tobytes() for name, value in layer.state().items())
    other = BatchNorm(3)
    other.load_state(kept)
    other.training = False
    assert other.forward(x).tobytes() == layer.forward(x).tobytes()
    kept["running_mean"][...] = 9
    assert not (other.running_mean == 9).any()


def test_the_mode_of_the_forward_pass_decides_on_the_backward_pass():
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(5, 2)), rng.normal(size=(5, 2))
    for layer in (BatchNorm(2), Dropout(0.5, rng=rng)):
        layer.forward(x)
        expected = layer.backward(v).copy()
        layer.training = False
        np.testing.assert_array_equal(layer.backward(v), expected)
        layer.forward(x)
        assert not np.allclose(layer.backward(v), expected)


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm, RMSNorm])
def test_reused_arrays_and_float32(kind):
    rng = np.random.default_rng(0)
    fresh, reused = kind(3, dtype=np.float32), kind(3, dtype=np.float32)
    reused.reuse = True
    for _ in range(2):
        x, v = rng.normal(size=(2, 4, 3)).astype(np.float32)
        z, again = fresh.forward(x), reused.forward(x)
        dx, dx_again = fresh.backward(v), reused.backward(v)
        assert z.tobytes() == again.tobytes() and dx.tobytes() == dx_again.tobytes()
        assert {z.dtype, dx.dtype, *(g.dtype for g in fresh.gradients.values())} == {x.dtype}
    assert reused.forward(x) is again


class Planted:
    """One bug each in a backward pass, of the kinds that people make."""

    class MeanForgotten(BatchNorm):
        def _standardize_vjp(self, dx_hat, axes):
            return (dx_hat - self.x_hat * (dx_hat * self.x_hat).mean(axes, keepdims=True)) / (
                self.sigma
            )

    class VarianceConstant(LayerNorm):
        def _standardize_vjp(self, dx_hat, axes):
            return (dx_hat - dx_hat.mean(axes, keepdims=True)) / self.sigma

    class StatisticsConstant(BatchNorm):
        def _standardize_vjp(self, dx_hat, axes):
            return dx_hat / self.sigma

    class OtherAxis(LayerNorm):
        def _standardize_vjp(self, dx_hat, axes):
            return super()._standardize_vjp(dx_hat, (0,))

    class ScaledByVariance(RMSNorm):
        def backward(self, dz):
            return super().backward(dz) / self.r

    class GammaAveraged(RMSNorm):
        def backward(self, dz):
            dx = super().backward(dz)
            self.gradients["gamma"] /= len(dz)
            return dx


@pytest.mark.parametrize("bug", [n for n in vars(Planted) if not n.startswith("_")])
def test_gradcheck_catches(bug):
    rng = np.random.default_rng(0)
    layer = spread(getattr(Planted, bug)(3), rng)
    assert not gradcheck.check_layer(layer, rng.normal(size=(5, 3)), rng=rng).ok


def test_errors_name_the_argument():
    x = np.zeros((4, 3))
    with pytest.raises(ValueError, match=r"x has shape \(4, 3\), expected \(\*, 2\)"):
        BatchNorm(2).forward(x)
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\), 1 value per channel.* at least 2"):
        BatchNorm(3).forward(x[:1])
    with pytest.raises(ValueError, match=r"expected \(\*, 2, \*, \*\)"):
        BatchNorm(2).forward(np.zeros((4, 3, 2, 2)))
    with pytest.raises(ValueError, match=r"x has shape \(4, 3\), expected \(\*, 5\)"):
        LayerNorm(5).forward(x)
    with pytest.raises(ValueError, match=r"x has shape \(\), expected \(5,\)"):
        LayerNorm(5).forward(np.zeros(()))
    with pytest.raises(TypeError, match="x has dtype float32, expected float64"):
        RMSNorm(3).forward(x.astype(np.float32))
    with pytest.raises(ValueError, match=r"dz has shape \(3, 3\), expected \(4, 3\)"):
        layer = RMSNorm(3)
        layer.forward(x)
        layer.backward(x[:3])
    with pytest.raises(RuntimeError, match=r"BatchNorm: backward\(\) came before forward"):
        BatchNorm(3).backward(x)
    with pytest.raises(ValueError, match="n is 0"):
        LayerNorm(0)
    with pytest.raises(ValueError, match="momentum is 1"):
        BatchNorm(3, momentum=1)
    with pytest.raises(ValueError, match=r"state holds \['mean'\], expected \['running_mean'"):
        BatchNorm(3).load_state({"mean": x})
    with pytest.raises(ValueError, match=r"running_mean has shape \(2,\) .* expected \(3,\)"):
        BatchNorm(3).load_state(BatchNorm(2).state())
    with pytest.raises(ValueError, match="p is 1"):
        Dropout(1, rng=np.random.default_rng())


def test_dropout_keeps_the_mean_and_the_share():
    layer = Dropout(0.25, rng=np.random.default_rng(0))
    a = layer.forward(np.ones((400, 500)))
    assert set(np.unique(a)) == {0, 1 / 0.75}
    # 200 000 independent entries: five standard deviations of the share, and of the mean
    share = 5 * np.sqrt(0.25 * 0.75 / a.size)
    assert abs((a == 0).mean() - 0.25) < share
    assert abs(a.mean() - 1) < share / 0.75
    layer.training = False
    x = np.random.default_rng(1).normal(size=(3, 4))
    assert layer.forward(x) is x and layer.backward(x) is x


@few
@given(shape=st.lists(st.integers(1, 4), min_size=1, max_size=4), seed=st.integers(0, 99))
def test_dropout_with_a_held_mask(shape, seed):
    rng = np.random.default_rng(seed)
    layer = Dropout(0.5, rng=np.random.default_rng(seed))
    layer.held = True
    gradcheck.check_layer(layer, rng.normal(size=shape), rng=rng).raise_if_off()


def test_gradcheck_holds_the_mask_and_refuses_one_scaled_one_way_only():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 5))
    assert gradcheck.check_layer(Dropout(0.5, rng=np.random.default_rng(1)), x, rng=rng).ok

    class ForwardOnly(Dropout):
        def backward(self, dz):
            return dz * (self.mask > 0)

    layer = ForwardOnly(0.5, rng=rng)
    layer.held = True
    assert not gradcheck.check_layer(layer, x, rng=rng).ok


def test_dropout_goes_on_from_its_state():
    layer = Dropout(0.5, rng=np.random.default_rng(0))
    x = np.ones((6, 7), np.float32)
    layer.forward(x)
    state = layer.state()
    expected = [layer.forward(x).tobytes() for _ in range(3)]
    assert len(set(expected)) == 3
    other = Dropout(0.5, rng=np.random.default_rng(99))
    other.load_state(state)
    other.reuse = True
    assert [other.forward(x).tobytes() for _ in range(3)] == expected
    assert other.forward(x).dtype == np.float32


@pytest.mark.parametrize("kind", ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"])
def test_state_of_every_bit_generator(kind):
    make = getattr(np.random, kind)
    rng, other = np.random.Generator(make(1)), np.random.Generator(make(2))
    rng.random(7, np.float32)
    state = generator_state(rng)
    expected = rng.random(5, np.float32).tobytes() + rng.permutation(30).tobytes()
    set_generator_state(other, state)
    assert other.random(5, np.float32).tobytes() + other.permutation(30).tobytes() == expected
    foreign = (
        np.random.default_rng(3) if kind != "PCG64" else np.random.Generator(np.random.SFC64())
    )
    with pytest.raises(ValueError, match=f"state is that of {kind}, expected"):
        set_generator_state(foreign, state)
    kept = str(generator_state(other))
    broken = json.loads(str(state))
    del broken["state"]
    for bad in ("no json", "[]", "{}", json.dumps(broken)):
        with pytest.raises(ValueError, match="state holds no state of"):
            set_generator_state(other, np.array(bad))
    assert str(generator_state(other)) == kept


def residual(rng, n=3):
    return Residual([Dense(n, 5, rng=rng), Tanh(), Dense(5, n, rng=rng)])


@few
@given(batch=st.integers(1, 4), n=st.integers(1, 4), seed=st.integers(0, 99))
def test_residual(batch, n, seed):
    rng = np.random.default_rng(seed)
    layer = residual(rng, n)
    assert list(layer.parameters) == ["dense1.W", "dense1.b", "dense2.W", "dense2.b"]
    gradcheck.check_layer(layer, rng.normal(size=(batch, n)), rng=rng).raise_if_off()


def test_residual_within_a_residual_with_norms():
    rng = np.random.default_rng(0)
    layer = Residual([LayerNorm(3), residual(rng), RMSNorm(3), Dropout(0.5, rng=rng)])
    layer.named["dropout1"].held = True
    assert "residual1.dense2.W" in layer.parameters
    gradcheck.check_layer(layer, rng.normal(size=(4, 3)), rng=rng).raise_if_off()
    layer.training = False
    assert not any(inner.training for _, inner in layer.walk())


def test_a_residual_of_zeros_is_the_identity_both_ways():
    rng = np.random.default_rng(0)
    layer, x = residual(rng), rng.normal(size=(4, 3))
    layer.parameters["dense2.W"][...] = 0
    np.testing.assert_array_equal(layer.forward(x), x)
    np.testing.assert_array_equal(layer.backward(x), x)


def test_gradcheck_catches_a_residual_without_its_shortcut():
    class Straight(Residual):
        def backward(self, dz):
            return super().backward(dz) - dz

    rng = np.random.default_rng(0)
    layer = Straight([Dense(3, 3, rng=rng), ReLU()])
    report = gradcheck.check_layer(layer, rng.normal(size=(4, 3)), rng=rng)
    assert not report.ok and report.worst.argument == "x"


def test_residual_refuses_another_shape():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=r"f\(x\) has shape \(4, 2\), expected \(4, 3\) as x"):
        Residual([Dense(3, 2, rng=rng)]).forward(np.zeros((4, 3)))
    with pytest.raises(ValueError, match="Residual: layers is empty"):
        Residual([])


def test_dropout_backward_belongs_to_the_mode_of_its_forward():
    layer, x = Dropout(0.5, rng=np.random.default_rng(1)), np.ones((4, 6))
    dropped = layer.forward(x).copy()
    layer.training = False
    np.testing.assert_array_equal(layer.backward(x), dropped)
    assert layer.forward(x) is x and layer.backward(x) is x
    layer.training = True
    np.testing.assert_array_equal(layer.backward(x), x)


def test_held_dropout_keeps_its_mask_until_the_shape_changes():
    layer, x = Dropout(0.5, rng=np.random.default_rng(1)), np.ones((8, 8))
    first = layer.forward(x).copy()
    assert (layer.forward(x) != first).any()
    layer.held = True
    kept = layer.forward(x).copy()
    np.testing.assert_array_equal(layer.forward(x), kept)
    assert layer.forward(np.ones((3, 5))).shape == (3, 5)


@pytest.mark.parametrize("n_out", [2, 4])
def test_residual_names_the_shape_of_its_branch(n_out):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=rf"f\(x\) has shape \(5, {n_out}\), expected \(5, 3\)"):
        Residual([Dense(3, n_out, rng=rng)]).forward(np.ones((5, 3)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm, RMSNorm])
def test_equal_values_without_epsilon_have_the_value_of_a_kink(kind, dtype):
    layer = kind(3, eps=0.0, dtype=dtype)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 3)).astype(dtype)
    if kind is BatchNorm:
        x[:, 1] = 0.1  # whose mean is not 0.1
    else:
        x[1] = 0.0 if kind is RMSNorm else 0.1
    flat = (slice(None), 1) if kind is BatchNorm else 1
    np.testing.assert_array_equal(layer.forward(x)[flat], 0)
    dx = layer.backward(rng.normal(size=(4, 3)).astype(dtype))
    np.testing.assert_array_equal(dx[flat], 0)
    rest = np.ones((4, 3), bool)
    rest[flat] = False
    assert np.isfinite(dx).all() and dx[rest].all()
    assert all(np.isfinite(g).all() for g in layer.gradients.values())
    if kind is BatchNorm:
        layer.running_var[1] = 0
        layer.train(False)
        np.testing.assert_array_equal(layer.forward(x)[flat], 0)
        np.testing.assert_array_equal(layer.backward(x)[flat], 0)
    if dtype is np.float64:
        layer.train(True)
        away = np.random.default_rng(1).normal(size=(4, 3))
        gradcheck.check_layer(layer, away, rng=rng).raise_if_off()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_batch_that_is_not_finite_leaves_the_running_averages(value):
    layer = BatchNorm(2)
    x = np.array([[1.0, 2.0], [3.0, 5.0], [0.0, 1.0]])
    layer.forward(x)
    before = layer.state()
    x[1, 0] = value
    with np.errstate(invalid="ignore"):
        layer.forward(x)
    np.testing.assert_equal(layer.state(), before)
