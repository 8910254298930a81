"""The edge of the study area: people who may be served from beyond the border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

__all__ = ["Edge", "Exits", "near_edge", "outer_area", "road_exits"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

CUT_M = 1.0
"""A dead end this near to the border is taken as cut off there: piers and lanes rarely are."""
_LEAST_HOLE_M2 = 1e6
_SAME_AREA = 1e-3
# Roads lead on where some vertex about an exit lies this part of the limit off the area.
_OFF, _ABOUT = 0.5, 1.25


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Exits:
    """Where roads lead out of the study area.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (e,)
        Places of the crossings that lead out, then of the roads cut at the border.
    crossings, cut : int
        Roads that cross the border and lead out, and dead ends that lie at it.
    short : int
        Of the crossings, those beyond which the given roads end before half the limit.
    road_m_beyond : float
        Road given outside the area, within the limit of an exit.
    """

    x: Floats
    y: Floats
    crossings: int
    cut: int
    short: int
    road_m_beyond: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Edge:
    """People near the edge.

    Parameters
    ----------
    near : numpy.ndarray of bool, shape (n,)
        Points within the limit, in a straight line, of a road that leads out; without roads, of
        the border itself. Who lives farther cannot reach anything beyond within the limit.
    limit_m : float
    exits : Exits, optional
        None without roads.
    """

    near: Bools
    limit_m: float
    exits: Exits | None


def outer_area(polygons: Shapes, level: NDArray[np.object_]) -> shapely.Geometry:
    """Return the area that all units cover, its slivers and small holes filled.

    Of several levels the one with the largest area is taken, of equal ones the one with fewest
    units.

    Parameters
    ----------
    polygons : numpy.ndarray of shapely geometries, shape (p,)
        In metres.
    level : numpy.ndarray of str, shape (p,)

    Returns
    -------
    shapely.Geometry
        Holes of less than 1 km² are gaps between units, not edges.

    Examples
    --------
    >>> two = shapely.box([0, 100], [0, 0], [100, 200], [100, 100])
    >>> whole = outer_area(two, np.array(["township", "township"], object))
    >>> whole.area, whole.length
    (20000.0, 600.0)
    >>> outer_area(two[:0], np.empty(0, object)).is_empty
    True
    """
    if not len(polygons):
        return shapely.Polygon()
    names = list(dict.fromkeys(level.tolist()))
    areas = np.array([shapely.area(polygons[level == name]).sum() for name in names])
    counts = np.array([(level == name).sum() for name in names])
    widest = np.flatnonzero(areas >= areas.max() * (1.0 - _SAME_AREA))
    chosen = names[int(widest[np.argmin(counts[widest])])]
    whole = shapely.union_all(polygons[level == chosen])
    parts = shapely.get_parts(whole)
    filled = [
        shapely.Polygon(
            part.exterior,
            [ring for ring in part.interiors if shapely.Polygon(ring).area >= _LEAST_HOLE_M2],
        )
        for part in parts
        if isinstance(part, shapely.Polygon)
    ]
    return shapely.union_all(filled)


def road_exits(
    x: Floats,
    y: Floats,
    ends: tuple[Ints, Ints],
    area: shapely.Geometry,
    *,
    limit_m: float,
    through: Bools | None = None,
) -> Exits:
    """Find where roads lead out of an area, or are cut off at its border.

    A way that crosses the border and leads on is an exit. One that ends soon is one only if it
    is a road for all: a pier or a path to the beach leads nowhere, a street was cut off.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Nodes of the roads, in metres; not finite: never used.
    ends : pair of numpy.ndarray of int, shape (m,)
        Nodes of each straight segment that can be travelled.
    area : shapely.Geometry
    limit_m : float
    through : numpy.ndarray of bool, shape (m,), optional
        Segments of roads for all, not of footways, tracks or drives; left out: all are.

    Returns
    -------
    Exits

    Examples
    --------
    >>> square = shapely.box(0, 0, 1000, 1000)
    >>> x = np.array([500.0, 990.0, 1100.0, 1900.0, 500.0])
    >>> y = np.array([500.0, 500.0, 500.0, 500.0, 1000.0])
    >>> ends = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 4])
    >>> exits = road_exits(x, y, ends, square, limit_m=900.0)
    >>> exits.crossings, exits.cut, exits.short, exits.road_m_beyond
    (1, 1, 0, 800.0)
    >>> road_exits(x, y, (ends[0][:0], ends[1][:0]), square, limit_m=900.0).crossings
    0
    """
    good = np.isfinite(x[ends[0]] + y[ends[0]] + x[ends[1]] + y[ends[1]])
    u, v = ends[0][good], ends[1][good]
    open_to_all = np.ones(u.size, np.bool_) if through is None else through[good]
    used = np.zeros(x.size, np.bool_)
    used[u] = used[v] = True
    nodes = np.flatnonzero(used)
    shapely.prepare(area)
    inside = np.zeros(x.size, np.bool_)
    inside[nodes] = shapely.intersects_xy(area, x[nodes], y[nodes])
    over = np.flatnonzero(inside[u] != inside[v])
    inner = np.where(inside[u], u, v)[over]
    # Every way counts once at each end; a dead end has one neighbour.
    degree = np.bincount(np.concatenate([u, v]), minlength=x.size)
    for_all = np.zeros(x.size, np.bool_)
    for_all[u[open_to_all]] = for_all[v[open_to_all]] = True
    # Paths end at beaches and fences, which are borders too; a street that does was cut off.
    dead = np.flatnonzero((degree == 1) & for_all)
    border = shapely.boundary(area)
    shapely.prepare(border)
    at_border = dead[shapely.dwithin(border, shapely.points(x[dead], y[dead]), CUT_M)]
    cut = np.setdiff1d(at_border, np.concatenate([u[over], v[over]]))
    out = nodes[~inside[nodes]]
    beyond, leads_on = 0.0, np.zeros(inner.size, np.bool_)
    if inner.size and out.size:
        places = np.column_stack([x[inner], y[inner]])
        distance = cKDTree(places).query(
            np.column_stack([x[out], y[out]]), distance_upper_bound=_ABOUT * limit_m
        )[0]
        about = out[np.isfinite(distance)]
        off = shapely.distance(area, shapely.points(x[about], y[about]))
        far = about[off >= _OFF * limit_m]
        if far.size:
            nearest = cKDTree(np.column_stack([x[far], y[far]])).query(
                places, distance_upper_bound=_ABOUT * limit_m
            )[0]
            leads_on = np.isfinite(nearest)
        near = np.zeros(x.size, np.bool_)
        near[out[distance <= limit_m]] = True
        mine = (near[u] | near[v]) & ~inside[u] & ~inside[v]
        beyond = float(np.hypot(x[u] - x[v], y[u] - y[v])[mine].sum())
    leading = leads_on | open_to_all[over]
    exits = np.concatenate([inner[leading], cut])
    return Exits(
        x=x[exits],
        y=y[exits],
        crossings=int(leading.sum()),
        cut=int(cut.size),
        short=int((leading & ~leads_on).sum()),
        road_m_beyond=beyond,
    )


def near_edge(
    x: Floats, y: Floats, area: shapely.Geometry, *, limit_m: float, exits: Exits | None
) -> Edge:
    """Find the points from which something beyond the border may lie within the limit.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Points, in metres; not finite: not near.
    area : shapely.Geometry
    limit_m : float
    exits : Exits or None
        None without roads: the whole border counts.

    Returns
    -------
    Edge

    Examples
    --------
    >>> square = shapely.box(0, 0, 1000, 1000)
    >>> x, y = np.array([500.0, 950.0, np.nan]), np.array([500.0, 500.0, 0.0])
    >>> near_edge(x, y, square, limit_m=100.0, exits=None).near.tolist()
    [False, True, False]
    >>> nowhere = np.empty(0)
    >>> closed = Exits(x=nowhere, y=nowhere, crossings=0, cut=0, short=0, road_m_beyond=0.0)
    >>> near_edge(x, y, square, limit_m=100.0, exits=closed).near.tolist()
    [False, False, False]
    """
    near = np.zeros(x.size, np.bool_)
    rows = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if exits is None:
        border = shapely.boundary(area)
        shapely.prepare(border)
        near[rows] = shapely.dwithin(border, shapely.points(x[rows], y[rows]), limit_m)
    elif exits.x.size and rows.size:
        rows = rows[_in_cells_about(x[rows], y[rows], exits, limit_m)]
        tree = cKDTree(np.column_stack([exits.x, exits.y]))
        distance = tree.query(
            np.column_stack([x[rows], y[rows]]), distance_upper_bound=limit_m * (1.0 + 1e-12)
        )[0]
        near[rows] = np.isfinite(distance)
    return Edge(near=near, limit_m=limit_m, exits=exits)


def _in_cells_about(x: Floats, y: Floats, exits: Exits, limit_m: float) -> Bools:
    """Return the points in the cells of side ``limit_m`` at or beside the cell of an exit.

    Most points are far from every exit, and are told so by one look-up.
    """
    low_x, low_y = min(x.min(), exits.x.min()), min(y.min(), exits.y.min())
    side = max(limit_m, (max(np.ptp(x), np.ptp(y)) + limit_m) / 4000.0)
    exit_i = ((exits.x - low_x) // side).astype(np.int64)
    exit_j = ((exits.y - low_y) // side).astype(np.int64)
    i, j = ((x - low_x) // side).astype(np.int64), ((y - low_y) // side).astype(np.int64)
    marked = np.zeros((max(i.max(), exit_i.max()) + 3, max(j.max(), exit_j.max()) + 3), np.bool_)
    for step_i in (0, 1, 2):
        for step_j in (0, 1, 2):
            marked[exit_i + step_i, exit_j + step_j] = True
    found: Bools = marked[i + 1, j + 1]
    return found
