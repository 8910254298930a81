"""Slivers that the cells of the drawing miss: found by bounds, not by luck.

A square between four cells of one class can hide a strip of the other: the Voronoi strip of a
road that runs between two others and is reached by another way, or the gap between two fronts that
come from both ends of a road. So can one of which the border cuts off a corner. Within a square of
half-diagonal ``r`` the nearest edge of any point is one of a few rivals. The total by way of a
rival changes along the edge by the edge's cost ``c`` of a metre (in metres of an access leg) and
across it by 1, so by at most ``r`` times the root of ``1 + c²``. So a square is proved to be of
one class, or it is cut in sixteen and asked again, down to a sixteenth of a cell; there its centre
decides. Where that mends nothing within a cell, the search goes on to a 256th.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.surface import Surface, edge_part, over_ends

__all__ = ["Border", "Doubts", "border_of", "doubts", "sliver_boxes"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.int8]
Boxes = NDArray[np.object_]

# States of a square: 0 proved outside, 1 proved inside, 2 contested.
_CONTESTED = 2
_MENDED = 2
_DEEPEST = 4
_LEAST_BUDGET = 2_000
# A tip of this slope, as wide as a cell where it passes between two, is shorter than a cell.
_BLUNT = 0.7
# Slack in metres for what is kept in single precision, see rivals.py.
_HAIR_M = 1e-2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Doubts:
    """Squares of a window that may hide something, with bounds of the total in each.

    Parameters
    ----------
    square : numpy.ndarray of int64, shape (s,)
        Of the field's squares.
    row, column : numpy.ndarray of int64, shape (s,)
        In the window.
    low, high : numpy.ndarray of float, shape (s,)
        No total of a point in the square is below or above; in metres of an access leg.
    """

    square: Ints
    row: Ints
    column: Ints
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Border:
    """The drawn border of a circle, piece by piece, filed under the squares of a window.

    Parameters
    ----------
    ends : numpy.ndarray of float, shape (k, 4)
        x and y of both ends of each piece.
    starts : numpy.ndarray of int64, shape (rows * columns + 1,)
        Where the pieces of each square begin.
    columns : int
    x0, y0, cell_m : float
        South-western corner of the first square, and the side of one.
    """

    ends: Floats
    starts: Ints
    columns: int
    x0: float
    y0: float
    cell_m: float


def border_of(part: tuple[Floats, Floats], ends: Floats, cell_m: float) -> Border:
    """File the pieces of a contour under the squares that they lie in.

    Parameters
    ----------
    part : tuple of numpy.ndarray
        x and y of the cells that were contoured, ascending.
    ends : numpy.ndarray of float, shape (k, 4)
        x and y of both ends of each piece, none of which leaves its square.
    cell_m : float

    Returns
    -------
    Border

    Examples
    --------
    >>> cells = np.array([0.0, 10.0, 20.0])
    >>> filed = border_of((cells, cells), np.array([[10.0, 5.0, 15.0, 10.0]]), 10.0)
    >>> filed.starts.tolist()
    [0, 0, 1, 1, 1]
    >>> border_of((cells, cells), np.empty((0, 4)), 10.0).starts.tolist()
    [0, 0, 0, 0, 0]
    """
    x, y = part
    columns, rows = max(x.size - 1, 1), max(y.size - 1, 1)
    middle_x, middle_y = (ends[:, 0] + ends[:, 2]) / 2.0, (ends[:, 1] + ends[:, 3]) / 2.0
    column = np.clip(((middle_x - x[0]) / cell_m).astype(np.int64), 0, columns - 1)
    row = np.clip(((middle_y - y[0]) / cell_m).astype(np.int64), 0, rows - 1)
    square = row * columns + column
    order = np.argsort(square, kind="stable")
    starts = np.zeros(rows * columns + 1, np.int64)
    np.cumsum(np.bincount(square, minlength=rows * columns), out=starts[1:])
    return Border(
        ends=ends[order], starts=starts, columns=columns, x0=float(x[0]), y0=float(y[0]),
        cell_m=cell_m,
    )  # fmt: skip


@compiled()
def _far(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    x: Floats, y: Floats, clear: float, ends: Floats, starts: Ints, columns: int, x0: float,
    y0: float, cell: float, out: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Tell which points are farther than ``clear``, at most a cell, from all pieces."""
    rows = (starts.size - 1) // columns
    for k in range(x.size):
        out[k] = True
        column, row = int(np.floor((x[k] - x0) / cell)), int(np.floor((y[k] - y0) / cell))
        for r in range(max(row - 1, 0), min(row + 1, rows - 1) + 1):
            for c in range(max(column - 1, 0), min(column + 1, columns - 1) + 1):
                square = r * columns + c
                for piece in range(starts[square], starts[square + 1]):
                    ax, ay = ends[piece, 0], ends[piece, 1]
                    dx, dy = ends[piece, 2] - ax, ends[piece, 3] - ay
                    length2 = dx * dx + dy * dy
                    t = 0.0
                    if length2 > 0.0:
                        t = ((x[k] - ax) * dx + (y[k] - ay) * dy) / length2
                    t = min(max(t, 0.0), 1.0)
                    fx, fy = ax + t * dx - x[k], ay + t * dy - y[k]
                    if fx * fx + fy * fy <= clear * clear:
                        out[k] = False
                        break
                if not out[k]:
                    break
            if not out[k]:
                break


