"""Results of long experiments, which are stored beside the modules that compute them."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
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
