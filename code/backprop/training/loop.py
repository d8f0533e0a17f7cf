"""The four steps in a loop: forward, error, backward, update."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import isfinite
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from backprop.arrays import Array, check_count, check_set
from backprop.losses import Loss
from backprop.network import Network
from backprop.schedules import Schedule, plateau_within
from backprop.threads import largest_product, sized
from backprop.training.measuring import check_fit, figures, first_not_finite
from backprop.training.state import (
    State,
    Stateful,
    check_writable,
    describe,
    fingerprint,
    load,
    save,
)


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
        """Take over what :meth:`state` returned; ``ValueError`` where names or lengths differ."""
        names, where = [f.name for f in fields(self)], "History.load_state"
        if set(state) != set(names):
            raise ValueError(f"{where}: state holds {sorted(state)}, expected {names}")
        epochs = state["loss"].shape
        for name in names:
            shape, dtype = state[name].shape, state[name].dtype
            if dtype != np.float64 or len(shape) != 1 or shape not in ((0,), epochs):
                raise ValueError(f"{where}: {name} is {dtype}{shape}, expected float64{epochs}")
        for name in names:
            setattr(self, name, state[name].tolist())


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
        a validation set, too. Without a schedule the learning rate is the checkpoint's, with a
        warning where the optimizer was given another.

    Returns
    -------
    History
        Accuracies stay empty where ``y`` holds no integer classes.

    Raises
    ------
    ValueError
        If lengths disagree or a number is below 1; if the network does not take x or the loss not
        the targets; if the optimizer is another network's; if a last batch of one row meets a
        :class:`backprop.layers.BatchNorm`. All this is found before the first update.
    TypeError
        If an argument is of the wrong kind.
    OSError
        If ``checkpoint`` cannot be written; ``FileExistsError`` if it exists and ``resume`` is
        false.
    backprop.training.state.CheckpointError
        If ``checkpoint`` is damaged, foreign or that of another run; neither it nor the network
        has changed.
    FloatingPointError
        If the loss of a batch or its gradient is NaN or infinite; it names the layer where that
        began. Parameters, optimizer, running averages and generators are those before the batch,
        as they are whatever else is raised before its update. Also if a measured loss is.
    """
    run = _Run(
        network, loss, optimizer, x, y, rng, epochs, batch_size,
        validation, schedule, measure, observe,
        None if checkpoint is None else Path(checkpoint), every,
    )  # fmt: skip
    run.check(resume)
    run.restore(resume)
    multiplications = largest_product(x[: run.size], network.parameters.values())
    with _buffers_reused(network, loss), sized(multiplications):
        batches = _Batches(x, y, run.size)
        done = len(run.history.loss)
        for epoch in tqdm(
            range(done, epochs),
            initial=done, total=epochs, disable=not progress, desc="training", unit="epoch",
        ):  # fmt: skip
            network.train(True)
            mean = run.train(epoch, batches)
            network.train(False)
            run.measure_all(mean)
            run.keep(epoch + 1)
    return run.history


@contextmanager
def _buffers_reused(network: Network, loss: Loss) -> Iterator[None]:
    """Let layers and loss write into the same arrays in every step, and free them at the end."""
    network.reuse_buffers(True)
    loss.reuse = True
    try:
        yield
    finally:
        network.reuse_buffers(False)
        network.train(False)
        loss.forget()


class _NotFinite(ArithmeticError):
    """A batch whose loss or gradient is NaN or infinite."""


class _Batches:
    """Mini-batches, each gathered into the same two arrays; the last may fill a part of them."""

    def __init__(self, x: Array, y: NDArray[np.generic], size: int) -> None:
        self.x, self.y, self.size = x, y, size
        self.x_batch = np.empty((size, *x.shape[1:]), x.dtype)
        self.y_batch = np.empty((size, *y.shape[1:]), y.dtype)

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[Array, NDArray[np.generic]]]:
        """Yield all rows once, in an order drawn from ``rng``."""
        order = rng.permutation(len(self.x))
        for start in range(0, len(order), self.size):
            batch = order[start : start + self.size]
            # "clip" spares NumPy a check of indices that cannot be wrong.
            yield (
                self.x.take(batch, axis=0, out=self.x_batch[: len(batch)], mode="clip"),
                self.y.take(batch, axis=0, out=self.y_batch[: len(batch)], mode="clip"),
            )


