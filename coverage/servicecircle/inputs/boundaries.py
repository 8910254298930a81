"""Units of one level, and named scopes, from boundary files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.changed_units import renew_rows
from servicecircle.inputs.changes import NO_CHANGES, Changes
from servicecircle.inputs.coordinates import WGS84, fatal
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.nesting import link_parents
from servicecircle.inputs.old_grids import grid_of
from servicecircle.inputs.osm_extract import OsmFiles
from servicecircle.inputs.osm_features import admin_boundaries
from servicecircle.inputs.unit_columns import (
    NUMBERS,
    choose_columns,
    code_cells,
    missing_column,
    number_cells,
    text_cells,
)
from servicecircle.inputs.unit_rows import identify, mend, unite_codes, validity, years_built
from servicecircle.inputs.unit_types import unit_types, urban_by_type
from servicecircle.inputs.vectors import read_vector
from servicecircle.problems import Problem
from servicecircle.project import BoundarySettings

__all__ = ["UNIT_TABLE", "link_parents", "read_boundaries", "read_scope", "read_unit_rows"]

UNIT_TABLE = (
    "unit_id",
    "code",
    "name",
    "level",
    "type",
    "parent_id",
    "parent_hint",
    "parent_name",
    "should_have",
    "is_urban",
    "population",
    "elderly",
    "households",
    "floor_area_m2",
    "built",
    "basis",
    "age_from",
    "valid_from",
    "valid_to",
)

_TEXTS = (
    *("unit_id", "code", "name", "level", "type", "parent_id", "parent_hint", "parent_name"),
    "basis",
)


def read_boundaries(
    settings: BoundarySettings,
    *,
    level: str,
    base: Path,
    changes: Changes = NO_CHANGES,
    as_of: dt.date | None = None,
    known: Known | None = None,
    osm: OsmFiles | None = None,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the units of one level.

    Parameters
    ----------
    settings : BoundarySettings
        Path (GeoJSON, GeoPackage, shapefile, GeoParquet, .osm, .osm.pbf), CRS, columns.
    level : str
        province, prefecture, county, township or village_level, or one of units to be drawn.
    base : pathlib.Path
        Folder that the path is relative to.
    changes : Changes
        What became of units; outlines older than ``as_of`` follow it.
    as_of : datetime.date, optional
        Only units valid at this date are taken, where the file says when they are.
    known : Known, optional
        What is known of the area, for ``datum = "auto"``.
    osm : OsmFiles, optional
        Where an OpenStreetMap file is read for several layers at once.

    Returns
    -------
    units : geopandas.GeoDataFrame
        EPSG:4326, RangeIndex; columns unit_id, code, name, level, type, parent_id (empty, see
        :func:`link_parents`), parent_hint, should_have, is_urban, population, elderly,
        households and floor_area_m2 (NaN where not given), built (year, NA unknown), basis (""
        where not stated), age_from (years), valid_from, valid_to (dates, NaT without limit),
        geometry (valid polygons).
    problems : list of Problem
        Rows set aside, outlines mended, codes twice, bad numbers.

    Raises
    ------
    InputError
        If the file cannot be read, a declared column is missing or no row is usable.
    CrsError
        If the CRS is missing or contradicted.

    Examples
    --------
    >>> read_boundaries(
    ...     BoundarySettings(path=Path("towns.osm.pbf")), level="township", base=Path()
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: towns.osm.pbf: boundaries from OSM data need admin_level...
    """
    units, problems = read_unit_rows(
        settings, level=level, base=base, changes=changes, as_of=as_of, known=known, osm=osm
    )
    return units.drop(columns="row"), problems


