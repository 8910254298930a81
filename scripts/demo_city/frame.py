"""The frame that everything is drawn in: a 100 m grid in EPSG:4549, row 0 in the south."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from scipy.ndimage import gaussian_filter, map_coordinates

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

SEED = 20251231
EPSG = 4549
CELL_M = 100.0
WEST, SOUTH = 440_000.0, 3_203_000.0
COLUMNS, ROWS = 360, 340


def from_km(points: object) -> Floats:
    """Return map coordinates (n, 2) in metres of points in km from the frame's corner."""
    return np.asarray(points, dtype=float) * 1000.0 + (WEST, SOUTH)


def to_lonlat(xy: Floats) -> Floats:
    """Return longitude and latitude (n, 2) in CGCS2000, rounded to about a centimetre."""
    change = Transformer.from_crs(EPSG, 4490, always_xy=True)
    lon, lat = change.transform(xy[:, 0], xy[:, 1])
    return np.column_stack([np.round(lon, 7), np.round(lat, 7)])


def centres() -> Floats:
    """Return the centres of all cells, (ROWS * COLUMNS, 2), row by row from the south."""
    x = WEST + CELL_M * (np.arange(COLUMNS) + 0.5)
    y = SOUTH + CELL_M * (np.arange(ROWS) + 0.5)
    grid = np.meshgrid(x, y)
    return np.column_stack([grid[0].ravel(), grid[1].ravel()])


def cell_of(xy: Floats) -> Ints:
    """Return the flat cell index of each point, clipped to the frame."""
    column = np.clip(((xy[:, 0] - WEST) // CELL_M).astype(np.int64), 0, COLUMNS - 1)
    row = np.clip(((xy[:, 1] - SOUTH) // CELL_M).astype(np.int64), 0, ROWS - 1)
    return np.asarray(row * COLUMNS + column, dtype=np.int64)


def sample(grid: Floats, xy: Floats) -> Floats:
    """Return a grid's values at points, interpolated between cell centres."""
    row = (xy[:, 1] - SOUTH) / CELL_M - 0.5
    column = (xy[:, 0] - WEST) / CELL_M - 0.5
    return np.asarray(map_coordinates(grid, [row, column], order=1, mode="nearest"))


def smooth_noise(rng: np.random.Generator, *, sigma: float) -> Floats:
    """Return a smooth random grid of mean 0 and standard deviation 1."""
    field = gaussian_filter(rng.standard_normal((ROWS, COLUMNS)), sigma, mode="reflect")
    return np.asarray((field - field.mean()) / field.std())
