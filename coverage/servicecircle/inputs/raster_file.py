"""A raster file before its cells are read: what it may be, what it claims, which part is read."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from servicecircle.errors import CrsError, InputError
from servicecircle.inputs.cell_areas import places_of_cells
from servicecircle.inputs.coordinates import WGS84, Bounds, Floats, fatal, settle_crs
from servicecircle.problems import Problem

__all__ = [
    "MARGIN_M",
    "area_window",
    "file_problems",
    "footprint",
    "open_raster",
    "prove",
    "read_values",
    "same_grid",
    "windows",
]

MARGIN_M = 10_000.0
"""Cells farther than this from the box about all units are not read."""
_WINDOW_CELLS = 16_000_000
_BLOCK_BYTES = 1 << 30
# Formats that hold their numbers themselves; a VRT or a web service leads to other places.
_DRIVERS = ("GTiff", "COG", "HFA", "AAIGrid", "GRASSASCIIGrid", "ENVI", "EHdr", "ERS", "RST",
            "SAGA", "GPKG", "netCDF", "HDF5", "BT", "GSBG", "GS7BG", "GSAG")  # fmt: skip
# Of these a missing end reads as zeros, without a word.
_RAW = ("ENVI", "EHdr", "ERS", "RST", "SAGA")
_COLOURS = ("red", "green", "blue", "alpha", "cyan", "magenta", "yellow", "black")
# Grids of two files are one where their corners differ by less than this part of a cell.
_SAME_GRID = 1e-3
_M_PER_DEGREE = 111_320.0
_STEPS = 9


def open_raster(path: Path, name: str) -> Any:
    """Open a raster of a format that holds its own numbers.

    Parameters
    ----------
    path : pathlib.Path
    name : str
        The file as the project names it.

    Returns
    -------
    rasterio.DatasetReader

    Raises
    ------
    InputError
        If it is broken, of another format, or shorter than its header says.

    Examples
    --------
    >>> open_raster(Path("no.tif"), "no.tif")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    servicecircle.errors.InputError: no.tif: file not found: no.tif...
    """
    if not path.is_file():
        raise InputError(fatal("input.missing_file", name=name, value=name))
    known = ", ".join(_DRIVERS[:6])
    if _starts_as_xml(path, name):
        details: dict[str, object] = {"known": known}
        raise InputError(fatal("population.raster_format", name=name, value="XML", details=details))
    try:
        with warnings.catch_warnings():
            # A raster without a place is refused later, with a better word.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            opened = rasterio.open(path)
    except (RasterioError, OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    fault = _form_fault(opened, path, name, known)
    if fault is not None:
        opened.close()
        raise InputError(fault)
    return opened


def _starts_as_xml(path: Path, name: str) -> bool:
    """Return whether a file is a description that leads to other files or services."""
    try:
        with path.open("rb") as file:
            return file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    except OSError as error:
        raise _unreadable(name, error) from None


def _form_fault(file: Any, path: Path, name: str, known: str) -> Problem | None:
    if file.driver not in _DRIVERS:
        return fatal(
            "population.raster_format", name=name, value=file.driver, details={"known": known}
        )
    if not file.count or not file.width or not file.height:
        return fatal("input.empty_layer", name=name)
    kind = np.dtype(file.dtypes[0])
    if kind.kind == "c":
        return fatal("input.unreadable", name=name, value=name, details={"reason": str(kind)})
    if file.colorinterp[0].name in _COLOURS:
        return fatal("population.picture", name=name, value=file.colorinterp[0].name)
    scale, offset = file.scales[0], file.offsets[0]
    if not (math.isfinite(scale) and math.isfinite(offset) and scale > 0.0):
        return fatal("population.bad_scale", name=name, value=f"{scale:g}, {offset:g}")
    claimed = file.width * file.height * file.count * kind.itemsize
    if file.driver in _RAW and path.stat().st_size < claimed:
        return fatal(
            "population.shorter_than_said",
            name=name,
            value=str(path.stat().st_size),
            details={"claimed": claimed},
        )
    block = math.prod(file.block_shapes[0]) * kind.itemsize
    if block > _BLOCK_BYTES:
        return fatal("population.block_too_large", name=name, value=f"{block / 2**20:.0f} MiB")
    return None


def _unreadable(name: str, error: Exception) -> InputError:
    cause = error.__cause__ or error
    reason = (str(cause).splitlines() or [type(cause).__name__])[0]
    return InputError(fatal("input.unreadable", name=name, value=name, details={"reason": reason}))


def prove(file: Any, *, name: str, declared: str | None, towgs84: Sequence[float] = ()) -> CRS:
    """Return the CRS of a raster, proved against what is declared and its own corners.

    Parameters
    ----------
    file : rasterio.DatasetReader
    name : str
    declared : str or None
        CRS that the project declares.
    towgs84 : sequence of float
        Parameters of an old datum, as the project declares them.

    Raises
    ------
    CrsError
        If it has no place or no CRS, or contradicts the declared one.
    """
    grid = file.transform
    numbers = np.array([grid.a, grid.b, grid.c, grid.d, grid.e, grid.f])
    if grid.is_identity or not np.isfinite(numbers).all() or grid.determinant == 0.0:
        raise CrsError(fatal("population.no_place", name=name))
    stated = CRS.from_wkt(file.crs.to_wkt()) if file.crs else None
    x, y = _border(file, steps=2)
    bounds = (float(x.min()), float(y.min()), float(x.max()), float(y.max()))
    return settle_crs(stated, declared, name=name, bounds=bounds, towgs84=towgs84)


def _border(file: Any, *, steps: int) -> tuple[Floats, Floats]:
    """Return places round the grid, in its own CRS; its four corners with two steps a side."""
    part = np.linspace(0.0, 1.0, steps)[:-1]
    none, full = np.zeros(steps - 1), np.ones(steps - 1)
    col = np.concatenate([part, full, 1.0 - part, none]) * file.width
    row = np.concatenate([none, part, full, 1.0 - part]) * file.height
    return places_of_cells(row, col, transform=file.transform)


def footprint(file: Any) -> NDArray[np.float64]:
    """Return the ring of the grid's corners in its own CRS, turned grids included.

    Returns
    -------
    numpy.ndarray of float, shape (4, 2)
    """
    return np.column_stack(_border(file, steps=2))


def area_window(
    file: Any, area: Bounds | None, *, crs: CRS, name: str, margin_m: float = MARGIN_M
) -> Window:
    """Return the part of a raster that lies about an area.

    Parameters
    ----------
    file : rasterio.DatasetReader
    area : tuple of float, optional
        West, south, east, north, in degrees; None: the whole raster.
    crs : pyproj.CRS
        Of the raster.
    name : str
    margin_m : float
        How far beyond the area cells are read.

    Raises
    ------
    InputError
        If no cell lies there.
    """
    whole = Window(0, 0, file.width, file.height)
    if area is None or not np.isfinite(area).all():
        return whole
    north_m = margin_m / _M_PER_DEGREE
    east_m = north_m / max(math.cos(math.radians(max(abs(area[1]), abs(area[3])))), 0.01)
    lon = np.linspace(area[0] - east_m, area[2] + east_m, _STEPS)
    lat = np.linspace(area[1] - north_m, area[3] + north_m, _STEPS)
    lons, lats = np.meshgrid(lon, lat)
    x, y = Transformer.from_crs(WGS84, crs, always_xy=True).transform(lons.ravel(), lats.ravel())
    # The inverse leads from coordinates to column and row.
    col, row = places_of_cells(np.asarray(y), np.asarray(x), transform=~file.transform)
    if not (np.isfinite(col).all() and np.isfinite(row).all()):
        return whole
    first_col, last_col = max(math.floor(col.min()), 0), min(math.ceil(col.max()), file.width)
    first_row, last_row = max(math.floor(row.min()), 0), min(math.ceil(row.max()), file.height)
    if first_col >= last_col or first_row >= last_row:
        x, y = _border(file, steps=_STEPS)
        lon, lat = Transformer.from_crs(crs, WGS84, always_xy=True).transform(x, y)
        details: dict[str, object] = {
            "own": f"{min(lon):.3f}, {min(lat):.3f}, {max(lon):.3f}, {max(lat):.3f}",
            "area": ", ".join(f"{value:.3f}" for value in area),
        }
        raise InputError(fatal("population.no_overlap", name=name, value=name, details=details))
    return Window(first_col, first_row, last_col - first_col, last_row - first_row)


def same_grid(one: Any, other: Any, *, names: tuple[str, str]) -> None:
    """Refuse a second raster that is not on the grid of the first.

    Raises
    ------
    InputError
        With both grids.
    """
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
        "other": names[0],
        "own_grid": f"{other.width}×{other.height}, {_corner(other)}",
        "other_grid": f"{one.width}×{one.height}, {_corner(one)}",
    }
    raise InputError(
        fatal("population.grid_mismatch", name=names[1], value=names[1], details=details)
    )


def _corner(file: Any) -> str:
    size = math.sqrt(abs(file.transform.determinant))
    # Two grids may differ by a small part of a cell, far behind the decimal point of a degree.
    return f"({file.transform.c:.12g}, {file.transform.f:.12g}), {size:.12g}, {file.crs or '–'}"


def windows(file: Any, part: Window) -> Iterator[list[Window]]:
    """Yield rows of windows that together are a part of a raster, each within whole blocks.

    A block is unpacked once, and no window holds more cells than a few million or one block.

    Parameters
    ----------
    file : rasterio.DatasetReader
    part : rasterio.windows.Window

    Yields
    ------
    list of rasterio.windows.Window
        Of the same rows, from west to east.
    """
    high, wide = (int(size) for size in file.block_shapes[0])
    rows = max(_WINDOW_CELLS // max(part.width, 1) // high, 1) * high
    cols = max(_WINDOW_CELLS // rows // wide, 1) * wide
    for top, height in _cuts(part.row_off, part.height, rows):
        yield [
            Window(left, top, width, height)
            for left, width in _cuts(part.col_off, part.width, cols)
        ]


def _cuts(start: int, length: int, step: int) -> list[tuple[int, int]]:
    """Cut a stretch at the multiples of a step; return the start and the length of each piece."""
    inner = range((start // step + 1) * step, start + length, step)
    edges = [start, *inner, start + length]
    return [(low, high - low) for low, high in itertools.pairwise(edges)]


def read_values(file: Any, window: Window, *, name: str) -> tuple[NDArray[Any], Any]:
    """Return the values of a window, and the one that stands for no data.

    Parameters
    ----------
    file : rasterio.DatasetReader
    window : rasterio.windows.Window
    name : str

    Returns
    -------
    values : numpy.ndarray, shape (height, width)
        In the type of the file; as floats, with NaN for no data, where the file has a mask, a
        scale or an offset.
    nodata : scalar of the type of ``values``, or None

    Raises
    ------
    InputError
        If the file is cut off or broken there.
    """
    flags = {flag.name for flag in file.mask_flag_enums[0]}
    scale, offset = file.scales[0], file.offsets[0]
    plain = (scale, offset) == (1.0, 0.0) and flags <= {"all_valid", "nodata"}
    try:
        values: NDArray[Any] = file.read(1, window=window)
        there = None if plain else file.read_masks(1, window=window) != 0
    except (RasterioError, OSError, ValueError) as error:
        raise _unreadable(name, error) from None
    if there is not None:
        values = values.astype(np.float64) * scale + offset
        values[~there] = np.nan
        return values, None
    nodata = file.nodata
    whole = values.dtype.kind != "f"
    if nodata is None or math.isnan(nodata) or (whole and nodata != int(nodata)):
        return values, None
    with np.errstate(over="ignore"):
        return values, values.dtype.type(nodata)


def file_problems(file: Any, *, name: str) -> list[Problem]:
    """Return what is odd about a raster and does not stop its reading.

    Parameters
    ----------
    file : rasterio.DatasetReader
    name : str
    """
    odd = [
        ("several_bands", str(file.count), file.count > 1),
        ("palette", name, file.colorinterp[0].name == "palette"),
    ]
    problems = [
        Problem(code=f"population.{code}", severity="warning", file=name, value=value)
        for code, value, found in odd
        if found
    ]
    scale, offset = file.scales[0], file.offsets[0]
    if (scale, offset) != (1.0, 0.0):
        problems.append(
            Problem(
                code="population.scaled",
                severity="note",
                file=name,
                value=f"{scale:g}",
                details={"offset": f"{offset:g}"},
            )
        )
    return problems
