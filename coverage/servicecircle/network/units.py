"""Cutting one square into leaves, until each of them is proved or near to a border."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.borders import near
from servicecircle.network.compiled import compiled
from servicecircle.network.costs import (
    Costs,
    bounds_at,
    bounds_by_feet,
    cost_at,
    cost_by_feet,
)
from servicecircle.network.leaves import Leaves
from servicecircle.network.marching import Board

__all__ = [
    "SPLIT",
    "Units",
    "cut_in_sixteen",
    "differs",
    "proved",
    "proved_in_parts",
    "split",
    "take_over",
    "units_room",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SPLIT = 16
"""Parts of a leaf that is cut."""
# Streets that lie on one another stay contested over an area, however small the leaves: after so
# many cuts of a square the corners decide.
_MOST_CUTS = 192
_DEEPEST = 4
_UNKNOWN = -1.0


class Units(NamedTuple):
    """Room for the leaves of one square, and those that have been cut."""

    depth: Ints
    south: Ints
    west: Ints
    low: Floats
    high: Floats
    best: Floats
    total: Floats
    leg: Floats
    cut: NDArray[np.bool_]
    kind: Ints


@compiled()
def units_room() -> Units:
    """Return room for the leaves of one square."""
    most = SPLIT * (_MOST_CUTS + 1)
    return Units(
        np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most, np.int64),
        np.empty(most), np.empty(most), np.empty(most), np.empty((most, 4)), np.empty((most, 4)),
        np.empty(most, np.bool_), np.empty(most, np.int64),
    )  # fmt: skip


@compiled()
def proved(  # noqa: PLR0913, PLR0917 - a kernel
    kind: int, low: float, high: float, leg: float, r: float, limit: float, draw: float,
    alone: bool, whole: bool,
) -> bool:  # fmt: skip
    """Tell whether all points within ``r`` are of a kind: 1 in the circle, 0 outside.

    ``leg`` is that of the middle. Where the draw line stands ``alone`` the totals do not count, and
    where it is known that the ``whole`` of it is drawn, a leg too long is near to a border.
    """
    if kind == 1:
        return (whole or leg + r <= draw) and (alone or high <= limit)
    return leg - r > draw or (not alone and low > limit)


@compiled()
def proved_in_parts(  # noqa: PLR0913, PLR0917 - a kernel
    x: float, y: float, size: float, kind: int, limit: float, draw: float, alone: bool,
    whole: bool, n_rivals: int, rivals: Floats, costs: Costs, timed: bool,
) -> bool:  # fmt: skip
    """Tell whether all sixteen parts of a square about a point are proved to be of a kind."""
    part = size / 4.0
    r = part * np.sqrt(0.5)
    for i in range(4):
        for j in range(4):
            low, high, leg, feet = bounds_at(
                x + (j - 1.5) * part, y + (i - 1.5) * part, r, n_rivals, rivals, timed
            )
            if feet:
                low, high = bounds_by_feet(r, leg, n_rivals, rivals, costs)
            if not proved(kind, low, high, leg, r, limit, draw, alone, whole):
                return False
    return True


@compiled()
def cut_in_sixteen(  # noqa: PLR0913, PLR0917 - a kernel
    units: Units, count: int, depth: int, south: int, west: int, row: int, column: int,
    board: Board, n_rivals: int, rivals: Floats, costs: Costs, timed: bool, grid: Floats,
) -> None:  # fmt: skip
    """Append the sixteen parts of a leaf, with what their corners cost."""
    parts = 4 << (2 * depth)
    size = board.cell / parts
    x0, y0 = (column + board.column0) * board.cell, (row + board.row0) * board.cell
    for i in range(5):
        for j in range(5):
            at_i, at_j = 4 * south + i, 4 * west + j
            if at_i % parts == 0 and at_j % parts == 0:
                # A corner of the square is a cell: all of its squares must say the same of it.
                r, c = row + at_i // parts, column + at_j // parts
                grid[i, j, 0], grid[i, j, 1] = board.totals[r, c], board.legs[r, c]
            else:
                total, leg, feet = cost_at(
                    x0 + at_j * size, y0 + at_i * size, n_rivals, rivals, timed
                )
                if feet >= 0:
                    total = cost_by_feet(total, leg, feet, rivals, costs)
                grid[i, j, 0], grid[i, j, 1] = total, leg
    for i in range(4):
        for j in range(4):
            at = count + 4 * i + j
            units.depth[at], units.cut[at], units.best[at] = depth + 1, False, _UNKNOWN
            units.south[at], units.west[at] = 4 * south + i, 4 * west + j
            for corner in range(4):
                ci, cj = i + corner // 2, j + int(corner in (1, 2))
                units.total[at, corner], units.leg[at, corner] = grid[ci, cj, 0], grid[ci, cj, 1]


@compiled()
def take_over(  # noqa: PLR0913, PLR0917 - a kernel
    units: Units, at: int, given: Leaves, leaf: int, row: int, column: int, board: Board,
    n_rivals: int, rivals: Floats, costs: Costs,
) -> None:  # fmt: skip
    """Fill in a leaf of the draw line, and what its corners cost."""
    depth, south, west = int(given.depth[leaf]), int(given.south[leaf]), int(given.west[leaf])
    parts = 4**depth
    size = board.cell / parts
    x0, y0 = (column + board.column0) * board.cell, (row + board.row0) * board.cell
    units.depth[at], units.south[at], units.west[at] = depth, south, west
    units.cut[at], units.best[at] = False, _UNKNOWN
    for corner, (i, j) in enumerate(((0, 0), (0, 1), (1, 1), (1, 0))):
        at_i, at_j = south + i, west + j
        units.leg[at, corner] = given.leg[leaf, corner]
        if at_i % parts == 0 and at_j % parts == 0:
            units.total[at, corner] = board.totals[row + at_i // parts, column + at_j // parts]
        else:
            total, leg, feet = cost_at(x0 + at_j * size, y0 + at_i * size, n_rivals, rivals, True)
            if feet >= 0:
                total = cost_by_feet(total, leg, feet, rivals, costs)
            units.total[at, corner] = total


@compiled()
def _tell_kinds(
    units: Units, begin: int, count: int, limit: float, alone: bool, draw: float
) -> None:
    """Fill in how leaves are drawn: 1 inside, 0 outside, -1 with a border across them."""
    for at in range(begin, count):
        inside = 0
        for corner in range(4):
            short = units.leg[at, corner] <= draw
            inside += short and (alone or units.total[at, corner] <= limit)
        units.kind[at] = inside // 4 if inside in (0, 4) else -1


@compiled()
def _near_crossed(  # noqa: PLR0913, PLR0917 - a kernel
    x: float, y: float, clear: float, cell: float, count: int, depth: Ints, south: Ints,
    west: Ints, kind: Ints, cut: NDArray[np.bool_],
) -> bool:  # fmt: skip
    """Tell whether a leaf with a border across it is nearer than ``clear``, wherever that runs.

    ``x`` and ``y`` are from the south-western corner of the square.
    """
    for at in range(count):
        if kind[at] < 0 and not cut[at]:
            step = cell / (1 << (2 * depth[at]))
            dx, dy = (west[at] + 0.5) * step - x, (south[at] + 0.5) * step - y
            left = clear - step * np.sqrt(0.5)
            if dx * dx + dy * dy <= left * left:
                return True
    return False


@compiled()
def split(  # noqa: PLR0913, PLR0917 - a kernel
    units: Units, count: int, limit: float, row: int, column: int, board: Board, pieces: Floats,
    n_pieces: int, n_rivals: int, rivals: Floats, costs: Costs, timed: bool, whole: bool,
    grid: Floats,
) -> int:  # fmt: skip
    """Cut leaves that may be wrong at a limit, far from any border; return their new count.

    The larger ones first: a border that is found in one of them is near to many others.
    """
    cell, alone = board.cell, board.surely[row, column] <= limit
    x0, y0 = (column + board.column0) * cell, (row + board.row0) * cell
    _tell_kinds(units, 0, count, limit, alone, board.draw)
    at = -1
    while at + 1 < count and count + SPLIT <= units.depth.size:
        at += 1
        if units.cut[at] or units.kind[at] < 0 or units.depth[at] >= _DEEPEST:
            continue
        size = cell / (1 << (2 * units.depth[at]))
        r = size * np.sqrt(0.5)
        x, y = (units.west[at] + 0.5) * size, (units.south[at] + 0.5) * size
        if _near_crossed(
            x, y, cell - r, cell, count, units.depth, units.south, units.west, units.kind,
            units.cut,
        ) or near(x0 + x, y0 + y, cell - r, pieces, n_pieces):  # fmt: skip
            continue
        if units.best[at] == _UNKNOWN:
            low, high, leg, feet = bounds_at(x0 + x, y0 + y, r, n_rivals, rivals, timed)
            if feet:
                low, high = bounds_by_feet(r, leg, n_rivals, rivals, costs)
            units.low[at], units.high[at], units.best[at] = low, high, leg
        if proved(
            units.kind[at], units.low[at], units.high[at], units.best[at], r, limit, board.draw,
            alone, whole,
        ) or proved_in_parts(
            x0 + x, y0 + y, size, units.kind[at], limit, board.draw, alone, whole, n_rivals,
            rivals, costs, timed,
        ):  # fmt: skip
            continue
        units.cut[at] = True
        cut_in_sixteen(
            units, count, units.depth[at], units.south[at], units.west[at], row, column, board,
            n_rivals, rivals, costs, timed, grid,
        )  # fmt: skip
        _tell_kinds(units, count, count + SPLIT, limit, alone, board.draw)
        count += SPLIT
    return count


@compiled()
def differs(units: Units, count: int, kind: int, limit: float, alone: bool, draw: float) -> bool:
    """Tell whether the leaves are drawn in another way than all in one kind."""
    _tell_kinds(units, 0, count, limit, alone, draw)
    other = False
    for at in range(count):
        other |= not units.cut[at] and units.kind[at] != kind
    return other
