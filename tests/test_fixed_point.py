"""The layer that iterates to rest: its output, its gradients, what it refuses."""

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from backprop.autodiff import gradcheck
from backprop.layers import RNN, Dense, FixedPoint
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam

few = settings(max_examples=15, deadline=None)


def layer(n_in=3, n_hidden=4, seed=0, **options):
    made = FixedPoint(n_in, n_hidden, rng=np.random.default_rng(seed), **options)
    made.parameters["b"] = (
        np.random.default_rng(seed + 1).normal(size=n_hidden).astype(made.parameters["b"].dtype)
    )
    return made


def test_the_output_solves_the_equation_and_is_that_of_a_long_rnn():
    made, x = layer(), np.random.default_rng(2).normal(size=(5, 3))
    h = made.forward(x)
    W, U, b = (made.parameters[name] for name in "WUb")
    np.testing.assert_allclose(np.tanh(x @ W + h @ U + b), h, atol=1e-14)
    rnn = RNN(3, 4, rng=np.random.default_rng(0), return_sequence=False)
    rnn.parameters.update(made.parameters)
    long = np.repeat(x[:, None], 400, axis=1)
    np.testing.assert_allclose(rnn.forward(long), h, atol=1e-13)
    dh = np.random.default_rng(3).normal(size=h.shape)
    rnn.backward(dh), made.backward(dh)
    for name in "WUb":  # backpropagation through 400 steps finds the same
        np.testing.assert_allclose(made.gradients[name], rnn.gradients[name], atol=1e-12)


@few
@given(rows=st.integers(1, 4), n=st.integers(1, 5), norm=st.floats(0, 0.95), seed=st.integers(0, 9))
def test_the_gradients_pass_the_check(rows, n, norm, seed):
    rng = np.random.default_rng(seed)
    made = layer(2, n, seed, norm=norm)
    # A single saturated unit has slopes that a difference cannot resolve: keep the inputs small.
    gradcheck.check_layer(made, rng.normal(size=(rows, 2)) / 4, rng=rng).raise_if_off()


@pytest.mark.parametrize(("seed", "n", "rows"), [(8, 1, 3), (8, 3, 1), (6, 4, 1), (9, 5, 1)])
def test_a_complex_state_comes_to_rest_as_far_as_its_tanh_is_exact(seed, n, rows):
    made = layer(2, n, seed, norm=0.95)
    x = np.random.default_rng(seed).normal(size=(rows, 2)) / 4
    for step in range(x.size):
        moved = x + 1e-20j * (np.arange(x.size) == step).reshape(x.shape)
        np.testing.assert_allclose(made.forward(moved).real, made.forward(x), atol=1e-12)


def test_the_check_refuses_the_gradient_of_the_last_iteration_alone():
    class Last(FixedPoint):
        def backward_parameters(self, dh):
            U, self.parameters["U"] = self.parameters["U"].copy(), 0 * self.parameters["U"]
            super().backward_parameters(dh)
            self.parameters["U"] = U

    rng = np.random.default_rng(0)
    assert not gradcheck.check_layer(Last(2, 3, rng=rng), rng.normal(size=(4, 2)), rng=rng).ok


def test_the_gradient_is_that_of_sympy():
    # One unit: h = tanh(w x + u h + b), so dh/dw = x s / (1 - u s) with s = 1 - h².
    made, x = layer(1, 1), np.array([[0.7]])
    h = made.forward(x)
    dx = made.backward(np.ones((1, 1)))
    w, u, b, at, y = sp.symbols("w u b x h", real=True)
    F = y - sp.tanh(w * at + u * y + b)
    values = {w: made.parameters["W"], u: made.parameters["U"], b: made.parameters["b"]}
    numbers = {s: float(v.item()) for s, v in values.items()} | {at: 0.7, y: h.item()}
    for symbol, found in ((w, "W"), (u, "U"), (b, "b"), (at, None)):
        slope = float((-F.diff(symbol) / F.diff(y)).subs(numbers))
        found = dx if found is None else made.gradients[found]
        assert found.item() == pytest.approx(slope, rel=1e-12)


