"""Many to many: the cost between each point and each target within a limit, as a sparse matrix."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.network.bounded import search_blocks, slack_limit
from servicecircle.network.compiled import compiled
from servicecircle.network.feet import arcs_of, end_costs, same_edge, seeds_of
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Direction, Travel

__all__ = ["travel_matrix"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def _points_by_node(travel: Travel, edge: Ints) -> tuple[Ints, Ints]:
    """Return which points each node is an end of the edge of: where its part begins, the points."""
    network = travel.network
    ends = np.concatenate([network.u[edge], network.v[edge]])
    order = np.argsort(ends, kind="stable")
    starts = np.zeros(network.x.size + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=network.x.size), out=starts[1:])
    return starts, order % max(edge.size, 1)


@compiled()
def _gather(  # noqa: PLR0912, PLR0913, PLR0917 - one kernel, one loop
    reach_starts: Ints, nodes: NDArray[np.int32], node_cost: Floats, sources: Ints,
    near_starts: Ints, near: Ints, u: Ints, v: Ints, part_u: Floats, part_v: Floats, leg: Floats,
    own_starts: Ints, own_point: Ints, own_cost: Floats, limit: float,
    cost: Floats, place: Ints, room: int,
) -> tuple[Ints, Ints, Floats]:  # fmt: skip
    """Return the points within the limit of each source of a block, and their costs.

    ``cost`` is infinite and ``place`` -1 throughout, before and after.
    """
    ends = np.zeros(reach_starts.size, np.int64)
    points, costs = np.empty(room, np.int64), np.empty(room, np.float64)
    count = 0
    for at in range(reach_starts.size - 1):
        begin = count
        for reached in range(reach_starts[at], reach_starts[at + 1]):
            cost[nodes[reached]] = node_cost[reached]
        own_first, own_last = own_starts[sources[at]], own_starts[sources[at] + 1]
        most = count + own_last - own_first
        for reached in range(reach_starts[at], reach_starts[at + 1]):
            most += near_starts[nodes[reached] + 1] - near_starts[nodes[reached]]
        if most > points.size:
            wider, wider_costs = np.empty(2 * most, np.int64), np.empty(2 * most, np.float64)
            wider[:count], wider_costs[:count] = points[:count], costs[:count]
            points, costs = wider, wider_costs
        for reached in range(reach_starts[at], reach_starts[at + 1]):
            node = nodes[reached]
            for slot in range(near_starts[node], near_starts[node + 1]):
                point = near[slot]
                if place[point] >= 0:
                    continue
                total = min(cost[u[point]] + part_u[point], cost[v[point]] + part_v[point])
                total += leg[point]
                if total <= limit:
                    place[point] = count
                    points[count], costs[count] = point, total
                    count += 1
        for pair in range(own_first, own_last):
            point, total = own_point[pair], own_cost[pair]
            if place[point] >= 0:
                costs[place[point]] = min(costs[place[point]], total)
            elif total <= limit:
                place[point] = count
                points[count], costs[count] = point, total
                count += 1
        for reached in range(reach_starts[at], reach_starts[at + 1]):
            cost[nodes[reached]] = np.inf
        for found in range(begin, count):
            place[points[found]] = -1
        ends[at + 1] = count
    return ends, points[:count].copy(), costs[:count].copy()


def travel_matrix(
    travel: Travel,
    points: Attachment,
    targets: Attachment,
    *,
    limit: float,
    direction: Direction = "to",
) -> csr_array:
    """Return the cost between each point and each target within a limit, as a sparse matrix.

    Partial edges, access legs and the rule of one edge are in it. It takes room in proportion to
    what it holds.

    Parameters
    ----------
    travel : Travel
    points, targets : Attachment
        Demand points, one foot each, and facilities.
    limit : float
        Cost, inclusive up to :func:`servicecircle.network.bounded.slack_limit`.
    direction : {"to", "from"}
        Whether points travel to the targets, or targets to the points.

    Returns
    -------
    scipy.sparse.csr_array, shape (points, targets)
        Stored entries are the pairs within the limit, in ascending order of the target; a stored
        0 is a cost of 0.

    Raises
    ------
    ValueError
        If the limit is negative or NaN.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 3000], [0, 0], [0], [1])
    >>> homes, canteens = attach(network, [0, 1500], [0, 0]), attach(network, [400, 1900], [0, 0])
    >>> found = travel_matrix(metres_travel(network), homes, canteens, limit=1000)
    >>> found.toarray().tolist(), found.nnz
    ([[400.0, 0.0], [0.0, 400.0]], 2)
    >>> travel_matrix(metres_travel(network), homes, canteens.take(np.empty(0, int)), limit=9).shape
    (2, 0)
    """
    most = slack_limit(limit)
    network, count = travel.network, len(points)
    held = np.flatnonzero(points.snapped)
    feet = points.rows(held)
    near_starts, near = _points_by_node(travel, feet.edge)
    part_u, part_v = end_costs(travel, feet, leaving=direction == "to")
    leg = feet.leg_m * travel.leg_cost
    own = same_edge(travel, feet, targets, direction=direction)
    order = np.argsort(own.target, kind="stable")
    own_starts = np.searchsorted(own.target[order], np.arange(len(targets) + 1))
    fixed = (
        near_starts, near, network.u[feet.edge], network.v[feet.edge], part_u, part_v, leg,
        own_starts, own.point[order], own.cost[order], most,
        np.full(network.x.size, np.inf), np.full(held.size, -1, np.int64),
    )  # fmt: skip
    blocks = search_blocks(
        arcs_of(travel, direction),
        seeds_of(travel, targets, direction=direction),
        limit=limit,
        carry_metres=False,
    )
    sizes, rows, costs = [np.zeros(1, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    place = np.empty(len(targets), np.int64)
    done = 0
    for sources, found in blocks:
        ends, point, cost = _gather(found.starts, found.nodes, found.cost, sources, *fixed, 4096)
        place[sources] = np.arange(done, done + sources.size)
        done += sources.size
        sizes.append(np.diff(ends))
        rows.append(held[point])
        costs.append(cost)
    starts = np.cumsum(np.concatenate(sizes))
    shape = (len(targets), count)
    by_target = csr_array((np.concatenate(costs), np.concatenate(rows), starts), shape=shape)
    by_target = by_target[place]
    # From rows of targets to rows of points: a counting sort, which keeps stored zeros.
    return csr_array(by_target.T.tocsr())
