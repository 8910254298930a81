"""What of a border stays as it is while squares are refined, and what is near to it."""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.marching import CUTS, Board, code_of, corners, crossing

__all__ = ["Border", "border_about", "gather", "near", "pieces_room", "wider", "wider_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_Number = TypeVar("_Number", bound=np.generic)
_PIECE = 5
# Of a square and the eight about it, two each.
_MOST_PIECES = 18


class Border(NamedTuple):
    """The border at one limit, drawn by squares alone.

    ``first`` (rows, columns): the first piece of each square, -1 for none; ``ends`` (k, 5): where
    each piece begins, its way, and 1 over its squared length; ``last`` (k): whether its square has
    no further one.
    """

    first: NDArray[np.int32]
    ends: Floats
    last: NDArray[np.bool_]


@compiled()
def border_about(  # noqa: PLR0912 - one kernel, one sweep
    limit: float, board: Board, row: Ints, column: Ints
) -> Border:
    """Return the border in some squares and those about them."""
    rows, columns = board.surely.shape
    cell, count, room = board.cell, 0, 256
    first = np.full((rows, columns), -1, np.int32)
    ends, last = np.empty((room, _PIECE)), np.empty(room, np.bool_)
    needed = np.zeros((rows, columns), np.bool_)
    for k in range(row.size):
        for r in range(max(row[k] - 1, 0), min(row[k] + 2, rows)):
            for c in range(max(column[k] - 1, 0), min(column[k] + 2, columns)):
                needed[r, c] = True
    for r in range(rows):
        if count + 2 * columns > room:
            room = 2 * (count + 2 * columns)
            ends, last = wider_rows(ends, room), wider(last, room)
        for c in range(columns):
            if not needed[r, c]:
                continue
            alone, inside = board.surely[r, c] <= limit, 0
            for corner in range(4):
                at, to = r + corner // 2, c + corner % 2
                short = board.legs[at, to] <= board.draw
                inside += short and (alone or board.totals[at, to] <= limit)
            if inside in (0, 4):
                continue
            sw, se, ne, nw = corners(r, c, limit, board)
            cuts = CUTS[code_of(sw, se, ne, nw)]
            west, south = (c + board.column0) * cell, (r + board.row0) * cell
            east, north = (c + 1 + board.column0) * cell, (r + 1 + board.row0) * cell
            for at in (0, 2):
                if cuts[at] < 0:
                    break
                ax, ay = crossing(cuts[at], sw, se, ne, nw, west, south, east, north)
                bx, by = crossing(cuts[at + 1], sw, se, ne, nw, west, south, east, north)
                dx, dy = bx - ax, by - ay
                ends[count, 0], ends[count, 1], ends[count, 2], ends[count, 3] = ax, ay, dx, dy
                ends[count, 4] = 1.0 / (dx * dx + dy * dy)
                last[count] = True
                if at == 0:
                    first[r, c] = count
                else:
                    last[count - 1] = False
                count += 1
    return Border(first, ends[:count], last[:count])


@compiled()
def pieces_room() -> Floats:
    """Return room for the pieces that :func:`gather` may find."""
    return np.empty((_MOST_PIECES, _PIECE))


@compiled()
def gather(
    row: int, column: int, own: bool, border: Border, moving: NDArray[np.bool_], pieces: Floats
) -> int:
    """Fill in the pieces of a border in and about a square that stay as they are; count them.

    Borders in squares that are refined do not count, but for the ``own`` one.
    """
    rows, columns = moving.shape
    count = 0
    for r in range(max(row - 1, 0), min(row + 2, rows)):
        for c in range(max(column - 1, 0), min(column + 2, columns)):
            piece = border.first[r, c]
            if piece < 0 or (moving[r, c] and not (own and r == row and c == column)):
                continue
            while True:
                for at in range(_PIECE):
                    pieces[count, at] = border.ends[piece, at]
                count += 1
                if border.last[piece]:
                    break
                piece += 1
    return count


@compiled()
def near(x: float, y: float, clear: float, pieces: Floats, count: int) -> bool:
    """Tell whether one of some pieces comes nearer than ``clear``."""
    for k in range(count):
        dx, dy = pieces[k, 2], pieces[k, 3]
        fx, fy = pieces[k, 0] - x, pieces[k, 1] - y
        t = min(max(-(fx * dx + fy * dy) * pieces[k, 4], 0.0), 1.0)
        fx, fy = fx + t * dx, fy + t * dy
        if fx * fx + fy * fy <= clear * clear:
            return True
    return False


@compiled()
def wider(held: NDArray[_Number], room: int) -> NDArray[_Number]:
    """Return more room, and in it what was held."""
    wide = np.empty(room, held.dtype)
    for at in range(held.size):
        wide[at] = held[at]
    return wide


@compiled()
def wider_rows(held: Floats, room: int) -> Floats:
    """Return room for more rows, and in it what was held."""
    wide = np.empty((room, held.shape[1]))
    for row in range(held.shape[0]):
        for column in range(held.shape[1]):
            wide[row, column] = held[row, column]
    return wide
