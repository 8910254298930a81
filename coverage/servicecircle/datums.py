"""Datums of Chinese maps.

The GCJ-02 and BD-09 offsets are the published formulae that all converters share; the inverse is
a fixed-point iteration to below a tenth of a millimetre.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from servicecircle.errors import CrsError
from servicecircle.problems import Problem

__all__ = [
    "bd09_to_gcj02",
    "bd09_to_wgs84",
    "gcj02_to_bd09",
    "gcj02_to_wgs84",
    "in_mainland_china",
    "to_wgs84",
    "wgs84_to_bd09",
    "wgs84_to_gcj02",
]

Floats = NDArray[np.float64]

# Krasovsky 1940, which the GCJ-02 formula is written for.
_AXIS_M = 6378245.0
_ECCENTRICITY2 = 0.00669342162296594323
_BD_PI = math.pi * 3000.0 / 180.0

# Coarse outline (a tenth to half a degree outside the land border and the coast) of the area in
# which GCJ-02 is in use. Own drawing; the neighbours it must not touch are cut close.
_MAINLAND = (
    (73.3, 39.3),
    (74.8, 40.6),
    (76.8, 41.2),
    (80.1, 42.3),
    (80.0, 45.1),
    (82.3, 45.4),
    (83.0, 47.4),
    (85.4, 47.3),
    (85.6, 48.5),
    (87.4, 49.3),
    (88.2, 49.0),
    (91.2, 46.8),
    (91.0, 45.4),
    (95.4, 44.4),
    (97.3, 42.9),
    (101.0, 42.8),
    (105.0, 41.7),
    (107.6, 42.6),
    (110.5, 42.8),
    (111.8, 43.6),
    (111.5, 44.5),
    (113.6, 45.0),
    (115.8, 45.8),
    (119.6, 46.9),
    (118.4, 48.0),
    (115.6, 47.7),
    (115.4, 48.3),
    (116.6, 49.9),
    (119.1, 50.2),
    (119.0, 51.4),
    (120.7, 53.4),
    (123.4, 53.7),
    (126.0, 53.2),
    (127.7, 50.0),
    (130.7, 49.0),
    (131.1, 47.9),
    (134.9, 48.6),
    (134.2, 46.9),
    (133.2, 45.0),
    (131.5, 44.9),
    (131.4, 42.9),
    (130.5, 42.4),
    (129.9, 43.0),
    (128.2, 41.9),
    (126.9, 41.7),
    (125.0, 40.5),
    (124.2, 39.7),
    (122.5, 37.0),
    (122.6, 31.0),
    (123.0, 29.5),
    (121.0, 26.8),
    (120.4, 25.8),
    (119.2, 24.6),
    (117.2, 23.0),
    (114.7, 22.3),
    (114.45, 22.55),
    (114.24, 22.55),
    (114.22, 22.556),
    (114.16, 22.56),
    (114.12, 22.535),
    (114.09, 22.53),
    (114.06, 22.515),
    (114.03, 22.505),
    (113.95, 22.47),
    (113.87, 22.42),
    (113.75, 22.25),
    (113.56, 22.215),
    (113.535, 22.215),
    (113.53, 22.1),
    (113.5, 21.5),
    (111.5, 20.5),
    (111.2, 18.9),
    (109.5, 17.9),
    (108.3, 18.6),
    (108.4, 21.2),
    (107.9, 21.5),
    (106.6, 22.0),
    (105.3, 23.4),
    (103.9, 22.5),
    (102.4, 22.4),
    (101.7, 21.1),
    (99.9, 21.7),
    (98.8, 23.2),
    (97.5, 23.9),
    (97.6, 24.9),
    (98.6, 27.6),
    (97.3, 28.2),
    (94.6, 29.3),
    (92.0, 27.7),
    (88.9, 27.3),
    (88.7, 28.1),
    (86.0, 27.9),
    (81.5, 30.3),
    (78.7, 31.3),
    (78.9, 33.0),
    (78.1, 35.5),
    (75.8, 36.6),
    (73.6, 38.4),
)


@cache
def _mainland() -> Any:
    import shapely

    outline = shapely.Polygon(_MAINLAND)
    shapely.prepare(outline)
    return outline


def in_mainland_china(lon: ArrayLike, lat: ArrayLike) -> NDArray[np.bool_]:
    """Return which points lie where GCJ-02 is in use.

    The outline is coarse; Taiwan, Hong Kong, Macau and the neighbouring countries lie outside, as
    in the outline of unshifted maps of PRCoords (github.com/Artoria2e5/PRCoords). Chinese
    providers differ on Hong Kong and Macau: a list from one that shifts them is off there.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        Degrees.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)

    Examples
    --------
    >>> in_mainland_china([120.2, 121.5], [30.3, 25.05]).tolist()  # Hangzhou, Taipei
    [True, False]
    """
    import shapely

    return np.asarray(
        shapely.contains_xy(_mainland(), np.asarray(lon, float), np.asarray(lat, float))
    )


def _gcj02_offset(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    wave = (20.0 * np.sin(6.0 * x * np.pi) + 20.0 * np.sin(2.0 * x * np.pi)) * 2.0 / 3.0
    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave
    d_lat += (20.0 * np.sin(y * np.pi) + 40.0 * np.sin(y / 3.0 * np.pi)) * 2.0 / 3.0
    d_lat += (160.0 * np.sin(y / 12.0 * np.pi) + 320.0 * np.sin(y * np.pi / 30.0)) * 2.0 / 3.0
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave
    d_lon += (20.0 * np.sin(x * np.pi) + 40.0 * np.sin(x / 3.0 * np.pi)) * 2.0 / 3.0
    d_lon += (150.0 * np.sin(x / 12.0 * np.pi) + 300.0 * np.sin(x / 30.0 * np.pi)) * 2.0 / 3.0
    phi = np.radians(lat)
    magic = 1.0 - _ECCENTRICITY2 * np.sin(phi) ** 2
    root = np.sqrt(magic)
    meridian = _AXIS_M * (1.0 - _ECCENTRICITY2) / (magic * root)
    return (
        np.degrees(d_lon / (_AXIS_M / root * np.cos(phi))),
        np.degrees(d_lat / meridian),
    )


def _arrays(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    return np.asarray(lon, np.float64), np.asarray(lat, np.float64)


def wgs84_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS84 to GCJ-02; the identity outside mainland China.

    Parameters
    ----------
    lon, lat : array_like of float, shape (n,)
        Degrees.

    Returns
    -------
    lon, lat : numpy.ndarray of float, shape (n,)

    Examples
    --------
    >>> lon, lat = wgs84_to_gcj02([121.5], [25.05])  # Taipei
    >>> float(lon[0]), float(lat[0])
    (121.5, 25.05)
    """
    lon, lat = _arrays(lon, lat)
    d_lon, d_lat = _gcj02_offset(lon, lat)
    inside = in_mainland_china(lon, lat)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def gcj02_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo :func:`wgs84_to_gcj02`, to below 0.1 mm.

    The shift ends at the outline, so that in a strip as wide as the shift two places may have the
    same GCJ-02 coordinates, or none. What the formula leads back to inside the outline comes from
    there; all else is taken as not shifted. The formula itself goes on smoothly beyond, so the
    iteration converges everywhere.

    Examples
    --------
    >>> lon, lat = gcj02_to_wgs84(*wgs84_to_gcj02([120.2], [30.3]))
    >>> bool(abs(lon[0] - 120.2) < 1e-9 and abs(lat[0] - 30.3) < 1e-9)
    True
    """
    lon, lat = _arrays(lon, lat)
    # The offset changes by 1e-5 of a step, so each round gains five digits: three suffice.
    guess_lon, guess_lat = lon, lat
    for _ in range(5):
        d_lon, d_lat = _gcj02_offset(guess_lon, guess_lat)
        guess_lon, guess_lat = lon - d_lon, lat - d_lat
    inside = in_mainland_china(guess_lon, guess_lat)
    return np.where(inside, guess_lon, lon), np.where(inside, guess_lat, lat)


def gcj02_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift GCJ-02 to BD-09.

    Examples
    --------
    >>> lon, lat = gcj02_to_bd09([120.2], [30.3])
    >>> round(float(lon[0]) - 120.2, 3), round(float(lat[0]) - 30.3, 3)
    (0.007, 0.006)
    >>> gcj02_to_bd09([], [])[0].size
    0
    """
    lon, lat = _arrays(lon, lat)
    radius = np.hypot(lon, lat) + 2e-5 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 3e-6 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def bd09_to_gcj02(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo :func:`gcj02_to_bd09`, to below 0.1 mm.

    Examples
    --------
    >>> lon, lat = bd09_to_gcj02(*gcj02_to_bd09([120.2], [30.3]))
    >>> bool(abs(lon[0] - 120.2) < 1e-9 and abs(lat[0] - 30.3) < 1e-9)
    True
    """
    lon, lat = _arrays(lon, lat)
    guess_lon, guess_lat = lon - 0.0065, lat - 0.006
    for _ in range(10):
        there_lon, there_lat = gcj02_to_bd09(guess_lon, guess_lat)
        guess_lon, guess_lat = guess_lon + lon - there_lon, guess_lat + lat - there_lat
    return guess_lon, guess_lat


def wgs84_to_bd09(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Shift WGS84 to BD-09 by way of GCJ-02.

    Examples
    --------
    >>> wgs84_to_bd09([], [])[0].shape
    (0,)
    """
    return gcj02_to_bd09(*wgs84_to_gcj02(lon, lat))


def bd09_to_wgs84(lon: ArrayLike, lat: ArrayLike) -> tuple[Floats, Floats]:
    """Undo :func:`wgs84_to_bd09`, to below 0.1 mm.

    Examples
    --------
    >>> lon, lat = bd09_to_wgs84(*wgs84_to_bd09([120.2], [30.3]))
    >>> bool(abs(lon[0] - 120.2) < 1e-9 and abs(lat[0] - 30.3) < 1e-9)
    True
    """
    return gcj02_to_wgs84(*bd09_to_gcj02(lon, lat))


def to_wgs84(lon: ArrayLike, lat: ArrayLike, *, datum: str) -> tuple[Floats, Floats]:
    """Convert from a declared datum to WGS84.

    CGCS2000 and WGS84 are taken as one: they agreed to centimetres in 2000, and the plate that
    CGCS2000 moves with has gone less than 1 m since.

    Raises
    ------
    CrsError
        If the datum is none of wgs84, cgcs2000, gcj02, bd09.

    Examples
    --------
    >>> to_wgs84([1.0], [2.0], datum="cgcs2000")[0].tolist()
    [1.0]
    """
    if datum in ("wgs84", "cgcs2000"):
        return _arrays(lon, lat)
    if datum == "gcj02":
        return gcj02_to_wgs84(lon, lat)
    if datum == "bd09":
        return bd09_to_wgs84(lon, lat)
    raise CrsError(
        Problem(code="crs.unknown_datum", severity="fatal", action="stopped", value=datum)
    )
