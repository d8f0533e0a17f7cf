"""How many threads multiply, decided here instead of in the reader's environment.

NumPy and SciPy, as ``pip`` installs them, carry an OpenBLAS each, and each library keeps threads of
its own, which go on spinning for a while after a product. Called in turn, as a loop of products and
updates does, the two pools take the cores from each other: on two cores a step of training takes up
to a hundred times as long. Two rules follow for this package:

- What runs in a loop calls one BLAS, NumPy's. No module calls ``scipy.linalg`` and its like.
- Where SciPy's algorithm needs both, :func:`scipy_waits` holds SciPy's pool at one thread.

A second thread also costs more than it brings where products are small, most of all beside another
program that wants the core: the first thread waits until the second one is given its turn.
:func:`sized` therefore holds a loop of small products to as many threads as have enough to do. The
number follows from the sizes alone, never from a clock: with another number of threads, a product
may differ in its last bit, and the same seed must give the same weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import PurePath
from threading import Lock
from typing import Any, Final

from numpy.typing import NDArray

ENOUGH: Final = 8_000_000
"""Multiplications in a product for each thread: 0.1 ms of a core's time.

On two idle cores a second thread begins to pay at half of that, or at double, depending on the
shape; beside another program it costs a multiple of the time until products take milliseconds.
``benchmarks/threads.py`` measures both.
"""


class Pool:
    """The threads of some BLAS libraries, held down while anyone asks for it.

    Who asks may do so within another's request, or beside it in another thread: the last one holds,
    and after the last one has gone, the number is what it was before the first.

    Parameters
    ----------
    libraries : list of threadpoolctl.LibController
        May be empty: where no library is known, there is nothing to hold.
    """

    def __init__(self, libraries: list[Any]) -> None:
        self.libraries = libraries
        self._lock = Lock()
        self._requests: list[tuple[object, int]] = []
        self._before: list[int] = []

    @contextmanager
    def at_most(self, threads: int) -> Iterator[None]:
        """Hold each library to this many threads, or to fewer if it had fewer, until the end."""
        request = (object(), threads)
        with self._lock:
            if not self._requests:
                self._before = [library.num_threads for library in self.libraries]
            self._requests.append(request)
            self._set()
        try:
            yield
        finally:
            with self._lock:
                self._requests.remove(request)
                self._set()

    def _set(self) -> None:
        for library, before in zip(self.libraries, self._before, strict=True):
            wanted = min(before, self._requests[-1][1]) if self._requests else before
            library.set_num_threads(wanted)


@contextmanager
def sized(multiplications: int) -> Iterator[None]:
    """Hold NumPy's products to one thread for each :data:`ENOUGH` multiplications.

    Never to more than there are by default, and never to none.

    Parameters
    ----------
    multiplications : int
        In the largest product of what follows: of (m, k) by (k, n) there are m k n.
    """
    with numpy_pool().at_most(max(1, multiplications // ENOUGH)):
        yield


def largest_product(x: NDArray[Any], parameters: Iterable[NDArray[Any]]) -> int:
    """Return the multiplications in the largest product of a network's pass, as :func:`sized` asks.

    Taken to be that of all rows with the largest matrix: one row for each sample, time step and
    pixel. That is exact for dense layers and too large where later layers see fewer pixels.

    Parameters
    ----------
    x : (batch, n), (batch, time, n) or (batch, channels, height, width) array
        A batch; of integers, (batch, …).
    parameters : arrays
        Those with less than two axes do not count.
    """
    indices = x.dtype.kind in "iu" or x.ndim < 2
    rows = x.size if indices else x.size // max(1, x.shape[1 if x.ndim == 4 else -1])
    return rows * max((W.size for W in parameters if W.ndim > 1), default=0)


@contextmanager
def scipy_waits() -> Iterator[None]:
    """Hold SciPy's BLAS at one thread, so that it does not fight for the cores with NumPy's."""
    with scipy_pool().at_most(1):
        yield


@cache
def numpy_pool() -> Pool:
    """Return the threads of every BLAS but SciPy's own: of NumPy's, where it is known."""
    return Pool([library for library in _loaded() if not _is_scipys(library.filepath)])


@cache
def scipy_pool() -> Pool:
    """Return the threads of SciPy's own BLAS; of none where it shares NumPy's, as in conda."""
    # Loads the library, which could not be found otherwise.
    import scipy.linalg.blas  # noqa: F401

    return Pool([library for library in _loaded() if _is_scipys(library.filepath)])


def _loaded() -> list[Any]:
    from threadpoolctl import ThreadpoolController

    found: list[Any] = ThreadpoolController().select(user_api="blas").lib_controllers
    return found


def _is_scipys(path: str) -> bool:
    # Wheels put it into scipy.libs/ beside the package, on macOS into scipy/.dylibs/.
    folder = PurePath(path).parent
    return folder.name == "scipy.libs" or folder.parts[-2:] == ("scipy", ".dylibs")
