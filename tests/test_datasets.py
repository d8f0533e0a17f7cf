from __future__ import annotations

import builtins
import errno
import gzip
import hashlib
import io
import os
import socket
import struct
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pooch
import pytest
from mnist_server import MnistServer

from backprop import datasets
from backprop.datasets import DatasetError, Split, load_digits, load_mnist

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
N_TRAIN, N_TEST = 40, 20


# --- the digits inside scikit-learn ---------------------------------------------------------


def test_digits_are_the_known_ones() -> None:
    split = load_digits()
    y = np.concatenate([split.y_train, split.y_test])
    x = np.concatenate([split.x_train, split.x_test])
    # The counts that scikit-learn's description of the data set states.
    assert np.bincount(y).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert split.classes == tuple(range(10)) and split.image_shape == (8, 8)
    assert x.shape == (1797, 64) and x.dtype == np.float64 and y.dtype == np.int64
    assert np.array_equal(np.unique(x), np.arange(17) / 16)


def test_digits_split_is_stratified_and_complete() -> None:
    split = load_digits(test_fraction=0.2)
    assert len(split.y_test) == 360
    whole = np.bincount(np.concatenate([split.y_train, split.y_test]))
    assert np.abs(np.bincount(split.y_test) - 0.2 * whole).max() < 1
    # Sorted, the rows of two different splits are the same rows.
    both = [np.concatenate([s.x_train, s.x_test]) for s in (split, load_digits(seed=1))]
    first, second = (rows[np.lexsort(rows.T)] for rows in both)
    assert np.array_equal(first, second)


def test_digits_seed_decides_the_split() -> None:
    again, once, other = load_digits(seed=3), load_digits(seed=3), load_digits(seed=4)
    assert np.array_equal(again.x_train, once.x_train)
    assert np.array_equal(again.y_test, once.y_test)
    assert not np.array_equal(once.x_train, other.x_train)


def test_digits_of_some_classes_are_recoded_in_the_order_given() -> None:
    straight, crossed = load_digits([3, 7]), load_digits(np.array([7, 3]))
    assert straight.classes == (3, 7) and crossed.classes == (7, 3)
    assert np.bincount(np.concatenate([straight.y_train, straight.y_test])).tolist() == [183, 179]
    assert np.bincount(np.concatenate([crossed.y_train, crossed.y_test])).tolist() == [179, 183]
    # The same pixels carry the same digit under both codes.
    digit = {
        row.tobytes(): straight.classes[k]
        for row, k in zip(straight.x_train, straight.y_train, strict=True)
    }
    seen = [
        digit[row.tobytes()] == crossed.classes[k]
        for row, k in zip(crossed.x_train, crossed.y_train, strict=True)
        if row.tobytes() in digit
    ]
    assert len(seen) > 100 and all(seen)


def test_digits_resampled_match_linear_interpolation_along_each_axis() -> None:
    small, large = load_digits([0, 1]), load_digits([0, 1], size=28)
    assert large.x_train.shape == (len(small.x_train), 784) and large.image_shape == (28, 28)
    assert np.array_equal(small.y_train, large.y_train)
    at, grid = np.linspace(0, 7, 28), np.arange(8)
    for before, after in zip(small.x_train[:20], large.x_train[:20], strict=True):
        tall = np.array([np.interp(at, grid, column) for column in before.reshape(8, 8).T]).T
        wide = np.array([np.interp(at, grid, row) for row in tall])
        # Interpolation on values up to 1 in double precision.
        assert np.abs(after.reshape(28, 28) - wide).max() < 1e-14
    assert large.x_train.min() == 0 and large.x_train.max() <= 1


def test_digits_in_single_precision_are_the_same_numbers() -> None:
    single, double = load_digits(dtype=np.float32), load_digits()
    assert single.x_train.dtype == np.float32
    assert np.array_equal(single.x_train, double.x_train)  # sixteenths are exact in both


@pytest.mark.parametrize("load", [load_digits, load_mnist])
@pytest.mark.parametrize(
    ("classes", "error"),
    [([], ValueError), ([1, 1], ValueError), ([10], ValueError), ([-1], ValueError),
     ([0.5], TypeError)],
)  # fmt: skip
def test_wrong_classes_are_refused(load: Any, classes: list[Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"load_\w+: classes is .*expected"):
        load(classes)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1e-3, 0.9999, float("nan")])
def test_digits_fraction_that_leaves_a_set_without_a_class_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="load_digits: test_fraction is"):
        load_digits(test_fraction=fraction)


