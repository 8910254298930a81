"""Service circles as polygons: the points within a limit, at most ``draw_m`` from their edge.

The polygon of a limit is the contour, on the cells of the field, of the larger of two excesses:
of the travel total over the limit, and of the distance to the nearest edge over ``draw_m``. Both
fall when the limit grows, so circles of one origin are nested; holes and islands stay.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from servicecircle.network.field import Field, Window, whole_window
from servicecircle.network.reach import nearest
from servicecircle.network.refine import sliver_boxes
from servicecircle.network.snap import Attachment, nearest_edges

__all__ = [
    "circle_polygons",
    "count_polygons",
    "groups",
    "limit_bounds",
    "one_polygon",
    "wrong_points",
]

Floats = NDArray[np.float64]

# A contour through a corner or a middle of a square touches itself. So no corner is exactly 0, and
# clipped values do not cancel out in the middle.
_HAIR = 1e-7
_LOPSIDED = 1.0123456789
_POLYGON = shapely.GeometryType.POLYGON


def circle_polygons(
    field: Field,
    part: Window,
    totals: Floats,
    limits_m: Sequence[float],
    *,
    node_metres: Floats,
    targets: Attachment,
) -> list[shapely.MultiPolygon]:
    """Draw the circles of one origin (a facility, or a layer) at several limits.

    Parameters
    ----------
    field : Field
    part : Window
        Where to draw; must hold all of the circles.
    totals : numpy.ndarray of float
        Metres of each cell of the window, in the order of ``part.at``; infinite where unreached.
    limits_m : sequence of float
        Ascending.
    node_metres : numpy.ndarray of float, shape (n,)
        Distance of each node to its nearest of ``targets``.
    targets : Attachment
        The facility, or the facilities of the layer.

    Returns
    -------
    list of shapely.MultiPolygon
        One a limit, each within the next, in the network's coordinate system; empty where
        nothing is reached.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import node_distances
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> index = edge_index(network)
    >>> facility = nearest_edges(network, index, [450], [10], most_m=500)
    >>> field = circle_field(network, index, (0, -100, 900, 100))
    >>> part = whole_window(field)
    >>> drawn = circle_polygons(
    ...     field,
    ...     part,
    ...     nearest(network, part.at, facility).metres,
    ...     [5, 100],
    ...     node_metres=node_distances(network, facility)[0],
    ...     targets=facility,
    ... )
    >>> [polygon.is_empty for polygon in drawn], [round(edge) for edge in drawn[1].bounds]
    ([True, False], [360, -25, 540, 25])
    """
    polygons, lacking, surplus = [], [], []
    for limit in limits_m:
        excess = _excess(field, part, totals, limit)
        polygon = _contour(part.x, part.y, excess, field.cell_m)
        added, cut = sliver_boxes(
            field,
            part,
            excess,
            shapely.boundary(polygon),
            node_metres=node_metres,
            targets=targets,
            limit_m=limit,
        )
        polygons.append(polygon)
        lacking.append(added)
        surplus.append(cut)
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
    if added.size:
        mended = shapely.union(mended, shapely.union_all(added))
    if cut.size:
        mended = shapely.difference(mended, shapely.union_all(cut))
    parts = shapely.get_parts(mended)
    return shapely.MultiPolygon(list(parts[shapely.get_type_id(parts) == _POLYGON]))


def _excess(field: Field, part: Window, totals: Floats, limit_m: float) -> Floats:
    low, high = -field.cell_m, field.cell_m * _LOPSIDED
    excess = np.full(part.inside.shape, high)
    over = np.maximum(totals - limit_m, part.at.leg_m - field.draw_m)
    over[over == 0.0] = -_HAIR
    excess[part.inside] = np.clip(over, low, high)
    return excess


def _contour(x: Floats, y: Floats, excess: Floats, cell_m: float) -> shapely.MultiPolygon:
    from contourpy import FillType, contour_generator

    rows, columns = np.nonzero(excess <= 0.0)
    if not rows.size:
        return shapely.MultiPolygon()
    # One more ring of cells closes the polygons at the rim of the window.
    r1, r2, c1, c2 = rows.min(), rows.max(), columns.min(), columns.max()
    padded = np.full((r2 - r1 + 3, c2 - c1 + 3), cell_m * _LOPSIDED)
    inner = excess[max(r1 - 1, 0) : r2 + 2, max(c1 - 1, 0) : c2 + 2]
    top, left = int(r1 == 0), int(c1 == 0)
    padded[top : top + inner.shape[0], left : left + inner.shape[1]] = inner
    # Crossings move towards the outer corners as the excess falls, and so does the mean that
    # decides how a saddle is cut: circles of growing limits stay nested.
    generator = contour_generator(
        x[0] + (np.arange(c1 - 1, c2 + 2) * cell_m),
        y[0] + (np.arange(r1 - 1, r2 + 2) * cell_m),
        padded,
        name="serial",
        fill_type=FillType.OuterOffset,
    )
    points: Sequence[Floats]
    points, offsets = generator.filled(-10.0 * cell_m, 0.0)  # type: ignore[misc, assignment]  # by fill_type
    if not points:
        return shapely.MultiPolygon()
    ring_starts = [np.asarray(item, np.int64) for item in offsets]
    sizes = np.array([len(item) for item in points])
    shift = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    starts = np.concatenate(
        [[0], *(item[1:] + at for item, at in zip(ring_starts, shift, strict=True))]
    )
    rings = np.concatenate([[0], np.cumsum([len(item) - 1 for item in ring_starts])])
    polygons = shapely.from_ragged_array(_POLYGON, np.concatenate(points), (starts, rings))
    return _whole(np.asarray(polygons))


def _whole(polygons: NDArray[np.object_]) -> shapely.MultiPolygon:
    """Return polygons as one valid multipolygon; contours may touch themselves in a point."""
    if not shapely.is_valid(polygons).all():
        polygons = shapely.make_valid(polygons, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(polygons))
    parts = parts[shapely.get_type_id(parts) == _POLYGON]
    whole = shapely.multipolygons(parts[shapely.area(parts) > 0.0])
    if not shapely.is_valid(whole):
        whole = shapely.union_all(parts)
        whole = shapely.multipolygons(np.atleast_1d(shapely.get_parts(whole)))
    return shapely.MultiPolygon(whole)


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
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(network, edge_index(network), (0, 0, 40, 20))
    >>> counts = np.array([[0, 0, 0, 0, 0], [0, 0, 3, 2, 0], [0, 0, 0, 0, 0]], np.int32)
    >>> [(least, polygon.area > 0) for least, polygon in count_polygons(field, counts)]
    [(2, True), (3, True)]
    >>> count_polygons(field, np.zeros((3, 5), np.int32))
    []
    """
    part = whole_window(field)
    drawn = []
    for least in range(2, most + 1):
        enough = counts >= least
        if not enough.any():
            break
        excess = np.where(enough, -0.5, 0.5 * _LOPSIDED) * field.cell_m
        drawn.append((least, _contour(part.x, part.y, excess, field.cell_m)))
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
) -> list[tuple[NDArray[np.int64], tuple[float, float, float, float]]]:
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


