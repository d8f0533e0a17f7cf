"""Checkpoints: all that the next step depends on, in one .npz file without pickle.

A checkpoint is written beside its place and then moved there, so that a crash at any moment leaves
the old file or the new one, whole. Reading checks everything first, and a file that does not fit
changes nothing.

Inside are plain arrays that ``numpy.load`` reads: ``parameters/dense1.W``, ``state/…`` of the
layers, ``optimizer/…``, ``rng/state`` as text, and ``about``, a text that says what made them.
"""

from __future__ import annotations

import inspect
import io
import json
import os
import secrets
import stat
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import partial
from itertools import takewhile
from math import prod
from pathlib import Path
from types import CodeType
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from backprop.layers import Composite
from backprop.network import Graph, Network
from backprop.randomness import generator_state, set_generator_state

FORMAT = "backprop checkpoint 2"
State = Mapping[str, NDArray[Any]]
"""Plain arrays by name, as ``state()`` returns them and ``load_state()`` takes them."""


class CheckpointError(ValueError):
    """A file that is no checkpoint, is damaged, or belongs to something else."""


@runtime_checkable
class Stateful(Protocol):
    """What can be kept: ``load_state`` raises ``ValueError`` or ``TypeError`` where it misfits."""

    def state(self) -> State:
        """Return copies, as plain arrays by name."""

    def load_state(self, state: State) -> None:
        """Take over what :meth:`state` returned."""


