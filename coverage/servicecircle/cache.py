"""Where caches live; the only module that writes them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["cache_folder", "kernel_folder"]


def cache_folder() -> Path:
    """Return the cache folder: SERVICECIRCLE_CACHE if set, else the platform's own.

    Returns
    -------
    pathlib.Path
        Absolute; it need not exist.

    Examples
    --------
    >>> cache_folder().is_absolute()
    True
    """
    given = os.environ.get("SERVICECIRCLE_CACHE")
    if given:
        return Path(given).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_dir("servicecircle", appauthor=False)).resolve()


def kernel_folder() -> Path | None:
    """Return the folder for compiled kernels, made on demand; None where it cannot be written.

    Returns
    -------
    pathlib.Path or None

    Examples
    --------
    >>> folder = kernel_folder()
    >>> folder is None or folder.is_dir()
    True
    """
    folder = cache_folder() / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return None
    return folder
