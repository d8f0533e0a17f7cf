"""What the roofline counts is what the layers do; times are not tested."""

import json
from itertools import pairwise

import numpy as np
import pytest

from backprop import Dense, Sequential
from backprop.book import results, roofline


def test_products_are_counted_with_their_additions():
    dense = Dense(3, 2, rng=np.random.default_rng(0))
    x, dz = np.ones((4, 3)), np.ones((4, 2))
    assert roofline.counted(lambda: dense.forward(x)) == 48
    assert roofline.counted(lambda: dense.backward(dz)) == 96
    assert roofline.counted(lambda: dense.backward_parameters(dz)) == 48
    assert roofline.dense_operations(4, 3, 2) == 48


def test_bytes_are_those_of_the_arrays():
    x, W, z = np.ones((4, 3)), np.ones((3, 2)), np.ones((4, 2))
    forward = x.nbytes + W.nbytes + z.nbytes
    assert roofline.dense_bytes(4, 3, 2) == forward == 2 * roofline.dense_bytes(4, 3, 2, 4)


def test_a_machine_predicts_and_places_its_layer():
    machine = roofline.Machine(
        "one", 10.0, 5.0, 2, [1, 4], [30.0, 30.0], [60.0, 90.0], [], 1.0, 1.0, 1.0
    )
    computing, carrying = machine.predicted(4)
    assert (computing, carrying) == (32 / 10, 8 * (8 + 4 + 8) / 5) and machine.corner == 2
    intensity, speed = machine.marks()
    np.testing.assert_allclose(intensity, [8 / 64, 32 / 160])
    np.testing.assert_allclose(speed, [8 / 30, 32 / 30])
    # Twice the operations, backward; where both speeds agree, both passes take three.
    np.testing.assert_allclose(machine.passes(), [3, 4])
    np.testing.assert_allclose(machine.back_speeds(), [16 / 60, 64 / 90])
    # The share of the roof is the predicted time over the measured one.
    np.testing.assert_allclose(machine.shares(), [64 / 5 / 30, 32 / 30])


def test_what_is_measured_has_the_form_of_what_is_stored(tmp_path, monkeypatch):
    small = roofline.measure(16, (1, 4), 8, 1, 100)
    assert len(small.forward) == len(small.backward) == len(small.cached) == 2
    assert (
        min(
            small.peak,
            small.bandwidth,
            small.relu,
            small.slopes,
            small.outer,
            *small.forward,
            *small.cached,
        )
        > 0
    )
    monkeypatch.setattr(roofline, "measure", lambda: small)
    roofline.main([str(tmp_path / "new.json")])
    new = json.loads((tmp_path / "new.json").read_text())
    assert new.keys() == results.read("roofline").keys()
    assert roofline.Machine(**new) == small and new["name"].startswith("one core of an")


def test_as_many_operations_run_with_few_weights():
    passes = roofline._passes(roofline._dense(4), 3, 4)[0]
    assert roofline.counted(passes) == roofline.dense_operations(3, 8, 8)


def test_a_backward_pass_takes_its_own_batch():
    dense = roofline._dense(4)
    backward = roofline._passes(dense, 3, 1)[1]
    dense.forward(np.ones((5, 4)))
    assert roofline.counted(backward) == 2 * roofline.dense_operations(3, 4, 4)


def test_no_layer_of_the_stored_machine_is_above_its_roof():
    machine = roofline.stored()
    assert machine.batches == list(roofline.BATCHES)
    assert machine.shares().max() < 1.03 and machine.relu_share < 1.03
    assert machine.back_speeds().max() < 1.03 * machine.peak
    # The slopes of one example and the error below it make up the backward pass.
    assert machine.outer < machine.slopes < machine.backward[0]


def test_the_slopes_of_one_example_are_the_same_both_ways():
    found = [run().copy() for run in roofline._slopes(3)]
    np.testing.assert_array_equal(*found)


def test_the_roof_is_the_lower_of_two_limits():
    np.testing.assert_allclose(roofline.roof(np.array([0.1, 2, 9]), 10, 5), [0.5, 10, 10])


def test_the_least_of_several_calls_after_one_that_is_not_counted():
    calls = []
    assert roofline.seconds(lambda: calls.append(1), repeats=3) >= 0
    assert len(calls) == 4


def test_limits_are_positive():
    assert roofline.peak(16) > 0 and roofline.bandwidth(100) > 0


@pytest.mark.parametrize("widths", [(5, 4), (5, 4, 3)])
def test_the_first_layer_saves_a_product(widths):
    rng = np.random.default_rng(0)
    network = Sequential([Dense(n, m, rng=rng) for n, m in pairwise(widths)])
    x, dz = np.ones((2, 5)), np.ones((2, widths[-1]))
    forward = roofline.counted(lambda: network.forward(x))
    backward = roofline.counted(lambda: network.backward_parameters(dz))
    assert backward == 2 * forward - 2 * 2 * 5 * 4
