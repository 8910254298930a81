"""Reach over the network between attached points, partial edges and access legs included.

The total between two points is the access leg of one, the way between the two feet, and the
access leg of the other. ``direction`` says who travels: "to" the targets (people to a facility,
the default), or "from" them (an ambulance, meals on wheels).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.bounded import search_blocks
from servicecircle.network.feet import arcs_of, cost_at, same_edge, seeds_of
from servicecircle.network.least import least_from_all
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Direction, Travel

__all__ = ["Nearest", "costs_from", "nearest", "node_costs", "searches"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


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

    They come in the order of the nodes at which they begin.

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
    for block, found in blocks:
        for at, source in enumerate(block.tolist()):
            if attached[source]:
                part = slice(found.starts[at], found.starts[at + 1])
                cost = np.full(travel.network.x.size, np.inf)
                cost[found.nodes[part]] = found.cost[part]
                yield source, cost


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
