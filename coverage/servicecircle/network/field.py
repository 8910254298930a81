"""The field that circles are drawn on: for each cell near the network, where it meets an edge."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled, in_order
from servicecircle.network.costs import Roads
from servicecircle.network.graph import Network
from servicecircle.network.leaves import Leaves, joined_rows, no_leaves, some_rows
from servicecircle.network.marching import Board
from servicecircle.network.refine import Ask, refine
from servicecircle.network.rivals import Squares, rival_squares
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Direction, Travel

__all__ = ["Bounds", "Field", "Window", "circle_field", "window"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bounds = tuple[float, float, float, float]
"""Smallest x, smallest y, largest x, largest y, in metres."""

_MOST_CELLS = 200_000_000
# Rows of the field that are looked at together.
_STRIP = 64


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Field:
    """Cells near the network and where each meets its nearest edge.

    Cells are named by their centre, at whole multiples of ``cell_m``.

    Parameters
    ----------
    travel : Travel
    direction : {"to", "from"}
        Who travels: people to a facility, or a service from it.
    cell_m : float
        Distance of the centres.
    draw_m : float
        Circles reach at most this far from their nearest edge.
    column0, row0 : int
        The first centre stands at ``column0 * cell_m``, ``row0 * cell_m``.
    slot : numpy.ndarray of int, shape (rows, columns)
        Index into ``at`` of each cell near the network, -1 for the others.
    at : Attachment
        Of the cells near the network, which are those at most ``draw_m`` and two cells from it.
    squares : Squares
        The edges that may be the nearest one of some point between four cells.
    roads : Roads
        Its ``by_u`` and ``by_v`` are of the way to the facility, or from it.
    leaves : Leaves
        Where the cells miss something of the line at ``draw_m``, whatever the facility.
    leaf_of : numpy.ndarray of int32, shape (s,)
        For each of the squares its place in ``leaves``, -1 for those that have none.
    """

    travel: Travel
    direction: Direction
    cell_m: float
    draw_m: float
    column0: int
    row0: int
    slot: NDArray[np.int32]
    at: Attachment
    squares: Squares
    roads: Roads
    leaves: Leaves
    leaf_of: NDArray[np.int32]

    @property
    def network(self) -> Network:
        """The network that is travelled."""
        return self.travel.network


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Window:
    """A rectangle of a field.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shapes (columns,) and (rows,)
        Centres.
    rows, columns : slice
        Of the field's ``slot``.
    """

    x: Floats
    y: Floats
    rows: slice
    columns: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.y.size, self.x.size


@compiled()
def _mark(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    ax: Floats, ay: Floats, bx: Floats, by: Floats, reach: float, cell: float,
    column0: int, row0: int, slot: NDArray[np.int32],
) -> int:  # fmt: skip
    """Fill in a number for each cell that may be near an edge, row by row; -1 for all others."""
    rows, columns = slot.shape
    slot[:] = -1
    for k in range(ax.size):
        dx, dy = bx[k] - ax[k], by[k] - ay[k]
        parts = max(1, int(np.ceil(max(abs(dx), abs(dy)) / reach)))
        for part in range(parts):
            px, py = ax[k] + dx * part / parts, ay[k] + dy * part / parts
            qx, qy = ax[k] + dx * (part + 1) / parts, ay[k] + dy * (part + 1) / parts
            c1 = max(int(np.floor((min(px, qx) - reach) / cell)) - column0, 0)
            c2 = min(int(np.ceil((max(px, qx) + reach) / cell)) - column0, columns - 1)
            r1 = max(int(np.floor((min(py, qy) - reach) / cell)) - row0, 0)
            r2 = min(int(np.ceil((max(py, qy) + reach) / cell)) - row0, rows - 1)
            for r in range(r1, r2 + 1):
                for c in range(c1, c2 + 1):
                    slot[r, c] = 0
    count = 0
    for r in range(rows):
        for c in range(columns):
            if slot[r, c] == 0:
                slot[r, c] = count
                count += 1
    return count


@compiled()
def _meet(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    nx: Floats, ny: Floats, u: Ints, v: Ints, ids: Ints, reach: float, cell: float,
    column0: int, row0: int, slot: NDArray[np.int32], d2: Floats, edge: Ints, offset: Floats,
) -> None:  # fmt: skip
    """Find the nearest edge of each numbered cell, the lowest of equals."""
    rows, columns = slot.shape
    for edge_id in ids:
        ax, ay, bx, by = nx[u[edge_id]], ny[u[edge_id]], nx[v[edge_id]], ny[v[edge_id]]
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        parts = max(1, int(np.ceil(max(abs(dx), abs(dy)) / reach)))
        for part in range(parts):
            px, py = ax + dx * part / parts, ay + dy * part / parts
            qx, qy = ax + dx * (part + 1) / parts, ay + dy * (part + 1) / parts
            c1 = max(int(np.ceil((min(px, qx) - reach) / cell)) - column0, 0)
            c2 = min(int(np.floor((max(px, qx) + reach) / cell)) - column0, columns - 1)
            r1 = max(int(np.ceil((min(py, qy) - reach) / cell)) - row0, 0)
            r2 = min(int(np.floor((max(py, qy) + reach) / cell)) - row0, rows - 1)
            for r in range(r1, r2 + 1):
                for c in range(c1, c2 + 1):
                    k = slot[r, c]
                    if k < 0:
                        continue
                    x, y = (c + column0) * cell, (r + row0) * cell
                    t = 0.0
                    if length2 > 0.0:
                        t = ((x - ax) * dx + (y - ay) * dy) / length2
                    # The same arithmetic as that of attaching points: the same edge, bit for bit.
                    if t <= 0.0:
                        t, fx, fy = 0.0, ax, ay
                    elif t >= 1.0:
                        t, fx, fy = 1.0, bx, by
                    else:
                        fx, fy = ax + t * dx, ay + t * dy
                    far = (x - fx) * (x - fx) + (y - fy) * (y - fy)
                    if far < d2[k]:
                        d2[k], edge[k], offset[k] = far, edge_id, t * np.sqrt(length2)


def circle_field(
    travel: Travel,
    bounds: Bounds,
    *,
    cell_m: float = 10.0,
    draw_m: float = 25.0,
    direction: Direction = "to",
) -> Field:
    """Compute the field over an area, for all facilities in it.

    Parameters
    ----------
    travel : Travel
    bounds : tuple of float
        Smallest x, smallest y, largest x, largest y of the area, in metres.
    cell_m : float
        Wanted distance of the cells' centres; coarser where the area would need more than
        200 million cells, and said in the result.
    draw_m : float
        Circles reach at most this far from their nearest edge.
    direction : {"to", "from"}

    Returns
    -------
    Field

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> travel = metres_travel(network)
    >>> field = circle_field(travel, (0, 0, 100, 90))
    >>> field.slot.shape, len(field.at)  # the cells up to 45 m from the road
    ((10, 11), 55)
    >>> len(circle_field(travel, (5e3, 0, 6e3, 90)).at)
    0
    """
    network = travel.network
    west, south, east, north = bounds
    area = max(east - west, 0.0) * max(north - south, 0.0)
    cell = max(cell_m, float(np.sqrt(area / _MOST_CELLS)))
    column0, row0 = int(np.floor(west / cell)), int(np.floor(south / cell))
    columns = int(np.ceil(east / cell)) - column0 + 1
    rows = int(np.ceil(north / cell)) - row0 + 1
    reach = draw_m + 2.0 * cell
    ids = np.flatnonzero(network.eligible)
    u, v = network.u[ids], network.v[ids]
    ax, ay, bx, by = network.x[u], network.y[u], network.x[v], network.y[v]
    # What is asked of a point within the area is not beyond this.
    wide = draw_m + 4.0 * cell
    here = (
        (np.maximum(ax, bx) >= west - wide)
        & (np.minimum(ax, bx) <= east + wide)
        & (np.maximum(ay, by) >= south - wide)
        & (np.minimum(ay, by) <= north + wide)
    )
    ids = ids[here]
    slot = np.empty((rows, columns), np.int32)
    count = _mark(ax[here], ay[here], bx[here], by[here], reach, cell, column0, row0, slot)
    d2, edge, offset = np.full(count, np.inf), np.full(count, -1, np.int64), np.zeros(count)
    _meet(
        network.x, network.y, network.u, network.v, ids, reach, cell, column0, row0, slot,
        d2, edge, offset,
    )  # fmt: skip
    kept = d2 <= reach * reach
    number = np.append(np.cumsum(kept) - 1, -1).astype(np.int32)
    number[:-1][~kept] = -1
    slot = number[slot]
    rates = (travel.backward_rate, travel.forward_rate)
    by_u, by_v = rates if direction == "to" else rates[::-1]
    roads = Roads(
        network.x, network.y, network.u, network.v, network.length_m, by_u / travel.leg_cost,
        by_v / travel.leg_cost,
    )  # fmt: skip
    squares = rival_squares(
        network, ids, (rows, columns), cell_m=cell, draw_m=draw_m, first=(row0, column0)
    )
    leg = np.append(np.sqrt(d2[kept]), np.inf)
    leaves, leaf_of = _draw_line(slot, leg, squares, roads, cell, draw_m, (row0, column0))
    return Field(
        travel=travel,
        direction=direction,
        cell_m=cell,
        draw_m=draw_m,
        column0=column0,
        row0=row0,
        slot=slot,
        at=Attachment(edge=edge[kept], offset_m=offset[kept], leg_m=leg[:-1]),
        squares=squares,
        roads=roads,
        leaves=leaves,
        leaf_of=leaf_of,
    )


def _draw_line(
    slot: NDArray[np.int32], leg: Floats, squares: Squares, roads: Roads, cell_m: float,
    draw_m: float, first: tuple[int, int],
) -> tuple[Leaves, NDArray[np.int32]]:  # fmt: skip
    """Cut the squares where the cells miss something of the line at ``draw_m`` from the edges."""
    rows = max(slot.shape[0] - 1, 0)
    asked = np.flatnonzero((squares.least_m <= draw_m) & (squares.most_m > draw_m))
    row = np.searchsorted(squares.row_starts, asked, side="right") - 1

    nothing = np.full(asked.size, -np.inf)

    def strip(south: int) -> Leaves:
        # Borders in the squares next to a square count: one more row on either side.
        north = min(south + _STRIP, rows)
        low, high = max(south - 1, 0), min(north + 1, rows)
        legs = leg[slot[low : high + 1]]
        surely = np.full((legs.shape[0] - 1, legs.shape[1] - 1), -np.inf)
        board = Board(legs, legs, surely, first[0] + low, first[1], cell_m, draw_m)
        part = slice(*np.searchsorted(row, (low, high)).tolist())
        mine = asked[part]
        ask = Ask(
            row[part] - low, squares.column[mine].astype(np.int64), squares.starts[mine],
            squares.starts[mine + 1], squares.edge, nothing[part], squares.least_m[mine],
            squares.most_m[mine], np.full(mine.size, -1, np.int32),
        )  # fmt: skip
        within = (south - low, north - low)
        found = refine(
            ask, np.zeros(1), board, roads, costs=None, given=no_leaves(0), within=within
        )
        return some_rows(found, *within)

    leaves = joined_rows(list(in_order(strip, ((south,) for south in range(0, rows, _STRIP)))))
    columns = np.int64(max(slot.shape[1] - 1, 1))
    places = np.repeat(np.arange(rows), np.diff(squares.row_starts)) * columns + squares.column
    mine = np.repeat(np.arange(rows), np.diff(leaves.row_starts)) * columns + leaves.column
    leaf_of = np.full(places.size, -1, np.int32)
    leaf_of[np.searchsorted(places, mine)] = np.arange(mine.size)
    return leaves, leaf_of


def window(field: Field, bounds: Bounds | None = None) -> Window:
    """Cut a rectangle out of a field, grown to whole cells and clipped to the field.

    Parameters
    ----------
    field : Field
    bounds : tuple of float, optional
        Smallest x, smallest y, largest x, largest y, in metres; None: all of the field.

    Returns
    -------
    Window

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, 0, 100, 90))
    >>> window(field, (12, 3, 38, 18)).x.tolist()
    [10.0, 20.0, 30.0, 40.0]
    >>> window(field).shape, window(field, (5e3, 5e3, 6e3, 6e3)).shape
    ((10, 11), (0, 0))
    """
    rows_all, columns_all = field.slot.shape
    c1, c2, r1, r2 = 0, columns_all, 0, rows_all
    if bounds is not None:
        west, south, east, north = bounds
        c1 = min(max(int(np.floor(west / field.cell_m)) - field.column0, 0), columns_all)
        c2 = int(np.ceil(east / field.cell_m)) - field.column0 + 1
        r1 = min(max(int(np.floor(south / field.cell_m)) - field.row0, 0), rows_all)
        r2 = int(np.ceil(north / field.cell_m)) - field.row0 + 1
        c2, r2 = max(min(c2, columns_all), c1), max(min(r2, rows_all), r1)
    cell_m = np.float64(field.cell_m)
    return Window(
        x=(np.arange(c1, c2, dtype=np.int64) + field.column0) * cell_m,
        y=(np.arange(r1, r2, dtype=np.int64) + field.row0) * cell_m,
        rows=slice(r1, r2),
        columns=slice(c1, c2),
    )
