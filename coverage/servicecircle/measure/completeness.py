"""Completeness of the roads: their length in each unit held against its neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from servicecircle.measure.places import GAP_M, place_points

__all__ = ["COLUMNS", "road_completeness", "road_metres"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

COLUMNS = (
    "unit_id",
    "code",
    "name",
    "level",
    "status",
    "area_km2",
    "population",
    "road_m",
    "road_m_per_person",
    "road_m_per_km2",
    "neighbours",
    "per_person_ratio",
    "per_km2_ratio",
)
SPARSE_RATIO = 1.0 / 3.0
"""Less than this part of what neighbours have, by person and by area, points at missing roads."""
LEAST_PEOPLE = 50.0
LEAST_NEIGHBOURS = 3
NEXT_NEIGHBOURS = 8
HARDLY_M_PER_PERSON = 0.1
"""With a tenth of a metre a person a town of ten thousand has one kilometre of road."""


def road_metres(x: Floats, y: Floats, ends: tuple[Ints, Ints], polygons: Shapes) -> Floats:
    """Return the metres of road in each polygon, a segment counted where its middle lies.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Nodes, in metres; segments of nodes that are not finite are left out.
    ends : pair of numpy.ndarray of int, shape (m,)
    polygons : numpy.ndarray of shapely geometries, shape (p,)

    Returns
    -------
    numpy.ndarray of float, shape (p,)

    Examples
    --------
    >>> boxes = shapely.box([0, 100], [0, 0], [100, 200], [100, 100])
    >>> x, y = np.array([10.0, 60.0, 160.0, np.nan]), np.array([50.0, 50.0, 50.0, 0.0])
    >>> road_metres(x, y, (np.array([0, 1, 2]), np.array([1, 2, 3])), boxes).tolist()
    [50.0, 100.0]
    >>> road_metres(x, y, (np.empty(0, int), np.empty(0, int)), boxes).tolist()
    [0.0, 0.0]
    """
    u, v = ends
    length = np.hypot(x[u] - x[v], y[u] - y[v])
    middle_x, middle_y = (x[u] + x[v]) / 2.0, (y[u] + y[v]) / 2.0
    at = place_points(middle_x, middle_y, polygons, gap_m=0.0).polygon
    here = at >= 0
    return np.bincount(at[here], length[here], len(polygons)).astype(np.float64)


def road_completeness(
    units: pd.DataFrame, polygons: Shapes, *, road_m: Floats, people: Floats
) -> pd.DataFrame:
    """Hold the roads of each unit of one level against its neighbours.

    A sparse unit of the hills has little road by area and much by person, a dense one the
    reverse. One that has little by both, with people living in it, lacks roads in the data.

    Parameters
    ----------
    units : pandas.DataFrame
        unit_id, code, name, level; of one level.
    polygons : numpy.ndarray of shapely geometries, shape (p,)
        In metres.
    road_m : numpy.ndarray of float, shape (p,)
    people : numpy.ndarray of float, shape (p,)
        NaN: unknown; then only the area is compared, and nothing is called sparse.

    Returns
    -------
    pandas.DataFrame
        The columns of ``roads_by_unit.csv``. Neighbours are the units within 200 m, where they
        are fewer than three the eight nearest; the ratios are to their medians. ``status`` is
        ``none`` (people, and no road or a tenth of a metre a person), ``sparse`` (less than a
        third of the neighbours' median by person and by area), ``ok``, ``nobody`` (fewer than 50
        people) or ``alone`` (nothing to compare with).

    Examples
    --------
    >>> boxes = shapely.box([0, 1000, 2000, 3000], 0, [1000, 2000, 3000, 4000], 1000)
    >>> units = pd.DataFrame({"unit_id": list("abcd"), "code": "", "name": "", "level": "township"})
    >>> road_completeness(
    ...     units, boxes, road_m=np.array([9e3, 8e3, 1e3, 8e3]), people=np.full(4, 900.0)
    ... )["status"].tolist()
    ['ok', 'ok', 'sparse', 'ok']
    >>> road_completeness(
    ...     units[:1], boxes[:1], road_m=np.array([9e3]), people=np.array([900.0])
    ... )["status"].tolist()
    ['alone']
    """
    area = shapely.area(polygons) / 1e6
    by_person = np.divide(road_m, people, out=np.full(len(units), np.nan), where=people > 0.0)
    by_area = np.divide(road_m, area, out=np.full(len(units), np.nan), where=area > 0.0)
    groups = _neighbours(polygons)
    ratios = np.full((len(units), 2), np.nan)
    counts = np.array([len(group) for group in groups], np.int64)
    for at, group in enumerate(groups):
        for column, values in enumerate((by_person, by_area)):
            others = values[group][np.isfinite(values[group])]
            if others.size and np.median(others) > 0.0:
                ratios[at, column] = values[at] / np.median(others)
    enough = np.nan_to_num(people) >= LEAST_PEOPLE
    status = np.full(len(units), "ok", object)
    status[enough & (ratios[:, 0] < SPARSE_RATIO) & (ratios[:, 1] < SPARSE_RATIO)] = "sparse"
    status[np.isnan(ratios).any(axis=1) & enough] = "alone"
    status[enough & (np.nan_to_num(by_person) < HARDLY_M_PER_PERSON)] = "none"
    status[~enough] = "nobody"
    table = units[["unit_id", "code", "name", "level"]].reset_index(drop=True)
    table["status"] = status
    table["area_km2"], table["population"], table["road_m"] = area, people, road_m
    table["road_m_per_person"], table["road_m_per_km2"] = by_person, by_area
    table["neighbours"] = counts
    table["per_person_ratio"], table["per_km2_ratio"] = ratios.T
    return table


def _neighbours(polygons: Shapes) -> list[Ints]:
    """Return the units within reach of a gap of each, or the nearest where those are few."""
    count = len(polygons)
    tree = shapely.STRtree(polygons)
    one, other = tree.query(polygons, predicate="dwithin", distance=GAP_M)
    apart = one != other
    one, other = one[apart], other[apart]
    order = np.lexsort((other, one))
    groups = np.split(other[order], np.cumsum(np.bincount(one, minlength=count))[:-1])
    few = [at for at, group in enumerate(groups) if len(group) < LEAST_NEIGHBOURS]
    if few and count > 1:
        centres = shapely.centroid(polygons)
        for at in few:
            distance = shapely.distance(centres[at], centres)
            nearest = np.argsort(distance, kind="stable")
            groups[at] = nearest[nearest != at][:NEXT_NEIGHBOURS].astype(np.int64)
    return [group.astype(np.int64) for group in groups]
