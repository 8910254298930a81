"""Borders drawn and closed: from the corners of squares to valid multipolygons.

Each square, and each leaf of a refined one, is crossed by straight cuts (marching squares). A cut
ends on a side. Both squares of a side agree on its two corners, but where leaves are finer than
their neighbour not on what is between: there the border runs on along the side. So on every side
the ends of cuts come in pairs, from one corner to the other, and the rings that they close to
neither cross nor touch themselves.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.borders import wider
from servicecircle.network.compiled import compiled
from servicecircle.network.heap import drop_first, push
from servicecircle.network.leaves import Leaves
from servicecircle.network.marching import (
    CUTS,
    EAST,
    NORTH,
    SOUTH,
    WEST,
    Board,
    code_of,
    corners,
    crossing,
    excess,
)
from servicecircle.network.rings import closed_rings, nested_rings

__all__ = ["contour"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = -1
_CORNERS = 4
_MULTIPOLYGON = shapely.GeometryType.MULTIPOLYGON


@compiled()
def _cut(  # noqa: PLR0913, PLR0917 - a kernel
    n: int, sw: float, se: float, ne: float, nw: float, west: float, south: float, east: float,
    north: float, x: Floats, y: Floats, side: NDArray[np.int8],
) -> int:  # fmt: skip
    """Write the cuts of a square: two ends each, the inside to the left; return their new count."""
    cuts = CUTS[code_of(sw, se, ne, nw)]
    for at in (0, 2):
        if cuts[at] < 0:
            break
        for end in range(2):
            side[2 * n + end] = cuts[at + end]
            x[2 * n + end], y[2 * n + end] = crossing(
                cuts[at + end], sw, se, ne, nw, west, south, east, north
            )
        n += 1
    return n


@compiled()
def _join(one: int, other: int, after: Ints) -> None:
    """Let the cut that begins at one of two ends follow on the cut that ends at the other."""
    if one % 2 == 1:
        after[one // 2] = other // 2
    else:
        after[other // 2] = one // 2


@compiled()
def _join_side(head: int, onward: Ints, along: Floats, after: Ints, held: Ints) -> None:
    """Join the ends of cuts on a side, given as a chain, in pairs from one corner to the other."""
    count = 0
    while head != _NONE:
        at = count
        while at > 0 and along[held[at - 1]] > along[head]:
            held[at] = held[at - 1]
            at -= 1
        held[at] = head
        count += 1
        head = onward[head]
    for at in range(0, count - 1, 2):
        _join(held[at], held[at + 1], after)


@compiled()
def _inner_side(depth: int, line: int, along: int) -> int:
    """Return the number of a side within a refined square; -1 on the square's own sides.

    ``line``: the number of the line among those of the depth, ``along``: the place on it. Where
    the line is one of a lesser depth too, the side is that of the lesser depth.
    """
    parts = 4**depth
    if line % parts == 0:
        return _NONE
    while line % 4 == 0:
        line, along, depth = line // 4, along // 4, depth - 1
    return (depth * 256 + line) * 256 + along


@compiled()
def _cut_leaves(  # noqa: PLR0913, PLR0917 - a kernel
    n: int, row: int, column: int, limit: float, board: Board, leaves: Leaves, at: int, heads: Ints,
    x: Floats, y: Floats, side: NDArray[np.int8], onward: Ints, after: Ints, key: Floats,
) -> int:  # fmt: skip
    """Cut the leaves of a square; return the new count of cuts.

    Ends on the square's own sides are added to ``heads``, the others are joined.
    """
    alone = board.surely[row, column] <= limit
    inner = np.empty(4 * (leaves.starts[at + 1] - leaves.starts[at]), np.int32)
    over, count = np.empty(4), 0
    for leaf in range(leaves.starts[at], leaves.starts[at + 1]):
        inside = 0
        for corner in range(4):
            total = -np.inf if alone else leaves.total[leaf, corner]
            over[corner] = excess(total, leaves.leg[leaf, corner], limit, board)
            inside += int(over[corner] <= 0.0)
        if inside in (0, _CORNERS):
            continue
        depth = int(leaves.depth[leaf])
        i, j = int(leaves.south[leaf]), int(leaves.west[leaf])
        parts = 4**depth
        size = board.cell / parts
        first_i, first_j = (row + board.row0) * parts + i, (column + board.column0) * parts + j
        begin = n
        n = _cut(
            n, over[0], over[1], over[2], over[3], first_j * size, first_i * size,
            (first_j + 1) * size, (first_i + 1) * size, x, y, side,
        )  # fmt: skip
        for end in range(2 * begin, 2 * n):
            if side[end] == SOUTH or side[end] == NORTH:
                number = _inner_side(depth, i + int(side[end] == NORTH), j)
                share = x[end] / board.cell - (column + board.column0)
            else:
                number = _inner_side(depth, j + int(side[end] == EAST), i)
                if number >= 0:
                    number += 2**20
                share = y[end] / board.cell - (row + board.row0)
            if number < 0:
                onward[end] = heads[side[end]]
                heads[side[end]] = end
            else:
                push(key, inner, count, 4.0 * number + share, end)
                count += 1
    while count > 1:
        first = inner[0]
        drop_first(key, inner, count)
        _join(first, inner[0], after)
        drop_first(key, inner, count - 1)
        count -= 2
    return n


@compiled()
def _place(row: int, row_starts: Ints, column: Ints, c1: int) -> int:
    """Return the place of the first square of a row that is not before a column."""
    begin = int(row_starts[row])
    return begin + int(np.searchsorted(column[begin : row_starts[row + 1]], c1))


@compiled()
def _cuts(  # noqa: PLR0912, PLR0915 - one kernel, one sweep
    board: Board, limit: float, own: Leaves, given: Leaves, r1: int, c1: int
) -> tuple[Floats, Floats, Ints]:
    """Return x and y of the two ends of each cut, and the cut that follows on each."""
    rows, columns = board.totals.shape
    room = 1024
    x, y, side = np.empty(2 * room), np.empty(2 * room), np.empty(2 * room, np.int8)
    onward, after = np.empty(2 * room, np.int64), np.full(room, _NONE, np.int64)
    key, held = np.empty(1), np.empty(1, np.int64)
    # The row of cells above and below, and what of the border has come up to each square.
    lower, upper = np.full(columns + 2, board.cell), np.full(columns + 2, board.cell)
    below = np.full(columns + 1, _NONE, np.int64)
    # The columns in which something lies inside or has come up, of this row and the one before.
    begin_lower, end_lower, begin_upper, end_upper = columns, -1, columns, -1
    heads = np.empty(4, np.int64)
    n = 0
    for r in range(-1, rows):
        lower, upper = upper, lower
        begin_lower, end_lower, begin_upper, end_upper = begin_upper, end_upper, columns, -1
        for c in range(columns):
            upper[c + 1] = board.cell
            if r + 1 < rows:
                upper[c + 1] = excess(board.totals[r + 1, c], board.legs[r + 1, c], limit, board)
                if upper[c + 1] <= 0.0:
                    begin_upper, end_upper = min(begin_upper, c - 1), c
        within = 0 <= r < rows - 1
        mine = last = ours = end_of_ours = 0
        most = 2 * (columns + 1)
        if within:
            mine, last = own.row_starts[r], own.row_starts[r + 1]
            most += 2 * (own.starts[last] - own.starts[mine])
            if mine < last:
                begin_upper = min(begin_upper, own.column[mine])
                end_upper = max(end_upper, own.column[last - 1])
            if given.column.size:
                ours = _place(r + r1, given.row_starts, given.column, c1)
                end_of_ours = _place(r + r1, given.row_starts, given.column, c1 + columns - 1)
                most += 2 * (given.starts[end_of_ours] - given.starts[ours])
                if ours < end_of_ours:
                    begin_upper = min(begin_upper, given.column[ours] - c1)
                    end_upper = max(end_upper, given.column[end_of_ours - 1] - c1)
        if n + most > room:
            more = 2 * (n + most)
            x, y, side = wider(x, 2 * more), wider(y, 2 * more), wider(side, 2 * more)
            onward, after = wider(onward, 2 * more), wider(after, more)
            after[room:] = _NONE
            room = more
        if 4 * most > key.size:
            key, held = np.empty(8 * most), np.empty(8 * most, np.int64)
        from_west = _NONE
        for c in range(
            max(min(begin_lower, begin_upper), -1), min(max(end_lower, end_upper) + 2, columns)
        ):
            sw, se, ne, nw = lower[c + 1], lower[c + 2], upper[c + 2], upper[c + 1]
            inside = int(sw <= 0.0) + int(se <= 0.0) + int(ne <= 0.0) + int(nw <= 0.0)
            heads[SOUTH], heads[WEST], heads[EAST], heads[NORTH] = below[c + 1], from_west, -1, -1
            is_own = mine < last and own.column[mine] == c
            is_given = ours < end_of_ours and given.column[ours] - c1 == c
            begin = n
            if is_own:
                n = _cut_leaves(
                    n, r, c, limit, board, own, mine, heads, x, y, side, onward, after, key
                )
            elif is_given and board.surely[r, c] <= limit:
                n = _cut_leaves(
                    n, r, c, limit, board, given, ours, heads, x, y, side, onward, after, key
                )
            elif 0 < inside < _CORNERS:
                if within and 0 <= c < columns - 1:
                    sw, se, ne, nw = corners(r, c, limit, board)
                i, j = r + board.row0, c + board.column0
                n = _cut(
                    n, sw, se, ne, nw, j * board.cell, i * board.cell, (j + 1) * board.cell,
                    (i + 1) * board.cell, x, y, side,
                )  # fmt: skip
                for end in range(2 * begin, 2 * n):
                    onward[end] = heads[side[end]]
                    heads[side[end]] = end
            mine, ours = mine + int(is_own), ours + int(is_given)
            if heads[SOUTH] != _NONE:
                _join_side(heads[SOUTH], onward, x, after, held)
            if heads[WEST] != _NONE:
                _join_side(heads[WEST], onward, y, after, held)
            below[c + 1], from_west = heads[NORTH], heads[EAST]
    return x[: 2 * n], y[: 2 * n], after[:n]


def contour(
    board: Board, limit: float, own: Leaves, given: Leaves, *, corner: tuple[int, int] = (0, 0)
) -> shapely.MultiPolygon:
    """Draw where the excess of a board is 0 or less.

    Parameters
    ----------
    board : Board
    limit : float
        In metres of an access leg.
    own, given : Leaves
        Those of the board's rows and columns, which are always drawn, and those of the draw line,
        which are drawn where all totals are surely within the limit.
    corner : tuple of int
        Row and column of the board's first square among those of ``given``.

    Returns
    -------
    shapely.MultiPolygon
        Valid; empty where nothing is inside.

    Examples
    --------
    >>> from servicecircle.network.leaves import no_leaves
    >>> totals = np.full((4, 4), 30.0)
    >>> totals[1, 1] = 5.0
    >>> board = Board(totals, np.zeros((4, 4)), np.full((3, 3), np.inf), 0, 0, 10.0, 25.0)
    >>> contour(board, 10.0, no_leaves(3), no_leaves(3)).bounds
    (6.666666666666666, 6.666666666666666, 13.333333333333332, 13.333333333333332)
    >>> contour(board, 1.0, no_leaves(3), no_leaves(3)).is_empty
    True
    """
    vertices, rings, polygons = nested_rings(
        *closed_rings(*_cuts(board, limit, own, given, *corner))
    )
    if polygons.size == 1:
        return shapely.MultiPolygon()
    whole = np.array([0, polygons.size - 1])
    found = shapely.from_ragged_array(_MULTIPOLYGON, vertices, (rings, polygons, whole))
    return shapely.MultiPolygon(found[0])
