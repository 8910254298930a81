"""Shapes and areas of polygons in degrees: equal areas on the ellipsoid, mended rings."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from servicecircle.inputs.coordinates import WGS84, Floats
from servicecircle.inputs.crossings import (
    MANY_CROSSINGS,
    MOST_CROSSINGS,
    hopeless_crossings,
    sampled_crossings,
)

__all__ = ["Geometries", "areas_m2", "equal_area_crs", "polygons_only", "project"]

Geometries = NDArray[np.object_]

_POLYGON, _MULTIPOLYGON = 3, 6


def equal_area_crs(geometries: Geometries) -> CRS:
    """Return an equal-area CRS about the middle of some geometries in degrees.

    Its centre is rounded to whole degrees, so that small changes of a layer do not move the grid
    of points that is laid out in it.

    Examples
    --------
    >>> one, other = shapely.points([[120.2, 30.3]]), shapely.points([[120.0, 30.0]])
    >>> equal_area_crs(one) == equal_area_crs(other)
    True
    """
    west, south, east, north = (float(value) for value in shapely.total_bounds(geometries))
    lon, lat = round((west + east) / 2.0), round((south + north) / 2.0)
    return CRS.from_proj4(f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m +no_defs")


def project(geometries: Geometries, crs: CRS, *, back: bool = False) -> Geometries:
    """Project geometries from degrees to a CRS in metres, or back.

    Examples
    --------
    >>> point = shapely.points([[120.0, 30.0]])
    >>> there = project(point, equal_area_crs(point))
    >>> shapely.get_coordinates(there).tolist()
    [[0.0, 0.0]]
    """
    pair = (crs, WGS84) if back else (WGS84, crs)
    move = Transformer.from_crs(*pair, always_xy=True)

    def places(points: Floats) -> Floats:
        return np.column_stack(move.transform(points[:, 0], points[:, 1]))

    return np.asarray(shapely.transform(geometries, places), dtype=object)


def areas_m2(geometries: Geometries) -> Floats:
    """Return the areas of geometries in degrees, in square metres on the ellipsoid.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)

    Returns
    -------
    numpy.ndarray of float, shape (n,)
        0 for None, empty, points and lines.

    Examples
    --------
    >>> areas_m2(np.array([None], dtype=object)).tolist()
    [0.0]
    """
    geometries = np.asarray(geometries, dtype=object)
    if bool(np.all(shapely.is_missing(geometries) | shapely.is_empty(geometries))):
        return np.zeros(len(geometries))
    return np.nan_to_num(shapely.area(project(geometries, equal_area_crs(geometries))))


def polygons_only(geometries: Geometries) -> Geometries:
    """Return the polygons of each geometry, mended where they are invalid.

    An outline with more than 20,000 crossings is given up: mending it would take hours.

    Parameters
    ----------
    geometries : numpy.ndarray of shapely geometries, shape (n,)

    Returns
    -------
    numpy.ndarray of Polygon, MultiPolygon or None, shape (n,)
        None where nothing with an area is left, or no end of crossings.

    Examples
    --------
    >>> bow_tie = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])
    >>> shapely.area(polygons_only(np.array([bow_tie, shapely.Point(0, 0)]))).tolist()
    [0.5, nan]
    """
    result: Geometries = np.array(geometries, dtype=object)
    result[shapely.is_missing(result) | shapely.is_empty(result)] = None
    crossings = hopeless_crossings(result)
    # To ask whether a hopeless outline is valid takes longer than all the rest.
    result[list(crossings)] = None
    broken = ~shapely.is_valid(result) & ~shapely.is_missing(result)
    crossings = sampled_crossings(result, np.flatnonzero(broken))
    many = {at: count for at, count in crossings.items() if count > MANY_CROSSINGS}
    for row, count in many.items():
        result[row] = (
            None
            if count > MOST_CROSSINGS
            else shapely.make_valid(result[row], method="structure", keep_collapsed=False)
        )
    broken[list(many)] = False
    result[broken] = shapely.make_valid(result[broken])
    kinds = shapely.get_type_id(result)
    for at in np.flatnonzero(~np.isin(kinds, (_POLYGON, _MULTIPOLYGON)) & (kinds >= 0)):
        result[at] = _polygon_parts(shapely.get_parts(result[at]))
    return result


def _polygon_parts(parts: Geometries) -> shapely.Geometry | None:
    flat = shapely.get_parts(parts)
    faces = flat[(shapely.get_type_id(flat) == _POLYGON) & ~shapely.is_empty(flat)]
    if not len(faces):
        return None
    return faces[0] if len(faces) == 1 else shapely.union_all(faces)
