"""The judges themselves: their order, their probes, and that they leave the network as it was."""

import numpy as np
import pytest

from backprop import layers, losses
from backprop.autodiff import gradcheck
from backprop.network import Sequential


def make(dtype=np.float64):
    rng = np.random.default_rng(0)
    stack = [
        layers.Dense(3, 4, rng=rng, dtype=dtype),
        layers.GELU(),
        layers.Dense(4, 2, rng=rng, dtype=dtype),
    ]
    x = rng.normal(size=(5, 3)).astype(dtype)
    return Sequential(stack), losses.SoftmaxCrossEntropy(), x, rng.integers(2, size=5), rng


def test_along_is_the_gradient_along_a_direction():
    network, loss, x, y, rng = make()
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    u = rng.normal(size=network.theta.shape)
    phi = gradcheck.along(network, loss, x, y, u)
    assert phi(0.0) == loss.forward(network.forward(x), y)
    slope = np.array([u @ network.dtheta])
    gradcheck.check_gradient(lambda t: phi(t.item()), np.zeros(1), slope).raise_if_off()
    assert not gradcheck.check_gradient(lambda t: phi(t.item()), np.zeros(1), 1.001 * slope).ok


def test_along_a_unit_vector_is_one_entry():
    network, loss, x, y, _ = make()
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    for i in range(network.theta.size):
        phi = gradcheck.along(network, loss, x, y, np.eye(network.theta.size)[i])
        assert np.imag(phi(1e-20j)) / 1e-20 == pytest.approx(network.dtheta[i], rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_along_leaves_the_network_as_it_was(dtype):
    network, loss, x, y, _ = make(dtype)
    theta = network.theta.copy()
    u = np.ones_like(theta)
    phi = gradcheck.along(network, loss, x, y, u)
    seen = []
    kept = network.layers[1].forward
    network.layers[1].forward = lambda z: seen.append(z.dtype) or kept(z)
    phi(0.1), phi(np.float64(0.1))
    network.layers[1].forward = kept
    assert seen == [dtype, dtype]
    with pytest.raises(ValueError, match="y has shape"):
        gradcheck.along(network, loss, x, y[:2], u)(0.1)
    assert network.theta.tobytes() == theta.tobytes()
    for name, value in network.parameters.items():
        layer = network.layers[0 if name.startswith("dense1") else 2]
        assert layer.parameters[name[-1]] is value
    with pytest.raises(ValueError, match="direction has shape"):
        gradcheck.along(network, loss, x, y, u[:3])


class Reversed(layers.Dense):
    """The outputs' order is lost on the way back: invisible where every v is the same."""

    def backward(self, dz):
        return super().backward(dz[:, ::-1].copy())


def test_a_sum_of_outputs_misses_what_a_random_v_sees():
    rng = np.random.default_rng(0)
    layer, x = Reversed(3, 3, rng=rng), rng.normal(size=(4, 3))
    assert gradcheck.check_layer(layer, x, rng=rng, v=np.ones((4, 3))).ok
    assert not gradcheck.check_layer(layer, x, rng=rng).ok
    with pytest.raises(ValueError, match=r"v has shape \(3,\), expected \(4, 3\)"):
        gradcheck.check_layer(layer, x, rng=rng, v=np.ones(3))


def test_float32_is_refused_by_name():
    network, loss, x, y, rng = make(np.float32)
    with pytest.raises(TypeError, match=r"check_layer: W has dtype float32, expected float64"):
        gradcheck.check_layer(network.layers[0], x, rng=rng)
    with pytest.raises(TypeError, match=r"check_network: dense1\.W has dtype float32"):
        gradcheck.check_network(network, loss, x, y)


def a_network():
    rng = np.random.default_rng(0)
    layers_ = [
        layers.Dense(4, 5, rng=rng), layers.BatchNorm(5), layers.Tanh(),
        layers.Dropout(0.5, rng=np.random.default_rng(1)), layers.Dense(5, 3, rng=rng),
    ]  # fmt: skip
    return Sequential(layers_)


def test_a_check_leaves_running_averages_and_generators_as_they_were():
    network, loss = a_network(), losses.SoftmaxCrossEntropy()
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(6, 4)), rng.integers(3, size=6)
    network.train(True)
    before = {name: value.copy() for name, value in network.state().items()}
    gradcheck.check_network(network, loss, x, y)
    gradcheck.along(network, loss, x, y, np.ones_like(network.theta))(0.1)
    for layer in network.layers[1:4]:
        gradcheck.check_layer(layer, rng.normal(size=(6, 5)), rng=rng)
    gradcheck.check_layer(network, x, rng=rng)
    after = network.state()
    assert all(np.array_equal(before[name], after[name]) for name in before)
    assert network.training


def batchnorm_after_a_bias():
    rng = np.random.default_rng(0)
    network = Sequential(
        [layers.Dense(4, 5, rng=rng), layers.BatchNorm(5), layers.Dense(5, 3, rng=rng)]
    )
    network.train(True)
    return network, losses.SoftmaxCrossEntropy(), rng.normal(size=(6, 4)), rng.integers(3, size=6)


