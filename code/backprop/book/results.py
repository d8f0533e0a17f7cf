"""Results of long experiments, which are stored beside the modules that compute them."""

from __future__ import annotations

import json
from importlib.resources import files
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
