"""People of the cells of a raster, read strip by strip, every cell accounted for."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.cell_areas import (
    Indices,
    cell_areas_m2,
    half_diagonals_m,
    places_of_cells,
)
from servicecircle.inputs.coordinates import Floats, fatal, settle_crs, to_wgs84_points
from servicecircle.problems import Problem

__all__ = ["Cells", "RasterSource", "read_cells"]

_STRIP_CELLS = 4_000_000
MOST_CELLS = 4_000_000_000
# Grids of two files are one where their corners differ by less than this part of a cell.
_SAME_GRID = 1e-3
_ROUNDING = 1e-6


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
    most_cells : int
        A larger raster is refused.
    """

    path: Path
    name: str
    kind: Literal["count", "density_km2"]
    holds: Literal["population", "elderly"] = "population"
    elderly_path: Path | None = None
    elderly_name: str = ""
    crs: str | None = None
    datum: str | None = None
    most_cells: int = MOST_CELLS


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


@dataclass(slots=True)
class _Sums:
    """Running counts and sums over the strips of one raster."""

    nodata: int = 0
    negative: int = 0
    infinite: int = 0
    negative_sum: float = 0.0
    zero: int = 0
    people: float = 0.0
    missing: int = 0
    masked: float = 0.0
    clipped: float = 0.0
    clipped_cells: int = 0


