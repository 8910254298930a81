"""Facilities of layers of features, and of OpenStreetMap files, as rows of text with a place."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.errors import CrsError
from servicecircle.inputs import osm_features
from servicecircle.inputs.columns import Columns
from servicecircle.inputs.coordinates import WGS84
from servicecircle.inputs.grids import cell_text, stop
from servicecircle.inputs.osm_extract import OsmSource
from servicecircle.inputs.raw_facilities import RawFacilities, declared_crs, matched_titles
from servicecircle.inputs.shapes import polygons_only
from servicecircle.inputs.vectors import read_layer, reader_notes
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["features_of_layer", "features_of_osm"]

Floats = NDArray[np.float64]

_LINE_TYPES = (1, 2, 5, 7)
"""Geometries that say no place: lines, rings and collections, by their type in shapely."""


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


def features_of_layer(
    settings: FacilitySettings,
    path: Path,
    name: str,
    more: Mapping[str, Sequence[str]],
    *,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> RawFacilities:
    """Read a layer of features; a polygon's place is a point inside it.

    Parameters
    ----------
    settings : FacilitySettings
    path : pathlib.Path
    name : str
        Of the file, for messages.
    more : mapping
        Our column → further titles that the project knows.
    attributes : mapping, optional
        Attribute → titles it comes under.

    Raises
    ------
    InputError
        If the file is broken, or the project names columns that it does not have.
    CrsError
        If its CRS is unknown or contradicts the declared one.

    Examples
    --------
    >>> import tempfile
    >>> place = '{"type": "Point", "coordinates": [120.5, 30.5]}'
    >>> row = '{"type": "Feature", "properties": {"名称": "甲"}, "geometry": %s}' % place
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "homes.geojson"
    ...     _ = path.write_text('{"type": "FeatureCollection", "features": [%s]}' % row, "utf-8")
    ...     raw = features_of_layer(FacilitySettings(path=path), path, "homes.geojson", {})
    >>> raw.frame["名称"].tolist(), raw.x.tolist(), raw.given.tolist()
    (['甲'], [120.5], ['120.5, 30.5'])
    """
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
    columns = matched_titles(settings, list(frame.columns), more, name, "", attributes=attributes)
    x, y, given = _inside(geometry)
    crs, datum = declared_crs(settings, stated, name, x, y)
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
        doors=_doors(geometry, x),
    )


def _without_place(columns: Columns) -> Columns:
    """Leave attributes that repeat the place attributes: the geometry is the place."""
    places = ("lon", "lat", "lonlat", "latlon", "x", "y")
    repeated = tuple(columns.columns[column] for column in places if column in columns.columns)
    kept = {ours: title for ours, title in columns.columns.items() if ours not in places}
    return Columns(kept, (*columns.unmapped, *repeated), "", columns.problems)


def _doors(geometry: NDArray[np.object_], x: Floats) -> NDArray[np.object_]:
    """Return the outlines of polygons and the points of which there are several, else None."""
    doors = np.full(len(geometry), None, dtype=object)
    kinds = shapely.get_type_id(geometry)
    areas = np.isin(kinds, (3, 6)) & np.isfinite(x)
    doors[areas] = polygons_only(shapely.force_2d(geometry[areas]))
    several = (kinds == 4) & np.isfinite(x) & (shapely.get_num_geometries(geometry) > 1)  # noqa: PLR2004 - MultiPoint
    doors[several] = geometry[several]
    return doors


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


def features_of_osm(
    settings: FacilitySettings,
    path: Path,
    name: str,
    source: OsmSource,
    *,
    attributes: Mapping[str, Sequence[str]] | None = None,
) -> RawFacilities:
    """Read the features with given tags from an OpenStreetMap file.

    Parameters
    ----------
    settings : FacilitySettings
    path : pathlib.Path
    name : str
        Of the file, for messages.
    source : OsmSource
        With the tag selectors of the layer; those of the project come on top.
    attributes : mapping, optional
        Attributes that are read; of tags only ``operator:type`` is known as one.

    Raises
    ------
    InputError
        If there are no selectors, or the file is broken.
    CrsError
        If the project declares another datum than WGS84.

    Examples
    --------
    >>> path = Path("a.osm")
    >>> features_of_osm(FacilitySettings(path=path), path, "a.osm", OsmSource())
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: a.osm: ...
    """
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
    if "operator" in (attributes or {}):
        # The tag "operator" holds a name.
        ours["operator"] = "operator:type"
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
        doors=np.asarray(found["doors"].to_numpy(), dtype=object),
    )
