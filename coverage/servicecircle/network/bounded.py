"""Compiled searches over arcs: what lies within a cost of each source.

Only crossings enter the heap. A node through which there is but one way on (most vertices of a
street) is passed at once, as far as the way gets cheaper; that contracts chains of such nodes
without changing a bit, since every cost stays the least sum over all ways, added up from the
source. Each source is searched alone, so that threads change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled, threads
from servicecircle.network.heap import drop_first, push, wider_floats, wider_heads
from servicecircle.network.travel import CROSSING, DEAD_END, Arcs

__all__ = ["Reaches", "Seeds", "search_blocks", "slack_limit"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]

_BLOCK = 64
_FIRST_ROOM = 4096


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Seeds:
    """Where searches begin: nodes with what it costs to get to them from their source.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (s + 1,)
        Where each source's seeds begin.
    nodes : numpy.ndarray of int64, shape (k,)
    cost, metres : numpy.ndarray of float, shape (k,)
        Finite.
    feet : numpy.ndarray of int64, shape (k,)
        The foot of the source that each seed is of.
    """

    starts: Ints
    nodes: Ints
    cost: Floats
    metres: Floats
    feet: Ints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Reaches:
    """What several sources reach, source by source; it takes room for that and no more.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (s + 1,)
        Where each source's part begins.
    nodes : numpy.ndarray of int32, shape (r,)
        In the order in which a search meets them: the same in every run.
    cost, metres : numpy.ndarray of float, shape (r,)
    """

    starts: Ints
    nodes: Heads
    cost: Floats
    metres: Floats


def slack_limit(limit: float) -> float:
    """Return a hair more than a limit, so that rounding in sums loses no node exactly at it.

    Raises
    ------
    ValueError
        If the limit is negative or NaN.

    Examples
    --------
    >>> 900.0 < slack_limit(900.0) < 900.00001, slack_limit(float("inf"))
    (True, inf)
    """
    if not limit >= 0.0:
        raise ValueError(f"limit {limit}: must be 0 or more; infinite searches everything")
    return limit * (1.0 + 1e-12) + 1e-6


@compiled()
def _search_each(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917 - one kernel, one loop
    starts: Ints, heads: Heads, arc_cost: Floats, arc_metres: Floats, onward: Heads, carry: bool,
    seed_starts: Ints, seed_nodes: Ints, seed_cost: Floats, seed_metres: Floats,
    first: int, last: int, limit: float, room: int, cost: Floats, metres: Floats,
) -> tuple[Ints, Heads, Floats, Floats]:  # fmt: skip
    """Search from the sources ``first`` to ``last`` (excluded), each alone, up to a limit.

    ``cost`` and ``metres`` are infinite throughout, before and after.
    """
    keys, items = np.empty(room, np.float64), np.empty(room, np.int32)
    found = np.empty(room, np.int32)
    found_cost = np.empty(room, np.float64)
    found_metres = np.empty(room if carry else 1, np.float64)
    ends = np.zeros(last - first + 1, np.int64)
    count = 0
    for source in range(first, last):
        begin, size = count, 0
        for seed in range(seed_starts[source], seed_starts[source + 1]):
            node, total, way = seed_nodes[seed], seed_cost[seed], seed_metres[seed]
            if total > limit:
                continue
            if total > cost[node] or (total == cost[node] and not (carry and way < metres[node])):
                continue
            if cost[node] == np.inf:
                if count == found.size:
                    found = wider_heads(found)
                found[count] = node
                count += 1
            cost[node] = total
            if carry:
                metres[node] = way
            if size == keys.size:
                keys, items = wider_floats(keys), wider_heads(items)
            push(keys, items, size, total, node)
            size += 1
        while size > 0:
            key, node = keys[0], items[0]
            drop_first(keys, items, size)
            size -= 1
            if key > cost[node]:
                continue
            for arc in range(starts[node], starts[node + 1]):
                step = arc
                total, way = key, (metres[node] if carry else 0.0)
                while True:
                    here = heads[step]
                    total += arc_cost[step]
                    if total > limit or total > cost[here]:
                        break
                    if carry:
                        way += arc_metres[step]
                    if total == cost[here] and not (carry and way < metres[here]):
                        break
                    if cost[here] == np.inf:
                        if count == found.size:
                            found = wider_heads(found)
                        found[count] = here
                        count += 1
                    cost[here] = total
                    if carry:
                        metres[here] = way
                    step = onward[step]
                    if step == DEAD_END:
                        break
                    if step == CROSSING:
                        if size == keys.size:
                            keys, items = wider_floats(keys), wider_heads(items)
                        push(keys, items, size, total, here)
                        size += 1
                        break
        while found_cost.size < count:
            found_cost = wider_floats(found_cost)
            if carry:
                found_metres = wider_floats(found_metres)
        for at in range(begin, count):
            node = found[at]
            found_cost[at] = cost[node]
            cost[node] = np.inf
            if carry:
                found_metres[at] = metres[node]
                metres[node] = np.inf
        ends[source - first + 1] = count
    distances = found_metres[:count].copy() if carry else found_cost[:count].copy()
    return ends, found[:count].copy(), found_cost[:count].copy(), distances


def search_blocks(
    arcs: Arcs, seeds: Seeds, *, limit: float, carry_metres: bool
) -> Iterator[tuple[int, Reaches]]:
    """Search from each source alone up to a limit, blocks of sources side by side in threads.

    Parameters
    ----------
    arcs : Arcs
    seeds : Seeds
    limit : float
        Cost, inclusive up to :func:`slack_limit`.
    carry_metres : bool
        Whether the metres of the way are wanted besides its cost; else they are its cost.

    Yields
    ------
    first : int
        The first source of a block of at most 64.
    reaches : Reaches
        Of the block; the same bits whatever the number of threads.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> arcs = metres_travel(build_network([0, 30, 90], [0, 0, 0], [0, 1], [1, 2])).outward
    >>> zero, at = np.zeros(1), np.array([0])
    >>> seeds = Seeds(starts=np.array([0, 1, 1]), nodes=at, cost=zero, metres=zero, feet=at)
    >>> [(first, found)] = search_blocks(arcs, seeds, limit=50, carry_metres=False)
    >>> first, found.starts.tolist(), found.nodes.tolist(), found.cost.tolist()
    (0, [0, 2, 2], [0, 1], [0.0, 30.0])
    """
    most = slack_limit(limit)
    count = seeds.starts.size - 1
    fixed = (arcs.starts, arcs.heads, arcs.cost, arcs.metres, arcs.onward, carry_metres)
    begun = (seeds.starts, seeds.nodes, seeds.cost, seeds.metres)

    # Room for a number a node, lent to one block after the other.
    rooms: SimpleQueue[tuple[Floats, Floats]] = SimpleQueue()

    def block(first: int) -> Reaches:
        last = min(first + _BLOCK, count)
        try:
            room = rooms.get_nowait()
        except Empty:
            n = arcs.starts.size - 1
            room = (np.full(n, np.inf), np.full(n if carry_metres else 1, np.inf))
        found = _search_each(*fixed, *begun, first, last, most, _FIRST_ROOM, *room)
        rooms.put(room)
        return Reaches(starts=found[0], nodes=found[1], cost=found[2], metres=found[3])

    firsts = range(0, count, _BLOCK)
    workers = min(threads(), len(firsts))
    if workers <= 1:
        for first in firsts:
            yield first, block(first)
        return
    with ThreadPoolExecutor(workers) as pool:
        # A few blocks ahead, so that results which nobody has taken yet do not pile up.
        waiting: list[Any] = []
        for first in firsts:
            waiting.append((first, pool.submit(block, first)))
            if len(waiting) > 2 * workers:
                ready, task = waiting.pop(0)
                yield ready, task.result()
        for ready, task in waiting:
            yield ready, task.result()
