"""Where facilities are entered: outlines of polygons, and entrances by a table or as points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.crs import transformer
from servicecircle.datums import to_wgs84
from servicecircle.inputs.attribute_words import ListWords
from servicecircle.inputs.facility_places import Places, settle_places
from servicecircle.inputs.facility_sources import read_raw
from servicecircle.inputs.old_grids import Grid, grid_of
from servicecircle.inputs.raw_facilities import RawFacilities
from servicecircle.inputs.values import clean_codes, clean_names
from servicecircle.problems import Problem
from servicecircle.project import FacilitySettings

__all__ = ["Doors", "doors_in_wgs84", "doors_of", "no_doors", "read_entrances"]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]
Doors = Mapping[str, shapely.Geometry]
"""facility_id → its entrances (MultiPoint), or its outline where no entrance is known (Polygon or
MultiPolygon), in WGS84; facilities of one place are not in it."""

FAR_M = 5000.0
"""An entrance farther than this from its facility is another one's."""
_METRES_A_DEGREE = 111_195.0


def no_doors() -> dict[str, shapely.Geometry]:
    """Return the doors of a layer whose facilities have one place each.

    Examples
    --------
    >>> no_doors()
    {}
    """
    return {}


def doors_of(
    facilities: gpd.GeoDataFrame, known: Mapping[str, shapely.Geometry | None]
) -> dict[str, shapely.Geometry]:
    """Return the doors of the facilities that are left: of duplicates that were merged one is.

    Examples
    --------
    >>> table = gpd.GeoDataFrame({"facility_id": ["a", "b"]}, geometry=[None, None])
    >>> list(doors_of(table, {"c": shapely.box(0, 0, 1, 1), "b": shapely.box(0, 0, 1, 1)}))
    ['b']
    """
    found = {name: known.get(name) for name in facilities["facility_id"].tolist()}
    return {name: shape for name, shape in found.items() if shape is not None}


def doors_in_wgs84(raw: RawFacilities, places: Places, *, grid: Grid, name: str) -> Shapes:
    """Turn outlines and entrances of a file into WGS84, as its places were turned.

    Parameters
    ----------
    raw : RawFacilities
    places : Places
        Of the same rows.
    grid : Grid
        Swapped axes, parameters of an old datum or of a town's own grid.
    name : str
        Of the file, for messages.

    Returns
    -------
    numpy.ndarray of shapely.Geometry, shape (n,)
        None where a row has one place alone, or no good one.

    Examples
    --------
    >>> import pandas as pd
    >>> from servicecircle.inputs.columns import match_columns
    >>> raw = RawFacilities(
    ...     frame=pd.DataFrame(index=range(2)), rows=[1, 2], rows_in=2, columns=match_columns([]),
    ...     x=np.array([120.5, np.nan]), y=np.array([30.5, np.nan]),
    ...     given=np.array(["120.5, 30.5", ""], dtype=object), place="geometry",
    ...     doors=np.array([shapely.box(120, 30, 121, 31), None], dtype=object),
    ... )
    >>> places = settle_places(raw, file="a.gpkg", datum="wgs84")
    >>> grid = grid_of(FacilitySettings(path=Path("a.gpkg")))
    >>> [shape and shape.area for shape in doors_in_wgs84(raw, places, grid=grid, name="a.gpkg")]
    [1.0, None]
    """
    found = np.full(len(places.fault), None, dtype=object)
    if raw.doors is None:
        return found
    rows = np.flatnonzero(~shapely.is_missing(raw.doors) & (places.fault == ""))
    shapes = shapely.force_2d(raw.doors[rows])
    points, row = shapely.get_coordinates(shapes, return_index=True)
    x, y = points[:, 0], points[:, 1]
    if not grid.plain:
        x, y = grid.apply(x, y, name=name)
    if raw.crs is not None and raw.crs.to_epsg() != 4326:  # noqa: PLR2004 - WGS84 itself
        x, y = transformer(raw.crs.to_wkt(), "EPSG:4326").transform(x, y)
    turned = places.mended[rows][row]
    x, y = np.where(turned, y, x), np.where(turned, x, y)
    lon, lat = to_wgs84(x, y, datum=places.datum) if x.size else (x, y)
    moved = np.asarray(shapely.set_coordinates(shapes, np.column_stack([lon, lat])), dtype=object)
    good = np.ones(len(rows), np.bool_)
    good[row[~np.isfinite(lon + lat)]] = False
    found[rows[good]] = moved[good]
    return found