def read_cells(source: RasterSource) -> Cells:
    """Read the cells of a raster that hold people.

    Memory is bounded by one strip of rows and the cells that hold people.

    Parameters
    ----------
    source : RasterSource

    Returns
    -------
    Cells
        Its balance closes: cells_total = cells_used + cells_zero + cells_nodata + cells_negative
        + cells_infinite; people_in_source = people_used (masked cells hold no people: the sum of
        the negative values is people_negative, and nothing of it is in any other figure);
        elderly_in_source = elderly_used + elderly_clipped + elderly_masked.

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
        files = [
            stack.enter_context(_open(path, name)) for path, name in zip(paths, names, strict=True)
        ]
        crs = _prove(files[0], source)
        if len(files) > 1:
            _same_grid(files[0], files[1], source)
        return _gather(files, names, source, crs)


def _open(path: Path, name: str) -> Any:
    try:
        with warnings.catch_warnings():
            # A raster without a place is refused below, with a better word.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            return rasterio.open(path)
    except (RasterioError, OSError, ValueError) as error:
        raise InputError(_unreadable(name, error)) from None


def _unreadable(name: str, error: Exception) -> Problem:
    cause = error.__cause__ or error
    reason = (str(cause).splitlines() or [type(cause).__name__])[0]
    return fatal("input.unreadable", name=name, value=name, details={"reason": reason})


def _prove(file: Any, source: RasterSource) -> CRS:
    cells = file.width * file.height
    if cells > source.most_cells:
        details: dict[str, object] = {"limit": source.most_cells}
        raise InputError(
            fatal("population.too_large", name=source.name, value=str(cells), details=details)
        )
    if np.dtype(file.dtypes[0]).kind == "c":
        details = {"reason": file.dtypes[0]}
        raise InputError(
            fatal("input.unreadable", name=source.name, value=source.name, details=details)
        )
    if file.transform.is_identity or file.transform.determinant == 0.0:
        raise CrsError(fatal("population.no_place", name=source.name))
    stated = CRS.from_wkt(file.crs.to_wkt()) if file.crs else None
    return settle_crs(stated, source.crs, name=source.name, bounds=tuple(file.bounds))


def _same_grid(one: Any, other: Any, source: RasterSource) -> None:
    rows, cols = np.array([0, 0, one.height]), np.array([0, one.width, 0])
    ours = np.array(places_of_cells(rows, cols, transform=one.transform))
    theirs = np.array(places_of_cells(rows, cols, transform=other.transform))
    apart = float(np.abs(ours - theirs).max()) / math.sqrt(abs(one.transform.determinant))
    if (
        one.shape == other.shape
        and apart <= _SAME_GRID
        and (other.crs is None or one.crs is None or other.crs == one.crs)
    ):
        return
    details: dict[str, object] = {
        "other": source.name,
        "own_grid": f"{other.width}×{other.height}, {_corner(other)}",
        "other_grid": f"{one.width}×{one.height}, {_corner(one)}",
    }
    raise InputError(
        fatal(
            "population.grid_mismatch",
            name=source.elderly_name,
            value=source.elderly_name,
            details=details,
        )
    )


def _corner(file: Any) -> str:
    size = math.sqrt(abs(file.transform.determinant))
    # Two grids may differ by a small part of a cell, far behind the decimal point of a degree.
    return f"({file.transform.c:.12g}, {file.transform.f:.12g}), {size:.12g}, {file.crs or '–'}"


def _strips(file: Any) -> Iterator[Window]:
    """Yield strips of whole rows, as many as fit, in multiples of the file's own blocks."""
    block = int(file.block_shapes[0][0])
    rows = max(_STRIP_CELLS // file.width, 1)
    if rows > block:
        rows -= rows % block
    for start in range(0, file.height, rows):
        yield Window(0, start, file.width, min(rows, file.height - start))


def _read(file: Any, window: Window, name: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the values of a strip and which of them are data."""
    try:
        strip = file.read(1, window=window, masked=True)
    except (RasterioError, OSError, ValueError) as error:
        raise InputError(_unreadable(name, error)) from None
    # Whole strips stay in the file's own type; only cells that are used become float64.
    values = np.asarray(strip.data)
    present = ~np.ma.getmaskarray(strip)
    if values.dtype.kind == "f":
        present &= ~np.isnan(values)
    scale, offset = file.scales[0], file.offsets[0]
    if (scale, offset) != (1.0, 0.0):
        values = values.astype(np.float64) * scale + offset
    return values, present


def _sift(values: NDArray[Any], present: NDArray[np.bool_], tally: _Sums) -> NDArray[np.bool_]:
    """Return which cells hold a usable value, and count the others."""
    infinite = present & np.isinf(values)
    negative = present & (values < 0.0) & ~infinite
    good: NDArray[np.bool_] = present & ~infinite & ~negative
    tally.nodata += int((~present).sum())
    tally.infinite += int(infinite.sum())
    tally.negative += int(negative.sum())
    tally.negative_sum += float(values[negative].sum(dtype=np.float64))
    return good


def _gather(files: list[Any], names: list[str], source: RasterSource, crs: CRS) -> Cells:
    grid = files[0].transform
    area_of = partial(cell_areas_m2, transform=grid, crs=crs)
    sums, old = _Sums(), _Sums()
    rows, cols, mains, elders = [], [], [], []
    for window in _strips(files[0]):
        values, present = _read(files[0], window, names[0])
        good = _sift(values, present, sums)
        used = good & (values > 0.0)
        sums.zero += int((good & ~used).sum())
        row, col = np.nonzero(used)
        row += window.row_off
        area = area_of(row, col) / 1e6 if source.kind == "density_km2" else np.ones(len(row))
        main = values[used].astype(np.float64) * area
        sums.people += float(main.sum())
        if len(files) > 1:
            others, there = _read(files[1], window, names[1])
            usable = _sift(others, there, old)
            lost_row, lost_col = np.nonzero(usable & ~used & (others > 0.0))
            lost = others[lost_row, lost_col].astype(np.float64)
            if source.kind == "density_km2":
                lost = lost * area_of(lost_row + window.row_off, lost_col) / 1e6
            elderly = np.where(usable[used], others[used], 0.0).astype(np.float64) * area
            elders.append(_clip(main, elderly, old))
            old.missing += int((used & ~usable).sum())
            old.masked += float(lost.sum())
            old.people += float(elderly.sum()) + float(lost.sum())
        rows.append(row.astype(np.int32))
        cols.append(col.astype(np.int32))
        mains.append(main)
    main = np.concatenate(mains)
    total = files[0].width * files[0].height
    _refuse_empty([sums, old][: len(files)], names, total, len(main))
    row, col = np.concatenate(rows), np.concatenate(cols)
    x, y = places_of_cells(row + 0.5, col + 0.5, transform=grid)
    lon, lat = to_wgs84_points(x, y, crs=crs, datum=source.datum, name=source.name)
    population, elderly = main, np.full(len(main), np.nan)
    if source.holds == "elderly":
        population, elderly = elderly, main
        old.people, sums.people = sums.people, math.nan
    elif elders:
        elderly = np.concatenate(elders)
    balance = _balance(sums, old, population, elderly, total)
    return Cells(
        row=row,
        col=col,
        lon=lon,
        lat=lat,
        population=population,
        elderly=elderly,
        half_diagonal_m=half_diagonals_m(row, col, lat, transform=grid, crs=crs),
        balance=balance,
        problems=_problems(balance, files, names),
    )


def _clip(main: Floats, elderly: Floats, old: _Sums) -> Floats:
    """Return the elderly cut to the people of their cells."""
    excess = np.maximum(elderly - main, 0.0)
    # Rounding of float32 files is no excess worth a record.
    old.clipped_cells += int((excess > _ROUNDING * main).sum())
    old.clipped += float(excess.sum())
    return elderly - excess


def _refuse_empty(sums: list[_Sums], names: list[str], total: int, used: int) -> None:
    faults = [
        fatal("population.all_nodata", name=name, value=str(total))
        for one, name in zip(sums, names, strict=True)
        if one.nodata == total
    ]
    if not faults and not used:
        faults.append(fatal("population.nobody", name=names[0], value=str(total)))
    if faults:
        raise InputError(faults)


def _balance(
    sums: _Sums, old: _Sums, population: Floats, elderly: Floats, total: int
) -> dict[str, float]:
    known = not np.isnan(elderly).any()
    return {
        "cells_total": total,
        "cells_used": len(elderly),
        "cells_zero": sums.zero,
        "cells_nodata": sums.nodata,
        "cells_negative": sums.negative,
        "cells_infinite": sums.infinite,
        "people_in_source": sums.people,
        "people_used": float(population.sum()),
        "people_negative": sums.negative_sum,
        "elderly_in_source": old.people if known else math.nan,
        "elderly_used": float(elderly.sum()),
        "elderly_clipped": old.clipped,
        "elderly_masked": old.masked,
        "elderly_cells_missing": old.missing,
        "elderly_cells_clipped": old.clipped_cells,
        "elderly_cells_negative": old.negative,
        "elderly_cells_infinite": old.infinite,
    }


def _problems(balance: dict[str, float], files: list[Any], names: list[str]) -> list[Problem]:
    def counted(code: str, key: str, name: str, severity: Any = "warning", **details: Any) -> None:
        if balance[key]:
            problems.append(
                Problem(
                    code=f"population.{code}",
                    severity=severity,
                    action="counted",
                    file=name,
                    value=f"{balance[key]:g}",
                    details=details,
                )
            )

    problems: list[Problem] = []
    negative = f"{balance['people_negative']:.6g}"
    counted("negative_cells", "cells_negative", names[0], sum=negative)
    counted("infinite_cells", "cells_infinite", names[0])
    if len(files) > 1:
        lost = f"{balance['elderly_masked']:.6g}"
        cut = f"{balance['elderly_clipped']:.6g}"
        counted("negative_cells", "elderly_cells_negative", names[1], sum="")
        counted("infinite_cells", "elderly_cells_infinite", names[1])
        counted("elderly_missing", "elderly_cells_missing", names[1])
        counted("elderly_clipped", "elderly_cells_clipped", names[1], people=cut)
        if balance["elderly_masked"]:
            counted("elderly_masked", "elderly_masked", names[1], people=lost)
    for file, name in zip(files, names, strict=True):
        if file.count > 1:
            problems.append(
                Problem(
                    code="population.several_bands",
                    severity="warning",
                    file=name,
                    value=str(file.count),
                )
            )
    return problems
