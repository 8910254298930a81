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
_fresh = click.option(
    "--fresh",
    is_flag=True,
    # Where the cache is, and whether it is used, is told to all parts of the program at once.
    callback=lambda _context, _option, fresh: os.environ.update(
        {"SERVICECIRCLE_FRESH": "1"} if fresh else {}
    ),
    expose_value=False,
    help="Read all inputs again, whatever the cache holds.",
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
@_fresh
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
    help="Folder to write problems.csv, proposals.csv and coloured copies of the faulty tables to "
    "(one of its own, never that of a run); without it the problems are only printed.",
)
@_strict
def check(project: Path, out: Path | None, strict: bool) -> None:
    """Read and place all inputs of PROJECT, report what is wrong, and measure nothing.

    检查项目的全部输入，列出问题，不作计算；--out 另写出标色的表格副本，供改正。

    All faults of all files are told in one go, also where they would stop a run.
    """
    from servicecircle.project import salvage_project

    with _faults_end(_system_language()):
        loaded, fault = salvage_project(project)
        if loaded is None:
            raise fault or InputError(())
    language = loaded.project.language
    faults = () if fault is None else fault.problems
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.study import check_project
        report = check_project(loaded, out, faults=faults, progress=bars)
    stopping = any(problem.severity == "fatal" for problem in report.problems)
    _say(report.text(language), err=stopping)
    if stopping:
        sys.exit(_WRONG_INPUT)
    if strict and _serious(report):
        sys.exit(_WITH_PROBLEMS)


@main.command(short_help="Bring a table of figures by unit to the units of a later date.")
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--changes",
    metavar="FILE",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Change table; may be given several times.",
)
@click.option(
    "--level",
    required=True,
    type=click.Choice(["province", "prefecture", "county", "township", "village_level"]),
    help="Level of the units of the table.",
)
@click.option(
    "--since",
    metavar="YYYY-MM-DD",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date of the figures.",
)
@click.option(
    "--to",
    metavar="YYYY-MM-DD",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Date of the units wanted.",
)
@click.option(
    "--column",
    metavar="TITLE",
    multiple=True,
    help="Column to carry; may be given several times. Default: all columns of numbers.",
)
@click.option("--within", metavar="CODE", default="", help="Take units whose code begins so.")
@click.option(
    "--people",
    metavar="PROJECT",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Project file whose people and units tell how split units are shared out where the "
    "change table does not.",
)
@click.option(
    "--old-boundaries",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Outlines of the units of the table's date: for parts of a split unit that hold others "
    "too. Needs --people.",
)
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write carried.csv, shares.csv, groups.csv and problems.csv to; without it the "
    "table is printed.",
)
def carry(  # noqa: PLR0913, PLR0917 - click passes one argument for each option
    table: Path,
    changes: tuple[Path, ...],
    level: str,
    since: dt.datetime,
    to: dt.datetime,
    column: tuple[str, ...],
    within: str,
    people: Path | None,
    old_boundaries: Path | None,
    out: Path | None,
) -> None:
    """Bring TABLE, figures by unit of an earlier date, to the units of a later one.

    把按旧区划统计的数据换算到新区划。

    Units that were merged are added up; split ones are shared out as the change table says, else
    by where people live (--people), never by area. What is not known stays empty.
    """
    if old_boundaries is not None and people is None:
        raise click.UsageError("--old-boundaries needs --people: outlines alone hold no people.")
    language = _system_language()
    project = None if people is None else _load(people, to)
    with _faults_end(language):
        from servicecircle.carried import show_carried, write_carried
        from servicecircle.inputs.carried_tables import carry_table
        from servicecircle.inputs.project_people import project_residents

        lived = None
        if project is not None:
            lived = project_residents(
                project, level=level, as_of=to.date(), old_boundaries=old_boundaries
            )

        carried = carry_table(
            table,
            changes,
            level=level,
            since=since.date(),
            as_of=to.date(),
            columns=column,
            within=within,
            people=lived,
        )
        if out is not None:
            write_carried(carried, out, language)
    _say(show_carried(carried, language, with_table=out is None))


def _minutes(_context: click.Context, _option: click.Parameter, value: str) -> list[float]:
    """Read minutes above 0, with commas between them."""
    try:
        found = sorted({float(one) for one in value.split(",")})
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 5,10,15") from None
    if not all(0.0 < one < float("inf") for one in found):
        raise click.BadParameter(f"{value!r}: minutes must be above 0 and finite")
    return found


