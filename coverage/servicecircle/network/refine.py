"""Squares in which the cells of the drawing would miss something, and their leaves.

A square between four cells of one class can hide a strip of the other: the Voronoi strip of a
road that runs between two others and is reached by another way, the gap between two fronts that
come from both ends of a road, or that between two roads a little more than twice ``draw_m`` apart.
So can one of which the border cuts off a corner. Such a square is cut in sixteen and asked again,
down to a 256th of a cell, until each of its leaves is proved to be as it is drawn, or is nearer
than a cell to a border that is drawn in any case.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.borders import (
    Border,
    border_about,
    gather,
    near,
    pieces_room,
    wider,
    wider_rows,
)
from servicecircle.network.compiled import compiled
from servicecircle.network.costs import (
    Costs,
    Roads,
    bounds_at,
    bounds_by_feet,
    load_rivals,
    notes,
    rivals_table,
)
from servicecircle.network.leaves import Leaves
from servicecircle.network.marching import Board, code_of, corners
from servicecircle.network.units import (
    SPLIT,
    Units,
    cut_in_sixteen,
    differs,
    proved,
    proved_in_parts,
    split,
    take_over,
    units_room,
)

__all__ = ["Ask", "refine"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_INSIDE = 15
_PARTS = 4


class Ask(NamedTuple):
    """The squares that are asked, as kernels take them.

    ``row``, ``column`` (in the window), ``first``, ``last`` (their part of ``rivals``), ``low`` (no
    total in the square is below), ``least``, ``most`` (bounds of the leg); ``given``: their place
    in the leaves that are there already, or -1.
    """

    row: Ints
    column: Ints
    first: Ints
    last: Ints
    rivals: NDArray[np.int32]
    low: Floats
    least: NDArray[np.float32]
    most: NDArray[np.float32]
    given: NDArray[np.int32]


@compiled()
def _kind(sw: float, se: float, ne: float, nw: float) -> int:
    """Return the class that most of a square is drawn in, -1 where its border is near all of it.

    Where one corner is cut off, at the shares s and t of its sides: is the opposite corner farther
    than a side from the cut?
    """
    code = code_of(sw, se, ne, nw)
    if code in (0, _INSIDE):
        return int(code == _INSIDE)
    if code in (1, 14):
        own, one, other = sw, se, nw
    elif code in (2, 13):
        own, one, other = se, sw, ne
    elif code in (4, 11):
        own, one, other = ne, nw, se
    elif code in (8, 7):
        own, one, other = nw, ne, sw
    else:
        return -1
    s, t = own / (own - one), own / (own - other)
    if (s + t - s * t) ** 2 <= s * s + t * t:
        return -1
    return int(own > 0.0)


@compiled()
def _asked(ask: Ask, k: int, limit: float, timed: bool, board: Board) -> bool:
    """Tell whether a square is in question at a limit."""
    if ask.least[k] > board.draw:
        return False
    if not timed:
        return bool(ask.most[k] > board.draw)
    return bool(board.surely[ask.row[k], ask.column[k]] > limit and ask.low[k] <= limit)


@compiled()
def _whole(row: int, column: int, board: Board) -> bool:
    """Tell whether a square without leaves of the draw line lies within it by its corners.

    Then every point of it that is too far from the network is near to the draw line as it is drawn,
    and so to the border of any circle that it lies in.
    """
    legs = board.legs
    farthest = max(
        legs[row, column], legs[row, column + 1], legs[row + 1, column], legs[row + 1, column + 1]
    )
    return bool(farthest <= board.draw)


@compiled()
def _differ(units: Units, count: int, limits: Floats, row: int, column: int, board: Board) -> bool:
    """Tell whether the leaves of a square are drawn in another way than the square."""
    for limit in limits:
        alone = board.surely[row, column] <= limit
        code = code_of(*corners(row, column, limit, board))
        kind = int(code == _INSIDE)
        if code not in (0, _INSIDE) or differs(units, count, kind, limit, alone, board.draw):
            return True
    return False


@compiled()
def _first_look(  # noqa: PLR0913, PLR0917 - a kernel
    ask: Ask, k: int, limit: float, border: Border, board: Board, roads: Roads, costs: Costs,
    timed: bool, moving: NDArray[np.bool_], held: Floats, rivals: Floats, pieces: Floats,
) -> bool:  # fmt: skip
    """Tell whether a square that is drawn whole has a part that may be wrong, far from borders."""
    row, column, size = ask.row[k], ask.column[k], board.cell / _PARTS
    if not _asked(ask, k, limit, timed, board):
        return False
    kind = _kind(*corners(row, column, limit, board))
    if kind < 0:
        return False
    n_pieces, n_rivals = gather(row, column, True, border, moving, pieces), -1
    whole = timed and _whole(row, column, board)
    r = size * np.sqrt(0.5)
    x0, y0 = (column + board.column0) * board.cell, (row + board.row0) * board.cell
    for i in range(_PARTS):
        for j in range(_PARTS):
            x, y = x0 + (j + 0.5) * size, y0 + (i + 0.5) * size
            if near(x, y, board.cell - r, pieces, n_pieces):
                continue
            if n_rivals < 0:
                edges = ask.rivals[ask.first[k] : ask.last[k]]
                n_rivals = load_rivals(edges, roads, costs, timed, held, rivals)
            low, high, leg, feet = bounds_at(x, y, r, n_rivals, rivals, timed)
            if feet:
                low, high = bounds_by_feet(r, leg, n_rivals, rivals, costs)
            if not proved(
                kind, low, high, leg, r, limit, board.draw, not timed, whole
            ) and not proved_in_parts(
                x, y, size, kind, limit, board.draw, not timed, whole, n_rivals, rivals, costs,
                timed,
            ):  # fmt: skip
                return True
    return False


@compiled()
def _wanted(
    ask: Ask, limits: Floats, timed: bool, board: Board, given: Leaves, r1: int, c1: int
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which of the asked squares need a look, and which have leaves already."""
    rows, columns = board.surely.shape
    moving = np.zeros((rows, columns), np.bool_)
    for row in range(rows if given.column.size else 0):
        for at in range(given.row_starts[row + r1], given.row_starts[row + r1 + 1]):
            if 0 <= given.column[at] - c1 < columns:
                moving[row, given.column[at] - c1] = True
    wanted = np.zeros(ask.row.size, np.bool_)
    for k in range(ask.row.size):
        for limit in limits:
            if _asked(ask, k, limit, timed, board):
                over = corners(ask.row[k], ask.column[k], limit, board)
                wanted[k] |= ask.given[k] >= 0 or _kind(*over) >= 0
    return wanted, moving


