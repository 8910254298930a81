"""True places, areas and sizes of the cells of a grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj

from servicecircle.errors import CrsError
from servicecircle.inputs.coordinates import Floats, fatal

__all__ = ["Indices", "cell_areas_m2", "half_diagonals_m", "places_of_cells"]

Indices = NDArray[np.int32] | NDArray[np.int64]


def places_of_cells(
    row: NDArray[Any], col: NDArray[Any], *, transform: Any
) -> tuple[Floats, Floats]:
    """Return the coordinates of places given in rows and columns.

    Examples
    --------
    >>> from affine import Affine
    >>> grid = Affine(2.0, 0.0, 10.0, 0.0, -2.0, 9.0)
    >>> x, y = places_of_cells(np.array([0.5]), np.array([0.5]), transform=grid)
    >>> x.tolist(), y.tolist()
    ([11.0], [8.0])
    """
    x = transform.a * col + transform.b * row + transform.c
    y = transform.d * col + transform.e * row + transform.f
    return np.asarray(x, np.float64), np.asarray(y, np.float64)


def half_diagonals_m(
    row: Indices, col: Indices, lat: Floats, *, transform: Any, crs: CRS
) -> Floats:
    """Return half the diagonal of each cell, taken as a rectangle of its true area.

    Parameters
    ----------
    row, col : numpy.ndarray of int, shape (n,)
    lat : numpy.ndarray of float, shape (n,)
        Latitude of the centres.
    transform : affine.Affine
    crs : pyproj.CRS

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Metres.

    Examples
    --------
    >>> from affine import Affine
    >>> cell = np.array([3_400_000 // 100]), np.array([0])
    >>> grid = Affine(100.0, 0.0, 500_000.0, 0.0, 100.0, 0.0)
    >>> half_diagonals_m(*cell, np.array([30.7]), transform=grid, crs=CRS("EPSG:4549")).round(1)
    array([70.7])
    """
    if not len(row):
        return np.empty(0)
    height = math.hypot(transform.b, transform.e)
    width = math.hypot(transform.a, transform.d)
    if crs.is_geographic:
        area = cell_areas_m2(row, col, transform=transform, crs=crs)
        ratio = height / (width * np.maximum(np.cos(np.radians(lat)), 1e-6))
    else:
        # The scale of a projection hardly changes over a layer: the middle cell stands for all.
        middle = slice(len(row) // 2, len(row) // 2 + 1)
        one = cell_areas_m2(row[middle], col[middle], transform=transform, crs=crs)
        area, ratio = np.full(len(row), one[0]), np.full(len(row), height / width)
    return np.asarray(np.sqrt(area * (ratio + 1.0 / ratio)) / 2.0, np.float64)


def cell_areas_m2(row: Indices, col: Indices, *, transform: Any, crs: CRS) -> Floats:
    """Return the true area of cells of a grid, on the ellipsoid.

    Parameters
    ----------
    row, col : numpy.ndarray of int, shape (n,)
        0-based.
    transform : affine.Affine
        From column and row to coordinates.
    crs : pyproj.CRS
        In a geographic one a row is the zone between two parallels, exactly; in a projected one
        the planar area is divided by the areal scale at the centre of the cell (0.9992 in the
        middle of a UTM zone, 1.33 in Web Mercator at 30° N).

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        Square metres.

    Examples
    --------
    >>> from affine import Affine
    >>> cells = np.array([0]), np.array([0])
    >>> degree = Affine(1.0, 0.0, 120.0, 0.0, -1.0, 1.0)
    >>> round(float(cell_areas_m2(*cells, transform=degree, crs=CRS("EPSG:4326"))[0]) / 1e6, 1)
    12308.5
    >>> cell_areas_m2(cells[0][:0], cells[1][:0], transform=degree, crs=CRS("EPSG:4326")).shape
    (0,)
    """
    x, y = places_of_cells(row + 0.5, col + 0.5, transform=transform)
    if not crs.is_geographic:
        metres = crs.axis_info[0].unit_conversion_factor
        lon, lat = Proj(crs)(x, y, inverse=True)
        scale = np.asarray(Proj(crs).get_factors(lon, lat).areal_scale, np.float64)
        return np.asarray(abs(transform.determinant) * metres**2 / scale, np.float64)
    radians = crs.axis_info[0].unit_conversion_factor
    ellipsoid = crs.ellipsoid
    if ellipsoid is None:
        raise CrsError(fatal("vector.bad_crs", name="", value=crs.name))
    axis, flattening = ellipsoid.semi_major_metre, 1.0 / (ellipsoid.inverse_flattening or math.inf)
    if transform.b == 0.0 and transform.d == 0.0:
        edges = transform.f + transform.e * np.stack([row, row + 1.0])
        zone = np.diff(_zone_m2(edges * radians, axis, flattening), axis=0)[0]
        return np.asarray(np.abs(zone * transform.a * radians), np.float64)
    eccentricity2 = flattening * (2.0 - flattening)
    # A turned grid in degrees: the area at the centre stands for the cell.
    latitude = y * radians
    curvature = (1.0 - eccentricity2 * np.sin(latitude) ** 2) ** 2
    square = axis**2 * (1.0 - eccentricity2) * np.cos(latitude) / curvature
    return np.asarray(abs(transform.determinant) * radians**2 * square, np.float64)


def _zone_m2(latitude: Floats, axis_m: float, flattening: float) -> Floats:
    """Return the area between the equator and a latitude, per radian of longitude."""
    eccentricity2 = flattening * (2.0 - flattening)
    sine = np.sin(latitude)
    if not eccentricity2:
        return axis_m**2 * sine
    eccentricity = math.sqrt(eccentricity2)
    first = sine / (1.0 - eccentricity2 * sine**2)
    return (
        axis_m**2
        * (1.0 - eccentricity2)
        / 2.0
        * (first + np.arctanh(eccentricity * sine) / eccentricity)
    )
