"""Roads as they were read: places, straight segments between them, what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Lines", "RawRoads", "class_index", "one_place", "oneway_codes", "roads_of"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_PER_DEGREE = 1e7
_MOST_CLASSES = 30_000
_FORWARD = frozenset({"yes", "true", "1", "f", "ft", "forward"})
_BACKWARD = frozenset({"-1", "reverse", "t", "tf", "backward"})
_BOTH = frozenset({"no", "false", "0", "b", "reversible", "alternating"})


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class RawRoads:
    """Roads as they were read, in WGS84.

    Every vertex is a node, so all segments are straight. Nodes that the source shares are shared;
    lines that cross without a common vertex do not touch.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (n,)
        Nodes, in degrees; each is the end of a segment.
    u, v : numpy.ndarray of int64, shape (m,)
        Ends of each segment. They differ; their places may be the same.
    way_class : numpy.ndarray of int16, shape (m,)
        Index into ``class_names``.
    class_names : tuple of str
        Values of OSM's ``highway``, or of the class column; "" where there is none.
    oneway : numpy.ndarray of int8, shape (m,)
        0 both ways, 1 from u to v, -1 from v to u. Walking ignores it.
    walk : numpy.ndarray of bool, shape (m,)
        Whether the segment may be walked.
    source : str
        The file as the project names it.
    counts : dict of str to int
        ``lines_in = lines_used + lines_set_aside`` and ``segments_in = segments_used +
        segments_without_place + segments_of_one_node + segments_repeated``, among others.
    """

    lon: Floats
    lat: Floats
    u: Ints
    v: Ints
    way_class: NDArray[np.int16]
    class_names: tuple[str, ...]
    oneway: NDArray[np.int8]
    walk: Bools
    source: str
    counts: dict[str, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Lines:
    """Lines as chains of vertices.

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (p,)
        Places, in degrees; NaN where a place is not known.
    vertex : numpy.ndarray of int64, shape (k,)
        Place of each vertex, one line after the other.
    line : numpy.ndarray of int64, shape (k,)
        Line of each vertex, ascending.
    highway : sequence of str, length l
    oneway : numpy.ndarray of int8, shape (l,)
    walk : numpy.ndarray of bool, shape (l,)
    """

    lon: Floats
    lat: Floats
    vertex: Ints
    line: Ints
    highway: Sequence[str]
    oneway: NDArray[np.int8]
    walk: Bools


def roads_of(
    lines: Lines, *, source: str, counts: Mapping[str, int], merge_repeated: bool
) -> tuple[RawRoads, Ints]:
    """Cut lines into straight segments.

    Set aside and counted are segments with an end of unknown place and segments from a node to
    itself.

    Parameters
    ----------
    lines : Lines
    source : str
    counts : mapping of str to int
        ``lines_in``, and what the reader counted; a line that gives no segment is set aside.
    merge_repeated : bool
        Whether segments between the same two nodes, of one class and equally walkable, are one:
        both directions of a street are. Its ``oneway`` is 0 where the directions differ.

    Returns
    -------
    roads : RawRoads
    unused : numpy.ndarray of int64
        Lines that give no segment: of unknown place, or all at one node.

    Examples
    --------
    >>> from dataclasses import replace
    >>> lines = Lines(
    ...     lon=np.array([0.0, 1.0, np.nan]),
    ...     lat=np.zeros(3),
    ...     vertex=np.array([0, 1, 1, 2, 1, 0]),
    ...     line=np.array([0, 0, 0, 0, 1, 1]),
    ...     highway=["path", "path"],
    ...     oneway=np.array([1, 1], np.int8),
    ...     walk=np.array([True, True]),
    ... )
    >>> roads, _ = roads_of(lines, source="a", counts={"lines_in": 2}, merge_repeated=True)
    >>> roads.u.tolist(), roads.v.tolist(), roads.oneway.tolist(), roads.counts["segments_repeated"]
    ([0], [1], [0], 1)
    >>> nowhere = replace(lines, lon=np.full(3, np.nan))
    >>> roads_of(nowhere, source="a", counts={}, merge_repeated=False)[1].tolist()
    [0, 1]
    """
    inside = lines.line[1:] == lines.line[:-1]
    u, v, line = lines.vertex[:-1][inside], lines.vertex[1:][inside], lines.line[1:][inside]
    placed = np.isfinite(lines.lon) & np.isfinite(lines.lat)
    known = placed[u] & placed[v]
    apart = u != v
    tally = {
        "segments_in": int(u.size),
        "segments_without_place": int((~known).sum()),
        "segments_of_one_node": int((known & ~apart).sum()),
        "segments_repeated": 0,
    }
    use = known & apart
    u, v, line = u[use], v[use], line[use]
    unused = np.setdiff1d(np.arange(len(lines.highway), dtype=np.int64), line)
    index, names = class_index(lines.highway)
    way_class, oneway, walk = index[line], lines.oneway[line], lines.walk[line]
    if merge_repeated:
        keep, oneway = _merge(u, v, way_class, oneway, walk)
        tally["segments_repeated"] = int(u.size - keep.size)
        u, v, way_class, walk = u[keep], v[keep], way_class[keep], walk[keep]
    nodes = np.unique(np.concatenate([u, v]))
    tally["segments_used"] = int(u.size)
    tally["segments_walkable"] = int(walk.sum())
    tally["nodes"] = int(nodes.size)
    tally["nodes_walkable"] = int(np.unique(np.concatenate([u[walk], v[walk]])).size)
    lines_in = int(counts.get("lines_in", len(lines.highway)))
    used_lines = len(lines.highway) - unused.size
    roads = RawRoads(
        lon=lines.lon[nodes],
        lat=lines.lat[nodes],
        u=np.searchsorted(nodes, u).astype(np.int64),
        v=np.searchsorted(nodes, v).astype(np.int64),
        way_class=way_class,
        class_names=names,
        oneway=oneway,
        walk=walk,
        source=source,
        counts={
            "lines_in": lines_in,
            "lines_used": used_lines,
            "lines_set_aside": lines_in - used_lines,
            **{key: int(value) for key, value in counts.items() if key != "lines_in"},
            **tally,
        },
    )
    return roads, unused


def _merge(
    u: Ints, v: Ints, way_class: NDArray[np.int16], oneway: NDArray[np.int8], walk: Bools
) -> tuple[Ints, NDArray[np.int8]]:
    """Return the first of the segments that are one, in their order, and their directions."""
    low, high = np.minimum(u, v), np.maximum(u, v)
    order = np.lexsort((walk, way_class, high, low))
    new = np.ones(order.size, dtype=np.bool_)
    keys = [column[order] for column in (low, high, way_class, walk)]
    if order.size:
        new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    group = np.cumsum(new) - 1
    starts = np.flatnonzero(new)
    # lexsort is stable: the first of each group is the first in the file.
    first = order[starts]
    from_low = (oneway * np.where(u == low, 1, -1))[order]
    least = np.ones(starts.size, dtype=np.int8)
    most = -least
    np.minimum.at(least, group, from_low)
    np.maximum.at(most, group, from_low)
    merged = np.where((least == most), least, 0).astype(np.int8)
    merged *= np.where(u[first] == low[first], 1, -1).astype(np.int8)
    by_file = np.argsort(first)
    return first[by_file], merged[by_file]


def class_index(highway: Sequence[str]) -> tuple[NDArray[np.int16], tuple[str, ...]]:
    """Return a number for the class of each way, and the names, sorted.

    Examples
    --------
    >>> index, names = class_index(["steps", "path", "steps"])
    >>> index.tolist(), names
    ([1, 0, 1], ('path', 'steps'))
    >>> class_index([])[1]
    ()
    """
    names = sorted(set(highway))
    if len(names) > _MOST_CLASSES:
        # A column of names instead of classes; what is past the limit of int16 is one class.
        names = [*names[:_MOST_CLASSES], "other"]
    number = {name: at for at, name in enumerate(names)}
    last = len(names) - 1
    index = np.fromiter((number.get(name, last) for name in highway), np.int16, len(highway))
    return index, tuple(names)


def one_place(lon: Floats, lat: Floats) -> tuple[Ints, Ints]:
    """Find the vertices at one place: equal when rounded to 1e-7 degrees (1 cm).

    Parameters
    ----------
    lon, lat : numpy.ndarray of float, shape (k,)
        Finite degrees.

    Returns
    -------
    first : numpy.ndarray of int64, shape (p,)
        The first vertex of each place, places in ascending order of longitude, then latitude.
    place : numpy.ndarray of int64, shape (k,)
        Place of each vertex.

    Examples
    --------
    >>> first, place = one_place(np.array([1.0, 0.0, 1.0 + 1e-9]), np.zeros(3))
    >>> first.tolist(), place.tolist()
    ([1, 0], [1, 0, 1])
    >>> one_place(np.empty(0), np.empty(0))[1].size
    0
    """
    east = np.rint(lon * _PER_DEGREE).astype(np.int64)
    north = np.rint(lat * _PER_DEGREE).astype(np.int64)
    # 3.6e9 times 1.8e9 steps fit into 63 bits.
    code = east * np.int64(2_000_000_011) + north
    _, first, place = np.unique(code, return_index=True, return_inverse=True)
    return first.astype(np.int64), place.astype(np.int64)


def oneway_codes(
    oneway: Sequence[str], highway: Sequence[str], junction: Sequence[str]
) -> NDArray[np.int8]:
    """Return the directions of ways for vehicles: 0 both, 1 as drawn, -1 against.

    Motorways and roundabouts are one-way unless they say otherwise.

    Examples
    --------
    >>> oneway_codes(["", "-1", "no"], ["motorway", "service", "motorway"], ["", "", ""]).tolist()
    [1, -1, 0]
    >>> oneway_codes([""], ["residential"], ["roundabout"]).tolist()
    [1]
    """
    codes: dict[tuple[str, str, str], int] = {}
    ways = list(zip(oneway, highway, junction, strict=True))
    for way in set(ways):
        said = way[0].strip().lower()
        if said in _FORWARD:
            codes[way] = 1
        elif said in _BACKWARD:
            codes[way] = -1
        elif said in _BOTH:
            codes[way] = 0
        else:
            codes[way] = int(way[1] == "motorway" or way[2] in ("roundabout", "circular"))
    return np.fromiter((codes[way] for way in ways), np.int8, len(ways))
