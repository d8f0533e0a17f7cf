"""The training loop: repeatable, without large allocations, and it says where a failure began."""

import tracemalloc

import numpy as np
import pytest

from backprop import layers, losses
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.training import fit


def digits_like(n, rng, dtype=np.float32):
    x = rng.random((n, 784), dtype)
    return x, (x[:, :392].sum(axis=1) > x[:, 392:].sum(axis=1)).astype(np.int64)


def build(seed=0, dtype=np.float32, hidden=100):
    rng = np.random.default_rng(seed)
    stack = [
        layers.Dense(784, hidden, rng=rng, dtype=dtype), layers.ReLU(),
        layers.Dense(hidden, 2, rng=rng, dtype=dtype),
    ]  # fmt: skip
    return Sequential(stack)


def run(network, x, y, *, epochs=1, batch_size=128, learning_rate=0.1, **options):
    loss, optimizer = losses.SoftmaxCrossEntropy(), SGD(network, learning_rate)
    rng = np.random.default_rng(1)
    return fit(
        network, loss, optimizer, x, y, epochs=epochs, batch_size=batch_size, rng=rng, **options
    )


def test_reused_arrays_give_the_same_weights_as_fresh_ones(monkeypatch):
    x, y = digits_like(300, np.random.default_rng(0))
    reused, fresh = build(), build()
    run(reused, x, y, epochs=3, batch_size=64)
    monkeypatch.setattr(fresh, "reuse_buffers", lambda reuse: None)
    run(fresh, x, y, epochs=3, batch_size=64)
    assert reused.theta.tobytes() == fresh.theta.tobytes()


def test_a_result_outside_fit_is_the_callers_own():
    x, y = digits_like(8, np.random.default_rng(0))
    network = build()
    run(network, x, y)
    first = network.forward(x)
    kept = first.copy()
    network.forward(1 - x)
    np.testing.assert_array_equal(first, kept)


def test_steady_state_allocates_no_array_of_the_size_of_an_activation():
    x, y = digits_like(512 * 8, np.random.default_rng(0))
    network, loss = build(), losses.SoftmaxCrossEntropy()
    optimizer = SGD(network, 0.1)
    network.reuse_buffers(True)
    loss.reuse = True

    def steps():
        for start in range(0, len(x), 512):
            loss.forward(network.forward(x[start : start + 512]), y[start : start + 512])
            network.backward_parameters(loss.backward())
            optimizer.step()

    steps()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        steps()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    hidden = 512 * 100 * 4
    assert peak - before < hidden / 4


def test_float32_stays_float32():
    x, y = digits_like(64, np.random.default_rng(0))
    network, loss = build(), losses.SoftmaxCrossEntropy()
    z = network.forward(x)
    loss.forward(z, y)
    assert z.dtype == loss.backward().dtype == network.theta.dtype == np.float32
    assert network.backward(loss.backward()).dtype == np.float32
    with pytest.raises(TypeError, match="x has dtype float64, expected float32"):
        network.forward(x.astype(np.float64))


def test_first_layer_needs_no_input_gradient():
    x, y = digits_like(32, np.random.default_rng(0))
    network, loss = build(), losses.SoftmaxCrossEntropy()
    loss.forward(network.forward(x), y)
    network.backward(loss.backward())
    whole = network.dtheta.copy()
    network.dtheta[...] = np.nan
    network.backward_parameters(loss.backward())
    assert whole.tobytes() == network.dtheta.tobytes()


def test_a_loss_that_is_not_finite_stops_and_says_where_it_began():
    x, y = digits_like(64, np.random.default_rng(0))
    network = build()
    before = network.theta.copy()
    bad = x.copy()
    bad[3, 5] = np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        with pytest.raises(FloatingPointError, match=r"epoch 0, batch 0: x already holds NaN"):
            run(network, bad, y)
        np.testing.assert_array_equal(network.theta, before)
        network.parameters["dense2.W"][0, 0] = np.inf
        with pytest.raises(FloatingPointError, match=r"dense2\.W holds NaN or infinity"):
            run(network, x, y)
        huge = build()
        huge.parameters["dense1.W"][...] = 1e38
        with pytest.raises(FloatingPointError, match=r"output of layer 1, Dense"):
            run(huge, x, y)
    # after a failure the network still gives fresh arrays
    assert not any(layer.reuse for layer in network.layers)


def test_history_measures_the_whole_set():
    x, y = digits_like(5000, np.random.default_rng(0), np.float64)
    network = build(dtype=np.float64, hidden=4)
    history = run(network, x, y, validation=(x[:100], y[:100]))
    loss = losses.SoftmaxCrossEntropy()
    z = network.forward(x)
    assert history.loss == pytest.approx([loss.forward(z, y)], rel=1e-12)
    assert history.accuracy == pytest.approx([(z.argmax(axis=1) == y).mean()], rel=1e-12)
    assert len(history.validation_loss) == len(history.validation_accuracy) == 1


def test_unmeasured_history_is_the_mean_of_what_the_updates_saw():
    x, y = digits_like(300, np.random.default_rng(0))
    plain, quick = build(), build()
    seen = []
    measured = run(plain, x, y, epochs=2, batch_size=128, observe=seen.append)
    history = run(quick, x, y, epochs=2, batch_size=128, measure=False)
    assert quick.theta.tobytes() == plain.theta.tobytes()
    sizes = [128, 128, 44]
    for epoch, got in enumerate(history.loss):
        losses_ = [step.loss for step in seen if step.epoch == epoch]
        assert got == pytest.approx(np.average(losses_, weights=sizes), rel=1e-12)
    assert len(history.loss) == 2 and history.accuracy == [] and len(measured.accuracy) == 2


def test_errors_name_the_argument():
    x, y = digits_like(8, np.random.default_rng(0))
    with pytest.raises(ValueError, match="y has 7 rows, expected 8 as x"):
        run(build(), x, y[:7])
    with pytest.raises(ValueError, match="epochs is 0"):
        run(build(), x, y, epochs=0)
    with pytest.raises(TypeError, match=r"batch_size is 2\.5"):
        run(build(), x, y, batch_size=2.5)
