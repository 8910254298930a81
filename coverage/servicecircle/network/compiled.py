"""The one place that imports numba.

With the checkout's root on ``sys.path`` and coverage.py absent, ``import coverage`` yields the
empty namespace package of the source root, on which numba's optional support for coverage.py
dies. So such a ``coverage`` is hidden while numba is imported.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from servicecircle.cache import kernel_folder

__all__ = ["compiled", "in_order", "kernel_key", "kernel_sources", "prange", "threads"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Result = TypeVar("_Result")


PACKAGE = Path(__file__).parents[1]
FOLDERS = ("network", "measure", "siting")
"""Where kernels may stand, and what they are made of."""


def kernel_sources(package: Path) -> list[tuple[str, bytes]]:
    """Return the modules that decide what kernels do, by name: those with kernels, and `network`.

    Parameters
    ----------
    package : pathlib.Path
        Folder of the package; nothing is found in one that is not there.

    Examples
    --------
    >>> "network/heap.py" in dict(kernel_sources(PACKAGE)), kernel_sources(PACKAGE / "nowhere")
    (True, [])
    """
    found = []
    for folder in FOLDERS:
        for file in sorted((package / folder).glob("*.py")):
            source = file.read_bytes()
            # Types and constants that kernels take stand in the modules of the network as well.
            if folder == "network" or b"@compiled(" in source:
                found.append((f"{folder}/{file.name}", source))
    return found


def kernel_key(version: str, *, package: Path = PACKAGE) -> str:
    """Return what tells compiled kernels from those of other sources: a hash of all of them.

    numba itself looks at the file of a kernel alone, and not at those of the kernels and constants
    that it takes in; and it loads what it kept, types and all, before it looks whether that is old.

    Parameters
    ----------
    version : str
        Of numba.
    package : pathlib.Path
        Folder of the package.

    Returns
    -------
    str
        16 hexadecimal digits.

    Examples
    --------
    >>> kernel_key("0.61") == kernel_key("0.61"), kernel_key("0.61") == kernel_key("0.62")
    (True, False)
    """
    digest = hashlib.blake2b(version.encode(), digest_size=8)
    for name, source in kernel_sources(package):
        digest.update(f"\0{name} {len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()


def _import_numba() -> Any:
    spec = importlib.util.find_spec("coverage")
    hide = spec is not None and spec.origin is None
    before = sys.modules.get("coverage")
    if hide:
        sys.modules["coverage"] = None  # type: ignore[assignment]  # makes `import coverage` fail
    try:
        import numba
    finally:
        if hide:
            del sys.modules["coverage"]
        if hide and before is not None:
            sys.modules["coverage"] = before
    folder = kernel_folder(kernel_key(numba.__version__))
    if folder is not None:
        numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # set at import
    return numba


_numba = _import_numba()
_can_cache = bool(_numba.config.CACHE_DIR)
prange = _numba.prange


def compiled(*, parallel: bool = False) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles a kernel, releasing the GIL and caching on disk.

    Kernels are strict IEEE: no fastmath, so the same bits come out whatever the thread count.

    Parameters
    ----------
    parallel : bool
        Whether ``prange`` runs on several threads.

    Returns
    -------
    callable
        The decorator.

    Examples
    --------
    >>> import numpy as np
    >>> @compiled()
    ... def total(values):
    ...     result = 0.0
    ...     for value in values:
    ...         result += value
    ...     return result
    >>> total(np.array([1.0, 2.0])), total(np.empty(0))
    (3.0, 0.0)
    """

    def decorate(function: _Function) -> _Function:
        # numba cannot cache what does not stand in a file of its own.
        cache = _can_cache and Path(function.__code__.co_filename).is_file()
        kernel: _Function = _numba.njit(nogil=True, parallel=parallel, cache=cache)(function)
        return kernel

    return decorate


def threads() -> int:
    """Return how many threads the parallel kernels run on.

    Examples
    --------
    >>> threads() >= 1
    True
    """
    return int(_numba.get_num_threads())


def in_order(work: Callable[..., _Result], tasks: Iterable[tuple[Any, ...]]) -> Iterator[_Result]:
    """Work tasks off in threads, and yield the results in the order of the tasks.

    Parameters
    ----------
    work : callable
        That releases the GIL for most of its time.
    tasks : iterable of tuple
        Arguments; taken a few ahead of the results, so that neither piles up.

    Examples
    --------
    >>> list(in_order(lambda a, b: a + b, [(1, 2), (3, 4)]))
    [3, 7]
    >>> list(in_order(abs, []))
    []
    """
    workers = threads()
    if workers <= 1:
        for task in tasks:
            yield work(*task)
        return
    waiting: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for task in tasks:
            waiting.append(pool.submit(work, *task))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
