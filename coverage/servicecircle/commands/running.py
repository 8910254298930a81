"""``run``, ``demo`` and ``check``: a project file to its results, or to what is wrong with it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from servicecircle.commands.shared import (
    WITH_PROBLEMS,
    WRONG_INPUT,
    as_of_option,
    bars,
    cache_option,
    faults_end,
    fresh_option,
    load,
    out_option,
    prepare,
    say,
    serious,
    set_option,
    strict_option,
    system_language,
    workers_option,
)
from servicecircle.errors import InputError

__all__ = ["check", "demo", "run"]

_GEOPARQUET = "servicecircle.geoparquet"


def _execute(
    path: Path,
    *,
    out: Path | None,
    workers: int | None,
    cache: Path | None,
    as_of: dt.datetime | None,
    strict: bool,
    changes: Sequence[str] = (),
) -> None:
    prepare(workers, cache)
    project = load(path, as_of, changes)
    language = project.project.language
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.study import default_folder, run_project
        folder = out if out is not None else default_folder(project.project.name)
        summary = run_project(project, folder, progress=shown)
    say(summary.text(language))
    if strict and serious(summary):
        sys.exit(WITH_PROBLEMS)


@click.command(short_help="Run a project file and write its folder of results.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@out_option
@workers_option
@strict_option
@as_of_option
@set_option
@click.option(
    "--monte-carlo",
    "runs",
    metavar="N",
    type=click.IntRange(min=1),
    help="Draw N runs of the rules of travel, as [monte_carlo] runs does. 随机模拟 N 次。",
)
@click.option(
    "--geoparquet",
    is_flag=True,
    expose_value=False,
    callback=lambda context, _option, asked: context.meta.update({_GEOPARQUET: asked}),
    help="Write the layers of coverage.gpkg as GeoParquet too, as [output] geoparquet does. "
    "另写 GeoParquet 文件。",
)
@cache_option
@fresh_option
def run(
    project: Path,
    out: Path | None,
    workers: int | None,
    strict: bool,
    as_of: dt.datetime | None,
    changes: tuple[str, ...],
    runs: int | None,
    cache: Path | None,
) -> None:
    """Run PROJECT, a project file in TOML, and write its folder of results.

    运行项目文件，写出地图和结果表。

    The folder is written whole or not at all; an earlier run in it is replaced.
    """
    drawn = () if runs is None else (f"monte_carlo.runs={runs}",)
    beside = ("output.geoparquet=true",) if click.get_current_context().meta[_GEOPARQUET] else ()
    _execute(
        project,
        out=out,
        workers=workers,
        cache=cache,
        as_of=as_of,
        strict=strict,
        changes=(*changes, *drawn, *beside),
    )


@click.command(short_help="Run the demo city, which is invented, to a finished map.")
@out_option
@workers_option
@cache_option
def demo(out: Path | None, workers: int | None, cache: Path | None) -> None:
    """Run the demo city to a finished map.

    运行示例市（虚构）。

    The city, its people and its facilities are invented.
    """
    from servicecircle.demo import demo_project

    with faults_end(system_language()):
        path = demo_project()
    _execute(path, out=out, workers=workers, cache=cache, as_of=None, strict=False)


@click.command(short_help="Read all inputs of a project file and report what is wrong.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write problems.csv, proposals.csv and coloured copies of the faulty tables to "
    "(one of its own, never that of a run); without it the problems are only printed.",
)
@strict_option
def check(project: Path, out: Path | None, strict: bool) -> None:
    """Read and place all inputs of PROJECT, report what is wrong, and measure nothing.

    检查项目的全部输入，列出问题，不作计算；--out 另写出标色的表格副本，供改正。

    All faults of all files are told in one go, also where they would stop a run.
    """
    from servicecircle.project import salvage_project

    with faults_end(system_language()):
        loaded, fault = salvage_project(project)
        if loaded is None:
            raise fault or InputError(())
    language = loaded.project.language
    faults = () if fault is None else fault.problems
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.study import check_project
        report = check_project(loaded, out, faults=faults, progress=shown)
    stopping = any(problem.severity == "fatal" for problem in report.problems)
    say(report.text(language), err=stopping)
    if stopping:
        sys.exit(WRONG_INPUT)
    if strict and serious(report):
        sys.exit(WITH_PROBLEMS)
