"""Distances over the network between attached points, partial edges and access legs included.

The total between two points is the access leg of one, the path between the two feet, and the
access leg of the other; feet on one edge may go directly along it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from servicecircle.network.graph import Network
from servicecircle.network.snap import Attachment

__all__ = ["Nearest", "distance_at", "metres_from", "nearest", "node_distances", "searches"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_BLOCK_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Nearest:
    """The nearest of several targets for each point.

    Parameters
    ----------
    metres : numpy.ndarray of float, shape (k,)
        Total distance, both access legs included; NaN where there is no way.
    target : numpy.ndarray of int, shape (k,)
        Index of the nearest target, -1 where there is none; of several at the same distance
        one of them, the same in every run.
    """

    metres: Floats
    target: Ints


def _with_sources(network: Network, sources: Attachment) -> tuple[csr_array, Ints]:
    """Return the matrix with one more node a source, that leads to the ends of its edge."""
    n = network.x.size
    snapped = np.flatnonzero(sources.snapped)
    edge = sources.edge[snapped]
    to_u = sources.leg_m[snapped] + sources.offset_m[snapped]
    to_v = sources.leg_m[snapped] + np.maximum(
        network.length_m[edge] - sources.offset_m[snapped], 0.0
    )
    u, v = network.u[edge], network.v[edge]
    # A loop's two ends are one node: scipy would add the entries up, so the shorter stands twice
    # as one entry and an unreachable one.
    loop = u == v
    to_u = np.where(loop, np.minimum(to_u, to_v), to_u)
    columns = np.stack([u, v], axis=1)
    weights = np.stack([to_u, to_v], axis=1)
    keep = np.stack([np.ones(loop.size, bool), ~loop], axis=1)
    base = network.matrix
    per_source = keep.sum(axis=1)
    starts = np.concatenate([base.indptr, base.indptr[-1] + np.cumsum(per_source)])
    size = n + snapped.size
    matrix = csr_array(
        (
            np.concatenate([base.data, weights[keep]]),
            np.concatenate([base.indices, columns[keep]]).astype(np.int32),
            starts.astype(np.int32),
        ),
        shape=(size, size),
    )
    return matrix, snapped


def node_distances(network: Network, targets: Attachment) -> tuple[Floats, Ints]:
    """Return for each node the distance to the nearest target, its access leg included.

    Parameters
    ----------
    network : Network
    targets : Attachment
        Unsnapped ones are passed over.

    Returns
    -------
    metres : numpy.ndarray of float, shape (n,)
        Infinite where no target can be reached.
    target : numpy.ndarray of int, shape (n,)
        Index of the target, -1 where there is none.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> node_distances(network, attach(network, [30], [40]))[0].tolist()
    [70.0, 110.0]
    """
    n = network.x.size
    matrix, snapped = _with_sources(network, targets)
    if not snapped.size:
        return np.full(n, np.inf), np.full(n, -1, np.int64)
    metres, _, source = dijkstra(
        matrix,
        directed=True,
        indices=np.arange(n, n + snapped.size),
        min_only=True,
        return_predecessors=True,
    )
    source = source[:n].astype(np.int64)
    reached = np.isfinite(metres[:n])
    target = np.full(n, -1, np.int64)
    target[reached] = snapped[source[reached] - n]
    return metres[:n], target


def distance_at(
    network: Network, node_metres: Floats, points: Attachment
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the distance at attached points from the distances at the nodes.

    Says nothing of targets on the point's own edge: see :func:`nearest`.

    Parameters
    ----------
    network : Network
    node_metres : numpy.ndarray of float, shape (n,)
        Distance of each node, infinite where there is none.
    points : Attachment

    Returns
    -------
    metres : numpy.ndarray of float, shape (k,)
        The points' access legs included; infinite where there is no way or no attachment.
    by_u : numpy.ndarray of bool, shape (k,)
        Whether the way leads over the edge's end ``u``.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> points = attach(network, [80, 5e4], [7, 0])
    >>> metres, by_u = distance_at(network, np.array([5.0, 9.0]), points)
    >>> metres.tolist(), bool(by_u[0])
    ([36.0, inf], False)
    """
    edge = np.where(points.snapped, points.edge, 0)
    if not network.u.size:
        return np.full(len(points), np.inf), np.ones(len(points), bool)
    over_u = node_metres[network.u[edge]] + points.offset_m
    over_v = node_metres[network.v[edge]] + np.maximum(
        network.length_m[edge] - points.offset_m, 0.0
    )
    metres = np.where(points.snapped, np.minimum(over_u, over_v) + points.leg_m, np.inf)
    return metres, over_u <= over_v


