"""Contiguous clusters of about equal weight: which areas touch, how they part, how parts even out.

Each region is halved again and again (a balanced connected partition, as SKATER cuts trees:
Assunção et al. 2006, International Journal of Geographical Information Science 20, 797-811). A half
grows from one end of the region along one of twelve directions, area by area, always over a shared
border; what the cut leaves alone goes with it. Of all cuts the most even one with the shortest
border between the halves is taken. Then areas on borders change to the cluster next to them while
that evens out sizes and no cluster falls apart (Openshaw 1977, Transactions of the Institute of
British Geographers 2, 459-472). Nothing is drawn at random.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

__all__ = ["contiguous_clusters", "joined_components", "shared_borders"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]
Neighbours = Sequence[dict[int, float]]

_TOLERANCE_M = 1.0
_CORNER = 4.0
_DIRECTIONS = 12
_CANDIDATES = 3
_EVEN = 0.1
# How much a cut as long as the region is wide counts against a cluster's worth of unevenness.
_SHAPE = 0.25


def shared_borders(shapes: Shapes) -> tuple[Ints, Floats]:
    """Return which shapes touch along a line, and how long it is.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely polygons, shape (k,)
        Metres. Borders that lie within a metre of each other are one; a corner is none.

    Returns
    -------
    pairs : numpy.ndarray of int, shape (p, 2)
        Lower index first, ascending.
    metres : numpy.ndarray of float, shape (p,)

    Examples
    --------
    >>> boxes = shapely.box([0, 100, 100], [0, 0, 100], [100, 200, 200], [100, 100, 200])
    >>> pairs, metres = shared_borders(boxes)
    >>> pairs.tolist(), metres.round(-1).tolist()
    ([[0, 1], [1, 2]], [100.0, 100.0])
    >>> shared_borders(boxes[:0])[0].shape
    (0, 2)
    """
    one, other = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOLERANCE_M)
    pairs = np.stack([one, other], axis=1).astype(np.int64)[one < other]
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    wide = np.asarray(shapely.buffer(shapes, _TOLERANCE_M, quad_segs=2))
    edges = np.asarray(shapely.boundary(shapes))
    common = shapely.intersection(edges[pairs[:, 1]], wide[pairs[:, 0]])
    metres = np.asarray(shapely.length(common), np.float64)
    long = metres > _CORNER * _TOLERANCE_M
    return pairs[long], metres[long]


def joined_components(
    shapes: Shapes, pairs: Ints, regions: Ints
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs that join the parts of each region, islands by the nearest other part.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely geometries, shape (k,)
    pairs : numpy.ndarray of int, shape (p, 2)
        Shapes that touch.
    regions : numpy.ndarray of int, shape (k,)
        Only shapes of one region are joined.

    Returns
    -------
    pairs : numpy.ndarray of int, shape (q, 2)
        Those given that lie in one region, then the bridges.
    bridges : numpy.ndarray of int, shape (b, 2)

    Examples
    --------
    >>> boxes = shapely.box([0, 100, 500, 900], 0, [100, 200, 600, 990], 100)
    >>> touching, _ = shared_borders(boxes)
    >>> joined_components(boxes, touching, np.array([0, 0, 0, 1]))[1].tolist()
    [[1, 2]]
    """
    within = pairs[regions[pairs[:, 0]] == regions[pairs[:, 1]]]
    part = np.arange(regions.size)

    def top(at: int) -> int:
        while part[at] != at:
            part[at] = part[part[at]]
            at = int(part[at])
        return at

    def join(one: int, other: int) -> None:
        low, high = sorted((top(one), top(other)))
        part[high] = low

    for one, other in within.tolist():
        join(one, other)
    bridges: list[tuple[int, int]] = []
    for region in np.unique(regions):
        mine = np.flatnonzero(regions == region)
        while True:
            roots = np.array([top(int(at)) for at in mine])
            if np.unique(roots).size <= 1:
                break
            # The part of the fewest shapes goes to the nearest of the others.
            names, counts = np.unique(roots, return_counts=True)
            alone = roots == names[np.argmin(counts)]
            tree = shapely.STRtree(shapes[mine[~alone]])
            (near, found), metres = tree.query_nearest(shapes[mine[alone]], return_distance=True)
            best = np.lexsort((mine[~alone][found], mine[alone][near], metres))[0]
            pair = (int(mine[alone][near[best]]), int(mine[~alone][found[best]]))
            bridges.append((min(pair), max(pair)))
            join(*pair)
    extra = np.array(bridges, np.int64).reshape(-1, 2)
    return np.concatenate([within, extra]), extra


