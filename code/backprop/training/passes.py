"""A forward pass that can be forgotten and made again, with the same masks and averages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from backprop.arrays import Array
from backprop.layers import Dense, Dropout, GaussianSample, Layer
from backprop.layers.activation import Activation
from backprop.training.memory import arrays_kept, changed, with_inner

# What a forward pass keeps that keeps its input alone. A subclass with another one is not found.
_INPUT = {Dense.forward: "x", Activation.forward: "z"}


def hand(layer: Layer, x: Array) -> bool:
    """Let a layer keep what its backward pass needs of ``x``; nobody needs its output.

    Dense layers and activations need x alone and are not evaluated.

    Returns
    -------
    bool
        Whether the layer was evaluated.
    """
    name = _INPUT.get(type(layer).forward)
    if name is None:
        layer.forward(x)
    else:
        setattr(layer, name, x)
    return name is None


class Moment:
    """The states and modes of layers now, to be put back later."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        everyone = [inner for layer in layers for inner in with_inner(layer)]
        self.modes = [(layer, layer.training) for layer in everyone]
        stateless = Layer.state
        self.states = [
            (layer, layer._snapshot()) for layer in layers if type(layer).state is not stateless
        ]

    def put_back(self, *, modes: bool = True) -> None:
        """Give the layers their states again, and their modes if wanted."""
        for layer, snapshot in self.states:
            layer._put_back(snapshot)
        if modes:
            for layer, training in self.modes:
                layer.training = training


class Pass:
    """The forward pass of a segment: its input, and the moment at which it began."""

    def __init__(self, layers: Sequence[Layer], x: Array) -> None:
        self.layers, self.x = layers, x
        self.everyone = [inner for layer in layers for inner in with_inner(layer)]
        self.begun = Moment(layers)
        self._traces: list[dict[str, Any]] = []

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Note which attributes of the layers the pass made or replaced, to release them later."""
        self._held = [dict(vars(layer)) for layer in self.everyone]
        complete = False
        try:
            yield
            complete = True
        finally:
            # An attribute that was not there before is noted as "...".
            self._traces = [
                {name: held.get(name, ...) for name in changed(layer, held)}
                for layer, held in zip(self.everyone, self._held, strict=True)
            ]
            del self._held
            if not complete:
                self.release()

    def release(self) -> None:
        """Free what the layers have kept for their backward passes; their states stay."""
        now = Moment(self.layers)
        for layer, trace in zip(self.everyone, self._traces, strict=False):
            # A mask or noise that is held must outlive the pass.
            if isinstance(layer, Dropout | GaussianSample) and layer.held:
                continue
            for name, value in trace.items():
                if value is ...:
                    vars(layer).pop(name, None)
                else:
                    vars(layer)[name] = value
        self._traces = []
        # A layer that replaces what it counts among its state, too, has now got it back.
        now.put_back(modes=False)

    def recompute(self) -> None:
        """Let the layers keep again what they kept; their states and modes stay those of now."""
        now = Moment(self.layers)
        self.begun.put_back()
        try:
            with self.keeping():
                x = self.x
                for layer in self.layers[:-1]:
                    x = layer.forward(x)
                hand(self.layers[-1], x)
        finally:
            now.put_back()

    def kept(self, layer: Layer) -> dict[int, int]:
        """Return the size of each array that ``layer`` has kept since, by the array's identity."""
        sizes: dict[int, int] = {}
        inner = {id(one) for one in with_inner(layer)}
        for one, held in zip(self.everyone, self._held, strict=True):
            if id(one) in inner:
                sizes |= arrays_kept(one, held)
        return sizes
