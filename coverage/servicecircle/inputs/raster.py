"""People of the cells of a raster, read window by window, every cell accounted for."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.windows import Window

from servicecircle.errors import InputError
from servicecircle.inputs.cell_areas import (
    Indices,
    cell_areas_m2,
    half_diagonals_m,
    places_of_cells,
)
from servicecircle.inputs.coordinates import Bounds, Floats, fatal, to_wgs84_points
from servicecircle.inputs.raster_balance import (
    cell_balance,
    cell_problems,
    dense_cells,
    refuse_unusable,
)
from servicecircle.inputs.raster_file import (
    area_window,
    open_raster,
    prove,
    read_values,
    same_grid,
    windows,
)
from servicecircle.inputs.raster_scan import MANKIND, Tally, scan
from servicecircle.problems import Problem

__all__ = ["Cells", "RasterSource", "read_cells"]

MOST_CELLS = 4_000_000_000
MOST_POINTS = 100_000_000
CACHE_MIB = 64
"""What GDAL keeps of unpacked blocks; windows follow the blocks, so that none is needed twice."""
_ROUNDING = 1e-6
_BATCH = 2_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterSource:
    """Where a raster is and what it holds.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        The file as the project names it.
    kind : {"count", "density_km2"}
        People in a cell, or people per square kilometre.
    holds : {"population", "elderly"}
        ``elderly`` where the raster counts the elderly alone and the people are unknown.
    elderly_path, elderly_name : pathlib.Path and str, optional
        A second raster of the elderly, on the same grid and of the same kind.
    crs : str, optional
        Declares the CRS of a raster that states none.
    datum : str, optional
    towgs84 : tuple of float
        Parameters of an old datum, as the project declares them.
    area : tuple of float, optional
        West, south, east, north of all units, in degrees: cells more than 10 km from this box
        are not read, but counted.
    most_cells, most_points : int
        More cells to read, or more of them with people, are refused.
    """

    path: Path
    name: str
    kind: Literal["count", "density_km2"]
    holds: Literal["population", "elderly"] = "population"
    elderly_path: Path | None = None
    elderly_name: str = ""
    crs: str | None = None
    datum: str | None = None
    towgs84: tuple[float, ...] = ()
    area: Bounds | None = None
    most_cells: int = MOST_CELLS
    most_points: int = MOST_POINTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The cells that hold people, in order of row and column.

    Parameters
    ----------
    row, col : numpy.ndarray of int, shape (n,)
        0-based, of the whole raster.
    lon, lat : numpy.ndarray of float, shape (n,)
        Centres, WGS84.
    population, elderly : numpy.ndarray of float, shape (n,)
        People; NaN where unknown.
    half_diagonal_m : numpy.ndarray of float, shape (n,)
        How far a person of a cell may be from its centre.
    balance : dict
        Cells and people of the whole source, see :func:`read_cells`.
    problems : list of Problem
    """

    row: Indices
    col: Indices
    lon: Floats
    lat: Floats
    population: Floats
    elderly: Floats
    half_diagonal_m: Floats
    balance: dict[str, float]
    problems: list[Problem] = field(default_factory=list)


def read_cells(source: RasterSource) -> Cells:
    """Read the cells of a raster that hold people.

    Memory is bounded by a window of a few million cells and by the cells that hold people.

    Parameters
    ----------
    source : RasterSource

    Returns
    -------
    Cells
        Its balance closes: cells_total = cells_used + cells_zero + cells_nodata + cells_negative
        + cells_infinite + cells_beyond; people_in_source = people_used (masked cells hold no
        people: the sum of the negative values is people_negative, and nothing of it is in any
        other figure); elderly_in_source = elderly_used + elderly_clipped + elderly_masked.

    Raises
    ------
    InputError
        If a file is missing, broken, too large, holds no data, or the two grids differ.
    CrsError
        If there is no CRS, or it contradicts the declared one or the coordinates.

    Examples
    --------
    >>> read_cells(RasterSource(path=Path("no.tif"), name="no.tif", kind="count"))
    ... # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.tif: file not found: no.tif...
    """
    names = [source.name, *([source.elderly_name] if source.elderly_path else [])]
    paths = [source.path, *([source.elderly_path] if source.elderly_path else [])]
    missing = [
        fatal("input.missing_file", name=name, value=name)
        for path, name in zip(paths, names, strict=True)
        if not path.is_file()
    ]
    if missing:
        raise InputError(missing)
    with ExitStack() as stack:
        stack.enter_context(rasterio.Env(GDAL_CACHEMAX=CACHE_MIB))
        files = [
            stack.enter_context(open_raster(path, name))
            for path, name in zip(paths, names, strict=True)
        ]
        crs = prove(files[0], name=source.name, declared=source.crs, towgs84=source.towgs84)
        if len(files) > 1:
            same_grid(files[0], files[1], names=(source.name, source.elderly_name))
        part = area_window(files[0], source.area, crs=crs, name=source.name)
        if part.width * part.height > source.most_cells:
            raise InputError(
                _too_many("too_large", source, part.width * part.height, source.most_cells)
            )
        return _gather(files, names, source, crs=crs, part=part)


