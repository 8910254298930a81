"""The record of a run: ``run.json``, and what it says of the machine and of the inputs."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import platform
import re
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path, PurePath
from typing import Any

import numpy as np

from servicecircle.outputs.folder import PROGRAM

__all__ = ["describe_environment", "peak_memory_mib", "sha256_of", "write_run_record"]

_REQUIREMENT_NAME = re.compile(r"[A-Za-z0-9._-]+")


def write_run_record(record: Mapping[str, Any], path: Path) -> None:
    """Write a record as JSON with sorted keys, marked as this program's.

    Parameters
    ----------
    record : mapping
        Of JSON values, numpy's scalars and arrays, paths and dates; NaN and infinity become null.
    path : pathlib.Path

    Raises
    ------
    TypeError
        If a value is of another type.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_run_record({"rate": float("nan"), "cells": np.int64(3)}, Path(folder) / "r.json")
    ...     json.loads((Path(folder) / "r.json").read_text(encoding="utf-8"))
    {'cells': 3, 'program': 'servicecircle', 'rate': None}
    """
    marked = {**record, "program": PROGRAM}
    text = json.dumps(_plain(marked), ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    path.write_bytes((text + "\n").encode("utf-8", "replace"))


def describe_environment() -> dict[str, Any]:
    """Return the versions that results can depend on: package, Python, platform, libraries.

    Examples
    --------
    >>> sorted(describe_environment())
    ['libraries', 'packages', 'platform', 'python', 'servicecircle']
    """
    import pyogrio
    import pyproj
    import shapely

    from servicecircle import __version__

    return {
        "servicecircle": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": _package_versions(),
        "libraries": {
            "GDAL": ".".join(map(str, pyogrio.__gdal_version__)),
            "GEOS": ".".join(map(str, shapely.geos_version)),
            "PROJ": pyproj.proj_version_str,
        },
    }


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal.

    Raises
    ------
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     empty = Path(folder) / "empty"
    ...     empty.touch()
    ...     sha256_of(empty)[:16]
    'e3b0c44298fc1c14'
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def peak_memory_mib() -> float | None:
    """Return the most memory that this process has held so far; None where it cannot be told.

    Returns
    -------
    float or None
        MiB of resident memory; told on Linux and macOS.

    Examples
    --------
    >>> (peak_memory_mib() or 1.0) > 0
    True
    """
    peak: float | None = None
    if sys.platform == "linux":
        # getrusage would count what the parent process held when it started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status, flags=re.MULTILINE)
        peak = int(found[1]) / (1 << 10) if found else None
    elif sys.platform == "darwin":
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    return peak


def _package_versions() -> dict[str, str]:
    """Return the versions of what the package requires; extras where they are installed."""
    try:
        requirements = metadata.requires(PROGRAM) or []
    except metadata.PackageNotFoundError:  # used from its folder, not installed
        return {}
    versions = {}
    for requirement in requirements:
        found = _REQUIREMENT_NAME.match(requirement)
        if found and "extra ==" not in requirement:
            versions[found[0].lower()] = metadata.version(found[0])
    return dict(sorted(versions.items()))


def _plain(value: Any) -> Any:
    """Return a value as JSON holds it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, dt.date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)):
        return value
    raise TypeError(f"the run record takes no {type(value).__name__}: {value!r}")
