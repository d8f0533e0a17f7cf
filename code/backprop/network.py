"""Composition of layers; parameters and gradients by name, in one flat vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, NoReturn

import numpy as np

from backprop.arrays import Array
from backprop.layers import Composite, Junction, Layer
from backprop.layers.base import Arrays, Binding, assign
from backprop.layers.composite import Chain, numbered
from backprop.layers.normalization import OneValueError


class Network(Composite):
    """Layers whose parameters lie in one vector.

    ``parameters["dense1.W"]`` and ``gradients["dense1.W"]`` are views into ``theta`` and
    ``dtheta``, vectors of shape (number of parameters,): a write to either is seen in both. A
    network inside a network keeps its own two vectors, then pieces of the outer ones. To assign to
    a name, or to ``theta`` as a whole, copies into the array that is there.

    A deep copy and an unpickled network have vectors and generators of their own. A layer belongs
    to one network: one that is put into a second network is trained there, and the first says so
    when it is asked for ``theta``.
    """

    def __init__(self, named: Mapping[str, Layer]) -> None:
        super().__init__(named)
        size = sum(value.size for value in self.parameters.values())
        self._bind(np.zeros(size, self.dtype), np.zeros(size, self.dtype), Binding())

    @property
    def theta(self) -> Array:
        """All parameters, shape (number of parameters,)."""
        if self._binding.broken:
            self._say_who_left()
        return self._theta

    @theta.setter
    def theta(self, value: Array) -> None:
        assign("theta", self.theta, value)

    @property
    def dtheta(self) -> Array:
        """All gradients, shape of ``theta``."""
        return self._dtheta

    @dtheta.setter
    def dtheta(self, value: Array) -> None:
        assign("dtheta", self._dtheta, value)

    def __call__(self, x: Array) -> Array:
        """Return ``forward(x)``."""
        return self.forward(x)

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # Copied one by one, the arrays of the layers are no views any more.
        self._bind(np.empty_like(self._theta), np.empty_like(self._dtheta), Binding())

    def _bind(self, theta: Array, dtheta: Array, binding: Binding) -> None:
        super()._bind(theta, dtheta, binding)
        self._theta, self._dtheta, self._binding = theta, dtheta, binding

    def check_binding(self, where: str) -> None:
        """Raise where parameters are no longer those that ``theta`` holds.

        Raises
        ------
        RuntimeError
            If a layer has been put into another network.
        ValueError
            If a layer has an attribute called like a parameter, another array: it has no effect.
        """
        _ = self.theta
        for name, layer in self.walk():
            for key, array in {} if isinstance(layer, Composite) else layer.parameters.items():
                stray = vars(layer).get(key, array)
                if isinstance(stray, np.ndarray) and stray is not array:
                    raise ValueError(
                        f"{where}: {name}.{key} is an attribute beside the parameter of that name"
                        f' and has no effect, assign to {name}.parameters["{key}"]'
                    )

    def check_batches(self, where: str, x: Array, batch_size: int) -> None:
        """Raise ``ValueError`` where the last batch is one row and a layer needs more to train."""
        if len(x) % min(batch_size, len(x)) == 1 or min(batch_size, len(x)) == 1:
            with self.aside():
                self.train(True)
                try:
                    self.forward(x[:1])
                except OneValueError as error:
                    raise ValueError(
                        f"{where}: batch_size is {batch_size}, which leaves a batch of one of the"
                        f" {len(x)} rows, expected another ({error})"
                    ) from error

    def _say_who_left(self) -> NoReturn:
        left = [
            name
            for name, layer in self.walk()
            if isinstance(layer.parameters, Arrays)
            and layer.parameters.binding not in (None, self._binding)
        ]
        raise RuntimeError(
            f"{type(self).__name__}: {', '.join(left)} now belongs to another network and is"
            " trained there (copy.deepcopy gives that network layers of its own)"
        )


class Sequential(Network, Chain):
    """a = f_n(… f_2(f_1(x))).

    Parameters
    ----------
    layers : sequence of Layer
        At least one, each object once. They are numbered within their kind: ``dense1``,
        ``dense2``; layers within layers follow after a dot: ``residual1.dense1``.

    Raises
    ------
    ValueError
        If ``layers`` is empty, repeats a layer, or mixes dtypes.
    """

    name = "sequential"

    def __init__(self, layers: Sequence[Layer]) -> None:
        super().__init__(numbered("Sequential", layers))


INPUT = "x"
"""Name of a graph's input among its nodes' inputs."""


class Graph(Network):
    """Layers that form a directed graph without cycles: branches may part and meet.

    Every node is a layer with the names of its inputs, of which only a
    :class:`backprop.layers.Junction` (:class:`~backprop.layers.Add`,
    :class:`~backprop.layers.Concatenate`) has more than one. Backwards, the error of a node that
    feeds several others is the sum of what they send: ∂L/∂a = Σ_children (∂child/∂a)ᵀ ∂L/∂child.

    Parameters
    ----------
    nodes : mapping of str to (Layer, inputs)
        In any order; ``inputs`` is a name or a sequence of names, "x" is the graph's input. The
        parameters of node "stem" are ``stem.W``, ``stem.b``, in the order given here.
    output : str
        The node whose value is the result.

    Raises
    ------
    ValueError
        If a name is unknown or unfit, nodes form a cycle, a layer that is no junction has several
        inputs, a node does not lead to the output, or a layer stands twice.
    """

    name = "graph"

    def __init__(
        self, nodes: Mapping[str, tuple[Layer, str | Sequence[str]]], *, output: str
    ) -> None:
        self.inputs = {
            name: (given,) if isinstance(given, str) else tuple(given)
            for name, (_, given) in nodes.items()
        }
        self.output = output
        self._check({name: layer for name, (layer, _) in nodes.items()})
        super().__init__({name: layer for name, (layer, _) in nodes.items()})
        try:
            order = TopologicalSorter(self.inputs).static_order()
            self.order = [name for name in order if name != INPUT]
        except CycleError as error:
            cycle = " -> ".join(reversed(error.args[1]))
            raise ValueError(f"Graph: nodes form a cycle: {cycle}") from None
        reached = {output}
        # The nodes whose error some parameter needs, its own or one further down.
        self._learning: set[str] = set()
        for name in reversed(self.order):
            if name not in reached:
                raise ValueError(f"Graph: node {name} does not lead to the output {output}")
            reached.update(self.inputs[name])
        for name in self.order:
            if self.named[name].parameters or self._learning.intersection(self.inputs[name]):
                self._learning.add(name)

    def forward(self, x: Array) -> Array:
        """Return the value of the output node."""
        values = {INPUT: x}
        for name in self.order:
            layer, given = self.named[name], [values[source] for source in self.inputs[name]]
            a = layer.join(given) if isinstance(layer, Junction) else layer.forward(given[0])
            values[name] = self._show_output(name, a)
        return values[self.output]

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x given ∂L/∂(output); fills ``gradients``."""
        return self._walk_back(dz, {*self.order, INPUT})[INPUT]

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` given ∂L/∂(output), without the products that serve ∂L/∂x alone."""
        self._walk_back(dz, self._learning)

    def _walk_back(self, dz: Array, wanted: set[str]) -> dict[str, Array]:
        """Return the errors of the nodes ``wanted``, all of them once complete."""
        errors = {self.output: dz}
        for name in reversed(self.order):
            if name not in wanted:
                continue
            layer, error = self.named[name], self._show_delta(name, errors[name])
            sources = self.inputs[name]
            if wanted.isdisjoint(sources):
                layer.backward_parameters(error)
                continue
            sent = layer.split(error) if isinstance(layer, Junction) else [layer.backward(error)]
            for source, share in zip(sources, sent, strict=True):
                if source in wanted:
                    errors[source] = self._sum(source, errors.get(source), share)
        return errors

    def _sum(self, name: str, error: Array | None, share: Array) -> Array:
        if error is None:
            return share
        # Into an array of its own: the shares may be arrays that other nodes still read.
        kind = np.result_type(error, share)
        return np.add(error, share, out=self._empty(name, share.shape, kind))

    def _check(self, layers: Mapping[str, Layer]) -> None:
        if self.output not in layers:
            raise ValueError(f"Graph: output is {self.output!r}, expected one of {list(layers)}")
        for name, layer in layers.items():
            if name == INPUT or not name or "." in name:
                raise ValueError(f'Graph: a node is named {name!r}; "x" is the input, "." a level')
            inputs = self.inputs[name]
            if unknown := [source for source in inputs if source != INPUT and source not in layers]:
                raise ValueError(
                    f"Graph: node {name} has the input {unknown[0]!r}, expected"
                    f" {INPUT!r} or one of {list(layers)}"
                )
            if not inputs or (len(inputs) > 1 and not isinstance(layer, Junction)):
                wanted = "at least 1" if isinstance(layer, Junction) else "1"
                raise ValueError(
                    f"Graph: node {name}, {type(layer).__name__}, has {len(inputs)} inputs,"
                    f" expected {wanted}"
                )
