"""Layers that consist of layers: names, modes and states reach every one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import Array
from backprop.layers.base import Binding, Layer, Named, assign


class Watcher(Protocol):
    """One that looks on while a network runs; ``name`` is hierarchical: ``residual1.dense2``."""

    def output(self, name: str, layer: Layer, a: Array) -> None:
        """Look at a layer's output, on the way forward; the array is the network's."""

    def delta(self, name: str, layer: Layer, da: Array) -> None:
        """Look at ∂L/∂(a layer's output), on the way back; the array is the network's."""


class Names(Named):
    """The arrays of several layers under hierarchical names.

    To assign to a name copies into its array, as in :class:`backprop.layers.base.Arrays`.
    """

    def __init__(self, owners: Mapping[str, Named]) -> None:
        self._owners = {
            f"{name}.{key}": (arrays, key) for name, arrays in owners.items() for key in arrays
        }

    def __getitem__(self, name: str) -> Array:
        arrays, key = self._owners[name]
        return arrays[key]

    def __setitem__(self, name: str, value: Array) -> None:
        assign(name, self[name], value)

    def __delitem__(self, name: str) -> NoReturn:
        raise TypeError(f"{name} belongs to a layer and cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        return iter(self._owners)

    def __len__(self) -> int:
        return len(self._owners)

    def __repr__(self) -> str:
        return repr(dict(self))

    @contextmanager
    def replaced(self, arrays: Mapping[str, Array]) -> Iterator[None]:
        """Let other arrays of the same shapes, complex ones as well, stand here for a while."""
        with ExitStack() as stack:
            for name, value in arrays.items():
                owner, key = self._owners[name]
                stack.enter_context(owner.replaced({key: value}))
            yield


class Composite(Layer):
    """A layer made of named layers.

    ``parameters``, ``gradients`` and ``state()`` hold those of all layers within, under names such
    as ``residual1.dense2.W``; modes and buffers are set for all of them at once.

    Parameters
    ----------
    named : mapping of str to Layer
        Each object once, on all levels.

    Raises
    ------
    ValueError
        If a layer stands twice or the dtypes of the parameters differ.
    """

    def __init__(self, named: Mapping[str, Layer]) -> None:
        self.named: dict[str, Layer] = {}
        super().__init__()
        where = type(self).__name__
        self.named = dict(named)
        self.layers = list(self.named.values())
        objects = [id(layer) for _, layer in self.walk()]
        if len(set(objects)) < len(objects):
            raise ValueError(f"{where}: the same layer object stands twice in layers")
        for name, layer in self.named.items():
            if list(layer.parameters) != list(layer.gradients):
                raise ValueError(
                    f"{where}: {name} has parameters {list(layer.parameters)} and gradients"
                    f" {list(layer.gradients)}, expected the same names"
                )
            layer.parameters.fixed = layer.gradients.fixed = True
        self._parameters = Names({name: layer.parameters for name, layer in self.named.items()})
        self._gradients = Names({name: layer.gradients for name, layer in self.named.items()})
        kinds = {value.dtype for value in self.parameters.values()}
        if len(kinds) > 1:
            names = ", ".join(sorted(map(str, kinds)))
            raise ValueError(f"{where}: layers have dtypes {names}, expected one")
        self.dtype = kinds.pop() if kinds else np.dtype(np.float64)
        self._watcher: Watcher | None = None
        self._prefix = ""

    def walk(self) -> Iterator[tuple[str, Layer]]:
        """Yield every layer within, on all levels, with its hierarchical name."""
        for name, layer in self.named.items():
            yield name, layer
            if isinstance(layer, Composite):
                for inner, deeper in layer.walk():
                    yield f"{name}.{inner}", deeper

    @property
    def training(self) -> bool:
        """Mode last set here; setting it sets that of every layer within."""
        return self._training

    @training.setter
    def training(self, training: bool) -> None:
        self._training = training
        for layer in self.named.values():
            layer.training = training

    def reuse_buffers(self, reuse: bool) -> None:
        """Set whether layers write results into the arrays of their last call, or free those."""
        super().reuse_buffers(reuse)
        for layer in self.named.values():
            layer.reuse_buffers(reuse)

    def watch(self, watcher: Watcher | None, prefix: str = "") -> Watcher | None:
        """Show every layer's output and error to ``watcher`` from now on; return who looked on."""
        before = self._watcher
        self._watcher, self._prefix = watcher, prefix
        for name, layer in self.named.items():
            if isinstance(layer, Composite):
                layer.watch(watcher, f"{prefix}{name}.")
        return before

    @contextmanager
    def preserved(self) -> Iterator[None]:
        """Put back at the end the mode, the state and the watcher of every layer.

        What looks at a network without training it works within this: running averages and
        generators go on as if it had not been.
        """
        everyone: list[Layer] = [self, *(layer for _, layer in self.walk())]
        modes = [(layer, layer.training) for layer in everyone]
        watchers = [(f, f._watcher, f._prefix) for f in everyone if isinstance(f, Composite)]
        states = [(layer, layer._snapshot()) for layer in self.stateful()]
        try:
            yield
        finally:
            # From the outside in: a layer made of layers sets those within.
            for layer, training in modes:
                layer.training = training
            for composite, watcher, prefix in watchers:
                composite._watcher, composite._prefix = watcher, prefix
            for layer, snapshot in states:
                layer._put_back(snapshot)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """As :meth:`preserved`, with nobody watching; what backward needs is put back as well."""
        everyone: list[Layer] = [self, *(layer for _, layer in self.walk())]
        with self.preserved():
            kept = [dict(vars(layer)) for layer in everyone]
            self.watch(None)
            try:
                yield
            finally:
                for layer, attributes in zip(everyone, kept, strict=True):
                    vars(layer).clear()
                    vars(layer).update(attributes)

    def stateful(self) -> list[Layer]:
        """Return the layers that have a state of their own."""
        everyone: list[Layer] = [self, *(layer for _, layer in self.walk())]
        return [f for f in everyone if type(f).state not in (Layer.state, Composite.state)]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the states of all layers within, by hierarchical name."""
        return {
            f"{name}.{key}": value
            for name, layer in self.named.items()
            for key, value in layer.state().items()
        }

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Put back what :meth:`state` returned; ``ValueError`` where names or shapes differ."""
        self._check_state(state)
        for name, layer in self.named.items():
            start = f"{name}."
            layer.load_state(
                {key.removeprefix(start): state[key] for key in state if key.startswith(start)}
            )

    def __getstate__(self) -> dict[str, Any]:
        # A copy is another's to watch.
        return {**super().__getstate__(), "_watcher": None, "_prefix": ""}

    def _bind(self, theta: Array, dtheta: Array, binding: Binding) -> None:
        start = 0
        for layer in self.named.values():
            stop = start + sum(value.size for value in layer.parameters.values())
            layer._bind(theta[start:stop], dtheta[start:stop], binding)
            start = stop

    def _show_output(self, name: str, a: Array) -> Array:
        if self._watcher is not None:
            self._watcher.output(self._prefix + name, self.named[name], a)
        return a

    def _show_delta(self, name: str, da: Array) -> Array:
        if self._watcher is not None:
            self._watcher.delta(self._prefix + name, self.named[name], da)
        return da


class Chain(Composite):
    """a = f_n(… f_2(f_1(x))), the layers in their order."""

    def forward(self, x: Array) -> Array:
        """Return the last layer's output."""
        for name, layer in self.named.items():
            x = self._show_output(name, layer.forward(x))
        return x

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x given ∂L/∂(output); fills ``gradients``."""
        for name, layer in reversed(self.named.items()):
            self._show_delta(name, dz)
            dz = layer.backward(dz)
        return dz

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` given ∂L/∂(output), without the last product, which gives ∂L/∂x."""
        first = next((name for name, layer in self.named.items() if layer.parameters), None)
        if first is None:
            return
        for name, layer in reversed(self.named.items()):
            self._show_delta(name, dz)
            if name == first:
                layer.backward_parameters(dz)
                return
            dz = layer.backward(dz)


def numbered(where: str, layers: Sequence[Layer]) -> dict[str, Layer]:
    """Name the layers by kind and number within the kind: ``dense1``, ``tanh1``, ``dense2``.

    Raises
    ------
    ValueError
        If there is no layer.
    """
    if not layers:
        raise ValueError(f"{where}: layers is empty, expected at least one layer")
    counts: dict[str, int] = {}
    named = {}
    for layer in layers:
        counts[layer.name] = counts.get(layer.name, 0) + 1
        named[f"{layer.name}{counts[layer.name]}"] = layer
    return named
