"""The edges that may be the nearest one of some point in a small square, known once for an area.

Within a square of half-diagonal ``r`` around ``c``, the nearest edge of any point is one whose
distance from ``c`` is at most ``d(c) + 2 r``, ``d(c)`` being that of the nearest edge of ``c``. The
same is asked of its sixteen parts: a rival of none of them is none of the square.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled, prange
from servicecircle.network.graph import Network

__all__ = ["HAIR_M", "Squares", "rival_squares"]

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Ints = NDArray[np.int64]

HAIR_M = 1e-2
"""Slack for what is kept in single precision."""
_PIECE_M = 100.0
_PARTS = 4
_COUNT, _FILL = 1, 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Squares:
    """Squares between four cells of a field, and the rivals for being their nearest edge.

    Only squares with a point at most ``draw_m`` from the network are listed.

    Parameters
    ----------
    row_starts : numpy.ndarray of int64, shape (rows,)
        Where the squares of each row begin; the square of row r and column c lies between the
        cells (r, c) and (r + 1, c + 1).
    column : numpy.ndarray of int32, shape (s,)
        Ascending in each row.
    starts : numpy.ndarray of int64, shape (s + 1,)
        Where the rivals of each square begin.
    edge : numpy.ndarray of int32, shape (k,)
        Rivals; the same edge once a square, ascending.
    offset_m, leg_m : numpy.ndarray of float32, shape (k,)
        From the edge's end ``u`` to the foot of the square's centre, and from there to the centre.
    least_m, most_m : numpy.ndarray of float32, shape (s,)
        No point of the square is nearer to the network, or farther from it.
    """

    row_starts: Ints
    column: NDArray[np.int32]
    starts: Ints
    edge: NDArray[np.int32]
    offset_m: Singles
    leg_m: Singles
    least_m: Singles
    most_m: Singles


@compiled()
def _to_edge(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Return the distance of a point to a segment."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    t = 0.0
    if length2 > 0.0:
        t = min(max(((x - ax) * dx + (y - ay) * dy) / length2, 0.0), 1.0)
    fx, fy = ax + t * dx - x, ay + t * dy - y
    return float(np.sqrt(fx * fx + fy * fy))


@compiled()
def _bound_legs(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    nx: Floats, ny: Floats, u: Ints, v: Ints, row_starts: Ints, column: NDArray[np.int32],
    starts: Ints, edge: NDArray[np.int32], cell: float, column0: int, row0: int, least: Singles,
    most: Singles,
) -> None:  # fmt: skip
    """Bound the distance to the network in each square; ``least`` is right where it matters.

    The farthest point of a square from a segment is a corner, and the nearest one a corner or
    that next to an end of the segment, unless the segment crosses the square.
    """
    for row in range(row_starts.size - 1):
        south = (row + row0) * cell
        for k in range(row_starts[row], row_starts[row + 1]):
            west = (column[k] + column0) * cell
            near, far = np.inf, np.inf
            for at in range(starts[k], starts[k + 1]):
                one, other = u[edge[at]], v[edge[at]]
                ax, ay, bx, by = nx[one], ny[one], nx[other], ny[other]
                widest = 0.0
                for corner in range(4):
                    x, y = west + (corner % 2) * cell, south + (corner // 2) * cell
                    leg = _to_edge(x, y, ax, ay, bx, by)
                    near, widest = min(near, leg), max(widest, leg)
                far = min(far, widest)
                for x, y in ((ax, ay), (bx, by)):
                    off_x = max(west - x, x - west - cell, 0.0)
                    off_y = max(south - y, y - south - cell, 0.0)
                    near = min(near, np.sqrt(off_x * off_x + off_y * off_y))
            least[k], most[k] = near - HAIR_M, far + HAIR_M


@compiled(parallel=True)
def _keep(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    nx: Floats, ny: Floats, u: Ints, v: Ints, row_starts: Ints, column: NDArray[np.int32],
    starts: Ints, edge: NDArray[np.int32], cell: float, column0: int, row0: int,
    keep: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Tell which rivals may be nearest in one of the sixteen parts of their square."""
    size, parts = cell / _PARTS, _PARTS * _PARTS
    wide = 2.0 * size * np.sqrt(0.5) + HAIR_M
    for row in prange(row_starts.size - 1):
        far = np.empty((1, parts))
        x, y, least = np.empty(parts), np.empty(parts), np.empty(parts)
        for k in range(row_starts[row], row_starts[row + 1]):
            first, last = starts[k], starts[k + 1]
            if last - first == 1:
                keep[first] = True
                continue
            if last - first > far.shape[0]:
                far = np.empty((2 * (last - first), parts))
            for part in range(parts):
                x[part] = (column[k] + column0) * cell + (part % _PARTS + 0.5) * size
                y[part] = (row + row0) * cell + (part // _PARTS + 0.5) * size
                least[part] = np.inf
            for at in range(last - first):
                one, other = u[edge[first + at]], v[edge[first + at]]
                ax, ay = nx[one], ny[one]
                dx, dy = nx[other] - ax, ny[other] - ay
                length2 = dx * dx + dy * dy
                per = 1.0 / length2 if length2 > 0.0 else 0.0
                for part in range(parts):
                    t = min(max(((x[part] - ax) * dx + (y[part] - ay) * dy) * per, 0.0), 1.0)
                    fx, fy = ax + t * dx - x[part], ay + t * dy - y[part]
                    far[at, part] = np.sqrt(fx * fx + fy * fy)
                for part in range(parts):
                    least[part] = min(least[part], far[at, part])
            for at in range(last - first):
                near = False
                for part in range(parts):
                    near |= far[at, part] <= least[part] + wide
                keep[first + at] = near


@compiled()
def _scatter(  # noqa: PLR0913, PLR0917 - one kernel, one loop
    nx: Floats, ny: Floats, u: Ints, v: Ints, ids: Ints, reach: float, cell: float,
    column0: int, row0: int, slot: NDArray[np.int32], task: int, wide: float,
    best: Singles, ends: Ints, edge: NDArray[np.int32], offset: Singles, leg: Singles,
) -> None:  # fmt: skip
    """Go over the squares near each edge: their least leg, or count rivals, or file them.

    Task 0 lowers ``best``, 1 adds to ``ends`` for every leg at most ``wide`` above it, 2 files.
    """
    rows, columns = slot.shape
    for edge_id in ids:
        ax, ay, bx, by = nx[u[edge_id]], ny[u[edge_id]], nx[v[edge_id]], ny[v[edge_id]]
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy
        parts = max(1, int(np.ceil(max(abs(dx), abs(dy)) / _PIECE_M)))
        for part in range(parts):
            px, py = ax + dx * part / parts, ay + dy * part / parts
            qx, qy = ax + dx * (part + 1) / parts, ay + dy * (part + 1) / parts
            # Centres stand half a cell off the cells.
            c1 = max(int(np.ceil((min(px, qx) - reach) / cell - 0.5)) - column0, 0)
            c2 = min(int(np.floor((max(px, qx) + reach) / cell - 0.5)) - column0, columns - 1)
            r1 = max(int(np.ceil((min(py, qy) - reach) / cell - 0.5)) - row0, 0)
            r2 = min(int(np.floor((max(py, qy) + reach) / cell - 0.5)) - row0, rows - 1)
            for r in range(r1, r2 + 1):
                y = (r + row0 + 0.5) * cell
                for c in range(c1, c2 + 1):
                    if task != 0 and slot[r, c] < 0:
                        continue
                    x = (c + column0 + 0.5) * cell
                    t = 0.0
                    if length2 > 0.0:
                        t = ((x - ax) * dx + (y - ay) * dy) / length2
                    t = min(max(t, 0.0), 1.0)
                    # Each centre belongs to the piece that its foot lies on: it is met once.
                    if min(int(t * parts), parts - 1) != part:
                        continue
                    fx, fy = ax + t * dx - x, ay + t * dy - y
                    far = np.sqrt(fx * fx + fy * fy)
                    if far > reach:
                        continue
                    if task == 0:
                        flat = r * columns + c
                        best[flat] = min(best[flat], far)
                        continue
                    k = slot[r, c]
                    if far > best[k] + wide:
                        continue
                    if task == _FILL:
                        at = ends[k]
                        edge[at], leg[at] = edge_id, far
                        offset[at] = t * np.sqrt(length2)
                    ends[k] += 1


def rival_squares(
    network: Network,
    ids: Ints,
    shape: tuple[int, int],
    *,
    cell_m: float,
    draw_m: float,
    first: tuple[int, int],
) -> Squares:
    """Find the rivals of every square near some edges.

    Parameters
    ----------
    network : Network
    ids : numpy.ndarray of int
        Edges that points of the area may be nearest to, ascending.
    shape : tuple of int
        Rows and columns of the cells; of squares there is one less each way.
    cell_m, draw_m : float
        See :func:`servicecircle.network.field.circle_field`.
    first : tuple of int
        Row and column of the first cell, whose centre stands at these multiples of ``cell_m``.

    Returns
    -------
    Squares

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> found = rival_squares(
    ...     network, np.array([0]), (9, 3), cell_m=10.0, draw_m=25.0, first=(-4, 0)
    ... )
    >>> found.column.tolist(), found.leg_m[::2].tolist()
    ([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1], [25.0, 15.0, 5.0, 5.0, 15.0, 25.0])
    >>> rival_squares(
    ...     network, np.empty(0, int), (2, 2), cell_m=10.0, draw_m=25.0, first=(0, 0)
    ... ).edge.size
    0
    """
    rows, columns = max(shape[0] - 1, 0), max(shape[1] - 1, 0)
    r = cell_m * np.sqrt(0.5)
    wide = 2.0 * r + HAIR_M
    none, none32, singles = np.empty(0, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    best = np.full(rows * columns, np.inf, np.float32)
    slot = np.full((rows, columns), -1, np.int32)
    fixed = (network.x, network.y, network.u, network.v, ids)
    where = (cell_m, first[1], first[0], slot)
    # Farther off than this no point of a square is within draw_m.
    _scatter(*fixed, draw_m + r, *where, 0, wide, best, none, none32, singles, singles)
    listed = np.flatnonzero(np.isfinite(best))
    best = best[listed]
    slot.ravel()[listed] = np.arange(listed.size, dtype=np.int32)
    reach = draw_m + 3.0 * r + HAIR_M
    ends = np.zeros(listed.size, np.int64)
    _scatter(*fixed, reach, *where, _COUNT, wide, best, ends, none32, singles, singles)
    starts = np.zeros(listed.size + 1, np.int64)
    np.cumsum(ends, out=starts[1:])
    edge = np.empty(int(starts[-1]), np.int32)
    offset, leg = np.empty(edge.size, np.float32), np.empty(edge.size, np.float32)
    _scatter(*fixed, reach, *where, _FILL, wide, best, starts[:-1].copy(), edge, offset, leg)
    row_starts = np.searchsorted(listed, np.arange(rows + 1) * columns).astype(np.int64)
    column = (listed % max(columns, 1)).astype(np.int32)
    least, most = np.empty(listed.size, np.float32), np.empty(listed.size, np.float32)
    _bound_legs(
        network.x, network.y, network.u, network.v, row_starts, column, starts, edge, cell_m,
        first[1], first[0], least, most,
    )  # fmt: skip
    keep = np.zeros(edge.size, np.bool_)
    _keep(
        network.x, network.y, network.u, network.v, row_starts, column, starts, edge, cell_m,
        first[1], first[0], keep,
    )  # fmt: skip
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])[starts]
    edge, offset, leg = edge[keep], offset[keep], leg[keep]
    return Squares(
        row_starts=row_starts,
        column=column,
        starts=starts,
        edge=edge,
        offset_m=offset,
        leg_m=leg,
        least_m=least,
        most_m=most,
    )
