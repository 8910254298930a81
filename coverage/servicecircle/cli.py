"""The command line: ``servicecircle run``, ``check``, ``demo``, ``plans``.

Heavy imports happen inside the commands, so that ``--help`` is there at once.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from servicecircle.errors import InputError, ServiceCircleError

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

    from servicecircle.messages import Language
    from servicecircle.progress import Advance
    from servicecircle.project import Project
    from servicecircle.summary import Summary

__all__ = ["main"]

_DONE, _WRONG_INPUT, _WITH_PROBLEMS = 0, 1, 3

# Control characters of a hostile name, which a terminal would obey; not tab and line feed.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")

_out = click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write; default maps/<project name>/ in the current folder. A folder that holds "
    "anything but an earlier run is refused.",
)
_workers = click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(min=1),
    help="Threads to compute with; the results do not depend on it. Default: all cores.",
)
_cache = click.option(
    "--cache",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for caches; default: the platform's own.",
)
_as_of = click.option(
    "--as-of",
    metavar="YYYY-MM-DD",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Judge as of this date instead of the project's.",
)
_strict = click.option(
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


def _say(text: str, *, err: bool = False) -> None:
    """Print a text that may hold names from data."""
    click.echo(_CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), err=err)


@contextmanager
def _faults_end(language: Language) -> Iterator[None]:
    """Turn every error of ours into its text on stderr and the exit code 1."""
    try:
        yield
    except ServiceCircleError as error:
        count = len(error.problems) if isinstance(error, InputError) else 1
        _say(error.text(language), err=True)
        stopped = {
            "zh": f"已停止：发现 {count} 处错误，未写出任何结果。",
            "en": f"Stopped: {count} fault(s) found, nothing was written.",
        }
        _say(stopped[language], err=True)
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
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.study import default_folder, run_project
        folder = out if out is not None else default_folder(project.project.name)
        summary = run_project(project, folder, progress=bars)
    _say(summary.text(language))
    if strict and _serious(summary):
        sys.exit(_WITH_PROBLEMS)


def _serious(summary: Summary) -> bool:
    """Tell whether there is any problem that is more than a note."""
    return any(problem.severity != "note" for problem in summary.problems)


class _Group(click.Group):
    """A group that prints a question mark for what the terminal's encoding cannot hold."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        return super().main(*args, **kwargs)


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the inputs are wrong, nothing was written; 2 wrong usage; "
    "3 done, with problems of the data (--strict). Progress goes to stderr, results to stdout.",
)
@click.version_option(package_name="servicecircle")
def main() -> None:
    """Service circles, coverage rates and targets of public facilities.

    公共服务设施的服务圈、覆盖率与规划指标评价。

    Facility layers, boundaries, population and roads in; who is covered, which target is met and
    what is missing where, out: as a map, tables and a GeoPackage.
    """


@main.command(short_help="Run a project file and write its folder of results.")
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
    """Run PROJECT, a project file in TOML, and write its folder of results.

    运行项目文件，写出地图和结果表。

    The folder is written whole or not at all; an earlier run in it is replaced.
    """
    _execute(project, out=out, workers=workers, cache=cache, as_of=as_of, strict=strict)


@main.command(short_help="Run the demo city, which is invented, to a finished map.")
@_out
@_workers
@_cache
def demo(out: Path | None, workers: int | None, cache: Path | None) -> None:
    """Run the demo city to a finished map.

    运行示例市（虚构）。

    The city, its people and its facilities are invented.
    """
    from servicecircle.demo import demo_project

    with _faults_end(_system_language()):
        path = demo_project()
    _execute(path, out=out, workers=workers, cache=cache, as_of=None, strict=False)


@main.command(short_help="Read all inputs of a project file and report what is wrong.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write problems.csv to (a folder of its own: an earlier run in it would be "
    "replaced); without it the problems are only printed.",
)
@_strict
def check(project: Path, out: Path | None, strict: bool) -> None:
    """Read and place all inputs of PROJECT, report what is wrong, and measure nothing.

    检查项目的全部输入，列出问题，不作计算。
    """
    loaded = _load(project, None)
    language = loaded.project.language
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.study import check_project
        report = check_project(loaded, out, progress=bars)
    _say(report.text(language))
    if strict and _serious(report):
        sys.exit(_WITH_PROBLEMS)


@main.group(short_help="The packaged plans and their indicators.")
def plans() -> None:
    """Show the packaged plans and their indicators.

    自带的规划与指标。
    """


@plans.command("list")
def list_plans() -> None:
    """List the packaged plans: name, number of indicators, titles."""
    from servicecircle.standards.indicators import load_plan, packaged_plans

    for name in packaged_plans():
        plan = load_plan(name)
        _say(f"{name}\t{len(plan.indicators)}\t{plan.name_zh}\t{plan.name_en}")
