"""The one place that imports numba.

With the checkout's root on ``sys.path`` and coverage.py absent, ``import coverage`` yields the
empty namespace package of the source root, on which numba's optional support for coverage.py
dies. So such a ``coverage`` is hidden while numba is imported.
"""

from __future__ import annotations

import importlib.util
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from servicecircle.cache import kernel_folder

__all__ = ["compiled", "in_order", "prange", "threads"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Result = TypeVar("_Result")


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
    folder = kernel_folder()
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
