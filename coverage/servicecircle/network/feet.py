"""What it costs between feet and the ends of their edges, and between feet on one edge.

Feet on one edge may go directly along it, where its direction allows. A foot at an end of an edge
is that node.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.bounded import Seeds
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Arcs, Direction, Travel

__all__ = [
    "END_M",
    "EdgePairs",
    "along_edge",
    "arcs_of",
    "cost_at",
    "end_costs",
    "same_edge",
    "seeds_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

END_M = 1e-9
"""A foot this near to an end of its edge is that node: a one-way edge does not hold it."""


def arcs_of(travel: Travel, direction: Direction) -> Arcs:
    """Return the arcs that a search from the targets follows.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import timed_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1])
    >>> one_way = timed_travel(network, [10.0], [np.inf], leg_kmh=4)
    >>> arcs_of(one_way, "to").heads.tolist(), arcs_of(one_way, "from").heads.tolist()
    ([0], [1])
    """
    return travel.inward if direction == "to" else travel.outward


def _part(metres: Floats, rate: Floats) -> Floats:
    """Return the cost of some metres of an edge; nothing costs nothing, allowed or not."""
    closed = np.isinf(rate)
    return np.where(closed & (metres > END_M), np.inf, metres * np.where(closed, 0.0, rate))


def end_costs(travel: Travel, at: Attachment, *, leaving: bool) -> tuple[Floats, Floats]:
    """Return the cost between each foot and the two ends of its edge.

    Parameters
    ----------
    travel : Travel
    at : Attachment
        All of it snapped.
    leaving : bool
        From the foot to the ends, else from the ends to the foot.

    Returns
    -------
    over_u, over_v : numpy.ndarray of float
        Infinite where the direction of the edge forbids it.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import timed_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> one_way = timed_travel(network, [10.0], [np.inf], leg_kmh=4)
    >>> over_u, over_v = end_costs(one_way, attach(network, [70, 0], [5, 0]), leaving=True)
    >>> over_u.tolist(), over_v.tolist()
    ([inf, 0.0], [3.0, 10.0])
    """
    to_u, to_v = at.offset_m, np.maximum(travel.network.length_m[at.edge] - at.offset_m, 0.0)
    there, back = travel.forward_rate[at.edge], travel.backward_rate[at.edge]
    if leaving:
        return _part(to_u, back), _part(to_v, there)
    return _part(to_u, there), _part(to_v, back)


def along_edge(travel: Travel, edge: Ints, start_m: Floats, end_m: Floats) -> Floats:
    """Return the cost along edges between two offsets; infinite against a one-way edge.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import timed_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1])
    >>> one_way = timed_travel(network, [10.0], [np.inf], leg_kmh=4)
    >>> edge, start_m = np.array([0, 0]), np.array([20.0, 70.0])
    >>> along_edge(one_way, edge, start_m, start_m[::-1]).tolist()
    [5.0, inf]
    """
    rate = np.where(end_m >= start_m, travel.forward_rate[edge], travel.backward_rate[edge])
    return _part(np.abs(start_m - end_m), rate)


def seeds_of(travel: Travel, targets: Attachment, *, direction: Direction) -> Seeds:
    """Return where the search of each target begins: the ends of its edge that it can use.

    Parameters
    ----------
    travel : Travel
    targets : Attachment
        Several feet of one target are all its seeds; one that is not attached has none.
    direction : {"to", "from"}

    Returns
    -------
    Seeds

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> seeds = seeds_of(metres_travel(network), attach(network, [9e3, 30], [0, 4]), direction="to")
    >>> seeds.starts.tolist(), seeds.nodes.tolist(), seeds.cost.tolist()
    ([0, 0, 2], [0, 1], [34.0, 74.0])
    """
    rows = np.flatnonzero(targets.snapped)
    owner = targets.owners[rows]
    held = targets.rows(rows)
    over_u, over_v = end_costs(travel, held, leaving=direction == "from")
    leg = held.leg_m * travel.leg_cost
    network = travel.network
    u, v = travel.seed_u[held.edge], travel.seed_v[held.edge]
    left = np.maximum(network.length_m[held.edge] - held.offset_m, 0.0)
    nodes = np.stack([u, v], axis=1).ravel()
    cost = np.stack([leg + over_u, leg + over_v], axis=1).ravel()
    metres = np.stack([held.leg_m + held.offset_m, held.leg_m + left], axis=1).ravel()
    owner, feet = np.repeat(owner, 2), np.repeat(rows, 2)
    use = np.flatnonzero(np.isfinite(cost))
    order = use[np.argsort(owner[use], kind="stable")]
    starts = np.zeros(len(targets) + 1, np.int64)
    np.cumsum(np.bincount(owner[use], minlength=len(targets)), out=starts[1:])
    return Seeds(
        starts=starts,
        nodes=nodes[order],
        cost=cost[order],
        metres=metres[order],
        feet=feet[order],
    )


def cost_at(
    travel: Travel, node_cost: Floats, points: Attachment, *, direction: Direction = "to"
) -> tuple[Floats, Bools]:
    """Return the cost at attached points from the costs at the nodes.

    Says nothing of targets on the point's own edge: see :func:`same_edge`.

    Parameters
    ----------
    travel : Travel
    node_cost : numpy.ndarray of float, shape (n,)
        Cost of each node, infinite where there is none.
    points : Attachment
        One foot a point.
    direction : {"to", "from"}

    Returns
    -------
    cost : numpy.ndarray of float, shape (k,)
        The points' access legs included; infinite where there is no way or no attachment.
    by_u : numpy.ndarray of bool, shape (k,)
        Whether the way leads over the edge's end ``u``.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> points = attach(network, [80, 5e4], [7, 0])
    >>> cost, by_u = cost_at(metres_travel(network), np.array([5.0, 9.0]), points)
    >>> cost.tolist(), bool(by_u[0])
    ([36.0, inf], False)
    """
    network = travel.network
    if not network.u.size:
        return np.full(len(points), np.inf), np.ones(len(points), bool)
    edge = np.where(points.snapped, points.edge, 0)
    part_u, part_v = end_costs(
        travel,
        Attachment(edge=edge, offset_m=points.offset_m, leg_m=points.leg_m),
        leaving=direction == "to",
    )
    over_u = node_cost[network.u[edge]] + part_u
    over_v = node_cost[network.v[edge]] + part_v
    leg = points.leg_m * travel.leg_cost
    cost = np.where(points.snapped, np.minimum(over_u, over_v) + leg, np.inf)
    return cost, over_u <= over_v


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class EdgePairs:
    """Pairs of a point and a target that stand on one edge, and the way along it.

    Parameters
    ----------
    point, target : numpy.ndarray of int, shape (q,)
    row : numpy.ndarray of int, shape (q,)
        The foot of the target.
    cost, metres : numpy.ndarray of float, shape (q,)
        Access legs included; infinite cost against a one-way edge.
    """

    point: Ints
    target: Ints
    row: Ints
    cost: Floats
    metres: Floats


def same_edge(
    travel: Travel, points: Attachment, targets: Attachment, *, direction: Direction
) -> EdgePairs:
    """Return the pairs of a point and a target on one edge, point by point.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100, 100], [0, 0, 99], [0, 1], [1, 2], min_component_m=0)
    >>> points, target = attach(network, [20, 100], [1, 60]), attach(network, [80], [2])
    >>> pairs = same_edge(metres_travel(network), points, target, direction="to")
    >>> pairs.point.tolist(), pairs.cost.tolist()
    ([0], [63.0])
    """
    held = np.flatnonzero(targets.snapped)
    held = held[np.argsort(targets.edge[held], kind="stable")]
    edges = targets.edge[held]
    mine = np.flatnonzero(points.snapped)
    low = np.searchsorted(edges, points.edge[mine], side="left")
    high = np.searchsorted(edges, points.edge[mine], side="right")
    count = high - low
    point = np.repeat(mine, count)
    first = np.repeat(low - np.concatenate([[0], np.cumsum(count)[:-1]]), count)
    row = held[first + np.arange(point.size)] if point.size else np.empty(0, np.int64)
    here, there = points.offset_m[point], targets.offset_m[row]
    ends = (here, there) if direction == "to" else (there, here)
    along = along_edge(travel, points.edge[point], *ends)
    cost = points.leg_m[point] * travel.leg_cost + along + targets.leg_m[row] * travel.leg_cost
    metres = points.leg_m[point] + np.abs(here - there) + targets.leg_m[row]
    return EdgePairs(point=point, target=targets.owners[row], row=row, cost=cost, metres=metres)
