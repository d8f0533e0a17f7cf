"""The autoencoders of "Variational autoencoder": their loss, both gradients, what is measured."""

import numpy as np
import pytest

from backprop.autodiff import gradcheck
from backprop.book import latent
from backprop.book.latent import NegativeBound, autoencoder, digits, trained


def small(d=2, seed=0):
    return autoencoder(d, np.random.default_rng(seed), hidden=5)


def test_pixels_are_0_or_1_and_the_sets_apart():
    data = digits(0)
    assert data.x.shape == (1347, 64) and data.test.shape == (450, 64)
    assert set(np.unique(data.x)) == {0, 1} == set(np.unique(data.test))
    assert 0.2 < data.x.mean() < 0.5


@pytest.mark.parametrize("kl", [0.0, 1.0, 64.0])
def test_the_loss_is_its_formula_and_passes_the_check(kl):
    network, x, loss = small(3), digits(0).x[:4], NegativeBound(kl=kl)
    out = network.forward(x)
    value = loss.forward(out, x)
    a, mean, log_v = np.split(out, [64, 67], axis=1)
    p = 1 / (1 + np.exp(-a))
    cross = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1)
    divergence = 0.5 * (mean**2 + np.exp(log_v) - 1 - log_v).sum(axis=1)
    np.testing.assert_allclose(loss.costs(), cross, rtol=1e-10)
    assert loss.parts == pytest.approx((cross.mean(), divergence.mean()))
    assert value == pytest.approx((cross + kl * divergence).mean())
    gradcheck.check_network(network, loss, x, x).raise_if_off()


@pytest.mark.parametrize("kl", [0.0, 1.0, 64.0])
def test_the_gradient_without_the_loss_is_that_of_the_loss(kl):
    network, x, loss = small(), digits(0).x[:20], latent.NegativeBound(kl=kl)
    found = latent.gradient(network, x, kl=kl).copy()
    draw = network.named["draw"]
    draw.held = True
    loss.forward(network.forward(x), x)
    network.backward_parameters(loss.backward())
    np.testing.assert_allclose(found, network.dtheta, rtol=1e-9, atol=1e-12)


def test_all_ways_agree_on_average():
    # A fixed network, many draws: the three gradients differ by their noise alone.
    network, x = small(), np.repeat(digits(0).x[:1], 20_000, axis=0)
    found = []
    for way in ("path", "baseline"):
        latent.gradient(network, x, way)
        found.append(network.gradients["encoder.dense2.b"].copy())
    path, other = found
    np.testing.assert_allclose(path, other, atol=0.15)
    assert np.abs(path).max() > 0.2


def test_the_score_is_the_slope_of_the_log_density():
    network, x = small(), digits(0).x[:3]
    code = network.named["encoder"].forward(x)
    draw = network.named["draw"]
    z = draw.forward(code)

    def log_q(c):
        mean, log_v = np.split(c, 2, axis=1)
        return (-0.5 * log_v - 0.5 * (z - mean) ** 2 / np.exp(log_v)).sum()

    np.testing.assert_allclose(
        latent.score(draw), gradcheck.central_difference(log_q, code), rtol=1e-6, atol=1e-8
    )


def test_variances_are_those_of_single_draws():
    network, x, draws = trained(0), digits(0).test[:2], 400
    path, score, baseline = latent.variances(network, x, draws, np.random.default_rng(0))
    mean, deviation = latent.clouds(network, x)
    noise = np.random.default_rng(0).normal(size=(draws, *mean.shape))
    decoder = network.named["decoder"]

    def cost(z):
        return latent.pixel_costs(decoder.forward(z), x)

    costs = np.array([cost(mean + deviation * xi) for xi in noise])[..., None]
    steps = 1e-5 * np.eye(2)
    slopes = [[(cost(z + step) - cost(z - step)) / 2e-5 for step in steps]
              for z in mean + deviation * noise]  # fmt: skip
    assert path == pytest.approx(np.var(slopes, axis=0).mean(), rel=1e-3)
    assert score == pytest.approx(np.var(costs * noise / deviation, axis=0).mean())
    centred = (costs - costs.mean(axis=0)) * noise / deviation
    assert baseline == pytest.approx(np.var(centred, axis=0).mean())


