"""Which squares of a drawing are proved by bounds alone, and which need a closer look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.costs import (
    AT_U,
    AT_V,
    EDGE,
    FOOT,
    LENGTH,
    RATE_U,
    RATE_V,
    SLACK,
    Costs,
    Roads,
    feet_span,
    note,
    notes,
    span,
    whole_span,
)
from servicecircle.network.rivals import HAIR_M
from servicecircle.network.surface import Surface

__all__ = ["Doubts", "doubts"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Doubts:
    """Squares of a surface that may hide something, with bounds of the total in each.

    Parameters
    ----------
    surely : numpy.ndarray of float, shape (rows - 1, columns - 1)
        No total of a point in a square is above; infinite where that is not known.
    square : numpy.ndarray of int64, shape (s,)
        Of the field's squares: those that are neither proved inside the shortest limit nor outside
        the longest.
    row, column : numpy.ndarray of int64, shape (s,)
        In the surface, ascending.
    low : numpy.ndarray of float, shape (s,)
        No total of a point in the square is below.
    """

    surely: Floats
    square: Ints
    row: Ints
    column: Ints
    low: Floats


@compiled()
def _doubts(  # noqa: PLR0913, PLR0917 - a kernel
    row_starts: Ints, columns: NDArray[np.int32], starts: Ints, edges: NDArray[np.int32],
    offsets: NDArray[np.float32], legs: NDArray[np.float32], leaf_of: NDArray[np.int32], r1: int,
    c1: int, r: float, least: float, most: float, roads: Roads, costs: Costs, surely: Floats,
    out_square: Ints, out_row: Ints, out_column: Ints, out_low: Floats,
) -> int:  # fmt: skip
    rows, wide = surely.shape
    held = notes(surely.size // 16)
    mask = held.shape[0] - 1
    found = 0
    for row in range(rows):
        begin = row_starts[row + r1]
        mine = columns[begin : row_starts[row + r1 + 1]]
        for at in range(np.searchsorted(mine, c1), np.searchsorted(mine, c1 + wide)):
            square, column = begin + at, mine[at] - c1
            # A rough look first: most squares are far inside or far outside.
            near, far = np.inf, -np.inf
            for k in range(starts[square], starts[square + 1]):
                at_row = edges[k] & mask
                if held[at_row, EDGE] != edges[k]:
                    note(edges[k], roads, costs, held, at_row)
                least_end, other = whole_span(
                    held[at_row, AT_U], held[at_row, AT_V], held[at_row, LENGTH],
                    held[at_row, RATE_U], held[at_row, RATE_V], held[at_row, FOOT],
                )  # fmt: skip
                near, far = min(near, least_end + legs[k]), max(far, other + legs[k])
            if near - r - HAIR_M > most:
                continue
            if far + r + HAIR_M <= least:
                surely[row, column] = far + r + HAIR_M
                continue
            low, high, bends = np.inf, -np.inf, leaf_of[square] >= 0
            for k in range(starts[square], starts[square + 1]):
                at_row = edges[k] & mask
                if held[at_row, EDGE] != edges[k]:
                    note(edges[k], roads, costs, held, at_row)
                one_low, one_high, bend = span(
                    offsets[k], legs[k], r, HAIR_M, held[at_row, AT_U], held[at_row, AT_V],
                    held[at_row, LENGTH], held[at_row, RATE_U], held[at_row, RATE_V],
                    held[at_row, SLACK],
                )  # fmt: skip
                if held[at_row, FOOT] >= 0.0:
                    bend = True
                    one_low, one_high = feet_span(
                        one_low, one_high, offsets[k], legs[k], r, HAIR_M, held[at_row], costs
                    )
                low, high = min(low, one_low), max(high, one_high)
                bends |= bend
            surely[row, column] = high
            # One straight edge hides nothing between the corners that were drawn.
            plain = starts[square + 1] - starts[square] == 1 and not bends
            if high <= least or low > most or plain:
                continue
            out_square[found], out_row[found], out_column[found] = square, row, column
            out_low[found] = low
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
    >>> found = doubts(surface(field, node_costs(field.travel, clinic)[0], clinic), 300, 300)
    >>> sorted(set(found.column.tolist()))  # its own edge, near the border
    [26, 27, 28, 29, 30]
    """
    field, part = surface.field, surface.part
    squares = field.squares
    rows, columns = part.shape
    r1, c1 = part.rows.start, part.columns.start
    shape = (max(rows - 1, 0), max(columns - 1, 0))
    surely = np.full(shape, np.inf)
    count = int(squares.row_starts[r1 + shape[0]] - squares.row_starts[r1]) if surely.size else 0
    whole, low = np.empty((3, count), np.int64), np.empty(count)
    found = 0
    if count:
        found = _doubts(
            squares.row_starts, squares.column, squares.starts, squares.edge, squares.offset_m,
            squares.leg_m, field.leaf_of, r1, c1, field.cell_m * np.sqrt(0.5), least, most,
            field.roads, surface.costs, surely, whole[0], whole[1], whole[2], low,
        )  # fmt: skip
    return Doubts(
        surely=surely, square=whole[0, :found], row=whole[1, :found], column=whole[2, :found],
        low=low[:found],
    )  # fmt: skip
