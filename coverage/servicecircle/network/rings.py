"""Rings closed from cuts, and their holes put into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from servicecircle.network.compiled import compiled

__all__ = ["closed_rings", "nested_rings"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_NONE = -1
# Rings smaller than this, in square metres, are nothing but rounding.
_SPECK = 1e-6


@compiled()
def closed_rings(x: Floats, y: Floats, after: Ints) -> tuple[Floats, Ints, Floats]:
    """Return the vertices of closed rings, where each begins, and its area, below 0 for holes."""
    cuts = after.size
    vertices = np.empty((3 * cuts + 1, 2))
    starts, areas = np.zeros(cuts + 1, np.int64), np.empty(cuts)
    done = np.zeros(cuts, np.bool_)
    count, rings = 0, 0
    for first in range(cuts):
        if done[first]:
            continue
        begin, at = count, first
        while not done[at]:
            done[at] = True
            vertices[count, 0], vertices[count, 1] = x[2 * at], y[2 * at]
            count += 1
            end, at = 2 * at + 1, after[at]
            if at < 0:
                raise ValueError("a border that does not close")
            if x[end] != x[2 * at] or y[end] != y[2 * at]:
                vertices[count, 0], vertices[count, 1] = x[end], y[end]
                count += 1
        x0, y0 = vertices[begin, 0], vertices[begin, 1]
        vertices[count, 0], vertices[count, 1] = x0, y0
        count += 1
        twice = 0.0
        for k in range(begin, count - 1):
            twice += (vertices[k, 0] - x0) * (vertices[k + 1, 1] - y0)
            twice -= (vertices[k + 1, 0] - x0) * (vertices[k, 1] - y0)
        if abs(twice) < 2.0 * _SPECK:
            count = begin
            continue
        areas[rings] = twice / 2.0
        rings += 1
        starts[rings] = count
    return vertices[:count], starts[: rings + 1], areas[:rings]


@compiled()
def _boxes(vertices: Floats, starts: Ints) -> Floats:
    """Return the least x and y and the largest x and y of each ring."""
    boxes = np.empty((starts.size - 1, 4))
    for ring in range(starts.size - 1):
        west, south, east, north = np.inf, np.inf, -np.inf, -np.inf
        for k in range(starts[ring], starts[ring + 1]):
            west, east = min(west, vertices[k, 0]), max(east, vertices[k, 0])
            south, north = min(south, vertices[k, 1]), max(north, vertices[k, 1])
        boxes[ring, 0], boxes[ring, 1], boxes[ring, 2], boxes[ring, 3] = west, south, east, north
    return boxes


@compiled()
def _holds(vertices: Floats, first: int, last: int, x: float, y: float) -> bool:
    """Tell whether a point lies in a ring, given by its first vertex and after its last."""
    inside = False
    for k in range(first, last - 1):
        ay, by = vertices[k, 1], vertices[k + 1, 1]
        if (ay > y) != (by > y):
            ax, bx = vertices[k, 0], vertices[k + 1, 0]
            if x < ax + (bx - ax) * ((y - ay) / (by - ay)):
                inside = not inside
    return inside


@compiled()
def _owners(vertices: Floats, starts: Ints, areas: Floats, shells: Ints, boxes: Floats) -> Ints:
    """Return the shell of each ring: itself, or for holes the least one that holds it."""
    owner = np.arange(areas.size)
    for hole in range(areas.size):
        if areas[hole] > 0.0:
            continue
        likely, tried = _NONE, False
        for at in range(shells.size):
            shell = shells[at]
            if (
                boxes[shell, 0] > boxes[hole, 0] or boxes[shell, 1] > boxes[hole, 1]
                or boxes[shell, 2] < boxes[hole, 2] or boxes[shell, 3] < boxes[hole, 3]
            ):  # fmt: skip
                continue
            if likely == _NONE:
                likely = shell
                continue
            # Several may hold it: those before were not asked yet, but for the last of them.
            x, y = vertices[starts[hole], 0], vertices[starts[hole], 1]
            if not tried and _holds(vertices, starts[likely], starts[likely + 1], x, y):
                break
            tried, likely = True, shell
            if _holds(vertices, starts[shell], starts[shell + 1], x, y):
                break
        owner[hole] = likely
    return owner


def nested_rings(vertices: Floats, starts: Ints, areas: Floats) -> tuple[Floats, Ints, Ints]:
    """Put holes into the shells that they lie in.

    Parameters
    ----------
    vertices : numpy.ndarray of float, shape (n, 2)
    starts : numpy.ndarray of int64, shape (r + 1,)
        Where the vertices of each ring begin.
    areas : numpy.ndarray of float, shape (r,)
        Below 0 for holes.

    Returns
    -------
    vertices : numpy.ndarray of float, shape (n, 2)
        Ring by ring, each shell followed by its holes.
    ring_starts, polygon_starts : numpy.ndarray of int64
        Where each ring begins among the vertices, and each polygon among the rings.

    Examples
    --------
    >>> shell = [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]
    >>> hole, island = [[1, 1], [1, 5], [5, 5], [1, 1]], [[2, 3], [3, 4], [2, 4], [2, 3]]
    >>> rings = np.array([*hole, *island, *shell], float)
    >>> starts, areas = np.array([0, 4, 8, 13]), np.array([-8.0, 0.5, 81.0])
    >>> _, ring_starts, polygon_starts = nested_rings(rings, starts, areas)
    >>> ring_starts.tolist(), polygon_starts.tolist()
    ([0, 4, 9, 13], [0, 1, 3])
    >>> nested_rings(np.empty((0, 2)), np.zeros(1, int), np.empty(0))[2].tolist()
    [0]
    """
    shells = np.flatnonzero(areas > 0.0)
    shells = shells[np.argsort(areas[shells], kind="stable")]
    owner = _owners(vertices, starts, areas, shells, _boxes(vertices, starts))
    return _in_order(vertices, starts, areas, owner)


@compiled()
def _in_order(
    vertices: Floats, starts: Ints, areas: Floats, owner: Ints
) -> tuple[Floats, Ints, Ints]:
    rings = areas.size
    # Chains of the holes of each shell, in their order.
    first, onward = np.full(rings, _NONE, np.int64), np.full(rings, _NONE, np.int64)
    for hole in range(rings - 1, -1, -1):
        if owner[hole] != hole and owner[hole] != _NONE:
            onward[hole] = first[owner[hole]]
            first[owner[hole]] = hole
    out = np.empty((vertices.shape[0], 2))
    ring_starts, polygon_starts = np.zeros(rings + 1, np.int64), np.zeros(rings + 1, np.int64)
    count, ring, polygons = 0, 0, 0
    for shell in range(rings):
        if owner[shell] != shell:
            continue
        at = shell
        while at != _NONE:
            size = starts[at + 1] - starts[at]
            for k in range(size):
                out[count + k, 0] = vertices[starts[at] + k, 0]
                out[count + k, 1] = vertices[starts[at] + k, 1]
            count += size
            ring += 1
            ring_starts[ring] = count
            at = first[shell] if at == shell else onward[at]
        polygons += 1
        polygon_starts[polygons] = ring
    return out[:count], ring_starts[: ring + 1], polygon_starts[: polygons + 1]
