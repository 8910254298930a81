"""Reach over the network between attached points, partial edges and access legs included.

The total between two points is the access leg of one, the way between the two feet, and the
access leg of the other; feet on one edge may go directly along it, where its direction allows. A
foot at an end of an edge is that node. ``direction`` says who travels: "to" the targets (people to
a facility, the default), or "from" them (an ambulance, meals on wheels).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.bounded import Seeds, least_from_all, search_blocks
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Arcs, Direction, Travel

__all__ = [
    "END_M",
    "EdgePairs",
    "Nearest",
    "along_edge",
    "arcs_of",
    "cost_at",
    "costs_from",
    "end_costs",
    "nearest",
    "node_costs",
    "same_edge",
    "searches",
    "seeds_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

END_M = 1e-9
"""A foot this near to an end of its edge is that node: a one-way edge does not hold it."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Nearest:
    """The nearest of several targets for each point.

    Parameters
    ----------
    cost : numpy.ndarray of float, shape (k,)
        Total in the unit of the travel, both access legs included; NaN where there is no way.
    metres : numpy.ndarray of float, shape (k,)
        Of the same way.
    target : numpy.ndarray of int, shape (k,)
        Index of the nearest target, -1 where there is none; of several at the same cost one of
        them, the same in every run.
    end : numpy.ndarray of int, shape (k,)
        Node at which the way leaves the point's edge; -1 where there is none, or the way goes
        along the edge.
    foot : numpy.ndarray of int, shape (k,)
        Where the way goes along the edge, the foot of the target on it; else -1.
    """

    cost: Floats
    metres: Floats
    target: Ints
    end: Ints
    foot: Ints


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


def node_costs(
    travel: Travel,
    targets: Attachment,
    *,
    direction: Direction = "to",
    limit: float = np.inf,
) -> tuple[Floats, Ints, Floats]:
    """Return for each node the cost to the nearest target, its access leg included.

    Parameters
    ----------
    travel : Travel
    targets : Attachment
        Unsnapped ones are passed over.
    direction : {"to", "from"}
    limit : float
        Cost beyond which nothing is searched.

    Returns
    -------
    cost : numpy.ndarray of float, shape (n,)
        Infinite where no target can be reached.
    target : numpy.ndarray of int, shape (n,)
        Index of the target, -1 where there is none; of several at the same cost the lowest.
    metres : numpy.ndarray of float, shape (n,)
        Of the same way.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> node_costs(metres_travel(network), attach(network, [30], [40]))[0].tolist()
    [70.0, 110.0]
    """
    cost, target, metres, _ = least_from_all(
        arcs_of(travel, direction),
        seeds_of(travel, targets, direction=direction),
        limit=limit,
        carry_metres=travel.unit != "metres",
    )
    return cost, target, metres


