"""Initialisers: the distributions they promise, and what they do to signals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from backprop import initializers
from backprop.initializers import (
    glorot,
    glorot_uniform,
    he,
    he_uniform,
    lecun,
    lecun_uniform,
    orthogonal,
    scaled,
    zeros,
)
from backprop.layers import Dense

VARIANCES = {
    "glorot": lambda n_in, n_out: 2 / (n_in + n_out),
    "glorot_uniform": lambda n_in, n_out: 2 / (n_in + n_out),
    "he": lambda n_in, n_out: 2 / n_in,
    "he_uniform": lambda n_in, n_out: 2 / n_in,
    "lecun": lambda n_in, n_out: 1 / n_in,
    "lecun_uniform": lambda n_in, n_out: 1 / n_in,
}
ALL = [*VARIANCES, "zeros", "orthogonal"]
sizes = st.integers(1, 30)


def distribution(name, variance):
    if name.endswith("uniform"):
        return stats.uniform(-np.sqrt(3 * variance), 2 * np.sqrt(3 * variance))
    return stats.norm(0, np.sqrt(variance))


@pytest.mark.parametrize("name", VARIANCES)
@pytest.mark.parametrize("shape", [(400, 100), (100, 400)])
def test_distribution(name, shape):
    W = getattr(initializers, name)(np.random.default_rng(0), shape)
    promised = distribution(name, VARIANCES[name](*shape))
    assert stats.kstest(W.ravel(), promised.cdf).pvalue > 0.01
    # 40 000 draws tell the promised spread from one that is 5 % off
    wrong = distribution(name, 1.05**2 * VARIANCES[name](*shape))
    assert stats.kstest(W.ravel(), wrong.cdf).pvalue < 1e-3


@pytest.mark.parametrize("name", VARIANCES)
def test_bounds_as_torch(name):
    torch = pytest.importorskip("torch", reason="peers: install torch to compare the initialisers")
    peer, arguments = {
        "glorot": ("xavier_normal_", {}),
        "glorot_uniform": ("xavier_uniform_", {}),
        "he": ("kaiming_normal_", dict(nonlinearity="relu")),
        "he_uniform": ("kaiming_uniform_", dict(nonlinearity="relu")),
        "lecun": ("kaiming_normal_", dict(nonlinearity="linear")),
        "lecun_uniform": ("kaiming_uniform_", dict(nonlinearity="linear")),
    }[name]
    generator = torch.Generator().manual_seed(0)
    # torch's weight is Wᵀ: (n_out, n_in)
    weight = torch.empty(100, 400, dtype=torch.float64)
    getattr(torch.nn.init, peer)(weight, generator=generator, **arguments)
    W = getattr(initializers, name)(np.random.default_rng(0), (400, 100))
    assert stats.ks_2samp(W.ravel(), weight.numpy().ravel()).pvalue > 0.01
    assert W.std() == pytest.approx(weight.numpy().std(), rel=0.02)


@pytest.mark.parametrize("name", ALL)
@settings(derandomize=True, deadline=None, max_examples=25)
@given(n_in=sizes, n_out=sizes, seed=st.integers(0, 999))
def test_shape_dtype_and_seed(name, n_in, n_out, seed):
    draw = getattr(initializers, name)
    W = draw(np.random.default_rng(seed), (n_in, n_out))
    assert W.shape == (n_in, n_out) and W.dtype == np.float64 and np.isfinite(W).all()
    np.testing.assert_array_equal(W, draw(np.random.default_rng(seed), (n_in, n_out)))
    if name.endswith("uniform"):
        assert np.abs(W).max() <= np.sqrt(3 * VARIANCES[name](n_in, n_out))
    if name == "zeros":
        assert not W.any()


@settings(derandomize=True, deadline=None, max_examples=50)
@given(n_in=sizes, n_out=sizes, seed=st.integers(0, 999))
def test_orthogonal_keeps_lengths(n_in, n_out, seed):
    W = orthogonal(np.random.default_rng(seed), (n_in, n_out))
    gram = W.T @ W if n_in >= n_out else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(n_in, n_out)), atol=1e-13)
    # with diag(R) > 0 the factorisation A = QR of that draw is the only one
    A = np.random.default_rng(seed).normal(size=(max(n_in, n_out), min(n_in, n_out)))
    R = (W if n_in >= n_out else W.T).T @ A
    np.testing.assert_allclose(R, np.triu(R), atol=1e-12 * np.abs(A).max())
    assert (np.diagonal(R) > 0).all()


def test_orthogonal_is_uniform_and_needs_the_sign_fix():
    rng = np.random.default_rng(0)
    draws = np.array([orthogonal(rng, (2, 2)) for _ in range(4000)])
    angles = np.arctan2(draws[:, 1, 0], draws[:, 0, 0])
    flat = stats.uniform(-np.pi, 2 * np.pi)
    assert stats.kstest(angles, flat.cdf).pvalue > 0.01
    # rotations and reflections alike, whatever the angle
    turns = np.linalg.det(draws) > 0
    assert stats.binomtest(int(turns.sum()), 4000).pvalue > 0.01
    raw = np.array([np.linalg.qr(rng.normal(size=(2, 2)))[0] for _ in range(4000)])
    angles = np.arctan2(raw[:, 1, 0], raw[:, 0, 0])
    assert stats.kstest(angles, flat.cdf).pvalue < 1e-10


def test_orthogonal_carries_a_signal_through_fifty_layers():
    for seed in range(5):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(8, 64))
        exact, statistical = x, x
        for _ in range(50):
            exact = exact @ orthogonal(rng, (64, 64))
            statistical = statistical @ lecun(rng, (64, 64))
        lengths = np.linalg.norm(x, axis=1)
        np.testing.assert_allclose(np.linalg.norm(exact, axis=1), lengths, rtol=1e-12)
        # the normal draw keeps lengths on average only
        assert np.abs(np.linalg.norm(statistical, axis=1) / lengths - 1).max() > 0.05


@pytest.mark.parametrize("draw", [he, he_uniform, scaled(orthogonal, 2**0.5)])
def test_relu_keeps_its_mean_square(draw):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        a = rng.normal(size=(64, 256))
        start = (a**2).mean()
        for _ in range(10):
            a = np.maximum(a @ draw(rng, (256, 256)), 0)
        # mean square of a ReLU layer with variance 2/n_in stays; with 1/n_in it would be 2^-10
        assert 0.4 < (a**2).mean() / start < 2.5


@settings(derandomize=True, deadline=None, max_examples=20)
@given(gain=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_scaled(gain, seed):
    W = scaled(glorot, gain)(np.random.default_rng(seed), (3, 4))
    np.testing.assert_array_equal(W, gain * glorot(np.random.default_rng(seed), (3, 4)))


@pytest.mark.parametrize("name", [n for n in ALL if n != "orthogonal"])
def test_dense_takes_them(name):
    draw = getattr(initializers, name)
    dense = Dense(4, 3, rng=np.random.default_rng(0), initializer=draw, dtype=np.float32)
    W = draw(np.random.default_rng(0), (4, 3))
    np.testing.assert_array_equal(dense.parameters["W"], W.astype(np.float32))


@pytest.mark.parametrize("name", ALL)
def test_shapes_are_checked(name):
    draw, rng = getattr(initializers, name), np.random.default_rng(0)
    for shape in [(3,), (3, 4, 5), ()]:
        with pytest.raises(ValueError) as caught:
            draw(rng, shape)
        assert str(caught.value) == f"{name}: shape is {shape}, expected (n_in, n_out)"
    with pytest.raises(ValueError, match=f"{name}: n_in is 0, expected at least 1"):
        draw(rng, (0, 3))
    with pytest.raises(ValueError, match=f"{name}: n_out is -1, expected at least 1"):
        draw(rng, (3, -1))
    with pytest.raises(TypeError, match=f"{name}: n_out is 2.5, a float, expected an integer"):
        draw(rng, (3, 2.5))


def test_gain_is_checked():
    with pytest.raises(ValueError, match="scaled: gain is 0, expected a finite number above 0"):
        scaled(he, 0)


def test_the_first_four_draw_what_they_always_drew():
    rng = np.random.default_rng
    for draw, spread in ((glorot, 2 / 7), (he, 2 / 3), (lecun, 1 / 3)):
        np.testing.assert_array_equal(
            draw(rng(5), (3, 4)), rng(5).normal(0.0, np.sqrt(spread), (3, 4))
        )
    assert not zeros(rng(5), (3, 4)).any()
    a = np.sqrt(6 / 7)
    np.testing.assert_array_equal(glorot_uniform(rng(5), (3, 4)), rng(5).uniform(-a, a, (3, 4)))
    assert lecun_uniform(rng(5), (3, 4)).shape == (3, 4)
