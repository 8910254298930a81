"""What it costs to travel over a network: metres, or seconds each way, on the edges and off them.

Costs grow linearly along an edge. Coinciding edges, which join the same two nodes, serve as one:
each takes the least cost of each direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from servicecircle.network.chains import Chains, chains_of
from servicecircle.network.graph import Network

__all__ = [
    "CROSSING",
    "DEAD_END",
    "Arcs",
    "Direction",
    "Travel",
    "metres_travel",
    "sorted_arcs",
    "timed_travel",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Direction = Literal["to", "from"]

DEAD_END = -1
CROSSING = -2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Arcs:
    """One-way connections, node by node, as searches follow them.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (n + 1,)
        Where each node's arcs begin.
    heads : numpy.ndarray of int32, shape (a,)
        The node that each arc leads the search to; ascending for each node, each once.
    cost, metres : numpy.ndarray of float, shape (a,)
    onward : numpy.ndarray of int32, shape (a,)
        The one arc that leads on from the head of each arc, not counting the way back;
        :data:`DEAD_END` where there is none, :data:`CROSSING` where there are several.
    chains : Chains
        The same connections, from crossing to crossing.
    """

    starts: Ints
    heads: NDArray[np.int32]
    cost: Floats
    metres: Floats
    onward: NDArray[np.int32]
    chains: Chains


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Travel:
    """A network with what it costs to travel it.

    Parameters
    ----------
    network : Network
    forward, backward : numpy.ndarray of float, shape (m,)
        Cost of each whole edge from ``u`` to ``v`` and from ``v`` to ``u``; infinite where that
        is not allowed.
    forward_rate, backward_rate : numpy.ndarray of float, shape (m,)
        The same for a metre of the edge.
    leg_cost : float
        Cost of a metre of an access leg.
    unit : {"metres", "seconds"}
    metres_per_cost : float
        The most metres that a unit of cost covers, on the network or on a leg: no place reached
        within a cost is farther off, in a straight line, than the cost times this.
    outward, inward : Arcs
        For searches with the traffic and against it; one object where both ways cost the same.
    seed_u, seed_v : numpy.ndarray of int, shape (m,)
        Nodes at which a search from a foot on each edge begins: its ends, or copies of them.
    """

    network: Network
    forward: Floats
    backward: Floats
    forward_rate: Floats
    backward_rate: Floats
    leg_cost: float
    unit: Literal["metres", "seconds"]
    metres_per_cost: float
    outward: Arcs
    inward: Arcs
    seed_u: Ints
    seed_v: Ints

    @property
    def both_ways(self) -> bool:
        """Whether every way costs the same there and back."""
        return self.outward is self.inward


def metres_travel(network: Network) -> Travel:
    """Return travel that costs the metres of the way, in both directions of every edge.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Travel

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> travel = metres_travel(network)
    >>> travel.forward.tolist(), travel.leg_cost, travel.unit
    ([100.0], 1.0, 'metres')
    >>> metres_travel(build_network([], [], [], [])).forward.size
    0
    """
    rate = np.ones(network.u.size)
    arcs = _arcs(network, network.length_m, network.length_m)
    return Travel(
        network=network,
        forward=network.length_m,
        backward=network.length_m,
        forward_rate=rate,
        backward_rate=rate,
        leg_cost=1.0,
        unit="metres",
        metres_per_cost=1.0,
        outward=arcs,
        inward=arcs,
        seed_u=network.u,
        seed_v=network.v,
    )


def timed_travel(
    network: Network, forward_s: ArrayLike, backward_s: ArrayLike, *, leg_kmh: float
) -> Travel:
    """Return travel that costs seconds, each direction its own.

    Parameters
    ----------
    network : Network
    forward_s, backward_s : array_like of float, shape (m,)
        Seconds of each whole edge from ``u`` to ``v`` and from ``v`` to ``u``; infinite where that
        is not allowed.
    leg_kmh : float
        Speed on the access legs.

    Returns
    -------
    Travel
        Metres of a way are those of the quickest one.

    Raises
    ------
    ValueError
        If seconds are NaN, negative, or zero over some metres, or the speed is not above 0.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> travel = timed_travel(network, [10.0], [np.inf], leg_kmh=3.6)  # one-way
    >>> travel.outward.heads.tolist(), travel.inward.heads.tolist(), travel.metres_per_cost
    ([1], [0], 10.0)
    >>> timed_travel(build_network([], [], [], []), [], [], leg_kmh=4.0).forward.size
    0
    """
    if not 0.0 < leg_kmh < np.inf:
        raise ValueError(f"speed {leg_kmh} km/h of the access legs: must be above 0 and finite")
    forward = np.array(forward_s, np.float64)
    backward = np.array(backward_s, np.float64)
    length = network.length_m
    if forward.shape != length.shape or backward.shape != length.shape:
        shapes = f"{forward.shape} and {backward.shape}"
        raise ValueError(f"seconds {shapes} must have the shape of the edges {length.shape}")
    least = np.minimum(forward, backward)
    wrong = ~(least >= 0.0) | ((least == 0.0) & (length > 0.0))
    if wrong.any():
        first = np.flatnonzero(wrong)[:5].tolist()
        raise ValueError(
            f"seconds of {int(wrong.sum())} edges, the first {first}, are NaN, negative, or zero "
            "over some metres: give times above 0, infinite where an edge is closed"
        )
    _share_coinciding(network, forward, backward)
    rates = []
    for cost in (forward, backward):
        rate = np.divide(cost, length, out=np.zeros(length.size), where=length > 0.0)
        rate[np.isinf(cost)] = np.inf
        rates.append(rate)
    slowest = np.minimum(*rates)
    on_edges = slowest[(length > 0.0) & np.isfinite(slowest)]
    leg_cost = 3.6 / leg_kmh
    fastest = min(float(on_edges.min(initial=np.inf)), leg_cost)
    outward = _arcs(network, forward, backward)
    same = np.array_equal(forward, backward)
    return Travel(
        network=network,
        forward=forward,
        backward=backward,
        forward_rate=rates[0],
        backward_rate=rates[1],
        leg_cost=leg_cost,
        unit="seconds",
        metres_per_cost=1.0 / fastest,
        outward=outward,
        inward=outward if same else _arcs(network, backward, forward),
        seed_u=network.u,
        seed_v=network.v,
    )


def _share_coinciding(network: Network, forward: Floats, backward: Floats) -> None:
    """Give coinciding edges the least cost of each direction, in place."""
    low, high = np.minimum(network.u, network.v), np.maximum(network.u, network.v)
    pairs, group = np.unique(low * network.x.size + high, return_inverse=True)
    if pairs.size == low.size:
        return
    turned = network.u > network.v
    up, down = np.where(turned, backward, forward), np.where(turned, forward, backward)
    least_up, least_down = np.full((2, pairs.size), np.inf)
    np.minimum.at(least_up, group, up)
    np.minimum.at(least_down, group, down)
    forward[:] = np.where(turned, least_down[group], least_up[group])
    backward[:] = np.where(turned, least_up[group], least_down[group])


def _arcs(network: Network, forward: Floats, backward: Floats) -> Arcs:
    return sorted_arcs(
        network.x.size,
        np.concatenate([network.u, network.v]),
        np.concatenate([network.v, network.u]),
        np.concatenate([forward, backward]),
        np.concatenate([network.length_m, network.length_m]),
    )


def sorted_arcs(n: int, tails: Ints, heads: Ints, cost: Floats, metres: Floats) -> Arcs:
    """Return the cheapest arc of each pair of nodes, of the shortest where costs are equal.

    Parameters
    ----------
    n : int
        Nodes.
    tails, heads : numpy.ndarray of int, shape (a,)
    cost, metres : numpy.ndarray of float, shape (a,)
        Arcs of infinite cost and arcs from a node to itself are left out.

    Returns
    -------
    Arcs

    Examples
    --------
    >>> tails, heads = np.array([1, 0, 0, 0]), np.array([0, 1, 1, 0])
    >>> arcs = sorted_arcs(2, tails, heads, np.array([np.inf, 4.0, 3.0, 1.0]), np.ones(4))
    >>> arcs.starts.tolist(), arcs.heads.tolist(), arcs.cost.tolist(), arcs.onward.tolist()
    ([0, 1, 1], [1], [3.0], [-1])
    """
    keep = (tails != heads) & np.isfinite(cost)
    tails, heads, cost, metres = tails[keep], heads[keep], cost[keep], metres[keep]
    order = np.lexsort((metres, cost, tails * n + heads))
    tails, heads, cost, metres = tails[order], heads[order], cost[order], metres[order]
    first = np.ones(tails.size, bool)
    first[1:] = (tails[1:] != tails[:-1]) | (heads[1:] != heads[:-1])
    starts = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(tails[first], minlength=n), out=starts[1:])
    tails, heads = tails[first], heads[first]
    short, cost, metres = heads.astype(np.int32), cost[first], metres[first]
    # One array where metres are what travel costs: half the sums, and half the memory.
    metres = cost if np.array_equal(cost, metres) else metres
    return Arcs(
        starts=starts,
        heads=short,
        cost=cost,
        metres=metres,
        onward=_onward(n, starts, tails, heads),
        chains=chains_of(starts, short, cost, metres),
    )


def _onward(n: int, starts: Ints, tails: Ints, heads: Ints) -> NDArray[np.int32]:
    if not tails.size:
        return np.empty(0, np.int32)
    keys = tails * n + heads
    wanted = heads * n + tails
    back = np.minimum(np.searchsorted(keys, wanted), keys.size - 1)
    returns = keys[back] == wanted
    ways = starts[heads + 1] - starts[heads] - returns
    only = np.minimum(starts[heads], keys.size - 1)
    # Of two arcs, the one that does not lead back.
    only = np.where(returns & (only == back), only + 1, only)
    one_or_none = np.where(ways == 1, only, DEAD_END)
    return np.where(ways > 1, CROSSING, one_or_none).astype(np.int32)
