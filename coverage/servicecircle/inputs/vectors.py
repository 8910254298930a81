"""One way to read a layer of geometries, whatever its format: its CRS proved, its text decoded.

Everything that leaves here is longitude and latitude on WGS84. Rows are never dropped: a geometry
that cannot be used becomes None and is recorded, and the reader of the layer sets the row aside.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import cast

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyproj import CRS

from servicecircle.datums import to_wgs84
from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.coordinates import (
    WGS84,
    Bounds,
    Floats,
    fatal,
    settle_crs,
    to_wgs84_points,
)
from servicecircle.inputs.datum_layers import Known
from servicecircle.inputs.datum_problems import check_elsewhere, check_order, settle_outlines
from servicecircle.inputs.old_grids import Grid
from servicecircle.inputs.rings import read_features
from servicecircle.inputs.shapefiles import read_shapefile
from servicecircle.inputs.shapes import Geometries
from servicecircle.problems import Problem, nearest_name

__all__ = ["VECTOR_FORMATS", "read_layer", "read_vector", "reader_notes"]

# What the libraries raise for files that are broken in ways they did not think of.
_READING_ERRORS = (
    *(OSError, ValueError, RuntimeError, MemoryError, shapely.errors.ShapelyError),
    *(LookupError, TypeError, AttributeError),
)

VECTOR_FORMATS = {
    ".geojson": "geojson",
    ".json": "geojson",
    ".gpkg": "gdal",
    ".shp": "shapefile",
    ".parquet": "parquet",
    ".geoparquet": "parquet",
}


def read_vector(
    path: Path,
    *,
    name: str,
    layer: str | None = None,
    crs: str | None = None,
    datum: str | None = None,
    encoding: str | None = None,
    grid: Grid | None = None,
    known: Known | None = None,
) -> tuple[gpd.GeoDataFrame, list[Problem]]:
    """Read a layer of geometries into WGS84.

    Parameters
    ----------
    path : pathlib.Path
        GeoJSON, GeoPackage, shapefile or GeoParquet.
    name : str
        The file as the project names it, for messages.
    layer : str, optional
        Layer of a GeoPackage; needed where it holds several.
    crs : str, optional
        Declares the CRS of a file that states none, such as ``"EPSG:4549"``; or a PROJ pipeline
        to longitude and latitude.
    datum : {"wgs84", "cgcs2000", "gcj02", "bd09", "auto"}, optional
        The datum the longitudes and latitudes really are in. The same vertex gives the same
        vertex, so shared borders stay shared; edges stay straight between their vertices.
    encoding : str, optional
        Of a GeoJSON or of the attributes of a shapefile; else strict UTF-8, then strict GB18030.
    grid : Grid, optional
        Swapped axes, parameters of an old datum or of a town's own grid.
    known : Known, optional
        What ``auto`` is tested against; also tells where the project lies.

    Returns
    -------
    layer : geopandas.GeoDataFrame
        RangeIndex, all rows of the file in their order, columns of the file and ``geometry`` in
        EPSG:4326, two-dimensional; None where a row has no usable geometry.
    problems : list of Problem

    Raises
    ------
    InputError
        If the file is missing, broken, empty or of an unknown format.
    CrsError
        If the CRS is missing, contradicts the declared one, or contradicts the coordinates; if
        ``auto`` does not single a datum out.

    Examples
    --------
    >>> read_vector(Path("nowhere.gpkg"), name="nowhere.gpkg")
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: nowhere.gpkg: file not found: nowhere.gpkg
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    if not path.is_file():
        raise InputError(fatal("input.missing_file", name=name, value=name))
    if datum == "auto" and known is None:
        raise CrsError(fatal("vector.datum_auto", name=name, value="auto"))
    kind = VECTOR_FORMATS.get(path.suffix.lower())
    if kind is None:
        formats: dict[str, object] = {"known": ", ".join(VECTOR_FORMATS)}
        raise InputError(
            fatal("vector.unknown_format", name=name, value=path.suffix, details=formats)
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frame, stated, problems = read_layer(path, name=name, layer=layer, encoding=encoding)
    problems += reader_notes(caught, name=name)
    geometries: Geometries = (
        np.asarray(shapely.force_2d(frame.geometry.to_numpy()), dtype=object)
        if isinstance(frame, gpd.GeoDataFrame)
        else np.full(len(frame), None, dtype=object)
    )
    geometries, found = _without_infinite(geometries, name)
    problems += found
    if bool(np.all(shapely.is_missing(geometries) | shapely.is_empty(geometries))):
        raise InputError(fatal("input.empty_layer", name=name))
    grid, area = grid or Grid(), None if known is None else known.bounds()
    if not grid.plain:
        geometries = _each(geometries, lambda x, y: grid.apply(x, y, name=name))
    if grid.pipeline:
        settled = WGS84
    else:
        settled = settle_crs(
            # What a file says of itself does not hold for a grid that the project describes.
            stated if grid.local is None else None,
            crs,
            name=name,
            bounds=cast(Bounds, tuple(float(value) for value in shapely.total_bounds(geometries))),
            default=WGS84 if kind == "geojson" else None,
            towgs84=grid.towgs84,
            area=area,
        )
    used = None if datum == "auto" else datum
    moved = _each(
        geometries, lambda x, y: to_wgs84_points(x, y, crs=settled, datum=used, name=name)
    )
    if area is not None:
        check_order(moved, area=area, name=name)
        if crs is not None:
            check_elsewhere(moved, area=area, declared=settled.name, name=name)
    if datum == "auto" and known is not None:
        attributes = frame.drop(columns="geometry", errors="ignore")
        detected, found = settle_outlines(moved, attributes=attributes, known=known, name=name)
        problems += found
        moved = _each(moved, lambda x, y: to_wgs84(x, y, datum=detected))
    columns = frame.drop(columns="geometry", errors="ignore").reset_index(drop=True)
    return gpd.GeoDataFrame(columns, geometry=moved, crs=WGS84), problems


def _each(
    geometries: Geometries, place: Callable[[Floats, Floats], tuple[Floats, Floats]]
) -> Geometries:
    """Move every vertex; the same vertex gives the same one."""
    with np.errstate(invalid="ignore"):  # a point of NaN stays one
        moved = shapely.transform(
            geometries, lambda points: np.column_stack(place(points[:, 0], points[:, 1]))
        )
    return np.asarray(moved, dtype=object)


def read_layer(
    path: Path, *, name: str, layer: str | None = None, encoding: str | None = None
) -> tuple[pd.DataFrame, CRS | None, list[Problem]]:
    """Read a layer as its file holds it: its text decoded strictly, its coordinates untouched.

    Parameters
    ----------
    path : pathlib.Path
        A file that is there, with one of the endings of :data:`VECTOR_FORMATS`.
    name : str
        The file as the project names it, for messages.
    layer : str, optional
        Layer of a GeoPackage; needed where it holds several.
    encoding : str, optional
        Of a GeoJSON or of the attributes of a shapefile; else strict UTF-8, then strict GB18030.

    Returns
    -------
    layer : pandas.DataFrame
        A GeoDataFrame in the file's own coordinates where it holds geometries.
    crs : pyproj.CRS or None
        What the file states; None for a GeoJSON without a ``crs`` member.
    problems : list of Problem

    Raises
    ------
    InputError
        If the file is broken, its text cannot be decoded, or its layer has to be named.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "cut.geojson"
    ...     _ = path.write_text('{"type": "FeatureCollection"')
    ...     read_layer(path, name="cut.geojson")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: cut.geojson row 1: the JSON breaks at line 1, character 29...
    """
    kind = VECTOR_FORMATS[path.suffix.lower()]
    try:
        if kind == "geojson":
            return _read_geojson(path, name, encoding)
        if kind == "shapefile":
            return read_shapefile(path, name=name, encoding=encoding)
        if kind == "parquet":
            return _read_parquet(path)
        chosen = _choose_layer(path, name, layer)
        frame, problems = read_features(path, name=name, layer=chosen)
    except InputError:
        raise
    except _READING_ERRORS as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            fatal("input.unreadable", name=name, value=name, details={"reason": reason})
        ) from None
    return frame, getattr(frame, "crs", None), problems


