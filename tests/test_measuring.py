"""What is measured on a whole set is what one pass over it gives, and leaves no trace."""

import numpy as np
import pytest

from backprop.layers import Dense, Tanh
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
    monkeypatch.setattr(measuring, "MEASURED_ROWS", 700)
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


def test_pieces_are_as_long_as_the_memory_allows():
    rng = np.random.default_rng(0)
    x = np.zeros((5000, 784))
    narrow = Sequential([Dense(784, 30, rng=rng), Tanh(), Dense(30, 10, rng=rng)])
    # what a row keeps counts, not the set that it is a view of
    assert measuring.pieces(narrow, x) == [slice(0, 2500), slice(2500, 5000)]
    wide = Sequential([Dense(784, 20_000, rng=rng), Tanh()])
    per_row = measuring.bytes_per_row(wide, x)
    # z and tanh z, and what the loss keeps of the output
    assert 2 * 160_000 <= per_row <= 6 * 160_000 + 1000
    pieces = measuring.pieces(wide, x)
    lengths = {part.stop - part.start for part in pieces}
    assert max(lengths) <= measuring.MEASURED_BYTES // per_row < max(lengths) + 2
    assert max(lengths) - min(lengths) <= 1 and min(lengths) >= 1
    assert [part.start for part in pieces[1:]] == [part.stop for part in pieces[:-1]]
    assert pieces[0].start == 0 and pieces[-1].stop == 5000


def test_the_accuracy_of_uneven_pieces_is_that_of_all_rows(monkeypatch):
    monkeypatch.setattr(measuring, "MEASURED_ROWS", 4)
    rng = np.random.default_rng(0)
    network = Sequential([Dense(2, 2, rng=rng)])
    x = rng.normal(size=(10, 2))
    assert {part.stop - part.start for part in measuring.pieces(network, x)} == {3, 4}
    labels = network.forward(x).argmax(axis=1)
    for wrong in range(10):  # in a piece of 3 rows, or of 4
        y = labels.copy()
        y[wrong] = 1 - y[wrong]
        assert evaluate(network, SoftmaxCrossEntropy(), x, y)[1] == 0.9
