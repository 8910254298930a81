"""Access legs that do not cross water, railways or other barriers.

A point takes the nearest edge to whose nearest point its straight leg meets no barrier. A barrier
that the point itself stands on or in is not in its way: a cell's centre in a river is somebody on
one of its banks.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.graph import Network
from servicecircle.network.snap import Attachment, EdgeIndex, nearest_edges

__all__ = ["attach_around"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BATCH = 20_000


@compiled()
def _candidates(  # noqa: PLR0913, PLR0917 - one kernel, one loop
    px: Floats, py: Floats, most: float, nx: Floats, ny: Floats, u: Ints, v: Ints,
    x0: float, y0: float, size: float, columns: int, rows: int, starts: Ints, edges: Ints,
    seen: Ints, room: int,
) -> tuple[Ints, Ints, Floats, Floats]:  # fmt: skip
    """List every edge within ``most`` of each point, with the leg and the offset on it."""
    ends = np.zeros(px.size + 1, np.int64)
    found = np.empty(room, np.int64)
    legs, offsets = np.empty(room, np.float64), np.empty(room, np.float64)
    count = 0
    for k in range(px.size):
        x, y = px[k], py[k]
        c1 = max(int(np.floor((x - most - x0) / size)), 0)
        c2 = min(int(np.floor((x + most - x0) / size)), columns - 1)
        r1 = max(int(np.floor((y - most - y0) / size)), 0)
        r2 = min(int(np.floor((y + most - y0) / size)), rows - 1)
        for row in range(r1, r2 + 1):
            for column in range(c1, c2 + 1):
                cell = row * columns + column
                for at in range(starts[cell], starts[cell + 1]):
                    edge = edges[at]
                    if seen[edge] == k:
                        continue
                    seen[edge] = k
                    ax, ay = nx[u[edge]], ny[u[edge]]
                    dx, dy = nx[v[edge]] - ax, ny[v[edge]] - ay
                    length2 = dx * dx + dy * dy
                    t = 0.0
                    if length2 > 0.0:
                        t = min(max(((x - ax) * dx + (y - ay) * dy) / length2, 0.0), 1.0)
                    fx, fy = ax + t * dx, ay + t * dy
                    leg = np.sqrt((x - fx) * (x - fx) + (y - fy) * (y - fy))
                    if leg > most:
                        continue
                    if count == found.size:
                        found = np.concatenate((found, np.empty(count, np.int64)))
                        legs = np.concatenate((legs, np.empty(count, np.float64)))
                        offsets = np.concatenate((offsets, np.empty(count, np.float64)))
                    found[count], legs[count] = edge, leg
                    offsets[count] = t * np.sqrt(length2)
                    count += 1
        ends[k + 1] = count
    return ends, found[:count].copy(), legs[:count].copy(), offsets[:count].copy()


def attach_around(
    network: Network,
    index: EdgeIndex,
    x: ArrayLike,
    y: ArrayLike,
    *,
    most_m: float,
    barriers: NDArray[np.object_],
) -> Attachment:
    """Attach points to the nearest edge whose straight leg crosses no barrier.

    Parameters
    ----------
    network, index
        The network and its :func:`servicecircle.network.snap.edge_index`.
    x, y : array_like of float, shape (k,)
        Points in the network's coordinate system, in metres.
    most_m : float
        Farther than this from every such edge a point is unsnapped.
    barriers : numpy.ndarray of shapely.Geometry
        Lines and polygons in the same coordinate system.

    Returns
    -------
    Attachment
        As of :func:`servicecircle.network.snap.nearest_edges` where no barrier is met.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> x, y = [0, 3000, 0, 3000], [0, 0, 200, 200]
    >>> network = build_network(x, y, [0, 2], [1, 3])
    >>> river = np.array([shapely.box(-50, 20, 3050, 60)])
    >>> index = edge_index(network)
    >>> at = attach_around(network, index, [300, 300], [80, 10], most_m=500, barriers=river)
    >>> at.edge.tolist(), at.leg_m.tolist()
    ([1, 0], [120.0, 10.0])
    """
    px = np.ascontiguousarray(x, np.float64)
    py = np.ascontiguousarray(y, np.float64)
    at = nearest_edges(network, index, px, py, most_m=most_m)
    rows = np.flatnonzero(at.snapped)
    if not barriers.size or not rows.size:
        return at
    tree = shapely.STRtree(barriers)
    near = at.rows(rows)
    feet = _feet(network, near.edge, near.offset_m)
    met = _crossing(tree, barriers, px[rows], py[rows], feet)
    again = rows[met]
    edge, offset, leg = at.edge.copy(), at.offset_m.copy(), at.leg_m.copy()
    edge[again], offset[again], leg[again] = -1, np.nan, np.nan
    seen = np.full(network.u.size, -1, np.int64)
    for begin in range(0, again.size, _BATCH):
        mine = again[begin : begin + _BATCH]
        seen[:] = -1
        ends, edges, legs, offsets = _candidates(
            px[mine], py[mine], most_m, network.x, network.y, network.u, network.v,
            index.x0, index.y0, index.bin_m, index.columns, index.rows, index.starts,
            index.edges, seen, 4096,
        )  # fmt: skip
        point = np.repeat(np.arange(mine.size), np.diff(ends))
        order = np.lexsort((edges, legs, point))
        at_first, last = ends[:-1].copy(), ends[1:]
        waiting = np.flatnonzero(at_first < last)
        # In rounds: the nearest candidate of each point, then the next of those who met a barrier.
        while waiting.size:
            chosen = order[at_first[waiting]]
            places = mine[waiting]
            feet = _feet(network, edges[chosen], offsets[chosen])
            met = _crossing(tree, barriers, px[places], py[places], feet)
            good = ~met
            edge[places[good]] = edges[chosen[good]]
            offset[places[good]], leg[places[good]] = offsets[chosen[good]], legs[chosen[good]]
            at_first[waiting] += 1
            waiting = waiting[met]
            waiting = waiting[at_first[waiting] < last[waiting]]
    return Attachment(edge=edge, offset_m=offset, leg_m=leg)


def _feet(network: Network, edge: Ints, offset_m: Floats) -> Floats:
    u, v, length = network.u[edge], network.v[edge], network.length_m[edge]
    share = np.divide(offset_m, length, out=np.zeros(edge.size), where=length > 0.0)
    share = np.minimum(share, 1.0)
    x = network.x[u] + share * (network.x[v] - network.x[u])
    y = network.y[u] + share * (network.y[v] - network.y[u])
    return np.stack([x, y], axis=1)


def _crossing(
    tree: shapely.STRtree, barriers: NDArray[np.object_], x: Floats, y: Floats, feet: Floats
) -> NDArray[np.bool_]:
    """Return which straight legs meet a barrier that their point does not stand on."""
    places = np.stack([x, y], axis=1)
    legs = shapely.linestrings(np.stack([places, feet], axis=1))
    leg, barrier = tree.query(legs, predicate="intersects")
    points = np.asarray(shapely.points(places[leg]))
    away = ~shapely.intersects(barriers[barrier], points)
    met = np.zeros(x.size, np.bool_)
    met[leg[away]] = True
    return met
