"""The four steps in a loop: forward, error, backward, update."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backprop.arrays import Array, check_count, check_labels
from backprop.layers import Layer
from backprop.losses import Loss
from backprop.network import Network
from backprop.schedules import ReduceOnPlateau, Schedule
from backprop.training.state import State, Stateful, describe, fingerprint, load, save


class Optimizer(Protocol):
    """What the loop asks of an optimizer."""

    learning_rate: float
    steps: int

    def step(self) -> None:
        """Apply the gradients of the last backward pass."""


@dataclass(frozen=True)
class Step:
    """One update: the epoch it belongs to, from 0, the updates so far, the loss that led to it."""

    epoch: int
    steps: int
    loss: float
    learning_rate: float


Observer = Callable[[Step], None]
"""Called after each update, while the gradients that made it still stand."""


@dataclass
class History:
    """Figures per epoch, measured after it on the whole set; accuracies are fractions.

    With ``fit(…, measure=False)`` the loss is the mean of what the batches had on their way.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return each list as an array, shape (epochs,)."""
        return {f.name: np.array(getattr(self, f.name), np.float64) for f in fields(self)}

    def load_state(self, state: State) -> None:
        """Take over what :meth:`state` returned; ``ValueError`` where names differ."""
        names = [f.name for f in fields(self)]
        if set(state) != set(names):
            raise ValueError(f"History.load_state: state holds {sorted(state)}, expected {names}")
        for name in names:
            setattr(self, name, state[name].tolist())


def accuracy(scores: Array, y: NDArray[np.generic]) -> float:
    """Fraction of rows whose largest score is at their class.

    Parameters
    ----------
    scores : (batch, classes) array
    y : (batch,) array of integer classes

    Raises
    ------
    ValueError
        If the shapes disagree: NumPy would compare (100, 1) with (100, 2) and answer.
    """
    if scores.ndim != 2:
        raise ValueError(f"accuracy: scores has shape {scores.shape}, expected (*, *)")
    labels = check_labels("accuracy", "y", y, len(scores), scores.shape[1])
    if not len(scores):
        raise ValueError("accuracy: scores has no row")
    return float((scores.argmax(axis=1) == labels).mean())


def fit(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    y: NDArray[np.generic],
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
    validation: tuple[Array, NDArray[np.generic]] | None = None,
    schedule: Schedule | None = None,
    measure: bool = True,
    progress: bool = False,
    observe: Observer | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    every: int = 1,
    resume: bool = False,
) -> History:
    """Train by mini-batches, shuffled anew each epoch; every sample is used once an epoch.

    Parameters
    ----------
    x : (n, …) array
    y : (n, …) array
        Classes or targets, as ``loss`` expects them.
    epochs, batch_size : int
        At least 1; the last batch may be smaller.
    rng : numpy.random.Generator
        Source of the shuffles: the same seed gives the same weights to the last bit.
    validation : (x, y), optional
        Measured after each epoch, never trained on.
    schedule : Schedule, optional
        Sets the learning rate before every step; one that watches the loss is shown that of the
        validation set, or else that of the training set, after each epoch.
    measure : bool
        Whether loss and accuracy on the training set are measured after each epoch, which costs
        another forward pass over it. If not, the loss in the history is the mean over the epoch's
        samples, each taken before the update that it led to, and the accuracy stays empty.
    progress : bool
        Show a progress bar.
    observe : callable, optional
        Called with a :class:`Step` after each update; :mod:`backprop.training.diagnostics` has one
        that records. What it raises ends the training.
    checkpoint : path, optional
        File to keep the run in, by :mod:`backprop.training.state`: after each ``every`` epochs and
        after the last. A run that was killed and resumed ends in the same weights to the last bit.
    every : int
        At least 1.
    resume : bool
        Go on from ``checkpoint`` where that exists, and start afresh where it does not. The data,
        the network, the optimizer and all numbers but ``epochs`` must be those of the first run;
        a validation set, too.

    Returns
    -------
    History
        Accuracies stay empty where ``y`` holds no integer classes.

    Raises
    ------
    ValueError
        If lengths disagree or a number is below 1.
    FileExistsError
        If ``checkpoint`` exists and ``resume`` is false.
    backprop.training.state.CheckpointError
        If ``checkpoint`` is damaged, foreign or that of another run; neither it nor the network
        has changed.
    FloatingPointError
        If the loss of a batch is NaN or infinite; it names the layer where that began, and the
        parameters are those before the update.
    """
    if len(x) != len(y):
        raise ValueError(f"fit: y has {len(y)} rows, expected {len(x)} as x")
    if not len(x):
        raise ValueError("fit: x has no row")
    check_count("fit", "epochs", epochs)
    size = min(check_count("fit", "batch_size", batch_size), len(x))
    history = History()
    if checkpoint is not None:
        check_count("fit", "every", every)
        run = _run(
            network,
            loss,
            optimizer,
            x,
            y,
            rng,
            validation,
            schedule,
            measure,
            size,
            history,
            epochs,
        )
        if Path(checkpoint).exists():
            if not resume:
                raise FileExistsError(
                    f"fit: checkpoint {checkpoint} exists; resume=True goes on from it"
                )
            load(checkpoint, **run)
    elif resume:
        raise ValueError("fit: resume is True, but checkpoint names no file")
    done = len(history.loss)
    # Each batch is gathered into the same two arrays; the last one of an epoch may fill a part.
    x_batch, y_batch = (
        np.empty((size, *x.shape[1:]), x.dtype),
        np.empty((size, *y.shape[1:]), y.dtype),
    )
    network.reuse_buffers(True)
    loss.reuse = True
    try:
        for epoch in tqdm(
            range(done, epochs),
            initial=done, total=epochs, disable=not progress, desc="training", unit="epoch",
        ):  # fmt: skip
            network.train(True)
            order, total = rng.permutation(len(x)), 0.0
            for start in range(0, len(x), size):
                batch = order[start : start + size]
                # "clip" spares NumPy a check of indices that cannot be wrong.
                xb = x.take(batch, axis=0, out=x_batch[: len(batch)], mode="clip")
                yb = y.take(batch, axis=0, out=y_batch[: len(batch)], mode="clip")
                value = loss.forward(network.forward(xb), yb)
                if not isfinite(value):
                    raise FloatingPointError(
                        f"fit: the loss is {value} in epoch {epoch}, batch {start // size}:"
                        f" {first_not_finite(network, xb)}; try a smaller learning_rate"
                    )
                total += value * len(batch)
                network.backward_parameters(loss.backward())
                if schedule is not None:
                    optimizer.learning_rate = schedule(optimizer.steps)
                optimizer.step()
                if observe is not None:
                    observe(Step(epoch, optimizer.steps, value, optimizer.learning_rate))
            network.train(False)
            if measure:
                _measure(network, loss, x, y, history.loss, history.accuracy)
            else:
                history.loss.append(total / len(x))
            if validation is not None:
                _measure(
                    network, loss, *validation, history.validation_loss, history.validation_accuracy
                )
            if isinstance(schedule, ReduceOnPlateau):
                schedule.observe((history.validation_loss or history.loss)[-1])
            if checkpoint is not None and ((epoch + 1) % every == 0 or epoch + 1 == epochs):
                save(checkpoint, **run)
    finally:
        network.reuse_buffers(False)
        network.train(False)
        loss.forget()
    return history


def first_not_finite(network: Network, x: Array) -> str:
    """Say where NaN or infinity first appears on the way forward: input, parameter or output."""
    if not np.isfinite(x).all():
        return "x already holds NaN or infinity"
    finder = _Finder(network)
    before = network.watch(finder)
    try:
        network.forward(x)
    finally:
        network.watch(before)
    return finder.found or "every layer's output is finite, so it began in the loss"


class _Finder:
    """Watches for the first parameter or output that is not finite."""

    def __init__(self, network: Network) -> None:
        self.top = list(network.named)
        self.found = ""

    def output(self, name: str, layer: Layer, a: Array) -> None:
        if self.found:
            return
        for key, value in layer.parameters.items():
            if not np.isfinite(value).all():
                self.found = f"{name}.{key} holds NaN or infinity, from the last update"
                return
        if not np.isfinite(a).all():
            self.found = f"it began in the output of {self._place(name, layer)}"

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """The way back is not walked."""

    def _place(self, name: str, layer: Layer) -> str:
        top, *inner = name.split(".")
        number = self.top.index(top) + 1
        kind = type(layer).__name__
        return f"layer {number}, at {name}, {kind}" if inner else f"layer {number}, {kind}"


class _Progress:
    """The history as a state, its length the epochs done."""

    def __init__(self, history: History, epochs: int) -> None:
        self.history, self.epochs = history, epochs
        self.state = history.state

    def load_state(self, state: State) -> None:
        done = len(state.get("loss", ()))
        if done > self.epochs:
            raise ValueError(f"it is that of {done} epochs, epochs is {self.epochs}")
        self.history.load_state(state)


def _run(
    network: Network,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    y: NDArray[np.generic],
    rng: np.random.Generator,
    validation: tuple[Array, NDArray[np.generic]] | None,
    schedule: Schedule | None,
    measure: bool,
    batch_size: int,
    history: History,
    epochs: int,
) -> dict[str, Any]:
    """Return what ``save`` and ``load`` need to keep a run, and to know it again."""
    if not isinstance(optimizer, Stateful):
        raise TypeError(
            f"fit: optimizer is a {type(optimizer).__name__} without state() and load_state(),"
            " which a checkpoint needs"
        )
    others: dict[str, Stateful] = {"history": _Progress(history, epochs)}
    if isinstance(schedule, Stateful):
        others["schedule"] = schedule
    about = {
        "loss": describe(loss),
        "schedule": describe(schedule),
        "measure": str(measure),
        "batch_size": str(batch_size),
        "x": fingerprint(x),
        "y": fingerprint(y),
        "validation": str(validation and tuple(map(fingerprint, validation))),
    }
    return dict(network=network, optimizer=optimizer, rng=rng, others=others, about=about)


MEASURED_AT_ONCE = 4096
"""Rows of one forward pass when a whole set is measured: more would only need more memory."""


def evaluate(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> tuple[float, float | None]:
    """Return loss and accuracy over the whole set, in the mode the network is in.

    The accuracy is None where ``y`` holds no integer classes.
    """
    total = correct = 0.0
    classes = y.dtype.kind in "iu"
    for start in range(0, len(x), MEASURED_AT_ONCE):
        xs, ys = x[start : start + MEASURED_AT_ONCE], y[start : start + MEASURED_AT_ONCE]
        z = network.forward(xs)
        total += loss.forward(z, ys) * len(xs)
        if classes:
            correct += accuracy(z, ys) * len(xs)
    return total / len(x), correct / len(x) if classes else None


def _measure(
    network: Network,
    loss: Loss,
    x: Array,
    y: NDArray[np.generic],
    losses: list[float],
    accuracies: list[float],
) -> None:
    value, share = evaluate(network, loss, x, y)
    losses.append(value)
    if share is not None:
        accuracies.append(share)
