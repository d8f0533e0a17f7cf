"""The copy task, and what is stored of it."""

import json

import numpy as np
import pytest

from backprop.book import copying


def test_letters_then_silence_then_signals():
    x, y = copying.copying(np.random.default_rng(0), 5, 4)
    assert x.shape == (5, 10, 7) and y.shape == (5, 3)
    assert (x[:, :3].argmax(axis=2) == y).all() and (x[:, :3].sum(axis=2) == 1).all()
    assert (x[:, 3:7] == 0).all()
    assert (x[:, 7:, 6] == 1).all() and x[:, 7:, :6].sum() == 0
    assert set(np.unique(copying.copying(np.random.default_rng(0), 200, 1)[1])) == set(range(6))


@pytest.mark.parametrize(
    ("kind", "count"), [("RNN", 1280), ("LSTM", 1536), ("LSTM, open", 1536), ("RNN, random", 1280)]
)
def test_the_kinds_have_about_as_many_numbers(kind, count):
    layer = copying.network(kind, 0).layers[0]
    weights = {name: value.size for name, value in layer.parameters.items()}
    assert sum(weights.values()) == count, weights


def test_open_gates_have_another_bias_and_nothing_else():
    ours, usual = (copying.network(kind, 0) for kind in ("LSTM, open", "LSTM"))
    for name, array in ours.parameters.items():
        change = array - usual.parameters[name]
        assert change.any() == (name == "lstm1.b"), name
    bias = ours.layers[0].parameters["b"]
    assert (ours.layers[0]._split(bias)[1] == 4).all() and bias.sum() == 4 * 16


def test_a_random_U_has_the_size_of_an_orthogonal_one():
    ours, usual = (copying.network(kind, 0).parameters["rnn1.U"] for kind in ("RNN, random", "RNN"))
    np.testing.assert_allclose(usual @ usual.T, np.eye(32), atol=1e-5)
    assert np.abs(ours @ ours.T - np.eye(32)).max() > 0.3
    assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(usual), rel=0.1)


def test_the_scores_are_those_of_the_last_letters():
    model = copying.network("LSTM", 0)
    x, _ = copying.copying(np.random.default_rng(1), 4, 3)
    layer, dense = model.layers
    h = layer.forward(x)
    expected = np.concatenate([dense.forward(h[k, -3:]) for k in range(4)])
    np.testing.assert_allclose(copying.scores(model, x), expected, rtol=1e-5)


def test_the_gradient_is_that_of_the_loss():
    model = copying.network("LSTM", 0)
    x, y = copying.copying(np.random.default_rng(1), 4, 3)

    def loss():
        z = copying.scores(model, x).astype(float)
        z -= z.max(axis=1, keepdims=True)
        return -(z - np.log(np.exp(z).sum(axis=1, keepdims=True)))[range(12), y.ravel()].mean()

    copying.gradient(model, x, y)
    g, direction = model.dtheta.copy(), np.random.default_rng(2).normal(size=model.theta.size)
    values = []
    for step in (-1e-2, 2e-2):
        model.theta[...] += (step * direction).astype(np.float32)
        values.append(loss())
    assert (values[1] - values[0]) / 2e-2 == pytest.approx(float(g @ direction), rel=0.02)


@pytest.mark.parametrize("kind", [*copying.KINDS])
def test_what_is_sent_back_is_a_derivative(kind):
    model = copying.network(kind, 1)
    J = copying.sent_back(model, 5)
    layer = model.layers[0]
    x, _ = copying.copying(np.random.default_rng(10_005), 1, 5)
    x = x[:, : copying.TOLD + 6]
    gated, n = "LSTM" in kind, layer.n_hidden

    def last(state):  # the end, as a function of the first cell or state
        first = {"h0": state}
        if gated:
            layer.forward(x[:, :1])
            first = {"h0": layer._split(layer.gates)[2][0] * np.tanh(state), "c0": state}
        layer.forward(x[:, 1:], **first)
        return (layer.c if gated else layer.h)[-1, 0].astype(float)

    layer.forward(x[:, :1])
    start = (layer.c if gated else layer.h)[-1].copy()
    for unit in (0, n - 1):
        step = np.zeros_like(start)
        step[0, unit] = 1e-2
        slopes = (last(start + step) - last(start - step)) / 2e-2
        np.testing.assert_allclose(J[:, unit], slopes, atol=2e-3)


