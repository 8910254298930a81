"""Attaching points to the network: the nearest point on an edge, never the nearest node."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from servicecircle.network.compiled import compiled, prange
from servicecircle.network.graph import Network

__all__ = ["Attachment", "EdgeIndex", "attach", "edge_index", "nearest_edges"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BIN_M = 60.0
_MOST_BINS = 20_000_000


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Attachment:
    """Where points meet the network: a foot each, or several where a place has entrances.

    Parameters
    ----------
    edge : numpy.ndarray of int, shape (k,)
        Edge of the network, -1 for an unsnapped foot.
    offset_m : numpy.ndarray of float, shape (k,)
        Metres from the edge's end ``u`` to the foot; NaN for an unsnapped one.
    leg_m : numpy.ndarray of float, shape (k,)
        Straight access leg from the point to the foot; NaN for an unsnapped one.
    owner : numpy.ndarray of int, shape (k,), optional
        The point that each foot belongs to, ascending; None: each point has one foot, its own.
    points : int, optional
        How many points there are, with ``owner`` only.
    """

    edge: Ints
    offset_m: Floats
    leg_m: Floats
    owner: Ints | None = None
    points: int | None = None

    @property
    def snapped(self) -> NDArray[np.bool_]:
        """Which feet are on the network."""
        return self.edge >= 0

    @property
    def owners(self) -> Ints:
        """The point of each foot."""
        return np.arange(self.edge.size) if self.owner is None else self.owner

    @property
    def attached(self) -> NDArray[np.bool_]:
        """Which points have a foot on the network."""
        if self.owner is None:
            return self.snapped
        held = np.zeros(len(self), np.bool_)
        held[self.owner[self.snapped]] = True
        return held

    @property
    def least_leg_m(self) -> Floats:
        """The shortest access leg of each point; NaN for one that is not attached."""
        if self.owner is None:
            return self.leg_m
        legs = np.full(len(self), np.inf)
        here = self.snapped
        np.minimum.at(legs, self.owner[here], self.leg_m[here])
        return np.where(np.isinf(legs), np.nan, legs)

    def rows(self, rows: Ints) -> Attachment:
        """Return some of the feet, each as a point of its own."""
        return Attachment(
            edge=self.edge[rows], offset_m=self.offset_m[rows], leg_m=self.leg_m[rows]
        )

    def take(self, points: Ints) -> Attachment:
        """Return the attachment of some of the points, with all their feet."""
        if self.owner is None:
            return self.rows(points)
        points = np.asarray(points, np.int64)
        first = np.searchsorted(self.owner, points, side="left")
        count = np.searchsorted(self.owner, points, side="right") - first
        shift = np.repeat(first - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
        feet = shift + np.arange(shift.size) if points.size else np.empty(0, np.int64)
        owner = np.repeat(np.arange(points.size), count)
        return replace(self.rows(feet), owner=owner, points=points.size)

    def __len__(self) -> int:
        """Return the number of points."""
        return self.edge.size if self.points is None else self.points


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EdgeIndex:
    """Square bins over the eligible edges, with the edges that may touch each bin.

    Parameters
    ----------
    x0, y0 : float
        South-western corner, in metres.
    bin_m : float
        Side of a bin.
    columns, rows : int
        0 where no edge is eligible.
    starts : numpy.ndarray of int, shape (columns * rows + 1,)
        Where each bin's part of ``edges`` begins.
    edges : numpy.ndarray of int
        Edges of the network, bin by bin; an edge may stand in a bin more than once.
    """

    x0: float
    y0: float
    bin_m: float
    columns: int
    rows: int
    starts: Ints
    edges: Ints


@compiled()
def _pieces(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    ax: Floats, ay: Floats, bx: Floats, by: Floats, x0: float, y0: float, size: float, columns: int,
    rows: int, ids: Ints, counts: Ints, fill: bool, out: Ints,
) -> None:  # fmt: skip
    """Count, or file, each edge under the bins that pieces of at most one bin's length touch."""
    for k in range(ids.size):
        dx, dy = bx[k] - ax[k], by[k] - ay[k]
        parts = max(1, int(np.ceil(max(abs(dx), abs(dy)) / size)))
        last_c, last_r, last_c2, last_r2 = -1, -1, -1, -1
        for part in range(parts):
            px, py = ax[k] + dx * part / parts, ay[k] + dy * part / parts
            qx, qy = ax[k] + dx * (part + 1) / parts, ay[k] + dy * (part + 1) / parts
            # Rounding may put the last end a hair off the grid.
            c1 = max(int((min(px, qx) - x0) / size), 0)
            c2 = min(int((max(px, qx) - x0) / size), columns - 1)
            r1 = max(int((min(py, qy) - y0) / size), 0)
            r2 = min(int((max(py, qy) - y0) / size), rows - 1)
            if c1 == last_c and r1 == last_r and c2 == last_c2 and r2 == last_r2:
                continue
            last_c, last_r, last_c2, last_r2 = c1, r1, c2, r2
            for r in range(r1, r2 + 1):
                for c in range(c1, c2 + 1):
                    cell = r * columns + c
                    if fill:
                        out[counts[cell]] = ids[k]
                    counts[cell] += 1