@compiled()
def _span(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    edge: int, offset: float, leg: float, r: float, u: Ints, v: Ints, length: Floats, by_u: Floats,
    by_v: Floats, node: Floats, leg_cost: float, foot_edge: Ints, foot_offset: Floats,
    foot_leg: Floats,
) -> tuple[float, float, bool]:  # fmt: skip
    """Return bounds of the total by one edge within ``r``, and whether it may hide something."""
    first = foot_edge.size
    if foot_edge.size and foot_edge[0] <= edge <= foot_edge[-1]:
        first = int(np.searchsorted(foot_edge, edge))
    owned = first < foot_edge.size and foot_edge[first] == edge
    if not owned and node[u[edge]] == np.inf and node[v[edge]] == np.inf:
        return np.inf, np.inf, False
    far = length[edge] - offset
    at_u, at_v = node[u[edge]] / leg_cost, node[v[edge]] / leg_cost
    rate_u, rate_v = by_u[edge], by_v[edge]
    steepest = 0.0
    low, high = np.inf, np.inf
    # Along a fast road a circle ends in a tip so sharp that it may pass between two cells.
    bend = min(rate_u, rate_v) < _BLUNT
    # A closed direction is open at the very end: there the total leaps.
    if rate_u < np.inf:
        low = high = at_u + offset * rate_u
        steepest = rate_u
    elif offset <= r + _HAIR_M:
        low, bend = at_u, True
    if rate_v < np.inf:
        other = at_v + far * rate_v
        if rate_u < np.inf and abs(other - low) <= (rate_u + rate_v) * (r + _HAIR_M):
            bend = True
        low, high = min(low, other), min(high, other)
        steepest = max(steepest, rate_v)
    elif far <= r + _HAIR_M:
        low, bend = min(low, at_v), True
    while owned and first < foot_edge.size and foot_edge[first] == edge:
        bend = True
        ahead = foot_offset[first] - offset
        along = edge_part(ahead, rate_v) if ahead >= 0.0 else edge_part(-ahead, rate_u)
        low = min(low, along + foot_leg[first])
        if max(rate_u, rate_v) == np.inf and abs(ahead) <= r + _HAIR_M:
            low = min(low, foot_leg[first])
        else:
            high = min(high, along + foot_leg[first])
        first += 1
    slack = np.sqrt(1.0 + steepest * steepest) * (r + _HAIR_M)
    return low + leg - slack, high + leg + slack, bend


@compiled()
def _doubts(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    row_starts: Ints, columns: NDArray[np.int32], starts: Ints, edge: NDArray[np.int32],
    offset: NDArray[np.float32], leg: NDArray[np.float32], r1: int, r2: int, c1: int, c2: int,
    r: float, least: float, most: float, most_m: NDArray[np.float32], draw: float, u: Ints, v: Ints,
    length: Floats, by_u: Floats, by_v: Floats, node: Floats, leg_cost: float, foot_edge: Ints,
    foot_offset: Floats, foot_leg: Floats,
    out_square: Ints, out_row: Ints, out_column: Ints, out_low: Floats, out_high: Floats,
) -> int:  # fmt: skip
    found = 0
    for row in range(r1, r2):
        mine = columns[row_starts[row] : row_starts[row + 1]]
        for at in range(np.searchsorted(mine, c1), np.searchsorted(mine, c2)):
            square = row_starts[row] + at
            # A rough look first: most squares are far inside or far outside.
            near, far = np.inf, -np.inf
            for k in range(starts[square], starts[square + 1]):
                e = edge[k]
                at_u, at_v = node[u[e]] / leg_cost, node[v[e]] / leg_cost
                least_end, other = min(at_u, at_v), np.inf
                if by_u[e] < np.inf:
                    other = at_u + length[e] * by_u[e]
                if by_v[e] < np.inf:
                    other = min(other, at_v + length[e] * by_v[e])
                if foot_edge.size and foot_edge[0] <= e <= foot_edge[-1]:
                    least_end = -np.inf
                near, far = min(near, least_end + leg[k]), max(far, other + leg[k])
            if near - r - _HAIR_M > most:
                continue
            if far + r + _HAIR_M <= least and most_m[square] <= draw:
                continue
            low, high, bends = np.inf, -np.inf, False
            for k in range(starts[square], starts[square + 1]):
                one_low, one_high, bend = _span(
                    edge[k], offset[k], leg[k], r, u, v, length, by_u, by_v, node, leg_cost,
                    foot_edge, foot_offset, foot_leg,
                )  # fmt: skip
                low, high = min(low, one_low), max(high, one_high)
                bends |= bend
            # One straight edge hides nothing between the corners that were drawn.
            plain = starts[square + 1] - starts[square] == 1 and not bends
            if low > most or plain:
                continue
            out_square[found], out_row[found] = square, row - r1
            out_column[found] = mine[at] - c1
            out_low[found], out_high[found] = low, high
            found += 1
    return found


