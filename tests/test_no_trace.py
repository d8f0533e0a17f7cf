"""Whatever looks at a network leaves it as it was: modes, averages, generators, watchers, masks."""

import numpy as np
import pytest

from backprop.layers import BatchNorm, Dense, Dropout, Layer, Residual, Tanh
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import Adam, minimize_lbfgs
from backprop.schedules import learning_rate_range_test
from backprop.training import evaluate, first_not_finite, measuring
from backprop.training.checkpointing import Checkpointed, measure
from backprop.training.diagnostics import (
    dead_units,
    hessian_spectrum,
    hessian_vector_product,
    loss_surface,
    random_direction,
)


class Counting(Layer):
    """The identity; it counts its passes, in whatever mode, in its state."""

    name = "counting"

    def __init__(self):
        super().__init__()
        self.seen = np.zeros(())

    def forward(self, x):
        self.seen += 1
        return x

    def backward(self, dz):
        return dz

    def state(self):
        return {"seen": self.seen}

    def load_state(self, state):
        self.seen[...] = state["seen"]


class Watching:
    def output(self, name, layer, a):
        pass

    def delta(self, name, layer, da):
        pass


def build(kind=Sequential, p=0.3):
    rng = np.random.default_rng(0)
    network = kind(
        [
            Dense(4, 5, rng=rng), BatchNorm(5), Tanh(), Counting(),
            Residual([Dropout(p, rng=np.random.default_rng(1)), Counting(), BatchNorm(5)]),
            Dense(5, 3, rng=rng),
        ]
    )  # fmt: skip
    network.layers[4].watch(Watching(), "part.")
    network.layers[4].layers[0].training = False
    network.layers[1].training = False
    return network


X = np.random.default_rng(5).normal(size=(21, 4))
Y = np.random.default_rng(6).integers(3, size=21)
LOSS = SoftmaxCrossEntropy()


def everything(network):
    parts = [network, *(layer for _, layer in network.walk())]
    found = {"modes": [part.training for part in parts]}
    found["reuse"] = [part.reuse for part in parts]
    found["watchers"] = [(part._watcher, part._prefix) for part in parts if hasattr(part, "watch")]
    found["masks"] = [
        part.mask.tobytes() for part in parts if isinstance(part, Dropout) and part.held
    ]  # fmt: skip
    return found | {name: value.tobytes() for name, value in network.state().items()}


def direction(network):
    return np.ones(network.theta.size)


OBSERVERS = {
    "evaluate": lambda f: evaluate(f, LOSS, X, Y),
    "evaluate in pieces": lambda f: evaluate(f, LOSS, np.tile(X, (400, 1)), np.tile(Y, 400)),
    "first_not_finite": lambda f: first_not_finite(f, X),
    "pieces": lambda f: measuring.pieces(f, X),
    "dead_units": lambda f: dead_units(f, X),
    "random_direction": lambda f: random_direction(f, np.random.default_rng(0)),
    "loss_surface": lambda f: loss_surface(f, LOSS, X, Y, [direction(f)], [np.linspace(-1, 1, 3)]),
    "hessian_vector_product": lambda f: hessian_vector_product(f, LOSS, X, Y, direction(f)),
    "hessian_spectrum": lambda f: hessian_spectrum(f, LOSS, X, Y, 1, rng=np.random.default_rng(0)),
    "learning_rate_range_test": lambda f: learning_rate_range_test(
        f, LOSS, Adam(f), X, Y, rng=np.random.default_rng(0), batch_size=8, steps=5
    ),
    "minimize_lbfgs": lambda f: minimize_lbfgs(f, LOSS, X, Y, max_iterations=3),
    "measure": lambda f: measure(f, X, np.ones((21, 3)), 1),
}


@pytest.mark.parametrize("name", OBSERVERS)
@pytest.mark.parametrize("kind", [Sequential, Checkpointed])
@pytest.mark.parametrize("held", [False, True])
def test_an_observer_leaves_no_trace(name, kind, held):
    network = build(kind, p=0.0 if name == "minimize_lbfgs" else 0.3)
    dropout = network.layers[4].layers[0]
    dropout.training = dropout.held = held
    network(X[:4])
    theta, before = network.theta.copy(), everything(network)
    OBSERVERS[name](network)
    assert everything(network) == before
    if name != "minimize_lbfgs":
        assert network.theta.tobytes() == theta.tobytes()


@pytest.mark.parametrize("name", OBSERVERS)
def test_an_observer_that_fails_leaves_no_trace(name):
    network = build()
    network(X[:4])
    theta, dtheta, before = network.theta.copy(), network.dtheta.copy(), everything(network)
    last, calls = network.layers[-1], []

    def fail(x):
        calls.append(x)
        if len(calls) < (3 if name in ("pieces", "first_not_finite") else 2):
            return Dense.forward(last, x)
        raise ZeroDivisionError

    last.forward = fail
    try:
        OBSERVERS[name](network)
    except ZeroDivisionError:
        pass
    else:
        assert name in ("random_direction", "pieces", "first_not_finite")
    del last.forward
    assert everything(network) == before
    assert network.theta.tobytes() == theta.tobytes()
    if name != "minimize_lbfgs":
        assert network.dtheta.tobytes() == dtheta.tobytes()


def test_checkpointed_reckoning_leaves_no_trace():
    network = build(Checkpointed)
    network(X)
    before = everything(network)
    network.peaks(X)
    network.keep_within(X, 10**9)
    assert everything(network) == before


def test_between_forward_and_backward_one_may_look_for_what_is_not_finite():
    """It keeps what backward needs; a set that is measured replaces it."""
    network, other = build(), build()
    delta = np.ones((21, 3))
    network(X), other(X)
    first_not_finite(network, X[:5])
    measuring.bytes_per_row(network, X)
    network.backward(delta), other.backward(delta)
    assert network.dtheta.tobytes() == other.dtheta.tobytes()


def test_the_figures_of_a_network_in_training_are_those_of_a_pass_in_training():
    network, other = build(p=0.0), build(p=0.0)
    network.train(True), other.train(True)
    value, share = evaluate(network, LOSS, X, Y)
    z = other(X)
    assert value == pytest.approx(LOSS.forward(z, Y), rel=1e-12)
    assert share == pytest.approx((z.argmax(axis=1) == Y).mean())
