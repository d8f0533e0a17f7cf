"""Results of long experiments, which are stored beside the modules that compute them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any


def read(name: str) -> Any:
    """Return what the file ``name``.json of this package holds.

    Parameters
    ----------
    name : str
        Of the module that wrote the file.

    Raises
    ------
    FileNotFoundError
        If no result of this name is stored.
    """
    return json.loads(files(__package__).joinpath(f"{name}.json").read_text(encoding="utf-8"))


def write(
    description: str, told: Callable[[], Any], arguments: Sequence[str] | None = None, **style: Any
) -> None:
    """Carry out a module's command, whose one argument is the file to be written.

    Parameters
    ----------
    description : str
        What the command's help says.
    told : callable
        Returns what is stored; called once the arguments have been read.
    arguments : sequence of str, optional
        Those of the command line if not given.
    **style
        As :func:`json.dumps` takes it.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("file", type=Path)
    given = parser.parse_args(arguments)
    given.file.write_text(json.dumps(told(), **style) + "\n")


def renew(
    file: str,
    makers: Mapping[str, Callable[[], Any]],
    chosen: Collection[str],
    stored: Callable[[], Mapping[str, Any]],
) -> None:
    """Write a file of which each entry is made by itself, and say which one is done.

    Parameters
    ----------
    file : str
        Where to write.
    makers : mapping of str to callable
        What makes each entry, in the order of the file.
    chosen : collection of str
        The entries that are made; the others are taken from ``stored()``.
    stored : callable
        Returns what is stored so far; called only where it is needed.
    """
    found = {}
    for name, make in makers.items():
        if name not in chosen:
            found[name] = stored()[name]
            continue
        found[name] = make()
        print(name, flush=True)
    Path(file).write_text(json.dumps(found) + "\n")