def test_the_gradient_is_that_of_autograd_through_all_iterations():
    made, x = layer(), np.random.default_rng(2).normal(size=(5, 3))
    v = np.random.default_rng(3).normal(size=(5, 4))

    def loss(W, U, b, given):
        h = anp.zeros((5, 4))
        for _ in range(400):
            h = anp.tanh(given @ W + h @ U + b)
        return anp.sum(v * h)

    made.forward(x)
    found = [made.backward(v), *(made.gradients[name] for name in "WUb")]
    args = [made.parameters[name] for name in "WUb"] + [x]
    for ours, place in zip(found, (3, 0, 1, 2), strict=True):
        np.testing.assert_allclose(ours, autograd.grad(loss, place)(*args), atol=1e-12)


def test_the_gradient_is_that_of_torch_by_one_step_at_the_solution():
    torch = pytest.importorskip("torch")
    made, x = layer(), np.random.default_rng(2).normal(size=(2, 3))
    v = np.random.default_rng(3).normal(size=(2, 4))
    W, U, b = (torch.tensor(made.parameters[name], requires_grad=True) for name in "WUb")
    h = torch.zeros(2, 4, dtype=torch.float64)
    for _ in range(300):
        h = torch.tanh(torch.tensor(x) @ W + h @ U + b)
    (h * torch.tensor(v)).sum().backward()
    made.forward(x), made.backward(v)
    for name, theirs in zip("WUb", (W, U, b), strict=True):
        np.testing.assert_allclose(made.gradients[name], theirs.grad.numpy(), atol=1e-12)


def test_a_tolerance_ends_the_iteration_earlier():
    x = np.random.default_rng(2).normal(size=(5, 3))
    taken = []
    for tolerance in (1e-2, 1e-5, None):
        made = layer(tolerance=tolerance)
        made.forward(x)
        assert made.change <= made.tolerance
        taken.append(made.taken)
    assert taken[0] < taken[1] < taken[2]


@pytest.mark.parametrize("n", [1, 16, 64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_does_not_keep_the_iteration_from_its_end(n, dtype):
    made = FixedPoint(8, n, rng=np.random.default_rng(0), norm=0.95, dtype=dtype)
    h = made.forward(np.random.default_rng(1).normal(size=(64, 8)).astype(dtype))
    assert h.dtype == dtype and made.backward(h).dtype == dtype
    assert made.gradients["U"].dtype == dtype and made.taken < 1000


def test_without_a_fixed_point_it_says_so():
    made = layer(norm=4.0, iterations=50)
    made.parameters["U"] = -4 * np.eye(4)  # h alternates between two values
    with pytest.raises(RuntimeError, match=r"after 50 iterations .* spectral norm of U is 4"):
        made.forward(np.ones((1, 3)))
    made.contract()
    assert np.linalg.norm(made.parameters["U"], 2) == pytest.approx(0.95)
    made.iterations = 1000
    made.forward(np.ones((1, 3)))
    before = made.parameters["U"].copy()
    made.contract(0.99)
    np.testing.assert_array_equal(made.parameters["U"], before)


def test_it_trains_inside_a_network():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    inner = FixedPoint(2, 8, rng=rng)
    network, loss = Sequential([inner, Dense(8, 2, rng=rng)]), SoftmaxCrossEntropy()
    gradcheck.check_network(network, loss, x[:5], y[:5]).raise_if_off()
    optimizer, seen = Adam(network, 0.02), []
    for _ in range(150):
        seen.append(loss.forward(network.forward(x), y))
        network.backward(loss.backward())
        optimizer.step()
        inner.contract()
    assert seen[-1] < 0.5 * seen[0]


def test_what_it_refuses():
    rng = np.random.default_rng(0)
    for wrong in ({"n_in": 0}, {"n_hidden": 0}, {"iterations": 0}):
        with pytest.raises(ValueError, match="expected at least 1"):
            FixedPoint(**{"n_in": 2, "n_hidden": 2, "rng": rng} | wrong)
    made = layer()
    with pytest.raises(RuntimeError, match=r"backward\(\) came before"):
        made.backward(np.ones((1, 4)))
    with pytest.raises(ValueError, match="x has shape"):
        made.forward(np.ones((2, 4)))
    made.forward(np.ones((2, 3)))
    with pytest.raises(ValueError, match="dh has shape"):
        made.backward(np.ones((2, 3)))
    assert made.forward(np.ones((0, 3))).shape == (0, 4)
    assert made.backward(np.ones((0, 4))).shape == (0, 3)
