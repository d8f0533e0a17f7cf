"""What the chapter on normalization measures: the stored runs, their step, and the reset."""

import json

import numpy as np
import pytest

from backprop.book import brakes
from backprop.layers import BatchNorm, LayerNorm, RMSNorm


def test_the_stored_runs_are_all_there():
    found = brakes.stored()
    assert set(found["losses"]) == set(brakes.ARMS)
    for name, (_, rates) in brakes.ARMS.items():
        assert brakes.losses(name).shape == (len(brakes.SEEDS), len(rates))
        assert (brakes.losses(name) > 0).all()


@pytest.mark.parametrize(
    "name, rate",
    [
        ("plain", 0.1), ("plain all", 0.3), ("all", 1.0), ("weights", 100),
        ("weights reset", 1), ("weights matched", 0.157), ("constants", 1), ("layer", 1),
        ("layer step", 1), ("layer short", 1),
    ],
)  # fmt: skip
def test_a_run_comes_out_as_it_is_stored(name, rate):
    arm, rates = brakes.ARMS[name]
    stored = brakes.losses(name)[1, rates.index(rate)]
    # At the rate 100 the last bit of a sum grows to the first digit of the loss.
    assert arm.tried(rate, 1) == pytest.approx(stored, rel=2 if rate > 10 else 0.3)


def test_the_stored_effective_rates_are_those_of_a_run():
    found = brakes.effective()
    assert all(runs.shape == (len(brakes.SEEDS), brakes.STEPS + 1) for runs in found.values())
    for rate in (1.0, 100.0):
        assert brakes.slowing(rate, 1) == pytest.approx(found[rate][1], rel=0.3)
        assert brakes.slowing(rate, 1)[:2] == pytest.approx(found[rate][1, :2], rel=0.01)


def test_a_step_at_a_large_rate_lowers_the_effective_rate():
    arm = brakes.Arm(BatchNorm, brakes.WEIGHTS)
    for rate, after in ((1.0, 0.5), (10.0, 2.9), (100.0, 0.8), (1000.0, 0.08)):
        (_, first), (_, second) = brakes.around_a_step(
            arm, rate, 1, lambda network, rate=rate: brakes.turning(network, rate)
        )
        assert first == pytest.approx(rate / 2, rel=0.1)  # He: the squares of 32 weights sum to 2
        assert second == pytest.approx(after, rel=0.2)


@pytest.mark.parametrize("norm", [RMSNorm, LayerNorm])
def test_layer_and_rms_normalization_undo_a_factor_on_a_whole_layer(norm):
    network = brakes.build(np.random.default_rng(0), lambda n: norm(n, eps=0))
    images, labels = brakes.data()
    rng = np.random.default_rng(1)
    parameters, gradients = network.parameters, network.gradients
    for (name,) in brakes.BIASES:
        parameters[name][...] = rng.normal(size=32)
    before = brakes.differentiate(network, images, labels)
    for k in brakes.LAYERS:
        whole = (f"dense{k}.W", f"dense{k}.b")
        dot = sum((parameters[name] * gradients[name]).sum() for name in whole)
        size = np.prod([sum((of[name] ** 2).sum() for name in whole)
                        for of in (parameters, gradients)])  # fmt: skip
        assert dot**2 < 1e-24 * size
        for name in whole:
            parameters[name][...] *= 3
    assert brakes.differentiate(network, images, labels) == pytest.approx(before, rel=1e-9)
    parameters["dense2.W"][:, 0] *= 2  # one unit alone
    assert brakes.differentiate(network, images, labels) != pytest.approx(before, rel=1e-4)


def test_a_common_part_is_what_the_mean_input_adds():
    images, labels = brakes.data()
    rng = np.random.default_rng(0)
    network = brakes.build(rng, RMSNorm)
    brakes.differentiate(network, images, labels)
    dense, norm = network.layers[15], network.layers[16]
    assert dense is brakes.denses(network)[5] and isinstance(norm, RMSNorm)
    part = brakes.common_part(dense).copy()
    assert np.linalg.norm(part) > 0.3 * np.linalg.norm(dense.gradients["W"])
    rest = dense.gradients["W"] - part
    kept, dense.x = dense.x, dense.x - dense.x.mean(axis=0)
    slopes = rng.normal(size=(len(images), 32))
    dense.backward(slopes)
    alone = dense.gradients["W"].copy()
    dense.x = kept
    dense.backward(slopes)
    np.testing.assert_allclose(dense.gradients["W"] - brakes.common_part(dense), alone, atol=1e-9)
    assert rest.shape == part.shape == (32, 32)


def test_a_batch_normalization_leaves_no_common_part():
    network = brakes.build(np.random.default_rng(0), BatchNorm)
    brakes.differentiate(network, *brakes.data())
    for layer in brakes.denses(network)[:-1]:
        small = np.linalg.norm(brakes.common_part(layer))
        assert small < 1e-12 * np.linalg.norm(layer.gradients["W"])


