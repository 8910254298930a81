"""Timing two ways side by side, the memory of each, and the machine they ran on."""

from __future__ import annotations

import ctypes
import gc
import importlib.metadata
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

__all__ = ["Side", "in_turn", "machine", "own_peak_mib", "peak_mib", "start_peak", "timed"]

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PACKAGES = (
    "numpy", "scipy", "numba", "shapely", "geopandas", "networkx", "osmnx", "igraph", "pandana",
    "pandarm",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Side:
    """One way to do a piece of work.

    Parameters
    ----------
    name : str
    lay : callable
        Its set-up: what is done once for a network.
    work : callable
        Takes what ``lay`` returns and how many items to do.
    items : int
        How many items it does; few, where it is slow.
    """

    name: str
    lay: Callable[[], Any]
    work: Callable[[Any, int], Any]
    items: int


def timed(action: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of an action and its result."""
    gc.collect()
    start = time.perf_counter()
    result = action()
    return time.perf_counter() - start, result


def in_turn(
    sides: list[Side], *, repeats: int, warm: int = 2
) -> tuple[list[dict[str, Any]], list[Any]]:
    """Time several sides in turn, A B A B; return the figures and the last results.

    The first call of each, on ``warm`` items, is no part of the best: it loads or compiles.
    """
    figures, works = [], []
    for side in sides:
        set_up, state = timed(side.lay)
        first, _ = timed(partial(side.work, state, min(warm, side.items)))
        works.append(partial(side.work, state, side.items))
        figures.append({"set_up_seconds": round(set_up, 4), "first_call_seconds": round(first, 4)})
    best = [float("inf")] * len(sides)
    results: list[Any] = [None] * len(sides)
    for _ in range(repeats):
        for at, work in enumerate(works):
            results[at] = None
            seconds, results[at] = timed(work)
            best[at] = min(best[at], seconds)
    told = [
        {
            "way": side.name,
            "items": side.items,
            **figure,
            "seconds": round(seconds, 6),
            "ms_an_item": round(1e3 * seconds / side.items, 6),
        }
        for side, figure, seconds in zip(sides, figures, best, strict=True)
    ]
    return told, results


def peak_mib() -> float:
    """Return the peak memory of this process, since :func:`start_peak` where that can be told."""
    if _STATUS.exists():
        for line in _STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024.0
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def start_peak() -> float:
    """Forget the peak so far, on Linux; return the memory that is held now."""
    gc.collect()
    if _CLEAR.exists():
        # What an earlier call has freed would else be taken from the process's own store.
        if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
            trim(0)
        _CLEAR.write_text("5", encoding="ascii")
    return peak_mib()


def own_peak_mib(side: Side) -> dict[str, Any]:
    """Return the peak memory of one side's work beside what its set-up holds; run it alone."""
    state = side.lay()
    side.work(state, min(2, side.items))
    held = start_peak()
    result = side.work(state, side.items)
    peak = peak_mib()
    del result
    return {"held_mib": round(held, 1), "work_mib": round(max(peak - held, 0.0), 1)}


def machine(threads: int) -> dict[str, Any]:
    """Return what the figures were taken on."""
    versions = {}
    for name in _PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "threads": threads,
        "load_average": [round(value, 2) for value in os.getloadavg()],
        "python": platform.python_version(),
        "versions": versions,
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
