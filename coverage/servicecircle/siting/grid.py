"""A thinned grid of candidates along the roads, and how far from it any point of them can be.

Every point of the roads at which a facility may stand is within a given distance of a candidate,
along the roads. Candidates are chosen as on a tree of shortest ways, where the choice is the
smallest (Kariv and Hakimi 1979, SIAM Journal on Applied Mathematics 37, 513-538): from the point
farthest from the root as far towards the root as the distance allows. On a network with loops the
choice still covers every point, but need not be the smallest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.heap import drop_first, push, wider_floats, wider_heads
from servicecircle.network.travel import Direction, Travel
from servicecircle.siting.refined import Refined, Steep, refined_roads

__all__ = ["Grid", "lattice", "network_grid"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]

_PIECES = 10.0


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Grid:
    """Candidates of a grid.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (k,)
        In metres.
    guarantee_m : float
        No point at which a facility may stand is farther than this from a candidate: along the
        roads, one-way streets ignored; of a lattice in a straight line. NaN without candidates.
    guarantee : float
        The same in the cost of the travel, in the direction of the layer's travel: with a
        candidate in the place of that point nobody's way costs more by more than this.
    road_m : float
        Roads at which a facility may stand.
    """

    x: Floats
    y: Floats
    guarantee_m: float
    guarantee: float
    road_m: float


def network_grid(
    travel: Travel,
    area: shapely.Geometry,
    zones: Shapes,
    *,
    every_m: float,
    direction: Direction = "to",
    steep: Steep | None = None,
) -> Grid:
    """Return candidates so that no point of the roads is farther than a distance from one.

    Where ways have a direction or a speed, candidates are added until no point of the roads costs
    more than the same distance on foot, in the direction of the layer's travel.

    Parameters
    ----------
    travel : Travel
    area : shapely.Geometry
        Study area, in metres.
    zones : numpy.ndarray of shapely.Geometry
        In which nothing may stand, in metres.
    every_m : float
    direction : {"to", "from"}
        Whether people travel to the facilities, or these to them.
    steep : callable, optional
        From places in metres to whether the ground there is too steep.

    Returns
    -------
    Grid

    Raises
    ------
    ValueError
        If the distance is not above 0.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> street = metres_travel(build_network([0, 1000], [0, 0], [0], [1]))
    >>> none = np.empty(0, object)
    >>> grid = network_grid(street, shapely.box(-9, -9, 1009, 9), none, every_m=250.0)
    >>> sorted(grid.x.tolist()), grid.guarantee_m <= 250.0
    ([0.0, 300.0, 775.0], True)
    >>> network_grid(street, shapely.Polygon(), none, every_m=250.0).x.size
    0
    """
    if not every_m > 0.0:
        raise ValueError(f"distance {every_m} m of the grid: must be above 0")
    roads = refined_roads(travel, area, zones, piece_m=every_m / _PIECES, steep=steep)
    wanted = roads.ends
    road_m = float(roads.length_m[roads.wanted].sum())
    if not wanted.any():
        nothing = np.empty(0)
        return Grid(x=nothing, y=nothing, guarantee_m=np.nan, guarantee=np.nan, road_m=0.0)
    metres = _arcs(roads, roads.length_m, roads.length_m)
    # A point between two nodes that are within r is within r and half of its piece.
    within = every_m - every_m / (2.0 * _PIECES)
    far = np.full(wanted.size, np.inf)
    chosen = np.zeros(wanted.size, np.bool_)
    _cover_tree(*metres, wanted, within, far, chosen)
    guarantee_m = _farthest(roads, far, roads.length_m, roads.length_m)
    guarantee = guarantee_m
    if travel.unit != "metres":
        there, back = roads.forward, roads.backward
        # Costs to a candidate are found by searches from it, against the direction of the way.
        arcs = _arcs(roads, back, there) if direction == "to" else _arcs(roads, there, back)
        cost = np.full(wanted.size, np.inf)
        _cover_rest(*arcs, wanted, within * travel.leg_cost, cost, chosen)
        _label(*metres, np.flatnonzero(chosen), far)
        guarantee_m = _farthest(roads, far, roads.length_m, roads.length_m)
        ways = (back, there) if direction == "to" else (there, back)
        guarantee = _farthest(roads, cost, *ways)
    return Grid(
        x=roads.x[chosen],
        y=roads.y[chosen],
        guarantee_m=guarantee_m,
        guarantee=guarantee,
        road_m=road_m,
    )


def lattice(area: shapely.Geometry, zones: Shapes, *, every_m: float) -> Grid:
    """Return candidates on squares, so that no place is farther than a distance from one.

    Without roads: the squares have diagonals of that length, and each has its candidate in the
    middle; where that is not in the area, anywhere in the part of the square that is.

    Parameters
    ----------
    area : shapely.Geometry
        Study area, in metres.
    zones : numpy.ndarray of shapely.Geometry
        In which nothing may stand, in metres.
    every_m : float

    Returns
    -------
    Grid
        ``guarantee`` is in metres, straight.

    Examples
    --------
    >>> none = np.empty(0, object)
    >>> grid = lattice(shapely.box(0, 0, 200, 100), none, every_m=100 * 2**0.5)
    >>> grid.x.tolist(), grid.y.tolist(), round(grid.guarantee_m)
    ([50.0, 150.0], [50.0, 50.0], 141)
    >>> lattice(shapely.Polygon(), none, every_m=100.0).x.size
    0
    """
    nothing = np.empty(0)
    open_area = shapely.difference(area, shapely.union_all(zones)) if zones.size else area
    if shapely.is_empty(open_area):
        return Grid(x=nothing, y=nothing, guarantee_m=np.nan, guarantee=np.nan, road_m=0.0)
    side = every_m / np.sqrt(2.0)
    west, south, east, north = shapely.bounds(open_area)
    columns = max(int(np.ceil((east - west) / side - 1e-9)), 1)
    rows = max(int(np.ceil((north - south) / side - 1e-9)), 1)
    column, row = (one.ravel() for one in np.meshgrid(np.arange(columns), np.arange(rows)))
    x, y = west + side * column, south + side * row
    squares = np.asarray(shapely.box(x, y, x + side, y + side), dtype=object)
    shapely.prepare(open_area)
    use = shapely.intersects(open_area, squares)
    squares, x, y = squares[use], x[use] + side / 2.0, y[use] + side / 2.0
    apart = ~np.asarray(shapely.intersects_xy(open_area, x, y))
    parts = shapely.intersection(squares[apart], open_area)
    places = shapely.point_on_surface(parts)
    x[apart], y[apart] = shapely.get_x(places), shapely.get_y(places)
    return Grid(x=x, y=y, guarantee_m=every_m, guarantee=every_m, road_m=0.0)


_Arcs = tuple[Ints, Heads, Floats]


def _arcs(roads: Refined, forward: Floats, backward: Floats) -> _Arcs:
    """Return arcs by their tail: starts, heads, costs; the forbidden ones left out."""
    n = roads.x.size
    tail = np.concatenate([roads.u, roads.v])
    head = np.concatenate([roads.v, roads.u])
    cost = np.concatenate([forward, backward])
    use = np.flatnonzero(np.isfinite(cost) & (tail != head))
    order = use[np.lexsort((cost[use], head[use], tail[use]))]
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tail[order], minlength=n), out=starts[1:])
    return starts, head[order].astype(np.int32), cost[order]


@compiled()
def _spread(
    starts: Ints, heads: Heads, step: Floats, limit: float,
    cost: Floats, keys: Floats, items: Heads, size: int,
) -> tuple[Floats, Heads]:  # fmt: skip
    """Lower costs from the nodes on the heap, as far as they improve and stay within a limit."""
    while size > 0:
        key, node = keys[0], items[0]
        drop_first(keys, items, size)
        size -= 1
        if key > cost[node]:
            continue
        for arc in range(starts[node], starts[node + 1]):
            here, total = heads[arc], key + step[arc]
            if total <= limit and total < cost[here]:
                cost[here] = total
                if size == keys.size:
                    keys, items = wider_floats(keys), wider_heads(items)
                push(keys, items, size, total, here)
                size += 1
    return keys, items


@compiled()
def _label(
    starts: Ints, heads: Heads, step: Floats, sources: Ints, cost: Floats
) -> None:  # fmt: skip
    """Lower costs from several sources together."""
    keys, items = np.empty(sources.size + 1, np.float64), np.empty(sources.size + 1, np.int32)
    for size in range(sources.size):
        cost[sources[size]] = 0.0
        push(keys, items, size, 0.0, sources[size])
    _spread(starts, heads, step, np.inf, cost, keys, items, sources.size)


@compiled()
def _tree(
    starts: Ints, heads: Heads, step: Floats, root: int, far: Floats, before: Heads
) -> None:  # fmt: skip
    """Fill in the tree of shortest ways from a root."""
    keys, items = np.empty(4096, np.float64), np.empty(4096, np.int32)
    far[root] = 0.0
    push(keys, items, 0, 0.0, root)
    size = 1
    while size > 0:
        key, node = keys[0], items[0]
        drop_first(keys, items, size)
        size -= 1
        if key > far[node]:
            continue
        for arc in range(starts[node], starts[node + 1]):
            here, total = heads[arc], key + step[arc]
            if total < far[here]:
                far[here], before[here] = total, node
                if size == keys.size:
                    keys, items = wider_floats(keys), wider_heads(items)
                push(keys, items, size, total, here)
                size += 1


@compiled()
def _cover_tree(
    starts: Ints, heads: Heads, step: Floats, wanted: Bools, within: float,
    cost: Floats, chosen: Bools,
) -> None:  # fmt: skip
    """Choose wanted nodes so that every one is within a distance of a chosen one.

    ``cost`` is infinite to begin with, and of each node the distance to the nearest chosen one
    afterwards, where that is within the distance.
    """
    n = wanted.size
    far, before = np.full(n, np.inf), np.full(n, -1).astype(np.int32)
    for root in range(n):
        if wanted[root] and not np.isfinite(far[root]):
            _tree(starts, heads, step, root, far, before)
    todo = np.flatnonzero(wanted)
    order = todo[np.argsort(-far[todo], kind="mergesort")]
    keys, items = np.empty(1024, np.float64), np.empty(1024, np.int32)
    for node in order:
        if cost[node] <= within:
            continue
        best, here = node, node
        while before[here] >= 0 and far[node] - far[before[here]] <= within:
            here = np.int64(before[here])
            if wanted[here]:
                best = here
        chosen[best] = True
        cost[best] = 0.0
        push(keys, items, 0, 0.0, best)
        keys, items = _spread(starts, heads, step, within, cost, keys, items, 1)


@compiled()
def _cover_rest(
    starts: Ints, heads: Heads, step: Floats, wanted: Bools, within: float,
    cost: Floats, chosen: Bools,
) -> None:  # fmt: skip
    """Choose further nodes, until every wanted one is within a cost of a chosen one."""
    _label(starts, heads, step, np.flatnonzero(chosen), cost)
    keys, items = np.empty(1024, np.float64), np.empty(1024, np.int32)
    for node in range(wanted.size):
        if wanted[node] and cost[node] > within:
            chosen[node] = True
            cost[node] = 0.0
            push(keys, items, 0, 0.0, node)
            keys, items = _spread(starts, heads, step, np.inf, cost, keys, items, 1)


def _farthest(roads: Refined, cost: Floats, forward: Floats, backward: Floats) -> float:
    """Return the highest cost of any point of the wanted pieces, by the costs at their ends.

    A point between the ends u and v of a piece is reached over the cheaper of the two: over u at
    ``cost[u]`` and its part of ``forward``, over v at ``cost[v]`` and its part of ``backward``;
    the highest cost of all points is where both are the same.
    """
    rows = np.flatnonzero(roads.wanted)
    one, other = cost[roads.u[rows]], cost[roads.v[rows]]
    over, back = forward[rows], backward[rows]
    with np.errstate(invalid="ignore"):
        both = (one * back + other * over + over * back) / (over + back)
    # Against a one-way piece there is one way only; a piece without length costs nothing more.
    both = np.where(np.isinf(over), other + back, np.where(np.isinf(back), one + over, both))
    both = np.where(over + back > 0.0, both, np.minimum(one, other))
    return float(both.max(initial=0.0))
