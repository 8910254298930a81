"""Chains: the stretches between crossings, so that searches only visit the crossings.

A node with exactly two neighbours, whatever the directions, lies inside a chain; all others are
crossings, dead ends among them. A ring without any has its lowest node for one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["CLOSED", "TURNED", "Chains", "chains_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]

_INSIDE = 2
TURNED, CLOSED = 1, 2


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Chains:
    """A graph of crossings, and what lies between them.

    A chain leads from its first crossing ``a`` to its last one ``b``, over its nodes inside in
    their order; costs are infinite where a direction is not allowed.

    Parameters
    ----------
    place : numpy.ndarray of int32, shape (n,)
        Of each node: the number of the crossing that it is, or ``-1 - i`` for the place ``i``
        among the nodes inside chains.
    crossings : numpy.ndarray of int32, shape (j,)
        The nodes that are crossings, ascending.
    starts : numpy.ndarray of int64, shape (c + 1,)
        Where each chain's nodes begin in ``nodes``.
    nodes, chain : numpy.ndarray of int32, shape (f,)
        Nodes inside chains, and the chain that each is of.
    first, last : numpy.ndarray of int32, shape (c,)
        Crossings ``a`` and ``b`` of each chain.
    sums : numpy.ndarray of float, shape (f, 2)
        Cost from the first and from the last crossing to each node, along the chain.
    ways : numpy.ndarray of float, shape (f, 2)
        Metres likewise.
    onward, back, metres_onward, metres_back : numpy.ndarray of float, shape (f + c,)
        Of each step, with chain ``k`` from ``starts[k] + k``: toward ``b``, and toward ``a``.
    half_starts : numpy.ndarray of uint64, shape (j + 1,)
        Where the chains that leave each crossing begin; a chain from a crossing to itself leaves
        it twice.
    links : numpy.ndarray of uint32, shape (2 c, 4)
        Of each of them the crossing that it leads to, where the nodes inside begin and end in
        ``nodes``, and the sum of :data:`TURNED` if the crossing left is the chain's last one and
        of :data:`CLOSED` if it leads to a dead end. In one array, since searches that hop about
        a large graph mostly wait for memory; unsigned, since a kernel tests other indices for
        being negative.
    cost, metres : numpy.ndarray of float, shape (2 c,)
        Of the whole chain.
    """

    place: Heads
    crossings: Heads
    starts: Ints
    nodes: Heads
    chain: Heads
    first: Heads
    last: Heads
    sums: Floats
    ways: Floats
    onward: Floats
    back: Floats
    metres_onward: Floats
    metres_back: Floats
    half_starts: NDArray[np.uint64]
    links: NDArray[np.uint32]
    cost: Floats
    metres: Floats


@compiled()
def _mark_rings(starts: Ints, heads: Heads, crossing: NDArray[np.bool_]) -> None:
    """Make the lowest node of each ring without a crossing one."""
    n = starts.size - 1
    seen = crossing.copy()
    for tip in range(n):
        if not crossing[tip]:
            continue
        for arc in range(starts[tip], starts[tip + 1]):
            before, node = tip, heads[arc]
            while not seen[node]:
                seen[node] = True
                step = starts[node] + (heads[starts[node]] == before)
                before, node = node, heads[step]
    for tip in range(n):
        if seen[tip]:
            continue
        crossing[tip] = seen[tip] = True
        node = heads[starts[tip]]
        before = tip
        while not seen[node]:
            seen[node] = True
            step = starts[node] + (heads[starts[node]] == before)
            before, node = node, heads[step]


@compiled()
def _walk(
    starts: Ints, heads: Heads, back: Ints, crossing: NDArray[np.bool_], inside: int, chains: int
) -> tuple[Ints, Heads, Ints, Ints]:
    """Return where each chain begins, its nodes, and its arcs in order onward and back."""
    ends = np.zeros(chains + 1, np.int64)
    nodes = np.empty(inside, np.int32)
    onward = np.empty(inside + chains, np.int64)
    backward = np.empty(inside + chains, np.int64)
    count, at, steps = 0, 0, 0
    for tip in range(starts.size - 1):
        if not crossing[tip]:
            continue
        for arc in range(starts[tip], starts[tip + 1]):
            step = arc
            while not crossing[heads[step]]:
                node = heads[step]
                step = starts[node] + (starts[node] == back[step])
            if arc > back[step]:  # Told from its other end.
                continue
            step = arc
            while True:
                onward[steps], backward[steps] = step, back[step]
                steps += 1
                node = heads[step]
                if crossing[node]:
                    break
                nodes[at] = node
                at += 1
                step = starts[node] + (starts[node] == back[step])
            count += 1
            ends[count] = at
    return ends, nodes, onward, backward


@compiled()
def _sums(starts: Ints, steps: Floats, returns: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the sums along each chain to its nodes, from either end, and over all of it."""
    chains = starts.size - 1
    sums = np.empty((starts[-1], 2), np.float64)
    whole, home = np.empty(chains, np.float64), np.empty(chains, np.float64)
    for chain in range(chains):
        begin, end = starts[chain], starts[chain + 1]
        total = 0.0
        for node in range(begin, end):
            total += steps[node + chain]
            sums[node, 0] = total
        whole[chain] = total + steps[end + chain]
        total = 0.0
        for node in range(end - 1, begin - 1, -1):
            total += returns[node + 1 + chain]
            sums[node, 1] = total
        home[chain] = total + returns[begin + chain]
    return sums, whole, home


