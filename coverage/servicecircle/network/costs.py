"""What a point costs by the edges beside it: kernels that the field and the drawing share.

The nearest edge of a point within a small square is one of a few rivals, see
:mod:`servicecircle.network.rivals`. The total by way of a rival changes along the edge by the
edge's cost ``c`` of a metre (in metres of an access leg) and across it by 1: within ``r`` of a
place by at most ``r`` times the root of ``1 + c²``.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = [
    "AT_U",
    "AT_V",
    "EDGE",
    "FOOT",
    "LENGTH",
    "NOTED",
    "RATE_U",
    "RATE_V",
    "SLACK",
    "Costs",
    "Roads",
    "bounds_at",
    "bounds_by_feet",
    "cost_at",
    "cost_by_feet",
    "feet_span",
    "load_rivals",
    "note",
    "notes",
    "over_ends",
    "over_feet",
    "rivals_table",
    "span",
    "whole_span",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_END_M = 1e-9
# A tip of this slope, as wide as a cell where it passes between two, is shorter than a cell.
_BLUNT = 0.7
_LEAST_NOTES, _MOST_NOTES = 512, 4096
_SLIGHT = 1e-9

EDGE, AT_U, AT_V, LENGTH, RATE_U, RATE_V, FOOT, SLACK, NOTED = range(9)
"""What is noted of an edge: columns of the notes, and the first rows of a table of rivals."""
_X, _Y, _DX, _DY, _PER, _FAR2, _SHARE, _ROWS = range(NOTED, NOTED + 8)


class Roads(NamedTuple):
    """Edges as kernels take them.

    ``x``, ``y`` of the nodes; ``u``, ``v`` (ends), ``length`` (m) of the edges; ``by_u``, ``by_v``:
    what a metre costs over either end, in metres of an access leg, infinite where closed.
    """

    x: Floats
    y: Floats
    u: Ints
    v: Ints
    length: Floats
    by_u: Floats
    by_v: Floats


class Costs(NamedTuple):
    """What it costs from the facilities.

    ``node``: to each node, in metres of an access leg times ``leg_cost``, infinite where not
    reached; ``edge`` (ascending), ``offset``, ``leg``: the feet of the facilities.
    """

    node: Floats
    leg_cost: float
    edge: Ints
    offset: Floats
    leg: Floats


@compiled()
def edge_part(metres: float, rate: float) -> float:
    """Return the cost of some metres of an edge; the very end of a closed one costs nothing."""
    if rate == np.inf:
        return 0.0 if metres <= _END_M else np.inf
    return metres * rate


@compiled()
def notes(edges: int) -> Floats:
    """Return room for what is noted of edges, see :func:`note`; at most so many are of use."""
    size = _LEAST_NOTES
    while size < edges and size < _MOST_NOTES:
        size *= 2
    held = np.empty((size, NOTED))
    held[:, EDGE] = -1.0
    return held


@compiled()
def note(edge: int, roads: Roads, costs: Costs, held: Floats, row: int) -> None:
    """Note an edge in a row, that of its number modulo the rows, so that it is looked up once.

    Infinite are the totals at ends that are not reached; ``FOOT`` is the first foot on the edge,
    -1 for none; ``SLACK`` by how much a total changes at most within a metre.
    """
    held[row, EDGE] = edge
    held[row, AT_U] = costs.node[roads.u[edge]] / costs.leg_cost
    held[row, AT_V] = costs.node[roads.v[edge]] / costs.leg_cost
    held[row, LENGTH] = roads.length[edge]
    rate_u, rate_v = roads.by_u[edge], roads.by_v[edge]
    held[row, RATE_U], held[row, RATE_V], held[row, FOOT] = rate_u, rate_v, -1.0
    if costs.edge.size and costs.edge[0] <= edge <= costs.edge[-1]:
        first = np.searchsorted(costs.edge, edge)
        if costs.edge[first] == edge:
            held[row, FOOT] = first
    steepest = rate_u if rate_u < np.inf else 0.0
    if rate_v < np.inf:
        steepest = max(steepest, rate_v)
    held[row, SLACK] = np.sqrt(1.0 + steepest * steepest)


# In inner loops kernels pass numbers, or one array: every array that is passed costs.


@compiled()
def over_ends(
    offset: float, at_u: float, at_v: float, length: float, rate_u: float, rate_v: float
) -> float:
    """Return the least total at a point of an edge by its ends, without the access leg."""
    return min(
        at_u + edge_part(offset, rate_u), at_v + edge_part(max(length - offset, 0.0), rate_v)
    )


@compiled()
def over_feet(total: float, offset: float, noted: Floats, costs: Costs) -> float:
    """Return the least of a total and those by the feet on the same edge, which is noted."""
    at = int(noted[FOOT])
    while 0 <= at < costs.edge.size and costs.edge[at] == noted[EDGE]:
        ahead = costs.offset[at] - offset
        rate = noted[RATE_V] if ahead >= 0.0 else noted[RATE_U]
        total = min(total, edge_part(abs(ahead), rate) + costs.leg[at])
        at += 1
    return total


@compiled()
def whole_span(
    at_u: float, at_v: float, length: float, rate_u: float, rate_v: float, foot: float
) -> tuple[float, float]:
    """Return rough bounds of the totals on an edge, access legs not included."""
    high = np.inf
    if rate_u < np.inf:
        high = at_u + length * rate_u
    if rate_v < np.inf:
        high = min(high, at_v + length * rate_v)
    return -np.inf if foot >= 0.0 else min(at_u, at_v), high


@compiled()
def span(  # noqa: PLR0913, PLR0917 - a kernel
    offset: float, leg: float, r: float, hair: float, at_u: float, at_v: float, length: float,
    rate_u: float, rate_v: float, slack: float,
) -> tuple[float, float, bool]:  # fmt: skip
    """Return bounds of the total by the ends of an edge, anywhere within ``r`` of a point.

    And whether it may hide something even where it is the only edge.
    """
    if at_u == np.inf and at_v == np.inf:
        return np.inf, np.inf, False
    far = length - offset
    low, high = np.inf, np.inf
    # Along a fast road a circle ends in a tip so sharp that it may pass between two cells.
    bend = min(rate_u, rate_v) < _BLUNT
    # A closed direction is open at the very end: there the total leaps.
    if rate_u < np.inf:
        low = high = at_u + offset * rate_u
    elif offset <= r + hair:
        low, bend = at_u, True
    if rate_v < np.inf:
        other = at_v + far * rate_v
        if rate_u < np.inf and abs(other - low) <= (rate_u + rate_v) * (r + hair):
            bend = True
        low, high = min(low, other), min(high, other)
    elif far <= r + hair:
        low, bend = min(low, at_v), True
    return low + leg - slack * (r + hair), high + leg + slack * (r + hair), bend


@compiled()
def feet_span(
    low: float, high: float, offset: float, leg: float, r: float, hair: float, noted: Floats,
    costs: Costs,
) -> tuple[float, float]:  # fmt: skip
    """Return bounds widened by the feet on the same edge, which is noted."""
    at, rate_u, rate_v = int(noted[FOOT]), noted[RATE_U], noted[RATE_V]
    slack = noted[SLACK] * (r + hair)
    while 0 <= at < costs.edge.size and costs.edge[at] == noted[EDGE]:
        ahead = costs.offset[at] - offset
        along = edge_part(abs(ahead), rate_v if ahead >= 0.0 else rate_u) + costs.leg[at] + leg
        low = min(low, along - slack)
        if max(rate_u, rate_v) == np.inf and abs(ahead) <= r + hair:
            low = min(low, costs.leg[at] + leg - slack)
        else:
            high = min(high, along + slack)
        at += 1
    return low, high


# The rivals of one square stand in one table, a column each: what is noted of the edge, then x and
# y of its beginning, its way, 1 over its squared length, and of the point asked last the squared
# distance and the share of the edge before the foot.


@compiled()
def rivals_table(count: int) -> Floats:
    """Return room for so many rivals."""
    return np.empty((_ROWS, count))


@compiled()
def load_rivals(
    edges: NDArray[np.int32], roads: Roads, costs: Costs, timed: bool, held: Floats, table: Floats
) -> int:
    """Fill in the rivals of a square; return how many they are. ``held``: see :func:`notes`."""
    mask = held.shape[0] - 1
    for k in range(edges.size):
        one, other = roads.u[edges[k]], roads.v[edges[k]]
        dx, dy = roads.x[other] - roads.x[one], roads.y[other] - roads.y[one]
        length2 = dx * dx + dy * dy
        table[_X, k], table[_Y, k] = roads.x[one], roads.y[one]
        table[_DX, k], table[_DY, k] = dx, dy
        table[_PER, k] = 1.0 / length2 if length2 > 0.0 else 0.0
        if timed:
            row = edges[k] & mask
            if held[row, EDGE] != edges[k]:
                note(edges[k], roads, costs, held, row)
            for at in range(NOTED):
                table[at, k] = held[row, at]
    return edges.size


@compiled()
def _measure(x: float, y: float, count: int, table: Floats) -> int:
    """Measure a point to all rivals; return the nearest, the first of equals."""
    for k in range(count):
        ax, ay, dx, dy = table[_X, k], table[_Y, k], table[_DX, k], table[_DY, k]
        t = min(max(((x - ax) * dx + (y - ay) * dy) * table[_PER, k], 0.0), 1.0)
        fx, fy = ax + t * dx - x, ay + t * dy - y
        table[_FAR2, k], table[_SHARE, k] = fx * fx + fy * fy, t
    nearest = 0
    for k in range(1, count):
        if table[_FAR2, k] < table[_FAR2, nearest]:
            nearest = k
    return nearest


@compiled()
def cost_at(x: float, y: float, count: int, table: Floats, timed: bool) -> tuple[float, float, int]:
    """Return the total of a point by the ends of its nearest edge, the lowest of equals; its leg.

    And the edge's column where there are feet on it, see :func:`cost_by_feet`; else -1. Without
    ``timed`` the total is minus infinity.
    """
    k = _measure(x, y, count, table)
    leg = np.sqrt(table[_FAR2, k])
    if not timed:
        return -np.inf, leg, -1
    length = table[LENGTH, k]
    total = over_ends(
        table[_SHARE, k] * length, table[AT_U, k], table[AT_V, k], length, table[RATE_U, k],
        table[RATE_V, k],
    )  # fmt: skip
    return total + leg, leg, k if table[FOOT, k] >= 0.0 else -1


@compiled()
def cost_by_feet(total: float, leg: float, k: int, table: Floats, costs: Costs) -> float:
    """Return the total of the point asked last, by the feet on its edge too."""
    offset = table[_SHARE, k] * table[LENGTH, k]
    return over_feet(total - leg, offset, table[:NOTED, k], costs) + leg


@compiled()
def bounds_at(
    x: float, y: float, r: float, count: int, table: Floats, timed: bool
) -> tuple[float, float, float, bool]:
    """Return bounds of the total within ``r`` of a point, and the point's leg.

    And whether feet are among it, see :func:`bounds_by_feet`. Without ``timed`` both bounds are
    minus infinity.
    """
    leg = np.sqrt(table[_FAR2, _measure(x, y, count, table)])
    if not timed:
        return -np.inf, -np.inf, leg, False
    low, high, feet, widest = np.inf, -np.inf, False, (leg + 2.0 * r + _SLIGHT) ** 2
    for k in range(count):
        if table[_FAR2, k] <= widest:
            length = table[LENGTH, k]
            own_low, own_high, _ = span(
                table[_SHARE, k] * length, np.sqrt(table[_FAR2, k]), r, _SLIGHT, table[AT_U, k],
                table[AT_V, k], length, table[RATE_U, k], table[RATE_V, k], table[SLACK, k],
            )  # fmt: skip
            low, high = min(low, own_low), max(high, own_high)
            feet |= table[FOOT, k] >= 0.0
    return low, high, leg, feet


@compiled()
def bounds_by_feet(
    r: float, leg: float, count: int, table: Floats, costs: Costs
) -> tuple[float, float]:
    """Return bounds of the total within ``r`` of the point asked last, feet among it."""
    low, high, widest = np.inf, -np.inf, (leg + 2.0 * r + _SLIGHT) ** 2
    for k in range(count):
        if table[_FAR2, k] <= widest:
            length = table[LENGTH, k]
            offset, own = table[_SHARE, k] * length, np.sqrt(table[_FAR2, k])
            own_low, own_high, _ = span(
                offset, own, r, _SLIGHT, table[AT_U, k], table[AT_V, k], length, table[RATE_U, k],
                table[RATE_V, k], table[SLACK, k],
            )  # fmt: skip
            own_low, own_high = feet_span(
                own_low, own_high, offset, own, r, _SLIGHT, table[:NOTED, k], costs
            )
            low, high = min(low, own_low), max(high, own_high)
    return low, high
