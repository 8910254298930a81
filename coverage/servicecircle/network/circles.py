"""Service circles as polygons: the points within a limit, at most ``draw_m`` from their edge.

The polygon of a limit is the contour, on the cells of the field, of the larger of two excesses:
of the travel total over the limit, and of the distance to the nearest edge over ``draw_m``. Both
fall when the limit grows, so circles of one origin are nested; holes and islands stay. What the
cells miss is searched for and mended, see :mod:`servicecircle.network.refine`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.network.compiled import compiled
from servicecircle.network.contour import contour
from servicecircle.network.doubts import doubts
from servicecircle.network.feet import arcs_of
from servicecircle.network.field import Bounds, Field
from servicecircle.network.leaves import no_leaves
from servicecircle.network.marching import Board
from servicecircle.network.refine import Ask, refine
from servicecircle.network.snap import Attachment
from servicecircle.network.surface import Surface

__all__ = [
    "circle_polygons",
    "count_polygons",
    "groups",
    "limit_bounds",
    "one_polygon",
    "reached_bounds",
]

Floats = NDArray[np.float64]


def circle_polygons(surface: Surface, limits: Sequence[float]) -> list[shapely.MultiPolygon]:
    """Draw the circles of one origin (a facility, or a layer) at several limits.

    Parameters
    ----------
    surface : Surface
        Must hold all of the circles.
    limits : sequence of float
        Ascending, in the unit of the travel.

    Returns
    -------
    list of shapely.MultiPolygon
        One a limit, each within the next, in the network's coordinate system; empty where
        nothing is reached.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import node_costs
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.surface import surface
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -100, 900, 100))
    >>> clinic = attach(network, [450], [10])
    >>> over = surface(field, node_costs(field.travel, clinic)[0], clinic)
    >>> drawn = circle_polygons(over, [5, 100])
    >>> [polygon.is_empty for polygon in drawn], [round(edge) for edge in drawn[1].bounds]
    ([True, False], [360, -25, 540, 25])
    """
    if not len(limits):
        return []
    field, part = surface.field, surface.part
    longest = np.array([limit / field.travel.leg_cost for limit in limits])
    found = doubts(surface, longest[0], longest[-1])
    board = Board(
        surface.totals, surface.legs, found.surely, field.row0 + part.rows.start,
        field.column0 + part.columns.start, field.cell_m, field.draw_m,
    )  # fmt: skip
    corner = part.rows.start, part.columns.start
    squares = field.squares
    ask = Ask(
        found.row, found.column, squares.starts[found.square], squares.starts[found.square + 1],
        squares.edge, found.low, squares.least_m[found.square], squares.most_m[found.square],
        field.leaf_of[found.square],
    )  # fmt: skip
    own = refine(
        ask, longest, board, field.roads, costs=surface.costs, given=field.leaves, corner=corner
    )
    return [contour(board, limit, own, field.leaves, corner=corner) for limit in longest]


def count_polygons(
    field: Field, counts: NDArray[np.int32], most: int = 5
) -> list[tuple[int, shapely.MultiPolygon]]:
    """Draw where at least so many circles overlap.

    Parameters
    ----------
    field : Field
    counts : numpy.ndarray of int, shape (rows, columns)
        Circles over each cell of the field.
    most : int
        The highest count drawn by itself; it stands for "this many or more".

    Returns
    -------
    list of (int, shapely.MultiPolygon)
        From 2 upward, while there is any.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, 0, 40, 20))
    >>> counts = np.array([[0, 0, 0, 0, 0], [0, 0, 3, 2, 0], [0, 0, 0, 0, 0]], np.int32)
    >>> [(least, polygon.area > 0) for least, polygon in count_polygons(field, counts)]
    [(2, True), (3, True)]
    >>> count_polygons(field, np.zeros((3, 5), np.int32))
    []
    """
    rows, columns = field.slot.shape
    legs, surely = (
        np.zeros((rows, columns)),
        np.full((max(rows - 1, 0), max(columns - 1, 0)), np.inf),
    )
    nothing, drawn = no_leaves(surely.shape[0]), []
    for least in range(2, most + 1):
        enough = counts >= least
        if not enough.any():
            break
        over = np.where(enough, -0.5, 0.5) * field.cell_m
        board = Board(over, legs, surely, field.row0, field.column0, field.cell_m, field.draw_m)
        drawn.append((least, contour(board, 0.0, nothing, nothing)))
    return drawn


def one_polygon(pieces: Sequence[shapely.MultiPolygon]) -> shapely.MultiPolygon:
    """Return multipolygons that do not touch as one.

    Parameters
    ----------
    pieces : sequence of shapely.MultiPolygon

    Returns
    -------
    shapely.MultiPolygon

    Examples
    --------
    >>> one_polygon([]).is_empty
    True
    """
    return shapely.MultiPolygon(list(shapely.get_parts(np.array(pieces, object))))


def groups(
    x: Floats, y: Floats, limit_m: float, margin_m: float
) -> list[tuple[NDArray[np.int64], Bounds]]:
    """Gather points whose circles may touch, so that each group can be drawn by itself.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (k,)
    limit_m, margin_m : float
        No circle reaches farther than ``limit_m`` from its point.

    Returns
    -------
    list of (numpy.ndarray of int, bounds)
        Points of each group, and the rectangle that holds their circles; the rectangles share
        nothing.

    Examples
    --------
    >>> found = groups(np.array([0.0, 50.0, 900.0]), np.zeros(3), 99, 1)
    >>> [members.tolist() for members, _ in found]
    [[0, 1], [2]]
    >>> groups(np.empty(0), np.empty(0), 99, 1)
    []
    """
    reach = limit_m + margin_m
    bounds = np.stack([x - reach, y - reach, x + reach, y + reach], axis=1)
    label = np.arange(x.size)
    while True:
        boxes = np.asarray(shapely.box(*bounds.T))
        one, other = shapely.STRtree(boxes).query(boxes, predicate="intersects")
        links = coo_array((np.ones(one.size), (one, other)), shape=(len(bounds), len(bounds)))
        count, group = connected_components(links, directed=False)
        label = group[label]
        if count == len(bounds):
            break
        grown = np.full((count, 4), np.inf) * [1, 1, -1, -1]
        np.minimum.at(grown[:, :2], group, bounds[:, :2])
        np.maximum.at(grown[:, 2:], group, bounds[:, 2:])
        bounds = grown
    return [
        (np.flatnonzero(label == number), (west, south, east, north))
        for number, (west, south, east, north) in enumerate(bounds.tolist())
    ]


def limit_bounds(x: float, y: float, limit_m: float, margin_m: float) -> Bounds:
    """Return the square that holds every circle of a point: no way is shorter than straight.

    Parameters
    ----------
    x, y, limit_m, margin_m : float

    Returns
    -------
    tuple of float
        Smallest x, smallest y, largest x, largest y.

    Examples
    --------
    >>> limit_bounds(500, 0, 100, 10)
    (390, -110, 610, 110)
    """
    reach = limit_m + margin_m
    return x - reach, y - reach, x + reach, y + reach


@compiled()
def _extent(
    nodes: NDArray[np.int32], starts: NDArray[np.int64], heads: NDArray[np.int32], x: Floats,
    y: Floats, out: Floats,
) -> None:  # fmt: skip
    for node in nodes:
        for arc in range(starts[node] - 1, starts[node + 1]):
            end = node if arc < starts[node] else heads[arc]
            out[0], out[1] = min(out[0], x[end]), min(out[1], y[end])
            out[2], out[3] = max(out[2], x[end]), max(out[3], y[end])


def reached_bounds(
    field: Field, nodes: NDArray[np.int32], target: Attachment, within: Bounds
) -> Bounds:
    """Return a rectangle that holds the circle of a facility, by the edges that it reaches.

    Parameters
    ----------
    field : Field
    nodes : numpy.ndarray of int
        Reached within the limit.
    target : Attachment
        The facility.
    within : tuple of float
        Rectangle that surely holds the circle.

    Returns
    -------
    tuple of float
        With room for the drawing beside the edges; never larger than ``within``.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 300, 900], [0, 0, 0], [0, 1], [1, 2], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -50, 900, 50))
    >>> clinic = attach(network, [20], [0])
    >>> nothing = np.empty(0, np.int32)
    >>> reached_bounds(field, nothing, clinic, (-300, -300, 300, 300))
    (-45.0, -45.0, 300, 45.0)
    """
    network = field.network
    arcs = arcs_of(field.travel, field.direction)
    feet = target.edge[target.snapped]
    ends = np.concatenate([network.u[feet], network.v[feet]])
    out = np.array([np.inf, np.inf, -np.inf, -np.inf])
    _extent(nodes, arcs.starts, arcs.heads, network.x, network.y, out)
    out[:2] = np.minimum(out[:2], [network.x[ends].min(), network.y[ends].min()])
    out[2:] = np.maximum(out[2:], [network.x[ends].max(), network.y[ends].max()])
    room = field.draw_m + 2.0 * field.cell_m
    west, south, east, north = (out + np.array([-room, -room, room, room])).tolist()
    west, south = max(west, within[0]), max(south, within[1])
    east, north = min(east, within[2]), min(north, within[3])
    return west, south, east, north
