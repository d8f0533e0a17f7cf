"""What the figures of "Initialization" draw is what layers of the package do."""

import re
from itertools import product

import numpy as np
import pytest

from backprop import Dense, Sequential, load_digits
from backprop.activations import ACTIVATIONS, relu, relu_prime, tanh
from backprop.book.figures import starts
from backprop.book.figures.stepper import Frame
from backprop.initializers import he

IMAGE = load_digits(seed=0).x_train[0]
WEIGHTS = [he(np.random.default_rng(5), (64, 64)) for _ in range(10)]


def test_every_activation_of_the_package_is_measured():
    assert list(starts.LAYERS) == list(ACTIVATIONS)


@pytest.mark.parametrize("q", [0.3, 1.0, 4.0])
def test_moments_of_the_relu_are_half(q):
    assert starts.moment(relu, q) == pytest.approx(q / 2, rel=1e-3)
    assert starts.moment(relu_prime, q) == pytest.approx(0.5, rel=1e-3)
    u, weight = np.polynomial.hermite_e.hermegauss(80)
    exact = tanh(np.sqrt(q) * u) ** 2 @ weight / weight.sum()
    assert starts.moment(tanh, q) == pytest.approx(exact, rel=1e-4)


def test_the_recursions_count_inputs_forward_and_outputs_backward():
    widths = [3, 5, 2, 4]
    forward, backward = starts.predicted("identity", widths, starts.RULES["1/n_in"])
    np.testing.assert_allclose(forward, 1)
    np.testing.assert_allclose(backward, [4 / 5, 4 / 2, 1])
    forward, backward = starts.predicted("identity", widths, starts.RULES["1/n_out"])
    np.testing.assert_allclose(forward, [3 / 5, 3 / 2, 3 / 4])
    np.testing.assert_allclose(backward, 1)
    forward, backward = starts.predicted("relu", [7, 7, 7, 7], starts.RULES["Glorot"])
    np.testing.assert_allclose(forward, [1, 1 / 2, 1 / 4], rtol=1e-3)
    np.testing.assert_allclose(backward, [1 / 4, 1 / 2, 1], rtol=1e-3)


def test_the_average_of_many_networks_is_the_prediction():
    widths, rule = [4, 6, 3, 5], starts.RULES["Glorot"]
    for theory, runs in zip(
        starts.predicted("identity", widths, rule),
        starts.several("identity", widths, rule, range(600)),
        strict=True,
    ):
        np.testing.assert_allclose(runs.mean(axis=0), theory, rtol=0.12)


def test_the_same_network_as_one_sequence():
    widths, rule = [4, 6, 3], starts.RULES["Glorot"]
    rng = np.random.default_rng(7)
    W = [rng.normal(0, np.sqrt(rule(*shape)), shape) for shape in ((4, 6), (6, 3))]
    network = Sequential([Dense(4, 6, rng=rng), starts.Tanh(), Dense(6, 3, rng=rng)])
    network.parameters["dense1.W"][...], network.parameters["dense2.W"][...] = W
    rng = np.random.default_rng(7)
    for shape in ((4, 6), (6, 3)):
        rng.normal(size=shape)
    x = rng.normal(size=(starts.BATCH, 4))
    z2 = network.forward(x)
    found = starts.measured("tanh", widths, rule, 7)
    assert found.forward[-1] == pytest.approx(np.mean(z2**2))
    delta = rng.normal(size=z2.shape)
    below = delta @ W[1].T * (1 - np.tanh(x @ W[0]) ** 2)
    assert found.backward[0] == pytest.approx(np.mean(below**2) / np.mean(delta**2))


def test_the_error_of_a_loss_is_that_of_one_sequence():
    widths, rule = [4, 6, 3], starts.RULES["Glorot"]
    rng = np.random.default_rng(7)
    W = [rng.normal(0, np.sqrt(rule(*shape)), shape) for shape in ((4, 6), (6, 3))]
    x = rng.normal(size=(starts.BATCH, 4))
    a = np.tanh(x @ W[0])
    z2 = a @ W[1]
    share = np.exp(z2) / np.exp(z2).sum(axis=1, keepdims=True)
    share[np.arange(starts.BATCH), rng.integers(3, size=starts.BATCH)] -= 1
    for error, delta in (("labels", share), ("outputs", z2)):
        below = delta @ W[1].T * (1 - a**2)
        found = starts.measured("tanh", widths, rule, 7, error)
        assert found.backward[0] == pytest.approx(np.mean(below**2) / np.mean(delta**2))
    with pytest.raises(ValueError, match="labels"):
        starts.measured("tanh", widths, rule, 7, "ones")


