"""Which coordinate systems would put the coordinates of a silent file into China or the project."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj

from servicecircle.datums import in_mainland_china

__all__ = ["area_of", "candidates", "told_candidates"]

Bounds = tuple[float, float, float, float]
Floats = NDArray[np.float64]

_MARGIN_DEGREES = 0.5
_SIX_DEGREE_WIDTH = 6.0


@dataclass(frozen=True, slots=True)
class _System:
    """A coordinate system in the words of a message; without a projection string, degrees."""

    code: str
    name: str
    proj: str = ""
    middle: float | None = None
    width: float = 0.0


@cache
def _systems() -> tuple[_System, ...]:
    """Return the systems that Chinese files come in, the likeliest first."""
    found = [_System("EPSG:4490", "CGCS2000, degrees")]
    # First code, count, first central meridian, width of a zone, first zone in front of x.
    families = (
        (4534, 21, 75, 3, 0, "CGCS2000 3° CM {middle}E"),
        (4513, 21, 75, 3, 25, "CGCS2000 3° zone {zone}"),
        (4502, 11, 75, 6, 0, "CGCS2000 6° CM {middle}E"),
        (4491, 11, 75, 6, 13, "CGCS2000 6° zone {zone}"),
    )
    for code, count, first, width, zone, name in families:
        for at in range(count):
            middle, prefix = first + width * at, (zone + at) * 1_000_000 if zone else 0
            found.append(
                _System(
                    f"EPSG:{code + at}",
                    name.format(middle=middle, zone=zone + at),
                    f"+proj=tmerc +lon_0={middle} +x_0={prefix + 500_000} +ellps=GRS80",
                    float(middle),
                    float(width),
                )
            )
    for zone in range(43, 54):
        middle = 6 * zone - 183
        proj = f"+proj=tmerc +lon_0={middle} +k_0=0.9996 +x_0=500000 +ellps=WGS84"
        found.append(_System(f"EPSG:{32600 + zone}", f"UTM {zone}N", proj, float(middle), 6.0))
    found.append(_System("EPSG:3857", "Web Mercator", "+proj=merc +R=6378137"))
    return tuple(found)


def candidates(bounds: Bounds, *, area: Bounds | None = None) -> list[tuple[str, str, bool]]:
    """Return the systems in which a file would lie in the area, or else in mainland China.

    Parameters
    ----------
    bounds : tuple of float
        min x, min y, max x, max y of the file, in its own coordinates.
    area : tuple of float, optional
        West, south, east, north of the project, in degrees, as far as it is known.

    Returns
    -------
    list of (str, str, bool)
        EPSG code, name, and whether the axes have to be swapped for it (northing first).

    Examples
    --------
    >>> around = (119.5, 30.0, 120.5, 30.6)  # Hangzhou
    >>> candidates((40510000.0, 3330000.0, 40520000.0, 3340000.0), area=around)
    [('EPSG:4528', 'CGCS2000 3° zone 40', False)]
    >>> candidates((3330000.0, 510000.0, 3340000.0, 520000.0), area=around)[0]
    ('EPSG:4549', 'CGCS2000 3° CM 120E', True)
    >>> candidates((0.0, 0.0, 1.0, 1.0), area=around)
    []
    """
    found = []
    corners = np.array(
        [[bounds[column], bounds[row]] for column in (0, 2) for row in (1, 3)], dtype=np.float64
    )
    if not np.isfinite(corners).all():
        return []
    for swapped in (False, True):
        x, y = corners[:, ::-1].T if swapped else corners.T
        for system in _systems():
            lon, lat = _degrees(system, x, y)
            if _inside(lon, lat, area) and _in_zone(system, lon):
                found.append((system.code, system.name, swapped))
        if found:
            return found
    return found


def _degrees(system: _System, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    if not system.proj:
        return x, y
    with np.errstate(invalid="ignore"):
        lon, lat = Proj(system.proj)(x, y, inverse=True)
    return np.asarray(lon, np.float64), np.asarray(lat, np.float64)


def _inside(lon: Floats, lat: Floats, area: Bounds | None) -> bool:
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        return False
    if area is None:
        return bool(in_mainland_china(lon.mean(), lat.mean()))
    west, south, east, north = area
    apart = lon.max() < west - _MARGIN_DEGREES or lon.min() > east + _MARGIN_DEGREES
    apart |= lat.max() < south - _MARGIN_DEGREES or lat.min() > north + _MARGIN_DEGREES
    return not apart


def _in_zone(system: _System, lon: Floats) -> bool:
    """Return whether the middle of a file lies in the zone, or little beside it."""
    half = system.width / 2.0 + _MARGIN_DEGREES
    return system.middle is None or abs(float(lon.mean()) - system.middle) <= half


def told_candidates(bounds: Bounds, *, area: Bounds | None = None) -> str:
    """Return the candidates for a message, "–" where there is none.

    Examples
    --------
    >>> told_candidates((120.0, 30.0, 120.5, 30.5))
    'crs = "EPSG:4490" (CGCS2000, degrees)'
    >>> told_candidates((0.0, 0.0, 1.0, 1.0))
    '–'
    """
    told = [
        f'crs = "{code}" ({name})' + (", swap_axes = true" if swapped else "")
        for code, name, swapped in candidates(bounds, area=area)
    ]
    return "; ".join(told) or "–"


def area_of(crs: CRS) -> Bounds | None:
    """Return west, south, east, north of where a CRS is used, by its code or its own parameters.

    A system that is in no register (a .prj with its own names) is used within a zone of 6° about
    its central meridian.

    Examples
    --------
    >>> area_of(CRS("EPSG:4549"))
    (118.5, 24.43, 121.5, 53.33)
    >>> area_of(CRS("+proj=tmerc +lon_0=120.5 +ellps=GRS80"))
    (117.5, -90.0, 123.5, 90.0)
    """
    own = crs.source_crs if crs.is_bound and crs.source_crs is not None else crs
    if own.area_of_use is not None:
        used = own.area_of_use
        return used.west, used.south, used.east, used.north
    projection = own.coordinate_operation
    if projection is None or not own.is_projected:
        return None
    if not projection.method_name.startswith("Transverse Mercator"):
        return None
    for parameter in projection.params:
        if parameter.name == "Longitude of natural origin":
            middle, half = round(float(parameter.value), 9), _SIX_DEGREE_WIDTH / 2.0
            return middle - half, -90.0, middle + half, 90.0
    return None
