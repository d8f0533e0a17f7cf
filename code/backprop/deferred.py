"""SciPy's functions, each of which loads SciPy when it is first called.

SciPy takes three quarters of the time in which the library is imported, and in a browser half of
what is downloaded; most programs call none of these functions.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import cache
from typing import Any


class Deferred:
    """The functions of a module that is imported at the first call of one of them.

    Parameters
    ----------
    module : str
        Its whole name.

    Raises
    ------
    ModuleNotFoundError
        At the call, if there is no such module.
    """

    def __init__(self, module: str) -> None:
        self._module = cache(lambda: importlib.import_module(module))

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):  # what copy and pickle ask for
            raise AttributeError(name)

        def call(*args: Any, **options: Any) -> Any:
            return getattr(self._module(), name)(*args, **options)

        call.__name__ = call.__qualname__ = name
        setattr(self, name, call)
        return call


ndimage, sparse, special = (Deferred(f"scipy.{name}") for name in ("ndimage", "sparse", "special"))
