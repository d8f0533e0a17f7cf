"""Figures of a network on a whole set: loss, accuracy, and where NaN or infinity began."""

from __future__ import annotations

from math import ceil, isfinite

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array, check_array, check_labels, check_set
from backprop.layers import Layer
from backprop.losses import Loss
from backprop.network import Network
from backprop.threads import largest_product, sized
from backprop.training.memory import arrays_kept, owner, with_inner

MEASURED_ROWS = 4096
"""Most rows of one forward pass when a whole set is measured: more would not be faster."""
MEASURED_BYTES = 2**24
"""Bytes that layers and loss may keep of such a pass; a single row may take more."""


def evaluate(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> tuple[float, float | None]:
    """Return loss and accuracy over the whole set, in the mode the network is in.

    The accuracy is None where ``y`` holds no integer classes. Running averages and generators are
    afterwards those before; the set goes through the network in pieces, whose memory is bounded
    whatever a row takes.

    Raises
    ------
    ValueError
        If lengths disagree or there is no row.
    FloatingPointError
        If the loss is NaN or infinite; it says where that began.
    """
    check_set("evaluate", x, y)
    value, share = figures(network, loss, x, y)
    if not isfinite(value):
        raise FloatingPointError(f"evaluate: the loss is {value}: {first_not_finite(network, x)}")
    return value, share


def figures(
    network: Network, loss: Loss, x: Array, y: NDArray[np.generic]
) -> tuple[float, float | None]:
    """Return what :func:`evaluate` does, and NaN or infinity where that raises."""
    total = weights = correct = 0.0
    classes = y.dtype.kind in "iu"
    parts = pieces(network, x)
    # The same threads within fit and without it: the same bits.
    with network.preserved(), sized(largest_product(x[parts[0]], network.parameters.values())):
        for part in parts:
            z = network.forward(x[part])
            value, weight = loss.forward(z, y[part]), loss.weight(y[part])
            total += value * weight
            weights += weight
            if classes:
                correct += accuracy(z, y[part]) * len(z)
    return total / weights, correct / len(x) if classes else None


def pieces(network: Network, x: Array) -> list[slice]:
    """Cut the rows of ``x`` into pieces, of equal length or longer by one, that fit the memory."""
    rows = max(1, min(MEASURED_ROWS, MEASURED_BYTES // bytes_per_row(network, x)))
    n = len(x)
    number = ceil(n / rows)
    return [slice(k * n // number, (k + 1) * n // number) for k in range(number)]


def bytes_per_row(network: Network, x: Array) -> int:
    """Return what layers and loss keep of one row, found by a pass of the first row."""
    everyone = with_inner(network)
    with network.aside(), np.errstate(all="ignore"):
        network.train(False)
        for layer in everyone:
            layer.reuse, layer._arrays = True, {}
        before = [dict(vars(layer)) for layer in everyone]
        z = network.forward(x[:1])
        sizes = {id(z): z.nbytes}
        for layer, held in zip(everyone, before, strict=True):
            sizes |= arrays_kept(layer, held)
            sizes |= {id(array): array.nbytes for array in layer._arrays.values()}
        sizes.pop(id(owner(x)), None)
    # A loss keeps and makes some arrays of the size of z.
    return sum(sizes.values()) + 4 * z.nbytes


def check_fit(network: Network, loss: Loss, x: Array, y: NDArray[np.generic]) -> None:
    """Raise where the network does not take rows of x, or the loss does not take every target.

    One row goes through the network in use, and its output beside all targets through the loss: a
    label out of range is found before anything is trained.
    """
    with network.aside(), np.errstate(all="ignore"):
        network.train(False)
        z = network.forward(x[:1])
        for start in range(0, len(y), MEASURED_ROWS):
            part = y[start : start + MEASURED_ROWS]
            loss.forward(np.broadcast_to(z, (len(part), *z.shape[1:])), part)


def accuracy(scores: Array, y: NDArray[np.generic]) -> float:
    """Fraction of rows whose largest score is at their class; a row with NaN has none.

    Parameters
    ----------
    scores : (batch, classes) array
    y : (batch,) array of integer classes

    Raises
    ------
    TypeError
        If ``scores`` is no floating array or ``y`` no integer array.
    ValueError
        If the shapes disagree (NumPy would compare (100, 1) with (100, 2) and answer), or there is
        no score.
    """
    check_array("accuracy", "scores", scores, (None, None))
    labels = check_labels("accuracy", "y", y, len(scores), scores.shape[1])
    if not scores.size:
        raise ValueError(f"accuracy: scores has no row or no column, its shape is {scores.shape}")
    right = scores.argmax(axis=1) == labels
    # argmax takes the first NaN for the largest, and so does max.
    right &= ~np.isnan(scores.max(axis=1))
    return float(right.mean())


def first_not_finite(network: Network, x: Array) -> str:
    """Say where NaN or infinity first appears on the way forward: input, parameter or output."""
    if not np.isfinite(x).all():
        return "x already holds NaN or infinity"
    finder = _Finder(network)
    with network.aside():
        network.watch(finder)
        # Statistics of a batch are those of all its rows.
        for part in [slice(None)] if network.training else pieces(network, x):
            network.forward(x[part])
            if finder.found:
                break
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
