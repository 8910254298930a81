"""``carry``, ``circles``, ``way`` and ``fetch``: single tools beside a run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from servicecircle.commands.shared import (
    as_of_option,
    bars,
    cache_option,
    faults_end,
    load,
    out_option,
    prepare,
    say,
    system_language,
    workers_option,
)

__all__ = ["carry", "circles", "fetch", "way"]

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _day(name: str, text: str) -> Callable[[_Command], _Command]:
    """Return an option of a date that must be given."""
    day = click.DateTime(["%Y-%m-%d"])
    return click.option(name, metavar="YYYY-MM-DD", required=True, type=day, help=text)


_FILE = click.Path(path_type=Path, dir_okay=False)
_project = click.argument("project", type=_FILE)
_layers = click.option(
    "--layer",
    "layers",
    metavar="LAYER",
    multiple=True,
    help="Facility layer of the project; may be given several times. Default: all.",
)


@click.command(short_help="Bring a table of figures by unit to the units of a later date.")
@click.argument("table", type=_FILE)
@click.option(
    "--changes",
    metavar="FILE",
    required=True,
    multiple=True,
    type=_FILE,
    help="Change table; may be given several times.",
)
@click.option(
    "--level",
    required=True,
    type=click.Choice(["province", "prefecture", "county", "township", "village_level"]),
    help="Level of the units of the table.",
)
@_day("--since", "Date of the figures.")
@_day("--to", "Date of the units wanted.")
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
    type=_FILE,
    help="Project file whose people and units tell how split units are shared out where the "
    "change table does not.",
)
@click.option(
    "--old-boundaries",
    metavar="FILE",
    type=_FILE,
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
    language = system_language()
    project = None if people is None else load(people, to)
    with faults_end(language):
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
    say(show_carried(carried, language, with_table=out is None))


def _minutes(_context: click.Context, _option: click.Parameter, value: str) -> list[float]:
    """Read minutes above 0, with commas between them."""
    try:
        found = sorted({float(one) for one in value.split(",")})
    except ValueError:
        raise click.BadParameter(f"{value!r} is not a list of numbers such as 5,10,15") from None
    if not all(0.0 < one < float("inf") for one in found):
        raise click.BadParameter(f"{value!r}: minutes must be above 0 and finite")
    return found


@click.command(short_help="Draw the service circles of some layers as files for a GIS.")
@_project
@_layers
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
@out_option
@workers_option
@as_of_option
@cache_option
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
    prepare(workers, cache)
    loaded = load(project, as_of)
    language = loaded.project.language
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.circles import draw_circles, drawn_text
            from servicecircle.study import default_folder
        folder = out or default_folder(f"{loaded.project.name} circles")
        drawn = draw_circles(
            loaded, layers, minutes=minutes, out=folder, simplify_m=simplify, progress=shown
        )
    say(drawn_text(drawn, folder, language))


def _place(_context: click.Context, _option: click.Parameter, value: str) -> tuple[float, float]:
    """Read longitude and latitude in degrees, with a comma between them."""
    try:
        lon, lat = (float(one) for one in value.split(","))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not LON,LAT such as 118.8705,28.9701") from None
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):  # noqa: PLR2004 - degrees
        raise click.BadParameter(f"{value!r}: longitude first, from -180 to 180; then latitude")
    return lon, lat


@click.command(short_help="Show the way from a place to the nearest facilities.")
@_project
@click.option(
    "--from",
    "place",
    metavar="LON,LAT",
    callback=_place,
    required=True,
    help="Longitude and latitude in degrees, WGS84 (not GCJ-02 or BD-09).",
)
@_layers
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
    type=_FILE,
    help="GeoJSON file to write the ways to, as lines in WGS84; an earlier one is replaced.",
)
@as_of_option
@cache_option
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
    prepare(None, cache)
    loaded = load(project, as_of)
    language = loaded.project.language
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.messages import label
            from servicecircle.way import find_ways, ways_text
        found = find_ways(
            loaded,
            place,
            layers,
            profile=profile,  # type: ignore[arg-type]  # click has checked the choice
            count=count,
            out=out,
            progress=shown,
        )
    say(ways_text(found, language))
    if out is not None:
        say(label("way_written", language).format(file=out))


@click.command(short_help="Download roads and boundary of a place from OpenStreetMap.")
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
    language = system_language()
    with faults_end(language), bars(language) as shown:
        with shown.stage("loading"):
            from servicecircle.inputs.download import NOMINATIM, OVERPASS, download_place
            from servicecircle.messages import label
            from servicecircle.outputs.fetched import ROADS_FILE, check_new_folder, write_download
        check_new_folder(out)
        servers = [nominatim or NOMINATIM, overpass or OVERPASS]
        with shown.stage("downloading"):
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
    say(done)
    say(f'{label("fetched_lines", language)}\n[roads]\npath = "{(out / ROADS_FILE).as_posix()}"')
