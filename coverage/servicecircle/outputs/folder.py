"""A run's folder is written whole or not at all.

The new folder is filled beside the old one under a hidden name. On Linux the two are then
exchanged in one step of the file system; elsewhere in two renames with a journal, which the next
command heals. A lock keeps two runs from writing to one folder. The hidden neighbours of ``out``
(``.servicecircle-<digest of its name>`` and a suffix):

``-lock``     held while a run writes
``-new``      the new folder; incomplete unless there is a journal
``-old``      the old folder, between and after the two renames
``-journal``  says that ``-new`` is complete
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from servicecircle.errors import OutputError
from servicecircle.problems import Problem

__all__ = ["PROGRAM", "RECORD", "check_folder", "heal", "publish", "write_error"]

RECORD = "run.json"
PROGRAM = "servicecircle"

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CODES = {
    errno.ENOSPC: "outputs.disk_full",
    errno.EDQUOT: "outputs.disk_full",
    errno.EACCES: "outputs.no_permission",
    errno.EPERM: "outputs.no_permission",
    errno.EROFS: "outputs.no_permission",
}


@dataclass(frozen=True, slots=True)
class _Neighbours:
    """The hidden files and folders beside ``out``."""

    lock: Path
    new: Path
    old: Path
    journal: Path


def _neighbours(out: Path) -> _Neighbours:
    name = os.path.normcase(out.name).encode("utf-8", "surrogateescape")
    stem = f".servicecircle-{blake2b(name, digest_size=6).hexdigest()}"
    return _Neighbours(
        *(out.with_name(f"{stem}-{part}") for part in ("lock", "new", "old", "journal"))
    )


def publish(write: Callable[[Path], None], out: Path) -> None:
    """Fill a folder and put it in the place of ``out`` in one step.

    Parameters
    ----------
    write : callable
        Takes an empty folder and fills it; it must leave a ``run.json``, by which the next run
        knows the folder as its own to replace.
    out : pathlib.Path
        New, empty, or the folder of an earlier run, which is replaced as a whole. A symbolic
        link is followed. Missing parents are made.

    Raises
    ------
    OutputError
        If ``out`` is not a folder, holds something that is not ours, is being written to by
        another run, or the disk refuses. Whatever is raised, also by ``write``, the old folder
        stays as it was and nothing new is left behind.

    Examples
    --------
    >>> import tempfile
    >>> from servicecircle.outputs.run_record import write_run_record
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     out = Path(folder) / "run"
    ...     publish(lambda new: write_run_record({}, new / "run.json"), out)
    ...     print([file.name for file in out.iterdir()])
    ['run.json']
    """
    with _disk_errors(out):
        out = _place(out)
        with _made_parents(out), _locked(out) as near:
            _heal(out, near)
            _refuse_foreign(out)
            try:
                near.new.mkdir()
                write(near.new)
                if not _is_ours(near.new):
                    raise ValueError(f"the folder was filled without a {RECORD}")
                _flush(near.new)
                _swap(near, out)
            finally:  # the old folder now, or the unfinished one; the next run removes the rest
                shutil.rmtree(near.new, ignore_errors=True)


def check_folder(out: Path, *, command: str = "") -> None:
    """Heal what a crash left half done at ``out``, and refuse a place that cannot be written.

    To be called before a long run, so that it does not fail at its end.

    Parameters
    ----------
    out : pathlib.Path
    command : str
        Where given, a folder that another command of this program made is refused too: a check
        does not take the place of a run, nor a siting study.

    Raises
    ------
    OutputError
        If ``out`` is not a folder, is filled and has no ``run.json`` of this program, or if the
        folder above it is not writable.

    Examples
    --------
    >>> check_folder(Path("no-such-folder"))
    """
    heal(out)
    with _disk_errors(out):
        out = _place(out)
        _refuse_foreign(out)
        if command and (record := _record(out)) and record.get("command") != command:
            made = str(record.get("command") or RECORD)
            raise _refusal("outputs.other_command", out, made=made, command=command)
        above = next(parent for parent in out.parents if parent.exists())
        if not os.access(above, os.W_OK | os.X_OK):
            raise _refusal("outputs.no_permission", out, os.strerror(errno.EACCES))
        # Some places look writable and are not.
        Path(tempfile.mkdtemp(prefix=".servicecircle-", dir=above)).rmdir()


def heal(out: Path) -> None:
    """Finish or undo what an interrupted command left half done at ``out``; usually nothing.

    A run that is writing there now is left alone.

    Examples
    --------
    >>> heal(Path("no-such-folder"))
    """
    with _disk_errors(out):
        out = _place(out)
        near = _neighbours(out)
        if not any(path.exists() for path in (near.new, near.old, near.journal)):
            return
        with suppress(OutputError), _locked(out):
            _heal(out, near)


def write_error(error: Exception, path: Path) -> OutputError:
    """Return the error of a failed write in the user's words.

    Parameters
    ----------
    error : Exception
        An OSError, or what a library raised in its place.
    path : pathlib.Path
        What was being written.

    Examples
    --------
    >>> write_error(OSError(28, "No space left on device"), Path("out")).problems[0].code
    'outputs.disk_full'
    """
    code = _CODES.get(getattr(error, "errno", None) or 0, "outputs.cannot_write")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return _refusal(code, path, reason)


def _refusal(code: str, out: Path, reason: str = "", **details: str) -> OutputError:
    problem = Problem(
        code=code,
        severity="fatal",
        action="stopped",
        value=str(out),
        details={"reason": reason, **details},
    )
    return OutputError(problem)


def _place(out: Path) -> Path:
    """Return the folder meant, links followed."""
    place = out.resolve()
    if not place.name:  # the root of a disk has no neighbours
        raise _refusal("outputs.not_ours", out)
    return place


@contextmanager
def _disk_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise write_error(error, out) from error


@contextmanager
def _made_parents(out: Path) -> Iterator[None]:
    """Make the missing parents of a folder; take them away again if the body fails."""
    made: list[Path] = []
    missing = [parent for parent in out.parents if not parent.exists()]
    try:
        for parent in reversed(missing):
            parent.mkdir(exist_ok=True)
            made.append(parent)
        yield
    except BaseException:
        for parent in reversed(made):
            with suppress(OSError):
                parent.rmdir()
        raise


@contextmanager
def _locked(out: Path) -> Iterator[_Neighbours]:
    """Hold the lock of a folder; the lock file goes when the lock does."""
    near = _neighbours(out)
    while True:
        handle = os.open(near.lock, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except OSError:
            os.close(handle)
            raise _refusal("outputs.locked", out) from None
        # Whoever held the lock before may have removed the file that was opened here.
        if near.lock.exists() and os.path.samestat(os.fstat(handle), near.lock.stat()):
            break
        os.close(handle)
    try:
        yield near
    finally:
        if sys.platform == "win32":  # an open file cannot be removed there
            os.close(handle)
            with suppress(OSError):
                near.lock.unlink()
        else:
            near.lock.unlink()
            os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise _refusal("outputs.not_a_folder", out)
    if any(out.iterdir()) and not _is_ours(out):
        raise _refusal("outputs.not_ours", out)


def _record(folder: Path) -> dict[str, object] | None:
    """Return the record of a folder of this program, None of any other."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) and record.get("program") == PROGRAM else None