def edge_index(network: Network) -> EdgeIndex:
    """Build the search index over the eligible edges of a network.

    Parameters
    ----------
    network : Network

    Returns
    -------
    EdgeIndex
        Bins of 60 m, wider where the area would need more than 20 million of them.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> edge_index(build_network([0, 100], [0, 0], [0], [1], min_component_m=0)).rows
    1
    >>> edge_index(build_network([], [], [], [])).rows
    0
    """
    ids = np.flatnonzero(network.eligible)
    if not ids.size:
        return EdgeIndex(
            x0=0.0, y0=0.0, bin_m=_BIN_M, columns=0, rows=0,
            starts=np.zeros(1, np.int64), edges=np.empty(0, np.int64),
        )  # fmt: skip
    u, v = network.u[ids], network.v[ids]
    ax, ay, bx, by = network.x[u], network.y[u], network.x[v], network.y[v]
    x0, y0 = float(min(ax.min(), bx.min())), float(min(ay.min(), by.min()))
    width = float(max(ax.max(), bx.max())) - x0
    height = float(max(ay.max(), by.max())) - y0
    size = max(_BIN_M, float(np.sqrt(width * height / _MOST_BINS)))
    columns, rows = int(width / size) + 1, int(height / size) + 1
    counts = np.zeros(columns * rows, np.int64)
    nothing = np.empty(0, np.int64)
    _pieces(ax, ay, bx, by, x0, y0, size, columns, rows, ids, counts, False, nothing)
    starts = np.zeros(counts.size + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    edges = np.empty(int(starts[-1]), np.int64)
    _pieces(ax, ay, bx, by, x0, y0, size, columns, rows, ids, starts[:-1].copy(), True, edges)
    return EdgeIndex(
        x0=x0, y0=y0, bin_m=size, columns=columns, rows=rows, starts=starts, edges=edges
    )


@compiled(parallel=True)
def _nearest(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one loop
    px: Floats, py: Floats, most_m: float, nx: Floats, ny: Floats, u: Ints, v: Ints,
    x0: float, y0: float, size: float, columns: int, rows: int, starts: Ints, edges: Ints,
    out_edge: Ints, out_offset: Floats, out_leg: Floats,
) -> None:  # fmt: skip
    for k in prange(px.size):
        x, y = px[k], py[k]
        out_edge[k] = -1
        out_offset[k] = np.nan
        out_leg[k] = np.nan
        if not (np.isfinite(x) and np.isfinite(y)):
            continue
        # So far off that there is nothing to find, and that a bin's number may not fit an integer.
        off_x = max(x0 - x, x - x0 - columns * size)
        off_y = max(y0 - y, y - y0 - rows * size)
        if max(off_x, off_y) > most_m:
            continue
        column, row = int(np.floor((x - x0) / size)), int(np.floor((y - y0) / size))
        # Distance from the point to the rim of its own bin: what ring 0 is sure to hold.
        inner = min(
            x - x0 - column * size,
            x0 + (column + 1) * size - x,
            y - y0 - row * size,
            y0 + (row + 1) * size - y,
        )
        # Rings that lie wholly off the grid hold nothing.
        first = max(-column, column - columns + 1, -row, row - rows + 1, 0)
        most = most_m * most_m
        best, best_edge, best_offset = np.inf, -1, 0.0
        ring = first
        while True:
            if ring > 0:
                sure = (ring - 1) * size + inner
                if sure > most_m or (sure > 0.0 and sure * sure > best):
                    break
            if ring > first and ring > max(columns, rows) + first:
                break
            for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
                rim = r == row - ring or r == row + ring
                step = 1 if rim or ring == 0 else 2 * ring
                c = column - ring
                while c <= column + ring:
                    if 0 <= c < columns:
                        cell = r * columns + c
                        for at in range(starts[cell], starts[cell + 1]):
                            edge = edges[at]
                            ax, ay = nx[u[edge]], ny[u[edge]]
                            dx, dy = nx[v[edge]] - ax, ny[v[edge]] - ay
                            length2 = dx * dx + dy * dy
                            t = 0.0
                            if length2 > 0.0:
                                t = ((x - ax) * dx + (y - ay) * dy) / length2
                            # At its ends an edge is its node, bit for bit, so that edges which
                            # share the node tie exactly.
                            if t <= 0.0:
                                t = 0.0
                                fx, fy = ax, ay
                            elif t >= 1.0:
                                t = 1.0
                                fx, fy = nx[v[edge]], ny[v[edge]]
                            else:
                                fx, fy = ax + t * dx, ay + t * dy
                            d2 = (x - fx) * (x - fx) + (y - fy) * (y - fy)
                            if d2 < best or (d2 == best and edge < best_edge):
                                best, best_edge = d2, edge
                                best_offset = t * np.sqrt(length2)
                    c += step
            ring += 1
        if best_edge >= 0 and best <= most:
            out_edge[k] = best_edge
            out_offset[k] = best_offset
            out_leg[k] = np.sqrt(best)


def nearest_edges(
    network: Network, index: EdgeIndex, x: ArrayLike, y: ArrayLike, *, most_m: float
) -> Attachment:
    """Return the nearest point on an eligible edge for each point.

    Parameters
    ----------
    network, index
        The network and its :func:`edge_index`.
    x, y : array_like of float, shape (k,)
        Points in the network's coordinate system, in metres. Not finite: unsnapped.
    most_m : float
        Points farther than this from every eligible edge are unsnapped; inclusive.

    Returns
    -------
    Attachment
        Ties between edges go to the lowest edge id.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> at = nearest_edges(network, edge_index(network), [30, 30], [500, 501], most_m=500)
    >>> at.edge.tolist(), at.leg_m.tolist()
    ([0, -1], [500.0, nan])
    """
    px = np.ascontiguousarray(x, np.float64)
    py = np.ascontiguousarray(y, np.float64)
    edge = np.full(px.size, -1, np.int64)
    offset, leg = np.full(px.size, np.nan), np.full(px.size, np.nan)
    if px.size and index.edges.size:
        _nearest(
            px, py, most_m, network.x, network.y, network.u, network.v,
            index.x0, index.y0, index.bin_m, index.columns, index.rows, index.starts, index.edges,
            edge, offset, leg,
        )  # fmt: skip
    return Attachment(edge=edge, offset_m=offset, leg_m=leg)


def attach(
    network: Network, x: ArrayLike, y: ArrayLike, *, max_snap_m: float = 500.0
) -> Attachment:
    """Attach points to a network by truth: to the nearest point on an eligible edge.

    Parameters
    ----------
    network : Network
    x, y : array_like of float, shape (k,)
        Points in the network's coordinate system, in metres.
    max_snap_m : float
        A point farther than this from the network is unsnapped.

    Returns
    -------
    Attachment

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> at = attach(network, [30, 30], [40, 4000])
    >>> at.edge.tolist(), float(at.offset_m[0]), float(at.leg_m[0])
    ([0, -1], 30.0, 40.0)
    """
    return nearest_edges(network, edge_index(network), x, y, most_m=max_snap_m)
