"""Real handwritten digits: those that ship inside scikit-learn, and MNIST.

`load_digits` needs no network. `load_mnist` reads the four IDX files of MNIST from a directory or
the user's cache, or downloads them into the cache; whatever their origin, their content is
compared with its SHA-256 before a single pixel is used.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib
import io
import math
import operator
import os
import struct
import tempfile
import warnings
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from tqdm import TqdmWarning

from backprop.arrays import Array, Labels, check_dtype
from backprop.deferred import ndimage

MIRRORS: tuple[str, ...] = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "https://storage.googleapis.com/cvdf-datasets/mnist/",
)
"""Folders that hold MNIST's four ``.gz`` files, in the order in which they are tried."""

TIMEOUT = 30.0
"""Seconds that a mirror may stay silent."""


class DatasetError(RuntimeError):
    """A data set could not be had: which file, what came, what was expected."""


def _needed(where: str, module: str, distribution: str) -> Any:
    """Import what only this data set needs, or say how to install it."""
    with warnings.catch_warnings():
        # pooch looks for a notebook's progress bar, which warns where ipywidgets is missing.
        warnings.simplefilter("ignore", TqdmWarning)
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(
                f"{where}: {error.name} is not installed, expected {distribution}:"
                " pip install 'backprop-book[book]'"
            ) from error


@dataclass(frozen=True, eq=False)
class Split:
    """Training and test set: rows are images, pixels from 0 (paper) to 1 (ink).

    ``y`` counts from 0: class k is the digit ``classes[k]``.
    """

    x_train: Array = field(repr=False)
    y_train: Labels = field(repr=False)
    x_test: Array = field(repr=False)
    y_test: Labels = field(repr=False)
    classes: tuple[int, ...]
    image_shape: tuple[int, int]
    source: str


@dataclass(frozen=True)
class _IdxFile:
    """One of MNIST's files: its name without ``.gz``, its axes, the SHA-256 when decompressed."""

    name: str
    shape: tuple[int, ...]
    sha256: str

    @property
    def magic(self) -> bytes:
        """Two zeros, 8 for unsigned bytes, the number of axes."""
        return bytes((0, 0, 8, len(self.shape)))

    @property
    def header_size(self) -> int:
        return 4 + 4 * len(self.shape)

    @property
    def size(self) -> int:
        """Length in bytes when decompressed."""
        return self.header_size + math.prod(self.shape)

    @property
    def limit(self) -> int:
        """Most bytes that a good copy takes, raw or ``.gz``: what cannot be packed grows a bit."""
        return self.size + 2**16