def _same_edge(points: Attachment, targets: Attachment) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of a point and a target on one edge, with their distance along it."""
    held = np.flatnonzero(targets.snapped)
    held = held[np.argsort(targets.edge[held], kind="stable")]
    edges = targets.edge[held]
    mine = np.flatnonzero(points.snapped)
    low = np.searchsorted(edges, points.edge[mine], side="left")
    high = np.searchsorted(edges, points.edge[mine], side="right")
    count = high - low
    point = np.repeat(mine, count)
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    target = held[first + np.arange(point.size)] if point.size else np.empty(0, np.int64)
    metres = (
        points.leg_m[point]
        + np.abs(points.offset_m[point] - targets.offset_m[target])
        + targets.leg_m[target]
    )
    return point, target, metres


def nearest(network: Network, points: Attachment, targets: Attachment) -> Nearest:
    """Return the nearest target of each point over the network.

    Parameters
    ----------
    network : Network
    points, targets : Attachment
        Demand points and facilities.

    Returns
    -------
    Nearest
        NaN metres and target -1 for an unsnapped point, or one from which no target is reached.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> near = nearest(network, attach(network, [20, 0], [0, 9e3]), attach(network, [80], [10]))
    >>> near.metres.tolist(), near.target.tolist()
    ([70.0, nan], [0, -1])
    """
    node_metres, node_target = node_distances(network, targets)
    metres, by_u = distance_at(network, node_metres, points)
    target = np.full(len(points), -1, np.int64)
    reached = np.isfinite(metres)
    edge = points.edge[reached]
    end = np.where(by_u[reached], network.u[edge], network.v[edge])
    target[reached] = node_target[end]
    point, own_target, own_metres = _same_edge(points, targets)
    # Longest first, so that the last one written is the shortest, and the lowest of equals.
    order = np.lexsort((-own_target, -own_metres))
    point, own_target, own_metres = point[order], own_target[order], own_metres[order]
    direct = np.full(len(points), np.inf)
    direct_target = np.full(len(points), -1, np.int64)
    direct[point], direct_target[point] = own_metres, own_target
    better = (direct < metres) | ((direct == metres) & (direct_target < target))
    metres = np.where(better, direct, metres)
    target = np.where(better, direct_target, target)
    return Nearest(metres=np.where(np.isfinite(metres), metres, np.nan), target=target)


def searches(
    network: Network, sources: Attachment, *, limit_m: float
) -> Iterator[tuple[int, Floats]]:
    """Search from each source alone, up to a limit.

    Parameters
    ----------
    network : Network
    sources : Attachment
        Unsnapped ones are passed over.
    limit_m : float
        Metres, the source's access leg included.

    Yields
    ------
    source : int
        Index of the source.
    metres : numpy.ndarray of float, shape (n,)
        Distance of each node, the source's access leg included; infinite beyond the limit.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> sources = attach(network, [9000, 20], [0, 5])
    >>> [(source, metres.tolist()) for source, metres in searches(network, sources, limit_m=50)]
    [(1, [25.0, inf])]
    """
    n = network.x.size
    matrix, snapped = _with_sources(network, sources)
    block = max(1, _BLOCK_BYTES // (8 * max(n + snapped.size, 1)))
    for start in range(0, snapped.size, block):
        indices = np.arange(n + start, n + min(start + block, snapped.size))
        # A hair above the limit, so that rounding in sums does not lose a node exactly at it.
        rows = dijkstra(matrix, directed=True, indices=indices, limit=limit_m * (1 + 1e-12) + 1e-6)
        for at, row in zip(indices, rows, strict=True):
            yield int(snapped[at - n]), row[:n]


def metres_from(
    network: Network, node_metres: Floats, points: Attachment, sources: Attachment, source: int
) -> Floats:
    """Return the distance at points from one source, its own edge included.

    Parameters
    ----------
    network : Network
    node_metres : numpy.ndarray of float, shape (n,)
        From :func:`searches` for this source.
    points, sources : Attachment
    source : int
        Index into ``sources``.

    Returns
    -------
    numpy.ndarray of float, shape (k,)
        Infinite where there is no way within the search's limit.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> sources = attach(network, [40], [5])
    >>> source, metres = next(searches(network, sources, limit_m=10))
    >>> points = attach(network, [42, 99, 42], [1, 0, 9e3])
    >>> metres_from(network, metres, points, sources, source).tolist()
    [8.0, 64.0, inf]
    """
    metres, _ = distance_at(network, node_metres, points)
    own = np.flatnonzero(points.edge == sources.edge[source])
    if own.size and sources.edge[source] >= 0:
        direct = (
            points.leg_m[own]
            + np.abs(points.offset_m[own] - sources.offset_m[source])
            + sources.leg_m[source]
        )
        metres[own] = np.minimum(metres[own], direct)
    return metres
