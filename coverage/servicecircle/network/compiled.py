"""The one place that imports numba.

With the checkout's root on ``sys.path`` and coverage.py absent, ``import coverage`` yields the
empty namespace package of the source root, on which numba's optional support for coverage.py
dies. So such a ``coverage`` is hidden while numba is imported.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any, TypeVar

from servicecircle.cache import kernel_folder

__all__ = ["compiled", "prange"]

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _import_numba() -> Any:
    spec = importlib.util.find_spec("coverage")
    hide = "coverage" not in sys.modules and spec is not None and spec.origin is None
    if hide:
        sys.modules["coverage"] = None  # type: ignore[assignment]  # makes `import coverage` fail
    try:
        import numba
    finally:
        if hide:
            del sys.modules["coverage"]
    folder = kernel_folder()
    if folder is not None:
        numba.config.CACHE_DIR = str(folder)
    return numba


_numba = _import_numba()
_can_cache = bool(_numba.config.CACHE_DIR)
prange = _numba.prange


def compiled(*, parallel: bool = False) -> Callable[[_Function], _Function]:
    """Return a decorator that compiles a kernel, releasing the GIL and caching on disk.

    Kernels are strict IEEE: no fastmath, so the same bits come out whatever the thread count.
    """

    def decorate(function: _Function) -> _Function:
        kernel = _numba.njit(nogil=True, parallel=parallel, cache=_can_cache)(function)
        return kernel  # type: ignore[no-any-return]  # numba is untyped

    return decorate
