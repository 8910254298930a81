"""Minimum-cost flow from many points to few facilities with capacity, and the proof of it.

Successive shortest paths (Ahuja, Magnanti & Orlin 1993, Network Flows, section 9.7) on a graph of
the facilities alone. Everybody begins at the nearest facility, whatever its room. A move of people
from facility j to facility k costs the least of c_ik - c_ij over the points i that have people at
j; a heap for each pair of facilities holds these. People of overfull facilities move along the
cheapest chain of such moves to one that has room, or out: to a facility of unlimited room that
costs more than any chain can save, so that nobody is left out whom a chain could place. Of chains
of equal cost the one of fewest moves is taken, which ends the search also for parts of persons.

Facilities get a price each, 0 where there is room. That everybody is where cost plus price is
least proves the flow to be a least one; what rounding leaves of the difference is the gap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from servicecircle.network.compiled import compiled

__all__ = ["Flows", "least_time_flows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = -1
_SMALL = 1 << 16


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Flows:
    """Flows on the pairs, and what proves that they cost least.

    Parameters
    ----------
    flow : numpy.ndarray of float, shape (pairs,)
    price : numpy.ndarray of float, shape (facilities,)
        What one more place at each would save.
    gap : float
        Sum of people times what each pays above the least cost plus price within reach, and of
        free places times their price: the difference between the cost and its bound by linear
        duality, which no other flow can beat.
    moves : int
        Chains along which people were moved.
    """

    flow: Floats
    price: Floats
    gap: float
    moves: int


def least_time_flows(cost: csr_array, people: Floats, capacity: Floats) -> Flows:
    """Return flows that place the most people, at the least total cost.

    Parameters
    ----------
    cost : scipy.sparse.csr_array, shape (points, facilities)
        Canonical; 0 or more.
    people : numpy.ndarray of float, shape (points,)
    capacity : numpy.ndarray of float, shape (facilities,)

    Returns
    -------
    Flows

    Examples
    --------
    >>> minutes = csr_array(np.array([[2.0, 3.0], [1.0, 1.5]]))
    >>> found = least_time_flows(minutes, np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    >>> found.flow.tolist(), found.price.tolist(), found.gap
    ([1.0, 0.0, 0.0, 1.0], [0.5, 0.0], 0.0)
    >>> least_time_flows(csr_array((2, 0)), np.ones(2), np.empty(0)).flow.size
    0
    """
    points, facilities = cost.shape
    starts = cost.indptr.astype(np.int64)
    columns = cost.indices.astype(np.int64)
    # A chain passes each facility once, so that it saves less than this.
    out = (facilities + 2.0) * max(float(cost.data.max(initial=0.0)), 1.0)
    rows = np.repeat(np.arange(points, dtype=np.int64), np.diff(starts))
    # Sixteen bits are sorted many times as fast.
    small = columns.astype(np.uint16) if facilities <= _SMALL else columns
    by_facility = np.argsort(small, kind="stable")
    here = np.bincount(columns, minlength=facilities)
    facility_starts = np.concatenate(([0], np.cumsum(here))).astype(np.int64)
    flow, price, moves = _flows(
        starts, columns, rows, cost.data.astype(np.float64, copy=False), by_facility,
        facility_starts, people, capacity, out,
    )  # fmt: skip
    return Flows(
        flow=flow[: columns.size],
        price=price[:facilities],
        gap=_gap(cost, rows, flow, people, capacity, price[:facilities], out),
        moves=int(moves),
    )


def _gap(
    cost: csr_array,
    rows: Ints,
    flow: Floats,
    people: Floats,
    capacity: Floats,
    price: Floats,
    out: float,
) -> float:
    """Return what linear duality leaves open; each part of it is 0 or more."""
    pays = cost.data + price[cost.indices]
    least = np.full(people.size, out)
    filled = np.flatnonzero(np.diff(cost.indptr))
    if filled.size:
        least[filled] = np.minimum(np.minimum.reduceat(pays, cost.indptr[filled]), out)
    inside, outside = flow[: rows.size], flow[rows.size :]
    above = float(inside @ (pays - least[rows])) + float(outside @ (out - least))
    load = np.bincount(cost.indices, inside, capacity.size)
    return above + float(np.abs(capacity - load) @ price)


@compiled()
def _flows(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one loop
    starts: Ints, columns: Ints, rows: Ints, cost: Floats, by_facility: Ints,
    facility_starts: Ints, people: Floats, capacity: Floats, out: float,
) -> tuple[Floats, Floats, int]:  # fmt: skip
    """Return flows, of pairs and then of points out of all, the prices and the number of moves."""
    points, pairs = people.size, columns.size
    outside = capacity.size
    count = outside + 1
    flow = np.zeros(pairs + points)
    load = np.zeros(count)
    room = np.full(count, np.inf)
    room[:outside] = capacity
    for point in range(points):
        best, least = pairs + point, out
        for pair in range(starts[point], starts[point + 1]):
            if cost[pair] < least:
                best, least = pair, cost[pair]
        flow[best] = people[point]
        load[columns[best] if best < pairs else outside] += people[point]
    slack = 1e-13 * people.sum()

    # A heap of moves for each pair of facilities: skew heaps (Sleator & Tarjan 1986) in one pool.
    root = np.full(count * count, _NONE, np.int64)
    size = 1024
    key = np.empty(size)
    below, beside = np.empty(size, np.int64), np.empty(size, np.int64)
    here, there = np.empty(size, np.int64), np.empty(size, np.int64)
    issue = np.empty(size, np.int64)
    used = 0
    issues = np.zeros(pairs, np.int64)
    listed = np.zeros(count, np.bool_)

    price = np.zeros(count)
    dist, hops = np.empty(count), np.empty(count, np.int64)
    done = np.empty(count, np.bool_)
    before, move = np.empty(count, np.int64), np.empty(count, np.int64)
    fresh = np.empty(pairs, np.int64)
    fresh_count = 0
    full = np.empty(count, np.int64)
    full_count = 0
    for facility in range(outside):
        if load[facility] >= room[facility]:
            full[full_count] = facility
            full_count += 1
    moves = 0
    while True:
        # List the moves of facilities that have become full, and of people who came to full ones.
        for at in range(full_count):
            facility = full[at]
            listed[facility] = True
            for slot in range(facility_starts[facility], facility_starts[facility + 1]):
                pair = by_facility[slot]
                if flow[pair] > 0.0:
                    fresh[fresh_count] = pair
                    fresh_count += 1
        full_count = 0
        for at in range(fresh_count):
            pair = fresh[at]
            point, facility = rows[pair], columns[pair]
            needed = used + starts[point + 1] - starts[point] + 1
            if needed > size:
                size = 2 * max(size, needed)
                key = np.concatenate((key, np.empty(size - key.size)))
                below = np.concatenate((below, np.empty(size - below.size, np.int64)))
                beside = np.concatenate((beside, np.empty(size - beside.size, np.int64)))
                here = np.concatenate((here, np.empty(size - here.size, np.int64)))
                there = np.concatenate((there, np.empty(size - there.size, np.int64)))
                issue = np.concatenate((issue, np.empty(size - issue.size, np.int64)))
            for other in range(starts[point], starts[point + 1] + 1):
                last = other == starts[point + 1]
                goal = pairs + point if last else other
                if goal == pair:
                    continue
                key[used] = (out if last else cost[other]) - cost[pair]
                here[used], there[used], issue[used] = pair, goal, issues[pair]
                below[used], beside[used] = _NONE, _NONE
                heap = facility * count + (outside if last else columns[other])
                root[heap] = _merged(root[heap], used, key, below, beside)
                used += 1
        fresh_count = 0

        # The cheapest chain from any overfull facility to one that has room.
        any_over = False
        for facility in range(count):
            over = load[facility] - room[facility] > slack
            any_over |= over
            dist[facility], hops[facility] = (0.0 if over else np.inf), 0
            before[facility], move[facility] = _NONE, _NONE
            done[facility] = False
        if not any_over:
            break
        end = outside
        while True:
            at = _NONE
            for facility in range(count):
                if done[facility] or dist[facility] == np.inf:
                    continue
                if at == _NONE or dist[facility] < dist[at] or (
                    dist[facility] == dist[at] and hops[facility] < hops[at]
                ):  # fmt: skip
                    at = facility
            done[at] = True
            if load[at] < room[at]:
                end = at
                break
            for other in range(count):
                if done[other]:
                    continue
                heap = at * count + other
                top = root[heap]
                while top != _NONE and (flow[here[top]] <= 0.0 or issues[here[top]] != issue[top]):
                    top = _merged(below[top], beside[top], key, below, beside)
                root[heap] = top
                if top == _NONE:
                    continue
                # Rounding may take a hair off what is never negative.
                far = dist[at] + max(key[top] + price[other] - price[at], 0.0)
                if far < dist[other] or (far == dist[other] and hops[at] + 1 < hops[other]):
                    dist[other], hops[other] = far, hops[at] + 1
                    before[other], move[other] = at, top
        for facility in range(count):
            if dist[facility] < dist[end]:
                price[facility] += dist[end] - dist[facility]

        # Move as many as the chain bears.
        amount = room[end] - load[end]
        at = end
        while before[at] != _NONE:
            amount = min(amount, flow[here[move[at]]])
            at = before[at]
        amount = min(amount, load[at] - room[at])
        load[at] = room[at] if amount == load[at] - room[at] else load[at] - amount
        ends = amount == room[end] - load[end]
        load[end] = room[end] if ends else load[end] + amount
        if ends and not listed[end]:
            full[full_count] = end
            full_count += 1
        at = end
        while before[at] != _NONE:
            source, goal = here[move[at]], there[move[at]]
            flow[source] = 0.0 if amount == flow[source] else flow[source] - amount
            if flow[source] == 0.0:
                # Its moves are void, also when people of the point come back.
                issues[source] += 1
            if goal < pairs and flow[goal] == 0.0 and listed[at]:
                fresh[fresh_count] = goal
                fresh_count += 1
            flow[goal] += amount
            at = before[at]
        moves += 1
    return flow, price, moves


@compiled()
def _merged(one: int, other: int, key: Floats, below: Ints, beside: Ints) -> int:
    """Return the root of two skew heaps made one."""
    if one == _NONE:
        return other
    if other == _NONE:
        return one
    if key[other] < key[one]:
        one, other = other, one
    top = one
    # Down the right spine, changing sides on the way.
    while True:
        right = beside[one]
        beside[one] = below[one]
        if right == _NONE:
            below[one] = other
            return top
        if key[other] < key[right]:
            right, other = other, right
        below[one] = right
        one = right
