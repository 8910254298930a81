"""Roads from OpenStreetMap files, saved OSMnx graphs and line layers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.datums import to_wgs84
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.coordinates import WGS84, fatal, settle_crs
from servicecircle.inputs.graphml import read_graphml
from servicecircle.inputs.mode_tables import ON_GROUND, STRUCTURE_TAGS, WAY_TAGS
from servicecircle.inputs.modes import class_name, oneway_codes, way_rules
from servicecircle.inputs.noding import Chains, join_ends, node_crossings
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm import (
    OsmData,
    read_osm,
    roads_of_streets,
    unknown_class_problems,
)
from servicecircle.inputs.osm_file import OSM_SUFFIXES
from servicecircle.inputs.overpass import is_overpass, read_overpass
from servicecircle.inputs.raw_roads import Lines, RawRoads, one_place, roads_of
from servicecircle.inputs.vectors import read_vector
from servicecircle.problems import Problem
from servicecircle.project import RoadSettings

__all__ = ["RawRoads", "read_roads", "road_files"]

_LINES = (1, 2, 5)  # LineString, LinearRing, MultiLineString
_LAYERS = (".gpkg", ".shp", ".geojson", ".json", ".parquet", ".geoparquet")
_SHOWN = 5
_CLASS_COLUMNS = ("highway", "fclass")
_PATTERN = frozenset("*?[")


def road_files(settings: RoadSettings, *, base: Path) -> list[Path]:
    """Return the files that the roads of a project are read from, whether they exist or not.

    Parameters
    ----------
    settings : RoadSettings
        ``path``: a file, a folder of Overpass answers, or a pattern such as ``tiles/*.json``.
    base : pathlib.Path
        Folder that the path is relative to.

    Examples
    --------
    >>> [path.name for path in road_files(RoadSettings(path=Path("a.osm")), base=Path())]
    ['a.osm']
    >>> road_files(RoadSettings(path=Path("none/*.json")), base=Path())
    []
    """
    path = base / settings.path
    if _PATTERN & set(path.name):
        return sorted(path.parent.glob(path.name))
    return sorted(path.glob("*.json")) if path.is_dir() else [path]


def read_roads(settings: RoadSettings, *, base: Path) -> tuple[RawRoads, list[Problem]]:
    """Read the roads of a project.

    Parameters
    ----------
    settings : RoadSettings
        ``path``: .osm.pbf, .osm, .graphml, answers of the Overpass API (.json, a folder of them, or
        a pattern), or a line layer (.gpkg, .shp, .geojson, .parquet).
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
    files = road_files(settings, base=base)
    if not files or not all(file.exists() for file in files):
        raise InputError(fatal("input.missing_file", name=name, value=name))
    if settings.datum == "auto":
        raise CrsError(fatal("road.datum_auto", name=name, value="auto"))
    lower = path.name.lower()
    grid, lines = grid_of(settings), lower.endswith(_LAYERS) and not _holds_osm(path, files)
    if not lines and (settings.towgs84 or not grid.plain):
        raise CrsError(fatal("road.grid_fixed", name=name))
    if lower.endswith(tuple(OSM_SUFFIXES)):
        data = read_osm(path, name=name, gated=settings.gated, ferries=settings.ferries)
        roads, problems = _from_osm(settings, data, name)
    elif _holds_osm(path, files):
        roads, problems = _from_overpass(settings, files, base, name)
    elif lower.endswith(".graphml"):
        roads, problems = read_graphml(
            path, name=name, crs=settings.crs, datum=settings.datum, gated=settings.gated
        )
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


def _holds_osm(path: Path, files: list[Path]) -> bool:
    """Return whether files are answers of the Overpass API."""
    return path not in files or (path.name.lower().endswith(".json") and is_overpass(path))


def _all_walked(roads: RawRoads) -> RawRoads:
    counts = roads.counts | {"segments_walkable": roads.u.size, "nodes_walkable": roads.lon.size}
    everywhere = np.full(roads.u.size, 3, dtype=np.int8)
    return dataclasses.replace(roads, allowed={**roads.allowed, "walk": everywhere}, counts=counts)


def _used_classes(roads: RawRoads) -> list[str]:
    return [roads.class_names[at] for at in np.unique(roads.way_class).tolist()]


def _from_overpass(
    settings: RoadSettings, files: list[Path], base: Path, name: str
) -> tuple[RawRoads, list[Problem]]:
    tiles = [file for file in files if file.is_file() and is_overpass(file)]
    # What is named one by one has to be an answer; a folder may hold others, such as Nominatim's.
    others = [file.relative_to(base).as_posix() for file in files if file not in tiles]
    if not tiles:
        raise InputError(fatal("road.no_roads", name=name))
    streets = read_overpass(
        [(tile, tile.relative_to(base).as_posix()) for tile in tiles], ferries=settings.ferries
    )
    roads, problems = _from_osm(
        settings, roads_of_streets(streets, name=name, gated=settings.gated), name
    )
    problems += [
        Problem(code="osm.not_overpass", severity="note", action="set_aside", file=other)
        for other in others
    ]
    return roads, problems


def _from_osm(settings: RoadSettings, data: OsmData, name: str) -> tuple[RawRoads, list[Problem]]:
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
        grid=grid_of(settings),
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
    chains = Chains(
        lon=points[first, 0], lat=points[first, 1], vertex=vertex, line=line.astype(np.int64)
    )
    levels, found = _levels(frame.iloc[used], settings, name)
    problems += found
    chains, noded = _noded(chains, levels[part_of], settings)
    every = {key: [values[at] for at in part_of.tolist()] for key, values in tags.items()}
    highway = [class_name(value) for value in every["highway"]]
    oneway = oneway_codes(every["oneway"], highway, every["junction"])
    lines = Lines(
        lon=chains.lon,
        lat=chains.lat,
        vertex=chains.vertex,
        line=chains.line,
        highway=highway,
        oneway=oneway,
        rules=way_rules({tag: every[tag] for tag in WAY_TAGS}, gated=settings.gated),
        names=every["name"],
        barred={},
    )
    counts = {
        "rows_in": len(frame),
        "rows_used": int(used.size),
        "rows_without_geometry": int(empty.sum()),
        "rows_not_lines": int(other.sum()),
        "lines_in": int(parts.size),
        **noded,
    }
    roads, unused = roads_of(lines, source=name, counts=counts, merge_repeated=True)
    problems += [
        Problem(code="road.no_length", severity="error", action="set_aside", file=name, row=at + 1)
        for at in used[part_of[unused]].tolist()
    ]
    return roads, problems


def _noded(
    chains: Chains, level: NDArray[np.int64], settings: RoadSettings
) -> tuple[Chains, dict[str, int]]:
    """Make lines touch as the project asks, and count what was done."""
    counts = {}
    if settings.node_crossings:
        chains, counts["crossings_noded"] = node_crossings(chains, level=level)
    if settings.join_m > 0.0:
        chains, counts["ends_joined"] = join_ends(chains, level=level, within_m=settings.join_m)
    return chains, counts


def _levels(
    frame: gpd.GeoDataFrame, settings: RoadSettings, name: str
) -> tuple[NDArray[np.int64], list[Problem]]:
    """Return a number for the level of each row: equal where bridges, tunnels, layers are equal."""
    columns = {str(column).lower(): str(column) for column in frame.columns if column != "geometry"}
    for wanted in settings.level_columns:
        if wanted not in columns.values():
            known = ", ".join(columns.values())
            where = {"column": wanted, "value": wanted, "details": {"known": known}}
            raise InputError(fatal("road.level_column", name=name, **where))
    if not settings.node_crossings and settings.join_m == 0.0:
        return np.zeros(len(frame), dtype=np.int64), []
    chosen = settings.level_columns or [columns[key] for key in STRUCTURE_TAGS if key in columns]
    if not chosen:
        problem = Problem(code="road.no_levels", severity="warning", file=name)
        return np.zeros(len(frame), dtype=np.int64), [problem] * settings.node_crossings
    texts = [[value.lower() for value in _texts(frame[column])] for column in chosen]
    flat = [["" if text in ON_GROUND else text for text in column] for column in texts]
    rows = zip(*flat, strict=True)
    number: dict[tuple[str, ...], int] = {}
    found = [number.setdefault(row, len(number)) for row in rows]
    return np.array(found, dtype=np.int64), []


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
        for tag in (*WAY_TAGS, "name")
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