def test_a_gradient_of_zero_is_judged_on_the_scale_of_the_whole():
    network, loss, x, y = batchnorm_after_a_bias()
    report = gradcheck.check_network(network, loss, x, y)
    assert report.ok, report
    network.forward(x)
    assert np.abs(network.gradients["dense1.b"]).max() < 1e-15


@pytest.mark.parametrize("error", [1e-6, -1e-9])
def test_a_real_error_in_a_small_array_is_still_seen(error, monkeypatch):
    network, loss, x, y = batchnorm_after_a_bias()
    backward = layers.Dense.backward_parameters

    def wrong(self, dz):
        backward(self, dz)
        self.gradients["b"] += error

    monkeypatch.setattr(layers.Dense, "backward_parameters", wrong)
    assert not gradcheck.check_network(network, loss, x, y).ok


def test_nothing_to_compare_is_no_success():
    with pytest.raises(ValueError, match=r"check_gradient: x has shape \(0,\), expected an entry"):
        gradcheck.check_gradient(lambda t: t.sum(), np.zeros(0), np.zeros(0))


def stateful(rng, layer=layers.Dense):
    """A network with running averages, a generator (one of them inside a block), and a bias that
    the normalisation makes superfluous."""
    block = layers.Residual([layers.Dense(4, 4, rng=rng), layers.Dropout(0.3, rng=rng)])
    stack = [
        layer(3, 4, rng=rng), layers.BatchNorm(4), layers.Tanh(), block,
        layers.Dropout(0.4, rng=np.random.default_rng(7)), layers.Dense(4, 2, rng=rng),
    ]  # fmt: skip
    return Sequential(stack), losses.SoftmaxCrossEntropy()


def traces(network):
    state = {f"{k}.{n}": a for k, layer in enumerate(network.layers)
             for n, a in layer.state().items()}  # fmt: skip
    modes = [layer.training for layer in network.layers]
    return state, modes, network.theta.copy(), network.dtheta.copy()


@pytest.mark.parametrize("training", [True, False])
def test_a_check_leaves_no_trace(training):
    rng = np.random.default_rng(1)
    network, loss = stateful(rng)
    x, y = rng.normal(size=(6, 3)), rng.integers(2, size=6)
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    network.train(training)
    before = traces(network)
    gradcheck.check_network(network, loss, x, y).raise_if_off()
    for layer, width in zip(network.layers, (3, 4, 4, 4, 4, 4), strict=True):
        own = np.random.default_rng(0)
        gradcheck.check_layer(layer, own.normal(size=(5, width)), rng=own).raise_if_off()
    phi = gradcheck.along(network, loss, x, y, network.dtheta)
    assert phi(0.1) == phi(0.1) != phi(0.2)
    with pytest.raises(ValueError, match="y has shape"):
        gradcheck.check_network(network, loss, x, y[:2])
    np.testing.assert_equal(traces(network), before)
    # and the checks did see something that moves
    network.forward(x)
    assert (str(traces(network)[0]) != str(before[0])) is training


class HalfBias(layers.Dense):
    """The bias's gradient is half of what is right."""

    def backward_parameters(self, dz):
        super().backward_parameters(dz)
        self.gradients["b"] /= 2


def test_a_gradient_of_zero_is_no_error_and_a_small_one_is_judged():
    rng = np.random.default_rng(2)
    network, loss = stateful(rng)
    x, y = 1e3 * rng.normal(size=(6, 3)), rng.integers(2, size=6)
    report = gradcheck.check_network(network, loss, x, y)
    rows = [row for row in report.rows if row.argument == "dense1.b"]
    assert report.ok and rows and all(abs(row.analytic) < 1e-15 for row in rows)

    # dW is a million times db: half of db is small against the whole, and found all the same
    for layer, ok in ((layers.Dense, True), (HalfBias, False)):
        net = Sequential([layer(2, 2, rng=np.random.default_rng(3))])
        x, y = 1e6 * np.random.default_rng(4).normal(size=(5, 2)), np.ones((5, 2))
        net.layers[0].parameters["W"] *= 1e-6
        report = gradcheck.check_network(net, losses.MeanSquaredError(), x, y)
        largest = {n: np.abs(g).max() for n, g in grads(net, x, y).items()}
        assert largest["dense1.b"] < 1e-4 * largest["dense1.W"]
        assert report.ok is ok
        off = {row.argument for row in report.rows if row.error > row.tolerance}
        assert off == (set() if ok else {"dense1.b"})


def grads(network, x, y):
    loss = losses.MeanSquaredError()
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    return network.gradients


def test_a_gradient_that_holds_nan_is_off():
    x = np.array([1.0, 2.0, 3.0])
    for k in range(3):
        claimed = 2 * x
        claimed[k] = np.nan
        report = gradcheck.check_gradient(lambda t: (t * t).sum(), x, claimed)
        assert not report.ok and {row.index for row in report.rows} == {(k,)}