def test_the_first_figure_prints_powers_of_the_scale():
    plain = starts.passed(IMAGE, WEIGHTS, 1.0)
    assert starts.size(plain[0]) == pytest.approx(1)
    for scale in (0.5, 2.0):
        for layer, (a, b) in enumerate(
            zip(starts.passed(IMAGE, WEIGHTS, scale), plain, strict=True)
        ):
            np.testing.assert_allclose(a, scale**layer * b, rtol=1e-12)
    drawn = starts.fading(IMAGE, WEIGHTS, "title").markup
    numbers = re.search(r"<desc>(.*?)</desc>", drawn)[1]
    last = [float(row.split(", ")[-1].replace(",", "")) for row in numbers.split("; ")]
    size = starts.size(plain[-1])
    assert last == pytest.approx([size / 1024, size, size * 1024], rel=0.06)
    assert len(drawn) < 150_000


def test_both_sums_write_the_mean_squares_over_all_signs():
    drawn = starts.both_sums("title").markup
    for terms, total in ((starts.INPUTS, "z = ±w ±2w ±2w"), (starts.ERRORS_ABOVE, "±w ±2w")):
        signs = product((1, -1), repeat=len(terms))
        square = np.mean([np.dot(sign, terms) ** 2 for sign in signs])
        assert f"{total}, mean square {square:.0f}w²" in drawn
    assert drawn.count(">±w<") == len(starts.INPUTS) + len(starts.ERRORS_ABOVE)


def test_the_stepper_names_what_is_left():
    frames = starts.which_rule(range(2))
    assert len(frames) == len(starts.WIDE) and all(isinstance(f, Frame) for f in frames)
    assert "three rules are the same" in frames[starts.WIDE.index(starts.NARROW)].caption
    at = starts.WIDE.index(256)
    assert "keeps 0.64" in frames[at].caption and "is 0.11 times" in frames[at].caption
    assert 0.64**5 == pytest.approx(0.107, abs=1e-3)


def test_the_other_drawings_say_what_they_show():
    widths, rule = [8] * 4, starts.RULES["1/n_in"]
    found = {
        name: (
            starts.predicted(name, widths, rule),
            starts.several(name, widths, rule, range(2)),
        )
        for name in starts.LAYERS
    }
    apart = {name: starts.differences(name, widths, rule, range(2)) for name in starts.LAYERS}
    drawn = starts.every_activation(found, apart, "title").markup
    assert all(word in drawn for word in ("leaky ReLU", "GELU", "forward", "backward", "between"))
    W = np.random.default_rng(0).normal(size=(64, 4))
    assert "some units" in starts.units({"some units": W}, "title").markup
    ends = np.array([[0.1, 0.2, 0.3], [1.0, 2.0, np.inf]])
    by_scale = {scale: ends for scale in (0.5, 2**-0.5, 1, 2**0.5, 2)}
    drawn = starts.over_rates({"one": by_scale, "ten": by_scale}, np.array([0.1, 1]), "title")
    assert all(word in drawn.markup for word in (">one<", ">ten<", ">× ½<", ">× 0.71<", ">× 1.4<"))


def test_differences_are_those_between_the_examples():
    widths, rule = [4, 6, 3], starts.RULES["Glorot"]
    rng = np.random.default_rng(7)
    W = [rng.normal(0, np.sqrt(rule(*shape)), shape) for shape in ((4, 6), (6, 3))]
    z1 = rng.normal(size=(starts.BATCH, 4)) @ W[0]
    z2 = 1 / (1 + np.exp(-z1)) @ W[1]
    expected = [np.mean((z - z.mean(axis=0)) ** 2) for z in (z1, z2)]
    np.testing.assert_allclose(starts.differences("sigmoid", widths, rule, [7]), [expected])


def test_the_default_of_pytorch_has_the_scale_that_the_page_names():
    torch = pytest.importorskip("torch", reason="peers: install torch to compare initializers")
    torch.manual_seed(0)
    drawn = torch.nn.Linear(300, 2000).weight.detach().numpy()
    assert np.abs(drawn).max() == pytest.approx(300**-0.5, rel=1e-3)
    assert drawn.std() / np.sqrt(2 / 300) == pytest.approx(0.41, abs=0.005)


@pytest.mark.parametrize(
    ("value", "written"),
    [(1055.0, "1,100"), (53.4, "53"), (4.68, "4.7"), (0.9149, "0.91"), (0.00103, "0.001")],
)
def test_two_digits(value, written):
    assert starts._plain(value) == written
