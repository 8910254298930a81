"""Roads as they were read: places, straight segments between them, what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MODES",
    "Lines",
    "Mode",
    "RawRoads",
    "WayRules",
    "class_index",
    "name_index",
    "one_place",
    "roads_of",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Codes = NDArray[np.int8]
Mode = Literal["walk", "wheelchair", "ebike", "cycle", "drive"]
MODES: tuple[Mode, ...] = ("walk", "wheelchair", "ebike", "cycle", "drive")

_PER_DEGREE = 1e7
_MOST_CLASSES = 30_000


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
    allowed : mapping of str to numpy.ndarray of int8, shape (m,)
        For each of :data:`MODES`: 0 not allowed, 1 from u to v, 2 from v to u, 3 both ways. Private
        ways are in it as the project's ``[roads] gated`` says.
    private : mapping of str to numpy.ndarray of bool, shape (m,)
        For each mode: whether the way is private for it.
    pushed : numpy.ndarray of bool, shape (m,)
        Whether cyclists have to dismount; ``allowed`` counts it as passable.
    speed_kmh : numpy.ndarray of float, shape (m,)
        Speed limit, or speed of a ferry by its duration; NaN where it is not known.
    ferry : numpy.ndarray of bool, shape (m,)
    structure : numpy.ndarray of bool, shape (m,)
        Bridges, tunnels, and what else does not follow the ground.
    barred : mapping of str to numpy.ndarray of int64
        For each mode: the nodes, ascending, that it may not pass.
    name_index : numpy.ndarray of int32, shape (m,)
        Index into ``road_names``, -1 where the way has no name.
    road_names : tuple of str
        Names of streets, sorted.
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
    oneway: Codes
    allowed: Mapping[Mode, Codes]
    private: Mapping[Mode, Bools]
    pushed: Bools
    speed_kmh: Floats
    ferry: Bools
    structure: Bools
    barred: Mapping[Mode, Ints]
    name_index: NDArray[np.int32]
    road_names: tuple[str, ...]
    source: str
    counts: dict[str, int]

    @property
    def walk(self) -> Bools:
        """Whether each segment may be walked."""
        return np.asarray(self.allowed["walk"] > 0)

    @property
    def gated(self) -> Bools:
        """Whether each segment is private for people on foot."""
        return self.private["walk"]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WayRules:
    """What each of l lines is to each mode; the fields as in :class:`RawRoads`, along the line."""

    allowed: Mapping[Mode, Codes]
    private: Mapping[Mode, Bools]
    pushed: Bools
    speed_kmh: Floats
    ferry: Bools
    structure: Bools

    def at(self, lines: Ints) -> WayRules:
        """Return the rules of some lines, in the order given."""
        return WayRules(
            allowed={mode: codes[lines] for mode, codes in self.allowed.items()},
            private={mode: flags[lines] for mode, flags in self.private.items()},
            pushed=self.pushed[lines],
            speed_kmh=self.speed_kmh[lines],
            ferry=self.ferry[lines],
            structure=self.structure[lines],
        )


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
    rules : WayRules
    names : sequence of str, length l
        "" where a line has no name.
    barred : mapping of str to numpy.ndarray of bool, shape (p,)
        For each mode: the places it may not pass; a mode that is not there passes all.
    """

    lon: Floats
    lat: Floats
    vertex: Ints
    line: Ints
    highway: Sequence[str]
    oneway: Codes
    rules: WayRules
    names: Sequence[str]
    barred: Mapping[Mode, Bools]


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
        both directions of a street are. What either of them allows is allowed; its ``oneway`` is 0
        where the directions differ; all else is of the first one.

    Returns
    -------
    roads : RawRoads
    unused : numpy.ndarray of int64
        Lines that give no segment: of unknown place, or all at one node.

    Examples
    --------
    >>> from dataclasses import replace
    >>> both, no = np.array([3, 3], np.int8), np.zeros(2, np.bool_)
    >>> rules = WayRules(
    ...     allowed=dict.fromkeys(MODES, both),
    ...     private=dict.fromkeys(MODES, no),
    ...     pushed=no,
    ...     speed_kmh=np.full(2, np.nan),
    ...     ferry=no,
    ...     structure=no,
    ... )
    >>> lines = Lines(
    ...     lon=np.array([0.0, 1.0, np.nan]),
    ...     lat=np.zeros(3),
    ...     vertex=np.array([0, 1, 1, 2, 1, 0]),
    ...     line=np.array([0, 0, 0, 0, 1, 1]),
    ...     highway=["path", "path"],
    ...     oneway=np.array([1, 1], np.int8),
    ...     rules=rules,
    ...     names=["", ""],
    ...     barred={},
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
    index, classes = class_index(lines.highway)
    way_class, oneway, rules = index[line], lines.oneway[line], lines.rules.at(line)
    if merge_repeated:
        keep, oneway, rules = _merge(u, v, way_class, oneway, rules)
        tally["segments_repeated"] = int(u.size - keep.size)
        u, v, way_class, line = u[keep], v[keep], way_class[keep], line[keep]
    nodes = np.unique(np.concatenate([u, v]))
    walk = rules.allowed["walk"] > 0
    tally["segments_used"] = int(u.size)
    tally["segments_walkable"] = int(walk.sum())
    tally["nodes"] = int(nodes.size)
    tally["nodes_walkable"] = int(np.unique(np.concatenate([u[walk], v[walk]])).size)
    tally |= {f"segments_{mode}": int((rules.allowed[mode] > 0).sum()) for mode in MODES[1:]}
    tally["segments_private"] = int(rules.private["walk"].sum())
    tally["segments_ferry"] = int(rules.ferry.sum())
    tally["segments_bridge_or_tunnel"] = int(rules.structure.sum())
    lines_in = int(counts.get("lines_in", len(lines.highway)))
    used_lines = len(lines.highway) - unused.size
    name_of_line, road_names = name_index(lines.names)
    nowhere = np.zeros(lines.lon.size, dtype=np.bool_)
    barred = {
        mode: np.flatnonzero(lines.barred.get(mode, nowhere)[nodes]).astype(np.int64)
        for mode in MODES
    }
    tally |= {f"nodes_barred_{mode}": at.size for mode, at in barred.items()}
    roads = RawRoads(
        lon=lines.lon[nodes],
        lat=lines.lat[nodes],
        u=np.searchsorted(nodes, u).astype(np.int64),
        v=np.searchsorted(nodes, v).astype(np.int64),
        way_class=way_class,
        class_names=classes,
        oneway=oneway,
        allowed=rules.allowed,
        private=rules.private,
        pushed=rules.pushed,
        speed_kmh=rules.speed_kmh,
        ferry=rules.ferry,
        structure=rules.structure,
        barred=barred,
        name_index=name_of_line[line],
        road_names=road_names,
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
    u: Ints, v: Ints, way_class: NDArray[np.int16], oneway: Codes, rules: WayRules
) -> tuple[Ints, Codes, WayRules]:
    """Return the first of the segments that are one, in their order, and what they are."""
    low, high = np.minimum(u, v), np.maximum(u, v)
    walk = rules.allowed["walk"] > 0
    order = np.lexsort((walk, way_class, high, low))
    if not order.size:
        return order, oneway, rules
    new = np.ones(order.size, dtype=np.bool_)
    keys = [column[order] for column in (low, high, way_class, walk)]
    new[1:] = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    starts = np.flatnonzero(new)
    # lexsort is stable: the first of each group is the first in the file.
    first = order[starts]
    by_file = np.argsort(first)
    forward = u == low
    sign = np.where(forward, 1, -1).astype(np.int8)
    from_low = (oneway * sign)[order]
    least = np.minimum.reduceat(from_low, starts)
    merged = np.where(least == np.maximum.reduceat(from_low, starts), least, 0).astype(np.int8)
    allowed: dict[Mode, Codes] = {}
    for mode, codes in rules.allowed.items():
        seen = np.where(forward, codes, _turned(codes))[order]
        either = np.bitwise_or.reduceat(seen, starts)
        allowed[mode] = np.where(forward[first], either, _turned(either))[by_file].astype(np.int8)
    keep = first[by_file]
    return keep, (merged * sign[first])[by_file], replace(rules.at(keep), allowed=allowed)


def _turned(codes: Codes) -> Codes:
    """Return what is allowed seen from the other end: 1 and 2 change places."""
    return np.array([0, 2, 1, 3], dtype=np.int8)[codes]


def name_index(names: Sequence[str]) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Return a number for the name of each way, -1 for none, and the names, sorted.

    Examples
    --------
    >>> index, names = name_index(["府前路", "", "解放路", "府前路"])
    >>> index.tolist(), names
    ([0, -1, 1, 0], ('府前路', '解放路'))
    >>> name_index([])[1]
    ()
    """
    found = sorted(set(names) - {""})
    number = {name: at for at, name in enumerate(found)} | {"": -1}
    return np.fromiter((number[name] for name in names), np.int32, len(names)), tuple(found)


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