@dataclass
class _Run:
    """What a run is made of: the arguments of :func:`fit`, and the history so far."""

    network: Network
    loss: Loss
    optimizer: Optimizer
    x: Array
    y: NDArray[np.generic]
    rng: np.random.Generator
    epochs: int
    batch_size: int
    validation: tuple[Array, NDArray[np.generic]] | None
    schedule: Schedule | None
    measure: bool
    observe: Observer | None
    checkpoint: Path | None
    every: int
    history: History = field(default_factory=History)

    @property
    def size(self) -> int:
        """Rows of a batch."""
        return min(self.batch_size, len(self.x))

    def check(self, resume: bool) -> None:
        """Raise where an argument cannot be right, before anything is done."""
        check_set("fit", self.x, self.y)
        check_count("fit", "epochs", self.epochs)
        check_count("fit", "batch_size", self.batch_size)
        if not isinstance(self.rng, np.random.Generator):
            kind = type(self.rng).__name__
            raise TypeError(f"fit: rng is a {kind}, expected a numpy.random.Generator")
        for name in ("schedule", "observe"):
            if (given := getattr(self, name)) is not None and not callable(given):
                raise TypeError(f"fit: {name} is a {type(given).__name__}, expected a callable")
        self._check_belonging()
        if self.checkpoint is not None:
            check_count("fit", "every", self.every)
            check_writable("fit", self.checkpoint)
        elif resume:
            raise ValueError("fit: resume is True, but checkpoint names no file")
        check_fit(self.network, self.loss, self.x, self.y)
        self.network.check_batches("fit", self.x, self.batch_size)
        if self.validation is not None:
            self._check_validation()

    def _check_validation(self) -> None:
        if not isinstance(self.validation, tuple | list) or len(self.validation) != 2:
            given = type(self.validation).__name__
            raise TypeError(f"fit: validation is a {given}, expected a pair (x, y)")
        check_set("fit: validation", *self.validation)
        try:
            check_fit(self.network, self.loss, *self.validation)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"fit: validation does not fit: {error}") from error

    def _check_belonging(self) -> None:
        """Raise where network and optimizer do not belong together."""
        self.network.check_binding("fit")
        trained = getattr(self.optimizer, "network", self.network)
        within = [self.network, *(layer for _, layer in self.network.walk())]
        if not any(trained is part for part in within):
            raise ValueError(
                "fit: optimizer is that of another network (a copy, perhaps), expected one of"
                " this network or of a network within it"
            )

    def train(self, epoch: int, batches: _Batches) -> float:
        """Make the updates of one epoch; return the mean of the losses that led to them."""
        total = weights = 0.0
        stateful = self.network.stateful()
        for number, (xb, yb) in enumerate(batches.shuffled(self.rng)):
            before = [layer._snapshot() for layer in stateful]
            try:
                value = self._gradients(xb, yb)
                if self.schedule is not None:
                    self.optimizer.learning_rate = self.schedule(self.optimizer.steps)
            except BaseException as error:
                for layer, snapshot in zip(stateful, before, strict=True):
                    layer._put_back(snapshot)
                if isinstance(error, _NotFinite):
                    where = f"in epoch {epoch}, batch {number}: {self._reason(error, xb)}"
                    raise FloatingPointError(f"fit: {error} {where}") from None
                raise
            self.optimizer.step()
            weight = self.loss.weight(yb)
            total, weights = total + value * weight, weights + weight
            if self.observe is not None:
                rate = self.optimizer.learning_rate
                self.observe(Step(epoch, self.optimizer.steps, value, rate))
        return total / weights

    def _gradients(self, xb: Array, yb: NDArray[np.generic]) -> float:
        """Fill the gradients of one batch; return its loss."""
        value = self.loss.forward(self.network.forward(xb), yb)
        if not isfinite(value):
            raise _NotFinite(f"the loss is {value}")
        self.network.backward_parameters(self.loss.backward())
        g = self.network.dtheta
        with np.errstate(over="ignore", invalid="ignore"):
            # BLAS' product takes half the time of isfinite, which decides where it overflows.
            size = np.dot(g, g)
        if not (isfinite(size) or np.isfinite(g).all()):
            raise _NotFinite(f"the loss is {value}, but its gradient is not finite")
        return value

    def _reason(self, error: _NotFinite, xb: Array) -> str:
        """Say where NaN or infinity began, and what may help."""
        advice = "try a smaller learning_rate"
        for name, gradient in self.network.gradients.items():
            if "gradient" in str(error) and not np.isfinite(gradient).all():
                return f"that by {name} holds NaN or infinity; {advice}"
        return f"{first_not_finite(self.network, xb)}; {advice}"

    def measure_all(self, mean: float) -> None:
        """Add the figures of an epoch to the history, and show the loss to who watches it."""
        history = self.history
        if self.measure:
            self._measure("training", self.x, self.y, history.loss, history.accuracy)
        else:
            history.loss.append(mean)
        if self.validation is not None:
            self._measure(
                "validation", *self.validation,
                history.validation_loss, history.validation_accuracy,
            )  # fmt: skip
        if (plateau := plateau_within(self.schedule)) is not None:
            plateau.observe((history.validation_loss or history.loss)[-1])

    def _measure(
        self,
        name: str,
        x: Array,
        y: NDArray[np.generic],
        losses: list[float],
        accuracies: list[float],
    ) -> None:
        value, share = figures(self.network, self.loss, x, y)
        if not isfinite(value):
            raise FloatingPointError(
                f"fit: the loss is {value} on the {name} set after epoch {len(losses)}:"
                f" {first_not_finite(self.network, x)}; try a smaller learning_rate"
            )
        losses.append(value)
        if share is not None:
            accuracies.append(share)

    def restore(self, resume: bool) -> None:
        """Go on from the checkpoint, if there is one and the caller wants it."""
        path = self.checkpoint
        if path is None:
            return
        kept = self._kept
        if path.exists():
            if not resume:
                raise FileExistsError(f"fit: checkpoint {path} exists; resume=True goes on from it")
            given = self.optimizer.learning_rate
            load(path, **kept)
            rate = self.optimizer.learning_rate
            if self.schedule is None and rate != given:
                warnings.warn(
                    f"fit: learning_rate is {rate}, as in {path}, and not {given}, which the"
                    " optimizer was given",
                    stacklevel=3,
                )

    def keep(self, done: int) -> None:
        """Save the run, if its turn has come."""
        if self.checkpoint is not None and (done % self.every == 0 or done == self.epochs):
            save(self.checkpoint, **self._kept)

    @cached_property
    def _kept(self) -> dict[str, Any]:
        """Return what ``save`` and ``load`` need to keep a run, and to know it again."""
        if not isinstance(self.optimizer, Stateful):
            raise TypeError(
                f"fit: optimizer is a {type(self.optimizer).__name__} without state() and"
                " load_state(), which a checkpoint needs"
            )
        others: dict[str, Stateful] = {"history": _Progress(self.history, self.epochs)}
        plateau = plateau_within(self.schedule)
        watching: object = self.schedule if plateau is None else plateau
        if isinstance(watching, Stateful):
            others["schedule"] = watching
        about = {
            "loss": describe(self.loss),
            "schedule": describe(self.schedule),
            "measure": str(self.measure),
            "batch_size": str(self.size),
            "x": fingerprint(self.x),
            "y": fingerprint(self.y),
            "validation": str(self.validation and tuple(map(fingerprint, self.validation))),
        }
        return dict(
            network=self.network, optimizer=self.optimizer, rng=self.rng, others=others, about=about
        )


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
