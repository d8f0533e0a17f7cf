"""A home folder for programs that insist on one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def writable_home(instead: Path) -> None:
    """Put another folder into the place of a home that cannot be written, for all that follows.

    Matplotlib, IPython and Jupyter keep files there, and complain where they cannot; the complaint
    would stand among a notebook's outputs.
    """
    try:
        with tempfile.TemporaryDirectory(dir=Path.home()):
            return
    except (OSError, RuntimeError):
        instead.mkdir(parents=True, exist_ok=True)
        os.environ["HOME"] = os.environ["USERPROFILE"] = str(instead)
