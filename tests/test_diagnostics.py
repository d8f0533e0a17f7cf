"""What the diagnostics say is what is: against direct computation, autograd and closed forms."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

from backprop.layers import BatchNorm, Conv2d, Dense, Dropout, Flatten, ReLU, Residual, Tanh
from backprop.losses import MeanSquaredError, SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD, Adam
from backprop.schedules import Cosine
from backprop.training import fit
from backprop.training.diagnostics import (
    Recorder,
    dead_units,
    hessian_spectrum,
    hessian_vector_product,
    loss_surface,
    random_direction,
)


def build(seed=0, dtype=np.float64, phi=Tanh):
    rng = np.random.default_rng(seed)
    k = dict(rng=rng, dtype=dtype)
    return Sequential(
        [
            Dense(4, 6, **k), BatchNorm(6, dtype=dtype), phi(),
            Residual([Dense(6, 6, **k), Dropout(0.3, rng=rng)]), Dense(6, 3, **k),
        ]
    )  # fmt: skip


def data(n=40, dtype=np.float64):
    rng = np.random.default_rng(5)
    return rng.normal(size=(n, 4)).astype(dtype), rng.integers(3, size=n)


def train(network, observe=None, rule=SGD, **options):
    x, y = data(dtype=network.dtype)
    return fit(
        network, SoftmaxCrossEntropy(), rule(network, 0.1), x, y,
        epochs=3, batch_size=8, rng=np.random.default_rng(1), observe=observe, **options,
    )  # fmt: skip


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("rule", [SGD, Adam])
def test_to_look_changes_nothing(every, rule):
    seen, unseen = build(), build()
    with Recorder(seen, every=every) as recorder:
        train(seen, recorder, rule)
    train(unseen, rule=rule)
    assert seen.theta.tobytes() == unseen.theta.tobytes()
    assert recorder.steps == list(range(1, 16, every))


def test_figures_of_one_update_are_those_of_a_pass_by_hand():
    network, by_hand = build(phi=ReLU), build(phi=ReLU)
    x, y = data(n=8)
    for net in (network, by_hand):
        net.parameters["batchnorm1.beta"][:2] = -10
    loss, rng = SoftmaxCrossEntropy(), np.random.default_rng(1)
    with Recorder(network) as recorder:
        fit(
            network, loss, SGD(network, 0.1), x, y,
            epochs=1, batch_size=8, rng=rng, observe=recorder,
        )  # fmt: skip
    order = np.random.default_rng(1).permutation(8)
    before = by_hand.theta.copy()
    a = {}
    h = x[order]
    for name, layer in by_hand.named.items():
        a[name] = h = layer.forward(h)
    value = loss.forward(h, y[order])
    delta = loss.backward()
    deltas = {}
    for name, layer in reversed(by_hand.named.items()):
        deltas[name] = delta
        delta = layer.backward(delta)
    assert recorder.steps == [1] and recorder.loss == [value]
    assert recorder.learning_rate == [0.1]
    for name, value in a.items():
        assert recorder.mean[name] == [pytest.approx(value.mean(), rel=1e-12)]
        assert recorder.std[name] == [pytest.approx(value.std(), rel=1e-12)]
        assert recorder.errors[name] == [pytest.approx(np.sqrt((deltas[name] ** 2).mean()))]
    assert recorder.dead["relu1"] == [(a["relu1"] == 0).all(axis=0).sum()]
    assert recorder.dead["relu1"][0] >= 2
    assert "residual1.dropout1" in recorder.std
    start = 0
    for name, g in by_hand.gradients.items():
        W = before[start : start + g.size]
        start += g.size
        rms = np.sqrt((W**2).mean())
        size = np.sqrt((g**2).mean())
        assert recorder.gradient[name] == [pytest.approx(size)]
        assert recorder.weight[name] == [pytest.approx(rms)]
        expected = 0.1 * size / rms if rms else np.nan
        assert recorder.ratio[name] == [pytest.approx(expected, nan_ok=True)]
    assert np.isnan(recorder.ratio["dense1.b"][0])


def test_the_recorder_sees_training_passes_alone_and_leaves_at_the_end():
    network = build()
    x, _ = data()
    with Recorder(network, every=2) as recorder:
        train(network, recorder, schedule=Cosine(0.1, 15))
        lengths = {
            len(v) for f in (recorder.mean, recorder.errors, recorder.ratio) for v in f.values()
        }
    assert lengths == {len(recorder.steps)} == {8}
    assert recorder.learning_rate == [Cosine(0.1, 15)(step - 1) for step in recorder.steps]
    network.forward(x)
    assert {len(v) for v in recorder.mean.values()} == {8}
    with pytest.raises(RuntimeError, match="Recorder: not watching"):
        train(network, recorder)


def test_the_recorder_survives_a_failure_and_sees_nesting_observers():
    network = build()
    x, y = data()
    outer = Recorder(network)
    with outer:
        with Recorder(network), pytest.raises(FloatingPointError):
            fit(
                network, SoftmaxCrossEntropy(), SGD(network, 0.1), x * np.nan, y,
                epochs=1, batch_size=8, rng=np.random.default_rng(0),
            )  # fmt: skip
        assert network.watch(outer) is outer
    assert network.watch(None) is None


def test_vanishing_and_exploding_gradients_show():
    x, y = data()
    spread = {}
    for gain in (0.3, 3.0):
        rng = np.random.default_rng(0)
        layers = [layer for _ in range(8) for layer in (Dense(20, 20, rng=rng), ReLU())]
        network = Sequential([Dense(4, 20, rng=rng), *layers, Dense(20, 3, rng=rng)])
        for k in range(1, 10):
            network.parameters[f"dense{k}.W"][...] *= gain
        with Recorder(network) as recorder:
            fit(
                network, SoftmaxCrossEntropy(), SGD(network, 1e-12), x, y,
                epochs=1, batch_size=40, rng=rng, observe=recorder,
            )  # fmt: skip
        spread[gain] = recorder.errors["dense1"][0] / recorder.errors["dense9"][0]
    assert spread[0.3] < 1e-3 and spread[3.0] > 1e2


def test_dead_units_on_the_whole_set():
    rng = np.random.default_rng(0)
    network = Sequential([Dense(2, 4, rng=rng), ReLU(), Dense(4, 2, rng=rng)])
    network.parameters["dense1.W"][...] = [[1, -1, 0, 0], [0, 0, 0, 1]]
    network.parameters["dense1.b"][...] = [0, 0, -1, 1e-9]
    x = np.zeros((5000, 2))
    x[:, 1] = -1
    assert dead_units(network, x)["relu1"] == 4
    x[4999] = [1, -1]
    assert dead_units(network, x)["relu1"] == 3
    x[0] = [-1, 0]
    assert dead_units(network, x)["relu1"] == 1
    assert network.training and network.watch(None) is None
    with pytest.raises(ValueError, match="x has no row"):
        dead_units(network, x[:0])


def test_dead_channels():
    rng = np.random.default_rng(0)
    network = Sequential([Conv2d(1, 3, 3, rng=rng), ReLU(), Flatten()])
    network.parameters["conv1.b"][1] = -100
    assert dead_units(network, rng.normal(size=(4, 1, 5, 5)))["relu1"] == 1


def test_filter_normalised_directions_have_the_size_of_each_unit():
    rng = np.random.default_rng(0)
    network = Sequential([Conv2d(2, 3, 3, rng=rng), ReLU(), Flatten(), Dense(27, 4, rng=rng)])
    network.theta *= np.linspace(1, 3, network.theta.size)
    direction = random_direction(network, rng)
    start = 0
    for name, W in network.parameters.items():
        d = direction[start : start + W.size].reshape(W.shape)
        start += W.size
        if W.ndim < 2:
            assert not d.any(), name
        else:
            units = (W.T, d.T) if W.ndim == 2 else (W, d)
            for w, v in zip(*units, strict=True):
                assert np.linalg.norm(v) == pytest.approx(np.linalg.norm(w))
    plain = random_direction(network, np.random.default_rng(1), filter_normalised=False)
    np.testing.assert_array_equal(plain, np.random.default_rng(1).normal(size=network.theta.size))
    assert random_direction(build(dtype=np.float32), rng).dtype == np.float32


def test_a_rescaled_network_shows_the_same_surface_only_when_normalised():
    x, y = data()
    surfaces = {True: [], False: []}
    for c in (1.0, 10.0):
        rng = np.random.default_rng(0)
        network = Sequential([Dense(4, 8, rng=rng), ReLU(), Dense(8, 3, rng=rng)])
        network.parameters["dense1.W"][...] *= c
        network.parameters["dense2.W"][...] /= c
        for normalised, found in surfaces.items():
            u = random_direction(network, np.random.default_rng(3), filter_normalised=normalised)
            t = np.linspace(-1, 1, 7)
            found.append(loss_surface(network, SoftmaxCrossEntropy(), x, y, [u], [t]))
    np.testing.assert_allclose(*surfaces[True], rtol=1e-12)
    assert not np.allclose(*surfaces[False], rtol=0.1)


def test_a_surface_is_the_loss_at_each_point():
    network = build()
    train(network)
    loss, (x, y) = SoftmaxCrossEntropy(), data()
    rng = np.random.default_rng(0)
    u, v = (random_direction(network, rng) for _ in range(2))
    network.train(True)
    network.named["residual1"].training = False
    theta, modes = network.theta.copy(), [f.training for _, f in network.walk()]
    state = network.state()
    s, t = np.linspace(-1, 1, 3), np.array([0.0, 0.5])
    surface = loss_surface(network, loss, x, y, [u, v], [s, t])
    assert surface.shape == (3, 2)
    np.testing.assert_array_equal(network.theta, theta)
    assert [f.training for _, f in network.walk()] == modes and network.training
    assert all(state[k].tobytes() == value.tobytes() for k, value in network.state().items())
    network.train(False)
    for i, a in enumerate(s):
        for j, b in enumerate(t):
            network.theta[...] = theta + a * u + b * v
            assert surface[i, j] == pytest.approx(loss.forward(network(x), y), rel=1e-12)
    network.theta[...] = theta
    with pytest.raises(ValueError, match="y holds classes"):
        loss_surface(network, loss, x, y + 3, [u], [s])
    np.testing.assert_array_equal(network.theta, theta)


def linear(dtype=np.float64):
    """A linear network with squared error: H = Xᵀ X / N ⊗ I, X with a column of ones."""
    rng = np.random.default_rng(0)
    x = rng.normal(1, 2, (30, 4))
    network = Sequential([Dense(4, 2, rng=rng, dtype=dtype)])
    ones = np.column_stack([x, np.ones(30)])
    return (
        network,
        x.astype(dtype),
        rng.normal(size=(30, 2)),
        np.kron(ones.T @ ones / 30, np.eye(2)),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_hessian_of_a_linear_network_is_that_of_least_squares(dtype):
    network, x, y, H = linear(dtype)
    rng = np.random.default_rng(1)
    theta, dtheta = network.theta, network.dtheta
    dtheta[...] = 3
    kept = theta.copy()
    rtol = 1e-8 if dtype == np.float64 else 1e-6
    for _ in range(3):
        v = rng.normal(size=kept.shape)
        product = hessian_vector_product(network, MeanSquaredError(), x, y, v)
        np.testing.assert_allclose(product, H @ v, rtol=rtol, atol=rtol)
    values, vectors = hessian_spectrum(network, MeanSquaredError(), x, y, k=4, rng=rng)
    exact = np.linalg.eigvalsh(H)[::-1]
    np.testing.assert_allclose(values, exact[:4], rtol=1e-6)
    np.testing.assert_allclose(H @ vectors, vectors * values, atol=1e-4)
    low, _ = hessian_spectrum(network, MeanSquaredError(), x, y, k=2, rng=rng, which="SA")
    np.testing.assert_allclose(low, exact[-2:], rtol=1e-5)
    # the network is what it was, down to the arrays
    assert network.theta is theta and network.dtheta is dtheta and (dtheta == 3).all()
    assert network.theta.tobytes() == kept.tobytes()
    W = network.named["dense1"].parameters["W"]
    assert W.dtype == dtype and np.shares_memory(W, theta)


def autograd_hessian(network, x, y, phi):
    shapes = [W.shape for W in network.parameters.values()]

    def loss(theta):
        parts, start = [], 0
        for shape in shapes:
            size = int(np.prod(shape))
            parts.append(theta[start : start + size].reshape(shape))
            start += size
        W1, b1, W2, b2 = parts
        z = phi(x @ W1 + b1) @ W2 + b2
        shifted = z - anp.max(z, axis=1, keepdims=True)
        log_p = shifted - anp.log(anp.sum(anp.exp(shifted), axis=1, keepdims=True))
        return -anp.mean(log_p[np.arange(len(y)), y])

    return autograd.hessian(loss)(network.theta.copy())


@pytest.mark.parametrize("kind", ["tanh", "relu"])
def test_hessian_of_a_hidden_layer_is_autograds(kind):
    layer, phi = {"tanh": (Tanh, anp.tanh), "relu": (ReLU, lambda z: anp.maximum(z, 0))}[kind]
    rng = np.random.default_rng(0)
    network = Sequential([Dense(4, 5, rng=rng), layer(), Dense(5, 3, rng=rng)])
    x, y = data()
    loss = SoftmaxCrossEntropy()
    exact = autograd_hessian(network, x, y, phi)
    n = network.theta.size
    rows = [hessian_vector_product(network, loss, x, y, e) for e in np.eye(n)]
    error = np.abs(np.array(rows) - exact).max() / np.abs(exact).max()
    # the docstring's promise
    assert error < 1e-8
    values, _ = hessian_spectrum(network, loss, x, y, k=6, rng=rng)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(exact)[::-1][:6], rtol=1e-5)
    extremes, _ = hessian_spectrum(network, loss, x, y, k=3, rng=rng, which="LM")
    every = np.linalg.eigvalsh(exact)
    largest = np.sort(every[np.argsort(-np.abs(every))[:3]])[::-1]
    np.testing.assert_allclose(extremes, largest, rtol=1e-5)


def test_a_wrong_backward_pass_shows_in_the_hessian():
    class Halved(Tanh):
        def backward(self, dz):
            return super().backward(dz) / 2

    rng = np.random.default_rng(0)
    network = Sequential([Dense(4, 5, rng=rng), Halved(), Dense(5, 3, rng=rng)])
    x, y = data()
    exact = autograd_hessian(network, x, y, anp.tanh)
    v = rng.normal(size=network.theta.size)
    product = hessian_vector_product(network, SoftmaxCrossEntropy(), x, y, v)
    assert np.abs(product - exact @ v).max() > 0.01 * np.abs(exact @ v).max()


def test_gradient_descent_diverges_above_two_over_the_sharpness():
    network, x, y, _ = linear()
    start = network.theta.copy()
    values, _ = hessian_spectrum(
        network, MeanSquaredError(), x, y, k=1, rng=np.random.default_rng(0)
    )
    loss, found = MeanSquaredError(), []
    for factor in (0.99, 1.01):
        network.theta[...] = start
        optimizer = SGD(network, factor * 2 / values[0])
        for _ in range(3000):
            value = loss.forward(network(x), y)
            network.backward_parameters(loss.backward())
            optimizer.step()
        found.append(value)
    assert found[0] < 10 and found[1] > 1e6


def test_the_network_is_put_back_after_an_error():
    network, x, y, _ = linear(np.float32)
    kept, theta = network.theta.copy(), network.theta
    with pytest.raises(ValueError, match="y has shape"):
        hessian_spectrum(
            network, MeanSquaredError(), x, y[:, :1], k=1, rng=np.random.default_rng(0)
        )
    assert network.theta is theta and theta.tobytes() == kept.tobytes() and network.training


def test_errors_name_the_argument():
    network, x, y, _ = linear()
    loss, rng = MeanSquaredError(), np.random.default_rng(0)
    u = np.ones(network.theta.size)
    with pytest.raises(ValueError, match="v is 0"):
        hessian_vector_product(network, loss, x, y, 0 * u)
    with pytest.raises(ValueError, match=r"v has shape \(3,\), expected \(10,\)"):
        hessian_vector_product(network, loss, x, y, u[:3])
    with pytest.raises(ValueError, match="k is 10, expected below 10"):
        hessian_spectrum(network, loss, x, y, k=10, rng=rng)
    with pytest.raises(ValueError, match="steps holds 1 arrays, expected one for each of 2"):
        loss_surface(network, loss, x, y, [u, u], [np.ones(2)])
    with pytest.raises(ValueError, match="steps holds 0 arrays"):
        loss_surface(network, loss, x, y, [], [])
    with pytest.raises(ValueError, match=r"directions has shape \(3,\)"):
        loss_surface(network, loss, x, y, [u[:3]], [np.ones(2)])
    for call in (
        lambda x, y: loss_surface(network, loss, x, y, [u], [np.ones(2)]),
        lambda x, y: hessian_vector_product(network, loss, x, y, u),
        lambda x, y: hessian_spectrum(network, loss, x, y, k=1, rng=rng),
    ):
        with pytest.raises(ValueError, match=r"\w+: y has 5 rows, expected 30 as x"):
            call(x, y[:5])
        with pytest.raises(ValueError, match=r"\w+: x has no row"):
            call(x[:0], y[:0])
        with pytest.raises(TypeError, match=r"\w+: x is a list"):
            call(x.tolist(), y)
    with pytest.raises(ValueError, match="every is 0"):
        Recorder(network, every=0)
