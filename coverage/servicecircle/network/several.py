"""The k nearest targets of each point, in one search that keeps k labels at each node.

If a target is among the k nearest of a node by way of another node, it is among the k nearest of
that one: so k labels at each node suffice, whatever the number of targets.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.bounded import Seeds, slack_limit
from servicecircle.network.compiled import compiled
from servicecircle.network.feet import arcs_of, end_costs, same_edge, seeds_of
from servicecircle.network.heap import drop_first, push
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Arcs, Direction, Travel

__all__ = ["NearestSeveral", "nearest_several"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NearestSeveral:
    """The nearest targets of each point, nearest first.

    Parameters
    ----------
    cost : numpy.ndarray of float, shape (p, k)
        Total in the unit of the travel; NaN past the last target that is reached.
    target : numpy.ndarray of int, shape (p, k)
        -1 past the last one; at the same cost the lowest first.
    """

    cost: Floats
    target: Ints


@compiled()
def _label(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one loop
    starts: Ints, heads: NDArray[np.int32], arc_cost: Floats,
    seed_starts: Ints, seed_nodes: Ints, seed_cost: Floats, limit: float,
    cost: Floats, owner: Ints, held: NDArray[np.int32],
) -> None:  # fmt: skip
    """Fill in the k least (cost, target) of every node, of different targets, least first."""
    k = cost.shape[1]
    room = 4096
    keys, entries = np.empty(room, np.float64), np.empty(room, np.int32)
    # An entry of the heap names a waiting label; labels that are done are used again.
    label_node, label_owner = np.empty(room, np.int32), np.empty(room, np.int64)
    free = np.arange(room - 1, -1, -1).astype(np.int32)
    free_count = room
    size = 0
    source, seed = 0, 0
    node, before = -1, -1
    arc, last = 0, 0
    key = 0.0
    while True:
        # The next candidate: a seed, an arc out of the label settled last, or the heap's least.
        if seed < seed_nodes.size:
            while seed >= seed_starts[source + 1]:
                source += 1
            here, total, who = seed_nodes[seed], seed_cost[seed], np.int64(source)
            seed += 1
        elif arc < last:
            here, total, who = np.int64(heads[arc]), key + arc_cost[arc], label_owner[before]
            arc += 1
            if arc == last:
                free[free_count] = before
                free_count += 1
        else:
            if size == 0:
                return
            key, before = keys[0], entries[0]
            drop_first(keys, entries, size)
            size -= 1
            node, who = label_node[before], label_owner[before]
            settled = held[node] == k
            for rank in range(held[node]):
                if owner[node, rank] == who:
                    settled = True
            arc, last = starts[node], starts[node + 1]
            if settled:
                last = arc
            else:
                cost[node, held[node]], owner[node, held[node]] = key, who
                held[node] += 1
            if arc == last:
                free[free_count] = before
                free_count += 1
            continue
        if total > limit or held[here] == k:
            continue
        known = False
        for rank in range(held[here]):
            if owner[here, rank] == who:
                known = True
        if known:
            continue
        if free_count == 0:
            old = label_node.size
            label_node = np.concatenate((label_node, np.empty(old, np.int32)))
            label_owner = np.concatenate((label_owner, np.empty(old, np.int64)))
            keys = np.concatenate((keys, np.empty(old, np.float64)))
            entries = np.concatenate((entries, np.empty(old, np.int32)))
            free = np.concatenate((free, np.empty(old, np.int32)))
            for at in range(old):
                free[at] = 2 * old - 1 - at
            free_count = old
        free_count -= 1
        new = free[free_count]
        label_node[new], label_owner[new] = here, who
        push(keys, entries, size, total, new)
        size += 1


def _labels(arcs: Arcs, seeds: Seeds, *, k: int, limit: float) -> tuple[Floats, Ints]:
    n = arcs.starts.size - 1
    cost, owner = np.full((n, k), np.inf), np.full((n, k), -1, np.int64)
    _label(
        arcs.starts, arcs.heads, arcs.cost, seeds.starts, seeds.nodes, seeds.cost, limit,
        cost, owner, np.zeros(n, np.int32),
    )  # fmt: skip
    return cost, owner


def nearest_several(
    travel: Travel,
    points: Attachment,
    targets: Attachment,
    *,
    k: int,
    limit: float = np.inf,
    direction: Direction = "to",
) -> NearestSeveral:
    """Return the k nearest targets of each point.

    Parameters
    ----------
    travel : Travel
    points, targets : Attachment
        Demand points, one foot each, and facilities.
    k : int
        How many, at least 1.
    limit : float
        Cost beyond which no target counts.
    direction : {"to", "from"}

    Returns
    -------
    NearestSeveral

    Raises
    ------
    ValueError
        If k is below 1, or the limit is negative or NaN.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 3000], [0, 0], [0], [1])
    >>> homes = attach(network, [0, 1500], [0, 9000])
    >>> canteens = attach(network, [1900, 400], [0, 0])
    >>> found = nearest_several(metres_travel(network), homes, canteens, k=2)
    >>> found.target.tolist(), found.cost.tolist()
    ([[1, 0], [-1, -1]], [[400.0, 1900.0], [nan, nan]])
    """
    if k < 1:
        raise ValueError(f"k is {k}: must be 1 or more")
    most = slack_limit(limit)
    seeds = seeds_of(travel, targets, direction=direction)
    node_cost, node_target = _labels(arcs_of(travel, direction), seeds, k=k, limit=most)
    network = travel.network
    rows = np.flatnonzero(points.snapped)
    feet = points.rows(rows)
    part_u, part_v = end_costs(travel, feet, leaving=direction == "to")
    leg = feet.leg_m * travel.leg_cost
    own = same_edge(travel, points, targets, direction=direction)
    point, target, cost = [own.point], [own.target], [own.cost]
    for end, part in ((network.u, part_u), (network.v, part_v)):
        at = end[feet.edge]
        total = node_cost[at] + part[:, None] + leg[:, None]
        point.append(np.repeat(rows, k))
        target.append(node_target[at].ravel())
        cost.append(total.ravel())
    return _least_of(
        np.concatenate(point),
        np.concatenate(target),
        np.concatenate(cost),
        count=len(points),
        k=k,
        most=most,
    )


def _least_of(
    point: Ints, target: Ints, cost: Floats, *, count: int, k: int, most: float
) -> NearestSeveral:
    """Return the k least of the candidates of each point, each target once."""
    use = (cost <= most) & np.isfinite(cost)
    point, target, cost = point[use], target[use], cost[use]
    order = np.lexsort((cost, target, point))
    point, target, cost = point[order], target[order], cost[order]
    first = np.ones(point.size, bool)
    first[1:] = (point[1:] != point[:-1]) | (target[1:] != target[:-1])
    point, target, cost = point[first], target[first], cost[first]
    order = np.lexsort((target, cost, point))
    point, target, cost = point[order], target[order], cost[order]
    rank = np.arange(point.size) - np.searchsorted(point, point)
    keep = rank < k
    result, nearest = np.full((count, k), np.nan), np.full((count, k), -1, np.int64)
    result[point[keep], rank[keep]] = cost[keep]
    nearest[point[keep], rank[keep]] = target[keep]
    return NearestSeveral(cost=result, target=nearest)