def doubts(surface: Surface, least: float, most: float) -> Doubts:
    """Bound the total in the squares of a surface; leave out those that can hide nothing.

    Parameters
    ----------
    surface : Surface
    least, most : float
        Shortest and longest limit that will be drawn, in metres of an access leg.

    Returns
    -------
    Doubts

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import node_costs
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.surface import surface
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -50, 900, 50))
    >>> clinic = attach(network, [0], [0])
    >>> found = doubts(surface(field, node_costs(field.travel, clinic)[0], clinic), 5000, 5000)
    >>> bool((found.low <= found.high).all()), len(set(found.column.tolist()))  # its own edge
    (True, 90)
    """
    field, part = surface.field, surface.part
    network, squares = field.network, field.squares
    rows, columns = part.shape
    r1, c1 = part.rows.start, part.columns.start
    r2, c2 = r1 + max(rows - 1, 0), c1 + max(columns - 1, 0)
    count = int(squares.row_starts[r2] - squares.row_starts[r1]) if rows and columns else 0
    whole, numbers = np.empty((3, count), np.int64), np.empty((2, count))
    found = 0
    if count:
        feet = surface.feet
        found = _doubts(
            squares.row_starts, squares.column, squares.starts, squares.edge, squares.offset_m,
            squares.leg_m, r1, r2, c1, c2, field.cell_m * np.sqrt(0.5), least, most,
            squares.most_m, field.draw_m, network.u, network.v, network.length_m, field.by_u,
            field.by_v, surface.node_cost, field.travel.leg_cost, feet.edge, feet.offset_m,
            feet.leg_m, *whole, *numbers,
        )  # fmt: skip
    return Doubts(
        square=whole[0, :found], row=whole[1, :found], column=whole[2, :found],
        low=numbers[0, :found], high=numbers[1, :found],
    )  # fmt: skip


