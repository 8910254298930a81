"""Facilities with several doors: entrances, or the outline of a polygon.

Each entrance meets the network as a point does. An outline meets it wherever an edge crosses or
touches it, without an access leg; where none does, at the nearest point, and the leg begins at the
outline.
"""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.barriers import attach_around
from servicecircle.network.graph import Network
from servicecircle.network.snap import Attachment, EdgeIndex, nearest_edges

__all__ = ["attach_doors"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Shapes = NDArray[np.object_]

_AREAS = (3, 6)


def attach_doors(
    network: Network,
    index: EdgeIndex,
    x: Floats,
    y: Floats,
    doors: Shapes,
    *,
    most_m: float,
    barriers: Shapes | None = None,
) -> Attachment:
    """Attach facilities at their doors.

    Parameters
    ----------
    network, index
        The network and its :func:`servicecircle.network.snap.edge_index`.
    x, y : numpy.ndarray of float, shape (k,)
        Places of the facilities, in metres.
    doors : numpy.ndarray of shapely.Geometry, shape (k,)
        Point or MultiPoint: entrances; Polygon or MultiPolygon: an outline; None: the place.
    most_m : float
        A door farther than this from every eligible edge is unsnapped; inclusive.
    barriers : numpy.ndarray of shapely.Geometry, optional
        That access legs do not cross.

    Returns
    -------
    Attachment
        With an owner for each foot.

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.snap import edge_index
    >>> street = build_network([0, 3000, 0, 3000], [0, 0, 100, 100], [0, 2], [1, 3])
    >>> doors = np.array([shapely.box(200, 60, 300, 120), shapely.box(500, 20, 600, 60), None])
    >>> at = attach_doors(
    ...     street, edge_index(street), np.array([250.0, 550, 900]), np.array([90.0, 40, 30]),
    ...     doors, most_m=500,
    ... )
    >>> at.owner.tolist(), at.edge.tolist(), at.leg_m.tolist()
    ([0, 0, 1, 2], [1, 1, 0, 0], [0.0, 0.0, 20.0, 30.0])
    >>> sorted(at.offset_m.tolist()[:2])
    [200.0, 300.0]
    """
    kinds = shapely.get_type_id(doors)
    outlined = np.isin(kinds, _AREAS) & ~shapely.is_empty(doors)
    pointed = (kinds >= 0) & ~np.isin(kinds, _AREAS) & ~shapely.is_empty(doors)
    rows = np.flatnonzero(outlined)
    crossed, feet = _crossings(network, shapely.boundary(doors[rows]), most_m=most_m)
    crossed = rows[crossed]
    apart = np.setdiff1d(rows, crossed)
    near = _towards(network, shapely.boundary(doors[apart]), x[apart], y[apart], most_m=most_m)
    points, row = shapely.get_coordinates(doors[pointed], return_index=True)
    one = np.flatnonzero(~outlined & ~pointed)
    owner = np.concatenate([np.flatnonzero(pointed)[row], apart, one])
    px = np.concatenate([points[:, 0], near[:, 0], x[one]])
    py = np.concatenate([points[:, 1], near[:, 1], y[one]])
    if barriers is None:
        legs = nearest_edges(network, index, px, py, most_m=most_m)
    else:
        legs = attach_around(network, index, px, py, most_m=most_m, barriers=barriers)
    owner = np.concatenate([owner, crossed])
    order = np.argsort(owner, kind="stable")
    return Attachment(
        edge=np.concatenate([legs.edge, feet.edge])[order],
        offset_m=np.concatenate([legs.offset_m, feet.offset_m])[order],
        leg_m=np.concatenate([legs.leg_m, feet.leg_m])[order],
        owner=owner[order],
        points=len(x),
    )


def _edges_about(network: Network, outlines: Shapes, most_m: float) -> tuple[Ints, Shapes]:
    """Return the eligible edges that may matter to some outlines, and their lines."""
    if not len(outlines):
        return np.empty(0, np.int64), np.empty(0, object)
    west, south, east, north = shapely.total_bounds(outlines)
    u, v, x, y = network.u, network.v, network.x, network.y
    here = network.eligible.copy()
    here &= (np.maximum(x[u], x[v]) >= west - most_m) & (np.minimum(x[u], x[v]) <= east + most_m)
    here &= (np.maximum(y[u], y[v]) >= south - most_m) & (np.minimum(y[u], y[v]) <= north + most_m)
    ids = np.flatnonzero(here)
    ends = np.stack([u[ids], v[ids]], axis=1)
    lines = shapely.linestrings(np.stack([x[ends], y[ends]], axis=2))
    return ids, np.asarray(lines, dtype=object)


def _crossings(network: Network, outlines: Shapes, *, most_m: float) -> tuple[Ints, Attachment]:
    """Return a foot wherever an edge meets an outline; of a shared stretch its ends."""
    ids, lines = _edges_about(network, outlines, most_m)
    shapely.prepare(outlines)
    outline, line = shapely.STRtree(lines).query(outlines, predicate="intersects")
    # By outline, then by edge.
    order = np.lexsort((line, outline))
    outline, line = outline[order], line[order]
    met = shapely.intersection(lines[line], outlines[outline])
    points, pair = shapely.get_coordinates(met, return_index=True)
    edge = ids[line[pair]]
    u, v = network.u[edge], network.v[edge]
    length = network.length_m[edge]
    from_u = np.hypot(points[:, 0] - network.x[u], points[:, 1] - network.y[u])
    from_v = np.hypot(points[:, 0] - network.x[v], points[:, 1] - network.y[v])
    # An outline that passes through a node does so exactly.
    offset = np.where(from_v == 0.0, length, np.minimum(from_u, length))
    feet = Attachment(edge=edge, offset_m=offset, leg_m=np.zeros(edge.size))
    return outline[pair], feet


def _towards(network: Network, outlines: Shapes, x: Floats, y: Floats, *, most_m: float) -> Floats:
    """Return the point of each outline that is nearest to the network, else the place itself."""
    places = np.stack([x, y], axis=1)
    ids, lines = _edges_about(network, outlines, most_m)
    if not ids.size:
        return places
    tree = shapely.STRtree(lines)
    outline, line = tree.query_nearest(outlines, max_distance=most_m, all_matches=True)
    order = np.lexsort((line, outline))
    outline, line = outline[order], line[order]
    first = np.ones(outline.size, np.bool_)
    first[1:] = outline[1:] != outline[:-1]
    outline, line = outline[first], line[first]
    way = shapely.shortest_line(outlines[outline], lines[line])
    places[outline] = shapely.get_coordinates(shapely.get_point(way, 0))
    return places
