"""Real handwritten digits: those that ship inside scikit-learn, no download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import ndimage
from sklearn import datasets as sklearn_datasets
from sklearn.model_selection import train_test_split

from backprop.arrays import Array, Labels, check_dtype


@dataclass(frozen=True)
class Split:
    """Training and test set: rows are images, pixels from 0 (paper) to 1 (ink).

    ``y`` counts from 0: class k is the digit ``classes[k]``.
    """

    x_train: Array
    y_train: Labels
    x_test: Array
    y_test: Labels
    classes: tuple[int, ...]
    image_shape: tuple[int, int]
    source: str


def load_digits(
    classes: Sequence[int] | None = None,
    *,
    size: int = 8,
    test_fraction: float = 0.25,
    seed: int = 0,
    dtype: DTypeLike = np.float64,
) -> Split:
    """Return the 1,797 digits of 8 x 8 pixels of Alpaydin & Kaynak (1998), split by class.

    Parameters
    ----------
    classes : sequence of int, optional
        Digits to keep, each once, in the order of the labels; all ten by default.
    size : {8, 28}
        8 as scanned, or resampled by bilinear interpolation to MNIST's 28 x 28.
    test_fraction : float
        Between 0 and 1; each class is split in this proportion.
    seed : int
        Chooses the split.
    dtype : dtype
        float32 or float64 of the pixels.

    Raises
    ------
    ValueError
        If a class is no digit or stands twice, or ``size`` or ``test_fraction`` is not as above.
    """
    kind = check_dtype("load_digits", dtype)
    kept = tuple(range(10)) if classes is None else tuple(int(c) for c in classes)
    if not kept or len(set(kept)) < len(kept) or not set(kept) <= set(range(10)):
        raise ValueError(f"load_digits: classes is {classes}, expected distinct digits 0 to 9")
    if size not in (8, 28):
        raise ValueError(f"load_digits: size is {size}, expected 8 or 28")
    if not 0 < test_fraction < 1:
        raise ValueError(
            f"load_digits: test_fraction is {test_fraction}, expected a number between 0 and 1"
        )
    images, digits = sklearn_datasets.load_digits(return_X_y=True)
    rows = np.isin(digits, kept)
    images = images[rows].reshape(-1, 8, 8) / 16
    y = np.array([kept.index(d) for d in digits[rows]], np.int64)
    if size == 28:
        images = ndimage.zoom(images, (1, 3.5, 3.5), order=1)
    x = images.reshape(len(images), -1).astype(kind)
    x_train, x_test, y_train, y_test = train_test_split(
        x, y, test_size=test_fraction, random_state=seed, stratify=y
    )
    source = "scikit-learn's handwritten digits"
    return Split(x_train, y_train, x_test, y_test, kept, (size, size), source)
