"""What the roofline counts is what the layers do; times are not tested."""

from itertools import pairwise

import numpy as np
import pytest

from backprop import Dense, Sequential
from backprop.book import roofline


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


def test_every_work_runs_and_is_placed():
    works = list(roofline.works(width=16, batches=(1, 4), rows=4))
    names = [work.name for work in works]
    assert names == ["Dense, B = 1", "Dense, B = 4", "Adam", "ReLU", "LayerNorm", "softmax"]
    for work in works:
        point = roofline.measured(work, repeats=1)
        assert point.intensity == work.operations / work.bytes and point.speed > 0


def test_counts_of_a_dense_layer_are_the_products_that_numpy_gets():
    work = next(roofline.works(width=16, batches=(4,), rows=4))
    assert roofline.counted(work.run) == work.operations == 2 * 4 * 16 * 16


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