def contiguous_clusters(
    shapes: Shapes,
    weight: Floats,
    *,
    people: float | None = None,
    number: int | None = None,
    regions: Ints | None = None,
) -> Ints:
    """Put shapes together to connected clusters of about equal weight.

    Parameters
    ----------
    shapes : numpy.ndarray of shapely polygons, shape (k,)
        Metres.
    weight : numpy.ndarray of float, shape (k,)
        People of each; none is split, so that a shape with many makes a large cluster.
    people : float, optional
        Weight of a cluster: a region gets its own weight by this, rounded, and at least 1.
    number : int, optional
        Clusters of each region, at most its shapes; one of the two is given.
    regions : numpy.ndarray of int, shape (k,), optional
        No cluster has shapes of two regions.

    Returns
    -------
    numpy.ndarray of int, shape (k,)
        Number of each shape's cluster, from 0 in the order of their first shapes.

    Raises
    ------
    ValueError
        Unless one of ``people`` and ``number`` is given and above 0, and weights are 0 or more.

    Examples
    --------
    >>> row = shapely.box(np.arange(6) * 100, 0, np.arange(6) * 100 + 100, 100)
    >>> contiguous_clusters(row, np.array([5.0, 1.0, 4.0, 4.0, 1.0, 5.0]), people=10).tolist()
    [0, 0, 0, 1, 1, 1]
    >>> contiguous_clusters(row[:0], np.empty(0), number=3).tolist()
    []
    """
    if (people is None) == (number is None) or not (people or number or 0) > 0:
        raise ValueError("give one of people and number, above 0")
    if not (np.isfinite(weight) & (weight >= 0.0)).all():
        raise ValueError("weights are 0 or more, and known")
    regions = np.zeros(weight.size, np.int64) if regions is None else regions
    if not weight.size:
        return np.empty(0, np.int64)
    pairs, metres = shared_borders(shapes)
    border = dict(zip(map(tuple, pairs.tolist()), metres.tolist(), strict=True))
    linked, _ = joined_components(shapes, pairs, regions)
    neighbours: list[dict[int, float]] = [{} for _ in range(weight.size)]
    for one, other in linked.tolist():
        length = border.get((one, other), 0.0)
        neighbours[one][other] = neighbours[other][one] = length
    centres = shapely.centroid(shapes)
    xy = np.stack([shapely.get_x(centres), shapely.get_y(centres)], axis=1)
    labels = np.full(weight.size, -1, np.int64)
    used = 0
    for region in np.unique(regions):
        mine = np.flatnonzero(regions == region).tolist()
        total = float(weight[mine].sum())
        wanted = number if people is None else max(1, round(total / people))
        parts = _parted(mine, min(int(wanted or 1), len(mine)), neighbours, weight, xy)
        parts = _evened(parts, neighbours, weight)
        for members in parts:
            labels[list(members)] = used
            used += 1
    _, first, order = np.unique(labels, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[order].astype(np.int64)


def _parted(
    members: list[int], count: int, neighbours: Neighbours, weight: Floats, xy: Floats
) -> list[set[int]]:
    """Halve connected members again and again until there are so many parts."""
    if count <= 1:
        return [set(members)]
    half = count // 2
    best: tuple[float, ...] | None = None
    chosen: set[int] = set()
    total = float(weight[members].sum())
    inside = set(members)
    for step in range(_DIRECTIONS):
        angle = 2.0 * np.pi * step / _DIRECTIONS
        along = xy[members] @ np.array([np.cos(angle), np.sin(angle)])
        for grown in _grown(members, along, inside, neighbours, weight, half / count * total):
            if len(grown) < half or len(members) - len(grown) < count - half:
                continue
            uneven = abs(float(weight[sorted(grown)].sum()) - half / count * total)
            cut = sum(
                length
                for at in grown
                for other, length in neighbours[at].items()
                if other in inside and other not in grown
            )
            width = float(np.ptp(along)) or 1.0
            worth = total / count or 1.0
            score = (uneven / worth + _SHAPE * cut / width, uneven, float(step))
            if best is None or score < best:
                best, chosen = score, grown
    if best is None:
        # No half has members enough for its clusters: one member becomes a cluster.
        chosen, half = {_leaf(members, inside, neighbours)}, 1
    rest = [at for at in members if at not in chosen]
    return [
        *_parted(sorted(chosen), half, neighbours, weight, xy),
        *_parted(rest, count - half, neighbours, weight, xy),
    ]


def _grown(
    members: list[int],
    along: Floats,
    inside: set[int],
    neighbours: Neighbours,
    weight: Floats,
    goal: float,
) -> list[set[int]]:
    """Return connected halves, grown from the first member in a direction, about a weight."""
    sorted_members = np.array(members)[np.argsort(along, kind="stable")].tolist()
    rank = {at: place for place, at in enumerate(sorted_members)}
    order: list[int] = []
    start = min(members, key=rank.__getitem__)
    waiting, seen = [(rank[start], start)], {start}
    while waiting:
        _, at = heapq.heappop(waiting)
        order.append(at)
        for other in neighbours[at]:
            if other in inside and other not in seen:
                heapq.heappush(waiting, (rank[other], other))
                seen.add(other)
    sums = np.cumsum(weight[order])
    nearest = np.argsort(np.abs(sums - goal), kind="stable")[:_CANDIDATES]
    halves = []
    for last in nearest.tolist():
        grown = set(order[: last + 1])
        rest = _components(inside - grown, neighbours)
        # The heaviest part stays by itself; the others touch none but the grown one.
        rest.sort(key=lambda part: (-float(weight[sorted(part)].sum()), -len(part), min(part)))
        for part in rest[1:]:
            grown |= part
        if rest:
            halves.append(grown)
    return halves


def _leaf(members: list[int], inside: set[int], neighbours: Neighbours) -> int:
    """Return a member whose rest is connected: the last of a breadth-first order."""
    order, seen = [members[0]], {members[0]}
    for at in order:
        fresh = [other for other in sorted(neighbours[at]) if other in inside and other not in seen]
        order += fresh
        seen |= set(fresh)
    return order[-1]


def _components(members: set[int], neighbours: Neighbours) -> list[set[int]]:
    left = set(members)
    parts = []
    while left:
        start = min(left)
        part, waiting = {start}, [start]
        while waiting:
            at = waiting.pop()
            for other in neighbours[at]:
                if other in left and other not in part:
                    part.add(other)
                    waiting.append(other)
        left -= part
        parts.append(part)
    return parts


def _evened(parts: list[set[int]], neighbours: Neighbours, weight: Floats) -> list[set[int]]:
    """Move members over borders, always the one that evens out most, until none does."""
    owner = {at: number for number, part in enumerate(parts) for at in part}
    sums = [float(weight[sorted(part)].sum()) for part in parts]
    mean = sum(sums) / len(sums)
    if not mean > 0.0:
        return parts
    while True:
        moves = []
        for at, mine in owner.items():
            for goal in {owner[other] for other in neighbours[at] if other in owner} - {mine}:
                uneven = max(abs(sums[mine] - mean), abs(sums[goal] - mean)) > _EVEN * mean
                gain = weight[at] * (sums[mine] - sums[goal] - weight[at])
                if uneven and gain > 1e-9 * mean * mean and len(parts[mine]) > 1:
                    moves.append((-float(gain), at, goal))
        for _, at, goal in sorted(moves):
            mine = owner[at]
            if len(_components(parts[mine] - {at}, neighbours)) == 1:
                parts[mine].remove(at)
                parts[goal].add(at)
                sums[mine] -= float(weight[at])
                sums[goal] += float(weight[at])
                owner[at] = goal
                break
        else:
            return parts
