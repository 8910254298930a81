"""Facilities as their file holds them: cells as text, places in the file's own coordinates."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs import osm_features
from servicecircle.inputs.columns import Columns, match_columns, normalise_title
from servicecircle.inputs.coordinates import WGS84, settle_crs
from servicecircle.inputs.grids import cell_text, stop
from servicecircle.inputs.old_grids import is_pipeline
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.shapes import polygons_only
from servicecircle.inputs.tables import read_table
from servicecircle.inputs.text_columns import joined, text_objects
from servicecircle.inputs.values import coordinates, empty_cells, pairs
from servicecircle.inputs.vectors import VECTOR_FORMATS, read_layer, reader_notes
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["RawFacilities", "read_raw"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_OSM = (".osm", ".pbf")
_LINE_TYPES = (1, 2, 5, 7)
"""Geometries that say no place: lines, rings and collections, by their type in shapely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RawFacilities:
    """The rows of a facility file.

    Parameters
    ----------
    frame : pandas.DataFrame
        All cells as str; titles of the file as columns.
    rows : sequence of int or None, length n
        Row numbers for messages; None where the format has none.
    rows_in : int
        Rows of the file, those set aside while reading included.
    sheet : str
    columns : Columns
        Our columns and their titles.
    x, y : numpy.ndarray of float, shape (n,)
        Longitude first, in the file's coordinates; NaN where there is no readable place.
    given : numpy.ndarray of str, shape (n,)
        The place as given, "" where nothing is.
    place : str
        Title of the columns of the place, "" where the file has none.
    crs : pyproj.CRS or None
        None where neither the file nor the project states one.
    datum : str
        What the statement of the file or ``crs`` of the project implies, "" where there is none.
    problems : list of Problem
    """

    frame: pd.DataFrame
    rows: list[int | None]
    rows_in: int
    columns: Columns
    x: Floats
    y: Floats
    given: NDArray[np.object_]
    place: str
    crs: CRS | None = None
    datum: str = ""
    sheet: str = ""
    problems: list[Problem] = field(default_factory=list)


def read_raw(
    settings: FacilitySettings,
    *,
    base: Path,
    selectors: tuple[str, ...] | OsmSource = (),
    titles: Mapping[str, Sequence[str]] | None = None,
) -> RawFacilities:
    """Read the file of a facility layer, whatever its format.

    Parameters
    ----------
    settings : FacilitySettings
    base : pathlib.Path
        Folder of the project file.
    selectors : tuple of str or OsmSource
        OpenStreetMap tag selectors of the layer.
    titles : mapping, optional
        Our column → further titles that the project knows.

    Raises
    ------
    InputError
        If the file is missing or broken, or the project names columns that it does not have.
    CrsError
        If its CRS is unknown or contradicts the declared one.

    Examples
    --------
    >>> read_raw(FacilitySettings(path=Path("nowhere.csv")), base=Path())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.csv: file not found: nowhere.csv
    ...
    """
    path = base / settings.path
    name = settings.path.as_posix()
    if not path.is_file():
        raise stop("input.missing_file", file=name, value=name)
    suffix = path.suffix.lower()
    if suffix in _OSM:
        source = selectors if isinstance(selectors, OsmSource) else OsmSource(selectors=selectors)
        return _from_osm(settings, path, name, source)
    if suffix in VECTOR_FORMATS:
        return _from_vector(settings, path, name, titles or {})
    return _from_table(settings, path, name, titles or {})


def _match(
    settings: FacilitySettings,
    titles: list[str],
    more: Mapping[str, Sequence[str]],
    file: str,
    sheet: str,
) -> Columns:
    """Match the titles, and report the columns of ``capacity_sum`` that are not there as well."""
    faults: list[Problem] = []
    try:
        columns = match_columns(
            titles,
            given=settings.columns,
            file=file,
            sheet=sheet,
            datum=settings.datum,
            unit_level=settings.unit_level,
            more=more,
        )
    except InputError as error:
        faults += error.problems
    present = {normalise_title(title) for title in titles}
    for title in settings.capacity_sum:
        if normalise_title(title) not in present:
            known: dict[str, object] = {"known": ", ".join(titles)}
            faults.append(
                Problem(
                    code="facility.sum_column",
                    severity="fatal",
                    file=file,
                    sheet=sheet,
                    column="capacity_sum",
                    value=title,
                    action="stopped",
                    details=known,
                )
            )
    if faults:
        raise InputError(faults)
    return columns


