"""Formats of few digits: against NumPy's float16 and PyTorch's bfloat16."""

import numpy as np
import pytest

from backprop import Dense, Sequential, Sigmoid, SoftmaxCrossEntropy, Tanh
from backprop.book.rounding import (
    BLOCK,
    FORMATS,
    Rounded,
    RoundingNetworks,
    kahan_sum,
    pairwise_sum,
    rounded,
    rounding_network,
    running_sum,
    scaled_gradient,
)


def anything(seed, n=50_000):
    """Return numbers of all sizes, among them nan, infinities and subnormal ones."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**32, n, dtype=np.uint32).view(np.float32)


@pytest.mark.parametrize("name", ["float16", "float32"])
def test_formats_are_those_of_numpy(name):
    info, form = np.finfo(name), FORMATS[name]
    assert (info.eps, info.tiny, info.max) == (form.eps, form.tiny, form.most)
    assert info.smallest_subnormal == form.least


def test_bfloat16_is_that_of_torch():
    torch = pytest.importorskip("torch")
    info, form = torch.finfo(torch.bfloat16), FORMATS["bfloat16"]
    assert (info.eps, info.tiny, info.max) == (form.eps, form.tiny, form.most)
    x = anything(0)
    with np.errstate(invalid="ignore"):
        found = rounded(x, "bfloat16")
    np.testing.assert_array_equal(found, torch.tensor(x).bfloat16().float().numpy())


def test_float16_is_that_of_numpy():
    rng = np.random.default_rng(1)
    every = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    spread = (rng.normal(size=50_000) * 2.0 ** rng.uniform(-45, 20, 50_000)).astype(np.float32)
    edge = np.array([65504, 65519.9, 65520, -65520, np.inf, -np.inf, np.nan, -0.0], np.float32)
    for x in (every, -every, (every[1:] + every[:-1]) / 2, spread, edge):
        with np.errstate(over="ignore"):
            expected = x.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(rounded(x, "float16"), expected)


def test_exact_changes_nothing_and_other_names_are_refused():
    x = np.array([1 / 3])
    assert rounded(x, "exact") is x and rounded(x, "float32") == np.float32(1 / 3)
    with pytest.raises(ValueError, match=r"name is 'half', expected one of \['exact', 'float32'"):
        rounded(x, "half")
    with pytest.raises(ValueError, match="'half'"):
        Rounded("half")


def test_each_block_is_rounded_whatever_the_order_in_memory():
    x = anything(4, 2 * BLOCK + 1).reshape(-1, 5)[:, ::2]
    for name in ("float16", "bfloat16"):
        with np.errstate(all="ignore"):
            expected = [rounded(row, name) for row in x]
            for found in (rounded(x, name), rounded(np.asfortranarray(x), name)):
                np.testing.assert_array_equal(found, expected)
            assert rounded(x[0, 0], name) == expected[0][0]


def test_the_layer_rounds_both_ways_and_keeps_the_dtype():
    layer = Rounded("float16")
    for dtype in (np.float32, np.float64):
        x = np.array([1 + 1e-4, 3e-8, 1e-8, 1e6], dtype=dtype)
        for found in (layer.forward(x), layer.backward(x)):
            assert found.dtype == dtype
            np.testing.assert_array_equal(found, [1, 2.0**-24, 0, np.inf])
    with pytest.raises(TypeError, match=r"Rounded\.forward: x"):
        layer.forward([1.0])
    with pytest.raises(TypeError, match=r"Rounded\.backward: dz"):
        layer.backward([1.0])


def batch(B=6):
    rng = np.random.default_rng(2)
    return rng.normal(size=(B, 4)).astype(np.float32), rng.integers(0, 3, B)


def test_without_rounding_it_is_the_package():
    x, y = batch()
    rng, loss = np.random.default_rng(3), SoftmaxCrossEntropy()
    layers = [Dense(4, 5, rng=rng, dtype=np.float32), Tanh()]
    bare = Sequential([*layers, Dense(5, 3, rng=rng, dtype=np.float32)])
    value = loss.forward(bare.forward(x), y)
    bare.backward(loss.backward())
    for s in (1, 2.0**12, 2.0**-9):
        found, g = scaled_gradient(rounding_network("exact", (4, 5, 3), Tanh, 3), x, y, "exact", s)
        assert found == value
        np.testing.assert_array_equal(g, bare.dtheta)


def test_a_scale_saves_what_underflows_and_too_large_a_one_overflows():
    x, y = batch()
    network = rounding_network("float16", (4, *[6] * 12, 3), Sigmoid, 4)
    kinds = {s: scaled_gradient(network, x, y, "float16", s)[1] for s in (1, 2.0**14, 2.0**26)}
    first = slice(0, 24)
    assert (kinds[1][first] == 0).mean() > 0.5 and kinds[2.0**14][first].all()
    assert not np.isfinite(kinds[2.0**26]).all()


@pytest.mark.parametrize("form", ["exact", "float16", "bfloat16"])
@pytest.mark.parametrize("activation", [Sigmoid, Tanh])
@pytest.mark.parametrize("s", [1, 2.0**10])
def test_networks_side_by_side_are_those_alone(form, activation, s):
    widths, seeds = (4, 5, 6, 3), (3, 8)
    together = RoundingNetworks(form, widths, activation, seeds)
    sets = [batch(), tuple(array[::-1] for array in batch())]
    x, y = (np.stack(arrays) for arrays in zip(*sets, strict=True))
    losses, found = together.scaled_gradient(x, y, s)
    for k, seed in enumerate(seeds):
        alone = rounding_network(form, widths, activation, seed)
        loss, g = scaled_gradient(alone, *sets[k], form, s)
        near = {"exact": 1e-6, "float16": 1e-3, "bfloat16": 1e-2}[form]  # a last bit may differ
        assert losses[k] == pytest.approx(loss, rel=near)
        np.testing.assert_allclose(found[k], g, rtol=4 * near, atol=near * np.abs(g).max())
        for name, dW in zip((n for n in alone.gradients if n.endswith("W")), together.dW,
                            strict=True):  # fmt: skip
            np.testing.assert_allclose(dW[k], alone.gradients[name], rtol=4 * near,
                                       atol=near * s * np.abs(g).max())  # fmt: skip


def test_networks_side_by_side_overflow_as_one_does():
    x, y = batch()
    together = RoundingNetworks("float16", (4, *[6] * 12, 3), Sigmoid, (4,))
    zeros = []
    for s in (1, 2.0**14):
        zeros.append(np.mean(together.scaled_gradient(x[None], y[None], s)[1] == 0))
    assert zeros[0] > 0.1 and zeros[1] < 0.01
    assert not np.isfinite(together.scaled_gradient(x[None], y[None], 2.0**26)[1]).all()


def test_three_sums():
    terms = np.array([256.0, 1, 1, 1, 1], dtype=np.float32)
    assert running_sum(terms, "bfloat16") == 256
    assert kahan_sum(terms, "bfloat16") == 260 == pairwise_sum(terms, "bfloat16")
    for add in (running_sum, pairwise_sum, kahan_sum):
        assert add(terms, "exact") == 260
        assert add(terms[:1], "bfloat16") == 256
    columns = np.array([[256.0, 1], [1, 2], [1, 3]], dtype=np.float32)
    np.testing.assert_array_equal(kahan_sum(columns, "bfloat16"), [258, 6])
