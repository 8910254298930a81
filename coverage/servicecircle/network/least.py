"""One compiled search from all sources together: the nearest of many for every node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.bounded import Seeds, slack_limit
from servicecircle.network.compiled import compiled
from servicecircle.network.heap import drop_first, push, wider_floats, wider_heads
from servicecircle.network.travel import CROSSING, DEAD_END, Arcs

__all__ = ["least_from_all"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Heads = NDArray[np.int32]


@compiled()
def _least(  # noqa: PLR0912, PLR0913, PLR0917 - one kernel, one loop
    starts: Ints, heads: Heads, arc_cost: Floats, arc_metres: Floats, onward: Heads, carry: bool,
    seed_starts: Ints, seed_nodes: Ints, seed_cost: Floats, seed_metres: Floats,
    limit: float, cost: Floats, owner: Ints, metres: Floats, before_of: Heads, trace: bool,
) -> None:  # fmt: skip
    """Fill in the least (cost, source, metres) of every node; ``before_of``: where it comes from.

    ``cost`` is infinite, ``owner`` past all sources and ``metres`` infinite to begin with.
    """
    room = 4096
    keys, items = np.empty(room, np.float64), np.empty(room, np.int32)
    size = 0
    for source in range(seed_starts.size - 1):
        for seed in range(seed_starts[source], seed_starts[source + 1]):
            node, total, way = seed_nodes[seed], seed_cost[seed], seed_metres[seed]
            if total > limit or total > cost[node]:
                continue
            if total == cost[node] and (
                source > owner[node]
                or (source == owner[node] and not (carry and way < metres[node]))
            ):
                continue
            cost[node], owner[node] = total, source
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
        source = owner[node]
        for arc in range(starts[node], starts[node + 1]):
            before, step = node, arc
            total, way = key, (metres[node] if carry else 0.0)
            while True:
                here = heads[step]
                total += arc_cost[step]
                if total > limit or total > cost[here]:
                    break
                if carry:
                    way += arc_metres[step]
                if total == cost[here] and (
                    source > owner[here]
                    or (source == owner[here] and not (carry and way < metres[here]))
                ):
                    break
                cost[here], owner[here] = total, source
                if carry:
                    metres[here] = way
                if trace:
                    before_of[here] = before
                step = onward[step]
                if step == DEAD_END:
                    break
                if step == CROSSING:
                    if size == keys.size:
                        keys, items = wider_floats(keys), wider_heads(items)
                    push(keys, items, size, total, here)
                    size += 1
                    break
                before = here


def least_from_all(
    arcs: Arcs, seeds: Seeds, *, limit: float = np.inf, carry_metres: bool, trace: bool = False
) -> tuple[Floats, Ints, Floats, Heads]:
    """Search from all sources together: each node's least cost, and the source that has it.

    Parameters
    ----------
    arcs : Arcs
    seeds : Seeds
    limit : float
        Cost, inclusive up to :func:`slack_limit`.
    carry_metres : bool
        Whether the metres of the way are wanted besides its cost; else they are its cost.
    trace : bool
        Whether to keep where each node is come to from.

    Returns
    -------
    cost : numpy.ndarray of float, shape (n,)
        Infinite where no source reaches.
    source : numpy.ndarray of int64, shape (n,)
        -1 where none reaches; of several at bit for bit the same cost the lowest.
    metres : numpy.ndarray of float, shape (n,)
        Of the way that was taken.
    before : numpy.ndarray of int32, shape (n,)
        The node before on the way, -1 at its first and where none is kept; empty without a trace.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> arcs = metres_travel(build_network([0, 30, 90], [0, 0, 0], [0, 1], [1, 2])).outward
    >>> zero, at = np.zeros(2), np.array([0, 2])
    >>> seeds = Seeds(starts=np.array([0, 1, 2]), nodes=at, cost=zero, metres=zero, feet=at)
    >>> cost, source, _, before = least_from_all(arcs, seeds, carry_metres=False, trace=True)
    >>> cost.tolist(), source.tolist(), before.tolist()
    ([0.0, 30.0, 0.0], [0, 0, 1], [-1, 0, -1])
    """
    n = arcs.starts.size - 1
    count = seeds.starts.size - 1
    cost = np.full(n, np.inf)
    owner = np.full(n, count, np.int64)
    metres = np.full(n, np.inf) if carry_metres else np.empty(0)
    before = np.full(n if trace else 0, -1, np.int32)
    _least(
        arcs.starts, arcs.heads, arcs.cost, arcs.metres, arcs.onward, carry_metres,
        seeds.starts, seeds.nodes, seeds.cost, seeds.metres,
        slack_limit(limit), cost, owner, metres, before, trace,
    )  # fmt: skip
    owner[owner == count] = -1
    return cost, owner, metres if carry_metres else cost, before