@compiled()
def _contested(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    excess: Floats, square: Ints, row: Ints, column: Ints, low: Floats, high: Floats,
    least: NDArray[np.float32], most: NDArray[np.float32], limit: float, draw: float, out: Bytes,
) -> None:  # fmt: skip
    """Fill in the drawn class of each contested square, -1 for all others.

    Contested are squares with points a cell from their own border that are not proved.
    """
    for k in range(row.size):
        out[k] = -1
        proved_in = high[k] <= limit and most[square[k]] <= draw
        if proved_in or low[k] > limit or least[square[k]] > draw:
            continue
        y, x = row[k], column[k]
        votes = 0
        for corner in range(4):
            votes += int(excess[y + corner // 2, x + corner % 2] <= 0.0)
        kind = votes // 4 if votes in (0, 4) else -1
        if votes in (1, 3):
            # One corner is cut off, at the shares s and t of its sides: is the opposite corner
            # farther than a side from the cut?
            kind = votes // 2
            for corner in range(4):
                own = excess[y + corner // 2, x + corner % 2]
                if int(own <= 0.0) != kind:
                    s = own / (own - excess[y + corner // 2, x + 1 - corner % 2])
                    t = own / (own - excess[y + 1 - corner // 2, x + corner % 2])
                    if (s + t - s * t) ** 2 <= s * s + t * t:
                        kind = -1
                    break
        out[k] = kind


@compiled()
def _classify(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    cx: Floats, cy: Floats, half: float, parent: Ints, starts: Ints, rivals: NDArray[np.int32],
    limit: float, draw: float, nx: Floats, ny: Floats, u: Ints, v: Ints, length: Floats,
    by_u: Floats, by_v: Floats, node: Floats, leg_cost: float, foot_edge: Ints,
    foot_offset: Floats, foot_leg: Floats, state: Bytes, own: Bytes,
) -> None:  # fmt: skip
    """Prove the state of small squares, or leave them contested; ``own``: class of the centre."""
    r = half * np.sqrt(2.0)
    offsets, legs = np.empty(64, np.float64), np.empty(64, np.float64)
    for k in range(cx.size):
        x, y = cx[k], cy[k]
        first, last = starts[parent[k]], starts[parent[k] + 1]
        if last - first > offsets.size:
            offsets, legs = np.empty(2 * (last - first)), np.empty(2 * (last - first))
        best, nearest = np.inf, -1
        for at in range(first, last):
            edge = rivals[at]
            ax, ay = nx[u[edge]], ny[u[edge]]
            dx, dy = nx[v[edge]] - ax, ny[v[edge]] - ay
            length2 = dx * dx + dy * dy
            t = 0.0
            if length2 > 0.0:
                t = ((x - ax) * dx + (y - ay) * dy) / length2
            t = min(max(t, 0.0), 1.0)
            fx, fy = ax + t * dx - x, ay + t * dy - y
            leg = np.sqrt(fx * fx + fy * fy)
            offsets[at - first], legs[at - first] = t * length[edge], leg
            if leg < best:
                best, nearest = leg, at
        low, high, total = np.inf, -np.inf, np.inf
        for at in range(first, last):
            leg, offset, edge = legs[at - first], offsets[at - first], rivals[at]
            if leg > best + 2.0 * r:
                continue
            one_low, one_high, _ = _span(
                edge, offset, leg, r, u, v, length, by_u, by_v, node, leg_cost, foot_edge,
                foot_offset, foot_leg,
            )  # fmt: skip
            low, high = min(low, one_low), max(high, one_high)
            if at == nearest:
                total = leg + over_ends(
                    edge, offset, length[edge], node[u[edge]] / leg_cost, node[v[edge]] / leg_cost,
                    by_u[edge], by_v[edge], foot_edge, foot_offset, foot_leg,
                )  # fmt: skip
        own[k] = 1 if best <= draw and total <= limit else 0
        if high <= limit and best + r <= draw:
            state[k] = 1
        elif low > limit or best - r > draw:
            state[k] = 0
        else:
            state[k] = 2


def sliver_boxes(
    surface: Surface, excess: Floats, border: Border, found: Doubts, *, limit: float
) -> tuple[Boxes, Boxes]:
    """Return the small squares that a circle lacks, and those that it has too many.

    Only what lies farther than a cell from the drawn border is returned.

    Parameters
    ----------
    surface : Surface
    excess : numpy.ndarray of float, shape (rows, columns)
        What the circle was contoured from; inside where it is at most 0.
    border : Border
        Of the contoured circle.
    found : Doubts
        Of the surface.
    limit : float
        In metres of an access leg.

    Returns
    -------
    lacking, surplus : numpy.ndarray of shapely.Polygon

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import node_costs
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.surface import surface
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -50, 900, 50))
    >>> clinic = attach(network, [450], [10])
    >>> over = surface(field, node_costs(field.travel, clinic)[0], clinic)
    >>> cells = (over.part.x, over.part.y)
    >>> lacking, surplus = sliver_boxes(  # as if nothing had been drawn
    ...     over,
    ...     np.full(over.part.shape, 10.0),
    ...     border_of(cells, np.empty((0, 4)), 10.0),
    ...     doubts(over, 200.0, 200.0),
    ...     limit=200.0,
    ... )
    >>> [round(side) for side in shapely.total_bounds(lacking)], surplus.size
    ([260, -25, 640, 25], 0)
    """
    field, part, feet = surface.field, surface.part, surface.feet
    network, cell = field.network, field.cell_m
    kind = np.empty(found.square.size, np.int8)
    _contested(
        excess, found.square, found.row, found.column, found.low, found.high,
        field.squares.least_m, field.squares.most_m, limit, field.draw_m, kind,
    )  # fmt: skip
    rows = np.flatnonzero(kind >= 0)
    drawn, parent, half = kind[rows], found.square[rows], cell / 2.0
    x, y = part.x[found.column[rows]] + half, part.y[found.row[rows]] + half
    most = max(_LEAST_BUDGET, found.square.size // 4)
    boxes: dict[int, list[Boxes]] = {0: [], 1: []}

    def far_from_border(x: Floats, y: Floats, half: float) -> NDArray[np.bool_]:
        out = np.empty(x.size, np.bool_)
        # A point nearer than a cell to the border may be on either side of it.
        _far(
            x, y, cell - half * np.sqrt(2.0), border.ends, border.starts, border.columns,
            border.x0, border.y0, border.cell_m, out,
        )  # fmt: skip
        return out

    again = np.flatnonzero(far_from_border(x, y, half))
    for depth in range(1, _DEEPEST + 1):
        if not again.size:
            break
        x, y, half = _quarter(x[again], y[again], half)
        drawn, parent = np.repeat(drawn[again], 16), np.repeat(parent[again], 16)
        keep = far_from_border(x, y, half)
        x, y, drawn, parent = x[keep], y[keep], drawn[keep], parent[keep]
        state, own = np.empty(x.size, np.int8), np.empty(x.size, np.int8)
        _classify(
            x, y, half, parent, field.squares.starts, field.squares.edge, limit, field.draw_m,
            network.x, network.y, network.u, network.v, network.length_m, field.by_u, field.by_v,
            surface.node_cost, field.travel.leg_cost, feet.edge, feet.offset_m, feet.leg_m, state,
            own,
        )  # fmt: skip
        contested = state == _CONTESTED
        if depth >= _MENDED:
            state = np.where(contested, own, state)
        wrong = (state < _CONTESTED) & (state != drawn)
        for value, pieces in boxes.items():
            mine = wrong & (drawn == value)
            if mine.any():
                pieces.append(_joined_boxes(x[mine], y[mine], half))
        again = np.flatnonzero(contested & ~wrong)
        if depth >= _MENDED and again.size:
            again = _away_from(boxes, x, y, again, cell - half * np.sqrt(2.0))
            # Streets that lie on one another stay contested over an area, however small the
            # squares; their centres have decided.
            if again.size > most:
                break
    return _all_of(boxes[0]), _all_of(boxes[1])


def _all_of(boxes: list[Boxes]) -> Boxes:
    return np.concatenate(boxes) if boxes else np.empty(0, object)


def _away_from(
    boxes: dict[int, list[Boxes]], x: Floats, y: Floats, rows: Ints, clear: float
) -> Ints:
    """Leave out what is near a mended place, which has a border of its own."""
    if not boxes[0] and not boxes[1]:
        return rows
    mended = shapely.STRtree(np.concatenate([*boxes[0], *boxes[1]]))
    points = np.asarray(shapely.points(x[rows], y[rows]))
    near = mended.query(points, predicate="dwithin", distance=clear)[0]
    return np.delete(rows, np.unique(near))


def _quarter(x: Floats, y: Floats, half: float) -> tuple[Floats, Floats, float]:
    """Cut each square in sixteen."""
    small = half / 4.0
    steps = (np.arange(4) * 2 - 3) * small
    dx, dy = (part.ravel() for part in np.meshgrid(steps, steps))
    return (x[:, None] + dx).ravel(), (y[:, None] + dy).ravel(), small


def _joined_boxes(x: Floats, y: Floats, half: float) -> Boxes:
    """Return squares of one size as boxes: runs in a row as one, equal runs of rows as one."""
    column = np.rint(x / (2.0 * half) - 0.5).astype(np.int64)
    row = np.rint(y / (2.0 * half) - 0.5).astype(np.int64)
    order = np.lexsort((column, row))
    column, row, x, y = column[order], row[order], x[order], y[order]
    first = np.flatnonzero(_breaks(column, row))
    last = np.append(first[1:], x.size) - 1
    west, east, south, row = x[first] - half, x[last] + half, y[first] - half, row[first]
    order = np.lexsort((row, column[last], column[first]))
    ends = np.stack([column[first], column[last]])[:, order]
    row, west, east, south = row[order], west[order], east[order], south[order]
    first = np.flatnonzero(_breaks(row, *ends))
    last = np.append(first[1:], row.size) - 1
    return np.asarray(shapely.box(west[first], south[first], east[first], south[last] + 2.0 * half))


def _breaks(steps: Ints, *same: Ints) -> NDArray[np.bool_]:
    """Tell where a run begins: the step is not the one after, or anything else differs."""
    new = np.ones(steps.size, bool)
    new[1:] = steps[1:] != steps[:-1] + 1
    for values in same:
        new[1:] |= values[1:] != values[:-1]
    return new