def wrong_points(
    field: Field,
    polygon: shapely.MultiPolygon,
    targets: Attachment,
    *,
    limit_m: float,
    samples: int = 10_000,
    seed: int = 0,
) -> Floats:
    """Sample points around a circle, measure each anew, and return those on the wrong side.

    Parameters
    ----------
    field : Field
        That the circle was drawn on.
    polygon : shapely.MultiPolygon
        The circle of ``targets`` (one facility, or a layer) at ``limit_m``; not empty.
    targets : Attachment
    limit_m : float
    samples : int
        How many points to look at, all farther than one cell from the border.
    seed : int

    Returns
    -------
    numpy.ndarray of float, shape (w, 2)
        The wrong points; none, if the circle is true.

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> index = edge_index(network)
    >>> facility = nearest_edges(network, index, [450], [10], most_m=500)
    >>> field = circle_field(network, index, (0, -100, 900, 100))
    >>> wrong = shapely.MultiPolygon([shapely.box(0, 100, 900, 200)])
    >>> len(wrong_points(field, wrong, facility, limit_m=100, samples=50)) > 0
    True
    """
    generator = np.random.default_rng(seed)
    west, south, east, north = shapely.bounds(polygon) + np.array([-1, -1, 1, 1]) * 2 * field.draw_m
    border = shapely.boundary(polygon)
    shapely.prepare(border)
    shapely.prepare(polygon)
    wrong = []
    seen = 0
    while seen < samples:
        x = generator.uniform(west, east, 4 * samples)
        y = generator.uniform(south, north, 4 * samples)
        far = ~shapely.dwithin(border, shapely.points(x, y), field.cell_m)
        x, y = x[far][: samples - seen], y[far][: samples - seen]
        seen += x.size
        at = nearest_edges(field.network, field.index, x, y, most_m=field.draw_m)
        metres = nearest(field.network, at, targets).metres
        truth = at.snapped & (metres <= limit_m)
        drawn = shapely.contains_xy(polygon, x, y)
        wrong.append(np.stack([x, y], axis=1)[truth != drawn])
    return np.concatenate(wrong)


def limit_bounds(
    x: float, y: float, limit_m: float, margin_m: float
) -> tuple[float, float, float, float]:
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