@compiled()
def _crossed(row: int, column: int, limits: Floats, board: Board) -> bool:
    """Tell whether the border of a limit crosses a square."""
    crossed = False
    for limit in limits:
        crossed |= code_of(*corners(row, column, limit, board)) not in (0, _INSIDE)
    return crossed


@compiled()
def _chosen(  # noqa: PLR0913, PLR0917 - a kernel
    ask: Ask, limits: Floats, borders: list[Border], board: Board, roads: Roads, costs: Costs,
    timed: bool, wanted: NDArray[np.bool_], moving: NDArray[np.bool_], within: tuple[int, int],
    noted: Floats, rivals: Floats,
) -> NDArray[np.bool_]:  # fmt: skip
    """Tell which of the wanted squares are refined, and mark them in ``moving``.

    Where a border moves, the squares about it are asked again: it may have been what they are
    drawn by.
    """
    rows, columns = board.surely.shape
    chosen, pieces = np.zeros(ask.row.size, np.bool_), pieces_room()
    place = np.full((rows, columns), -1, np.int32)
    # Each square is asked at first, and again for each of the eight about it that is chosen.
    todo, count = np.empty(9 * ask.row.size, np.int64), 0
    for k in range(ask.row.size):
        if wanted[k] and not within[0] <= ask.row[k] < within[1]:
            # Not ours to choose: its border may stay or move.
            moving[ask.row[k], ask.column[k]] = True
        elif wanted[k]:
            place[ask.row[k], ask.column[k]] = k
            todo[count] = k
            count += 1
    while count:
        count -= 1
        k = todo[count]
        row, column = ask.row[k], ask.column[k]
        if chosen[k]:
            continue
        missed = ask.given[k] >= 0
        for at in range(limits.size):
            missed = missed or _first_look(
                ask, k, limits[at], borders[at], board, roads, costs, timed, moving, noted, rivals,
                pieces,
            )  # fmt: skip
        if not missed:
            continue
        chosen[k] = True
        if moving[row, column]:
            continue
        moving[row, column] = True
        if not _crossed(row, column, limits, board):
            continue
        for r in range(max(row - 1, 0), min(row + 2, rows)):
            for c in range(max(column - 1, 0), min(column + 2, columns)):
                if place[r, c] >= 0 and not chosen[place[r, c]]:
                    todo[count] = place[r, c]
                    count += 1
    return chosen