def cost_at(
    travel: Travel, node_cost: Floats, points: Attachment, *, direction: Direction = "to"
) -> tuple[Floats, Bools]:
    """Return the cost at attached points from the costs at the nodes.

    Says nothing of targets on the point's own edge: see :func:`nearest`.

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


def nearest(
    travel: Travel,
    points: Attachment,
    targets: Attachment,
    *,
    direction: Direction = "to",
    limit: float = np.inf,
) -> Nearest:
    """Return the nearest target of each point over the network.

    Parameters
    ----------
    travel : Travel
    points, targets : Attachment
        Demand points, one foot each, and facilities.
    direction : {"to", "from"}
    limit : float
        Cost beyond which nothing is searched: what is farther has no number, or its right one.

    Returns
    -------
    Nearest
        NaN and target -1 for an unsnapped point, or one from which no target is reached.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> homes, canteen = attach(network, [20, 0], [0, 9e3]), attach(network, [80], [10])
    >>> near = nearest(metres_travel(network), homes, canteen)
    >>> near.metres.tolist(), near.target.tolist()
    ([70.0, nan], [0, -1])
    """
    network = travel.network
    node_cost, node_target, node_metres = node_costs(
        travel, targets, direction=direction, limit=limit
    )
    cost, by_u = cost_at(travel, node_cost, points, direction=direction)
    target = np.full(len(points), -1, np.int64)
    metres = np.full(len(points), np.inf)
    reached = np.isfinite(cost)
    edge = points.edge[reached]
    over = np.where(by_u[reached], network.u[edge], network.v[edge])
    end = np.full(len(points), -1, np.int64)
    end[reached] = over
    target[reached] = node_target[over]
    left = np.maximum(network.length_m[edge] - points.offset_m[reached], 0.0)
    part = np.where(by_u[reached], points.offset_m[reached], left)
    metres[reached] = node_metres[over] + part + points.leg_m[reached]
    own = same_edge(travel, points, targets, direction=direction)
    # Longest first, so that the last one written is the shortest, and the lowest of equals.
    order = np.lexsort((-own.metres, -own.target, -own.cost))
    point = own.point[order]
    direct, direct_metres = np.full((2, len(points)), np.inf)
    direct_target = np.full(len(points), -1, np.int64)
    direct[point], direct_target[point] = own.cost[order], own.target[order]
    direct_metres[point] = own.metres[order]
    foot = np.full(len(points), -1, np.int64)
    foot[point] = own.row[order]
    better = (direct < cost) | ((direct == cost) & (direct_target < target))
    better &= np.isfinite(direct)
    cost = np.where(better, direct, cost)
    metres = np.where(better, direct_metres, metres)
    target = np.where(better, direct_target, target)
    cost = np.where(np.isfinite(cost), cost, np.nan)
    return Nearest(
        cost=cost,
        metres=cost if travel.unit == "metres" else np.where(np.isnan(cost), np.nan, metres),
        target=target,
        end=np.where(better, -1, end),
        foot=np.where(better, foot, -1),
    )


def searches(
    travel: Travel, sources: Attachment, *, limit: float, direction: Direction = "to"
) -> Iterator[tuple[int, Floats]]:
    """Search around each source alone, up to a limit, with a number for every node.

    Parameters
    ----------
    travel : Travel
    sources : Attachment
        Unsnapped ones are passed over.
    limit : float
        Cost, the source's access leg included.
    direction : {"to", "from"}
        Whether the cost is that of coming to the source or of leaving it.

    Yields
    ------
    source : int
        Index of the source.
    cost : numpy.ndarray of float, shape (n,)
        Of each node, the source's access leg included; infinite beyond the limit.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> sources = attach(network, [9000, 20], [0, 5])
    >>> found = searches(metres_travel(network), sources, limit=50)
    >>> [(source, cost.tolist()) for source, cost in found]
    [(1, [25.0, inf])]
    """
    seeds = seeds_of(travel, sources, direction=direction)
    blocks = search_blocks(arcs_of(travel, direction), seeds, limit=limit, carry_metres=False)
    attached = sources.attached
    for first, found in blocks:
        for at in range(found.starts.size - 1):
            if attached[first + at]:
                part = slice(found.starts[at], found.starts[at + 1])
                cost = np.full(travel.network.x.size, np.inf)
                cost[found.nodes[part]] = found.cost[part]
                yield first + at, cost


def costs_from(
    travel: Travel,
    node_cost: Floats,
    points: Attachment,
    source: Attachment,
    *,
    direction: Direction = "to",
) -> Floats:
    """Return the cost at points from one source, its own edges included.

    Parameters
    ----------
    travel : Travel
    node_cost : numpy.ndarray of float, shape (n,)
        From :func:`searches` for this source.
    points : Attachment
        One foot a point.
    source : Attachment
        Of the source alone: ``sources.take([source])``.
    direction : {"to", "from"}

    Returns
    -------
    numpy.ndarray of float, shape (k,)
        Infinite where there is no way within the search's limit.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> travel, source = metres_travel(network), attach(network, [40], [5])
    >>> _, cost = next(searches(travel, source, limit=10))
    >>> points = attach(network, [42, 99, 42], [1, 0, 9e3])
    >>> costs_from(travel, cost, points, source).tolist()
    [8.0, 64.0, inf]
    """
    cost, _ = cost_at(travel, node_cost, points, direction=direction)
    own = same_edge(travel, points, source, direction=direction)
    np.minimum.at(cost, own.point, own.cost)
    return cost
