"""Geometry and tables as the compact payload that a page carries.

Coordinates are whole hundred-thousandths of a degree (about a metre), each point as the step from
the one before: most steps are small numbers, which compress well. Shared borders stay shared.
"""

from __future__ import annotations

import base64
import gzip
import math
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import shapely

from servicecircle.outputs.escape import escape_json

__all__ = [
    "encode_lines",
    "encode_points",
    "encode_polygons",
    "number",
    "numbers",
    "pack",
    "simplify_coverage",
    "simplify_shapes",
]

Geometries = npt.NDArray[np.object_]
Flat = list[int]

SCALE = 100_000
_POLYGON, _LINE, _RING = 3, 1, 2
_PACK_FROM_BYTES = 1_000_000
_COARSEST_DEGREES = 0.01


def _steps(coordinates: npt.NDArray[np.float64], *, closed: bool) -> Flat:
    points = np.rint(coordinates * SCALE).astype(np.int64)
    if closed:
        points = points[:-1]
    keep = np.ones(len(points), dtype=bool)
    keep[1:] = (points[1:] != points[:-1]).any(axis=1)
    points = points[keep]
    if closed and len(points) > 1 and (points[0] == points[-1]).all():
        points = points[:-1]
    if len(points) < (3 if closed else 2):
        return []
    steps: Flat = np.diff(points, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel().tolist()
    return steps


def _slices(owner: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    return np.searchsorted(owner, np.arange(count + 1))


def encode_polygons(geometries: Geometries) -> list[list[list[Flat]]]:
    """Return polygons as rings of steps.

    Parameters
    ----------
    geometries : ndarray of shapely.Geometry or None, shape (n,)
        In degrees, longitude first. Parts that are not polygons are left out.

    Returns
    -------
    list, one per geometry
        Of polygons, of rings (the outer one first), of ``[x0, y0, dx, dy, …]`` in 1e-5 degrees;
        the closing point is left out, and so is a ring that rounding has flattened.

    Examples
    --------
    >>> encode_polygons(np.array([shapely.box(0, 0, 2e-5, 1e-5), None]))
    [[[[2, 0, 0, 1, -2, 0, 0, -1]]], []]
    """
    encoded: list[list[list[Flat]]] = [[] for _ in geometries]
    parts, owner = shapely.get_parts(geometries, return_index=True)
    # A collection holds multipolygons: take it apart once more.
    parts, inner = shapely.get_parts(parts, return_index=True)
    owner = owner[inner]
    polygons = shapely.get_type_id(parts) == _POLYGON
    parts, owner = parts[polygons], owner[polygons]
    rings, ring_owner = shapely.get_rings(parts, return_index=True)
    coordinates, point_owner = shapely.get_coordinates(rings, return_index=True)
    ring_from = _slices(ring_owner, len(parts))
    point_from = _slices(point_owner, len(rings))
    for part, unit in enumerate(owner.tolist()):
        first, last = ring_from[part], ring_from[part + 1]
        outlines = [
            _steps(coordinates[point_from[ring] : point_from[ring + 1]], closed=True)
            for ring in range(first, last)
        ]
        if outlines and outlines[0]:
            encoded[unit].append([outline for outline in outlines if outline])
    return encoded


def encode_lines(geometries: Geometries) -> list[Flat]:
    """Return lines, all parts in one list, as ``[x0, y0, dx, dy, …]`` in 1e-5 degrees.

    Examples
    --------
    >>> encode_lines(np.array([shapely.LineString([(1, 1), (1, 1.00002)]), None]))
    [[100000, 100000, 0, 2]]
    >>> encode_lines(np.array([], dtype=object))
    []
    """
    parts = shapely.get_parts(geometries)
    parts = parts[np.isin(shapely.get_type_id(parts), (_LINE, _RING))]
    coordinates, owner = shapely.get_coordinates(parts, return_index=True)
    start = _slices(owner, len(parts))
    lines = (
        _steps(coordinates[start[line] : start[line + 1]], closed=False)
        for line in range(len(parts))
    )
    return [line for line in lines if line]


def encode_points(lon: npt.ArrayLike, lat: npt.ArrayLike) -> Flat:
    """Return points as one list ``[x0, y0, dx, dy, …]`` in 1e-5 degrees, repeats kept.

    Examples
    --------
    >>> encode_points([120.0, 120.0], [29.0, 29.5])
    [12000000, 2900000, 0, 50000]
    >>> encode_points([], [])
    []
    """
    points = np.column_stack([np.asarray(lon, np.float64), np.asarray(lat, np.float64)])
    whole = np.rint(points * SCALE).astype(np.int64)
    flat: Flat = np.diff(whole, axis=0, prepend=np.zeros((1, 2), np.int64)).ravel().tolist()
    return flat


def simplify_coverage(geometries: Geometries, *, most_vertices: int) -> Geometries:
    """Return units with at most about so many vertices, shared borders still shared.

    Parameters
    ----------
    geometries : ndarray of shapely.Geometry or None, shape (n,)
        Polygons of one level in degrees.
    most_vertices : int
        Below it nothing is changed; above it the tolerance doubles from 1e-5 degrees until the
        units fit, or until 0.01 degrees.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> wavy = shapely.Polygon([(0, 0), (1, 0), (1, 1), (0.5, 1.000001), (0, 1)])
    >>> simple = simplify_coverage(np.array([wavy, None]), most_vertices=5)
    >>> int(shapely.get_num_coordinates(simple[0])), simple[1] is None
    (5, True)
    """
    simple = geometries.copy()
    usable = ~shapely.is_missing(geometries) & np.isin(shapely.get_type_id(geometries), (3, 6))
    tolerance = 1e-5
    while shapely.get_num_coordinates(simple).sum() > most_vertices:
        if tolerance > _COARSEST_DEGREES or not usable.any():
            break
        simple[usable] = shapely.coverage_simplify(geometries[usable], tolerance)
        tolerance *= 2
    return simple


def simplify_shapes(geometries: Geometries, *, tolerance: float, most_vertices: int) -> Geometries:
    """Return lines or circles simplified, each by itself.

    Parameters
    ----------
    geometries : ndarray of shapely.Geometry or None, shape (n,)
    tolerance : float
        Degrees to start with; doubled until all have at most `most_vertices` together.
    most_vertices : int

    Examples
    --------
    >>> line = shapely.LineString([(0, 0), (1, 1e-7), (2, 0)])
    >>> simple = simplify_shapes(np.array([line, None]), tolerance=1e-5, most_vertices=100)
    >>> int(shapely.get_num_coordinates(simple[0]))
    2
    """
    # Part by part: the search for crossings takes long over thousands of parts at once.
    parts, owner = shapely.get_parts(geometries, return_index=True)
    simple = shapely.simplify(parts, tolerance, preserve_topology=True)
    while (
        shapely.get_num_coordinates(simple).sum() > most_vertices and tolerance < _COARSEST_DEGREES
    ):
        tolerance *= 2
        simple = shapely.simplify(simple, tolerance, preserve_topology=True)
    whole = geometries.copy()
    ends = np.searchsorted(owner, np.arange(len(geometries) + 1)).tolist()
    for at, (first, last) in enumerate(pairwise(ends)):
        if last - first == 1:
            whole[at] = simple[first]
        elif last > first:
            whole[at] = shapely.GeometryCollection(list(simple[first:last]))
    return whole


def number(value: Any, *, digits: int = 0) -> float | int | None:
    """Return a number for JSON, None where there is none.

    Examples
    --------
    >>> number(3.4), number(3.456, digits=2), number(float("nan")), number(None)
    (3, 3.46, None, None)
    """
    try:
        finite = float(value)
    except (TypeError, ValueError):
        return None
    if not math.isfinite(finite):
        return None
    return round(finite, digits) if digits else round(finite)


def numbers(values: Iterable[Any], *, digits: int = 0) -> list[float | int | None]:
    """Return numbers for JSON, None where there is none.

    Examples
    --------
    >>> numbers([1.2, float("nan")])
    [1, None]
    """
    return [number(value, digits=digits) for value in values]


def pack(value: object) -> tuple[Literal["plain", "gzip"], str]:
    r"""Return a payload as text for a data block of a page, and how it is packed.

    Up to 1 MB it is JSON, safe inside a script element; above, gzip in base64. The same value
    gives the same text.

    Examples
    --------
    >>> pack({"name": "</script>"})
    ('plain', '{"name":"\\u003c/script\\u003e"}')
    >>> pack(["x" * 2_000_000])[0]
    'gzip'
    """
    text = escape_json(value)
    raw = text.encode("utf-8")
    if len(raw) <= _PACK_FROM_BYTES:
        return "plain", text
    return "gzip", base64.b64encode(gzip.compress(raw, compresslevel=6, mtime=0)).decode("ascii")
