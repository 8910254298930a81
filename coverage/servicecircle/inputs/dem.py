"""Heights of places from a raster of the ground (a DEM), between the centres of four cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.errors import RasterioError
from rasterio.windows import Window

from servicecircle.errors import InputError
from servicecircle.inputs.coordinates import WGS84, fatal
from servicecircle.inputs.raster_file import open_raster, prove
from servicecircle.problems import Problem

__all__ = ["read_heights"]

Floats = NDArray[np.float64]

_STRIP_ROWS = 1024


def read_heights(
    path: Path, lon: Floats, lat: Floats, *, name: str, crs: str | None = None
) -> tuple[Floats, list[Problem]]:
    """Read the height of each place.

    Parameters
    ----------
    path : pathlib.Path
        A raster with one band of heights, in metres.
    lon, lat : numpy.ndarray of float, shape (n,)
        Places, in degrees.
    name : str
        The file as the project names it.
    crs : str, optional
        Declares the CRS of a file that states none.

    Returns
    -------
    heights_m : numpy.ndarray of float, shape (n,)
        Bilinear between the centres of the four cells around the place, at the rim of the nearest
        ones; NaN beyond the raster, and where one of the four that counts has no data.
    problems : list of Problem
        How many places have no height.

    Raises
    ------
    InputError
        If the file is missing or cannot be read, or no place has a height.
    CrsError
        If it has no CRS, or contradicts the declared one.

    Examples
    --------
    >>> read_heights(Path("no.tif"), np.zeros(1), np.zeros(1), name="no.tif")
    Traceback (most recent call last):
    servicecircle.errors.InputError: no.tif: file not found: no.tif
      paths are relative to the folder of the project file
      check the spelling of the path and the name
    """
    with open_raster(path, name) as file:
        settled = prove(file, name=name, declared=crs)
        x, y = Transformer.from_crs(WGS84, settled, always_xy=True).transform(lon, lat)
        try:
            heights = _bilinear(file, np.asarray(x, np.float64), np.asarray(y, np.float64))
        except (RasterioError, OSError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise InputError(
                fatal("input.unreadable", name=name, value=name, details={"reason": reason})
            ) from None
    missing = int(np.isnan(heights).sum())
    if missing == heights.size and missing:
        raise InputError(fatal("dem.elsewhere", name=name, value=str(missing)))
    problems = []
    if missing:
        problems.append(
            Problem(
                code="dem.no_height",
                severity="warning",
                action="counted",
                file=name,
                value=str(missing),
                details={"total": heights.size},
            )
        )
    return heights, problems


def _bilinear(file: Any, x: Floats, y: Floats) -> Floats:
    """Sample strip by strip, so that a raster need not fit into memory."""
    inverse = ~file.transform
    column = inverse.a * x + inverse.b * y + inverse.c
    row = inverse.d * x + inverse.e * y + inverse.f
    inside = (column >= 0) & (column <= file.width) & (row >= 0) & (row <= file.height)
    # From centre to centre; within half a cell of the rim the outermost centres hold.
    column = np.clip(column - 0.5, 0, file.width - 1)
    row = np.clip(row - 0.5, 0, file.height - 1)
    heights = np.full(x.size, np.nan)
    places = np.flatnonzero(inside)
    strip = (row[places] // _STRIP_ROWS).astype(np.int64)
    for number in np.unique(strip).tolist():
        here = places[strip == number]
        top, left = number * _STRIP_ROWS, int(column[here].min())
        right = min(int(column[here].max()) + 2, file.width)
        bottom = min(top + _STRIP_ROWS + 1, file.height)
        window = Window(left, top, right - left, bottom - top)
        cells = file.read(1, window=window, masked=True).astype(np.float64).filled(np.nan)
        cells = cells * file.scales[0] + file.offsets[0]
        heights[here] = _between(cells, row[here] - top, column[here] - left)
    return heights


def _between(cells: Floats, row: Floats, column: Floats) -> Floats:
    r, c = row.astype(np.int64), column.astype(np.int64)
    down, right = row - r, column - c
    total = np.zeros(row.size)
    for dr, dc, weight in (
        (0, 0, (1 - down) * (1 - right)),
        (0, 1, (1 - down) * right),
        (1, 0, down * (1 - right)),
        (1, 1, down * right),
    ):
        counts = weight > 0.0
        at = (
            np.minimum(r + dr, cells.shape[0] - 1)[counts],
            np.minimum(c + dc, cells.shape[1] - 1)[counts],
        )
        total[counts] += weight[counts] * cells[at]
    return total