def _declared(
    settings: FacilitySettings, stated: CRS | None, name: str, x: Floats, y: Floats
) -> tuple[CRS | None, str]:
    """Return the CRS that the file or the project states, and the datum it implies."""
    if stated is None and settings.crs is None:
        return None, ""
    good = np.isfinite(x) & np.isfinite(y)
    if good.any():
        bounds = (
            float(x[good].min()),
            float(y[good].min()),
            float(x[good].max()),
            float(y[good].max()),
        )
    else:
        bounds = (0.0, 0.0, 0.0, 0.0)
    if is_pipeline(settings.crs):
        return WGS84, "wgs84"
    stated = None if settings.local_grid is not None else stated
    crs = settle_crs(stated, settings.crs, name=name, bounds=bounds, towgs84=settings.towgs84)
    geodetic = crs.geodetic_crs
    label = "" if geodetic is None else geodetic.name.lower()
    return crs, "cgcs2000" if "2000" in label and "china" in label + crs.name.lower() else "wgs84"


def _from_table(
    settings: FacilitySettings, path: Path, name: str, more: Mapping[str, Sequence[str]]
) -> RawFacilities:
    wanted = [*settings.columns.values(), *settings.capacity_sum]
    wanted += [title for titles in more.values() for title in titles]
    table = read_table(
        path,
        name=name,
        sheet=settings.sheet,
        encoding=settings.encoding,
        titles=wanted,
        max_bytes=int(settings.max_unpacked_mb * 1e6),
    )
    frame = table.frame
    columns = _match(settings, [str(title) for title in frame.columns], more, name, table.sheet)
    titles = columns.columns
    x, y = np.full(len(frame), np.nan), np.full(len(frame), np.nan)
    given = np.full(len(frame), "", dtype=object)
    place = ""
    for one, other in (("lon", "lat"), ("x", "y")):
        if one in titles and other in titles:
            place = f"{titles[one]}, {titles[other]}"
            x, _ = coordinates(frame[titles[one]])
            y, _ = coordinates(frame[titles[other]])
            given = _pairs_as_given(frame[titles[one]], frame[titles[other]])
        elif one in titles or other in titles:
            raise stop(
                "facility.half_place",
                file=name,
                sheet=table.sheet,
                value=titles.get(one) or titles[other],
                missing=other if one in titles else one,
                known=", ".join(str(title) for title in frame.columns),
            )
    for column in ("lonlat", "latlon"):
        if column in titles:
            place = titles[column]
            x, y, _ = pairs(frame[place], latitude_first=column == "latlon")
            given = text_objects(frame[place])
            given[empty_cells(given)] = ""
    crs, datum = _declared(settings, None, name, x, y)
    return RawFacilities(
        frame=frame,
        rows=table.rows.tolist(),
        rows_in=table.rows_in,
        columns=columns,
        x=x,
        y=y,
        given=given,
        place=place,
        crs=crs,
        datum=datum,
        sheet=table.sheet,
        problems=[*table.problems, *columns.problems],
    )


def _pairs_as_given(ones: pd.Series[str], others: pd.Series[str]) -> NDArray[np.object_]:
    given = text_objects(joined(ones, others, between=", "))
    given[empty_cells(ones) & empty_cells(others)] = ""
    return given


