"""Slivers that the cells of the drawing miss: found by bounds, not by luck.

A square between four cells of one class can hide a strip of the other: the Voronoi strip of a
road that runs between two others and is reached by another way. So can one of which the border
cuts off a corner. Within a square of half-diagonal ``r`` around ``c``, the nearest edge of any
point is one whose distance from ``c`` is at most ``d(c) + 2 r``, and the total by way of that edge
changes by at most ``2 r``. So a square is proved to be of one class, or it is cut in sixteen and
asked again, down to a sixteenth of a cell; there its centre decides. Where that mends nothing
within a cell, the search goes on to a 256th.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.field import Field, Window
from servicecircle.network.snap import Attachment

__all__ = ["sliver_boxes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Boxes = NDArray[np.object_]

# States of a square: 0 proved outside, 1 proved inside, 2 contested, 3 as it is drawn.
_CONTESTED = 2
_MENDED = 2
_DEEPEST = 4
_LEAST_BUDGET = 2_000


@compiled()
def _classify(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one loop
    cx: Floats, cy: Floats, half: float, whole: bool, limit: float, draw: float,
    nx: Floats, ny: Floats, u: Ints, v: Ints, length: Floats, node: Floats,
    at_edge: Ints, at_offset: Floats, at_leg: Floats,
    x0: float, y0: float, size: float, columns: int, rows: int, starts: Ints, edges: Ints,
    out: NDArray[np.int8], own: NDArray[np.int8],
) -> None:  # fmt: skip
    """Prove the state of each square, or leave it contested; ``own``: class of its centre."""
    r = half * np.sqrt(2.0)
    found_leg = np.empty(4096, np.float64)
    found_total = np.empty(4096, np.float64)
    for k in range(cx.size):
        x, y = cx[k], cy[k]
        reach = draw + 3.0 * r
        c1 = max(int(np.floor((x - reach - x0) / size)), 0)
        c2 = min(int(np.floor((x + reach - x0) / size)), columns - 1)
        r1 = max(int(np.floor((y - reach - y0) / size)), 0)
        r2 = min(int(np.floor((y + reach - y0) / size)), rows - 1)
        best, best_edge, best_total = np.inf, -1, np.inf
        count = 0
        for row in range(r1, r2 + 1):
            for column in range(c1, c2 + 1):
                cell = row * columns + column
                for at in range(starts[cell], starts[cell + 1]):
                    edge = edges[at]
                    ax, ay = nx[u[edge]], ny[u[edge]]
                    dx, dy = nx[v[edge]] - ax, ny[v[edge]] - ay
                    length2 = dx * dx + dy * dy
                    t = 0.0
                    if length2 > 0.0:
                        t = ((x - ax) * dx + (y - ay) * dy) / length2
                    t = min(max(t, 0.0), 1.0)
                    fx, fy = ax + t * dx, ay + t * dy
                    leg = np.sqrt((x - fx) * (x - fx) + (y - fy) * (y - fy))
                    if leg > best + 2.0 * r or leg > reach:
                        continue
                    offset = t * length[edge]
                    total = min(node[u[edge]] + offset, node[v[edge]] + length[edge] - offset)
                    first = np.searchsorted(at_edge, edge)
                    while first < at_edge.size and at_edge[first] == edge:
                        direct = abs(offset - at_offset[first]) + at_leg[first]
                        total = min(total, direct)
                        first += 1
                    total += leg
                    if count < found_leg.size:
                        found_leg[count], found_total[count] = leg, total
                    count += 1
                    if leg < best or (leg == best and edge < best_edge):
                        best, best_edge, best_total = leg, edge, total
        own[k] = 1 if best_edge >= 0 and best <= draw and best_total <= limit else 0
        if best > draw + r:
            out[k] = 0
            continue
        low, high, rivals = np.inf, -np.inf, 0
        if count > found_leg.size:
            out[k] = 2
            continue
        for i in range(count):
            if found_leg[i] <= best + 2.0 * r:
                low, high = min(low, found_total[i]), max(high, found_total[i])
                rivals += 1
        # One edge alone hides nothing between the corners that were drawn: both excesses are
        # smooth along it. Of a part of a square the corners were not looked at.
        if whole and rivals == 1:
            out[k] = 3
        elif high + 2.0 * r <= limit and best + r <= draw:
            out[k] = 1
        elif low - 2.0 * r > limit or best - r > draw:
            out[k] = 0
        else:
            out[k] = 2


@compiled()
def _list_squares(
    excess: Floats, near: NDArray[np.bool_], fill: bool, rows: Ints, columns: Ints, drawn: Ints
) -> int:
    """Count, or list, the squares near the network with points a cell from their own border."""
    found = 0
    for r in range(excess.shape[0] - 1):
        for c in range(excess.shape[1] - 1):
            if not (near[r, c] or near[r + 1, c] or near[r, c + 1] or near[r + 1, c + 1]):
                continue
            votes = 0
            for k in range(4):
                votes += int(excess[r + k // 2, c + k % 2] <= 0.0)
            kind = votes // 4 if votes in (0, 4) else -1
            if votes in (1, 3):
                # One corner is cut off, at the shares s and t of its sides: is the opposite corner
                # farther than a side from the cut?
                kind = votes // 2
                for k in range(4):
                    own = excess[r + k // 2, c + k % 2]
                    if int(own <= 0.0) != kind:
                        s = own / (own - excess[r + k // 2, c + 1 - k % 2])
                        t = own / (own - excess[r + 1 - k // 2, c + k % 2])
                        if (s + t - s * t) ** 2 <= s * s + t * t:
                            kind = -1
                        break
            if kind >= 0:
                if fill:
                    rows[found], columns[found], drawn[found] = r, c, kind
                found += 1
    return found


def _squares(field: Field, part: Window, excess: Floats) -> tuple[Floats, Floats, Ints]:
    """Return centres and class of the squares that are of one class, or all but a corner."""
    none = np.empty(0, np.int64)
    count = _list_squares(excess, part.inside, False, none, none, none)
    rows, columns, drawn = (np.empty(count, np.int64) for _ in range(3))
    _list_squares(excess, part.inside, True, rows, columns, drawn)
    half = field.cell_m / 2.0
    return part.x[columns] + half, part.y[rows] + half, drawn


def sliver_boxes(
    field: Field,
    part: Window,
    excess: Floats,
    border: shapely.Geometry,
    *,
    node_metres: Floats,
    targets: Attachment,
    limit_m: float,
) -> tuple[Boxes, Boxes]:
    """Return the small squares that a circle lacks, and those that it has too many.

    Only what lies farther than a cell from the drawn border is returned.

    Parameters
    ----------
    field : Field
    part : Window
        The part of the field that was contoured.
    excess : numpy.ndarray of float, shape (rows, columns)
        What the circle was contoured from; inside where it is at most 0.
    border : shapely.Geometry
        Of the contoured circle.
    node_metres : numpy.ndarray of float, shape (n,)
        Distance of each node to its nearest of ``targets``; exact at least up to ``limit_m``.
    targets : Attachment
    limit_m : float

    Returns
    -------
    lacking, surplus : numpy.ndarray of shapely.Polygon

    Examples
    --------
    >>> from servicecircle.network.field import circle_field, whole_window
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index, nearest_edges
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> index = edge_index(network)
    >>> facility = nearest_edges(network, index, [450], [10], most_m=500)
    >>> part = whole_window(field := circle_field(network, index, (0, -50, 900, 50)))
    >>> lacking, surplus = sliver_boxes(  # as if nothing had been drawn
    ...     field,
    ...     part,
    ...     np.full(part.inside.shape, 10.0),
    ...     shapely.LineString(),
    ...     node_metres=np.array([460.0, 460.0]),
    ...     targets=facility,
    ...     limit_m=200.0,
    ... )
    >>> [round(side) for side in shapely.total_bounds(lacking)], surplus.size
    ([260, -25, 640, 25], 0)
    """
    network, index = field.network, field.index
    held = np.flatnonzero(targets.snapped)
    held = held[np.argsort(targets.edge[held], kind="stable")]
    at = (targets.edge[held], targets.offset_m[held], targets.leg_m[held])
    x, y, drawn = _squares(field, part, excess)
    most = max(_LEAST_BUDGET, x.size // 4)
    half = field.cell_m / 2.0
    shapely.prepare(border)
    boxes: dict[int, list[Boxes]] = {0: [], 1: []}
    for depth in range(_DEEPEST + 1):
        state = np.zeros(x.size, np.int8)
        own = np.zeros(x.size, np.int8)
        _classify(
            x, y, half, depth == 0, limit_m, field.draw_m, network.x, network.y, network.u,
            network.v, network.length_m, node_metres, *at, index.x0, index.y0, index.bin_m,
            index.columns, index.rows, index.starts, index.edges, state, own,
        )  # fmt: skip
        contested = state == _CONTESTED
        if depth >= _MENDED:
            state = np.where(contested, own, state)
        wrong = (state < _CONTESTED) & (state != drawn)
        contested &= ~wrong
        look = wrong | contested
        far = np.zeros(x.size, bool)
        # A point nearer than a cell to the border may be on either side of it.
        clear = field.cell_m - half * np.sqrt(2.0)
        far[look] = ~shapely.dwithin(border, shapely.points(x[look], y[look]), clear)
        for value, found in boxes.items():
            mine = wrong & far & (drawn == value)
            found.append(_joined_boxes(x[mine], y[mine], half))
        again = np.flatnonzero(contested & far)
        if depth >= _MENDED:
            # What is mended has a border of its own.
            mended = shapely.STRtree(np.concatenate([*boxes[0], *boxes[1]]))
            points = np.asarray(shapely.points(x[again], y[again]))
            near = mended.query(points, predicate="dwithin", distance=clear)[0]
            again = np.delete(again, np.unique(near))
            # Streets that lie on one another stay contested over an area, however small the
            # squares; their centres have decided.
            if again.size > most:
                break
        x, y, drawn, half = _quarter(x[again], y[again], drawn[again], half)
    return np.concatenate(boxes[0]), np.concatenate(boxes[1])


def _quarter(x: Floats, y: Floats, drawn: Ints, half: float) -> tuple[Floats, Floats, Ints, float]:
    """Cut each square in sixteen."""
    small = half / 4.0
    steps = (np.arange(4) * 2 - 3) * small
    dx, dy = (part.ravel() for part in np.meshgrid(steps, steps))
    return (
        (x[:, None] + dx).ravel(),
        (y[:, None] + dy).ravel(),
        np.repeat(drawn, 16),
        small,
    )


def _joined_boxes(x: Floats, y: Floats, half: float) -> Boxes:
    """Return squares of one size as boxes, those side by side in a row as one."""
    column = np.rint(x / (2.0 * half) - 0.5).astype(np.int64)
    row = np.rint(y / (2.0 * half) - 0.5).astype(np.int64)
    order = np.lexsort((column, row))
    column, row, x, y = column[order], row[order], x[order], y[order]
    starts = np.ones(x.size, bool)
    starts[1:] = (row[1:] != row[:-1]) | (column[1:] != column[:-1] + 1)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], x.size) - 1 if first.size else first
    return np.asarray(
        shapely.box(x[first] - half, y[first] - half, x[last] + half, y[first] + half)
    )