@compiled()
def _leaves_of(  # noqa: PLR0913, PLR0917 - a kernel
    ask: Ask, k: int, limits: Floats, borders: list[Border], board: Board, costs: Costs,
    timed: bool, given: Leaves, moving: NDArray[np.bool_], units: Units, n_rivals: int,
    rivals: Floats, grid: Floats,
) -> int:  # fmt: skip
    """Fill in the leaves of a square, and those cut on the way; return how many they are."""
    row, column = ask.row[k], ask.column[k]
    pieces, kept = pieces_room(), ask.given[k] >= 0
    whole = timed and not kept and _whole(row, column, board)
    n = 0
    if kept:
        for leaf in range(given.starts[ask.given[k]], given.starts[ask.given[k] + 1]):
            take_over(units, n, given, leaf, row, column, board, n_rivals, rivals, costs)
            n += 1
    else:
        cut_in_sixteen(units, 0, 0, 0, 0, row, column, board, n_rivals, rivals, costs, timed, grid)
        n = SPLIT
    for at in range(limits.size):
        if not timed or ask.low[k] <= limits[at]:
            found = gather(row, column, False, borders[at], moving, pieces)
            n = split(
                units, n, limits[at], row, column, board, pieces, found, n_rivals, rivals, costs,
                timed, whole, grid,
            )  # fmt: skip
    return n if kept or _differ(units, n, limits, row, column, board) else 0


@compiled()
def _refine(  # noqa: PLR0913, PLR0917 - a kernel
    ask: Ask, limits: Floats, board: Board, roads: Roads, costs: Costs, timed: bool, given: Leaves,
    r1: int, c1: int, within: tuple[int, int],
) -> tuple[
    Ints, Ints, NDArray[np.int8], NDArray[np.int16], NDArray[np.int16], Floats, Floats
]:  # fmt: skip
    asked, widest = ask.row.size, 1
    for k in range(asked):
        widest = max(widest, ask.last[k] - ask.first[k])
    rivals, noted = rivals_table(widest), notes(asked)
    wanted, moving = _wanted(ask, limits, timed, board, given, r1, c1)
    row, column = ask.row[wanted], ask.column[wanted]
    borders = [border_about(limit, board, row, column) for limit in limits]
    chosen = _chosen(
        ask, limits, borders, board, roads, costs, timed, wanted, moving, within, noted, rivals
    )
    units, grid = units_room(), np.empty((5, 5, 2))
    square, starts = np.empty(asked, np.int64), np.zeros(asked + 1, np.int64)
    room, count, found = 1024, 0, 0
    depth, south, west = np.empty(room, np.int8), np.empty(room, np.int16), np.empty(room, np.int16)
    total, leg = np.empty((room, 4)), np.empty((room, 4))
    for k in range(asked):
        if not chosen[k]:
            continue
        edges = ask.rivals[ask.first[k] : ask.last[k]]
        n_rivals = load_rivals(edges, roads, costs, timed, noted, rivals)
        n = _leaves_of(
            ask, k, limits, borders, board, costs, timed, given, moving, units, n_rivals, rivals,
            grid,
        )  # fmt: skip
        if n == 0:
            continue
        if count + n > room:
            room = 2 * (count + n)
            depth, south, west = wider(depth, room), wider(south, room), wider(west, room)
            total, leg = wider_rows(total, room), wider_rows(leg, room)
        for at in range(n):
            if not units.cut[at]:
                depth[count], south[count] = units.depth[at], units.south[at]
                west[count] = units.west[at]
                for corner in range(4):
                    total[count, corner] = units.total[at, corner]
                    leg[count, corner] = units.leg[at, corner]
                count += 1
        square[found] = k
        found += 1
        starts[found] = count
    return (
        square[:found], starts[: found + 1], depth[:count], south[:count], west[:count],
        total[:count], leg[:count],
    )  # fmt: skip


def refine(
    ask: Ask,
    limits: Floats,
    board: Board,
    roads: Roads,
    *,
    costs: Costs | None,
    given: Leaves,
    corner: tuple[int, int] = (0, 0),
    within: tuple[int, int] | None = None,
) -> Leaves:
    """Cut squares in which something is missed into leaves.

    Parameters
    ----------
    ask : Ask
        In the order of rows and columns.
    limits : numpy.ndarray of float
        Ascending, in metres of an access leg.
    board : Board
    roads : Roads
    costs : Costs, optional
        None: it is all about the legs.
    given : Leaves
        Leaves of squares that have some already.
    corner : tuple of int
        Row and column of the board's first square among those of ``given``.
    within : tuple of int, optional
        The rows of the board whose squares are cut, from the first to before the last; of the
        others it is asked too whether something may be missed there. None: all.

    Returns
    -------
    Leaves
        By the rows and columns of the board; the same for all limits.
    """
    none, nothing = np.empty(0, np.int64), np.empty(0)
    timed = costs is not None
    known = Costs(nothing, 1.0, none, nothing, nothing) if costs is None else costs
    rows_cut = (0, board.surely.shape[0]) if within is None else within
    square, starts, depth, south, west, total, leg = _refine(
        ask, limits, board, roads, known, timed, given, *corner, rows_cut
    )
    row_starts = np.searchsorted(ask.row[square], np.arange(board.surely.shape[0] + 1))
    return Leaves(row_starts, ask.column[square], starts, depth, south, west, total, leg)