def test_bounds_are_ordered_and_approach_the_integral():
    network, x = trained(0, epochs=5), digits(0).test[:60]
    log_w = latent.log_weights(network, x, 100, np.random.default_rng(0))
    assert log_w.shape == (100, 60)
    one, ten, hundred = (
        -latent.log_mean_exp(log_w.reshape(100 // n, n, 60), 1).mean() for n in (1, 10, 100)
    )
    exact = latent.integral(network.named["decoder"], x)
    assert exact - 0.05 < hundred < ten < one
    assert exact == pytest.approx(latent.integral(network.named["decoder"], x, step=0.05, reach=6))
    assert latent.bound(network, x) == pytest.approx(one, abs=0.15)
    pixels, divergence = latent.terms(network, x)
    assert pixels + divergence == pytest.approx(one, abs=0.15)
    code = network.named["encoder"].forward(x)
    assert divergence == pytest.approx(NegativeBound().divergence.forward(code, 0 * code))


def test_log_mean_exp_does_not_overflow():
    values = np.array([[0.0, 1.0], [2.0, 5.0]])
    np.testing.assert_allclose(
        latent.log_mean_exp(values + 2000, 0) - 2000, np.log(np.exp(values).mean(axis=0))
    )


def test_a_network_is_trained_once_for_a_setting():
    one = trained(0, epochs=1)
    assert one is trained(0, 2, way="path", kl=1.0, noise=True, epochs=1)
    assert one is not trained(0, kl=0.0, epochs=1)


def test_pixels_alone_cost_their_cross_entropy():
    x = np.array([[1.0, 0], [1, 1], [1, 0], [1, 0]])
    cost = latent.pixels_alone(latent.Binary(x, x, *np.zeros((2, 4), dtype=int)))
    p, clipped = 0.25, 1 - 1e-3
    assert cost == pytest.approx(-np.log(clipped) - p * np.log(p) - (1 - p) * np.log(1 - p))


def test_training_lowers_the_bound_and_a_heavy_divergence_collapses_the_code():
    x = digits(0).test
    start = latent.bound(autoencoder(2, np.random.default_rng(0)), x)
    assert latent.bound(trained(0, epochs=5), x) < start - 15
    loss, network = NegativeBound(), trained(0, kl=64.0, epochs=5)
    loss.forward(network.forward(x), x)
    assert loss.parts[1] < 0.05


def test_codes_are_the_means_and_images_are_probabilities():
    network, x = small(), digits(0).x[:5]
    z = latent.codes(network, x)
    np.testing.assert_array_equal(z, network.named["encoder"].forward(x)[:, :2])
    logits = network.named["decoder"].forward(z)
    np.testing.assert_allclose(latent.decoded(network, z), 1 / (1 + np.exp(-logits)))


def test_a_point_is_inside_a_cloud_up_to_two_deviations():
    network, x = small(), digits(0).x[:3]
    mean, deviation = latent.clouds(network, x)
    along = np.array([1.0, 0]) * deviation[1]
    z = np.stack([mean[1], mean[1] + 1.99 * along, mean[1] + 2.01 * along, mean[1] + 50])
    assert latent.inside(network, x, z)[:, 1].tolist() == [True, True, False, False]
    assert not latent.inside(network, x, z)[3].any()


def test_digits_are_read_and_gray_is_not():
    images = np.concatenate([np.full((20, 64), 0.4), digits(0).test[:20]])
    assert 30 < latent.share_read(0, images) <= 50


def test_a_plain_autoencoder_spreads_its_codes_and_draws_nothing():
    x = digits(0).x
    plain, other = trained(0, **latent.PLAIN), trained(0)
    assert not plain.named["draw"].training and other.named["draw"].training
    assert latent.codes(plain, x).std() > 3 > 1.3 > latent.codes(other, x).std()


def test_the_reader_reads_digits_and_is_seldom_sure_of_noise():
    data = digits(0)
    right = latent.reader(0).forward(data.test).argmax(axis=1) == data.labels
    assert right.mean() > 0.88
    ink = np.random.default_rng(0).random(data.test.shape) < data.x.mean(axis=0)
    assert latent.share_read(0, ink.astype(float)) < 30
    assert latent.share_read(0, 0.4 + 0.2 * data.test) == latent.share_read(0, data.test) > 70
