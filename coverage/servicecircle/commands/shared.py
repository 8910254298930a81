"""What the commands share: options, progress bars, words for errors, exit codes."""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicecircle.errors import InputError, ProjectError, ServiceCircleError

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from servicecircle.messages import Language
    from servicecircle.progress import Advance
    from servicecircle.project import Project
    from servicecircle.summary.told import Summary

__all__ = [
    "WITH_PROBLEMS",
    "WRONG_INPUT",
    "as_of_option",
    "bars",
    "cache_option",
    "faults_end",
    "fresh_option",
    "load",
    "out_option",
    "prepare",
    "say",
    "serious",
    "set_option",
    "strict_option",
    "system_language",
    "workers_option",
]

WRONG_INPUT, WITH_PROBLEMS = 1, 3

# Control characters of a hostile name, which a terminal would obey; not tab and line feed.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

out_option = click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default maps/<project name>/ in the current folder. A folder that holds "
    "anything but an earlier run is refused.",
)
workers_option = click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    help="Threads to compute with; the results do not depend on it. Default: all cores.",
)
cache_option = click.option(
    "--cache",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for caches; default: the platform's own.",
)
fresh_option = click.option(
    "--fresh",
    is_flag=True,
    # Where the cache is, and whether it is used, is told to all parts of the program at once.
    callback=lambda _context, _option, fresh: os.environ.update(
        {"SERVICECIRCLE_FRESH": "1"} if fresh else {}
    ),
    expose_value=False,
    help="Read all inputs again, whatever the cache holds.",
)
as_of_option = click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge as of this date instead of the project's.",
)
set_option = click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Setting that takes the place of the project file's, such as network.elderly_kmh=4; may "
    "be given several times.",
)
strict_option = click.option(
    "--strict",
    is_flag=True,
    help="Exit with 3 when the data have problems that are more than notes; the work is done all "
    "the same.",
)


class _Bars:
    """Progress bars on stderr, a stage at a time, each with its seconds."""

    def __init__(self, bars: RichProgress, language: Language) -> None:
        self._bars = bars
        self._language = language

    @contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Advance]:
        from servicecircle.messages import label

        task = self._bars.add_task(label(f"stage_{name}", self._language), total=total)

        def advance(steps: int) -> None:
            self._bars.advance(task, steps)

        yield advance
        done = total if total is not None else 1
        self._bars.update(task, total=done, completed=done)


@contextmanager
def bars(language: Language) -> Iterator[_Bars]:
    """Show progress on stderr while a command works."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        yield _Bars(bars, language)


def say(text: str, *, err: bool = False) -> None:
    """Print a text that may hold names from data."""
    click.echo(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), err=err)


@contextmanager
def faults_end(language: Language) -> Iterator[None]:
    """Turn every error of ours into its text on stderr and the exit code 1."""
    try:
        yield
    except ServiceCircleError as error:
        count = len(error.problems) if isinstance(error, InputError) else 1
        say(error.text(language), err=True)
        # What is wrong with a project file is said in its own language, which ends in it too.
        language = (error.language if isinstance(error, ProjectError) else None) or language
        stopped = {
            "zh": f"已停止：发现 {count} 处错误，未写出任何结果。",
            "en": f"Stopped: {count} fault(s) found, nothing was written.",
        }
        say(stopped[language], err=True)
        sys.exit(WRONG_INPUT)


def system_language() -> Language:
    """Return the language of the terminal: zh or en."""
    words = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return "zh" if words.lower().startswith("zh") else "en"


def load(path: Path, as_of: dt.datetime | None, changes: Sequence[str] = ()) -> Project:
    """Read a project file, with another date and other settings where given; faults end."""
    from servicecircle.project import load_project

    with faults_end(system_language()):
        project = load_project(path, changes=changes)
    if as_of is not None:
        settings = project.project.model_copy(update={"as_of": as_of.date()})
        project = project.model_copy(update={"project": settings})
    return project


def prepare(workers: int | None, cache: Path | None) -> None:
    """Tell all parts of the program how many threads to use, and where the cache is."""
    if cache is not None:
        os.environ["SERVICECIRCLE_CACHE"] = str(cache)
    if workers is not None:
        os.environ["NUMBA_NUM_THREADS"] = str(workers)


def serious(summary: Summary) -> bool:
    """Tell whether there is any problem that is more than a note."""
    return any(problem.severity != "note" for problem in summary.problems)
