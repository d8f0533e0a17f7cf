"""Which steps of a batch of sequences count: True for a real one, False for padding."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backprop.arrays import check_count

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
    if not isinstance(lengths, np.ndarray) or lengths.dtype.kind not in "iu":
        got = f"dtype {lengths.dtype}" if isinstance(lengths, np.ndarray) else f"{lengths!r}"
        raise TypeError(f"{where}: lengths is {got}, expected an integer numpy.ndarray")
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
    if not isinstance(mask, np.ndarray):
        raise TypeError(f"{where}: mask is a {type(mask).__name__}, expected a numpy.ndarray")
    if mask.dtype != np.bool_:
        raise TypeError(f"{where}: mask has dtype {mask.dtype}, expected bool (True: a real step)")
    if mask.shape != shape:
        raise ValueError(f"{where}: mask has shape {mask.shape}, expected {shape} (batch, time)")
    return mask
