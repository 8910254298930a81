"""Making lines touch where a layer only draws them across each other, or not quite together.

Nothing is done here unless a project asks for it: two lines that cross may as well be a bridge and
what it spans.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from servicecircle.inputs.raw_roads import one_place

__all__ = ["Chains", "join_ends", "node_crossings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

# Two places this close are one (1 cm), as in one_place.
_SAME_DEG = 1e-7
_M_PER_DEGREE = 111_320.0
_FLATTEST = 0.01
_POINT, _LINE = 0, 1


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Chains:
    """Lines as chains of vertices.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (p,)
        Finite places, in degrees.
    vertex : numpy.ndarray of int64, shape (k,)
        Place of each vertex, one line after the other.
    line : numpy.ndarray of int64, shape (k,)
        Line of each vertex, ascending.
    """

    lon: Floats
    lat: Floats
    vertex: Ints
    line: Ints


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class _Segments:
    """The straight pieces of chains: ``at`` is where the first end stands in ``vertex``."""

    at: Ints
    u: Ints
    v: Ints
    line: Ints
    shape: NDArray[np.object_]


def node_crossings(chains: Chains, *, level: Ints) -> tuple[Chains, int]:
    """Give lines a common vertex wherever two of one level meet.

    Parameters
    ----------
    chains : Chains
    level : numpy.ndarray of int64, shape (l,)
        Of each line; lines of different levels (a bridge and what it spans) meet only at the
        vertices that they share already.

    Returns
    -------
    noded : Chains
        The same lines in the same order, with further vertices.
    added : int
        Places where lines met without a common vertex.

    Examples
    --------
    >>> cross = Chains(
    ...     lon=np.array([-1.0, 1.0, 0.0, 0.0]),
    ...     lat=np.array([0.0, 0.0, -1.0, 1.0]),
    ...     vertex=np.arange(4),
    ...     line=np.array([0, 0, 1, 1]),
    ... )
    >>> noded, added = node_crossings(cross, level=np.zeros(2, np.int64))
    >>> noded.vertex.tolist(), noded.lon[4].item(), noded.lat[4].item(), added
    ([0, 4, 1, 2, 4, 3], 0.0, 0.0, 1)
    >>> node_crossings(cross, level=np.array([0, 1]))[1]
    0
    """
    parts = _segments(chains)
    one, other = _meeting(parts, level)
    met = shapely.intersection(parts.shape[one], parts.shape[other])
    kind = shapely.get_type_id(met)
    good = np.isin(kind, (_POINT, _LINE)) & ~shapely.is_empty(met)
    points, owner = shapely.get_coordinates(met[good], return_index=True)
    one, other = one[good][owner], other[good][owner]
    place, lon, lat = _known_places(chains, parts, points, one, other)
    segment = np.concatenate([one, other])
    place = np.concatenate([place, place])
    inner = (place != parts.u[segment]) & (place != parts.v[segment])
    noded = _insert(chains, parts, lon, lat, segment[inner], place[inner])
    return noded, int(np.unique(place[inner]).size)


def join_ends(chains: Chains, *, level: Ints, within_m: float) -> tuple[Chains, int]:
    """Prolong lines that end short of another one of their level.

    A line whose end no other line shares is prolonged straight to the nearest place of the nearest
    other line, where that is near enough.

    Parameters
    ----------
    chains : Chains
    level : numpy.ndarray of int64, shape (l,)
    within_m : float
        The widest gap that is closed, in metres (with a degree of 111.32 km).

    Returns
    -------
    joined : Chains
    ends : int
        Ends that were joined.

    Examples
    --------
    >>> short = Chains(
    ...     lon=np.array([-1.0, 1.0, 0.0, 0.0]),
    ...     lat=np.array([0.0, 0.0, -1.0, -0.00001]),
    ...     vertex=np.arange(4),
    ...     line=np.array([0, 0, 1, 1]),
    ... )
    >>> joined, ends = join_ends(short, level=np.zeros(2, np.int64), within_m=2.0)
    >>> joined.vertex.tolist(), joined.lat[4].item(), ends
    ([0, 4, 1, 2, 3, 4], 0.0, 1)
    >>> join_ends(short, level=np.zeros(2, np.int64), within_m=1.0)[1]
    0
    """
    parts = _segments(chains)
    first = np.append(True, chains.line[1:] != chains.line[:-1])[: chains.line.size]
    last = np.append(chains.line[1:] != chains.line[:-1], True)[: chains.line.size]
    uses = np.bincount(np.concatenate([parts.u, parts.v]), minlength=chains.lon.size)
    ends = np.flatnonzero((first | last) & (uses[chains.vertex] == 1))
    end, segment = _within(chains, parts, ends, level, within_m)
    if not end.size:
        return chains, 0
    x, y = chains.lon[chains.vertex[end]], chains.lat[chains.vertex[end]]
    foot, gap = _feet(chains, parts, segment, x, y)
    near = gap <= within_m
    end, segment, foot, gap = end[near], segment[near], foot[near], gap[near]
    # The nearest of each end; ties go to the first segment.
    order = np.lexsort((segment, gap, end))
    order = order[np.append(True, end[order][1:] != end[order][:-1])[: order.size]]
    end, segment, foot = end[order], segment[order], foot[order]
    if not end.size:
        return chains, 0
    place, lon, lat = _known_places(chains, parts, foot, segment, segment, chains.vertex[end])
    inner = (place != parts.u[segment]) & (place != parts.v[segment])
    tails = place != chains.vertex[end]
    joined = _insert(
        chains,
        parts,
        lon,
        lat,
        segment[inner],
        place[inner],
        tail=(end[tails], place[tails], first[end[tails]]),
    )
    return joined, int(end.size)


def _segments(chains: Chains) -> _Segments:
    at = np.flatnonzero(chains.line[1:] == chains.line[:-1])
    at = at[chains.vertex[at] != chains.vertex[at + 1]]
    u, v = chains.vertex[at], chains.vertex[at + 1]
    ends = np.stack([u, v], axis=1)
    shape = shapely.linestrings(np.stack([chains.lon[ends], chains.lat[ends]], axis=2))
    return _Segments(at=at, u=u, v=v, line=chains.line[at], shape=np.asarray(shape, dtype=object))


def _meeting(parts: _Segments, level: Ints) -> tuple[Ints, Ints]:
    """Return the pairs of segments of one level that meet elsewhere than at a shared vertex."""
    tree = shapely.STRtree(parts.shape)
    one, other = tree.query(parts.shape, predicate="intersects")
    use = (one < other) & (level[parts.line[one]] == level[parts.line[other]])
    one, other = one[use].astype(np.int64), other[use].astype(np.int64)
    u, v, p, q = parts.u[one], parts.v[one], parts.u[other], parts.v[other]
    shared = (u == p) | (u == q) | (v == p) | (v == q)
    same = ((u == p) & (v == q)) | ((u == q) & (v == p))
    # Two straight pieces with a common end meet again only where one lies along the other.
    corners = shapely.get_coordinates(parts.shape).reshape(-1, 2, 2)
    run, cross = corners[one, 1] - corners[one, 0], corners[other, 1] - corners[other, 0]
    along = np.abs(run[:, 0] * cross[:, 1] - run[:, 1] * cross[:, 0]) <= 1e-9 * (
        np.hypot(*run.T) * np.hypot(*cross.T)
    )
    use = ~same & (~shared | along)
    return one[use], other[use]


def _within(
    chains: Chains, parts: _Segments, ends: Ints, level: Ints, within_m: float
) -> tuple[Ints, Ints]:
    """Return pairs of an end and a segment of another line that may be near enough."""
    x, y = chains.lon[chains.vertex[ends]], chains.lat[chains.vertex[ends]]
    wide = within_m / _M_PER_DEGREE / max(float(_east(y).min(initial=1.0)), _FLATTEST)
    tree = shapely.STRtree(parts.shape)
    end, segment = tree.query(shapely.points(x, y), predicate="dwithin", distance=wide)
    end, segment = ends[end], segment.astype(np.int64)
    own = chains.line[end]
    use = (own != parts.line[segment]) & (level[own] == level[parts.line[segment]])
    return end[use], segment[use]


def _east(lat: Floats) -> Floats:
    return np.asarray(np.cos(np.radians(lat)))


def _feet(
    chains: Chains, parts: _Segments, segment: Ints, x: Floats, y: Floats
) -> tuple[Floats, Floats]:
    """Return the nearest place of each segment to a point, and its distance in metres."""
    scale = np.column_stack([_east(y), np.ones(y.size)]) * _M_PER_DEGREE
    u, v = parts.u[segment], parts.v[segment]
    start = np.column_stack([chains.lon[u], chains.lat[u]])
    run = np.column_stack([chains.lon[v], chains.lat[v]]) - start
    point = np.column_stack([x, y])
    long = ((run * scale) ** 2).sum(axis=1)
    share = ((point - start) * run * scale**2).sum(axis=1) / long
    foot = start + np.clip(share, 0.0, 1.0)[:, np.newaxis] * run
    return foot, np.hypot(*((point - foot) * scale).T)


def _known_places(
    chains: Chains,
    parts: _Segments,
    points: Floats,
    one: Ints,
    other: Ints,
    first: Ints | None = None,
) -> tuple[Ints, Floats, Floats]:
    """Return the place of each point, an end of its segments where it is one, and all places."""
    place = np.full(points.shape[0], -1, dtype=np.int64)
    ends = [parts.u[one], parts.v[one], parts.u[other], parts.v[other]]
    for vertex in ends if first is None else [first, *ends]:
        gap = np.hypot(chains.lon[vertex] - points[:, 0], chains.lat[vertex] - points[:, 1])
        place = np.where((place < 0) & (gap <= _SAME_DEG), vertex, place)
    new = place < 0
    lon = np.concatenate([chains.lon, points[new, 0]])
    lat = np.concatenate([chains.lat, points[new, 1]])
    at, group = one_place(lon, lat)
    # The first vertex of a group is a place that the chains know, where there is one.
    found = at[group[chains.lon.size :]]
    fresh = found >= chains.lon.size
    number, place_of = np.unique(found[fresh], return_inverse=True)
    found[fresh] = place_of.reshape(-1) + chains.lon.size
    place[new] = found
    return (
        place,
        np.concatenate([chains.lon, lon[number]]),
        np.concatenate([chains.lat, lat[number]]),
    )


def _insert(
    chains: Chains,
    parts: _Segments,
    lon: Floats,
    lat: Floats,
    segment: Ints,
    place: Ints,
    *,
    tail: tuple[Ints, Ints, Bools] | None = None,
) -> Chains:
    """Put places into segments, in their order along them, and beyond the ends of lines."""
    pairs = np.unique(np.column_stack([segment, place]), axis=0).reshape(-1, 2)
    segment, place = pairs[:, 0], pairs[:, 1]
    u, v = parts.u[segment], parts.v[segment]
    run = np.hypot(lon[v] - lon[u], lat[v] - lat[u])
    share = np.hypot(lon[place] - lon[u], lat[place] - lat[u]) / run
    # A place takes the position of its segment's first end, and its share of the way.
    at = [np.arange(chains.vertex.size), parts.at[segment]]
    shares = [np.zeros(chains.vertex.size), share]
    vertices = [chains.vertex, place]
    if tail is not None:
        end, beyond, first = tail
        at.append(end)
        shares.append(np.where(first, -1.0, 2.0))
        vertices.append(beyond)
    position = np.concatenate(at)
    vertex = np.concatenate(vertices)
    order = np.lexsort((vertex, np.concatenate(shares), position))
    vertex, line = vertex[order], chains.line[position[order]]
    keep = np.append(True, (vertex[1:] != vertex[:-1]) | (line[1:] != line[:-1]))[: vertex.size]
    return Chains(lon=lon, lat=lat, vertex=vertex[keep], line=line[keep])
