"""Private ways for those who start or end there, and for nobody who only passes through.

A way is private, then public, then private: each part may be empty, and the outer ones are for
those whose foot stands on a private edge. Searches run over three
copies of each node that a private edge touches: in front of the public part, in it, and behind it.
One leads to the next at no cost; private edges join the outer copies, public ones the middle. A
search begins at the first copy of a private edge and is read at the last. The rule reads the same
in both directions, so one expansion serves both.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.graph import Network
from servicecircle.network.travel import Arcs, Travel, sorted_arcs

__all__ = ["gated_travel"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def gated_travel(travel: Travel, private: NDArray[np.bool_]) -> Travel:
    """Return travel that uses private edges at the start and at the end of a way only.

    Parameters
    ----------
    travel : Travel
        Over the whole network.
    private : numpy.ndarray of bool, shape (m,)

    Returns
    -------
    Travel
        Of a network with two copies of each node at a private edge behind the others; edges stay
        in their order, and the private ones end at copies.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.reach import nearest
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> # Straight through a compound 100 m, around it 300 m.
    >>> network = build_network(
    ...     [0, 100, 0, 100, -50, 150],
    ...     [0, 0, 100, 100, 0, 0],
    ...     [0, 0, 2, 3, 4, 1],
    ...     [1, 2, 3, 1, 0, 5],
    ...     min_component_m=0,
    ... )
    >>> travel = gated_travel(metres_travel(network), np.arange(6) == 0)
    >>> def metres(x, target_x):
    ...     points = [attach(travel.network, [place], [0]) for place in (x, target_x)]
    ...     return nearest(travel, *points).metres.tolist()
    >>> metres(-50, 150), metres(-50, 50), metres(50, 150)
    ([400.0], [100.0], [100.0])
    """
    if not private.any():
        return travel
    old = travel.network
    n = old.x.size
    touched = np.unique(np.concatenate([old.u[private], old.v[private]]))
    front, behind = np.arange(n), np.arange(n)
    front[touched] = n + np.arange(touched.size)
    behind[touched] = n + touched.size + np.arange(touched.size)
    seed_u, seed_v = np.where(private, front[old.u], old.u), np.where(private, front[old.v], old.v)
    network = Network(
        x=np.concatenate([old.x, old.x[touched], old.x[touched]]),
        y=np.concatenate([old.y, old.y[touched], old.y[touched]]),
        u=np.where(private, behind[old.u], old.u),
        v=np.where(private, behind[old.v], old.v),
        length_m=old.length_m,
        component=np.concatenate([old.component, *2 * [old.component[touched]]]),
        component_m=old.component_m,
        eligible=old.eligible,
        min_component_m=old.min_component_m,
    )
    steps = (
        np.concatenate([front[touched], touched]),
        np.concatenate([touched, behind[touched]]),
    )

    def expanded(there: Floats, back: Floats) -> Arcs:
        tails = [network.u, network.v, seed_u[private], seed_v[private], steps[0]]
        heads = [network.v, network.u, seed_v[private], seed_u[private], steps[1]]
        free = np.zeros(steps[0].size)
        length = old.length_m
        return sorted_arcs(
            network.x.size,
            np.concatenate(tails),
            np.concatenate(heads),
            np.concatenate([there, back, there[private], back[private], free]),
            np.concatenate([length, length, length[private], length[private], free]),
        )

    outward = expanded(travel.forward, travel.backward)
    inward = outward if travel.both_ways else expanded(travel.backward, travel.forward)
    return replace(
        travel, network=network, outward=outward, inward=inward, seed_u=seed_u, seed_v=seed_v
    )