# Training images and labels, then test images and labels. The sums are of the decompressed
# content: a gzip header holds a time stamp, so two good .gz copies may differ.
_FILES = (
    _IdxFile(
        "train-images-idx3-ubyte",
        (60_000, 28, 28),
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    ),
    _IdxFile(
        "train-labels-idx1-ubyte",
        (60_000,),
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ),
    _IdxFile(
        "t10k-images-idx3-ubyte",
        (10_000, 28, 28),
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    ),
    _IdxFile(
        "t10k-labels-idx1-ubyte",
        (10_000,),
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
)


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
        8 as scanned, or MNIST's 28 x 28: bilinear interpolation with the corner pixels kept,
        row i of 28 being read at row 7 i / 27 of 8, and columns alike.
    test_fraction : float
        Between 0 and 1; each class is split in this proportion.
    seed : int
        Chooses the split.
    dtype : dtype
        float32 or float64 of the pixels.

    Returns
    -------
    Split
        ``x_train`` and ``x_test`` of shape (n, size * size), labels int64 of shape (n,).

    Raises
    ------
    TypeError
        If a class is no integer, or ``dtype`` is not as above.
    ValueError
        If a class is no digit or stands twice, or ``size`` or ``test_fraction`` is not as above
        or leaves a class out of one of the two sets.
    """
    kind = check_dtype("load_digits", dtype)
    kept = _check_classes("load_digits", classes)
    if size not in (8, 28):
        raise ValueError(f"load_digits: size is {size}, expected 8 or 28")
    if not 0 < test_fraction < 1:
        raise ValueError(
            f"load_digits: test_fraction is {test_fraction}, expected a number between 0 and 1"
        )
    bundled = _needed("load_digits", "sklearn.datasets", "scikit-learn")
    selection = _needed("load_digits", "sklearn.model_selection", "scikit-learn")
    images, digits = bundled.load_digits(return_X_y=True)
    rows = np.isin(digits, kept)
    n_test = math.ceil(test_fraction * int(rows.sum()))
    if min(n_test, int(rows.sum()) - n_test) < len(kept):
        raise ValueError(
            f"load_digits: test_fraction is {test_fraction}, expected one that leaves"
            f" {len(kept)} classes an image each to train and to test"
        )
    images = images[rows].reshape(-1, 8, 8) / 16
    y = _recode(digits[rows], kept)
    if size == 28:
        images = ndimage.zoom(images, (1, 3.5, 3.5), order=1)
    x = images.reshape(len(images), -1).astype(kind)
    x_train, x_test, y_train, y_test = selection.train_test_split(
        x, y, test_size=test_fraction, random_state=seed, stratify=y
    )
    source = "scikit-learn's handwritten digits"
    return Split(x_train, y_train, x_test, y_test, kept, (size, size), source)


def load_mnist(
    classes: Sequence[int] | None = None,
    *,
    directory: str | os.PathLike[str] | None = None,
    download: bool = True,
    train_size: int | None = None,
    test_size: int | None = None,
    mirrors: Sequence[str] = MIRRORS,
    dtype: DTypeLike = np.float64,
    progress: bool = True,
) -> Split:
    """Return MNIST (LeCun, Bottou, Bengio & Haffner, 1998): digits of 28 x 28 pixels.

    The IDX files, raw or ``.gz``, come from the first of these that applies:

    1. ``directory``, or else the directory that the environment variable ``BACKPROP_MNIST_DIR``
       names. It is only ever read. If it holds the 10,000 test images and no training images,
       the first 8,000 serve to train and the last 2,000 to test, and ``source`` says so.
    2. The user's cache: ``mnist`` in the folder that ``BACKPROP_CACHE`` names, or else in the
       system's cache folder for ``backprop``. The rule of the 8,000 and 2,000 holds here too
       if ``download`` is False.
    3. The ``mirrors``, in their order, if ``download`` is True. A file enters the cache whole and
       verified, or not at all. A damaged file that lies there already is set aside under another
       name, with a warning.

    Parameters
    ----------
    classes : sequence of int, optional
        Digits to keep, each once, in the order of the labels; all ten by default.
    directory : path, optional
        Where the IDX files lie.
    download : bool
        Whether files that the cache lacks may be downloaded.
    train_size, test_size : int, optional
        Keep only the first so many images of ``classes``; all by default.
    mirrors : sequence of str
        Addresses of folders that hold the ``.gz`` files.
    dtype : dtype
        float32 or float64 of the pixels. All of MNIST takes 0.22 GB in float32, twice that in
        float64.
    progress : bool
        Whether a download shows a progress bar.

    Returns
    -------
    Split
        ``x_train`` and ``x_test`` of shape (n, 784), labels int64 of shape (n,).

    Raises
    ------
    DatasetError
        If a file is missing, cut short, damaged or another one than its name says, if no mirror
        gave it, or it could not be written. Whatever was fetched and verified before stays in
        the cache, nothing else does, and the call can be repeated.
    TypeError
        If a class is no integer, or ``dtype`` is not as above.
    ValueError
        If a class is no digit or stands twice, ``mirrors`` is empty, or a size is below 1 or
        above the number of images there are.
    """
    kind = check_dtype("load_mnist", dtype)
    kept = _check_classes("load_mnist", classes)
    if isinstance(mirrors, str) or (download and not mirrors):
        raise ValueError(f"load_mnist: mirrors is {mirrors!r}, expected a sequence of addresses")
    own = directory if directory is not None else os.environ.get("BACKPROP_MNIST_DIR")
    if own:
        arrays = _read_folder(Path(own), "")
    elif download:
        arrays = [_read_or_fetch(_cache(), file, mirrors, progress) for file in _FILES]
    else:
        arrays = _read_folder(
            _cache(), "; directory= or BACKPROP_MNIST_DIR may name another, download=True fetches"
        )
    if len(arrays) == 2:
        images, digits = arrays
        cut = 4 * len(images) // 5
        arrays = [images[:cut], digits[:cut], images[cut:], digits[cut:]]
        source = (
            f"MNIST's {len(images):,} test images: the first {cut:,} to train,"
            f" the last {len(images) - cut:,} to test"
        )
    else:
        source = f"MNIST: {len(arrays[0]):,} images to train, {len(arrays[2]):,} to test"
    x_train, y_train = _select("train_size", arrays[0], arrays[1], kept, train_size, kind)
    x_test, y_test = _select("test_size", arrays[2], arrays[3], kept, test_size, kind)
    height, width = arrays[0].shape[1:]
    return Split(x_train, y_train, x_test, y_test, kept, (height, width), source)


def _check_classes(where: str, classes: Sequence[int] | None) -> tuple[int, ...]:
    if classes is None:
        return tuple(range(10))
    try:
        kept = tuple(operator.index(c) for c in classes)
    except TypeError:
        raise TypeError(f"{where}: classes is {classes!r}, expected integers 0 to 9") from None
    if not kept or len(set(kept)) < len(kept) or not set(kept) <= set(range(10)):
        raise ValueError(f"{where}: classes is {classes!r}, expected distinct digits 0 to 9")
    return kept


def _recode(digits: NDArray[np.integer], kept: tuple[int, ...]) -> Labels:
    codes = np.zeros(10, np.int64)
    codes[list(kept)] = np.arange(len(kept))
    recoded: Labels = codes[digits]
    return recoded


def _select(
    name: str,
    images: NDArray[np.uint8],
    digits: NDArray[np.uint8],
    kept: tuple[int, ...],
    limit: int | None,
    kind: np.dtype[np.floating],
) -> tuple[Array, Labels]:
    """Keep classes and count while the pixels still are bytes: floats take eight times as much."""
    rows = np.flatnonzero(np.isin(digits, kept))
    if limit is not None:
        if not 1 <= limit <= len(rows):
            raise ValueError(f"load_mnist: {name} is {limit}, expected 1 to {len(rows)}")
        rows = rows[:limit]
    x: Array = images[rows].reshape(len(rows), -1).astype(kind)
    x /= 255
    return x, _recode(digits[rows], kept)


def _cache() -> Path:
    root = os.environ.get("BACKPROP_CACHE")
    if root:
        return Path(root) / "mnist"
    pooch = _needed("load_mnist", "pooch", "pooch")
    return Path(pooch.os_cache("backprop")) / "mnist"


def _find(folder: Path, file: _IdxFile) -> Path | None:
    for name in (file.name, file.name + ".gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def _read_folder(folder: Path, hint: str) -> list[NDArray[np.uint8]]:
    """Return the four arrays, or the two of the test images if no training file is there."""
    if not folder.is_dir():
        raise DatasetError(
            f"load_mnist: {folder}: no such directory, expected one with MNIST's IDX files{hint}"
        )
    found = [(file, _find(folder, file)) for file in _FILES]
    if all(path is None for _, path in found[:2]):
        found = found[2:]
    arrays = []
    for file, path in found:
        if path is None:
            raise DatasetError(
                f"load_mnist: {folder}: {file.name} is missing, expected it, raw or .gz, beside"
                f" MNIST's other IDX files{hint}"
            )
        arrays.append(_read(path, file))
    return arrays


def _read(path: Path, file: _IdxFile) -> NDArray[np.uint8]:
    try:
        if (size := path.stat().st_size) > file.limit:
            raise DatasetError(
                f"load_mnist: {path}: {size:,} bytes, expected at most {file.limit:,}"
            )
        content = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"load_mnist: {path}: could not be read ({error.strerror}), expected {file.name}"
        ) from error
    return _decode(str(path), content, file)


def _decode(origin: str, content: bytes, file: _IdxFile) -> NDArray[np.uint8]:
    """Return the array in an IDX file after comparing all that is known of it."""

    def fault(came: str, expected: str) -> DatasetError:
        return DatasetError(f"load_mnist: {origin}: {came}, expected {expected}")

    # By content and not by name: a server that declares a .gz file as an encoding has it
    # decompressed on the way.
    if content[:2] == b"\x1f\x8b":
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
                data = stream.read(file.size + 1)
        except EOFError:
            raise fault(
                f"gzip stream cut short after {len(content):,} bytes",
                f"a whole one of {file.size:,} bytes decompressed",
            ) from None
        except (OSError, zlib.error) as error:
            raise fault(f"damaged gzip stream ({error})", f"{file.name}, compressed") from error
    else:
        data = content
    if data[:4] != file.magic:
        came = f"starts with bytes {data[:4].hex(' ')}" if data else "empty"
        raise fault(came, f"{file.magic.hex(' ')} (IDX, {len(file.shape)} axes of bytes)")
    if len(data) >= file.header_size:
        shape = struct.unpack(f">{len(file.shape)}I", data[4 : file.header_size])
        if shape != file.shape:
            raise fault(f"declares shape {shape}", str(file.shape))
    if len(data) != file.size:
        came = f"{len(data):,} bytes" if len(data) < file.size else "more bytes than declared"
        raise fault(came, f"{file.size:,}")
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != file.sha256:
        raise fault(f"content has SHA-256 {sha256}", file.sha256)
    return np.frombuffer(data, np.uint8, offset=file.header_size).reshape(file.shape)


def _read_or_fetch(
    cache: Path, file: _IdxFile, mirrors: Sequence[str], progress: bool
) -> NDArray[np.uint8]:
    path = _find(cache, file)
    damage = None
    if path is not None:
        try:
            return _read(path, file)
        except DatasetError as error:
            damage = error
    target = cache / (file.name + ".gz")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        # Beside the target, so that the rename cannot cross file systems.
        with tempfile.TemporaryDirectory(prefix=".download-", dir=cache) as scratch:
            fresh, array = _fetch(Path(scratch), file, mirrors, progress)
            if path is not None:
                aside = _set_aside(path)
                warnings.warn(
                    f"{damage}; set aside as {aside.name}, a fresh copy was downloaded",
                    stacklevel=3,
                )
            os.replace(fresh, target)
    except OSError as error:
        raise DatasetError(
            f"load_mnist: {target}: could not be written ({error.strerror or error}), expected"
            " room for it and the right to write there (BACKPROP_CACHE may name another folder)"
        ) from error
    return array


def _fetch(
    scratch: Path, file: _IdxFile, mirrors: Sequence[str], progress: bool
) -> tuple[Path, NDArray[np.uint8]]:
    """Download from the first mirror that gives the right content; return where it lies."""
    pooch = _needed("load_mnist", "pooch", "pooch")
    requests = _needed("load_mnist", "requests", "pooch")
    name = file.name + ".gz"
    tried = []
    for number, mirror in enumerate(mirrors):
        base = mirror if mirror.endswith("/") else mirror + "/"
        # No hash for pooch: it would compare the compressed bytes.
        fetcher = pooch.create(scratch / str(number), base, registry={name: None})
        download = pooch.HTTPDownloader(progressbar=progress, timeout=TIMEOUT)
        try:
            path = Path(fetcher.fetch(name, downloader=_bounded(download, file.limit)))
            return path, _decode(base + name, path.read_bytes(), file)
        except DatasetError as error:
            tried.append(str(error).removeprefix("load_mnist: "))
        # These two are OSErrors as well, but the network's and not the disk's.
        except (requests.RequestException, ConnectionError, TimeoutError) as error:
            tried.append(f"{base + name}: {error}, expected the file")
        except OSError:
            raise
        except Exception as error:
            # A bad answer may fail anywhere in between: a length that is no number, say.
            tried.append(f"{base + name}: {type(error).__name__}: {error}, expected the file")
    raise DatasetError(
        f"load_mnist: {name}: no mirror gave it, expected it from one of"
        f" {len(mirrors)} (directory= or BACKPROP_MNIST_DIR may name a folder with the files)"
        + "".join(f"\n  {line}" for line in tried)
    )


def _bounded(download: Any, limit: int) -> Callable[[str, str, Any], None]:
    """Return a downloader for pooch that stops a server which would send for ever."""

    def fetch(url: str, path: str, pooch: Any) -> None:
        with closing(_Bounded(url, path, limit)) as file:
            download(url, file, pooch)

    return fetch


class _Bounded:
    """A file that takes so many bytes and no more."""

    def __init__(self, url: str, path: str, limit: int) -> None:
        self.url, self.limit, self.written = url, limit, 0
        self.file = open(path, "wb")

    def write(self, data: bytes) -> None:
        self.written += len(data)
        if self.written > self.limit:
            raise DatasetError(
                f"load_mnist: {self.url}: more than {self.limit:,} bytes, expected at most that"
            )
        self.file.write(data)

    def flush(self) -> None:
        """Do nothing: closing writes the rest."""

    def close(self) -> None:
        self.file.close()


def _set_aside(path: Path) -> Path:
    """Rename a damaged file to a name that is free: it may be the user's own."""
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return path.rename(aside)
