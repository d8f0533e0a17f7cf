"""Ten networks and ten test sets: every one of the 1,797 digits is tested once, by one of them.

What the chapter "Is it any good?" measures: recipes for training, and for each image whether the
network that had never seen it read it rightly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import shift

from backprop.activations import softmax
from backprop.arrays import Array, Labels
from backprop.datasets import load_digits
from backprop.layers import Dense, Sigmoid
from backprop.losses import SoftmaxCrossEntropy
from backprop.network import Sequential
from backprop.optimizers import SGD
from backprop.schedules import Cosine
from backprop.threads import scipy_waits
from backprop.training import fit

FOLDS = 10
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Recipe:
    """How a network 64-width-10 is trained; the learning rate falls to 0 along half a cosine.

    ``shifts`` adds eight copies of each training image, moved by half a pixel.
    """

    width: int = 100
    epochs: int = 40
    weight_decay: float = 0.0
    shifts: bool = False
    learning_rate: float = 2.0
    batch_size: int = 32


@dataclass(frozen=True)
class Tested:
    """What ten networks answer on images that each had not seen.

    Attributes
    ----------
    p : array, shape (1797, 10)
        The probabilities of the classes, in the order of :func:`images`.
    y : int array, shape (1797,)
        The classes.
    validation_loss : array, shape (10,)
        Of the networks, each on its own validation set.
    """

    p: Array
    y: Labels
    validation_loss: Array

    @property
    def answers(self) -> Labels:
        """The likeliest class of each image."""
        return np.asarray(self.p.argmax(axis=1))

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether an image was misread."""
        return np.asarray(self.answers != self.y)


@cache
def images() -> tuple[Array, Labels]:
    """Return all 1,797 digits of 8 × 8 pixels, x (1797, 64) and y (1797,)."""
    data = load_digits()
    return np.concatenate([data.x_train, data.x_test]), np.concatenate([data.y_train, data.y_test])


@cache
def blocks() -> list[Indices]:
    """Return the numbers of the images in ten blocks of neighbours in scikit-learn's file."""
    from sklearn.datasets import load_digits as load_file

    number = {image.tobytes(): k for k, image in enumerate(images()[0])}
    in_file = np.array([number[(image / 16).tobytes()] for image in load_file().data])
    return np.array_split(in_file, FOLDS)


@cache
def folds(split: int | None = 0) -> list[tuple[Indices, Indices, Indices]]:
    """Return ten times the numbers of the training, validation and test images.

    The ten test sets have no image in common, and together they are all of them. A fifth of the
    others validates. Each class is split in the same proportion. Another ``split`` deals the
    images anew; without one, the test sets are :func:`blocks`.
    """
    from sklearn.model_selection import StratifiedKFold, train_test_split

    _, y = images()
    if split is None:
        tests = blocks()
        rests = [np.concatenate(tests[:k] + tests[k + 1 :]) for k in range(FOLDS)]
    else:
        dealt = StratifiedKFold(FOLDS, shuffle=True, random_state=split).split(y[:, None], y)
        rests, tests = (list(half) for half in zip(*dealt, strict=True))
    parts = []
    for k, (rest, test) in enumerate(zip(rests, tests, strict=True)):
        train, validation = train_test_split(
            rest, test_size=0.2, random_state=FOLDS * (split or 0) + k, stratify=y[rest]
        )
        parts.append((train, validation, test))
    return parts


def parts(split: int | None = 0) -> Iterator[tuple[tuple[Array, Labels], ...]]:
    """Yield ten times (x, y) to train, to validate and to test."""
    x, y = images()
    for triple in folds(split):
        yield tuple((x[rows], y[rows]) for rows in triple)


def shifted(x: Array, step: float = 0.5) -> Array:
    """Return images (n, 64) and eight copies of each, moved by ``step`` pixels: (9n, 64)."""
    stack = x.reshape(-1, 8, 8)
    copies = [stack]
    for dy in (-step, 0, step):
        for dx in (-step, 0, step):
            if dy or dx:
                move = (0, dy, dx)
                copies.append(shift(stack, move, order=1))
    return np.concatenate(copies).reshape(-1, 64)


def train(
    recipe: Recipe, training: tuple[Array, Labels], validation: tuple[Array, Labels], seed: int
) -> tuple[Sequential, float]:
    """Train one network; return it and its validation loss."""
    x, y = training
    if recipe.shifts:
        x, y = shifted(x), np.tile(y, 9)
    rng = np.random.default_rng(seed)
    network = Sequential(
        [Dense(64, recipe.width, rng=rng), Sigmoid(), Dense(recipe.width, 10, rng=rng)]
    )
    optimizer = SGD(network, recipe.learning_rate, weight_decay=recipe.weight_decay)
    steps = recipe.epochs * -(-len(x) // recipe.batch_size)
    schedule = Cosine(recipe.learning_rate, steps)
    history = fit(
        network, SoftmaxCrossEntropy(), optimizer, x, y, epochs=recipe.epochs,
        batch_size=recipe.batch_size, rng=rng, validation=validation, schedule=schedule,
        measure=False,
    )  # fmt: skip
    return network, history.validation_loss[-1]


def tested(recipe: Recipe, first_seed: int = 0, split: int | None = 0) -> Tested:
    """Train ten networks, seeds from ``first_seed`` on, and test each on its own images."""
    _, y = images()
    p, loss = np.empty((len(y), 10)), np.empty(FOLDS)
    for k, (training, validation, (x, _)) in enumerate(parts(split)):
        network, loss[k] = train(recipe, training, validation, first_seed + k)
        p[folds(split)[k][2]] = softmax(network.forward(x))
    return Tested(p, y, loss)


def predicted(
    learn: Callable[[tuple[Array, Labels], tuple[Array, Labels]], Callable[[Array], Labels]],
    split: int | None = 0,
) -> Labels:
    """Return the answers of ten other classifiers to the images that each had not seen.

    ``learn(training, validation)`` returns a function from images to classes.
    """
    answers = np.empty(len(images()[1]), dtype=np.int64)
    # scikit-learn calls both NumPy's BLAS and SciPy's; left alone, their threads make it wait.
    with scipy_waits():
        for (_, _, rows), (training, validation, (x, _)) in zip(
            folds(split), parts(split), strict=True
        ):
            answers[rows] = learn(training, validation)(x)
    return answers
