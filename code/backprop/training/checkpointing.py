"""Gradient checkpointing: compute parts of the forward pass twice, and keep little of it.

A backward pass needs what the layers kept on the way forward, n layers' worth. Cut the layers into
k segments, keep the k inputs alone, and recompute a segment when the error reaches it: what is
alive at once is k inputs and one segment of n/k layers, which k = √n makes least (Chen et al.,
2016). The last segment is still there when the error starts, so (k - 1)/k of the forward pass is
computed twice: the fewer segments, the less time and the more memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import ceil, sqrt
from typing import Any

import numpy as np

from backprop.arrays import Array, check_count
from backprop.layers import Layer
from backprop.network import Sequential
from backprop.training.memory import Cost, measure, owner
from backprop.training.passes import Pass

__all__ = ["Checkpointed", "Cost", "measure"]


class Checkpointed(Sequential):
    """A :class:`backprop.network.Sequential` that keeps the inputs of its segments alone.

    Values, gradients and states are the same to the last bit: before a segment is recomputed its
    layers get back the states they had, so that dropout draws the same masks and batch
    normalisation averages the same batch, and afterwards those that they have now.

    Arrays are never reused from call to call (``reuse_buffers`` does nothing): those kept for
    reuse are the very memory that this saves.

    Parameters
    ----------
    layers : sequence of Layer
        As in :class:`backprop.network.Sequential`; a layer made of layers is not cut.
    segments : int, optional
        k, from 1 to the number of layers n; ⌈√n⌉ if not given. May be set later, too.

    Raises
    ------
    ValueError
        As in :class:`backprop.network.Sequential`, or if ``segments`` lies outside its range.
    """

    name = "checkpointed"

    def __init__(self, layers: Sequence[Layer], segments: int | None = None) -> None:
        super().__init__(layers)
        self.segments = ceil(sqrt(len(self.layers))) if segments is None else segments

    @property
    def segments(self) -> int:
        """Number of segments, of equal numbers of layers or the first ones longer by one."""
        return len(self._runs)

    @segments.setter
    def segments(self, segments: int) -> None:
        self._runs = self._split(segments)
        self._passes: list[Pass] = []
        self._live: Pass | None = None

    def __getstate__(self) -> dict[str, Any]:
        # A pass belongs to the layers that made it.
        return {**super().__getstate__(), "_passes": [], "_live": None}

    def forward(self, x: Array) -> Array:
        """Return the last layer's output; keep each segment's input."""
        if self._live is not None:
            self._live.release()
        self._passes, self._live = [], None
        for run in self._runs:
            this = Pass([self.named[name] for name in run], x)
            with this.keeping():
                for name in run:
                    x = self._show_output(name, self.named[name].forward(x))
            self._passes.append(this)
            if len(self._passes) < len(self._runs):
                this.release()
            else:
                self._live = this
        return x

    def backward(self, dz: Array) -> Array:
        """Return ∂L/∂x given ∂L/∂(output); fills ``gradients``."""
        return self._walk_back(dz, None)

    def backward_parameters(self, dz: Array) -> None:
        """Fill ``gradients`` given ∂L/∂(output), without the last product, which gives ∂L/∂x."""
        first = next((name for name, layer in self.named.items() if layer.parameters), None)
        if first is not None:
            self._walk_back(dz, first)

    def reuse_buffers(self, reuse: bool) -> None:
        """Do nothing: arrays kept for reuse are the memory that is to be saved."""

    def keep_within(self, x: Array, budget: int) -> int:
        """Set and return the fewest segments with which forward and backward fit the budget.

        Parameters
        ----------
        x : array
            A batch like those to come; one forward pass of it is kept whole to learn the sizes.
        budget : int
            Bytes alive at once, besides x, parameters and gradients.

        Raises
        ------
        ValueError
            If no number of segments fits; it names the least memory and its segments.
        """
        check_count("Checkpointed.keep_within", "budget", budget)
        peaks = self.peaks(x)
        for segments, peak in enumerate(peaks, 1):
            if peak <= budget:
                self.segments = segments
                return segments
        least = int(np.argmin(peaks))
        raise ValueError(
            f"Checkpointed.keep_within: budget is {budget} bytes, expected at least"
            f" {peaks[least]}, which {least + 1} segments take"
        )

    def peaks(self, x: Array) -> list[int]:
        """Return the bytes alive at once for 1, 2, …, n segments, reckoned from one forward pass.

        All inputs of segments but x, the segment with most to keep, and beside these four arrays
        of the largest layer, for what goes into a step, what comes out and what it needs between.
        A layer that needs more between, such as a convolution, adds that. (One array more below
        256 kB an array, where NumPy does not write into its own temporaries.)
        """
        inputs, kept = self._trial(x)
        sizes = [array.nbytes for array in inputs[1:]]
        peaks = []
        for segments in range(1, len(self.layers) + 1):
            starts = np.cumsum([0, *(len(run) for run in self._split(segments))])
            pairs = list(pairwise(starts))
            bounds = {id(owner(inputs[i])) for i, _ in pairs}
            live = max(_bytes(kept[i:j], bounds) for i, j in pairs)
            peaks.append(sum(sizes[i - 1] for i, _ in pairs if i) + live + 4 * max(sizes))
        return peaks

    def _trial(self, x: Array) -> tuple[list[Array], list[dict[int, int]]]:
        """Return x and every layer's output, and the arrays that each layer keeps."""
        values, kept = [x], []
        with self.preserved():
            this = Pass(self.layers, x)
            try:
                with this.keeping():
                    for layer in self.layers:
                        values.append(layer.forward(values[-1]))
                        kept.append(this.kept(layer))
            finally:
                this.release()
        return values, kept

    def _walk_back(self, dz: Array, stop: str | None) -> Array:
        if not self._passes:
            raise RuntimeError("Checkpointed: backward() came before forward()")
        for run, this in zip(reversed(self._runs), reversed(self._passes), strict=True):
            if this is not self._live:
                this.recompute()
            try:
                for name in reversed(run):
                    layer = self.named[name]
                    self._show_delta(name, dz)
                    if name == stop:
                        layer.backward_parameters(dz)
                        return dz
                    dz = layer.backward(dz)
            finally:
                this.release()
                self._live = None
        return dz

    def _split(self, segments: int) -> list[list[str]]:
        n, names = len(self.named), list(self.named)
        if check_count("Checkpointed", "segments", segments) > n:
            raise ValueError(
                f"Checkpointed: segments is {segments}, expected at most {n}, as layers"
            )
        length, longer = divmod(n, segments)
        ends = [k * length + min(k, longer) for k in range(segments + 1)]
        return [names[i:j] for i, j in pairwise(ends)]


def _bytes(kept: Sequence[Mapping[int, int]], besides: set[int]) -> int:
    """Return the bytes of all arrays kept, each once, ``besides`` not."""
    sizes = {key: size for layer in kept for key, size in layer.items() if key not in besides}
    return sum(sizes.values())
