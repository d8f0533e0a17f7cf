"""SciPy's functions, each of which loads SciPy when it is first called.

SciPy takes three quarters of the time in which the library is imported, and in a browser half of
what is downloaded; most programs call none of these functions.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any


class Function:
    """A function of a module that is imported when it is first called.

    Parameters
    ----------
    module, name : str
        Where it is, and what it is called there.

    Raises
    ------
    ModuleNotFoundError, AttributeError
        At the call, if it is not there.
    """

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.__name__ = name

    @cached_property
    def own(self) -> Callable[..., Any]:
        """The module's function itself."""
        function: Callable[..., Any] = getattr(importlib.import_module(self.module), self.__name__)
        return function

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the module's function."""
        return self.own(*args, **options)

    def stands_for(self, function: object) -> bool:
        """Whether it is this function; nothing is imported to find out."""
        return self.module in sys.modules and self.own is function


class Deferred:
    """The functions of a module, each a :class:`Function`.

    Parameters
    ----------
    module : str
        Its whole name.
    """

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Function:
        if name.startswith("__"):  # what copy and pickle ask for
            raise AttributeError(name)
        setattr(self, name, Function(self._module, name))
        return getattr(self, name)  # type: ignore[no-any-return]


ndimage, sparse, special = (Deferred(f"scipy.{name}") for name in ("ndimage", "sparse", "special"))
