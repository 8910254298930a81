"""Which unit a point lies in, at each level; the sums that must close."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.project import LEVELS

__all__ = ["GAP_M", "Placing", "coarser_than_placed", "place_points"]

Floats = NDArray[np.float64]

GAP_M = 200.0
"""A point in a gap between units belongs to the nearest unit within this distance."""


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
    x: Floats, y: Floats, polygons: NDArray[np.object_], *, gap_m: float = GAP_M
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
        point, found = tree.query_nearest(points[missed], max_distance=gap_m)
        nearest = np.full(missed.size, polygons.size, np.int64)
        np.minimum.at(nearest, point, found)
        first[missed] = nearest
        in_gap[finite[missed[nearest < polygons.size]]] = True
    polygon[finite] = np.where(first < polygons.size, first, -1)
    return Placing(polygon=polygon, in_gap=in_gap)


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
