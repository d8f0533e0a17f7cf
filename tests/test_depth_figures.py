"""The figures of "Vanishing and exploding gradients" draw what the theory and the package say."""

import numpy as np
import pytest

from backprop import Dense, ReLU, Sequential, SoftmaxCrossEntropy, Tanh
from backprop.activations import relu, relu_prime, tanh, tanh_prime
from backprop.book.figures import depth
from backprop.initializers import he, lecun, orthogonal


def test_means_over_a_normal_variable():
    assert depth.expected(lambda z: z**2, 3.0) == pytest.approx(3, rel=1e-9)
    assert depth.expected(lambda z: z**4, 2.0) == pytest.approx(12, rel=1e-6)
    z = np.random.default_rng(0).normal(0, np.sqrt(0.7), 400_000)
    assert depth.expected(lambda z: np.tanh(z) ** 2, 0.7) == pytest.approx(
        np.mean(np.tanh(z) ** 2), rel=5e-3
    )


def test_he_keeps_relu_s_signal_in_both_directions():
    assert depth.forward_step(1.7, relu, 2.0) == pytest.approx(1.7, rel=1e-9)
    assert depth.backward_factor(1.7, relu_prime, 2.0) == pytest.approx(1, rel=1e-9)
    assert depth.forward_step(1.0, relu, 2.0, 0.3) == pytest.approx(1.3)


def test_the_prediction_counts_the_slopes_between_a_layer_and_the_last():
    told = depth.predicted(relu, relu_prime, 1.0, 1.0, 5)
    np.testing.assert_allclose(told, 0.5 ** (np.arange(4, -1, -1) / 2))
    chi = depth.backward_factor(1.0, tanh_prime, 1.0)
    assert depth.predicted(tanh, tanh_prime, 1.0, 1.0, 2)[0] == pytest.approx(np.sqrt(chi))


def test_chi_is_the_slope_of_the_correlation_map_at_one():
    for scale in (0.8, 1.33, 2.5):
        q = depth.resting(tanh, scale**2, 0.05)
        drop = 1 - depth.correlation_step(1 - 1e-5, q, tanh, scale**2, 0.05)
        chi = depth.backward_factor(q, tanh_prime, scale**2)
        assert drop / 1e-5 == pytest.approx(chi, rel=5e-3)
    assert depth.correlation_step(1.0, q, tanh, scale**2, 0.05) == pytest.approx(1, abs=1e-9)


def test_without_biases_the_edge_of_tanh_is_at_one():
    assert depth.critical(0.0) == pytest.approx(1, abs=0.02)
    assert depth.critical(0.05) ** 2 == pytest.approx(1.761, abs=1e-3)


def test_the_sizes_of_the_errors_are_those_of_a_backward_pass():
    network = depth.stack(0, ReLU, he, width=12, depth=4)
    x, y = depth.images(6)
    sizes = depth.error_sizes(network, x, y)
    loss, errors = SoftmaxCrossEntropy(), []
    loss.forward(network.forward(x), y)
    da = loss.backward()
    for layer in reversed(list(network.named.values())):
        if isinstance(layer, Dense):
            errors.append(np.sqrt(np.mean(da**2)))
        da = layer.backward(da)
    np.testing.assert_allclose(sizes, np.array(errors[1:][::-1]) / errors[1], rtol=1e-6)


def test_singular_values_are_those_of_the_product():
    found, lengths = depth.stretched(lecun, 3, [1, 4], n=6, rows=5000)
    rng, product = np.random.default_rng(3), np.eye(6)
    for _ in range(4):
        product = product @ Dense(6, 6, rng=rng, initializer=lecun).parameters["W"].T
    s = np.linalg.svd(product, compute_uv=False)
    np.testing.assert_allclose(found[1], s)
    assert np.all(lengths[1] <= s[0]) and np.all(lengths[1] >= s[-1])
    assert np.mean(lengths[1] ** 2) == pytest.approx(np.mean(s**2), rel=0.05)
    for sizes in depth.stretched(orthogonal, 0, [9], n=5):
        np.testing.assert_allclose(sizes, 1)


def test_two_inputs_go_forward_and_errors_back():
    correlations, errors = depth.both_ways(1.33, 0)
    told, sizes = depth.theory(1.33)
    assert correlations.shape == errors.shape == told.shape == sizes.shape == (depth.DEPTH,)
    assert errors[-1] == sizes[-1] == 1
    assert correlations[0] == pytest.approx(told[0], abs=0.3)
    assert abs(np.log(errors[0] / sizes[0])) < 1.5


@pytest.mark.parametrize(
    ("value", "written"),
    [(3.2e-8, "3 · 10⁻⁸"), (0.613, "0.61"), (5.42, "5.4"), (761.3, "761"), (4.1e4, "4 · 10⁴")],
)
def test_numbers_in_captions(value, written):
    assert depth._scientific(value).replace("\N{NO-BREAK SPACE}", " ") == written


def test_small_drawings():
    arms = [depth.Arm("one", "nothing", [10, 12], 0.1), depth.Arm("two", "all", [90, 95], 0.03)]
    gaussian = np.full((2, 3, 4), 0.5), np.full((2, 3, 5), 0.7)
    for drawn in (
        depth.cured("title", arms),
        depth.spread("title", [1, 2, 3], gaussian, gaussian),
    ):
        assert len(drawn.markup) < 100_000
    assert "nothing" in depth.cured("title", arms).markup


def test_a_stack_has_as_many_layers_as_it_says():
    network = depth.stack(0, Tanh, lecun, width=7, depth=3)
    assert isinstance(network, Sequential) and len(network.named) == 7
    with pytest.raises(ValueError, match="depth"):
        depth.stack(0, Tanh, lecun, depth=0)
