"""The roads of a study area cut into pieces: short, and each wholly inside or outside of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.network.graph import Network
from servicecircle.network.travel import Travel

__all__ = ["Refined", "refined_roads"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Shapes = NDArray[np.object_]
Steep = Callable[[Floats, Floats], Bools]

_HAIR_M = 1e-6


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Refined:
    """Pieces of roads.

    Parameters
    ----------
    x, y : numpy.ndarray of float, shape (n,)
        Nodes of the network, then the cuts, in metres.
    u, v : numpy.ndarray of int, shape (m,)
        Ends of each piece.
    length_m : numpy.ndarray of float, shape (m,)
    forward, backward : numpy.ndarray of float, shape (m,)
        Cost of the travel over each piece from ``u`` to ``v`` and back; infinite where forbidden.
    wanted : numpy.ndarray of bool, shape (m,)
        Pieces at every point of which a new facility may stand.
    """

    x: Floats
    y: Floats
    u: Ints
    v: Ints
    length_m: Floats
    forward: Floats
    backward: Floats
    wanted: Bools

    @property
    def ends(self) -> Bools:
        """Which nodes are ends of wanted pieces, shape (n,)."""
        held = np.zeros(self.x.size, np.bool_)
        held[self.u[self.wanted]] = held[self.v[self.wanted]] = True
        return held


def refined_roads(
    travel: Travel,
    area: shapely.Geometry,
    zones: Shapes,
    *,
    piece_m: float,
    steep: Steep | None = None,
) -> Refined:
    """Cut the roads where they cross the border of the area and of excluded zones, and in between.

    Parameters
    ----------
    travel : Travel
    area : shapely.Geometry
        Study area, in metres.
    zones : numpy.ndarray of shapely.Geometry
        Excluded, in metres.
    piece_m : float
        Longest piece of a road that points attach to.
    steep : callable, optional
        From places in metres to whether the ground there is too steep; a piece is wanted where it
        is not at either end.

    Returns
    -------
    Refined

    Examples
    --------
    >>> from servicecircle.network.graph import build_network
    >>> from servicecircle.network.travel import metres_travel
    >>> street = metres_travel(build_network([0, 1000], [0, 0], [0], [1]))
    >>> lake = np.array([shapely.box(300, -50, 400, 50)])
    >>> roads = refined_roads(street, shapely.box(-9, -9, 600, 9), lake, piece_m=250.0)
    >>> sorted(roads.x[roads.u[roads.wanted]].tolist()), float(roads.length_m[roads.wanted].sum())
    ([0.0, 250.0, 400.0, 500.0], 500.0)
    >>> nowhere = refined_roads(street, shapely.Polygon(), lake, piece_m=250.0)
    >>> bool(nowhere.wanted.any())
    False
    """
    network = travel.network
    edges = np.flatnonzero(network.eligible)
    lines = _lines(network, edges)
    near = np.zeros(edges.size, np.bool_)
    if edges.size and not shapely.is_empty(area):
        near[shapely.STRtree(lines).query(area, predicate="intersects")] = True
    edges, lines = edges[near], lines[near]
    borders = np.concatenate([[shapely.boundary(area)], shapely.boundary(zones)])
    edge, offset = _crossings(network, edges, lines, borders)
    parts = np.ceil(network.length_m[edges] / piece_m).astype(np.int64)
    number = np.repeat(np.arange(edges.size), np.maximum(parts - 1, 0))
    first = np.repeat(np.cumsum(np.maximum(parts - 1, 0)) - np.maximum(parts - 1, 0), parts - 1)
    step = np.arange(number.size) - first + 1
    even = network.length_m[edges[number]] * step / parts[number]
    edge, offset = np.concatenate([edge, edges[number]]), np.concatenate([offset, even])
    length = network.length_m[edge]
    inner = (offset > _HAIR_M) & (offset < length - _HAIR_M)
    edge, offset = edge[inner], offset[inner]
    order = np.lexsort((offset, edge))
    edge, offset = edge[order], offset[order]
    apart = np.ones(edge.size, np.bool_)
    apart[1:] = (edge[1:] != edge[:-1]) | (offset[1:] > offset[:-1] + _HAIR_M)
    cut = _cut(travel, edge[apart], offset[apart])
    allowed = np.zeros(network.u.size, np.bool_)
    allowed[edges] = True
    return _with_wanted(cut, allowed, area, zones, steep)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Pieces:
    x: Floats
    y: Floats
    u: Ints
    v: Ints
    length_m: Floats
    forward: Floats
    backward: Floats
    edge: Ints


def _cut(travel: Travel, edge: Ints, offset: Floats) -> _Pieces:
    """Cut edges at offsets, which ascend within each edge."""
    network = travel.network
    n, count = network.x.size, network.u.size
    u, v, length = network.u, network.v, network.length_m
    share = offset / length[edge]
    x = network.x[u[edge]] + share * (network.x[v[edge]] - network.x[u[edge]])
    y = network.y[u[edge]] + share * (network.y[v[edge]] - network.y[u[edge]])
    # Stations of each edge in order: its end u, the cuts, its end v.
    owner = np.concatenate([np.arange(count), edge, np.arange(count)])
    at = np.concatenate([np.zeros(count), offset, length])
    node = np.concatenate([u, n + np.arange(edge.size), v])
    rank = np.concatenate([np.zeros(count), np.ones(edge.size), np.full(count, 2.0)])
    order = np.lexsort((at, rank, owner))
    owner, at, node = owner[order], at[order], node[order]
    same = owner[1:] == owner[:-1]
    piece, metres = owner[1:][same], np.maximum(np.diff(at)[same], 0.0)
    whole = (node[:-1][same] < n) & (node[1:][same] < n)
    costs = []
    for cost, rate in (
        (travel.forward, travel.forward_rate),
        (travel.backward, travel.backward_rate),
    ):
        closed = np.isinf(rate[piece])
        part = metres * np.where(closed, 0.0, rate[piece])
        costs.append(np.where(whole, cost[piece], np.where(closed, np.inf, part)))
    return _Pieces(
        x=np.concatenate([network.x, x]),
        y=np.concatenate([network.y, y]),
        u=node[:-1][same],
        v=node[1:][same],
        length_m=np.where(whole, length[piece], metres),
        forward=costs[0],
        backward=costs[1],
        edge=piece,
    )


def _with_wanted(
    cut: _Pieces, allowed: Bools, area: shapely.Geometry, zones: Shapes, steep: Steep | None
) -> Refined:
    # Who may travel a piece in neither direction never gets to a site on it.
    wanted = allowed[cut.edge] & np.isfinite(np.minimum(cut.forward, cut.backward))
    rows = np.flatnonzero(wanted)
    u, v = cut.u[rows], cut.v[rows]
    middle = np.asarray(
        shapely.points((cut.x[u] + cut.x[v]) / 2.0, (cut.y[u] + cut.y[v]) / 2.0), dtype=object
    )
    inside = np.zeros(rows.size, np.bool_)
    if rows.size:
        tree = shapely.STRtree(middle)
        if not shapely.is_empty(area):
            inside[tree.query(area, predicate="intersects")] = True
        if zones.size:
            inside[tree.query(zones, predicate="intersects")[1]] = False
    if steep is not None and inside.any():
        nodes = np.unique(np.concatenate([u[inside], v[inside]]))
        too = np.zeros(cut.x.size, np.bool_)
        too[nodes] = steep(cut.x[nodes], cut.y[nodes])
        inside &= ~(too[u] | too[v])
    wanted[rows] = inside
    return Refined(
        x=cut.x,
        y=cut.y,
        u=cut.u,
        v=cut.v,
        length_m=cut.length_m,
        forward=cut.forward,
        backward=cut.backward,
        wanted=wanted,
    )


def _lines(network: Network, edges: Ints) -> Shapes:
    ends = np.stack([network.u[edges], network.v[edges]], axis=1)
    places = np.stack([network.x[ends], network.y[ends]], axis=2)
    return np.asarray(shapely.linestrings(places), dtype=object)


def _crossings(
    network: Network, edges: Ints, lines: Shapes, borders: Shapes
) -> tuple[Ints, Floats]:
    """Return where edges meet borders: the edge and the metres from its end u."""
    shapely.prepare(borders)
    border, line = shapely.STRtree(lines).query(borders, predicate="intersects")
    met = shapely.intersection(lines[line], borders[border])
    points, pair = shapely.get_coordinates(met, return_index=True)
    edge = edges[line[pair]]
    u = network.u[edge]
    offset = np.hypot(points[:, 0] - network.x[u], points[:, 1] - network.y[u])
    return edge, offset
