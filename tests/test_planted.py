"""The planted bugs are what their names say, and the right ones among them are right."""

import numpy as np
import pytest

from backprop.activations import ACTIVATIONS
from backprop.autodiff import gradcheck
from backprop.book import planted

BUGS = [name for name in (*planted.RULES, *planted.SLOPES) if name != "right"]


def checked(name, seed=0, batch=8):
    rng = np.random.default_rng(seed)
    return gradcheck.check_layer(planted.layer(name, rng), rng.normal(size=(batch, 4)), rng=rng)


def test_the_right_rule_passes():
    assert checked("right").ok


@pytest.mark.parametrize("name", BUGS)
def test_a_bug_is_caught_where_its_name_says(name):
    wrong = {row.argument for row in checked(name).rows if not row.error <= row.tolerance}
    expected = name.split(":")[0] if name in planted.RULES else "dx"
    assert wrong == {expected.removeprefix("d")}


def test_the_approximate_slope_is_the_derivative_of_the_approximation():
    def approximation(z):
        return (z / 2 * (1 + np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))).sum()

    z = np.linspace(-4, 4, 81)
    slope = planted.approximate_gelu_prime(z)
    assert np.allclose(gradcheck.complex_step(approximation, z), slope, rtol=1e-13, atol=1e-15)
    assert 1e-4 < np.abs(slope - ACTIVATIONS["gelu"][1](z)).max() < 1e-3


@pytest.mark.parametrize("name", planted.NETWORKS)
def test_a_network_has_the_same_parameters_in_both_formats(name):
    single, double = (planted.network(name, 1, dtype) for dtype in (np.float32, np.float64))
    assert single.dtype == np.float32 and double.dtype == np.float64
    assert np.array_equal(single.theta, double.theta) and single.theta.size == 78_702
    x = np.random.default_rng(0).normal(size=(3, 784))
    right = planted.network("ReLU" if name == "ReLU" else "GELU", 1)
    assert np.array_equal(double.forward(x), right.forward(x))
