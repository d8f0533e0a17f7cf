"""New digits: codes are drawn as it is said, decoders learn from codes that stay, images judged."""

import json

import numpy as np
import pytest

from backprop.book import new_digits
from backprop.book.latent import digits, trained
from backprop.layers import Dense


def test_one_normal_distribution_has_the_codes_mean_and_covariance():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(300, 3)) @ rng.normal(size=(3, 3)) + [1, -2, 5]
    drawn = new_digits.one_normal(z, 100_000, rng)
    np.testing.assert_allclose(drawn.mean(axis=0), z.mean(axis=0), atol=0.03)
    np.testing.assert_allclose(np.cov(drawn.T), np.cov(z.T), rtol=0.05, atol=0.03)


def test_several_are_fitted_to_their_groups_and_drawn_as_often():
    rng = np.random.default_rng(0)
    groups = np.repeat([3, 7], [100, 300])
    z = rng.normal(size=(400, 2)) * 0.1 + np.where(groups == 3, 10, -10)[:, None]
    drawn = new_digits.normals(z, groups, 20_000, rng)
    high = drawn[:, 0] > 0
    assert np.abs(np.abs(drawn) - 10).max() < 1
    assert high.mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_allclose(np.cov(drawn[high].T), np.cov(z[groups == 3].T), atol=1e-3)


def test_kinds_of_codes():
    z, groups = np.random.default_rng(1).normal(size=(50, 2)) + 9, np.arange(50) % 5
    found = new_digits.drawn_codes(z, groups, 4, 20)
    assert tuple(found) == new_digits.KINDS and {v.shape for v in found.values()} == {(20, 2)}
    np.testing.assert_array_equal(found["own"], z[:20])
    np.testing.assert_array_equal(found["std"], np.random.default_rng(4).normal(size=(20, 2)))
    assert found["one"].min() > 4 < found["ten"].min()


def test_an_image_is_what_is_likelier():
    decoder = Dense(2, 64, rng=np.random.default_rng(0))
    z = np.random.default_rng(1).normal(size=(5, 2))
    np.testing.assert_array_equal(new_digits.images(decoder, z), decoder.forward(z) > 0)


def test_the_arms_are_trained_as_they_are_called():
    made = {name: trained(0, 3, **how, epochs=3) for name, how in new_digits.ARMS.items()}
    noisy = {name for name, network in made.items() if network.named["draw"].training}
    assert noisy == {"both", "noise"}
    sizes = {k: np.std(new_digits.codes(v, digits(0).x)) for k, v in made.items()}
    assert max(sizes["both"], sizes["divergence"]) < 1.2 < min(sizes["noise"], sizes["neither"])


def test_a_fresh_decoder_learns_from_codes_that_stay():
    x = digits(0).x
    z = new_digits.codes(trained(0, 3, noise=False, kl=0.0, epochs=5), x)
    before = z.copy()
    made = {noise: new_digits.fresh_decoder(z, x, noise, 0, epochs=5) for noise in (0.0, 0.5)}
    np.testing.assert_array_equal(z, before)
    far = z + z.std(axis=0) * np.random.default_rng(0).normal(size=z.shape) * 0.5

    def wrong(noise, z):
        return np.abs(new_digits.images(made[noise], z) - x).sum(axis=1).mean()

    assert wrong(0.0, z) < wrong(0.5, z) < 14 and wrong(0.5, far) < wrong(0.0, far)


def test_pixels_off_are_counted_from_the_real_image():
    real = np.array([[1.0, 1, 0, 0], [0, 0, 0, 0]])
    assert new_digits.off(np.array([[1.0, 1, 1, 0]]), real) == 2
    assert new_digits.off(real, real) == 0


def test_the_classifier_reads_digits_and_is_seldom_sure_of_noise():
    found = new_digits.scale(0)
    assert found["right"][0] > 88 and found["right"][1] > 96
    assert found["true digits"][0] > 70 and found["random ink"][0] < 30
    network, test = new_digits.classifier(0), digits(0).test
    sure = new_digits.read(network, test)
    assert sure.shape == (450,) and new_digits.read(network, test, 0.99).mean() < sure.mean()


def test_what_is_stored_is_complete():
    found, seeds = new_digits.stored(), len(new_digits.SEEDS)
    assert list(found) == ["scale", "arms 8", "arms 2", "sizes 8", "sizes 2",
                           "decoders 8", "decoders 2"]  # fmt: skip
    for d in new_digits.NUMBERS:
        assert list(found[f"arms {d}"]) == [*new_digits.ARMS, "a tenth"]
        assert {v.shape for v in found[f"arms {d}"].values()} == {(seeds, 4, 2)}
        assert {v.shape for v in found[f"sizes {d}"].values()} == {(seeds, 2)}
        assert {v.shape for v in found[f"decoders {d}"].values()} == {(seeds, 2, 2)}


def close(found, before):
    """Another CPU adds in another order, and training carries the last bit to single images."""
    np.testing.assert_allclose(np.array(found)[..., 0], before[..., 0], atol=8)
    np.testing.assert_allclose(np.array(found)[..., 1], before[..., 1], atol=0.4)


def test_what_is_stored_comes_out_again():
    before = new_digits.stored()
    for name, found in new_digits.scale(3).items():
        close(found, before["scale"][name][3])
    for name, found in new_digits.decoders(3, 8).items():
        close(found, before["decoders 8"][name][3])
    for name, found in new_digits.arms(3, 2).items():
        close(found[:3], before["arms 2"][name][3, :3])
    for name, found in new_digits.size_and_tau(3, 8).items():
        np.testing.assert_allclose(found, before["sizes 8"][name][3], rtol=0.3, atol=0.01)


def test_the_file_is_what_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(new_digits, "SEEDS", (0, 1))
    monkeypatch.setattr(new_digits, "outcome", lambda s: {"scale": {"it": (s, s / 3)}})
    new_digits.main(tmp_path / "a.json")
    again = json.loads((tmp_path / "a.json").read_text())
    assert again == {"scale": {"it": [[0, 0], [1, 0.333]]}}