def save(
    path: str | os.PathLike[str],
    network: Network,
    optimizer: Stateful | None = None,
    rng: np.random.Generator | None = None,
    *,
    others: Mapping[str, Stateful] | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Write a checkpoint, over the file of that name if there is one.

    Parameters
    ----------
    path : path
        Its name is taken as it is. The file that grows beside it is hidden, ends in ``.partial``
        and stays behind only where the process is killed.
    network, optimizer, rng
        What to keep; of the network its parameters and its layers' states.
    others : mapping of str to Stateful, optional
        More of what a run depends on, by names of the caller's choice.
    about : mapping of str to str, optional
        Facts that :func:`load` compares with its own ``about``, such as the batch size.

    Raises
    ------
    OSError
        If the file cannot be written, or the name is that of a folder, a device or a pipe; what
        was there is untouched. A file that is replaced keeps its mode.
    """
    parts = _parts(network, optimizer, rng, others)
    facts = {**_facts(network, optimizer), **(about or {})}
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "about": np.array(json.dumps(facts)),
    }
    for part, thing in parts.items():
        arrays |= {f"{part}/{name}": value for name, value in thing.state().items()}
    if unfit := [name for name, value in arrays.items() if value.dtype.hasobject]:
        raise TypeError(f"save: {unfit[0]} holds Python objects, expected numbers or text")
    _replace(Path(path).resolve(), arrays)


def load(
    path: str | os.PathLike[str],
    network: Network,
    optimizer: Stateful | None = None,
    rng: np.random.Generator | None = None,
    *,
    others: Mapping[str, Stateful] | None = None,
    about: Mapping[str, str] | None = None,
) -> None:
    """Take over what :func:`save` wrote; what is not given here is left in the file.

    The layers, and the constructors' numbers of layers and optimizer, must be those that were
    saved: with another momentum the steps would go on, and go elsewhere. The learning rate, which
    moves, is the file's.

    Parameters
    ----------
    path, network, optimizer, rng, others, about
        As in :func:`save`.

    Raises
    ------
    CheckpointError
        If the file is truncated, foreign or does not fit, whatever it holds; it names what
        differs, and everything given here is as it was.
    OSError
        If the file cannot be read, or is a folder, a device or a pipe.
    """
    parts = _parts(network, optimizer, rng, others)
    arrays = _read(Path(path), parts)
    facts = {**_facts(network, optimizer), **(about or {})}
    kept = _facts_kept(path, arrays["about"])
    differing = [
        f"{name} is {' and here '.join(_apart(kept.get(name, 'nothing'), fact))}"
        for name, fact in facts.items()
        if kept.get(name) != fact
    ]
    if differing:
        raise CheckpointError(f"load: {path} does not fit: {'; '.join(differing)}")
    given: dict[str, dict[str, NDArray[Any]]] = {part: {} for part in parts}
    for full, value in arrays.items():
        part, _, name = full.partition("/")
        given.setdefault(part, {})[name] = value
    before = {
        part: {name: np.array(value) for name, value in thing.state().items()}
        for part, thing in parts.items()
    }
    try:
        for part, thing in parts.items():
            if not given[part] and before[part]:
                raise ValueError(f"it holds no {part}")
            thing.load_state(given[part])
    except BaseException as error:
        for part, thing in parts.items():
            # One that cannot be put back must not keep the others from it.
            with suppress(Exception):
                thing.load_state(before[part])
        if isinstance(error, Exception):
            raise CheckpointError(f"load: {path} does not fit: {error}") from error
        raise


def _facts_kept(path: str | os.PathLike[str], about: NDArray[Any]) -> dict[str, str]:
    try:
        kept = json.loads(str(about))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"load: {path} is damaged: about is no JSON ({error})") from error
    if not isinstance(kept, dict) or not all(isinstance(text, str) for text in kept.values()):
        raise CheckpointError(f"load: {path} is damaged: about holds no texts by name")
    return kept


def check_writable(where: str, path: str | os.PathLike[str]) -> None:
    """Raise where no file of this name can be written, before hours of work lead there.

    Raises
    ------
    OSError
        If the folder does not exist or takes no new file, or the name is that of a folder, a
        device or a pipe.
    """
    target = Path(path).resolve()
    _check_regular(where, target)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"{where}: {target.parent}, the folder of {path}, does not exist")
    beside = _beside(target)
    try:
        beside.touch(exist_ok=False)
    finally:
        beside.unlink(missing_ok=True)


def describe(thing: object) -> str:
    """Return the class and what its constructor was told: ``Adam(beta1=0.9, beta2=0.999, …)``.

    Numbers and texts that the object keeps under the parameter's name are shown, arrays by a
    checksum, and dataclasses that it made of them (a convolution's windows); a function by its
    name and a checksum of the numbers and names in it. What :class:`Stateful` objects change as
    they go is part of their state, not of this.
    """
    if isinstance(thing, Composite):
        inner = [f"{name}={describe(layer)}" for name, layer in thing.named.items()]
        if isinstance(thing, Graph):
            sources = thing.inputs.values()
            inner = [f"{text} of {given}" for text, given in zip(inner, sources, strict=True)]
            inner.append(thing.output)
        return f"{type(thing).__name__}({', '.join(inner)})"
    if inspect.isroutine(thing):
        return _describe_function(thing)
    if isinstance(thing, partial):
        return f"partial({describe(thing.func)}, {thing.args!r}, {thing.keywords!r})"
    if thing is None or isinstance(thing, type):
        return repr(thing)
    if is_dataclass(thing):
        values = [f"{f.name}={_describe_value(getattr(thing, f.name))}" for f in fields(thing)]
        return f"{type(thing).__qualname__}({', '.join(values)})"
    moving = set(thing.state()) if isinstance(thing, Stateful) else set()
    # A constructor may hand on what it does not name itself to that of its base.
    makers = [
        vars(kind)["__init__"] for kind in type(thing).__mro__[:-1] if "__init__" in vars(kind)
    ]
    names = dict.fromkeys(name for made in makers for name in inspect.signature(made).parameters)
    kept = {name: vars(thing)[name] for name in names if name in vars(thing)}
    shown = [
        f"{name}={_describe_value(value)}"
        for name, value in kept.items()
        if isinstance(value, np.ndarray) or (name not in moving and isinstance(value, _PLAIN))
    ]
    shown += [f"{name}={value!r}" for name, value in vars(thing).items() if is_dataclass(value)]
    return f"{type(thing).__name__}({', '.join(shown)})"


_PLAIN = (bool, int, float, str, tuple, type(None))


def _describe_value(value: object) -> str:
    if isinstance(value, np.ndarray):
        return fingerprint(value)
    return repr(value) if isinstance(value, _PLAIN) else describe(value)


def _describe_function(function: Any) -> str:
    """Return the name, and for one written in Python a checksum of its constants and names."""
    name = str(getattr(function, "__qualname__", function))
    if not inspect.isfunction(function):
        return name
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    told = [*cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    texts = [_describe_value(value) for value in told]
    codes: list[CodeType] = [function.__code__]
    for code in codes:
        codes += [value for value in code.co_consts if isinstance(value, CodeType)]
        texts += [*code.co_names]
        texts += [
            repr(value)
            for value in code.co_consts
            if not isinstance(value, CodeType) and value != function.__doc__
        ]
    return f"{name} {zlib.crc32(' '.join(texts).encode()):08x}"


def fingerprint(array: NDArray[Any]) -> str:
    """Return shape, dtype and CRC-32 of an array: equal for equal arrays."""
    return f"{array.dtype}{array.shape} {zlib.crc32(np.ascontiguousarray(array).data):08x}"


class _Parameters:
    """The parameters of a network as a state."""

    def __init__(self, network: Network) -> None:
        self.parameters = network.parameters

    def state(self) -> State:
        return {name: value.copy() for name, value in self.parameters.items()}

    def load_state(self, state: State) -> None:
        differing = [f"{name} only there" for name in state if name not in self.parameters]
        for name, value in self.parameters.items():
            if name not in state:
                differing.append(f"{name} only here")
            elif (state[name].shape, state[name].dtype) != (value.shape, value.dtype):
                there = f"{state[name].dtype}{state[name].shape}"
                differing.append(f"{name} is {there}, here {value.dtype}{value.shape}")
        if differing:
            raise ValueError("; ".join(differing))
        for name, value in self.parameters.items():
            value[...] = state[name]


class _Generator:
    """A random generator as a state."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def state(self) -> State:
        return {"state": generator_state(self.rng)}

    def load_state(self, state: State) -> None:
        if set(state) != {"state"}:
            raise ValueError(f"rng holds {sorted(state)}, expected ['state']")
        set_generator_state(self.rng, state["state"])


def _parts(
    network: Network,
    optimizer: Stateful | None,
    rng: np.random.Generator | None,
    others: Mapping[str, Stateful] | None,
) -> dict[str, Stateful]:
    parts: dict[str, Stateful] = {"parameters": _Parameters(network), "state": network}
    if optimizer is not None:
        parts["optimizer"] = optimizer
    if rng is not None:
        parts["rng"] = _Generator(rng)
    for name, thing in (others or {}).items():
        if name in (*parts, "optimizer", "rng", "format", "about") or not name or "/" in name:
            raise ValueError(f"others holds the name {name!r}, which is taken or unfit")
        parts[name] = thing
    return parts


def _facts(network: Network, optimizer: Stateful | None) -> dict[str, str]:
    facts = {"network": describe(network)}
    if optimizer is not None:
        facts["optimizer"] = describe(optimizer)
    return facts


def _apart(*texts: str) -> list[str]:
    """Cut two long texts down to the place where they part."""
    same = takewhile(lambda pair: len(set(pair)) == 1, zip(*texts, strict=False))
    start = max(len(list(same)) - 30, 0)
    return [
        ("…" if start else "") + text[start : start + 80] + ("…" if len(text) > start + 80 else "")
        for text in texts
    ]


def _read(path: Path, parts: Mapping[str, Stateful]) -> dict[str, NDArray[Any]]:
    """Return the arrays of the parts wanted, and what says that the file is a checkpoint."""
    _check_regular("load", path.resolve())
    # Read once: the checks below and the arrays must see the same bytes.
    content = path.read_bytes()
    wanted = {"format", "about", *parts}
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(archive, len(content))
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {
                name: np.asarray(file[name])
                for name in file.files
                if name.partition("/")[0] in wanted
            }
            names = file.files
    except Exception as error:
        raise CheckpointError(
            f"load: {path} is truncated, damaged or no .npz file ({len(content)} bytes; {error})"
        ) from error
    if str(arrays.get("format")) != FORMAT or "about" not in arrays:
        raise CheckpointError(
            f"load: {path} is no checkpoint: it holds {sorted(names)[:5]} and no format {FORMAT!r}"
        )
    return arrays


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Raise ``ValueError`` where members are damaged, or would take more memory than the file.

    ``save`` compresses nothing: a small file that would grow large is none of its.
    """
    members = archive.infolist()
    for member in members:
        if member.compress_type != zipfile.ZIP_STORED:
            raise ValueError(f"{member.filename} is compressed, which save() never does")
    if sum(member.file_size for member in members) > size:
        raise ValueError("its members are larger than the file")
    # Compares every byte with its CRC, before anything in it is believed.
    if (damaged := archive.testzip()) is not None:
        raise ValueError(f"{damaged} is damaged")
    for member in members:
        if member.filename.endswith(".npy"):
            with archive.open(member) as file:
                header = _HEADERS[np.lib.format.read_magic(file)]
                shape, _, dtype = header(file)
                if prod(shape) * dtype.itemsize + file.tell() != member.file_size:
                    raise ValueError(f"{member.filename} declares shape {shape}, and holds another")


_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")


def _check_regular(where: str, path: Path) -> int | None:
    """Return the mode of a file, None if there is none; ``OSError`` if it is another thing."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(mode):
        raise OSError(f"{where}: {path} is no regular file: a folder, a device or a pipe")
    return stat.S_IMODE(mode)


def _replace(target: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write ``arrays`` such that ``target`` is at every moment the old file or the new one."""
    mode = _check_regular("save", target)
    beside = _beside(target)
    try:
        with open(beside, "xb") as file:
            if mode is not None:
                os.chmod(beside, mode)
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            # Before the move: a power cut must not leave the new name on bytes never written.
            os.fsync(file.fileno())
        os.replace(beside, target)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":
        directory = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