def _as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the attributes of features as text: 3.0 as ``3``, nothing as ``""``."""
    columns = {}
    for title in frame.columns:
        values = frame[title]
        missing = values.isna().to_numpy()
        if pd.api.types.is_datetime64_any_dtype(values):
            items: list[object] = [item.to_pydatetime() if item == item else "" for item in values]  # noqa: PLR0124 - NaT
        else:
            items = values.tolist()
        columns[str(title)] = pd.array(
            [
                "" if gone else _item_text(item).strip()
                for item, gone in zip(items, missing, strict=True)
            ],
            dtype="str",
        )
    return pd.DataFrame(columns, index=pd.RangeIndex(len(frame)))


def _item_text(item: object) -> str:
    if isinstance(item, dict | list | tuple | np.ndarray):
        plain = item.tolist() if isinstance(item, np.ndarray) else item
        return json.dumps(plain, ensure_ascii=False, sort_keys=True, default=str)
    return cell_text(item)


def _from_vector(
    settings: FacilitySettings, path: Path, name: str, more: Mapping[str, Sequence[str]]
) -> RawFacilities:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            source, stated, problems = read_layer(
                path, name=name, layer=settings.layer, encoding=settings.encoding
            )
        except shapely.errors.ShapelyError as error:
            reason = (str(error).splitlines() or [""])[0]
            raise stop("input.unreadable", file=name, value=name, reason=reason) from None
    problems += reader_notes(caught, name=name)
    geometry = (
        np.asarray(source.geometry.to_numpy(), dtype=object)
        if isinstance(source, gpd.GeoDataFrame)
        else np.full(len(source), None, dtype=object)
    )
    frame = _as_text(source.drop(columns="geometry", errors="ignore"))
    columns = _match(settings, list(frame.columns), more, name, "")
    x, y, given = _inside(geometry)
    crs, datum = _declared(settings, stated, name, x, y)
    return RawFacilities(
        frame=frame,
        rows=list(range(1, len(frame) + 1)),
        rows_in=len(frame),
        columns=_without_place(columns),
        x=x,
        y=y,
        given=given,
        place="geometry",
        crs=crs,
        datum=datum,
        problems=[*problems, *columns.problems],
    )


def _without_place(columns: Columns) -> Columns:
    """Leave attributes that repeat the place attributes: the geometry is the place."""
    places = ("lon", "lat", "lonlat", "latlon", "x", "y")
    repeated = tuple(columns.columns[column] for column in places if column in columns.columns)
    kept = {ours: title for ours, title in columns.columns.items() if ours not in places}
    return Columns(kept, (*columns.unmapped, *repeated), "", columns.problems)


def _inside(geometry: NDArray[np.object_]) -> tuple[Floats, Floats, NDArray[np.object_]]:
    """Return a point of each geometry (of a polygon one inside it) and what was given."""
    kinds = shapely.get_type_id(geometry)
    usable = ~shapely.is_missing(geometry) & ~shapely.is_empty(geometry)
    given = np.full(len(geometry), "", dtype=object)
    x, y = np.full(len(geometry), np.nan), np.full(len(geometry), np.nan)
    for at in np.flatnonzero(usable & np.isin(kinds, _LINE_TYPES)):
        given[at] = str(geometry[at].geom_type)
    point = usable & (kinds == 0)
    x[point], y[point] = shapely.get_x(geometry[point]), shapely.get_y(geometry[point])
    many = np.flatnonzero(usable & ~point & ~np.isin(kinds, _LINE_TYPES))
    finite = np.array(
        [bool(np.isfinite(shapely.get_coordinates(geometry[at])).all()) for at in many], dtype=bool
    )
    given[many[~finite]] = "inf"
    many = many[finite]
    shapes = shapely.force_2d(geometry[many])
    areas = np.isin(kinds[many], (3, 6))
    shapes[areas] = polygons_only(shapes[areas])
    inside = shapely.point_on_surface(shapes)
    x[many], y[many] = shapely.get_x(inside), shapely.get_y(inside)
    shown = point | np.isin(np.arange(len(geometry)), many)
    given[shown] = [
        f"{one:.10g}, {other:.10g}" for one, other in zip(x[shown], y[shown], strict=True)
    ]
    return x, y, given


def _from_osm(
    settings: FacilitySettings, path: Path, name: str, source: OsmSource
) -> RawFacilities:
    selectors = (*source.selectors, *settings.osm)
    if not selectors:
        raise stop("facility.no_selectors", file=name)
    if settings.datum not in (None, "wgs84"):
        fault = Problem(
            code="facility.osm_datum",
            severity="fatal",
            file=name,
            value=str(settings.datum),
            action="stopped",
        )
        raise CrsError(fault)
    found, problems = osm_features.tagged_facilities(
        path, selectors=selectors, name=name, files=source.files
    )
    tags = [json.loads(text) for text in found["tags"]]
    keys = sorted({key for item in tags for key in item} - {"@id"})
    cells = {"@id": found["osm_id"].tolist()}
    cells |= {key: [str(item.get(key, "")) for item in tags] for key in keys}
    # The reader falls back on other languages where a feature has no plain name.
    cells["name"] = found["name"].tolist()
    frame = pd.DataFrame(
        {key: pd.array(values, dtype="str") for key, values in cells.items()},
        index=pd.RangeIndex(len(found)),
    )
    ours = {
        "code": "@id",
        "name": "name",
        "address": "addr:full",
        "capacity": next((key for key in ("capacity", "capacity:beds", "beds") if key in keys), ""),
        "opened": "start_date",
    }
    ours |= settings.columns
    mapped = {column: title for column, title in ours.items() if title in frame.columns}
    columns = Columns(
        columns=mapped,
        unmapped=tuple(key for key in frame.columns if key not in mapped.values()),
        datum="",
        problems=(),
    )
    geometry = np.asarray(found.geometry.to_numpy(), dtype=object)
    x, y, given = _inside(geometry)
    aside = sum(problem.action == "set_aside" for problem in problems)
    return RawFacilities(
        frame=frame,
        rows=[None] * len(frame),
        rows_in=len(frame) + aside,
        columns=columns,
        x=x,
        y=y,
        given=given,
        place="geometry",
        crs=WGS84,
        datum="wgs84",
        problems=list(problems),
    )
