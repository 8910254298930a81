"""Roads from OpenStreetMap files, saved OSMnx graphs and line layers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from servicecircle.crs import to_wgs84
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.coordinates import WGS84, fatal, settle_crs
from servicecircle.inputs.graphml import read_graphml
from servicecircle.inputs.osm import read_osm, unknown_class_problems
from servicecircle.inputs.osm_file import OSM_SUFFIXES
from servicecircle.inputs.raw_roads import Lines, RawRoads, one_place, oneway_codes, roads_of
from servicecircle.inputs.vectors import read_vector
from servicecircle.inputs.walking import WALKING_TAGS, class_name, walkable
from servicecircle.problems import Problem
from servicecircle.project import RoadSettings

__all__ = ["RawRoads", "read_roads"]

_LINES = (1, 2, 5)  # LineString, LinearRing, MultiLineString
_LAYERS = (".gpkg", ".shp", ".geojson", ".json", ".parquet", ".geoparquet")
_SHOWN = 5
_CLASS_COLUMNS = ("highway", "fclass")


def read_roads(settings: RoadSettings, *, base: Path) -> tuple[RawRoads, list[Problem]]:
    """Read the roads of a project.

    Parameters
    ----------
    settings : RoadSettings
        ``path``: .osm.pbf, .osm, .graphml, or a line layer (.gpkg, .shp, .geojson, .parquet).
    base : pathlib.Path
        Folder that the path is relative to.

    Returns
    -------
    roads : RawRoads
        In WGS84. At least one segment may be walked.
    problems : list of Problem
        What was set aside or flagged.

    Raises
    ------
    InputError
        If the file is missing, broken, of an unknown format, or holds no roads that may be walked;
        if a layer has no column of the name of ``class_column``.
    CrsError
        If a layer has no CRS, the declared one contradicts it, or the datum is ``auto``.

    Examples
    --------
    >>> read_roads(RoadSettings(path=Path("nowhere.osm.pbf")), base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.osm.pbf: file not found: nowhere.osm.pbf
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    path, name = base / settings.path, settings.path.as_posix()
    if not path.exists():
        raise InputError(fatal("input.missing_file", name=name, value=name))
    if settings.datum == "auto":
        raise CrsError(fatal("vector.datum_auto", name=name, value="auto"))
    lower = path.name.lower()
    if lower.endswith(tuple(OSM_SUFFIXES)):
        roads, problems = _from_osm(settings, path, name)
    elif lower.endswith(".graphml"):
        roads, problems = read_graphml(path, name=name, crs=settings.crs, datum=settings.datum)
        problems += unknown_class_problems(_used_classes(roads), name=name)
    elif lower.endswith(_LAYERS):
        roads, problems = _from_lines(settings, path, name)
    else:
        known = ", ".join((*OSM_SUFFIXES, ".graphml", *_LAYERS))
        raise InputError(
            fatal("road.unknown_format", name=name, value=path.suffix, details={"known": known})
        )
    if settings.all_walkable:
        roads = _all_walked(roads)
    if not roads.u.size:
        raise InputError([fatal("road.no_roads", name=name), *problems[:_SHOWN]])
    if not roads.walk.any():
        classes = ", ".join(_used_classes(roads)[:_SHOWN])
        raise InputError(
            [fatal("road.nothing_walkable", name=name, value=classes), *problems[:_SHOWN]]
        )
    return roads, problems


def _all_walked(roads: RawRoads) -> RawRoads:
    counts = roads.counts | {"segments_walkable": roads.u.size, "nodes_walkable": roads.lon.size}
    return dataclasses.replace(roads, walk=np.ones(roads.u.size, dtype=np.bool_), counts=counts)


def _used_classes(roads: RawRoads) -> list[str]:
    return [roads.class_names[at] for at in np.unique(roads.way_class).tolist()]


def _from_osm(settings: RoadSettings, path: Path, name: str) -> tuple[RawRoads, list[Problem]]:
    data = read_osm(path, name=name)
    roads = data.roads
    west, east = float(roads.lon.min()), float(roads.lon.max())
    bounds = (west, float(roads.lat.min()), east, float(roads.lat.max()))
    # OSM files are WGS84; another declared CRS contradicts them.
    settle_crs(WGS84, settings.crs, name=name, bounds=bounds)
    if settings.datum is not None:
        lon, lat = to_wgs84(roads.lon, roads.lat, datum=settings.datum)
        roads = dataclasses.replace(roads, lon=lon, lat=lat)
    return roads, list(data.problems)


def _from_lines(settings: RoadSettings, path: Path, name: str) -> tuple[RawRoads, list[Problem]]:
    frame, problems = read_vector(
        path,
        name=name,
        layer=settings.layer,
        crs=settings.crs,
        datum=settings.datum,
        encoding=settings.encoding,
    )
    geometry = np.asarray(frame.geometry.to_numpy(), dtype=object)
    empty = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    other = ~empty & ~np.isin(shapely.get_type_id(geometry), _LINES)
    told = {problem.row for problem in problems if problem.action == "set_aside"}
    for code, rows in (("road.no_geometry", empty), ("road.not_a_line", other)):
        problems += [
            Problem(
                code=code,
                severity="error",
                action="set_aside",
                file=name,
                row=at + 1,
                value="" if code == "road.no_geometry" else str(geometry[at].geom_type),
            )
            for at in np.flatnonzero(rows).tolist()
            if at + 1 not in told
        ]
    used = np.flatnonzero(~empty & ~other)
    if not used.size:
        raise InputError([fatal("road.no_roads", name=name), *problems[:_SHOWN]])
    parts, part_of = shapely.get_parts(geometry[used], return_index=True)
    points, line = shapely.get_coordinates(parts, return_index=True)
    first, vertex = one_place(points[:, 0], points[:, 1])
    tags, found = _tags(frame.iloc[used], settings, name)
    problems += found
    every = {key: [values[at] for at in part_of.tolist()] for key, values in tags.items()}
    highway = [class_name(value) for value in every["highway"]]
    lines = Lines(
        lon=points[first, 0],
        lat=points[first, 1],
        vertex=vertex,
        line=line.astype(np.int64),
        highway=highway,
        oneway=oneway_codes(every["oneway"], highway, every["junction"]),
        walk=walkable({tag: every[tag] for tag in WALKING_TAGS}),
    )
    counts = {
        "rows_in": len(frame),
        "rows_used": int(used.size),
        "rows_without_geometry": int(empty.sum()),
        "rows_not_lines": int(other.sum()),
        "lines_in": int(parts.size),
    }
    roads, unused = roads_of(lines, source=name, counts=counts, merge_repeated=True)
    problems += [
        Problem(code="road.no_length", severity="error", action="set_aside", file=name, row=at + 1)
        for at in used[part_of[unused]].tolist()
    ]
    return roads, problems


def _tags(
    frame: gpd.GeoDataFrame, settings: RoadSettings, name: str
) -> tuple[dict[str, list[str]], list[Problem]]:
    """Return the tags that the rules need, one value a row, "" where the layer has none."""
    columns = {str(column).lower(): str(column) for column in frame.columns if column != "geometry"}
    wanted = settings.class_column
    if wanted is not None and wanted not in columns.values():
        known = ", ".join(columns.values())
        where = {"column": wanted, "value": wanted, "details": {"known": known}}
        raise InputError(fatal("road.class_column", name=name, **where))
    chosen = wanted or next((columns[key] for key in _CLASS_COLUMNS if key in columns), None)
    tags = {
        tag: _texts(frame[columns[tag]]) if tag in columns else [""] * len(frame)
        for tag in (*WALKING_TAGS, "oneway", "junction")
    }
    problems: list[Problem] = []
    tags["highway"] = [""] * len(frame) if chosen is None else _texts(frame[chosen])
    if chosen is None and not settings.all_walkable:
        problems.append(Problem(code="road.no_class", severity="warning", file=name))
    elif not settings.all_walkable:
        blank = [at for at, value in enumerate(tags["highway"]) if not value]
        if blank:
            row = int(cast(int, frame.index[blank[0]])) + 1
            problems.append(
                Problem(
                    code="road.blank_class",
                    severity="warning",
                    file=name,
                    row=row,
                    column=chosen or "",
                    details={"count": len(blank)},
                )
            )
        problems += unknown_class_problems(tags["highway"], name=name)
    return tags, problems


def _texts(column: pd.Series) -> list[str]:
    """Return a column as text, "" where it is empty."""
    missing = column.isna().to_numpy()
    return [
        "" if gone else str(value).strip()
        for gone, value in zip(missing, column.to_numpy(), strict=True)
    ]
