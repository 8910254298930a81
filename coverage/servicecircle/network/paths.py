"""The way back for display: from points to their nearest targets, as lines."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.feet import arcs_of, seeds_of
from servicecircle.network.least import least_from_all
from servicecircle.network.reach import nearest
from servicecircle.network.snap import Attachment
from servicecircle.network.travel import Direction, Travel

__all__ = ["foot_places", "way_lines"]

Floats = NDArray[np.float64]


def foot_places(travel: Travel, at: Attachment) -> Floats:
    """Return where feet stand on the network.

    Parameters
    ----------
    travel : Travel
    at : Attachment

    Returns
    -------
    numpy.ndarray of float, shape (k, 2)
        NaN for a foot that is not snapped.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 100], [0, 0], [0], [1], min_component_m=0)
    >>> foot_places(metres_travel(network), attach(network, [30, 0], [4, 9e3])).tolist()
    [[30.0, 0.0], [nan, nan]]
    """
    network = travel.network
    places = np.full((at.edge.size, 2), np.nan)
    rows = np.flatnonzero(at.snapped)
    edge = at.edge[rows]
    u, v, length = network.u[edge], network.v[edge], network.length_m[edge]
    share = np.divide(at.offset_m[rows], length, out=np.zeros(rows.size), where=length > 0.0)
    share = np.minimum(share, 1.0)
    places[rows, 0] = network.x[u] + share * (network.x[v] - network.x[u])
    places[rows, 1] = network.y[u] + share * (network.y[v] - network.y[u])
    return places


def way_lines(
    travel: Travel,
    points: Attachment,
    targets: Attachment,
    *,
    places: Floats,
    target_places: Floats,
    direction: Direction = "to",
) -> NDArray[np.object_]:
    """Return the way between each point and its nearest target, access legs included.

    Parameters
    ----------
    travel : Travel
    points, targets : Attachment
        One foot each for the points.
    places, target_places : numpy.ndarray of float, shapes (k, 2) and (feet of the targets, 2)
        Where points and the feet's own doors stand, in the network's coordinate system.
    direction : {"to", "from"}
        Lines run the way that is travelled.

    Returns
    -------
    numpy.ndarray of shapely.LineString, shape (k,)
        Of the length of the metres that :func:`servicecircle.network.reach.nearest` gives; None
        where there is no way.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import attach
    >>> from servicecircle.network.travel import metres_travel
    >>> network = build_network([0, 3000, 3000], [0, 0, 500], [0, 1], [1, 2])
    >>> home, canteen = np.array([[2900.0, 7.0], [0.0, 9e3]]), np.array([[3010.0, 200.0]])
    >>> lines = way_lines(
    ...     metres_travel(network),
    ...     attach(network, *home.T),
    ...     attach(network, *canteen.T),
    ...     places=home,
    ...     target_places=canteen,
    ... )
    >>> lines[0].wkt, lines[1]
    ('LINESTRING (2900 7, 2900 0, 3000 0, 3000 200, 3010 200)', None)
    """
    network = travel.network
    found = nearest(travel, points, targets, direction=direction)
    seeds = seeds_of(travel, targets, direction=direction)
    cost, owner, _, before = least_from_all(
        arcs_of(travel, direction), seeds, carry_metres=travel.unit != "metres", trace=True
    )
    begun = np.repeat(np.arange(len(targets)), np.diff(seeds.starts))
    own = np.flatnonzero((seeds.cost == cost[seeds.nodes]) & (begun == owner[seeds.nodes]))
    # The shortest comes last, and stays.
    own = own[np.argsort(-seeds.metres[own], kind="stable")]
    first_foot = dict(zip(seeds.nodes[own].tolist(), seeds.feet[own].tolist(), strict=True))
    feet, doors = foot_places(travel, points), foot_places(travel, targets)
    lines = np.full(len(points), None, object)
    for k in np.flatnonzero(found.target >= 0).tolist():
        row, nodes = int(found.foot[k]), []
        if row < 0:
            nodes = [int(found.end[k])]
            while before[nodes[-1]] >= 0:
                nodes.append(int(before[nodes[-1]]))
            row = first_foot[nodes[-1]]
        middle = np.stack([network.x[nodes], network.y[nodes]], axis=1)
        line = np.concatenate([places[[k]], feet[[k]], middle, doors[[row]], target_places[[row]]])
        distinct = np.ones(len(line), bool)
        distinct[1:] = (line[1:] != line[:-1]).any(axis=1)
        line = line[distinct] if distinct.sum() > 1 else line[:2]
        lines[k] = shapely.LineString(line if direction == "to" else line[::-1])
    return lines