def _is_ours(folder: Path) -> bool:
    return _record(folder) is not None


def _heal(out: Path, near: _Neighbours) -> None:
    if near.journal.exists() and not out.exists():
        if near.new.exists():
            near.new.rename(out)
        elif near.old.exists():
            near.old.rename(out)
    _remove(near.new)
    _remove(near.old)
    near.journal.unlink(missing_ok=True)


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def _flush(folder: Path) -> None:
    """Bring a folder to the disk, so that a power cut finds the old or the new one whole."""
    for file in folder.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDWR)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _swap(near: _Neighbours, out: Path) -> None:
    """Put the new folder in the place of ``out``, which may be absent."""
    if not out.exists():
        near.new.rename(out)
    elif not _exchange(near.new, out):
        near.journal.touch()
        try:
            out.rename(near.old)
            near.new.rename(out)
        except BaseException:
            if not out.exists() and near.old.exists():
                near.old.rename(out)
            near.journal.unlink()
            raise
        near.journal.unlink()
        shutil.rmtree(near.old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the disk cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # another C library than glibc
        return False
    renameat2.argtypes = (
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_uint,
    )
    paths = os.fsencode(one), os.fsencode(other)
    if renameat2(_AT_FDCWD, paths[0], _AT_FDCWD, paths[1], _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP):
        return False
    raise OSError(code, os.strerror(code), str(other))
