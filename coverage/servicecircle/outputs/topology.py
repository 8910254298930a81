"""Units as arcs: every stretch of border stands once, whoever shares it.

The way of TopoJSON: a vertex at which two outlines part, or from which they go on to different
neighbours, is a node; between nodes an outline is an arc, and two units on its sides name the same
one. So a shared border is the same line for both, whatever was done to it before.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import shapely

from servicecircle.outputs.payload import SCALE, Geometries

__all__ = ["arc_rings", "encode_units"]

Ints = npt.NDArray[np.int64]
Shape = list[list[list[int]]]

_POLYGON, _LEAST = 3, 3


def encode_units(geometries: Geometries) -> tuple[list[list[int]], list[Shape]]:
    """Return the units of a level as arcs and the numbers of the arcs that bound each.

    Parameters
    ----------
    geometries : ndarray of shapely.Geometry or None, shape (n,)
        In degrees, longitude first. Parts that are not polygons are left out.

    Returns
    -------
    arcs : list of list of int
        Each ``[x0, y0, dx, dy, …]`` in 1e-5 degrees; a ring that nothing else touches ends where
        it begins.
    shapes : list, one per geometry
        Of polygons, of rings (the outer one first), of numbers of arcs in their order; ``~n``
        stands for arc ``n`` backwards. A ring that rounding has flattened is left out.

    Examples
    --------
    >>> squares = np.array([shapely.box(0, 0, 1e-5, 1e-5), shapely.box(1e-5, 0, 2e-5, 1e-5), None])
    >>> arcs, shapes = encode_units(squares)
    >>> len(arcs), shapes
    (3, [[[[0, -2]]], [[[-1, 2]]], []])
    >>> encode_units(np.array([], dtype=object))
    ([], [])
    """
    rings, owners = _rings(geometries)
    shapes: list[Shape] = [[] for _ in geometries]
    if not rings:
        return [], shapes
    points = np.concatenate(rings)
    # One number a vertex: numpy sorts rows of two many times as slowly.
    low = points.min(axis=0)
    width = int(np.ptp(points[:, 1])) + 1
    name = (points[:, 0] - low[0]) * width + points[:, 1] - low[1]
    vertex = np.unique(name, return_inverse=True)[1].astype(np.int64)
    ends = np.cumsum([len(ring) for ring in rings])
    starts = ends - [len(ring) for ring in rings]
    node = _nodes(vertex, starts, ends)

    arcs: list[list[int]] = []
    known: dict[bytes, int] = {}
    rows = zip(owners, starts.tolist(), ends.tolist(), strict=True)
    for (unit, outer), first, last in rows:
        ring = []
        for piece in _pieces(vertex[first:last], node[first:last]):
            at = first + piece
            # The same arc read from either side gets the same name.
            turned = _is_less(vertex[at[::-1]], vertex[at])
            if turned:
                at = at[::-1]
            number = known.setdefault(vertex[at].tobytes(), len(arcs))
            if number == len(arcs):
                arcs.append(np.diff(points[at], axis=0, prepend=0).ravel().tolist())
            ring.append(~number if turned else number)
        if outer:
            shapes[unit].append([ring])
        else:
            shapes[unit][-1].append(ring)
    return arcs, shapes


def arc_rings(arcs: list[list[int]], shape: Shape) -> list[list[Ints]]:
    """Return the rings of a unit as whole hundred-thousandths of a degree, without closing points.

    Parameters
    ----------
    arcs : list of list of int
    shape : list
        Of one unit; both from :func:`encode_units`.

    Returns
    -------
    list, one per polygon
        Of rings, each an ndarray of shape (n, 2).

    Examples
    --------
    >>> arcs, shapes = encode_units(np.array([shapely.box(0, 0, 2e-5, 1e-5)]))
    >>> arc_rings(arcs, shapes[0])[0][0].tolist()
    [[0, 0], [2, 0], [2, 1], [0, 1]]
    >>> arc_rings([], [])
    []
    """
    points = [np.cumsum(np.reshape(arc, (-1, 2)), axis=0) for arc in arcs]

    def line(number: int) -> Ints:
        return points[number] if number >= 0 else points[~number][::-1]

    return [
        [np.concatenate([line(number)[:-1] for number in ring]) for ring in polygon]
        for polygon in shape
    ]


def _rings(geometries: Geometries) -> tuple[list[Ints], list[tuple[int, bool]]]:
    """Return the rings as whole numbers, with the unit and whether each is the outer one."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    # A collection holds multipolygons: take it apart once more.
    parts, inner = shapely.get_parts(parts, return_index=True)
    owner = owner[inner]
    polygons = shapely.get_type_id(parts) == _POLYGON
    parts, owner = parts[polygons], owner[polygons]
    rings, part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    points = np.rint(coordinates * SCALE).astype(np.int64)
    from_ = np.searchsorted(ring, np.arange(len(rings) + 1)).tolist()
    kept, owners = [], []
    begun = -1
    for number, (first, last) in enumerate(pairwise(from_)):
        whole = points[first : last - 1]
        whole = whole[(whole != np.roll(whole, 1, axis=0)).any(axis=1)]
        outer = number == 0 or part[number] != part[number - 1]
        if outer:
            begun = number if len(whole) >= _LEAST else -1
        # Holes of an outline that rounding has flattened go with it.
        if len(whole) >= _LEAST and begun >= 0:
            kept.append(whole)
            owners.append((int(owner[part[number]]), bool(outer)))
    return kept, owners


def _nodes(vertex: Ints, starts: Ints, ends: Ints) -> npt.NDArray[np.bool_]:
    """Return which places are nodes: their vertex has not everywhere the same two neighbours."""
    before, after = np.roll(vertex, 1), np.roll(vertex, -1)
    before[starts], after[ends - 1] = vertex[ends - 1], vertex[starts]
    low, high = np.minimum(before, after), np.maximum(before, after)
    most = int(vertex.max()) + 1
    lowest, highest = np.full((2, most), most), np.full((2, most), -1)
    for at, values in enumerate((low, high)):
        np.minimum.at(lowest[at], vertex, values)
        np.maximum.at(highest[at], vertex, values)
    return np.asarray((lowest != highest).any(axis=0)[vertex])


def _pieces(vertex: Ints, node: npt.NDArray[np.bool_]) -> list[Ints]:
    """Return the places of each arc of a ring, both ends included."""
    cuts = np.flatnonzero(node)
    if not len(cuts):
        # Nothing else touches it, or one other ring all along: both begin at the same vertex.
        cuts = np.array([int(vertex.argmin())])
    turns = np.append(cuts, cuts[0] + len(vertex))
    return [np.arange(first, last + 1) % len(vertex) for first, last in pairwise(turns.tolist())]


def _is_less(one: Ints, other: Ints) -> bool:
    """Return whether one line of vertices comes before another of the same length."""
    apart = np.flatnonzero(one != other)
    return bool(len(apart)) and bool(one[apart[0]] < other[apart[0]])
