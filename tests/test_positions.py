"""The vectors of places against differences, autograd and PyTorch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.layers import Positions


@settings(derandomize=True, deadline=None, max_examples=30)
@given(*[st.integers(1, 4)] * 4, st.integers(0, 999))
def test_against_both_judges(batch, time, more, n, seed):
    rng = np.random.default_rng(seed)
    layer = Positions(time + more - 1, n, rng=rng)
    gradcheck.check_layer(layer, rng.normal(size=(batch, time, n)), rng=rng).raise_if_off()


def test_each_place_gets_its_vector_and_the_sum_of_its_errors():
    layer = Positions(3, 2, rng=np.random.default_rng(0))
    layer.parameters["W"] = np.array([[1.0, 2], [3, 4], [5, 6]])
    np.testing.assert_array_equal(layer.forward(np.ones((1, 2, 2))), [[[2, 3], [4, 5]]])
    layer.forward(np.zeros((2, 2, 2)))
    layer.gradients["W"][...] = np.nan
    dz = np.arange(8.0).reshape(2, 2, 2)
    assert layer.backward(dz) is dz
    np.testing.assert_array_equal(layer.gradients["W"], [[4, 6], [8, 10], [0, 0]])


def test_as_torch():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare positions")
    rng = np.random.default_rng(0)
    layer, x, dz = Positions(5, 3, rng=rng), rng.normal(size=(2, 4, 3)), rng.normal(size=(2, 4, 3))
    W = torch.tensor(layer.parameters["W"], requires_grad=True)
    y = torch.tensor(x) + torch.nn.functional.embedding(torch.arange(4), W)
    y.backward(torch.tensor(dz))
    np.testing.assert_array_equal(layer.forward(x), y.detach().numpy())
    layer.backward(dz)
    np.testing.assert_allclose(layer.gradients["W"], W.grad.numpy(), rtol=0, atol=1e-14)


def test_reused_buffers_and_the_dtype():
    rng = np.random.default_rng(0)
    layer = Positions(4, 2, rng=rng, scale=0.02, dtype=np.float32)
    x = np.ones((1, 4, 2), np.float32)
    assert layer.forward(x) is not layer.forward(x) and layer.forward(x).dtype == np.float32
    layer.reuse = True
    assert layer.forward(x) is layer.forward(x)
    W = Positions(500, 40, rng=rng, scale=0.02).parameters["W"]
    assert W.std() == pytest.approx(0.02, rel=0.03)


def test_errors_name_the_argument():
    rng = np.random.default_rng(0)
    layer = Positions(3, 2, rng=rng)
    with pytest.raises(RuntimeError, match=r"Positions: backward\(\) came before forward\(\)"):
        layer.backward(np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match=r"x has shape \(1, 4, 2\), expected at most 3 tokens"):
        layer.forward(np.zeros((1, 4, 2)))
    with pytest.raises(ValueError, match=r"x has shape \(1, 3\), expected \(\*, \*, 2\)"):
        layer.forward(np.zeros((1, 3)))
    layer.forward(np.zeros((1, 2, 2)))
    with pytest.raises(ValueError, match=r"dz has shape \(1, 3, 2\), expected \(1, 2, 2\)"):
        layer.backward(np.zeros((1, 3, 2)))
    with pytest.raises(ValueError, match="Positions: length is 0"):
        Positions(0, 2, rng=rng)
    with pytest.raises(TypeError, match="Positions: n is 2.5"):
        Positions(3, 2.5, rng=rng)
    with pytest.raises(ValueError, match="Positions: scale is 0"):
        Positions(3, 2, rng=rng, scale=0)
    with pytest.raises(TypeError, match="Positions: dtype is int64"):
        Positions(3, 2, rng=rng, dtype=np.int64)