def test_digits_other_size_or_dtype_is_refused() -> None:
    with pytest.raises(ValueError, match="load_digits: size is 16, expected 8 or 28"):
        load_digits(size=16)
    with pytest.raises(TypeError, match="load_digits: dtype is int64"):
        load_digits(dtype=np.int64)


def test_split_prints_short_and_cannot_be_rebound() -> None:
    split = load_digits([0, 1])
    assert len(repr(split)) < 200
    with pytest.raises(AttributeError):
        split.x_train = split.x_test  # type: ignore[misc]


# --- MNIST, the genuine files ---------------------------------------------------------------

GENUINE = os.environ.get("BACKPROP_MNIST_DIR", "")
genuine = pytest.mark.skipif(
    not GENUINE, reason="BACKPROP_MNIST_DIR names no directory with MNIST's IDX files"
)


SHIPPED_FILES = datasets._FILES


def genuine_gz(name: str) -> bytes:
    path = Path(GENUINE) / name
    if path.is_file():
        return gzip.compress(path.read_bytes())
    return path.with_name(name + ".gz").read_bytes()


@genuine
def test_genuine_test_images() -> None:
    """What is known of the 10,000 test images, whichever of the two splits they come in."""
    split = load_mnist(directory=GENUINE)
    if "test images: the first 8,000 to train, the last 2,000 to test" in split.source:
        assert len(split.y_train) == 8000 and len(split.y_test) == 2000
        x, y = (np.concatenate(pair) for pair in
                ((split.x_train, split.x_test), (split.y_train, split.y_test)))  # fmt: skip
    else:
        assert len(split.y_train) == 60_000
        x, y = split.x_test, split.y_test
    assert x.shape == (10_000, 784) and x.dtype == np.float64
    assert y[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert np.bincount(y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert x.min() == 0 and x.max() == 1
    assert np.array_equal(np.rint(x * 255), x * 255)


@genuine
def test_genuine_zeros_and_ones_through_the_environment() -> None:
    split = load_mnist([0, 1], dtype=np.float32, train_size=100, test_size=50)
    assert split.x_train.shape == (100, 784) and split.x_test.shape == (50, 784)
    assert split.x_train.dtype == np.float32
    assert set(split.y_train.tolist()) == {0, 1}
    # A 1 takes less ink than a 0.
    ink = split.x_train.sum(axis=1)
    assert ink[split.y_train == 0].mean() > 1.5 * ink[split.y_train == 1].mean()


@genuine
def test_genuine_file_pair_raw_and_a_damaged_copy(tmp_path: Path) -> None:
    for name in (TEST_IMAGES, TEST_LABELS):
        (tmp_path / name).write_bytes(gzip.decompress(genuine_gz(name)))
    assert load_mnist(directory=tmp_path).y_train[0] == 7
    # One bit of one pixel: nothing but the checksum can tell.
    content = bytearray((tmp_path / TEST_IMAGES).read_bytes())
    content[5_000_000] ^= 1
    (tmp_path / TEST_IMAGES).write_bytes(content)
    with pytest.raises(DatasetError, match=r"SHA-256 .*expected 0fa7898d"):
        load_mnist(directory=tmp_path)


# --- MNIST in small: made-up files of the same form -----------------------------------------


def idx(array: np.ndarray) -> bytes:
    header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
    return header + array.tobytes()


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Four small IDX files; the package is told their shapes and sums, and an empty cache."""
    rng = np.random.default_rng(0)
    arrays = []
    for n in (N_TRAIN, N_TEST):
        arrays.append(rng.integers(0, 256, (n, 28, 28), np.uint8))
        arrays.append((np.arange(n) % 10).astype(np.uint8))
    content = {name: idx(array) for name, array in zip(NAMES, arrays, strict=True)}
    files = tuple(
        datasets._IdxFile(name, array.shape, hashlib.sha256(content[name]).hexdigest())
        for name, array in zip(NAMES, arrays, strict=True)
    )
    monkeypatch.setattr(datasets, "_FILES", files)
    monkeypatch.delenv("BACKPROP_MNIST_DIR", raising=False)
    monkeypatch.setenv("BACKPROP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return content


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mnist"


@pytest.fixture
def server(raw: dict[str, bytes]) -> Iterator[MnistServer]:
    files = {name + ".gz": gzip.compress(body, mtime=0) for name, body in raw.items()}
    with MnistServer(files) as running:
        yield running


def check_whole(split: Split, raw: dict[str, bytes]) -> None:
    """Compare every pixel and label with the bytes that were served."""
    assert split.source == f"MNIST: {N_TRAIN} images to train, {N_TEST} to test"
    for x, y, images, labels in (
        (split.x_train, split.y_train, TRAIN_IMAGES, TRAIN_LABELS),
        (split.x_test, split.y_test, TEST_IMAGES, TEST_LABELS),
    ):
        assert np.rint(x * 255).astype(np.uint8).tobytes() == raw[images][16:]
        assert y.astype(np.uint8).tobytes() == raw[labels][8:]


def listing(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"a directory"
        for path in folder.rglob("*")
    }


def write(folder: Path, raw: dict[str, bytes], *, compress: bool = False) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in raw.items():
        if compress:
            (folder / (name + ".gz")).write_bytes(gzip.compress(body))
        else:
            (folder / name).write_bytes(body)
    return folder


@pytest.mark.parametrize("compress", [False, True])
def test_directory_raw_or_gz(raw: dict[str, bytes], tmp_path: Path, compress: bool) -> None:
    folder = write(tmp_path / "mine", raw, compress=compress)
    before = listing(folder)
    check_whole(load_mnist(directory=folder, mirrors=["http://127.0.0.1:9/"]), raw)
    assert listing(folder) == before and not (tmp_path / "cache").exists()


def test_argument_goes_before_the_environment_and_both_before_the_cache(
    raw: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    whole = write(tmp_path / "whole", raw)
    pair = write(tmp_path / "pair", {n: raw[n] for n in (TEST_IMAGES, TEST_LABELS)})
    write(cache, raw)
    monkeypatch.setenv("BACKPROP_MNIST_DIR", str(pair))
    assert "first 16 to train" in load_mnist().source
    check_whole(load_mnist(directory=str(whole)), raw)
    monkeypatch.setenv("BACKPROP_MNIST_DIR", "")
    check_whole(load_mnist(download=False), raw)


def test_test_images_alone_are_cut_four_to_one(raw: dict[str, bytes], tmp_path: Path) -> None:
    folder = write(tmp_path / "pair", {n: raw[n] for n in (TEST_IMAGES, TEST_LABELS)})
    split = load_mnist(directory=folder)
    expected = "MNIST's 20 test images: the first 16 to train, the last 4 to test"
    assert split.source == expected
    x = np.concatenate([split.x_train, split.x_test])
    assert len(split.x_train) == 16
    assert np.rint(x * 255).astype(np.uint8).tobytes() == raw[TEST_IMAGES][16:]
    assert split.y_test.tolist() == [6, 7, 8, 9]


def test_classes_and_sizes(raw: dict[str, bytes], tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", raw)
    split = load_mnist([9, 4], directory=folder, train_size=3)
    assert split.classes == (9, 4)
    assert split.y_train.tolist() == [1, 0, 1] and split.y_test.tolist() == [1, 0, 1, 0]
    pixels = np.frombuffer(raw[TRAIN_IMAGES], np.uint8, offset=16).reshape(-1, 784)
    assert np.array_equal(split.x_train, pixels[[4, 9, 14]] / 255)
    for name, size in (("train_size", 9), ("train_size", 0), ("test_size", 5)):
        with pytest.raises(ValueError, match=f"load_mnist: {name} is {size}, expected 1 to"):
            load_mnist([9, 4], directory=folder, **{name: size})


def test_mirrors_must_be_a_sequence_of_addresses(raw: dict[str, bytes]) -> None:
    for mirrors in ((), "http://127.0.0.1/"):
        with pytest.raises(ValueError, match="load_mnist: mirrors is"):
            load_mnist(mirrors=mirrors)


DAMAGE = {
    "empty": (lambda b: b"", "empty, expected 00 00 08 03"),
    "page": (lambda b: b"<html>", "starts with bytes 3c 68 74 6d, expected 00 00 08 03"),
    "labels": (lambda b: b"\0\0\x08\x01" + b[4:], "starts with bytes 00 00 08 01, expected"),
    "header": (lambda b: b[:9], r"9 bytes, expected 15,696"),
    "cut": (lambda b: b[:-1], r"15,695 bytes, expected 15,696"),
    "long": (lambda b: b + b"\0", r"more bytes than declared, expected 15,696"),
    "count": (
        lambda b: b[:4] + struct.pack(">I", 19) + b[8:],
        r"declares shape \(19, 28, 28\), expected \(20, 28, 28\)",
    ),
    "bit": (lambda b: b[:-1] + bytes([b[-1] ^ 1]), "content has SHA-256"),
    "gz cut": (lambda b: gzip.compress(b)[:-9], r"gzip stream cut short after .* 15,696 bytes"),
    "gz trailer": (lambda b: gzip.compress(b)[:-8] + b"8 bytes.", "damaged gzip stream"),
    "gz garbage": (lambda b: b"\x1f\x8b\x08" + b[:100], "damaged gzip stream|cut short"),
    "gz more": (lambda b: gzip.compress(b + b"\0" * 9), "more bytes than declared"),
}


@pytest.mark.parametrize("kind", DAMAGE)
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damaged_file_in_a_directory(
    raw: dict[str, bytes], tmp_path: Path, kind: str, suffix: str
) -> None:
    damage, message = DAMAGE[kind]
    folder = write(tmp_path / "mine", {n: b for n, b in raw.items() if n != TEST_IMAGES})
    path = folder / (TEST_IMAGES + suffix)
    path.write_bytes(damage(raw[TEST_IMAGES]))
    before = listing(folder)
    with pytest.raises(DatasetError, match=message) as caught:
        load_mnist(directory=folder)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert listing(folder) == before
    path.write_bytes(raw[TEST_IMAGES])
    check_whole(load_mnist(directory=folder), raw)


@pytest.mark.parametrize("name", NAMES)
def test_missing_file_in_a_directory(raw: dict[str, bytes], tmp_path: Path, name: str) -> None:
    folder = write(tmp_path / "mine", {n: b for n, b in raw.items() if n != name})
    with pytest.raises(DatasetError, match=f"mine: {name} is missing, expected it"):
        load_mnist(directory=folder)
    write(folder, {name: raw[name]})
    check_whole(load_mnist(directory=folder), raw)


def test_no_such_directory_and_nothing_in_the_cache(raw: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="nowhere: no such directory"):
        load_mnist(directory=tmp_path / "nowhere")
    with pytest.raises(DatasetError, match=r"cache/mnist: no such directory.*download=True"):
        load_mnist(download=False)


def test_file_that_cannot_be_read(
    raw: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path / "mine", raw)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing(errno.EIO))
        with pytest.raises(DatasetError, match=f"{TRAIN_IMAGES}: could not be read"):
            load_mnist(directory=folder)
    check_whole(load_mnist(directory=folder), raw)


def test_a_bomb_is_not_unpacked_beyond_what_is_expected(
    raw: dict[str, bytes], tmp_path: Path
) -> None:
    """Fifty megabytes of zeros in fifty kilobytes: what is unpacked is enough to tell the fault."""
    folder = write(tmp_path / "mine", raw)
    (folder / TEST_IMAGES).unlink()
    path = folder / (TEST_IMAGES + ".gz")
    header = raw[TEST_IMAGES][:16]
    squeezed = io.BytesIO()
    with gzip.GzipFile(fileobj=squeezed, mode="wb", mtime=0) as stream:
        stream.write(header)
        for _ in range(50):
            stream.write(bytes(2**20))
    path.write_bytes(squeezed.getvalue())
    assert path.stat().st_size < datasets._FILES[2].limit
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="more bytes than declared, expected 15,696"):
            load_mnist(directory=folder)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_file_of_another_size_is_not_read_at_all(
    raw: dict[str, bytes], tmp_path: Path, suffix: str
) -> None:
    folder = write(tmp_path / "mine", raw)
    (folder / TEST_IMAGES).unlink()
    with (folder / (TEST_IMAGES + suffix)).open("wb") as file:
        file.truncate(2**33)
    with pytest.raises(DatasetError, match=r"8,589,934,592 bytes, expected at most 81,232"):
        load_mnist(directory=folder)


# --- downloads ------------------------------------------------------------------------------


def failing(number: int) -> Any:
    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_download_fills_the_cache_once(
    raw: dict[str, bytes], server: MnistServer, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check_whole(load_mnist(mirrors=[server.first]), raw)
    assert "100%" in capsys.readouterr().err
    assert listing(cache) == server.files
    assert server.log == [f"/first/{name}.gz" for name in NAMES]
    check_whole(load_mnist(mirrors=[server.first]), raw)
    check_whole(load_mnist(download=False), raw)
    assert len(server.log) == 4


def test_progress_bar_can_be_silenced(
    raw: dict[str, bytes], server: MnistServer, capsys: pytest.CaptureFixture[str]
) -> None:
    load_mnist(mirrors=[server.first], progress=False)
    assert "%" not in capsys.readouterr().err


def test_a_file_that_the_server_calls_an_encoding_arrives_as_well(
    raw: dict[str, bytes], server: MnistServer
) -> None:
    server.faults["first"] = "encoding"
    check_whole(load_mnist(mirrors=[server.first], progress=False), raw)
    check_whole(load_mnist(download=False), raw)


FAULTS = {
    "404": "404 Client Error",
    "500": "500 Server Error",
    "short": "IncompleteRead|broken",
    "unannounced": "gzip stream cut short",
    "corrupt": "damaged gzip stream",
    "wrong": "starts with bytes 00 00 08 01, expected 00 00 08 03",
    "page": "starts with bytes 3c 21 44 4f, expected 00 00 08 03",
    "empty": "empty, expected 00 00 08 03",
    "stall": "timed out",
    "endless": "more than [0-9,]+ bytes, expected at most that",
    "bomb": "more than [0-9,]+ bytes, expected at most that",
    "number": "ValueError: invalid literal|IncompleteRead|1e9",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_on_the_only_mirror_then_success(
    raw: dict[str, bytes],
    server: MnistServer,
    cache: Path,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fault == "stall":
        monkeypatch.setattr(datasets, "TIMEOUT", 1.0)
    server.faults["first"] = fault
    with pytest.raises(DatasetError, match=FAULTS[fault]) as caught:
        load_mnist(mirrors=[server.first], progress=False)
    message = str(caught.value)
    assert f"{server.first}{TRAIN_IMAGES}.gz" in message and "expected" in message
    assert listing(cache) == {}
    server.faults.clear()
    check_whole(load_mnist(mirrors=[server.first], progress=False), raw)
    assert listing(cache) == server.files


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_on_the_first_mirror_is_made_good_by_the_second(
    raw: dict[str, bytes],
    server: MnistServer,
    cache: Path,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if fault == "stall":
        monkeypatch.setattr(datasets, "TIMEOUT", 0.7)
    server.faults["first"] = fault
    split = load_mnist(mirrors=[server.first, server.second], progress=False)
    check_whole(split, raw)
    assert listing(cache) == server.files
    assert server.log[:2] == [f"/{mirror}/{TRAIN_IMAGES}.gz" for mirror in ("first", "second")]


@pytest.mark.parametrize("fault", ["endless", "bomb"])
def test_an_endless_answer_does_not_fill_the_disk(
    raw: dict[str, bytes], server: MnistServer, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    written = []
    whole = datasets._Bounded.close

    def close(file: datasets._Bounded) -> None:
        whole(file)
        written.append(os.path.getsize(file.file.name))

    monkeypatch.setattr(datasets._Bounded, "close", close)
    server.faults["first"] = fault
    check_whole(load_mnist(mirrors=[server.first, server.second], progress=False), raw)
    limits = [file.limit for file in datasets._FILES]
    assert [size <= limit for size, limit in zip(written[::2], limits, strict=True)] == [True] * 4
    if fault == "endless":
        assert server.stopped.wait(10)


def test_no_network_then_success(raw: dict[str, bytes], server: MnistServer, cache: Path) -> None:
    with socket.socket() as unheard:  # bound, but never listening: a connection is refused
        unheard.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unheard.getsockname()[1]}/"
        server.faults["second"] = "404"
        with pytest.raises(DatasetError) as caught:
            load_mnist(mirrors=[nobody, server.second, "no address"], progress=False)
        lines = str(caught.value).splitlines()
        assert f"{TRAIN_IMAGES}.gz: no mirror gave it" in lines[0] and len(lines) == 4
        assert "refused" in lines[1] and "404" in lines[2] and "no address/" in lines[3]
        assert listing(cache) == {}
        check_whole(load_mnist(mirrors=[nobody, server.first], progress=False), raw)


def test_files_fetched_before_the_failure_are_kept(
    raw: dict[str, bytes], server: MnistServer, cache: Path
) -> None:
    labels = server.files[TEST_LABELS + ".gz"]
    server.files[TEST_LABELS + ".gz"] = labels[:-12]
    with pytest.raises(DatasetError, match=f"{TEST_LABELS}.gz: no mirror"):
        load_mnist(mirrors=[server.first], progress=False)
    assert sorted(listing(cache)) == sorted(name + ".gz" for name in NAMES[:3])
    server.files[TEST_LABELS + ".gz"] = labels
    check_whole(load_mnist(mirrors=[server.first], progress=False), raw)
    assert server.log[4:] == [f"/first/{TEST_LABELS}.gz"]


class FullDisk:
    """A file that takes 100 bytes and then finds no space left."""

    def __init__(self, path: str, mode: str) -> None:
        self.file = builtins.open(path, mode)

    def write(self, data: bytes) -> None:
        self.file.write(data[:100])
        self.file.flush()
        failing(errno.ENOSPC)()

    def close(self) -> None:
        self.file.close()


@pytest.mark.parametrize(
    ("where", "name", "stand_in"),
    [
        ("backprop.datasets", "open", FullDisk),
        (tempfile, "mkdtemp", failing(errno.ENOSPC)),
        (os, "replace", failing(errno.ENOSPC)),
        (Path, "mkdir", failing(errno.ENOSPC)),
    ],
    ids=["body", "scratch", "rename", "cache"],
)
def test_full_disk_then_success(
    raw: dict[str, bytes],
    server: MnistServer,
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    stand_in: Any,
) -> None:
    with monkeypatch.context() as patch:
        if isinstance(where, str):
            patch.setattr(f"{where}.{name}", stand_in, raising=False)
        else:
            patch.setattr(where, name, stand_in)
        with pytest.raises(DatasetError, match="No space left on device") as caught:
            load_mnist(mirrors=[server.first, server.second], progress=False)
    assert str(cache / (TRAIN_IMAGES + ".gz")) in str(caught.value)
    assert "expected room" in str(caught.value)
    # Another mirror does not make room.
    assert not any(path.startswith("/second") for path in server.log)
    assert not cache.exists() or listing(cache) == {}
    check_whole(load_mnist(mirrors=[server.first], progress=False), raw)
    assert listing(cache) == server.files


@genuine
@pytest.mark.parametrize("fault", ["short", "unannounced", "corrupt", "wrong"])
def test_genuine_files_over_a_mirror_that_misbehaves(
    raw: dict[str, bytes],
    server: MnistServer,
    cache: Path,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The genuine test pair beside a made-up training pair, against the genuine checksums."""
    monkeypatch.setattr(datasets, "_FILES", datasets._FILES[:2] + SHIPPED_FILES[2:])
    for name in (TEST_IMAGES, TEST_LABELS):
        server.files[name + ".gz"] = genuine_gz(name)
    server.faults["first"] = fault
    with pytest.raises(DatasetError):
        load_mnist(mirrors=[server.first], progress=False)
    assert listing(cache) == {}
    split = load_mnist(mirrors=[server.first, server.second], progress=False)
    assert split.y_test[:4].tolist() == [7, 2, 1, 0] and len(split.y_test) == 10_000
    assert listing(cache) == server.files


def test_interrupted_by_the_reader(
    raw: dict[str, bytes], server: MnistServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pooch.HTTPDownloader, "__call__", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load_mnist(mirrors=[server.first], progress=False)
    assert listing(cache) == {}
    check_whole(load_mnist(mirrors=[server.first], progress=False), raw)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_damaged_file_in_the_cache_is_set_aside_and_never_lost(
    raw: dict[str, bytes], server: MnistServer, cache: Path, suffix: str
) -> None:
    write(cache, {TEST_LABELS + suffix: b"mine", f"{TEST_LABELS}{suffix}.damaged-1": b"older"})
    mine = listing(cache)
    with pytest.raises(DatasetError, match=f"{TEST_LABELS}{suffix}: starts with"):
        write(cache, {n: raw[n] for n in NAMES[:3]})
        load_mnist(download=False)
    server.faults["first"] = "404"
    with pytest.raises(DatasetError, match="404"):
        load_mnist(mirrors=[server.first], progress=False)
    assert {k: v for k, v in listing(cache).items() if k not in NAMES[:3]} == mine
    server.faults.clear()
    with pytest.warns(UserWarning, match=rf"set aside as {TEST_LABELS}{suffix}\.damaged-2"):
        check_whole(load_mnist(mirrors=[server.first], progress=False), raw)
    assert {k: v for k, v in listing(cache).items() if k not in NAMES[:3]} == {
        f"{TEST_LABELS}{suffix}.damaged-1": b"older",
        f"{TEST_LABELS}{suffix}.damaged-2": b"mine",
        f"{TEST_LABELS}.gz": server.files[TEST_LABELS + ".gz"],
    }
    check_whole(load_mnist(download=False), raw)


def test_default_mirrors_are_encrypted_and_more_than_one() -> None:
    assert len(datasets.MIRRORS) > 1
    assert all(m.startswith("https://") and m.endswith("/") for m in datasets.MIRRORS)