def read_unit_rows(
    settings: BoundarySettings,
    *,
    level: str,
    base: Path,
    changes: Changes = NO_CHANGES,
    as_of: dt.date | None = None,
    known: Known | None = None,
    osm: OsmFiles | None = None,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the units of one level, and where each stands in its file.

    Parameters and errors are those of :func:`read_boundaries`.

    Returns
    -------
    units : geopandas.GeoDataFrame
        As :func:`read_boundaries`, with the column ``row``: the number of the unit's row, of the
        first where several became one.
    problems : list of Problem
    """
    name = settings.path.as_posix()
    frame, problems = _read_layer(settings, base=base, known=known, osm=osm)
    names = [str(column) for column in frame.columns if column != "geometry"]
    chosen, found = choose_columns(names, level=level, declared=settings.columns, name=name)
    problems += found
    faults = [
        missing_column(column, names, name=name)
        for column in (*settings.should_have_not, *settings.urban)
        if column not in names
    ]
    if faults:
        raise InputError(faults)

    rows = len(frame)
    blank = np.full(rows, "", dtype=object)
    table = pd.DataFrame(
        {
            "row": np.arange(1, rows + 1),
            "code": code_cells(frame[chosen["code"][0]]) if "code" in chosen else blank,
            "name": text_cells(frame[chosen["name"][0]]) if "name" in chosen else blank,
            "level": level,
            "parent_hint": code_cells(frame[chosen["parent"][0]]) if "parent" in chosen else blank,
            "parent_name": text_cells(frame[chosen["parent_name"][0]])
            if "parent_name" in chosen
            else blank,
        }
    )
    times, found = validity(frame, chosen, name)
    problems += found
    table = table.assign(**times)
    if changes and as_of is not None:
        table, found = renew_rows(
            table, changes, level=level, since=settings.date, as_of=as_of, name=name
        )
        problems += found
    should_have, found = _flagged(frame, settings.should_have_not, name)
    problems += found
    table["should_have"] = ~should_have
    given = text_cells(frame[chosen["type"][0]]) if "type" in chosen else blank
    table["type"] = unit_types(given, table, level, settings.default_type)
    urban, found = _flagged(frame, settings.urban, name)
    problems += found
    table["is_urban"] = urban if settings.urban else urban_by_type(table["type"])
    table["is_urban"] = table["is_urban"].astype("boolean")
    for key in NUMBERS:
        values = np.zeros(rows) if key in chosen else np.full(rows, np.nan)
        for column in chosen.get(key, ()):
            part, bad = number_cells(frame[column])
            values = values + part
            problems += [
                _bad_number(frame[column], at, name) for at in np.flatnonzero(bad).tolist()
            ]
        table[key] = values
    table["built"], found = years_built(frame, chosen, name)
    problems += found
    found = _cut_elderly(table, name)
    problems += found

    geometry, keep, found = mend(frame.geometry.to_numpy(), _called(table), name)
    problems += found
    valid, found = _valid_at(table, as_of, name)
    problems += found
    keep &= valid
    units = gpd.GeoDataFrame(table, geometry=geometry, crs=WGS84)[keep].reset_index(drop=True)
    if units.empty:
        raise InputError([fatal("input.empty_layer", name=name), *problems])
    units, found = unite_codes(units, name)
    problems += found
    units, found = identify(units, level, name)
    problems += found
    units["parent_id"] = ""
    for column in _TEXTS:
        units[column] = units[column].astype("str")
    return units[[*UNIT_TABLE, "row", "geometry"]], problems


def read_scope(
    settings: BoundarySettings, *, scope: str, base: Path, known: Known | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read the polygons of a named scope such as ``main_urban_area``.

    Parameters
    ----------
    settings : BoundarySettings
    scope : str
    base : pathlib.Path
        Folder that the path is relative to.

    Returns
    -------
    scope : geopandas.GeoDataFrame
        EPSG:4326, RangeIndex, one row per polygon of the file; columns scope, name ("" where the
        file has none), geometry (valid polygons). They are not dissolved.
    problems : list of Problem

    Raises
    ------
    InputError, CrsError
        As :func:`read_boundaries`.

    Examples
    --------
    >>> read_scope(
    ...     BoundarySettings(path=Path("none.gpkg")), scope="main_urban_area", base=Path()
    ... )  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: none.gpkg: file not found: none.gpkg...
    """
    name = settings.path.as_posix()
    frame, problems = _read_layer(settings, base=base, known=known)
    names = [str(column) for column in frame.columns if column != "geometry"]
    try:
        chosen, _ = choose_columns(names, level="", declared=settings.columns, name=name)
    except InputError:
        if settings.columns:
            raise
        chosen = {}
    labels = (
        text_cells(frame[chosen["name"][0]])
        if "name" in chosen
        else np.full(len(frame), "", dtype=object)
    )
    geometry, keep, found = mend(frame.geometry.to_numpy(), labels, name)
    problems += found
    if not keep.any():
        raise InputError([fatal("input.empty_layer", name=name), *problems])
    table = pd.DataFrame({"scope": scope, "name": labels}).astype("str")
    polygons = gpd.GeoDataFrame(table, geometry=geometry, crs=WGS84)
    return polygons[keep].reset_index(drop=True), problems


def _read_layer(
    settings: BoundarySettings, *, base: Path, known: Known | None, osm: OsmFiles | None = None
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    name = settings.path.as_posix()
    if not name.lower().endswith((".osm", ".osm.pbf", ".pbf")):
        return read_vector(
            base / settings.path,
            name=name,
            layer=settings.layer,
            crs=settings.crs,
            datum=settings.datum,
            encoding=settings.encoding,
            grid=grid_of(settings),
            known=known,
        )
    if settings.admin_level is None:
        raise InputError(fatal("unit.admin_level_missing", name=name))
    return admin_boundaries(
        base / settings.path, admin_level=settings.admin_level, name=name, files=osm
    )


def _called(table: pd.DataFrame) -> Sequence[str]:
    return [name or code for name, code in zip(table["name"], table["code"], strict=True)]


def _flagged(
    frame: pd.DataFrame, choice: dict[str, list[str]], name: str
) -> tuple[NDArray[np.bool_], list[Problem]]:
    """Return the rows whose cells hold one of the values chosen."""
    flagged = np.zeros(len(frame), dtype=bool)
    problems = []
    for column, values in choice.items():
        cells = text_cells(frame[column])
        flagged |= np.isin(cells.astype(str), values)
        present = sorted(set(cells.tolist()))
        problems += [
            Problem(
                code="unit.value_unused",
                severity="warning",
                file=name,
                column=column,
                value=value,
                details={"known": ", ".join(present[:20])},
            )
            for value in values
            if value not in present
        ]
    return flagged, problems


def _valid_at(
    table: pd.DataFrame, as_of: dt.date | None, name: str
) -> tuple[NDArray[np.bool_], list[Problem]]:
    """Return which rows are valid at a date: from their first day on, before their last."""
    if as_of is None:
        return np.ones(len(table), dtype=bool), []
    day = pd.Timestamp(as_of)
    start, end = table["valid_from"], table["valid_to"]
    valid = ((start.isna() | (start <= day)) & (end.isna() | (end > day))).to_numpy(dtype=bool)
    called = _called(table)
    problems = [
        Problem(
            code="unit.not_valid",
            severity="note",
            action="set_aside",
            file=name,
            row=int(table["row"].iloc[at]),
            value=called[at],
            details={
                "as_of": as_of.isoformat(),
                "valid_from": "–" if pd.isna(start.iloc[at]) else f"{start.iloc[at]:%Y-%m-%d}",
                "valid_to": "–" if pd.isna(end.iloc[at]) else f"{end.iloc[at]:%Y-%m-%d}",
            },
        )
        for at in np.flatnonzero(~valid).tolist()
    ]
    return valid, problems


def _bad_number(cells: pd.Series, at: int, name: str) -> Problem:
    return Problem(
        code="unit.bad_number",
        severity="warning",
        action="flagged",
        file=name,
        row=int(at) + 1,
        column=str(cells.name),
        value=str(cells.iloc[at]),
    )


def _cut_elderly(table: pd.DataFrame, name: str) -> list[Problem]:
    """Cut the elderly to the people, in place, and say where."""
    over = np.flatnonzero((table["elderly"] > table["population"]).to_numpy()).tolist()
    called = _called(table)
    problems = [
        Problem(
            code="unit.elderly_above_population",
            severity="warning",
            action="mended",
            file=name,
            row=int(table["row"].iloc[at]),
            column="elderly",
            value=f"{table['elderly'].iloc[at]:g}",
            details={"unit": called[at], "population": f"{table['population'].iloc[at]:g}"},
        )
        for at in over
    ]
    table.loc[table.index[over], "elderly"] = table["population"].iloc[over]
    return problems
