"""What is measured on a whole set is what one pass over it gives, and leaves no trace."""

import numpy as np
import pytest

from backprop.layers import Dense
from backprop.losses import Hinge, SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.schedules import ReduceOnPlateau
from backprop.training import evaluate, fit, measuring
from backprop.training.diagnostics import loss_surface

WEIGHTED = SoftmaxCrossEntropy(0.1, np.array([0.2, 5.0, 1.0]))
RECOMBINED = {
    "plain": SoftmaxCrossEntropy(),
    "class weights": SoftmaxCrossEntropy(class_weights=np.array([0.2, 5.0, 1.0])),
    "both options": WEIGHTED,
    "hinge": Hinge(),
}


def unbalanced(n=5000):
    """Classes in order, so that chunks of the set differ in their weights."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 4)), np.sort(rng.choice(3, n, p=[0.7, 0.1, 0.2]))


@pytest.mark.parametrize("name", RECOMBINED)
def test_means_of_chunks_recombine_to_the_mean_of_the_whole(name, monkeypatch):
    loss, (x, y) = RECOMBINED[name], unbalanced()
    network = Sequential([Dense(4, 3, rng=np.random.default_rng(1))])
    exact = loss.forward(network(x), y)
    monkeypatch.setattr(measuring, "MEASURED_AT_ONCE", 700)
    shuffle = np.random.default_rng(2).permutation(len(x))
    for order in (slice(None), slice(None, None, -1), shuffle):
        assert evaluate(network, loss, x[order], y[order])[0] == pytest.approx(exact, rel=1e-12)
    # whatever stands on it: validation, plateau, surfaces
    watched = Plateau(1e-300)
    history = fit(
        network, loss, SGD(network, 1e-300), x[:50], y[:50], validation=(x, y),
        epochs=1, batch_size=7, rng=np.random.default_rng(0), schedule=watched,
    )  # fmt: skip
    assert history.validation_loss == watched.seen == [pytest.approx(exact, rel=1e-12)]
    surface = loss_surface(
        network, loss, x, y, [np.zeros_like(network.theta)], [np.zeros(1)]
    )  # fmt: skip
    assert surface[0] == pytest.approx(exact, rel=1e-12)


@pytest.mark.parametrize("name", RECOMBINED)
def test_the_mean_over_an_epochs_batches_is_that_of_its_samples(name):
    loss, (x, y) = RECOMBINED[name], unbalanced(333)
    network = Sequential([Dense(4, 3, rng=np.random.default_rng(1))])
    exact = loss.forward(network(x), y)
    history = fit(
        network, loss, SGD(network, 1e-300), x, y, measure=False,
        epochs=1, batch_size=50, rng=np.random.default_rng(0),
    )  # fmt: skip
    assert history.loss == [pytest.approx(exact, rel=1e-12)]


class Plateau(ReduceOnPlateau):
    """Notes what it is shown."""

    def __init__(self, learning_rate):
        super().__init__(learning_rate)
        self.seen = []

    def observe(self, loss):
        self.seen.append(loss)
        super().observe(loss)
