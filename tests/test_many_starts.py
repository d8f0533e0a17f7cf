"""Many starts trained at once are trained as the package trains each of them."""

import numpy as np
import pytest

from backprop import (
    SGD,
    Adam,
    Dense,
    Dropout,
    LayerNorm,
    MeanSquaredError,
    ReLU,
    Residual,
    Sequential,
    Sigmoid,
    SoftmaxCrossEntropy,
    Tanh,
    clip_norm,
)  # fmt: skip
from backprop.book import many_starts

STEPS, B = 12, 5


def network(seed, unit, hidden=2):
    rng, layers, width = np.random.default_rng(seed), [], 4
    for _ in range(hidden):
        layers += [Dense(width, 6, rng=rng), unit()]
        width = 6
    return Sequential([*layers, Dense(width, 3, rng=rng)])


def labelled(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(30, 4)), rng.integers(3, size=30)


def one_by_one(optimizer, data, rates, seed):
    loss, rng, losses = SoftmaxCrossEntropy(), np.random.default_rng(seed), []
    for rate in rates:
        batch = rng.integers(30, size=B)
        losses.append(loss.forward(optimizer.network.forward(data[0][batch]), data[1][batch]))
        optimizer.network.backward_parameters(loss.backward())
        optimizer.learning_rate = float(rate)
        optimizer.step()
    return losses


@pytest.mark.parametrize("rule", [SGD, Adam])
@pytest.mark.parametrize("unit", [Tanh, ReLU])
@pytest.mark.parametrize("hidden", [0, 1, 3])
def test_each_run_is_that_of_the_package(rule, unit, hidden):
    seeds = [3, 4, 8]
    rates = np.linspace(0, 0.3, STEPS)[:, None] * [1, 0.5, 2] + 0.01
    together = [network(seed, unit, hidden) for seed in seeds]
    losses = many_starts.train(
        together, [labelled(seed) for seed in seeds], rates, B, seeds, adam=rule is Adam
    )
    for k, seed in enumerate(seeds):
        alone = network(seed, unit, hidden)
        expected = one_by_one(rule(alone, 1), labelled(seed), rates[:, k], seed)
        np.testing.assert_allclose(losses[k], expected, rtol=1e-9)
        np.testing.assert_allclose(together[k].theta, alone.theta, rtol=1e-7, atol=1e-10)


def test_runs_do_not_mix():
    seeds, rates = [0, 1], np.full((STEPS, 2), 0.1)
    first = [network(seed, Tanh) for seed in seeds]
    many_starts.train(first, [labelled(s) for s in seeds], rates, B, seeds)
    other = [network(0, Tanh), network(1, Tanh)]
    rates[:, 1] = 0
    start = other[1].theta.copy()
    many_starts.train(other, [labelled(s) for s in seeds], rates, B, seeds)
    np.testing.assert_array_equal(first[0].theta, other[0].theta)
    np.testing.assert_array_equal(other[1].theta, start)


@pytest.mark.parametrize("seeds", [[0], [0, 1, 2]])
def test_lengths_that_disagree_are_refused(seeds):
    with pytest.raises(ValueError, match="one seed"):
        many_starts.train(
            [network(0, Tanh), network(1, Tanh)], [labelled(0), labelled(1)],
            np.ones((STEPS, 2)), B, seeds,
        )  # fmt: skip


def test_other_layers_are_refused():
    strange = network(0, Sigmoid)
    with pytest.raises(ValueError, match="layer 1 is a Sigmoid"):
        many_starts.train([strange], [labelled(0)], np.ones((STEPS, 1)), B, [0])


def blocks(seed):
    """A network with a norm of its own scale, and residual blocks."""
    rng = np.random.default_rng(seed)
    inner = [LayerNorm(6), Dense(6, 6, rng=rng), Sigmoid()]
    layers = [Dense(4, 6, rng=rng), LayerNorm(6), Tanh(), Residual(inner), Dense(6, 3, rng=rng)]
    network = Sequential(layers)
    network.theta[...] += rng.normal(0, 0.1, network.theta.shape)
    return network


def stepped(network, rule, loss, data, rate, clip):
    optimizer, losses = rule(network, rate), []
    for _ in range(STEPS):
        losses.append(loss.forward(network.forward(data[0]), data[1]))
        network.backward_parameters(loss.backward())
        if clip:
            clip_norm(network, clip)
        optimizer.step()
    return losses


@pytest.mark.parametrize("rule", [SGD, Adam])
@pytest.mark.parametrize("clip", [None, 0.3])
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("squares", [False, True])
def test_a_stack_gives_what_each_run_gives_alone(rule, clip, shared, squares):
    rates = np.array([0.02, 0.1, 0.3])
    data = [labelled(0 if shared else seed) for seed in range(3)]
    if squares:
        data = [(x, np.eye(3)[y]) for x, y in data]
    loss = MeanSquaredError() if squares else SoftmaxCrossEntropy()
    x, y = data[0] if shared else (np.stack(arrays) for arrays in zip(*data, strict=True))
    together = [blocks(seed) for seed in range(3)]
    stack, losses = many_starts.Stack(together, rule), []
    for _ in range(STEPS):
        losses.append(stack.gradients(loss, x, y))
        if clip:
            stack.clip(clip)
        stack.step(rates)
    stack.unstack()
    for k, answers in enumerate(stack.forward(x)):
        alone = blocks(k)
        expected = stepped(alone, rule, loss, data[k], rates[k], clip)
        np.testing.assert_allclose(np.array(losses)[:, k], expected, rtol=1e-9)
        np.testing.assert_allclose(together[k].theta, alone.theta, rtol=1e-7, atol=1e-10)
        np.testing.assert_allclose(answers, alone.forward(data[k][0]), rtol=1e-7, atol=1e-10)


def test_a_stack_refuses_other_layers():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="a layer is a Dropout"):
        many_starts.Stack([Sequential([Dense(2, 2, rng=rng), Dropout(0.5, rng=rng)])])