def chains_of(starts: Ints, heads: Heads, cost: Floats, metres: Floats) -> Chains:
    """Return the chains of a graph of one-way arcs.

    Parameters
    ----------
    starts : numpy.ndarray of int64, shape (n + 1,)
        Where each node's arcs begin.
    heads : numpy.ndarray of int32, shape (a,)
        Ascending for each node, each once, never the node itself.
    cost, metres : numpy.ndarray of float, shape (a,)
        Finite.

    Returns
    -------
    Chains

    Examples
    --------
    >>> starts, heads = np.array([0, 1, 3, 4]), np.array([1, 0, 2, 1], np.int32)
    >>> chains = chains_of(starts, heads, np.array([3.0, 3, 4, 4]), np.ones(4))
    >>> chains.crossings.tolist(), chains.nodes.tolist(), chains.cost.tolist()
    ([0, 2], [1], [7.0, 7.0])
    >>> chains.sums.tolist(), chains.place.tolist()
    ([[3.0, 4.0]], [0, -1, 1])
    >>> nothing = np.empty(0)
    >>> chains_of(np.zeros(1, int), np.empty(0, np.int32), nothing, nothing).crossings.size
    0
    """
    starts, heads, cost, metres, back = _two_way(starts, heads, cost, metres)
    crossing = np.diff(starts) != _INSIDE
    _mark_rings(starts, heads, crossing)
    crossings = np.flatnonzero(crossing).astype(np.int32)
    inside = crossing.size - crossings.size
    count = int(np.diff(starts)[crossing].sum()) // 2
    ends, nodes, onward, backward = _walk(starts, heads, back, crossing, inside, count)
    place = np.empty(crossing.size, np.int32)
    place[crossings] = np.arange(crossings.size, dtype=np.int32)
    place[nodes] = -1 - np.arange(inside, dtype=np.int32)
    opening, closing = ends[:-1] + np.arange(count), ends[1:] + np.arange(count)
    first = place[heads[backward[opening]]]
    last = place[heads[onward[closing]]]
    sums, whole, home = _sums(ends, cost[onward], cost[backward])
    same = metres is cost
    ways = _sums(ends, metres[onward], metres[backward]) if not same else None
    tails = np.concatenate([first, last])
    order = np.argsort(tails, kind="stable")
    half_starts = np.zeros(crossings.size + 1, np.int64)
    np.cumsum(np.bincount(tails, minlength=crossings.size), out=half_starts[1:])
    total = np.concatenate([whole, home])[order]
    links = np.empty((2 * count, 4), np.uint32)
    links[:, 0] = np.concatenate([last, first])[order]
    links[:, 1], links[:, 2] = np.tile(ends[:-1], 2)[order], np.tile(ends[1:], 2)[order]
    links[:, 3] = TURNED * (order >= count) + CLOSED * (np.diff(half_starts)[links[:, 0]] == 1)
    return Chains(
        place=place,
        crossings=crossings,
        starts=ends,
        nodes=nodes,
        chain=np.repeat(np.arange(count, dtype=np.int32), np.diff(ends)),
        first=first,
        last=last,
        sums=sums,
        ways=sums if ways is None else ways[0],
        onward=cost[onward],
        back=cost[backward],
        metres_onward=metres[onward],
        metres_back=metres[backward],
        half_starts=half_starts.view(np.uint64),
        links=links,
        cost=total,
        metres=total if ways is None else np.concatenate(ways[1:])[order],
    )


def _two_way(
    starts: Ints, heads: Heads, cost: Floats, metres: Floats
) -> tuple[Ints, Heads, Floats, Floats, Ints]:
    """Return the arcs with those that lead back, at an infinite cost where there was none.

    The last array says which arc leads back.
    """
    n = starts.size - 1
    tails = np.repeat(np.arange(n), np.diff(starts))
    keys, wanted = tails * n + heads, heads.astype(np.int64) * n + tails
    missing = wanted[~np.isin(wanted, keys)]
    if missing.size:
        more = np.full(missing.size, np.inf)
        same = metres is cost
        every = np.concatenate([keys, missing])
        order = np.argsort(every, kind="stable")
        keys = every[order]
        cost = np.concatenate([cost, more])[order]
        metres = cost if same else np.concatenate([metres, more])[order]
        heads = (keys % n).astype(np.int32)
        starts = np.searchsorted(keys, np.arange(n + 1) * n)
        tails = keys // n
    back = np.searchsorted(keys, heads.astype(np.int64) * n + tails)
    return starts, heads, cost, metres, back