def test_a_centered_step_changes_the_six_matrices_only():
    kept = {}
    for centered in (False, True):
        arm = brakes.Arm(RMSNorm, brakes.WEIGHTS, centered=centered)
        arm.run(
            1.0, 0, steps=1,
            watch=lambda k, network, now=centered: kept.update(
                {now: {n: v.copy() for n, v in network.parameters.items()}}
            ),
        )  # fmt: skip
    for name, value in kept[True].items():
        same = np.array_equal(value, kept[False][name])
        assert same == ((name,) not in brakes.WEIGHTS)


def test_a_control_step_is_as_long_as_the_centered_one_and_keeps_its_direction():
    kept = {}
    for kind in ("full", "centered", "shortened"):
        arm = brakes.Arm(LayerNorm, brakes.WEIGHTS, **({kind: True} if kind != "full" else {}))
        seen = []
        arm.run(1.0, 0, steps=1, watch=lambda _, network, seen=seen: seen.append(
            {n: v.copy() for n, v in network.parameters.items()}))  # fmt: skip
        kept[kind] = {name: seen[1][name] - seen[0][name] for name in seen[0]}
    for (name,) in brakes.WEIGHTS:
        full, rest, short = (kept[kind][name] for kind in ("full", "centered", "shortened"))
        assert np.linalg.norm(short) == pytest.approx(np.linalg.norm(rest))
        np.testing.assert_allclose(short / np.linalg.norm(short), full / np.linalg.norm(full))
        assert np.linalg.norm(rest) < np.linalg.norm(full)


def test_the_first_step_is_at_a_right_angle():
    network = brakes.build(np.random.default_rng(0), lambda n: BatchNorm(n, eps=0))
    brakes.differentiate(network, *brakes.data())
    for block in brakes.WEIGHTS:
        before = brakes.lengths(network.parameters, block)
        slopes = brakes.lengths(network.gradients, block)
        network.parameters[block[0]] -= 100 * network.gradients[block[0]]
        after = brakes.lengths(network.parameters, block)
        np.testing.assert_allclose(after**2, before**2 + (100 * slopes) ** 2)


def test_a_network_that_is_usual_is_the_same_in_every_arm():
    usual = brakes.losses("all", [0.3])
    np.testing.assert_allclose(brakes.losses("weights", [0.3]), usual)
    plain = brakes.losses("plain all", [0.3])
    np.testing.assert_allclose(brakes.losses("plain", [0.3]), plain)


def test_a_run_that_overflows_ends_at_infinity():
    assert brakes.Arm(None, brakes.ALL).tried(1e9, 0) == np.inf
    assert np.isinf(brakes.losses("plain", [10.0])).any()


def test_lengths_are_set_back_and_the_function_stays():
    network = brakes.build(np.random.default_rng(0), lambda n: BatchNorm(n, eps=0))
    images, labels = brakes.data()
    parameters = network.parameters
    first = {block: brakes.lengths(parameters, block) for block in brakes.WEIGHTS}
    before = brakes.differentiate(network, images, labels)
    rng = np.random.default_rng(1)
    for (name,) in brakes.WEIGHTS:
        parameters[name] *= rng.uniform(0.5, 2, 32)
    assert brakes.differentiate(network, images, labels) == pytest.approx(before, rel=1e-9)
    brakes.set_back(parameters, first)
    for block, length in first.items():
        np.testing.assert_allclose(brakes.lengths(parameters, block), length)
    assert brakes.differentiate(network, images, labels) == pytest.approx(before, rel=1e-9)


def test_a_wrong_backward_pass_has_one_path():
    layer = brakes.Constants(1, eps=0)
    layer.forward(np.array([[1.0], [7], [9], [15]]))
    found = layer.backward(np.array([[1.0], [0], [2], [5]]))
    np.testing.assert_allclose(found[:, 0], [0.2, 0, 0.4, 1])


def test_it_writes_what_it_found(tmp_path, monkeypatch):
    few = {"plain": (brakes.Arm(None, brakes.WEIGHTS), (0.1, 1e9))}
    monkeypatch.setattr(brakes, "ARMS", {**few, "weights": (brakes.Arm(BatchNorm, []), (1.0,))})
    monkeypatch.setattr(brakes, "SEEDS", (0,))
    monkeypatch.setattr(brakes, "WATCHED", (0.3,))
    brakes.main([str(tmp_path / "found.json")])
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["losses"]["plain"][0][1] is None
    assert np.shape(found["effective"]) == (1, 1, brakes.STEPS + 1)
    assert found["losses"]["plain"][0][0] == pytest.approx(brakes.losses("plain")[0][1], rel=0.1)


def test_all_but_the_last_parameters_have_a_brake():
    network = brakes.build(np.random.default_rng(0), lambda n: BatchNorm(n, eps=0))
    images, labels = brakes.data()
    before = brakes.differentiate(network, images, labels)
    parameters, braked = network.parameters, [*brakes.WEIGHTS, *brakes.SCALES[:-1], *brakes.BIASES]
    for block in brakes.ALL:
        kept = {name: parameters[name].copy() for name in block}
        for name in block:
            parameters[name] *= 2
        same = brakes.differentiate(network, images, labels) == pytest.approx(before, rel=1e-9)
        assert same == (block in braked)
        for name, value in kept.items():
            parameters[name] = value