def read_entrances(
    settings: FacilitySettings,
    facilities: gpd.GeoDataFrame,
    *,
    base: Path,
    datum: str,
    titles: Mapping[str, Sequence[str]] | None = None,
) -> tuple[dict[str, shapely.Geometry], list[Problem]]:
    r"""Read the entrances that a project names for a layer.

    Parameters
    ----------
    settings : FacilitySettings
        ``entrances``: a table or layer with ``code`` or ``name`` of the facility and a place, a
        row for each entrance.
    facilities : geopandas.GeoDataFrame
        Table ``facilities`` of the layer.
    base : pathlib.Path
        Folder of the project file.
    datum : str
        Of the list itself, for a table of entrances that states none.
    titles : mapping, optional
        Our column → further titles that it comes under.

    Returns
    -------
    doors : dict of str to shapely.MultiPoint
        By ``facility_id``, in WGS84.
    problems : list of Problem
        Rows set aside: without a place, of no facility or of several, or far from theirs.

    Raises
    ------
    InputError, CrsError
        As for the facilities themselves.

    Examples
    --------
    >>> import tempfile
    >>> home = gpd.GeoDataFrame(
    ...     {"facility_id": ["h:1"], "code": ["1"], "name": ["甲"]},
    ...     geometry=gpd.points_from_xy([120.5], [30.5]), crs=4326,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "doors.csv"
    ...     _ = path.write_text("名称,经度,纬度\n甲,120.501,30.5\n乙,120.5,30.5\n甲,120.5,30.501\n")
    ...     settings = FacilitySettings(path=Path("a.csv"), entrances=Path("doors.csv"))
    ...     doors, problems = read_entrances(settings, home, base=Path(folder), datum="wgs84")
    >>> {name: len(door.geoms) for name, door in doors.items()}, [one.code for one in problems]
    ({'h:1': 2}, ['entrance.no_facility'])
    """
    if settings.entrances is None:
        return {}, []
    file = settings.entrances.as_posix()
    chosen = {"path": settings.entrances, "columns": {}, "capacity_sum": [], "sheet": None}
    own = settings.model_copy(update={**chosen, "layer": None, "osm": [], "unit_level": None})
    raw = read_raw(own, base=base, words=ListWords(titles=titles or {}))
    used = datum or (None if settings.datum == "auto" else settings.datum)
    places = settle_places(raw, file=file, datum=used, grid=grid_of(own))
    problems = [*raw.problems, *places.problems]
    owner = _owners(raw, facilities)
    fault = np.where(places.fault != "", "entrance.no_place", "").astype(object)
    fault[(fault == "") & (owner == _NOBODY)] = "entrance.no_facility"
    fault[(fault == "") & (owner == _SEVERAL)] = "entrance.several"
    rows = np.flatnonzero(fault == "")
    home = np.asarray(facilities.geometry.to_numpy(), dtype=object)[owner[rows]]
    x, y = shapely.get_x(home), shapely.get_y(home)
    across = _METRES_A_DEGREE * np.cos(np.radians(y))
    away = np.hypot((places.lon[rows] - x) * across, (places.lat[rows] - y) * _METRES_A_DEGREE)
    # A facility without a place of its own is not measured to.
    fault[rows[away > FAR_M]] = "entrance.far"
    named = _keys(raw, "name"), _keys(raw, "code")
    problems += [
        Problem(
            code=str(fault[at]),
            severity="error",
            action="set_aside",
            file=file,
            sheet=raw.sheet,
            row=raw.rows[at],
            value=str(named[0][at] or named[1][at]),
            details={"km": f"{FAR_M / 1000.0:g}"},
        )
        for at in np.flatnonzero(fault != "").tolist()
    ]
    ids = facilities["facility_id"].tolist()
    doors: dict[str, shapely.Geometry] = {}
    good = np.flatnonzero(fault == "")
    for at in np.unique(owner[good]).tolist():
        mine = good[owner[good] == at]
        doors[str(ids[at])] = shapely.MultiPoint(
            np.column_stack([places.lon[mine], places.lat[mine]])
        )
    return doors, problems


_NOBODY, _SEVERAL = -1, -2


def _keys(raw: RawFacilities, column: str) -> NDArray[np.object_]:
    title = raw.columns.columns.get(column)
    texts = [""] * len(raw.rows) if title is None else [str(cell) for cell in raw.frame[title]]
    read = clean_codes if column == "code" else clean_names
    return np.asarray(read(texts), dtype=object)


def _owners(raw: RawFacilities, facilities: gpd.GeoDataFrame) -> NDArray[np.int64]:
    """Return the row of the facility that each entrance names, by code, else by name."""
    owner = np.full(len(raw.rows), _NOBODY, np.int64)
    for column in ("name", "code"):
        rows: dict[str, int] = {}
        for at, key in enumerate(facilities[column].tolist()):
            rows[key] = _SEVERAL if key in rows else at
        rows.pop("", None)
        found = np.array([rows.get(key, _NOBODY) for key in _keys(raw, column)], np.int64)
        owner = np.where(found != _NOBODY, found, owner)
    return owner
