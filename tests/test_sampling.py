"""The draw from a normal distribution: its moments, its slopes, its state, what it refuses."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.layers import Dense, GaussianSample
from backprop.losses import GaussianKL
from backprop.network import Sequential

few = settings(max_examples=20, deadline=None)


def stats(rows, mean, log_variance):
    return np.tile(np.concatenate([mean, log_variance]), (rows, 1)).astype(float)


def test_the_draws_have_the_mean_and_the_variance():
    n = 200_000
    layer = GaussianSample(rng=np.random.default_rng(0))
    a = layer.forward(stats(n, [3, -1], np.log([4, 0.25])))
    # five standard deviations of a mean and of a variance
    for column, mean, variance in zip(a.T, (3, -1), (4, 0.25), strict=True):
        assert abs(column.mean() - mean) < 5 * np.sqrt(variance / n)
        assert abs(column.var() - variance) < 5 * variance * np.sqrt(2 / n)
    assert abs(np.corrcoef(a.T)[0, 1]) < 5 / np.sqrt(n)
    assert layer.forward(np.zeros((4, 6))).shape == (4, 3)


def test_in_use_it_returns_the_mean_and_sends_nothing_to_the_variance():
    layer, x = GaussianSample(rng=np.random.default_rng(0)), np.arange(12.0).reshape(3, 4)
    before = layer.rng.bit_generator.state
    layer.train(False)
    np.testing.assert_array_equal(layer.forward(x), x[:, :2])
    dz = np.ones((3, 2))
    np.testing.assert_array_equal(layer.backward(dz), np.hstack([dz, 0 * dz]))
    assert layer.rng.bit_generator.state == before


def test_backward_belongs_to_the_mode_of_its_forward():
    layer, x = GaussianSample(rng=np.random.default_rng(0)), np.ones((3, 4))
    layer.forward(x)
    layer.train(False)
    assert layer.backward(np.ones((3, 2)))[:, 2:].all()


@few
@given(rows=st.integers(1, 4), d=st.integers(1, 3), seed=st.integers(0, 99))
def test_held_noise_passes_the_gradient_check(rows, d, seed):
    rng = np.random.default_rng(seed)
    layer = GaussianSample(rng=np.random.default_rng(seed))
    layer.held = True
    gradcheck.check_layer(layer, rng.normal(size=(rows, 2 * d)), rng=rng).raise_if_off()


def test_the_check_holds_the_noise_itself_and_refuses_a_forgotten_half():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6))
    assert gradcheck.check_layer(GaussianSample(rng=np.random.default_rng(1)), x, rng=rng).ok

    class Forgetful(GaussianSample):
        def backward(self, dz):
            return super().backward(dz) * np.repeat([1, 2], dz.shape[1])

    assert not gradcheck.check_layer(Forgetful(rng=rng), x, rng=rng).ok


def test_the_slopes_are_those_of_sympy():
    rng = np.random.default_rng(2)
    layer, x = GaussianSample(rng=rng), rng.normal(size=(2, 4))
    layer.forward(x)
    mu, ell, xi = sp.symbols("mu ell xi", real=True)
    z = mu + sp.exp(ell / 2) * xi
    dz = rng.normal(size=(2, 2))
    found = layer.backward(dz)
    for i in range(2):
        for k in range(2):
            at = {mu: x[i, k], ell: x[i, 2 + k], xi: layer.noise[i, k]}
            for column, symbol in ((k, mu), (2 + k, ell)):
                slope = float(sp.diff(z, symbol).subs(at))
                assert found[i, column] == pytest.approx(dz[i, k] * slope, rel=1e-12)


def test_the_slopes_are_those_of_torch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    layer, x, dz = GaussianSample(rng=rng), rng.normal(size=(5, 6)), rng.normal(size=(5, 3))
    layer.forward(x)
    given = torch.tensor(x, requires_grad=True)
    mean, log_variance = given.split(3, dim=1)
    z = mean + torch.exp(0.5 * log_variance) * torch.tensor(layer.noise)
    z.backward(torch.tensor(dz))
    np.testing.assert_allclose(layer.backward(dz), given.grad.numpy(), rtol=1e-12)


def test_a_network_with_a_draw_passes_the_check():
    rng = np.random.default_rng(4)
    network = Sequential([Dense(3, 8, rng=rng), GaussianSample(rng=rng), Dense(4, 2, rng=rng)])
    x, y = rng.normal(size=(5, 3)), np.zeros((5, 2))
    gradcheck.check_network(network, GaussianKL(), x, y).raise_if_off()


def test_noise_is_fresh_held_and_goes_on_from_its_state():
    layer, x = GaussianSample(rng=np.random.default_rng(5)), np.zeros((2, 4), np.float32)
    assert layer.forward(x).dtype == np.float32
    assert (layer.forward(x) != layer.forward(x)).all()
    layer.held = True
    first = layer.forward(x)
    np.testing.assert_array_equal(layer.forward(x), first)
    assert layer.forward(np.zeros((3, 4), np.float32)).shape == (3, 2)
    layer.held, state = False, layer.state()
    expected = [layer.forward(x).tobytes() for _ in range(3)]
    other = GaussianSample(rng=np.random.default_rng(99))
    other.load_state(state)
    other.reuse = True
    assert [other.forward(x).tobytes() for _ in range(3)] == expected


def test_what_it_refuses():
    layer = GaussianSample(rng=np.random.default_rng(0))
    with pytest.raises(RuntimeError, match=r"backward\(\) came before"):
        layer.backward(np.ones((1, 1)))
    with pytest.raises(ValueError, match="even number of columns"):
        layer.forward(np.ones((2, 3)))
    layer.forward(np.ones((2, 4)))
    with pytest.raises(ValueError, match="dz has shape"):
        layer.backward(np.ones((2, 4)))