def _read_parquet(path: Path) -> tuple[pd.DataFrame, CRS | None, list[Problem]]:
    frame = gpd.read_parquet(path)
    return frame, getattr(frame, "crs", None), []


def reader_notes(caught: Iterable[warnings.WarningMessage], *, name: str) -> list[Problem]:
    """Return what libraries said while reading, as notes.

    Examples
    --------
    >>> reader_notes([], name="a.shp")
    []
    """
    return [
        Problem(code="vector.reader_note", severity="note", file=name, value=str(item.message))
        for item in caught
        if not issubclass(item.category, ResourceWarning | DeprecationWarning)
    ]


def _choose_layer(path: Path, name: str, layer: str | None) -> str | None:
    layers = [str(item) for item, shape in pyogrio.list_layers(path) if shape is not None]
    if layer is not None:
        if layer in layers:
            return layer
        raise InputError(
            fatal(
                "vector.no_such_layer",
                name=name,
                value=layer,
                details={"known": ", ".join(layers), "near": nearest_name(layer, layers)},
            )
        )
    if len(layers) > 1:
        raise InputError(fatal("vector.several_layers", name=name, value=", ".join(layers)))
    return layers[0] if layers else None


def _read_geojson(
    path: Path, name: str, encoding: str | None
) -> tuple[pd.DataFrame, CRS | None, list[Problem]]:
    raw = path.read_bytes()
    text, used = None, ""
    for used in (encoding,) if encoding else ("utf-8-sig", "gb18030"):
        try:
            text = raw.decode(used)
            break
        except (UnicodeDecodeError, LookupError):
            continue
    if text is None:
        raise InputError(fatal("vector.encoding", name=name, value=encoding or "UTF-8, GB18030"))
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        # The fault of a file that was cut off lies behind its last character.
        before = text[: error.pos].rsplit("\n", 1)[-1][-20:]
        near = (before + text[error.pos :].partition("\n")[0][:20]).strip() or "–"
        raise InputError(
            fatal(
                "vector.bad_json",
                name=name,
                row=error.lineno,
                value=near,
                details={"position": error.colno, "reason": error.msg},
            )
        ) from None
    frame, problems = read_features(text.encode(), name=name)
    # GDAL says WGS84 for a file that says nothing; only a `crs` member is a statement.
    silent = isinstance(data, dict) and data.get("crs") is None and "spatialReference" not in data
    if encoding is None and used == "gb18030":
        problems.append(
            Problem(code="vector.encoding_guessed", severity="note", file=name, value="GB18030")
        )
    return frame, None if silent else getattr(frame, "crs", None), problems


def _without_infinite(geometries: Geometries, name: str) -> tuple[Geometries, list[Problem]]:
    points, owner = shapely.get_coordinates(geometries, return_index=True)
    bad = np.unique(owner[~np.isfinite(points).all(axis=1)])
    if not len(bad):
        return geometries, []
    kept = geometries.copy()
    kept[bad] = None
    return kept, [
        Problem(
            code="vector.not_finite",
            severity="error",
            action="set_aside",
            file=name,
            row=int(row) + 1,
        )
        for row in bad
    ]
