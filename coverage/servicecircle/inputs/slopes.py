"""How steep the ground is at places, from a raster of its heights (a DEM)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from servicecircle.errors import InputError
from servicecircle.inputs.dem import read_heights
from servicecircle.project import Project

__all__ = ["Slopes", "slopes_of", "slopes_percent"]

Floats = NDArray[np.float64]
Slopes = Callable[[Floats, Floats], Floats]
"""From longitudes and latitudes to a number for each place."""

STEP_M = 15.0
"""How far to each side of a place the heights lie by which its slope is told."""
_METRES_A_DEGREE = 111_195.0


def slopes_of(project: Project) -> Slopes | None:
    """Return what tells the slope of the ground, by the DEM of the roads.

    Parameters
    ----------
    project : Project

    Returns
    -------
    callable or None
        From longitudes and latitudes to percent, NaN where the DEM tells no height; None where no
        slope is too steep, or there is no DEM. It raises an InputError where that cannot be read.
    """
    settings, roads = project.siting, project.roads
    if settings is None or settings.slope_max_percent is None or roads is None:
        return None
    dem = roads.dem
    if dem is None:
        return None

    def heights(lon: Floats, lat: Floats) -> Floats:
        try:
            return read_heights(project.folder / dem, lon, lat, name=dem.as_posix())[0]
        except InputError as error:
            if {one.code for one in error.problems} == {"dem.elsewhere"}:
                return np.full(lon.size, np.nan)
            raise

    return lambda lon, lat: slopes_percent(heights, lon, lat)


def slopes_percent(heights: Slopes, lon: Floats, lat: Floats) -> Floats:
    """Return the slope of the ground at places, in percent.

    From the heights 15 m to the east, west, north and south: the length of the gradient by
    central differences (Fleming and Hoffer 1979; Ritter 1987), times 100.

    Parameters
    ----------
    heights : callable
        From longitudes and latitudes to metres, NaN where unknown.
    lon, lat : numpy.ndarray of float, shape (n,)

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        NaN where one of the four heights is unknown.

    Examples
    --------
    >>> hill = lambda lon, lat: (lat - 30.0) * 111_195.0 * 0.25
    >>> slopes_percent(hill, np.array([120.0]), np.array([30.0])).round(6).tolist()
    [25.0]
    >>> slopes_percent(hill, np.empty(0), np.empty(0)).size
    0
    """
    north = np.full(lon.size, STEP_M / _METRES_A_DEGREE)
    east = north / np.cos(np.radians(lat))
    none = np.zeros(lon.size)
    around = ((east, none), (-east, none), (none, north), (none, -north))
    at = heights(
        np.concatenate([lon + dx for dx, _ in around]),
        np.concatenate([lat + dy for _, dy in around]),
    ).reshape(4, lon.size)
    rise = np.hypot(at[0] - at[1], at[2] - at[3])
    return np.asarray(100.0 * rise / (2.0 * STEP_M))