def _too_many(code: str, source: RasterSource, count: int, limit: int) -> Problem:
    details: dict[str, object] = {"limit": limit}
    return fatal(f"population.{code}", name=source.name, value=str(count), details=details)


_Columns = tuple[NDArray[np.int32], NDArray[np.int32], Floats, Floats]


def _gather(
    files: list[Any], names: list[str], source: RasterSource, *, crs: CRS, part: Window
) -> Cells:
    sums, old = Tally(), Tally()
    chunks: list[_Columns] = []
    count = 0
    for strip in windows(files[0], part):
        pieces = [_window(files, names, source, window, (sums, old), crs) for window in strip]
        count += sum(len(piece[0]) for piece in pieces)
        if count > source.most_points:
            raise InputError(_too_many("too_many_points", source, count, source.most_points))
        chunks.append(_in_order(pieces))
    beyond = files[0].width * files[0].height - part.width * part.height
    refuse_unusable([sums, old][: len(files)], names, part.width * part.height, count)
    row, col, main, elderly = _joined(chunks)
    lon, lat, half = _places(row, col, source, grid=files[0].transform, crs=crs)
    population = main
    if source.holds == "elderly":
        population, elderly = elderly, main
        old.people, sums.people = sums.people, math.nan
    balance = cell_balance(sums, old, population, elderly, beyond)
    balance["cells_total"] = files[0].width * files[0].height
    return Cells(
        row=row,
        col=col,
        lon=lon,
        lat=lat,
        population=population,
        elderly=elderly,
        half_diagonal_m=half,
        balance=balance,
        problems=[
            *cell_problems(balance, (sums, old), files, names),
            *dense_cells(main, half, names[0]),
        ],
    )


def _window(
    files: list[Any],
    names: list[str],
    source: RasterSource,
    window: Window,
    tallies: tuple[Tally, Tally],
    crs: CRS,
) -> _Columns:
    """Return row, column, people and elderly of the cells with people."""
    sums, old = tallies
    grid = files[0].transform
    values, nodata = read_values(files[0], window, name=names[0])
    at = scan(values, nodata, sums)
    row, col = _cells_at(at, window)
    density = source.kind == "density_km2"

    def people_at(flat: NDArray[Any], rows: Indices, cols: Indices) -> Floats:
        counts = flat.astype(np.float64)
        if density and counts.size:
            counts *= cell_areas_m2(rows, cols, transform=grid, crs=crs) / 1e6
        return counts

    main = people_at(values.ravel()[at], row, col)
    sums.people += float(main.sum())
    elderly = np.full(at.size, np.nan)
    if len(files) > 1:
        others, gap = read_values(files[1], window, name=names[1])
        there = scan(others, gap, old)
        flat = others.ravel()
        alone = there[np.isin(there, at, assume_unique=True, invert=True)]
        lost = people_at(flat[alone], *_cells_at(alone, window))
        mine = flat[at]
        known = (mine >= 0) & (mine <= MANKIND)
        if gap is not None:
            known &= mine != gap
        elderly = people_at(np.where(known, mine, 0), row, col)
        old.missing += int((~known).sum())
        old.masked += float(lost.sum())
        old.people += float(elderly.sum()) + float(lost.sum())
        elderly = _clip(main, elderly, old)
    return row, col, main, elderly


def _places(
    row: Indices, col: Indices, source: RasterSource, *, grid: Any, crs: CRS
) -> tuple[Floats, Floats, Floats]:
    """Return longitude, latitude and half diagonal of cells, a bounded number at a time."""
    lon, lat, half = (np.empty(len(row)) for _ in range(3))
    for start in range(0, len(row), _BATCH):
        here = slice(start, start + _BATCH)
        x, y = places_of_cells(row[here] + 0.5, col[here] + 0.5, transform=grid)
        lon[here], lat[here] = to_wgs84_points(x, y, crs=crs, datum=source.datum, name=source.name)
        half[here] = half_diagonals_m(row[here], col[here], lat[here], transform=grid, crs=crs)
    return lon, lat, half


def _cells_at(at: Indices, window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    row, col = np.divmod(at, window.width)
    return (row + window.row_off).astype(np.int32), (col + window.col_off).astype(np.int32)


def _in_order(pieces: list[_Columns]) -> _Columns:
    """Return the cells of windows side by side in order of row and column."""
    if len(pieces) == 1:
        return pieces[0]
    columns = [np.concatenate(parts) for parts in zip(*pieces, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    row, col, main, elderly = (column[order] for column in columns)
    return row, col, main, elderly


def _joined(chunks: list[_Columns]) -> _Columns:
    """Return all strips as one, column by column, so that no more than one is held twice."""
    rest = [list(chunk) for chunk in chunks]
    chunks.clear()
    row, col, main, elderly = (np.concatenate([chunk.pop(0) for chunk in rest]) for _ in range(4))
    return row, col, main, elderly


def _clip(main: Floats, elderly: Floats, old: Tally) -> Floats:
    """Return the elderly cut to the people of their cells."""
    excess = np.maximum(elderly - main, 0.0)
    # Rounding of float32 files is no excess worth a record.
    old.clipped_cells += int((excess > _ROUNDING * main).sum())
    old.clipped += float(excess.sum())
    return elderly - excess
