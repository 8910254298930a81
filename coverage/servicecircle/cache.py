"""Where caches live; the only module that writes them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

__all__ = [
    "cache_folder",
    "keep_answer",
    "keep_bytes",
    "kept_answer",
    "kept_bytes",
    "kernel_folder",
]

_DIGEST = 32
_MOST_BYTES = 2_000_000_000


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


def kernel_folder(key: str) -> Path | None:
    """Return the folder for compiled kernels, made on demand; None where it cannot be written.

    It is this process's until it ends. Folders of other keys that nobody has used for 30 days are
    taken off, unless a process still has one.

    Parameters
    ----------
    key : str
        Of letters, digits and dashes: a hash of all that decides the kernels.

    Returns
    -------
    pathlib.Path or None

    Examples
    --------
    >>> folder = kernel_folder("0a1b")
    >>> folder is None or folder.is_dir()
    True
    """
    folder = cache_folder() / "kernels" / key
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError:
        return None
    if _held(folder):
        _drop_unused(folder.parent, but=folder)
    return folder


_IN_USE = ".in-use"
_UNUSED_S = 30 * 86_400
_TRIES = 5


@cache
def _held(folder: Path) -> bool:
    """Lock a folder for as long as this process lives, and make it young; False where one cannot.

    Many may hold it; who takes it off needs it alone (flock(2)). The lock is never given back.
    """
    for _ in range(_TRIES):
        try:
            folder.mkdir(exist_ok=True)
            lock = os.open(folder / _IN_USE, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError:
            return False
        with suppress(OSError):
            if not _lock(lock, alone=False):
                os.close(lock)
                return False
            os.utime(folder / _IN_USE)
            if os.path.samestat(os.fstat(lock), (folder / _IN_USE).stat()):
                return True
        # Somebody took the folder off between opening and locking: it is made once more.
        os.close(lock)
    return False


def _drop_unused(folder: Path, *, but: Path) -> None:
    """Take off the folders that no process holds, and none has opened for long."""
    for one in sorted(folder.iterdir()):
        if one == but:
            continue
        # What has no lock was not made here; what somebody else takes off is gone.
        with suppress(OSError):
            lock = os.open(one / _IN_USE, os.O_RDWR)
            try:
                old = time.time() - os.fstat(lock).st_mtime > _UNUSED_S
                if old and _lock(lock, alone=True):
                    # Moved away at one stroke: who comes now makes a new one, and not in this.
                    gone = one.rename(folder / f".gone-{os.getpid()}-{one.name}")
                    shutil.rmtree(gone, ignore_errors=True)
            finally:
                os.close(lock)


def _lock(file: int, *, alone: bool) -> bool:
    """Lock an open file, without waiting where it is to be alone; False where that cannot be."""
    if sys.platform == "win32":
        return False
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB if alone else fcntl.LOCK_SH)
    except OSError:
        return False
    return True


def kept_answer(kind: str, key: str) -> dict[str, Any] | None:
    """Return what was kept under a key, None where there is nothing that can be read.

    Parameters
    ----------
    kind : str
        Folder in the cache.
    key : str
        Only its hash is kept, so it may hold secrets.

    Examples
    --------
    >>> kept_answer("geocode", "never asked") is None
    True
    """
    try:
        found = json.loads(_answer_file(kind, key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def keep_answer(kind: str, key: str, answer: dict[str, Any]) -> None:
    """Keep an answer of a service; where the cache cannot be written it is not kept.

    Parameters
    ----------
    kind, key : str
        As for :func:`kept_answer`.
    answer : dict
        JSON values.

    Examples
    --------
    >>> keep_answer("geocode", "x", {"answer": None})  # doctest: +SKIP
    """
    file = _answer_file(kind, key)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
        part.replace(file)
    except OSError:
        return


def _answer_file(kind: str, key: str) -> Path:
    name = hashlib.blake2b(key.encode(), digest_size=16).hexdigest()
    return cache_folder() / kind / name[:2] / f"{name}.json"


def kept_bytes(kind: str, key: str) -> bytes | None:
    """Return bytes kept under a key; None where there are none, or they are damaged.

    With SERVICECIRCLE_FRESH set nothing that was kept is used.

    Parameters
    ----------
    kind : str
        Folder in the cache.
    key : str
        Of letters, digits and dashes: a hash of all that decides the bytes.

    Examples
    --------
    >>> kept_bytes("roads", "never-kept") is None
    True
    """
    if os.environ.get("SERVICECIRCLE_FRESH"):
        return None
    file = cache_folder() / kind / f"{key}.bin"
    try:
        found = file.read_bytes()
    except OSError:
        return None
    with suppress(OSError):
        # What is used is young: the oldest goes first.
        os.utime(file)
    digest, body = found[:_DIGEST], found[_DIGEST:]
    return body if hashlib.blake2b(body, digest_size=_DIGEST).digest() == digest else None


def keep_bytes(kind: str, key: str, body: bytes) -> None:
    """Keep bytes under a key, whole or not at all; where the cache cannot be written, not at all.

    Of one kind at most 2 GB are kept: what was not used for the longest time goes first.

    Parameters
    ----------
    kind, key : str
        As for :func:`kept_bytes`.
    body : bytes

    Examples
    --------
    >>> keep_bytes("roads", "0a1b", b"...")  # doctest: +SKIP
    """
    file = cache_folder() / kind / f"{key}.bin"
    part = file.with_suffix(f".{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(hashlib.blake2b(body, digest_size=_DIGEST).digest() + body)
        part.replace(file)
    except OSError:
        return
    _drop_oldest(file.parent, but=file)


def _drop_oldest(folder: Path, *, but: Path) -> None:
    """Take files off until the folder is small enough, the one that was just written last."""
    found = []
    for file in folder.glob("*.bin"):
        # Another run may take it off at the same time.
        with suppress(OSError):
            stat = file.stat()
            found.append((file == but, stat.st_mtime_ns, file.name, stat.st_size, file))
    total = sum(size for *_, size, _ in found)
    for _, _, _, size, file in sorted(found)[:-1]:
        if total <= _MOST_BYTES:
            return
        with suppress(OSError):
            file.unlink()
            total -= size