@main.command(short_help="Draw the service circles of some layers as files for a GIS.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--layer",
    "layers",
    metavar="LAYER",
    multiple=True,
    help="Facility layer of the project; may be given several times. Default: all.",
)
@click.option(
    "--minutes",
    metavar="LIST",
    callback=_minutes,
    default="5,10,15",
    show_default=True,
    help="Times of the bands.",
)
@click.option(
    "--simplify",
    metavar="METRES",
    default=0.0,
    show_default=True,
    type=click.FloatRange(min=0.0, max=1000.0),
    help="Drop vertices of less than this; bands stay within one another.",
)
@_out
@_workers
@_as_of
@_cache
def circles(
    project: Path,
    layers: tuple[str, ...],
    minutes: list[float],
    simplify: float,
    out: Path | None,
    workers: int | None,
    as_of: dt.datetime | None,
    cache: Path | None,
) -> None:
    """Draw the service circles of the facility layers of PROJECT, and count the people inside.

    绘制设施图层的服务圈，供 QGIS 等使用。

    Writes circles.gpkg (circles of each facility and of each layer, overlaps, and service areas:
    the longest circle parted by nearest facility), circles.parquet (GeoParquet), circles.csv,
    problems.csv and run.json.
    """
    _prepare(workers, cache)
    loaded = _load(project, as_of)
    language = loaded.project.language
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.circles import draw_circles, drawn_text
            from servicecircle.study import default_folder
        folder = out or default_folder(f"{loaded.project.name} circles")
        drawn = draw_circles(
            loaded, layers, minutes=minutes, out=folder, simplify_m=simplify, progress=bars
        )
    _say(drawn_text(drawn, folder, language))


def _place(_context: click.Context, _option: click.Parameter, value: str) -> tuple[float, float]:
    """Read longitude and latitude in degrees, with a comma between them."""
    try:
        lon, lat = (float(one) for one in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not LON,LAT such as 118.8705,28.9701") from None
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):  # noqa: PLR2004 - degrees
        raise click.BadParameter(f"{value!r}: longitude first, from -180 to 180; then latitude")
    return lon, lat


@main.command(short_help="Show the way from a place to the nearest facilities.")
@click.argument("project", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--from",
    "place",
    metavar="LON,LAT",
    callback=_place,
    required=True,
    help="Longitude and latitude in degrees, WGS84 (not GCJ-02 or BD-09).",
)
@click.option(
    "--layer",
    "layers",
    metavar="LAYER",
    multiple=True,
    help="Facility layer of the project; may be given several times. Default: all.",
)
@click.option(
    "--profile",
    type=click.Choice(["walk", "elderly", "wheelchair", "ebike", "cycle", "drive"]),
    help="How to travel; default: as each layer does.",
)
@click.option(
    "--nearest",
    "count",
    metavar="K",
    default=1,
    show_default=True,
    type=click.IntRange(min=1, max=1000),
    help="How many facilities of each layer.",
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="GeoJSON file to write the ways to, as lines in WGS84; an earlier one is replaced.",
)
@_as_of
@_cache
def way(
    project: Path,
    place: tuple[float, float],
    layers: tuple[str, ...],
    profile: str | None,
    count: int,
    out: Path | None,
    as_of: dt.datetime | None,
    cache: Path | None,
) -> None:
    """Show the way from a place to the nearest open facilities of PROJECT.

    显示从一个地点到最近设施的路线。

    Prints metres over the roads, minutes, and straight metres for each layer, as a run measures
    them. Where the facility comes to people (direction = "from") it is the way from it.
    """
    _prepare(None, cache)
    loaded = _load(project, as_of)
    language = loaded.project.language
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.messages import label
            from servicecircle.way import find_ways, ways_text
        found = find_ways(
            loaded,
            place,
            layers,
            profile=profile,  # type: ignore[arg-type]  # click has checked the choice
            count=count,
            out=out,
            progress=bars,
        )
    _say(ways_text(found, language))
    if out is not None:
        _say(label("way_written", language).format(file=out))


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


@main.command(short_help="Download roads and boundary of a place from OpenStreetMap.")
@click.argument("place")
@click.option(
    "--out",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write, new or empty: roads.osm.pbf, boundary.geojson, fetched.json.",
)
@click.option(
    "--margin",
    metavar="METRES",
    default=2000.0,
    show_default=True,
    type=click.FloatRange(min=0.0, max=100_000.0),
    help="Take roads this far beyond the boundary too.",
)
@click.option("--nominatim", metavar="URL", help="Server to look the place up at.")
@click.option("--overpass", metavar="URL", help="Server to get the roads from.")
def fetch(
    place: str, out: Path, margin: float, nominatim: str | None, overpass: str | None
) -> None:
    """Download the roads and the boundary of PLACE into a folder, ready for a project file.

    下载一个地方的道路和边界，供项目文件使用。

    The data are those of OpenStreetMap, (c) OpenStreetMap contributors, ODbL. A run itself never
    downloads anything.
    """
    language = _system_language()
    with _faults_end(language), _bars(language) as bars:
        with bars.stage("loading"):
            from servicecircle.inputs.download import NOMINATIM, OVERPASS, download_place
            from servicecircle.messages import label
            from servicecircle.outputs.fetched import ROADS_FILE, check_new_folder, write_download
        check_new_folder(out)
        servers = [nominatim or NOMINATIM, overpass or OVERPASS]
        with bars.stage("downloading"):
            found = download_place(
                place, margin_m=margin, nominatim=servers[0], overpass=servers[1]
            )
        write_download(found, out, place=place, servers=servers)
    row = found.boundary.iloc[0]
    done = label("fetched", language).format(
        name=row["name"],
        osm_id=row["osm_id"],
        ways=len(found.ways),
        as_of=found.as_of or "–",
        folder=out,
    )
    _say(done)
    _say(f'{label("fetched_lines", language)}\n[roads]\npath = "{(out / ROADS_FILE).as_posix()}"')
