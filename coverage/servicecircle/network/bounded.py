"""Compiled searches over arcs: what lies within a cost of each source.

Only crossings are searched. The nodes between two of them, most vertices of a street, get their
costs at the end, from both. Each source is searched alone, so that threads change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.chains import CLOSED, TURNED, Chains
from servicecircle.network.compiled import compiled, threads
from servicecircle.network.heap import drop_first, push, put_off
from servicecircle.network.travel import Arcs

__all__ = ["Reaches", "Seeds", "search_blocks", "slack_limit"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]
Counts = NDArray[np.uint32]

_BLOCK = 64
# Results are cut from slabs of so many nodes: the system clears few large pieces, not many pages.
_SLAB = 1 << 20
_SLOTS = 256


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
    place: Heads, crossings: Heads, starts: Ints, nodes: Heads, chain: Heads,
    tips: tuple[Heads, Heads], sums: Floats, ways: Floats,
    steps: tuple[Floats, Floats, Floats, Floats],
    half_starts: NDArray[np.uint64], links: NDArray[np.uint32],
    whole: Floats, whole_metres: Floats, carry: bool,
    seed_starts: Ints, seed_nodes: Ints, seed_cost: Floats, seed_metres: Floats,
    first: int, last: int, limit: float, stamp: int, ends: Ints,
    keys: Floats, items: Counts, slots: Heads, after: Heads, late_keys: Floats, late_items: Counts,
    met: Counts, begun: Heads,
    found: Heads, found_cost: Floats, found_metres: Floats,
    cost: Floats, metres: Floats, inner: Floats, inner_metres: Floats, done: Ints,
) -> int:  # fmt: skip
    """Search from the sources ``first`` to ``last`` (excluded), each alone, up to a limit.

    Returns the source at which there was no more room in ``found``, ``last`` if there was.
    ``cost`` and ``metres`` (of crossings) are infinite throughout, before and after; ``done`` holds
    for each chain the stamp of the last source with a seed inside it, for which ``inner`` and
    ``inner_metres`` (of nodes inside chains) are set. No array is made here: one that changes in
    a loop costs more than the loop.

    What is met goes to one of the ``slots``, by its cost, and to the heap when its slot's turn
    comes: a heap of few entries costs a part of a large one. All slots are empty, -1, before and
    after. Without a limit there is one slot, and the heap.
    """
    # Unsigned: a kernel tests other indices for being negative.
    one_more = np.uint64(1)
    count = np.uint64(0)
    scale = (_SLOTS - 1) / limit
    for source in range(first, last):
        stamp += 1
        full = False
        size, tops, wholes = 0, 0, 0
        slot, most, waiting = np.uint32(0), np.uint32(0), np.uint64(0)
        for seed in range(seed_starts[source], seed_starts[source + 1]):
            if seed_cost[seed] > limit:
                continue
            at = place[seed_nodes[seed]]
            if at < 0:
                total, way, node = seed_cost[seed], seed_metres[seed], -1 - at
                number = chain[node]
                if done[number] != stamp:
                    done[number] = stamp
                    begun[wholes] = number
                    wholes += 1
                    for inside in range(starts[number], starts[number + 1]):
                        inner[inside] = np.inf
                        if carry:
                            inner_metres[inside] = np.inf
                if total > inner[node] or (
                    total == inner[node] and not (carry and way < inner_metres[node])
                ):
                    continue
                inner[node] = total
                if carry:
                    inner_metres[node] = way
            # A seed inside a chain goes along it both ways, to the crossings at its ends.
            for side in range(1 if at >= 0 else 2):
                total, way, tip = seed_cost[seed], seed_metres[seed], at
                if at < 0:
                    node = -1 - at
                    number = chain[node]
                    begin, end = starts[number], starts[number + 1]
                    while True:
                        step = node + number + (1 - side)
                        total += steps[side][step]
                        if carry:
                            way += steps[2 + side][step]
                        node += 1 - 2 * side
                        if total > limit or not begin <= node < end:
                            break
                        if total > inner[node] or (
                            total == inner[node] and not (carry and way < inner_metres[node])
                        ):
                            total = np.inf
                            break
                        inner[node] = total
                        if carry:
                            inner_metres[node] = way
                    tip = tips[1 - side][number]
                if total > limit or total > cost[tip]:
                    continue
                if total == cost[tip] and not (carry and way < metres[tip]):
                    continue
                if cost[tip] == np.inf:
                    met[tops] = tip
                    tops += 1
                cost[tip] = total
                if carry:
                    metres[tip] = way
                if waiting == late_keys.size:
                    return -1
                into = np.uint32(int(total * scale))
                put_off(slots, after, late_keys, late_items, waiting, into, total, tip)
                waiting += one_more
                most = max(most, into)
        while True:
            while size == 0:
                while slot <= most and slots[slot] < 0:
                    slot += np.uint32(1)
                if slot > most:
                    break
                entry = slots[slot]
                slots[slot] = -1
                while entry >= 0:
                    if late_keys[entry] <= cost[late_items[entry]]:
                        push(keys, items, size, late_keys[entry], late_items[entry])
                        size += 1
                    entry = after[entry]
            if size == 0:
                break
            key, top = keys[0], items[0]
            if size > 1:
                drop_first(keys, items, size)
            size -= 1
            if key > cost[top]:
                continue
            for half in range(half_starts[top], half_starts[top + 1]):
                total, here = key + whole[half], links[half, 0]
                if total > limit or total > cost[here]:
                    continue
                way = metres[top] + whole_metres[half] if carry else 0.0
                if total == cost[here] and not (carry and way < metres[here]):
                    continue
                if cost[here] == np.inf:
                    met[tops] = here
                    tops += 1
                cost[here] = total
                if carry:
                    metres[here] = way
                if links[half, 3] >= CLOSED:
                    continue
                into = np.uint32(int(total * scale))
                if into == slot:
                    if size == keys.size:
                        return -1
                    push(keys, items, size, total, here)
                    size += 1
                    continue
                if waiting == late_keys.size:
                    return -1
                put_off(slots, after, late_keys, late_items, waiting, into, total, here)
                waiting += one_more
                most = max(most, into)
        # What lies inside the chains of seeds, which have costs of their own.
        for at in range(wholes):
            number = begun[at]
            one, other = tips[0][number], tips[1][number]
            if count + np.uint64(starts[number + 1] - starts[number]) > found.size:
                full = True
            for node in range(starts[number], starts[number + 1]):
                total, beyond, way = inner[node], cost[one] + sums[node, 0], 0.0
                if carry:
                    way, longer = inner_metres[node], metres[one] + ways[node, 0]
                    if beyond < total or (beyond == total and longer < way):
                        total, way = beyond, longer
                    beyond, longer = cost[other] + sums[node, 1], metres[other] + ways[node, 1]
                    if beyond < total or (beyond == total and longer < way):
                        total, way = beyond, longer
                else:
                    total = min(total, beyond, cost[other] + sums[node, 1])
                if total <= limit and not full:
                    found[count], found_cost[count] = nodes[node], total
                    if carry:
                        found_metres[count] = way
                    count += one_more
        # The crossings that were met, and what lies inside the other chains at them.
        for at in range(tops):
            top = met[at]
            near = cost[top]
            if full or count == found.size:
                full = True
                break
            found[count], found_cost[count] = crossings[top], near
            if carry:
                found_metres[count] = metres[top]
            count += one_more
            for half in range(half_starts[top], half_starts[top + 1]):
                here, low, high = links[half, 0], links[half, 1], links[half, 2]
                turned = links[half, 3] & TURNED
                far = cost[here]
                # A chain with both ends met is told at its first one.
                if low == high or (turned and far < np.inf):
                    continue
                told = False
                for seeded in range(wholes):
                    told = told or starts[begun[seeded]] == low
                if told:
                    continue
                if count + high - low > found.size:
                    full = True
                    break
                one, other = (far, near) if turned else (near, far)
                if carry:
                    way, longer = (
                        (metres[here], metres[top]) if turned else (metres[top], metres[here])
                    )
                    for node in range(low, high):
                        total, beyond = one + sums[node, 0], other + sums[node, 1]
                        first_way, last_way = way + ways[node, 0], longer + ways[node, 1]
                        back = beyond < total or (beyond == total and last_way < first_way)
                        found[count] = nodes[node]
                        found_cost[count] = beyond if back else total
                        found_metres[count] = last_way if back else first_way
                        count += np.uint64(min(total, beyond) <= limit)
                else:
                    for node in range(low, high):
                        total = min(one + sums[node, 0], other + sums[node, 1])
                        found[count], found_cost[count] = nodes[node], total
                        count += np.uint64(total <= limit)
        for at in range(tops):
            cost[met[at]] = np.inf
            if carry:
                metres[met[at]] = np.inf
        if full:
            return source
        ends[source - first + 1] = count
    return last


@dataclass(slots=True, eq=False)
class _Room:
    """What searches write to, lent to one block after the other, as the kernel takes it."""

    travelled: tuple[NDArray[Any], ...]
    heap: tuple[NDArray[Any], ...]
    met: tuple[NDArray[Any], ...]
    found: tuple[NDArray[Any], ...]
    stamp: int = 0
    used: int = 0

    def rest(self) -> tuple[NDArray[Any], ...]:
        """Return what is left of the slab that results are cut from."""
        return tuple(part[self.used :] for part in self.found)

    def renew(self) -> None:
        """Begin another slab; the old one lives as long as results that were cut from it."""
        self.found = tuple(np.empty_like(part) for part in self.found)
        self.used = 0


def _room(chains: Chains, carry_metres: bool, *, heap: int) -> _Room:
    tops, inside, count = chains.crossings.size, chains.nodes.size, chains.first.size
    most = max(_SLAB, tops + inside)
    cost, metres = (np.full(size, np.inf) for size in (tops, tops if carry_metres else 1))
    inner, inner_metres = (np.empty(size) for size in (inside, inside if carry_metres else 1))
    return _Room(
        travelled=(cost, metres, inner, inner_metres, np.zeros(count, np.int64)),
        heap=(
            np.empty(heap, np.float64),
            np.empty(heap, np.uint32),
            np.full(_SLOTS, -1, np.int32),
            np.empty(heap, np.int32),
            np.empty(heap, np.float64),
            np.empty(heap, np.uint32),
        ),
        met=(np.empty(tops, np.uint32), np.empty(count, np.int32)),
        found=(
            np.empty(most, np.int32),
            np.empty(most, np.float64),
            np.empty(most if carry_metres else 1, np.float64),
        ),
    )


def _order(seeds: Seeds) -> Ints:
    """Return the sources in the order of their first nodes, those without any last."""
    begin = np.full(seeds.starts.size - 1, np.iinfo(np.int64).max)
    some = np.flatnonzero(np.diff(seeds.starts))
    begin[some] = seeds.nodes[seeds.starts[some]]
    return np.argsort(begin, kind="stable")


def _taken(seeds: Seeds, order: Ints) -> Seeds:
    """Return the seeds of sources in another order."""
    sizes = np.diff(seeds.starts)[order]
    starts = np.zeros(seeds.starts.size, np.int64)
    np.cumsum(sizes, out=starts[1:])
    at = np.arange(starts[-1]) + np.repeat(seeds.starts[order] - starts[:-1], sizes)
    return Seeds(
        starts=starts,
        nodes=seeds.nodes[at],
        cost=seeds.cost[at],
        metres=seeds.metres[at],
        feet=seeds.feet[at],
    )


def _joined(parts: list[NDArray[Any]]) -> NDArray[Any]:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def search_blocks(
    arcs: Arcs, seeds: Seeds, *, limit: float, carry_metres: bool
) -> Iterator[tuple[Ints, Reaches]]:
    """Search from each source alone up to a limit, blocks of sources side by side in threads.

    Sources are taken in the order of the nodes at which they begin, not in their own: what one
    search has met is at hand for the next one near it.

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
    sources : numpy.ndarray of int64, shape (s,)
        The sources of a block, at most 64. Each source is in one block.
    reaches : Reaches
        Of these, in their order; the same bits whatever the number of threads.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> arcs = metres_travel(build_network([0, 30, 90], [0, 0, 0], [0, 1], [1, 2])).outward
    >>> zero, at = np.zeros(1), np.array([0])
    >>> seeds = Seeds(starts=np.array([0, 1, 1]), nodes=at, cost=zero, metres=zero, feet=at)
    >>> [(sources, found)] = search_blocks(arcs, seeds, limit=50, carry_metres=False)
    >>> sources.tolist(), found.starts.tolist(), found.nodes.tolist(), found.cost.tolist()
    ([0, 1], [0, 2, 2], [0, 1], [0.0, 30.0])
    """
    most = slack_limit(limit)
    count = seeds.starts.size - 1
    chains = arcs.chains
    fixed: tuple[Any, ...] = (
        chains.place, chains.crossings, chains.starts, chains.nodes, chains.chain,
        (chains.first, chains.last),
        chains.sums, chains.ways,
        (chains.onward, chains.back, chains.metres_onward, chains.metres_back),
        chains.half_starts, chains.links, chains.cost, chains.metres, carry_metres,
    )  # fmt: skip
    order = _order(seeds)
    seeds = _taken(seeds, order)
    begun = (seeds.starts, seeds.nodes, seeds.cost, seeds.metres)

    rooms: SimpleQueue[_Room] = SimpleQueue()
    heap = chains.cost.size + int(np.diff(seeds.starts).max(initial=0)) + 1

    def block(first: int) -> Reaches:
        last = min(first + _BLOCK, count)
        try:
            room = rooms.get_nowait()
        except Empty:
            room = _room(chains, carry_metres, heap=heap)
        starts, parts = [np.zeros(1, np.int64)], []
        while first < last:
            ends = np.zeros(last - first + 1, np.int64)
            taken: tuple[Any, ...] = (
                *fixed, *begun, first, last, most, room.stamp, ends,
                *room.heap, *room.met, *room.rest(), *room.travelled,
            )  # fmt: skip
            stop = _search_each(*taken)
            if stop < 0:  # Ties at no cost can enter the heap more often than there are arcs.
                room = _room(chains, carry_metres, heap=2 * room.heap[0].size)
                continue
            room.stamp += last - first
            if stop > first:
                size = ends[stop - first]
                starts.append(starts[-1][-1] + ends[1 : stop - first + 1])
                parts.append(tuple(part[:size] for part in room.rest()))
                room.used += size
                first = stop
            if first < last:
                room.renew()
        rooms.put(room)
        nodes, cost, metres = (_joined(list(part)) for part in zip(*parts, strict=True))
        return Reaches(
            starts=np.concatenate(starts),
            nodes=nodes,
            cost=cost,
            metres=metres if carry_metres else cost,
        )

    firsts = range(0, count, _BLOCK)
    workers = min(threads(), len(firsts))
    if workers <= 1:
        for first in firsts:
            yield order[first : first + _BLOCK], block(first)
        return
    with ThreadPoolExecutor(workers) as pool:
        # A few blocks ahead, so that results which nobody has taken yet do not pile up.
        waiting: list[Any] = []
        for first in firsts:
            waiting.append((first, pool.submit(block, first)))
            if len(waiting) > 2 * workers:
                ready, task = waiting.pop(0)
                yield order[ready : ready + _BLOCK], task.result()
        for ready, task in waiting:
            yield order[ready : ready + _BLOCK], task.result()
