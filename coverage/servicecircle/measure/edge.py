"""The edge of the study area: people who may be served from beyond the border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from servicecircle.measure.beyond import beyond_roads

__all__ = ["Edge", "Exits", "near_edge", "outer_area", "road_exits", "unanswered"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

CUT_M = 1.0
"""A dead end this near to the border is taken as cut off there: piers and lanes rarely are."""
_LEAST_HOLE_M2 = 1e6
_SAME_AREA = 1e-3
# A by-way leads out where it gets this part of the limit off the area.
_OFF = 0.5


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Exits:
    """Where roads lead out of the study area.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (e,)
        Where segments that lead out cross the border, then the roads cut at it.
    crossings, cut : int
        Roads that cross the border and lead out, and dead ends that lie at it.
    short : int
        Of the crossings, those beyond which all given roads end before the limit, followed where
        they lead; a road that comes back into the area does not end.
    road_m_beyond : float
        Road outside the area that a crossing leads to within the limit, along the roads.
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
    (1, 1, 0, 900.0)
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
    border = shapely.boundary(area)
    shapely.prepare(border)
    over = _touching(x, y, u, v, border)
    crossed = _crossings(x, y, (u[over], v[over]), inside, area)
    # Every way counts once at each end; a dead end has one neighbour.
    degree = np.bincount(np.concatenate([u, v]), minlength=x.size)
    for_all = np.zeros(x.size, np.bool_)
    for_all[u[open_to_all]] = for_all[v[open_to_all]] = True
    # Paths end at beaches and fences, which are borders too; a street that does was cut off.
    dead = np.flatnonzero((degree == 1) & for_all)
    at_border = dead[shapely.dwithin(border, shapely.points(x[dead], y[dead]), CUT_M)]
    leave = crossed.segment
    cut = np.setdiff1d(at_border, np.concatenate([u[over][leave], v[over][leave]]))
    apart = ~inside[u] & ~inside[v]
    apart[over] = False
    beyond = beyond_roads(
        (np.concatenate([x, crossed.x]), np.concatenate([y, crossed.y])),
        (
            np.concatenate([u[apart], crossed.outer]),
            np.concatenate([v[apart], x.size + np.arange(crossed.x.size)]),
        ),
        first_exit=x.size,
    )
    leads_on = beyond.reach(limit_m)
    streets = open_to_all[over][leave]
    leading = streets | leads_on
    by_ways = np.flatnonzero(leads_on & ~streets)
    if by_ways.size:
        # A path along the shore is long, but leads nowhere.
        own = beyond.component[beyond.exits[by_ways]]
        rows = np.flatnonzero(np.isin(beyond.component, own))
        off = shapely.distance(area, shapely.points(beyond.x[rows], beyond.y[rows]))
        away = beyond.component[rows[off >= _OFF * limit_m]]
        leading[by_ways] = np.isin(own, away)
    return Exits(
        x=np.concatenate([crossed.x[leading], x[cut]]),
        y=np.concatenate([crossed.y[leading], y[cut]]),
        crossings=int(leading.sum()),
        cut=int(cut.size),
        short=int((leading & ~leads_on & beyond.ends_somewhere()).sum()),
        road_m_beyond=beyond.metres_within(leading, limit_m),
    )


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Crossings:
    """Where segments cross the border: place, number of the segment, its node beyond."""

    x: Floats
    y: Floats
    segment: Ints
    outer: Ints


def _touching(x: Floats, y: Floats, u: Ints, v: Ints, border: shapely.Geometry) -> Ints:
    """Return the segments that meet the border."""
    if not u.size or shapely.is_empty(border):
        return np.empty(0, np.int64)
    tree = shapely.STRtree(_segments(x, y, u, v))
    return np.sort(np.unique(tree.query(shapely.get_parts(border), predicate="intersects")[1]))


def _segments(x: Floats, y: Floats, u: Ints, v: Ints) -> Shapes:
    ends = np.stack([np.column_stack([x[u], y[u]]), np.column_stack([x[v], y[v]])], axis=1)
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _crossings(
    x: Floats, y: Floats, ends: tuple[Ints, Ints], inside: Bools, area: shapely.Geometry
) -> _Crossings:
    """Cut segments at the border; a part outside that no node ends leads nowhere but back."""
    u, v = ends
    outside = shapely.difference(_segments(x, y, u, v), area) if u.size else np.empty(0, object)
    parts, segment = shapely.get_parts(outside, return_index=True)
    kept = shapely.get_num_coordinates(parts) > 1
    parts, segment = parts[kept], segment[kept].astype(np.int64)
    first = shapely.get_coordinates(shapely.get_point(parts, 0)).reshape(-1, 2)
    last = shapely.get_coordinates(shapely.get_point(parts, -1)).reshape(-1, 2)
    # Parts keep the direction of their segment, and its nodes bit for bit.
    at_u = ~inside[u[segment]] & (first == np.column_stack([x[u], y[u]])[segment]).all(axis=1)
    at_v = ~inside[v[segment]] & (last == np.column_stack([x[v], y[v]])[segment]).all(axis=1)
    from_u, to_v = at_u & ~at_v, at_v & ~at_u
    place = np.concatenate([last[from_u], first[to_v]])
    return _Crossings(
        x=place[:, 0],
        y=place[:, 1],
        segment=np.concatenate([segment[from_u], segment[to_v]]),
        outer=np.concatenate([u[segment[from_u]], v[segment[to_v]]]),
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


def unanswered(
    edge: Edge, x: Floats, y: Floats, area: shapely.Geometry, *, beyond: tuple[Floats, Floats]
) -> Bools:
    """Find who near the edge has no known facility beyond it where they would leave.

    Parameters
    ----------
    edge : Edge
        Of the points.
    x, y : numpy.ndarray of float, shape (n,)
        The points, in metres.
    area : shapely.Geometry
    beyond : pair of numpy.ndarray of float, shape (f,)
        Facilities beyond the border, of one layer.

    Returns
    -------
    numpy.ndarray of bool, shape (n,)
        Points near an exit without a facility within the limit of it in a straight line; without
        roads the nearest point of the border is the exit.

    Examples
    --------
    >>> square = shapely.box(0, 0, 1000, 1000)
    >>> x, y = np.array([10.0, 950.0]), np.array([500.0, 500.0])
    >>> edge = near_edge(x, y, square, limit_m=100.0, exits=None)
    >>> east = np.array([1050.0]), np.array([500.0])
    >>> unanswered(edge, x, y, square, beyond=east).tolist()
    [True, False]
    >>> unanswered(edge, x, y, square, beyond=(east[0][:0], east[1][:0])).tolist()
    [True, True]
    """
    if not beyond[0].size or not edge.near.any():
        return edge.near.copy()
    tree = cKDTree(np.column_stack(beyond))
    most = edge.limit_m * (1.0 + 1e-12)

    def far(places: Floats) -> Bools:
        alone: Bools = ~np.isfinite(tree.query(places, distance_upper_bound=most)[0])
        return alone

    found = np.zeros_like(edge.near)
    rows = np.flatnonzero(edge.near)
    if edge.exits is None:
        border = shapely.boundary(area)
        ways = shapely.shortest_line(shapely.points(x[rows], y[rows]), border)
        found[rows] = far(shapely.get_coordinates(shapely.get_point(ways, 1)))
        return found
    places = np.column_stack([edge.exits.x, edge.exits.y])
    lonely = places[far(places)]
    if lonely.size:
        distance = cKDTree(lonely).query(
            np.column_stack([x[rows], y[rows]]), distance_upper_bound=most
        )[0]
        found[rows] = np.isfinite(distance)
    return found


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
