"""Which unit a point lies in, at each level; the sums that must close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.project import DRAWN_LEVELS, LEVELS

__all__ = [
    "GAP_M",
    "Placing",
    "UnitPlaces",
    "coarser_than_placed",
    "gaps_between",
    "place_in_units",
    "place_points",
]

Floats = NDArray[np.float64]
Shapes = NDArray[np.object_]

GAP_M = 200.0
"""A point in a gap between units belongs to the nearest unit within this distance."""
_ENCLOSED = 0.999
# Rounding of projected borders, in metres.
_HAIR_M = 1e-3


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Placing:
    """The polygon of each point.

    Parameters
    ----------
    polygon : numpy.ndarray of int, shape (k,)
        Index of the polygon, -1 for a point outside all.
    in_gap : numpy.ndarray of bool, shape (k,)
        Points that lie in no polygon and went to the nearest one within reach.
    """

    polygon: NDArray[np.int64]
    in_gap: NDArray[np.bool_]


def place_points(
    x: Floats,
    y: Floats,
    polygons: NDArray[np.object_],
    *,
    gap_m: float = GAP_M,
    between: bool = False,
) -> Placing:
    """Give each point at most one polygon.

    A point on a shared border goes to the polygon that comes first.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (k,)
        Metres, in the coordinate system of the polygons. Not finite: outside.
    polygons : numpy.ndarray of shapely geometries, shape (p,)
    gap_m : float
        How far a point in a gap may be from the polygon it goes to; 0: gaps stay outside.
    between : bool
        Whether gaps are only those of :func:`gaps_between`, so that a point beyond the outer
        border of all stays outside. People of cells all along that border would add up.

    Returns
    -------
    Placing

    Examples
    --------
    >>> boxes = shapely.box([0, 1000], [0, 0], [1000, 2000], [1000, 1000])
    >>> placing = place_points(np.array([1000.0, 2100.0, 5e4]), np.full(3, 500.0), boxes)
    >>> placing.polygon.tolist(), placing.in_gap.tolist()
    ([0, 1, -1], [False, True, False])
    """
    polygon = np.full(x.size, -1, np.int64)
    in_gap = np.zeros(x.size, bool)
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if not finite.size or not polygons.size:
        return Placing(polygon=polygon, in_gap=in_gap)
    tree = shapely.STRtree(polygons)
    points = np.asarray(shapely.points(x[finite], y[finite]))
    point, found = tree.query(points, predicate="intersects")
    first = np.full(finite.size, polygons.size, np.int64)
    np.minimum.at(first, point, found)
    missed = np.flatnonzero(first == polygons.size)
    if missed.size and gap_m > 0.0:
        (point, found), metres = tree.query_nearest(
            points[missed], max_distance=gap_m, return_distance=True
        )
        if between and point.size:
            gaps = shapely.STRtree(gaps_between(polygons, gap_m=gap_m))
            here = np.isin(point, gaps.query(points[missed], predicate="intersects")[0])
            here |= metres <= _HAIR_M
            point, found = point[here], found[here]
        nearest = np.full(missed.size, polygons.size, np.int64)
        np.minimum.at(nearest, point, found)
        first[missed] = nearest
        in_gap[finite[missed[nearest < polygons.size]]] = True
    polygon[finite] = np.where(first < polygons.size, first, -1)
    return Placing(polygon=polygon, in_gap=in_gap)


def gaps_between(polygons: NDArray[np.object_], *, gap_m: float = GAP_M) -> NDArray[np.object_]:
    """Return the gaps between polygons: what a closing of their union adds.

    The union is widened by ``gap_m`` and narrowed again (a morphological closing, Serra 1982,
    Image Analysis and Mathematical Morphology), which fills what is up to twice as wide. Of that
    a gap is what lies between several polygons or is enclosed by one; a notch in the outer border
    of a single polygon is none, nor is a wide hole, such as a county about its town.

    Parameters
    ----------
    polygons : numpy.ndarray of shapely geometries, shape (p,)
        Metres.
    gap_m : float
        Half the width of the widest gap.

    Returns
    -------
    numpy.ndarray of shapely Polygons, shape (g,)

    Examples
    --------
    >>> boxes = shapely.box([0, 1100], [0, 0], [1000, 2000], [1000, 1000])
    >>> shapely.bounds(gaps_between(boxes)).round(-1).tolist()
    [[1000.0, 0.0, 1100.0, 1000.0]]
    >>> gaps_between(boxes[:1]).size
    0
    """
    whole = shapely.union_all(polygons)
    closed = shapely.buffer(shapely.buffer(whole, gap_m), -gap_m)
    pieces = shapely.get_parts(shapely.difference(closed, whole))
    pieces = pieces[shapely.area(pieces) > _HAIR_M * shapely.length(pieces)]
    if not pieces.size:
        return np.asarray(pieces, dtype=object)
    owner, _ = shapely.STRtree(polygons).query(pieces, predicate="intersects")
    between = np.bincount(owner, minlength=pieces.size) > 1
    edges = shapely.boundary(pieces)
    shared = shapely.length(shapely.intersection(edges, shapely.boundary(whole)))
    enclosed = shared >= _ENCLOSED * shapely.length(edges)
    return np.asarray(pieces[between | enclosed], dtype=object)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class UnitPlaces:
    """The unit of each point at every level.

    Parameters
    ----------
    columns : dict of str to numpy.ndarray, shape (k,)
        ``unit_<level>`` → unit_id, None outside.
    in_gap : numpy.ndarray of bool, shape (k,)
        Points that went to the nearest unit of a level.
    outside : numpy.ndarray of bool, shape (k,)
        Points in no unit of any level.
    """

    columns: dict[str, NDArray[np.object_]]
    in_gap: NDArray[np.bool_]
    outside: NDArray[np.bool_]


def place_in_units(
    units: gpd.GeoDataFrame, units_xy: Shapes, x: Floats, y: Floats, *, between: bool = False
) -> UnitPlaces:
    """Give each point its unit at every level.

    Parameters
    ----------
    units : geopandas.GeoDataFrame
        Columns unit_id and level.
    units_xy : numpy.ndarray of shapely geometries, shape (len(units),)
        Their outlines in metres.
    x, y : numpy.ndarray of float, shape (k,)
        Metres, NaN without a place.
    between : bool
        See :func:`place_points`.

    Examples
    --------
    >>> units = gpd.GeoDataFrame({"unit_id": ["a", "b"], "level": ["township"] * 2})
    >>> boxes = shapely.box([0, 1000], [0, 0], [1000, 2000], [1000, 1000])
    >>> found = place_in_units(units, boxes, np.array([500.0, 5e4]), np.full(2, 500.0))
    >>> found.columns["unit_township"].tolist(), found.outside.tolist()
    (['a', None], [False, True])
    """
    columns: dict[str, NDArray[np.object_]] = {}
    in_gap = np.zeros(x.size, bool)
    outside = np.ones(x.size, bool)
    ids = units["unit_id"].to_numpy(object)
    for level in units["level"].drop_duplicates():
        rows = np.flatnonzero((units["level"] == level).to_numpy())
        # Units that are drawn may leave gaps: what lies there is in none of them.
        gap_m = 0.0 if level in DRAWN_LEVELS else GAP_M
        placing = place_points(x, y, units_xy[rows], gap_m=gap_m, between=between)
        found = placing.polygon >= 0
        column = np.full(x.size, None, object)
        column[found] = ids[rows[placing.polygon[found]]]
        columns[f"unit_{level}"] = column
        in_gap |= placing.in_gap
        outside &= ~found
    return UnitPlaces(columns=columns, in_gap=in_gap, outside=outside)


_PLACED_LEVEL = {"village": "village_level", "township": "township", "county": "county"}


def coarser_than_placed(
    columns: Mapping[str, NDArray[np.object_]], placed_by: Sequence[str]
) -> dict[str, NDArray[np.object_]]:
    """Return the units that points stand in without those that their place does not tell.

    A facility in the middle of a township stands in some village only by chance.

    Parameters
    ----------
    columns : mapping of str to numpy.ndarray, shape (k,)
        ``unit_<level>`` → unit of each point, None outside.
    placed_by : sequence of str, length k
        coordinates, street, geocoder, or the level of the unit it stands in the middle of.

    Examples
    --------
    >>> found = {
    ...     "unit_township": np.array(["a", "a"], object),
    ...     "unit_village_level": np.array(["b", "b"], object),
    ... }
    >>> kept = coarser_than_placed(found, ["coordinates", "township"])
    >>> {name: values.tolist() for name, values in kept.items()}
    {'unit_township': ['a', 'a'], 'unit_village_level': ['b', None]}
    """
    rank = {f"unit_{level}": number for number, level in enumerate(LEVELS)}
    level = np.array(
        [rank.get(f"unit_{_PLACED_LEVEL.get(one, '')}", len(LEVELS)) for one in placed_by],
        dtype=np.int64,
    )
    kept = {}
    for name, values in columns.items():
        kept[name] = values.copy()
        kept[name][level < rank.get(name, 0)] = None
    return kept
