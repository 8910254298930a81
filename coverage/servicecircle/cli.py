"""The command line: ``servicecircle run``, ``check``, ``demo``, ``plans``.

Heavy imports happen inside the commands, so that ``--help`` is there at once.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from servicecircle.errors import InputError, ServiceCircleError

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from servicecircle.messages import Language
    from servicecircle.progress import Advance
    from servicecircle.project import Project

__all__ = ["main"]

_DONE, _WRONG_INPUT, _WITH_PROBLEMS = 0, 1, 3

_out = click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default maps/<project name>/ in the current folder.",
)
_workers = click.option(
    "--workers",
    type=click.IntRange(min=1),
    help="Threads to compute with; the results do not depend on it. Default: all cores.",
)
_cache = click.option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for caches; default: the platform's own.",
)
_as_of = click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge as of this date instead of the project's.",
)
_strict = click.option(
    "--strict", is_flag=True, help="Exit with 3 when there are problems of the data."
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
def _bars(language: Language) -> Iterator[_Bars]:
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


@contextmanager
def _faults_end(language: Language) -> Iterator[None]:
    """Turn every error of ours into its text on stderr and the exit code 1."""
    try:
        yield
    except ServiceCircleError as error:
        count = len(error.problems) if isinstance(error, InputError) else 1
        click.echo(error.text(language), err=True)
        stopped = {
            "zh": f"已停止：发现 {count} 处错误，未写出任何结果。",
            "en": f"Stopped: {count} fault(s) found, nothing was written.",
        }
        click.echo(stopped[language], err=True)
        sys.exit(_WRONG_INPUT)


def _system_language() -> Language:
    words = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG", "")
    return "zh" if words.lower().startswith("zh") else "en"


def _load(path: Path, as_of: dt.datetime | None) -> Project:
    from servicecircle.project import load_project

    with _faults_end(_system_language()):
        project = load_project(path)
    if as_of is not None:
        settings = project.project.model_copy(update={"as_of": as_of.date()})
        project = project.model_copy(update={"project": settings})
    return project


def _prepare(workers: int | None, cache: Path | None) -> None:
    if cache is not None:
        os.environ["SERVICECIRCLE_CACHE"] = str(cache)
    if workers is not None:
        os.environ["NUMBA_NUM_THREADS"] = str(workers)


def _execute(
    path: Path,
    *,
    out: Path | None,
    workers: int | None,
    cache: Path | None,
    as_of: dt.datetime | None,
    strict: bool,
) -> None:
    _prepare(workers, cache)
    project = _load(path, as_of)
    language = project.project.language
    with _faults_end(language):
        from servicecircle.study import default_folder, run_project

        folder = out if out is not None else default_folder(project.project.name)
        with _bars(language) as bars:
            summary = run_project(project, folder, progress=bars)
    click.echo(summary.text(language))
    if strict and summary.problems:
        sys.exit(_WITH_PROBLEMS)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="servicecircle")
def main() -> None:
    """Service circles, coverage rates and targets of public facilities.

    Facility layers, boundaries, population and roads in; who is covered, which target is met and
    what is missing where, out: as a map, tables and a GeoPackage.
    """


@main.command()
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@_out
@_workers
@_strict
@_as_of
@_cache
def run(
    project: Path,
    out: Path | None,
    workers: int | None,
    strict: bool,
    as_of: dt.datetime | None,
    cache: Path | None,
) -> None:
    """Run PROJECT, a project file in TOML, and write its folder of results."""
    _execute(project, out=out, workers=workers, cache=cache, as_of=as_of, strict=strict)


@main.command()
@_out
@_workers
@_cache
def demo(out: Path | None, workers: int | None, cache: Path | None) -> None:
    """Run the demo city, which is invented, to a finished map."""
    from servicecircle.demo import demo_project

    with _faults_end(_system_language()):
        path = demo_project()
    _execute(path, out=out, workers=workers, cache=cache, as_of=None, strict=False)


@main.command()
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write problems.csv to; without it the problems are only printed.",
)
@_strict
def check(project: Path, out: Path | None, strict: bool) -> None:
    """Read all inputs of PROJECT, report every fault and problem, and compute nothing."""
    loaded = _load(project, None)
    language = loaded.project.language
    with _faults_end(language):
        from servicecircle.study import check_project

        with _bars(language) as bars:
            report = check_project(loaded, out, progress=bars)
    click.echo(report.text(language))
    if strict and report.problems:
        sys.exit(_WITH_PROBLEMS)


@main.group()
def plans() -> None:
    """The packaged plans and their indicators."""


@plans.command("list")
def list_plans() -> None:
    """List the packaged plans."""
    from servicecircle.standards.indicators import load_plan, packaged_plans

    for name in packaged_plans():
        plan = load_plan(name)
        click.echo(f"{name}\t{len(plan.indicators)}\t{plan.name_zh}\t{plan.name_en}")
