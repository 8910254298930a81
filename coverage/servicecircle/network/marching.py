"""Where a border crosses one square, from what its corners exceed: marching squares, in kernels.

The excess of a point is the larger of its total over the limit and its leg over ``draw_m``; inside
is where it is 0 or less. Both fall when the limit grows: crossings move towards the outer corners,
and so does the mean that decides how a saddle is cut. So borders of growing limits are nested.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = [
    "CUTS",
    "EAST",
    "NORTH",
    "SOUTH",
    "WEST",
    "Board",
    "code_of",
    "corners",
    "crossing",
    "excess",
]

Floats = NDArray[np.float64]

SOUTH, EAST, NORTH, WEST = 0, 1, 2, 3
_NOTHING = -1
_FIRST_SADDLE, _SECOND_SADDLE = 5, 10
# No corner is exactly on a border, or nearer to it than this share of a cell: a border through a
# corner would touch itself.
_HAIR = 1e-6

# By the code of a square (1 for its south-western corner inside, 2 south-eastern, 4 north-eastern,
# 8 north-western): one or two cuts from one side to another, the inside to the left. 16 and 17 are
# 5 and 10 with their middle inside.
CUTS = np.array(
    [
        [_NOTHING, _NOTHING, _NOTHING, _NOTHING],
        [SOUTH, WEST, _NOTHING, _NOTHING],
        [EAST, SOUTH, _NOTHING, _NOTHING],
        [EAST, WEST, _NOTHING, _NOTHING],
        [NORTH, EAST, _NOTHING, _NOTHING],
        [SOUTH, WEST, NORTH, EAST],
        [NORTH, SOUTH, _NOTHING, _NOTHING],
        [NORTH, WEST, _NOTHING, _NOTHING],
        [WEST, NORTH, _NOTHING, _NOTHING],
        [SOUTH, NORTH, _NOTHING, _NOTHING],
        [EAST, SOUTH, WEST, NORTH],
        [EAST, NORTH, _NOTHING, _NOTHING],
        [WEST, EAST, _NOTHING, _NOTHING],
        [SOUTH, EAST, _NOTHING, _NOTHING],
        [WEST, SOUTH, _NOTHING, _NOTHING],
        [_NOTHING, _NOTHING, _NOTHING, _NOTHING],
        [SOUTH, EAST, NORTH, WEST],
        [WEST, SOUTH, EAST, NORTH],
    ],
    np.int64,
)


class Board(NamedTuple):
    """The cells that a circle is drawn on.

    ``totals``, ``legs`` (rows, columns): of the cells, infinite away from the network;
    ``surely`` (rows - 1, columns - 1): no total between four cells is above; ``row0``,
    ``column0``: the first cell stands at these multiples of ``cell``; ``draw``: the longest leg.
    """

    totals: Floats
    legs: Floats
    surely: Floats
    row0: int
    column0: int
    cell: float
    draw: float


@compiled()
def excess(total: float, leg: float, limit: float, board: Board) -> float:
    """Return what a point exceeds, at most a cell either way and never next to nothing."""
    over = min(max(total - limit, leg - board.draw, -board.cell), board.cell)
    if over > 0.0:
        return max(over, _HAIR * board.cell)
    return min(over, -_HAIR * board.cell)


@compiled()
def corners(row: int, column: int, limit: float, board: Board) -> tuple[float, float, float, float]:
    """Return the excess at the corners of a square, against the sun from the south-western one.

    Where all totals are surely within the limit, the legs alone decide.
    """
    totals, legs = board.totals, board.legs
    alone = board.surely[row, column] <= limit
    sw = -np.inf if alone else totals[row, column]
    se = -np.inf if alone else totals[row, column + 1]
    ne = -np.inf if alone else totals[row + 1, column + 1]
    nw = -np.inf if alone else totals[row + 1, column]
    return (
        excess(sw, legs[row, column], limit, board),
        excess(se, legs[row, column + 1], limit, board),
        excess(ne, legs[row + 1, column + 1], limit, board),
        excess(nw, legs[row + 1, column], limit, board),
    )


@compiled()
def code_of(sw: float, se: float, ne: float, nw: float) -> int:
    """Return the row of ``CUTS`` for the excess at four corners."""
    code = int(sw <= 0.0) + 2 * int(se <= 0.0) + 4 * int(ne <= 0.0) + 8 * int(nw <= 0.0)
    if code in (_FIRST_SADDLE, _SECOND_SADDLE) and sw + se + ne + nw <= 0.0:
        return 16 if code == _FIRST_SADDLE else 17
    return code


@compiled()
def crossing(  # noqa: PLR0913, PLR0917 - a kernel
    side: int, sw: float, se: float, ne: float, nw: float, west: float, south: float, east: float,
    north: float,
) -> tuple[float, float]:  # fmt: skip
    """Return where the border crosses a side of a square, the same from both of its squares."""
    if side == SOUTH:
        return west + (east - west) * (sw / (sw - se)), south
    if side == NORTH:
        return west + (east - west) * (nw / (nw - ne)), north
    if side == WEST:
        return west, south + (north - south) * (sw / (sw - nw))
    return east, south + (north - south) * (se / (se - ne))
