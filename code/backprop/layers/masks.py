"""Which steps of a batch of sequences count: True for a real one, False for padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import check_count, check_ndarray

Mask = NDArray[np.bool_]
"""True where a step counts, False where it is padding; shape (batch, time)."""


def lengths_to_mask(lengths: NDArray[np.integer], time: int) -> Mask:
    """mask[b, t] = (t < lengths[b]), shape (batch, time).

    Parameters
    ----------
    lengths : integer array, shape (batch,)
        How many steps of each row are real: 0 to ``time``.
    time : int
        Number of steps after padding.

    Raises
    ------
    TypeError
        If ``lengths`` is no integer array, or ``time`` no integer.
    ValueError
        If ``lengths`` is not one-dimensional or leaves that range.
    """
    where = "lengths_to_mask"
    check_count(where, "time", time)
    if check_ndarray(where, "lengths", lengths).dtype.kind not in "iu":
        raise TypeError(
            f"{where}: lengths has dtype {lengths.dtype}, expected integers"
            " (convert with lengths.astype(int))"
        )
    if lengths.ndim != 1:
        raise ValueError(f"{where}: lengths has shape {lengths.shape}, expected (batch,)")
    if lengths.size and (lengths.min() < 0 or lengths.max() > time):
        raise ValueError(
            f"{where}: lengths runs from {lengths.min()} to {lengths.max()},"
            f" expected 0 to time = {time}"
        )
    return np.arange(time) < lengths[:, None]


def check_mask(where: str, mask: object, shape: tuple[int, int]) -> Mask:
    """Return ``mask`` if it is a bool array of ``shape`` (batch, time).

    Raises
    ------
    TypeError
        If it is no bool array; lengths and 0/1 floats are none.
    ValueError
        If the shape differs.
    """
    array = check_ndarray(where, "mask", mask)
    if array.dtype != np.bool_:
        raise TypeError(f"{where}: mask has dtype {array.dtype}, expected bool (True: a real step)")
    if array.shape != shape:
        raise ValueError(f"{where}: mask has shape {array.shape}, expected {shape} (batch, time)")
    return array