def test_factors_are_the_lengths_of_errors_that_arrive():
    J = copying.sent_back(copying.network("LSTM", 3, np.float64), 5)
    errors, factors, _ = np.linalg.svd(J)
    arrived = np.linalg.norm(errors.T @ J, axis=1)
    np.testing.assert_allclose(arrived, factors, atol=1e-5)
    assert copying.factors("LSTM", 5).shape == (10, 16)
    np.testing.assert_allclose(copying.factors("LSTM", 5)[3], factors, rtol=1e-5)


def test_small_factors_are_not_those_of_rounding():
    single = copying.sent_back(copying.network("RNN, random", 0), 40)
    found = copying.factors("RNN, random", 40)[0]
    rounding = np.finfo(np.float32).eps * found[0]
    assert found.dtype == np.float64 and found[-1] < 1e-6 * rounding
    assert np.linalg.svd(single, compute_uv=False)[-1] > 1e3 * found[-1]


def test_no_error_grows_by_more_than_the_largest_factor():
    J = copying.sent_back(copying.network("LSTM, open", 2), 20)
    largest = copying.factors("LSTM, open", 20)[2, 0]
    errors = np.random.default_rng(0).normal(size=(1000, 16))
    growth = np.linalg.norm(errors @ J, axis=1) / np.linalg.norm(errors, axis=1)
    assert 0.3 * largest < growth.max() < largest


def test_what_returns_is_what_the_layer_sends_back():
    model = copying.network("LSTM, open", 1)
    whole, direct = copying.returning(model, 4)
    layer, dense = model.layers
    x, y = copying.copying(np.random.default_rng(10_004), 256, 4)
    x = x[:, :8]
    p = np.exp(dense.forward(layer.forward(x)[:, -1]))
    p /= p.sum(axis=1, keepdims=True)
    upstream = np.zeros((256, 8, 16), np.float32)
    upstream[:, -1] = (p - np.eye(6)[y[:, 0]]) @ dense.parameters["W"].T
    end = upstream[:, -1] * layer._split(layer.gates)[2][-1] * (1 - layer.tanh_c[-1] ** 2)
    gates = layer._split(layer.gates)[1].copy()
    assert len(whole) == len(direct) == 8
    for steps in (1, 4, 7):  # up to this cell, the layer's own errors of h and c
        layer.forward(x[:, :steps])
        first = {"h0": layer.h[-1].copy(), "c0": layer.c[-1].copy()}
        slope = layer._split(layer.gates)[2][-1] * (1 - layer.tanh_c[-1] ** 2)
        layer.forward(x[:, steps:], **first)
        layer.backward_parameters(upstream[:, steps:])
        norm = np.linalg.norm(end, axis=1)
        arrived = np.linalg.norm(layer.dc0 + layer.dh0 * slope, axis=1) / norm
        assert whole[steps - 1] == pytest.approx(np.median(arrived), rel=1e-4)
        alone = np.linalg.norm(end * np.prod(gates[steps:], axis=0), axis=1) / norm
        assert direct[steps - 1] == pytest.approx(np.median(alone), rel=1e-4)
    assert whole[-1] == direct[-1] == 1


def test_what_is_stored_comes_out_again():
    found = copying.trained("RNN", 5, 0.01, 3)
    assert found == pytest.approx(copying.stored()["RNN, 5"]["0.01"][3], abs=0.02)


def test_every_row_has_ten_networks_at_three_rates():
    stored = copying.stored()
    assert set(stored) == {f"{kind}, {silence}" for kind in copying.KINDS
                           for silence in copying.SILENCES}  # fmt: skip
    for rows in stored.values():
        assert len(rows) == len(copying.RATES)
        assert all(len(each) == 10 and 0 <= min(each) <= max(each) <= 1 for each in rows.values())


def test_the_best_rate_has_the_largest_median():
    for kind in copying.KINDS:
        medians = [np.median(each) for each in copying.stored()[f"{kind}, 20"].values()]
        assert np.median(copying.right(kind, 20)) == max(medians)
    assert copying.best("LSTM, open", 5) == "0.03", "of two medians of 1, that of the larger mean"
    assert copying.solved("RNN", 5) == int((copying.right("RNN", 5) >= 0.95).sum())


def test_the_file_is_written_by_the_module(monkeypatch, tmp_path):
    monkeypatch.setattr(copying, "SILENCES", (5,))
    monkeypatch.setattr(copying, "trained", lambda *_: 0.5)
    copying.main(tmp_path / "a.json", "LSTM")
    found = json.loads((tmp_path / "a.json").read_text())
    assert list(found) == [f"{kind}, 5" for kind in copying.KINDS]
    assert found["LSTM, 5"] == {f"{rate:g}": [0.5] * 10 for rate in copying.RATES}
    assert found["RNN, 5"] == copying.stored()["RNN, 5"]
