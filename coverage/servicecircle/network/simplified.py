"""Circles with fewer vertices: borders that two bands share stay shared, so that none cross."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

__all__ = ["simplified"]


def simplified(
    circles: Sequence[shapely.MultiPolygon], tolerance_m: float
) -> list[shapely.MultiPolygon]:
    """Simplify the nested circles of one origin without letting them cross.

    The faces between all borders together form a coverage, which is simplified as one
    (Visvalingam-Whyatt on shared borders); each circle is put together again from its faces.

    Parameters
    ----------
    circles : sequence of shapely.MultiPolygon
        Ascending, each within the next.
    tolerance_m : float
        Roughly the square root of the area of a triangle that may vanish; 0 changes nothing.

    Returns
    -------
    list of shapely.MultiPolygon
        Valid, each within the next.

    Raises
    ------
    ValueError
        If the tolerance is negative or not finite.

    Examples
    --------
    >>> zigzag = shapely.Polygon([(0, 0), (5, 1), (10, 0), (10, 9), (0, 9)])
    >>> inner, outer = shapely.MultiPolygon([zigzag]), shapely.MultiPolygon([zigzag.buffer(5)])
    >>> small, large = simplified([inner, outer], 4.0)
    >>> shapely.get_num_coordinates(small) < shapely.get_num_coordinates(inner)
    np.True_
    >>> shapely.covers(large, small), simplified([], 4.0)
    (np.True_, [])
    """
    if not 0.0 <= tolerance_m < np.inf:
        raise ValueError(f"tolerance {tolerance_m} m: must be 0 or more, and finite")
    if tolerance_m == 0.0 or not circles:
        return list(circles)
    # Noded at once, so that both sides of a border have the same vertices; differences do not.
    borders = shapely.union_all(shapely.boundary(np.array(circles, object)))
    faces = shapely.get_parts(shapely.polygonize([borders]))
    inner = shapely.point_on_surface(faces)
    first = np.full(faces.size, len(circles))
    for at in range(len(circles) - 1, -1, -1):
        first[shapely.intersects(circles[at], inner)] = at
    faces, first = faces[first < len(circles)], first[first < len(circles)]
    found = shapely.coverage_simplify(faces, tolerance_m)
    return [_polygons(shapely.coverage_union_all(found[first <= at])) for at in range(len(circles))]


def _polygons(shape: shapely.Geometry) -> shapely.MultiPolygon:
    parts = shapely.get_parts(shape)
    return shapely.MultiPolygon(
        list(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
    )
