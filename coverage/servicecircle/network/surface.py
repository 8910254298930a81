"""The travel total over a part of a field, from one facility or from the nearest of several."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled
from servicecircle.network.costs import (
    AT_U,
    AT_V,
    EDGE,
    FOOT,
    LENGTH,
    RATE_U,
    RATE_V,
    Costs,
    Roads,
    note,
    notes,
    over_ends,
    over_feet,
)
from servicecircle.network.field import Bounds, Field, Window, window
from servicecircle.network.snap import Attachment

__all__ = ["Surface", "costs_of", "surface"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Surface:
    """Travel totals on the cells of a window.

    Parameters
    ----------
    field : Field
    part : Window
    costs : Costs
        Of the facility, or the nearest of a layer; exact up to the longest limit drawn.
    totals : numpy.ndarray of float, shape (rows, columns)
        In metres of an access leg: the cost over ``travel.leg_cost``. Infinite where nothing is
        reached and away from the network.
    legs : numpy.ndarray of float, shape (rows, columns)
        Metres to the nearest edge; infinite away from the network.
    """

    field: Field
    part: Window
    costs: Costs
    totals: Floats
    legs: Floats

    def covered(self, limit: float) -> NDArray[np.bool_]:
        """Return which cells lie in the circle of a limit, in the unit of the travel."""
        field = self.field
        inside = self.totals <= limit / field.travel.leg_cost
        inside &= self.legs <= field.draw_m
        return inside


def costs_of(node_cost: Floats, leg_cost: float, targets: Attachment) -> Costs:
    """Return what it costs from attached facilities, their feet by edge.

    Examples
    --------
    >>> at = Attachment(
    ...     edge=np.array([4, -1, 2]),
    ...     offset_m=np.array([7.0, np.nan, 3.0]),
    ...     leg_m=np.array([1.0, np.nan, 0.0]),
    ... )
    >>> found = costs_of(np.empty(0), 1.0, at)
    >>> found.edge.tolist(), found.offset.tolist()
    ([2, 4], [3.0, 7.0])
    """
    held = np.flatnonzero(targets.snapped)
    held = held[np.argsort(targets.edge[held], kind="stable")]
    return Costs(
        node_cost,
        leg_cost,
        targets.edge[held].astype(np.int64),
        targets.offset_m[held],
        targets.leg_m[held],
    )


@compiled()
def _totals(
    slot: NDArray[np.int32], edge: Ints, offset: Floats, leg: Floats, roads: Roads, costs: Costs,
    totals: Floats, legs: Floats,
) -> None:  # fmt: skip
    rows, columns = slot.shape
    held = notes(slot.size // 16)
    mask = held.shape[0] - 1
    for r in range(rows):
        for c in range(columns):
            k = slot[r, c]
            totals[r, c] = legs[r, c] = np.inf
            if k < 0:
                continue
            row = edge[k] & mask
            if held[row, EDGE] != edge[k]:
                note(edge[k], roads, costs, held, row)
            total = over_ends(
                offset[k], held[row, AT_U], held[row, AT_V], held[row, LENGTH], held[row, RATE_U],
                held[row, RATE_V],
            )  # fmt: skip
            if held[row, FOOT] >= 0.0:
                total = over_feet(total, offset[k], held[row], costs)
            totals[r, c], legs[r, c] = total + leg[k], leg[k]


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
    part = window(field, bounds)
    costs = costs_of(node_cost, field.travel.leg_cost, targets)
    totals, legs = np.empty(part.shape), np.empty(part.shape)
    _totals(
        field.slot[part.rows, part.columns], field.at.edge, field.at.offset_m, field.at.leg_m,
        field.roads, costs, totals, legs,
    )  # fmt: skip
    return Surface(field=field, part=part, costs=costs, totals=totals, legs=legs)
