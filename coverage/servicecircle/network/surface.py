"""The travel total over a part of a field, from one facility or from the nearest of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.field import Bounds, Field, Window, window
from servicecircle.network.snap import Attachment

__all__ = ["Feet", "Surface", "edge_part", "feet_of", "over_ends", "surface"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_END_M = 1e-9


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Feet:
    """Where the facilities meet their edges, ordered by edge.

    Parameters
    ----------
    edge : numpy.ndarray of int, shape (k,)
        Ascending.
    offset_m, leg_m : numpy.ndarray of float, shape (k,)
    """

    edge: Ints
    offset_m: Floats
    leg_m: Floats


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Surface:
    """Travel totals on the cells of a window.

    Parameters
    ----------
    field : Field
    part : Window
    node_cost : numpy.ndarray of float, shape (n,)
        Cost of each node to its nearest facility; exact up to the longest limit drawn.
    feet : Feet
        Of the facility, or the facilities of the layer.
    totals : numpy.ndarray of float, shape (rows, columns)
        In metres of an access leg: the cost over ``travel.leg_cost``. Infinite where nothing is
        reached and away from the network.
    """

    field: Field
    part: Window
    node_cost: Floats
    feet: Feet
    totals: Floats

    def covered(self, limit: float) -> NDArray[np.bool_]:
        """Return which cells lie in the circle of a limit, in the unit of the travel."""
        field = self.field
        slot = field.slot[self.part.rows, self.part.columns]
        inside = self.totals <= limit / field.travel.leg_cost
        inside &= slot >= 0
        inside[inside] = field.at.leg_m[slot[inside]] <= field.draw_m
        return inside


def feet_of(targets: Attachment) -> Feet:
    """Return the feet of attached facilities by edge.

    Examples
    --------
    >>> at = Attachment(
    ...     edge=np.array([4, -1, 2]),
    ...     offset_m=np.array([7.0, np.nan, 3.0]),
    ...     leg_m=np.array([1.0, np.nan, 0.0]),
    ... )
    >>> feet_of(at).edge.tolist(), feet_of(at).offset_m.tolist()
    ([2, 4], [3.0, 7.0])
    """
    held = np.flatnonzero(targets.snapped)
    held = held[np.argsort(targets.edge[held], kind="stable")]
    return Feet(
        edge=targets.edge[held].astype(np.int64),
        offset_m=targets.offset_m[held],
        leg_m=targets.leg_m[held],
    )


@compiled()
def edge_part(metres: float, rate: float) -> float:
    """Return the cost of some metres of an edge; the very end of a closed one costs nothing."""
    if rate == np.inf:
        return 0.0 if metres <= _END_M else np.inf
    return metres * rate


@compiled()
def over_ends(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    edge: int, offset: float, length: float, over_u: float, over_v: float, by_u: float, by_v: float,
    foot_edge: Ints, foot_offset: Floats, foot_leg: Floats,
) -> float:  # fmt: skip
    """Return the least total at a point of an edge, its own access leg not included.

    ``over_u`` and ``over_v`` are the totals at the ends.
    """
    total = min(
        over_u + edge_part(offset, by_u), over_v + edge_part(max(length - offset, 0.0), by_v)
    )
    if not foot_edge.size or edge < foot_edge[0] or edge > foot_edge[-1]:
        return total
    at = np.searchsorted(foot_edge, edge)
    while at < foot_edge.size and foot_edge[at] == edge:
        ahead = foot_offset[at] - offset
        along = edge_part(ahead, by_v) if ahead >= 0.0 else edge_part(-ahead, by_u)
        total = min(total, along + foot_leg[at])
        at += 1
    return total


@compiled()
def _totals(  # noqa: PLR0913, PLR0917 - a kernel takes arrays
    slot: NDArray[np.int32], edge: Ints, offset: Floats, leg: Floats, u: Ints, v: Ints,
    length: Floats, by_u: Floats, by_v: Floats, node: Floats, leg_cost: float,
    foot_edge: Ints, foot_offset: Floats, foot_leg: Floats, out: Floats,
) -> None:  # fmt: skip
    rows, columns = slot.shape
    for r in range(rows):
        for c in range(columns):
            k = slot[r, c]
            out[r, c] = np.inf
            if k < 0:
                continue
            e = edge[k]
            total = over_ends(
                e, offset[k], length[e], node[u[e]] / leg_cost, node[v[e]] / leg_cost, by_u[e],
                by_v[e], foot_edge, foot_offset, foot_leg,
            )  # fmt: skip
            out[r, c] = total + leg[k]


def surface(
    field: Field, node_cost: Floats, targets: Attachment, *, bounds: Bounds | None = None
) -> Surface:
    """Compute the totals on a part of a field.

    Parameters
    ----------
    field : Field
    node_cost : numpy.ndarray of float, shape (n,)
        From :func:`servicecircle.network.reach.searches` or ``node_costs``, in the field's
        direction; infinite where not reached.
    targets : Attachment
        The facility, or the facilities of the layer.
    bounds : tuple of float, optional
        Must hold all that is to be drawn; None: all of the field.

    Returns
    -------
    Surface

    Examples
    --------
    >>> from servicecircle.network.field import circle_field
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import node_costs
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 900], [0, 0], [0], [1], min_component_m=0)
    >>> field = circle_field(metres_travel(network), (0, -10, 900, 10))
    >>> canteen = attach(network, [450], [10])
    >>> found = surface(field, node_costs(field.travel, canteen)[0], canteen, bounds=(0, 0, 20, 9))
    >>> found.totals.tolist()
    [[460.0, 450.0, 440.0], [470.0, 460.0, 450.0]]
    >>> nobody = attach(network, [450], [9e3])
    >>> surface(field, np.full(2, np.inf), nobody, bounds=(0, 0, 9, 0)).totals.tolist()
    [[inf, inf]]
    """
    network = field.network
    part = window(field, bounds)
    feet = feet_of(targets)
    totals = np.empty(part.shape)
    _totals(
        field.slot[part.rows, part.columns], field.at.edge, field.at.offset_m, field.at.leg_m,
        network.u, network.v, network.length_m, field.by_u, field.by_v, node_cost,
        field.travel.leg_cost, feet.edge, feet.offset_m, feet.leg_m, totals,
    )  # fmt: skip
    return Surface(field=field, part=part, node_cost=node_cost, feet=feet, totals=totals)
