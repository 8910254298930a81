"""Service circles as polygons: the points within a limit, at most ``draw_m`` from their edge.

The polygon of a limit is the contour, on the cells of the field, of the larger of two excesses:
of the travel total over the limit, and of the distance to the nearest edge over ``draw_m``. Both
fall when the limit grows, so circles of one origin are nested; holes and islands stay. What the
cells miss is searched for and mended, see :mod:`servicecircle.network.refine`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.network.compiled import compiled
from servicecircle.network.feet import arcs_of
from servicecircle.network.field import Bounds, Field, window
from servicecircle.network.refine import border_of, doubts, sliver_boxes
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

# A contour through a corner or a middle of a square touches itself. So no corner is exactly 0, and
# clipped values do not cancel out in the middle.
_HAIR = 1e-7
_LOPSIDED = 1.0123456789
_POLYGON = shapely.GeometryType.POLYGON


class _Contour(NamedTuple):
    """A contoured circle, the pieces of its border, and the cells about it.

    ``ends`` (k, 4): x and y of both ends of each piece; ``x``, ``y``: of the cells.
    """

    polygon: shapely.MultiPolygon
    ends: Floats
    x: Floats
    y: Floats


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
    field, part = surface.field, surface.part
    limits = [limit / field.travel.leg_cost for limit in limits]
    uncertain = doubts(surface, limits[0], limits[-1]) if limits else None
    polygons, lacking, surplus = [], [], []
    for limit in limits:
        excess = np.empty(part.shape)
        _excess(
            surface.totals, field.slot[part.rows, part.columns], field.at.leg_m, limit,
            field.draw_m, field.cell_m, field.cell_m * _LOPSIDED, excess,
        )  # fmt: skip
        drawn = _contour(part.x, part.y, excess, field.cell_m)
        polygons.append(drawn.polygon)
        if uncertain is None or not part.x.size or not part.y.size:
            continue
        added, cut = sliver_boxes(
            surface,
            excess,
            border_of((drawn.x, drawn.y), drawn.ends, field.cell_m),
            uncertain,
            limit=limit,
        )
        lacking.append(added)
        surplus.append(cut)
    if not any(boxes.size for boxes in (*lacking, *surplus)):
        return polygons
    # What a shorter limit holds a longer one holds too, and what a longer one lacks a shorter one
    # lacks: so the mended circles stay nested.
    mended = []
    for number, polygon in enumerate(polygons):
        added = np.concatenate(lacking[: number + 1])
        cut = np.concatenate(surplus[number:])
        mended.append(_mend(polygon, added, cut))
    return mended


def _mend(
    polygon: shapely.MultiPolygon, added: NDArray[np.object_], cut: NDArray[np.object_]
) -> shapely.MultiPolygon:
    if not added.size and not cut.size:
        return polygon
    mended: shapely.Geometry = polygon
    shapely.prepare(polygon)
    added = added[~shapely.covers(polygon, added)]
    if added.size:
        mended = shapely.union(mended, shapely.disjoint_subset_union_all(added))
        shapely.prepare(mended)
    cut = cut[shapely.intersects(mended, cut)]
    if cut.size:
        mended = shapely.difference(mended, shapely.disjoint_subset_union_all(cut))
    parts = shapely.get_parts(mended)
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == _POLYGON]))


@compiled()
def _excess(
    totals: Floats, slot: NDArray[np.int32], leg: Floats, limit: float, draw: float, low: float,
    high: float, out: Floats,
) -> None:  # fmt: skip
    rows, columns = slot.shape
    for r in range(rows):
        for c in range(columns):
            over = high
            if slot[r, c] >= 0:
                over = max(totals[r, c] - limit, leg[slot[r, c]] - draw)
            if over == 0.0:
                over = -_HAIR
            out[r, c] = min(max(over, -low), high)


def _contour(x: Floats, y: Floats, excess: Floats, cell_m: float) -> _Contour:
    from contourpy import FillType, contour_generator

    nothing = _Contour(shapely.MultiPolygon(), np.empty((0, 4)), x[:2], y[:2])
    inside = excess <= 0.0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        return nothing
    # One more ring of cells closes the polygons at the rim of the window.
    r1, r2, c1, c2 = rows[0], rows[-1], columns[0], columns[-1]
    padded = np.full((r2 - r1 + 3, c2 - c1 + 3), cell_m * _LOPSIDED)
    inner = excess[max(r1 - 1, 0) : r2 + 2, max(c1 - 1, 0) : c2 + 2]
    top, left = int(r1 == 0), int(c1 == 0)
    padded[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    # Crossings move towards the outer corners as the excess falls, and so does the mean that
    # decides how a saddle is cut: circles of growing limits stay nested.
    cells_x = x[0] + (np.arange(c1 - 1, c2 + 2) * cell_m)
    cells_y = y[0] + (np.arange(r1 - 1, r2 + 2) * cell_m)
    generator = contour_generator(
        cells_x,
        cells_y,
        padded,
        name="serial",
        fill_type=FillType.OuterOffset,
    )
    points: Sequence[Floats]
    points, offsets = generator.filled(-10.0 * cell_m, 0.0)  # type: ignore[misc, assignment]  # by fill_type
    if not points:
        return nothing
    ring_starts = [np.asarray(item, np.int64) for item in offsets]
    sizes = np.array([len(item) for item in points])
    shift = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    starts = np.concatenate(
        [[0], *(item[1:] + at for item, at in zip(ring_starts, shift, strict=True))]
    )
    rings = np.concatenate([[0], np.cumsum([len(item) - 1 for item in ring_starts])])
    vertices = np.concatenate(points)
    polygons = shapely.from_ragged_array(_POLYGON, vertices, (starts, rings))
    # Between the last vertex of a ring and the first of the next there is no border.
    joined = np.ones(len(vertices) - 1, bool)
    joined[starts[1:-1] - 1] = False
    ends = np.concatenate([vertices[:-1], vertices[1:]], axis=1)[joined]
    return _Contour(_whole(np.asarray(polygons)), ends, cells_x, cells_y)


def _whole(polygons: NDArray[np.object_]) -> shapely.MultiPolygon:
    """Return polygons as one valid multipolygon; contours may touch themselves in a point."""
    whole = shapely.MultiPolygon(shapely.multipolygons(polygons))
    if shapely.is_valid(whole):
        return whole
    polygons = shapely.make_valid(polygons, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(polygons))
    parts = parts[shapely.get_type_id(parts) == _POLYGON]
    parts = parts[shapely.area(parts) > 0.0]
    whole = shapely.MultiPolygon(shapely.multipolygons(parts))
    if shapely.is_valid(whole):
        return whole
    return shapely.MultiPolygon(list(np.atleast_1d(shapely.get_parts(shapely.union_all(parts)))))


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
    part = window(field)
    drawn = []
    for least in range(2, most + 1):
        enough = counts >= least
        if not enough.any():
            break
        excess = np.where(enough, -0.5, 0.5 * _LOPSIDED) * field.cell_m
        drawn.append((least, _contour(part.x, part.y, excess, field.cell_m).polygon))
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
