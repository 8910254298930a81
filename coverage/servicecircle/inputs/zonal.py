"""People of polygons from the cells of a raster, each cell by the exact share that lies inside."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from exactextract import exact_extract
from exactextract.raster import (
    RasterSource as ExactSource,
)
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.windows import Window

from servicecircle.errors import CrsError
from servicecircle.inputs.cell_areas import cell_areas_m2
from servicecircle.inputs.coordinates import WGS84, Floats, fatal, same_crs
from servicecircle.inputs.raster import CACHE_MIB, RasterSource
from servicecircle.inputs.raster_file import footprint, open_raster, prove, read_values
from servicecircle.inputs.raster_scan import MANKIND
from servicecircle.inputs.shapes import Geometries, polygons_only

__all__ = ["unit_zones", "zonal_sums"]

# Long edges are straight in degrees and bent in the raster's projection.
_LONGEST_EDGE_DEG = 0.01
_MOST_CELLS = 16_000_000


class _People(ExactSource):  # type: ignore[misc]  # exactextract has no types
    """People of the cells of a file, for exactextract: nothing below zero or beyond mankind."""

    def __init__(self, file: Any, *, name: str, density: bool, crs: CRS) -> None:
        super().__init__()
        self._file, self._name, self._density, self._crs = file, name, density, crs

    def name(self) -> str:
        return ""

    def thread_safe(self) -> bool:
        return False

    def res(self) -> tuple[float, float]:
        grid = self._file.transform
        return abs(grid.a), abs(grid.e)

    def srs_wkt(self) -> None:
        # Compared by us, as an error; a difference of spelling is none.
        return None

    def extent(self) -> tuple[float, float, float, float]:
        box = self._file.bounds
        return box.left, box.bottom, box.right, box.top

    def nodata_value(self) -> float:
        return float("nan")

    def read_window(self, x0: int, y0: int, nx: int, ny: int) -> NDArray[Any]:
        values, nodata = read_values(self._file, Window(x0, y0, nx, ny), name=self._name)
        plain = values.dtype.kind == "f" and not self._density
        people = values if plain else values.astype(np.float64)
        wrong = (values < 0) | (values > MANKIND)
        if nodata is not None:
            wrong |= values == nodata
        people[wrong] = np.nan
        # A window of no cells is asked for to learn the type.
        if self._density and people.size:
            # The area of a cell hardly changes along a row.
            row = np.arange(y0, y0 + ny, dtype=np.int64)
            col = np.full(ny, x0 + nx // 2, dtype=np.int64)
            area = cell_areas_m2(row, col, transform=self._file.transform, crs=self._crs)
            people *= area[:, None] / 1e6
        return people


def zonal_sums(
    path: Path, polygons: gpd.GeoSeries, *, name: str, kind: str, crs: str | None = None
) -> tuple[Floats, Floats]:
    """Add up the people of polygons, each cell by the exact share of it that lies inside.

    Parameters
    ----------
    path : pathlib.Path
        A raster of people, north up.
    polygons : geopandas.GeoSeries
        In the CRS of the raster. Bow-ties are mended; None and empty ones have no sum.
    name : str
        The file as the project names it.
    kind : {"count", "density_km2"}
    crs : str, optional
        Declares the CRS of a raster that states none.

    Returns
    -------
    people : numpy.ndarray of float, shape (n,)
        NaN where a polygon has no area; 0 where it has no cell with data.
    cells : numpy.ndarray of float, shape (n,)
        Cells with data inside, their shares added up.

    Raises
    ------
    CrsError
        If the polygons are of another CRS than the raster: their sums would be 0.
    InputError
        If the raster cannot be read.

    Examples
    --------
    >>> nothing = gpd.GeoSeries([], crs=4326)
    >>> zonal_sums(Path("no.tif"), nothing, name="no.tif", kind="count")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.tif: file not found: no.tif...
    """
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MIB), open_raster(path, name) as file:
        own = prove(file, name=name, declared=crs)
        _refuse_other_crs(polygons, own, file, name)
        return _sums(file, polygons.to_numpy(), name=name, density=kind == "density_km2", crs=own)


def _refuse_other_crs(polygons: gpd.GeoSeries, own: CRS, file: Any, name: str) -> None:
    corners = footprint(file)
    bounds = (*corners.min(axis=0).tolist(), *corners.max(axis=0).tolist())
    given = polygons.crs
    if given is None:
        raise CrsError(fatal("vector.no_crs", name=name, details={"candidates": "–"}))
    if not same_crs(own, CRS(given), bounds=(bounds[0], bounds[1], bounds[2], bounds[3])):
        details: dict[str, object] = {"own": own.name}
        raise CrsError(fatal("vector.crs_conflict", name=name, value=given.name, details=details))


def _sums(
    file: Any, shapes: Geometries, *, name: str, density: bool, crs: CRS
) -> tuple[Floats, Floats]:
    people, cells = np.full(len(shapes), np.nan), np.zeros(len(shapes))
    grid = file.transform
    whole = polygons_only(shapes)
    rows = np.flatnonzero(~shapely.is_missing(whole))
    if not rows.size or grid.b or grid.d or grid.a < 0 or grid.e > 0:
        return people, cells
    # Neighbours follow each other, so that blocks of the file are unpacked once.
    box = shapely.bounds(whole[rows])
    band = np.floor(box[:, 1] / max(float(np.median(box[:, 3] - box[:, 1])), 1e-9))
    rows = rows[np.lexsort((box[:, 0], band))]
    features = gpd.GeoDataFrame({"row": rows}, geometry=whole[rows], crs=crs)
    with warnings.catch_warnings():
        # A polygon beyond the raster has the sum 0, which is what is asked.
        warnings.simplefilter("ignore")
        table = exact_extract(
            _People(file, name=name, density=density, crs=crs),
            features,
            ["sum", "count"],
            include_cols=["row"],
            output="pandas",
            max_cells_in_memory=_MOST_CELLS,
        )
    at = table["row"].to_numpy(np.int64)
    people[at] = np.nan_to_num(table["sum"].to_numpy(np.float64))
    cells[at] = np.nan_to_num(table["count"].to_numpy(np.float64))
    return people, cells


def unit_zones(source: RasterSource, units: gpd.GeoDataFrame, *, exact: bool) -> pd.DataFrame:
    """Return what a raster holds of each unit, by exact shares of cells.

    Parameters
    ----------
    source : RasterSource
    units : geopandas.GeoDataFrame
        EPSG:4326, with unit_id.
    exact : bool
        Whether to add up the people; else only ``wholly_inside`` is found.

    Returns
    -------
    pandas.DataFrame
        unit_id; ``wholly_inside`` (bool): no part of the unit is more than a cell beyond the grid
        of the raster; ``data_share``: share of the unit's area on cells with data;
        ``exact_population`` and ``exact_elderly`` (people; NaN where the raster does not hold
        them, is turned, or is shifted by a datum).

    Examples
    --------
    >>> missing = RasterSource(path=Path("no.tif"), name="no.tif", kind="count")
    >>> nothing = gpd.GeoDataFrame({"unit_id": []}, geometry=[], crs=4326)
    >>> unit_zones(missing, nothing, exact=True)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.tif: file not found: no.tif...
    """
    with rasterio.Env(GDAL_CACHEMAX=CACHE_MIB), open_raster(source.path, source.name) as file:
        crs = prove(file, name=source.name, declared=source.crs, towgs84=source.towgs84)
        shapes = _to_crs(units.geometry.to_numpy(), crs)
        cell = math.sqrt(abs(file.transform.determinant))
        frame = shapely.buffer(shapely.Polygon(footprint(file)), cell, join_style="mitre")
        shapely.prepare(frame)
        inside = shapely.contains(frame, shapes)
        add_up = exact and source.datum not in ("gcj02", "bd09")
        density = source.kind == "density_km2"
        nothing = np.full(len(units), np.nan)
        people, cells = (nothing, nothing)
        if add_up:
            people, cells = _sums(file, shapes, name=source.name, density=density, crs=crs)
        whole = shapely.area(shapes) / abs(file.transform.determinant)
        # No cell counted is no cell known where the grid is turned.
        share = np.where(np.isnan(people), np.nan, cells / np.where(whole > 0.0, whole, np.nan))
    elderly = nothing
    if source.holds == "elderly":
        people, elderly = nothing, people
    elif source.elderly_path is not None and add_up:
        with (
            rasterio.Env(GDAL_CACHEMAX=CACHE_MIB),
            open_raster(source.elderly_path, source.elderly_name) as file,
        ):
            elderly, _ = _sums(file, shapes, name=source.elderly_name, density=density, crs=crs)
    return pd.DataFrame(
        {
            "unit_id": units["unit_id"].to_numpy(object),
            "wholly_inside": inside,
            "data_share": share,
            "exact_population": people,
            "exact_elderly": elderly,
        }
    )


def _to_crs(shapes: Sequence[Any] | Geometries, crs: CRS) -> Geometries:
    move = Transformer.from_crs(WGS84, crs, always_xy=True)

    def places(points: Floats) -> Floats:
        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    fine = shapely.segmentize(np.asarray(shapes, dtype=object), _LONGEST_EDGE_DEG)
    return np.asarray(shapely.transform(fine, places), dtype=object)
